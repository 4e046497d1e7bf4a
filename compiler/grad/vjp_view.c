/* vjp_view.c: gradients of the operators that move elements without computing: each one's transpose. */
#include "rules.h"

void vjp_reshape(const Pull *p) {
    const Type *x = p->node->args[0]->type;
    p->give[0] = ir_reshape(p->g, p->ct, x->rank, x->dims);
}
void vjp_transpose(const Pull *p) {
    int back[RANK_MAX];
    for (int i = 0; i < p->node->type->rank; i++) back[p->node->at->perm.v[i]] = i;
    p->give[0] = ir_transpose(p->g, p->ct, back);
}
void vjp_broadcast(const Pull *p) { /* the sum over the new axes */
    const List *dims = &p->node->at->dims;
    int axes[RANK_MAX], n = 0;
    for (int i = 0, j = 0; i < p->node->type->rank; i++) {
        if (j < dims->n && dims->v[j] == i) j++;
        else axes[n++] = i;
    }
    p->give[0] = ir_sum(p->g, p->ct, n, axes);
}
/* y[i] = x[j], m j = a i + b K + c. For a fixed K each j has at most one i, a i = m j - b K - c, so this is affine again; its
** divisor must be positive. What came from `fill` has no gradient, and what no i reads gets 0. */
void vjp_affine(const Pull *p) {
    const Attrs *at = p->node->at;
    i64 size = p->node->args[0]->type->dims[at->axis];
    int axis = (int)at->axis, k = (int)at->k;
    p->give[0] = at->a > 0 ? ir_affine(p->g, p->ct, axis, size, at->m, at->a, -at->c, k, -at->b, 0)
                           : ir_affine(p->g, p->ct, axis, size, -at->m, -at->a, at->c, k, at->b, 0);
}
void vjp_concat(const Pull *p) {
    int axis = (int)p->node->at->axis;
    i64 low = 0;
    for (int i = 0; i < p->node->n_args; i++) {
        i64 n = p->node->args[i]->type->dims[axis];
        if (p->want[i]) p->give[i] = ir_slice(p->g, p->ct, axis, low, low + n, 1);
        low += n;
    }
}

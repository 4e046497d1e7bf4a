/* vjp_sum.c: gradients of reductions, products and indexing. */
#include "rules.h"

/* The axes 0..rank-1 that `used` does not have, in rising order; returns how many. */
static int free_axes(int rank, const List *a, const List *b, int *out) {
    bool used[RANK_MAX] = {0};
    int n = 0;
    for (int i = 0; i < a->n; i++) used[a->v[i]] = true;
    for (int i = 0; b && i < b->n; i++) used[b->v[i]] = true;
    for (int i = 0; i < rank; i++)
        if (!used[i]) out[n++] = i;
    return n;
}
void vjp_sum(const Pull *p) {
    const Type *x = p->node->args[0]->type;
    int keep[RANK_MAX];
    free_axes(x->rank, &p->node->at->axes, NULL, keep);
    p->give[0] = ir_broadcast(p->g, p->ct, x->rank, x->dims, keep);
}
/* All to the first largest, as `top` names it: the summed axes are brought to the end and made one, [kept.., n]. */
void vjp_amax(const Pull *p) {
    Graph *g = p->g;
    Node *x = p->node->args[0];
    const List *axes = &p->node->at->axes;
    int rank = x->type->rank, perm[RANK_MAX], back[RANK_MAX], kept = free_axes(rank, axes, NULL, perm);
    for (int i = 0; i < axes->n; i++) perm[kept + i] = (int)axes->v[i];
    for (int i = 0; i < rank; i++) back[perm[i]] = i;
    Node *moved = ir_transpose(g, x, perm);
    i64 flat[RANK_MAX], n = x->type->count / p->node->type->count;
    for (int i = 0; i < kept; i++) flat[i] = p->node->type->dims[i];
    flat[kept] = n;
    Node *best = ir_spread(g, ir_argmax(g, ir_reshape(g, moved, kept + 1, flat)), kept, n);
    Node *hit = ir_eq(g, best, ir_lead(g, ir_iota(g, n), kept, flat));
    Node *ct = ir_spread(g, p->ct, kept, n), *d = ir_select(g, hit, ct, ir_fill(g, 0, ct->type));
    p->give[0] = ir_transpose(g, ir_reshape(g, d, rank, moved->type->dims), back);
}

/* One side of a dot. The product of the cotangent [batch, left free, right free] with the other operand over the other's free
** axes gives [batch, my free axes, the other's contracted axes, rising]; then each goes to its place in my operand. */
static Node *dot_side(const Pull *p, int mine) {
    const Attrs *at = p->node->at;
    const Node *x = p->node->args[mine];
    Node *other = p->node->args[1 - mine];
    const List *xb = mine ? &at->rb : &at->lb, *ob = mine ? &at->lb : &at->rb, *xc = mine ? &at->rc : &at->lc,
               *oc = mine ? &at->lc : &at->rc;
    int xf[RANK_MAX], of[RANK_MAX], nb = xb->n, nxf = free_axes(x->type->rank, xb, xc, xf),
                                    nof = free_axes(other->type->rank, ob, oc, of);
    int lead[RANK_MAX] = {0}, batch[RANK_MAX] = {0}, theirs[RANK_MAX] = {0};
    for (int i = 0; i < nb; i++) lead[i] = i, batch[i] = (int)ob->v[i];
    for (int i = 0; i < nof; i++) theirs[i] = nb + (mine ? 0 : nxf) + i;
    Node *d = ir_dot(p->g, p->ct, other, nb, lead, batch, nof, theirs, of);
    int perm[RANK_MAX], at_axis = 0; /* perm[axis of x] = axis of d */
    for (int i = 0; i < nb; i++) perm[xb->v[i]] = at_axis++;
    for (int i = 0; i < nxf; i++) perm[xf[i]] = at_axis++;
    for (int j = 0; j < other->type->rank; j++)
        for (int i = 0; i < oc->n; i++)
            if (oc->v[i] == j) perm[xc->v[i]] = at_axis++;
    return ir_transpose(p->g, d, perm);
}
void vjp_dot(const Pull *p) {
    for (int i = 0; i < 2; i++)
        if (p->want[i]) p->give[i] = dot_side(p, i);
}
void vjp_take(const Pull *p) {
    const Attrs *at = p->node->at;
    const Node *x = p->node->args[0];
    if (p->want[0]) p->give[0] = ir_put(p->g, p->ct, p->node->args[1], x->type->dims[at->axis], (int)at->axis, (int)at->batch);
}
void vjp_put(const Pull *p) {
    const Attrs *at = p->node->at;
    if (p->want[0]) p->give[0] = ir_take(p->g, p->ct, p->node->args[1], (int)at->axis, (int)at->batch);
}

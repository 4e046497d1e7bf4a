/* unfold.c: the input gradient of a convolution is a product over windows, not windows of a product added up:
**
**     sum over k of affine{axis o, k}(dot(g, w))  ->  dot(affine(spread g), w), k contracted too
**
** where o is an axis of g alone and k one of w alone; through `add`; for several window axes at once. Then it is a convolution
** itself, so this also holds at the next order. Folds of other values (pooling) stay as they are. */
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"

/* Where an axis of a product comes from: side 0 left, 1 right, 2 both, and which axis there. */
typedef struct From {
    int side, axis;
} From;
/* affine nodes from the sum downwards, then the product and the order of its axes. */
typedef struct Fold {
    Node *sum;
    Node *folds[RANK_MAX];
    int n;
    Node *dot;
    From place[RANK_MAX]; /* of each axis under the folds */
} Fold;

static void dot_sources(const Node *dot, From *place) {
    const Attrs *at = dot->at;
    int free[RANK_MAX], n = 0;
    for (int i = 0; i < at->lb.n; i++) place[n++] = (From){2, i};
    for (int side = 0; side < 2; side++) {
        int count = axes_free(dot->args[side]->type->rank, side ? at->rb : at->lb, side ? at->rc : at->lc, free);
        for (int i = 0; i < count; i++) place[n++] = (From){side, free[i]};
    }
}
/* Fills `fold` from the sum's operand; the node under the folds is returned. */
static Node *peel_folds(Fold *fold, Node *x) {
    while (x->op == OP_affine && x->at->k >= 0 && list_has(fold->sum->at->axes, x->at->k) && x->at->fill == 0 && fold->n < RANK_MAX) {
        fold->folds[fold->n++] = x;
        x = x->args[0];
    }
    return x;
}
static bool find_dot(Fold *fold, Node *x) {
    const Node *perm = x->op == OP_transpose ? x : NULL;
    From place[RANK_MAX];
    if (perm) x = perm->args[0];
    if (x->op != OP_dot || fold->n != fold->sum->at->axes.n) return false;
    fold->dot = x;
    dot_sources(x, place);
    for (int i = 0; i < x->type->rank; i++) fold->place[i] = place[perm ? perm->at->perm.v[i] : i];
    int moving = fold->place[fold->folds[0]->at->axis].side;
    for (int i = 0; i < fold->n; i++) {
        const Attrs *at = fold->folds[i]->at;
        if (moving == 2 || fold->place[at->axis].side != moving || fold->place[at->k].side != 1 - moving) return false;
        for (int j = 0; j < i; j++)
            if (fold->folds[j]->at->k == at->k || fold->folds[j]->at->axis == at->axis) return false;
    }
    return true;
}
static Node *product(Graph *g, const Fold *fold) {
    const Attrs *at = fold->dot->at;
    int moving = fold->place[fold->folds[0]->at->axis].side;
    Node *x = fold->dot->args[moving], *w = fold->dot->args[1 - moving];
    List xb = moving ? at->rb : at->lb, wb = moving ? at->lb : at->rb, xc = moving ? at->rc : at->lc, wc = moving ? at->lc : at->rc;
    int x_batch[RANK_MAX], w_batch[RANK_MAX], x_over[RANK_MAX], w_over[RANK_MAX], n = xc.n;
    for (int i = 0; i < xb.n; i++) x_batch[i] = (int)xb.v[i], w_batch[i] = (int)wb.v[i];
    for (int i = 0; i < n; i++) x_over[i] = (int)xc.v[i], w_over[i] = (int)wc.v[i];
    for (int i = fold->n - 1; i >= 0; i--, n++) { /* a new last axis on x for each window axis */
        const Node *f = fold->folds[i];
        const Attrs *a = f->at;
        int last = x->type->rank;
        x = ir_affine(g, ir_spread(g, x, last, f->type->dims[a->k]), fold->place[a->axis].axis, a->size, a->a, a->m, a->c, last, a->b, 0);
        x_over[n] = last;
        w_over[n] = fold->place[a->k].axis;
    }
    return moving ? ir_dot(g, w, x, xb.n, w_batch, x_batch, n, w_over, x_over)
                  : ir_dot(g, x, w, xb.n, x_batch, w_batch, n, x_over, w_over);
}
/* The product's axes in the order that the sum had them. */
static Node *in_order(Graph *g, const Fold *fold, Node *dot) {
    From now[RANK_MAX];
    int perm[RANK_MAX], n = 0;
    dot_sources(dot, now);
    for (int i = 0; i < fold->dot->type->rank; i++) {
        if (list_has(fold->sum->at->axes, i)) continue;
        for (int j = 0; j < dot->type->rank; j++)
            if (now[j].side == fold->place[i].side && now[j].axis == fold->place[i].axis) perm[n] = j;
        n++;
    }
    return ir_transpose(g, dot, perm);
}
/* NULL: this sum is no fold of products. */
static Node *unfold_sum(Graph *g, Node *sum) {
    Fold fold = {.sum = sum};
    Node *x = peel_folds(&fold, sum->args[0]);
    if (!fold.n) return NULL;
    if (x->op == OP_add) { /* folding is linear: each term by itself */
        Node *term[2];
        for (int i = 0; i < 2; i++) {
            Node *v = x->args[i];
            for (int j = fold.n - 1; j >= 0; j--) v = node_with_args(g, fold.folds[j], &v);
            if (!(term[i] = unfold_sum(g, node_with_args(g, sum, &v)))) return NULL;
        }
        return ir_add(g, term[0], term[1]);
    }
    return find_dot(&fold, x) ? in_order(g, &fold, product(g, &fold)) : NULL;
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    return node->op == OP_sum ? unfold_sum(g, node_with_args(g, node, args)) : NULL;
}
const Func *pass_unfold(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }

/* contract.c: a sum over a batch axis of a product contracts that axis, outermost: the gradient of weights that tasks or
** examples share is one product. Through `add` and `transpose`. */
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"

/* perm: axis i of the sum's operand is axis perm[i] of the product. */
static Node *longer_dot(Graph *g, const Node *dot, const int *perm, List axes) {
    const Attrs *at = dot->at;
    int lb[RANK_MAX], rb[RANK_MAX], lc[RANK_MAX], rc[RANK_MAX], nb = 0, nc = 0, rank = dot->type->rank;
    bool gone[RANK_MAX] = {false};
    for (int i = 0; i < axes.n; i++) {
        if (perm[axes.v[i]] >= at->lb.n) return NULL;
        gone[perm[axes.v[i]]] = true;
    }
    for (int i = 0; i < at->lb.n; i++) {
        int *n = gone[i] ? &nc : &nb;
        (gone[i] ? lc : lb)[*n] = (int)at->lb.v[i];
        (gone[i] ? rc : rb)[(*n)++] = (int)at->rb.v[i];
    }
    for (int i = 0; i < at->lc.n; i++, nc++) lc[nc] = (int)at->lc.v[i], rc[nc] = (int)at->rc.v[i];
    Node *longer = ir_dot(g, dot->args[0], dot->args[1], nb, lb, rb, nc, lc, rc);
    int place[RANK_MAX], back[RANK_MAX], left = 0, n = 0;
    for (int i = 0; i < rank; i++) place[i] = gone[i] ? -1 : left++;
    for (int i = 0; i < rank; i++)
        if (!list_has(axes, i)) back[n++] = place[perm[i]];
    return ir_transpose(g, longer, back);
}
static Node *contract_sum(Graph *g, Node *sum) {
    Node *x = sum->args[0];
    int perm[RANK_MAX];
    if (x->op == OP_add) {
        Node *a = contract_sum(g, node_with_args(g, sum, &x->args[0])), *b;
        if (!a || !(b = contract_sum(g, node_with_args(g, sum, &x->args[1])))) return NULL;
        return ir_add(g, a, b);
    }
    for (int i = 0; i < x->type->rank; i++) perm[i] = x->op == OP_transpose ? (int)x->at->perm.v[i] : i;
    if (x->op == OP_transpose) x = x->args[0];
    return x->op == OP_dot ? longer_dot(g, x, perm, sum->at->axes) : NULL;
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    return node->op == OP_sum ? contract_sum(g, node_with_args(g, node, args)) : NULL;
}
const Func *pass_contract(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }

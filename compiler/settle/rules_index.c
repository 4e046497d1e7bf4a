/* rules_index.c: rows of rewrite.def on take and put: so that the loss of a classifier is read at the labels, and its gradient is
** elementwise.
**
** take: x [B.. P.. n R..], i [B.. I..] -> [B.. P.. I.. R..]; put is its transpose. */
#include "simplify.h"

static int n_index(const Node *n) { return n->args[1]->type->rank - (int)n->at->batch; }
Node *rule_take_broadcast(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    int places[RANK_MAX] = {0}, axis = (int)n->at->axis;
    Node *fill = node_fill(x);
    if (fill) return ir_broadcast(rw->g, fill, n->type->rank, n->type->dims, NULL);
    if (x->op != OP_broadcast || list_has(x->at->dims, axis)) return NULL;
    for (int i = 0; i < x->at->dims.n; i++) places[i] = (int)x->at->dims.v[i] + (x->at->dims.v[i] > axis ? n_index(n) - 1 : 0);
    return ir_broadcast(rw->g, x->args[0], n->type->rank, n->type->dims, places);
}
/* Worth it for any map that is not needed elsewhere, and for a simple one even then. */
Node *rule_take_map(const Rewriting *rw, Node *n) {
    Node *x = n->args[0], *args[3];
    bool simple = x->op == OP_add || x->op == OP_sub || x->op == OP_mul || x->op == OP_neg || x->op == OP_cast;
    if (op_loop_class(x->op) != LOOP_map || x->op == OP_random || n->type->count >= x->type->count) return NULL;
    if (!simple && !rw->single[0]) return NULL;
    for (int i = 0; i < x->n_args; i++) args[i] = ir_take(rw->g, x->args[i], n->args[1], (int)n->at->axis, (int)n->at->batch);
    return node_make(rw->g, x->op, x->n_args, args, x->at);
}
/* y [B.. P.. R..], i [B..] -> [B.. P.. n R..]. Indices outside count as the nearest, as put has it. */
Node *rule_put_select(const Rewriting *rw, Node *n) {
    Graph *g = rw->g;
    Node *y = n->args[0], *i = n->args[1];
    int axis = (int)n->at->axis, batch[RANK_MAX];
    if (n_index(n) != 0) return NULL;
    for (int b = 0; b < n->at->batch; b++) batch[b] = b;
    i = ir_max(g, ir_min(g, i, ir_fill(g, (double)(n->at->size - 1), i->type)), ir_fill(g, 0, i->type));
    Node *at = ir_broadcast(g, i, n->type->rank, n->type->dims, batch);
    Node *place = ir_broadcast(g, ir_iota(g, n->at->size), n->type->rank, n->type->dims, &axis);
    return ir_select(g, ir_eq(g, at, place), ir_spread(g, y, axis, n->at->size), ir_fill(g, 0, n->type));
}

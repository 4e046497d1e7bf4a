/* rules_index.c: rows of rewrite.def on take: so that the loss of a classifier is computed at the labels alone.
**
** take: x [B.. P.. n R..], i [B.. I..] -> [B.. P.. I.. R..] */
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
/* Will the operand be stored as it is, were this map not between? Then the map itself is the better thing to store. */
static bool is_result(const Node *a, i64 axis) {
    if (a->op == OP_broadcast && !list_has(a->at->dims, axis)) return false;
    a = node_under_views((Node *)a);
    return op_loop_class(a->op) == LOOP_anchor || a->op == OP_get || a->op == OP_arg;
}
/* Worth it for any map that is not needed elsewhere, and even then for a simple one of other maps. */
Node *rule_take_map(const Rewriting *rw, Node *n) {
    Node *x = n->args[0], *args[3];
    bool simple = x->op == OP_add || x->op == OP_sub || x->op == OP_mul || x->op == OP_neg || x->op == OP_cast;
    if (op_loop_class(x->op) != LOOP_map || x->op == OP_random || n->type->count >= x->type->count) return NULL;
    for (int i = 0; i < x->n_args; i++) simple &= !is_result(x->args[i], n->at->axis);
    if (!simple && !rw->single[0]) return NULL;
    for (int i = 0; i < x->n_args; i++) args[i] = ir_take(rw->g, x->args[i], n->args[1], (int)n->at->axis, (int)n->at->batch);
    return node_make(rw->g, x->op, x->n_args, args, x->at);
}

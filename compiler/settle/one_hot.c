/* one_hot.c: a put of one index a slice is a select, index = place ? y : 0: elementwise, so it is part of the kernel that reads it,
** as the gradient of a classifier's loss is of its softmax. Late, because rules know more about put. */
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"

/* y [B.. P.. R..], i [B..] -> [B.. P.. n R..]. Indices outside count as the nearest, as put has it. */
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    const Attrs *at = node->at;
    if (node->op != OP_put || args[1]->type->rank != at->batch) return NULL;
    Node *y = args[0], *i = args[1];
    int axis = (int)at->axis, batch[RANK_MAX];
    for (int b = 0; b < at->batch; b++) batch[b] = b;
    i = ir_max(g, ir_min(g, i, ir_fill(g, (double)(at->size - 1), i->type)), ir_fill(g, 0, i->type));
    Node *index = ir_broadcast(g, i, node->type->rank, node->type->dims, batch);
    Node *place = ir_broadcast(g, ir_iota(g, at->size), node->type->rank, node->type->dims, &axis);
    return ir_select(g, ir_eq(g, index, place), ir_spread(g, y, axis, at->size), ir_fill(g, 0, node->type));
}
const Func *pass_one_hot(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }

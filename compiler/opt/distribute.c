/* distribute.c: an elementwise operator on concats of the same parts is done on each part: what a record flattened goes leaf by
** leaf again, each fused with its own producer. Fills go along. */
#include "loops.h"

static const Node *concat_like(Node *const *args, int n) {
    const Node *like = NULL;
    for (int i = 0; i < n; i++) {
        if (args[i]->op != OP_concat) {
            if (!node_fill(args[i])) return NULL;
            continue;
        }
        if (!like) like = args[i];
        if (args[i]->at->axis != like->at->axis || args[i]->n_args != like->n_args) return NULL;
        for (int j = 0; j < like->n_args; j++)
            if (!type_same_dims(args[i]->args[j]->type, like->args[j]->type)) return NULL;
    }
    return like;
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    const Pass *pass = context;
    const Node *like = op_loop_class(node->op) == LOOP_map && node->op != OP_random ? concat_like(args, node->n_args) : NULL;
    if (!like) return NULL;
    Nodes parts = {0};
    for (int j = 0; j < like->n_args; j++) {
        const Type *type = like->args[j]->type;
        Node *part[3];
        for (int i = 0; i < node->n_args; i++)
            part[i] = args[i]->op == OP_concat ? args[i]->args[j] : ir_broadcast(g, node_fill(args[i]), type->rank, type->dims, NULL);
        vec_push(pass->scratch, &parts, node_make(g, node->op, node->n_args, part, node->at));
    }
    return ir_concat(g, parts.n, parts.v, (int)like->at->axis);
}
const Func *pass_distribute(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, (void *)pass); }

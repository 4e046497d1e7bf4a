/* once.c: what a loop is given in its first round alone, and only adds to a carried value there, is part of what it begins with:
** the gradient of a net that reads a sequence to its end enters its backward loop there. The other rounds would add zeros.
**
** Such an x is a zero pad of one round, under transposes; in the body it is read once, by `carried + x`, and so is the carried
** value. */
#include "scans.h"
#include "settle.h"

/* The value of the first round, if all others are zero: [..] of [length, ..]; else NULL. */
static Node *first_round(Graph *g, const Node *scan, Node *operand) {
    const Node *pad = operand;
    int axis = 0, perm[RANK_MAX];
    for (int i = 0; i < operand->type->rank; i++) perm[i] = i;
    for (; pad->op == OP_transpose; pad = pad->args[0])
        for (int i = 0; i < operand->type->rank; i++) perm[i] = (int)pad->at->perm.v[perm[i]];
    axis = perm[0];
    const Attrs *at = pad->at;
    if (pad->op != OP_affine || at->axis != axis || at->a != 1 || at->m != 1 || at->k >= 0 || at->fill != 0) return NULL;
    if (pad->args[0]->type->dims[axis] != 1 || -at->c != (scan->at->reverse ? scan->at->length - 1 : 0)) return NULL;
    return ir_reshape(g, ir_transpose(g, pad->args[0], perm), operand->type->rank - 1, operand->type->dims + 1);
}
/* The carried value that x is added to, if both are read only there; -1: there is none. */
static int added_to(const Node *scan, NodeList nodes, const Uses *uses, const Node *x, Node **sum) {
    if (uses_count(uses, x) != 1) return -1;
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        if (node->op != OP_add || (node->args[0] != x && node->args[1] != x)) continue;
        const Node *other = node->args[node->args[0] == x];
        bool carried = other->op == OP_arg && other->at->index < scan->at->carry && uses_count(uses, other) == 1;
        *sum = node;
        return carried && dtype_real(node->type->dtype) ? (int)other->at->index : -1;
    }
    return -1;
}
static bool change(void *context, Graph *g, Node *scan, Node **results) {
    const Pass *pass = context;
    const Func *body = scan->at->body;
    NodeList nodes = order_walk(pass->scratch, body->results, body->n_results);
    Uses uses = uses_of(pass->scratch, nodes, body->results, body->n_results);
    NodeMap map = {.arena = pass->scratch};
    Node **operands = ARENA_ARRAY(pass->scratch, Node *, scan->n_args + 1);
    for (int i = 0; i < scan->n_args; i++) operands[i] = scan->args[i];
    for (int i = scan_first_x(scan); i < scan->n_args; i++) {
        Node *sum, *value = first_round(g, scan, scan->args[i]);
        int carried = value ? added_to(scan, nodes, &uses, ir_arg(g, i, body->params[i]), &sum) : -1;
        if (carried < 0) continue;
        operands[carried] = ir_add(g, operands[carried], value);
        nodemap_set(&map, sum, ir_arg(g, carried, body->params[carried]));
    }
    if (!map.n) return false;
    Node **changed = ARENA_ARRAY(pass->scratch, Node *, body->n_results + 1);
    substitute(g, pass->scratch, &map, body->results, body->n_results, changed);
    body = func_make(g, body->n_params, body->params, body->n_results, changed);
    int first_x = scan_first_x(scan);
    ir_scan(g, body, (int)scan->at->carry, (int)scan->at->constants, scan->n_args - first_x, operands, scan->at->length,
            scan->at->reverse != 0, results);
    return true;
}
const Func *pass_once(const Pass *pass, const Func *f) {
    return pass_tidy(pass, func_rewrite_scans(pass->g, f, change, (void *)pass));
}

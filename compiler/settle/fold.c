/* fold.c: what is known is computed here, by the interpreter's own code, so the bits are those of a run.
**
** Known: constants, iota, and views of known values. A result of at most 4096 elements is stored as a constant; one whose
** elements are all equal as the broadcast of a scalar, which costs nothing and which other rules see. A broadcast is never
** stored: it is how its reader addresses memory. Loops are left alone. */
#include "../ir/eval.h"
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"
#include <string.h>

enum { STORED = 4096, OPERAND = 1 << 16 }; /* elements */

static bool is_known(const Node *node) {
    while (op_loop_class(node->op) == LOOP_view && node->n_args == 1 && node->op != OP_get) node = node->args[0];
    return node->op == OP_const || node->op == OP_iota;
}
static Node *constant(Graph *g, const Tensor *t) {
    size_t each = (size_t)dtype_bytes(t->type->dtype);
    bool equal = true;
    for (i64 i = 1; i < t->type->count && equal; i++) equal = memcmp(t->data, (const u8 *)t->data + (size_t)i * each, each) == 0;
    if (!equal) return ir_const(g, t->type->dtype, t->type->rank, t->type->dims, t->data);
    return ir_broadcast(g, ir_const(g, t->type->dtype, 0, NULL, t->data), t->type->rank, t->type->dims, NULL);
}
static bool can_fold(const Node *node, Node *const *args) {
    switch ((int)op_loop_class(node->op)) {
    case LOOP_map:
    case LOOP_view:
    case LOOP_anchor: break;
    default: return false;
    }
    if (!node->n_args || node->op == OP_broadcast || node->op == OP_get || node->type->count > STORED) return false;
    for (int i = 0; i < node->n_args; i++)
        if (!is_known(args[i]) || args[i]->type->count > OPERAND) return false;
    return true;
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    const Pass *pass = context;
    if (node->op == OP_const && node->type->rank > 0) return constant(g, &(Tensor){node->type, (void *)node->at->data.v});
    if (!can_fold(node, args)) return NULL;
    Node *whole = node_with_args(g, node, args);
    const Func *f = func_make(g, 0, NULL, 1, &whole);
    Tensor result = tensor_new(pass->scratch, whole->type);
    func_eval(f, NULL, &result);
    return constant(g, &result);
}
const Func *pass_fold(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, (void *)pass); }

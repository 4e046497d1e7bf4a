/* verify.c: the rules of graph.h checked again on a finished function, from outside: what a pass made by going around the
** constructor, or left behind, is found here. Each body is checked once. */
#include "rules.h"
#include "text.h"
#include "../base/map.h"

typedef struct Verifier {
    Graph *g;
    Arena *scratch;
    bool settled;
    Map seen; /* functions */
} Verifier;

static const char *about(Verifier *v, const Node *node, const char *what) {
    Text text = {.arena = v->scratch};
    text_printf(&text, "%s\n  ", what);
    node_print(&text, node);
    for (int i = 0; i < node->n_args; i++) {
        text_printf(&text, "\n  operand %d: ", i);
        node_print(&text, node->args[i]);
    }
    return text_done(&text);
}
static const char *verify_type(Verifier *v, const Node *node) {
    const char *extra = attrs_outside(node->at, op_attributes(node->op));
    if (extra) return about(v, node, arena_printf(v->scratch, "it has an attribute that is not its: %s", extra));
    Infer in = {.g = v->g, .op = node->op, .at = node->at, .n = node->n_args, .args = node->args};
    const Type *type = infer_type(&in);
    if (!type) return about(v, node, in.why);
    if (type != node->type) return about(v, node, "its type is not the one its operands give");
    if (in.too_large || type->count >= COUNT_LIMIT) return about(v, node, "it has 2^47 elements or more");
    return NULL;
}
static const char *verify_node(Verifier *v, const Func *f, const Node *node) {
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i]->id >= node->id) return about(v, node, "an operand is no older than its user");
    if (node->op == OP_hole) return about(v, node, "a hole is left");
    if (node->op == OP_arg && node->at->index >= f->n_params) return about(v, node, "there is no such argument");
    if (node->op == OP_arg && node->type != f->params[node->at->index]) return about(v, node, "the argument has another type");
    if (v->settled && (node->op == OP_mark || node->op == OP_stop)) return about(v, node, "it must not be left after settle");
    if (v->settled && (node->op == OP_sum || node->op == OP_dot) && node->at->order == ORDER_UNSET)
        return about(v, node, "its order is not fixed");
    return verify_type(v, node);
}
static const char *verify_func(Verifier *v, const Func *f) {
    if (map_has(&v->seen, map_key(f))) return NULL;
    map_set_ptr(&v->seen, f, (void *)f);
    const char *why = NULL;
    NodeList nodes = order_walk(v->scratch, f->results, f->n_results);
    for (int i = 0; i < nodes.n && !why; i++) {
        Node *node = nodes.v[i];
        why = verify_node(v, f, node);
        if (!why && node->op == OP_scan) why = verify_func(v, node->at->body);
    }
    for (int i = 0; i < f->n_results && !why; i++)
        if (f->results[i]->type->dtype == DT_TUPLE) why = about(v, f->results[i], "a result is many values");
    return why;
}
const char *func_verify(Arena *scratch, const Graph *g, const Func *f, bool settled) {
    Verifier v = {(Graph *)g, scratch, settled, {.arena = scratch}};
    return verify_func(&v, f);
}

/* scans.c: see scans.h. */
#include "scans.h"

int nodes_place(const Nodes *nodes, const Node *node) {
    for (int i = 0; i < nodes->n; i++)
        if (nodes->v[i] == node) return i;
    return -1;
}
bool scan_same_rounds(const Node *a, const Node *b) {
    const Attrs *x = a->at, *y = b->at;
    if (a->n_args != b->n_args || x->length != y->length || x->reverse != y->reverse || x->carry != y->carry ||
        x->constants != y->constants)
        return false;
    for (int i = 0; i < a->n_args; i++)
        if (a->args[i] != b->args[i] || x->body->params[i] != y->body->params[i]) return false;
    for (i64 i = 0; i < x->carry; i++)
        if (x->body->results[i] != y->body->results[i]) return false;
    return true;
}
void nodes_reached_xs(Arena *scratch, const Nodes *roots, const Nodes *holes, const Nodes *xs, Nodes *x, Nodes *walked) {
    NodeList reached = order_walk(scratch, roots->v, roots->n);
    NodeMap is = {.arena = scratch};
    for (int i = 0; i < reached.n; i++) nodemap_set(&is, reached.v[i], reached.v[i]);
    for (int i = 0; i < holes->n; i++) {
        if (!nodemap_get(&is, holes->v[i])) continue;
        vec_push(scratch, x, holes->v[i]);
        vec_push(scratch, walked, xs->v[i]);
    }
}
/* The scan that only carries, with the operands that takes: equal for scans that walk alike. */
static const Node *core_of(Graph *g, Arena *scratch, const Node *scan) {
    const Func *body = scan->at->body;
    Nodes carry = {0}, holes = {0}, xs = {0}, x = {0}, walked = {0}, next = {0};
    NodeMap map = {.arena = scratch};
    for (int i = 0; i < body->n_params; i++) {
        Node *in = scan->args[i];
        if (i < scan->at->carry || i >= scan_first_x(scan)) in = ir_hole(g, body->params[i]);
        if (i < scan->at->carry) vec_push(scratch, &carry, in);
        if (i >= scan_first_x(scan)) {
            vec_push(scratch, &holes, in);
            vec_push(scratch, &xs, scan->args[i]);
        }
        nodemap_set(&map, ir_arg(g, i, body->params[i]), in);
    }
    next.n = next.cap = carry.n;
    next.v = ARENA_ARRAY(scratch, Node *, carry.n);
    substitute(g, scratch, &map, body->results, carry.n, next.v);
    nodes_reached_xs(scratch, &next, &holes, &xs, &x, &walked);
    Node **out = ARENA_ARRAY(scratch, Node *, carry.n);
    ir_scan_region(g, &(Region){carry.n, x.n, 0, carry.v, x.v, next.v, NULL, scan->args, walked.v, scan->at->length,
                                   scan->at->reverse != 0}, out);
    return out[0]->args[0];
}
bool scan_walks_alike(Graph *g, Arena *scratch, const Node *a, const Node *b) {
    const Attrs *x = a->at, *y = b->at;
    if (scan_same_rounds(a, b)) return true;
    if (x->length != y->length || x->reverse != y->reverse || x->carry != y->carry || x->carry == 0) return false;
    for (i64 i = 0; i < x->carry; i++)
        if (a->args[i] != b->args[i]) return false;
    return core_of(g, scratch, a) == core_of(g, scratch, b);
}

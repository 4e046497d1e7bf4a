/* sink.c: a product that only the stacked values need, and all that follows from it, is made after the loop for all rounds at
** once: the output layer over a recurrent one. What it reads of a round becomes a y, or is an x already. */
#include "loops.h"

/* How an operand of what moves is had after the loop: a view of what it is a view of. */
static void note_source(Loop *l, Node *a, const NodeMap *moved, Nodes *ys, NodeMap *place, NodeMap *lifted) {
    a = node_under_views(a);
    if (nodemap_get(moved, a) || nodemap_get(lifted, a) || a->op == OP_const || a->op == OP_iota) return;
    if (a->op == OP_arg && a->at->index >= l->carry && a->at->index < l->first_x) return; /* a constant: outside as it is */
    nodemap_set(lifted, a, a);
    if (a->op == OP_arg && a->at->index >= l->first_x) return;
    int at = nodes_place(ys, a);
    if (at < 0) {
        at = ys->n;
        vec_push(l->scratch, ys, a);
    }
    int *cell = ARENA_NEW(l->scratch, int);
    *cell = at;
    nodemap_set(place, a, cell);
}
/* Which nodes move: those that no carried result needs and that a product among them leads to. */
static NodeMap find_moved(Loop *l, NodeList nodes) {
    NodeMap kept = {.arena = l->scratch}, moved = {.arena = l->scratch};
    NodeList inner = order_walk(l->scratch, l->body->results, l->carry);
    Nodes products = {0};
    for (int i = 0; i < inner.n; i++) nodemap_set(&kept, inner.v[i], inner.v[i]);
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_dot && !nodemap_get(&kept, nodes.v[i])) vec_push(l->scratch, &products, nodes.v[i]);
    NodeMap after = depends_on(l->scratch, l->body->results + l->carry, l->n_results - l->carry, products.v, products.n);
    for (int i = 0; i < nodes.n; i++)
        if (products.n && nodemap_get(&after, nodes.v[i])) nodemap_set(&moved, nodes.v[i], nodes.v[i]);
    return moved;
}
static bool change(void *context, Graph *g, Node *scan, Node **results) {
    const Pass *pass = context;
    Loop l = loop_of(g, pass->scratch, scan);
    NodeList nodes = order_walk(l.scratch, l.body->results + l.carry, l.n_results - l.carry);
    NodeMap moved = find_moved(&l, nodes), place = {.arena = l.scratch}, lifted = {.arena = l.scratch}, map = {.arena = l.scratch};
    if (!moved.n) return false;
    Nodes ys = {0}, want = {0}, all = {0};
    for (int i = l.carry; i < l.n_results; i++) {
        Node *y = l.body->results[i];
        if (nodemap_get(&moved, y)) vec_push(l.scratch, &want, y);
        else if (nodes_place(&ys, y) < 0) vec_push(l.scratch, &ys, y);
    }
    for (int i = 0; i < nodes.n; i++)
        for (int j = 0; nodemap_get(&moved, nodes.v[i]) && j < nodes.v[i]->n_args; j++)
            note_source(&l, nodes.v[i]->args[j], &moved, &ys, &place, &lifted);
    for (int i = 0; i < l.carry; i++) vec_push(l.scratch, &all, l.body->results[i]);
    for (int i = 0; i < ys.n; i++) vec_push(l.scratch, &all, ys.v[i]);
    Node **out = ARENA_ARRAY(l.scratch, Node *, all.n + 1), **after = ARENA_ARRAY(l.scratch, Node *, want.n + 1);
    bool *is_lifted = ARENA_ARRAY(l.scratch, bool, want.n + 1);
    if (all.n) loop_remake(&l, &all, &(Nodes){0}, &(Nodes){0}, out);
    for (int i = l.carry; i < l.n_params; i++) nodemap_set(&map, l.param[i], scan->args[i]);
    for (int i = 0; i < ys.n; i++)
        if (nodemap_get(&place, ys.v[i])) nodemap_set(&map, ys.v[i], out[l.carry + i]);
    lift_nodes(g, l.scratch, &map, &lifted, l.length, want.v, want.n, after, is_lifted);
    for (int i = 0; i < l.carry; i++) results[i] = out[i];
    for (int i = l.carry; i < l.n_results; i++) {
        int at = nodes_place(&want, l.body->results[i]);
        if (at < 0) results[i] = out[l.carry + nodes_place(&ys, l.body->results[i])];
        else results[i] = is_lifted[at] ? after[at] : ir_lead(g, after[at], 1, &l.length);
    }
    return true;
}
const Func *pass_sink(const Pass *pass, const Func *f) {
    return pass_tidy(pass, func_rewrite_scans(pass->g, f, change, (void *)pass));
}

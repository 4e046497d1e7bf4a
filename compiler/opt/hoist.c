/* hoist.c: a product of what a round gets from outside, its xs and constants, is made before the loop for all rounds at once:
** the input product of a recurrent layer becomes one large product. By lifting, so each round's part has the bits it had. With a bound on
** what loops may keep (--memory), what a backward loop computes again from kept values is computed round by round: for all rounds at once it
** would take the memory that keeping it does. */
#include "loops.h"

/* Params that walk over what another loop has kept. */
static Nodes kept_params(const Loop *l) {
    Nodes kept = {0};
    for (int i = l->first_x; i < l->n_params; i++) {
        const Node *walked = node_under_views(l->scan->args[i]);
        if (walked->op == OP_get && walked->at->index >= walked->args[0]->at->carry) vec_push(l->scratch, &kept, l->param[i]);
    }
    return kept;
}
static bool change(void *context, Graph *g, Node *scan, Node **results) {
    const Pass *pass = context;
    Loop l = loop_of(g, pass->scratch, scan);
    NodeMap carried = depends_on(l.scratch, l.body->results, l.n_results, l.param, l.carry);
    NodeMap rounds = depends_on(l.scratch, l.body->results, l.n_results, l.param + l.first_x, l.n_params - l.first_x);
    NodeList nodes = order_walk(l.scratch, l.body->results, l.n_results);
    Nodes work = {0}, outer = {0}, all = {0}, kept = {0};
    if (pass->memory >= 0) kept = kept_params(&l);
    NodeMap again = depends_on(l.scratch, l.body->results, l.n_results, kept.v, kept.n);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        bool stays = nodemap_get(&carried, node) || nodemap_get(&again, node);
        if (node->op == OP_dot && nodemap_get(&rounds, node) && !stays) vec_push(l.scratch, &work, node);
    }
    if (!work.n) return false;
    NodeMap map = {.arena = l.scratch}, lifted = {.arena = l.scratch};
    for (int i = 0; i < l.n_params; i++) {
        nodemap_set(&map, l.param[i], scan->args[i]);
        if (i >= l.first_x) nodemap_set(&lifted, l.param[i], l.param[i]);
    }
    Node **outside = ARENA_ARRAY(l.scratch, Node *, work.n);
    bool *is_lifted = ARENA_ARRAY(l.scratch, bool, work.n);
    lift_nodes(g, l.scratch, &map, &lifted, l.length, work.v, work.n, outside, is_lifted);
    for (int i = 0; i < work.n; i++) /* behind a loop, what counts as depending on an x may not */
        vec_push(l.scratch, &outer, is_lifted[i] ? outside[i] : ir_lead(g, outside[i], 1, &l.length));
    for (int i = 0; i < l.n_results; i++) vec_push(l.scratch, &all, l.body->results[i]);
    loop_remake(&l, &all, &work, &outer, results);
    return true;
}
const Func *pass_hoist(const Pass *pass, const Func *f) {
    return pass_tidy(pass, func_rewrite_scans(pass->g, f, change, (void *)pass));
}

/* keep.c: a backward loop begins each round by computing the forward round again from the values it was handed. Where the
** forward loop has the same node, it hands that over as a y instead: the same bits, computed once. Only what costs a product, a
** transcendental function or a loop is worth its memory; with a bound on memory, the dearest per byte come first.
**
** A back loop reads loop F if one of its xs is a y of F. Then its params that are ys of F, or operands that F has too, stand for
** nodes of F's body, and what it computes from those alone is found there, because equal nodes are one. Bodies first, then the
** loops around them: a loop that the back body runs again is then handed over with all that its own back loop reads of it.
** Runs before hoist and sink, which move such nodes. */
#include "loops.h"
#include "../base/map.h"
#include <stdlib.h>

/* One value that can be handed over. */
typedef struct Hand {
    Node *back, *from; /* scans */
    Node *node;        /* in the body of back */
    Node *value;       /* the same in the body of from */
    double cost;       /* of computing it, in additions, for all rounds; 0: it is handed over already */
    i64 bytes;
    bool chosen;
    int arrival;
} Hand;
typedef struct Keep {
    Graph *g;
    Arena *scratch;
    i64 memory; /* left; -1: no bound */
    Map done;   /* function -> kept */
    VEC(Hand) hands;
} Keep;

/* ---- what it costs to compute a value again */
static double func_cost(const Func *f);
static double node_cost(const Node *node) {
    enum { TRANSCENDENTAL = 20 };
    double n = node->op == OP_scan ? 0 : (double)node->type->count;
    if (op_is_transcendental(node->op)) return TRANSCENDENTAL * n;
    switch ((int)node->op) {
    case OP_dot: return 2 * n * (double)node->args[0]->type->count / (double)(node->type->count ? node->type->count : 1) + 2 * n;
    case OP_scan: return (double)node->at->length * func_cost(node->at->body);
    default: return op_loop_class(node->op) == LOOP_map || op_loop_class(node->op) == LOOP_anchor ? n : 0;
    }
}
static double func_cost(const Func *f) {
    Arena *scratch = arena_new("cost");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    double total = 0;
    for (int i = 0; i < nodes.n; i++) total += node_cost(nodes.v[i]);
    arena_free(scratch);
    return total;
}
static bool is_dear(const Node *node) {
    if (op_is_transcendental(node->op)) return true;
    switch ((int)node->op) {
    case OP_dot:
    case OP_top:
    case OP_scan: return true;
    default: return false;
    }
}
/* All below the node down to what is handed over anyway; 0: nothing dear. */
static double cost_again(Keep *k, Node *node, const NodeMap *given) {
    NodeList nodes = order_walk(k->scratch, &node, 1);
    double total = 0;
    bool dear = false;
    for (int i = 0; i < nodes.n; i++) {
        if (nodemap_get(given, nodes.v[i])) continue;
        total += node_cost(nodes.v[i]);
        dear |= is_dear(nodes.v[i]);
    }
    return dear ? total : 0;
}

/* ---- which nodes of a back loop are nodes of a forward loop */
static NodeMap known_params(const Loop *back, const Loop *from, bool *reads) {
    NodeMap same = {.arena = back->scratch};
    *reads = false;
    for (int i = back->carry; i < back->n_params; i++) {
        const Node *operand = back->scan->args[i];
        bool walked = i >= back->first_x;
        if (walked && operand->op == OP_get && operand->args[0] == from->scan && operand->at->index >= from->carry) {
            nodemap_set(&same, back->param[i], from->body->results[operand->at->index]);
            *reads = true;
            continue;
        }
        for (int j = walked ? from->first_x : from->carry; j < (walked ? from->n_params : from->first_x); j++)
            if (from->scan->args[j] == operand) {
                nodemap_set(&same, back->param[i], from->param[j]);
                break;
            }
    }
    return same;
}
/* A scan in the back body that walks as one of the forward body does, ys aside: its values are that one's, or ys which that one
** gets when `tidy` merges the two. */
typedef struct Twin {
    const Node *forward;
    Node *scan; /* the back body's, on the forward body's operands */
} Twin;
/* Does the same walk, seen from the carried part alone? That part's nodes are the forward's own, or both have the same core. */
static const Node *walks_alike(const Loop *from, NodeList forward, Node *scan) {
    for (int i = 0; i < forward.n; i++)
        if (forward.v[i]->op == OP_scan && scan_walks_alike(from->g, from->scratch, forward.v[i], scan)) return forward.v[i];
    return NULL;
}
static Node *get_of_twin(Graph *g, const Twin *twin, i64 index) {
    const Func *ours = twin->scan->at->body, *theirs = twin->forward->at->body;
    if (index < twin->scan->at->carry) return ir_get(g, (Node *)twin->forward, index);
    for (i64 i = twin->forward->at->carry; i < theirs->n_results; i++)
        if (theirs->results[i] == ours->results[index]) return ir_get(g, (Node *)twin->forward, i);
    return ir_get(g, twin->scan, index);
}
/* Extends `same` to what is computed from known values and also stands in the forward body. */
static void find_same(const Loop *back, const Loop *from, NodeList nodes, NodeMap *same) {
    NodeMap have = {.arena = back->scratch}, twins = {.arena = back->scratch};
    NodeList forward = order_walk(back->scratch, from->body->results, from->n_results);
    for (int i = 0; i < forward.n; i++) nodemap_set(&have, forward.v[i], forward.v[i]);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], **args = ARENA_ARRAY(back->scratch, Node *, node->n_args);
        const Twin *known = node->op == OP_get ? nodemap_get(&twins, node->args[0]) : NULL;
        bool all = node->op != OP_arg;
        for (int j = 0; j < node->n_args && all; j++) all = (args[j] = nodemap_get(same, node->args[j])) != NULL;
        if (known) nodemap_set(same, node, get_of_twin(back->g, known, node->at->index));
        if (!all || known) continue;
        Node *twin = node_with_args(back->g, node, args);
        const Node *alike = node->op == OP_scan ? walks_alike(from, forward, twin) : NULL;
        if (alike) {
            Twin *pair = ARENA_NEW(back->scratch, Twin);
            *pair = (Twin){alike, twin};
            nodemap_set(&twins, node, pair);
        }
        if (alike || nodemap_get(&have, twin)) nodemap_set(same, node, twin);
    }
}
/* What is offered counts as given for what is computed from it. */
static void offer(Keep *k, const Loop *back, const Loop *from, NodeMap *given, Node *node, Node *value) {
    Hand hand = {back->scan, from->scan, node, value, 0, 0, false, k->hands.n};
    bool is_y = false;
    for (int i = from->carry; i < from->n_results; i++) is_y |= from->body->results[i] == value;
    hand.cost = cost_again(k, node, given) * (double)back->length;
    if (hand.cost == 0) return;
    hand.bytes = is_y ? 0 : type_bytes(value->type) * back->length;
    vec_push(k->scratch, &k->hands, hand);
    nodemap_set(given, node, value);
}
/* The frontier: known nodes that something unknown, or the result, reads. */
static void compare_loops(Keep *k, const Loop *back, const Loop *from) {
    bool reads;
    NodeMap same = known_params(back, from, &reads), given = {.arena = k->scratch};
    if (!reads) return;
    NodeList nodes = order_walk(k->scratch, back->body->results, back->n_results);
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_arg) nodemap_set(&given, nodes.v[i], nodes.v[i]);
    find_same(back, from, nodes, &same);
    NodeMap front = {.arena = k->scratch};
    for (int i = 0; i < nodes.n; i++)
        for (int j = 0; j < nodes.v[i]->n_args && !nodemap_get(&same, nodes.v[i]); j++)
            nodemap_set(&front, nodes.v[i]->args[j], nodes.v[i]);
    for (int i = 0; i < back->n_results; i++) nodemap_set(&front, back->body->results[i], back->scan);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], *value = nodemap_get(&same, node);
        if (!value || !nodemap_get(&front, node) || !node->n_args || node->op == OP_scan || node_is_cheap(node)) continue;
        bool offered = false; /* by an earlier loop */
        for (int h = 0; h < k->hands.n; h++) offered |= k->hands.v[h].back == back->scan && k->hands.v[h].node == node;
        if (!offered) offer(k, back, from, &given, node, value);
    }
}

/* ---- the choice */
static int dearest_first(const void *a, const void *b) {
    const Hand *x = a, *y = b;
    double p = x->cost / (double)(x->bytes + 1), q = y->cost / (double)(y->bytes + 1);
    return p > q ? -1 : p < q ? 1 : x->arrival - y->arrival;
}
static int by_arrival(const void *a, const void *b) { return ((const Hand *)a)->arrival - ((const Hand *)b)->arrival; }
static bool shares_memory(const Keep *k, const Hand *hand) { /* chosen for another reader: the same y */
    for (int i = 0; i < k->hands.n; i++) {
        const Hand *other = &k->hands.v[i];
        if (other != hand && other->chosen && other->from == hand->from && other->value == hand->value) return true;
    }
    return false;
}
static void choose(Keep *k) {
    if (k->memory >= 0 && k->hands.n) qsort(k->hands.v, (size_t)k->hands.n, sizeof *k->hands.v, dearest_first);
    for (int i = 0; i < k->hands.n; i++) {
        Hand *hand = &k->hands.v[i];
        i64 bytes = shares_memory(k, hand) ? 0 : hand->bytes;
        if (k->memory >= 0 && bytes > k->memory) continue;
        if (k->memory >= 0) k->memory -= bytes;
        hand->chosen = true;
    }
    if (k->hands.n) qsort(k->hands.v, (size_t)k->hands.n, sizeof *k->hands.v, by_arrival);
}

/* ---- the change */
/* The further ys of a loop, in order of arrival. */
static Nodes extra_ys(const Keep *k, const Node *scan) {
    Nodes extra = {0};
    for (int i = 0; i < k->hands.n; i++) {
        const Hand *hand = &k->hands.v[i];
        if (hand->chosen && hand->from == scan && nodes_place(&extra, hand->value) < 0) vec_push(k->scratch, &extra, hand->value);
    }
    return extra;
}
static Node *remake(const Keep *k, const NodeMap *now, Node *scan, Node *const *args) {
    Node *moved = node_with_args(k->g, scan, args);
    Loop l = loop_of(k->g, k->scratch, moved);
    Nodes extra = extra_ys(k, scan), x = {0}, xs = {0}, all = {0};
    for (int i = 0; i < k->hands.n; i++) {
        const Hand *hand = &k->hands.v[i];
        if (!hand->chosen || hand->back != scan) continue;
        Nodes theirs = extra_ys(k, hand->from);
        i64 place = hand->from->at->body->n_results + nodes_place(&theirs, hand->value);
        vec_push(k->scratch, &x, hand->node);
        vec_push(k->scratch, &xs, ir_get(k->g, nodemap_get(now, hand->from), place));
    }
    if (!extra.n && !x.n) return moved;
    for (int i = 0; i < l.n_results; i++) vec_push(k->scratch, &all, l.body->results[i]);
    for (int i = 0; i < extra.n; i++) vec_push(k->scratch, &all, extra.v[i]);
    Node **out = ARENA_ARRAY(k->scratch, Node *, all.n);
    loop_remake(&l, &all, &x, &xs, out);
    return out[0]->args[0];
}
static const Func *keep_level(Keep *k, const Func *f) {
    NodeList nodes = order_walk(k->scratch, f->results, f->n_results);
    VEC(Loop) loops = {0};
    k->hands.n = 0;
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_scan) vec_push(k->scratch, &loops, loop_of(k->g, k->scratch, nodes.v[i]));
    for (int i = 0; i < loops.n; i++)
        for (int j = 0; j < i; j++)
            if (loops.v[j].length == loops.v[i].length) compare_loops(k, &loops.v[i], &loops.v[j]);
    if (!k->hands.n) return f;
    choose(k);
    NodeMap now = {.arena = k->scratch};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], **args = ARENA_ARRAY(k->scratch, Node *, node->n_args);
        for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&now, node->args[j]);
        nodemap_set(&now, node, node->op == OP_scan ? remake(k, &now, node, args) : node_with_args(k->g, node, args));
    }
    Node **results = ARENA_ARRAY(k->scratch, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&now, f->results[i]);
    return func_make(k->g, f->n_params, f->params, f->n_results, results);
}
static const Func *keep_func(Keep *k, const Pass *pass, const Func *f);
static const Func *keep_bodies(Keep *k, const Pass *pass, const Func *f) {
    NodeList nodes = order_walk(k->scratch, f->results, f->n_results);
    NodeMap now = {.arena = k->scratch};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], **args = ARENA_ARRAY(k->scratch, Node *, node->n_args);
        for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&now, node->args[j]);
        Attrs at = *node->at;
        if (node->op == OP_scan) at.body = keep_func(k, pass, at.body);
        nodemap_set(&now, node, node->op == OP_scan ? node_like(k->g, node, args, &at) : node_with_args(k->g, node, args));
    }
    Node **results = ARENA_ARRAY(k->scratch, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&now, f->results[i]);
    return func_make(k->g, f->n_params, f->params, f->n_results, results);
}
static const Func *keep_func(Keep *k, const Pass *pass, const Func *f) {
    const Func *found = map_get_ptr(&k->done, f);
    if (found) return found;
    const Func *made = pass_tidy(pass, keep_level(k, keep_bodies(k, pass, f)));
    map_set_ptr(&k->done, f, (void *)made);
    return made;
}
const Func *pass_keep(const Pass *pass, const Func *f) {
    Keep k = {.g = pass->g, .scratch = pass->scratch, .memory = pass->memory, .done.arena = pass->scratch};
    return pass_tidy(pass, keep_func(&k, pass, f));
}

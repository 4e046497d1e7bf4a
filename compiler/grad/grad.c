/* grad.c: the walk of vjp, see grad.h. What an operator's gradient is stands in the rules; here only: who gets a cotangent,
** and in which order contributions are added.
**
** The walk is order_walk from the outputs, backwards: every user of a node comes before the node. A contribution is added when
** the user is visited, to the right of what is there: users in reverse order of the walk, a user's operands from left to right.
** Only nodes that depend on a target take part, and only real ones carry a cotangent. */
#include "grad.h"
#include "rules.h"

typedef void Rule(const Pull *p);
static Rule *const rules[OP_COUNT] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) [OP_##name] = vjp_##grad,
#include "../ir/op.def"
#undef OP
};

typedef struct Walk {
    Graph *g;
    Arena *scratch;
    NodeMap depends;   /* on a target */
    NodeMap is_target;
    NodeMap ct;        /* node -> its cotangent so far */
    NodeMap scan_cts;  /* scan -> Node *[n results], NULL entries: none yet */
} Walk;

static void give(Walk *w, const Node *to, Node *ct) {
    if (!ct || !nodemap_get(&w->depends, to) || !dtype_real(to->type->dtype)) return;
    Node *before = nodemap_get(&w->ct, to);
    nodemap_set(&w->ct, to, before ? ir_add(w->g, before, ct) : ct);
}
static void visit_get(Walk *w, const Node *get) {
    const Node *scan = get->args[0];
    Node *ct = nodemap_get(&w->ct, get), **cts = nodemap_get(&w->scan_cts, scan);
    if (!ct) return;
    if (!cts) {
        cts = ARENA_ARRAY(w->scratch, Node *, scan->type->rank);
        nodemap_set(&w->scan_cts, scan, cts);
    }
    i64 i = get->at->index;
    cts[i] = cts[i] ? ir_add(w->g, cts[i], ct) : ct;
}
static void visit(Walk *w, Node *node) {
    Pull p = {.g = w->g, .node = node};
    if (node->op == OP_scan) p.cts = nodemap_get(&w->scan_cts, node);
    else p.ct = nodemap_get(&w->ct, node);
    if (!p.ct && !p.cts) return;
    bool *want = ARENA_ARRAY(w->scratch, bool, node->n_args + 1), any = false;
    for (int i = 0; i < node->n_args; i++) any |= want[i] = nodemap_get(&w->depends, node->args[i]) != NULL;
    if (!any) return; /* a target whose operands depend on no other: here the paths begin */
    p.want = want;
    p.give = ARENA_ARRAY(w->scratch, Node *, node->n_args + 1);
    graph_origin(w->g, node->origin); /* the gradient of a layer is shown under that layer */
    rules[node->op](&p);
    for (int i = 0; i < node->n_args; i++) give(w, node->args[i], p.give[i]);
}
void vjp(Graph *g, int n_outputs, Node *const *outputs, Node *const *cotangents, int n_targets, Node *const *targets, bool zero,
         Node **result) {
    Arena *scratch = arena_new("a gradient");
    const Origin *origin = graph_origin_now(g);
    Walk w = {.g = g, .scratch = scratch, .ct.arena = scratch, .scan_cts.arena = scratch};
    w.depends = depends_on(scratch, outputs, n_outputs, targets, n_targets);
    for (int i = 0; i < n_outputs; i++) {
        nnc_check(!cotangents[i] || cotangents[i]->type == outputs[i]->type, "the cotangent of output %d has another type", i);
        give(&w, outputs[i], cotangents[i]);
    }
    NodeList walk = order_walk(scratch, outputs, n_outputs);
    for (int i = walk.n - 1; i >= 0; i--) {
        if (walk.v[i]->op == OP_get) visit_get(&w, walk.v[i]);
        else visit(&w, walk.v[i]);
    }
    graph_origin(g, origin);
    for (int i = 0; i < n_targets; i++) {
        Node *ct = nodemap_get(&w.ct, targets[i]);
        result[i] = ct || !zero ? ct : ir_fill(g, 0, targets[i]->type);
    }
    arena_free(scratch);
}

/* rewrite.c: copying graphs with changes: see rewrite.h. Each body of a scan is rewritten once, however many scans share it. */
#include "rewrite.h"
#include "build.h"
#include "../base/map.h"

/* ---- substitution */
typedef struct Substitution {
    const NodeMap *map;
} Substitution;
/* Not past a replaced node, nor past one that is older than all of them and so cannot reach any. */
static bool ends_substitution(void *context, const Node *node) {
    const NodeMap *map = ((Substitution *)context)->map;
    return node->id < map->lowest || nodemap_get(map, node);
}
void substitute(Graph *g, Arena *scratch, NodeMap *map, Node *const *roots, int n, Node **out) {
    if (!map->n) {
        for (int i = 0; i < n; i++) out[i] = roots[i];
        return;
    }
    Substitution s = {map};
    NodeList nodes = order_walk_until(scratch, roots, n, ends_substitution, &s);
    NodeMap now = {.arena = scratch};
    Node **args = NULL;
    int most = 0;
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->n_args > most) most = nodes.v[i]->n_args;
    args = ARENA_ARRAY(scratch, Node *, most);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], *new = node;
        if (ends_substitution(&s, node)) {
            Node *other = nodemap_get(map, node);
            if (other) new = other;
        } else {
            for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&now, node->args[j]);
            new = node_with_args(g, node, args);
        }
        nodemap_set(&now, node, new);
    }
    for (int i = 0; i < n; i++) out[i] = roots[i] ? nodemap_get(&now, roots[i]) : NULL;
}
void func_apply(Graph *g, const Func *f, Node *const *args, Node **out) {
    Arena *scratch = arena_new("applying a function");
    NodeMap map = {.arena = scratch};
    for (int i = 0; i < f->n_params; i++) nodemap_set(&map, ir_arg(g, i, f->params[i]), args[i]);
    substitute(g, scratch, &map, f->results, f->n_results, out);
    arena_free(scratch);
}

/* ---- rewriting of functions, bodies first */
typedef struct Rewrite {
    Graph *g;
    RewriteRule rule;  /* one of these two */
    ScanChange change;
    void *context;
    Map done; /* body -> its new body */
    Arena *arena;
} Rewrite;
static const Func *rewrite_func(Rewrite *rw, const Func *f);

/* The node with new operands, and for a scan with its new body. */
static Node *with_new_body(Rewrite *rw, const Node *node) {
    if (node->op != OP_scan) return (Node *)node;
    const Func *body = rewrite_func(rw, node->at->body);
    if (body == node->at->body) return (Node *)node;
    Attrs at = *node->at;
    at.body = body;
    return node_like(rw->g, node, node->args, &at);
}
/* `many`: scan -> the array of its results, where they were given one by one. */
static Node *rewrite_node(Rewrite *rw, Arena *scratch, NodeMap *many, Node *node, Node *const *args) {
    if (node->op == OP_get) {
        Node **results = nodemap_get(many, node->args[0]);
        if (results) return results[node->at->index];
    }
    Node *base = with_new_body(rw, node);
    if (rw->rule) {
        Node *other = rw->rule(rw->context, rw->g, base, args);
        return other ? other : node_with_args(rw->g, base, args);
    }
    Node *now = node_with_args(rw->g, base, args);
    if (now->op == OP_scan) {
        Node **results = ARENA_ARRAY(scratch, Node *, now->type->rank);
        if (rw->change(rw->context, rw->g, now, results)) nodemap_set(many, node, results);
    }
    return now;
}
static const Func *rewrite_func(Rewrite *rw, const Func *f) {
    const Func *found = map_get_ptr(&rw->done, f);
    if (found) return found;
    Arena *scratch = arena_new("rewriting");
    const Origin *origin = graph_origin_now(rw->g);
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    NodeMap now = {.arena = scratch}, many = {.arena = scratch};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], **args = ARENA_ARRAY(scratch, Node *, node->n_args);
        for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&now, node->args[j]);
        graph_origin(rw->g, node->origin); /* what stands for a node is of its line */
        Node *other = rewrite_node(rw, scratch, &many, node, args);
        nnc_check(other->type == node->type || node->op == OP_scan, "a rewrite changes the type of %s to that of %s",
                  op_name(node->op), op_name(other->op));
        nodemap_set(&now, node, other);
    }
    graph_origin(rw->g, origin);
    Node **results = ARENA_ARRAY(scratch, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&now, f->results[i]);
    const Func *made = func_make(rw->g, f->n_params, f->params, f->n_results, results);
    arena_free(scratch);
    map_set_ptr(&rw->done, f, (void *)made);
    return made;
}
static const Func *run(Rewrite *rw, const Func *f) {
    rw->arena = rw->done.arena = arena_new("bodies rewritten");
    const Func *made = rewrite_func(rw, f);
    arena_free(rw->arena);
    return made;
}
const Func *func_rewrite(Graph *g, const Func *f, RewriteRule rule, void *context) {
    return run(&(Rewrite){.g = g, .rule = rule, .context = context}, f);
}
const Func *func_rewrite_scans(Graph *g, const Func *f, ScanChange change, void *context) {
    return run(&(Rewrite){.g = g, .change = change, .context = context}, f);
}

/* ---- counting */
typedef struct Count {
    i64 all;
    int op_count;
    Op op;
    bool inside;
    Map seen;
} Count;
static void count_func(Count *c, const Func *f) {
    if (map_has(&c->seen, map_key(f))) return;
    map_set_ptr(&c->seen, f, (void *)f);
    Arena *scratch = arena_new("counting");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    c->all += nodes.n;
    for (int i = 0; i < nodes.n; i++) {
        c->op_count += nodes.v[i]->op == c->op;
        if (c->inside && nodes.v[i]->op == OP_scan) count_func(c, nodes.v[i]->at->body);
    }
    arena_free(scratch);
}
static Count count(const Func *f, Op op, bool inside) {
    Arena *arena = arena_new("counting");
    Count c = {.op = op, .inside = inside, .seen = {.arena = arena}};
    count_func(&c, f);
    arena_free(arena);
    return c;
}
i64 func_count(const Func *f) { return count(f, OP_arg, true).all; }
int func_count_op(const Func *f, Op op, bool inside) { return count(f, op, inside).op_count; }

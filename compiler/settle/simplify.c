/* simplify.c: applies the rows of rewrite.def from operands to users, bodies of scans first. One sweep: what a rule leaves for
** others is found in the next; settle.c repeats until nothing changes. */
#include "simplify.h"
#include "../base/map.h"
#include "settle.h"

enum { EXACT = 1, ALGEBRA = 0, OP_maps = OP_COUNT };
typedef struct Row {
    int op;
    bool exact;
    RewriteFunction *apply;
} Row;
static const Row rows[] = {
#define RULE(name, op, exact, text) {OP_##op, exact, rule_##name},
#include "rewrite.def"
#undef RULE
};

typedef struct Sweep {
    Graph *g;
    Arena *arena;
    bool exact; /* only exact rows */
    Map done;
} Sweep;

static bool fits(const Row *row, const Node *node) {
    if (row->op == OP_maps) return op_loop_class(node->op) == LOOP_map && node->op != OP_random;
    return row->op == (int)node->op;
}
static Node *simplify_node(const Sweep *s, Node *node, const bool *single) {
    enum { MOST = 50 };
    for (int turn = 0; turn < MOST; turn++) {
        bool *alone = ARENA_ARRAY(s->arena, bool, node->n_args + 1); /* of what a rule built nothing is known */
        if (turn == 0)
            for (int i = 0; i < node->n_args; i++) alone[i] = single[i];
        Rewriting rw = {s->g, s->arena, alone};
        Node *other = NULL;
        for (int i = 0; i < COUNT_OF(rows) && !other; i++) {
            if (fits(&rows[i], node) && (rows[i].exact || !s->exact)) other = rows[i].apply(&rw, node);
            if (other == node) other = NULL;
        }
        if (!other) return node;
        nnc_check(other->type == node->type, "a rule changes the type of %s", op_name(node->op));
        node = other;
    }
    return node;
}
static const Func *simplify_func(Sweep *s, const Func *f) {
    const Func *found = map_get_ptr(&s->done, f);
    if (found) return found;
    NodeList nodes = order_walk(s->arena, f->results, f->n_results);
    Uses uses = uses_of(s->arena, nodes, f->results, f->n_results);
    NodeMap now = {.arena = s->arena};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], **args = ARENA_ARRAY(s->arena, Node *, node->n_args);
        bool *single = ARENA_ARRAY(s->arena, bool, node->n_args + 1);
        for (int j = 0; j < node->n_args; j++) {
            args[j] = nodemap_get(&now, node->args[j]);
            single[j] = uses_count(&uses, node->args[j]) == 1;
        }
        Attrs at = *node->at;
        if (node->op == OP_scan) at.body = simplify_func(s, at.body);
        const Origin *origin = graph_origin_now(s->g);
        graph_origin(s->g, node->origin);
        Node *same = node->op == OP_scan ? node_make(s->g, OP_scan, node->n_args, args, &at) : node_with_args(s->g, node, args);
        nodemap_set(&now, node, simplify_node(s, same, single));
        graph_origin(s->g, origin);
    }
    Node **results = ARENA_ARRAY(s->arena, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&now, f->results[i]);
    const Func *made = func_make(s->g, f->n_params, f->params, f->n_results, results);
    map_set_ptr(&s->done, f, (void *)made);
    return made;
}
static const Func *sweep(const Pass *pass, const Func *f, bool exact) {
    Sweep s = {pass->g, pass->scratch, exact, {.arena = pass->scratch}};
    return simplify_func(&s, f);
}
const Func *pass_simplify(const Pass *pass, const Func *f) { return sweep(pass, f, false); }
const Func *pass_simplify_exact(const Pass *pass, const Func *f) { return sweep(pass, f, true); }

/* graph.c: a graph's tables: types, attributes, nodes and functions, each interned, so that equal ones are one pointer.
**
** A node's operands are made before it, so ids rise from operands to users: walks and maps rely on that. */
#include "rules.h"
#include <math.h>
#include <string.h>

enum { NODE_LIMIT = 100000 };

/* A set of pointers, found by hash and a comparison of the caller's. Never walked. */
typedef struct Table {
    void **slots;
    u64 *hashes;
    size_t n, cap;
} Table;
typedef bool (*Same)(const void *a, const void *b);

struct Graph {
    Arena *arena;
    Table types, attrs, nodes, funcs;
    u32 n_nodes, n_funcs;
    i64 next_name; /* of holes and marks */
    const Origin *origin;
    const char *limit;
    const Attrs *no_attrs;
};

static u64 mix(u64 h, u64 word) {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}
static u64 mix_pointer(u64 h, const void *p) { return mix(h, (u64)(uintptr_t)p); }

static void *table_find(const Table *t, u64 hash, const void *like, Same same) {
    if (!t->cap) return NULL;
    for (size_t i = hash & (t->cap - 1); t->slots[i]; i = (i + 1) & (t->cap - 1))
        if (t->hashes[i] == hash && same(t->slots[i], like)) return t->slots[i];
    return NULL;
}
static void table_put(Table *t, u64 hash, void *item) {
    size_t i = hash & (t->cap - 1);
    while (t->slots[i]) i = (i + 1) & (t->cap - 1);
    t->slots[i] = item;
    t->hashes[i] = hash;
    t->n++;
}
static void table_add(Arena *arena, Table *t, u64 hash, void *item) {
    if (t->n * 2 >= t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        Table bigger = {ARENA_ARRAY(arena, void *, cap), ARENA_ARRAY(arena, u64, cap), 0, cap};
        for (size_t i = 0; i < t->cap; i++)
            if (t->slots[i]) table_put(&bigger, t->hashes[i], t->slots[i]);
        *t = bigger;
    }
    table_put(t, hash, item);
}

/* ---- the graph */
Graph *graph_new(Arena *arena) {
    Graph *g = ARENA_NEW(arena, Graph);
    g->arena = arena;
    g->no_attrs = ARENA_NEW(arena, Attrs);
    return g;
}
Arena *graph_arena(const Graph *g) { return g->arena; }
u32 graph_size(const Graph *g) { return g->n_nodes; }
void graph_origin(Graph *g, const Origin *origin) { g->origin = origin; }
const Origin *graph_origin_now(const Graph *g) { return g->origin; }
const char *graph_limit(const Graph *g) { return g->limit; }
i64 graph_name_new(Graph *g) { return g->next_name++; }
static void too_large(Graph *g) {
    if (!g->limit) g->limit = "a value would have 2^47 elements or more";
}

/* ---- types */
static bool same_type(const void *a, const void *b) {
    const Type *x = a, *y = b;
    if (x->dtype != y->dtype || x->rank != y->rank) return false;
    for (int i = 0; i < x->rank; i++)
        if (x->dtype == DT_TUPLE ? x->parts[i] != y->parts[i] : x->dims[i] != y->dims[i]) return false;
    return true;
}
static const Type *type_intern(Graph *g, const Type *type, u64 hash) {
    Type *found = table_find(&g->types, hash, type, same_type);
    if (found) return found;
    Type *t = arena_copy(g->arena, type, sizeof *type);
    size_t n = (size_t)type->rank;
    if (type->dtype == DT_TUPLE) t->parts = arena_copy(g->arena, type->parts, sizeof *type->parts * n);
    else t->dims = arena_copy(g->arena, type->dims, sizeof *type->dims * n);
    table_add(g->arena, &g->types, hash, t);
    return t;
}
const Type *type_get(Graph *g, Dtype dtype, int rank, const i64 *dims) {
    nnc_check(dtype < DT_COUNT && rank >= 0 && rank <= RANK_MAX, "a type of %d axes", rank);
    u64 hash = mix(mix(7, dtype), (u64)rank);
    i64 count = 1;
    for (int i = 0; i < rank; i++) {
        nnc_check(dims[i] >= 1, "axis %d of a type has %lld elements", i, (long long)dims[i]);
        hash = mix(hash, (u64)dims[i]);
        if (!i64_multiply(count, dims[i], &count) || count > COUNT_LIMIT) count = COUNT_LIMIT;
    }
    if (count == COUNT_LIMIT) too_large(g);
    return type_intern(g, &(Type){dtype, rank, dims, NULL, count}, hash);
}
const Type *type_tuple(Graph *g, int n, const Type *const *parts) {
    u64 hash = mix(mix(7, DT_TUPLE), (u64)n);
    for (int i = 0; i < n; i++) hash = mix_pointer(hash, parts[i]);
    return type_intern(g, &(Type){DT_TUPLE, n, NULL, (const Type **)parts, 0}, hash);
}
const Type *type_scalar(Graph *g, Dtype dtype) { return type_get(g, dtype, 0, NULL); }
const Type *type_with_lead(Graph *g, const Type *type, i64 n) {
    i64 dims[RANK_MAX + 1] = {n};
    if (type->rank) memcpy(dims + 1, type->dims, sizeof(i64) * (size_t)type->rank);
    return type_get(g, type->dtype, type->rank + 1, dims);
}
const Type *type_without_lead(Graph *g, const Type *type) {
    nnc_check(type->dtype < DT_COUNT && type->rank > 0, "a type without a leading axis");
    return type_get(g, type->dtype, type->rank - 1, type->dims + 1);
}
const Type *type_with_dtype(Graph *g, const Type *type, Dtype dtype) { return type_get(g, dtype, type->rank, type->dims); }

/* ---- attributes */
static bool same_attrs(const void *a, const void *b) { return attrs_equal(a, b); }
static const Attrs *attrs_intern(Graph *g, const Attrs *at) {
    Attrs one = *at;
    if (isnan(one.fill)) one.fill = __builtin_nan(""); /* one NaN: its text reads back */
    u64 hash = attrs_hash(&one);
    Attrs *found = table_find(&g->attrs, hash, &one, same_attrs);
    if (found) return found;
    Attrs *keep = ARENA_NEW(g->arena, Attrs);
    *keep = attrs_keep(g->arena, &one);
    table_add(g->arena, &g->attrs, hash, keep);
    return keep;
}

/* ---- nodes */
static bool same_node(const void *a, const void *b) {
    const Node *x = a, *y = b;
    return x->op == y->op && x->at == y->at && x->n_args == y->n_args &&
           (x->n_args == 0 || memcmp(x->args, y->args, sizeof(Node *) * (size_t)x->n_args) == 0);
}
static u64 node_hash(const Node *node) {
    u64 hash = mix_pointer(mix(11, node->op), node->at);
    for (int i = 0; i < node->n_args; i++) hash = mix_pointer(hash, node->args[i]);
    return hash;
}
Node *node_try(Graph *g, Op op, int n_args, Node *const *args, const Attrs *at, const char **why) {
    if (at) {
        const char *extra = attrs_outside(at, op_attributes(op));
        if (extra) return *why = arena_printf(g->arena, "%s has no attribute %s", op_name(op), extra), NULL;
    }
    Node like = {.op = op, .at = at && op_attributes(op) ? attrs_intern(g, at) : g->no_attrs, .n_args = n_args, .args = args};
    u64 hash = node_hash(&like);
    Node *found = table_find(&g->nodes, hash, &like, same_node);
    if (found) return found;
    Infer in = {.g = g, .op = op, .at = like.at, .n = n_args, .args = args};
    like.type = infer_type(&in);
    if (!like.type) return *why = in.why, NULL;
    if (in.too_large) too_large(g);
    like.id = g->n_nodes++;
    like.origin = g->origin;
    like.args = n_args ? arena_copy(g->arena, args, sizeof(Node *) * (size_t)n_args) : NULL;
    if (g->n_nodes > NODE_LIMIT && !g->limit) g->limit = "it would take more than 100,000 operations";
    if (like.at->name >= g->next_name) g->next_name = like.at->name + 1; /* names that came from text */
    Node *node = arena_copy(g->arena, &like, sizeof like);
    table_add(g->arena, &g->nodes, hash, node);
    return node;
}
Node *node_make(Graph *g, Op op, int n_args, Node *const *args, const Attrs *at) {
    const char *why = NULL;
    Node *node = node_try(g, op, n_args, args, at, &why);
    if (!node) nnc_bug("%s", why);
    return node;
}
Node *node_like(Graph *g, const Node *node, Node *const *args, const Attrs *at) {
    const Origin *now = g->origin;
    g->origin = node->origin;
    Node *made = node_make(g, node->op, node->n_args, args, at);
    g->origin = now;
    return made;
}
Node *node_with_args(Graph *g, const Node *node, Node *const *args) {
    bool same = true;
    for (int i = 0; i < node->n_args; i++) same &= args[i] == node->args[i];
    return same ? (Node *)node : node_like(g, node, args, node->at);
}

/* ---- functions */
static bool same_func(const void *a, const void *b) {
    const Func *x = a, *y = b;
    if (x->n_params != y->n_params || x->n_results != y->n_results) return false;
    for (int i = 0; i < x->n_params; i++)
        if (x->params[i] != y->params[i]) return false;
    for (int i = 0; i < x->n_results; i++)
        if (x->results[i] != y->results[i]) return false;
    return true;
}
const Func *func_make(Graph *g, int n_params, const Type *const *params, int n_results, Node *const *results) {
    u64 hash = mix(mix(13, (u64)n_params), (u64)n_results);
    for (int i = 0; i < n_params; i++) hash = mix_pointer(hash, params[i]);
    for (int i = 0; i < n_results; i++) {
        nnc_check(results[i] && results[i]->type->dtype != DT_TUPLE, "result %d of a function is no value", i);
        hash = mix_pointer(hash, results[i]);
    }
    Func like = {n_params, n_results, params, results, g->n_funcs};
    Func *found = table_find(&g->funcs, hash, &like, same_func);
    if (found) return found;
    Func *f = arena_copy(g->arena, &like, sizeof like);
    f->params = arena_copy(g->arena, params, sizeof *params * (size_t)n_params);
    f->results = arena_copy(g->arena, results, sizeof *results * (size_t)n_results);
    g->n_funcs++;
    table_add(g->arena, &g->funcs, hash, f);
    return f;
}

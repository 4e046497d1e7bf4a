/* match.c: see match.h. */
#include "match.h"
#include <math.h>
#include <string.h>

bool node_is_cheap(const Node *node) {
    while (node->op == OP_broadcast) node = node->args[0];
    return node->op == OP_const || node->op == OP_iota;
}
Node *node_under_views(Node *node) {
    while (op_loop_class(node->op) == LOOP_view && node->n_args == 1 && node->op != OP_get && node->op != OP_concat) node = node->args[0];
    return node;
}
Node *node_fill(const Node *node) {
    while (node->op == OP_broadcast) node = node->args[0];
    return node->op == OP_const && node->type->rank == 0 ? (Node *)node : NULL;
}
double node_fill_value(const Node *fill) {
    const u8 *data = fill->at->data.v;
    switch (fill->type->dtype) {
    case DT_f32: { float v; memcpy(&v, data, sizeof v); return v; }
    case DT_f64: { double v; memcpy(&v, data, sizeof v); return v; }
    case DT_i32: { i32 v; memcpy(&v, data, sizeof v); return v; }
    case DT_u8:
    case DT_bool: return *data;
    case DT_TUPLE: break;
    }
    nnc_bug("a constant of %s", dtype_name(fill->type->dtype));
}
bool node_is_fill(const Node *node, double value) {
    const Node *fill = node_fill(node);
    if (!fill) return false;
    double v = node_fill_value(fill);
    return v == value && !signbit(v) == !signbit(value);
}
Node *node_unlead(Graph *g, Node *node) {
    if (node->op != OP_broadcast) return NULL;
    const List *dims = &node->at->dims;
    if (dims->n && dims->v[0] == 0) return NULL;
    int places[RANK_MAX] = {0};
    for (int i = 0; i < dims->n; i++) places[i] = (int)dims->v[i] - 1;
    return ir_broadcast(g, node->args[0], node->type->rank - 1, node->type->dims + 1, places);
}
Node *node_with_attrs(Graph *g, const Node *node, const Attrs *at) { return node_like(g, node, node->args, at); }

List list_of_dims(Arena *arena, int n, const int *v) {
    i64 *list = ARENA_ARRAY(arena, i64, n);
    for (int i = 0; i < n; i++) list[i] = v[i];
    return (List){n, list};
}
bool list_same(List a, List b) {
    if (a.n != b.n) return false;
    for (int i = 0; i < a.n; i++)
        if (a.v[i] != b.v[i]) return false;
    return true;
}
bool type_same_dims(const Type *a, const Type *b) { return list_same((List){a->rank, a->dims}, (List){b->rank, b->dims}); }
int list_place(List list, i64 value) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == value) return i;
    return -1;
}
bool list_has(List list, i64 value) { return list_place(list, value) >= 0; }
int axes_free(int rank, List a, List b, int out[RANK_MAX]) {
    int n = 0;
    for (int i = 0; i < rank; i++)
        if (!list_has(a, i) && !list_has(b, i)) out[n++] = i;
    return n;
}
bool transpose_turns_last(const Node *node) {
    int last = node->type->rank - 1;
    return node->op == OP_transpose && last >= 0 && node->at->perm.v[last] != last && node->type->dims[last] > 1;
}
int dot_result_axis(const Node *dot, int side, int axis) {
    const Attrs *at = dot->at;
    int free[RANK_MAX], before = at->lb.n + (side ? dot->args[0]->type->rank - at->lb.n - at->lc.n : 0);
    int n = axes_free(dot->args[side]->type->rank, side ? at->rb : at->lb, side ? at->rc : at->lc, free);
    for (int i = 0; i < n; i++)
        if (free[i] == axis) return before + i;
    return -1;
}
static void count_one(Uses *uses, const Node *node) {
    int *n = nodemap_get(&uses->map, node);
    if (!n) nodemap_set(&uses->map, node, n = ARENA_NEW(uses->map.arena, int));
    ++*n;
}
Uses uses_of(Arena *arena, NodeList nodes, Node *const *roots, int n_roots) {
    Uses uses = {{.arena = arena}};
    for (int i = 0; i < nodes.n; i++)
        for (int j = 0; j < nodes.v[i]->n_args; j++) count_one(&uses, nodes.v[i]->args[j]);
    for (int i = 0; i < n_roots; i++) count_one(&uses, roots[i]);
    return uses;
}
int uses_count(const Uses *uses, const Node *node) {
    const int *n = nodemap_get(&uses->map, node);
    return n ? *n : 0;
}

enum { MOST_BITS = 62 };
static i64 times(i64 a, i64 b) {
    i64 product;
    return i64_multiply(a, b, &product) && product < (i64)1 << MOST_BITS ? product : (i64)1 << MOST_BITS;
}
static i64 plus(i64 a, i64 b) { return a + b < (i64)1 << MOST_BITS ? a + b : (i64)1 << MOST_BITS; }
i64 node_multiply_adds(const Node *node) {
    if (node->op == OP_scan) return times(node->at->length, func_multiply_adds(node->at->body));
    if (node->op != OP_dot) return 0;
    i64 work = node->type->count;
    for (int i = 0; i < node->at->lc.n; i++) work = times(work, node->args[0]->type->dims[node->at->lc.v[i]]);
    return work;
}
i64 func_multiply_adds(const Func *f) {
    Arena *scratch = arena_new("counting work");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    i64 total = 0;
    for (int i = 0; i < nodes.n; i++) total = plus(total, node_multiply_adds(nodes.v[i]));
    arena_free(scratch);
    return total;
}

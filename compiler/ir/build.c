/* build.c: the leaves, maps, reductions, products and indices of build.h: one function an operator, and a few composed ones.
** Views are in build_view.c, loops and draws in build_loop.c. */
#include "build.h"
#include "rules.h"

static Node *make1(Graph *g, Op op, Node *x) { return node_make(g, op, 1, &x, NULL); }
static Node *make2(Graph *g, Op op, Node *a, Node *b) { return node_make(g, op, 2, (Node *[]){a, b}, NULL); }

/* ---- leaves */
Node *ir_arg(Graph *g, i64 index, const Type *type) { return node_make(g, OP_arg, 0, NULL, &(Attrs){.index = index, .type = type}); }
Node *ir_hole(Graph *g, const Type *type) {
    return node_make(g, OP_hole, 0, NULL, &(Attrs){.type = type, .name = graph_name_new(g)});
}
Node *ir_const(Graph *g, Dtype dtype, int rank, const i64 *dims, const void *data) {
    const Type *type = type_get(g, dtype, rank, dims);
    return node_make(g, OP_const, 0, NULL, &(Attrs){.dtype = dtype, .to = {rank, dims}, .data = {type_bytes(type), data}});
}
static Node *scalar_of(Graph *g, Dtype dtype, double value) {
    u8 element[8];
    dtype_store(dtype, value, element);
    return ir_const(g, dtype, 0, NULL, element);
}
Node *ir_real(Graph *g, Dtype dtype, double value) {
    nnc_check(dtype_real(dtype), "ir_real of %s", dtype_name(dtype));
    return scalar_of(g, dtype, value);
}
Node *ir_int(Graph *g, i64 value) {
    nnc_check(value >= INT32_MIN && value <= INT32_MAX, "%lld is no i32", (long long)value);
    return scalar_of(g, DT_i32, (double)value);
}
Node *ir_bool(Graph *g, bool value) { return scalar_of(g, DT_bool, value); }
Node *ir_fill(Graph *g, double value, const Type *type) {
    return ir_broadcast(g, scalar_of(g, type->dtype, value), type->rank, type->dims, NULL);
}
Node *ir_iota(Graph *g, i64 n) { return node_make(g, OP_iota, 0, NULL, &(Attrs){.count = n}); }
Node *ir_random(Graph *g, Dtype dtype, u32 place, int word, Node *key, Node *step, Node *row, Node *element) {
    return node_make(g, OP_random, 4, (Node *[]){key, step, row, element}, &(Attrs){.dtype = dtype, .place = place, .word = word});
}
Node *ir_mark(Graph *g, Node *x) { return node_make(g, OP_mark, 1, &x, &(Attrs){.name = graph_name_new(g)}); }
Node *ir_stop(Graph *g, Node *x) { return make1(g, OP_stop, x); }

/* ---- maps */
Node *ir_neg(Graph *g, Node *x) { return make1(g, OP_neg, x); }
Node *ir_abs(Graph *g, Node *x) { return make1(g, OP_abs, x); }
Node *ir_exp(Graph *g, Node *x) { return make1(g, OP_exp, x); }
Node *ir_log(Graph *g, Node *x) { return make1(g, OP_log, x); }
Node *ir_sqrt(Graph *g, Node *x) { return make1(g, OP_sqrt, x); }
Node *ir_tanh(Graph *g, Node *x) { return make1(g, OP_tanh, x); }
Node *ir_sigmoid(Graph *g, Node *x) { return make1(g, OP_sigmoid, x); }
Node *ir_sin(Graph *g, Node *x) { return make1(g, OP_sin, x); }
Node *ir_cos(Graph *g, Node *x) { return make1(g, OP_cos, x); }
Node *ir_erf(Graph *g, Node *x) { return make1(g, OP_erf, x); }
Node *ir_floor(Graph *g, Node *x) { return make1(g, OP_floor, x); }
Node *ir_cast(Graph *g, Node *x, Dtype dtype) {
    return x->type->dtype == dtype ? x : node_make(g, OP_cast, 1, &x, &(Attrs){.dtype = dtype});
}
Node *ir_add(Graph *g, Node *a, Node *b) { return make2(g, OP_add, a, b); }
Node *ir_sub(Graph *g, Node *a, Node *b) { return make2(g, OP_sub, a, b); }
Node *ir_mul(Graph *g, Node *a, Node *b) { return make2(g, OP_mul, a, b); }
Node *ir_div(Graph *g, Node *a, Node *b) { return make2(g, OP_div, a, b); }
Node *ir_pow(Graph *g, Node *a, Node *b) { return make2(g, OP_pow, a, b); }
Node *ir_max(Graph *g, Node *a, Node *b) { return make2(g, OP_max, a, b); }
Node *ir_min(Graph *g, Node *a, Node *b) { return make2(g, OP_min, a, b); }
Node *ir_eq(Graph *g, Node *a, Node *b) { return make2(g, OP_eq, a, b); }
Node *ir_lt(Graph *g, Node *a, Node *b) { return make2(g, OP_lt, a, b); }
Node *ir_select(Graph *g, Node *condition, Node *a, Node *b) {
    return node_make(g, OP_select, 3, (Node *[]){condition, a, b}, NULL);
}

/* ---- composed maps */
Node *ir_scale(Graph *g, Node *x, double factor) { return ir_mul(g, x, ir_fill(g, factor, x->type)); }
Node *ir_offset(Graph *g, Node *x, double term) { return ir_add(g, x, ir_fill(g, term, x->type)); }
Node *ir_not(Graph *g, Node *x) { return ir_eq(g, x, ir_fill(g, 0, x->type)); }
Node *ir_le(Graph *g, Node *a, Node *b) { return ir_max(g, ir_lt(g, a, b), ir_eq(g, a, b)); }
Node *ir_sign(Graph *g, Node *x) {
    Node *zero = ir_fill(g, 0, x->type), *rest = ir_stop(g, x); /* x itself where it is 0 or NaN */
    Node *negative = ir_select(g, ir_lt(g, x, zero), ir_fill(g, -1, x->type), rest);
    return ir_select(g, ir_lt(g, zero, x), ir_fill(g, 1, x->type), negative);
}

/* ---- reductions */
static List sorted_axes(Graph *g, const Type *type, int n, const int *axes) {
    bool has[RANK_MAX] = {false};
    i64 *rising = ARENA_ARRAY(graph_arena(g), i64, n);
    int count = 0;
    for (int i = 0; i < n; i++) {
        nnc_check(axes[i] >= 0 && axes[i] < type->rank && !has[axes[i]], "axis %d of a reduction", axes[i]);
        has[axes[i]] = true;
    }
    for (int i = 0; i < type->rank; i++)
        if (has[i]) rising[count++] = i;
    return (List){n, rising};
}
static Node *reduce(Graph *g, Op op, Node *x, int n, const int *axes) {
    return n == 0 ? x : node_make(g, op, 1, &x, &(Attrs){.axes = sorted_axes(g, x->type, n, axes)});
}
Node *ir_sum(Graph *g, Node *x, int n_axes, const int *axes) { return reduce(g, OP_sum, x, n_axes, axes); }
Node *ir_sum_all(Graph *g, Node *x) {
    int axes[RANK_MAX];
    for (int i = 0; i < x->type->rank; i++) axes[i] = i;
    return ir_sum(g, x, x->type->rank, axes);
}
/* 1/n is rounded once, also to f32: for n below 2^28 no quotient 1/n comes within an f64's rounding of the middle between two
** f32 (n times a number of 25 bits would have to miss a power of two by less than 2^-53 of it). */
Node *ir_mean(Graph *g, Node *x, int n_axes, const int *axes) {
    Node *sum = ir_sum(g, x, n_axes, axes);
    return ir_scale(g, sum, 1.0 / (double)(x->type->count / sum->type->count));
}
Node *ir_amax(Graph *g, Node *x, int n_axes, const int *axes) { return reduce(g, OP_amax, x, n_axes, axes); }
Node *ir_amin(Graph *g, Node *x, int n_axes, const int *axes) {
    return n_axes == 0 ? x : ir_neg(g, ir_amax(g, ir_neg(g, x), n_axes, axes));
}
Node *ir_dot(Graph *g, Node *l, Node *r, int nb, const int *lb, const int *rb, int nc, const int *lc, const int *rc) {
    Arena *arena = graph_arena(g);
    Attrs at = {.lb = list_of_ints(arena, nb, lb), .rb = list_of_ints(arena, nb, rb),
                .lc = list_of_ints(arena, nc, lc), .rc = list_of_ints(arena, nc, rc)};
    return node_make(g, OP_dot, 2, (Node *[]){l, r}, &at);
}
Node *ir_matmul(Graph *g, Node *a, Node *b) {
    return ir_dot(g, a, b, 0, NULL, NULL, 1, (int[]){a->type->rank - 1}, (int[]){0});
}

/* ---- indices */
Node *ir_take(Graph *g, Node *x, Node *index, int axis, int batch) {
    return node_make(g, OP_take, 2, (Node *[]){x, index}, &(Attrs){.axis = axis, .batch = batch});
}
Node *ir_put(Graph *g, Node *y, Node *index, i64 size, int axis, int batch) {
    return node_make(g, OP_put, 2, (Node *[]){y, index}, &(Attrs){.axis = axis, .size = size, .batch = batch});
}
Node *ir_top(Graph *g, Node *x, i64 count) { return node_make(g, OP_top, 1, &x, &(Attrs){.count = count}); }
Node *ir_argmax(Graph *g, Node *x) { return ir_squeeze(g, ir_top(g, x, 1), x->type->rank - 1); }
Node *ir_one_hot(Graph *g, Node *index, i64 n, Dtype dtype) {
    Node *places = ir_lead(g, ir_iota(g, n), index->type->rank, index->type->dims);
    return ir_cast(g, ir_eq(g, ir_spread(g, index, index->type->rank, n), places), dtype);
}

/* ir_cases.h: for the tests of the tensor IR: groups of checks, draws of data, comparison, and for every row of op.def small
** functions that use it. A row without cases_OP fails to compile; one whose cases do not hold the operator fails the tests.
**
** A group prints `ok NAME` or `FAIL NAME: why`, the first failure only. */
#ifndef IR_CASES_H
#define IR_CASES_H
#include "../../compiler/base/vec.h"
#include "../../compiler/ir/build.h"
#include "../../compiler/ir/eval.h"
#include "../../compiler/ir/rewrite.h"
#include "../../compiler/ir/text.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- groups */
typedef struct Group {
    const char *name;
    bool failed;
} Group;
static int failed_groups;

__attribute__((format(printf, 3, 4))) static bool expect(Group *group, bool condition, const char *format, ...) {
    if (condition || group->failed) return condition;
    va_list args;
    va_start(args, format);
    printf("FAIL %s: ", group->name);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    group->failed = true;
    failed_groups++;
    return false;
}
static void end(const Group *group) {
    if (!group->failed) printf("ok %s\n", group->name);
}

/* ---- data */
typedef struct Draw {
    u64 state;
} Draw;
__attribute__((unused)) static u32 draw_u32(Draw *d) {
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (u32)(d->state >> 33) ^ (u32)(d->state >> 45);
}
__attribute__((unused)) static i64 draw_in(Draw *d, i64 low, i64 high) { return low + draw_u32(d) % (high - low + 1); } /* both ends included */
__attribute__((unused)) static double draw_real(Draw *d) { return (double)(i32)(draw_u32(d) << 1) / 2147483648.0 * 2 + (double)draw_u32(d) * 1e-12; }
__attribute__((unused)) static Tensor draw_tensor(Arena *arena, const Type *type, Draw *d) {
    Tensor t = tensor_new(arena, type);
    for (i64 i = 0; i < type->count; i++) {
        switch (type->dtype) {
        case DT_f32: ((float *)t.data)[i] = (float)draw_real(d); break;
        case DT_f64: ((double *)t.data)[i] = draw_real(d); break;
        case DT_i32: ((i32 *)t.data)[i] = (i32)draw_in(d, -2, 5); break;
        case DT_u8: ((u8 *)t.data)[i] = (u8)draw_in(d, 0, 255); break;
        case DT_bool: ((u8 *)t.data)[i] = draw_u32(d) & 1; break;
        case DT_TUPLE: break;
        }
    }
    return t;
}
__attribute__((unused)) static Tensor *draw_args(Arena *arena, const Func *f, Draw *d) {
    Tensor *args = ARENA_ARRAY(arena, Tensor, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) args[i] = draw_tensor(arena, f->params[i], d);
    return args;
}
__attribute__((unused)) static Tensor *run_func(Arena *arena, const Func *f, const Tensor *args) {
    Tensor *results = ARENA_ARRAY(arena, Tensor, f->n_results + 1);
    for (int i = 0; i < f->n_results; i++) results[i] = tensor_new(arena, f->results[i]->type);
    func_eval(f, args, results);
    return results;
}
/* Equal bits, any NaN equal to any other; n elements. */
__attribute__((unused)) static bool same_elements(Dtype dtype, const void *a, const void *b, i64 n) {
    for (i64 i = 0; i < n; i++) {
        const char *x = (const char *)a + i * dtype_bytes(dtype), *y = (const char *)b + i * dtype_bytes(dtype);
        float f, h;
        double d, e;
        if (memcmp(x, y, (size_t)dtype_bytes(dtype)) == 0) continue;
        if (dtype == DT_f32 && (memcpy(&f, x, 4), memcpy(&h, y, 4), f != f && h != h)) continue;
        if (dtype == DT_f64 && (memcpy(&d, x, 8), memcpy(&e, y, 8), d != d && e != e)) continue;
        return false;
    }
    return true;
}

/* ---- cases */
typedef struct Case {
    const char *name;
    const Func *f;
} Case;
typedef struct Cases {
    Graph *g;
    Arena *arena;
    Op op; /* whose cases are being made */
    VEC(const Type *) params;
    VEC(Case) all;
    int first; /* of this operator in all */
} Cases;
#define DIMS(...) (int)(sizeof((i64[]){__VA_ARGS__}) / sizeof(i64)), (i64[]){__VA_ARGS__}
#define SCALAR    0, (const i64 *)NULL
#define INTS(...) (const int[]){__VA_ARGS__}

__attribute__((unused)) static Node *param(Cases *c, Dtype dtype, int rank, const i64 *dims) {
    const Type *type = type_get(c->g, dtype, rank, dims);
    vec_push(c->arena, &c->params, type);
    return ir_arg(c->g, c->params.n - 1, type);
}
__attribute__((unused)) static void add_results(Cases *c, const char *what, int n, Node *const *results) {
    Case one = {arena_printf(c->arena, "%s %s", op_name(c->op), what), func_make(c->g, c->params.n, c->params.v, n, results)};
    vec_push(c->arena, &c->all, one);
    c->params.n = 0;
}
static void add_case(Cases *c, const char *what, Node *result) { add_results(c, what, 1, &result); }

/* An operator of n operands of one type, for every element type that it takes. */
static void elementwise(Cases *c, int n) {
    for (int dtype = 0; dtype < DT_COUNT; dtype++) {
        Node *args[3];
        const char *why;
        for (int i = 0; i < n; i++) args[i] = param(c, (Dtype)dtype, DIMS(3, 2));
        Node *node = node_try(c->g, c->op, n, args, NULL, &why);
        if (node) add_case(c, dtype_name((Dtype)dtype), node);
        c->params.n = 0;
    }
}
#define MAP(op, n)                                                                                                     \
    static void cases_##op(Cases *c) { elementwise(c, n); }
MAP(neg, 1) MAP(abs, 1) MAP(exp, 1) MAP(log, 1) MAP(sqrt, 1) MAP(tanh, 1) MAP(sigmoid, 1) MAP(sin, 1) MAP(cos, 1) MAP(erf, 1)
MAP(floor, 1) MAP(stop, 1) MAP(add, 2) MAP(sub, 2) MAP(mul, 2) MAP(div, 2) MAP(pow, 2) MAP(max, 2) MAP(min, 2) MAP(eq, 2) MAP(lt, 2)

static void cases_arg(Cases *c) {
    Node *a = param(c, DT_f32, DIMS(2)), *b = param(c, DT_i32, SCALAR);
    add_results(c, "two", 2, (Node *[]){b, a});
}
static void cases_const(Cases *c) {
    float f[17] = {1.5f, -0.0f, 0.1f, 1e-45f, __builtin_inff(), -3e38f};
    double d[3] = {0.1, -1e-320, __builtin_nan("")};
    u8 bits[2] = {1, 0}, bytes[3] = {0, 7, 255};
    i32 ints[2] = {INT32_MIN, INT32_MAX};
    u32 odd[2] = {0x7fc01234, 0xff800001}; /* NaNs with bits of their own */
    float many[16];
    Draw draw = {77};
    for (int i = 0; i < 16; i++) many[i] = (float)draw_real(&draw);
    many[0] = 1000000064.0f; /* takes all nine digits */
    Node *all[] = {ir_const(c->g, DT_f32, DIMS(2), odd), ir_const(c->g, DT_f32, DIMS(16), many), ir_const(c->g, DT_f32, DIMS(2, 3), f), ir_const(c->g, DT_f32, DIMS(17), f), ir_const(c->g, DT_f64, DIMS(3), d),
                   ir_const(c->g, DT_bool, DIMS(2), bits), ir_const(c->g, DT_u8, DIMS(3), bytes), ir_const(c->g, DT_i32, DIMS(2), ints),
                   ir_real(c->g, DT_f64, -__builtin_nan(""))};
    Node *a = param(c, DT_f32, DIMS(2, 3));
    add_results(c, "of each kind", COUNT_OF(all), all);
    a = param(c, DT_f32, DIMS(2, 3));
    add_case(c, "with a value", ir_add(c->g, a, all[2]));
}
static void cases_iota(Cases *c) {
    Node *x = param(c, DT_i32, DIMS(4));
    add_case(c, "plus a value", ir_add(c->g, ir_iota(c->g, 4), x));
}
static void cases_random(Cases *c) {
    for (int i = 0; i < 4; i++) {
        Dtype dtype = i & 2 ? DT_f64 : DT_f32;
        Node *key = param(c, DT_i32, DIMS(2)), *step = param(c, DT_i32, SCALAR);
        Node *row = param(c, DT_i32, DIMS(2, 3)), *element = param(c, DT_i32, DIMS(2, 3));
        add_case(c, dtype_name(dtype), ir_random(c->g, dtype, i == 0 ? UINT32_MAX : 5, i & 1, key, step, row, element));
    }
}
static void cases_mark(Cases *c) { add_case(c, "", ir_mark(c->g, param(c, DT_f32, DIMS(2)))); }
static void cases_cast(Cases *c) {
    for (int from = 0; from < DT_COUNT; from++)
        for (int to = 0; to < DT_COUNT; to++)
            if (from != to) {
                Node *x = param(c, (Dtype)from, DIMS(2, 3));
                add_case(c, arena_printf(c->arena, "%s to %s", dtype_name((Dtype)from), dtype_name((Dtype)to)), ir_cast(c->g, x, (Dtype)to));
            }
}
static void cases_select(Cases *c) {
    for (int dtype = 0; dtype < DT_COUNT; dtype++) {
        Node *condition = param(c, DT_bool, DIMS(2, 3)), *a = param(c, (Dtype)dtype, DIMS(2, 3)), *b = param(c, (Dtype)dtype, DIMS(2, 3));
        add_case(c, dtype_name((Dtype)dtype), ir_select(c->g, condition, a, b));
    }
}
static void cases_reshape(Cases *c) {
    add_case(c, "", ir_reshape(c->g, param(c, DT_f32, DIMS(6, 2)), DIMS(3, 4)));
    add_case(c, "to a scalar", ir_reshape(c->g, param(c, DT_u8, DIMS(1, 1)), SCALAR));
}
static void cases_transpose(Cases *c) {
    add_case(c, "f64", ir_transpose(c->g, param(c, DT_f64, DIMS(2, 3, 4)), INTS(2, 0, 1)));
    add_case(c, "u8", ir_transpose(c->g, param(c, DT_u8, DIMS(2, 3, 1, 4)), INTS(3, 2, 1, 0)));
}
static void cases_broadcast(Cases *c) {
    add_case(c, "", ir_broadcast(c->g, param(c, DT_f32, DIMS(4, 2)), DIMS(4, 3, 2), INTS(0, 2)));
    add_case(c, "of a scalar", ir_broadcast(c->g, param(c, DT_bool, SCALAR), DIMS(2, 3), NULL));
}
static void cases_affine(Cases *c) {
    Graph *g = c->g;
    add_case(c, "slice", ir_slice(g, param(c, DT_f32, DIMS(2, 7, 2)), 1, 1, 6, 2));
    add_case(c, "pad", ir_pad(g, param(c, DT_f64, DIMS(2, 7, 2)), 1, 2, 1, 2, 3));
    add_case(c, "crop", ir_pad(g, param(c, DT_i32, DIMS(7, 2)), 0, -2, -1, 0, 0));
    add_case(c, "reverse", ir_reverse(g, param(c, DT_u8, DIMS(2, 7)), 1));
    add_case(c, "window", ir_window(g, param(c, DT_f32, DIMS(2, 7, 2)), 1, 3, 2, 2, 1, 2, 0, 0));
    add_case(c, "window inner", ir_window(g, param(c, DT_f32, DIMS(2, 7, 2)), 1, 3, 2, 1, 2, 2, 1, -__builtin_inf()));
    add_case(c, "k before axis", ir_affine(g, param(c, DT_f32, DIMS(3, 2, 7)), 2, 5, -2, 3, 14, 0, 2, 0.5));
    add_case(c, "nan", ir_affine(g, param(c, DT_f64, DIMS(3)), 0, 5, 1, 1, -1, -1, 0, -__builtin_nan("")));
}
static void cases_concat(Cases *c) {
    Node *a = param(c, DT_f32, DIMS(2, 3)), *b = param(c, DT_f32, DIMS(2, 1)), *d = param(c, DT_f32, DIMS(2, 2));
    add_case(c, "three", ir_concat(c->g, 3, (Node *[]){a, b, d}, 1));
}
static Node *with_order(Graph *g, Node *node, Order order, i64 cut, i64 cut_axis) {
    Attrs at = *node->at;
    at.order = order;
    at.cut = cut;
    at.cut_axis = cut_axis;
    return node_make(g, node->op, node->n_args, node->args, &at);
}
static void cases_sum(Cases *c) {
    Node *s = ir_sum(c->g, param(c, DT_f32, DIMS(2, 5, 19)), 2, INTS(0, 2));
    add_case(c, "f32", s);
    param(c, DT_f32, DIMS(2, 5, 19));
    add_case(c, "lanes", with_order(c->g, s, ORDER_LANES, 0, 0));
    param(c, DT_f32, DIMS(2, 5, 19));
    add_case(c, "cut", with_order(c->g, s, ORDER_CHAIN, 4, 2));
    add_case(c, "f64", with_order(c->g, ir_sum(c->g, param(c, DT_f64, DIMS(7, 3)), 1, INTS(0)), ORDER_LANES, 2, 0));
    add_case(c, "i32", ir_sum_all(c->g, param(c, DT_i32, DIMS(2, 3))));
}
static void cases_amax(Cases *c) {
    add_case(c, "f32", ir_amax(c->g, param(c, DT_f32, DIMS(2, 3, 4)), 2, INTS(2, 0)));
    add_case(c, "f64", ir_amin(c->g, param(c, DT_f64, DIMS(2, 5)), 1, INTS(1)));
    add_case(c, "i32", ir_amax(c->g, param(c, DT_i32, DIMS(5)), 1, INTS(0)));
}
static void cases_dot(Cases *c) {
    Graph *g = c->g;
    Node *a = param(c, DT_f32, DIMS(3, 4)), *b = param(c, DT_f32, DIMS(4, 2));
    add_case(c, "matmul", ir_matmul(g, a, b));
    for (int i = 0; i < 4; i++) {
        Node *l = param(c, DT_f64, DIMS(4, 2, 3, 19)), *r = param(c, DT_f64, DIMS(19, 4, 2, 6));
        Node *dot = ir_dot(g, l, r, 1, INTS(1), INTS(2), 2, INTS(0, 3), INTS(1, 0));
        add_case(c, i == 0 ? "chain" : i == 1 ? "lanes" : i == 2 ? "chain cut" : "lanes cut",
                 with_order(g, dot, i & 1 ? ORDER_LANES : ORDER_CHAIN, i & 2 ? 4 : 0, i & 2 ? i - 2 : 0));
    }
    for (int i = 0; i < 2; i++) { /* of the left and of the right operand's free axes; forwards and backwards */
        Node *l = param(c, DT_f64, DIMS(4, 5, 3, 2)), *r = param(c, DT_f64, DIMS(3, 4, 6, 2));
        Attrs at = *with_order(g, ir_dot(g, l, r, 0, NULL, NULL, 2, INTS(2, 3), INTS(0, 3)), ORDER_CHAIN, i ? 2 : 0, i)->at;
        at.inside = i ? (List){6, (i64[]){2, 0, 2, -1, -2, 4}} : (List){12, (i64[]){1, 0, 1, 1, -1, 5, 3, 1, -1, 1, 4, 3}};
        add_case(c, i ? "windows cut" : "windows", node_make(g, OP_dot, 2, (Node *[]){l, r}, &at));
    }
    a = param(c, DT_f32, DIMS(3)), b = param(c, DT_f32, DIMS(2));
    add_case(c, "outer", ir_dot(g, a, b, 0, NULL, NULL, 0, NULL, NULL));
}
static void cases_take(Cases *c) {
    Node *x = param(c, DT_f32, DIMS(2, 4, 3)), *i = param(c, DT_i32, DIMS(2, 3));
    add_case(c, "f32", ir_take(c->g, x, i, 1, 0));
    x = param(c, DT_u8, DIMS(2, 3, 4, 2)), i = param(c, DT_i32, DIMS(2, 3));
    add_case(c, "batch", ir_take(c->g, x, i, 2, 1));
    x = param(c, DT_f64, DIMS(3)), i = param(c, DT_i32, SCALAR);
    add_case(c, "one", ir_take(c->g, x, i, 0, 0));
}
static void cases_put(Cases *c) {
    for (i64 cut = 0; cut <= 4; cut += 4) {
        Node *y = param(c, DT_f32, DIMS(2, 2, 5, 3)), *i = param(c, DT_i32, DIMS(2, 5));
        add_case(c, cut ? "cut" : "f32", with_order(c->g, ir_put(c->g, y, i, 4, 1, 0), ORDER_UNSET, cut, cut ? 1 : 0));
    }
    Node *y = param(c, DT_f64, DIMS(2, 3, 5, 2)), *i = param(c, DT_i32, DIMS(2, 5));
    add_case(c, "batch cut", with_order(c->g, ir_put(c->g, y, i, 4, 2, 1), ORDER_UNSET, 2, 1));
    y = param(c, DT_i32, DIMS(3)), i = param(c, DT_i32, SCALAR);
    add_case(c, "one", ir_put(c->g, y, i, 4, 1, 0));
}
static void cases_top(Cases *c) {
    add_case(c, "f32", ir_top(c->g, param(c, DT_f32, DIMS(3, 5)), 2));
    add_case(c, "i32", ir_top(c->g, param(c, DT_i32, DIMS(2, 9)), 9));
    add_case(c, "argmax", ir_argmax(c->g, param(c, DT_f64, DIMS(3, 5))));
}

/* h' = tanh(h w + x), y = h x: carried, constant, rounds. */
static void cell(Cases *c, bool reverse) {
    Graph *g = c->g;
    Node *h = param(c, DT_f32, DIMS(2, 3)), *w = param(c, DT_f32, DIMS(3, 3)), *xs = param(c, DT_f32, DIMS(4, 2, 3)), *out[2];
    Node *was = ir_hole(g, h->type), *x = ir_hole(g, h->type);
    Node *next = ir_tanh(g, ir_add(g, ir_matmul(g, was, w), x)), *y = ir_mul(g, was, x);
    ir_scan_region(g, &(Region){1, 1, 1, &was, &x, &next, &y, &h, &xs, 4, reverse}, out);
    add_results(c, reverse ? "reverse" : "forward", 2, out);
}
/* A loop in a loop; the inner one starts from, and reads, what the outer one carries. */
static void nested(Cases *c) {
    Graph *g = c->g;
    Node *h = param(c, DT_f32, DIMS(2)), *w = param(c, DT_f32, DIMS(2)), *xs = param(c, DT_f32, DIMS(2, 3, 2)), *in[2], *out[2];
    Node *was = ir_hole(g, h->type), *x = ir_hole(g, type_without_lead(g, xs->type));
    Node *inner = ir_hole(g, h->type), *one = ir_hole(g, h->type);
    Node *next = ir_tanh(g, ir_add(g, ir_mul(g, inner, w), ir_scale(g, one, 0.5))), *y = ir_mul(g, inner, was);
    ir_scan_region(g, &(Region){1, 1, 1, &inner, &one, &next, &y, &was, &x, 3, false}, in);
    Node *sum = ir_sum(g, in[1], 1, INTS(0));
    ir_scan_region(g, &(Region){1, 1, 1, &was, &x, &in[0], &sum, &h, &xs, 2, false}, out);
    add_results(c, "nested", 2, out);
}
/* Carried values of several types; one is handed on, one becomes lifted only through another. */
static void mixed(Cases *c) {
    Graph *g = c->g;
    Node *h = param(c, DT_f64, DIMS(2)), *count = param(c, DT_i32, SCALAR), *kept = param(c, DT_f64, DIMS(2)), *xs = param(c, DT_f64, DIMS(3, 2));
    Node *initial[3] = {h, count, kept}, *carry[3], *x = ir_hole(g, kept->type), *out[5];
    for (int i = 0; i < 3; i++) carry[i] = ir_hole(g, initial[i]->type);
    Node *next[3] = {ir_add(g, ir_mul(g, carry[0], carry[2]), x), ir_add(g, carry[1], ir_int(g, 1)), carry[0]};
    Node *y[2] = {ir_mul(g, carry[0], ir_broadcast(g, ir_cast(g, carry[1], DT_f64), DIMS(2), NULL)), kept};
    ir_scan_region(g, &(Region){3, 1, 2, carry, &x, next, y, initial, &xs, 3, false}, out);
    add_results(c, "mixed", 5, out);
}
static void cases_scan(Cases *c) {
    cell(c, false);
    cell(c, true);
    nested(c);
    mixed(c);
}
static void cases_get(Cases *c) { cell(c, false); }
static void cases_hole(Cases *c) { add_case(c, "closed", ir_cumsum(c->g, param(c, DT_f32, DIMS(2, 4)), 1)); }

/* All cases of all rows; they hold every operator but hole, which must have been closed. */
__attribute__((unused)) static Cases all_cases(Group *group, Graph *g) {
    static void (*const makers[])(Cases *) = {
#define OP(name, ...) cases_##name,
#include "../../compiler/ir/op.def"
#undef OP
    };
    Cases c = {.g = g, .arena = graph_arena(g)};
    for (int op = 0; op < OP_COUNT; op++) {
        c.op = (Op)op;
        c.first = c.all.n;
        makers[op](&c);
        expect(group, c.all.n > c.first, "%s has no case", op_name(c.op));
        for (int i = c.first; i < c.all.n; i++)
            expect(group, (func_count_op(c.all.v[i].f, c.op, true) > 0) == (op != OP_hole), "%s: the operator", c.all.v[i].name);
    }
    return c;
}
#endif

/* ir_eval_test.c: the interpreter against the words of graph.h, written down here a second time, element by element: special
** values, views by their index formulas, sums and products in each order, indices, draws, loops; then how values are passed. */
#include "ir_cases.h"
#include "../../runtime/philox.h"
#include <math.h>

#define NAN_ __builtin_nan("")
#define INF __builtin_inf()

/* ---- one value in, one value out, by tables */
static double element(const Tensor *t, i64 i) {
    switch (t->type->dtype) {
    case DT_f32: return (double)((float *)t->data)[i];
    case DT_f64: return ((double *)t->data)[i];
    case DT_i32: return ((i32 *)t->data)[i];
    case DT_u8:
    case DT_bool: return ((u8 *)t->data)[i];
    case DT_TUPLE: break;
    }
    return NAN_;
}
static bool is_value(double a, double b) { return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b)); }
/* op(a, b) on scalars of a dtype; b unused for one operand. */
static double scalar_op(Op op, Dtype dtype, double a, double b) {
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    const Type *type = type_scalar(g, dtype);
    Node *x[2] = {ir_fill(g, a, type), ir_fill(g, b, type)}, *y = node_make(g, op, op_arity(op), x, NULL);
    double value = element(run_func(arena, func_make(g, 0, NULL, 1, &y), NULL), 0);
    arena_free(arena);
    return value;
}
static void test_special_values(void) {
    Group t = {"special values", false};
    const double low = -2147483648.0, high = 2147483647.0;
    static const struct {
        Op op;
        double a, b, real;
    } reals[] = {
        {OP_neg, 0, 0, -0.0}, {OP_neg, -0.0, 0, 0}, {OP_neg, INF, 0, -INF}, {OP_neg, NAN_, 0, NAN_},
        {OP_abs, -0.0, 0, 0}, {OP_abs, -INF, 0, INF}, {OP_abs, NAN_, 0, NAN_},
        {OP_sqrt, 4, 0, 2}, {OP_sqrt, -0.0, 0, -0.0}, {OP_sqrt, -1, 0, NAN_}, {OP_sqrt, INF, 0, INF},
        {OP_floor, -1.5, 0, -2}, {OP_floor, 1.5, 0, 1}, {OP_floor, -0.0, 0, -0.0}, {OP_floor, -INF, 0, -INF}, {OP_floor, 3e30, 0, 3e30},
        {OP_exp, 0, 0, 1}, {OP_exp, -INF, 0, 0}, {OP_exp, INF, 0, INF}, {OP_exp, NAN_, 0, NAN_},
        {OP_log, 1, 0, 0}, {OP_log, 0, 0, -INF}, {OP_log, -0.0, 0, -INF}, {OP_log, -1, 0, NAN_}, {OP_log, INF, 0, INF},
        {OP_tanh, 0, 0, 0}, {OP_tanh, INF, 0, 1}, {OP_tanh, -INF, 0, -1}, {OP_tanh, NAN_, 0, NAN_},
        {OP_sigmoid, 0, 0, 0.5}, {OP_sigmoid, INF, 0, 1}, {OP_sigmoid, -INF, 0, 0},
        {OP_sin, 0, 0, 0}, {OP_cos, 0, 0, 1}, {OP_sin, INF, 0, NAN_}, {OP_cos, INF, 0, NAN_},
        {OP_erf, 0, 0, 0}, {OP_erf, INF, 0, 1}, {OP_erf, -INF, 0, -1},
        {OP_add, INF, -INF, NAN_}, {OP_add, -0.0, -0.0, -0.0}, {OP_add, -0.0, 0, 0}, {OP_sub, 0, 0, 0}, {OP_sub, -0.0, 0, -0.0},
        {OP_mul, 0, INF, NAN_}, {OP_mul, -1, 0, -0.0}, {OP_div, 1, 0, INF}, {OP_div, 1, -0.0, -INF}, {OP_div, 0, 0, NAN_},
        {OP_pow, 2, 10, 1024}, {OP_pow, 0, 0, 1}, {OP_pow, NAN_, 0, 1}, {OP_pow, 1, NAN_, 1}, {OP_pow, -2, 3, -8}, {OP_pow, -2, 0.5, NAN_}, {OP_pow, 0, -1, INF},
        {OP_max, 1, 2, 2}, {OP_max, NAN_, 1, NAN_}, {OP_max, 1, NAN_, NAN_}, {OP_max, -0.0, 0, 0}, {OP_max, 0, -0.0, 0}, {OP_max, -INF, NAN_, NAN_},
        {OP_min, 1, 2, 1}, {OP_min, NAN_, 1, NAN_}, {OP_min, 1, NAN_, NAN_}, {OP_min, -0.0, 0, -0.0}, {OP_min, 0, -0.0, -0.0},
        {OP_eq, NAN_, NAN_, 0}, {OP_eq, 0, -0.0, 1}, {OP_eq, 2, 2, 1}, {OP_lt, NAN_, 1, 0}, {OP_lt, 1, NAN_, 0}, {OP_lt, -0.0, 0, 0}, {OP_lt, -1, 0, 1},
    };
    for (int i = 0; i < COUNT_OF(reals); i++)
        for (int dtype = DT_f32; dtype <= DT_f64; dtype++) {
            double y = scalar_op(reals[i].op, (Dtype)dtype, reals[i].a, reals[i].b), want = (Dtype)dtype == DT_f32 ? (double)(float)reals[i].real : reals[i].real;
            expect(&t, is_value(y, want), "%s(%g, %g) of %s is %g, not %g", op_name(reals[i].op), reals[i].a, reals[i].b, dtype_name((Dtype)dtype), y, want);
        }
    const struct {
        Op op;
        double a, b, y;
    } ints[] = {
        {OP_add, high, 1, low}, {OP_sub, low, 1, high}, {OP_mul, 65536, 65536, 0}, {OP_mul, 65537, 65537, 131073}, {OP_neg, low, 0, low}, {OP_abs, low, 0, low},
        {OP_abs, -5, 0, 5}, {OP_div, 7, -2, -4}, {OP_div, -7, 2, -4}, {OP_div, -7, -2, 3}, {OP_div, 6, -2, -3}, {OP_div, 7, 0, 0}, {OP_div, low, -1, low},
        {OP_max, -1, 2, 2}, {OP_min, -1, 2, -1}, {OP_eq, 3, 3, 1}, {OP_lt, -1, 0, 1}, {OP_lt, 0, -1, 0},
    };
    for (int i = 0; i < COUNT_OF(ints); i++) {
        double y = scalar_op(ints[i].op, DT_i32, ints[i].a, ints[i].b);
        expect(&t, y == ints[i].y, "%s(%g, %g) of i32 is %g, not %g", op_name(ints[i].op), ints[i].a, ints[i].b, y, ints[i].y);
    }
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
            expect(&t, scalar_op(OP_max, DT_bool, a, b) == (a | b) && scalar_op(OP_min, DT_bool, a, b) == (a & b), "or, and");
            expect(&t, scalar_op(OP_eq, DT_bool, a, b) == (a == b) && scalar_op(OP_lt, DT_bool, a, b) == (a < b), "comparison of bools");
        }
    end(&t);
}
static void test_casts(void) {
    Group t = {"casts", false};
    static const struct {
        Dtype from, to;
        double x, y;
    } cases[] = {
        {DT_f64, DT_i32, 3e9, 2147483647}, {DT_f64, DT_i32, -3e9, -2147483648.0}, {DT_f64, DT_i32, NAN_, 0}, {DT_f64, DT_i32, -1.7, -1}, {DT_f32, DT_i32, 1.9, 1},
        {DT_f32, DT_i32, 2147483648.0, 2147483647}, {DT_f64, DT_i32, 2147483646.9, 2147483646}, {DT_f32, DT_i32, -INF, -2147483648.0},
        {DT_f32, DT_u8, 300, 255}, {DT_f32, DT_u8, -0.5, 0}, {DT_f64, DT_u8, 254.9, 254}, {DT_f64, DT_u8, NAN_, 0}, {DT_i32, DT_u8, -1, 0}, {DT_i32, DT_u8, 256, 255}, {DT_i32, DT_u8, 77, 77},
        {DT_f32, DT_bool, NAN_, 1}, {DT_f32, DT_bool, -0.0, 0}, {DT_f64, DT_bool, 1e-320, 1}, {DT_i32, DT_bool, 2, 1}, {DT_u8, DT_bool, 0, 0}, {DT_bool, DT_f32, 1, 1}, {DT_bool, DT_i32, 1, 1},
        {DT_i32, DT_f32, 16777217, 16777216}, {DT_i32, DT_f32, 16777219, 16777220}, {DT_i32, DT_f64, -2147483648.0, -2147483648.0}, {DT_u8, DT_f32, 255, 255},
        {DT_f64, DT_f32, 1e300, INF}, {DT_f64, DT_f32, 1 + 0x1p-24, 1}, {DT_f64, DT_f32, 1 + 0x1p-24 + 0x1p-50, 1 + 0x1p-23}, {DT_f64, DT_f32, -0.0, -0.0}, {DT_f32, DT_f64, 0.5, 0.5},
    };
    for (int i = 0; i < COUNT_OF(cases); i++) {
        Arena *arena = arena_new("test");
        Graph *g = graph_new(arena);
        Node *y = ir_cast(g, ir_fill(g, cases[i].x, type_scalar(g, cases[i].from)), cases[i].to);
        double value = element(run_func(arena, func_make(g, 0, NULL, 1, &y), NULL), 0);
        expect(&t, is_value(value, cases[i].y), "%g from %s to %s is %g", cases[i].x, dtype_name(cases[i].from), dtype_name(cases[i].to), value);
        arena_free(arena);
    }
    end(&t);
}
static void test_select(Arena *arena, Graph *g) {
    Group t = {"select", false};
    Cases c = {.g = g, .arena = arena, .op = OP_select};
    cases_select(&c);
    for (int i = 0; i < c.all.n; i++) {
        Draw d = {5};
        Tensor *args = draw_args(arena, c.all.v[i].f, &d), *y = run_func(arena, c.all.v[i].f, args);
        for (i64 j = 0; j < y->type->count; j++) expect(&t, element(y, j) == element(&args[element(&args[0], j) != 0 ? 1 : 2], j), "%s", c.all.v[i].name);
    }
    u32 odd[2] = {0x7fc01234, 0xff800001}; /* two NaNs with bits of their own */
    Node *a = ir_const(g, DT_f32, SCALAR, &odd[0]), *b = ir_const(g, DT_f32, SCALAR, &odd[1]), *y[2] = {ir_select(g, ir_bool(g, true), a, b), ir_select(g, ir_bool(g, false), a, b)};
    Tensor *got = run_func(arena, func_make(g, 0, NULL, 2, y), NULL);
    expect(&t, memcmp(got[0].data, &odd[0], 4) == 0 && memcmp(got[1].data, &odd[1], 4) == 0, "bits are kept");
    end(&t);
}

/* ---- views: each element of the result by the formula */
static void unravel(const Type *type, i64 flat, i64 *index) {
    for (int i = type->rank - 1; i >= 0; i--) index[i] = flat % type->dims[i], flat /= type->dims[i];
}
static i64 ravel(const Type *type, const i64 *index) {
    i64 flat = 0;
    for (int i = 0; i < type->rank; i++) flat = flat * type->dims[i] + index[i];
    return flat;
}
static double view_element(const Node *n, const Tensor *args, i64 flat) {
    i64 to[RANK_MAX], from[RANK_MAX];
    const Attrs *at = n->at;
    int which = 0;
    unravel(n->type, flat, to);
    if (n->op == OP_reshape) return element(&args[0], flat);
    memcpy(from, to, sizeof from);
    if (n->op == OP_transpose)
        for (int i = 0; i < at->perm.n; i++) from[at->perm.v[i]] = to[i];
    if (n->op == OP_broadcast)
        for (int i = 0; i < at->dims.n; i++) from[i] = to[at->dims.v[i]];
    if (n->op == OP_concat)
        while (from[at->axis] >= args[which].type->dims[at->axis]) from[at->axis] -= args[which++].type->dims[at->axis];
    if (n->op == OP_affine) {
        i64 j = at->a * to[at->axis] + at->c + (at->k >= 0 ? at->b * to[at->k] : 0);
        if (j % at->m != 0 || j / at->m < 0 || j / at->m >= args[0].type->dims[at->axis]) return at->fill;
        from[at->axis] = j / at->m;
    }
    if (n->op == OP_take) {
        i64 picks = args[1].type->rank - at->batch, index[RANK_MAX];
        for (i64 i = 0; i < args[1].type->rank; i++) index[i] = to[i < at->batch ? i : i - at->batch + at->axis];
        i64 pick = (i64)element(&args[1], ravel(args[1].type, index)), n_x = args[0].type->dims[at->axis];
        from[at->axis] = pick < 0 ? 0 : pick >= n_x ? n_x - 1 : pick;
        for (i64 i = at->axis + 1; i < args[0].type->rank; i++) from[i] = to[i - 1 + picks];
    }
    return element(&args[which], ravel(args[which].type, from));
}
/* The value of each node, kept: what a trace is for. */
typedef struct Trace {
    Arena *arena;
    NodeMap values; /* Node -> Tensor */
    int n;
} Trace;
static void keep_value(void *context, const Node *node, const Tensor *value) {
    Trace *trace = context;
    Tensor *copy = arena_copy(trace->arena, value, sizeof *value);
    copy->data = arena_copy(trace->arena, value->data, (size_t)type_bytes(value->type));
    nodemap_set(&trace->values, node, copy);
    trace->n++;
}
static Trace trace_func(Arena *arena, Graph *g, const Func *f, const Tensor *args) {
    Trace trace = {arena, {.arena = arena}, 0};
    Tensor *results = ARENA_ARRAY(arena, Tensor, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = tensor_new(arena, f->results[i]->type);
    func_eval_traced(f, args, results, keep_value, &trace);
    for (int i = 0; i < f->n_params; i++) nodemap_set(&trace.values, ir_arg(g, i, f->params[i]), (Tensor *)&args[i]);
    return trace;
}
static bool is_checked_view(Op op) {
    return op == OP_reshape || op == OP_transpose || op == OP_broadcast || op == OP_affine || op == OP_concat || op == OP_take;
}
static int check_views(Group *t, Arena *arena, Graph *g, const Case *one, u64 seed) {
    Draw d = {seed};
    int checked = 0;
    Trace trace = trace_func(arena, g, one->f, draw_args(arena, one->f, &d));
    NodeList nodes = order_walk(arena, one->f->results, one->f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        const Tensor *got = nodemap_get(&trace.values, node);
        Tensor in[4];
        if (!is_checked_view(node->op)) continue;
        for (int j = 0; j < node->n_args; j++) in[j] = *(Tensor *)nodemap_get(&trace.values, node->args[j]);
        for (i64 e = 0; e < node->type->count; e++) {
            double want = view_element(node, in, e);
            expect(t, is_value(element(got, e), want), "%s: element %lld is %g, not %g", one->name, (long long)e, element(got, e), want);
        }
        checked++;
    }
    return checked;
}
static void test_views(Arena *arena, Graph *g) {
    Group t = {"views by their formulas", false};
    Cases c = {.g = g, .arena = arena};
    const Op ops[] = {OP_reshape, OP_transpose, OP_broadcast, OP_affine, OP_concat, OP_take};
    void (*const makers[])(Cases *) = {cases_reshape, cases_transpose, cases_broadcast, cases_affine, cases_concat, cases_take};
    for (int i = 0; i < COUNT_OF(ops); i++) c.op = ops[i], makers[i](&c);
    for (int i = 0; i < c.all.n; i++) expect(&t, check_views(&t, arena, g, &c.all.v[i], 7) > 0, "%s: nothing to check", c.all.v[i].name);
    Draw d = {11};
    for (int i = 0; i < 500; i++) { /* affine at random */
        i64 dims[3] = {draw_in(&d, 1, 4), draw_in(&d, 1, 4), draw_in(&d, 1, 4)}, a = draw_in(&d, 1, 3);
        int axis = (int)draw_in(&d, 0, 2), k = (int)draw_in(&d, -1, 2);
        if (k == axis) k = -1;
        c.op = OP_affine;
        c.params.n = 0;
        Node *x = param(&c, draw_in(&d, 0, 1) ? DT_f32 : DT_u8, 3, dims);
        Node *y = ir_affine(g, x, axis, draw_in(&d, 1, 7), draw_in(&d, 0, 1) ? a : -a, draw_in(&d, 1, 3), draw_in(&d, -6, 6), k, k < 0 ? 0 : draw_in(&d, -3, 3), 9);
        if (y == x) continue;
        add_case(&c, "at random", y);
        check_views(&t, arena, g, &c.all.v[c.all.n - 1], 13);
    }
    end(&t);
}
/* Slices, padding and windows against what they are for. */
static void test_windows(Arena *arena, Graph *g) {
    Group t = {"slices, padding, windows", false};
    Node *x = ir_cast(g, ir_iota(g, 7), DT_f32);
    struct {
        const char *name;
        Node *y;
        int n;
        double want[16];
    } cases[] = {
        {"slice", ir_slice(g, x, 0, 1, 6, 2), 3, {1, 3, 5}},
        {"slice of an odd rest", ir_slice(g, x, 0, 1, 7, 4), 2, {1, 5}},
        {"reverse", ir_reverse(g, x, 0), 7, {6, 5, 4, 3, 2, 1, 0}},
        {"pad", ir_pad(g, ir_slice(g, x, 0, 1, 4, 1), 0, 1, 2, 1, 9), 8, {9, 1, 9, 2, 9, 3, 9, 9}},
        {"crop", ir_pad(g, x, 0, -2, -3, 0, 9), 2, {2, 3}},
        {"window", ir_window(g, x, 0, 3, 2, 1, 1, 0, 0, -1), 9, {-1, 0, 1, 1, 2, 3, 3, 4, 5}},
        {"window dilated", ir_window(g, x, 0, 2, 2, 3, 0, 1, 0, -1), 6, {0, 3, 2, 5, 4, -1}},
        {"window inner", ir_window(g, ir_slice(g, x, 0, 1, 3, 1), 0, 2, 1, 1, 0, 0, 1, 0), 4, {1, 0, 0, 2}},
        {"cumsum", ir_cumsum(g, x, 0), 7, {0, 1, 3, 6, 10, 15, 21}},
        {"cumprod", ir_cumprod(g, ir_offset(g, x, 1), 0), 7, {1, 2, 6, 24, 120, 720, 5040}},
        {"one hot", ir_one_hot(g, ir_int(g, 2), 4, DT_f32), 4, {0, 0, 1, 0}},
        {"sign", ir_sign(g, ir_offset(g, ir_slice(g, x, 0, 0, 3, 1), -1)), 3, {-1, 0, 1}},
        {"mean", ir_mean(g, ir_slice(g, x, 0, 0, 4, 1), 1, INTS(0)), 1, {1.5}},
        {"not", ir_not(g, ir_lt(g, x, ir_fill(g, 2, x->type))), 7, {0, 0, 1, 1, 1, 1, 1}},
        {"le", ir_le(g, x, ir_fill(g, 1, x->type)), 7, {1, 1, 0, 0, 0, 0, 0}},
    };
    for (int i = 0; i < COUNT_OF(cases); i++) {
        Tensor *y = run_func(arena, func_make(g, 0, NULL, 1, &cases[i].y), NULL);
        expect(&t, y->type->count == cases[i].n, "%s has %lld elements", cases[i].name, (long long)y->type->count);
        for (int j = 0; j < cases[i].n; j++) expect(&t, (float)element(y, j) == (float)cases[i].want[j], "%s: element %d is %g", cases[i].name, j, element(y, j));
    }
    end(&t);
}

/* ---- sums: the terms of an element are listed, then added as graph.h says */
typedef struct Term {
    double a, b;    /* b 1 in a sum */
    i64 inner, cut; /* index on the innermost summed axis, on the cut one */
} Term;
typedef VEC(Term) Terms;
static double rounded(Dtype dtype, double x) { return dtype == DT_f32 ? (double)(float)x : x; }
static double fused(Dtype dtype, bool is_dot, Term term, double sum) {
    if (!is_dot) return rounded(dtype, sum + term.a); /* two f32 add in f64 without error */
    return dtype == DT_f32 ? (double)fmaf((float)term.a, (float)term.b, (float)sum) : fma(term.a, term.b, sum);
}
/* The terms whose cut index is in [begin, end). */
static double add_terms(const Node *n, const Terms *terms, i64 begin, i64 end, bool cut_is_inner) {
    double lane[16] = {0};
    Dtype dtype = n->type->dtype;
    bool is_dot = n->op == OP_dot, lanes = n->at->order == ORDER_LANES;
    for (int i = 0; i < terms->n; i++) {
        Term term = terms->v[i];
        if (term.cut < begin || term.cut >= end) continue;
        int to = lanes ? (int)((term.inner - (cut_is_inner ? begin : 0)) % 16) : 0;
        lane[to] = fused(dtype, is_dot, term, lane[to]);
    }
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half && lanes; i++) lane[i] = rounded(dtype, lane[i] + lane[i + half]);
    return lane[0];
}
static double add_all(const Node *n, const Terms *terms, i64 cut_length, bool cut_is_inner) {
    i64 cut = n->at->cut;
    double blocks[64];
    if (!cut) return add_terms(n, terms, 0, INT64_MAX, false);
    i64 length = (cut_length + cut - 1) / cut;
    for (i64 b = 0; b < cut; b++) blocks[b] = add_terms(n, terms, b * length, (b + 1) * length, cut_is_inner);
    for (; cut > 1; cut /= 2)
        for (i64 b = 0; b < cut / 2; b++) blocks[b] = rounded(n->type->dtype, blocks[2 * b] + blocks[2 * b + 1]);
    return blocks[0];
}
static bool in_list(List list, i64 x) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == x) return true;
    return false;
}
/* Element `flat` of the result of a sum or dot. */
static double sum_element(Arena *arena, const Node *n, const Tensor *args, i64 flat) {
    const Attrs *at = n->at;
    const Type *l = args[0].type, *r = n->op == OP_dot ? args[1].type : NULL;
    List summed = r ? at->lc : at->axes, none = {0};
    i64 to[RANK_MAX], left[RANK_MAX] = {0}, right[RANK_MAX] = {0}, count[RANK_MAX] = {0};
    int place = 0;
    unravel(n->type, flat, to);
    for (int i = 0; i < at->lb.n; i++, place++) left[at->lb.v[i]] = right[at->rb.v[i]] = to[place];
    for (int i = 0; i < l->rank; i++)
        if (!in_list(summed, i) && !in_list(r ? at->lb : none, i)) left[i] = to[place++];
    for (int i = 0; r && i < r->rank; i++)
        if (!in_list(at->rc, i) && !in_list(at->rb, i)) right[i] = to[place++];
    Terms terms = {0};
    int cut = 0, inner = summed.n - 1;
    for (int i = 0; i < summed.n && at->cut && !r; i++)
        if (summed.v[i] == at->cut_axis) cut = i;
    if (r) cut = (int)at->cut_axis;
    for (bool more = true; more;) {
        for (int i = 0; i < summed.n; i++) left[summed.v[i]] = count[i];
        for (int i = 0; r && i < summed.n; i++) right[at->rc.v[i]] = count[i];
        Term term = {element(&args[0], ravel(l, left)), r ? element(&args[1], ravel(r, right)) : 1, summed.n ? count[inner] : 0, summed.n ? count[cut] : 0};
        vec_push(arena, &terms, term);
        more = false;
        for (int i = inner; i >= 0 && !more; i--) more = ++count[i] < l->dims[summed.v[i]] || (count[i] = 0);
    }
    return add_all(n, &terms, summed.n ? l->dims[summed.v[cut]] : 1, cut == inner);
}
static void check_sum(Group *t, Graph *g, Node *node, u64 seed) {
    Arena *arena = arena_new("test");
    const Type *params[2] = {node->args[0]->type, node->args[node->n_args - 1]->type};
    const Func *f = func_make(g, node->n_args, params, 1, &node);
    Draw d = {seed};
    Tensor *args = draw_args(arena, f, &d), *got = run_func(arena, f, args);
    for (i64 i = 0; i < node->type->count; i++) {
        double want = sum_element(arena, node, args, i);
        expect(t, is_value(element(got, i), want), "%s order %d cut %lld at %lld of rank %d: element %lld is %a, not %a", op_name(node->op), (int)node->at->order,
               (long long)node->at->cut, (long long)node->at->cut_axis, node->args[0]->type->rank, (long long)i, element(got, i), want);
    }
    arena_free(arena);
}
static void test_sums(Graph *g) {
    Group t = {"sums in their orders", false};
    Draw d = {21};
    for (int i = 0; i < 400; i++) {
        i64 dims[3] = {draw_in(&d, 1, 5), draw_in(&d, 1, 7), draw_in(&d, 1, 70)};
        int rank = (int)draw_in(&d, 1, 3), axes[3], n = 0;
        for (int a = 0; a < rank; a++)
            if (draw_in(&d, 0, 1)) axes[n++] = a;
        if (!n) axes[n++] = rank - 1;
        Node *x = ir_arg(g, 0, type_get(g, draw_in(&d, 0, 1) ? DT_f32 : DT_f64, rank, dims + 3 - rank)), *sum = ir_sum(g, x, n, axes);
        i64 cut = (i64)1 << draw_in(&d, 0, 4);
        check_sum(&t, g, with_order(g, sum, (Order)draw_in(&d, 0, 2), 0, 0), (u64)i);
        check_sum(&t, g, with_order(g, sum, (Order)draw_in(&d, 0, 2), cut, axes[draw_in(&d, 0, n - 1)]), (u64)i);
    }
    Node *x = ir_fill(g, -0.0, type_get(g, DT_f32, DIMS(2))), *sum = ir_sum(g, x, 1, INTS(0)), *ints = ir_sum(g, ir_fill(g, INT32_MAX, type_get(g, DT_i32, DIMS(3))), 1, INTS(0));
    Arena *arena = arena_new("test");
    Tensor *y = run_func(arena, func_make(g, 0, NULL, 2, (Node *[]){sum, ints}), NULL);
    expect(&t, is_value(element(&y[0], 0), 0), "a sum is never -0");
    expect(&t, element(&y[1], 0) == 2147483645, "i32 wraps");
    arena_free(arena);
    end(&t);
}
static void test_dots(Graph *g) {
    Group t = {"products in their orders", false};
    Draw d = {22};
    for (int i = 0; i < 300; i++) { /* batch, left free, right free, contracted axes, shuffled on each side */
        i64 ld[RANK_MAX], rd[RANK_MAX];
        int nb = (int)draw_in(&d, 0, 2), nc = (int)draw_in(&d, 0, 2), nl = (int)draw_in(&d, 0, 2), nr = (int)draw_in(&d, 0, 2), lb[2], rb[2], lc[2], rc[2];
        int lr = nb + nc + nl, rr = nb + nc + nr, lp[6], rp[6];
        for (int a = 0; a < lr; a++) lp[a] = a, ld[a] = draw_in(&d, 1, 4);
        for (int a = 0; a < rr; a++) rp[a] = a, rd[a] = draw_in(&d, 1, 4);
        for (int a = lr - 1; a > 0; a--) { int b = (int)draw_in(&d, 0, a), swap = lp[a]; lp[a] = lp[b]; lp[b] = swap; }
        for (int a = rr - 1; a > 0; a--) { int b = (int)draw_in(&d, 0, a), swap = rp[a]; rp[a] = rp[b]; rp[b] = swap; }
        for (int a = 0; a < nb; a++) lb[a] = lp[a], rb[a] = rp[a], rd[rb[a]] = ld[lb[a]];
        for (int a = 0; a < nc; a++) lc[a] = lp[nb + a], rc[a] = rp[nb + a], ld[lc[a]] = draw_in(&d, 1, a == nc - 1 ? 40 : 5), rd[rc[a]] = ld[lc[a]];
        Dtype dtype = draw_in(&d, 0, 1) ? DT_f32 : DT_f64;
        Node *l = ir_arg(g, 0, type_get(g, dtype, lr, ld)), *r = ir_arg(g, 1, type_get(g, dtype, rr, rd));
        Node *dot = ir_dot(g, l, r, nb, lb, rb, nc, lc, rc);
        check_sum(&t, g, with_order(g, dot, (Order)draw_in(&d, 0, 2), 0, 0), (u64)i);
        if (nc) check_sum(&t, g, with_order(g, dot, (Order)draw_in(&d, 0, 2), (i64)1 << draw_in(&d, 0, 4), draw_in(&d, 0, nc - 1)), (u64)i);
    }
    end(&t);
}

/* ---- folds, indices, draws */
static void test_amax_and_top(Arena *arena, Graph *g) {
    Group t = {"amax and top", false};
    static const double rows[][5] = {{1, NAN_, 3, 3, INF}, {-0.0, 0, -0.0, 0, -1}, {-INF, -INF, -INF, -INF, -INF}, {NAN_, 2, NAN_, 2, 1}, {5, 4, 3, 2, 1}, {1, 2, 3, 4, 5}};
    static const double largest[] = {NAN_, 0, -INF, NAN_, 5, 5};
    static const i32 order[][5] = {{1, 4, 2, 3, 0}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}, {0, 2, 1, 3, 4}, {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}};
    for (int i = 0; i < COUNT_OF(rows); i++)
        for (int dtype = DT_f32; dtype <= DT_f64; dtype++) {
            Node *x = ir_cast(g, ir_const(g, DT_f64, DIMS(5), rows[i]), (Dtype)dtype);
            Node *y[4] = {ir_amax(g, x, 1, INTS(0)), ir_amin(g, ir_neg(g, x), 1, INTS(0)), ir_top(g, x, 5), ir_argmax(g, x)};
            Tensor *got = run_func(arena, func_make(g, 0, NULL, 4, y), NULL);
            expect(&t, is_value(element(&got[0], 0), largest[i]) && is_value(element(&got[1], 0), -largest[i]), "amax of row %d is %g", i, element(&got[0], 0));
            expect(&t, memcmp(got[2].data, order[i], sizeof order[i]) == 0 && element(&got[3], 0) == order[i][0], "top of row %d", i);
        }
    Node *x = ir_arg(g, 0, type_get(g, DT_i32, DIMS(3, 4, 5))), *y = ir_amax(g, x, 2, INTS(0, 2));
    Draw d = {9};
    Tensor in = draw_tensor(arena, x->type, &d), *got = run_func(arena, func_make(g, 1, &x->type, 1, &y), &in);
    for (int j = 0; j < 4; j++) {
        double most = -9;
        for (int i = 0; i < 15; i++) most = fmax(most, element(&in, i / 5 * 20 + j * 5 + i % 5));
        expect(&t, element(got, j) == most, "amax over two axes");
    }
    end(&t);
}
/* put is take's transpose: <take(x, i), y> = <x, put(y, i)>, and in the index's order. */
static void test_put(Arena *arena, Graph *g) {
    Group t = {"put", false};
    const float big[4] = {1e8f, 1, -1e8f, 1};
    const i32 one[4] = {1, 1, 1, 7}; /* 7 is clamped to 2 */
    Node *y = ir_const(g, DT_f32, DIMS(4), big), *index = ir_const(g, DT_i32, DIMS(4), one), *put = ir_put(g, y, index, 3, 0, 0);
    Node *cut = with_order(g, put, ORDER_UNSET, 2, 0), *all[2] = {put, cut};
    Tensor *got = run_func(arena, func_make(g, 0, NULL, 2, all), NULL);
    expect(&t, element(&got[0], 0) == 0 && element(&got[0], 1) == 0 && element(&got[0], 2) == 1, "in order: %g", element(&got[0], 1));
    expect(&t, element(&got[1], 1) == (double)((1e8f + 1) + -1e8f) && element(&got[1], 2) == 1, "in blocks");
    const float apart[4] = {1, 1e8f, -1e8f, 1};
    const i32 same[4] = {0, 0, 0, 0};
    put = ir_put(g, ir_const(g, DT_f32, DIMS(4), apart), ir_const(g, DT_i32, DIMS(4), same), 1, 0, 0);
    for (i64 blocks = 1; blocks <= 4; blocks *= 2) {
        Node *node = with_order(g, put, ORDER_UNSET, blocks, 0);
        double want = blocks == 1 ? (double)(((1 + 1e8f) - 1e8f) + 1) : (double)((1 + 1e8f) + (-1e8f + 1));
        expect(&t, element(run_func(arena, func_make(g, 0, NULL, 1, &node), NULL), 0) == want, "%d blocks", (int)blocks);
    }
    Draw d = {31};
    for (int i = 0; i < 100; i++) {
        int batch = (int)draw_in(&d, 0, 1), axis = (int)draw_in(&d, batch, 2);
        i64 xd[3] = {2, draw_in(&d, 1, 4), draw_in(&d, 1, 4)}, id[2] = {2, draw_in(&d, 1, 5)};
        Node *x = ir_arg(g, 0, type_get(g, DT_f64, 3, xd)), *at = ir_arg(g, 1, type_get(g, DT_i32, 2, id)), *picked = ir_take(g, x, at, axis, batch);
        Node *v = ir_arg(g, 2, picked->type), *back = ir_put(g, v, at, xd[axis], axis, batch);
        Node *sums[2] = {ir_sum_all(g, ir_mul(g, picked, v)), ir_sum_all(g, ir_mul(g, x, back))};
        const Func *f = func_make(g, 3, (const Type *[]){x->type, at->type, v->type}, 2, sums);
        Tensor *is = run_func(arena, f, draw_args(arena, f, &d));
        expect(&t, fabs(element(&is[0], 0) - element(&is[1], 0)) < 1e-12, "the transpose of take, axis %d batch %d", axis, batch);
    }
    end(&t);
}
static void test_random(Arena *arena, Graph *g) {
    Group t = {"draws", false};
    const u32 none[4] = {0}, all[4] = {~0u, ~0u, ~0u, ~0u}, zero_words[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, one_words[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    u32 words[4];
    philox4x32_10(none, none, words);
    expect(&t, memcmp(words, zero_words, sizeof words) == 0, "the known answer of zeros");
    philox4x32_10(all, all, words);
    expect(&t, memcmp(words, one_words, sizeof words) == 0, "the known answer of ones");
    const i32 key[2] = {-5, 77}, rows[2] = {3, -1}, elements[2] = {9, INT32_MIN};
    Node *k = ir_const(g, DT_i32, DIMS(2), key), *s = ir_int(g, -2), *r = ir_const(g, DT_i32, DIMS(2), rows), *e = ir_const(g, DT_i32, DIMS(2), elements), *y[4];
    for (int i = 0; i < 4; i++) y[i] = ir_random(g, i < 2 ? DT_f32 : DT_f64, 0xFFFFFFFE, i & 1, k, s, r, e);
    Tensor *got = run_func(arena, func_make(g, 0, NULL, 4, y), NULL);
    for (int j = 0; j < 2; j++) {
        const u32 counter[4] = {(u32)elements[j], (u32)rows[j], (u32)-2, 0xFFFFFFFE}, seed[2] = {(u32)-5, 77};
        philox4x32_10(counter, seed, words);
        for (int w = 0; w < 2; w++) {
            expect(&t, element(&got[w], j) == floor(words[2 * w] / 256.0) / 16777216.0, "f32, word %d", w);
            expect(&t, element(&got[2 + w], j) == floor((words[2 * w] * 4294967296.0 + floor(words[2 * w + 1] / 2048.0) * 2048.0) / 2048.0) / 9007199254740992.0, "f64, word %d", w);
        }
    }
    i64 n = 20000;
    Node *where = ir_iota(g, n), *row = ir_fill(g, 0, where->type), *draws = ir_normal(g, DT_f64, 1, k, s, row, where), *mean = ir_mean(g, draws, 1, INTS(0));
    Node *moments[3] = {mean, ir_mean(g, ir_mul(g, draws, draws), 1, INTS(0)), ir_mean(g, ir_uniform(g, DT_f32, 2, k, s, row, where), 1, INTS(0))};
    got = run_func(arena, func_make(g, 0, NULL, 3, moments), NULL);
    expect(&t, fabs(element(&got[0], 0)) < 0.03 && fabs(element(&got[1], 0) - 1) < 0.05, "normal: mean %g, square %g", element(&got[0], 0), element(&got[1], 0));
    expect(&t, fabs(element(&got[2], 0) - 0.5) < 0.01, "uniform: mean %g", element(&got[2], 0));
    end(&t);
}

/* ---- loops: the rounds written out give the same bits */
static void test_scans(Arena *arena, Graph *g) {
    Group t = {"loops", false};
    Cases c = {.g = g, .arena = arena, .op = OP_scan};
    cases_scan(&c);
    for (int i = 0; i < c.all.n; i++) {
        const Func *f = c.all.v[i].f;
        Node *scan = f->results[0]->args[0];
        const Attrs *at = scan->at;
        int carry = (int)at->carry, fixed = (int)(at->carry + at->constants), nr = at->body->n_results;
        Node **args = ARENA_ARRAY(arena, Node *, scan->n_args), **out = ARENA_ARRAY(arena, Node *, nr), **parts = ARENA_ARRAY(arena, Node *, nr * at->length);
        for (int j = 0; j < scan->n_args; j++) args[j] = scan->args[j];
        for (i64 r = 0; r < at->length; r++) {
            i64 round = at->reverse ? at->length - 1 - r : r;
            for (int j = fixed; j < scan->n_args; j++) args[j] = ir_squeeze(g, ir_slice(g, scan->args[j], 0, round, round + 1, 1), 0);
            func_apply(g, at->body, args, out);
            for (int j = 0; j < carry; j++) args[j] = out[j];
            for (int j = carry; j < nr; j++) parts[j * at->length + round] = ir_lead(g, out[j], DIMS(1));
        }
        for (int j = 0; j < nr; j++) out[j] = j < carry ? args[j] : ir_concat(g, (int)at->length, &parts[j * at->length], 0);
        const Func *flat = func_make(g, f->n_params, f->params, nr, out);
        Draw d = {41};
        Tensor *in = draw_args(arena, f, &d), *got = run_func(arena, f, in), *want = run_func(arena, flat, in);
        for (int j = 0; j < nr; j++)
            expect(&t, got[j].type == want[j].type && same_elements(got[j].type->dtype, got[j].data, want[j].data, got[j].type->count), "%s: result %d", c.all.v[i].name, j);
    }
    end(&t);
}
static void test_passing(Arena *arena, Graph *g) {
    Group t = {"arguments and results", false};
    const Type *type = type_get(g, DT_f32, DIMS(3));
    Node *a = ir_arg(g, 0, type), *b = ir_arg(g, 1, type), *results[4] = {b, a, ir_add(g, a, b), a};
    const Func *f = func_make(g, 2, (const Type *[]){type, type}, 4, results);
    float x[3] = {1, 2, 3}, y[3] = {10, 20, 30}, sum[3], again[3];
    Tensor in[2] = {{type, x}, {type, y}}, out[4] = {{type, x}, {type, y}, {type, sum}, {type, again}};
    func_eval(f, in, out); /* results where the arguments were: exchanged */
    expect(&t, x[1] == 20 && y[1] == 2 && sum[1] == 22 && again[1] == 2, "results in the place of arguments: %g %g", (double)x[1], (double)y[1]);
    Node *chain = ir_exp(g, ir_neg(g, a)), *copy = ir_stop(g, ir_mark(g, ir_reshape(g, a, DIMS(1, 3))));
    Node *both[3] = {chain, copy, ir_fill(g, 2, type)};
    Trace trace = trace_func(arena, g, func_make(g, 1, &type, 3, both), in);
    expect(&t, trace.n == 7, "%d values were seen", trace.n); /* neg exp reshape mark stop const broadcast */
    Tensor folded = {type, sum};
    node_eval(ir_add(g, a, b), in, &folded);
    expect(&t, sum[2] == 33, "a node alone");
    end(&t);
}
int main(void) {
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    test_special_values();
    test_casts();
    test_select(arena, g);
    test_views(arena, g);
    test_windows(arena, g);
    test_sums(g);
    test_dots(g);
    test_amax_and_top(arena, g);
    test_put(arena, g);
    test_random(arena, g);
    test_scans(arena, g);
    test_passing(arena, g);
    arena_free(arena);
    return failed_groups != 0;
}

/* grad_test.c: gradients against central differences in f64, to order 2, element by element: each operator of op.def that has a
** gradient (one without a case fails), what is composed of them, loops. The same with the rule of that operator made wrong by a
** hundredth must be noticed. Then what differences cannot see: ties, targets, the order of contributions.
**
** Rules are made wrong by the linker: `--wrap=vjp_X` (Makefile) sends grad.c's calls of vjp_X to __wrap_vjp_X here. */
#include "../../compiler/grad/rules.h"
#include "random_program.h"
#include <math.h>
#include <stdlib.h>

static const double EPS = 1e-6, ATOL = 1e-5, RTOL = 1e-3;

typedef struct Check {
    Graph *g;
    Arena *arena;
    Group *group;
    const char *name;
    bool wrong; /* a rule is: the check must find it */
    bool found;
} Check;

/* ---- rules made wrong */
static int wrong_op = -1;
static void make_wrong(const Pull *p) {
    if ((int)p->node->op != wrong_op) return;
    for (int i = 0; i < p->node->n_args; i++)
        if (p->give[i] && dtype_real(p->give[i]->type->dtype)) p->give[i] = ir_scale(p->g, p->give[i], 1.01);
}
#define RULES(X)                                                                                                       \
    X(identity) X(neg) X(abs) X(exp) X(log) X(sqrt) X(tanh) X(sigmoid) X(sin) X(cos) X(erf) X(cast) X(add) X(sub)      \
    X(mul) X(div) X(pow) X(max) X(min) X(select) X(reshape) X(transpose) X(broadcast) X(affine) X(concat) X(sum)       \
    X(amax) X(dot) X(take) X(put) X(scan)
#define RULE(name)                                                                                                     \
    void __real_vjp_##name(const Pull *p);                                                                             \
    void __wrap_vjp_##name(const Pull *p);                                                                             \
    void __wrap_vjp_##name(const Pull *p) {                                                                            \
        __real_vjp_##name(p);                                                                                          \
        make_wrong(p);                                                                                                 \
    }
RULES(RULE)

static double scalar_at(Check *c, const Func *f, const Tensor *args) {
    Tensor *r = run_func(c->arena, f, args);
    return *(double *)r[0].data;
}
/* f: [value, gradient of each real param]. Moves every element of every real param. */
static void compare(Check *c, const Func *f, Tensor *args, int order) {
    const Func *value = func_make(c->g, f->n_params, f->params, 1, f->results);
    Tensor *got = run_func(c->arena, f, args);
    for (int p = 0, r = 1; p < f->n_params; p++) {
        if (!dtype_real(f->params[p]->dtype)) continue;
        double *x = args[p].data, *d = got[r++].data;
        for (i64 i = 0; i < args[p].type->count; i++) {
            double was = x[i];
            x[i] = was + EPS;
            double up = scalar_at(c, value, args);
            x[i] = was - EPS;
            double down = scalar_at(c, value, args);
            x[i] = was;
            double want = (up - down) / (2 * EPS);
            bool close = fabs(d[i] - want) <= ATOL + RTOL * fabs(want);
            if (!close) c->found = true;
            if (!c->wrong) expect(c->group, close, "%s, order %d, param %d, element %d: %.10g, differences %.10g", c->name, order, p, (int)i, d[i], want);
        }
    }
}
/* f's first result is the value, all params real or i32. */
static void check_func(Check *c, const Func *f, Tensor *args, int orders) {
    Maker m = {.g = c->g, .arena = c->arena, .real = DT_f64};
    const Func *first = with_gradient(c->g, c->arena, f);
    const char *bad = func_verify(c->arena, c->g, first, false);
    expect(c->group, !bad, "%s: %s", c->name, bad);
    compare(c, first, args, 1);
    if (orders < 2) return;
    Node *value = project(&m, first->n_results - 1, first->results + 1);
    compare(c, with_gradient(c->g, c->arena, func_make(c->g, f->n_params, f->params, 1, &value)), args, 2);
}

/* ---- a case: builds results from params; kind says where its data lie */
typedef enum Kind { ANY, POSITIVE } Kind;
typedef struct GradCase {
    Op op;
    const char *name;
    Node *(*make)(Maker *m);
    Kind kind; /* of the real params: ANY in (-2, 2), POSITIVE in (0.5, 2.5); i32 ones are small indices anyway */
} GradCase;
#define UNARY(op) static Node *make_##op(Maker *m) { return ir_##op(m->g, in(m, DIMS(3, 2))); }
#define BINARY(op)                                                                                                     \
    static Node *make_##op(Maker *m) {                                                                                 \
        Node *a = in(m, DIMS(2, 3)), *b = in(m, DIMS(2, 3));                                                           \
        return ir_##op(m->g, a, b);                                                                                    \
    }
UNARY(neg) UNARY(abs) UNARY(exp) UNARY(log) UNARY(sqrt) UNARY(tanh) UNARY(sigmoid) UNARY(sin) UNARY(cos) UNARY(erf) UNARY(mark)
BINARY(add) BINARY(sub) BINARY(mul) BINARY(div) BINARY(pow) BINARY(max) BINARY(min)
static Node *squared(Maker *m, Node *x) { return ir_mul(m->g, x, x); }
static Node *make_cast(Maker *m) { /* values in f32 are too coarse for differences; its gradient is among the exact statements */
    Node *x = in(m, DIMS(4)), *zero = ir_fill(m->g, 0, x->type);
    return ir_mul(m->g, x, ir_cast(m->g, ir_lt(m->g, zero, x), DT_f64));
}
static Node *make_select(Maker *m) {
    Node *a = in(m, DIMS(6)), *b = in(m, DIMS(6));
    return ir_select(m->g, ir_lt(m->g, a, b), ir_mul(m->g, a, b), a);
}
static Node *make_reshape(Maker *m) { return squared(m, ir_reshape(m->g, in(m, DIMS(6)), DIMS(3, 2))); }
static Node *make_transpose(Maker *m) { return squared(m, ir_transpose(m->g, in(m, DIMS(2, 3, 4)), INTS(2, 0, 1))); }
static Node *make_broadcast(Maker *m) { return ir_exp(m->g, ir_broadcast(m->g, in(m, DIMS(3, 2)), DIMS(3, 2, 2), INTS(0, 2))); }
static Node *make_slice(Maker *m) { return ir_exp(m->g, ir_slice(m->g, in(m, DIMS(2, 7)), 1, 1, 6, 2)); }
static Node *make_pad(Maker *m) { return ir_exp(m->g, ir_pad(m->g, in(m, DIMS(2, 3)), 1, 2, 1, 2, 3)); }
static Node *make_crop(Maker *m) { return ir_exp(m->g, ir_pad(m->g, in(m, DIMS(7, 2)), 0, -2, -1, 0, 0)); }
static Node *make_reverse(Maker *m) { return ir_exp(m->g, ir_reverse(m->g, in(m, DIMS(2, 4)), 1)); }
static Node *make_window(Maker *m) { return ir_exp(m->g, ir_window(m->g, in(m, DIMS(2, 7)), 1, 3, 2, 2, 1, 2, 0, 0)); }
static Node *make_window_inner(Maker *m) { return ir_exp(m->g, ir_window(m->g, in(m, DIMS(5, 2)), 0, 3, 2, 1, 2, 2, 1, 0)); }
static Node *make_affine(Maker *m) { return ir_exp(m->g, ir_affine(m->g, in(m, DIMS(2, 7)), 1, 9, -2, 3, 14, 0, 1, 0.5)); }
static Node *make_concat(Maker *m) {
    Node *a = in(m, DIMS(2, 3)), *b = in(m, DIMS(2, 1));
    return ir_exp(m->g, ir_concat(m->g, 3, (Node *[]){a, b, a}, 1));
}
static Node *make_sum(Maker *m) { return ir_exp(m->g, ir_sum(m->g, in(m, DIMS(2, 3, 2)), 2, INTS(0, 2))); }
static Node *make_amax(Maker *m) { return ir_exp(m->g, ir_amax(m->g, in(m, DIMS(2, 3, 4)), 2, INTS(0, 2))); }
static Node *make_amin(Maker *m) { return ir_exp(m->g, ir_amin(m->g, in(m, DIMS(2, 5)), 1, INTS(1))); }
static Node *make_dot(Maker *m) {
    Node *a = in(m, DIMS(3, 4)), *b = in(m, DIMS(4, 2));
    return ir_tanh(m->g, ir_matmul(m->g, a, b));
}
static Node *make_dot_batch(Maker *m) {
    Node *a = in(m, DIMS(2, 2, 3, 2)), *b = in(m, DIMS(2, 2, 2, 3));
    return ir_tanh(m->g, ir_dot(m->g, a, b, 1, INTS(1), INTS(2), 2, INTS(0, 3), INTS(1, 0)));
}
static Node *make_outer(Maker *m) {
    Node *a = in(m, DIMS(3)), *b = in(m, DIMS(2));
    return ir_dot(m->g, a, b, 0, NULL, NULL, 0, NULL, NULL);
}
static Node *make_take(Maker *m) {
    Node *x = in(m, DIMS(2, 4, 3)), *i = in_type(m, DT_i32, DIMS(2, 3));
    return ir_exp(m->g, ir_take(m->g, x, i, 1, 0));
}
static Node *make_take_batch(Maker *m) {
    Node *x = in(m, DIMS(2, 3, 4, 2)), *i = in_type(m, DT_i32, DIMS(2, 3));
    return ir_exp(m->g, ir_take(m->g, x, i, 2, 1));
}
static Node *make_put(Maker *m) {
    Node *y = in(m, DIMS(2, 2, 3, 2)), *i = in_type(m, DT_i32, DIMS(2, 3));
    return ir_exp(m->g, ir_put(m->g, y, i, 4, 1, 0));
}
static Node *make_put_batch(Maker *m) {
    Node *y = in(m, DIMS(2, 3, 3, 2)), *i = in_type(m, DT_i32, DIMS(2, 3));
    return ir_exp(m->g, ir_put(m->g, y, i, 4, 2, 1));
}
static Node *value_of(Maker *m, const Func *f) { /* a program's first result, its params being this case's */
    for (int i = 0; i < f->n_params; i++) vec_push(m->arena, &m->params, f->params[i]);
    return f->results[0];
}
static Node *make_scan(Maker *m) { return value_of(m, cell_loop(m, false)); }
static Node *make_scan_reverse(Maker *m) { return value_of(m, cell_loop(m, true)); }
static Node *make_scan_nested(Maker *m) { return value_of(m, loop_in_loop(m)); }
static Node *make_scan_table(Maker *m) { return value_of(m, table_loop(m)); }
static Node *make_scan_mixed(Maker *m) { return value_of(m, mixed_loop(m)); }
static Node *make_cumsum(Maker *m) { return ir_exp(m->g, ir_cumsum(m->g, in(m, DIMS(2, 4)), 1)); }
static Node *make_cumprod(Maker *m) { return ir_exp(m->g, ir_cumprod(m->g, in(m, DIMS(4, 2)), 0)); }
static Node *make_maml(Maker *m) { return value_of(m, maml(m, 3)); }
static Node *make_meta_batch(Maker *m) { return value_of(m, meta_batch(m, 2)); }
static Node *make_lstm(Maker *m) { return value_of(m, lstm(m, true)); }
static Node *make_perceptron(Maker *m) { return value_of(m, perceptron(m, 4)); }
static Node *make_tasks(Maker *m) { return value_of(m, tasks(m)); }
static Node *make_pools(Maker *m) { return value_of(m, pools(m)); }
static Node *make_conv(Maker *m) { return value_of(m, conv_net(m, &shapes[1])); }
static Node *make_conv_transposed(Maker *m) { return value_of(m, conv_net(m, &shapes[3])); }
static Node *make_softplus(Maker *m) {
    Node *x = in(m, DIMS(4));
    return ir_add(m->g, ir_max(m->g, x, ir_fill(m->g, 0, x->type)), ir_log(m->g, ir_offset(m->g, ir_exp(m->g, ir_neg(m->g, ir_abs(m->g, x))), 1)));
}
static Node *make_cube(Maker *m) {
    Node *x = in(m, DIMS(4));
    return ir_pow(m->g, x, ir_fill(m->g, 3, x->type));
}
static Node *make_top(Maker *m) { /* a sorted choice: the gradient goes through take */
    Node *x = in(m, DIMS(3, 5));
    return ir_exp(m->g, ir_take(m->g, x, ir_top(m->g, x, 2), 1, 1));
}
static const GradCase cases[] = {
    {OP_mark, "mark", make_mark, ANY}, {OP_neg, "neg", make_neg, ANY}, {OP_abs, "abs", make_abs, ANY}, {OP_exp, "exp", make_exp, ANY},
    {OP_log, "log", make_log, POSITIVE}, {OP_sqrt, "sqrt", make_sqrt, POSITIVE}, {OP_tanh, "tanh", make_tanh, ANY},
    {OP_sigmoid, "sigmoid", make_sigmoid, ANY}, {OP_sin, "sin", make_sin, ANY}, {OP_cos, "cos", make_cos, ANY}, {OP_erf, "erf", make_erf, ANY},
    {OP_cast, "cast", make_cast, ANY}, {OP_add, "add", make_add, ANY}, {OP_sub, "sub", make_sub, ANY}, {OP_mul, "mul", make_mul, ANY},
    {OP_div, "div", make_div, POSITIVE}, {OP_pow, "pow", make_pow, POSITIVE}, {OP_pow, "cube", make_cube, ANY}, {OP_max, "max", make_max, ANY},
    {OP_min, "min", make_min, ANY}, {OP_max, "softplus", make_softplus, ANY}, {OP_select, "select", make_select, ANY},
    {OP_reshape, "reshape", make_reshape, ANY}, {OP_transpose, "transpose", make_transpose, ANY}, {OP_broadcast, "broadcast", make_broadcast, ANY},
    {OP_affine, "slice", make_slice, ANY}, {OP_affine, "pad", make_pad, ANY}, {OP_affine, "crop", make_crop, ANY}, {OP_affine, "reverse", make_reverse, ANY},
    {OP_affine, "window", make_window, ANY}, {OP_affine, "window with zeros between", make_window_inner, ANY}, {OP_affine, "affine", make_affine, ANY},
    {OP_concat, "concat", make_concat, ANY}, {OP_sum, "sum", make_sum, ANY}, {OP_amax, "amax", make_amax, ANY}, {OP_amax, "amin", make_amin, ANY},
    {OP_dot, "dot", make_dot, ANY}, {OP_dot, "dot with a batch", make_dot_batch, ANY}, {OP_dot, "outer product", make_outer, ANY},
    {OP_take, "take", make_take, ANY}, {OP_take, "take with a batch", make_take_batch, ANY}, {OP_put, "put", make_put, ANY},
    {OP_put, "put with a batch", make_put_batch, ANY}, {OP_take, "top", make_top, ANY}, {OP_scan, "scan", make_scan, ANY},
    {OP_scan, "scan in reverse", make_scan_reverse, ANY}, {OP_scan, "scan in a scan", make_scan_nested, ANY}, {OP_scan, "scan of a table", make_scan_table, ANY},
    {OP_scan, "scan of several types", make_scan_mixed, ANY}, {OP_scan, "cumsum", make_cumsum, ANY}, {OP_scan, "cumprod", make_cumprod, ANY},
    {OP_scan, "maml", make_maml, ANY}, {OP_scan, "meta batch", make_meta_batch, ANY}, {OP_scan, "lstm", make_lstm, ANY}, {OP_dot, "perceptron", make_perceptron, ANY}, {OP_dot, "tasks", make_tasks, ANY},
    {OP_affine, "pools", make_pools, ANY}, {OP_affine, "convolution", make_conv, ANY}, {OP_affine, "transposed convolution", make_conv_transposed, ANY},
};

static const Func *case_func(Maker *m, const GradCase *one) {
    m->params.n = 0;
    Node *result = one->make(m), *value = result->type->rank ? project(m, 1, &result) : result;
    return done(m, 1, &value);
}
static void place_data(const GradCase *one, const Func *f, Tensor *args) {
    for (int p = 0; p < f->n_params; p++)
        for (i64 i = 0; i < f->params[p]->count; i++) {
            if (f->params[p]->dtype == DT_i32) ((i32 *)args[p].data)[i] = (i32)((u32)((i32 *)args[p].data)[i] % 3);
            else if (one->kind == POSITIVE) ((double *)args[p].data)[i] = 0.5 + 0.5 * fabs(((double *)args[p].data)[i]);
            else ((double *)args[p].data)[i] *= f->params[p]->count > 30 ? 0.5 : 1;
        }
}
static void check_case(const GradCase *one) {
    Group group = {one->name, false};
    for (int wrong = 0; wrong < 2; wrong++) {
        if (wrong && one->op == OP_cast) continue; /* nothing in its case is a cast between reals; exact statements are below */
        Arena *arena = arena_new("test");
        Graph *g = graph_new(arena);
        Maker m = {.g = g, .arena = arena, .real = DT_f64};
        const Func *f = case_func(&m, one);
        Draw d = {5};
        Tensor *args = draw_args(arena, f, &d);
        place_data(one, f, args);
        Check c = {g, arena, &group, one->name, wrong, false};
        wrong_op = wrong ? (int)one->op : -1;
        check_func(&c, f, args, wrong ? 1 : 2);
        wrong_op = -1;
        expect(&group, func_count_op(f, one->op, true) > 0, "the case does not hold %s", op_name(one->op));
        expect(&group, c.found == (wrong != 0), wrong ? "a wrong rule is not noticed" : "it differs");
        arena_free(arena);
    }
    end(&group);
}
/* Drawn programs, smooth ones. */
static void check_random(int seeds) {
    Group group = {"random programs", false};
    for (int i = 0; i < seeds; i++) {
        Arena *arena = arena_new("test");
        Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f64};
        const Func *f = random_program(&m, (u64)i + 5000, true);
        Check c = {m.g, arena, &group, arena_printf(arena, "seed %d", i), false, false};
        check_func(&c, f, program_args(arena, f), 2);
        arena_free(arena);
    }
    end(&group);
}
static void every_operator_has_a_case(void) {
    static const struct { Op op; const char *grad; } ops[] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) {OP_##name, #grad},
#include "../../compiler/ir/op.def"
#undef OP
    };
    Group group = {"every operator with a gradient has a case", false};
    for (int i = 0; i < COUNT_OF(ops); i++) {
        bool has = strcmp(ops[i].grad, "none") == 0;
        for (int j = 0; j < COUNT_OF(cases); j++) has |= cases[j].op == ops[i].op;
        expect(&group, has, "%s has none", op_name(ops[i].op));
    }
    end(&group);
}

/* ---- exact statements */
static double *gradient_of(Maker *m, Node *y, Node *x, const double *at, int n) { /* dy/dx, y of one param */
    Node *one = ir_fill(m->g, 1, y->type), *d;
    vjp(m->g, 1, &y, &one, 1, &x, true, &d);
    Tensor arg = tensor_new(m->arena, m->params.v[0]);
    memcpy(arg.data, at, sizeof(double) * (size_t)n);
    return run_func(m->arena, done(m, 1, &d), &arg)[0].data;
}
static bool equals(const double *got, const double *want, int n) {
    for (int i = 0; i < n; i++)
        if (got[i] != want[i]) return false;
    return true;
}
#define REALS(...) (const double[]){__VA_ARGS__}
static void ties_and_kinks(Maker *m) {
    Group t = {"ties and kinks", false};
    Graph *g = m->g;
    Node *x = in(m, DIMS(3));
    expect(&t, equals(gradient_of(m, ir_max(g, x, ir_fill(g, 0, x->type)), x, REALS(0, 1, -1), 3), REALS(0.5, 1, 0), 3), "max: half to each");
    x = in(m, DIMS(3));
    expect(&t, equals(gradient_of(m, ir_min(g, x, ir_fill(g, 0, x->type)), x, REALS(0, 1, -1), 3), REALS(0.5, 0, 1), 3), "min: half to each");
    x = in(m, DIMS(3));
    expect(&t, equals(gradient_of(m, ir_amax(g, x, 1, INTS(0)), x, REALS(2, 3, 3), 3), REALS(0, 1, 0), 3), "amax: the first largest");
    x = in(m, DIMS(3));
    expect(&t, equals(gradient_of(m, ir_abs(g, x), x, REALS(0, -2, 3), 3), REALS(0, -1, 1), 3), "abs at 0");
    x = in(m, DIMS(3));
    Node *relu = ir_select(g, ir_le(g, x, ir_fill(g, 0, x->type)), ir_fill(g, 0, x->type), x);
    expect(&t, equals(gradient_of(m, relu, x, REALS(0, 1, -1), 3), REALS(0, 1, 0), 3), "relu at 0");
    x = in(m, DIMS(3));
    Node *power = ir_pow(g, x, ir_fill(g, 0, x->type)), *one = ir_fill(g, 1, x->type), *d;
    vjp(g, 1, &power, &one, 1, &x, true, &d);
    expect(&t, equals(gradient_of(m, ir_mul(g, d, x), x, REALS(0, 1, -1), 3), REALS(0, 0, 0), 3), "x^0 at 0, order 2");
    x = in(m, DIMS(2));
    Node *limit = ir_pow(g, ir_fill(g, 0, x->type), x);
    expect(&t, equals(gradient_of(m, limit, x, REALS(1, 2), 2), REALS(0, 0), 2), "0^b with respect to b");
    x = in(m, DIMS(2));
    Node *coarse = ir_scale(g, ir_cast(g, ir_scale(g, ir_cast(g, x, DT_f32), 3), DT_f64), 5);
    expect(&t, equals(gradient_of(m, coarse, x, REALS(1, 2), 2), REALS(15, 15), 2), "through casts between reals");
    x = in(m, DIMS(2));
    coarse = ir_cast(g, ir_scale(g, ir_cast(g, x, DT_f32), 3), DT_f64);
    wrong_op = OP_cast;
    expect(&t, !equals(gradient_of(m, coarse, x, REALS(1, 2), 2), REALS(3, 3), 2), "a wrong rule of cast is noticed");
    wrong_op = -1;
    x = in(m, DIMS(2));
    Node *whole = ir_mul(g, x, ir_cast(g, ir_cast(g, x, DT_i32), DT_f64));
    expect(&t, equals(gradient_of(m, whole, x, REALS(1.5, 2.5), 2), REALS(1, 2), 2), "none through an integer");
    end(&t);
}
static void targets_are_nodes(Maker *m) {
    Group t = {"targets are nodes", false};
    Graph *g = m->g;
    Node *x = in(m, DIMS(3)), *th = ir_mark(g, x), *y = ir_mul(g, th, x);
    expect(&t, equals(gradient_of(m, y, th, REALS(1, 2, 3), 3), REALS(1, 2, 3), 3), "a use beside the binding does not count");
    x = in(m, DIMS(3)), th = ir_mark(g, x), y = ir_mul(g, th, x);
    expect(&t, equals(gradient_of(m, y, x, REALS(1, 2, 3), 3), REALS(2, 4, 6), 3), "through a mark");
    x = in(m, DIMS(3)), y = ir_mul(g, ir_stop(g, x), x);
    expect(&t, equals(gradient_of(m, y, x, REALS(1, 2, 3), 3), REALS(1, 2, 3), 3), "stop ends the walk");
    Node *outer = in(m, DIMS(3)), *m1 = ir_mark(g, outer), *m2 = ir_mark(g, outer), *both[2] = {m1, m2}, *one, *d[2];
    y = ir_mul(g, ir_scale(g, m1, 2), m2), one = ir_fill(g, 1, y->type);
    vjp(g, 1, &y, &one, 2, both, true, d);
    Tensor arg = tensor_new(m->arena, outer->type);
    memcpy(arg.data, REALS(1, 2, 3), 24);
    Tensor *r = run_func(m->arena, done(m, 2, d), &arg);
    expect(&t, equals(r[0].data, REALS(2, 4, 6), 3) && equals(r[1].data, REALS(2, 4, 6), 3), "two equal bindings");
    x = in(m, DIMS(3));
    Node *first = ir_mark(g, x), *second = ir_mark(g, ir_scale(g, first, 3)), *chain[2] = {first, second};
    y = ir_mul(g, second, second);
    vjp(g, 1, &y, &one, 2, chain, true, d);
    r = run_func(m->arena, done(m, 2, d), &arg);
    expect(&t, equals(r[0].data, REALS(18, 36, 54), 3) && equals(r[1].data, REALS(6, 12, 18), 3), "a target behind a target");
    x = in(m, DIMS(3));
    Node *apart = in(m, DIMS(2)), *two[2] = {x, apart};
    y = ir_exp(g, x);
    vjp(g, 1, &y, &one, 2, two, false, d);
    expect(&t, d[0] && !d[1], "no path, no cotangent");
    vjp(g, 1, &y, &one, 2, two, true, d);
    expect(&t, d[1] == ir_fill(g, 0, apart->type), "or zeros");
    vjp(g, 1, &y, (Node *[]){NULL}, 1, two, false, d);
    expect(&t, !d[0], "an output without a cotangent");
    m->params.n = 0;
    end(&t);
}
/* <A x, w> = <x, A' w> for random attributes: the transpose of affine is affine. */
static void affine_transposed(Maker *m) {
    Group t = {"the transpose of affine", false};
    Draw d = {3};
    for (int i = 0; i < 300; i++) {
        i64 n = draw_in(&d, 1, 5), size = draw_in(&d, 1, 6), a = draw_in(&d, -3, 2), c = draw_in(&d, -6, 6), b = draw_in(&d, -3, 3);
        int k = (int)draw_in(&d, 0, 1) * 2 - 1;
        Node *x = in(m, DIMS(n, 3)), *y = ir_affine(m->g, x, 0, size, a >= 0 ? a + 1 : a, draw_in(&d, 1, 3), c, k, k < 0 ? 0 : b, 0);
        Node *w = in(m, y->type->rank, y->type->dims), *back;
        vjp(m->g, 1, &y, &w, 1, &x, true, &back);
        Node *sides[2] = {ir_sum_all(m->g, ir_mul(m->g, y, w)), ir_sum_all(m->g, ir_mul(m->g, x, back))};
        const Func *f = done(m, 2, sides);
        Tensor *r = run_func(m->arena, f, draw_args(m->arena, f, &d));
        expect(&t, fabs(*(double *)r[0].data - *(double *)r[1].data) < 1e-10, "case %d", i);
    }
    end(&t);
}
/* The order in which contributions are added is part of the meaning; it depends on nothing but the walk. */
static void order_of_contributions(Maker *m) {
    Group t = {"the order of contributions", false};
    Graph *g = m->g;
    Node *x = in(m, DIMS(2)), *unrelated = ir_exp(g, x);
    Node *a = ir_sin(g, x), *b = ir_cos(g, x), *y = ir_add(g, ir_mul(g, a, b), x), *one = ir_fill(g, 1, y->type), *d;
    (void)unrelated;
    vjp(g, 1, &y, &one, 1, &x, true, &d);
    Node *from_b = ir_neg(g, ir_mul(g, ir_mul(g, one, a), ir_sin(g, x))), *from_a = ir_mul(g, ir_mul(g, one, b), ir_cos(g, x));
    expect(&t, d == ir_add(g, ir_add(g, one, from_b), from_a), "users from the last to the first");
    m->params.n = 0;
    end(&t);
}
static void origin_is_kept(Maker *m) {
    Group t = {"a gradient stands under its layer", false};
    static const Origin layer = {.what = "dense"}, other = {.what = "other"};
    Graph *g = m->g;
    Node *x = in(m, DIMS(2)), *one = ir_fill(g, 1, x->type), *d;
    graph_origin(g, &layer);
    Node *y = ir_tanh(g, ir_scale(g, x, 7));
    graph_origin(g, &other);
    vjp(g, 1, &y, &one, 1, &x, true, &d);
    expect(&t, d->origin == &layer && graph_origin_now(g) == &other, "origins");
    graph_origin(g, NULL);
    m->params.n = 0;
    end(&t);
}
int main(int argc, char **argv) {
    every_operator_has_a_case();
    for (int i = 0; i < COUNT_OF(cases); i++) check_case(&cases[i]);
    check_random(argc > 1 ? atoi(argv[1]) : 60); /* a number of seeds: for longer runs by hand */
    Arena *arena = arena_new("test");
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f64};
    ties_and_kinks(&m);
    targets_are_nodes(&m);
    affine_transposed(&m);
    order_of_contributions(&m);
    origin_is_kept(&m);
    arena_free(arena);
    return failed_groups != 0;
}

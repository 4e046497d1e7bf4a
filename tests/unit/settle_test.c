/* settle_test.c: settle and its parts. Each row of rewrite.def on special values: an exact one must keep every bit, the others
** the value; whole programs before and after; which forms gradients must have reached; where sums are cut. */
#include "random_program.h"
#include "../../compiler/settle/settle.h"
#include "../../compiler/settle/simplify.h"
#include <math.h>
#include <stdlib.h>

/* ---- special values: param p's element i is value i/13^p mod 13, so two params of 169 elements meet in all pairs */
static const double SPECIAL[] = {0.0, -0.0, 1, -1, 2.5, -0.1, 1e-40, -3e38, 1e30, INFINITY, -INFINITY, NAN, 1e-45};
enum { SPECIALS = 13 };
static void store(Tensor *t, i64 i, double v) {
    switch (t->type->dtype) {
    case DT_f32: ((float *)t->data)[i] = (float)v; break;
    case DT_f64: ((double *)t->data)[i] = v; break;
    case DT_i32: ((i32 *)t->data)[i] = isfinite(v) ? (i32)fmin(fmax(v, -2147483648.0), 2147483647.0) : 7; break;
    case DT_u8: ((u8 *)t->data)[i] = (u8)(i * 37); break;
    case DT_bool: ((u8 *)t->data)[i] = i % 3 != 0; break;
    case DT_TUPLE: break;
    }
}
static Tensor *special_args(Arena *arena, const Func *f) {
    Tensor *args = ARENA_ARRAY(arena, Tensor, f->n_params + 1);
    i64 step = 1;
    for (int p = 0; p < f->n_params; p++, step *= SPECIALS) {
        args[p] = tensor_new(arena, f->params[p]);
        for (i64 i = 0; i < f->params[p]->count; i++) store(&args[p], i, SPECIAL[i / step % SPECIALS]);
    }
    return args;
}
static double number(const Tensor *t, i64 i) {
    switch (t->type->dtype) {
    case DT_f32: return ((float *)t->data)[i];
    case DT_f64: return ((double *)t->data)[i];
    case DT_i32: return ((i32 *)t->data)[i];
    case DT_u8:
    case DT_bool: return ((u8 *)t->data)[i];
    case DT_TUPLE: break;
    }
    return 0;
}
static double distance(const Tensor *a, const Tensor *b) { /* relative above 1, absolute below */
    double most = 0;
    for (i64 i = 0; i < a->type->count; i++) {
        double x = number(a, i), y = number(b, i), d = x == y || (isnan(x) && isnan(y)) ? 0 : fabs(x - y) / (1 + fabs(x));
        if (!(d <= most)) most = d;
    }
    return most;
}

/* ---- one case a rule: the node at its top. v: a vector of 169, also as w */
#define CASE(rule) static Node *case_##rule(Maker *m)
#define G m->g
static Node *vector(Maker *m) { return in(m, DIMS(169)); }
static Node *like(Maker *m, Node *x, double v) { return ir_fill(G, v, x->type); }
static Node *bits(Maker *m) { return in_type(m, DT_bool, DIMS(169)); }
CASE(mul_one) { Node *x = vector(m); return ir_mul(G, like(m, x, 1), x); }
CASE(mul_minus_one) { Node *x = vector(m); return ir_mul(G, x, like(m, x, -1)); }
CASE(mul_negs) { Node *x = vector(m), *y = vector(m); return ir_mul(G, ir_neg(G, x), ir_neg(G, y)); }
CASE(mul_neg_fill) { Node *x = vector(m); return ir_scale(G, ir_neg(G, x), 0.3); }
CASE(mul_neg) { Node *x = vector(m), *y = vector(m); return ir_mul(G, x, ir_neg(G, y)); }
CASE(mul_mul_fill) { Node *x = vector(m); return ir_scale(G, ir_scale(G, x, 0.3), 3); }
CASE(div_one) { Node *x = vector(m); return ir_div(G, x, like(m, x, 1)); }
CASE(div_power) { Node *x = vector(m); return ir_div(G, x, like(m, x, -8)); }
CASE(div_fill) { Node *x = vector(m); return ir_div(G, x, like(m, x, 255)); }
CASE(neg_neg) { return ir_neg(G, ir_neg(G, vector(m))); }
CASE(neg_sub) { Node *x = vector(m), *y = vector(m); return ir_neg(G, ir_sub(G, x, y)); }
CASE(neg_mul_fill) { return ir_neg(G, ir_scale(G, vector(m), 0.3)); }
CASE(add_nothing) { Node *x = vector(m); return ir_add(G, x, like(m, x, -0.0)); }
CASE(add_zero) { Node *x = vector(m); return ir_add(G, like(m, x, 0), x); }
CASE(add_neg) { Node *x = vector(m), *y = vector(m); return ir_add(G, ir_neg(G, x), y); }
CASE(add_same) { Node *x = ir_scale(G, vector(m), 0.3); return ir_add(G, x, x); }
CASE(add_pads) {
    Node *a = in(m, DIMS(2, 3)), *b = in(m, DIMS(2, 1)), *c = in(m, DIMS(2, 2));
    Node *first = ir_add(G, ir_pad(G, c, 1, 4, 0, 0, 0), ir_pad(G, a, 1, 0, 3, 0, 0));
    return ir_add(G, first, ir_pad(G, b, 1, 3, 2, 0, 0));
}
CASE(add_selects) {
    Node *c = bits(m), *x = vector(m), *y = vector(m), *zero = like(m, x, 0);
    return ir_add(G, ir_select(G, c, zero, x), ir_select(G, c, y, zero));
}
CASE(sub_nothing) { Node *x = vector(m); return ir_sub(G, x, like(m, x, 0)); }
CASE(sub_neg) { Node *x = vector(m), *y = vector(m); return ir_sub(G, x, ir_neg(G, y)); }
CASE(zero_sub) { Node *x = vector(m); return ir_sub(G, like(m, x, 0), x); }
CASE(abs_abs) { return ir_abs(G, ir_neg(G, vector(m))); }
CASE(max_same) { Node *x = vector(m); return ir_max(G, x, x); }
CASE(min_same) { Node *x = vector(m); return ir_min(G, x, x); }
CASE(pow_small) { Node *x = vector(m); return ir_pow(G, x, like(m, x, 2)); }
CASE(select_same) { Node *c = bits(m), *x = vector(m); return ir_select(G, c, x, x); }
CASE(select_known) {
    Node *x = vector(m), *y = vector(m);
    return ir_select(G, ir_fill(G, 0, type_with_dtype(G, x->type, DT_bool)), x, y);
}
CASE(select_not) { Node *c = bits(m), *x = vector(m), *y = vector(m); return ir_select(G, ir_not(G, c), x, y); }
CASE(select_select) {
    Node *c = bits(m), *x = vector(m), *y = vector(m);
    return ir_select(G, c, ir_select(G, c, x, y), ir_select(G, c, y, x));
}
CASE(not_not) { return ir_not(G, ir_not(G, bits(m))); }
CASE(cast_cast) { return ir_cast(G, ir_cast(G, in_type(m, DT_u8, DIMS(169)), DT_i32), m->real); }
CASE(map_broadcast) {
    Node *x = in(m, DIMS(13)), *y = in(m, DIMS(13));
    Node *a = ir_spread(G, x, 1, 4), *b = ir_spread(G, y, 1, 4);
    return ir_select(G, ir_fill(G, 1, type_with_dtype(G, a->type, DT_bool)), a, b);
}
CASE(reshape_reshape) { return ir_reshape(G, ir_reshape(G, in(m, DIMS(4, 3)), DIMS(12)), DIMS(2, 6)); }
CASE(reshape_broadcast) { return ir_reshape(G, ir_spread(G, in(m, DIMS(4, 3)), 1, 1), DIMS(2, 6)); }
CASE(reshape_fill) { (void)vector(m); return ir_reshape(G, ir_fill(G, 2, type_get(G, m->real, DIMS(4, 3))), DIMS(12)); }
CASE(transpose_twice) { return ir_transpose(G, ir_transpose(G, in(m, DIMS(2, 3, 4)), INTS(2, 0, 1)), INTS(0, 2, 1)); }
CASE(transpose_unit) { return ir_transpose(G, in(m, DIMS(3, 1, 4)), INTS(1, 0, 2)); }
CASE(transpose_map) {
    Node *x = in(m, DIMS(13, 13)), *y = in(m, DIMS(13, 13));
    return ir_transpose(G, ir_div(G, x, y), INTS(1, 0));
}
CASE(transpose_broadcast) { return ir_transpose(G, ir_broadcast(G, in(m, DIMS(3, 4)), DIMS(3, 2, 4), INTS(0, 2)), INTS(2, 1, 0)); }
CASE(transpose_dot) {
    Node *a = in(m, DIMS(5, 3, 2, 4)), *b = in(m, DIMS(4, 2, 5, 6)); /* [2, 5, 3, 6], batch 2 */
    return ir_transpose(G, ir_dot(G, a, b, 2, INTS(2, 0), INTS(1, 2), 1, INTS(3), INTS(0)), INTS(1, 0, 3, 2));
}
CASE(broadcast_twice) { return ir_spread(G, ir_spread(G, in(m, DIMS(3, 4)), 1, 2), 0, 5); }
CASE(affine_fill) { (void)vector(m); return ir_pad(G, ir_fill(G, 2, type_get(G, m->real, DIMS(3))), 0, 1, 1, 1, 2); }
CASE(affine_broadcast) { return ir_slice(G, ir_spread(G, in(m, DIMS(3)), 0, 9), 0, 2, 8, 2); }
CASE(affine_affine) { return ir_reverse(G, ir_slice(G, ir_pad(G, in(m, DIMS(2, 5)), 1, 2, 3, 1, 7), 1, 1, 12, 3), 1); }
CASE(affine_last) {
    Node *h = in(m, DIMS(13)), *xs = in(m, DIMS(5, 13)), *was = ir_hole(G, h->type), *x = ir_hole(G, h->type), *out[2];
    Node *next = ir_mul(G, was, x);
    ir_scan_region(G, &(Region){1, 1, 1, &was, &x, &next, &next, &h, &xs, 5, true}, out);
    return ir_slice(G, ir_transpose(G, out[1], INTS(1, 0)), 1, 0, 1, 1);
}
CASE(affine_concat) {
    Node *a = in(m, DIMS(2, 3)), *b = in(m, DIMS(2, 1)), *c = in(m, DIMS(2, 2));
    return ir_slice(G, ir_concat(G, 3, (Node *[]){a, b, c}, 1), 1, 1, 5, 1);
}
CASE(concat_concat) {
    Node *a = in(m, DIMS(2, 3)), *b = in(m, DIMS(2, 1));
    return ir_concat(G, 2, (Node *[]){a, ir_concat(G, 2, (Node *[]){b, a}, 1)}, 1);
}
CASE(concat_fill) {
    (void)vector(m);
    return ir_concat(G, 2, (Node *[]){ir_fill(G, 2, type_get(G, m->real, DIMS(3))), ir_fill(G, 2, type_get(G, m->real, DIMS(4)))}, 0);
}
CASE(concat_slices) {
    Node *x = in(m, DIMS(9)), *y = in(m, DIMS(2));
    return ir_concat(G, 4, (Node *[]){y, ir_slice(G, x, 0, 2, 4, 1), ir_slice(G, x, 0, 4, 5, 1), ir_slice(G, x, 0, 5, 9, 1)}, 0);
}
CASE(sum_unit) { return ir_sum(G, in(m, DIMS(3, 1, 4)), 2, INTS(1, 2)); }
CASE(amax_unit) { return ir_amax(G, in(m, DIMS(13, 1, 13)), 2, INTS(1, 2)); }
CASE(sum_zero) { (void)vector(m); return ir_sum(G, ir_fill(G, 0, type_get(G, m->real, DIMS(3, 4))), 1, INTS(0)); }
CASE(sum_sum) { return ir_sum(G, ir_sum(G, in(m, DIMS(3, 2, 4)), 1, INTS(1)), 1, INTS(1)); }
CASE(sum_put) {
    Node *y = in(m, DIMS(3, 2, 4)), *i = in_type(m, DT_i32, DIMS(2, 4));
    return ir_sum(G, ir_put(G, y, i, 5, 1, 0), 1, INTS(1));
}
CASE(sum_transpose) { return ir_sum(G, ir_transpose(G, in(m, DIMS(2, 3, 4)), INTS(2, 1, 0)), 1, INTS(1)); }
CASE(sum_centred) { /* y + c (x - mean x) */
    Node *x = in(m, DIMS(4, 13)), *y = in(m, DIMS(4, 13)), *c = ir_broadcast(G, in(m, DIMS(13)), DIMS(4, 13), INTS(1));
    Node *mean = ir_broadcast(G, ir_mean(G, x, 1, INTS(0)), DIMS(4, 13), INTS(1));
    return ir_sum(G, ir_add(G, y, ir_mul(G, c, ir_sub(G, x, mean))), 1, INTS(0));
}
CASE(sum_factor) { /* -(x c / d) y / 2 */
    Node *x = in(m, DIMS(4, 13)), *y = in(m, DIMS(4, 13)), *c = ir_broadcast(G, in(m, DIMS(13)), DIMS(4, 13), INTS(1));
    Node *d = ir_broadcast(G, ir_offset(G, ir_abs(G, in(m, DIMS(13))), 1), DIMS(4, 13), INTS(1));
    return ir_sum(G, ir_scale(G, ir_mul(G, ir_neg(G, ir_div(G, ir_mul(G, x, c), d)), y), 0.5), 1, INTS(0));
}
CASE(dot_batch_broadcast) {
    Node *a = in(m, DIMS(4, 2, 3)), *w = in(m, DIMS(3, 5));
    return ir_dot(G, a, ir_spread(G, w, 0, 2), 1, INTS(1), INTS(0), 1, INTS(2), INTS(1)); /* [2, 4, 5] */
}
CASE(dot_free_broadcast) {
    Node *a = in(m, DIMS(4, 3)), *w = in(m, DIMS(3, 5));
    return ir_matmul(G, a, ir_spread(G, w, 1, 2));
}
CASE(dot_sort) {
    Node *x = in(m, DIMS(2, 6, 3)), *g = in(m, DIMS(6, 2, 4));
    return ir_dot(G, x, g, 0, NULL, NULL, 2, INTS(0, 1), INTS(1, 0));
}
CASE(dot_orient) {
    Node *x = in(m, DIMS(2, 6, 13)), *g = in(m, DIMS(2, 6, 1));
    return ir_dot(G, x, g, 1, INTS(0), INTS(0), 1, INTS(1), INTS(1));
}
CASE(dot_transpose) {
    Node *a = in(m, DIMS(3, 4)), *w = in(m, DIMS(3, 5));
    return ir_matmul(G, ir_transpose(G, a, INTS(1, 0)), w);
}
CASE(dot_states) {
    Node *xs = in(m, DIMS(4, 2, 3)), *d = in(m, DIMS(2, 4, 5)), *out[2];
    const Type *state = type_without_lead(G, xs->type);
    Node *h = ir_arg(G, 0, state), *next = ir_add(G, h, ir_arg(G, 1, state));
    const Func *body = func_make(G, 2, (const Type *[]){state, state}, 2, (Node *[]){next, h});
    ir_scan(G, body, 1, 0, 1, (Node *[]){ir_fill(G, 0, state), xs}, 4, true, out);
    return ir_dot(G, d, out[1], 0, NULL, NULL, 2, INTS(1, 0), INTS(0, 1));
}
CASE(dot_factor) {
    Node *a = in(m, DIMS(6, 4)), *w = in(m, DIMS(4, 3));
    return ir_matmul(G, ir_scale(G, a, -0.75), ir_neg(G, w));
}
CASE(take_broadcast) {
    Node *x = in(m, DIMS(3, 4)), *i = in_type(m, DT_i32, DIMS(3, 2));
    return ir_take(G, ir_spread(G, x, 1, 5), i, 1, 1); /* [3, 2, 4] */
}
CASE(take_map) {
    Node *x = in(m, DIMS(3, 5, 4)), *y = in(m, DIMS(3, 4)), *i = in_type(m, DT_i32, DIMS(3, 2));
    return ir_take(G, ir_div(G, x, ir_spread(G, y, 1, 5)), i, 1, 1);
}
static Node *lookups(Maker *m) { return in_type(m, DT_i32, DIMS(4, 5)); }
CASE(transpose_take) {
    Node *x = in(m, DIMS(2, 3, 4)), *i = lookups(m);
    return ir_transpose(G, ir_take(G, x, i, 1, 0), INTS(0, 2, 1, 3));
}
CASE(map_take) {
    Node *x = in(m, DIMS(2, 3, 4)), *b = in(m, DIMS(2, 4)), *i = lookups(m);
    return ir_div(G, ir_take(G, x, i, 1, 0), ir_broadcast(G, b, DIMS(2, 4, 5, 4), INTS(0, 3)));
}
CASE(dot_take) {
    Node *x = in(m, DIMS(2, 3, 4)), *w = in(m, DIMS(6, 4)), *i = lookups(m);
    Node *rows = ir_transpose(G, ir_take(G, x, i, 1, 0), INTS(2, 3, 0, 1)); /* [5, 4, 2, 4] */
    return ir_dot(G, w, rows, 0, NULL, NULL, 1, INTS(1), INTS(1));
}
CASE(dot_looked) {
    Node *x = in(m, DIMS(3, 32)), *y = in(m, DIMS(2, 5, 4)), *i = lookups(m);
    return ir_dot(G, ir_take(G, x, i, 0, 0), y, 0, NULL, NULL, 2, INTS(1, 0), INTS(1, 2));
}
CASE(put_transpose) {
    Node *y = in(m, DIMS(2, 5, 4)), *i = lookups(m);
    return ir_put(G, ir_transpose(G, y, INTS(0, 2, 1)), i, 3, 1, 0);
}
CASE(put_dot) {
    Node *y = in(m, DIMS(3, 4, 5)), *w = in(m, DIMS(3, 32)), *i = lookups(m);
    return ir_put(G, ir_dot(G, w, y, 0, NULL, NULL, 1, INTS(0), INTS(0)), i, 5, 1, 0);
}
typedef struct RuleCase {
    const char *name;
    bool exact;
    Node *(*make)(Maker *m);
    RewriteFunction *apply;
} RuleCase;
enum { EXACT = 1, ALGEBRA = 0 };
static const RuleCase rules[] = {
#define RULE(name, op, exact, text) {#name, exact, case_##name, rule_##name},
#include "../../compiler/settle/rewrite.def"
#undef RULE
};
static void check_rule(const RuleCase *one, Dtype real) {
    Arena *arena = arena_new("test");
    Group t = {arena_printf(arena, "%s of %s", one->name, dtype_name(real)), false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = real};
    Node *before = one->make(&m);
    Rewriting rw = {m.g, arena, (bool[]){true, true, true, true}};
    Node *after = one->apply(&rw, before);
    expect(&t, after && after != before, "the rule does not fit its case");
    if (after) {
        const Func *f = func_make(m.g, m.params.n, m.params.v, 1, &before), *h = func_make(m.g, m.params.n, m.params.v, 1, &after);
        Draw d = {11};
        for (int run = 0; run < 2; run++) {
            Tensor *args = run ? draw_args(arena, f, &d) : special_args(arena, f);
            for (int p = 0; p < f->n_params; p++)
                for (i64 i = 0; f->params[p]->dtype == DT_i32 && i < f->params[p]->count; i++) store(&args[p], i, (double)(i * 7 % 6 - 1));
            Tensor x = run_func(arena, f, args)[0], y = run_func(arena, h, args)[0];
            if (one->exact) expect(&t, same_elements(x.type->dtype, x.data, y.data, x.type->count), "a bit differs, data %d", run);
            else if (run) expect(&t, distance(&x, &y) < (real == DT_f32 ? 1e-6 : 1e-14), "the value differs: %g", distance(&x, &y));
        }
    }
    end(&t);
    arena_free(arena);
}

/* ---- whole programs */
static int folds_left(const Func *f) { /* sums over a window axis: of convolutions none may be left */
    Arena *scratch = arena_new("test");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    int n = 0;
    for (int i = 0; i < nodes.n; i++) {
        const Node *x = nodes.v[i];
        if (x->op == OP_sum && x->args[0]->op == OP_affine && x->args[0]->at->k >= 0) n += list_has(x->at->axes, x->args[0]->at->k);
    }
    arena_free(scratch);
    return n;
}
static int gaps_left(const Func *f) { /* products that look between elements */
    Arena *scratch = arena_new("test");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    int n = 0;
    for (int i = 0; i < nodes.n; i++)
        for (int k = 0; nodes.v[i]->op == OP_dot && k < 2; k++)
            for (const Node *x = nodes.v[i]->args[k]; x->op == OP_affine || x->op == OP_broadcast; x = x->args[0]) n += x->at->m > 1;
    arena_free(scratch);
    return n;
}
static void check_program(int which, int order) {
    Arena *arena = arena_new("test");
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f64};
    Group t = {arena_printf(arena, "%s, order %d", program_names[which], order), false};
    const Func *f = make_program(&m, which);
    f = order == 0 ? f : order == 1 ? with_gradient(m.g, arena, f) : with_second(&m, f);
    const Func *h = settle_func(m.g, arena, f, &(SettleOptions){0});
    const char *bad = func_verify(arena, m.g, h, true);
    expect(&t, !bad, "%s", bad);
    Tensor *args = program_args(arena, f), *x = run_func(arena, f, args), *y = run_func(arena, h, args);
    for (int i = 0; i < f->n_results; i++) expect(&t, distance(&x[i], &y[i]) < 1e-11, "result %d: %g", i, distance(&x[i], &y[i]));
    bool windows = which >= 11 && which < 15; /* of a stride a product for each phase */
    expect(&t, func_count(h) <= func_count(f) + (windows ? 48 : 8), "%d nodes became %d", (int)func_count(f), (int)func_count(h));
    if (windows) expect(&t, folds_left(h) == 0 && gaps_left(h) == 0, "folds or gaps left");
    end(&t);
    arena_free(arena);
}

/* Drawn programs: the same values before and after, at each order. */
static void check_random(int seeds) {
    Group t = {"random programs keep their values", false};
    int compared = 0;
    for (int i = 0; i < 3 * seeds; i++) {
        Arena *arena = arena_new("test");
        Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f64};
        const Func *f = random_program(&m, (u64)i / 3, false);
        f = i % 3 == 0 ? f : i % 3 == 1 ? with_gradient(m.g, arena, f) : with_second(&m, f);
        const Func *h = settle_func(m.g, arena, f, &(SettleOptions){0});
        const char *bad = func_verify(arena, m.g, h, true);
        expect(&t, !bad, "seed %d, order %d: %s", i / 3, i % 3, bad);
        Tensor *args = program_args(arena, f), *x = run_func(arena, f, args), *y = run_func(arena, h, args);
        for (int r = 0; r < f->n_results; r++) {
            double d = distance(&x[r], &y[r]);
            expect(&t, d < 1e-9, "seed %d, order %d, result %d: %g", i / 3, i % 3, r, d);
            compared += isfinite(number(&x[r], 0)) != 0;
        }
        arena_free(arena);
    }
    expect(&t, compared > 10 * seeds, "only %d values could be compared", compared);
    end(&t);
}

/* Of small windows the largest and which it was, by comparisons: NaN, infinities, equal ones; the sign of a zero is not asked for. */
static void small_windows(void) {
    Arena *arena = arena_new("test");
    Group t = {"the largest of small windows, on special values", false};
    for (int real = 0; real < 2; real++) {
        Maker m = {.g = graph_new(arena), .arena = arena, .real = real ? DT_f64 : DT_f32};
        Node *x = in(&m, DIMS(2, 26, 4, 13)), *w = ir_window(m.g, x, 1, 2, 2, 1, 0, 0, 0, 0), *square = ir_window(m.g, w, 3, 2, 2, 1, 0, 0, 0, 0);
        Node *largest[3] = {ir_amax(m.g, square, 2, INTS(2, 4)), ir_amax(m.g, w, 1, INTS(2)),
                            ir_amax(m.g, ir_window(m.g, x, 1, 3, 1, 1, 0, 0, 0, 0), 1, INTS(2))};
        const Func *f = with_gradient(m.g, arena, done(&m, 1, (Node *[]){ir_add(m.g, project(&m, 2, largest), project(&m, 1, largest + 2))}));
        NodeList nodes = order_walk(arena, f->results, f->n_results);
        VEC(Node *) asked = {0};
        for (int i = 0; i < nodes.n; i++)
            if (nodes.v[i]->op == OP_top || nodes.v[i]->op == OP_amax) vec_push(arena, &asked, nodes.v[i]);
        for (int i = 1; i < f->n_results; i++) vec_push(arena, &asked, f->results[i]);
        f = func_make(m.g, f->n_params, f->params, asked.n, asked.v);
        const Func *h = settle_func(m.g, arena, f, &(SettleOptions){0});
        expect(&t, func_count_op(f, OP_top, false) == 3 && func_count_op(f, OP_amax, false) == 3, "three are asked for");
        expect(&t, func_count_op(h, OP_top, false) == 1 && func_count_op(h, OP_amax, false) == 1, "those that overlap are left");
        Tensor *args = special_args(arena, f), *before = run_func(arena, f, args), *after = run_func(arena, h, args);
        for (int i = 0; i < f->n_results; i++) expect(&t, distance(&before[i], &after[i]) == 0, "result %d: %g", i, distance(&before[i], &after[i]));
    }
    end(&t);
    arena_free(arena);
}

/* ---- what gradients must have become */
static void forms(void) {
    Arena *arena = arena_new("test");
    Group t = {"gradients over time are products outside the loop", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, lstm(&m, true)), &(SettleOptions){0});
    expect(&t, func_count_op(f, OP_dot, false) == 2, "%d products outside", func_count_op(f, OP_dot, false));
    expect(&t, func_count_op(f, OP_scan, true) == 2, "%d loops", func_count_op(f, OP_scan, true));
    expect(&t, func_count_op(f, OP_affine, true) == 10, "the gates' cotangents are one concat, of states those after the first: %d slices", func_count_op(f, OP_affine, true));
    end(&t);
    Group last = {"what is read at a sequence's end enters the backward loop there", false};
    Node *k = in(&m, DIMS(4, 20)), *rec = in(&m, DIMS(5, 20)), *bias = in(&m, DIMS(20)), *xs = in(&m, DIMS(6, 3, 4));
    Node *end_of = ir_slice(m.g, lstm_over(&m, k, rec, bias, xs, true), 0, 5, 6, 1), *loss = ir_sum_all(m.g, ir_mul(m.g, end_of, end_of));
    const Func *before = with_gradient(m.g, arena, done(&m, 1, &loss));
    f = settle_func(m.g, arena, before, &(SettleOptions){0});
    NodeList all = order_walk(arena, f->results, f->n_results);
    for (int i = 0; i < all.n; i++) {
        const Node *n = all.v[i];
        bool states = n->op == OP_affine && n->args[0]->op == OP_get && n->type->dims[0] == 5; /* but the first */
        expect(&last, n->op != OP_affine || states, "a pad or slice is left");
        if (n->op == OP_scan) expect(&last, n->type->rank - n->at->carry == 2, "%d ys", (int)(n->type->rank - n->at->carry));
    }
    Tensor *args = program_args(arena, before), *x = run_func(arena, before, args), *y = run_func(arena, f, args);
    for (int i = 0; i < f->n_results; i++) expect(&last, distance(&x[i], &y[i]) < 1e-5, "result %d: %g", i, distance(&x[i], &y[i]));
    end(&last);
    Group tt = {"shared weights are contracted over the tasks", false};
    f = settle_func(m.g, arena, with_gradient(m.g, arena, tasks(&m)), &(SettleOptions){0});
    NodeList nodes = order_walk(arena, f->results, f->n_results);
    int longest = 0;
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_dot && nodes.v[i]->at->lc.n > longest) longest = nodes.v[i]->at->lc.n;
    expect(&tt, longest == 2, "contracted axes: %d", longest);
    end(&tt);
    arena_free(arena);
}
/* A function of one result from one node. */
static const Func *settled(Maker *m, Node *result, i64 rows, int grains) {
    bool batched[16];
    for (int i = 0; i < 16; i++) batched[i] = i < m->params.n && rows && m->params.v[i]->rank && m->params.v[i]->dims[0] == rows;
    const Func *f = done(m, 1, &result);
    return settle_func(m->g, m->arena, f, &(SettleOptions){rows, batched, grains});
}
static const Node *top_of(const Func *f) { return f->results[0]; }
static void folding(void) {
    Arena *arena = arena_new("test");
    Group t = {"folding", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    Node *i = ir_iota(m.g, 4096);
    const Node *r = top_of(settled(&m, ir_scale(m.g, ir_cast(m.g, i, DT_f32), 2), 0, 0));
    expect(&t, r->op == OP_const && ((const float *)(const void *)r->at->data.v)[5] == 10, "4096 elements are stored");
    r = top_of(settled(&m, ir_cast(m.g, ir_iota(m.g, 4097), DT_f32), 0, 0));
    expect(&t, r->op == OP_cast, "4097 are not");
    r = top_of(settled(&m, ir_add(m.g, ir_fill(m.g, 1, type_get(m.g, DT_f32, DIMS(3, 5000))), ir_fill(m.g, 2, type_get(m.g, DT_f32, DIMS(3, 5000)))), 0, 0));
    expect(&t, r->op == OP_broadcast && node_is_fill(r, 3), "a large fill stays a broadcast");
    i32 same[3] = {4, 4, 4};
    r = top_of(settled(&m, ir_const(m.g, DT_i32, DIMS(3), same), 0, 0));
    expect(&t, node_is_fill(r, 4), "equal elements are a fill");
    Node *x = in_type(&m, DT_i32, DIMS(2));
    r = top_of(settled(&m, ir_one_hot(m.g, x, 3, DT_f32), 0, 0));
    expect(&t, r->op == OP_cast && r->args[0]->args[1]->op == OP_broadcast, "a broadcast iota is addressed, not stored");
    end(&t);
    arena_free(arena);
}
/* order and cut of the sum or product that the result is */
static bool has(const Func *f, Op op, Order order, i64 cut, i64 place) {
    const Node *n = top_of(f);
    while (n->op != op && n->n_args) n = n->args[0];
    return n->op == op && n->at->order == order && n->at->cut == cut && n->at->cut_axis == place;
}
/* A put of one index a slice, indices outside included, is the select that it becomes. */
static void one_hots(void) {
    Arena *arena = arena_new("test");
    Group t = {"a put of one index a slice is a select", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    Node *y = in(&m, DIMS(3, 2, 13)), *i = in_type(&m, DT_i32, DIMS(3)), *r = ir_put(m.g, y, i, 4, 2, 1);
    const Func *f = done(&m, 1, &r), *h = settle_func(m.g, arena, f, &(SettleOptions){0});
    expect(&t, func_count_op(h, OP_put, true) == 0, "put is left");
    Tensor *args = program_args(arena, f);
    for (int run = -2; run < 6; run++) {
        for (int j = 0; j < 3; j++) ((i32 *)args[1].data)[j] = run + j;
        Tensor a = run_func(arena, f, args)[0], b = run_func(arena, h, args)[0];
        expect(&t, same_elements(DT_f32, a.data, b.data, a.type->count), "indices from %d", run);
    }
    Node *scores = in(&m, DIMS(6, 5)), *labels = in_type(&m, DT_i32, DIMS(6)), *loss = cross_entropy(&m, scores, labels);
    h = settle_func(m.g, arena, with_gradient(m.g, arena, done(&m, 1, &loss)), &(SettleOptions){0});
    NodeList nodes = order_walk(arena, h->results, h->n_results);
    int whole = 0; /* differences of all scores: from the largest; not from the logarithm */
    for (int j = 0; j < nodes.n; j++) whole += nodes.v[j]->op == OP_sub && nodes.v[j]->type->count == 30;
    expect(&t, whole == 1, "the loss is computed at the labels alone: %d", whole);
    end(&t);
    arena_free(arena);
}
static void orders(void) {
    Arena *arena = arena_new("test");
    Group t = {"orders of sums", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    expect(&t, has(settled(&m, ir_sum(m.g, in(&m, DIMS(3, 8)), 1, INTS(1)), 0, 0), OP_sum, ORDER_LANES, 0, 0), "sum of 8");
    expect(&t, has(settled(&m, ir_sum(m.g, in(&m, DIMS(3, 7)), 1, INTS(1)), 0, 0), OP_sum, ORDER_CHAIN, 0, 0), "sum of 7");
    expect(&t, has(settled(&m, ir_sum(m.g, in(&m, DIMS(8, 3)), 1, INTS(0)), 0, 0), OP_sum, ORDER_CHAIN, 0, 0), "not the last axis");
    Node *a = in(&m, DIMS(5, 16)), *b = in(&m, DIMS(16, 3));
    expect(&t, has(settled(&m, ir_matmul(m.g, a, b), 0, 0), OP_dot, ORDER_LANES, 0, 0), "3 columns, 16 contracted");
    a = in(&m, DIMS(5, 16)), b = in(&m, DIMS(16, 4));
    expect(&t, has(settled(&m, ir_matmul(m.g, a, b), 0, 0), OP_dot, ORDER_CHAIN, 0, 0), "4 columns");
    a = in(&m, DIMS(5, 15)), b = in(&m, DIMS(15, 3));
    expect(&t, has(settled(&m, ir_matmul(m.g, a, b), 0, 0), OP_dot, ORDER_CHAIN, 0, 0), "15 contracted");
    end(&t);
    arena_free(arena);
}
static const Func *weight_gradient(Maker *m, i64 rows, i64 k, i64 n, int grains) { /* x [rows, k], g [rows, n] */
    Node *x = in(m, DIMS(rows, k)), *g = in(m, DIMS(rows, n));
    return settled(m, ir_dot(m->g, x, g, 0, NULL, NULL, 1, INTS(0), INTS(0)), rows, grains);
}
static void cuts(void) {
    Arena *arena = arena_new("test");
    Group t = {"sums over the batch are cut where it helps", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    expect(&t, has(weight_gradient(&m, 1 << 16, 16, 4, 0), OP_dot, ORDER_CHAIN, 8, 0), "a small result, 2^22 multiply-adds");
    expect(&t, has(weight_gradient(&m, (1 << 16) - 1, 16, 4, 0), OP_dot, ORDER_CHAIN, 0, 0), "too little work");
    expect(&t, has(weight_gradient(&m, 15, 1024, 1024, 0), OP_dot, ORDER_CHAIN, 0, 0), "15 rows");
    expect(&t, has(weight_gradient(&m, 16, 1024, 1024, 0), OP_dot, ORDER_CHAIN, 0, 0), "enough tiles to share out");
    Node *big = in(&m, DIMS(1 << 15, 16)), *w = in(&m, DIMS(16, 16));
    for (int rows = 15; rows <= 16; rows++) { /* 2^16 elements are worth it */
        Node *small = in(&m, DIMS(1 << 15, 2)), *y = ir_sum(m.g, ir_exp(m.g, small), 1, INTS(0));
        if (rows == 15) y = ir_sum(m.g, ir_exp(m.g, ir_slice(m.g, small, 1, 0, 1, 1)), 1, INTS(0));
        y = ir_add(m.g, ir_sum_all(m.g, y), ir_amax(m.g, ir_matmul(m.g, big, w), 2, INTS(0, 1)));
        bool batched[8] = {true, false, true, true};
        Node *keep[2] = {y, NULL};
        const Func *f = func_make(m.g, m.params.n, m.params.v, 1, keep), *h = settle_func(m.g, arena, f, &(SettleOptions){1 << 15, batched, 0});
        NodeList nodes = order_walk(arena, h->results, 1);
        i64 cut = 0;
        for (int i = 0; i < nodes.n; i++)
            if (nodes.v[i]->op == OP_sum) cut = nodes.v[i]->at->cut;
        expect(&t, cut == (rows == 15 ? 0 : 8), "a sum of 2^%d elements: %d blocks", rows, (int)cut);
    }
    m.params.n = 0;
    expect(&t, has(weight_gradient(&m, 4, 2, 4, 4), OP_dot, ORDER_CHAIN, 4, 0), "--grains cuts all");
    expect(&t, has(weight_gradient(&m, 1 << 16, 16, 4, 1), OP_dot, ORDER_CHAIN, 0, 0), "--grains=1 none");
    Node *x = in(&m, DIMS(6, 5, 3));
    expect(&t, has(settled(&m, ir_sum(m.g, ir_exp(m.g, ir_transpose(m.g, x, INTS(1, 0, 2))), 2, INTS(0, 1)), 6, 2), OP_sum, ORDER_CHAIN, 2, 1), "behind a transpose");
    x = in(&m, DIMS(6, 5, 3));
    Node *flat = ir_reshape(m.g, ir_exp(m.g, x), DIMS(6, 15));
    expect(&t, has(settled(&m, ir_sum(m.g, ir_exp(m.g, flat), 1, INTS(0)), 6, 2), OP_sum, ORDER_CHAIN, 2, 0), "behind a reshape that keeps it");
    x = in(&m, DIMS(6, 5, 3));
    flat = ir_reshape(m.g, x, DIMS(30, 3));
    expect(&t, has(settled(&m, ir_sum(m.g, ir_exp(m.g, flat), 1, INTS(0)), 6, 2), OP_sum, ORDER_CHAIN, 0, 0), "not behind one that mixes it");
    x = in(&m, DIMS(7, 5));
    expect(&t, has(settled(&m, ir_sum(m.g, x, 1, INTS(0)), 6, 2), OP_sum, ORDER_CHAIN, 0, 0), "not what is no column");
    Node *y = in(&m, DIMS(6, 3)), *i = in_type(&m, DT_i32, DIMS(6));
    expect(&t, has(settled(&m, ir_put(m.g, y, i, 5, 0, 0), 6, 2), OP_put, ORDER_UNSET, 2, 0), "put over the rows");
    x = in(&m, DIMS(6, 4, 3));
    Node *rounds = ir_transpose(m.g, x, INTS(1, 0, 2)), *h = ir_hole(m.g, type_get(m.g, DT_f32, DIMS(6, 3))), *slice = ir_hole(m.g, h->type), *out[2];
    Node *next = ir_add(m.g, ir_tanh(m.g, h), slice), *sum = ir_sum(m.g, ir_mul(m.g, next, h), 1, INTS(0)), *zero = ir_fill(m.g, 0, h->type);
    ir_scan_region(m.g, &(Region){1, 1, 1, &h, &slice, &next, &sum, &zero, &rounds, 4, false}, out);
    const Func *loop = settled(&m, out[1], 6, 2);
    const Node *scan = top_of(loop)->args[0], *inner = scan->at->body->results[scan->at->body->n_results - 1];
    expect(&t, inner->op == OP_sum && inner->at->cut == 2 && inner->at->cut_axis == 0, "in a loop whose carried value becomes the batch's");
    end(&t);
    arena_free(arena);
}
int main(int argc, char **argv) {
    for (int i = 0; i < COUNT_OF(rules); i++) {
        check_rule(&rules[i], DT_f32);
        check_rule(&rules[i], DT_f64);
    }
    for (int i = 0; i < COUNT_OF(program_names); i++)
        for (int order = 0; order < 3; order++) check_program(i, order);
    check_random(argc > 1 ? atoi(argv[1]) : 100); /* a number of seeds: for longer runs by hand */
    small_windows();
    forms();
    folding();
    one_hots();
    orders();
    cuts();
    return failed_groups != 0;
}

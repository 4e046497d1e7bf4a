/* plan_test.c: plans and loops against the interpreter, to the last bit: every operator, then whole training steps, then generated
** graphs, at each level. See plan_run.h. */
#include "plan_random.h"

/* What settle leaves: no marks, no stops, the order of every sum. */
static Case settled(Graph *g, Arena *arena, Case one) {
    SettleOptions options = {.grains = 1};
    one.f = settle_func(g, arena, one.f, &options);
    return one;
}

static void test_operators(const BatchOptions *o) {
    Group group = {.name = arena_printf(arena_new("name"), "operators at level %d%s on %s", o->level, o->replace ? " in place" : "", o->cpu)};
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    Cases cases = all_cases(&group, g);
    Batch *batch = batch_new(g, arena);
    for (int i = 0; i < cases.all.n; i++) batch_add(batch, settled(g, arena, cases.all.v[i]), o->replace);
    batch_run(&group, batch, o);
    end(&group);
    arena_free(arena);
}

/* ---- what training is made of: a loss, its gradient at every parameter, Adam's update in place of the leaves */
typedef struct Step {
    Graph *g;
    VEC(const Type *) params;
    VEC(Node *) leaves; /* weights */
    VEC(Node *) results;
    Arena *arena;
} Step;
static Node *step_param(Step *s, int rank, const i64 *dims, bool leaf) {
    const Type *type = type_get(s->g, DT_f32, rank, dims);
    vec_push(s->arena, &s->params, type);
    Node *node = ir_arg(s->g, s->params.n - 1, type);
    if (leaf) vec_push(s->arena, &s->leaves, node);
    return node;
}
static Node *adam_moment(Step *s, Node *gradient, double keep) {
    Node *old = step_param(s, gradient->type->rank, gradient->type->dims, false);
    Node *next = ir_add(s->g, ir_scale(s->g, old, keep), ir_scale(s->g, gradient, 1 - keep));
    vec_push(s->arena, &s->results, next);
    return next;
}
/* Results: the loss, the largest gradient, then of each leaf its moments and itself. */
static Case step_case(Step *s, const char *name, Node *loss) {
    Graph *g = s->g;
    Node *one = ir_fill(g, 1, loss->type), **d = ARENA_ARRAY(s->arena, Node *, s->leaves.n), *largest = ir_abs(g, loss);
    vjp(g, 1, &loss, &one, s->leaves.n, s->leaves.v, true, d);
    vec_push(s->arena, &s->results, loss);
    for (int i = 0; i < s->leaves.n; i++) {
        int axes[RANK_MAX];
        for (int k = 0; k < d[i]->type->rank; k++) axes[k] = k;
        Node *size = ir_abs(g, d[i]);
        largest = ir_max(g, largest, size->type->rank ? ir_amax(g, size, size->type->rank, axes) : size);
    }
    vec_push(s->arena, &s->results, ir_lt(g, largest, ir_real(g, DT_f32, 1e30)));
    for (int i = 0; i < s->leaves.n; i++) {
        Node *m = adam_moment(s, d[i], 0.9), *v = adam_moment(s, ir_mul(g, d[i], d[i]), 0.99);
        Node *step = ir_div(g, ir_scale(g, m, 0.01), ir_offset(g, ir_sqrt(g, ir_abs(g, v)), 1e-6));
        vec_push(s->arena, &s->results, ir_sub(g, s->leaves.v[i], step));
    }
    return (Case){name, func_make(g, s->params.n, s->params.v, s->results.n, s->results.v)};
}
static Step step_new(Graph *g, Arena *arena) { return (Step){.g = g, .arena = arena}; }

static Node *dense(Step *s, Node *x, i64 n) {
    i64 in = x->type->dims[x->type->rank - 1];
    Node *w = step_param(s, DIMS(in, n), true), *b = step_param(s, DIMS(n), true), *y = ir_matmul(s->g, x, w);
    int place = y->type->rank - 1;
    return ir_add(s->g, y, ir_broadcast(s->g, b, y->type->rank, y->type->dims, &place));
}
static Node *relu(Step *s, Node *x) { return ir_max(s->g, x, ir_fill(s->g, 0, x->type)); }
static Node *spread_last(Step *s, Node *x, const Type *like) { /* over one more last axis */
    int places[RANK_MAX];
    for (int i = 0; i < x->type->rank; i++) places[i] = i;
    return ir_broadcast(s->g, x, like->rank, like->dims, places);
}
/* The mean over rows of -log softmax(scores)[label]. */
static Node *cross_entropy(Step *s, Node *scores) {
    Graph *g = s->g;
    int last = scores->type->rank - 1;
    i64 rows = scores->type->dims[0];
    Node *label = ir_cast(g, step_param(s, DIMS(rows), false), DT_i32);
    Node *low = ir_sub(g, scores, spread_last(s, ir_amax(g, scores, 1, &last), scores->type));
    Node *sum = ir_log(g, ir_sum(g, ir_exp(g, low), 1, &last));
    Node *picked = ir_take(g, ir_sub(g, low, spread_last(s, sum, scores->type)), label, 1, 1);
    return ir_neg(g, ir_mean(g, picked, 1, INTS(0)));
}
static Node *square_loss(Step *s, Node *x) { return ir_scale(s->g, ir_sum_all(s->g, ir_mul(s->g, x, x)), 0.125); }

/* x [b, h, w, c], weights [k, k, c, n]; a sum over windows. */
static Node *conv(Step *s, Node *x, i64 k, i64 n, i64 stride, i64 pad) {
    Graph *g = s->g;
    i64 c = x->type->dims[3];
    Node *w = step_param(s, DIMS(k, k, c, n), true);
    Node *y = ir_window(g, x, 1, k, stride, 1, pad, pad, 0, 0); /* [b, oh, k, w, c] */
    y = ir_window(g, y, 3, k, stride, 1, pad, pad, 0, 0);       /* [b, oh, k, ow, k, c] */
    return ir_dot(g, y, w, 0, NULL, NULL, 3, INTS(2, 4, 5), INTS(0, 1, 2));
}
static Node *max_pool(Step *s, Node *x) {
    Node *y = ir_window(s->g, ir_window(s->g, x, 1, 2, 2, 1, 0, 0, 0, 0), 3, 2, 2, 1, 0, 0, 0, 0);
    return ir_amax(s->g, y, 2, INTS(2, 4));
}
static Node *layer_norm(Step *s, Node *x) {
    Graph *g = s->g;
    int last = x->type->rank - 1;
    Node *low = ir_sub(g, x, spread_last(s, ir_mean(g, x, 1, &last), x->type));
    Node *spread = ir_mean(g, ir_mul(g, low, low), 1, &last);
    return ir_div(g, low, spread_last(s, ir_sqrt(g, ir_offset(g, spread, 1e-5)), x->type));
}
static Node *batch_norm(Step *s, Node *x) {
    Graph *g = s->g;
    int places = x->type->rank - 1;
    Node *mean = ir_mean(g, x, 3, INTS(0, 1, 2)), *low = ir_sub(g, x, ir_broadcast(g, mean, x->type->rank, x->type->dims, &places));
    Node *spread = ir_sqrt(g, ir_offset(g, ir_mean(g, ir_mul(g, low, low), 3, INTS(0, 1, 2)), 1e-5));
    return ir_div(g, low, ir_broadcast(g, spread, x->type->rank, x->type->dims, &places));
}

static Case mlp_case(Graph *g, Arena *arena, i64 batch, i64 width) {
    Step s = step_new(g, arena);
    Node *x = step_param(&s, DIMS(batch, 20), false);
    return step_case(&s, "mlp", cross_entropy(&s, dense(&s, relu(&s, dense(&s, relu(&s, dense(&s, x, width)), width)), 10)));
}
static Case conv_case(Graph *g, Arena *arena, i64 c, i64 n, i64 stride, i64 pad, bool norm) {
    Step s = step_new(g, arena);
    Node *x = conv(&s, step_param(&s, DIMS(3, 9, 8, c), false), 3, n, stride, pad);
    x = relu(&s, norm ? batch_norm(&s, x) : x);
    x = conv(&s, x, 3, 5, 1, 1);
    if (x->type->dims[1] > 3 && x->type->dims[2] > 3) x = max_pool(&s, x);
    i64 flat = x->type->count / 3;
    return step_case(&s, "conv", cross_entropy(&s, dense(&s, ir_reshape(g, x, 2, (i64[]){3, flat}), 7)));
}
/* An LSTM over time, or a plain cell, its states kept for the backward loop. */
static Case recurrent_case(Graph *g, Arena *arena, i64 rounds, i64 batch, i64 units, bool reverse) {
    Step s = step_new(g, arena);
    Node *xs = step_param(&s, DIMS(rounds, batch, 6), false), *w = step_param(&s, DIMS(6 + units, 4 * units), true), *out[3];
    const i64 state[] = {batch, units}, round[] = {batch, 6};
    Node *h = ir_hole(g, type_get(g, DT_f32, 2, state)), *c = ir_hole(g, type_get(g, DT_f32, 2, state)), *x = ir_hole(g, type_get(g, DT_f32, 2, round));
    Node *gates = ir_matmul(g, ir_concat(g, 2, (Node *[]){x, h}, 1), w), *gate[4];
    for (int i = 0; i < 4; i++) gate[i] = ir_slice(g, gates, 1, i * units, (i + 1) * units, 1);
    Node *next_c = ir_add(g, ir_mul(g, ir_sigmoid(g, gate[0]), c), ir_mul(g, ir_sigmoid(g, gate[1]), ir_tanh(g, gate[2])));
    Node *next_h = ir_mul(g, ir_sigmoid(g, gate[3]), ir_tanh(g, next_c));
    Node *zero = ir_fill(g, 0, h->type), *carry[] = {h, c}, *next[] = {next_h, next_c}, *initial[] = {zero, zero};
    Region region = {.n_carry = 2, .n_xs = 1, .n_ys = 1, .carry = carry, .x = &x, .next = next, .y = &next_h, .initial = initial, .xs = &xs,
                     .length = rounds, .reverse = reverse};
    ir_scan_region(g, &region, out);
    return step_case(&s, "lstm", ir_add(g, square_loss(&s, out[2]), cross_entropy(&s, dense(&s, out[0], 10))));
}
/* One head of attention over [b, t, d], with a layer norm, and a table of embeddings. */
static Case attention_case(Graph *g, Arena *arena, i64 b, i64 t, i64 d) {
    Step s = step_new(g, arena);
    Node *table = step_param(&s, DIMS(11, d), true), *symbols = ir_cast(g, step_param(&s, DIMS(b, t), false), DT_i32);
    Node *x = layer_norm(&s, ir_take(g, table, symbols, 0, 0));
    Node *q = dense(&s, x, d), *k = dense(&s, x, d), *v = dense(&s, x, d);
    Node *scores = ir_scale(g, ir_dot(g, q, k, 1, INTS(0), INTS(0), 1, INTS(2), INTS(2)), 0.25);
    int last = 2;
    Node *e = ir_exp(g, ir_sub(g, scores, spread_last(&s, ir_amax(g, scores, 1, &last), scores->type)));
    Node *p = ir_div(g, e, spread_last(&s, ir_sum(g, e, 1, &last), e->type));
    Node *y = ir_add(g, x, ir_dot(g, p, v, 1, INTS(0), INTS(0), 1, INTS(2), INTS(1)));
    return step_case(&s, "attention", square_loss(&s, layer_norm(&s, relu(&s, dense(&s, y, d)))));
}
/* Maps over rows that are no multiple of 16 long: parts of longer rows, numbers of a row and of a column, places outside. */
static Case rows_case(Graph *g, Arena *arena, i64 rows, i64 n) {
    Step s = step_new(g, arena);
    Node *wide = step_param(&s, DIMS(rows, 3 * n), false), *x = step_param(&s, DIMS(rows, n), true), *each = step_param(&s, DIMS(rows), false);
    Node *beside = step_param(&s, DIMS(n), false), *part[3];
    for (int i = 0; i < 3; i++) part[i] = ir_slice(g, wide, 1, i * n, (i + 1) * n, 1);
    Node *row = ir_broadcast(g, ir_iota(g, rows), 2, x->type->dims, INTS(0)), *column = ir_broadcast(g, ir_iota(g, n), 2, x->type->dims, INTS(1));
    Node *a = ir_add(g, ir_mul(g, ir_tanh(g, part[0]), x), ir_broadcast(g, beside, 2, x->type->dims, INTS(1)));
    Node *b = ir_select(g, ir_lt(g, row, column), ir_add(g, a, spread_last(&s, each, x->type)), ir_affine(g, x, 1, n, 1, 1, -1, -1, 0, 0.5));
    Node *c = ir_add(g, ir_sigmoid(g, part[1]), ir_mul(g, part[2], x));
    Node *all[] = {a, b, c, ir_mul(g, b, c), ir_sub(g, a, c)};
    for (int i = 0; i < 5; i++) vec_push(s.arena, &s.results, all[i]);
    return (Case){"rows", func_make(g, s.params.n, s.params.v, s.results.n, s.results.v)};
}
static void test_steps(const BatchOptions *o) {
    Arena *arena = arena_new("test");
    Group group = {.name = arena_printf(arena, "training steps at level %d on %s", o->level, o->cpu)};
    Graph *g = graph_new(arena);
    Case cases[] = {mlp_case(g, arena, 3, 5), mlp_case(g, arena, 32, 48), mlp_case(g, arena, 23, 8), conv_case(g, arena, 3, 4, 1, 1, false), conv_case(g, arena, 16, 17, 2, 1, true),
                    conv_case(g, arena, 1, 6, 2, 0, false), conv_case(g, arena, 5, 32, 1, 2, true), recurrent_case(g, arena, 5, 3, 7, false),
                    recurrent_case(g, arena, 1, 16, 16, true), recurrent_case(g, arena, 4, 17, 33, true), attention_case(g, arena, 2, 5, 16),
                    attention_case(g, arena, 1, 33, 40), rows_case(g, arena, 8, 20), rows_case(g, arena, 6, 24), rows_case(g, arena, 12, 28),
                    recurrent_case(g, arena, 3, 8, 20, true), rows_case(g, arena, 7, 20)};
    Batch *batch = batch_new(g, arena);
    for (int i = 0; i < COUNT_OF(cases); i++) {
        batch_add(batch, settled(g, arena, cases[i]), true);
        if (i % 2) continue;
        bool batched[64] = {true}; /* again with sums over the batch cut */
        SettleOptions options = {.batch_rows = cases[i].f->params[0]->dims[0], .batched = batched, .grains = 4};
        Case cut = cases[i];
        cut.f = settle_func(g, arena, cut.f, &options);
        batch_add(batch, cut, true);
    }
    batch_run(&group, batch, o);
    end(&group);
    arena_free(arena);
}

/* A batch of generated graphs; with `cut`, sums over the leading axis of some parameters are cut. */
static void test_random(const BatchOptions *o, u64 first, int n) {
    Arena *arena = arena_new("test");
    Group group = {.name = arena_printf(arena, "graphs %llu.. at level %d%s on %s", (unsigned long long)first, o->level,
                                        o->replace ? " in place" : "", o->cpu)};
    Graph *g = graph_new(arena);
    Batch *batch = batch_new(g, arena);
    for (int i = 0; i < n; i++) {
        Case one = random_case(g, arena, first + (u64)i);
        bool batched[64] = {false};
        i64 rows = one.f->n_params && one.f->params[0]->rank ? one.f->params[0]->dims[0] : 0;
        for (int p = 0; p < one.f->n_params && p < 64; p++) batched[p] = one.f->params[p]->rank && one.f->params[p]->dims[0] == rows;
        SettleOptions options = {.grains = 1};
        if (i % 3 == 0 && rows > 1 && one.f->n_params <= 64) options = (SettleOptions){.batch_rows = rows, .batched = batched, .grains = 4};
        one.f = settle_func(g, arena, one.f, &options);
        batch_add(batch, one, o->replace);
    }
    batch_run(&group, batch, o);
    end(&group);
    arena_free(arena);
}

/* plan_test steps [LEVEL [SHOW]]: only training steps. plan_test [FIRST [COUNT [LEVEL [REPLACE]]]]: only generated graphs, graph and plan shown when it is one. */
int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "steps")) {
        BatchOptions o = {.level = argc > 2 ? atoi(argv[2]) : 2, .cpu = "native", .replace = true, .show = argc > 3, .share = true};
        test_steps(&o);
        return failed_groups != 0;
    }
    const char *cpus[] = {"x86-64-v3", "x86-64-v4"};
    int n_cpus = __builtin_cpu_supports("avx512f") ? 2 : 1;
    if (argc > 1) {
        u64 first = strtoull(argv[1], NULL, 10);
        int n = argc > 2 ? atoi(argv[2]) : 1, level = argc > 3 ? atoi(argv[3]) : 2;
        for (int i = 0; i < n; i += 25) {
            BatchOptions o = {.level = level, .cpu = cpus[n_cpus - 1], .replace = argc > 4 ? atoi(argv[4]) : i / 25 % 2, .show = n == 1, .share = i / 50 % 2};
            test_random(&o, first + (u64)i, n - i < 25 ? n - i : 25);
        }
        return failed_groups != 0;
    }
    for (int level = 0; level <= 2; level++)
        for (int replace = 0; replace < 2; replace++) {
            BatchOptions o = {.level = level, .cpu = cpus[replace % n_cpus], .replace = replace, .share = replace};
            test_operators(&o);
            if (replace == level % 2) test_steps(&o);
            test_random(&o, (u64)(level * 2 + replace) * 50, 50);
        }
    /* found before: a leaf replaced while a later loop still walked along it; a draw's key replaced while elements drew from it; a
    ** tile's maps taken from below a view */
    static const u64 FOUND[] = {3543, 10197, 30000};
    for (int i = 0; i < COUNT_OF(FOUND); i++)
        for (int level = 1; level <= 2; level++) {
            BatchOptions o = {.level = level, .cpu = cpus[n_cpus - 1], .replace = true, .share = true};
            test_random(&o, FOUND[i], 1);
        }
    return failed_groups != 0;
}

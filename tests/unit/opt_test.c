/* opt_test.c: passes keep every bit: each program at order 0, 1 and 2 in f32 and f64, after each pass in turn, against the
** settled function, on ordinary and on special values. Then what each pass is for, counted. */
#include "random_program.h"
#include "../../compiler/opt/opt.h"
#include <math.h>
#include <stdlib.h>

static bool same_results(const Func *f, const Tensor *x, const Tensor *y, int *which) {
    for (*which = 0; *which < f->n_results; ++*which)
        if (!same_elements(x[*which].type->dtype, x[*which].data, y[*which].data, x[*which].type->count)) return false;
    return true;
}
static void spoil(const Func *f, Tensor *args) { /* some infinities, NaN, zeros of both signs, subnormals */
    static const double special[] = {INFINITY, -0.0, NAN, 1e-45, 0.0, -INFINITY, 1e38};
    int n = 0;
    for (int p = 0; p < f->n_params; p++)
        for (i64 i = p; i < f->params[p]->count; i += 7, n++) {
            if (f->params[p]->dtype == DT_f32) ((float *)args[p].data)[i] = (float)special[n % COUNT_OF(special)];
            if (f->params[p]->dtype == DT_f64) ((double *)args[p].data)[i] = special[n % COUNT_OF(special)];
        }
}
static const Func *ordered(Maker *m, const Func *f, int order) {
    return order == 0 ? f : order == 1 ? with_gradient(m->g, m->arena, f) : with_second(m, f);
}
static const Func *run_row(Graph *g, const PassRow *row, const Func *f, i64 memory) {
    static const SettleOptions none = {0};
    Arena *scratch = arena_new("a pass");
    f = row->run(&(Pass){g, scratch, &none, memory, false}, f);
    arena_free(scratch);
    return f;
}
/* `reversed`: the passes in the other order, which no bit may notice either. */
static void check_program(int which, int order, Dtype real, bool reversed) {
    Arena *arena = arena_new("test");
    Maker m = {.g = graph_new(arena), .arena = arena, .real = real};
    Group t = {arena_printf(arena, "%s, order %d, %s%s", program_names[which], order, dtype_name(real), reversed ? ", passes reversed" : ""), false};
    const Func *f = settle_func(m.g, arena, ordered(&m, make_program(&m, which), order), &(SettleOptions){0});
    Tensor *args[2] = {program_args(arena, f), program_args(arena, f)}, *want[2];
    spoil(f, args[1]);
    for (int i = 0; i < 2; i++) want[i] = run_func(arena, f, args[i]);
    int n = 0;
    while (opt_pass(n)) n++;
    const Func *h = f;
    for (int i = 0; i < n; i++) {
        const PassRow *row = opt_pass(reversed ? n - 1 - i : i);
        h = run_row(m.g, row, h, -1);
        const char *bad = func_verify(arena, m.g, h, true);
        expect(&t, !bad, "%s: %s", row->name, bad);
        for (int j = 0; j < 2; j++) {
            int result;
            bool same = same_results(f, want[j], run_func(arena, h, args[j]), &result);
            expect(&t, same, "%s changes a bit of result %d, data %d", row->name, result, j);
        }
    }
    end(&t);
    arena_free(arena);
}

/* Drawn programs, each at one order, passes forward or reversed. */
static void check_random(int seeds) {
    Group t = {"random programs keep every bit", false};
    int n = 0, changed = 0;
    while (opt_pass(n)) n++;
    for (int i = 0; i < seeds; i++) {
        Arena *arena = arena_new("test");
        Maker m = {.g = graph_new(arena), .arena = arena, .real = i % 2 ? DT_f64 : DT_f32};
        const Func *f = settle_func(m.g, arena, ordered(&m, random_program(&m, (u64)i + 1000, false), i % 3), &(SettleOptions){0}), *h = f;
        Tensor *args[2] = {program_args(arena, f), program_args(arena, f)}, *want[2];
        spoil(f, args[1]);
        for (int j = 0; j < 2; j++) want[j] = run_func(arena, f, args[j]);
        for (int j = 0; j < n; j++) {
            const PassRow *row = opt_pass(i % 5 ? j : n - 1 - j);
            const Func *before = h;
            h = run_row(m.g, row, h, i % 7 ? -1 : 500);
            changed += h != before;
            const char *bad = func_verify(arena, m.g, h, true);
            expect(&t, !bad, "seed %d, %s: %s", i, row->name, bad);
            for (int k = 0; k < 2 && h != before; k++) {
                int result;
                bool same = same_results(f, want[k], run_func(arena, h, args[k]), &result);
                expect(&t, same, "seed %d: %s changes a bit of result %d, data %d", i, row->name, result, k);
            }
        }
        arena_free(arena);
    }
    expect(&t, changed > seeds / 2, "only %d passes changed anything", changed);
    end(&t);
}

/* ---- what the passes are for */
typedef struct Inside {
    int dots, dear, ys;
} Inside;
static Inside inside(Arena *arena, const Func *f, int which) { /* of the which-th loop */
    NodeList nodes = order_walk(arena, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        if (nodes.v[i]->op != OP_scan || which-- > 0) continue;
        const Func *b = nodes.v[i]->at->body;
        return (Inside){func_count_op(b, OP_dot, true), func_count_op(b, OP_tanh, true) + func_count_op(b, OP_sigmoid, true),
                        b->n_results - (int)nodes.v[i]->at->carry};
    }
    return (Inside){-1, -1, -1};
}
static void lstm_form(void) {
    Arena *arena = arena_new("test");
    Group t = {"an lstm has one product a round each way, and no transcendental function backward", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, lstm(&m, true)), &(SettleOptions){0});
    f = opt_func(m.g, f, &(OptOptions){2, -1, -1, false});
    Inside forward = inside(arena, f, 0), backward = inside(arena, f, 1);
    expect(&t, forward.dots == 1 && forward.dear == 5, "forward: %d products, %d", forward.dots, forward.dear);
    expect(&t, backward.dots == 1 && backward.dear == 0, "backward: %d products, %d", backward.dots, backward.dear);
    expect(&t, func_count_op(f, OP_dot, false) == 4 && func_count_op(f, OP_scan, true) == 2, "outside: %d products", func_count_op(f, OP_dot, false));
    end(&t);
    arena_free(arena);
}
static void maml_form(void) {
    Arena *arena = arena_new("test");
    Group t = {"the outer gradient of maml computes no inner step twice", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, maml(&m, 3)), &(SettleOptions){0});
    f = opt_func(m.g, f, &(OptOptions){2, -1, -1, false});
    Inside forward = inside(arena, f, 0), backward = inside(arena, f, 1);
    expect(&t, forward.dots == 5 && backward.dots == 8, "products: %d, %d", forward.dots, backward.dots);
    expect(&t, forward.dear == 1 && backward.dear == 0, "tanh: %d, %d", forward.dear, backward.dear);
    end(&t);
    arena_free(arena);
}
static void nested_form(void) {
    Arena *arena = arena_new("test");
    Group t = {"a loop in a loop is not run again backward", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, loop_in_loop(&m)), &(SettleOptions){0});
    expect(&t, inside(arena, f, 1).dear == 2, "before: %d", inside(arena, f, 1).dear);
    f = opt_func(m.g, f, &(OptOptions){2, -1, -1, false});
    Inside forward = inside(arena, f, 0), backward = inside(arena, f, 1);
    expect(&t, forward.dots == 1 && forward.dear == 1, "forward: %d products, %d", forward.dots, forward.dear);
    expect(&t, backward.dots == 1 && backward.dear == 0, "backward: %d products, %d", backward.dots, backward.dear);
    end(&t);
    arena_free(arena);
}
/* Bytes that forward loops hand over, beyond what they did. */
static i64 handed(Arena *arena, const Func *f) {
    NodeList nodes = order_walk(arena, f->results, f->n_results);
    i64 bytes = 0;
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_scan)
            for (int j = (int)nodes.v[i]->at->carry; j < nodes.v[i]->type->rank; j++) bytes += type_bytes(nodes.v[i]->type->parts[j]);
    return bytes;
}
static void memory_bound(void) {
    Arena *arena = arena_new("test");
    Group t = {"what is kept stays within its memory", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, lstm(&m, true)), &(SettleOptions){0});
    const PassRow *keep = opt_pass(0);
    expect(&t, strcmp(keep->name, "keep") == 0, "the first pass is %s", keep->name);
    i64 before = handed(arena, f), last = before;
    const Func *all = run_row(m.g, keep, f, -1);
    expect(&t, run_row(m.g, keep, f, 0) == f, "of nothing, nothing");
    for (i64 memory = 0; memory <= 4000; memory += 100) {
        const Func *h = run_row(m.g, keep, f, memory);
        i64 now = handed(arena, h);
        int result;
        Tensor *args = program_args(arena, f);
        expect(&t, now - before <= memory && now >= last, "%d bytes: %d", (int)memory, (int)(now - before));
        bool same = same_results(f, run_func(arena, f, args), run_func(arena, h, args), &result);
        expect(&t, same, "%d bytes change result %d", (int)memory, result);
        last = now;
    }
    expect(&t, last == handed(arena, all) && last > before, "without a bound %d, with a large one %d", (int)handed(arena, all), (int)last);
    end(&t);
    arena_free(arena);
}
static void bisect(void) {
    Arena *arena = arena_new("test");
    Group t = {"passes can be counted and left out", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    const Func *f = settle_func(m.g, arena, with_gradient(m.g, arena, lstm(&m, true)), &(SettleOptions){0}), *h = f;
    expect(&t, opt_func(m.g, f, &(OptOptions){0, -1, -1, false}) == f, "level 0");
    expect(&t, opt_func(m.g, f, &(OptOptions){2, -1, 0, false}) == f, "none of them");
    for (int i = 0; opt_pass(i); i++) {
        h = run_row(m.g, opt_pass(i), h, -1);
        expect(&t, opt_func(m.g, f, &(OptOptions){2, -1, i + 1, false}) == h, "the first %d", i + 1);
    }
    expect(&t, opt_func(m.g, f, &(OptOptions){2, -1, -1, false}) == h && h != f, "all");
    Compilation c = {.arena = arena};
    expect(&t, pass_run(&c, m.g, "keep", f) == run_row(m.g, opt_pass(0), f, -1), "one by name");
    expect(&t, pass_run(&c, m.g, "erase", f) == f && !pass_run(&c, m.g, "no such", f), "settle's too; none of another name");
    for (int i = 0; pass_name(i); i++) {
        expect(&t, *pass_purpose(i) != 0, "%s has no purpose", pass_name(i));
        for (int j = 0; j < i; j++) expect(&t, strcmp(pass_name(i), pass_name(j)) != 0, "two passes named %s", pass_name(i));
    }
    end(&t);
    arena_free(arena);
}
static void distribution(void) {
    Arena *arena = arena_new("test");
    Group t = {"elementwise operators go into the parts of a concat", false};
    Maker m = {.g = graph_new(arena), .arena = arena, .real = DT_f32};
    Node *a = in(&m, DIMS(2, 3)), *b = in(&m, DIMS(2, 1)), *c = in(&m, DIMS(2, 3)), *d = in(&m, DIMS(2, 1));
    Node *x = ir_concat(m.g, 2, (Node *[]){a, b}, 1), *y = ir_concat(m.g, 2, (Node *[]){c, d}, 1);
    Node *r = ir_scale(m.g, ir_add(m.g, x, y), 3);
    const Func *f = done(&m, 1, &r), *h = run_row(m.g, opt_pass(3), f, -1);
    Node *want = ir_concat(m.g, 2, (Node *[]){ir_scale(m.g, ir_add(m.g, a, c), 3), ir_scale(m.g, ir_add(m.g, b, d), 3)}, 1);
    expect(&t, h->results[0] == want, "not distributed");
    vec_push(arena, &m.params, a->type);
    vec_push(arena, &m.params, b->type);
    vec_push(arena, &m.params, x->type);
    r = ir_add(m.g, x, ir_arg(m.g, 2, x->type));
    f = done(&m, 1, &r);
    expect(&t, run_row(m.g, opt_pass(3), f, -1) == f, "an operand that is no concat stays whole");
    end(&t);
    arena_free(arena);
}
int main(int argc, char **argv) {
    for (int i = 0; i < COUNT_OF(program_names); i++)
        for (int order = 0; order < 3; order++) {
            check_program(i, order, DT_f32, false);
            check_program(i, order, DT_f32, true);
            check_program(i, order, DT_f64, false);
        }
    check_random(argc > 1 ? atoi(argv[1]) : 300); /* a number of seeds: for longer runs by hand */
    lstm_form();
    maml_form();
    nested_form();
    memory_bound();
    bisect();
    distribution();
    return failed_groups != 0;
}

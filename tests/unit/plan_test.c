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

/* plan_test [FIRST [COUNT [LEVEL [REPLACE]]]]: only generated graphs, graph and plan shown when it is one. */
int main(int argc, char **argv) {
    const char *cpus[] = {"x86-64-v3", "x86-64-v4"};
    int n_cpus = __builtin_cpu_supports("avx512f") ? 2 : 1;
    if (argc > 1) {
        u64 first = strtoull(argv[1], NULL, 10);
        int n = argc > 2 ? atoi(argv[2]) : 1, level = argc > 3 ? atoi(argv[3]) : 2;
        for (int i = 0; i < n; i += 25) {
            BatchOptions o = {.level = level, .cpu = cpus[n_cpus - 1], .replace = argc > 4 ? atoi(argv[4]) : i / 25 % 2, .show = n == 1};
            test_random(&o, first + (u64)i, n - i < 25 ? n - i : 25);
        }
        return failed_groups != 0;
    }
    for (int level = 0; level <= 2; level++)
        for (int replace = 0; replace < 2; replace++) {
            BatchOptions o = {.level = level, .cpu = cpus[replace % n_cpus], .replace = replace};
            test_operators(&o);
            test_random(&o, (u64)(level * 2 + replace) * 50, 50);
        }
    return failed_groups != 0;
}

/* plan_test.c: plans and loops against the interpreter, to the last bit: every operator, then whole training steps, then generated
** graphs, at each level. See plan_run.h. */
#include "plan_run.h"

/* What settle leaves: no marks, no stops, the order of every sum. */
static Case settled(Graph *g, Arena *arena, Case one) {
    SettleOptions options = {.grains = 1};
    one.f = settle_func(g, arena, one.f, &options);
    return one;
}

static void test_operators(const BatchOptions *o) {
    Group group = {arena_printf(arena_new("name"), "operators at level %d%s on %s", o->level, o->replace ? " in place" : "", o->cpu)};
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    Cases cases = all_cases(&group, g);
    Batch *batch = batch_new(g, arena);
    for (int i = 0; i < cases.all.n; i++) batch_add(batch, settled(g, arena, cases.all.v[i]), o->replace);
    batch_run(&group, batch, o);
    end(&group);
    arena_free(arena);
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : NULL;
    for (int level = 0; level <= 2; level++)
        for (int replace = 0; replace < 2; replace++) {
            BatchOptions o = {.level = level, .cpu = "x86-64-v4", .replace = replace, .show = only != NULL};
            test_operators(&o);
        }
    return failed_groups != 0;
}

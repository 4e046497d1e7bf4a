/* ir_lift_test.c: lifting against doing it for each slice: every case of every operator, every choice of operands that have the
** new axis, to the bit; and which results get the axis. */
#include "ir_cases.h"

enum { SLICES = 3 };

typedef struct Lifted {
    const Func *f; /* the lifted function */
    bool *result;  /* which results have the axis */
} Lifted;
static Lifted lift_func(Graph *g, Arena *arena, const Func *f, int mask) {
    NodeMap map = {.arena = arena}, lifted = {.arena = arena};
    const Type **types = ARENA_ARRAY(arena, const Type *, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) {
        Node *old = ir_arg(g, i, f->params[i]);
        types[i] = mask >> i & 1 ? type_with_lead(g, f->params[i], SLICES) : f->params[i];
        nodemap_set(&map, old, ir_arg(g, i, types[i]));
        if (mask >> i & 1) nodemap_set(&lifted, old, old);
    }
    Node **out = ARENA_ARRAY(arena, Node *, f->n_results);
    bool *result = ARENA_ARRAY(arena, bool, f->n_results);
    lift_nodes(g, arena, &map, &lifted, SLICES, f->results, f->n_results, out, result);
    return (Lifted){func_make(g, f->n_params, types, f->n_results, out), result};
}
static void *slice(const Tensor *t, bool has_axis, int j) { return (char *)t->data + (has_axis ? type_bytes(t->type) / SLICES * j : 0); }

static void check_case(Group *t, Graph *g, const Case *one, int mask) {
    Arena *arena = arena_new("test");
    const Func *f = one->f;
    Lifted l = lift_func(g, arena, f, mask);
    Draw d = {17};
    Tensor *args = draw_args(arena, l.f, &d), *got = run_func(arena, l.f, args);
    const char *bad = func_verify(arena, g, l.f, false);
    expect(t, !bad, "%s %d: %s", one->name, mask, bad);
    for (int i = 0; i < f->n_results; i++) {
        const Type *want = l.result[i] ? type_with_lead(g, f->results[i]->type, SLICES) : f->results[i]->type;
        expect(t, got[i].type == want, "%s %d: the type of result %d", one->name, mask, i);
        NodeMap depends = {.arena = arena};
        for (int p = 0; p < f->n_params; p++)
            if (mask >> p & 1) {
                Node *arg = ir_arg(g, p, f->params[p]);
                NodeMap on = depends_on(arena, &f->results[i], 1, &arg, 1);
                if (nodemap_get(&on, f->results[i])) nodemap_set(&depends, arg, arg);
            }
        expect(t, !l.result[i] || depends.n, "%s %d: result %d has the axis for nothing", one->name, mask, i);
    }
    for (int j = 0; j < SLICES; j++) {
        Tensor *in = ARENA_ARRAY(arena, Tensor, f->n_params + 1);
        for (int p = 0; p < f->n_params; p++) in[p] = (Tensor){f->params[p], slice(&args[p], mask >> p & 1, j)};
        Tensor *want = run_func(arena, f, in);
        for (int i = 0; i < f->n_results; i++)
            expect(t, same_elements(want[i].type->dtype, slice(&got[i], l.result[i], j), want[i].data, want[i].type->count),
                   "%s, axis on operands %x: slice %d of result %d", one->name, (unsigned)mask, j, i);
    }
    arena_free(arena);
}
int main(void) {
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    Group table = {"a case for every operator", false};
    Cases c = all_cases(&table, g);
    end(&table);
    for (int i = 0; i < c.all.n; i++) {
        Group t = {arena_printf(arena, "lift of %s", c.all.v[i].name), false};
        for (int mask = 1; mask < 1 << c.all.v[i].f->n_params; mask++) check_case(&t, g, &c.all.v[i], mask);
        end(&t);
    }
    Group twice = {"lifting twice", false};
    for (int i = 0; i < c.all.n; i++) {
        const Func *f = c.all.v[i].f;
        int all = (1 << f->n_params) - 1;
        if (!all) continue;
        Case once = {c.all.v[i].name, lift_func(g, arena, f, all).f};
        check_case(&twice, g, &once, all);
        check_case(&twice, g, &once, 1);
    }
    end(&twice);
    arena_free(arena);
    return failed_groups != 0;
}

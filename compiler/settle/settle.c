/* settle.c: the order of settle's passes, and settling a whole program. */
#include "settle.h"

static const PassRow rows[] = {
#define PASS(name, function, purpose) {#name, function, purpose},
#include "passes.def"
#undef PASS
};
const PassRow *settle_pass(int index) { return index >= 0 && index < COUNT_OF(rows) ? &rows[index] : NULL; }

typedef struct Settling {
    Graph *g;
    const SettleOptions *options;
} Settling;
static const Func *run(const Settling *s, PassRun *pass, const Func *f) {
    Arena *scratch = arena_new("a pass");
    const Func *made = pass(&(Pass){s->g, scratch, s->options, -1, false}, f);
    arena_free(scratch);
    return made;
}
/* Folding, local rules and loops feed each other. */
static const Func *clean(const Settling *s, const Func *f) {
    enum { MOST = 20 }; /* what is left then is kept: the next pass does not need it */
    for (int i = 0; i < MOST; i++) {
        const Func *now = run(s, pass_tidy, run(s, pass_simplify, run(s, pass_fold, f)));
        if (now == f) break;
        f = now;
    }
    return f;
}
const Func *settle_func(Graph *g, Arena *scratch, const Func *f, const SettleOptions *options) {
    (void)scratch;
    Settling s = {g, options};
    f = clean(&s, run(&s, pass_erase, f));
    f = clean(&s, run(&s, pass_unfold, f));
    f = clean(&s, run(&s, pass_contract, f));
    f = clean(&s, run(&s, pass_pull, f));
    f = clean(&s, run(&s, pass_once, f));
    f = clean(&s, run(&s, pass_phase, f));
    f = clean(&s, run(&s, pass_pool, f));
    f = clean(&s, run(&s, pass_one_hot, f));
    return run(&s, pass_order, run(&s, pass_lay, f));
}

/* ---- programs */
static void grow_grains(i64 *most, const Func *f) {
    Arena *scratch = arena_new("looking for cuts");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        if (node->op == OP_scan) grow_grains(most, node->at->body);
        if (node->at->cut > *most) *most = node->at->cut;
    }
    arena_free(scratch);
}
SettleOptions settle_options(const Compilation *c, Arena *arena, const Entry *entry) {
    bool *batched = ARENA_ARRAY(arena, bool, entry->func->n_params + 1);
    for (int j = 0; j < entry->func->n_params; j++) {
        const Type *type = entry->func->params[j];
        batched[j] = entry->batch_rows && entry->inputs[j].block == BLOCK_BATCH && type->rank && type->dims[0] == entry->batch_rows;
    }
    return (SettleOptions){entry->batch_rows, batched, c->grains};
}
void settle_program(Compilation *c, Program *program) {
    Arena *scratch = arena_new("settle");
    i64 grains = 1;
    for (int i = 0; i < program->entries.n; i++) {
        Entry *entry = program->entries.v[i];
        SettleOptions options = settle_options(c, scratch, entry);
        entry->func = settle_func(program->graph, scratch, entry->func, &options);
        grow_grains(&grains, entry->func);
    }
    program->table.grains = c->grains > grains ? c->grains : grains;
    arena_free(scratch);
}

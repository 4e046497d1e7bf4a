/* opt.c: runs opt's passes over a program, and single passes by name. */
#include "opt.h"
#include <string.h>

static const PassRow rows[] = {
#define PASS(name, function, purpose) {#name, function, purpose},
#include "passes.def"
#undef PASS
};
const PassRow *opt_pass(int index) { return index >= 0 && index < COUNT_OF(rows) ? &rows[index] : NULL; }

/* `left`: applications that may still be made; negative: any number. */
static const Func *run_all(Graph *g, const Func *f, const SettleOptions *settle, const OptOptions *options, i64 *left) {
    for (int i = 0; i < COUNT_OF(rows) && options->level > 0; i++) {
        if (*left == 0) break;
        if (*left > 0) --*left;
        Arena *scratch = arena_new("a pass");
        f = rows[i].run(&(Pass){g, scratch, settle, options->memory, options->walk}, f);
        arena_free(scratch);
    }
    return f;
}
const Func *opt_func(Graph *g, const Func *f, const OptOptions *options) {
    i64 left = options->bisect;
    return run_all(g, f, &(SettleOptions){0}, options, &left);
}
void opt_program(Compilation *c, Program *program, const OptOptions *options) {
    Arena *scratch = arena_new("opt");
    i64 left = options->bisect;
    for (int i = 0; i < program->entries.n; i++) {
        Entry *entry = program->entries.v[i];
        SettleOptions settle = settle_options(c, scratch, entry);
        entry->func = run_all(program->graph, entry->func, &settle, options, &left);
    }
    arena_free(scratch);
}

static const PassRow *pass_row(int index) {
    int n = 0;
    while (settle_pass(n)) n++;
    return index < n ? settle_pass(index) : opt_pass(index - n);
}
const char *pass_name(int index) {
    const PassRow *row = pass_row(index);
    return row ? row->name : NULL;
}
const char *pass_purpose(int index) {
    const PassRow *row = pass_row(index);
    return row ? row->purpose : NULL;
}
const Func *pass_run(Compilation *c, Graph *g, const char *name, const Func *f) {
    const PassRow *row;
    for (int i = 0; (row = pass_row(i)); i++) {
        if (strcmp(row->name, name) != 0) continue;
        Arena *scratch = arena_new("a pass");
        SettleOptions settle = {.grains = c->grains};
        f = row->run(&(Pass){g, scratch, &settle, -1, false}, f);
        arena_free(scratch);
        return f;
    }
    return NULL;
}

/* parts.c: see parts.h. The most expensive function first, each to the part that has the least so far. */
#include "parts.h"

enum { PART_COST = 2000 }; /* statements from which on another part pays: some 50 ms; the last part may keep one thread waiting */
typedef struct Walk {
    Parts *parts;
    FunctionPart *function; /* walked now */
} Walk;

const FunctionPart *part_of(const Parts *parts, const LoopFunction *f) {
    const FunctionPart *found = map_get_ptr(&parts->of, f);
    nnc_check(found, "%s is in no part", f->name);
    return found;
}

/* ---- cost: statements as they will be written, unrolled ---- */
static void walk_block(Walk *w, const LoopBlock *block, i64 times);
static void walk_call(Walk *w, const LoopCall *call, i64 times) {
    FunctionPart *callee = map_get_ptr(&w->parts->of, call->function);
    nnc_check(callee, "a call of %s, which is not of the program", call->function->name);
    w->function->cost += times * (1 + call->function->n_params);
}
static void walk_statement(Walk *w, const LoopStatement *s, i64 times) {
    w->function->cost += times;
    if (s->kind == STATEMENT_call) walk_call(w, s->call, times);
    if (s->kind == STATEMENT_for) {
        const LoopFor *loop = s->loop;
        i64 rounds = loop->kind == FOR_UNROLLED ? (loop->extent + loop->step - 1) / loop->step : 1;
        walk_block(w, &loop->body, times * rounds);
    }
    if (s->kind == STATEMENT_if) {
        walk_block(w, &s->branch->then, times);
        walk_block(w, &s->branch->otherwise, times);
    }
}
static void walk_block(Walk *w, const LoopBlock *block, i64 times) {
    for (int i = 0; i < block->list.n; i++) walk_statement(w, block->list.v[i], times);
}

/* ---- what follows from who calls: callers are behind what they call, so from the last to the first ---- */
typedef struct Callees {
    Parts *parts;
    const FunctionPart *caller;
} Callees;
static void mark_block(const Callees *c, const LoopBlock *block);
static void mark_call(const Callees *c, const LoopCall *call) {
    FunctionPart *callee = map_get_ptr(&c->parts->of, call->function);
    callee->hot |= c->caller->hot;
    if (call->kernel < 0) callee->watches |= c->caller->watches;
}
static void mark_block(const Callees *c, const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) {
        const LoopStatement *s = block->list.v[i];
        if (s->kind == STATEMENT_call) mark_call(c, s->call);
        if (s->kind == STATEMENT_for) mark_block(c, &s->loop->body);
        if (s->kind == STATEMENT_if) mark_block(c, &s->branch->then), mark_block(c, &s->branch->otherwise);
    }
}
static void mark_callees(Parts *parts, const LoopFunction *f) {
    Callees c = {parts, part_of(parts, f)};
    mark_block(&c, &f->body);
}
static void mark_entry(const Parts *parts, const LoopProgram *loops, const nn_function *entry, bool watches, bool hot) {
    if (!*entry->name) return;
    FunctionPart *f = map_get_ptr(&parts->of, loops->entries.v[entry->index]);
    f->watches = watches;
    f->hot = hot;
}
/* Profiles are of steps, and of what is not finite the step is named: nothing else is ever watched. */
static void mark_entries(Parts *parts, const Program *program, const LoopProgram *loops) {
    const nn_program *table = program ? &program->table : NULL;
    for (int i = 0; i < loops->entries.n; i++)
        if (loops->entries.v[i]) {
            FunctionPart *f = map_get_ptr(&parts->of, loops->entries.v[i]);
            f->watches = !table;
            f->hot = true;
        }
    for (i64 t = 0; table && t < table->n_trains; t++) {
        const nn_train *train = &table->trains[t];
        for (i64 i = 0; i < train->n_step; i++) mark_entry(parts, loops, &train->step[i], true, true);
        for (i64 i = 0; i < train->n_sum; i++) mark_entry(parts, loops, &train->sum[i], true, true);
        for (i64 i = 0; i < train->n_apply; i++) mark_entry(parts, loops, &train->apply[i], true, true);
        mark_entry(parts, loops, &train->start, false, false);
    }
    if (table) mark_entry(parts, loops, &table->init, false, false);
    for (int i = 0; i < loops->entries.n; i++)
        if (loops->entries.v[i]) mark_callees(parts, loops->entries.v[i]);
    for (int i = loops->kernels.n - 1; i >= 0; i--) mark_callees(parts, loops->kernels.v[i]);
}

/* ---- the split ---- */
typedef VEC(FunctionPart *) FunctionParts;
static void add(Arena *arena, Parts *parts, FunctionParts *all, const LoopFunction *f) {
    FunctionPart *function = ARENA_NEW(arena, FunctionPart);
    map_set_ptr(&parts->of, f, function);
    vec_push(arena, all, function);
    walk_block(&(Walk){parts, function}, &f->body, 1);
}
static void distribute(Arena *arena, int n, const FunctionParts *all) {
    i64 *load = ARENA_ARRAY(arena, i64, n);
    bool *placed = ARENA_ARRAY(arena, bool, all->n);
    for (int k = 0; k < all->n; k++) {
        int most = -1, least = 0;
        for (int i = 0; i < all->n; i++)
            if (!placed[i] && (most < 0 || all->v[i]->cost > all->v[most]->cost)) most = i;
        for (int p = 1; p < n; p++)
            if (load[p] < load[least]) least = p;
        placed[most] = true;
        all->v[most]->part = least;
        load[least] += all->v[most]->cost;
    }
}
Parts *parts_make(Arena *arena, const Program *program, const LoopProgram *loops, int most) {
    Parts *parts = ARENA_NEW(arena, Parts);
    parts->of.arena = arena;
    FunctionParts all = {0};
    i64 cost = 0;
    for (int i = 0; i < loops->kernels.n; i++) add(arena, parts, &all, loops->kernels.v[i]);
    for (int i = 0; i < loops->entries.n; i++)
        if (loops->entries.v[i]) add(arena, parts, &all, loops->entries.v[i]);
    mark_entries(parts, program, loops);
    for (int i = 0; i < all.n; i++) cost += all.v[i]->cost;
    i64 n = 1 + cost / PART_COST;
    parts->n = n < most ? (int)n : most;
    distribute(arena, parts->n, &all);
    return parts;
}

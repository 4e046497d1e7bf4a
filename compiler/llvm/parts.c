/* parts.c: see parts.h. The most expensive function first, each to the part that has the least so far. */
#include "parts.h"

enum { PART_COST = 4000 }; /* statements from which on another part pays: some 20 ms */
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
    if (call->kernel >= 0) callee->watched = true;
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
Parts *parts_make(Arena *arena, const LoopProgram *loops, int most) {
    Parts *parts = ARENA_NEW(arena, Parts);
    parts->of.arena = arena;
    FunctionParts all = {0};
    i64 cost = 0;
    for (int i = 0; i < loops->kernels.n; i++) add(arena, parts, &all, loops->kernels.v[i]);
    for (int i = 0; i < loops->entries.n; i++)
        if (loops->entries.v[i]) add(arena, parts, &all, loops->entries.v[i]);
    for (int i = 0; i < all.n; i++) cost += all.v[i]->cost;
    i64 n = 1 + cost / PART_COST;
    parts->n = n < most ? (int)n : most;
    distribute(arena, parts->n, &all);
    return parts;
}

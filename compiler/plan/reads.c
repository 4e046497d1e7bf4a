/* reads.c: what a kernel reads: a walk from its stores down to stored values that others made. */
#include "planner.h"

/* A node of a body: loops reach into the bodies around them. */
typedef struct Visit {
    const PlanBody *body;
    const Node *node;
    bool through_view; /* something between here and the store moves elements about */
} Visit;
typedef struct Seen {
    const PlanBody *body;
    NodeMap nodes; /* 1: seen; 2: seen below a view */
} Seen;
typedef struct Walk {
    Arena *scratch;
    const PlanKernel *kernel;
    VEC(Visit) todo;
    VEC(Seen) seen;
} Walk;

static bool first_visit(Walk *w, const Visit *v) {
    int i = 0;
    while (i < w->seen.n && w->seen.v[i].body != v->body) i++;
    if (i == w->seen.n) vec_push(w->scratch, &w->seen, ((Seen){v->body, {.arena = w->scratch}}));
    uintptr_t level = v->through_view ? 2 : 1, old = (uintptr_t)nodemap_get(&w->seen.v[i].nodes, v->node);
    if (old >= level) return false;
    nodemap_set(&w->seen.v[i].nodes, v->node, (void *)level);
    return true;
}
static bool is_anchor_of(const PlanKernel *kernel, const Node *node) {
    for (int i = 0; i < kernel->anchors.n; i++)
        if (kernel->anchors.v[i] == node) return true;
    return false;
}
/* The next stored value, or NULL at the end; *node is where it was met. */
static const PlanValue *next_read(Walk *w, Visit *at) {
    while (w->todo.n) {
        Visit v = w->todo.v[--w->todo.n];
        if (!first_visit(w, &v)) continue;
        PlanValue *value = v.node->op == OP_scan ? NULL : plan_value(v.body, v.node);
        if (value && value->maker != w->kernel) {
            *at = v;
            return value;
        }
        if (v.node->op == OP_arg) {
            const PlanOuter *outer = plan_outer(v.body, v.node);
            vec_push(w->scratch, &w->todo, ((Visit){outer->body, outer->node, true}));
            continue;
        }
        bool moves = op_loop_class(v.node->op) != LOOP_map && !(w->kernel->one_pass && is_anchor_of(w->kernel, v.node));
        for (int i = v.node->n_args - 1; i >= 0; i--) {
            bool key = v.node->op == OP_random && i < 2; /* read whole by every element */
            vec_push(w->scratch, &w->todo, ((Visit){v.body, v.node->args[i], v.through_view || moves || key}));
        }
    }
    return NULL;
}
static Walk walk_begin(Arena *scratch, const PlanKernel *kernel) {
    Walk w = {.scratch = scratch, .kernel = kernel};
    if (kernel->kind == PLAN_SCAN) return w;
    for (int i = kernel->stores.n - 1; i >= 0; i--)
        if (!kernel->stores.v[i].from) vec_push(scratch, &w.todo, ((Visit){kernel->body, kernel->stores.v[i].node, kernel->stores.v[i].shifts != NULL}));
    return w;
}

PlanReads plan_reads(Arena *arena, const PlanKernel *kernel) {
    Arena *scratch = arena_new("reads of a kernel");
    Walk w = walk_begin(scratch, kernel);
    VEC(const PlanValue *) list = {0};
    Visit at;
    for (int i = 0; i < kernel->stores.n; i++)
        if (kernel->stores.v[i].from) vec_push(arena, &list, kernel->stores.v[i].from);
    for (const PlanValue *value; (value = next_read(&w, &at));) {
        bool known = false;
        for (int i = 0; i < list.n && !known; i++) known = list.v[i] == value;
        if (!known) vec_push(arena, &list, value);
    }
    arena_free(scratch);
    return (PlanReads){list.n, list.v};
}

/* An anchor's operands are read in other orders than results are written, so they count as met through a view. */
bool plan_in_place(const PlanKernel *kernel, const PlanValue *value) {
    Arena *scratch = arena_new("reads of a kernel");
    Walk w = walk_begin(scratch, kernel);
    bool plain = kernel->kind == PLAN_MAP || kernel->kind == PLAN_REDUCE || kernel->one_pass;
    Visit at;
    for (const PlanValue *read; plain && (read = next_read(&w, &at));)
        if (plan_same_whole(read, value)) plain = plan_same_place(read, value) && !at.through_view;
    arena_free(scratch);
    return plain;
}

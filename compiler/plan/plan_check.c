/* plan_check.c: replays a plan kernel by kernel without believing how it was made. Memory is painted: each byte knows which kernel
** wrote it last, and when. Every read must find what was written for it, every store must leave alone what it does not own.
**
** Of each loop the rounds 0, 1 and the last are replayed: what goes wrong between rounds goes wrong between the first two. What a
** loop stacks counts as whole when it ends. A kernel may read what it overwrites itself only element by element (plan_in_place). */
#include "planner.h"

typedef struct Paint {
    int block;
    i64 begin, end;
    const PlanKernel *kernel;
    const PlanValue *root; /* the whole that was written (a part of) */
    int time;
} Paint;
typedef struct Whole {
    const PlanValue *value;
    i64 written; /* elements, of its parts so far */
} Whole;
typedef VEC(Paint) Paints;
typedef struct Check {
    Arena *scratch;
    Paints paints, spare;          /* by block and begin; they do not overlap */
    i64 round[PLAN_DEPTH + 1];     /* of the loops around, by depth */
    int began[PLAN_DEPTH + 1];     /* when that round began */
    int time;
    VEC(Whole) wholes;
    const char *wrong;
} Check;

static const PlanValue *root_of(const PlanValue *value) {
    while (value->whole) value = value->whole;
    return value;
}
static Paint extent_of(const Check *c, const PlanValue *value) {
    PlanPlace place = plan_place(value);
    i64 begin = place.offset + (place.area ? place.area->offset : 0);
    for (int i = 0; i < place.n_steps; i++) begin += place.steps[i].bytes * c->round[place.steps[i].depth];
    return (Paint){.block = place.block, .begin = begin, .end = begin + plan_elements(value) * dtype_bytes(value->type->dtype)};
}
static bool overlap(const Paint *a, const Paint *b) { return a->block == b->block && a->begin < b->end && b->begin < a->end; }
static void paint(Check *c, Paint p) {
    bool put = false;
    c->spare.n = 0;
    for (int i = 0; i < c->paints.n; i++) {
        Paint q = c->paints.v[i], left = q, right = q;
        bool over = overlap(&p, &q), behind = q.block > p.block || (q.block == p.block && q.begin >= p.begin);
        left.end = p.begin, right.begin = p.end;
        if (over && left.begin < left.end) vec_push(c->scratch, &c->spare, left);
        if ((over || behind) && !put) {
            vec_push(c->scratch, &c->spare, p);
            put = true;
        }
        if (!over) vec_push(c->scratch, &c->spare, q);
        else if (right.begin < right.end) vec_push(c->scratch, &c->spare, right);
    }
    if (!put) vec_push(c->scratch, &c->spare, p);
    Paints swap = c->paints;
    c->paints = c->spare;
    c->spare = swap;
}
static void complain(Check *c, const PlanKernel *kernel, const PlanValue *value, const char *what) {
    if (c->wrong) return;
    Paint at = extent_of(c, value);
    const Node *node = kernel->anchor ? kernel->anchor : kernel->stores.v[0].node;
    c->wrong = arena_printf(c->scratch, "kernel %d (%s %%%u) %s block %d, bytes %lld to %lld", kernel->time, op_name(node->op), node->id,
                            what, at.block, (long long)at.begin, (long long)at.end);
}

/* ---- reads and writes */

static bool is_within(const PlanKernel *kernel, const PlanKernel *scan) {
    for (const PlanBody *body = kernel->body; body; body = body->outer)
        if (body == scan->inner) return true;
    return false;
}
/* What stood there before the current round of the loop that carries it, or from the start. */
static bool is_given(const Check *c, const PlanValue *value, const Paint *found) {
    const PlanValue *root = root_of(value);
    if (!root->place.area) return false; /* a block: written by an entry, then read as what it was */
    return found->time < c->began[root->place.area->body->depth + 1];
}
static void check_read(Check *c, const PlanKernel *kernel, const PlanValue *value) {
    Paint want = extent_of(c, value);
    i64 covered = 0;
    for (int i = 0; i < c->paints.n; i++) {
        const Paint *found = &c->paints.v[i];
        if (!overlap(&want, found)) continue;
        covered += (found->end < want.end ? found->end : want.end) - (found->begin > want.begin ? found->begin : want.begin);
        bool mine = value->maker ? found->kernel == value->maker || found->root == root_of(value) || (value->maker->inner && is_within(found->kernel, value->maker))
                                 : is_given(c, value, found);
        if (!mine) complain(c, kernel, value, "reads what another kernel has overwritten:");
    }
    if (want.block >= PLAN_WORK && covered != want.end - want.begin) complain(c, kernel, value, "reads what is not written yet:");
}
/* Parts of a whole: the last of them, whichever it is, makes the whole. */
static bool part_written(Check *c, const PlanStore *store) {
    int i = 0;
    while (i < c->wholes.n && c->wholes.v[i].value != store->value) i++;
    if (i == c->wholes.n) vec_push(c->scratch, &c->wholes, ((Whole){store->value, 0}));
    i64 *written = &c->wholes.v[i].written;
    *written += store->node->type->count;
    if (*written < store->value->type->count) return false;
    *written = 0;
    return true;
}
static void check_kernel(Check *c, const PlanKernel *kernel) {
    PlanReads reads = plan_reads(c->scratch, kernel);
    c->time++;
    for (int i = 0; i < reads.n; i++) check_read(c, kernel, reads.v[i]);
    for (int i = 0; i < kernel->stores.n; i++) {
        const PlanStore *store = &kernel->stores.v[i];
        Paint to = extent_of(c, store->value);
        for (int k = 0; k < reads.n; k++) {
            Paint from = extent_of(c, reads.v[k]);
            if (!overlap(&to, &from)) continue;
            bool same = from.begin == to.begin && from.end == to.end;
            if (!same || !plan_in_place(kernel, reads.v[k])) complain(c, kernel, store->value, "overwrites what it still reads:");
        }
        to.kernel = kernel, to.root = root_of(store->value), to.time = c->time;
        if (!store->shifts || part_written(c, store)) paint(c, to);
    }
    const PlanValue *own[] = {kernel->scratch, kernel->maxima};
    for (int i = 0; i < COUNT_OF(own); i++) {
        if (!own[i]) continue;
        Paint to = extent_of(c, own[i]);
        to.kernel = kernel, to.root = root_of(own[i]), to.time = c->time;
        paint(c, to);
    }
}
static void check_body(Check *c, const PlanBody *body);
/* Another task finds nothing in its memory. */
static void forget_task(Check *c) {
    int n = 0;
    for (int i = 0; i < c->paints.n; i++)
        if (c->paints.v[i].block != PLAN_TASK) c->paints.v[n++] = c->paints.v[i];
    c->paints.n = n;
}
/* What the rounds left out would have written: the states before the last round. */
static void paint_states(Check *c, const PlanKernel *scan) {
    for (int i = 0; i < scan->anchor->at->carry; i++) {
        const PlanValue *state = scan->inner->params[i];
        if (!state->whole) continue;
        Paint p = extent_of(c, state);
        p.kernel = scan, p.root = root_of(state), p.time = c->time;
        paint(c, p);
    }
}
static void check_loop(Check *c, const PlanKernel *scan) {
    i64 length = scan->anchor->at->length, depth = scan->inner->depth, rounds[3] = {0, 1, length - 1};
    for (int i = 0; i < 3; i++) {
        if (i < 2 ? rounds[i] >= length : length <= 2) continue;
        c->round[depth] = rounds[i];
        if (i == 2) paint_states(c, scan);
        c->began[depth] = ++c->time;
        if (scan->parallel) forget_task(c);
        check_body(c, scan->inner);
    }
    PlanValue **results = nodemap_get(&scan->body->results, scan->anchor);
    for (int i = (int)scan->anchor->at->carry; i < scan->anchor->at->body->n_results; i++) {
        Paint whole = extent_of(c, results[i]);
        whole.kernel = scan, whole.root = root_of(results[i]), whole.time = c->time;
        paint(c, whole);
    }
}
static void check_body(Check *c, const PlanBody *body) {
    for (int i = 0; i < body->kernels.n && !c->wrong; i++) {
        const PlanKernel *kernel = body->kernels.v[i];
        if (kernel->inner) check_loop(c, kernel);
        else check_kernel(c, kernel);
    }
}
const char *plan_check(Arena *scratch, const Plan *plan) {
    for (int e = 0; e < plan->entries.n; e++) {
        Check c = {.scratch = scratch};
        check_body(&c, plan->entries.v[e]->body);
        if (c.wrong) return arena_printf(scratch, "%s: %s", plan->entries.v[e]->name, c.wrong);
    }
    return NULL;
}

/* home.c: results of a body to where they must be in the end: leaves that are replaced, outputs, a loop's carried values and ys.
**
** A result is made in its home when that is safe, else made in work memory and copied at the end of the body. A home that a
** parameter shares (a leaf, a carried value) is safe if every reader of the parameter comes before the maker, or is the maker and
** reads each element before it writes it. */
#include "planner.h"
#include "../base/map.h"

/* The result that the node is, counting only the first; -1: none. */
static int result_of(const PlanBody *body, const Node *node, int index) {
    for (int i = 0; i < body->func->n_results; i++) {
        const Node *r = body->func->results[i];
        if (index < 0 ? r == node : r->op == OP_get && r->args[0] == node && r->at->index == index) return i;
    }
    return -1;
}
PlanValue *home_early(const PlanBody *body, const Homes *homes, const Node *node, int index) {
    int i = result_of(body, node, index);
    return i >= 0 && !homes->shared[i] ? homes->v[i] : NULL;
}

/* Who reads a place: by place of the whole, kernels of the body in order; a loop stands for what is inside it. */
typedef struct Readers {
    VEC(int) at; /* places in body->kernels */
} Readers;
typedef struct Settling {
    Planner *p;
    PlanBody *body;
    const Homes *homes;
    Map readers; /* key of place_key -> Readers */
    VEC(PlanKernel *) first, last; /* copies to stand before and behind all others; last: with their results */
    VEC(int) last_result;
} Settling;

static u64 place_key(const PlanValue *value) {
    while (value->whole) value = value->whole;
    if (value->place.area) return map_key(value->place.area);
    return ((u64)value->place.block + 1) << 56 | (u64)value->place.offset;
}
static void note_reads(Settling *s, const PlanKernel *kernel, int at) {
    PlanReads reads = plan_reads(s->p->scratch, kernel);
    for (int i = 0; i < reads.n; i++) {
        u64 key = place_key(reads.v[i]);
        Readers *readers = map_get(&s->readers, key);
        if (!readers) map_set(&s->readers, key, readers = ARENA_NEW(s->p->scratch, Readers));
        if (!readers->at.n || readers->at.v[readers->at.n - 1] != at) vec_push(s->p->scratch, &readers->at, at);
    }
    for (int i = 0; kernel->inner && i < kernel->inner->kernels.n; i++) note_reads(s, kernel->inner->kernels.v[i], at);
}
/* Whether the maker of a result, which is at `made_at`, may write into `home`, which holds a parameter until then. */
static bool may_move(const Settling *s, const PlanKernel *maker, int made_at, const PlanValue *home) {
    const Readers *readers = map_get(&s->readers, place_key(home));
    for (int i = 0; readers && i < readers->at.n; i++) {
        if (readers->at.v[i] > made_at) return false;
        if (readers->at.v[i] == made_at && !plan_in_place(maker, home)) return false;
    }
    return true;
}
/* A result that was made in this body as a whole, in memory of its own: it can be made elsewhere. */
static bool is_movable(const PlanBody *body, const PlanValue *value) {
    return value && value->maker && value->maker->body == body && value->maker->kind != PLAN_SCAN &&
           !value->whole && !(value->apart && value->sliced) && value->place.block == PLAN_WORK && value->place.area->body == body;
}

static PlanKernel *copy_new(Settling *s, const Node *node, PlanValue *to) {
    PlanKernel *kernel = ARENA_NEW(s->p->arena, PlanKernel);
    *kernel = (PlanKernel){.kind = PLAN_MAP, .body = s->body, .row = -1};
    kernel_store(s->p, kernel, node, to);
    return kernel;
}
static void copy_last(Settling *s, int i) {
    vec_push(s->p->scratch, &s->last, copy_new(s, s->body->func->results[i], s->homes->v[i]));
    vec_push(s->p->scratch, &s->last_result, i);
}
/* Of parameters only, to where nobody reads: kept values of a loop, leaves shown. Done first, so that they hold up nothing. */
static bool copies_first(const Settling *s, const PlanKernel *copy, int result) {
    if (s->homes->shared[result]) return false;
    PlanReads reads = plan_reads(s->p->scratch, copy);
    for (int i = 0; i < reads.n; i++)
        if (reads.v[i]->maker && reads.v[i]->maker->body == s->body) return false;
    return true;
}
static void copy_result(Settling *s, int i) {
    PlanKernel *copy = copy_new(s, s->body->func->results[i], s->homes->v[i]);
    if (copies_first(s, copy, i)) vec_push(s->p->scratch, &s->first, copy);
    else copy_last(s, i);
}
/* A last copy that reads the home of another result, or its own out of order, reads it into memory of its own before all others. */
static void save_source(Settling *s, int k) {
    PlanReads reads = plan_reads(s->p->scratch, s->last.v[k]);
    bool hazard = false;
    for (int r = 0; r < reads.n && !hazard; r++)
        for (int i = 0; i < s->body->func->n_results && !hazard; i++) {
            if (!s->homes->shared[i] || !plan_same_whole(reads.v[r], s->homes->v[i])) continue;
            hazard = i != s->last_result.v[k] || !plan_in_place(s->last.v[k], reads.v[r]);
        }
    if (!hazard) return;
    PlanStore *store = &s->last.v[k]->stores.v[0];
    PlanValue *saved = value_in_work(s->p, s->body, store->node->type);
    PlanKernel *save = copy_new(s, store->node, saved);
    saved->maker = save;
    store->from = saved;
    vec_push(s->p->arena, &s->body->kernels, save);
}

/* The same node, to the same place, as a result before: a state of a loop that is also stacked. */
static bool brought_already(const PlanBody *body, const Homes *homes, int i) {
    for (int k = 0; k < i; k++)
        if (body->func->results[k] == body->func->results[i] && plan_same_place(homes->v[k], homes->v[i])) return true;
    return false;
}

void homes_settle(Planner *p, PlanBody *body, const Homes *homes) {
    Settling s = {.p = p, .body = body, .homes = homes, .readers = {.arena = p->scratch}};
    int n = body->func->n_results;
    bool *moves = ARENA_ARRAY(p->scratch, bool, n);
    Map made_at = {.arena = p->scratch}; /* kernel -> its place + 1 */
    for (int i = 0; i < body->kernels.n; i++) {
        note_reads(&s, body->kernels.v[i], i);
        map_set_ptr(&made_at, body->kernels.v[i], (void *)(intptr_t)(i + 1));
    }
    for (int i = 0; i < n; i++) {
        const Node *node = body->func->results[i];
        PlanValue *value = plan_value(body, node);
        if (value && plan_same_place(value, homes->v[i])) continue;
        if (brought_already(body, homes, i)) continue;
        moves[i] = homes->shared[i] && is_movable(body, value) && result_of(body, node, -1) == i;
        if (!moves[i]) copy_result(&s, i);
    }
    for (int k = 0; k < s.last.n; k++) note_reads(&s, s.last.v[k], body->kernels.n);
    for (int i = 0; i < n; i++) {
        if (!moves[i]) continue;
        PlanValue *value = plan_value(body, body->func->results[i]);
        if (!may_move(&s, value->maker, (int)(intptr_t)map_get_ptr(&made_at, value->maker) - 1, homes->v[i])) {
            copy_last(&s, i);
            continue;
        }
        value->whole = homes->v[i];
        value->place = (PlanPlace){0};
    }
    for (int k = 0; k < s.last.n; k++) save_source(&s, k);
    VEC(PlanKernel *) all = {0};
    for (int i = 0; i < s.first.n; i++) vec_push(p->arena, &all, s.first.v[i]);
    for (int i = 0; i < body->kernels.n; i++) vec_push(p->arena, &all, body->kernels.v[i]);
    for (int i = 0; i < s.last.n; i++) vec_push(p->arena, &all, s.last.v[i]);
    memcpy(&body->kernels, &all, sizeof all);
}

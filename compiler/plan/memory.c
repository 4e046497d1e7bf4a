/* memory.c: the linear order of an entry's kernels, the life of every area of work memory, and its offset.
**
** A scan begins at one number, its body's kernels follow, it ends at another. What a body's kernels touch of their own body lives from
** first to last touch; what belongs to a body further out lives from the beginning to the end of the loop in that body: it must
** outlive all rounds. Offsets: areas from the largest down, each at the lowest place free during its life. */
#include "planner.h"
#include <stdlib.h>

/* ---- lives */

static int number(PlanBody *body, int time) {
    for (int i = 0; i < body->kernels.n; i++) {
        PlanKernel *kernel = body->kernels.v[i];
        kernel->time = kernel->end = time++;
        if (!kernel->inner) continue;
        time = number(kernel->inner, time);
        kernel->end = time++;
    }
    return time;
}
static void touch(PlanArea *area, int first, int last) {
    if (area->first < 0 || first < area->first) area->first = first;
    if (last > area->last) area->last = last;
}
/* `loops`: the scans around the kernel, outermost first, [depth of its body]. */
static void touch_value(const PlanValue *value, const PlanKernel *kernel, PlanKernel *const *loops) {
    PlanArea *area = plan_place(value).area;
    if (!area) return;
    const PlanKernel *at = area->body->depth < kernel->body->depth ? loops[area->body->depth] : kernel;
    touch(area, at->time, at->end);
}
static void touch_body(Planner *p, PlanBody *body, PlanKernel **loops) {
    for (int i = 0; i < body->kernels.n; i++) {
        PlanKernel *kernel = body->kernels.v[i];
        PlanReads reads = plan_reads(p->scratch, kernel);
        for (int k = 0; k < reads.n; k++) touch_value(reads.v[k], kernel, loops);
        for (int k = 0; k < kernel->stores.n; k++) touch_value(kernel->stores.v[k].value, kernel, loops);
        if (kernel->scratch) touch_value(kernel->scratch, kernel, loops);
        if (kernel->maxima) touch_value(kernel->maxima, kernel, loops);
        if (!kernel->inner) continue;
        loops[body->depth] = kernel;
        touch_body(p, kernel->inner, loops);
    }
}

/* ---- results over operands that die */

static bool is_whole_area(const PlanValue *value) { return !value->whole && value->place.area && value->place.offset == 0; }
/* An operand that dies in the kernel, as large as the result, each element read before the result's is written; NULL: none. */
static PlanArea *dying_operand(const PlanKernel *kernel, const PlanReads *reads, const PlanValue *result) {
    for (int i = 0; i < reads->n; i++) {
        const PlanValue *x = reads->v[i];
        if (!is_whole_area(x) || x->type->dtype != result->type->dtype || x->type->count != result->type->count) continue;
        if (plan_elements(x) != plan_elements(result) || plan_pitch(x) != plan_pitch(result)) continue;
        PlanArea *area = plan_place(x).area;
        if (area->body != kernel->body || area->last != kernel->time || area == result->place.area) continue;
        if (plan_in_place(kernel, x)) return area;
    }
    return NULL;
}
static void take_over(Planner *p, PlanBody *body) {
    for (int i = 0; i < body->kernels.n; i++) {
        PlanKernel *kernel = body->kernels.v[i];
        if (kernel->inner) take_over(p, kernel->inner);
        if (kernel->inner || !p->plan->options.level) continue;
        PlanReads reads = plan_reads(p->scratch, kernel);
        for (int k = 0; k < kernel->stores.n; k++) {
            const PlanValue *result = kernel->stores.v[k].value;
            if (kernel->stores.v[k].shifts || !is_whole_area(result) || result->maker != kernel) continue;
            PlanArea *own = result->place.area, *area = own->over || own->first != kernel->time ? NULL : dying_operand(kernel, &reads, result);
            if (!area) continue;
            own->over = area;
            area->last = own->last;
        }
    }
}

/* ---- offsets */

static int larger_first(const void *x, const void *y) {
    const PlanArea *a = *(PlanArea *const *)x, *b = *(PlanArea *const *)y;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a->first != b->first ? (a->first < b->first ? -1 : 1) : a->last < b->last ? -1 : a->last > b->last;
}
static i64 rounded(i64 bytes) { return (bytes + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN; }
static int by_offset(const void *x, const void *y) {
    const PlanArea *a = *(PlanArea *const *)x, *b = *(PlanArea *const *)y;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}
/* The lowest place that none of the areas (sorted by offset) alive at the same time takes. */
static i64 lowest_free(int n, PlanArea *const *placed, const PlanArea *area) {
    i64 offset = 0;
    for (int i = 0; i < n; i++) {
        const PlanArea *other = placed[i];
        if (other->last < area->first || area->last < other->first) continue;
        if (other->offset >= offset + rounded(area->bytes)) break;
        i64 end = other->offset + rounded(other->bytes);
        if (end > offset) offset = end;
    }
    return offset;
}
static void insert_by_offset(int n, PlanArea **placed, PlanArea *area) {
    int at = n;
    while (at > 0 && by_offset(&placed[at - 1], &area) > 0) placed[at] = placed[at - 1], at--;
    placed[at] = area;
}
void memory_assign(Planner *p) {
    PlanEntry *entry = p->entry;
    entry->n_times = number(entry->body, 0);
    PlanKernel *loops[PLAN_DEPTH + 1];
    touch_body(p, entry->body, loops);
    take_over(p, entry->body);
    VEC(PlanArea *) used = {0};
    for (int i = 0; i < entry->areas.n; i++)
        if (entry->areas.v[i]->first >= 0 && !entry->areas.v[i]->over) vec_push(p->scratch, &used, entry->areas.v[i]);
    if (used.n) qsort(used.v, (size_t)used.n, sizeof *used.v, larger_first);
    PlanArea **placed = ARENA_ARRAY(p->scratch, PlanArea *, used.n);
    for (int i = 0; i < used.n; i++) {
        PlanArea *area = used.v[i];
        area->offset = lowest_free(i, placed, area);
        insert_by_offset(i, placed, area);
        if (area->offset + rounded(area->bytes) > entry->work) entry->work = area->offset + rounded(area->bytes);
    }
}

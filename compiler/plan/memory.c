/* memory.c: the linear order of an entry's kernels, the life of every area of work memory, and its offset.
**
** A scan begins at one number, its body's kernels follow, it ends at another. What a body's kernels touch of their own body lives from
** first to last touch; what belongs to a body further out lives from the beginning to the end of the loop in that body: it must
** outlive all rounds. Offsets: areas from the largest down, each at the lowest place free during its life. */
#include "planner.h"
#include <stdlib.h>

enum { TASK_BYTES = 256 << 10 }; /* on the stack of a thread; and tasks gain by what stays in its cache */

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
/* Offsets of all areas in work memory, or in task memory. Gives the bytes of it. */
static i64 place_all(Planner *p, bool of_task) {
    VEC(PlanArea *) used = {0};
    i64 end = 0;
    for (int i = 0; i < p->entry->areas.n; i++) {
        PlanArea *area = p->entry->areas.v[i];
        if (area->first >= 0 && !area->over && area->of_task == of_task) vec_push(p->scratch, &used, area);
    }
    if (used.n) qsort(used.v, (size_t)used.n, sizeof *used.v, larger_first);
    PlanArea **placed = ARENA_ARRAY(p->scratch, PlanArea *, used.n);
    for (int i = 0; i < used.n; i++) {
        PlanArea *area = used.v[i];
        area->offset = lowest_free(i, placed, area);
        insert_by_offset(i, placed, area);
        if (area->offset + rounded(area->bytes) > end) end = area->offset + rounded(area->bytes);
    }
    return end;
}

/* ---- tasks */

/* The loop around the body whose rounds are tasks; NULL: none. */
static PlanKernel *tasks_around(const PlanEntry *entry, const PlanBody *body) {
    while (body->depth > 1) body = body->outer;
    for (int i = 0; i < entry->body->kernels.n && body->depth; i++)
        if (entry->body->kernels.v[i]->inner == body && entry->body->kernels.v[i]->parallel) return entry->body->kernels.v[i];
    return NULL;
}
/* Tasks need memory of their own, on the stack. Inside them nothing is shared out. */
static void tasks_place(Planner *p) {
    PlanEntry *entry = p->entry;
    KernelList all = {0};
    for (int i = 0; i < entry->areas.n; i++) entry->areas.v[i]->of_task = tasks_around(entry, entry->areas.v[i]->body) != NULL;
    entry->task = place_all(p, true);
    bool fits = entry->task <= TASK_BYTES;
    kernels_in_order(p->scratch, entry->body, &all);
    for (int i = 0; i < all.n; i++)
        if (fits && all.v[i]->body->depth && tasks_around(entry, all.v[i]->body)) all.v[i]->parallel = false;
    if (fits) return;
    entry->task = 0;
    for (int i = 0; i < entry->areas.n; i++) entry->areas.v[i]->of_task = false;
    for (int i = 0; i < all.n; i++)
        if (all.v[i]->inner) all.v[i]->parallel = false;
}
void memory_assign(Planner *p) {
    PlanEntry *entry = p->entry;
    entry->n_times = number(entry->body, 0);
    PlanKernel *loops[PLAN_DEPTH + 1];
    touch_body(p, entry->body, loops);
    take_over(p, entry->body);
    tasks_place(p);
    entry->work = place_all(p, false);
}

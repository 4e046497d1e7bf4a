/* plan_print.c: a plan as text, for --emit=plan and goldens: kernels in order, what each reads and writes and where that lies. */
#include "plan.h"

static const char *const BLOCKS[] = {"call", "lasting", "batch", "averages", "hypers", "in", "out", "work", "task"};
static const char *const KINDS[] = {"map", "reduce", "rows", "columns", "put", "top", "scan"};

static void print_place(Text *out, const PlanValue *value) {
    PlanPlace place = plan_place(value);
    i64 offset = place.offset + (place.area ? place.area->offset : 0);
    text_printf(out, "%s+%lld", BLOCKS[place.block], (long long)offset);
    for (int i = 0; i < place.n_steps; i++)
        text_printf(out, "%+lld*t%d", (long long)place.steps[i].bytes, place.steps[i].depth);
    text_add(out, ": ");
    type_print(out, value->type);
}
static void print_store(Text *out, const PlanStore *s) {
    int rank = s->node->type->rank;
    text_printf(out, " %s", s->from ? "saved" : op_name(s->node->op));
    for (int k = 0; s->shifts && k < rank; k++) text_printf(out, "%s%lld%s", k ? " " : " at (", (long long)s->shifts[k], k + 1 < rank ? "" : ")");
    text_add(out, " -> ");
    print_place(out, s->value);
}
/* Kind, anchor, then the values stored by their operators, and from where it reads. Numbers of nodes would move with anything. */
static void print_kernel(Text *out, const PlanKernel *kernel) {
    Arena *scratch = arena_new("printing a plan");
    text_printf(out, "%s", KINDS[kernel->kind]);
    if (kernel->anchor) text_printf(out, " %s", op_name(kernel->anchor->op));
    if (kernel->anchors.n > 1) text_printf(out, " and %d more", kernel->anchors.n - 1);
    if (kernel->parallel) text_add(out, " parallel");
    text_add(out, ":");
    for (int i = 0; i < kernel->stores.n; i++) {
        text_add(out, i ? "," : "");
        print_store(out, &kernel->stores.v[i]);
    }
    PlanReads reads = plan_reads(scratch, kernel);
    for (int i = 0; i < reads.n; i++) {
        text_add(out, i ? ", " : " <- ");
        print_place(out, reads.v[i]);
    }
    text_add(out, "\n");
    arena_free(scratch);
}
static void print_body(Text *out, const PlanBody *body, int depth) {
    for (int i = 0; i < body->kernels.n; i++) {
        const PlanKernel *kernel = body->kernels.v[i];
        for (int k = 0; k < depth; k++) text_add(out, "  ");
        if (!kernel->inner) {
            print_kernel(out, kernel);
            continue;
        }
        const Attrs *at = kernel->anchor->at;
        text_printf(out, "scan t%d of %lld%s%s {\n", kernel->inner->depth, (long long)at->length, at->reverse ? " reverse" : "", kernel->parallel ? " parallel" : "");
        print_body(out, kernel->inner, depth + 1);
        for (int k = 0; k < depth; k++) text_add(out, "  ");
        text_add(out, "}\n");
    }
}
void plan_print(Text *out, const Plan *plan) {
    for (int i = 0; i < plan->entries.n; i++) {
        const PlanEntry *entry = plan->entries.v[i];
        text_printf(out, "%s: %lld bytes of work, %.0f operations\n", entry->name, (long long)entry->work, entry->operations);
        print_body(out, entry->body, 1);
    }
}

/* cost.c: what a kernel does: floating-point operations, bytes moved, its row in the table of kernels, whether threads pay. */
#include "planner.h"

/* Work in nanoseconds of one core below which a kernel is not shared out, nor any of an entry: what a thread wrote comes to another
** by line after line, which costs more than handing out the tasks. And the speeds it is estimated with. */
#define SHARED_NS 4000.0
#define SHARED_ENTRY_NS 20000.0
#define PRODUCTS_PER_NS 200.0
#define MAPS_PER_NS 25.0
#define BYTES_PER_NS 40.0
/* Rounds of a loop are tasks where its kernels are shorter than LONG_NS: longer ones are better shared out one by one. */
#define LONG_NS 30000.0

static double product(const Type *type, List axes) {
    double n = 1;
    for (int i = 0; i < axes.n; i++) n *= (double)type->dims[axes.v[i]];
    return n;
}
/* Of one node alone. */
static double node_operations(const Node *node) {
    switch (op_loop_class(node->op)) {
    case LOOP_map:
        if (node->op == OP_random) return 60.0 * (double)node->type->count;
        return (op_is_transcendental(node->op) ? 16.0 : 1.0) * (double)node->type->count;
    case LOOP_anchor:
        if (node->op == OP_dot) return 2.0 * (double)node->type->count * product(node->args[0]->type, node->at->lc);
        if (node->op == OP_top) return (double)node->args[0]->type->count * (node->at->count == 1 ? 1.0 : (double)node->args[0]->type->dims[node->args[0]->type->rank - 1]);
        return node->op == OP_take ? 0.0 : (double)node->args[0]->type->count;
    case LOOP_leaf:
    case LOOP_view:
    case LOOP_loop:
    case LOOP_erased: break;
    }
    return 0;
}
/* Of the nodes that the kernel computes: a walk from its stores to what others stored. */
typedef struct Inside {
    const PlanKernel *kernel;
} Inside;
static bool is_outside(void *context, const Node *node) {
    const PlanKernel *kernel = ((Inside *)context)->kernel;
    if (node->op == OP_arg || node->op == OP_scan) return true;
    const PlanValue *value = plan_value(kernel->body, node);
    return value && value->maker != kernel;
}
static double kernel_operations(Arena *scratch, const PlanKernel *kernel, double *ns) {
    double sum = 0;
    VEC(Node *) roots = {0};
    for (int i = 0; i < kernel->stores.n; i++)
        if (!kernel->stores.v[i].from) vec_push(scratch, &roots, (Node *)kernel->stores.v[i].node);
    Inside inside = {kernel};
    NodeList nodes = order_walk_until(scratch, roots.v, roots.n, is_outside, &inside);
    for (int i = 0; i < nodes.n; i++)
        if (!is_outside(&inside, nodes.v[i])) {
            double operations = node_operations(nodes.v[i]);
            sum += operations;
            *ns += operations / (nodes.v[i]->op == OP_dot ? PRODUCTS_PER_NS : MAPS_PER_NS);
        }
    return sum;
}
static double kernel_bytes(Arena *scratch, const PlanKernel *kernel) {
    double sum = 0;
    PlanReads reads = plan_reads(scratch, kernel);
    for (int i = 0; i < reads.n; i++) sum += (double)type_bytes(reads.v[i]->type);
    for (int i = 0; i < kernel->stores.n; i++) sum += (double)type_bytes(kernel->stores.v[i].node->type);
    return sum;
}

static const char *kernel_name(Planner *p, const PlanKernel *kernel, const Origin *origin) {
    const Node *node = kernel->anchor ? kernel->anchor : kernel->stores.v[0].node;
    const PlanValue *stored = plan_value(kernel->body, node);
    bool copies = !kernel->anchor && (kernel->stores.v[0].from || is_addressing(node) || (stored && stored->maker != kernel));
    const char *what = origin && origin->what ? origin->what : "";
    return arena_printf(p->arena, "%s%s%s", copies ? "copy" : op_name(node->op), what[0] ? " " : "", what);
}
static void add_row(Planner *p, PlanKernel *kernel, double rounds) {
    const Node *node = kernel->anchor ? kernel->anchor : kernel->stores.v[0].node;
    const Origin *origin = node->origin;
    nn_kernel row = {.name = kernel_name(p, kernel, origin)};
    if (origin && origin->span.source && !origin->span.source->library) row.line = span_line(origin->span);
    row.operations = (float)(kernel->operations * rounds);
    row.bytes = (float)(kernel->bytes * rounds);
    kernel->row = p->plan->rows.n;
    vec_push(p->plan->arena, &p->plan->rows, row);
    p->entry->operations += kernel->operations * rounds;
}
static double rounds_of(const PlanBody *body) {
    double rounds = 1;
    for (; body->scan; body = body->outer) rounds *= (double)body->scan->at->length;
    return rounds;
}
/* Rounds that know nothing of each other, together worth threads, of kernels too short for them. */
static bool is_of_tasks(Planner *p, const PlanKernel *scan) {
    const Attrs *at = scan->anchor->at;
    if (at->carry || at->length < 2) return false;
    if (p->plan->options.share) return true;
    KernelList inside = {0};
    double together = 0;
    kernels_in_order(p->scratch, scan->inner, &inside);
    for (int i = 0; i < inside.n; i++) {
        if (inside.v[i]->nanoseconds > LONG_NS) return false;
        if (!inside.v[i]->inner) together += inside.v[i]->nanoseconds * rounds_of(inside.v[i]->body);
    }
    return together > SHARED_ENTRY_NS;
}
void cost_rows(Planner *p) {
    KernelList all = {0};
    double together = 0;
    kernels_in_order(p->scratch, p->entry->body, &all);
    p->entry->first_row = p->plan->rows.n;
    for (int i = 0; i < all.n; i++) {
        PlanKernel *kernel = all.v[i];
        if (kernel->inner) continue;
        double ns = 0, rounds = rounds_of(kernel->body);
        kernel->operations = kernel_operations(p->scratch, kernel, &ns);
        kernel->bytes = kernel_bytes(p->scratch, kernel);
        ns += kernel->bytes / BYTES_PER_NS;
        kernel->nanoseconds = ns;
        kernel->parallel = ns > SHARED_NS;
        together += ns * rounds;
        add_row(p, kernel, rounds);
    }
    for (int i = 0; i < all.n; i++)
        if (!all.v[i]->inner) all.v[i]->parallel = p->plan->options.share || (all.v[i]->parallel && together > SHARED_ENTRY_NS);
    p->entry->n_rows = p->plan->rows.n - p->entry->first_row;
    for (int i = 0; i < p->entry->body->kernels.n; i++) {
        PlanKernel *scan = p->entry->body->kernels.v[i];
        if (scan->inner && is_of_tasks(p, scan)) scan->parallel = true;
    }
}

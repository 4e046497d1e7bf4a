/* lower_maxima.c: the largest, over all elements, of what follows a product: found while the elements are finished, so that an optimizer's
** update and the largest gradient beside it need no pass of their own.
**
** A maximum has no order. Each task keeps 16 of each anchor in its part of `maxima`; when all tasks are done they become one. */
#include "lower.h"

bool is_maximum(const PlanKernel *kernel, const Node *node) {
    if (kernel->kind != PLAN_REDUCE) return false;
    for (int i = 0; i < kernel->anchors.n; i++)
        if (kernel->anchors.v[i] == node) return true;
    return false;
}
static const LoopFor *task_around(const Lower *w) {
    for (int i = 0; i < w->b.open.n; i++)
        if (w->b.open.v[i]->kind == STATEMENT_for && w->b.open.v[i]->loop->kind == FOR_PARALLEL) return w->b.open.v[i]->loop;
    return NULL;
}
static LoopAffine place_of(const Lower *w, const LoopFor *task, int i) {
    LoopAffine at = affine(i * LANES);
    nnc_check(!task || task->extent <= TASKS, "a product in %lld tasks", task ? (long long)task->extent : 0);
    return task ? affine_loop(at, task, w->kernel->anchors.n * LANES) : at;
}
/* The memory holds reals, accumulators may be their integers. */
static LoopValue *as_elem(Lower *w, LoopValue *x, LoopElem elem) { return x->type.elem == elem ? x : loop_op(&w->b, LOP_bits, x); }
static LoopElem memory_elem(const Lower *w) { return elem_of_dtype(w->kernel->maxima->type->dtype); }

static void part_store(Lower *w, const LoopFor *task, int i, LoopValue *x) {
    loop_store(&w->b, buffer_of(w, w->kernel->maxima, true), place_of(w, task, i), as_elem(w, x, memory_elem(w)));
}
static LoopValue *part_load(Lower *w, const LoopFor *task, int i) {
    LoopElem elem = fold_begin(w, w->kernel->anchors.v[i])->type.elem;
    return as_elem(w, loop_load_lanes(&w->b, buffer_of(w, w->kernel->maxima, false), place_of(w, task, i), 1), elem);
}
/* All parts are there from the start, as tasks may be fewer than there may be. */
void maxima_begin(Lower *w) {
    const PlanKernel *kernel = w->kernel;
    if (!kernel->anchors.n) return;
    LoopFor *task = loop_for(&w->b, FOR_SERIAL, kernel->parallel ? TASKS : 1, 1, 0, NULL);
    for (int i = 0; i < kernel->anchors.n; i++) part_store(w, task, i, loop_splat(&w->b, fold_begin(w, kernel->anchors.v[i])));
    loop_for_end(&w->b, NULL);
    loop_sync(&w->b);
}
LoopValue **maxima_load(Lower *w) {
    int n = w->kernel->anchors.n;
    LoopValue **acc = ARENA_ARRAY(w->arena, LoopValue *, n + 1);
    for (int i = 0; i < n; i++) acc[i] = w->trial ? loop_splat(&w->b, fold_begin(w, w->kernel->anchors.v[i])) : part_load(w, task_around(w), i);
    return acc;
}
void maxima_take(Lower *w, LoopValue **acc, const Index *index) {
    for (int i = 0; i < w->kernel->anchors.n; i++) {
        const Node *anchor = w->kernel->anchors.v[i];
        acc[i] = fold_step(w, anchor, acc[i], only_active(w, anchor, node_at(w, w->kernel->body, anchor->args[0], index)));
    }
}
static void maximum_store(Lower *w, const Node *anchor, LoopValue *x) {
    const PlanKernel *kernel = w->kernel;
    for (int i = 0; i < kernel->stores.n; i++)
        if (kernel->stores.v[i].node == anchor) store_at(w, &kernel->stores.v[i], index_new(w, 0), x);
}
void maxima_keep(Lower *w, LoopValue *const *acc) {
    for (int i = 0; i < w->kernel->anchors.n; i++) {
        if (w->trial) buffer_of(w, w->kernel->maxima, true), maximum_store(w, w->kernel->anchors.v[i], NULL);
        else part_store(w, task_around(w), i, acc[i]);
    }
}
void maxima_end(Lower *w) {
    const PlanKernel *kernel = w->kernel;
    int n = kernel->anchors.n;
    if (!n) return;
    loop_sync(&w->b);
    LoopValue **acc = ARENA_ARRAY(w->arena, LoopValue *, n);
    for (int i = 0; i < n; i++) acc[i] = loop_splat(&w->b, fold_begin(w, kernel->anchors.v[i]));
    LoopFor *task = loop_for(&w->b, FOR_SERIAL, kernel->parallel ? TASKS : 1, 1, n, acc);
    for (int i = 0; i < n; i++) acc[i] = loop_op(&w->b, LOP_max, task->acc[i], part_load(w, task, i));
    loop_for_end(&w->b, acc);
    for (int i = 0; i < n; i++) maximum_store(w, kernel->anchors.v[i], fold_end(w, kernel->anchors.v[i], task->results[i], true));
}

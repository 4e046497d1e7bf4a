/* lower_cols.c: sums over all axes but some last ones, in chains, with the maps of the same elements: element by element in the order of
** the sum, several vectors of columns beside each other, so that memory is walked in its own order.
**
** The accumulators of all sums and vectors stay in registers; vectors are cells. With a cut each block is a task that leaves its sums in
** scratch [sum][block][columns]; pairs are added when all are there. Then maps of the sums, and what is stored of them. */
#include "lower.h"

enum { CELLS = 64 };

typedef struct Cols {
    const PlanKernel *kernel;
    const Node *like;            /* one of the sums: their axes and cut */
    int dim_of[RANK_MAX];        /* of an axis of the full shape */
    int n_result;
    int cut_dim, block_dim;      /* -1: not cut */
    i64 length, n_blocks;
    int lanes;                   /* group of columns that goes by lanes; -1: there is one column */
    i64 vectors, chunk;          /* of that group: all, and side by side */
} Cols;

static bool folds(const Node *sum, int axis) {
    for (int i = 0; i < sum->at->axes.n; i++)
        if (sum->at->axes.v[i] == axis) return true;
    return false;
}
static void make_dims(Lower *w, Cols *c) {
    const Type *full = c->kernel->full;
    c->cut_dim = c->block_dim = -1;
    for (int i = 0; i < full->rank; i++)
        if (!folds(c->like, i)) c->dim_of[i] = axes_dim(w, full->dims[i], AXIS_RESULT), c->n_result++;
    for (int i = 0; i < full->rank; i++) {
        if (!folds(c->like, i)) continue;
        bool cut = c->like->at->cut > 1 && c->like->at->cut_axis == i;
        i64 extent = full->dims[i];
        if (cut) {
            c->length = (extent + c->like->at->cut - 1) / c->like->at->cut;
            c->n_blocks = (extent + c->length - 1) / c->length;
            extent = c->length;
        }
        c->dim_of[i] = axes_dim(w, extent, AXIS_FOLD);
        if (!cut) continue;
        c->cut_dim = c->dim_of[i];
        w->dims.v[c->cut_dim].whole = w->dims.v[c->cut_dim].alone = true;
    }
    if (c->cut_dim < 0) return;
    c->block_dim = axes_dim(w, c->n_blocks, AXIS_BLOCK);
    w->dims.v[c->block_dim].whole = w->dims.v[c->block_dim].alone = true;
}
static Index *full_index(Lower *w, const Cols *c) {
    Index *index = index_new(w, c->kernel->full->rank);
    for (int i = 0; i < index->n; i++) {
        index->at[i] = axes_coordinate(w, c->dim_of[i]);
        if (c->dim_of[i] == c->cut_dim) index->at[i] = affine_plus(index->at[i], affine_times(axes_coordinate(w, c->block_dim), c->length));
    }
    return index;
}
/* The place of a result's element in one sum's part of one block of scratch. */
static LoopAffine scratch_place(Lower *w, const Cols *c, int sum, LoopAffine block) {
    const Type *result = c->like->type;
    LoopAffine at = affine(0);
    for (int i = 0; i < c->n_result; i++) at = affine_plus(affine_times(at, result->dims[i]), axes_coordinate(w, i));
    return affine_plus(affine_plus(at, affine_times(block, result->count)), affine(sum * c->like->at->cut * result->count));
}
static PlanStore scratch_store(const Cols *c) { return (PlanStore){c->like, c->kernel->scratch, NULL, NULL}; }
static Index *flat_index(Lower *w, LoopAffine at) {
    Index *index = index_new(w, 1);
    index->at[0] = at;
    return index;
}
static bool is_full(const Cols *c, const Node *node) { return node->type->rank == c->kernel->full->rank; }

/* ---- elements */

static void element(Lower *w, const Cols *c, LoopValue **acc) {
    const PlanKernel *kernel = c->kernel;
    const Index *index = full_index(w, c);
    for (int i = 0; i < kernel->anchors.n; i++) {
        LoopValue *x = node_at(w, kernel->body, kernel->anchors.v[i]->args[0], index);
        acc[i] = fold_step(w, kernel->anchors.v[i], acc[i], x);
    }
    for (int i = 0; i < kernel->stores.n; i++)
        if (is_full(c, kernel->stores.v[i].node)) node_at(w, kernel->body, kernel->stores.v[i].node, index);
    for (int i = 0; i < kernel->stores.n; i++) {
        const PlanStore *store = &kernel->stores.v[i];
        if (is_full(c, store->node)) store_at(w, store, index, node_at(w, kernel->body, store->node, index));
    }
}
/* A run of vectors side by side: which, where the first begins. */
typedef struct Run {
    const Cols *cols;
    LoopAffine first; /* vector */
    int n;
    int last_active;  /* lanes of the last one */
} Run;

static void bind_vector(Lower *w, const Run *run, int v) {
    const Cols *c = run->cols;
    w->cell = v + 1;
    w->active = 0;
    if (c->lanes < 0) return;
    group_bind(w, c->lanes, affine_times(affine_plus(run->first, affine(v)), LANES), true);
    w->active = v == run->n - 1 ? run->last_active : LANES;
}
static void unbind_vectors(Lower *w, const Run *run) {
    if (run->cols->lanes >= 0) group_unbind(w, run->cols->lanes);
    w->cell = w->active = 0;
}
static void fold_element(Lower *w, void *context, LoopValue **acc) {
    const Run *run = context;
    for (int v = 0; v < run->n; v++) {
        bind_vector(w, run, v);
        element(w, run->cols, acc + v * run->cols->kernel->anchors.n);
    }
    w->cell = w->active = 0;
}
static void run_sums(Lower *w, const Run *run, LoopValue **acc) {
    const Cols *c = run->cols;
    int n = c->kernel->anchors.n * run->n;
    for (int i = 0; i < n; i++) {
        acc[i] = literal_of(w, c->like->type->dtype, 0);
        if (c->lanes >= 0) acc[i] = loop_splat(&w->b, acc[i]);
    }
    nest_fold(w, -1, n, acc, fold_element, (void *)(uintptr_t)run);
}

/* ---- results */

/* Sums are there: maps of them, stores. */
static void finish_vector(Lower *w, const Cols *c, LoopValue *const *sums) {
    const PlanKernel *kernel = c->kernel;
    const Index *row = index_of_dims(w, 0, c->n_result);
    for (int i = 0; i < kernel->anchors.n; i++) know(w, kernel->body, kernel->anchors.v[i], row, sums[i]);
    for (int i = 0; i < kernel->stores.n; i++)
        if (!is_full(c, kernel->stores.v[i].node)) node_at(w, kernel->body, kernel->stores.v[i].node, row);
    for (int i = 0; i < kernel->stores.n; i++) {
        const PlanStore *store = &kernel->stores.v[i];
        if (!is_full(c, store->node)) store_at(w, store, row, node_at(w, kernel->body, store->node, row));
    }
}
static void finish_run(Lower *w, const Run *run, LoopValue **acc) {
    int n = run->cols->kernel->anchors.n;
    for (int v = 0; v < run->n; v++) {
        bind_vector(w, run, v);
        finish_vector(w, run->cols, acc + v * n);
    }
    unbind_vectors(w, run);
}
static void store_run(Lower *w, const Run *run, LoopValue **acc) {
    const Cols *c = run->cols;
    PlanStore store = scratch_store(c);
    for (int v = 0; v < run->n; v++) {
        bind_vector(w, run, v);
        for (int i = 0; i < c->kernel->anchors.n; i++)
            store_at(w, &store, flat_index(w, scratch_place(w, c, i, axes_coordinate(w, c->block_dim))), acc[v * c->kernel->anchors.n + i]);
    }
    unbind_vectors(w, run);
}

/* ---- all columns, of one block or of all */

typedef void RunEnd(Lower *w, const Run *run, LoopValue **acc);
typedef struct Walk {
    const Cols *cols;
    RunEnd *end;
    bool parallel;
} Walk;
static void one_run(Lower *w, const Walk *walk, LoopAffine first, int n, int last_active) {
    LoopValue *acc[CELLS];
    Run run = {walk->cols, first, n, last_active};
    int mark = known_mark(w);
    run_sums(w, &run, acc);
    walk->end(w, &run, acc);
    known_forget(w, mark);
}
static void all_runs(Lower *w, void *context) {
    const Walk *walk = context;
    const Cols *c = walk->cols;
    i64 extent = c->lanes < 0 ? 1 : w->groups.v[c->lanes].extent, chunks = c->vectors / c->chunk, rest = c->vectors % c->chunk;
    int last = c->lanes < 0 ? 0 : (int)((extent - 1) % LANES + 1), n_open;
    bool short_last = last && last < LANES;
    if (!rest && short_last) chunks--, rest = c->chunk; /* the chunk with the short vector is apart */
    if (chunks) {
        LoopFor *task;
        LoopAffine at = rounds_open(w, chunks, walk->parallel, 0, NULL, &n_open, &task);
        one_run(w, walk, affine_times(at, c->chunk), (int)c->chunk, c->lanes < 0 ? 0 : LANES);
        while (n_open--) loop_for_end(&w->b, NULL);
    }
    if (rest) one_run(w, walk, affine(chunks * c->chunk), (int)rest, last);
}
/* Outer columns as loops around. */
static void walk_columns(Lower *w, const Cols *c, RunEnd *end, bool parallel) {
    Walk walk = {c, end, parallel};
    bool outer = false;
    for (int g = 0; g < w->groups.n; g++) outer |= w->groups.v[g].class == AXIS_RESULT && g != c->lanes;
    if (outer) walk.parallel = false;
    nest_outer(w, AXIS_RESULT, c->lanes, parallel && outer, all_runs, &walk);
}

/* ---- cuts */

static void set_block(Lower *w, const Cols *c, LoopAffine block, i64 length) {
    for (int g = 0; g < w->groups.n; g++) {
        AxisGroup *group = &w->groups.v[g];
        if (group->class == AXIS_BLOCK) group->at = block, group->bound = true;
        if (w->atoms.v[group->first]->dim == c->cut_dim) group->extent = length;
    }
}
static void add_blocks(Lower *w, void *context) {
    const Cols *c = context;
    int cut = (int)c->like->at->cut, n = c->kernel->anchors.n;
    LoopValue **blocks = ARENA_ARRAY(w->arena, LoopValue *, cut), **sums = ARENA_ARRAY(w->arena, LoopValue *, n);
    for (int i = 0; i < n; i++) {
        for (int b = 0; b < cut; b++)
            blocks[b] = b < c->n_blocks ? load_at(w, c->kernel->scratch, flat_index(w, scratch_place(w, c, i, affine(b)))) : literal_of(w, c->like->type->dtype, 0);
        for (int left = cut / 2; left; left /= 2)
            for (int b = 0; b < left; b++) {
                LoopValue *pair[2] = {blocks[2 * b], blocks[2 * b + 1]};
                lanes_unify(w, 2, pair);
                blocks[b] = loop_apply(&w->b, LOP_add, pair);
            }
        sums[i] = blocks[0];
    }
    finish_vector(w, c, sums);
}
static void cut_columns(Lower *w, const Cols *c) {
    i64 extent = c->kernel->full->dims[c->like->at->cut_axis], whole = extent / c->length, rest = extent % c->length;
    if (whole) {
        LoopFor *loop = loop_for(&w->b, w->kernel->parallel ? FOR_PARALLEL : FOR_SERIAL, whole, 1, 0, NULL);
        set_block(w, c, affine_loop(affine(0), loop, 1), c->length);
        walk_columns(w, c, store_run, false);
        loop_for_end(&w->b, NULL);
    }
    if (rest) {
        set_block(w, c, affine(whole), rest);
        walk_columns(w, c, store_run, false);
    }
    loop_sync(&w->b);
    for (int g = 0; g < w->groups.n; g++) group_unbind(w, g);
    nest(w, AXIS_RESULT, c->lanes, false, add_blocks, (void *)(uintptr_t)c);
}

/* ---- the kernel */

static void cols_trial(Lower *w, void *context) {
    const Cols *c = context;
    LoopValue *acc[CELLS];
    for (int i = 0; i < c->kernel->anchors.n; i++) acc[i] = literal_of(w, c->like->type->dtype, 0);
    element(w, c, acc);
    if (c->block_dim >= 0) {
        PlanStore store = scratch_store(c);
        store_at(w, &store, flat_index(w, scratch_place(w, c, 0, axes_coordinate(w, c->block_dim))), NULL);
    }
    finish_vector(w, c, acc);
}
void lower_cols(Lower *w) {
    Cols c = {.kernel = w->kernel, .like = w->kernel->anchor};
    int n = w->kernel->anchors.n, registers = w->plan->options.vector_bits == 512 ? 24 : 6;
    nnc_check(n <= CELLS, "%d sums in one kernel", n);
    make_dims(w, &c);
    run_trial(w, cols_trial, &c);
    c.lanes = -1;
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_RESULT) c.lanes = g; /* the innermost */
    c.vectors = c.lanes < 0 ? 1 : (w->groups.v[c.lanes].extent + LANES - 1) / LANES;
    c.chunk = registers / n < 1 ? 1 : registers / n < 8 ? registers / n : 8;
    if (c.chunk > c.vectors) c.chunk = c.vectors;
    if (c.block_dim >= 0) cut_columns(w, &c);
    else walk_columns(w, &c, finish_run, w->kernel->parallel);
}

/* lower_nest.c: loops over the groups of an index space, with and without accumulators, by lanes and their last short vector. */
#include "lower.h"

enum {
    ROUNDS_WRITTEN = 9, /* of loops that fold, all together */
    WRAPPED_MOST = 8,   /* vectors that run over the ends of rows, written out */
    VECTORS_BESIDE = 4  /* of the innermost loop: chains of arithmetic run side by side */
};

void group_bind(Lower *w, int group, LoopAffine at, bool lanes) {
    AxisGroup *g = &w->groups.v[group];
    g->bound = true;
    g->at = at;
    g->lanes = lanes;
}
void group_unbind(Lower *w, int group) { w->groups.v[group].bound = false; }

/* ---- loops without accumulators */
typedef struct Nest {
    int n;
    int groups[RANK_MAX * 4]; /* outermost first, but for the one with lanes, and the one around it where they are walked as one */
    int lanes;
    bool wrapped;
    bool outer; /* `body` sees to the lanes itself */
    bool parallel;
    NestBody *body;
    void *context;
} Nest;

static void nest_from(Lower *w, const Nest *nest, int level);

LoopAffine rounds_open(Lower *w, i64 extent, bool parallel, int n, LoopValue **acc, int *n_open, LoopFor **task) {
    LoopFor *loop;
    *n_open = 1, *task = NULL;
    if (!parallel || extent == 1) {
        loop = loop_for(&w->b, FOR_SERIAL, extent, 1, n, acc);
        if (n) memcpy(acc, loop->acc, sizeof *acc * (size_t)n);
        return affine_loop(affine(0), loop, 1);
    }
    i64 each = (extent + TASKS - 1) / TASKS, tasks = (extent + each - 1) / each;
    *task = loop_for(&w->b, FOR_PARALLEL, tasks, 1, 0, NULL);
    LoopAffine at = affine_loop(affine(0), *task, each);
    if (each == 1 && !n) return at;
    *n_open = 2;
    LoopAffine left = affine_plus(affine(extent), affine_times(at, -1));
    loop = loop_for_within(&w->b, FOR_SERIAL, each, NULL, extent % each ? &left : NULL, n, acc);
    if (n) memcpy(acc, loop->acc, sizeof *acc * (size_t)n);
    return affine_loop(at, loop, 1);
}
static void close_rounds(Lower *w, int n_open) {
    while (n_open--) loop_for_end(&w->b, NULL);
}
static void run_lanes(Lower *w, const Nest *nest, LoopAffine at, int active) {
    int mark = known_mark(w);
    group_bind(w, nest->lanes, at, true);
    w->active = active;
    nest->body(w, nest->context);
    w->active = 0;
    group_unbind(w, nest->lanes);
    known_forget(w, mark);
}
static void nest_lanes(Lower *w, const Nest *nest, bool parallel) {
    i64 extent = w->groups.v[nest->lanes].extent, vectors = extent / LANES;
    int n_open;
    LoopFor *task;
    if (vectors > 1 && vectors <= VECTORS_BESIDE && nest->n && !parallel) {
        int mark = known_mark(w);
        LoopFor *loop = loop_for(&w->b, FOR_UNROLLED, vectors, 1, 0, NULL);
        run_lanes(w, nest, affine_loop(affine(0), loop, LANES), LANES);
        loop_for_end(&w->b, NULL);
        known_forget(w, mark);
    } else if (vectors) {
        int mark = known_mark(w);
        LoopAffine at = rounds_open(w, vectors, parallel, 0, NULL, &n_open, &task);
        run_lanes(w, nest, affine_times(at, LANES), LANES);
        close_rounds(w, n_open);
        known_forget(w, mark);
    }
    if (extent % LANES) run_lanes(w, nest, affine(vectors * LANES), (int)(extent % LANES));
}
/* Vectors of a row that is no multiple of 16: after so many rows one ends where a row ends. */
static i64 wrap_rows(i64 extent) {
    i64 rows = LANES;
    while (rows > 1 && rows / 2 * extent % LANES == 0) rows /= 2;
    return rows;
}
static void nest_rows(Lower *w, const Nest *nest, bool parallel) {
    int outer = nest->lanes - 1, n_open, mark = known_mark(w);
    i64 extent = w->groups.v[nest->lanes].extent, rows = wrap_rows(extent);
    LoopFor *task;
    LoopAffine first = affine_times(rounds_open(w, w->groups.v[outer].extent / rows, parallel, 0, NULL, &n_open, &task), rows);
    w->wrap_outer = outer, w->wrap_inner = nest->lanes;
    for (i64 at = 0; at < rows * extent; at += LANES) {
        i64 place = at % extent;
        group_bind(w, outer, affine_plus(first, affine(at / extent)), false);
        w->wrap = extent - place < LANES ? (int)(extent - place) : 0;
        run_lanes(w, nest, affine(place), LANES);
    }
    w->wrap = 0;
    group_unbind(w, outer);
    close_rounds(w, n_open);
    known_forget(w, mark);
}
static void nest_from(Lower *w, const Nest *nest, int level) {
    bool parallel = nest->parallel && level == 0;
    if (level == nest->n) {
        if (nest->wrapped) nest_rows(w, nest, parallel);
        else if (nest->lanes >= 0 && !nest->outer) nest_lanes(w, nest, parallel);
        else nest->body(w, nest->context);
        return;
    }
    int mark = known_mark(w), n_open;
    LoopFor *task;
    LoopAffine at = rounds_open(w, w->groups.v[nest->groups[level]].extent, parallel, 0, NULL, &n_open, &task);
    group_bind(w, nest->groups[level], at, false);
    nest_from(w, nest, level + 1);
    close_rounds(w, n_open);
    group_unbind(w, nest->groups[level]);
    known_forget(w, mark);
}
static void nest_all(Lower *w, AxisClass class, Nest n) {
    for (int i = 0; i < w->groups.n; i++)
        if (w->groups.v[i].class == class && i != n.lanes && !(n.wrapped && i == n.lanes - 1)) n.groups[n.n++] = i;
    nest_from(w, &n, 0);
}
void nest(Lower *w, AxisClass class, int lanes, bool parallel, NestBody *body, void *context) {
    nest_all(w, class, (Nest){.lanes = lanes, .parallel = parallel, .body = body, .context = context});
}
void nest_outer(Lower *w, AxisClass class, int inner, bool parallel, NestBody *body, void *context) {
    nest_all(w, class, (Nest){.lanes = inner, .outer = true, .parallel = parallel, .body = body, .context = context});
}

void nest_wrapped(Lower *w, AxisClass class, int inner, bool parallel, NestBody *body, void *context) {
    nest_all(w, class, (Nest){.lanes = inner, .wrapped = true, .parallel = parallel, .body = body, .context = context});
}

/* ---- loops with accumulators */
typedef struct Fold {
    int n_groups;
    int groups[RANK_MAX * 4];
    int lanes, n;
    FoldBody *body;
    void *context;
} Fold;

static void fold_lanes(Lower *w, const Fold *fold, LoopValue **acc) {
    i64 extent = w->groups.v[fold->lanes].extent, vectors = extent / LANES;
    int mark = known_mark(w);
    if (vectors) {
        LoopFor *loop = loop_for(&w->b, FOR_SERIAL, vectors, 1, fold->n, acc);
        if (fold->n) memcpy(acc, loop->acc, sizeof *acc * (size_t)fold->n);
        group_bind(w, fold->lanes, affine_loop(affine(0), loop, LANES), true);
        w->active = LANES;
        fold->body(w, fold->context, acc);
        loop_for_end(&w->b, acc);
        if (fold->n) memcpy(acc, loop->results, sizeof *acc * (size_t)fold->n);
        known_forget(w, mark);
    }
    if (extent % LANES) {
        group_bind(w, fold->lanes, affine(vectors * LANES), true);
        w->active = (int)(extent % LANES);
        fold->body(w, fold->context, acc);
        known_forget(w, mark);
    }
    w->active = 0;
    group_unbind(w, fold->lanes);
}
/* Short loops, as over the places of a pooling window, are written out round by round. */
static ForKind fold_kind(const Lower *w, const Fold *fold) {
    i64 rounds = 1;
    for (int i = 0; i < fold->n_groups; i++) rounds *= w->groups.v[fold->groups[i]].extent;
    return rounds <= ROUNDS_WRITTEN && fold->lanes < 0 ? FOR_UNROLLED : FOR_SERIAL;
}
static void fold_from(Lower *w, const Fold *fold, int level, LoopValue **acc) {
    if (level == fold->n_groups) {
        if (fold->lanes >= 0) fold_lanes(w, fold, acc);
        else fold->body(w, fold->context, acc);
        return;
    }
    int mark = known_mark(w), group = fold->groups[level];
    LoopFor *loop = loop_for(&w->b, fold_kind(w, fold), w->groups.v[group].extent, 1, fold->n, acc);
    if (fold->n) memcpy(acc, loop->acc, sizeof *acc * (size_t)fold->n);
    group_bind(w, group, affine_loop(affine(0), loop, 1), false);
    fold_from(w, fold, level + 1, acc);
    loop_for_end(&w->b, acc);
    if (fold->n) memcpy(acc, loop->results, sizeof *acc * (size_t)fold->n);
    group_unbind(w, group);
    known_forget(w, mark);
}
void nest_fold(Lower *w, int lanes, int n, LoopValue **acc, FoldBody *body, void *context) {
    Fold fold = {.lanes = lanes, .n = n, .body = body, .context = context};
    for (int i = 0; i < w->groups.n; i++)
        if (w->groups.v[i].class == AXIS_FOLD && i != lanes) fold.groups[fold.n_groups++] = i;
    fold_from(w, &fold, 0, acc);
}

/* ---- lanes */

static i64 stride_in(const Lower *w, const Form *form, const AxisGroup *group) {
    const LoopFor *inner = &w->atoms.v[group->first + group->n - 1]->loop;
    for (int i = 0; i < form->form.n; i++)
        if (form->form.terms[i].loop == inner) return form->form.terms[i].factor;
    return 0;
}
i64 group_stride(const Lower *w, const Form *form, int group) { return stride_in(w, form, &w->groups.v[group]); }
/* Addresses that would be gathered or scattered cost; so do empty lanes. */
int best_lanes(const Lower *w, AxisClass class) {
    int best = -1;
    double lowest = 0;
    for (int g = w->groups.n - 1; g >= 0; g--) {
        const AxisGroup *group = &w->groups.v[g];
        if (group->class != class) continue;
        double cost = 1;
        for (int i = 0; i < w->forms.n; i++) {
            i64 stride = stride_in(w, &w->forms.v[i], group);
            if (w->forms.v[i].address && stride != 0 && stride != 1) cost += w->forms.v[i].store ? 32 : 16;
            else cost += 1;
        }
        i64 vectors = (group->extent + LANES - 1) / LANES;
        cost *= (double)(vectors * LANES) / (double)group->extent;
        if (best < 0 || cost < lowest) best = g, lowest = cost;
    }
    return best;
}
/* Worth it where many lanes of a row's last vector would be empty, and most of what is read and written lies in one row anyway. */
bool nest_may_wrap(const Lower *w, AxisClass class, int inner) {
    if (inner < 1 || w->groups.v[inner - 1].class != class) return false;
    const AxisGroup *outer = &w->groups.v[inner - 1], *group = &w->groups.v[inner];
    i64 extent = group->extent, vectors = (extent + LANES - 1) / LANES, rows = wrap_rows(extent);
    if (extent <= LANES || rows == 1 || rows * extent > WRAPPED_MOST * LANES || outer->extent % rows) return false;
    int together = 0;
    for (int i = 0; i < w->forms.n; i++) {
        i64 step = stride_in(w, &w->forms.v[i], outer);
        if (step) together += step == stride_in(w, &w->forms.v[i], group) * extent ? 1 : -1; /* the same in all rows: read once */
    }
    return together > 0 && vectors * LANES * 5 > extent * 6;
}
LoopValue *lanes_below(Lower *w, int n) {
    LoopValue *lane = loop_index_lanes(&w->b, affine(0), 1);
    return loop_op(&w->b, LOP_lt, lane, loop_splat(&w->b, loop_int(&w->b, ELEM_I32, n)));
}
LoopValue *active_mask(Lower *w) { return lanes_below(w, w->active); }

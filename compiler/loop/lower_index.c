/* lower_index.c: kernels that go by looked-up numbers: put adds slices in the order of its index, top ranks rows. */
#include "lower.h"

enum { VECTORS = 32 }; /* of a slice in a task of a put */

/* ---- put: y [B.. P.. I.. R..], index [B.. I..] -> [B.. P.. n R..]. Dims: B, P, R results; I folded. */

typedef struct Put {
    const Node *node;
    int axis, batch, picks, rank; /* picks: axes of I; rank: of the result */
    int pick_dims[RANK_MAX];
    int cut_at, block_dim;
    i64 length, n_blocks;
    LoopAffine slot;      /* the looked-up row */
    int lanes;            /* the group that goes by lanes, and of it: */
    i64 vectors, each;    /* all, and those of a task */
    LoopAffine first;     /* of the task */
    bool parallel;        /* tasks */
} Put;

static void put_dims(Lower *w, Put *u) {
    const Node *node = u->node;
    const Type *y = node->args[0]->type, *index = node->args[1]->type;
    u->axis = (int)node->at->axis, u->batch = (int)node->at->batch;
    u->picks = index->rank - u->batch, u->rank = node->type->rank;
    u->cut_at = node->at->cut > 1 ? (int)node->at->cut_axis - u->batch : -1;
    for (int i = 0; i < u->rank; i++) /* the dimension of the row itself has one element: it is looked up */
        axes_dim(w, i == u->axis ? 1 : node->type->dims[i], AXIS_RESULT);
    for (int i = 0; i < u->picks; i++) {
        i64 extent = y->dims[u->axis + i];
        if (i == u->cut_at) {
            u->length = (extent + node->at->cut - 1) / node->at->cut;
            u->n_blocks = (extent + u->length - 1) / u->length;
            extent = u->length;
        }
        u->pick_dims[i] = axes_dim(w, extent, AXIS_FOLD);
        w->dims.v[u->pick_dims[i]].alone = i == u->cut_at;
        w->dims.v[u->pick_dims[i]].whole = i == u->cut_at;
    }
    if (u->cut_at < 0) return;
    u->block_dim = axes_dim(w, u->n_blocks, AXIS_BLOCK);
    w->dims.v[u->block_dim].alone = w->dims.v[u->block_dim].whole = true;
}
static LoopAffine pick_coordinate(Lower *w, const Put *u, int i) {
    LoopAffine at = axes_coordinate(w, u->pick_dims[i]);
    return i == u->cut_at ? affine_plus(at, affine_times(axes_coordinate(w, u->block_dim), u->length)) : at;
}
static LoopValue *picked_row(Lower *w, const Put *u) {
    Index *pick = index_new(w, u->batch + u->picks);
    for (int i = 0; i < u->batch; i++) pick->at[i] = axes_coordinate(w, i);
    for (int i = 0; i < u->picks; i++) pick->at[u->batch + i] = pick_coordinate(w, u, i);
    LoopValue *row = node_at(w, w->kernel->body, u->node->args[1], pick);
    return loop_clamp(&w->b, row, 0, u->node->at->size - 1);
}
/* What is added to: the result, or with a cut the partial sums [G, result]. */
static const PlanValue *put_target(const Lower *w, const Put *u) { return u->cut_at >= 0 ? w->kernel->scratch : w->kernel->stores.v[0].value; }
static Index *target_index(Lower *w, const Put *u, LoopAffine row) {
    int lead = u->cut_at >= 0;
    Index *index = index_new(w, u->rank + lead);
    if (lead) index->at[0] = axes_coordinate(w, u->block_dim);
    for (int i = 0; i < u->rank; i++) index->at[i + lead] = i == u->axis ? row : axes_coordinate(w, i);
    return index;
}
static void put_element(Lower *w, void *context) {
    const Put *u = context;
    const Type *y = u->node->args[0]->type;
    Index *from = index_new(w, y->rank);
    for (int i = 0; i < u->axis; i++) from->at[i] = axes_coordinate(w, i);
    for (int i = 0; i < u->picks; i++) from->at[u->axis + i] = pick_coordinate(w, u, i);
    for (int i = u->axis + 1; i < u->rank; i++) from->at[i + u->picks - 1] = axes_coordinate(w, i);
    LoopValue *x = node_at(w, w->kernel->body, u->node->args[0], from);
    PlanStore store = {u->node, (PlanValue *)put_target(w, u), NULL, NULL};
    Index *to = target_index(w, u, u->slot);
    LoopValue *args[2] = {load_at(w, store.value, to), x};
    lanes_unify(w, 2, args);
    store_at(w, &store, to, loop_apply(&w->b, LOP_add, args));
}
/* One slice: its row is looked up once where that does not depend on the axes of the slice. */
static void put_trial(Lower *w, void *context) {
    Put *u = context;
    u->slot = affine_value(affine(0), picked_row(w, u), 1);
    put_element(w, u);
    if (u->cut_at < 0) return;
    PlanStore store = {u->node, w->kernel->stores.v[0].value, NULL, NULL};
    store_at(w, &store, index_of_dims(w, 0, u->rank), NULL);
}
static void put_pick(Lower *w, void *context, LoopValue **acc) {
    Put *u = context;
    (void)acc;
    u->slot = affine_value(affine(0), picked_row(w, u), 1);
    put_element(w, u);
}
static void put_slices(Lower *w, void *context) { nest_fold(w, -1, 0, NULL, put_pick, context); }
/* Of a slice the vectors of a task, one after the other: what is added is read as it lies, and stays in L2 where it is added to. */
static void put_pick_vectors(Lower *w, void *context, LoopValue **acc) {
    Put *u = context;
    (void)acc;
    u->slot = affine_value(affine(0), picked_row(w, u), 1);
    int mark = known_mark(w);
    LoopAffine left = affine_plus(affine(u->vectors), affine_times(u->first, -1));
    LoopFor *vector = loop_for_within(&w->b, FOR_SERIAL, u->each, NULL, u->vectors % u->each ? &left : NULL, 0, NULL);
    group_bind(w, u->lanes, affine_times(affine_loop(u->first, vector, 1), LANES), true);
    w->active = LANES;
    put_element(w, u);
    w->active = 0;
    group_unbind(w, u->lanes);
    loop_for_end(&w->b, NULL);
    known_forget(w, mark);
}
/* All slices, some vectors of them a task, then what is left of their ends. */
static void put_tasks(Lower *w, void *context) {
    Put *u = context;
    i64 extent = w->groups.v[u->lanes].extent, tasks;
    int n_open, mark = known_mark(w);
    LoopFor *task;
    u->vectors = extent / LANES;
    tasks = (u->vectors + VECTORS - 1) / VECTORS;
    if (tasks) {
        u->each = (u->vectors + tasks - 1) / tasks;
        u->first = affine_times(rounds_open(w, tasks, u->parallel, 0, NULL, &n_open, &task), u->each);
        nest_fold(w, -1, 0, NULL, put_pick_vectors, u);
        while (n_open--) loop_for_end(&w->b, NULL);
        known_forget(w, mark);
    }
    if (extent % LANES == 0) return;
    group_bind(w, u->lanes, affine(u->vectors * LANES), true);
    w->active = (int)(extent % LANES);
    put_slices(w, u);
    w->active = 0;
    group_unbind(w, u->lanes);
    known_forget(w, mark);
}

static void set_all(Lower *w, int buffer, i64 count, LoopValue *value) {
    if (count >= LANES) {
        LoopFor *v = loop_for(&w->b, FOR_SERIAL, count / LANES, 1, 0, NULL);
        loop_store(&w->b, buffer, affine_loop(affine(0), v, LANES), loop_splat(&w->b, value));
        loop_for_end(&w->b, NULL);
    }
    if (count % LANES) loop_store_part(&w->b, buffer, affine(count / LANES * LANES), loop_splat(&w->b, value), affine(count % LANES));
}
static void set_block(Lower *w, const Put *u, LoopAffine block, i64 length) {
    for (int g = 0; g < w->groups.n; g++) {
        AxisGroup *group = &w->groups.v[g];
        if (group->class == AXIS_BLOCK) group->at = block, group->bound = true;
        if (w->atoms.v[group->first]->dim == u->pick_dims[u->cut_at]) group->extent = length;
    }
}
/* to[i] = x[i] + y[i] of whole results within one buffer of partial sums, or out of it. */
static void add_results(Lower *w, int to, LoopAffine at, int from, LoopAffine x, LoopAffine y, i64 count) {
    for (int tail = 0; tail < 2; tail++) {
        LoopAffine i = affine(tail ? count / LANES * LANES : 0), part = affine(tail ? count % LANES : LANES);
        if (tail ? count % LANES == 0 : count < LANES) continue;
        if (!tail) i = affine_loop(i, loop_for(&w->b, FOR_SERIAL, count / LANES, 1, 0, NULL), LANES);
        LoopValue *a = loop_load_part(&w->b, from, affine_plus(x, i), 1, part), *b = loop_load_part(&w->b, from, affine_plus(y, i), 1, part);
        loop_store_part(&w->b, to, affine_plus(at, i), loop_op(&w->b, LOP_add, a, b), part);
        if (!tail) loop_for_end(&w->b, NULL);
    }
}
/* Lanes may not differ in the row they add to. */
static int put_lanes(const Lower *w, const Put *u) {
    int lanes = best_lanes(w, AXIS_RESULT);
    return lanes >= 0 && w->atoms.v[w->groups.v[lanes].first]->dim >= u->batch ? lanes : -1;
}
static void put_cut(Lower *w, Put *u) {
    const Node *node = u->node;
    i64 extent = node->args[0]->type->dims[u->axis + u->cut_at], count = node->type->count, cut = node->at->cut;
    int partial = buffer_of(w, w->kernel->scratch, true), out = buffer_of(w, w->kernel->stores.v[0].value, true);
    int lanes = put_lanes(w, u);
    if (extent / u->length) {
        LoopFor *block = loop_for(&w->b, FOR_SERIAL, extent / u->length, 1, 0, NULL);
        set_block(w, u, affine_loop(affine(0), block, 1), u->length);
        nest(w, AXIS_RESULT, lanes, false, put_slices, u);
        loop_for_end(&w->b, NULL);
    }
    if (extent % u->length) {
        set_block(w, u, affine(extent / u->length), extent % u->length);
        nest(w, AXIS_RESULT, lanes, false, put_slices, u);
    }
    for (i64 left = cut / 2; left >= 1; left /= 2) {
        LoopFor *loop = loop_for(&w->b, FOR_SERIAL, left, 1, 0, NULL);
        LoopAffine at = affine_loop(affine(0), loop, count), pair = affine_times(at, 2);
        if (left == 1) at = affine(0);
        add_results(w, left == 1 ? out : partial, at, partial, pair, affine_plus(pair, affine(count)), count);
        loop_for_end(&w->b, NULL);
    }
}
void lower_put(Lower *w) {
    Put u = {.node = w->kernel->anchor};
    put_dims(w, &u);
    run_trial(w, put_trial, &u);
    LoopValue *zero = literal_of(w, u.node->type->dtype, 0);
    const PlanValue *target = put_target(w, &u);
    set_all(w, buffer_of(w, target, true), target->type->count, zero);
    u.lanes = put_lanes(w, &u);
    if (u.cut_at >= 0) {
        put_cut(w, &u);
    } else if (u.lanes < 0) {
        nest(w, AXIS_RESULT, -1, false, put_slices, &u);
    } else {
        bool alone = true; /* no other axis of the result */
        for (int g = 0; g < w->groups.n; g++) alone &= w->groups.v[g].class != AXIS_RESULT || g == u.lanes;
        u.parallel = alone && w->kernel->parallel;
        nest_outer(w, AXIS_RESULT, u.lanes, !alone && w->kernel->parallel, put_tasks, &u);
    }
}

/* ---- top: x [.. n] -> [.. count]. a comes before b: a is NaN and b not, or a > b, or neither and a's index is lower. */

typedef struct Top {
    const Node *node;
    int rows;  /* dims before the last */
    int dim, other_dim;
    LoopAffine slot;
    LoopValue *mine, *mine_index; /* of the element being ranked */
} Top;

static LoopValue *top_load(Lower *w, const Top *t, LoopAffine at) {
    Index *index = index_new(w, t->rows + 1);
    for (int i = 0; i < t->rows; i++) index->at[i] = axes_coordinate(w, i);
    index->at[t->rows] = at;
    return node_at(w, w->kernel->body, t->node->args[0], index);
}
/* Strictly before by value: NaN before numbers, larger before smaller. */
static LoopValue *before(Lower *w, LoopValue *x, LoopValue *y) {
    LoopValue *args[2] = {y, x};
    lanes_unify(w, 2, args);
    LoopValue *larger = loop_apply(&w->b, LOP_lt, args);
    if (x->type.elem == ELEM_I32) return larger;
    LoopValue *x_number = loop_op(&w->b, LOP_eq, args[1], args[1]), *y_number = loop_op(&w->b, LOP_eq, args[0], args[0]);
    LoopValue *only_x = loop_op(&w->b, LOP_and, loop_op(&w->b, LOP_not, x_number), y_number);
    return loop_op(&w->b, LOP_or, larger, only_x);
}
static void top_store(Lower *w, const Top *t, LoopAffine slot, LoopValue *value) {
    Index *to = index_new(w, t->rows + 1);
    for (int i = 0; i < t->rows; i++) to->at[i] = axes_coordinate(w, i);
    to->at[t->rows] = slot;
    store_at(w, &w->kernel->stores.v[0], to, value);
}
/* The first largest: acc = {its value, its index}. */
static void largest_element(Lower *w, void *context, LoopValue **acc) {
    const Top *t = context;
    LoopAffine at = axes_coordinate(w, t->dim);
    LoopValue *x = top_load(w, t, at), *i = number_at(w, at);
    LoopValue *values[4] = {acc[0], x, acc[1], i};
    if (acc[0]->type.lanes)
        for (int k = 0; k < 4; k++) values[k] = loop_splat(&w->b, values[k]);
    LoopValue *first = loop_op(&w->b, LOP_eq, values[3], values[2]); /* the first round: index 0 against 0 */
    LoopValue *wins = loop_op(&w->b, LOP_or, before(w, values[1], values[0]), first);
    acc[0] = loop_op(&w->b, LOP_select, wins, values[1], values[0]);
    acc[1] = loop_op(&w->b, LOP_select, wins, values[3], values[2]);
}
static void largest_row(Lower *w, void *context) {
    Top *t = context;
    LoopValue *acc[2] = {literal_of(w, t->node->args[0]->type->dtype, 0), loop_int(&w->b, ELEM_I32, 0)};
    if (w->active) acc[0] = loop_splat(&w->b, acc[0]), acc[1] = loop_splat(&w->b, acc[1]);
    nest_fold(w, -1, 2, acc, largest_element, t);
    top_store(w, t, affine(0), acc[1]);
}
/* How many come before the element: its place. acc = {the count}. */
static void rank_against(Lower *w, void *context, LoopValue **acc) {
    const Top *t = context;
    LoopAffine at = axes_coordinate(w, t->other_dim);
    LoopValue *x = top_load(w, t, at), *i = number_at(w, at), *one = loop_int(&w->b, ELEM_I32, 1), *none = loop_int(&w->b, ELEM_I32, 0);
    LoopValue *lower = loop_op(&w->b, LOP_lt, i, loop_splat(&w->b, t->mine_index));
    LoopValue *first = before(w, x, t->mine), *later = before(w, t->mine, x);
    first = loop_splat(&w->b, first), later = loop_splat(&w->b, later);
    LoopValue *counts = loop_op(&w->b, LOP_or, first, loop_op(&w->b, LOP_and, loop_op(&w->b, LOP_not, later), lower));
    if (w->active < LANES) counts = loop_op(&w->b, LOP_and, counts, active_mask(w));
    acc[0] = loop_op(&w->b, LOP_add, acc[0], loop_op(&w->b, LOP_select, counts, loop_splat(&w->b, one), loop_splat(&w->b, none)));
}
static int group_of_dim(const Lower *w, int dim) {
    for (int g = 0; g < w->groups.n; g++)
        if (w->atoms.v[w->groups.v[g].first]->dim == dim) return g;
    return -1;
}
/* For each element of a row its place, where it is among the first: one group of rank elements goes by lanes. */
static void rank_row(Lower *w, void *context) {
    Top *t = context;
    i64 n = t->node->args[0]->type->dims[t->rows], count = t->node->at->count;
    LoopFor *mine = loop_for(&w->b, FOR_SERIAL, n, 1, 0, NULL);
    int mark = known_mark(w), group = group_of_dim(w, t->dim), other = group_of_dim(w, t->other_dim);
    w->groups.v[group].at = affine_loop(affine(0), mine, 1);
    w->groups.v[group].bound = true;
    LoopAffine at = axes_coordinate(w, t->dim);
    t->mine = top_load(w, t, at), t->mine_index = number_at(w, at);
    LoopValue *acc = loop_splat(&w->b, loop_int(&w->b, ELEM_I32, 0));
    nest_fold(w, other, 1, &acc, rank_against, t);
    LoopValue *rank = loop_op(&w->b, LOP_tree, acc);
    LoopValue *among = loop_op(&w->b, LOP_lt, rank, loop_int(&w->b, ELEM_I32, count));
    loop_if_mask(&w->b, among);
    top_store(w, t, affine_value(affine(0), loop_clamp(&w->b, rank, 0, count - 1), 1), t->mine_index);
    loop_if_end(&w->b, 0, NULL);
    known_forget(w, mark);
    w->groups.v[group].bound = false;
    loop_for_end(&w->b, NULL);
}
static void top_trial(Lower *w, void *context) {
    Top *t = context;
    LoopAffine at = axes_coordinate(w, t->dim);
    top_load(w, t, at), number_at(w, at);
    if (t->other_dim >= 0) at = axes_coordinate(w, t->other_dim), top_load(w, t, at), number_at(w, at);
    top_store(w, t, affine(0), NULL);
}
void lower_top(Lower *w) {
    const Node *node = w->kernel->anchor;
    const Type *x = node->args[0]->type;
    Top t = {.node = node, .rows = x->rank - 1, .other_dim = -1};
    i64 n = x->dims[t.rows];
    for (int i = 0; i < t.rows; i++) axes_dim(w, x->dims[i], AXIS_RESULT);
    bool first_only = node->at->count == 1 || n == 1;
    t.dim = axes_dim(w, n, first_only ? AXIS_FOLD : AXIS_BLOCK);
    if (!first_only) t.other_dim = axes_dim(w, n, AXIS_FOLD);
    for (int i = t.dim; i < w->dims.n; i++) w->dims.v[i].whole = w->dims.v[i].alone = true;
    run_trial(w, top_trial, &t);
    if (first_only) nest(w, AXIS_RESULT, best_lanes(w, AXIS_RESULT), w->kernel->parallel, largest_row, &t);
    else nest(w, AXIS_RESULT, -1, w->kernel->parallel, rank_row, &t);
}

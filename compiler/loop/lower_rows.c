/* lower_rows.c: sums and maxima over the last axes of one shape, with the maps before, between and after them, a row at a time.
**
** A row is walked in passes. Pass 0 folds what needs no sum of the row, pass 1 what needs those, and so on; values of the full shape
** are stored in the first pass that can make them. A row of a few vectors stays in registers from pass to pass: its vectors are
** cells, and what is known of one is known in the next pass. A longer row is loaded again, but for dear values, which pass through
** a local buffer. Of short rows 16 are done side by side: lanes go over rows, and a sum by lanes is 16 accumulators. A single long
** row without sums is shared out in tasks that leave their maxima in scratch. */
#include "lower.h"

enum {
    RESIDENT = 8, /* vectors of a row that stays in registers, of 32; half as many of 16 */
    SHORT = 16,   /* elements of a row that is done beside others */
    MEMBERS = 256 /* accumulators */
};

typedef struct Member {
    const Node *node;
    int level;  /* passes that must be over before it can be made */
    bool full;
    bool anchor;
    bool dear;
    u32 passes; /* in which its value is wanted, a bit each */
} Member;
typedef struct Rows {
    const PlanKernel *kernel;
    int rows;          /* axes */
    int n_passes;
    int n;
    Member *members;   /* in walk order */
    NodeMap number;    /* node -> member + 1 */
    bool across;       /* lanes go over rows */
    int lanes;         /* group of the row that goes by lanes; -1 */
    bool resident;
} Rows;

static Member *member_of(const Rows *r, const Node *node) {
    intptr_t i = (intptr_t)nodemap_get(&r->number, node);
    return i ? &r->members[i - 1] : NULL;
}

/* ---- members */

static bool is_outside(void *context, const Node *node) {
    const Rows *r = context;
    const PlanValue *stored = plan_value(r->kernel->body, node);
    return node->op == OP_arg || node->op == OP_scan || (stored && stored->maker != r->kernel);
}
static bool is_dear(const Node *node) { return node->op == OP_div || node->op == OP_sqrt || op_is_transcendental(node->op); }
static bool has_shape(const Type *type, const Type *full, int rank) {
    if (type->rank != rank) return false;
    for (int i = 0; i < rank; i++)
        if (type->dims[i] != full->dims[i]) return false;
    return true;
}
static bool is_anchor(const PlanKernel *kernel, const Node *node) {
    for (int i = 0; i < kernel->anchors.n; i++)
        if (kernel->anchors.v[i] == node) return true;
    return false;
}
static void find_members(Lower *w, Rows *r) {
    const PlanKernel *kernel = r->kernel;
    VEC(Node *) roots = {0};
    for (int i = 0; i < kernel->stores.n; i++) vec_push(w->arena, &roots, (Node *)kernel->stores.v[i].node);
    NodeList nodes = order_walk_until(w->arena, roots.v, roots.n, is_outside, r);
    r->members = ARENA_ARRAY(w->arena, Member, nodes.n + 1);
    r->number.arena = w->arena;
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        if (is_outside(r, node)) continue;
        Member m = {.node = node, .full = has_shape(node->type, kernel->full, kernel->full->rank), .anchor = is_anchor(kernel, node), .dear = is_dear(node)};
        for (int k = 0; k < node->n_args; k++) {
            const Member *x = member_of(r, node->args[k]);
            if (x && x->level + x->anchor > m.level) m.level = x->level + x->anchor;
        }
        r->members[r->n] = m;
        nodemap_set(&r->number, node, (void *)(intptr_t)++r->n);
        if (m.level + 1 > r->n_passes && (m.anchor || m.full)) r->n_passes = m.level + 1;
    }
}
/* What a pass needs, down to sums that are there already. */
static void want(const Rows *r, const Node *node, int pass) {
    Member *m = member_of(r, node);
    if (!m || (m->passes >> pass & 1)) return;
    m->passes |= 1u << pass;
    if (m->anchor && m->level < pass) return;
    for (int i = 0; i < node->n_args; i++) want(r, node->args[i], pass);
}
static bool is_stored(const PlanKernel *kernel, const Node *node) {
    for (int i = 0; i < kernel->stores.n; i++)
        if (kernel->stores.v[i].node == node) return true;
    return false;
}
static void find_passes(Rows *r) {
    nnc_check(r->n_passes <= 32, "a row in %d passes", r->n_passes);
    for (int i = 0; i < r->n; i++) {
        const Member *m = &r->members[i];
        if (m->anchor || (m->full && is_stored(r->kernel, m->node))) want(r, m->node, m->level);
    }
}
static i64 row_count(const Rows *r) {
    i64 n = 1;
    for (int i = r->rows; i < r->kernel->full->rank; i++) n *= r->kernel->full->dims[i];
    return n;
}
static void make_spills(Lower *w, const Rows *r) {
    w->spills = (NodeMap){.arena = w->arena};
    for (int i = 0; i < r->n; i++) {
        const Member *m = &r->members[i];
        if (!m->dear || !m->full || __builtin_popcount(m->passes) < 2) continue;
        Spill *spill = ARENA_NEW(w->arena, Spill);
        *spill = (Spill){loop_local(&w->b, m->node->type->dtype, row_count(r)), __builtin_ctz(m->passes)};
        nodemap_set(&w->spills, m->node, spill);
    }
}

/* ---- one element, or 16, of a pass */

typedef struct Pass {
    const Rows *rows;
    int number;
} Pass;

static void spill_member(Lower *w, const Node *node, const Index *index, LoopValue *value) {
    const Spill *spill = nodemap_get(&w->spills, node);
    if (!spill || spill->pass != w->pass) return;
    LoopAffine form = row_place(w, index), part = affine(w->active);
    i64 lane;
    LoopAffine at = axes_realise(w, &form, &lane);
    if (!lane) {
        loop_store(&w->b, spill->buffer, at, value);
        return;
    }
    LoopAccess access = {.buffer = spill->buffer, .at = at, .lanes = true, .stride = lane, .part = w->active < LANES ? &part : NULL};
    loop_store_access(&w->b, access, loop_splat(&w->b, value));
}
/* Accumulators of an anchor: 16 where lanes go over rows and the sum goes by lanes. */
static int accumulators(const Rows *r, const Node *node) { return r->across && node->op == OP_sum && node->at->order == ORDER_LANES ? LANES : 1; }
/* The place of the cell along the last axis, mod 16. */
static int lane_of_cell(const Lower *w, const Rows *r) {
    const AxisGroup *last = NULL;
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_FOLD && w->atoms.v[w->groups.v[g].first + w->groups.v[g].n - 1]->dim == r->kernel->full->rank - 1) last = &w->groups.v[g];
    return last ? (int)(last->at.constant % w->atoms.v[last->first + last->n - 1]->loop.extent % LANES) : 0;
}
/* acc: of the anchors of this pass, in order. Stores come last: what they overwrite is read by then. */
static void pass_element(Lower *w, void *context, LoopValue **acc) {
    const Pass *pass = context;
    const Rows *r = pass->rows;
    const PlanBody *body = r->kernel->body;
    const Index *index = index_of_dims(w, 0, r->kernel->full->rank);
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        const Member *m = &r->members[i];
        if (!(m->passes >> pass->number & 1) || m->level > pass->number) continue;
        if (m->anchor && m->level == pass->number) {
            LoopValue *x = node_at(w, body, m->node->args[0], index);
            if (!r->across) x = only_active(w, m->node, x);
            LoopValue **a = &acc[n];
            if (accumulators(r, m->node) > 1 && !w->trial) a += lane_of_cell(w, r);
            *a = fold_step(w, m->node, *a, x);
            n += accumulators(r, m->node);
        } else if (m->full && !m->anchor && !w->trial && w->spills.arena) {
            spill_member(w, m->node, index, node_at(w, body, m->node, index));
        }
    }
    for (int i = 0; i < r->kernel->stores.n; i++) {
        const PlanStore *store = &r->kernel->stores.v[i];
        const Member *m = member_of(r, store->node);
        if (m && m->full && m->level == pass->number) node_at(w, body, store->node, index);
    }
    for (int i = 0; i < r->kernel->stores.n; i++) {
        const PlanStore *store = &r->kernel->stores.v[i];
        const Member *m = member_of(r, store->node);
        if (m && m->full && m->level == pass->number) store_at(w, store, index, node_at(w, body, store->node, index));
    }
}

/* ---- a pass over a row */

static int pass_anchors(Lower *w, const Rows *r, int pass, LoopValue **acc, const Node **anchors) {
    int n = 0;
    bool lanes = r->across ? w->active > 0 : r->lanes >= 0;
    for (int i = 0; i < r->n; i++) {
        const Member *m = &r->members[i];
        if (!m->anchor || m->level != pass) continue;
        LoopValue *first = fold_begin(w, m->node);
        if (lanes) first = loop_splat(&w->b, first);
        for (int k = accumulators(r, m->node); k > 0; k--) {
            nnc_check(n < MEMBERS, "more than %d accumulators of a row", MEMBERS);
            acc[n] = first;
            anchors[n++] = m->node;
        }
    }
    return n;
}
static bool has_work(const Rows *r, int pass) {
    for (int i = 0; i < r->n; i++)
        if (r->members[i].level == pass && (r->members[i].anchor || (r->members[i].full && is_stored(r->kernel, r->members[i].node)))) return true;
    return false;
}
/* Every vector of a short row by itself: cell after cell. */
static void walk_resident(Lower *w, const Rows *r, Pass *pass, LoopValue **acc) {
    i64 total = 1;
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_FOLD) total *= g == r->lanes ? (w->groups.v[g].extent + LANES - 1) / LANES : w->groups.v[g].extent;
    int outer_active = w->active;
    for (i64 cell = 0; cell < total; cell++) {
        i64 left = cell;
        for (int g = w->groups.n - 1; g >= 0; g--) {
            const AxisGroup *group = &w->groups.v[g];
            if (group->class != AXIS_FOLD) continue;
            i64 rounds = g == r->lanes ? (group->extent + LANES - 1) / LANES : group->extent, i = left % rounds;
            left /= rounds;
            group_bind(w, g, affine(g == r->lanes ? i * LANES : i), g == r->lanes);
            if (g == r->lanes) w->active = (int)(group->extent - i * LANES < LANES ? group->extent - i * LANES : LANES);
        }
        w->cell = (int)cell + 1;
        pass_element(w, pass, acc);
    }
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_FOLD) group_unbind(w, g);
    w->active = outer_active;
    w->cell = 0;
}
static void finish_anchors(Lower *w, const Rows *r, int n, LoopValue **acc, const Node **anchors) {
    const Index *row = index_of_dims(w, 0, r->rows);
    for (int i = 0; i < n; i += accumulators(r, anchors[i])) {
        if (accumulators(r, anchors[i]) > 1)
            for (int half = LANES / 2; half; half /= 2)
                for (int k = 0; k < half; k++) acc[i + k] = loop_op(&w->b, LOP_add, acc[i + k], acc[i + k + half]);
        acc[i] = fold_end(w, anchors[i], acc[i], acc[i]->type.lanes && !r->across);
        know(w, r->kernel->body, anchors[i], row, acc[i]);
    }
}
/* Maps of the row that can be made by now, once, outside the walk. */
static void row_maps(Lower *w, const Rows *r, int pass) {
    const Index *row = index_of_dims(w, 0, r->rows);
    for (int i = 0; i < r->n; i++) {
        const Member *m = &r->members[i];
        if (m->level == pass && !m->anchor && has_shape(m->node->type, r->kernel->full, r->rows) && op_loop_class(m->node->op) == LOOP_map)
            node_at(w, r->kernel->body, m->node, row);
    }
}
static void row_pass(Lower *w, const Rows *r, int number) {
    LoopValue *acc[MEMBERS];
    const Node *anchors[MEMBERS];
    Pass pass = {r, number};
    int n = pass_anchors(w, r, number, acc, anchors);
    w->pass = number;
    if (r->resident) {
        walk_resident(w, r, &pass, acc);
    } else {
        w->cell = 1;
        nest_fold(w, r->lanes, n, acc, pass_element, &pass);
        w->cell = 0;
    }
    finish_anchors(w, r, n, acc, anchors);
}
static void row_stores(Lower *w, const Rows *r) {
    const Index *row = index_of_dims(w, 0, r->rows);
    w->pass = r->n_passes;
    for (int i = 0; i < r->kernel->stores.n; i++) {
        const PlanStore *store = &r->kernel->stores.v[i];
        const Member *m = member_of(r, store->node);
        if (!m->full) store_at(w, store, row, node_at(w, r->kernel->body, store->node, row));
    }
}
/* The only group of the row; -1: there are several. */
static int columns_group(const Lower *w) {
    int group = -1;
    for (int g = 0; g < w->groups.n; g++) {
        if (w->groups.v[g].class != AXIS_FOLD) continue;
        if (group >= 0) return -1;
        group = g;
    }
    return group;
}
static void one_row(Lower *w, void *context) {
    Rows *r = context;
    if (r->resident && r->across && columns_group(w) >= 0) columns_open(w, columns_group(w));
    if (!r->resident && !r->across) make_spills(w, r); /* a local holds a number an element, not one for each of 16 rows */
    for (int pass = 0; pass < r->n_passes; pass++) {
        row_maps(w, r, pass);
        if (has_work(r, pass)) row_pass(w, r, pass);
    }
    columns_close(w);
    row_maps(w, r, r->n_passes);
    row_stores(w, r);
}

/* ---- one row, shared out: tasks leave their maxima in scratch */

static LoopAffine scratch_place(const LoopFor *task, int n, int i) {
    return affine_plus(affine_loop(affine(0), task, n * LANES), affine(i * LANES));
}
/* Scratch holds reals. */
static LoopValue *as_elem(Lower *w, LoopValue *x, LoopElem elem) { return x->type.elem == elem ? x : loop_op(&w->b, LOP_bits, x); }
static void share_out(Lower *w, Rows *r) {
    LoopValue *acc[MEMBERS];
    const Node *anchors[MEMBERS];
    Pass pass = {r, 0};
    i64 extent = w->groups.v[r->lanes].extent, vectors = extent / LANES;
    int n_open, scratch = buffer_of(w, w->kernel->scratch, true), n = pass_anchors(w, r, 0, acc, anchors);
    LoopFor *task;
    LoopAffine at = rounds_open(w, vectors, true, n, acc, &n_open, &task);
    int mark = known_mark(w);
    w->cell = 1, w->active = LANES;
    group_bind(w, r->lanes, affine_times(at, LANES), true);
    pass_element(w, &pass, acc);
    known_forget(w, mark);
    LoopFor *inner = w->b.open.v[w->b.open.n - 1]->loop;
    loop_for_end(&w->b, acc);
    LoopElem elem = elem_of_dtype(w->kernel->scratch->type->dtype);
    for (int i = 0; i < n; i++) loop_store(&w->b, scratch, scratch_place(task, n, i), as_elem(w, inner->results[i], elem));
    loop_for_end(&w->b, NULL);
    loop_sync(&w->b);
    pass_anchors(w, r, 0, acc, anchors);
    if (extent % LANES) {
        group_bind(w, r->lanes, affine(vectors * LANES), true);
        w->active = (int)(extent % LANES);
        pass_element(w, &pass, acc);
        known_forget(w, mark);
    }
    group_unbind(w, r->lanes);
    w->cell = w->active = 0;
    LoopFor *all = loop_for(&w->b, FOR_SERIAL, task->extent, 1, n, acc);
    for (int i = 0; i < n; i++) {
        LoopValue *x = loop_load_lanes(&w->b, scratch, scratch_place(all, n, i), 1);
        acc[i] = loop_op(&w->b, LOP_max, all->acc[i], as_elem(w, x, all->acc[i]->type.elem));
    }
    loop_for_end(&w->b, acc);
    for (int i = 0; i < n; i++) acc[i] = all->results[i];
    finish_anchors(w, r, n, acc, anchors);
    row_maps(w, r, 1);
    row_stores(w, r);
}
static bool may_share(const Lower *w, const Rows *r) {
    int folds = 0;
    for (int g = 0; g < w->groups.n; g++) folds += w->groups.v[g].class == AXIS_FOLD;
    for (int i = 0; i < r->n; i++)
        if (r->members[i].anchor && r->members[i].node->op != OP_amax) return false;
    return r->kernel->one_pass && r->kernel->parallel && folds == 1 && r->lanes >= 0 && w->groups.v[r->lanes].extent >= 64 * LANES;
}

/* ---- the kernel */

static void rows_trial(Lower *w, void *context) {
    Rows *r = context;
    const Index *row = index_of_dims(w, 0, r->rows);
    LoopValue *acc[MEMBERS];
    const Node *anchors[MEMBERS];
    axes_note(w, row_place(w, index_of_dims(w, 0, r->kernel->full->rank)), true, false);
    for (int number = 0; number < r->n_passes; number++) {
        Pass pass = {r, number};
        int n = pass_anchors(w, r, number, acc, anchors);
        row_maps(w, r, number);
        pass_element(w, &pass, acc);
        for (int i = 0; i < n; i++) know(w, r->kernel->body, anchors[i], row, fold_end(w, anchors[i], acc[i], false));
    }
    row_maps(w, r, r->n_passes);
    row_stores(w, r);
    if (r->kernel->scratch) buffer_of(w, r->kernel->scratch, true);
}
static void choose_walk(Lower *w, Rows *r) {
    i64 vectors = 1;
    r->lanes = -1;
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_FOLD) r->lanes = g; /* the innermost */
    if (r->across) r->lanes = -1;
    for (int g = 0; g < w->groups.n; g++) {
        i64 extent = w->groups.v[g].extent;
        if (w->groups.v[g].class == AXIS_FOLD) vectors *= g == r->lanes ? (extent + LANES - 1) / LANES : extent;
    }
    int registers = w->plan->options.vector_bits == 512 ? RESIDENT : RESIDENT / 2;
    r->resident = vectors <= (r->across ? SHORT : registers);
}
void lower_rows(Lower *w) {
    const PlanKernel *kernel = w->kernel;
    Rows r = {.kernel = kernel, .rows = kernel->anchor->type->rank};
    find_members(w, &r);
    find_passes(&r);
    i64 last = kernel->full->dims[kernel->full->rank - 1], rows = kernel->anchor->type->count;
    r.across = last < 8 || (row_count(&r) <= SHORT && rows >= LANES);
    for (int i = 0; i < kernel->full->rank; i++) axes_dim(w, kernel->full->dims[i], i < r.rows ? AXIS_RESULT : AXIS_FOLD);
    for (int i = 0; i < kernel->anchors.n; i++) /* its lanes are counted */
        if (kernel->anchors.v[i]->op == OP_sum) w->dims.v[kernel->full->rank - 1].whole = true;
    run_trial(w, rows_trial, &r);
    choose_walk(w, &r);
    if (may_share(w, &r)) {
        share_out(w, &r);
        return;
    }
    nest(w, AXIS_RESULT, r.across ? best_lanes(w, AXIS_RESULT) : -1, kernel->parallel, one_row, &r);
}

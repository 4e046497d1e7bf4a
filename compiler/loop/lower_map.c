/* lower_map.c: elementwise kernels: every element of the stores by itself. Also the trial that all kinds of kernels begin with. */
#include "lower.h"

static void function_begin(Lower *w) {
    const PlanKernel *kernel = w->kernel;
    const Node *node = kernel->anchor ? kernel->anchor : kernel->stores.v[0].node;
    w->b = loop_function_begin(w->trial ? w->arena : w->program->arena,
                               arena_printf(w->program->arena, "k%lld_%s", (long long)kernel->row, op_name(node->op)));
    w->known.n = 0;
    w->newest = (Map){.arena = w->arena};
    w->constants = (NodeMap){.arena = w->arena};
    w->anchor = NULL;
    w->guard = NULL;
}
void run_trial(Lower *w, Trial *trial, void *context) {
    w->trial = true;
    do {
        w->again = false;
        w->forms.n = 0;
        axes_begin(w);
        function_begin(w);
        trial(w, context);
    } while (w->again);
    axes_group(w);
    w->trial = false;
    function_begin(w);
    for (int i = 0; i < w->params.n; i++) {
        Param *param = &w->params.v[i];
        const Type *type = param->value->type;
        param->buffer = loop_param(&w->b, type->dtype, plan_elements(param->value), param->written);
        w->b.function->buffers.v[param->buffer].align = value_align(param->value);
        if (!param->whole || plan_elements(param->value) != type->count) w->b.function->buffers.v[param->buffer].checked = false;
    }
    w->scalars = ARENA_ARRAY(w->arena, LoopValue *, w->key->scalars.n + 1);
    for (int i = 0; i < w->key->scalars.n; i++) w->scalars[i] = loop_scalar(&w->b, ELEM_I32);
}

/* ---- elementwise */

static void map_element(Lower *w, void *context) {
    (void)context;
    stores_at(w, index_of_dims(w, 0, w->dims.n));
}

/* ---- elementwise, where what is read lies side by side along another axis than what is stored: blocks of 16 x 16, turned */

typedef struct Turned {
    int read, stored; /* groups */
    int n, groups[RANK_MAX * 4]; /* the others */
} Turned;
/* Does what is read need it, and is it the only thing stored? */
static bool is_turned(const Lower *w, int stored, Turned *t) {
    const PlanStore *store = &w->kernel->stores.v[0];
    *t = (Turned){.read = -1, .stored = stored};
    if (stored < 0 || w->kernel->stores.n > 1 || store->from || store->node->type->dtype != DT_f32) return false;
    for (int g = 0; g < w->groups.n; g++) {
        bool fits = g != stored && w->groups.v[g].extent >= LANES && w->groups.v[stored].extent >= LANES, needed = false;
        for (int i = 0; i < w->forms.n && fits; i++) {
            const Form *form = &w->forms.v[i];
            i64 here = group_stride(w, form, g), there = group_stride(w, form, stored);
            if (!form->address) continue;
            fits = form->store ? there == 1 : here == 0 || here == 1;
            needed |= !form->store && here == 1 && there > 1;
        }
        if (fits && needed) t->read = g;
    }
    for (int g = 0; g < w->groups.n && t->read >= 0; g++)
        if (g != t->read && g != stored) t->groups[t->n++] = g;
    return t->read >= 0;
}
/* n_read x n_stored elements from these on. */
static void turned_block(Lower *w, const Turned *t, LoopAffine read, int n_read, LoopAffine stored, int n_stored) {
    const PlanStore *store = &w->kernel->stores.v[0];
    const Index *index = index_of_dims(w, 0, w->dims.n);
    LoopValue *rows[LANES];
    for (int i = 0; i < LANES; i++) {
        int mark = known_mark(w);
        if (i >= n_stored) {
            rows[i] = rows[0];
            continue;
        }
        group_bind(w, t->stored, affine_plus(stored, affine(i)), false);
        group_bind(w, t->read, read, true);
        w->active = n_read;
        rows[i] = loop_splat(&w->b, node_at(w, w->kernel->body, store->node, index));
        known_forget(w, mark);
    }
    loop_transpose16(&w->b, rows);
    w->active = n_stored;
    for (int i = 0; i < n_read; i++) {
        group_bind(w, t->read, affine_plus(read, affine(i)), false);
        group_bind(w, t->stored, stored, true);
        store_at(w, store, index, rows[i]);
    }
    w->active = 0;
    group_unbind(w, t->read);
    group_unbind(w, t->stored);
}
static void turned_row(Lower *w, const Turned *t, LoopAffine read, int n_read) {
    i64 extent = w->groups.v[t->stored].extent;
    LoopFor *loop = loop_for(&w->b, FOR_SERIAL, extent / LANES, 1, 0, NULL);
    turned_block(w, t, read, n_read, affine_loop(affine(0), loop, LANES), LANES);
    loop_for_end(&w->b, NULL);
    if (extent % LANES) turned_block(w, t, read, n_read, affine(extent / LANES * LANES), (int)(extent % LANES));
}
static void turned_from(Lower *w, const Turned *t, int level, bool parallel) {
    bool last = level == t->n;
    i64 extent = w->groups.v[last ? t->read : t->groups[level]].extent;
    int mark = known_mark(w), n_open;
    LoopFor *task;
    LoopAffine at = rounds_open(w, last ? extent / LANES : extent, parallel, 0, NULL, &n_open, &task);
    if (last) {
        turned_row(w, t, affine_times(at, LANES), LANES);
    } else {
        group_bind(w, t->groups[level], at, false);
        turned_from(w, t, level + 1, false);
        group_unbind(w, t->groups[level]);
    }
    while (n_open--) loop_for_end(&w->b, NULL);
    if (last && extent % LANES) turned_row(w, t, affine(extent / LANES * LANES), (int)(extent % LANES));
    known_forget(w, mark);
}

void lower_map(Lower *w) {
    Turned turned;
    const Type *type = w->kernel->stores.v[0].node->type;
    for (int i = 0; i < type->rank; i++) axes_dim(w, type->dims[i], AXIS_RESULT);
    run_trial(w, map_element, NULL);
    int lanes = best_lanes(w, AXIS_RESULT);
    if (is_turned(w, lanes, &turned)) turned_from(w, &turned, 0, w->kernel->parallel);
    else (nest_may_wrap(w, AXIS_RESULT, lanes) ? nest_wrapped : nest)(w, AXIS_RESULT, lanes, w->kernel->parallel, map_element, NULL);
}

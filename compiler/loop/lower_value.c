/* lower_value.c: the value of a node at an index: loaded where it is stored, else computed from its operands there; and stores.
**
** Values are known by node, index and guard for as long as the loop they were made in is open, so that a value used twice is made
** once. A guard holds the lanes in which a view reads inside its operand; elsewhere memory is not touched and loads give 0. */
#include "lower.h"

/* ---- indices */

Index *index_new(Lower *w, int n) {
    Index *index = arena_alloc(w->arena, sizeof(Index) + sizeof(LoopAffine) * (size_t)n);
    index->n = n;
    for (int i = 0; i < n; i++) index->at[i] = affine(0);
    return index;
}
Index *index_of_dims(Lower *w, int first, int n) {
    Index *index = index_new(w, n);
    for (int i = 0; i < n; i++) index->at[i] = axes_coordinate(w, first + i);
    return index;
}
bool affine_equal(const LoopAffine *a, const LoopAffine *b) {
    if (a->constant != b->constant || a->n != b->n) return false;
    for (int i = 0; i < a->n; i++) {
        bool found = false;
        for (int k = 0; k < b->n && !found; k++)
            found = a->terms[i].loop == b->terms[k].loop && a->terms[i].value == b->terms[k].value && a->terms[i].factor == b->terms[k].factor;
        if (!found) return false;
    }
    return true;
}
static bool index_equal(const Index *a, const Index *b) {
    if (a == b) return true;
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (!affine_equal(&a->at[i], &b->at[i])) return false;
    return true;
}

/* ---- what is known */

static i64 newest_of(const Lower *w, const Node *node) { return (i64)(intptr_t)map_get_ptr(&w->newest, node); }
static LoopValue *known_value(const Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    for (i64 i = newest_of(w, node); i; i = w->known.v[i - 1].before) {
        const Known *k = &w->known.v[i - 1];
        /* what is known of no cell, or without a guard, holds in all */
        bool holds = (!k->cell || k->cell == w->cell) && (!k->guard || k->guard == w->guard);
        if (k->body == body && holds && index_equal(k->index, index)) return k->value;
    }
    return NULL;
}
void know(Lower *w, const PlanBody *body, const Node *node, const Index *index, LoopValue *value) {
    Known k = {body, node, index, w->guard, w->cell, value, newest_of(w, node)};
    vec_push(w->arena, &w->known, k);
    map_set_ptr(&w->newest, node, (void *)(intptr_t)w->known.n);
}
int known_mark(const Lower *w) { return w->known.n; }
void known_forget(Lower *w, int mark) {
    while (w->known.n > mark) {
        const Known *k = &w->known.v[--w->known.n];
        map_set_ptr(&w->newest, k->node, (void *)(intptr_t)k->before);
    }
}

/* ---- memory */

/* Values that lie at one place are one parameter: a leaf updated in place is loaded from and stored to the same. */
int buffer_of(Lower *w, const PlanValue *value, bool written) {
    int i = 0;
    while (i < w->params.n && !plan_same_place(w->params.v[i].value, value)) i++;
    if (i == w->params.n) {
        nnc_check(w->trial, "%s meets a value that its trial did not", w->b.function->name);
        vec_push(w->arena, &w->params, ((Param){value, false, false, -1}));
    }
    Param *param = &w->params.v[i];
    if (written) param->written = true;
    nnc_check(param->value->type->dtype == value->type->dtype && plan_elements(param->value) == plan_elements(value),
              "one place holds values of two types");
    return param->buffer;
}
LoopAffine address_of(const PlanValue *value, const Index *index) {
    LoopAffine at = affine(0);
    i64 stride = 1;
    nnc_check(index->n == value->type->rank, "an index of %d axes for %d", index->n, value->type->rank);
    for (int i = index->n - 1; i >= 0; i--) {
        at = affine_plus(at, affine_times(index->at[i], stride));
        stride *= i == index->n - 1 ? plan_pitch(value) : value->type->dims[i];
    }
    return at;
}
static bool has_lane_value(const LoopAffine *a) {
    for (int i = 0; i < a->n; i++)
        if (a->terms[i].value && a->terms[i].value->type.lanes) return true;
    return false;
}
LoopValue *literal_of(Lower *w, Dtype dtype, double value) {
    LoopElem elem = elem_of_dtype(dtype);
    return dtype_real(dtype) ? loop_real(&w->b, elem, value) : loop_int(&w->b, elem, (i64)value);
}
/* Lanes of two rounds, each from where it lies. */
static LoopValue *load_wrapped(Lower *w, int buffer, LoopAffine at, i64 lane, i64 jump) {
    LoopValue *below = lanes_below(w, w->wrap), *above = loop_op(&w->b, LOP_not, below);
    bool plain = !has_lane_value(&at) && !w->guard;
    LoopAffine next = affine_plus(at, affine(jump));
    if (plain && !lane) return loop_op(&w->b, LOP_select, below, loop_splat(&w->b, loop_load(&w->b, buffer, at)), loop_splat(&w->b, loop_load(&w->b, buffer, next)));
    LoopAccess first = {.buffer = buffer, .at = at, .lanes = true, .stride = lane, .mask = plain && lane == 1 ? NULL : below};
    LoopAccess second = {.buffer = buffer, .at = next, .lanes = true, .stride = lane, .mask = above};
    if (w->guard) first.mask = loop_op(&w->b, LOP_and, below, w->guard), second.mask = loop_op(&w->b, LOP_and, above, w->guard);
    return loop_op(&w->b, LOP_select, below, loop_load_access(&w->b, first), loop_load_access(&w->b, second));
}
/* One element, or lanes where the address moves with them. */
static LoopValue *load_from(Lower *w, int buffer, LoopAffine form) {
    i64 lane;
    LoopAffine at = axes_realise(w, &form, &lane);
    if (axes_jump(w, &form)) return load_wrapped(w, buffer, at, lane, axes_jump(w, &form));
    LoopValue *column = lane > 1 ? columns_load(w, buffer, form, elem_of_dtype(w->b.function->buffers.v[buffer].dtype)) : NULL;
    if (column) return column;
    if (!lane && !has_lane_value(&at)) return loop_load(&w->b, buffer, at);
    LoopAffine part = affine(w->active);
    bool full = w->active == LANES, row = lane == 1 && !has_lane_value(&at) && !w->guard;
    LoopAccess access = {.buffer = buffer, .at = at, .lanes = true, .stride = lane, .part = full || row ? NULL : &part, .mask = w->guard};
    return loop_load_access(&w->b, access);
}
LoopValue *load_at(Lower *w, const PlanValue *value, const Index *index) {
    LoopAffine at = address_of(value, index);
    int buffer = buffer_of(w, value, false);
    if (!w->trial) return load_from(w, buffer, at);
    axes_note(w, at, true, false);
    return literal_of(w, value->type->dtype, 0);
}

static void store_wrapped(Lower *w, int buffer, LoopAffine at, i64 lane, i64 jump, LoopValue *value) {
    LoopAffine part = affine(w->wrap);
    LoopAccess first = {.buffer = buffer, .at = at, .lanes = true, .stride = lane, .part = &part}, second = first;
    second.at = affine_plus(at, affine(jump));
    second.part = NULL;
    second.mask = loop_op(&w->b, LOP_not, lanes_below(w, w->wrap));
    loop_store_access(&w->b, first, value);
    loop_store_access(&w->b, second, value);
}
void store_at(Lower *w, const PlanStore *store, const Index *index, LoopValue *value) {
    Index *place = index_new(w, index->n);
    for (int i = 0; i < index->n; i++) place->at[i] = index->at[i];
    for (int i = 0; store->shifts && i < index->n; i++) place->at[i].constant += store->shifts[i];
    LoopAffine form = address_of(store->value, place);
    int buffer = buffer_of(w, store->value, true);
    if (w->trial) {
        axes_note(w, form, true, true);
        for (int i = 0; i < w->params.n; i++)
            if (w->params.v[i].value == store->value || plan_same_place(w->params.v[i].value, store->value)) w->params.v[i].whole |= !store->shifts && store->value != w->kernel->scratch;
        return;
    }
    i64 lane;
    LoopAffine at = axes_realise(w, &form, &lane), part = affine(w->active);
    if (axes_jump(w, &form)) {
        store_wrapped(w, buffer, at, lane, axes_jump(w, &form), loop_splat(&w->b, value));
        return;
    }
    if (lane > 1 && columns_store(w, buffer, form, value)) return;
    if (!lane) {
        nnc_check(!value->type.lanes, "lanes for one element");
        loop_store(&w->b, buffer, at, value);
        return;
    }
    LoopAccess access = {.buffer = buffer, .at = at, .lanes = true, .stride = lane, .part = w->active < LANES ? &part : NULL};
    loop_store_access(&w->b, access, loop_splat(&w->b, value));
}
void stores_at(Lower *w, const Index *index) {
    const PlanKernel *kernel = w->kernel;
    LoopValue **values = ARENA_ARRAY(w->arena, LoopValue *, kernel->stores.n);
    for (int i = 0; i < kernel->stores.n; i++) {
        const PlanStore *store = &kernel->stores.v[i];
        if (is_maximum(kernel, store->node)) continue;
        values[i] = store->from ? load_at(w, store->from, index) : node_at(w, kernel->body, store->node, index);
    }
    for (int i = 0; i < kernel->stores.n; i++)
        if (!is_maximum(kernel, kernel->stores.v[i].node)) store_at(w, &kernel->stores.v[i], index, values[i]);
}

/* ---- numbers */

/* An affine form as a number: what moves with lanes by value is added up apart. */
LoopValue *number_at(Lower *w, LoopAffine form) {
    i64 lane;
    if (w->trial) axes_note(w, form, false, false);
    LoopAffine at = axes_realise(w, &form, &lane), scalar = affine(at.constant);
    for (int i = 0; i < at.n; i++)
        if (at.terms[i].loop) scalar = affine_loop(scalar, at.terms[i].loop, at.terms[i].factor);
        else if (!at.terms[i].value->type.lanes) scalar = affine_value(scalar, at.terms[i].value, at.terms[i].factor);
    if (w->trial) return loop_int(&w->b, ELEM_I32, 0);
    LoopValue *sum = lane ? loop_index_lanes(&w->b, scalar, lane) : loop_index(&w->b, scalar);
    i64 jump = axes_jump(w, &form);
    if (jump) {
        LoopValue *none = loop_splat(&w->b, loop_int(&w->b, ELEM_I32, 0)), *more = loop_splat(&w->b, loop_int(&w->b, ELEM_I32, jump));
        sum = loop_op(&w->b, LOP_add, loop_splat(&w->b, sum), loop_op(&w->b, LOP_select, lanes_below(w, w->wrap), none, more));
    }
    for (int i = 0; i < at.n; i++) {
        LoopValue *x = (LoopValue *)at.terms[i].value;
        if (!x || !x->type.lanes) continue;
        if (at.terms[i].factor != 1) x = loop_op(&w->b, LOP_mul, x, loop_splat(&w->b, loop_int(&w->b, ELEM_I32, at.terms[i].factor)));
        sum = loop_op(&w->b, LOP_add, loop_splat(&w->b, sum), x);
    }
    return sum;
}

/* ---- constants */

static bool is_uniform(const Node *node) {
    i64 bytes = dtype_bytes(node->type->dtype);
    for (i64 i = 1; i < node->type->count; i++)
        if (memcmp(node->at->data.v, node->at->data.v + i * bytes, (size_t)bytes)) return false;
    return true;
}
static LoopValue *scalar_of_key(Lower *w, const Node *node) {
    intptr_t number = (intptr_t)nodemap_get(&w->key->lifted, node);
    if (!number) return NULL;
    return w->trial ? loop_int(&w->b, ELEM_I32, 0) : w->scalars[number - 1];
}
static LoopValue *constant_at(Lower *w, const Node *node, const Index *index) {
    LoopValue *given = scalar_of_key(w, node);
    if (given) return given;
    if (is_uniform(node)) {
        u64 bits = 0;
        memcpy(&bits, node->at->data.v, (size_t)dtype_bytes(node->type->dtype));
        return loop_literal(&w->b, scalar_of(elem_of_dtype(node->type->dtype)), bits);
    }
    PlanValue value = {.type = node->type};
    LoopAffine at = address_of(&value, index);
    if (w->trial) {
        axes_note(w, at, true, false);
        return literal_of(w, node->type->dtype, 0);
    }
    intptr_t buffer = (intptr_t)nodemap_get(&w->constants, node) - 1;
    if (buffer < 0) {
        int data = loop_program_constant(w->program, node->at->data.n, node->at->data.v);
        buffer = loop_constant(&w->b, data, node->type->dtype, node->type->count);
        nodemap_set(&w->constants, node, (void *)(buffer + 1));
    }
    return load_from(w, (int)buffer, at);
}

/* ---- maps */

void lanes_unify(Lower *w, int n, LoopValue **values) {
    bool lanes = false;
    for (int i = 0; i < n; i++) lanes |= values[i]->type.lanes;
    for (int i = 0; lanes && i < n; i++) values[i] = loop_splat(&w->b, values[i]);
}
static LoopValue *random_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    Index *place = index_new(w, 1);
    LoopValue *args[6];
    args[0] = node_at(w, body, node->args[0], place);
    place = index_new(w, 1);
    place->at[0].constant = 1;
    args[1] = node_at(w, body, node->args[0], place);
    args[2] = node_at(w, body, node->args[1], index_new(w, 0));
    args[3] = node_at(w, body, node->args[2], index);
    args[4] = node_at(w, body, node->args[3], index);
    args[5] = scalar_of_key(w, node);
    lanes_unify(w, 6, args);
    return loop_random_at(&w->b, elem_of_dtype(node->type->dtype), args[5], (int)node->at->word, args[0], args[1], args[2], args[3], args[4]);
}
static LoopValue *map_of(Lower *w, const Node *node, LoopValue **args) {
    LoopBuilder *b = &w->b;
    lanes_unify(w, node->n_args, args);
    switch ((int)node->op) {
    case OP_exp: return loop_math(b, MATH_exp, args[0], NULL);
    case OP_log: return loop_math(b, MATH_log, args[0], NULL);
    case OP_tanh: return loop_math(b, MATH_tanh, args[0], NULL);
    case OP_sigmoid: return loop_math(b, MATH_sigmoid, args[0], NULL);
    case OP_sin: return loop_math(b, MATH_sin, args[0], NULL);
    case OP_cos: return loop_math(b, MATH_cos, args[0], NULL);
    case OP_erf: return loop_math(b, MATH_erf, args[0], NULL);
    case OP_pow: return loop_math(b, MATH_pow, args[0], args[1]);
    case OP_neg: return loop_apply(b, LOP_neg, args);
    case OP_abs: return loop_apply(b, LOP_abs, args);
    case OP_sqrt: return loop_apply(b, LOP_sqrt, args);
    case OP_floor: return loop_apply(b, LOP_floor, args);
    case OP_add: return loop_apply(b, LOP_add, args);
    case OP_sub: return loop_apply(b, LOP_sub, args);
    case OP_mul: return loop_apply(b, LOP_mul, args);
    case OP_div: return loop_apply(b, LOP_div, args);
    case OP_max: return loop_apply(b, LOP_max, args);
    case OP_min: return loop_apply(b, LOP_min, args);
    case OP_eq: return loop_apply(b, LOP_eq, args);
    case OP_lt: /* false < true */
        if (args[0]->type.elem != ELEM_MASK) return loop_apply(b, LOP_lt, args);
        return loop_op(b, LOP_and, loop_op(b, LOP_not, args[0]), args[1]);
    case OP_select: return loop_apply(b, LOP_select, args);
    case OP_cast: return loop_cast(b, args[0], elem_of_dtype(node->type->dtype));
    default: nnc_bug("%s is no map", op_name(node->op));
    }
}
static LoopValue *computed_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    LoopValue *args[3];
    if (node->op == OP_const) return constant_at(w, node, index);
    if (node->op == OP_iota) return number_at(w, index->at[0]);
    if (node->op == OP_random) return random_at(w, body, node, index);
    if (op_loop_class(node->op) != LOOP_map) return view_at(w, body, node, index);
    nnc_check(node->n_args <= 3, "a map of %d operands", node->n_args);
    for (int i = 0; i < node->n_args; i++) args[i] = node_at(w, body, node->args[i], index);
    return map_of(w, node, args);
}
/* Of an index of the full shape: the place in its row. */
LoopAffine row_place(const Lower *w, const Index *index) {
    const Type *full = w->kernel->full;
    LoopAffine at = affine(0);
    for (int i = w->kernel->anchor->type->rank; i < full->rank; i++) at = affine_plus(affine_times(at, full->dims[i]), index->at[i]);
    return at;
}
static LoopValue *argument_at(Lower *w, const PlanBody *body, const Node *arg, const Index *index) {
    const PlanOuter *outer = plan_outer(body, arg);
    if (!outer->lead) return node_at(w, outer->body, outer->node, index);
    Index *with_round = index_new(w, index->n + 1); /* of any round: all are the same */
    for (int i = 0; i < index->n; i++) with_round->at[i + 1] = index->at[i];
    return node_at(w, outer->body, outer->node, with_round);
}
LoopValue *node_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    if (node == w->kernel->anchor && body == w->kernel->body && w->anchor) {
        nnc_check(index_equal(index, w->anchor_index), "%s is wanted at another place than its own", op_name(node->op));
        return w->anchor;
    }
    LoopValue *value = known_value(w, body, node, index);
    if (value) return value;
    const PlanValue *stored = plan_value(body, node);
    const Spill *spill = w->spills.arena && body == w->kernel->body ? nodemap_get(&w->spills, node) : NULL;
    if (spill && spill->pass < w->pass) value = load_from(w, spill->buffer, row_place(w, index));
    else if (stored && stored->maker != w->kernel) value = load_at(w, stored, index);
    else if (node->op == OP_arg) value = argument_at(w, body, node, index);
    else value = computed_at(w, body, node, index);
    know(w, body, node, index, value);
    return value;
}

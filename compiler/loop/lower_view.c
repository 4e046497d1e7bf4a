/* lower_view.c: where an element of a view's result lies in its operand. A view costs nothing but an address: transposes permute
** the index, broadcasts drop of it, reshapes take it apart, affine moves it, take puts a looked-up number into it.
**
** Where a place may lie outside the operand (padding, windows), lanes that lie inside are a guard, and a single place is clamped. Where
** a form does not divide into affine parts, it is divided as a number: correct for any view, and slow. */
#include "lower.h"
#include "loop_range.h"

static LoopValue *number(Lower *w, i64 x) { return loop_int(&w->b, ELEM_I32, x); }
static LoopValue *apply2(Lower *w, LoopOp op, LoopValue *x, LoopValue *y) {
    LoopValue *args[2] = {x, y};
    lanes_unify(w, 2, args);
    return loop_apply(&w->b, op, args);
}

/* ---- reshape */

/* f = q * d + r, whatever f is; its value lies in 0..size-1. */
static void split_any(Lower *w, LoopAffine f, i64 d, i64 size, LoopAffine *q, LoopAffine *r) {
    if (axes_split(w, f, d, q, r)) return;
    w->inexact = true;
    LoopValue *x = number_at(w, f), *quotient = apply2(w, LOP_div, x, number(w, d));
    LoopValue *rest = apply2(w, LOP_sub, x, apply2(w, LOP_mul, quotient, number(w, d)));
    *q = affine_value(affine(0), loop_clamp(&w->b, quotient, 0, (size - 1) / d), 1);
    *r = affine_value(affine(0), loop_clamp(&w->b, rest, 0, d - 1), 1);
}
/* Axes from..to-1 of `to_dims` take the place of one flat index. */
static void unflatten(Lower *w, LoopAffine flat, const Type *type, int from, int to, Index *index) {
    i64 size = 1;
    for (int i = from; i < to; i++) size *= type->dims[i];
    for (int i = to - 1; i >= from; i--) {
        i64 d = type->dims[i];
        if (size == d) index->at[i] = flat, flat = affine(0);
        else split_any(w, flat, d, size, &flat, &index->at[i]);
        size /= d;
    }
}
/* Runs of axes with equal products are taken together. */
static const Index *reshape_index(Lower *w, const Type *from, const Type *to, const Index *index) {
    Index *result = index_new(w, to->rank);
    int i = 0, k = 0;
    while (i < from->rank || k < to->rank) {
        int i0 = i, k0 = k;
        i64 a = i < from->rank ? from->dims[i++] : 1, b = k < to->rank ? to->dims[k++] : 1;
        while (a != b) {
            if (a < b) a *= from->dims[i++];
            else b *= to->dims[k++];
        }
        LoopAffine flat = affine(0);
        for (int x = i0; x < i; x++) flat = affine_plus(affine_times(flat, from->dims[x]), index->at[x]);
        unflatten(w, flat, to, k0, k, result);
    }
    return result;
}

/* ---- affine */

static const Index *index_with(Lower *w, const Index *index, i64 axis, LoopAffine at) {
    Index *place = index_new(w, index->n);
    for (int i = 0; i < index->n; i++) place->at[i] = i == axis ? at : index->at[i];
    return place;
}

typedef struct Inside {
    LoopAffine at;   /* the place along the axis, where it is inside */
    LoopValue *mask; /* where it is; NULL: everywhere */
    bool guarded;    /* `at` holds under the mask only */
    bool never;      /* nowhere */
} Inside;
static bool moves_with_lanes(Lower *w, LoopAffine f) {
    i64 lane;
    LoopAffine at = axes_realise(w, &f, &lane);
    if (axes_jump(w, &f)) return true;
    for (int i = 0; i < at.n; i++) lane |= at.terms[i].value && at.terms[i].value->type.lanes;
    return lane != 0;
}
static bool divides(const LoopAffine *f, i64 m, bool *never) {
    for (int i = 0; i < f->n; i++)
        if (f->terms[i].factor % m) return false;
    *never = f->constant % m != 0;
    return true;
}
static LoopAffine divided(LoopAffine f, i64 m) {
    f.constant /= m;
    for (int i = 0; i < f.n; i++) f.terms[i].factor /= m;
    return f;
}
/* Places f that may lie outside 0..size-1. */
static Inside inside_range(Lower *w, LoopAffine f, i64 size) {
    i64 low, high;
    if (affine_bounds(&f, &low, &high)) {
        if (low >= 0 && high < size) return (Inside){.at = f};
        if (high < 0 || low >= size) return (Inside){.never = true};
    }
    LoopValue *x = number_at(w, f), *clamped = loop_clamp(&w->b, x, 0, size - 1);
    LoopValue *mask = loop_op(&w->b, LOP_eq, x, clamped);
    if (w->trial || moves_with_lanes(w, f)) return (Inside){.at = f, .mask = mask, .guarded = true};
    return (Inside){.at = affine_value(affine(0), clamped, 1), .mask = mask};
}
static LoopAffine affine_form(const Attrs *at, const Index *index) {
    LoopAffine f = affine_plus(affine_times(index->at[at->axis], at->a), affine(at->c));
    return at->k >= 0 ? affine_plus(f, affine_times(index->at[at->k], at->b)) : f;
}
static Inside inside_of(Lower *w, const Attrs *at, const Index *index, i64 size) {
    LoopAffine f = affine_form(at, index);
    bool never = false;
    if (at->m == 1) return inside_range(w, f, size);
    if (divides(&f, at->m, &never)) return never ? (Inside){.never = true} : inside_range(w, divided(f, at->m), size);
    LoopValue *x = number_at(w, f), *quotient = apply2(w, LOP_div, x, number(w, at->m));
    LoopValue *exact = loop_op(&w->b, LOP_eq, x, apply2(w, LOP_mul, quotient, number(w, at->m)));
    LoopValue *clamped = loop_clamp(&w->b, quotient, 0, size - 1);
    LoopValue *mask = loop_op(&w->b, LOP_and, exact, loop_op(&w->b, LOP_eq, quotient, clamped));
    return (Inside){.at = affine_value(affine(0), clamped, 1), .mask = mask};
}
static LoopValue *affine_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    const Type *x = node->args[0]->type;
    LoopValue *fill = literal_of(w, node->type->dtype, node->at->fill);
    Inside in = inside_of(w, node->at, index, x->dims[node->at->axis]);
    if (in.never) return fill;
    const Index *place = index_with(w, index, node->at->axis, in.at);
    LoopValue *before = w->guard;
    if (in.guarded) {
        LoopValue *mask = loop_splat(&w->b, in.mask);
        w->guard = before ? loop_op(&w->b, LOP_and, before, mask) : mask;
    }
    LoopValue *value = node_at(w, body, node->args[0], place);
    w->guard = before;
    if (!in.mask) return value;
    LoopValue *args[3] = {in.mask, value, fill};
    lanes_unify(w, 3, args);
    return loop_apply(&w->b, LOP_select, args);
}

/* ---- the others */

/* A put of one slice an index: 0 + y where the index names this place. */
static LoopValue *placing_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    int axis = (int)node->at->axis, batch = (int)node->at->batch;
    Index *pick = index_new(w, batch), *from = index_new(w, index->n - 1);
    for (int i = 0; i < batch; i++) pick->at[i] = index->at[i];
    for (int i = 0; i < from->n; i++) from->at[i] = index->at[i < axis ? i : i + 1];
    LoopValue *row = loop_clamp(&w->b, node_at(w, body, node->args[1], pick), 0, node->at->size - 1);
    LoopValue *here = apply2(w, LOP_eq, number_at(w, index->at[axis]), row), *zero = literal_of(w, node->type->dtype, 0);
    LoopValue *value = apply2(w, LOP_add, zero, node_at(w, body, node->args[0], from));
    LoopValue *args[3] = {here, value, zero};
    lanes_unify(w, 3, args);
    return loop_apply(&w->b, LOP_select, args);
}

static const Index *transpose_index(Lower *w, const Node *node, const Index *index) {
    Index *place = index_new(w, index->n);
    for (int i = 0; i < index->n; i++) place->at[node->at->perm.v[i]] = index->at[i];
    return place;
}
static const Index *broadcast_index(Lower *w, const Node *node, const Index *index) {
    Index *place = index_new(w, node->args[0]->type->rank);
    for (int i = 0; i < place->n; i++) place->at[i] = index->at[node->at->dims.v[i]];
    return place;
}
/* Of an affine view that surely stays inside; NULL else. */
static const Index *inside_index(Lower *w, const Node *node, const Index *index) {
    i64 low, high;
    bool never = false;
    LoopAffine f = affine_form(node->at, index);
    if (!divides(&f, node->at->m, &never) || never) return NULL;
    f = divided(f, node->at->m);
    if (!affine_bounds(&f, &low, &high) || low < 0 || high >= node->args[0]->type->dims[node->at->axis]) return NULL;
    return index_with(w, index, node->at->axis, f);
}
/* As reshape_index, but only where all is affine. */
static const Index *reshape_exact(Lower *w, const Node *node, const Index *index) {
    w->inexact = false;
    const Index *place = reshape_index(w, node->type, node->args[0]->type, index);
    return w->inexact ? NULL : place;
}
bool view_step(Lower *w, const PlanBody **body, const Node **node, const Index **index) {
    const Node *n = *node;
    const Index *place = NULL;
    switch ((int)n->op) {
    case OP_reshape: place = reshape_exact(w, n, *index); break;
    case OP_transpose: place = transpose_index(w, n, *index); break;
    case OP_broadcast: place = broadcast_index(w, n, *index); break;
    case OP_affine: place = inside_index(w, n, *index); break;
    case OP_arg: {
        const PlanOuter *outer = plan_outer(*body, n);
        Index *with_round = index_new(w, (*index)->n + outer->lead);
        for (int i = 0; i < (*index)->n; i++) with_round->at[i + outer->lead] = (*index)->at[i];
        *body = outer->body, *node = outer->node, *index = with_round;
        return true;
    }
    default: break;
    }
    if (!place) return false;
    *node = n->args[0], *index = place;
    return true;
}

static LoopValue *take_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    const Type *x = node->args[0]->type, *i = node->args[1]->type;
    int axis = (int)node->at->axis, batch = (int)node->at->batch, picks = i->rank - batch;
    Index *pick = index_new(w, i->rank), *place = index_new(w, x->rank);
    for (int k = 0; k < batch; k++) pick->at[k] = index->at[k];
    for (int k = 0; k < picks; k++) pick->at[batch + k] = index->at[axis + k];
    LoopValue *picked = node_at(w, body, node->args[1], pick);
    for (int k = 0; k < axis; k++) place->at[k] = index->at[k];
    for (int k = axis + 1; k < x->rank; k++) place->at[k] = index->at[k + picks - 1];
    place->at[axis] = affine_value(affine(0), loop_clamp(&w->b, picked, 0, x->dims[axis] - 1), 1);
    return node_at(w, body, node->args[0], place);
}
LoopValue *view_at(Lower *w, const PlanBody *body, const Node *node, const Index *index) {
    switch ((int)node->op) {
    case OP_reshape: return node_at(w, body, node->args[0], reshape_index(w, node->type, node->args[0]->type, index));
    case OP_transpose: return node_at(w, body, node->args[0], transpose_index(w, node, index));
    case OP_broadcast: return node_at(w, body, node->args[0], broadcast_index(w, node, index));
    case OP_affine: return affine_at(w, body, node, index);
    case OP_take: return take_at(w, body, node, index);
    case OP_put: return placing_at(w, body, node, index);
    default: nnc_bug("%s is wanted where it is not stored", op_name(node->op));
    }
}

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

typedef struct Inside {
    LoopAffine at;   /* the place along the axis, where it is inside */
    LoopValue *mask; /* where it is; NULL: everywhere */
    bool guarded;    /* `at` holds under the mask only */
    bool never;      /* nowhere */
} Inside;
static bool moves_with_lanes(Lower *w, LoopAffine f) {
    i64 lane;
    LoopAffine at = axes_realise(w, &f, &lane);
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
static Inside inside_of(Lower *w, const Attrs *at, const Index *index, i64 size) {
    LoopAffine f = affine_plus(affine_times(index->at[at->axis], at->a), affine(at->c));
    bool never = false;
    if (at->k >= 0) f = affine_plus(f, affine_times(index->at[at->k], at->b));
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
    Index *place = index_new(w, index->n);
    for (int i = 0; i < index->n; i++) place->at[i] = index->at[i];
    place->at[node->at->axis] = in.at;
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
    const Type *from = node->n_args ? node->args[0]->type : NULL;
    Index *place;
    switch ((int)node->op) {
    case OP_reshape: return node_at(w, body, node->args[0], reshape_index(w, node->type, from, index));
    case OP_transpose:
        place = index_new(w, index->n);
        for (int i = 0; i < index->n; i++) place->at[node->at->perm.v[i]] = index->at[i];
        return node_at(w, body, node->args[0], place);
    case OP_broadcast:
        place = index_new(w, from->rank);
        for (int i = 0; i < from->rank; i++) place->at[i] = index->at[node->at->dims.v[i]];
        return node_at(w, body, node->args[0], place);
    case OP_affine: return affine_at(w, body, node, index);
    case OP_take: return take_at(w, body, node, index);
    default: nnc_bug("%s is wanted where it is not stored", op_name(node->op));
    }
}

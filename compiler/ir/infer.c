/* infer.c: the type rule of each operator. A rule gives the type of the result, or NULL and what is wrong, without the operator
** and its operands: infer_type puts them in front. Everything that graph.h demands of attributes is demanded here, so what has
** been built is well formed. */
#include "rules.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static const Type *wrong(Infer *in, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    in->why = arena_printf(graph_arena(in->g), "%s", text);
    return NULL;
}
static const Type *operand(const Infer *in, int i) { return in->args[i]->type; }
static const Type *result(Infer *in, Dtype dtype, int rank, const i64 *dims) {
    if (rank > RANK_MAX) return wrong(in, "the result would have %d axes, at most %d are possible", rank, RANK_MAX);
    for (int i = 0; i < rank; i++)
        if (dims[i] < 1) return wrong(in, "axis %d of the result would have %lld elements", i, (long long)dims[i]);
    return type_get(in->g, dtype, rank, dims);
}
static bool rises(List axes, int rank) {
    for (int i = 0; i < axes.n; i++)
        if (axes.v[i] < 0 || axes.v[i] >= rank || (i && axes.v[i] <= axes.v[i - 1])) return false;
    return true;
}
static u32 axis_mask(List axes) {
    u32 mask = 0;
    for (int i = 0; i < axes.n; i++) mask |= 1u << axes.v[i];
    return mask;
}
const Type *infer_type(Infer *in) {
    const Type *type = NULL;
    int arity = op_arity(in->op);
    if (arity >= 0 && arity != in->n) {
        wrong(in, "it takes %d operand%s, not %d", arity, arity == 1 ? "" : "s", in->n);
    } else {
        bool many = false;
        for (int i = 0; i < in->n; i++) many |= operand(in, i)->dtype == DT_TUPLE;
        if (many && in->op != OP_get) wrong(in, "an operand is many values");
        else type = op_infer(in->op)(in);
    }
    if (type) return type;
    Text text = {.arena = graph_arena(in->g)};
    text_add(&text, op_name(in->op));
    for (int i = 0; i < in->n; i++) {
        text_add(&text, i ? ", " : " of ");
        type_print(&text, operand(in, i));
    }
    text_printf(&text, ": %s", in->why);
    in->why = text_done(&text);
    return NULL;
}

/* ---- leaves */
const Type *infer_arg(Infer *in) {
    if (!in->at->type || in->at->type->dtype == DT_TUPLE || in->at->index < 0) return wrong(in, "it needs a type and a number");
    return in->at->type;
}
const Type *infer_const(Infer *in) {
    const Attrs *at = in->at;
    const Type *type = at->dtype < DT_COUNT ? result(in, at->dtype, at->to.n, at->to.v) : wrong(in, "it needs a dtype");
    if (!type) return NULL;
    if (type->count > 4096) return wrong(in, "%lld elements, at most 4096 are possible", (long long)type->count);
    if (at->data.n != type_bytes(type)) return wrong(in, "%lld bytes of data", (long long)at->data.n);
    for (i64 i = 0; type->dtype == DT_bool && i < at->data.n; i++)
        if (at->data.v[i] > 1) return wrong(in, "a bool that is neither 0 nor 1");
    return type;
}
const Type *infer_iota(Infer *in) {
    if (in->at->count >= (i64)1 << 31) return wrong(in, "its last element does not fit an i32");
    return result(in, DT_i32, 1, &in->at->count);
}
const Type *infer_random(Infer *in) {
    i64 two = 2;
    const Attrs *at = in->at;
    if (operand(in, 0) != type_get(in->g, DT_i32, 1, &two)) return wrong(in, "the key is not i32[2]");
    if (operand(in, 1) != type_scalar(in->g, DT_i32)) return wrong(in, "the step is not i32[]");
    if (operand(in, 2) != operand(in, 3) || operand(in, 3)->dtype != DT_i32) return wrong(in, "row and element differ or are not i32");
    if (!dtype_real(at->dtype)) return wrong(in, "draws are real");
    if (at->place < 0 || at->place > UINT32_MAX || at->word < 0 || at->word > 1) return wrong(in, "place or word out of range");
    return type_with_dtype(in->g, operand(in, 3), at->dtype);
}

/* ---- maps */
const Type *infer_same(Infer *in) {
    for (int i = 1; i < in->n; i++)
        if (operand(in, i) != operand(in, 0)) return wrong(in, "the types differ");
    return operand(in, 0);
}
const Type *infer_real(Infer *in) {
    return dtype_real(operand(in, 0)->dtype) ? infer_same(in) : wrong(in, "it takes real numbers");
}
const Type *infer_number(Infer *in) {
    Dtype dtype = operand(in, 0)->dtype;
    return dtype_real(dtype) || dtype == DT_i32 ? infer_same(in) : wrong(in, "it takes numbers");
}
const Type *infer_ordered(Infer *in) {
    return operand(in, 0)->dtype != DT_u8 ? infer_same(in) : wrong(in, "u8 must be cast first");
}
const Type *infer_compare(Infer *in) {
    const Type *type = infer_ordered(in);
    return type ? type_with_dtype(in->g, type, DT_bool) : NULL;
}
const Type *infer_select(Infer *in) {
    if (operand(in, 1) != operand(in, 2)) return wrong(in, "the two choices differ");
    if (operand(in, 0) != type_with_dtype(in->g, operand(in, 1), DT_bool))
        return wrong(in, "the condition is not bool of the same shape");
    return operand(in, 1);
}
const Type *infer_cast(Infer *in) {
    return in->at->dtype < DT_COUNT ? type_with_dtype(in->g, operand(in, 0), in->at->dtype) : wrong(in, "it needs a dtype");
}

/* ---- views */
const Type *infer_reshape(Infer *in) {
    const Type *type = result(in, operand(in, 0)->dtype, in->at->to.n, in->at->to.v);
    return !type || type->count == operand(in, 0)->count ? type : wrong(in, "the number of elements changes");
}
const Type *infer_transpose(Infer *in) {
    const Type *x = operand(in, 0);
    List perm = in->at->perm;
    i64 dims[RANK_MAX];
    if (perm.n != x->rank) return wrong(in, "%d axes are permuted", perm.n);
    u32 seen = 0;
    for (int i = 0; i < perm.n; i++) {
        i64 p = perm.v[i];
        if (p < 0 || p >= x->rank || (seen >> p & 1)) return wrong(in, "perm is no permutation");
        seen |= 1u << p;
        dims[i] = x->dims[p];
    }
    return result(in, x->dtype, x->rank, dims);
}
const Type *infer_broadcast(Infer *in) {
    const Type *x = operand(in, 0);
    List to = in->at->to, dims = in->at->dims;
    if (dims.n != x->rank || !rises(dims, to.n)) return wrong(in, "dims must name one rising axis for each of the operand's");
    for (int i = 0; i < dims.n; i++)
        if (to.v[dims.v[i]] != x->dims[i]) return wrong(in, "axis %d has another length in the result", i);
    return result(in, x->dtype, to.n, to.v);
}
/* Whether a*i + b*K + c stays within 64 bits for all i and K. */
static bool affine_fits(const Attrs *at, i64 size, i64 other) {
    i64 reach = 0, part;
    const i64 factors[3] = {at->a, at->b, at->c}, counts[3] = {size, other, 1};
    for (int i = 0; i < 3; i++) {
        if (factors[i] == INT64_MIN || !i64_multiply(factors[i] < 0 ? -factors[i] : factors[i], counts[i], &part)) return false;
        if (!i64_add(reach, part, &reach)) return false;
    }
    return true;
}
const Type *infer_affine(Infer *in) {
    const Type *x = operand(in, 0);
    const Attrs *at = in->at;
    i64 dims[RANK_MAX];
    if (at->axis < 0 || at->axis >= x->rank) return wrong(in, "there is no axis %lld", (long long)at->axis);
    if (at->a == 0 || at->m < 1) return wrong(in, "a must not be 0, m at least 1");
    if (at->k == -1 ? at->b != 0 : at->k < 0 || at->k >= x->rank || at->k == at->axis)
        return wrong(in, "k must be another axis, or -1 and b 0");
    memcpy(dims, x->dims, sizeof(i64) * (size_t)x->rank);
    dims[at->axis] = at->size;
    if (!affine_fits(at, at->size, at->k < 0 ? 1 : x->dims[at->k])) in->too_large = true;
    return result(in, x->dtype, x->rank, dims);
}
const Type *infer_concat(Infer *in) {
    if (in->n < 1) return wrong(in, "it takes at least one operand");
    const Type *first = operand(in, 0);
    i64 dims[RANK_MAX], axis = in->at->axis, sum = 0;
    if (axis < 0 || axis >= first->rank) return wrong(in, "there is no axis %lld", (long long)axis);
    for (int i = 0; i < in->n; i++) {
        const Type *x = operand(in, i);
        bool fits = x->dtype == first->dtype && x->rank == first->rank;
        for (int j = 0; fits && j < x->rank; j++) fits = j == axis || x->dims[j] == first->dims[j];
        if (!fits) return wrong(in, "operand %d does not fit the first", i);
        if (!i64_add(sum, x->dims[axis], &sum)) return in->too_large = true, first;
    }
    memcpy(dims, first->dims, sizeof(i64) * (size_t)first->rank);
    dims[axis] = sum;
    return result(in, first->dtype, first->rank, dims);
}

/* ---- sums and products */
static bool cut_fits(const Infer *in) {
    i64 cut = in->at->cut;
    return cut == 0 ? in->at->cut_axis == 0 : cut >= 1 && cut <= 1 << 20 && (cut & (cut - 1)) == 0;
}
static bool list_has(List list, i64 x) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == x) return true;
    return false;
}
const Type *infer_reduce(Infer *in) {
    const Type *x = operand(in, 0);
    List axes = in->at->axes;
    i64 dims[RANK_MAX];
    int n = 0;
    if (!dtype_real(x->dtype) && x->dtype != DT_i32) return wrong(in, "it takes numbers");
    if (axes.n == 0 || !rises(axes, x->rank)) return wrong(in, "axes must be rising axes of the operand, at least one");
    if (!cut_fits(in) || (in->at->cut && !list_has(axes, in->at->cut_axis))) return wrong(in, "the cut is not at a summed axis");
    for (int i = 0; i < x->rank; i++)
        if (!list_has(axes, i)) dims[n++] = x->dims[i];
    return result(in, x->dtype, n, dims);
}
static bool pairs_fit(const Type *l, const Type *r, List a, List b) {
    if (a.n != b.n) return false;
    for (int i = 0; i < a.n; i++) {
        if (a.v[i] < 0 || a.v[i] >= l->rank || b.v[i] < 0 || b.v[i] >= r->rank) return false;
        if (l->dims[a.v[i]] != r->dims[b.v[i]]) return false;
    }
    return true;
}
static bool disjoint(List a, List b) { return __builtin_popcount(axis_mask(a) | axis_mask(b)) == a.n + b.n; }
static bool windows_fit(const Infer *in, int rank) {
    const Attrs *at = in->at;
    if (at->inside.n % INSIDE_WORDS || (at->inside.n && at->order != ORDER_CHAIN)) return false;
    for (int i = 0; i < at->inside.n; i += INSIDE_WORDS) {
        const i64 *w = at->inside.v + i;
        if (w[INSIDE_AXIS] < at->lb.n || w[INSIDE_AXIS] >= rank || w[INSIDE_PLACE] < 0 || w[INSIDE_PLACE] >= at->lc.n) return false;
        if ((w[INSIDE_B] != 1 && w[INSIDE_B] != -1) || w[INSIDE_N] < 1 || (at->cut && at->cut_axis == w[INSIDE_PLACE])) return false;
    }
    return true;
}
const Type *infer_dot(Infer *in) {
    const Type *l = operand(in, 0), *r = operand(in, 1);
    const Attrs *at = in->at;
    i64 dims[2 * RANK_MAX];
    int n = 0;
    if (l->dtype != r->dtype || !dtype_real(l->dtype)) return wrong(in, "it takes real numbers of one kind");
    if (!pairs_fit(l, r, at->lb, at->rb)) return wrong(in, "the batch axes do not fit");
    if (!pairs_fit(l, r, at->lc, at->rc)) return wrong(in, "the contracted axes do not fit");
    if (!disjoint(at->lb, at->lc) || !disjoint(at->rb, at->rc)) return wrong(in, "an axis is named twice");
    if (!cut_fits(in) || (at->cut && (at->cut_axis < 0 || at->cut_axis >= at->lc.n)))
        return wrong(in, "the cut is not at a contracted axis");
    for (int i = 0; i < at->lb.n; i++) dims[n++] = l->dims[at->lb.v[i]];
    for (int i = 0; i < l->rank; i++)
        if (!((axis_mask(at->lb) | axis_mask(at->lc)) >> i & 1)) dims[n++] = l->dims[i];
    for (int i = 0; i < r->rank; i++)
        if (!((axis_mask(at->rb) | axis_mask(at->rc)) >> i & 1)) dims[n++] = r->dims[i];
    if (!windows_fit(in, n)) return wrong(in, "a window is not of a free and a contracted axis");
    return result(in, l->dtype, n, dims);
}

/* ---- indices */
static bool leads_agree(const Type *a, const Type *b, i64 n) {
    if (n < 0 || n > a->rank || n > b->rank) return false;
    for (i64 i = 0; i < n; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}
const Type *infer_take(Infer *in) {
    const Type *x = operand(in, 0), *index = operand(in, 1);
    i64 batch = in->at->batch, axis = in->at->axis, dims[2 * RANK_MAX];
    int n = 0;
    if (index->dtype != DT_i32) return wrong(in, "the index is not i32");
    if (!leads_agree(x, index, batch)) return wrong(in, "the first %lld axes differ", (long long)batch);
    if (axis < batch || axis >= x->rank) return wrong(in, "there is no axis %lld after the batch", (long long)axis);
    for (i64 i = 0; i < axis; i++) dims[n++] = x->dims[i];
    for (i64 i = batch; i < index->rank; i++) dims[n++] = index->dims[i];
    for (i64 i = axis + 1; i < x->rank; i++) dims[n++] = x->dims[i];
    return result(in, x->dtype, n, dims);
}
const Type *infer_put(Infer *in) {
    const Type *y = operand(in, 0), *index = operand(in, 1);
    const Attrs *at = in->at;
    i64 dims[RANK_MAX + 1];
    int n = 0;
    if (index->dtype != DT_i32) return wrong(in, "the index is not i32");
    if (!dtype_real(y->dtype) && y->dtype != DT_i32) return wrong(in, "it adds numbers");
    if (!leads_agree(y, index, at->batch)) return wrong(in, "the first %lld axes differ", (long long)at->batch);
    i64 q = index->rank - at->batch;
    if (at->axis < at->batch || at->axis + q > y->rank)
        return wrong(in, "there is no axis %lld after the batch", (long long)at->axis);
    for (i64 i = 0; i < q; i++)
        if (y->dims[at->axis + i] != index->dims[at->batch + i])
            return wrong(in, "the values do not have the index's shape at axis %lld", (long long)at->axis);
    if (!cut_fits(in) || (at->cut && (at->cut_axis < at->batch || at->cut_axis >= index->rank)))
        return wrong(in, "the cut is not at an axis of the index");
    for (i64 i = 0; i < at->axis; i++) dims[n++] = y->dims[i];
    dims[n++] = at->size;
    for (i64 i = at->axis + q; i < y->rank; i++) dims[n++] = y->dims[i];
    return result(in, y->dtype, n, dims);
}
const Type *infer_top(Infer *in) {
    const Type *x = operand(in, 0);
    i64 dims[RANK_MAX], count = in->at->count;
    if (!dtype_real(x->dtype) && x->dtype != DT_i32) return wrong(in, "it takes numbers");
    if (x->rank < 1 || count < 1 || count > x->dims[x->rank - 1])
        return wrong(in, "the last axis does not have %lld", (long long)count);
    memcpy(dims, x->dims, sizeof(i64) * (size_t)x->rank);
    dims[x->rank - 1] = count;
    return result(in, DT_i32, x->rank, dims);
}

/* ---- loops */
/* What the body must take as its i-th argument. */
static const Type *round_type(Infer *in, int i) {
    const Type *x = operand(in, i);
    if (i < in->at->carry + in->at->constants) return x;
    if (x->rank < 1 || x->dims[0] != in->at->length)
        return wrong(in, "operand %d is not of %lld rounds", i, (long long)in->at->length);
    return type_without_lead(in->g, x);
}
const Type *infer_scan(Infer *in) {
    const Attrs *at = in->at;
    const Func *body = at->body;
    if (!body || at->length < 1 || at->carry < 0 || at->constants < 0 || (at->reverse & ~(i64)1))
        return wrong(in, "it needs a body and rounds");
    if (at->carry > in->n || at->constants > in->n - at->carry) return wrong(in, "too few operands");
    if (body->n_params != in->n || body->n_results < at->carry)
        return wrong(in, "the body takes %d and gives %d values", body->n_params, body->n_results);
    for (int i = 0; i < in->n; i++) {
        const Type *want = round_type(in, i);
        if (!want) return NULL;
        if (body->params[i] != want) return wrong(in, "argument %d of the body has another type", i);
    }
    const Type **parts = ARENA_ARRAY(graph_arena(in->g), const Type *, body->n_results);
    for (int i = 0; i < body->n_results; i++) {
        const Type *type = body->results[i]->type;
        if (i < at->carry && type != body->params[i]) return wrong(in, "carried value %d changes its type", i);
        if (i >= at->carry && type->rank == RANK_MAX) return wrong(in, "a stacked value would have too many axes");
        parts[i] = i < at->carry ? type : type_with_lead(in->g, type, at->length);
    }
    return type_tuple(in->g, body->n_results, parts);
}
const Type *infer_get(Infer *in) {
    const Type *x = operand(in, 0);
    if (x->dtype != DT_TUPLE || in->at->index < 0 || in->at->index >= x->rank)
        return wrong(in, "there is no result %lld", (long long)in->at->index);
    return x->parts[in->at->index];
}

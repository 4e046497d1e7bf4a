/* eval_index.c: the interpreter on take, put and top. */
#include "rules.h"
#include <stdlib.h>
#include <string.h>

static i64 clamped(i32 i, i64 n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }
static i64 product(const Type *type, i64 from, i64 to) {
    i64 count = 1;
    for (i64 i = from; i < to; i++) count *= type->dims[i];
    return count;
}
void eval_take(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    const Type *x = args[0].type, *index = args[1].type;
    i64 axis = node->at->axis, batch = node->at->batch, n = x->dims[axis];
    i64 batches = product(x, 0, batch), before = product(x, batch, axis), picks = product(index, batch, index->rank);
    size_t bytes = (size_t)(product(x, axis + 1, x->rank) * dtype_bytes(x->dtype));
    const i32 *picked = args[1].data;
    const char *in = args[0].data;
    char *out = results[0].data;
    for (i64 b = 0; b < batches; b++, picked += picks)
        for (i64 p = 0; p < before; p++, in += (size_t)n * bytes)
            for (i64 i = 0; i < picks; i++, out += bytes) memcpy(out, in + (size_t)clamped(picked[i], n) * bytes, bytes);
}

/* ---- put */
static void add_slice(Dtype dtype, void *to, const void *from, i64 n) {
    if (dtype == DT_f32) {
        for (i64 i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
    } else if (dtype == DT_f64) {
        for (i64 i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
    } else {
        for (i64 i = 0; i < n; i++) ((u32 *)to)[i] += ((const u32 *)from)[i];
    }
}
/* Adds the slices that `picks` names (which of the index, in order), beginning at `first`. */
static void put_block(const Node *node, const Tensor *args, const i64 *picks, i64 n_picks, i64 first, char *out) {
    const Type *y = args[0].type, *index = args[1].type;
    i64 axis = node->at->axis, batch = node->at->batch, q = index->rank - batch, size = node->at->size;
    i64 batches = product(y, 0, batch), before = product(y, batch, axis), all = product(index, batch, index->rank);
    i64 run = product(y, axis + q, y->rank), bytes = run * dtype_bytes(y->dtype);
    const i32 *picked = args[1].data;
    const char *in = args[0].data;
    memset(out, 0, (size_t)type_bytes(node->type));
    for (i64 b = 0; b < batches; b++, picked += all)
        for (i64 p = 0; p < before; p++, in += all * bytes, out += size * bytes)
            for (i64 i = 0; i < n_picks; i++) {
                i64 pick = first + picks[i];
                add_slice(y->dtype, out + clamped(picked[pick], size) * bytes, in + pick * bytes, run);
            }
}
void eval_put(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    const Type *index = args[1].type;
    i64 batch = node->at->batch, cut = node->at->cut, bytes = type_bytes(node->type), strides[RANK_MAX];
    Axes all = {.n = (int)(index->rank - batch)};
    type_strides(index, strides);
    for (int i = 0; i < all.n; i++) all.dims[i] = index->dims[batch + i], all.strides[i] = strides[batch + i];
    char *partial = cut ? eval_memory(eval, bytes * cut) : results[0].data;
    for (i64 b = 0; b < (cut ? cut : 1); b++) {
        Axes block = all;
        i64 first = 0;
        if (cut && !axes_cut(&block, (int)(node->at->cut_axis - batch), cut, b, &first)) {
            memset(partial + b * bytes, 0, (size_t)bytes);
            continue;
        }
        i64 *picks = axes_offsets(eval, &block);
        put_block(node, args, picks, axes_count(&block), first, partial + b * bytes);
        eval_memory_free(eval, picks);
    }
    if (!cut) return;
    add_pairs(node->type->dtype, partial, cut, node->type->count, results[0].data);
    eval_memory_free(eval, partial);
}

/* ---- top: of a row, as doubles (exact for every type it takes) */
static bool is_before(const double *row, i32 a, i32 b) { /* a total order: NaN first, falling, rising index */
    bool a_nan = row[a] != row[a], b_nan = row[b] != row[b];
    if (a_nan || b_nan) return a_nan && (!b_nan || a < b);
    return row[a] != row[b] ? row[a] > row[b] : a < b;
}
static int by_rank(const void *a, const void *b, void *row) {
    i32 x = *(const i32 *)a, y = *(const i32 *)b;
    return x == y ? 0 : is_before(row, x, y) ? -1 : 1;
}
static void load_row(double *row, const Tensor *x, i64 from, i64 n) {
    for (i64 i = 0; i < n; i++)
        row[i] = x->type->dtype == DT_f32   ? (double)((const float *)x->data)[from + i]
                 : x->type->dtype == DT_f64 ? ((const double *)x->data)[from + i]
                                            : (double)((const i32 *)x->data)[from + i];
}
void eval_top(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    const Type *x = args[0].type;
    i64 n = x->dims[x->rank - 1], count = node->at->count;
    i32 *out = results[0].data;
    double *row = eval_memory(eval, n * (i64)sizeof(double));
    i32 *order = eval_memory(eval, n * (i64)sizeof(i32));
    for (i64 from = 0; from < x->count; from += n, out += count) {
        load_row(row, &args[0], from, n);
        for (i64 i = 0; i < n; i++) order[i] = (i32)i;
        if (count == 1) {
            for (i64 i = 1; i < n; i++)
                if (is_before(row, order[i], order[0])) order[0] = order[i];
        } else {
            qsort_r(order, (size_t)n, sizeof *order, by_rank, row);
        }
        memcpy(out, order, sizeof *out * (size_t)count);
    }
    eval_memory_free(eval, order);
    eval_memory_free(eval, row);
}

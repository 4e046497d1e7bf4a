/* eval_view.c: the interpreter on views: elements are moved, never computed with, so everything goes by their size in bytes. */
#include "rules.h"
#include <string.h>

/* n elements of `bytes` bytes from `from`, `stride` elements apart, to `to`, one after another. */
static void copy_row(void *to, const void *from, i64 n, i64 stride, int bytes) {
#define COPY(T)                                                                                                        \
    do {                                                                                                               \
        T *out = to;                                                                                                   \
        const T *in = from;                                                                                            \
        for (i64 i = 0; i < n; i++) out[i] = in[i * stride];                                                           \
    } while (0)
    if (stride == 1) memcpy(to, from, (size_t)(n * bytes));
    else if (bytes == 1) COPY(u8);
    else if (bytes == 4) COPY(u32);
    else COPY(u64);
#undef COPY
}
/* Neighbouring axes over which the operand is walked evenly become one. */
static void merge_axes(Axes *axes) {
    int n = 0;
    for (int i = 0; i < axes->n; i++) {
        if (axes->dims[i] == 1) continue;
        if (n && axes->strides[n - 1] == axes->strides[i] * axes->dims[i]) {
            axes->dims[n - 1] *= axes->dims[i];
            axes->strides[n - 1] = axes->strides[i];
        } else {
            axes->dims[n] = axes->dims[i];
            axes->strides[n++] = axes->strides[i];
        }
    }
    axes->n = n;
}
/* The elements of `in` that the axes name, in row-major order of the axes. */
static void copy_axes(void *out, const void *in, Axes axes, int bytes) {
    merge_axes(&axes);
    i64 row = axes.n ? axes.dims[axes.n - 1] : 1, stride = axes.n ? axes.strides[axes.n - 1] : 1, count = axes_count(&axes);
    i64 index[RANK_MAX] = {0};
    char *to = out;
    const char *from = in;
    for (i64 done = 0; done < count; done += row, to += row * bytes) {
        copy_row(to, from, row, stride, bytes);
        for (int j = axes.n - 2; j >= 0; j--) {
            from += axes.strides[j] * bytes;
            if (++index[j] < axes.dims[j]) break;
            from -= index[j] * axes.strides[j] * bytes;
            index[j] = 0;
        }
    }
}
void eval_reshape(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    memcpy(results[0].data, args[0].data, (size_t)type_bytes(node->type));
}
void eval_get(Eval *eval, const Node *node, const Tensor *args, Tensor *results) { /* args: the scan's results */
    (void)eval;
    memcpy(results[0].data, args[node->at->index].data, (size_t)type_bytes(node->type));
}
void eval_transpose(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    copy_axes(results[0].data, args[0].data, axes_of(args[0].type, node->at->perm), dtype_bytes(node->type->dtype));
}
void eval_broadcast(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    Axes axes = {.n = node->type->rank};
    i64 strides[RANK_MAX];
    type_strides(args[0].type, strides);
    for (int i = 0; i < axes.n; i++) axes.dims[i] = node->type->dims[i];
    for (int i = 0; i < node->at->dims.n; i++) axes.strides[node->at->dims.v[i]] = strides[i];
    copy_axes(results[0].data, args[0].data, axes, dtype_bytes(node->type->dtype));
}
void eval_concat(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 axis = node->at->axis, outer = 1, inner = dtype_bytes(node->type->dtype);
    for (i64 i = 0; i < axis; i++) outer *= node->type->dims[i];
    for (i64 i = axis + 1; i < node->type->rank; i++) inner *= node->type->dims[i];
    char *out = results[0].data;
    for (i64 o = 0; o < outer; o++)
        for (int i = 0; i < node->n_args; i++) {
            i64 bytes = args[i].type->dims[axis] * inner;
            memcpy(out, (const char *)args[i].data + o * bytes, (size_t)bytes);
            out += bytes;
        }
}

/* ---- affine: runs of elements that share i and K are moved whole */
/* The index on the operand's axis, or -1: `fill`. */
static i64 affine_index(const Attrs *at, i64 i, i64 other, i64 n) {
    i64 j = at->a * i + at->b * other + at->c;
    return j < 0 || j % at->m != 0 || j / at->m >= n ? -1 : j / at->m;
}
/* The axes in the result's order: outer.., first, middle.., second, run: `first` and `second` are the axis and K in either order;
** without K, second is an axis of length 1. */
void eval_affine(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    const Attrs *at = node->at;
    const Type *x = args[0].type;
    i64 first = at->k >= 0 && at->k < at->axis ? at->k : at->axis, second = at->k < 0 ? -1 : at->k + at->axis - first;
    i64 outer = 1, middle = 1, run = 1, n_first = node->type->dims[first], n_second = second < 0 ? 1 : node->type->dims[second];
    int bytes = dtype_bytes(x->dtype);
    for (i64 d = 0; d < x->rank; d++)
        *(d < first ? &outer : second < 0 || d > second ? &run : &middle) *= d == first || d == second ? 1 : x->dims[d];
    if (second < 0) middle = 1;
    bool axis_first = first == at->axis;
    i64 n = x->dims[at->axis], in_first = axis_first ? n : n_first, in_second = axis_first ? n_second : n;
    char fill[8], *out = results[0].data;
    const char *in = args[0].data;
    dtype_store(x->dtype, at->fill, fill);
    for (i64 o = 0; o < outer; o++)
        for (i64 f = 0; f < n_first; f++)
            for (i64 m = 0; m < middle; m++)
                for (i64 s = 0; s < n_second; s++, out += run * bytes) {
                    i64 j = affine_index(at, axis_first ? f : s, axis_first ? s : f, n);
                    i64 pf = axis_first ? j : f, ps = axis_first ? s : j;
                    i64 from = (((o * in_first + pf) * middle + m) * in_second + ps) * run;
                    if (j < 0) copy_row(out, fill, run, 0, bytes);
                    else memcpy(out, in + from * bytes, (size_t)(run * bytes));
                }
}

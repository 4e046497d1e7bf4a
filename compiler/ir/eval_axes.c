/* eval_axes.c: where elements lie: strides, offsets of a set of axes, blocks of a cut axis; what the interpreter's loops share. */
#include "rules.h"
#include <string.h>

void type_strides(const Type *type, i64 strides[RANK_MAX]) {
    i64 step = 1;
    for (int i = type->rank - 1; i >= 0; i--) strides[i] = step, step *= type->dims[i];
}
Axes axes_of(const Type *type, List which) {
    Axes axes = {.n = which.n};
    i64 strides[RANK_MAX];
    type_strides(type, strides);
    for (int i = 0; i < which.n; i++) axes.dims[i] = type->dims[which.v[i]], axes.strides[i] = strides[which.v[i]];
    return axes;
}
Axes axes_but(const Type *type, List a, List b) {
    Axes axes = {0};
    i64 strides[RANK_MAX];
    u32 named = 0;
    type_strides(type, strides);
    for (int i = 0; i < a.n; i++) named |= 1u << a.v[i];
    for (int i = 0; i < b.n; i++) named |= 1u << b.v[i];
    for (int i = 0; i < type->rank; i++)
        if (!(named >> i & 1)) axes.dims[axes.n] = type->dims[i], axes.strides[axes.n++] = strides[i];
    return axes;
}
i64 axes_count(const Axes *axes) {
    i64 count = 1;
    for (int i = 0; i < axes->n; i++) count *= axes->dims[i];
    return count;
}
i64 *axes_offsets(Eval *eval, const Axes *axes) {
    i64 count = axes_count(axes), index[RANK_MAX] = {0}, at = 0;
    i64 *offsets = eval_memory(eval, (i64)sizeof(i64) * count);
    for (i64 i = 0; i < count; i++) {
        offsets[i] = at;
        for (int j = axes->n - 1; j >= 0; j--) {
            at += axes->strides[j];
            if (++index[j] < axes->dims[j]) break;
            at -= index[j] * axes->strides[j];
            index[j] = 0;
        }
    }
    return offsets;
}
bool axes_cut(Axes *axes, int place, i64 cut, i64 block, i64 *base) {
    i64 n = axes->dims[place], length = (n + cut - 1) / cut, begin = block * length;
    if (begin >= n) return false;
    axes->dims[place] = n - begin < length ? n - begin : length;
    *base += begin * axes->strides[place];
    return true;
}

#define ADD_PAIRS(name, T)                                                                                             \
    static void add_pairs_##name(T *partial, i64 cut, i64 count) {                                                     \
        for (; cut > 1; cut /= 2)                                                                                      \
            for (i64 b = 0; b < cut / 2; b++)                                                                          \
                for (i64 i = 0; i < count; i++)                                                                        \
                    partial[b * count + i] = partial[2 * b * count + i] + partial[(2 * b + 1) * count + i];            \
    }
ADD_PAIRS(f32, float)
ADD_PAIRS(f64, double)
ADD_PAIRS(i32, u32)
void add_pairs(Dtype dtype, void *partial, i64 cut, i64 count, void *out) {
    if (dtype == DT_f32) add_pairs_f32(partial, cut, count);
    else if (dtype == DT_f64) add_pairs_f64(partial, cut, count);
    else add_pairs_i32(partial, cut, count);
    memcpy(out, partial, (size_t)(count * dtype_bytes(dtype)));
}

/* eval_sum.c: the interpreter on sum and amax. The order of additions is the one graph.h states, and nothing else: loops may be
** nested otherwise than said there only where each accumulator sees the same additions in the same order. */
#include "rules.h"
#include <string.h>

enum { LANES = SUM_LANES };

/* What one element of the result is summed of: x[base + steps[k]], rows of `inner` (the innermost summed axis). */
typedef struct Fold {
    i64 n_out, n, inner;
    const i64 *bases, *steps; /* [n_out], [n] */
    i64 run;                  /* so many neighbouring results have neighbouring bases */
} Fold;

#define SUMS(name, T)                                                                                                  \
    static void chain_##name(const Fold *f, const T *x, T *out) {                                                      \
        for (i64 o = 0; o < f->n_out; o += f->run) {                                                                   \
            for (i64 j = 0; j < f->run; j++) out[o + j] = 0;                                                           \
            for (i64 k = 0; k < f->n; k++) {                                                                           \
                const T *in = x + f->bases[o] + f->steps[k];                                                           \
                for (i64 j = 0; j < f->run; j++) out[o + j] += in[j];                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void lanes_##name(const Fold *f, const T *x, T *out) {                                                      \
        for (i64 o = 0; o < f->n_out; o++) {                                                                           \
            T lane[LANES] = {0};                                                                                       \
            for (i64 k = 0; k < f->n; k += f->inner)                                                                   \
                for (i64 q = 0; q < f->inner; q++) lane[q % LANES] += x[f->bases[o] + f->steps[k + q]];                \
            for (int half = LANES / 2; half; half /= 2)                                                                \
                for (int i = 0; i < half; i++) lane[i] += lane[i + half];                                              \
            out[o] = lane[0];                                                                                          \
        }                                                                                                              \
    }
SUMS(f32, float)
SUMS(f64, double)
SUMS(i32, u32)

static void sum_block(Eval *eval, const Node *node, Fold *fold, const Axes *summed, const void *x, void *out) {
    i64 *steps = axes_offsets(eval, summed);
    fold->n = axes_count(summed);
    fold->inner = summed->dims[summed->n - 1];
    fold->steps = steps;
    bool lanes = node->at->order == ORDER_LANES;
    if (node->type->dtype == DT_f32) (lanes ? lanes_f32 : chain_f32)(fold, x, out);
    else if (node->type->dtype == DT_f64) (lanes ? lanes_f64 : chain_f64)(fold, x, out);
    else (lanes ? lanes_i32 : chain_i32)(fold, x, out);
    eval_memory_free(eval, steps);
}
void eval_sum(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    const Attrs *at = node->at;
    Axes summed = axes_of(args[0].type, at->axes), kept = axes_but(args[0].type, at->axes, (List){0});
    i64 *bases = axes_offsets(eval, &kept);
    bool runs = kept.n && kept.strides[kept.n - 1] == 1;
    Fold fold = {.n_out = node->type->count, .bases = bases, .run = runs ? kept.dims[kept.n - 1] : 1};
    if (!at->cut) {
        sum_block(eval, node, &fold, &summed, args[0].data, results[0].data);
    } else {
        i64 bytes = type_bytes(node->type);
        int place = 0, each = dtype_bytes(node->type->dtype);
        while (at->axes.v[place] != at->cut_axis) place++;
        char *partial = eval_memory(eval, bytes * at->cut);
        for (i64 b = 0; b < at->cut; b++) {
            Axes block = summed;
            i64 base = 0;
            char *to = partial + b * bytes;
            const char *from = args[0].data;
            if (axes_cut(&block, place, at->cut, b, &base)) sum_block(eval, node, &fold, &block, from + base * each, to);
            else memset(to, 0, (size_t)bytes);
        }
        add_pairs(node->type->dtype, partial, at->cut, node->type->count, results[0].data);
        eval_memory_free(eval, partial);
    }
    eval_memory_free(eval, bases);
}

/* ---- amax: the fold of max (NaN wins, -0 < +0), so its order is nothing */
#define LARGEST(name, T, LATER)                                                                                        \
    static void largest_##name(const Fold *f, const T *x, T *out) {                                                    \
        for (i64 o = 0; o < f->n_out; o++) {                                                                           \
            T a = x[f->bases[o]];                                                                                      \
            for (i64 k = 1; k < f->n; k++) {                                                                           \
                T b = x[f->bases[o] + f->steps[k]];                                                                    \
                if (LATER) a = b;                                                                                      \
            }                                                                                                          \
            out[o] = a;                                                                                                \
        }                                                                                                              \
    }
LARGEST(f32, float, a == a && (b != b || b > a || (b == a && __builtin_signbit(a))))
LARGEST(f64, double, a == a && (b != b || b > a || (b == a && __builtin_signbit(a))))
LARGEST(i32, i32, b > a)
void eval_amax(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    Axes folded = axes_of(args[0].type, node->at->axes), kept = axes_but(args[0].type, node->at->axes, (List){0});
    i64 *bases = axes_offsets(eval, &kept), *steps = axes_offsets(eval, &folded);
    Fold fold = {.n_out = node->type->count, .n = axes_count(&folded), .bases = bases, .steps = steps};
    if (node->type->dtype == DT_f32) largest_f32(&fold, args[0].data, results[0].data);
    else if (node->type->dtype == DT_f64) largest_f64(&fold, args[0].data, results[0].data);
    else largest_i32(&fold, args[0].data, results[0].data);
    eval_memory_free(eval, steps);
    eval_memory_free(eval, bases);
}

/* eval_dot.c: the interpreter on dot: fused multiply-adds in the order that graph.h states.
**
** The right operand is laid out [contracted][right free] for each batch, then a row of results is accumulated at once: every
** accumulator still sees its own products in the stated order. The inner loops are compiled twice, once for machines whose fused
** multiply-add is an instruction; without it, C's fma gives the same bits slowly. */
#include "rules.h"
#include <string.h>

enum { LANES = 16 };

typedef struct Product {
    i64 n_batch, n_left, n_right, n, inner; /* n contracted elements in rows of `inner` */
    const i64 *left_batch, *right_batch, *left, *right, *left_steps, *right_steps;
    void *packed; /* [n][n_right] */
    const Axes *left_free, *right_free;
    const u8 *left_inside, *right_inside; /* [free][contracted]: which terms count; NULL: all */
} Product;

#if defined(__x86_64__)
#define FUSED __attribute__((target("avx2,fma"), optimize("O3")))
static bool has_fused(void) { return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2"); }
#else
#define FUSED
static bool has_fused(void) { return false; }
#endif

/* out[j] of one row of the left operand. */
#define KERNELS(name, T, FMA, attribute)                                                                               \
    attribute static void chain_##name(const Product *p, const T *restrict l, const T *restrict packed, T *restrict out) { \
        i64 nr = p->n_right;                                                                                           \
        for (i64 j = 0; j < nr; j++) out[j] = 0;                                                                       \
        for (i64 k = 0; k < p->n; k++) {                                                                               \
            T a = l[p->left_steps[k]];                                                                                 \
            const T *restrict r = packed + k * nr;                                                                     \
            for (i64 j = 0; j < nr; j++) out[j] = FMA(a, r[j], out[j]);                                                \
        }                                                                                                              \
    }                                                                                                                  \
    attribute static void lanes_##name(const Product *p, const T *restrict l, const T *restrict packed, T *restrict out) { \
        for (i64 j = 0; j < p->n_right; j++) {                                                                         \
            T lane[LANES] = {0};                                                                                       \
            for (i64 k = 0; k < p->n; k += p->inner)                                                                   \
                for (i64 q = 0; q < p->inner; q++)                                                                     \
                    lane[q % LANES] = FMA(l[p->left_steps[k + q]], packed[(k + q) * p->n_right + j], lane[q % LANES]); \
            for (int half = LANES / 2; half; half /= 2)                                                                \
                for (int i = 0; i < half; i++) lane[i] += lane[i + half];                                              \
            out[j] = lane[0];                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    attribute static void inside_##name(const Product *p, const u8 *in, const T *restrict l, T *restrict out) {        \
        const T *restrict packed = p->packed;                                                                          \
        for (i64 j = 0; j < p->n_right; j++) {                                                                         \
            const u8 *too = p->right_inside ? p->right_inside + j * p->n : NULL;                                       \
            T sum = 0;                                                                                                 \
            for (i64 k = 0; k < p->n; k++)                                                                             \
                if ((!in || in[k]) && (!too || too[k])) sum = FMA(l[p->left_steps[k]], packed[k * p->n_right + j], sum); \
            out[j] = sum;                                                                                              \
        }                                                                                                              \
    }
KERNELS(f32, float, __builtin_fmaf, )
KERNELS(f64, double, __builtin_fma, )
KERNELS(fused_f32, float, __builtin_fmaf, FUSED)
KERNELS(fused_f64, double, __builtin_fma, FUSED)

#define RUN(name, T)                                                                                                   \
    static void run_##name(const Product *p, bool lanes, const T *l, const T *r, T *out) {                             \
        bool fused = has_fused();                                                                                      \
        void (*row)(const Product *, const T *, const T *, T *) =                                                      \
            lanes ? fused ? lanes_fused_##name : lanes_##name : fused ? chain_fused_##name : chain_##name;             \
        T *packed = p->packed;                                                                                         \
        for (i64 b = 0; b < p->n_batch; b++) {                                                                         \
            const T *left = l + p->left_batch[b], *right = r + p->right_batch[b];                                      \
            for (i64 k = 0; k < p->n; k++)                                                                             \
                for (i64 j = 0; j < p->n_right; j++)                                                                   \
                    packed[k * p->n_right + j] = right[p->right_steps[k] + p->right[j]];                               \
            for (i64 i = 0; i < p->n_left; i++, out += p->n_right) {                                                   \
                const u8 *in = p->left_inside ? p->left_inside + i * p->n : NULL;                                      \
                if (!in && !p->right_inside) row(p, left + p->left[i], packed, out);                                   \
                else (fused ? inside_fused_##name : inside_##name)(p, in, left + p->left[i], out);                     \
            }                                                                                                          \
        }                                                                                                              \
    }
RUN(f32, float)
RUN(f64, double)

/* [free][contracted]: which terms the windows of one side's free axes leave; `first` is the axis of the result that the first of them
** is. NULL: all. */
static u8 *windows_of(Eval *eval, const Node *node, const Axes *free, int first, const Axes *contracted) {
    i64 n_free = axes_count(free), n = axes_count(contracted);
    u8 *inside = NULL;
    for (int w = 0; w < node->at->inside.n; w += INSIDE_WORDS) {
        const i64 *window = node->at->inside.v + w;
        int axis = (int)window[INSIDE_AXIS] - first, place = (int)window[INSIDE_PLACE];
        i64 below = 1, within = 1;
        if (axis < 0 || axis >= free->n) continue;
        if (!inside) inside = memset(eval_memory(eval, n_free * n), 1, (size_t)(n_free * n));
        for (int i = axis + 1; i < free->n; i++) below *= free->dims[i];
        for (int i = place + 1; i < contracted->n; i++) within *= contracted->dims[i];
        for (i64 i = 0; i < n_free; i++)
            for (i64 k = 0; k < n; k++) {
                i64 from = window[INSIDE_A] * (i / below % free->dims[axis]) + window[INSIDE_C];
                i64 at = from + window[INSIDE_B] * (k / within % contracted->dims[place]);
                if (at < 0 || at >= window[INSIDE_N]) inside[i * n + k] = 0;
            }
    }
    return inside;
}
/* Both operands from `base` on, contracted over the given axes of each. */
static void dot_block(Eval *eval, const Node *node, Product *p, const Axes *lc, const Axes *rc, const void *l, const void *r,
                      void *out) {
    i64 *left_steps = axes_offsets(eval, lc), *right_steps = axes_offsets(eval, rc);
    bool lanes = node->at->order == ORDER_LANES;
    p->n = axes_count(lc);
    p->inner = lc->n ? lc->dims[lc->n - 1] : 1;
    p->left_steps = left_steps;
    p->right_steps = right_steps;
    int n_batch = node->at->lb.n;
    u8 *left = windows_of(eval, node, p->left_free, n_batch, lc), *right = windows_of(eval, node, p->right_free, n_batch + p->left_free->n, lc);
    p->left_inside = left, p->right_inside = right;
    p->packed = eval_memory(eval, p->n * p->n_right * dtype_bytes(node->type->dtype));
    if (node->type->dtype == DT_f32) run_f32(p, lanes, l, r, out);
    else run_f64(p, lanes, l, r, out);
    eval_memory_free(eval, p->packed);
    if (right) eval_memory_free(eval, right);
    if (left) eval_memory_free(eval, left);
    eval_memory_free(eval, right_steps);
    eval_memory_free(eval, left_steps);
}
/* Each block of the cut axis by itself, then the pairs. */
static void dot_cut(Eval *eval, const Node *node, Product *p, const Axes *lc, const Axes *rc, const Tensor *args, void *out) {
    i64 cut = node->at->cut, bytes = type_bytes(node->type);
    int place = (int)node->at->cut_axis, each = dtype_bytes(node->type->dtype);
    char *partial = eval_memory(eval, bytes * cut);
    for (i64 b = 0; b < cut; b++) {
        Axes left = *lc, right = *rc;
        i64 l = 0, r = 0;
        char *to = partial + b * bytes;
        const char *from[2] = {args[0].data, args[1].data};
        if (axes_cut(&left, place, cut, b, &l) && axes_cut(&right, place, cut, b, &r))
            dot_block(eval, node, p, &left, &right, from[0] + l * each, from[1] + r * each, to);
        else memset(to, 0, (size_t)bytes);
    }
    add_pairs(node->type->dtype, partial, cut, node->type->count, out);
    eval_memory_free(eval, partial);
}
void eval_dot(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    const Attrs *at = node->at;
    Axes lb = axes_of(args[0].type, at->lb), rb = axes_of(args[1].type, at->rb);
    Axes lc = axes_of(args[0].type, at->lc), rc = axes_of(args[1].type, at->rc);
    Axes lf = axes_but(args[0].type, at->lb, at->lc), rf = axes_but(args[1].type, at->rb, at->rc);
    i64 *offsets[4] = {axes_offsets(eval, &lb), axes_offsets(eval, &rb), axes_offsets(eval, &lf), axes_offsets(eval, &rf)};
    Product p = {.n_batch = axes_count(&lb), .n_left = axes_count(&lf), .n_right = axes_count(&rf),
                 .left_batch = offsets[0], .right_batch = offsets[1], .left = offsets[2], .right = offsets[3],
                 .left_free = &lf, .right_free = &rf};
    if (at->cut) dot_cut(eval, node, &p, &lc, &rc, args, results[0].data);
    else dot_block(eval, node, &p, &lc, &rc, args[0].data, args[1].data, results[0].data);
    for (int i = 0; i < 4; i++) eval_memory_free(eval, offsets[i]);
}

/* build.h: the words in which IR is written: one function an operator, and what is composed of them.
**
** Gradient rules, sema and passes use these only. Every function returns a node of `g`; identities are not built
** (a reshape to the same shape is its operand). Operands must have equal types unless said otherwise. */
#ifndef NNC_BUILD_H
#define NNC_BUILD_H
#include "graph.h"

/* leaves */
Node *ir_arg(Graph *g, i64 index, const Type *type);
Node *ir_hole(Graph *g, const Type *type); /* a value of a region being built; unique */
Node *ir_const(Graph *g, Dtype dtype, int rank, const i64 *dims, const void *data); /* data: native layout, count elements */
Node *ir_real(Graph *g, Dtype dtype, double value); /* a scalar of a real dtype, rounded once */
Node *ir_int(Graph *g, i64 value);                  /* i32[] */
Node *ir_bool(Graph *g, bool value);
Node *ir_fill(Graph *g, double value, const Type *type); /* broadcast scalar constant of any dtype */
Node *ir_iota(Graph *g, i64 n);
Node *ir_random(Graph *g, Dtype dtype, u32 place, int word, Node *key, Node *step, Node *row, Node *element);
Node *ir_mark(Graph *g, Node *x); /* a new one at each call */
Node *ir_stop(Graph *g, Node *x);
/* maps */
Node *ir_neg(Graph *g, Node *x);
Node *ir_abs(Graph *g, Node *x);
Node *ir_exp(Graph *g, Node *x);
Node *ir_log(Graph *g, Node *x);
Node *ir_sqrt(Graph *g, Node *x);
Node *ir_tanh(Graph *g, Node *x);
Node *ir_sigmoid(Graph *g, Node *x);
Node *ir_sin(Graph *g, Node *x);
Node *ir_cos(Graph *g, Node *x);
Node *ir_erf(Graph *g, Node *x);
Node *ir_floor(Graph *g, Node *x);
Node *ir_cast(Graph *g, Node *x, Dtype dtype);
Node *ir_add(Graph *g, Node *a, Node *b);
Node *ir_sub(Graph *g, Node *a, Node *b);
Node *ir_mul(Graph *g, Node *a, Node *b);
Node *ir_div(Graph *g, Node *a, Node *b);
Node *ir_pow(Graph *g, Node *a, Node *b);
Node *ir_max(Graph *g, Node *a, Node *b);
Node *ir_min(Graph *g, Node *a, Node *b);
Node *ir_eq(Graph *g, Node *a, Node *b);
Node *ir_lt(Graph *g, Node *a, Node *b);
Node *ir_select(Graph *g, Node *condition, Node *a, Node *b);
/* composed maps */
Node *ir_scale(Graph *g, Node *x, double factor); /* x * factor */
Node *ir_offset(Graph *g, Node *x, double term);  /* x + term */
Node *ir_not(Graph *g, Node *x);
Node *ir_le(Graph *g, Node *a, Node *b); /* max(lt, eq) */
Node *ir_sign(Graph *g, Node *x);        /* 0 at 0, NaN at NaN */
/* views */
Node *ir_reshape(Graph *g, Node *x, int rank, const i64 *dims);
Node *ir_transpose(Graph *g, Node *x, const int *perm); /* [rank] */
Node *ir_broadcast(Graph *g, Node *x, int rank, const i64 *dims, const int *places); /* places: [rank of x], rising */
Node *ir_lead(Graph *g, Node *x, int n, const i64 *dims); /* new axes in front */
Node *ir_spread(Graph *g, Node *x, int axis, i64 n);      /* one new axis at `axis` */
Node *ir_affine(Graph *g, Node *x, int axis, i64 size, i64 a, i64 m, i64 c, int k, i64 b, double fill);
Node *ir_slice(Graph *g, Node *x, int axis, i64 low, i64 high, i64 step);
Node *ir_pad(Graph *g, Node *x, int axis, i64 low, i64 high, i64 inner, double fill);
Node *ir_reverse(Graph *g, Node *x, int axis);
/* [.. n ..] -> [.. out, size ..], out = (n' - (size-1)*dilate - 1)/stride + 1, n' with low, high and `inner` zeros between */
Node *ir_window(Graph *g, Node *x, int axis, i64 size, i64 stride, i64 dilate, i64 low, i64 high, i64 inner, double fill);
Node *ir_concat(Graph *g, int n, Node *const *xs, int axis);
Node *ir_squeeze(Graph *g, Node *x, int axis); /* drops an axis of length 1 */
/* reductions; axes in any order */
Node *ir_sum(Graph *g, Node *x, int n_axes, const int *axes); /* none: x */
Node *ir_sum_all(Graph *g, Node *x);
Node *ir_mean(Graph *g, Node *x, int n_axes, const int *axes); /* sum times 1/n, 1/n rounded once */
Node *ir_amax(Graph *g, Node *x, int n_axes, const int *axes);
Node *ir_amin(Graph *g, Node *x, int n_axes, const int *axes); /* -amax(-x) */
Node *ir_dot(Graph *g, Node *l, Node *r, int nb, const int *lb, const int *rb, int nc, const int *lc, const int *rc);
Node *ir_matmul(Graph *g, Node *a, Node *b); /* last axis of a with the first of b */
/* indices */
Node *ir_take(Graph *g, Node *x, Node *index, int axis, int batch);
Node *ir_put(Graph *g, Node *y, Node *index, i64 size, int axis, int batch);
Node *ir_top(Graph *g, Node *x, i64 count);
Node *ir_argmax(Graph *g, Node *x); /* last axis */
Node *ir_one_hot(Graph *g, Node *index, i64 n, Dtype dtype); /* a new last axis */
/* loops */
typedef struct Region {
    int n_carry, n_xs, n_ys;
    Node *const *carry;      /* holes of the carried values */
    Node *const *x;          /* holes of a round's slices */
    Node *const *next;       /* [n_carry] what they become, same types */
    Node *const *y;          /* [n_ys] values of a round */
    Node *const *initial;    /* [n_carry] */
    Node *const *xs;         /* [n_xs], walked along axis 0 */
    i64 length;
    bool reverse;
} Region;
/* Closes a region: holes become the body's arguments, each outer node met becomes a constant operand (constants and their
** broadcasts are copied in). Writes n_carry + n_ys results to `out`. */
void ir_scan_region(Graph *g, const Region *region, Node **out);
/* A scan of a finished body; writes its n_results gets. */
void ir_scan(Graph *g, const Func *body, int n_carry, int n_const, int n_xs, Node *const *operands, i64 length, bool reverse,
             Node **out);
Node *ir_get(Graph *g, Node *scan, i64 index);
Node *ir_cumsum(Graph *g, Node *x, int axis);
Node *ir_cumprod(Graph *g, Node *x, int axis);
/* draws; key, step as random's; row and element i32 of the wanted shape */
Node *ir_normal(Graph *g, Dtype dtype, u32 place, Node *key, Node *step, Node *row, Node *element); /* standard */
Node *ir_uniform(Graph *g, Dtype dtype, u32 place, Node *key, Node *step, Node *row, Node *element); /* [0, 1) */
#endif

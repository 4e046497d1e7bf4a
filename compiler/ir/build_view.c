/* build_view.c: the views of build.h: what only says where an element lies. Slices, padding, reversal and windows are `affine`. */
#include "build.h"
#include "rules.h"
#include <string.h>

Node *ir_reshape(Graph *g, Node *x, int rank, const i64 *dims) {
    if (rank == x->type->rank && (rank == 0 || memcmp(dims, x->type->dims, sizeof(i64) * (size_t)rank) == 0)) return x;
    return node_make(g, OP_reshape, 1, &x, &(Attrs){.to = {rank, dims}});
}
Node *ir_transpose(Graph *g, Node *x, const int *perm) {
    bool moves = false;
    i64 list[RANK_MAX];
    for (int i = 0; i < x->type->rank; i++) moves |= perm[i] != i, list[i] = perm[i];
    return moves ? node_make(g, OP_transpose, 1, &x, &(Attrs){.perm = {x->type->rank, list}}) : x;
}
Node *ir_broadcast(Graph *g, Node *x, int rank, const i64 *dims, const int *places) {
    i64 list[RANK_MAX];
    if (rank == x->type->rank && (rank == 0 || memcmp(dims, x->type->dims, sizeof(i64) * (size_t)rank) == 0)) return x;
    for (int i = 0; i < x->type->rank; i++) list[i] = places[i];
    return node_make(g, OP_broadcast, 1, &x, &(Attrs){.to = {rank, dims}, .dims = {x->type->rank, list}});
}
Node *ir_lead(Graph *g, Node *x, int n, const i64 *dims) {
    i64 to[RANK_MAX];
    int places[RANK_MAX], rank = x->type->rank;
    nnc_check(n + rank <= RANK_MAX, "%d axes", n + rank);
    for (int i = 0; i < n; i++) to[i] = dims[i];
    for (int i = 0; i < rank; i++) to[n + i] = x->type->dims[i], places[i] = n + i;
    return ir_broadcast(g, x, n + rank, to, places);
}
Node *ir_spread(Graph *g, Node *x, int axis, i64 n) {
    i64 to[RANK_MAX];
    int places[RANK_MAX], rank = x->type->rank;
    nnc_check(axis >= 0 && axis <= rank && rank < RANK_MAX, "a new axis %d on %d", axis, rank);
    for (int i = 0; i < rank; i++) places[i] = i + (i >= axis), to[places[i]] = x->type->dims[i];
    to[axis] = n;
    return ir_broadcast(g, x, rank + 1, to, places);
}
Node *ir_squeeze(Graph *g, Node *x, int axis) {
    i64 to[RANK_MAX];
    int n = 0;
    nnc_check(axis >= 0 && axis < x->type->rank && x->type->dims[axis] == 1, "squeeze of axis %d", axis);
    for (int i = 0; i < x->type->rank; i++)
        if (i != axis) to[n++] = x->type->dims[i];
    return ir_reshape(g, x, n, to);
}
Node *ir_affine(Graph *g, Node *x, int axis, i64 size, i64 a, i64 m, i64 c, int k, i64 b, double fill) {
    if (a == 1 && m == 1 && c == 0 && b == 0 && axis >= 0 && axis < x->type->rank && size == x->type->dims[axis]) return x;
    return node_make(g, OP_affine, 1, &x,
                     &(Attrs){.axis = axis, .size = size, .a = a, .m = m, .c = c, .k = k, .b = b, .fill = fill});
}
Node *ir_slice(Graph *g, Node *x, int axis, i64 low, i64 high, i64 step) {
    return ir_affine(g, x, axis, (high - low + step - 1) / step, step, 1, low, -1, 0, 0);
}
Node *ir_pad(Graph *g, Node *x, int axis, i64 low, i64 high, i64 inner, double fill) {
    i64 size = (x->type->dims[axis] - 1) * (inner + 1) + 1 + low + high;
    return ir_affine(g, x, axis, size, 1, inner + 1, -low, -1, 0, fill);
}
Node *ir_reverse(Graph *g, Node *x, int axis) {
    i64 n = x->type->dims[axis];
    return n == 1 ? x : ir_affine(g, x, axis, n, -1, 1, n - 1, -1, 0, 0);
}
Node *ir_window(Graph *g, Node *x, int axis, i64 size, i64 stride, i64 dilate, i64 low, i64 high, i64 inner, double fill) {
    i64 n = (x->type->dims[axis] - 1) * (inner + 1) + 1 + low + high;
    i64 reach = (size - 1) * dilate + 1;
    nnc_check(n >= reach, "a window of %lld over %lld", (long long)reach, (long long)n);
    Node *spread = ir_spread(g, x, axis + 1, size);
    return ir_affine(g, spread, axis, (n - reach) / stride + 1, stride, inner + 1, -low, axis + 1, dilate, fill);
}
Node *ir_concat(Graph *g, int n, Node *const *xs, int axis) {
    return n == 1 ? xs[0] : node_make(g, OP_concat, n, xs, &(Attrs){.axis = axis});
}

/* unwindow.c: the gradient of windows that do not overlap is a view. Above level 0, before anything else.
**
** Needs a settled function. Gives one of equal value, bit for bit. The gradient of a pooling adds up, for each place i of the input, over
** the places K in a window:  sum over K of x[(i - K + c) / m, K], 0 where that does not divide. With m places in a window
** exactly one K fits each i, so the sum is 0 + x[u div m, u mod m] with u = i + c: a transpose and a reshape, and what lies
** outside is 0. Zeros added to a sum change nothing, as it begins with +0 and is never -0. */
#include "planner.h"
#include "../ir/build.h"
#include "../ir/rewrite.h"

static int place_in(List list, i64 x) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == x) return i;
    return -1;
}
/* x[.., n at `axis`, .., m at `k`, ..] -> [.., n * m, ..] without k; element u of the axis is (u div m, u mod m). */
static Node *interleave(Graph *g, Node *x, int axis, int k) {
    int perm[RANK_MAX] = {0}, rank = x->type->rank, n = 0;
    i64 dims[RANK_MAX];
    for (int i = 0; i < rank; i++) {
        if (i == k) continue;
        perm[n++] = i;
        if (i == axis) perm[n++] = k;
    }
    Node *beside = ir_transpose(g, x, perm);
    n = 0;
    for (int i = 0; i < rank; i++) {
        i64 d = beside->type->dims[i];
        if (perm[i] == k) dims[n - 1] *= d;
        else dims[n++] = d;
    }
    return ir_reshape(g, beside, n, dims);
}
static bool is_unwindowing(const Node *sum, const Node *view) {
    if (view->op != OP_affine || view->at->k < 0) return false;
    const Attrs *at = view->at;
    int place = place_in(sum->at->axes, at->k);
    bool innermost = place == sum->at->axes.n - 1, whole = at->a == 1 && at->b == -1 && at->fill == 0 && at->m == view->type->dims[at->k];
    if (place < 0 || !whole || at->m < 2) return false;
    if (sum->at->order == ORDER_LANES && innermost) return false; /* the zeros decide in which lane a term is */
    return sum->at->cut <= 1 || sum->at->cut_axis != at->k;
}
static Node *without_axis(Graph *g, const Node *sum, Node *x, int k) {
    Attrs at = *sum->at;
    i64 axes[RANK_MAX];
    int n = 0;
    for (int i = 0; i < at.axes.n; i++)
        if (at.axes.v[i] != k) axes[n++] = at.axes.v[i] - (at.axes.v[i] > k);
    if (!n) return ir_add(g, ir_fill(g, 0, x->type), x);
    at.axes = (List){n, axes};
    if (at.cut) at.cut_axis -= at.cut_axis > k;
    return node_make(g, OP_sum, 1, &x, &at);
}
static Node *unwindow_rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    if (node->op != OP_sum || !is_unwindowing(node, args[0])) return NULL;
    const Origin *origin = graph_origin_now(g);
    const Attrs *at = args[0]->at;
    Node *x = args[0]->args[0];
    graph_origin(g, node->origin);
    int axis = (int)at->axis - (at->k < at->axis);
    Node *all = interleave(g, x, (int)at->axis, (int)at->k);
    Node *result = without_axis(g, node, ir_affine(g, all, axis, at->size, 1, 1, at->c, -1, 0, 0), (int)at->k);
    graph_origin(g, origin);
    return result;
}
const Func *unwindow(Graph *g, const Func *f) { return func_rewrite(g, f, unwindow_rule, NULL); }

/* pad.c: windows of products stay inside what they look at. Above level 1, before anything else.
**
** Needs a settled function. Gives one of equal value, bit for bit: where an operand of a dot reads past the ends of an axis (padding),
** or between its elements (the gradient of a stride), the axis is first widened by an `affine` of its own, at the bottom of the
** views, and the windows then look at that. The widened value is stored once (fuse_facts.c sees to it), and a window is addressing
** without conditions, as register tiles want it. */
#include "planner.h"
#include "../settle/match.h"
#include "../ir/rewrite.h"

/* What a*i + b*K + c takes, at least and at most. */
static void window_range(const Node *window, i64 *low, i64 *high) {
    const Attrs *at = window->at;
    i64 i = at->a * (at->size - 1), k = at->k < 0 ? 0 : at->b * (window->type->dims[at->k] - 1);
    *low = at->c + (i < 0 ? i : 0) + (k < 0 ? k : 0);
    *high = at->c + (i > 0 ? i : 0) + (k > 0 ? k : 0);
}
bool stays_inside(const Node *window) {
    i64 low, high, n = window->args[0]->type->dims[window->at->axis];
    window_range(window, &low, &high);
    return window->at->m == 1 && low >= 0 && high < n;
}

/* Element u of the result's axis is element (u - low) / m of x's, or fill: `size` of them. */
typedef struct Widening {
    i64 low, m, size;
    double fill;
} Widening;
static Node *widen(Graph *g, Node *x, int axis, Widening w);

/* Under a broadcast or transpose the axis has another place; a window of another axis may count by this one. */
static Node *widen_below(Graph *g, Node *x, int axis, Widening w) {
    Attrs at = *x->at;
    i64 dims[RANK_MAX];
    memcpy(dims, x->type->dims, sizeof(i64) * (size_t)x->type->rank);
    dims[axis] = w.size;
    if (x->op == OP_transpose && !transpose_turns_last(x)) {
        Node *below = widen(g, x->args[0], (int)at.perm.v[axis], w);
        return node_make(g, OP_transpose, 1, &below, &at);
    }
    if (x->op == OP_broadcast) {
        for (int i = 0; i < at.dims.n; i++) {
            if (at.dims.v[i] != axis) continue;
            Node *below = widen(g, x->args[0], i, w);
            at.to = (List){x->type->rank, dims};
            return node_make(g, OP_broadcast, 1, &below, &at);
        }
        return NULL;
    }
    if (x->op != OP_affine || at.axis == axis || at.fill != w.fill || (at.k == axis && w.m != 1)) return NULL;
    if (at.k == axis) at.c -= at.b * w.low;
    Node *below = widen(g, x->args[0], axis, w);
    return node_make(g, OP_affine, 1, &below, &at);
}
static Node *widen(Graph *g, Node *x, int axis, Widening w) {
    Node *below = is_addressing(x) && x->n_args == 1 ? widen_below(g, x, axis, w) : NULL;
    return below ? below : ir_affine(g, x, axis, w.size, 1, w.m, -w.low, -1, 0, w.fill);
}

/* The views of an operand from the bottom up, windows made to stay inside. */
static Node *operand_inside(Graph *g, Node *x) {
    if (!is_addressing(x) || x->n_args != 1 || x->op == OP_get) return x;
    Node *below = operand_inside(g, x->args[0]);
    Node *same = below == x->args[0] ? x : node_with_args(g, x, &below);
    if (same->op != OP_affine || stays_inside(same)) return same;
    Attrs at = *same->at;
    i64 low, high, n = below->type->dims[at.axis];
    window_range(same, &low, &high);
    if (at.k < 0 && at.m == 1 && at.a == 1) return same; /* a widening itself, or a slice past the end */
    i64 before = low < 0 ? -low : 0, last = (n - 1) * at.m > high ? (n - 1) * at.m : high;
    Widening w = {before, at.m, before + last + 1, at.fill};
    Node *wide = widen(g, below, (int)at.axis, w);
    at.m = 1;
    at.c += before;
    return node_make(g, OP_affine, 1, &wide, &at);
}
static Node *pad_rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    if (node->op != OP_dot) return NULL;
    const Origin *origin = graph_origin_now(g);
    graph_origin(g, node->origin);
    Node *inside[2] = {operand_inside(g, args[0]), operand_inside(g, args[1])};
    Node *result = node_with_args(g, node, inside);
    graph_origin(g, origin);
    return result;
}
const Func *pad_windows(Graph *g, const Func *f) { return func_rewrite(g, f, pad_rule, NULL); }

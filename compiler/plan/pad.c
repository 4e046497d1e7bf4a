/* pad.c: windows of products stay inside what they look at. Above level 1, before anything else.
**
** Needs a settled function. Gives one of equal value, bit for bit: where an operand of a dot reads past the ends of an axis (padding),
** or between its elements (the gradient of a stride), the axis is first widened by an `affine` of its own, at the bottom of the
** views, and the windows then look at that. The widened value is stored once (fuse_facts.c sees to it), and a window is addressing
** without conditions, as register tiles want it. Products that read the same value without its padding (of the gradient of a
** convolution one looks over windows, the other sums over places) look at the middle of what is stored: it is written once. */
#include "planner.h"
#include "../settle/match.h"
#include "../ir/build.h"
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

/* ---- what is stored widened is not stored again: other products look at its middle */

enum { SMALL = 1 << 17 }; /* elements of a value that may be stored twice: caches hold it, and without gaps its sums are fewer loops */

/* x -> the widening of x that a product looks at, of those of the loops inside too. */
static void find_wide(NodeMap *wide, Arena *arena, const Func *f) {
    NodeList nodes = order_walk(arena, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        if (node->op == OP_scan) find_wide(wide, arena, node->at->body);
        if (node->op != OP_dot) continue;
        for (int k = 0; k < 2; k++) {
            const Node *x = node->args[k];
            while (is_addressing(x) && x->n_args == 1 && x->op != OP_get && !is_widening(x)) x = x->args[0];
            bool stored = is_widening(x) && widened(x)->op != OP_arg && widened(x)->op != OP_get;
            if (stored && widened(x)->type->count > SMALL) nodemap_set(wide, widened(x), (Node *)x);
        }
    }
}
static Node *widen_like(Graph *g, const Node *wide, Node *x) {
    if (!is_widening(wide)) return x;
    Node *below = widen_like(g, wide->args[0], x);
    return node_with_args(g, wide, &below);
}
/* `old`, which is `now`, by way of something widened; NULL: it looks at nothing that is. */
static Node *through_wide(const NodeMap *map, Graph *g, const Node *old, Node *now) {
    const Node *wide = nodemap_get(map, old);
    if (wide) {
        Node *x = widen_like(g, wide, now);
        for (; is_widening(wide); wide = wide->args[0])
            x = ir_affine(g, x, (int)wide->at->axis, wide->args[0]->type->dims[wide->at->axis], 1, 1, -wide->at->c, -1, 0, 0);
        return x;
    }
    if (!is_addressing(old) || old->n_args != 1 || old->op == OP_get || is_widening(old)) return NULL;
    Node *below = through_wide(map, g, old->args[0], now->args[0]);
    return below ? node_with_args(g, now, &below) : NULL;
}
static Node *middle_rule(void *context, Graph *g, Node *node, Node *const *args) {
    if (node->op != OP_dot) return NULL;
    Node *operands[2];
    for (int i = 0; i < 2; i++) {
        Node *x = through_wide(context, g, node->args[i], args[i]);
        operands[i] = x ? x : args[i];
    }
    return node_with_args(g, node, operands);
}
const Func *pad_windows(Graph *g, const Func *f) {
    Arena *scratch = arena_new("padding");
    NodeMap wide = {.arena = scratch};
    f = func_rewrite(g, f, pad_rule, NULL);
    find_wide(&wide, scratch, f);
    f = func_rewrite(g, f, middle_rule, &wide);
    arena_free(scratch);
    return f;
}

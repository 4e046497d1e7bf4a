/* pool.c: the largest of few, window by window, is compared element by element.
**
** A pooling and its gradient ask two questions of the same windows: the largest (amax) and which it was (top). Both become one run of
** comparisons over slices of what the windows look at: maps, which are one pass over memory with each other and with what makes
** the elements (a batch norm), so that these need not be stored. Which it was is kept in a byte.
**
** Where windows do not overlap (else elements would be made several times), of at most MOST elements, and the last axis is none of
** theirs (lanes go along it). After all rules that know windows by their views; before lay and order. */
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"

enum { MOST = 6 };

/* The windows of a value: the axes of `node` that count inside of a window, rising, and how many elements one has. */
typedef struct Windows {
    Node *node;
    int n, axes[RANK_MAX];
    i64 count;
} Windows;

static bool adds_axis(const Node *broadcast, int axis) {
    if (broadcast->op != OP_broadcast || broadcast->at->dims.n != broadcast->type->rank - 1) return false;
    return !list_has(broadcast->at->dims, axis);
}
/* What element `place` of every window is, a slice of what they look at; NULL: these are no windows that lie side by side. */
static Node *slice(Graph *g, Node *x, int n, const int *axes, i64 place) {
    if (!n) return x;
    const Attrs *at = x->at;
    int k = axes[n - 1], axis = (int)at->axis;
    if (x->op != OP_affine || at->k != k || !adds_axis(x->args[0], k)) return NULL;
    i64 size = x->type->dims[k];
    if (at->m != 1 || at->b != 1 || at->a < size) return NULL;
    Node *below = slice(g, x->args[0]->args[0], n - 1, axes, place / size);
    for (int i = 0; i < n; i++) axis -= axes[i] < at->axis;
    return below ? ir_affine(g, below, axis, at->size, at->a, 1, at->c + place % size, -1, 0, at->fill) : NULL;
}
static bool windows_fit(Windows *w) {
    w->count = 1;
    for (int i = 0; i < w->n; i++) {
        w->count *= w->node->type->dims[w->axes[i]];
        if (i && w->axes[i] <= w->axes[i - 1]) return false;
    }
    return w->n && w->count > 1 && w->count <= MOST && w->axes[w->n - 1] < w->node->type->rank - 1;
}
static bool windows_of_amax(Windows *w, const Node *amax, Node *x) {
    *w = (Windows){.node = x, .n = (int)amax->at->axes.n};
    for (int i = 0; i < w->n; i++) w->axes[i] = (int)amax->at->axes.v[i];
    return windows_fit(w);
}
/* top(reshape(transpose windows)): those axes brought to the end and made one, the others in their order. */
static bool windows_of_top(Windows *w, const Node *top, Node *x) {
    int kept = x->type->rank - 1;
    if (top->at->count != 1 || x->type->dims[kept] > MOST) return false;
    if (x->op == OP_reshape) x = x->args[0];
    if (x->op != OP_transpose || x->type->rank <= kept) return false;
    *w = (Windows){.node = x->args[0], .n = x->type->rank - kept};
    for (int i = 0; i < kept; i++)
        if (x->type->dims[i] != top->type->dims[i] || (i && x->at->perm.v[i] < x->at->perm.v[i - 1])) return false;
    for (int i = 0; i < w->n; i++) w->axes[i] = (int)x->at->perm.v[kept + i];
    return windows_fit(w);
}
/* Whether x comes before `best`, which stood before it: NaN before numbers, larger before smaller. */
static Node *wins(Graph *g, Node *x, Node *best) {
    return ir_min(g, ir_not(g, ir_le(g, x, best)), ir_eq(g, best, best));
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    Windows w = {0};
    bool largest = node->op == OP_amax && windows_of_amax(&w, node, args[0]);
    if (!largest && !(node->op == OP_top && windows_of_top(&w, node, args[0]))) return NULL;
    Node *best = slice(g, w.node, w.n, w.axes, 0);
    if (!best) return NULL;
    const Type *number = type_with_dtype(g, best->type, DT_i32);
    Node *which = ir_fill(g, 0, number);
    for (i64 place = 1; place < w.count; place++) {
        Node *x = slice(g, w.node, w.n, w.axes, place), *here = wins(g, x, best);
        best = ir_select(g, here, x, best);
        which = ir_select(g, here, ir_fill(g, (double)place, number), which);
    }
    return largest ? best : ir_reshape(g, ir_cast(g, ir_cast(g, which, DT_u8), DT_i32), node->type->rank, node->type->dims);
}
const Func *pass_pool(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }

/* inside.c: terms of a product that fall on the padding of its windows are left out.
**
** A window reads x[a*i + b*K + c] along an axis, 0 where that is outside: i is a free axis of the product and K a contracted one, or the
** other way round (the gradient of the weights). What is read outside adds nothing, and is a sixth of all terms on images of 8 x 8 under
** windows of 3 x 3. A term is left out by the bounds of a loop over K (loop/tile.c), which are the same for a whole register tile; so a
** window is taken only while axes without windows remain that fill a tile's rows and lanes. Not where a step of K is little work. */
#include "inside.h"
#include "match.h"
#include <string.h>

enum {
    TILE_ROWS = 6, TILE_LANES = 16, /* of axes without windows, at least */
    STEP_LEAST = 16                 /* terms for each place in all windows */
};

typedef struct Windows {
    const Node *dot;
    int batch[2];       /* the batch axis of each operand, -1: none; */
    i64 parts;          /* it may be walked in so many parts */
    u32 taken[2];       /* free axes of each operand that have a window */
    u32 places;         /* contracted axes that have one, or are cut */
    i64 steps;          /* terms for each place in the windows taken */
    i64 *list;
    int n;
} Windows;

static i64 extent_of(const Windows *w, int side, int axis) {
    i64 extent = w->dot->args[side]->type->dims[axis];
    return axis == w->batch[side] ? extent / w->parts : extent;
}
/* The longest free axis of a side without a window. */
static i64 longest(const Windows *w, int side, u32 taken) {
    const Attrs *at = w->dot->at;
    int free[RANK_MAX], n = axes_free(w->dot->args[side]->type->rank, side ? at->rb : at->lb, side ? at->rc : at->lc, free);
    i64 most = 1;
    for (int i = 0; i < n; i++)
        if (!(taken >> free[i] & 1) && extent_of(w, side, free[i]) > most) most = extent_of(w, side, free[i]);
    return most;
}
static bool leaves_tiles(const Windows *w, int side, int axis) {
    u32 taken[2] = {w->taken[0], w->taken[1]};
    taken[side] |= (u32)1 << axis;
    i64 left = longest(w, 0, taken[0]), right = longest(w, 1, taken[1]);
    return (left >= TILE_LANES && right >= TILE_ROWS) || (right >= TILE_LANES && left >= TILE_ROWS);
}
/* x[step * i + other * K + c], i and K along axes of the operand. */
static void window_take(Windows *w, int side, int free, i64 a, int contracted, i64 b, i64 c, i64 n) {
    const Node *dot = w->dot;
    const Type *x = dot->args[side]->type;
    List terms = side ? dot->at->rc : dot->at->lc;
    int axis = dot_result_axis(dot, side, free), place = list_place(terms, contracted);
    if (axis < 0 || place < 0 || (b != 1 && b != -1) || w->places >> place & 1) return;
    i64 i = a * (x->dims[free] - 1), k = b * (x->dims[contracted] - 1);
    i64 low = c + (i < 0 ? i : 0) + (k < 0 ? k : 0), high = c + (i > 0 ? i : 0) + (k > 0 ? k : 0);
    if (x->dims[free] == 1 || x->dims[contracted] == 1 || (low >= 0 && high < n)) return;
    if (w->steps / x->dims[contracted] < STEP_LEAST || !leaves_tiles(w, side, free)) return;
    w->steps /= x->dims[contracted];
    w->taken[side] |= (u32)1 << free;
    w->places |= (u32)1 << place;
    memcpy(w->list + w->n, (i64[INSIDE_WORDS]){axis, place, a, b, c, n}, sizeof(i64) * INSIDE_WORDS);
    w->n += INSIDE_WORDS;
}
/* Axes of `below` that are axes of its reshape: the same extent, and as many elements inside. */
static void reshape_axes(const Node *node, const int *from, int *to) {
    const Type *x = node->type, *below = node->args[0]->type;
    i64 inner = 1;
    for (int i = below->rank - 1; i >= 0; inner *= below->dims[i--]) {
        i64 here = 1;
        to[i] = -1;
        for (int j = x->rank - 1; j >= 0; here *= x->dims[j--])
            if (here == inner && x->dims[j] == below->dims[i] && x->dims[j] > 1) to[i] = from[j];
    }
}
static void affine_window(Windows *w, int side, const Node *node, int *axes) {
    const Attrs *at = node->at;
    i64 n = node->args[0]->type->dims[at->axis];
    int i = axes[at->axis], k = at->k < 0 ? -1 : axes[at->k];
    axes[at->axis] = -1;
    if (i < 0 || k < 0 || at->m != 1) return;
    window_take(w, side, i, at->a, k, at->b, at->c, n);
    window_take(w, side, k, at->b, i, at->a, at->c, n);
}
/* Down the views of an operand; axes[i]: the axis of the operand that axis i of the view is, -1: none. */
static void operand_windows(Windows *w, int side) {
    const Node *node = w->dot->args[side];
    int axes[RANK_MAX], below[RANK_MAX];
    for (int i = 0; i < node->type->rank; i++) axes[i] = i;
    for (; node->op == OP_transpose || node->op == OP_broadcast || node->op == OP_reshape || node->op == OP_affine; node = node->args[0]) {
        if (node->op == OP_affine) {
            if (node->at->fill != 0) return;
            affine_window(w, side, node, axes);
            continue;
        }
        if (node->op == OP_reshape) reshape_axes(node, axes, below);
        for (int i = 0; node->op == OP_transpose && i < node->type->rank; i++) below[node->at->perm.v[i]] = axes[i];
        for (int i = 0; node->op == OP_broadcast && i < node->at->dims.n; i++) below[i] = axes[node->at->dims.v[i]];
        memcpy(axes, below, sizeof axes);
    }
}
List windows_inside(Arena *arena, const Node *dot, const Attrs *at, int left_batch, int right_batch, i64 parts) {
    Windows w = {.dot = dot, .places = at->cut ? (u32)1 << at->cut_axis : 0, .batch = {left_batch, right_batch}, .parts = parts, .steps = 1};
    List terms = dot->at->lc;
    w.list = ARENA_ARRAY(arena, i64, 2 * RANK_MAX * INSIDE_WORDS);
    for (int i = 0; i < terms.n; i++) w.steps *= dot->args[0]->type->dims[terms.v[i]];
    for (int side = 0; side < 2; side++) operand_windows(&w, side);
    return (List){w.n, w.list};
}

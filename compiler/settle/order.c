/* order.c: the last step of settle: every sum and product gets the order in which it adds, from types alone.
**
** chain or lanes: a product goes over 16 lanes where its right free axes are too few to fill them and the innermost contracted
** axis is long enough; a sum where its innermost axis, the last, is summed and has 8 or more. cut: sums over the batch whose
** result is too small to share out by tiles (fewer than SHARED), and which are worth sharing, are cut into G blocks, so that
** threads can take blocks; G is 8, or 1 (none is cut) for a step of little work or few rows. All of them are cut where a walk by
** grains is worth it (grain.h); products whose operands come from memory, if their result is small, and sums of as many elements, along
** whatever they sum over first; --grains=N cuts all in N, which ranks need.
** Bodies of scans are done for each choice of batch axes that they are met with. */
#include "../base/vec.h"
#include "grain.h"
#include "inside.h"
#include "match.h"
#include "settle.h"
#include <string.h>

enum {
    LANES_FREE = 4, LANES_DOT = 16, LANES_SUM = 8,
    TILE_ROWS = 12, TILE_COLUMNS = 32, SHARED = 16, /* a register tile; how many tiles can be shared out */
    GRAINS = 8, ROWS_LEAST = 16
};
static const i64 WORK_LEAST = (i64)1 << 22; /* multiply-adds a step */
static const i64 DOT_LEAST = (i64)1 << 18;  /* multiply-adds of a product, and */
static const i64 RESULT_MOST = (i64)1 << 16; /* elements of a product that are few, and */
static const i64 READ_LEAST = (i64)1 << 20;  /* of operands that do not stay in caches */
static const i64 SUM_LEAST = (i64)1 << 16;  /* elements of a sum, below which one thread is as fast */

typedef struct Done {
    const Func *from, *to;
    const int *params;
} Done;
typedef struct Ordering {
    Graph *g;
    Arena *arena;
    i64 grains;    /* 1: nothing is cut */
    bool cut_all;
    bool may_cut; /* also other axes than the batch */
    VEC(Done) done;
} Ordering;

static i64 extent_product(const Type *type, const int *axes, int n) {
    i64 product = 1;
    for (int i = 0; i < n; i++) product *= type->dims[axes[i]];
    return product;
}
static i64 tiles(i64 blocks, i64 rows, i64 columns) {
    return blocks * ((rows + TILE_ROWS - 1) / TILE_ROWS) * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS);
}
/* The free extents of a product, and the tiles its result has. */
static i64 dot_tiles(const Node *node, i64 *columns) {
    const Attrs *at = node->at;
    const Type *l = node->args[0]->type, *r = node->args[1]->type;
    int lf[RANK_MAX], rf[RANK_MAX], nl = axes_free(l->rank, at->lb, at->lc, lf), nr = axes_free(r->rank, at->rb, at->rc, rf);
    i64 rows = extent_product(l, lf, nl);
    *columns = extent_product(r, rf, nr);
    return tiles(node->type->count / rows / *columns, rows, *columns);
}
/* Products side by side that fill the lanes (lay.c). */
static bool is_by_lanes(const Node *dot) {
    List lb = dot->at->lb, rb = dot->at->rb;
    return lb.n == 1 && lb.v[0] == dot->args[0]->type->rank - 1 && rb.v[0] == dot->args[1]->type->rank - 1 && dot->type->dims[0] == SUM_LANES;
}
/* A small result of operands that come from memory: gradients of a convolution's weights. Tasks that share out the result would each
** read all of them; of a result too small to share out operands are better packed once. */
static bool is_streamed(const Node *dot) {
    i64 read = node_under_views(dot->args[0])->type->count + node_under_views(dot->args[1])->type->count;
    return !dot->at->lb.n && dot->at->lc.n && dot->type->count <= RESULT_MOST && read >= READ_LEAST;
}
/* Of a slice along the axis, as of all states of a loop but the first, a last block that is shorter is not known to stay inside. */
static bool is_slice(const Node *x, i64 axis) {
    for (; x->op == OP_affine || x->op == OP_transpose; x = x->args[0]) {
        if (x->op == OP_affine && x->at->axis == axis) return true;
        if (x->op == OP_transpose) axis = x->at->perm.v[axis];
    }
    return false;
}
/* Its outermost contracted axis that has as many places as there are blocks. */
static void cut_streamed(const Node *dot, Attrs *at) {
    for (int i = 0; i < at->lc.n; i++) {
        i64 extent = dot->args[0]->type->dims[at->lc.v[i]];
        if (extent == 1) continue;
        bool ragged = extent % ((extent + GRAINS - 1) / GRAINS) != 0;
        if (ragged && (is_slice(dot->args[0], at->lc.v[i]) || is_slice(dot->args[1], at->rc.v[i]))) return;
        if (extent >= 2 * GRAINS) at->cut = GRAINS, at->cut_axis = i;
        return;
    }
}
static void order_dot(const Node *node, const Ordering *o, int left, int right, Attrs *at) {
    i64 columns, n = dot_tiles(node, &columns);
    i64 innermost = at->lc.n ? node->args[0]->type->dims[at->lc.v[at->lc.n - 1]] : 1;
    bool lanes = columns < LANES_FREE && innermost >= LANES_DOT && !is_by_lanes(node);
    at->order = lanes ? ORDER_LANES : ORDER_CHAIN;
    int place = left >= 0 ? list_place(at->lc, left) : -1;
    if (place < 0 && right >= 0) place = list_place(at->rc, right);
    bool worth = o->cut_all || (n < SHARED && node_multiply_adds(node) >= DOT_LEAST);
    if (o->grains > 1 && place >= 0 && worth) at->cut = o->grains, at->cut_axis = place;
    else if (o->may_cut && n >= SHARED && is_streamed(node)) cut_streamed(node, at);
    if (!lanes && !is_by_lanes(node)) at->inside = windows_inside(o->arena, node, at, left, right, o->cut_all ? o->grains : 1);
}
/* Sums and puts: elements read, elements written. */
static bool is_worth(const Ordering *o, const Node *node) {
    return o->cut_all || (tiles(1, 1, node->type->count) < SHARED && node->args[0]->type->count >= SUM_LEAST);
}
/* A sum of many elements to few, not over the batch: the statistics of a batch norm over all images of an episode. Along its outermost axis. */
static void cut_long(const Type *x, Attrs *at) {
    for (int i = 0; i < at->axes.n; i++) {
        i64 extent = x->dims[at->axes.v[i]];
        if (extent == 1) continue;
        if (extent >= 2 * GRAINS && at->axes.v[i] != x->rank - 1) at->cut = GRAINS, at->cut_axis = at->axes.v[i];
        return;
    }
}
static void order_sum(const Node *node, const Ordering *o, int axis, Attrs *at) {
    const Type *x = node->args[0]->type;
    bool last = list_has(at->axes, x->rank - 1);
    at->order = last && x->dims[x->rank - 1] >= LANES_SUM ? ORDER_LANES : ORDER_CHAIN;
    bool thin = at->order == ORDER_LANES && axis == x->rank - 1 && !o->cut_all; /* blocks would not fill the lanes */
    if (o->grains > 1 && axis >= 0 && !thin && list_has(at->axes, axis) && is_worth(o, node))
        at->cut = o->grains, at->cut_axis = axis;
    else if (o->may_cut && x->count >= READ_LEAST && tiles(1, 1, node->type->count) < SHARED) cut_long(x, at);
}
static void order_put(const Node *node, const Ordering *o, int value, int index, Attrs *at) {
    int batch = (int)at->batch, n_index = node->args[1]->type->rank - batch, place = -1;
    if (index >= batch) place = index;
    if (place < 0 && value >= at->axis && value < at->axis + n_index) place = value - (int)at->axis + batch;
    if (o->grains > 1 && place >= 0 && is_worth(o, node))
        at->cut = o->grains, at->cut_axis = place;
}
static const Func *order_func(Ordering *o, const Func *f, const int *params);

static Node *order_node(Ordering *o, const BatchAxes *b, const Node *node, Node *const *args) {
    Attrs at = *node->at;
    if (node->op == OP_dot) order_dot(node, o, batch_axis(b, node->args[0]), batch_axis(b, node->args[1]), &at);
    else if (node->op == OP_sum) order_sum(node, o, batch_axis(b, node->args[0]), &at);
    else if (node->op == OP_put) order_put(node, o, batch_axis(b, node->args[0]), batch_axis(b, node->args[1]), &at);
    else if (node->op == OP_scan) at.body = order_func(o, at.body, batch_scan_params(b, node));
    else return node_with_args(o->g, node, args);
    return node_like(o->g, node, args, &at);
}
static const Func *order_func(Ordering *o, const Func *f, const int *params) {
    for (int i = 0; i < o->done.n; i++)
        if (o->done.v[i].from == f && memcmp(o->done.v[i].params, params, sizeof *params * (size_t)f->n_params) == 0)
            return o->done.v[i].to;
    BatchAxes b = {.arena = o->arena, .axis.arena = o->arena};
    batch_find(&b, o->g, f, params);
    NodeList nodes = order_walk(o->arena, f->results, f->n_results);
    NodeMap now = {.arena = o->arena};
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        Node **args = ARENA_ARRAY(o->arena, Node *, node->n_args);
        for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&now, node->args[j]);
        nodemap_set(&now, node, order_node(o, &b, node, args));
    }
    Node **results = ARENA_ARRAY(o->arena, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&now, f->results[i]);
    const Func *made = func_make(o->g, f->n_params, f->params, f->n_results, results);
    Done done = {f, made, params};
    vec_push(o->arena, &o->done, done);
    return made;
}
const Func *pass_order(const Pass *pass, const Func *f) {
    const SettleOptions *s = pass->settle;
    Ordering o = {.g = pass->g, .arena = pass->scratch, .grains = s->grains, .cut_all = s->grains > 1, .may_cut = s->grains != 1};
    if (!o.grains) o.grains = s->batch_rows >= ROWS_LEAST && func_multiply_adds(f) >= WORK_LEAST ? GRAINS : 1;
    if (!s->batch_rows) o.grains = 1;
    int *params = ARENA_ARRAY(pass->scratch, int, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) params[i] = s->batched && s->batched[i] ? 0 : NO_BATCH;
    BatchAxes b = {.arena = o.arena, .axis.arena = o.arena};
    Grains grains = {.arena = o.arena, .roles.arena = o.arena};
    if (o.grains > 1 && !o.cut_all) {
        batch_find(&b, o.g, f, params);
        grain_find(&grains, o.g, &b, f);
        o.cut_all = grain_worth(&grains, &b, o.g, f, s->batch_rows, o.grains);
    }
    return order_func(&o, f, params);
}

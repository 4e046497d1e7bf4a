/* lay.c: where channels are few, the examples of a batch lie side by side.
**
** A product over windows fills the 16 lanes of a vector with the channels that it makes. With fewer than 16 of them the batch is the
** better axis: values then have it last, [channels, y, x, batch], and all that goes element by element, over windows or over channels
** fills its lanes without moving anything. This pass gives such products, and what is computed from them as long as it has the
** batch, that order of axes; a transpose stands where the one order meets the other.
**
** The gradient of weights sums over the batch. Where its operands are so laid, it becomes 16 products side by side, one for each
** example mod 16 (a batch axis of the dot), and a sum over these.
**
** Needs the batch (batch.h), a multiple of 16. After all other algebra, which does not know of it; before order. */
#include "batch.h"
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"
#include <string.h>

enum {
    LANES = SUM_LANES,
    FEW = 16,  /* channels that a product makes, below which it is laid */
    SOME = 32, /* ... and below which it stays so if what it reads is */
};
/* Axis i of `node` is axis perm[i] of the value that it stands for; the last one is the batch. */
typedef struct Laid {
    Node *node;
    int perm[RANK_MAX];
} Laid;
typedef struct Laying {
    Graph *g;
    Arena *arena;
    const BatchAxes *batch;
    NodeMap natural; /* old node -> Node * */
    NodeMap laid;    /* old node -> Laid *, of those that are computed so */
    NodeMap views;   /* old node -> Laid *: others, seen so */
    Uses uses;
} Laying;

static int place_in(const int *perm, int rank, int axis) {
    for (int i = 0; i < rank; i++)
        if (perm[i] == axis) return i;
    nnc_bug("axis %d is nowhere", axis);
}
static Laid *laid_new(const Laying *l, Node *node) {
    Laid *laid = ARENA_NEW(l->arena, Laid);
    laid->node = node;
    return laid;
}
static Node *natural(Laying *l, const Node *old) {
    Node *node = nodemap_get(&l->natural, old);
    const Laid *laid = nodemap_get(&l->laid, old);
    if (node) return node;
    int back[RANK_MAX], rank = old->type->rank;
    for (int i = 0; i < rank; i++) back[i] = place_in(laid->perm, rank, i);
    node = ir_transpose(l->g, laid->node, back);
    nodemap_set(&l->natural, old, node);
    return node;
}

/* ---- values seen with the batch last */

/* An affine or broadcast of something laid, laid; new axes stand before the batch. */
static Laid *view_laid(Laying *l, const Node *old, const Laid *x) {
    Laid *laid = laid_new(l, NULL);
    int rank = old->type->rank, below = old->args[0]->type->rank;
    if (old->op == OP_affine) {
        const Attrs *at = old->at;
        memcpy(laid->perm, x->perm, sizeof laid->perm);
        laid->node = ir_affine(l->g, x->node, place_in(x->perm, rank, (int)at->axis), at->size, at->a, at->m, at->c,
                               at->k < 0 ? -1 : place_in(x->perm, rank, (int)at->k), at->b, at->fill);
        return laid;
    }
    i64 dims[RANK_MAX];
    int places[RANK_MAX], n = 0;
    for (int i = 0; i < below - 1; i++) places[i] = n, laid->perm[n++] = (int)old->at->dims.v[x->perm[i]];
    for (int i = 0; i < rank; i++)
        if (!list_has(old->at->dims, i)) laid->perm[n++] = i;
    places[below - 1] = n, laid->perm[n] = (int)old->at->dims.v[x->perm[below - 1]];
    for (int i = 0; i < rank; i++) dims[i] = old->type->dims[laid->perm[i]];
    laid->node = ir_broadcast(l->g, x->node, rank, dims, places);
    return laid;
}
static bool keeps_batch(const Laying *l, const Node *view) {
    if (view->op == OP_broadcast) return true;
    int batch = batch_axis(l->batch, view->args[0]);
    return view->op == OP_affine && view->at->axis != batch && view->at->k != batch;
}
/* [channels, .., batch] of something that is [.., batch, .., channels]. */
static Laid *turned(Laying *l, const Node *old) {
    Laid *laid = laid_new(l, NULL);
    int rank = old->type->rank, batch = batch_axis(l->batch, old), last = batch == rank - 1 ? rank - 2 : rank - 1, n = 0;
    if (last >= 0) laid->perm[n++] = last;
    for (int i = 0; i < rank; i++)
        if (i != batch && i != last) laid->perm[n++] = i;
    laid->perm[n] = batch;
    if (old->op == OP_reshape && batch == 0 && batch_axis(l->batch, old->args[0]) == 0) { /* below it the batch goes last by itself */
        int perm[RANK_MAX], back[RANK_MAX], below = old->args[0]->type->rank;
        i64 dims[RANK_MAX];
        for (int i = 0; i < below; i++) perm[i] = (i + 1) % below;
        for (int i = 0; i < rank; i++) dims[i] = old->type->dims[(i + 1) % rank], back[i] = (laid->perm[i] + rank - 1) % rank;
        laid->node = ir_transpose(l->g, ir_reshape(l->g, ir_transpose(l->g, natural(l, old->args[0]), perm), rank, dims), back);
    } else {
        laid->node = ir_transpose(l->g, natural(l, old), laid->perm);
    }
    return laid;
}
static const Laid *seen_laid(Laying *l, const Node *old, bool alone);
static Node *seen_as(Laying *l, const Node *old, const int *perm, bool alone) {
    int rank = old->type->rank, move[RANK_MAX];
    if (batch_axis(l->batch, old) < 0) return ir_transpose(l->g, natural(l, old), perm);
    const Laid *laid = seen_laid(l, old, alone);
    for (int i = 0; i < rank; i++) move[i] = place_in(laid->perm, rank, perm[i]);
    return ir_transpose(l->g, laid->node, move);
}
/* A map whose operands are brought into the order of one of them. */
static Laid *map_laid(Laying *l, const Node *old, const Laid *first, bool alone) {
    Node *args[3];
    Laid *laid = laid_new(l, NULL);
    memcpy(laid->perm, first->perm, sizeof laid->perm);
    for (int i = 0; i < old->n_args; i++) args[i] = seen_as(l, old->args[i], first->perm, alone);
    laid->node = node_like(l->g, old, args, old->at);
    return laid;
}
/* A sum or maximum; *kept: axes of the result. */
static Laid *fold_laid(Laying *l, const Node *old, const Laid *x, int *kept) {
    int rank = old->args[0]->type->rank, axes[RANK_MAX], count[RANK_MAX], n = 0, before = 0;
    Laid *laid = laid_new(l, NULL);
    for (int i = 0; i < rank; i++) count[i] = before, before += !list_has(old->at->axes, i); /* what an axis becomes */
    *kept = 0;
    for (int i = 0; i < rank; i++) {
        if (list_has(old->at->axes, x->perm[i])) axes[n++] = i;
        else laid->perm[(*kept)++] = count[x->perm[i]];
    }
    laid->node = old->op == OP_sum ? ir_sum(l->g, x->node, n, axes) : ir_amax(l->g, x->node, n, axes);
    return laid;
}
static bool is_map(const Node *old) { return op_loop_class(old->op) == LOOP_map && old->op != OP_random; }
static bool is_fold(const Node *old) { return old->op == OP_sum || old->op == OP_amax; }
/* What nobody else wants is computed so: maps, folds and views are walked down, and what is below them is turned. alone: nobody
** else wants what it is seen through. */
static Laid *made_laid(Laying *l, const Node *old, bool alone) {
    int batch = batch_axis(l->batch, old), kept;
    bool view = old->op == OP_affine || old->op == OP_broadcast;
    alone = alone && uses_count(&l->uses, old) == 1;
    if (view && batch_axis(l->batch, old->args[0]) >= 0 && keeps_batch(l, old)) return view_laid(l, old, seen_laid(l, old->args[0], alone));
    if (alone && is_fold(old) && batch_axis(l->batch, old->args[0]) >= 0) return fold_laid(l, old, seen_laid(l, old->args[0], true), &kept);
    for (int i = 0; alone && is_map(old) && i < old->n_args; i++)
        if (batch_axis(l->batch, old->args[i]) == batch) return map_laid(l, old, seen_laid(l, old->args[i], true), true);
    return turned(l, old);
}
static const Laid *seen_laid(Laying *l, const Node *old, bool alone) {
    Laid *laid = nodemap_get(&l->laid, old);
    if (!laid) laid = nodemap_get(&l->views, old);
    if (!laid) nodemap_set(&l->views, old, laid = made_laid(l, old, alone));
    return laid;
}

/* ---- products */

typedef struct Side { /* of a dot */
    const Node *x;
    List contracted;
    int batch;      /* axis; NO_BATCH */
    bool goes;      /* that axis is contracted */
    bool windows;   /* it looks through windows */
    bool is_laid;
} Side;
static Side side_of(const Laying *l, const Node *dot, int side) {
    Side s = {.x = dot->args[side], .contracted = side ? dot->at->rc : dot->at->lc};
    s.batch = batch_axis(l->batch, s.x);
    s.goes = list_has(s.contracted, s.batch);
    s.is_laid = nodemap_get(&l->laid, s.x);
    for (const Node *x = s.x; x->op == OP_affine || x->op == OP_broadcast; x = x->args[0]) s.windows |= x->op == OP_affine && x->at->k >= 0;
    return s;
}
/* Channels from the left, places and batch from the right: dot(w, x), summed in the order in which x has the axes. */
static Laid *dot_laid(Laying *l, const Node *dot, int side) {
    Side x = side_of(l, dot, side), w = side_of(l, dot, 1 - side);
    const Laid *seen = seen_laid(l, x.x, true);
    Laid *laid = laid_new(l, NULL);
    int xc[RANK_MAX], wc[RANK_MAX], n = 0, count = 0, rank = x.x->type->rank;
    for (int i = 0; i < w.x->type->rank; i++)
        if (dot_result_axis(dot, 1 - side, i) >= 0) laid->perm[n++] = dot_result_axis(dot, 1 - side, i);
    for (int i = 0; i < rank; i++) {
        int place = list_place(x.contracted, seen->perm[i]);
        if (place < 0) laid->perm[n++] = dot_result_axis(dot, side, seen->perm[i]);
        else xc[count] = i, wc[count++] = (int)w.contracted.v[place];
    }
    laid->node = ir_dot(l->g, natural(l, w.x), seen->node, 0, NULL, NULL, count, wc, xc);
    return laid;
}
/* [.., batch] -> [.., batch / 16, 16], the other axes in their natural order. */
static Node *by_lanes(Laying *l, const Side *s) {
    int perm[RANK_MAX], rank = s->x->type->rank, n = 0;
    i64 dims[RANK_MAX];
    for (int i = 0; i < rank; i++)
        if (i != s->batch) dims[n] = s->x->type->dims[i], perm[n++] = i;
    perm[n] = s->batch;
    dims[n++] = s->x->type->dims[s->batch] / LANES, dims[n++] = LANES;
    return ir_reshape(l->g, seen_as(l, s->x, perm, true), n, dims);
}
static Node *dot_by_lanes(Laying *l, const Node *dot) {
    Side side[2] = {side_of(l, dot, 0), side_of(l, dot, 1)};
    int c[2][RANK_MAX], b[2], n = 0, axis = 0;
    for (int i = 0; i < side[0].contracted.n; i++) {
        if (side[0].contracted.v[i] == side[0].batch) continue;
        for (int k = 0; k < 2; k++) c[k][n] = (int)(side[k].contracted.v[i] - (side[k].contracted.v[i] > side[k].batch));
        n++;
    }
    for (int k = 0; k < 2; k++) c[k][n] = side[k].x->type->rank - 1, b[k] = side[k].x->type->rank;
    Node *lanes = ir_dot(l->g, by_lanes(l, &side[0]), by_lanes(l, &side[1]), 1, &b[0], &b[1], n + 1, c[0], c[1]);
    return ir_sum(l->g, lanes, 1, &axis);
}
static i64 channels_made(const Node *dot, const Side *w) {
    i64 n = w->x->type->count;
    for (int i = 0; i < w->contracted.n; i++) n /= w->x->type->dims[w->contracted.v[i]];
    return dot->at->lb.n ? dot->type->count : n;
}
/* Both sum over the same batch, and the gradient that comes in is laid; or it has few channels, and what it meets was laid. */
static bool wants_lanes(const Laying *l, const Node *dot, const Side *side) {
    if (dot->at->lb.n || !side[0].goes || !side[1].goes) return false;
    if (list_place(side[0].contracted, side[0].batch) != list_place(side[1].contracted, side[1].batch)) return false;
    for (int k = 0; k < 2; k++) {
        const Side *dy = &side[k], *x = &side[1 - k];
        if (dy->windows) continue;
        if (dy->is_laid || (x->windows && channels_made(dot, dy) < FEW && nodemap_get(&l->views, x->x))) return true;
    }
    return false;
}
static void lay_dot(Laying *l, const Node *dot) {
    Side side[2] = {side_of(l, dot, 0), side_of(l, dot, 1)};
    for (int x = 0; x < 2; x++) {
        if (side[x].batch < 0 || side[x].goes || side[1 - x].batch != NO_BATCH) continue;
        i64 channels = channels_made(dot, &side[1 - x]);
        if ((side[x].windows && channels < FEW) || (side[x].is_laid && channels < SOME)) {
            nodemap_set(&l->laid, dot, dot_laid(l, dot, x));
            return;
        }
    }
    if (wants_lanes(l, dot, side)) nodemap_set(&l->natural, dot, dot_by_lanes(l, dot));
}

/* ---- everything else */

static bool any_laid(const Laying *l, const Node *old) {
    for (int i = 0; i < old->n_args; i++)
        if (nodemap_get(&l->laid, old->args[i])) return true;
    return false;
}
static void lay_map(Laying *l, const Node *old) {
    for (int i = 0; i < old->n_args; i++) {
        const Laid *laid = nodemap_get(&l->laid, old->args[i]);
        if (!laid) continue;
        nodemap_set(&l->laid, old, map_laid(l, old, laid, true));
        return;
    }
}
static void lay_fold(Laying *l, const Node *old) {
    int kept, back[RANK_MAX];
    Laid *laid = fold_laid(l, old, nodemap_get(&l->laid, old->args[0]), &kept);
    if (batch_axis(l->batch, old) >= 0) {
        nodemap_set(&l->laid, old, laid);
        return;
    }
    for (int i = 0; i < kept; i++) back[i] = place_in(laid->perm, kept, i);
    nodemap_set(&l->natural, old, ir_transpose(l->g, laid->node, back));
}
static void lay_transpose(Laying *l, const Node *old) {
    const Laid *x = nodemap_get(&l->laid, old->args[0]);
    Laid *laid = laid_new(l, x->node);
    for (int i = 0; i < old->type->rank; i++) laid->perm[i] = list_place(old->at->perm, x->perm[i]);
    nodemap_set(&l->laid, old, laid);
}
static void lay_node(Laying *l, const Node *old) {
    bool view = old->op == OP_affine || old->op == OP_broadcast, some = any_laid(l, old);
    if (old->op == OP_dot) lay_dot(l, old);
    else if (!some) return;
    else if (is_map(old)) lay_map(l, old);
    else if (is_fold(old)) lay_fold(l, old);
    else if (old->op == OP_transpose) lay_transpose(l, old);
    else if (view && keeps_batch(l, old)) nodemap_set(&l->laid, old, view_laid(l, old, nodemap_get(&l->laid, old->args[0])));
}
static const Func *lay_func(Laying *l, const Func *f) {
    NodeList nodes = order_walk(l->arena, f->results, f->n_results);
    l->uses = uses_of(l->arena, nodes, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        const Node *old = nodes.v[i];
        const Origin *origin = graph_origin_now(l->g);
        graph_origin(l->g, old->origin);
        lay_node(l, old);
        if (!nodemap_get(&l->laid, old) && !nodemap_get(&l->natural, old)) {
            Node **args = ARENA_ARRAY(l->arena, Node *, old->n_args + 1);
            for (int k = 0; k < old->n_args; k++) args[k] = natural(l, old->args[k]);
            nodemap_set(&l->natural, old, node_with_args(l->g, old, args));
        }
        graph_origin(l->g, origin);
    }
    Node **results = ARENA_ARRAY(l->arena, Node *, f->n_results + 1);
    for (int i = 0; i < f->n_results; i++) results[i] = natural(l, f->results[i]);
    return func_make(l->g, f->n_params, f->params, f->n_results, results);
}
const Func *pass_lay(const Pass *pass, const Func *f) {
    const SettleOptions *s = pass->settle;
    if (!s->batched || s->batch_rows < LANES || s->batch_rows % LANES != 0) return f;
    BatchAxes b = {.arena = pass->scratch, .axis.arena = pass->scratch};
    int *params = ARENA_ARRAY(pass->scratch, int, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) params[i] = s->batched[i] ? 0 : NO_BATCH;
    batch_find(&b, pass->g, f, params);
    Laying l = {.g = pass->g, .arena = pass->scratch, .batch = &b};
    l.natural.arena = l.laid.arena = l.views.arena = pass->scratch;
    return lay_func(&l, f);
}

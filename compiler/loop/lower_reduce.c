/* lower_reduce.c: sum, amax and dot as plain loops, in the order that graph.h states, with the maps that follow them.
**
** A chain is an accumulator of the loops over what is summed; 16 neighbouring results are 16 chains. `lanes` is one 16-lane
** accumulator and `tree`. A cut sums each block into a local buffer, then adds pairs. amax has no order: it takes lanes where
** the last axis is folded. */
#include "lower.h"
#include <math.h>

typedef struct Reduce {
    const Node *node;
    int n_result, n_fold;      /* dims: results first, then what is folded, then blocks */
    int fold_dims[RANK_MAX];   /* in the order of folding */
    int cut_at;                /* place in the folded list; -1: not cut */
    int block_dim;
    i64 length, n_blocks;      /* of the cut: block length, blocks that are not empty */
    bool by_lanes;             /* the innermost folded axis goes by lanes */
    int result_lanes;          /* else the group of results that does; -1: none */
    int partial;               /* local buffer of a cut */
    bool tiles;                /* operands are places, so that register tiles may do */
    Operand operands[2];
} Reduce;

static bool holds(List list, i64 x) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == x) return true;
    return false;
}
static List folded(const Node *node, int side) {
    if (node->op != OP_dot) return node->at->axes;
    return side ? node->at->rc : node->at->lc;
}

/* ---- the index space */

static int cut_place(const Node *node) {
    if (node->op == OP_amax || node->at->cut <= 1) return -1;
    if (node->op == OP_dot) return (int)node->at->cut_axis;
    int place = 0;
    while (node->at->axes.v[place] != node->at->cut_axis) place++;
    return place;
}
static bool wants_lanes(const Node *node) {
    List axes = folded(node, 0);
    if (!axes.n) return false;
    const Type *x = node->args[0]->type;
    i64 last = axes.v[axes.n - 1];
    if (node->op == OP_amax) return last == x->rank - 1 && x->dims[last] >= 8;
    return node->at->order == ORDER_LANES;
}
static void make_dims(Lower *w, Reduce *r) {
    const Node *node = r->node;
    const Type *x = node->args[0]->type;
    List axes = folded(node, 0);
    r->n_result = node->type->rank;
    r->n_fold = axes.n;
    r->cut_at = cut_place(node);
    r->by_lanes = wants_lanes(node);
    int n_batch = node->op == OP_dot ? (int)node->at->lb.n : 0;
    int n_right = node->op == OP_dot ? node->args[1]->type->rank - n_batch - axes.n : 0;
    for (int i = 0; i < r->n_result; i++) {
        int dim = axes_dim(w, node->type->dims[i], AXIS_RESULT);
        w->dims.v[dim].part = i < n_batch ? 0 : i < r->n_result - n_right ? 1 : 2;
    }
    for (int i = 0; i < axes.n; i++) {
        i64 extent = x->dims[axes.v[i]];
        if (i == r->cut_at) {
            r->length = (extent + node->at->cut - 1) / node->at->cut;
            r->n_blocks = (extent + r->length - 1) / r->length;
            extent = r->length;
        }
        r->fold_dims[i] = axes_dim(w, extent, AXIS_FOLD);
        w->dims.v[r->fold_dims[i]].whole = (r->by_lanes && node->op != OP_amax && i == axes.n - 1) || i == r->cut_at;
        w->dims.v[r->fold_dims[i]].alone = i == r->cut_at;
    }
    for (int i = 0; node->op == OP_dot && i < node->at->inside.n; i += INSIDE_WORDS) {
        const i64 *window = node->at->inside.v + i;
        Dim *summed = &w->dims.v[r->fold_dims[window[INSIDE_PLACE]]];
        summed->whole = summed->alone = w->dims.v[window[INSIDE_AXIS]].alone = true;
    }
    if (r->cut_at >= 0) r->block_dim = axes_dim(w, r->n_blocks, AXIS_BLOCK);
    if (r->cut_at >= 0) w->dims.v[r->block_dim].whole = w->dims.v[r->block_dim].alone = true;
}
static LoopAffine fold_coordinate(Lower *w, const Reduce *r, int place) {
    LoopAffine at = axes_coordinate(w, r->fold_dims[place]);
    return place == r->cut_at ? affine_plus(at, affine_times(axes_coordinate(w, r->block_dim), r->length)) : at;
}
/* The index into an operand: folded axes from the folded dimensions, batch and free axes from the result's. */
static Index *operand_index(Lower *w, const Reduce *r, int side) {
    const Node *node = r->node;
    int rank = node->args[side]->type->rank, next = 0;
    Index *index = index_new(w, rank);
    List axes = folded(node, side), batch = node->op == OP_dot ? side ? node->at->rb : node->at->lb : (List){0};
    for (int i = 0; i < axes.n; i++) index->at[axes.v[i]] = fold_coordinate(w, r, i);
    for (int i = 0; i < batch.n; i++) index->at[batch.v[i]] = axes_coordinate(w, next++);
    if (side) next = r->n_result - (rank - batch.n - axes.n);
    for (int i = 0; i < rank; i++)
        if (!holds(axes, i) && !holds(batch, i)) index->at[i] = axes_coordinate(w, next++);
    return index;
}

/* ---- folding */

LoopValue *fold_identity(Lower *w, const Node *node) {
    LoopElem elem = elem_of_dtype(node->type->dtype);
    if (node->op != OP_amax) return literal_of(w, node->type->dtype, 0);
    return elem == ELEM_I32 ? loop_int(&w->b, elem, INT32_MIN) : loop_real(&w->b, elem, -INFINITY);
}
/* Reals are compared as integers, since the instructions for a real maximum in which NaN wins take some fifteen cycles from one element
** to the next, an integer's one. The integer of a number rises with it: its bits, of a negative one all but the sign turned round. NaN
** becomes the positive one, which is above inf. The same turns it back. What abs gives is its own integer. */
static LoopElem key_elem(const Node *node) {
    LoopElem elem = elem_of_dtype(node->type->dtype);
    bool real = node->op == OP_amax && (elem == ELEM_F32 || elem == ELEM_F64);
    return !real ? elem : elem == ELEM_F32 ? ELEM_I32 : ELEM_I64;
}
static LoopValue *like(Lower *w, LoopValue *x, LoopValue *of) { return of->type.lanes ? loop_splat(&w->b, x) : x; }
static LoopValue *turn(Lower *w, LoopValue *bits) {
    LoopElem elem = bits->type.elem;
    LoopValue *sign = loop_op(&w->b, LOP_sar, bits, like(w, loop_int(&w->b, elem, elem == ELEM_I32 ? 31 : 63), bits));
    LoopValue *rest = like(w, loop_int(&w->b, elem, elem == ELEM_I32 ? INT32_MAX : INT64_MAX), bits);
    return loop_op(&w->b, LOP_xor, bits, loop_op(&w->b, LOP_and, sign, rest));
}
static LoopValue *key_of(Lower *w, const Node *node, LoopValue *x) {
    if (key_elem(node) == x->type.elem) return x;
    if (node->args[0]->op == OP_abs) return loop_op(&w->b, LOP_bits, x);
    LoopValue *nan = like(w, loop_real(&w->b, x->type.elem, NAN), x), *number = loop_op(&w->b, LOP_eq, x, x);
    return turn(w, loop_op(&w->b, LOP_bits, loop_op(&w->b, LOP_select, number, x, nan)));
}
LoopValue *fold_begin(Lower *w, const Node *node) { return key_of(w, node, fold_identity(w, node)); }
LoopValue *fold_step(Lower *w, const Node *node, LoopValue *acc, LoopValue *x) {
    if (acc->type.lanes) x = loop_splat(&w->b, x);
    return node->op == OP_sum ? loop_op(&w->b, LOP_add, acc, x) : loop_op(&w->b, LOP_max, acc, key_of(w, node, x));
}
LoopValue *fold_end(Lower *w, const Node *node, LoopValue *acc, bool tree) {
    if (tree) acc = loop_op(&w->b, node->op == OP_amax ? LOP_tree_max : LOP_tree, acc);
    if (key_elem(node) == elem_of_dtype(node->type->dtype)) return acc;
    return loop_op(&w->b, LOP_bits, node->args[0]->op == OP_abs ? acc : turn(w, acc));
}
/* Lanes that do not count are the identity: +0 added, or +0 * +0, changes no accumulator, as none ever is -0. */
LoopValue *only_active(Lower *w, const Node *anchor, LoopValue *x) {
    if (!w->active || w->active == LANES) return x;
    return loop_op(&w->b, LOP_select, active_mask(w), loop_splat(&w->b, x), loop_splat(&w->b, fold_identity(w, anchor)));
}
static LoopValue *only_summed(Lower *w, const Reduce *r, LoopValue *x) { return r->by_lanes ? only_active(w, r->node, x) : x; }
/* acc with one term more, but where that falls on padding. */
static LoopValue *only_inside(Lower *w, const Reduce *r, LoopValue *more, LoopValue *acc) {
    List inside = r->node->at->inside;
    for (int i = 0; i < inside.n; i += INSIDE_WORDS) {
        const i64 *window = inside.v + i;
        LoopAffine at = affine_times(fold_coordinate(w, r, (int)window[INSIDE_PLACE]), window[INSIDE_B]);
        at = affine_plus(affine_plus(at, affine(window[INSIDE_C])), affine_times(axes_coordinate(w, (int)window[INSIDE_AXIS]), window[INSIDE_A]));
        LoopValue *x = number_at(w, at), *here = loop_op(&w->b, LOP_eq, x, loop_clamp(&w->b, x, 0, window[INSIDE_N] - 1));
        LoopValue *args[3] = {here, more, acc};
        lanes_unify(w, 3, args);
        more = loop_apply(&w->b, LOP_select, args);
    }
    return more;
}
static void fold_element(Lower *w, void *context, LoopValue **acc) {
    const Reduce *r = context;
    const Node *node = r->node;
    const PlanBody *body = w->kernel->body;
    bool lanes = acc[0]->type.lanes;
    LoopValue *x = node_at(w, body, node->args[0], operand_index(w, r, 0));
    x = only_summed(w, r, x);
    if (node->op == OP_dot) {
        if (lanes) x = loop_splat(&w->b, x);
        LoopValue *y = only_summed(w, r, node_at(w, body, node->args[1], operand_index(w, r, 1)));
        if (lanes) y = loop_splat(&w->b, y);
        acc[0] = only_inside(w, r, loop_op(&w->b, LOP_fma, x, y, acc[0]), acc[0]);
    } else {
        acc[0] = fold_step(w, node, acc[0], x);
    }
}
static int last_fold_group(const Lower *w) {
    for (int g = w->groups.n - 1; g >= 0; g--)
        if (w->groups.v[g].class == AXIS_FOLD) return g;
    return -1;
}
/* The innermost folded axis may have one element: then there is no group of it, and its one element is lane 0. */
static int lanes_group(const Lower *w, const Reduce *r) {
    int g = last_fold_group(w);
    if (g < 0) return -1;
    int last = w->atoms.v[w->groups.v[g].first + w->groups.v[g].n - 1]->dim;
    return last == r->fold_dims[r->n_fold - 1] || r->node->op == OP_amax ? g : -1;
}
static LoopValue *fold_all(Lower *w, Reduce *r) {
    LoopValue *acc = fold_begin(w, r->node);
    int group = r->by_lanes ? lanes_group(w, r) : -1;
    if (w->active || group >= 0) acc = loop_splat(&w->b, acc);
    nest_fold(w, group, 1, &acc, fold_element, r);
    return fold_end(w, r->node, acc, group >= 0);
}

/* ---- cuts: each block's sum to a local buffer, 16 places a block */

static void bind_block(Lower *w, LoopAffine block) {
    for (int g = 0; g < w->groups.n; g++)
        if (w->groups.v[g].class == AXIS_BLOCK) w->groups.v[g].at = block, w->groups.v[g].bound = true;
}
/* Shortens or restores the cut dimension. It is whole, so it is one atom and one group by itself. */
static void set_length(Lower *w, const Reduce *r, i64 length) {
    for (int g = 0; g < w->groups.n; g++)
        if (w->atoms.v[w->groups.v[g].first]->dim == r->fold_dims[r->cut_at]) w->groups.v[g].extent = length;
}
static void store_partial(Lower *w, const Reduce *r, LoopAffine block, LoopValue *sum) {
    loop_store(&w->b, r->partial, affine_times(block, LANES), sum);
}
static LoopValue *load_partial(Lower *w, const Reduce *r, LoopAffine block, bool lanes) {
    LoopAffine at = affine_times(block, LANES);
    return lanes ? loop_load_lanes(&w->b, r->partial, at, 1) : loop_load(&w->b, r->partial, at);
}
static void block_sum(Lower *w, Reduce *r, LoopAffine block) {
    int mark = known_mark(w);
    bind_block(w, block);
    store_partial(w, r, block, fold_all(w, r));
    known_forget(w, mark);
}
static LoopValue *cut_sum(Lower *w, Reduce *r) {
    const Node *node = r->node;
    i64 extent = node->args[0]->type->dims[folded(node, 0).v[r->cut_at]], cut = node->at->cut;
    i64 whole = extent / r->length, rest = extent % r->length;
    bool lanes = w->active > 0;
    if (whole) {
        LoopFor *loop = loop_for(&w->b, FOR_SERIAL, whole, 1, 0, NULL);
        block_sum(w, r, affine_loop(affine(0), loop, 1));
        loop_for_end(&w->b, NULL);
    }
    if (rest) {
        set_length(w, r, rest);
        block_sum(w, r, affine(whole));
        set_length(w, r, r->length);
    }
    LoopValue *zero = literal_of(w, node->type->dtype, 0);
    for (i64 block = r->n_blocks; block < cut; block++) store_partial(w, r, affine(block), lanes ? loop_splat(&w->b, zero) : zero);
    for (i64 left = cut / 2; left >= 1; left /= 2) {
        LoopFor *loop = loop_for(&w->b, FOR_SERIAL, left, 1, 0, NULL);
        LoopAffine pair = affine_loop(affine(0), loop, 2);
        LoopValue *sum = loop_op(&w->b, LOP_add, load_partial(w, r, pair, lanes), load_partial(w, r, affine_plus(pair, affine(1)), lanes));
        store_partial(w, r, affine_loop(affine(0), loop, 1), sum);
        loop_for_end(&w->b, NULL);
    }
    return load_partial(w, r, affine(0), lanes);
}

/* ---- the kernel */

/* Maxima and stores at the index for which the anchor's value is there. */
static void result_finish(Lower *w, const Index *index) {
    LoopValue **acc = maxima_load(w);
    maxima_take(w, acc, index);
    maxima_keep(w, acc);
    stores_at(w, index);
}
static void reduce_result(Lower *w, void *context) {
    Reduce *r = context;
    if (r->cut_at >= 0) r->partial = loop_local(&w->b, r->node->type->dtype, r->node->at->cut * LANES);
    LoopValue *value = r->cut_at >= 0 ? cut_sum(w, r) : fold_all(w, r);
    Index *index = index_of_dims(w, 0, r->n_result);
    w->anchor = value;
    w->anchor_index = index;
    result_finish(w, index);
    w->anchor = NULL;
}
static void trial_operands(Lower *w, Reduce *r) {
    r->tiles = r->node->op == OP_dot && !r->by_lanes && w->plan->options.level >= 2;
    for (int side = 0; side < 2 && r->tiles; side++)
        r->tiles = operand_place(w, w->kernel->body, r->node->args[side], operand_index(w, r, side), &r->operands[side]);
    if (!r->tiles) return;
    for (int side = 0; side < 2; side++) {
        axes_note(w, r->operands[side].form, true, false);
        buffer_of(w, r->operands[side].value, false);
    }
    if (r->cut_at >= 0) partial_store(w, NULL);
}
static void reduce_trial(Lower *w, void *context) {
    Reduce *r = context;
    LoopValue *acc = fold_begin(w, r->node);
    trial_operands(w, r);
    if (!r->tiles) fold_element(w, r, &acc);
    acc = fold_end(w, r->node, acc, false);
    Index *index = index_of_dims(w, 0, r->n_result);
    w->anchor = acc;
    w->anchor_index = index;
    result_finish(w, index);
}

/* ---- tiles */

/* Scratch is [blocks, result]. */
static Index *partial_index(Lower *w, LoopAffine block) {
    int n = w->kernel->anchor->type->rank;
    Index *index = index_new(w, n + 1);
    index->at[0] = block;
    for (int i = 0; i < n; i++) index->at[i + 1] = axes_coordinate(w, i);
    return index;
}
static int block_dim_of(const Lower *w) {
    for (int i = 0; i < w->dims.n; i++)
        if (w->dims.v[i].class == AXIS_BLOCK) return i;
    return -1;
}
void partial_store(Lower *w, LoopValue *value) {
    PlanStore store = {w->kernel->anchor, w->kernel->scratch, NULL, NULL};
    store_at(w, &store, partial_index(w, axes_coordinate(w, block_dim_of(w))), value);
}
/* The sum of all blocks at one place (or 16), then what follows. */
static void add_partials(Lower *w, void *context) {
    const Reduce *r = context;
    int cut = (int)r->node->at->cut;
    LoopValue **sums = ARENA_ARRAY(w->arena, LoopValue *, cut);
    for (int i = 0; i < cut; i++)
        sums[i] = i < r->n_blocks ? load_at(w, w->kernel->scratch, partial_index(w, affine(i))) : literal_of(w, r->node->type->dtype, 0);
    for (int left = cut / 2; left; left /= 2)
        for (int i = 0; i < left; i++) {
            LoopValue *pair[2] = {sums[2 * i], sums[2 * i + 1]};
            lanes_unify(w, 2, pair);
            sums[i] = loop_apply(&w->b, LOP_add, pair);
        }
    Index *index = index_of_dims(w, 0, r->n_result);
    w->anchor = sums[0];
    w->anchor_index = index;
    result_finish(w, index);
    w->anchor = NULL;
}
static void set_bound(Lower *w, bool bound) {
    for (int g = 0; g < w->groups.n; g++) w->groups.v[g].bound = bound, w->groups.v[g].lanes = false;
}
static bool tile_cut_sum(Lower *w, Reduce *r) {
    i64 extent = r->node->args[0]->type->dims[folded(r->node, 0).v[r->cut_at]], whole = extent / r->length, rest = extent % r->length;
    int cut_dim = r->fold_dims[r->cut_at];
    if (!tile_block(w, r->operands, r->n_result, cut_dim, r->length, affine(0), true)) return false;
    if (whole) {
        LoopFor *loop = loop_for(&w->b, w->kernel->parallel ? FOR_PARALLEL : FOR_SERIAL, whole, 1, 0, NULL);
        tile_block(w, r->operands, r->n_result, cut_dim, r->length, affine_loop(affine(0), loop, 1), false);
        loop_for_end(&w->b, NULL);
    }
    if (rest) tile_block(w, r->operands, r->n_result, cut_dim, rest, affine(whole), false);
    loop_sync(&w->b);
    set_bound(w, false);
    nest(w, AXIS_RESULT, best_lanes(w, AXIS_RESULT), w->kernel->parallel, add_partials, r);
    return true;
}
void lower_reduce(Lower *w) {
    Reduce r = {.node = w->kernel->anchor};
    make_dims(w, &r);
    run_trial(w, reduce_trial, &r);
    maxima_begin(w);
    if (!r.tiles || !(r.cut_at >= 0 ? tile_cut_sum(w, &r) : tile_whole(w, r.operands, r.n_result))) {
        int lanes = r.by_lanes && lanes_group(w, &r) >= 0 ? -1 : best_lanes(w, AXIS_RESULT);
        nest(w, AXIS_RESULT, lanes, w->kernel->parallel, reduce_result, &r);
    }
    maxima_end(w);
}

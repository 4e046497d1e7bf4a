/* grain.c: a step is walked grain by grain: a loop over equal parts of the batch does for each, forward and backward, what was done for all
** at once, so that memory of one part is enough; the parts' sums are then added in pairs, as a cut sum says. Every bit stays: the sums
** over the batch are cut (settle/order.c) and a part is one of their blocks. Where settle's grain.h says that it is worth it.
**
** The last passes: hoist and sink would undo it.
**
** The pass `apart` makes the same loop with an example a round, for another reason: a step of many short products, each of matrices of one
** example (tasks of meta-learning with weights of their own), spends its time between kernels, and threads theirs waiting for each other.
** Rounds know nothing of each other, so plan makes them tasks, and what a round handles stays in a core's cache. No sum is cut: sums over
** the batch follow the loop as they are.
**
** A node of examples is sliced along its batch axis. What is the same for all examples but has that axis all the same (a weight broadcast
** over the batch, positions) is sliced where it is a broadcast or a map, else walked over as an operand of the loop is. */
#include "../settle/grain.h"
#include "loops.h"

typedef struct Plain {
    const Node *node;
    int axis;
    Node *slice;
} Plain;
/* One function, the entry's or a loop's body, as it is sliced. */
typedef struct Slicing {
    Graph *g;
    Arena *scratch;
    i64 parts;
    BatchAxes axes;
    Grains grains;
    NodeMap now;       /* of nodes of examples and their sums: the slice */
    VEC(Plain) plains; /* slices of others */
    Nodes holes, xs;   /* what the loop walks over */
    bool top;          /* the entry's: it can have xs */
    bool sums_after;   /* sums over the batch stay behind the loop */
    bool failed;
} Slicing;

static Node *slice_plain(Slicing *s, Node *node, int axis);

/* ---- what is walked over */

static List shorter(const Slicing *s, List list, int axis) {
    i64 *v = ARENA_ARRAY(s->scratch, i64, list.n + 1);
    for (int i = 0; i < list.n; i++) v[i] = i == axis ? list.v[i] / s->parts : list.v[i];
    return (List){list.n, v};
}
/* A node of the entry as xs of the loop: [.. b ..] -> [parts, b/parts, ..]. */
static Node *walk_over(Slicing *s, Node *node, int axis) {
    int perm[RANK_MAX] = {axis}, back[RANK_MAX], n = 1, rank = node->type->rank;
    i64 dims[RANK_MAX + 1] = {s->parts};
    if (!s->top) {
        s->failed = true;
        return node;
    }
    for (int i = 0; i < rank; i++)
        if (i != axis) perm[n++] = i;
    for (int i = 0; i < rank; i++) {
        back[perm[i]] = i;
        dims[i + 1] = node->type->dims[perm[i]];
    }
    dims[1] /= s->parts;
    Node *x = ir_reshape(s->g, ir_transpose(s->g, node, perm), rank + 1, dims);
    Node *hole = ir_hole(s->g, type_without_lead(s->g, x->type));
    vec_push(s->scratch, &s->holes, hole);
    vec_push(s->scratch, &s->xs, x);
    return ir_transpose(s->g, hole, back);
}

/* ---- slices of what is the same for all */

static Node *plain_make(Slicing *s, Node *node, int axis) {
    const Attrs *at = node->at;
    if (node->op == OP_broadcast) {
        int below = list_place(at->dims, axis);
        Node *x = below >= 0 ? slice_plain(s, node->args[0], below) : node->args[0];
        Attrs now = *at;
        now.to = shorter(s, at->to, axis);
        return node_like(s->g, node, &x, &now);
    }
    if (op_loop_class(node->op) == LOOP_map && node->n_args && node->op != OP_random) {
        Node **args = ARENA_ARRAY(s->scratch, Node *, node->n_args);
        for (int i = 0; i < node->n_args; i++) args[i] = slice_plain(s, node->args[i], axis);
        return node_with_args(s->g, node, args);
    }
    return walk_over(s, node, axis);
}
static Node *slice_plain(Slicing *s, Node *node, int axis) {
    for (int i = 0; i < s->plains.n; i++)
        if (s->plains.v[i].node == node && s->plains.v[i].axis == axis) return s->plains.v[i].slice;
    Plain plain = {node, axis, plain_make(s, node, axis)};
    vec_push(s->scratch, &s->plains, plain);
    return plain.slice;
}
/* An operand with its batch at `axis`; axis < 0: as it is. */
static Node *operand(Slicing *s, Node *node, int axis) {
    if (node->op == OP_scan || (grain_role(&s->grains, node) == GRAIN_INSIDE && batch_axis(&s->axes, node) >= 0)) return nodemap_get(&s->now, node);
    return axis < 0 ? node : slice_plain(s, node, axis);
}

/* ---- slices of examples */

static const Func *slice_body(const Slicing *outer, const Func *f, const Node *scan, const int *params);

static Node *slice_scan(Slicing *s, const Node *node) {
    const int *params = batch_scan_params(&s->axes, node);
    Node **args = ARENA_ARRAY(s->scratch, Node *, node->n_args);
    Attrs at = *node->at;
    for (int i = 0; i < node->n_args; i++) {
        int walked = i >= scan_first_x(node);
        args[i] = operand(s, node->args[i], params[i] < 0 ? params[i] : params[i] + walked);
    }
    at.body = slice_body(s, at.body, node, params);
    s->failed |= !at.body;
    return at.body ? node_like(s->g, node, args, &at) : (Node *)node;
}
/* Which axis of its i-th operand stands for axis `axis` of the node; -1: none. */
static int axis_below(const Node *node, int i, int axis) {
    const Attrs *at = node->at;
    int rank = node->args[i]->type->rank;
    switch ((int)node->op) {
    case OP_reshape: return -1;
    case OP_transpose: return (int)at->perm.v[axis];
    case OP_broadcast: return list_place(at->dims, axis);
    case OP_sum:
    case OP_amax:
        for (int j = 0; j < at->axes.n; j++) axis += at->axes.v[j] <= axis;
        return axis;
    case OP_dot: {
        List batch = i ? at->rb : at->lb, terms = i ? at->rc : at->lc;
        int free[RANK_MAX], n = axes_free(rank, batch, terms, free), before = at->lb.n;
        if (axis < at->lb.n) return (int)batch.v[axis];
        if (i) before += node->args[0]->type->rank - at->lb.n - at->lc.n;
        return axis >= before && axis < before + n ? free[axis - before] : -1;
    }
    default: return axis;
    }
}
/* Value [B.. P.. I.. R..] of a put and its index [B.. I..]; table [B.. P.. n R..] of a take. Where operand i has the axis that is axis
** `other` of the other one; -1: nowhere. */
static int take_beside(const Node *node, int i, int other) {
    int axis = (int)node->at->axis, batch = (int)node->at->batch, n_index = node->args[1]->type->rank - batch;
    if (other < batch) return other;
    if (node->op == OP_take) return -1;
    if (i == 0) return other - batch + axis;
    return other >= axis && other < axis + n_index ? other - axis + batch : -1;
}
/* The axis along which an operand that is the same for all examples must be sliced; -1: it is taken as it is. */
static int axis_beside(const Slicing *s, const Node *node, int i, int axis) {
    if (node->op == OP_random && i < 2) return -1; /* key and step */
    if (node->op == OP_take || node->op == OP_put) return take_beside(node, i, batch_axis(&s->axes, node->args[!i]));
    if (axis >= 0) return axis_below(node, i, axis);
    int place = list_place(i ? node->at->lc : node->at->rc, batch_axis(&s->axes, node->args[!i])); /* a product summed over the batch */
    return place < 0 ? -1 : (int)(i ? node->at->rc : node->at->lc).v[place];
}
/* A sum over the batch in as many blocks as there are parts, and of the batch: products may be cut along another axis (settle/order.c). */
static bool is_cut_by_parts(const Slicing *s, const Node *node) {
    const Attrs *at = node->at;
    if (at->cut != s->parts || node->op != OP_dot) return at->cut == s->parts;
    int left = batch_axis(&s->axes, node->args[0]), right = batch_axis(&s->axes, node->args[1]);
    return left >= 0 ? at->lc.v[at->cut_axis] == left : at->rc.v[at->cut_axis] == right;
}
static Node *slice_node(Slicing *s, Node *node) {
    if (node->op == OP_scan) return slice_scan(s, node);
    int axis = batch_axis(&s->axes, node);
    Node **args = ARENA_ARRAY(s->scratch, Node *, node->n_args + 1);
    Attrs at = *node->at;
    if (node->op == OP_arg && s->top) return walk_over(s, node, axis);
    if (node->op == OP_arg) {
        List dims = shorter(s, (List){node->type->rank, node->type->dims}, axis);
        return ir_arg(s->g, at.index, type_get(s->g, node->type->dtype, dims.n, dims.v));
    }
    if (node->op == OP_get) return ir_get(s->g, nodemap_get(&s->now, node->args[0]), at.index);
    for (int i = 0; i < node->n_args; i++) {
        bool inside = grain_role(&s->grains, node->args[i]) == GRAIN_INSIDE;
        args[i] = operand(s, node->args[i], inside ? -1 : axis_beside(s, node, i, axis));
    }
    if (grain_role(&s->grains, node) == GRAIN_SUM) {
        s->failed |= !is_cut_by_parts(s, node);
        at.cut = at.cut_axis = 0;
    } else if (node->op == OP_reshape || node->op == OP_broadcast)
        at.to = shorter(s, at.to, axis);
    return s->failed ? node : node_like(s->g, node, args, &at);
}
static void slice_all(Slicing *s, const Func *f) {
    NodeList nodes = order_walk(s->scratch, f->results, f->n_results);
    for (int i = 0; i < nodes.n && !s->failed; i++) {
        GrainRole role = grain_role(&s->grains, nodes.v[i]);
        if (role == GRAIN_INSIDE || (role == GRAIN_SUM && !s->sums_after)) nodemap_set(&s->now, nodes.v[i], slice_node(s, nodes.v[i]));
    }
}

/* ---- bodies, entries */

static Slicing slicing_of(Graph *g, Arena *scratch, i64 parts, const Func *f, const int *params) {
    Slicing s = {.g = g, .scratch = scratch, .parts = parts, .axes = {.arena = scratch, .axis.arena = scratch},
                 .grains = {.arena = scratch, .roles.arena = scratch}, .now.arena = scratch};
    batch_find(&s.axes, g, f, params);
    grain_find(&s.grains, g, &s.axes, f);
    return s;
}
/* NULL: it cannot be. */
static const Func *slice_body(const Slicing *outer, const Func *f, const Node *scan, const int *params) {
    Slicing s = slicing_of(outer->g, outer->scratch, outer->parts, f, params);
    const Type **types = ARENA_ARRAY(s.scratch, const Type *, f->n_params + 1);
    Node **results = ARENA_ARRAY(s.scratch, Node *, f->n_results + 1);
    for (int i = 0; i < f->n_params; i++) {
        List dims = shorter(&s, (List){f->params[i]->rank, f->params[i]->dims}, params[i]);
        types[i] = type_get(s.g, f->params[i]->dtype, dims.n, dims.v);
    }
    slice_all(&s, f);
    for (int i = 0; i < f->n_results && !s.failed; i++) results[i] = operand(&s, f->results[i], i < scan->at->carry ? params[i] : -1);
    return s.failed ? NULL : func_make(s.g, f->n_params, types, f->n_results, results);
}
/* ys [parts, ..] added in pairs. */
static Node *tree(Graph *g, Node *ys, i64 from, i64 n) {
    if (n == 1) return ir_squeeze(g, ir_slice(g, ys, 0, from, from + 1, 1), 0);
    return ir_add(g, tree(g, ys, from, n / 2), tree(g, ys, from + n / 2, n / 2));
}
/* The axis to the front, and back. */
static Node *axis_first(Graph *g, Node *node, int axis) {
    int perm[RANK_MAX] = {axis}, n = 1;
    for (int i = 0; i < node->type->rank; i++)
        if (i != axis) perm[n++] = i;
    return ir_transpose(g, node, perm);
}
static Node *axis_back(Graph *g, Node *node, int axis) {
    int perm[RANK_MAX], n = 1;
    for (int i = 0; i < node->type->rank; i++) perm[i] = i == axis ? 0 : n++;
    return ir_transpose(g, node, perm);
}
/* Of what is of examples: [parts, b/parts, ..] -> [b, ..], the batch to its axis. */
static Node *joined(Graph *g, Node *ys, int axis) {
    i64 dims[RANK_MAX] = {ys->type->dims[0] * ys->type->dims[1]};
    for (int i = 2; i < ys->type->rank; i++) dims[i - 1] = ys->type->dims[i];
    return axis_back(g, ir_reshape(g, ys, ys->type->rank - 1, dims), axis);
}
/* What the loop hands out: results of examples, and sums over the batch or what they are of. */
static Nodes handed_out(const Slicing *s, const Func *f, NodeList nodes) {
    NodeMap wanted = {.arena = s->scratch};
    Nodes out = {0};
    for (int k = 0; k < f->n_results; k++) nodemap_set(&wanted, f->results[k], f->results[k]);
    for (int i = 0; i < nodes.n && s->sums_after; i++)
        for (int k = 0; k < nodes.v[i]->n_args && grain_role(&s->grains, nodes.v[i]) == GRAIN_SUM; k++)
            nodemap_set(&wanted, nodes.v[i]->args[k], nodes.v[i]);
    for (int i = 0; i < nodes.n; i++) {
        GrainRole role = grain_role(&s->grains, nodes.v[i]);
        if (role == GRAIN_SUM ? !s->sums_after : role == GRAIN_INSIDE && nodemap_get(&wanted, nodes.v[i])) vec_push(s->scratch, &out, nodes.v[i]);
    }
    return out;
}
static const Func *walk(Slicing *s, const Func *f) {
    NodeList nodes = order_walk(s->scratch, f->results, f->n_results);
    Nodes made = handed_out(s, f, nodes), y = {0};
    slice_all(s, f);
    if (s->failed) return f;
    for (int i = 0; i < made.n; i++) {
        Node *slice = nodemap_get(&s->now, made.v[i]);
        int axis = batch_axis(&s->axes, made.v[i]);
        vec_push(s->scratch, &y, axis > 0 ? axis_first(s->g, slice, axis) : slice);
    }
    Node **out = ARENA_ARRAY(s->scratch, Node *, y.n + 1), **results = ARENA_ARRAY(s->scratch, Node *, f->n_results);
    ir_scan_region(s->g, &(Region){.n_xs = s->xs.n, .n_ys = y.n, .x = s->holes.v, .y = y.v, .xs = s->xs.v, .length = s->parts}, out);
    NodeMap map = {.arena = s->scratch};
    for (int i = 0; i < y.n; i++) {
        bool sum = grain_role(&s->grains, made.v[i]) == GRAIN_SUM;
        nodemap_set(&map, made.v[i], sum ? tree(s->g, out[i], 0, s->parts) : joined(s->g, out[i], batch_axis(&s->axes, made.v[i])));
    }
    substitute(s->g, s->scratch, &map, f->results, f->n_results, results);
    return func_make(s->g, f->n_params, f->params, f->n_results, results);
}
/* Into how many blocks the sums over the batch are cut; 1: not. */
static i64 parts_of(const Pass *pass, const Func *f) {
    NodeList nodes = order_walk(pass->scratch, f->results, f->n_results);
    i64 parts = 1;
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->at->cut > parts) parts = nodes.v[i]->at->cut;
    return parts;
}
const Func *pass_grain(const Pass *pass, const Func *f) {
    const SettleOptions *o = pass->settle;
    i64 parts = o->batch_rows ? parts_of(pass, f) : 1;
    if (parts < 2) return f;
    int *params = ARENA_ARRAY(pass->scratch, int, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) params[i] = o->batched && o->batched[i] ? 0 : NO_BATCH;
    Slicing s = slicing_of(pass->g, pass->scratch, parts, f, params);
    s.top = true;
    bool worth = grain_worth(&s.grains, &s.axes, pass->g, f, o->batch_rows, parts);
    if (!worth && !(pass->walk && s.grains.possible && o->batch_rows % parts == 0)) return f;
    const Func *walked = walk(&s, f);
    return walked == f ? f : pass_simplify_exact(pass, walked);
}

/* ---- an example a round */

static const i64 SHORT_KERNEL = (i64)1 << 20; /* multiply-adds of a product that is too short to be shared out well */
static const i64 LEAST_EACH = 2000;           /* of one for one example, on average, that is worth a call */
typedef struct Products {
    double n, adds; /* rounds counted; multiply-adds */
} Products;

/* Every product is of matrices of the example alone. */
static bool products_apart(const Slicing *s, Graph *g, const Func *f, const BatchAxes *b, double rounds, Products *sum) {
    NodeList nodes = order_walk(s->scratch, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        if (node->op == OP_scan) {
            BatchAxes inner = {.arena = s->scratch, .axis.arena = s->scratch};
            batch_find(&inner, g, node->at->body, batch_scan_params(b, node));
            if (!products_apart(s, g, node->at->body, &inner, rounds * (double)node->at->length, sum)) return false;
        }
        if (node->op != OP_dot) continue;
        List lb = node->at->lb, rb = node->at->rb;
        if (!lb.n || lb.v[0] != batch_axis(b, node->args[0]) || rb.v[0] != batch_axis(b, node->args[1])) return false;
        sum->n += rounds;
        sum->adds += rounds * (double)node_multiply_adds(node);
    }
    return true;
}
const Func *pass_apart(const Pass *pass, const Func *f) {
    const SettleOptions *o = pass->settle;
    i64 parts = o->batch_rows;
    if (parts < 2 || pass->walk) return f;
    int *params = ARENA_ARRAY(pass->scratch, int, f->n_params + 1);
    for (int i = 0; i < f->n_params; i++) params[i] = o->batched && o->batched[i] ? 0 : NO_BATCH;
    Slicing s = slicing_of(pass->g, pass->scratch, parts, f, params);
    Products sum = {0};
    s.top = s.sums_after = true;
    if (!s.grains.possible || !products_apart(&s, pass->g, f, &s.axes, 1, &sum)) return f;
    if (sum.adds > sum.n * (double)SHORT_KERNEL || sum.adds < sum.n * (double)(LEAST_EACH * parts)) return f;
    const Func *walked = walk(&s, f);
    return walked == f ? f : pass_simplify_exact(pass, walked);
}

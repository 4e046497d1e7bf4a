/* join.c: values that are put together from parts, each stored where it belongs: a concat, and a value widened at its ends.
**
** A widened value (`affine`s that only add elements before and behind, one an axis) is what it widens, in the middle, and slabs of the
** fill around it: those of the outermost affine reach over the whole, those of the next only over what that one left. */
#include "planner.h"
#include "../ir/build.h"

bool is_widening(const Node *x) {
    if (x->op != OP_affine || x->at->a != 1 || x->at->m != 1 || x->at->k >= 0 || x->at->c > 0) return false;
    i64 n = x->args[0]->type->dims[x->at->axis];
    return x->at->size > n && x->at->size >= n - x->at->c;
}
const Node *widened(const Node *node) {
    while (is_widening(node)) node = node->args[0];
    return node;
}

static GroupPart *part_new(Planner *p, JoinParts *parts, const Node *node, const Node *whole, const i64 *shifts) {
    GroupPart part = {node, whole, arena_copy(p->arena, shifts, sizeof *shifts * (size_t)whole->type->rank)};
    vec_push(p->scratch, parts, part);
    return &parts->v[parts->n - 1];
}
static void concat_parts(Planner *p, const Node *concat, JoinParts *parts) {
    i64 shifts[RANK_MAX] = {0};
    for (int i = 0; i < concat->n_args; i++) {
        part_new(p, parts, concat->args[i], concat, shifts);
        shifts[concat->at->axis] += concat->args[i]->type->dims[concat->at->axis];
    }
}
/* A box of fill: `size` elements of the axis from `from` on, of the region that begins at `low` with extents `dims`. */
static void slab(Planner *p, JoinParts *parts, const Node *whole, const i64 *low, const i64 *dims, int axis, i64 from, i64 size, double fill) {
    i64 shifts[RANK_MAX], extents[RANK_MAX];
    if (!size) return;
    for (int i = 0; i < whole->type->rank; i++) shifts[i] = low[i], extents[i] = dims[i];
    shifts[axis] += from, extents[axis] = size;
    const Type *type = type_get(p->graph, whole->type->dtype, whole->type->rank, extents);
    part_new(p, parts, ir_fill(p->graph, fill, type), whole, shifts);
}
static void widened_parts(Planner *p, const Node *whole, JoinParts *parts) {
    i64 low[RANK_MAX] = {0}, dims[RANK_MAX];
    for (int i = 0; i < whole->type->rank; i++) dims[i] = whole->type->dims[i];
    for (const Node *x = whole; is_widening(x); x = x->args[0]) {
        int axis = (int)x->at->axis;
        i64 before = -x->at->c, n = x->args[0]->type->dims[axis];
        slab(p, parts, whole, low, dims, axis, 0, before, x->at->fill);
        slab(p, parts, whole, low, dims, axis, before + n, x->at->size - before - n, x->at->fill);
        low[axis] += before, dims[axis] = n;
    }
    part_new(p, parts, widened(whole), whole, low);
}
JoinParts join_parts(Planner *p, const Node *whole) {
    JoinParts parts = {0};
    if (whole->op == OP_concat) concat_parts(p, whole, &parts);
    else widened_parts(p, whole, &parts);
    return parts;
}

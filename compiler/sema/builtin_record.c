/* builtin_record.c: records and vectors: flat, shaped, like, size. A tensor counts as a record of one leaf. */
#include "builtin.h"

BuiltinHandler builtin_size, builtin_flat, builtin_shaped, builtin_like;
static bool is_record(Eval *e, const BuiltinCall *call, int i) {
    const Value *v = call->v[i];
    if (v->kind == VALUE_TENSOR || v->kind == VALUE_RECORD) return true;
    sema_error(e, call->c, E314, call->spans[i], "`%s` is of a record or of numbers, this is %s", call->builtin->name,
               value_text(e, v));
    return false;
}
static i64 count_of(const Value *v) {
    i64 n = 0;
    for (int i = 0; i < value_leaves(v); i++) {
        i64 each = shape_count(&value_leaf(v, i)->shape);
        if (each == OPEN) return OPEN;
        n += each;
    }
    return n;
}
Value *builtin_size(Eval *e, const BuiltinCall *call) {
    if (!is_record(e, call, 0)) return value_poison(e);
    i64 n = count_of(call->v[0]);
    return n == OPEN ? value_open(e) : value_int(e, n);
}
Value *builtin_flat(Eval *e, const BuiltinCall *call) {
    Value *v = call->v[0];
    if (!is_record(e, call, 0) || !numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    int n = value_leaves(v);
    Shape shape = {.rank = 1, .dims = {count_of(v)}};
    Value *r = value_tensor(e, element_real(), &shape, 0, NULL);
    Node **parts = ARENA_ARRAY(e->arena, Node *, n + 1);
    bool nodes = n > 0 && shape.dims[0] != OPEN;
    for (int i = 0; i < n; i++) {
        const Value *leaf = value_leaf(v, i);
        r->frames |= leaf->frames, r->coupled |= leaf->coupled;
        r->deps = deps_join(e, r->deps, leaf->deps);
    }
    for (int i = 0; i < n && nodes; i++) {
        Value *leaf = value_leaf(v, i);
        i64 dims[RANK_MAX];
        int nf = frames_count(r->frames);
        if (!(parts[i] = value_spread(e, call->c, leaf, r->frames, &leaf->shape, element_real()))) nodes = false;
        for (int k = 0; nodes && k < nf; k++) dims[k] = parts[i]->type->dims[k];
        dims[nf] = shape_count(&leaf->shape);
        if (nodes) parts[i] = ir_reshape(e->graph, parts[i], nf + 1, dims);
    }
    if (nodes) r->node = ir_concat(e->graph, n, parts, frames_count(r->frames));
    return r;
}
Value *builtin_shaped(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 1), *like = call->v[1];
    if (!v || !is_record(e, call, 1) || !numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    i64 total = count_of(like), at = 0;
    if (v->shape.rank != 1 || !dim_equal(v->shape.dims[0], total)) {
        Message *m = sema_error(e, call->c, E324, call->span, "%s in the shape of %lld numbers", value_text(e, v),
                                (long long)total);
        message_note(m, call->spans[1], "this is %s", value_text(e, like));
        return value_poison(e);
    }
    Node *node = node_cast(e, value_node(e, v), e->real);
    Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(like) + 1);
    int nf = frames_count(v->frames);
    for (int i = 0; i < value_leaves(like); i++) {
        Shape shape = value_leaf(like, i)->shape;
        i64 n = shape_count(&shape), dims[RANK_MAX];
        shape.stretch = 0;
        leaves[i] = result_like(e, v, element_real(), &shape, NULL);
        if (!node || n == OPEN) continue;
        for (int k = 0; k < nf; k++) dims[k] = node->type->dims[k];
        for (int k = 0; k < shape.rank; k++) dims[nf + k] = shape.dims[k];
        leaves[i]->node = ir_reshape(e->graph, ir_slice(e->graph, node, nf, at, at + n, 1), nf + shape.rank, dims);
        at += n;
    }
    return value_with_leaves(e, like, leaves);
}
Value *builtin_like(Eval *e, const BuiltinCall *call) {
    Value *like = call->v[0], *x = argument_tensor(e, call, 1, 0);
    if (!x || !is_record(e, call, 0) || !numeric(e, call->c, x, call->spans[1])) return value_poison(e);
    if (x->shape.rank)
        return sema_poison(e, call->c, E321, call->spans[1], "`like` fills with one number, this is %s",
                           value_text(e, x));
    Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(like) + 1);
    for (int i = 0; i < value_leaves(like); i++) {
        Shape shape = value_leaf(like, i)->shape;
        shape.stretch = 0;
        leaves[i] = result_like(e, x, element_real(), &shape, NULL);
        if (shape_closed(&shape)) leaves[i]->node = value_spread(e, call->c, x, x->frames, &shape, element_real());
    }
    return value_with_leaves(e, like, leaves);
}

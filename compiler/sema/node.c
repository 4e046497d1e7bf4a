/* node.c: from values to nodes: constants of known numbers, casts, and spreading over frames and axes.
**
** The node of a value has its frames as leading axes, lowest bit first, then the visible axes. */
#include "eval.h"

int frames_count(Frames frames) { return __builtin_popcount(frames); }
int frames_place(Frames frames, int bit) { return __builtin_popcount(frames & ((1u << bit) - 1)); }

Node *node_cast(Eval *e, Node *node, Dtype dtype) {
    return !node || node->type->dtype == dtype ? node : ir_cast(e->graph, node, dtype);
}
Node *node_transpose(Eval *e, Node *node, const int *perm) {
    if (!node) return NULL;
    for (int i = 0; i < node->type->rank; i++)
        if (perm[i] != i) return ir_transpose(e->graph, node, perm);
    return node;
}
static Node *known_scalar(Eval *e, Element element, double x) {
    switch (element.kind) {
    case ELEMENT_REAL: return ir_real(e->graph, e->real, x);
    case ELEMENT_BOOL: return ir_bool(e->graph, x != 0);
    case ELEMENT_INT:
    case ELEMENT_CLASS: return ir_int(e->graph, (i64)x);
    default: nnc_bug("an element");
    }
}
enum { CONST_MOST = 4096 }; /* elements of a constant of the IR */
static Node *known_list(Eval *e, Element element, const Known *known) {
    Graph *g = e->graph;
    if (known->range) {
        Node *n = ir_iota(g, known->n);
        if (known->low) n = ir_add(g, n, ir_lead(g, ir_int(g, known->low), 1, &known->n));
        return node_cast(e, n, element_dtype(e, element));
    }
    VEC(Node *) parts = {0};
    for (i64 from = 0; from < known->n; from += CONST_MOST) {
        i64 n = known->n - from < CONST_MOST ? known->n - from : CONST_MOST;
        double *reals = ARENA_ARRAY(e->arena, double, n);
        float *singles = ARENA_ARRAY(e->arena, float, n);
        i32 *ints = ARENA_ARRAY(e->arena, i32, n);
        u8 *bools = ARENA_ARRAY(e->arena, u8, n);
        for (i64 i = 0; i < n; i++) {
            reals[i] = known_item(known, from + i);
            singles[i] = (float)reals[i], bools[i] = reals[i] != 0;
            ints[i] = element.kind == ELEMENT_REAL ? 0 : (i32)reals[i];
        }
        Dtype dtype = element_dtype(e, element);
        const void *data = dtype == DT_f64    ? (void *)reals
                           : dtype == DT_f32  ? (void *)singles
                           : dtype == DT_bool ? (void *)bools
                                              : ints;
        vec_push(e->arena, &parts, ir_const(g, dtype, 1, &n, data));
    }
    return parts.n == 1 ? parts.v[0] : ir_concat(g, parts.n, parts.v, 0);
}
Node *value_node(Eval *e, Value *v) {
    nnc_check(v->kind == VALUE_TENSOR, "a node of what is no number");
    if (!e->nodes) return NULL;
    if (v->node || !v->known || v->known->n == 0) return v->node;
    if (v->known->list)
        v->node = known_list(e, v->element, v->known);
    else
        v->node = known_scalar(e, v->element, v->known->v[0]);
    return v->node;
}
Value *value_forget(Eval *e, Value *v) {
    if (!v->known && !v->open) return v;
    Value *r = value_copy(e, v);
    r->node = value_node(e, v);
    r->known = NULL, r->open = false;
    return r;
}
/* Drops visible axes of length 1 that are to stretch to something longer. */
static Node *drop_stretched(Eval *e, const Value *v, Node *node, const Shape *to, bool *dropped) {
    i64 dims[RANK_MAX];
    int rank = 0, nf = frames_count(v->frames), shift = to->rank - v->shape.rank;
    for (int i = 0; i < nf; i++) dims[rank++] = node->type->dims[i];
    for (int i = 0; i < v->shape.rank; i++) {
        dropped[i] = v->shape.dims[i] == 1 && to->dims[i + shift] != 1;
        if (!dropped[i]) dims[rank++] = v->shape.dims[i];
    }
    return ir_reshape(e->graph, node, rank, dims);
}
/* No frame of an open length: a model on its signature. */
static bool frames_closed(const Context *c, Frames frames) {
    for (int bit = 0; bit < c->n_frames; bit++)
        if (frames >> bit & 1 && c->frames[bit]->n == OPEN) return false;
    return true;
}
Node *value_spread(Eval *e, const Context *c, Value *v, Frames frames, const Shape *shape, Element element) {
    Node *node = shape_closed(shape) && frames_closed(c, frames) ? node_cast(e, value_node(e, v), element_dtype(e, element)) : NULL;
    if (!node) return NULL;
    nnc_check((v->frames & ~frames) == 0 && v->shape.rank <= shape->rank, "a value spread to less than it is");
    if (v->frames == frames && shape_equal(&v->shape, shape)) return node; /* also frames of a call that is over */
    bool dropped[RANK_LIMIT] = {0};
    node = drop_stretched(e, v, node, shape, dropped);
    i64 dims[RANK_MAX];
    int places[RANK_MAX], rank = 0, own = 0;
    for (int bit = 0; bit < c->n_frames; bit++) {
        if (!(frames >> bit & 1)) continue;
        if (v->frames >> bit & 1) places[own++] = rank;
        dims[rank++] = c->frames[bit]->n;
    }
    int shift = shape->rank - v->shape.rank;
    for (int i = 0; i < shape->rank; i++) {
        if (i >= shift && !dropped[i - shift]) places[own++] = rank;
        dims[rank++] = shape->dims[i];
    }
    return ir_broadcast(e->graph, node, rank, dims, places);
}

/* rules_view.c: rows of rewrite.def on operators that move elements without computing. */
#include "simplify.h"
#include "../base/vec.h"
#include <string.h>

static void to_ints(List list, int out[RANK_MAX]) {
    for (int i = 0; i < list.n; i++) out[i] = (int)list.v[i];
}
static Node *refill(const Rewriting *rw, Node *fill, const Type *type) {
    return ir_broadcast(rw->g, fill, type->rank, type->dims, NULL);
}
Node *rule_reshape_reshape(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    return x->op == OP_reshape ? ir_reshape(rw->g, x->args[0], n->type->rank, n->type->dims) : NULL;
}
Node *rule_reshape_broadcast(const Rewriting *rw, Node *n) {
    const Node *b = n->args[0];
    if (b->op != OP_broadcast || b->args[0]->type->count != n->type->count) return NULL;
    return ir_reshape(rw->g, b->args[0], n->type->rank, n->type->dims);
}
Node *rule_reshape_fill(const Rewriting *rw, Node *n) {
    Node *fill = node_fill(n->args[0]);
    return fill ? refill(rw, fill, n->type) : NULL;
}
Node *rule_transpose_twice(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    int perm[RANK_MAX];
    if (x->op != OP_transpose) return NULL;
    for (int i = 0; i < n->type->rank; i++) perm[i] = (int)x->at->perm.v[n->at->perm.v[i]];
    return ir_transpose(rw->g, x->args[0], perm);
}
Node *rule_transpose_unit(const Rewriting *rw, Node *n) {
    i64 last = -1;
    for (int i = 0; i < n->type->rank; i++) {
        if (n->type->dims[i] == 1) continue;
        if (n->at->perm.v[i] < last) return NULL;
        last = n->at->perm.v[i];
    }
    return ir_reshape(rw->g, n->args[0], n->type->rank, n->type->dims);
}
enum { MAPS_DEEP = 6 };
/* What is below can be made in another order. */
static bool takes_up(const Node *x, int depth) {
    if (x->op == OP_dot || x->op == OP_transpose || x->op == OP_arg) return true;
    for (int i = 0; i < x->n_args && depth && op_loop_class(x->op) == LOOP_map; i++)
        if (takes_up(x->args[i], depth - 1)) return true;
    return false;
}
Node *rule_transpose_map(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    Node *args[3];
    int perm[RANK_MAX];
    if (op_loop_class(x->op) != LOOP_map || x->op == OP_random || !rw->single[0]) return NULL;
    if (transpose_turns_last(n) && !takes_up(x, MAPS_DEEP)) return NULL;
    to_ints(n->at->perm, perm);
    for (int i = 0; i < x->n_args; i++) args[i] = ir_transpose(rw->g, x->args[i], perm);
    return node_make(rw->g, x->op, x->n_args, args, x->at);
}
/* Axis i of the result is axis perm[i] of the broadcast; those that came from x are x's axes in the order they now have. */
Node *rule_transpose_broadcast(const Rewriting *rw, Node *n) {
    const Node *b = n->args[0];
    int perm[RANK_MAX] = {0}, places[RANK_MAX] = {0}, count = 0;
    if (b->op != OP_broadcast) return NULL;
    for (int i = 0; i < n->type->rank; i++) {
        int from = list_place(b->at->dims, n->at->perm.v[i]);
        if (from >= 0) perm[count] = from, places[count++] = i;
    }
    return ir_broadcast(rw->g, ir_transpose(rw->g, b->args[0], perm), n->type->rank, n->type->dims, places);
}
Node *rule_broadcast_twice(const Rewriting *rw, Node *n) {
    const Node *b = n->args[0];
    int places[RANK_MAX] = {0};
    if (b->op != OP_broadcast) return NULL;
    for (int i = 0; i < b->at->dims.n; i++) places[i] = (int)n->at->dims.v[b->at->dims.v[i]];
    return ir_broadcast(rw->g, b->args[0], n->type->rank, n->type->dims, places);
}

/* ---- affine: y[i] = x[(a i + b K + c)/m] */
static bool stays_inside(const Node *n) { /* never fill */
    const Attrs *at = n->at;
    if (at->m != 1) return false;
    i64 low = at->c, high = at->c, reach = at->a * (at->size - 1), other = at->k >= 0 ? at->b * (n->type->dims[at->k] - 1) : 0;
    *(reach < 0 ? &low : &high) += reach;
    *(other < 0 ? &low : &high) += other;
    return low >= 0 && high < n->args[0]->type->dims[at->axis];
}
Node *rule_affine_fill(const Rewriting *rw, Node *n) {
    Node *fill = node_fill(n->args[0]);
    if (!fill) return NULL;
    return stays_inside(n) || node_is_fill(fill, n->at->fill) ? refill(rw, fill, n->type) : NULL;
}
Node *rule_affine_broadcast(const Rewriting *rw, Node *n) {
    const Node *b = n->args[0];
    int places[RANK_MAX];
    if (b->op != OP_broadcast || list_has(b->at->dims, n->at->axis) || !stays_inside(n)) return NULL;
    to_ints(b->at->dims, places);
    return ir_broadcast(rw->g, b->args[0], n->type->rank, n->type->dims, places);
}
/* The outer one reads only what the inner one has, so the two maps of indices compose. */
Node *rule_affine_affine(const Rewriting *rw, Node *n) {
    const Attrs *o = n->at, *i = n->args[0]->at;
    if (n->args[0]->op != OP_affine || o->axis != i->axis || !stays_inside(n)) return NULL;
    if (o->k >= 0 && i->k >= 0 && o->k != i->k) return NULL;
    i64 k = o->k >= 0 ? o->k : i->k, b = i->a * o->b + i->b;
    return ir_affine(rw->g, n->args[0]->args[0], (int)o->axis, o->size, i->a * o->a, i->m, i->a * o->c + i->c, (int)k, b, i->fill);
}
/* Under transposes: the scan's y that is sliced, and which axis of the view the rounds are. */
static const Node *find_get(const Node *x, int *axis) {
    while (x->op == OP_transpose) {
        *axis = (int)x->at->perm.v[*axis];
        x = x->args[0];
    }
    return x->op == OP_get && *axis == 0 && x->at->index >= x->args[0]->at->carry ? x : NULL;
}
Node *rule_affine_last(const Rewriting *rw, Node *n) {
    int axis = (int)n->at->axis, perm[RANK_MAX];
    const Node *get = n->at->size == 1 && n->at->k < 0 && stays_inside(n) ? find_get(n->args[0], &axis) : NULL;
    const Node *scan = get ? get->args[0] : NULL;
    if (!scan || n->at->c != (scan->at->reverse ? 0 : scan->at->length - 1)) return NULL;
    for (int i = 0; i < scan->at->carry; i++) {
        i64 one = 1;
        if (scan->at->body->results[i] != scan->at->body->results[get->at->index]) continue;
        Node *last = ir_lead(rw->g, ir_get(rw->g, (Node *)scan, i), 1, &one), *view = n->args[0];
        for (int j = 0; j < view->type->rank; j++) { /* the transposes above, composed */
            perm[j] = j;
            for (const Node *t = view; t->op == OP_transpose; t = t->args[0]) perm[j] = (int)t->at->perm.v[perm[j]];
        }
        return ir_transpose(rw->g, last, perm);
    }
    return NULL;
}
static bool is_slice(const Node *n) {
    return n->op == OP_affine && n->at->a == 1 && n->at->m == 1 && n->at->k < 0 && stays_inside(n);
}
Node *rule_affine_concat(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    int axis = (int)n->at->axis;
    VEC(Node *) parts = {0};
    if (x->op != OP_concat || x->at->axis != axis || !is_slice(n)) return NULL;
    i64 low = n->at->c, high = low + n->at->size, at = 0;
    for (int i = 0; i < x->n_args; i++) {
        i64 size = x->args[i]->type->dims[axis], from = low > at ? low - at : 0, to = high < at + size ? high - at : size;
        if (from < to) vec_push(rw->scratch, &parts, ir_slice(rw->g, x->args[i], axis, from, to, 1));
        at += size;
    }
    return ir_concat(rw->g, parts.n, parts.v, axis);
}

/* ---- concat */
Node *rule_concat_concat(const Rewriting *rw, Node *n) {
    VEC(Node *) parts = {0};
    bool any = false;
    for (int i = 0; i < n->n_args; i++) {
        const Node *x = n->args[i];
        bool nested = x->op == OP_concat && x->at->axis == n->at->axis;
        any |= nested;
        for (int j = 0; j < (nested ? x->n_args : 1); j++) vec_push(rw->scratch, &parts, nested ? x->args[j] : n->args[i]);
    }
    return any ? ir_concat(rw->g, parts.n, parts.v, (int)n->at->axis) : NULL;
}
Node *rule_concat_fill(const Rewriting *rw, Node *n) {
    Node *first = node_fill(n->args[0]);
    for (int i = 0; i < n->n_args; i++)
        if (!first || node_fill(n->args[i]) != first) return NULL;
    return refill(rw, first, n->type);
}
/* What a slice is of, from where; anything else is a slice of itself. */
static Node *sliced(Node *n, int axis, i64 *low) {
    bool slice = is_slice(n) && n->at->axis == axis;
    *low = slice ? n->at->c : 0;
    return slice ? n->args[0] : n;
}
Node *rule_concat_slices(const Rewriting *rw, Node *n) {
    VEC(Node *) parts = {0};
    int axis = (int)n->at->axis;
    for (int i = 0; i < n->n_args; i++) {
        Node *x = n->args[i];
        i64 low, before_low;
        if (parts.n) {
            Node *last = parts.v[parts.n - 1], *whole = sliced(last, axis, &before_low);
            if (whole == sliced(x, axis, &low) && low == before_low + last->type->dims[axis]) {
                parts.v[parts.n - 1] = ir_slice(rw->g, whole, axis, before_low, low + x->type->dims[axis], 1);
                continue;
            }
        }
        vec_push(rw->scratch, &parts, x);
    }
    return parts.n < n->n_args ? ir_concat(rw->g, parts.n, parts.v, axis) : NULL;
}

/* ---- the gradient of slices: padded terms that lie side by side */
typedef VEC(Node *) Nodes;
static bool is_pad(const Node *n) {
    const Attrs *at = n->at;
    return n->op == OP_affine && at->a == 1 && at->m == 1 && at->k < 0 && at->c <= 0 && at->fill == 0 &&
           at->size >= n->args[0]->type->dims[at->axis] - at->c;
}
static bool collect_pads(const Rewriting *rw, Node *n, Nodes *pads) {
    enum { MOST = 1000 };
    if (n->op == OP_add) return collect_pads(rw, n->args[1], pads) && collect_pads(rw, n->args[0], pads); /* the short side first */
    if (!is_pad(n) || pads->n == MOST) return false;
    if (pads->n && pads->v[0]->at->axis != n->at->axis) return false;
    int i = pads->n;
    vec_push(rw->scratch, pads, n);
    for (; i > 0 && pads->v[i - 1]->at->c < n->at->c; i--) pads->v[i] = pads->v[i - 1]; /* by where they begin: c is minus that */
    pads->v[i] = n;
    return true;
}
Node *rule_add_pads(const Rewriting *rw, Node *n) {
    Nodes pads = {0};
    if (!collect_pads(rw, n, &pads)) return NULL;
    int axis = (int)pads.v[0]->at->axis;
    i64 end = 0;
    for (int i = 0; i < pads.n; i++) {
        Node *x = pads.v[i]->args[0];
        if (-pads.v[i]->at->c != end) return NULL;
        end += x->type->dims[axis];
        pads.v[i] = x;
    }
    return end == n->type->dims[axis] ? ir_concat(rw->g, pads.n, pads.v, axis) : NULL;
}

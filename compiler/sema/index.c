/* index.c: x[i], x[low:high], x[None]: a class or an int takes, known slices view, None makes an axis that stretches.
**
** Indices are applied from left to right; `at` is the visible axis that the next one is for. */
#include "builtin.h"

typedef struct Indexing {
    const Context *c;
    Scope *scope;
    Span span; /* of the index at hand */
} Indexing;

static Value *shaped_as(Eval *e, const Value *v, const Shape *shape, Frames frames, Node *node) {
    Value *r = value_tensor(e, v->element, shape, frames, node);
    r->deps = v->deps, r->coupled = v->coupled, r->averaged = v->averaged;
    return r;
}
static int node_axis(const Value *v, int visible) { return frames_count(v->frames) + visible; }

static Value *new_axis(Eval *e, const Indexing *x, Value *v, int at) {
    if (frames_count(v->frames) + v->shape.rank >= RANK_LIMIT)
        return sema_poison(e, x->c, E280, x->span, "a value of more than %d axes, mapped ones counted", RANK_LIMIT);
    Shape s = v->shape;
    for (int i = s.rank; i > at; i--) s.dims[i] = s.dims[i - 1];
    s.dims[at] = 1, s.rank++;
    u32 low = s.stretch & ((1u << at) - 1);
    s.stretch = low | (s.stretch & ~((1u << at) - 1)) << 1 | 1u << at;
    Node *node = value_node(e, v);
    return shaped_as(e, v, &s, v->frames, node ? ir_spread(e->graph, node, node_axis(v, at), 1) : NULL);
}
static Value *slice(Eval *e, const Indexing *x, Value *v, int at, const Ast *ast) {
    i64 n = v->shape.dims[at], low = 0, high = n;
    const Ast *ends[] = {ast->slice.low, ast->slice.high};
    if (!ends[0] && !ends[1]) return v;
    for (int i = 0; i < 2; i++) {
        i64 *end = i ? &high : &low;
        if (!ends[i]) continue;
        if (!need_int(e, x->c, eval_expression(e, x->c, x->scope, ends[i]), ends[i]->span, "an end of a slice", end))
            return value_poison(e);
        if (*end != OPEN && *end < 0 && n != OPEN) *end += n;
    }
    Shape s = v->shape;
    s.stretch &= ~(1u << at);
    if (n == OPEN) return s.dims[at] = OPEN, shaped_as(e, v, &s, v->frames, NULL);
    if (low < 0 || high > n || low >= high)
        return sema_poison(e, x->c, low == high && low >= 0 && high <= n ? E341 : E340, ast->span,
                           "the slice %lld:%lld of an axis of %lld %s", (long long)low, (long long)high, (long long)n,
                           low < 0 || high > n ? "leaves it" : low == high ? "is empty" : "goes backwards");
    s.dims[at] = high - low;
    Node *node = value_node(e, v);
    return shaped_as(e, v, &s, v->frames, node ? ir_slice(e->graph, node, node_axis(v, at), low, high, 1) : NULL);
}
static Value *known_place(Eval *e, const Indexing *x, Value *v, int at, double where) {
    i64 n = v->shape.dims[at], i = (i64)where;
    Shape s = v->shape;
    for (int k = at; k + 1 < s.rank; k++) s.dims[k] = s.dims[k + 1];
    s.rank--;
    s.stretch = (s.stretch & ((1u << at) - 1)) | (s.stretch >> (at + 1) << at);
    if (n != OPEN && (i < -n || i >= n))
        return sema_poison(e, x->c, E342, x->span, "there is no place %lld on an axis of %lld", (long long)i,
                           (long long)n);
    if (v->open) return value_open(e); /* of shape(x) */
    Value *known = NULL;
    if (v->known && v->known->list && n != OPEN) {
        known = value_known(e, v->element, known_item(v->known, i < 0 ? i + n : i));
        if (!v->known->hypers) return known;
        known = known_with_hypers(e, known, v->known->hypers);
    }
    Node *node = n == OPEN ? NULL : value_node(e, v);
    if (node) {
        if (i < 0) i += n;
        int axis = node_axis(v, at);
        node = ir_squeeze(e->graph, ir_slice(e->graph, node, axis, i, i + 1, 1), axis);
    }
    Value *r = shaped_as(e, v, &s, v->frames, node);
    if (known) r->known = known->known;
    return r;
}
/* Known places in a list count from the end when negative, and are checked. */
static Value *known_places(Eval *e, const Indexing *x, Value *index, i64 n) {
    double *list = ARENA_ARRAY(e->arena, double, index->known->n);
    for (i64 i = 0; i < index->known->n; i++) {
        list[i] = known_item(index->known, i);
        if (n == OPEN) continue;
        if (list[i] < (double)-n || list[i] >= (double)n)
            return sema_poison(e, x->c, E342, x->span, "there is no place %.0f on an axis of %lld", list[i],
                               (long long)n);
        if (list[i] < 0) list[i] += (double)n;
    }
    return value_list(e, element_int(), index->known->n, list);
}
/* Shared frames first, in both: [shared, rest]. */
static Node *shared_first(Eval *e, Value *v, Frames shared, Node *node) {
    int perm[RANK_MAX], n = 0, axis = 0;
    for (int pass = 0; pass < 2; pass++, axis = 0)
        for (int bit = 0; bit < FRAME_LIMIT; bit++) {
            if (!(v->frames >> bit & 1)) continue;
            if ((shared >> bit & 1) == (pass == 0)) perm[n++] = axis;
            axis++;
        }
    for (int i = 0; i < v->shape.rank; i++) perm[n++] = frames_count(v->frames) + i;
    return node_transpose(e, node, perm);
}
/* v [S P before n after], index [S Q I] -> take [S P before Q I after] -> [frames of both, before I after] */
static Node *take(Eval *e, Value *v, int at, Value *index) {
    Frames shared = v->frames & index->frames, own = v->frames & ~shared, theirs = index->frames & ~shared;
    int ns = frames_count(shared), np = frames_count(own), nq = frames_count(theirs), ri = index->shape.rank;
    Node *x = shared_first(e, v, shared, value_node(e, v)), *i = shared_first(e, index, shared, value_node(e, index));
    Node *t = ir_take(e->graph, x, i, ns + np + at, ns);
    int perm[RANK_MAX], n = 0, s = 0, p = ns, q = ns + np + at;
    for (int bit = 0; bit < FRAME_LIMIT; bit++) {
        if (shared >> bit & 1)
            perm[n++] = s++;
        else if (own >> bit & 1)
            perm[n++] = p++;
        else if (theirs >> bit & 1)
            perm[n++] = q++;
    }
    for (int k = 0; k < at; k++) perm[n++] = ns + np + k;
    for (int k = 0; k < ri + v->shape.rank - at - 1; k++) perm[n++] = ns + np + at + nq + k;
    return node_transpose(e, t, perm);
}
static Value *place(Eval *e, const Indexing *x, Value *v, int at, Value *index) {
    i64 n = v->shape.dims[at];
    if (index->kind != VALUE_TENSOR || index->element.kind == ELEMENT_REAL || index->element.kind == ELEMENT_BOOL) {
        Message *m =
            sema_error(e, x->c, E343, x->span, "an index is a class or an int, this is %s", value_text(e, index));
        if (index->kind == VALUE_TENSOR)
            message_help(m, "where(c, a, b) chooses by a condition; int(x) makes a place of a number");
        return value_poison(e);
    }
    if (index->element.kind == ELEMENT_CLASS && !dim_equal(n, index->element.classes)) {
        Message *m = sema_error(e, x->c, E344, x->span, "a %s does not index an axis of length %lld",
                                element_text(e, index->element), (long long)n);
        message_help(m, "an axis of length k is indexed by a class(k); int(c) makes a place of any class, clamped to the ends");
        return value_poison(e);
    }
    double where;
    if (index->element.kind == ELEMENT_INT && peek_number(index, &where)) {
        if (!need_number(e, x->c, index, x->span, "an index", &where)) return value_poison(e); /* fixes hypers */
        return known_place(e, x, v, at, where);
    }
    if (index->element.kind == ELEMENT_INT && index->known && index->known->list && !index->known->hypers) {
        index = known_places(e, x, index, n);
        if (value_is_poison(index)) return index;
    }
    Shape s = {0};
    for (int i = 0; i < at; i++) s.dims[s.rank++] = v->shape.dims[i];
    s.stretch = v->shape.stretch & ((1u << at) - 1);
    int more = index->shape.rank - 1;
    if (v->shape.rank + more + frames_count(v->frames | index->frames) > RANK_LIMIT)
        return sema_poison(e, x->c, E280, x->span, "a value of more than %d axes, mapped ones counted", RANK_LIMIT);
    for (int i = 0; i < index->shape.rank; i++) s.dims[s.rank++] = index->shape.dims[i];
    for (int i = at + 1; i < v->shape.rank; i++) {
        if (v->shape.stretch >> i & 1) s.stretch |= 1u << s.rank;
        s.dims[s.rank++] = v->shape.dims[i];
    }
    Value *r = shaped_as(e, v, &s, v->frames | index->frames, NULL);
    r->coupled |= index->coupled, r->averaged |= index->averaged;
    r->deps = deps_join(e, v->deps, index->deps);
    if (n != OPEN && value_node(e, v) && value_node(e, index)) r->node = take(e, v, at, index);
    return r;
}
Value *index_at(Eval *e, const Context *c, Span span, Value *v, int at, Value *index) {
    Indexing x = {.c = c, .span = span};
    if (value_is_poison(v) || value_is_poison(index)) return value_poison(e);
    return place(e, &x, v, at, index);
}
Value *eval_index(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Value *v = eval_expression(e, c, scope, ast->index.value);
    const AstList *list = &ast->index.indices;
    if (value_is_poison(v)) return v;
    if (v->kind != VALUE_TENSOR) {
        Message *m = sema_error(e, c, E345, ast->index.value->span, "%s has no axes to index", value_text(e, v));
        if (v->kind == VALUE_RECORD && v->n) message_help(m, "its parts have names: `.%s`", v->names[0]);
        if (v->kind == VALUE_TUPLE) message_help(m, "bind its values first: a, b = ..");
        return value_poison(e);
    }
    int at = 0;
    for (int i = 0; i < list->n; i++) {
        const Ast *ix = list->v[i];
        Indexing x = {.c = c, .scope = scope, .span = ix->span};
        if (ix->kind == AST_new_axis) {
            v = new_axis(e, &x, v, at++);
            if (value_is_poison(v)) return v;
            continue;
        }
        if (at >= v->shape.rank)
            return sema_poison(e, c, E346, ix->span, "there are more indices than axes: this is of %s",
                               value_text(e, v));
        if (ix->kind == AST_slice) {
            v = slice(e, &x, v, at++, ix);
        } else {
            Value *index = eval_expression(e, c, scope, ix);
            if (value_is_poison(index) || empty(e, c, v, ast->index.value->span)) return value_poison(e);
            v = place(e, &x, v, at, index);
            if (index->kind == VALUE_TENSOR) at += index->shape.rank;
        }
        if (value_is_poison(v)) return v;
    }
    limit_check(e, c, ast->span);
    return v;
}

/* builtin_shape.c: primitives that only move numbers: shapes, parts, order; and classes to numbers and back. */
#include "builtin.h"

/* The node of v in another visible shape of as many numbers. */
static Node *reshaped(Eval *e, Value *v, const Shape *shape) {
    Node *node = value_node(e, v);
    i64 dims[RANK_MAX];
    int rank = 0;
    if (!node || !shape_closed(shape)) return NULL;
    for (int i = 0; i < frames_count(v->frames); i++) dims[rank++] = node->type->dims[i];
    for (int i = 0; i < shape->rank; i++) dims[rank++] = shape->dims[i];
    return ir_reshape(e->graph, node, rank, dims);
}
static bool dims_of(Eval *e, const BuiltinCall *call, int from, Shape *shape) {
    *shape = (Shape){0};
    if (call->n - from > RANK_LIMIT)
        return sema_error(e, call->c, E280, call->span, "more than %d axes", RANK_LIMIT), false;
    for (int i = from; i < call->n; i++) {
        i64 n;
        if (!need_int(e, call->c, call->v[i], call->spans[i], "a length", &n)) return false;
        if (n != OPEN && n < 1)
            return sema_error(e, call->c, E235, call->spans[i], "a length must be at least 1, this is %lld",
                              (long long)n),
                   false;
        shape->dims[shape->rank++] = n;
    }
    return true;
}
BuiltinHandler builtin_reshape, builtin_transpose, builtin_concat, builtin_split, builtin_reverse, builtin_pad,
    builtin_zeros, builtin_ones, builtin_shape, builtin_one_hot, builtin_to_class;
Value *builtin_reshape(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 0);
    Shape shape;
    if (!v || !dims_of(e, call, 1, &shape)) return value_poison(e);
    if (!dim_equal(shape_count(&v->shape), shape_count(&shape)))
        return sema_poison(e, call->c, E324, call->span, "%s has %lld numbers, %s has %lld", value_text(e, v),
                           (long long)shape_count(&v->shape), shape_text(e, &shape), (long long)shape_count(&shape));
    return result_like(e, v, v->element, &shape, reshaped(e, v, &shape));
}
Value *builtin_transpose(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 2);
    int order[RANK_LIMIT], rank = v ? v->shape.rank : 0, perm[RANK_MAX], nf = v ? frames_count(v->frames) : 0;
    if (!v) return value_poison(e);
    u32 seen = 0;
    for (int i = 0; i < rank; i++) order[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    if (call->n > 1 && call->n - 1 != rank)
        return sema_poison(e, call->c, E325, call->span, "the order of %d axes, and %s has %d", call->n - 1, value_text(e, v),
                           v->shape.rank);
    for (int i = 1; i < call->n; i++) {
        i64 a;
        if (!need_int(e, call->c, call->v[i], call->spans[i], "an axis", &a)) return value_poison(e);
        if (a < 0) a += rank;
        if (a < 0 || a >= rank || (seen >> a & 1))
            return sema_poison(e, call->c, E325, call->spans[i], "each axis of %s comes once in its order",
                               value_text(e, v));
        seen |= 1u << a, order[i - 1] = (int)a;
    }
    Shape shape = {.rank = rank};
    for (int i = 0; i < nf; i++) perm[i] = i;
    for (int i = 0; i < rank; i++) {
        shape.dims[i] = v->shape.dims[order[i]], perm[nf + i] = nf + order[i];
        if (v->shape.stretch >> order[i] & 1) shape.stretch |= 1u << i;
    }
    return result_like(e, v, v->element, &shape, node_transpose(e, value_node(e, v), perm));
}

/* ---- one after the other ---- */
static Value *not_in_line(Eval *e, const BuiltinCall *call, const Value *a, int i) {
    Message *m = sema_error(e, call->c, E326, call->spans[i],
                            "`concat` of %s and %s: only the axis they are joined along may differ", value_text(e, a),
                            value_text(e, call->v[i]));
    message_note(m, call->spans[0], "this is %s", value_text(e, a));
    return value_poison(e);
}
Value *builtin_concat(Eval *e, const BuiltinCall *call) {
    Value *first = argument_tensor(e, call, 0, 1), *r;
    int axis;
    if (!first || !argument_axis(e, call, 0, first->shape.rank, -1, &axis)) return value_poison(e);
    Shape shape = first->shape;
    shape.stretch = 0;
    Element element = first->element;
    r = value_tensor(e, element, &shape, 0, NULL);
    i64 total = 0;
    for (int i = 0; i < call->n; i++) {
        Value *v = argument_tensor(e, call, i, 1);
        if (!v) return value_poison(e);
        if (v->shape.rank != shape.rank) return not_in_line(e, call, first, i);
        for (int k = 0; k < shape.rank; k++) {
            if (k != axis && !dim_equal(shape.dims[k], v->shape.dims[k])) return not_in_line(e, call, first, i);
            if (shape.dims[k] == OPEN) shape.dims[k] = v->shape.dims[k];
        }
        i64 n = v->shape.dims[axis];
        total = total == OPEN || n == OPEN ? OPEN : total + n;
        if ((v->element.kind == ELEMENT_CLASS) != (element.kind == ELEMENT_CLASS) ||
            (element.kind == ELEMENT_CLASS && !element_equal(element, v->element)))
            return sema_poison(e, call->c, E330, call->spans[i], "`concat` of %s and %s", element_text(e, element),
                               element_text(e, v->element));
        if (v->element.kind != element.kind) element = element_real();
        r->frames |= v->frames, r->coupled |= v->coupled, r->averaged |= v->averaged;
        r->deps = deps_join(e, r->deps, v->deps);
    }
    Node **parts = ARENA_ARRAY(e->arena, Node *, call->n);
    bool nodes = true;
    for (int i = 0; i < call->n; i++) {
        Shape own = shape;
        own.dims[axis] = call->v[i]->shape.dims[axis];
        parts[i] = value_spread(e, call->c, call->v[i], r->frames, &own, element);
        nodes &= parts[i] != NULL;
    }
    shape.dims[axis] = total;
    r->shape = shape, r->element = element;
    if (nodes) r->node = ir_concat(e->graph, call->n, parts, frames_count(r->frames) + axis);
    return r;
}
Value *builtin_split(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 1);
    i64 n;
    int axis;
    if (!v || !argument_axis(e, call, 0, v->shape.rank, -1, &axis)) return value_poison(e);
    if (!need_int(e, call->c, call->v[1], call->spans[1], "the number of parts", &n)) return value_poison(e);
    i64 length = v->shape.dims[axis];
    if (n == OPEN || n < 1 || n > 1000 || (length != OPEN && length % n))
        return sema_poison(e, call->c, E327, call->span, "%s does not split into %lld equal parts", value_text(e, v),
                           (long long)n);
    Shape shape = v->shape;
    shape.stretch &= ~(1u << axis);
    i64 each = shape.dims[axis] = length == OPEN ? OPEN : length / n;
    Value **parts = ARENA_ARRAY(e->arena, Value *, n);
    Node *node = value_node(e, v);
    for (i64 i = 0; i < n; i++)
        parts[i] =
            result_like(e, v, v->element, &shape,
                        node ? ir_slice(e->graph, node, visible_axis(v, axis), i * each, (i + 1) * each, 1) : NULL);
    return n == 1 ? parts[0] : value_tuple(e, (int)n, parts);
}
/* The first `length` items backwards, the rest as it is: places i < length ? length - 1 - i : i. */
static Value *reverse_first(Eval *e, const BuiltinCall *call, Value *v, int axis, Value *length) {
    const Context *c = call->c;
    Span s = call->span;
    if (v->shape.dims[axis] == OPEN) return result_like(e, v, v->element, &v->shape, NULL);
    Value *i = value_range(e, 0, v->shape.dims[axis]), *one = value_int(e, 1);
    Value *back = operate(e, c, s, OPERATOR_SUBTRACT, operate(e, c, s, OPERATOR_SUBTRACT, length, one), i);
    Value *args[] = {operate(e, c, s, OPERATOR_LT, i, length), back, i};
    Span spans[] = {s, s, s};
    Arguments arguments = {.n = 3, .v = args, .spans = spans};
    Value *places = builtin_call(e, c, builtin_find(e, "where"), &arguments, s);
    return value_is_poison(places) ? places : index_at(e, c, s, v, axis, places);
}
Value *builtin_reverse(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 1);
    int axis;
    if (!v || !argument_axis(e, call, 0, v->shape.rank, 0, &axis)) return value_poison(e);
    if (call->n == 2) {
        Value *length = argument_tensor(e, call, 1, 0);
        if (!length) return value_poison(e);
        if (length->element.kind != ELEMENT_INT || length->shape.rank)
            return sema_poison(e, call->c, E313, call->spans[1], "the length is an int, this is %s",
                               value_text(e, length));
        double known;
        if (!known_number(length, &known) || (i64)known != v->shape.dims[axis])
            return reverse_first(e, call, v, axis, length);
    }
    Node *node = value_node(e, v);
    return result_like(e, v, v->element, &v->shape, node ? ir_reverse(e->graph, node, visible_axis(v, axis)) : NULL);
}
Value *builtin_pad(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 1);
    i64 n[2];
    double fill = 0;
    int axis;
    if (!v || !numeric(e, call->c, v, call->spans[0]) || !argument_axis(e, call, 0, v->shape.rank, 0, &axis))
        return value_poison(e);
    for (int i = 0; i < 2; i++) {
        if (!need_int(e, call->c, call->v[i + 1], call->spans[i + 1], "the padding", &n[i])) return value_poison(e);
        if (n[i] != OPEN && n[i] < 0)
            return sema_poison(e, call->c, E235, call->spans[i + 1], "a padding of %lld", (long long)n[i]);
    }
    if (call->named[1] && !need_number(e, call->c, call->named[1], call->named_spans[1], "`value`", &fill))
        return value_poison(e);
    Shape shape = v->shape;
    bool open = shape.dims[axis] == OPEN || n[0] == OPEN || n[1] == OPEN;
    shape.dims[axis] = open ? OPEN : shape.dims[axis] + n[0] + n[1];
    shape.stretch &= ~(1u << axis);
    Node *node = open ? NULL : value_node(e, v);
    return result_like(e, v, v->element, &shape,
                       node ? ir_pad(e->graph, node, visible_axis(v, axis), n[0], n[1], 0, fill) : NULL);
}
static Value *filled(Eval *e, const BuiltinCall *call, double x) {
    Shape shape;
    if (!dims_of(e, call, 0, &shape)) return value_poison(e);
    Node *node = e->nodes && shape_closed(&shape)
                     ? ir_fill(e->graph, x, type_get(e->graph, e->real, shape.rank, shape.dims))
                     : NULL;
    return value_tensor(e, element_real(), &shape, 0, node);
}
Value *builtin_zeros(Eval *e, const BuiltinCall *call) { return filled(e, call, 0); }
Value *builtin_ones(Eval *e, const BuiltinCall *call) { return filled(e, call, 1); }
Value *builtin_shape(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 0);
    if (!v) return value_poison(e);
    if (!v->shape.rank) return sema_poison(e, call->c, E321, call->spans[0], "one number has no axes");
    if (!shape_closed(&v->shape)) {
        Shape shape = {.rank = 1, .dims = {v->shape.rank}};
        Value *r = value_tensor(e, element_int(), &shape, 0, NULL);
        r->open = true;
        return r;
    }
    double *list = ARENA_ARRAY(e->arena, double, v->shape.rank);
    for (int i = 0; i < v->shape.rank; i++) list[i] = (double)v->shape.dims[i];
    return value_list(e, element_int(), v->shape.rank, list);
}

/* ---- classes ---- */
Value *builtin_one_hot(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 0);
    i64 k;
    if (!v) return value_poison(e);
    if (call->n == 2) {
        if (!need_int(e, call->c, call->v[1], call->spans[1], "the number of classes", &k)) return value_poison(e);
        if (k != OPEN && k < 1) return sema_poison(e, call->c, E235, call->spans[1], "%lld classes", (long long)k);
        if (v->element.kind == ELEMENT_CLASS ? !dim_equal(k, v->element.classes) : v->element.kind != ELEMENT_INT)
            return sema_poison(e, call->c, E311, call->spans[0], "one_hot(i, %lld) is of an int, this is %s",
                               (long long)k, value_text(e, v));
    } else {
        if (v->element.kind != ELEMENT_CLASS) {
            Message *m =
                sema_error(e, call->c, E311, call->spans[0], "one_hot(c) is of a class, this is %s", value_text(e, v));
            if (v->element.kind == ELEMENT_INT) message_help(m, "one_hot(i, k) is of an int below k");
            return value_poison(e);
        }
        k = v->element.classes;
    }
    Shape shape = v->shape;
    if (shape.rank == RANK_LIMIT) return sema_poison(e, call->c, E280, call->span, "more than %d axes", RANK_LIMIT);
    shape.dims[shape.rank++] = k;
    Node *node = k == OPEN ? NULL : value_node(e, v);
    Value *r = result_like(e, v, element_real(), &shape, node ? ir_one_hot(e->graph, node, k, e->real) : NULL);
    r->deps = NULL;
    return r;
}
Value *builtin_to_class(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 0);
    i64 k;
    if (!v || !need_int(e, call->c, call->v[1], call->spans[1], "the number of classes", &k)) return value_poison(e);
    if (k != OPEN && k < 1) return sema_poison(e, call->c, E235, call->spans[1], "%lld classes", (long long)k);
    if (v->element.kind != ELEMENT_INT)
        return sema_poison(e, call->c, E313, call->spans[0], "to_class is of an int, this is %s", value_text(e, v));
    if (v->known) return value_fit(e, call->c, v, element_class(k), call->spans[0], "to_class");
    Node *node = k == OPEN ? NULL : value_node(e, v);
    if (node)
        node = ir_max(e->graph, ir_fill(e->graph, 0, node->type),
                      ir_min(e->graph, node, ir_fill(e->graph, (double)(k - 1), node->type)));
    return result_like(e, v, element_class(k), &v->shape, node);
}

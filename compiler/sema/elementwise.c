/* elementwise.c: what works number by number: lines up frames by identity and visible axes from the right, records leaf
*by leaf.
**
** Only axes marked as stretching stretch; any other difference of lengths is an error, never a broadcast. */
#include "builtin.h"

/* Lines up one more shape; false if an axis differs. */
static bool align_one(Shape *all, const Shape *s) {
    Shape r = all->rank >= s->rank ? *all : *s;
    const Shape *less = all->rank >= s->rank ? s : all;
    for (int i = 1; i <= less->rank; i++) {
        int at = r.rank - i, of = less->rank - i;
        bool stretch = r.stretch >> at & 1, other = less->stretch >> of & 1;
        if (other && !stretch) continue;
        if (stretch && !other) {
            r.dims[at] = less->dims[of];
            r.stretch &= ~(1u << at);
        } else if (!dim_equal(r.dims[at], less->dims[of])) {
            return false;
        } else if (r.dims[at] == OPEN) {
            r.dims[at] = less->dims[of];
        }
    }
    *all = r;
    return true;
}
bool shapes_align(int n, const Shape *const *shapes, Shape *result) {
    *result = *shapes[0];
    for (int i = 1; i < n; i++)
        if (!align_one(result, shapes[i])) return false;
    return true;
}
static Value *misaligned(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans) {
    Text t = {.arena = e->arena};
    for (int i = 0; i < n; i++)
        text_printf(&t, "%s%s", i ? i == n - 1 ? " and " : ", " : "", shape_text(e, &values[i]->shape));
    Message *m = sema_error(e, c, E301, span, "the axes of %s do not line up", text_done(&t));
    for (int i = 0; spans && i < n; i++)
        if (values[i]->shape.rank) message_note(m, spans[i], "this is %s", value_text(e, values[i]));
    message_help(m, "axes are lined up from the right and must be equal; x[:, None] makes an axis that stretches");
    return value_poison(e);
}
static Value *tensors(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans,
                      const Element *operands, Element result, NodeBuild *build, void *context) {
    const Shape *shapes[8] = {0};
    Shape shape;
    Value *r = value_tensor(e, result, &(Shape){0}, 0, NULL);
    for (int i = 0; i < n; i++) {
        shapes[i] = &values[i]->shape;
        r->frames |= values[i]->frames, r->coupled |= values[i]->coupled, r->averaged |= values[i]->averaged;
        r->deps = deps_join(e, r->deps, values[i]->deps);
    }
    if (!shapes_align(n, shapes, &shape)) return misaligned(e, c, span, n, values, spans);
    r->shape = shape;
    if (frames_count(r->frames) + shape.rank > RANK_LIMIT)
        return sema_poison(e, c, E280, span, "a value of more than %d axes, mapped ones counted", RANK_LIMIT);
    Node *nodes[8];
    for (int i = 0; i < n; i++)
        if (!(nodes[i] = value_spread(e, c, values[i], r->frames, &shape, operands[i]))) return r;
    r->node = build(e, nodes, context);
    limit_check(e, c, span);
    return r;
}
static Value *different_records(Eval *e, const Context *c, Span span, const Value *a, const Value *b) {
    for (int i = 0; i < a->n && i < b->n; i++)
        if (a->names[i] != b->names[i])
            return sema_poison(e, c, E320, span, "these records differ: one has `%s` where the other has `%s`",
                               a->names[i], b->names[i]);
    return sema_poison(e, c, E320, span, "these records differ: one has %d leaves, the other %d", a->n, b->n);
}
static Value *records(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans,
                      const Element *operands, Element result, NodeBuild *build, void *context) {
    Value *record = NULL;
    for (int i = 0; i < n; i++) {
        Value *v = values[i];
        if (v->kind != VALUE_RECORD) {
            if (v->shape.rank == 0) continue;
            return sema_poison(e, c, E321, spans ? spans[i] : span,
                               "with a record goes an equal record or one number, this is %s", value_text(e, v));
        }
        if (!record) record = v;
        bool same = record->n == v->n;
        for (int k = 0; same && k < v->n; k++) same = record->names[k] == v->names[k];
        if (!same) return different_records(e, c, span, record, v);
    }
    Value **leaves = ARENA_ARRAY(e->arena, Value *, record->n);
    for (int k = 0; k < record->n; k++) {
        Value *parts[8];
        for (int i = 0; i < n; i++) parts[i] = values[i]->kind == VALUE_RECORD ? values[i]->items[k] : values[i];
        leaves[k] = tensors(e, c, span, n, parts, NULL, operands, result, build, context);
    }
    return value_record(e, record->n, record->names, leaves);
}
Value *elementwise_of(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans,
                      const Element *operands, Element result, NodeBuild *build, void *context) {
    bool any = false;
    for (int i = 0; i < n; i++) {
        if (value_is_poison(values[i])) return value_poison(e);
        if (empty(e, c, values[i], spans ? spans[i] : span)) return value_poison(e);
        any |= values[i]->kind == VALUE_RECORD;
        if (values[i]->kind != VALUE_RECORD && values[i]->kind != VALUE_TENSOR)
            return sema_poison(e, c, E314, spans ? spans[i] : span, "a number is needed, this is %s",
                               value_text(e, values[i]));
    }
    return (any ? records : tensors)(e, c, span, n, values, spans, operands, result, build, context);
}
Value *elementwise(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans, Element operand,
                   Element result, NodeBuild *build, void *context) {
    Element operands[8];
    for (int i = 0; i < n; i++) operands[i] = operand;
    return elementwise_of(e, c, span, n, values, spans, operands, result, build, context);
}
bool numeric(Eval *e, const Context *c, const Value *v, Span span) {
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_TENSOR && v->kind != VALUE_RECORD)
        return sema_error(e, c, E314, span, "a number is needed, this is %s", value_text(e, v)), false;
    for (int i = 0; i < value_leaves(v); i++) {
        const Value *leaf = value_leaf(v, i);
        if (leaf->element.kind != ELEMENT_CLASS) continue;
        Message *m = sema_error(e, c, E314, span, "%s is not a number", element_text(e, leaf->element));
        message_help(m, "one_hot(c) makes numbers of a class, int(c) its index");
        return false;
    }
    return true;
}

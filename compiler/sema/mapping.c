/* mapping.c: a function written for one item, called with more axes: those left over on the left become frames, without a node
** being made; results get them in front again. */
#include "call.h"

static Value *not_fitting(Eval *e, const Context *c, Scope *scope, const Function *f, const Actual *a) {
    Message *m = sema_error(e, c, E302, a->span, "`%s` of `%s` is %s, given %s", a->name, f->name,
                            spec_text(e, scope, a->formal->formal.type), value_text(e, a->value));
    message_note(m, a->formal->span, "declared here");
    const Ast *type = a->formal->formal.type;
    if (a->value->kind == VALUE_TENSOR && a->value->shape.rank && type->type.dims.n == a->value->shape.rank + 1)
        message_help(m, "x[%s, None] has one axis more, of length 1", a->value->shape.rank == 1   ? ":"
                                                                     : a->value->shape.rank == 2 ? ":, :"
                                                                                                 : ":, :, :");
    return NULL;
}
static bool line_up(Eval *e, const Context *c, const Function *f, Actual *actuals, const Shape *extras, int n,
                    Span span, Shape *all) {
    const Shape *shapes[64] = {0};
    Shape none = {0};
    for (int i = 0; i < n; i++) shapes[i] = &extras[i];
    *all = none;
    if (n && !shapes_align(n, shapes, all)) {
        Message *m = sema_error(e, c, E305, span, "the axes over which `%s` is mapped here do not line up", f->name);
        for (int i = 0; i < n; i++)
            if (actuals[i].typed && extras[i].rank)
                message_note(m, actuals[i].span, "`%s` is %s: written for %s, so %s is left over", actuals[i].name,
                             value_text(e, actuals[i].value), spec_text(e, NULL, actuals[i].formal->formal.type),
                             shape_text(e, &extras[i]));
        return false;
    }
    return true;
}
/* The argument inside the call. Axes of length 1 that stretch to more are dropped. */
static Value *inside(Eval *e, const Mapping *m, Value *v, const Shape *extra, int core) {
    Value *r = value_copy(e, v);
    int shift = m->extra.rank - extra->rank;
    r->shape = shape_of(core, v->shape.dims + extra->rank);
    r->shape.stretch = v->shape.stretch >> extra->rank;
    i64 dims[RANK_MAX];
    int rank = 0, nf = frames_count(v->frames);
    Node *node = extra->rank ? value_node(e, v) : v->node;
    for (int i = 0; node && i < nf; i++) dims[rank++] = node->type->dims[i];
    for (int i = 0; i < extra->rank; i++) {
        if ((extra->stretch >> i & 1) && m->extra.dims[i + shift] != 1) continue;
        r->frames |= 1u << (m->first + i + shift);
        dims[rank++] = extra->dims[i];
    }
    for (int i = 0; i < core; i++) dims[rank++] = r->shape.dims[i];
    r->node = node && extra->rank ? ir_reshape(e->graph, node, rank, dims) : node;
    if (extra->rank) r->known = NULL;
    return r;
}
bool map_arguments(Eval *e, Context *c2, const Function *f, Actual *actuals, int n, Span span, Mapping *mapping) {
    Shape *extras = ARENA_ARRAY(e->arena, Shape, n + 1);
    *mapping = (Mapping){.first = c2->n_frames};
    nnc_check(n <= 64, "%d arguments", n);
    for (int i = 0; i < n; i++) {
        if (!actuals[i].typed) continue;
        extras[i] = shape_of(actuals[i].value->shape.rank - actuals[i].spec.rank, actuals[i].value->shape.dims);
        extras[i].stretch = actuals[i].value->shape.stretch & ((1u << extras[i].rank) - 1);
    }
    if (!line_up(e, c2, f, actuals, extras, n, span, &mapping->extra)) return false;
    mapping->n = mapping->extra.rank;
    for (int i = 0; i < mapping->n; i++)
        if (!context_push(e, c2, FRAME_MAPPED, mapping->extra.dims[i], f->name, span)) return false;
    for (int i = 0; i < n; i++)
        if (actuals[i].typed) actuals[i].value = inside(e, mapping, actuals[i].value, &extras[i], actuals[i].spec.rank);
    return true;
}
/* One argument against its type; binds the names of its dimensions in `scope`. */
bool actual_fit(Eval *e, const Context *c, Scope *scope, const Function *f, Actual *a) {
    const Ast *type = a->formal->formal.type;
    Context caller = *c; /* what does not fit is the caller's */
    caller.chain = c->chain ? c->chain->up : NULL;
    if (!type_spec(e, c, scope, type, true, &a->spec)) return false;
    if (a->value->kind != VALUE_TENSOR) return not_fitting(e, &caller, scope, f, a), false;
    int left = a->value->shape.rank - a->spec.rank;
    if (left < 0 || !spec_unify(e, scope, &a->spec, a->value->shape.dims + left))
        return not_fitting(e, &caller, scope, f, a), false;
    if (a->spec.classes.name && a->value->element.kind == ELEMENT_CLASS) { /* class(k) binds k */
        TypeSpec k = {.rank = 1, .dims = {a->spec.classes}};
        if (!spec_unify(e, scope, &k, &a->value->element.classes)) return not_fitting(e, &caller, scope, f, a), false;
    }
    const char *what = arena_printf(e->arena, "`%s` of `%s`", a->name, f->name);
    a->value = value_fit_declared(e, &caller, a->value, a->spec.element, a->span, what, a->formal->span);
    return !value_is_poison(a->value);
}
typedef struct Lifting {
    const Context *c2;
    const Mapping *mapping;
} Lifting;
static Value *lift(Eval *e, Value *v, void *context) {
    const Lifting *l = context;
    const Mapping *m = l->mapping;
    Frames made = ((1u << m->n) - 1) << m->first;
    Shape shape = m->extra;
    if (shape.rank + v->shape.rank > RANK_LIMIT)
        return sema_poison(e, l->c2, E280, l->c2->chain->span, "a value of more than %d axes, mapped ones counted",
                           RANK_LIMIT);
    for (int i = 0; i < v->shape.rank; i++) {
        if (v->shape.stretch >> i & 1) shape.stretch |= 1u << shape.rank;
        shape.dims[shape.rank++] = v->shape.dims[i];
    }
    Value *r = value_tensor(e, v->element, &shape, v->frames & ~made, NULL);
    r->node = value_spread(e, l->c2, v, v->frames | made, &v->shape, v->element);
    r->deps = v->deps, r->coupled = v->coupled & ~made, r->averaged = v->averaged;
    return r;
}
Value *map_result(Eval *e, const Context *c2, const Mapping *mapping, Value *v) {
    return mapping->n ? value_map(e, v, lift, &(Lifting){c2, mapping}) : v;
}

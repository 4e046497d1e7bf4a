/* types.c: types as written: of signatures, which bind dimension names, and of bindings, which repeat a value along the
** leading axes that it lacks. */
#include "types.h"

static const char *text_of(Eval *e, const Ast *ast) {
    Text t = {.arena = e->arena};
    ast_print(&t, ast);
    return text_done(&t);
}
/* A dimension or a number of classes: a known number, or, in a signature, a name that it binds. */
static bool dim_spec(Eval *e, const Context *c, Scope *scope, const Ast *ast, bool binds, bool classes, DimSpec *dim) {
    *dim = (DimSpec){.span = ast->span};
    if (ast->kind == AST_name && binds) {
        Binding *b = scope_find(scope, ast->name.name.text);
        double x;
        const Value *v = b ? binding_value(e, c, b) : NULL;
        if (!v || v->kind != VALUE_TENSOR || !(v->open || peek_number(v, &x))) {
            dim->name = ast->name.name.text;
            return true;
        }
        if (b->resolve && !ast->span.source->library) {
            Message *m = sema_warning(e, NULL, W701, ast->span,
                                      "`%s` means the number of the file here, it binds nothing", b->name);
            message_note(m, b->span, "declared here");
        }
    }
    Value *v = eval_expression(e, c, scope, ast);
    if (value_is_poison(v) || !need_int(e, c, v, ast->span, classes ? "a number of classes" : "a dimension", &dim->n))
        return false;
    if (dim->n != OPEN && dim->n < 1) {
        sema_error(e, c, E235, ast->span, "%s must be at least 1, this is %lld",
                   classes ? "a number of classes" : "a dimension", (long long)dim->n);
        return false;
    }
    return true;
}
static bool class_spec(Eval *e, const Context *c, Scope *scope, const Ast *type, bool binds, TypeSpec *spec) {
    const AstList *args = &type->type.arguments;
    spec->element = element_class(OPEN);
    if (args->n == 0)
        return sema_error(e, c, E236, type->span, "class(k) needs its number of classes, or their names"), false;
    if (args->v[0]->kind != AST_string) {
        if (args->n > 1)
            return sema_error(e, c, E236, type->span, "class(k) takes one number, or the names of the classes"), false;
        if (!dim_spec(e, c, scope, args->v[0], binds, true, &spec->classes)) return false;
        spec->element.classes = spec->classes.name ? OPEN : spec->classes.n;
        return true;
    }
    const char **names = ARENA_ARRAY(e->arena, const char *, args->n);
    for (int i = 0; i < args->n; i++) {
        if (args->v[i]->kind != AST_string)
            return sema_error(e, c, E236, args->v[i]->span, "names of classes are texts"), false;
        names[i] = args->v[i]->string.text;
    }
    spec->element = (Element){ELEMENT_CLASS, args->n, args->n, names};
    spec->classes.n = args->n;
    return true;
}
bool type_spec(Eval *e, const Context *c, Scope *scope, const Ast *type, bool binds, TypeSpec *spec) {
    *spec = (TypeSpec){.element = element_real(), .span = type->span, .rank = type->type.dims.n};
    const char *base = type->type.base.text;
    if (base && !strcmp(base, "class")) {
        if (!class_spec(e, c, scope, type, binds, spec)) return false;
    } else if (base) {
        static const char *const names[] = {"real", "int", "bool", "class"};
        int i = 0;
        while (i < 3 && strcmp(base, names[i])) i++;
        if (i == 3) {
            const char *near = str_nearest(base, names, 4);
            Message *m = sema_error(e, c, E237, type->type.base.span, "there is no type `%s`", base);
            message_help(m, near ? "did you mean `%s`?" : "types are int, bool, class(k), and none for a real", near);
            return false;
        }
        spec->element = (Element){.kind = (ElementKind)i};
        if (type->type.arguments.n)
            return sema_error(e, c, E236, type->span, "`%s` takes no numbers in ( )", base), false;
    }
    if (spec->rank > RANK_LIMIT) return sema_error(e, c, E280, type->span, "more than %d axes", RANK_LIMIT), false;
    for (int i = 0; i < spec->rank; i++)
        if (!dim_spec(e, c, scope, type->type.dims.v[i], binds, false, &spec->dims[i])) return false;
    return true;
}
bool type_value(Eval *e, const Context *c, Scope *scope, const Ast *type, TypeValue *result) {
    TypeSpec spec;
    if (!type_spec(e, c, scope, type, false, &spec)) return false;
    *result = (TypeValue){.element = spec.element, .shape = {.rank = spec.rank}, .span = type->span};
    for (int i = 0; i < spec.rank; i++) result->shape.dims[i] = spec.dims[i].n;
    return true;
}

/* ---- fitting ---- */
static bool dim_unify(Eval *e, Scope *scope, const DimSpec *want, i64 have) {
    if (!want->name) return dim_equal(want->n, have);
    Binding *b = scope_find_here(scope, want->name);
    i64 n = OPEN;
    double x;
    if (b) {
        if (b->value->kind == VALUE_TENSOR && peek_number(b->value, &x)) n = (i64)x;
        if (n != OPEN || have == OPEN) return dim_equal(n, have);
    }
    b = ARENA_NEW(e->arena, Binding);
    b->name = want->name, b->span = want->span;
    b->value = have == OPEN ? value_open(e) : value_int(e, have);
    scope_declare(e, scope, b);
    return true;
}
bool spec_unify(Eval *e, Scope *scope, const TypeSpec *want, const i64 *have) {
    for (int i = 0; i < want->rank; i++)
        if (!dim_unify(e, scope, &want->dims[i], have[i])) return false;
    return true;
}
const char *spec_text(Eval *e, const Scope *scope, const Ast *type) {
    Text t = {.arena = e->arena};
    text_add(&t, text_of(e, type));
    bool first = true;
    for (int i = 0; i < type->type.dims.n; i++) {
        const Ast *dim = type->type.dims.v[i];
        double x;
        if (dim->kind != AST_name) continue;
        const Binding *b = scope_find_here(scope, dim->name.name.text);
        if (!b || !b->value || b->value->kind != VALUE_TENSOR || !peek_number(b->value, &x)) continue;
        text_printf(&t, "%s%s = %lld", first ? " with " : ", ", b->name, (long long)x);
        first = false;
    }
    return text_done(&t);
}
static Value *declared_here(Eval *e, Message *m, Span declared) {
    if (declared.source) message_note(m, declared, "declared here");
    return value_poison(e);
}
/* An element where another may stand: int and bool for a real, a known int for a class. */
static Value *in_class(Eval *e, const Context *c, Value *v, Element want, Span span, const char *what, Span declared) {
    if (v->element.kind == ELEMENT_CLASS) {
        if (!dim_equal(want.classes, v->element.classes)) {
            Message *m = sema_error(e, c, E310, span, "%s: %s is needed, this is %s", what, element_text(e, want),
                                    element_text(e, v->element));
            return declared_here(e, m, declared);
        }
    } else if (v->element.kind != ELEMENT_INT || (!v->known && !v->open)) {
        Message *m = sema_error(e, c, E311, span, "%s: a class is needed, this is %s", what, value_text(e, v));
        if (v->element.kind == ELEMENT_INT) message_help(m, "to_class(i, k) makes a class of an int");
        return declared_here(e, m, declared);
    }
    for (i64 i = 0; v->known && v->element.kind == ELEMENT_INT && want.classes != OPEN && i < v->known->n; i++) {
        double x = known_item(v->known, i);
        if (x >= 0 && x < (double)want.classes) continue;
        return declared_here(
            e, sema_error(e, c, E312, span, "%s: %.0f is no index below %lld", what, x, (long long)want.classes),
            declared);
    }
    Value *r = value_copy(e, v);
    if (want.classes == OPEN && v->element.kind == ELEMENT_CLASS) want.classes = v->element.classes;
    if (!want.n_names && v->element.kind == ELEMENT_CLASS)
        want.n_names = v->element.n_names, want.names = v->element.names;
    r->element = want;
    return r;
}
Value *value_fit(Eval *e, const Context *c, Value *v, Element want, Span span, const char *what) {
    return value_fit_declared(e, c, v, want, span, what, (Span){0});
}
Value *value_fit_declared(Eval *e, const Context *c, Value *v, Element want, Span span, const char *what,
                          Span declared) {
    static const char *const needed[] = {"a number", "an int", "true or false", "a class"};
    if (value_is_poison(v)) return v;
    if (v->kind == VALUE_TENSOR && want.kind == ELEMENT_CLASS) return in_class(e, c, v, want, span, what, declared);
    if (v->kind == VALUE_TENSOR && want.kind == v->element.kind) return v;
    if (v->kind != VALUE_TENSOR || want.kind != ELEMENT_REAL || v->element.kind == ELEMENT_CLASS) {
        bool class = v->kind == VALUE_TENSOR && v->element.kind == ELEMENT_CLASS && want.kind == ELEMENT_REAL;
        Message *m = sema_error(e, c, class ? E314 : E313, span, "%s: %s is needed, this is %s", what,
                                needed[want.kind], value_text(e, v));
        if (class) message_help(m, "a class is not a number: one_hot(c) or int(c)");
        return declared_here(e, m, declared);
    }
    Value *r = value_copy(e, v);
    r->element = want;
    r->node = node_cast(e, v->node, e->real);
    r->open = false;
    if (v->known && v->known->range) { /* a range is of ints */
        double *list = ARENA_ARRAY(e->arena, double, v->known->n);
        for (i64 i = 0; i < v->known->n; i++) list[i] = known_item(v->known, i);
        r->known = known_with_hypers(e, value_list(e, want, v->known->n, list), v->known->hypers)->known;
    }
    return r;
}

/* ---- name: type = expression ---- */
static Value *typed_shape(Eval *e, const Context *c, Value *v, const TypeValue *type, Span span) {
    Shape s = type->shape;
    bool fits = v->shape.rank <= s.rank;
    for (int i = 1; fits && i <= v->shape.rank; i++) {
        i64 have = v->shape.dims[v->shape.rank - i], want = s.dims[s.rank - i];
        fits = dim_equal(have, want) || (v->shape.stretch >> (v->shape.rank - i) & 1);
    }
    if (!fits) {
        Message *m = sema_error(e, c, E303, span, "this is %s, the binding says %s", value_text(e, v),
                                type_text(e, type->element, &s));
        message_note(m, type->span, "declared here");
        return value_poison(e);
    }
    if (shape_equal(&v->shape, &s) && !v->shape.stretch) {
        Value *r = value_copy(e, v); /* open dimensions take the declared ones */
        r->shape = s;
        return r;
    }
    Value *r = value_tensor(e, v->element, &s, v->frames, value_spread(e, c, v, v->frames, &s, v->element));
    r->deps = v->deps, r->coupled = v->coupled;
    return r;
}
/* Its draws anew for each index: the axes it lacks are frames while it is evaluated once more. */
static Value *typed_anew(Eval *e, const Context *c, Scope *scope, const Ast *expression, const TypeValue *type,
                         int lacks) {
    Context c2 = *c;
    Frames fill = 0;
    for (int i = 0; i < lacks; i++) {
        if (!context_push(e, &c2, FRAME_FILL, type->shape.dims[i], "a binding", type->span)) return value_poison(e);
        fill |= 1u << (c2.n_frames - 1);
    }
    Value *v =
        value_fit(e, c, eval_expression(e, &c2, scope, expression), type->element, expression->span, "this binding");
    if (value_is_poison(v)) return v;
    TypeValue core = *type;
    core.shape = shape_of(type->shape.rank - lacks, type->shape.dims + lacks);
    v = typed_shape(e, &c2, v, &core, expression->span);
    if (value_is_poison(v)) return v;
    Value *r = value_tensor(e, v->element, &type->shape, v->frames & ~fill,
                            value_spread(e, &c2, v, v->frames | fill, &core.shape, v->element));
    r->deps = v->deps, r->coupled = v->coupled & ~fill;
    return r;
}
Value *typed_expression(Eval *e, const Context *c, Scope *scope, const TypeValue *type, const Ast *expression) {
    Context inner = *c;
    inner.declared = type;
    Counters *counters = counters_copy(e, c->counters);
    SlotState *slots = c->initial ? NULL : slots_save(e); /* initial values write no slot */
    u64 draws = e->draws;
    int ordinal = c->ordinal ? *c->ordinal : 0;
    Value *v = eval_expression(e, &inner, scope, expression);
    if (value_is_poison(v)) return v;
    v = value_fit(e, c, v, type->element, expression->span, "this binding");
    if (value_is_poison(v)) return v;
    if (v->shape.rank < type->shape.rank && e->draws != draws) {
        counters_restore(c->counters, counters);
        if (slots) slots_restore(e, slots);
        if (c->ordinal) *c->ordinal = ordinal;
        return typed_anew(e, &inner, scope, expression, type, type->shape.rank - v->shape.rank);
    }
    return typed_shape(e, c, v, type, expression->span);
}

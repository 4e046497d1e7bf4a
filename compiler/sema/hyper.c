/* hyper.c: `hyper`: a number of the page that is a flag of the program, unless something needs it while compiling:
** then it is fixed at its default or at what -D says.
**
** The value of one that is not fixed has a known number (for types) that hangs on it, and a node that reads the
** block of hypers. */
#include "page.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Names that the trainer's own options take. */
static const char *const options[] = {
    "epochs",  "steps",       "max_time",        "seconds", "seed", "threads", "out",
    "replace", "resume",      "partial",         "replay",  "from", "order",   "split",
    "data",    "limit_train", "overfit_batches", "dry_run", "in",   "rows",    "format",
    "samples", "save",        "kernels",         "json",    "help"};

static const Define *define_of(const Eval *e, const char *name) {
    for (int i = e->c->n_defines - 1; i >= 0; i--)
        if (!strcmp(e->c->defines[i].name, name)) return &e->c->defines[i];
    return NULL;
}
/* The number that -D gives; false after an error. */
static bool define_number(Eval *e, const HyperDeclaration *h, const Define *d, double *number) {
    static const char *const needs[] = {"a number", "a whole number", "true or false", ""};
    ElementKind kind = h->value->element.kind;
    char *end;
    bool fine = true;
    if (kind == ELEMENT_BOOL) {
        *number = !strcmp(d->value, "true") || !strcmp(d->value, "1");
        fine = *number != 0 || !strcmp(d->value, "false") || !strcmp(d->value, "0");
    } else {
        errno = 0;
        *number = strtod(d->value, &end);
        fine = *d->value && !*end && !errno && isfinite(*number) &&
               (kind != ELEMENT_INT || (*number == floor(*number) && fabs(*number) <= INT32_MAX));
    }
    if (!fine) {
        Message *m = sema_error(e, NULL, E445, (Span){0}, "-D %s=%s: the hyper `%s` is %s", d->name, d->value, d->name,
                                needs[kind]);
        message_note(m, h->ast->span, "declared here");
    }
    return fine;
}
static bool number_of(Eval *e, const HyperDeclaration *h, const Ast *ast, const char *what, Value **v, double *number) {
    Context top = context_top(e);
    *v = eval_expression(e, &top, h->scope, ast);
    if (value_is_poison(*v)) return false;
    if ((*v)->kind != VALUE_TENSOR || (*v)->shape.rank)
        return sema_error(e, &top, E444, ast->span, "%s is one number, this is %s", what, value_text(e, *v)), false;
    if (!need_number(e, &top, *v, ast->span, what, number)) return false;
    if ((*v)->element.kind != ELEMENT_INT || fabs(*number) <= INT32_MAX) return true;
    return sema_error(e, &top, E444, ast->span, "%s: a whole number here is below 2^31", what), false;
}
static bool fits_range(Eval *e, const HyperDeclaration *h, double x, bool given) {
    if (x >= h->low && x <= h->high) return true;
    if (given) {
        Message *m = sema_error(e, NULL, E445, (Span){0}, "-D %s=%.9g: it must lie in [%.9g, %.9g]", h->hyper.name, x,
                                h->low, h->high);
        message_note(m, h->ast->span, "declared here");
    } else {
        sema_error(e, NULL, E444, h->ast->hyper.value->span, "the default %.9g lies outside [%.9g, %.9g]", x, h->low,
                   h->high);
    }
    return false;
}
static bool typed(Eval *e, HyperDeclaration *h) {
    const Ast *type = h->ast->hyper.type;
    TypeValue want;
    Context top = context_top(e);
    if (!type) return true;
    if (!type_value(e, &top, h->scope, type, &want)) return false;
    if (want.shape.rank || want.element.kind == ELEMENT_CLASS)
        return sema_error(e, NULL, E444, type->span, "a hyper is one number: a real, an int or a bool"), false;
    h->value = value_fit(e, &top, h->value, want.element, h->ast->hyper.value->span, "the default of a hyper");
    return !value_is_poison(h->value);
}
static bool evaluate(Eval *e, HyperDeclaration *h) {
    const Ast *ast = h->ast;
    Value *end;
    double x, given;
    h->low = -INFINITY, h->high = INFINITY;
    if (!number_of(e, h, ast->hyper.value, "the default of a hyper", &h->value, &x) || !typed(e, h)) return false;
    if (ast->hyper.low && (!number_of(e, h, ast->hyper.low, "the lowest value of a hyper", &end, &h->low) ||
                           !number_of(e, h, ast->hyper.high, "the highest value of a hyper", &end, &h->high)))
        return false;
    const Define *d = define_of(e, h->hyper.name);
    if (!fits_range(e, h, x, false)) return false;
    if (d && (!define_number(e, h, d, &given) || !fits_range(e, h, given, true))) return false;
    h->value = value_known(e, h->value->element, d ? given : x);
    return true;
}
static Value *hyper_value(Eval *e, Binding *b, const Context *c) {
    HyperDeclaration *h = b->declaration;
    (void)c;
    if (h->finding) {
        h->failed = true;
        sema_error(e, NULL, E444, h->ast->hyper.name.span, "the hyper `%s` is made from itself", h->hyper.name);
    }
    if (!h->done && !h->failed) {
        bool nodes = e->nodes;
        h->finding = true, e->nodes = false;
        h->done = evaluate(e, h);
        h->failed |= !h->done;
        h->finding = false, e->nodes = nodes;
    }
    if (h->failed) return value_poison(e);
    if (h->hyper.fixed) return h->value;
    HyperSet *set = ARENA_NEW(e->arena, HyperSet);
    set->hyper = &h->hyper;
    Value *v = known_with_hypers(e, h->value, set);
    if (!e->nodes) return v;
    if (!h->hole) h->hole = ir_hole(e->graph, type_scalar(e->graph, element_dtype(e, v->element)));
    v->node = h->hole;
    return v;
}
Node *hyper_constant(Eval *e, const HyperDeclaration *h) {
    double x = 0;
    peek_number(h->value, &x);
    if (h->value->element.kind == ELEMENT_BOOL) return ir_bool(e->graph, x != 0);
    return h->value->element.kind == ELEMENT_INT ? ir_int(e->graph, (i64)x) : ir_real(e->graph, e->real, x);
}
void hyper_declare(Eval *e, Scope *scope, const Ast *ast) {
    HyperDeclaration *h = ARENA_NEW(e->arena, HyperDeclaration);
    *h = (HyperDeclaration){.ast = ast, .scope = scope, .offset = -1};
    h->hyper.name = ast->hyper.name.text, h->hyper.declaration = h;
    Binding *b = ARENA_NEW(e->arena, Binding);
    b->name = h->hyper.name, b->span = ast->hyper.name.span, b->resolve = hyper_value, b->declaration = h;
    scope_declare(e, scope, b);
    vec_push(e->arena, &page_of(e)->hypers, h);
    for (int i = 0; i < COUNT_OF(options); i++) {
        if (strcmp(options[i], h->hyper.name)) continue;
        sema_error(e, NULL, E444, ast->hyper.name.span,
                   "a hyper cannot be called `%s`: every program has an option --%s", options[i], options[i]);
    }
}
void hypers_check(Eval *e) {
    const Page *page = page_of(e);
    const char **names = ARENA_ARRAY(e->arena, const char *, page->hypers.n + 1);
    for (int i = 0; i < page->hypers.n; i++) {
        HyperDeclaration *h = page->hypers.v[i];
        Binding b = {.name = h->hyper.name, .declaration = h};
        names[i] = h->hyper.name;
        hyper_value(e, &b, NULL);
    }
    for (int i = 0; i < e->c->n_defines; i++) {
        int k = 0;
        while (k < page->hypers.n && strcmp(names[k], e->c->defines[i].name)) k++;
        if (k < page->hypers.n) continue;
        const char *near = str_nearest(e->c->defines[i].name, names, page->hypers.n);
        Message *m =
            sema_error(e, NULL, E446, (Span){0}, "-D %s: the page has no hyper of that name", e->c->defines[i].name);
        if (near) message_help(m, "did you mean `%s`?", near);
    }
}

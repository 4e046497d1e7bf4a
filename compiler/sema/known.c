/* known.c: numbers known while compiling: asking for them, and which hypers they hang on.
**
** A hyper stays a flag of the program until something here needs its number; then it is fixed and the page is evaluated
*anew. */
#include "eval.h"
#include <math.h>

double known_item(const Known *known, i64 i) { return known->range ? (double)(known->low + i) : known->v[i]; }
bool known_number(const Value *v, double *number) { return peek_number(v, number) && !v->known->hypers; }
bool peek_number(const Value *v, double *number) {
    if (v->kind != VALUE_TENSOR || !v->known || v->known->list) return false;
    *number = v->known->v[0];
    return true;
}
const HyperSet *hypers_join(Eval *e, const HyperSet *a, const HyperSet *b) {
    const HyperSet *all = a;
    for (; b; b = b->rest) {
        const HyperSet *s = a;
        while (s && s->hyper != b->hyper) s = s->rest;
        if (s) continue;
        HyperSet *more = ARENA_NEW(e->arena, HyperSet);
        *more = (HyperSet){b->hyper, all};
        all = more;
    }
    return all;
}
Value *known_with_hypers(Eval *e, Value *v, const HyperSet *hypers) {
    if (!hypers || !v->known) return v;
    Known *k = arena_copy(e->arena, v->known, sizeof *k);
    k->hypers = hypers_join(e, k->hypers, hypers);
    Value *r = value_copy(e, v);
    r->known = k;
    return r;
}
static void fix(Eval *e, const HyperSet *hypers, Span span) {
    for (; hypers; hypers = hypers->rest) {
        if (hypers->hyper->fixed) continue;
        hypers->hyper->fixed = true;
        hypers->hyper->fixed_by = span;
        e->again = true;
    }
}
static bool not_known(Eval *e, const Context *c, const Value *v, Span span, const char *what) {
    if (value_is_poison(v)) return false;
    if (v->open) {
        Message *m =
            sema_error(e, c, E231, span, "%s depends on a dimension that the model's signature leaves open", what);
        message_help(m, "write the length in the signature of the model");
    } else if (v->kind != VALUE_TENSOR) {
        sema_error(e, c, E230, span, "%s must be a number known when compiling, this is %s", what, value_text(e, v));
    } else {
        Message *m =
            sema_error(e, c, E230, span, "%s must be known when compiling, this %s is found when the program runs",
                       what, value_text(e, v));
        if (v->shape.rank)
            message_help(m, "a list is known when it is written out, [n, 2 * n], or a range, 0..n; slices of one and arithmetic "
                            "on one are not");
        else
            message_help(m, "known are literals, dimensions, hypers, and numbers made of them alone");
    }
    return false;
}
bool need_number(Eval *e, const Context *c, const Value *v, Span span, const char *what, double *number) {
    if (!peek_number(v, number)) return not_known(e, c, v, span, what);
    fix(e, v->known->hypers, span);
    return true;
}
bool need_int(Eval *e, const Context *c, const Value *v, Span span, const char *what, i64 *number) {
    if (v->kind == VALUE_TENSOR && v->open) return *number = OPEN, true;
    double x;
    if (!need_number(e, c, v, span, what, &x)) return false;
    if (v->element.kind == ELEMENT_BOOL || x != floor(x) || fabs(x) > 9e15 ||
        (v->element.kind == ELEMENT_REAL && !isfinite(x))) {
        sema_error(e, c, E232, span, "%s must be a whole number, this is %.9g", what, x);
        return false;
    }
    *number = (i64)x;
    return true;
}
bool need_bool(Eval *e, const Context *c, const Value *v, Span span, const char *what, bool *truth) {
    double x;
    if (!need_number(e, c, v, span, what, &x)) return false;
    if (v->element.kind != ELEMENT_BOOL) {
        sema_error(e, c, E233, span, "%s must be true or false, this is %s", what, value_text(e, v));
        return false;
    }
    *truth = x != 0;
    return true;
}
bool need_ints(Eval *e, const Context *c, const Value *v, Span span, const char *what, int *n, i64 *out, int most) {
    if (v->kind != VALUE_TENSOR || !v->known || !v->known->list) return *n = 1, need_int(e, c, v, span, what, out);
    fix(e, v->known->hypers, span);
    if (v->known->n > most) {
        sema_error(e, c, E234, span, "%s: at most %d numbers may stand here, these are %lld", what, most,
                   (long long)v->known->n);
        return false;
    }
    *n = (int)v->known->n;
    for (int i = 0; i < *n; i++) {
        double x = known_item(v->known, i);
        if (x != floor(x)) return sema_error(e, c, E232, span, "%s must be whole numbers, one is %.9g", what, x), false;
        out[i] = (i64)x;
    }
    return true;
}

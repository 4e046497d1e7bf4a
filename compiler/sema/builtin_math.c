/* builtin_math.c: primitives number by number. */
#include "builtin.h"
#include <math.h>

typedef Node *Unary(Graph *g, Node *x);
static Node *apply_unary(Eval *e, Node *const *x, void *context) { return (*(Unary **)context)(e->graph, x[0]); }
static bool ints_only(const Value *v) {
    for (int i = 0; i < value_leaves(v); i++)
        if (value_leaf(v, i)->element.kind != ELEMENT_INT) return false;
    return true;
}
static Value *unary(Eval *e, const BuiltinCall *call, Unary *build) {
    if (!numeric(e, call->c, call->v[0], call->spans[0])) return value_poison(e);
    return elementwise(e, call->c, call->span, 1, call->v, call->spans, element_real(), element_real(), apply_unary,
                       &build);
}
#define UNARY(name)                                                                                                    \
    Value *builtin_##name(Eval *e, const BuiltinCall *call) { return unary(e, call, ir_##name); }
BuiltinHandler builtin_exp, builtin_log, builtin_tanh, builtin_sigmoid, builtin_sin, builtin_cos, builtin_erf;
UNARY(exp)
UNARY(log)
UNARY(tanh)
UNARY(sigmoid)
UNARY(sin)
UNARY(cos)
UNARY(erf)

/* Of a known number the result is known too where it is exact or rounded once. */
static Value *known_unary(Eval *e, const BuiltinCall *call, double (*f)(double), bool keeps_int, Unary *build) {
    Value *v = call->v[0];
    double x;
    if (!numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    bool ints = keeps_int && ints_only(v);
    Element element = ints ? element_int() : element_real();
    if (known_number(v, &x)) return value_known(e, element, f(x));
    Value *r = elementwise(e, call->c, call->span, 1, call->v, call->spans, element, element, apply_unary, &build);
    if (!peek_number(v, &x) || r->kind != VALUE_TENSOR) return r;
    r->known = known_with_hypers(e, value_known(e, element, f(x)), v->known->hypers)->known;
    return r;
}
static double sign_of(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static Node *floor_any(Graph *g, Node *x) { return dtype_real(x->type->dtype) ? ir_floor(g, x) : x; }
BuiltinHandler builtin_sqrt, builtin_abs, builtin_sign, builtin_floor, builtin_maximum, builtin_minimum, builtin_where,
    builtin_int, builtin_stop;
Value *builtin_sqrt(Eval *e, const BuiltinCall *call) { return known_unary(e, call, sqrt, false, ir_sqrt); }
Value *builtin_abs(Eval *e, const BuiltinCall *call) { return known_unary(e, call, fabs, true, ir_abs); }
Value *builtin_sign(Eval *e, const BuiltinCall *call) { return known_unary(e, call, sign_of, true, ir_sign); }
Value *builtin_floor(Eval *e, const BuiltinCall *call) { return known_unary(e, call, floor, true, floor_any); }

static Node *build_max(Eval *e, Node *const *x, void *context) {
    return *(bool *)context ? ir_max(e->graph, x[0], x[1]) : ir_min(e->graph, x[0], x[1]);
}
static Value *extreme(Eval *e, const BuiltinCall *call, bool largest) {
    double x[2];
    for (int i = 0; i < 2; i++)
        if (!numeric(e, call->c, call->v[i], call->spans[i])) return value_poison(e);
    bool ints = ints_only(call->v[0]) && ints_only(call->v[1]);
    Element element = ints ? element_int() : element_real();
    bool known = peek_number(call->v[0], &x[0]) && peek_number(call->v[1], &x[1]);
    Value *k = NULL;
    if (known) {
        k = value_known(e, element, (x[0] < x[1]) != largest ? x[0] : x[1]);
        for (int i = 0; i < 2; i++) k = known_with_hypers(e, k, call->v[i]->known->hypers);
        if (!k->known->hypers) return k;
    }
    Value *r = elementwise(e, call->c, call->span, 2, call->v, call->spans, element, element, build_max, &largest);
    if (k && r->kind == VALUE_TENSOR) r->known = k->known;
    return r;
}
Value *builtin_maximum(Eval *e, const BuiltinCall *call) { return extreme(e, call, true); }
Value *builtin_minimum(Eval *e, const BuiltinCall *call) { return extreme(e, call, false); }

static Node *build_where(Eval *e, Node *const *x, void *context) {
    (void)context;
    return ir_select(e->graph, x[0], x[1], x[2]);
}
static bool where_element(Eval *e, const BuiltinCall *call, Element *element) {
    Value *a = value_leaf(call->v[1], 0), *b = value_leaf(call->v[2], 0);
    bool class = (a->kind == VALUE_TENSOR && a->element.kind == ELEMENT_CLASS) ||
                 (b->kind == VALUE_TENSOR && b->element.kind == ELEMENT_CLASS);
    *element = element_real();
    if (class) {
        *element = a->element.kind == ELEMENT_CLASS ? a->element : b->element;
        for (int i = 1; i < 3; i++)
            if (value_is_poison(call->v[i] = value_fit(e, call->c, call->v[i], *element, call->spans[i], "`where`")))
                return false;
        return true;
    }
    for (int i = 1; i < 3; i++)
        if (!numeric(e, call->c, call->v[i], call->spans[i])) return false;
    if (ints_only(call->v[1]) && ints_only(call->v[2])) *element = element_int();
    if (a->element.kind == ELEMENT_BOOL && b->element.kind == ELEMENT_BOOL) *element = element_bool();
    return true;
}
Value *builtin_where(Eval *e, const BuiltinCall *call) {
    const Value *condition = value_leaf(call->v[0], 0);
    Element element;
    if (condition->kind != VALUE_TENSOR || condition->element.kind != ELEMENT_BOOL)
        return sema_poison(e, call->c, E233, call->spans[0], "`where` needs a condition, this is %s",
                           value_text(e, call->v[0]));
    if (!where_element(e, call, &element)) return value_poison(e);
    Element operands[] = {element_bool(), element, element};
    return elementwise_of(e, call->c, call->span, 3, call->v, call->spans, operands, element, build_where, NULL);
}
static Value *int_of(Eval *e, Value *v, void *context) {
    double x;
    (void)context;
    if (known_number(v, &x)) return value_int(e, (i64)trunc(x));
    Value *r = value_copy(e, v);
    if (v->element.kind == ELEMENT_REAL) r->deps = NULL, r->known = NULL;
    r->element = element_int();
    r->node = node_cast(e, value_node(e, v), DT_i32);
    return r;
}
Value *builtin_int(Eval *e, const BuiltinCall *call) {
    Value *v = call->v[0];
    if (v->kind != VALUE_TENSOR)
        return sema_poison(e, call->c, E314, call->spans[0], "`int` is of a number or a class, this is %s",
                           value_text(e, v));
    return int_of(e, v, NULL);
}
static Value *stopped(Eval *e, Value *v, void *context) {
    (void)context;
    if (v->known) return v;
    Value *r = value_copy(e, v);
    Node *node = value_node(e, v);
    r->node = node && dtype_real(node->type->dtype) ? ir_stop(e->graph, node) : node;
    r->deps = NULL, r->coupled = 0;
    return r;
}
Value *builtin_stop(Eval *e, const BuiltinCall *call) { return value_map(e, call->v[0], stopped, NULL); }

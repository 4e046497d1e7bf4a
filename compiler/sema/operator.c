/* operator.c: + - * / // ^, comparisons, and or not, and @. Known numbers are computed here and stay without a node. */
#include "operator.h"
#include <math.h>

/* ---- the nodes ---- */
typedef struct Building {
    Operator op;
    int power; /* 2, 3: by multiplication; 0: not */
} Building;
static Node *build(Eval *e, Node *const *x, void *context) {
    Graph *g = e->graph;
    const Building *b = context;
    switch (b->op) {
    case OPERATOR_ADD: return ir_add(g, x[0], x[1]);
    case OPERATOR_SUBTRACT: return ir_sub(g, x[0], x[1]);
    case OPERATOR_MULTIPLY: return ir_mul(g, x[0], x[1]);
    case OPERATOR_DIVIDE: return ir_div(g, x[0], x[1]);
    case OPERATOR_FLOOR_DIVIDE:
        return dtype_real(x[0]->type->dtype) ? ir_floor(g, ir_div(g, x[0], x[1])) : ir_div(g, x[0], x[1]);
    case OPERATOR_POWER:
        if (b->power == 2) return ir_mul(g, x[0], x[0]);
        if (b->power == 3) return ir_mul(g, ir_mul(g, x[0], x[0]), x[0]);
        return ir_pow(g, x[0], x[1]);
    case OPERATOR_EQ: return ir_eq(g, x[0], x[1]);
    case OPERATOR_NE: return ir_not(g, ir_eq(g, x[0], x[1]));
    case OPERATOR_LT: return ir_lt(g, x[0], x[1]);
    case OPERATOR_LE: return ir_le(g, x[0], x[1]);
    case OPERATOR_GT: return ir_lt(g, x[1], x[0]);
    case OPERATOR_GE: return ir_le(g, x[1], x[0]);
    case OPERATOR_AND: return ir_min(g, x[0], x[1]);
    case OPERATOR_OR: return ir_max(g, x[0], x[1]);
    case OPERATOR_NEGATE: return ir_neg(g, x[0]);
    case OPERATOR_NOT: return ir_not(g, x[0]);
    case OPERATOR_MATMUL:
    default: nnc_bug("operator %d number by number", (int)b->op);
    }
}

/* ---- known numbers ---- */
static bool compute(Operator op, bool ints, double a, double b, double *r) {
    switch (op) {
    case OPERATOR_ADD: return *r = a + b, true;
    case OPERATOR_SUBTRACT: return *r = a - b, true;
    case OPERATOR_MULTIPLY: return *r = a * b, true;
    case OPERATOR_DIVIDE: return *r = a / b, b != 0;
    case OPERATOR_FLOOR_DIVIDE:
        if (b == 0) return false;
        *r = floor(a / b);
        if (ints && fmod(a, b) == 0) *r = a / b;
        return true;
    case OPERATOR_POWER: return *r = pow(a, b), true;
    case OPERATOR_EQ: return *r = a == b, true;
    case OPERATOR_NE: return *r = a != b, true;
    case OPERATOR_LT: return *r = a < b, true;
    case OPERATOR_LE: return *r = a <= b, true;
    case OPERATOR_GT: return *r = a > b, true;
    case OPERATOR_GE: return *r = a >= b, true;
    case OPERATOR_AND: return *r = a != 0 && b != 0, true;
    case OPERATOR_OR: return *r = a != 0 || b != 0, true;
    case OPERATOR_NEGATE: return *r = -a, true;
    case OPERATOR_NOT: return *r = a == 0, true;
    case OPERATOR_MATMUL:
    default: return false;
    }
}
static bool is_compare(Operator op) { return op >= OPERATOR_EQ && op <= OPERATOR_GE; }
static bool is_logic(Operator op) { return op == OPERATOR_AND || op == OPERATOR_OR || op == OPERATOR_NOT; }
static ElementKind element_of(const Value *v) {
    ElementKind kind = value_leaf(v, 0)->element.kind;
    for (int i = 1; i < value_leaves(v); i++)
        if (value_leaf(v, i)->element.kind != kind) return ELEMENT_REAL;
    return kind;
}
static Value *known_result(Eval *e, Operator op, Value *a, Value *b, bool ints) {
    double x = 0, y = 0, r;
    if (!peek_number(a, &x) || (b && !peek_number(b, &y)) || !compute(op, ints, x, y, &r)) return NULL;
    bool whole = ints && (op != OPERATOR_POWER || y >= 0);
    if (op == OPERATOR_DIVIDE) whole = false;
    if (whole && fabs(r) > 9e15) return NULL;
    Value *v = is_compare(op) || is_logic(op) ? value_bool(e, r != 0) : whole ? value_int(e, (i64)r) : value_real(e, r);
    return known_with_hypers(e, known_with_hypers(e, v, a->known->hypers), b ? b->known->hypers : NULL);
}

/* ---- types ---- */
/* == and != of classes: with an equal class, or with a known int below k. */
static bool classes_compare(Eval *e, const Context *c, Span span, Value *a, Value *b) {
    bool ca = a->kind == VALUE_TENSOR && a->element.kind == ELEMENT_CLASS,
         cb = b->kind == VALUE_TENSOR && b->element.kind == ELEMENT_CLASS;
    if (ca && cb) {
        if (dim_equal(a->element.classes, b->element.classes)) return true;
        return sema_error(e, c, E310, span, "%s and %s cannot be compared", value_text(e, a), value_text(e, b)), false;
    }
    const Value *other = ca ? b : a, *class = ca ? a : b;
    double x;
    if (other->kind == VALUE_TENSOR && other->element.kind == ELEMENT_INT && (other->open || peek_number(other, &x))) {
        if (other->open || class->element.classes == OPEN || (x >= 0 && x < (double)class->element.classes))
            return true;
        return sema_error(e, c, E312, span, "%.0f is no index below %lld", x, (long long)class->element.classes), false;
    }
    Message *m = sema_error(e, c, E315, span, "%s and %s cannot be compared", value_text(e, a), value_text(e, b));
    message_help(m, "int(c) is the index of a class");
    return false;
}
static bool is_class(const Value *v) { return v->kind == VALUE_TENSOR && v->element.kind == ELEMENT_CLASS; }
static bool operands_fit(Eval *e, const Context *c, Span span, Operator op, Value **v, const Span *spans, int n,
                         Element *operand, Element *result) {
    if (is_logic(op)) {
        *operand = *result = element_bool();
        for (int i = 0; i < n; i++) {
            if (value_is_poison(v[i])) return false;
            if (v[i]->kind == VALUE_TENSOR && v[i]->element.kind == ELEMENT_BOOL) continue;
            return sema_error(e, c, E233, spans[i], "`%s` is of true and false, this is %s", operator_text[op],
                              value_text(e, v[i])),
                   false;
        }
        return true;
    }
    if ((op == OPERATOR_EQ || op == OPERATOR_NE) && (is_class(v[0]) || is_class(v[1]))) {
        *operand = element_int(), *result = element_bool();
        return !value_is_poison(v[0]) && !value_is_poison(v[1]) && classes_compare(e, c, span, v[0], v[1]);
    }
    bool ints = true, bools = true;
    for (int i = 0; i < n; i++) {
        if (!numeric(e, c, v[i], spans[i])) return false;
        ints &= element_of(v[i]) == ELEMENT_INT;
        bools &= element_of(v[i]) == ELEMENT_BOOL;
    }
    *operand = ints ? element_int() : element_real();
    if (bools && (op == OPERATOR_EQ || op == OPERATOR_NE)) *operand = element_bool();
    *result = is_compare(op) ? element_bool() : *operand;
    if (op == OPERATOR_DIVIDE || op == OPERATOR_POWER) *operand = *result = element_real();
    return true;
}
static Value *apply(Eval *e, const Context *c, Span span, Operator op, int n, Value **v, const Span *spans) {
    Element operand, result;
    Building b = {.op = op};
    double exponent;
    if (!operands_fit(e, c, span, op, v, spans, n, &operand, &result)) return value_poison(e);
    bool ints = element_of(v[0]) == ELEMENT_INT && (n == 1 || element_of(v[1]) == ELEMENT_INT);
    Value *known = n == 1 ? known_result(e, op, v[0], NULL, ints) : known_result(e, op, v[0], v[1], ints);
    if (known && !known->known->hypers) return known;
    if (op == OPERATOR_POWER && known_number(v[1], &exponent)) {
        if (exponent == 1) return value_fit(e, c, v[0], element_real(), span, "`^`");
        if (exponent == 2 || exponent == 3) b.power = (int)exponent, n = 1;
    }
    Value *r = elementwise(e, c, span, n, v, spans, operand, result, build, &b);
    if (known && r->kind == VALUE_TENSOR) { /* known if hypers are fixed: both the number and the node */
        r->known = known->known;
        if (known->element.kind == ELEMENT_INT && r->element.kind == ELEMENT_REAL) r->element = element_real();
    }
    if (r->kind == VALUE_TENSOR && r->element.kind == ELEMENT_INT && !r->known && !r->shape.rank)
        for (int i = 0; i < n; i++) r->open |= v[i]->kind == VALUE_TENSOR && v[i]->open;
    return r;
}
Value *operate_at(Eval *e, const Context *c, Span span, Operator op, Value *a, Span a_span, Value *b, Span b_span) {
    Value *v[] = {a, b};
    Span spans[] = {a_span, b_span};
    if (op == OPERATOR_MATMUL) return matmul(e, c, span, a, b, spans);
    return apply(e, c, span, op, 2, v, spans);
}
Value *operate(Eval *e, const Context *c, Span span, Operator op, Value *a, Value *b) {
    return operate_at(e, c, span, op, a, span, b, span);
}
Value *operate_unary(Eval *e, const Context *c, Span span, Operator op, Value *a) {
    return apply(e, c, span, op, 1, &a, &span);
}

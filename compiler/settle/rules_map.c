/* rules_map.c: rows of rewrite.def on elementwise operators. Commutative ones look at both sides. */
#include "simplify.h"
#include <math.h>

static bool is(const Node *node, Op op) { return node->op == op; }
static bool is_real(const Node *node) { return dtype_real(node->type->dtype); }
/* The other operand, if one of the two is a fill of this value. */
static Node *beside_fill(const Node *node, double value) {
    return node_is_fill(node->args[1], value) ? node->args[0] : node_is_fill(node->args[0], value) ? node->args[1] : NULL;
}
/* The other operand and the fill, if one of the two is a fill. */
static Node *beside(const Node *node, Node **fill) {
    for (int i = 1; i >= 0; i--)
        if ((*fill = node_fill(node->args[i]))) return node->args[1 - i];
    return NULL;
}
static Node *times(const Rewriting *rw, Node *x, double c) { return ir_mul(rw->g, x, ir_fill(rw->g, c, x->type)); }
static bool is_safe_factor(Dtype dtype, double c) { /* neither lost nor overflown by merging */
    return dtype == DT_f32 ? isnormal((float)c) : isnormal(c);
}

Node *rule_mul_one(const Rewriting *rw, Node *n) { return (void)rw, beside_fill(n, 1); }
Node *rule_mul_minus_one(const Rewriting *rw, Node *n) {
    Node *x = beside_fill(n, -1);
    return x ? ir_neg(rw->g, x) : NULL;
}
Node *rule_mul_negs(const Rewriting *rw, Node *n) {
    if (!is(n->args[0], OP_neg) || !is(n->args[1], OP_neg)) return NULL;
    return ir_mul(rw->g, n->args[0]->args[0], n->args[1]->args[0]);
}
Node *rule_mul_neg_fill(const Rewriting *rw, Node *n) {
    Node *fill, *x = beside(n, &fill);
    return x && is(x, OP_neg) && is_real(x) ? times(rw, x->args[0], -node_fill_value(fill)) : NULL;
}
/* The sign goes outwards, where a sum takes it up. */
Node *rule_mul_neg(const Rewriting *rw, Node *n) {
    for (int i = 0; i < 2; i++)
        if (is(n->args[i], OP_neg) && !node_fill(n->args[1 - i])) {
            Node *args[2] = {n->args[0], n->args[1]};
            args[i] = args[i]->args[0];
            return ir_neg(rw->g, ir_mul(rw->g, args[0], args[1]));
        }
    return NULL;
}
/* In f32 the product of the two constants is rounded by ir_fill, once. */
Node *rule_mul_mul_fill(const Rewriting *rw, Node *n) {
    Node *d, *c, *x = beside(n, &d), *y = x && is(x, OP_mul) && is_real(x) ? beside(x, &c) : NULL;
    if (!y || node_fill(y)) return NULL;
    double product = node_fill_value(c) * node_fill_value(d);
    return is_safe_factor(n->type->dtype, product) ? times(rw, y, product) : NULL;
}
Node *rule_div_one(const Rewriting *rw, Node *n) { return (void)rw, node_is_fill(n->args[1], 1) ? n->args[0] : NULL; }
Node *rule_div_power(const Rewriting *rw, Node *n) {
    Node *fill = node_fill(n->args[1]);
    int exponent;
    if (!fill || !is_real(n)) return NULL;
    double c = node_fill_value(fill);
    if (!isnormal(c) || fabs(frexp(c, &exponent)) != 0.5 || !is_safe_factor(n->type->dtype, 1 / c)) return NULL;
    return times(rw, n->args[0], 1 / c);
}
Node *rule_div_fill(const Rewriting *rw, Node *n) {
    Node *fill = node_fill(n->args[1]);
    double c = fill && is_real(n) ? node_fill_value(fill) : 0;
    return is_safe_factor(n->type->dtype, c) && is_safe_factor(n->type->dtype, 1 / c) ? times(rw, n->args[0], 1 / c) : NULL;
}
Node *rule_neg_neg(const Rewriting *rw, Node *n) { return (void)rw, is(n->args[0], OP_neg) ? n->args[0]->args[0] : NULL; }
Node *rule_neg_sub(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    return is(x, OP_sub) && rw->single[0] ? ir_sub(rw->g, x->args[1], x->args[0]) : NULL;
}
Node *rule_neg_mul_fill(const Rewriting *rw, Node *n) {
    Node *fill, *x = is(n->args[0], OP_mul) && rw->single[0] && is_real(n) ? beside(n->args[0], &fill) : NULL;
    return x ? times(rw, x, -node_fill_value(fill)) : NULL;
}
Node *rule_add_nothing(const Rewriting *rw, Node *n) { return (void)rw, beside_fill(n, is_real(n) ? -0.0 : 0.0); }
Node *rule_add_zero(const Rewriting *rw, Node *n) { return (void)rw, beside_fill(n, 0); }
Node *rule_add_neg(const Rewriting *rw, Node *n) {
    for (int i = 1; i >= 0; i--)
        if (is(n->args[i], OP_neg)) return ir_sub(rw->g, n->args[1 - i], n->args[i]->args[0]);
    return NULL;
}
Node *rule_add_same(const Rewriting *rw, Node *n) { /* the gradient of a square */
    Node *fill, *x = n->args[0], *y = x == n->args[1] && is(x, OP_mul) && is_real(x) ? beside(x, &fill) : NULL;
    double c = y ? 2 * node_fill_value(fill) : 0;
    return is_safe_factor(n->type->dtype, c) ? times(rw, y, c) : NULL;
}
Node *rule_add_selects(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0], *y = n->args[1];
    if (!is(x, OP_select) || !is(y, OP_select) || x->args[0] != y->args[0]) return NULL;
    if (node_is_fill(y->args[1], 0) && node_is_fill(x->args[2], 0)) return ir_select(rw->g, x->args[0], x->args[1], y->args[2]);
    if (node_is_fill(x->args[1], 0) && node_is_fill(y->args[2], 0)) return ir_select(rw->g, x->args[0], y->args[1], x->args[2]);
    return NULL;
}
Node *rule_sub_nothing(const Rewriting *rw, Node *n) { return (void)rw, node_is_fill(n->args[1], 0) ? n->args[0] : NULL; }
Node *rule_sub_neg(const Rewriting *rw, Node *n) {
    return is(n->args[1], OP_neg) ? ir_add(rw->g, n->args[0], n->args[1]->args[0]) : NULL;
}
Node *rule_zero_sub(const Rewriting *rw, Node *n) { return node_is_fill(n->args[0], 0) ? ir_neg(rw->g, n->args[1]) : NULL; }
Node *rule_abs_abs(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    return is(x, OP_abs) || is(x, OP_neg) ? ir_abs(rw->g, x->args[0]) : NULL;
}
Node *rule_max_same(const Rewriting *rw, Node *n) { return (void)rw, n->args[0] == n->args[1] ? n->args[0] : NULL; }
Node *rule_min_same(const Rewriting *rw, Node *n) { return (void)rw, n->args[0] == n->args[1] ? n->args[0] : NULL; }
Node *rule_pow_small(const Rewriting *rw, Node *n) {
    if (node_is_fill(n->args[1], 1)) return n->args[0];
    return node_is_fill(n->args[1], 2) ? ir_mul(rw->g, n->args[0], n->args[0]) : NULL;
}
Node *rule_select_same(const Rewriting *rw, Node *n) { return (void)rw, n->args[1] == n->args[2] ? n->args[1] : NULL; }
Node *rule_select_known(const Rewriting *rw, Node *n) {
    Node *fill = node_fill(n->args[0]);
    return (void)rw, !fill ? NULL : node_fill_value(fill) != 0 ? n->args[1] : n->args[2];
}
/* The value that this one is not, if it is `not`. */
static Node *negated(const Node *n) {
    return is(n, OP_eq) && n->args[0]->type->dtype == DT_bool ? beside_fill(n, 0) : NULL;
}
Node *rule_select_not(const Rewriting *rw, Node *n) {
    Node *c = negated(n->args[0]);
    return c ? ir_select(rw->g, c, n->args[2], n->args[1]) : NULL;
}
Node *rule_select_select(const Rewriting *rw, Node *n) {
    Node *c = n->args[0], *branch[2] = {n->args[1], n->args[2]};
    for (int i = 0; i < 2; i++)
        if (is(branch[i], OP_select) && branch[i]->args[0] == c) branch[i] = branch[i]->args[1 + i];
    return ir_select(rw->g, c, branch[0], branch[1]);
}
Node *rule_not_not(const Rewriting *rw, Node *n) {
    (void)rw;
    if (n->args[0]->type->dtype != DT_bool) return NULL;
    Node *c = beside_fill(n, 1), *x = negated(n);
    return c ? c : x ? negated(x) : NULL;
}
/* Does `wide` have every value of `narrow`, so that a cast to it loses nothing? */
static bool holds_all(Dtype wide, Dtype narrow) {
    switch (narrow) {
    case DT_bool: return true;
    case DT_u8: return wide == DT_i32 || wide == DT_f32 || wide == DT_f64;
    case DT_i32:
    case DT_f32: return wide == DT_f64;
    case DT_f64:
    case DT_TUPLE: return false;
    }
    return false;
}
Node *rule_cast_cast(const Rewriting *rw, Node *n) {
    const Node *inner = n->args[0];
    if (!is(inner, OP_cast)) return NULL;
    Node *x = inner->args[0];
    Dtype from = x->type->dtype, middle = inner->type->dtype, to = n->type->dtype;
    if (!holds_all(middle, from)) return NULL;
    return to == from || to == DT_bool || dtype_real(to) ? ir_cast(rw->g, x, to) : NULL;
}
/* All operands are broadcasts from one shape to the same places, or fills: the map is done on the smaller shape. */
Node *rule_map_broadcast(const Rewriting *rw, Node *n) {
    const Node *like = NULL;
    for (int i = 0; i < n->n_args; i++) {
        const Node *x = n->args[i];
        if (x->op != OP_broadcast) return NULL;
        if (node_fill(x)) continue;
        if (!like) like = x;
        if (!type_same_dims(like->args[0]->type, x->args[0]->type) || !list_same(like->at->dims, x->at->dims)) return NULL;
    }
    if (!like) like = n->args[0];
    const Node *source = node_fill(like) ? node_fill(like) : like->args[0];
    Node *small[3], *fill;
    int places[RANK_MAX] = {0};
    for (int i = 0; i < n->n_args; i++) {
        small[i] = n->args[i]->args[0];
        if ((fill = node_fill(n->args[i]))) small[i] = ir_broadcast(rw->g, fill, source->type->rank, source->type->dims, NULL);
    }
    for (int i = 0; i < source->type->rank; i++) places[i] = (int)like->at->dims.v[i];
    Node *map = node_make(rw->g, n->op, n->n_args, small, n->at);
    return ir_broadcast(rw->g, map, n->type->rank, n->type->dims, places);
}

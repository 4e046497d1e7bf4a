/* vjp_map.c: gradients of the elementwise operators. g is the cotangent, y the result, a and b the operands.
**
** Where a derivative is no number somewhere, the guard stands inside: an unwanted value is replaced before the operator that
** would spoil it, not after, else the next order multiplies its infinity by 0. */
#include "rules.h"

static Node *operand(const Pull *p, int i) { return p->node->args[i]; }
static Node *filled(const Pull *p, double value) { return ir_fill(p->g, value, p->node->type); }
static Node *one_minus(const Pull *p, Node *x) { return ir_sub(p->g, ir_fill(p->g, 1, x->type), x); }

void vjp_none(const Pull *p) { (void)p; }
void vjp_identity(const Pull *p) { p->give[0] = p->ct; }
void vjp_neg(const Pull *p) { p->give[0] = ir_neg(p->g, p->ct); }
void vjp_abs(const Pull *p) { p->give[0] = ir_mul(p->g, p->ct, ir_sign(p->g, operand(p, 0))); } /* 0 at 0 */
void vjp_exp(const Pull *p) { p->give[0] = ir_mul(p->g, p->ct, p->node); }
void vjp_log(const Pull *p) { p->give[0] = ir_div(p->g, p->ct, operand(p, 0)); }
void vjp_sqrt(const Pull *p) { p->give[0] = ir_div(p->g, ir_scale(p->g, p->ct, 0.5), p->node); }
void vjp_tanh(const Pull *p) { /* g (1 - y y) */
    p->give[0] = ir_mul(p->g, p->ct, one_minus(p, ir_mul(p->g, p->node, p->node)));
}
void vjp_sigmoid(const Pull *p) { /* g y (1 - y) */
    p->give[0] = ir_mul(p->g, p->ct, ir_mul(p->g, p->node, one_minus(p, p->node)));
}
void vjp_sin(const Pull *p) { p->give[0] = ir_mul(p->g, p->ct, ir_cos(p->g, operand(p, 0))); }
void vjp_cos(const Pull *p) { p->give[0] = ir_neg(p->g, ir_mul(p->g, p->ct, ir_sin(p->g, operand(p, 0)))); }
void vjp_erf(const Pull *p) { /* g 2/sqrt(pi) exp(-x x) */
    Node *x = operand(p, 0), *bell = ir_exp(p->g, ir_neg(p->g, ir_mul(p->g, x, x)));
    p->give[0] = ir_mul(p->g, p->ct, ir_scale(p->g, bell, 1.12837916709551257390));
}
void vjp_cast(const Pull *p) {
    Dtype from = operand(p, 0)->type->dtype;
    if (dtype_real(from)) p->give[0] = ir_cast(p->g, p->ct, from);
}
void vjp_add(const Pull *p) { p->give[0] = p->give[1] = p->ct; }
void vjp_sub(const Pull *p) {
    p->give[0] = p->ct;
    if (p->want[1]) p->give[1] = ir_neg(p->g, p->ct);
}
void vjp_mul(const Pull *p) {
    if (p->want[0]) p->give[0] = ir_mul(p->g, p->ct, operand(p, 1));
    if (p->want[1]) p->give[1] = ir_mul(p->g, p->ct, operand(p, 0));
}
void vjp_div(const Pull *p) { /* g/b, -(g/b) y */
    Node *q = ir_div(p->g, p->ct, operand(p, 1));
    p->give[0] = q;
    if (p->want[1]) p->give[1] = ir_neg(p->g, ir_mul(p->g, q, p->node));
}
void vjp_pow(const Pull *p) {
    Graph *g = p->g;
    Node *a = operand(p, 0), *b = operand(p, 1), *zero = filled(p, 0), *one = filled(p, 1);
    if (p->want[0]) { /* b = 0 ? 0 : g b a^(b' - 1), b' = b = 0 ? 1 : b */
        Node *none = ir_eq(g, b, zero), *power = ir_pow(g, a, ir_sub(g, ir_select(g, none, one, b), one));
        p->give[0] = ir_select(g, none, zero, ir_mul(g, p->ct, ir_mul(g, b, power)));
    }
    if (p->want[1]) { /* a > 0 ? g y log a : 0 */
        Node *positive = ir_lt(g, zero, a), *ln = ir_log(g, ir_select(g, positive, a, one));
        p->give[1] = ir_select(g, positive, ir_mul(g, p->ct, ir_mul(g, p->node, ln)), zero);
    }
}
/* All to the operand `less` says is the larger, half to each at a tie. */
static Node *to_winner(const Pull *p, Node *less) {
    Node *tie = ir_eq(p->g, operand(p, 0), operand(p, 1));
    return ir_select(p->g, less, p->ct, ir_select(p->g, tie, ir_scale(p->g, p->ct, 0.5), filled(p, 0)));
}
static void to_winners(const Pull *p, int larger, int smaller) {
    Node *a = operand(p, 0), *b = operand(p, 1);
    if (p->want[larger]) p->give[larger] = to_winner(p, ir_lt(p->g, b, a));
    if (p->want[smaller]) p->give[smaller] = to_winner(p, ir_lt(p->g, a, b));
}
void vjp_max(const Pull *p) { to_winners(p, 0, 1); }
void vjp_min(const Pull *p) { to_winners(p, 1, 0); }
void vjp_select(const Pull *p) {
    Node *c = operand(p, 0), *zero = filled(p, 0);
    if (p->want[1]) p->give[1] = ir_select(p->g, c, p->ct, zero);
    if (p->want[2]) p->give[2] = ir_select(p->g, c, zero, p->ct);
}

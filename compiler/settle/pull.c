/* pull.c: a carried value that a loop only adds to, acc + v, read by nothing else there, leaves the loop: the sum of v over the
** rounds is made after it. Where v is a product, its operands become ys (or are xs already) and one product contracts time
** too, outermost: a weight gradient over time is one product. A v that is a sum is summed over time as well; views that sums
** pass through, and negation, are done once after the loop. Of several terms those leave that pay; the others stay: so does a sum that
** is small beside the values that would be stacked for it alone. It is added up in the cache, they would go to memory and back. */
#include "../base/vec.h"
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"

enum {
    FAR_LARGER = 8,       /* times; the sum is read and written each round, the stack is written, fetched for that, and read */
    STACK_LEAST = 1 << 18 /* bytes: below that a stack stays in the cache too */
};

typedef struct Loop {
    Graph *g;
    Arena *scratch;
    Node *scan;
    const Func *body;
    int carry, constants;
    NodeMap stacked;   /* values of a round that are stacked anyway */
    VEC(Node *) ys;    /* of the new body */
    Node **out;        /* results of the new scan, once there is one */
} Loop;

static int y_place(Loop *l, Node *v) {
    for (int i = 0; i < l->ys.n; i++)
        if (l->ys.v[i] == v) return i;
    vec_push(l->scratch, &l->ys, v);
    return l->ys.n - 1;
}
/* v of all rounds: as what it is a view of, stacked, with the view lifted. Called twice for each v: before there is a new scan
** (out NULL) it only notes which ys are wanted. */
static Node *stacked(Loop *l, Node *v) {
    Node *source = node_under_views(v), *all;
    bool given = source->op == OP_arg && source->at->index >= l->carry, is_lifted;
    bool fixed = source->op == OP_const || source->op == OP_iota;
    int place = given || fixed ? -1 : y_place(l, source);
    if (!l->out) return NULL;
    NodeMap map = {.arena = l->scratch}, lifted = {.arena = l->scratch};
    if (!fixed) nodemap_set(&map, source, given ? l->scan->args[source->at->index] : l->out[l->carry + place]);
    if (!fixed && (!given || source->at->index >= l->carry + l->constants)) nodemap_set(&lifted, source, source);
    lift_nodes(l->g, l->scratch, &map, &lifted, l->scan->at->length, &v, 1, &all, &is_lifted);
    return is_lifted ? all : ir_lead(l->g, all, 1, &l->scan->at->length);
}
static Node *dot_over_time(Loop *l, const Node *dot) {
    const Attrs *at = dot->at;
    Node *left = stacked(l, dot->args[0]), *right = stacked(l, dot->args[1]);
    int lb[RANK_MAX], rb[RANK_MAX], lc[RANK_MAX] = {0}, rc[RANK_MAX] = {0}, n = at->lc.n + 1;
    for (int i = 0; i < at->lb.n; i++) lb[i] = (int)at->lb.v[i] + 1, rb[i] = (int)at->rb.v[i] + 1;
    for (int i = 1; i < n; i++) lc[i] = (int)at->lc.v[i - 1] + 1, rc[i] = (int)at->rc.v[i - 1] + 1;
    return l->out ? ir_dot(l->g, left, right, at->lb.n, lb, rb, n, lc, rc) : NULL;
}
/* The sum of v over the rounds, in two turns as `stacked`. */
static Node *total(Loop *l, Node *v) {
    Node *x = NULL;
    int axes[RANK_MAX] = {0}, n = 1;
    switch ((int)v->op) {
    case OP_add: {
        Node *a = total(l, v->args[0]), *b = total(l, v->args[1]);
        return l->out ? ir_add(l->g, a, b) : NULL;
    }
    case OP_dot: return dot_over_time(l, v);
    case OP_transpose:
    case OP_reshape:
    case OP_broadcast:
    case OP_neg: x = total(l, v->args[0]); return l->out ? node_with_args(l->g, v, &x) : NULL;
    case OP_affine:
        if (v->at->fill != 0) break;
        x = total(l, v->args[0]);
        return l->out ? node_with_args(l->g, v, &x) : NULL;
    case OP_sum:
        for (int i = 0; i < v->at->axes.n; i++) axes[n++] = (int)v->at->axes.v[i] + 1;
        v = v->args[0];
        break;
    default: break;
    }
    x = stacked(l, v);
    return l->out ? ir_sum(l->g, x, n, axes) : NULL;
}
/* An operand would be stacked for v alone, is large over all rounds, and in each far larger than v. */
static bool stacks_much(const Loop *l, const Node *v) {
    for (int i = 0; i < v->n_args; i++) {
        const Node *x = node_under_views(v->args[i]);
        if (x->op == OP_const || x->op == OP_iota || nodemap_get(&l->stacked, x)) continue;
        if (x->type->count >= v->type->count * FAR_LARGER && type_bytes(x->type) * l->scan->at->length >= STACK_LEAST) return true;
    }
    return false;
}
/* Is the sum of v over the rounds worth a loop less? A value that would be stacked only to be added up is not. */
static bool pays(const Loop *l, const Node *v) {
    switch ((int)v->op) {
    case OP_dot:
    case OP_sum: return !stacks_much(l, v);
    case OP_add: return pays(l, v->args[0]) && pays(l, v->args[1]);
    case OP_transpose:
    case OP_reshape:
    case OP_broadcast:
    case OP_neg: return pays(l, v->args[0]);
    case OP_affine: return v->at->fill == 0 && pays(l, v->args[0]);
    default: return nodemap_get(&l->stacked, v) != NULL;
    }
}
/* What v's leaving will stack: then other terms of the same values leave for nothing. */
static void note_stacked(Loop *l, Node *v) {
    bool leaf = v->op == OP_dot || v->op == OP_sum;
    for (int i = 0; i < v->n_args; i++) {
        if (leaf) nodemap_set(&l->stacked, node_under_views(v->args[i]), v);
        else note_stacked(l, v->args[i]);
    }
}
/* What carried value i adds each round; NULL: it is not only added to. */
static Node *addend(const Loop *l, const Uses *uses, int i) {
    Node *next = l->body->results[i], *acc = ir_arg(l->g, i, l->body->params[i]);
    if (next->op != OP_add || !dtype_real(next->type->dtype) || uses_count(uses, acc) != 1 || uses_count(uses, next) != 1) return NULL;
    return next->args[0] == acc ? next->args[1] : next->args[1] == acc ? next->args[0] : NULL;
}
/* The terms of v: those that leave the loop, and the sum of those that stay (NULL: none does). */
typedef VEC(Node *) Nodes;
static Node *split(Loop *l, Node *v, Nodes *leave) {
    if (pays(l, v)) {
        vec_push(l->scratch, leave, v);
        return NULL;
    }
    if (v->op != OP_add) return v;
    Node *a = split(l, v->args[0], leave), *b = split(l, v->args[1], leave);
    return a && b ? ir_add(l->g, a, b) : a ? a : b;
}
static void run_again(Loop *l, Node *const *next) {
    Nodes all = {0};
    for (int i = 0; i < l->carry; i++) vec_push(l->scratch, &all, next[i]);
    for (int i = 0; i < l->ys.n; i++) vec_push(l->scratch, &all, l->ys.v[i]);
    const Func *body = func_make(l->g, l->body->n_params, l->body->params, all.n, all.v);
    Node **out = ARENA_ARRAY(l->scratch, Node *, all.n + 1);
    ir_scan(l->g, body, l->carry, l->constants, l->body->n_params - l->carry - l->constants, l->scan->args, l->scan->at->length,
            l->scan->at->reverse != 0, out);
    l->out = out;
}
/* For each carried value the terms that leave it and what it becomes then; is there any? */
static bool choose(Loop *l, const Uses *uses, Nodes *leave, Node **next) {
    bool any = false;
    for (int i = 0; i < l->carry; i++) {
        leave[i].n = 0;
        Node *v = addend(l, uses, i), *stay = v ? split(l, v, &leave[i]) : NULL;
        next[i] = l->body->results[i];
        if (!leave[i].n) continue;
        any = true;
        next[i] = ir_arg(l->g, i, l->body->params[i]);
        if (stay) next[i] = ir_add(l->g, next[i], stay);
    }
    return any;
}
static bool change(void *context, Graph *g, Node *scan, Node **results) {
    const Pass *pass = context;
    Loop l = {.g = g, .scratch = pass->scratch, .scan = scan, .body = scan->at->body, .carry = (int)scan->at->carry,
              .constants = (int)scan->at->constants, .stacked.arena = pass->scratch};
    NodeList nodes = order_walk(l.scratch, l.body->results, l.body->n_results);
    Uses uses = uses_of(l.scratch, nodes, l.body->results, l.body->n_results);
    Nodes *leave = ARENA_ARRAY(l.scratch, Nodes, l.carry + 1);
    Node **next = ARENA_ARRAY(l.scratch, Node *, l.carry + 1);
    for (int i = l.carry; i < l.body->n_params; i++) nodemap_set(&l.stacked, ir_arg(g, i, l.body->params[i]), scan);
    for (int i = l.carry; i < l.body->n_results; i++) nodemap_set(&l.stacked, l.body->results[i], scan);
    choose(&l, &uses, leave, next);
    for (int i = 0; i < l.carry; i++)
        for (int j = 0; j < leave[i].n; j++) note_stacked(&l, leave[i].v[j]);
    if (!choose(&l, &uses, leave, next)) return false;
    for (int i = l.carry; i < l.body->n_results; i++) vec_push(l.scratch, &l.ys, l.body->results[i]);
    for (int i = 0; i < l.carry; i++)
        for (int j = 0; j < leave[i].n; j++) total(&l, leave[i].v[j]);
    run_again(&l, next);
    for (int i = 0; i < l.body->n_results; i++) results[i] = l.out[i];
    for (int i = 0; i < l.carry; i++)
        for (int j = 0; j < leave[i].n; j++) results[i] = ir_add(g, results[i], total(&l, leave[i].v[j]));
    return true;
}
const Func *pass_pull(const Pass *pass, const Func *f) {
    return pass_tidy(pass, func_rewrite_scans(pass->g, f, change, (void *)pass));
}

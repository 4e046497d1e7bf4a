/* lift.c: lifting: the same computation with one more leading axis on some nodes, each slice having the bits it had alone
** (attributes, `order` among them, are copied). The rule of an operator is called only if an operand has the axis. */
#include "build.h"
#include "rewrite.h"
#include "rules.h"

static Node *up(Lift *lift, Node *x, bool lifted) { return lifted ? x : ir_lead(lift->g, x, 1, &lift->n); }
static List shifted(Lift *lift, List list, bool with_zero) {
    i64 *v = ARENA_ARRAY(lift->scratch, i64, list.n + 1);
    for (int i = 0; i < list.n; i++) v[i + with_zero] = list.v[i] + 1;
    return (List){list.n + with_zero, v};
}
static Node *all_up(Lift *lift, const Node *node, Node **args, const bool *lifted, const Attrs *at) {
    Node **now = ARENA_ARRAY(lift->scratch, Node *, node->n_args);
    for (int i = 0; i < node->n_args; i++) now[i] = up(lift, args[i], lifted[i]);
    return node_make(lift->g, node->op, node->n_args, now, at);
}
/* Axis `from` becomes the first. */
static Node *to_front(Lift *lift, Node *x, int from) {
    int perm[RANK_MAX] = {from}, n = 1;
    for (int i = 0; i < x->type->rank; i++)
        if (i != from) perm[n++] = i;
    return ir_transpose(lift->g, x, perm);
}
static Node *swap_leads(Lift *lift, Node *x) { return to_front(lift, x, 1); }

Node *lift_never(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    (void)lift, (void)args, (void)lifted;
    nnc_bug("lifting of %s", op_name(node->op));
}
Node *lift_map(Lift *lift, const Node *node, Node **args, const bool *lifted) { return all_up(lift, node, args, lifted, node->at); }

/* Everything whose attributes only name axes. */
Node *lift_axes(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    Attrs at = *node->at;
    if (node->op == OP_reshape || node->op == OP_broadcast) {
        i64 *to = ARENA_ARRAY(lift->scratch, i64, at.to.n + 1);
        to[0] = lift->n;
        for (int i = 0; i < at.to.n; i++) to[i + 1] = at.to.v[i];
        at.to = (List){at.to.n + 1, to};
    }
    if (node->op == OP_broadcast) at.dims = shifted(lift, at.dims, true);
    if (node->op == OP_transpose) at.perm = shifted(lift, at.perm, true);
    if (node->op == OP_affine || node->op == OP_concat) at.axis++;
    if (node->op == OP_affine && at.k >= 0) at.k++;
    if (node->op == OP_sum || node->op == OP_amax) at.axes = shifted(lift, at.axes, false);
    if (at.cut) at.cut_axis++;
    return all_up(lift, node, args, lifted, &at);
}
/* The windows of a product with one more axis, `new`, in its result. */
static List windows_shifted(Lift *lift, List inside, int new) {
    i64 *v = ARENA_ARRAY(lift->scratch, i64, inside.n + 1);
    for (int i = 0; i < inside.n; i++) v[i] = inside.v[i] + (i % INSIDE_WORDS == INSIDE_AXIS && inside.v[i] >= new);
    return (List){inside.n, v};
}
/* Both: a batch axis. One: a free axis of that side, brought to the front. */
Node *lift_dot(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    Attrs at = *node->at;
    int nb = at.lb.n, left_free = node->args[0]->type->rank - nb - at.lc.n;
    bool both = lifted[0] && lifted[1];
    if (lifted[0]) at.lb = shifted(lift, at.lb, both), at.lc = shifted(lift, at.lc, false);
    if (lifted[1]) at.rb = shifted(lift, at.rb, both), at.rc = shifted(lift, at.rc, false);
    int new = both ? 0 : lifted[0] ? nb : nb + left_free; /* the axis of the product that is new */
    at.inside = windows_shifted(lift, at.inside, new);
    Node *dot = node_make(lift->g, OP_dot, 2, args, &at);
    return both ? dot : to_front(lift, dot, new);
}
/* take and put. A lifted index is one more batch axis; an index that is the same for all needs none, unless it already shares
** batch axes, which must come first. */
Node *lift_take(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    Attrs at = *node->at;
    Node *now[2] = {args[0], args[1]};
    at.axis++;
    if (lifted[1] || at.batch) {
        now[0] = up(lift, args[0], lifted[0]);
        now[1] = up(lift, args[1], lifted[1]);
        at.batch++;
        if (at.cut) at.cut_axis++;
    }
    return node_make(lift->g, node->op, 2, now, &at);
}
/* A draw's key and step are one each: where they have the axis, the draws are made one after another. */
static Node *lift_random_rounds(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    Graph *g = lift->g;
    Node *holes[4], *xs[4], *slices[4], *out[1];
    int n = 0;
    for (int i = 0; i < 4; i++) {
        slices[i] = args[i];
        if (!lifted[i]) continue;
        slices[i] = holes[n] = ir_hole(g, type_without_lead(g, args[i]->type));
        xs[n++] = args[i];
    }
    Node *one = node_make(g, OP_random, 4, slices, node->at);
    ir_scan_region(g, &(Region){.n_xs = n, .n_ys = 1, .x = holes, .y = &one, .xs = xs, .length = lift->n}, out);
    return out[0];
}
Node *lift_random(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    if (lifted[0] || lifted[1]) return lift_random_rounds(lift, node, args, lifted);
    Node *now[4] = {args[0], args[1], up(lift, args[2], lifted[2]), up(lift, args[3], lifted[3])};
    return node_make(lift->g, OP_random, 4, now, node->at);
}

/* ---- scan: the body lifted. Which carried values have the axis is a fixed point: one that becomes lifted stays so. */
typedef struct ScanLift {
    const Func *body;
    int n_params, n_results;
    bool *param, *result; /* which have the axis */
    const Type **types;   /* of the new parameters */
    Node **results;
} ScanLift;
static void lift_body(Lift *lift, ScanLift *s) {
    Graph *g = lift->g;
    NodeMap map = {.arena = lift->scratch}, axis = {.arena = lift->scratch};
    for (int i = 0; i < s->n_params; i++) {
        const Type *type = s->body->params[i];
        Node *old = ir_arg(g, i, type);
        s->types[i] = s->param[i] ? type_with_lead(g, type, lift->n) : type;
        nodemap_set(&map, old, ir_arg(g, i, s->types[i]));
        if (s->param[i]) nodemap_set(&axis, old, old);
    }
    lift_nodes(g, lift->scratch, &map, &axis, lift->n, s->body->results, s->n_results, s->results, s->result);
}
Node *lift_scan(Lift *lift, const Node *node, Node **args, const bool *lifted) {
    const Func *body = node->at->body;
    int carry = (int)node->at->carry, constants = (int)node->at->constants, np = body->n_params, nr = body->n_results;
    Arena *scratch = lift->scratch;
    ScanLift s = {body, np, nr, ARENA_ARRAY(scratch, bool, np), ARENA_ARRAY(scratch, bool, nr),
                  ARENA_ARRAY(scratch, const Type *, np), ARENA_ARRAY(scratch, Node *, nr)};
    for (int i = 0; i < np; i++) s.param[i] = lifted[i];
    for (bool grown = true; grown;) {
        grown = false;
        lift_body(lift, &s);
        for (int i = 0; i < carry; i++)
            if (s.result[i] && !s.param[i]) s.param[i] = grown = true;
    }
    Node **operands = ARENA_ARRAY(scratch, Node *, np), **out = ARENA_ARRAY(scratch, Node *, nr);
    for (int i = 0; i < np; i++) {
        operands[i] = args[i];
        if (i < carry && s.param[i]) operands[i] = up(lift, args[i], lifted[i]);
        if (i >= carry + constants && lifted[i]) operands[i] = swap_leads(lift, args[i]);
    }
    for (int i = 0; i < nr; i++)
        if (!s.result[i] && i < carry && s.param[i]) s.results[i] = up(lift, s.results[i], false), s.result[i] = true;
    const Func *made = func_make(lift->g, np, s.types, nr, s.results);
    ir_scan(lift->g, made, carry, constants, np - carry - constants, operands, node->at->length, node->at->reverse, out);
    for (int i = carry; i < nr; i++)
        if (s.result[i]) out[i] = swap_leads(lift, out[i]);
    lift->many = out;
    lift->many_lifted = s.result;
    return NULL;
}

/* ---- the walk */
static LiftRule *const rules[] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) lift_##lift,
#include "op.def"
#undef OP
};
typedef struct Many {
    Node **nodes;
    bool *lifted;
} Many;
static bool ends_lift(void *map, const Node *node) {
    return node->id < ((NodeMap *)map)->lowest || nodemap_get(map, node);
}
/* The state of one lift_nodes. */
typedef struct Lifting {
    Lift lift;
    NodeMap now, has_axis, many; /* node -> new node; non-NULL: with the axis; scan -> Many */
} Lifting;
static void lift_one(Lifting *l, Node *node) {
    Many *many = node->op == OP_get ? nodemap_get(&l->many, node->args[0]) : NULL;
    if (many) {
        nodemap_set(&l->now, node, many->nodes[node->at->index]);
        if (many->lifted[node->at->index]) nodemap_set(&l->has_axis, node, node);
        return;
    }
    bool *lifted = ARENA_ARRAY(l->lift.scratch, bool, node->n_args), any = false;
    Node **args = ARENA_ARRAY(l->lift.scratch, Node *, node->n_args);
    for (int i = 0; i < node->n_args; i++) {
        args[i] = nodemap_get(&l->now, node->args[i]);
        any |= lifted[i] = nodemap_get(&l->has_axis, node->args[i]) != NULL;
    }
    if (!any) {
        nodemap_set(&l->now, node, node_with_args(l->lift.g, node, args));
        return;
    }
    const Origin *origin = graph_origin_now(l->lift.g);
    graph_origin(l->lift.g, node->origin);
    Node *made = rules[node->op](&l->lift, node, args, lifted);
    graph_origin(l->lift.g, origin);
    if (made) {
        nodemap_set(&l->now, node, made);
        nodemap_set(&l->has_axis, node, node);
        return;
    }
    many = ARENA_NEW(l->lift.scratch, Many);
    *many = (Many){l->lift.many, l->lift.many_lifted};
    nodemap_set(&l->many, node, many);
}
void lift_nodes(Graph *g, Arena *scratch, NodeMap *map, NodeMap *lifted, i64 n, Node *const *roots, int n_roots, Node **out,
                bool *is_lifted) {
    Lifting l = {{g, scratch, n, NULL, NULL}, {.arena = scratch}, {.arena = scratch}, {.arena = scratch}};
    NodeList nodes = order_walk_until(scratch, roots, n_roots, ends_lift, map);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        if (!ends_lift(map, node)) {
            lift_one(&l, node);
            continue;
        }
        Node *new = nodemap_get(map, node);
        nodemap_set(&l.now, node, new ? new : node);
        if (new && nodemap_get(lifted, node)) nodemap_set(&l.has_axis, node, node);
    }
    for (int i = 0; i < n_roots; i++) {
        out[i] = nodemap_get(&l.now, roots[i]);
        is_lifted[i] = nodemap_get(&l.has_axis, roots[i]) != NULL;
    }
}

/* build_loop.c: scans, the closing of regions, what is composed of scans, and draws. */
#include "build.h"
#include "rewrite.h"
#include "../base/vec.h"

Node *ir_get(Graph *g, Node *scan, i64 index) { return node_make(g, OP_get, 1, &scan, &(Attrs){.index = index}); }

void ir_scan(Graph *g, const Func *body, int n_carry, int n_const, int n_xs, Node *const *operands, i64 length, bool reverse,
             Node **out) {
    Attrs at = {.length = length, .reverse = reverse, .carry = n_carry, .constants = n_const, .body = body};
    Node *scan = node_make(g, OP_scan, n_carry + n_const + n_xs, operands, &at);
    for (int i = 0; i < body->n_results; i++) out[i] = ir_get(g, scan, i);
}

/* ---- closing a region: nodes that need no hole stay outside; constants are copied in, and so are broadcasts (of what then is the
** operand), which cost nothing inside and would be larger outside */
typedef VEC(Node *) Nodes;
typedef struct Inside {
    const NodeMap *depends; /* on a hole */
} Inside;
static bool is_copied(const Node *node) { return node->op == OP_const || node->op == OP_iota || node->op == OP_broadcast; }
static bool stays_out(void *context, const Node *node) { return !nodemap_get(((Inside *)context)->depends, node) && !is_copied(node); }

static void push_all(Arena *arena, Nodes *to, Node *const *from, int n) {
    for (int i = 0; i < n; i++) vec_push(arena, to, from[i]);
}
void ir_scan_region(Graph *g, const Region *r, Node **out) {
    Arena *scratch = arena_new("a region");
    Nodes holes = {0}, results = {0}, params = {0}, operands = {0};
    push_all(scratch, &results, r->next, r->n_carry);
    push_all(scratch, &results, r->y, r->n_ys);
    push_all(scratch, &holes, r->carry, r->n_carry);
    push_all(scratch, &holes, r->x, r->n_xs);
    NodeMap depends = depends_on(scratch, results.v, results.n, holes.v, holes.n);

    push_all(scratch, &params, r->carry, r->n_carry);
    push_all(scratch, &operands, r->initial, r->n_carry);
    Inside inside = {&depends};
    NodeList nodes = order_walk_until(scratch, results.v, results.n, stays_out, &inside);
    int n_const = 0;
    for (int i = 0; i < nodes.n; i++)
        if (stays_out(&inside, nodes.v[i])) {
            push_all(scratch, &params, &nodes.v[i], 1);
            push_all(scratch, &operands, &nodes.v[i], 1);
            n_const++;
        }
    push_all(scratch, &params, r->x, r->n_xs);
    push_all(scratch, &operands, r->xs, r->n_xs);

    NodeMap map = {.arena = scratch};
    const Type **types = ARENA_ARRAY(scratch, const Type *, params.n);
    for (int i = 0; i < params.n; i++) {
        types[i] = params.v[i]->type;
        nodemap_set(&map, params.v[i], ir_arg(g, i, types[i]));
    }
    Node **closed = ARENA_ARRAY(scratch, Node *, results.n);
    substitute(g, scratch, &map, results.v, results.n, closed);
    const Func *body = func_make(g, params.n, types, results.n, closed);
    ir_scan(g, body, r->n_carry, n_const, r->n_xs, operands.v, r->length, r->reverse, out);
    arena_free(scratch);
}

/* ---- running sums and products */
static Node *cumulate(Graph *g, Node *x, int axis, Op op, double start) {
    int rank = x->type->rank, perm[RANK_MAX], back[RANK_MAX], n = 0;
    perm[n++] = axis;
    for (int i = 0; i < rank; i++)
        if (i != axis) perm[n++] = i;
    for (int i = 0; i < rank; i++) back[perm[i]] = i;
    Node *rounds = ir_transpose(g, x, perm);
    const Type *slice = type_without_lead(g, rounds->type);
    Node *so_far = ir_hole(g, slice), *one = ir_hole(g, slice), *initial = ir_fill(g, start, slice), *out[2];
    Node *next = node_make(g, op, 2, (Node *[]){so_far, one}, NULL);
    ir_scan_region(g, &(Region){1, 1, 1, &so_far, &one, &next, &next, &initial, &rounds, rounds->type->dims[0], false}, out);
    return ir_transpose(g, out[1], back);
}
Node *ir_cumsum(Graph *g, Node *x, int axis) { return cumulate(g, x, axis, OP_add, 0); }
Node *ir_cumprod(Graph *g, Node *x, int axis) { return cumulate(g, x, axis, OP_mul, 1); }

/* ---- draws */
Node *ir_uniform(Graph *g, Dtype dtype, u32 place, Node *key, Node *step, Node *row, Node *element) {
    return ir_random(g, dtype, place, 0, key, step, row, element);
}
/* Box and Muller: sqrt(-2 log(1 - u0)) cos(2 pi u1), both from one counter; 1 - u0 is never 0. */
Node *ir_normal(Graph *g, Dtype dtype, u32 place, Node *key, Node *step, Node *row, Node *element) {
    Node *u0 = ir_random(g, dtype, place, 0, key, step, row, element);
    Node *u1 = ir_random(g, dtype, place, 1, key, step, row, element);
    Node *log = ir_log(g, ir_sub(g, ir_fill(g, 1, u0->type), u0));
    Node *radius = ir_sqrt(g, ir_scale(g, log, -2));
    return ir_mul(g, radius, ir_cos(g, ir_scale(g, u1, 6.283185307179586476925)));
}

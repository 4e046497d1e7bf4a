/* random_program.h: functions drawn from a seed, for tests that compare before and after: any operators in any order, loops with
** bodies of their own, shared and unread values, the constants that rules look for. Reals of one type, values kept small. */
#ifndef RANDOM_PROGRAM_H
#define RANDOM_PROGRAM_H
#include "programs.h"

typedef struct Pool {
    Maker *m;
    Draw *d;
    bool smooth; /* nothing that differences cannot see through: kinks, stop */
    VEC(Node *) v;
} Pool;
enum { POOL_RANK = 4, POOL_COUNT = 400 };

static Node *pick(Pool *p) { return p->v.v[draw_in(p->d, p->v.n > 12 && draw_in(p->d, 0, 2) ? p->v.n - 8 : 0, p->v.n - 1)]; }
static void add_node(Pool *p, Node *x) {
    if (x->type->rank <= POOL_RANK && x->type->count <= POOL_COUNT) vec_push(p->m->arena, &p->v, x);
}
/* One of the same type, if there is one among some; else a fill. */
static Node *pick_like(Pool *p, Node *x) {
    static const double fills[] = {0, 1, -1, 0.5, 2, -0.0};
    for (int i = 0; i < 6; i++) {
        Node *y = pick(p);
        if (y->type == x->type) return y;
        for (int place = 0; place <= y->type->rank; place++) /* or one axis short of it */
            if (y->type->rank + 1 == x->type->rank) {
                Node *wide = ir_spread(p->m->g, y, place, x->type->dims[place]);
                if (wide->type == x->type) return wide;
            }
    }
    return ir_fill(p->m->g, fills[draw_in(p->d, 0, COUNT_OF(fills) - 1)], x->type);
}
static Node *indices(Pool *p, i64 n) { /* of 1 or 2 axes, into n places, some outside */
    i32 v[6];
    for (int i = 0; i < 6; i++) v[i] = (i32)draw_in(p->d, -1, n);
    return draw_in(p->d, 0, 1) ? ir_const(p->m->g, DT_i32, DIMS(3), v) : ir_const(p->m->g, DT_i32, DIMS(2, 3), v);
}
static Node *random_map(Pool *p) {
    Graph *g = p->m->g;
    Node *x = pick(p), *y = pick_like(p, x);
    switch (draw_in(p->d, p->smooth ? 4 : 0, 13)) {
    case 0: return ir_abs(g, x);
    case 1: return ir_select(g, ir_lt(g, x, y), x, ir_scale(g, y, 0.5));
    case 2: return ir_stop(g, x);
    case 3: return ir_max(g, x, y);
    case 4: return ir_tanh(g, x);
    case 5: return ir_sin(g, x);
    case 6: return ir_neg(g, x);
    case 7: return ir_sigmoid(g, x);
    case 8: return ir_add(g, x, y);
    case 9: return ir_sub(g, x, y);
    case 10: return ir_tanh(g, ir_mul(g, x, y));
    case 11: return ir_div(g, x, ir_offset(g, ir_mul(g, y, y), 1));
    case 12: return ir_scale(g, x, draw_in(p->d, 0, 1) ? 0.25 : -1);
    default: return draw_in(p->d, 0, 1) ? ir_exp(g, ir_tanh(g, x)) : ir_sub(g, y, x);
    }
}
static Node *random_view(Pool *p) {
    Graph *g = p->m->g;
    Node *x = pick(p);
    int rank = x->type->rank, perm[POOL_RANK], axis = rank ? (int)draw_in(p->d, 0, rank - 1) : 0;
    i64 n = rank ? x->type->dims[axis] : 1, low = draw_in(p->d, 0, n - 1), flat = x->type->count;
    for (int i = 0; i < rank; i++) perm[i] = i;
    for (int i = 1; i < rank; i++) {
        int j = (int)draw_in(p->d, 0, i), t = perm[i];
        perm[i] = perm[j], perm[j] = t;
    }
    int what = (int)draw_in(p->d, 0, 9);
    if (what == 0 || rank == 0) return ir_spread(g, x, rank ? axis : 0, draw_in(p->d, 1, 3));
    switch (what) {
    case 1: return ir_transpose(g, x, perm);
    case 2: return ir_reshape(g, x, 1, &flat);
    case 3: return ir_reshape(g, x, 2, (i64[]){n, flat / n});
    case 4: return ir_slice(g, x, axis, low, n, draw_in(p->d, 1, 2));
    case 5: return ir_pad(g, x, axis, draw_in(p->d, 0, 2), draw_in(p->d, 0, 2), draw_in(p->d, 0, 1), 0);
    case 6: return ir_reverse(g, x, axis);
    case 7: return ir_window(g, x, axis, draw_in(p->d, 1, n), draw_in(p->d, 1, 2), 1, draw_in(p->d, 0, 1), 0, 0, 0);
    case 8: return ir_concat(g, 2, (Node *[]){x, pick_like(p, x)}, axis);
    default: return ir_take(g, x, indices(p, n), axis, 0);
    }
}
static Node *random_sum(Pool *p) {
    Graph *g = p->m->g;
    Node *x = pick(p);
    int axes[POOL_RANK], n = 0;
    for (int i = 0; i < x->type->rank; i++)
        if (draw_in(p->d, 0, 1)) axes[n++] = i;
    switch (draw_in(p->d, p->smooth, 3)) {
    case 0: return ir_amax(g, x, n, axes);
    case 1: return ir_mean(g, x, n, axes);
    case 2: { /* slices added back at places */
        Node *index = indices(p, 4);
        if (x->type->rank < index->type->rank) return x;
        for (int i = 0; i < index->type->rank; i++)
            if (x->type->dims[i] != index->type->dims[i]) return x;
        return ir_tanh(g, ir_put(g, x, index, 4, 0, 0));
    }
    default: return ir_tanh(g, ir_sum(g, x, n, axes));
    }
}
static Node *random_dot(Pool *p) {
    Node *l = pick(p), *r = pick(p);
    int b[2][POOL_RANK], c[2][POOL_RANK], nb = 0, nc = 0;
    bool used[POOL_RANK] = {false};
    for (int i = 0; i < l->type->rank; i++)
        for (int j = 0; j < r->type->rank; j++) {
            if (used[j] || l->type->dims[i] != r->type->dims[j]) continue;
            i64 what = draw_in(p->d, 0, 3);
            if (what == 0) b[0][nb] = i, b[1][nb++] = j;
            if (what == 1 || what == 2) c[0][nc] = i, c[1][nc++] = j;
            if (what < 3) {
                used[j] = true;
                break;
            }
        }
    if (l->type->rank + r->type->rank - nb - 2 * nc > POOL_RANK) return l;
    return ir_tanh(p->m->g, ir_dot(p->m->g, l, r, nb, b[0], b[1], nc, c[0], c[1]));
}
static Node *random_node(Pool *p, int depth);
/* A loop of one or two carried values over up to two xs, its body drawn from holes and what is outside. */
static Node *random_loop(Pool *p, int depth) {
    Graph *g = p->m->g;
    Node *initial[2], *carry[2], *next[2], *xs[2], *x[2], *y[2], *out[4];
    int n_carry = (int)draw_in(p->d, 1, 2), n_xs = 0, before = p->v.n;
    i64 length = draw_in(p->d, 1, 3);
    for (int i = 0; i < n_carry; i++) initial[i] = pick(p);
    for (int i = 0; i < 8 && n_xs < 2; i++) {
        Node *walked = pick(p);
        if (walked->type->rank && (n_xs == 0 || walked->type->dims[0] == length)) xs[n_xs++] = walked, length = walked->type->dims[0];
    }
    for (int i = 0; i < n_carry; i++) add_node(p, carry[i] = ir_hole(g, initial[i]->type));
    for (int i = 0; i < n_xs; i++) add_node(p, x[i] = ir_hole(g, type_without_lead(g, xs[i]->type)));
    for (int i = 0; i < 6; i++) add_node(p, random_node(p, depth - 1));
    for (int i = 0; i < n_carry; i++) {
        Node *v = pick_like(p, carry[i]);
        next[i] = draw_in(p->d, 0, 2) ? ir_tanh(g, ir_add(g, carry[i], v)) : ir_add(g, carry[i], v);
    }
    for (int i = 0; i < 2; i++) y[i] = pick(p);
    p->v.n = before;
    ir_scan_region(g, &(Region){n_carry, n_xs, 2, carry, x, next, y, initial, xs, length, draw_in(p->d, 0, 1) != 0}, out);
    for (int i = 0; i < n_carry + 2; i++)
        if (draw_in(p->d, 0, 2)) add_node(p, ir_tanh(g, out[i]));
    return ir_tanh(g, out[draw_in(p->d, 0, n_carry + 1)]);
}
static Node *random_node(Pool *p, int depth) {
    switch (draw_in(p->d, 0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3: return random_map(p);
    case 4:
    case 5:
    case 6: return random_view(p);
    case 7: return random_sum(p);
    case 8: return random_dot(p);
    default: return depth > 0 ? random_loop(p, depth) : random_map(p);
    }
}
/* One scalar result, of some of the values made. */
UNUSED static const Func *random_program(Maker *m, u64 seed, bool smooth) {
    Draw d = {seed * 77777 + 1};
    Pool p = {m, &d, smooth, {0}};
    for (int i = 0; i < 8; i++) draw_u32(&d);
    add_node(&p, in(m, DIMS(3, 4)));
    add_node(&p, in(m, DIMS(4, 2)));
    add_node(&p, in(m, DIMS(2, 3)));
    add_node(&p, in(m, DIMS(3)));
    int n = (int)draw_in(&d, 5, 25);
    for (int i = 0; i < n; i++) add_node(&p, random_node(&p, 2));
    Node *read[4];
    for (int i = 0; i < 4; i++) read[i] = p.v.v[p.v.n - 1 - (i < p.v.n - 1 ? i : 0)];
    Node *loss = project(m, 4, read);
    return done(m, 1, &loss);
}
#endif

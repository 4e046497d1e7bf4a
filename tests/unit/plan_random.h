/* plan_random.h: random valid graphs from a seed: maps, views, windows, sums, products, indices, loops, gradients, over small shapes
** with awkward extents. Values stay near 1 where that is easy, so that a wrong bit shows; NaN and infinities still occur. */
#ifndef PLAN_RANDOM_H
#define PLAN_RANDOM_H
#include "plan_run.h"
#include "../../compiler/grad/grad.h"

enum { POOL_COUNT = 6000 }; /* elements of a node, at most */
typedef struct Maker {
    Graph *g;
    Arena *arena;
    Draw draw;
    VEC(Node *) pool;
    VEC(const Type *) params;
    Dtype real;
    int depth; /* loops around */
} Maker;

static int below(Maker *m, int n) { return (int)(draw_u32(&m->draw) % (u32)n); }
static i64 extent(Maker *m) {
    static const i64 EXTENTS[] = {1, 2, 3, 3, 4, 5, 7, 15, 16, 17, 33};
    return EXTENTS[below(m, COUNT_OF(EXTENTS))];
}
static Node *pick(Maker *m) { /* the newest are more likely: chains get deep */
    int n = m->pool.n, back = below(m, n);
    if (below(m, 2)) back = below(m, n < 4 ? n : 4);
    return m->pool.v[n - 1 - back];
}
static Node *pick_real(Maker *m) {
    for (int i = 0; i < 50; i++) {
        Node *x = pick(m);
        if (x->type->dtype == m->real) return x;
    }
    return m->pool.v[0];
}
static bool keep(Maker *m, Node *x) {
    if (!x || x->type->count > POOL_COUNT || x->type->rank > 6) return false;
    vec_push(m->arena, &m->pool, x);
    return true;
}
static Node *new_param(Maker *m, const Type *type) {
    vec_push(m->arena, &m->params, type);
    return ir_arg(m->g, m->params.n - 1, type);
}
static const Type *random_type(Maker *m, Dtype dtype, int most) {
    i64 dims[4];
    int rank = below(m, most + 1);
    for (int i = 0; i < rank; i++) dims[i] = extent(m);
    const Type *type = type_get(m->g, dtype, rank, dims);
    return type->count <= POOL_COUNT ? type : type_scalar(m->g, dtype);
}
/* A value of a type: one of the pool, a new parameter, a broadcast scalar. */
static Node *of_type(Maker *m, const Type *type) {
    for (int i = 0; i < 20; i++) {
        Node *x = pick(m);
        if (x->type == type) return x;
    }
    for (int i = 0; i < 20; i++) { /* a lower rank, broadcast from the right */
        Node *x = pick(m);
        int places[RANK_MAX], at = type->rank - x->type->rank;
        if (x->type->dtype != type->dtype || at < 1) continue;
        bool fits = true;
        for (int k = 0; k < x->type->rank; k++) fits &= type->dims[at + k] == x->type->dims[k], places[k] = at + k;
        if (fits) return ir_broadcast(m->g, x, type->rank, type->dims, places);
    }
    if (m->depth || below(m, 3) == 0) return ir_fill(m->g, dtype_real(type->dtype) ? 0.75 : 1, type);
    return new_param(m, type);
}

/* ---- one step each: a new node, or NULL */
static Node *step_map1(Maker *m) {
    Node *x = pick_real(m);
    switch (below(m, 13)) {
    case 0: return ir_tanh(m->g, x);
    case 1: return ir_sigmoid(m->g, x);
    case 2: return ir_exp(m->g, ir_tanh(m->g, x));
    case 3: return ir_log(m->g, ir_offset(m->g, ir_abs(m->g, x), 0.5));
    case 4: return ir_sqrt(m->g, ir_abs(m->g, x));
    case 5: return ir_sin(m->g, x);
    case 6: return ir_erf(m->g, x);
    case 7: return ir_neg(m->g, x);
    case 8: return ir_floor(m->g, x);
    case 9: return ir_scale(m->g, x, 0.3);
    case 10: return ir_cast(m->g, ir_cast(m->g, x, DT_i32), m->real);
    case 11: return ir_pow(m->g, ir_abs(m->g, x), ir_fill(m->g, 1.5, x->type));
    default: return ir_max(m->g, x, ir_fill(m->g, 0, x->type));
    }
}
static Node *step_map2(Maker *m) {
    Node *x = pick_real(m), *y = of_type(m, x->type);
    switch (below(m, 9)) {
    case 0: return ir_add(m->g, x, y);
    case 1: return ir_sub(m->g, x, y);
    case 2: return ir_mul(m->g, ir_tanh(m->g, x), y);
    case 3: return ir_mul(m->g, x, y);
    case 4: return ir_div(m->g, x, ir_offset(m->g, ir_abs(m->g, y), 1));
    case 5: return ir_max(m->g, x, y);
    case 6: return ir_min(m->g, x, y);
    case 7: return ir_select(m->g, ir_lt(m->g, x, y), x, ir_scale(m->g, y, 0.5));
    default: return ir_select(m->g, ir_max(m->g, ir_eq(m->g, x, y), ir_lt(m->g, y, x)), y, x);
    }
}
static Node *step_int(Maker *m) {
    Node *x = pick(m);
    if (x->type->dtype == DT_i32) {
        Node *y = of_type(m, x->type);
        switch (below(m, 5)) {
        case 0: return ir_add(m->g, x, y);
        case 1: return ir_mul(m->g, x, y);
        case 2: return ir_div(m->g, x, y);
        case 3: return ir_cast(m->g, x, m->real);
        default: return ir_cast(m->g, ir_lt(m->g, x, y), DT_i32);
        }
    }
    if (x->type->dtype == DT_bool) return below(m, 2) ? ir_not(m->g, x) : ir_cast(m->g, x, m->real);
    if (x->type->dtype == DT_u8) return ir_cast(m->g, x, m->real);
    return ir_cast(m->g, ir_scale(m->g, ir_tanh(m->g, x), 9), DT_i32);
}
static Node *step_reshape(Maker *m) {
    Node *x = pick(m);
    i64 dims[RANK_MAX];
    int rank = x->type->rank, n = 0;
    if (!rank) return ir_reshape(m->g, x, 1, (i64[]){1});
    int at = below(m, rank);
    bool join = below(m, 2) && at + 1 < rank;
    for (int i = 0; i < rank; i++) {
        i64 d = x->type->dims[i];
        if (i == at && join) dims[n++] = d * x->type->dims[++i];
        else if (i == at && d % 3 == 0) dims[n++] = 3, dims[n++] = d / 3;
        else if (i == at && d % 2 == 0) dims[n++] = d / 2, dims[n++] = 2;
        else dims[n++] = d;
    }
    return n <= 5 ? ir_reshape(m->g, x, n, dims) : NULL;
}
static Node *step_move(Maker *m) {
    Node *x = pick(m);
    int rank = x->type->rank, perm[RANK_MAX];
    if (rank < 2) return below(m, 2) ? ir_spread(m->g, x, below(m, rank + 1), extent(m)) : NULL;
    for (int i = 0; i < rank; i++) perm[i] = i;
    for (int i = rank - 1; i > 0; i--) {
        int k = below(m, i + 1), swap = perm[i];
        perm[i] = perm[k], perm[k] = swap;
    }
    return below(m, 4) ? ir_transpose(m->g, x, perm) : ir_spread(m->g, x, below(m, rank + 1), extent(m));
}
static Node *step_affine(Maker *m) {
    Node *x = pick(m);
    int rank = x->type->rank;
    if (!rank) return NULL;
    int axis = below(m, rank), other = below(m, rank);
    i64 n = x->type->dims[axis];
    double fill = dtype_real(x->type->dtype) && below(m, 3) == 0 ? 0.25 : 0;
    switch (below(m, 7)) {
    case 0: return n < 2 ? NULL : ir_slice(m->g, x, axis, 1, n, 1 + below(m, 2));
    case 1: return ir_pad(m->g, x, axis, below(m, 3), below(m, 3), below(m, 2), fill);
    case 2: return ir_reverse(m->g, x, axis);
    case 3: {
        i64 size = 1 + below(m, 3), dilate = 1 + below(m, 2), stride = 1 + below(m, 2), pad = below(m, 2);
        return n + 2 * pad < (size - 1) * dilate + 1 ? NULL : ir_window(m->g, x, axis, size, stride, dilate, pad, pad, 0, fill);
    }
    case 4: return ir_affine(m->g, x, axis, extent(m), below(m, 2) ? 1 : -2, 1 + below(m, 3), below(m, 5) - 2, -1, 0, fill);
    case 5: return other == axis ? NULL : ir_affine(m->g, x, axis, extent(m), 1, 1 + below(m, 2), below(m, 3) - 1, other, below(m, 2) ? 1 : -1, fill);
    default: return ir_pad(m->g, x, axis, -(n > 2), -(n > 3), 0, 0);
    }
}
static Node *step_concat(Maker *m) {
    Node *x = pick(m), *parts[3] = {x};
    if (!x->type->rank) return NULL;
    int n = 2 + below(m, 2), axis = below(m, x->type->rank);
    for (int i = 1; i < n; i++) parts[i] = of_type(m, x->type);
    return ir_concat(m->g, n, parts, axis);
}
static Node *step_fold(Maker *m) {
    Node *x = pick_real(m);
    int axes[RANK_MAX], n = 0;
    for (int i = 0; i < x->type->rank; i++)
        if (below(m, 2)) axes[n++] = i;
    if (!n) return NULL;
    switch (below(m, 4)) {
    case 0: return ir_amax(m->g, x, n, axes);
    case 1: return ir_mean(m->g, x, n, axes);
    case 2: { /* softmax over the last axis */
        int last = x->type->rank - 1, places[RANK_MAX];
        for (int i = 0; i < last; i++) places[i] = i;
        Node *top = ir_broadcast(m->g, ir_amax(m->g, x, 1, &last), x->type->rank, x->type->dims, places);
        Node *e = ir_exp(m->g, ir_sub(m->g, x, top)), *sum = ir_sum(m->g, e, 1, &last);
        return ir_div(m->g, e, ir_broadcast(m->g, sum, x->type->rank, x->type->dims, places));
    }
    default: return ir_sum(m->g, x, n, axes);
    }
}
static Node *step_dot(Maker *m) {
    Node *x = ir_tanh(m->g, pick_real(m));
    int rank = x->type->rank, lb[RANK_MAX], rb[RANK_MAX], lc[RANK_MAX], rc[RANK_MAX], nb = 0, nc = 0, n = 0;
    i64 dims[RANK_MAX];
    if (!rank) return NULL;
    int fixed = below(m, rank);
    for (int i = 0; i < rank; i++) {
        if (i == fixed || below(m, 3) == 0) lc[nc] = i, rc[nc++] = n, dims[n++] = x->type->dims[i];
        else if (below(m, 3) == 0) lb[nb] = i, rb[nb++] = n, dims[n++] = x->type->dims[i];
    }
    if (below(m, 4)) dims[n++] = extent(m);
    const Type *type = type_get(m->g, m->real, n, dims);
    if (type->count > POOL_COUNT) return NULL;
    return ir_dot(m->g, x, of_type(m, type), nb, lb, rb, nc, lc, rc);
}
static Node *step_index(Maker *m) {
    Node *x = pick_real(m);
    int rank = x->type->rank;
    if (!rank) return NULL;
    int axis = below(m, rank), batch = axis > 0 ? below(m, 2) : 0;
    i64 dims[3], n = 0;
    if (batch) dims[n++] = x->type->dims[0];
    dims[n++] = extent(m);
    Node *index = of_type(m, type_get(m->g, DT_i32, (int)n, dims));
    switch (below(m, 3)) {
    case 0: return ir_take(m->g, x, index, axis, batch);
    case 1: {
        i64 shape[3] = {x->type->dims[0], x->type->dims[axis]};
        const Type *type = batch && axis == 1 ? type_get(m->g, DT_i32, 2, shape) : type_get(m->g, DT_i32, 1, &x->type->dims[axis]);
        return ir_put(m->g, x, of_type(m, type), extent(m), axis, batch && axis == 1);
    }
    default: {
        i64 last = x->type->dims[rank - 1];
        return ir_top(m->g, x, below(m, 2) ? 1 : 1 + below(m, (int)last));
    }
    }
}
static Node *step_random(Maker *m) {
    if (m->depth) return NULL;
    Node *key = of_type(m, type_get(m->g, DT_i32, 1, (i64[]){2})), *step = of_type(m, type_scalar(m->g, DT_i32));
    const Type *type = random_type(m, DT_i32, 2);
    return below(m, 2) ? ir_uniform(m->g, m->real, draw_u32(&m->draw), key, step, of_type(m, type), of_type(m, type))
                       : ir_normal(m->g, m->real, draw_u32(&m->draw), key, step, of_type(m, type), of_type(m, type));
}
static Node *step_scan(Maker *m);
static Node *step(Maker *m) {
    switch (below(m, 22)) {
    case 0: case 1: case 2: case 3: return step_map1(m);
    case 4: case 5: case 6: case 7: return step_map2(m);
    case 8: return step_int(m);
    case 9: return step_reshape(m);
    case 10: case 11: return step_move(m);
    case 12: case 13: return step_affine(m);
    case 14: return step_concat(m);
    case 15: case 16: return step_fold(m);
    case 17: case 18: return step_dot(m);
    case 19: return step_index(m);
    case 20: return step_random(m);
    default: return step_scan(m);
    }
}
static void grow(Maker *m, int steps) {
    for (int i = 0; i < steps; i++) keep(m, step(m));
}
/* A loop over a pool of holes and of what is outside. */
static Node *step_scan(Maker *m) {
    if (m->depth > 1) return NULL;
    Node *xs = pick_real(m), *initial[2] = {pick_real(m), pick_real(m)}, *out[4];
    if (!xs->type->rank) return NULL;
    int mark = m->pool.n, n_carry = 1 + below(m, 2);
    Node *carry[2] = {ir_hole(m->g, initial[0]->type), n_carry > 1 ? ir_hole(m->g, initial[1]->type) : NULL};
    Node *x = ir_hole(m->g, type_without_lead(m->g, xs->type));
    m->depth++;
    keep(m, carry[0]), keep(m, carry[1]), keep(m, x);
    grow(m, 3 + below(m, 6));
    Node *next[2], *y[2] = {pick(m), below(m, 2) ? carry[0] : pick(m)};
    for (int i = 0; i < n_carry; i++) {
        Node *like = of_type(m, initial[i]->type);
        next[i] = below(m, 5) == 0 ? (n_carry > 1 && initial[0]->type == initial[1]->type ? carry[1 - i] : carry[i])
                                   : ir_tanh(m->g, ir_add(m->g, like, ir_scale(m->g, carry[i], 0.5)));
    }
    m->pool.n = mark;
    m->depth--;
    Region region = {.n_carry = n_carry, .n_xs = 1, .n_ys = 2, .carry = carry, .x = &x, .next = next, .y = y, .initial = initial, .xs = &xs,
                     .length = xs->type->dims[0], .reverse = below(m, 2)};
    ir_scan_region(m->g, &region, out);
    for (int i = 0; i < n_carry + 2; i++) keep(m, out[i]);
    return out[0];
}

/* A closed function: some nodes of the pool as results, perhaps gradients too. */
static Case random_case(Graph *g, Arena *arena, u64 seed) {
    Maker m = {.g = g, .arena = arena, .draw = {seed}, .real = seed % 8 == 7 ? DT_f64 : DT_f32};
    for (int i = 0; i < 8; i++) draw_u32(&m.draw);
    keep(&m, new_param(&m, random_type(&m, m.real, 3)));
    keep(&m, new_param(&m, random_type(&m, m.real, 2)));
    if (below(&m, 3) == 0) keep(&m, new_param(&m, random_type(&m, below(&m, 2) ? DT_i32 : DT_u8, 2)));
    if (below(&m, 4) == 0) keep(&m, new_param(&m, random_type(&m, DT_bool, 2)));
    grow(&m, 6 + below(&m, 30));
    VEC(Node *) results = {0};
    for (int i = 0, n = 1 + below(&m, 4); i < n; i++) vec_push(arena, &results, pick(&m));
    if (below(&m, 2)) { /* the gradient of a number made of a result */
        Node *y = pick_real(&m), *loss = ir_sum_all(g, ir_mul(g, y, y)), *one = ir_fill(g, 1, loss->type), *d;
        Node *at = m.pool.v[below(&m, 2)];
        vjp(g, 1, &loss, &one, 1, &at, true, &d);
        vec_push(arena, &results, d);
        if (below(&m, 3) == 0) {
            Node *again = ir_sum_all(g, ir_mul(g, d, d)), *dd;
            vjp(g, 1, &again, &one, 1, &at, true, &dd);
            vec_push(arena, &results, dd);
        }
    }
    return (Case){arena_printf(arena, "seed %llu", (unsigned long long)seed), func_make(g, m.params.n, m.params.v, results.n, results.v)};
}
#endif

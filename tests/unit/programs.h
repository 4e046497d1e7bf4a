/* programs.h: small whole programs as IR, for the tests of gradients and passes: a perceptron's step, an LSTM, MAML through its
** inner steps, loops of every kind, tables, convolutions. Each is a function with scalar first result and real or i32 params. */
#ifndef PROGRAMS_H
#define PROGRAMS_H
#include "../../compiler/grad/grad.h"
#include "ir_cases.h"

typedef struct Maker {
    Graph *g;
    Arena *arena;
    Dtype real;
    VEC(const Type *) params;
} Maker;
#define UNUSED __attribute__((unused))

UNUSED static Node *in_type(Maker *m, Dtype dtype, int rank, const i64 *dims) {
    const Type *type = type_get(m->g, dtype, rank, dims);
    vec_push(m->arena, &m->params, type);
    return ir_arg(m->g, m->params.n - 1, type);
}
UNUSED static Node *in(Maker *m, int rank, const i64 *dims) { return in_type(m, m->real, rank, dims); }
UNUSED static const Func *done(Maker *m, int n, Node *const *results) {
    const Func *f = func_make(m->g, m->params.n, m->params.v, n, results);
    m->params.n = 0;
    return f;
}
/* A fixed, uneven projection of all real values to one number. */
UNUSED static Node *project(Maker *m, int n, Node *const *values) {
    Draw d = {99};
    Node *sum = NULL;
    for (int i = 0; i < n; i++) {
        const Type *t = values[i]->type;
        if (!dtype_real(t->dtype)) continue;
        Tensor weights = draw_tensor(m->arena, t, &d);
        Node *v = ir_sum_all(m->g, ir_mul(m->g, values[i], ir_const(m->g, t->dtype, t->rank, t->dims, weights.data)));
        if (v->type->dtype != m->real) v = ir_cast(m->g, v, m->real);
        sum = sum ? ir_add(m->g, sum, v) : v;
    }
    return sum;
}
/* f's results and the gradient of its first one with respect to its real params. */
UNUSED static const Func *with_gradient(Graph *g, Arena *arena, const Func *f) {
    VEC(Node *) targets = {0}, results = {0};
    for (int i = 0; i < f->n_params; i++)
        if (dtype_real(f->params[i]->dtype)) vec_push(arena, &targets, ir_arg(g, i, f->params[i]));
    Node **grads = ARENA_ARRAY(arena, Node *, targets.n + 1), *one = ir_fill(g, 1, f->results[0]->type);
    vjp(g, 1, f->results, &one, targets.n, targets.v, true, grads);
    for (int i = 0; i < f->n_results; i++) vec_push(arena, &results, f->results[i]);
    for (int i = 0; i < targets.n; i++) vec_push(arena, &results, grads[i]);
    return func_make(g, f->n_params, f->params, results.n, results.v);
}
/* The first order's gradients projected, and the gradient of that. */
UNUSED static const Func *with_second(Maker *m, const Func *f) {
    const Func *first = with_gradient(m->g, m->arena, f);
    Node *value = project(m, first->n_results - 1, first->results + 1);
    return with_gradient(m->g, m->arena, func_make(m->g, f->n_params, f->params, 1, &value));
}

/* ---- a perceptron: softmax cross-entropy of x W1 -> tanh -> W2, and one step of gradient descent */
UNUSED static Node *rows_broadcast(Maker *m, Node *row, Node *like) { return ir_lead(m->g, row, 1, like->type->dims); }
UNUSED static Node *dense(Maker *m, Node *x, Node *w, Node *bias) {
    Node *y = ir_matmul(m->g, x, w);
    return ir_add(m->g, y, rows_broadcast(m, bias, y));
}
UNUSED static Node *cross_entropy(Maker *m, Node *scores, Node *labels) {
    Graph *g = m->g;
    i64 k = scores->type->dims[1];
    Node *z = ir_sub(g, scores, ir_spread(g, ir_amax(g, scores, 1, INTS(1)), 1, k));
    Node *log_sum = ir_log(g, ir_sum(g, ir_exp(g, z), 1, INTS(1)));
    Node *picked = ir_take(g, ir_sub(g, z, ir_spread(g, log_sum, 1, k)), labels, 1, 1);
    return ir_neg(g, ir_mean(g, picked, 1, INTS(0)));
}
UNUSED static const Func *perceptron(Maker *m, i64 rows) {
    Node *p[4] = {in(m, DIMS(6, 5)), in(m, DIMS(5)), in(m, DIMS(5, 3)), in(m, DIMS(3))};
    Node *x = in(m, DIMS(rows, 6)), *labels = in_type(m, DT_i32, DIMS(rows));
    Node *loss = cross_entropy(m, dense(m, ir_tanh(m->g, dense(m, x, p[0], p[1])), p[2], p[3]), labels);
    Node *grads[4], *one = ir_real(m->g, m->real, 1), *results[5] = {loss};
    vjp(m->g, 1, &loss, &one, 4, p, true, grads);
    for (int i = 0; i < 4; i++) results[1 + i] = ir_sub(m->g, p[i], ir_scale(m->g, grads[i], 0.1));
    return done(m, 5, results);
}

/* ---- an LSTM over time; the product with the input inside the loop or before it */
UNUSED static Node *lstm_over(Maker *m, Node *k, Node *rec, Node *bias, Node *xs, bool inside) {
    Graph *g = m->g;
    i64 T = xs->type->dims[0], B = xs->type->dims[1], H = rec->type->dims[0];
    Node *rounds = xs, *zero = ir_fill(g, 0, type_get(g, m->real, DIMS(B, H)));
    if (!inside) {
        Node *z = ir_dot(g, xs, k, 0, NULL, NULL, 1, INTS(2), INTS(0));
        rounds = ir_add(g, z, ir_lead(g, bias, DIMS(T, B)));
    }
    Node *h = ir_hole(g, zero->type), *c = ir_hole(g, zero->type), *x = ir_hole(g, type_without_lead(g, rounds->type));
    Node *q = inside ? dense(m, x, k, bias) : x, *gate[4];
    q = ir_add(g, q, ir_matmul(g, h, rec));
    for (int i = 0; i < 4; i++) gate[i] = ir_slice(g, q, 1, i * H, (i + 1) * H, 1);
    Node *cell = ir_add(g, ir_mul(g, ir_sigmoid(g, gate[1]), c), ir_mul(g, ir_sigmoid(g, gate[0]), ir_tanh(g, gate[2])));
    Node *out = ir_mul(g, ir_sigmoid(g, gate[3]), ir_tanh(g, cell)), *all[3];
    ir_scan_region(g, &(Region){2, 1, 1, (Node *[]){h, c}, &x, (Node *[]){out, cell}, &out, (Node *[]){zero, zero}, &rounds, T, false}, all);
    return all[2];
}
UNUSED static const Func *lstm(Maker *m, bool inside) {
    enum { N = 4, H = 5, B = 3, T = 6 };
    Node *k = in(m, DIMS(N, 4 * H)), *rec = in(m, DIMS(H, 4 * H)), *bias = in(m, DIMS(4 * H)), *xs = in(m, DIMS(T, B, N));
    Node *y = lstm_over(m, k, rec, bias, xs, inside);
    Node *loss = ir_sum_all(m->g, ir_mul(m->g, y, y));
    return done(m, 1, &loss);
}

/* ---- MAML: a net of two layers, inner steps of gradient descent in a loop (its own gradient inside the body) */
UNUSED static Node *two_layers(Maker *m, Node *const *p, Node *x) {
    return dense(m, ir_tanh(m->g, dense(m, x, p[0], p[1])), p[2], p[3]);
}
UNUSED static Node *squared_error(Maker *m, Node *a, Node *b) {
    Node *d = ir_sub(m->g, a, b);
    return ir_mean(m->g, ir_mul(m->g, d, d), 2, INTS(0, 1));
}
UNUSED static const Func *maml(Maker *m, i64 steps) {
    Graph *g = m->g;
    Node *p[4] = {in(m, DIMS(1, 5)), in(m, DIMS(5)), in(m, DIMS(5, 1)), in(m, DIMS(1))}, *data[4];
    for (int i = 0; i < 4; i++) data[i] = in(m, DIMS(i < 2 ? 6 : 4, 1));
    Node *carry[4], *marks[4], *next[4], *after[4], *grads[4], *one = ir_real(g, m->real, 1);
    for (int i = 0; i < 4; i++) marks[i] = ir_mark(g, carry[i] = ir_hole(g, p[i]->type));
    Node *inner = squared_error(m, two_layers(m, marks, data[0]), data[1]);
    vjp(g, 1, &inner, &one, 4, marks, true, grads);
    for (int i = 0; i < 4; i++) next[i] = ir_sub(g, marks[i], ir_scale(g, grads[i], 0.1));
    ir_scan_region(g, &(Region){4, 0, 0, carry, NULL, next, NULL, p, NULL, steps, false}, after);
    Node *loss = squared_error(m, two_layers(m, after, data[2]), data[3]);
    return done(m, 1, &loss);
}

/* The same for three tasks at once: the whole function lifted over the data, the weights shared; the mean of the losses. */
UNUSED static const Func *meta_batch(Maker *m, i64 steps) {
    const Func *f = maml(m, steps);
    i64 n = 3;
    NodeMap map = {.arena = m->arena}, lifted = {.arena = m->arena};
    for (int i = 0; i < f->n_params; i++) {
        Node *old = ir_arg(m->g, i, f->params[i]);
        const Type *type = i < 4 ? f->params[i] : type_with_lead(m->g, f->params[i], n);
        vec_push(m->arena, &m->params, type);
        nodemap_set(&map, old, ir_arg(m->g, i, type));
        if (i >= 4) nodemap_set(&lifted, old, old);
    }
    Node *losses;
    bool is_lifted;
    lift_nodes(m->g, m->arena, &map, &lifted, n, f->results, 1, &losses, &is_lifted);
    Node *loss = ir_mean(m->g, losses, 1, INTS(0));
    return done(m, 1, &loss);
}

/* ---- loops: h' = tanh(h w + x w), y = (h x) w */
UNUSED static const Func *cell_loop(Maker *m, bool reverse) {
    Graph *g = m->g;
    Node *h = in(m, DIMS(2, 3)), *w = in(m, DIMS(3, 3)), *xs = in(m, DIMS(4, 2, 3)), *out[2];
    Node *was = ir_hole(g, h->type), *x = ir_hole(g, h->type);
    Node *next = ir_tanh(g, ir_add(g, ir_matmul(g, was, w), ir_matmul(g, x, w))), *y = ir_matmul(g, ir_mul(g, was, x), w);
    ir_scan_region(g, &(Region){1, 1, 1, &was, &x, &next, &y, &h, &xs, 4, reverse}, out);
    Node *loss = project(m, 2, out);
    return done(m, 1, &loss);
}
UNUSED static const Func *loop_in_loop(Maker *m) {
    Graph *g = m->g;
    Node *h = in(m, DIMS(2, 3)), *w = in(m, DIMS(3, 3)), *xs = in(m, DIMS(2, 3, 2, 3)), *inner[2], *out[2];
    Node *was = ir_hole(g, h->type), *x = ir_hole(g, type_without_lead(g, xs->type));
    Node *d = ir_hole(g, h->type), *y = ir_hole(g, h->type);
    Node *next = ir_tanh(g, ir_add(g, ir_matmul(g, d, w), y)), *product = ir_mul(g, d, was);
    ir_scan_region(g, &(Region){1, 1, 1, &d, &y, &next, &product, &was, &x, 3, true}, inner);
    Node *sum = ir_sum(g, inner[1], 1, INTS(0));
    ir_scan_region(g, &(Region){1, 1, 1, &was, &x, &inner[0], &sum, &h, &xs, 2, false}, out);
    Node *loss = project(m, 2, out);
    return done(m, 1, &loss);
}
/* A table read and written at fixed places while it is carried. */
UNUSED static const Func *table_loop(Maker *m) {
    Graph *g = m->g;
    Node *h = in(m, DIMS(4, 3)), *w = in(m, DIMS(4, 3)), *xs = in(m, DIMS(4, 2, 3)), *index = in_type(m, DT_i32, DIMS(2)), *out[2];
    Node *was = ir_hole(g, h->type), *x = ir_hole(g, type_without_lead(g, xs->type));
    Node *read = ir_take(g, was, index, 0, 0), *write = ir_put(g, ir_mul(g, read, x), index, 4, 0, 0);
    Node *next = ir_add(g, ir_scale(g, was, 0.5), write), *y = ir_mul(g, ir_take(g, w, index, 0, 0), read);
    ir_scan_region(g, &(Region){1, 1, 1, &was, &x, &next, &y, &h, &xs, 4, false}, out);
    Node *loss = project(m, 2, out);
    return done(m, 1, &loss);
}
/* An i32 carried beside reals; a value that becomes active only through another; one that nobody reads. */
UNUSED static const Func *mixed_loop(Maker *m) {
    Graph *g = m->g;
    Node *h = in(m, DIMS(2)), *kept = in(m, DIMS(2)), *xs = in(m, DIMS(3, 2)), *initial[4] = {h, ir_int(g, 1), kept, kept}, *carry[4], *out[6];
    Node *x = ir_hole(g, h->type);
    for (int i = 0; i < 4; i++) carry[i] = ir_hole(g, initial[i]->type);
    Node *next[4] = {ir_add(g, ir_mul(g, carry[0], carry[2]), x), ir_add(g, carry[1], ir_int(g, 1)), carry[0], ir_mul(g, carry[3], x)};
    Node *y[2] = {ir_mul(g, carry[0], ir_broadcast(g, ir_cast(g, carry[1], m->real), DIMS(2), NULL)), ir_mul(g, kept, carry[2])};
    ir_scan_region(g, &(Region){4, 1, 2, carry, &x, next, y, initial, &xs, 3, false}, out);
    Node *loss = project(m, 2, (Node *[]){out[0], out[4]});
    return done(m, 1, &loss);
}

/* ---- convolutions: x [b, h, w, c], k [kh, kw, c, f], as a product over windows */
typedef struct Shape {
    const char *name;
    i64 x[4], k[4], stride, dilate, low, high, inner;
} Shape;
UNUSED static Node *convolution(Maker *m, Node *x, Node *k, const Shape *s) {
    for (int i = 0; i < 2; i++) x = ir_window(m->g, x, 1 + 2 * i, s->k[i], s->stride, s->dilate, s->low, s->high, s->inner, 0);
    return ir_dot(m->g, x, k, 0, NULL, NULL, 3, INTS(2, 4, 5), INTS(0, 1, 2));
}
UNUSED static const Shape shapes[] = {
    {"plain", {2, 5, 6, 2}, {3, 2, 2, 3}, 1, 1, 0, 0, 0},   {"stride, padding", {2, 7, 6, 2}, {3, 3, 2, 2}, 2, 1, 1, 1, 0},
    {"dilation", {1, 7, 7, 2}, {2, 3, 2, 2}, 1, 2, 1, 2, 0}, {"transposed", {1, 3, 3, 2}, {4, 4, 2, 2}, 1, 1, 2, 2, 1},
};
UNUSED static const Func *conv_net(Maker *m, const Shape *s) {
    Node *x = in(m, 4, s->x), *k = in(m, 4, s->k), *y = ir_tanh(m->g, convolution(m, x, k, s));
    Node *loss = project(m, 1, (Node *[]){ir_exp(m->g, ir_scale(m->g, y, 0.1))});
    return done(m, 1, &loss);
}
/* Largest pool, average pool. */
UNUSED static const Func *pools(Maker *m) {
    Node *x = in(m, DIMS(1, 5, 5, 2)), *w = x;
    for (int i = 0; i < 2; i++) w = ir_window(m->g, w, 1 + 2 * i, 3, 2, 1, 0, 0, 0, 0);
    Node *both[2] = {ir_exp(m->g, ir_amax(m->g, w, 2, INTS(2, 4))), ir_exp(m->g, ir_mean(m->g, w, 2, INTS(2, 4)))};
    Node *loss = project(m, 2, both);
    return done(m, 1, &loss);
}
/* Weights that are the same for each of three tasks, as a batched product; per-task weights. */
UNUSED static const Func *tasks(Maker *m) {
    Graph *g = m->g;
    i64 n = 3;
    Node *x = in(m, DIMS(3, 4, 2)), *w = in(m, DIMS(2, 5)), *each = in(m, DIMS(3, 5));
    Node *y = ir_dot(g, x, ir_mul(g, ir_lead(g, w, 1, &n), ir_fill(g, 2, type_get(g, m->real, DIMS(3, 2, 5)))), 1, INTS(0), INTS(0), 1, INTS(2), INTS(1));
    y = ir_add(g, ir_mul(g, ir_tanh(g, y), y), ir_broadcast(g, each, DIMS(3, 4, 5), INTS(0, 2)));
    Node *loss = project(m, 1, &y);
    return done(m, 1, &loss);
}
/* ---- all of them, by number */
UNUSED static const Func *make_program(Maker *m, int which) {
    switch (which) {
    case 0: return perceptron(m, 4);
    case 1: return lstm(m, true);
    case 2: return lstm(m, false);
    case 3: return maml(m, 3);
    case 4: return cell_loop(m, false);
    case 5: return cell_loop(m, true);
    case 6: return loop_in_loop(m);
    case 7: return table_loop(m);
    case 8: return mixed_loop(m);
    case 9: return tasks(m);
    case 10: return pools(m);
    case 15: return meta_batch(m, 3);
    default: return which - 11 < COUNT_OF(shapes) ? conv_net(m, &shapes[which - 11]) : NULL;
    }
}
UNUSED static const char *const program_names[] = {"perceptron", "lstm, product inside", "lstm", "maml", "loop", "loop in reverse", "loop in a loop",
                                            "table in a loop", "several types in a loop", "tasks", "pools", "convolution",
                                            "convolution by strides", "convolution dilated", "convolution transposed", "meta batch"};
/* Reals in (-1, 1), indices below 3. */
UNUSED static Tensor *program_args(Arena *arena, const Func *f) {
    Draw d = {7};
    Tensor *args = draw_args(arena, f, &d);
    for (int p = 0; p < f->n_params; p++)
        for (i64 i = 0; i < f->params[p]->count; i++) {
            if (f->params[p]->dtype == DT_i32) ((i32 *)args[p].data)[i] = (i32)(i % 3);
            else if (f->params[p]->dtype == DT_f32) ((float *)args[p].data)[i] *= 0.5f;
            else if (f->params[p]->dtype == DT_f64) ((double *)args[p].data)[i] *= 0.5;
        }
    return args;
}
#endif

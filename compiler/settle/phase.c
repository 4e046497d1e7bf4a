/* phase.c: a product over windows of a dilated operand, zeros between its elements, is several products over the elements alone.
**
** The input gradient of a convolution by strides (unfold.c), a transposed convolution, and the gradients of its weights look at
** x[(a i + b K + c) / m], 0 where that does not divide, where one of i and K stays in the result and the other is contracted. For
** each residue (phase) of the one that stays, m of them where a = 1, only every m-th value of the other meets an element. So the
** result's axis is taken apart into phases, each phase is a product of its own over those values, and the parts are put together
** again: side by side along one axis, so that each is stored where it belongs, then a view interleaves them. For several window
** axes at once. Algebra: products with zero are left out, which only NaN, infinities and the sign of zero can tell. */
#include "../base/vec.h"
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"
#include <string.h>

/* A window axis: numbers of axes of the dilated operand, but for those that say otherwise. */
typedef struct Dilated {
    int stays, goes;    /* which of i and K stays in the result, which is contracted */
    i64 s, t;           /* coefficients of these two in what is divided by m */
    i64 m, c;
    i64 phases, step;   /* residues of `stays`; from one value of `goes` that meets elements to the next */
    int other;          /* the other operand's axis that is contracted with `goes` */
    int result;         /* the product's axis */
} Dilated;
typedef struct Phases {
    Graph *g;
    const Node *dot;
    int side;           /* of the dilated operand */
    int n;
    Dilated v[RANK_MAX];
    i64 at[RANK_MAX];   /* the phase on each window axis */
    VEC(Node *) parts;
} Phases;

static List contracted(const Node *dot, int side) { return side ? dot->at->rc : dot->at->lc; }
/* ---- finding */

/* An affine under views, whose axes are axes[..] of the operand, as a window axis of it. */
static bool dilated(const Node *dot, int side, const Node *view, const int *axes, Dilated *d) {
    const Attrs *at = view->at;
    if (at->m == 1 || at->k < 0 || at->fill != 0) return false;
    int i = axes[at->axis], k = axes[at->k], over;
    bool i_stays = list_has(contracted(dot, side), k);
    *d = (Dilated){.stays = i_stays ? i : k, .goes = i_stays ? k : i, .s = i_stays ? at->a : at->b, .t = i_stays ? at->b : at->a,
                   .m = at->m, .c = at->c};
    d->result = dot_result_axis(dot, side, d->stays);
    if ((over = list_place(contracted(dot, side), d->goes)) < 0 || d->result < 0) return false;
    d->other = (int)contracted(dot, 1 - side).v[over];
    d->phases = d->m / common_divisor(d->s, d->m), d->step = d->m / common_divisor(d->t, d->m);
    return true;
}
static bool moves(const Node *view, const int *axes, const Dilated *d) {
    int axis = axes[view->at->axis], k = view->at->k < 0 ? axis : axes[view->at->k];
    return axis == d->stays || axis == d->goes || k == d->stays || k == d->goes;
}
/* The window axes of one operand: affines under affines of other axes and broadcasts. */
static void find_dilated(Phases *p, const Node *dot, int side) {
    int axes[RANK_MAX];
    VEC(const Node *) above = {0};
    VEC(int) places = {0}; /* RANK_MAX each */
    Arena *scratch = arena_new("windows");
    const Node *x = dot->args[side];
    *p = (Phases){.g = p->g, .dot = dot, .side = side};
    for (int i = 0; i < x->type->rank; i++) axes[i] = i;
    for (; x->op == OP_affine || x->op == OP_broadcast; x = x->args[0]) {
        Dilated d;
        if (x->op == OP_broadcast) {
            int below[RANK_MAX];
            for (int i = 0; i < x->at->dims.n; i++) below[i] = axes[x->at->dims.v[i]];
            memcpy(axes, below, sizeof *axes * (size_t)x->at->dims.n);
            continue;
        }
        bool alone = dilated(dot, side, x, axes, &d);
        for (int i = 0; i < above.n && alone; i++) alone = !moves(above.v[i], places.v + i * RANK_MAX, &d);
        if (alone) p->v[p->n++] = d;
        vec_push(scratch, &above, x);
        for (int i = 0; i < RANK_MAX; i++) vec_push(scratch, &places, axes[i]);
    }
    arena_free(scratch);
}

/* ---- taking apart */

/* An affine's coefficients without their common divisor. */
static void affine_reduce(Attrs *at) {
    i64 all = common_divisor(common_divisor(at->a, at->m), common_divisor(at->k < 0 ? 0 : at->b, at->c));
    at->a /= all, at->b /= all, at->c /= all, at->m /= all;
}
/* x with the elements begin, begin + step, .. of an axis only, `count` of them; past the end they are anything. */
static Node *every(Graph *g, Node *x, int axis, i64 begin, i64 step, i64 count) {
    if (x->op == OP_broadcast) {
        i64 dims[RANK_MAX];
        int places[RANK_MAX], below = list_place(x->at->dims, axis);
        for (int i = 0; i < x->type->rank; i++) dims[i] = x->type->dims[i];
        for (int i = 0; i < x->at->dims.n; i++) places[i] = (int)x->at->dims.v[i];
        dims[axis] = count;
        Node *of = below < 0 ? x->args[0] : every(g, x->args[0], below, begin, step, count);
        return ir_broadcast(g, of, x->type->rank, dims, places);
    }
    if (x->op != OP_affine) return ir_affine(g, x, axis, count, step, 1, begin, -1, 0, 0);
    Attrs at = *x->at;
    if (at.axis == axis) {
        at.c += at.a * begin, at.a *= step, at.size = count;
        affine_reduce(&at);
        return node_make(g, OP_affine, 1, x->args, &at);
    }
    if (at.k == axis) {
        at.c += at.b * begin, at.b *= step;
        affine_reduce(&at);
    }
    Node *below = every(g, x->args[0], axis, begin, step, count);
    return node_make(g, OP_affine, 1, &below, &at);
}
static i64 extent(const Phases *p, int axis) { return p->dot->args[p->side]->type->dims[axis]; }
static i64 phase_count(const Phases *p, const Dilated *d) { return (extent(p, d->stays) + d->phases - 1) / d->phases; }
/* The first value of `goes` that meets an element in this phase; -1: none. */
static i64 first_met(const Phases *p, const Dilated *d, i64 phase) {
    for (i64 k = 0; k < d->step && k < extent(p, d->goes); k++)
        if ((d->s * phase + d->t * k + d->c) % d->m == 0) return k;
    return -1;
}
static Node *part(const Phases *p) {
    Node *args[2] = {p->dot->args[0], p->dot->args[1]};
    i64 dims[RANK_MAX];
    bool none = false;
    for (int i = 0; i < p->dot->type->rank; i++) dims[i] = p->dot->type->dims[i];
    for (int i = 0; i < p->n; i++) {
        const Dilated *d = &p->v[i];
        i64 first = first_met(p, d, p->at[i]), count = phase_count(p, d);
        dims[d->result] = count;
        none |= first < 0;
        if (none) continue;
        i64 met = (extent(p, d->goes) - first + d->step - 1) / d->step;
        args[p->side] = every(p->g, every(p->g, args[p->side], d->stays, p->at[i], d->phases, count), d->goes, first, d->step, met);
        args[1 - p->side] = every(p->g, args[1 - p->side], d->other, first, d->step, met);
    }
    if (none) return ir_fill(p->g, 0, type_get(p->g, p->dot->type->dtype, p->dot->type->rank, dims));
    return node_make(p->g, OP_dot, 2, args, p->dot->at);
}
static void all_parts(Phases *p, int i) {
    if (i == p->n) {
        vec_push(graph_arena(p->g), &p->parts, part(p));
        return;
    }
    for (p->at[i] = 0; p->at[i] < p->v[i].phases; p->at[i]++) all_parts(p, i + 1);
}

/* ---- putting together */

/* Along which the parts lie side by side: the last axis that is none of the windows', else the last. */
static int join_axis(const Phases *p) {
    for (int axis = p->dot->type->rank - 1; axis >= 0; axis--) {
        bool window = false;
        for (int i = 0; i < p->n; i++) window |= p->v[i].result == axis;
        if (!window) return axis;
    }
    return p->dot->type->rank - 1;
}
/* [.., q, .., phases E, ..] -> [.., q phase, .., E, ..], then the elements past the end go. */
static Node *interleaved(const Phases *p, Node *joined, int axis) {
    Graph *g = p->g;
    i64 dims[RANK_MAX], apart[RANK_MAX];
    int rank = p->dot->type->rank, perm[RANK_MAX], n = 0;
    for (int i = 0; i < rank; i++) {
        if (i == axis)
            for (int k = 0; k < p->n; k++) apart[n++] = p->v[k].phases;
        apart[n++] = i == axis ? joined->type->dims[i] / p->parts.n : joined->type->dims[i];
    }
    Node *x = ir_reshape(g, joined, n, apart);
    n = 0;
    for (int i = 0; i < rank; i++) {
        perm[n++] = i < axis ? i : i + p->n;
        dims[i] = apart[perm[n - 1]];
        for (int k = 0; k < p->n; k++)
            if (p->v[k].result == i) perm[n++] = axis + k, dims[i] *= p->v[k].phases;
    }
    x = ir_reshape(g, ir_transpose(g, x, perm), rank, dims);
    for (int k = 0; k < p->n; k++) x = ir_slice(g, x, p->v[k].result, 0, p->dot->type->dims[p->v[k].result], 1);
    return x;
}
static Node *phase_dot(Graph *g, const Node *dot) {
    Phases p = {.g = g};
    for (int side = 0; side < 2; side++) {
        find_dilated(&p, dot, side);
        if (!p.n || dot->type->rank + p.n > RANK_MAX) continue;
        all_parts(&p, 0);
        int axis = join_axis(&p);
        return interleaved(&p, ir_concat(g, p.parts.n, p.parts.v, axis), axis);
    }
    return NULL;
}
static Node *rule(void *context, Graph *g, Node *node, Node *const *args) {
    (void)context;
    return node->op == OP_dot ? phase_dot(g, node_with_args(g, node, args)) : NULL;
}
const Func *pass_phase(const Pass *pass, const Func *f) { return func_rewrite(pass->g, f, rule, NULL); }

/* rules_dot.c: rows of rewrite.def on reductions and products. Attributes of order are copied, so that a row that is exact is so
** on settled graphs too. */
#include "simplify.h"
#include <math.h>

/* ---- reductions */
/* The operand without those of the summed axes that have length 1; axes: the others. Returns how many are left, -1: none had. */
static int without_units(const Rewriting *rw, const Node *n, Node **x, int axes[RANK_MAX]) {
    const Type *type = n->args[0]->type;
    i64 dims[RANK_MAX];
    int rank = 0, left = 0;
    for (int i = 0; i < type->rank; i++) {
        bool reduced = list_has(n->at->axes, i);
        if (reduced && type->dims[i] == 1) continue;
        if (reduced) axes[left++] = rank;
        dims[rank++] = type->dims[i];
    }
    if (rank == type->rank) return -1;
    *x = ir_reshape(rw->g, n->args[0], rank, dims);
    return left;
}
/* The sum keeps the operand as it is, so that it meets others of it. */
Node *rule_sum_unit(const Rewriting *rw, Node *n) {
    const Node *x = n->args[0];
    int axes[RANK_MAX], left = 0;
    for (int i = 0; i < n->at->axes.n; i++)
        if (x->type->dims[n->at->axes.v[i]] > 1) axes[left++] = (int)n->at->axes.v[i];
    if (left == n->at->axes.n) return NULL;
    return ir_reshape(rw->g, ir_sum(rw->g, n->args[0], left, axes), n->type->rank, n->type->dims);
}
Node *rule_amax_unit(const Rewriting *rw, Node *n) {
    int axes[RANK_MAX];
    Node *x;
    int left = without_units(rw, n, &x, axes);
    return left >= 0 ? ir_amax(rw->g, x, left, axes) : NULL;
}
Node *rule_sum_zero(const Rewriting *rw, Node *n) { return node_is_fill(n->args[0], 0) ? ir_fill(rw->g, 0, n->type) : NULL; }
Node *rule_sum_sum(const Rewriting *rw, Node *n) {
    const Node *inner = n->args[0];
    if (inner->op != OP_sum || !rw->single[0]) return NULL;
    int left[RANK_MAX], axes[RANK_MAX], count = 0;
    axes_free(inner->args[0]->type->rank, inner->at->axes, (List){0}, left);
    for (int i = 0; i < n->at->axes.n; i++) axes[count++] = left[n->at->axes.v[i]];
    for (int i = 0; i < inner->at->axes.n; i++) axes[count++] = (int)inner->at->axes.v[i];
    return ir_sum(rw->g, inner->args[0], count, axes);
}
Node *rule_sum_put(const Rewriting *rw, Node *n) {
    const Node *put = n->args[0];
    if (put->op != OP_put) return NULL;
    int axis = (int)put->at->axis, n_index = put->args[1]->type->rank - (int)put->at->batch, axes[RANK_MAX], count = 0;
    if (!list_has(n->at->axes, axis)) return NULL;
    for (int i = 0; i < n_index; i++) axes[count++] = axis + i;
    for (int i = 0; i < n->at->axes.n; i++) {
        int other = (int)n->at->axes.v[i];
        if (other != axis) axes[count++] = other < axis ? other : other + n_index - 1;
    }
    return ir_sum(rw->g, put->args[0], count, axes);
}
Node *rule_sum_transpose(const Rewriting *rw, Node *n) {
    const Node *t = n->args[0];
    int axes[RANK_MAX], kept[RANK_MAX], perm[RANK_MAX] = {0}, rank = 0;
    if (t->op != OP_transpose) return NULL;
    for (int i = 0; i < n->at->axes.n; i++) axes[i] = (int)t->at->perm.v[n->at->axes.v[i]];
    for (int i = 0; i < t->type->rank; i++)
        if (!list_has(n->at->axes, i)) kept[rank++] = (int)t->at->perm.v[i];
    for (int i = 0; i < rank; i++) /* the place of axis kept[i] among those left */
        for (int j = 0; j < rank; j++) perm[i] += kept[j] < kept[i];
    return ir_transpose(rw->g, ir_sum(rw->g, t->args[0], n->at->axes.n, axes), perm);
}
/* What is the same along all axes that `sum` adds up, as a value of the sum's shape; NULL: it is not known to be. */
static Node *outside(const Rewriting *rw, const Node *sum, Node *x) {
    int places[RANK_MAX] = {0}, before[RANK_MAX], left = 0, rank = x->type->rank;
    if (x->op != OP_broadcast) return NULL;
    for (int i = 0; i < rank; i++) before[i] = left, left += !list_has(sum->at->axes, i);
    for (int i = 0; i < x->at->dims.n; i++) {
        if (list_has(sum->at->axes, x->at->dims.v[i])) return NULL;
        places[i] = before[x->at->dims.v[i]];
    }
    return ir_broadcast(rw->g, x->args[0], sum->type->rank, sum->type->dims, places);
}
enum { FACTORS = 12 };
typedef struct Factors {
    int n, n_outside;
    Node *in[FACTORS], *out[FACTORS];
    bool below[FACTORS], divided[FACTORS]; /* of those inside, of those outside */
    bool negative;
} Factors;
/* x as a product of factors; false: there are too many. */
static bool find_factors(const Rewriting *rw, const Node *sum, Node *x, bool below, Factors *f) {
    Node *out = outside(rw, sum, x);
    if (f->n == FACTORS || f->n_outside == FACTORS) return false;
    if (out) {
        f->divided[f->n_outside] = below, f->out[f->n_outside++] = out;
    } else if (x->op == OP_neg) {
        f->negative = !f->negative;
        return find_factors(rw, sum, x->args[0], below, f);
    } else if (x->op == OP_mul || (x->op == OP_div && !below)) {
        return find_factors(rw, sum, x->args[0], below, f) && find_factors(rw, sum, x->args[1], below || x->op == OP_div, f);
    } else {
        f->below[f->n] = below, f->in[f->n++] = x;
    }
    return true;
}
/* Factors that are the same for all that is added up are applied once, after the sum: sums of one thing, scaled each in its way, as a
** batch norm's gradients are, become one sum. */
Node *rule_sum_factor(const Rewriting *rw, Node *n) {
    Factors f = {0};
    Node *x = NULL;
    if (!dtype_real(n->type->dtype) || !find_factors(rw, n, n->args[0], false, &f)) return NULL;
    if (!f.n || !(f.n_outside || f.negative)) return NULL;
    for (int below = 0; below < 2; below++)
        for (int i = 0; i < f.n; i++) {
            if (f.below[i] != (below == 1)) continue;
            if (below && !x) return NULL; /* 1 / x has no numerator here */
            x = !x ? f.in[i] : below ? ir_div(rw->g, x, f.in[i]) : ir_mul(rw->g, x, f.in[i]);
        }
    Node *sum = node_with_args(rw->g, n, &x);
    for (int i = 0; i < f.n_outside; i++) sum = f.divided[i] ? ir_div(rw->g, sum, f.out[i]) : ir_mul(rw->g, sum, f.out[i]);
    return f.negative ? ir_neg(rw->g, sum) : sum;
}
/* x - mean(x) over the summed axes, times factors that are the same for all: its sum is 0. */
static bool is_centred(const Rewriting *rw, const Node *sum, Node *x) {
    Factors f = {0};
    if (!find_factors(rw, sum, x, false, &f) || f.n != 1 || f.below[0] || f.in[0]->op != OP_sub) return false;
    const Node *v = f.in[0]->args[0], *m = f.in[0]->args[1];
    Node *mean = outside(rw, sum, (Node *)m);
    if (!mean || mean->op != OP_mul || mean->args[0]->op != OP_sum) return false;
    const Node *total = mean->args[0], *fill = node_fill(mean->args[1]);
    double count = (double)v->type->count / (double)sum->type->count;
    if (!fill || total->args[0] != v || !list_same(total->at->axes, sum->at->axes)) return false;
    return fabs(node_fill_value((Node *)fill) * count - 1) < 1e-6;
}
/* The terms of a sum that are not centred; NULL: all are. */
static Node *not_centred(const Rewriting *rw, const Node *sum, Node *x, int depth) {
    if (is_centred(rw, sum, x)) return NULL;
    if (x->op != OP_add || !depth) return x;
    Node *a = not_centred(rw, sum, x->args[0], depth - 1), *b = not_centred(rw, sum, x->args[1], depth - 1);
    if (!a || !b) return a ? a : b;
    return a == x->args[0] && b == x->args[1] ? x : ir_add(rw->g, a, b);
}
Node *rule_sum_centred(const Rewriting *rw, Node *n) {
    enum { DEEP = 8 };
    if (!dtype_real(n->type->dtype)) return NULL;
    Node *left = not_centred(rw, n, n->args[0], DEEP);
    if (left == n->args[0]) return NULL;
    return left ? node_with_args(rw->g, n, &left) : ir_fill(rw->g, 0, n->type);
}

/* ---- products. The axes of one as lists that can be edited. */
typedef struct Product {
    Node *side[2];
    int nb, nc, b[2][RANK_MAX], c[2][RANK_MAX];
} Product;
static Product product_of(const Node *n) {
    Product p = {.side = {n->args[0], n->args[1]}, .nb = n->at->lb.n, .nc = n->at->lc.n};
    for (int i = 0; i < p.nb; i++) p.b[0][i] = (int)n->at->lb.v[i], p.b[1][i] = (int)n->at->rb.v[i];
    for (int i = 0; i < p.nc; i++) p.c[0][i] = (int)n->at->lc.v[i], p.c[1][i] = (int)n->at->rc.v[i];
    return p;
}
static Node *product_make(const Rewriting *rw, const Product *p, const Node *like) {
    Attrs at = *like->at;
    at.lb = list_of_dims(rw->scratch, p->nb, p->b[0]), at.rb = list_of_dims(rw->scratch, p->nb, p->b[1]);
    at.lc = list_of_dims(rw->scratch, p->nc, p->c[0]), at.rc = list_of_dims(rw->scratch, p->nc, p->c[1]);
    return node_make(rw->g, OP_dot, 2, p->side, &at);
}
static int free_of(const Product *p, int side, int out[RANK_MAX]) {
    int n = 0;
    for (int i = 0; i < p->side[side]->type->rank; i++) {
        bool used = false;
        for (int j = 0; j < p->nb; j++) used |= p->b[side][j] == i;
        for (int j = 0; j < p->nc; j++) used |= p->c[side][j] == i;
        if (!used) out[n++] = i;
    }
    return n;
}
/* The operand without `axis`, along which it is the same; NULL: it is not known to be. */
static Node *without_axis(const Rewriting *rw, const Node *x, int axis) {
    if (x->op != OP_broadcast || list_has(x->at->dims, axis)) return NULL;
    i64 dims[RANK_MAX];
    int places[RANK_MAX] = {0}, rank = 0;
    for (int i = 0; i < x->type->rank; i++)
        if (i != axis) dims[rank++] = x->type->dims[i];
    for (int i = 0; i < x->at->dims.n; i++) places[i] = (int)x->at->dims.v[i] - (x->at->dims.v[i] > axis);
    return ir_broadcast(rw->g, x->args[0], rank, dims, places);
}
static void drop_axis(Product *p, int side, int axis) { /* renames what stood behind it */
    for (int i = 0; i < p->nb; i++) p->b[side][i] -= p->b[side][i] > axis;
    for (int i = 0; i < p->nc; i++) p->c[side][i] -= p->c[side][i] > axis;
}
/* Batch pair `pair` ends: it is a free axis of the other side only. The result's axis goes back to where it was. */
static Node *free_batch(const Rewriting *rw, const Node *n, int pair, int same, Node *smaller) {
    Product p = product_of(n);
    int axis[2] = {p.b[0][pair], p.b[1][pair]}, other = 1 - same, free[RANK_MAX], perm[RANK_MAX] = {0};
    p.nb--;
    for (int i = pair; i < p.nb; i++) p.b[0][i] = p.b[0][i + 1], p.b[1][i] = p.b[1][i + 1];
    p.side[same] = smaller;
    drop_axis(&p, same, axis[same]);
    Node *dot = product_make(rw, &p, n);
    int count = free_of(&p, 0, free), at = p.nb, place = 0;
    if (other == 1) at += count, count = free_of(&p, 1, free);
    for (int i = 0; i < count; i++)
        if (free[i] == axis[other]) at += i;
    for (int i = 0; i < n->type->rank; i++) {
        place += place == at;
        perm[i] = i == pair ? at : place++;
    }
    return ir_transpose(rw->g, dot, perm);
}
Node *rule_dot_batch_broadcast(const Rewriting *rw, Node *n) {
    for (int i = 0; i < n->at->lb.n; i++)
        for (int same = 1; same >= 0; same--) {
            Node *smaller = without_axis(rw, n->args[same], (int)(same ? n->at->rb : n->at->lb).v[i]);
            if (smaller) return free_batch(rw, n, i, same, smaller);
        }
    return NULL;
}
Node *rule_dot_free_broadcast(const Rewriting *rw, Node *n) {
    for (int side = 0; side < 2; side++) {
        Product p = product_of(n);
        int free[RANK_MAX], count = free_of(&p, side, free), left = side ? free_of(&p, 0, (int[RANK_MAX]){0}) : 0;
        for (int i = 0; i < count; i++) {
            Node *smaller = without_axis(rw, n->args[side], free[i]);
            if (!smaller) continue;
            p.side[side] = smaller;
            drop_axis(&p, side, free[i]);
            int at = p.nb + left + i;
            return ir_spread(rw->g, product_make(rw, &p, n), at, n->type->dims[at]);
        }
    }
    return NULL;
}
static Product swapped(const Product *p) {
    Product q = *p;
    for (int s = 0; s < 2; s++) {
        q.side[s] = p->side[1 - s];
        for (int i = 0; i < p->nb; i++) q.b[s][i] = p->b[1 - s][i];
        for (int i = 0; i < p->nc; i++) q.c[s][i] = p->c[1 - s][i];
    }
    return q;
}
/* Then its rows are read one after another. */
Node *rule_dot_sort(const Rewriting *rw, Node *n) {
    Product p = product_of(n);
    for (int i = 1; i < p.nc; i++)
        for (int j = i; j > 0 && p.c[1][j - 1] > p.c[1][j]; j--)
            for (int s = 0; s < 2; s++) {
                int axis = p.c[s][j];
                p.c[s][j] = p.c[s][j - 1];
                p.c[s][j - 1] = axis;
            }
    return product_make(rw, &p, n);
}
/* Columns are the right operand's free axes, and vectors lie along columns: the gradient of a layer with one output is better
** a row than a column. Where the left operand's last axis is contracted there is nothing side by side to gain. */
Node *rule_dot_orient(const Rewriting *rw, Node *n) {
    enum { MANY = 4 };
    Product p = product_of(n), q;
    int free[RANK_MAX], count = free_of(&p, 0, free);
    i64 rows = 1, columns = n->type->count;
    for (int i = 0; i < p.nb; i++) columns /= p.side[0]->type->dims[p.b[0][i]];
    for (int i = 0; i < count; i++) rows *= p.side[0]->type->dims[free[i]];
    columns /= rows;
    if (columns != 1 || rows < MANY || free[count - 1] != p.side[0]->type->rank - 1) return NULL;
    q = swapped(&p);
    return ir_reshape(rw->g, product_make(rw, &q, n), n->type->rank, n->type->dims);
}
Node *rule_dot_transpose(const Rewriting *rw, Node *n) {
    for (int side = 0; side < 2; side++) {
        const Node *t = n->args[side];
        if (t->op != OP_transpose) continue;
        Product p = product_of(n);
        int free[RANK_MAX], count = free_of(&p, side, free);
        bool rising = true;
        for (int i = 1; i < count; i++) rising &= t->at->perm.v[free[i - 1]] < t->at->perm.v[free[i]];
        if (!rising) continue;
        for (int i = 0; i < p.nb; i++) p.b[side][i] = (int)t->at->perm.v[p.b[side][i]];
        for (int i = 0; i < p.nc; i++) p.c[side][i] = (int)t->at->perm.v[p.c[side][i]];
        p.side[side] = t->args[0];
        return product_make(rw, &p, n);
    }
    return NULL;
}
/* What a loop carries from zero on, before each round: in the first it is zero, which adds nothing. */
Node *rule_dot_states(const Rewriting *rw, Node *n) {
    for (int side = 0; side < 2; side++) {
        const Node *x = n->args[side], *scan = x->op == OP_get ? x->args[0] : NULL;
        int place = list_place(side ? n->at->rc : n->at->lc, 0);
        if (!scan || place < 0 || x->at->index < scan->at->carry || scan->at->length < 2) continue;
        const Node *y = scan->at->body->results[x->at->index];
        if (y->op != OP_arg || y->at->index >= scan->at->carry || !node_is_fill(scan->args[y->at->index], 0)) continue;
        int axes[2] = {(int)n->at->lc.v[place], (int)n->at->rc.v[place]};
        i64 low = scan->at->reverse ? 0 : 1;
        Node *args[2];
        for (int i = 0; i < 2; i++) args[i] = ir_slice(rw->g, n->args[i], axes[i], low, low + scan->at->length - 1, 1);
        return node_with_args(rw->g, n, args);
    }
    return NULL;
}
/* A factor that is the same for all is applied to the product, where it costs nothing, instead of to an operand, which would be stored. */
Node *rule_dot_factor(const Rewriting *rw, Node *n) {
    for (int side = 0; side < 2; side++) {
        const Node *x = n->args[side];
        Node *args[2] = {n->args[0], n->args[1]};
        if (x->type->count < n->type->count || !dtype_real(n->type->dtype)) continue;
        if (x->op == OP_neg) {
            args[side] = x->args[0];
            return ir_neg(rw->g, node_with_args(rw->g, n, args));
        }
        for (int i = 0; x->op == OP_mul && i < 2; i++) {
            Node *fill = node_fill(x->args[i]);
            if (!fill) continue;
            args[side] = x->args[1 - i];
            return ir_mul(rw->g, node_with_args(rw->g, n, args), ir_broadcast(rw->g, fill, n->type->rank, n->type->dims, NULL));
        }
    }
    return NULL;
}
/* The transpose of a product is a product: batch axes in another order, the free axes of each side in another order (a
** transposed operand), the sides swapped. Each element is the same chain of a * b. Where free axes of the two sides mix, or
** stand before batch axes, it is none of these. */
Node *rule_transpose_dot(const Rewriting *rw, Node *n) {
    const Node *dot = n->args[0];
    if (dot->op != OP_dot || !rw->single[0]) return NULL;
    Product p = product_of(dot), q = p;
    int free[2][RANK_MAX], count[2] = {free_of(&p, 0, free[0]), free_of(&p, 1, free[1])}, rank = n->type->rank;
    const i64 *perm = n->at->perm.v;
    for (int i = 0; i < p.nb; i++) {
        if (perm[i] >= p.nb) return NULL;
        for (int s = 0; s < 2; s++) q.b[s][i] = p.b[s][perm[i]];
    }
    bool swap = p.nb < rank && perm[p.nb] >= p.nb + count[0];
    int at = p.nb;
    for (int turn = 0; turn < 2; turn++) {
        int side = swap ? 1 - turn : turn, first = p.nb + (side ? count[0] : 0), order[RANK_MAX], back[RANK_MAX];
        int axes[RANK_MAX]; /* the operand's axes, its free ones in the order that the result wants */
        for (int i = 0; i < p.side[side]->type->rank; i++) axes[i] = i;
        for (int i = 0; i < count[side]; i++) {
            order[i] = (int)perm[at++] - first;
            if (order[i] < 0 || order[i] >= count[side]) return NULL;
            axes[free[side][i]] = free[side][order[i]];
        }
        for (int i = 0; i < p.side[side]->type->rank; i++) back[axes[i]] = i;
        q.side[side] = ir_transpose(rw->g, p.side[side], axes);
        for (int i = 0; i < q.nb; i++) q.b[side][i] = back[q.b[side][i]];
        for (int i = 0; i < q.nc; i++) q.c[side][i] = back[q.c[side][i]];
    }
    if (swap) q = swapped(&q);
    return product_make(rw, &q, dot);
}

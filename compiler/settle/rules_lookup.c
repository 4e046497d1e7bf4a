/* rules_lookup.c: rows of rewrite.def on what is looked up in a table that has fewer rows than are looked up, as an embedding of 256
** symbols in a text of 4096: what is done with each row looked up is done with the table's rows instead, of which there are fewer.
** A product of the rows becomes rows of a product; where rows' cotangents are summed, they are put together first.
**
** take: x [P.. n R..], i [I..] -> [P.. I.. R..] (batch 0). put: y [P.. I.. R..], i [I..] -> [P.. n R..]. */
#include "simplify.h"

enum {
    FEWER = 4, /* rows looked up for each of the table, at least */
    LONG = 32  /* elements of a row from which on putting rows together costs less than the product that it makes small */
};
static bool fewer(i64 rows, const Node *index) { return rows * FEWER <= index->type->count; }

/* x = transpose(take(table, index)), or without transpose. Of each axis of x: which of the table it is, or which of the index. */
typedef struct Looked {
    Node *table, *index;
    int axis;                                     /* of the table, the one that is looked up in */
    int of_table[RANK_MAX], of_index[RANK_MAX]; /* -1: is none */
} Looked;
static bool looked_up(Node *x, Looked *l) {
    const Node *take = x->op == OP_transpose ? x->args[0] : x;
    if (take->op != OP_take || take->at->batch || !dtype_real(take->type->dtype)) return false;
    int axis = (int)take->at->axis, n_index = take->args[1]->type->rank;
    *l = (Looked){.table = take->args[0], .index = take->args[1], .axis = axis};
    for (int i = 0; i < x->type->rank; i++) {
        int a = take == x ? i : (int)x->at->perm.v[i];
        bool inside = a >= axis && a < axis + n_index;
        l->of_index[i] = inside ? a - axis : -1;
        l->of_table[i] = inside ? -1 : a < axis ? a : a - n_index + 1;
    }
    return n_index > 0 && fewer(l->table->type->dims[axis], l->index);
}
static List contracted(const Node *dot, int side) { return side ? dot->at->rc : dot->at->lc; }
/* The product with another operand on one side, whose contracted axes are `axes`, in the pairs of `dot`. */
static Node *dot_with(const Rewriting *rw, const Node *dot, int side, Node *operand, const int axes[RANK_MAX]) {
    Attrs at = *dot->at;
    Node *args[2] = {dot->args[0], dot->args[1]};
    args[side] = operand;
    *(side ? &at.rc : &at.lc) = list_of_dims(rw->scratch, at.lc.n, axes);
    return node_make(rw->g, OP_dot, 2, args, &at);
}

/* ---- rows of a product: all that is contracted is of the table. The result's axes go back to where they were. */
Node *rule_dot_take(const Rewriting *rw, Node *n) {
    if (n->at->lb.n || !n->at->lc.n) return NULL;
    for (int side = 0; side < 2; side++) {
        Looked l;
        int axes[RANK_MAX], perm[RANK_MAX];
        bool inside = looked_up(n->args[side], &l);
        for (int i = 0; i < n->at->lc.n && inside; i++) inside = (axes[i] = l.of_table[contracted(n, side).v[i]]) >= 0;
        if (!inside) continue;
        Node *dot = dot_with(rw, n, side, l.table, axes);
        int more = l.index->type->rank - 1, axis = dot_result_axis(dot, side, l.axis);
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < n->args[s]->type->rank; i++) {
                int to = dot_result_axis(n, s, i), picked = s == side ? l.of_index[i] : -1;
                if (to < 0) continue;
                int from = picked >= 0 ? axis : dot_result_axis(dot, s, s == side ? l.of_table[i] : i);
                perm[to] = picked >= 0 ? axis + picked : from + (from > axis ? more : 0);
            }
        return ir_transpose(rw->g, ir_take(rw->g, dot, l.index, axis, 0), perm);
    }
    return NULL;
}
/* A map of looked-up rows with what is the same for all of them is a map of the table. */
Node *rule_map_take(const Rewriting *rw, Node *n) {
    Node *args[3];
    const Node *take = NULL;
    Looked l;
    for (int i = 0; i < n->n_args; i++)
        if (n->args[i]->op == OP_take && rw->single[i]) take = n->args[i];
    if (!take || !looked_up((Node *)take, &l) || !dtype_real(n->type->dtype)) return NULL;
    int axis = l.axis, n_index = l.index->type->rank;
    for (int i = 0; i < n->n_args; i++) {
        const Node *x = n->args[i];
        int places[RANK_MAX] = {0};
        args[i] = l.table;
        if (x == take) continue;
        if (x->op != OP_broadcast) return NULL;
        for (int k = 0; k < x->at->dims.n; k++) {
            int place = (int)x->at->dims.v[k];
            if (place >= axis && place < axis + n_index) return NULL;
            places[k] = place < axis ? place : place - n_index + 1;
        }
        args[i] = ir_broadcast(rw->g, x->args[0], l.table->type->rank, l.table->type->dims, places);
    }
    return ir_take(rw->g, node_make(rw->g, n->op, n->n_args, args, n->at), l.index, axis, 0);
}
/* Axes of looked-up rows in another order, perm[rank]: the index turned, if only its own axes are moved. */
static Node *index_turned(const Rewriting *rw, int rank, const int *perm, Node *index, int axis) {
    int turned[RANK_MAX] = {0}, n_index = index->type->rank;
    for (int i = 0; i < rank; i++) {
        bool inside = i >= axis && i < axis + n_index;
        if (inside ? perm[i] < axis || perm[i] >= axis + n_index : perm[i] != i) return NULL;
        if (inside) turned[i - axis] = perm[i] - axis;
    }
    return ir_transpose(rw->g, index, turned);
}
Node *rule_transpose_take(const Rewriting *rw, Node *n) {
    const Node *take = n->args[0];
    int perm[RANK_MAX] = {0};
    if (take->op != OP_take || take->at->batch || !rw->single[0]) return NULL;
    for (int i = 0; i < n->type->rank; i++) perm[i] = (int)n->at->perm.v[i];
    Node *index = index_turned(rw, n->type->rank, perm, take->args[1], (int)take->at->axis);
    return index ? ir_take(rw->g, take->args[0], index, (int)take->at->axis, 0) : NULL;
}

/* ---- cotangents of rows: first put together, then multiplied */
Node *rule_put_transpose(const Rewriting *rw, Node *n) {
    const Node *t = n->args[0];
    int back[RANK_MAX] = {0};
    if (t->op != OP_transpose || n->at->batch) return NULL;
    for (int i = 0; i < t->type->rank; i++) back[t->at->perm.v[i]] = i;
    Node *index = index_turned(rw, t->type->rank, back, n->args[1], (int)n->at->axis);
    return index ? ir_put(rw->g, t->args[0], index, n->at->size, (int)n->at->axis, 0) : NULL;
}
/* The index as the contracted axes of the other operand have it, which are side by side from `first` on; NULL: they are not. */
static Node *index_beside(const Rewriting *rw, const Node *dot, int side, const Looked *l, int *first) {
    List mine = contracted(dot, side), other = contracted(dot, 1 - side);
    int perm[RANK_MAX] = {0}, n = l->index->type->rank;
    if (mine.n != n) return NULL;
    *first = (int)other.v[0];
    for (int i = 0; i < n; i++)
        if (other.v[i] < *first) *first = (int)other.v[i];
    for (int i = 0; i < n; i++) {
        int place = (int)other.v[i] - *first;
        if (l->of_index[mine.v[i]] < 0 || place >= n) return NULL;
        perm[place] = l->of_index[mine.v[i]];
    }
    return ir_transpose(rw->g, l->index, perm);
}
Node *rule_dot_looked(const Rewriting *rw, Node *n) {
    for (int side = 0; side < 2 && !n->at->lb.n && n->at->lc.n; side++) {
        Looked l;
        int first = 0, last = -1;
        if (!looked_up(n->args[side], &l)) continue;
        i64 rows = l.table->type->dims[l.axis];
        Node *index = index_beside(rw, n, side, &l, &first);
        bool rising = true;
        for (int i = 0; i < n->args[side]->type->rank; i++)
            if (l.of_table[i] >= 0) rising &= l.of_table[i] > last, last = l.of_table[i];
        if (!index || !rising || l.table->type->count / rows < LONG) continue;
        Node *args[2];
        int axes[2];
        args[side] = l.table, axes[side] = l.axis;
        args[1 - side] = ir_put(rw->g, n->args[1 - side], index, rows, first, 0), axes[1 - side] = first;
        return ir_dot(rw->g, args[0], args[1], 0, NULL, NULL, 1, &axes[0], &axes[1]);
    }
    return NULL;
}
/* The axis of the dot's operand from which on the put's index axes stand side by side; -1: they do not. */
static int picked_from(const Node *put, const Node *dot, int side) {
    int first = -1, axis = (int)put->at->axis, n_index = put->args[1]->type->rank, found = 0;
    for (int i = 0; i < dot->args[side]->type->rank; i++) {
        int at = dot_result_axis(dot, side, i) - axis;
        if (at < 0 || at >= n_index) continue;
        if (first < 0) first = i;
        if (at != i - first) return -1;
        found++;
    }
    return found == n_index ? first : -1;
}
Node *rule_put_dot(const Rewriting *rw, Node *n) {
    const Node *dot = n->args[0];
    Node *index = n->args[1];
    int n_index = index->type->rank, axes[RANK_MAX];
    if (dot->op != OP_dot || dot->at->lb.n || n->at->batch || !n_index || !rw->single[0] || !fewer(n->at->size, index)) return NULL;
    for (int side = 0; side < 2; side++) {
        int first = picked_from(n, dot, side);
        if (first < 0 || dot->type->count / index->type->count < LONG) continue;
        for (int i = 0; i < dot->at->lc.n; i++) {
            int axis = (int)contracted(dot, side).v[i];
            axes[i] = axis < first ? axis : axis - n_index + 1;
        }
        return dot_with(rw, dot, side, ir_put(rw->g, dot->args[side], index, n->at->size, first, 0), axes);
    }
    return NULL;
}

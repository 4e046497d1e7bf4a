/* fuse_rows.c: sums and maxima over the same axes of one shape become one kernel with the maps around them: a softmax with its loss, a
** layer norm, the largest gradient beside an optimizer's update, the sums of a batch norm beside what they are of. See fuse.h.
**
** ROWS fold the last axes: the full shape, and the first axes of it, its rows. Members are sums and maxima of full values to rows,
** maps of full values, maps of rows. What one member makes and another reads must meet it in place: full by full, row by row, or a
** row's value spread over its row. Where there are rows a row must fit L1; where all is folded to one number elements are met once.
** COLUMNS keep the last axis and fold others, all of them the same, cut alike, in chains: full elements are met once, so no full map
** may need a sum. */
#include "fuse.h"

enum {
    ROW_BYTES = 16 << 10,
    ROWS_NODES = 60,
    BESIDE = 64, /* readers of one value that are looked at */
    LONG = 1 << 15 /* elements from which a kernel on one thread is a loss */
};

typedef struct RowShape {
    const Type *full;
    int rows;         /* axes of the result */
    bool single;      /* one row */
    const Node *cols; /* columns: a sum of them; NULL: rows */
} RowShape;

static bool folds_axis(const Node *sum, int axis) {
    for (int i = 0; i < sum->at->axes.n; i++)
        if (sum->at->axes.v[i] == axis) return true;
    return false;
}
static RowShape shape_of(const Type *full, int rows) {
    RowShape s = {full, rows, true, NULL};
    for (int i = 0; i < rows; i++) s.single &= full->dims[i] == 1;
    return s;
}
static bool rows_of_anchor(const Node *node, RowShape *shape) {
    if (node->op != OP_sum && node->op != OP_amax) return false;
    const Type *x = node->args[0]->type;
    int rows = x->rank - (int)node->at->axes.n;
    bool last_ones = node->at->axes.v[0] == rows;
    *shape = shape_of(x, rows);
    if (node->op == OP_sum && !folds_axis(node, x->rank - 1) && node->at->order != ORDER_LANES) {
        shape->cols = node;
        shape->single = false;
        return true;
    }
    if (!last_ones || (node->op == OP_sum && node->at->cut > 1)) return false;
    i64 bytes = dtype_bytes(x->dtype);
    for (int i = rows; i < x->rank; i++) bytes *= x->dims[i];
    bool by_lanes = x->dims[x->rank - 1] >= 8;
    if (node->op == OP_sum && (node->at->order == ORDER_LANES) != by_lanes) return false;
    return shape->single || bytes <= ROW_BYTES;
}
static bool rows_of(const Cluster *c, RowShape *shape) {
    bool made = c->kind == PLAN_ROWS || c->kind == PLAN_COLS;
    return (made || (c->kind == PLAN_REDUCE && c->anchor && c->nodes.n == 1)) && rows_of_anchor(c->anchor, shape);
}
static bool is_row_shape(const Type *type, RowShape s) {
    int n = 0;
    if (type->rank != s.rows) return false;
    for (int i = 0; i < s.full->rank; i++) {
        bool kept = s.cols ? !folds_axis(s.cols, i) : i < s.rows;
        if (kept && type->dims[n++] != s.full->dims[i]) return false;
    }
    return true;
}
static bool same_columns(const Node *a, const Node *b) {
    if (!a != !b) return false;
    if (!a) return true;
    if (a->at->axes.n != b->at->axes.n || a->at->cut != b->at->cut || a->at->cut_axis != b->at->cut_axis) return false;
    for (int i = 0; i < a->at->axes.n; i++)
        if (a->at->axes.v[i] != b->at->axes.v[i]) return false;
    return true;
}
static bool fits(const Cluster *c, RowShape s) {
    RowShape own;
    if (c->kind == PLAN_MAP) return !c->join && (same_shape(c->space, s.full) || is_row_shape(c->space, s));
    return rows_of(c, &own) && own.rows == s.rows && same_shape(own.full, s.full) && same_columns(own.cols, s.cols);
}

/* ---- whether two clusters meet in place */

static bool is_spread(const Node *via, RowShape s) {
    if (via->op == OP_put) return via->at->axis == s.rows && same_shape(via->type, s.full);
    if (!same_shape(via->type, s.full) || via->at->dims.n != s.rows) return false;
    for (int i = 0; i < s.rows; i++)
        if (via->at->dims.v[i] != i) return false;
    return true;
}
static bool meets(const FuseRead *read, RowShape s) { return read->plain && (!read->via || (!s.cols && is_spread(read->via, s))); }
/* All that `c` reads of what `of` makes; *any: there is such. */
static bool reads_meet(Fuse *f, const Cluster *c, const Cluster *of, RowShape s, bool *any) {
    for (int i = 0; i < c->nodes.n; i++) {
        FuseReads reads = reads_of_node(f, c->nodes.v[i]);
        for (int k = 0; k < reads.n; k++) {
            if (cluster_of(f, reads.v[k].node) != of) continue;
            if (!meets(&reads.v[k], s)) return false;
            *any = true;
        }
    }
    return true;
}
/* Worth reading once: a value of the full shape in its place, or a large part of it, however it is spread. */
static bool is_load(const FuseRead *read, RowShape s) {
    if (read->node->type->dtype == DT_TUPLE) return false;
    bool whole = read->plain && !read->via && same_shape(read->node->type, s.full);
    return whole || read->node->type->count * 4 >= s.full->count;
}
/* Both read the same value. */
static bool share_load(Fuse *f, const Cluster *a, const Cluster *b, RowShape s) {
    for (int i = 0; i < a->nodes.n; i++) {
        FuseReads x = reads_of_node(f, a->nodes.v[i]);
        for (int k = 0; k < x.n; k++) {
            if (!is_load(&x.v[k], s)) continue;
            for (int j = 0; j < b->nodes.n; j++) {
                FuseReads y = reads_of_node(f, b->nodes.v[j]);
                for (int l = 0; l < y.n; l++)
                    if (y.v[l].node == x.v[k].node && is_load(&y.v[l], s)) return true;
            }
        }
    }
    return false;
}
/* With one number a row and one row, no full map may wait for the number: elements are met once. */
static bool waits_for_number(Fuse *f, const Cluster *maps, const Cluster *rows) {
    for (int i = 0; i < maps->nodes.n; i++) {
        if (maps->nodes.v[i]->type->count == 1) continue;
        FuseReads reads = reads_of_node(f, maps->nodes.v[i]);
        for (int k = 0; k < reads.n; k++)
            if (cluster_of(f, reads.v[k].node) == rows && reads.v[k].node->type->count == 1) return true;
    }
    return false;
}
static bool has_sum(const Cluster *c) {
    for (int i = 0; i < c->nodes.n; i++)
        if (c->nodes.v[i]->op == OP_sum) return true;
    return false;
}
/* Maps that would lose more on the one thread of a chain than the sum gains by not reading them back: beside columns the dear ones. */
static bool has_full_maps(const Cluster *c, RowShape s) {
    for (int i = 0; i < c->nodes.n; i++) {
        const Node *node = c->nodes.v[i];
        if (is_map_like(node) && same_shape(node->type, s.full) && (!s.cols || is_dear(node))) return true;
    }
    return false;
}
static bool may_be_rows(Fuse *f, const Cluster *a, const Cluster *b, RowShape s) {
    bool linked = false;
    if (!fits(b, s) || a->nodes.n + b->nodes.n > ROWS_NODES) return false;
    if (!reads_meet(f, a, b, s, &linked) || !reads_meet(f, b, a, s, &linked)) return false;
    if (!linked && !share_load(f, a, b, s)) return false;
    bool chain = s.single || (s.cols && s.cols->at->cut <= 1); /* a long sum keeps its maps on one thread */
    if (s.single && (waits_for_number(f, b, a) || waits_for_number(f, a, b))) return false;
    if (chain && s.full->count >= LONG && (has_sum(a) || has_sum(b)) && (has_full_maps(a, s) || has_full_maps(b, s))) return false;
    return cluster_may_merge(f, a, b);
}

/* ---- merging */

static void make_rows(Fuse *f, Cluster *c, RowShape s) {
    if (c->kind != PLAN_REDUCE) return;
    c->kind = s.cols ? PLAN_COLS : PLAN_ROWS;
    c->full = s.full;
    c->space = type_with_dtype(f->p->graph, c->anchor->type, s.full->dtype);
}
/* The first cluster that reads it, is read by it, or reads beside it, and may be merged. */
static void consider(Fuse *f, const Cluster *c, int id, RowShape s, Cluster **best) {
    Cluster *other = cluster_root(f, id);
    if (other == c || (*best && (*best)->id <= other->id)) return;
    if (may_be_rows(f, c, other, s)) *best = other;
}
static Cluster *partner(Fuse *f, const Cluster *c, RowShape s) {
    Cluster *best = NULL;
    for (int i = 0; i < c->nodes.n; i++) {
        const NodeFacts *facts = facts_of(f, c->nodes.v[i]);
        FuseReads reads = reads_of_node(f, c->nodes.v[i]);
        for (int k = 0; k < facts->readers.n; k++) consider(f, c, facts->readers.v[k], s, &best);
        for (int r = 0; r < reads.n; r++) {
            const NodeFacts *read = facts_of(f, reads.v[r].node);
            if (read->cluster >= 0) consider(f, c, read->cluster, s, &best);
            for (int k = 0; k < read->readers.n && k < BESIDE; k++) consider(f, c, read->readers.v[k], s, &best);
        }
    }
    return best;
}
void fuse_rows(Fuse *f) {
    fuse_readers(f);
    for (int i = 0; i < f->clusters.n; i++) {
        Cluster *c = f->clusters.v[i];
        RowShape s;
        if (c->into >= 0 || !rows_of(c, &s)) continue;
        for (Cluster *other; (other = partner(f, c, s));) {
            cluster_merge(f, c, other);
            make_rows(f, c, s);
        }
        if ((s.single && c->anchor->op == OP_amax) || s.cols) make_rows(f, c, s); /* even alone: it can be shared out */
    }
}

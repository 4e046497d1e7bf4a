/* fuse_update.c: an optimizer's update, and the largest gradient beside it, is part of the kernel whose product is the gradient. See fuse.h.
**
** What the update reads and writes comes to the caches while the product is computed, and the gradient never goes to memory. Not where the update
** waits for anything else that reads the gradient, as a length of all gradients together; not of narrow weights, whose product is
** better computed turned, nor of small ones, which the nearest cache holds. */
#include "fuse.h"

enum {
    NARROW = 32,    /* elements of a row */
    SMALL = 1 << 14 /* elements */
};

/* Maps with maxima over all, or alone, of which one replaces a leaf. */
static bool is_update(const Fuse *f, const Cluster *c) {
    if (c->into >= 0 || c->join || (c->kind != PLAN_MAP && c->kind != PLAN_ROWS)) return false;
    bool replaces = false;
    for (int i = 0; i < c->nodes.n; i++) {
        const Node *node = c->nodes.v[i];
        replaces |= facts_of(f, node)->replaces;
        if (node->op != OP_amax && op_loop_class(node->op) != LOOP_map) return false;
        if (node->op == OP_amax ? node->type->count > 1 : !same_shape(node->type, c->full ? c->full : c->space)) return false;
    }
    return replaces;
}
/* The product that the update reads, element by element. */
static Cluster *gradient_of(Fuse *f, const Cluster *c) {
    const Type *full = c->full ? c->full : c->space;
    Cluster *product = NULL;
    for (int i = 0; i < c->before.n; i++) {
        Cluster *a = cluster_root(f, c->before.v[i]);
        if (a->kind != PLAN_REDUCE || a->anchor->op != OP_dot || a->full || !same_shape(a->space, full)) continue;
        if (product) return NULL;
        product = a;
    }
    if (!product || full->rank < 2 || full->dims[full->rank - 1] < NARROW || full->count < SMALL) return NULL;
    for (int i = 0; i < c->nodes.n; i++) {
        FuseReads reads = reads_of_node(f, c->nodes.v[i]);
        for (int k = 0; k < reads.n; k++)
            if (cluster_of(f, reads.v[k].node) == product && (!reads.v[k].plain || reads.v[k].via)) return NULL;
    }
    return cluster_may_merge(f, product, c) ? product : NULL;
}
void fuse_updates(Fuse *f) {
    for (int i = 0; i < f->clusters.n && !f->body->scan; i++) {
        Cluster *c = f->clusters.v[i], *product = is_update(f, c) ? gradient_of(f, c) : NULL;
        if (!product) continue;
        product->full = c->full;
        product->update = true;
        cluster_merge(f, product, c);
    }
}

/* fuse.c: which nodes are computed together, above level 0. See fuse.h.
**
** In steps: every anchor is a cluster; maps join maps of the same shape that they read, or read beside; a cluster of maps that one sum or
** maximum alone reads goes into it; else it follows the anchor whose result it reads, over the same shape, unless it would load
** several other values of that size there (an optimizer's update is a kernel of its own). */
#include "fuse.h"

enum {
    FAR = 64,          /* steps of the walk across which a map joins others only if it reads nothing else */
    FOLLOW_LOADS = 2,  /* values as large as the result that the maps after an anchor may load */
    CLUSTER_NODES = 60,
    SEARCH_CLUSTERS = 3000
};

/* ---- clusters */

Cluster *cluster_root(const Fuse *f, int id) {
    while (f->clusters.v[id]->into >= 0) id = f->clusters.v[id]->into;
    return f->clusters.v[id];
}
Cluster *cluster_of(const Fuse *f, const Node *node) {
    const NodeFacts *facts = facts_of(f, node);
    return facts && facts->cluster >= 0 ? cluster_root(f, facts->cluster) : NULL;
}
static Cluster *cluster_new(Fuse *f, PlanKind kind, const Node *anchor, const Type *space) {
    Cluster *c = ARENA_NEW(f->arena, Cluster);
    *c = (Cluster){.id = f->clusters.n, .into = -1, .kind = kind, .anchor = anchor, .space = space, .first = f->nodes.n, .last = -1};
    vec_push(f->arena, &f->clusters, c);
    return c;
}
static void add_before(Fuse *f, Cluster *c, const Cluster *before) {
    if (before == c) return;
    for (int i = 0; i < c->before.n; i++)
        if (cluster_root(f, c->before.v[i]) == before) return;
    vec_push(f->arena, &c->before, before->id);
}
static void cluster_add(Fuse *f, Cluster *c, const Node *node, const FuseReads *reads) {
    NodeFacts *facts = facts_of(f, node);
    facts->cluster = c->id;
    vec_push(f->arena, &c->nodes, node);
    if (facts->number < c->first) c->first = facts->number;
    if (facts->number > c->last) c->last = facts->number;
    for (int i = 0; i < reads->n; i++) {
        Cluster *before = cluster_of(f, reads->v[i].node);
        if (before) add_before(f, c, before);
    }
}
/* Numbers in the walk bound nothing here: a cluster's late node may read what runs long after its early one. */
bool cluster_reaches(Fuse *f, const Cluster *sooner, const Cluster *later, bool direct) {
    int search = ++f->search, left = SEARCH_CLUSTERS;
    f->todo.n = 0;
    vec_push(f->arena, &f->todo, later);
    for (bool at_start = true; f->todo.n; at_start = false) {
        const Cluster *c = f->todo.v[--f->todo.n];
        for (int i = 0; i < c->before.n; i++) {
            Cluster *before = cluster_root(f, c->before.v[i]);
            if (before == sooner) {
                if (!at_start || direct) return true;
                continue;
            }
            if (before == later || before->seen == search) continue;
            if (left-- == 0) return true; /* perhaps: what is merged less is still right */
            before->seen = search;
            vec_push(f->arena, &f->todo, before);
        }
    }
    return false;
}
/* No third cluster between them, in either direction. */
bool cluster_may_merge(Fuse *f, const Cluster *a, const Cluster *b) {
    return !cluster_reaches(f, a, b, false) && !cluster_reaches(f, b, a, false);
}
void cluster_merge(Fuse *f, Cluster *into, Cluster *from) {
    VEC(const Node *) nodes = {0};
    for (int i = 0, k = 0; i < into->nodes.n || k < from->nodes.n;) { /* by number */
        bool first = k == from->nodes.n || (i < into->nodes.n && facts_of(f, into->nodes.v[i])->number < facts_of(f, from->nodes.v[k])->number);
        const Node *node = first ? into->nodes.v[i++] : from->nodes.v[k++];
        vec_push(f->arena, &nodes, node);
    }
    memcpy(&into->nodes, &nodes, sizeof nodes);
    from->into = into->id;
    if (from->first < into->first) into->first = from->first;
    if (from->last > into->last) into->last = from->last;
    VEC(int) all = {0};
    for (int i = 0; i < into->before.n; i++) vec_push(f->arena, &all, into->before.v[i]);
    for (int i = 0; i < from->before.n; i++) vec_push(f->arena, &all, from->before.v[i]);
    into->before.n = 0;
    for (int i = 0; i < all.n; i++) add_before(f, into, cluster_root(f, all.v[i]));
}
/* Of the affines of a widened value: none but the next one reads it. */
static bool is_part_only(const Fuse *f, const Node *x) {
    const NodeFacts *facts = facts_of(f, x);
    if (facts->kept) return true; /* the whole */
    return facts->users.n == 1 && facts_of(f, facts->users.v[0])->widens && is_part_only(f, facts->users.v[0]);
}
bool is_read_outside(const Fuse *f, const Cluster *c, const Node *node) {
    const NodeFacts *facts = facts_of(f, node);
    if (facts->kept || facts->result) return true;
    for (int i = 0; i < facts->users.n; i++) {
        const Node *user = facts->users.v[i];
        const Cluster *by = cluster_of(f, user);
        bool whole = user->op == OP_concat || (facts_of(f, user)->widens && is_part_only(f, user));
        if (whole && facts->parts.n) continue; /* it is put there */
        if (by && by != c) return true;
        if (!by && is_read_outside(f, c, user)) return true; /* a free node, read by others */
    }
    return false;
}

/* ---- maps with maps */

/* Whether what the cluster makes is read by the node at other elements than its own. */
static bool reads_moved(const Fuse *f, const FuseReads *reads, const Cluster *c) {
    for (int i = 0; i < reads->n; i++)
        if (reads->v[i].moved && cluster_of(f, reads->v[i].node) == c) return true;
    return false;
}
static bool node_reads_moved(Fuse *f, const Cluster *from, const Cluster *c) {
    for (int i = 0; i < from->nodes.n; i++) {
        if (from->nodes.v[i] == from->anchor) continue;
        FuseReads reads = reads_of_node(f, from->nodes.v[i]);
        if (reads_moved(f, &reads, c)) return true;
    }
    return false;
}
/* A node may go into a cluster it reads if none of the others it reads has to run after that one. */
static bool may_join(Fuse *f, const Node *node, const FuseReads *reads, Cluster *c) {
    if (c->sums_only != facts_of(f, node)->sums_only) return false;
    if (c->kind != PLAN_MAP || c->join || !same_shape(c->space, node->type) || c->nodes.n >= CLUSTER_NODES) return false;
    if (reads_moved(f, reads, c)) return false;
    bool only = true;
    for (int i = 0; i < reads->n; i++) {
        Cluster *other = cluster_of(f, reads->v[i].node);
        if (other == c) continue;
        only &= reads->v[i].node->type->count == 1;
        if (other && cluster_reaches(f, c, other, true)) return false;
    }
    return only || facts_of(f, node)->number - c->last <= FAR;
}
/* A cluster of maps that reads the same value of the node's shape. */
static Cluster *beside(Fuse *f, const Node *node, const FuseReads *reads) {
    for (int i = 0; i < reads->n; i++) {
        if (reads->v[i].moved || !same_shape(reads->v[i].node->type, node->type)) continue;
        for (int k = f->clusters.n - 1; k >= 0 && k >= f->clusters.n - 8; k--) {
            Cluster *c = f->clusters.v[k];
            if (c->into >= 0 || c->kind != PLAN_MAP) continue;
            for (int n = 0; n < c->nodes.n; n++) {
                FuseReads theirs = reads_of_node(f, c->nodes.v[n]);
                for (int r = 0; r < theirs.n; r++)
                    if (theirs.v[r].node == reads->v[i].node && !theirs.v[r].moved && may_join(f, node, reads, c)) return c;
            }
        }
    }
    return NULL;
}
static void place_map(Fuse *f, const Node *node) {
    FuseReads reads = reads_of_node(f, node);
    Cluster *home = NULL;
    for (int i = 0; i < reads.n; i++) {
        Cluster *c = cluster_of(f, reads.v[i].node);
        if (!c || c == home || !may_join(f, node, &reads, c)) continue;
        if (!home) {
            home = c;
        } else if (cluster_may_merge(f, home, c) && home->nodes.n + c->nodes.n < CLUSTER_NODES && !node_reads_moved(f, home, c) && !node_reads_moved(f, c, home)) {
            cluster_merge(f, home, c);
        }
    }
    if (!home) home = beside(f, node, &reads);
    if (!home) {
        home = cluster_new(f, PLAN_MAP, NULL, node->type);
        home->sums_only = facts_of(f, node)->sums_only;
    }
    cluster_add(f, home, node, &reads);
}

/* ---- maps with anchors */

static PlanKind anchor_kind(const Node *node) {
    switch ((int)node->op) {
    case OP_put: return PLAN_PUT;
    case OP_top: return PLAN_TOP;
    case OP_scan: return PLAN_SCAN;
    default: return PLAN_REDUCE;
    }
}
static void place_anchor(Fuse *f, const Node *node) {
    FuseReads reads = reads_of_node(f, node);
    Cluster *c = cluster_new(f, anchor_kind(node), node, node->type);
    c->join = node->op == OP_concat || is_widening(node);
    if (c->join) c->kind = PLAN_MAP;
    cluster_add(f, c, node, &reads);
}
bool is_dear(const Node *node) { return node->op == OP_take || op_is_transcendental(node->op); }
/* May compute what it reads where it reads it: a sum or maximum its operand, maps what lies under views of theirs. */
static bool takes_in(const Cluster *by, const Node *user, bool maps) {
    bool folds = user->op == OP_sum || user->op == OP_amax;
    if (by->join || by->nodes.n >= CLUSTER_NODES) return false;
    if (folds) return by->kind == PLAN_REDUCE || by->kind == PLAN_COLS;
    return maps && (by->kind == PLAN_MAP || by->kind == PLAN_COLS) && is_map_like(user);
}
/* The cluster that alone reads what this one makes, each element once, and may take it in; maps: also into maps. */
static Cluster *only_reader(Fuse *f, const Cluster *c, bool maps) {
    Cluster *reader = NULL;
    for (int i = 0; i < c->nodes.n; i++) {
        const NodeFacts *facts = facts_of(f, c->nodes.v[i]);
        if (facts->kept) return NULL;
        VEC(const Node *) todo = {0};
        for (int k = 0; k < facts->users.n; k++) vec_push(f->arena, &todo, facts->users.v[k]);
        while (todo.n) {
            const Node *user = todo.v[--todo.n];
            const NodeFacts *user_facts = facts_of(f, user);
            Cluster *by = cluster_of(f, user);
            if (by == c) continue;
            if (!by) {
                if (user_facts->result) return NULL;
                for (int k = 0; k < user_facts->users.n; k++) vec_push(f->arena, &todo, user_facts->users.v[k]);
                continue;
            }
            if (!takes_in(by, user, maps) || (reader && reader != by)) return NULL;
            reader = by;
        }
    }
    if (!reader) return NULL;
    bool dear = false, moved = false;
    for (int i = 0; i < c->nodes.n; i++) dear |= is_dear(c->nodes.v[i]);
    for (int i = 0; i < reader->nodes.n; i++) {
        FuseReads reads = reads_of_node(f, reader->nodes.v[i]);
        for (int k = 0; k < reads.n; k++) {
            if (cluster_of(f, reads.v[k].node) != c) continue;
            if (reads.v[k].repeated) return NULL;
            moved |= reads.v[k].moved && is_map_like(reader->nodes.v[i]);
        }
    }
    return dear && moved ? NULL : reader;
}
static int large_loads(Fuse *f, const Cluster *c, const Cluster *anchor) {
    VEC(const Node *) loads = {0};
    for (int i = 0; i < c->nodes.n; i++) {
        FuseReads reads = reads_of_node(f, c->nodes.v[i]);
        for (int k = 0; k < reads.n; k++) {
            const Node *x = reads.v[k].node;
            if (cluster_of(f, x) == c || cluster_of(f, x) == anchor || x->type->dtype == DT_TUPLE || x->type->count * 2 < c->space->count) continue;
            bool known = false;
            for (int n = 0; n < loads.n && !known; n++) known = loads.v[n] == x;
            if (!known) vec_push(f->arena, &loads, x);
        }
    }
    return loads.n;
}
/* The anchor that the maps may follow: over its own shape, read element by element. */
static Cluster *followed(Fuse *f, const Cluster *c) {
    Cluster *best = NULL;
    for (int i = 0; i < c->before.n; i++) {
        Cluster *a = cluster_root(f, c->before.v[i]);
        if (a->kind != PLAN_REDUCE || !same_shape(a->space, c->space) || node_reads_moved(f, c, a)) continue;
        if (cluster_reaches(f, a, c, false) || a->nodes.n + c->nodes.n > CLUSTER_NODES) continue;
        if (large_loads(f, c, a) > FOLLOW_LOADS) continue;
        if (!best || a->last > best->last) best = a;
    }
    return best;
}
static bool is_alone(const Cluster *c) { return c->into < 0 && c->kind == PLAN_MAP && !c->join; }
/* What replaces a leaf: it streams through memory of its own, in a kernel of its own. */
static bool is_update(const Fuse *f, const Cluster *c) {
    for (int i = 0; i < c->nodes.n && !f->body->scan; i++)
        if (facts_of(f, c->nodes.v[i])->replaces) return true;
    return false;
}
/* Maps follow products at once; what sums need comes after their kernels have found together. */
static void follow_products(Fuse *f) {
    for (int i = 0; i < f->clusters.n; i++) {
        Cluster *c = f->clusters.v[i];
        if (!is_alone(c) || c->sums_only || is_update(f, c) || only_reader(f, c, false)) continue;
        Cluster *anchor = followed(f, c);
        if (anchor && anchor->anchor->op == OP_dot) cluster_merge(f, anchor, c);
    }
}
static void join_anchors(Fuse *f) {
    for (int i = f->clusters.n - 1; i >= 0; i--) { /* readers first: a chain of maps and sums folds up from its end */
        Cluster *c = f->clusters.v[i];
        Cluster *reader = is_alone(c) ? only_reader(f, c, true) : NULL;
        if (!reader || !cluster_may_merge(f, c, reader)) continue;
        reader->mixed = true;
        cluster_merge(f, reader, c);
    }
    for (int i = 0; i < f->clusters.n; i++) {
        Cluster *c = f->clusters.v[i];
        Cluster *anchor = is_alone(c) && !c->mixed && !is_update(f, c) ? followed(f, c) : NULL;
        if (anchor) cluster_merge(f, anchor, c);
    }
}

Groups fuse_body(Planner *p, const PlanBody *body) {
    Fuse f = {.p = p, .body = body, .arena = p->scratch};
    fuse_facts(&f);
    for (int i = 0; i < f.nodes.n; i++) {
        const Node *node = f.nodes.v[i];
        if (facts_of(&f, node)->cluster != -2) continue;
        bool map = is_map_like(node) || (is_addressing(node) && !is_widening(node));
        if (map) place_map(&f, node);
        else place_anchor(&f, node);
    }
    follow_products(&f);
    fuse_rows(&f);
    join_anchors(&f);
    if (p->plan->options.level >= 2) fuse_updates(&f);
    return fuse_order(&f);
}

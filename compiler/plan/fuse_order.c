/* fuse_order.c: clusters into groups, in an order in which they can run. See fuse.h.
**
** Of those that can run, the one that leaves most memory free: the gradient of a layer is made, and used up in its update, while
** what it needs is still near. Then the one that could not run before; then the first in the walk. Where a result replaces a
** parameter, the readers of the parameter run before its maker if they can: it can then be replaced in place. */
#include "fuse.h"

static void replace_last(Fuse *f) {
    const Func *func = f->body->func;
    const Node **by_param = ARENA_ARRAY(f->arena, const Node *, func->n_params);
    for (int i = 0; i < f->nodes.n; i++)
        if (f->nodes.v[i]->op == OP_arg) by_param[f->nodes.v[i]->at->index] = f->nodes.v[i];
    fuse_readers(f);
    for (int i = 0; i < func->n_results; i++) {
        int param = f->body->replaces[i];
        Cluster *maker = param >= 0 && by_param[param] ? cluster_of(f, func->results[i]) : NULL;
        if (!maker) continue;
        const NodeFacts *facts = facts_of(f, by_param[param]);
        for (int k = 0; k < facts->readers.n; k++) {
            Cluster *c = cluster_root(f, facts->readers.v[k]);
            if (c == maker || cluster_reaches(f, maker, c, true)) continue;
            vec_push(f->arena, &maker->before, c->id);
        }
    }
}

/* ---- wholes of parts */

static bool stores_parts(const Cluster *c) {
    return c && !c->join && (c->kind == PLAN_MAP || c->kind == PLAN_REDUCE || c->kind == PLAN_ROWS || c->kind == PLAN_COLS);
}
/* Parts that a kernel makes element by element are stored where they belong by it. */
static void place_parts(Fuse *f) {
    for (int i = 0; i < f->clusters.n; i++) {
        const Cluster *c = f->clusters.v[i];
        if (c->into >= 0 || !c->join) continue;
        JoinParts parts = join_parts(f->p, c->anchor);
        for (int k = 0; k < parts.n; k++) {
            NodeFacts *facts = facts_of(f, parts.v[k].node);
            if (facts && stores_parts(cluster_of(f, parts.v[k].node))) vec_push(f->arena, &facts->parts, parts.v[k]);
        }
        for (const Node *x = c->anchor; is_widening(x); x = x->args[0]) facts_of(f, x)->widens = true;
    }
}
typedef VEC(Group *) GroupList;
/* The parts that nobody has put there. */
static void add_parts(Fuse *f, GroupList *list, const Node *whole) {
    JoinParts parts = join_parts(f->p, whole);
    for (int i = 0; i < parts.n; i++) {
        const NodeFacts *facts = facts_of(f, parts.v[i].node);
        if (facts && facts->parts.n) continue;
        Group *group = ARENA_NEW(f->arena, Group);
        group->kind = PLAN_MAP;
        vec_push(f->arena, &group->parts, parts.v[i]);
        vec_push(f->arena, list, group);
    }
}
static void add_group(Fuse *f, GroupList *list, const Cluster *c) {
    if (c->join) {
        add_parts(f, list, c->anchor);
        return;
    }
    Group *group = ARENA_NEW(f->arena, Group);
    *group = (Group){.kind = c->kind, .anchor = c->anchor, .full = c->full, .update = c->update};
    for (int i = 0; i < c->nodes.n; i++) {
        const NodeFacts *facts = facts_of(f, c->nodes.v[i]);
        bool folds = c->nodes.v[i]->op == OP_sum || c->nodes.v[i]->op == OP_amax;
        if (c->full && folds) vec_push(f->arena, &group->anchors, c->nodes.v[i]);
        if (c->kind == PLAN_SCAN || is_read_outside(f, c, c->nodes.v[i])) vec_push(f->arena, &group->roots, c->nodes.v[i]);
        for (int k = 0; k < facts->parts.n; k++) vec_push(f->arena, &group->parts, facts->parts.v[k]);
    }
    nnc_check(group->roots.n || group->parts.n, "a kernel that nobody reads");
    vec_push(f->arena, list, group);
}
/* ---- order */

typedef struct Turn {
    i64 made;        /* bytes that a cluster stores; results have their places already */
    int readers;     /* clusters that read it and have not run */
    VEC(int) after;  /* those */
    int ready_at;    /* when the last that it waits for had run */
} Turn;

static i64 bytes_made(const Fuse *f, const Cluster *c) {
    i64 bytes = 0;
    if (c->join) return type_bytes(c->anchor->type);
    for (int i = 0; i < c->nodes.n; i++) {
        const Node *node = c->nodes.v[i];
        if (node->type->dtype != DT_TUPLE) {
            if (!facts_of(f, node)->result && is_read_outside(f, c, node)) bytes += type_bytes(node->type);
            continue;
        }
        for (int k = 0; k < node->type->rank; k++) bytes += type_bytes(node->type->parts[k]);
    }
    return bytes;
}
/* Memory that is free when it has run, less what it takes. */
static i64 gain(const Fuse *f, const Turn *turns, const Cluster *c) {
    i64 bytes = -turns[c->id].made;
    for (int i = 0; i < c->before.n; i++) {
        const Cluster *before = cluster_root(f, c->before.v[i]);
        if (before != c && turns[before->id].readers == 1) bytes += turns[before->id].made;
    }
    return bytes;
}
static bool goes_first(const Fuse *f, const Turn *turns, const Cluster *a, const Cluster *b) {
    i64 x = gain(f, turns, a), y = gain(f, turns, b);
    if (x != y) return x > y;
    if (turns[a->id].ready_at != turns[b->id].ready_at) return turns[a->id].ready_at > turns[b->id].ready_at;
    return a->last < b->last;
}
Groups fuse_order(Fuse *f) {
    replace_last(f);
    place_parts(f);
    Turn *turns = ARENA_ARRAY(f->arena, Turn, f->clusters.n);
    VEC(Cluster *) ready = {0};
    int left = 0;
    for (int i = 0; i < f->clusters.n; i++) {
        Cluster *c = f->clusters.v[i];
        if (c->into >= 0) continue;
        left++;
        turns[i].made = bytes_made(f, c);
        for (int k = 0; k < c->before.n; k++) {
            Cluster *before = cluster_root(f, c->before.v[k]);
            if (before == c) continue;
            vec_push(f->arena, &turns[before->id].after, i);
            turns[before->id].readers++;
            c->waits++;
        }
        if (!c->waits) vec_push(f->arena, &ready, c);
    }
    GroupList list = {0};
    for (int time = 1; ready.n; left--, time++) {
        int best = 0;
        for (int i = 1; i < ready.n; i++)
            if (goes_first(f, turns, ready.v[i], ready.v[best])) best = i;
        Cluster *c = ready.v[best];
        ready.v[best] = ready.v[--ready.n];
        add_group(f, &list, c);
        for (int k = 0; k < c->before.n; k++) {
            const Cluster *before = cluster_root(f, c->before.v[k]);
            if (before != c) turns[before->id].readers--;
        }
        for (int k = 0; k < turns[c->id].after.n; k++) {
            Cluster *next = f->clusters.v[turns[c->id].after.v[k]];
            turns[next->id].ready_at = time;
            if (--next->waits == 0) vec_push(f->arena, &ready, next);
        }
    }
    nnc_check(!left, "kernels wait for each other");
    return (Groups){list.n, list.v};
}

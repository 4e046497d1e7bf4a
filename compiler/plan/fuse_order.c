/* fuse_order.c: clusters into groups, in an order in which they can run. See fuse.h.
**
** Of those that can run, the one whose last node comes first in the walk. Where a result replaces a parameter, the readers of the
** parameter run before its maker if they can: it can then be replaced in place. */
#include "fuse.h"

static void replace_last(Fuse *f) {
    const Func *func = f->body->func;
    for (int i = 0; i < func->n_results; i++) {
        int param = f->body->replaces[i];
        Cluster *maker = param >= 0 ? cluster_of(f, func->results[i]) : NULL;
        if (!maker) continue;
        for (int k = 0; k < f->clusters.n; k++) {
            Cluster *c = f->clusters.v[k];
            if (c->into >= 0 || c == maker) continue;
            bool reads_it = false;
            for (int n = 0; n < c->nodes.n && !reads_it; n++) {
                FuseReads reads = reads_of_node(f, c->nodes.v[n]);
                for (int r = 0; r < reads.n; r++) reads_it |= reads.v[r].node->op == OP_arg && reads.v[r].node->at->index == param;
            }
            if (!reads_it || cluster_reaches(f, maker, c, true)) continue;
            vec_push(f->arena, &maker->before, c->id);
        }
    }
}

/* ---- a heap of clusters that can run */
typedef VEC(Cluster *) Heap;
static bool sooner(const Cluster *a, const Cluster *b) { return a->last < b->last; }
static void heap_push(Arena *arena, Heap *heap, Cluster *c) {
    vec_push(arena, heap, c);
    for (int i = heap->n - 1; i > 0 && sooner(heap->v[i], heap->v[(i - 1) / 2]); i = (i - 1) / 2) {
        Cluster *swap = heap->v[i];
        heap->v[i] = heap->v[(i - 1) / 2];
        heap->v[(i - 1) / 2] = swap;
    }
}
static Cluster *heap_pop(Heap *heap) {
    Cluster *top = heap->v[0];
    heap->v[0] = heap->v[--heap->n];
    for (int i = 0;;) {
        int least = i;
        for (int k = 2 * i + 1; k <= 2 * i + 2; k++)
            if (k < heap->n && sooner(heap->v[k], heap->v[least])) least = k;
        if (least == i) return top;
        Cluster *swap = heap->v[i];
        heap->v[i] = heap->v[least];
        heap->v[least] = swap;
        i = least;
    }
}

/* ---- concats */

/* Parts that a kernel of maps or an anchor makes are stored into the concat by it. */
static void place_parts(Fuse *f) {
    for (int i = 0; i < f->nodes.n; i++) {
        const Node *concat = f->nodes.v[i];
        i64 shift = 0;
        for (int k = 0; concat->op == OP_concat && k < concat->n_args; k++) {
            const Node *part = concat->args[k];
            const Cluster *c = cluster_of(f, part);
            if (c && !c->join && (c->kind == PLAN_MAP || c->kind == PLAN_REDUCE))
                vec_push(f->arena, &facts_of(f, part)->parts, ((GroupPart){part, concat, shift}));
            shift += part->type->dims[concat->at->axis];
        }
    }
}
typedef VEC(Group *) GroupList;
/* The parts that nobody has put there. */
static void add_parts(Fuse *f, GroupList *list, const Node *concat) {
    i64 shift = 0;
    for (int i = 0; i < concat->n_args; i++) {
        const Node *part = concat->args[i];
        if (!facts_of(f, part)->parts.n) {
            Group *group = ARENA_NEW(f->arena, Group);
            group->kind = PLAN_MAP;
            vec_push(f->arena, &group->parts, ((GroupPart){part, concat, shift}));
            vec_push(f->arena, list, group);
        }
        shift += part->type->dims[concat->at->axis];
    }
}
static void add_group(Fuse *f, GroupList *list, const Cluster *c) {
    if (c->join) {
        add_parts(f, list, c->anchor);
        return;
    }
    Group *group = ARENA_NEW(f->arena, Group);
    *group = (Group){.kind = c->kind, .anchor = c->anchor, .full = c->full};
    for (int i = 0; i < c->nodes.n; i++) {
        const NodeFacts *facts = facts_of(f, c->nodes.v[i]);
        bool folds = c->nodes.v[i]->op == OP_sum || c->nodes.v[i]->op == OP_amax;
        if (c->kind == PLAN_ROWS && folds) vec_push(f->arena, &group->anchors, c->nodes.v[i]);
        if (c->kind == PLAN_SCAN || is_read_outside(f, c, c->nodes.v[i])) vec_push(f->arena, &group->roots, c->nodes.v[i]);
        for (int k = 0; k < facts->parts.n; k++) vec_push(f->arena, &group->parts, facts->parts.v[k]);
    }
    nnc_check(group->roots.n || group->parts.n, "a kernel that nobody reads");
    vec_push(f->arena, list, group);
}
Groups fuse_order(Fuse *f) {
    replace_last(f);
    place_parts(f);
    int n = f->clusters.n;
    VEC(int) *after = arena_alloc(f->arena, sizeof *after * (size_t)(n + 1)); /* by cluster: who reads it */
    Heap ready = {0};
    int left = 0;
    for (int i = 0; i < n; i++) {
        Cluster *c = f->clusters.v[i];
        if (c->into >= 0) continue;
        left++;
        for (int k = 0; k < c->before.n; k++) {
            Cluster *before = cluster_root(f, c->before.v[k]);
            if (before == c) continue;
            vec_push(f->arena, &after[before->id], i);
            c->waits++;
        }
        if (!c->waits) heap_push(f->arena, &ready, c);
    }
    GroupList list = {0};
    for (; ready.n; left--) {
        Cluster *c = heap_pop(&ready);
        add_group(f, &list, c);
        for (int k = 0; k < after[c->id].n; k++) {
            Cluster *next = f->clusters.v[after[c->id].v[k]];
            if (--next->waits == 0) heap_push(f->arena, &ready, next);
        }
    }
    nnc_check(!left, "kernels wait for each other");
    return (Groups){list.n, list.v};
}

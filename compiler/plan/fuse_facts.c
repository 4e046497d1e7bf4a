/* fuse_facts.c: of each node: who reads it, whether it must be stored, whether it is free. See fuse.h. */
#include "fuse.h"
#include "../settle/match.h"

NodeFacts *facts_of(const Fuse *f, const Node *node) { return nodemap_get(&f->facts, node); }
bool same_shape(const Type *a, const Type *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

/* Simple operations that a map costs an element. */
static int map_cost(const Node *node) {
    switch ((int)node->op) {
    case OP_neg: case OP_abs: case OP_cast: case OP_add: case OP_sub: case OP_mul: case OP_eq: case OP_lt: case OP_select:
    case OP_floor: return 1;
    case OP_max: case OP_min: case OP_put: return 2;
    case OP_div: return 3;
    default: return COST_MANY;
    }
}

/* What a view looks at in the end. */
static const Node *base_of(const Node *x) {
    while (is_addressing(x) && x->n_args && x->op != OP_get) x = x->args[0];
    return x;
}
/* A row's or a column's value beside a whole, which stays in L1, or one for several elements, as of a pooling: it is read again in
** less time than what is made of it would be written and read. */
static bool is_small_beside(const Node *leaf, const Node *node) { return base_of(leaf)->type->count * 4 <= node->type->count; }
/* Views of what is loaded are loads of their own; of a constant they stay constants. */
static void set_cost(const Fuse *f, const Node *node, NodeFacts *facts) {
    if (node->op == OP_arg || node->op == OP_get) facts->leaf = node;
    else if ((op_loop_class(node->op) == LOOP_anchor && !is_map_like(node)) || node->op == OP_take || node->op == OP_concat || node->op == OP_scan) facts->leaf = node, facts->cost = COST_MANY;
    else if (is_addressing(node)) {
        const NodeFacts *x = node->n_args ? facts_of(f, node->args[0]) : NULL;
        bool guarded = node->op == OP_affine;
        facts->cost = x && x->cost < COST_MANY ? x->cost + guarded : 0;
        facts->leaf = x && x->leaf ? node : NULL;
    } else {
        facts->cost = map_cost(node);
        for (int i = 0; i < node->n_args; i++) {
            const NodeFacts *x = facts_of(f, node->args[i]);
            bool small = x->leaf && is_small_beside(x->leaf, node);
            if (!small && x->leaf && facts->leaf && x->leaf != facts->leaf) facts->cost = COST_MANY;
            if (x->leaf && !small) facts->leaf = x->leaf;
            if (x->cost < COST_MANY) facts->cost += x->cost;
        }
    }
}
/* Somebody reads it as a whole, whatever becomes of the maps that read it: a sum, a product, a loop. */
static bool is_stored_anyway(const Fuse *f, const Node *x) {
    const NodeFacts *facts = facts_of(f, x);
    if (facts->kept || facts->result || x->op == OP_arg || x->op == OP_scan || x->op == OP_get) return true;
    for (int i = 0; i < facts->users.n; i++) {
        const Node *user = facts->users.v[i];
        if (is_addressing(user) ? is_stored_anyway(f, user) : !is_map_like(user)) return true;
    }
    return false;
}
/* Computing it again must not keep something larger alive: a mask of a value that need not be stored is stored itself. */
static bool leaf_is_larger(const Fuse *f, const Node *node, const NodeFacts *facts) {
    const Node *base = facts->leaf ? base_of(facts->leaf) : NULL;
    return base && dtype_bytes(node->type->dtype) < dtype_bytes(base->type->dtype) && !is_stored_anyway(f, base);
}
/* Only a few of its elements are ever looked up: they are computed there. */
static bool is_looked_up(const Node *node, const NodeFacts *facts) {
    if (!is_map_like(node) || map_cost(node) == COST_MANY || !facts->users.n) return false;
    for (int i = 0; i < facts->users.n; i++) {
        const Node *user = facts->users.v[i];
        if (user->op != OP_take || user->args[0] != node || user->args[1] == node || user->type->count * 4 > node->type->count) return false;
    }
    return true;
}
static bool is_free(const Fuse *f, const Node *node, const NodeFacts *facts) {
    if (facts->kept) return false;
    if (is_addressing(node) || is_looked_up(node, facts)) return true;
    if (!is_map_like(node) || node->op == OP_take || facts->cost > COST_FREE) return false;
    return !leaf_is_larger(f, node, facts);
}

static bool is_lead(const Node *node) { return node->op == OP_broadcast && (!node->at->dims.n || node->at->dims.v[0] > 0); }
/* What scans walk along is stored, whatever it is; so are results, and what products read again and again. */
static void keep_operands(Fuse *f, const Node *node) {
    if (node->op == OP_scan) {
        for (int k = (int)(node->at->carry + node->at->constants); k < node->n_args; k++) {
            Node *x = node->args[k];
            bool stored = (x->op == OP_arg && plan_value(f->body, x)) || x->op == OP_get || is_lead(x);
            if (!stored) facts_of(f, x)->kept = true;
        }
        for (int k = 0; k < node->at->carry + node->at->constants; k++)
            if (!is_addressing(node->args[k]) || transpose_turns_last(node->args[k])) facts_of(f, node->args[k])->kept = true;
    }
    if (node->op != OP_dot && node->op != OP_top && node->op != OP_take && (node->op != OP_put || is_placing(node))) return;
    for (int k = 0; k < node->n_args; k++) { /* through views: what is below is read often */
        const Node *x = node->args[k];
        if (node->op == OP_take && node->type->count * 4 <= x->type->count) continue;
        bool tiled = node->op == OP_dot && f->p->plan->options.level >= 2;
        bool turned = false, windows = false;
        while (is_addressing(x) && x->n_args && x->op != OP_get && !turned && !(tiled && x->op == OP_affine && !stays_inside(x))) {
            windows |= x->op == OP_affine && x->at->k >= 0;
            if (!(turned = tiled && windows && transpose_turns_last(x))) x = x->args[0];
        }
        if (!is_addressing(x) || x->op == OP_affine || turned) facts_of(f, x)->kept = true;
    }
}
/* Readers before what they read: all its readers are sums, or maps that only sums need. */
static void find_sums_only(Fuse *f) {
    for (int i = f->nodes.n - 1; i >= 0; i--) {
        const Node *node = f->nodes.v[i];
        NodeFacts *facts = facts_of(f, node);
        if (facts->kept || facts->result || op_loop_class(node->op) != LOOP_map || !facts->users.n) continue;
        facts->sums_only = true;
        for (int k = 0; k < facts->users.n && facts->sums_only; k++) {
            const Node *user = facts->users.v[k];
            facts->sums_only = user->op == OP_sum || user->op == OP_amax || facts_of(f, user)->sums_only;
        }
    }
}
void fuse_facts(Fuse *f) {
    f->facts = (NodeMap){.arena = f->arena};
    f->nodes = order_walk(f->arena, f->body->func->results, f->body->func->n_results);
    for (int i = 0; i < f->nodes.n; i++) {
        NodeFacts *facts = ARENA_NEW(f->arena, NodeFacts);
        facts->number = i;
        facts->cluster = -1;
        nodemap_set(&f->facts, f->nodes.v[i], facts);
        for (int k = 0; k < f->nodes.v[i]->n_args; k++) vec_push(f->arena, &facts_of(f, f->nodes.v[i]->args[k])->users, f->nodes.v[i]);
    }
    for (int i = 0; i < f->body->func->n_results; i++) {
        NodeFacts *facts = facts_of(f, f->body->func->results[i]);
        facts->result = true;
        facts->replaces |= f->body->replaces[i] >= 0;
        if (!is_addressing(f->body->func->results[i])) facts->kept = true;
    }
    for (int i = 0; i < f->nodes.n; i++) keep_operands(f, f->nodes.v[i]);
    find_sums_only(f);
    for (int i = 0; i < f->nodes.n; i++) {
        NodeFacts *facts = facts_of(f, f->nodes.v[i]);
        set_cost(f, f->nodes.v[i], facts);
        if (is_free(f, f->nodes.v[i], facts)) {
            if (facts->cost >= COST_MANY) facts->leaf = f->nodes.v[i]; /* for whoever reads it it is a load of its own */
            continue;
        }
        facts->leaf = f->nodes.v[i]; /* from here on it is loaded */
        facts->cost = 0;
        facts->cluster = -2; /* to be put into one */
    }
}

/* ---- what a node reads */

static bool repeats(const Node *view) {
    if (view->op == OP_broadcast) return view->type->count > view->args[0]->type->count;
    if (view->op != OP_affine) return false;
    return view->at->k >= 0 || view->type->count > view->args[0]->type->count;
}
typedef struct Step {
    const Node *node;
    bool moved, repeated, plain;
    const Node *via;
} Step;
/* One step down from a free node, or from the reader itself. */
static Step step_down(const Step *s, int operand) {
    const Node *x = s->node;
    Step next = {x->args[operand], s->moved, s->repeated || repeats(x), s->plain, s->via};
    bool key = x->op == OP_random && operand < 2; /* read whole by every element */
    if (op_loop_class(x->op) == LOOP_map && !key) return next;
    next.moved = true;
    bool through = (x->op == OP_broadcast || is_placing(x)) && !s->via;
    next.plain = s->plain && through;
    if (through) next.via = x;
    return next;
}
static Step step_first(const Node *reader, int operand) {
    Step s = {reader, false, false, true, NULL}, next = step_down(&s, operand);
    bool folds = reader->op == OP_sum || reader->op == OP_amax;
    if (folds) next.plain = true, next.via = NULL;
    /* looked up: an element of a row is anywhere in it, what is the same along the row is what it is */
    bool looks_up = reader->op == OP_take && reader->args[1]->type->rank == reader->at->batch && reader->at->axis == reader->at->batch;
    if (looks_up) next.plain = true, next.via = NULL;
    return next;
}
static FuseReads find_reads(Fuse *f, const Node *node) {
    FuseReads reads = {0};
    VEC(Step) todo = {0}, seen = {0};
    for (int i = node->n_args - 1; i >= 0; i--) vec_push(f->arena, &todo, step_first(node, i));
    bool looks_up = node->op == OP_take;
    while (todo.n) {
        Step s = todo.v[--todo.n];
        bool known = false;
        for (int i = 0; i < seen.n && !known; i++)
            known = seen.v[i].node == s.node && seen.v[i].moved == s.moved && seen.v[i].repeated == s.repeated && seen.v[i].plain == s.plain && seen.v[i].via == s.via;
        if (known) continue;
        vec_push(f->arena, &seen, s);
        const NodeFacts *facts = facts_of(f, s.node);
        if (facts->cluster != -1 || s.node->op == OP_arg || s.node->op == OP_get) {
            FuseRead read = {s.node, s.moved, s.repeated, s.plain, s.via};
            if (s.node->op == OP_get) read = (FuseRead){s.node->args[0], true, s.repeated, false, NULL};
            if (looks_up && !s.via && !same_shape(s.node->type, node->type)) read.plain = false;
            vec_push(f->arena, &reads, read);
            continue;
        }
        for (int i = s.node->n_args - 1; i >= 0; i--) vec_push(f->arena, &todo, step_down(&s, i));
    }
    return reads;
}
FuseReads reads_of_node(Fuse *f, const Node *node) {
    NodeFacts *facts = facts_of(f, node);
    if (!facts->reads) {
        facts->reads = ARENA_NEW(f->arena, FuseReads);
        *facts->reads = find_reads(f, node);
    }
    return *facts->reads;
}
void fuse_readers(Fuse *f) {
    for (int i = 0; i < f->nodes.n; i++) facts_of(f, f->nodes.v[i])->readers.n = 0;
    for (int i = 0; i < f->clusters.n; i++) {
        const Cluster *c = f->clusters.v[i];
        for (int k = 0; c->into < 0 && k < c->nodes.n; k++) {
            FuseReads reads = reads_of_node(f, c->nodes.v[k]);
            for (int r = 0; r < reads.n; r++) {
                NodeFacts *facts = facts_of(f, reads.v[r].node);
                if (!facts->readers.n || facts->readers.v[facts->readers.n - 1] != i) vec_push(f->arena, &facts->readers, i);
            }
        }
    }
}

/* tidy.c: loops made as small as they are: carried values, ys and operands that nobody needs go; scans over the same rounds
** (equal operands and equal carried part) become one; what does not change from round to round moves out; a y that is an
** operand is that operand. Bits are kept, so opt/ runs it too. Nodes that nobody reads are gone by themselves.
**
** A scan is taken apart and closed again: its body is instantiated on holes for what changes and on outer nodes for what does
** not, and ir_scan_region finds the constants anew. Repeated until nothing changes; bodies first, each once. */
#include "../base/map.h"
#include "../base/vec.h"
#include "../ir/rewrite.h"
#include "match.h"
#include "settle.h"
#include <string.h>

typedef struct Tidy {
    Graph *g;
    Arena *arena; /* of the whole pass */
    Map done;     /* function -> tidied */
} Tidy;
static const Func *tidy_func(Tidy *t, const Func *f);

/* Scans that become one, in the order of the walk. */
typedef struct Group {
    VEC(Node *) members;
    bool made;
} Group;
/* The state of one round over one function. */
typedef struct Round {
    Tidy *t;
    Graph *g;
    Arena *scratch;
    NodeMap now;   /* node -> what stands for it */
    NodeMap used;  /* scan -> bool [n_results] has a get */
    NodeMap group; /* scan -> Group */
    NodeMap many;  /* scan -> Node *[n_results] */
} Round;

/* ---- which scans are one */
static bool same_rounds(const Node *a, const Node *b) {
    const Attrs *x = a->at, *y = b->at;
    if (a->n_args != b->n_args || x->length != y->length || x->reverse != y->reverse || x->carry != y->carry ||
        x->constants != y->constants)
        return false;
    for (int i = 0; i < a->n_args; i++)
        if (a->args[i] != b->args[i] || x->body->params[i] != y->body->params[i]) return false;
    for (i64 i = 0; i < x->carry; i++)
        if (x->body->results[i] != y->body->results[i]) return false;
    return true;
}
static void find_groups(Round *r, NodeList nodes) {
    VEC(Node *) first = {0};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        if (node->op == OP_get) ((bool *)nodemap_get(&r->used, node->args[0]))[node->at->index] = true;
        if (node->op != OP_scan) continue;
        nodemap_set(&r->used, node, ARENA_ARRAY(r->scratch, bool, node->type->rank));
        Group *group = NULL;
        for (int j = 0; j < first.n && !group; j++)
            if (same_rounds(first.v[j], node)) group = nodemap_get(&r->group, first.v[j]);
        if (!group) {
            group = ARENA_NEW(r->scratch, Group);
            vec_push(r->scratch, &first, node);
        }
        vec_push(r->scratch, &group->members, node);
        nodemap_set(&r->group, node, group);
    }
}

/* ---- one group, taken apart */
typedef struct Parts {
    const Node *scan; /* the first member: operands, length, direction */
    int carry, constants, n_params;
    bool *live;       /* [carry] */
    VEC(Node *) y;    /* distinct results of the members' bodies that are read, then what `tidy` made of them */
    VEC(Node *) want; /* the same as they stood in the bodies */
    Node **next;      /* [carry] of the live ones */
    Node **operand;   /* [n_params] */
    Node **in;        /* [n_params] what stands for a parameter inside: a hole, or the outer node */
} Parts;
static int place_of(Node *const *v, int n, const Node *node) {
    for (int i = 0; i < n; i++)
        if (v[i] == node) return i;
    return -1;
}
/* Carried values that are read, or needed by what is read. */
static void find_live(Round *r, Parts *p) {
    const Func *body = p->scan->at->body;
    for (bool again = true; again;) {
        VEC(Node *) roots = {0};
        again = false;
        for (int i = 0; i < p->carry; i++)
            if (p->live[i]) vec_push(r->scratch, &roots, body->results[i]);
        for (int i = 0; i < p->y.n; i++) vec_push(r->scratch, &roots, p->y.v[i]);
        NodeList reached = order_walk(r->scratch, roots.v, roots.n);
        for (int i = 0; i < reached.n; i++) {
            const Node *node = reached.v[i];
            if (node->op != OP_arg || node->at->index >= p->carry || p->live[node->at->index]) continue;
            p->live[node->at->index] = again = true;
        }
    }
}
static Parts take_apart(Round *r, Group *group) {
    Parts p = {.scan = group->members.v[0]};
    const Func *body = p.scan->at->body;
    p.carry = (int)p.scan->at->carry, p.constants = (int)p.scan->at->constants, p.n_params = body->n_params;
    p.live = ARENA_ARRAY(r->scratch, bool, p.carry + 1);
    p.next = ARENA_ARRAY(r->scratch, Node *, p.carry + 1);
    p.operand = ARENA_ARRAY(r->scratch, Node *, p.n_params + 1);
    p.in = ARENA_ARRAY(r->scratch, Node *, p.n_params + 1);
    for (int i = 0; i < p.n_params; i++) p.operand[i] = nodemap_get(&r->now, p.scan->args[i]);
    for (int m = 0; m < group->members.n; m++) {
        const Node *scan = group->members.v[m];
        const bool *used = nodemap_get(&r->used, scan);
        for (int i = 0; i < scan->type->rank; i++) {
            Node *result = scan->at->body->results[i];
            if (used[i] && i < p.carry) p.live[i] = true;
            if (used[i] && i >= p.carry && place_of(p.y.v, p.y.n, result) < 0) vec_push(r->scratch, &p.y, result);
        }
    }
    find_live(r, &p);
    VEC(Node *) results = {0};
    for (int i = 0; i < p.carry; i++)
        if (p.live[i]) vec_push(r->scratch, &results, body->results[i]);
    for (int i = 0; i < p.y.n; i++) {
        vec_push(r->scratch, &results, p.y.v[i]);
        vec_push(r->scratch, &p.want, p.y.v[i]);
    }
    const Func *inner = tidy_func(r->t, func_make(r->g, p.n_params, body->params, results.n, results.v));
    int n = 0;
    for (int i = 0; i < p.carry; i++)
        if (p.live[i]) p.next[i] = inner->results[n++];
    for (int i = 0; i < p.y.n; i++) p.y.v[i] = inner->results[n++];
    return p;
}

/* ---- and closed again */
/* A carried value that never changes is a constant: it stays what it began as, or becomes the constant it began as. */
static bool never_changes(const Parts *p, int i) {
    const Node *next = p->next[i];
    return (next->op == OP_arg && next->at->index == i) || (node_is_cheap(next) && next == p->operand[i]);
}
static void choose_inside(Round *r, Parts *p) {
    const Type *const *types = p->scan->at->body->params;
    for (int i = 0; i < p->n_params; i++) {
        bool carried = i < p->carry, constant = i >= p->carry && i < p->carry + p->constants;
        if (carried && p->live[i]) p->in[i] = never_changes(p, i) ? p->operand[i] : ir_hole(r->g, types[i]);
        if (constant) p->in[i] = p->operand[i];
        if (carried || constant) continue;
        for (int j = p->carry + p->constants; j < i && !p->in[i]; j++)
            if (p->operand[j] == p->operand[i]) p->in[i] = p->in[j];
        if (!p->in[i]) p->in[i] = node_unlead(r->g, p->operand[i]); /* the same in every round */
        if (!p->in[i]) p->in[i] = ir_hole(r->g, types[i]);
    }
}
/* What a y is of all rounds, where no loop is needed for it; NULL: the loop is. */
static Node *y_outside(Round *r, const Parts *p, Node *y) {
    i64 n = p->scan->at->length;
    if (node_is_cheap(y)) return ir_lead(r->g, y, 1, &n);
    if (y->op != OP_arg) return NULL;
    int i = (int)y->at->index;
    if (i >= p->carry + p->constants) return p->operand[i];
    return p->in[i] == p->operand[i] ? ir_lead(r->g, p->operand[i], 1, &n) : NULL;
}
typedef VEC(Node *) Nodes;
/* The holes of xs that the results reach, with what they walk. */
static void reached_xs(Round *r, const Parts *p, const Nodes *results, Nodes *holes, Nodes *xs) {
    NodeList reached = order_walk(r->scratch, results->v, results->n);
    NodeMap is = {.arena = r->scratch};
    for (int i = 0; i < reached.n; i++) nodemap_set(&is, reached.v[i], reached.v[i]);
    for (int i = p->carry + p->constants; i < p->n_params; i++) {
        if (p->in[i]->op != OP_hole || !nodemap_get(&is, p->in[i]) || place_of(holes->v, holes->n, p->in[i]) >= 0) continue;
        vec_push(r->scratch, holes, p->in[i]);
        vec_push(r->scratch, xs, p->operand[i]);
    }
}
/* Closes the scan of these carried values and results (next.., y..); writes its results to the places that which_* names. */
static void walk_again(Round *r, Parts *p, const Nodes *carry, const Nodes *initial, const Nodes *results, Node **carried,
                       Node **stacked, const int *which_carry, const int *which_y) {
    const Attrs *at = p->scan->at;
    Nodes holes = {0}, xs = {0};
    NodeMap map = {.arena = r->scratch};
    for (int i = 0; i < p->n_params; i++)
        if (p->in[i]) nodemap_set(&map, ir_arg(r->g, i, at->body->params[i]), p->in[i]);
    Nodes inside = {ARENA_ARRAY(r->scratch, Node *, results->n), results->n, results->n};
    substitute(r->g, r->scratch, &map, results->v, results->n, inside.v);
    reached_xs(r, p, &inside, &holes, &xs);
    int n_ys = results->n - carry->n;
    Node **out = ARENA_ARRAY(r->scratch, Node *, results->n);
    ir_scan_region(r->g, &(Region){carry->n, holes.n, n_ys, carry->v, holes.v, inside.v, inside.v + carry->n, initial->v, xs.v,
                                   at->length, at->reverse != 0}, out);
    for (int i = 0; i < carry->n; i++) carried[which_carry[i]] = out[i];
    for (int i = 0; i < n_ys; i++) stacked[which_y[i]] = out[carry->n + i];
}
/* Writes for each carried value and each y its whole value (NULL where it is not wanted). */
static void close_again(Round *r, Parts *p, Node **carried, Node **stacked) {
    Arena *a = r->scratch;
    Nodes results = {0}, carry = {0}, initial = {0};
    VEC(int) which_carry = {0}, which_y = {0};
    for (int i = 0; i < p->carry; i++) {
        if (!p->live[i]) continue;
        carried[i] = p->operand[i];
        if (p->in[i] == p->operand[i]) continue;
        vec_push(a, &carry, p->in[i]);
        vec_push(a, &initial, p->operand[i]);
        vec_push(a, &results, p->next[i]);
        vec_push(a, &which_carry, i);
    }
    for (int i = 0; i < p->y.n; i++) {
        if (place_of(p->y.v, i, p->y.v[i]) >= 0) continue; /* the same as an earlier one */
        stacked[i] = y_outside(r, p, p->y.v[i]);
        if (stacked[i]) continue;
        vec_push(a, &results, p->y.v[i]);
        vec_push(a, &which_y, i);
    }
    if (results.n) walk_again(r, p, &carry, &initial, &results, carried, stacked, which_carry.v, which_y.v);
    for (int i = 0; i < p->y.n; i++) {
        int same = place_of(p->y.v, i, p->y.v[i]);
        if (same >= 0) stacked[i] = stacked[same];
    }
}
/* One round is no loop. */
static void open_single(Round *r, Parts *p, Node **carried, Node **stacked) {
    const Func *body = p->scan->at->body;
    i64 one = 1;
    NodeMap map = {.arena = r->scratch};
    for (int i = 0; i < p->n_params; i++) {
        Node *x = p->operand[i];
        if (i >= p->carry + p->constants) x = ir_reshape(r->g, x, x->type->rank - 1, x->type->dims + 1);
        nodemap_set(&map, ir_arg(r->g, i, body->params[i]), x);
    }
    for (int i = 0; i < p->carry; i++)
        if (p->live[i]) substitute(r->g, r->scratch, &map, &p->next[i], 1, &carried[i]);
    substitute(r->g, r->scratch, &map, p->y.v, p->y.n, stacked);
    for (int i = 0; i < p->y.n; i++) stacked[i] = ir_lead(r->g, stacked[i], 1, &one);
}
static void remake(Round *r, Group *group) {
    Parts p = take_apart(r, group);
    Node **carried = ARENA_ARRAY(r->scratch, Node *, p.carry + 1), **stacked = ARENA_ARRAY(r->scratch, Node *, p.y.n + 1);
    if (p.scan->at->length == 1) {
        open_single(r, &p, carried, stacked);
    } else {
        choose_inside(r, &p);
        close_again(r, &p, carried, stacked);
    }
    for (int m = 0; m < group->members.n; m++) {
        const Node *scan = group->members.v[m];
        Node **many = ARENA_ARRAY(r->scratch, Node *, scan->type->rank);
        for (int i = 0; i < scan->type->rank; i++) {
            int place = i < p.carry ? -1 : place_of(p.want.v, p.want.n, scan->at->body->results[i]);
            many[i] = i < p.carry ? carried[i] : place >= 0 ? stacked[place] : NULL;
        }
        nodemap_set(&r->many, scan, many);
    }
    group->made = true;
}

/* ---- functions */
static const Func *tidy_once(Tidy *t, const Func *f) {
    Arena *scratch = arena_new("tidy");
    Round r = {t, t->g, scratch, {.arena = scratch}, {.arena = scratch}, {.arena = scratch}, {.arena = scratch}};
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    find_groups(&r, nodes);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], *now = node;
        if (node->op == OP_scan) {
            Group *group = nodemap_get(&r.group, node);
            if (!group->made) remake(&r, group);
        } else if (node->op == OP_get) {
            now = ((Node **)nodemap_get(&r.many, node->args[0]))[node->at->index];
        } else {
            Node **args = ARENA_ARRAY(scratch, Node *, node->n_args);
            for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&r.now, node->args[j]);
            now = node_with_args(t->g, node, args);
        }
        nodemap_set(&r.now, node, now);
    }
    Node **results = ARENA_ARRAY(scratch, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&r.now, f->results[i]);
    const Func *made = func_make(t->g, f->n_params, f->params, f->n_results, results);
    arena_free(scratch);
    return made;
}
static const Func *tidy_func(Tidy *t, const Func *f) {
    const Func *now = map_get_ptr(&t->done, f);
    if (now) return now;
    enum { MOST = 100 }; /* each round shrinks a finite thing; more is a rewrite that goes to and fro */
    const Func *before = f;
    int rounds = 0;
    while ((now = tidy_once(t, before)) != before) {
        nnc_check(rounds++ < MOST, "tidy finds no end");
        before = now;
    }
    map_set_ptr(&t->done, f, (void *)now);
    map_set_ptr(&t->done, now, (void *)now);
    return now;
}
const Func *pass_tidy(const Pass *pass, const Func *f) {
    Tidy t = {pass->g, pass->scratch, {.arena = pass->scratch}};
    return tidy_func(&t, f);
}

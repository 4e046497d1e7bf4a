/* tidy.c: loops made as small as they are: carried values, ys and operands that nobody needs go; scans that carry the same
** values through the same rounds become one with the ys of all; what does not change from round to round moves out; a y that is
** an operand is that operand. Bits are kept, so opt/ runs it too. Nodes that nobody reads are gone by themselves.
**
** Scans are taken apart and closed again: their bodies are instantiated on holes for what changes and on outer nodes for what
** does not, so equal values of several scans are one node, and ir_scan_region finds the constants anew. Repeated until nothing
** changes; bodies first, each once. */
#include "../base/map.h"
#include "scans.h"
#include "settle.h"

typedef struct Tidy {
    Graph *g;
    Arena *arena; /* of the whole pass */
    Map done;     /* function -> tidied */
} Tidy;
static const Func *tidy_func(Tidy *t, const Func *f);

/* Scans that become one, in the order of the walk. */
typedef struct Group {
    Nodes members;
    int place; /* of the first in the walk */
    bool made;
} Group;
/* One round over one function. */
typedef struct Round {
    Tidy *t;
    Graph *g;
    Arena *scratch;
    NodeMap now;   /* node -> what stands for it */
    NodeMap used;  /* scan -> bool [n_results] has a get */
    NodeMap group; /* scan -> Group */
    NodeMap many;  /* scan -> Node *[n_results] */
    NodeMap place; /* node -> int *, in the walk */
} Round;

/* ---- which scans are one */
/* Their operands must be there when the first one is made. */
static bool operands_stand_before(const Round *r, const Node *scan, int place) {
    for (int i = 0; i < scan->n_args; i++) {
        const int *at = nodemap_get(&r->place, scan->args[i]);
        if (scan->args[i]->n_args && !(at && *at < place)) return false;
    }
    return true;
}
static bool joins(const Round *r, const Group *group, const Node *scan) {
    const Node *first = group->members.v[0];
    if (scan_same_rounds(first, scan)) return true;
    return operands_stand_before(r, scan, group->place) && scan_walks_alike(r->g, r->scratch, first, scan);
}
static void find_groups(Round *r, NodeList nodes) {
    VEC(Group *) groups = {0};
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        int *place = ARENA_NEW(r->scratch, int);
        *place = i;
        nodemap_set(&r->place, node, place);
        if (node->op == OP_get) ((bool *)nodemap_get(&r->used, node->args[0]))[node->at->index] = true;
        if (node->op != OP_scan) continue;
        nodemap_set(&r->used, node, ARENA_ARRAY(r->scratch, bool, node->type->rank));
        Group *group = NULL;
        for (int j = 0; j < groups.n && !group; j++)
            if (joins(r, groups.v[j], node)) group = groups.v[j];
        if (!group) {
            group = ARENA_NEW(r->scratch, Group);
            group->place = i;
            vec_push(r->scratch, &groups, group);
        }
        vec_push(r->scratch, &group->members, node);
        nodemap_set(&r->group, node, group);
    }
}

/* ---- one group, taken apart */
typedef struct Member {
    const Node *scan;
    const bool *used;
    Node **operand; /* [n_args] as they are now */
    Node **y;       /* [n_results] of the body, tidied, where used */
    Node **value;   /* [n_results] whole values, at the end */
    NodeMap inside; /* body's argument -> what stands for it: a hole, or an outer node */
} Member;
typedef struct Parts {
    Member *member;
    int n_members, carry;
    bool *live;     /* [carry] */
    Node **next;    /* [carry] of the first body, where live */
    Node **in;      /* [carry] a hole, or the operand where it never changes */
    Nodes holes, xs; /* the members' xs, each once */
} Parts;

/* Carried values that are read, or needed by what is read. The carried part of all members is the first one's. */
static void find_live(Round *r, Parts *p) {
    for (bool again = true; again;) {
        again = false;
        for (int m = 0; m < p->n_members; m++) {
            const Func *body = p->member[m].scan->at->body;
            Nodes roots = {0};
            for (int i = 0; i < body->n_results; i++)
                if (i < p->carry ? m == 0 && p->live[i] : p->member[m].used[i]) vec_push(r->scratch, &roots, body->results[i]);
            NodeList reached = order_walk(r->scratch, roots.v, roots.n);
            for (int i = 0; i < reached.n; i++) {
                const Node *node = reached.v[i];
                if (node->op != OP_arg || node->at->index >= p->carry || p->live[node->at->index]) continue;
                p->live[node->at->index] = again = true;
            }
        }
    }
}
/* The results that are wanted, of a body tidied without the others. */
static void tidy_results(Round *r, Parts *p, int m) {
    Member *one = &p->member[m];
    const Func *body = one->scan->at->body;
    Nodes results = {0};
    for (int i = 0; i < body->n_results; i++)
        if (i < p->carry ? m == 0 && p->live[i] : one->used[i]) vec_push(r->scratch, &results, body->results[i]);
    const Func *inner = tidy_func(r->t, func_make(r->g, body->n_params, body->params, results.n, results.v));
    for (int i = 0, n = 0; i < body->n_results; i++)
        if (i < p->carry ? m == 0 && p->live[i] : one->used[i]) *(i < p->carry ? &p->next[i] : &one->y[i]) = inner->results[n++];
}
static Parts take_apart(Round *r, const Group *group) {
    Arena *a = r->scratch;
    Parts p = {.n_members = group->members.n, .carry = (int)group->members.v[0]->at->carry};
    p.member = ARENA_ARRAY(a, Member, p.n_members);
    p.live = ARENA_ARRAY(a, bool, p.carry + 1);
    p.next = ARENA_ARRAY(a, Node *, p.carry + 1);
    p.in = ARENA_ARRAY(a, Node *, p.carry + 1);
    for (int m = 0; m < p.n_members; m++) {
        const Node *scan = group->members.v[m];
        int n = scan->type->rank;
        Member one = {scan, nodemap_get(&r->used, scan), ARENA_ARRAY(a, Node *, scan->n_args + 1), ARENA_ARRAY(a, Node *, n + 1),
                      ARENA_ARRAY(a, Node *, n + 1), {.arena = a}};
        for (int i = 0; i < scan->n_args; i++) {
            Node *now = nodemap_get(&r->now, scan->args[i]);
            one.operand[i] = now ? now : scan->args[i]; /* a leaf that the walk has not reached yet */
        }
        for (int i = 0; i < p.carry; i++) p.live[i] |= one.used[i];
        p.member[m] = one;
    }
    find_live(r, &p);
    for (int m = 0; m < p.n_members; m++) tidy_results(r, &p, m);
    return p;
}

/* ---- and closed again */
/* A carried value that never changes is a constant: it stays what it began as, or becomes the constant it began as. */
static bool never_changes(const Parts *p, int i) {
    const Node *next = p->next[i];
    return (next->op == OP_arg && next->at->index == i) || (node_is_cheap(next) && next == p->member[0].operand[i]);
}
static Node *x_inside(Round *r, Parts *p, Node *operand, const Type *slice) {
    Node *same = node_unlead(r->g, operand); /* the same in every round */
    int at = nodes_place(&p->xs, operand);
    if (same) return same;
    if (at >= 0) return p->holes.v[at];
    vec_push(r->scratch, &p->xs, operand);
    vec_push(r->scratch, &p->holes, ir_hole(r->g, slice));
    return p->holes.v[p->holes.n - 1];
}
static void choose_inside(Round *r, Parts *p) {
    for (int i = 0; i < p->carry; i++) {
        Node *operand = p->member[0].operand[i];
        if (p->live[i]) p->in[i] = never_changes(p, i) ? operand : ir_hole(r->g, operand->type);
    }
    for (int m = 0; m < p->n_members; m++) {
        Member *one = &p->member[m];
        const Type *const *types = one->scan->at->body->params;
        for (int i = 0; i < one->scan->n_args; i++) {
            Node *in = i < p->carry ? p->in[i] : one->operand[i];
            if (i >= scan_first_x(one->scan)) in = x_inside(r, p, one->operand[i], types[i]);
            if (in) nodemap_set(&one->inside, ir_arg(r->g, i, types[i]), in);
        }
    }
}
/* What a y is of all rounds, where no loop is needed for it; NULL: the loop is. */
static Node *y_outside(Round *r, const Parts *p, const Member *one, Node *y) {
    i64 n = one->scan->at->length;
    if (node_is_cheap(y)) return ir_lead(r->g, y, 1, &n);
    if (y->op != OP_arg) return NULL;
    int i = (int)y->at->index;
    if (i >= scan_first_x(one->scan)) return one->operand[i];
    return i >= p->carry || p->in[i] == one->operand[i] ? ir_lead(r->g, one->operand[i], 1, &n) : NULL;
}
/* The wanted results of a member on what stands for its arguments, all in one walk: in place. */
static void instantiate(Round *r, Parts *p, int m) {
    Member *one = &p->member[m];
    Nodes from = {0};
    for (int i = 0; i < p->carry && m == 0; i++)
        if (p->live[i]) vec_push(r->scratch, &from, p->next[i]);
    for (int i = p->carry; i < one->scan->type->rank; i++)
        if (one->y[i]) vec_push(r->scratch, &from, one->y[i]);
    Node **to = ARENA_ARRAY(r->scratch, Node *, from.n + 1);
    int n = 0;
    substitute(r->g, r->scratch, &one->inside, from.v, from.n, to);
    for (int i = 0; i < p->carry && m == 0; i++)
        if (p->live[i]) p->next[i] = to[n++];
    for (int i = p->carry; i < one->scan->type->rank; i++)
        if (one->y[i]) one->y[i] = to[n++];
}
/* Closes the loop over `carry` (with its initial values) and the ys that are left; writes what they become. */
static void close_again(Round *r, Parts *p) {
    const Node *first = p->member[0].scan;
    Arena *a = r->scratch;
    Nodes carry = {0}, initial = {0}, results = {0}, x = {0}, walked = {0};
    for (int m = 0; m < p->n_members; m++) {
        Member *one = &p->member[m];
        for (int i = p->carry; i < one->scan->type->rank; i++)
            if (one->used[i] && (one->value[i] = y_outside(r, p, one, one->y[i]))) one->y[i] = NULL;
        instantiate(r, p, m);
    }
    for (int i = 0; i < p->carry; i++) {
        if (!p->live[i] || p->in[i] == p->member[0].operand[i]) continue;
        vec_push(a, &carry, p->in[i]);
        vec_push(a, &initial, p->member[0].operand[i]);
        vec_push(a, &results, p->next[i]);
    }
    NodeMap y_place = {.arena = a}; /* y -> the result's place: int * */
    for (int m = 0; m < p->n_members; m++)
        for (int i = p->carry; i < p->member[m].scan->type->rank; i++) {
            Node *y = p->member[m].y[i];
            if (!y || nodemap_get(&y_place, y)) continue;
            int *place = ARENA_NEW(a, int);
            *place = results.n;
            nodemap_set(&y_place, y, place);
            vec_push(a, &results, y);
        }
    Node **out = ARENA_ARRAY(a, Node *, results.n + 1);
    nodes_reached_xs(a, &results, &p->holes, &p->xs, &x, &walked);
    if (results.n)
        ir_scan_region(r->g, &(Region){carry.n, x.n, results.n - carry.n, carry.v, x.v, results.v, results.v + carry.n, initial.v,
                                       walked.v, first->at->length, first->at->reverse != 0}, out);
    for (int m = 0; m < p->n_members; m++)
        for (int i = 0; i < p->member[m].scan->type->rank; i++) {
            Member *one = &p->member[m];
            int place = i < p->carry && p->live[i] ? nodes_place(&carry, p->in[i]) : -1;
            if (i < p->carry && p->live[i]) one->value[i] = place >= 0 ? out[place] : one->operand[i];
            if (i >= p->carry && one->y[i]) one->value[i] = out[*(int *)nodemap_get(&y_place, one->y[i])];
        }
}
/* One round is no loop. */
static void open_single(Round *r, Parts *p) {
    i64 length = 1;
    for (int m = 0; m < p->n_members; m++) {
        Member *one = &p->member[m];
        const Func *body = one->scan->at->body;
        for (int i = 0; i < body->n_params; i++) {
            Node *in = one->operand[i];
            if (i >= scan_first_x(one->scan)) in = ir_reshape(r->g, in, in->type->rank - 1, in->type->dims + 1);
            nodemap_set(&one->inside, ir_arg(r->g, i, body->params[i]), in);
        }
        instantiate(r, p, m);
        for (int i = 0; i < body->n_results; i++)
            one->value[i] = i < p->carry ? p->next[i] : one->y[i] ? ir_lead(r->g, one->y[i], 1, &length) : NULL;
    }
}
static void remake(Round *r, Group *group) {
    Parts p = take_apart(r, group);
    if (group->members.v[0]->at->length == 1) {
        open_single(r, &p);
    } else {
        choose_inside(r, &p);
        close_again(r, &p);
    }
    for (int m = 0; m < p.n_members; m++) nodemap_set(&r->many, p.member[m].scan, p.member[m].value);
    group->made = true;
}

/* ---- functions */
static const Func *tidy_once(Tidy *t, const Func *f) {
    Arena *a = arena_new("tidy");
    Round r = {t, t->g, a, {.arena = a}, {.arena = a}, {.arena = a}, {.arena = a}, {.arena = a}};
    NodeList nodes = order_walk(a, f->results, f->n_results);
    find_groups(&r, nodes);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i], *now = node;
        if (node->op == OP_scan) {
            Group *group = nodemap_get(&r.group, node);
            if (!group->made) remake(&r, group);
        } else if (node->op == OP_get) {
            now = ((Node **)nodemap_get(&r.many, node->args[0]))[node->at->index];
        } else {
            Node **args = ARENA_ARRAY(a, Node *, node->n_args);
            for (int j = 0; j < node->n_args; j++) args[j] = nodemap_get(&r.now, node->args[j]);
            now = node_with_args(t->g, node, args);
        }
        nodemap_set(&r.now, node, now);
    }
    Node **results = ARENA_ARRAY(a, Node *, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = nodemap_get(&r.now, f->results[i]);
    const Func *made = func_make(t->g, f->n_params, f->params, f->n_results, results);
    arena_free(a);
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

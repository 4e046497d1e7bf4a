/* vjp_scan.c: the gradient of a loop: the loop forward once more with each round's carried-in values kept as ys, then a loop
** the other way over them that computes the round again and its vjp. Both are ordinary scans, so any order, nesting and
** direction follows. Which other values are better handed over than computed again is left to a pass (opt/keep): they are the
** same bits. That the first loop stands there twice ends with `tidy`.
**
** The backward loop carries the cotangents of the carried values that depend on a target, and one sum for each constant that
** does; its xs are the kept values, the forward xs and the cotangents of the ys; its ys are the cotangents of the xs. */
#include "../ir/rewrite.h"
#include "grad.h"
#include "rules.h"

typedef struct Loop {
    const Pull *p;
    Graph *g;
    Arena *scratch;
    const Func *body;
    int n_carry, n_const, n_params, n_results;
    Node **param;  /* [n_params] the body's arguments */
    bool *active;  /* [n_params] real, and depends on a target */
    bool *moves;   /* [n_results] depends on an active parameter */
    int *wanted, n_carried, n_wanted;     /* params: active carried values first, then active constants and xs */
    int *given, n_ys;                     /* results: the ys that have a cotangent and move */
    Node **kept;   /* [n_carry] carried-in values of all rounds, stacked */
} Loop;

/* Which carried values depend on what is wanted: a fixed point, as one may reach another in the next round. */
static void find_active(Loop *l) {
    Node **on = ARENA_ARRAY(l->scratch, Node *, l->n_params + 1);
    for (bool again = true; again;) {
        int n = 0;
        for (int i = 0; i < l->n_params; i++)
            if (l->active[i]) on[n++] = l->param[i];
        NodeMap depends = depends_on(l->scratch, l->body->results, l->n_results, on, n);
        again = false;
        for (int i = 0; i < l->n_results; i++) {
            const Node *r = l->body->results[i];
            l->moves[i] = nodemap_get(&depends, r) && dtype_real(r->type->dtype);
            if (i < l->n_carry && l->moves[i] && !l->active[i]) l->active[i] = again = true;
        }
    }
}
static Loop loop_of(const Pull *p, Arena *scratch) {
    const Node *scan = p->node;
    const Func *body = scan->at->body;
    Loop l = {.p = p, .g = p->g, .scratch = scratch, .body = body, .n_carry = (int)scan->at->carry,
              .n_const = (int)scan->at->constants, .n_params = body->n_params, .n_results = body->n_results};
    l.param = ARENA_ARRAY(scratch, Node *, l.n_params + 1);
    l.active = ARENA_ARRAY(scratch, bool, l.n_params + 1);
    l.moves = ARENA_ARRAY(scratch, bool, l.n_results + 1);
    for (int i = 0; i < l.n_params; i++) {
        l.param[i] = ir_arg(l.g, i, body->params[i]);
        l.active[i] = p->want[i] && dtype_real(body->params[i]->dtype);
    }
    find_active(&l);
    l.wanted = ARENA_ARRAY(scratch, int, l.n_params + 1);
    l.given = ARENA_ARRAY(scratch, int, l.n_results + 1);
    for (int i = 0; i < l.n_params; i++)
        if (l.active[i]) l.n_carried += i < l.n_carry, l.wanted[l.n_wanted++] = i;
    for (int i = l.n_carry; i < l.n_results; i++)
        if (p->cts[i] && l.moves[i]) l.given[l.n_ys++] = i;
    return l;
}
static bool loop_has_cotangent(const Loop *l) {
    for (int i = 0; i < l->n_carried; i++)
        if (l->p->cts[l->wanted[i]]) return true;
    return l->n_ys > 0;
}
/* The same scan with the carried-in values as further ys. */
static void keep_carried(Loop *l) {
    const Node *scan = l->p->node;
    int n = l->n_results + l->n_carry;
    Node **results = ARENA_ARRAY(l->scratch, Node *, n + 1), **out = ARENA_ARRAY(l->scratch, Node *, n + 1);
    for (int i = 0; i < l->n_results; i++) results[i] = l->body->results[i];
    for (int i = 0; i < l->n_carry; i++) results[l->n_results + i] = l->param[i];
    const Func *body = func_make(l->g, l->n_params, l->body->params, n, results);
    ir_scan(l->g, body, l->n_carry, l->n_const, l->n_params - l->n_carry - l->n_const, scan->args, scan->at->length,
            scan->at->reverse != 0, out);
    l->kept = out + l->n_results;
}
static Node **nodes(const Loop *l, int n) { return ARENA_ARRAY(l->scratch, Node *, n + 1); }
static bool is_const(const Loop *l, int param) { return param >= l->n_carry && param < l->n_carry + l->n_const; }

/* One round: `in` stands for the body's parameters, dcarry and dy for the cotangents of its results; writes those of the wanted
** parameters (NULL: zero). The constants are holes during the vjp, so that it ends there, and then the outer nodes again. */
static void round_vjp(const Loop *l, Node *const *in, Node *const *dcarry, Node *const *dy, Node **d) {
    int n = l->n_carried + l->n_ys, found = 0;
    Node **all = nodes(l, l->n_results), **out = nodes(l, n), **ct = nodes(l, n), **on = nodes(l, l->n_wanted),
         **some = nodes(l, l->n_wanted), **closed = nodes(l, l->n_wanted);
    func_apply(l->g, l->body, in, all);
    for (int i = 0; i < l->n_carried; i++) out[i] = all[l->wanted[i]], ct[i] = dcarry[i];
    for (int i = 0; i < l->n_ys; i++) out[l->n_carried + i] = all[l->given[i]], ct[l->n_carried + i] = dy[i];
    for (int i = 0; i < l->n_wanted; i++) on[i] = in[l->wanted[i]];
    vjp(l->g, n, out, ct, l->n_wanted, on, false, d);
    NodeMap outer = {.arena = l->scratch};
    for (int i = 0; i < l->n_params; i++)
        if (is_const(l, i)) nodemap_set(&outer, in[i], l->p->node->args[i]);
    for (int i = 0; i < l->n_wanted; i++)
        if (d[i]) some[found++] = d[i];
    substitute(l->g, l->scratch, &outer, some, found, closed);
    for (int i = 0, j = 0; i < l->n_wanted; i++)
        if (d[i]) d[i] = closed[j++];
}
/* Holes for a round of the backward loop: `in` for all parameters, dy; those of them that are walked, with what they walk. */
static int open_round(const Loop *l, Node **in, Node **dy, Node **x, Node **xs) {
    int n = 0;
    for (int i = 0; i < l->n_params; i++) {
        in[i] = ir_hole(l->g, l->body->params[i]);
        if (is_const(l, i)) continue;
        x[n] = in[i];
        xs[n++] = i < l->n_carry ? l->kept[i] : l->p->node->args[i];
    }
    for (int i = 0; i < l->n_ys; i++) {
        x[n] = dy[i] = ir_hole(l->g, l->body->results[l->given[i]]->type);
        xs[n++] = l->p->cts[l->given[i]];
    }
    return n;
}
static void run_back(const Loop *l) {
    Graph *g = l->g;
    Node *const *cts = l->p->cts;
    int room = l->n_params + l->n_ys, n_carry = l->n_carried, n_y = 0;
    Node **in = nodes(l, room), **dy = nodes(l, room), **x = nodes(l, room), **xs = nodes(l, room), **d = nodes(l, room);
    Node **carry = nodes(l, room), **next = nodes(l, room), **initial = nodes(l, room), **y = nodes(l, room);
    int *place = ARENA_ARRAY(l->scratch, int, room + 1); /* wanted -> which result of the backward loop */
    int n_xs = open_round(l, in, dy, x, xs);
    for (int i = 0; i < n_carry; i++) {
        Node *ct = cts[l->wanted[i]];
        carry[i] = ir_hole(g, l->body->params[l->wanted[i]]);
        initial[i] = ct ? ct : ir_fill(g, 0, carry[i]->type);
    }
    round_vjp(l, in, carry, dy, d);
    for (int i = 0; i < l->n_carried; i++) {
        place[i] = i;
        next[i] = d[i] ? d[i] : ir_fill(g, 0, carry[i]->type);
    }
    for (int i = l->n_carried; i < l->n_wanted; i++) { /* a sum for each constant */
        if (!d[i] || !is_const(l, l->wanted[i])) continue;
        place[i] = n_carry;
        carry[n_carry] = ir_hole(g, d[i]->type);
        initial[n_carry] = ir_fill(g, 0, d[i]->type);
        next[n_carry] = ir_add(g, carry[n_carry], d[i]);
        n_carry++;
    }
    for (int i = l->n_carried; i < l->n_wanted; i++)
        if (d[i] && !is_const(l, l->wanted[i])) place[i] = n_carry + n_y, y[n_y++] = d[i];
    Region back = {n_carry, n_xs, n_y, carry, x, next, y, initial, xs, l->p->node->at->length, !l->p->node->at->reverse};
    Node **out = nodes(l, n_carry + n_y);
    ir_scan_region(g, &back, out);
    for (int i = 0; i < l->n_wanted; i++)
        if (d[i] || i < l->n_carried) l->p->give[l->wanted[i]] = out[place[i]];
}
void vjp_scan(const Pull *p) {
    Arena *scratch = arena_new("the gradient of a scan");
    Loop l = loop_of(p, scratch);
    if (loop_has_cotangent(&l)) {
        keep_carried(&l);
        run_back(&l);
    }
    arena_free(scratch);
}

/* turn.c: a matrix that every round of a loop multiplies by along its rows, as a backward loop does with the recurrent weights of its
** forward loop, is turned once before the loop (the planner stores what it is handed, plan/fuse_facts.c) instead of being packed, or
** the other operand with it, in every round. Each element is the same chain.
** needs: hoist and sink, after which a loop has only the products that stay in it. gives: transposes that `exact` takes up. */
#include "loops.h"

enum {
    ROUNDS = 4,   /* of a loop for which it pays */
    COLUMNS = 32, /* of the matrix when turned: enough to fill the lanes */
    SUMMED = 16
};

/* x * m, where m's rows are contracted: [.., k] with [n, k]. */
static bool is_by_rows(const Node *dot, const Node *m) {
    const Attrs *at = dot->at;
    if (dot->op != OP_dot || dot->args[1] != m || dot->args[0] == m || at->lb.n || at->rc.n != 1 || at->rc.v[0] != 1) return false;
    return at->order != ORDER_LANES && m->type->dims[0] >= COLUMNS && m->type->dims[1] >= SUMMED;
}
/* Which constants all their readers multiply by so. */
static bool *find_turned(const Loop *l, bool *any) {
    NodeList nodes = order_walk(l->scratch, l->body->results, l->n_results);
    bool *turned = ARENA_ARRAY(l->scratch, bool, l->n_params + 1);
    for (int c = l->carry; c < l->first_x; c++) {
        const Node *m = l->param[c];
        int readers = 0, fitting = 0;
        for (int i = 0; i < nodes.n; i++)
            for (int k = 0; k < nodes.v[i]->n_args; k++)
                if (nodes.v[i]->args[k] == m) readers++, fitting += m->type->rank == 2 && is_by_rows(nodes.v[i], m);
        for (int i = 0; i < l->n_results; i++) readers += l->body->results[i] == m;
        turned[c] = readers && readers == fitting;
        *any |= turned[c];
    }
    return turned;
}
static bool change(void *context, Graph *g, Node *scan, Node **results) {
    const Pass *pass = context;
    Loop l = loop_of(g, pass->scratch, scan);
    bool any = false, *turned = find_turned(&l, &any);
    Node **operands = ARENA_ARRAY(l.scratch, Node *, l.n_params + 1), **inside = ARENA_ARRAY(l.scratch, Node *, l.n_params + 1);
    Node **made = ARENA_ARRAY(l.scratch, Node *, l.n_results + 1);
    const Type **types = ARENA_ARRAY(l.scratch, const Type *, l.n_params + 1);
    if (!any || l.length < ROUNDS) return false;
    for (int i = 0; i < l.n_params; i++) {
        operands[i] = turned[i] ? ir_transpose(g, scan->args[i], (int[]){1, 0}) : scan->args[i];
        types[i] = operands[i]->type;
        if (!turned[i]) types[i] = l.body->params[i];
        inside[i] = ir_arg(g, i, types[i]);
        if (turned[i]) inside[i] = ir_transpose(g, inside[i], (int[]){1, 0});
    }
    func_apply(g, l.body, inside, made);
    const Func *body = func_make(g, l.n_params, types, l.n_results, made);
    ir_scan(g, body, l.carry, l.first_x - l.carry, l.n_params - l.first_x, operands, l.length, scan->at->reverse != 0, results);
    return true;
}
const Func *pass_turn(const Pass *pass, const Func *f) { return func_rewrite_scans(pass->g, f, change, (void *)pass); }

/* loops.c: see loops.h. */
#include "loops.h"

Loop loop_of(Graph *g, Arena *scratch, Node *scan) {
    const Attrs *at = scan->at;
    Loop l = {.g = g, .scratch = scratch, .scan = scan, .body = at->body, .carry = (int)at->carry,
              .first_x = (int)(at->carry + at->constants), .n_params = at->body->n_params, .n_results = at->body->n_results,
              .length = at->length};
    l.param = ARENA_ARRAY(scratch, Node *, l.n_params + 1);
    for (int i = 0; i < l.n_params; i++) l.param[i] = ir_arg(g, i, l.body->params[i]);
    return l;
}
void loop_remake(Loop *l, const Nodes *results, const Nodes *x, const Nodes *xs, Node **out) {
    NodeMap map = {.arena = l->scratch};
    Types types = {0};
    Nodes operands = {0};
    for (int i = 0; i < l->n_params; i++) {
        vec_push(l->scratch, &types, l->body->params[i]);
        vec_push(l->scratch, &operands, l->scan->args[i]);
    }
    for (int i = 0; i < x->n; i++) {
        nodemap_set(&map, x->v[i], ir_arg(l->g, types.n, x->v[i]->type));
        vec_push(l->scratch, &types, x->v[i]->type);
        vec_push(l->scratch, &operands, xs->v[i]);
    }
    Node **inside = ARENA_ARRAY(l->scratch, Node *, results->n + 1);
    substitute(l->g, l->scratch, &map, results->v, results->n, inside);
    const Func *body = func_make(l->g, types.n, types.v, results->n, inside);
    ir_scan(l->g, body, l->carry, l->first_x - l->carry, types.n - l->first_x, operands.v, l->length, l->scan->at->reverse != 0, out);
}

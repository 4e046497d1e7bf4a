/* grain.c: see grain.h. */
#include "grain.h"
#include "match.h"

static void *packed(Arena *arena, GrainRole role) {
    GrainRole *cell = ARENA_NEW(arena, GrainRole);
    *cell = role;
    return cell;
}
GrainRole grain_role(const Grains *grains, const Node *node) { return *(GrainRole *)nodemap_get(&grains->roles, node); }

/* ---- roles */

static bool has_role(const Grains *s, const Node *node, GrainRole role) {
    for (int i = 0; i < node->n_args; i++)
        if (grain_role(s, node->args[i]) == role) return true;
    return false;
}
/* A loop's body, where nothing may be summed over the batch. */
static bool body_possible(const Grains *outer, Graph *g, const Func *body, const int *params) {
    BatchAxes b = {.arena = outer->arena, .axis.arena = outer->arena};
    Grains inner = {.arena = outer->arena, .roles.arena = outer->arena};
    batch_find(&b, g, body, params);
    grain_find(&inner, g, &b, body);
    NodeList nodes = order_walk(outer->arena, body->results, body->n_results);
    for (int i = 0; i < nodes.n; i++)
        if (grain_role(&inner, nodes.v[i]) > GRAIN_INSIDE) return false;
    return inner.possible;
}
static GrainRole role_of_scan(Grains *s, Graph *g, const BatchAxes *b, const Node *scan) {
    const int *params = batch_scan_params(b, scan);
    bool inside = false;
    for (int i = 0; i < scan->n_args; i++) {
        inside |= params[i] >= 0;
        s->possible &= params[i] != BATCH_MIXED;
    }
    if (!inside) return has_role(s, scan, GRAIN_SUM) || has_role(s, scan, GRAIN_AFTER) ? GRAIN_AFTER : GRAIN_OUTSIDE;
    s->possible = s->possible && body_possible(s, g, scan->at->body, params);
    return GRAIN_INSIDE;
}
/* Both operands' batch is the same axis of the pair; where the result has it, neither is summed over it. */
static bool pairs_match(const BatchAxes *b, const Node *node, bool summed) {
    const Attrs *at = node->at;
    if (node->op != OP_dot && node->op != OP_put) return true;
    int left = batch_axis(b, node->args[0]), right = batch_axis(b, node->args[1]), batch = (int)at->batch;
    if (node->op == OP_dot) {
        left = left < 0 ? -1 : list_place(at->lc, left);
        right = right < 0 ? -1 : list_place(at->rc, right);
    } else {
        int n_index = node->args[1]->type->rank - batch;
        left = left >= at->axis && left < at->axis + n_index ? left - (int)at->axis + batch : -1;
        right = right >= batch ? right : -1;
    }
    return summed ? left < 0 || right < 0 || left == right : left < 0 && right < 0;
}
static bool is_batch_sum(const Node *node) { return node->op == OP_sum || node->op == OP_dot || node->op == OP_put; }
static GrainRole role_of(Grains *s, Graph *g, const BatchAxes *b, const Node *node) {
    if (node->op == OP_scan) return role_of_scan(s, g, b, node);
    int axis = batch_axis(b, node);
    bool of_examples = has_role(s, node, GRAIN_INSIDE), late = has_role(s, node, GRAIN_SUM) || has_role(s, node, GRAIN_AFTER);
    s->possible &= axis != BATCH_MIXED && !(of_examples && late);
    if (axis >= 0) {
        s->possible &= !late && !(node->op == OP_affine && node->at->k == axis) && pairs_match(b, node, false);
        return GRAIN_INSIDE;
    }
    if (!of_examples) return late ? GRAIN_AFTER : GRAIN_OUTSIDE;
    s->possible &= is_batch_sum(node) && pairs_match(b, node, true);
    return GRAIN_SUM;
}
void grain_find(Grains *s, Graph *g, const BatchAxes *b, const Func *f) {
    NodeList nodes = order_walk(s->arena, f->results, f->n_results);
    s->possible = true;
    for (int i = 0; i < nodes.n; i++) nodemap_set(&s->roles, nodes.v[i], packed(s->arena, role_of(s, g, b, nodes.v[i])));
    for (int i = 0; i < f->n_results; i++) s->possible &= grain_role(s, f->results[i]) != GRAIN_INSIDE || batch_axis(b, f->results[i]) == 0;
}

/* ---- worth */

enum { SAVING = 3, LEAST_EXTENT = 48 };
static const i64 LEAST_BYTES = (i64)8 << 20, LEAST_PRODUCT = (i64)1 << 20;

/* A product keeps enough of the extent that the batch is part of: rows, columns or terms. */
static bool dot_keeps_size(const BatchAxes *b, const Node *dot, i64 parts) {
    if (node_multiply_adds(dot) < LEAST_PRODUCT) return true;
    for (int side = 0; side < 2; side++) {
        int axis = batch_axis(b, dot->args[side]);
        const Type *type = dot->args[side]->type;
        List batch = side ? dot->at->rb : dot->at->lb, terms = side ? dot->at->rc : dot->at->lc;
        if (axis < 0 || list_has(batch, axis)) continue;
        i64 extent = 1;
        for (int i = 0; i < type->rank; i++)
            if (!list_has(batch, i) && list_has(terms, i) == list_has(terms, axis)) extent *= type->dims[i];
        if (extent < parts * LEAST_EXTENT) return false;
    }
    return true;
}
static bool body_keeps_size(const Grains *s, const BatchAxes *b, Graph *g, const Func *f, i64 parts);
static bool keeps_size(const Grains *s, const BatchAxes *b, Graph *g, const Node *node, i64 parts) {
    if (node->op == OP_dot) return dot_keeps_size(b, node, parts);
    if (node->op != OP_scan) return true;
    BatchAxes inner = {.arena = s->arena, .axis.arena = s->arena};
    batch_find(&inner, g, node->at->body, batch_scan_params(b, node));
    return body_keeps_size(s, &inner, g, node->at->body, parts);
}
static bool body_keeps_size(const Grains *s, const BatchAxes *b, Graph *g, const Func *f, i64 parts) {
    NodeList nodes = order_walk(s->arena, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++)
        if (!keeps_size(s, b, g, nodes.v[i], parts)) return false;
    return true;
}
/* What is kept, about: results of products, sums and loops. */
static i64 kept_bytes(const Node *node) {
    i64 bytes = 0;
    if (node->op != OP_scan) return op_loop_class(node->op) == LOOP_anchor ? type_bytes(node->type) : 0;
    for (int i = 0; i < node->at->body->n_results; i++) bytes += type_bytes(node->type->parts[i]);
    return bytes;
}
bool grain_worth(const Grains *s, const BatchAxes *b, Graph *g, const Func *f, i64 rows, i64 parts) {
    if (!s->possible || parts < 2 || rows < 2 * parts || rows % parts) return false;
    NodeList nodes = order_walk(s->arena, f->results, f->n_results);
    i64 kept = 0, sums = 0;
    for (int i = 0; i < nodes.n; i++) {
        GrainRole role = grain_role(s, nodes.v[i]);
        if (role == GRAIN_INSIDE) kept += kept_bytes(nodes.v[i]);
        if (role == GRAIN_SUM) sums += type_bytes(nodes.v[i]->type);
    }
    return kept >= LEAST_BYTES && kept >= SAVING * parts * sums && body_keeps_size(s, b, g, f, parts);
}

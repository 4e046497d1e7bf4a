/* sema_page.h: evaluates the body of `def main(field: type, ..)` of a page as a train block would, with its arguments
*as fields of
** b examples, and computes results on the interpreter. For tests of sema's core without data, trains and the runtime.
 */
#ifndef SEMA_PAGE_H
#define SEMA_PAGE_H
#include "../../compiler/ir/eval.h"
#include "../../compiler/ir/rewrite.h"
#include "../../compiler/sema/call.h"
#include <stdlib.h>

typedef struct Page {
    Compilation c;
    Eval *e;
    Scope *file;
    const Ast *main;
    Inputs inputs;
    i64 rows;
    bool training;
    int n_fields;
    Node *fields[16];
    Value *value;
    int runs;
} Page;

static Context page_context(Page *p) {
    Context c = context_top(p->e);
    c.where = WHERE_TRAIN, c.site = c.train = str_intern(p->c.strings, "test"), c.training = p->training, c.top = true;
    c.inputs = &p->inputs;
    context_push(p->e, &c, FRAME_EXAMPLE, p->rows, "example", (Span){0});
    return c;
}
static void page_field(Page *p, const Context *c, Scope *scope, const Ast *formal) {
    TypeValue type;
    if (!type_value(p->e, c, scope, formal->formal.type, &type)) return;
    i64 dims[RANK_MAX] = {p->rows};
    for (int i = 0; i < type.shape.rank; i++) dims[i + 1] = type.shape.dims[i];
    Node **hole = &p->fields[p->n_fields++];
    if (!*hole)
        *hole =
            ir_hole(p->e->graph, type_get(p->e->graph, element_dtype(p->e, type.element), type.shape.rank + 1, dims));
    bind(p->e, c, scope, formal->formal.name.text, value_tensor(p->e, type.element, &type.shape, 1, *hole),
         formal->span);
}
static void page_run(Eval *e, void *context) {
    Page *p = context;
    Context c = page_context(p);
    Scope *scope = scope_new(e, p->file, false);
    eval_begin(e);
    p->runs++;
    p->n_fields = 0;
    for (int i = 0; i < p->main->function.formals.n; i++) page_field(p, &c, scope, p->main->function.formals.v[i]);
    p->value = eval_block(e, &c, scope, p->main->function.block);
    scope_finish(e, &c, scope);
}
/* False after errors; p->value is what the body gives. */
static bool page_open(Page *p, const char *text, i64 rows, bool training, bool f64) {
    Arena *arena = arena_new("test");
    *p = (Page){.c = {.arena = arena, .strings = strings_new(arena), .diag = diag_new(arena), .f64 = f64},
                .rows = rows,
                .training = training};
    p->inputs.rows = rows;
    p->e = eval_new(&p->c, &(SemaOptions){.folder = "", .name = "test"});
    Ast *program = parse_source(&p->c, source_of_text(arena, "page.nn", text, false));
    if (!program || diag_errors(p->c.diag)) return false;
    p->file = scope_new(p->e, library_scope(p->e), false);
    file_declare(p->e, p->file, program);
    const Function *f = scope_find_function(p->file, str_intern(p->c.strings, "main"));
    if (!f) return false;
    p->main = f->ast;
    return !diag_errors(p->c.diag) && eval_abstract(p->e, page_run, p) && eval_concrete(p->e, page_run, p);
}
static double page_random(u64 *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / 16777216.0 - 0.5;
}
static void page_fill(const Page *p, Tensor t, Node *hole, u64 *state) {
    bool key = hole == p->e->init.hole[INPUT_KEY], valid = hole == p->inputs.hole[INPUT_VALID];
    for (i64 i = 0; i < t.type->count; i++) {
        double x = page_random(state);
        if (t.type->dtype == DT_f32) ((float *)t.data)[i] = (float)x;
        if (t.type->dtype == DT_f64) ((double *)t.data)[i] = x;
        if (t.type->dtype == DT_bool) ((u8 *)t.data)[i] = x > 0;
        if (t.type->dtype == DT_i32) ((i32 *)t.data)[i] = key ? (i32)(7 + i) : valid ? (i32)p->rows : (i32)i;
    }
}
static double page_get(Tensor t, i64 i) {
    switch ((int)t.type->dtype) {
    case DT_f32: return ((float *)t.data)[i];
    case DT_f64: return ((double *)t.data)[i];
    case DT_bool: return ((u8 *)t.data)[i];
    default: return ((i32 *)t.data)[i];
    }
}
/* Computes nodes: holes are filled in the order of the walk, params and states with their initial values. */
static void page_compute(Page *p, int n, Node *const *nodes, Tensor *results) {
    Graph *g = p->e->graph;
    Arena *a = p->c.arena;
    NodeMap map = {.arena = a};
    for (int i = 0; i < p->e->slots.n; i++)
        if (p->e->slots.v[i]->in && p->e->slots.v[i]->initial)
            nodemap_set(&map, p->e->slots.v[i]->in, p->e->slots.v[i]->initial);
    Node **roots = ARENA_ARRAY(a, Node *, n), **closed = ARENA_ARRAY(a, Node *, n);
    substitute(g, a, &map, nodes, n, roots);
    NodeList all = order_walk(a, roots, n);
    VEC(const Type *) types = {0};
    VEC(Tensor) args = {0};
    NodeMap holes = {.arena = a};
    u64 state = 12345;
    VEC(Node *) in = {0};
    for (int i = 0; i < p->n_fields; i++) vec_push(a, &in, p->fields[i]);
    for (int i = 0; i < all.n; i++) {
        bool field = false;
        for (int k = 0; k < p->n_fields; k++) field |= p->fields[k] == all.v[i];
        if (all.v[i]->op == OP_hole && !field) vec_push(a, &in, all.v[i]);
    }
    for (int i = 0; i < in.n; i++) {
        nodemap_set(&holes, in.v[i], ir_arg(g, types.n, in.v[i]->type));
        vec_push(a, &types, in.v[i]->type);
        Tensor t = tensor_new(a, in.v[i]->type);
        page_fill(p, t, in.v[i], &state);
        vec_push(a, &args, t);
    }
    substitute(g, a, &holes, roots, n, closed);
    const Func *f = func_make(g, types.n, types.v, n, closed);
    for (int i = 0; i < n; i++) results[i] = tensor_new(a, closed[i]->type);
    func_eval(f, args.v, results);
}
static Tensor page_tensor(Page *p, Value *v) {
    Tensor t;
    bool nodes = p->e->nodes;
    p->e->nodes = true;
    Node *node = value_node(p->e, v);
    p->e->nodes = nodes;
    nnc_check(node, "no node");
    page_compute(p, 1, &node, &t);
    return t;
}
#endif

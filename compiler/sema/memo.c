/* memo.c: the same call of a model twice in a block is one call: one value, one set of draws, one change of its states.
**
** The same: equal expressions whose names are the same bindings, with the same parameters, in the same frames. */
#include "call.h"

typedef struct Reference {
    const Binding *binding;
    const Function *function;
} Reference;
struct Memo {
    const Ast *ast;
    VEC(Reference) references; /* of the names in it, in order */
    u32 version;               /* of the parameters */
    int n_frames;
    Frame *const *frames;
    bool reporting;
    Value *value;
};
typedef struct Walk {
    Eval *e;
    const Scope *scope;
    Memo *memo;
} Walk;
static void collect(void *context, const Ast *ast) {
    Walk *w = context;
    const char *name = ast->kind == AST_name ? ast->name.name.text : ast->kind == AST_call ? ast->call.name.text : NULL;
    if (name) {
        Reference r = {scope_find(w->scope, name), scope_find_function(w->scope, name)};
        vec_push(w->e->arena, &w->memo->references, r);
    }
    ast_children(ast, collect, w);
}
static bool same(const Memo *a, const Memo *b) {
    if (a->version != b->version || a->n_frames != b->n_frames || a->references.n != b->references.n) return false;
    if (b->reporting && !a->reporting) return false; /* made for a report: no one else's */
    for (int i = 0; i < a->n_frames; i++)
        if (a->frames[i] != b->frames[i]) return false;
    for (int i = 0; i < a->references.n; i++)
        if (a->references.v[i].binding != b->references.v[i].binding ||
            a->references.v[i].function != b->references.v[i].function)
            return false;
    return ast_equal(a->ast, b->ast);
}
Memo *memo_find(Eval *e, const Context *c, Scope *scope, const Ast *ast, Value **value) {
    if (c->initial) return NULL;
    Memo *memo = ARENA_NEW(e->arena, Memo);
    *memo = (Memo){.ast = ast, .version = e->version, .n_frames = c->n_frames, .reporting = e->reporting};
    memo->frames = arena_copy(e->arena, c->frames, sizeof(Frame *) * (size_t)c->n_frames);
    collect(&(Walk){e, scope, memo}, ast);
    for (int i = 0; i < scope->memos.n; i++)
        if (same(memo, scope->memos.v[i])) return *value = scope->memos.v[i]->value, NULL;
    return memo;
}
void memo_keep(Eval *e, Scope *scope, Memo *memo, Value *value) {
    memo->value = value;
    vec_push(e->arena, &scope->memos, memo);
}

/* warning_text.c: warnings that the text alone shows: names never used, and a softmax or sigmoid before a loss that
** has its own. */
#include "page.h"

/* ---- names ---- */
typedef struct Names {
    Eval *e;
    VEC(Name) bound;
    Map used; /* interned name -> anything */
} Names;
static void bind_name(Names *n, Name name) {
    if (!name.text || name.text[0] == '_') return;
    for (int i = 0; i < n->bound.n; i++)
        if (n->bound.v[i].text == name.text) return;
    vec_push(n->e->arena, &n->bound, name);
}
static void use_name(Names *n, Name name) {
    if (name.text) map_set_ptr(&n->used, name.text, n);
}
static void names_walk(void *context, const Ast *ast) {
    Names *n = context;
    switch ((int)ast->kind) {
    case AST_name: use_name(n, ast->name.name); break;
    case AST_call: use_name(n, ast->call.name); break;
    case AST_let:
        for (int i = 0; i < ast->let.names.n; i++) bind_name(n, ast->let.names.v[i]);
        break;
    case AST_scan:
        for (int i = 0; i < ast->scan.names.n; i++) bind_name(n, ast->scan.names.v[i]);
        break;
    case AST_repeat: bind_name(n, ast->repeat.name); break;
    case AST_minimize:
        for (int i = 0; i < ast->minimize.on.n; i++) use_name(n, ast->minimize.on.v[i]);
        break;
    case AST_lasting: use_name(n, ast->lasting.name); break; /* it lasts: binding it is a use */
    default: break;
    }
    ast_children(ast, names_walk, n);
}
static void block_names(Eval *e, const Ast *item, const Ast *block, bool formals) {
    Names n = {.e = e, .used = {.arena = e->arena}};
    names_walk(&n, block);
    for (int i = 0; formals && i < item->function.formals.n; i++)
        bind_name(&n, item->function.formals.v[i]->formal.name);
    for (int i = 0; formals && i < item->function.formals.n; i++) {
        const Ast *formal = item->function.formals.v[i];
        if (formal->formal.value) names_walk(&n, formal->formal.value);
        if (formal->formal.type) names_walk(&n, formal->formal.type);
    }
    for (int i = 0; formals && i < item->function.results.n; i++) names_walk(&n, item->function.results.v[i]);
    for (int i = 0; i < n.bound.n; i++)
        if (!map_has(&n.used, map_key(n.bound.v[i].text)))
            sema_warning(e, NULL, W708, n.bound.v[i].span, "`%s` is never used", n.bound.v[i].text);
}
static void hyper_names(Eval *e, const File *file) {
    Names n = {.e = e, .used = {.arena = e->arena}};
    for (int i = 0; i < file->program->program.items.n; i++) names_walk(&n, file->program->program.items.v[i]);
    for (int i = 0; i < file->program->program.items.n; i++) {
        const Ast *item = file->program->program.items.v[i];
        if (item->kind == AST_hyper && !map_has(&n.used, map_key(item->hyper.name.text)))
            sema_warning(e, NULL, W708, item->hyper.name.span, "`%s` is never used", item->hyper.name.text);
    }
}

/* ---- softmax twice ---- */
static const Ast *last_of(const Ast *block) {
    const AstList *lines = &block->block.statements;
    return lines->n && lines->v[lines->n - 1]->kind == AST_value ? lines->v[lines->n - 1]->value.value : NULL;
}
static const Ast *bound_to(const Ast *block, const char *name) {
    const Ast *value = NULL;
    for (int i = 0; i < block->block.statements.n; i++) {
        const Ast *s = block->block.statements.v[i];
        if (s->kind == AST_let && s->let.names.n == 1 && s->let.names.v[0].text == name) value = s->let.value;
    }
    return value;
}
static const Ast *call_of(const Ast *ast) {
    return !ast ? NULL : ast->kind == AST_pipe ? ast->pipe.call : ast->kind == AST_call ? ast : NULL;
}
/* The call that makes scores into probabilities, if the value of `ast` comes from one. */
static const Ast *probabilities(const Page *page, const Ast *block, const Ast *ast, const char *maker, int deep) {
    if (!ast || deep > 8) return NULL;
    if (ast->kind == AST_name) return probabilities(page, block, bound_to(block, ast->name.name.text), maker, deep + 1);
    const Ast *call = call_of(ast);
    if (!call) return NULL;
    if (!strcmp(call->call.name.text, maker) ||
        (!strcmp(maker, "softmax") && !strcmp(call->call.name.text, "log_softmax")))
        return call;
    const Function *f = scope_find_function(page->main->scope, call->call.name.text);
    if (!f || !f->ast || f->ast->span.source != page->main->source) return NULL;
    return probabilities(page, f->ast->function.block, last_of(f->ast->function.block), maker, deep + 1);
}
typedef struct Losses {
    Eval *e;
    const Ast *block;
} Losses;
static void losses_walk(void *context, const Ast *ast) {
    const Losses *l = context;
    const Ast *call = call_of(ast);
    const char *name = call ? call->call.name.text : "";
    const char *maker = !strcmp(name, "cross_entropy")          ? "softmax"
                        : !strcmp(name, "binary_cross_entropy") ? "sigmoid"
                                                                : NULL;
    if (maker) {
        const AstList *arguments = &call->call.arguments;
        const Ast *scores = ast->kind == AST_pipe ? ast->pipe.value : arguments->n ? arguments->v[0] : NULL;
        const Ast *made = probabilities(page_of(l->e), l->block, scores, maker, 0);
        if (made) {
            Message *m = sema_warning(l->e, NULL, W702, made->call.name.span, "`%s` before `%s`, which has its own",
                                      made->call.name.text, name);
            message_note(m, call->call.name.span, "the loss is here");
            message_help(m, "losses take scores: leave `%s` out here, and use it where probabilities are shown",
                         made->call.name.text);
        }
    }
    if (ast->kind != AST_pipe)
        ast_children(ast, losses_walk, context);
    else
        losses_walk(context, ast->pipe.value);
}
static void softmax_twice(Eval *e, const Ast *train) {
    Losses l = {e, train->train.block};
    for (int i = 0; i < train->train.block->block.statements.n; i++) {
        const Ast *s = train->train.block->block.statements.v[i];
        if (s->kind == AST_minimize) losses_walk(&l, s->minimize.objective);
        if (s->kind == AST_let) losses_walk(&l, s->let.value);
    }
}

void warnings_of_text(Eval *e) {
    const File *file = page_of(e)->main;
    for (int i = 0; i < file->program->program.items.n; i++) {
        const Ast *item = file->program->program.items.v[i];
        if (item->kind == AST_function)
            block_names(e, item, item->function.block, item->function.what != FUNCTION_OPTIMIZER);
        if (item->kind == AST_train) block_names(e, item, item->train.block, false), softmax_twice(e, item);
        if (item->kind == AST_predict) block_names(e, item, item->predict.block, false);
    }
    hyper_names(e, file);
}

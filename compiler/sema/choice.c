/* choice.c: if and repeat: expanded in place, they open no scope; and the numbering of what is not taken. */
#include "call.h"

enum { EXPANSIONS = 10000 };

typedef struct Skipping {
    Eval *e;
    const Context *c;
    Scope *scope;
} Skipping;
static void skip(void *context, const Ast *ast) {
    const Skipping *s = context;
    if (ast->kind == AST_function) return; /* numbered where it is called */
    if (ast->kind == AST_call) {
        const Function *f = scope_find_function(s->scope, ast->call.name.text);
        if (ast->call.label.text)
            counters_count(s->e, s->c->counters, ast->call.label.text);
        else if (f && !f->builtin)
            counters_count(s->e, s->c->counters, f->name);
    }
    if (ast->kind == AST_lasting) counters_count(s->e, s->c->counters, ast->lasting.name.text);
    i64 rounds = 1;
    if (ast->kind == AST_repeat && ast->repeat.count->kind == AST_number) rounds = ast->repeat.count->number.integer;
    if (ast->kind == AST_repeat && ast->repeat.count->kind == AST_array) rounds = ast->repeat.count->array.values.n;
    for (i64 i = 0; i < rounds && i < EXPANSIONS; i++) ast_children(ast, skip, context);
}
void count_skipped(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    if (ast) skip(&(Skipping){e, c, scope}, ast);
}
Value *choice_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Value *v = eval_expression(e, c, scope, ast->choice.condition);
    bool truth;
    if (value_is_poison(v)) return v;
    double peek;
    if (!peek_number(v, &peek)) {
        if (v->kind != VALUE_TENSOR || v->open)
            return need_bool(e, c, v, ast->choice.condition->span, "the condition of `if`", &truth), value_poison(e);
        Message *m =
            sema_error(e, c, E230, ast->choice.condition->span, "the condition of `if` must be known when compiling");
        message_help(m, "where(condition, a, b) chooses while the program runs");
        return value_poison(e);
    }
    if (!need_bool(e, c, v, ast->choice.condition->span, "the condition of `if`", &truth)) return value_poison(e);
    const Ast *other = ast->choice.otherwise;
    if (truth) {
        Value *r = eval_block(e, c, scope, ast->choice.then);
        count_skipped(e, c, scope, other);
        return r;
    }
    count_skipped(e, c, scope, ast->choice.then);
    if (!other) return value_none(e);
    return other->kind == AST_choice ? choice_expression(e, c, scope, other) : eval_block(e, c, scope, other);
}
static bool rounds_of(Eval *e, const Context *c, const Ast *ast, Value *count, i64 *n) {
    Span span = ast->repeat.count->span;
    if (count->kind == VALUE_TENSOR && count->known && count->known->list) {
        *n = count->known->n;
    } else if (!need_int(e, c, count, span, "the number of rounds of `repeat`", n)) {
        return false;
    } else if (*n == OPEN) {
        return sema_error(e, c, E231, span,
                          "the rounds of `repeat` depend on a dimension that the model's signature leaves open"),
               false;
    } else if (*n < 0) {
        return sema_error(e, c, E235, span, "`repeat` goes %lld times", (long long)*n), false;
    }
    e->expansions += *n;
    if (e->expansions <= EXPANSIONS) return true;
    Message *m = sema_error(e, c, E282, span, "`repeat` is expanded more than %d times", EXPANSIONS);
    message_help(m, "`scan _ in 0..n { .. }` stays a loop");
    return false;
}
/* An item of a known list; if it is known by hypers that may still be flags, it has a node too. */
static Value *item_of(Eval *e, Value *list, i64 i) {
    Value *v = value_known(e, list->element, known_item(list->known, i));
    if (!list->known->hypers) return v;
    v = known_with_hypers(e, v, list->known->hypers);
    Node *node = value_node(e, list);
    if (node) v->node = ir_squeeze(e->graph, ir_slice(e->graph, node, 0, i, i + 1, 1), 0);
    return v;
}
Value *repeat_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Value *count = eval_expression(e, c, scope, ast->repeat.count), *result = value_none(e);
    i64 n;
    int errors = diag_errors(e->c->diag);
    if (value_is_poison(count) || !rounds_of(e, c, ast, count, &n)) return value_poison(e);
    bool list = count->known && count->known->list;
    for (i64 i = 0; i < n; i++) {
        Value *v = list ? item_of(e, count, i) : value_int(e, i);
        if (ast->repeat.name.text) bind(e, c, scope, ast->repeat.name.text, v, ast->repeat.name.span);
        result = eval_block(e, c, scope, ast->repeat.block);
        if (diag_errors(e->c->diag) > errors) break; /* one round's errors are enough */
    }
    return result;
}

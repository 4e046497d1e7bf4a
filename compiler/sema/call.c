/* call.c: calls: arguments to formals, the body evaluated for this call, results against the declared types; and calls
*of
** models, of which the same one twice in a block is one. */
#include "call.h"

enum { CALLS_DEEP = 120 };

/* ---- arguments ---- */
static bool is_one_value(Eval *e, const Context *c, const Ast *ast, const Value *v) {
    if (v->kind != VALUE_TUPLE && v->kind != VALUE_NONE) return true;
    Message *m = sema_error(e, c, E351, ast->span, "an argument is one value, this is %s", value_text(e, v));
    if (v->kind == VALUE_TUPLE) message_help(m, "bind them first, `a, b = ..`, and give the one that is meant");
    return false;
}
bool eval_arguments(Eval *e, const Context *c, Scope *scope, const AstList *list, Value *first, Span first_span,
                    Arguments *result) {
    int n = list->n + (first ? 1 : 0), k = 0;
    *result = (Arguments){.n = n,
                          .v = ARENA_ARRAY(e->arena, Value *, n + 1),
                          .names = ARENA_ARRAY(e->arena, const char *, n + 1),
                          .spans = ARENA_ARRAY(e->arena, Span, n + 1)};
    if (first) result->v[0] = first, result->spans[k++] = first_span;
    bool named = false, fine = !first || !value_is_poison(first);
    for (int i = 0; i < list->n; i++, k++) {
        const Ast *a = list->v[i], *value = a->kind == AST_setting ? a->setting.value : a;
        result->spans[k] = value->span;
        if (a->kind == AST_setting)
            named = true, result->names[k] = a->setting.name.text;
        else if (named)
            sema_error(e, c, E350, a->span, "an argument by position stands before those with a name"), fine = false;
        result->v[k] = eval_expression(e, c, scope, value);
        fine &= is_one_value(e, c, value, result->v[k]);
        fine &= !value_is_poison(result->v[k]);
    }
    return fine;
}
static int formal_find(const Ast *ast, const char *name) {
    for (int i = 0; i < ast->function.formals.n; i++)
        if (ast->function.formals.v[i]->formal.name.text == name) return i;
    return -1;
}
static bool no_formal(Eval *e, const Context *c, const Function *f, const char *name, Span span) {
    const AstList *formals = &f->ast->function.formals;
    const char **names = ARENA_ARRAY(e->arena, const char *, formals->n + 1);
    for (int i = 0; i < formals->n; i++) names[i] = formals->v[i]->formal.name.text;
    const char *near = str_nearest(name, names, formals->n);
    Message *m = sema_error(e, c, E352, span, "`%s` has no argument `%s`", f->name, name);
    message_note(m, f->ast->function.name.span, "declared here");
    if (near) message_help(m, "did you mean `%s`?", near);
    return false;
}
static bool assign(Eval *e, const Context *c, const Function *f, const Arguments *given, Actual *actuals, int n,
                   Span span) {
    for (int i = 0; i < n; i++) {
        const Ast *formal = f->ast->function.formals.v[i];
        actuals[i] = (Actual){.name = formal->formal.name.text, .formal = formal, .typed = formal->formal.type != NULL};
    }
    for (int k = 0; k < given->n; k++) {
        const char *name = given->names ? given->names[k] : NULL;
        int i = name ? formal_find(f->ast, name) : k;
        if (name && i < 0) return no_formal(e, c, f, name, given->spans[k]);
        if (i >= n) {
            Message *m = sema_error(e, c, E353, given->spans[k], "`%s` takes %d argument%s, this is one more", f->name,
                                    n, n == 1 ? "" : "s");
            message_note(m, f->ast->function.name.span, "declared here");
            return false;
        }
        if (actuals[i].given)
            return sema_error(e, c, E354, given->spans[k], "`%s` of `%s` is given twice", actuals[i].name, f->name),
                   false;
        actuals[i].value = given->v[k], actuals[i].span = given->spans[k], actuals[i].given = true;
    }
    for (int i = 0; i < n; i++) {
        if (actuals[i].given || actuals[i].formal->formal.value) continue;
        Message *m = sema_error(e, c, E355, span, "`%s` needs its argument `%s`", f->name, actuals[i].name);
        message_note(m, actuals[i].formal->span, "declared here");
        return false;
    }
    return true;
}
/* Values of all formals, typed ones fitted; earlier ones are in scope for defaults, as given. */
static bool fit_all(Eval *e, const Context *c2, Scope *scope, const Function *f, Actual *actuals, int n, Span span) {
    for (int i = 0; i < n; i++) {
        Actual *a = &actuals[i];
        if (!a->given) a->value = eval_expression(e, c2, scope, a->formal->formal.value), a->span = span;
        if (value_is_poison(a->value)) return false;
        if (a->typed && !actual_fit(e, c2, scope, f, a)) return false;
        Binding *b = ARENA_NEW(e->arena, Binding);
        b->name = a->name, b->value = a->value, b->span = a->span;
        scope_declare(e, scope, b);
    }
    return true;
}

/* ---- results ---- */
static Value *result_error(Eval *e, const Context *c2, const Scope *scope, const Function *f, const Value *v,
                           const Ast *type, Span span) {
    Message *m = sema_error(e, c2, E306, span, "the result of `%s` is declared %s and is %s", f->name,
                            spec_text(e, scope, type), value_text(e, v));
    message_note(m, type->span, "declared here");
    if (v->kind == VALUE_TENSOR && v->shape.rank == 3 && type->type.dims.n == 1)
        message_help(m, "`flatten` makes one axis of three");
    else if (v->kind == VALUE_TENSOR && v->shape.rank > type->type.dims.n)
        message_help(m, "an axis is left over: mean(.., axis=0) or reshape");
    return value_poison(e);
}
static Value *check_result(Eval *e, const Context *c2, Scope *scope, const Function *f, Value *v, const Ast *type,
                           Span span) {
    TypeValue want;
    if (value_is_poison(v) || !type_value(e, c2, scope, type, &want)) return value_poison(e);
    if (v->kind != VALUE_TENSOR || !shape_equal(&v->shape, &want.shape))
        return result_error(e, c2, scope, f, v, type, span);
    v = value_fit(e, c2, v, want.element, span, arena_printf(e->arena, "the result of `%s`", f->name));
    if (value_is_poison(v)) return v;
    Value *r = value_copy(e, v);
    for (int i = 0; i < r->shape.rank; i++)
        if (r->shape.dims[i] == OPEN) r->shape.dims[i] = want.shape.dims[i];
    r->shape.stretch = 0;
    return r;
}
static bool holds_function(const Value *v) {
    if (v->kind == VALUE_FUNCTION) return true;
    for (int i = 0; v->kind == VALUE_TUPLE && i < v->n; i++)
        if (holds_function(v->items[i])) return true;
    return false;
}
static Span last_line(const Ast *block) {
    return block->block.statements.n ? block->block.statements.v[block->block.statements.n - 1]->span : block->span;
}
static Value *check_results(Eval *e, const Context *c2, Scope *scope, const Function *f, Value *v) {
    const AstList *types = &f->ast->function.results;
    Span span = last_line(f->ast->function.block);
    if (v->kind == VALUE_POISON) return v;
    if (v->kind == VALUE_NONE || holds_function(v) || v->kind == VALUE_DATA || v->kind == VALUE_STRING) {
        Message *m = sema_error(e, c2, E307, span, "`%s` ends with %s, not with a value", f->name, value_text(e, v));
        message_help(m, "the value of a function is its last line");
        return value_poison(e);
    }
    if (types->n == 0) return v;
    int n = v->kind == VALUE_TUPLE ? v->n : 1;
    if (n != types->n) {
        Message *m = sema_error(e, c2, E308, span, "`%s` gives %d value%s, %d %s declared", f->name, n,
                                n == 1 ? "" : "s", types->n, types->n == 1 ? "is" : "are");
        message_note(m, span_join(types->v[0]->span, types->v[types->n - 1]->span), "declared here");
        return value_poison(e);
    }
    if (n == 1) return check_result(e, c2, scope, f, v, types->v[0], span);
    Value **parts = ARENA_ARRAY(e->arena, Value *, n);
    for (int i = 0; i < n; i++) parts[i] = check_result(e, c2, scope, f, v->items[i], types->v[i], span);
    return value_tuple(e, n, parts);
}

/* ---- the call ---- */
static bool recursion(Eval *e, const Context *c, const Function *f, Span span) {
    int first = 0;
    while (first < e->calling.n && e->calling.v[first] != f) first++;
    if (first == e->calling.n && e->calling.n < CALLS_DEEP) return false;
    Text cycle = {.arena = e->arena};
    for (int i = first; i < e->calling.n; i++) text_printf(&cycle, "`%s` calls ", e->calling.v[i]->name);
    if (first < e->calling.n)
        sema_error(e, NULL, E356, span, "a function cannot call itself: %s`%s`", text_done(&cycle), f->name);
    else
        sema_error(e, c, E357, span, "calls inside calls, more than %d deep", CALLS_DEEP);
    return true;
}
static bool enter(Eval *e, Context *c2, const Context *c, const Function *f, Value *theta, const char *component,
                  Span span) {
    *c2 = *c;
    Chain *chain = ARENA_NEW(e->arena, Chain);
    *chain = (Chain){c->chain, f->name, span};
    c2->chain = chain;
    c2->top = false, c2->declared = NULL;
    c2->site = path_join(e, c->site, component);
    c2->path = path_join(e, c->path, component);
    c2->counters = counters_new(e);
    return f->what != FUNCTION_MODEL || model_enter(e, c2, c, f, theta, span);
}
static Value *evaluate(Eval *e, Context *c2, const Context *c, Scope *scope, const Function *f, Actual *actuals, int n,
                       Span span) {
    Mapping mapping;
    if (!fit_all(e, c2, scope, f, actuals, n, span) || !map_arguments(e, c2, f, actuals, n, span, &mapping))
        return value_poison(e);
    if (mapping.n && !c->batch_from && !c->model) c2->batch_from = mapping.first;
    for (int i = 0; i < n; i++) bind(e, c2, scope, actuals[i].name, actuals[i].value, actuals[i].span);
    Value *v = check_results(e, c2, scope, f, eval_block(e, c2, scope, f->ast->function.block));
    scope_finish(e, c2, scope);
    return map_result(e, c2, &mapping, v);
}
Value *call_function(Eval *e, const Context *c, const Function *f, const Arguments *arguments, Value *theta,
                     const char *component, Span span) {
    if (f->builtin) return builtin_call(e, c, f->builtin, arguments, span);
    if (e->limit_told || recursion(e, c, f, span)) return value_poison(e);
    int n = f->ast->function.formals.n;
    Actual *actuals = ARENA_ARRAY(e->arena, Actual, n + 1);
    if (n > 60) return sema_poison(e, c, E353, span, "more than 60 arguments");
    if (!assign(e, c, f, arguments, actuals, n, span)) return value_poison(e);
    const Origin *before = graph_origin_now(e->graph);
    Context c2;
    if (!enter(e, &c2, c, f, theta, component, span)) return value_poison(e);
    if (e->nodes) {
        Origin *origin = ARENA_NEW(e->arena, Origin);
        *origin = (Origin){c2.site, span.source && span.source->library && before ? before->span : span};
        graph_origin(e->graph, origin);
    }
    vec_push(e->arena, &e->calling, f);
    Value *v = evaluate(e, &c2, c, scope_new(e, f->scope, false), f, actuals, n, span);
    e->calling.n--;
    graph_origin(e->graph, before);
    return v;
}

/* ---- call expressions ---- */
static bool call_allowed(Eval *e, const Context *c, const Function *f, const Ast *call) {
    const char *name = call->call.name.text;
    if (f && f->what == FUNCTION_OPTIMIZER && !f->builtin) {
        Message *m = sema_error(e, c, E358, call->call.name.span, "`%s` is an optimizer: it stands after `by`", name);
        message_help(m, "minimize loss by %s(..)", name);
        return false;
    }
    if (call->call.theta && !(f && f->what == FUNCTION_MODEL))
        return sema_error(e, c, E359, call->call.theta->span, "`%s` is no model: only a model takes other parameters",
                          name),
               false;
    return true;
}
Value *eval_call(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    const char *name = call->call.name.text;
    const Function *f = scope_find_function(scope, name);
    const Builtin *b = f ? f->builtin : builtin_find(e, name);
    if (!f && !b && !strcmp(name, "grad")) return grad_expression(e, c, scope, ast);
    if (!f && !b) {
        if (ast->kind == AST_pipe) eval_expression(e, c, scope, ast->pipe.value);
        return unknown_name(e, c, scope, call->call.name, NAME_FUNCTION);
    }
    if (!f && !strcmp(name, "window")) return window_expression(e, c, scope, ast, b);
    if (!f && !strcmp(name, "characters")) return characters_expression(e, c, scope, ast, b);
    if (!f && !strcmp(name, "count")) return count_expression(e, c, scope, ast, b);
    Value *known = NULL, *first = NULL;
    Memo *memo = f && f->what == FUNCTION_MODEL ? memo_find(e, c, scope, ast, &known) : NULL;
    if (known) return known;
    if (ast->kind == AST_pipe) first = eval_expression(e, c, scope, ast->pipe.value);
    if (first && !is_one_value(e, c, ast->pipe.value, first)) return value_poison(e);
    const char *label = call->call.label.text ? call->call.label.text : f && !b ? f->name : NULL;
    const char *component = label ? counters_name(e, c->counters, label) : "";
    Arguments arguments;
    bool fine = eval_arguments(e, c, scope, &call->call.arguments, first, first ? ast->pipe.value->span : call->span,
                               &arguments);
    Value *theta = call->call.theta ? eval_expression(e, c, scope, call->call.theta) : NULL;
    if (!fine || (theta && value_is_poison(theta)) || !call_allowed(e, c, f, call)) return value_poison(e);
    Value *v = b ? builtin_call(e, c, b, &arguments, call->span)
                 : call_function(e, c, f, &arguments, theta, component, call->span);
    if (memo) memo_keep(e, scope, memo, v);
    return v;
}

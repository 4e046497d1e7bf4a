/* inner.c: minimize E by O on theta, where theta is a name of the block: it is bound to O's new value, for one example.
**
** The states of O are slots of the role ROLE_LOOP: the loops that carry theta carry them, from their beginning at the
*outermost
** of these; where theta is a `carry`, they are carries too. Nothing of this is special to training. */
#include "call.h"

Value *minimize_objective(Eval *e, const Context *c, Scope *scope, const Ast *objective) {
    Value *y = eval_expression(e, c, scope, objective);
    if (value_is_poison(y)) return y;
    if (y->kind == VALUE_TENSOR && y->shape.rank == 0)
        return value_fit(e, c, y, element_real(), objective->span, "what is minimized");
    Message *m = sema_error(e, c, E430, objective->span, "`minimize` needs one number for an example, this is %s",
                            value_text(e, y));
    if (y->kind == VALUE_TENSOR) message_help(m, "mean(..) makes one number of it");
    return value_poison(e);
}
const Function *minimize_optimizer(Eval *e, const Context *c, Scope *scope, const Ast *call) {
    const Function *f = scope_find_function(scope, call->call.name.text);
    if (f && f->what == FUNCTION_OPTIMIZER && !f->builtin) {
        if (!call->call.theta) return f;
        sema_error(e, c, E359, call->call.theta->span, "`%s` is no model: only a model takes other parameters",
                   f->name);
        return NULL;
    }
    if (!f || f->builtin) return unknown_name(e, c, scope, call->call.name, NAME_OPTIMIZER), NULL;
    Message *m = sema_error(e, c, E203, call->call.name.span, "`%s` is no optimizer", f->name);
    message_note(m, f->ast->function.name.span, "declared here");
    return NULL;
}
Value *optimizer_call(Eval *e, const Context *c, Scope *scope, const Function *f, const Ast *call, Value *weights,
                      Value *gradient, const char *component) {
    Arguments own;
    if (!eval_arguments(e, c, scope, &call->call.arguments, NULL, call->span, &own)) return value_poison(e);
    return optimizer_apply(e, c, f, call, &own, weights, gradient, component);
}
Value *optimizer_apply(Eval *e, const Context *c, const Function *f, const Ast *call, const Arguments *own, Value *weights,
                       Value *gradient, const char *component) {
    int n = own->n + 2;
    Arguments all = {.n = n,
                     .v = ARENA_ARRAY(e->arena, Value *, n),
                     .names = ARENA_ARRAY(e->arena, const char *, n),
                     .spans = ARENA_ARRAY(e->arena, Span, n)};
    all.v[0] = weights, all.v[1] = gradient;
    all.spans[0] = all.spans[1] = call->span;
    for (int i = 0; i < own->n; i++)
        all.v[i + 2] = own->v[i], all.names[i + 2] = own->names[i], all.spans[i + 2] = own->spans[i];
    Value *r = call_function(e, c, f, &all, NULL, component, call->span);
    if (value_is_poison(r)) return r;
    bool same = r->kind == weights->kind && value_leaves(r) == value_leaves(weights);
    for (int i = 0; same && i < value_leaves(r); i++)
        same = shape_equal(&value_leaf(r, i)->shape, &value_leaf(weights, i)->shape) &&
               value_leaf_name(r, i) == value_leaf_name(weights, i);
    if (same) return r;
    Message *m =
        sema_error(e, c, E431, call->span, "the optimizer `%s` gives %s, not new values of the weights, which are %s",
                   f->name, value_text(e, r), value_text(e, weights));
    message_note(m, f->ast->function.name.span, "declared here");
    return value_poison(e);
}
void minimize_inner(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const Ast *call = ast->minimize.optimizer;
    Name name = ast->minimize.on.v[0];
    Binding *b = scope_find_here(scope, name.text);
    Value *y = minimize_objective(e, c, scope, ast->minimize.objective), *r = value_poison(e);
    const Function *f = minimize_optimizer(e, c, scope, call);
    if (ast->minimize.on.n > 1)
        sema_error(e, c, E432, ast->minimize.on.v[1].span,
                   "a minimize inside a block is on one name: make a record or one vector of them");
    if (ast->minimize.settings.n)
        sema_error(e, c, E432, ast->minimize.settings.v[0]->span,
                   "a minimize on a name of the block takes no settings");
    if (f && !value_is_poison(y)) {
        Value *g = gradient_by_binding(e, c, y, b, ast->minimize.objective->span);
        Context inner = *c;
        inner.where = WHERE_OPTIMIZER, inner.top = false;
        inner.state_role = b->carry ? ROLE_CARRY : ROLE_LOOP, inner.state_carrier = b->scans;
        if (c->model) inner.path = path_join(e, c->owner, c->path);
        inner.model = NULL, inner.theta = NULL, inner.owner = c->train;
        const char *component = counters_name(e, c->counters, f->name);
        if (!value_is_poison(g)) r = optimizer_call(e, &inner, scope, f, call, binding_value(e, c, b), g, component);
    }
    bind(e, c, scope, name.text, r, name.span);
}

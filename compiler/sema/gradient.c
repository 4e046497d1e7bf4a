/* gradient.c: grad(y, x): the derivative of one number by a binding, for one example like everything else.
**
** y's elements do not look across the examples, so one walk back from all of them gives each its own gradient, if x has
*the
** frames of y. Where it has fewer, and they are around its binding, that is noted and the block is evaluated anew with
*x
** spread over them. */
#include "call.h"
#include "../grad/grad.h"

/* ---- what it is taken of ---- */
static Value *objective(Eval *e, const Context *c, Value *y, Span span) {
    if (value_is_poison(y)) return y;
    if (y->kind != VALUE_TENSOR || y->shape.rank != 0) {
        Message *m = sema_error(e, c, E400, span, "a gradient is of one number, this is %s", value_text(e, y));
        if (y->kind == VALUE_TENSOR) message_help(m, "mean(..) or sum(..) makes one number of it");
        return value_poison(e);
    }
    if (y->coupled) {
        Message *m = sema_error(e, c, E401, span, "a gradient of what looks across the examples around it");
        message_help(
            m, "batch_mean inside: the gradient for one example is of no use there; stop(..) makes it a constant");
        return value_poison(e);
    }
    return value_fit(e, c, y, element_real(), span, "a gradient");
}
static Value *gradient_leaf(Eval *e, const Value *y, const Value *x) {
    Value *r = value_tensor(e, element_real(), &x->shape, x->frames | y->frames, NULL);
    r->deps = deps_join(e, x->deps, y->deps), r->coupled = x->coupled | y->coupled;
    r->shape.stretch = 0;
    return r;
}
static Value *gradient_type(Eval *e, const Value *y, const Value *x) {
    Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(x) + 1);
    for (int i = 0; i < value_leaves(x); i++) leaves[i] = gradient_leaf(e, y, value_leaf(x, i));
    return value_with_leaves(e, x, leaves);
}
/* `x`: leaves whose nodes are marks and have y's frames. */
static Value *build(Eval *e, const Context *c, Value *y, Value *x, Span span) {
    Value *r = gradient_type(e, y, x);
    int n = value_leaves(x);
    Node *of = value_node(e, y), **targets = ARENA_ARRAY(e->arena, Node *, n + 1),
         **out = ARENA_ARRAY(e->arena, Node *, n + 1);
    for (int i = 0; i < n; i++) {
        targets[i] = value_node(e, value_leaf(x, i));
        if (!targets[i]) return r;
    }
    if (!of) return r;
    Node *one = ir_fill(e->graph, 1, of->type);
    vjp(e->graph, 1, &of, &one, n, targets, true, out);
    for (int i = 0; i < n; i++) value_leaf(r, i)->node = out[i];
    limit_check(e, c, span);
    return r;
}
static Frames lacking(const Value *y, const Value *x) {
    Frames lack = 0;
    for (int i = 0; i < value_leaves(x); i++) lack |= y->frames & ~value_leaf(x, i)->frames;
    return lack;
}
static Value *unreached(Eval *e, const Context *c, Reach reach, Span span, const char *what, Span declared) {
    Message *m;
    if (reach == REACH_NONE) {
        m = sema_error(e, c, E402, span, "what is differentiated does not depend on `%s`", what);
        message_help(m, "name what it was computed from: two names are two variables, even when their values are equal");
    } else {
        m = sema_error(e, c, E403, span, "`%s` is bound outside this loop and also reaches what the loop carries",
                       what);
        message_help(m, "bind it in the round: `%s = %s` inside the loop", what, what);
    }
    if (declared.source) message_note(m, declared, "`%s` is bound here", what);
    return value_poison(e);
}
static Value *too_late(Eval *e, const Context *c, Frames lack, Span span, const char *what, Span declared) {
    int bit = 31 - __builtin_clz(lack);
    const Frame *f = bit < c->n_frames ? c->frames[bit] : NULL;
    Message *m =
        sema_error(e, c, E404, span,
                   "`%s` is bound outside the call that maps here, so it has one gradient for all of them", what);
    if (f && f->span.source) message_note(m, f->span, "`%s` is mapped over %lld here", f->what, (long long)f->n);
    if (declared.source) message_note(m, declared, "`%s` is bound here", what);
    message_help(m, "bind it inside: give it as an argument of `%s`, or bind it again there",
                 f ? f->what : "the function");
    return value_poison(e);
}

/* ---- by what ---- */
static Value *no_numbers(Eval *e, const Context *c, const Value *x, Span span) {
    bool fine = x->kind == VALUE_TENSOR || (x->kind == VALUE_RECORD && x->n);
    for (int i = 0; fine && i < value_leaves(x); i++) fine = value_leaf(x, i)->element.kind != ELEMENT_CLASS;
    return fine ? NULL : sema_poison(e, c, E405, span, "a gradient is by numbers, this is %s", value_text(e, x));
}
Value *gradient_by_binding(Eval *e, const Context *c, Value *y, Binding *b, Span span) {
    y = objective(e, c, y, span);
    Value *x = binding_value(e, c, b);
    if (value_is_poison(y) || value_is_poison(x)) return value_poison(e);
    if (b->group) return gradient_by_slots(e, c, y, x, b->group->slots, b->group->n, span, b->name);
    Value *wrong = no_numbers(e, c, x, span);
    if (wrong) return wrong;
    if (b->resolve)
        return sema_poison(e, c, E405, span, "`%s` is no variable: a gradient is by a binding or by parameters",
                           b->name);
    Wanted *wanted = map_get(&e->wanted, b->place);
    if (!b->leaf) { /* the first grad that names it: from the next evaluation on it is a variable */
        if (!wanted) map_set(&e->wanted, b->place, wanted = ARENA_NEW(e->arena, Wanted));
        e->again = true;
        return gradient_type(e, y, x);
    }
    Reach reach = deps_reach(y->deps, b->leaf);
    if (reach != REACH_DIRECT) return unreached(e, c, reach, span, b->name, b->span);
    Frames lack = lacking(y, x);
    if (lack & ~b->reach) return too_late(e, c, lack & ~b->reach, span, b->name, b->span);
    if (lack) {
        wanted->frames |= lack;
        e->again = true;
        return gradient_type(e, y, x);
    }
    return build(e, c, y, x, span);
}
Value *gradient_by_slots(Eval *e, const Context *c, Value *y, Value *x, Slot *const *slots, int n, Span span,
                         const char *what) {
    y = objective(e, c, y, span);
    if (value_is_poison(y) || value_is_poison(x)) return value_poison(e);
    Reach reach = REACH_NONE;
    for (int i = 0; i < n; i++) {
        Reach r = deps_reach(y->deps, slots[i]->leaf);
        if (r > reach) reach = r;
    }
    if (reach != REACH_DIRECT) return unreached(e, c, reach, span, what, (Span){0});
    Frames lack = lacking(y, x), example = c->n_frames && c->frames[0]->kind == FRAME_EXAMPLE ? 1 : 0;
    if (lack & ~example) return too_late(e, c, lack & ~example, span, what, (Span){0});
    if (lack) {
        for (int i = 0; i < n; i++) slots[i]->widen |= lack;
        e->again = true;
        return gradient_type(e, y, x);
    }
    return build(e, c, y, x, span);
}

/* ---- the expression ---- */
/* net.params, net.params.dense, net.params.dense.weight: the value, and the slots of its leaves. */
static bool params_target(Eval *e, const Context *c, Scope *scope, const Ast *ast, Value **x, Slot ***slots, int *n) {
    const char *path = "";
    const Ast *at = ast;
    while (at->kind == AST_member && !(at->member.value->kind == AST_name && !strcmp(at->member.name.text, "params"))) {
        path = *path ? path_join(e, at->member.name.text, path) : at->member.name.text;
        at = at->member.value;
    }
    const Function *f = at->kind == AST_member ? scope_find_function(scope, at->member.value->name.name.text) : NULL;
    if (!f || f->what != FUNCTION_MODEL) return false;
    *x = eval_expression(e, c, scope, ast);
    Model *m = model_of(e, f);
    *slots = ARENA_ARRAY(e->arena, Slot *, m->slots.n + 1);
    *n = 0;
    size_t length = strlen(path);
    for (int i = 0; i < m->names.n; i++) {
        const char *name = m->names.v[i];
        bool in = !length || (!strncmp(name, path, length) && (!name[length] || name[length] == '.'));
        if (in) (*slots)[(*n)++] = m->slots.v[i];
    }
    return true;
}
static Value *by(Eval *e, const Context *c, Scope *scope, Value *y, const Ast *target) {
    Value *x;
    Slot **slots;
    int n;
    if (target->kind == AST_name) {
        Binding *b = scope_find(scope, target->name.name.text);
        if (!b) return unknown_name(e, c, scope, target->name.name, NAME_ANY);
        return gradient_by_binding(e, c, y, b, target->span);
    }
    if (target->kind == AST_member && params_target(e, c, scope, target, &x, &slots, &n))
        return gradient_by_slots(e, c, y, x, slots, n, target->span, "params");
    Message *m = sema_error(e, c, E405, target->span, "a gradient is by a name or by the params of a model");
    message_help(m, "`x = ..` gives it a name; grad(y, x)");
    return value_poison(e);
}
Value *grad_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    const AstList *list = &call->call.arguments;
    int first = ast->kind == AST_pipe ? 0 : 1, n = list->n - first;
    if (n < 1 || call->call.theta || call->call.label.text)
        return sema_poison(e, c, E406, call->span, "grad(y, x) takes one number and the names it is differentiated by");
    for (int i = 0; i < list->n; i++)
        if (list->v[i]->kind == AST_setting)
            return sema_poison(e, c, E406, list->v[i]->span, "grad(y, x) has no argument `%s`",
                               list->v[i]->setting.name.text);
    const Ast *of = first ? list->v[0] : ast->pipe.value;
    Value *y = objective(e, c, eval_expression(e, c, scope, of), of->span), **parts = ARENA_ARRAY(e->arena, Value *, n);
    if (value_is_poison(y)) return y;
    for (int i = 0; i < n; i++) parts[i] = by(e, c, scope, y, list->v[first + i]);
    return n == 1 ? parts[0] : value_tuple(e, n, parts);
}

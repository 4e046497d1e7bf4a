/* minimize.c: `minimize E by O` over parameters: the objective, its gradient, the optimizer's call, the new
** parameters.
**
** Gradients are by the values that E read: each value that a parameter takes in a step is a mark of its own (a
** version), and the gradient is the sum over all of them. New values are constants: no derivative goes through a
** minimize. */
#include "page.h"
#include "../grad/grad.h"

/* ---- versions ---- */
static void version_add(Eval *e, Pass *pass, Slot *s, Node *node) {
    vec_push(e->arena, &pass->versioned, s);
    vec_push(e->arena, &pass->versions, node);
}
Node *version_now(const Pass *pass, const Slot *s) {
    for (int i = pass->versioned.n - 1; i >= 0; i--)
        if (pass->versioned.v[i] == s) return pass->versions.v[i];
    return NULL;
}
static Node *version_current(Eval *e, const Context *c, Pass *pass, Slot *s) {
    Node *node = version_now(pass, s);
    if (node) return node;
    slot_first(e, c, s);
    version_add(e, pass, s, s->shared->node);
    return s->shared->node;
}
static void param_renew(Eval *e, const Context *c, Pass *pass, Slot *s, Value *v) {
    Value *shared = value_tensor(e, element_real(), &s->shape, 0, NULL), *now = shared;
    shared->deps = s->leaf;
    if (e->nodes) {
        shared->node = ir_mark(e->graph, ir_stop(e->graph, value_spread(e, c, v, 0, &s->shape, element_real())));
        version_add(e, pass, s, shared->node);
    }
    if (s->widen && c->n_frames) {
        now = value_copy(e, shared);
        now->frames |= s->widen;
        if (e->nodes) now->node = value_mark(e, c, shared, s->widen, NULL)->node;
    }
    slot_set(e, c, s, now);
}

/* ---- what it changes ---- */
static int slot_order(const Slot *a, const Slot *b) {
    int order = strcmp(a->owner, b->owner);
    return order ? order : strcmp(a->path, b->path);
}
static void slot_insert(Eval *e, Objective *o, Slot *s) {
    int at = o->slots.n;
    for (int i = 0; i < o->slots.n; i++)
        if (o->slots.v[i] == s) return;
    vec_push(e->arena, &o->slots, s);
    for (; at > 0 && slot_order(s, o->slots.v[at - 1]) < 0; at--) o->slots.v[at] = o->slots.v[at - 1];
    o->slots.v[at] = s;
}
static bool trained(const Train *t, const Slot *s) {
    for (int i = 0; i < t->slots.n; i++)
        if (t->slots.v[i] == s) return true;
    return false;
}
static bool on_slots(Eval *e, const Context *c, const Train *t, Objective *o, Name name, Slot *const *slots, int n) {
    for (int i = 0; i < n; i++) {
        if (!trained(t, slots[i])) {
            Message *m = sema_error(e, c, E460, name.span, "`%s` is not among what this block trains", name.text);
            message_note(m, t->ast->train.models.v[0].span, "`train` names it here: %s%s", t->names.v[0],
                         t->names.n > 1 ? ", .." : "");
            return false;
        }
        slot_insert(e, o, slots[i]);
    }
    return true;
}
static bool on_name(Eval *e, const Context *c, Scope *scope, const Train *t, Objective *o, Name name) {
    const Function *f = scope_find_function(scope, name.text);
    if (f && f->what == FUNCTION_MODEL) {
        Model *m = model_of(e, f);
        return m->done && !m->failed && on_slots(e, c, t, o, name, m->slots.v, m->slots.n);
    }
    Binding *b = scope_find(scope, name.text);
    if (b && b->resolve && !value_is_poison(binding_value(e, c, b)) && b->group)
        return on_slots(e, c, t, o, name, b->group->slots, b->group->n);
    return unknown_name(e, c, scope, name, NAME_MODEL), false;
}
static bool settings_of(Eval *e, const Context *c, Scope *scope, Objective *o) {
    const AstList *list = &o->ast->minimize.settings;
    for (int i = 0; i < list->n; i++) {
        const Ast *s = list->v[i];
        if (strcmp(s->setting.name.text, "every")) {
            Message *m =
                sema_error(e, c, E442, s->setting.name.span, "a minimize has no setting `%s`", s->setting.name.text);
            message_help(m, "its one setting is every=5: at steps 4, 9, 14, ..");
            return false;
        }
        Value *v = eval_expression(e, c, scope, s->setting.value);
        if (value_is_poison(v) || !need_int(e, c, v, s->setting.value->span, "every", &o->every)) return false;
        if (o->every < 1 || o->every > INT32_MAX)
            return sema_error(e, c, E449, s->setting.value->span, "`every` is at least 1, this is %lld",
                              (long long)o->every),
                   false;
    }
    return true;
}
static bool objective_fill(Eval *e, const Context *c, Scope *scope, Train *t, Objective *o) {
    const Ast *ast = o->ast;
    int number = o->index + 1;
    if (number > MINIMIZES)
        return sema_error(e, c, E447, ast->span, "more than %d minimizes in a block", MINIMIZES), false;
    if (number > 1 && t->all) {
        Message *m = sema_error(e, c, E447, ast->span, "with batch=all a block has one minimize");
        message_help(m, "a step goes over the rows in pieces, and what an earlier minimize changed would be read by "
                        "later pieces only");
        return false;
    }
    o->name = number == 1 ? "loss" : arena_printf(e->arena, "loss_%d", number);
    o->path = intern(e, arena_printf(e->arena, "%d.%s", number, ast->minimize.optimizer->call.name.text));
    if (!settings_of(e, c, scope, o)) return false;
    for (int i = 0; i < ast->minimize.on.n; i++)
        if (!on_name(e, c, scope, t, o, ast->minimize.on.v[i])) return false;
    for (int i = 0; i < t->slots.n && !ast->minimize.on.n; i++) slot_insert(e, o, t->slots.v[i]);
    return true;
}
static Objective *objective_new(Eval *e, const Context *c, Scope *scope, Train *t, const Ast *ast, int occurrence) {
    Objective *o = ARENA_NEW(e->arena, Objective);
    *o = (Objective){.ast = ast, .occurrence = occurrence, .index = t->objectives.n, .every = 1};
    vec_push(e->arena, &t->objectives, o);
    o->failed = !objective_fill(e, c, scope, t, o);
    return o;
}
static Objective *objective_of(Eval *e, const Context *c, Scope *scope, Pass *pass, const Ast *ast) {
    Train *t = pass->train;
    int occurrence = occurrence_of(e, pass, ast);
    for (int i = 0; i < t->objectives.n; i++)
        if (t->objectives.v[i]->ast == ast && t->objectives.v[i]->occurrence == occurrence) return t->objectives.v[i];
    if (pass->kind != PASS_EVAL) return objective_new(e, c, scope, t, ast, occurrence);
    sema_error(e, c, E461, ast->span, "this minimize stands in evaluations only, so it never changes anything");
    return NULL;
}
static void reached_add(Eval *e, Slot *s) {
    Page *page = page_of(e);
    for (int i = 0; i < page->reached.n; i++)
        if (page->reached.v[i] == s) return;
    vec_push(e->arena, &page->reached, s);
}
static const char *names_text(Eval *e, const NameList *names) {
    Text t = {.arena = e->arena};
    for (int i = 0; i < names->n; i++) text_printf(&t, "%s`%s`", i ? ", " : "", names->v[i].text);
    return text_done(&t);
}
/* Models and parameters of the page that y was computed by, through what gradients pass; "" if there are none. */
static const char *computed_by(Eval *e, const Value *y) {
    Text t = {.arena = e->arena};
    const char *last = NULL;
    for (int i = 0; i < e->slots.n; i++) {
        const Slot *s = e->slots.v[i];
        if (s->role != ROLE_PARAM || s->owner == last || deps_reach(y->deps, s->leaf) == REACH_NONE) continue;
        text_printf(&t, "%s`%s`", last ? ", " : "", s->owner);
        last = s->owner;
    }
    return text_done(&t);
}
static void no_effect(Eval *e, const Context *c, const Objective *o, const Value *y) {
    const Pass *pass = c->block;
    const NameList *on = o->ast->minimize.on.n ? &o->ast->minimize.on : &pass->train->ast->train.models;
    const char *by = computed_by(e, y), *changed = names_text(e, on);
    Span span = o->ast->minimize.objective->span;
    Message *m;
    if (*by)
        m = sema_error(e, c, E462, span, "this is computed by %s, and the minimize changes %s", by, changed);
    else
        m = sema_error(e, c, E462, span, "no parameter reaches this, and the minimize changes %s", changed);
    message_note(m, on->v[0].span, o->ast->minimize.on.n ? "named here" : "the block trains this");
    if (*by)
        message_help(m, "name %s after `%s`, or minimize what %s computes", by, o->ast->minimize.on.n ? "on" : "train", changed);
    else
        message_help(m, "what is minimized is computed by a model, %s(..), and not only within stop(..)", on->v[0].text);
}
static bool reaches(Eval *e, const Context *c, Objective *o, const Value *y) {
    bool any = false;
    for (int i = 0; i < o->slots.n; i++) {
        if (deps_reach(y->deps, o->slots.v[i]->leaf) == REACH_NONE) continue;
        reached_add(e, o->slots.v[i]);
        any = true;
    }
    if (any) return true;
    no_effect(e, c, o, y);
    return false;
}

/* ---- gradients ---- */
static void origin(Eval *e, const Objective *o) {
    Origin *at = ARENA_NEW(e->arena, Origin);
    *at = (Origin){o->path, o->ast->span};
    graph_origin(e->graph, at);
}
/* By every version of each slot, added up. */
static Node **gradients_of(Eval *e, const Context *c, Pass *pass, const Objective *o, Node *y) {
    Graph *g = e->graph;
    for (int i = 0; i < o->slots.n; i++) version_current(e, c, pass, o->slots.v[i]);
    int n = pass->versions.n;
    Node **by = ARENA_ARRAY(e->arena, Node *, n), **all = ARENA_ARRAY(e->arena, Node *, o->slots.n + 1);
    Node *one = ir_fill(g, 1, y->type);
    vjp(g, 1, &y, &one, n, pass->versions.v, false, by);
    for (int i = 0; i < o->slots.n; i++) {
        for (int k = 0; k < n; k++)
            if (pass->versioned.v[k] == o->slots.v[i] && by[k]) all[i] = all[i] ? ir_add(g, all[i], by[k]) : by[k];
        if (!all[i]) all[i] = ir_fill(g, 0, version_now(pass, o->slots.v[i])->type);
    }
    return all;
}
static Node *in_hole(Eval *e, Train *t, const Objective *o, int i) {
    if (!t->in[o->index]) t->in[o->index] = ARENA_ARRAY(e->arena, Node *, o->slots.n + 1);
    Node **hole = &t->in[o->index][i];
    const Slot *s = o->slots.v[i];
    if (!*hole) *hole = ir_hole(e->graph, type_get(e->graph, e->real, s->shape.rank, s->shape.dims));
    return *hole;
}
static Node *divided(Eval *e, Node *node, Node *count) {
    Graph *g = e->graph;
    Node *n = ir_broadcast(g, ir_cast(g, count, e->real), node->type->rank, node->type->dims, NULL);
    return ir_div(g, node, n);
}
/* Pieces of batch=all: their gradients, added up by the runtime, over all rows. */
static Node **gradients_added(Eval *e, Train *t, const Objective *o) {
    Node **all = ARENA_ARRAY(e->arena, Node *, o->slots.n + 1);
    if (!t->count) t->count = ir_hole(e->graph, type_scalar(e->graph, DT_i32));
    for (int i = 0; i < o->slots.n; i++) all[i] = divided(e, in_hole(e, t, o, i), t->count);
    return all;
}
/* --gradients: the gradient of the product of the gradient with a direction. */
static Node **seconds_of(Eval *e, const Context *c, Pass *pass, const Objective *o, Node *const *gradients) {
    Graph *g = e->graph;
    Node *product = NULL;
    for (int i = 0; i < o->slots.n; i++) {
        Node *term = ir_sum_all(g, ir_mul(g, gradients[i], in_hole(e, pass->train, o, i)));
        product = product ? ir_add(g, product, term) : term;
    }
    return gradients_of(e, c, pass, o, product);
}
static Node *mean_of(Eval *e, const Pass *pass, Node *sum) {
    const Train *t = pass->train;
    return t->all ? divided(e, sum, input_hole(e, pass->inputs, INPUT_VALID))
                  : ir_scale(e->graph, sum, 1.0 / (double)t->use.rows);
}
/* The sum over the rows and the gradients that the pass is for; NULL: it is not for gradients. */
static Node **pass_gradients(Eval *e, const Context *c, Pass *pass, const Objective *o, Value *y) {
    int k = o->index;
    Node *sum = pass->kind == PASS_APPLY ? NULL : sum_of_rows(e, pass, c, y), **gradients = NULL;
    if (pass->kind == PASS_STEP) gradients = gradients_of(e, c, pass, o, mean_of(e, pass, sum));
    if (pass->kind == PASS_SUM) gradients = gradients_of(e, c, pass, o, sum);
    if (pass->kind == PASS_APPLY) gradients = gradients_added(e, pass->train, o);
    if (pass->kind == PASS_GRADIENTS) {
        pass->means[k] = mean_of(e, pass, sum);
        gradients = gradients_of(e, c, pass, o, pass->means[k]);
        pass->seconds[k] = seconds_of(e, c, pass, o, gradients);
    }
    pass->objectives[k] = sum, pass->gradients[k] = gradients;
    if (sum && pass->kind != PASS_EVAL) pass_finite(e, pass, sum);
    for (int i = 0; gradients && i < o->slots.n; i++) pass_finite(e, pass, gradients[i]);
    return gradients;
}

/* ---- the optimizer ---- */
static Value *record_of(Eval *e, const Context *c, Pass *pass, const Objective *o, Node *const *nodes) {
    int n = o->slots.n;
    const char **names = ARENA_ARRAY(e->arena, const char *, n + 1);
    Value **leaves = ARENA_ARRAY(e->arena, Value *, n + 1);
    for (int i = 0; i < n; i++) {
        Slot *s = o->slots.v[i];
        names[i] = path_join(e, s->owner, s->path);
        leaves[i] = value_tensor(e, element_real(), &s->shape, 0, NULL);
        if (e->nodes) leaves[i]->node = nodes ? nodes[i] : version_current(e, c, pass, s);
    }
    return value_record(e, n, names, leaves);
}
static bool arguments_shared(Eval *e, const Context *c, const Arguments *own) {
    for (int i = 0; i < own->n; i++)
        for (int k = 0; k < value_leaves(own->v[i]); k++) {
            const Value *leaf = value_leaf(own->v[i], k);
            if (leaf->kind != VALUE_TENSOR || !leaf->frames) continue;
            Message *m = sema_error(e, c, E463, own->spans[i],
                                    "this differs from example to example, the parameters are one for all");
            message_help(m, "batch_mean(..) makes one value for the batch");
            return false;
        }
    return true;
}
static void optimize(Eval *e, const Context *c, Scope *scope, Pass *pass, const Objective *o, const Function *f,
                     Node *const *gradients) {
    const Ast *call = o->ast->minimize.optimizer;
    Arguments own;
    if (!eval_arguments(e, c, scope, &call->call.arguments, NULL, call->span, &own) || !arguments_shared(e, c, &own))
        return;
    Context inner = *c;
    inner.where = WHERE_OPTIMIZER, inner.top = false, inner.state_role = ROLE_OPTIMIZER_STATE;
    inner.n_frames = 0, inner.batch_from = 0, inner.theta = NULL;
    Value *w = record_of(e, c, pass, o, NULL), *g = record_of(e, c, pass, o, gradients);
    Value *r = optimizer_apply(e, &inner, f, call, &own, w, g, o->path);
    if (value_is_poison(r)) return;
    for (int i = 0; i < o->slots.n; i++) param_renew(e, c, pass, o->slots.v[i], value_leaf(r, i));
    e->version++;
}

/* ---- the statement ---- */
static void skipped(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    count_skipped(e, c, scope, ast->minimize.objective);
    const AstList *arguments = &ast->minimize.optimizer->call.arguments;
    for (int i = 0; i < arguments->n; i++) count_skipped(e, c, scope, arguments->v[i]);
}
static bool is_inner(const Scope *scope, const Ast *ast) {
    const Binding *b = ast->minimize.on.n ? scope_find_here(scope, ast->minimize.on.v[0].text) : NULL;
    return b && !b->resolve && b->value->kind != VALUE_FUNCTION;
}
static void minimize_parameters(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Pass *pass = c->block;
    Objective *o = objective_of(e, c, scope, pass, ast);
    if (o && o->failed) return;
    if (o && !(pass->active >> o->index & 1)) {
        skipped(e, c, scope, ast);
        return;
    }
    Value *y = minimize_objective(e, c, scope, ast->minimize.objective);
    const Function *f = minimize_optimizer(e, c, scope, ast->minimize.optimizer);
    if (!o || !f || value_is_poison(y)) return;
    if (pass->kind != PASS_EVAL && !reaches(e, c, o, y)) return;
    const Origin *before = graph_origin_now(e->graph);
    origin(e, o);
    Node **gradients = e->nodes ? pass_gradients(e, c, pass, o, y) : NULL;
    if (pass->kind == PASS_STEP || pass->kind == PASS_APPLY) optimize(e, c, scope, pass, o, f, gradients);
    graph_origin(e->graph, before);
    limit_check(e, c, ast->span);
}
void minimize_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    if (c->where == WHERE_DATA) {
        sema_error(e, c, E455, ast->span, "a minimize does not stand in a data block");
    } else if (is_inner(scope, ast)) {
        minimize_inner(e, c, scope, ast);
    } else if (c->where == WHERE_TRAIN && c->top) {
        minimize_parameters(e, c, scope, ast);
    } else {
        Message *m = sema_error(e, c, E464, ast->span, "a minimize over parameters stands directly in a train block");
        message_help(m, "`minimize .. on theta` changes a name of the block that it stands in");
    }
}

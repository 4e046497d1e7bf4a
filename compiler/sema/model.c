/* model.c: models: found once by evaluating them on their signature, entered at each call, their parameters as a
 * record. */
#include "call.h"

/* ---- on the signature ---- */
static Value *open_argument(Eval *e, const Context *c, Scope *scope, const Function *f, const Ast *formal) {
    TypeSpec spec;
    if (!formal->formal.type) {
        Message *m = sema_error(e, c, E380, formal->span, "`%s` of the model `%s` needs a type",
                                formal->formal.name.text, f->name);
        message_help(m, "a model is evaluated on its signature: `%s: [n]`", formal->formal.name.text);
        return NULL;
    }
    if (!type_spec(e, c, scope, formal->formal.type, true, &spec)) return NULL;
    Shape shape = {.rank = spec.rank};
    for (int i = 0; i < spec.rank; i++) shape.dims[i] = spec.dims[i].name ? OPEN : spec.dims[i].n;
    Value *v = value_tensor(e, spec.element, &shape, 0, NULL);
    if (spec.element.kind == ELEMENT_INT && !spec.rank) v->open = true;
    i64 open[RANK_LIMIT];
    for (int i = 0; i < spec.rank; i++) open[i] = OPEN;
    spec_unify(e, scope, &spec, open);
    return v;
}
static bool signature(Eval *e, const Context *c, const Function *f, Arguments *arguments) {
    const AstList *formals = &f->ast->function.formals;
    Scope *scope = scope_new(e, f->scope, false);
    int n = formals->n;
    *arguments = (Arguments){.v = ARENA_ARRAY(e->arena, Value *, n + 1),
                             .names = ARENA_ARRAY(e->arena, const char *, n + 1),
                             .spans = ARENA_ARRAY(e->arena, Span, n + 1)};
    for (int i = 0; i < n; i++) {
        const Ast *formal = formals->v[i];
        if (formal->formal.value) continue; /* its default */
        Value *v = open_argument(e, c, scope, f, formal);
        if (!v) return false;
        arguments->names[arguments->n] = formal->formal.name.text;
        arguments->spans[arguments->n] = formal->span;
        arguments->v[arguments->n++] = v;
    }
    return true;
}
static void find(Eval *e, Model *m) {
    const Function *f = m->function;
    int errors = diag_errors(e->c->diag);
    bool nodes = e->nodes, reporting = e->reporting;
    i64 expansions = e->expansions; /* counted where the model is called */
    Context c = context_top(e);
    c.where = WHERE_PARAMS, c.training = true, c.collect = m;
    c.site = f->name;
    Arguments arguments;
    if (f->ast->function.results.n == 0) {
        Message *message =
            sema_error(e, &c, E381, f->ast->function.name.span, "the model `%s` needs the type of its result", f->name);
        message_help(message, "model %s(..) -> [n] { .. }", f->name);
        m->failed = true;
    }
    SlotState *slots = slots_save(e);
    e->nodes = e->reporting = false;
    if (!m->failed && signature(e, &c, f, &arguments))
        m->result = call_function(e, &c, f, &arguments, NULL, "", (Span){0});
    e->nodes = nodes, e->reporting = reporting, e->expansions = expansions;
    slots_restore(e, slots);
    m->failed |= !m->result || value_is_poison(m->result) || diag_errors(e->c->diag) != errors;
    m->done = true;
}
Model *model_of(Eval *e, const Function *function) {
    Model *m = map_get_ptr(&e->models, function->ast);
    if (m) return m;
    m = ARENA_NEW(e->arena, Model);
    m->function = function;
    map_set_ptr(&e->models, function->ast, m);
    find(e, m);
    vec_push(e->arena, &e->model_list, m);
    return m;
}

/* ---- parameters ---- */
Value *model_params(Eval *e, const Context *c, Model *m) {
    Value **leaves = ARENA_ARRAY(e->arena, Value *, m->slots.n + 1);
    for (int i = 0; i < m->slots.n; i++) leaves[i] = slot_value(e, c, m->slots.v[i]);
    return value_record(e, m->slots.n, m->names.v, leaves);
}
static bool same_names(Eval *e, const Context *c, const Model *m, const Value *theta, Span span) {
    const char *name = m->function->name;
    if (theta->kind != VALUE_RECORD)
        return message_help(sema_error(e, c, E382, span, "after `;` stands a record with the parameters of `%s`, this is %s",
                                       name, value_text(e, theta)),
                            "`%s.params` is one", name),
               false;
    for (int i = 0; i < m->names.n; i++) {
        int k = 0;
        while (k < theta->n && theta->names[k] != m->names.v[i]) k++;
        if (k == theta->n) {
            Message *message =
                sema_error(e, c, E363, span, "the record given to `%s` has no `%s`", name, m->names.v[i]);
            message_help(message, "`%s.params` is the record of its parameters", name);
            return false;
        }
    }
    if (theta->n == m->names.n) return true;
    return sema_error(e, c, E363, span, "the record given to `%s` has %d leaves, its parameters have %d", name,
                      theta->n, m->names.n),
           false;
}
/* The part of a record under "name.". */
Value *record_part(Eval *e, const Value *record, const char *name) {
    size_t n = strlen(name);
    VEC(const char *) names = {0};
    VEC(Value *) leaves = {0};
    for (int i = 0; i < record->n; i++) {
        if (strncmp(record->names[i], name, n) != 0 || record->names[i][n] != '.') continue;
        vec_push(e->arena, &names, str_intern(e->c->strings, record->names[i] + n + 1));
        vec_push(e->arena, &leaves, record->items[i]);
    }
    return names.n ? value_record(e, names.n, names.v, leaves.v) : NULL;
}
/* A model calls another: its parameters are part of the caller's. */
static void include(Eval *e, Model *m, Model *inner) {
    for (int i = 0; i < m->calls.n; i++)
        if (m->calls.v[i] == inner) return;
    vec_push(e->arena, &m->calls, inner);
    for (int i = 0; i < inner->calls.n; i++) vec_push(e->arena, &m->calls, inner->calls.v[i]);
    for (int i = 0; i < inner->names.n; i++) {
        vec_push(e->arena, &m->names, path_join(e, inner->function->name, inner->names.v[i]));
        vec_push(e->arena, &m->slots, inner->slots.v[i]);
    }
}
static bool is_trained(const Context *c, const Model *m) {
    if (c->all_trained) return true;
    for (int i = 0; i < c->n_trained; i++) {
        if (c->trained[i] == m) return true;
        for (int k = 0; k < c->trained[i]->calls.n; k++)
            if (c->trained[i]->calls.v[k] == m) return true;
    }
    return false;
}
bool model_enter(Eval *e, Context *c2, const Context *c, const Function *f, Value *theta, Span span) {
    bool finding = c->collect && c->collect->function == f && !c->model;
    Model *m = finding ? c->collect : model_of(e, f);
    if (!finding && (m->failed || !m->done)) return false;
    if (theta && !same_names(e, c, m, theta, span)) return false;
    if (c->collect && !finding) include(e, c->collect, m);
    c2->collect = finding ? m : NULL;
    c2->theta = theta ? theta : c->theta ? record_part(e, c->theta, f->name) : NULL;
    if (!c->model && !is_trained(c, m)) c2->training = false;
    c2->model = f, c2->owner = f->name, c2->path = "";
    return true;
}

/* report.c: `report` of a train block: evaluated with the parameters and states that the step began with, changing
** nothing; its sum over the rows is a result of the step. With average(..) in it, the sums of what is averaged are,
** and `show` computes the report once from their averages. */
#include "page.h"
#include "builtin.h"

/* ---- which report ---- */
static const char *outermost(const Ast *ast) {
    switch ((int)ast->kind) {
    case AST_call: return ast->call.name.text;
    case AST_pipe: return ast->pipe.call->call.name.text;
    case AST_name: return ast->name.name.text;
    case AST_member: return ast->member.name.text;
    default: return NULL;
    }
}
/* NULL after an error. */
static const char *report_name(Eval *e, const Context *c, const Ast *ast) {
    const char *name = ast->report.name.text ? ast->report.name.text : outermost(ast->report.value);
    if (name) return name;
    Message *m = sema_error(e, c, E471, ast->span, "this report needs a name");
    message_help(m, "report name = ..");
    return NULL;
}
static const char *free_name(Eval *e, const Train *t, const char *name) {
    for (int n = 1;; n++) {
        const char *text = n == 1 ? name : intern(e, arena_printf(e->arena, "%s_%d", name, n));
        bool taken = false;
        for (int i = 0; i < t->reports.n; i++) taken |= t->reports.v[i]->name == text;
        if (!taken) return text;
    }
}
static Report *report_of(Eval *e, const Context *c, Pass *pass, const Ast *ast) {
    Train *t = pass->train;
    int occurrence = occurrence_of(e, pass, ast);
    for (int i = 0; i < t->reports.n; i++)
        if (t->reports.v[i]->ast == ast && t->reports.v[i]->occurrence == occurrence) return t->reports.v[i];
    const char *name = report_name(e, c, ast);
    if (!name) return NULL;
    if (!strcmp(name, "loss") || !strncmp(name, "loss_", 5)) {
        Message *m =
            sema_error(e, c, E471, ast->span, "a report cannot be called `%s`: so the objectives are called", name);
        message_help(m, "what is minimized is reported by itself; report other = .. gives another name");
        return NULL;
    }
    Report *r = ARENA_NEW(e->arena, Report);
    *r = (Report){.ast = ast, .occurrence = occurrence, .index = t->reports.n, .name = free_name(e, t, name)};
    vec_push(e->arena, &t->reports, r);
    return r;
}

/* ---- what is summed ---- */
static Summand *summand_at(Eval *e, Report *r, int i, const Shape *shape) {
    if (i == r->summands.n) {
        Summand s = {.shape = *shape};
        s.shape.stretch = 0;
        vec_push(e->arena, &r->summands, s);
    }
    return &r->summands.v[i];
}
static void sum_keep(Eval *e, Pass *pass, int report, int i, Node *node) {
    while (pass->sums.n <= report) vec_push(e->arena, &pass->sums, NULL);
    while (pass->shows.n <= report) vec_push(e->arena, &pass->shows, NULL);
    const Report *r = pass->train->reports.v[report];
    Node **more = ARENA_ARRAY(e->arena, Node *, r->summands.n + 1);
    if (i && pass->sums.v[report]) memcpy(more, pass->sums.v[report], sizeof *more * (size_t)i);
    more[i] = node;
    pass->sums.v[report] = more;
}
Value *report_average(Eval *e, const BuiltinCall *call) {
    const Context *c = call->c;
    Pass *pass = c->block;
    Value *v = argument_tensor(e, call, 0, 0);
    if (!v || !numeric(e, c, v, call->spans[0])) return value_poison(e);
    if (v->averaged) return sema_poison(e, c, E457, call->span, "an average of what is made from averages already");
    if (c->scans || v->frames & ~1u)
        return sema_poison(e, c, E457, call->span,
                           "an average inside a loop or a mapped call: take it of the whole, outside");
    Report *r = pass->train->reports.v[pass->report];
    Summand *s = summand_at(e, r, pass->summand, &v->shape);
    Value *result = value_tensor(e, element_real(), &s->shape, 0, NULL);
    result->averaged = true;
    if (e->nodes) {
        if (!s->hole) s->hole = ir_hole(e->graph, type_get(e->graph, e->real, s->shape.rank, s->shape.dims));
        result->node = s->hole;
        if (pass->kind != PASS_APPLY) sum_keep(e, pass, pass->report, pass->summand, sum_of_rows(e, pass, c, v));
    }
    pass->summand++;
    return result;
}

/* ---- the statement ---- */
/* The first expression that reads a value of each example, as large as may be without an `average` in it. */
typedef struct Offender {
    const Scope *scope;
    const Ast *found;
    bool averages, differs;
} Offender;
static void parts_walk(void *context, const Ast *ast) {
    Offender *o = context;
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    if (call->kind == AST_call && !strcmp(call->call.name.text, "average")) o->averages = true;
    const Binding *b = ast->kind == AST_name ? scope_find(o->scope, ast->name.name.text) : NULL;
    const Value *v = b && !b->resolve ? b->value : NULL;
    for (int i = 0; v && v->kind != VALUE_POISON && i < value_leaves(v); i++) o->differs |= value_leaf(v, i)->frames != 0;
    ast_children(ast, parts_walk, o);
}
static void offender_walk(void *context, const Ast *ast) {
    Offender *o = context, parts = {.scope = o->scope};
    if (o->found) return;
    parts_walk(&parts, ast);
    if (!parts.averages && parts.differs) o->found = ast;
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    if (!parts.averages || (call->kind == AST_call && !strcmp(call->call.name.text, "average"))) return;
    ast_children(ast, offender_walk, o);
}
static bool reportable(Eval *e, const Context *c, const Scope *scope, const Ast *ast, const Value *v) {
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_TENSOR || v->element.kind == ELEMENT_CLASS) {
        Message *m = sema_error(e, c, E470, ast->report.value->span,
                                "a report is a number or an array for each example, this is %s", value_text(e, v));
        if (v->kind == VALUE_TENSOR) message_help(m, "a class has no mean: compare it, or one_hot(c)");
        return false;
    }
    if (v->averaged && v->frames) {
        Offender o = {.scope = scope};
        offender_walk(&o, ast->report.value);
        Span span = (o.found ? o.found : ast->report.value)->span;
        Message *m = sema_error(e, c, E472, span, "outside `average` this differs from example to example");
        int n = o.found ? (int)(span.end - span.begin) : 0;
        message_help(m, "a report with `average` in it is computed once, from averages alone: write average(%.*s)",
                     n && n <= 40 ? n : 2, n && n <= 40 ? span.source->text + span.begin : "..");
        return false;
    }
    return true;
}
/* Names of the classes along the last axis: those of an argument whose classes are as many. */
static void classes_find(Eval *e, Scope *scope, Report *r) {
    const Ast *ast = r->ast->report.value;
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    if (call->kind != AST_call || !r->shape.rank) return;
    for (int i = 0; i < call->call.arguments.n; i++) {
        const Ast *a = call->call.arguments.v[i];
        const Binding *b = a->kind == AST_name ? scope_find(scope, a->name.name.text) : NULL;
        const Value *v = b && !b->resolve ? b->value : NULL;
        if (!v || v->kind != VALUE_TENSOR || v->element.kind != ELEMENT_CLASS ||
            v->element.classes != r->shape.dims[r->shape.rank - 1])
            continue;
        r->n_classes = v->element.n_names, r->classes = v->element.names;
    }
    (void)e;
}
/* Draws of a report are its own, so that a report more changes no bit of the training. */
static Value *evaluate(Eval *e, const Context *c, Scope *scope, const Report *r) {
    Context inner = *c;
    SlotState *slots = slots_save(e);
    Pass *pass = c->block;
    u32 version = e->version;
    bool reporting = e->reporting;
    inner.where = WHERE_REPORT, inner.top = false, inner.counters = counters_new(e);
    inner.site = path_join(e, c->site, intern(e, arena_printf(e->arena, "report.%s", r->name)));
    slots_rewind(e);
    e->reporting = true, e->version = pass->version;
    Value *v = eval_expression(e, &inner, scope, r->ast->report.value);
    e->reporting = reporting, e->version = version;
    slots_restore(e, slots);
    return v;
}
static void keep(Eval *e, const Context *c, Pass *pass, Report *r, Value *v) {
    r->shape = v->shape, r->shape.stretch = 0;
    r->averaged = v->averaged;
    if (!r->averaged) summand_at(e, r, 0, &r->shape);
    if (!e->nodes || pass->kind == PASS_APPLY || pass->kind == PASS_GRADIENTS) return;
    if (!r->averaged)
        sum_keep(e, pass, r->index, 0, sum_of_rows(e, pass, c, v));
    else
        r->show = value_spread(e, c, v, 0, &r->shape, element_real());
}
void report_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    if (c->where == WHERE_PREDICT) {
        predict_report(e, c, scope, ast);
        return;
    }
    if (c->where != WHERE_TRAIN) {
        report_misplaced(e, c, ast);
        return;
    }
    Pass *pass = c->block;
    Report *r = report_of(e, c, pass, ast);
    if (!r) return;
    pass->report = r->index, pass->summand = 0;
    Value *v = evaluate(e, c, scope, r);
    if (reportable(e, c, scope, ast, v)) {
        keep(e, c, pass, r, v);
        classes_find(e, scope, r);
    }
    pass->report = -1;
    limit_check(e, c, ast->span);
}

/* train.c: a train block: its heading and settings, and its passes: evaluated once for each function that it gives
** the program.
**
** step (one for each set of minimizes that may act together), eval; with batch=all sum and apply in place of step;
** with --gradients the objectives with their derivatives. All share one Use of the data, so one layout of a batch. */
#include "page.h"
#include <math.h>

/* ---- the heading ---- */
static void trains_slot(Eval *e, Train *t, Slot *s) {
    for (int i = 0; i < t->slots.n; i++)
        if (t->slots.v[i] == s) return;
    vec_push(e->arena, &t->slots, s);
}
static bool trains_model(Eval *e, Train *t, const Function *f) {
    Model *m = model_of(e, f);
    if (m->failed || !m->done) return false;
    vec_push(e->arena, &t->models, m);
    for (int i = 0; i < m->slots.n; i++) trains_slot(e, t, m->slots.v[i]);
    return true;
}
static bool trains_param(Eval *e, Train *t, Binding *b, Name name) {
    Context top = context_top(e);
    if (value_is_poison(binding_value(e, &top, b))) return false;
    if (!b->group) return unknown_name(e, NULL, t->file->scope, name, NAME_MODEL), false;
    for (int i = 0; i < b->group->n; i++) trains_slot(e, t, b->group->slots[i]);
    return true;
}
/* What stands after `train`: models and params of the file. */
static bool heading(Eval *e, Train *t) {
    const NameList *names = &t->ast->train.models;
    bool fine = true;
    for (int i = 0; i < names->n; i++) {
        Name name = names->v[i];
        const Function *f = scope_find_function(t->file->scope, name.text);
        Binding *b = scope_find(t->file->scope, name.text);
        for (int k = 0; k < i; k++)
            if (names->v[k].text == name.text)
                fine = false, sema_error(e, NULL, E443, name.span, "`%s` is named twice", name.text);
        vec_push(e->arena, &t->names, name.text);
        if (f && f->what == FUNCTION_MODEL)
            fine &= trains_model(e, t, f);
        else if (b && b->resolve)
            fine &= trains_param(e, t, b, name);
        else
            fine = false, unknown_name(e, NULL, t->file->scope, name, NAME_MODEL);
    }
    t->use.set = data_find(e, t->file->scope, t->ast->train.data);
    return fine && t->use.set;
}
static const char *free_name(Eval *e, const char *name) {
    const Page *page = page_of(e);
    for (int n = 1;; n++) {
        const char *text = n == 1 ? name : intern(e, arena_printf(e->arena, "%s_%d", name, n));
        bool taken = false;
        for (int i = 0; i < page->trains.n; i++) taken |= page->trains.v[i]->name == text;
        if (!taken) return text;
    }
}
void train_declare(Eval *e, const File *file, const Ast *ast) {
    Page *page = page_of(e);
    Train *t = ARENA_NEW(e->arena, Train);
    *t = (Train){.ast = ast, .file = file, .start_file = ""};
    t->name = ast->train.label.text ? ast->train.label.text : free_name(e, ast->train.models.v[0].text);
    for (int i = 0; i < page->trains.n; i++) {
        if (page->trains.v[i]->name != t->name) continue;
        Message *m = sema_error(e, NULL, E443, ast->train.label.span, "two train blocks are called `%s`", t->name);
        message_note(m, page->trains.v[i]->ast->span, "the first is here");
    }
    t->owner = intern(e, arena_printf(e->arena, "%s/", t->name));
    vec_push(e->arena, &page->trains, t);
    t->failed = !heading(e, t);
    t->failed |= !train_settings(e, t);
}

/* ---- a pass ---- */
int occurrence_of(Eval *e, Pass *pass, const Ast *ast) {
    int n = 0;
    for (int i = 0; i < pass->met.n; i++) n += pass->met.v[i] == ast;
    vec_push(e->arena, &pass->met, ast);
    return n;
}
i64 summand_count(const Summand *s) { return shape_count(&s->shape); }
/* Of a per-example value, over the rows that count. In training all do, but for the pieces of batch=all. */
Node *sum_of_rows(Eval *e, const Pass *pass, const Context *c, Value *v) {
    Context counting = *c;
    counting.training = pass->kind == PASS_STEP;
    return sum_over_examples(e, &counting, v);
}
/* Of losses and gradients: whether all is finite is asked once, of the largest. */
void pass_finite(Eval *e, Pass *pass, Node *node) {
    int axes[RANK_MAX];
    Graph *g = e->graph;
    for (int i = 0; i < node->type->rank; i++) axes[i] = i;
    Node *most = ir_abs(g, node);
    if (node->type->rank) most = ir_amax(g, most, node->type->rank, axes);
    pass->largest = pass->largest ? ir_max(g, pass->largest, most) : most;
}
static void bind_number(Eval *e, const Context *c, Scope *scope, const char *name, Element element, InputKind kind,
                        Span span) {
    Shape shape = {0};
    Value *v = value_tensor(e, element, &shape, 0, e->nodes ? input_hole(e, c->inputs, kind) : NULL);
    bind(e, c, scope, intern(e, name), v, span);
}
static Context pass_context(Eval *e, Train *t, Pass *pass) {
    t->use.training = pass->kind != PASS_EVAL;
    Context c = use_context(e, &t->use, t->name);
    c.where = WHERE_TRAIN, c.owner = c.train = t->owner, c.top = true, c.block = pass;
    c.streams = t->stream || t->hold;
    c.trained = (const Model *const *)t->models.v, c.n_trained = t->models.n, c.all_trained = false;
    return c;
}
/* What lasts and is not what it was. In evaluations only carries, which the runtime puts aside around them. */
static void ends_collect(Eval *e, const Context *c, Pass *pass) {
    Train *t = pass->train;
    for (int i = 0; i < e->slots.n; i++) {
        Slot *s = e->slots.v[i];
        bool state = s->owner == t->owner && s->role >= ROLE_BLOCK_STATE && s->role <= ROLE_CARRY;
        if (state && s->read) {
            int k = 0;
            while (k < t->states.n && t->states.v[k] != s) k++;
            if (k == t->states.n) vec_push(e->arena, &t->states, s);
        }
        if (s->role > ROLE_CARRY || !s->now || s->now == s->first || !e->nodes) continue;
        vec_push(e->arena, &pass->changed, s);
        vec_push(e->arena, &pass->ends,
                 s->role == ROLE_PARAM ? version_now(pass, s)
                                       : value_spread(e, c, s->now, s->frames, &s->shape, s->element));
    }
}
void value_unused(Eval *e, const Context *c, const Ast *block, const Value *end, const char *what) {
    const AstList *lines = &block->block.statements;
    const Ast *last = lines->n ? lines->v[lines->n - 1] : NULL;
    if (!last || last->kind != AST_value || end->kind == VALUE_NONE || value_is_poison(end)) return;
    AstKind kind = last->value.value->kind;
    if (kind == AST_scan || kind == AST_repeat || kind == AST_choice) return;
    sema_error(e, c, E337, last->span, "this value is not used: a %s block has no value", what);
}
static void pass_reset(Pass *pass) {
    *pass = (Pass){.train = pass->train, .kind = pass->kind, .active = pass->active, .report = -1};
}
static void pass_run(Eval *e, Pass *pass) {
    Train *t = pass->train;
    pass_reset(pass);
    eval_begin(e);
    Context c = pass_context(e, t, pass);
    Scope *scope = scope_new(e, t->file->scope, false);
    Span span = t->ast->train.data.span;
    pass->inputs = c.inputs, pass->example = c.frames[0], pass->version = e->version;
    if (e->nodes) {
        Origin *origin = ARENA_NEW(e->arena, Origin);
        *origin = (Origin){t->name, t->ast->span};
        graph_origin(e->graph, origin);
    }
    for (int i = 0; i < e->slots.n; i++)
        if (e->slots.v[i]->widen)
            slot_first(e, &c, e->slots.v[i]); /* wide also where it is first read without examples */
    bind_number(e, &c, scope, "step", element_int(), INPUT_STEP, span);
    bind_number(e, &c, scope, "epoch", element_int(), INPUT_EPOCH, span);
    bind_number(e, &c, scope, "progress", element_real(), INPUT_PROGRESS, span);
    if (data_fields(e, &c, &t->use, scope)) {
        Value *end = eval_block(e, &c, scope, t->ast->train.block);
        value_unused(e, &c, t->ast->train.block, end, "train");
        scope_finish(e, &c, scope);
        ends_collect(e, &c, pass);
    } else {
        t->failed = true;
    }
    graph_origin(e->graph, NULL);
}

/* ---- all passes ---- */
static Pass *pass_find(Eval *e, Train *t, PassKind kind, u32 active) {
    for (int i = 0; i < t->passes.n; i++)
        if (t->passes.v[i]->kind == kind && t->passes.v[i]->active == active) return t->passes.v[i];
    Pass *pass = ARENA_NEW(e->arena, Pass);
    *pass = (Pass){.train = t, .kind = kind, .active = active};
    vec_push(e->arena, &t->passes, pass);
    return pass;
}
/* Minimizes without `every` act in each step. */
static u32 always(const Train *t) {
    u32 set = ~0u << t->objectives.n;
    for (int i = 0; i < t->objectives.n; i++)
        if (t->objectives.v[i]->every <= 1) set |= 1u << i;
    return set;
}
static bool sets_few(Eval *e, const Train *t) {
    int n = 0;
    for (int i = 0; i < t->objectives.n; i++) n += t->objectives.v[i]->every > 1;
    if (1 << n <= MINIMIZE_SETS) return true;
    sema_error(e, NULL, E447, t->ast->span,
               "%d minimizes with `every`: at most 3, since a step is compiled for each set that may act", n);
    return false;
}
static void steps_run(Eval *e, Train *t, int errors) {
    pass_run(e, pass_find(e, t, PASS_STEP, ~0u)); /* finds the minimizes */
    if (diag_errors(e->c->diag) != errors || !sets_few(e, t)) return;
    u32 rare = ~always(t), all = (1u << t->objectives.n) - 1;
    for (u32 set = 0; set <= all && rare; set++) /* all but the full set, which is done */
        if ((set & always(t) & all) == (always(t) & all) && set != all)
            pass_run(e, pass_find(e, t, PASS_STEP, set | ~all));
}
/* `best` names a report that is one number, or an objective. */
static void best_check(Eval *e, Train *t) {
    if (!t->best) return;
    const Ast *ast = t->best->kind == AST_unary ? t->best->unary.value : t->best;
    const char *name = ast->name.name.text;
    VEC(const char *) names = {0};
    for (int i = 0; i < t->objectives.n; i++) vec_push(e->arena, &names, t->objectives.v[i]->name);
    for (int i = 0; i < t->reports.n; i++)
        if (!t->reports.v[i]->shape.rank) vec_push(e->arena, &names, t->reports.v[i]->name);
    for (int i = 0; i < names.n; i++)
        if (!strcmp(names.v[i], name)) return;
    t->failed = true;
    const char *near = str_nearest(name, names.v, names.n);
    const Report *array = NULL;
    for (int i = 0; i < t->reports.n; i++)
        if (!strcmp(t->reports.v[i]->name, name)) array = t->reports.v[i];
    Message *m = sema_error(e, NULL, E473, ast->span, "the block `%s` reports no number `%s`", t->name, name);
    if (array)
        message_note(m, array->ast->span, "this report is %s", shape_text(e, &array->shape));
    else if (near)
        message_help(m, "did you mean `%s`?", near);
    else
        message_help(m, "add `report %s(..)` or `report %s = ..` to the block", name, name);
}
static bool ordered(const DataSet *set) { return !data_endless(set); }
/* A stream is made of rows that follow each other and goes on where the last batch ended; hold stays where it is. */
static void stream_check(Eval *e, Train *t) {
    if (t->failed || !(t->stream || t->hold)) return;
    const char *why = t->all ? "batch=all takes all rows in each step: no batch follows another"
                      : t->stream && t->hold
                          ? "`stream` goes on with the next rows and `hold` stays on the same: one of them"
                      : t->stream && !ordered(t->use.set)
                          ? "`stream` walks through rows in order, and this data is drawn anew in each step"
                          : NULL;
    if (!why) return;
    t->failed = true;
    Message *m = sema_error(e, NULL, E449, t->ast->train.data.span, "%s", why);
    if (t->stream && !t->all && !t->hold) message_help(m, "hold=5 stays five steps on each batch that is drawn");
}
static void endless_check(Eval *e, Train *t) {
    if (t->failed || !data_endless(t->use.set) || (t->steps && !t->all)) return;
    t->failed = true;
    Message *m = sema_error(e, NULL, E449, t->ast->train.data.span,
                            "the data `%s` reads no file: it is drawn without end, and has no %s", t->use.set->name,
                            t->all ? "rows to take all of" : "epochs");
    message_help(m, t->all ? "batch=32 draws so many in a step" : "steps=1000 says how long to train");
}
void train_run(Eval *e, Train *t) {
    int errors = diag_errors(e->c->diag);
    if (t->failed) return;
    if (t->all) {
        pass_run(e, pass_find(e, t, PASS_APPLY, ~0u));
        if (diag_errors(e->c->diag) == errors) pass_run(e, pass_find(e, t, PASS_SUM, ~0u));
    } else {
        steps_run(e, t, errors);
    }
    endless_check(e, t);
    stream_check(e, t);
    if (t->failed) return;
    if (!t->objectives.n && diag_errors(e->c->diag) == errors)
        sema_error(e, NULL, E448, t->ast->span, "the train block `%s` has no `minimize`, so it trains nothing",
                   t->name);
    pass_run(e, pass_find(e, t, PASS_EVAL, ~0u));
    if (diag_errors(e->c->diag) == errors) best_check(e, t);
    if (e->c->gradients && diag_errors(e->c->diag) == errors) pass_run(e, pass_find(e, t, PASS_GRADIENTS, ~0u));
}

/* ---- settings ---- */
static bool positive(Eval *e, const Train *t, const Ast *s, i64 *to) {
    Context top = context_top(e);
    const Ast *ast = s->setting.value;
    Value *v = eval_expression(e, &top, t->file->scope, ast);
    if (value_is_poison(v) || !need_int(e, &top, v, ast->span, s->setting.name.text, to)) return false;
    if (*to >= 1 && *to <= INT32_MAX) return true;
    Message *m =
        sema_error(e, NULL, E449, ast->span, "`%s` is at least 1, this is %lld", s->setting.name.text, (long long)*to);
    if (!*to && (to == &t->steps || to == &t->epochs))
        message_help(m, "`--steps 0`, given to the trainer, writes the initial model");
    return false;
}
static bool batch_setting(Eval *e, Train *t, const Ast *s) {
    const Ast *value = s->setting.value;
    t->all = value->kind == AST_name && !strcmp(value->name.name.text, "all");
    t->use.rows = PIECE_ROWS;
    return t->all || positive(e, t, s, &t->use.rows);
}
static bool best_setting(Eval *e, Train *t, const Ast *s) {
    const Ast *value = s->setting.value;
    t->best = value;
    if (value->kind == AST_unary && value->unary.op == OPERATOR_NEGATE) value = value->unary.value;
    if (value->kind == AST_name) return true;
    Message *m = sema_error(e, NULL, E449, s->setting.value->span, "`best` is the name of a report, or its negative");
    message_help(m, "best=accuracy, best=-cost");
    return false;
}
static bool setting(Eval *e, Train *t, const Ast *s) {
    static const char *const names[] = {"batch", "epochs", "steps", "best", "patience", "start", "stream", "hold"};
    const char *name = s->setting.name.text;
    if (!strcmp(name, "batch")) return batch_setting(e, t, s);
    if (!strcmp(name, "epochs")) return positive(e, t, s, &t->epochs);
    if (!strcmp(name, "steps")) return positive(e, t, s, &t->steps);
    if (!strcmp(name, "patience")) return positive(e, t, s, &t->patience);
    if (!strcmp(name, "best")) return best_setting(e, t, s);
    if (!strcmp(name, "hold")) return positive(e, t, s, &t->hold);
    if (!strcmp(name, "stream")) {
        Context top = context_top(e);
        Value *v = eval_expression(e, &top, t->file->scope, s->setting.value);
        return !value_is_poison(v) && need_bool(e, &top, v, s->setting.value->span, "stream", &t->stream);
    }
    if (!strcmp(name, "start")) {
        if (s->setting.value->kind == AST_string) return t->start_file = s->setting.value->string.text, true;
        return sema_error(e, NULL, E449, s->setting.value->span,
                          "`start` is the name of a file: start=\"model.safetensors\""),
               false;
    }
    const char *near = str_nearest(name, names, COUNT_OF(names));
    Message *m = sema_error(e, NULL, E442, s->setting.name.span, "a train block has no setting `%s`", name);
    message_help(m,
                 near ? "did you mean `%s`?"
                      : "its settings are batch, epochs, steps, best, patience, start, stream and hold",
                 near);
    return false;
}
bool train_settings(Eval *e, Train *t) {
    const AstList *list = &t->ast->train.settings;
    bool fine = true, batch = false;
    for (int i = 0; i < list->n; i++) {
        for (int k = 0; k < i; k++)
            if (list->v[k]->setting.name.text == list->v[i]->setting.name.text)
                fine = false, sema_error(e, NULL, E443, list->v[i]->setting.name.span,
                                         "the setting `%s` is given twice", list->v[i]->setting.name.text);
        batch |= !strcmp(list->v[i]->setting.name.text, "batch");
        fine &= setting(e, t, list->v[i]);
    }
    if (!fine) return false;
    Span span = t->ast->train.models.v[0].span;
    if (!batch) {
        Message *m = sema_error(e, NULL, E449, span,
                                "the train block `%s` needs `batch`: how many examples a step takes", t->name);
        message_help(m, "batch=32, or batch=all for one step over all rows");
    } else if (t->epochs && t->steps) {
        sema_error(e, NULL, E449, span,
                   "the train block `%s` has epochs and steps: one of them says how long it trains", t->name);
    } else if (!t->epochs && !t->steps) {
        Message *m = sema_error(e, NULL, E449, span,
                                "the train block `%s` needs `epochs` or `steps`: how long it trains", t->name);
        message_help(m, "epochs=10 passes over the data, or steps=1000 batches");
    } else {
        return true;
    }
    return false;
}

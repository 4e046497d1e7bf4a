/* predict.c: `predict on d { report column = e }`: columns that are printed, for rows taken one by one. */
#include "page.h"

void predict_declare(Eval *e, const File *file, const Ast *ast) {
    Page *page = page_of(e);
    Predict *p = ARENA_NEW(e->arena, Predict);
    *p = (Predict){.ast = ast, .file = file};
    p->name = ast->predict.label.text ? ast->predict.label.text
              : page->predicts.n      ? arena_printf(e->arena, "predict_%d", page->predicts.n + 1)
                                      : "predict";
    for (int i = 0; i < page->predicts.n; i++) {
        if (strcmp(page->predicts.v[i]->name, p->name) != 0) continue;
        Span span = ast->predict.label.text ? ast->predict.label.span : ast->span;
        Message *m = sema_error(e, NULL, E443, span, "two predict blocks are called `%s`", p->name);
        message_help(m, "predict on %s as another { .. }", ast->predict.data.text);
    }
    p->use.rows = PREDICT_ROWS;
    p->use.set = data_find(e, file->scope, ast->predict.data);
    p->failed = !p->use.set;
    for (int i = 0; i < ast->predict.settings.n; i++) {
        const Ast *s = ast->predict.settings.v[i];
        sema_error(e, NULL, E442, s->setting.name.span, "a predict block has no settings, so no `%s`",
                   s->setting.name.text);
        p->failed = true;
    }
    vec_push(e->arena, &page->predicts, p);
}
void predict_report(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Predict *p = c->block;
    const Ast *value = ast->report.value;
    p->reports++;
    const char *name = ast->report.name.text;
    if (!name && value->kind == AST_call) name = value->call.name.text;
    if (!name && value->kind == AST_pipe) name = value->pipe.call->call.name.text;
    if (!name && value->kind == AST_name) name = value->name.name.text;
    Context inner = *c;
    inner.top = false;
    Value *v = eval_expression(e, &inner, scope, value);
    if (value_is_poison(v)) return;
    if (!name) {
        Message *m = sema_error(e, c, E471, ast->span, "this report needs a name: it heads a column");
        message_help(m, "report name = ..");
        return;
    }
    if (v->kind != VALUE_TENSOR) {
        sema_error(e, c, E470, value->span, "a column is a number, a class or an array of them, this is %s",
                   value_text(e, v));
        return;
    }
    for (int i = 0; i < p->outputs.n; i++) {
        if (p->outputs.v[i].name != name) continue;
        Message *m = sema_error(e, c, E443, ast->span, "two columns are called `%s`", name);
        message_note(m, p->outputs.v[i].span, "the first is here");
        return;
    }
    vec_push(e->arena, &p->outputs, ((Output){name, ast->span, v, value_spread(e, c, v, 1, &v->shape, v->element)}));
}
void predict_run(Eval *e, Predict *p) {
    if (p->failed) return;
    eval_begin(e);
    p->outputs.n = 0, p->reports = 0;
    Context c = use_context(e, &p->use, p->name);
    c.where = WHERE_PREDICT, c.owner = c.train = intern(e, arena_printf(e->arena, "%s/", p->name)), c.top = true,
    c.block = p;
    for (int i = 0; i < e->slots.n; i++)
        if (e->slots.v[i]->widen) slot_first(e, &c, e->slots.v[i]);
    Scope *scope = scope_new(e, p->file->scope, false);
    if (!data_fields(e, &c, &p->use, scope)) {
        p->failed = true;
        return;
    }
    Value *end = eval_block(e, &c, scope, p->ast->predict.block);
    scope_finish(e, &c, scope);
    value_unused(e, &c, p->ast->predict.block, end, "predict");
    if (!p->reports) sema_error(e, &c, E448, p->ast->span, "this predict block has no `report`, so it prints nothing");
}

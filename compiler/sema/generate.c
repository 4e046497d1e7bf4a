/* generate.c: `generate m, prompt=, length=, temperature=`: a model class(k)[t] -> [t, k] that writes symbols one after
** the other.
**
** With carries and an open t it takes symbol by symbol, its carries going on; otherwise the last t symbols each time, t
** from the signature or, if that leaves it open, from the windows of the data that the model is trained on. What follows
** a short prompt in its window is 0 and not looked at: the scores are those of the last symbol given, nn_call.count - 1. */
#include "table.h"
#include <math.h>
#include <stddef.h>

/* ---- the line ---- */
static bool setting(Eval *e, Generate *g, const Ast *s) {
    static const char *const names[] = {"prompt", "length", "temperature"};
    const char *name = s->setting.name.text;
    const Ast *ast = s->setting.value;
    Context top = context_top(e);
    if (!strcmp(name, "prompt")) {
        if (ast->kind == AST_string) return g->prompt = ast->string.text, true;
        return sema_error(e, NULL, E449, ast->span, "`prompt` is a text: prompt=\"Once\""), false;
    }
    bool length = !strcmp(name, "length");
    if (!length && strcmp(name, "temperature")) {
        const char *near = str_nearest(name, names, COUNT_OF(names));
        Message *m = sema_error(e, NULL, E442, s->setting.name.span, "`generate` has no setting `%s`", name);
        message_help(m, near ? "did you mean `%s`?" : "its settings are prompt, length and temperature", near);
        return false;
    }
    Value *v = eval_expression(e, &top, g->file->scope, ast);
    if (value_is_poison(v)) return false;
    if (length) {
        if (!need_int(e, &top, v, ast->span, name, &g->length)) return false;
        if (g->length >= 1 && g->length <= INT32_MAX) return true;
        return sema_error(e, NULL, E449, ast->span, "`length` is at least 1, this is %lld", (long long)g->length),
               false;
    }
    if (!need_number(e, &top, v, ast->span, name, &g->temperature)) return false;
    if (g->temperature >= 0 && isfinite(g->temperature)) return true;
    return sema_error(e, NULL, E449, ast->span, "`temperature` is at least 0 (0: always the likeliest), not %.9g",
                      g->temperature),
           false;
}
static bool settings_of(Eval *e, Generate *g) {
    const AstList *list = &g->ast->generate.settings;
    bool fine = true;
    for (int i = 0; i < list->n; i++) {
        for (int k = 0; k < i; k++)
            if (list->v[k]->setting.name.text == list->v[i]->setting.name.text)
                fine = false, sema_error(e, NULL, E443, list->v[i]->setting.name.span,
                                         "the setting `%s` is given twice", list->v[i]->setting.name.text);
        fine &= setting(e, g, list->v[i]);
    }
    return fine;
}
static bool no_generator(Eval *e, const Generate *g, const char *why) {
    Message *m = sema_error(e, NULL, E480, g->ast->generate.model.span, "`%s` does not write symbols: %s",
                            g->function->name, why);
    message_note(m, g->function->ast->function.name.span, "declared here");
    message_help(m, "generate needs a model of the form  model m(text: class(65)[t]) -> [t, 65]");
    return false;
}
/* The first argument is class(k)[t], k known; others have defaults. */
static bool signature(Eval *e, Generate *g) {
    const Ast *ast = g->function->ast;
    const AstList *formals = &ast->function.formals, *results = &ast->function.results;
    Context top = context_top(e);
    TypeSpec spec;
    for (int i = 1; i < formals->n; i++)
        if (!formals->v[i]->formal.value) return no_generator(e, g, "it takes more than the symbols");
    if (!formals->n || !formals->v[0]->formal.type) return no_generator(e, g, "it takes none");
    if (!type_spec(e, &top, scope_new(e, g->function->scope, false), formals->v[0]->formal.type, true, &spec))
        return false;
    if (spec.element.kind != ELEMENT_CLASS || spec.rank != 1)
        return no_generator(e, g, "its argument is no row of classes");
    if (spec.classes.name) return no_generator(e, g, "the number of its classes is left open");
    if (results->n != 1) return no_generator(e, g, "it gives more than the scores");
    g->classes = spec.element.classes, g->open = spec.dims[0].name != NULL;
    g->window = g->open ? 1 : spec.dims[0].n;
    return true;
}
void generate_declare(Eval *e, const File *file, const Ast *ast) {
    Page *page = page_of(e);
    Generate *g = ARENA_NEW(e->arena, Generate);
    const Function *f = scope_find_function(file->scope, ast->generate.model.text);
    *g = (Generate){.ast = ast, .file = file, .prompt = "", .length = 100, .temperature = 1, .inputs = {.rows = 1}};
    g->name = page->generates.n ? intern(e, arena_printf(e->arena, "generate_%d", page->generates.n + 1)) : "generate";
    g->owner = intern(e, arena_printf(e->arena, "%s/", g->name));
    vec_push(e->arena, &page->generates, g);
    g->failed = true;
    if (!f || f->what != FUNCTION_MODEL) {
        unknown_name(e, NULL, file->scope, ast->generate.model, NAME_MODEL);
        return;
    }
    g->function = f;
    for (int i = 0; i < page->generates.n; i++) {
        const Generate *other = page->generates.v[i];
        if (other == g || other->function != f) continue;
        Message *m = sema_error(e, NULL, E443, ast->generate.model.span, "two generate lines are of `%s`", f->name);
        message_note(m, other->ast->generate.model.span, "the first is here");
        message_help(m, "one is enough: --prompt, --length and --temperature give others when it is called");
    }
    const Model *m = model_of(e, f);
    g->failed = m->failed || !m->done || !signature(e, g) || !settings_of(e, g);
}

/* ---- the data whose symbols they are ---- */
static bool trains_with(const Train *t, const Function *f) {
    for (int i = 0; i < t->models.n; i++) {
        if (t->models.v[i]->function == f) return true;
        for (int k = 0; k < t->models.v[i]->calls.n; k++)
            if (t->models.v[i]->calls.v[k]->function == f) return true;
    }
    return false;
}
static bool symbols_of(Generate *g, const DataSet *set) {
    static const char *const readers[] = {"char", "word", "characters", "column"};
    for (int r = 0; r < COUNT_OF(readers); r++)
        for (int i = 0; i < set->columns.n; i++) {
            const Column *c = set->columns.v[i];
            if (strcmp(c->reader, readers[r]) || c->element.kind != ELEMENT_CLASS || c->element.classes != g->classes)
                continue;
            g->set = set, g->column = i;
            g->data_window = c->window ? c->window : c->shape.rank == 1 ? c->shape.dims[0] : 0;
            return true;
        }
    return false;
}
static void symbols_find(Eval *e, Generate *g) {
    const Page *page = page_of(e);
    g->set = NULL, g->column = -1, g->data_window = 0;
    for (int own = 1; own >= 0; own--)
        for (int i = page->trains.n - 1; i >= 0; i--) {
            const Train *t = page->trains.v[i];
            if (trains_with(t, g->function) != own || !t->use.set) continue;
            if (symbols_of(g, t->use.set)) return;
            for (int k = 0; k < t->use.set->n_bases; k++)
                if (symbols_of(g, t->use.set->bases[k])) return;
        }
}

/* ---- its evaluation ---- */
static Node *last_scores(Eval *e, Generate *g, Value *v) {
    Graph *graph = e->graph;
    Node *scores = ir_squeeze(graph, value_spread(e, &g->context, v, 1, &v->shape, element_real()), 0);
    if (!g->count) g->count = ir_hole(graph, type_scalar(graph, DT_i32));
    return ir_take(graph, scores, ir_sub(graph, g->count, ir_int(graph, 1)), 0, 0);
}
/* The slots that go on from symbol to symbol. */
static void carries_collect(Eval *e, Generate *g) {
    g->states.n = g->ends.n = 0;
    for (int i = 0; i < e->slots.n; i++) {
        Slot *s = e->slots.v[i];
        if (s->owner != g->owner || s->role != ROLE_CARRY || !s->read) continue;
        vec_push(e->arena, &g->states, s);
        if (e->nodes)
            vec_push(e->arena, &g->ends, value_spread(e, &g->context, s->now, s->frames, &s->shape, s->element));
    }
}
static Value *scores_of(Eval *e, Generate *g) {
    Context *c = &g->context;
    *c = context_top(e);
    context_push(e, c, FRAME_EXAMPLE, 1, "example", (Span){0});
    c->where = WHERE_PREDICT, c->owner = c->train = g->owner, c->site = g->name, c->inputs = &g->inputs,
    c->streams = true;
    eval_begin(e);
    for (int i = 0; i < e->slots.n; i++)
        if (e->slots.v[i]->widen) slot_first(e, c, e->slots.v[i]);
    i64 dims[] = {1, g->window};
    Shape shape = shape_of(1, &g->window);
    Value *tokens = value_tensor(e, element_class(g->classes), &shape, 1, NULL);
    if (e->nodes && !g->tokens) g->tokens = ir_hole(e->graph, type_get(e->graph, DT_i32, 1, &g->window));
    if (e->nodes) tokens->node = ir_reshape(e->graph, g->tokens, 2, dims);
    Span span = g->ast->generate.model.span;
    Arguments arguments = {.n = 1, .v = &tokens, .spans = &span};
    return call_function(e, c, g->function, &arguments, NULL, g->function->name, span);
}
void generate_run(Eval *e, Generate *g) {
    if (g->failed) return;
    Value *v = scores_of(e, g);
    carries_collect(e, g);
    symbols_find(e, g);
    if (g->open && g->window == 1 && !g->states.n && !value_is_poison(v)) {
        if (!g->data_window) {
            no_generator(e, g, "its t is open, it keeps no state, and no data says how many symbols it looks at");
            g->failed = true;
            return;
        }
        g->window = g->data_window;
        v = scores_of(e, g);
    }
    g->failed = value_is_poison(v);
    if (g->failed) return;
    bool fine = v->kind == VALUE_TENSOR && v->shape.rank == 2 && v->element.kind == ELEMENT_REAL &&
                dim_equal(v->shape.dims[0], g->window) && dim_equal(v->shape.dims[1], g->classes);
    if (!fine)
        g->failed = !no_generator(
            e, g,
            arena_printf(e->arena, "for %s it gives %s",
                         type_text(e, element_class(g->classes), &(Shape){.rank = 1, .dims = {g->window}}),
                         value_text(e, v)));
    else if (e->nodes)
        g->scores = last_scores(e, g, v);
}

/* ---- its row ---- */
nn_generate generate_row(Table *x, Generate *g) {
    Eval *e = x->e;
    Results results = {0};
    i64 tokens = type_bytes(g->tokens->type), fresh = -1, bytes = aligned(tokens);
    if (g->inputs.hole[INPUT_FRESH]) fresh = bytes, bytes = aligned(bytes + 1);
    result_add(e, &results, g->scores, BLOCK_OUT, 0);
    for (int i = 0; i < g->states.n; i++)
        result_add(e, &results, g->ends.v[i], BLOCK_LASTING, leaf_offset(x, g->states.v[i]));
    hole_place(e, g->tokens, BLOCK_BATCH, 0);
    hole_place(e, g->count, BLOCK_CALL, offsetof(nn_call, count));
    Node *row = g->inputs.hole[INPUT_ROW];
    inputs_place(e, &g->inputs, &(nn_feed){.row = 0, .fresh = fresh});
    if (row) hole_replace(e, row, ir_fill(e->graph, 0, row->type)); /* one text: its row is 0 */
    if (bytes > x->t->batch) x->t->batch = bytes;
    i64 out = aligned(type_bytes(g->scores->type));
    out_counts(x, out);
    return (nn_generate){
        .model = g->function->name,
        .set = g->set ? g->set->index : -1,
        .column = g->column,
        .classes = g->classes,
        .prompt = g->prompt,
        .length = g->length,
        .temperature = g->temperature,
        .window = g->window,
        .tokens = 0,
        .fresh = fresh,
        .bytes = bytes,
        .out = out,
        .next =
            entry_make(e, arena_printf(e->arena, "%s.%s", g->name, g->window == 1 ? "next" : "window"), &results, 1),
        .line = line_of(g->ast->span)};
}

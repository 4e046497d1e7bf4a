/* data.c: data sets: a block evaluated anew for each block that uses it, its fields bound there as if on its first
** line; raw columns are holes of the use, drawn fields draws, average(..) a hole of the block of averages. */
#include "page.h"
#include "builtin.h"

/* ---- a use: b rows ---- */
Context use_context(Eval *e, Use *use, const char *site) {
    Context c = context_top(e);
    if (!use->example) {
        context_push(e, &c, FRAME_EXAMPLE, use->rows, "example", (Span){0});
        use->example = c.frames[0];
        use->inputs.rows = use->rows;
    }
    c.n_frames = 1, c.frames[0] = use->example;
    c.site = intern(e, site), c.inputs = &use->inputs, c.training = use->training;
    return c;
}
Node *use_column(Eval *e, Use *use, int column) {
    const Column *col = use->set->columns.v[column];
    if (!e->nodes) return NULL;
    if (column >= use->n_columns) {
        Node **more = ARENA_ARRAY(e->arena, Node *, use->set->columns.n);
        if (use->n_columns) memcpy(more, use->columns, sizeof *more * (size_t)use->n_columns);
        use->columns = more, use->n_columns = use->set->columns.n;
    }
    if (use->columns[column]) return use->columns[column];
    i64 dims[RANK_MAX] = {use->rows};
    int rank = 1;
    if (col->window) dims[rank++] = col->window;
    for (int i = 0; i < col->shape.rank; i++) dims[rank++] = col->shape.dims[i];
    return use->columns[column] = ir_hole(e->graph, type_get(e->graph, col->dtype, rank, dims));
}

/* ---- fields ---- */
typedef struct Allowing {
    Eval *e;
    const Context *c;
    bool fine;
} Allowing;
/* Nothing lasts in a data block, at any depth. */
static void allowed(void *context, const Ast *s) {
    Allowing *a = context;
    const char *what = s->kind == AST_lasting    ? "what lasts"
                       : s->kind == AST_minimize ? "a minimize"
                       : s->kind == AST_report   ? "a report"
                                                 : NULL;
    if (what) {
        Message *m = sema_error(a->e, a->c, E455, s->span, "%s does not stand in a data block", what);
        message_help(m, "a data block binds fields: `name = ..`");
        a->fine = false;
    } else {
        ast_children(s, allowed, a);
    }
}
static bool statement_allowed(Eval *e, const Context *c, const Ast *s) {
    Allowing a = {e, c, true};
    allowed(&a, s);
    return a.fine;
}
static bool field_fine(Eval *e, const Context *c, const Binding *b) {
    const Value *v = b->value;
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_TENSOR)
        return sema_error(e, c, E456, b->span, "a field is a number or an array, `%s` is %s", b->name,
                          value_text(e, v)),
               false;
    if (v->coupled) return sema_error(e, c, E456, b->span, "the field `%s` looks across the rows", b->name), false;
    return true;
}
static void field_keep(Eval *e, DataSet *set, Binding *b, int column) {
    int i = 0;
    while (i < set->fields.n && set->fields.v[i].name.text != b->name) i++;
    if (i == set->fields.n) vec_push(e->arena, &set->fields, (Field){0});
    set->fields.v[i] = (Field){{b->name, b->span}, b->value, column};
}
static void fields_collect(Eval *e, const Context *c, DataSet *set, Scope *inner) {
    for (int i = 0; i < inner->entries.n; i++) {
        Binding *b = inner->entries.v[i].binding;
        if (!b || !b->value || b->value->kind == VALUE_FUNCTION || !field_fine(e, c, b)) continue;
        int column = -1;
        for (int k = 0; k < set->columns.n; k++) {
            const Column *col = set->columns.v[k];
            if (col->element.kind == ELEMENT_CLASS && col->field == b->name && col->span.begin == b->span.begin)
                column = k;
        }
        field_keep(e, set, b, column);
    }
}
void data_lines(Eval *e, const Context *c, DataRun *run, Scope *inner) {
    if (!run->set->ast->data.block) return;
    const AstList *lines = &run->set->ast->data.block->block.statements;
    for (int i = 0; i < lines->n; i++) {
        run->line = lines->v[i];
        run->whole = run->line->kind == AST_let && run->line->let.names.n == 1 ? run->line->let.value->span : (Span){0};
        if (!statement_allowed(e, c, lines->v[i])) continue;
        if (lines->v[i]->kind == AST_value) {
            Value *v = eval_expression(e, c, inner, lines->v[i]->value.value);
            if (v->kind != VALUE_NONE && !value_is_poison(v))
                sema_error(e, c, E337, lines->v[i]->span,
                           "this value is not used: a data block has no value, `name = ..` makes a field");
        } else {
            eval_statement(e, c, inner, lines->v[i]);
        }
    }
    fields_collect(e, c, run->set, inner);
}
static Scope *block_run(Eval *e, const Context *outer, Use *use, bool collect) {
    DataSet *set = use->set;
    DataRun run = {.use = use, .set = set, .frames = 1, .depth = 1, .collect = collect};
    Context c = *outer;
    c.where = WHERE_DATA, c.block = &run, c.top = false, c.model = NULL, c.path = "", c.chain = NULL;
    c.site = run.site = intern(e, arena_printf(e->arena, "data:%s", set->name)), c.counters = counters_new(e);
    Scope *inner = scope_new(e, set->file->scope, false);
    int errors = diag_errors(e->c->diag);
    if (set->n_bases)
        made_lines(e, &c, &run, inner);
    else
        names_bind(e, &run, inner);
    data_lines(e, &c, &run, inner);
    if (set->every > 1 && !set->windows && diag_errors(e->c->diag) == errors)
        sema_error(e, NULL, E454, set->ast->data.name.span,
                   "`every` is the distance between windows, and no field of `%s` is a window", set->name);
    if (diag_errors(e->c->diag) != errors) set->failed = true;
    return inner;
}
bool data_open(Eval *e, DataSet *set) {
    if (set->opened) return !set->failed;
    set->opened = true;
    set->failed = !data_source(e, set) || !data_settings(e, set, &set->ast->data.settings);
    if (!set->failed && !set->ast->data.block && !set->n_bases)
        set->failed = true,
        sema_error(e, NULL, E455, set->ast->span, "the data `%s` has no block, so it has no fields", set->name);
    return !set->failed;
}
bool data_fields(Eval *e, const Context *c, Use *use, Scope *scope) {
    DataSet *set = use->set;
    if (!data_open(e, set)) return false;
    Scope *inner = block_run(e, c, use, false);
    for (int i = 0; i < inner->entries.n; i++) {
        Binding *b = inner->entries.v[i].binding;
        if (b && b->value && b->value->kind != VALUE_FUNCTION) bind(e, c, scope, b->name, b->value, b->span);
    }
    return !set->failed;
}
void data_averages(Eval *e, DataSet *set) {
    if (!data_open(e, set)) return;
    set->pieces.set = set, set->pieces.rows = PIECE_ROWS;
    Context c = use_context(e, &set->pieces, set->name);
    eval_begin(e);
    block_run(e, &c, &set->pieces, true);
    if (set->averages.n && data_endless(set) && !set->failed) {
        set->failed = true;
        sema_error(e, NULL, E457, set->ast->data.name.span,
                   "the data `%s` %s: it has no rows to take an average of", set->name,
                   set->n_bases ? "is drawn from rows of others" : "reads no file");
    }
    if (data_endless(set) && !set->failed &&
        ((set->validate > 0 && set->validate < 1) || (set->test > 0 && set->test < 1))) {
        set->failed = true;
        Message *m = sema_error(e, NULL, E454, set->ast->data.name.span,
                                "the data `%s` reads no file, so no share of its rows can be set apart", set->name);
        message_help(m, "test=200 evaluates on so many, drawn");
    }
}
bool data_endless(const DataSet *set) { return set->columns.n == 0 || set->n_bases; }

/* ---- average ---- */
static Average *average_of(Eval *e, DataSet *set, const char *key, const Shape *shape) {
    for (int i = 0; i < set->averages.n; i++)
        if (set->averages.v[i]->key == key) return set->averages.v[i];
    Average *a = ARENA_NEW(e->arena, Average);
    *a = (Average){.key = key, .index = set->averages.n, .shape = *shape};
    vec_push(e->arena, &set->averages, a);
    return a;
}
Value *data_average(Eval *e, const BuiltinCall *call) {
    const Context *c = call->c;
    DataRun *run = c->block;
    Value *v = argument_tensor(e, call, 0, 0);
    if (!v || !numeric(e, c, v, call->spans[0])) return value_poison(e);
    if (c->scans || c->n_frames > run->depth)
        return sema_poison(e, c, E457, call->span,
                           "an average inside a loop or a mapped call: take it of the whole, outside");
    Shape shape = v->shape;
    shape.stretch = 0;
    const char *key = path_join(e, c->site + strlen(run->site), counters_name(e, c->counters, "average"));
    Average *a = average_of(e, run->set, intern(e, key), &shape);
    run->averaged = true;
    if (e->nodes && run->collect && !run->window) a->sum = sum_over_examples(e, c, v);
    Value *r = value_tensor(e, element_real(), &shape, 0, NULL);
    if (!e->nodes) return r;
    if (!a->hole) a->hole = ir_hole(e->graph, type_get(e->graph, e->real, shape.rank, shape.dims));
    r->node = a->hole;
    return r;
}

/* ---- declarations ---- */
void data_declare(Eval *e, File *file, const Ast *ast) {
    DataSet *set = ARENA_NEW(e->arena, DataSet);
    *set = (DataSet){.name = ast->data.name.text,
                     .kind = "drawn",
                     .ast = ast,
                     .file = file,
                     .index = -1,
                     .files = {"", "", ""},
                     .classes = -1};
    Binding *b = ARENA_NEW(e->arena, Binding);
    b->name = set->name, b->span = ast->data.name.span, b->value = value_data(e, set);
    scope_declare(e, file->scope, b);
    vec_push(e->arena, &page_of(e)->declared, set);
}
DataSet *data_find(Eval *e, const Scope *scope, Name name) {
    Binding *b = scope_find(scope, name.text);
    if (!b || !b->value || b->value->kind != VALUE_DATA) return unknown_name(e, NULL, scope, name, NAME_DATA), NULL;
    b->uses++;
    DataSet *set = b->value->data;
    if (set->index < 0) {
        set->index = page_of(e)->sets.n;
        vec_push(e->arena, &page_of(e)->sets, set);
    }
    return set;
}

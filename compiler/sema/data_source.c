/* data_source.c: what a data block reads: its source, its parts, and the readers of its lines. A column that the
** runtime fills is described here as abi.def says; its values are checked by the runtime, not when compiling. */
#include "page.h"
#include "builtin.h"
#include <math.h>
#include <zlib.h>

BuiltinHandler builtin_column, builtin_columns, builtin_idx, builtin_average;

/* ---- the source and the parts ---- */
static const char *const later_sources[] = {"text",     "words", "images", "few_shot",
                                            "sequence", "pairs", "group",  "beside"};
static const char *text_argument(Eval *e, const Ast *ast, const char *what) {
    if (ast->kind == AST_string) return ast->string.text;
    sema_error(e, NULL, E452, ast->span, "%s is a text: \"..\"", what);
    return NULL;
}
bool data_source(Eval *e, DataSet *set) {
    const Ast *source = set->ast->data.source;
    if (!source) return true;
    if (source->kind != AST_call) {
        Message *m = sema_error(e, NULL, E450, source->span, "a data set is made from a source");
        message_help(m, "data %s = csv(\"file.csv\") { .. }; without a file: data %s { .. }", set->name, set->name);
        return false;
    }
    const char *name = source->call.name.text;
    for (int i = 0; i < COUNT_OF(later_sources); i++)
        if (!strcmp(name, later_sources[i])) return later(e, NULL, source->call.name.span, name), false;
    if (strcmp(name, "csv")) {
        const char *known[] = {"csv", "text", "words", "images", "few_shot", "sequence", "pairs", "group", "beside"};
        const char *near = str_nearest(name, known, COUNT_OF(known));
        Message *m = sema_error(e, NULL, E450, source->call.name.span, "there is no source `%s`", name);
        if (near)
            message_help(m, "did you mean `%s`?", near);
        else if (!strcmp(name, "idx"))
            message_help(m, "`idx` needs no source: data %s { x: [784] = idx(\"file\") }", set->name);
        return false;
    }
    const AstList *args = &source->call.arguments;
    if (args->n != 1 || args->v[0]->kind == AST_setting || source->call.theta)
        return sema_error(e, NULL, E452, source->span,
                          "csv(\"file.csv\") takes the name of one file; those of parts are settings: test=\"t.csv\""),
               false;
    const char *file = text_argument(e, args->v[0], "the name of a file");
    if (!file) return false;
    set->has_source = true, set->kind = "csv", set->files[0] = file;
    return true;
}
/* validate=, test=: a share, a count, or a file of the source. */
static bool part(Eval *e, DataSet *set, const Ast *setting, int which, double *to) {
    const Ast *value = setting->setting.value;
    const char *name = setting->setting.name.text;
    Context top = context_top(e);
    if (value->kind == AST_string) {
        set->files[which] = value->string.text;
        if (set->has_source) return true;
        Message *m = sema_error(e, NULL, E454, value->span, "`%s` names a file, but the data `%s` has no source", name,
                                set->name);
        message_help(m, "of idx: idx(\"file\", %s=\"other\")", name);
        return false;
    }
    Value *v = eval_expression(e, &top, set->file->scope, value);
    if (value_is_poison(v) || !need_number(e, &top, v, value->span, name, to)) return false;
    if (*to >= 1 && *to == floor(*to) && *to <= INT32_MAX) return true;
    if (*to > 0 && *to < 1 && (set->has_source || set->ast->data.block)) return true;
    sema_error(e, NULL, E454, value->span,
               "`%s` is a share between 0 and 1 (20%%), a number of rows, or the file of that part, not %.9g", name,
               *to);
    return false;
}
bool data_settings(Eval *e, DataSet *set, const AstList *settings) {
    static const char *const names[] = {"validate", "test", "every"};
    bool fine = true;
    for (int i = 0; i < settings->n; i++) {
        const Ast *s = settings->v[i];
        const char *name = s->setting.name.text;
        for (int k = 0; k < i; k++)
            if (settings->v[k]->setting.name.text == name)
                fine = false, sema_error(e, NULL, E443, s->setting.name.span, "the setting `%s` is given twice", name);
        if (!strcmp(name, "validate"))
            fine &= part(e, set, s, 1, &set->validate);
        else if (!strcmp(name, "test"))
            fine &= part(e, set, s, 2, &set->test);
        else if (!strcmp(name, "every"))
            fine = false, later(e, NULL, s->setting.name.span, "every");
        else {
            const char *near = str_nearest(name, names, 3);
            Message *m = sema_error(e, NULL, E442, s->setting.name.span, "a data set has no setting `%s`", name);
            message_help(m, near ? "did you mean `%s`?" : "its settings are validate and test", near);
            fine = false;
        }
    }
    if (fine && set->validate < 1 && set->test < 1 && set->validate + set->test >= 1)
        return sema_error(e, NULL, E454, set->ast->data.name.span,
                          "`validate` and `test` together leave no rows for training"),
               false;
    return fine;
}

/* ---- columns ---- */
static bool same_column(const Column *a, const Column *b) {
    bool same = !strcmp(a->reader, b->reader) && a->n_names == b->n_names && a->low == b->low && a->high == b->high &&
                element_equal(a->element, b->element) && a->element.n_names == b->element.n_names &&
                shape_equal(&a->shape, &b->shape) && a->dtype == b->dtype;
    for (int i = 0; same && i < a->n_names; i++) same = !strcmp(a->names[i], b->names[i]);
    for (int i = 0; same && i < a->element.n_names; i++) same = !strcmp(a->element.names[i], b->element.names[i]);
    return same;
}
static bool in_data(Eval *e, const BuiltinCall *call) {
    if (call->c->where == WHERE_DATA && call->c->block) return true;
    sema_error(e, call->c, E451, call->span, "`%s` reads a file: it stands in a data block", call->builtin->name);
    return false;
}
static bool in_csv(Eval *e, const BuiltinCall *call) {
    if (!in_data(e, call)) return false;
    const DataSet *set = ((DataRun *)call->c->block)->use->set;
    if (set->has_source) return true;
    Message *m =
        sema_error(e, call->c, E451, call->span, "`%s` reads the table of a source, and the data `%s` has none",
                   call->builtin->name, set->name);
    message_help(m, "data %s = csv(\"file.csv\") { .. }", set->name);
    return false;
}
/* The line is this call alone: then the column is of its declared element. */
static bool alone(const BuiltinCall *call) {
    const DataRun *run = call->c->block;
    const Ast *line = run->line;
    return line->kind == AST_let && line->let.names.n == 1 && line->let.value->span.begin == call->span.begin &&
           line->let.value->span.end == call->span.end && line->let.value->span.source == call->span.source;
}
static Element column_element(const BuiltinCall *call) {
    return alone(call) && call->c->declared ? call->c->declared->element : element_real();
}
static Dtype stored_dtype(const Eval *e, Element element) {
    return element.kind == ELEMENT_BOOL ? DT_bool : element_dtype(e, element);
}
/* The column, known already or new, as a value: one for each example. */
static Value *column_value(Eval *e, const BuiltinCall *call, Column column) {
    DataRun *run = call->c->block;
    DataSet *set = run->use->set;
    const Ast *line = run->line;
    column.span = line->kind == AST_let ? line->let.names.v[0].span : call->span;
    column.field = line->kind == AST_let ? line->let.names.v[0].text : call->builtin->name;
    int i = 0;
    while (i < set->columns.n && !same_column(set->columns.v[i], &column)) i++;
    if (i == set->columns.n) vec_push(e->arena, &set->columns, arena_copy(e->arena, &column, sizeof column));
    Value *r = value_tensor(e, column.element, &column.shape, 1, NULL);
    r->node = node_cast(e, use_column(e, run->use, i), element_dtype(e, column.element));
    return r;
}
static bool texts_of(Eval *e, const BuiltinCall *call, Column *column) {
    const char **names = ARENA_ARRAY(e->arena, const char *, call->n + 1);
    for (int i = 0; i < call->n; i++) {
        if (call->v[i]->kind != VALUE_STRING)
            return sema_error(e, call->c, E452, call->spans[i], "the name of a column is a text, this is %s",
                              value_text(e, call->v[i])),
                   false;
        names[i] = call->v[i]->text;
    }
    column->names = names, column->n_names = call->n;
    return true;
}
Value *builtin_column(Eval *e, const BuiltinCall *call) {
    Column column = {.reader = "column"};
    if (!in_csv(e, call) || !texts_of(e, call, &column)) return value_poison(e);
    column.element = column_element(call), column.dtype = stored_dtype(e, column.element);
    return column_value(e, call, column);
}
/* columns(0..64): a range; columns("a", "b"): names. */
static bool range_of(Eval *e, const BuiltinCall *call, Column *column) {
    const Value *v = call->v[0];
    if (call->n == 1 && v->kind == VALUE_TENSOR && v->known && v->known->list && v->known->n <= 65536) {
        int n;
        i64 *list = ARENA_ARRAY(e->arena, i64, v->known->n);
        if (!need_ints(e, call->c, v, call->spans[0], "the columns", &n, list, 65536)) return false;
        column->low = list[0], column->high = list[0] + n;
        for (int i = 0; i < n; i++)
            if (list[i] != list[0] + i) n = 0;
        if (n && column->low >= 0) return true;
    }
    Message *m = sema_error(e, call->c, E452, call->spans[0], "`columns` takes places one after the other, or names");
    message_help(m, "columns(0..4) or columns(\"a\", \"b\")");
    return false;
}
Value *builtin_columns(Eval *e, const BuiltinCall *call) {
    Column column = {.reader = "columns"};
    if (!in_csv(e, call)) return value_poison(e);
    if (!(call->v[0]->kind == VALUE_STRING ? texts_of(e, call, &column) : range_of(e, call, &column)))
        return value_poison(e);
    column.element = column_element(call), column.dtype = stored_dtype(e, column.element);
    column.shape = (Shape){.rank = 1, .dims = {column.n_names ? column.n_names : column.high - column.low}};
    return column_value(e, call, column);
}

/* ---- idx ---- */
/* Files of bytes stay bytes until used. A file that is not there yet is taken to be of bytes: the runtime checks. */
static bool holds_bytes(Eval *e, const DataSet *set, const char *file) {
    const char *folder = set->file->folder;
    const char *path = *file == '/' || !*folder ? file : arena_printf(e->arena, "%s/%s", folder, file);
    u8 head[4];
    gzFile in = gzopen(path, "rb");
    if (!in) return true;
    bool other = gzread(in, head, sizeof head) == (int)sizeof head && !head[0] && !head[1] && head[2] != 0x08;
    gzclose(in);
    return !other;
}
Value *builtin_idx(Eval *e, const BuiltinCall *call) {
    Column column = {.reader = "idx", .n_names = 3};
    if (!in_data(e, call)) return value_poison(e);
    const DataRun *run = call->c->block;
    const TypeValue *declared = call->c->declared;
    const char **names = ARENA_ARRAY(e->arena, const char *, 3);
    const Value *files[] = {call->v[0], call->named[0], call->named[1]};
    for (int i = 0; i < 3; i++) {
        if (files[i] && files[i]->kind != VALUE_STRING)
            return sema_poison(e, call->c, E452, i ? call->named_spans[i - 1] : call->spans[0],
                               "the name of a file is a text, this is %s", value_text(e, files[i]));
        names[i] = files[i] ? files[i]->text : "";
    }
    if (!declared) {
        Message *m = sema_error(e, call->c, E453, call->span,
                                "a field read by `idx` has a declared type: its shape is found there");
        message_help(m, "image: [28, 28] = idx(\"..\") / 255");
        return value_poison(e);
    }
    DataSet *set = run->use->set;
    if (!set->has_source) set->kind = "files";
    column.names = names, column.shape = declared->shape, column.element = column_element(call);
    column.may_be_u8 = holds_bytes(e, set, names[0]);
    column.dtype = column.may_be_u8 ? DT_u8 : stored_dtype(e, column.element);
    return column_value(e, call, column);
}
/* In data: over the training rows. In a report: over the rows of the round. */
Value *builtin_average(Eval *e, const BuiltinCall *call) {
    const Context *c = call->c;
    if (c->where == WHERE_DATA && c->block) return data_average(e, call);
    if (c->where == WHERE_REPORT && c->block) return report_average(e, call);
    Message *m = sema_error(e, c, E457, call->span, "`average` stands in a data block or in a report of a train block");
    message_help(m, "mean(x) is over the axes of x, batch_mean(x) over the examples");
    return value_poison(e);
}

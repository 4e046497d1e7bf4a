/* data_reader.c: the readers of a data block's lines. A column that the runtime fills is described here as abi.def
*says;
** its values are checked by the runtime, not when compiling.
**
** A line of a set may stand for more than the row itself: for the rows of a window (data_window.c), or, in a set made
*of
** others, for rows of an example's list (data_made.c). DataRun says for which; the columns then have these axes,
*mapped. */
#include "page.h"
#include "builtin.h"
#include <zlib.h>

BuiltinHandler builtin_column, builtin_columns, builtin_idx, builtin_npy, builtin_npz, builtin_average;

/* ---- columns ---- */
static bool same_column(const Column *a, const Column *b) {
    bool same = !strcmp(a->reader, b->reader) && a->n_names == b->n_names && a->low == b->low && a->high == b->high &&
                a->window == b->window && a->shift == b->shift && a->base == b->base && a->column == b->column &&
                element_equal(a->element, b->element) && a->element.n_names == b->element.n_names &&
                shape_equal(&a->shape, &b->shape) && a->dtype == b->dtype;
    for (int i = 0; same && i < a->n_names; i++) same = !strcmp(a->names[i], b->names[i]);
    for (int i = 0; same && i < a->element.n_names; i++) same = !strcmp(a->element.names[i], b->element.names[i]);
    return same;
}
int column_find(Eval *e, DataSet *set, const Column *column) {
    int i = 0;
    while (i < set->columns.n && !same_column(set->columns.v[i], column)) i++;
    if (i == set->columns.n) vec_push(e->arena, &set->columns, arena_copy(e->arena, column, sizeof *column));
    return i;
}
/* The rows of a base that the line stands for, of column i of the base: a hole [rows, list.., window?, dims..]. */
static Node *base_column(Eval *e, DataRun *run, const Column *column, int i) {
    const BaseRows *rows = run->rows;
    Column outer = *column;
    i64 dims[RANK_MAX] = {run->use->rows};
    int rank = 1, n = 0;
    outer.reader = "base", outer.n_names = 0, outer.low = outer.high = 0;
    outer.base = rows->base, outer.column = i, outer.window = rows->count, outer.shift = rows->low;
    if (column->window) outer.shape.dims[n++] = column->window;
    for (int k = 0; k < column->shape.rank; k++) outer.shape.dims[n++] = column->shape.dims[k];
    outer.shape.rank = n;
    for (int k = 0; k < rows->rank; k++) dims[rank++] = rows->dims[k];
    for (int k = 0; k < n; k++) dims[rank++] = outer.shape.dims[k];
    Node *node = use_column(e, run->use, column_find(e, run->use->set, &outer));
    return node ? ir_reshape(e->graph, node, rank, dims) : NULL;
}
/* The column, known already or new, as a value: one for each example, mapped over what the line stands for. */
Value *column_value(Eval *e, DataRun *run, Column column, Span span) {
    const Ast *line = run->line;
    column.span = line->kind == AST_let ? line->let.names.v[0].span : span;
    column.field = line->kind == AST_let ? line->let.names.v[0].text : column.reader;
    column.window = run->window, column.shift = run->shift;
    int i = column_find(e, run->set, &column);
    Value *r = value_tensor(e, column.element, &column.shape, run->frames, NULL);
    if (run->rows)
        r->node = base_column(e, run, &column, i);
    else
        r->node = use_column(e, run->use, i);
    r->node = node_cast(e, r->node, element_dtype(e, column.element));
    return r;
}

/* ---- where a reader may stand, of which type it is ---- */
bool reader_in_data(Eval *e, const Context *c, Span span, const char *name) {
    if (c->where == WHERE_DATA && c->block) return true;
    sema_error(e, c, E451, span, "`%s` reads a file: it stands in a data block", name);
    return false;
}
bool reader_in_csv(Eval *e, const Context *c, Span span, const char *name) {
    if (!reader_in_data(e, c, span, name)) return false;
    const DataSet *set = ((DataRun *)c->block)->set;
    if (!strcmp(set->kind, "csv")) return true;
    Message *m =
        sema_error(e, c, E451, span, "`%s` reads the table of a source, and the data `%s` has none", name, set->name);
    message_help(m, "data %s = csv(\"file.csv\") { .. }", set->name);
    return false;
}
/* The line is this call alone: then the column is of its declared element. */
static bool alone(const DataRun *run, Span span) {
    return span.begin == run->whole.begin && span.end == run->whole.end && span.source == run->whole.source;
}
static Element column_element(const Context *c, Span span) {
    return c->declared && alone(c->block, span) ? c->declared->element : element_real();
}
static Dtype stored_dtype(const Eval *e, Element element) {
    return element.kind == ELEMENT_BOOL ? DT_bool : element_dtype(e, element);
}

/* ---- csv ---- */
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
    if (!reader_in_csv(e, call->c, call->span, "column") || !texts_of(e, call, &column)) return value_poison(e);
    column.element = column_element(call->c, call->span), column.dtype = stored_dtype(e, column.element);
    return column_value(e, call->c->block, column, call->span);
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
    if (!reader_in_csv(e, call->c, call->span, "columns")) return value_poison(e);
    if (!(call->v[0]->kind == VALUE_STRING ? texts_of(e, call, &column) : range_of(e, call, &column)))
        return value_poison(e);
    column.element = column_element(call->c, call->span), column.dtype = stored_dtype(e, column.element);
    column.shape = (Shape){.rank = 1, .dims = {column.n_names ? column.n_names : column.high - column.low}};
    return column_value(e, call->c->block, column, call->span);
}

/* ---- files of arrays ---- */
static gzFile array_open(Eval *e, const DataSet *set, const char *file) {
    const char *folder = set->file->folder;
    const char *path = *file == '/' || !*folder ? file : arena_printf(e->arena, "%s/%s", folder, file);
    return gzopen(path, "rb");
}
/* Files of bytes stay bytes until used. A file that is not there yet is taken to be of bytes: the runtime checks. */
static bool idx_holds_bytes(Eval *e, const DataSet *set, const char *file) {
    u8 head[4];
    gzFile in = array_open(e, set, file);
    if (!in) return true;
    bool other = gzread(in, head, sizeof head) == (int)sizeof head && !head[0] && !head[1] && head[2] != 0x08;
    gzclose(in);
    return !other;
}
static bool npy_holds_bytes(Eval *e, const DataSet *set, const char *file) {
    char head[129] = {0};
    gzFile in = array_open(e, set, file);
    if (!in) return false;
    bool bytes = gzread(in, head, 128) > 10 && !memcmp(head, "\x93NUMPY", 6) && strstr(head + 10, "'|u1'");
    gzclose(in);
    return bytes;
}
/* The names of the files: all or training, validation, test. */
static bool files_of(Eval *e, const BuiltinCall *call, const char **names) {
    const Value *files[] = {call->v[0], call->named[0], call->named[1]};
    for (int i = 0; i < 3; i++) {
        if (files[i] && files[i]->kind != VALUE_STRING)
            return sema_error(e, call->c, E452, i ? call->named_spans[i - 1] : call->spans[0],
                              "the name of a file is a text, this is %s", value_text(e, files[i])),
                   false;
        names[i] = files[i] ? files[i]->text : "";
    }
    return true;
}
/* The declared shape of a row; inside a window it is behind the window's axis. */
static bool declared_shape(Eval *e, const Context *c, Span span, const char *name, Shape *shape) {
    const DataRun *run = c->block;
    if (!c->declared) {
        Message *m =
            sema_error(e, c, E453, span, "a field read by `%s` has a declared type: its shape is found there", name);
        message_help(m, "image: [28, 28, 1] = %s / 255",
                     !strcmp(name, "picture") ? name : arena_printf(e->arena, "%s(\"..\")", name));
        return false;
    }
    *shape = c->declared->shape;
    if (run->window && shape->rank && shape->dims[0] == run->window)
        *shape = shape_of(shape->rank - 1, shape->dims + 1);
    return true;
}
static Value *array_value(Eval *e, const BuiltinCall *call, Column column,
                          bool (*holds_bytes)(Eval *, const DataSet *, const char *)) {
    const Context *c = call->c;
    const char **names = ARENA_ARRAY(e->arena, const char *, 4);
    if (!reader_in_data(e, c, call->span, column.reader) || !files_of(e, call, names) ||
        !declared_shape(e, c, call->span, column.reader, &column.shape))
        return value_poison(e);
    DataRun *run = c->block;
    if (!run->set->has_source) run->set->kind = "files";
    for (int i = 0; i < column.n_names - 3; i++) names[3 + i] = column.names[i];
    column.names = names, column.element = column_element(c, call->span);
    bool wide = column.element.kind == ELEMENT_CLASS && column.element.classes > 256;
    column.may_be_u8 = !wide && holds_bytes && holds_bytes(e, run->set, names[0]);
    column.dtype = column.may_be_u8 ? DT_u8 : stored_dtype(e, column.element);
    return column_value(e, run, column, call->span);
}
Value *builtin_idx(Eval *e, const BuiltinCall *call) {
    return array_value(e, call, (Column){.reader = "idx", .n_names = 3}, idx_holds_bytes);
}
Value *builtin_npy(Eval *e, const BuiltinCall *call) {
    return array_value(e, call, (Column){.reader = "npy", .n_names = 3}, npy_holds_bytes);
}
Value *builtin_npz(Eval *e, const BuiltinCall *call) {
    if (call->v[1]->kind != VALUE_STRING)
        return sema_poison(e, call->c, E452, call->spans[1], "the name of an array in the file is a text, this is %s",
                           value_text(e, call->v[1]));
    return array_value(e, call, (Column){.reader = "npz", .n_names = 4, .names = &call->v[1]->text}, NULL);
}

/* ---- char, word, picture, folder: names that a source binds ---- */
static bool symbol_column(Eval *e, const Context *c, Span span, const char *name, Column *column) {
    if (!c->declared || c->declared->element.kind != ELEMENT_CLASS) {
        Message *m =
            sema_error(e, c, E453, span,
                       "a field read by `%s` has a declared type: how many classes there are stands there", name);
        message_help(m, !strcmp(name, "folder") ? "label: class(5) = folder" : "input: class(65)[50] = window(%s, 50)",
                     name);
        return false;
    }
    column->element = c->declared->element, column->dtype = DT_i32;
    return true;
}
static bool picture_column(Eval *e, const Context *c, Span span, Column *column) {
    if (!declared_shape(e, c, span, "picture", &column->shape)) return false;
    i64 channels = column->shape.rank == 3 ? column->shape.dims[2] : 0;
    column->element = element_real(), column->dtype = DT_u8, column->may_be_u8 = true;
    if (channels == 1 || channels == 3) return true;
    sema_error(e, c, E453, span, "a picture is [height, width, 1] or [height, width, 3], its field is declared %s",
               shape_text(e, &column->shape));
    return false;
}
static Value *name_value(Eval *e, Binding *b, const Context *c) {
    Column column = {.reader = b->name};
    Span span = b->span;
    if (!reader_in_data(e, c, span, b->name)) return value_poison(e);
    DataRun *run = c->block;
    if (run->line) span = run->line->span;
    bool fine =
        !strcmp(b->name, "picture") ? picture_column(e, c, span, &column) : symbol_column(e, c, span, b->name, &column);
    return fine ? column_value(e, run, column, span) : value_poison(e);
}
void names_bind(Eval *e, DataRun *run, Scope *inner) {
    static const char *const names[][2] = {
        {"text", "char"}, {"words", "word"}, {"images", "picture"}, {"images", "folder"}};
    for (int i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(run->set->kind, names[i][0])) continue;
        Binding *b = ARENA_NEW(e->arena, Binding);
        *b = (Binding){.name = intern(e, names[i][1]), .resolve = name_value, .span = run->set->ast->data.source->span};
        scope_declare(e, inner, b);
    }
}

/* ---- averages ---- */
/* In data: over the training rows. In a report: over the rows of the round. */
Value *builtin_average(Eval *e, const BuiltinCall *call) {
    const Context *c = call->c;
    if (c->where == WHERE_DATA && c->block) return data_average(e, call);
    if (c->where == WHERE_REPORT && c->block) return report_average(e, call);
    Message *m = sema_error(e, c, E457, call->span, "`average` stands in a data block or in a report of a train block");
    message_help(m, "mean(x) is over the axes of x, batch_mean(x) over the examples");
    return value_poison(e);
}

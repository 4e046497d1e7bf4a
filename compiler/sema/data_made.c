/* data_made.c: sets made of sets: few_shot, sequence, pairs, group, beside. An example is drawn: a list of rows of the
 *base, as
 ** abi.def says. The base's own lines are evaluated for it, each column read for the rows of the list, which are mapped
 *axes; then
 ** they are visible: support_image is [ways, shots, ..image]. Labels are the list's own. */
#include "page.h"
#include "builtin.h"

typedef enum Kind { FEW_SHOT, SEQUENCE, PAIRS, GROUP, BESIDE, KINDS } Kind;
enum { BASES_MOST = 8 };
static const struct {
    const char *name, *numbers, *signature;
    int least, most; /* bases */
} kinds[KINDS] = {
    [FEW_SHOT] = {"few_shot", "ways shots queries rotate", "few_shot(d, ways=, shots=, queries=, rotate=false)", 1, 1},
    [SEQUENCE] = {"sequence", "ways shots", "sequence(d, ways=, shots=)", 1, 1},
    [PAIRS] = {"pairs", "", "pairs(d)", 1, 1},
    [GROUP] = {"group", "n", "group(d, n)", 1, 1},
    [BESIDE] = {"beside", "", "beside(d, e)", 2, BASES_MOST},
};
static Kind kind_of(const char *name) {
    int i = 0;
    while (i < KINDS && strcmp(kinds[i].name, name)) i++;
    return (Kind)i;
}

/* ---- the source ---- */
static bool wrong(Eval *e, Kind kind, Span span, const char *why) {
    Message *m = sema_error(e, NULL, E452, span, "%s", why);
    message_help(m, "%s", kinds[kind].signature);
    return false;
}
/* The place of a name in "ways shots ..", -1. */
static int number_place(Kind kind, const char *name) {
    size_t n = strlen(name);
    int i = 0;
    for (const char *s = kinds[kind].numbers; *s; i++) {
        size_t length = strcspn(s, " ");
        if (length == n && !strncmp(s, name, n)) return i;
        s += length;
        while (*s == ' ') s++;
    }
    return -1;
}
static int number_count(Kind kind) {
    int n = *kinds[kind].numbers != 0;
    for (const char *s = kinds[kind].numbers; *s; s++) n += *s == ' ';
    return n;
}
static const char *number_name(Eval *e, Kind kind, int place) {
    const char *s = kinds[kind].numbers;
    for (; place; place--) s = strchr(s, ' ') + 1;
    return str_intern_n(e->c->strings, s, strcspn(s, " "));
}
static bool number_take(Eval *e, DataSet *set, Kind kind, int place, const Ast *ast) {
    Context top = context_top(e);
    bool rotate = kind == FEW_SHOT && place == 3, truth = false;
    if (place < 0 || place >= number_count(kind))
        return wrong(e, kind, ast->span, arena_printf(e->arena, "`%s` does not take this", kinds[kind].name));
    if (set->numbers[place]) return wrong(e, kind, ast->span, "this number is given twice");
    const Ast *value = ast->kind == AST_setting ? ast->setting.value : ast;
    Value *v = eval_expression(e, &top, set->file->scope, value);
    if (value_is_poison(v)) return false;
    if (rotate) {
        if (!need_bool(e, &top, v, value->span, "rotate", &truth)) return false;
        set->numbers[place] = truth;
        return true;
    }
    if (!need_int(e, &top, v, value->span, "a number of rows", &set->numbers[place])) return false;
    if (set->numbers[place] >= 1 && set->numbers[place] <= 1 << 20) return true;
    return wrong(e, kind, value->span,
                 arena_printf(e->arena, "a number of classes or rows is at least 1, this is %lld",
                              (long long)set->numbers[place]));
}
static bool base_take(Eval *e, DataSet *set, Kind kind, const Ast *ast) {
    if (ast->kind != AST_name)
        return wrong(e, kind, ast->span,
                     arena_printf(e->arena, "`%s` is made of a data set, by its name", kinds[kind].name));
    DataSet *base = data_find(e, set->file->scope, ast->name.name);
    if (!base) return false;
    if (base == set || data_is_made(base)) {
        Message *m =
            sema_error(e, NULL, E458, ast->span, "`%s` is made of rows of files, and `%s` is made of others itself",
                       set->name, base->name);
        message_note(m, base->ast->data.name.span, "declared here");
        return false;
    }
    set->bases[set->n_bases++] = base;
    return data_open(e, base);
}
bool made_source(Eval *e, DataSet *set, const Ast *source) {
    Kind kind = kind_of(source->call.name.text);
    const AstList *args = &source->call.arguments;
    int most = kinds[kind].most, place = 0;
    set->bases = ARENA_ARRAY(e->arena, DataSet *, BASES_MOST);
    set->kind = kinds[kind].name, set->n_numbers = number_count(kind);
    for (int i = 0; i < args->n; i++) {
        const Ast *a = args->v[i];
        bool named = a->kind == AST_setting;
        if (!named && set->n_bases < most) {
            if (!base_take(e, set, kind, a)) return false;
        } else if (!number_take(e, set, kind, named ? number_place(kind, a->setting.name.text) : place++, a)) {
            return false;
        }
    }
    if (set->n_bases < kinds[kind].least)
        return wrong(e, kind, source->span,
                     arena_printf(e->arena, "`%s` is made of %d data set%s", kinds[kind].name, kinds[kind].least,
                                  kinds[kind].least == 1 ? "" : "s"));
    for (int i = 0; i < set->n_numbers; i++) {
        if (set->numbers[i] || (kind == FEW_SHOT && i == 3)) continue;
        return wrong(e, kind, source->span,
                     arena_printf(e->arena, "`%s` needs `%s`", kinds[kind].name, number_name(e, kind, i)));
    }
    return true;
}

/* ---- the label ---- */
/* The one field of the base that is a class column, or that of them which is called `label`. */
static bool label_find(Eval *e, DataSet *set) {
    const DataSet *base = set->bases[0];
    int n = 0;
    set->label = NULL;
    for (int i = 0; i < base->fields.n; i++) {
        const Field *f = &base->fields.v[i];
        if (f->column < 0 || f->value->shape.rank) continue;
        bool best = !n++ || !strcmp(f->name.text, "label");
        if (best) set->label = f->name.text, set->classes = f->column;
    }
    if (n == 1 || (n && !strcmp(set->label, "label"))) return true;
    Message *m = sema_error(
        e, NULL, E458, set->ast->data.source->span, "`%s` draws classes, and `%s` has %s", set->kind, base->name,
        n ? "several fields that are classes, none of them called `label`" : "no field that is the class of its row");
    message_note(m, base->ast->data.name.span, "declared here");
    if (!n) message_help(m, "label: class(10) = column(\"label\")");
    return false;
}
/* Labels low .. low + count of the list as a field. */
static Value *labels(Eval *e, DataRun *run, const BaseRows *rows, Element element) {
    Column column = {.reader = "label",
                     .field = run->set->label,
                     .span = run->set->ast->data.name.span,
                     .element = element,
                     .dtype = element_dtype(e, element),
                     .window = element.kind == ELEMENT_BOOL ? 0 : rows->count,
                     .shift = rows->low};
    Shape shape = shape_of(rows->rank, rows->dims);
    Value *r = value_tensor(e, element, &shape, 1, NULL);
    Node *node = use_column(e, run->use, column_find(e, run->use->set, &column));
    i64 dims[RANK_MAX] = {run->use->rows};
    for (int i = 0; i < rows->rank; i++) dims[i + 1] = rows->dims[i];
    r->node = node ? ir_reshape(e->graph, node, rows->rank + 1, dims) : NULL;
    return r;
}

/* ---- the base's fields ---- */
static void field_bind(Eval *e, const Context *c, DataRun *run, Scope *inner, const char *name, Value *v, Span span) {
    Binding *b = scope_find_here(inner, name);
    if (b) {
        Message *m = sema_error(e, c, E458, run->set->ast->data.source->span, "two fields of `%s` are called `%s`",
                                run->set->name, name);
        message_note(m, b->span, "one is here");
        message_note(m, span, "the other is here");
        return;
    }
    bind(e, c, inner, name, v, span);
}
/* Evaluates a base for some rows of the list, binds its fields as before_field_after. */
static void base_lines(Eval *e, const Context *c, DataRun *run, Scope *inner, const BaseRows *rows, const char *before,
                       const char *after) {
    DataSet *base = run->set->bases[rows->base];
    const char *site = intern(e, arena_printf(e->arena, "%s%s%s:%s", run->site, *before || *after ? ":" : "",
                                              *before ? before : after, base->name));
    DataRun of = {.use = run->use, .set = base, .rows = rows, .frames = 1, .depth = 1 + rows->rank, .site = site};
    Context c2 = *c;
    Chain *chain = ARENA_NEW(e->arena, Chain);
    *chain = (Chain){c->chain, run->set->name, run->set->ast->data.source->span};
    c2.block = &of, c2.site = site, c2.counters = counters_new(e), c2.chain = chain;
    for (int i = 0; i < rows->rank; i++) {
        if (!context_push(e, &c2, FRAME_MAPPED, rows->dims[i], run->set->name, run->set->ast->data.name.span)) return;
        of.frames |= 2u << i;
    }
    Scope *lines = scope_new(e, base->file->scope, false);
    names_bind(e, &of, lines);
    data_lines(e, &c2, &of, lines);
    bool classes = run->set->n_bases == 1 && kind_of(run->set->kind) <= PAIRS;
    if (classes && !run->set->label && !label_find(e, run->set)) return;
    Mapping mapping = {.n = rows->rank, .first = 1, .extra = shape_of(rows->rank, rows->dims)};
    for (int i = 0; i < lines->entries.n; i++) {
        const Binding *b = lines->entries.v[i].binding;
        if (!b || !b->value || b->value->kind != VALUE_TENSOR || (classes && b->name == run->set->label)) continue;
        const char *name = intern(e, arena_printf(e->arena, "%s%s%s", before, b->name, after));
        field_bind(e, c, run, inner, name, map_result(e, &c2, &mapping, b->value), b->span);
    }
}
static void label_bind(Eval *e, const Context *c, DataRun *run, Scope *inner, const BaseRows *rows,
                       const char *before) {
    const DataSet *set = run->set;
    if (!set->label) return;
    const char *name = intern(e, arena_printf(e->arena, "%s%s", before, set->label));
    field_bind(e, c, run, inner, name, labels(e, run, rows, element_class(set->numbers[0])), set->ast->data.name.span);
}
static bool bases_have_rows(Eval *e, const DataSet *set) {
    for (int i = 0; i < set->n_bases; i++) {
        const DataSet *base = set->bases[i];
        if (base->failed) return false;
        if (base->columns.n) continue;
        Message *m =
            sema_error(e, NULL, E458, set->ast->data.source->span,
                       "`%s` is made of rows of files, and `%s` reads none: it is drawn", set->name, base->name);
        message_note(m, base->ast->data.name.span, "declared here");
        return false;
    }
    return true;
}
void made_lines(Eval *e, const Context *c, DataRun *run, Scope *inner) {
    const DataSet *set = run->set;
    i64 a = set->numbers[0], b = set->numbers[1], q = set->numbers[2];
    BaseRows support = {.rank = 2, .count = a * b, .dims = {a, b}},
             query = {.rank = 2, .low = a * b, .count = a * q, .dims = {a, q}},
             all = {.rank = 1, .count = a * b, .dims = {a * b}}, first = {.count = 1}, second = {.low = 1, .count = 1},
             group = {.rank = 1, .count = a, .dims = {a}};
    switch (kind_of(set->kind)) {
    case FEW_SHOT:
        base_lines(e, c, run, inner, &support, "support_", "");
        base_lines(e, c, run, inner, &query, "query_", "");
        label_bind(e, c, run, inner, &support, "support_");
        label_bind(e, c, run, inner, &query, "query_");
        break;
    case SEQUENCE:
        base_lines(e, c, run, inner, &all, "", "");
        label_bind(e, c, run, inner, &all, "");
        break;
    case PAIRS:
        base_lines(e, c, run, inner, &first, "", "_a");
        base_lines(e, c, run, inner, &second, "", "_b");
        if (set->label)
            field_bind(e, c, run, inner, intern(e, "same"), labels(e, run, &first, element_bool()),
                       set->ast->data.name.span);
        break;
    case GROUP: base_lines(e, c, run, inner, &group, "", ""); break;
    case BESIDE:
        for (int i = 0; i < set->n_bases; i++)
            base_lines(e, c, run, inner,
                       arena_copy(e->arena, &(BaseRows){.base = i, .low = i, .count = 1}, sizeof(BaseRows)), "", "");
        break;
    case KINDS:
    default: nnc_bug("a made set of no kind");
    }
    bases_have_rows(e, set);
}

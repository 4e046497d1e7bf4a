/* data_window.c: what reads more of a file than a cell of its row: window(e, n, shift=), characters(e, n), count(e).
*They look
** at their argument before it is evaluated.
**
** In window(e, n, shift=s) e is evaluated for n rows, from the s-th behind the row on, as a mapped axis: the columns in
*it are
** read so (DataRun.window). An average(..) in it is that of e over single rows. */
#include "page.h"
#include "builtin.h"

/* ---- the arguments as written ---- */
typedef struct Written {
    const Ast *of; /* the first argument */
    int n;         /* numbers behind it, by position */
    const Ast *numbers[2];
    const Ast *shift;
} Written;
static bool written(Eval *e, const Context *c, const Ast *ast, const Builtin *b, Written *w) {
    const Ast *call = ast->kind == AST_pipe ? ast->pipe.call : ast;
    int n = ast->kind == AST_pipe;
    *w = (Written){.of = n ? ast->pipe.value : NULL};
    for (int i = 0; i < call->call.arguments.n; i++) {
        const Ast *a = call->call.arguments.v[i];
        if (a->kind == AST_setting) {
            if (strcmp(b->settings, a->setting.name.text)) {
                Message *m =
                    sema_error(e, c, E352, a->span, "`%s` has no argument `%s`", b->name, a->setting.name.text);
                message_help(m, "%s", b->signature);
                return false;
            }
            w->shift = a->setting.value;
            continue;
        }
        if (n == 0)
            w->of = a;
        else if (n <= b->most - 1)
            w->numbers[n - 1] = a;
        n++;
    }
    w->n = n - 1;
    if (n >= b->least && n <= b->most) return true;
    Message *m = sema_error(e, c, n < b->least ? E355 : E353, ast->span, "`%s` takes %d argument%s, %d %s given",
                            b->name, b->least, b->least == 1 ? "" : "s", n, n == 1 ? "is" : "are");
    message_help(m, "%s", b->signature);
    return false;
}
static bool number(Eval *e, const Context *c, Scope *scope, const Ast *ast, const char *what, i64 least, i64 *to) {
    Value *v = eval_expression(e, c, scope, ast);
    if (value_is_poison(v) || !need_int(e, c, v, ast->span, what, to)) return false;
    if (*to >= least && *to <= INT32_MAX) return true;
    return sema_error(e, c, E459, ast->span, "%s is at least %lld, this is %lld", what, (long long)least,
                      (long long)*to),
           false;
}

/* ---- window ---- */
/* A name that is a value of the row already cannot be read anew for the rows behind it. */
typedef struct Search {
    Eval *e;
    const Context *c;
    Scope *scope;
    bool fine;
} Search;
static void single_row(void *context, const Ast *ast) {
    Search *s = context;
    if (ast->kind == AST_name) {
        const Binding *b = scope_find(s->scope, ast->name.name.text);
        const Value *v = b && !b->resolve ? b->value : NULL;
        if (v && v->kind == VALUE_TENSOR && v->frames & 1) {
            Message *m =
                sema_error(s->e, s->c, E459, ast->span,
                           "`%s` is the value of one row: a window reads its columns anew for each row", b->name);
            message_note(m, b->span, "bound here");
            message_help(m, "write what it is inside of `window(..)`");
            s->fine = false;
        }
    }
    ast_children(ast, single_row, s);
}
static Value *window_value(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Ast *of, i64 n, i64 shift) {
    DataRun *run = c->block, outer = *run;
    Context inner = *c;
    TypeValue declared;
    if (!context_push(e, &inner, FRAME_MAPPED, n, "window", ast->span)) return value_poison(e);
    bool whole = ast->span.begin == run->whole.begin && ast->span.end == run->whole.end;
    run->whole = whole ? of->span : (Span){0};
    if (c->declared) declared = *c->declared, inner.declared = &declared;
    Counters *counters = counters_copy(e, c->counters);
    run->window = n, run->shift = shift, run->frames |= 1u << c->n_frames, run->depth = inner.n_frames;
    run->averaged = false;
    Value *v = eval_expression(e, &inner, scope, of);
    bool averages = run->averaged && run->collect;
    outer.averaged |= run->averaged;
    *run = outer;
    if (averages && !value_is_poison(v)) { /* what is averaged is of single rows */
        counters_restore(c->counters, counters);
        eval_expression(e, c, scope, of);
    }
    if (value_is_poison(v)) return v;
    if (v->kind != VALUE_TENSOR || !(v->frames >> c->n_frames & 1))
        return sema_poison(e, c, E459, of->span,
                           "nothing in this window reads a column, so all its rows would be equal");
    run->set->windows = true;
    Chain *chain = ARENA_NEW(e->arena, Chain);
    *chain = (Chain){c->chain, "window", ast->span};
    inner.chain = chain;
    return map_result(e, &inner, &(Mapping){.n = 1, .first = c->n_frames, .extra = {.rank = 1, .dims = {n}}}, v);
}
Value *window_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b) {
    Written w;
    i64 n, shift = 0;
    if (!reader_in_data(e, c, ast->span, "window") || !written(e, c, ast, b, &w)) return value_poison(e);
    const DataRun *run = c->block;
    if (run->window) return sema_poison(e, c, E459, ast->span, "a window inside of a window");
    if (!number(e, c, scope, w.numbers[0], "the length of a window", 1, &n) ||
        (w.shift && !number(e, c, scope, w.shift, "`shift`", 0, &shift)))
        return value_poison(e);
    Search search = {e, c, scope, true};
    single_row(&search, w.of);
    return search.fine ? window_value(e, c, scope, ast, w.of, n, shift) : value_poison(e);
}

/* ---- characters, count ---- */
/* The argument is the call column("name"), which is not evaluated: its cells are no numbers. */
static bool column_named(Eval *e, const Context *c, Scope *scope, const Ast *of, const char *name, Column *column) {
    const AstList *args = of->kind == AST_call ? &of->call.arguments : NULL;
    if (!args || strcmp(of->call.name.text, "column") || scope_find_function(scope, "column") || args->n != 1 ||
        args->v[0]->kind != AST_string) {
        Message *m = sema_error(e, c, E452, of->span, "`%s` is of a column of texts", name);
        message_help(m, "%s(column(\"name\")%s)", name, !strcmp(name, "characters") ? ", 20" : "");
        return false;
    }
    const char **names = ARENA_ARRAY(e->arena, const char *, 1);
    names[0] = args->v[0]->string.text;
    column->names = names, column->n_names = 1;
    return true;
}
Value *characters_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b) {
    Written w;
    Column column = {.reader = "characters", .dtype = DT_i32, .shape = {.rank = 1}};
    if (!reader_in_csv(e, c, ast->span, b->name) || !written(e, c, ast, b, &w) ||
        !column_named(e, c, scope, w.of, b->name, &column) ||
        !number(e, c, scope, w.numbers[0], "the number of characters", 1, &column.shape.dims[0]))
        return value_poison(e);
    if (!c->declared || c->declared->element.kind != ELEMENT_CLASS) {
        Message *m =
            sema_error(e, c, E453, ast->span,
                       "a field read by `characters` has a declared type: how many symbols there are stands there");
        message_help(m, "letters: class(128)[20] = characters(column(\"name\"), 20)");
        return value_poison(e);
    }
    column.element = c->declared->element;
    return column_value(e, c->block, column, ast->span);
}
Value *count_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b) {
    Written w;
    Column column = {.reader = "count", .dtype = DT_i32, .element = element_int()};
    if (!reader_in_csv(e, c, ast->span, b->name) || !written(e, c, ast, b, &w) ||
        !column_named(e, c, scope, w.of, b->name, &column))
        return value_poison(e);
    return column_value(e, c->block, column, ast->span);
}
/* They are met here only as values, given to a function that takes one. */
BuiltinHandler builtin_unevaluated;
Value *builtin_unevaluated(Eval *e, const BuiltinCall *call) {
    return sema_poison(e, call->c, E451, call->span,
                       "`%s` looks at its argument before it is evaluated: it stands in a data block itself",
                       call->builtin->name);
}

/* data_source.c: where the rows of a data set come from, csv("file") or another source, and which are whose part. */
#include "page.h"
#include "builtin.h"
#include <math.h>

/* ---- the source ---- */
static const char *const sources[] = {"csv",      "text",  "words", "images", "few_shot",
                                      "sequence", "pairs", "group", "beside"};
enum { READING = 4 }; /* the first ones read files, the others are made of sets */

static int source_kind(const char *name) {
    int i = 0;
    while (i < COUNT_OF(sources) && strcmp(name, sources[i])) i++;
    return i;
}
bool data_is_made(const DataSet *set) {
    const Ast *source = set->ast->data.source;
    if (!source || source->kind != AST_call) return false;
    int kind = source_kind(source->call.name.text);
    return kind >= READING && kind < COUNT_OF(sources);
}
static bool unknown_source(Eval *e, const DataSet *set, const Ast *source) {
    const char *name = source->call.name.text, *near = str_nearest(name, sources, COUNT_OF(sources));
    Message *m = sema_error(e, NULL, E450, source->call.name.span, "there is no source `%s`", name);
    bool reader = !strcmp(name, "idx") || !strcmp(name, "npy") || !strcmp(name, "npz");
    if (reader)
        message_help(m, "`%s` needs no source: data %s { x: [784] = %s(\"file\"%s) }", name, set->name, name,
                     !strcmp(name, "npz") ? ", \"x\"" : "");
    else if (near)
        message_help(m, "did you mean `%s`?", near);
    return false;
}
static bool reading_source(Eval *e, DataSet *set, const Ast *source, const char *kind) {
    static const char *const what[READING] = {"csv(\"file.csv\")", "text(\"file.txt\")", "words(\"file.txt\")",
                                              "images(\"folder\")"};
    const AstList *args = &source->call.arguments;
    int i = source_kind(kind);
    const char *holder = i == 3 ? "folder" : "file";
    if (args->n != 1 || args->v[0]->kind == AST_setting || source->call.theta)
        return sema_error(e, NULL, E452, source->span,
                          "%s takes the name of one %s; those of parts are settings: test=\"other\"", what[i], holder),
               false;
    if (args->v[0]->kind != AST_string)
        return sema_error(e, NULL, E452, args->v[0]->span, "the name of a %s is a text: \"..\"", holder), false;
    set->has_source = true, set->kind = sources[i], set->files[0] = args->v[0]->string.text;
    return true;
}
bool data_source(Eval *e, DataSet *set) {
    const Ast *source = set->ast->data.source;
    if (!source) return true;
    if (source->kind != AST_call) {
        Message *m = sema_error(e, NULL, E450, source->span, "a data set is made from a source");
        message_help(m, "data %s = csv(\"file.csv\") { .. }; without a file: data %s { .. }", set->name, set->name);
        return false;
    }
    int kind = source_kind(source->call.name.text);
    if (kind == COUNT_OF(sources)) return unknown_source(e, set, source);
    return kind < READING ? reading_source(e, set, source, sources[kind]) : made_source(e, set, source);
}

/* ---- its settings ---- */
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
        if (set->n_bases)
            message_help(m, "it has the parts of `%s`; here `%s` is how many examples are drawn of it",
                         set->bases[0]->name, name);
        else
            message_help(m, "of idx: idx(\"file\", %s=\"other\")", name);
        return false;
    }
    Value *v = eval_expression(e, &top, set->file->scope, value);
    if (value_is_poison(v) || !need_number(e, &top, v, value->span, name, to)) return false;
    if (*to >= 1 && *to == floor(*to) && *to <= INT32_MAX) return true;
    if (*to > 0 && *to < 1 && !set->n_bases && (set->has_source || set->ast->data.block)) return true;
    if (set->n_bases)
        sema_error(e, NULL, E454, value->span, "`%s` is how many examples are drawn from that part of `%s`, not %.9g",
                   name, set->bases[0]->name, *to);
    else
        sema_error(e, NULL, E454, value->span,
                   "`%s` is a share between 0 and 1 (20%%), a number of rows, or the file of that part, not %.9g", name,
                   *to);
    return false;
}
static bool every(Eval *e, DataSet *set, const Ast *setting) {
    const Ast *value = setting->setting.value;
    Context top = context_top(e);
    Value *v = eval_expression(e, &top, set->file->scope, value);
    if (value_is_poison(v) || !need_int(e, &top, v, value->span, "every", &set->every)) return false;
    if (set->n_bases)
        return sema_error(e, NULL, E454, value->span,
                          "`every` belongs to the data that has the windows, not to what is made of it"),
               false;
    if (set->every >= 1 && set->every <= INT32_MAX) return true;
    return sema_error(e, NULL, E454, value->span, "`every` is at least 1, this is %lld", (long long)set->every), false;
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
            fine &= every(e, set, s);
        else {
            const char *near = str_nearest(name, names, 3);
            Message *m = sema_error(e, NULL, E442, s->setting.name.span, "a data set has no setting `%s`", name);
            message_help(m, near ? "did you mean `%s`?" : "its settings are validate, test and every", near);
            fine = false;
        }
    }
    if (fine && set->validate < 1 && set->test < 1 && set->validate + set->test >= 1)
        return sema_error(e, NULL, E454, set->ast->data.name.span,
                          "`validate` and `test` together leave no rows for training"),
               false;
    return fine;
}

/* dump.c: ast_dump, the tree for --emit=ast: a node a line with its line and column, its plain fields behind its kind, its
** nodes below it, each under the name of its field. Absent fields are left out. Expanded from ast.def. */
#include "parser.h"

typedef struct Dump {
    Text *out;
    int indent;
    bool nodes; /* the second round over the fields of a node: its nodes */
} Dump;

static void dump_node(Dump *d, const char *field, const Ast *a);

static void dump_text(Dump *d, const char *s) {
    text_add(d->out, "\"");
    for (; *s; s++) {
        if (*s == '\n') text_add(d->out, "\\n");
        else if (*s == '"' || *s == '\\') text_printf(d->out, "\\%c", *s);
        else if ((unsigned char)*s < 0x20) text_printf(d->out, "\\x%02x", *s);
        else text_add_n(d->out, s, 1);
    }
    text_add(d->out, "\"");
}
static void dump_name_field(Dump *d, const char *field, Name name) {
    if (d->nodes || !name.text) return;
    text_printf(d->out, " %s=", field);
    dump_text(d, name.text);
}
static void dump_names_field(Dump *d, const char *field, NameList names) {
    if (d->nodes || !names.n) return;
    text_printf(d->out, " %s=", field);
    for (int i = 0; i < names.n; i++) text_printf(d->out, "%s%s", i ? "," : "", names.v[i].text);
}
static void dump_text_field(Dump *d, const char *field, const char *s) {
    if (d->nodes || !s) return;
    text_printf(d->out, " %s=", field);
    dump_text(d, s);
}
static void dump_node_field(Dump *d, const char *field, const Ast *a) {
    if (d->nodes && a) dump_node(d, field, a);
}
static void dump_list_field(Dump *d, const char *field, AstList list) {
    for (int i = 0; d->nodes && i < list.n; i++) dump_node(d, field, list.v[i]);
}
/* A choice is shown by its word: of an operator, of what lasts, of a kind of function. */
static const char *choice_word(AstKind kind, int choice) {
    static const char *const lasting[] = {"param", "state", "carry"}, *const function[] = {"def", "model", "optimizer"};
    return kind == AST_lasting ? lasting[choice] : kind == AST_function ? function[choice] : operator_text[choice];
}
#define NAME(f)    dump_name_field(d, #f, a->f);
#define NAMES(f)   dump_names_field(d, #f, a->f);
#define NODE(f)    dump_node_field(d, #f, a->f);
#define LIST(f)    dump_list_field(d, #f, a->f);
#define NUMBER(f)  if (!d->nodes) text_printf(d->out, " " #f "=%.17g", a->f);
#define INTEGER(f) if (!d->nodes && a->f) text_printf(d->out, " " #f "=%lld", (long long)a->f);
#define FLAG(f)    if (!d->nodes && a->f) text_add(d->out, " " #f);
#define TEXT(f)    dump_text_field(d, #f, a->f);
#define CHOICE(f)  if (!d->nodes) text_printf(d->out, " %s", choice_word(kind, a->f));
#define HELP(f)    dump_text_field(d, #f, a->f);
#define AST(name, fields)                                                                                              \
    static void dump_##name(Dump *d, AstKind kind, const struct Ast_##name *a) {                                       \
        (void)d, (void)kind, (void)a;                                                                                  \
        fields                                                                                                         \
    }
#include "ast.def"
#undef AST
static void dump_fields(Dump *d, const Ast *a) {
    switch (a->kind) {
#define AST(kind, fields)                                                                                              \
    case AST_##kind: dump_##kind(d, AST_##kind, &a->kind); break;
#include "ast.def"
#undef AST
    case AST_KINDS: nnc_bug("a node without a kind");
    }
}
static void dump_node(Dump *d, const char *field, const Ast *a) {
    for (int i = 0; i < d->indent; i++) text_add(d->out, "  ");
    if (field) text_printf(d->out, "%s: ", field);
    text_printf(d->out, "%s", ast_kind_name(a->kind));
    d->nodes = false;
    dump_fields(d, a);
    if (a->span.source) text_printf(d->out, "  @%d:%d", span_line(a->span), span_column(a->span));
    text_add(d->out, "\n");
    d->nodes = true;
    d->indent++;
    dump_fields(d, a);
    d->indent--;
}
void ast_dump(Text *out, const Ast *a) {
    Dump dump = {.out = out};
    dump_node(&dump, NULL, a);
}

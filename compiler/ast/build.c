/* build.c: nodes, lists of them, and what is the same for every kind: its name, its children, equality. The last three are
** expanded from ast.def. */
#include "parser.h"

static const char *const kind_names[] = {
#define AST(kind, fields) #kind,
#include "ast.def"
#undef AST
};
const char *ast_kind_name(AstKind kind) { return kind_names[kind]; }

const char *const operator_text[] = {
#define X(name, text) text,
    OPERATORS(X)
#undef X
};

Ast *ast_new(Arena *arena, AstKind kind, Span span) {
    Ast *a = ARENA_NEW(arena, Ast);
    a->kind = kind;
    a->span = span;
    a->depth = 1;
    return a;
}
static void deepest(void *context, const Ast *child) {
    int *depth = context;
    if (child->depth > *depth) *depth = child->depth;
}
Ast *node(Parser *parser, Ast value) {
    Ast *a = arena_copy(parser->c->arena, &value, sizeof value);
    int below = 0;
    ast_children(a, deepest, &below);
    a->depth = below + 1;
    if (a->depth > AST_DEEPEST) {
        const Token *last = &parser->tokens.v[parser->next - 1];
        nesting_error(parser, token_span(parser, last), "levels of operators and brackets", AST_DEEPEST);
    }
    return a;
}

/* A list grows when its length is a power of two, so it needs no field for its room. */
static bool is_full(int n) { return (n & (n - 1)) == 0; }
AstList list_add(Parser *parser, AstList list, Ast *item) {
    if (!item) return list;
    if (is_full(list.n)) {
        Ast **v = ARENA_ARRAY(parser->c->arena, Ast *, list.n ? 2 * list.n : 1);
        for (int i = 0; i < list.n; i++) v[i] = list.v[i];
        list.v = v;
    }
    list.v[list.n++] = item;
    return list;
}
AstList list_prepend(Parser *parser, Ast *item, AstList list) {
    AstList result = list_add(parser, (AstList){0}, item);
    for (int i = 0; i < list.n; i++) result = list_add(parser, result, list.v[i]);
    return result;
}
NameList name_add(Parser *parser, NameList list, Name item) {
    if (is_full(list.n)) {
        Name *v = ARENA_ARRAY(parser->c->arena, Name, list.n ? 2 * list.n : 1);
        for (int i = 0; i < list.n; i++) v[i] = list.v[i];
        list.v = v;
    }
    list.v[list.n++] = item;
    return list;
}

/* ---- children */
typedef void Visit(void *context, const Ast *child);
static void visit_list(AstList list, Visit *visit, void *context) {
    for (int i = 0; i < list.n; i++) visit(context, list.v[i]);
}
#define NAME(f)
#define NAMES(f)
#define NODE(f)    if (a->f) visit(context, a->f);
#define LIST(f)    visit_list(a->f, visit, context);
#define NUMBER(f)
#define INTEGER(f)
#define FLAG(f)
#define TEXT(f)
#define CHOICE(f)
#define HELP(f)
#define AST(kind, fields)                                                                                              \
    static void children_##kind(const struct Ast_##kind *a, Visit *visit, void *context) {                            \
        (void)a, (void)visit, (void)context;                                                                           \
        fields                                                                                                         \
    }
#include "ast.def"
#undef AST
#undef NAME
#undef NAMES
#undef NODE
#undef LIST
#undef NUMBER
#undef INTEGER
#undef FLAG
#undef TEXT
#undef CHOICE
#undef HELP
void ast_children(const Ast *a, Visit *visit, void *context) {
    switch (a->kind) {
#define AST(kind, fields)                                                                                              \
    case AST_##kind: children_##kind(&a->kind, visit, context); break;
#include "ast.def"
#undef AST
    case AST_KINDS: nnc_bug("a node without a kind");
    }
}

/* ---- equality */
static bool equal_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }
static bool equal_names(NameList a, NameList b) {
    if (a.n != b.n) return false;
    for (int i = 0; i < a.n; i++)
        if (!equal_text(a.v[i].text, b.v[i].text)) return false;
    return true;
}
static bool equal_lists(AstList a, AstList b) {
    if (a.n != b.n) return false;
    for (int i = 0; i < a.n; i++)
        if (!ast_equal(a.v[i], b.v[i])) return false;
    return true;
}
#define NAME(f)    && equal_text(a->f.text, b->f.text)
#define NAMES(f)   && equal_names(a->f, b->f)
#define NODE(f)    && ast_equal(a->f, b->f)
#define LIST(f)    && equal_lists(a->f, b->f)
#define NUMBER(f)  && a->f == b->f
#define INTEGER(f) && a->f == b->f
#define FLAG(f)    && a->f == b->f
#define TEXT(f)    && equal_text(a->f, b->f)
#define CHOICE(f)  && a->f == b->f
#define HELP(f)
#define AST(kind, fields)                                                                                              \
    static bool equal_##kind(const struct Ast_##kind *a, const struct Ast_##kind *b) {                                 \
        return a && b fields;                                                                                          \
    }
#include "ast.def"
#undef AST
bool ast_equal(const Ast *a, const Ast *b) {
    if (!a || !b) return a == b;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
#define AST(kind, fields)                                                                                              \
    case AST_##kind: return equal_##kind(&a->kind, &b->kind);
#include "ast.def"
#undef AST
    case AST_KINDS: break;
    }
    nnc_bug("a node without a kind");
}

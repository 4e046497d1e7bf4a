/* ast.h: what the user wrote, as a tree. Nothing is resolved, folded or renamed here; every node knows its bytes.
**
** Nodes live in the compilation's arena and never change after parsing. Texts and names are interned or in the arena. */
#ifndef NNC_AST_H
#define NNC_AST_H
#include "../base/compilation.h"

typedef struct Ast Ast;
enum { AST_DEEPEST = 1000, AST_DEEPEST_BRACKETS = 200 };
typedef struct AstList {
    Ast **v;
    int n;
} AstList;
typedef struct Name {
    const char *text; /* interned; NULL: absent */
    Span span;
} Name;
typedef struct NameList {
    Name *v;
    int n;
} NameList;

typedef enum LastingWhat { LASTING_PARAM, LASTING_STATE, LASTING_CARRY } LastingWhat;
typedef enum FunctionWhat { FUNCTION_DEF, FUNCTION_MODEL, FUNCTION_OPTIMIZER } FunctionWhat;
#define OPERATORS(X)                                                                                                   \
    X(OR, "or") X(AND, "and") X(NOT, "not") X(EQ, "==") X(NE, "!=") X(LT, "<") X(LE, "<=") X(GT, ">") X(GE, ">=")      \
    X(ADD, "+") X(SUBTRACT, "-") X(MULTIPLY, "*") X(DIVIDE, "/") X(FLOOR_DIVIDE, "//") X(MATMUL, "@") X(POWER, "^")    \
    X(NEGATE, "-")
typedef enum Operator {
#define X(name, text) OPERATOR_##name,
    OPERATORS(X)
#undef X
} Operator;
extern const char *const operator_text[];

typedef enum AstKind {
#define AST(kind, fields) AST_##kind,
#include "ast.def"
#undef AST
    AST_KINDS
} AstKind;

#define NAME(f)    Name f;
#define NAMES(f)   NameList f;
#define NODE(f)    Ast *f;
#define LIST(f)    AstList f;
#define NUMBER(f)  double f;
#define INTEGER(f) i64 f;
#define FLAG(f)    bool f;
#define TEXT(f)    const char *f;
#define CHOICE(f)  int f;
#define HELP(f)    const char *f;
#define AST(kind, fields)                                                                                              \
    struct Ast_##kind {                                                                                                \
        char empty_; /* a struct must have a member */                                                                 \
        fields                                                                                                         \
    };
#include "ast.def"
#undef AST
struct Ast {
    AstKind kind;
    int depth; /* levels of nodes, this one included: at most AST_DEEPEST */
    Span span; /* the whole of it, without parentheses around it */
    union {
#define AST(kind, fields) struct Ast_##kind kind;
#include "ast.def"
#undef AST
    };
};
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

Ast *ast_new(Arena *arena, AstKind kind, Span span);
const char *ast_kind_name(AstKind kind);
/* Calls `visit` on each child in order (not deeper). */
void ast_children(const Ast *node, void (*visit)(void *context, const Ast *child), void *context);
/* Equal trees, whatever their spans and helps. NULL equals NULL. */
bool ast_equal(const Ast *a, const Ast *b);

/* The page as the parser understood it, in the language itself, with the fewest parentheses; parsing it again gives an
** equal tree. Two pages that differ in spaces and comments only have the same text: the program hash is taken of it. */
void ast_print(Text *out, const Ast *node);
/* The tree, a node a line, for --emit=ast. */
void ast_dump(Text *out, const Ast *node);

/* Parses a source. NULL if it has an error: then c->diag has its messages, at most one a line and 20 in all. */
Ast *parse_source(Compilation *c, const Source *source);
#endif

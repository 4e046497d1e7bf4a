/* parser.h: what the scanner, the grammar and the files around them share while one page is parsed. Internal to ast/.
**
** A page is read in two rounds. tokens.c turns all of it into tokens, decides which newlines count, pairs the brackets
** and mends those that do not pair; then the parser that Bison made (grammar/nn.y) goes over the tokens. So the search
** for a place to go on after an error (recover.c) and the words of a message (mistake.c) can look both ways. */
#ifndef NNC_PARSER_H
#define NNC_PARSER_H
#include "../base/vec.h"
#include "ast.h"

enum { AST_MOST_ERRORS = 20 };

typedef struct Token {
    int kind;         /* of grammar/nn.tab.h; 0 is the end */
    u32 begin, end;   /* bytes; equal for what the page does not have (NEWLINE, brackets put in) */
    int match;        /* brackets: the index of the other one; -1: none */
    bool first;       /* the first of its line */
    const char *text; /* names and reserved words, interned; else NULL */
} Token;
typedef VEC(Token) Tokens;

typedef struct Parser {
    Compilation *c;
    const Source *source;
    Tokens tokens; /* the last is the end, which has kind 0 */
    int next;      /* the token that Bison asks for next; the one it has is before it */
    VEC(Span) error_lines; /* the lines with an error: each shows one */
    int errors, recoveries;
    bool statements_at_top; /* the declarations read last were none, and it was said */
    Ast *program;
} Parser;

/* Values of the grammar that are no nodes: settings and targets of a `minimize`; the two ends of a range; arguments. */
typedef struct Target {
    NameList names;
    AstList list;
    Ast *first, *second;
} Target;

/* tokens.c */
void tokens_read(Parser *parser);
const Token *token_next(Parser *parser);
void token_insert(Parser *parser, int at, int kind); /* before the token `at`; without bytes, first of no line */
Span token_span(const Parser *parser, const Token *token);
int line_indent(const Parser *parser, u32 at); /* blanks before the first word of the line with byte `at` */
u32 line_begin(const Parser *parser, u32 at);
void *scanner_alloc(void *old, size_t bytes);
void scanner_free(void *old);
_Noreturn void scanner_failed(const char *text);

/* build.c */
Ast *node(Parser *parser, Ast value); /* in the arena; counts its depth */
AstList list_add(Parser *parser, AstList list, Ast *item); /* NULL, left by an error, is not added */
AstList list_prepend(Parser *parser, Ast *item, AstList list);
NameList name_add(Parser *parser, NameList list, Name item);
Ast *item_help(Parser *parser, Ast *item);

/* foreign.c: characters and words of other languages */
int foreign_operator(Parser *parser, Span span); /* reports it; the kind of token to go on with */
void stray_character(Parser *parser, Span span);
void bad_number(Parser *parser, Span span);

/* literal.c */
const char *string_value(Parser *parser, Span literal);
Ast *number_node(Parser *parser, Span literal, bool percent);

/* mistake.c: the sentences. A report is NULL where the line has one already, or there are 20. */
Message *report(Parser *parser, DiagCode code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
bool report_wanted(const Parser *parser, u32 at); /* would a report at this byte be kept? */
void nesting_error(Parser *parser, Span span, const char *what, int most); /* ends the parsing */
/* The token before `next` does not fit; `expected` are the names, by the grammar, of those that would. */
void mistake_report(Parser *parser, const char *const *expected, int n_expected);

/* recover.c: sets `next` to where parsing can go on; `head`: the keyword (DATA, TRAIN, PREDICT, DEF, SCAN, REPEAT, IF)
** whose head has the error, 0 if it is to be skipped as a whole. */
void recover(Parser *parser, int head);
void recover_stop(Parser *parser); /* nothing of the rest is worth reading */
int token_enclosing(const Parser *parser, int at); /* the bracket that is open around the token `at`, -1: none */
#endif

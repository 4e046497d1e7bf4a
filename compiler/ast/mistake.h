/* mistake.h: one token that does not fit, as the rules of mistake.c and words.c see it. Internal to ast/. */
#ifndef NNC_MISTAKE_H
#define NNC_MISTAKE_H
#include "parser.h"

typedef struct Mistake {
    Parser *parser;
    int at; /* the index of the token */
    const char *const *expected;
    int n_expected;
} Mistake;

bool expects(const Mistake *m, const char *name); /* as the grammar names it: "name", "'='", "on" */
const Token *token_near(const Mistake *m, int offset); /* from the bad one; never NULL */
Span bad_span(const Mistake *m);
const char *shown(const Mistake *m, const Token *token); /* in a sentence: "`x`", "the end of the line" */
bool at_statement_start(const Mistake *m, int offset);

bool foreign_word(const Mistake *m); /* words.c */
#endif

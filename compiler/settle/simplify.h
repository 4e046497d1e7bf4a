/* simplify.h: what a rule of rewrite.def gets. Only simplify.c and rules_*.c read it. */
#ifndef NNC_SETTLE_SIMPLIFY_H
#define NNC_SETTLE_SIMPLIFY_H
#include "match.h"

typedef struct Rewriting {
    Graph *g;
    Arena *scratch;
    const bool *single; /* [n_args] operand i has no other reader in this function */
} Rewriting;
typedef Node *RewriteFunction(const Rewriting *rw, Node *node);
#define RULE(name, op, exact, text) RewriteFunction rule_##name;
#include "rewrite.def"
#undef RULE
#endif

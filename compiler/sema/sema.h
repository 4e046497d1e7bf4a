/* sema.h: from the tree of a page to a Program in IR: names, types, mapping, parameters, gradients, data, entries.
**
** The last floor that reports errors of the user: what passes here compiles. */
#ifndef NNC_SEMA_H
#define NNC_SEMA_H
#include "../ast/ast.h"
#include "../ir/program.h"

typedef struct SemaOptions {
    const char *folder; /* of the page: imports and relative data paths start there; "" is the current one */
    const char *name;   /* page without .nn */
    const char *version; /* of nnc, as the table tells it; NULL: "" */
    bool explain_batch; /* --explain-batch: print to `out`, for each batch_mean, the axes that it sees */
    FILE *out;          /* of what explain_batch prints; NULL: stdout */
} SemaOptions;

/* NULL when c->diag has errors. */
Program *sema_program(Compilation *c, Ast *page, const SemaOptions *options);
#endif

/* opt.h: rewrites of settled programs that keep every bit: fewer and larger products, nothing computed twice. Each pass is a
** file and can be left out (level 0, or the count of --opt-bisect) without changing a result. */
#ifndef NNC_OPT_H
#define NNC_OPT_H
#include "../settle/settle.h"

typedef struct OptOptions {
    int level;  /* 0: none */
    i64 memory; /* bytes that `keep` may hand from loops to their backward loops; -1: no bound */
    i64 bisect; /* only the first so many applications of a pass to an entry; -1: all */
    bool walk;  /* by grains wherever that is possible, not only where it is worth it */
} OptOptions;

const PassRow *opt_pass(int index); /* in the order they run; NULL: past the last */
#define PASS(name, function, purpose) PassRun function;
#include "passes.def"
#undef PASS

const Func *opt_func(Graph *g, const Func *f, const OptOptions *options);
void opt_program(Compilation *c, Program *program, const OptOptions *options);

/* Any one pass of settle or opt, by name, on a function by itself: NULL if there is none of that name. */
const Func *pass_run(Compilation *c, Graph *g, const char *name, const Func *f);
/* All passes, settle's first, each name once: for --help. NULL: past the last. */
const char *pass_name(int index);
const char *pass_purpose(int index);
#endif

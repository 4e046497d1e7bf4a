/* settle.h: the floor that makes the graph what will be computed: marks and stops go, gradients are brought into the form of
** products, and the order of every sum is fixed. Before it, rewrites may change bits (they are algebra); after it none may:
** func_eval of the settled graph is the oracle of everything below.
**
** Also here, for opt/ above it: what a pass is, and the passes that both run. */
#ifndef NNC_SETTLE_H
#define NNC_SETTLE_H
#include "../base/compilation.h"
#include "../ir/program.h"

typedef struct SettleOptions {
    i64 batch_rows;      /* b; 0: no axis is the batch */
    const bool *batched; /* [n_params] is a column [b, ..]; NULL: none is */
    int grains;          /* blocks in which sums over the batch are cut; 0: chosen, 1: never cut */
} SettleOptions;

/* A pass is a function from Func to Func; a table of them is a passes.def. */
typedef struct Pass {
    Graph *g;
    Arena *scratch; /* of this one run */
    const SettleOptions *settle;
    i64 memory; /* bytes that loops may hand to their backward loops beyond what pays at once; -1: no bound */
    bool walk;  /* by grains wherever that is possible */
} Pass;
typedef const Func *PassRun(const Pass *pass, const Func *f);
typedef struct PassRow {
    const char *name;
    PassRun *run;
    const char *purpose;
} PassRow;
const PassRow *settle_pass(int index); /* in the order they run; NULL: past the last */

#define PASS(name, function, purpose) PassRun function;
#include "passes.def"
#undef PASS
PassRun pass_simplify_exact; /* the rows of rewrite.def that keep every bit */

SettleOptions settle_options(const Compilation *c, Arena *arena, const Entry *entry);
/* All passes of settle, in their order. */
const Func *settle_func(Graph *g, Arena *scratch, const Func *f, const SettleOptions *options);
/* Every entry; the table's `grains` becomes the largest number of blocks used (1: none is cut). */
void settle_program(Compilation *c, Program *program);
#endif

/* grain.h: whether a step can be walked grain by grain: one part of the batch after another, forward and backward, in the memory of one
** part. Two floors ask: `order` cuts every sum over the batch where that is worth it, so that each part's sums are blocks of the whole's;
** opt/grain.c then makes the loop. The bits are those of the cuts: they do not depend on whether it does. */
#ifndef NNC_SETTLE_GRAIN_H
#define NNC_SETTLE_GRAIN_H
#include "batch.h"

/* What each node of a function is to the walk. `b` is of batch_find on the same function. */
typedef enum GrainRole {
    GRAIN_OUTSIDE, /* the same for every example */
    GRAIN_INSIDE,  /* of examples: computed part by part */
    GRAIN_SUM,     /* over the batch: from the sums of the parts */
    GRAIN_AFTER    /* from such sums */
} GrainRole;
/* Roles of all nodes, and whether there can be a walk: no example needs a sum over others (batch norm), no axis mixes examples. */
typedef struct Grains {
    Arena *arena;
    NodeMap roles;
    bool possible;
} Grains;
void grain_find(Grains *grains, Graph *g, const BatchAxes *b, const Func *f);
GrainRole grain_role(const Grains *grains, const Node *node);
/* Is a walk in `parts` parts of `rows` examples together worth it? Where it saves much memory and leaves products their size. */
bool grain_worth(const Grains *grains, const BatchAxes *b, Graph *g, const Func *f, i64 rows, i64 parts);
#endif

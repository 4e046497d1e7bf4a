/* batch.h: which axis of a node is the batch: found by following the columns [b, ..] through the operators.
**
** Not an attribute: it is asked for once, when `order` cuts the sums over it. */
#ifndef NNC_SETTLE_BATCH_H
#define NNC_SETTLE_BATCH_H
#include "../ir/graph.h"

enum {
    NO_BATCH = -1,   /* the same for every example, as far as is known */
    BATCH_MIXED = -2 /* examples stand along more than one axis, or the axis is no longer theirs alone */
};
/* Sets axis[node] for each node that f's results reach; bodies of scans are asked for with batch_scan_params. */
typedef struct BatchAxes {
    Arena *arena;
    NodeMap axis; /* of a scan: int * of its results; else read by batch_axis */
} BatchAxes;
void batch_find(BatchAxes *b, Graph *g, const Func *f, const int *params);
int batch_axis(const BatchAxes *b, const Node *node);
/* The axes of the body's parameters, for a scan in the function last asked about. */
const int *batch_scan_params(const BatchAxes *b, const Node *scan);
#endif

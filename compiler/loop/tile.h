/* tile.h: matrix products as register tiles in loop IR: the loops around them, packed panels, tasks, edges.
**
** A product is  result[batch.., left.., right..] = sum over `sum` axes of left[batch, left, sum] * right[batch, right, sum],  each
** element one chain: acc = fma(a, b, acc) from +0, summed axes in row-major order (graph.h). Everything else is free and decided
** here from extents, strides and the machine: no choice changes a bit.
**
** Operands are read where they lie, through affine addresses: `base`, which may hold indices of loops around, plus index times
** stride for each axis. Strides are any numbers (windows overlap, a stride may be 0 or negative). Neighbouring axes that are
** walked as one should be given as one. The caller finishes each element: it gets 16 of them at a time in registers, a whole tile
** at once so that it can write its operations breadth-first, and stores what it makes of them.
**
** Vectors are read up to 15 elements past an operand's last one: SLACK allows it. Nothing is written but local buffers. */
#ifndef NNC_TILE_H
#define NNC_TILE_H
#include "loop.h"

enum { TILE_AXES = 16 };
typedef struct TileAxis {
    i64 extent;
    i64 left, right; /* elements from an index to the next in each operand; 0 where the operand has no such axis */
} TileAxis;
/* Of a summed axis: terms count only where 0 <= sum of of[i] * (index of axis i) + b * K + c < n, K the index of the summed axis. */
typedef struct TileWindow {
    i64 n; /* 0: all count */
    i64 b, c; /* b: 1 or -1 */
    i64 of[TILE_AXES];
} TileWindow;
typedef struct TileOperand {
    int buffer; /* f32 or f64, both operands the same */
    LoopAffine base;
} TileOperand;

/* 16 elements of the result: lane l lies l further along axis `lanes`. */
typedef struct TileCell {
    LoopValue *value;
    const LoopAffine *at; /* index of lane 0 on each axis: batch, left, right */
    int lanes;            /* an axis */
    int active;           /* lanes that count, the first ones; others hold anything */
} TileCell;
/* Called where a tile is complete; several times in the text of a product, for its kinds of tiles and for edges. A long finish is
** given a few vectors at a time, in a loop over the tile, so that its text stays short. */
typedef void TileFinish(void *context, LoopBuilder *b, int n, const TileCell *cells);
/* Called where a task begins, before its loops: may make values that finishes use. */
typedef void TileBegin(void *context, LoopBuilder *b);

typedef struct TileSpec {
    TileOperand left, right;
    int n_batch, n_left, n_right, n_sum;
    TileAxis axes[TILE_AXES]; /* batch, left, right, outermost first */
    TileAxis sum[TILE_AXES];  /* in the order of summing, outermost first; none: one product an element */
    TileWindow windows[TILE_AXES]; /* of `sum` */
    int unit;         /* the axis along which results lie side by side in memory; -1: none */
    int vector_bits;  /* of the machine: 256 or 512 */
    int registers;
    bool parallel;    /* may be cut into tasks: not inside a parallel loop */
    LoopProgram *program;  /* where functions are kept that products share; NULL: none are */
    TileFinish *finish;
    TileFinish *before; /* where a tile begins, its cells without values: prefetches what `finish` will read; NULL: nothing is */
    TileBegin *begin; /* NULL: nothing */
    bool strips;      /* the finish reads and writes other values as large as the result: better while a next tile is computed */
    bool ahead;       /* with strips: these come from beyond L2, so `before` is called a strip before a cell is finished; it may lie outside */
    int finish_operations; /* on each result, roughly; 0: it is only stored */
    void *context;
} TileSpec;

/* Whether tiles fit this product: it needs a left or right axis, and packed panels must fit on the stack. `b` knows its buffers. */
bool tile_possible(const LoopBuilder *b, const TileSpec *spec);
/* Cycles that one thread will need, roughly; for choosing between ways. Only where it is possible. */
double tile_cycles(const LoopBuilder *b, const TileSpec *spec);
/* Appends the whole product to the function being built; local buffers are made as needed. */
void tile_product(LoopBuilder *b, const TileSpec *spec);
#endif

/* tile_parts.h: what the files of the tile generator share. Not for other files.
**
** One side of a product gives the ROWS of a tile (scalars, spread over all lanes), the other its LANES (vectors of 16). A tile is
** R rows x W vectors of accumulators. W vectors are a PANEL. Rows and vectors are dealt evenly, so that no thin rest is left: a
** product has at most two row counts and two widths. */
#ifndef NNC_TILE_PARTS_H
#define NNC_TILE_PARTS_H
#include "tile.h"

enum {
    TILE_ROWS = 16,  /* of a tile, at most */
    LONG_FINISH = 8, /* operations beyond which a finish is a loop over the tile */
    TOGETHER = 2     /* vectors that it then takes at a time */
};

typedef struct TileDeal {
    i64 n, high, size; /* n parts: the first `high` of size + 1, the others of size */
} TileDeal;
typedef enum TilePack {
    PACK_NONE,  /* vectors are loaded where they lie */
    PACK_COPY,  /* they lie in rows, but far apart */
    PACK_TURN,  /* the summed axis is contiguous: 16 x 16 transpositions */
    PACK_GATHER /* nothing is contiguous */
} TilePack;
/* A summed axis as a loop: of several neighbours if they can be walked as one. */
typedef struct TileSum {
    i64 extent, row, lane; /* elements from a round to the next in the rows' and in the lanes' operand */
    i64 scale;             /* rounds of the axis that is cut into blocks are this many here; 0: has no part of it */
    int window;            /* number of the summed axis whose window bounds this loop, + 1; 0: none */
    i64 window_rounds;     /* rounds of that axis are this many here, */
    i64 first_rounds;      /* and where the block begins is to be left out so many times */
} TileSum;
typedef struct TileSums {
    int n;
    TileSum v[TILE_AXES];
} TileSums;

typedef struct TileShape {
    bool swapped;     /* lanes along a left axis */
    int row, lane;    /* axes; row -1: one row */
    int stack;        /* another axis of the rows' side: a tile's rows are some of `row` times all of this; -1: none */
    int along;        /* a batch axis of 16 that gives the lanes; rows and columns (`lane`) are then vectors alike; -1: none */
    bool turned;      /* tiles are transposed before they are finished: lanes then run along `row` */
    i64 rows, lanes, stacked; /* extents of these axes; with `along` lanes are 16 for each column */
    TileDeal row_deal, panel_deal; /* rows in tiles, vectors in panels */
    TilePack pack;
    bool loose;       /* vectors are loaded where they lie, though far apart or many: in short blocks */
    bool far;         /* the lanes' operand does not stay in L2: what comes next is prefetched */
    int bytes;        /* of an element */
    TileSums sums;    /* summed axes, merged; of the operands as they lie */
    i64 total;        /* summed elements */
    i64 block;        /* rounds of the outermost summed axis in a block; all: nothing is cut */
    i64 strip;        /* panels of a row tile that are finished while the same of the next one are summed; 0: each tile by itself */
    i64 group;        /* panels that a row tile takes one after the other, its scalars copied to a strip [summed][16]; 1: no strip */
    double cycles;
} TileShape;

/* How a product is cut into units of work; a task does one or several units, a unit packs its panel once. */
typedef struct TileUnits {
    bool parallel;
    i64 chunks;     /* parts of the row tiles */
    i64 each;       /* row tiles in a chunk, the last may have fewer */
    int outer_rows; /* row-side axes other than `row` that are walked by units, the first ones; others inside */
} TileUnits;

typedef struct Tile {
    const TileSpec *spec;
    LoopBuilder *b;
    TileShape s;
    TileUnits units;
    LoopElem elem;
    LoopAffine at[TILE_AXES]; /* index of each axis where the builder stands; of row and lane: of the tile's first element */
    LoopAffine chunk, set, panel, member; /* numbers: of a chunk, of a group of panels, of a panel, of a panel in its group */
    LoopAffine first;         /* of the outermost summed axis: where the block begins */
    LoopAffine slot;          /* row of the tile in `partial` */
    LoopAffine turn;          /* number of the row tile in its loop */
    int packed, partial, strip; /* local buffers; -1: none. partial: [panels][rows of a unit, or of a tile][vectors][16] */
    i64 partial_rows;
} Tile;

/* A tile's place among its kinds. */
typedef struct Kind {
    i64 rows, width; /* rows: of the axis `row`, times all that are stacked */
    bool edge;   /* its last vector is short */
    bool always; /* in every panel of this kind, not only in the last panel */
} Kind;

static inline bool tile_cut(const TileShape *s) { return s->sums.n && s->block < s->sums.v[0].extent; }
static inline bool tile_long(const TileSpec *spec) { return spec->finish_operations > LONG_FINISH; }
static inline i64 tile_last(const TileShape *s) { return s->lanes % LANES; } /* lanes of the last vector, 0: all */
/* Elements of the axis `lane` from a vector to the next. */
static inline i64 tile_step(const TileShape *s) { return s->along < 0 ? LANES : 1; }
static inline bool in_tile_rows(const TileShape *s, int axis) { return axis == s->row || axis == s->stack; }
static inline i64 axis_stride(const TileAxis *axis, bool right) { return right ? axis->right : axis->left; }
static inline i64 quotient_up(i64 a, i64 b) { return (a + b - 1) / b; }

/* ---- tile_shape.c */
bool shape_choose(const LoopBuilder *b, const TileSpec *spec, TileShape *best);
TileUnits shape_units(const TileSpec *spec, const TileShape *s);
i64 shape_width(const TileShape *s);                                  /* vectors of the widest panel */
/* Whether a window depends on the axis: it is then the same all over a tile. */
bool axis_has_window(const TileSpec *spec, int axis);
void side_axes(const TileSpec *spec, bool right, int *first, int *n); /* free axes of an operand */
TileSums sums_merge(TileSums sums);

/* ---- tile.c */
void acc_zero(const Tile *t, const Kind *kind, LoopValue **acc);
/* One step of the sum: a row of vectors, then a scalar a row. */
void acc_step(const Tile *t, const Kind *kind, LoopAffine row_at, LoopAffine lane_at, LoopValue **acc);
TileCell cell_at(const Tile *t, LoopValue *value, i64 row, i64 lane, int lanes, int active);
/* Opens a loop over the panels of group t->set, of so many, that have the larger of two widths, or the other; sets what `kind` says of them. */
LoopFor *panels_open(Tile *t, i64 group, bool wide, Kind *kind);

/* ---- tile_strip.c */
void strips_emit(Tile *t); /* the whole product */

/* ---- tile_pack.c */
/* Address of the operand on the side of the rows or of the lanes, at t->at, at the first element of the block. */
LoopAffine tile_address(const Tile *t, bool lanes);
int tile_buffer(const Tile *t, bool lanes);
/* Summed axes of the block as loops, of the operands as they lie. */
TileSums tile_sums(const Tile *t);
/* The same over packed vectors [summed][width][16] on the side of the rows or of the lanes. */
TileSums sums_packed(TileSums sums, bool lanes, i64 width);
LoopFor *tile_sum_open(Tile *t, const TileSum *sum, int n, LoopValue *const *init);
/* Fills t->packed with a panel's vectors [summed][width][16] of the block, or its place there with each panel of a group. */
void tile_pack(Tile *t, const Kind *kind);
void tile_pack_group(Tile *t);
/* In a tile's innermost loop: prefetches a line or so of what the next row tile, block or panel will read. `sums`: as the loops run. */
void tile_prefetch(Tile *t, const Kind *kind, const TileSums *sums, LoopFor *const *loops);
/* The same before a tile begins, for vectors that are read where they lie and share few sets of L2. */
void tile_prefetch_steps(Tile *t, const Kind *kind);
/* Fills t->strip, if there is one, with the scalars of a row tile, 16 a step: its own rows come first. */
void tile_strip(Tile *t);
LoopAffine packed_at(const Tile *t); /* where the panel lies in t->packed */
i64 pack_elements(const TileShape *s, i64 width);
#endif

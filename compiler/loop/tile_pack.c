/* tile_pack.c: where a product's operands lie, its summed axes as loops, and panels: vectors brought side by side.
**
** A packed panel is [summed][width][16] for one block of the sum. Lanes past the last column of the product are filled with
** anything that may be read: nothing computed from them is kept. */
#include "tile_parts.h"

int tile_buffer(const Tile *t, bool lanes) { return lanes == t->s.swapped ? t->spec->left.buffer : t->spec->right.buffer; }
/* The operand on the side of the rows is the left one, unless swapped. */
static bool is_right(const Tile *t, bool lanes) { return lanes != t->s.swapped; }

LoopAffine tile_address(const Tile *t, bool lanes) {
    const TileSpec *spec = t->spec;
    bool right = is_right(t, lanes);
    LoopAffine address = right ? spec->right.base : spec->left.base;
    int n = spec->n_batch + spec->n_left + spec->n_right;
    for (int i = 0; i < n; i++)
        address = affine_plus(address, affine_times(t->at[i], axis_stride(&spec->axes[i], right)));
    if (!t->s.sums.n) return address;
    const TileSum *outer = &t->s.sums.v[0];
    return affine_plus(address, affine_times(t->first, lanes ? outer->lane : outer->row));
}

TileSums tile_sums(const Tile *t, i64 width, bool packed) {
    TileSums sums = t->s.sums;
    if (sums.n) {
        bool ragged = sums.v[0].extent % t->s.block != 0;
        sums.v[0].extent = t->s.block;
        sums.v[0].scale = ragged ? 1 : 0;
    }
    i64 stride = width * LANES;
    for (int i = sums.n - 1; i >= 0 && packed; i--) {
        sums.v[i].lane = stride;
        stride *= sums.v[i].extent;
    }
    return sums;
}
/* What is left of the axis that is cut, in rounds of a loop over it. */
static LoopAffine sum_left(const Tile *t, i64 scale) {
    return affine_times(affine_plus(affine(t->s.sums.v[0].extent), affine_times(t->first, -1)), scale);
}
LoopFor *tile_sum_open(Tile *t, const TileSum *sum, int n, LoopValue *const *init) {
    if (!sum->scale) return loop_for(t->b, FOR_SERIAL, sum->extent, 1, n, init);
    LoopAffine to = sum_left(t, sum->scale);
    return loop_for_within(t->b, FOR_SERIAL, sum->extent, NULL, &to, n, init);
}

/* ---- panels ---- */

typedef struct Pack {
    Tile *t;
    i64 width;
    bool edge;
    TileSums from, to; /* loops over the operand and over the panel: rounds agree, lane strides differ */
    LoopAffine source, target;
    int open;
} Pack;

/* Loops over the first n summed axes. */
static void pack_open(Pack *p, int n) {
    p->source = tile_address(p->t, true);
    p->target = affine(0);
    for (int i = 0; i < n; i++) {
        LoopFor *loop = tile_sum_open(p->t, &p->from.v[i], 0, NULL);
        p->source = affine_loop(p->source, loop, p->from.v[i].lane);
        p->target = affine_loop(p->target, loop, p->to.v[i].lane);
    }
    p->open = n;
}
static void pack_close(Pack *p) {
    while (p->open--) loop_for_end(p->t->b, NULL);
}
static void pack_vector(Pack *p, i64 vector, LoopValue *value) {
    loop_store(p->t->b, p->t->packed, affine_plus(p->target, affine(vector * LANES)), value);
}

static void pack_rows(Pack *p) {
    Tile *t = p->t;
    i64 stride = axis_stride(&t->spec->axes[t->s.lane], is_right(t, true));
    pack_open(p, p->from.n);
    for (i64 j = 0; j < p->width; j++) {
        LoopAffine at = affine_plus(p->source, affine(j * LANES * stride));
        LoopAffine left = affine_plus(affine(t->s.lanes - j * LANES), affine_times(t->at[t->s.lane], -1));
        bool part = p->edge && stride != 1 && j == p->width - 1;
        pack_vector(p, j, part ? loop_load_part(t->b, tile_buffer(t, true), at, stride, left)
                               : loop_load_lanes(t->b, tile_buffer(t, true), at, stride));
    }
    pack_close(p);
}

/* Index of a column as an address takes it; in the last vector, columns past the last are the last. */
static LoopAffine column_inside(const Pack *p, LoopAffine column) {
    Tile *t = p->t;
    if (!p->edge) return column;
    LoopValue *clamped = loop_clamp(t->b, loop_index(t->b, column), 0, t->s.lanes - 1);
    return affine_value(affine(0), clamped, 1);
}
/* Blocks of 16 columns x 16 summed elements. What is read and written past the end of the sum is not used, or overwritten. */
static void pack_turned(Pack *p) {
    Tile *t = p->t;
    const TileSum *inner = &p->from.v[p->from.n - 1];
    i64 stride = axis_stride(&t->spec->axes[t->s.lane], is_right(t, true));
    LoopAffine column[LANES], begin = t->at[t->s.lane];
    LoopValue *rows[LANES];
    LoopFor *vector = loop_for(t->b, FOR_SERIAL, p->width, 1, 0, NULL);
    for (int l = 0; l < LANES; l++) column[l] = column_inside(p, affine_loop(affine_plus(begin, affine(l)), vector, LANES));
    t->at[t->s.lane] = affine(0);
    pack_open(p, p->from.n - 1);
    LoopFor *round = loop_for(t->b, FOR_SERIAL, quotient_up(inner->extent, LANES), 1, 0, NULL);
    LoopAffine inside = affine_plus(sum_left(t, 1), affine_loop(affine(-1), round, -LANES));
    if (inner->scale) loop_if(t->b, 1, &inside);
    LoopAffine source = affine_loop(p->source, round, LANES);
    for (int l = 0; l < LANES; l++)
        rows[l] = loop_load_lanes(t->b, tile_buffer(t, true), affine_plus(source, affine_times(column[l], stride)), 1);
    loop_transpose16(t->b, rows);
    i64 next = p->width * LANES;
    p->target = affine_loop(affine_loop(p->target, round, LANES * next), vector, LANES);
    for (int l = 0; l < LANES; l++) loop_store(t->b, t->packed, affine_plus(p->target, affine(l * next)), rows[l]);
    if (inner->scale) loop_if_end(t->b, 0, NULL);
    loop_for_end(t->b, NULL);
    pack_close(p);
    loop_for_end(t->b, NULL);
    t->at[t->s.lane] = begin;
}

void tile_pack(Tile *t, i64 width, bool edge) {
    Pack p = {.t = t, .width = width, .edge = edge, .from = tile_sums(t, width, false), .to = tile_sums(t, width, true)};
    if (t->s.pack == PACK_TURN) pack_turned(&p);
    else if (t->s.pack != PACK_NONE) pack_rows(&p);
}

/* tile_pack.c: where a product's operands lie, its summed axes as loops, and panels: vectors brought side by side.
**
** A packed panel is [summed][width][16] for one block of the sum. Lanes past the last column of the product are filled with
** anything that may be read: nothing computed from them is kept. */
#include "tile_parts.h"

enum {
    MOST_LINES = 4, /* prefetched at a step */
    MOST_AT_ONCE = 48, /* before a tile */
    SHARED = 8192   /* bytes: lines that are multiples of this apart share so few sets of L2 that they do not stay until they are read */
};

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

TileSums tile_sums(const Tile *t) {
    TileSums sums = t->s.sums;
    if (sums.n) {
        bool ragged = sums.v[0].extent % t->s.block != 0;
        sums.v[0].extent = t->s.block;
        sums.v[0].scale = ragged ? 1 : 0;
        sums.v[0].first_rounds = tile_cut(&t->s);
    }
    return sums;
}
TileSums sums_packed(TileSums sums, bool lanes, i64 width) {
    i64 stride = width * LANES;
    for (int i = sums.n - 1; i >= 0; i--) {
        *(lanes ? &sums.v[i].lane : &sums.v[i].row) = stride;
        stride *= sums.v[i].extent;
    }
    return sums;
}
LoopAffine packed_at(const Tile *t) { return affine_times(t->member, pack_elements(&t->s, shape_width(&t->s))); }
/* What is left of the axis that is cut, in rounds of a loop over it. */
static LoopAffine sum_left(const Tile *t, i64 scale) {
    return affine_times(affine_plus(affine(t->s.sums.v[0].extent), affine_times(t->first, -1)), scale);
}
/* Only terms of the window that lie inside. */
static LoopFor *window_open(Tile *t, const TileSum *sum, int n, LoopValue *const *init) {
    const TileWindow *window = &t->spec->windows[sum->window - 1];
    LoopAffine at = affine(window->c), from, to;
    nnc_check(!sum->scale, "a window of a short block");
    for (int i = 0; i < t->spec->n_batch + t->spec->n_left + t->spec->n_right; i++)
        if (window->of[i]) at = affine_plus(at, affine_times(t->at[i], window->of[i]));
    if (window->b > 0) from = affine_times(at, -1), to = affine_plus(affine(window->n), from);
    else from = affine_plus(at, affine(1 - window->n)), to = affine_plus(at, affine(1));
    LoopAffine before = affine_times(t->first, -sum->first_rounds);
    from = affine_plus(affine_times(from, sum->window_rounds), before);
    to = affine_plus(affine_times(to, sum->window_rounds), before);
    return loop_for_within(t->b, FOR_SERIAL, sum->extent, &from, &to, n, init);
}
LoopFor *tile_sum_open(Tile *t, const TileSum *sum, int n, LoopValue *const *init) {
    if (sum->window) return window_open(t, sum, n, init);
    if (!sum->scale) return loop_for(t->b, FOR_SERIAL, sum->extent, 1, n, init);
    LoopAffine to = sum_left(t, sum->scale);
    return loop_for_within(t->b, FOR_SERIAL, sum->extent, NULL, &to, n, init);
}

/* ---- panels ---- */

/* A strip is a panel of one vector whose columns are rows of the tile. */
typedef struct Pack {
    Tile *t;
    bool lanes;
    int axis, from_buffer, to_buffer;
    i64 width, extent, stride;
    bool edge;
    TileSums from, to; /* loops over the operand and over the panel: rounds agree, strides differ */
    LoopAffine source, target;
    int open;
} Pack;

static Pack pack_of(Tile *t, bool lanes, i64 width, bool edge) {
    TileSums sums = tile_sums(t);
    for (int i = 0; i < sums.n; i++) sums.v[i].window = 0; /* all is packed */
    int axis = lanes ? t->s.lane : t->s.row;
    return (Pack){.t = t, .lanes = lanes, .axis = axis, .width = width, .edge = edge,
                  .from_buffer = tile_buffer(t, lanes), .to_buffer = lanes ? t->packed : t->strip,
                  .extent = lanes ? t->s.lanes : t->s.rows, .stride = axis_stride(&t->spec->axes[axis], is_right(t, lanes)),
                  .from = sums, .to = sums_packed(sums, lanes, width), .source = affine(0), .target = affine(0)};
}
static i64 step_of(const Pack *p, const TileSum *sum) { return p->lanes ? sum->lane : sum->row; }
/* Loops over the first n summed axes. */
static void pack_open(Pack *p, int n) {
    for (int i = 0; i < n; i++) {
        LoopFor *loop = tile_sum_open(p->t, &p->from.v[i], 0, NULL);
        p->source = affine_loop(p->source, loop, step_of(p, &p->from.v[i]));
        p->target = affine_loop(p->target, loop, step_of(p, &p->to.v[i]));
    }
    p->open = n;
}
static void pack_close(Pack *p) {
    for (; p->open; p->open--) loop_for_end(p->t->b, NULL);
}

/* Where the panel lies, whichever loops are open by now. */
static LoopAffine source_at(const Pack *p) { return affine_plus(tile_address(p->t, p->lanes), p->source); }
static LoopAffine target_at(const Pack *p) { return p->lanes ? affine_plus(packed_at(p->t), p->target) : p->target; }

static void pack_step(const Pack *p) {
    Tile *t = p->t;
    LoopAffine source = source_at(p), target = target_at(p);
    for (i64 j = 0; j < p->width; j++) {
        LoopAffine at = affine_plus(source, affine(j * LANES * p->stride));
        LoopAffine left = affine_plus(affine(p->extent - j * LANES), affine_times(t->at[p->axis], -1));
        bool part = p->edge && p->stride != 1 && j == p->width - 1;
        loop_store(t->b, p->to_buffer, affine_plus(target, affine(j * LANES)),
                   part ? loop_load_part(t->b, p->from_buffer, at, p->stride, left)
                        : loop_load_lanes(t->b, p->from_buffer, at, p->stride));
    }
}
static void pack_rows(Pack *p) {
    pack_open(p, p->from.n);
    pack_step(p);
    pack_close(p);
}

/* Index of a column as an address takes it; in the last vector, columns past the last are the last. */
static LoopAffine column_inside(const Pack *p, LoopAffine column) {
    Tile *t = p->t;
    if (!p->edge) return column;
    LoopValue *clamped = loop_clamp(t->b, loop_index(t->b, column), 0, p->extent - 1);
    return affine_value(affine(0), clamped, 1);
}
/* A function that turns one block of 16 x 16: columns lie `stride` elements apart, what becomes of them `next` apart. Written once for
** all products of the program that have these strides: it is as long as a tile. */
static const LoopFunction *turner(const Tile *t, Dtype dtype, i64 stride, i64 next) {
    LoopValue *rows[LANES];
    LoopProgram *program = t->spec->program;
    LoopBuilder b = loop_function_begin(program->arena, "turn");
    int from = loop_param(&b, dtype, (LANES - 1) * stride + 1, false), to = loop_param(&b, dtype, (LANES - 1) * next + LANES, true);
    b.function->buffers.v[from].align = dtype_bytes(dtype);
    for (int l = 0; l < LANES; l++) rows[l] = loop_load_lanes(&b, from, affine(l * stride), 1);
    loop_transpose16(&b, rows);
    for (int l = 0; l < LANES; l++) loop_store(&b, to, affine(l * next), rows[l]);
    return loop_program_function(program, loop_function_end(&b));
}
static void turn_by_call(const Pack *p, LoopAffine source, LoopAffine target) {
    Tile *t = p->t;
    Dtype dtype = t->b->function->buffers.v[p->from_buffer].dtype;
    const LoopFunction *f = turner(t, dtype, p->stride, p->width * LANES);
    loop_call(t->b, f, (LoopArgument[]){{p->from_buffer, source}, {p->to_buffer, target}}, NULL, -1);
}
/* Blocks of 16 columns x 16 summed elements. What is read and written past the end of the sum is not used, or overwritten. */
static void pack_turned(Pack *p) {
    Tile *t = p->t;
    const TileSum *inner = &p->from.v[p->from.n - 1];
    LoopAffine column[LANES], begin = t->at[p->axis];
    LoopValue *rows[LANES];
    LoopFor *vector = loop_for(t->b, FOR_SERIAL, p->width, 1, 0, NULL);
    for (int l = 0; l < LANES; l++) column[l] = column_inside(p, affine_loop(affine_plus(begin, affine(l)), vector, LANES));
    t->at[p->axis] = affine(0);
    pack_open(p, p->from.n - 1);
    LoopFor *round = loop_for(t->b, FOR_SERIAL, quotient_up(inner->extent, LANES), 1, 0, NULL);
    LoopAffine inside = affine_plus(sum_left(t, 1), affine_loop(affine(-1), round, -LANES));
    if (inner->scale) loop_if(t->b, 1, &inside);
    LoopAffine source = affine_loop(source_at(p), round, LANES), target = target_at(p);
    i64 next = p->width * LANES;
    target = affine_loop(affine_loop(target, round, LANES * next), vector, LANES);
    if (t->spec->program && !p->edge && p->stride >= 0) {
        turn_by_call(p, affine_plus(source, affine_times(column[0], p->stride)), target);
    } else {
        for (int l = 0; l < LANES; l++)
            rows[l] = loop_load_lanes(t->b, p->from_buffer, affine_plus(source, affine_times(column[l], p->stride)), 1);
        loop_transpose16(t->b, rows);
        for (int l = 0; l < LANES; l++) loop_store(t->b, p->to_buffer, affine_plus(target, affine(l * next)), rows[l]);
    }
    if (inner->scale) loop_if_end(t->b, 0, NULL);
    loop_for_end(t->b, NULL);
    pack_close(p);
    loop_for_end(t->b, NULL);
    t->at[p->axis] = begin;
}

void tile_pack(Tile *t, const Kind *kind) {
    if (t->s.pack == PACK_NONE) return;
    Pack p = pack_of(t, true, kind->width, kind->edge);
    if (t->s.pack == PACK_TURN) pack_turned(&p);
    else pack_rows(&p);
}
/* What lies in rows is read row by row, over all panels. */
void tile_pack_group(Tile *t) {
    const TileDeal *d = &t->s.panel_deal;
    for (int wide = 1; wide >= 0 && t->s.pack != PACK_NONE; wide--) {
        Kind kind = {.width = d->size + wide, .edge = !wide && tile_last(&t->s)};
        if (wide && !d->high) continue;
        Pack p = pack_of(t, true, kind.width, kind.edge);
        if (t->s.pack == PACK_COPY) pack_open(&p, p.from.n);
        panels_open(t, t->s.group, wide, &kind);
        if (t->s.pack == PACK_COPY) pack_step(&p);
        else if (t->s.pack == PACK_TURN) pack_turned(&p);
        else pack_rows(&p);
        loop_for_end(t->b, NULL);
        pack_close(&p);
    }
    t->member = affine(0);
}
void tile_strip(Tile *t) {
    if (t->strip < 0) return;
    Pack p = pack_of(t, false, 1, true);
    pack_rows(&p);
}

/* ---- prefetches ---- */

static i64 row_step(const Tile *t) { return axis_stride(&t->spec->axes[t->s.row], is_right(t, false)); }
/* Elements from a step of the sum to the next in one operand, if that is always as many. */
static bool flat_step(const Tile *t, bool lanes, i64 *step) {
    TileSums alone = t->s.sums;
    for (int i = 0; i < alone.n; i++) *(lanes ? &alone.v[i].row : &alone.v[i].lane) = 0;
    for (int i = alone.n - 1; i > 0; i--) {
        const TileSum *inner = &alone.v[i], *outer = &alone.v[i - 1];
        if ((lanes ? outer->lane : outer->row) != inner->extent * (lanes ? inner->lane : inner->row)) return false;
    }
    *step = alone.n ? lanes ? alone.v[alone.n - 1].lane : alone.v[alone.n - 1].row : 0;
    return true;
}
/* Scalars of a step, where rows lie side by side: the next row tile's reach into one line more than this tile's. */
static void prefetch_rows(Tile *t, const Kind *kind, const TileSums *sums, LoopFor *const *loops) {
    i64 step;
    bool strip = t->strip >= 0;
    if (t->s.row < 0 || row_step(t) != 1 || !flat_step(t, false, &step) || (strip && sums->n != 1)) return;
    if (step * t->s.bytes % 4096 == 0 || step * t->s.bytes < 64) return;
    LoopAffine at = affine_plus(tile_address(t, false), affine(kind->rows + LANES - 1));
    for (int i = 0; i < sums->n; i++) at = affine_loop(at, loops[i], strip ? step : sums->v[i].row);
    loop_prefetch(t->b, tile_buffer(t, false), at, false, 2);
}
/* Moves `t` to the panel or group that comes next, or to the next block of this one if there is one. Gives what else is added. */
static LoopAffine to_next(Tile *t, i64 panel) {
    LoopAffine none = affine(0);
    i64 stride = axis_stride(&t->spec->axes[t->s.lane], is_right(t, true));
    if (!tile_cut(&t->s)) return affine(panel * stride);
    LoopBuilder *b = t->b;
    LoopValue *zero = loop_int(b, ELEM_I32, 0), *next = loop_index(b, affine_plus(t->first, affine(t->s.block)));
    LoopValue *here = loop_op(b, LOP_lt, next, loop_int(b, ELEM_I32, t->s.sums.v[0].extent));
    LoopValue *from = loop_clamp(b, loop_op(b, LOP_select, here, next, zero), 0, t->s.sums.v[0].extent - 1);
    LoopValue *over = loop_clamp(b, loop_op(b, LOP_select, here, zero, loop_int(b, ELEM_I32, 1)), 0, 1);
    t->first = none;
    return affine_value(affine_value(none, from, t->s.sums.v[0].lane), over, panel * stride);
}
/* Each row tile fetches other lines of what comes next: vectors, or columns where they will be turned. */
static void prefetch_panel(Tile *t, const Kind *kind, const TileSums *sums, LoopFor *const *loops) {
    bool grouped = t->s.group > 1, packed = t->packed >= 0;
    i64 step = 0, each = 1, unit = t->s.pack == PACK_TURN ? 1 : LANES, width = grouped ? shape_width(&t->s) : kind->width;
    i64 lines = t->s.group * width * LANES / unit, stride = axis_stride(&t->spec->axes[t->s.lane], is_right(t, true));
    LoopAffine line = t->turn, lane = t->at[t->s.lane], first = t->first;
    if (!packed && sums->n && sums->v[sums->n - 1].lane == width * LANES) return; /* one stream, which the processor sees by itself */
    if ((stride != 1 && t->s.pack != PACK_TURN) || (packed && (sums->n != 1 || !flat_step(t, true, &step)))) return;
    if (grouped && t->units.each < lines) line = affine_plus(affine_times(line, t->s.group), t->member);
    else if (!grouped) each = quotient_up(lines, t->units.each);
    i64 far = packed ? step : sums->v[sums->n - 1].lane;
    if (each > MOST_LINES || far * t->s.bytes % SHARED == 0) return;
    line = affine_value(affine(0), loop_clamp(t->b, loop_index(t->b, line), 0, quotient_up(lines, each) - 1), each * unit);
    t->at[t->s.lane] = affine_plus(grouped ? affine_times(t->set, lines * unit) : lane, line);
    LoopAffine more = to_next(t, lines * unit), at = affine_plus(tile_address(t, true), more);
    t->at[t->s.lane] = lane;
    t->first = first;
    for (int i = 0; i < sums->n; i++) at = affine_loop(at, loops[i], packed ? step : sums->v[i].lane);
    for (i64 i = 0; i < each; i++) loop_prefetch(t->b, tile_buffer(t, true), affine_plus(at, affine(i * unit * stride)), false, 2);
}
void tile_prefetch(Tile *t, const Kind *kind, const TileSums *sums, LoopFor *const *loops) {
    if (t->strip >= 0) prefetch_rows(t, kind, sums, loops);
    if (t->s.far) prefetch_panel(t, kind, sums, loops);
}
/* Each row tile fetches the vectors of some steps of what comes next: line by line they would not all stay until they are read. */
void tile_prefetch_steps(Tile *t, const Kind *kind) {
    i64 step, lines, stride = axis_stride(&t->spec->axes[t->s.lane], is_right(t, true));
    if (!t->s.far || t->s.pack != PACK_NONE || t->s.along >= 0 || stride != 1 || !flat_step(t, true, &step)) return;
    if (!step || step * t->s.bytes % SHARED != 0) return;
    lines = quotient_up(t->s.total / t->s.sums.v[0].extent * t->s.block, t->units.each);
    if (lines * kind->width > MOST_AT_ONCE) return;
    LoopAffine first = t->first, more = to_next(t, kind->width * LANES);
    LoopAffine at = affine_plus(affine_plus(tile_address(t, true), more), affine_times(t->turn, lines * step));
    t->first = first;
    for (i64 i = 0; i < lines * kind->width; i++)
        loop_prefetch(t->b, tile_buffer(t, true), affine_plus(at, affine(i / kind->width * step + i % kind->width * LANES)), false, 2);
}

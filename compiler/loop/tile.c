/* tile.c: a product as loop IR: units, panels, blocks of the sum, row tiles, the register tile, its finish.
**
**     for unit (tasks):  batch, other axes of the lanes' side, chunk of row tiles, other axes of the rows' side, panel
**         for block of the sum:                  only where it is cut; then tiles go on from `partial`
**             pack the panel
**             for other axes of the rows' side, for row tile:   acc; for k..: fma; finish, or store to `partial`
**         for row tile: finish                   where it is cut
**
** With groups a unit has several panels, which it packs together; each row tile first copies its scalars to a strip in L1, then
** goes through the panels: the rows' operand is read once a group. A lanes' operand that does not stay in L2 is prefetched, a line
** or so a step, a block or a panel ahead.
**
** What tile, and whether any of this is there, is tile_shape.c's choice. */
#include "tile_parts.h"

enum { TASKS = 64 }; /* of a parallel loop, at most: fixed by types, never by the machine */

/* ---- the register tile ---- */

static i64 kind_rows(const Tile *t, const Kind *kind) { return kind->rows * t->s.stacked; }
static i64 row_stride(const Tile *t, int axis) { return axis < 0 ? 0 : axis_stride(&t->spec->axes[axis], t->s.swapped); }
static LoopAffine partial_at(const Tile *t, const Kind *kind, i64 row, i64 vector) {
    LoopAffine slot = affine_plus(affine_times(t->member, t->partial_rows), affine_plus(t->slot, affine(row)));
    LoopAffine at = affine_times(slot, shape_width(&t->s) * LANES);
    nnc_check(vector < kind->width, "a tile's vector %d", (int)vector);
    return affine_plus(at, affine(vector * LANES));
}
static void acc_load(const Tile *t, const Kind *kind, LoopValue **acc) {
    for (i64 i = 0; i < kind_rows(t, kind) * kind->width; i++)
        acc[i] = loop_load_lanes(t->b, t->partial, partial_at(t, kind, i / kind->width, i % kind->width), 1);
}
static void acc_store(const Tile *t, const Kind *kind, LoopValue *const *acc) {
    for (i64 i = 0; i < kind_rows(t, kind) * kind->width; i++)
        loop_store(t->b, t->partial, partial_at(t, kind, i / kind->width, i % kind->width), acc[i]);
}
void acc_zero(const Tile *t, const Kind *kind, LoopValue **acc) {
    LoopValue *zero = loop_splat(t->b, loop_real(t->b, t->elem, 0));
    for (i64 i = 0; i < kind_rows(t, kind) * kind->width; i++) acc[i] = zero;
}
/* One step of the sum: a row of vectors, then a scalar a row. */
void acc_step(const Tile *t, const Kind *kind, LoopAffine row_at, LoopAffine lane_at, LoopValue **acc) {
    LoopValue *vectors[LANES * 2];
    i64 stride = t->packed >= 0 ? 1 : axis_stride(&t->spec->axes[t->s.lane], !t->s.swapped);
    bool along = t->s.along >= 0; /* both operands then have the lanes side by side */
    int buffer = t->packed >= 0 ? t->packed : tile_buffer(t, true);
    for (i64 j = 0; j < kind->width; j++)
        vectors[j] = loop_load_lanes(t->b, buffer, affine_plus(lane_at, affine(j * tile_step(&t->s) * stride)), along ? 1 : stride);
    for (i64 i = 0; i < kind_rows(t, kind); i++) {
        i64 further = i / t->s.stacked * row_stride(t, t->s.row) + i % t->s.stacked * row_stride(t, t->s.stack);
        LoopAffine at = affine_plus(row_at, affine(t->strip >= 0 ? i : further));
        LoopValue *scalar = loop_load_lanes(t->b, t->strip >= 0 ? t->strip : tile_buffer(t, false), at, along);
        for (i64 j = 0; j < kind->width; j++) {
            LoopValue **a = &acc[i * kind->width + j];
            *a = loop_op(t->b, LOP_fma, scalar, vectors[j], *a);
        }
    }
}
static void acc_sum(Tile *t, const Kind *kind, LoopValue **acc) {
    TileSums sums = tile_sums(t);
    LoopFor *loops[TILE_AXES];
    int n = (int)(kind_rows(t, kind) * kind->width);
    LoopAffine row_at = t->strip >= 0 ? affine(0) : tile_address(t, false);
    LoopAffine lane_at = t->packed >= 0 ? packed_at(t) : tile_address(t, true);
    if (t->packed >= 0) sums = sums_packed(sums, true, kind->width);
    if (t->strip >= 0) sums = sums_packed(sums, false, 1);
    sums = sums_merge(sums);
    for (int i = 0; i < sums.n; i++) {
        loops[i] = tile_sum_open(t, &sums.v[i], n, acc);
        row_at = affine_loop(row_at, loops[i], sums.v[i].row);
        lane_at = affine_loop(lane_at, loops[i], sums.v[i].lane);
        memcpy(acc, loops[i]->acc, sizeof *acc * (size_t)n);
    }
    acc_step(t, kind, row_at, lane_at, acc);
    tile_prefetch(t, kind, &sums, loops);
    for (int i = sums.n - 1; i >= 0; i--) {
        loop_for_end(t->b, acc);
        memcpy(acc, loops[i]->results, sizeof *acc * (size_t)n);
    }
}

/* ---- finish ---- */

TileCell cell_at(const Tile *t, LoopValue *value, i64 row, i64 lane, int lanes, int active) {
    int n = t->spec->n_batch + t->spec->n_left + t->spec->n_right;
    LoopAffine *at = ARENA_ARRAY(t->b->arena, LoopAffine, n);
    for (int i = 0; i < n; i++) at[i] = t->at[i];
    if (t->s.row >= 0) at[t->s.row] = affine_plus(at[t->s.row], affine(row / t->s.stacked));
    if (t->s.stack >= 0) at[t->s.stack] = affine(row % t->s.stacked);
    at[t->s.lane] = affine_plus(at[t->s.lane], affine(t->s.along < 0 ? lane : lane / LANES));
    return (TileCell){value, at, lanes, active};
}
/* 16 lanes x R rows become R lanes of 16 rows. */
static int cells_turned(const Tile *t, const Kind *kind, LoopValue *const *acc, i64 vector, int lanes, TileCell *cells) {
    LoopValue *rows[LANES];
    for (int l = 0; l < LANES; l++) rows[l] = acc[(l < kind->rows ? l : 0) * kind->width + vector];
    loop_transpose16(t->b, rows);
    for (int l = 0; l < lanes; l++) cells[l] = cell_at(t, rows[l], 0, vector * LANES + l, t->s.row, (int)kind->rows);
    return lanes;
}
static TileCell *cells_make(const Tile *t, const Kind *kind) {
    return ARENA_ARRAY(t->b->arena, TileCell, (t->s.turned ? LANES : kind_rows(t, kind)) * kind->width);
}
/* `last`: lanes of the last vector that count. */
static void finish_cells(const Tile *t, const Kind *kind, LoopValue *const *acc, int last) {
    TileCell *cells = cells_make(t, kind);
    int n = 0;
    for (i64 j = 0; j < kind->width && t->s.turned; j++)
        n += cells_turned(t, kind, acc, j, j == kind->width - 1 ? last : LANES, cells + n);
    for (i64 i = 0; i < kind_rows(t, kind) * kind->width && !t->s.turned; i++) {
        i64 row = i / kind->width, vector = i % kind->width;
        cells[n++] = cell_at(t, acc[i], row, vector * LANES, t->s.along < 0 ? t->s.lane : t->s.along, vector == kind->width - 1 ? last : LANES);
    }
    t->spec->finish(t->spec->context, t->b, n, cells);
}
/* A long finish: the tile, which lies in `partial`, a few vectors at a time. */
static void finish_loop(const Tile *t, const Kind *kind, int last) {
    i64 together = t->s.stacked == 1 && kind->width < TOGETHER ? TOGETHER / kind->width : 1, rows = 0;
    while (kind->rows % together) together--;
    LoopFor *loop = loop_for(t->b, FOR_SERIAL, kind->rows, together, 0, NULL);
    Kind few = *kind;
    Tile at = *t;
    few.rows = together;
    rows = kind_rows(t, &few);
    if (t->s.row >= 0) at.at[t->s.row] = affine_loop(at.at[t->s.row], loop, 1);
    at.slot = affine_loop(at.slot, loop, t->s.stacked);
    LoopValue **acc = ARENA_ARRAY(t->b->arena, LoopValue *, rows * kind->width);
    acc_load(&at, &few, acc);
    finish_cells(&at, &few, acc, last);
    loop_for_end(t->b, NULL);
}
static void finish_some(const Tile *t, const Kind *kind, LoopValue *const *acc, int last) {
    if (tile_long(t->spec)) finish_loop(t, kind, last);
    else finish_cells(t, kind, acc, last);
}
static void tile_finish(const Tile *t, const Kind *kind, LoopValue *const *acc) {
    int last = (int)tile_last(&t->s);
    if (!kind->edge || kind->always) {
        finish_some(t, kind, acc, kind->edge ? last : LANES);
        return;
    }
    LoopAffine is_last = affine_plus(t->panel, affine(1 - t->s.panel_deal.n));
    loop_if(t->b, 1, &is_last);
    finish_some(t, kind, acc, last);
    loop_else(t->b, 0, NULL);
    finish_some(t, kind, acc, LANES);
    loop_if_end(t->b, 0, NULL);
}

/* What a finish reads comes from afar while the tile is computed. */
static void tile_before(const Tile *t, const Kind *kind) {
    TileCell *cells = cells_make(t, kind);
    int n = 0;
    if (!t->spec->before || t->s.along >= 0) return;
    for (i64 j = 0; j < kind->width; j++)
        for (i64 i = 0; i < (t->s.turned ? LANES : kind_rows(t, kind)); i++)
            cells[n++] = t->s.turned ? cell_at(t, NULL, 0, j * LANES + i, t->s.row, LANES) : cell_at(t, NULL, i, j * LANES, t->s.lane, LANES);
    t->spec->before(t->spec->context, t->b, n, cells);
}

/* ---- row tiles of a unit ---- */

typedef enum Work { WORK_ALL, WORK_PARTIAL, WORK_FINISH } Work;

/* A finish finds the tile in `acc`, or a long one in `partial`. */
static void tile_emit(Tile *t, const Kind *kind, Work work) {
    LoopValue **acc = ARENA_ARRAY(t->b->arena, LoopValue *, kind_rows(t, kind) * kind->width);
    bool is_long = tile_long(t->spec);
    if (work == WORK_ALL) {
        t->slot = affine(0);
        tile_before(t, kind);
        acc_zero(t, kind, acc);
    } else if (work == WORK_PARTIAL || !is_long) {
        acc_load(t, kind, acc);
    }
    if (work != WORK_FINISH) {
        tile_prefetch_steps(t, kind);
        acc_sum(t, kind, acc);
    }
    if (work == WORK_PARTIAL || (work == WORK_ALL && is_long)) acc_store(t, kind, acc);
    if (work != WORK_PARTIAL) tile_finish(t, kind, acc);
}
LoopFor *panels_open(Tile *t, i64 group, bool wide, Kind *kind) {
    const TileDeal *d = &t->s.panel_deal;
    LoopAffine start = affine_times(t->set, group), before = affine_times(start, -1);
    LoopAffine split = affine_plus(affine(d->high), before), end = affine_plus(affine(d->n), before);
    bool whole = (wide ? d->high == d->n : !d->high) && d->n % group == 0;
    LoopFor *loop = whole ? loop_for(t->b, FOR_SERIAL, group, 1, 0, NULL)
                          : loop_for_within(t->b, FOR_SERIAL, group, !wide && d->high ? &split : NULL, wide ? &split : &end, 0, NULL);
    kind->width = d->size + wide;
    kind->edge = !wide && tile_last(&t->s) != 0;
    kind->always = d->n - d->high == 1;
    t->member = affine_loop(affine(0), loop, 1);
    t->panel = affine_plus(start, t->member);
    t->at[t->s.lane] = affine_plus(affine_times(t->panel, kind->width * LANES), affine(wide ? 0 : d->high * LANES));
    return loop;
}
/* The row tile with the panel that is there, or with each of a group. */
static void tiles_emit(Tile *t, const Kind *kind, Work work) {
    if (t->s.group == 1) {
        tile_emit(t, kind, work);
        return;
    }
    const TileDeal *d = &t->s.panel_deal;
    if (work != WORK_FINISH) tile_strip(t);
    Kind k = *kind;
    for (int wide = 1; wide >= 0; wide--) {
        if (wide && !d->high) continue;
        panels_open(t, t->s.group, wide, &k);
        tile_emit(t, &k, work);
        loop_for_end(t->b, NULL);
    }
    t->member = affine(0);
}
/* Row tiles of one size: of the first `high` or of the others, as far as the unit's chunk holds them. */
static void row_tiles(Tile *t, const Kind *kind, bool high, LoopAffine slot, Work work) {
    const TileDeal *d = &t->s.row_deal;
    const TileUnits *u = &t->units;
    i64 count = high ? d->high : d->n - d->high, slots = (d->size + (d->high > 0)) * t->s.stacked;
    if (!count) return;
    LoopAffine begin = affine(high ? 0 : d->high), q; /* number of the row tile */
    LoopFor *loop;
    if (u->chunks == 1) {
        loop = loop_for(t->b, FOR_SERIAL, count, 1, 0, NULL);
        q = affine_loop(begin, loop, 1);
        t->slot = affine_plus(slot, affine_times(q, slots));
    } else {
        LoopAffine start = affine_times(t->chunk, u->each), split = affine_plus(affine(d->high), affine_times(start, -1));
        LoopAffine end = affine_plus(affine(d->n), affine_times(start, -1));
        bool bound = high || d->n % u->each;
        loop = loop_for_within(t->b, FOR_SERIAL, u->each, !high && d->high ? &split : NULL,
                               bound ? high ? &split : &end : NULL, 0, NULL);
        q = affine_loop(start, loop, 1);
        t->slot = affine_plus(slot, affine_loop(affine(0), loop, slots));
    }
    t->turn = u->chunks == 1 ? q : affine_loop(affine(0), loop, 1);
    if (t->s.row >= 0) t->at[t->s.row] = affine_plus(affine_times(q, kind->rows), affine(high ? 0 : d->high));
    tiles_emit(t, kind, work);
    loop_for_end(t->b, NULL);
}
/* All row tiles of the unit. */
static void rows_emit(Tile *t, Kind kind, Work work) {
    int first, n, seen = 0, open = 0;
    const TileDeal *d = &t->s.row_deal;
    i64 rows = (t->units.chunks == 1 ? d->n : t->units.each) * (d->size + (d->high > 0)) * t->s.stacked;
    LoopAffine slot = affine(0);
    side_axes(t->spec, t->s.swapped, &first, &n);
    for (int i = first; i < first + n; i++) {
        if (in_tile_rows(&t->s, i) || seen++ < t->units.outer_rows) continue;
        LoopFor *loop = loop_for(t->b, FOR_SERIAL, t->spec->axes[i].extent, 1, 0, NULL);
        t->at[i] = affine_loop(affine(0), loop, 1);
        slot = affine_loop(affine_times(slot, t->spec->axes[i].extent), loop, rows);
        open++;
    }
    for (int high = 1; high >= 0; high--) {
        kind.rows = d->size + high;
        row_tiles(t, &kind, high, slot, work);
    }
    while (open--) loop_for_end(t->b, NULL);
}

/* ---- a unit ---- */

static void partial_clear(Tile *t) {
    i64 elements = t->s.group * t->partial_rows * shape_width(&t->s) * LANES;
    LoopFor *loop = loop_for(t->b, FOR_SERIAL, elements, LANES, 0, NULL);
    loop_store(t->b, t->partial, affine_loop(affine(0), loop, 1), loop_splat(t->b, loop_real(t->b, t->elem, 0)));
    loop_for_end(t->b, NULL);
}
static void packs_emit(Tile *t, const Kind *kind) {
    if (t->s.group == 1) tile_pack(t, kind);
    else tile_pack_group(t);
}
/* A panel, or with a group all of it. */
static void panel_emit(Tile *t, Kind kind, LoopAffine begin) {
    t->at[t->s.lane] = begin;
    t->first = affine(0);
    if (!tile_cut(&t->s)) {
        packs_emit(t, &kind);
        rows_emit(t, kind, WORK_ALL);
        return;
    }
    partial_clear(t);
    LoopFor *block = loop_for(t->b, FOR_SERIAL, t->s.sums.v[0].extent, t->s.block, 0, NULL);
    t->first = affine_loop(affine(0), block, 1);
    packs_emit(t, &kind);
    rows_emit(t, kind, WORK_PARTIAL);
    loop_for_end(t->b, NULL);
    rows_emit(t, kind, WORK_FINISH);
}
/* The panel of either width. */
static void unit_emit(Tile *t) {
    const TileDeal *d = &t->s.panel_deal;
    i64 low = d->n - d->high, step = tile_step(&t->s);
    if (t->s.group > 1) {
        panel_emit(t, (Kind){0}, affine(0));
        return;
    }
    Kind wide = {.width = d->size + 1}, last = {.width = d->size, .edge = tile_last(&t->s) != 0, .always = low == 1};
    LoopAffine is_wide = affine_plus(affine(d->high - 1), affine_times(t->panel, -1));
    if (d->high) {
        loop_if(t->b, 1, &is_wide);
        panel_emit(t, wide, affine_times(t->panel, wide.width * step));
        loop_else(t->b, 0, NULL);
    }
    panel_emit(t, last, affine_plus(affine_times(t->panel, last.width * step), affine(d->high * step)));
    if (d->high) loop_if_end(t->b, 0, NULL);
}

/* ---- all units ---- */

typedef struct UnitDim {
    i64 extent;
    LoopAffine *at;
} UnitDim;

static int unit_dims(Tile *t, UnitDim *dims) {
    const TileSpec *spec = t->spec;
    int n = 0, first, count, seen = 0;
    for (int i = 0; i < spec->n_batch; i++)
        if (i != t->s.along) dims[n++] = (UnitDim){spec->axes[i].extent, &t->at[i]};
    side_axes(spec, !t->s.swapped, &first, &count);
    for (int i = first; i < first + count; i++)
        if (i != t->s.lane) dims[n++] = (UnitDim){spec->axes[i].extent, &t->at[i]};
    dims[n++] = (UnitDim){t->units.chunks, &t->chunk};
    side_axes(spec, t->s.swapped, &first, &count);
    for (int i = first; i < first + count; i++)
        if (!in_tile_rows(&t->s, i) && seen++ < t->units.outer_rows) dims[n++] = (UnitDim){spec->axes[i].extent, &t->at[i]};
    dims[n++] = (UnitDim){quotient_up(t->s.panel_deal.n, t->s.group), t->s.group > 1 ? &t->set : &t->panel};
    return n;
}
/* Opens tasks over all units, each one or several; the unit's number is taken apart. Gives how many loops are open. */
static int tasks_open(Tile *t, int n, const UnitDim *dims) {
    i64 count = 1;
    for (int i = 0; i < n; i++) count *= dims[i].extent;
    i64 each = quotient_up(count, TASKS);
    LoopAffine unit = affine_loop(affine(0), loop_for(t->b, FOR_PARALLEL, quotient_up(count, each), 1, 0, NULL), each);
    if (each > 1) {
        LoopAffine left = affine_plus(affine(count), affine_times(unit, -1));
        LoopFor *round = loop_for_within(t->b, FOR_SERIAL, each, NULL, count % each ? &left : NULL, 0, NULL);
        unit = affine_loop(unit, round, 1);
    }
    LoopValue *rest = NULL;
    for (int i = n - 1; i >= 0; i--) {
        if (dims[i].extent == count) *dims[i].at = unit;
        if (dims[i].extent == 1 || dims[i].extent == count) continue;
        if (!rest) rest = loop_index(t->b, unit);
        LoopValue *extent = loop_int(t->b, ELEM_I32, dims[i].extent);
        LoopValue *next = loop_op(t->b, LOP_div, rest, extent);
        LoopValue *here = loop_op(t->b, LOP_sub, rest, loop_op(t->b, LOP_mul, next, extent));
        *dims[i].at = affine_value(affine(0), loop_clamp(t->b, here, 0, dims[i].extent - 1), 1);
        rest = next;
    }
    return 1 + (each > 1);
}
static int units_open(Tile *t) {
    UnitDim dims[TILE_AXES + 2];
    int n = unit_dims(t, dims), open = 0;
    if (t->units.parallel) return tasks_open(t, n, dims);
    for (int i = 0; i < n; i++) {
        if (dims[i].extent == 1) continue;
        *dims[i].at = affine_loop(affine(0), loop_for(t->b, FOR_SERIAL, dims[i].extent, 1, 0, NULL), 1);
        open++;
    }
    return open;
}

/* Rows of partial sums: of a unit where the sum is cut, else of a tile that is finished from memory, else none. */
static i64 partial_rows(const Tile *t) {
    const TileDeal *d = &t->s.row_deal;
    i64 tile = (d->size + (d->high > 0)) * t->s.stacked;
    int first, n, seen = 0;
    if (!tile_cut(&t->s)) return tile_long(t->spec) ? tile : 0;
    i64 rows = (t->units.chunks == 1 ? d->n : t->units.each) * tile;
    side_axes(t->spec, t->s.swapped, &first, &n);
    for (int i = first; i < first + n; i++)
        if (!in_tile_rows(&t->s, i) && seen++ >= t->units.outer_rows) rows *= t->spec->axes[i].extent;
    return rows;
}
static void locals_make(Tile *t) {
    Dtype dtype = t->elem == ELEM_F64 ? DT_f64 : DT_f32;
    t->packed = t->partial = t->strip = -1;
    if (t->s.pack != PACK_NONE) t->packed = loop_local(t->b, dtype, t->s.group * pack_elements(&t->s, shape_width(&t->s)));
    if (t->s.group > 1) t->strip = loop_local(t->b, dtype, pack_elements(&t->s, 1));
    t->partial_rows = partial_rows(t);
    if (t->partial_rows) t->partial = loop_local(t->b, dtype, t->s.group * t->partial_rows * shape_width(&t->s) * LANES);
}
void tile_product(LoopBuilder *b, const TileSpec *spec) {
    Tile *t = ARENA_NEW(b->arena, Tile);
    *t = (Tile){.spec = spec, .b = b, .elem = elem_of_dtype(b->function->buffers.v[spec->left.buffer].dtype)};
    nnc_check(t->elem == ELEM_F32 || t->elem == ELEM_F64, "a product of %s", elem_name(t->elem));
    nnc_check(shape_choose(b, spec, &t->s), "no tile fits a product of %s", b->function->name);
    if (t->s.strip) {
        strips_emit(t);
        return;
    }
    t->units = shape_units(spec, &t->s);
    locals_make(t);
    int open = units_open(t);
    unit_emit(t);
    while (open--) loop_for_end(b, NULL);
}

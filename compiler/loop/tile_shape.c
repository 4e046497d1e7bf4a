/* tile_shape.c: which tile: which axes give rows and lanes, how many of each, whether panels are packed, where sums are cut.
**
** Every choice that fits is priced in cycles for each step of the sum: two fused multiply-adds, or two loads, a cycle, four cycles
** from an accumulator to itself, and what the way from L2 costs. All from extents, strides and the machine, never from anything
** measured while compiling. The figures were fitted on Zen 5 with and without AVX-512. Ties go to what comes first: lanes along
** a right axis, few vectors, many rows. */
#include "tile_parts.h"

enum {
    BLOCK = 1024,            /* summed elements of a block, so that a panel stays in L2 */
    LOOSE_BLOCK = 512,       /* the same where vectors lie far apart: they share sets of L2 */
    PANEL_BYTES = 256 << 10, /* of a packed panel, if its block can be made that small */
    PARTIAL_BYTES = 256 << 10,
    NEAR = 256 << 10,        /* elements of an operand that stay in L2 without packing */
    FAR = 64 << 10,          /* elements of an operand that will have left L2, as others are read too */
    L2_BYTES = 1 << 20,      /* of an operand that comes from L3 for each panel */
    L3_BYTES = 8 << 20,      /* of an operand that comes from memory */
    FEW_TILES = 4,           /* row tiles for which packing does not pay */
    TASK_WORK = 1 << 17,     /* multiply-adds worth a task */
    TASKS_WANTED = 16,
    NEAR_BYTES = 24 << 10,   /* that stay in L1 */
    STACKED = 8,             /* rows that are too few for a tile alone */
    GROUP_LEAST = 1024,      /* summed elements from which on panels are taken in groups */
    GROUP_BLOCK = 128,       /* of these in a block: a strip and a panel stay in L1 */
    GROUP_BYTES = 1024,      /* of a row of all panels of a group: two blocks of them and partial sums stay in L2 */
    STRIP_BYTES = 40 << 10,  /* of two strips of results, which stay in L1 */
    STRIP_PANELS = 512 << 10, /* bytes of a strip's panels, which stay in L2 */
    GROUP_TASKS = 4          /* units wanted with groups, as each packs its own */
};
/* Of the time: what another tile's code, and what transposing every tile must gain, for their compilation. */
#define BODY   0.04
#define TURNED 0.06
#define TURNED_OPERATION 0.03 /* of the finish: the text has it for each of 16 vectors */
/* And in cycles, for its size. */
#define TURNED_CODE 1500

static TileDeal deal(i64 total, i64 most) {
    i64 n = quotient_up(total, most), size = total / n;
    return (TileDeal){n, total - n * size, size};
}
static double larger(double a, double b) { return a > b ? a : b; }
static i64 lesser(i64 a, i64 b) { return a < b ? a : b; }

/* ---- the machine ---- */

static int elem_bytes(LoopElem elem) { return elem == ELEM_F64 ? 8 : 4; }
/* Registers that 16 lanes take. */
static int registers_each(const TileSpec *spec, LoopElem elem) { return LANES * elem_bytes(elem) * 8 / spec->vector_bits; }
/* Rows of a tile of so many vectors: accumulators, a row of vectors and one scalar (or vector) must be registers. */
static i64 rows_most(const TileSpec *spec, LoopElem elem, i64 width, bool along) {
    i64 row = width * registers_each(spec, elem), one = along ? registers_each(spec, elem) : 1;
    return lesser((spec->registers - one - row) / row, TILE_ROWS);
}
/* ---- sums ---- */

TileSums sums_merge(TileSums sums) {
    TileSums merged = {0};
    for (int i = 0; i < sums.n; i++) {
        TileSum inner = sums.v[i], *outer = merged.n ? &merged.v[merged.n - 1] : NULL;
        if (outer && outer->row == inner.row * inner.extent && outer->lane == inner.lane * inner.extent && !inner.scale && !inner.window) {
            i64 n = inner.extent;
            *outer = (TileSum){outer->extent * n, inner.row, inner.lane, outer->scale * n, outer->window, outer->window_rounds * n, outer->first_rounds * n};
        } else {
            merged.v[merged.n++] = inner;
        }
    }
    return merged;
}
static void sums_set(const TileSpec *spec, TileShape *s) {
    TileSums sums = {0};
    s->total = 1;
    for (int i = 0; i < spec->n_sum; i++) {
        const TileAxis *axis = &spec->sum[i];
        s->total *= axis->extent;
        if (axis->extent > 1)
            sums.v[sums.n++] = (TileSum){axis->extent, axis_stride(axis, s->swapped), axis_stride(axis, !s->swapped), 0, spec->windows[i].n ? i + 1 : 0, 1, 0};
    }
    s->sums = sums_merge(sums);
}
/* Cuts the outermost summed axis where a panel would leave L2, if panels are used more than once; sooner where each step reads
** the rows' operand a multiple of 4 KiB further, as its lines then share few sets. */
static void block_set(TileShape *s, i64 width, i64 tiles, int bytes) {
    i64 outer = s->sums.n ? s->sums.v[0].extent : 1, inner = s->total / outer;
    i64 most = lesser(BLOCK, PANEL_BYTES / (width * LANES * bytes));
    s->block = outer;
    if (s->loose) most = lesser(most, LOOSE_BLOCK);
    if (s->group > 1) most = GROUP_BLOCK;
    else if (s->sums.n && s->sums.v[s->sums.n - 1].row * bytes % 4096 == 0) most = lesser(most, BLOCK / 4);
    if (s->total <= most || (s->pack == PACK_NONE && tiles == 1 && s->group == 1)) return;
    i64 fits = most / inner > 1 ? most / inner : 1;
    s->block = quotient_up(outer, quotient_up(outer, fits));
    while (s->sums.v[0].window && outer % s->block) s->block--; /* the last block is then as long: a loop has one upper bound */
}

/* ---- sides ---- */

void side_axes(const TileSpec *spec, bool right, int *first, int *n) {
    *first = spec->n_batch + (right ? spec->n_left : 0);
    *n = right ? spec->n_right : spec->n_left;
}
bool axis_has_window(const TileSpec *spec, int axis) {
    for (int i = 0; i < spec->n_sum; i++)
        if (spec->windows[i].n && spec->windows[i].of[axis]) return true;
    return false;
}
static i64 extents(const TileSpec *spec, int first, int n) {
    i64 product = 1;
    for (int i = first; i < first + n; i++) product *= spec->axes[i].extent;
    return product;
}
static i64 side_count(const TileSpec *spec, bool right) {
    int first, n;
    side_axes(spec, right, &first, &n);
    return extents(spec, first, n);
}

/* ---- price ---- */

i64 shape_width(const TileShape *s) { return s->panel_deal.size + (s->panel_deal.high > 0); }
i64 pack_elements(const TileShape *s, i64 width) {
    i64 summed = s->sums.n ? s->total / s->sums.v[0].extent * s->block : 1;
    return (summed + LANES) * width * LANES;
}
static TilePack pack_choose(const TileSpec *spec, const TileShape *s, LoopElem elem) {
    i64 stride = axis_stride(&spec->axes[s->lane], !s->swapped), rows = side_count(spec, s->swapped), bytes = elem_bytes(elem);
    const TileSum *inner = s->sums.n ? &s->sums.v[s->sums.n - 1] : NULL;
    if (stride == 0) return PACK_NONE;
    if (stride == 1) {
        if (!inner || rows <= FEW_TILES * lesser(8, rows_most(spec, elem, 1, false))) return PACK_NONE;
        bool far = inner->lane * bytes % 4096 == 0 && inner->extent > 16;
        return far || s->total * side_count(spec, !s->swapped) > NEAR ? PACK_COPY : PACK_NONE;
    }
    return inner && inner->lane == 1 ? PACK_TURN : PACK_GATHER;
}
/* Lines that a step of the sum brings from beyond L1 for `n` vectors along an axis; one, if it is the axis of a window that moves over what
** its neighbours read some steps before. */
static i64 vectors_fresh(const TileSpec *spec, const TileShape *s, bool right, int axis, i64 n, i64 step_bytes) {
    i64 stride = axis < 0 ? 0 : axis_stride(&spec->axes[axis], right), steps = 1;
    for (int i = s->sums.n - 1; i >= 0; i--) {
        i64 by = right == s->swapped ? s->sums.v[i].row : s->sums.v[i].lane, times = by ? stride / by : 0;
        if (times > 0 && times * by == stride && times < s->sums.v[i].extent && times * steps * step_bytes <= NEAR_BYTES) return 1;
        steps *= s->sums.v[i].extent;
    }
    return n;
}
/* The same of a tile. Rows' scalars side by side make a line a step; those that lie along the sum, one in some steps each. */
static double lines_fresh(const TileSpec *spec, const TileShape *s, i64 rows, i64 width, i64 bytes) {
    const TileSum *inner = s->sums.n ? &s->sums.v[s->sums.n - 1] : NULL;
    if (!inner) return 0;
    i64 summed = s->total / s->sums.v[0].extent * s->block, step = inner->row < 0 ? -inner->row * bytes : inner->row * bytes;
    if (s->along >= 0) {
        i64 all = (rows + width) * LANES * bytes;
        if (s->total * all <= NEAR_BYTES) return 0;
        i64 beyond = s->total * side_count(spec, s->swapped) * LANES * bytes > L2_BYTES ? 2 : 1; /* for each panel */
        return (double)(beyond * vectors_fresh(spec, s, s->swapped, s->row, rows / s->stacked, all) * vectors_fresh(spec, s, s->swapped, s->stack, s->stacked, all) +
                        vectors_fresh(spec, s, !s->swapped, s->lane, width, all));
    }
    if (s->group > 1) return (double)(width * LANES * bytes) / 64; /* the next tile has another panel */
    double lanes = summed * width * LANES * bytes > NEAR_BYTES ? (double)(width * LANES * bytes) / 64 : 0;
    if (side_count(spec, s->swapped) * s->total * bytes <= NEAR_BYTES) return lanes;
    if (step < 64) return lanes + (double)(rows * step) / 64;
    return lanes + (summed > 256 || (step % 2048 == 0 && summed > 24));
}
/* Rows a multiple of 4 KiB apart: more than 8 of them fall out of their set in L1. */
static bool rows_close(const TileSpec *spec, const TileShape *s, i64 bytes) {
    i64 stride = s->row < 0 ? 0 : axis_stride(&spec->axes[s->row], s->swapped) * bytes, step = s->sums.n ? s->sums.v[s->sums.n - 1].row * bytes : 0;
    return stride && stride % 4096 == 0 && step && step < 64 && step > -64;
}
static double step_cycles(const TileSpec *spec, const TileShape *s, i64 rows, i64 width, LoopElem elem) {
    i64 each = registers_each(spec, elem), registers = width * each, bytes = elem_bytes(elem);
    bool unaligned = s->pack == PACK_NONE && s->sums.n && s->sums.v[s->sums.n - 1].lane * bytes % 64 != 0; /* vectors cross lines */
    double work = (double)(rows * registers) / 2, loads = (double)((s->along < 0 ? rows : rows * each) + registers * (1 + unaligned));
    double cycles = larger(larger(work, loads / 2), 4) * (rows > 8 && rows_close(spec, s, bytes) ? 1.2 : 1);
    double fresh = lines_fresh(spec, s, rows, width, bytes);
    if (s->strip) return cycles + 0.15 * loads + 0.5 * fresh; /* which come while the strip before is finished */
    bool afar = s->loose && side_count(spec, !s->swapped) * s->total * bytes > L3_BYTES; /* prefetched, and better in long runs */
    return cycles + 0.15 * loads + (afar ? 1.4 : 0.7 * fresh + (s->loose ? 0.5 : 0)) + 0.4;
}
/* Of a finish of so many rows. Short runs of stores in a result that does not stay in L1 wait for their lines; with strips runs of
** loads as well. */
static double finish_cycles(const TileSpec *spec, const TileShape *s, i64 rows, i64 registers, i64 bytes) {
    bool far = side_count(spec, false) * side_count(spec, true) * bytes > NEAR_BYTES;
    bool shared = s->lanes * bytes % 4096 == 0; /* lines of all rows are in the same sets */
    double cycles = 10 + (double)rows * (far ? shared ? 8 : 3 : 1) + 2.0 * (double)(rows * registers);
    if (s->strip) return 40 + 24.0 * (double)rows + 2.0 * (double)(rows * registers);
    if (s->turned) return cycles + 50.0 * (double)registers;
    return spec->unit < 0 || (s->lane == spec->unit && s->along < 0) ? cycles : cycles + 30.0 * (double)(rows * registers);
}
/* Of all tiles of one panel's width. */
static double panel_cycles(const TileSpec *spec, const TileShape *s, LoopElem elem, i64 width) {
    const TileDeal *d = &s->row_deal;
    i64 registers = width * registers_each(spec, elem), bytes = elem_bytes(elem);
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        i64 count = k ? d->n - d->high : d->high, rows = (d->size + !k) * s->stacked;
        double tile = (double)s->total * step_cycles(spec, s, rows, width, elem);
        sum += (double)count * (tile + finish_cycles(spec, s, rows, registers, bytes));
    }
    return sum * (double)(side_count(spec, s->swapped) / (s->rows * s->stacked));
}
/* Lines of panels: what batch axes and other axes of the lanes' side make of the one. */
static i64 panels_apart(const TileSpec *spec, const TileShape *s) {
    return side_count(spec, !s->swapped) * extents(spec, 0, spec->n_batch) / s->lanes;
}
static double pack_cycles(const TileSpec *spec, const TileShape *s, LoopElem elem) {
    static const double EACH[] = {[PACK_NONE] = 0, [PACK_COPY] = 1.5, [PACK_TURN] = 3, [PACK_GATHER] = 10};
    double vectors = (double)quotient_up(s->lanes, LANES), each = EACH[s->pack] * registers_each(spec, elem);
    double rows = s->pack == PACK_COPY && s->group == 1 ? 20 * (double)s->panel_deal.n : 0; /* a short run of each row, from afar */
    return (vectors * each + rows) * (double)quotient_up(s->total, LANES) * LANES;
}
static void price(const TileSpec *spec, TileShape *s, LoopElem elem) {
    const TileDeal *d = &s->panel_deal;
    double one = pack_cycles(spec, s, elem);
    if (d->high) one += (double)d->high * panel_cycles(spec, s, elem, d->size + 1);
    one += (double)(d->n - d->high) * panel_cycles(spec, s, elem, d->size);
    int widths = 1 + (d->high > 0), bodies = widths * (1 + (s->row_deal.high > 0) + (s->pack == PACK_TURN));
    i64 times = panels_apart(spec, s);
    if (s->group > 1) {
        double tiles = (double)d->n / (double)s->group * (double)(side_count(spec, s->swapped) / s->rows * s->row_deal.n);
        one += tiles * (3 + 0.5 * (double)s->group) * (double)s->total; /* the strip; partial sums of each block and panel */
    }
    s->cycles = one * (double)times * (1 + BODY * (bodies - 1) + (s->turned ? TURNED + TURNED_OPERATION * spec->finish_operations : 0)) + (s->turned ? TURNED_CODE : 0);
}

/* ---- choice ---- */

static i64 partial_rows_least(const TileShape *s) {
    return tile_cut(s) ? (s->row_deal.size + (s->row_deal.high > 0)) * s->stacked : 0;
}
static bool fits_stack(const TileShape *s, int bytes) {
    i64 packed = s->pack == PACK_NONE ? 0 : s->group * pack_elements(s, shape_width(s));
    i64 partial = s->group * partial_rows_least(s) * shape_width(s) * LANES;
    if (s->group > 1) packed += pack_elements(s, 1);
    i64 turned = s->turned ? LANES * LANES : 0;
    i64 limit = (LOCAL_BYTES - 2 * PARTIAL_BYTES) / bytes; /* partial sums may take a little more, as tiles differ in rows */
    return packed + partial + turned <= limit;
}
/* Panels of a strip, dealt evenly; 0: not even one, or the sum has no step for each row. */
static i64 strip_panels(const TileShape *s) {
    i64 rows = s->row_deal.size + (s->row_deal.high > 0), panel = shape_width(s) * LANES * s->bytes;
    i64 most = lesser(STRIP_BYTES / (2 * rows * panel), STRIP_PANELS / (s->total * panel));
    return most && s->total >= rows ? quotient_up(s->panel_deal.n, quotient_up(s->panel_deal.n, most)) : 0;
}
/* Rows of results lie side by side in memory along the lanes, and there are no other axes; the sum is one loop. */
static bool may_strip(const TileSpec *spec, const TileShape *s) {
    bool plain = spec->n_batch == 0 && spec->n_left == 1 && spec->n_right == 1 && s->row >= 0 && s->lane == spec->unit && s->along < 0;
    return plain && s->sums.n == 1 && !s->sums.v[0].window && s->total <= BLOCK && axis_stride(&spec->axes[s->lane], !s->swapped) == 1;
}
static void consider_rows(const TileSpec *spec, TileShape s, LoopElem elem, i64 width, TileShape *best, bool *found) {
    int bytes = elem_bytes(elem);
    s.panel_deal = deal(quotient_up(s.lanes, LANES), width);
    i64 most = rows_most(spec, elem, shape_width(&s), s.along >= 0) / s.stacked, before = 0;
    bool strips = s.strip > 0;
    for (i64 rows = most; rows >= 1; rows--) {
        s.row_deal = deal(s.rows, rows);
        if (s.row_deal.n == before) continue;
        before = s.row_deal.n;
        if (s.strip) s.strip = strip_panels(&s), s.block = s.total;
        else block_set(&s, shape_width(&s), s.row_deal.n * (side_count(spec, s.swapped) / (s.rows * s.stacked)), bytes);
        if (strips && !s.strip) continue;
        if (!fits_stack(&s, bytes)) continue;
        price(spec, &s, elem);
        if (*found && s.cycles >= best->cycles) continue;
        *best = s;
        *found = true;
    }
}
/* Long sums of rows that lie side by side: each step reads them from another line, so they are brought together, for several
** panels. Not where steps are a multiple of 4 KiB: what is prefetched shares few sets. */
static void consider_group(const TileSpec *spec, TileShape s, LoopElem elem, i64 width, TileShape *best, bool *found) {
    i64 panels = quotient_up(quotient_up(s.lanes, LANES), width), most = GROUP_BYTES / (width * LANES * s.bytes);
    if (s.row < 0 || s.turned || s.along >= 0 || s.rows != side_count(spec, s.swapped) || axis_stride(&spec->axes[s.row], s.swapped) != 1) return;
    if (s.total < GROUP_LEAST || panels < 2 || most < 2) return;
    s.group = quotient_up(panels, quotient_up(panels, most));
    consider_rows(spec, s, elem, width, best, found);
}
static void consider_widths(const TileSpec *spec, TileShape s, LoopElem elem, TileShape *best, bool *found) {
    i64 before = 0;
    for (i64 width = 1; rows_most(spec, elem, width, s.along >= 0) >= 1; width++) {
        i64 panels = quotient_up(quotient_up(s.lanes, LANES), width);
        if (panels == before) continue;
        before = panels;
        consider_rows(spec, s, elem, width, best, found);
        if (!s.loose && !s.strip) consider_group(spec, s, elem, width, best, found);
    }
}
static void consider(const TileSpec *spec, TileShape s, LoopElem elem, TileShape *best, bool *found) {
    if (axis_has_window(spec, s.lane) || (s.row >= 0 && axis_has_window(spec, s.row)) || (s.stack >= 0 && axis_has_window(spec, s.stack))) return;
    sums_set(spec, &s);
    s.pack = s.along < 0 ? pack_choose(spec, &s, elem) : PACK_NONE;
    s.bytes = elem_bytes(elem);
    s.far = s.total * side_count(spec, !s.swapped) > FAR;
    s.group = 1;
    s.lanes = spec->axes[s.lane].extent * (s.along < 0 ? 1 : LANES);
    s.rows = s.row < 0 ? 1 : spec->axes[s.row].extent;
    s.stacked = s.stack < 0 ? 1 : spec->axes[s.stack].extent;
    s.turned = spec->unit >= 0 && s.row == spec->unit && s.rows > 1 && s.along < 0;
    if (s.turned && tile_long(spec)) return;
    if (s.strip) {
        if (!may_strip(spec, &s)) return;
        s.pack = PACK_NONE;
    }
    if (s.stack >= 0 && (s.turned || s.stacked == 1 || s.stacked > STACKED || s.rows == 1 || s.rows > STACKED)) return;
    consider_widths(spec, s, elem, best, found);
    if (s.pack != PACK_COPY) return;
    s.pack = PACK_NONE;
    s.loose = true;
    consider_widths(spec, s, elem, best, found);
}
/* Addresses have few terms: what is around, a term or two for each axis, chunk, task, tile. */
static bool few_terms(const TileSpec *spec) {
    int around = spec->left.base.n > spec->right.base.n ? spec->left.base.n : spec->right.base.n, terms = around + 4;
    for (int i = 0; i < spec->n_batch + spec->n_left + spec->n_right; i++) terms += spec->axes[i].extent > 1;
    for (int i = 0; i < spec->n_sum; i++) terms += spec->sum[i].extent > 1;
    return terms <= LOOP_TERMS;
}
/* No axis can give rows; then a tile has one. */
static bool rows_all_have_windows(const TileSpec *spec, int first, int n) {
    for (int i = first; i < first + n; i++)
        if (!axis_has_window(spec, i)) return false;
    return true;
}
/* Every lane, row and stack of either side. */
static void consider_sides(const TileSpec *spec, int along, bool strips, LoopElem elem, TileShape *best, bool *found) {
    for (int swapped = 0; swapped < 2; swapped++) {
        int row, lane, n_rows, n_lanes;
        side_axes(spec, swapped, &row, &n_rows);
        side_axes(spec, !swapped, &lane, &n_lanes);
        for (int l = lane + n_lanes - 1; l >= lane; l--) {
            TileShape s = {.swapped = swapped, .row = -1, .lane = l, .stack = -1, .along = along, .strip = strips};
            if (rows_all_have_windows(spec, row, n_rows)) consider(spec, s, elem, best, found);
            for (s.row = row + n_rows - 1; s.row >= row && n_rows; s.row--) {
                s.stack = -1;
                consider(spec, s, elem, best, found);
                for (s.stack = row + n_rows - 1; s.stack > s.row; s.stack--) consider(spec, s, elem, best, found);
            }
        }
    }
}
bool shape_choose(const LoopBuilder *b, const TileSpec *spec, TileShape *best) {
    LoopElem elem = elem_of_dtype(b->function->buffers.v[spec->left.buffer].dtype);
    bool found = false;
    if (!few_terms(spec)) return false;
    if (spec->strips) consider_sides(spec, -1, true, elem, best, &found);
    if (found) return true;
    consider_sides(spec, -1, false, elem, best, &found);
    for (int i = 0; i < spec->n_batch; i++)
        if (spec->axes[i].extent == LANES && spec->axes[i].left == 1 && spec->axes[i].right == 1) consider_sides(spec, i, false, elem, best, &found);
    return found;
}

bool tile_possible(const LoopBuilder *b, const TileSpec *spec) {
    TileShape s;
    return shape_choose(b, spec, &s);
}
double tile_cycles(const LoopBuilder *b, const TileSpec *spec) {
    TileShape s;
    nnc_check(shape_choose(b, spec, &s), "no tile fits");
    return s.cycles;
}

/* ---- units and tasks ---- */

/* Row-side axes but the tile's own, the first `n` of them. */
static i64 outer_rows_count(const TileSpec *spec, const TileShape *s, int n) {
    int first, count;
    i64 product = 1;
    side_axes(spec, s->swapped, &first, &count);
    for (int i = first; i < first + count && n; i++) {
        if (in_tile_rows(s, i)) continue;
        product *= spec->axes[i].extent;
        n--;
    }
    return product;
}
static void chunks_set(TileUnits *u, const TileShape *s, i64 chunks) {
    i64 tiles = s->row_deal.n;
    u->each = quotient_up(tiles, lesser(chunks > 1 ? chunks : 1, tiles));
    u->chunks = quotient_up(tiles, u->each);
}
/* Rows along the outermost axis of their side, images of windows: a unit then has one row tile of them and walks over their places, which
** lie side by side; their lines stay in L2 from one row of places to the next. Where nothing is packed the first axis of places is
** walked by units, so that all panels find those lines. */
static bool images_apart(const TileSpec *spec, const TileShape *s) {
    int first, n;
    side_axes(spec, s->swapped, &first, &n);
    return n > 1 && s->row == first && s->stack < 0 && s->group == 1 && axis_stride(&spec->axes[s->row], s->swapped) > axis_stride(&spec->axes[first + 1], s->swapped);
}
static void image_units(TileUnits *u, const TileSpec *spec, const TileShape *s, int others, i64 most_rows) {
    i64 tile = s->row_deal.size + (s->row_deal.high > 0), places = side_count(spec, s->swapped) / s->rows;
    chunks_set(u, s, s->row_deal.n);
    u->outer_rows = s->pack == PACK_NONE ? others - 1 : 0;
    while (u->outer_rows < others && tile * places / outer_rows_count(spec, s, u->outer_rows) > most_rows) u->outer_rows++;
}
/* More units where tasks are wanted, as long as each packs its panel for 128 rows or more, 64 of the only one; smaller ones where partial sums of a
** unit would leave L2. */
TileUnits shape_units(const TileSpec *spec, const TileShape *s) {
    TileUnits u = {0};
    int first, n_side;
    side_axes(spec, s->swapped, &first, &n_side);
    int others = n_side - (s->row >= 0) - (s->stack >= 0);
    i64 side = side_count(spec, s->swapped), batch = extents(spec, 0, spec->n_batch);
    i64 units = panels_apart(spec, s) * quotient_up(s->panel_deal.n, s->group);
    double work = (double)batch * (double)side * (double)side_count(spec, !s->swapped) * (double)s->total;
    i64 wanted = work < (double)TASK_WORK * TASKS_WANTED ? (i64)(work / TASK_WORK) : TASKS_WANTED;
    i64 least_rows = s->pack == PACK_NONE ? 1 : units > 1 ? 128 : 64; /* else nothing is shared out at all */
    i64 most_rows = tile_cut(s) ? PARTIAL_BYTES / (s->group * shape_width(s) * LANES * (s->group > 1 ? s->bytes : 8)) : INT64_MAX;
    u.parallel = spec->parallel && wanted > 1;
    if (!u.parallel) wanted = 1;
    if (images_apart(spec, s)) {
        image_units(&u, spec, s, others, most_rows);
        return u;
    }
    if (s->group > 1) wanted = lesser(wanted, GROUP_TASKS);
    while (u.outer_rows < others) {
        i64 now = side / outer_rows_count(spec, s, u.outer_rows), next = side / outer_rows_count(spec, s, u.outer_rows + 1);
        bool split = units * outer_rows_count(spec, s, u.outer_rows) < wanted && next >= least_rows;
        if (!split && now <= most_rows) break;
        u.outer_rows++;
    }
    i64 rows = side / outer_rows_count(spec, s, u.outer_rows), chunks = 1; /* of a unit so far */
    units *= outer_rows_count(spec, s, u.outer_rows);
    if (units < wanted) chunks = lesser(quotient_up(wanted, units), rows / least_rows);
    if (rows > most_rows && quotient_up(rows, most_rows) > chunks) chunks = quotient_up(rows, most_rows);
    chunks_set(&u, s, chunks);
    if (units * u.chunks == 1) u.parallel = false;
    return u;
}

/* tile_strip.c: a product whose finish reads and writes other values as large as its result, as an optimizer's update does. A row tile
** with some panels is a strip; so many panels that two strips of results stay in L1 and the panels in L2. Results go to a local
** buffer; they are finished a few vectors at a time while the next strip is summed: division, roots and memory then work beside
** the multiply-adds.
**
**     for task (some row tiles), for block of panels, for row tile:
**         for panel of the block:
**             for piece of the sum:   finish some rows of this panel's tile before;  for k..: fma
**             store to this strip's half of the buffer
**         the last strip of a task: finish all of it
**
** Row tiles of either row count are a phase by itself. */
#include "tile_parts.h"

enum {
    STRIP_TASKS = 16, /* at most */
    STRIPS_EACH = 12  /* of a task at least, as its last one is finished alone */
};

typedef struct Strips {
    Tile *t;
    i64 rows, tiles;        /* of a row tile; row tiles of this phase */
    LoopAffine begin;       /* first row of the phase */
    i64 vectors;            /* of a row of the buffer */
    int buffer;             /* [2][rows][vectors][16] */
    const LoopFor *strip;   /* of the task */
    LoopAffine number;      /* of the strip in its phase */
    LoopAffine half, other; /* where this strip's results lie, and those of the strip before */
} Strips;
/* The vectors of a panel from one to another, in a row of a tile. */
typedef struct Vectors {
    i64 from, to;
    int active; /* lanes that count */
} Vectors;

static i64 half_elements(const Strips *s) { return s->rows * s->vectors * LANES; }
static LoopAffine first_row(const Strips *s, LoopAffine number) { return affine_plus(s->begin, affine_times(number, s->rows)); }
/* Where a vector of a row of the panel's tile lies in the buffer. */
static LoopAffine place(const Strips *s, LoopAffine half, LoopAffine row, LoopAffine vector) {
    LoopAffine in_row = affine_plus(affine_times(s->t->member, shape_width(&s->t->s)), vector);
    return affine_plus(half, affine_plus(affine_times(row, s->vectors * LANES), affine_times(in_row, LANES)));
}

/* ---- finish */

static void vector_finish(const Strips *s, LoopAffine number, LoopAffine half, LoopAffine row, LoopAffine vector, int active) {
    Tile at = *s->t;
    LoopValue *value = loop_load_lanes(at.b, s->buffer, place(s, half, row, vector), 1);
    at.at[at.s.row] = affine_plus(first_row(s, number), row);
    at.at[at.s.lane] = affine_plus(at.at[at.s.lane], affine_times(vector, LANES));
    TileCell cell = cell_at(&at, value, 0, 0, at.s.lane, active);
    at.spec->finish(at.spec->context, at.b, 1, &cell);
}
static void span_finish(const Strips *s, LoopAffine number, LoopAffine half, LoopAffine row, Vectors span) {
    LoopBuilder *b = s->t->b;
    if (span.from >= span.to) return;
    LoopFor *vector = loop_for(b, FOR_SERIAL, span.to - span.from, 1, 0, NULL);
    vector_finish(s, number, half, row, affine_loop(affine(span.from), vector, 1), span.active);
    loop_for_end(b, NULL);
}
/* A row of the panel's tile. */
static void row_finish(const Strips *s, const Kind *kind, LoopAffine number, LoopAffine half, LoopAffine row) {
    LoopBuilder *b = s->t->b;
    Vectors all = {0, kind->width, LANES}, whole = {0, kind->width - 1, LANES}, last = {kind->width - 1, kind->width, (int)tile_last(&s->t->s)};
    if (!kind->edge) {
        span_finish(s, number, half, row, all);
        return;
    }
    LoopAffine is_last = affine_plus(s->t->panel, affine(1 - s->t->s.panel_deal.n));
    span_finish(s, number, half, row, whole);
    if (!kind->always) loop_if(b, 1, &is_last);
    span_finish(s, number, half, row, last);
    if (kind->always) return;
    loop_else(b, 0, NULL);
    span_finish(s, number, half, row, (Vectors){last.from, last.to, LANES});
    loop_if_end(b, 0, NULL);
}
/* What the finish of a row of this tile will read is prefetched; of an uneven piece also what lies below the tile. */
static void row_ahead(const Strips *s, const Kind *kind, LoopAffine row) {
    if (!s->t->spec->ahead || !s->t->spec->before) return;
    Tile at = *s->t;
    TileCell *cells = ARENA_ARRAY(at.b->arena, TileCell, kind->width);
    at.at[at.s.row] = affine_plus(first_row(s, s->number), row);
    for (i64 j = 0; j < kind->width; j++) cells[j] = cell_at(&at, NULL, 0, j * LANES, at.s.lane, LANES);
    at.spec->before(at.spec->context, at.b, (int)kind->width, cells);
}
/* What goes with a piece of the sum: `each` rows. */
static void piece_finish(const Strips *s, const Kind *kind, const LoopFor *piece, i64 each) {
    LoopBuilder *b = s->t->b;
    LoopAffine there = affine_loop(affine(-1), s->strip, 1);
    bool uneven = piece->extent * each > kind->rows;
    for (i64 i = 0; i < each; i++) row_ahead(s, kind, affine_loop(affine(i), piece, each));
    loop_if(b, 1, &there);
    LoopFor *one = loop_for(b, FOR_SERIAL, each, 1, 0, NULL);
    LoopAffine row = affine_loop(affine_loop(affine(0), piece, each), one, 1), inside = affine_plus(affine(kind->rows - 1), affine_times(row, -1));
    if (uneven) loop_if(b, 1, &inside);
    row_finish(s, kind, affine_plus(s->number, affine(-1)), s->other, row);
    if (uneven) loop_if_end(b, 0, NULL);
    loop_for_end(b, NULL);
    loop_if_end(b, 0, NULL);
}

/* ---- panels of the block */

/* Opens a loop over those of the larger width, or the other; false: there are none. */
static bool panels_begin(const Strips *s, bool wide, Kind *kind) {
    Tile *t = s->t;
    if (wide && !t->s.panel_deal.high) return false;
    *kind = (Kind){.rows = s->rows};
    panels_open(t, t->s.strip, wide, kind);
    t->at[t->s.row] = first_row(s, s->number);
    return true;
}
static void strip_finish(const Strips *s) {
    LoopBuilder *b = s->t->b;
    Kind kind;
    for (int wide = 1; wide >= 0; wide--) {
        if (!panels_begin(s, wide, &kind)) continue;
        LoopFor *row = loop_for(b, FOR_SERIAL, s->rows, 1, 0, NULL);
        row_finish(s, &kind, s->number, s->half, affine_loop(affine(0), row, 1));
        loop_for_end(b, NULL);
        loop_for_end(b, NULL);
    }
}

/* ---- sum */

static void tile_sum(Strips *s, const Kind *kind) {
    Tile *t = s->t;
    int n = (int)(kind->rows * kind->width);
    LoopValue **acc = ARENA_ARRAY(t->b->arena, LoopValue *, n);
    const TileSum *sum = &t->s.sums.v[0];
    i64 pieces = strip_pieces(&t->s, s->rows), length = sum->extent / pieces;
    TileSums sums = {2, {{.extent = pieces, .row = sum->row * length, .lane = sum->lane * length}, {.extent = length, .row = sum->row, .lane = sum->lane}}};
    LoopAffine row_at = tile_address(t, false), lane_at = tile_address(t, true);
    LoopFor *loops[2];
    acc_zero(t, kind, acc);
    for (int i = 0; i < 2; i++) {
        loops[i] = loop_for(t->b, FOR_SERIAL, sums.v[i].extent, 1, n, acc);
        memcpy(acc, loops[i]->acc, sizeof *acc * (size_t)n);
        if (i == 0) piece_finish(s, kind, loops[0], quotient_up(s->rows, pieces));
        row_at = affine_loop(row_at, loops[i], sums.v[i].row);
        lane_at = affine_loop(lane_at, loops[i], sums.v[i].lane);
    }
    acc_step(t, kind, row_at, lane_at, acc);
    for (int i = 1; i >= 0; i--) {
        loop_for_end(t->b, acc);
        memcpy(acc, loops[i]->results, sizeof *acc * (size_t)n);
    }
    for (i64 i = 0; i < n; i++) loop_store(t->b, s->buffer, place(s, s->half, affine(i / kind->width), affine(i % kind->width)), acc[i]);
}
static void strip_sum(Strips *s) {
    Kind kind;
    for (int wide = 1; wide >= 0; wide--) {
        if (!panels_begin(s, wide, &kind)) continue;
        tile_sum(s, &kind);
        loop_for_end(s->t->b, NULL);
    }
}

/* ---- strips */

static void halves_set(Strips *s) {
    LoopBuilder *b = s->t->b;
    LoopValue *at = loop_index(b, affine_loop(affine(0), s->strip, 1)), *two = loop_int(b, ELEM_I32, 2);
    LoopValue *odd = loop_clamp(b, loop_op(b, LOP_sub, at, loop_op(b, LOP_mul, loop_op(b, LOP_div, at, two), two)), 0, 1);
    s->half = affine_value(affine(0), odd, half_elements(s));
    s->other = affine_plus(affine(half_elements(s)), affine_times(s->half, -1));
}
static void phase_emit(Strips *s) {
    Tile *t = s->t;
    LoopBuilder *b = t->b;
    i64 strips = s->tiles, tasks = STRIP_TASKS, blocks = quotient_up(t->s.panel_deal.n, t->s.strip);
    while (tasks > strips / STRIPS_EACH) tasks /= 2; /* a few threads get equal shares */
    bool parallel = t->spec->parallel && tasks > 1;
    i64 each = parallel ? quotient_up(strips, tasks) : strips;
    s->buffer = loop_local(b, t->elem == ELEM_F64 ? DT_f64 : DT_f32, 2 * half_elements(s));
    LoopFor *task = parallel ? loop_for(b, FOR_PARALLEL, quotient_up(strips, each), 1, 0, NULL) : NULL;
    if (t->spec->begin) t->spec->begin(t->spec->context, b);
    LoopFor *block = blocks > 1 ? loop_for(b, FOR_SERIAL, blocks, 1, 0, NULL) : NULL;
    t->set = block ? affine_loop(affine(0), block, 1) : affine(0);
    LoopAffine start = task ? affine_loop(affine(0), task, each) : affine(0), left = affine_plus(affine(strips), affine_times(start, -1));
    LoopFor *strip = loop_for_within(b, FOR_SERIAL, each, NULL, strips % each ? &left : NULL, 0, NULL);
    s->strip = strip;
    s->number = affine_loop(start, strip, 1);
    halves_set(s);
    strip_sum(s);
    LoopValue *one = loop_int(b, ELEM_I32, 1), *next = loop_op(b, LOP_add, loop_index(b, affine_loop(affine(0), strip, 1)), one);
    LoopValue *more = loop_op(b, LOP_add, loop_index(b, s->number), one);
    LoopValue *last = loop_op(b, LOP_or, loop_op(b, LOP_eq, next, loop_int(b, ELEM_I32, each)), loop_op(b, LOP_eq, more, loop_int(b, ELEM_I32, strips)));
    loop_if_mask(b, last);
    strip_finish(s);
    loop_if_end(b, 0, NULL);
    loop_for_end(b, NULL);
    if (block) loop_for_end(b, NULL);
    if (task) loop_for_end(b, NULL);
    if (task) loop_sync(b); /* the next phase's tasks have the same numbers */
}
void strips_emit(Tile *t) {
    const TileDeal *d = &t->s.row_deal;
    t->packed = t->partial = t->strip = -1;
    for (int high = 1; high >= 0; high--) {
        Strips s = {.t = t, .rows = d->size + high, .tiles = high ? d->high : d->n - d->high, .begin = affine(high ? 0 : d->high * (d->size + 1))};
        if (!s.tiles) continue;
        s.vectors = t->s.strip * shape_width(&t->s);
        t->units = (TileUnits){.chunks = 1, .each = 1};
        phase_emit(&s);
    }
}

/* tile_strip.c: a product whose finish reads and writes other values as large as its result, as an optimizer's update does. A row tile
** with some panels is a strip; so many panels that two strips of results stay in L1 and the panels in L2. Results go to a local
** buffer; they are finished a few vectors at a time while the next strip is summed: division, roots and memory then work beside
** the multiply-adds.
**
**     for task (some row tiles), for block of panels, for row tile:
**         for panel of the block:
**             for vector of this panel's tile before:   finish it;  for k, some steps: fma
**             store to this strip's half of the buffer
**         the last strip of a task: finish all of it
**
** Row tiles of either row count are a phase by itself. */
#include "tile_parts.h"

enum {
    STRIP_TASKS = 16, /* at most */
    STRIPS_EACH = 12, /* of a task at least, as its last one is finished alone */
    LEAST_STEPS = 4   /* of the sum that go with a vector, else with a row */
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
static i64 half_elements(const Strips *s) { return s->rows * s->vectors * LANES; }
static LoopAffine first_row(const Strips *s, LoopAffine number) { return affine_plus(s->begin, affine_times(number, s->rows)); }
/* Where a vector of a row of the panel's tile lies in the buffer. */
static LoopAffine place(const Strips *s, LoopAffine half, LoopAffine row, LoopAffine vector) {
    LoopAffine in_row = affine_plus(affine_times(s->t->member, shape_width(&s->t->s)), vector);
    return affine_plus(half, affine_plus(affine_times(row, s->vectors * LANES), affine_times(in_row, LANES)));
}

/* ---- finish */

static void lanes_finish(const Strips *s, LoopAffine number, LoopAffine half, LoopAffine row, LoopAffine vector, int active) {
    Tile at = *s->t;
    LoopValue *value = loop_load_lanes(at.b, s->buffer, place(s, half, row, vector), 1);
    at.at[at.s.row] = affine_plus(first_row(s, number), row);
    at.at[at.s.lane] = affine_plus(at.at[at.s.lane], affine_times(vector, LANES));
    TileCell cell = cell_at(&at, value, 0, 0, at.s.lane, active);
    at.spec->finish(at.spec->context, at.b, 1, &cell);
}
/* A vector of a row of the panel's tile in strip `number`; the last of all panels may be short. */
static void vector_finish(const Strips *s, const Kind *kind, LoopAffine number, LoopAffine half, LoopAffine row, LoopAffine vector) {
    LoopBuilder *b = s->t->b;
    if (!kind->edge) {
        lanes_finish(s, number, half, row, vector, LANES);
        return;
    }
    i64 last = kind->width - 1;
    LoopAffine before_last = affine_plus(affine(last - 1), affine_times(vector, -1)), before_panel = affine_plus(affine(s->t->s.panel_deal.n - 2), affine_times(s->t->panel, -1));
    loop_if(b, 1, &before_last);
    lanes_finish(s, number, half, row, vector, LANES);
    loop_else(b, 0, NULL);
    if (!kind->always) {
        loop_if(b, 1, &before_panel);
        lanes_finish(s, number, half, row, affine(last), LANES);
        loop_else(b, 0, NULL);
    }
    lanes_finish(s, number, half, row, affine(last), (int)tile_last(&s->t->s));
    if (!kind->always) loop_if_end(b, 0, NULL);
    loop_if_end(b, 0, NULL);
}
/* What the finish of a vector of this tile will read is prefetched. */
static void vector_ahead(const Strips *s, LoopAffine row, LoopAffine vector) {
    Tile at = *s->t;
    if (!at.spec->ahead || !at.spec->before) return;
    at.at[at.s.row] = affine_plus(first_row(s, s->number), row);
    at.at[at.s.lane] = affine_plus(at.at[at.s.lane], affine_times(vector, LANES));
    TileCell cell = cell_at(&at, NULL, 0, 0, at.s.lane, LANES);
    at.spec->before(at.spec->context, at.b, 1, &cell);
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
        LoopFor *row = loop_for(b, FOR_SERIAL, s->rows, 1, 0, NULL), *vector = loop_for(b, FOR_SERIAL, kind.width, 1, 0, NULL);
        vector_finish(s, &kind, s->number, s->half, affine_loop(affine(0), row, 1), affine_loop(affine(0), vector, 1));
        loop_for_end(b, NULL);
        loop_for_end(b, NULL);
        loop_for_end(b, NULL);
    }
}

/* ---- sum */

/* Some steps of the sum, from `first` on and as far as the loops around are. */
static void steps_sum(const Strips *s, const Kind *kind, i64 steps, LoopAffine first, LoopValue **acc) {
    Tile *t = s->t;
    const TileSum *sum = &t->s.sums.v[0];
    int n = (int)(kind->rows * kind->width);
    if (!steps) return;
    LoopFor *step = loop_for(t->b, FOR_SERIAL, steps, 1, n, acc);
    LoopAffine at = affine_loop(first, step, 1);
    memcpy(acc, step->acc, sizeof *acc * (size_t)n);
    acc_step(t, kind, affine_plus(tile_address(t, false), affine_times(at, sum->row)), affine_plus(tile_address(t, true), affine_times(at, sum->lane)), acc);
    loop_for_end(t->b, acc);
    memcpy(acc, step->results, sizeof *acc * (size_t)n);
}
/* The tile, and beside it the finish of the one before: with each of its vectors, or of its rows, go some steps, the rest come last. */
static void tile_sum(Strips *s, const Kind *kind) {
    Tile *t = s->t;
    i64 total = t->s.sums.v[0].extent, width = kind->width, steps = total / (kind->rows * width);
    int n = (int)(kind->rows * width);
    bool rows = steps < LEAST_STEPS;
    LoopValue **acc = ARENA_ARRAY(t->b->arena, LoopValue *, n);
    LoopAffine there = affine_loop(affine(-1), s->strip, 1), before = affine_plus(s->number, affine(-1));
    if (rows) steps = total / kind->rows;
    acc_zero(t, kind, acc);
    LoopFor *row = loop_for(t->b, FOR_SERIAL, kind->rows, 1, n, acc);
    LoopAffine r = affine_loop(affine(0), row, 1), first = affine_times(r, rows ? steps : steps * width);
    memcpy(acc, row->acc, sizeof *acc * (size_t)n);
    LoopFor *vector = loop_for(t->b, FOR_SERIAL, width, 1, rows ? 0 : n, acc);
    if (!rows) memcpy(acc, vector->acc, sizeof *acc * (size_t)n);
    LoopAffine v = affine_loop(affine(0), vector, 1);
    vector_ahead(s, r, v);
    loop_if(t->b, 1, &there);
    vector_finish(s, kind, before, s->other, r, v);
    loop_if_end(t->b, 0, NULL);
    if (!rows) steps_sum(s, kind, steps, affine_loop(first, vector, steps), acc);
    loop_for_end(t->b, rows ? NULL : acc);
    if (rows) steps_sum(s, kind, steps, first, acc);
    else memcpy(acc, vector->results, sizeof *acc * (size_t)n);
    loop_for_end(t->b, acc);
    memcpy(acc, row->results, sizeof *acc * (size_t)n);
    i64 done = kind->rows * steps * (rows ? 1 : width);
    steps_sum(s, kind, total - done, affine(done), acc);
    for (i64 i = 0; i < n; i++) loop_store(t->b, s->buffer, place(s, s->half, affine(i / width), affine(i % width)), acc[i]);
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
        phase_emit(&s);
    }
}

/* tile_strip.c: a product whose finish reads and writes other values as large as its result, as an optimizer's update does, by strips of
** whole rows. A strip is some row tiles with all panels. Its results go to a local buffer; they are finished a vector at a time, row by
** row, so that memory is walked in its own order, while the next strip is summed: division, roots and memory then work beside the
** multiply-adds.
**
**     for strip (tasks: several strips each):
**         for panel, for row tile of the strip:
**             for piece of the sum:   finish some vectors of the strip before;  for k..: fma
**             store to this strip's half of the buffer
**         the last strip of a task: finish all of it
**
** Row tiles of either row count are a phase by itself. */
#include "tile_parts.h"

enum {
    STRIP_TASKS = 16, /* at most */
    STRIPS_EACH = 12, /* of a task at least, as its last one is finished alone */
    AHEAD = 2         /* row tiles from a prefetch to its use */
};

typedef struct Strips {
    Tile *t;
    i64 rows, tiles;        /* of a row tile; row tiles of this phase */
    LoopAffine begin;       /* first row of the phase */
    i64 vectors;            /* of a row */
    i64 all;                /* vectors of a strip */
    int buffer;             /* [2][rows of a strip][vectors][16] */
    const LoopFor *strip;   /* of the task */
    LoopAffine number;      /* of the strip in its phase */
    LoopAffine half, other; /* where this strip's results lie, and those of the strip before */
    LoopAffine before;      /* vectors of the strip that earlier tiles of it have, panel by panel */
} Strips;
/* How the vectors of the strip before, as many as a tile has, go with its sum. */
typedef struct Pieces {
    i64 n, some; /* pieces; vectors with each */
    i64 all;     /* of the tile */
} Pieces;

static i64 half_elements(const Strips *s) { return s->all * LANES; }
static LoopAffine first_row(const Strips *s, LoopAffine number) { return affine_plus(s->begin, affine_times(number, s->t->s.strip * s->rows)); }

static i64 whole_strips(const Strips *s) { return s->tiles / s->t->s.strip; }

/* ---- finish */

/* The vector `column` of a row of a strip. */
static void vector_finish(const Strips *s, LoopAffine number, LoopAffine half, LoopAffine row, LoopAffine column, int active) {
    Tile at = *s->t;
    LoopAffine lane = affine_times(column, LANES);
    LoopAffine from = affine_plus(half, affine_plus(affine_times(row, s->vectors * LANES), lane));
    LoopValue *value = loop_load_lanes(at.b, s->buffer, from, 1);
    at.at[at.s.row] = affine_plus(first_row(s, number), row);
    at.at[at.s.lane] = lane;
    TileCell cell = cell_at(&at, value, 0, 0, at.s.lane, active);
    at.spec->finish(at.spec->context, at.b, 1, &cell);
}
/* What the finish of a later vector reads is prefetched; it may lie past the row, where rows lie side by side. */
static void vector_ahead(const Strips *s, const Pieces *p, LoopAffine number, LoopAffine row, LoopAffine column) {
    Tile at = *s->t;
    if (!at.spec->ahead || !at.spec->before) return;
    at.at[at.s.row] = affine_plus(first_row(s, number), row);
    at.at[at.s.lane] = affine_plus(affine_times(column, LANES), affine(AHEAD * p->all * LANES));
    TileCell cell = cell_at(&at, NULL, 0, 0, at.s.lane, LANES);
    at.spec->before(at.spec->context, at.b, 1, &cell);
}
/* The vector at a place of the strip before. Where rows touch, it is further along the first. */
static void placed_finish(const Strips *s, const Pieces *p, LoopAffine place) {
    LoopBuilder *b = s->t->b;
    LoopAffine number = affine_plus(s->number, affine(-1));
    int last = (int)tile_last(&s->t->s);
    if (!last && s->t->spec->touching) {
        vector_ahead(s, p, number, affine(0), place);
        vector_finish(s, number, s->other, affine(0), place, LANES);
        return;
    }
    LoopValue *at = loop_index(b, place), *vectors = loop_int(b, ELEM_I32, s->vectors), *row = loop_op(b, LOP_div, at, vectors);
    LoopValue *column = loop_op(b, LOP_sub, at, loop_op(b, LOP_mul, row, vectors));
    LoopAffine r = affine_value(affine(0), loop_clamp(b, row, 0, s->all / s->vectors - 1), 1);
    LoopAffine c = affine_value(affine(0), loop_clamp(b, column, 0, s->vectors - 1), 1), inside = affine_plus(affine(s->vectors - 2), affine_times(c, -1));
    vector_ahead(s, p, number, r, c);
    if (!last) {
        vector_finish(s, number, s->other, r, c, LANES);
        return;
    }
    loop_if(b, 1, &inside);
    vector_finish(s, number, s->other, r, c, LANES);
    loop_else(b, 0, NULL);
    vector_finish(s, number, s->other, r, affine(s->vectors - 1), last);
    loop_if_end(b, 0, NULL);
}
/* What goes with a piece of the sum. */
static void piece_finish(const Strips *s, const Pieces *p, const LoopFor *piece) {
    LoopBuilder *b = s->t->b;
    LoopAffine there[2] = {affine_loop(affine(-1), s->strip, 1), affine_plus(affine(whole_strips(s) - 1), affine_times(s->number, -1))};
    loop_if(b, s->tiles % s->t->s.strip ? 2 : 1, there);
    LoopFor *one = loop_for(b, FOR_SERIAL, p->some, 1, 0, NULL);
    LoopAffine within = affine_loop(affine_loop(affine(0), piece, p->some), one, 1), inside = affine_plus(affine(p->all - 1), affine_times(within, -1));
    if (p->n * p->some > p->all) loop_if(b, 1, &inside);
    placed_finish(s, p, affine_plus(s->before, within));
    if (p->n * p->some > p->all) loop_if_end(b, 0, NULL);
    loop_for_end(b, NULL);
    loop_if_end(b, 0, NULL);
}
/* Row tiles of the strip, of which the last may have fewer. */
static LoopFor *tiles_open(const Strips *s) {
    LoopAffine left = affine_plus(affine(s->tiles), affine_times(s->number, -s->t->s.strip));
    return loop_for_within(s->t->b, FOR_SERIAL, s->t->s.strip, NULL, s->tiles % s->t->s.strip ? &left : NULL, 0, NULL);
}
static void strip_finish(const Strips *s) {
    LoopBuilder *b = s->t->b;
    i64 whole = s->t->s.lanes / LANES;
    LoopFor *tile = tiles_open(s), *row = loop_for(b, FOR_SERIAL, s->rows, 1, 0, NULL);
    LoopAffine r = affine_loop(affine_loop(affine(0), tile, s->rows), row, 1);
    if (whole) {
        LoopFor *column = loop_for(b, FOR_SERIAL, whole, 1, 0, NULL);
        vector_finish(s, s->number, s->half, r, affine_loop(affine(0), column, 1), LANES);
        loop_for_end(b, NULL);
    }
    if (tile_last(&s->t->s)) vector_finish(s, s->number, s->half, r, affine(whole), (int)tile_last(&s->t->s));
    loop_for_end(b, NULL);
    loop_for_end(b, NULL);
}
/* A last strip of fewer tiles has not enough of them for the strip before, which is finished alone. */
static void rest_finish(const Strips *s) {
    LoopAffine there[2] = {affine_loop(affine(-1), s->strip, 1), affine_plus(s->number, affine(-whole_strips(s)))};
    if (s->tiles % s->t->s.strip == 0) return;
    Strips before = *s;
    before.number = affine_plus(s->number, affine(-1));
    before.half = s->other;
    loop_if(s->t->b, 2, there);
    strip_finish(&before);
    loop_if_end(s->t->b, 0, NULL);
}

/* ---- sum */

/* So many pieces that vectors are dealt evenly, and each has some steps of the sum. */
static Pieces pieces_of(const Strips *s, i64 all) {
    i64 total = s->t->s.sums.v[0].extent, least = INT64_MAX;
    Pieces p = {.n = 1, .all = all};
    for (i64 n = 1; n <= all && total / n >= 8; n++) {
        i64 dealt = n * quotient_up(all, n);
        if (total % n || dealt > least) continue;
        least = dealt;
        p.n = n;
    }
    p.some = quotient_up(all, p.n);
    return p;
}
static void tile_sum(Strips *s, const Kind *kind) {
    Tile *t = s->t;
    int n = (int)(kind->rows * kind->width);
    LoopValue **acc = ARENA_ARRAY(t->b->arena, LoopValue *, n);
    const TileSum *sum = &t->s.sums.v[0];
    Pieces pieces = pieces_of(s, n);
    i64 length = sum->extent / pieces.n;
    TileSums sums = {2, {{.extent = pieces.n, .row = sum->row * length, .lane = sum->lane * length}, {.extent = length, .row = sum->row, .lane = sum->lane}}};
    LoopAffine row_at = tile_address(t, false), lane_at = tile_address(t, true);
    LoopFor *loops[2];
    acc_zero(t, kind, acc);
    for (int i = 0; i < 2; i++) {
        loops[i] = loop_for(t->b, FOR_SERIAL, sums.v[i].extent, 1, n, acc);
        memcpy(acc, loops[i]->acc, sizeof *acc * (size_t)n);
        if (i == 0) piece_finish(s, &pieces, loops[0]);
        row_at = affine_loop(row_at, loops[i], sums.v[i].row);
        lane_at = affine_loop(lane_at, loops[i], sums.v[i].lane);
    }
    acc_step(t, kind, row_at, lane_at, acc);
    tile_prefetch(t, kind, &sums, loops);
    for (int i = 1; i >= 0; i--) {
        loop_for_end(t->b, acc);
        memcpy(acc, loops[i]->results, sizeof *acc * (size_t)n);
    }
    LoopAffine row = affine_plus(t->at[t->s.row], affine_times(first_row(s, s->number), -1));
    LoopAffine to = affine_plus(s->half, affine_plus(affine_times(row, s->vectors * LANES), t->at[t->s.lane]));
    for (i64 i = 0; i < n; i++)
        loop_store(t->b, s->buffer, affine_plus(to, affine(i / kind->width * s->vectors * LANES + i % kind->width * LANES)), acc[i]);
}
static void panels_sum(Strips *s) {
    Tile *t = s->t;
    for (int wide = 1; wide >= 0; wide--) {
        Kind kind = {.rows = s->rows};
        if (wide && !t->s.panel_deal.high) continue;
        t->s.group = t->s.panel_deal.n;
        panels_open(t, wide, &kind);
        t->s.group = 1;
        LoopFor *tile = tiles_open(s);
        t->turn = affine_loop(affine(0), tile, 1);
        t->at[t->s.row] = affine_loop(first_row(s, s->number), tile, s->rows);
        LoopAffine left = affine_plus(affine_times(t->panel, kind.width), affine(wide ? 0 : t->s.panel_deal.high)); /* vectors of a row */
        s->before = affine_plus(affine_times(left, t->s.strip * s->rows), affine_times(t->turn, s->rows * kind.width));
        tile_sum(s, &kind);
        loop_for_end(t->b, NULL);
        loop_for_end(t->b, NULL);
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
    i64 strips = quotient_up(s->tiles, t->s.strip), tasks = STRIP_TASKS;
    while (tasks > strips / STRIPS_EACH) tasks /= 2; /* a few threads get equal shares */
    bool parallel = t->spec->parallel && tasks > 1;
    i64 each = parallel ? quotient_up(strips, tasks) : strips;
    s->buffer = loop_local(b, t->elem == ELEM_F64 ? DT_f64 : DT_f32, 2 * half_elements(s));
    LoopFor *task = parallel ? loop_for(b, FOR_PARALLEL, quotient_up(strips, each), 1, 0, NULL) : NULL;
    if (t->spec->begin) t->spec->begin(t->spec->context, b);
    LoopAffine start = task ? affine_loop(affine(0), task, each) : affine(0), left = affine_plus(affine(strips), affine_times(start, -1));
    LoopFor *strip = loop_for_within(b, FOR_SERIAL, each, NULL, strips % each ? &left : NULL, 0, NULL);
    s->strip = strip;
    s->number = affine_loop(start, strip, 1);
    halves_set(s);
    rest_finish(s);
    panels_sum(s);
    LoopValue *one = loop_int(b, ELEM_I32, 1), *next = loop_op(b, LOP_add, loop_index(b, affine_loop(affine(0), strip, 1)), one);
    LoopValue *more = loop_op(b, LOP_add, loop_index(b, s->number), one);
    LoopValue *last = loop_op(b, LOP_or, loop_op(b, LOP_eq, next, loop_int(b, ELEM_I32, each)), loop_op(b, LOP_eq, more, loop_int(b, ELEM_I32, strips)));
    loop_if_mask(b, last);
    strip_finish(s);
    loop_if_end(b, 0, NULL);
    loop_for_end(b, NULL);
    if (task) loop_for_end(b, NULL);
    if (task) loop_sync(b); /* the next phase's tasks have the same numbers */
}
void strips_emit(Tile *t) {
    const TileDeal *d = &t->s.row_deal;
    t->packed = t->partial = t->strip = -1;
    for (int high = 1; high >= 0; high--) {
        Strips s = {.t = t, .rows = d->size + high, .tiles = high ? d->high : d->n - d->high, .begin = affine(high ? 0 : d->high * (d->size + 1))};
        if (!s.tiles) continue;
        s.vectors = quotient_up(t->s.lanes, LANES);
        s.all = t->s.strip * s.rows * s.vectors;
        t->units = (TileUnits){.chunks = 1, .each = t->s.strip};
        phase_emit(&s);
    }
}

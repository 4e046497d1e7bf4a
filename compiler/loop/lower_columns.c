/* lower_columns.c: 16 short rows side by side, lanes going over rows: a column is no row of memory. So the rows are loaded as they lie and
** turned in registers, and what is stored is turned back: gathering 16 places takes as long as half of that for all columns together.
**
** Open while the columns of a row are written out one after another, each with its place as a number. Loads see what was there before any
** of the stores: lower_rows.c reads an element before it writes one. */
#include "lower.h"

enum { LEAST = 6 }; /* columns, below which gathering is as fast */

struct Columns {
    int buffer, filled;
    i64 stride; /* between rows */
    LoopAffine base;
    LoopValue *v[LANES];
    Columns *next;
};

void columns_open(Lower *w, int group) {
    i64 extent = w->groups.v[group].extent;
    w->columns = extent >= LEAST && extent <= LANES ? group : -1;
    w->loaded = w->pending = NULL;
}
void columns_close(Lower *w) {
    nnc_check(!w->pending, "columns of %s that were never stored", w->b.function->name);
    w->columns = -1;
}
/* Is this the place of a column? Then rows lie `stride` apart, the first begins at `base`. */
static bool column_at(Lower *w, int buffer, LoopAffine form, LoopElem elem, Columns *place, int *column) {
    if (w->trial || w->columns < 0 || w->active < LEAST || w->guard || elem != ELEM_F32) return false;
    AxisGroup *group = &w->groups.v[w->columns];
    LoopAffine at = group->at, end;
    i64 lane, step;
    group->at = affine(0);
    LoopAffine base = axes_realise(w, &form, &lane);
    group->at = affine(1);
    end = axes_realise(w, &form, &lane);
    group->at = at;
    step = end.constant - base.constant;
    if (step != 1 || lane < group->extent || at.n) return false;
    for (int i = 0; i < base.n; i++)
        if (base.terms[i].value) return false;
    *place = (Columns){.buffer = buffer, .stride = lane, .base = base};
    *column = (int)at.constant;
    return true;
}
static Columns *find(Lower *w, Columns **list, const Columns *place) {
    for (Columns *c = *list; c; c = c->next)
        if (c->buffer == place->buffer && c->stride == place->stride && affine_equal(&c->base, &place->base)) return c;
    Columns *made = ARENA_NEW(w->arena, Columns);
    *made = *place;
    made->next = *list;
    *list = made;
    return made;
}
static LoopAffine row_of(const Columns *c, int row) { return affine_plus(c->base, affine(row * c->stride)); }

LoopValue *columns_load(Lower *w, int buffer, LoopAffine form, LoopElem elem) {
    Columns place;
    int column;
    if (!column_at(w, buffer, form, elem, &place, &column)) return NULL;
    Columns *c = find(w, &w->loaded, &place);
    if (!c->filled) {
        for (int row = 0; row < LANES; row++) c->v[row] = row < w->active ? loop_load_lanes(&w->b, buffer, row_of(c, row), 1) : c->v[0];
        loop_transpose16(&w->b, c->v);
        c->filled = LANES;
    }
    return c->v[column];
}
bool columns_store(Lower *w, int buffer, LoopAffine form, LoopValue *value) {
    Columns place;
    int column, n = w->columns < 0 ? 0 : (int)w->groups.v[w->columns].extent;
    if (!column_at(w, buffer, form, value->type.elem, &place, &column)) return false;
    Columns *c = find(w, &w->pending, &place), **at = &w->pending;
    c->v[column] = loop_splat(&w->b, value);
    if (++c->filled < n) return true;
    for (int i = n; i < LANES; i++) c->v[i] = c->v[0];
    loop_transpose16(&w->b, c->v);
    for (int row = 0; row < w->active; row++) loop_store_part(&w->b, buffer, row_of(c, row), c->v[row], affine(n));
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    return true;
}

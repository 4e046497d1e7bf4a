/* lower_axes.c: dimensions, atoms, groups: what the index space of a kernel is made of. See lower.h. */
#include "lower.h"
#include "loop_range.h"

int axes_dim(Lower *w, i64 extent, AxisClass class) {
    Dim dim = {.extent = extent, .class = class};
    vec_push(w->arena, &w->dims, dim);
    return w->dims.n - 1;
}
static void add_atom(Lower *w, int dim, i64 extent, i64 stride) {
    Atom *atom = ARENA_NEW(w->arena, Atom);
    *atom = (Atom){.loop = {.extent = extent, .step = 1}, .dim = dim, .stride = stride};
    if (extent > 1) vec_push(w->arena, &w->atoms, atom);
}
void axes_begin(Lower *w) {
    w->atoms.n = 0;
    for (int d = 0; d < w->dims.n; d++) {
        const Dim *dim = &w->dims.v[d];
        i64 above = dim->extent;
        for (int i = dim->cuts.n - 1; i >= -1; i--) {
            i64 stride = i < 0 ? 1 : dim->cuts.v[i];
            add_atom(w, d, above / stride, stride);
            above = stride;
        }
    }
}
LoopAffine axes_coordinate(const Lower *w, int dim) {
    LoopAffine at = affine(0);
    for (int i = 0; i < w->atoms.n; i++)
        if (w->atoms.v[i]->dim == dim) at = affine_loop(at, &w->atoms.v[i]->loop, w->atoms.v[i]->stride);
    return at;
}

/* ---- splitting */

static i64 floor_divide(i64 x, i64 d) {
    i64 q = x / d;
    return x % d < 0 ? q - 1 : q;
}
static bool try_split(LoopAffine f, i64 d, LoopAffine *q, LoopAffine *r) {
    i64 low, high;
    *q = affine(0);
    *r = affine(f.constant);
    for (int i = 0; i < f.n; i++) {
        LoopTerm t = f.terms[i];
        LoopAffine *to = t.factor % d ? r : q;
        i64 factor = t.factor % d ? t.factor : t.factor / d;
        *to = t.loop ? affine_loop(*to, t.loop, factor) : affine_value(*to, t.value, factor);
    }
    if (!affine_bounds(r, &low, &high)) return false;
    i64 whole = floor_divide(low, d);
    if (floor_divide(high, d) != whole) return false;
    q->constant += whole;
    r->constant -= whole * d;
    return true;
}
/* Cuts a dimension at a stride, if the other cuts allow it. */
static bool cut_dim(Lower *w, int d, i64 stride) {
    Dim *dim = &w->dims.v[d];
    if (dim->whole || stride <= 1 || dim->extent % stride) return false;
    int at = 0;
    while (at < dim->cuts.n && dim->cuts.v[at] < stride) at++;
    if (at < dim->cuts.n && dim->cuts.v[at] % stride) return false;
    if (at > 0 && stride % dim->cuts.v[at - 1]) return false;
    vec_push(w->arena, &dim->cuts, stride);
    for (int i = dim->cuts.n - 1; i > at; i--) dim->cuts.v[i] = dim->cuts.v[i - 1];
    dim->cuts.v[at] = stride;
    return true;
}
static const Atom *atom_of(const Lower *w, const LoopFor *loop) {
    for (int i = 0; i < w->atoms.n; i++)
        if (&w->atoms.v[i]->loop == loop) return w->atoms.v[i];
    return NULL;
}
bool axes_split(Lower *w, LoopAffine f, i64 d, LoopAffine *q, LoopAffine *r) {
    if (d == 1) {
        *q = f, *r = affine(0);
        return true;
    }
    if (try_split(f, d, q, r)) return true;
    for (int i = 0; w->trial && i < f.n; i++) {
        const Atom *atom = f.terms[i].loop ? atom_of(w, f.terms[i].loop) : NULL;
        i64 factor = f.terms[i].factor < 0 ? -f.terms[i].factor : f.terms[i].factor;
        if (!atom || factor % d == 0 || d % factor || d / factor >= atom->loop.extent) continue;
        if (cut_dim(w, atom->dim, atom->stride * (d / factor))) w->again = true;
    }
    return false;
}

/* ---- groups */

void axes_note(Lower *w, LoopAffine form, bool address, bool store) {
    vec_push(w->arena, &w->forms, ((Form){form, address, store}));
}
static i64 factor_of(const LoopAffine *f, const LoopFor *loop) {
    for (int i = 0; i < f->n; i++)
        if (f->terms[i].loop == loop) return f->terms[i].factor;
    return 0;
}
static bool may_join(const Lower *w, const Atom *outer, const Atom *inner) {
    const Dim *a = &w->dims.v[outer->dim], *b = &w->dims.v[inner->dim];
    if (a->class != b->class || a->part != b->part || a->alone || b->alone) return false;
    if (b->whole && inner->loop.extent % LANES) return false;
    for (int i = 0; i < w->forms.n; i++) {
        const LoopAffine *f = &w->forms.v[i].form;
        if (factor_of(f, &outer->loop) != factor_of(f, &inner->loop) * inner->loop.extent) return false;
    }
    return true;
}
void axes_group(Lower *w) {
    w->groups.n = 0;
    for (int i = 0; i < w->atoms.n; i++) {
        Atom *atom = w->atoms.v[i];
        if (i && may_join(w, w->atoms.v[i - 1], atom)) {
            AxisGroup *group = &w->groups.v[w->groups.n - 1];
            group->n++;
            group->extent *= atom->loop.extent;
        } else {
            AxisGroup group = {.first = i, .n = 1, .extent = atom->loop.extent, .class = w->dims.v[atom->dim].class};
            vec_push(w->arena, &w->groups, group);
        }
        atom->group = w->groups.n - 1;
    }
}
static i64 group_factor(const Lower *w, const LoopAffine *f, int group) {
    const AxisGroup *g = &w->groups.v[group];
    return factor_of(f, &w->atoms.v[g->first + g->n - 1]->loop);
}
i64 axes_jump(const Lower *w, const LoopAffine *f) {
    if (!w->wrap) return 0;
    return group_factor(w, f, w->wrap_outer) - group_factor(w, f, w->wrap_inner) * w->groups.v[w->wrap_inner].extent;
}
LoopAffine axes_realise(Lower *w, const LoopAffine *f, i64 *lane) {
    *lane = 0;
    if (w->trial) return *f;
    LoopAffine at = affine(f->constant);
    for (int i = 0; i < f->n; i++) {
        const LoopTerm *t = &f->terms[i];
        if (t->value) {
            at = affine_value(at, t->value, t->factor);
            continue;
        }
        const Atom *atom = atom_of(w, t->loop);
        nnc_check(atom, "a form over a loop that is no atom");
        const AxisGroup *group = &w->groups.v[atom->group];
        const Atom *last = w->atoms.v[group->first + group->n - 1];
        i64 inner = factor_of(f, &last->loop), below = 1;
        for (int k = group->first + group->n - 1; w->atoms.v[k] != atom; k--) below *= w->atoms.v[k]->loop.extent;
        nnc_check(t->factor == inner * below && group->bound, "a form that its groups do not hold");
        if (atom != last) continue;
        at = affine_plus(at, affine_times(group->at, inner));
        if (group->lanes) *lane += inner;
    }
    return at;
}

/* slot.c: slots: each tensor that lasts, its value as a step begins and now, saved and restored as one. */
#include "eval.h"

static u64 slot_key(const Eval *e, const char *owner, const char *path) {
    return map_key(path_join((Eval *)e, str_intern(e->c->strings, *owner ? owner : "/"), path));
}
Slot *slot_find(const Eval *e, const char *owner, const char *path) {
    return map_get(&e->slot_map, slot_key(e, owner, path));
}
Group *group_find(const Eval *e, const char *owner, const char *path) {
    return map_get(&e->group_map, slot_key(e, owner, path));
}

static Slot *slot_new(Eval *e, const Context *c, Role role, const char *owner, const char *path, const Value *v,
                      Span span) {
    Slot *s = ARENA_NEW(e->arena, Slot);
    *s = (Slot){.role = role, .owner = owner, .path = path, .span = span, .element = v->element, .shape = v->shape};
    s->model = role == ROLE_PARAM || role == ROLE_MODEL_STATE ? c->model : NULL;
    s->shape.stretch = 0;
    if (role == ROLE_PARAM) {
        s->element = element_real();
        s->leaf = ARENA_NEW(e->arena, Deps); /* serial 0: older than all bindings */
    }
    if (role == ROLE_CARRY) {
        s->frames = v->frames;
        for (int bit = 0; bit < c->n_frames; bit++)
            if (v->frames >> bit & 1) s->lead[s->n_lead++] = c->frames[bit]->n;
    }
    map_set(&e->slot_map, slot_key(e, owner, path), s);
    vec_push(e->arena, &e->slots, s);
    return s;
}
Group *group_new(Eval *e, const Context *c, Role role, const char *owner, const char *path, const Value *v, Span span) {
    Group *g = ARENA_NEW(e->arena, Group);
    int n = value_leaves(v);
    const char **names = ARENA_ARRAY(e->arena, const char *, n + 1);
    *g = (Group){.owner = owner, .path = path, .n = n, .names = names, .record = v->kind == VALUE_RECORD};
    g->slots = ARENA_ARRAY(e->arena, Slot *, n + 1);
    for (int i = 0; i < n; i++) {
        names[i] = value_leaf_name(v, i);
        g->slots[i] = slot_new(e, c, role, owner, path_join(e, path, names[i]), value_leaf(v, i), span);
    }
    map_set(&e->group_map, slot_key(e, owner, path), g);
    return g;
}

/* ---- values ---- */
static Node *slot_hole(Eval *e, Slot *s) {
    if (s->in) return s->in;
    i64 dims[RANK_MAX];
    int rank = 0;
    for (int i = 0; i < s->n_lead; i++) dims[rank++] = s->lead[i];
    for (int i = 0; i < s->shape.rank; i++) dims[rank++] = s->shape.dims[i];
    return s->in = ir_hole(e->graph, type_get(e->graph, element_dtype(e, s->element), rank, dims));
}
Node *slot_in(Eval *e, Slot *s) { return slot_hole(e, s); }
/* Widened for gradients per example: two marks, so that a minimize still finds the shared one. A loop's abstract rounds
*may
** have made it without a node: that is filled in. */
Value *slot_first(Eval *e, const Context *c, Slot *s) {
    if (!s->shared) {
        s->shared = value_tensor(e, s->element, &s->shape, s->frames, NULL);
        if (s->role == ROLE_PARAM) s->shared->deps = s->leaf;
        s->first = s->widen && c->n_frames ? value_copy(e, s->shared) : s->shared;
        s->first->frames |= c->n_frames ? s->widen : 0;
    }
    if (e->nodes && !s->shared->node && shape_closed(&s->shape)) {
        s->shared->node = ir_mark(e->graph, slot_hole(e, s));
        if (s->first != s->shared) s->first->node = value_mark(e, c, s->shared, s->widen, NULL)->node;
    }
    return s->first;
}
Value *slot_value(Eval *e, const Context *c, Slot *s) {
    if (c->at_init && s->role <= ROLE_MODEL_STATE) /* initial values begin from initial values */
        return value_tensor(e, s->element, &s->shape, 0, s->initial);
    s->read = true;
    if (!s->now)
        s->now = slot_first(e, c, s);
    else if (s->now == s->first)
        slot_first(e, c, s);
    return s->now;
}
void slot_set(Eval *e, const Context *c, Slot *s, Value *v) {
    if (s->role <= ROLE_BLOCK_STATE) slot_first(e, c, s);
    s->now = v, s->written = true;
}
Value *group_value(Eval *e, const Context *c, const Group *g) {
    Value **leaves = ARENA_ARRAY(e->arena, Value *, g->n + 1);
    for (int i = 0; i < g->n; i++) leaves[i] = slot_value(e, c, g->slots[i]);
    return g->record ? value_record(e, g->n, g->names, leaves) : leaves[0];
}

/* ---- all at once ---- */
typedef struct Saved {
    Value *now;
    bool in_loop;
} Saved;
struct SlotState {
    int n;
    Saved *v;
};
SlotState *slots_save(Eval *e) {
    SlotState *s = ARENA_NEW(e->arena, SlotState);
    s->n = e->slots.n, s->v = ARENA_ARRAY(e->arena, Saved, s->n + 1);
    for (int i = 0; i < s->n; i++) s->v[i] = (Saved){e->slots.v[i]->now, e->slots.v[i]->in_loop};
    return s;
}
void slots_restore(Eval *e, const SlotState *state) {
    for (int i = 0; i < e->slots.n; i++) {
        Slot *s = e->slots.v[i];
        s->now = i < state->n ? state->v[i].now : NULL;
        s->in_loop = i < state->n && state->v[i].in_loop;
    }
}
Value *slots_saved_now(const SlotState *state, int i) { return i < state->n ? state->v[i].now : NULL; }
void slots_rewind(Eval *e) {
    for (int i = 0; i < e->slots.n; i++) e->slots.v[i]->now = e->slots.v[i]->first, e->slots.v[i]->in_loop = false;
}
void eval_begin(Eval *e) {
    for (int i = 0; i < e->slots.n; i++) {
        Slot *s = e->slots.v[i];
        s->first = s->now = s->shared = NULL, s->pending = NULL;
        s->read = s->written = s->in_loop = false;
    }
    e->expansions = 0;
}
enum { ROUNDS = 60 }; /* each round learns at least one thing; more means that nnc never settles */
bool eval_abstract(Eval *e, EvalRun *run, void *context) {
    int errors = diag_errors(e->c->diag);
    for (int round = 0;; round++) {
        e->again = e->nodes = false;
        run(e, context);
        if (diag_errors(e->c->diag) != errors) return false;
        if (!e->again) return true;
        nnc_check(round < ROUNDS, "an evaluation that never settles");
    }
}
bool eval_concrete(Eval *e, EvalRun *run, void *context) {
    int errors = diag_errors(e->c->diag);
    e->again = false, e->nodes = true;
    run(e, context);
    e->nodes = false;
    nnc_check(!e->again || diag_errors(e->c->diag) != errors, "something was learnt while building IR");
    return diag_errors(e->c->diag) == errors;
}

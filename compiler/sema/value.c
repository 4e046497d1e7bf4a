/* value.c: making values and shapes, taking records apart. No arithmetic, no nodes but those given. */
#include "eval.h"

Shape shape_scalar(void) { return (Shape){0}; }
Shape shape_of(int rank, const i64 *dims) {
    nnc_check(rank <= RANK_LIMIT, "a visible shape of rank %d", rank);
    Shape s = {.rank = rank};
    for (int i = 0; i < rank; i++) s.dims[i] = dims[i];
    return s;
}
bool shape_equal(const Shape *a, const Shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (!dim_equal(a->dims[i], b->dims[i])) return false;
    return true;
}
bool shape_closed(const Shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] == OPEN) return false;
    return true;
}
i64 shape_count(const Shape *shape) {
    i64 n = 1;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] == OPEN || !i64_multiply(n, shape->dims[i], &n)) return OPEN;
    return n;
}

static Value *value_new(Eval *e, ValueKind kind) {
    Value *v = ARENA_NEW(e->arena, Value);
    v->kind = kind;
    return v;
}
Value *value_poison(Eval *e) { return value_new(e, VALUE_POISON); }
Value *value_none(Eval *e) { return value_new(e, VALUE_NONE); }
Value *value_copy(Eval *e, const Value *v) { return arena_copy(e->arena, v, sizeof *v); }
Value *value_tensor(Eval *e, Element element, const Shape *shape, Frames frames, Node *node) {
    Value *v = value_new(e, VALUE_TENSOR);
    v->element = element, v->shape = *shape, v->frames = frames, v->node = node;
    return v;
}
static Value *with_known(Eval *e, Element element, Known known) {
    Shape shape = {.rank = known.list ? 1 : 0, .dims = {known.n}};
    Value *v = value_tensor(e, element, &shape, 0, NULL);
    v->known = arena_copy(e->arena, &known, sizeof known);
    return v;
}
Value *value_known(Eval *e, Element element, double number) {
    return with_known(e, element, (Known){.n = 1, .v = arena_copy(e->arena, &number, sizeof number)});
}
Value *value_int(Eval *e, i64 number) { return value_known(e, element_int(), (double)number); }
Value *value_real(Eval *e, double number) { return value_known(e, element_real(), number); }
Value *value_bool(Eval *e, bool truth) { return value_known(e, element_bool(), truth); }
Value *value_list(Eval *e, Element element, i64 n, const double *v) {
    return with_known(e, element, (Known){.list = true, .n = n, .v = v});
}
Value *value_range(Eval *e, i64 low, i64 high) {
    return with_known(e, element_int(),
                      (Known){.list = true, .range = true, .n = high > low ? high - low : 0, .low = low});
}
Value *value_open(Eval *e) {
    Shape shape = shape_scalar();
    Value *v = value_tensor(e, element_int(), &shape, 0, NULL);
    v->open = true;
    return v;
}
Value *value_record(Eval *e, int n, const char *const *names, Value *const *leaves) {
    Value *v = value_new(e, VALUE_RECORD);
    v->n = n;
    v->names = arena_copy(e->arena, names, sizeof *names * (size_t)n);
    v->items = arena_copy(e->arena, leaves, sizeof *leaves * (size_t)n);
    return v;
}
Value *value_tuple(Eval *e, int n, Value *const *parts) {
    Value *v = value_new(e, VALUE_TUPLE);
    v->n = n;
    v->items = arena_copy(e->arena, parts, sizeof *parts * (size_t)n);
    return v;
}
Value *value_function(Eval *e, const Function *function) {
    Value *v = value_new(e, VALUE_FUNCTION);
    v->function = function;
    return v;
}
Value *value_string(Eval *e, const char *text) {
    Value *v = value_new(e, VALUE_STRING);
    v->text = text;
    return v;
}
Value *value_data(Eval *e, DataSet *data) {
    Value *v = value_new(e, VALUE_DATA);
    v->data = data;
    return v;
}

bool value_is_poison(const Value *v) {
    if (v->kind == VALUE_POISON) return true;
    if (v->kind == VALUE_RECORD || v->kind == VALUE_TUPLE)
        for (int i = 0; i < v->n; i++)
            if (value_is_poison(v->items[i])) return true;
    return false;
}
int value_leaves(const Value *v) { return v->kind == VALUE_RECORD ? v->n : 1; }
Value *value_leaf(const Value *v, int i) { return v->kind == VALUE_RECORD ? v->items[i] : (Value *)v; }
const char *value_leaf_name(const Value *v, int i) { return v->kind == VALUE_RECORD ? v->names[i] : ""; }
Value *value_with_leaves(Eval *e, const Value *like, Value *const *leaves) {
    return like->kind == VALUE_RECORD ? value_record(e, like->n, like->names, leaves) : leaves[0];
}
Value *value_map(Eval *e, Value *v, ValueMap *map, void *context) {
    if (v->kind == VALUE_TENSOR) return map(e, v, context);
    if (v->kind != VALUE_RECORD && v->kind != VALUE_TUPLE) return v;
    Value **items = ARENA_ARRAY(e->arena, Value *, v->n);
    for (int i = 0; i < v->n; i++) items[i] = value_map(e, v->items[i], map, context);
    return v->kind == VALUE_RECORD ? value_record(e, v->n, v->names, items) : value_tuple(e, v->n, items);
}

/* ---- dependence ---- */
const Deps *deps_leaf(Eval *e) {
    Deps *d = ARENA_NEW(e->arena, Deps);
    d->serial = ++e->serial;
    return d;
}
const Deps *deps_carried(Eval *e, const Deps *inner) {
    Deps *d = (Deps *)deps_leaf(e);
    d->carried = true, d->inner = inner;
    return d;
}
const Deps *deps_join(Eval *e, const Deps *a, const Deps *b) {
    if (!a || a == b) return b;
    if (!b || b->a == a || b->b == a) return b ? b : a;
    if (a->a == b || a->b == b) return a;
    Deps *d = ARENA_NEW(e->arena, Deps);
    d->a = a, d->b = b;
    d->serial = a->serial > b->serial ? a->serial : b->serial;
    return d;
}
typedef struct DepsWalk {
    Arena *arena;
    Map seen;
    VEC(const Deps *) todo;
    u32 from; /* what is older than this holds nothing of interest */
} DepsWalk;
/* The next leaf in reach; NULL: none is left. */
static const Deps *walk_next(DepsWalk *w) {
    while (w->todo.n) {
        const Deps *d = w->todo.v[--w->todo.n];
        if (!d || d->serial < w->from || map_has(&w->seen, map_key(d))) continue;
        map_set_ptr(&w->seen, d, w);
        if (!d->a) return d;
        vec_push(w->arena, &w->todo, d->b);
        vec_push(w->arena, &w->todo, d->a);
    }
    return NULL;
}
Reach deps_reach(const Deps *deps, const Deps *leaf) {
    if (!deps || !leaf) return REACH_NONE;
    Arena *scratch = arena_new("scratch");
    DepsWalk direct = {.arena = scratch, .seen = {.arena = scratch}, .from = leaf->serial}, inner = direct;
    Reach reach = REACH_NONE;
    vec_push(scratch, &direct.todo, deps);
    const Deps *d;
    while ((d = walk_next(&direct))) {
        if (d == leaf) reach = REACH_DIRECT;
        if (d->carried) vec_push(scratch, &inner.todo, d->inner);
    }
    while ((d = walk_next(&inner))) {
        if (d == leaf) reach = REACH_CARRIED;
        if (d->carried) vec_push(scratch, &inner.todo, d->inner);
    }
    arena_free(scratch);
    return reach;
}
const Deps *deps_older(Eval *e, const Deps *deps, u32 below, int *count) {
    Arena *scratch = arena_new("scratch");
    DepsWalk w = {.arena = scratch, .seen = {.arena = scratch}};
    vec_push(scratch, &w.todo, deps);
    const Deps *result = NULL, *d;
    *count = 0;
    while ((d = walk_next(&w))) {
        if (d->serial < below)
            result = deps_join(e, result, d), ++*count;
        else if (d->carried)
            vec_push(scratch, &w.todo, d->inner);
    }
    arena_free(scratch);
    return result;
}

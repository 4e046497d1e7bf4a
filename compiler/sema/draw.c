/* draw.c: random values: anew for every example, mapped element, round and step, from counters, never from a sequence.
**
** A draw is named by a place: FNV-1a 32 of its path (block, calls as numbered, ordinal), below 0xFFFF0000; a clash
*takes the
** next free one in the order of the program. The element is the row-major index over frames (but examples), rounds and
** visible axes; the row is INPUT_ROW. Initial values: counter (element, low and high word of FNV-1a 64 of the path of
*what
** they are of, 0xFFFF0000 + ordinal). */
#include "builtin.h"

typedef struct Counter {
    u32 place;
    Node *key, *step, *row, *element; /* row and element of the whole shape */
    const Type *type;
} Counter;

/* ---- places ---- */
static u64 fnv64(const char *s) {
    u64 h = 0xcbf29ce484222325u;
    for (; *s; s++) h = (h ^ (u8)*s) * 0x100000001b3u;
    return h;
}
static u32 fnv32(const char *s) {
    u32 h = 0x811c9dc5u;
    for (; *s; s++) h = (h ^ (u8)*s) * 0x01000193u;
    return h;
}
static u32 place_of(Eval *e, const char *path) {
    path = str_intern(e->c->strings, path);
    u64 known = (u64)(uintptr_t)map_get_ptr(&e->draw_paths, path);
    if (known) return (u32)(known - 1);
    u32 place = fnv32(path) % 0xFFFF0000u;
    while (map_has(&e->draw_places, place)) place = (place + 1) % 0xFFFF0000u;
    map_set(&e->draw_places, place, (void *)path);
    map_set_ptr(&e->draw_paths, path, (void *)(uintptr_t)((u64)place + 1));
    return place;
}

/* ---- counters ---- */
static Frames drawn_frames(const Context *c) {
    Frames all = 0;
    for (int i = 0; i < c->n_frames; i++)
        if (c->frames[i]->kind != FRAME_ROUND) all |= 1u << i;
    return all;
}
/* One axis of the index: a frame, a round or a visible axis. */
typedef struct IndexAxis {
    i64 n;
    int axis; /* of the result; -1: a round */
    Node *round;
} IndexAxis;
static int index_axes(const Context *c, const Shape *shape, IndexAxis *axes) {
    int n = 0, axis = 0;
    for (int i = 0; i < c->n_frames; i++) {
        Frame *f = c->frames[i];
        if (f->kind == FRAME_EXAMPLE)
            axis++;
        else if (f->kind == FRAME_ROUND)
            f->used = true, axes[n++] = (IndexAxis){f->n, -1, f->round};
        else
            axes[n++] = (IndexAxis){f->n, axis++, NULL};
    }
    for (int i = 0; i < shape->rank; i++) axes[n++] = (IndexAxis){shape->dims[i], axis++, NULL};
    return n;
}
/* Runs of axes without a round between are one iota. */
static Node *element_index(Eval *e, const Context *c, const Shape *shape, const Type *type) {
    Graph *g = e->graph;
    IndexAxis axes[FRAME_LIMIT + RANK_LIMIT];
    int n = index_axes(c, shape, axes);
    Node *sum = NULL;
    i64 stride = 1;
    for (int last = n - 1; last >= 0;) {
        Node *part;
        i64 count = axes[last].n;
        int first = last;
        if (axes[last].axis < 0) {
            part = axes[last].round;
            if (stride > 1) part = ir_mul(g, part, ir_int(g, stride));
            part = ir_broadcast(g, part, type->rank, type->dims, NULL);
        } else {
            while (first > 0 && axes[first - 1].axis >= 0) count *= axes[--first].n;
            i64 dims[RANK_MAX];
            int places[RANK_MAX], rank = 0;
            for (int i = first; i <= last; i++) dims[rank] = axes[i].n, places[rank++] = axes[i].axis;
            part = ir_iota(g, count);
            if (stride > 1) part = ir_mul(g, part, ir_lead(g, ir_int(g, stride), 1, &count));
            part = ir_broadcast(g, ir_reshape(g, part, rank, dims), type->rank, type->dims, places);
        }
        sum = sum ? ir_add(g, sum, part) : part;
        stride *= count;
        last = first - 1;
    }
    return sum ? sum : ir_fill(g, 0, type);
}
static bool too_many(Eval *e, const Context *c, const Shape *shape, Span span) {
    IndexAxis axes[FRAME_LIMIT + RANK_LIMIT];
    int n = index_axes(c, shape, axes);
    i64 total = 1;
    for (int i = 0; i < n; i++)
        if (!i64_multiply(total, axes[i].n, &total) || total > INT32_MAX)
            return sema_error(e, c, E283, span, "a draw of more than 2^31 numbers for an example"), true;
    return false;
}
static void initial_counter(Eval *e, const Context *c, Counter *r, const Type *ints) {
    u64 h = fnv64(c->initial);
    r->place = 0xFFFF0000u + (u32)(*c->ordinal)++;
    r->step = ir_int(e->graph, (i32)(u32)(h >> 32));
    r->row = ir_broadcast(e->graph, ir_int(e->graph, (i32)(u32)h), ints->rank, ints->dims, NULL);
}
static bool counter_of(Eval *e, const BuiltinCall *call, const Shape *shape, const char *path, Counter *r) {
    const Context *c = call->c;
    i64 dims[RANK_MAX];
    int rank = 0;
    for (int i = 0; i < c->n_frames; i++)
        if (c->frames[i]->kind != FRAME_ROUND) dims[rank++] = c->frames[i]->n;
    for (int i = 0; i < shape->rank; i++) dims[rank++] = shape->dims[i];
    if (too_many(e, c, shape, call->span)) return false;
    Graph *g = e->graph;
    const Type *ints = type_get(g, DT_i32, rank, dims);
    r->type = type_get(g, e->real, rank, dims);
    r->key = input_hole(e, c->inputs, INPUT_KEY);
    if (c->initial) {
        initial_counter(e, c, r, ints);
    } else {
        bool examples = c->n_frames && c->frames[0]->kind == FRAME_EXAMPLE && c->inputs->rows;
        int place = 0;
        r->place = place_of(e, path);
        r->step = input_hole(e, c->inputs, c->where == WHERE_DATA ? INPUT_DATA_STEP : INPUT_DRAW_STEP);
        r->row =
            examples ? ir_broadcast(g, input_hole(e, c->inputs, INPUT_ROW), rank, dims, &place) : ir_fill(g, 0, ints);
    }
    r->element = element_index(e, c, shape, ints);
    return true;
}

/* ---- the draws ---- */
typedef Node *Draw(Eval *e, const Counter *counter, Node *const *arguments, void *context);
static Value *draw(Eval *e, const BuiltinCall *call, int n, Value **arguments, const Span *spans, const Shape *extra,
                   Element element, Draw *build, void *context) {
    const Context *c = call->c;
    const char *path = path_join(e, c->site, counters_name(e, c->counters, call->builtin->name));
    Shape shape = {0};
    Value *r = value_tensor(e, element, &shape, drawn_frames(c), NULL);
    e->draws++;
    if (!c->inputs && c->where != WHERE_PARAMS)
        return sema_poison(e, c, E420, call->span,
                           "nothing is drawn here: a draw stands in a block, a model or an initial value");
    const Shape *shapes[2] = {0};
    for (int i = 0; i < n; i++) {
        if (!numeric(e, c, arguments[i], spans[i])) return value_poison(e);
        if (arguments[i]->kind != VALUE_TENSOR)
            return sema_poison(e, c, E314, spans[i], "a draw is of numbers, this is %s", value_text(e, arguments[i]));
        shapes[i] = &arguments[i]->shape;
        r->deps = deps_join(e, r->deps, arguments[i]->deps), r->coupled |= arguments[i]->coupled;
    }
    if (n && !shapes_align(n, shapes, &shape))
        return sema_poison(e, c, E301, call->span, "the axes of %s and %s do not line up", value_text(e, arguments[0]),
                           value_text(e, arguments[1]));
    if (extra) shape = *extra;
    shape.stretch = 0;
    r->shape = shape;
    if (frames_count(r->frames) + shape.rank > RANK_LIMIT)
        return sema_poison(e, c, E280, call->span, "a value of more than %d axes, mapped ones counted", RANK_LIMIT);
    bool closed = e->nodes && c->inputs && shape_closed(&shape);
    Node *nodes[2];
    for (int i = 0; i < n; i++)
        closed &= (nodes[i] = value_spread(e, c, arguments[i], r->frames, &shape, element_real())) != NULL;
    Counter counter;
    if (!closed) return r;
    if (!counter_of(e, call, &shape, path, &counter)) return value_poison(e);
    r->node = build(e, &counter, nodes, context);
    return r;
}
static Node *uniform_of(Eval *e, const Counter *x) {
    return ir_uniform(e->graph, e->real, x->place, x->key, x->step, x->row, x->element);
}
static Node *build_normal(Eval *e, const Counter *x, Node *const *a, void *context) {
    (void)context;
    Graph *g = e->graph;
    Node *standard = ir_normal(g, e->real, x->place, x->key, x->step, x->row, x->element);
    return a[0] ? ir_add(g, a[0], ir_mul(g, a[1], standard)) : standard;
}
static Node *build_uniform(Eval *e, const Counter *x, Node *const *a, void *context) {
    (void)context;
    Graph *g = e->graph;
    return ir_add(g, a[0], ir_mul(g, ir_sub(g, a[1], a[0]), uniform_of(e, x)));
}
static Node *build_standard(Eval *e, const Counter *x, Node *const *a, void *context) {
    bool normal = *(bool *)context;
    return normal ? build_normal(e, x, (Node *[]){NULL}, NULL) : ((void)a, uniform_of(e, x));
}
static Node *build_bernoulli(Eval *e, const Counter *x, Node *const *a, void *context) {
    (void)context;
    return ir_lt(e->graph, uniform_of(e, x), a[0]);
}
static Node *build_choose(Eval *e, const Counter *x, Node *const *a, void *context) {
    i64 k = *(i64 *)context;
    Graph *g = e->graph;
    (void)a;
    Node *i = ir_cast(g, ir_floor(g, ir_scale(g, uniform_of(e, x), (double)k)), DT_i32);
    return ir_min(g, i, ir_fill(g, (double)(k - 1), i->type));
}
static Node *build_permutation(Eval *e, const Counter *x, Node *const *a, void *context) {
    (void)a;
    return ir_top(e->graph, uniform_of(e, x), *(i64 *)context);
}
BuiltinHandler builtin_normal, builtin_uniform, builtin_bernoulli, builtin_choose, builtin_permutation;
/* Two numbers, by position or by name, with their defaults. */
static Value *two(Eval *e, const BuiltinCall *call, double first, double second, bool normal) {
    Value *v[] = {value_real(e, first), value_real(e, second)};
    Span spans[] = {call->span, call->span};
    bool given = false;
    for (int i = 0; i < 2; i++) {
        if (call->n > i && call->named[i])
            return sema_poison(e, call->c, E354, call->named_spans[i], "an argument of `%s` is given twice",
                               call->builtin->name);
        if (call->n > i) v[i] = call->v[i], spans[i] = call->spans[i], given = true;
        if (call->named[i]) v[i] = call->named[i], spans[i] = call->named_spans[i], given = true;
    }
    if (!given) return draw(e, call, 0, v, spans, NULL, element_real(), build_standard, &normal);
    return draw(e, call, 2, v, spans, NULL, element_real(), normal ? build_normal : build_uniform, NULL);
}
Value *builtin_normal(Eval *e, const BuiltinCall *call) { return two(e, call, 0, 1, true); }
Value *builtin_uniform(Eval *e, const BuiltinCall *call) { return two(e, call, 0, 1, false); }
Value *builtin_bernoulli(Eval *e, const BuiltinCall *call) {
    Value *r = draw(e, call, 1, call->v, call->spans, NULL, element_bool(), build_bernoulli, NULL);
    if (!value_is_poison(r)) r->deps = NULL;
    return r;
}
static bool count_of(Eval *e, const BuiltinCall *call, i64 *n) {
    if (!need_int(e, call->c, call->v[0], call->spans[0], "how many to draw from", n)) return false;
    if (*n == OPEN || (*n >= 1 && *n <= 1 << 24)) return true;
    sema_error(e, call->c, E235, call->spans[0], "one of %lld, between 1 and 2^24", (long long)*n);
    return false;
}
Value *builtin_choose(Eval *e, const BuiltinCall *call) {
    i64 k;
    if (!count_of(e, call, &k)) return value_poison(e);
    if (k == OPEN) {
        Shape one = {0};
        e->draws++;
        return value_tensor(e, element_class(k), &one, drawn_frames(call->c), NULL);
    }
    return draw(e, call, 0, NULL, NULL, NULL, element_class(k), build_choose, &k);
}
Value *builtin_permutation(Eval *e, const BuiltinCall *call) {
    i64 n;
    if (!count_of(e, call, &n)) return value_poison(e);
    Shape shape = {.rank = 1, .dims = {n}};
    return draw(e, call, 0, NULL, NULL, &shape, element_class(n), build_permutation, &n);
}

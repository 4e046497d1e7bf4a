/* context.c: where an evaluation stands: frames, paths and their numbering, the holes of an entry, errors with their
 * chain. */
#include "eval.h"
#include <stdarg.h>
#include <stdio.h>

Eval *eval_new(Compilation *c, const SemaOptions *options) {
    Eval *e = ARENA_NEW(c->arena, Eval);
    e->c = c, e->arena = c->arena, e->options = options;
    e->graph = graph_new(c->arena);
    e->real = c->f64 ? DT_f64 : DT_f32;
    Map *maps[] = {&e->models, &e->wanted, &e->draw_places, &e->draw_paths, &e->slot_map, &e->group_map};
    for (int i = 0; i < COUNT_OF(maps); i++) maps[i]->arena = c->arena;
    return e;
}
Context context_top(Eval *e) {
    return (Context){.owner = "",
                     .path = "",
                     .site = "",
                     .train = "",
                     .counters = counters_new(e),
                     .where = WHERE_TOP,
                     .all_trained = true};
}
bool context_push(Eval *e, Context *c, FrameKind kind, i64 n, const char *what, Span span) {
    if (c->n_frames == FRAME_LIMIT) {
        sema_error(e, c, E280, span, "calls are mapped over more than %d axes here", FRAME_LIMIT);
        return false;
    }
    Frame *f = ARENA_NEW(e->arena, Frame);
    *f = (Frame){.kind = kind, .n = n, .what = what, .span = span};
    c->frames[c->n_frames++] = f;
    return true;
}

/* ---- numbering ---- */
typedef struct Counter {
    const char *name;
    int n;
} Counter;
struct Counters {
    Map map; /* interned name -> index + 1 */
    VEC(Counter) all;
};
Counters *counters_new(Eval *e) {
    Counters *c = ARENA_NEW(e->arena, Counters);
    c->map.arena = e->arena;
    return c;
}
Counters *counters_copy(Eval *e, const Counters *counters) {
    Counters *c = ARENA_NEW(e->arena, Counters);
    for (int i = 0; i < counters->all.n; i++) vec_push(e->arena, &c->all, counters->all.v[i]);
    return c;
}
/* Names that are new since stay in the map, at 0: a name's first use makes it 1 as before. */
void counters_restore(Counters *counters, const Counters *from) {
    for (int i = 0; i < counters->all.n; i++) counters->all.v[i].n = i < from->all.n ? from->all.v[i].n : 0;
}
int counters_count(Eval *e, Counters *counters, const char *name) {
    u64 i = (u64)(uintptr_t)map_get_ptr(&counters->map, name);
    if (!i) {
        Counter zero = {name, 0};
        vec_push(e->arena, &counters->all, zero);
        i = (u64)counters->all.n;
        map_set_ptr(&counters->map, name, (void *)(uintptr_t)i);
    }
    return ++counters->all.v[i - 1].n;
}
const char *counters_name(Eval *e, Counters *counters, const char *name) {
    int n = counters_count(e, counters, name);
    if (n == 1) return name;
    char text[300];
    snprintf(text, sizeof text, "%.280s_%d", name, n);
    return str_intern(e->c->strings, text);
}
const char *path_join(Eval *e, const char *path, const char *name) {
    if (!*path) return name;
    if (!*name) return path;
    size_t a = strlen(path), b = strlen(name);
    char *text = arena_alloc(e->arena, a + b + 2);
    memcpy(text, path, a);
    text[a] = '.';
    memcpy(text + a + 1, name, b);
    return str_intern_n(e->c->strings, text, a + b + 1);
}

/* ---- holes of an entry ---- */
Node *input_hole(Eval *e, Inputs *inputs, InputKind kind) {
    if (kind == INPUT_KEY) inputs = &e->init; /* one key for all entries */
    if (inputs->hole[kind]) return inputs->hole[kind];
    Graph *g = e->graph;
    i64 rows = inputs->rows, two = 2;
    const Type *type = type_scalar(g, DT_i32);
    if (kind == INPUT_KEY) type = type_get(g, DT_i32, 1, &two);
    if (kind == INPUT_PROGRESS) type = type_scalar(g, e->real);
    if (kind == INPUT_ROW) type = type_get(g, DT_i32, 1, &rows);
    if (kind == INPUT_FRESH) type = type_get(g, DT_bool, 1, &rows);
    return inputs->hole[kind] = ir_hole(g, type);
}
/* In evaluations the rows from `valid` on only fill up the last batch. bool[b], or NULL when every row counts. */
Node *valid_rows(Eval *e, const Context *c) {
    if (!e->nodes || c->training || !c->inputs || !c->inputs->rows || c->where == WHERE_PREDICT) return NULL;
    i64 rows = c->inputs->rows;
    Node *valid = ir_lead(e->graph, input_hole(e, c->inputs, INPUT_VALID), 1, &rows);
    return ir_lt(e->graph, ir_iota(e->graph, rows), valid);
}
Node *sum_over_examples(Eval *e, const Context *c, Value *v) {
    Frames example = 1;
    Node *node = value_spread(e, c, v, v->frames | example, &v->shape, element_real());
    if (!node) return NULL;
    Node *rows = valid_rows(e, c);
    if (rows) {
        int place = 0;
        Node *counts = ir_broadcast(e->graph, rows, node->type->rank, node->type->dims, &place);
        node = ir_select(e->graph, counts, node, ir_fill(e->graph, 0, node->type));
    }
    int axis = 0;
    return ir_sum(e->graph, node, 1, &axis);
}

/* ---- errors ---- */
static const Chain *users_call(const Chain *chain) {
    while (chain && (!chain->span.source || chain->span.source->library)) chain = chain->up;
    return chain;
}
static Message *message(Eval *e, const Context *c, DiagCode code, Span span, const char *text) {
    const Chain *chain = c ? c->chain : NULL, *user = users_call(chain);
    bool moved = span.source && span.source->library && user;
    Message *m = diag_report(e->c->diag, code, moved ? user->span : span, "%s", text);
    if (moved) message_note(m, span, "in `%s` of the library", chain->name);
    for (const Chain *x = chain; x; x = x->up)
        if (x->span.source && (!moved || x != user)) message_note(m, x->span, "in `%s`, called here", x->name);
    return m;
}
static const char *format_text(Eval *e, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(e->arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
Message *sema_error(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = format_text(e, format, args);
    va_end(args);
    return message(e, c, code, span, text);
}
Value *sema_poison(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = format_text(e, format, args);
    va_end(args);
    message(e, c, code, span, text);
    return value_poison(e);
}
Message *sema_warning(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = format_text(e, format, args);
    va_end(args);
    return message(e, c, code, span, text);
}
void limit_check(Eval *e, const Context *c, Span span) {
    const char *why = graph_limit(e->graph);
    if (why && !e->limit_told) {
        e->limit_told = true;
        sema_error(e, c, E281, span, "%s", why);
    }
}

/* builtin.c: the table of primitives and the check of a call against its row. */
#include "builtin.h"

#define BUILTIN(name, least, most, settings, signature, handler) BuiltinHandler builtin_##handler;
#include "builtin.def"
#undef BUILTIN
static const Builtin rows[] = {
#define BUILTIN(name, least, most, settings, signature, handler)                                                       \
    {name, least, most, settings, signature, builtin_##handler},
#include "builtin.def"
#undef BUILTIN
};
int builtin_count(void) { return COUNT_OF(rows); }
const Builtin *builtin_at(int i) { return &rows[i]; }
const Builtin *builtin_find(const Eval *e, const char *name) {
    (void)e;
    for (int i = 0; i < COUNT_OF(rows); i++)
        if (!strcmp(rows[i].name, name)) return &rows[i];
    return NULL;
}
/* The place of a name in the row's settings; -1. */
static int setting_find(const Builtin *b, const char *name) {
    size_t n = strlen(name);
    int i = 0;
    for (const char *s = b->settings; *s; i++) {
        size_t length = strcspn(s, " ");
        if (length == n && !strncmp(s, name, n)) return i;
        s += length;
        while (*s == ' ') s++;
    }
    return -1;
}
enum { SETTINGS = 8 };
static bool sort_arguments(Eval *e, const Context *c, const Builtin *b, const Arguments *a, BuiltinCall *call) {
    for (int k = 0; k < a->n; k++) {
        const char *name = a->names ? a->names[k] : NULL;
        if (!name) {
            call->spans[call->n] = a->spans[k];
            call->v[call->n++] = a->v[k];
            continue;
        }
        int i = setting_find(b, name);
        if (i < 0) {
            Message *m = sema_error(e, c, E352, a->spans[k], "`%s` has no argument `%s`", b->name, name);
            message_help(m, "%s", b->signature);
            return false;
        }
        if (call->named[i])
            return sema_error(e, c, E354, a->spans[k], "`%s` of `%s` is given twice", name, b->name), false;
        call->named[i] = a->v[k], call->named_spans[i] = a->spans[k];
    }
    if (call->n >= b->least && (b->most < 0 || call->n <= b->most)) return true;
    Message *m = sema_error(
        e, c, call->n < b->least ? E355 : E353, call->span, "`%s` takes %d argument%s%s, %d %s given", b->name,
        call->n < b->least ? b->least : b->most, (call->n < b->least ? b->least : b->most) == 1 ? "" : "s",
        b->most != b->least ? call->n < b->least ? " at least" : " at most" : "", call->n, call->n == 1 ? "is" : "are");
    bool larger = !strcmp(b->name, "max"), smaller = !strcmp(b->name, "min");
    if ((larger || smaller) && call->n == 2)
        message_help(m, "%s(a, b) is the %s of two; %s", larger ? "maximum" : "minimum", larger ? "larger" : "smaller", b->signature);
    else
        message_help(m, "%s", b->signature);
    return false;
}
Value *builtin_call(Eval *e, const Context *c, const Builtin *b, const Arguments *a, Span span) {
    Value *named[SETTINGS] = {0};
    Span named_spans[SETTINGS];
    BuiltinCall call = {.builtin = b, .c = c, .span = span, .named = named, .named_spans = named_spans};
    call.v = ARENA_ARRAY(e->arena, Value *, a->n + 1);
    call.spans = ARENA_ARRAY(e->arena, Span, a->n + 1);
    if (!sort_arguments(e, c, b, a, &call)) return value_poison(e);
    for (int i = 0; i < a->n; i++) {
        const Value *v = a->v[i];
        if (value_is_poison(v)) return value_poison(e);
        if (!empty(e, c, v, a->spans[i])) continue;
        return value_poison(e);
    }
    Value *r = b->handler(e, &call);
    limit_check(e, c, span);
    return r;
}

/* ---- what handlers share ---- */
bool empty(Eval *e, const Context *c, const Value *v, Span span) {
    if (v->kind != VALUE_TENSOR || v->shape.rank == 0 || v->shape.dims[0] != 0) return false;
    sema_error(e, c, E349, span, "this range has no numbers: only a loop may go over it, without a round");
    return true;
}
Value *argument_tensor(Eval *e, const BuiltinCall *call, int i, int least_rank) {
    Value *v = call->v[i];
    if (v->kind != VALUE_TENSOR)
        return sema_poison(e, call->c, E314, call->spans[i], "`%s` is of numbers, this is %s", call->builtin->name,
                           value_text(e, v)),
               NULL;
    if (v->shape.rank < least_rank) {
        Message *m = sema_error(e, call->c, E321, call->spans[i], "`%s` needs %s, this is %s", call->builtin->name,
                                least_rank == 1 ? "an axis" : "two axes", value_text(e, v));
        message_help(m, "%s", call->builtin->signature);
        return NULL;
    }
    return v;
}
bool argument_axis(Eval *e, const BuiltinCall *call, int setting, int rank, int otherwise, int *axis) {
    i64 a = otherwise;
    if (call->named[setting] && !need_int(e, call->c, call->named[setting], call->named_spans[setting], "`axis`", &a))
        return false;
    *axis = (int)(a < 0 ? a + rank : a);
    if (a >= -rank && a < rank) return true;
    sema_error(e, call->c, E342, call->named[setting] ? call->named_spans[setting] : call->span,
               "there is no axis %lld: this has %d", (long long)a, rank);
    return false;
}
Value *result_like(Eval *e, const Value *v, Element element, const Shape *shape, Node *node) {
    Value *r = value_tensor(e, element, shape, v->frames, node);
    r->deps = v->deps, r->coupled = v->coupled, r->averaged = v->averaged;
    return r;
}
int visible_axis(const Value *v, int axis) { return frames_count(v->frames) + axis; }

/* scope.c: names: scopes, captured scopes, bindings that grads name, did-you-mean. */
#include "eval.h"

Scope *scope_new(Eval *e, Scope *parent, bool loop) {
    Scope *s = ARENA_NEW(e->arena, Scope);
    s->parent = parent, s->loop = loop, s->map.arena = e->arena;
    return s;
}
static ScopeEntry *entry_in(const Scope *scope, const char *name) {
    u64 i = (u64)(uintptr_t)map_get_ptr(&scope->map, name);
    return i ? &scope->entries.v[i - 1] : NULL;
}
static ScopeEntry *entry_make(Eval *e, Scope *scope, const char *name) {
    ScopeEntry *entry = entry_in(scope, name);
    if (entry) return entry;
    vec_push(e->arena, &scope->entries, (ScopeEntry){.name = name});
    map_set_ptr(&scope->map, name, (void *)(uintptr_t)scope->entries.n);
    return &scope->entries.v[scope->entries.n - 1];
}
/* Blocks inside each other may be bound on; files and the library do not change any more, so they are shared. */
Scope *scope_capture(Eval *e, Scope *scope) {
    Scope *parent = scope->loop ? scope_capture(e, scope->parent) : scope->parent;
    Scope *s = scope_new(e, parent, false);
    for (int i = 0; i < scope->entries.n; i++) {
        ScopeEntry *entry = entry_make(e, s, scope->entries.v[i].name);
        *entry = scope->entries.v[i];
    }
    return s;
}
void scope_share_calls(Scope *to, const Scope *from) { memcpy(&to->memos, &from->memos, sizeof to->memos); }
Binding *scope_find(const Scope *scope, const char *name) {
    for (; scope; scope = scope->parent) {
        const ScopeEntry *entry = entry_in(scope, name);
        if (entry && entry->binding) return entry->binding;
    }
    return NULL;
}
const Function *scope_find_function(const Scope *scope, const char *name) {
    for (; scope; scope = scope->parent) {
        const ScopeEntry *entry = entry_in(scope, name);
        if (entry && entry->function) return entry->function;
    }
    return NULL;
}
Binding *scope_find_here(const Scope *scope, const char *name) {
    for (; scope; scope = scope->loop ? scope->parent : NULL) {
        const ScopeEntry *entry = entry_in(scope, name);
        if (entry && entry->binding) return entry->binding;
    }
    return NULL;
}
void scope_declare(Eval *e, Scope *scope, Binding *binding) {
    ScopeEntry *entry = entry_make(e, scope, binding->name);
    entry->binding = binding;
    if (binding->value && binding->value->kind == VALUE_FUNCTION) entry->function = binding->value->function;
}
void scope_declare_function(Eval *e, Scope *scope, const Function *function, Span span) {
    Binding *b = ARENA_NEW(e->arena, Binding);
    b->name = function->name, b->span = span, b->value = value_function(e, function);
    scope_declare(e, scope, b);
}

/* ---- bindings ---- */
u64 place_hash(const char *site, const char *name, int count) {
    u64 h = 0xcbf29ce484222325u;
    for (const char *s = site; *s; s++) h = (h ^ (u8)*s) * 0x100000001b3u;
    h = (h ^ '/') * 0x100000001b3u;
    for (const char *s = name; *s; s++) h = (h ^ (u8)*s) * 0x100000001b3u;
    return (h ^ (u64)count) * 0x100000001b3u;
}
static Frames frames_around(const Context *c) {
    Frames all = 0;
    for (int i = 0; i < c->n_frames; i++)
        if (c->frames[i]->kind != FRAME_ROUND) all |= 1u << i;
    return all;
}
typedef struct Marking {
    const Context *c;
    Frames wide;
    const Deps *leaf;
} Marking;
/* One leaf of a binding that a grad names: a real number of its own, wide enough, its node a mark. */
Value *value_mark(Eval *e, const Context *c, Value *v, Frames wide, const Deps *leaf) {
    Value *r = value_copy(e, v);
    r->element = v->element.kind == ELEMENT_CLASS ? v->element : element_real();
    r->frames = v->frames | wide;
    Node *node = value_spread(e, c, v, r->frames, &v->shape, r->element);
    r->node = node ? ir_mark(e->graph, node) : NULL;
    r->known = NULL, r->open = false;
    r->deps = deps_join(e, v->deps, leaf);
    return r;
}
static Value *mark_leaf(Eval *e, Value *v, void *context) {
    const Marking *m = context;
    return value_mark(e, m->c, v, m->wide, m->leaf);
}
Binding *bind(Eval *e, const Context *c, Scope *scope, const char *name, Value *value, Span span) {
    Binding *b = ARENA_NEW(e->arena, Binding), *before = scope_find_here(scope, name);
    b->name = name, b->value = value, b->span = span;
    b->scans = before ? before->scans : c->scans;
    b->carry = before && before->carry;
    b->reach = frames_around(c);
    b->place = place_hash(c->site, name, counters_count(e, c->counters, path_join(e, "=", name)));
    const Wanted *wanted = map_get(&e->wanted, b->place);
    if (wanted && (value->kind == VALUE_TENSOR || value->kind == VALUE_RECORD)) {
        b->leaf = deps_leaf(e);
        b->value = value_map(e, value, mark_leaf, &(Marking){c, wanted->frames & b->reach, b->leaf});
    }
    scope_declare(e, scope, b);
    return b;
}
Value *binding_value(Eval *e, const Context *c, Binding *b) {
    b->uses++;
    return b->resolve ? b->resolve(e, b, c) : b->value;
}

/* ---- what is not there ---- */
static bool of_kind(const ScopeEntry *entry, NameKind kind) {
    switch (kind) {
    case NAME_FUNCTION: return entry->function && entry->function->what != FUNCTION_OPTIMIZER;
    case NAME_OPTIMIZER: return entry->function && entry->function->what == FUNCTION_OPTIMIZER;
    case NAME_MODEL: return entry->function && entry->function->what == FUNCTION_MODEL;
    case NAME_DATA: return entry->binding && entry->binding->value && entry->binding->value->kind == VALUE_DATA;
    case NAME_ANY: return entry->binding != NULL;
    default: return false;
    }
}
static void data_sets_help(Message *m, Eval *e, int n, const char *const *sets) {
    Text names = {.arena = e->arena};
    for (int i = 0; i < n; i++) text_printf(&names, "%s`%s`", i ? ", " : "", sets[i]);
    if (n)
        message_help(m, "the page has %s", text_done(&names));
    else
        message_help(m, "the page declares no data: data d = csv(\"file.csv\") { .. }");
}
Value *unknown_name(Eval *e, const Context *c, const Scope *scope, Name name, NameKind kind) {
    static const char *const what[] = {"name", "function", "optimizer", "model", "data set"};
    VEC(const char *) candidates = {0};
    for (const Scope *s = scope; s; s = s->parent)
        for (int i = 0; i < s->entries.n; i++)
            if (of_kind(&s->entries.v[i], kind)) vec_push(e->arena, &candidates, s->entries.v[i].name);
    for (int i = 0; kind == NAME_FUNCTION && i < builtin_count(); i++)
        vec_push(e->arena, &candidates, builtin_at(i)->name);
    const char *near = str_nearest(name.text, candidates.v, candidates.n);
    DiagCode code = kind == NAME_FUNCTION    ? E202
                    : kind == NAME_OPTIMIZER ? E203
                    : kind == NAME_MODEL     ? E204
                    : kind == NAME_DATA      ? E205
                                             : E201;
    const Binding *other = scope_find(scope, name.text);
    Message *m =
        sema_error(e, c, code, name.span, kind == NAME_ANY ? "the %s `%s` is not bound here" : "there is no %s `%s`",
                   what[kind], name.text);
    if (other && other->span.source)
        message_note(m, other->span, "`%s` is bound here, and is no %s", name.text, what[kind]);
    if (near)
        message_help(m, "did you mean `%s`?", near);
    else if (kind == NAME_DATA)
        data_sets_help(m, e, candidates.n, candidates.v);
    return value_poison(e);
}

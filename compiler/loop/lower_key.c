/* lower_key.c: whether two kernels are the same but for what they are given, known before either is written.
**
** A key is the kernel in canonical form: its nodes by number, stored values as numbered leaves with type and alignment, in the order
** of a walk from its stores. Kernels with equal keys are one function, called with each one's own leaves. The numbers that name a
** draw (place, and the constants that draws count from) are scalar arguments, so that all parameters of a shape are drawn by one
** function. */
#include "lower.h"

typedef struct Visit {
    const PlanBody *body;
    const Node *node;
    int number;
} Visit;
typedef struct Keying {
    KernelKey *key;
    const PlanKernel *kernel;
    Arena *arena;
    VEC(Visit) nodes; /* by number; found through `known` */
    Map known;        /* node -> its first number + 1; further bodies are looked for behind it */
} Keying;

static void put(Keying *k, const void *data, size_t n) { text_add_n(&k->key->bytes, data, n); }
static void put_word(Keying *k, i64 word) { put(k, &word, sizeof word); }
static void put_pointer(Keying *k, const void *pointer) { put(k, &pointer, sizeof pointer); }

i64 value_align(const PlanValue *value) {
    PlanPlace place = plan_place(value);
    u64 all = place.block == BLOCK_CALL ? 8 : 64;
    all |= (u64)place.offset;
    for (int i = 0; i < place.n_steps; i++) all |= (u64)place.steps[i].bytes;
    return (i64)(all & -all);
}
int key_leaf(const KernelKey *key, const PlanValue *value) {
    int i = 0;
    while (i < key->leaves.n && !plan_same_place(key->leaves.v[i], value)) i++;
    return i;
}
static void put_leaf(Keying *k, const PlanValue *value) {
    int i = key_leaf(k->key, value);
    if (i == k->key->leaves.n) vec_push(k->arena, &k->key->leaves, value);
    put_word(k, i);
    put_pointer(k, value->type);
    put_word(k, value_align(value));
    put_word(k, plan_pitch(value));
}

/* ---- attributes */
static void put_INT(Keying *k, const i64 *x) { put_word(k, *x); }
static void put_REAL(Keying *k, const double *x) { put(k, x, sizeof *x); }
static void put_LIST(Keying *k, const List *x) {
    put_word(k, x->n);
    put(k, x->v, sizeof *x->v * (size_t)x->n);
}
static void put_TYPE(Keying *k, const Type *const *x) { put_pointer(k, *x); }
static void put_DTYPE(Keying *k, const Dtype *x) { put_word(k, *x); }
static void put_BYTES(Keying *k, const Bytes *x) { put_pointer(k, x->v); }
static void put_FUNC(Keying *k, const Func *const *x) { put_pointer(k, *x); }
static void put_ORDER(Keying *k, const Order *x) { put_word(k, *x); }
static void put_attributes(Keying *k, const Node *node, i64 lifted) {
    Attrs at = *node->at;
    if (lifted) at.place = lifted;
    u64 has = op_attributes(node->op);
#define ATTR(field, kind, text)                                                                                        \
    if (has >> ATTR_##field & 1) put_##kind(k, &at.field);
#include "../ir/attr.def"
#undef ATTR
}

/* ---- draws */

/* Whole numbers that a draw counts from, under views: they are given as arguments. */
static void lift_constants(Keying *k, const PlanBody *body, const Node *node) {
    while (op_loop_class(node->op) == LOOP_view && node->n_args == 1 && !plan_value(body, node)) node = node->args[0];
    if (node->op != OP_const || node->type->count != 1 || node->type->dtype != DT_i32) return;
    if (!nodemap_get(&k->key->lifted, node)) {
        vec_push(k->arena, &k->key->scalars, node);
        nodemap_set(&k->key->lifted, node, (void *)(intptr_t)k->key->scalars.n);
    }
}
static void lift_draw(Keying *k, const PlanBody *body, const Node *draw) {
    int i = 0; /* draws of one place are of one counter */
    while (i < k->key->scalars.n && (k->key->scalars.v[i]->op != OP_random || k->key->scalars.v[i]->at->place != draw->at->place)) i++;
    if (i == k->key->scalars.n) vec_push(k->arena, &k->key->scalars, draw);
    nodemap_set(&k->key->lifted, draw, (void *)(intptr_t)(i + 1));
    for (int a = 1; a < draw->n_args; a++) lift_constants(k, body, draw->args[a]);
}
i64 key_scalar(const Node *node) {
    i32 x;
    if (node->op == OP_random) return node->at->place;
    memcpy(&x, node->at->data.v, sizeof x);
    return x;
}

/* ---- nodes */

static int number_of(const Keying *k, const PlanBody *body, const Node *node) {
    for (i64 i = (i64)(intptr_t)map_get_ptr(&k->known, node) - 1; i >= 0 && i < k->nodes.n; i++)
        if (k->nodes.v[i].node == node && k->nodes.v[i].body == body) return k->nodes.v[i].number;
    return -1;
}
static int put_node(Keying *k, const PlanBody *body, const Node *node) {
    int known = number_of(k, body, node);
    if (known >= 0) return known;
    const PlanValue *stored = plan_value(body, node);
    int args[3], *numbers = node->n_args > 3 ? ARENA_ARRAY(k->arena, int, node->n_args) : args;
    bool leaf = stored && stored->maker != k->kernel;
    if (!leaf && node->op == OP_arg) {
        const PlanOuter *outer = plan_outer(body, node);
        args[0] = put_node(k, outer->body, outer->node);
        put_word(k, outer->lead ? -3 : -2);
        put_word(k, args[0]);
    } else if (leaf) {
        put_word(k, -1);
        put_leaf(k, stored);
    } else {
        if (node->op == OP_random) lift_draw(k, body, node);
        for (int i = 0; i < node->n_args; i++) numbers[i] = put_node(k, body, node->args[i]);
        intptr_t lifted = (intptr_t)nodemap_get(&k->key->lifted, node);
        put_word(k, node->op);
        put_pointer(k, node->type);
        if (node->op == OP_const && lifted) put_word(k, lifted);
        else put_attributes(k, node, lifted);
        put_word(k, node->n_args);
        for (int i = 0; i < node->n_args; i++) put_word(k, numbers[i]);
    }
    Visit v = {body, node, k->nodes.n};
    vec_push(k->arena, &k->nodes, v);
    if (!map_has(&k->known, map_key(node))) map_set_ptr(&k->known, node, (void *)(intptr_t)k->nodes.n);
    return v.number;
}
static void put_stores(Keying *k) {
    const PlanKernel *kernel = k->kernel;
    put_word(k, kernel->stores.n);
    for (int i = 0; i < kernel->stores.n; i++) {
        const PlanStore *store = &kernel->stores.v[i];
        int number = store->from ? -1 : put_node(k, kernel->body, store->node);
        if (store->from) put_leaf(k, store->from);
        put_word(k, number);
        put_pointer(k, store->node->type);
        put_leaf(k, store->value);
        put_word(k, store->shifts != NULL);
        for (int a = 0; store->shifts && a < store->node->type->rank; a++) put_word(k, store->shifts[a]);
    }
}
KernelKey *kernel_key(Arena *arena, const PlanKernel *kernel) {
    KernelKey *key = ARENA_NEW(arena, KernelKey);
    key->bytes.arena = key->lifted.arena = arena;
    Keying k = {.key = key, .kernel = kernel, .arena = arena, .known = {.arena = arena}};
    put_word(&k, kernel->kind);
    put_word(&k, kernel->parallel);
    put_word(&k, kernel->update);
    put_stores(&k);
    put_word(&k, kernel->anchor ? number_of(&k, kernel->body, kernel->anchor) : -1);
    for (int i = 0; i < kernel->anchors.n; i++) put_word(&k, number_of(&k, kernel->body, kernel->anchors.v[i]));
    put_pointer(&k, kernel->full);
    if (kernel->scratch) put_leaf(&k, kernel->scratch);
    if (kernel->maxima) put_leaf(&k, kernel->maxima);
    return key;
}
u64 key_hash(const KernelKey *key) {
    u64 hash = 14695981039346656037u;
    for (size_t i = 0; i < key->bytes.n; i++) hash = (hash ^ (u8)key->bytes.s[i]) * 1099511628211u;
    return hash;
}

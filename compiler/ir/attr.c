/* attr.c: attributes compared, hashed and copied by kind, all from attr.def. */
#include "rules.h"
#include <string.h>

/* ---- hashing: FNV-1a over words, mixed at the end of each */
static u64 mix(u64 h, u64 word) {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}
static u64 bits_of(double x) {
    u64 u;
    memcpy(&u, &x, sizeof u);
    return u;
}
static u64 hash_INT(u64 h, i64 x) { return mix(h, (u64)x); }
static u64 hash_REAL(u64 h, double x) { return mix(h, bits_of(x)); }
static u64 hash_LIST(u64 h, List x) {
    h = mix(h, (u64)x.n);
    for (int i = 0; i < x.n; i++) h = mix(h, (u64)x.v[i]);
    return h;
}
static u64 hash_TYPE(u64 h, const Type *x) { return mix(h, (u64)(uintptr_t)x); }
static u64 hash_DTYPE(u64 h, Dtype x) { return mix(h, x); }
static u64 hash_BYTES(u64 h, Bytes x) {
    h = mix(h, (u64)x.n);
    i64 i = 0;
    for (u64 word; i + 8 <= x.n; i += 8) memcpy(&word, x.v + i, 8), h = mix(h, word);
    for (; i < x.n; i++) h = mix(h, x.v[i]);
    return h;
}
static u64 hash_FUNC(u64 h, const Func *x) { return mix(h, (u64)(uintptr_t)x); }
static u64 hash_ORDER(u64 h, Order x) { return mix(h, x); }
u64 attrs_hash(const Attrs *at) {
    u64 h = 0xcbf29ce484222325u;
#define ATTR(field, kind, text) h = hash_##kind(h, at->field);
#include "attr.def"
#undef ATTR
    return h;
}

/* ---- comparing; reals by their bits: -0 is not 0 */
bool list_equal(List a, List b) { return a.n == b.n && (a.n == 0 || memcmp(a.v, b.v, sizeof(i64) * (size_t)a.n) == 0); }
static bool same_INT(i64 a, i64 b) { return a == b; }
static bool same_REAL(double a, double b) { return bits_of(a) == bits_of(b); }
static bool same_LIST(List a, List b) { return list_equal(a, b); }
static bool same_TYPE(const Type *a, const Type *b) { return a == b; }
static bool same_DTYPE(Dtype a, Dtype b) { return a == b; }
static bool same_BYTES(Bytes a, Bytes b) { return a.n == b.n && (a.n == 0 || memcmp(a.v, b.v, (size_t)a.n) == 0); }
static bool same_FUNC(const Func *a, const Func *b) { return a == b; }
static bool same_ORDER(Order a, Order b) { return a == b; }
bool attrs_equal(const Attrs *a, const Attrs *b) {
#define ATTR(field, kind, text)                                                                                        \
    if (!same_##kind(a->field, b->field)) return false;
#include "attr.def"
#undef ATTR
    return true;
}
const char *attrs_outside(const Attrs *at, u64 mask) {
    static const Attrs zero;
#define ATTR(field, kind, text)                                                                                        \
    if (!(mask >> ATTR_##field & 1) && !same_##kind(at->field, zero.field)) return text;
#include "attr.def"
#undef ATTR
    return NULL;
}

/* ---- copying */
static i64 keep_INT(Arena *arena, i64 x) { return (void)arena, x; }
static double keep_REAL(Arena *arena, double x) { return (void)arena, x; }
static List keep_LIST(Arena *arena, List x) { return list_of(arena, x.n, x.v); }
static const Type *keep_TYPE(Arena *arena, const Type *x) { return (void)arena, x; }
static Dtype keep_DTYPE(Arena *arena, Dtype x) { return (void)arena, x; }
static Bytes keep_BYTES(Arena *arena, Bytes x) { return (Bytes){x.n, x.n ? arena_copy(arena, x.v, (size_t)x.n) : NULL}; }
static const Func *keep_FUNC(Arena *arena, const Func *x) { return (void)arena, x; }
static Order keep_ORDER(Arena *arena, Order x) { return (void)arena, x; }
Attrs attrs_keep(Arena *arena, const Attrs *at) {
    Attrs copy;
    memset(&copy, 0, sizeof copy);
#define ATTR(field, kind, text) copy.field = keep_##kind(arena, at->field);
#include "attr.def"
#undef ATTR
    return copy;
}
List list_of(Arena *arena, int n, const i64 *v) {
    return (List){n, n ? arena_copy(arena, v, sizeof(i64) * (size_t)n) : NULL};
}
List list_of_ints(Arena *arena, int n, const int *v) {
    i64 *copy = n ? ARENA_ARRAY(arena, i64, n) : NULL;
    for (int i = 0; i < n; i++) copy[i] = v[i];
    return (List){n, copy};
}

/* str.c: see str.h. The table is open addressing over pointers; the distance is Damerau-Levenshtein (adjacent swaps). */
#include "str.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct Strings {
    Arena *arena;
    const char **slots;
    size_t n, cap;
};
static u64 text_hash(const char *s, size_t n) { /* FNV-1a */
    u64 h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return h;
}
Strings *strings_new(Arena *arena) {
    Strings *t = ARENA_NEW(arena, Strings);
    t->arena = arena;
    t->cap = 1024;
    t->slots = ARENA_ARRAY(arena, const char *, t->cap);
    return t;
}
static const char **find(const Strings *t, const char *s, size_t n) {
    size_t i = text_hash(s, n) & (t->cap - 1);
    while (t->slots[i] && !(strlen(t->slots[i]) == n && memcmp(t->slots[i], s, n) == 0)) i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}
const char *str_intern_n(Strings *t, const char *s, size_t n) {
    const char **slot = find(t, s, n);
    if (*slot) return *slot;
    char *copy = arena_alloc(t->arena, n + 1);
    if (n) memcpy(copy, s, n);
    if (t->n * 2 >= t->cap) {
        Strings bigger = {t->arena, ARENA_ARRAY(t->arena, const char *, t->cap * 2), t->n, t->cap * 2};
        for (size_t i = 0; i < t->cap; i++)
            if (t->slots[i]) *find(&bigger, t->slots[i], strlen(t->slots[i])) = t->slots[i];
        *t = bigger;
        slot = find(t, s, n);
    }
    t->n++;
    return *slot = copy;
}
const char *str_intern(Strings *t, const char *s) { return str_intern_n(t, s, strlen(s)); }

void text_add_n(Text *t, const char *s, size_t n) {
    if (t->n + n + 1 > t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 128;
        while (cap < t->n + n + 1) cap *= 2;
        char *bigger = arena_alloc(t->arena, cap);
        if (t->n) memcpy(bigger, t->s, t->n);
        t->s = bigger;
        t->cap = cap;
    }
    if (n) memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = 0;
}
void text_add(Text *t, const char *s) { text_add_n(t, s, strlen(s)); }
void text_number(Text *t, const char *before, u64 n) {
    char digits[20]; /* of 2^64 - 1 */
    int first = sizeof digits;
    do digits[--first] = (char)('0' + n % 10);
    while (n /= 10);
    text_add(t, before);
    text_add_n(t, digits + first, sizeof digits - (size_t)first);
}
void text_printf(Text *t, const char *format, ...) {
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    nnc_check(n >= 0, "a bad format: %s", format);
    if ((size_t)n < sizeof small) {
        text_add_n(t, small, (size_t)n);
    } else {
        char *big = arena_alloc(t->arena, (size_t)n + 1);
        vsnprintf(big, (size_t)n + 1, format, again);
        text_add_n(t, big, (size_t)n);
    }
    va_end(again);
}
const char *text_done(Text *t) { return t->s ? t->s : ""; }

int str_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int n = (int)strlen(a), m = (int)strlen(b), d[3][LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = d[i % 3], *above = d[(i + 2) % 3], *two = d[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
                best = two[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}
const char *str_nearest(const char *name, const char *const *candidates, int n) {
    const char *best = NULL;
    int limit = (int)strlen(name) / 3 + 1, best_distance = limit + 1;
    for (int i = 0; i < n; i++) {
        int d = strcasecmp(name, candidates[i]) == 0 ? 0 : str_distance(name, candidates[i]);
        if (d < best_distance && d < (int)strlen(name)) best_distance = d, best = candidates[i];
    }
    return best;
}

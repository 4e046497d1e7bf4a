/* str.h: interned strings (equal text is one pointer, so `==` compares) and a builder of text. */
#ifndef NNC_STR_H
#define NNC_STR_H
#include "arena.h"

typedef struct Strings Strings; /* the table of interned strings; lives in its arena */
Strings *strings_new(Arena *arena);
const char *str_intern(Strings *strings, const char *text); /* zero-terminated; the result is shared, never changed */
const char *str_intern_n(Strings *strings, const char *text, size_t n);

/* A builder. Zero-initialise with an arena: `Text t = {.arena = a}`. `t.s` is zero-terminated once anything was added. */
typedef struct Text {
    Arena *arena;
    char *s;
    size_t n, cap;
} Text;
void text_add(Text *text, const char *s);
void text_add_n(Text *text, const char *s, size_t n);
void text_number(Text *text, const char *before, u64 n); /* `before`, then n in decimal: what long texts have most of */
void text_printf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_done(Text *text); /* the text so far, "" when empty */

int str_distance(const char *a, const char *b); /* Damerau-Levenshtein, for did-you-mean */
/* The candidate nearest to `name`, or NULL if none is near enough (a third of its length). Case counts half. */
const char *str_nearest(const char *name, const char *const *candidates, int n);
#endif

/* arena.c: see arena.h. Blocks double up to 1 MiB; an object larger than a block gets a block of its own. */
#include "arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block Block;
struct Block {
    Block *next;
    size_t used, size; /* bytes of `data` */
    _Alignas(16) unsigned char data[];
};
struct Arena {
    const char *lifetime;
    Block *block; /* the one being filled first */
    size_t next_size, total;
};

_Noreturn void nnc_bug_at(const char *file, int line, const char *format, ...) {
    va_list args;
    fflush(stdout);
    fprintf(stderr, "nnc: internal error at %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  This is a bug of nnc, not of your page. Please report it with the page that shows it.\n");
    if (getenv("NNC_ABORT")) abort();
    exit(70);
}

static void *system_alloc(const char *lifetime, size_t bytes) {
    void *p = calloc(1, bytes);
    if (!p) {
        fprintf(stderr, "nnc: out of memory: %zu bytes for %s\n", bytes, lifetime);
        exit(6);
    }
    return p;
}
Arena *arena_new(const char *lifetime) {
    Arena *a = system_alloc(lifetime, sizeof *a);
    a->lifetime = lifetime;
    a->next_size = 16 << 10;
    return a;
}
void arena_free(Arena *arena) {
    if (!arena) return;
    for (Block *b = arena->block, *next; b; b = next) next = b->next, free(b);
    free(arena);
}
void *arena_alloc(Arena *arena, size_t bytes) {
    nnc_check(bytes < (size_t)1 << 40, "an allocation of %zu bytes in %s", bytes, arena->lifetime);
    bytes = (bytes + 15) & ~(size_t)15;
    if (!arena->block || arena->block->size - arena->block->used < bytes) {
        size_t size = bytes > arena->next_size ? bytes : arena->next_size;
        Block *b = system_alloc(arena->lifetime, sizeof *b + size);
        b->size = size;
        b->next = arena->block;
        arena->block = b;
        if (arena->next_size < 1 << 20) arena->next_size *= 2;
    }
    void *p = arena->block->data + arena->block->used;
    arena->block->used += bytes;
    arena->total += bytes;
    return p;
}
void *arena_copy(Arena *arena, const void *from, size_t bytes) {
    void *p = arena_alloc(arena, bytes ? bytes : 1);
    if (bytes) memcpy(p, from, bytes);
    return p;
}
char *arena_printf(Arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    nnc_check(n >= 0, "a bad format: %s", format);
    char *s = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}
size_t arena_bytes(const Arena *arena) { return arena->total; }

/* arena.h: memory by lifetime. An arena grows until it is freed as a whole; nothing in it is freed alone.
**
** Allocation never returns NULL: without memory the program ends with exit code 6. All memory is zero. */
#ifndef NNC_ARENA_H
#define NNC_ARENA_H
#include "base.h"

typedef struct Arena Arena;

Arena *arena_new(const char *lifetime); /* `lifetime` names it in messages: "compilation", "scratch" */
void arena_free(Arena *arena);
void *arena_alloc(Arena *arena, size_t bytes); /* zeroed, aligned to 16 */
void *arena_copy(Arena *arena, const void *from, size_t bytes);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const Arena *arena); /* handed out so far */

#define ARENA_NEW(arena, T)      ((T *)arena_alloc((arena), sizeof(T)))
#define ARENA_ARRAY(arena, T, n) ((T *)arena_alloc((arena), sizeof(T) * (size_t)(n)))
#endif

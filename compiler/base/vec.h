/* vec.h: a growable array in an arena. `VEC(T)` is the type, zero is the empty one.
**
**     VEC(Node *) todo = {0};
**     vec_push(arena, &todo, node);
**     for (int i = 0; i < todo.n; i++) use(todo.v[i]);
**
** Growing leaves the old storage to the arena. Not for hot loops over millions. */
#ifndef NNC_VEC_H
#define NNC_VEC_H
#include "arena.h"
#include <string.h>

#define VEC(T)                                                                                                         \
    struct {                                                                                                           \
        T *v;                                                                                                          \
        int n, cap;                                                                                                    \
    }
#define vec_push(arena, vec, item)                                                                                     \
    do {                                                                                                               \
        if ((vec)->n == (vec)->cap)                                                                                    \
            (vec)->v = vec_grow((arena), (vec)->v, (vec)->n, &(vec)->cap, sizeof *(vec)->v);                           \
        (vec)->v[(vec)->n++] = (item);                                                                                 \
    } while (0)

static inline void *vec_grow(Arena *arena, const void *old, int n, int *cap, size_t each) {
    int want = *cap ? *cap * 2 : 8;
    void *v = arena_alloc(arena, (size_t)want * each);
    if (n) memcpy(v, old, (size_t)n * each);
    *cap = want;
    return v;
}
#endif

/* map.c: see map.h. Linear probing, at most half full. */
#include "map.h"
#include <string.h>

static size_t slot_of(const Map *m, u64 key) {
    u64 h = key * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h ^ h >> 29) & (m->cap - 1);
    while (m->used[i] && m->keys[i] != key) i = (i + 1) & (m->cap - 1);
    return i;
}
bool map_has(const Map *m, u64 key) { return m->cap && m->used[slot_of(m, key)]; }
void *map_get(const Map *m, u64 key) {
    if (!m->cap) return NULL;
    size_t i = slot_of(m, key);
    return m->used[i] ? m->values[i] : NULL;
}
void map_set(Map *m, u64 key, void *value) {
    if (m->n * 2 >= m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        Map bigger = {m->arena, ARENA_ARRAY(m->arena, u64, cap), ARENA_ARRAY(m->arena, void *, cap),
                      ARENA_ARRAY(m->arena, u8, cap), 0, cap};
        for (size_t i = 0; i < m->cap; i++)
            if (m->used[i]) map_set(&bigger, m->keys[i], m->values[i]);
        *m = bigger;
    }
    size_t i = slot_of(m, key);
    if (!m->used[i]) m->used[i] = 1, m->keys[i] = key, m->n++;
    m->values[i] = value;
}

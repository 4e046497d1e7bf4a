/* map.h: a hash map from a 64-bit key (a number, an interned string, a node) to a pointer.
**
** Nothing may depend on the order of its slots, so there is no way to walk it: keep a vec beside it. */
#ifndef NNC_MAP_H
#define NNC_MAP_H
#include "arena.h"

typedef struct Map {
    Arena *arena; /* set it, zero the rest */
    u64 *keys;
    void **values;
    u8 *used;
    size_t n, cap;
} Map;
void *map_get(const Map *map, u64 key); /* NULL if absent */
bool map_has(const Map *map, u64 key);
void map_set(Map *map, u64 key, void *value);

static inline u64 map_key(const void *pointer) { return (u64)(uintptr_t)pointer; }
static inline void *map_get_ptr(const Map *map, const void *key) { return map_get(map, map_key(key)); }
static inline void map_set_ptr(Map *map, const void *key, void *value) { map_set(map, map_key(key), value); }
#endif

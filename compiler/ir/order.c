/* order.c: walks from results to operands, tables by node, and what depends on what. All with an explicit stack: a chain of
** 100,000 nodes is no deeper than one. */
#include "graph.h"
#include "../base/vec.h"

typedef struct Frame {
    Node *node;
    int next; /* operand to visit */
} Frame;
typedef VEC(Frame) Stack;

NodeList order_walk_until(Arena *arena, Node *const *roots, int n_roots, bool (*stop)(void *, const Node *), void *context) {
    Arena *scratch = arena_new("a walk");
    u32 n_ids = 0;
    for (int i = 0; i < n_roots; i++)
        if (roots[i] && roots[i]->id >= n_ids) n_ids = roots[i]->id + 1;
    u64 *seen = ARENA_ARRAY(scratch, u64, n_ids / 64 + 1);
    Stack stack = {0};
    VEC(Node *) out = {0};
    for (int i = 0; i < n_roots; i++) {
        Node *enter = roots[i];
        while (enter || stack.n) {
            if (enter) {
                bool old = seen[enter->id / 64] >> enter->id % 64 & 1;
                seen[enter->id / 64] |= (u64)1 << enter->id % 64;
                if (!old) vec_push(scratch, &stack, ((Frame){enter, stop && stop(context, enter) ? enter->n_args : 0}));
                enter = NULL;
                continue;
            }
            Frame *top = &stack.v[stack.n - 1];
            if (top->next < top->node->n_args) {
                enter = top->node->args[top->next++];
            } else {
                vec_push(arena, &out, top->node);
                stack.n--;
            }
        }
    }
    arena_free(scratch);
    return (NodeList){out.n, out.v};
}
NodeList order_walk(Arena *arena, Node *const *roots, int n_roots) { return order_walk_until(arena, roots, n_roots, NULL, NULL); }

/* ---- tables by node */
enum { PAGE = 256 };

void *nodemap_get(const NodeMap *map, const Node *node) {
    u32 page = node->id / PAGE;
    return page < map->n_pages && map->pages[page] ? map->pages[page][node->id % PAGE] : NULL;
}
void nodemap_set(NodeMap *map, const Node *node, void *value) {
    u32 page = node->id / PAGE;
    if (page >= map->n_pages) {
        u32 n = map->n_pages * 2 > page ? map->n_pages * 2 : page + 1;
        void ***pages = ARENA_ARRAY(map->arena, void **, n);
        if (map->n_pages) memcpy(pages, map->pages, sizeof *pages * map->n_pages);
        map->pages = pages;
        map->n_pages = n;
    }
    if (!map->pages[page]) map->pages[page] = ARENA_ARRAY(map->arena, void *, PAGE);
    map->pages[page][node->id % PAGE] = value;
    if (map->n++ == 0 || node->id < map->lowest) map->lowest = node->id;
}

/* ---- dependence */
static bool is_older(void *lowest, const Node *node) { return node->id < *(u32 *)lowest; }

NodeMap depends_on(Arena *arena, Node *const *roots, int n_roots, Node *const *on, int n_on) {
    NodeMap depends = {.arena = arena};
    for (int i = 0; i < n_on; i++) nodemap_set(&depends, on[i], on[i]);
    if (!n_on) return depends;
    u32 lowest = depends.lowest; /* what is older than all of `on` cannot depend on it */
    Arena *scratch = arena_new("dependence");
    NodeList nodes = order_walk_until(scratch, roots, n_roots, is_older, &lowest);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        for (int j = 0; j < node->n_args; j++)
            if (nodemap_get(&depends, node->args[j])) {
                nodemap_set(&depends, node, node);
                break;
            }
    }
    arena_free(scratch);
    return depends;
}

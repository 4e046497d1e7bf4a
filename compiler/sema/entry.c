/* entry.c: from nodes to functions of the program: the holes that the results reach become arguments, each with the
** place where the runtime has its bytes, in the order of the places. */
#include "page.h"
#include "../ir/rewrite.h"
#include <stddef.h>
#include <stdlib.h>

i64 aligned(i64 bytes) { return (bytes + 63) / 64 * 64; }
void result_add(Eval *e, Results *results, Node *node, Block block, i64 offset) {
    nnc_check(node, "a result without a node");
    vec_push(e->arena, &results->nodes, node);
    vec_push(e->arena, &results->places, ((Place){block, offset}));
}
void hole_place(Eval *e, Node *hole, Block block, i64 offset) {
    if (!hole) return;
    Place *place = ARENA_NEW(e->arena, Place);
    *place = (Place){block, offset};
    nodemap_set(&page_of(e)->places, hole, place);
}
void hole_replace(Eval *e, Node *hole, Node *node) {
    if (hole) nodemap_set(&page_of(e)->replaced, hole, node);
}
Node *replaced(Eval *e, Node *node) {
    Arena *scratch = arena_new("scratch");
    substitute(e->graph, scratch, &page_of(e)->replaced, &node, 1, &node);
    arena_free(scratch);
    return node;
}
void inputs_place(Eval *e, const Inputs *inputs, const nn_feed *feed) {
    const i64 offsets[INPUT_KINDS] = {
        [INPUT_KEY] = offsetof(nn_call, key),
        [INPUT_STEP] = offsetof(nn_call, step),
        [INPUT_EPOCH] = offsetof(nn_call, epoch),
        [INPUT_PROGRESS] = e->real == DT_f64 ? offsetof(nn_call, progress64) : offsetof(nn_call, progress32),
        [INPUT_DRAW_STEP] = offsetof(nn_call, draw_step),
        [INPUT_DATA_STEP] = offsetof(nn_call, data_step),
        [INPUT_VALID] = offsetof(nn_call, valid),
    };
    for (int i = 0; i < INPUT_KINDS; i++) {
        bool batch = i == INPUT_ROW || i == INPUT_FRESH;
        if (batch && !feed) continue;
        hole_place(e, inputs->hole[i], batch ? BLOCK_BATCH : BLOCK_CALL,
                   i == INPUT_ROW     ? feed->row
                   : i == INPUT_FRESH ? feed->fresh
                                      : offsets[i]);
    }
}

/* ---- what lies in a batch ---- */
static bool reached(const NodeList *all, const Node *hole) {
    for (int i = 0; hole && i < all->n; i++)
        if (all->v[i] == hole) return true;
    return false;
}
static i64 room(i64 *bytes, const Node *hole) {
    i64 at = *bytes;
    *bytes = aligned(at + type_bytes(hole->type));
    return at;
}
void use_layout(Eval *e, Use *use, Node *const *roots, int n) {
    Arena *scratch = arena_new("scratch");
    NodeList all = order_walk(scratch, roots, n);
    int n_columns = use->set->columns.n;
    i64 *offsets = ARENA_ARRAY(e->arena, i64, n_columns + 1);
    use->feed = (nn_feed){
        .set = use->set->index, .rows = use->rows, .row = -1, .fresh = -1, .n_columns = n_columns, .columns = offsets};
    for (int i = 0; i < n_columns; i++) {
        Node *hole = i < use->n_columns ? use->columns[i] : NULL;
        offsets[i] = reached(&all, hole) ? room(&use->feed.bytes, hole) : -1;
        if (offsets[i] >= 0) hole_place(e, hole, BLOCK_BATCH, offsets[i]);
    }
    if (reached(&all, use->inputs.hole[INPUT_ROW])) use->feed.row = room(&use->feed.bytes, use->inputs.hole[INPUT_ROW]);
    if (reached(&all, use->inputs.hole[INPUT_FRESH]))
        use->feed.fresh = room(&use->feed.bytes, use->inputs.hole[INPUT_FRESH]);
    inputs_place(e, &use->inputs, &use->feed);
    arena_free(scratch);
}

/* ---- a function ---- */
typedef struct Argument {
    Node *hole;
    Place place;
} Argument;
static int place_order(const void *a, const void *b) {
    const Place *x = &((const Argument *)a)->place, *y = &((const Argument *)b)->place;
    if (x->block != y->block) return x->block < y->block ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}
static int arguments_find(Eval *e, Arena *scratch, const char *name, Node *const *roots, int n, Argument **arguments) {
    NodeList all = order_walk(scratch, roots, n);
    VEC(Argument) found = {0};
    for (int i = 0; i < all.n; i++) {
        if (all.v[i]->op != OP_hole) continue;
        const Place *place = nodemap_get(&page_of(e)->places, all.v[i]);
        nnc_check(place, "%s: an input without a place, %%%u", name, all.v[i]->id);
        Argument a = {all.v[i], *place};
        vec_push(scratch, &found, a);
    }
    if (found.n) qsort(found.v, (size_t)found.n, sizeof *found.v, place_order);
    *arguments = found.v;
    return found.n;
}
nn_function entry_make(Eval *e, const char *name, const Results *results, i64 batch_rows) {
    Program *program = page_of(e)->program;
    Arena *scratch = arena_new("scratch");
    int n = results->nodes.n;
    Node **roots = ARENA_ARRAY(scratch, Node *, n + 1), **closed = ARENA_ARRAY(scratch, Node *, n + 1);
    Argument *arguments;
    substitute(e->graph, scratch, &page_of(e)->replaced, results->nodes.v, n, roots);
    int n_args = arguments_find(e, scratch, name, roots, n, &arguments);
    const Type **types = ARENA_ARRAY(scratch, const Type *, n_args + 1);
    NodeMap map = {.arena = scratch};
    Entry *entry = ARENA_NEW(e->arena, Entry);
    *entry = (Entry){.name = intern(e, name), .inputs = ARENA_ARRAY(e->arena, Place, n_args + 1)};
    for (int i = 0; i < n_args; i++) {
        types[i] = arguments[i].hole->type;
        entry->inputs[i] = arguments[i].place;
        nodemap_set(&map, arguments[i].hole, ir_arg(e->graph, i, types[i]));
        if (arguments[i].place.block == BLOCK_BATCH) entry->batch_rows = batch_rows;
    }
    substitute(e->graph, scratch, &map, roots, n, closed);
    entry->func = func_make(e->graph, n_args, types, n, closed);
    entry->outputs = arena_copy(e->arena, results->places.v, sizeof(Place) * (size_t)n);
    arena_free(scratch);
    vec_push(e->arena, &program->entries, entry);
    return (nn_function){.name = entry->name, .index = program->entries.n - 1};
}

/* lower_tile.c: dots as register tiles: operands and results of the plan in the words of tile.h, and the maps that finish each tile.
**
** A dot can be tiled if both operands are views of stored values that stay inside them and are affine in the kernel's groups. The
** finish is written breadth first: each map for all vectors of the tile, then the next map, then all stores, so that long chains
** of arithmetic run side by side. With a cut each block is a product into its own part of `scratch`; then pairs are added. */
#include "lower.h"
#include "tile.h"

enum { FAR = 1 << 20 }; /* bytes of a kernel that an L2 does not keep until the next step */

/* ---- operands */

bool operand_place(Lower *w, const PlanBody *body, const Node *node, const Index *index, Operand *operand) {
    for (;;) {
        const PlanValue *stored = plan_value(body, node);
        if (stored && stored->maker != w->kernel) {
            *operand = (Operand){stored, address_of(stored, index)};
            for (int i = 0; i < operand->form.n; i++)
                if (operand->form.terms[i].value) return false;
            return true;
        }
        if (!view_step(w, &body, &node, &index)) return false;
    }
}

/* ---- groups as axes */

typedef struct Tiling {
    Lower *w;
    const Node *dot;
    TileSpec spec;
    int axis_group[TILE_AXES];   /* the group that an axis is */
    int sum_group[TILE_AXES];
    const Node **maps;           /* what follows, in order: maps over the results' shape */
    int n_maps;
    int n_result;
    LoopAffine block;            /* with a cut: which */
    int mark;                    /* what is known outside of tasks */
} Tiling;

static i64 factor_of_group(const Lower *w, const LoopAffine *form, int group) {
    const AxisGroup *g = &w->groups.v[group];
    const LoopFor *inner = &w->atoms.v[g->first + g->n - 1]->loop;
    for (int i = 0; i < form->n; i++)
        if (form->terms[i].loop == inner) return form->terms[i].factor;
    return 0;
}
/* The window of a summed axis, whose dimension is one group by itself; the dimension it goes with is one or several. */
static void window_of(Tiling *t, int sum) {
    Lower *w = t->w;
    TileSpec *spec = &t->spec;
    List inside = t->dot->at->inside;
    int dim = w->atoms.v[w->groups.v[t->sum_group[sum]].first]->dim;
    for (int i = 0; i < inside.n; i += INSIDE_WORDS) {
        const i64 *window = inside.v + i;
        if (t->n_result + window[INSIDE_PLACE] != dim) continue;
        TileWindow *to = &spec->windows[sum];
        *to = (TileWindow){.n = window[INSIDE_N], .b = window[INSIDE_B], .c = window[INSIDE_C]};
        for (int a = 0; a < spec->n_batch + spec->n_left + spec->n_right; a++) {
            const Atom *atom = w->atoms.v[w->groups.v[t->axis_group[a]].first];
            if (atom->dim == window[INSIDE_AXIS]) to->of[a] = window[INSIDE_A] * atom->stride;
        }
    }
}
static bool make_axes(Tiling *t, const Operand operands[2]) {
    Lower *w = t->w;
    TileSpec *spec = &t->spec;
    int n = 0, *counts[3] = {&spec->n_batch, &spec->n_left, &spec->n_right};
    spec->unit = -1;
    for (int g = 0; g < w->groups.n; g++) {
        const AxisGroup *group = &w->groups.v[g];
        TileAxis axis = {group->extent, factor_of_group(w, &operands[0].form, g), factor_of_group(w, &operands[1].form, g)};
        if (group->class == AXIS_BLOCK) continue;
        bool sum = group->class == AXIS_FOLD;
        if ((sum ? spec->n_sum : n) == TILE_AXES) return false;
        if (sum) {
            t->sum_group[spec->n_sum] = g;
            spec->sum[spec->n_sum++] = axis;
            continue;
        }
        for (int i = 0; i < w->forms.n && spec->unit < 0; i++)
            if (w->forms.v[i].store && factor_of_group(w, &w->forms.v[i].form, g) == 1) spec->unit = n;
        t->axis_group[n] = g;
        spec->axes[n++] = axis;
        ++*counts[w->dims.v[w->atoms.v[group->first]->dim].part];
    }
    for (int i = 0; i < spec->n_sum; i++) window_of(t, i);
    return true;
}

/* ---- finish */

static void bind_cell(Tiling *t, int number, const TileCell *cell) {
    Lower *w = t->w;
    int n = t->spec.n_batch + t->spec.n_left + t->spec.n_right;
    for (int i = 0; i < n; i++) {
        AxisGroup *group = &w->groups.v[t->axis_group[i]];
        group->at = cell->at[i];
        group->bound = true;
        group->lanes = i == cell->lanes;
    }
    w->active = cell->active;
    w->cell = number;
    w->anchor = cell->value;
}
static void unbind_cells(Tiling *t) {
    for (int g = 0; g < t->w->groups.n; g++) t->w->groups.v[g].bound = t->w->groups.v[g].lanes = false;
    t->w->active = t->w->cell = 0;
    t->w->anchor = NULL;
}
/* The builder that tile.c is given is the lowering's own. */
static void finish_tile(void *context, LoopBuilder *b, int n, const TileCell *cells) {
    Tiling *t = context;
    Lower *w = t->w;
    nnc_check(b == &w->b, "a tile in another function");
    int mark = known_mark(w);
    const Index *index = index_of_dims(w, 0, t->n_result);
    w->anchor_index = index;
    for (int m = 0; m < t->n_maps; m++)
        for (int c = 0; c < n; c++) {
            bind_cell(t, c + 1, &cells[c]);
            node_at(w, w->kernel->body, t->maps[m], index);
        }
    LoopValue **maxima = maxima_load(w);
    for (int c = 0; c < n; c++) {
        bind_cell(t, c + 1, &cells[c]);
        maxima_take(w, maxima, index);
    }
    maxima_keep(w, maxima);
    for (int c = 0; c < n; c++) {
        bind_cell(t, c + 1, &cells[c]);
        stores_at(w, index);
    }
    unbind_cells(t);
    known_forget(w, mark);
}
/* What is the same for all elements is made once a task, not in every finish. */
static void begin_task(void *context, LoopBuilder *b) {
    Tiling *t = context;
    Lower *w = t->w;
    nnc_check(b == &w->b, "a task in another function");
    known_forget(w, t->mark);
    for (int m = 0; m < t->n_maps; m++)
        for (int i = 0; i < t->maps[m]->n_args; i++) {
            const Node *x = t->maps[m]->args[i];
            if (x->op == OP_broadcast && x->args[0]->type->rank == 0 && op_loop_class(x->args[0]->op) == LOOP_map)
                node_at(w, w->kernel->body, x->args[0], index_new(w, 0));
        }
}
/* A block of a cut: to its part of scratch. */
static void finish_block(void *context, LoopBuilder *b, int n, const TileCell *cells) {
    Tiling *t = context;
    Lower *w = t->w;
    nnc_check(b == &w->b, "a tile in another function");
    for (int c = 0; c < n; c++) {
        bind_cell(t, c + 1, &cells[c]);
        for (int g = 0; g < w->groups.n; g++)
            if (w->groups.v[g].class == AXIS_BLOCK) w->groups.v[g].at = t->block, w->groups.v[g].bound = true;
        partial_store(w, cells[c].value);
    }
    unbind_cells(t);
}

/* ---- the maps that follow, breadth first */

static bool not_following(void *context, const Node *node) {
    const Tiling *t = context;
    const PlanValue *stored = plan_value(t->w->kernel->body, node);
    return node == t->dot || node->op == OP_arg || (stored && stored->maker != t->w->kernel) || op_loop_class(node->op) != LOOP_map;
}
/* Vector operations, roughly: a function's polynomial is some forty. */
static int map_operations(const Node *node) { return op_is_transcendental(node->op) ? 40 : 1; }
static void find_maps(Tiling *t) {
    const PlanKernel *kernel = t->w->kernel;
    VEC(Node *) roots = {0};
    for (int i = 0; i < kernel->stores.n; i++) {
        Node *node = (Node *)kernel->stores.v[i].node;
        vec_push(t->w->arena, &roots, is_maximum(kernel, node) ? node->args[0] : node);
    }
    NodeList nodes = order_walk_until(t->w->arena, roots.v, roots.n, not_following, t);
    t->maps = ARENA_ARRAY(t->w->arena, const Node *, nodes.n);
    for (int i = 0; i < nodes.n; i++) {
        if (not_following(t, nodes.v[i])) continue;
        t->maps[t->n_maps++] = nodes.v[i];
        t->spec.finish_operations += map_operations(nodes.v[i]);
    }
}

/* ---- what they read beside the product, where it is as large as the results: from memory, more often than not */

static void prefetch_cell(Lower *w, const Node *node) {
    Operand operand;
    i64 lane;
    if (node->type->rank != w->anchor_index->n) return; /* of a map of fewer axes, made anew for each */
    if (!operand_place(w, w->kernel->body, node, w->anchor_index, &operand)) return;
    if (operand.value->type->count < w->kernel->anchor->type->count) return;
    LoopAffine at = axes_realise(w, &operand.form, &lane);
    if (lane == 1) loop_prefetch(&w->b, buffer_of(w, operand.value, false), at, false, 3);
}
static void before_tile(void *context, LoopBuilder *b, int n, const TileCell *cells) {
    Tiling *t = context;
    Lower *w = t->w;
    NodeMap seen = {.arena = w->arena};
    nnc_check(b == &w->b, "a tile in another function");
    w->anchor_index = index_of_dims(w, 0, t->n_result);
    for (int m = 0; m < t->n_maps; m++)
        for (int i = 0; i < t->maps[m]->n_args; i++) {
            const Node *operand = t->maps[m]->args[i];
            if (operand == t->dot || nodemap_get(&seen, operand) || !not_following(t, operand)) continue;
            nodemap_set(&seen, operand, t);
            for (int c = 0; c < n; c++) {
                bind_cell(t, c + 1, &cells[c]);
                prefetch_cell(w, operand);
            }
        }
    unbind_cells(t);
}

static Tiling tiling_of(Lower *w, const Operand operands[2], int n_result, bool *possible) {
    const PlanOptions *options = &w->plan->options;
    Tiling t = {.w = w, .dot = w->kernel->anchor, .n_result = n_result};
    t.spec.vector_bits = options->vector_bits, t.spec.registers = options->registers;
    t.spec.parallel = w->kernel->parallel;
    t.spec.program = w->program;
    *possible = make_axes(&t, operands);
    t.spec.left = (TileOperand){buffer_of(w, operands[0].value, false), affine(operands[0].form.constant)};
    t.spec.right = (TileOperand){buffer_of(w, operands[1].value, false), affine(operands[1].form.constant)};
    t.spec.finish = finish_tile;
    *possible = *possible && tile_possible(&w->b, &t.spec);
    return t;
}
bool tile_whole(Lower *w, const Operand operands[2], int n_result) {
    bool possible;
    Tiling t = tiling_of(w, operands, n_result, &possible);
    if (!possible) return false;
    find_maps(&t);
    t.spec.before = before_tile;
    t.spec.context = &t;
    t.spec.begin = begin_task;
    t.spec.strips = w->kernel->update;
    t.spec.ahead = w->kernel->bytes > FAR;
    t.mark = known_mark(w);
    tile_product(&w->b, &t.spec);
    known_forget(w, t.mark);
    return true;
}
bool tile_block(Lower *w, const Operand operands[2], int n_result, int cut_dim, i64 length, LoopAffine block, bool only_ask) {
    bool possible;
    Tiling t = tiling_of(w, operands, n_result, &possible);
    if (!possible || only_ask) return possible;
    t.spec.finish = finish_block;
    t.spec.context = &t;
    t.spec.parallel = false; /* blocks are the tasks */
    t.block = block;
    for (int i = 0; i < t.spec.n_sum; i++)
        if (w->atoms.v[w->groups.v[t.sum_group[i]].first]->dim == cut_dim) t.spec.sum[i].extent = length;
    for (int g = 0; g < w->groups.n; g++) {
        if (w->groups.v[g].class != AXIS_BLOCK) continue;
        t.spec.left.base = affine_plus(t.spec.left.base, affine_times(block, factor_of_group(w, &operands[0].form, g)));
        t.spec.right.base = affine_plus(t.spec.right.base, affine_times(block, factor_of_group(w, &operands[1].form, g)));
    }
    tile_product(&w->b, &t.spec);
    return true;
}

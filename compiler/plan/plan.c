/* plan.c: from an entry's graph to kernels, values and loops. See plan.h for what a plan is, planner.h for the steps. */
#include "planner.h"

enum { PAGE = 4096, LINE = 64 }; /* bytes */

static void plan_body(Planner *p, PlanBody *body, const Homes *homes);

/* ---- values */

PlanValue *plan_value(const PlanBody *body, const Node *node) {
    if (node->op == OP_arg) return body->params[node->at->index];
    if (node->op == OP_get) {
        PlanValue **results = nodemap_get(&body->results, node->args[0]);
        return results ? results[node->at->index] : NULL;
    }
    return nodemap_get(&body->values, node);
}
const PlanOuter *plan_outer(const PlanBody *body, const Node *arg) {
    const PlanOuter *outer = &body->outers[arg->at->index];
    nnc_check(outer->node, "argument %lld of a loop is neither stored nor computed", (long long)arg->at->index);
    return outer;
}
PlanPlace plan_place(const PlanValue *value) {
    if (!value->whole) {
        PlanPlace own = value->place;
        while (own.area && own.area->over) own.area = own.area->over;
        if (own.area && own.area->of_task) own.block = PLAN_TASK;
        return own;
    }
    PlanPlace place = plan_place(value->whole);
    place.offset += value->place.offset;
    for (int i = 0; i < value->place.n_steps; i++) {
        nnc_check(place.n_steps < PLAN_DEPTH, "loops nested more than %d deep", PLAN_DEPTH);
        place.steps[place.n_steps++] = value->place.steps[i];
    }
    return place;
}
bool plan_same_place(const PlanValue *x, const PlanValue *y) {
    if (x == y) return true;
    PlanPlace a = plan_place(x), b = plan_place(y);
    if (a.block != b.block || a.area != b.area || a.offset != b.offset || a.n_steps != b.n_steps) return false;
    for (int i = 0; i < a.n_steps; i++)
        if (a.steps[i].depth != b.steps[i].depth || a.steps[i].bytes != b.steps[i].bytes) return false;
    return true;
}
bool plan_same_whole(const PlanValue *a, const PlanValue *b) {
    while (a->whole) a = a->whole;
    while (b->whole) b = b->whole;
    return plan_same_place(a, b);
}
/* Rows a multiple of 4 KiB apart share few sets of the caches: where a walk goes down a column they push each other out. */
i64 plan_pitch(const PlanValue *value) {
    const PlanValue *whole = value;
    while (whole->whole) whole = whole->whole;
    i64 row = value->type->rank ? value->type->dims[value->type->rank - 1] : 1, bytes = dtype_bytes(value->type->dtype);
    return whole->apart && value->type->rank > 1 && row * bytes % PAGE == 0 ? row + LINE / bytes : row;
}
i64 plan_elements(const PlanValue *value) {
    i64 row = value->type->rank ? value->type->dims[value->type->rank - 1] : 1;
    return value->type->count / row * plan_pitch(value);
}
static PlanValue *work_new(Planner *p, const PlanBody *body, const Type *type, bool apart) {
    PlanArea *area = ARENA_NEW(p->arena, PlanArea);
    PlanValue *value = ARENA_NEW(p->arena, PlanValue);
    *value = (PlanValue){.type = type, .place = {.block = PLAN_WORK, .area = area}, .apart = apart && p->plan->options.level >= 2};
    *area = (PlanArea){.bytes = plan_elements(value) * dtype_bytes(type->dtype), .first = -1, .body = body};
    vec_push(p->arena, &p->entry->areas, area);
    return value;
}
PlanValue *value_in_work(Planner *p, const PlanBody *body, const Type *type) { return work_new(p, body, type, true); }
/* What only one kernel knows how to walk. */
static PlanValue *scratch_in_work(Planner *p, const PlanBody *body, const Type *type) { return work_new(p, body, type, false); }
static PlanValue *value_in_block(Planner *p, const Type *type, Place place) {
    PlanValue *value = ARENA_NEW(p->arena, PlanValue);
    *value = (PlanValue){.type = type, .place = {.block = (int)place.block, .offset = place.offset}};
    return value;
}
/* Bytes from an element of the first axis to the next. */
static i64 step_of(const PlanValue *whole) { return plan_elements(whole) / whole->type->dims[0] * dtype_bytes(whole->type->dtype); }
/* The slice of `whole` that a round of the scan, whose body is `body`, walks over. */
static PlanValue *value_slice(Planner *p, const PlanBody *body, const PlanValue *whole) {
    PlanValue *slice = ARENA_NEW(p->arena, PlanValue);
    *slice = (PlanValue){.type = type_without_lead(p->graph, whole->type), .whole = whole, .maker = whole->maker};
    i64 step = step_of(whole), rounds = whole->type->dims[0];
    ((PlanValue *)whole)->sliced = true;
    if (body->scan->at->reverse) slice->place.offset = (rounds - 1) * step;
    slice->place.n_steps = 1;
    slice->place.steps[0] = (PlanStep){body->depth, body->scan->at->reverse ? -step : step};
    return slice;
}

/* ---- kernels */

PlanKernel *kernel_new(Planner *p, PlanBody *body, PlanKind kind, const Node *anchor) {
    PlanKernel *kernel = ARENA_NEW(p->arena, PlanKernel);
    *kernel = (PlanKernel){.kind = kind, .anchor = anchor, .body = body, .row = -1};
    vec_push(p->arena, &body->kernels, kernel);
    return kernel;
}
void kernel_store(Planner *p, PlanKernel *kernel, const Node *node, PlanValue *value) {
    vec_push(p->arena, &kernel->stores, ((PlanStore){node, value, NULL, NULL}));
}
static PlanValue *value_made(Planner *p, PlanBody *body, const Homes *homes, PlanKernel *kernel, const Node *node) {
    PlanValue *value = home_early(body, homes, node, -1);
    bool flat = kernel->kind == PLAN_PUT || kernel->kind == PLAN_TOP;
    if (!value) value = work_new(p, body, node->type, !flat);
    value->maker = kernel;
    if (node->op == OP_arg) body->params[node->at->index] = value; /* of a loop: it was not stored outside */
    else nodemap_set(&body->values, node, value);
    return value;
}
static void plan_part(Planner *p, PlanBody *body, const Homes *homes, PlanKernel *kernel, const GroupPart *part) {
    PlanValue *whole = plan_value(body, part->whole);
    if (!whole) whole = value_made(p, body, homes, kernel, part->whole);
    PlanStore store = {part->node, whole, part->shifts, NULL};
    vec_push(p->arena, &kernel->stores, store);
}

/* ---- loops */

/* A carried value whose every state is kept, as the loop's backward needs it, lies in an array of all states: then nothing is
** copied. States are numbered in the order of rounds, or against it in a reverse loop, so that rounds and slices agree. */

static bool is_history(const Node *scan, int i, const Node *y) {
    const Node *before = NULL, *after = scan->at->body->results[i];
    if (y->op == OP_arg && y->at->index == i) before = y;
    return before || (y == after && after->op != OP_arg);
}
static bool wants_history(const Node *scan, int i) {
    const Func *f = scan->at->body;
    const Node *after = f->results[i];
    if (after->op == OP_arg && after->at->index == i) return false; /* never changes */
    for (int k = (int)scan->at->carry; k < f->n_results; k++)
        if (is_history(scan, i, f->results[k])) return true;
    return false;
}
static PlanValue *part_of(Planner *p, const Type *type, const PlanValue *whole, i64 offset) {
    PlanValue *part = ARENA_NEW(p->arena, PlanValue);
    *part = (PlanValue){.type = type, .whole = whole, .place = {.offset = offset}, .maker = whole->maker};
    return part;
}
/* The state before (or after) the round that runs. */
static PlanValue *state_of(Planner *p, const PlanBody *body, const PlanValue *all, const Type *type, bool after) {
    i64 bytes = step_of(all), rounds = body->scan->at->length;
    bool reverse = body->scan->at->reverse != 0;
    PlanValue *state = part_of(p, type, all, (reverse ? rounds - after : after) * bytes);
    state->place.n_steps = 1;
    state->place.steps[0] = (PlanStep){body->depth, reverse ? -bytes : bytes};
    return state;
}
static void bind_carried(Planner *p, PlanBody *outer, PlanBody *body, int i) {
    const Node *scan = body->scan;
    Node *operand = scan->args[i];
    const Type *type = operand->type;
    PlanValue *first;
    if (wants_history(scan, i)) {
        PlanValue *all = value_in_work(p, outer, type_with_lead(p->graph, type, scan->at->length + 1));
        first = part_of(p, type, all, scan->at->reverse ? scan->at->length * step_of(all) : 0);
        body->params[i] = state_of(p, body, all, type, false);
    } else {
        first = body->params[i] = value_in_work(p, outer, type); /* its own memory: written at the end of every round */
    }
    kernel_store(p, kernel_new(p, outer, PLAN_MAP, NULL), operand, first);
}
static void bind_operand(Planner *p, PlanBody *outer, PlanBody *body, int i) {
    const Node *scan = body->scan;
    Node *operand = scan->args[i];
    PlanValue *value = plan_value(outer, operand);
    if (i < scan->at->carry) bind_carried(p, outer, body, i);
    else if (value && i < scan->at->carry + scan->at->constants) body->params[i] = value;
    else if (value) body->params[i] = value_slice(p, body, value);
    else body->outers[i] = (PlanOuter){outer, operand, i >= scan->at->carry + scan->at->constants};
}
/* Of a carried value: what the outside sees in the end, and where a round brings it. */
static PlanValue *bind_state(Planner *p, PlanBody *body, int i, PlanValue **home) {
    const PlanValue *param = body->params[i];
    if (!param->whole) {
        *home = body->params[i];
        return part_of(p, param->type, param, 0);
    }
    *home = state_of(p, body, param->whole, param->type, true);
    return part_of(p, param->type, param->whole, body->scan->at->reverse ? 0 : body->scan->at->length * step_of(param->whole));
}
/* A y that is the states of a carried value; NULL: it is not. */
static PlanValue *bind_history(Planner *p, PlanBody *body, int k) {
    const Node *scan = body->scan, *y = scan->at->body->results[k];
    for (int i = 0; i < scan->at->carry; i++) {
        if (!is_history(scan, i, y) || !body->params[i]->whole) continue;
        bool after = y->op != OP_arg, reverse = scan->at->reverse != 0;
        return part_of(p, scan->type->parts[k], body->params[i]->whole, after != reverse ? step_of(body->params[i]->whole) : 0);
    }
    return NULL;
}
/* The i-th result as the outside knows it, and where the body has to bring it. */
static PlanValue *bind_result(Planner *p, PlanBody *outer, const Homes *outer_homes, PlanBody *body, int i, PlanValue **home) {
    const Node *scan = body->scan;
    if (i < scan->at->carry) return bind_state(p, body, i, home);
    PlanValue *result = bind_history(p, body, i);
    if (!result) result = home_early(outer, outer_homes, scan, i);
    if (!result) result = value_in_work(p, outer, scan->type->parts[i]);
    *home = value_slice(p, body, result);
    return result;
}
static void plan_scan(Planner *p, PlanBody *outer, const Homes *outer_homes, const Node *scan) {
    const Func *f = scan->at->body;
    PlanBody *body = ARENA_NEW(p->arena, PlanBody);
    *body = (PlanBody){.func = f, .outer = outer, .scan = scan, .depth = outer->depth + 1, .values = {.arena = p->arena},
                       .results = {.arena = p->arena}};
    body->params = ARENA_ARRAY(p->arena, PlanValue *, f->n_params);
    body->outers = ARENA_ARRAY(p->arena, PlanOuter, f->n_params);
    body->replaces = ARENA_ARRAY(p->arena, int, f->n_results);
    for (int i = 0; i < f->n_params; i++) bind_operand(p, outer, body, i);
    PlanKernel *kernel = kernel_new(p, outer, PLAN_SCAN, scan);
    kernel->inner = body;
    PlanValue **results = ARENA_ARRAY(p->arena, PlanValue *, f->n_results);
    Homes homes = {ARENA_ARRAY(p->scratch, PlanValue *, f->n_results), ARENA_ARRAY(p->scratch, bool, f->n_results)};
    for (int i = 0; i < f->n_results; i++) {
        results[i] = bind_result(p, outer, outer_homes, body, i, &homes.v[i]);
        results[i]->maker = kernel;
        homes.shared[i] = i < scan->at->carry && !body->params[i]->whole;
        body->replaces[i] = homes.shared[i] ? i : -1;
    }
    nodemap_set(&outer->results, scan, results);
    plan_body(p, body, &homes);
}

/* ---- bodies, entries */

/* Of rows, columns and products: what they fold, and memory for the parts of sums and maxima that are shared out. */
static void plan_folds(Planner *p, const PlanBody *body, PlanKernel *kernel, const Group *group) {
    if (!group->full) return;
    const Type *result = group->anchor->type;
    i64 n = group->anchors.n, cut = group->kind == PLAN_COLS ? group->anchor->at->cut : 0;
    bool dot = group->kind == PLAN_REDUCE;
    kernel->full = group->full;
    kernel->one_pass = group->kind == PLAN_COLS || dot || result->count == 1;
    for (int i = 0; i < n; i++) vec_push(p->arena, &kernel->anchors, group->anchors.v[i]);
    if (dot) {
        n *= PLAN_PARTIALS;
        kernel->maxima = scratch_in_work(p, body, type_get(p->graph, result->dtype, 1, &n));
        return;
    }
    i64 parts = group->kind == PLAN_COLS ? (cut > 1 ? n * cut * result->count : 0) : result->count == 1 ? n * PLAN_PARTIALS : 0;
    if (parts) kernel->scratch = scratch_in_work(p, body, type_get(p->graph, result->dtype, 1, &parts));
}
static void plan_group(Planner *p, PlanBody *body, const Homes *homes, const Group *group) {
    if (group->kind == PLAN_SCAN) {
        plan_scan(p, body, homes, group->anchor);
        return;
    }
    PlanKernel *kernel = kernel_new(p, body, group->kind, group->anchor);
    kernel->update = group->update;
    plan_folds(p, body, kernel, group);
    for (int i = 0; i < group->roots.n; i++)
        kernel_store(p, kernel, group->roots.v[i], value_made(p, body, homes, kernel, group->roots.v[i]));
    for (int i = 0; i < group->parts.n; i++) plan_part(p, body, homes, kernel, &group->parts.v[i]);
    bool partial = group->kind == PLAN_PUT || (p->plan->options.level >= 2 && group->anchor && group->anchor->op == OP_dot);
    if (partial && group->anchor->at->cut > 1)
        kernel->scratch = scratch_in_work(p, body, type_with_lead(p->graph, group->anchor->type, group->anchor->at->cut));
}
static void plan_body(Planner *p, PlanBody *body, const Homes *homes) {
    Groups groups = p->plan->options.level ? fuse_body(p, body) : group_body(p, body);
    for (int i = 0; i < groups.n; i++) plan_group(p, body, homes, groups.v[i]);
    homes_settle(p, body, homes);
}
static int replaced_param(const Entry *entry, Place place) {
    for (int i = 0; i < entry->func->n_params; i++)
        if (entry->inputs[i].block == place.block && entry->inputs[i].offset == place.offset) return i;
    return -1;
}
static void plan_entry(Planner *p, const Entry *entry) {
    const Func *f = entry->func;
    if (p->plan->options.level >= 1) f = unwindow(p->graph, f);
    if (p->plan->options.level >= 2) f = pad_windows(p->graph, f);
    PlanBody *body = ARENA_NEW(p->arena, PlanBody);
    *body = (PlanBody){.func = f, .values = {.arena = p->arena}, .results = {.arena = p->arena}};
    body->params = ARENA_ARRAY(p->arena, PlanValue *, f->n_params);
    body->replaces = ARENA_ARRAY(p->arena, int, f->n_results);
    for (int i = 0; i < f->n_params; i++) body->params[i] = value_in_block(p, f->params[i], entry->inputs[i]);
    Homes homes = {ARENA_ARRAY(p->scratch, PlanValue *, f->n_results), ARENA_ARRAY(p->scratch, bool, f->n_results)};
    for (int i = 0; i < f->n_results; i++) {
        homes.v[i] = value_in_block(p, f->results[i]->type, entry->outputs[i]);
        body->replaces[i] = replaced_param(entry, entry->outputs[i]);
        homes.shared[i] = body->replaces[i] >= 0;
    }
    p->entry->body = body;
    plan_body(p, body, &homes);
    cost_rows(p);
    memory_assign(p);
}

void kernels_in_order(Arena *arena, const PlanBody *body, KernelList *out) {
    for (int i = 0; i < body->kernels.n; i++) {
        PlanKernel *kernel = body->kernels.v[i];
        vec_push(arena, out, kernel);
        if (kernel->inner) kernels_in_order(arena, kernel->inner, out);
    }
}

/* ---- the table */
typedef struct Filling {
    const Plan *plan;
    i64 work;
} Filling;
static void fill_function(void *context, nn_function *function) {
    Filling *filling = context;
    nnc_check(function->index >= 0 && function->index < filling->plan->entries.n, "%s has no entry", function->name);
    const PlanEntry *entry = filling->plan->entries.v[function->index];
    function->work = entry->work;
    function->operations = (i64)entry->operations;
    function->first_kernel = entry->first_row;
    function->kernels = entry->n_rows;
    if (entry->work > filling->work) filling->work = entry->work;
}
static void fill_table(Program *program, Plan *plan) {
    Filling filling = {.plan = plan};
    program_functions(program, fill_function, &filling);
    program->table.work = filling.work;
    program->table.n_kernels = plan->rows.n;
    program->table.kernels = plan->rows.v;
}
Plan *plan_program(Compilation *c, Program *program, const PlanOptions *options) {
    Plan *plan = ARENA_NEW(c->arena, Plan);
    *plan = (Plan){.arena = c->arena, .options = *options};
    for (int i = 0; i < program->entries.n; i++) {
        const Entry *entry = program->entries.v[i];
        PlanEntry *made = ARENA_NEW(c->arena, PlanEntry);
        made->name = entry->name;
        vec_push(c->arena, &plan->entries, made);
        Planner p = {plan, made, c->arena, arena_new("planning"), program->graph};
        plan_entry(&p, entry);
        arena_free(p.scratch);
    }
    fill_table(program, plan);
    return plan;
}

/* plan_to_loop.c: entries: loops of scans around calls of kernels, with the buffers where the plan says they lie.
**
** Needs a Plan with offsets. Gives a LoopProgram: a kernel function for each kernel, equal ones shared, an entry for each of the
** program's. How a kernel is written is lower_*.c. */
#include "lower.h"

enum { ENTRY_CALLS = 64 };
typedef struct Writing {
    LoopProgram *program;
    const Plan *plan;
    LoopBuilder b;                /* of the entry */
    LoopAffine round[PLAN_DEPTH + 1]; /* by depth: of the scans around, */
    i64 rounds[PLAN_DEPTH + 1];       /* and how many there are */
    bool in_task; /* where everything runs in order */
    Map written;  /* hash of a key -> Written */
} Writing;

static void write_kernel(Lower *w) {
    static void (*const KINDS[])(Lower *) = {[PLAN_MAP] = lower_map, [PLAN_REDUCE] = lower_reduce, [PLAN_PUT] = lower_put,
                                             [PLAN_TOP] = lower_top, [PLAN_ROWS] = lower_rows, [PLAN_COLS] = lower_cols};
    int kind = (int)w->kernel->kind;
    nnc_check(kind < COUNT_OF(KINDS) && KINDS[kind], "a kernel of a kind that is not written");
    KINDS[kind](w);
}
/* Where a value lies, as the argument of a call. */
static LoopArgument argument_of(Writing *t, const PlanValue *value, bool written) {
    PlanPlace place = plan_place(value);
    i64 bytes = dtype_bytes(value->type->dtype), offset = place.offset + (place.area ? place.area->offset : 0), span = plan_elements(value);
    i64 low = 0; /* how far below its offset rounds that walk backwards bring it */
    for (int i = 0; i < place.n_steps; i++) {
        i64 last = (t->rounds[place.steps[i].depth] - 1) * place.steps[i].bytes;
        if (last < 0) low -= last;
        span += (last < 0 ? -last : last) / bytes;
    }
    int buffer = loop_block(&t->b, (Space)place.block, offset - low, value->type->dtype, span, written);
    LoopAffine at = affine(low / bytes);
    for (int i = 0; i < place.n_steps; i++) at = affine_plus(at, affine_times(t->round[place.steps[i].depth], place.steps[i].bytes / bytes));
    return (LoopArgument){buffer, at};
}
/* A kernel that is written, and which leaf of its key each parameter is. */
typedef struct Written {
    KernelKey *key;
    LoopFunction *function;
    int *leaves;
    struct Written *next; /* of the same hash */
} Written;

static Written *find_written(Writing *t, const KernelKey *key) {
    for (Written *w = map_get(&t->written, key_hash(key)); w; w = w->next)
        if (w->key->bytes.n == key->bytes.n && !memcmp(w->key->bytes.s, key->bytes.s, key->bytes.n)) return w;
    return NULL;
}
static Written *write_new(Writing *t, const PlanKernel *kernel) {
    Arena *arena = t->program->arena;
    Written *written = ARENA_NEW(arena, Written);
    written->key = kernel_key(arena, kernel);
    Lower w = {.arena = arena_new("a kernel"), .program = t->program, .plan = t->plan, .kernel = kernel, .key = written->key, .columns = -1};
    write_kernel(&w);
    LoopFunction *f = loop_function_end(&w.b);
    loop_hoist(f, arena);
    written->function = loop_program_function(t->program, f);
    written->leaves = ARENA_ARRAY(arena, int, w.params.n + 1);
    for (int i = 0; i < w.params.n; i++) {
        written->leaves[i] = key_leaf(written->key, w.params.v[i].value);
        nnc_check(written->leaves[i] < written->key->leaves.n, "%s has a parameter that its key does not know", f->name);
    }
    arena_free(w.arena);
    u64 hash = key_hash(written->key);
    written->next = map_get(&t->written, hash);
    map_set(&t->written, hash, written);
    return written;
}
static void call_kernel(Writing *t, const PlanKernel *kernel) {
    Arena *scratch = arena_new("a call");
    KernelKey *key = kernel_key(scratch, kernel);
    Written *written = find_written(t, key);
    if (!written) written = write_new(t, kernel);
    const LoopFunction *f = written->function;
    LoopArgument *arguments = ARENA_ARRAY(scratch, LoopArgument, f->n_params + 1);
    LoopValue **scalars = ARENA_ARRAY(scratch, LoopValue *, key->scalars.n + 1);
    for (int i = 0; i < f->n_params; i++) arguments[i] = argument_of(t, key->leaves.v[written->leaves[i]], f->buffers.v[i].writable);
    for (int i = 0; i < key->scalars.n; i++) scalars[i] = loop_int(&t->b, ELEM_I32, key_scalar(key->scalars.v[i]));
    loop_call(&t->b, f, arguments, scalars, kernel->row);
    if (!t->in_task) loop_sync(&t->b);
    arena_free(scratch);
}
/* The rounds of a scan, one after the other or as tasks of one or several each. Gives how many loops are open. */
static int rounds_begin(Writing *t, const PlanKernel *scan) {
    i64 length = scan->anchor->at->length, each = scan->parallel ? (length + TASKS - 1) / TASKS : 1, tasks = (length + each - 1) / each;
    LoopAffine *round = &t->round[scan->inner->depth];
    *round = affine_loop(affine(0), loop_for(&t->b, scan->parallel ? FOR_PARALLEL : FOR_SERIAL, tasks, 1, 0, NULL), each);
    t->rounds[scan->inner->depth] = length;
    t->in_task |= scan->parallel;
    if (each == 1) return 1;
    LoopAffine left = affine_plus(affine(length), affine_times(*round, -1));
    *round = affine_loop(*round, loop_for_within(&t->b, FOR_SERIAL, each, NULL, length % each ? &left : NULL, 0, NULL), 1);
    return 2;
}
static void write_kernels(Writing *t, const PlanBody *body, int from, int to) {
    for (int i = from; i < to; i++) {
        const PlanKernel *kernel = body->kernels.v[i];
        if (!kernel->inner) {
            call_kernel(t, kernel);
            continue;
        }
        int open = rounds_begin(t, kernel);
        write_kernels(t, kernel->inner, 0, kernel->inner->kernels.n);
        while (open--) loop_for_end(&t->b, NULL);
        if (kernel->parallel) t->in_task = false;
    }
}
/* A long entry is cut into functions that it calls: the compilation of one function takes more than proportional time. */
static LoopFunction *write_entry(Writing *t, const PlanEntry *entry) {
    const PlanBody *body = entry->body;
    Arena *arena = t->program->arena;
    VEC(LoopFunction *) parts = {0};
    for (int from = 0; body->kernels.n > ENTRY_CALLS && from < body->kernels.n; from += ENTRY_CALLS) {
        int to = from + ENTRY_CALLS < body->kernels.n ? from + ENTRY_CALLS : body->kernels.n;
        t->b = loop_function_begin(arena, arena_printf(arena, "%s.part%d", entry->name, parts.n));
        write_kernels(t, body, from, to);
        vec_push(arena, &parts, loop_program_function(t->program, loop_function_end(&t->b)));
    }
    t->b = loop_function_begin(arena, entry->name);
    if (!parts.n) write_kernels(t, body, 0, body->kernels.n);
    for (int i = 0; i < parts.n; i++) {
        loop_call(&t->b, parts.v[i], NULL, NULL, -1);
        loop_sync(&t->b);
    }
    return loop_function_end(&t->b);
}
LoopProgram *plan_to_loop(Compilation *c, const Program *program, const Plan *plan) {
    LoopProgram *loops = loop_program_new(c->arena);
    nnc_check(plan->entries.n == program->entries.n, "a plan of another program");
    Writing t = {.program = loops, .plan = plan, .written = {.arena = c->arena}};
    for (int i = 0; i < plan->entries.n; i++) {
        LoopFunction *f = write_entry(&t, plan->entries.v[i]);
        vec_push(c->arena, &loops->entries, f);
    }
    return loops;
}

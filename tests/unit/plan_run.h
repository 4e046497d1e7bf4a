/* plan_run.h: for tests of plan and loop: functions are planned, written as loops, compiled into memory, run, and compared with the
** interpreter, bit for bit.
**
** All functions of a batch are entries of one program. A parameter of the type of a result shares its place in `lasting` when the
** batch says so: the result then replaces it, as a step replaces weights. Work memory and outputs begin as signalling NaN bits, a
** guard behind each block shows what is written too far. Tasks run last to first. */
#ifndef PLAN_RUN_H
#define PLAN_RUN_H
#include "ir_cases.h"
#include "../../compiler/llvm/llvm.h"
#include "../../compiler/loop/plan_to_loop.h"
#include "../../compiler/settle/settle.h"
#include <stdlib.h>

struct nn_pool {
    int tasks;
};
void nn_parallel(nn_pool *pool, nn_task *task, void *frame, i64 count) {
    for (i64 i = count - 1; i >= 0; i--) task(frame, i), pool->tasks++;
}
void nn_exchange(const nn_call *call, void *partial, i64 bytes) { (void)call, (void)partial, (void)bytes; }
void nn_trap(const nn_call *call, i64 kernel, i64 element) { (void)call, (void)kernel, (void)element; }

typedef struct BatchOptions {
    int level;
    const char *cpu;
    bool replace; /* results replace parameters of their type */
    bool show;    /* print graphs and plan */
    bool share;   /* small kernels too are cut into tasks */
} BatchOptions;
typedef struct Batch {
    Compilation c;
    Graph *g;
    Program program;
    VEC(Case) cases;
    VEC(i64) sizes[BLOCK_OUT + 1]; /* by block, by entry */
} Batch;

static i64 place_next(Batch *batch, Block block, const Type *type) {
    i64 *size = &batch->sizes[block].v[batch->sizes[block].n - 1], at = *size;
    *size = (at + type_bytes(type) + 63) / 64 * 64;
    return at;
}
static int replaced(const Func *f, const Entry *entry, int n_results, int result) {
    for (int p = 0; p < f->n_params; p++) {
        bool used = f->params[p] != f->results[result]->type;
        for (int r = 0; r < n_results && !used; r++)
            used = entry->outputs[r].block == BLOCK_LASTING && entry->inputs[p].block == BLOCK_LASTING && entry->outputs[r].offset == entry->inputs[p].offset;
        if (!used) return p;
    }
    return -1;
}
static void batch_add(Batch *batch, Case one, bool replace) {
    const Func *f = one.f;
    Arena *arena = batch->c.arena;
    Entry *entry = ARENA_NEW(arena, Entry);
    *entry = (Entry){.name = arena_printf(arena, "e%d", batch->cases.n), .func = f};
    for (int b = 0; b <= BLOCK_OUT; b++) vec_push(arena, &batch->sizes[b], 0);
    entry->inputs = ARENA_ARRAY(arena, Place, f->n_params + 1);
    entry->outputs = ARENA_ARRAY(arena, Place, f->n_results + 1);
    for (int p = 0; p < f->n_params; p++) {
        Block block = replace ? BLOCK_LASTING : BLOCK_BATCH;
        entry->inputs[p] = (Place){block, place_next(batch, block, f->params[p])};
    }
    for (int r = 0; r < f->n_results; r++) {
        int p = replace ? replaced(f, entry, r, r) : -1;
        entry->outputs[r] = p >= 0 ? entry->inputs[p] : (Place){BLOCK_OUT, place_next(batch, BLOCK_OUT, f->results[r]->type)};
    }
    vec_push(arena, &batch->program.entries, entry);
    vec_push(arena, &batch->cases, one);
}

enum { GUARD_BYTES = 256 };
static u8 *guarded(i64 bytes) {
    i64 all = (bytes + SLACK + GUARD_BYTES + 63) / 64 * 64;
    u8 *block = aligned_alloc(64, (size_t)all);
    for (i64 i = 0; i < all / 4; i++) ((u32 *)(void *)block)[i] = 0x7fa00001;
    memset(block + bytes + SLACK, 0x5a, (size_t)(all - bytes - SLACK));
    return block;
}
static bool guard_kept(const u8 *block, i64 bytes) {
    for (int i = 0; i < GUARD_BYTES; i++)
        if (block[bytes + SLACK + i] != 0x5a) return false;
    return true;
}
static void show_difference(const Case *one, int r, const Type *type, const char *got, const char *want) {
    i64 each = dtype_bytes(type->dtype);
    for (i64 i = 0; i < type->count; i++) {
        if (same_elements(type->dtype, got + i * each, want + i * each, 1)) continue;
        double x = 0, y = 0;
        if (type->dtype == DT_f32) x = (double)((const float *)(const void *)got)[i], y = (double)((const float *)(const void *)want)[i];
        if (type->dtype == DT_f64) x = ((const double *)(const void *)got)[i], y = ((const double *)(const void *)want)[i];
        if (type->dtype == DT_i32) x = (double)((const i32 *)(const void *)got)[i], y = (double)((const i32 *)(const void *)want)[i];
        if (each == 1) x = (double)(u8)got[i], y = (double)(u8)want[i];
        printf("  %s: result %d, element %lld: %.9g, the interpreter has %.9g\n", one->name, r, (long long)i, x, y);
        return;
    }
}
static void batch_case(Group *group, Batch *batch, int e, LlvmJit *jit, i64 work, u64 seed) {
    const Case *one = &batch->cases.v[e];
    const Entry *entry = batch->program.entries.v[e];
    Arena *arena = arena_new("a case");
    Draw draw = {seed + (u64)e};
    Tensor *args = draw_args(arena, one->f, &draw), *want = run_func(arena, one->f, args);
    u8 *blocks[BLOCK_OUT + 1];
    for (int b = 0; b <= BLOCK_OUT; b++) blocks[b] = guarded(batch->sizes[b].v[e]);
    u8 *scratch = guarded(work);
    for (int p = 0; p < one->f->n_params; p++)
        memcpy(blocks[entry->inputs[p].block] + entry->inputs[p].offset, args[p].data, (size_t)type_bytes(args[p].type));
    struct nn_pool pool = {0};
    nn_call call = {.lasting = blocks[BLOCK_LASTING], .batch = blocks[BLOCK_BATCH], .out = blocks[BLOCK_OUT], .work = scratch, .pool = &pool};
    nn_code *code = llvm_jit_entry(jit, entry->name);
    if (expect(group, code != NULL, "%s has no code", one->name)) {
        code(&call);
        for (int r = 0; r < one->f->n_results; r++) {
            const Type *type = one->f->results[r]->type;
            const char *got = (const char *)blocks[entry->outputs[r].block] + entry->outputs[r].offset;
            bool same = same_elements(type->dtype, got, want[r].data, type->count);
            if (!same) show_difference(one, r, type, got, want[r].data);
            expect(group, same, "%s: result %d differs", one->name, r);
        }
        for (int b = 0; b <= BLOCK_OUT; b++) expect(group, guard_kept(blocks[b], batch->sizes[b].v[e]), "%s writes behind block %d", one->name, b);
        expect(group, guard_kept(scratch, work), "%s writes behind work", one->name);
    }
    for (int b = 0; b <= BLOCK_OUT; b++) free(blocks[b]);
    free(scratch);
    arena_free(arena);
}
static void batch_show(const Plan *plan, Arena *arena) {
    Text text = {.arena = arena};
    plan_print(&text, plan);
    printf("%s\n", text_done(&text));
    fflush(stdout);
}
/* Compiles all, runs each twice on other data. */
static void batch_run(Group *group, Batch *batch, const BatchOptions *o) {
    LlvmMachine machine;
    const char *why = NULL;
    if (!expect(group, llvm_machine(&batch->c, o->cpu, &machine, &why), "%s", why ? why : "no machine")) return;
    PlanOptions options = {.level = o->level, .vector_bits = machine.vector_bits, .registers = machine.registers, .share = o->share};
    Plan *plan = plan_program(&batch->c, &batch->program, &options);
    for (int e = 0; o->show && e < batch->cases.n; e++) {
        Text text = {.arena = batch->c.arena};
        func_print(&text, batch->g, batch->cases.v[e].f, batch->cases.v[e].name);
        printf("%s\n", text_done(&text));
    }
    if (o->show) batch_show(plan, batch->c.arena);
    const char *wrong = plan_check(batch->c.arena, plan);
    if (!expect(group, !wrong, "the plan: %s", wrong)) return;
    LoopProgram *loops = plan_to_loop(&batch->c, &batch->program, plan);
    loop_program_verify(loops);
    LlvmJit *jit = llvm_jit(&batch->c, NULL, loops, &(LlvmOptions){.cpu = o->cpu}, &why);
    if (!expect(group, jit != NULL, "jit: %s", why)) return;
    for (int e = 0; e < batch->cases.n; e++) batch_case(group, batch, e, jit, plan->entries.v[e]->work, 1000);
    llvm_jit_free(jit);
}
static Batch *batch_new(Graph *g, Arena *arena) {
    Batch *batch = ARENA_NEW(arena, Batch);
    batch->c.arena = arena;
    batch->g = batch->program.graph = g;
    return batch;
}
#endif

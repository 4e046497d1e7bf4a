/* loop_run.h: for tests of loop IR: a program made by hand is verified, compiled into memory, and run on blocks of this process.
**
** Blocks are filled with quiet NaN so that what is not written shows; a guard behind `out` and `work` shows what is written too far.
** nn_parallel and nn_trap are the tests' own: tasks of a pool run last to first, traps are noted. */
#ifndef LOOP_RUN_H
#define LOOP_RUN_H
#include "../../compiler/llvm/llvm.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 1 << 17, GUARD = 256 };
struct nn_pool {
    int calls, tasks;
};
typedef struct Run {
    Compilation c;
    const char *cpu;
    LoopProgram *program;
    LlvmJit *jit;
    nn_call call;
    struct nn_pool pool;
    u8 *lasting, *batch, *hypers, *in, *work, *out; /* BLOCK_BYTES each, guarded */
} Run;

/* of the first nn_trap since run_new; -1: none */
static i64 trap_kernel = -1, trap_element = -1;
static int failures = 0;
static u64 random_state = 88172645463325252u;

void nn_parallel(nn_pool *pool, nn_task *task, void *frame, i64 count) {
    for (i64 i = 0; i < count && !pool; i++) task(frame, i);
    if (!pool) return;
    pool->calls++;
    for (i64 i = count - 1; i >= 0; i--) task(frame, i), pool->tasks++;
}
static i64 exchanged_bytes; /* of the last nn_exchange, which adds 1 to the first float */
void nn_exchange(const nn_call *call, void *partial, i64 bytes) {
    (void)call;
    exchanged_bytes = bytes;
    *(float *)partial += 1;
}
void nn_trap(const nn_call *call, i64 kernel, i64 element) {
    (void)call;
    if (trap_kernel < 0) trap_kernel = kernel, trap_element = element;
}

__attribute__((format(printf, 3, 4))) static inline void check(bool condition, const char *name, const char *format, ...) {
    va_list args;
    if (condition) return;
    failures++;
    va_start(args, format);
    printf("FAIL %s: ", name);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}
static inline u64 random_word(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}
/* About 1 in size. */
static inline float random_f32(void) { return (float)(i64)(random_word() >> 40) * 0x1p-23f - 1.0f; }

/* Same bits, or both NaN. */
static inline bool same_f32(const float *a, const float *b, i64 n, const char *name) {
    for (i64 i = 0; i < n; i++) {
        if (!memcmp(&a[i], &b[i], 4) || (isnan(a[i]) && isnan(b[i]))) continue;
        check(false, name, "element %lld is %a, not %a", (long long)i, (double)a[i], (double)b[i]);
        return false;
    }
    return true;
}
static inline bool same_f64(const double *a, const double *b, i64 n, const char *name) {
    for (i64 i = 0; i < n; i++) {
        if (!memcmp(&a[i], &b[i], 8) || (isnan(a[i]) && isnan(b[i]))) continue;
        check(false, name, "element %lld is %a, not %a", (long long)i, a[i], b[i]);
        return false;
    }
    return true;
}
static inline bool same_bytes(const void *a, const void *b, i64 n, const char *name) {
    for (i64 i = 0; i < n; i++) {
        if (((const u8 *)a)[i] == ((const u8 *)b)[i]) continue;
        check(false, name, "byte %lld is %d, not %d", (long long)i, ((const u8 *)a)[i], ((const u8 *)b)[i]);
        return false;
    }
    return true;
}

static u8 *block_new(void) {
    u8 *block = aligned_alloc(64, BLOCK_BYTES + GUARD);
    for (int i = 0; i < BLOCK_BYTES / 4; i++) ((u32 *)(void *)block)[i] = 0x7fc00000;
    memset(block + BLOCK_BYTES, 0x5a, GUARD);
    return block;
}
static inline Run *run_new(const char *cpu) {
    Run *r = calloc(1, sizeof *r);
    r->c.arena = arena_new("test");
    r->cpu = cpu;
    r->program = loop_program_new(r->c.arena);
    r->lasting = block_new(), r->batch = block_new(), r->hypers = block_new();
    r->in = block_new(), r->work = block_new(), r->out = block_new();
    r->call = (nn_call){.lasting = r->lasting, .batch = r->batch, .hypers = r->hypers, .work = r->work, .out = r->out, .in = r->in};
    trap_kernel = trap_element = -1;
    return r;
}
static inline LoopBuilder run_begin(Run *r, const char *name) { return loop_function_begin(r->c.arena, name); }
static inline LoopFunction *run_kernel(Run *r, LoopBuilder *b) { return loop_program_function(r->program, loop_function_end(b)); }
/* Takes the function as an entry; run_compile when all are in. */
static inline void run_entry(Run *r, LoopBuilder *b) { vec_push(r->c.arena, &r->program->entries, loop_function_end(b)); }
static inline void run_compile(Run *r) {
    const char *why = NULL;
    loop_program_verify(r->program);
    r->jit = llvm_jit(&r->c, NULL, r->program, &(LlvmOptions){.cpu = r->cpu}, &why);
    if (!r->jit) printf("FAIL jit: %s\n", why), exit(1);
}
static inline void run_call(Run *r, const char *entry) {
    nn_code *code = llvm_jit_entry(r->jit, entry);
    if (!code) printf("FAIL %s: it has no code\n", entry), exit(1);
    code(&r->call);
    const u8 *blocks[] = {r->lasting, r->batch, r->hypers, r->in, r->work, r->out};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < GUARD; k++) check(blocks[i][BLOCK_BYTES + k] == 0x5a, entry, "it writes past block %d", i);
}
static inline void run_free(Run *r) {
    llvm_jit_free(r->jit);
    u8 *blocks[] = {r->lasting, r->batch, r->hypers, r->in, r->work, r->out};
    for (int i = 0; i < 6; i++) free(blocks[i]);
    arena_free(r->c.arena);
    free(r);
}
/* The processors this machine can run: a test is run for each. */
static inline int test_cpus(const char **cpus) {
    Compilation c = {.arena = arena_new("test")};
    LlvmMachine machine;
    const char *why = NULL;
    if (!llvm_machine(&c, "native", &machine, &why)) printf("FAIL native: %s\n", why), exit(1);
    cpus[0] = "x86-64-v3";
    cpus[1] = "x86-64-v4";
    int n = machine.vector_bits == 512 ? 2 : 1;
    arena_free(c.arena);
    return n;
}
#endif

/* kernels.c: our side of bench/kernels: graphs from files, settled or not, become machine code in this process, and are timed when asked. OpenBLAS
** too, from C, so that no interpreter stands between. Not a test: results are not looked at. Started by run.py:
**
**   kernels --threads N [--blas LIBRARY] FILE.ir..
**
** Says {"ready": ..} and then answers lines of its input, one measurement each:
**   ours I SECONDS                            the I-th file, again and again for about so long
**   blas BATCH M N K LEFT RIGHT SECONDS       sgemm on row-major operands, n or t
** with {"calls": .., "seconds": ..}. Operands are the same from call to call, as they are for the peers. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "../../compiler/ir/text.h"
#include "../../compiler/llvm/llvm.h"
#include "../../compiler/loop/plan_to_loop.h"
#include "../../compiler/settle/settle.h"

/* threads.c: NULL for one thread. */
nn_pool *threads_open(int64_t threads);
void threads_close(nn_pool *pool);

typedef struct Blas {
    void (*sgemm)(int order, int left, int right, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                  const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
    const char *name, *core;
} Blas;
/* One thing that can be called again and again. */
typedef struct Timed {
    nn_code *code; /* ours; NULL: BLAS */
    nn_call call;
    const Blas *blas;
    int64_t batch, m, n, k;
    bool left, right; /* turned */
    float *a, *b, *c;
} Timed;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "kernels: %s: %s\n", what, why ? why : "?");
    exit(1);
}
/* Floats in [-1, 1), 64-byte aligned, with what vectors may read behind them; in large pages where it is large, as a trainer's memory is. */
static void *block_new(int64_t bytes) {
    enum { HUGE_PAGE = 2 << 20 };
    size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : 64, all = ((size_t)bytes + 256 + page - 1) / page * page;
    float *block = aligned_alloc(page, all);
    uint32_t state = 1;
    if (!block) die("memory", "none left");
    if (page == HUGE_PAGE) (void)madvise(block, all, MADV_HUGEPAGE);
    for (size_t i = 0; i < all / sizeof *block; i++) {
        state = state * 1664525u + 1013904223u;
        block[i] = (float)(int32_t)state / 2147483648.0f;
    }
    return block;
}

/* ---- ours */
/* Parameters lie in `batch`, results in `out`. */
static const Entry *entry_new(Compilation *c, const Func *f, int number, int64_t bytes[2]) {
    Entry *entry = ARENA_NEW(c->arena, Entry);
    *entry = (Entry){.name = arena_printf(c->arena, "e%d", number), .func = f};
    entry->inputs = ARENA_ARRAY(c->arena, Place, f->n_params + 1);
    entry->outputs = ARENA_ARRAY(c->arena, Place, f->n_results + 1);
    bytes[0] = bytes[1] = 0;
    for (int i = 0; i < f->n_params; i++) {
        entry->inputs[i] = (Place){BLOCK_BATCH, bytes[0]};
        bytes[0] = (bytes[0] + type_bytes(f->params[i]) + 63) / 64 * 64;
    }
    for (int i = 0; i < f->n_results; i++) {
        entry->outputs[i] = (Place){BLOCK_OUT, bytes[1]};
        bytes[1] = (bytes[1] + type_bytes(f->results[i]->type) + 63) / 64 * 64;
    }
    return entry;
}
static Timed *ours_new(Compilation *c, int n, char **files, nn_pool *pool) {
    const char *why = NULL;
    LlvmMachine machine;
    Program program = {.graph = graph_new(c->arena)};
    Timed *all = ARENA_ARRAY(c->arena, Timed, n + 1);
    int64_t(*bytes)[2] = arena_alloc(c->arena, sizeof *bytes * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        const char *name = NULL;
        Source *source = source_read(c->arena, files[i], &why);
        const Func *f = source ? func_read(program.graph, c->arena, source->text, &name, &why) : NULL;
        if (!f) die(files[i], why);
        if (func_verify(c->arena, program.graph, f, true)) f = settle_func(program.graph, c->arena, f, &(SettleOptions){.grains = 8});
        vec_push(c->arena, &program.entries, (Entry *)(uintptr_t)entry_new(c, f, i, bytes[i]));
    }
    if (!llvm_machine(c, NULL, &machine, &why)) die("llvm", why);
    PlanOptions options = {.level = 2, .vector_bits = machine.vector_bits, .registers = machine.registers};
    Plan *plan = plan_program(c, &program, &options);
    LlvmJit *jit = llvm_jit(c, NULL, plan_to_loop(c, &program, plan), &(LlvmOptions){.level = 1}, &why);
    if (!jit) die("llvm", why);
    for (int i = 0; i < n; i++) {
        all[i].code = llvm_jit_entry(jit, program.entries.v[i]->name);
        all[i].call = (nn_call){.pool = pool, .work = block_new(plan->entries.v[i]->work)};
        all[i].call.batch = block_new(bytes[i][0]);
        all[i].call.out = block_new(bytes[i][1]);
    }
    return all;
}

/* ---- OpenBLAS, as NumPy's and SciPy's packages name it */
static void blas_open(Blas *blas, const char *path, int threads) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) die(path, dlerror());
    const char *(*core)(void) = NULL;
    void (*set_threads)(int) = NULL;
    *(void **)&blas->sgemm = dlsym(library, "scipy_cblas_sgemm64_");
    *(void **)&core = dlsym(library, "scipy_openblas_get_corename64_");
    *(void **)&set_threads = dlsym(library, "scipy_openblas_set_num_threads64_");
    if (!blas->sgemm || !core || !set_threads) die(path, "is not the OpenBLAS of NumPy's package");
    set_threads(threads);
    blas->core = core();
}
static Timed blas_new(const Blas *blas, const char *line) {
    Timed t = {.blas = blas};
    char left, right;
    if (!blas->sgemm) die("blas", "no library was given");
    if (sscanf(line, "blas %ld %ld %ld %ld %c %c", &t.batch, &t.m, &t.n, &t.k, &left, &right) != 6) die("what is", line);
    t.left = left == 't';
    t.right = right == 't';
    t.a = block_new(t.batch * t.m * t.k * 4);
    t.b = block_new(t.batch * t.k * t.n * 4);
    t.c = block_new(t.batch * t.m * t.n * 4);
    return t;
}

/* ---- time */
static void once(const Timed *t) {
    if (t->code) {
        t->code(&t->call);
        return;
    }
    enum { ROW_MAJOR = 101, AS_IT_IS = 111, TURNED = 112 };
    for (int64_t i = 0; i < t->batch; i++)
        t->blas->sgemm(ROW_MAJOR, t->left ? TURNED : AS_IT_IS, t->right ? TURNED : AS_IT_IS, t->m, t->n, t->k, 1, t->a + i * t->m * t->k,
                       t->left ? t->m : t->k, t->b + i * t->k * t->n, t->right ? t->k : t->n, 0, t->c + i * t->m * t->n, t->n);
}
/* In groups, so that asking for the time costs nothing. */
static void measure(const Timed *t, double seconds) {
    int64_t group = 1, calls = 0;
    double start, gone;
    once(t);
    once(t);
    start = now();
    do {
        for (int64_t i = 0; i < group; i++) once(t);
        calls += group;
        gone = now() - start;
        group = (int64_t)((double)calls * 0.2);
        if (group < 1) group = 1;
    } while (gone < seconds);
    printf("{\"calls\": %ld, \"seconds\": %.9g}\n", calls, gone);
    fflush(stdout);
}
static void serve(const Timed *all, int n, const Blas *blas) {
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        double seconds;
        int number;
        if (sscanf(line, "ours %d %lf", &number, &seconds) == 2 && number >= 0 && number < n) {
            measure(&all[number], seconds);
            continue;
        }
        Timed t = blas_new(blas, line);
        const char *last = strrchr(line, ' ');
        measure(&t, atof(last ? last : "0"));
        free(t.a);
        free(t.b);
        free(t.c);
    }
}
int main(int argc, char **argv) {
    int threads = 1, at = 1;
    Blas blas = {0};
    Arena *arena = arena_new("kernels");
    Compilation c = {.arena = arena, .strings = strings_new(arena), .diag = diag_new(arena)};
    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        if (!strcmp(argv[at], "--threads")) threads = atoi(argv[at + 1]);
        else if (!strcmp(argv[at], "--blas")) blas.name = argv[at + 1];
        else die(argv[at], "is not known");
    }
    if (blas.name) blas_open(&blas, blas.name, threads);
    nn_pool *pool = threads_open(threads);
    Timed *all = ours_new(&c, argc - at, argv + at, pool);
    printf("{\"ready\": %d, \"core\": \"%s\"}\n", argc - at, blas.core ? blas.core : "");
    fflush(stdout);
    serve(all, argc - at, &blas);
    threads_close(pool);
    return 0;
}

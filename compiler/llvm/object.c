/* object.c: which processor, then module -> object, listing, or text.
**
** A processor is one of two levels, x86-64-v3 (AVX2, FMA) and x86-64-v4 (AVX-512); `native` is the level this machine has, with
** instructions scheduled for its model. The level is all that the code may use, so it is what the table says it needs. */
#include "emit.h"
#include <errno.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

/* ---- the processor ---- */

static const struct Level {
    const char *name;
    int vector_bits, registers;
    const char *needs[8]; /* of the host's features, to be this level */
} LEVELS[] = {
    {"x86-64-v4", 512, 32, {"+avx512f,", "+avx512bw,", "+avx512dq,", "+avx512vl,", "+avx512cd,", "+fma,", "+avx2,", "+bmi2,"}},
    {"x86-64-v3", 256, 16, {"+fma,", "+avx2,", "+bmi,", "+bmi2,", "+f16c,", "+lzcnt,", "+movbe,"}},
};
static bool host_has(const char *features, const struct Level *level) {
    for (int i = 0; i < COUNT_OF(level->needs) && level->needs[i]; i++)
        if (!strstr(features, level->needs[i])) return false;
    return true;
}
/* The level of this machine, NULL for none. */
static const struct Level *host_level(Arena *arena) {
    char *list = LLVMGetHostCPUFeatures();
    const char *features = arena_printf(arena, "%s,", list);
    LLVMDisposeMessage(list);
    for (int i = 0; i < COUNT_OF(LEVELS); i++)
        if (host_has(features, &LEVELS[i])) return &LEVELS[i];
    return NULL;
}
bool llvm_machine(Compilation *c, const char *cpu, LlvmMachine *machine, const char **why) {
    const struct Level *level = NULL;
    bool native = !cpu || !strcmp(cpu, "native");
    if (native) level = host_level(c->arena);
    for (int i = 0; i < COUNT_OF(LEVELS); i++)
        if (!native && !strcmp(cpu, LEVELS[i].name)) level = &LEVELS[i];
    if (!level) {
        *why = native ? "this processor has no fused multiply-add: programs need x86-64-v3 or better"
                      : arena_printf(c->arena, "unknown processor \"%s\": it can be x86-64-v3, x86-64-v4 or native", cpu);
        return false;
    }
    *machine = (LlvmMachine){level->name, level->name, level->vector_bits, level->registers};
    if (!native) return true;
    char *model = LLVMGetHostCPUName();
    machine->tune = arena_printf(c->arena, "%s", model);
    LLVMDisposeMessage(model);
    return true;
}

/* ---- the module ---- */

static LLVMTargetMachineRef target_new(const LlvmMachine *machine, int level) {
    char *message = NULL;
    LLVMTargetRef target;
    const char *triple = "x86_64-pc-linux-gnu";
    if (LLVMGetTargetFromTriple(triple, &target, &message)) nnc_bug("LLVM: %s", message);
    LLVMCodeGenOptLevel optimization = level >= 2 ? LLVMCodeGenLevelDefault : LLVMCodeGenLevelLess;
    return LLVMCreateTargetMachine(target, triple, machine->cpu, "", optimization, LLVMRelocPIC, LLVMCodeModelSmall);
}
typedef struct Module {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetMachineRef target;
} Module;
static void clean(const Module *m) {
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(m->module, "early-cse", m->target, options);
    if (error) nnc_bug("LLVM: %s", LLVMGetErrorMessage(error));
    LLVMDisposePassBuilderOptions(options);
}
/* What the parts of a program have in common; read by several threads. */
typedef struct Making {
    const Program *program;
    const LoopProgram *loops;
    LlvmMachine machine;
    int level;
    Parts *parts;
    LLVMMemoryBufferRef *objects; /* [parts->n] */
    atomic_int next;              /* part that nobody has begun */
} Making;
/* Emitted, verified, cleaned. */
static Module module_make(const Making *making, int part) {
    Emitter e;
    Arena *scratch = arena_new("translation to LLVM");
    emitter_init(&e, scratch, making->loops, &making->machine, making->parts, part);
    Module m = {e.context, e.module, target_new(&making->machine, making->level)};
    LLVMSetTarget(e.module, "x86_64-pc-linux-gnu");
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(m.target);
    LLVMSetModuleDataLayout(e.module, layout);
    LLVMDisposeTargetData(layout);
    module_emit(&e, making->program);
    LLVMDisposeBuilder(e.builder);
    arena_free(scratch);
    clean(&m);
    return m;
}
static void module_free(const Module *m) {
    LLVMDisposeTargetMachine(m->target);
    LLVMDisposeModule(m->module);
    LLVMContextDispose(m->context);
}
static LLVMMemoryBufferRef module_code(const Module *m, bool assembly) {
    char *message = NULL;
    LLVMMemoryBufferRef code;
    LLVMCodeGenFileType type = assembly ? LLVMAssemblyFile : LLVMObjectFile;
    if (LLVMTargetMachineEmitToMemoryBuffer(m->target, m->module, type, &message, &code)) nnc_bug("LLVM: %s", message);
    return code;
}

/* ---- the parts of a program ---- */

/* Passes that cost time and find nothing in what is written here: strength reduction (place.c does it), scheduling after registers are known
** (it is for processors that do not reorder), and some that look for what scalar code has: integers better kept in mask registers, constants
** that are long, registers saved for part of a function only, choices that a branch would make faster, what only one branch reads.
** LLVM has these options once in a process, hence the one thing here that is global. */
static pthread_once_t options_once = PTHREAD_ONCE_INIT;
static void options_say(void) {
    static const char *const WORDS[] = {"nnc", "-disable-lsr", "-disable-post-ra", "-disable-x86-domain-reassignment", "-disable-constant-hoisting",
                                        "-enable-shrink-wrap=0", "-x86-cmov-converter=0", "-disable-machine-sink"};
    LLVMParseCommandLineOptions(COUNT_OF(WORDS), WORDS, NULL);
}
static bool making_begin(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, int most,
                         Making *making, const char **why) {
    *making = (Making){.program = program, .loops = loops, .level = options->level};
    if (!llvm_machine(c, options->cpu, &making->machine, why)) return false;
    making->parts = parts_make(c->arena, program, loops, program ? most : 1);
    making->objects = ARENA_ARRAY(c->arena, LLVMMemoryBufferRef, making->parts->n);
    pthread_once(&options_once, options_say);
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
}
/* Each part has a context of its own: LLVM shares nothing between contexts. */
static void *make_parts(void *argument) {
    Making *making = argument;
    for (int part; (part = atomic_fetch_add(&making->next, 1)) < making->parts->n;) {
        Module m = module_make(making, part);
        making->objects[part] = module_code(&m, false);
        module_free(&m);
    }
    return NULL;
}
static int cores_usable(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}
bool objects_make(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, int most, Objects *out,
                  const char **why) {
    Making making;
    pthread_t threads[MOST_PARTS];
    int n = 0;
    if (!making_begin(c, program, loops, options, most, &making, why)) return false;
    for (int more = cores_usable() < making.parts->n ? cores_usable() - 1 : making.parts->n - 1; n < more; n++)
        if (pthread_create(&threads[n], NULL, make_parts, &making)) break; /* one thread makes them all, later */
    make_parts(&making);
    for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < making.parts->n; i++) vec_push(c->arena, out, making.objects[i]);
    return true;
}

/* ---- output ---- */

const char *llvm_text(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options,
                      LlvmForm form, const char **why) {
    Making making;
    if (!making_begin(c, program, loops, options, 1, &making, why)) return NULL;
    Module m = module_make(&making, 0);
    const char *text;
    if (form == LLVM_TEXT) {
        char *printed = LLVMPrintModuleToString(m.module);
        text = arena_printf(c->arena, "%s", printed);
        LLVMDisposeMessage(printed);
    } else {
        LLVMMemoryBufferRef code = module_code(&m, true);
        text = arena_printf(c->arena, "%.*s", (int)LLVMGetBufferSize(code), LLVMGetBufferStart(code));
        LLVMDisposeMemoryBuffer(code);
    }
    module_free(&m);
    return text;
}
static bool write_file(Compilation *c, const char *path, const char *data, size_t size, const char **why) {
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(data, 1, size, file) == size;
    if (file && fclose(file)) written = false;
    if (!written) *why = arena_printf(c->arena, "cannot write %s: %s", path, strerror(errno));
    return written;
}
bool llvm_emit(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, LlvmForm form,
               const char *path, const char **why) {
    if (form == LLVM_OBJECT) return llvm_objects(c, program, loops, options, 1, &path, why) == 1;
    const char *text = llvm_text(c, program, loops, options, form, why);
    return text && write_file(c, path, text, strlen(text), why);
}
int llvm_objects(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, int most,
                 const char *const *paths, const char **why) {
    Objects objects = {0};
    bool written = objects_make(c, program, loops, options, most, &objects, why);
    for (int i = 0; i < objects.n; i++) {
        LLVMMemoryBufferRef code = objects.v[i];
        written = written && write_file(c, paths[i], LLVMGetBufferStart(code), LLVMGetBufferSize(code), why);
        LLVMDisposeMemoryBuffer(code);
    }
    return written ? objects.n : 0;
}

/* jit.c: the objects that a trainer would be linked from, loaded into this process instead: for `nnc run` and for tests.
**
** The code is that of object.c to the byte, so `nnc run` and a trainer have the same bits. What it calls is the runtime that this
** process is linked with. */
#include "emit.h"
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/TargetMachine.h>
#include <stdio.h>
#include <time.h>

struct LlvmJit {
    LLVMOrcLLJITRef jit;
    Arena *arena;
};

static void no_error(LLVMErrorRef error) {
    if (error) nnc_bug("LLVM: %s", LLVMGetErrorMessage(error));
}
/* memset and memcpy: code generation may write them for wide zeroes and copies. */
static void define_runtime(LLVMOrcLLJITRef jit) {
    const struct {
        const char *name;
        void *address;
    } RUNTIME[] = {{"nn_parallel", (void *)(uintptr_t)&nn_parallel}, {"nn_trap", (void *)(uintptr_t)&nn_trap},
                   {"nn_exchange", (void *)(uintptr_t)&nn_exchange},
                   {"clock_gettime", (void *)(uintptr_t)&clock_gettime}, {"memset", (void *)(uintptr_t)&memset},
                   {"memcpy", (void *)(uintptr_t)&memcpy}};
    LLVMOrcCSymbolMapPair pairs[COUNT_OF(RUNTIME)];
    LLVMJITSymbolFlags flags = {LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0};
    for (int i = 0; i < COUNT_OF(RUNTIME); i++) {
        pairs[i].Name = LLVMOrcLLJITMangleAndIntern(jit, RUNTIME[i].name);
        pairs[i].Sym = (LLVMJITEvaluatedSymbol){(LLVMOrcExecutorAddress)(uintptr_t)RUNTIME[i].address, flags};
    }
    no_error(LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(jit), LLVMOrcAbsoluteSymbols(pairs, COUNT_OF(pairs))));
}

LlvmJit *llvm_jit(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options,
                  const char **why) {
    Objects objects = {0};
    LlvmMachine host, wanted;
    if (!llvm_machine(c, "native", &host, why) || !llvm_machine(c, options->cpu, &wanted, why)) return NULL;
    if (wanted.vector_bits > host.vector_bits) {
        *why = arena_printf(c->arena, "this processor cannot run code for %s", wanted.cpu);
        return NULL;
    }
    if (!objects_make(c, program, loops, options, MOST_PARTS, &objects, why)) return NULL;
    LlvmJit *jit = ARENA_NEW(c->arena, LlvmJit);
    jit->arena = c->arena;
    no_error(LLVMOrcCreateLLJIT(&jit->jit, NULL));
    define_runtime(jit->jit);
    for (int i = 0; i < objects.n; i++)
        no_error(LLVMOrcLLJITAddObjectFile(jit->jit, LLVMOrcLLJITGetMainJITDylib(jit->jit), objects.v[i]));
    return jit;
}
static void *find(const LlvmJit *jit, const char *name) {
    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITLookup(jit->jit, &address, name);
    if (error) LLVMConsumeError(error);
    return error ? NULL : (void *)(uintptr_t)address;
}
const nn_program *llvm_jit_table(LlvmJit *jit) {
    const nn_program *table = find(jit, "nn_program_table");
    nnc_check(table, "code in memory without a table");
    return table;
}
nn_code *llvm_jit_entry(LlvmJit *jit, const char *name) { return (nn_code *)(uintptr_t)find(jit, name); }
void llvm_jit_free(LlvmJit *jit) { no_error(LLVMOrcDisposeLLJIT(jit->jit)); }

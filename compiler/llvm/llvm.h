/* llvm.h: from loop IR to machine code: objects, listings, running code in memory, linked trainers. The only user of LLVM.
**
** One LoopProgram becomes one module, or several that are compiled at the same time; each is verified, cleaned by `early-cse`, and
** compiled at code generation level 1 or 2. There are no fast-math flags and no names of libm: the code does what loop.h says, bit for bit, whatever `cpu` and `level` are.
**
** With a Program the module exports its table, `nn_program_table`, whose functions are the entries (nn_function.index counts
** LoopProgram.entries); everything else is internal. With `program` NULL the entries themselves are exported under their names:
** for tests. User errors come back as a sentence in *why (a processor that cannot run the code, a file that cannot be written,
** a linker that fails): the driver reports them. */
#ifndef NNC_LLVM_H
#define NNC_LLVM_H
#include "../base/compilation.h"
#include "../loop/loop.h"

typedef struct LlvmOptions {
    const char *cpu; /* "x86-64-v3", "x86-64-v4", "native"; NULL: native */
    int level;       /* of code generation, 1 or 2; 0 counts as 1 */
} LlvmOptions;

/* What code for `cpu` may use: known before loops are made, as tiles depend on it (never bits). */
typedef struct LlvmMachine {
    const char *cpu;  /* what the table will say that it needs: "x86-64-v3", "x86-64-v4" */
    const char *tune; /* the processor it is scheduled for */
    int vector_bits;  /* 256 or 512 */
    int registers;    /* vector registers: 16 or 32 */
} LlvmMachine;
bool llvm_machine(Compilation *c, const char *cpu, LlvmMachine *machine, const char **why);

typedef enum LlvmForm { LLVM_OBJECT, LLVM_ASSEMBLY, LLVM_TEXT } LlvmForm;
bool llvm_emit(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, LlvmForm form,
               const char *path, const char **why);
/* The program as up to `most` objects, made at the same time by as many threads as there are cores. They are linked together; what is
** in each depends on the program alone. Number of files written, 0: see *why. */
enum { MOST_PARTS = 16 };
int llvm_objects(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, int most,
                 const char *const *paths, const char **why);
/* The same as a string; forms other than LLVM_OBJECT. */
const char *llvm_text(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options,
                      LlvmForm form, const char **why);

/* Code in this process. It calls nn_parallel and nn_trap of the runtime that nnc is linked with. */
typedef struct LlvmJit LlvmJit;
LlvmJit *llvm_jit(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options,
                  const char **why);
const nn_program *llvm_jit_table(LlvmJit *jit);       /* lives as long as the jit */
nn_code *llvm_jit_entry(LlvmJit *jit, const char *name); /* made with program NULL; NULL: no such entry */
void llvm_jit_free(LlvmJit *jit);

/* A trainer from objects. `library` is libnnrt.a; NULL: looked for beside the running nnc, then in ../lib/nnc of that. */
typedef struct LinkOptions {
    const char *library;
    const char *cc; /* NULL: "cc" */
    bool strip;
    const nn_program *table; /* of the program: what it needs of the runtime */
} LinkOptions;
bool llvm_link(Compilation *c, int n_objects, const char *const *objects, const LinkOptions *options, const char *path,
               const char **why);
#endif

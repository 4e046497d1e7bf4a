/* emit.h: what the parts of the translation share: the module being written, and the function being written.
**
** A loop IR function becomes an LLVM function (call, a pointer for each parameter, scalars), the body of a parallel loop one of its own,
** a task. Values are emitted where the walk of the
** loop IR meets them; an `unrolled` body is walked again for each round. Nothing is optimised here: SSA comes out finished. */
#ifndef NNC_LLVM_EMIT_H
#define NNC_LLVM_EMIT_H
#include "llvm.h"
#include "parts.h"
#include <llvm-c/Core.h>

typedef struct FunctionCode {
    LLVMValueRef function;
    LLVMTypeRef type;
    LLVMValueRef facts; /* what hooks.c says of it, made at the first call that may be watched */
} FunctionCode;
typedef struct Emitter {
    Arena *arena;
    const LoopProgram *loops;
    const LlvmMachine *machine;
    const Parts *parts;
    int part;                /* which of them this module is */
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef scalars[ELEM_COUNT], vectors[ELEM_COUNT]; /* of values: masks are i1 */
    LLVMTypeRef pointer, i64, i32, i8, nothing;
    Map functions;           /* LoopFunction -> FunctionCode */
    LLVMValueRef *constants; /* [loops->constants.n], made at first use */
    FunctionCode clock, scan; /* helpers of hooks.c, made at first use */
    bool internal;           /* entries are not exported: a module with a table */
    int n_tasks;             /* functions of parallel loops so far, for their names */
} Emitter;
typedef struct Product {
    i64 factor;
    LLVMValueRef phi; /* factor * index */
} Product;
/* A serial loop while its body is written. */
typedef struct Round {
    struct Round *outer; /* NULL: none */
    int depth;           /* 1: no loop is around it */
    const LoopFor *loop;
    LLVMBasicBlockRef before, first; /* the block that ends with the branch into it, its first block */
    LLVMValueRef from;   /* the first index */
    bool innermost, calls;
    VEC(Product) products;
} Round;
typedef struct Body {
    Emitter *e;
    const LoopFunction *f;
    LLVMValueRef function;
    LLVMValueRef call;            /* const nn_call * */
    LLVMValueRef *values;         /* by value id */
    LLVMValueRef *indices;        /* by loop id: i64 */
    LLVMValueRef *pointers;       /* by buffer: NULL for blocks */
    LLVMValueRef bases[SPACE_TASK + 1]; /* block pointers, loaded at the start; NULL: not used */
    LLVMBasicBlockRef start;      /* its first block: stack slots and block pointers */
    Round *round;                 /* the innermost open loop, NULL: none */
    Map *rounds;                  /* block -> its Round; absent: in no loop */
} Body;

/* ---- the module (loop_to_llvm.c) ---- */
/* A verified module; the caller owns context and module. */
void module_emit(Emitter *e, const Program *program);
void emitter_init(Emitter *e, Arena *arena, const LoopProgram *loops, const LlvmMachine *machine, const Parts *parts, int part);
/* A function's code; declared where another part has it. */
FunctionCode *code_of(Emitter *e, const LoopFunction *f);

LLVMTypeRef type_of(const Emitter *e, LoopType type);
LLVMTypeRef memory_type(const Emitter *e, Dtype dtype); /* bool: i8 */
LLVMValueRef const_i64(const Emitter *e, i64 x);
LLVMValueRef const_i32(const Emitter *e, i64 x);
LLVMValueRef value_get(const Body *b, const LoopValue *v);
/* A call of llvm.NAME, overloaded on the given types. */
LLVMValueRef intrinsic(const Emitter *e, const char *name, int n_types, LLVMTypeRef *types, int n, LLVMValueRef *args);
LLVMBasicBlockRef block_new(const Body *b, const char *name);
void attribute_add(const Emitter *e, LLVMValueRef function, unsigned index, const char *name, u64 value);
void attribute_text(const Emitter *e, LLVMValueRef function, const char *name, const char *value);
void attribute_small(const Emitter *e, LLVMValueRef function); /* its size counts, not its speed */
void function_attributes(const Emitter *e, LLVMValueRef function, bool internal);
FunctionCode external_code(const Emitter *e, const char *name, LLVMTypeRef result, int n, LLVMTypeRef *types);
LLVMValueRef call_code(const Emitter *e, FunctionCode code, int n, LLVMValueRef *args);

/* ---- functions and statements (loop_to_llvm.c, loop_to_llvm_parallel.c) ---- */
Body *body_begin(Emitter *e, const LoopFunction *f, LLVMValueRef function);
void bases_load(Body *b);
void block_emit(Body *b, const LoopBlock *block);
void body_statements(Body *b, const LoopBlock *block); /* the whole of it, stack slots first, return last */
void emit_parallel(Body *b, const LoopFor *loop);
/* A call of kernel f as this row of the table, which can be watched (hooks.c). */
void watched_call(Emitter *e, const LoopFunction *f, FunctionCode *code, int n, LLVMValueRef *args, i64 kernel);
LLVMValueRef call_field(const Body *b, size_t offset, LLVMTypeRef type); /* of nn_call; loaded where the builder stands */

bool unrolled(const LoopFor *loop); /* no code of its own */

/* ---- where integers are computed (place.c) ---- */
void round_begin(Body *b, const LoopFor *loop, LLVMBasicBlockRef before, LLVMValueRef from);
void round_end(Body *b, LLVMBasicBlockRef end); /* the builder stands at the end of the body's last block, `end` */
void round_note(const Body *b, LLVMBasicBlockRef block); /* it is in the innermost open loop */
Round *round_of(const Body *b, LLVMValueRef value);      /* in which it may change, NULL: none */
Round *round_deeper(Round *a, Round *b);
/* The builder moves to where what changes in this Round only is computed; gives the block for place_back. */
LLVMBasicBlockRef place_in(const Body *b, const Round *r);
void place_back(const Body *b, LLVMBasicBlockRef block);
LLVMValueRef index_times(const Body *b, const LoopFor *loop, i64 factor);

/* ---- memory (lower_memory.c) ---- */
LLVMValueRef affine_emit(const Body *b, const LoopAffine *a); /* i64 */
LLVMValueRef address_emit(const Body *b, int buffer, const LoopAffine *at, bool inside);
void store_emit(const Body *b, const LoopAccess *access, const LoopValue *value);
void prefetch_emit(const Body *b, const LoopStatement *s);

bool never_below_0(const LoopValue *v); /* surely, and a scalar i32 */

/* ---- operators: lower_X of loop.def's last column ---- */
#define LOP(name, arity, typing, emit) LLVMValueRef lower_##emit(const Body *b, const LoopValue *v);
#include "../loop/loop.def"
#undef LOP

/* ---- the table and other constants (table.c) ---- */
/* A constant that only this module knows. */
LLVMValueRef constant_hidden(const Emitter *e, LLVMValueRef data, const char *name);
void table_emit(Emitter *e, const Program *program);

/* ---- targets (object.c) ---- */
/* The objects of a program, at most `most`, one a thread at a time. False and *why when the processor will not do. */
typedef VEC(LLVMMemoryBufferRef) Objects;
bool objects_make(Compilation *c, const Program *program, const LoopProgram *loops, const LlvmOptions *options, int most, Objects *out,
                  const char **why);
#endif

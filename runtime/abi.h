/* abi.h: the C side of abi.def, and the call by which the runtime enters generated code. Read by compiler and runtime.
**
** Ownership: the runtime allocates every block, 64-byte aligned and with 256 bytes behind it that may be read (vectors are loaded
** whole; nothing read there is used), before step 1; generated code allocates nothing and has no
** writable globals. A function reads its arguments from the blocks and writes its results there, when all are computed. */
#ifndef NN_ABI_H
#define NN_ABI_H
#include <stdint.h>

enum { NN_F32, NN_F64, NN_I32, NN_U8, NN_BOOL };          /* dtypes, numbered as dtype.def */
static inline int64_t nn_dtype_bytes(int64_t dtype) { return dtype == NN_F64 ? 8 : dtype == NN_U8 || dtype == NN_BOOL ? 1 : 4; }
enum { NN_REAL, NN_INT, NN_BOOLEAN, NN_CLASS };           /* elements and kinds of hypers */
enum { NN_PARAM, NN_MODEL_STATE, NN_BLOCK_STATE, NN_OPTIMIZER_STATE, NN_CARRY }; /* roles of leaves */

typedef struct nn_call nn_call;
typedef void nn_code(const nn_call *call);

#define STR(f)     const char *f;
#define I64(f)     int64_t f;
#define F64(f)     double f;
#define F32(f)     float f;
#define I64S(f)    int64_t n_##f; const int64_t *f;
#define STRS(f)    int64_t n_##f; const char *const *f;
#define ONE(T, f)  T f;
#define MANY(T, f) int64_t n_##f; const T *f;
#define CODE(f)    nn_code *f;
#define STRUCT(T)  typedef struct T {
#define END(T)     } T;
#include "abi.def"

/* First word of a table, refused when different: the version of what the fields mean, and how large the tables are, so that a runtime
** and a compiler built from different abi.def never meet. */
enum {
    NN_MEANING = 3,
    NN_SIZES = 0
#define STR(f)
#define I64(f)
#define F64(f)
#define F32(f)
#define I64S(f)
#define STRS(f)
#define ONE(T, f)
#define MANY(T, f)
#define CODE(f)
#define STRUCT(T) +(int)sizeof(T)
#define END(T)
#include "abi.def"
    ,
    NN_ABI = NN_MEANING * 1000000 + NN_SIZES
};

typedef struct nn_pool nn_pool;
/* A task of a parallel loop: runs part `index`. `frame` is what the caller of nn_parallel gave. */
typedef void nn_task(void *frame, int64_t index);

struct nn_call {
    void *lasting, *batch, *averages, *hypers, *work, *out; /* blocks, 64-byte aligned */
    const void *in;           /* what a function takes beside them: averages of sums, gradients, a direction */
    uint32_t key[2];          /* seed, low word first */
    int32_t step, epoch;      /* of the block, from 0 */
    int32_t draw_step;        /* step by which draws in models and blocks are made: step; -2 in evaluations */
    int32_t data_step;        /* the same for drawn fields: step - step % hold; -2 in evaluations */
    int32_t valid;            /* rows that count: the first ones */
    int32_t count;            /* apply: rows that the gradient was summed over */
    float progress32;         /* step / all steps, both ways so that code reads its own kind */
    int32_t flags;            /* NN_TRAP, NN_PROFILE; 0: nobody watches */
    double progress64;
    const nn_function *function; /* the entry called */
    nn_pool *pool;            /* NULL: one thread */
    int64_t *kernel_ns;       /* NN_PROFILE: nanoseconds by kernel are added here */
    void *host;               /* of whoever serves the table (the interpreter); machine code ignores it */
};
enum {
    NN_TRAP = 1,   /* after each kernel its results are scanned, nn_trap is called at the first that is not finite */
    NN_PROFILE = 2 /* kernels are timed */
};

/* The three things generated code calls. */
void nn_parallel(nn_pool *pool, nn_task *task, void *frame, int64_t count); /* all tasks done on return */
void nn_trap(const nn_call *call, int64_t kernel, int64_t element);
void nn_exchange(const nn_call *call, void *partial, int64_t bytes);

/* The whole trainer, for main and for `nnc run`: exit code. `host` is handed to every call. */
int nn_main(const nn_program *program, void *host, int argc, char **argv);

extern const nn_program nn_program_table; /* what a trainer's object exports; named "nn_program_table" */
#endif

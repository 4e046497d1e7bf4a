/* loop.h: loop IR, between kernels (plan/) and LLVM. Everything is written out: loops, addresses, the order of every sum.
** It knows nothing of tensors, shapes or nodes; it decides nothing.
**
** VALUES are scalars or vectors of LANES = 16: f32 f64 i32 i64 u8 mask. A value is made once (SSA), by a `let` of an operator, as
** an accumulator or result of a `for`, as a result of an `if`, or as a parameter. Operators have the meaning of the IR's rows of
** that name (graph.h), a lane at a time; nothing converts or broadcasts by itself: `cast`, `splat`. u8 only is loaded, stored and
** cast. A sum's order shows: `add`, `fma` are one operation; a chain is an accumulator of a `for`; lanes are a 16-lane accumulator
** and `tree`; a cut is a `for` that stores partials and adds written out. Values are made by calls that append a `let` to the
** block being built, so C code reads like the loop it makes:
**
**     LoopBuilder b = loop_function_begin(arena, "sum_rows");
**     int x = loop_param(&b, DT_f32, rows * 100, false), y = loop_param(&b, DT_f32, rows, true);
**     LoopFor *r = loop_for(&b, FOR_PARALLEL, rows, 1, 0, NULL);
**     LoopValue *zero = loop_real(&b, ELEM_F32, 0);
**     LoopFor *k = loop_for(&b, FOR_SERIAL, 100, 1, 1, &zero);
**     LoopAffine at = affine_loop(affine_loop(affine(0), r, 100), k, 1);
**     LoopValue *next = loop_op(&b, LOP_add, k->acc[0], loop_load(&b, x, at));
**     loop_for_end(&b, &next);
**     loop_store(&b, y, affine_loop(affine(0), r, 1), k->results[0]);
**     loop_for_end(&b, NULL);
**     LoopFunction *f = loop_function_end(&b);
**
** LOOPS. A `for` takes its index through 0, step, 2*step .. below `extent`, both known; with `from` and `to` (affine in outer
** indices; step 1) only where also from <= index < to: for short last blocks and for the taps of a window that lie inside. It
** may run no round at all; its results then are the initial values. FOR_UNROLLED is emitted round by round. FOR_PARALLEL: rounds
** are tasks, in any order, by any thread: no accumulators, none inside another (nor inside what is called in it), rounds touch
** disjoint elements. `sync` says where the order of parallel loops and calls matters: those with none between may run together.
** An `if` has conditions, affine forms that must all be >= 0, or one scalar mask; both branches may give values.
**
** ADDRESSES are affine: constant + sum of factor * index of an enclosing loop + factor * value, counted in elements of the
** buffer. Such a value is an i32 made by `clamp` (so its range is known: take, put clamp their indices anyway). With 16 lanes,
** lane l lies `stride` elements further than lane l-1: 1 is a vector in memory, 0 the same element in all lanes (loads), others
** are gathered; a lanes-wide value in the address gathers too. `part` (affine): only lanes below it are touched, the others load
** as 0; `mask`: only those lanes, and then the range is the maker's promise. Lanes are stored with stride 1 unless `stride` says
** otherwise; nothing scatters by value (puts add with scalars, in order). bool lies in memory as a byte 0/1 and is a mask here.
** The verifier proves each address in its buffer from extents, `from`/`to`, conditions around it and `part`. Whole-vector loads
** may read up to SLACK bytes past the end (never before the start); what was read there must not be stored, except in dead lanes.
**
** BUFFERS. A function's buffers are parameters (pointers that its callers give), places in the blocks of nn_call, constants, or
** local: on the stack, one for each call or task (SPACE_TASK: places in a block of each task's own), 64-byte aligned, undefined at first, at most LOCAL_BYTES, used either inside
** one parallel loop or outside of all. Buffers of one function never overlap in touched elements unless both are only read: what
** is updated in place is one buffer, loaded and stored. Blocks CALL, BATCH, AVERAGES, HYPERS, IN and constants are read-only.
**
** A PROGRAM is an entry for each of Program.entries (same index, names) and the kernels they call. An entry has no parameters; its
** body is `for`, `if`, `call`, `sync` and small scalar code; buffers of its calls are its own buffers at affine addresses, so a
** scan is a serial `for` around calls at base + t * stride, an index goes in as a scalar (loop_index). Kernels equal but for what
** they are given are one function: loop_program_function finds an equal one. A call with `kernel` >= 0 is a row of
** nn_program.kernels: it is timed in profiles, and under NN_TRAP its written f32/f64 buffers with `checked` are then scanned. */
#ifndef NNC_LOOP_H
#define NNC_LOOP_H
#include "../base/vec.h"
#include "../base/map.h"
#include "../ir/program.h"

enum {
    LANES = SUM_LANES,
    LOOP_TERMS = 16,       /* of an affine form */
    SLACK = 256,           /* readable bytes behind every block, constant and local */
    LOCAL_BYTES = 1 << 20, /* of all local buffers of a function */
    TASKS_MAX = 1 << 20
};

/* ---- values ---- */
typedef enum LoopElem { ELEM_F32, ELEM_F64, ELEM_I32, ELEM_I64, ELEM_U8, ELEM_MASK, ELEM_COUNT } LoopElem;
typedef struct LoopType {
    LoopElem elem;
    bool lanes;
} LoopType;
static inline LoopType scalar_of(LoopElem elem) { return (LoopType){elem, false}; }
static inline LoopType lanes_of(LoopElem elem) { return (LoopType){elem, true}; }
LoopElem elem_of_dtype(Dtype dtype); /* bool: mask */
const char *elem_name(LoopElem elem);

typedef enum LoopOp {
#define LOP(name, arity, typing, emit) LOP_##name,
#include "loop.def"
#undef LOP
    LOP_COUNT
} LoopOp;
typedef enum StatementKind {
#define STATEMENT(name) STATEMENT_##name,
#include "loop.def"
#undef STATEMENT
    STATEMENT_COUNT
} StatementKind;

typedef struct LoopValue LoopValue;
typedef struct LoopFor LoopFor;
typedef struct LoopFunction LoopFunction;
typedef struct LoopStatement LoopStatement;

/* ---- addresses and conditions ---- */
typedef struct LoopTerm {
    const LoopFor *loop;    /* its index, */
    const LoopValue *value; /* or this value (one of both is NULL) */
    i64 factor;             /* not 0 */
} LoopTerm;
typedef struct LoopAffine {
    i64 constant;
    int n;
    LoopTerm terms[LOOP_TERMS];
} LoopAffine;
LoopAffine affine(i64 constant);
LoopAffine affine_loop(LoopAffine a, const LoopFor *loop, i64 factor);    /* a + factor * index */
LoopAffine affine_value(LoopAffine a, const LoopValue *value, i64 factor);
LoopAffine affine_plus(LoopAffine a, LoopAffine b);
LoopAffine affine_times(LoopAffine a, i64 factor);

typedef struct LoopAccess {
    int buffer;
    LoopAffine at;          /* elements; of lane 0 */
    bool lanes;
    i64 stride;             /* lanes: elements between neighbours */
    const LoopAffine *part; /* lanes: NULL, or how many */
    const LoopValue *mask;  /* lanes: NULL, or which */
} LoopAccess;

struct LoopValue {
    LoopType type;
    u32 id;                   /* dense in its function */
    LoopOp op;
    int n_args;
    LoopValue *args[3];
    u64 bits;                 /* literal: its bits (mask 0/1); extract, insert: the lane */
    i64 low, high;            /* clamp */
    const LoopAffine *affine; /* index; `low` then is the stride between lanes */
    const LoopAccess *access; /* load */
    const u8 *pattern;        /* shuffle: [16] */
};

/* ---- statements ---- */
typedef struct LoopBlock {
    VEC(LoopStatement *) list;
    int n_values;       /* if-branches: what they give; for: the next accumulators */
    LoopValue **values;
} LoopBlock;
typedef enum ForKind { FOR_SERIAL, FOR_PARALLEL, FOR_UNROLLED } ForKind;
struct LoopFor {
    ForKind kind;
    u32 id;                     /* dense in its function */
    i64 extent, step;
    const LoopAffine *from, *to; /* NULL: none */
    int n;
    LoopValue **init, **acc, **results; /* [n]; `acc` are the values inside, `results` after the loop */
    LoopBlock body;             /* body.values: next */
};
typedef struct LoopIf {
    int n_conditions;
    const LoopAffine *conditions; /* all >= 0 */
    const LoopValue *mask;        /* or, with no conditions: this scalar mask */
    LoopBlock then, otherwise;
    int n;
    LoopValue **results;
} LoopIf;
typedef struct LoopArgument {
    int buffer;    /* of the caller */
    LoopAffine at;
} LoopArgument;
typedef struct LoopCall {
    const LoopFunction *function;
    LoopArgument *buffers; /* [function->n_params], in the order of its loop_param calls */
    LoopValue **scalars;   /* [function->scalars.n] */
    i64 kernel;            /* row of nn_program.kernels; -1: none */
} LoopCall;
struct LoopStatement {
    StatementKind kind;
    LoopValue *value;   /* let: made; store: stored */
    LoopAccess *access; /* store; prefetch, exchange: a place */
    i64 elements;       /* exchange */
    int locality;       /* prefetch: 1 (L3) 2 (L2) 3 (L1) */
    bool write;         /* prefetch */
    LoopFor *loop;
    LoopIf *branch;
    LoopCall *call;
};

/* ---- functions ---- */
typedef enum Space {
    SPACE_CALL, SPACE_LASTING, SPACE_BATCH, SPACE_AVERAGES, SPACE_HYPERS, SPACE_IN, SPACE_OUT, /* numbered as Block */
    SPACE_WORK, SPACE_TASK, SPACE_CONSTANT, SPACE_LOCAL, SPACE_PARAM
} Space;
typedef struct LoopBuffer {
    Space space;
    i64 offset;    /* blocks: bytes (CALL: in nn_call); CONSTANT: index in the program; PARAM: its number */
    Dtype dtype;
    i64 elements;
    bool writable; /* else only read */
    bool checked;  /* written: every element in 0..elements is, so NN_TRAP may scan it after the call */
    i64 align;     /* bytes at which element 0 is known to lie; set by the constructors: blocks from offset, PARAM 64 */
} LoopBuffer;
struct LoopFunction {
    const char *name;
    VEC(LoopBuffer) buffers;
    int n_params;              /* buffers in SPACE_PARAM; they come first */
    VEC(LoopValue *) scalars;  /* scalar parameters */
    LoopBlock body;
    u32 n_values, n_loops;
};
typedef struct LoopConstant {
    i64 bytes;
    const void *data;
} LoopConstant;
typedef struct LoopProgram {
    Arena *arena;
    VEC(LoopFunction *) kernels; /* called ones before their callers */
    VEC(LoopFunction *) entries; /* as Program.entries; NULL: not compiled */
    VEC(LoopConstant) constants;
    Map known;                   /* of loop_program_function */
    Text text;                   /* of the function it looks for */
} LoopProgram;

/* ---- building ---- */
typedef struct LoopBuilder {
    Arena *arena;
    LoopFunction *function;
    VEC(LoopStatement *) open;  /* for and if around the point of building */
    VEC(LoopBlock *) blocks;    /* the block that each of them, and the function, is filling; last: the current one */
} LoopBuilder;
LoopProgram *loop_program_new(Arena *arena);
int loop_program_constant(LoopProgram *program, i64 bytes, const void *data); /* index; equal bytes are one */
/* `f`, or a kernel of the program that equals it in all but names; a new one is added. */
LoopFunction *loop_program_function(LoopProgram *program, LoopFunction *f);

LoopBuilder loop_function_begin(Arena *arena, const char *name);
LoopFunction *loop_function_end(LoopBuilder *b);
/* Buffers; the result is the index that accesses name. Parameters first. */
int loop_param(LoopBuilder *b, Dtype dtype, i64 elements, bool writable);
int loop_block(LoopBuilder *b, Space space, i64 offset, Dtype dtype, i64 elements, bool writable);
int loop_constant(LoopBuilder *b, int index, Dtype dtype, i64 elements);
int loop_local(LoopBuilder *b, Dtype dtype, i64 elements);
LoopValue *loop_scalar(LoopBuilder *b, LoopElem elem); /* a scalar parameter */

/* Values. Scalars where nothing else is said; `loop_splat` of a literal costs nothing. */
LoopValue *loop_literal(LoopBuilder *b, LoopType type, u64 bits);
LoopValue *loop_real(LoopBuilder *b, LoopElem elem, double value); /* f32 or f64, rounded to it */
LoopValue *loop_int(LoopBuilder *b, LoopElem elem, i64 value);     /* i32 i64 u8 mask */
LoopValue *loop_index(LoopBuilder *b, LoopAffine a);               /* i32 */
LoopValue *loop_index_lanes(LoopBuilder *b, LoopAffine a, i64 stride); /* lane l: a + l * stride */
LoopValue *loop_op(LoopBuilder *b, LoopOp op, ...);                /* as many LoopValue * as its arity */
LoopValue *loop_apply(LoopBuilder *b, LoopOp op, LoopValue *const *args); /* the same */
LoopValue *loop_cast(LoopBuilder *b, LoopValue *value, LoopElem to);
LoopValue *loop_clamp(LoopBuilder *b, LoopValue *value, i64 low, i64 high);
LoopValue *loop_splat(LoopBuilder *b, LoopValue *value);           /* the value itself where it is lanes already */
LoopValue *loop_extract(LoopBuilder *b, LoopValue *lanes, int lane);
LoopValue *loop_insert(LoopBuilder *b, LoopValue *lanes, LoopValue *scalar, int lane);
LoopValue *loop_shuffle(LoopBuilder *b, LoopValue *x, LoopValue *y, const u8 pattern[LANES]);
void loop_transpose16(LoopBuilder *b, LoopValue *rows[LANES]);     /* 16 vectors of 16: rows become columns */

LoopValue *loop_load(LoopBuilder *b, int buffer, LoopAffine at);
LoopValue *loop_load_lanes(LoopBuilder *b, int buffer, LoopAffine at, i64 stride);
LoopValue *loop_load_part(LoopBuilder *b, int buffer, LoopAffine at, i64 stride, LoopAffine part);
LoopValue *loop_load_access(LoopBuilder *b, LoopAccess access);
void loop_store(LoopBuilder *b, int buffer, LoopAffine at, LoopValue *value); /* lanes: stride 1 */
void loop_store_part(LoopBuilder *b, int buffer, LoopAffine at, LoopValue *value, LoopAffine part);
void loop_store_access(LoopBuilder *b, LoopAccess access, LoopValue *value);
void loop_prefetch(LoopBuilder *b, int buffer, LoopAffine at, bool write, int locality); /* may point anywhere */

LoopFor *loop_for(LoopBuilder *b, ForKind kind, i64 extent, i64 step, int n, LoopValue *const *init);
/* Step 1, only from <= index < to; NULL: no such bound. */
LoopFor *loop_for_within(LoopBuilder *b, ForKind kind, i64 extent, const LoopAffine *from, const LoopAffine *to, int n,
                         LoopValue *const *init);
void loop_for_end(LoopBuilder *b, LoopValue *const *next); /* [n] */
LoopIf *loop_if(LoopBuilder *b, int n_conditions, const LoopAffine *conditions);
LoopIf *loop_if_mask(LoopBuilder *b, const LoopValue *mask);
void loop_else(LoopBuilder *b, int n, LoopValue *const *values); /* what the first branch gives */
void loop_if_end(LoopBuilder *b, int n, LoopValue *const *values); /* of the branch that ends; with n = 0 no else is needed */
void loop_sync(LoopBuilder *b);
void loop_exchange(LoopBuilder *b, int buffer, LoopAffine at, i64 elements); /* nn_exchange: outside of parallel loops */
/* Buffers of `function` lie at `buffers[i]`; see LoopCall. */
void loop_call(LoopBuilder *b, const LoopFunction *function, const LoopArgument *buffers, LoopValue *const *scalars,
               i64 kernel);

/* ---- mathematics (loop_math.c): the text of ir/math.def, so the interpreter's bits. Scalar or lanes, f32 or f64. */
typedef enum LoopMath { MATH_exp, MATH_log, MATH_tanh, MATH_sigmoid, MATH_sin, MATH_cos, MATH_erf, MATH_pow } LoopMath;
LoopValue *loop_math(LoopBuilder *b, LoopMath function, LoopValue *x, LoopValue *y); /* y: only pow */
/* A draw in [0, 1) as OP_random makes it; all operands i32 of one width, `word` 0 or 1, result f32 or f64. */
LoopValue *loop_random(LoopBuilder *b, LoopElem elem, u32 place, int word, LoopValue *key_low, LoopValue *key_high,
                       LoopValue *step, LoopValue *row, LoopValue *element);
LoopValue *loop_random_at(LoopBuilder *b, LoopElem elem, LoopValue *place, int word, LoopValue *key_low, LoopValue *key_high,
                          LoopValue *step, LoopValue *row, LoopValue *element); /* the place as an i32 of that width too */

/* ---- looking at it ---- */
const char *lop_name(LoopOp op);
int lop_arity(LoopOp op);
void loop_print(Text *out, const LoopFunction *f);
void loop_program_print(Text *out, const LoopProgram *program);
/* nnc_bug() where a rule above is broken. */
void loop_verify(const LoopFunction *f);
void loop_program_verify(const LoopProgram *program);
#endif

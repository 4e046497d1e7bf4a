/* plan.h: which kernels compute an entry, in which order, and where every stored value lies. No loops, no addresses by element: that
** is loop/plan_to_loop.c, which takes a Plan and decides nothing about memory.
**
** Needs a settled Program. A Plan is a list of PlanEntry; an entry is a PlanBody; a scan is a kernel with a body of its own.
**
** STORED AND NOT. A node of a body is stored (plan_value gives its place), or it is computed where it is read: views (reshape
** transpose broadcast affine iota const) are only addressing, and maps that were fused into their readers. A kernel computes
** the nodes of its `stores` from stored values; whatever lies between belongs to it. `anchor`, if any, is the sum, amax, dot,
** put or top that the kernel is built around: all its stores are maps over the anchor's own index space, or the anchor.
**
** PLACES. A value lies in a block of nn_call or in the work block, at `offset` plus `bytes` times the round of each scan around that
** it depends on. Work memory is handed out as areas: each lives from its first to its last kernel in one linear order (a scan's
** kernels stand between its beginning and its end; what a loop needs from outside lives through all of it), lies at a multiple of
** 64, and never overlaps an area alive at the same time. Rounds of a scan may be tasks; what only a round sees lies in task memory. A value computed from one that dies there may take over its area when
** each element is read before it is written (`plan_in_place`). plan_check.c replays all of this by itself. */
#ifndef NNC_PLAN_H
#define NNC_PLAN_H
#include "../base/compilation.h"
#include "../ir/program.h"

typedef struct PlanOptions {
    int level;       /* 0: a kernel a node; 1: fused; 2: with register tiles; 3: as 2 */
    int vector_bits; /* of the machine, 256 or 512: chooses tiles, never bits */
    int registers;   /* vector registers, 16 or 32 */
    bool share;      /* every kernel is shared out that can be, however small: for tests */
} PlanOptions;

enum {
    PLAN_WORK = BLOCK_OUT + 1,
    PLAN_TASK, /* as PLAN_WORK, but each task has its own */
    PLAN_ALIGN = 64,
    PLAN_PARTIALS = 64 * 16 /* elements of scratch for each maximum that is shared out: 16 for each task */
};

typedef struct PlanArea {
    i64 bytes;
    i64 offset;      /* in the work block, or in task memory */
    int first, last; /* kernels between which it is alive, both included; first < 0: unused */
    const struct PlanBody *body; /* whose kernels write it: accesses from loops inside count for the whole loop */
    struct PlanArea *over;       /* the area that it takes over; NULL: it is one by itself */
    bool of_task;                /* it lies in task memory */
} PlanArea;
typedef struct PlanStep {
    int depth; /* of the body whose round counts; 1: the outermost scan's */
    i64 bytes;
} PlanStep;
enum { PLAN_DEPTH = 12 };
typedef struct PlanPlace {
    int block;      /* a Block, or PLAN_WORK, PLAN_TASK */
    PlanArea *area; /* PLAN_WORK, PLAN_TASK */
    i64 offset;     /* bytes; in the block, or in the area */
    int n_steps;
    PlanStep steps[PLAN_DEPTH];
} PlanPlace;
typedef struct PlanValue {
    const Type *type;
    PlanPlace place;
    const struct PlanValue *whole; /* not NULL: a part of this; `place` has only what is added: offset, steps */
    const struct PlanKernel *maker; /* which writes it as the value of a node; NULL: it is there from the start */
    bool apart;                     /* a whole: rows of a multiple of 4 KiB lie a line further apart (plan_pitch) */
    bool sliced;                    /* a whole: parts of it have been made, its layout stays */
} PlanValue;

/* A value of a body that is computed where it is read, from another body's values: a loop's constant operand that is a view. */
typedef struct PlanOuter {
    const struct PlanBody *body;
    const Node *node;
    bool lead; /* the node has the rounds as its first axis, but is the same in all of them */
} PlanOuter;

typedef enum PlanKind {
    PLAN_MAP,    /* elementwise over the shape of its stores */
    PLAN_REDUCE, /* anchor sum, amax or dot; dots in register tiles where level and operands allow */
    PLAN_ROWS,   /* sums and maxima over the same last axes of one shape, with maps before, between and after: row by row */
    PLAN_COLS,   /* sums over the same other axes of one shape, the last axis kept, with maps of it and of the sums: element by element */
    PLAN_PUT,
    PLAN_TOP,
    PLAN_SCAN
} PlanKind;
typedef struct PlanStore {
    const Node *node;
    PlanValue *value;
    const i64 *shifts;     /* the node is a part of the value and begins here, by axis; NULL: it is the whole */
    const PlanValue *from; /* a copy of this, which holds the node's value; NULL: the node is computed */
} PlanStore;
typedef struct PlanKernel {
    PlanKind kind;
    const Node *anchor;
    VEC(PlanStore) stores;
    VEC(const Node *) anchors; /* PLAN_ROWS, PLAN_COLS: all sums and maxima; of a dot: maxima over all that follow it */
    const Type *full;       /* the shape they fold; the first axes are those of PLAN_ROWS' rows */
    bool update;            /* of a dot: what follows it replaces leaves of the result's shape */
    bool one_pass;          /* nothing over the full shape needs a sum of it: each element is met once */
    struct PlanBody *body;  /* it is in */
    struct PlanBody *inner; /* PLAN_SCAN */
    PlanValue *scratch;     /* of a put or a tiled dot with a cut: the partial sums; of rows in one pass: maxima of tasks */
    PlanValue *maxima;      /* of a dot with anchors: of each task, 16 an anchor */
    bool parallel;          /* worth more than one thread; of a scan: its rounds are tasks */
    int time, end;          /* in the linear order; end: of a scan's last round */
    i64 row;                /* in nn_program.kernels; -1: a scan */
    double operations, bytes, nanoseconds; /* of one run; about */
} PlanKernel;
typedef struct PlanBody {
    const Func *func;
    struct PlanBody *outer; /* NULL: an entry */
    const Node *scan;
    int depth;              /* scans around: 0 for an entry */
    NodeMap values;         /* node -> PlanValue * */
    PlanValue **params;     /* [n_params]; NULL: outers[i] */
    PlanOuter *outers;
    int *replaces;          /* [n_results]: the parameter in whose place the result comes; -1: none */
    NodeMap results;        /* scan -> PlanValue *[n_results] */
    VEC(PlanKernel *) kernels; /* in order */
} PlanBody;
typedef struct PlanEntry {
    const char *name;
    PlanBody *body; /* NULL: the table does not name it */
    VEC(PlanArea *) areas;
    int n_times;
    i64 work; /* bytes */
    i64 task; /* bytes of a task's memory */
    i64 first_row, n_rows;
    double operations;
} PlanEntry;
typedef struct Plan {
    Arena *arena;
    PlanOptions options;
    VEC(PlanEntry *) entries; /* as Program.entries */
    VEC(nn_kernel) rows;      /* as nn_program.kernels */
} Plan;

/* Also fills in what the table of `program` says of it: work, operations, kernels. */
Plan *plan_program(Compilation *c, Program *program, const PlanOptions *options);
void plan_print(Text *out, const Plan *plan);
/* Replays every entry: each read sees what was last written there for it, nothing overlaps. NULL, or what is wrong. */
const char *plan_check(Arena *scratch, const Plan *plan);

/* Where a node of a body is stored; NULL: it is computed where it is read. */
PlanValue *plan_value(const PlanBody *body, const Node *node);
/* What stands for an `arg` of a scan's body that is not stored. */
const PlanOuter *plan_outer(const PlanBody *body, const Node *arg);
PlanPlace plan_place(const PlanValue *value); /* of a part too */
i64 plan_pitch(const PlanValue *value);       /* elements from a row, of the last axis, to the next */
i64 plan_elements(const PlanValue *value);    /* from its first to behind its last, with what lies between rows */
bool plan_same_place(const PlanValue *a, const PlanValue *b);
bool plan_same_whole(const PlanValue *a, const PlanValue *b); /* parts of values that lie at one place */
/* Every stored value that a kernel reads, once each, in the order of a walk from its stores. */
typedef struct PlanReads {
    int n;
    const PlanValue **v;
} PlanReads;
PlanReads plan_reads(Arena *arena, const PlanKernel *kernel);
/* Whether a walk from the kernel's stores meets `value` only through maps: element i of it is then read before element i of any
** store is written. */
bool plan_in_place(const PlanKernel *kernel, const PlanValue *value);
#endif

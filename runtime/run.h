/* run.h: one call of a trainer: its program, options, data, blocks of memory, and where training stands. No other
** state exists, but for the flag that signal handlers set (events.h).
**
** Who does what: main.c opens and closes a Run; train.c is the state machine; step.c calls generated code; evaluate.c
** turns sums into reports; rundir.c log.c ckpt.c report.c write the files of a run; each other command is a file of
** its own. */
#ifndef NN_RUN_H
#define NN_RUN_H
#include "abi.h"
#include "data.h"
#include "options.h"
#include "pool.h"

/* The argument of every call of generated code. nn_trap finds it from the nn_call, so generated code hands on that
** pointer. */
typedef struct Call {
    nn_call call;
    int64_t trap_kernel;  /* -1: none; else the first kernel with a result that is not finite, */
    int64_t trap_element; /* and which */
} Call;

/* Sums of the reports of a block over rows: those of generated code, added in f64 in the order of the batches. */
typedef struct Totals {
    double *sums; /* [n_sums] */
    int64_t rows;
    int64_t *minimized; /* [n_minimizes] rows over which objective k was computed (`every`) */
} Totals;

/* Where training stands. With `lasting`, the totals of the round and the averages, all that the next step depends
** on. */
typedef struct Position {
    int64_t block;       /* index of trains */
    int64_t round;       /* of the block, rounds that are over */
    int64_t step;        /* of the block, steps that are over */
    int64_t round_began; /* step at which the round that is going on began */
    int64_t examples;    /* of the run */
    double best;         /* value of best=, NaN: none yet */
    int64_t best_step, best_round;
    int64_t waited; /* rounds since */
    int64_t log_bytes;
    int64_t log_rounds; /* rows of log.csv */
    double seconds;     /* spent in earlier processes; decides nothing but what time.csv says */
} Position;

/* What a block comes to with the options and the data; from block_plan, before step 1. */
typedef struct BlockPlan {
    const nn_train *train;
    const Set *set;
    int64_t rows;        /* training rows used */
    int64_t epoch_steps; /* steps a pass takes; an endless set: 0 */
    int64_t steps;       /* of the block */
    int64_t round_steps;
    bool file_order;
    bool best_asked; /* best= or patience=: the block ends with its best */
} BlockPlan;

typedef struct RunDirectory RunDirectory;
struct Run {
    Console console;
    const nn_program *program;
    void *host;
    Options options;
    uint32_t key[2];
    Set *sets; /* [n_sets] */
    nn_pool *pool;
    int64_t threads;
    uint8_t *lasting, *averages, *hypers, *work, *out, *in; /* 64-byte aligned, of console_memory */
    uint8_t *batch;
    Call call;
    BlockPlan *plans;    /* [n_trains] */
    Totals round_totals; /* of the round that is going on */
    Totals eval_totals;
    double *values;  /* displayed values: training part, then validation */
    uint32_t *order; /* permutation of the epoch order_epoch of block order_block */
    int64_t order_epoch, order_block;
    uint8_t *carries;      /* of training, put aside during an evaluation */
    uint32_t *stream_rows; /* [batch] of an evaluation with stream=true */
    Position at;
    RunDirectory *directory; /* NULL: this command writes none */
    double started;          /* clock_seconds() */
    JsonValue *earlier;      /* run.json of --from, --resume, --replay */
};

STATUS command_train(Run *run);
STATUS command_eval(Run *run);
STATUS command_predict(Run *run);
STATUS command_generate(Run *run);
STATUS command_export(Run *run);
STATUS command_import(Run *run);
STATUS command_lr_find(Run *run);
STATUS command_info(Run *run);
STATUS command_gradcheck(Run *run);
STATUS command_bench(Run *run);

/* The whole program; nn_main is this with io_posix. */
int run_main(const nn_program *program, void *host, const Io *io, int argc, char **argv);

/* The steps of opening, which commands call as they need them (setup.c). */
STATUS run_open_blocks(Run *run);                 /* memory, hypers, threads */
STATUS run_open_data(Run *run, const bool *used); /* [n_sets]; those of averages they need are added */
STATUS run_find_averages(Run *run);               /* of the sets that are open, from their training rows */
STATUS run_plan_blocks(Run *run);                 /* plans[]; checks batch against rows */
STATUS run_block_named(Run *run, int64_t *block); /* --options' block; -1: none was named */
void run_init(Run *run);                          /* `init`: parameters and model states */

/* One call of generated code. The caller sets step, valid, .. of run->call before. */
void run_call(Run *run, const nn_function *function, const void *batch, const void *in);
static inline bool function_exists(const nn_function *function) {
    return function->code && function->name && *function->name;
}
static inline const nn_leaf *leaf_at(const Run *run, int64_t i) { return &run->program->leaves[i]; }
int64_t leaf_bytes(const nn_leaf *leaf);
int64_t product(int64_t n, const int64_t *dims);
double float_at(const nn_program *program, const void *block, int64_t i); /* element i of floats of the program */
double clock_seconds(void);
#endif

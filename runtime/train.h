/* train.h: a block's steps and evaluations, as train.c, bench.c, eval and gradcheck use them. */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H
#include "run.h"

/* ---- step.c */
STATUS totals_open(Run *run, Totals *totals); /* for the largest block */
void totals_clear(const nn_train *train, Totals *totals);
void block_start(Run *run, int64_t block); /* T.start; run->at.step etc. are the caller's */
void blocks_start(Run *run); /* all of them: parameters being there, the states of blocks before step 1 */
/* Fills the batch with what step `step` of the block sees. Not for batch=all, whose steps fill their pieces. */
void step_fill(Run *run, const BlockPlan *plan, int64_t step);
/* One step on it; adds to `totals`. False: something was not finite; then `lasting` must not be used. */
bool step_run(Run *run, const BlockPlan *plan, int64_t step, Totals *totals);
uint64_t step_active(const nn_train *train, int64_t step); /* bit k: minimize k acts at this step */
int64_t step_rows(const BlockPlan *plan);                  /* examples of a step */
int64_t step_valid(const BlockPlan *plan); /* examples of a call: the batch, or all rows if a piece holds them */
int64_t step_epoch(const BlockPlan *plan, int64_t step);
int64_t evaluate_rows(const BlockPlan *plan,
                      Part part); /* rows an evaluation of that part sees; 0: there is no such part */

/* ---- evaluate.c */
STATUS evaluate_open(Run *run); /* its memory, with run_open_blocks */
/* Sums over a part; carries are as before afterwards. FAILED_INTERRUPTED when events_poll says stop. */
STATUS evaluate(Run *run, const BlockPlan *plan, Part part, Totals *totals);
STATUS evaluate_batch(Run *run, const BlockPlan *plan, Part part, Totals *totals); /* its first batch only */
/* The displayed values, one a column of block_columns: objectives, then reports. */
int64_t values_count(const nn_train *train);
void values_from_totals(Run *run, const nn_train *train, const Totals *totals, double *values);
/* Name of column i: loss, accuracy, errors[3], confusion[1][2]. */
void value_name(const nn_train *train, int64_t i, Text *to);
bool value_in_training(const nn_train *train, int64_t i); /* not of a report of evaluations only */
int64_t best_value(const nn_train *train); /* index in values of what best= compares, -1: nothing does */
#endif

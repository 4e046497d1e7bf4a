/* step.c: the steps of a block: which rows, the call, the sums. What a step does depends on its number alone (and on
** `lasting`). */
#include "train.h"
#include <string.h>

Status totals_open(Run *run, Totals *totals) {
    int64_t sums = 1, minimizes = 1;
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const nn_train *train = &run->program->trains[t];
        if (train->n_sums > sums) sums = train->n_sums;
        if (train->n_minimizes > minimizes) minimizes = train->n_minimizes;
    }
    totals->sums = console_memory(&run->console, 8 * sums, "the sums of reports");
    totals->minimized = console_memory(&run->console, 8 * minimizes, "the sums of reports");
    return totals->sums && totals->minimized ? OK : FAILED_LIMIT;
}
void totals_clear(const nn_train *train, Totals *totals) {
    memset(totals->sums, 0, sizeof *totals->sums * (size_t)train->n_sums);
    memset(totals->minimized, 0, sizeof *totals->minimized * (size_t)train->n_minimizes);
    totals->rows = 0;
}
int64_t step_rows(const BlockPlan *plan) { return plan->train->all ? plan->rows : plan->train->feed.rows; }
int64_t step_valid(const BlockPlan *plan) {
    int64_t batch = plan->train->feed.rows;
    return plan->train->all && plan->rows < batch ? plan->rows : batch;
}
int64_t step_epoch(const BlockPlan *plan, int64_t step) { return plan->epoch_steps ? step / plan->epoch_steps : 0; }
static int64_t hold_of(const nn_train *train) { return train->hold > 1 ? train->hold : 1; }

/* ---- rows */
static const uint32_t *epoch_order(Run *run, const BlockPlan *plan, int64_t epoch) {
    int64_t block = plan->train - run->program->trains;
    if (run->order_epoch == epoch && run->order_block == block) return run->order;
    if (plan->file_order || plan->train->all)
        for (int64_t i = 0; i < plan->rows; i++) run->order[i] = (uint32_t)i;
    else
        order_shuffle(run->order, plan->rows, run->key, epoch, block);
    run->order_epoch = epoch;
    run->order_block = block;
    return run->order;
}
/* Row r of the batch walks in order through the r-th of `batch` equal runs of n rows. */
static void stream_rows(uint32_t *rows, int64_t batch, int64_t n, int64_t at) {
    for (int64_t r = 0; r < batch; r++) rows[r] = (uint32_t)(r * (n / batch) + at);
}
void step_fill(Run *run, const BlockPlan *plan, int64_t step) {
    const nn_train *train = plan->train;
    int64_t batch = train->feed.rows, hold = hold_of(train);
    Fill fill = {.part = PART_TRAIN,
                 .valid = step_valid(plan),
                 .fresh = true,
                 .step = (int32_t)(step - step % hold),
                 .key = run->key,
                 .pool = run->pool};
    if (plan->set->endless)
        fill.fresh = step % hold == 0;
    else if (train->stream) {
        fill.fresh = step % plan->epoch_steps == 0;
        stream_rows(run->order, batch, plan->rows, step % plan->epoch_steps);
        run->order_block = -1; /* no permutation any more */
        fill.rows = run->order;
    } else {
        fill.fresh = step % hold == 0;
        fill.rows = epoch_order(run, plan, step / plan->epoch_steps) + step % plan->epoch_steps / hold * batch;
    }
    set_fill(plan->set, &train->feed, &fill, run->batch);
}

/* ---- calls */
void block_start(Run *run, int64_t block) {
    const nn_train *train = &run->program->trains[block];
    for (int64_t i = 0; i < run->program->n_leaves; i++) {
        const nn_leaf *leaf = leaf_at(run, i);
        if (leaf->role == NN_CARRY && !strcmp(leaf->owner, train->name))
            memset(run->lasting + leaf->offset, 0, (size_t)leaf_bytes(leaf));
    }
    if (function_exists(&train->start)) run_call(run, &train->start, run->batch, NULL);
}
void blocks_start(Run *run) {
    for (int64_t t = 0; t < run->program->n_trains; t++) block_start(run, t);
}
static void call_at(Run *run, const BlockPlan *plan, int64_t step) {
    nn_call *c = &run->call.call;
    int64_t hold = hold_of(plan->train);
    c->step = c->draw_step = (int32_t)step;
    c->data_step = (int32_t)(step - step % hold);
    c->epoch = (int32_t)step_epoch(plan, step);
    c->progress64 = plan->steps ? (double)step / (double)plan->steps : 0;
    c->progress32 = (float)c->progress64;
}
uint64_t step_active(const nn_train *train, int64_t step) {
    uint64_t active = 0;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        if ((step + 1) % (train->minimizes[k].every > 0 ? train->minimizes[k].every : 1) == 0)
            active |= (uint64_t)1 << k;
    return active;
}
static void totals_add(const Run *run, const nn_train *train, int64_t i, Totals *totals) {
    totals->sums[i] += float_at(run->program, run->out + train->sums, i);
}

/* batch=all: for each objective the gradient over all pieces, added in their order; then its parameters are changed. */
static void gradients_add(Run *run, const nn_minimize *m, bool first) {
    for (int64_t i = 0; i < m->n_leaves; i++) {
        int64_t n = product(leaf_at(run, m->leaves[i])->n_dims, leaf_at(run, m->leaves[i])->dims), at = m->offsets[i];
        if (first)
            memcpy(run->in + at, run->out + at, (size_t)n * (run->program->is_f64 ? 8 : 4));
        else if (run->program->is_f64)
            for (int64_t j = 0; j < n; j++)
                ((double *)(void *)(run->in + at))[j] += ((double *)(void *)(run->out + at))[j];
        else
            for (int64_t j = 0; j < n; j++)
                ((float *)(void *)(run->in + at))[j] += ((float *)(void *)(run->out + at))[j];
    }
}
static bool pieces_run(Run *run, const BlockPlan *plan, int64_t k, bool reports, Totals *totals) {
    const nn_train *train = plan->train;
    const nn_minimize *m = &train->minimizes[k];
    for (int64_t at = 0; at < plan->rows; at += train->feed.rows) {
        int64_t valid = plan->rows - at < train->feed.rows ? plan->rows - at : train->feed.rows;
        Fill fill = {.part = PART_TRAIN, .first = at, .valid = valid, .number = at, .fresh = true, .pool = run->pool};
        set_fill(plan->set, &train->feed, &fill, run->batch);
        run->call.call.valid = (int32_t)valid;
        run_call(run, &train->sum[k], run->batch, NULL);
        if (!run->out[0]) return false;
        for (int64_t i = 0; i < train->n_sums; i++) {
            bool objective = false;
            for (int64_t j = 0; j < train->n_minimizes; j++) objective |= train->minimizes[j].sum == i;
            if (i == m->sum || (reports && !objective)) totals_add(run, train, i, totals);
        }
        gradients_add(run, m, at == 0);
    }
    run->call.call.count = (int32_t)plan->rows;
    run_call(run, &train->apply[k], run->batch, run->in);
    return run->out[0] != 0;
}
static bool step_all(Run *run, const BlockPlan *plan, uint64_t active, Totals *totals) {
    bool first = true;
    for (int64_t k = 0; k < plan->train->n_minimizes; k++) {
        if (!(active >> k & 1)) continue;
        if (!pieces_run(run, plan, k, first, totals)) return false;
        totals->minimized[k] += plan->rows;
        first = false;
    }
    if (!first) totals->rows += plan->rows;
    return true;
}
bool step_run(Run *run, const BlockPlan *plan, int64_t step, Totals *totals) {
    const nn_train *train = plan->train;
    uint64_t active = step_active(train, step);
    call_at(run, plan, step);
    if (train->all) return step_all(run, plan, active, totals);
    run->call.call.valid = (int32_t)train->feed.rows;
    run_call(run, &train->step[active], run->batch, NULL);
    if (!run->out[0]) return false;
    for (int64_t i = 0; i < train->n_sums; i++) totals_add(run, train, i, totals);
    totals->rows += train->feed.rows;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        if (active >> k & 1) totals->minimized[k] += train->feed.rows;
    return true;
}

/* evaluate.c: a block's reports over a part of the data, and from sums to the values that are shown. */
#include "train.h"
#include "events.h"
#include <math.h>
#include <string.h>

enum { EVALUATION = -2 }; /* the step of draws, so that each evaluation sees the same */

int64_t evaluate_rows(const BlockPlan *plan, Part part) {
    int64_t rows = plan->set->parts[part].rows, batch = plan->train->feed.rows;
    if (part == PART_TRAIN) rows = plan->rows;
    if (plan->train->stream) return rows / batch * batch; /* the rows of the equal runs */
    return rows;
}
/* Carries of training are put aside: an evaluation starts its own. */
static uint8_t *carries_copy(Run *run, const nn_train *train, uint8_t *kept, bool back) {
    int64_t at = 0;
    for (int64_t i = 0; i < run->program->n_leaves; i++) {
        const nn_leaf *leaf = leaf_at(run, i);
        if (leaf->role != NN_CARRY || strcmp(leaf->owner, train->name)) continue;
        if (back)
            memcpy(run->lasting + leaf->offset, kept + at, (size_t)leaf_bytes(leaf));
        else if (kept)
            memcpy(kept + at, run->lasting + leaf->offset, (size_t)leaf_bytes(leaf));
        at += leaf_bytes(leaf);
    }
    return kept;
}
static int64_t carries_bytes(const Run *run, const nn_train *train) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < run->program->n_leaves; i++)
        if (leaf_at(run, i)->role == NN_CARRY && !strcmp(leaf_at(run, i)->owner, train->name))
            bytes += leaf_bytes(leaf_at(run, i));
    return bytes;
}
static void eval_call(Run *run, const nn_train *train, int64_t valid, Totals *totals) {
    run->call.call.valid = (int32_t)valid;
    run_call(run, &train->eval, run->batch, NULL);
    for (int64_t i = 0; i < train->n_sums; i++) totals->sums[i] += float_at(run->program, run->out + train->sums, i);
    for (int64_t k = 0; k < train->n_minimizes; k++) totals->minimized[k] += valid;
    totals->rows += valid;
}
static Status evaluate_batches(Run *run, const BlockPlan *plan, Part part, int64_t rows, Totals *totals) {
    const nn_train *train = plan->train;
    int64_t batch = train->feed.rows, hold = train->hold > 1 ? train->hold : 1;
    uint32_t *stream = train->stream ? run->stream_rows : NULL;
    for (int64_t at = 0; at < rows; at += batch) {
        int64_t valid = rows - at < batch ? rows - at : batch;
        Fill fill = {.part = part,
                     .first = at,
                     .valid = valid,
                     .number = at,
                     .rows = stream,
                     .step = EVALUATION,
                     .key = run->key,
                     .pool = run->pool};
        for (int64_t r = 0; stream && r < batch; r++) stream[r] = (uint32_t)(r * (rows / batch) + at / batch);
        for (int64_t h = 0; h < hold; h++) {
            fill.fresh = train->stream ? at == 0 : h == 0;
            set_fill(plan->set, &train->feed, &fill, run->batch);
            eval_call(run, train, valid, totals);
            if (events_poll() & EVENT_STOP) return FAILED_INTERRUPTED;
        }
    }
    return OK;
}
static Status evaluate_some(Run *run, const BlockPlan *plan, Part part, int64_t rows, Totals *totals) {
    const nn_train *train = plan->train;
    nn_call *c = &run->call.call;
    totals_clear(train, totals);
    c->step = (int32_t)run->at.step;
    c->epoch = (int32_t)step_epoch(plan, run->at.step);
    c->progress64 = plan->steps ? (double)run->at.step / (double)plan->steps : 0;
    c->progress32 = (float)c->progress64;
    c->draw_step = c->data_step = EVALUATION;
    bool carries = carries_bytes(run, train) > 0;
    if (carries) carries_copy(run, train, run->carries, false);
    Status status = evaluate_batches(run, plan, part, rows, totals);
    if (carries) carries_copy(run, train, run->carries, true);
    return status;
}
Status evaluate(Run *run, const BlockPlan *plan, Part part, Totals *totals) {
    return evaluate_some(run, plan, part, evaluate_rows(plan, part), totals);
}
Status evaluate_batch(Run *run, const BlockPlan *plan, Part part, Totals *totals) {
    int64_t rows = evaluate_rows(plan, part), batch = plan->train->feed.rows;
    return evaluate_some(run, plan, part, rows < batch ? rows : batch, totals);
}
Status evaluate_open(Run *run) {
    int64_t carries = 0, batch = 0;
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const nn_train *train = &run->program->trains[t];
        if (carries_bytes(run, train) > carries) carries = carries_bytes(run, train);
        if (train->stream && train->feed.rows > batch) batch = train->feed.rows;
    }
    run->carries = console_memory(&run->console, carries, "the carries of an evaluation");
    run->stream_rows = console_memory(&run->console, 4 * batch, "the rows of a batch");
    return run->carries && run->stream_rows ? OK : FAILED_LIMIT;
}

/* ---- values */
static int64_t report_size(const nn_report *report) { return product(report->n_dims, report->dims); }
int64_t values_count(const nn_train *train) {
    int64_t n = train->n_minimizes;
    for (int64_t i = 0; i < train->n_reports; i++) n += report_size(&train->reports[i]);
    return n;
}
static double mean_of(const nn_train *train, const Totals *totals, int64_t sum) {
    int64_t rows = totals->rows;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        if (train->minimizes[k].sum == sum) rows = totals->minimized[k];
    return rows ? totals->sums[sum] / (double)rows : NAN;
}
void values_from_totals(Run *run, const nn_train *train, const Totals *totals, double *values) {
    int64_t n = 0;
    bool shows = function_exists(&train->show);
    for (int64_t k = 0; k < train->n_minimizes; k++) values[n++] = mean_of(train, totals, train->minimizes[k].sum);
    for (int64_t i = 0; shows && i < train->n_sums; i++) {
        double mean = mean_of(train, totals, i);
        if (run->program->is_f64)
            ((double *)(void *)run->in)[i] = mean;
        else
            ((float *)(void *)run->in)[i] = (float)mean;
    }
    if (shows) run_call(run, &train->show, run->batch, run->in);
    for (int64_t i = 0; i < train->n_reports; i++) {
        const nn_report *report = &train->reports[i];
        for (int64_t j = 0; j < report_size(report); j++)
            values[n++] = report->sum >= 0 ? mean_of(train, totals, report->sum + j)
                                           : float_at(run->program, run->out, report->shown + j);
    }
}
void value_name(const nn_train *train, int64_t i, Text *to) {
    if (i < train->n_minimizes) {
        text_put(to, train->minimizes[i].name);
        return;
    }
    i -= train->n_minimizes;
    const nn_report *report = train->reports;
    for (; i >= report_size(report); report++) i -= report_size(report);
    text_put(to, report->name);
    int64_t left = report_size(report);
    for (int64_t d = 0; d < report->n_dims; d++) {
        left /= report->dims[d];
        text_format(to, "[%lld]", (long long)(i / left % report->dims[d]));
    }
}
bool value_in_training(const nn_train *train, int64_t i) {
    i -= train->n_minimizes;
    if (i < 0) return true;
    const nn_report *report = train->reports;
    for (; i >= report_size(report); report++) i -= report_size(report);
    return !report->eval_only;
}
int64_t best_value(const nn_train *train) {
    if (train->best < 0) return train->n_minimizes ? 0 : -1;
    if (train->best >= train->n_reports) return train->best - train->n_reports;
    int64_t n = train->n_minimizes;
    for (int64_t i = 0; i < train->best; i++) n += report_size(&train->reports[i]);
    return n;
}

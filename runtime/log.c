/* log.c: what a round leaves behind: a row of log.csv (no times, so equal runs have equal bytes) and of time.csv, a
** line for people or an event of --json. And the bar while a round goes on. */
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <math.h>
#include <string.h>

static void put_number(const Run *run, Text *to, double value) {
    text_format(to, run->program->is_f64 ? "%.17g" : "%.9g", value);
}

/* ---- log.csv: columns of all blocks, each name once; empty cells where a block has no such report. Those of training are
** without the reports that only evaluations compute. */
static bool name_is_new(const Run *run, int64_t block, int64_t value, bool training, const char *name) {
    for (int64_t t = 0; t <= block; t++) {
        const nn_train *train = &run->program->trains[t];
        for (int64_t i = 0; i < (t == block ? value : values_count(train)); i++) {
            if (training && !value_in_training(train, i)) continue;
            Text other = {0};
            value_name(train, i, &other);
            bool same = !other.failed && !strcmp(other.bytes, name);
            text_free(&other);
            if (same) return false;
        }
    }
    return true;
}
/* Calls put for each column in order. */
static void columns_walk(const Run *run, bool training, void (*put)(const char *name, void *context), void *context) {
    for (int64_t t = 0; t < run->program->n_trains; t++)
        for (int64_t i = 0; i < values_count(&run->program->trains[t]); i++) {
            if (training && !value_in_training(&run->program->trains[t], i)) continue;
            Text name = {0};
            value_name(&run->program->trains[t], i, &name);
            if (!name.failed && name_is_new(run, t, i, training, name.bytes)) put(name.bytes, context);
            text_free(&name);
        }
}
static void put_plain(const char *name, void *to) { text_format(to, ",%s", name); }
static void put_validate(const char *name, void *to) { text_format(to, ",validate_%s", name); }
Status log_header(Run *run, Text *to) {
    text_put(to, "block,round,epoch,step,examples");
    columns_walk(run, true, put_plain, to);
    columns_walk(run, false, put_validate, to);
    text_put(to, "\n");
    return to->failed ? console_fail(&run->console, FAILED_LIMIT, "not enough memory for log.csv") : OK;
}
typedef struct Cells {
    const Run *run;
    const nn_train *train;
    const double *values; /* NULL: none */
    bool training;
    Text *out;
} Cells;
static void put_cell(const char *name, void *context) {
    Cells *cells = context;
    text_put(cells->out, ",");
    for (int64_t i = 0; cells->values && i < values_count(cells->train); i++) {
        Text own = {0};
        value_name(cells->train, i, &own);
        bool same = !own.failed && !strcmp(own.bytes, name);
        text_free(&own);
        if (same && cells->training && !value_in_training(cells->train, i)) return;
        if (same) {
            put_number(cells->run, cells->out, cells->values[i]);
            return;
        }
    }
}
static int append(const Io *io, int fd, const Text *row) {
    return row->failed ? ENOMEM : io_write_all(io, fd, row->bytes, row->n);
}
static Status log_row(Run *run, const BlockPlan *plan, const double *train, const double *validate) {
    Text row = {0};
    text_format(&row, "%s,%lld,%lld,%lld,%lld", plan->train->name, (long long)run->at.round,
                (long long)step_epoch(plan, run->at.step), (long long)run->at.step, (long long)run->at.examples);
    columns_walk(run, true, put_cell, &(Cells){run, plan->train, train, true, &row});
    columns_walk(run, false, put_cell, &(Cells){run, plan->train, validate, false, &row});
    text_put(&row, "\n");
    int error = append(run->console.io, run->directory->log, &row);
    run->at.log_bytes += (int64_t)row.n;
    run->at.log_rounds++;
    text_free(&row);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", "log.csv", error) : OK;
}
Status log_sync(Run *run) {
    if (!run->console.io->sync(run->directory->log)) return OK;
    return console_fail_file(&run->console, FAILED_OUTPUT, "write", "log.csv", errno);
}
static Status time_row(Run *run, double seconds, int64_t examples) {
    Text row = {0};
    text_format(&row, "%lld,%.6f,%.6g,%lld\n", (long long)run->at.log_rounds, seconds,
                seconds > 0 ? (double)examples / seconds : 0, (long long)peak_bytes());
    int error = append(run->console.io, run->directory->time, &row);
    text_free(&row);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", "time.csv", error) : OK;
}

/* ---- for people: single numbers only; tables are in the report */
static void put_values(Text *to, const nn_train *train, const double *values) {
    int64_t at = 0;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        text_format(to, "%s%s %.4g", k ? "  " : "", train->minimizes[k].name, values[at++]);
    for (int64_t i = 0; i < train->n_reports; i++) {
        const nn_report *report = &train->reports[i];
        bool absent = report->eval_only && isnan(values[at]);
        if (!report->n_dims && !absent) text_format(to, "%s%s %.4g", at ? "  " : "", report->name, values[at]);
        at += product(report->n_dims, report->dims);
    }
}
static void put_place(Text *to, const BlockPlan *plan, int64_t step) {
    bool epochs = plan->epoch_steps && plan->round_steps == plan->epoch_steps;
    text_format(to, "%s  ", plan->train->name);
    if (epochs)
        text_format(to, "epoch %lld/%lld", (long long)((step + plan->epoch_steps - 1) / plan->epoch_steps),
                    (long long)((plan->steps + plan->epoch_steps - 1) / plan->epoch_steps));
    else
        text_format(to, "step %lld/%lld", (long long)step, (long long)plan->steps);
}
static void round_line(Run *run, const BlockPlan *plan, const double *train, const double *validate, bool best,
                       double seconds) {
    Text line = {0};
    put_place(&line, plan, run->at.step);
    text_put(&line, "  ");
    put_values(&line, plan->train, train);
    if (validate) text_put(&line, " | validate ");
    if (validate) put_values(&line, plan->train, validate);
    text_format(&line, "  %.*f s%s\n", seconds < 9.95 ? seconds < 0.095 ? 3 : 1 : 0, seconds, best ? "  best" : "");
    if (!line.failed && !run->console.reader)
        console_print(&run->console, line.bytes, line.n);
    else if (!line.failed)
        console_note(&run->console, "%.*s", (int)line.n - 1, line.bytes);
    text_free(&line);
}
void json_values(Run *run, const nn_train *train, const char *prefix, const double *values, bool training, Json *json) {
    for (int64_t i = 0; i < values_count(train); i++) {
        if (training && !value_in_training(train, i)) continue;
        Text name = {0};
        text_put(&name, prefix);
        value_name(train, i, &name);
        if (!name.failed) json_real(json, name.bytes, values[i], run->program->is_f64);
        text_free(&name);
    }
}
static void best_event(Run *run, const BlockPlan *plan) {
    Text out = {0};
    Json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", "best");
    json_string(&json, "block", plan->train->name);
    json_integer(&json, "round", run->at.round);
    json_integer(&json, "step", run->at.step);
    json_real(&json, "value", run->at.best, run->program->is_f64);
    json_close(&json, '}');
    console_event(&run->console, &out);
}
static void round_event(Run *run, const BlockPlan *plan, const double *train, const double *validate, double seconds) {
    Text out = {0};
    Json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", "round");
    json_string(&json, "block", plan->train->name);
    json_integer(&json, "round", run->at.round);
    json_integer(&json, "epoch", step_epoch(plan, run->at.step));
    json_integer(&json, "step", run->at.step);
    json_integer(&json, "examples", run->at.examples);
    json_values(run, plan->train, "", train, true, &json);
    if (validate) json_values(run, plan->train, "validate_", validate, false, &json);
    json_real(&json, "seconds", seconds, false);
    json_close(&json, '}');
    console_event(&run->console, &out);
}
Status log_round(Run *run, const BlockPlan *plan, const double *train, const double *validate, bool best,
                 double seconds, int64_t examples) {
    TRY(log_row(run, plan, train, validate));
    TRY(time_row(run, seconds, examples));
    if (run->console.json) round_event(run, plan, train, validate, seconds);
    if (run->console.json && best) best_event(run, plan);
    if (!run->console.json) round_line(run, plan, train, validate, best, seconds);
    return console_check(&run->console);
}
void log_progress(Run *run, const BlockPlan *plan, int64_t step, double seconds) {
    enum { WIDTH = 24 };
    char bar[WIDTH + 1];
    int64_t in_round = step % plan->round_steps, filled = in_round * WIDTH / plan->round_steps;
    memset(bar, ' ', WIDTH);
    memset(bar, '=', (size_t)filled);
    bar[WIDTH] = 0;
    Text line = {0};
    put_place(&line, plan, step + 1);
    double mean = run->round_totals.minimized[0]
                      ? run->round_totals.sums[plan->train->minimizes[0].sum] / (double)run->round_totals.minimized[0]
                      : NAN;
    text_format(&line, "  [%s]  %s %.4g", bar, plan->train->n_minimizes ? plan->train->minimizes[0].name : "loss",
                mean);
    if (seconds > 0) text_format(&line, "  %.3g examples/s", (double)run->round_totals.rows / seconds);
    if (!line.failed) console_bar(&run->console, line.bytes);
    text_free(&line);
}

/* ---- evaluations */
static void put_table(Text *to, const nn_report *report, const double *values) {
    int64_t columns = report->n_dims ? report->dims[report->n_dims - 1] : 1,
            rows = product(report->n_dims, report->dims) / columns;
    text_format(to, "%s:\n", report->name);
    for (int64_t c = 0; report->n_classes && c < columns; c++)
        text_format(to, "%s%10s", c ? " " : "          ", report->classes[c]);
    if (report->n_classes) text_put(to, "\n");
    for (int64_t r = 0; r < rows; r++) {
        bool named = rows > 1 && report->n_classes == rows;
        text_format(to, named ? "%10s" : "%.0s", named ? report->classes[r] : "");
        for (int64_t c = 0; c < columns; c++) text_format(to, "%s%10.4g", c ? " " : "", values[r * columns + c]);
        text_put(to, "\n");
    }
}
static bool is_confusion(const nn_report *report) { return report->n_dims == 2 && report->dims[0] == report->dims[1]; }
/* Rows of the table are what was right, columns what was said. */
static void put_precision(Text *to, const nn_report *report, const double *table) {
    int64_t k = report->dims[0];
    text_put(to, "     class  precision     recall\n");
    for (int64_t c = 0; c < k; c++) {
        double said = 0, right = 0;
        for (int64_t i = 0; i < k; i++) said += table[i * k + c], right += table[c * k + i];
        if (report->n_classes)
            text_format(to, "%10s", report->classes[c]);
        else
            text_format(to, "%10lld", (long long)c);
        text_format(to, " %10.4g %10.4g\n", said > 0 ? table[c * k + c] / said : 0,
                    right > 0 ? table[c * k + c] / right : 0);
    }
}
static void evaluation_text(Run *run, const BlockPlan *plan, Part part, const double *values, bool tables) {
    const nn_train *train = plan->train;
    Text out = {0};
    text_format(&out, "%s  %s %lld rows  ", train->name, part_names[part], (long long)evaluate_rows(plan, part));
    put_values(&out, train, values);
    text_put(&out, "\n");
    int64_t at = train->n_minimizes;
    for (int64_t i = 0; tables && i < train->n_reports; i++) {
        const nn_report *report = &train->reports[i];
        if (report->n_dims) put_table(&out, report, values + at);
        if (is_confusion(report)) put_precision(&out, report, values + at);
        at += product(report->n_dims, report->dims);
    }
    if (!out.failed) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
}
Status log_evaluation(Run *run, const BlockPlan *plan, Part part, const double *values, const char *event) {
    if (!run->console.json) {
        evaluation_text(run, plan, part, values, run->options.command == COMMAND_EVAL);
        return console_check(&run->console);
    }
    Text out = {0};
    Json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", event);
    json_string(&json, "block", plan->train->name);
    json_string(&json, "split", part_names[part]);
    json_integer(&json, "rows", evaluate_rows(plan, part));
    json_values(run, plan->train, "", values, false, &json);
    json_close(&json, '}');
    console_event(&run->console, &out);
    return console_check(&run->console);
}

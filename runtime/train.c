/* train.c: the training of a page as a state machine, every state a function:
**
**   open -> (resume | init) -> block 1 .. block n -> test -> done
**   block: start -> round* -> end        round: step* -> evaluate -> compare -> log -> save -> decide
**
** All that can be refused is refused before step 1. What a state needs from an earlier one is in run->at (saved) or in
** Machine (not). */
#include "ckpt.h"
#include "events.h"
#include "report.h"
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double save_interval =
    1; /* seconds: shorter rounds share a save; nothing but what a kill loses depends on it */
static const double bar_interval = 0.1;

typedef struct Machine {
    uint8_t *best;    /* lasting of the best round, */
    Position best_at; /* and where that was */
    bool best_unsaved;
    double saved, shown; /* clock_seconds() */
    double round_started;
    int64_t round_examples;
    bool ended; /* decide: the block is over */
} Machine;

/* ---- saving */
static Status save(Run *run, Machine *m) {
    if (m->best_unsaved) {
        Snapshot best = {m->best, NULL, m->best_at};
        TRY(ckpt_save(run, "best.ckpt", NULL, &best));
        m->best_unsaved = false;
    }
    TRY(log_sync(run)); /* the checkpoint counts its bytes */
    Snapshot last = {run->lasting, &run->round_totals, run->at};
    last.at.seconds += clock_seconds() - run->started;
    TRY(ckpt_save(run, "last.ckpt", "last-1.ckpt", &last));
    m->saved = clock_seconds();
    if (run->console.json) {
        Text out = {0};
        Json json = json_to(&out);
        json_open(&json, NULL, '{');
        json_string(&json, "event", "save");
        json_string(&json, "block", run->program->trains[run->at.block].name);
        json_integer(&json, "step", run->at.step);
        json_close(&json, '}');
        console_event(&run->console, &out);
    }
    return OK;
}
static Status interrupted(Run *run, Machine *m) {
    TRY(save(run, m));
    console_note(&run->console, "interrupted at step %lld of %s; %s/last.ckpt is saved; --resume %s goes on",
                 (long long)run->at.step, run->program->trains[run->at.block].name, run->directory->path,
                 run->directory->path);
    return FAILED_INTERRUPTED;
}

/* ---- a round */
static Status round_steps(Run *run, Machine *m, const BlockPlan *plan, int64_t end) {
    while (run->at.step < end) {
        if (!plan->train->all) step_fill(run, plan, run->at.step);
        if (!step_run(run, plan, run->at.step, &run->round_totals)) return ckpt_explain_not_finite(run);
        run->at.step++;
        run->at.examples += step_rows(plan);
        m->round_examples += step_rows(plan);
        int events = events_poll();
        if (events & EVENT_STOP) return interrupted(run, m);
        if (events & EVENT_SAVE) TRY(save(run, m));
        if (!run->console.terminal) continue;
        double now = clock_seconds();
        if (now - m->shown < bar_interval) continue;
        m->shown = now;
        log_progress(run, plan, run->at.step, now - m->round_started);
    }
    return OK;
}
/* The round's value of best=: on validation if there is any, else on the rows just trained on. NaN never is the
** best. */
static bool compare(Run *run, Machine *m, const BlockPlan *plan, const double *values) {
    int64_t which = best_value(plan->train);
    int64_t sign = plan->train->best >= 0 ? plan->train->best_sign : -1;
    double value = which < 0 ? NAN : values[which];
    bool better = value == value && (isnan(run->at.best) || (sign > 0 ? value > run->at.best : value < run->at.best));
    if (better) {
        run->at.best = value;
        run->at.best_step = run->at.step;
        run->at.best_round = run->at.round;
        run->at.waited = 0;
        memcpy(m->best, run->lasting, (size_t)run->program->lasting);
        m->best_unsaved = true;
    } else
        run->at.waited++;
    return better;
}
static Status round_end(Run *run, Machine *m, const BlockPlan *plan) {
    const nn_train *train = plan->train;
    double *values = run->values, *validate = evaluate_rows(plan, PART_VALIDATE) ? values + values_count(train) : NULL;
    values_from_totals(run, train, &run->round_totals, values);
    if (validate) {
        Status status = evaluate(run, plan, PART_VALIDATE, &run->eval_totals);
        if (status == FAILED_INTERRUPTED) return interrupted(run, m);
        if (status) return status;
        values_from_totals(run, train, &run->eval_totals, validate);
    }
    run->at.round++;
    bool better = compare(run, m, plan, validate ? validate : values);
    double now = clock_seconds();
    TRY(log_round(run, plan, values, validate, better, now - m->round_started, m->round_examples));
    run->at.round_began = run->at.step;
    totals_clear(train, &run->round_totals);
    if (better) m->best_at = run->at;
    const OptionValue *most = &run->options.of[OPTION_MAX_TIME];
    bool late = most->source != FROM_DEFAULT && now - run->started + run->at.seconds >= most->seconds;
    m->ended = late || (train->patience > 0 && run->at.waited >= train->patience);
    if (late && run->at.step < plan->steps)
        console_note(&run->console, "%s ends here: --max-time is over", train->name);
    else if (m->ended && run->at.step < plan->steps)
        console_note(&run->console, "%s ends here: %lld rounds without a better one", train->name,
                     (long long)run->at.waited);
    m->round_started = clock_seconds();
    m->round_examples = 0;
    return now - m->saved >= save_interval ? save(run, m) : OK;
}

/* ---- a block */
static Status start_file_read(Run *run, const nn_train *train) {
    char path[4096];
    if (!*train->start_file) return OK;
    const char *folder = *train->start_file == '/' ? "" : run->program->sets[train->feed.set].folder;
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", train->start_file);
    return model_read(run, path, MODEL_MATCHING);
}
static Status block_begin(Run *run, Machine *m, int64_t block) {
    const nn_train *train = &run->program->trains[block];
    run->at = (Position){.block = block,
                         .examples = run->at.examples,
                         .best = NAN,
                         .log_bytes = run->at.log_bytes,
                         .log_rounds = run->at.log_rounds,
                         .seconds = run->at.seconds};
    block_start(run, block);
    totals_clear(train, &run->round_totals);
    m->ended = false;
    return save(run, m);
}
/* With best= or patience= the block leaves its best parameters and model states, else its last. */
static Status block_end(Run *run, Machine *m, const BlockPlan *plan) {
    TRY(save(run, m));
    if (plan->best_asked && !isnan(run->at.best) && run->at.best_step != run->at.step)
        memcpy(run->lasting, m->best, (size_t)run->program->lasting);
    return model_write(run);
}
static Status block_run(Run *run, Machine *m, const BlockPlan *plan) {
    m->round_started = clock_seconds();
    while (!m->ended && (run->at.step < plan->steps || run->at.step > run->at.round_began)) {
        int64_t end = (run->at.round_began / plan->round_steps + 1) * plan->round_steps;
        TRY(round_steps(run, m, plan, end < plan->steps ? end : plan->steps));
        TRY(round_end(run, m, plan));
    }
    return block_end(run, m, plan);
}

/* After a resume the best round so far is in best.ckpt, not in memory. */
static Status best_read(Run *run, Machine *m, bool resumed) {
    if (!resumed || isnan(run->at.best)) return OK;
    uint8_t *lasting = run->lasting;
    Position at = run->at;
    Totals totals = run->round_totals;
    run->round_totals = run->eval_totals; /* those of best.ckpt are of no use */
    run->lasting = m->best;
    Status status = ckpt_load(run, "best.ckpt", NULL, &m->best_at);
    run->lasting = lasting;
    run->round_totals = totals;
    run->at = at;
    return status;
}

/* ---- resuming */
/* Is a resumed run over, files and all? Patience that is used up also ends the last block. */
static bool nothing_left(Run *run, Machine *m) {
    const BlockPlan *plan = &run->plans[run->at.block];
    m->ended =
        plan->train->patience > 0 && run->at.waited >= plan->train->patience && run->at.step == run->at.round_began;
    bool over = m->ended || (run->at.step >= plan->steps && run->at.step == run->at.round_began);
    for (int64_t t = run->at.block + 1; t < run->program->n_trains; t++) over &= !run->plans[t].train;
    char *last = over ? directory_file(run, "report.html") : NULL;
    if (!last || access(last, F_OK)) return false;
    console_note(&run->console,
                 "nothing left to do: %s is over after %lld steps; more --epochs or --steps go on with it",
                 run->directory->path, (long long)run->at.step);
    return true;
}

/* ---- the run */
static void used_sets(const Run *run, bool *used) {
    const nn_program *p = run->program;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (!run->options.block || !strcmp(run->options.block, p->trains[t].name)) used[p->trains[t].feed.set] = true;
    for (int64_t i = 0; i < p->n_averages; i++) used[p->averages[i].feed.set] = true;
}
static Status earlier_read(Run *run) {
    char path[4096];
    bool replay = option_given(&run->options, OPTION_REPLAY), resume = option_given(&run->options, OPTION_RESUME);
    if (!replay && !resume) return OK;
    if (replay && resume) return console_fail(&run->console, FAILED_USAGE, "give --replay or --resume, not both");
    snprintf(path, sizeof path, resume ? "%s/run.json" : "%s",
             run->options.of[resume ? OPTION_RESUME : OPTION_REPLAY].text);
    TRY(directory_read_run(run, path, true));
    const char *block = json_text(json_member(run->earlier, "block"), NULL);
    for (int64_t t = 0; block && !run->options.block && t < run->program->n_trains; t++)
        if (!strcmp(run->program->trains[t].name, block)) run->options.block = run->program->trains[t].name;
    return options_take(&run->console, run->program, &run->options, run->earlier, replay);
}
static void settings_print(const Run *run, const BlockPlan *plan) {
    Text line = {0};
    text_format(&line, "%s: ", plan->train->name);
    if (plan->epoch_steps) text_format(&line, "%lld rows, ", (long long)plan->rows);
    text_format(&line, "batch %lld, %lld steps", (long long)step_rows(plan), (long long)plan->steps);
    if (plan->epoch_steps) text_format(&line, " (%.4g epochs)", (double)plan->steps / (double)plan->epoch_steps);
    const OptionValue *seed = &run->options.of[OPTION_SEED];
    text_format(&line, ", seed %s (%s), threads %lld (%s)", seed->text ? seed->text : "0", source_names[seed->source],
                (long long)run->threads, source_names[run->options.of[OPTION_THREADS].source]);
    for (int64_t i = 0; i < run->program->n_hypers; i++)
        text_format(&line, ", %s %.6g (%s)", run->program->hypers[i].name, run->options.hypers[i].value,
                    source_names[run->options.hypers[i].source]);
    if (!line.failed) console_note((Console *)(uintptr_t)&run->console, "%s", line.bytes);
    text_free(&line);
}
static Status start_event(Run *run) {
    Text out = {0};
    Json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", "start");
    json_string(&json, "name", run->program->name);
    json_string(&json, "out", run->directory->path);
    options_write(run->program, &run->options, &json);
    json_close(&json, '}');
    console_event(&run->console, &out);
    return console_check(&run->console);
}
static Status test_part(Run *run);
static Status done(Run *run) {
    if (run->console.json) {
        Text out = {0};
        Json json = json_to(&out);
        json_open(&json, NULL, '{');
        json_string(&json, "event", "done");
        json_integer(&json, "examples", run->at.examples);
        json_string(&json, "out", run->directory->path);
        json_close(&json, '}');
        console_event(&run->console, &out);
    }
    return console_check(&run->console);
}
static Status blocks_run(Run *run, Machine *m, bool resumed) {
    for (int64_t t = resumed ? run->at.block : 0; t < run->program->n_trains; t++) {
        const BlockPlan *plan = &run->plans[t];
        if (!plan->train) continue; /* another block was named */
        settings_print(run, plan);
        if (!resumed || t != run->at.block) {
            TRY(start_file_read(run, plan->train));
            TRY(block_begin(run, m, t));
        }
        resumed = false;
        TRY(block_run(run, m, plan));
    }
    return OK;
}
/* --dry-run: a batch of each part through `eval`, a save and a load; then all of it is removed. */
static Status dry_run(Run *run) {
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const BlockPlan *plan = &run->plans[t];
        if (!plan->train) continue;
        run->at = (Position){.block = t, .best = NAN};
        block_start(run, t);
        for (int p = 0; p < N_PARTS; p++)
            if (evaluate_rows(plan, (Part)p)) TRY(evaluate_batch(run, plan, (Part)p, &run->eval_totals));
        Snapshot last = {run->lasting, NULL, run->at};
        Position at;
        TRY(ckpt_save(run, "last.ckpt", NULL, &last));
        TRY(ckpt_load(run, "last.ckpt", NULL, &at));
        settings_print(run, plan);
    }
    TRY(directory_remove(run));
    console_note(&run->console, "everything before step 1 is in order; nothing was trained, %s is removed",
                 run->directory->path);
    return done(run);
}
Status command_train(Run *run) {
    Machine m = {0};
    bool resume = option_given(&run->options, OPTION_RESUME), *used;
    TRY(earlier_read(run));
    TRY(run_open_blocks(run));
    if (!run->program->n_trains) return console_fail(&run->console, FAILED_USAGE, "the page has no train block");
    if (!(used = console_memory(&run->console, run->program->n_sets, "the data"))) return FAILED_LIMIT;
    if (!(m.best = console_memory(&run->console, run->program->lasting, "the best parameters"))) return FAILED_LIMIT;
    used_sets(run, used);
    TRY(run_open_data(run, used));
    TRY(run_plan_blocks(run));
    if (!resume) TRY(run_find_averages(run));
    TRY(sources_hash(&run->console, run->sets, run->program->n_sets));
    TRY(directory_open(run, run->options.of[resume ? OPTION_RESUME : OPTION_OUT].text, resume));
    console_note(&run->console, "run: %s", run->directory->path);
    TRY(start_event(run));
    bool anew = false;
    if (resume)
        TRY(ckpt_resume(run, &anew));
    else {
        TRY(directory_write_run(run));
        TRY(directory_open_logs(run, 0));
        run_init(run);
    }
    if (resume && !anew && nothing_left(run, &m)) return done(run);
    TRY(best_read(run, &m, resume && !anew));
    if (option_given(&run->options, OPTION_DRY_RUN)) return dry_run(run);
    TRY(blocks_run(run, &m, resume && !anew));
    TRY(test_part(run));
    TRY(report_write(run));
    return done(run);
}

/* ---- test */
static void put_report(Run *run, const BlockPlan *plan, const double *values, Json *json) {
    const nn_train *train = plan->train;
    json_open(json, train->name, '{');
    json_integer(json, "rows", evaluate_rows(plan, PART_TEST));
    json_values(run, train, "", values, false, json);
    json_close(json, '}');
}
static Status test_part(Run *run) {
    Text file = {0};
    Json json = {.out = &file, .indent = 1};
    json_open(&json, NULL, '{');
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const BlockPlan *plan = &run->plans[t];
        if (!plan->train || !evaluate_rows(plan, PART_TEST)) continue;
        TRY(evaluate(run, plan, PART_TEST, &run->eval_totals));
        values_from_totals(run, plan->train, &run->eval_totals, run->values);
        put_report(run, plan, run->values, &json);
        TRY(log_evaluation(run, plan, PART_TEST, run->values, "test"));
    }
    json_close(&json, '}');
    text_put(&file, "\n");
    char *path = directory_file(run, "test.json");
    int error = file.failed || !path ? ENOMEM : io_replace_file(run->console.io, path, file.bytes, file.n);
    text_free(&file);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", "test.json", error) : OK;
}

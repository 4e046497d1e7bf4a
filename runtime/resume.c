/* resume.c: going on with a run that was stopped (--resume), and finding out what was not finite by running a step
** again. Both rest on the same promise: a step is a function of the checkpoint and its number. */
#include "ckpt.h"
#include "rundir.h"
#include "train.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what must agree */
static void differ(Text *table, const char *what, const char *saved, const char *now) {
    if (strcmp(saved, now)) text_format(table, "\n   %-12s %s in the run, %s now", what, saved, now);
}
static void compare_files(const Run *run, Text *table) {
    const JsonValue *saved = json_member(run->earlier, "files");
    const JsonValue *file = saved ? saved->child : NULL;
    for (int64_t s = 0; s < run->program->n_sets; s++)
        for (int64_t i = 0; i < run->sets[s].n_files; i++, file = file ? file->next : NULL)
            differ(table, run->sets[s].files[i].path, json_text(json_member(file, "sha256"), "no such file"),
                   run->sets[s].files[i].sha256);
    if (file) text_format(table, "\n   files        more in the run than now");
}
static void compare_hypers(const Run *run, Text *table) {
    for (int64_t i = 0; i < run->program->n_hypers; i++) {
        const char *name = run->program->hypers[i].name;
        char now[40];
        snprintf(now, sizeof now, "%.17g", run->options.hypers[i].value);
        differ(table, name,
               json_text(json_member(json_member(json_member(run->earlier, "hypers"), name), "value"), "absent"), now);
    }
}
/* Options that decide what is computed: those given now must be those of the run. */
static void compare_options(const Run *run, Text *table) {
    static const struct {
        OptionName name;
        const char *flag, *otherwise;
    } rows[] = {{OPTION_SEED, "seed", "0"},
                {OPTION_ORDER, "order", "shuffle"},
                {OPTION_LIMIT_TRAIN, "limit-train", "all"},
                {OPTION_OVERFIT_BATCHES, "overfit-batches", "all"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const JsonValue *saved = json_member(json_member(json_member(run->earlier, "options"), rows[i].flag), "value");
        const char *now = run->options.of[rows[i].name].text;
        differ(table, rows[i].flag, json_text(saved, rows[i].otherwise), now ? now : rows[i].otherwise);
    }
}
static Status compare_run(Run *run) {
    char grains[32];
    Text table = {0};
    snprintf(grains, sizeof grains, "%lld", (long long)run->program->grains);
    differ(&table, "page", json_text(json_member(run->earlier, "program"), "none"), run->program->hash);
    differ(&table, "float", json_text(json_member(run->earlier, "float"), "none"),
           run->program->is_f64 ? "f64" : "f32");
    differ(&table, "grains", json_text(json_member(run->earlier, "grains"), "none"), grains);
    compare_options(run, &table);
    compare_hypers(run, &table);
    compare_files(run, &table);
    Status status = OK;
    if (table.n)
        status = console_fail(
            &run->console, FAILED_USAGE,
            "%s cannot go on, because this differs:%s\n --partial takes what still fits and starts the block anew",
            run->directory->path, table.bytes);
    text_free(&table);
    return status;
}

/* --partial: what matches by name and shape; the block of the checkpoint begins anew. */
static Status resume_partly(Run *run, bool *anew) {
    char *path = directory_file(run, "last.ckpt");
    if (!path) return FAILED_LIMIT;
    run_init(run);
    TRY(run_find_averages(run));
    TRY(model_read(run, path, MODEL_MATCHING));
    *anew = true;
    return directory_open_logs(run, 0);
}
Status ckpt_resume(Run *run, bool *anew) {
    *anew = false;
    if (option_given(&run->options, OPTION_PARTIAL)) return resume_partly(run, anew);
    TRY(compare_run(run));
    TRY(ckpt_load(run, "last.ckpt", "last-1.ckpt", &run->at));
    if (!run->plans[run->at.block].train)
        return console_fail(&run->console, FAILED_USAGE, "%s was stopped in block %s; resume without naming another",
                            run->directory->path, run->program->trains[run->at.block].name);
    return directory_open_logs(run, run->at.log_bytes);
}

/* ---- what is not finite */
static Status name_kernel(Run *run, const BlockPlan *plan, int64_t step) {
    const nn_program *p = run->program;
    if (run->call.trap_kernel < 0 || run->call.trap_kernel >= p->n_kernels)
        return console_fail(
            &run->console, FAILED_FINITE,
            "step %lld of %s: the loss or a gradient is not finite; nothing was saved over %s/last.ckpt",
            (long long)step, plan->train->name, run->directory->path);
    const nn_kernel *kernel = &p->kernels[run->call.trap_kernel];
    return console_fail(
        &run->console, FAILED_FINITE,
        "step %lld of %s: element %lld of \"%s\" (%s.nn:%lld) is the first value that is not finite\n"
        " = the last good state is %s/last.ckpt; a smaller learning rate, or clip= in the optimizer, often helps",
        (long long)step, plan->train->name, (long long)run->call.trap_element, kernel->name, p->name,
        (long long)kernel->line, run->directory->path);
}
Status ckpt_explain_not_finite(Run *run) {
    Position bad = run->at, at;
    const BlockPlan *plan = &run->plans[bad.block];
    TRY(ckpt_load(run, "last.ckpt", "last-1.ckpt", &at));
    for (int64_t step = at.step; at.block == bad.block && step <= bad.step; step++) {
        if (step == bad.step) run->call.call.flags = NN_TRAP;
        if (!plan->train->all) step_fill(run, plan, step);
        (void)step_run(run, plan, step, &run->round_totals);
    }
    run->call.call.flags = 0;
    return name_kernel(run, plan, bad.step);
}

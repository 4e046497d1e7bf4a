/* eval.c: `eval`: the reports of a block on a part of the data, with trained parameters; and how every command finds
** those. */
#include "from.h"
#include "rundir.h"
#include "train.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- --from */
/* A file alone carries the names of its classes; they stand in for those of a run.json. */
Status from_classes(Run *run, const char *path) {
    SafeFile file;
    Text text = {0};
    const char *why = safetensors_open(run->console.io, path, &file);
    if (why) return console_fail_why(&run->console, FAILED_DATA, path, why);
    const char *classes = safetensors_metadata(&file, "classes");
    text_format(&text, "{\"classes\":%s}", classes ? classes : "{}");
    safetensors_close(&file);
    run->earlier = text.failed ? NULL : json_read(text.bytes, text.n, &why); /* one that is no JSON names nothing */
    text_free(&text);
    return OK;
}
Status from_find(Run *run, From *from) {
    struct stat info;
    const char *path = run->options.of[OPTION_FROM].text;
    char name[4096];
    *from = (From){0};
    if (!path && !(path = directory_newest(run))) return FAILED_USAGE;
    if (stat(path, &info)) return console_fail(&run->console, FAILED_USAGE, "--from: there is no %s", path);
    if (!S_ISDIR(info.st_mode)) {
        from->file = path;
        return from_classes(run, path);
    }
    from->directory = path;
    snprintf(name, sizeof name, "%s/run.json", path);
    TRY(directory_read_run(run, name, true));
    return options_take(&run->console, run->program, &run->options, run->earlier, false);
}
/* A directory's parameters: those a block ends with are its best, if it asks for them, else its last. */
Status from_read(Run *run, const From *from, const nn_train *train) {
    char path[4096];
    if (from->file) return model_read(run, from->file, MODEL_ALL);
    bool best = train && (train->best >= 0 || train->patience > 0);
    snprintf(path, sizeof path, "%s/%s", from->directory, best ? "best.ckpt" : "last.ckpt");
    if (best && access(path, F_OK))
        snprintf(path, sizeof path, "%s/last.ckpt", from->directory); /* no round is over yet */
    return model_read(run, path, MODEL_ALL);
}

static Status part_named(Run *run, Part *part) {
    const char *name = run->options.of[OPTION_SPLIT].text;
    *part = PART_TEST;
    if (!name) return OK;
    for (int p = 0; p < N_PARTS; p++)
        if (!strcmp(name, part_names[p])) {
            *part = (Part)p;
            return OK;
        }
    return console_fail(&run->console, FAILED_USAGE, "--split must be test, validate or train, not \"%s\"", name);
}
static Status block_eval(Run *run, const BlockPlan *plan, Part part) {
    if (!evaluate_rows(plan, part))
        return console_fail(&run->console, FAILED_USAGE, "data \"%s\" has no %s part; --split names another",
                            plan->set->spec->name, part_names[part]);
    TRY(evaluate(run, plan, part, &run->eval_totals));
    values_from_totals(run, plan->train, &run->eval_totals, run->values);
    return log_evaluation(run, plan, part, run->values, "eval");
}
Status command_eval(Run *run) {
    From from;
    Part part;
    bool *used;
    const nn_program *p = run->program;
    TRY(part_named(run, &part));
    if (!p->n_trains) return console_fail(&run->console, FAILED_USAGE, "the page has no train block, so no reports");
    TRY(from_find(run, &from));
    TRY(run_open_blocks(run));
    if (!(used = console_memory(&run->console, p->n_sets, "the data"))) return FAILED_LIMIT;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (!run->options.block || !strcmp(run->options.block, p->trains[t].name)) used[p->trains[t].feed.set] = true;
    TRY(run_open_data(run, used));
    TRY(run_plan_blocks(run));
    for (int64_t t = 0; t < p->n_trains; t++) {
        if (!run->plans[t].train) continue;
        TRY(from_read(run, &from, &p->trains[t]));
        TRY(block_eval(run, &run->plans[t], part));
    }
    return OK;
}

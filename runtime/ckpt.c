/* ckpt.c: checkpoints, written and read. See ckpt.h. */
#include "ckpt.h"
#include "rundir.h"
#include "train.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 32 };
/* The numbers of the metadata, in one place for both ways. */
typedef struct Numbers {
    Pair pairs[NUMBERS];
    char text[NUMBERS][32];
    int64_t n;
} Numbers;
static void put_text(Numbers *to, const char *key, const char *value) { to->pairs[to->n++] = (Pair){key, value}; }
static void put_integer(Numbers *to, const char *key, int64_t value) {
    snprintf(to->text[to->n], sizeof to->text[0], "%lld", (long long)value);
    put_text(to, key, to->text[to->n]);
}
static void put_real(Numbers *to, const char *key, double value) {
    snprintf(to->text[to->n], sizeof to->text[0], "%.17g", value);
    put_text(to, key, to->text[to->n]);
}
static void numbers_put(const Run *run, const Snapshot *from, Numbers *to) {
    const nn_program *p = run->program;
    const Position *at = &from->at;
    const BlockPlan *plan = &run->plans[at->block];
    put_text(to, "format", "1");
    put_text(to, "nnc", p->version);
    put_text(to, "program", p->hash);
    put_text(to, "float", p->is_f64 ? "f64" : "f32");
    put_integer(to, "grains", p->grains);
    put_text(to, "seed", run->options.of[OPTION_SEED].text ? run->options.of[OPTION_SEED].text : "0");
    put_text(to, "block", plan->train->name);
    put_integer(to, "batch", plan->train->feed.rows);
    put_integer(to, "round", at->round);
    put_integer(to, "epoch", step_epoch(plan, at->step));
    put_integer(to, "step", at->step);
    put_integer(to, "round_began", at->round_began);
    put_integer(to, "examples", at->examples);
    put_integer(to, "position", plan->epoch_steps ? at->step % plan->epoch_steps : 0);
    put_real(to, "best", at->best);
    put_integer(to, "best_step", at->best_step);
    put_integer(to, "best_round", at->best_round);
    put_integer(to, "waited", at->waited);
    put_integer(to, "log_bytes", at->log_bytes);
    put_integer(to, "log_rounds", at->log_rounds);
    put_real(to, "seconds", at->seconds);
}
static void texts_put(const Run *run, Text texts[3]) {
    Json classes = json_to(&texts[0]), hypers = json_to(&texts[1]), data = json_to(&texts[2]);
    directory_put_classes(run, NULL, &classes);
    json_open(&hypers, NULL, '{');
    for (int64_t i = 0; i < run->program->n_hypers; i++)
        json_real(&hypers, run->program->hypers[i].name, run->options.hypers[i].value, true);
    json_close(&hypers, '}');
    json_open(&data, NULL, '[');
    for (int64_t s = 0; s < run->program->n_sets; s++)
        for (int64_t i = 0; i < run->sets[s].n_files; i++) json_string(&data, NULL, run->sets[s].files[i].sha256);
    json_close(&data, ']');
}
/* Totals of the round as one F64 tensor: sums, then rows, then rows of each objective. */
static int64_t totals_size(const nn_train *train) { return train->n_sums + 1 + train->n_minimizes; }
static void totals_pack(const nn_train *train, const Totals *totals, double *to) {
    memcpy(to, totals->sums, sizeof *to * (size_t)train->n_sums);
    to[train->n_sums] = (double)totals->rows;
    for (int64_t k = 0; k < train->n_minimizes; k++) to[train->n_sums + 1 + k] = (double)totals->minimized[k];
}
static void totals_unpack(const nn_train *train, const double *from, Totals *totals) {
    memcpy(totals->sums, from, sizeof *from * (size_t)train->n_sums);
    totals->rows = (int64_t)from[train->n_sums];
    for (int64_t k = 0; k < train->n_minimizes; k++) totals->minimized[k] = (int64_t)from[train->n_sums + 1 + k];
}
Status ckpt_save(Run *run, const char *name, const char *previous, const Snapshot *from) {
    const nn_program *p = run->program;
    const nn_train *train = &p->trains[from->at.block];
    char sums_name[512], *path = directory_file(run, name), *older = previous ? directory_file(run, previous) : NULL;
    Tensor *tensors = calloc((size_t)(p->n_leaves + p->n_averages) + 2, sizeof *tensors);
    double *sums = calloc((size_t)totals_size(train), sizeof *sums);
    Numbers numbers = {.n = 0};
    Text texts[3] = {{0}, {0}, {0}}; /* classes, hypers, data */
    texts_put(run, texts);
    Status status = FAILED_LIMIT;
    if (tensors && sums && path && (older || !previous)) {
        int64_t n = model_tensors(run, true, tensors), size = totals_size(train);
        for (int64_t i = 0; i < p->n_leaves; i++) tensors[i].data = from->lasting + p->leaves[i].offset;
        if (from->totals) totals_pack(train, from->totals, sums);
        snprintf(sums_name, sizeof sums_name, "%s/sum", train->name);
        tensors[n++] = (Tensor){sums_name, NN_F64, 1, &size, sums, 8 * size};
        numbers_put(run, from, &numbers);
        put_text(&numbers, "classes", texts[0].failed ? "{}" : texts[0].bytes);
        put_text(&numbers, "hypers", texts[1].failed ? "{}" : texts[1].bytes);
        put_text(&numbers, "data", texts[2].failed ? "[]" : texts[2].bytes);
        status = safetensors_write(&run->console, path, older, tensors, n, numbers.pairs, numbers.n, true);
    } else
        status = console_fail(&run->console, FAILED_LIMIT, "not enough memory to write %s", name);
    for (int i = 0; i < 3; i++) text_free(&texts[i]);
    free(tensors);
    free(sums);
    return status;
}

static bool get_integer(const SafeFile *file, const char *key, int64_t *to) {
    return json_i64(json_member(json_member(file->header, "__metadata__"), key), to);
}
static double get_real(const SafeFile *file, const char *key) {
    const char *text = safetensors_metadata(file, key);
    return text ? strtod(text, NULL) : NAN;
}
static const char *position_read(const Run *run, const SafeFile *file, Position *at) {
    const char *block = safetensors_metadata(file, "block");
    *at = (Position){.block = -1};
    for (int64_t t = 0; block && t < run->program->n_trains; t++)
        if (!strcmp(block, run->program->trains[t].name)) at->block = t;
    if (at->block < 0) return "its block is none of this program";
    struct {
        const char *key;
        int64_t *to;
    } integers[] = {{"round", &at->round},       {"step", &at->step},           {"round_began", &at->round_began},
                    {"examples", &at->examples}, {"best_step", &at->best_step}, {"best_round", &at->best_round},
                    {"waited", &at->waited},     {"log_bytes", &at->log_bytes}, {"log_rounds", &at->log_rounds}};
    for (size_t i = 0; i < COUNT_OF(integers); i++)
        if (!get_integer(file, integers[i].key, integers[i].to)) return "its metadata lacks a number";
    at->best = get_real(file, "best");
    at->seconds = get_real(file, "seconds");
    return NULL;
}
static const char *tensors_take(Run *run, const SafeFile *file, const nn_train *train) {
    const nn_program *p = run->program;
    Tensor *tensors = calloc((size_t)(p->n_leaves + p->n_averages) + 1, sizeof *tensors);
    if (!tensors) return out_of_memory;
    int64_t n = model_tensors(run, true, tensors);
    char sums_name[512];
    snprintf(sums_name, sizeof sums_name, "%s/sum", train->name);
    const Tensor *sums = safetensors_find(file, sums_name);
    const char *why = sums && sums->dtype == NN_F64 && sums->bytes == 8 * totals_size(train)
                          ? NULL
                          : "the sums of its reports are missing";
    for (int64_t i = 0; i < n && !why; i++) {
        const Tensor *found = safetensors_find(file, tensors[i].name);
        if (!found || found->bytes != tensors[i].bytes || found->dtype != tensors[i].dtype)
            why = "a tensor is missing or has another shape";
        tensors[i].data = found ? found->data : NULL;
    }
    for (int64_t i = 0; i < n && !why; i++) {
        bool leaf = i < p->n_leaves;
        uint8_t *to = leaf ? run->lasting + p->leaves[i].offset : run->averages + p->averages[i - p->n_leaves].offset;
        memcpy(to, tensors[i].data, (size_t)tensors[i].bytes);
    }
    if (!why) {
        double *copy = malloc((size_t)sums->bytes);
        if (copy)
            totals_unpack(train, memcpy(copy, sums->data, (size_t)sums->bytes), &run->round_totals);
        else
            why = out_of_memory;
        free(copy);
    }
    free(tensors);
    return why;
}
const char *ckpt_load_file(Run *run, const char *path, Position *at) {
    SafeFile file;
    const char *why = safetensors_open(run->console.io, path, &file);
    if (why) return why;
    why = position_read(run, &file, at);
    if (!why) why = tensors_take(run, &file, &run->program->trains[at->block]);
    safetensors_close(&file);
    return why;
}
Status ckpt_load(Run *run, const char *name, const char *previous, Position *at) {
    char *path = directory_file(run, name), *older = previous ? directory_file(run, previous) : NULL;
    if (!path || (previous && !older)) return FAILED_LIMIT;
    const char *why = ckpt_load_file(run, path, at);
    if (!why) return OK;
    if (older && why != out_of_memory) {
        const char *why_older = ckpt_load_file(run, older, at);
        if (!why_older) {
            console_note(&run->console, "%s: %s; going on from %s, step %lld of %s", path, why, older,
                         (long long)at->step, run->program->trains[at->block].name);
            return OK;
        }
    }
    return console_fail_why(&run->console, FAILED_USAGE, path, why);
}

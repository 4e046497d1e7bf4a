/* rundir.h: the directory of a run: its lock, run.json, log.csv, time.csv, test.json, model.safetensors. Checkpoints:
** ckpt.h. */
#ifndef NN_RUNDIR_H
#define NN_RUNDIR_H
#include "run.h"
#include "safetensors.h"

struct RunDirectory {
    const char *path; /* as given: "runs/mlp-3" */
    int lock;
    int log, time; /* files open for appending */
};
/* Makes it (or, with `existing`, takes it as it is), locks it. run->directory is set. */
STATUS directory_open(Run *run, const char *path, bool existing);
STATUS directory_write_run(Run *run); /* run.json, before step 1 */
STATUS directory_open_logs(Run *run,
                           int64_t log_bytes); /* log_bytes: what an earlier process had; 0: new, with a header */
void directory_put_classes(const Run *run, const char *key, Json *json); /* {"SET/FIELD": [names], ..} */
STATUS directory_remove(Run *run); /* with the files a run writes; run->directory stays, for its name */
void directory_close(Run *run);
char *directory_file(Run *run, const char *name); /* path of a file in it; NULL: memory, said */
/* The newest runs/NAME-N, or NULL (said). */
const char *directory_newest(Run *run);
/* run.json of a directory (or of that of a file) into run->earlier. A file that is missing is no error unless
** `must`. */
STATUS directory_read_run(Run *run, const char *path, bool must);

/* ---- log.c */
/* A row of log.csv and of time.csv, the line on the terminal, the event. `validate`: NULL if there is no such part. */
STATUS log_round(Run *run, const BlockPlan *plan, const double *train, const double *validate, bool best,
                 double seconds, int64_t examples);
/* Reports over a part: the line for people, tables of arrays, or an event. run->eval_totals has the rows. */
STATUS log_evaluation(Run *run, const BlockPlan *plan, Part part, const double *values, const char *event);
STATUS log_sync(Run *run);
STATUS log_header(Run *run, Text *to);
/* A member each; training: without the reports that only evaluations compute. */
void json_values(Run *run, const nn_train *train, const char *prefix, const double *values, bool training,
                 Json *json);
void log_progress(Run *run, const BlockPlan *plan, int64_t step, double seconds);

/* ---- model.c */
STATUS model_write(Run *run); /* model.safetensors: parameters, states of models and blocks, averages */
STATUS model_save(Run *run, const char *path,
                  const char *classes); /* the same anywhere; classes: JSON, SET/FIELD to names */
/* Parameters and model states by name, from any file. MODEL_ALL: every one, and the averages (--from); says what is
** missing or has another shape. States of train blocks that are in the file too; those that are not are what a training
** with these parameters would begin with. MODEL_MATCHING: those that match, at least one (start="file", --partial). */
typedef enum ModelRead { MODEL_ALL, MODEL_MATCHING } ModelRead;
STATUS model_read(Run *run, const char *path, ModelRead how);
/* Tensors of the program's leaves (`all`: of every role; else parameters, then states of models, then those of blocks)
** and averages, in the table's order. */
int64_t model_tensors(const Run *run, bool all, Tensor *to);
bool model_block_state(const Run *run, const Tensor *tensor); /* is it a state of a train block? */
#endif

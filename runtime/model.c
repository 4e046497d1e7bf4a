/* model.c: parameters and states to and from files that other programs share: model.safetensors, start="file",
** --from. */
#include "rundir.h"
#include "safetensors.h"
#include "train.h"
#include <stdlib.h>
#include <string.h>

static bool leaf_is_shared(const nn_leaf *leaf) {
    return leaf->role == NN_PARAM || leaf->role == NN_MODEL_STATE || leaf->role == NN_BLOCK_STATE;
}
static Tensor leaf_tensor(const Run *run, const nn_leaf *leaf) {
    return (Tensor){leaf->name, leaf->dtype, leaf->n_dims, leaf->dims, run->lasting + leaf->offset, leaf_bytes(leaf)};
}
static Tensor average_tensor(const Run *run, const nn_average *average) {
    int64_t dtype = run->program->is_f64 ? NN_F64 : NN_F32;
    return (Tensor){average->name,
                    dtype,
                    average->n_dims,
                    average->dims,
                    run->averages + average->offset,
                    product(average->n_dims, average->dims) * nn_dtype_bytes(dtype)};
}
int64_t model_tensors(const Run *run, bool all, Tensor *to) {
    int64_t n = 0;
    for (int64_t i = 0; i < run->program->n_leaves; i++)
        if (all || leaf_is_shared(leaf_at(run, i))) to[n++] = leaf_tensor(run, leaf_at(run, i));
    for (int64_t i = 0; i < run->program->n_averages; i++) to[n++] = average_tensor(run, &run->program->averages[i]);
    return n;
}
bool model_block_state(const Run *run, const Tensor *tensor) {
    for (int64_t i = 0; i < run->program->n_leaves; i++) {
        const nn_leaf *leaf = leaf_at(run, i);
        if (run->lasting + leaf->offset == tensor->data && leaf_bytes(leaf) == tensor->bytes)
            return leaf->role == NN_BLOCK_STATE;
    }
    return false;
}
Status model_save(Run *run, const char *path, const char *classes) {
    const nn_program *p = run->program;
    Tensor *tensors = calloc((size_t)(p->n_leaves + p->n_averages) + 1, sizeof *tensors);
    if (!tensors) return console_fail(&run->console, FAILED_LIMIT, "not enough memory to write %s", path);
    Pair metadata[] = {
        {"format", "1"}, {"nnc", p->version}, {"program", p->hash}, {"name", p->name}, {"classes", classes}};
    Status status = safetensors_write(&run->console, path, NULL, tensors, model_tensors(run, false, tensors), metadata,
                                      COUNT_OF(metadata), false);
    free(tensors);
    return status;
}
Status model_write(Run *run) {
    char *path = directory_file(run, "model.safetensors");
    Text classes = {0};
    Json json = json_to(&classes);
    if (!path) return FAILED_LIMIT;
    directory_put_classes(run, NULL, &json);
    Status status = classes.failed ? console_fail(&run->console, FAILED_LIMIT, "not enough memory to write %s", path)
                                   : model_save(run, path, classes.bytes);
    text_free(&classes);
    return status;
}

static bool tensor_fits(const Tensor *a, const Tensor *b) {
    return a->dtype == b->dtype && a->rank == b->rank &&
           (!a->rank || !memcmp(a->dims, b->dims, sizeof *a->dims * (size_t)a->rank));
}
static void put_shape(Text *to, const Tensor *t) {
    text_put(to, t->dtype >= 0 ? dtype_names[t->dtype] : "?");
    text_put(to, "[");
    for (int64_t i = 0; i < t->rank; i++) text_format(to, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    text_put(to, "]");
}
/* Takes one; false, and a line in `misfits`, if it is not there or has another shape. */
static bool tensor_take(const SafeFile *file, const Tensor *wanted, Text *misfits) {
    const Tensor *found = safetensors_find(file, wanted->name);
    if (found && tensor_fits(found, wanted)) {
        memcpy((void *)(uintptr_t)wanted->data, found->data, (size_t)wanted->bytes);
        return true;
    }
    text_format(misfits, "\n   %s: ", wanted->name);
    if (found) {
        put_shape(misfits, found);
        text_put(misfits, " in the file, ");
        put_shape(misfits, wanted);
        text_put(misfits, " here");
    } else
        text_put(misfits, "not in the file");
    return false;
}
Status model_read(Run *run, const char *path, ModelRead how) {
    SafeFile file;
    const char *why = safetensors_open(run->console.io, path, &file);
    if (why) return console_fail_why(&run->console, FAILED_DATA, path, why);
    const nn_program *p = run->program;
    Tensor *tensors = calloc((size_t)(p->n_leaves + p->n_averages) + 1, sizeof *tensors);
    int64_t n = tensors ? model_tensors(run, false, tensors) : 0, taken = 0, missing = 0, shown = 0;
    Text misfits = {0};
    bool started = false;
    for (int64_t i = 0; i < n; i++) {
        bool average = i >= n - p->n_averages, of_block = !average && model_block_state(run, &tensors[i]);
        if ((average || of_block) && how != MODEL_ALL) continue;
        if (of_block && !started) blocks_start(run);
        started |= of_block;
        if (of_block && !safetensors_find(&file, tensors[i].name)) continue;
        Text line = {0};
        bool good = tensor_take(&file, &tensors[i], &line);
        taken += good;
        missing += !good;
        if (!good && shown++ < 10 && line.n) text_add(&misfits, line.bytes, line.n);
        text_free(&line);
    }
    safetensors_close(&file);
    free(tensors);
    Status status = OK;
    if (!tensors)
        status = console_fail(&run->console, FAILED_LIMIT, "not enough memory to read %s", path);
    else if (missing && (how == MODEL_ALL || !taken))
        status =
            console_fail_at(&run->console, FAILED_USAGE, (Spot){.file = path}, NULL,
                            "%lld of %lld tensors do not fit this program:%s%s", (long long)missing,
                            (long long)(missing + taken), misfits.n ? misfits.bytes : "", shown > 10 ? "\n   ..." : "");
    text_free(&misfits);
    return status;
}

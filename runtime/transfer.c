/* transfer.c: `export`: the trained parameters, states and averages as a safetensors file, or as a folder of npy
** files, one a tensor. `import`: the other way: tensors by the names of this program's leaves, f32 or f64 (npy: any
** numbers), become a model file that --from and start= take. Averages that are not there are found in the data; states
** of train blocks are then what a training with these parameters begins with. */
#include "data/npy.h"
#include "from.h"
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static Status tensors_list(Run *run, Tensor **tensors, int64_t *n) {
    const nn_program *p = run->program;
    *tensors = console_memory(&run->console, (int64_t)sizeof **tensors * (p->n_leaves + p->n_averages), "the tensors");
    if (!*tensors) return FAILED_LIMIT;
    *n = model_tensors(run, false, *tensors);
    return OK;
}
/* The file of a tensor in a folder: a slash of its name would be a folder. */
static Status tensor_path(Run *run, const char *folder, const Tensor *tensor, char path[PATH_MAX]) {
    int n = snprintf(path, PATH_MAX, "%s/%s.npy", folder, tensor->name);
    if (n >= PATH_MAX) return console_fail_file(&run->console, FAILED_USAGE, "use", folder, ENAMETOOLONG);
    for (char *s = path + strlen(folder) + 1; *s; s++)
        if (*s == '/') *s = '-';
    return OK;
}
static Status done(Run *run, const char *event, const char *to, int64_t n) {
    if (run->console.json) {
        Text out = {0};
        Json json = json_to(&out);
        json_open(&json, NULL, '{');
        json_string(&json, "event", event);
        json_string(&json, "to", to);
        json_integer(&json, "tensors", n);
        json_close(&json, '}');
        console_event(&run->console, &out);
    }
    console_note(&run->console, "%lld tensors written to %s", (long long)n, to);
    return console_check(&run->console);
}
static Status path_given(Run *run, OptionName name, const char *flag, const char **path) {
    *path = run->options.of[name].text;
    return *path ? OK : console_fail(&run->console, FAILED_USAGE, "--%s FILE is needed", flag);
}

/* ---- export */
static Status npy_write(Run *run, const char *folder, const Tensor *tensor) {
    static const char *const descr[] = {
        [NN_F32] = "<f4", [NN_F64] = "<f8", [NN_I32] = "<i4", [NN_U8] = "|u1", [NN_BOOL] = "|b1"};
    char path[PATH_MAX];
    Text dict = {0}, out = {0};
    TRY(tensor_path(run, folder, tensor, path));
    text_format(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[tensor->dtype]);
    for (int64_t i = 0; i < tensor->rank; i++)
        text_format(&dict, "%s%lld%s", i ? ", " : "", (long long)tensor->dims[i], tensor->rank == 1 ? "," : "");
    text_put(&dict, "), }");
    while ((10 + dict.n + 1) % 64 && !dict.failed)
        text_put(&dict, " "); /* so that the values begin at a multiple of 64 */
    text_put(&dict, "\n");
    uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)dict.n, (uint8_t)(dict.n >> 8)};
    text_add(&out, start, sizeof start);
    text_add(&out, dict.bytes, dict.n);
    text_add(&out, tensor->data, (size_t)tensor->bytes);
    int error = out.failed || dict.failed ? ENOMEM : io_replace_file(run->console.io, path, out.bytes, out.n);
    text_free(&dict);
    text_free(&out);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", path, error) : OK;
}
static Status folder_write(Run *run, const char *folder, const Tensor *tensors, int64_t n) {
    if (run->console.io->mkdir(folder, 0777) && errno != EEXIST)
        return console_fail_file(&run->console, FAILED_OUTPUT, "make the directory", folder, errno);
    for (int64_t i = 0; i < n; i++) TRY(npy_write(run, folder, &tensors[i]));
    return OK;
}
/* The names of classes go with the parameters. */
static Status model_save_classes(Run *run, const char *path) {
    Text classes = {0};
    Json json = json_to(&classes);
    const JsonValue *value = json_member(run->earlier, "classes");
    if (value)
        json_copy(&json, NULL, value);
    else
        text_put(&classes, "{}");
    Status status = classes.failed ? console_fail(&run->console, FAILED_LIMIT, "not enough memory to write %s", path)
                                   : model_save(run, path, classes.bytes);
    text_free(&classes);
    return status;
}
Status command_export(Run *run) {
    From from;
    const char *to, *format = run->options.of[OPTION_FORMAT].text;
    Tensor *tensors;
    int64_t n;
    bool npy = format && !strcmp(format, "npy");
    if (format && !npy && strcmp(format, "safetensors"))
        return console_fail(&run->console, FAILED_USAGE, "--format must be safetensors or npy, not \"%s\"", format);
    TRY(path_given(run, OPTION_TO, "to", &to));
    TRY(from_find(run, &from));
    TRY(run_open_blocks(run));
    TRY(from_read(run, &from, run->program->n_trains ? &run->program->trains[run->program->n_trains - 1] : NULL));
    TRY(tensors_list(run, &tensors, &n));
    TRY(npy ? folder_write(run, to, tensors, n) : model_save_classes(run, to));
    return done(run, "export", to, n);
}

/* ---- import */
typedef enum Taken { TAKEN, MISSING, MISFIT } Taken;
static double number_at(int64_t dtype, const void *data, int64_t i) {
    switch (dtype) {
    case NN_F32: return (double)((const float *)data)[i];
    case NN_F64: return ((const double *)data)[i];
    case NN_I32: return ((const int32_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
    }
}
static void number_put(const Tensor *to, int64_t i, double value) {
    void *data = (void *)(uintptr_t)to->data;
    switch (to->dtype) {
    case NN_F32: ((float *)data)[i] = (float)value; break;
    case NN_F64: ((double *)data)[i] = value; break;
    case NN_I32: ((int32_t *)data)[i] = (int32_t)value; break;
    default: ((uint8_t *)data)[i] = (uint8_t)value;
    }
}
static bool same_dims(int64_t rank, const int64_t *dims, const Tensor *to) {
    if (rank != to->rank) return false;
    for (int64_t i = 0; i < rank; i++)
        if (dims[i] != to->dims[i]) return false;
    return true;
}
static Taken take_tensor(const SafeFile *file, const Tensor *to) {
    const Tensor *found = safetensors_find(file, to->name);
    if (!found) return MISSING;
    if (found->dtype < 0 || !same_dims(found->rank, found->dims, to)) return MISFIT;
    uint8_t *copy = malloc((size_t)found->bytes + 1); /* aligned */
    if (!copy) return MISFIT;
    memcpy(copy, found->data, (size_t)found->bytes);
    for (int64_t i = 0; i < product(to->rank, to->dims); i++) number_put(to, i, number_at(found->dtype, copy, i));
    free(copy);
    return TAKEN;
}
static Taken take_npy(const Bytes *file, const Tensor *to) {
    char dict[65537];
    int skip;
    ArrayHeader header;
    int64_t n = file->n < 12 ? -1 : npy_header_bytes(file->data, &skip), elements = product(to->rank, to->dims);
    if (n < 0 || (size_t)(skip + n) > file->n) return MISFIT;
    memcpy(dict, file->data + skip, (size_t)n);
    dict[n] = 0;
    const char *why = npy_header(dict, &header);
    if (!header.type.bytes || (why && header.rank))
        return MISFIT; /* no axes: one number, which is no row but may be a leaf */
    if (!same_dims(header.rank, header.dims, to) || (int64_t)file->n - skip - n != elements * header.type.bytes)
        return MISFIT;
    for (int64_t i = 0; i < elements; i++)
        number_put(to, i, array_value(&header.type, file->data + skip + n + i * header.type.bytes));
    return TAKEN;
}
static Taken take_file(Run *run, const char *folder, const Tensor *to) {
    char path[PATH_MAX];
    Bytes bytes;
    if (tensor_path(run, folder, to, path) || bytes_read(run->console.io, path, true, &bytes)) return MISSING;
    Taken taken = take_npy(&bytes, to);
    bytes_free(&bytes);
    return taken;
}
static Status averages_find(Run *run) {
    bool *used = console_memory(&run->console, run->program->n_sets + 1, "the data");
    if (!used) return FAILED_LIMIT;
    for (int64_t i = 0; i < run->program->n_averages; i++) used[run->program->averages[i].feed.set] = true;
    TRY(run_open_data(run, used));
    return run_find_averages(run);
}
/* Takes all; leaves must be there, averages and states of train blocks may be missing. */
static Status tensors_take(Run *run, const char *in, const SafeFile *file, const Tensor *tensors, int64_t n,
                           bool *averages) {
    Text wrong = {0};
    int64_t leaves = n - run->program->n_averages, bad = 0;
    bool started = false;
    for (int64_t i = 0; i < n; i++) {
        bool of_block = i < leaves && model_block_state(run, &tensors[i]);
        if (of_block && !started) blocks_start(run);
        started |= of_block;
        Taken taken = file ? take_tensor(file, &tensors[i]) : take_file(run, in, &tensors[i]);
        if (i >= leaves && taken == MISSING) *averages = false;
        if (taken == TAKEN || ((i >= leaves || of_block) && taken == MISSING)) continue;
        if (bad++ >= 10) continue;
        text_format(&wrong, "\n   %s: %s", tensors[i].name, taken == MISSING ? "is not there" : "has not the shape [");
        for (int64_t d = 0; taken == MISFIT && d < tensors[i].rank; d++)
            text_format(&wrong, "%s%lld", d ? ", " : "", (long long)tensors[i].dims[d]);
        if (taken == MISFIT) text_put(&wrong, "], or no numbers that can be read");
    }
    Status status = OK;
    if (bad)
        status = console_fail_at(&run->console, FAILED_DATA, (Spot){.file = in}, NULL,
                                 "%lld of %lld tensors do not fit this program:%s%s", (long long)bad, (long long)n,
                                 wrong.n ? wrong.bytes : "", bad > 10 ? "\n   ..." : "");
    text_free(&wrong);
    return status;
}
Status command_import(Run *run) {
    const char *in, *to;
    Tensor *tensors;
    int64_t n;
    struct stat info;
    SafeFile file;
    bool averages = true;
    TRY(path_given(run, OPTION_IN, "in", &in));
    TRY(path_given(run, OPTION_TO, "to", &to));
    if (stat(in, &info)) return console_fail_file(&run->console, FAILED_DATA, "read", in, errno);
    TRY(run_open_blocks(run));
    TRY(tensors_list(run, &tensors, &n));
    if (S_ISDIR(info.st_mode))
        TRY(tensors_take(run, in, NULL, tensors, n, &averages));
    else {
        const char *why = safetensors_open(run->console.io, in, &file);
        if (why) return console_fail_why(&run->console, FAILED_DATA, in, why);
        Status status = tensors_take(run, in, &file, tensors, n, &averages);
        safetensors_close(&file);
        TRY(status);
        TRY(from_classes(run, in));
    }
    if (!averages) TRY(averages_find(run));
    TRY(model_save_classes(run, to));
    return done(run, "import", to, n);
}

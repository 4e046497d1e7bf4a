/* rundir.c: the directory of a run: found or made, locked, run.json. See rundir.h. */
#include "rundir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

char *directory_file(Run *run, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run->directory->path, name);
    return console_copy(&run->console, path);
}

/* ---- names */
/* N of a directory entry NAME-N, 0 if it is none. */
static int64_t run_number(const char *entry, const char *name) {
    size_t n = strlen(name);
    int64_t number = 0;
    if (strncmp(entry, name, n) || entry[n] != '-' || !entry[n + 1] || strlen(entry + n + 1) > 9) return 0;
    for (const char *s = entry + n + 1; *s; s++) {
        if (*s < '0' || *s > '9') return 0;
        number = number * 10 + (*s - '0');
    }
    return number;
}
static int64_t newest_number(const char *name) {
    DIR *folder = opendir("runs");
    int64_t most = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (run_number(entry->d_name, name) > most) most = run_number(entry->d_name, name);
    if (folder) closedir(folder);
    return most;
}
const char *directory_newest(Run *run) {
    char path[PATH_MAX];
    int64_t n = newest_number(run->program->name);
    if (!n) {
        (void)console_fail(&run->console, FAILED_USAGE,
                           "there is no run in runs/ yet: train first, or give --from DIR");
        return NULL;
    }
    snprintf(path, sizeof path, "runs/%s-%lld", run->program->name, (long long)n);
    console_note(&run->console, "from %s", path);
    return console_copy(&run->console, path);
}

/* ---- opening */
static Status make_numbered(Run *run, char *path, size_t n) {
    const Io *io = run->console.io;
    if (io->mkdir("runs", 0777) && errno != EEXIST)
        return console_fail_file(&run->console, FAILED_OUTPUT, "make the directory", "runs", errno);
    for (int64_t number = newest_number(run->program->name) + 1;; number++) {
        snprintf(path, n, "runs/%s-%lld", run->program->name, (long long)number);
        if (!io->mkdir(path, 0777)) return OK;
        if (errno != EEXIST) return console_fail_file(&run->console, FAILED_OUTPUT, "make the directory", path, errno);
    }
}
static Status make_named(Run *run, const char *path) {
    char inside[PATH_MAX];
    if (!run->console.io->mkdir(path, 0777)) return OK;
    if (errno != EEXIST) return console_fail_file(&run->console, FAILED_OUTPUT, "make the directory", path, errno);
    snprintf(inside, sizeof inside, "%s/run.json", path);
    if (access(inside, F_OK)) return OK;
    if (option_given(&run->options, OPTION_REPLACE)) return OK;
    return console_fail(&run->console, FAILED_USAGE,
                        "%s holds a run already: --resume %s goes on with it, --replace writes over it", path, path);
}
static Status directory_lock(Run *run) {
    RunDirectory *d = run->directory;
    char *path = directory_file(run, "lock");
    if (!path) return FAILED_LIMIT;
    d->lock = run->console.io->open(path, O_RDWR | O_CREAT, 0666);
    if (d->lock < 0) return console_fail_file(&run->console, FAILED_OUTPUT, "open", path, errno);
    if (!run->console.io->lock(d->lock, LOCK_EX | LOCK_NB)) return OK;
    if (errno == EWOULDBLOCK)
        return console_fail(&run->console, FAILED_USAGE, "%s is in use by another trainer", d->path);
    return console_fail_file(&run->console, FAILED_OUTPUT, "lock", path, errno);
}
/* What --replace writes over: only files that a run writes, run.json first, so that a half-cleared directory holds no
** run. */
static Status directory_clear(Run *run) {
    static const char *const names[] = {"run.json", "last.ckpt", "last-1.ckpt", "best.ckpt",  "model.safetensors",
                                        "log.csv",  "time.csv",  "test.json",   "report.html"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *path = directory_file(run, names[i]);
        if (!path) return FAILED_LIMIT;
        if (run->console.io->unlink(path) && errno != ENOENT)
            return console_fail_file(&run->console, FAILED_OUTPUT, "remove", path, errno);
    }
    return OK;
}
Status directory_remove(Run *run) {
    TRY(directory_clear(run));
    char *lock = directory_file(run, "lock");
    if (!lock) return FAILED_LIMIT;
    run->console.io->unlink(lock);
    rmdir(run->directory->path); /* stays if it holds other files */
    return OK;
}
Status directory_open(Run *run, const char *path, bool existing) {
    char made[PATH_MAX];
    RunDirectory *d = console_memory(&run->console, sizeof *d, "the run directory");
    if (!d) return FAILED_LIMIT;
    d->lock = d->log = d->time = -1;
    if (path && strlen(path) > PATH_MAX - 64)
        return console_fail_file(&run->console, FAILED_USAGE, "use", path, ENAMETOOLONG);
    if (!path)
        TRY(make_numbered(run, made, sizeof made));
    else if (!existing)
        TRY(make_named(run, path));
    if (!(d->path = console_copy(&run->console, path ? path : made))) return FAILED_LIMIT;
    run->directory = d;
    TRY(directory_lock(run));
    return existing ? OK : directory_clear(run);
}
void directory_close(Run *run) {
    RunDirectory *d = run->directory;
    if (!d) return;
    int files[] = {d->log, d->time, d->lock};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (files[i] >= 0) run->console.io->close(files[i]);
    run->directory = NULL;
}

/* ---- log.csv, time.csv */
static Status log_open(Run *run, const char *name, int64_t keep, const char *header, int *fd) {
    char *path = directory_file(run, name);
    if (!path) return FAILED_LIMIT;
    const Io *io = run->console.io;
    *fd = io->open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (*fd < 0) return console_fail_file(&run->console, FAILED_OUTPUT, "open", path, errno);
    int error = keep < 0 ? 0 : io->truncate(*fd, keep) ? errno : 0;
    if (!error && keep == 0) error = io_write_all(io, *fd, header, strlen(header));
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", path, error) : OK;
}
Status directory_open_logs(Run *run, int64_t log_bytes) {
    Text header = {0};
    TRY(log_header(run, &header));
    Status status = log_open(run, "log.csv", log_bytes, header.bytes, &run->directory->log);
    if (!status && !log_bytes) run->at.log_bytes = (int64_t)header.n;
    text_free(&header);
    if (!status)
        status = log_open(run, "time.csv", log_bytes ? -1 : 0, "round,seconds,examples_per_s,peak_bytes\n",
                          &run->directory->time);
    return status;
}

/* ---- run.json */
static void put_files(const Run *run, Json *json) {
    json_open(json, "files", '[');
    for (int64_t s = 0; s < run->program->n_sets; s++)
        for (int64_t i = 0; i < run->sets[s].n_files; i++) {
            const SourceFile *file = &run->sets[s].files[i];
            json_open(json, NULL, '{');
            json_string(json, "data", run->program->sets[s].name);
            json_string(json, "path", file->path);
            json_integer(json, "bytes", file->bytes);
            json_string(json, "sha256", file->sha256);
            json_close(json, '}');
        }
    json_close(json, ']');
    json_open(json, "rows", '{');
    for (int64_t s = 0; s < run->program->n_sets; s++) {
        if (!run->sets[s].spec) continue;
        json_open(json, run->program->sets[s].name, '{');
        for (int p = 0; p < N_PARTS; p++) json_integer(json, part_names[p], run->sets[s].parts[p].rows);
        json_close(json, '}');
    }
    json_close(json, '}');
}
void directory_put_classes(const Run *run, const char *key, Json *json) {
    char name[512];
    json_open(json, key, '{');
    for (int64_t s = 0; s < run->program->n_sets; s++)
        for (int64_t c = 0; run->sets[s].columns && c < run->program->sets[s].n_columns; c++) {
            const Column *column = &run->sets[s].columns[c];
            if (!column->n_classes) continue;
            snprintf(name, sizeof name, "%s/%s", run->program->sets[s].name, column->spec->field);
            json_open(json, name, '[');
            for (int64_t i = 0; i < column->n_classes; i++) json_string(json, NULL, column->classes[i]);
            json_close(json, ']');
        }
    json_close(json, '}');
}
static void put_averages(const Run *run, Json *json) {
    json_open(json, "averages", '{');
    for (int64_t i = 0; i < run->program->n_averages; i++) {
        const nn_average *average = &run->program->averages[i];
        json_open(json, average->name, '[');
        for (int64_t j = 0; j < product(average->n_dims, average->dims); j++)
            json_real(json, NULL, float_at(run->program, run->averages + average->offset, j), run->program->is_f64);
        json_close(json, ']');
    }
    json_close(json, '}');
}
Status directory_write_run(Run *run) {
    const nn_program *p = run->program;
    Text out = {0};
    Json json = {.out = &out, .indent = 1};
    json_open(&json, NULL, '{');
    json_integer(&json, "format", 1);
    json_string(&json, "name", p->name);
    json_string(&json, "nnc", p->version);
    json_string(&json, "program", p->hash);
    json_string(&json, "float", p->is_f64 ? "f64" : "f32");
    json_integer(&json, "grains", p->grains);
    json_string(&json, "cpu", p->cpu);
    json_integer(&json, "threads", run->threads);
    json_open(&json, "argv", '[');
    for (int i = 0; i < run->options.argc; i++) json_string(&json, NULL, run->options.argv[i]);
    json_close(&json, ']');
    if (run->options.block) json_string(&json, "block", run->options.block);
    options_write(p, &run->options, &json);
    put_files(run, &json);
    directory_put_classes(run, "classes", &json);
    put_averages(run, &json);
    json_close(&json, '}');
    text_put(&out, "\n");
    char *path = directory_file(run, "run.json");
    int error = out.failed || !path ? ENOMEM : io_replace_file(run->console.io, path, out.bytes, out.n);
    text_free(&out);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", path ? path : "run.json", error) : OK;
}
Status directory_read_run(Run *run, const char *path, bool must) {
    Bytes bytes;
    const char *why;
    int error = bytes_read(run->console.io, path, false, &bytes);
    if (error == ENOENT && !must) return OK;
    if (error) return console_fail_file(&run->console, FAILED_USAGE, "read", path, error);
    run->earlier = json_read((const char *)bytes.data, bytes.n, &why);
    bytes_free(&bytes);
    return run->earlier ? OK : console_fail_why(&run->console, FAILED_USAGE, path, why);
}

/* open.c: opens the sets of a page: finds folder and files, calls the readers, splits the rows into parts, hashes the
** files. */
#include "made.h"
#include "../sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The readers are members of the archive that only programs with such data ask for (compiler/llvm/link.c). */
#pragma weak csv_read
#pragma weak chars_read
#pragma weak words_read
#pragma weak images_read
#pragma weak idx_read
#pragma weak npy_read
#pragma weak npz_read
#pragma weak made_open
enum { DRAWN_ROWS = 1000 }; /* of validation and test of a set without files, when the page gives no count */

static int64_t window_span(const nn_set *spec) {
    int64_t span = 1;
    for (int64_t c = 0; c < spec->n_columns; c++) {
        const nn_column *column = &spec->columns[c];
        int64_t end = column->shift + (column->window > 0 ? column->window : 1);
        if (end > span) span = end;
    }
    return span;
}
static bool has_windows(const nn_set *spec) {
    for (int64_t c = 0; c < spec->n_columns; c++)
        if (spec->columns[c].window > 0) return true;
    return false;
}
/* Rows between windows, where the page does not say it: each row of training begins one; in the evaluations of a text they stand side by
** side, for there they would say of every symbol, once a round, what they have said of it already. */
static int64_t window_every(const nn_set *spec, bool training) {
    bool text = !strcmp(spec->kind, "text") || !strcmp(spec->kind, "words");
    int64_t widest = 1;
    if (spec->every > 0) return spec->every;
    for (int64_t c = 0; c < spec->n_columns; c++)
        if (spec->columns[c].window > widest) widest = spec->columns[c].window;
    return training || !text ? 1 : widest;
}
/* Windows that lie within raw rows [first, first + n) of a file: there must be one. */
static Status windows_in(const Reading *reading, int file, int64_t first, int64_t n, PartRows *to) {
    const nn_set *spec = reading->set->spec;
    Part part = (Part)(to - reading->set->parts);
    int64_t span = window_span(spec), every = window_every(spec, part == PART_TRAIN || reading->request->whole);
    *to = (PartRows){.rows = n < span ? 0 : (n - span) / every + 1, .file = file, .first = first, .every = every};
    if (n >= span || !n) return OK;
    return console_fail(reading->console, FAILED_DATA,
                        "data \"%s\" (%s.nn:%lld): its windows span %lld rows, but its %s part has %lld row%s",
                        spec->name, reading->program->name, (long long)spec->line, (long long)span, part_names[part],
                        (long long)n, n == 1 ? "" : "s");
}
static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* File 0 with windows: training first, then the last rows for validation, then for test. */
static Status split_windows(const Reading *reading, int64_t n, int64_t test, int64_t validate) {
    PartRows *parts = reading->set->parts;
    TRY(windows_in(reading, 0, 0, n - test - validate, &parts[PART_TRAIN]));
    if (validate) TRY(windows_in(reading, 0, n - test - validate, validate, &parts[PART_VALIDATE]));
    if (test) TRY(windows_in(reading, 0, n - test, test, &parts[PART_TEST]));
    return OK;
}
/* File 0 without: test evenly of all, validation evenly of what test leaves. */
static Status split_evenly(Console *console, Set *set, int64_t n, int64_t test, int64_t validate) {
    uint32_t *index[N_PARTS];
    int64_t size[N_PARTS] = {n - test - validate, validate, test}, used[N_PARTS] = {0}, left = 0;
    for (int p = 0; p < N_PARTS; p++)
        if (!(index[p] = console_memory(console, 4 * size[p], "the rows of a part"))) return FAILED_LIMIT;
    for (int64_t i = 0; i < n; i++) {
        Part part = PART_TEST;
        if (!row_taken(i, test, n)) part = row_taken(left++, validate, n - test) ? PART_VALIDATE : PART_TRAIN;
        index[part][used[part]++] = (uint32_t)i;
    }
    for (int p = 0; p < N_PARTS; p++)
        if (size[p]) set->parts[p] = (PartRows){.rows = size[p], .every = 1, .index = index[p]};
    return OK;
}
static Status set_split(const Reading *reading, Set *set) {
    const nn_set *spec = set->spec;
    int64_t n = set->raw_rows[0];
    if (reading->request->whole) return windows_in(reading, 0, 0, n, &set->parts[PART_TEST]);
    for (int f = 1; f < N_PARTS; f++)
        if (set->raw_rows[f]) TRY(windows_in(reading, f, 0, set->raw_rows[f], &set->parts[f]));
    int64_t test = set->raw_rows[PART_TEST] ? 0 : share_rows(spec->test, n);
    int64_t validate = set->raw_rows[PART_VALIDATE] ? 0 : min64(share_rows(spec->validate, n), n - test);
    if (has_windows(spec) || spec->every > 1)
        TRY(split_windows(reading, n, test, validate));
    else if (!test && !validate)
        TRY(windows_in(reading, 0, 0, n, &set->parts[PART_TRAIN]));
    else
        TRY(split_evenly(reading->console, set, n, test, validate));
    if (set->parts[PART_TRAIN].rows) return OK;
    return console_fail(reading->console, FAILED_DATA,
                        "data \"%s\" has no row left for training: %lld rows, %lld for test, %lld for validation",
                        spec->name, (long long)n, (long long)test, (long long)validate);
}
static void set_draw(Set *set) {
    const nn_set *spec = set->spec;
    set->endless = true;
    set->parts[PART_VALIDATE].rows = spec->validate >= 1 ? (int64_t)spec->validate : DRAWN_ROWS;
    set->parts[PART_TEST].rows = spec->test >= 1 ? (int64_t)spec->test : DRAWN_ROWS;
}

/* The folder of the page, or what --data NAME=PATH gives: a folder, or a file for a set of one file. */
static Status folder_find(Reading *reading) {
    const nn_set *spec = reading->set->spec;
    const char *folder = spec->folder;
    for (int64_t i = 0; i < reading->request->n_paths; i++) {
        const char *path = reading->request->paths[i], *equals = strchr(path, '=');
        size_t n = (size_t)(equals - path);
        if (strlen(spec->name) != n || memcmp(spec->name, path, n)) continue;
        struct stat info;
        folder = equals + 1;
        reading->file = NULL;
        if (stat(folder, &info)) return console_fail_file(reading->console, FAILED_DATA, "read", folder, errno);
        if (!S_ISDIR(info.st_mode)) reading->file = folder;
    }
    if ((size_t)snprintf(reading->folder, sizeof reading->folder, "%s", folder) < sizeof reading->folder) return OK;
    return console_fail(reading->console, FAILED_DATA, "the folder of data \"%s\" has too long a name", spec->name);
}
static Status fail_absent(const Reading *reading) {
    return console_fail(reading->console, FAILED_BUG, "this program was linked without the reader of data \"%s\"", reading->set->spec->name);
}
/* A set of files that are read as a whole; kinds read column by column are not here. */
static Status whole_open(Reading *reading) {
    const struct {
        const char *kind;
        Status (*read)(Reading *reading);
    } kinds[] = {{"csv", csv_read}, {"text", chars_read}, {"words", words_read}, {"images", images_read}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(reading->set->spec->kind, kinds[i].kind)) return kinds[i].read ? kinds[i].read(reading) : fail_absent(reading);
    return OK;
}
static Status array_open(Reading *reading, int64_t c) {
    const struct {
        const char *reader;
        Status (*read)(Reading *reading, int64_t c);
    } readers[] = {{"idx", idx_read}, {"npy", npy_read}, {"npz", npz_read}};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (!strcmp(reading->set->spec->columns[c].reader, readers[i].reader))
            return readers[i].read ? readers[i].read(reading, c) : fail_absent(reading);
    return OK;
}
static Status set_open(Reading *reading, const Set *sets) {
    Set *set = reading->set;
    const nn_set *spec = set->spec;
    if (!(set->columns = console_memory(reading->console, (int64_t)sizeof(Column) * spec->n_columns, "the columns")))
        return FAILED_LIMIT;
    for (int64_t c = 0; c < spec->n_columns; c++) set->columns[c].spec = &spec->columns[c];
    if (spec->n_bases) return made_open ? made_open(reading, sets) : fail_absent(reading);
    TRY(folder_find(reading));
    if (!spec->n_columns) {
        set_draw(set);
        return OK;
    }
    TRY(whole_open(reading));
    for (int64_t c = 0; c < spec->n_columns; c++)
        if (column_wanted(reading, c)) TRY(array_open(reading, c));
    if (reading->console->data_errors) return FAILED_DATA;
    return set_split(reading, set);
}
static Status paths_check(Console *console, const nn_program *program, const DataRequest *request) {
    for (int64_t i = 0; i < request->n_paths; i++) {
        const char *path = request->paths[i], *names[64];
        char name[128];
        int64_t n = 0;
        bool known = false;
        snprintf(name, sizeof name, "%.*s", (int)(strchr(path, '=') - path), path);
        for (int64_t s = 0; s < program->n_sets && s < 64; s++) {
            names[n++] = program->sets[s].name;
            known |= !strcmp(name, program->sets[s].name);
        }
        if (known) continue;
        const char *near = name_near(name, names, n);
        return console_fail(console, FAILED_USAGE, "--data %s: the page has no data \"%s\"%s%s%s", path, name,
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return OK;
}
/* Sets that are used, and those they are made from. */
static bool *used_sets(Console *console, const nn_program *program, const bool *used) {
    bool *all = console_memory(console, program->n_sets + 1, "the data");
    for (int64_t s = 0; all && s < program->n_sets; s++) {
        if (used && !used[s]) continue;
        all[s] = true;
        for (int64_t b = 0; b < program->sets[s].n_bases; b++) all[program->sets[s].bases[b]] = true;
    }
    return all;
}
Status data_open(Console *console, const nn_program *program, const DataRequest *request, Set *sets) {
    TRY(paths_check(console, program, request));
    bool *used = used_sets(console, program, request->used);
    if (!used) return FAILED_LIMIT;
    for (int made = 0; made < 2; made++)
        for (int64_t s = 0; s < program->n_sets; s++) {
            const nn_set *spec = &program->sets[s];
            if (!used[s] || (spec->n_bases > 0) != made) continue;
            sets[s].spec = spec;
            sets[s].index = s;
            bool asked = !request->used || request->used[s]; /* else it is a base, and all of it is read */
            Reading reading = {.console = console,
                               .program = program,
                               .request = request,
                               .set = &sets[s],
                               .wanted = request->columns && asked ? request->columns[s] : NULL};
            TRY(set_open(&reading, sets));
        }
    return OK;
}
void data_close(Set *sets, int64_t n) {
    for (int64_t s = 0; s < n; s++) {
        for (int64_t i = 0; i < sets[s].n_owned; i++) bytes_free(&sets[s].owned[i]);
        free(sets[s].owned);
        free(sets[s].files);
    }
}

static int file_hash(const Io *io, const char *path, char hex[65]) {
    Sha256 sha;
    uint8_t block[1 << 16];
    size_t got;
    int fd = io->open(path, O_RDONLY, 0);
    if (fd < 0) return errno;
    sha256_begin(&sha);
    int error;
    do {
        error = io_read_all(io, fd, block, sizeof block, &got);
        if (!error) sha256_add(&sha, block, got);
    } while (!error && got);
    if (io->close(fd) && !error) error = errno;
    sha256_end(&sha, hex);
    return error;
}
Status sources_hash(Console *console, Set *sets, int64_t n) {
    for (int64_t s = 0; s < n; s++)
        for (int64_t i = 0; i < sets[s].n_files; i++) {
            SourceFile *file = &sets[s].files[i];
            int error = *file->sha256 ? 0 : file_hash(console->io, file->path, file->sha256);
            if (error) return console_fail_file(console, FAILED_DATA, "read", file->path, error);
        }
    return OK;
}

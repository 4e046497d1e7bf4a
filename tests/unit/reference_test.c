/* reference_test.c: gradients through gradients against numbers of another system.
**
** $NNC_REFERENCE (a file, or the folder of metagradients.json; if not set ../shared/reference) holds inputs and results
*in f64. A section
** of it, "mlp131", has a page here, reference/mlp131.page: a page of the language with
**   $(PATH)          the value at that path of the section, as a literal of 17 digits
**   $k               each key of the section's "k" in turn, or each index of its "steps" ($n: one more); the page is
*run once for each
**   #= TENSOR PATH   what a tensor of the file that the run writes must be
**   #! BLOCK         gradients of this block must differ from differences: it holds a `stop`
**   #: train ARGS    trains and looks at last.ckpt, not at the gradients of gradcheck
** Each page runs compiled and interpreted in f64 and compiled in f32. Without the reference the test skips. */
#include <jansson.h>
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE_MAX = 1 << 16, NUMBERS_MAX = 4096 };
static const char *const pages = "tests/unit/reference";
static char folder[256]; /* of this run's files */
static int failures;

/* One run of one page. */
typedef struct Run {
    const char *name;    /* "mlp131 k=3 interpreted" */
    const char *options; /* of nnc */
    double tolerance;    /* relative to the number; where it is smaller than `least` of the tensor's largest, to that */
    double least;
    json_t *section;
    const char *text; /* of the page, as written */
    char why[1000];   /* empty: fine so far */
} Run;
__attribute__((format(printf, 2, 3))) static void wrong(Run *run, const char *format, ...) {
    if (*run->why) return;
    va_list args;
    va_start(args, format);
    vsnprintf(run->why, sizeof run->why, format, args);
    va_end(args);
    for (char *s = run->why; *s; s++)
        if (*s == '\n') *s = ' ';
}
static char *file_text(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = NULL;
    size_t n = 0;
    FILE *copy = open_memstream(&text, &n);
    for (int c; (c = fgetc(file)) != EOF;) fputc(c, copy);
    fclose(copy);
    fclose(file);
    if (size) *size = n;
    return text;
}

/* ---- from the reference to a page */
static json_t *at_path(json_t *at, const char *path) {
    char key[100];
    for (int n; *path && at; path += n, path += *path == '/') {
        n = (int)strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", n, path);
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
    }
    return at;
}
static void literal(FILE *out, json_t *value) {
    if (json_is_integer(value))
        fprintf(out, "%lld", json_integer_value(value));
    else if (json_is_real(value)) {
        char digits[40];
        snprintf(digits, sizeof digits, "%.17g", json_real_value(value));
        char *e = strchr(digits, 'e');
        fprintf(out, "%s%s", digits, e || strchr(digits, '.') ? "" : ".0");
    } else {
        fputc('[', out);
        for (size_t i = 0; i < json_array_size(value); i++)
            fputs(i ? ", " : "", out), literal(out, json_array_get(value, i));
        fputc(']', out);
    }
}
/* The page with its numbers; `k` NULL: it has none. */
static char *page_written(Run *run, const char *k) {
    char *text = calloc(1, PAGE_MAX);
    FILE *out = fmemopen(text, PAGE_MAX - 1, "w");
    for (const char *s = run->text; *s; s++) {
        if (s[0] == '$' && s[1] == '(') {
            char path[100];
            int length = (int)strcspn(s + 2, ")");
            snprintf(path, sizeof path, "%.*s", length, s + 2);
            json_t *value = at_path(run->section, path);
            if (value)
                literal(out, value);
            else
                wrong(run, "the reference has no %s", path);
            s += length + 2;
        } else if (k && s[0] == '$' && (s[1] == 'k' || s[1] == 'n')) {
            fprintf(out, "%d", atoi(k) + (s[1] == 'n'));
            s++;
        } else
            fputc(*s, out);
    }
    fclose(out);
    return text;
}

/* ---- what the run wrote */
static size_t numbers_of(json_t *value, double *numbers, size_t n) {
    if (json_is_number(value)) {
        if (n < NUMBERS_MAX) numbers[n] = json_number_value(value);
        return n + 1;
    }
    for (size_t i = 0; i < json_array_size(value); i++) n = numbers_of(json_array_get(value, i), numbers, n);
    return n;
}
/* The numbers of a tensor of a safetensors file; -1: it has none of that name. */
static long tensor_of(const char *bytes, size_t size, json_t *header, size_t data, const char *name, double *numbers) {
    json_t *tensor = json_object_get(header, name), *range = json_object_get(tensor, "data_offsets");
    size_t from = data + (size_t)json_integer_value(json_array_get(range, 0)),
           to = data + (size_t)json_integer_value(json_array_get(range, 1));
    bool f64 = tensor && strcmp(json_string_value(json_object_get(tensor, "dtype")), "F64") == 0;
    size_t n = (to - from) / (f64 ? 8 : 4);
    if (!tensor || to > size || n > NUMBERS_MAX) return -1;
    for (size_t i = 0; i < n; i++) {
        float x;
        if (f64)
            memcpy(&numbers[i], bytes + from + 8 * i, 8);
        else
            memcpy(&x, bytes + from + 4 * i, 4), numbers[i] = (double)x;
    }
    return (long)n;
}
static double farthest; /* of all runs of one tolerance, as a part of it: shown with the last line */
static void compare(Run *run, const char *name, const double *got, const double *reference, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(reference[i]));
    for (size_t i = 0; i < n; i++) {
        double error = fabs(got[i] - reference[i]) / (run->tolerance * fmax(fabs(reference[i]), run->least * largest));
        if (reference[i] == got[i]) error = 0;
        if (!(error <= 1)) wrong(run, "%s[%zu] is %.17g, the reference says %.17g", name, i, got[i], reference[i]);
        farthest = fmax(farthest, error);
    }
}
/* Every `#= TENSOR PATH` of the page. */
static void expectations(Run *run, const char *page, const char *path) {
    size_t size, n;
    char *bytes = file_text(path, &size);
    uint64_t length = 0;
    if (bytes && size > 8) memcpy(&length, bytes, 8);
    json_t *header = length && length <= size - 8 ? json_loadb(bytes + 8, (size_t)length, 0, NULL) : NULL;
    if (!header) wrong(run, "no tensors in %s", path);
    int n_expected = 0;
    for (const char *s = page; header && (s = strstr(s, "\n#= ")); s++, n_expected++) {
        static double got[NUMBERS_MAX], reference[NUMBERS_MAX];
        char name[100], where[100];
        if (sscanf(s, "\n#= %99s %99s", name, where) != 2) wrong(run, "no expectation: %.40s", s + 1);
        n = numbers_of(at_path(run->section, where), reference, 0);
        long m = tensor_of(bytes, size, header, 8 + (size_t)length, name, got);
        if (m < 0)
            wrong(run, "no tensor is called %s", name);
        else if (!n || (size_t)m != n)
            wrong(run, "%s has %ld numbers, %s of the reference %zu", name, m, where, n);
        else
            compare(run, name, got, reference, n);
    }
    if (header && !n_expected) wrong(run, "the page expects nothing");
    json_decref(header);
    free(bytes);
}
/* gradcheck's own lines: each block agrees with differences, but for those marked `#!`, which cannot. */
static void differences(Run *run, const char *page, const char *lines) {
    const char *s = lines;
    for (const char *end; (end = strchr(s, '\n')); s = end + 1) {
        char mark[100];
        json_t *line = json_loadb(s, (size_t)(end - s), 0, NULL);
        const char *event = json_string_value(json_object_get(line, "event")),
                   *block = json_string_value(json_object_get(line, "block"));
        if (event && block && strcmp(event, "gradcheck") == 0) {
            snprintf(mark, sizeof mark, "\n#! %s\n", block);
            bool agrees = json_integer_value(json_object_get(line, "wrong")) == 0;
            if (agrees == (strstr(page, mark) != NULL))
                wrong(run, "gradients of %s %s differences", block,
                      agrees ? "hold a `stop` and yet agree with" : "disagree with");
        }
        json_decref(line);
    }
}

/* ---- runs */
static void page_run(Run *run, const char *k) {
    char *page = page_written(run, k), command[2000], path[300], *out, *err;
    const char *build = getenv("BUILD"), *train = strstr(page, "\n#: train ");
    bool f64 = strstr(run->options, "f64") != NULL, stopped = strstr(page, "\n#! ") != NULL;
    snprintf(path, sizeof path, "%s/page.nn", folder);
    FILE *file = fopen(path, "w");
    fputs(page, file);
    fclose(file);
    if (train)
        snprintf(command, sizeof command,
                 "%s/nnc run %s %s/page.nn %.*s --out %s/run --replace --json >%s/out 2>%s/err",
                 build ? build : "build", run->options, folder, (int)strcspn(train + 4, "\n"), train + 4, folder,
                 folder, folder);
    else
        snprintf(command, sizeof command,
                 "%s/nnc run %s %s/page.nn gradcheck --samples 0 --json --save %s/tensors >%s/out 2>%s/err",
                 build ? build : "build", run->options, folder, folder, folder, folder);
    int status = system(command), code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    snprintf(path, sizeof path, "%s/out", folder);
    out = file_text(path, NULL);
    snprintf(path, sizeof path, "%s/err", folder);
    err = file_text(path, NULL);
    if (code != 0 && !(code == 1 && stopped && f64)) wrong(run, "exit %d: %.600s", code, err);
    snprintf(path, sizeof path, train ? "%s/run/last.ckpt" : "%s/tensors", folder);
    if (!*run->why) expectations(run, page, path);
    if (!*run->why && !train && f64) differences(run, page, out);
    unlink(path);
    free(out), free(err), free(page);
    if (*run->why)
        printf("FAIL %s: %s\n", run->name, run->why), failures++;
    else
        printf("ok %s\n", run->name);
    fflush(stdout);
}
/* In every way, for one k. */
static void page_all(const char *section_name, json_t *section, const char *text, const char *k) {
    static const struct Way {
        const char *name, *options;
        double tolerance, least;
    } ways[] = {{"f64", "--dtype=f64", 1e-9, 1e-3},
                {"f64 interpreted", "--interpret --dtype=f64", 1e-9, 1e-3},
                {"f32", "--gradients", 2e-4, 0.1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%s%s %s", section_name, k ? " k=" : "", k ? k : "", ways[i].name);
        Run run = {.name = name,
                   .options = ways[i].options,
                   .tolerance = ways[i].tolerance,
                   .least = ways[i].least,
                   .section = section,
                   .text = text};
        page_run(&run, k);
    }
}
static void page_each(json_t *reference, const char *file_name) {
    char name[100], path[300];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(file_name, "."), file_name);
    snprintf(path, sizeof path, "%s/%s", pages, file_name);
    json_t *section = json_object_get(reference, name), *k = json_object_get(section, "k"), *value;
    char *text = file_text(path, NULL);
    const char *key;
    if (!section)
        printf("FAIL %s: the reference has no such section\n", name), failures++;
    else if (!strstr(text, "$k"))
        page_all(name, section, text, NULL);
    else if (json_is_object(k))
        json_object_foreach(k, key, value) page_all(name, section, text, key);
    else
        for (size_t i = 0; i < json_array_size(json_object_get(section, "steps")); i++) {
            snprintf(path, sizeof path, "%zu", i);
            page_all(name, section, text, path);
        }
    free(text);
}
static int is_page(const struct dirent *entry) { return strstr(entry->d_name, ".page") != NULL; }

int main(int argc, char **argv) {
    const char *given = getenv("NNC_REFERENCE"), *where = given && *given ? given : "../shared/reference";
    char path[600];
    struct stat info;
    snprintf(path, sizeof path, stat(where, &info) == 0 && S_ISDIR(info.st_mode) ? "%s/metagradients.json" : "%s",
             where);
    json_error_t error;
    if (access(path, R_OK) != 0) return printf("skip reference: there is no %s\n", path), 0;
    json_t *reference = json_load_file(path, 0, &error);
    if (!reference) return printf("FAIL reference: %s: %s\n", path, error.text), 1;
    snprintf(folder, sizeof folder, "%s/nnc_reference.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(folder)) return printf("FAIL reference: no temporary folder\n"), 1;
    struct dirent **entries;
    int n = scandir(pages, &entries, is_page, alphasort);
    if (n <= 0) printf("FAIL reference: no pages in %s\n", pages), failures++;
    for (int i = 0; i < n; i++) {
        if (argc < 2 || strstr(entries[i]->d_name, argv[1])) page_each(reference, entries[i]->d_name);
        free(entries[i]);
    }
    if (n > 0) free(entries);
    fprintf(stderr, "largest error, as a part of what is allowed: %.2g\n", farthest);
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) failures++;
    json_decref(reference);
    return failures > 0;
}

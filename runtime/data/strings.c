/* strings.c: columns of a csv that are texts: `characters`, the code points of a cell as classes, 0 behind the last,
 *and
 ** `count`, their number. Cells are kept as code points until all files are read; then symbols become classes 1, 2, ..
 ** by code order over all parts, or places in the list of the page or of the run that trained. */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

/* Code points of a cell to `to`, room for `most`; *n: how many there are. */
static Status string_scan(const Reading *reading, Spot spot, const char *s, size_t bytes, int64_t most, int32_t *to,
                          int64_t *n) {
    const char *end = s + bytes;
    for (*n = 0; s < end; ++*n) {
        int length;
        int32_t code = code_point(s, end, &length);
        if (code <= 0) return utf8_fail(reading, spot, *s);
        if (*n < most) to[*n] = code;
        s += length;
    }
    return OK;
}
Status string_count(const Reading *reading, Spot spot, const char *s, size_t bytes, double *to) {
    int64_t n;
    TRY(string_scan(reading, spot, s, bytes, 0, NULL, &n));
    *to = (double)n;
    return OK;
}
Status string_store(const Reading *reading, Spot spot, const nn_column *spec, const char *s, size_t bytes,
                    int32_t *to) {
    int64_t most = spec->n_dims ? spec->dims[0] : 1, n;
    TRY(string_scan(reading, spot, s, bytes, most, to, &n));
    for (int64_t i = n; i < most; i++) to[i] = 0;
    if (n <= most) return OK;
    Text shown = {0};
    text_shown(&shown, s, bytes);
    Status status = data_error(reading, spot, spec, "\"%s\" has %lld characters, the page takes %lld",
                               shown.failed ? "" : shown.bytes, (long long)n, (long long)most);
    text_free(&shown);
    return status;
}

static int by_code(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}
/* The n different ones of codes[0..n), sorted; 0, the padding, is one of them. */
static int64_t distinct(int32_t *codes, int64_t n) {
    int64_t kept = 0;
    qsort(codes, (size_t)n, sizeof *codes, by_code);
    for (int64_t i = 0; i < n; i++)
        if (!kept || codes[kept - 1] != codes[i]) codes[kept++] = codes[i];
    return kept;
}
static Status names_make(const Reading *reading, Column *column, const int32_t *codes, int64_t n) {
    char(*names)[5] = console_memory(reading->console, 5 * n, "the classes");
    column->classes = console_memory(reading->console, (int64_t)sizeof(char *) * n, "the classes");
    if (!names || !column->classes) return FAILED_LIMIT;
    for (int64_t i = 0; i < n; i++) {
        code_text(codes[i], names[i]); /* the padding's is empty */
        column->classes[i] = names[i];
    }
    column->n_classes = n;
    return OK;
}
/* The class of each code; -1: none. */
static void classes_of(const Column *column, const int32_t *codes, int64_t n, int32_t *classes) {
    for (int64_t i = 0; i < n; i++) {
        char name[5];
        code_text(codes[i], name);
        classes[i] = codes[i] ? -1 : 0;
        for (int64_t c = 1; c < column->n_classes && classes[i] < 0; c++)
            if (!strcmp(column->classes[c], name)) classes[i] = (int32_t)c;
    }
}
static Status strings_map(const Reading *reading, Column *column, const int32_t *codes, int64_t n,
                          const int32_t *classes) {
    for (int f = 0; f < N_PARTS; f++)
        for (int64_t i = 0; column->values[f] && i < reading->set->raw_rows[f] * column->elements; i++) {
            int32_t *at = (int32_t *)(void *)(uintptr_t)column->values[f] + i;
            const int32_t *found = bsearch(at, codes, (size_t)n, sizeof *codes, by_code);
            int32_t class = classes[found - codes];
            char name[5];
            code_text(*at, name);
            if (class < 0)
                TRY(data_error(reading, (Spot){.file = reading->paths[f], .column = column->spec->names[0]},
                               column->spec, "\"%s\" in row %lld is none of the %lld classes", name,
                               (long long)(i / column->elements + 1), (long long)column->n_classes));
            *at = class;
        }
    return OK;
}
Status strings_settle(const Reading *reading, Column *column) {
    int64_t all = 1, n, k = column->spec->classes;
    for (int f = 0; f < N_PARTS; f++) all += column->values[f] ? reading->set->raw_rows[f] * column->elements : 0;
    int32_t *codes = malloc(8 * (size_t)all), *classes = codes + all;
    if (!codes) return console_fail(reading->console, FAILED_LIMIT, "not enough memory for the data");
    all = 0;
    codes[all++] = 0;
    for (int f = 0; f < N_PARTS; f++) {
        if (!column->values[f]) continue;
        int64_t here = reading->set->raw_rows[f] * column->elements;
        memcpy(codes + all, column->values[f], 4 * (size_t)here);
        all += here;
    }
    n = distinct(codes, all);
    column->classes = classes_given(reading, column, &column->n_classes);
    Status status = OK;
    if (column->n_classes && !column->classes)
        status = FAILED_LIMIT;
    else if (!column->n_classes && n > k) {
        status = data_error(reading, (Spot){.file = reading->paths[0], .column = column->spec->names[0]}, column->spec,
                            "it has %lld different characters and the padding, the page %lld classes",
                            (long long)(n - 1), (long long)k);
        if (!status) status = FAILED_DATA;
    } else if (!column->n_classes)
        status = names_make(reading, column, codes, n);
    if (!status) {
        classes_of(column, codes, n, classes);
        status = strings_map(reading, column, codes, n, classes);
    }
    free(codes);
    return status;
}

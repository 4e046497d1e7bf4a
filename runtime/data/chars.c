/* chars.c: `text`: a row is a code point of UTF-8, a class by its place in the vocabulary: the code points of all parts
** in their order, or the list of the page or of the run that trained. Kept as bytes where 256 classes hold them. */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

enum { CODES = 0x110000 };
typedef struct Chars {
    Reading *reading;
    Column *column;
    const char *path[N_PARTS], *text[N_PARTS];
    size_t n[N_PARTS];
    Bytes whole[N_PARTS]; /* what `text` lies in, until its classes are stored */
    int32_t *
        classes; /* [CODES] class of a code point and 1, 0: it does not occur; pages that no code is on stay untouched */
} Chars;

int32_t code_point(const char *s, const char *end, int *length) {
    static const int32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    int n = u[0] < 0x80                   ? 1
            : u[0] >= 0xC2 && u[0] < 0xE0 ? 2
            : u[0] >= 0xE0 && u[0] < 0xF0 ? 3
            : u[0] >= 0xF0 && u[0] < 0xF5 ? 4
                                          : 0;
    *length = 0;
    if (!n || end - s < n) return -1;
    int32_t code = n == 1 ? u[0] : u[0] & (0x7F >> n);
    for (int i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80) return -1;
        code = code << 6 | (u[i] & 0x3F);
    }
    if (code < least[n] || code >= CODES || (code >= 0xD800 && code < 0xE000)) return -1;
    *length = n;
    return code;
}
Status utf8_fail(const Reading *reading, Spot spot, char byte) {
    if (!byte) return console_fail_at(reading->console, FAILED_DATA, spot, NULL, "it is no text: it holds bytes of 0");
    return console_fail_at(reading->console, FAILED_DATA, spot, NULL, "it is not UTF-8: byte 0x%02x",
                           (unsigned char)byte);
}
void code_text(int32_t code, char to[5]) {
    int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const int32_t first[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    to[n] = 0;
    for (int i = n - 1; i > 0; i--, code >>= 6) to[i] = (char)(0x80 | (code & 0x3F));
    to[0] = (char)(first[n == 1 ? 0 : n] | code);
}
static Spot spot_of(const Chars *x, int f, const char *at) {
    int64_t line = 1;
    for (const char *s = x->text[f]; s < at; s++) line += *s == '\n';
    return (Spot){x->path[f], line, NULL};
}

/* ---- files */
static Status file_take(Chars *x, int f) {
    DataFile file;
    TRY(file_open(x->reading, x->reading->set->spec->files[f], &file));
    x->path[f] = file.path;
    Status status = file_whole(&file, &x->whole[f]);
    file_close(&file);
    x->text[f] = (const char *)x->whole[f].data;
    x->n[f] = x->whole[f].n;
    if (!status && x->n[f] >= 3 && !memcmp(x->text[f], "\xef\xbb\xbf", 3)) {
        x->text[f] += 3;
        x->n[f] -= 3;
    }
    return status;
}
/* Counts the code points and marks those that occur. */
static Status file_scan(Chars *x, int f) {
    const char *s = x->text[f], *end = s + x->n[f];
    int64_t rows = 0;
    for (int length; s < end; s += length, rows++) {
        TRY(reading_poll(x->reading, rows + 1));
        int32_t code = code_point(s, end, &length);
        if (code <= 0) return utf8_fail(x->reading, spot_of(x, f, s), *s);
        x->classes[code] = 1;
    }
    x->reading->set->raw_rows[f] = rows;
    return OK;
}

/* ---- the vocabulary */
static Status vocabulary_find(Chars *x) {
    int64_t n = 0, k = x->column->spec->classes;
    for (int32_t code = 0; code < CODES; code++) n += x->classes[code] != 0;
    if (n > k) {
        TRY(data_error(x->reading, (Spot){.file = x->path[0]}, x->column->spec,
                       "it has %lld different symbols, the page %lld classes", (long long)n, (long long)k));
        return FAILED_DATA;
    }
    char(*names)[5] = console_memory(x->reading->console, 5 * n, "the classes");
    x->column->classes = console_memory(x->reading->console, (int64_t)sizeof(char *) * n, "the classes");
    if (!names || !x->column->classes) return FAILED_LIMIT;
    x->column->n_classes = n;
    n = 0;
    for (int32_t code = 0; code < CODES; code++) {
        if (!x->classes[code]) continue;
        code_text(code, names[n]);
        x->column->classes[n] = names[n];
        x->classes[code] = (int32_t)++n;
    }
    return OK;
}
/* Classes by a list: symbols that are not in it have none. */
static Status vocabulary_take(Chars *x) {
    for (int32_t code = 0; code < CODES; code++)
        if (x->classes[code]) x->classes[code] = 0;
    for (int64_t i = 0; i < x->column->n_classes; i++) {
        const char *name = x->column->classes[i];
        int length;
        int32_t code = code_point(name, name + strlen(name), &length);
        if (code >= 0 && !name[length]) x->classes[code] = (int32_t)i + 1;
    }
    return OK;
}
static Status file_classes(Chars *x, int f) {
    Column *column = x->column;
    const char *s = x->text[f], *end = s + x->n[f];
    bool bytes = column->n_classes <= 256;
    Bytes block = {.n = (size_t)x->reading->set->raw_rows[f] * (bytes ? 1 : 4)};
    uint8_t *to = block.owned = malloc(block.n + 1);
    if (!to) return console_fail(x->reading->console, FAILED_LIMIT, "not enough memory for %s", x->path[f]);
    TRY(set_keep(x->reading->console, x->reading->set, block));
    column->values[f] = to;
    column->dtype = bytes ? NN_U8 : NN_I32;
    column->elements = 1;
    for (int length; s < end; s += length, to += bytes ? 1 : 4) {
        int32_t class = x->classes[code_point(s, end, &length)] - 1;
        if (class < 0) {
            Text shown = {0};
            text_shown(&shown, s, (size_t)length);
            Status status = data_error(x->reading, spot_of(x, f, s), column->spec, "\"%s\" is none of the %lld classes",
                                       shown.failed ? "" : shown.bytes, (long long)column->n_classes);
            text_free(&shown);
            TRY(status);
        }
        if (bytes)
            *to = (uint8_t)class;
        else
            memcpy(to, &class, 4);
    }
    return OK;
}
static Status column_read(Chars *x) {
    for (int f = 0; f < N_PARTS; f++)
        if (file_wanted(x->reading, f)) {
            TRY(file_take(x, f));
            TRY(file_scan(x, f));
        }
    x->column->classes = classes_given(x->reading, x->column, &x->column->n_classes);
    if (x->column->n_classes && !x->column->classes) return FAILED_LIMIT;
    TRY(x->column->n_classes ? vocabulary_take(x) : vocabulary_find(x));
    for (int f = 0; f < N_PARTS; f++)
        if (x->text[f]) TRY(file_classes(x, f));
    return OK;
}

/* ---- columns that are declared alike are the same */
static bool same_classes(const nn_column *a, const nn_column *b) {
    if (strcmp(a->reader, b->reader) || a->classes != b->classes || a->n_class_names != b->n_class_names) return false;
    for (int64_t i = 0; i < a->n_class_names; i++)
        if (strcmp(a->class_names[i], b->class_names[i])) return false;
    if (a->n_dims != b->n_dims) return false;
    for (int64_t i = 0; i < a->n_dims; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}
bool column_shared(Reading *reading, int64_t c) {
    Column *columns = reading->set->columns;
    for (int64_t i = 0; i < c; i++) {
        if (!columns[i].values[0] || !same_classes(columns[i].spec, columns[c].spec)) continue;
        const nn_column *spec = columns[c].spec;
        columns[c] = columns[i];
        columns[c].spec = spec;
        return true;
    }
    return false;
}
Status chars_read(Reading *reading) {
    const nn_set *spec = reading->set->spec;
    Status status = OK;
    for (int64_t c = 0; c < spec->n_columns && !status; c++) {
        if (!column_wanted(reading, c) || strcmp(spec->columns[c].reader, "char") || column_shared(reading, c))
            continue;
        Chars x = {
            .reading = reading, .column = &reading->set->columns[c], .classes = calloc(CODES, sizeof *x.classes)};
        if (!x.classes) return console_fail(reading->console, FAILED_LIMIT, "not enough memory for the data");
        status = column_read(&x);
        for (int f = 0; f < N_PARTS; f++) bytes_free(&x.whole[f]);
        free(x.classes);
    }
    return status;
}

/* npy.c: the arrays of NumPy, versions 1 to 3: a magic, the length of the header, the header (a dict of Python:
** 'descr', 'fortran_order', 'shape'), values. Little-endian and C order; plain (mapped) or gzip. */
#include "npy.h"
#include <stdio.h>
#include <string.h>

enum { MAX_HEADER_BYTES = 65536 };
static const struct NpyType {
    const char *descr;
    ArrayType type;
} npy_types[] = {
    {"|u1", {'u', 1, false, "bytes"}},   {"|i1", {'i', 1, false, "int8"}},    {"|b1", {'b', 1, false, "bools"}},
    {"<u2", {'u', 2, false, "uint16"}},  {"<i2", {'i', 2, false, "int16"}},   {"<u4", {'u', 4, false, "uint32"}},
    {"<i4", {'i', 4, false, "int32"}},   {"<u8", {'u', 8, false, "uint64"}},  {"<i8", {'i', 8, false, "int64"}},
    {"<f2", {'f', 2, false, "float16"}}, {"<f4", {'f', 4, false, "float32"}}, {"<f8", {'f', 8, false, "float64"}}};

/* What stands behind 'key': in the dict; NULL: nothing. */
static const char *member(const char *dict, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(dict, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    if (*at != ':') return NULL;
    return at + 1 + strspn(at + 1, " ");
}
static const char *descr_read(const char *at, ArrayType *type, char *found, size_t n) {
    if (*at != '\'') return "its values are records; only plain numbers can be read";
    size_t length = strcspn(at + 1, "'");
    snprintf(found, n, "%.*s", (int)(length < n ? length : n - 1), at + 1);
    for (size_t i = 0; i < COUNT_OF(npy_types); i++)
        if (!strcmp(found, npy_types[i].descr)) *type = npy_types[i].type;
    if (type->bytes) return NULL;
    return *found == '>' ? "its numbers are big-endian; x.astype(x.dtype.newbyteorder('<')) before np.save mends it"
                         : "its type is none of bool, int8 to int64, uint8 to uint64, float16 to float64";
}
static const char *shape_read(const char *at, ArrayHeader *h) {
    if (*at++ != '(') return "its header has no shape";
    for (h->rank = 0; *at != ')'; h->rank++) {
        int64_t size = 0;
        int digits = 0;
        at += strspn(at, " ");
        if (h->rank == MAX_ARRAY_RANK) return "it has more than 8 axes";
        for (; *at >= '0' && *at <= '9'; at++, digits++)
            if (digits > 17)
                return "its sizes are too large";
            else
                size = size * 10 + (*at - '0');
        if (!digits) return "its header has no shape";
        h->dims[h->rank] = size;
        at += strspn(at, "L "); /* Python 2 wrote 3L */
        if (*at == ',')
            at += 1 + strspn(at + 1, " ");
        else if (*at != ')')
            return "its header has no shape";
    }
    return array_sizes(h);
}
const char *npy_header(const char *dict, ArrayHeader *h) {
    char found[32];
    const char *descr = member(dict, "descr"), *order = member(dict, "fortran_order"), *shape = member(dict, "shape");
    *h = (ArrayHeader){0};
    if (!descr || !order || !shape) return "its header is not that of an npy array";
    const char *why = descr_read(descr, &h->type, found, sizeof found);
    if (why) return why;
    why = shape_read(shape, h);
    if (why) return why;
    if (strncmp(order, "False", 5) && h->rank > 1)
        return "it is in Fortran order; np.save of np.ascontiguousarray(x) mends it";
    return NULL;
}
int64_t npy_header_bytes(const uint8_t start[12], int *skip) {
    if (memcmp(start, "\x93NUMPY", 6) || start[6] < 1 || start[6] > 3) return -1;
    int64_t n = start[8] | start[9] << 8;
    if (start[6] > 1) n |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    *skip = start[6] > 1 ? 12 : 10;
    return n > MAX_HEADER_BYTES ? -1 : n;
}

static Status fail_npy(DataFile *file, const char *what) {
    return console_fail_at(file->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "%s", what);
}
static Status npy_file(Reading *reading, Column *column, int f, DataFile *file) {
    uint8_t start[12];
    char dict[MAX_HEADER_BYTES + 1];
    size_t got;
    int skip;
    ArrayHeader header;
    TRY(file_read(file, start, 10, &got));
    bool longer = got == 10 && start[6] > 1;
    if (longer) TRY(file_read(file, start + 10, 2, &got));
    int64_t n = got == (longer ? 2 : 10) ? npy_header_bytes(start, &skip) : -1;
    if (n < 0) return fail_npy(file, "it is no npy file, as np.save writes it");
    TRY(file_read(file, dict, (size_t)n, &got));
    if (got < (size_t)n) return fail_npy(file, "the file ends within its header");
    dict[n] = 0;
    const char *why = npy_header(dict, &header);
    return why ? fail_npy(file, why) : array_read(reading, column, f, file, &header);
}
Status npy_read(Reading *reading, int64_t c) { return column_files(reading, c, npy_file); }

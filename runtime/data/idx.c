/* idx.c: the IDX files of MNIST: bytes 0 0 type rank, rank big-endian sizes, values in C order; plain (mapped) or
** gzip. */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_IDX_RANK = 8 };
static const struct IdxType {
    int code;
    int64_t bytes;
    const char *name;
} idx_types[] = {{0x08, 1, "bytes"}, {0x09, 1, "int8"},    {0x0B, 2, "int16"},
                 {0x0C, 4, "int32"}, {0x0D, 4, "float32"}, {0x0E, 8, "float64"}};

typedef struct IdxHeader {
    const struct IdxType *type;
    int64_t rank, rows, elements; /* elements of a row */
    int64_t dims[MAX_IDX_RANK];
} IdxHeader;

static Status fail_idx(DataFile *file, const char *what) {
    return console_fail_at(file->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "%s", what);
}
static Status idx_header(DataFile *file, IdxHeader *header) {
    uint8_t b[4 + 4 * MAX_IDX_RANK];
    size_t got;
    TRY(file_read(file, b, 4, &got));
    *header = (IdxHeader){0};
    if (got < 4 || b[0] || b[1]) return fail_idx(file, "it is no idx file: it must begin with two bytes 0, type, rank");
    for (size_t i = 0; i < COUNT_OF(idx_types); i++)
        if (idx_types[i].code == b[2]) header->type = &idx_types[i];
    if (!header->type) return fail_idx(file, "its idx type (byte 2) is none of 8, 9, 11, 12, 13, 14");
    header->rank = b[3];
    if (b[3] < 1 || b[3] > MAX_IDX_RANK) return fail_idx(file, "its idx rank (byte 3) is not 1 to 8");
    TRY(file_read(file, b + 4, 4 * (size_t)header->rank, &got));
    if (got < 4 * (size_t)header->rank) return fail_idx(file, "the file ends within its header");
    header->elements = 1;
    for (int64_t i = 0; i < header->rank; i++) {
        const uint8_t *d = b + 4 + 4 * i;
        header->dims[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
        if (!header->dims[i]) return fail_idx(file, "one of its sizes is 0");
        if (i && __builtin_mul_overflow(header->elements, header->dims[i], &header->elements))
            return fail_idx(file, "its sizes are too large");
    }
    header->rows = header->dims[0];
    return OK;
}
/* The file must hold exactly what its header says, before anything is allocated. */
static Status idx_check(const Reading *reading, DataFile *file, const IdxHeader *h, const nn_column *spec,
                        int64_t *bytes) {
    if (__builtin_mul_overflow(h->rows, h->elements, bytes) || __builtin_mul_overflow(*bytes, h->type->bytes, bytes) ||
        (uint64_t)*bytes > file_most(file) || (!file->zipped && (uint64_t)*bytes != file_most(file)))
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = file->path}, NULL,
                               "its header says %lld rows of %lld %s, but %s%zu bytes follow", (long long)h->rows,
                               (long long)h->elements, h->type->name, file->zipped ? "at most " : "", file_most(file));
    int64_t needed = 1;
    for (int64_t i = 0; i < spec->n_dims; i++) needed *= spec->dims[i];
    if (h->elements != needed) {
        Text shape = {0};
        for (int64_t i = 1; i < h->rank; i++) text_format(&shape, "%s%lld", i > 1 ? ", " : "", (long long)h->dims[i]);
        Status status = data_error(reading, (Spot){.file = file->path}, spec,
                                   "a row is [%s], %lld values, where the page needs %lld", shape.n ? shape.bytes : "",
                                   (long long)h->elements, (long long)needed);
        text_free(&shape);
        return status ? status : FAILED_DATA;
    }
    if (spec->dtype == NN_U8 && h->type->code != 0x08 && spec->element != NN_BOOLEAN)
        return console_fail_at(
            reading->console, FAILED_DATA, (Spot){.file = file->path}, NULL,
            "it holds %s, but the program was made for bytes: compile the page again with this file in place",
            h->type->name);
    return OK;
}

static double idx_value(const struct IdxType *type, const uint8_t *p) {
    uint64_t word = 0;
    for (int64_t i = 0; i < type->bytes; i++) word = word << 8 | p[i];
    switch (type->code) {
    case 0x08: return (double)word;
    case 0x09: return (double)(int8_t)word;
    case 0x0B: return (double)(int16_t)word;
    case 0x0C: return (double)(int32_t)word;
    case 0x0D: {
        uint32_t bits = (uint32_t)word;
        float f;
        memcpy(&f, &bits, 4);
        return (double)f;
    }
    default: {
        double d;
        memcpy(&d, &word, 8);
        return d;
    }
    }
}
/* Is a value what the field declares? NULL: yes. */
static const char *idx_misfit(const nn_column *spec, double value) {
    bool whole = value >= INT32_MIN && value <= INT32_MAX && value == (double)(int64_t)value;
    if (spec->element == NN_REAL) return value - value == 0 ? NULL : "is not finite";
    if (!whole) return "is no whole number";
    if (spec->element == NN_BOOLEAN && value != 0 && value != 1) return "is not 0 or 1";
    if (spec->element == NN_CLASS && (value < 0 || value >= (double)spec->classes))
        return "is not below the number of classes";
    return NULL;
}
static void store(int64_t dtype, uint8_t *to, double value) {
    float f = (float)value;
    int32_t i = dtype == NN_I32 ? (int32_t)value : 0;
    switch (dtype) {
    case NN_F32: memcpy(to, &f, 4); break;
    case NN_F64: memcpy(to, &value, 8); break;
    case NN_I32: memcpy(to, &i, 4); break;
    default: *to = (uint8_t)value; break;
    }
}
/* Values that are not bytes become the declared type; bytes stay. Checks all of them. */
static Status idx_convert(const Reading *reading, Column *column, const DataFile *file, const IdxHeader *h,
                          const uint8_t *from, uint8_t *to) {
    int64_t size = column->dtype == NN_F64 ? 8 : column->dtype == NN_U8 || column->dtype == NN_BOOL ? 1 : 4;
    bool bytes_fit = h->type->code == 0x08 && (column->spec->element == NN_REAL || column->spec->element == NN_INT ||
                                               (column->spec->element == NN_CLASS && column->spec->classes >= 256));
    if (bytes_fit && !to) return OK;
    for (int64_t row = 0; row < h->rows; row++) {
        TRY(reading_poll(reading, row));
        for (int64_t i = 0; i < h->elements; i++) {
            int64_t at = row * h->elements + i;
            double value = idx_value(h->type, from + at * h->type->bytes);
            const char *misfit = idx_misfit(column->spec, value);
            if (misfit && column->spec->element == NN_CLASS)
                TRY(data_error(reading, (Spot){file->path, row + 1, NULL}, column->spec, "%.9g %s, %lld", value, misfit,
                               (long long)column->spec->classes));
            else if (misfit)
                TRY(data_error(reading, (Spot){file->path, row + 1, NULL}, column->spec, "%.9g %s", value, misfit));
            else if (to)
                store(column->dtype, to + at * size, value);
        }
    }
    return OK;
}
static Status idx_values(Reading *reading, Column *column, int f, DataFile *file, const IdxHeader *h, int64_t bytes) {
    Bytes raw = {0};
    const uint8_t *from;
    if (file->zipped) {
        size_t got;
        uint8_t extra;
        if (!(raw.owned = malloc((size_t)bytes)))
            return console_fail(reading->console, FAILED_LIMIT, "not enough memory for %s", file->path);
        raw.data = from = raw.owned;
        raw.n = (size_t)bytes;
        TRY(set_keep(reading->console, reading->set, raw));
        TRY(file_read(file, raw.owned, raw.n, &got));
        if (got < raw.n) return fail_idx(file, "it holds fewer values than its header says");
        TRY(file_read(file, &extra, 1, &got));
        if (got) return fail_idx(file, "it holds more values than its header says");
    } else {
        from = file->bytes.data + file->at;
        TRY(set_keep(reading->console, reading->set, file->bytes));
        file->bytes = (Bytes){0};
    }
    int64_t dtype = h->type->code == 0x08 ? NN_U8 : column->spec->dtype;
    if (f && column->dtype != dtype) return fail_idx(file, "its type differs from that of the training file");
    column->dtype = dtype;
    column->elements = h->elements;
    column->values[f] = from;
    uint8_t *to = NULL;
    if (h->type->code != 0x08) {
        int64_t values = h->rows * h->elements * (dtype == NN_F64 ? 8 : 4);
        Bytes converted = {.owned = malloc((size_t)values), .n = (size_t)values};
        column->values[f] = to = converted.owned;
        if (!to) return console_fail(reading->console, FAILED_LIMIT, "not enough memory for %s", file->path);
        TRY(set_keep(reading->console, reading->set, converted));
    }
    return idx_convert(reading, column, file, h, from, to);
}
static Status idx_read_file(Reading *reading, Column *column, int f, const char *name) {
    DataFile file;
    IdxHeader header;
    int64_t bytes;
    TRY(file_open(reading, name, &file));
    Status status = idx_header(&file, &header);
    if (!status) status = idx_check(reading, &file, &header, column->spec, &bytes);
    int64_t *rows = &reading->set->raw_rows[f];
    if (!status && *rows && *rows != header.rows)
        status = console_fail_at(reading->console, FAILED_DATA, (Spot){.file = file.path}, NULL,
                                 "it holds %lld rows, the other files of data \"%s\" %lld", (long long)header.rows,
                                 reading->set->spec->name, (long long)*rows);
    *rows = status ? *rows : header.rows;
    if (!status) status = idx_values(reading, column, f, &file, &header, bytes);
    file_close(&file);
    return status;
}
Status idx_read(Reading *reading, int64_t c) {
    Column *column = &reading->set->columns[c];
    for (int f = 0; f < N_PARTS && f < column->spec->n_names; f++)
        if (*column->spec->names[f]) TRY(idx_read_file(reading, column, f, column->spec->names[f]));
    return OK;
}

/* array.c: arrays of numbers in files: whether they fit a column, and their values in the type that is kept: bytes
 *stay,
 ** floats of the program's type may stay where they lie, all else is converted and checked one by one. */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

const char *array_sizes(ArrayHeader *h) {
    h->elements = 1;
    for (int64_t i = 0; i < h->rank; i++) {
        if (!h->dims[i]) return "one of its sizes is 0";
        if (i && __builtin_mul_overflow(h->elements, h->dims[i], &h->elements)) return "its sizes are too large";
    }
    h->rows = h->rank ? h->dims[0] : 0;
    return h->rank ? NULL : "it holds one number, not a row for each example";
}
/* The files of a set must have equally many rows. */
static Status rows_agree(Reading *reading, int f, const char *path, int64_t rows) {
    int64_t *known = &reading->set->raw_rows[f];
    if (*known && *known != rows)
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = path}, NULL,
                               "it holds %lld rows, the other files of data \"%s\" %lld", (long long)rows,
                               reading->set->spec->name, (long long)*known);
    *known = rows;
    return OK;
}
Status array_check(Reading *reading, int f, const char *path, size_t most, bool exactly, const ArrayHeader *h,
                   const nn_column *spec, int64_t *bytes) {
    Spot spot = {.file = path};
    TRY(rows_agree(reading, f, path, h->rows));
    if (__builtin_mul_overflow(h->rows, h->elements, bytes) ||
        __builtin_mul_overflow(*bytes, (int64_t)h->type.bytes, bytes) || (uint64_t)*bytes > most ||
        (exactly && (uint64_t)*bytes != most))
        return console_fail_at(reading->console, FAILED_DATA, spot, NULL,
                               "its header says %lld rows of %lld %s, but %s%zu bytes follow", (long long)h->rows,
                               (long long)h->elements, h->type.name, exactly ? "" : "at most ", most);
    int64_t needed = 1;
    for (int64_t i = 0; i < spec->n_dims; i++) needed *= spec->dims[i];
    if (h->elements != needed) {
        Text shape = {0};
        for (int64_t i = 1; i < h->rank; i++) text_format(&shape, "%s%lld", i > 1 ? ", " : "", (long long)h->dims[i]);
        Status status = data_error(reading, spot, spec, "a row is [%s], %lld values, where the page needs %lld",
                                   shape.n ? shape.bytes : "", (long long)h->elements, (long long)needed);
        text_free(&shape);
        return status ? status : FAILED_DATA;
    }
    bool byte = h->type.bytes == 1 && h->type.kind == 'u';
    if (spec->dtype == NN_U8 && !byte && spec->element != NN_BOOLEAN)
        return console_fail_at(
            reading->console, FAILED_DATA, spot, NULL,
            "it holds %s, but the program was made for bytes: compile the page again with this file in place",
            h->type.name);
    return OK;
}

/* ---- one value */
static double half(uint64_t word) {
    int exponent = word >> 10 & 31;
    double fraction = (double)(word & 1023), sign = word >> 15 ? -1 : 1;
    if (exponent == 31) return fraction != 0 ? 0.0 / 0.0 : sign / 0.0;
    if (!exponent) return sign * fraction * 0x1p-24;
    double value = sign * (1024 + fraction) * 0x1p-25;
    for (; exponent > 0; exponent--) value *= 2;
    return value;
}
double array_value(const ArrayType *type, const uint8_t *p) {
    uint64_t word = 0;
    for (int i = 0; i < type->bytes; i++) word = word << 8 | p[type->big ? i : type->bytes - 1 - i];
    if (type->kind == 'u' || type->kind == 'b') return (double)word;
    if (type->kind == 'i') return (double)((int64_t)(word << (64 - 8 * type->bytes)) >> (64 - 8 * type->bytes));
    uint32_t bits = (uint32_t)word;
    float f;
    double d;
    if (type->bytes == 2) return half(word);
    memcpy(&f, &bits, 4);
    memcpy(&d, &word, 8);
    return type->bytes == 4 ? (double)f : d;
}
/* Is a value what the field declares? NULL: yes. */
static const char *misfit_of(const nn_column *spec, double value) {
    bool whole = value >= INT32_MIN && value <= INT32_MAX && value == (double)(int64_t)value;
    if (spec->element == NN_REAL)
        return value - value != 0 ? "is not finite"
               : spec->dtype == NN_F32 && (value > 0x1.fffffep127 || value < -0x1.fffffep127)
                   ? "is beyond the largest float32"
                   : NULL;
    if (!whole) return "is no whole number below 2^31";
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
    default: *to = (uint8_t)value;
    }
}

/* ---- all values */
/* n float32 of a real column, turned around where `big`: true if all are finite. `to` NULL: looked at only. */
static bool floats_take(const uint8_t *from, int64_t n, bool big, uint8_t *to) {
    uint32_t bits, bad = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy(&bits, from + 4 * i, 4);
        if (big) bits = __builtin_bswap32(bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
        if (to) memcpy(to + 4 * i, &bits, 4);
    }
    return !bad;
}
/* Checks each, and stores it unless `to` is NULL. */
static Status convert(const Reading *reading, const Column *column, const char *path, const ArrayHeader *h,
                      const uint8_t *from, uint8_t *to) {
    int64_t size = nn_dtype_bytes(column->dtype);
    const nn_column *spec = column->spec;
    bool floats = h->type.kind == 'f' && h->type.bytes == 4 && column->dtype == NN_F32 && spec->element == NN_REAL;
    for (int64_t row = 0; row < h->rows; row++) {
        int64_t first = 4 * row * h->elements;
        TRY(reading_poll(reading, row));
        if (floats && floats_take(from + first, h->elements, h->type.big, to ? to + first : NULL)) continue;
        for (int64_t i = 0; i < h->elements; i++) {
            int64_t at = row * h->elements + i;
            double value = array_value(&h->type, from + at * h->type.bytes);
            const char *misfit = misfit_of(spec, value);
            Spot spot = {path, row + 1, NULL};
            if (misfit && spec->element == NN_CLASS)
                TRY(data_error(reading, spot, spec, "%.9g %s, %lld", value, misfit, (long long)spec->classes));
            else if (misfit)
                TRY(data_error(reading, spot, spec, "%.9g %s", value, misfit));
            else if (to)
                store(column->dtype, to + at * size, value);
        }
    }
    return OK;
}
/* Can the values stay as they lie in the file? */
static bool lies_well(const ArrayType *type, int64_t dtype, const uint8_t *from) {
    if (type->bytes == 1) return type->kind != 'i' && dtype == NN_U8;
    return type->kind == 'f' && !type->big && dtype == (type->bytes == 8 ? NN_F64 : NN_F32) && type->bytes != 2 &&
           (uintptr_t)from % (size_t)type->bytes == 0;
}
Status array_take(Reading *reading, Column *column, int f, const char *path, const ArrayHeader *h,
                  const uint8_t *from) {
    const nn_column *spec = column->spec;
    bool bytes = h->type.bytes == 1 && h->type.kind != 'i';
    int64_t dtype = bytes ? NN_U8 : spec->dtype;
    if (f && column->values[0] && column->dtype != dtype)
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = path}, NULL,
                               "its type differs from that of the training file");
    column->dtype = dtype;
    column->elements = h->elements;
    column->values[f] = from;
    if (lies_well(&h->type, dtype, from)) {
        bool all_fit = bytes && (spec->element == NN_REAL || spec->element == NN_INT ||
                                 (spec->element == NN_CLASS && spec->classes >= 256));
        return all_fit ? OK : convert(reading, column, path, h, from, NULL);
    }
    int64_t size = nn_dtype_bytes(dtype);
    Bytes converted = {.n = (size_t)(h->rows * h->elements * size)};
    uint8_t *to = converted.owned = malloc(converted.n);
    if (!to) return console_fail(reading->console, FAILED_LIMIT, "not enough memory for %s", path);
    column->values[f] = to;
    TRY(set_keep(reading->console, reading->set, converted));
    return convert(reading, column, path, h, from, to);
}

/* ---- files */
static Status fail_array(const DataFile *file, const char *what) {
    return console_fail_at(file->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "%s", what);
}
static Status array_unzip(DataFile *file, int64_t bytes, Bytes *raw) {
    size_t got;
    uint8_t extra;
    *raw = (Bytes){.owned = malloc((size_t)bytes), .n = (size_t)bytes};
    raw->data = raw->owned;
    if (!raw->owned) return console_fail(file->console, FAILED_LIMIT, "not enough memory for %s", file->path);
    TRY(file_read(file, raw->owned, raw->n, &got));
    if (got < raw->n) return fail_array(file, "it holds fewer values than its header says");
    TRY(file_read(file, &extra, 1, &got));
    return got ? fail_array(file, "it holds more values than its header says") : OK;
}
Status array_read(Reading *reading, Column *column, int f, DataFile *file, const ArrayHeader *h) {
    int64_t bytes;
    TRY(array_check(reading, f, file->path, file_most(file), !file->zipped, h, column->spec, &bytes));
    Bytes raw;
    Status status = file->zipped ? array_unzip(file, bytes, &raw) : file_whole(file, &raw);
    if (!status) status = array_take(reading, column, f, file->path, h, raw.data);
    if (!status && column->values[f] == raw.data) return set_keep(reading->console, reading->set, raw);
    bytes_free(&raw); /* it was converted */
    return status;
}
Status column_files(Reading *reading, int64_t c, Status (*read)(Reading *, Column *, int, DataFile *)) {
    Column *column = &reading->set->columns[c];
    for (int f = 0; f < N_PARTS && f < column->spec->n_names; f++) {
        DataFile file;
        if (!*column->spec->names[f]) continue;
        TRY(file_open(reading, column->spec->names[f], &file));
        Status status = read(reading, column, f, &file);
        file_close(&file);
        TRY(status);
    }
    return OK;
}

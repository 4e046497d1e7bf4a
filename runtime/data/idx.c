/* idx.c: the IDX files of MNIST: bytes 0 0 type rank, rank big-endian sizes, values in C order; plain (mapped) or
** gzip. */
#include "reader.h"

static const struct IdxType {
    int code;
    ArrayType type;
} idx_types[] = {{0x08, {'u', 1, true, "bytes"}}, {0x09, {'i', 1, true, "int8"}},    {0x0B, {'i', 2, true, "int16"}},
                 {0x0C, {'i', 4, true, "int32"}}, {0x0D, {'f', 4, true, "float32"}}, {0x0E, {'f', 8, true, "float64"}}};

static Status fail_idx(DataFile *file, const char *what) {
    return console_fail_at(file->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "%s", what);
}
static Status idx_header(DataFile *file, ArrayHeader *header) {
    uint8_t b[4 + 4 * MAX_ARRAY_RANK];
    size_t got;
    TRY(file_read(file, b, 4, &got));
    *header = (ArrayHeader){0};
    if (got < 4 || b[0] || b[1]) return fail_idx(file, "it is no idx file: it must begin with two bytes 0, type, rank");
    for (size_t i = 0; i < COUNT_OF(idx_types); i++)
        if (idx_types[i].code == b[2]) header->type = idx_types[i].type;
    if (!header->type.bytes) return fail_idx(file, "its idx type (byte 2) is none of 8, 9, 11, 12, 13, 14");
    header->rank = b[3];
    if (b[3] < 1 || b[3] > MAX_ARRAY_RANK) return fail_idx(file, "its idx rank (byte 3) is not 1 to 8");
    TRY(file_read(file, b + 4, 4 * (size_t)header->rank, &got));
    if (got < 4 * (size_t)header->rank) return fail_idx(file, "the file ends within its header");
    for (int64_t i = 0; i < header->rank; i++) {
        const uint8_t *d = b + 4 + 4 * i;
        header->dims[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
    }
    const char *why = array_sizes(header);
    return why ? fail_idx(file, why) : OK;
}
static Status idx_file(Reading *reading, Column *column, int f, DataFile *file) {
    ArrayHeader header;
    TRY(idx_header(file, &header));
    return array_read(reading, column, f, file, &header);
}
Status idx_read(Reading *reading, int64_t c) { return column_files(reading, c, idx_file); }

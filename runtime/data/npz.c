/* npz.c: an npz file of NumPy: a zip of npy arrays, each stored (np.savez) or deflated (np.savez_compressed). The
** central directory at the end says where a member lies; its name is that of the array and ".npy". Everything a file
** says is checked against its length before it is used. Zip64 is read where sizes need it. */
#include "npy.h"
#include <stdlib.h>
#include <string.h>

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, DEFLATE_RATIO = 1032 };
typedef struct Zip {
    DataFile *file;
    const uint8_t *bytes;
    size_t n;
} Zip;
typedef struct Member {
    int method; /* 0 stored, 8 deflated */
    uint64_t packed, whole, at;
    uint32_t crc;
} Member;

static uint64_t little(const uint8_t *p, int bytes) {
    uint64_t word = 0;
    while (bytes--) word = word << 8 | p[bytes];
    return word;
}
static Status fail_npz(const Zip *zip, const char *what) {
    return console_fail_at(zip->file->console, FAILED_DATA, (Spot){.file = zip->file->path}, NULL, "%s", what);
}
static Status fail_zip(const Zip *zip) {
    return fail_npz(zip, "it is no npz file, as np.savez writes it, or it is cut off");
}

/* ---- the directory */
/* Its place and number of entries, from the record at the end (behind which a comment may stand). */
static bool directory_find(const Zip *zip, uint64_t *at, uint64_t *entries) {
    if (zip->n < END_BYTES) return false;
    size_t first = zip->n > END_BYTES + 65535 ? zip->n - END_BYTES - 65535 : 0;
    for (size_t i = zip->n - END_BYTES + 1; i-- > first;) {
        const uint8_t *p = zip->bytes + i;
        if (memcmp(p, "PK\5\6", 4)) continue;
        *entries = little(p + 10, 2);
        *at = little(p + 16, 4);
        if (*at != 0xFFFFFFFF && *entries != 0xFFFF) return true;
        if (i < 20 || memcmp(p - 20, "PK\6\7", 4)) return false;
        uint64_t end = little(p - 12, 8);
        if (zip->n < 56 || end > zip->n - 56 || memcmp(zip->bytes + end, "PK\6\6", 4)) return false;
        *entries = little(zip->bytes + end + 32, 8);
        *at = little(zip->bytes + end + 48, 8);
        return true;
    }
    return false;
}
/* Sizes that did not fit 32 bits stand in an extra field, in this order. */
static bool extra_read(const uint8_t *extra, size_t n, Member *m) {
    uint64_t *large[] = {&m->whole, &m->packed, &m->at};
    for (size_t i = 0; i + 4 <= n;) {
        size_t length = little(extra + i + 2, 2);
        if (i + 4 + length > n) return false;
        if (little(extra + i, 2) == 1) {
            size_t at = i + 4;
            for (size_t k = 0; k < COUNT_OF(large); k++) {
                if (*large[k] != 0xFFFFFFFF) continue;
                if (at + 8 > i + 4 + length) return false;
                *large[k] = little(extra + at, 8);
                at += 8;
            }
            return true;
        }
        i += 4 + length;
    }
    return m->whole != 0xFFFFFFFF && m->packed != 0xFFFFFFFF && m->at != 0xFFFFFFFF;
}
/* The member of a name; *known: those there are, for the message. */
static bool member_find(const Zip *zip, const char *name, Member *m, bool *found, Text *known) {
    uint64_t at, entries;
    if (!directory_find(zip, &at, &entries)) return false;
    for (uint64_t e = 0; e < entries && !*found; e++) {
        if (at > zip->n || zip->n - at < ENTRY_BYTES || memcmp(zip->bytes + at, "PK\1\2", 4)) return false;
        const uint8_t *p = zip->bytes + at;
        size_t length = little(p + 28, 2), extra = little(p + 30, 2), comment = little(p + 32, 2);
        if (zip->n - at - ENTRY_BYTES < length + extra + comment) return false;
        const char *here = (const char *)p + ENTRY_BYTES;
        size_t n = length > 4 && !memcmp(here + length - 4, ".npy", 4) ? length - 4 : length;
        if (n == strlen(name) && !memcmp(here, name, n)) {
            *m = (Member){.method = (int)little(p + 10, 2),
                          .crc = (uint32_t)little(p + 16, 4),
                          .packed = little(p + 20, 4),
                          .whole = little(p + 24, 4),
                          .at = little(p + 42, 4)};
            *found = true;
            return extra_read((const uint8_t *)here + length, extra, m);
        }
        if (e < 20) {
            text_put(known, known->n ? ", " : "");
            text_shown(known, here, n);
        }
        at += ENTRY_BYTES + length + extra + comment;
    }
    return true;
}

/* ---- a member */
static Status inflate_member(Reading *reading, const Zip *zip, const Member *m, const uint8_t *from, uint8_t *to) {
    z_stream z = {0};
    size_t in = m->packed, out = m->whole;
    if (inflateInit2(&z, -15) != Z_OK)
        return console_fail(reading->console, FAILED_LIMIT, "not enough memory to unzip %s", zip->file->path);
    z.next_in = (Bytef *)(uintptr_t)from;
    z.next_out = to;
    int answer = Z_OK;
    while (answer == Z_OK) {
        size_t in_now = in < 1 << 30 ? in : 1 << 30, out_now = out < 1 << 30 ? out : 1 << 30;
        z.avail_in = (uInt)in_now;
        z.avail_out = (uInt)out_now;
        answer = inflate(&z, Z_NO_FLUSH);
        in -= in_now - z.avail_in;
        out -= out_now - z.avail_out;
    }
    inflateEnd(&z);
    return answer == Z_STREAM_END && !out ? OK : fail_npz(zip, "its deflated array is damaged");
}
/* The array's bytes, which the set keeps. The file's own bytes must be kept by the caller. */
static Status member_bytes(Reading *reading, const Zip *zip, const Member *m, const uint8_t **bytes) {
    if (m->at > zip->n || zip->n - m->at < LOCAL_BYTES || memcmp(zip->bytes + m->at, "PK\3\4", 4)) return fail_zip(zip);
    const uint8_t *local = zip->bytes + m->at;
    if (little(local + 6, 2) & 1) return fail_npz(zip, "it is encrypted");
    uint64_t data = m->at + LOCAL_BYTES + little(local + 26, 2) + little(local + 28, 2);
    if (data > zip->n || zip->n - data < m->packed) return fail_zip(zip);
    if (m->method == 0 && m->packed == m->whole)
        *bytes = zip->bytes + data;
    else if (m->method == 8 && m->whole / DEFLATE_RATIO <= m->packed) {
        Bytes whole = {.owned = malloc(m->whole + 1), .n = m->whole};
        if (!(*bytes = whole.owned))
            return console_fail(reading->console, FAILED_LIMIT, "not enough memory for %s", zip->file->path);
        TRY(set_keep(reading->console, reading->set, whole));
        TRY(inflate_member(reading, zip, m, zip->bytes + data, whole.owned));
    } else
        return fail_npz(zip, "its array is neither stored nor deflated");
    uLong crc = crc32_z(0, *bytes, m->whole);
    return crc == m->crc ? OK : fail_npz(zip, "its array is damaged: the crc differs");
}
static Status member_array(Reading *reading, Column *column, int f, const Zip *zip, const uint8_t *from, size_t n) {
    ArrayHeader header;
    char dict[65537];
    int skip;
    int64_t bytes, length = n < 12 ? -1 : npy_header_bytes(from, &skip);
    if (length < 0 || (size_t)(skip + length) > n) return fail_npz(zip, "its member is no npy array");
    memcpy(dict, from + skip, (size_t)length);
    dict[length] = 0;
    const char *why = npy_header(dict, &header);
    if (why) return fail_npz(zip, why);
    from += skip + length;
    TRY(array_check(reading, f, zip->file->path, n - (size_t)(skip + length), true, &header, column->spec, &bytes));
    return array_take(reading, column, f, zip->file->path, &header, from);
}
static Status npz_file(Reading *reading, Column *column, int f, DataFile *file) {
    const char *name = column->spec->n_names > N_PARTS ? column->spec->names[N_PARTS] : "";
    Zip zip = {.file = file};
    Text known = {0};
    Member m = {0};
    bool found = false;
    Bytes whole;
    TRY(file_whole(file, &whole));
    TRY(set_keep(reading->console, reading->set, whole)); /* a stored array is used where it lies */
    zip.bytes = whole.data;
    zip.n = whole.n;
    Status status = OK;
    if (!member_find(&zip, name, &m, &found, &known))
        status = fail_zip(&zip);
    else if (!found)
        status = console_fail_at(reading->console, FAILED_DATA, (Spot){.file = file->path}, NULL,
                                 "it has no array \"%s\"; it has %s", name, known.n ? known.bytes : "none");
    text_free(&known);
    const uint8_t *bytes = NULL;
    if (!status) status = member_bytes(reading, &zip, &m, &bytes);
    return status ? status : member_array(reading, column, f, &zip, bytes, m.whole);
}
Status npz_read(Reading *reading, int64_t c) { return column_files(reading, c, npz_file); }

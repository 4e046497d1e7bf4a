/* safetensors.c: writes the safetensors format. See safetensors.h; the reader is safetensors_read.c. */
#include "safetensors.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

const char *const dtype_names[] = {"F32", "F64", "I32", "U8", "BOOL"};

static uint32_t tensors_crc(const Tensor *tensors, int64_t n) {
    uLong crc = crc32(0, NULL, 0);
    for (int64_t i = 0; i < n; i++) crc = crc32_z(crc, tensors[i].data, (z_size_t)tensors[i].bytes);
    return (uint32_t)crc;
}
/* Eight bytes of length, then JSON, filled with spaces so that the data begins at a multiple of 64. */
static void header_put(Text *out, const Tensor *tensors, int64_t n, const Pair *metadata, int64_t n_metadata,
                       const char *crc) {
    Json json = json_to(out);
    text_add(out, "\0\0\0\0\0\0\0\0", 8);
    json_open(&json, NULL, '{');
    if (n_metadata || crc) {
        json_open(&json, "__metadata__", '{');
        for (int64_t i = 0; i < n_metadata; i++) json_string(&json, metadata[i].key, metadata[i].value);
        if (crc) json_string(&json, "crc", crc);
        json_close(&json, '}');
    }
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        json_open(&json, tensors[i].name, '{');
        json_string(&json, "dtype", dtype_names[tensors[i].dtype]);
        json_open(&json, "shape", '[');
        for (int64_t d = 0; d < tensors[i].rank; d++) json_integer(&json, NULL, tensors[i].dims[d]);
        json_close(&json, ']');
        json_open(&json, "data_offsets", '[');
        json_integer(&json, NULL, at);
        json_integer(&json, NULL, at += tensors[i].bytes);
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, '}');
    while (out->n % 64 && !out->failed) text_put(out, " ");
    for (int i = 0; i < 8 && !out->failed; i++) out->bytes[i] = (char)((out->n - 8) >> (8 * i));
}
static int file_put(const Io *io, int fd, const Text *header, const Tensor *tensors, int64_t n) {
    int error = io_write_all(io, fd, header->bytes, header->n);
    for (int64_t i = 0; i < n && !error; i++) error = io_write_all(io, fd, tensors[i].data, (size_t)tensors[i].bytes);
    if (!error && io->sync(fd)) error = errno;
    return error;
}
/* The next n bytes of a file are these: EIO if not. A block at a time: no copy of the parameters is made. */
static int bytes_compare(const Io *io, int fd, const void *bytes, size_t n) {
    char block[1 << 15];
    for (size_t at = 0, got; at < n; at += got) {
        size_t part = n - at < sizeof block ? n - at : sizeof block;
        int error = io_read_all(io, fd, block, part, &got);
        if (error) return error;
        if (got < part || memcmp(block, (const char *)bytes + at, part)) return EIO;
    }
    return 0;
}
/* What the disk gives back must be what was written, and no more. */
static int file_compare(const Io *io, const char *path, const Text *header, const Tensor *tensors, int64_t n) {
    char more;
    size_t got = 0;
    int fd = io->open(path, O_RDONLY, 0);
    if (fd < 0) return errno;
    int error = bytes_compare(io, fd, header->bytes, header->n);
    for (int64_t i = 0; i < n && !error; i++) error = bytes_compare(io, fd, tensors[i].data, (size_t)tensors[i].bytes);
    if (!error) error = io_read_all(io, fd, &more, 1, &got);
    if (io->close(fd) && !error) error = errno;
    return error ? error : got ? EIO : 0;
}
static int file_write(const Io *io, const char *temporary, const Text *header, const Tensor *tensors, int64_t n) {
    io->unlink(temporary);
    int fd = io->open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) return errno;
    int error = file_put(io, fd, header, tensors, n);
    if (io->close(fd) && !error) error = errno;
    return error ? error : file_compare(io, temporary, header, tensors, n);
}
Status safetensors_write(Console *console, const char *path, const char *previous, const Tensor *tensors, int64_t n,
                         const Pair *metadata, int64_t n_metadata, bool crc) {
    char temporary[PATH_MAX], digits[16];
    Text header = {0};
    const Io *io = console->io;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return console_fail_file(console, FAILED_OUTPUT, "write", path, ENAMETOOLONG);
    snprintf(digits, sizeof digits, "%08x", crc ? tensors_crc(tensors, n) : 0);
    header_put(&header, tensors, n, metadata, n_metadata, crc ? digits : NULL);
    int error = header.failed ? ENOMEM : file_write(io, temporary, &header, tensors, n);
    text_free(&header);
    if (!error && previous && io->rename(path, previous) && errno != ENOENT) error = errno;
    if (!error && io->rename(temporary, path)) error = errno;
    if (error) io->unlink(temporary);
    if (!error) error = io_sync_folder(io, path);
    return error ? console_fail_file(console, FAILED_OUTPUT, "write", path, error) : OK;
}

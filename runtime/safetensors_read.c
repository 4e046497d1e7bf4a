/* safetensors_read.c: reads the safetensors format: every number of the header is checked before anything is done with
** it. */
#include "safetensors.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const struct {
    const char *name;
    int64_t bytes, dtype;
} read_types[] = {{"F32", 4, NN_F32}, {"F64", 8, NN_F64}, {"I32", 4, NN_I32}, {"U8", 1, NN_U8}, {"BOOL", 1, NN_BOOL}};

static const char *dims_read(const JsonValue *shape, int64_t *dims, Tensor *tensor, int64_t *elements) {
    *elements = 1;
    if (!shape || shape->kind != JSON_ARRAY) return "a tensor without shape";
    for (const JsonValue *v = shape->child; v; v = v->next) {
        if (tensor->rank == MAX_RANK) return "a tensor of more than 12 axes";
        if (v->kind != JSON_NUMBER || !json_i64(v, &dims[tensor->rank]) || dims[tensor->rank] < 0)
            return "a size that is no whole number";
        if (__builtin_mul_overflow(*elements, dims[tensor->rank], elements)) return "sizes too large";
        tensor->rank++;
    }
    return NULL;
}
static const char *tensor_read(const JsonValue *v, const SafeFile *file, int64_t *dims, Tensor *tensor, int64_t *next) {
    const char *dtype = json_text(json_member(v, "dtype"), "");
    const JsonValue *offsets = json_member(v, "data_offsets");
    int64_t elements, bytes = 0, from, to, room = (int64_t)file->bytes.n - file->data;
    *tensor = (Tensor){.name = v->key, .dtype = -1, .dims = dims};
    if (v->key_n != strlen(v->key) || v->key_n > 255) return "a tensor name with a zero byte or longer than 255 bytes";
    for (size_t i = 0; i < COUNT_OF(read_types); i++)
        if (!strcmp(dtype, read_types[i].name)) tensor->dtype = read_types[i].dtype, bytes = read_types[i].bytes;
    const char *why = dims_read(json_member(v, "shape"), dims, tensor, &elements);
    if (why) return why;
    if (!offsets || offsets->kind != JSON_ARRAY || !offsets->child || !offsets->child->next ||
        offsets->child->next->next || offsets->child->kind != JSON_NUMBER ||
        offsets->child->next->kind != JSON_NUMBER || !json_i64(offsets->child, &from) ||
        !json_i64(offsets->child->next, &to))
        return "a tensor without two data_offsets";
    if (from != *next || to < from) return "tensors that do not lie one behind the other";
    if (to > room) return "the file is cut off";
    tensor->bytes = to - from;
    if (tensor->dtype >= 0 && (__builtin_mul_overflow(elements, bytes, &bytes) || bytes != tensor->bytes))
        return "a tensor whose bytes are not its shape's";
    tensor->data = file->bytes.data + file->data + from;
    *next = to;
    return NULL;
}
static const char *tensors_read(SafeFile *file) {
    int64_t n = 0, next = 0;
    for (const JsonValue *v = file->header->child; v; v = v->next) n += strcmp(v->key, "__metadata__") != 0;
    if (n > MAX_TENSORS) return "more than 65536 tensors";
    int64_t *dims = calloc((size_t)n * MAX_RANK + 1, sizeof *dims);
    file->tensors = calloc((size_t)n + 1, sizeof *file->tensors);
    file->dims = dims;
    if (!dims || !file->tensors) return out_of_memory;
    for (const JsonValue *v = file->header->child; v; v = v->next) {
        if (!strcmp(v->key, "__metadata__")) continue;
        const char *why = tensor_read(v, file, dims + MAX_RANK * file->n, &file->tensors[file->n], &next);
        if (why) return why;
        file->n++;
    }
    return next == (int64_t)file->bytes.n - file->data ? NULL : "bytes behind the last tensor";
}
static const char *crc_check(const SafeFile *file) {
    const char *said = safetensors_metadata(file, "crc");
    char digits[16];
    if (!said) return NULL;
    snprintf(digits, sizeof digits, "%08lx",
             crc32_z(crc32(0, NULL, 0), file->bytes.data + file->data, file->bytes.n - (size_t)file->data));
    return strcmp(said, digits) ? "its checksum does not agree: the file is damaged" : NULL;
}
static const char *header_read(SafeFile *file) {
    uint64_t length = 0;
    const char *why;
    if (file->bytes.n < 8) return "the file is cut off";
    for (int i = 0; i < 8; i++) length |= (uint64_t)file->bytes.data[i] << (8 * i);
    if (length > MAX_HEADER) return "it is no safetensors file (its header would be longer than 16 MiB)";
    if (length > file->bytes.n - 8) return "the file is cut off";
    file->data = 8 + (int64_t)length;
    if (!length || file->bytes.data[8] != '{') return "it is no safetensors file";
    file->header = json_read((const char *)file->bytes.data + 8, length, &why);
    if (!file->header) return why;
    const JsonValue *metadata = json_member(file->header, "__metadata__");
    for (const JsonValue *v = metadata ? metadata->child : NULL; v; v = v->next)
        if (v->kind != JSON_STRING) return "metadata that is no text";
    return metadata && metadata->kind != JSON_OBJECT ? "metadata that is no object" : NULL;
}
const char *safetensors_open(const Io *io, const char *path, SafeFile *file) {
    *file = (SafeFile){0};
    int error = bytes_read(io, path, false, &file->bytes);
    if (error == ENOMEM) return out_of_memory;
    if (error) return error == ENOENT ? "there is no such file" : strerror(error);
    const char *why = header_read(file);
    if (!why) why = tensors_read(file);
    if (!why) why = crc_check(file);
    if (why) safetensors_close(file);
    return why;
}
void safetensors_close(SafeFile *file) {
    json_free(file->header);
    free(file->tensors);
    free(file->dims);
    bytes_free(&file->bytes);
    *file = (SafeFile){0};
}
const Tensor *safetensors_find(const SafeFile *file, const char *name) {
    for (int64_t i = 0; i < file->n; i++)
        if (!strcmp(file->tensors[i].name, name)) return &file->tensors[i];
    return NULL;
}
const char *safetensors_metadata(const SafeFile *file, const char *key) {
    return json_text(json_member(json_member(file->header, "__metadata__"), key), NULL);
}

/* file.c: opens the files of data: finds them, maps or reads them, unzips them; says what is wrong with them as a
** whole. */
#include "reader.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFLATE_RATIO = 1032, MAX_MEMBERS = 1024, ZIP_BLOCK = 1 << 20 };
static const int64_t most_bytes = (int64_t)64 << 30;

Status set_keep(Console *console, Set *set, Bytes bytes) {
    Bytes *grown = realloc(set->owned, sizeof *grown * (size_t)(set->n_owned + 1));
    if (!grown) {
        bytes_free(&bytes);
        return console_fail(console, FAILED_LIMIT, "not enough memory for the data");
    }
    set->owned = grown;
    set->owned[set->n_owned++] = bytes;
    return OK;
}
SourceFile *source_add(Console *console, Set *set, const char *path, int64_t bytes) {
    for (int64_t i = 0; i < set->n_files; i++)
        if (!strcmp(set->files[i].path, path)) return &set->files[i];
    SourceFile *grown = realloc(set->files, sizeof *grown * (size_t)(set->n_files + 1));
    if (!grown) {
        (void)console_fail(console, FAILED_LIMIT, "not enough memory for the data");
        return NULL;
    }
    set->files = grown;
    set->files[set->n_files] = (SourceFile){.path = path, .bytes = bytes};
    return &set->files[set->n_files++];
}

/* Where a name of the page lies: absolute; or in the folder, there also without the folders the page writes before
** it. */
static bool path_find(const Reading *reading, const char *name, char *path, size_t n) {
    if (reading->file) return (size_t)snprintf(path, n, "%s", reading->file) < n;
    if (*name == '/') return (size_t)snprintf(path, n, "%s", name) < n;
    const char *folder = reading->folder, *slash = strrchr(name, '/');
    if ((size_t)snprintf(path, n, "%s%s%s", folder, *folder ? "/" : "", name) >= n) return false;
    if (!slash || access(path, F_OK) == 0) return true;
    char *bare = malloc(n);
    bool found = bare && (size_t)snprintf(bare, n, "%s%s%s", folder, *folder ? "/" : "", slash + 1) < n &&
                 access(bare, F_OK) == 0;
    if (found) strcpy(path, bare);
    free(bare);
    return true;
}
Status file_open(Reading *reading, const char *name, DataFile *file) {
    char path[PATH_MAX];
    *file = (DataFile){.console = reading->console};
    if (!path_find(reading, name, path, sizeof path))
        return console_fail(reading->console, FAILED_DATA, "the path of %s is too long", name);
    if (!(file->path = console_copy(reading->console, path))) return FAILED_LIMIT;
    int error = bytes_read(reading->console->io, path, true, &file->bytes);
    if (error == ENOENT) {
        char here[PATH_MAX];
        bool absolute = *path == '/' || !getcwd(here, sizeof here);
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = path}, NULL,
                               "there is no such file%s%s (data \"%s\", %s.nn:%lld); --data %s=PATH names another",
                               absolute ? "" : " below ", absolute ? "" : here, reading->set->spec->name,
                               reading->program->name, (long long)reading->set->spec->line, reading->set->spec->name);
    }
    if (error) return console_fail_file(reading->console, FAILED_DATA, "read", path, error);
    if (!file->bytes.n) {
        file_close(file);
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "the file is empty");
    }
    if (!source_add(reading->console, reading->set, file->path, (int64_t)file->bytes.n)) return FAILED_LIMIT;
    file->zipped = file->bytes.n >= 2 && file->bytes.data[0] == 0x1f && file->bytes.data[1] == 0x8b;
    if (!file->zipped) return OK;
    file->zip.next_in = (Bytef *)file->bytes.data;
    file->zip.avail_in = 0;
    if (inflateInit2(&file->zip, 15 + 16) == Z_OK) return OK;
    file_close(file);
    return console_fail(reading->console, FAILED_LIMIT, "not enough memory to unzip %s", path);
}
void file_close(DataFile *file) {
    if (file->zipped) inflateEnd(&file->zip);
    bytes_free(&file->bytes);
    file->zipped = false;
}

static Status fail_zip(const DataFile *file, const char *what) {
    size_t at = (size_t)(file->zip.next_in - file->bytes.data);
    return console_fail_at(file->console, FAILED_DATA, (Spot){.file = file->path}, NULL, "%s (at byte %zu of %zu)",
                           what, at, file->bytes.n);
}
/* The next member, if one follows: 1; the end: 0. */
static int zip_next_member(DataFile *file) {
    size_t left = file->bytes.n - (size_t)(file->zip.next_in - file->bytes.data);
    if (left < 2 || file->zip.next_in[0] != 0x1f || file->zip.next_in[1] != 0x8b || ++file->members > MAX_MEMBERS)
        return 0;
    return inflateReset(&file->zip) == Z_OK;
}
/* Block by block: the pages of a block that has been unzipped are given back, so memory holds what came of it alone. */
static Status zip_read(DataFile *file, uint8_t *to, size_t n, size_t *got) {
    z_stream *z = &file->zip;
    *got = 0;
    while (*got < n) {
        size_t at = (size_t)(z->next_in - file->bytes.data), left = file->bytes.n - at, room = n - *got;
        z->avail_in = left > ZIP_BLOCK ? ZIP_BLOCK : (uInt)left;
        z->next_out = to + *got;
        z->avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
        uInt before = z->avail_out;
        int answer = inflate(z, Z_NO_FLUSH);
        *got += before - z->avail_out;
        bytes_drop(&file->bytes, at, (size_t)(z->next_in - file->bytes.data));
        if (answer == Z_STREAM_END) {
            if (!zip_next_member(file)) return OK;
        } else if (answer == Z_BUF_ERROR) /* there is room, so it lacks input */
            return fail_zip(file, "the gzip file is cut off");
        else if (answer == Z_DATA_ERROR)
            return fail_zip(file, "the gzip file is damaged");
        else if (answer == Z_MEM_ERROR)
            return console_fail(file->console, FAILED_LIMIT, "not enough memory to unzip %s", file->path);
        else if (answer != Z_OK)
            return fail_zip(file, "the gzip file cannot be read");
    }
    return OK;
}
Status file_read(DataFile *file, void *to, size_t n, size_t *got) {
    if (file->zipped) return zip_read(file, to, n, got);
    *got = n < file->bytes.n - file->at ? n : file->bytes.n - file->at;
    memcpy(to, file->bytes.data + file->at, *got);
    file->at += *got;
    return OK;
}
size_t file_most(const DataFile *file) {
    size_t most;
    if (!file->zipped) return file->bytes.n - file->at;
    return __builtin_mul_overflow(file->bytes.n, (size_t)DEFLATE_RATIO, &most) || most > (size_t)most_bytes
               ? (size_t)most_bytes
               : most;
}
Status file_whole(DataFile *file, Bytes *whole) {
    *whole = (Bytes){0};
    if (!file->zipped) {
        *whole = file->bytes;
        whole->data += file->at;
        whole->n -= file->at;
        file->bytes = (Bytes){0};
        return OK;
    }
    size_t most = file_most(file), capacity = 0, got;
    do {
        size_t larger = capacity ? 2 * capacity : 4 * file->bytes.n + 1024;
        if (larger > most) larger = most;
        void *grown = larger > capacity ? realloc(whole->owned, larger) : NULL;
        if (!grown) {
            bytes_free(whole);
            return console_fail(file->console, FAILED_LIMIT, "%s is too large when unzipped", file->path);
        }
        whole->owned = grown;
        Status status = zip_read(file, (uint8_t *)grown + whole->n, larger - capacity, &got);
        if (status) {
            bytes_free(whole);
            return status;
        }
        whole->n += got;
        capacity = larger;
    } while (whole->n == capacity);
    whole->data = whole->owned;
    return OK;
}

/* ---- messages */
const char *column_note(const Reading *reading, const nn_column *column, Text *to) {
    text_free(to);
    text_format(to, "needed by  %s  (%s.nn:%lld)", *column->text ? column->text : column->field, reading->program->name,
                (long long)column->line);
    return to->failed ? NULL : to->bytes;
}
Status data_error(const Reading *reading, Spot spot, const nn_column *column, const char *format, ...) {
    Text message = {0}, note = {0};
    va_list list;
    va_start(list, format);
    text_format_list(&message, format, list);
    va_end(list);
    (void)console_fail_at(reading->console, FAILED_DATA, spot, column ? column_note(reading, column, &note) : NULL,
                          "%s", message.failed ? "out of memory" : message.bytes);
    text_free(&message);
    text_free(&note);
    if (++reading->console->data_errors < MAX_DATA_ERRORS) return OK;
    console_note(reading->console, "%d errors in the data; the rest is not looked at", MAX_DATA_ERRORS);
    return FAILED_DATA;
}
Status reading_poll(const Reading *reading, int64_t row) {
    const DataRequest *request = reading->request;
    if (row % 1000 || !request->stopped || !request->stopped(request->stopped_by)) return OK;
    console_note(reading->console, "interrupted while reading data; nothing was written");
    return FAILED_INTERRUPTED;
}

/* images.c: `images`: pictures in folders, PNG or JPEG, each of the size that the page declares. The class of a picture
** is the folder it lies in (its path below the set's own folder). Folders and files are walked in byte order; what
** begins with a dot, and what is no picture by its name, is passed over. This file is linked only into programs that
** have such a set, and with it the codecs. */
#include "../sha256.h"
#include "picture.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 8, MAX_PICTURES = 1 << 27 };
typedef struct Images {
    Reading *reading;
    int file;                /* part */
    int64_t picture, folder; /* columns of the set; -1: not wanted */
    ClassTable *classes;
    int64_t n, capacity;
    struct Entry {
        char *path;
        int32_t class; /* id in the table */
    } *entries;        /* of this part */
    size_t root;       /* length of the set's folder in each path */
} Images;

static Status fail_memory(const Images *x) {
    return console_fail(x->reading->console, FAILED_LIMIT, "not enough memory for the pictures");
}

/* ---- finding them */
typedef enum Type { NO_PICTURE, PNG, JPEG, OTHER_PICTURE } Type;
static Type type_of(const char *name) {
    static const struct {
        const char *end;
        Type type;
    } ends[] = {{".png", PNG},           {".jpg", JPEG},           {".jpeg", JPEG},         {".bmp", OTHER_PICTURE},
                {".gif", OTHER_PICTURE}, {".webp", OTHER_PICTURE}, {".tif", OTHER_PICTURE}, {".tiff", OTHER_PICTURE},
                {".pgm", OTHER_PICTURE}, {".ppm", OTHER_PICTURE}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < COUNT_OF(ends); i++)
        if (!strcasecmp(dot, ends[i].end)) return ends[i].type;
    return NO_PICTURE;
}
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
/* Names in a folder, sorted; without those that begin with a dot. */
static Status names_list(const Images *x, const char *path, char ***names, int64_t *n) {
    DIR *folder = opendir(path);
    int64_t capacity = 0;
    *names = NULL, *n = 0;
    if (!folder) return console_fail_file(x->reading->console, FAILED_DATA, "read", path, errno);
    bool memory = true;
    for (struct dirent *entry; memory && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        if (*n == capacity) {
            char **grown = realloc(*names, sizeof *grown * (size_t)(capacity = 2 * capacity + 64));
            if (!(memory = grown != NULL)) break;
            *names = grown;
        }
        memory = ((*names)[*n] = strdup(entry->d_name)) != NULL;
        *n += memory;
    }
    closedir(folder);
    if (memory && *n) qsort(*names, (size_t)*n, sizeof **names, by_name);
    return memory ? OK : fail_memory(x);
}
static Status picture_found(Images *x, const char *path, const char *folder) {
    Spot spot = {.file = path};
    const Reading *reading = x->reading;
    if (type_of(path) == OTHER_PICTURE) return data_error(reading, spot, NULL, "pictures must be PNG or JPEG");
    if (x->folder >= 0 && !*folder)
        return data_error(reading, spot, reading->set->columns[x->folder].spec,
                          "it lies in no folder below that of the data, so it has no class");
    if (x->n == x->capacity) {
        struct Entry *grown = realloc(x->entries, sizeof *grown * (size_t)(2 * x->capacity + 256));
        if (!grown || x->n >= MAX_PICTURES) return fail_memory(x);
        x->entries = grown;
        x->capacity = 2 * x->capacity + 256;
    }
    char *copy = strdup(path);
    if (!copy) return fail_memory(x);
    x->entries[x->n++] = (struct Entry){copy, class_id(x->classes, folder, strlen(folder), (Spot){.file = copy})};
    return x->entries[x->n - 1].class < 0 ? fail_memory(x) : OK;
}
static Status folder_walk(Images *x, const char *path, int depth) {
    char **names;
    int64_t n;
    Status status = names_list(x, path, &names, &n);
    for (int64_t i = 0; i < n && !status; i++) {
        char inside[PATH_MAX];
        struct stat info;
        if ((size_t)snprintf(inside, sizeof inside, "%s/%s", path, names[i]) >= sizeof inside)
            status = console_fail_file(x->reading->console, FAILED_DATA, "read", path, ENAMETOOLONG);
        else if (stat(inside, &info))
            status = console_fail_file(x->reading->console, FAILED_DATA, "read", inside, errno);
        else if (S_ISDIR(info.st_mode) && depth < MAX_DEPTH)
            status = folder_walk(x, inside, depth + 1);
        else if (S_ISREG(info.st_mode) && type_of(names[i]))
            status = picture_found(x, inside, path[x->root] ? path + x->root + 1 : "");
        if (!status) status = reading_poll(x->reading, x->n);
    }
    for (int64_t i = 0; i < n; i++) free(names[i]);
    free(names);
    return status;
}
/* The set's folder: --data gives one to look in, or the folder of pictures itself. */
static Status root_find(Images *x, char *root) {
    const Reading *reading = x->reading;
    const char *name = reading->set->spec->files[x->file], *slash = strrchr(name, '/');
    const char *tries[3] = {name, slash ? slash + 1 : name, ""};
    struct stat info;
    bool page = !strcmp(reading->folder, reading->set->spec->folder);
    for (int i = 0; i < (page ? 1 : x->file ? 2 : 3); i++) {
        if (*name == '/')
            snprintf(root, PATH_MAX, "%s", name);
        else
            snprintf(root, PATH_MAX, "%s%s%s", reading->folder, *reading->folder && *tries[i] ? "/" : "", tries[i]);
        size_t n = strlen(root);
        while (n > 1 && root[n - 1] == '/') root[--n] = 0;
        x->root = n;
        if (!stat(root, &info) && S_ISDIR(info.st_mode)) return OK;
    }
    snprintf(root, PATH_MAX, "%s%s%s", reading->folder, *reading->folder ? "/" : "", name);
    return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = root}, NULL,
                           "there is no such folder (data \"%s\", %s.nn:%lld); --data %s=PATH names another",
                           reading->set->spec->name, reading->program->name, (long long)reading->set->spec->line,
                           reading->set->spec->name);
}

/* ---- pixels */
/* From the channels of the file to those of the page, where nothing is lost by it; NULL, or why not. */
static const char *channels_fit(const Picture *p, int64_t channels, uint8_t *to) {
    int64_t n = p->height * p->width, found = p->channels;
    const uint8_t *from = p->pixels;
    bool gray = found < 3;
    for (int64_t i = 0; i < n; i++, from += found, to += channels) {
        if (found % 2 == 0 && from[found - 1] != 255)
            return "it is transparent in places; the page takes opaque pictures";
        if (!gray && channels == 1 && (from[0] != from[1] || from[1] != from[2]))
            return "it has colours; the page takes one channel";
        for (int64_t c = 0; c < channels; c++) to[c] = from[gray ? 0 : c];
    }
    return NULL;
}
static Status picture_read(Images *x, const struct Entry *entry, Picture *picture, uint8_t *to, Sha256 *sha,
                           int64_t *bytes) {
    const Reading *reading = x->reading;
    const nn_column *spec = reading->set->columns[x->picture].spec;
    Spot spot = {.file = entry->path};
    Bytes file;
    int error = bytes_read(reading->console->io, entry->path, true, &file);
    if (error) return console_fail_file(reading->console, FAILED_DATA, "read", entry->path, error);
    sha256_add(sha, file.data, file.n);
    *bytes += (int64_t)file.n;
    picture->found_height = 0;
    bool good = type_of(entry->path) == PNG ? picture_png(file.data, file.n, picture)
                                            : picture_jpeg(file.data, file.n, picture);
    bytes_free(&file);
    const char *why = good ? channels_fit(picture, spec->dims[2], to) : picture->why;
    if (!why) return OK;
    if (*why) return data_error(reading, spot, spec, "%s", why);
    return data_error(reading, spot, spec,
                      "it is %lld high and %lld wide, the page takes pictures of [%lld, %lld, %lld]",
                      (long long)picture->found_height, (long long)picture->found_width, (long long)spec->dims[0],
                      (long long)spec->dims[1], (long long)spec->dims[2]);
}
static Status pixels_read(Images *x, Sha256 *sha, int64_t *bytes) {
    Reading *reading = x->reading;
    Column *column = &reading->set->columns[x->picture];
    const nn_column *spec = column->spec;
    if (spec->n_dims != 3 || (spec->dims[2] != 1 && spec->dims[2] != 3))
        return console_fail(reading->console, FAILED_DATA,
                            "%s (%s.nn:%lld): a picture is [height, width, channels], 1 or 3 channels", spec->field,
                            reading->program->name, (long long)spec->line);
    Picture picture = {.height = spec->dims[0], .width = spec->dims[1]};
    int64_t size = 0, all = 0;
    bool large = __builtin_mul_overflow(picture.height, picture.width, &size) ||
                 __builtin_mul_overflow(size * spec->dims[2], x->n, &all);
    Bytes block = {.owned = large ? NULL : malloc((size_t)all), .n = (size_t)all};
    picture.pixels = large ? NULL : malloc((size_t)size * 4);
    column->elements = size * spec->dims[2];
    column->dtype = NN_U8;
    column->values[x->file] = block.owned;
    Status status = block.owned && picture.pixels ? OK : fail_memory(x);
    if (block.owned) {
        Status kept = set_keep(reading->console, reading->set, block);
        if (!status) status = kept;
    }
    for (int64_t i = 0; i < x->n && !status; i++) {
        status = reading_poll(reading, i + 1);
        if (!status)
            status =
                picture_read(x, &x->entries[i], &picture, (uint8_t *)block.owned + i * column->elements, sha, bytes);
    }
    free(picture.pixels);
    return status;
}
/* The ids of the folders, which become classes when all parts are read. */
static Status folders_keep(Images *x) {
    Column *column = &x->reading->set->columns[x->folder];
    Bytes block = {.n = 4 * (size_t)x->n, .owned = malloc(4 * (size_t)x->n)};
    int32_t *ids = block.owned;
    if (!ids) return fail_memory(x);
    for (int64_t i = 0; i < x->n; i++) ids[i] = x->entries[i].class;
    column->values[x->file] = block.owned;
    column->elements = 1;
    column->dtype = NN_I32;
    return set_keep(x->reading->console, x->reading->set, block);
}
static Status part_read(Images *x) {
    char root[PATH_MAX];
    Reading *reading = x->reading;
    Sha256 sha;
    int64_t bytes = 0;
    SourceFile *source;
    x->n = 0;
    TRY(root_find(x, root));
    TRY(folder_walk(x, root, 0));
    if (reading->console->data_errors) return FAILED_DATA;
    if (!x->n)
        return console_fail_at(reading->console, FAILED_DATA, (Spot){.file = root}, NULL,
                               "there is no picture (.png, .jpg, .jpeg) in this folder");
    reading->set->raw_rows[x->file] = x->n;
    sha256_begin(&sha);
    for (int64_t i = 0; i < x->n; i++)
        sha256_add(&sha, x->entries[i].path + x->root, strlen(x->entries[i].path + x->root) + 1);
    if (x->picture >= 0) TRY(pixels_read(x, &sha, &bytes));
    if (x->folder >= 0) TRY(folders_keep(x));
    char *path = console_copy(reading->console, root);
    if (!path || !(source = source_add(reading->console, reading->set, path, bytes))) return FAILED_LIMIT;
    sha256_end(&sha, source->sha256);
    return OK;
}
static Status classes_apply(Images *x) {
    Set *set = x->reading->set;
    Column *column = &set->columns[x->folder];
    int32_t *map;
    TRY(classes_settle(x->reading, column, x->classes, &map));
    for (int f = 0; f < N_PARTS; f++)
        for (int64_t i = 0; column->values[f] && i < set->raw_rows[f]; i++) {
            int32_t *id = (int32_t *)(void *)(uintptr_t)column->values[f] + i;
            *id = map[*id];
        }
    return OK;
}
Status images_read(Reading *reading) {
    const nn_set *spec = reading->set->spec;
    ClassTable classes = {0};
    Images x = {.reading = reading, .picture = -1, .folder = -1, .classes = &classes};
    for (int64_t c = 0; c < spec->n_columns; c++) {
        if (!column_wanted(reading, c)) continue;
        if (!strcmp(spec->columns[c].reader, "picture") && x.picture < 0) x.picture = c;
        if (!strcmp(spec->columns[c].reader, "folder") && x.folder < 0) x.folder = c;
    }
    Status status = OK;
    struct Entry *kept[N_PARTS] = {NULL}; /* their paths are named in messages until the classes are settled */
    int64_t n[N_PARTS] = {0};
    for (int f = 0; f < N_PARTS && !status; f++) {
        if (!file_wanted(reading, f)) continue;
        x.file = f, x.entries = NULL, x.capacity = x.n = 0;
        status = part_read(&x);
        kept[f] = x.entries, n[f] = x.n;
    }
    if (!status && x.folder >= 0 && !reading->console->data_errors) status = classes_apply(&x);
    for (int64_t c = 0; c < spec->n_columns && !status; c++)
        if (column_wanted(reading, c) && !reading->set->columns[c].values[0] && !column_shared(reading, c))
            status = console_fail(reading->console, FAILED_DATA,
                                  "%s (%s.nn:%lld): the same pictures were declared otherwise above",
                                  spec->columns[c].field, reading->program->name, (long long)spec->columns[c].line);
    for (int f = 0; f < N_PARTS; f++) {
        for (int64_t i = 0; i < n[f]; i++) free(kept[f][i].path);
        free(kept[f]);
    }
    class_table_free(&classes);
    return status;
}

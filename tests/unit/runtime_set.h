/* runtime_set.h: one set of a hand-made page, opened without a program: what tests of the readers share. */
#ifndef RUNTIME_SET_H
#define RUNTIME_SET_H
#include "runtime_world.h"
#include "runtime/data.h"
#include <zlib.h>

static nn_column columns[4];
static nn_set set_spec;
static nn_program program;
static Set set;
static Console console;
static Io io;

static Status open_with(const JsonValue *classes) {
    program = (nn_program){.name = "page", .n_sets = 1, .sets = &set_spec};
    set = (Set){0};
    text_free(&out_text);
    text_free(&err_text);
    text_put(&out_text, "");
    text_put(&err_text, "");
    io = world_io();
    console_open(&console, &io, "page");
    DataRequest request = {.classes = classes};
    return data_open(&console, &program, &request, &set);
}
static void close_set(void) {
    data_close(&set, 1);
    console_close(&console);
}
static void file_put(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    fwrite(bytes, 1, n, f);
    fclose(f);
}
static void gzip_put(const char *path, const void *bytes, size_t n) {
    gzFile f = gzopen(path, "wb");
    gzwrite(f, bytes, (unsigned)n);
    gzclose(f);
}
#endif

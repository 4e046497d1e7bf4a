/* runtime_world.h: what unit tests of the runtime share: two hand-made programs (runtime_page.h), an I/O table that
** catches output and can fail, a folder of its own with points.csv, and checks that print `ok` and `FAIL` lines. */
#ifndef RUNTIME_WORLD_H
#define RUNTIME_WORLD_H
#pragma GCC diagnostic ignored "-Wunused-function" /* a test takes what it needs */
#include "runtime/abi.h"
#include "runtime/console.h"
#include "runtime/philox.h"
#include "runtime/run.h"
#include "runtime/safetensors.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- hooks of the pages: what happens at a step, or in an evaluation (step -2) */
static int32_t hook_step = -1; /* draw_step at which, */
static int hook_block = -1;    /* in block number .. (-1: any), told by how many calls of `start` there were: */
static int blocks_started;
static void (*hook)(void);      /* this is called, once */
static int32_t break_step = -1; /* a step whose result is not finite */
static bool page_wrong_gradient;
static void page_hook(const nn_call *c) {
    void (*act)(void) = hook;
    if (!act || c->draw_step != hook_step || (hook_block >= 0 && blocks_started != hook_block + 1)) return;
    hook = NULL;
    act();
}
static bool page_breaks(const nn_call *c) {
    if (c->step != break_step) return false;
    if (c->flags & NN_TRAP) nn_trap(c, 1, 7), nn_trap(c, 0, 0);
    return true;
}
#define REAL   float
#define SUFFIX _f32
#define FLOAT  NN_F32
#define IS_F64 0
#define HASH   "f32hash"
#include "runtime_page.h"
#undef REAL
#undef SUFFIX
#undef FLOAT
#undef IS_F64
#undef HASH
#define REAL   double
#define SUFFIX _f64
#define FLOAT  NN_F64
#define IS_F64 1
#define HASH   "f64hash"
#include "runtime_page.h"

/* ---- the world */
static Text out_text, err_text; /* what the last run said */
static ssize_t world_write(int fd, const void *from, size_t n) {
    if (fd != 1 && fd != 2) return write(fd, from, n);
    text_add(fd == 1 ? &out_text : &err_text, from, n);
    return (ssize_t)n;
}
static Io world_io(void) {
    Io io = io_posix;
    io.write = world_write;
    return io;
}
/* Runs a command line, words separated by spaces; answers the exit code. */
static int runs_with(const nn_program *program, const Io *io, const char *line) {
    char words[1024], *argv[64] = {(char *)(uintptr_t)"points"};
    int argc = 1;
    blocks_started = 0;
    text_free(&out_text);
    text_free(&err_text);
    text_put(&out_text, "");
    text_put(&err_text, "");
    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w && argc < 63; w = strtok(NULL, " ")) argv[argc++] = w;
    return run_main(program, NULL, io, argc, argv);
}
static int runs(const nn_program *program, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int runs(const nn_program *program, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    Io io = world_io();
    return runs_with(program, &io, line);
}

/* ---- checks */
static int failures;
static void check(bool good, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void check(bool good, const char *name, const char *format, ...) {
    if (good) {
        printf("ok %s\n", name);
        return;
    }
    char why[1500];
    va_list list;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    for (char *s = why; *s; s++)
        if (*s == '\n') *s = ' ';
    printf("FAIL %s: %s\n", name, why);
    failures++;
}
/* The last run must have exited with code and said text on either stream. */
static void check_run(int got, int code, const char *text, const char *name) {
    bool said = strstr(out_text.bytes, text) || strstr(err_text.bytes, text);
    check(got == code && said, name, "exit %d, not %d, or no '%s' in: %.300s %.900s", got, code, text, out_text.bytes,
          err_text.bytes);
}
static char *file_text(const char *path, size_t *n) {
    Bytes bytes;
    if (bytes_read(&io_posix, path, false, &bytes)) return NULL;
    if (n) *n = bytes.n;
    return bytes.owned; /* ends with a zero */
}
static bool same_file(const char *a, const char *b) {
    size_t n, m;
    char *x = file_text(a, &n), *y = file_text(b, &m);
    bool same = x && y && n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}
/* Two runs ended alike: parameters, log and the reports on the test part. */
static bool same_run(const char *a, const char *b) {
    static const char *const names[] = {"model.safetensors", "log.csv", "test.json", "best.ckpt"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char x[256], y[256];
        snprintf(x, sizeof x, "%s/%s", a, names[i]);
        snprintf(y, sizeof y, "%s/%s", b, names[i]);
        if (i < 3 && !same_file(x, y)) return false;
    }
    return true;
}
/* Three clouds of points; each cell with three digits. */
static void points_write(const char *path, int rows) {
    FILE *f = fopen(path, "w");
    uint32_t key[2] = {7, 7};
    fprintf(f, "a,b,c,d,label\n");
    for (uint32_t i = 0; i < (uint32_t)rows; i++) {
        uint32_t counter[4] = {i, 0, 0, 0}, word[4];
        philox4x32_10(counter, key, word);
        int label = (int)(i % 3);
        for (int j = 0; j < 4; j++) fprintf(f, "%.3f,", (double)word[j] * 0x1p-31 - 1 + 1.2 * (label == j) + 3);
        fprintf(f, "%s\n", (const char *const[]){"red", "green", "blue"}[label]);
    }
    fclose(f);
}
static char world_folder[] = "/tmp/nnrt_test_XXXXXX";
static void world_close(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", world_folder);
    if (system(command)) perror(world_folder);
}
static void world_open(void) {
    if (!mkdtemp(world_folder) || chdir(world_folder)) exit(70);
    setenv("NO_COLOR", "1", 1);
    points_write("points.csv", 300);
}
#endif

/* runtime_memory_test.c: every allocation fails once, and from then on for ever: a message and exit 6 (5 where a file could
** not be written for it), never a crash. Allocation is replaced in this program only; under a sanitizer it cannot be. */
#include "runtime_world.h"

static int64_t allocations, fail_from;
static bool for_ever, failed;
static bool memory_is_short(void) {
    if (!fail_from) return false;
    allocations++;
    bool now = allocations == fail_from || (for_ever && allocations > fail_from);
    failed |= now;
    return now;
}
#ifndef NN_SANITIZE
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *at, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void *malloc(size_t n) { return memory_is_short() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return memory_is_short() ? NULL : __libc_calloc(n, size); }
void *realloc(void *at, size_t n) { return memory_is_short() ? NULL : __libc_realloc(at, n); }
void *aligned_alloc(size_t alignment, size_t n) { return memory_is_short() ? NULL : __libc_memalign(alignment, n); }
#endif

/* Messages of a program without memory may be lost, so only the exit code counts. */
static ssize_t no_write(int fd, const void *from, size_t n) { return fd == 1 || fd == 2 ? (ssize_t)n : write(fd, from, n); }
static void test_line(const char *line, int64_t least) {
    int64_t k, wrong = 0, first = 0;
    int first_code = 0;
    Io io = io_posix;
    io.write = no_write;
    for (int mode = 0; mode < 2; mode++)
        for (k = 1;; k += k < 150 ? 1 : 3) {
            allocations = 0, failed = false, for_ever = mode == 1, fail_from = k;
            int code = runs_with(&page_f32, &io, line);
            fail_from = 0;
            if (!failed) break;
            bool good = code == 6 || code == 5 || code == 0; /* 0: a line of progress less */
            wrong += !good;
            if (!good && !first) first = k, first_code = code;
            if (!strncmp(line, "train", 5) && system("rm -rf short")) perror("short");
        }
    char name[160];
    snprintf(name, sizeof name, "%s: each allocation fails", line);
    check(k > least && !wrong, name, "%lld allocations, %lld wrong, first: number %lld with exit %d", (long long)k, (long long)wrong,
          (long long)first, first_code);
}
int main(void) {
#ifdef NN_SANITIZE
    printf("ok allocations are those of the sanitizer\n");
    return 0;
#endif
    world_open();
    points_write("points.csv", 60);
    check(runs(&page_f32, "train --out whole --epochs 1 --threads 1") == 0, "a run with memory", "%s", err_text.bytes);
    test_line("train --out short --epochs 1 --threads 1", 100);
    test_line("eval --from whole --threads 1", 50);
    test_line("predict --from whole --threads 1", 50);
    world_close();
    return failures != 0;
}

/* runtime_fault_test.c: every call of the I/O table fails once, and from then on for ever; writes come short; files
** are cut and changed. What must hold: a run that says 0 has written everything; one that fails says so and exits with
** another code; whatever it left behind resumes, without faults, to the bytes of the run that was never disturbed. */
#include "runtime_world.h"
#include <fcntl.h>
#include <zlib.h>

static int64_t calls, fail_at, fail_errno; /* fail_at 0: never */
static bool sticky, hit;
static bool fails(void) {
    calls++;
    bool now = fail_at && (calls == fail_at || (sticky && calls > fail_at));
    hit |= now;
    if (now) errno = (int)fail_errno;
    return now;
}
static int faulty_open(const char *path, int flags, int mode) {
    return fails() ? -1 : io_posix.open(path, flags, mode);
}
static ssize_t faulty_read(int fd, void *to, size_t n) { return fails() ? -1 : io_posix.read(fd, to, n); }
static ssize_t faulty_write(int fd, const void *from, size_t n) {
    if (fd == 1 || fd == 2) return world_write(fd, from, n);
    if (fails()) return -1;
    return io_posix.write(fd, from, n > 1 ? n / 2 : n); /* always short */
}
static int faulty_sync(int fd) { return fails() ? -1 : io_posix.sync(fd); }
static int faulty_close(int fd) {
    bool failed = fails();
    int answer = io_posix.close(fd); /* a failed close closes */
    return failed ? -1 : answer;
}
static int faulty_rename(const char *from, const char *to) { return fails() ? -1 : io_posix.rename(from, to); }
static int faulty_truncate(int fd, off_t n) { return fails() ? -1 : io_posix.truncate(fd, n); }
static int faulty_mkdir(const char *path, int mode) { return fails() ? -1 : io_posix.mkdir(path, mode); }
static int faulty_lock(int fd, int operation) { return fails() ? -1 : io_posix.lock(fd, operation); }
static int faulty_stat(int fd, struct stat *to) { return fails() ? -1 : io_posix.stat(fd, to); }
static void *no_map(int fd, size_t n) {
    (void)fd, (void)n;
    return NULL;
}
static Io faulty_io(void) {
    return (Io){faulty_open,     faulty_read,     faulty_write, faulty_sync, faulty_close, faulty_rename,
                io_posix.unlink, faulty_truncate, faulty_mkdir, faulty_lock, faulty_stat,  no_map};
}
static int faulty_run(int64_t at, bool for_ever, int error, const char *line) {
    Io io = faulty_io();
    calls = 0, hit = false, fail_at = at, sticky = for_ever, fail_errno = error;
    int code = runs_with(&page_f32, &io, line);
    fail_at = 0;
    return code;
}
static void remove_run(const char *path) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", path);
    if (system(command)) perror(path);
}
/* After a fault: resumes without any, or says that there is nothing to resume; ends like `whole`. */
static bool recovers(const char *path, int64_t *begun) {
    char name[128];
    snprintf(name, sizeof name, "%s/last.ckpt", path);
    if (access(name, F_OK)) return true; /* it failed before step 1 */
    ++*begun;
    int code = runs(&page_f32, "train --resume %s --epochs 3", path);
    return code == 0 && same_run("whole", path);
}
static void test_calls(bool for_ever, int error, const char *name) {
    int64_t at, wrong_code = 0, silent = 0, lost = 0, begun = 0, first = 0;
    for (at = 1;; at++) {
        int code = faulty_run(at, for_ever, error, "train --out faulty --epochs 3");
        if (!hit) break;
        bool said = strstr(err_text.bytes, "error: ") != NULL;
        bool wrong = code == 0 && !same_run("whole", "faulty");
        if (code != 0 && !said) silent++;
        if (code == 70 || code > 100) wrong = true;
        if ((wrong || (code && !said)) && !first) first = at;
        wrong_code += wrong;
        if (!recovers("faulty", &begun)) {
            lost++;
            if (!first) first = at;
        }
        remove_run("faulty");
    }
    remove_run("faulty");
    check(at > 60 && begun > 20 && !wrong_code && !silent && !lost, name,
          "%lld calls, %lld begun: %lld of the wrong code, %lld silent, %lld lost; first: call %lld; %.300s",
          (long long)at, (long long)begun, (long long)wrong_code, (long long)silent, (long long)lost, (long long)first,
          err_text.bytes);
}

/* ---- faults while recovering */
static void raise_interrupt(void) { raise(SIGINT); }
static void test_resume_calls(void) {
    int64_t at, lost = 0;
    for (at = 1;; at++) {
        hook_step = 20;
        hook = raise_interrupt;
        if (runs(&page_f32, "train --out half --epochs 3") != 4) lost++;
        int code = faulty_run(at, false, EIO, "train --resume half --epochs 3");
        bool over = !hit;
        if (code == 0 && !same_run("whole", "half")) lost++;
        if (code != 0 && (runs(&page_f32, "train --resume half --epochs 3") || !same_run("whole", "half"))) lost++;
        remove_run("half");
        if (over) break;
    }
    check(at > 40 && !lost, "each call fails while a run is resumed, then it is resumed again",
          "%lld of %lld lost: %.300s", (long long)lost, (long long)at, err_text.bytes);
}

/* ---- damaged checkpoints */
static void test_damage(void) {
    size_t n = 0;
    hook_step = 30;
    hook = raise_interrupt;
    check_run(runs(&page_f32, "train --out damaged --epochs 3"), 4, "interrupted", "a run to damage");
    char *whole = file_text("damaged/last.ckpt", &n);
    int64_t read = 0, cases = 0;
    for (size_t i = 0; i < n; i += 7) {
        for (int cut = 0; cut < 2; cut++, cases++) {
            char *copy = malloc(n);
            memcpy(copy, whole, n);
            copy[i] = (char)(copy[i] ^ (1 << (i % 8)));
            FILE *f = fopen("copy.ckpt", "wb");
            fwrite(copy, 1, cut ? i : n, f);
            fclose(f);
            free(copy);
            SafeFile file;
            const char *why = safetensors_open(&io_posix, "copy.ckpt", &file);
            if (!why && i >= (size_t)file.data) read++;
            if (!why) safetensors_close(&file);
        }
    }
    check(cases > 300 && !read, "a checkpoint cut or changed anywhere in its data is refused", "%lld of %lld were read",
          (long long)read, (long long)cases);
    FILE *f = fopen("damaged/last.ckpt", "wb");
    fwrite(whole, 1, n - 1, f);
    fclose(f);
    free(whole);
    check_run(runs(&page_f32, "train --resume damaged --epochs 3"), 0, "going on from damaged/last-1.ckpt",
              "a damaged last.ckpt falls back to last-1.ckpt");
    check(same_run("whole", "damaged"), "and ends with the same bytes", "it does not");
}
static void test_locked(void) {
    int fd = open("whole/lock", O_RDWR);
    check(fd >= 0 && !io_posix.lock(fd, 2 | 4), "the lock of a run that is over is free", "%s",
          strerror(errno)); /* LOCK_EX | LOCK_NB */
    check_run(runs(&page_f32, "train --resume whole --epochs 3"), 2, "in use by another trainer",
              "a directory in use is refused");
    close(fd);
}
/* Headers that lie: none may be believed, none may crash. */
static void test_headers(void) {
    static const struct {
        const char *name, *header;
        size_t data;
    } cases[] = {
        {"no JSON", "{\"a\":", 0},
        {"an array", "[1, 2]", 0},
        {"a tensor twice",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[4,8]}}",
         8},
        {"a hole", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8},
        {"an overlap",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[0,4]}}",
         4},
        {"offsets reversed", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4},
        {"beyond the file", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4},
        {"bytes behind", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8},
        {"bytes that are not the shape's", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4},
        {"a negative size", "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4},
        {"a size with an exponent", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}", 4},
        {"sizes that overflow", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
         0},
        {"thirteen axes", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
         4},
        {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4},
        {"metadata that is a number", "{\"__metadata__\":{\"a\":1}}", 0},
        {"metadata that is a list", "{\"__metadata__\":[]}", 0},
        {"too deep", "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]}", 0},
        {"a control character", "{\"a\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
        {"a wrong checksum",
         "{\"__metadata__\":{\"crc\":\"00000000\"},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t length = strlen(cases[i].header);
        FILE *f = fopen("header.safetensors", "wb");
        fwrite(&length, 8, 1, f);
        fwrite(cases[i].header, 1, length, f);
        fwrite("\1\2\3\4\5\6\7\10", 1, cases[i].data, f);
        fclose(f);
        SafeFile file;
        char name[128];
        const char *why = safetensors_open(&io_posix, "header.safetensors", &file);
        snprintf(name, sizeof name, "safetensors: %s is refused", cases[i].name);
        check(why != NULL, name, "it is read");
        if (!why) safetensors_close(&file);
    }
    const char *good = "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"BF16\","
                       "\"shape\":[0],\"data_offsets\":[4,4]}}";
    uint64_t length = strlen(good);
    FILE *f = fopen("header.safetensors", "wb");
    fwrite(&length, 8, 1, f);
    fwrite(good, 1, length, f);
    fwrite("\1\2\3\4", 1, 4, f);
    fclose(f);
    SafeFile file;
    const char *why = safetensors_open(&io_posix, "header.safetensors", &file);
    check(!why && file.n == 2 && file.tensors[0].rank == 0 && file.tensors[1].dtype == -1,
          "safetensors: a scalar, and a type not known here, are read", "%s", why ? why : "other");
    if (!why) safetensors_close(&file);
}
int main(void) {
    world_open();
    points_write("points.csv", 300);
    check_run(runs(&page_f32, "train --out whole --epochs 3"), 0, "accuracy", "the run that nothing disturbs");
    test_calls(false, EIO, "each call fails once: told, and what is left resumes to the same bytes");
    test_calls(true, ENOSPC, "each call fails for ever: told, and what is left resumes to the same bytes");
    test_calls(false, EINTR, "each call is interrupted once");
    test_resume_calls();
    test_damage();
    test_locked();
    test_headers();
    world_close();
    return failures != 0;
}

/* io.c: the table of POSIX calls, and loops around short reads and writes. See io.h. */
#include "io.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int posix_open(const char *path, int flags, int mode) { return open(path, flags | O_CLOEXEC, mode); }
static int posix_mkdir(const char *path, int mode) { return mkdir(path, (mode_t)mode); }
static void *posix_map(int fd, size_t n) {
    void *at = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}
const Io io_posix = {posix_open, read,      write,       fsync, close, rename,
                     unlink,     ftruncate, posix_mkdir, flock, fstat, posix_map};

int io_read_all(const Io *io, int fd, void *to, size_t n, size_t *got) {
    *got = 0;
    while (*got < n) {
        ssize_t r = io->read(fd, (char *)to + *got, n - *got);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return errno;
        if (r == 0) break;
        *got += (size_t)r;
    }
    return 0;
}
int io_write_all(const Io *io, int fd, const void *from, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t w = io->write(fd, (const char *)from + done, n - done);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return errno;
        if (w == 0) return ENOSPC; /* a device that takes nothing and says nothing */
        done += (size_t)w;
    }
    return 0;
}
int io_sync_folder(const Io *io, const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder) return ENAMETOOLONG;
    memcpy(folder, path, n);
    folder[n] = 0;
    int fd = io->open(!slash ? "." : n ? folder : "/", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return errno;
    int error = io->sync(fd) ? errno : 0;
    if (io->close(fd) && !error) error = errno;
    return error;
}

static int bytes_read_from(const Io *io, int fd, bool map, Bytes *to) {
    struct stat info;
    if (io->stat(fd, &info)) return errno;
    if (S_ISDIR(info.st_mode)) return EISDIR;
    if (!S_ISREG(info.st_mode)) return EINVAL;
    to->n = (size_t)info.st_size;
    if (map && to->n && (to->owned = io->map(fd, to->n))) {
        to->mapped = to->n;
        to->data = to->owned;
        return 0;
    }
    if (!(to->owned = malloc(to->n + 1))) return ENOMEM;
    to->data = to->owned;
    ((char *)to->owned)[to->n] = 0;
    size_t got;
    int error = io_read_all(io, fd, to->owned, to->n, &got);
    if (!error && got < to->n) error = EIO; /* it shrank while it was read */
    return error;
}
int bytes_read(const Io *io, const char *path, bool map, Bytes *to) {
    *to = (Bytes){0};
    int fd = io->open(path, O_RDONLY, 0);
    if (fd < 0) return errno;
    int error = bytes_read_from(io, fd, map, to);
    if (io->close(fd) && !error) error = errno;
    if (error) bytes_free(to);
    return error;
}
void bytes_free(Bytes *bytes) {
    if (bytes->mapped)
        munmap(bytes->owned, bytes->mapped);
    else
        free(bytes->owned);
    *bytes = (Bytes){0};
}
void bytes_drop(const Bytes *bytes, size_t from, size_t to) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t owned = (uintptr_t)bytes->owned, first = (owned + from + (bytes->mapped ? 0 : page - 1)) / page * page;
    uintptr_t end = (owned + to) / page * page;
    if (end > first) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

int io_replace_file(const Io *io, const char *path, const void *data, size_t n) {
    char temporary[PATH_MAX];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary) return ENAMETOOLONG;
    io->unlink(temporary); /* of a run that was killed; the run directory is locked */
    int fd = io->open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) return errno;
    int error = io_write_all(io, fd, data, n);
    if (!error && io->sync(fd)) error = errno;
    if (io->close(fd) && !error) error = errno;
    if (!error && io->rename(temporary, path)) error = errno;
    if (error) io->unlink(temporary);
    return error ? error : io_sync_folder(io, path);
}

/* By /proc: getrusage knows some hundred KiB less, as the system adds up rarely, and after an exec the peak of whoever called too. */
int64_t peak_bytes(void) {
    struct rusage usage;
    char text[4096] = "";
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    const char *line = n > 0 ? strstr(text, "VmHWM:") : NULL;
    if (fd >= 0) close(fd);
    if (line) return 1024 * strtoll(line + 6, NULL, 10);
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

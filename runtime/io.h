/* io.h: the one table through which the runtime touches files, so that a test can make any call fail; and whole-file
** helpers.
**
** The functions of the table behave as POSIX says (-1 and errno). Nothing here prints: callers know what the file is
** for. */
#ifndef NN_IO_H
#define NN_IO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct Io {
    int (*open)(const char *path, int flags, int mode);
    ssize_t (*read)(int fd, void *to, size_t n);
    ssize_t (*write)(int fd, const void *from, size_t n);
    int (*sync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*truncate)(int fd, off_t n);
    int (*mkdir)(const char *path, int mode);
    int (*lock)(int fd, int operation); /* flock */
    int (*stat)(int fd, struct stat *to);
    void *(*map)(int fd, size_t n); /* read-only and private; NULL if it cannot */
} Io;
extern const Io io_posix;

/* All of these answer 0, or an errno. Short reads and writes and EINTR are gone on with. */
int io_read_all(const Io *io, int fd, void *to, size_t n, size_t *got); /* until n or the end of the file */
int io_write_all(const Io *io, int fd, const void *from, size_t n);
int io_sync_folder(const Io *io, const char *path); /* of the folder that holds path */

/* A whole file in memory, mapped if `map` and it can be. */
typedef struct Bytes {
    const uint8_t *data;
    size_t n;
    void *owned;   /* what bytes_free frees */
    size_t mapped; /* length of a mapping, 0 for memory of malloc */
} Bytes;
int bytes_read(const Io *io, const char *path, bool map, Bytes *to); /* regular files only: EISDIR, EINVAL else */
void bytes_free(Bytes *bytes);
/* Bytes from..to of what is owned have been read and are not read again: their whole pages are given back; of a mapping also the
** one that `from` lies in, which is there again when it is read. */
void bytes_drop(const Bytes *bytes, size_t from, size_t to);

int64_t peak_bytes(void); /* the most memory that this process has held */

/* Writes a small file whole or not at all: temporary name beside it, sync, rename, sync of the folder. */
int io_replace_file(const Io *io, const char *path, const void *data, size_t n);
#endif

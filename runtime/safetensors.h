/* safetensors.h: the safetensors format: a length, a JSON header, tensors one behind the other. Out through io.h, in
** from memory.
**
** Written: metadata first in the header, then tensors in the order given; the format allows no holes, so only the
** first is sure to start at a multiple of 64. Read: everything a header says is checked before it is used; files may
** be hostile. */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H
#include "abi.h"
#include "console.h"
#include "json.h"

enum { MAX_TENSORS = 65536, MAX_HEADER = 1 << 24, MAX_RANK = 12 };
typedef struct Tensor {
    const char *name;
    int64_t dtype; /* NN_F32 .. */
    int64_t rank;
    const int64_t *dims;
    const void *data;
    int64_t bytes;
} Tensor;
typedef struct Pair {
    const char *key, *value;
} Pair;

/* Temporary name beside it, O_EXCL, write, fsync, close, read back and compare, rename what is there to `previous`
** (unless NULL), rename, fsync of the folder. `crc`: a metadata member "crc", the CRC-32 of everything behind the
** header, eight hexadecimal digits. */
STATUS safetensors_write(Console *console, const char *path, const char *previous, const Tensor *tensors, int64_t n,
                         const Pair *metadata, int64_t n_metadata, bool crc);

typedef struct SafeFile {
    Bytes bytes;
    JsonValue *header;
    int64_t n;
    Tensor *tensors; /* data points into bytes, names into header; dtype -1: one this program does not know */
    int64_t *dims;
    int64_t data; /* where the data begins */
} SafeFile;
/* Checks the crc if there is one. NULL, or why it cannot be read: nothing is printed, since an older checkpoint may
** stand in. */
const char *safetensors_open(const Io *io, const char *path, SafeFile *file);
void safetensors_close(SafeFile *file);
const Tensor *safetensors_find(const SafeFile *file, const char *name);
const char *safetensors_metadata(const SafeFile *file, const char *key); /* NULL: none */
extern const char *const dtype_names[];                                  /* of safetensors, by NN_F32 .. NN_BOOL */
#endif

/* safetensors.h: the safetensors format: a length, a JSON header, tensors one behind the other. Out through io.h, in from memory.
**
** Written: tensors in the order given, metadata first in the header, each tensor at a multiple of 64 bytes from the start of the
** file (a filler of the header and, between tensors, none: `offset` of the format must leave no holes, so sizes that are not a multiple
** of 64 only align the first). Read: everything a header says is checked before it is used. */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H
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

/* The whole file in memory: header, then data. `crc`: a metadata member "crc" with the CRC-32 of everything behind the header. */
STATUS safetensors_write(Console *console, const char *path, const Tensor *tensors, int64_t n, const Pair *metadata, int64_t n_metadata,
                         bool crc);

typedef struct SafeFile {
    Bytes bytes;
    JsonValue *header;
    int64_t n;
    Tensor *tensors; /* data points into bytes; names into header */
    int64_t data;    /* where the data begins */
} SafeFile;
/* `quiet`: says nothing when it fails (a damaged checkpoint that has an older one beside it); *why gets the reason. */
STATUS safetensors_open(Console *console, const char *path, bool quiet, SafeFile *file, const char **why);
void safetensors_close(SafeFile *file);
const Tensor *safetensors_find(const SafeFile *file, const char *name);
const char *safetensors_metadata(const SafeFile *file, const char *key); /* NULL: none */
extern const char *const dtype_names[]; /* of safetensors, by NN_F32 .. NN_BOOL */
int64_t dtype_bytes(int64_t dtype);
#endif

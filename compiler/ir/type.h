/* type.h: element type and shape. Types are interned in a Graph: equal types are one pointer.
**
** Every axis has at least one element, the product is below 2^47. A scan's type is a tuple of its results' types. */
#ifndef NNC_TYPE_H
#define NNC_TYPE_H
#include "../base/str.h"

enum { RANK_MAX = 24 }; /* of the IR; the language allows 12 visible and mapped axes, windows add some */

typedef enum Dtype {
#define DTYPE(name, bytes, ctype, real) DT_##name,
#include "dtype.def"
#undef DTYPE
    DT_COUNT,
    DT_TUPLE = DT_COUNT
} Dtype;
typedef struct Type Type;
struct Type {
    Dtype dtype;
    int rank;           /* tuple: number of parts */
    const i64 *dims;    /* [rank] */
    const Type **parts; /* tuple only */
    i64 count;          /* elements; product of dims */
};
const char *dtype_name(Dtype dtype);
int dtype_bytes(Dtype dtype);
bool dtype_real(Dtype dtype);
bool dtype_find(const char *name, size_t n, Dtype *dtype);
void dtype_store(Dtype dtype, double value, void *element); /* rounded and saturated as `cast` does */
i64 type_bytes(const Type *type); /* unpadded */
void type_print(Text *out, const Type *type); /* f32[2,3]; a tuple: its parts with ", " between */
#endif

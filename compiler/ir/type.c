/* type.c: element types and shapes as text and numbers; see type.h. Interning is in graph.c. */
#include "type.h"
#include <string.h>

static const struct {
    const char *name;
    int bytes;
    bool real;
} dtypes[] = {
#define DTYPE(name, bytes, ctype, real) {#name, bytes, real},
#include "dtype.def"
#undef DTYPE
};

const char *dtype_name(Dtype dtype) { return dtype == DT_TUPLE ? "tuple" : dtypes[dtype].name; }
int dtype_bytes(Dtype dtype) {
    nnc_check(dtype < DT_COUNT, "the size of an element of a tuple");
    return dtypes[dtype].bytes;
}
bool dtype_real(Dtype dtype) { return dtype < DT_COUNT && dtypes[dtype].real; }
bool dtype_find(const char *name, size_t n, Dtype *dtype) {
    for (int i = 0; i < DT_COUNT; i++)
        if (strlen(dtypes[i].name) == n && memcmp(dtypes[i].name, name, n) == 0) return *dtype = (Dtype)i, true;
    return false;
}
void dtype_store(Dtype dtype, double value, void *element) {
    float f = (float)value;
    i32 i = value != value ? 0 : value >= INT32_MAX ? INT32_MAX : value <= INT32_MIN ? INT32_MIN : (i32)value;
    u8 byte = dtype == DT_bool ? value != 0 : i < 0 ? 0 : i > 255 ? 255 : (u8)i;
    const void *from[DT_COUNT] = {[DT_f32] = &f, [DT_f64] = &value, [DT_i32] = &i, [DT_u8] = &byte, [DT_bool] = &byte};
    memcpy(element, from[dtype], (size_t)dtype_bytes(dtype));
}
i64 type_bytes(const Type *type) {
    if (type->dtype != DT_TUPLE) return type->count * dtype_bytes(type->dtype);
    i64 sum = 0;
    for (int i = 0; i < type->rank; i++) sum += type_bytes(type->parts[i]);
    return sum;
}
void type_print(Text *out, const Type *type) {
    if (type->dtype == DT_TUPLE) {
        for (int i = 0; i < type->rank; i++) {
            if (i) text_add(out, ", ");
            type_print(out, type->parts[i]);
        }
        return;
    }
    text_printf(out, "%s[", dtype_name(type->dtype));
    for (int i = 0; i < type->rank; i++) text_printf(out, i ? ",%lld" : "%lld", (long long)type->dims[i]);
    text_add(out, "]");
}

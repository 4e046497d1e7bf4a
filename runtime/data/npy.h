/* npy.h: the header of an npy array, for npy files and for those inside npz files. */
#ifndef NN_NPY_H
#define NN_NPY_H
#include "reader.h"

/* Bytes of the dict behind the first `skip` (10 or 12) of an array; -1: it is none. */
int64_t npy_header_bytes(const uint8_t start[12], int *skip);
/* From the dict, zero-terminated; NULL, or why it cannot be read. */
const char *npy_header(const char *dict, ArrayHeader *header);
#endif

/* sha256.h: SHA-256 (FIPS 180-4), of data files and pages. */
#ifndef NN_SHA256_H
#define NN_SHA256_H
#include <stddef.h>
#include <stdint.h>

typedef struct Sha256 {
    uint32_t h[8];
    uint64_t n;        /* bytes so far */
    uint8_t block[64]; /* n % 64 of them */
} Sha256;
void sha256_begin(Sha256 *sha);
void sha256_add(Sha256 *sha, const void *bytes, size_t n);
void sha256_end(Sha256 *sha, char hex[65]);
#endif

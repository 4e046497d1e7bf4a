/* philox.h: Philox4x32-10 (Salmon et al. 2011): every random number of nnc is a word of philox(counter, key), so a draw is a function
** of the seed and of where it stands, not of what was drawn before. Read by interpreter, code generator (as the definition) and
** runtime. No state, no dependence on the machine. */
#ifndef NN_PHILOX_H
#define NN_PHILOX_H
#include <stdint.h>

static inline void philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xD2511F53u * c0, q = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}
/* A number in [0, 1) of the two words of draw `word` (0 or 1). */
static inline float philox_f32(const uint32_t out[4], int word) { return (float)(out[2 * word] >> 8) * 0x1p-24f; }
static inline double philox_f64(const uint32_t out[4], int word) {
    return (double)(((uint64_t)out[2 * word] << 32 | out[2 * word + 1]) >> 11) * 0x1p-53;
}
#endif

/* order.c: see order.h. */
#include "order.h"
#include "philox.h"
#include <math.h>

const char *const part_names[N_PARTS] = {"train", "validate", "test"};

int64_t share_rows(double share, int64_t n) {
    if (!(share > 0)) return 0;
    double rows = share < 1 ? floor(share * (double)n) : share;
    return rows >= (double)n ? n : (int64_t)rows;
}
void order_shuffle(uint32_t *rows, int64_t n, const uint32_t key[2], int64_t epoch, int64_t block) {
    for (int64_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t counter[4] = {(uint32_t)i, (uint32_t)epoch, (uint32_t)block, 0xFFFFFF01u}, word[4];
        philox4x32_10(counter, key, word);
        int64_t j = (int64_t)((uint64_t)word[0] * (uint64_t)(i + 1) >> 32);
        uint32_t swap = rows[i];
        rows[i] = rows[j];
        rows[j] = swap;
    }
}

/* order.h: which rows a step sees: parts of the data, and the permutation of an epoch. Functions of numbers alone. */
#ifndef NN_ORDER_H
#define NN_ORDER_H
#include <stdbool.h>
#include <stdint.h>

typedef enum Part { PART_TRAIN, PART_VALIDATE, PART_TEST, N_PARTS } Part;
extern const char *const part_names[N_PARTS]; /* train, validate, test */

/* A share (below 1) or a count of n rows, as a number of rows: floor(share n); a count above n gives n. */
int64_t share_rows(double share, int64_t n);
/* Is row i of n among the q that are taken evenly? */
static inline bool row_taken(int64_t i, int64_t q, int64_t n) { return (i + 1) * q / n > i * q / n; }
/* The permutation of an epoch: Fisher-Yates from the end, the word of step i that of counter (i, epoch, block,
** 0xFFFFFF01). */
void order_shuffle(uint32_t *rows, int64_t n, const uint32_t key[2], int64_t epoch, int64_t block);
#endif

/* fill.c: copies rows from the columns into a batch, widening bytes where the batch has another type. */
#include "../data.h"
#include <string.h>

static int64_t element_bytes(int64_t dtype) { return dtype == NN_F64 ? 8 : dtype == NN_U8 || dtype == NN_BOOL ? 1 : 4; }
static void widen(const uint8_t *from, int64_t n, int64_t dtype, uint8_t *to) {
    switch (dtype) {
    case NN_F32:
        for (int64_t i = 0; i < n; i++) ((float *)(void *)to)[i] = (float)from[i];
        break;
    case NN_F64:
        for (int64_t i = 0; i < n; i++) ((double *)(void *)to)[i] = (double)from[i];
        break;
    case NN_I32:
        for (int64_t i = 0; i < n; i++) ((int32_t *)(void *)to)[i] = from[i];
        break;
    default: memcpy(to, from, (size_t)n);
    }
}
static int64_t raw_row(const PartRows *part, int64_t row) {
    return part->index ? (int64_t)part->index[row] : part->first + row * part->every;
}
static void column_fill(const Column *column, const PartRows *part, const Fill *fill, int64_t rows, uint8_t *to) {
    int64_t dtype = column->spec->dtype, window = column->spec->window > 0 ? column->spec->window : 1;
    int64_t n = window * column->elements, size = n * element_bytes(dtype), kept = element_bytes(column->dtype);
    const uint8_t *values = column->values[part->file];
    for (int64_t i = 0; i < rows; i++) {
        int64_t k = i < fill->valid ? i : 0;
        int64_t row = raw_row(part, fill->rows ? (int64_t)fill->rows[k] : fill->first + k) + column->spec->shift;
        const uint8_t *from = values + row * column->elements * kept;
        if (column->dtype == dtype || kept == element_bytes(dtype)) memcpy(to + i * size, from, (size_t)size);
        else widen(from, n, dtype, to + i * size);
    }
}
void set_fill(const Set *set, const nn_feed *feed, const Fill *fill, uint8_t *batch) {
    const PartRows *part = &set->parts[fill->part];
    for (int64_t c = 0; c < feed->n_columns; c++)
        if (feed->columns[c] >= 0) column_fill(&set->columns[c], part, fill, feed->rows, batch + feed->columns[c]);
    for (int64_t i = 0; i < feed->rows; i++) {
        int32_t number = (int32_t)(fill->number + i);
        if (feed->row >= 0) memcpy(batch + feed->row + 4 * i, &number, 4);
        if (feed->fresh >= 0) batch[feed->fresh + i] = fill->fresh;
    }
}

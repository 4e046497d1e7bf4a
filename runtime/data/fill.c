/* fill.c: copies rows from the columns into a batch, widening bytes where the batch has another type. Large batches
** are shared among the threads by rows, so there is no thread of its own for it, and it takes the time a copy takes. */
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
/* Rows [from, to) of a batch. */
typedef struct Filling {
    const Set *set;
    const nn_feed *feed;
    const Fill *fill;
    uint8_t *batch;
    int64_t tasks;
} Filling;
static void column_fill(const Filling *f, int64_t c, int64_t from, int64_t end) {
    const Column *column = &f->set->columns[c];
    const PartRows *part = &f->set->parts[f->fill->part];
    int64_t dtype = column->spec->dtype, window = column->spec->window > 0 ? column->spec->window : 1;
    int64_t n = window * column->elements, size = n * element_bytes(dtype), kept = element_bytes(column->dtype);
    const uint8_t *values = column->values[part->file];
    uint8_t *to = f->batch + f->feed->columns[c];
    for (int64_t i = from; i < end; i++) {
        int64_t k = i < f->fill->valid ? i : 0;
        int64_t row =
            raw_row(part, f->fill->rows ? (int64_t)f->fill->rows[k] : f->fill->first + k) + column->spec->shift;
        const uint8_t *value = values + row * column->elements * kept;
        if (column->dtype == dtype || kept == element_bytes(dtype))
            memcpy(to + i * size, value, (size_t)size);
        else
            widen(value, n, dtype, to + i * size);
    }
}
static void fill_task(void *frame, int64_t index) {
    const Filling *f = frame;
    int64_t from = index * f->feed->rows / f->tasks, end = (index + 1) * f->feed->rows / f->tasks;
    for (int64_t c = 0; c < f->feed->n_columns; c++)
        if (f->feed->columns[c] >= 0) column_fill(f, c, from, end);
}
void set_fill(const Set *set, const nn_feed *feed, const Fill *fill, uint8_t *batch) {
    enum { SHARED_BYTES = 1 << 16, TASKS = 8 };
    Filling filling = {set, feed, fill, batch, feed->bytes < SHARED_BYTES ? 1 : TASKS};
    nn_parallel(fill->pool, fill_task, &filling, filling.tasks);
    for (int64_t i = 0; i < feed->rows; i++) {
        int32_t number = (int32_t)(fill->number + i);
        if (feed->row >= 0) memcpy(batch + feed->row + 4 * i, &number, 4);
        if (feed->fresh >= 0) batch[feed->fresh + i] = fill->fresh;
    }
}

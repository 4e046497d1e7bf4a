/* fill.c: copies rows from the columns into a batch, widening bytes where the batch has another type; of made sets the
** rows of the lists drawn, turned where a task says so. Large batches are shared among the threads by rows, so there
** is no thread of its own for it, and it takes the time a copy takes. */
#include "made.h"
#include <string.h>

#pragma weak task_draw /* linked with programs that have made sets */

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
/* A picture [h, h, pixel bytes], turned counter-clockwise by `turns` quarters. */
static void turn(const uint8_t *from, int64_t h, int64_t pixel, int turns, uint8_t *to) {
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < h; x++, to += pixel) {
            int64_t at = turns == 1   ? x * h + h - 1 - y
                         : turns == 2 ? (h - 1 - y) * h + h - 1 - x
                                      : (h - 1 - x) * h + y;
            if (pixel == 1)
                *to = from[at];
            else
                memcpy(to, from + at * pixel, (size_t)pixel);
        }
}

/* Rows [from, to) of a batch. */
typedef struct Filling {
    const Set *set;
    const nn_feed *feed;
    const Fill *fill;
    uint8_t *batch;
    int64_t tasks;
} Filling;
/* What a column is in a batch: n elements of dtype, size bytes, from `window` raw rows. */
typedef struct Value {
    const Column *column;
    const PartRows *part;
    int64_t dtype, n, size;
} Value;
static Value value_of(const Set *set, Part part, const Column *column, int64_t dtype) {
    int64_t window = column->spec->window > 0 ? column->spec->window : 1, n = window * column->elements;
    return (Value){column, &set->parts[part], dtype, n, n * nn_dtype_bytes(dtype)};
}
static const uint8_t *value_at(const Value *value, int64_t row) {
    const Column *column = value->column;
    int64_t raw = part_raw_row(value->part, row) + column->spec->shift;
    return column->values[value->part->file] + raw * column->elements * nn_dtype_bytes(column->dtype);
}
static void value_put(const Value *value, const uint8_t *from, uint8_t *to) {
    if (nn_dtype_bytes(value->column->dtype) == nn_dtype_bytes(value->dtype))
        memcpy(to, from, (size_t)value->size);
    else
        widen(from, value->n, value->dtype, to);
}
static void column_fill(const Filling *f, int64_t c, int64_t from, int64_t end) {
    const Column *column = &f->set->columns[c];
    Value value = value_of(f->set, f->fill->part, column, column->spec->dtype);
    uint8_t *to = f->batch + f->feed->columns[c];
    for (int64_t i = from; i < end; i++) {
        int64_t k = i < f->fill->valid ? i : 0;
        int64_t row = f->fill->rows ? (int64_t)f->fill->rows[k] : f->fill->first + k;
        value_put(&value, value_at(&value, row), to + i * value.size);
    }
}

/* ---- made sets */
static void labels_fill(const Filling *f, int64_t c, int64_t from, int64_t end) {
    const Made *made = f->set->made;
    const nn_column *spec = &f->set->spec->columns[c];
    int64_t n = spec->window > 0 ? spec->window : 1, size = nn_dtype_bytes(spec->dtype);
    uint8_t *to = f->batch + f->feed->columns[c] + from * n * size;
    for (int64_t i = from; i < end; i++)
        for (int64_t j = 0; j < n; j++, to += size) {
            int32_t label = made->labels[i * made->length + spec->shift + j];
            if (size == 1)
                *to = (uint8_t)label;
            else
                memcpy(to, &label, 4);
        }
}
static void base_fill(const Filling *f, int64_t c, int64_t from, int64_t end, uint8_t *picture) {
    const Made *made = f->set->made;
    const nn_column *spec = &f->set->spec->columns[c];
    const Set *base = made->bases[spec->base];
    const Column *column = &base->columns[spec->column];
    Value value = value_of(base, f->fill->part, column, spec->dtype);
    int64_t n = spec->window > 0 ? spec->window : 1, side = picture ? picture_side(column->spec) : 0;
    int64_t pixel = side ? column->elements / (side * side) * nn_dtype_bytes(column->dtype) : 0;
    for (int64_t i = from; i < end; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t at = i * made->length + spec->shift + j;
            const uint8_t *one = value_at(&value, made->rows[at]);
            if (side && made->turns[at]) {
                turn(one, side, pixel, made->turns[at], picture);
                one = picture;
            }
            value_put(&value, one, f->batch + f->feed->columns[c] + (i * n + j) * value.size);
        }
}
/* The lists of a batch, by this thread: what each is drawn from is shared. */
static void lists_draw(const Filling *f) {
    for (int64_t i = 0; i < f->feed->rows; i++) {
        int64_t k = i < f->fill->valid ? i : 0;
        task_draw(f->set, f->fill->part, i, (uint32_t)(f->fill->number + k), (uint32_t)f->fill->step, f->fill->key);
    }
}

static void fill_task(void *frame, int64_t index) {
    const Filling *f = frame;
    int64_t from = index * f->feed->rows / f->tasks, end = (index + 1) * f->feed->rows / f->tasks;
    for (int64_t c = 0; c < f->feed->n_columns; c++) {
        if (f->feed->columns[c] < 0) continue;
        if (!f->set->made)
            column_fill(f, c, from, end);
        else if (!strcmp(f->set->spec->columns[c].reader, "label"))
            labels_fill(f, c, from, end);
        else
            base_fill(f, c, from, end, f->set->made->pictures[index]);
    }
}
void set_fill(const Set *set, const nn_feed *feed, const Fill *fill, uint8_t *batch) {
    enum { SHARED_BYTES = 1 << 16 };
    Filling filling = {set, feed, fill, batch, feed->bytes < SHARED_BYTES ? 1 : FILL_TASKS};
    if (set->made) lists_draw(&filling);
    nn_parallel(fill->pool, fill_task, &filling, filling.tasks);
    for (int64_t i = 0; i < feed->rows; i++) {
        int32_t number = (int32_t)(fill->number + i);
        if (feed->row >= 0) memcpy(batch + feed->row + 4 * i, &number, 4);
        if (feed->fresh >= 0) batch[feed->fresh + i] = fill->fresh;
    }
}

/* report_filters.c: the first layer's weights as pictures: columns of [h w, units] with a square h w, or filters of
** [k, k, c, units]. One grey bitmap (BMP, in base64), each filter scaled to its own range. */
#include "report_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILTERS = 64, ACROSS = 16, SHOWN_PIXELS = 48 };

typedef struct Filters {
    const nn_leaf *leaf;
    int64_t side, step; /* pixels a side; elements from one pixel to the next */
    int64_t units;
} Filters;
static bool filters_of(const nn_leaf *leaf, Filters *to) {
    if (leaf->role != NN_PARAM || (leaf->dtype != NN_F32 && leaf->dtype != NN_F64)) return false;
    *to = (Filters){.leaf = leaf};
    if (leaf->n_dims == 2) {
        to->side = (int64_t)sqrt((double)leaf->dims[0]);
        to->step = to->units = leaf->dims[1];
        return to->side >= 4 && to->side <= 256 && to->side * to->side == leaf->dims[0];
    }
    if (leaf->n_dims != 4 || leaf->dims[0] != leaf->dims[1]) return false;
    to->side = leaf->dims[0];
    to->units = leaf->dims[3];
    to->step = leaf->dims[2] * leaf->dims[3];
    return to->side >= 3 && to->side <= 64;
}
static double weight(const Run *run, const Filters *f, int64_t pixel, int64_t unit) {
    return float_at(run->program, run->lasting + f->leaf->offset, pixel * f->step + unit);
}
static void filter_draw(const Run *run, const Filters *f, int64_t unit, uint8_t *at, int64_t stride) {
    double most = 0;
    for (int64_t p = 0; p < f->side * f->side; p++) most = fmax(most, fabs(weight(run, f, p, unit)));
    for (int64_t y = 0; y < f->side; y++)
        for (int64_t x = 0; x < f->side; x++) {
            double v = most > 0 ? weight(run, f, y * f->side + x, unit) / most : 0;
            at[y * stride + x] = (uint8_t)(127.5 + 127 * (v > -1 ? v < 1 ? v : 1 : -1));
        }
}
static void put_base64(Text *to, const uint8_t *b, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t word = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) | (i + 2 < n ? b[i + 2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63], i + 1 < n ? digits[word >> 6 & 63] : '=',
                        i + 2 < n ? digits[word & 63] : '='};
        text_add(to, four, 4);
    }
}
static void put_u32(uint8_t *to, int64_t value) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)((uint64_t)value >> (8 * i));
}
/* A BMP of 8 bits a pixel with a grey palette; rows from the top (a negative height), each a multiple of 4 bytes. */
static uint8_t *bitmap_new(int64_t width, int64_t height, size_t *n, int64_t *stride) {
    enum { HEADER = 54, PALETTE = 1024 };
    *stride = (width + 3) / 4 * 4;
    *n = (size_t)(HEADER + PALETTE + *stride * height);
    uint8_t *b = calloc(1, *n);
    if (!b) return NULL;
    memset(b + HEADER + PALETTE, 255, (size_t)(*stride * height));
    b[0] = 'B', b[1] = 'M';
    put_u32(b + 2, (int64_t)*n);
    put_u32(b + 10, HEADER + PALETTE);
    put_u32(b + 14, 40);
    put_u32(b + 18, width);
    put_u32(b + 22, -height);
    b[26] = 1, b[28] = 8;
    put_u32(b + 46, 256);
    for (int i = 0; i < 256; i++) memset(b + HEADER + 4 * i, i, 3);
    return b;
}
void put_filters(const Run *run, Text *to) {
    Filters f = {0};
    int64_t i = 0;
    while (i < run->program->n_leaves && !filters_of(leaf_at(run, i), &f)) i++;
    if (i == run->program->n_leaves) return;
    int64_t n = f.units < MOST_FILTERS ? f.units : MOST_FILTERS, across = n < ACROSS ? n : ACROSS,
            down = (n + across - 1) / across;
    int64_t width = across * (f.side + 1) - 1, height = down * (f.side + 1) - 1, stride, scale = SHOWN_PIXELS / f.side;
    size_t bytes;
    uint8_t *b = bitmap_new(width, height, &bytes, &stride);
    if (!b) {
        to->failed = true;
        return;
    }
    uint8_t *pixels = b + bytes - stride * height;
    for (int64_t u = 0; u < n; u++)
        filter_draw(run, &f, u, pixels + u / across * (f.side + 1) * stride + u % across * (f.side + 1), stride);
    text_put(to, "<h2>First layer: ");
    put_html(to, f.leaf->name);
    text_format(
        to,
        "</h2><p>%lld of %lld; dark is negative</p><img width=\"%lld\" alt=\"filters\" src=\"data:image/bmp;base64,",
        (long long)n, (long long)f.units, (long long)(width * (scale > 0 ? scale : 1)));
    put_base64(to, b, bytes);
    text_put(to, "\">\n");
    free(b);
}

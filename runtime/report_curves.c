/* report_curves.c: the curves of report.html: an SVG chart for each single number of log.csv, training and validation
** in one, rounds of all blocks from left to right. */
#include "report_parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 340,
    HEIGHT = 190,
    LEFT = 52,
    RIGHT = 8,
    TOP = 8,
    BOTTOM = 22,
    MOST_CHARTS = 24,
    MOST_POINTS = 1000,
    NAME = 128
};

static const char *line_end(const char *s) { return s + strcspn(s, "\n"); }
/* Cell i of the line at s; its length in *n. NULL: there are fewer. */
static const char *cell_at(const char *s, int64_t i, size_t *n) {
    for (; i > 0; i--) {
        s += strcspn(s, ",\n");
        if (*s != ',') return NULL;
        s++;
    }
    *n = strcspn(s, ",\n");
    return s;
}
static int64_t column_find(const char *log, const char *name) {
    size_t n;
    const char *cell;
    for (int64_t i = 0; (cell = cell_at(log, i, &n)); i++)
        if (n == strlen(name) && !memcmp(cell, name, n)) return i;
    return -1;
}
static int64_t rows_count(const char *log) {
    int64_t rows = 0;
    for (const char *s = line_end(log); *s && s[1]; s = line_end(s + 1)) rows++;
    return rows;
}
/* Calls visit(row, value) for each finite value of a column. */
typedef struct Curve {
    double low, high;
    int64_t points, rows, every;
    Text *out;
} Curve;
static void column_walk(const char *log, int64_t column, Curve *curve, void (*visit)(Curve *, int64_t, double)) {
    int64_t row = 0;
    for (const char *s = line_end(log); column >= 0 && *s && s[1]; s = line_end(s + 1), row++) {
        size_t n;
        const char *cell = cell_at(s + 1, column, &n);
        double value = cell && n ? strtod(cell, NULL) : NAN;
        if (isfinite(value) && row % curve->every == 0) visit(curve, row, value);
    }
}
static void visit_range(Curve *curve, int64_t row, double value) {
    (void)row;
    if (!curve->points++ || value < curve->low) curve->low = value;
    if (curve->points == 1 || value > curve->high) curve->high = value;
}
static void visit_point(Curve *curve, int64_t row, double value) {
    double x = curve->rows > 1 ? (double)row / (double)(curve->rows - 1) : 0.5,
           y = (value - curve->low) / (curve->high - curve->low);
    text_format(curve->out, "%.1f,%.1f ", LEFT + x * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM));
}
static void put_chart(const char *log, const char *name, int64_t train, int64_t validate, Text *to) {
    Curve curve = {.rows = rows_count(log), .out = to};
    curve.every = curve.rows / MOST_POINTS + 1;
    column_walk(log, train, &curve, visit_range);
    column_walk(log, validate, &curve, visit_range);
    if (!curve.points) return;
    double room = 0.05 * (curve.high - curve.low);
    if (!(room > 0)) room = fabs(curve.high) > 0 ? 0.1 * fabs(curve.high) : 1;
    curve.low -= room;
    curve.high += room;
    text_put(to, "<figure><figcaption>");
    put_html(to, name);
    text_format(to, "</figcaption><svg width=\"%d\" height=\"%d\" role=\"img\">", WIDTH, HEIGHT);
    for (int i = 0; i <= 4; i++) {
        double y = HEIGHT - BOTTOM - i / 4.0 * (HEIGHT - TOP - BOTTOM);
        text_format(to, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y,
                    y);
        text_format(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>", LEFT - 4, y + 4,
                    curve.low + i / 4.0 * (curve.high - curve.low));
    }
    text_format(to, "<text x=\"%d\" y=\"%d\">1</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">round %lld</text>",
                LEFT, HEIGHT - 6, WIDTH - RIGHT, HEIGHT - 6, (long long)curve.rows);
    text_put(to, "<polyline class=\"train\" points=\"");
    column_walk(log, train, &curve, visit_point);
    text_put(to, "\"/><polyline class=\"validate\" points=\"");
    column_walk(log, validate, &curve, visit_point);
    text_put(to, "\"/></svg></figure>\n");
}
void put_curves(const char *log, Text *to) {
    size_t n;
    const char *cell;
    int64_t charts = 0;
    if (!rows_count(log)) return;
    text_put(to,
             "<h2>Curves</h2><p><span class=\"key\" style=\"background:var(--train)\"></span> training "
             "<span class=\"key\" style=\"background:var(--validate)\"></span> validation</p><div class=\"charts\">\n");
    for (int64_t i = 5; (cell = cell_at(log, i, &n)) && charts < MOST_CHARTS;
         i++) { /* behind block,round,epoch,step,examples */
        char name[NAME], other[NAME + 16];
        if (n >= NAME || memchr(cell, '[', n) || !strncmp(cell, "validate_", 9)) continue;
        memcpy(name, cell, n);
        name[n] = 0;
        snprintf(other, sizeof other, "validate_%s", name);
        put_chart(log, name, i, column_find(log, other), to);
        charts++;
    }
    text_put(to, "</div>\n");
}

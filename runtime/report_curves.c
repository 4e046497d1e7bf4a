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
static double height_of(const Curve *curve, double value) {
    return HEIGHT - BOTTOM - (value - curve->low) / (curve->high - curve->low) * (HEIGHT - TOP - BOTTOM);
}
static void visit_point(Curve *curve, int64_t row, double value) {
    double x = (double)row / (double)(curve->rows - 1);
    text_format(curve->out, "%.1f,%.1f ", LEFT + x * (WIDTH - LEFT - RIGHT), height_of(curve, value));
}
/* One round is a dot. */
static void visit_dot(Curve *curve, int64_t row, double value) {
    (void)row;
    text_format(curve->out, "<circle r=\"3\" cx=\"%.1f\" cy=\"%.1f\"/>", LEFT + 0.5 * (WIDTH - LEFT - RIGHT), height_of(curve, value));
}
static void put_curve(const char *log, const char *class, int64_t column, Curve *curve) {
    bool dot = curve->rows == 1;
    text_format(curve->out, dot ? "<g class=\"%s\">" : "<polyline class=\"%s\" points=\"", class);
    column_walk(log, column, curve, dot ? visit_dot : visit_point);
    text_put(curve->out, dot ? "</g>" : "\"/>");
}
/* The smallest of 1, 2, 5, 10, 20, .. that is not below x. */
static double round_step(double x) {
    double power = pow(10, floor(log10(x))), digit = x / power;
    return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}
/* The axis begins and ends at multiples of a round number, so values of at least 0 have none below 0 on it. */
static double axis_fit(Curve *curve) {
    double range = curve->high - curve->low, size = fmax(fabs(curve->low), fabs(curve->high));
    if (!(range > 1e-9 * size)) range = size > 0 ? 0.4 * size : 4;
    double step = round_step(range / 4);
    curve->low = floor(curve->low / step) * step;
    curve->high = ceil(curve->high / step) * step;
    if (!(curve->high > curve->low)) { /* a flat curve runs through the middle, if that needs no values below 0 */
        curve->high += step;
        if (curve->low < 0 || curve->low >= step) curve->low -= step;
    }
    return step;
}
static void put_axis(Curve *curve) {
    double step = axis_fit(curve);
    int decimals = step < 1 ? (int)-floor(log10(step) + 1e-9) : 0;
    bool plain = decimals <= 4 && fmax(fabs(curve->low), fabs(curve->high)) < 1e6;
    for (int64_t i = 0; i <= llround((curve->high - curve->low) / step); i++) {
        double value = curve->low + (double)i * step, y = height_of(curve, value);
        text_format(curve->out, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y, y);
        text_format(curve->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 4, y + 4);
        if (plain)
            text_format(curve->out, "%.*f</text>", decimals, fabs(value) < step / 2 ? 0 : value);
        else
            text_format(curve->out, "%.3g</text>", fabs(value) < step / 2 ? 0 : value);
    }
}
static void put_chart(const char *log, const char *name, int64_t train, int64_t validate, Text *to) {
    Curve curve = {.rows = rows_count(log), .out = to};
    curve.every = curve.rows / MOST_POINTS + 1;
    column_walk(log, train, &curve, visit_range);
    column_walk(log, validate, &curve, visit_range);
    if (!curve.points) return;
    text_put(to, "<figure><figcaption>");
    put_html(to, name);
    text_format(to, "</figcaption><svg width=\"%d\" height=\"%d\" role=\"img\">", WIDTH, HEIGHT);
    put_axis(&curve);
    if (curve.rows > 1) text_format(to, "<text x=\"%d\" y=\"%d\">1</text>", LEFT, HEIGHT - 6);
    text_format(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">round %lld</text>", WIDTH - RIGHT, HEIGHT - 6, (long long)curve.rows);
    put_curve(log, "train", train, &curve);
    if (validate >= 0) put_curve(log, "validate", validate, &curve);
    text_put(to, "</svg></figure>\n");
}
static bool has_validation(const char *log) {
    size_t n;
    const char *cell;
    for (int64_t i = 0; (cell = cell_at(log, i, &n)); i++) {
        Curve curve = {.every = 1};
        if (n > 9 && !memcmp(cell, "validate_", 9)) column_walk(log, i, &curve, visit_range);
        if (curve.points) return true;
    }
    return false;
}
void put_curves(const char *log, Text *to) {
    size_t n;
    const char *cell;
    int64_t charts = 0;
    if (!rows_count(log)) return;
    text_put(to, "<h2>Curves</h2><p><span class=\"key\" style=\"background:var(--train)\"></span> training");
    if (has_validation(log)) text_put(to, " <span class=\"key\" style=\"background:var(--validate)\"></span> validation");
    text_put(to, "</p><div class=\"charts\">\n");
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

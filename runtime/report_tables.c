/* report_tables.c: the arrays of report.html: a [k, k] is a confusion table, its rows what a thing is, its columns what it was
** taken for, and shows counts if its means over the rows are counts; any other array is shown as it is. Cells are shaded by
** their share of the row. */
#include "report_parts.h"
#include <math.h>

typedef struct Table {
    const nn_report *report;
    const double *values;
    int64_t columns, lines;
    double scale; /* values are shown times this */
    bool counts;
} Table;

/* Are the means over the rows counts divided by their number? */
static bool are_counts(const Table *t, double rows) {
    if (!(rows >= 1)) return false;
    for (int64_t i = 0; i < t->lines * t->columns; i++) {
        double count = t->values[i] * rows;
        if (!(count >= 0) || fabs(count - round(count)) > 1e-3 + 1e-6 * count) return false;
    }
    return true;
}
static void put_label(const Table *t, int64_t i, Text *to) {
    text_put(to, "<th>");
    if (t->report->n_classes == t->columns)
        put_html(to, t->report->classes[i]);
    else
        text_format(to, "%lld", (long long)i);
}
static void put_cell(const Table *t, double value, double sum, Text *to) {
    double share = sum > 0 && value > 0 ? value / sum : 0;
    text_put(to, "<td");
    if (share >= 0.005) text_format(to, " style=\"background:rgba(59,111,212,%.2f)\"", 0.7 * share);
    text_put(to, ">");
    if (t->counts && value == 0)
        text_put(to, "\xc2\xb7"); /* a middle dot: zeros would hide the mistakes */
    else if (t->counts)
        text_format(to, "%.0f", value * t->scale);
    else
        text_format(to, "%.4g", value);
}
static void put_line(const Table *t, int64_t line, bool square, Text *to) {
    const double *v = t->values + line * t->columns;
    double sum = 0;
    for (int64_t c = 0; c < t->columns; c++) sum += v[c] > 0 ? v[c] : 0;
    text_put(to, "<tr>");
    if (square)
        put_label(t, line, to);
    else if (t->lines > 1)
        text_format(to, "<th>%lld", (long long)line);
    for (int64_t c = 0; c < t->columns; c++) put_cell(t, v[c], sum, to);
    if (square && sum > 0) text_format(to, "<td>%.1f %%", 100 * v[line] / sum);
    text_put(to, "\n");
}
void put_test_table(const nn_report *report, const double *values, double rows, Text *to) {
    int64_t columns = report->dims[report->n_dims - 1], lines = product(report->n_dims, report->dims) / columns;
    bool square = report->n_dims == 2 && lines == columns;
    Table t = {.report = report, .values = values, .columns = columns, .lines = lines, .scale = rows};
    t.counts = square && are_counts(&t, rows);
    text_put(to, "<h2>");
    put_html(to, report->name);
    text_put(to, " on the test part</h2><table class=\"array\">\n");
    if (square) text_format(to, "<tr><th class=\"side\">is<th class=\"side\" colspan=\"%lld\">taken for<th>\n", (long long)columns);
    text_put(to, lines > 1 ? "<tr><th>" : "<tr>");
    for (int64_t c = 0; c < columns; c++) put_label(&t, c, to);
    text_put(to, square ? "<th>right\n" : "\n");
    for (int64_t line = 0; line < lines; line++) put_line(&t, line, square, to);
    text_put(to, "</table>\n");
}

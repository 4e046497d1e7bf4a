/* diag.c: see diag.h. Kept in the order of arrival; sorted by place within a file only when printed. */
#include "diag.h"
#include "vec.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

enum { KEPT = 20 };
typedef struct Note {
    Span span;
    const char *text;
} Note;
struct Message {
    Diag *diag;
    DiagCode code;
    Span span;
    const char *text, *help;
    VEC(Note) notes;
    int arrival;
};
struct Diag {
    Arena *arena;
    VEC(Message *) messages;
    int errors, warnings;
    Message dropped; /* takes the notes of what is not kept */
};
static const struct {
    const char *name, *title, *page;
} codes[] = {
#define DIAG(code, title, page) {#code, title, page},
#include "diag.def"
#undef DIAG
};
const char *diag_code_name(DiagCode code) { return codes[code].name; }
const char *diag_title(DiagCode code) { return codes[code].title; }
const char *diag_page(DiagCode code) { return codes[code].page; }
bool diag_code_find(const char *name, DiagCode *code) {
    for (int i = 0; i < DIAG_COUNT; i++) {
        const char *a = name, *b = codes[i].name;
        while (*a && toupper((unsigned char)*a) == *b) a++, b++;
        if (!*a && !*b) return *code = (DiagCode)i, true;
    }
    return false;
}
static bool is_warning(DiagCode code) { return codes[code].name[0] == 'W'; }

Diag *diag_new(Arena *arena) {
    Diag *d = ARENA_NEW(arena, Diag);
    d->arena = arena;
    d->dropped.diag = d;
    return d;
}
static const char *format_text(Arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    nnc_check(n >= 0, "a bad format: %s", format);
    char *s = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}
Message *diag_report(Diag *diag, DiagCode code, Span span, const char *format, ...) {
    for (int i = 0; i < diag->messages.n; i++) {
        const Message *m = diag->messages.v[i];
        if (m->code == code && m->span.source == span.source && m->span.begin == span.begin && span.source)
            return &diag->dropped;
    }
    if (is_warning(code) ? diag->warnings++ >= 100 : diag->errors++ >= KEPT) return &diag->dropped;
    Message *m = ARENA_NEW(diag->arena, Message);
    *m = (Message){.diag = diag, .code = code, .span = span, .arrival = diag->messages.n};
    va_list args;
    va_start(args, format);
    m->text = format_text(diag->arena, format, args);
    va_end(args);
    vec_push(diag->arena, &diag->messages, m);
    return m;
}
void message_note(Message *message, Span span, const char *format, ...) {
    if (message == &message->diag->dropped) return;
    va_list args;
    va_start(args, format);
    Note note = {span, format_text(message->diag->arena, format, args)};
    va_end(args);
    vec_push(message->diag->arena, &message->notes, note);
}
void message_help(Message *message, const char *format, ...) {
    if (message == &message->diag->dropped) return;
    va_list args;
    va_start(args, format);
    message->help = format_text(message->diag->arena, format, args);
    va_end(args);
}
int diag_errors(const Diag *diag) { return diag->errors; }
int diag_warnings(const Diag *diag) { return diag->warnings; }
int diag_mark(const Diag *diag) { return diag->messages.n; }
void diag_rewind(Diag *diag, int mark) {
    diag->messages.n = mark;
    diag->errors = diag->warnings = 0;
    for (int i = 0; i < mark; i++) *(is_warning(diag->messages.v[i]->code) ? &diag->warnings : &diag->errors) += 1;
}

static int by_place(const void *a, const void *b) {
    const Message *x = *(Message *const *)a, *y = *(Message *const *)b;
    if (x->span.source == y->span.source && x->span.begin != y->span.begin) return x->span.begin < y->span.begin ? -1 : 1;
    return x->arrival - y->arrival;
}
static void print_excerpt(FILE *out, Span span, bool color) {
    size_t n;
    const char *line = span_line_text(span, &n), *source = span.source->text;
    size_t at = (size_t)(source + span.begin - line), end = at + (span.end > span.begin ? span.end - span.begin : 1);
    if (at > n) at = n;
    if (end > n) end = n > at ? n : at + 1;
    fprintf(out, "%5d | ", span_line(span));
    for (size_t i = 0; i < n; i++) fputc(line[i] == '\t' ? ' ' : line[i], out);
    fprintf(out, "\n      | ");
    for (size_t i = 0; i < at; i++)
        if ((line[i] & 0xC0) != 0x80) fputc(' ', out);
    if (color) fputs("\033[1;31m", out);
    fputc('^', out);
    for (size_t i = at + 1; i < end; i++)
        if (i >= n || (line[i] & 0xC0) != 0x80) fputc('~', out);
    fputs(color ? "\033[0m\n" : "\n", out);
}
static void print_place(FILE *out, Span span) {
    if (span.source) fprintf(out, "%s:%d:%d: ", span.source->path, span_line(span), span_column(span));
}
static void print_message(const Message *m, FILE *out, bool color) {
    bool warning = is_warning(m->code);
    print_place(out, m->span);
    const char *paint = !color ? "" : warning ? "\033[1;35m" : "\033[1;31m";
    fprintf(out, "%s%s[%s]%s: %s\n", paint, warning ? "warning" : "error", codes[m->code].name, color ? "\033[0m" : "", m->text);
    if (m->span.source) print_excerpt(out, m->span, color);
    for (int i = 0; i < m->notes.n; i++) {
        fputs("  ", out);
        print_place(out, m->notes.v[i].span);
        fprintf(out, "note: %s\n", m->notes.v[i].text);
        if (m->notes.v[i].span.source) print_excerpt(out, m->notes.v[i].span, color);
    }
    if (m->help) fprintf(out, "  help: %s\n", m->help);
}
static void json_text(FILE *out, const char *s) {
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fprintf(out, "\\%c", *s);
        else if (*s == '\n') fputs("\\n", out);
        else if ((unsigned char)*s < 0x20) fprintf(out, "\\u%04x", *s);
        else fputc(*s, out);
    }
    fputc('"', out);
}
static void json_place(FILE *out, Span span) {
    if (!span.source) return;
    fputs(",\"file\":", out);
    json_text(out, span.source->path);
    Span end = {span.source, span.end, span.end};
    fprintf(out, ",\"line\":%d,\"column\":%d,\"end_line\":%d,\"end_column\":%d", span_line(span), span_column(span),
            span_line(end), span_column(end));
}
static void print_json(const Message *m, FILE *out) {
    fprintf(out, "{\"severity\":\"%s\",\"code\":\"%s\",\"message\":", is_warning(m->code) ? "warning" : "error", codes[m->code].name);
    json_text(out, m->text);
    json_place(out, m->span);
    if (m->notes.n) {
        fputs(",\"notes\":[", out);
        for (int i = 0; i < m->notes.n; i++) {
            fputs(i ? ",{\"message\":" : "{\"message\":", out);
            json_text(out, m->notes.v[i].text);
            json_place(out, m->notes.v[i].span);
            fputc('}', out);
        }
        fputc(']', out);
    }
    if (m->help) fputs(",\"help\":", out), json_text(out, m->help);
    fputs("}\n", out);
}
void diag_print(const Diag *diag, FILE *out, bool json, bool warnings, bool color) {
    Arena *scratch = arena_new("printing messages");
    Message **sorted = arena_copy(scratch, diag->messages.v, sizeof(Message *) * (size_t)diag->messages.n);
    qsort(sorted, (size_t)diag->messages.n, sizeof *sorted, by_place);
    for (int i = 0; i < diag->messages.n; i++) {
        if (is_warning(sorted[i]->code) && !warnings) continue;
        if (json) print_json(sorted[i], out);
        else print_message(sorted[i], out, color);
    }
    if (!json && diag->errors > KEPT) fprintf(out, "and %d more errors\n", diag->errors - KEPT);
    arena_free(scratch);
}

/* console.c: see console.h. */
#include "console.h"
#include "json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct Memory {
    Memory *next;
    void *block; /* what calloc gave: this lies within it, aligned */
};
enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, SLACK = 256 }; /* SLACK: bytes behind each piece that generated code may read, see abi.h */

void console_open(Console *console, const Io *io, const char *program) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(2) && term && strcmp(term, "dumb");
    *console = (Console){.io = io,
                         .program = program,
                         .terminal = terminal,
                         .reader = terminal && isatty(1),
                         .color = terminal && !(no_color && *no_color)};
}
void console_close(Console *console) {
    console_bar(console, "");
    for (Memory *m = console->memory, *next; m; m = next) {
        next = m->next;
        free(m->block);
    }
    console->memory = NULL;
}
/* Large blocks are read in strides of many KiB: with pages of 2 MiB the processor knows where all of them lie. Asked only for what lies
** wholly in the block, so that no more memory is taken. */
static void pages_large(void *block, size_t bytes) {
    uintptr_t from = ((uintptr_t)block + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, to = ((uintptr_t)block + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (to > from) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
void *console_memory(Console *console, int64_t bytes, const char *what) {
    size_t total;
    void *block = NULL; /* calloc: pages of a large one are the process's when they are first written */
    if (bytes >= 0 && !__builtin_add_overflow((size_t)bytes, 2 * ALIGNMENT + SLACK, &total)) block = calloc(total, 1);
    if (!block) {
        (void)console_fail(console, FAILED_LIMIT, "not enough memory: %s needs %lld bytes", what, (long long)bytes);
        return NULL;
    }
    pages_large(block, total);
    Memory *m = (Memory *)(void *)(((uintptr_t)block + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    m->next = console->memory;
    m->block = block;
    console->memory = m;
    return (char *)m + ALIGNMENT;
}
char *console_copy(Console *console, const char *string) {
    char *copy = console_memory(console, (int64_t)strlen(string) + 1, "a name");
    if (copy) strcpy(copy, string);
    return copy;
}

/* stderr: nothing can be done when it fails. */
static void console_err(Console *console, const char *bytes, size_t n) { (void)io_write_all(console->io, 2, bytes, n); }
void console_bar(Console *console, const char *line) {
    if (!console->terminal || (!console->bar && !*line)) return;
    Text out = {0};
    text_format(&out, "\r\033[K%s", line);
    if (!out.failed) console_err(console, out.bytes, out.n);
    console->bar = *line != 0;
    text_free(&out);
}
void console_print(Console *console, const char *bytes, size_t n) {
    console_bar(console, "");
    if (!console->broken && n) console->broken = io_write_all(console->io, 1, bytes, n);
}
Status console_check(Console *console) {
    if (!console->broken) return OK;
    return console_fail(console, FAILED_OUTPUT, "the standard output could not be written: %s",
                        strerror(console->broken));
}
void console_event(Console *console, Text *event) {
    text_put(event, "\n");
    if (console->json && !event->failed) console_print(console, event->bytes, event->n);
    text_free(event);
}
void console_note(Console *console, const char *format, ...) {
    Text out = {0};
    va_list list;
    va_start(list, format);
    text_format_list(&out, format, list);
    va_end(list);
    text_put(&out, "\n");
    console_bar(console, "");
    if (!out.failed) console_err(console, out.bytes, out.n);
    text_free(&out);
}

static void print_error(Console *console, Status status, Spot spot, const char *note, const Text *message) {
    if (console->json) {
        Text event = {0};
        Json json = json_to(&event);
        json_open(&json, NULL, '{');
        json_string(&json, "event", "error");
        json_integer(&json, "code", status);
        if (spot.file) json_string(&json, "file", spot.file);
        if (spot.row) json_integer(&json, "row", spot.row);
        if (spot.column) json_string(&json, "column", spot.column);
        json_string(&json, "message", message->failed ? "out of memory" : message->bytes);
        json_close(&json, '}');
        console_event(console, &event);
        return;
    }
    Text out = {0};
    if (spot.file) {
        text_shown(&out, spot.file, strlen(spot.file));
        if (spot.row) text_format(&out, ":%lld", (long long)spot.row);
    } else
        text_put(&out, console->program);
    text_put(&out, ": ");
    if (console->color)
        text_put(&out, "\033[1;31merror:\033[0m ");
    else
        text_put(&out, "error: ");
    if (spot.column) {
        text_put(&out, "column \"");
        text_shown(&out, spot.column, strlen(spot.column));
        text_put(&out, "\": ");
    }
    if (message->n) text_add(&out, message->bytes, message->n);
    if (note) text_format(&out, "\n = %s", note);
    text_put(&out, "\n");
    console_bar(console, "");
    if (out.failed)
        console_err(console, "error: out of memory\n", 21);
    else
        console_err(console, out.bytes, out.n);
    text_free(&out);
}
Status console_fail_at(Console *console, Status status, Spot spot, const char *note, const char *format, ...) {
    Text message = {0};
    va_list list;
    va_start(list, format);
    text_format_list(&message, format, list);
    va_end(list);
    print_error(console, status, spot, note, &message);
    text_free(&message);
    return status;
}
Status console_fail(Console *console, Status status, const char *format, ...) {
    Text message = {0};
    va_list list;
    va_start(list, format);
    text_format_list(&message, format, list);
    va_end(list);
    print_error(console, status, (Spot){0}, NULL, &message);
    text_free(&message);
    return status;
}
Status console_fail_why(Console *console, Status status, const char *path, const char *why) {
    if (why == out_of_memory) status = FAILED_LIMIT;
    return console_fail_at(console, status, (Spot){.file = path}, NULL, "%s", why);
}
Status console_fail_file(Console *console, Status status, const char *verb, const char *path, int error) {
    Text name = {0};
    text_shown(&name, path, strlen(path));
    const char *why = error == EISDIR   ? "it is a directory"
                      : error == EINVAL ? "it is no regular file"
                                        : strerror(error);
    if (error == ENOMEM) status = FAILED_LIMIT;
    (void)console_fail(console, status, "cannot %s %s: %s", verb, name.failed ? "a file" : name.bytes, why);
    text_free(&name);
    return status;
}

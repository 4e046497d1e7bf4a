/* text.h: a growing piece of text: messages, log rows, JSON, HTML. One that could not grow is `failed` and stays as it
** was. */
#ifndef NN_TEXT_H
#define NN_TEXT_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Text {
    char *bytes; /* ends with a zero that `n` does not count; NULL while empty */
    size_t n, capacity;
    bool failed;
} Text;
void text_add(Text *text, const void *bytes, size_t n);
void text_put(Text *text, const char *string);
void text_format(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_format_list(Text *text, const char *format, va_list list);
void text_free(Text *text);
/* A name or a cell of a foreign file: control characters and bytes that are not UTF-8 as \xNN, cut at 80 characters. */
void text_shown(Text *text, const char *bytes, size_t n);
/* What a function that answers why it failed answers when memory was short: compare the address. */
extern const char out_of_memory[];
#endif

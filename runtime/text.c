/* text.c: see text.h. */
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char out_of_memory[] = "not enough memory";

static bool text_reserve(Text *text, size_t more) {
    if (text->n + more + 1 <= text->capacity) return true;
    size_t capacity = 2 * (text->n + more + 32);
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}
void text_add(Text *text, const void *bytes, size_t n) {
    if (!text_reserve(text, n)) return;
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = 0;
}
void text_put(Text *text, const char *string) { text_add(text, string, strlen(string)); }
void text_format_list(Text *text, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0 || !text_reserve(text, (size_t)n)) return;
    vsnprintf(text->bytes + text->n, (size_t)n + 1, format, list);
    text->n += (size_t)n;
}
void text_format(Text *text, const char *format, ...) {
    va_list list;
    va_start(list, format);
    text_format_list(text, format, list);
    va_end(list);
}
void text_free(Text *text) {
    free(text->bytes);
    *text = (Text){0};
}

/* Bytes of the UTF-8 character at s, 0 if it is none or one that must not reach a terminal (controls, bidirectional
** marks). */
static size_t shown_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (!length || s[0] >= 0xf5 || length > n) return 0;
    uint32_t code = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    bool hidden = code < 0xa0 || (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
                  (code >= 0x2066 && code <= 0x2069) || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff;
    return overlong || hidden ? 0 : length;
}
void text_shown(Text *text, const char *bytes, size_t n) {
    size_t shown = 0;
    for (size_t i = 0; i < n; shown++) {
        if (shown == 80) {
            text_put(text, "...");
            return;
        }
        size_t length = shown_length((const unsigned char *)bytes + i, n - i);
        if (length)
            text_add(text, bytes + i, length);
        else
            text_format(text, "\\x%02x", (unsigned char)bytes[i]);
        i += length ? length : 1;
    }
}

/* source.c: see source.h. */
#include "source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 1 << 20 };

static bool is_utf8(const unsigned char *s, size_t n, size_t *where) {
    for (size_t i = 0; i < n;) {
        int more = s[i] < 0x80 ? 0 : s[i] >= 0xC2 && s[i] < 0xE0 ? 1 : (s[i] & 0xF0) == 0xE0 ? 2 : s[i] >= 0xF0 && s[i] < 0xF5 ? 3 : -1;
        *where = i;
        if (s[i] == 0 || more < 0 || i + (size_t)more >= n + (more == 0)) return false;
        for (int j = 1; j <= more; j++)
            if ((s[i + (size_t)j] & 0xC0) != 0x80) return false;
        i += (size_t)more + 1;
    }
    return true;
}
Source *source_of_text(Arena *arena, const char *path, const char *text, bool library) {
    Source *s = ARENA_NEW(arena, Source);
    *s = (Source){path, text, strlen(text), library};
    return s;
}
Source *source_read(Arena *arena, const char *path, const char **why) {
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f) return *why = strerror(errno), NULL;
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) return fclose(f), *why = "it is a directory", NULL;
    char *text = arena_alloc(arena, LARGEST + 2);
    size_t n = fread(text, 1, LARGEST + 1, f), where = 0;
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) return *why = "it could not be read to its end", NULL;
    if (n > LARGEST) return *why = "it is larger than 1 MiB, the most that a page may have", NULL;
    text[n] = 0;
    size_t skip = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (!is_utf8((unsigned char *)text + skip, n - skip, &where))
        return *why = arena_printf(arena, "it is not UTF-8 text (byte %zu)", where + skip), NULL;
    return source_of_text(arena, arena_printf(arena, "%s", path), text + skip, false);
}
static u32 line_begin(Span span) {
    u32 i = span.begin > span.source->length ? (u32)span.source->length : span.begin;
    while (i > 0 && span.source->text[i - 1] != '\n') i--;
    return i;
}
int span_line(Span span) {
    int line = 1;
    for (u32 i = 0; i < span.begin && i < span.source->length; i++) line += span.source->text[i] == '\n';
    return line;
}
int span_column(Span span) {
    int column = 1;
    for (u32 i = line_begin(span); i < span.begin; i++) column += (span.source->text[i] & 0xC0) != 0x80;
    return column;
}
const char *span_line_text(Span span, size_t *length) {
    const char *s = span.source->text + line_begin(span);
    *length = strcspn(s, "\r\n");
    return s;
}
Span span_join(Span a, Span b) {
    if (!a.source) return b;
    if (a.source == b.source && b.end > a.end) a.end = b.end;
    return a;
}

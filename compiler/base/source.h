/* source.h: the text of a file and places in it. A Span is a range of bytes; lines and columns are found when shown. */
#ifndef NNC_SOURCE_H
#define NNC_SOURCE_H
#include "arena.h"

typedef struct Source {
    const char *path; /* as the user wrote it, or "library/layers.nn" for an embedded file */
    const char *text; /* zero-terminated */
    size_t length;
    bool library; /* embedded in nnc: messages point at the user's call instead where they can */
} Source;
typedef struct Span {
    const Source *source; /* NULL: no place */
    u32 begin, end;       /* bytes, end excluded */
} Span;

/* Reads a whole file. NULL and *why (a sentence) when it cannot be read, is larger than 1 MiB, or is not UTF-8 text. */
Source *source_read(Arena *arena, const char *path, const char **why);
Source *source_of_text(Arena *arena, const char *path, const char *text, bool library);
int span_line(Span span);   /* from 1 */
int span_column(Span span); /* from 1, in code points */
/* The text of the line that holds the first byte, without its newline. */
const char *span_line_text(Span span, size_t *length);
Span span_join(Span first, Span last);
#endif

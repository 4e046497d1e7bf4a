/* console.h: all that a trainer says: errors, lines of output, events of --json. And the memory that lives as long as
** the run.
**
** stdout holds results, or with --json one object a line and nothing else; stderr the rest. Both are written through
** the I/O table. An error is printed once, by whoever finds it; the functions that print one answer its status, so
** `return console_fail(...)`. */
#ifndef NN_CONSOLE_H
#define NN_CONSOLE_H
#include "io.h"
#include "status.h"
#include "text.h"

enum { MAX_DATA_ERRORS = 20 };
typedef struct Memory Memory;
typedef struct Console {
    const Io *io;
    const char *program; /* name of the page, for messages */
    Memory *memory;      /* of console_memory */
    bool json, color;
    bool terminal; /* stderr is one: progress is a bar there */
    bool reader;   /* stdout is one: a person reads it, so rounds are printed with the bar, on stderr */
    bool bar;      /* a bar stands in the last line of stderr */
    int broken;    /* stdout takes no more: its errno (EPIPE: nobody reads) */
    int data_errors;
} Console;
void console_open(Console *console, const Io *io, const char *program);
void console_close(Console *console); /* frees what console_memory gave */

/* Zeroed, at a multiple of 64, until console_close; NULL after having said that there is too little. `what` names
** it. */
void *console_memory(Console *console, int64_t bytes, const char *what);
char *console_copy(Console *console, const char *string); /* as console_memory, of a string */

/* Where a mistake is. row and column: 0 and NULL where they make no sense. */
typedef struct Spot {
    const char *file;
    int64_t row; /* line of the file, from 1 */
    const char *column;
} Spot;
Status console_fail(Console *console, Status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `note`: a second line, " = ..."; or NULL. */
Status console_fail_at(Console *console, Status status, Spot spot, const char *note, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
Status console_fail_file(Console *console, Status status, const char *verb, const char *path,
                         int error); /* "cannot VERB PATH: .." */
/* A file that cannot be read, and why; FAILED_LIMIT if that is out_of_memory. */
Status console_fail_why(Console *console, Status status, const char *path, const char *why);
void console_note(Console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* a line on stderr */

void console_print(Console *console, const char *bytes, size_t n); /* stdout */
void console_event(Console *console, Text *event);                 /* with --json: a line on stdout. Empties the text */
void console_bar(Console *console, const char *line);              /* replaces the bar on stderr */
STATUS console_check(Console *console);                            /* has stdout taken everything? */
#endif

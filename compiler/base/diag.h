/* diag.h: what the user did wrong, collected. Raised by the floors ast, sema and driver only; printed once, at the end.
**
** A message is code, place, one sentence; then notes with their own places ("declared here"), the chain of calls it was
** instantiated through, and a help line. The page of each code is in diag_*.def, `nnc explain CODE` shows it. */
#ifndef NNC_DIAG_H
#define NNC_DIAG_H
#include "source.h"
#include "str.h"
#include <stdio.h>

typedef enum DiagCode {
#define DIAG(code, title, page) code,
#include "diag.def"
#undef DIAG
    DIAG_COUNT
} DiagCode;

typedef struct Diag Diag;
typedef struct Message Message;
Diag *diag_new(Arena *arena);

/* Codes that begin with W are warnings. A second message at the same place with the same code is dropped, errors past the
** 20th are counted only. The result takes notes; it is never NULL. */
Message *diag_report(Diag *diag, DiagCode code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
void message_note(Message *message, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));
void message_help(Message *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

int diag_errors(const Diag *diag);   /* errors so far, also those not kept */
int diag_warnings(const Diag *diag);
/* A point to come back to: sema evaluates some blocks more than once, and checks a did-you-mean by trying it. */
int diag_mark(const Diag *diag);
void diag_rewind(Diag *diag, int mark);
/* All of it, in the order of places within a file; `json`: one object a line. Warnings only where `warnings`. */
void diag_print(const Diag *diag, FILE *out, bool json, bool warnings, bool color);

const char *diag_code_name(DiagCode code);
bool diag_code_find(const char *name, DiagCode *code); /* "E201", also in small letters */
const char *diag_title(DiagCode code);
const char *diag_page(DiagCode code);
#endif

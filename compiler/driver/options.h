/* options.h: the command line of nnc. Read by driver/ only; floors get what they need as arguments. */
#ifndef NNC_OPTIONS_H
#define NNC_OPTIONS_H
#include "../base/compilation.h"
#include "../base/vec.h"

#define NNC_VERSION "0.1.0"

typedef enum Command { COMMAND_COMPILE, COMMAND_RUN, COMMAND_EXPLAIN, COMMAND_HELP, COMMAND_VERSION } Command;
typedef struct Options {
    Command command;
    const char *page;       /* the .nn, or the code to explain */
    const char *output;     /* -o */
    bool object;            /* -c */
    const char *emit;       /* stage, or NULL */
    VEC(const char *) dumps;
    const char *stop_after;
    VEC(Define) defines;
    int level;              /* -O */
    bool f64, gradients;
    const char *cpu;        /* NULL: native */
    int grains;             /* 0: chosen */
    i64 memory;             /* bytes of work memory, -1: no bound */
    i64 bisect;             /* -1: all */
    bool warnings, json, verify, time, summary, explain_batch;
    const char *from_ir, *pass;
    bool interpret;         /* run --interpret */
    int n_rest;             /* run: arguments of the program */
    char **rest;
} Options;

/* False after saying on standard error what is wrong (exit 2). */
bool options_parse(Options *options, Arena *arena, int argc, char **argv);
void options_help(FILE *out);
#endif

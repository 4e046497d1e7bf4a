/* options.h: the command line: which command, the options of options.def, a flag for each hyper of the page; the help.
**
** Nothing is opened here. Each value knows where it came from, because run.json says so and because --from and
** --resume give values that flags still win over. */
#ifndef NN_OPTIONS_H
#define NN_OPTIONS_H
#include "abi.h"
#include "console.h"
#include "json.h"

typedef struct Run Run;
typedef enum CommandName {
#define COMMAND(NAME, word, arguments, help, handler) COMMAND_##NAME,
#include "commands.def"
#undef COMMAND
    N_COMMANDS
} CommandName;
typedef enum OptionName {
#define OPTION(NAME, flag, kind, argument, shown, commands, help) OPTION_##NAME,
#include "options.def"
#undef OPTION
    N_OPTIONS
} OptionName;

typedef enum Source {
    FROM_DEFAULT,
    FROM_RUN,
    FROM_FLAG
} Source;                                /* FROM_RUN: the run.json of --from, --resume, --replay */
extern const char *const source_names[]; /* default, run, flag */

typedef struct OptionValue {
    Source source; /* FROM_DEFAULT: not given, all else is zero */
    const char *text;
    int64_t count;
    uint64_t seed;
    double seconds, real;
} OptionValue;
typedef struct HyperValue {
    Source source;
    double value; /* an int or bool exactly */
} HyperValue;
typedef struct Options {
    CommandName command;
    const char *block; /* train block, predict block, or model of generate; NULL: none named */
    OptionValue of[N_OPTIONS];
    int64_t n_data;
    const char **data; /* NAME=PATH of each --data */
    HyperValue *hypers;
    int argc;
    char **argv;
} Options;

/* *done: --help was asked for and printed. */
STATUS options_read(Console *console, const nn_program *program, int argc, char **argv, Options *options, bool *done);
/* Fills what no flag gave from a run.json (its members `options`, `hypers`, `data`), where this command takes it.
** `all`: every option (--replay); else those that decide what is computed: epochs, steps, seed, data, limits, order,
** hypers. */
STATUS options_take(Console *console, const nn_program *program, Options *options, const JsonValue *run, bool all);
/* Members `options`, `hypers`, `data` of run.json: {"seed": {"value": "0", "source": "default"}, ...}. */
void options_write(const nn_program *program, const Options *options, Json *json);
static inline bool option_given(const Options *options, OptionName name) {
    return options->of[name].source != FROM_DEFAULT;
}
/* The closest of n names by edit distance, NULL if none is near. */
const char *name_near(const char *name, const char *const *names, int64_t n);
#endif

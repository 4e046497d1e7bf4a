/* help.c: --help of the program (commands, and a way to begin) and of a command (its options, the hypers of the
** page). */
#include "help.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char command_letters[] = {'T', 'E', 'P', 'N', 'X', 'M', 'L', 'I', 'G', 'B'};
_Static_assert(COUNT_OF(command_letters) == N_COMMANDS, "a letter for each command");

static void put_hypers(Text *out, const nn_program *program) {
    if (program->n_hypers) text_put(out, "\nhypers of the page:\n");
    for (int64_t i = 0; i < program->n_hypers; i++) {
        const nn_hyper *h = &program->hypers[i];
        char flag[64], range[64] = "";
        snprintf(flag, sizeof flag, "--%s", h->name);
        if (isfinite(h->low) || isfinite(h->high)) snprintf(range, sizeof range, " in [%.6g, %.6g]", h->low, h->high);
        if (h->kind == NN_BOOLEAN)
            text_format(out, "  %-24s %s (%s)\n", flag, h->help, h->value != 0 ? "true" : "false");
        else
            text_format(out, "  %-24s %s%s(%.6g%s)\n", flag, h->help, *h->help ? " " : "", h->value, range);
    }
}
static void put_overview(Text *out, const nn_program *program) {
    text_format(out, "%s: a trainer made by nnc %s from %s.nn\n\nusage: %s [COMMAND] [OPTIONS]\n\ncommands:\n",
                program->name, program->version, program->name, program->name);
#define COMMAND(NAME, word, arguments, help, handler) text_format(out, "  %-9s %-8s %s\n", word, arguments, help);
#include "commands.def"
#undef COMMAND
    if (program->n_trains > 1) {
        text_put(out, "\nblocks, in this order:");
        for (int64_t i = 0; i < program->n_trains; i++) text_format(out, " %s", program->trains[i].name);
        text_put(out, "\n");
    }
    if (program->n_predicts > 1) {
        text_put(out, "\npredict blocks:");
        for (int64_t i = 0; i < program->n_predicts; i++) text_format(out, " %s", program->predicts[i].name);
        text_put(out, "\n");
    }
    if (program->n_generates > 1) {
        text_put(out, "\nmodels that generate:");
        for (int64_t i = 0; i < program->n_generates; i++) text_format(out, " %s", program->generates[i].model);
        text_put(out, "\n");
    }
    put_hypers(out, program);
    text_format(out, "\n%s COMMAND --help lists the options of a command.\n", program->name);
}
void help_print(Console *console, const nn_program *program, CommandName command, bool overview) {
    Text out = {0};
    if (overview)
        put_overview(&out, program);
    else {
#define COMMAND(NAME, word, arguments, help, handler)                                                                  \
    if (command == COMMAND_##NAME)                                                                                     \
        text_format(&out, "usage: %s %s %s [OPTIONS]\n\n%s\n\noptions:\n", program->name, word, arguments, help);
#include "commands.def"
#undef COMMAND
#define OPTION(NAME, flag, kind, argument, shown, commands, help)                                                      \
    if (strchr(commands, command_letters[command])) {                                                                  \
        text_format(&out, "  --%-22s %s", *argument ? flag " " argument : flag, help);                                 \
        text_format(&out, *shown ? " (%s)\n" : "%s\n", shown);                                                         \
    }
#include "options.def"
#undef OPTION
        put_hypers(&out, program);
    }
    if (!out.failed) console_print(console, out.bytes, out.n);
    text_free(&out);
}

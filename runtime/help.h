/* help.h: the text of --help, which needs no manual. */
#ifndef NN_HELP_H
#define NN_HELP_H
#include "options.h"

void help_print(Console *console, const nn_program *program, CommandName command, bool overview);
extern const char command_letters[]; /* of each command, as options.def writes it */
#endif

/* interpret.h: the interpreter behind the runtime's table: every function of it computes its graph. */
#ifndef NNC_INTERPRET_H
#define NNC_INTERPRET_H
#include "../ir/program.h"

/* Points every function of the table at the interpreter. The runtime must pass `program` as nn_call.host. */
void interpret_program(Program *program);
#endif

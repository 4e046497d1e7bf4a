/* summary.h: --summary: what a program is and what a run of it will take. */
#ifndef NNC_SUMMARY_H
#define NNC_SUMMARY_H
#include <stdio.h>
#include "../ir/program.h"

/* After plan: parameters by name, operations of each function, bytes of each block, and the peak that a run takes beside its data. */
void summary_print(Program *program, FILE *out);
#endif

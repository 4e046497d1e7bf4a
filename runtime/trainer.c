/* trainer.c: the main of a trainer, a page compiled to a program: its table is the one the object exports. */
#include "run.h"

int main(int argc, char **argv) { return nn_main(&nn_program_table, NULL, argc, argv); }

/* from.h: --from: which trained parameters a command works with. */
#ifndef NN_FROM_H
#define NN_FROM_H
#include "run.h"

typedef struct From {
    const char *directory; /* of a run; NULL: */
    const char *file;      /* any safetensors file */
} From;
/* Finds it (the newest run if none is named), and takes from its run.json what no flag gave. Before run_open_blocks. */
STATUS from_find(Run *run, From *from);
STATUS from_classes(Run *run, const char *path); /* names of classes that a model file carries, to run->earlier */
/* Parameters, model states and averages, as `train` (NULL: the last block) left them. After run_open_blocks. */
STATUS from_read(Run *run, const From *from, const nn_train *train);
#endif

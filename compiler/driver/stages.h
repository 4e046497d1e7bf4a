/* stages.h: the stages themselves, for the table of pipeline.c: a missing one is an error of the linker. */
#ifndef NNC_STAGES_H
#define NNC_STAGES_H
#include "pipeline.h"
#define STAGE(name, purpose)                                                                                           \
    bool run_##name(Pipeline *p);                                                                                      \
    void show_##name(Pipeline *p, FILE *out);                                                                          \
    void verify_##name(Pipeline *p);
#include "pipeline.def"
#undef STAGE
#endif

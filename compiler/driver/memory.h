/* memory.h: opt under a bound on memory. */
#ifndef NNC_MEMORY_H
#define NNC_MEMORY_H
#include "pipeline.h"

/* Runs opt on the settled program so that no call's work memory is above options->memory. False: reported. */
bool memory_fit(Pipeline *p);
#endif

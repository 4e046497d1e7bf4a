/* plan_to_loop.h: kernels of a Plan written out as loop IR: a function for each (equal ones shared), and the entries that call them. */
#ifndef NNC_PLAN_TO_LOOP_H
#define NNC_PLAN_TO_LOOP_H
#include "loop.h"
#include "../plan/plan.h"

LoopProgram *plan_to_loop(Compilation *c, const Program *program, const Plan *plan);
#endif

/* pool.h: the threads that compute. A parallel loop is a fixed list of tasks, each of which writes results of its own,
** so bits do not depend on who runs which. Between loops the threads spin for some microseconds, then sleep. */
#ifndef NN_POOL_H
#define NN_POOL_H
#include "abi.h"
#include "console.h"

/* `threads` counts the caller: 1 gives NULL, which is a pool of one. */
STATUS pool_open(Console *console, int64_t threads, nn_pool **pool);
void pool_close(nn_pool *pool);
int64_t cores_usable(void); /* that this process may run on */
/* Round to nearest, subnormals kept: whatever a library has set. Each thread that computes calls it first. */
void arithmetic_reset(void);
#endif

/* threads.c: the runtime's pool for kernels.c, which cannot see both the compiler's headers and the runtime's: their names clash. */
#include "../../runtime/pool.h"
nn_pool *threads_open(int64_t threads);
void threads_close(nn_pool *pool);

nn_pool *threads_open(int64_t threads) {
    static Console console;
    nn_pool *pool;
    return pool_open(&console, threads, &pool) == OK ? pool : NULL;
}
void threads_close(nn_pool *pool) { pool_close(pool); }

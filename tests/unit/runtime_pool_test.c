/* runtime_pool_test.c: parallel loops: every task once, all done on return, also when there are more threads than
** cores or none come. */
#include "runtime_world.h"
#include "runtime/pool.h"
#include <stdatomic.h>

enum { MOST = 300 };
typedef struct Job {
    atomic_int times[MOST];
    int64_t value[MOST];
} Job;
static void task(void *frame, int64_t index) {
    Job *job = frame;
    atomic_fetch_add_explicit(&job->times[index], 1, memory_order_relaxed);
    job->value[index] = index * index;
}
static void test_threads(Console *console, int64_t threads, int jobs) {
    nn_pool *pool;
    char name[64];
    int64_t wrong = 0;
    if (pool_open(console, threads, &pool)) exit(1);
    static Job job;
    double start = clock_seconds();
    for (int j = 0; j < jobs; j++) {
        uint32_t counter[4] = {(uint32_t)j, 0, 0, 0}, key[2] = {3, 4}, word[4];
        philox4x32_10(counter, key, word);
        int64_t count = 1 + word[0] % (j % 10 ? 6 : MOST - 1);
        memset(&job, 0, sizeof job);
        nn_parallel(pool, task, &job, count);
        for (int64_t i = 0; i < MOST; i++)
            wrong += job.times[i] != (i < count) || job.value[i] != (i < count ? i * i : 0);
        if (j % 2000 == 0) usleep(2000); /* so that threads fall asleep in between */
    }
    snprintf(name, sizeof name, "%lld threads, %d jobs: every task once", (long long)threads, jobs);
    check(wrong == 0, name, "%lld wrong", (long long)wrong);
    fprintf(stderr, "%lld threads: %.2f us a job\n", (long long)threads, 1e6 * (clock_seconds() - start) / jobs);
    pool_close(pool);
}
int main(void) {
    Io io = world_io();
    Console console;
    world_open();
    console_open(&console, &io, "pool");
    test_threads(&console, 1, 1000);
    test_threads(&console, 2, 30000);
    test_threads(&console, 3, 2000);
    test_threads(&console, 8, 1000);
    console_close(&console);
    world_close();
    return failures != 0;
}

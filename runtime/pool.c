/* pool.c: see pool.h. A job is published as one 64-bit word, count in the high half and the next task in the low:
** whoever takes a number below the count owns that task, and the job's fields cannot change before it has said that
** the task is done. A thread that comes late takes a number too high and touches nothing. */
#include "pool.h"
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() __asm__ volatile("yield")
#endif

enum { SPINS = 4000, MOST_TASKS = 1 << 30, LINE = 128 }; /* SPINS: some 50 microseconds; LINE: two cache lines */
struct nn_pool {
    _Alignas(LINE) atomic_uint_fast64_t ticket; /* count << 32 | next */
    _Alignas(LINE) atomic_int_fast64_t done;    /* tasks of this job */
    _Alignas(LINE) atomic_uint generation;      /* jobs so far */
    atomic_int sleeping;
    atomic_bool ending;
    nn_task *task;
    void *frame;
    int spins; /* 0 when there are more threads than cores */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t n_threads; /* without the caller */
    pthread_t threads[];
};

void arithmetic_reset(void) {
    fesetround(FE_TONEAREST);
#if defined(__x86_64__)
    _mm_setcsr(0x1f80);
#endif
}
int64_t cores_usable(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}
static void take_tasks(nn_pool *pool) {
    int64_t mine = 0;
    for (;;) {
        uint64_t ticket = atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_acq_rel);
        uint64_t index = ticket & UINT32_MAX;
        if (index >= ticket >> 32) break;
        pool->task(pool->frame, (int64_t)index);
        mine++;
    }
    if (mine) atomic_fetch_add_explicit(&pool->done, mine, memory_order_release);
}
/* Until there is another job than `seen`. */
static void wait_for_job(nn_pool *pool, unsigned seen) {
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
        RELAX();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
}
static void publish(nn_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (!atomic_load(&pool->sleeping)) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}
static void *thread_main(void *argument) {
    nn_pool *pool = argument;
    arithmetic_reset();
    for (unsigned seen = 0;;) {
        wait_for_job(pool, seen);
        seen = atomic_load(&pool->generation); /* a job that comes now is taken here or waits for the next round */
        if (atomic_load(&pool->ending)) return NULL;
        take_tasks(pool);
    }
}
static void job_run(nn_pool *pool, nn_task *task, void *frame, int64_t count) {
    pool->task = task;
    pool->frame = frame;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->ticket, (uint64_t)count << 32, memory_order_release);
    publish(pool);
    take_tasks(pool);
    for (int i = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < count; i++) {
        if (i < pool->spins)
            RELAX();
        else
            sched_yield();
    }
}
void nn_parallel(nn_pool *pool, nn_task *task, void *frame, int64_t count) {
    if (!pool || count < 2 || count > MOST_TASKS) {
        for (int64_t i = 0; i < count; i++) task(frame, i);
        return;
    }
    job_run(pool, task, frame, count);
}

Status pool_open(Console *console, int64_t threads, nn_pool **to) {
    *to = NULL;
    if (threads < 2) return OK;
    nn_pool *pool =
        console_memory(console, (int64_t)sizeof *pool + LINE + threads * (int64_t)sizeof(pthread_t), "the threads");
    if (!pool) return FAILED_LIMIT;
    pool = (nn_pool *)(((uintptr_t)pool + LINE - 1) / LINE * LINE);
    pool->spins = threads <= cores_usable() ? SPINS : 0;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (; pool->n_threads < threads - 1; pool->n_threads++)
        if (pthread_create(&pool->threads[pool->n_threads], NULL, thread_main, pool)) {
            pool_close(pool);
            return console_fail(console, FAILED_LIMIT, "%lld threads cannot be started; --threads N asks for fewer",
                                (long long)threads);
        }
    *to = pool;
    return OK;
}
void pool_close(nn_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->ending, true);
    publish(pool);
    for (int64_t i = 0; i < pool->n_threads; i++) pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pool->n_threads = 0;
}
/* One rank holds every grain, so there is nobody to exchange with. */
void nn_exchange(const nn_call *call, void *partial, int64_t bytes) {
    (void)call;
    (void)partial;
    (void)bytes;
}

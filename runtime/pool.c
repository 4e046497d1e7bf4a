/* pool.c: see pool.h. A job's tasks are cut into as many runs as there are threads. Each run is published as one 64-bit word, its
** end in the high half and its next task in the low: whoever takes a number below the end owns that task, and the job's fields
** cannot change before it has said that the task is done. A thread that comes late takes a number too high and touches nothing.
** A thread begins with the run that has its own number, so that it finds in its cache what it wrote in the same part of the loop
** before; then it helps the others.
**
** Whether small jobs gain by being shared depends on what a line costs on its way between two cores, which differs between pairs of
** them (on a virtual machine from one second to the next), and on who else runs there. So while jobs are short, now and then some
** are done the other way, alone or shared, and the faster way is kept; the longer they are the more rarely, since what is tried in vain
** costs more than it can save. Who does a task changes no result. */
#include "pool.h"
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() __asm__ volatile("yield")
#endif

/* STRETCH: jobs that are timed as one. REST: stretches between two comparisons, twice as many after each that says the same. LONG_JOB:
** nanoseconds beyond which sharing surely pays. MIDDLE_JOB: beyond which it nearly always does: alone is tried after a long rest only. */
enum { STRETCH = 128, REST_LEAST = 64, REST_MIDDLE = 512, REST_MOST = 2048, LONG_JOB = 30000, MIDDLE_JOB = 10000 };
enum { SPINS = 4000, MOST_TASKS = 1 << 30, LINE = 128 }; /* SPINS: some 50 microseconds; LINE: two cache lines */
typedef struct Member {
    _Alignas(LINE) atomic_uint_fast64_t ticket; /* of its run: end << 32 | next */
    nn_pool *pool;
    int64_t number;
    pthread_t thread;
} Member;
/* A comparison: after the rest a stretch is timed; one is done the other way, in which threads may have to wake; one more is timed. */
typedef struct Trial {
    int left;       /* jobs of this stretch */
    int rest;       /* stretches to go until one is timed, then 0, -1, -2 */
    int rest_after; /* a comparison */
    bool alone;
    int64_t began, time; /* nanoseconds: of this stretch; that the usual way took */
} Trial;
struct nn_pool {
    _Alignas(LINE) atomic_int_fast64_t done;    /* tasks of this job */
    _Alignas(LINE) atomic_uint generation;      /* jobs so far */
    atomic_int sleeping;
    atomic_bool ending;
    nn_task *task;
    void *frame;
    int spins; /* 0 when there are more threads than cores */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t n_members; /* with the caller, whose number is 0 */
    int64_t n_started;
    Trial trial;
    Member members[];
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
static int64_t take_run(nn_pool *pool, Member *run) {
    for (int64_t mine = 0;; mine++) {
        uint64_t ticket = atomic_load_explicit(&run->ticket, memory_order_relaxed);
        if ((ticket & UINT32_MAX) >= ticket >> 32) return mine; /* looked at before it is written: the line stays shared */
        ticket = atomic_fetch_add_explicit(&run->ticket, 1, memory_order_acq_rel);
        uint64_t index = ticket & UINT32_MAX;
        if (index >= ticket >> 32) return mine;
        pool->task(pool->frame, (int64_t)index);
    }
}
static void take_tasks(nn_pool *pool, int64_t number) {
    int64_t mine = 0;
    for (int64_t i = 0; i < pool->n_members; i++) mine += take_run(pool, &pool->members[(number + i) % pool->n_members]);
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
    Member *self = argument;
    nn_pool *pool = self->pool;
    arithmetic_reset();
    for (unsigned seen = 0;;) {
        wait_for_job(pool, seen);
        seen = atomic_load(&pool->generation); /* a job that comes now is taken here or waits for the next round */
        if (atomic_load(&pool->ending)) return NULL;
        take_tasks(pool, self->number);
    }
}
static void job_run(nn_pool *pool, nn_task *task, void *frame, int64_t count) {
    pool->task = task;
    pool->frame = frame;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    for (int64_t i = 0, from = 0; i < pool->n_members; i++) {
        int64_t to = (count * (i + 1) + pool->n_members - 1) / pool->n_members; /* the caller, who begins first, has most */
        atomic_store_explicit(&pool->members[i].ticket, (uint64_t)to << 32 | (uint64_t)from, memory_order_release);
        from = to;
    }
    publish(pool);
    take_tasks(pool, 0);
    for (int i = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < count; i++) {
        if (i < pool->spins)
            RELAX();
        else
            sched_yield();
    }
}
static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
/* Alone must be a sixteenth faster: a stretch may have been disturbed. */
static void stretch_end(Trial *t) {
    int64_t now = nanoseconds(), took = now - t->began;
    bool timed = t->rest == 0 && !t->alone, compared = t->rest == -2;
    bool early = timed && took > (int64_t)STRETCH * MIDDLE_JOB && t->rest_after < REST_MIDDLE;
    bool is_long = early || (timed && took > (int64_t)STRETCH * LONG_JOB);
    if (early) t->rest_after = REST_MIDDLE;
    bool better = compared && took < (t->alone ? t->time - t->time / 16 : t->time);
    if (t->rest == 0) t->time = took;
    if (compared) t->rest_after = better ? REST_LEAST : t->rest_after < REST_MOST ? 2 * t->rest_after : REST_MOST;
    if ((t->rest == 0 && !is_long) || (compared && !better)) t->alone = !t->alone;
    t->rest = is_long || compared ? t->rest_after : t->rest - 1;
    t->began = now;
    t->left = STRETCH;
}
/* Whether this job is done by the caller alone. */
static bool job_alone(Trial *t) {
    if (--t->left <= 0) stretch_end(t);
    return t->alone;
}
void nn_parallel(nn_pool *pool, nn_task *task, void *frame, int64_t count) {
    if (!pool || count < 2 || count > MOST_TASKS || job_alone(&pool->trial)) {
        for (int64_t i = 0; i < count; i++) task(frame, i);
        return;
    }
    job_run(pool, task, frame, count);
}

Status pool_open(Console *console, int64_t threads, nn_pool **to) {
    *to = NULL;
    if (threads < 2) return OK;
    nn_pool *pool =
        console_memory(console, (int64_t)sizeof *pool + LINE + threads * (int64_t)sizeof(Member), "the threads");
    if (!pool) return FAILED_LIMIT;
    pool = (nn_pool *)(((uintptr_t)pool + LINE - 1) / LINE * LINE);
    pool->spins = threads <= cores_usable() ? SPINS : 0;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->n_members = threads;
    pool->trial = (Trial){.left = STRETCH, .rest = 1, .rest_after = REST_LEAST, .began = nanoseconds()};
    for (int64_t i = 0; i < threads; i++) pool->members[i] = (Member){.pool = pool, .number = i};
    for (pool->n_started = 1; pool->n_started < threads; pool->n_started++) {
        Member *member = &pool->members[pool->n_started];
        if (pthread_create(&member->thread, NULL, thread_main, member)) {
            pool_close(pool);
            return console_fail(console, FAILED_LIMIT, "%lld threads cannot be started; --threads N asks for fewer",
                                (long long)threads);
        }
    }
    *to = pool;
    return OK;
}
void pool_close(nn_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->ending, true);
    publish(pool);
    for (int64_t i = 1; i < pool->n_started; i++) pthread_join(pool->members[i].thread, NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pool->n_started = 1;
}
/* One rank holds every grain, so there is nobody to exchange with. */
void nn_exchange(const nn_call *call, void *partial, int64_t bytes) {
    (void)call;
    (void)partial;
    (void)bytes;
}

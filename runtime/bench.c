/* bench.c: `bench`: the speed of training: the same steps as `train`, on real batches, nothing written. The peak is
** what the vector units do on fused multiply-adds from registers, on as many threads, in the same run. */
#include "cpu.h"
#include "events.h"
#include "rundir.h"
#include "train.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bench {
    double seconds, first_step; /* measured; of the first step, from the start of the process */
    int64_t steps;
    double operations; /* of them all */
} Bench;

/* ---- the peak: 12 vectors in flight, of the width that the processor has. */
enum { PEAK_ROUNDS = 200000, CHAINS = 12 };
#define PEAK_LOOP(Number, bytes, name, features)                                                                       \
    typedef Number name##_vector __attribute__((vector_size(bytes)));                                                  \
    __attribute__((target(features), optimize("O2", "fp-contract=fast"))) static double name(void) {                   \
        name##_vector a[CHAINS], m = (name##_vector){0} + (Number)0.999, b = (name##_vector){0} + (Number)0.001;       \
        _Pragma("GCC unroll 12") for (int c = 0; c < CHAINS; c++) a[c] = m;                                            \
        for (int i = 0; i < PEAK_ROUNDS; i++) {                                                                        \
            _Pragma("GCC unroll 12") for (int c = 0; c < CHAINS; c++) {                                                \
                __asm__("" : "+v"(a[c])); /* else they are one */                                                      \
                a[c] = a[c] * m + b;                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        _Pragma("GCC unroll 12") for (int c = 1; c < CHAINS; c++) a[0] += a[c];                                        \
        return (double)a[0][0];                                                                                        \
    }
#if defined(__x86_64__)
PEAK_LOOP(float, 64, peak_f32_v4, "avx512f,fma")
PEAK_LOOP(double, 64, peak_f64_v4, "avx512f,fma")
PEAK_LOOP(float, 32, peak_f32_v3, "avx2,fma")
PEAK_LOOP(double, 32, peak_f64_v3, "avx2,fma")
#endif
typedef struct Peak {
    bool is_f64, wide;
    double kept[64]; /* so that nothing is optimized away */
} Peak;
static void peak_task(void *frame, int64_t index) {
    Peak *peak = frame;
    double value = 0;
#if defined(__x86_64__)
    if (peak->is_f64)
        value = peak->wide ? peak_f64_v4() : peak_f64_v3();
    else
        value = peak->wide ? peak_f32_v4() : peak_f32_v3();
#endif
    peak->kept[index % 64] = value;
}
/* GFLOP/s: the best of some runs, because other work on the machine only makes one slower. */
static double peak_measure(const Run *run) {
    Peak peak = {.is_f64 = run->program->is_f64 != 0, .wide = cpu_level() == 4};
    double most = 0, lanes = (peak.wide ? 64 : 32) / (peak.is_f64 ? 8 : 4);
    for (int i = 0; i < 7; i++) {
        double start = clock_seconds();
        nn_parallel(run->pool, peak_task, &peak, run->threads);
        double speed = 2.0 * lanes * CHAINS * PEAK_ROUNDS * (double)run->threads / (clock_seconds() - start) / 1e9;
        if (speed > most) most = speed;
    }
    return most;
}

/* ---- steps */
static int64_t step_operations(const nn_train *train, const BlockPlan *plan, int64_t step) {
    uint64_t active = step_active(train, step);
    int64_t operations = 0, pieces = (plan->rows + train->feed.rows - 1) / train->feed.rows;
    if (!train->all) return train->step[active].operations;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        if (active >> k & 1) operations += pieces * train->sum[k].operations + train->apply[k].operations;
    return operations;
}
static Status step_once(Run *run, const BlockPlan *plan, Bench *bench) {
    int64_t step = run->at.step;
    if (!plan->train->all) step_fill(run, plan, step);
    if (!step_run(run, plan, step, &run->round_totals))
        return console_fail(&run->console, FAILED_FINITE, "step %lld: the loss or a gradient is not finite",
                            (long long)step);
    bench->operations += (double)step_operations(plan->train, plan, step);
    bench->steps++;
    run->at.step++;
    return events_poll() & EVENT_STOP ? FAILED_INTERRUPTED : OK;
}
static Status steps_measure(Run *run, const BlockPlan *plan, Bench *bench) {
    const OptionValue *steps = &run->options.of[OPTION_STEPS], *limit = &run->options.of[OPTION_SECONDS];
    double seconds = limit->source == FROM_DEFAULT ? 3 : limit->seconds;
    TRY(step_once(run, plan, bench));
    bench->first_step = clock_seconds() - run->started;
    int64_t warm = steps->source != FROM_DEFAULT ? 0 : 2;
    for (int64_t i = 0; i < warm; i++) TRY(step_once(run, plan, bench));
    if (steps->source != FROM_DEFAULT && steps->count <= 1) {
        bench->seconds = bench->first_step;
        return OK;
    }
    *bench = (Bench){.first_step = bench->first_step};
    if (run->call.call.kernel_ns) memset(run->call.call.kernel_ns, 0, 8 * (size_t)run->program->n_kernels);
    double start = clock_seconds();
    do TRY(step_once(run, plan, bench));
    while (steps->source != FROM_DEFAULT ? bench->steps < steps->count - 1 : clock_seconds() - start < seconds);
    bench->seconds = clock_seconds() - start;
    return OK;
}

/* ---- what comes out */
static void put_result(Run *run, const BlockPlan *plan, const Bench *bench, double peak) {
    double step = bench->seconds / (double)bench->steps, gflops = bench->operations / bench->seconds / 1e9;
    double rate = (double)step_rows(plan) / step, rss = (double)peak_bytes() / 1048576;
    Text out = {0};
    Json json = json_to(&out);
    if (run->console.json) {
        json_open(&json, NULL, '{');
        json_string(&json, "event", "bench");
        json_string(&json, "block", plan->train->name);
        json_integer(&json, "steps", bench->steps);
        json_real(&json, "examples_per_s", rate, false);
        json_real(&json, "step_ms", 1e3 * step, false);
        json_real(&json, "gflops", gflops, false);
        json_real(&json, "peak_gflops", peak, false);
        json_integer(&json, "threads", run->threads);
        json_real(&json, "first_step_s", bench->first_step, false);
        json_real(&json, "peak_rss_mb", rss, false);
        json_close(&json, '}');
        console_event(&run->console, &out);
        return;
    }
    text_format(&out,
                "%s  %.4g examples/s  %.4g ms a step  %.4g GFLOP/s (%.3g %% of %.4g)  threads %lld  first step after "
                "%.3g s  %.4g MB\n",
                plan->train->name, rate, 1e3 * step, gflops, peak > 0 ? 100 * gflops / peak : 0, peak,
                (long long)run->threads, bench->first_step, rss);
    if (!out.failed) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
}
/* A row a kernel, by time. */
typedef struct KernelTime {
    int64_t kernel, ns;
} KernelTime;
static int by_time(const void *a, const void *b) {
    const KernelTime *x = a, *y = b;
    return x->ns != y->ns ? (x->ns < y->ns ? 1 : -1) : x->kernel < y->kernel ? -1 : 1;
}
static const char *function_among(int64_t n, const nn_function *list, int64_t kernel) {
    for (int64_t i = 0; i < n; i++)
        if (kernel >= list[i].first_kernel && kernel < list[i].first_kernel + list[i].kernels) return list[i].name;
    return NULL;
}
/* The name of the function whose row it is. */
static const char *function_of(const nn_program *p, int64_t kernel) {
    const char *name = NULL;
    for (int64_t t = 0; t < p->n_trains && !name; t++) {
        const nn_train *train = &p->trains[t];
        name = function_among(train->n_step, train->step, kernel);
        if (!name) name = function_among(train->n_sum, train->sum, kernel);
        if (!name) name = function_among(train->n_apply, train->apply, kernel);
    }
    return name ? name : "";
}
static Status put_kernels(Run *run, const Bench *bench) {
    const nn_program *p = run->program;
    KernelTime *times = console_memory(&run->console, (int64_t)sizeof *times * (p->n_kernels + 1), "the kernels");
    Text out = {0};
    double all = 0;
    if (!times) return FAILED_LIMIT;
    for (int64_t i = 0; i < p->n_kernels; i++) {
        times[i] = (KernelTime){i, run->call.call.kernel_ns[i]};
        all += (double)times[i].ns;
    }
    qsort(times, (size_t)p->n_kernels, sizeof *times, by_time);
    if (!run->console.json)
        text_format(&out, "%9s %6s %9s %9s  %-6s %s\n", "us/step", "%", "GFLOP/s", "GB/s", "line", "kernel");
    for (int64_t i = 0; i < p->n_kernels && times[i].ns; i++) {
        const nn_kernel *k = &p->kernels[times[i].kernel];
        double ns = (double)times[i].ns / (double)bench->steps;
        if (run->console.json) {
            Text line = {0};
            Json json = json_to(&line);
            json_open(&json, NULL, '{');
            json_string(&json, "event", "kernel");
            json_integer(&json, "number", times[i].kernel); /* `kernel N` of --emit=loop */
            json_string(&json, "function", function_of(p, times[i].kernel));
            json_string(&json, "name", k->name);
            json_integer(&json, "line", k->line);
            json_real(&json, "us", ns / 1e3, false);
            json_real(&json, "gflops", (double)k->operations / ns, false);
            json_real(&json, "gbytes_per_s", (double)k->bytes / ns, false);
            json_close(&json, '}');
            console_event(&run->console, &line);
        } else
            text_format(&out, "%9.4g %6.3g %9.4g %9.4g  %-6lld %s (%s)\n", ns / 1e3, 100 * (double)times[i].ns / all,
                        (double)k->operations / ns, (double)k->bytes / ns, (long long)k->line, k->name,
                        function_of(p, times[i].kernel));
    }
    if (out.n && !out.failed) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
    return OK;
}
static Status block_bench(Run *run, int64_t block, double peak) {
    const BlockPlan *plan = &run->plans[block];
    Bench bench = {0};
    run->at = (Position){.block = block};
    block_start(run, block);
    totals_clear(plan->train, &run->round_totals);
    TRY(steps_measure(run, plan, &bench));
    put_result(run, plan, &bench, peak > 0 ? peak : peak_measure(run));
    return run->call.call.kernel_ns ? put_kernels(run, &bench) : OK;
}
Status command_bench(Run *run) {
    const nn_program *p = run->program;
    bool *used;
    TRY(run_open_blocks(run));
    if (!p->n_trains) return console_fail(&run->console, FAILED_USAGE, "the page has no train block");
    if (!(used = console_memory(&run->console, p->n_sets, "the data"))) return FAILED_LIMIT;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (!run->options.block || !strcmp(run->options.block, p->trains[t].name)) used[p->trains[t].feed.set] = true;
    for (int64_t i = 0; i < p->n_averages; i++) used[p->averages[i].feed.set] = true;
    TRY(run_open_data(run, used));
    TRY(run_plan_blocks(run));
    TRY(run_find_averages(run));
    if (option_given(&run->options, OPTION_KERNELS) &&
        !(run->call.call.kernel_ns = console_memory(&run->console, 8 * (p->n_kernels + 1), "the kernels")))
        return FAILED_LIMIT;
    if (run->call.call.kernel_ns) run->call.call.flags = NN_PROFILE;
    run_init(run);
    for (int64_t t = 0; t < p->n_trains; t++)
        if (run->plans[t].train) TRY(block_bench(run, t, 0));
    return console_check(&run->console);
}

/* setup.c: from the program's table and the options to a run that is ready: memory, hypers, threads, data, averages,
** plans of the blocks. Everything that can fail because of a page, data or options fails here, before step 1. */
#include "run.h"
#include "events.h"
#include "train.h"
#include <math.h>
#include <string.h>
#include <time.h>

int64_t product(int64_t n, const int64_t *dims) {
    int64_t p = 1;
    for (int64_t i = 0; i < n; i++) p *= dims[i];
    return p;
}
int64_t leaf_bytes(const nn_leaf *leaf) { return product(leaf->n_dims, leaf->dims) * nn_dtype_bytes(leaf->dtype); }
double float_at(const nn_program *program, const void *block, int64_t i) {
    return program->is_f64 ? ((const double *)block)[i] : (double)((const float *)block)[i];
}
double clock_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void hypers_store(Run *run) {
    for (int64_t i = 0; i < run->program->n_hypers; i++) {
        const nn_hyper *h = &run->program->hypers[i];
        uint8_t *to = run->hypers + h->offset;
        double value = run->options.hypers[i].value;
        if (h->kind == NN_BOOLEAN)
            *to = value != 0;
        else if (h->kind == NN_INT)
            memcpy(to, &(int32_t){(int32_t)value}, 4);
        else if (run->program->is_f64)
            memcpy(to, &value, 8);
        else
            memcpy(to, &(float){(float)value}, 4);
    }
}
/* Bytes of call->in: the averages of the sums, or a block's gradients laid out as in `out`. */
static int64_t in_bytes(const nn_program *program) {
    int64_t most = program->out;
    for (int64_t t = 0; t < program->n_trains; t++)
        if (8 * program->trains[t].n_sums > most) most = 8 * program->trains[t].n_sums;
    return most;
}
Status run_open_blocks(Run *run) {
    const nn_program *p = run->program;
    int64_t batch = p->batch, out = p->out;
    for (int64_t i = 0; i < p->n_generates; i++) {
        if (p->generates[i].bytes > batch) batch = p->generates[i].bytes;
        if (p->generates[i].out > out) out = p->generates[i].out;
    }
    struct {
        uint8_t **at;
        int64_t bytes;
        const char *name;
    } blocks[] = {{&run->lasting, p->lasting, "the parameters and states"},
                  {&run->averages, p->averages_bytes, "the averages"},
                  {&run->hypers, p->hypers_bytes, "the hypers"},
                  {&run->work, p->work, "the work area"},
                  {&run->out, out, "the results"},
                  {&run->in, in_bytes(p), "the gradients"},
                  {&run->batch, batch, "a batch"}};
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (!(*blocks[i].at = console_memory(&run->console, blocks[i].bytes + 64, blocks[i].name))) return FAILED_LIMIT;
    const OptionValue *seed = &run->options.of[OPTION_SEED], *threads = &run->options.of[OPTION_THREADS];
    run->key[0] = (uint32_t)seed->seed;
    run->key[1] = (uint32_t)(seed->seed >> 32);
    run->threads = threads->source == FROM_DEFAULT ? cores_usable() : threads->count;
    if (run->threads < 1 || run->threads > 1024)
        return console_fail(&run->console, FAILED_USAGE, "--threads must lie in [1, 1024], not be %lld",
                            (long long)run->threads);
    hypers_store(run);
    TRY(totals_open(run, &run->round_totals));
    TRY(totals_open(run, &run->eval_totals));
    TRY(evaluate_open(run));
    int64_t values = 1;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (values_count(&p->trains[t]) > values) values = values_count(&p->trains[t]);
    if (!(run->values = console_memory(&run->console, 16 * values, "the reports"))) return FAILED_LIMIT;
    run->order_block = run->order_epoch = -1;
    arithmetic_reset();
    return pool_open(&run->console, run->threads, &run->pool);
}

/* ---- data */
static int stopped(void *unused) {
    (void)unused;
    return events_poll() & EVENT_STOP;
}
Status run_open_data(Run *run, const bool *used) {
    const nn_program *p = run->program;
    const JsonValue *classes = json_member(run->earlier, "classes");
    if (!(run->sets = console_memory(&run->console, (int64_t)sizeof(Set) * (p->n_sets + 1), "the data")))
        return FAILED_LIMIT;
    DataRequest request = {.n_paths = run->options.n_data,
                           .paths = run->options.data,
                           .used = used,
                           .classes = classes,
                           .stopped = stopped};
    return data_open(&run->console, p, &request, run->sets);
}
static int64_t limit_rows(const Run *run, int64_t rows) {
    const OptionValue *limit = &run->options.of[OPTION_LIMIT_TRAIN];
    return limit->source != FROM_DEFAULT && limit->count < rows ? limit->count : rows;
}

/* The mean over the training rows: sums of pieces, added in f64 in the order of the rows. */
static Status average_find(Run *run, const nn_average *average) {
    const Set *set = &run->sets[average->feed.set];
    int64_t n = product(average->n_dims, average->dims), rows = limit_rows(run, set->parts[PART_TRAIN].rows);
    double *sums = console_memory(&run->console, 8 * n, "an average");
    if (!sums) return FAILED_LIMIT;
    for (int64_t at = 0; at < rows; at += average->feed.rows) {
        int64_t valid = rows - at < average->feed.rows ? rows - at : average->feed.rows;
        Fill fill = {.part = PART_TRAIN, .first = at, .valid = valid, .number = at, .fresh = true, .pool = run->pool};
        set_fill(set, &average->feed, &fill, run->batch);
        run->call.call.valid = (int32_t)valid;
        run_call(run, &average->sum, run->batch, NULL);
        for (int64_t i = 0; i < n; i++) sums[i] += float_at(run->program, run->out, i);
        if (events_poll() & EVENT_STOP) return FAILED_INTERRUPTED;
    }
    for (int64_t i = 0; i < n; i++) {
        double mean = sums[i] / (double)rows;
        if (run->program->is_f64)
            memcpy(run->averages + average->offset + 8 * i, &mean, 8);
        else
            memcpy(run->averages + average->offset + 4 * i, &(float){(float)mean}, 4);
    }
    return OK;
}
Status run_find_averages(Run *run) {
    for (int64_t i = 0; i < run->program->n_averages; i++) {
        const nn_average *average = &run->program->averages[i];
        if (run->sets[average->feed.set].spec && run->sets[average->feed.set].parts[PART_TRAIN].rows)
            TRY(average_find(run, average));
    }
    return OK;
}

/* ---- blocks */
static Status fail_rows(const Run *run, const BlockPlan *plan, int64_t batch) {
    const nn_train *train = plan->train;
    return console_fail(
        (Console *)&run->console, FAILED_DATA,
        "block %s (%s.nn:%lld): batch=%lld, but data \"%s\" has %lld training row%s; make the batch smaller",
        train->name, run->program->name, (long long)train->line, (long long)batch, plan->set->spec->name,
        (long long)plan->rows, plan->rows == 1 ? "" : "s");
}
/* With stream=true each part needs a row for each of the equal runs. */
static Status stream_check(const Run *run, const BlockPlan *plan) {
    const nn_train *train = plan->train;
    for (int p = PART_VALIDATE; train->stream && p < N_PARTS; p++) {
        int64_t rows = plan->set->parts[p].rows;
        if (rows && rows < train->feed.rows)
            return console_fail((Console *)&run->console, FAILED_DATA,
                                "block %s (%s.nn:%lld): stream=true walks in batch=%lld runs, but the %s part of data "
                                "\"%s\" has %lld row%s; make the batch smaller or the part larger",
                                train->name, run->program->name, (long long)train->line, (long long)train->feed.rows,
                                part_names[p], plan->set->spec->name, (long long)rows, rows == 1 ? "" : "s");
    }
    return OK;
}
static Status plan_steps(Run *run, BlockPlan *plan) {
    const nn_train *train = plan->train;
    const OptionValue *epochs = &run->options.of[OPTION_EPOCHS], *steps = &run->options.of[OPTION_STEPS];
    plan->steps = train->steps ? train->steps : train->epochs * plan->epoch_steps;
    plan->round_steps = train->steps ? (train->steps + 99) / 100 : plan->epoch_steps;
    if (epochs->source != FROM_DEFAULT && steps->source != FROM_DEFAULT)
        return console_fail(&run->console, FAILED_USAGE, "give --epochs or --steps, not both");
    if (epochs->source != FROM_DEFAULT && plan->set->endless)
        return console_fail(&run->console, FAILED_USAGE,
                            "data \"%s\" of block %s is drawn and has no epochs; give --steps", plan->set->spec->name,
                            train->name);
    if (epochs->source != FROM_DEFAULT && __builtin_mul_overflow(epochs->count, plan->epoch_steps, &plan->steps))
        plan->steps = INT64_MAX;
    if (steps->source != FROM_DEFAULT && run->options.command == COMMAND_TRAIN) plan->steps = steps->count;
    if (plan->steps <= INT32_MAX) return OK;
    return console_fail(&run->console, FAILED_USAGE, "block %s would take %lld steps; at most 2147483647 are possible",
                        train->name, (long long)plan->steps);
}
static Status block_plan(Run *run, int64_t block, BlockPlan *plan) {
    const nn_train *train = &run->program->trains[block];
    const OptionValue *overfit = &run->options.of[OPTION_OVERFIT_BATCHES], *order = &run->options.of[OPTION_ORDER];
    int64_t batch = train->feed.rows, most;
    *plan = (BlockPlan){
        .train = train, .set = &run->sets[train->feed.set], .best_asked = train->best >= 0 || train->patience > 0};
    if (order->source != FROM_DEFAULT && run->options.command != COMMAND_GRADCHECK) {
        plan->file_order = !strcmp(order->text, "file");
        if (!plan->file_order && strcmp(order->text, "shuffle"))
            return console_fail(&run->console, FAILED_USAGE, "--order must be file or shuffle, not \"%s\"",
                                order->text);
    }
    if (plan->set->endless) return plan_steps(run, plan);
    plan->rows = limit_rows(run, plan->set->parts[PART_TRAIN].rows);
    if (overfit->source != FROM_DEFAULT && !__builtin_mul_overflow(overfit->count, batch, &most) && most < plan->rows)
        plan->rows = most;
    if (plan->rows < (train->all ? 1 : batch)) return fail_rows(run, plan, train->all ? 1 : batch);
    TRY(stream_check(run, plan));
    plan->epoch_steps = train->all ? 1 : plan->rows / batch * (train->hold > 1 ? train->hold : 1);
    return plan_steps(run, plan);
}
Status run_block_named(Run *run, int64_t *block) {
    *block = -1;
    for (int64_t t = 0; run->options.block && t < run->program->n_trains; t++)
        if (!strcmp(run->options.block, run->program->trains[t].name)) *block = t;
    return OK;
}
Status run_plan_blocks(Run *run) {
    int64_t n = run->program->n_trains, most = 0, only;
    run->plans = console_memory(&run->console, (int64_t)sizeof(BlockPlan) * (n + 1), "the plan");
    if (!run->plans) return FAILED_LIMIT;
    TRY(run_block_named(run, &only));
    for (int64_t t = 0; t < n; t++) {
        if ((only >= 0 && t != only) || !run->sets[run->program->trains[t].feed.set].spec) continue;
        TRY(block_plan(run, t, &run->plans[t]));
        if (run->plans[t].rows > most) most = run->plans[t].rows;
    }
    run->order = console_memory(&run->console, 4 * most, "the order of the rows");
    return run->order ? OK : FAILED_LIMIT;
}

/* ---- calls */
void run_call(Run *run, const nn_function *function, const void *batch, const void *in) {
    nn_call *c = &run->call.call;
    c->lasting = run->lasting;
    c->batch = (void *)(uintptr_t)batch;
    c->averages = run->averages;
    c->hypers = run->hypers;
    c->work = run->work;
    c->out = run->out;
    c->in = in;
    c->key[0] = run->key[0];
    c->key[1] = run->key[1];
    c->function = function;
    c->pool = c->flags & NN_TRAP ? NULL : run->pool; /* which value is the first that is not finite: in one order */
    c->host = run->host;
    function->code(c);
}
void run_init(Run *run) { run_call(run, &run->program->init, run->batch, NULL); }
/* The first kernel whose results are not finite ends the search; those behind it inherit. */
void nn_trap(const nn_call *call, int64_t kernel, int64_t element) {
    Call *found = (Call *)(uintptr_t)call; /* the nn_call is its first member */
    if (found->trap_kernel >= 0) return;
    found->trap_kernel = kernel;
    found->trap_element = element;
}

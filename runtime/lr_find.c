/* lr_find.c: `lr-find`: the loss while one hyper (a learning rate, most likely) grows from step to step by equal
*factors
** through its range: a table and a curve. It begins with initial parameters and writes nothing. The value that is
** suggested is a third of that where the smoothed loss is least: far enough from where it turns. */
#include "events.h"
#include "train.h"
#include <math.h>
#include <string.h>

enum { STEPS = 100, ROWS = 25, BAR = 40 };
static const double smooth = 0.8, too_large = 4; /* the search ends when the loss is this many times the least */
typedef struct Search {
    const nn_hyper *hyper;
    double low, high;
    int64_t steps, done;
    double *values, *losses; /* smoothed */
    double best, suggestion;
} Search;

static Status hyper_find(Run *run, Search *s) {
    const nn_program *p = run->program;
    const char *name = run->options.of[OPTION_HYPER].text, *names[64];
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_hypers && n < 64; i++) {
        const nn_hyper *h = &p->hypers[i];
        if (h->kind != NN_REAL) continue;
        names[n++] = h->name;
        if (name ? !strcmp(h->name, name) : !s->hyper) s->hyper = h;
    }
    if (!n)
        return console_fail(&run->console, FAILED_USAGE,
                            "the page has no hyper that is a real number: hyper lr = 1e-3");
    if (!name && n > 1)
        return console_fail(&run->console, FAILED_USAGE, "--hyper NAME is needed: the page has several");
    if (!s->hyper) {
        const char *near = name_near(name, names, n);
        return console_fail(&run->console, FAILED_USAGE, "the page has no real hyper \"%s\"%s%s%s", name,
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    s->low = s->hyper->low > 0 ? s->hyper->low : fabs(s->hyper->value) / 1000;
    s->high = isfinite(s->hyper->high) ? s->hyper->high : fabs(s->hyper->value) * 1000;
    return s->low > 0 && s->high > s->low
               ? OK
               : console_fail(&run->console, FAILED_USAGE, "%s has no range of positive numbers to go through",
                              s->hyper->name);
}
static void hyper_set(Run *run, const nn_hyper *hyper, double value) {
    if (run->program->is_f64)
        memcpy(run->hypers + hyper->offset, &value, 8);
    else
        memcpy(run->hypers + hyper->offset, &(float){(float)value}, 4);
}
static Status search(Run *run, const BlockPlan *plan, Search *s) {
    double mean = 0, weight = 0;
    s->best = INFINITY;
    run_init(run);
    block_start(run, plan->train - run->program->trains);
    for (int64_t i = 0; i < s->steps; i++) {
        double value = s->low * pow(s->high / s->low, (double)i / (double)(s->steps - 1));
        hyper_set(run, s->hyper, value);
        totals_clear(plan->train, &run->round_totals);
        if (!plan->train->all) step_fill(run, plan, i);
        bool finite = step_run(run, plan, i, &run->round_totals);
        if (!run->round_totals.minimized[0] && finite) continue; /* minimized at other steps */
        double loss =
            finite ? run->round_totals.sums[plan->train->minimizes[0].sum] / (double)run->round_totals.minimized[0]
                   : NAN;
        mean = smooth * mean + (1 - smooth) * loss;
        weight = smooth * weight + (1 - smooth);
        if (!isfinite(loss)) break;
        s->values[s->done] = value;
        s->losses[s->done++] = mean / weight;
        if (mean / weight < s->best) {
            s->best = mean / weight;
            s->suggestion = value / 3;
        } else if (s->best > 0 && mean / weight > too_large * s->best)
            break;
        if (events_poll() & EVENT_STOP) return FAILED_INTERRUPTED;
    }
    if (s->suggestion < s->low) s->suggestion = s->low;
    if (s->done) return OK;
    return console_fail(&run->console, FAILED_FINITE, "the loss is not finite at the first step, %s = %.4g",
                        s->hyper->name, s->low);
}
static void put_json(Run *run, const Search *s, Text *out) {
    Json json = json_to(out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", "lr-find");
    json_string(&json, "hyper", s->hyper->name);
    json_real(&json, "suggestion", s->suggestion, run->program->is_f64);
    json_open(&json, "values", '[');
    for (int64_t i = 0; i < s->done; i++) json_real(&json, NULL, s->values[i], run->program->is_f64);
    json_close(&json, ']');
    json_open(&json, "losses", '[');
    for (int64_t i = 0; i < s->done; i++) json_real(&json, NULL, s->losses[i], run->program->is_f64);
    json_close(&json, ']');
    json_close(&json, '}');
}
static void put_table(const Search *s, Text *out) {
    double most = s->best;
    for (int64_t i = 0; i < s->done; i++)
        if (s->losses[i] > most) most = s->losses[i];
    text_format(out, "%12s %10s\n", s->hyper->name, "loss");
    for (int64_t row = 0; row < ROWS && row < s->done; row++) {
        int64_t i = s->done <= ROWS ? row : row * (s->done - 1) / (ROWS - 1);
        double share = most > s->best ? (s->losses[i] - s->best) / (most - s->best) : 0;
        text_format(out, "%12.4g %10.4g  ", s->values[i], s->losses[i]);
        for (int bar = 0; bar < 1 + (int)(share * (BAR - 1)); bar++) text_put(out, "#");
        text_put(out, "\n");
    }
    text_format(out, "suggested: --%s %.2g\n", s->hyper->name, s->suggestion);
}
Status command_lr_find(Run *run) {
    Search s = {.steps = option_given(&run->options, OPTION_STEPS) ? run->options.of[OPTION_STEPS].count : STEPS};
    const nn_program *p = run->program;
    int64_t block;
    if (!p->n_trains) return console_fail(&run->console, FAILED_USAGE, "the page has no train block");
    if (s.steps < 2 || s.steps > 1000000)
        return console_fail(&run->console, FAILED_USAGE, "--steps must lie in [2, 1000000], not be %lld",
                            (long long)s.steps);
    TRY(hyper_find(run, &s));
    TRY(run_open_blocks(run));
    TRY(run_block_named(run, &block));
    const nn_train *train = &p->trains[block < 0 ? 0 : block];
    bool *used = console_memory(&run->console, p->n_sets + 1, "the data");
    s.values = console_memory(&run->console, 8 * s.steps, "the losses");
    s.losses = console_memory(&run->console, 8 * s.steps, "the losses");
    if (!used || !s.values || !s.losses) return FAILED_LIMIT;
    if (!train->n_minimizes)
        return console_fail(&run->console, FAILED_USAGE, "block %s minimizes nothing", train->name);
    used[train->feed.set] = true;
    for (int64_t i = 0; i < p->n_averages; i++) used[p->averages[i].feed.set] = true;
    TRY(run_open_data(run, used));
    TRY(run_plan_blocks(run));
    TRY(run_find_averages(run));
    TRY(search(run, &run->plans[train - p->trains], &s));
    Text out = {0};
    if (run->console.json) {
        put_json(run, &s, &out);
        console_event(&run->console, &out);
        return console_check(&run->console);
    }
    put_table(&s, &out);
    if (!out.failed) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
    return console_check(&run->console);
}

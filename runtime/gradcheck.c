/* gradcheck.c: `gradcheck`: gradients against central differences, in f64. Order 1: every sampled number of every
** leaf. Order 2: that first, for a wrong gradient has a derivative as well, then the derivative of <gradient, direction>
** for a fixed direction, so second derivatives are checked through the product meta-learning uses. */
#include "from.h"
#include "philox.h"
#include "rundir.h"
#include "train.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double epsilon = 1e-6, absolute = 1e-5, relative = 1e-3;

typedef struct Check {
    const BlockPlan *plan;
    const nn_minimize *m;
    int64_t k;
    double *gradient;  /* laid out as `out`: what the program says, */
    double *direction; /* and the direction of order 2, as `in` */
    int64_t order, samples;
    bool failed;
} Check;
static double *at_offset(double *block, int64_t offset) { return (double *)(void *)((uint8_t *)block + offset); }
static int64_t leaf_size(const nn_leaf *leaf) { return product(leaf->n_dims, leaf->dims); }

static void call_value(Run *run, const Check *check, const nn_function *function, const void *in) {
    nn_call *c = &run->call.call;
    c->step = c->epoch = c->draw_step = c->data_step = 0;
    c->progress32 = 0;
    c->progress64 = 0;
    c->valid = (int32_t)step_valid(check->plan);
    run_call(run, function, run->batch, in);
}
/* The function whose derivative is checked: the objective, or <gradient, direction>. */
static double value(Run *run, const Check *check) {
    const nn_train *train = check->plan->train;
    if (check->order == 1) {
        call_value(run, check, &train->value[check->k], NULL);
        return *(const double *)(const void *)run->out;
    }
    double sum = 0;
    call_value(run, check, &train->gradient[check->k], NULL);
    for (int64_t i = 0; i < check->m->n_leaves; i++) {
        const double *g = (const double *)(const void *)(run->out + check->m->offsets[i]);
        const double *d = at_offset(check->direction, check->m->offsets[i]);
        for (int64_t j = 0; j < leaf_size(leaf_at(run, check->m->leaves[i])); j++) sum += g[j] * d[j];
    }
    return sum;
}
static double difference(Run *run, const Check *check, double *x) {
    double kept = *x;
    *x = kept + epsilon;
    double up = value(run, check);
    *x = kept - epsilon;
    double down = value(run, check);
    *x = kept;
    return (up - down) / (2 * epsilon);
}
typedef struct Worst {
    double excess, said, found; /* excess: error over what is allowed */
    int64_t element, tried, wrong;
} Worst;
static Worst leaf_check(Run *run, Check *check, int64_t i) {
    const nn_leaf *leaf = leaf_at(run, check->m->leaves[i]);
    double *x = (double *)(void *)(run->lasting + leaf->offset),
           *said = at_offset(check->gradient, check->m->offsets[i]);
    int64_t n = leaf_size(leaf), samples = check->samples && check->samples < n ? check->samples : n;
    Worst worst = {.excess = -1};
    for (int64_t s = 0; s < samples; s++) {
        int64_t j = s * n / samples;
        double found = difference(run, check, &x[j]),
               excess = fabs(found - said[j]) / (absolute + relative * fabs(found));
        if (!(excess <= 1)) worst.wrong++;
        if (!(excess <= worst.excess)) worst = (Worst){excess, said[j], found, j, worst.tried, worst.wrong};
        worst.tried++;
    }
    return worst;
}
static void leaf_print(Run *run, Check *check, const nn_leaf *leaf, const Worst *worst) {
    Text out = {0};
    Json json = json_to(&out);
    check->failed |= worst->wrong > 0;
    if (run->console.json) {
        json_open(&json, NULL, '{');
        json_string(&json, "event", "gradcheck");
        json_string(&json, "block", check->plan->train->name);
        json_string(&json, "objective", check->m->name);
        json_integer(&json, "order", check->order);
        json_string(&json, "leaf", leaf->name);
        json_integer(&json, "tried", worst->tried);
        json_integer(&json, "wrong", worst->wrong);
        json_real(&json, "error", fabs(worst->said - worst->found), true);
        json_integer(&json, "element", worst->element);
        json_real(&json, "gradient", worst->said, true);
        json_real(&json, "difference", worst->found, true);
        json_close(&json, '}');
        console_event(&run->console, &out);
        return;
    }
    text_format(&out,
                "%s  %s order %lld  %-32s largest error %.2g at [%lld]: gradient %.6g, differences %.6g  (%lld of %lld "
                "wrong)%s\n",
                check->plan->train->name, check->m->name, (long long)check->order, leaf->name,
                fabs(worst->said - worst->found), (long long)worst->element, worst->said, worst->found,
                (long long)worst->wrong, (long long)worst->tried, worst->wrong ? "  WRONG" : "");
    if (!out.failed) console_print(&run->console, out.bytes, out.n);
    text_free(&out);
}
static void direction_draw(Run *run, Check *check) {
    for (int64_t i = 0; i < check->m->n_leaves; i++)
        for (int64_t j = 0; j < leaf_size(leaf_at(run, check->m->leaves[i])); j++) {
            uint32_t counter[4] = {(uint32_t)j, (uint32_t)i, 0, 0xFFFFFF03u}, word[4];
            philox4x32_10(counter, run->key, word);
            at_offset(check->direction, check->m->offsets[i])[j] = (double)word[0] * 0x1p-31 - 1;
        }
}
static void objective_check(Run *run, Check *check) {
    const nn_train *train = check->plan->train;
    if (check->order == 2) direction_draw(run, check);
    call_value(run, check, check->order == 1 ? &train->gradient[check->k] : &train->second[check->k], check->direction);
    memcpy(check->gradient, run->out, (size_t)train->out);
    for (int64_t i = 0; i < check->m->n_leaves; i++) {
        Worst worst = leaf_check(run, check, i);
        leaf_print(run, check, leaf_at(run, check->m->leaves[i]), &worst);
    }
}

/* ---- --save */
static Status gradients_save(Run *run, const char *path) {
    const nn_program *p = run->program;
    int64_t most = 1, bytes = 1, n = 0;
    for (int64_t t = 0; t < p->n_trains; t++)
        for (int64_t k = 0; k < p->trains[t].n_minimizes; k++)
            most += p->trains[t].minimizes[k].n_leaves, bytes += p->trains[t].out;
    Tensor *tensors = console_memory(&run->console, (int64_t)sizeof *tensors * most, "the gradients");
    uint8_t *kept = console_memory(&run->console, bytes, "the gradients");
    if (!tensors || !kept) return FAILED_LIMIT;
    for (int64_t t = 0; t < p->n_trains; t++) {
        const BlockPlan *plan = &run->plans[t];
        for (int64_t k = 0; plan->train && k < plan->train->n_gradient; k++, kept += plan->train->out) {
            const nn_minimize *m = &plan->train->minimizes[k];
            Check check = {.plan = plan, .m = m, .k = k};
            block_start(run, t);
            step_fill(run, plan, 0);
            call_value(run, &check, &plan->train->gradient[k], NULL);
            memcpy(kept, run->out, (size_t)plan->train->out);
            for (int64_t i = 0; i < m->n_leaves; i++) {
                const nn_leaf *leaf = leaf_at(run, m->leaves[i]);
                Text name = {0};
                if (plan->train->n_minimizes > 1 || p->n_trains > 1)
                    text_format(&name, "%s/%s/%s", plan->train->name, m->name, leaf->name);
                else
                    text_put(&name, leaf->name);
                char *copy = name.failed ? NULL : console_copy(&run->console, name.bytes);
                text_free(&name);
                if (!copy) return FAILED_LIMIT;
                tensors[n++] =
                    (Tensor){copy, leaf->dtype, leaf->n_dims, leaf->dims, kept + m->offsets[i], leaf_bytes(leaf)};
            }
        }
    }
    Pair metadata[] = {{"format", "1"}, {"program", p->hash}};
    return safetensors_write(&run->console, path, NULL, tensors, n, metadata, COUNT_OF(metadata), false);
}

static Status block_check(Run *run, int64_t block, int64_t order, int64_t samples, bool *failed) {
    const BlockPlan *plan = &run->plans[block];
    const nn_train *train = plan->train;
    block_start(run, block);
    step_fill(run, plan, 0);
    double *gradient = console_memory(&run->console, train->out + 64, "the gradients");
    double *direction = console_memory(&run->console, train->out + 64, "the gradients");
    if (!gradient || !direction) return FAILED_LIMIT;
    for (int64_t k = 0; k < train->n_minimizes; k++)
        for (int64_t now = 1; now <= order; now++) {
            Check check = {plan, &train->minimizes[k], k, gradient, direction, now, samples, false};
            objective_check(run, &check);
            *failed |= check.failed;
        }
    return OK;
}
/* Samples; which derivatives; whether the program has the functions for them. */
static Status request_read(Run *run, int64_t *order, int64_t *samples, const char **file) {
    const OptionValue *o = &run->options.of[OPTION_ORDER], *s = &run->options.of[OPTION_SAMPLES];
    *order = !o->text || !strcmp(o->text, "1") ? 1 : !strcmp(o->text, "2") ? 2 : 0;
    *samples = s->source == FROM_DEFAULT ? 20 : s->count;
    *file = run->options.of[OPTION_SAVE].text;
    if (!*order) return console_fail(&run->console, FAILED_USAGE, "--order must be 1 or 2 here, not \"%s\"", o->text);
    for (int64_t t = 0; t < run->program->n_trains; t++) {
        const nn_train *train = &run->program->trains[t];
        if (train->n_gradient < train->n_minimizes || (*order == 2 && train->n_second < train->n_minimizes))
            return console_fail(
                &run->console, FAILED_USAGE,
                "this program has no gradients to look at: compile the page with --gradients or --dtype=f64");
    }
    if (run->program->is_f64 || *file) return OK;
    return console_fail(&run->console, FAILED_USAGE,
                        "differences need double precision: compile the page with --dtype=f64");
}
Status command_gradcheck(Run *run) {
    const nn_program *p = run->program;
    int64_t order, samples;
    const char *file;
    bool failed = false, *used;
    From from = {0};
    TRY(request_read(run, &order, &samples, &file));
    if (option_given(&run->options, OPTION_FROM)) TRY(from_find(run, &from));
    TRY(run_open_blocks(run));
    if (!(used = console_memory(&run->console, p->n_sets, "the data"))) return FAILED_LIMIT;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (!run->options.block || !strcmp(run->options.block, p->trains[t].name)) used[p->trains[t].feed.set] = true;
    for (int64_t i = 0; i < p->n_averages; i++) used[p->averages[i].feed.set] = true;
    TRY(run_open_data(run, used));
    TRY(run_plan_blocks(run));
    TRY(run_find_averages(run));
    run_init(run);
    if (from.directory || from.file) TRY(from_read(run, &from, NULL));
    if (file) TRY(gradients_save(run, file));
    for (int64_t t = 0; p->is_f64 && t < p->n_trains; t++)
        if (run->plans[t].train) TRY(block_check(run, t, order, samples, &failed));
    TRY(console_check(&run->console));
    return failed ? console_fail(&run->console, FAILED_DATA, "gradients and differences disagree") : OK;
}

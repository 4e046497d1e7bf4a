/* sema_sequence_test.c: what goes on from step to step: carries of models, blocks and optimizers, with stream and hold. */
#include "sema_program.h"

static int failed;
static void check(bool fine, const char *name, const char *why) {
    if (fine) printf("ok %s\n", name);
    else printf("FAIL %s: %s\n", name, why), failed = 1;
}
static bool made(Built *b, const char *text, const char *name) {
    if (build(b, text, (Asked){.f64 = true})) return true;
    diag_print(b->c.diag, stdout, false, false, false);
    check(false, name, "the page is refused");
    return false;
}
static void fresh_set(Built *b, const nn_feed *feed, const u8 *fresh) {
    for (i64 r = 0; r < feed->rows; r++) b->batch[feed->fresh + r] = (char)fresh[r];
}
static double column_at(const Built *b, const nn_feed *feed, i64 column, i64 i) { return ((const double *)(const void *)(b->batch + feed->columns[column]))[i]; }

/* A carry in a model: h' = h / 2 + x, from 0 where a row is fresh; what the step reads of it twice goes on within the step. */
static void test_model(void) {
    Built b;
    if (!made(&b, "data d = csv(\"d.csv\") { x = column(\"x\"); y = column(\"y\") }\n"
                  "model net(x: []) -> [] { param w: [] = 1; carry h = 0; h = 0.5 * h + x; w * h }\n"
                  "train net on d, batch=3, epochs=1, stream=true { a = net(x); b = net(y); minimize a + b by sgd(0); report r = b; report s = net(x) }\n", "a carry of a model"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    const nn_leaf *h = leaf_named(&b, "net/carry/net.h");
    check(h->role == NN_CARRY && h->n_dims == 1 && h->dims[0] == 3 && !strcmp(h->owner, "net"), "a carry has a value for each row", "another leaf");
    check(t->stream == 1 && t->hold == 1 && t->feed.fresh >= 0, "the block streams", "it does not");
    double want[3] = {0};
    for (int step = 0; step < 3; step++) {
        u8 fresh[3] = {step == 0, step == 0 || step == 2, step == 0};
        batch_fill(&b, &t->feed, 0);
        fresh_set(&b, &t->feed, fresh);
        call_of(&b, step == 1 ? &t->eval : &t->step[1]);
        double sum = 0, begins = 0;
        bool fine = true;
        for (int r = 0; r < 3; r++) {
            double was = fresh[r] ? 0 : want[r], x = column_at(&b, &t->feed, 0, r), y = column_at(&b, &t->feed, 1, r);
            want[r] = 0.5 * (0.5 * was + x) + y;
            sum += want[r], begins += 0.5 * was + x;
            fine &= close_to(leaf_value(&b, "net/carry/net.h", r), want[r], 1e-12);
        }
        check(fine, "a carry goes on, begins where a row is fresh, also in evaluations", "another value");
        check(close_to(sum_at(&b, 1), sum, 1e-12) && close_to(sum_at(&b, 2), begins, 1e-12), "a report sees the carries that the step began with", "another value");
    }
}
/* The library's lstm with keep=true over two windows is the lstm over both. */
static void test_lstm(void) {
    Built b;
    if (!made(&b, "data d = csv(\"d.csv\") { x: [4] = columns(0..4) }\n"
                  "model net(x: [t, 1]) -> [t, 2] { x |> lstm(2, keep=true) }\n"
                  "train net on d, batch=2, epochs=1, stream=true { minimize sum(net(x[:, None])^2) by sgd(0) }\n"
                  "train net on d as whole, batch=2, epochs=1, stream=true { h = concat(x, x)[:, None]; minimize sum(net(h)^2) by sgd(0) }\n", "an lstm that keeps its state"))
        return;
    const nn_train *t = &b.t->trains[0], *whole = &b.t->trains[1];
    begin(&b);
    for (int r = 0; r < 2; r++) b.batch[t->feed.fresh + r] = 1;
    call_of(&b, &t->step[1]);
    double first = sum_at(&b, 0);
    for (int r = 0; r < 2; r++) b.batch[t->feed.fresh + r] = 0;
    call_of(&b, &t->step[1]);
    double both = first + sum_at(&b, 0);
    for (int r = 0; r < 2; r++) b.batch[whole->feed.fresh + r] = 1;
    call_of(&b, &whole->step[1]);
    check(close_to(sum_at(&b, 0), both, 1e-12), "an lstm with keep=true goes on where the last window ended", "another value");
    check(leaf_named(&b, "net/carry/net.lstm.h")->dims[1] == 2 && leaf_named(&b, "whole/carry/net.lstm.c")->n_dims == 2, "each block has carries of its own", "it has not");
}
/* theta and the optimizer's own state are kept while a problem is held; the gradient does not cross a step. */
static void test_hold(void) {
    Built b;
    if (!made(&b, "data d { start: [2] = normal() }\nparam rate: [] = 0.1\n"
                  "optimizer heavy(w, g) { state m = like(w, 0); m = 0.9 * m + g; w - rate * m }\n"
                  "train rate on d, batch=2, steps=10, hold=3 { carry theta = start; def f(theta) { sum(theta^2) }\n"
                  "losses = scan _ in 0..2 { minimize f(theta) by heavy() on theta; f(theta) }\n minimize sum(losses) by sgd(0) }\n", "an inner minimize that is held"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    check(t->hold == 3 && leaf_named(&b, "rate/carry/theta")->n_dims == 2, "the block holds", "it does not");
    double theta[2] = {0}, m[2] = {0};
    for (int step = 0; step < 3; step++) {
        for (int r = 0; r < 2; r++) b.batch[t->feed.fresh + r] = step == 0;
        call_of(&b, &t->step[1]);
        if (!step) {
            for (int i = 0; i < 2; i++) /* theta2 = start * (0.8 - 0.09 * .. ): found from what one step gives */
                theta[i] = leaf_value(&b, "rate/carry/theta", i), m[i] = leaf_value(&b, "rate/carry/heavy.m", i);
            continue;
        }
        bool fine = true;
        for (int i = 0; i < 2; i++) {
            for (int k = 0; k < 2; k++) m[i] = 0.9 * m[i] + 2 * theta[i], theta[i] -= 0.1 * m[i];
            fine &= close_to(leaf_value(&b, "rate/carry/theta", i), theta[i], 1e-12) && close_to(leaf_value(&b, "rate/carry/heavy.m", i), m[i], 1e-12);
        }
        check(fine, "what is minimized on and its optimizer's state go on while a batch is held", "another value");
    }
}

int main(void) {
    test_model();
    test_lstm();
    test_hold();
    return failed;
}

/* sema_sequence_test.c: what goes on from step to step: carries of models, blocks and optimizers, with stream and hold; data that
** is more than a cell of its row: windows, symbols, and sets made of sets. */
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
/* A carry may begin with a parameter, which learns from the steps that begin with it. */
static void test_beginning(void) {
    Built b;
    if (!made(&b, "data d = csv(\"d.csv\") { x = column(\"x\") }\n"
                  "model net(x: []) -> [] { param h0: [] = 2; carry h = h0; y = h * x; h = y; y }\n"
                  "train net on d, batch=2, epochs=1, stream=true { minimize net(x) by sgd(1) }\n", "a carry that begins with a parameter"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    b.batch[t->feed.fresh] = 1, b.batch[t->feed.fresh + 1] = 0;
    double x = column_at(&b, &t->feed, 0, 0);
    call_of(&b, &t->step[1]);
    check(close_to(leaf_value(&b, "net.h0", 0), 2 - x / 2, 1e-12), "what a carry begins with learns where a row is fresh", "it does not");
    check(close_to(leaf_value(&b, "net/carry/net.h", 0), 2 * x, 1e-12), "and the carry goes on from it", "it does not");
}
/* A model with a carry, called in a loop: it goes on from round to round and from step to step. */
static void test_carry_in_loop(void) {
    Built b;
    if (!made(&b, "data d = csv(\"d.csv\") { xs: [3] = columns(0..3) }\n"
                  "model cell(x: []) -> [] { param w: [] = 1; carry h = 0.25; h = 0.5 * h + x; w * h }\n"
                  "train cell on d, batch=2, epochs=1, stream=true { ys = scan x in xs { cell(x) }; minimize sum(ys) by sgd(0); report last = ys[2] }\n", "a carry in a loop"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    double h[2] = {0};
    for (int step = 0; step < 2; step++) {
        double sum = 0, last = 0;
        for (int r = 0; r < 2; r++) {
            b.batch[t->feed.fresh + r] = step == 0;
            if (!step) h[r] = 0.25;
            for (int i = 0; i < 3; i++) sum += h[r] = 0.5 * h[r] + column_at(&b, &t->feed, 0, 3 * r + i);
            last += h[r];
        }
        call_of(&b, &t->step[1]);
        check(close_to(sum_at(&b, 0), sum, 1e-12) && close_to(sum_at(&b, 1), last, 1e-12) && close_to(leaf_value(&b, "cell/carry/cell.h", 1), h[1], 1e-12),
              "a carry goes on through the rounds of a loop", "another value");
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

/* ---- windows ---- */
static const nn_column *column_of(const nn_set *set, const char *reader, i64 window, i64 shift) {
    for (i64 i = 0; i < set->n_columns; i++)
        if (!strcmp(set->columns[i].reader, reader) && set->columns[i].window == window && set->columns[i].shift == shift) return &set->columns[i];
    printf("FAIL no column of %s, window %lld, shift %lld\n", reader, (long long)window, (long long)shift);
    exit(1);
}
static void test_window(void) {
    Built b;
    if (!made(&b, "data d = csv(\"d.csv\"), test=10%, every=2 { unit = deviation(column(\"y\"))\npast: [3, 2] = 2 * window(columns(0..2) - average(columns(0..2)), 3)\n"
                  "next: [2] = window(column(\"y\"), 2, shift=3) }\n"
                  "model net(x: [3, 2]) -> [] { param w: [] = 1; w * sum(x) }\n"
                  "train net on d, batch=3, epochs=1 { minimize net(past) by sgd(0); report a = past[2, 1]; report b = next[1] * unit }\n", "windows"))
        return;
    const nn_train *t = &b.t->trains[0];
    const nn_set *d = &b.t->sets[0];
    const nn_column *past = column_of(d, "columns", 3, 0), *next = column_of(d, "column", 2, 3);
    check(d->every == 2 && past->n_dims == 1 && past->dims[0] == 2 && next->n_dims == 0 && b.t->n_averages == 3, "columns of windows", "others");
    const nn_feed *pieces = &b.t->averages[0].feed;
    bool single = true;
    for (i64 i = 0; i < pieces->n_columns; i++) single &= pieces->columns[i] < 0 || !d->columns[i].window;
    check(single, "averages in a window are of single rows", "of windows");
    double *averages = (double *)(void *)b.averages;
    for (int i = 0; i < 32; i++) averages[i] = 0.25 * i;
    begin(&b);
    call_of(&b, &t->step[1]);
    double a = 0, c = 0, mean = real_at(&b, b.averages, 0, 0);
    i64 at = -1;
    for (i64 i = 0; i < b.t->n_averages; i++)
        if (b.t->averages[i].n_dims == 1) at = b.t->averages[i].offset;
    mean = real_at(&b, b.averages, at, 1);
    for (int r = 0; r < 3; r++) {
        a += 2 * (column_at(&b, &t->feed, past - d->columns, r * 6 + 5) - mean);
        c += column_at(&b, &t->feed, next - d->columns, r * 2 + 1);
    }
    check(close_to(sum_at(&b, 1), a, 1e-12), "a window holds an expression of its rows", "another value");
    check(close_to(sum_at(&b, 2) / c, sum_at(&b, 2) / c, 1e-12) && c != 0, "a window that begins later", "another value");
}
static void test_text(void) {
    Built b;
    if (!made(&b, "data t = text(\"t.txt\"), every=4 { input: class(7)[4] = window(char, 4)\n target: class(7)[4] = window(char, 4, shift=1) }\n"
                  "data n = csv(\"n.csv\") { letters: class(30)[5] = characters(column(\"name\"), 5); length: int = count(column(\"name\")) }\n"
                  "data p = images(\"p\") { image: [2, 2, 3] = picture / 255; label: class(4) = folder }\n"
                  "data q { image: [4] = npy(\"x.npy\", test=\"y.npy\") / 2; label: class(4) = npz(\"x.npz\", \"labels\") }\n"
                  "model net(x: class(7)[t]) -> [] { param w: [] = 1; w * sum(int(x)) }\n"
                  "train net on t, batch=2, epochs=1 { minimize net(target) by sgd(0); report net(input) }\n"
                  "predict on n { report a = letters; report length }\npredict on p { report b = sum(image); report label }\n"
                  "predict on q { report c = image; report label }\n", "texts"))
        return;
    const nn_set *t = &b.t->sets[0], *n = &b.t->sets[1], *p = &b.t->sets[2], *q = &b.t->sets[3];
    const nn_column *target = column_of(t, "char", 4, 1), *letters = column_of(n, "characters", 0, 0), *picture = column_of(p, "picture", 0, 0);
    check(!strcmp(t->kind, "text") && t->every == 4 && target->classes == 7 && target->dtype == NN_I32 && target->n_dims == 0, "windows of a text", "others");
    check(letters->classes == 30 && letters->dims[0] == 5 && !strcmp(letters->names[0], "name") && column_of(n, "count", 0, 0)->element == NN_INT, "texts in cells", "others");
    check(picture->may_be_u8 && picture->dtype == NN_U8 && picture->n_dims == 3 && column_of(p, "folder", 0, 0)->classes == 4, "pictures", "others");
    check(!strcmp(q->kind, "files") && !strcmp(q->columns[0].names[2], "y.npy") && q->columns[1].n_names == 4 && !strcmp(q->columns[1].names[3], "labels"), "arrays", "others");
    check(b.t->predicts[1].outputs[1].like_column == 1, "a folder's name is shown for its class", "it is not");
    begin(&b);
    call_of(&b, &b.t->trains[0].step[1]);
    double sum = 0;
    for (int i = 0; i < 8; i++) sum += ((const i32 *)(const void *)(b.batch + b.t->trains[0].feed.columns[target - t->columns]))[i];
    check(sum_at(&b, 0) == sum, "symbols of a window", "others");
}

/* ---- generate ---- */
#define PLAYS "data t = text(\"t.txt\") { input: class(5)[4] = window(char, 4)\n target: class(5)[4] = window(char, 4, shift=1) }\n"
/* Symbol by symbol, or in a window that is not full: the scores behind the last of them are the same. */
static void test_generate(void) {
    Built next, window;
    if (!made(&next, PLAYS "model m(x: class(5)[t]) -> [t, 5] { x |> embedding(3) |> lstm(4, keep=true) |> dense(5) }\n"
                           "train m on t, batch=2, epochs=1, stream=true { minimize mean(cross_entropy(m(input), target)) by sgd(0) }\n"
                           "generate m, prompt=\"ab\", length=7, temperature=0.5\n", "generate, symbol by symbol") ||
        !made(&window, PLAYS "model m(x: class(5)[t]) -> [t, 5] { x |> embedding(3) |> lstm(4) |> dense(5) }\n"
                             "train m on t, batch=2, epochs=1 { minimize mean(cross_entropy(m(input), target)) by sgd(0) }\ngenerate m, prompt=\"ab\"\n",
              "generate, a window"))
        return;
    const nn_generate *n = &next.t->generates[0], *w = &window.t->generates[0];
    check(n->window == 1 && n->fresh >= 0 && n->length == 7 && n->temperature == 0.5 && !strcmp(n->prompt, "ab") && n->set == 0 && n->classes == 5 &&
              !strcmp(next.t->sets[0].columns[n->column].reader, "char"),
          "a model with carries goes symbol by symbol", "another row");
    check(w->window == 4 && w->fresh == -1 && w->length == 100 && w->temperature == 1 && w->bytes >= 16 && w->out >= 40, "one without takes the window it was trained on", "another row");
    check(leaf_named(&next, "generate/carry/m.lstm.h")->dims[1] == 4, "its carries last", "they do not");
    call_of(&next, &next.t->init);
    call_of(&window, &window.t->init);
    static const i32 text[] = {3, 1, 4};
    bool same = true;
    for (i32 i = 0; i < 3; i++) {
        *(i32 *)(void *)(next.batch + n->tokens) = text[i];
        next.batch[n->fresh] = i == 0, next.call.count = 1;
        call_of(&next, &n->next);
        ((i32 *)(void *)(window.batch + w->tokens))[i] = text[i];
        window.call.count = i + 1;
        call_of(&window, &w->next);
        for (int k = 0; k < 5; k++) same &= close_to(real_at(&next, next.out, 0, k), real_at(&window, window.out, 0, k), 1e-12);
    }
    check(same, "the same scores either way", "others");
}

/* ---- sets made of sets ---- */
/* The column of a made set that holds those of its base's reader. */
static const nn_column *base_of(const Built *b, const nn_set *set, const char *reader, i64 window, i64 shift) {
    for (i64 i = 0; i < set->n_columns; i++) {
        const nn_column *c = &set->columns[i];
        if (strcmp(c->reader, "base") || c->window != window || c->shift != shift) continue;
        if (!strcmp(b->t->sets[set->bases[c->base]].columns[c->column].reader, reader)) return c;
    }
    printf("FAIL no column of a base's %s\n", reader);
    exit(1);
}
#define BASE "data d = csv(\"d.csv\"), test=50% { m = average(column(\"y\")); x: [2] = 2 * columns(0..2) - m; label: class(9) = column(\"label\") }\nparam w: [] = 1\n"
static void test_few_shot(void) {
    Built b;
    if (!made(&b, BASE "data tasks = few_shot(d, ways=3, shots=2, queries=4, rotate=true), test=100 { ink = sum(support_x, axis=[1, 2]) }\n"
                       "train w on tasks, batch=2, steps=9 { s: class(3)[3, 2] = support_label; q: class(3)[3, 4] = query_label\n minimize w * sum(query_x) by sgd(0)\n"
                       "report a = support_x[1, 1, 0]; report b = query_x[2, 3, 1]; report c = int(s[1, 0]); report e = int(q[2, 1]); report f = ink[2]; report g = support_m[0, 1] }\n", "few_shot"))
        return;
    const nn_train *t = &b.t->trains[0];
    const nn_set *tasks = &b.t->sets[t->feed.set], *d = &b.t->sets[tasks->bases[0]];
    check(!strcmp(tasks->kind, "few_shot") && tasks->n_numbers == 4 && tasks->numbers[2] == 4 && tasks->numbers[3] == 1 && tasks->test == 100, "a set of tasks", "another row");
    check(!strcmp(d->columns[tasks->classes].field, "label") && d->columns[tasks->classes].classes == 9, "the base's classes", "another column");
    const nn_column *support = base_of(&b, tasks, "columns", 6, 0), *query = base_of(&b, tasks, "columns", 12, 6), *labels = column_of(tasks, "label", 12, 6);
    check(support->n_dims == 1 && support->dims[0] == 2 && support->base == 0, "a column of a base", "another");
    check(labels->classes == 3 && labels->dtype == NN_I32, "labels", "another");
    ((double *)(void *)b.averages)[0] = 0.125;
    begin(&b);
    call_of(&b, &t->step[1]);
    double want[6] = {0};
    for (int r = 0; r < 2; r++) {
        const i32 *l = (const i32 *)(const void *)(b.batch + t->feed.columns[labels - tasks->columns]);
        want[0] += 2 * column_at(&b, &t->feed, support - tasks->columns, (r * 6 + 3) * 2) - 0.125;
        want[1] += 2 * column_at(&b, &t->feed, query - tasks->columns, (r * 12 + 11) * 2 + 1) - 0.125;
        want[3] += l[r * 12 + 9];
        for (int i = 0; i < 4; i++) want[4] += 2 * column_at(&b, &t->feed, support - tasks->columns, r * 12 + 8 + i) - 0.125;
        want[5] += 0.125;
    }
    bool fine = true;
    for (int i = 0; i < 6; i++) fine &= i == 2 || close_to(sum_at(&b, 1 + i), want[i], 1e-12);
    check(fine, "fields of a task are the base's lines for the rows of its list", "another value");
}
static void test_made(void) {
    Built b;
    if (!made(&b, BASE "data e = csv(\"e.csv\") { z = column(\"z\"); shown: [2] = window(column(\"z\"), 2) }\n"
                       "data two = pairs(d), test=5\ndata more = group(e, 3)\ndata side = beside(d, e)\ndata row = sequence(d, ways=2, shots=3)\n"
                       "train w on two, batch=2, steps=9 { minimize w * sum(x_a - 3 * x_b) by sgd(0); report same }\n"
                       "train w on more as m, batch=2, steps=9 { minimize w * sum(z) by sgd(0); report g = shown[2, 1] }\n"
                       "train w on side as s, batch=2, steps=9 { minimize w * (sum(x) + z) by sgd(0); report int(label) }\n"
                       "train w on row as r, batch=2, steps=9 { l: class(2)[6] = label; minimize w * sum(x[5]) by sgd(0); report int(l[5]) }\n", "made sets"))
        return;
    const nn_train *t = b.t->trains;
    const nn_set *two = &b.t->sets[t[0].feed.set], *more = &b.t->sets[t[1].feed.set], *side = &b.t->sets[t[2].feed.set], *row = &b.t->sets[t[3].feed.set];
    begin(&b);
    call_of(&b, &t[0].step[1]);
    const nn_column *first = base_of(&b, two, "columns", 1, 0), *second = base_of(&b, two, "columns", 1, 1), *same = column_of(two, "label", 0, 0);
    double want = 0, bits = 0;
    for (int r = 0; r < 2; r++) {
        for (int i = 0; i < 2; i++) want += 2 * column_at(&b, &t[0].feed, first - two->columns, 2 * r + i) - 6 * column_at(&b, &t[0].feed, second - two->columns, 2 * r + i);
        bits += b.batch[t[0].feed.columns[same - two->columns] + r];
    }
    check(close_to(sum_at(&b, 0), want, 1e-12) && close_to(sum_at(&b, 1), bits, 1e-12) && same->dtype == NN_BOOL, "pairs", "another value");
    batch_fill(&b, &t[1].feed, 0);
    call_of(&b, &t[1].step[1]);
    const nn_column *shown = NULL;
    for (i64 i = 0; i < more->n_columns; i++)
        if (more->columns[i].n_dims == 1) shown = &more->columns[i];
    check(shown && shown->window == 3 && shown->dims[0] == 2, "a window in a group lies behind the group", "another shape");
    want = shown ? column_at(&b, &t[1].feed, shown - more->columns, 5) + column_at(&b, &t[1].feed, shown - more->columns, 11) : 0;
    check(close_to(sum_at(&b, 1), want, 1e-12), "groups of windows", "another value");
    batch_fill(&b, &t[2].feed, 0);
    call_of(&b, &t[2].step[1]);
    check(side->n_bases == 2 && base_of(&b, side, "column", 1, 1)->base == 1 && base_of(&b, side, "columns", 1, 0)->base == 0, "one row of each, beside each other", "another row");
    batch_fill(&b, &t[3].feed, 0);
    call_of(&b, &t[3].step[1]);
    check(row->numbers[1] == 3 && column_of(row, "label", 6, 0)->classes == 2, "a sequence", "another row");
}

int main(void) {
    test_window();
    test_text();
    test_generate();
    test_few_shot();
    test_made();
    test_model();
    test_beginning();
    test_carry_in_loop();
    test_lstm();
    test_hold();
    return failed;
}

/* sema_program_test.c: what a page becomes: the table, and what each kind of function computes: steps, evaluations,
** pieces of batch=all, several minimizes, reports, averages, states, derivatives, predictions. */
#include "sema_program.h"

static int failed;
static void check(bool fine, const char *name, const char *why) {
    if (fine)
        printf("ok %s\n", name);
    else
        printf("FAIL %s: %s\n", name, why), failed = 1;
}
static bool made(Built *b, const char *text, Asked asked, const char *name) {
    bool fine = build(b, text, asked);
    if (fine) return true;
    diag_print(b->c.diag, stdout, false, false, false);
    check(false, name, "the page is refused");
    return false;
}
#define TABLE                                                                                                          \
    "data d = csv(\"d.csv\"), test=20% { x: [4] = columns(0..4) / 2; y = column(\"y\"); c: class(3) = column(\"c\") "  \
    "}\n"                                                                                                              \
    "model net(x: [4]) -> [3] { x |> dense(5) |> tanh |> dense(3) }\n"

/* ---- the table ---- */
static void test_leaves(void) {
    Built b;
    if (!made(&b,
              TABLE "train net on d, batch=8, epochs=2 { state n = 0; n = n + 1\n"
                    "minimize cross_entropy(net(x), c) by adam(lr); report accuracy(net(x), c) }\nhyper lr = 1e-2 in "
                    "[0, 1]  # rate\n",
              (Asked){0}, "leaves"))
        return;
    static const char *const names[] = {"net.dense.bias",
                                        "net.dense.weight",
                                        "net.dense_2.bias",
                                        "net.dense_2.weight",
                                        "net/state/n",
                                        "net/1.adam/m/net.dense.bias",
                                        "net/1.adam/m/net.dense.weight",
                                        "net/1.adam/m/net.dense_2.bias",
                                        "net/1.adam/m/net.dense_2.weight",
                                        "net/1.adam/n",
                                        "net/1.adam/v/net.dense.bias"};
    bool fine = b.t->n_leaves == 4 + 1 + 9;
    for (int i = 0; fine && i < COUNT_OF(names); i++) fine = !strcmp(b.t->leaves[i].name, names[i]);
    check(fine, "leaves are sorted by role, owner and path, and named as checkpoints name them", "another order");
    i64 end = 0;
    for (i64 i = 0; i < b.t->n_leaves; i++) {
        const nn_leaf *l = &b.t->leaves[i];
        fine &= l->offset % 64 == 0 && l->offset >= end;
        end = l->offset + elements_of(l->n_dims, l->dims) * 4;
    }
    check(fine && end <= b.t->lasting, "leaves are aligned and apart", "they are not");
    check(leaf_named(&b, "net/state/n")->dtype == NN_I32 && leaf_named(&b, "net/1.adam/n")->dtype == NN_I32,
          "states that count are ints", "another type");
    const nn_hyper *h = &b.t->hypers[0];
    check(b.t->n_hypers == 1 && h->kind == NN_REAL && h->value == 1e-2 && h->low == 0 && h->high == 1 &&
              !strcmp(h->help, "rate"),
          "a hyper is a flag", "another row");
    const nn_train *t = &b.t->trains[0];
    check(t->n_step == 2 && t->step[1].code && !t->step[0].code && t->n_sums == 2 && t->reports[0].sum == 1 &&
              t->epochs == 2 && t->best == -1,
          "the row of a train block", "something differs");
    check(strlen(b.t->hash) == 64, "the hash", "not 64 digits");
}
static void test_columns(void) {
    Built b;
    if (!made(&b,
              "data d = csv(\"a.csv\"), validate=\"v.csv\", test=10 {\n"
              "    x: [2] = columns(1..3)\n    again = columns(1..3) * 2\n    s: class(\"no\", \"yes\") = "
              "column(\"kind\")\n"
              "    is: bool = column(\"on\"); n: int = column(\"n\"); unused = column(\"z\")\n"
              "    image: [6] = idx(\"images\", test=\"others\") / 255\n}\n"
              "model m(x: [2]) -> [2] { x |> dense(2) }\n"
              "train m on d, batch=4, epochs=1 { minimize cross_entropy(m(x) + sum(again) + is + n + sum(image), s) by "
              "sgd(1) }\n"
              "predict on d { report s = argmax(m(x)) }\n",
              (Asked){0}, "columns"))
        return;
    const nn_set *s = &b.t->sets[0];
    check(s->n_columns == 6 && !strcmp(s->files[1], "v.csv") && s->test == 10 && !strcmp(s->kind, "csv"),
          "a set with files of parts", "something differs");
    check(s->columns[0].dtype == NN_F32 && s->columns[0].low == 1 && s->columns[0].high == 3,
          "one column for two equal reads", "another");
    check(s->columns[1].element == NN_CLASS && s->columns[1].classes == 2 &&
              !strcmp(s->columns[1].class_names[1], "yes"),
          "classes with names", "another");
    check(s->columns[2].dtype == NN_BOOL && s->columns[3].dtype == NN_I32, "bool and int columns", "another type");
    check(s->columns[5].dtype == NN_U8 && s->columns[5].may_be_u8 && !strcmp(s->columns[5].names[2], "others"),
          "idx is bytes", "another type");
    const nn_feed *f = &b.t->trains[0].feed, *p = &b.t->predicts[0].feed;
    check(f->columns[4] == -1 && f->columns[5] >= 0 && f->row == -1 && p->columns[1] == -1 && p->columns[0] >= 0 &&
              p->rows == 32,
          "a feed has what its functions use", "it has not");
    const nn_output *o = &b.t->predicts[0].outputs[0];
    check(o->element == NN_CLASS && o->like_column == 1 && !strcmp(o->class_names[0], "no"),
          "a column like a class field has its names", "it has not");
}
static void test_hypers(void) {
    Built a, b;
    const char *page =
        TABLE "hyper width = 6\nhyper flag = true\nhyper lr = 0.1\nmodel wide(x: [4]) -> [3] { x |> dense(width, "
              "bias=flag) |> dense(3) }\n"
              "train wide on d, batch=4, epochs=1 { minimize cross_entropy(wide(x) * lr, c) by sgd(lr) }\n";
    Define define[] = {{"width", "9"}, {"flag", "false"}, {"lr", "0.5"}};
    if (!made(&a, page, (Asked){0}, "hypers") ||
        !made(&b, page, (Asked){.defines = define, .n_defines = 3}, "hypers with -D"))
        return;
    check(a.t->n_hypers == 1 && !strcmp(a.t->hypers[0].name, "lr"), "what a shape needs is no flag", "it is");
    check(leaf_named(&a, "wide.dense.weight")->dims[1] == 6 && leaf_named(&b, "wide.dense.weight")->dims[1] == 9,
          "-D gives a width", "it does not");
    check(b.t->n_leaves == a.t->n_leaves - 1 && b.t->hypers[0].value == 0.5, "-D gives a switch and another default",
          "it does not");
    check(strcmp(a.t->hash, b.t->hash) != 0, "-D is part of the hash", "it is not");
    Built same;
    if (!made(&same,
              TABLE
              "hyper width=6 # c\nhyper flag = true\nhyper lr = 0.1\nmodel wide(x: [4]) -> [3] { x |> dense(width, "
              "bias=flag) |> dense(3) }\n"
              "# a comment\ntrain wide on d,batch=4, epochs=1 { minimize cross_entropy(wide(x)*lr, c) by sgd(lr) }\n",
              (Asked){0}, "hash"))
        return;
    check(!strcmp(a.t->hash, same.t->hash), "comments and spaces are not part of the hash", "they are");
    begin(&a);
    call_of(&a, &a.t->trains[0].step[1]);
    double small = leaf_value(&a, "wide.dense_2.bias", 0);
    begin(&a);
    a.random = 1, batch_fill(&a, &a.t->trains[0].feed, 0);
    *(float *)(void *)(a.hypers + a.t->hypers[0].offset) = 0.7f;
    call_of(&a, &a.t->trains[0].step[1]);
    check(leaf_value(&a, "wide.dense_2.bias", 0) != small, "a flag is read by the step", "it is not");
}

/* ---- steps ---- */
static void test_step(void) {
    Built b;
    if (!made(&b,
              TABLE "train net on d, batch=8, epochs=1 { minimize cross_entropy(net(x), c) by sgd(0.25)\n report "
                    "before = sum(net.params.dense.weight) }\n",
              (Asked){.f64 = true, .gradients = true}, "step"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    call_of(&b, &t->value[0]);
    double value = real_at(&b, b.out, 0, 0), weight[20], gradient[20], sum = 0;
    call_of(&b, &t->gradient[0]);
    i64 at = -1;
    for (i64 i = 0; i < t->minimizes[0].n_leaves; i++)
        if (&b.t->leaves[t->minimizes[0].leaves[i]] == leaf_named(&b, "net.dense.weight"))
            at = t->minimizes[0].offsets[i];
    for (int i = 0; i < 20; i++)
        weight[i] = leaf_value(&b, "net.dense.weight", i), gradient[i] = real_at(&b, b.out, at, i), sum += weight[i];
    call_of(&b, &t->step[1]);
    check(b.out[0] == 1 && close_to(sum_at(&b, 0), 8 * value, 1e-12), "the objective is summed over the rows",
          "another sum");
    bool fine = true;
    for (int i = 0; i < 20; i++)
        fine &= close_to(leaf_value(&b, "net.dense.weight", i), weight[i] - 0.25 * gradient[i], 1e-12);
    check(fine, "a step goes down the gradient of the mean", "it does not");
    check(close_to(sum_at(&b, 1), 8 * sum, 1e-12), "a report sees the parameters that the step began with",
          "another value");
    ((double *)(void *)(b.lasting + leaf_named(&b, "net.dense_2.bias")->offset))[1] = INFINITY;
    call_of(&b, &t->step[1]);
    check(b.out[0] == 0, "a step that is not finite says so", "it does not");
}
static void test_eval(void) {
    Built b;
    if (!made(&b,
              TABLE "train net on d, batch=8, epochs=1 { minimize cross_entropy(net(x), c) by sgd(0.25); if not "
                    "training { report accuracy(net(x), c) } }\n",
              (Asked){0}, "eval"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    char *before = malloc((size_t)b.t->lasting);
    memcpy(before, b.lasting, (size_t)b.t->lasting);
    double five, all;
    call_of(&b, &t->eval);
    all = sum_at(&b, 0);
    b.call.valid = 5;
    call_of(&b, &t->eval);
    five = sum_at(&b, 0);
    ((float *)(void *)(b.batch + t->feed.columns[0]))[4 * 6] = 100; /* row 6 does not count */
    call_of(&b, &t->eval);
    check(five < all && five == sum_at(&b, 0), "an evaluation counts the first rows only", "others count");
    check(!memcmp(before, b.lasting, (size_t)b.t->lasting), "an evaluation changes nothing that lasts", "it does");
    check(t->reports[0].eval_only && !isnan(sum_at(&b, 1)), "a report of evaluations is there", "it is not");
    b.call.valid = 8;
    call_of(&b, &t->step[1]);
    check(isnan(sum_at(&b, 1)), "a report of evaluations is NaN in a step", "it is a number");
}
static void test_all(void) {
    Built a, b;
    const char *block = "{ minimize cross_entropy(net(x), c) by sgd(0.25, momentum=0.5); report y }\n";
    Arena *arena = arena_new("test");
    if (!made(&a, arena_printf(arena, "%strain net on d, batch=12, epochs=1 %s", TABLE, block), (Asked){.f64 = true},
              "batch=12") ||
        !made(&b, arena_printf(arena, "%strain net on d, batch=all, epochs=1 %s", TABLE, block), (Asked){.f64 = true},
              "batch=all"))
        return;
    const nn_train *t = &b.t->trains[0];
    check(t->all == 1 && t->feed.rows == 256 && t->n_step == 0 && t->n_sum == 1 && t->n_apply == 1,
          "batch=all is taken in pieces", "another row");
    begin(&a), begin(&b);
    char *in = block_new(b.t->out);
    double report = 0;
    for (int piece = 0; piece < 2; piece++) { /* rows 0..6, 7..11 */
        int first = piece ? 7 : 0, rows = piece ? 5 : 7;
        for (i64 c = 0; c < t->feed.n_columns; c++) {
            i64 size = elements_of(b.t->sets[0].columns[c].n_dims, b.t->sets[0].columns[c].dims) *
                       (b.t->sets[0].columns[c].dtype == NN_F64 ? 8 : 4);
            memcpy(b.batch + t->feed.columns[c], a.batch + a.t->trains[0].feed.columns[c] + first * size,
                   (size_t)(rows * size));
        }
        b.call.valid = rows;
        call_of(&b, &t->sum[0]);
        check(b.out[0] == 1, "a piece is finite", "it is not");
        report += sum_at(&b, 1);
        for (i64 i = 0; i < t->minimizes[0].n_leaves; i++)
            for (i64 k = 0; k < elements_of(b.t->leaves[i].n_dims, b.t->leaves[i].dims); k++) {
                i64 at = t->minimizes[0].offsets[i];
                ((double *)(void *)(in + at))[k] += ((double *)(void *)(b.out + at))[k];
            }
    }
    b.call.in = in, b.call.count = 12;
    call_of(&b, &t->apply[0]);
    call_of(&a, &a.t->trains[0].step[1]);
    bool fine = b.out[0] == 1 && close_to(report, sum_at(&a, 1), 1e-12);
    for (i64 i = 0; i < a.t->n_leaves; i++)
        for (i64 k = 0; k < elements_of(a.t->leaves[i].n_dims, a.t->leaves[i].dims); k++)
            fine &= close_to(leaf_value(&a, a.t->leaves[i].name, k), leaf_value(&b, a.t->leaves[i].name, k), 1e-12);
    check(fine, "pieces added are the step over all rows", "another result");
}
/* w -> what the page makes of it in one step, f64, with minimize lines given. */
static double one_step(const char *lines, int n, u32 active) {
    Built b;
    Arena *arena = arena_new("test");
    const char *page =
        arena_printf(arena,
                     "data d { x = uniform(1, 1) }\nmodel a(x: []) -> [] { param w: [1] = 2; w[0] * x }\n"
                     "model z(x: []) -> [] { param w: [1] = 3; w[0] * x }\n"
                     "train a, z on d, batch=2, steps=5 { %s }\n",
                     lines);
    if (!made(&b, page, (Asked){.f64 = true}, lines)) return NAN;
    begin(&b);
    call_of(&b, &b.t->trains[0].step[active]);
    for (int k = 0; k < n; k++)
        if (!(active >> k & 1) && sum_at(&b, k) != 0) return NAN;
    return leaf_value(&b, "a.w", 0) + 100 * leaf_value(&b, "z.w", 0);
}
static void test_minimizes(void) {
    /* sgd(0.1) of w^2: w - 0.2 w */
    check(close_to(one_step("minimize a(x)^2 by sgd(0.1) on a", 1, 1), 1.6 + 300, 1e-12),
          "a minimize on one model leaves the others", "it does not");
    check(close_to(one_step("minimize a(x)^2 by sgd(0.1) on a; minimize a(x)^2 by sgd(0.1) on a", 2, 3), 1.28 + 300,
                   1e-12),
          "the second minimize sees what the first made", "it does not");
    check(close_to(one_step("y = a(x); minimize y^2 by sgd(0.1) on a; minimize y^2 by sgd(0.1) on a", 2, 3), 1.2 + 300,
                   1e-12),
          "a gradient is by the parameters as they were read, applied to the present ones", "it is not");
    /* z of the new a: 3 - 0.1 * 2 * 3 * 1.6^2 */
    check(close_to(one_step("minimize a(x)^2 by sgd(0.1) on a; minimize (z(x) * a(x))^2 by sgd(0.1) on z", 2, 3),
                   1.6 + 100 * (3 - 0.6 * 1.6 * 1.6), 1e-12),
          "two models in turn", "another result");
    /* y reads a before and after: both readings count */
    check(close_to(one_step("y = a(x); minimize a(x)^2 by sgd(0.1) on a; minimize (y + a(x))^2 by sgd(0.1) on a", 2, 3),
                   1.6 - 0.1 * 2 * 3.6 * 2 + 300, 1e-12),
          "a parameter read twice has the sum of both gradients", "it has not");
    const char *rare = "minimize a(x)^2 by sgd(0.1) on a, every=3; minimize z(x)^2 by sgd(0.1) on z";
    check(close_to(one_step(rare, 2, 2), 2 + 240, 1e-12) && close_to(one_step(rare, 2, 3), 1.6 + 240, 1e-12),
          "every=3 has a step without and one with", "it has not");
}

/* ---- reports and averages ---- */
static void test_reports(void) {
    Built a, b;
    const char *net = "data d { x: [4] = normal(); c: class(3) = choose(3) }\nmodel net(x: [4]) -> [3] { x |> "
                      "dropout(0.5) |> dense(3) }\n";
    Arena *arena = arena_new("test");
    if (!made(&a,
              arena_printf(arena,
                           "%strain net on d, batch=8, steps=5 { minimize cross_entropy(net(x), c) by adam(0.1) }\n",
                           net),
              (Asked){0}, "plain") ||
        !made(
            &b,
            arena_printf(
                arena,
                "%strain net on d, batch=8, steps=5 { report noise = normal(); report accuracy(net(x + normal()), c)\n"
                "minimize cross_entropy(net(x), c) by adam(0.1); report after = mean(net(2 * x)^2); report "
                "confusion(net(x), c) }\n",
                net),
            (Asked){0}, "with reports"))
        return;
    begin(&a), begin(&b);
    for (int step = 0; step < 3; step++) {
        a.call.step = b.call.step = a.call.draw_step = b.call.draw_step = a.call.data_step = b.call.data_step = step;
        call_of(&a, &a.t->trains[0].step[1]), call_of(&b, &b.t->trains[0].step[1]);
    }
    check(a.t->lasting == b.t->lasting && !memcmp(a.lasting, b.lasting, (size_t)a.t->lasting),
          "reports change no bit of a training", "they do");
    const nn_train *t = &b.t->trains[0];
    double all = 0;
    for (int i = 0; i < 9; i++) all += sum_at(&b, t->reports[3].sum + i);
    check(t->n_reports == 4 && t->reports[3].n_dims == 2 && all == 8, "a table is one sum for each place",
          "another sum");
}
static void test_average_report(void) {
    Built b;
    if (!made(&b,
              TABLE "train net on d, batch=8, epochs=1 { minimize cross_entropy(net(x), c) by sgd(0.1)\n"
                    "report rmse(y, 0); report both = [average(y), 2 * average(x)[1]]; report y }\n",
              (Asked){.f64 = true}, "averages in reports"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    double squares = 0, sum = 0, x1 = 0;
    for (int r = 0; r < 8; r++) {
        double y = ((double *)(void *)(b.batch + t->feed.columns[1]))[r];
        squares += y * y, sum += y, x1 += ((double *)(void *)(b.batch + t->feed.columns[0]))[4 * r + 1] / 2;
    }
    call_of(&b, &t->eval);
    double *in = (double *)(void *)b.in;
    for (i64 i = 0; i < t->n_sums; i++) in[i] = sum_at(&b, i) / 8;
    check(t->reports[0].sum == -1 && t->reports[1].sum == -1 && t->reports[2].sum >= 0 && t->n_shown == 3,
          "which reports are shown by `show`", "others");
    call_of(&b, &t->show);
    check(close_to(real_at(&b, b.out, 0, t->reports[0].shown), sqrt(squares / 8), 1e-12), "a root of an average",
          "another value");
    check(close_to(real_at(&b, b.out, 0, t->reports[1].shown), sum / 8, 1e-12) &&
              close_to(real_at(&b, b.out, 0, t->reports[1].shown + 1), 2 * x1 / 8, 1e-12),
          "an array of averages", "another value");
}
static void test_averages(void) {
    Built b;
    if (!made(&b,
              "data d = csv(\"d.csv\") { x: [3] = standardize(columns(0..3)); other = column(\"y\"); y = other - "
              "average(other) }\n"
              "model net(x: [3]) -> [] { x |> dense(1) |> scalar }\ntrain net on d, batch=8, epochs=1 { minimize "
              "mse(net(x), y) by sgd(0.1) }\n",
              (Asked){.f64 = true}, "averages of data"))
        return;
    check(b.t->n_averages == 3 && !strcmp(b.t->averages[0].name, "d/average/0"), "an average for each",
          "another number");
    const nn_feed *f = &b.t->averages[0].feed;
    batch_fill(&b, f, 0);
    b.call.valid = 100;
    double mean[3] = {0}, square[3] = {0}, *x = (double *)(void *)(b.batch + f->columns[0]);
    for (int i = 0; i < 300; i++) mean[i % 3] += x[i] / 100;
    for (int i = 0; i < 300; i++) square[i % 3] += (x[i] - mean[i % 3]) * (x[i] - mean[i % 3]) / 100;
    bool fine = true, n[3] = {0};
    for (int k = 0; k < 3; k++) { /* in the order of dependence: what a later one reads is there */
        const nn_average *a = &b.t->averages[k];
        call_of(&b, &a->sum);
        i64 count = elements_of(a->n_dims, a->dims);
        double *to = (double *)(void *)(b.averages + a->offset);
        for (i64 i = 0; i < count; i++) to[i] = real_at(&b, b.out, 0, i) / 100;
        if (count == 3 && close_to(to[0], mean[0], 1e-12)) n[0] = true;
        if (count == 3 && close_to(to[2], square[2], 1e-12)) n[1] = true;
        n[2] |= count == 1;
        fine &= a->offset % 64 == 0;
    }
    check(fine && n[0] && n[1] && n[2], "averages are found one from the other, over the rows that count",
          "another value");
}

/* ---- states ---- */
static void test_states(void) {
    Built b;
    if (!made(&b,
              "data d { x: [4] = normal() }\nmodel net(x: [4]) -> [4] { x |> batch_norm |> dense(4) }\nmodel other(x: "
              "[4]) -> [4] { x |> batch_norm }\n"
              "train net on d, batch=8, steps=5 { state slow = net.params; minimize mean((net(x) + other(x))^2) by "
              "sgd(0.5); slow = 0.5 * slow + 0.5 * net.params }\n",
              (Asked){.f64 = true}, "states"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    double before = leaf_value(&b, "net.dense.weight", 5);
    check(leaf_value(&b, "net/state/slow/dense.weight", 5) == before, "a state of the block begins with the parameters",
          "it does not");
    call_of(&b, &t->step[1]);
    double after = leaf_value(&b, "net.dense.weight", 5);
    check(before != after && close_to(leaf_value(&b, "net/state/slow/dense.weight", 5), 0.5 * (before + after), 1e-12),
          "and goes on from the new ones", "it does not");
    check(leaf_value(&b, "net.batch_norm.seen_mean", 1) != 0 && leaf_value(&b, "other.batch_norm.seen_mean", 1) == 0,
          "states change in models that are trained only", "in others too");
    double seen = leaf_value(&b, "net.batch_norm.seen_mean", 1);
    call_of(&b, &t->eval);
    check(leaf_value(&b, "net.batch_norm.seen_mean", 1) == seen, "and not in evaluations", "they do");
}

/* ---- draws, predictions, derivatives, files ---- */
static void test_drawn(void) {
    Built b;
    if (!made(&b,
              "data d, test=5 { a = uniform(0, 1); x: [3] = a * normal() }\nmodel net(x: [3]) -> [] { x |> dense(1) |> "
              "scalar }\n"
              "train net on d, batch=6, steps=5 { minimize net(x)^2 by sgd(0.1); report a }\npredict on d { report a; "
              "report v = net(x) }\n",
              (Asked){0}, "drawn"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    check(t->feed.row >= 0 && !b.t->sets[0].n_columns && !strcmp(b.t->sets[0].kind, "drawn") && b.t->sets[0].test == 5,
          "a set without files", "another row");
    b.call.data_step = 3;
    call_of(&b, &t->eval);
    double at_3 = sum_at(&b, 1);
    b.call.data_step = 4;
    call_of(&b, &t->eval);
    double at_4 = sum_at(&b, 1);
    b.call.data_step = 3, b.call.draw_step = 9;
    call_of(&b, &t->eval);
    check(at_3 != at_4 && at_3 == sum_at(&b, 1), "fields are drawn by the step of the data", "they are not");
    batch_fill(&b, &b.t->predicts[0].feed, 0);
    call_of(&b, &b.t->predicts[0].rows);
    double six = 0;
    for (int r = 0; r < 6; r++) six += real_at(&b, b.out, b.t->predicts[0].outputs[0].offset, r);
    check(close_to(six, at_3, 1e-6), "a prediction draws the same rows", "others");
}
static void test_second(void) {
    Built b;
    if (!made(&b, TABLE "train net on d, batch=4, epochs=1 { minimize cross_entropy(net(x), c) by adam(0.1) }\n",
              (Asked){.f64 = true, .gradients = true}, "second"))
        return;
    const nn_train *t = &b.t->trains[0];
    begin(&b);
    const nn_minimize *m = &t->minimizes[0];
    for (i64 i = 0; i < m->n_leaves; i++)
        for (i64 k = 0; k < elements_of(b.t->leaves[m->leaves[i]].n_dims, b.t->leaves[m->leaves[i]].dims); k++)
            ((double *)(void *)(b.in + m->offsets[i]))[k] = built_random(&b) - 0.5;
    call_of(&b, &t->second[0]);
    double said = real_at(&b, b.out, m->offsets[1], 3),
           *w = (double *)(void *)(b.lasting + b.t->leaves[m->leaves[1]].offset) + 3, side[2];
    for (int s = 0; s < 2; s++) {
        double kept = *w;
        *w += s ? 1e-6 : -1e-6;
        call_of(&b, &t->gradient[0]);
        side[s] = 0;
        for (i64 i = 0; i < m->n_leaves; i++)
            for (i64 k = 0; k < elements_of(b.t->leaves[m->leaves[i]].n_dims, b.t->leaves[m->leaves[i]].dims); k++)
                side[s] += real_at(&b, b.out, m->offsets[i], k) * ((double *)(void *)(b.in + m->offsets[i]))[k];
        *w = kept;
    }
    check(close_to(said, (side[1] - side[0]) / 2e-6, 1e-6), "the second derivative along a direction", "another value");
}
static void test_imports(void) {
    Built b;
    if (!made(&b,
              "import \"inner/base.nn\"\nimport \"inner/more.nn\"\ntrain net on d, batch=4, epochs=1 { minimize "
              "cross_entropy(twice(net(x)), c) by sgd(0.1) }\n",
              (Asked){.folder = "tests/unit/sema_imports"}, "imports"))
        return;
    check(b.t->n_trains == 1 && !strcmp(b.t->sets[0].folder, "tests/unit/sema_imports/inner") && b.t->n_hypers == 1,
          "an import shows data, models and hypers, and its paths begin in its folder", "it does not");
}
int main(void) {
    test_leaves();
    test_columns();
    test_hypers();
    test_step();
    test_eval();
    test_all();
    test_minimizes();
    test_reports();
    test_average_report();
    test_averages();
    test_states();
    test_drawn();
    test_second();
    test_imports();
    return failed;
}

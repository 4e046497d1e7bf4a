/* runtime_page.h: a page as nnc would compile it, by hand: softmax regression with momentum on a CSV of points, in the
** float type REAL. Included once for float and once for double by runtime_page.c, which names the two tables. The
** functions are the generated code: they read and write blocks of nn_call only. Offsets below are those the tables
** state. */
#define GLUE2(a, b) a##b
#define GLUE(a, b)  GLUE2(a, b)
#define N(name)     GLUE(name, SUFFIX)

enum { N(ROWS) = 16 };
/* lasting: weight [4, 3], bias [3], seen [], momentum of both; each at a multiple of 64 (doubles need 96 bytes for the
** weight) */
enum { N(WEIGHT) = 0, N(BIAS) = 128, N(SEEN) = 192, N(MOMENTUM_W) = 256, N(MOMENTUM_B) = 384, N(LASTING) = 448 };
/* batch: x [16, 4], label [16], row [16] */
enum { N(X) = 0, N(LABEL) = 512, N(ROW) = 576, N(FRESH) = 640, N(BATCH) = 704 };
/* out: finite, sums at 64: loss, right, confusion [3, 3], squared error; gradients at 192, 320 */
enum { N(SUMS) = 64, N(N_SUMS) = 12, N(GRADIENT_W) = 192, N(GRADIENT_B) = 320, N(OUT) = 512 };

static REAL *N(floats)(void *block, int64_t offset) { return (REAL *)(void *)((uint8_t *)block + offset); }
static void N(scores)(const nn_call *c, int i, REAL score[3]) {
    const REAL *w = N(floats)(c->lasting, N(WEIGHT)), *b = N(floats)(c->lasting, N(BIAS)),
               *x = N(floats)(c->batch, N(X)) + 4 * i;
    const REAL *mean = c->averages;
    for (int k = 0; k < 3; k++) {
        score[k] = b[k];
        for (int j = 0; j < 4; j++) score[k] += (x[j] - mean[j]) * w[3 * j + k];
    }
}
/* Probabilities; the loss of one example. */
static REAL N(softmax)(const REAL score[3], int32_t label, REAL p[3]) {
    REAL most = score[0], sum = 0;
    for (int k = 1; k < 3; k++) most = score[k] > most ? score[k] : most;
    for (int k = 0; k < 3; k++) sum += p[k] = (REAL)exp((double)(score[k] - most));
    for (int k = 0; k < 3; k++) p[k] /= sum;
    return (REAL)log((double)sum) + most - score[label];
}
static void N(init)(const nn_call *c) {
    REAL *w = N(floats)(c->lasting, N(WEIGHT));
    for (uint32_t j = 0; j < 12; j++) {
        uint32_t counter[4] = {j, 0, 0, 0xFFFF0000u}, word[4];
        philox4x32_10(counter, c->key, word);
        w[j] = (REAL)((double)word[0] * 0x1p-32 - 0.5);
    }
    for (int k = 0; k < 3; k++) N(floats)(c->lasting, N(BIAS))[k] = 0;
    *N(floats)(c->lasting, N(SEEN)) = 0;
}
static void N(start)(const nn_call *c) {
    blocks_started++;
    memset((uint8_t *)c->lasting + N(MOMENTUM_W), 0, 128);
    memset((uint8_t *)c->lasting + N(MOMENTUM_B), 0, 64);
}
/* Sums over the valid rows, and (unless NULL) the gradient of the mean loss. */
static void N(sums)(const nn_call *c, REAL *sums, REAL *gw, REAL *gb) {
    const int32_t *label = (const int32_t *)(const void *)((uint8_t *)c->batch + N(LABEL));
    for (int i = 0; i < N(N_SUMS); i++) sums[i] = 0;
    for (int i = 0; gw && i < 12; i++) gw[i] = 0;
    for (int i = 0; gb && i < 3; i++) gb[i] = 0;
    for (int i = 0; i < c->valid; i++) {
        const REAL *x = N(floats)(c->batch, N(X)) + 4 * i, *mean = c->averages;
        REAL score[3], p[3];
        N(scores)(c, i, score);
        REAL loss = N(softmax)(score, label[i], p);
        int said = p[1] > p[0] ? (p[2] > p[1] ? 2 : 1) : (p[2] > p[0] ? 2 : 0);
        sums[0] += loss;
        sums[1] += (REAL)(said == label[i]);
        sums[2 + 3 * label[i] + said] += 1;
        sums[11] += (1 - p[label[i]]) * (1 - p[label[i]]);
        for (int k = 0; gw && k < 3; k++) {
            REAL d = (p[k] - (REAL)(k == label[i])) / (REAL)c->valid;
            gb[k] += d;
            for (int j = 0; j < 4; j++) gw[3 * j + k] += d * (x[j] - mean[j]);
        }
    }
}
static REAL N(rate)(const nn_call *c) { return N(floats)(c->hypers, 0)[0] * (REAL)(1 - 0.5 * c->progress64); }
static void N(step)(const nn_call *c) {
    REAL gw[12], gb[3];
    page_hook(c);
    N(sums)(c, N(floats)(c->out, N(SUMS)), gw, gb);
    for (int i = 0; i < 15; i++) {
        REAL *m = i < 12 ? N(floats)(c->lasting, N(MOMENTUM_W)) + i : N(floats)(c->lasting, N(MOMENTUM_B)) + i - 12;
        REAL *w = i < 12 ? N(floats)(c->lasting, N(WEIGHT)) + i : N(floats)(c->lasting, N(BIAS)) + i - 12;
        *m = (REAL)0.9 * *m + (i < 12 ? gw[i] : gb[i - 12]);
        *w -= N(rate)(c) * *m;
    }
    *N(floats)(c->lasting, N(SEEN)) += 1;
    *(uint8_t *)c->out = !page_breaks(c);
}
/* batch=all: sums of a piece; then the step of all of them. */
static void N(sum)(const nn_call *c) {
    REAL *gw = N(floats)(c->out, N(GRADIENT_W)), *gb = N(floats)(c->out, N(GRADIENT_B));
    page_hook(c);
    N(sums)(c, N(floats)(c->out, N(SUMS)), gw, gb);
    for (int i = 0; i < 12; i++) gw[i] *= (REAL)c->valid;
    for (int i = 0; i < 3; i++) gb[i] *= (REAL)c->valid;
    *(uint8_t *)c->out = 1;
}
static void N(apply)(const nn_call *c) {
    void *in = (void *)(uintptr_t)c->in;
    for (int i = 0; i < 12; i++)
        N(floats)(c->lasting, N(WEIGHT))[i] -= N(rate)(c) * N(floats)(in, N(GRADIENT_W))[i] / (REAL)c->count;
    for (int i = 0; i < 3; i++)
        N(floats)(c->lasting, N(BIAS))[i] -= N(rate)(c) * N(floats)(in, N(GRADIENT_B))[i] / (REAL)c->count;
    *(uint8_t *)c->out = 1;
}
static void N(eval)(const nn_call *c) {
    page_hook(c);
    N(sums)(c, N(floats)(c->out, N(SUMS)), NULL, NULL);
}
static void N(show)(const nn_call *c) { *(REAL *)c->out = (REAL)sqrt((double)((const REAL *)c->in)[11]); }
static void N(average)(const nn_call *c) {
    REAL *sum = c->out;
    for (int j = 0; j < 4; j++) sum[j] = 0;
    for (int i = 0; i < c->valid; i++)
        for (int j = 0; j < 4; j++) sum[j] += N(floats)(c->batch, N(X))[4 * i + j];
}
static void N(value)(const nn_call *c) {
    REAL sums[N(N_SUMS)];
    N(sums)(c, sums, NULL, NULL);
    *(REAL *)c->out = sums[0] / (REAL)c->valid;
}
static void N(gradient)(const nn_call *c) {
    REAL sums[N(N_SUMS)];
    N(sums)(c, sums, N(floats)(c->out, N(GRADIENT_W)), N(floats)(c->out, N(GRADIENT_B)));
    if (page_wrong_gradient) N(floats)(c->out, N(GRADIENT_W))[5] += (REAL)0.01;
}
/* The Hessian of softmax regression times a direction. */
static void N(second)(const nn_call *c) {
    const int32_t *label = (const int32_t *)(const void *)((uint8_t *)c->batch + N(LABEL));
    REAL *gw = N(floats)(c->out, N(GRADIENT_W)), *gb = N(floats)(c->out, N(GRADIENT_B));
    const REAL *dw = N(floats)((void *)(uintptr_t)c->in, N(GRADIENT_W)),
               *db = N(floats)((void *)(uintptr_t)c->in, N(GRADIENT_B));
    memset(gw, 0, 12 * sizeof *gw);
    memset(gb, 0, 3 * sizeof *gb);
    for (int i = 0; i < c->valid; i++) {
        const REAL *x = N(floats)(c->batch, N(X)) + 4 * i, *mean = c->averages;
        REAL score[3], p[3], ds[3], inner = 0;
        N(scores)(c, i, score);
        (void)N(softmax)(score, label[i], p);
        for (int k = 0; k < 3; k++) {
            ds[k] = db[k];
            for (int j = 0; j < 4; j++) ds[k] += dw[3 * j + k] * (x[j] - mean[j]);
            inner += p[k] * ds[k];
        }
        for (int k = 0; k < 3; k++) {
            REAL d = p[k] * (ds[k] - inner) / (REAL)c->valid;
            gb[k] += d;
            for (int j = 0; j < 4; j++) gw[3 * j + k] += d * (x[j] - mean[j]);
        }
    }
}
static void N(predict)(const nn_call *c) {
    int32_t *class_out = c->out;
    REAL *confidence = N(floats)(c->out, 64);
    for (int i = 0; i < N(ROWS); i++) {
        REAL score[3], p[3];
        N(scores)(c, i, score);
        (void)N(softmax)(score, 0, p);
        class_out[i] = p[1] > p[0] ? (p[2] > p[1] ? 2 : 1) : (p[2] > p[0] ? 2 : 0);
        confidence[i] = p[class_out[i]];
    }
}

#define ENTRY(f) {.name = #f, .code = N(f), .operations = 1000}
static const nn_hyper N(hypers)[] = {
    {.name = "lr", .kind = NN_REAL, .value = 0.1, .low = 1e-6, .high = 10, .help = "learning rate", .offset = 0},
    {.name = "hidden_units", .kind = NN_INT, .value = 3, .low = 1, .high = 9, .help = "", .offset = 64}};
static const nn_leaf N(leaves)[] = {
    {"net.weight", NN_PARAM, "net", FLOAT, 2, (const int64_t[]){4, 3}, N(WEIGHT)},
    {"net.bias", NN_PARAM, "net", FLOAT, 1, (const int64_t[]){3}, N(BIAS)},
    {"net.seen", NN_MODEL_STATE, "net", FLOAT, 0, NULL, N(SEEN)},
    {"net/1.momentum/m/net.weight", NN_OPTIMIZER_STATE, "net", FLOAT, 2, (const int64_t[]){4, 3}, N(MOMENTUM_W)},
    {"net/1.momentum/m/net.bias", NN_OPTIMIZER_STATE, "net", FLOAT, 1, (const int64_t[]){3}, N(MOMENTUM_B)}};
static const nn_column N(columns)[] = {{.field = "x",
                                        .reader = "columns",
                                        .low = 0,
                                        .high = 4,
                                        .element = NN_REAL,
                                        .n_dims = 1,
                                        .dims = (const int64_t[]){4},
                                        .dtype = FLOAT,
                                        .text = "x: [4] = columns(0..4)",
                                        .line = 2},
                                       {.field = "label",
                                        .reader = "column",
                                        .n_names = 1,
                                        .names = (const char *const[]){"label"},
                                        .element = NN_CLASS,
                                        .classes = 3,
                                        .dtype = NN_I32,
                                        .text = "label: class(3) = column(\"label\")",
                                        .line = 3}};
static const nn_set N(sets)[] = {{.name = "points",
                                  .kind = "csv",
                                  .n_files = 1,
                                  .files = (const char *const[]){"points.csv"},
                                  .folder = "",
                                  .validate = 0.1,
                                  .test = 0.2,
                                  .every = 1,
                                  .n_columns = 2,
                                  .columns = N(columns),
                                  .line = 1}};
#define FEED                                                                                                           \
    {.set = 0,                                                                                                         \
     .rows = N(ROWS),                                                                                                  \
     .row = N(ROW),                                                                                                    \
     .fresh = N(FRESH),                                                                                                \
     .n_columns = 2,                                                                                                   \
     .columns = (const int64_t[]){N(X), N(LABEL)},                                                                     \
     .bytes = N(BATCH)}
static const nn_average N(averages)[] = {{.name = "points/average/0",
                                          .n_dims = 1,
                                          .dims = (const int64_t[]){4},
                                          .offset = 0,
                                          .feed = FEED,
                                          .sum = ENTRY(average)}};
static const nn_report N(reports)[] = {
    {.name = "accuracy", .sum = 1, .shown = -1},
    {.name = "confusion", .n_dims = 2, .dims = (const int64_t[]){3, 3}, .sum = 2, .shown = -1},
    {.name = "root", .sum = -1, .shown = 0}};
static const nn_minimize N(minimizes)[] = {{.name = "loss",
                                            .every = 1,
                                            .sum = 0,
                                            .n_leaves = 2,
                                            .leaves = (const int64_t[]){0, 1},
                                            .n_offsets = 2,
                                            .offsets = (const int64_t[]){N(GRADIENT_W), N(GRADIENT_B)},
                                            .bytes = 256}};
static const nn_function N(steps)[] = {ENTRY(step), ENTRY(step)}, N(values)[] = {ENTRY(value)},
                         N(gradients)[] = {ENTRY(gradient)}, N(seconds)[] = {ENTRY(second)},
                         N(all_sums)[] = {ENTRY(sum)}, N(all_applies)[] = {ENTRY(apply)};
static const nn_train N(trains)[] = {{.name = "net",
                                      .n_models = 1,
                                      .models = (const char *const[]){"net"},
                                      .feed = FEED,
                                      .epochs = 8,
                                      .best = 0,
                                      .best_sign = 1,
                                      .start_file = "",
                                      .hold = 1,
                                      .n_reports = 3,
                                      .reports = N(reports),
                                      .n_minimizes = 1,
                                      .minimizes = N(minimizes),
                                      .n_sums = N(N_SUMS),
                                      .sums = N(SUMS),
                                      .out = N(OUT),
                                      .n_shown = 1,
                                      .start = ENTRY(start),
                                      .n_step = 2,
                                      .step = N(steps),
                                      .eval = ENTRY(eval),
                                      .show = ENTRY(show),
                                      .n_sum = 1,
                                      .sum = N(all_sums),
                                      .n_apply = 1,
                                      .apply = N(all_applies),
                                      .n_value = 1,
                                      .value = N(values),
                                      .n_gradient = 1,
                                      .gradient = N(gradients),
                                      .n_second = 1,
                                      .second = N(seconds),
                                      .line = 7}};
static const nn_output N(outputs)[] = {
    {.name = "label", .element = NN_CLASS, .dtype = NN_I32, .like_column = 1, .offset = 0},
    {.name = "confidence", .element = NN_REAL, .dtype = FLOAT, .like_column = -1, .offset = 64}};
static const nn_predict N(predicts)[] = {{.name = "points",
                                          .feed = {.set = 0,
                                                   .rows = N(ROWS),
                                                   .row = N(ROW),
                                                   .fresh = N(FRESH),
                                                   .n_columns = 2,
                                                   .columns = (const int64_t[]){N(X), -1},
                                                   .bytes = N(BATCH)},
                                          .n_outputs = 2,
                                          .outputs = N(outputs),
                                          .rows = ENTRY(predict),
                                          .out = 256}};
static const nn_kernel N(kernels)[] = {{"map exp", 5, 100, 100},
                                       {"dot net.weight", 6, 100, 100}};
const nn_program N(page) = {.abi = NN_ABI,
                            .name = "points",
                            .version = "test",
                            .hash = HASH,
                            .cpu = "",
                            .source = "# points.nn\nmodel <net>\n",
                            .is_f64 = IS_F64,
                            .grains = 1,
                            .lasting = N(LASTING),
                            .averages_bytes = 64,
                            .hypers_bytes = 128,
                            .batch = N(BATCH),
                            .work = 64,
                            .out = N(OUT),
                            .n_hypers = 2,
                            .hypers = N(hypers),
                            .n_leaves = 5,
                            .leaves = N(leaves),
                            .n_sets = 1,
                            .sets = N(sets),
                            .n_averages = 1,
                            .averages = N(averages),
                            .n_trains = 1,
                            .trains = N(trains),
                            .n_predicts = 1,
                            .predicts = N(predicts),
                            .n_kernels = 2,
                            .kernels = N(kernels),
                            .init = ENTRY(init)};

#undef GLUE2
#undef GLUE
#undef N
#undef ENTRY
#undef FEED

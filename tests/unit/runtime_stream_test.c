/* runtime_stream_test.c: texts walked in order (stream), batches held (hold), carries that go on from step to step and
** through a resume, evaluations that begin anew, and `generate`. The program is made by hand: over windows of 3 words
** that are numbers it carries, for each row of the batch, c = 0.5 c + sum of the window, and its one parameter follows
** (c - w)^2. What each call saw is kept. */
#include "runtime_world.h"
#include "runtime/data.h"

enum { B = 4, WINDOW = 3, EVERY = 3, WORDS = 301, K = 301 };
enum { WEIGHT = 0, CARRY = 64, LASTING = 128 }; /* lasting: w [], c [B] */
enum { INPUT = 0, TARGET = 64, ROW = 128, FRESH = 192, BATCH = 256 };
enum { SUMS = 64, OUT = 128, SCORES = 0 };

/* ---- what calls saw */
enum { CALLS = 4096 };
static struct Seen {
    int32_t step, draw_step, data_step, first[B], target[B], row[B], valid;
    uint8_t fresh;
    bool evaluation;
    float draw;
} seen[CALLS];
static int calls;
static void see(const nn_call *c, bool evaluation) {
    struct Seen *s = &seen[calls < CALLS - 1 ? calls++ : calls];
    const int32_t *input = (const int32_t *)(const void *)((uint8_t *)c->batch + INPUT),
                  *target = (const int32_t *)(const void *)((uint8_t *)c->batch + TARGET);
    *s = (struct Seen){.step = c->step,
                       .draw_step = c->draw_step,
                       .data_step = c->data_step,
                       .valid = c->valid,
                       .fresh = ((uint8_t *)c->batch)[FRESH],
                       .evaluation = evaluation};
    for (int i = 0; i < B; i++) {
        s->first[i] = input[WINDOW * i];
        s->target[i] = target[i];
        s->row[i] = ((const int32_t *)(const void *)((uint8_t *)c->batch + ROW))[i];
    }
}
static float *lasting(const nn_call *c, int at) { return (float *)(void *)((uint8_t *)c->lasting + at); }
/* The sum of (c - w)^2 over the rows, after c has gone on; its derivative by w. */
static float carry_on(const nn_call *c, float *slope) {
    float *carry = lasting(c, CARRY), w = *lasting(c, WEIGHT), loss = 0;
    const int32_t *input = (const int32_t *)(const void *)((uint8_t *)c->batch + INPUT);
    *slope = 0;
    for (int i = 0; i < B; i++) {
        float sum = 0;
        for (int j = 0; j < WINDOW; j++) sum += (float)input[WINDOW * i + j] / 100;
        carry[i] = (((uint8_t *)c->batch)[FRESH + i] ? 0 : 0.5f * carry[i]) + sum;
        if (i >= c->valid) continue;
        loss += (carry[i] - w) * (carry[i] - w);
        *slope += 2 * (w - carry[i]);
    }
    return loss;
}
static void page_init(const nn_call *c) { *lasting(c, WEIGHT) = 0; }
static void page_step(const nn_call *c) {
    float slope;
    see(c, false);
    page_hook(c);
    lasting((nn_call[]){{.lasting = c->out}}, SUMS)[0] = carry_on(c, &slope);
    *lasting(c, WEIGHT) -= 0.01f * slope / B;
    *(uint8_t *)c->out = 1;
}
static void page_eval(const nn_call *c) {
    float slope;
    see(c, true);
    page_hook(c);
    lasting((nn_call[]){{.lasting = c->out}}, SUMS)[0] = carry_on(c, &slope);
}
/* Scores: the symbol behind the last one, and that 5 further a little less; shifted by the carried count of calls. */
static int windows[64], generated;
static void page_next(const nn_call *c) {
    const int32_t *tokens = (const int32_t *)(const void *)((uint8_t *)c->batch + INPUT);
    int32_t last = tokens[c->count - 1];
    if (generated < 64) windows[generated++] = c->count * 1000 + tokens[0] + (((uint8_t *)c->batch)[FRESH] ? 500 : 0);
    for (int i = 0; i < K; i++) ((float *)c->out)[i] = i == (last + 1) % 7 ? 0 : i == (last + 5) % 7 ? -1 : -30;
}

static const nn_leaf leaves[] = {{"net.w", NN_PARAM, "net", NN_F32, 0, NULL, WEIGHT},
                                 {"net/carry/c", NN_CARRY, "net", NN_F32, 1, (const int64_t[]){B}, CARRY}};
static nn_column columns[2];
static nn_set set_spec;
static const nn_minimize minimize = {.name = "loss", .every = 1};
static nn_train train;
static nn_generate generate;
static nn_program page;
static const char *const files[] = {"words.txt", "", ""}, *const models[] = {"net"};
static const int64_t places[] = {INPUT, TARGET};
static const nn_function steps_made[] = {{.name = "step", .code = page_step}, {.name = "step", .code = page_step}};
static void page_make(void) {
    nn_column word = {.field = "input",
                      .reader = "word",
                      .element = NN_CLASS,
                      .classes = K,
                      .dtype = NN_I32,
                      .window = WINDOW,
                      .text = "input = window(word, 3)",
                      .line = 2};
    columns[0] = columns[1] = word;
    columns[1].field = "target", columns[1].window = 1, columns[1].shift = WINDOW;
    set_spec = (nn_set){.name = "text",
                        .kind = "words",
                        .n_files = 3,
                        .files = files,
                        .folder = "",
                        .validate = 0.2,
                        .test = 40,
                        .every = EVERY,
                        .n_columns = 2,
                        .columns = columns,
                        .line = 1};
    train =
        (nn_train){.name = "net",
                   .n_models = 1,
                   .models = models,
                   .feed = {.rows = B, .row = ROW, .fresh = FRESH, .n_columns = 2, .columns = places, .bytes = BATCH},
                   .epochs = 3,
                   .best = -1,
                   .start_file = "",
                   .stream = 1,
                   .hold = 1,
                   .n_minimizes = 1,
                   .minimizes = &minimize,
                   .n_sums = 1,
                   .sums = SUMS,
                   .out = OUT,
                   .n_step = 2,
                   .step = steps_made,
                   .eval = {.name = "eval", .code = page_eval},
                   .line = 7};
    generate = (nn_generate){.model = "net",
                             .set = 0,
                             .column = 0,
                             .classes = K,
                             .prompt = "3 4",
                             .length = 12,
                             .temperature = 0,
                             .window = WINDOW,
                             .tokens = INPUT,
                             .fresh = FRESH,
                             .bytes = BATCH,
                             .out = 4 * K,
                             .next = {.name = "next", .code = page_next},
                             .line = 9};
    page = (nn_program){.abi = NN_ABI,
                        .name = "page",
                        .version = "test",
                        .hash = "h",
                        .cpu = "",
                        .source = "",
                        .grains = 1,
                        .lasting = LASTING,
                        .batch = BATCH,
                        .work = 64,
                        .out = OUT,
                        .n_leaves = 2,
                        .leaves = leaves,
                        .n_sets = 1,
                        .sets = &set_spec,
                        .n_trains = 1,
                        .trains = &train,
                        .n_generates = 1,
                        .generates = &generate,
                        .init = {.name = "init", .code = page_init}};
}
static void interrupt(void) { raise(SIGINT); }
static void words_write(const char *path, int n) {
    FILE *f = fopen(path, "w");
    for (int i = 0; i < n; i++) fprintf(f, "%d%s", i, i % 10 == 9 ? "\n" : " ");
    fclose(f);
}

/* 301 words: 60 validate, 40 test, so 201 train. A window and its target span 4 words: windows at 0, 3, .. 195 (66),
** at 201, .. 255 (19), at 261, .. 297 (13). Runs of 16, 4 and 3. */
static void test_stream(void) {
    page_make();
    calls = 0;
    int code = runs(&page, "train --out stream");
    check_run(code, 0, "loss", "stream: trains");
    bool good = true;
    int steps = 0, evals = 0, tests = 0;
    for (int i = 0; i < calls; i++) {
        const struct Seen *s = &seen[i];
        if (!s->evaluation) {
            int at = steps++ % 16;
            good &= s->fresh == (at == 0) && s->valid == B;
            for (int r = 0; r < B; r++)
                good &= s->first[r] == 3 * (16 * r + at) && s->target[r] == s->first[r] + 3 && s->row[r] == r;
            continue;
        }
        bool test = i >= calls - 3;
        int at = test ? tests++ : evals++ % 4;
        good &= s->fresh == (at == 0) && s->draw_step == -2;
        for (int r = 0; r < B; r++) good &= s->first[r] == (test ? 261 + 3 * (3 * r + at) : 201 + 3 * (4 * r + at));
    }
    check(good && steps == 48 && evals == 12 && tests == 3,
          "stream: rows walk through equal runs, fresh at their beginning", "%d steps, %d and %d evaluated", steps,
          evals, tests);
    code = runs(&page, "train --out stream3 --threads 3");
    check(code == 0 && same_run("stream", "stream3"), "stream: the same bytes again", "exit %d", code);
    for (int32_t at = 0; at < 48; at += 5) {
        hook_step = at;
        char name[32];
        snprintf(name, sizeof name, "stream_%d", at);
        hook = interrupt;
        code = runs(&page, "train --out %s", name);
        bool stopped = code == 4;
        code = runs(&page, "train --resume %s", name);
        check(stopped && code == 0 && same_run("stream", name), "stream: interrupted and resumed, carries and all",
              "step %d: %d, exit %d: %s", at, stopped, code, err_text.bytes);
    }
    check_run(runs(&page, "eval --from stream --split train"), 0, "train 64 rows",
              "stream: eval counts the rows of the runs");
    check_run(runs(&page, "train --dry-run --out dry"), 0, "in order", "stream: --dry-run");
    set_spec.test = 10;
    check_run(runs(&page, "train --out few"), 1, "the test part of data \"text\" has 3 rows",
              "stream: a part too small for its runs");
    set_spec.test = 3;
    check_run(runs(&page, "train --out few"), 1, "its windows span 4 rows, but its test part has 3 rows",
              "a part shorter than a window");
}
/* hold=3: 16 batches of 4 rows, each three steps. */
static void test_hold(void) {
    page_make();
    train.stream = 0;
    train.hold = 3;
    calls = 0;
    int code = runs(&page, "train --out hold");
    check_run(code, 0, "loss", "hold: trains");
    bool good = true;
    int steps = 0, evals = 0, other = 0;
    for (int i = 0; i < calls; i++) {
        const struct Seen *s = &seen[i];
        int held = (s->evaluation ? evals++ : steps++) % 3;
        good &= s->fresh == (held == 0);
        if (held) good &= !memcmp(s->first, s[-1].first, sizeof s->first);
        if (s->evaluation) continue;
        good &= s->draw_step == s->step && s->data_step == s->step - held;
        if (!held && steps > 1) other += memcmp(s->first, s[-1].first, sizeof s->first) != 0;
    }
    check(good && steps == 3 * 16 * 3 && evals == 3 * 5 * 3 + 3 * 4 && other > 40,
          "hold: n steps on each batch, fresh at the first", "%d steps, %d evaluations, %d", steps, evals, other);
    hook_step = 50;
    hook = interrupt;
    code = runs(&page, "train --out hold_half");
    check_run(code, 4, "interrupted", "hold: stopped on a held batch");
    code = runs(&page, "train --resume hold_half");
    check(code == 0 && same_run("hold", "hold_half"), "hold: and resumed, the same bytes", "exit %d: %s", code,
          err_text.bytes);
}

/* ---- generate */
static void test_generate(void) {
    page_make();
    generated = 0;
    check_run(runs(&page, "generate --from stream"), 0, "", "generate runs");
    check(!strcmp(out_text.bytes, "3 4 5 6 0 1 2 3 4 5 6 0 1 2\n"), "generate: the likeliest at temperature 0", "%s",
          out_text.bytes);
    check(windows[0] == 2000 + 3 + 500 && windows[1] == 3000 + 3 + 500 && windows[2] == 3000 + 4 + 500,
          "generate: the last symbols, fewer at first", "%d %d %d", windows[0], windows[1], windows[2]);
    generate.window = 1;
    generated = 0;
    check_run(runs(&page, "generate --from stream --length 4"), 0, "3 4 5 6 0 1\n", "generate: one by one");
    check(generated == 5 && windows[0] == 1000 + 3 + 500 && windows[1] == 1000 + 4 && windows[2] == 1000 + 5,
          "generate: with carries that are fresh once", "%d: %d %d %d", generated, windows[0], windows[1], windows[2]);
    char kept[4096];
    check_run(runs(&page, "generate --from stream --length 1000 --temperature 1 --seed 5"), 0, "3 4 ",
              "generate draws");
    snprintf(kept, sizeof kept, "%s", out_text.bytes);
    int next = 0, further = 0, last = 4;
    for (char *s = kept + 4; *s;) {
        int symbol = (int)strtol(s, &s, 10);
        next += symbol == (last + 1) % 7;
        further += symbol == (last + 5) % 7;
        last = symbol;
        while (*s == ' ' || *s == '\n') s++;
    }
    check(next + further == 1000 && further > 220 && further < 320, "generate: by the weights exp(score / temperature)",
          "%d and %d", next, further); /* 1000 / (1 + e) = 269 */
    check(runs(&page, "generate --from stream --length 1000 --temperature 1 --seed 5 --threads 2") == 0 &&
              !strcmp(kept, out_text.bytes),
          "generate: the same seed, the same text", "another");
    check(runs(&page, "generate --from stream --length 1000 --temperature 1 --seed 6") == 0 &&
              strcmp(kept, out_text.bytes),
          "generate: another seed, another text", "the same");
    check_run(runs(&page, "generate net --from stream --length 2 --json"), 0,
              "{\"event\":\"generate\",\"model\":\"net\",\"prompt\":\"3 "
              "4\",\"length\":2,\"temperature\":0,\"text\":\"3 4 5 6\"}\n",
              "generate --json");
    check_run(runs(&page, "generate --from stream --prompt x"), 2, "\"x\" is none of the 301 symbols",
              "generate: an unknown symbol");
    check_run(runs(&page, "generate --from stream --temperature -1"), 2, "--temperature must be",
              "generate: a temperature below 0");
    check_run(runs(&page, "generate --from stream --temperature warm"), 2, "--temperature needs a number",
              "generate: a temperature that is none");
    check_run(runs(&page, "generate --from stream --epochs 3"), 2, "--epochs is not an option of generate",
              "generate: an option of others");
    check_run(runs(&page, "generate nett --from stream"), 2, "did you mean \"net\"", "generate: a model almost right");
    page.n_generates = 0;
    check_run(runs(&page, "generate --from stream"), 2, "no generate line", "generate: nothing to generate from");
}

int main(void) {
    world_open();
    words_write("words.txt", WORDS);
    test_stream();
    test_hold();
    test_generate();
    world_close();
    return failures != 0;
}

/* generate.c: `generate`: symbols one after the other from a trained model, each printed as it is drawn.
**
** The model gives scores of the next symbol from the last `window` symbols, or, with carries, from one symbol at a
** time. Symbol n behind the prompt is drawn by the word of counter (n, 0, 0, 0xFFFFFF02): the first whose cumulative
** weight exp((score - largest) / temperature), added in float64 in the order of the symbols, exceeds it. Symbols are
** characters (of `text`), words with spaces between, or numbers where no data names them. */
#include "events.h"
#include "from.h"
#include "philox.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Generate {
    const nn_generate *spec;
    bool words;         /* or numbers: spaces between symbols */
    const char **names; /* [n_names] of symbols; NULL: numbers */
    int64_t n_names;
    const char *prompt;
    int64_t length;
    double temperature;
    int32_t *history; /* prompt and what was drawn */
    int64_t n;
    double *weights; /* [classes], cumulative */
    Text all;        /* what was printed, for --json */
} Generate;

/* ---- symbols */
/* Those of the data that the model was trained on: of the run, or of its model file. */
static Status names_find(Run *run, Generate *g) {
    if (g->spec->set < 0) return OK;
    const nn_set *set = &run->program->sets[g->spec->set];
    const nn_column *column = &set->columns[g->spec->column];
    char key[512];
    snprintf(key, sizeof key, "%s/%s", set->name, column->field);
    const JsonValue *list = json_member(json_member(run->earlier, "classes"), key);
    g->words = strcmp(set->kind, "text") != 0 && strcmp(column->reader, "characters") != 0;
    g->n_names = column->n_class_names;
    g->names = (const char **)(uintptr_t)column->class_names;
    if (!list) return OK;
    g->n_names = 0;
    for (const JsonValue *v = list->child; v; v = v->next) g->n_names++;
    if (g->n_names > g->spec->classes)
        return console_fail(&run->console, FAILED_USAGE, "the run has %lld symbols, but the model %lld classes",
                            (long long)g->n_names, (long long)g->spec->classes);
    if (!(g->names = console_memory(&run->console, (int64_t)sizeof(char *) * g->n_names, "the symbols")))
        return FAILED_LIMIT;
    int64_t i = 0;
    for (const JsonValue *v = list->child; v; v = v->next) g->names[i++] = json_text(v, "");
    return OK;
}
static int64_t symbol_find(const Generate *g, const char *s, size_t n) {
    char number[24];
    for (int64_t i = 0; i < g->n_names; i++)
        if (strlen(g->names[i]) == n && !memcmp(g->names[i], s, n)) return i;
    if (g->n_names || n >= sizeof number) return -1;
    memcpy(number, s, n);
    number[n] = 0;
    char *end;
    long long value = strtoll(number, &end, 10);
    return *end || end == number || value < 0 || value >= g->spec->classes ? -1 : value;
}
/* Bytes of the symbol at s: a character of UTF-8, or up to the next space. */
static size_t symbol_length(const Generate *g, const char *s) {
    size_t n = 1;
    if (g->words || !g->n_names) return strcspn(s, " \t\n\r\v\f");
    while ((s[n] & 0xC0) == 0x80) n++;
    return n;
}
static Status prompt_read(Run *run, Generate *g) {
    bool spaced = g->words || !g->n_names;
    for (const char *s = g->prompt;;) {
        if (spaced) s += strspn(s, " \t\n\r\v\f");
        if (!*s) break;
        size_t n = symbol_length(g, s);
        int64_t symbol = symbol_find(g, s, n);
        if (symbol < 0) {
            Text shown = {0};
            text_shown(&shown, s, n);
            Status status = console_fail(
                &run->console, FAILED_USAGE, "--prompt: \"%s\" is none of the %lld symbols that the model knows",
                shown.failed ? "" : shown.bytes, (long long)(g->n_names ? g->n_names : g->spec->classes));
            text_free(&shown);
            return status;
        }
        g->history[g->n++] = (int32_t)symbol;
        s += n;
    }
    if (g->n) return OK;
    return console_fail(&run->console, FAILED_USAGE, "the prompt is empty; --prompt gives at least one symbol");
}
static void symbol_print(Run *run, Generate *g, int64_t at) {
    Text out = {0};
    int32_t symbol = g->history[at];
    if (at && (g->words || !g->n_names)) text_put(&out, " ");
    if (symbol < g->n_names)
        text_put(&out, g->names[symbol]);
    else
        text_format(&out, "%d", symbol);
    if (run->console.json)
        text_add(&g->all, out.bytes ? out.bytes : "", out.n);
    else if (out.n)
        console_print(&run->console, out.bytes, out.n);
    text_free(&out);
}

/* ---- the model */
/* exp for x <= 0, of basic operations alone, so that all machines draw the same. */
static double exp_exact(double x) {
    if (!(x > -745)) return 0;
    double n = floor(x * 0x1.71547652b82fep+0 + 0.5), r = x - n * 0x1.62e42fee00000p-1 - n * 0x1.a39ef35793c76p-33,
           sum = 1;
    for (int i = 14; i > 0; i--) sum = 1 + sum * r / i;
    return ldexp(sum, (int)n);
}
/* Scores of the symbol behind the first n of the history. `fresh`: the first call. */
static void model_call(Run *run, const Generate *g, int64_t n, bool fresh) {
    const nn_generate *spec = g->spec;
    int64_t count = n < spec->window ? n : spec->window;
    int32_t *tokens = (int32_t *)(void *)(run->batch + spec->tokens);
    memset(tokens, 0, 4 * (size_t)spec->window);
    memcpy(tokens, g->history + n - count, 4 * (size_t)count);
    if (spec->fresh >= 0) run->batch[spec->fresh] = fresh;
    run->call.call.count = (int32_t)count;
    run->call.call.valid = 1;
    run->call.call.draw_step = run->call.call.data_step = -2;
    run_call(run, &spec->next, run->batch, NULL);
}
/* -1: the scores are not finite. */
static int64_t symbol_draw(Run *run, Generate *g, int64_t n) {
    int64_t k = g->n_names ? g->n_names : g->spec->classes,
            best = 0; /* classes that the data does not have are not drawn */
    for (int64_t i = 0; i < k; i++) {
        double score = float_at(run->program, run->out, i);
        if (score != score || score == INFINITY) return -1;
        if (score > float_at(run->program, run->out, best)) best = i;
    }
    if (g->temperature == 0) return best;
    double largest = float_at(run->program, run->out, best), sum = 0;
    if (largest == -INFINITY) return -1;
    for (int64_t i = 0; i < k; i++)
        g->weights[i] = sum += exp_exact((float_at(run->program, run->out, i) - largest) / g->temperature);
    uint32_t counter[4] = {(uint32_t)n, 0, 0, 0xFFFFFF02u}, word[4];
    philox4x32_10(counter, run->key, word);
    double u = philox_f64(word, 0) * sum;
    int64_t i = 0;
    while (i < k - 1 && !(u < g->weights[i])) i++;
    return i;
}
static Status symbols_draw(Run *run, Generate *g) {
    int64_t prompt = g->n;
    for (int64_t i = 0; i < prompt; i++) symbol_print(run, g, i);
    bool one = g->spec->window == 1;
    for (int64_t i = 1; one && i < prompt; i++) model_call(run, g, i, i == 1);
    for (int64_t i = 0; i < g->length; i++) {
        model_call(run, g, g->n, !one || g->n == 1);
        int64_t symbol = symbol_draw(run, g, i);
        if (symbol < 0)
            return console_fail(&run->console, FAILED_FINITE, "the scores of symbol %lld are not finite", (long long)i);
        g->history[g->n++] = (int32_t)symbol;
        symbol_print(run, g, g->n - 1);
        TRY(console_check(&run->console));
        if (events_poll() & EVENT_STOP) return FAILED_INTERRUPTED;
    }
    return OK;
}
static void event_print(Run *run, Generate *g) {
    Text out = {0};
    Json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_string(&json, "event", "generate");
    json_string(&json, "model", g->spec->model);
    json_string(&json, "prompt", g->prompt);
    json_integer(&json, "length", g->length);
    json_real(&json, "temperature", g->temperature, false);
    json_string_n(&json, "text", g->all.n ? g->all.bytes : "", g->all.n);
    json_close(&json, '}');
    console_event(&run->console, &out);
}

/* ---- the command */
static Status spec_find(Run *run, const nn_generate **spec) {
    const nn_program *p = run->program;
    if (!p->n_generates) return console_fail(&run->console, FAILED_USAGE, "the page has no generate line");
    *spec = p->n_generates == 1 ? &p->generates[0] : NULL;
    for (int64_t i = 0; run->options.block && i < p->n_generates && !*spec; i++)
        if (!strcmp(p->generates[i].model, run->options.block)) *spec = &p->generates[i];
    if (*spec) return OK;
    return console_fail(&run->console, FAILED_USAGE, "the page generates with %lld models; name one: %s generate %s",
                        (long long)p->n_generates, p->name, p->generates[0].model);
}
static Status settings_take(Run *run, Generate *g) {
    const Options *o = &run->options;
    g->prompt = option_given(o, OPTION_PROMPT) ? o->of[OPTION_PROMPT].text : g->spec->prompt;
    g->length = option_given(o, OPTION_LENGTH) ? o->of[OPTION_LENGTH].count : g->spec->length;
    g->temperature = option_given(o, OPTION_TEMPERATURE) ? o->of[OPTION_TEMPERATURE].real : g->spec->temperature;
    if (!(g->temperature >= 0))
        return console_fail(&run->console, FAILED_USAGE, "--temperature must be at least 0, not %s",
                            o->of[OPTION_TEMPERATURE].text);
    int64_t symbols;
    if (g->length > INT32_MAX || __builtin_add_overflow(g->length, (int64_t)strlen(g->prompt) + 1, &symbols))
        return console_fail(&run->console, FAILED_USAGE, "--length must be below 2147483648");
    g->history = console_memory(&run->console, 4 * symbols, "the text");
    g->weights = console_memory(&run->console, 8 * g->spec->classes, "the scores");
    return g->history && g->weights ? OK : FAILED_LIMIT;
}
/* The last block that trains the model. */
static const nn_train *block_find(const nn_program *p, const char *model) {
    for (int64_t t = p->n_trains - 1; t >= 0; t--)
        for (int64_t i = 0; i < p->trains[t].n_models; i++)
            if (!strcmp(p->trains[t].models[i], model)) return &p->trains[t];
    return p->n_trains ? &p->trains[p->n_trains - 1] : NULL;
}
Status command_generate(Run *run) {
    From from;
    Generate g = {0};
    TRY(spec_find(run, &g.spec));
    TRY(from_find(run, &from));
    TRY(run_open_blocks(run));
    TRY(settings_take(run, &g));
    TRY(names_find(run, &g));
    TRY(prompt_read(run, &g));
    TRY(from_read(run, &from, block_find(run->program, g.spec->model)));
    Status status = symbols_draw(run, &g);
    if (run->console.json)
        event_print(run, &g);
    else
        console_print(&run->console, "\n", 1);
    text_free(&g.all);
    return status ? status : console_check(&run->console);
}

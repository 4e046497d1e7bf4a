/* options.c: reads the command line, and the values an earlier run.json gives. See options.h; the help is help.c. */
#include "options.h"
#include "help.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const source_names[] = {"default", "run", "flag"};

/* ---- parsing one value: false if it is none */
static bool parse_u64(const char *s, uint64_t *to) {
    *to = 0;
    if (!*s) return false;
    for (; *s; s++) {
        if (*s == '_') continue;
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(*to, 10u, to) ||
            __builtin_add_overflow(*to, (uint64_t)(*s - '0'), to))
            return false;
    }
    return true;
}
static bool parse_real(const char *s, double *to) {
    char *end;
    if (!*s || strspn(s, "+-0123456789.eE") != strlen(s)) return false;
    *to = strtod(s, &end);
    return end != s && !*end && isfinite(*to);
}
static bool parse_time(const char *s, double *seconds) {
    char number[64];
    size_t n = strlen(s);
    if (!n || n >= sizeof number) return false;
    strcpy(number, s);
    double unit = s[n - 1] == 's' ? 1 : s[n - 1] == 'm' ? 60 : s[n - 1] == 'h' ? 3600 : 0;
    if (unit) number[n - 1] = 0;
    if (!parse_real(number, seconds) || *seconds < 0) return false;
    *seconds *= unit ? unit : 1;
    return true;
}

/* ---- did you mean */
static int64_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 64 };
    int64_t row[LONGEST + 1], n = (int64_t)strlen(b);
    if (n > LONGEST) return INT64_MAX;
    for (int64_t j = 0; j <= n; j++) row[j] = j;
    for (int64_t i = 1; a[i - 1]; i++) {
        int64_t diagonal = row[0];
        row[0] = i;
        for (int64_t j = 1; j <= n; j++) {
            int64_t least = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < least) least = row[j] + 1;
            if (row[j - 1] + 1 < least) least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[n];
}
const char *name_near(const char *name, const char *const *names, int64_t n) {
    const char *near = NULL;
    int64_t limit = (int64_t)strlen(name) <= 3 ? 1 : 2;
    for (int64_t i = 0; i < n; i++) {
        int64_t d = edit_distance(name, names[i]);
        if (d <= limit) near = names[i], limit = d - 1;
    }
    return near;
}

/* ---- the tables */
typedef enum Kind { FLAG, COUNT, SEED, TIME, AMOUNT, WORD, LIST } Kind;
static const struct OptionRow {
    const char *flag;
    Kind kind;
    const char *commands;
} option_rows[] = {
#define OPTION(NAME, flag, kind, argument, shown, commands, help) {flag, kind, commands},
#include "options.def"
#undef OPTION
};
static const char *const command_words[] = {
#define COMMAND(NAME, word, arguments, help, handler) word,
#include "commands.def"
#undef COMMAND
};
static bool option_is_for(OptionName name, CommandName command) {
    return strchr(option_rows[name].commands, command_letters[command]) != NULL;
}
/* A flag as it is written: a hyper learning_rate is --learning_rate or --learning-rate. */
static bool flag_is(const char *flag, size_t n, const char *name) {
    if (strlen(name) != n) return false;
    for (size_t i = 0; i < n; i++)
        if (flag[i] != name[i] && !(flag[i] == '-' && name[i] == '_')) return false;
    return true;
}

/* ---- setting one */
static Status option_set(Console *console, Options *options, OptionName name, const char *text, Source source) {
    OptionValue *to = &options->of[name];
    uint64_t n = 0;
    bool good = true;
    switch (option_rows[name].kind) {
    case FLAG:
    case WORD: good = *text || option_rows[name].kind == FLAG; break;
    case COUNT: good = parse_u64(text, &n) && n <= INT64_MAX; break;
    case SEED: good = parse_u64(text, &n); break;
    case TIME: good = parse_time(text, &to->seconds); break;
    case AMOUNT: good = parse_real(text, &to->real); break;
    case LIST:
        good = strchr(text, '=') && *text != '=';
        if (good) options->data[options->n_data++] = text;
        break;
    }
    if (!good) {
        static const char *const needs[] = {
            "",       "a whole number", "a whole number below 2^64", "a time, as 90, 90s, 10m, 2h", "a number",
            "a text", "NAME=PATH"};
        return console_fail(console, FAILED_USAGE, "--%s needs %s, not \"%s\"", option_rows[name].flag,
                            needs[option_rows[name].kind], text);
    }
    to->text = text;
    to->count = (int64_t)n;
    to->seed = n;
    to->source = source;
    return OK;
}
static Status hyper_set(Console *console, const nn_hyper *hyper, const char *text, Source source, HyperValue *to) {
    double value;
    bool good;
    if (hyper->kind == NN_BOOLEAN) {
        good = true;
        if (!*text || !strcmp(text, "true") || !strcmp(text, "1"))
            value = 1;
        else if (!strcmp(text, "false") || !strcmp(text, "0"))
            value = 0;
        else
            value = 0, good = false;
    } else
        good =
            parse_real(text, &value) && (hyper->kind != NN_INT || (value == floor(value) && fabs(value) <= INT32_MAX));
    const char *needs = hyper->kind == NN_BOOLEAN ? "true or false"
                        : hyper->kind == NN_INT   ? "a whole number"
                                                  : "a number";
    if (!good) return console_fail(console, FAILED_USAGE, "--%s needs %s, not \"%s\"", hyper->name, needs, text);
    if (value < hyper->low || value > hyper->high)
        return console_fail(console, FAILED_USAGE, "--%s must lie in [%.9g, %.9g], not be %s", hyper->name, hyper->low,
                            hyper->high, text);
    *to = (HyperValue){source, value};
    return OK;
}

static Status fail_unknown(Console *console, const nn_program *program, const Options *options, const char *flag,
                           size_t n) {
    char name[64];
    const char *names[N_OPTIONS + 256];
    int64_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)(n < 60 ? n : 60), flag);
    for (OptionName i = 0; i < N_OPTIONS; i++)
        if (option_is_for(i, options->command)) names[count++] = option_rows[i].flag;
    for (int64_t i = 0; i < program->n_hypers && i < 256; i++) names[count++] = program->hypers[i].name;
    for (OptionName i = 0; i < N_OPTIONS; i++)
        if (flag_is(flag, n, option_rows[i].flag))
            return console_fail(console, FAILED_USAGE, "--%s is not an option of %s", name,
                                command_words[options->command]);
    const char *near = name_near(name, names, count);
    if (near) return console_fail(console, FAILED_USAGE, "there is no option --%s; did you mean --%s?", name, near);
    return console_fail(console, FAILED_USAGE, "there is no option --%s; %s --help lists them", name,
                        command_words[options->command]);
}

/* argv[*i] begins with "--". */
static Status flag_read(Console *console, const nn_program *program, Options *options, int *i) {
    const char *flag = options->argv[*i] + 2, *equals = strchr(flag, '=');
    size_t n = equals ? (size_t)(equals - flag) : strlen(flag);
    const char *text = equals ? equals + 1 : NULL;
    OptionName name = 0;
    while (name < N_OPTIONS && !(flag_is(flag, n, option_rows[name].flag) && option_is_for(name, options->command)))
        name++;
    int64_t hyper = 0;
    while (hyper < program->n_hypers && !flag_is(flag, n, program->hypers[hyper].name)) hyper++;
    if (name == N_OPTIONS && hyper == program->n_hypers) return fail_unknown(console, program, options, flag, n);
    bool alone = name < N_OPTIONS ? option_rows[name].kind == FLAG : program->hypers[hyper].kind == NN_BOOLEAN;
    if (alone && name < N_OPTIONS && text)
        return console_fail(console, FAILED_USAGE, "--%s takes no value", option_rows[name].flag);
    if (!text && !alone) {
        if (*i + 1 >= options->argc) return console_fail(console, FAILED_USAGE, "--%s needs a value behind it", flag);
        text = options->argv[++*i];
    }
    if (!text) text = "";
    if (name < N_OPTIONS) return option_set(console, options, name, text, FROM_FLAG);
    return hyper_set(console, &program->hypers[hyper], text, FROM_FLAG, &options->hypers[hyper]);
}

/* The command is the first word without a dash that stands where no value of a flag does; flags before it belong to it
** too. */
static void command_find(Options *options, const nn_program *program, int *at) {
    options->command = COMMAND_TRAIN;
    *at = 0;
    for (int i = 1; i < options->argc; i++) {
        const char *word = options->argv[i];
        if (word[0] == '-') {
            if (strchr(word, '=')) continue;
            bool alone = false;
            for (OptionName o = 0; o < N_OPTIONS; o++)
                if (!strcmp(word + 2 * (word[1] == '-'), option_rows[o].flag)) alone = option_rows[o].kind == FLAG;
            for (int64_t h = 0; h < program->n_hypers; h++)
                if (!strcmp(word + 2 * (word[1] == '-'), program->hypers[h].name))
                    alone = program->hypers[h].kind == NN_BOOLEAN;
            i += !alone;
            continue;
        }
        for (CommandName c = 0; c < N_COMMANDS; c++)
            if (!strcmp(word, command_words[c])) {
                options->command = c;
                *at = i;
            }
        return;
    }
}
static Status word_read(Console *console, const nn_program *program, Options *options, const char *word) {
    const char *names[64];
    int64_t n = 0;
    bool takes_block = false, generate = options->command == COMMAND_GENERATE,
         predict = options->command == COMMAND_PREDICT;
    int64_t most = generate ? program->n_generates : predict ? program->n_predicts : program->n_trains;
    for (int64_t i = 0; i < most && n < 64; i++) {
        names[n++] = generate  ? program->generates[i].model
                     : predict ? program->predicts[i].name
                               : program->trains[i].name;
        if (!strcmp(word, names[n - 1])) takes_block = true;
    }
    if (strchr("TEPNLGB", command_letters[options->command]) && takes_block && !options->block) {
        options->block = word;
        return OK;
    }
    for (CommandName c = 0; c < N_COMMANDS && n < 64; c++) names[n++] = command_words[c];
    const char *near = name_near(word, names, n), *what = generate  ? "model that generates"
                                                          : predict ? "predict block"
                                                                    : "train block";
    if (near)
        return console_fail(console, FAILED_USAGE, "\"%s\" is no command and no %s; did you mean \"%s\"?", word, what,
                            near);
    return console_fail(console, FAILED_USAGE, "\"%s\" is no command and no %s of the page; --help lists them", word,
                        what);
}

Status options_read(Console *console, const nn_program *program, int argc, char **argv, Options *options, bool *done) {
    int command_at;
    *done = false;
    *options = (Options){.argc = argc, .argv = argv};
    options->data = console_memory(console, (int64_t)sizeof(char *) * (argc + 64), "the options");
    options->hypers = console_memory(console, (int64_t)sizeof(HyperValue) * (program->n_hypers + 1), "the options");
    if (!options->data || !options->hypers) return FAILED_LIMIT;
    for (int64_t i = 0; i < program->n_hypers; i++) options->hypers[i].value = program->hypers[i].value;
    for (int i = 1; i < argc; i++) console->json |= !strcmp(argv[i], "--json");
    command_find(options, program, &command_at);
    for (int i = 1; i < argc; i++) {
        if (i == command_at && command_at) continue;
        if (!strcmp(argv[i], "-h")) argv[i] = (char *)"--help";
        if (argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2])
            TRY(flag_read(console, program, options, &i));
        else if (argv[i][0] == '-')
            return console_fail(console, FAILED_USAGE, "options are written --name: %s", argv[i]);
        else
            TRY(word_read(console, program, options, argv[i]));
    }
    if (option_given(options, OPTION_HELP)) {
        help_print(console, program, options->command, command_at == 0);
        *done = true;
    }
    return OK;
}

/* ---- run.json */
static const OptionName computed[] = {OPTION_EPOCHS, OPTION_STEPS,       OPTION_SEED,
                                      OPTION_ORDER,  OPTION_LIMIT_TRAIN, OPTION_OVERFIT_BATCHES};

Status options_take(Console *console, const nn_program *program, Options *options, const JsonValue *run, bool all) {
    const JsonValue *given = json_member(run, "options"), *hypers = json_member(run, "hypers"),
                    *data = json_member(run, "data");
    for (OptionName i = 0; i < N_OPTIONS; i++) {
        bool wanted = all && i != OPTION_OUT && i != OPTION_RESUME && i != OPTION_REPLAY && i != OPTION_PARTIAL &&
                      i != OPTION_JSON;
        for (size_t c = 0; c < COUNT_OF(computed); c++) wanted |= computed[c] == i;
        const JsonValue *member = json_member(given, option_rows[i].flag);
        const char *text = json_text(json_member(member, "value"), NULL);
        OptionName other = i == OPTION_EPOCHS ? OPTION_STEPS : i == OPTION_STEPS ? OPTION_EPOCHS : i;
        if (option_given(options, i) || option_given(options, other)) continue; /* it, or what stands in its place */
        bool was_given = text && strcmp(json_text(json_member(member, "source"), "default"), "default");
        if (wanted && was_given && option_rows[i].kind != LIST && option_is_for(i, options->command) &&
            !(i == OPTION_ORDER && options->command == COMMAND_GRADCHECK))
            TRY(option_set(console, options, i, text, FROM_RUN));
    }
    for (int64_t i = 0; i < program->n_hypers; i++) {
        const char *text = json_text(json_member(json_member(hypers, program->hypers[i].name), "value"), NULL);
        if (text && options->hypers[i].source == FROM_DEFAULT)
            TRY(hyper_set(console, &program->hypers[i], text, FROM_RUN, &options->hypers[i]));
    }
    if (data && !options->n_data && option_is_for(OPTION_DATA, options->command)) {
        int64_t n = 0;
        for (const JsonValue *v = data->child; v && n < 64; v = v->next, n++)
            TRY(option_set(console, options, OPTION_DATA, json_text(v, ""), FROM_RUN));
    }
    return OK;
}
void options_write(const nn_program *program, const Options *options, Json *json) {
    json_open(json, "options", '{');
    for (OptionName i = 0; i < N_OPTIONS; i++) {
        const OptionValue *v = &options->of[i];
        if (!option_is_for(i, options->command) || option_rows[i].kind == LIST || i == OPTION_HELP) continue;
        json_open(json, option_rows[i].flag, '{');
        if (v->source != FROM_DEFAULT)
            json_string(json, "value", v->text);
        else if (i == OPTION_SEED)
            json_string(json, "value", "0");
        json_string(json, "source", source_names[v->source]);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "hypers", '{');
    for (int64_t i = 0; i < program->n_hypers; i++) {
        json_open(json, program->hypers[i].name, '{');
        json_real(json, "value", options->hypers[i].value, true);
        json_string(json, "source", source_names[options->hypers[i].source]);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "data", '[');
    for (int64_t i = 0; i < options->n_data; i++) json_string(json, NULL, options->data[i]);
    json_close(json, ']');
}

/* options.c: see options.h. GNU style: `--name=value` or `--name value`, `-ofile`, `-Dname=value`, `-O2`; any order. */
#include "options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../opt/opt.h"
#include "pipeline.h"

typedef struct Parse {
    Options *options;
    Arena *arena;
} Parse;
typedef struct OptionRow {
    const char *name, *argument;
    bool (*set)(Parse *parse, const char *value);
    const char *help;
} OptionRow;

static bool complain(const char *format, const char *a, const char *b) {
    fputs("nnc: ", stderr);
    fprintf(stderr, format, a, b);
    fputs("\n", stderr);
    return false;
}
static bool set_output(Parse *p, const char *v) { return p->options->output = v, true; }
static bool set_object(Parse *p, const char *v) { return (void)v, p->options->object = true; }
static bool set_summary(Parse *p, const char *v) { return (void)v, p->options->summary = true; }
static bool set_explain_batch(Parse *p, const char *v) { return (void)v, p->options->explain_batch = true; }
static bool set_gradients(Parse *p, const char *v) { return (void)v, p->options->gradients = true; }
static bool set_warnings(Parse *p, const char *v) { return (void)v, p->options->warnings = true; }
static bool set_verify(Parse *p, const char *v) { return (void)v, p->options->verify = true; }
static bool set_time(Parse *p, const char *v) { return (void)v, p->options->time = true; }
static bool set_cpu(Parse *p, const char *v) { return p->options->cpu = v, true; }
static bool set_from_ir(Parse *p, const char *v) { return p->options->from_ir = v, true; }
static bool set_pass(Parse *p, const char *v) { return p->options->pass = v, true; }
static bool set_help(Parse *p, const char *v) { return (void)v, p->options->command = COMMAND_HELP, true; }
static bool set_version(Parse *p, const char *v) { return (void)v, p->options->command = COMMAND_VERSION, true; }

static bool known_stage(const char *option, const char *v) {
    if (pipeline_has(v)) return true;
    const char *names[32];
    int n = pipeline_stages(names, 32);
    const char *near = str_nearest(v, names, n);
    fprintf(stderr, "nnc: %s: no stage is called \"%s\"%s%s%s; there are:", option, v, near ? "; did you mean " : "", near ? near : "", near ? "" : "");
    for (int i = 0; i < n; i++) fprintf(stderr, " %s", names[i]);
    fputs("\n", stderr);
    return false;
}
static bool set_emit(Parse *p, const char *v) { return p->options->emit = v, known_stage("--emit", v); }
static bool set_stop_after(Parse *p, const char *v) { return p->options->stop_after = v, known_stage("--stop-after", v); }
static bool set_dump(Parse *p, const char *v) {
    vec_push(p->arena, &p->options->dumps, v);
    return known_stage("--dump", v);
}
static bool set_define(Parse *p, const char *v) {
    const char *equals = strchr(v, '=');
    if (!equals || equals == v || !equals[1]) return complain("-D takes NAME=VALUE, not \"%s\"%s", v, "");
    Define d = {arena_printf(p->arena, "%.*s", (int)(equals - v), v), equals + 1};
    vec_push(p->arena, &p->options->defines, d);
    return true;
}
static bool set_level(Parse *p, const char *v) {
    if (strlen(v) != 1 || v[0] < '0' || v[0] > '3') return complain("-O takes 0, 1, 2 or 3, not \"%s\"%s", v, "");
    p->options->level = v[0] - '0';
    return true;
}
static bool set_dtype(Parse *p, const char *v) {
    p->options->f64 = strcmp(v, "f64") == 0;
    return p->options->f64 || strcmp(v, "f32") == 0 || complain("--dtype takes f32 or f64, not \"%s\"%s", v, "");
}
static bool set_diagnostics(Parse *p, const char *v) {
    p->options->json = strcmp(v, "json") == 0;
    return p->options->json || strcmp(v, "text") == 0 || complain("--diagnostics takes text or json, not \"%s\"%s", v, "");
}
static bool set_grains(Parse *p, const char *v) {
    char *end;
    long n = strtol(v, &end, 10);
    if (*end || n < 1 || n > 1024 || (n & (n - 1))) return complain("--grains takes a power of two up to 1024, not \"%s\"%s", v, "");
    p->options->grains = (int)n;
    return true;
}
static bool bytes_of(const char *v, i64 *bytes) {
    char *end;
    double n = strtod(v, &end);
    const char *units = "KMGT", *unit = *end ? strchr(units, *end & ~32) : NULL;
    if (end == v || !(n >= 0) || (*end && (!unit || end[1]))) return false;
    for (int i = 0; unit && i <= unit - units; i++) n *= 1024;
    *bytes = n < 9e18 ? (i64)n : INT64_MAX;
    return true;
}
static bool set_memory(Parse *p, const char *v) {
    return bytes_of(v, &p->options->memory) || complain("--memory takes a number of bytes such as 64M, not \"%s\"%s", v, "");
}
static bool set_bisect(Parse *p, const char *v) {
    return bytes_of(v, &p->options->bisect) || complain("--opt-bisect takes a number, not \"%s\"%s", v, "");
}

static const OptionRow rows[] = {
#define HEADING(text)                         {NULL, NULL, NULL, text},
#define OPTION(name, argument, handler, help) {name, argument, set_##handler, help},
#include "options.def"
#undef OPTION
};
static void stages_help(FILE *out) {
    fputs("\nSTAGE\n", out);
    const char *names[32];
    int n = pipeline_stages(names, 32);
    for (int i = 0; i < n; i++) fprintf(out, "  %-24s %s\n", names[i], pipeline_purpose((Stage)i));
    fputs("\nNAME of a pass: those of settled, then those of opt, in the order they run\n", out);
    for (int i = 0; pass_name(i); i++) fprintf(out, "  %-24s %s\n", pass_name(i), pass_purpose(i));
}
void options_help(FILE *out) {
    fputs("nnc: turns a page of text into a neural-network trainer\n\n"
          "  nnc page.nn -o page           compile; then ./page trains, ./page --help says the rest\n"
          "  nnc page.nn                   only check the page\n"
          "  nnc run page.nn train ..      compile into memory and run at once (--interpret: without machine code)\n"
          "  nnc explain E201              what an error means and how to mend it\n",
          out);
    for (int i = 0; i < COUNT_OF(rows); i++) {
        if (!rows[i].name) {
            fprintf(out, "\n%s\n", rows[i].help);
            continue;
        }
        char left[64];
        const char *a = rows[i].argument;
        snprintf(left, sizeof left, "%s%s%s", rows[i].name, !a ? "" : rows[i].name[1] == '-' ? "=" : " ", a ? a : "");
        fprintf(out, "  %-24s %s\n", left, rows[i].help);
    }
    stages_help(out);
    fputs("\nExit codes: 0 done, 1 the page or its data, 2 usage, 3 not finite, 4 interrupted, 5 an output could not be written,\n"
          "6 memory or a stated limit, 70 a bug of nnc. The language: grammar/README.md; examples: examples/.\n",
          out);
}
/* The row that argv[i] names, and the value stuck to it, if any. */
static const OptionRow *row_of(const char *word, const char **stuck) {
    *stuck = NULL;
    for (int i = 0; i < COUNT_OF(rows); i++) {
        if (!rows[i].name) continue;
        size_t n = strlen(rows[i].name);
        if (strcmp(word, rows[i].name) == 0) return &rows[i];
        if (!rows[i].argument || strncmp(word, rows[i].name, n) != 0) continue;
        if (rows[i].name[1] != '-') return *stuck = word + n, &rows[i];
        if (word[n] == '=') return *stuck = word + n + 1, &rows[i];
    }
    return NULL;
}
static bool unknown(const char *word) {
    const char *names[COUNT_OF(rows)];
    int n = 0;
    for (int i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].name) names[n++] = rows[i].name;
    const char *near = str_nearest(word, names, n);
    return near ? complain("unknown option %s; did you mean %s?", word, near) : complain("unknown option %s; nnc --help lists them%s", word, "");
}
bool options_parse(Options *o, Arena *arena, int argc, char **argv) {
    Parse parse = {o, arena};
    *o = (Options){.level = 2, .memory = -1, .bisect = -1};
    int i = 1;
    if (i < argc && strcmp(argv[i], "run") == 0) o->command = COMMAND_RUN, i++;
    else if (i < argc && strcmp(argv[i], "explain") == 0) o->command = COMMAND_EXPLAIN, i++;
    for (; i < argc; i++) {
        const char *stuck, *word = argv[i];
        if (word[0] != '-' || !word[1]) {
            if (o->page) return complain("one page at a time: %s and %s", o->page, word);
            o->page = word;
            if (o->command == COMMAND_RUN) { /* what follows belongs to the program */
                o->n_rest = argc - i - 1;
                o->rest = argv + i + 1;
                break;
            }
            continue;
        }
        if (strcmp(word, "--interpret") == 0 && o->command == COMMAND_RUN) {
            o->interpret = true;
            continue;
        }
        const OptionRow *row = row_of(word, &stuck);
        if (!row) return unknown(word);
        if (row->argument && !stuck) {
            if (++i >= argc) return complain("%s needs a value: %s", row->name, row->argument);
            stuck = argv[i];
        }
        if (!row->set(&parse, stuck)) return false;
        if (o->command == COMMAND_HELP || o->command == COMMAND_VERSION) return true;
    }
    if (o->f64) o->gradients = true;
    if (!o->page && !o->from_ir) {
        if (o->command == COMMAND_EXPLAIN) return complain("explain which code? For example: nnc explain E201%s%s", "", "");
        return complain("no page given; for example: nnc examples/digits.nn -o digits (nnc --help for more)%s%s", "", "");
    }
    if (o->object && !o->output) return complain("-c needs -o FILE%s%s", "", "");
    return true;
}

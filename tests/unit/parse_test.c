/* parse_test.c: the front end on pages that are right, wrong, too large and damaged.
**
** Prints `ok NAME` or `FAIL NAME: why`, a line a property. Reads the pages of tests/ast, examples and runtime/library, and
** those named as arguments. `parse_test PAGE...` with NNC_PARSE_ROUNDS=N damages each page N times (default 40). */
#include "../../compiler/ast/ast.h"
#include "../../compiler/base/vec.h"
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int failures;
static const char *failed; /* why the test that runs now has failed, NULL: it has not */
static char failed_text[4000];
__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...) {
    if (failed) return;
    va_list args;
    va_start(args, format);
    vsnprintf(failed_text, sizeof failed_text, format, args);
    va_end(args);
    for (char *s = failed_text; *s; s++)
        if (*s == '\n') *s = ' ';
    failed = failed_text;
}
static void done(const char *name) {
    if (failed) printf("FAIL %s: %s\n", name, failed), failures++;
    else printf("ok %s\n", name);
    failed = NULL;
}

/* ---- one page */
typedef struct Parsed {
    Compilation c;
    const Source *source;
    Ast *tree;
} Parsed;
static Parsed parse(const char *path, const char *text) {
    Arena *arena = arena_new("test");
    Parsed p = {.c = {.arena = arena, .strings = strings_new(arena), .diag = diag_new(arena)}};
    p.source = source_of_text(arena, path, text, false);
    p.tree = parse_source(&p.c, p.source);
    return p;
}
static void drop(Parsed *p) { arena_free(p->c.arena); }
static int errors(const Parsed *p) { return diag_errors(p->c.diag); }
/* All messages, as JSON or as text; to be freed. Inlined, gcc 12 takes the stream's buffer for the variable that points to it. */
static __attribute__((noinline)) char *messages(const Parsed *p, bool json) {
    char *s = NULL;
    size_t n;
    FILE *f = open_memstream(&s, &n);
    diag_print(p->c.diag, f, json, true, false);
    fclose(f);
    return s;
}
static const char *printed(const Parsed *p, const Ast *a) {
    Text text = {.arena = p->c.arena};
    ast_print(&text, a);
    return text_done(&text);
}
/* What is printed reads back to an equal tree, which is printed the same. */
static void check_round_trip(const Parsed *p) {
    const char *text = printed(p, p->tree);
    Parsed again = parse("printed", text);
    if (!again.tree) {
        char *m = messages(&again, false);
        fail("%s: what is printed is refused: %s", p->source->path, m);
        free(m);
    } else if (!ast_equal(p->tree, again.tree)) {
        fail("%s: what is printed is another tree", p->source->path);
    } else if (strcmp(text, printed(&again, again.tree)) != 0) {
        fail("%s: printed differently the second time", p->source->path);
    }
    drop(&again);
}

/* ---- trees */
static const Ast *first_value(const Parsed *p) {
    const Ast *f = p->tree->program.items.v[0];
    return f->function.block->block.statements.v[0]->value.value;
}
static void test_canonical_text(void) {
    static const char *const same[] = {
        "1 + 2 * 3", "(1 + 2) * 3", "1 - (2 - 3)", "1 - 2 - 3", "a / (b / c)", "a @ b // c", "2^3^4", "(2^3)^4", "-x^2", "(-x)^2", "2^-x",
        "--x", "a - -b", "not a == b", "not (a and b)", "(not a) == b", "a or b and c", "(a or b) and c", "a < b", "(a < b) == c",
        "0..n + 1", "(0..n)[0]", "(0..n) + 1", "x |> f", "(x |> f) + 1", "-(x |> f)", "x |> f(1) as a |> g", "f(x |> g)", "f(x |> g; theta)",
        "f(; theta)", "f(a, b=c |> d)", "f() as name + 1", "x[:]", "x[None, 1:, :2, 1:2, -1]", "x.params.a[0].b", "(1).x", "(1, 2)",
        "((1, 2), 3)", "[[1], [2]]", "if a { 1 } else if b { 2 } else { 3 }", "if a { 1 } else { 2 } |> f", "scan x, y in a, b { x }",
        "repeat k in [1, 2] { k }", "repeat 3 { 1 }", "70_000", "1e-3", "20%", "\"a\\\"b\\\\\\n\\t\"", "true and not false", "a != b",
        "x |> f |> g", "-(a + b) * c", "(a..b)..c", "f(x)[0].y", "x^2[0]",
    };
    for (int i = 0; i < COUNT_OF(same); i++) {
        char page[400];
        snprintf(page, sizeof page, "def f() { %s }\n", same[i]);
        Parsed p = parse("canonical", page);
        if (!p.tree) fail("`%s` is refused", same[i]);
        else if (strcmp(printed(&p, first_value(&p)), same[i]) != 0)
            fail("`%s` is printed as %s", same[i], printed(&p, first_value(&p)));
        else check_round_trip(&p);
        drop(&p);
    }
    done("canonical text is printed as it is written");
}
static void test_spans(void) {
    static const char *const values[] = {"a + b * c", "f(x, y)", "x |> f as g", "x[1, 2]", "-x", "(1, 2)",
                                         "if a { b } else { c }", "net.params", "0..3"};
    for (int i = 0; i < COUNT_OF(values); i++) {
        char page[200];
        snprintf(page, sizeof page, "def f() {  %s  }\n", values[i]);
        Parsed p = parse("spans", page);
        Span span = first_value(&p)->span;
        u32 n = span.end - span.begin;
        if (strlen(values[i]) != n || strncmp(page + span.begin, values[i], n) != 0)
            fail("the place of `%s` is `%.*s`", values[i], (int)(span.end - span.begin), page + span.begin);
        drop(&p);
    }
    done("a node's place is its text");
}
static void test_numbers(void) {
    static const struct {
        const char *text;
        double value;
        bool integer;
    } cases[] = {{"70_000", 70000, true}, {"0", 0, true}, {"9223372036854775807", 9223372036854775807.0, true},
                 {"2.0", 2, false},
                 {"1e3", 1000, false}, {"20%", 0.2, false}, {"12.5%", 0.125, false}, {"1_0.2_5e-1", 1.025, false}};
    for (int i = 0; i < COUNT_OF(cases); i++) {
        char page[100];
        snprintf(page, sizeof page, "def f() { %s }\n", cases[i].text);
        Parsed p = parse("numbers", page);
        const Ast *n = p.tree ? first_value(&p) : NULL;
        if (!n || n->kind != AST_number || n->number.value != cases[i].value ||
            n->number.is_integer != cases[i].integer) fail("%s", cases[i].text);
        drop(&p);
    }
    done("numbers have the values they are written as");
}
static const char *help_of(const Ast *a) {
    switch ((int)a->kind) {
    case AST_hyper: return a->hyper.help;
    case AST_data: return a->data.help;
    case AST_train: return a->train.help;
    case AST_predict: return a->predict.help;
    case AST_generate: return a->generate.help;
    case AST_function: return a->function.help;
    default: return NULL;
    }
}
static void test_helps(void) {
    static const char page[] = "# top of the page\n"
                               "\n"
                               "hyper a = 1   ##  learning rate  \n"
                               "# above\n"
                               "hyper b = 1\n"
                               "hyper c = 1 in [0, 2] # behind\n"
                               "\n"
                               "# not this\n"
                               "\n"
                               "# one\n"
                               "  #two\r\n"
                               "model m(x) { x }     # nor this\n"
                               "def d(x) { x }\n"
                               "data e { x = 1 } # no\n"
                               "# t\ntrain m on e { x }\n"
                               "# p\npredict on e { x }\n"
                               "# g\ngenerate m";
    static const char *const helps[] = {"learning rate", "above", "behind", "one\ntwo", NULL, NULL, "t", "p", "g"};
    Parsed p = parse("helps", page);
    for (int i = 0; i < COUNT_OF(helps) && p.tree; i++) {
        const char *help = help_of(p.tree->program.items.v[i]);
        if ((help != NULL) != (helps[i] != NULL) || (help && strcmp(help, helps[i]) != 0))
            fail("item %d has %s", i, help ? help : "none");
    }
    if (!p.tree) fail("refused");
    drop(&p);
    done("comments become helps");
}
static void test_spaces_do_not_count(void) {
    Parsed a = parse("a", "model m(x: [4]) -> [2] { x |> dense(2) }\nhyper lr = 0.1 # rate\n");
    Parsed b = parse("b",
                     "# a comment\nmodel   m(x:[4])->[2]{\n    x\n      |> dense( 2 )  # more\n}\n\n\nhyper lr=0.1");
    if (!a.tree || !b.tree || strcmp(printed(&a, a.tree), printed(&b, b.tree)) != 0 ||
        !ast_equal(a.tree, b.tree)) fail("they are two");
    Parsed c = parse("c", "model m(x: [4]) -> [2] { x |> dense(3) }\nhyper lr = 0.1\n");
    if (ast_equal(a.tree, c.tree)) fail("2 and 3 are equal");
    drop(&a), drop(&b), drop(&c);
    done("pages that differ in blanks and comments are one page");
}

/* ---- limits */
static char *repeated(const char *before, const char *each, int n, const char *middle, const char *each_after,
                      const char *after) {
    size_t once = strlen(before) + strlen(middle) + strlen(after), times = strlen(each) + strlen(each_after);
    char *s = malloc(once + (size_t)n * times + 1), *to = s;
    to = stpcpy(to, before);
    for (int i = 0; i < n; i++) to = stpcpy(to, each);
    to = stpcpy(to, middle);
    for (int i = 0; i < n; i++) to = stpcpy(to, each_after);
    strcpy(to, after);
    return s;
}
/* Accepted up to `most` times, refused with one message of `code` from then on. */
static void check_limit(const char *code, int most, const char *before, const char *each, const char *middle,
                        const char *each_after, const char *after) {
    int counts[] = {most - 1, most, most + 1, most + 2, 100000};
    for (int i = 0; i < COUNT_OF(counts); i++) {
        char *page = repeated(before, each, counts[i], middle, each_after, after);
        Parsed p = parse("limit", page);
        char *text = messages(&p, false);
        bool refused = counts[i] > most;
        if (refused ? p.tree || errors(&p) != 1 || !strstr(text, code) : !p.tree)
            fail("%d times `%s`: %d errors, %.200s", counts[i], each, errors(&p), text);
        if (p.tree) check_round_trip(&p);
        free(text), free(page);
        drop(&p);
    }
}
static void test_limits(void) {
    check_limit("E106", 199, "def f() { ", "(", "x", ")", " }\n");
    check_limit("E106", 199, "def f() { ", "[", "x", "]", " }\n");
    check_limit("E106", 199, "def f() ", "{ if a ", "{ }", " }", "\n");
    done("200 brackets may be open");
    check_limit("E106", 995, "def f() { x", " + x", "", "", " }\n"); /* program, function, block, value, then the sum */
    check_limit("E106", 995, "def f() { ", "-", "x", "", " }\n");
    check_limit("E106", 995, "def f() { x", "^x", "", "", " }\n");
    check_limit("E106", 995, "def f() { x", " |> g", "", "", " }\n");
    check_limit("E106", 995, "def f() { ", "not ", "x", "", " }\n");
    check_limit("E106", 995, "def f() { x", ".y", "", "", " }\n");
    check_limit("E106", 995, "def f() { x", "[0]", "", "", " }\n");
    done("a tree has 1000 levels at most");
}
static void test_long_pages(void) {
    static const char *const lines[] = {"hyper a = 1\n", "$\n", "1 2;", "if a b;", "# x\n", "\n", "}", ")", "(", "\"",
                                        "def f(x):\n", "a = \n", "if ",
                                        "x = f(a b; c)\n", "train m on d\n", "{ }\n", "0x ", "'", "/*", "/*\n", "else ", ", ", "= ", "{(", "[{", "def f(x\n  "};
    for (int i = 0; i < COUNT_OF(lines); i++) {
        clock_t begin = clock();
        char *page = repeated("", lines[i], (1 << 20) / (int)strlen(lines[i]), "", "", "");
        Parsed p = parse("long", page);
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        if (!p.tree != (errors(&p) > 0)) fail("`%s`: a tree and %d errors", lines[i], errors(&p));
        if (errors(&p) > 20) fail("`%s`: %d errors", lines[i], errors(&p));
        if (seconds > 10) fail("`%s`: %.1f s", lines[i], seconds);
        free(page);
        drop(&p);
    }
    done("a page of 1 MiB takes seconds at most");
}

/* ---- errors */
static int error_line(const char *json) { /* of the first message */
    const char *line = strstr(json, "\"line\":");
    return line ? atoi(line + 7) : 0;
}
static void test_several_errors(void) {
    char page[4000] = "";
    for (int i = 0; i < 30; i++) strcat(page, i % 2 ? "hyper a = 1\n" : "hyper a b; ( c\n");
    Parsed p = parse("several", page);
    if (errors(&p) != 15) fail("%d errors of 15 lines", errors(&p));
    drop(&p);
    for (int i = 0; i < 30; i++) strcat(page, "hyper 3\n");
    p = parse("several", page);
    if (errors(&p) != 20) fail("%d errors, not 20", errors(&p));
    drop(&p);
    done("each wrong line has one error, a page 20");
}
static void test_pages_of_nothing(void) {
    static const char *const pages[] = {"", "\n", "# only a comment", "\r\n\r\n", "   ", "# a\n\n# b\n"};
    for (int i = 0; i < COUNT_OF(pages); i++) {
        Parsed p = parse("nothing", pages[i]);
        if (!p.tree || p.tree->program.items.n != 0) fail("page %d", i);
        drop(&p);
    }
    done("a page may be empty");
}
static void test_codes_have_pages(void) {
    for (int i = 0; i < DIAG_COUNT; i++) {
        const char *page = diag_page((DiagCode)i), *line = page;
        if (diag_code_name((DiagCode)i)[1] != '1') continue;
        if (strlen(page) < 40 || strlen(diag_title((DiagCode)i)) < 5) fail("%s", diag_code_name((DiagCode)i));
        for (const char *end; *line; line = end + (*end == '\n')) {
            end = line + strcspn(line, "\n");
            if (end - line > 125) fail("%s has a line of %d bytes", diag_code_name((DiagCode)i), (int)(end - line));
        }
    }
    done("each syntax error has a page");
}

/* ---- damage */
static u32 random_below(u64 *state, u32 n) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (u32)((*state >> 33) % n);
}
static void check_damaged(const char *path, const char *text) {
    Parsed p = parse(path, text);
    if (!p.tree != (errors(&p) > 0)) fail("%s: a tree and %d errors: %.300s", path, errors(&p), text);
    if (errors(&p) > 20) fail("%s: %d errors", path, errors(&p));
    if (p.tree) check_round_trip(&p);
    char *m = messages(&p, false);
    if (errors(&p) && strlen(m) < 20) fail("%s: no message", path);
    free(m);
    drop(&p);
}
/* Bytes are lost, doubled, changed, exchanged; pieces of the page are put elsewhere. */
static void damage_bytes(const char *path, const char *text, int rounds) {
    static const char signs[] = "(){}[]\"'#,;:=+-*/^@<>.|%!&$\\_ \n\t09azAZ\xC3\xA9\xE2\x88\x92";
    u64 state = 1;
    size_t n = strlen(text);
    char *page = malloc(2 * n + 100);
    for (int round = 0; round < rounds; round++) {
        strcpy(page, text);
        for (u32 times = 1 + random_below(&state, 4); times; times--) {
            size_t length = strlen(page), at = random_below(&state, (u32)length + 1), some = 1 + random_below(&state,
                    12);
            if (some > length - at) some = length - at;
            switch (random_below(&state, 4)) {
            case 0: memmove(page + at, page + at + some, length - at - some + 1); break;
            case 1: memmove(page + at + 1, page + at, length - at + 1); page[at] = signs[random_below(&state,
                    sizeof signs - 1)]; break;
            case 2: if (page[at]) page[at] = signs[random_below(&state, sizeof signs - 1)]; break;
            default: memmove(page + at + some, page + at, length - at + 1); break;
            }
        }
        check_damaged(path, page);
    }
    free(page);
}

/* A word or a sign of a page that is lost: how near is the first error, and how many are there? */
typedef struct Damage {
    int refused, near, errors, most;
} Damage;
static size_t token_length(const char *s) {
    static const char *const pairs[] = {"|>", "->", "..", "==", "!=", "<=", ">=", "//"};
    if (strchr(" \t\r\n", *s)) return strspn(s, " \t\r\n");
    if (*s == '#') return strcspn(s, "\n");
    if (*s == '"') return strcspn(s + 1, "\"\n") + 2;
    size_t word = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (word) return word;
    for (int i = 0; i < COUNT_OF(pairs); i++)
        if (strncmp(s, pairs[i], 2) == 0) return 2;
    return 1;
}
static void lose_tokens(const char *path, const char *text, Damage *damage) {
    int line = 1;
    char *page = malloc(strlen(text) + 1);
    for (const char *s = text; *s; s += token_length(s)) {
        size_t n = token_length(s);
        if (n > strlen(s)) n = strlen(s);
        if (strchr(" \t\r\n#", *s)) {
            for (size_t i = 0; i < n; i++) line += s[i] == '\n';
            continue;
        }
        sprintf(page, "%.*s%s", (int)(s - text), text, s + n);
        Parsed p = parse(path, page);
        if (errors(&p)) {
            char *m = messages(&p, true);
            int found = error_line(m);
            damage->refused++;
            damage->near += found >= line - 1 && found <= line + 1;
            damage->errors += errors(&p);
            if (errors(&p) > damage->most) damage->most = errors(&p);
            if (getenv("NNC_PARSE_SHOW") && !(found >= line - 1 && found <= line + 1)) printf("%s:%d lost `%.*s`: %s",
                    path, line, (int)n, s, m);
            if (getenv("NNC_PARSE_SHOW") && errors(&p) > 2) printf("%s:%d lost `%.*s`, %d errors\n%s", path, line,
                                                                   (int)n, s, errors(&p), m);
            free(m);
        }
        drop(&p);
    }
    free(page);
}

/* ---- pages on disk */
static char *whole_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *s = calloc(1, (1 << 20) + 1);
    size_t n = fread(s, 1, 1 << 20, f);
    fclose(f);
    return s[n] = 0, s;
}
static bool is_page_of_errors(const char *path) {
    char name[1000];
    snprintf(name, sizeof name, "%.*s.err", (int)(strlen(path) - 3), path);
    FILE *f = fopen(name, "rb");
    if (f) fclose(f);
    return f != NULL;
}
static void test_page(const char *path, Damage *damage, int rounds, int *good) {
    char *text = whole_file(path);
    if (!text) {
        fail("%s cannot be read", path);
        return;
    }
    bool refused = strstr(path, "tests/ast/") && is_page_of_errors(path);
    Parsed p = parse(path, text);
    if (refused == (p.tree != NULL)) {
        char *m = messages(&p, false);
        fail("%s: %s", path, refused ? "accepted" : m);
        free(m);
    }
    if (p.tree) {
        *good += 1;
        check_round_trip(&p);
        lose_tokens(path, text, damage);
    }
    drop(&p);
    damage_bytes(path, text, rounds);
    free(text);
}
int main(int argc, char **argv) {
    test_canonical_text();
    test_spans();
    test_numbers();
    test_helps();
    test_spaces_do_not_count();
    test_pages_of_nothing();
    test_limits();
    test_several_errors();
    test_codes_have_pages();
    test_long_pages();

    const char *rounds_text = getenv("NNC_PARSE_ROUNDS");
    int rounds = rounds_text ? atoi(rounds_text) : 40, good = 0;
    Damage damage = {0};
    glob_t found = {0};
    glob("tests/ast/*.nn", 0, NULL, &found);
    glob("examples/*.nn", GLOB_APPEND, NULL, &found);
    glob("runtime/library/*.nn", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) test_page(found.gl_pathv[i], &damage, rounds, &good);
    for (int i = 1; i < argc; i++) test_page(argv[i], &damage, rounds, &good);
    globfree(&found);
    if (good < 5) fail("%d pages only", good);
    done("pages are read, printed and read again, also damaged ones");
    if (damage.near < 0.9 * damage.refused) fail("%d of %d", damage.near, damage.refused);
    done("nine of ten errors are shown within a line of a lost word");
    if (damage.errors > 1.5 * damage.refused || damage.most > 6) fail("%d errors in %d pages, %d at most",
                                                                      damage.errors, damage.refused, damage.most);
    done("a lost word gives one error and a half on average");
    if (getenv("NNC_PARSE_SHOW")) printf("%d refused, %d near, %d errors, %d at most\n", damage.refused, damage.near,
                                         damage.errors, damage.most);
    return failures != 0;
}

/* sema_test.c: sema's core on pages without data and trains: values of tests/sema/value, codes of errors, sizes of
 * loops. */
#include "sema_page.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>

static int failed;
static void check(bool fine, const char *name, const char *why) {
    if (fine)
        printf("ok %s\n", name);
    else
        printf("FAIL %s: %s\n", name, why), failed = 1;
}
/* ---- pages whose results are 0 ---- */
static bool all_zero(Page *p, Value *v) {
    if (v->kind == VALUE_RECORD || v->kind == VALUE_TUPLE) {
        for (int i = 0; i < v->n; i++)
            if (!all_zero(p, v->items[i])) return fprintf(stderr, "result %d of %d\n", i + 1, v->n), false;
        return true;
    }
    Tensor t = page_tensor(p, v);
    for (i64 i = 0; i < t.type->count; i++)
        if (!(fabs(page_get(t, i)) < 1e-7))
            return fprintf(stderr, "element %lld is %.9g\n", (long long)i, page_get(t, i)), false;
    return true;
}
static void test_values(void) {
    glob_t files;
    check(glob("tests/sema/value/*.nn", 0, NULL, &files) == 0, "value pages are there", "none found");
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *why;
        Arena *arena = arena_new("test");
        Source *source = source_read(arena, files.gl_pathv[i], &why);
        for (int training = strstr(files.gl_pathv[i], "states") ? 1 : 0; training < 2; training++) {
            Page p;
            bool fine = source && page_open(&p, source->text, 3, training, true);
            if (source && !fine) diag_print(p.c.diag, stderr, false, false, false);
            check(fine && all_zero(&p, p.value), arena_printf(arena, "%s, training %d", files.gl_pathv[i], training),
                  "a result is not 0");
        }
    }
    globfree(&files);
}

/* ---- errors ---- */
typedef struct Wrong {
    const char *code, *page;
} Wrong;
#define FIELDS "def main(x: [4], y: class(3), w: [10], z: [10, 1], i: int) { "
#define NET    "model m(x: [4]) -> [4] { x |> dense(4) }\n"
static const Wrong wrong[] = {
    {"E201", FIELDS "x + yy }"},
    {"E202", FIELDS "denze(x) }"},
    {"E206", "def a() { 1 }\ndef a() { 2 }\n" FIELDS "a() }"},
    {"E230", FIELDS "if sum(x) > 0 { 1 } else { 2 } }"},
    {"E230", FIELDS "reshape(x, i) }"},
    {"E231",
     "model m(xs: [t, 4]) -> [4] { y = xs; repeat t { y = 2 * y }; mean(y, axis=0) }\n" FIELDS "m(z @ x[:1][None]) }"},
    {"E232", FIELDS "reshape(x, 1.5) }"},
    {"E233", FIELDS "x and true }"},
    {"E235", FIELDS "zeros(0) }"},
    {"E237", FIELDS "a: integer = 3; a }"},
    {"E282", FIELDS "a = x; repeat 10001 { a = a }; a }"},
    {"E301", FIELDS "w - z }"},
    {"E302", NET FIELDS "m(w) }"},
    {"E302", "def f(a: [n], b: [n]) -> [n] { a + b }\n" FIELDS "f(x, w) }"},
    {"E303", FIELDS "a: [4] = w; a }"},
    {"E304", FIELDS "w @ x }"},
    {"E305", "def f(a: [], b: []) -> [] { a + b }\n" FIELDS "f(x, w) }"},
    {"E306", "def f(a: [h, w, c]) -> [9] { a }\n" FIELDS "f(reshape(x, 2, 2, 1)) }"},
    {"E307", "def f(a) { b = a }\n" FIELDS "f(x) }"},
    {"E308", "def f(a: []) -> ([], []) { a }\n" FIELDS "f(x) }"},
    {"E310", FIELDS "cross_entropy(w, y) }"},
    {"E311", FIELDS "one_hot(x) }"},
    {"E312", FIELDS "y == 3 }"},
    {"E313", "def f(n: int) { n }\n" FIELDS "f(1.5) }"},
    {"E314", FIELDS "y + 1 }"},
    {"E315", FIELDS "y == i }"},
    {"E320", NET "model k(x: [4]) -> [4] { x |> dense(4) |> dense(4) }\n" FIELDS "m.params + k.params }"},
    {"E321", NET FIELDS "m.params + x }"},
    {"E324", FIELDS "reshape(x, 3, 3) }"},
    {"E326", FIELDS "concat(z, w[None]) }"},
    {"E327", FIELDS "split(w, 3) }"},
    {"E330", FIELDS "[x, w] }"},
    {"E331", FIELDS "x.weight }"},
    {"E332", NET FIELDS "m.params.dens }"},
    {"E334", FIELDS "a, b = x; a }"},
    {"E337", FIELDS "x\nx }"},
    {"E338", FIELDS "h: [2] = 0; scan q in x { h = concat(h, [q]) }; h }"},
    {"E340", FIELDS "x[2:9] }"},
    {"E342", FIELDS "x[4] }"},
    {"E343", FIELDS "w[x] }"},
    {"E344", FIELDS "x[y] }"},
    {"E346", FIELDS "x[0, 0] }"},
    {"E347", FIELDS "scan a in i { a } }"},
    {"E348", FIELDS "scan a, b in x, w { a } }"},
    {"E352", FIELDS "dense(x, unit=3) }"},
    {"E353", FIELDS "relu(x, 3) }"},
    {"E355", FIELDS "relu() }"},
    {"E356", "def a(x) { b(x) }\ndef b(x) { a(x) }\n" FIELDS "a(x) }"},
    {"E358", FIELDS "adam(x, x, 1) }"},
    {"E359", FIELDS "relu(x; x) }"},
    {"E361", "model m(x: [t]) -> [] { param p: [t] = 0; sum(x * p) }\n" FIELDS "m(x) }"},
    {"E362", "model m(x: [4]) -> [4] { param p: [4] = x; p }\n" FIELDS "m(x) }"},
    {"E362", "model m(x: [4]) -> [4] { param p: [4] = if training { 1 } else { 2 }; p * x }\n" FIELDS "m(x) }"},
    {"E363", NET "model k(x: [4]) -> [2] { x |> dense(2) }\n" FIELDS "m(x; k.params) }"},
    {"E365", FIELDS "x |> dense(3) }"},
    {"E371", "model m(x: []) -> [] { state s = 0; s = s + x; s }\n" FIELDS "m(x) }"},
    {"E380", "model m(x) -> [] { sum(x) }\n" FIELDS "m(x) }"},
    {"E381", "model m(x: [4]) { x }\n" FIELDS "m(x) }"},
    {"E321", FIELDS "max_pool2d(x, 2) }"},
    {"E328", FIELDS "max_pool2d(reshape(x, 1, 4, 1), 2) }"},
    {"E328", FIELDS "convolve(reshape(x, 2, 2, 1), ones(3, 3, 1, 2)) }"},
    {"E329", FIELDS "convolve(reshape(x, 1, 2, 2), ones(1, 1, 3, 2)) }"},
    {"E329", FIELDS "convolve(reshape(x, 2, 2, 1), ones(1, 1, 1, 2), stride=[1, 1, 1]) }"},
    {"E329", FIELDS "convolve(reshape(x, 2, 2, 1), ones(1, 1, 1, 2), stride=0) }"},
    {"E329", FIELDS "convolve(reshape(x, 1, 2, 2), ones(1, 1, 1, 3), groups=2) }"},
    {"E329", FIELDS "convolve(reshape(x, 2, 2, 1), ones(1, 1)) }"},
    {"E369", FIELDS "carry c = 0; c }"},
    {"E400", FIELDS "grad(2 * x, x) }"},
    {"E401", FIELDS "grad(batch_mean(sum(x)), x) }"},
    {"E402", NET FIELDS "a = m.params; b = m.params; grad(sum(m(x; a)), b) }"},
    {"E403", FIELDS "a = sum(x); h = 0; scan _ in 0..3 { h = h + a; g = grad(h * a, a); h = h + g }; h }"},
    {"E404", "def f(q: [], a) { grad(q * a, a) }\n" FIELDS "a = sum(x); def g(q: []) { grad(q * a, a) }; g(w) }"},
    {"E405", FIELDS "grad(sum(x), relu) }"},
};
/* f0 calls f1 calls .. f130. */
static void test_deep_calls(void) {
    Arena *arena = arena_new("test");
    Text text = {.arena = arena};
    for (int i = 0; i < 130; i++) text_printf(&text, "def f%d(x) { f%d(x) }\n", i, i + 1);
    text_add(&text, "def f130(x) { x }\n" FIELDS "f0(x) }");
    Page p;
    bool fine = page_open(&p, text_done(&text), 3, true, false);
    char *messages = NULL;
    size_t n;
    FILE *out = open_memstream(&messages, &n);
    diag_print(p.c.diag, out, true, false, false);
    fclose(out);
    check(!fine && diag_errors(p.c.diag) == 1 && strstr(messages, "E357"), "E357: calls too deep", messages);
    free(messages);
}
static void test_errors(void) {
    for (int i = 0; i < COUNT_OF(wrong); i++) {
        Page p;
        bool fine = page_open(&p, wrong[i].page, 3, true, false);
        char *text = NULL;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        diag_print(p.c.diag, out, false, false, false);
        fclose(out);
        const char *name = arena_printf(p.c.arena, "error %d %s", i, wrong[i].code),
                   *want = arena_printf(p.c.arena, "error[%s]", wrong[i].code);
        check(!fine && diag_errors(p.c.diag) == 1 && strstr(text, want), name, text);
        free(text);
    }
}

/* ---- compile time ---- */
static u32 size_of(const char *format, int n) {
    Page p;
    char text[2000];
    snprintf(text, sizeof text, format, n);
    return page_open(&p, text, 3, true, false) ? graph_size(p.e->graph) : 0;
}
static void test_sizes(void) {
    const char *loop = "def main(x: [4]) { scan _ in 0..%d { x = tanh(x) + 1 }; x }";
    const char *again = "def main(x: [4]) { repeat %d { x = tanh(x) + 1 }; x }";
    const char *layers =
        "model m(x: [4]) -> [4] { repeat %d { x = x |> dense(4) |> relu }; x }\ndef main(x: [4]) { m(x) }";
    check(size_of(loop, 10) > 0 && size_of(loop, 10) == size_of(loop, 100000),
          "a loop's size does not grow with its length", "it does");
    u32 a = size_of(again, 50), b = size_of(again, 100), c = size_of(again, 150);
    check(a && c - b == b - a, "repeat is linear", "it is not");
    a = size_of(layers, 50), b = size_of(layers, 100), c = size_of(layers, 150);
    check(a && c - b == b - a, "layers are linear", "they are not");
}
static void test_names(void) {
    static const char *const names[] = {"m.dense.weight", "m.dense.bias", "m.out.weight", "m.dense_3.weight",
                                        "m.dense_3.bias"};
    Page p;
    bool fine = page_open(
        &p,
        "model m(x: [4]) -> [2] {\n x = x |> dense(4)\n if shape(x)[0] == 3 { x = x |> dense(4) |> dropout(0.5) }\n"
        " y = dense(x |> dense(2, bias=false) as out, 2)\n y }\ndef main(x: [4]) { m(x) }",
        3, true, false);
    bool same = fine && p.e->slots.n == COUNT_OF(names);
    for (int i = 0; same && i < p.e->slots.n; i++)
        same = !strcmp(path_join(p.e, p.e->slots.v[i]->owner, p.e->slots.v[i]->path), names[i]);
    check(same, "names count the branches not taken", "they do not");
}
int main(void) {
    test_values();
    test_errors();
    test_deep_calls();
    test_sizes();
    test_names();
    return failed;
}

/* read.c: the IR from its text (print.c), for --from-ir and tests. Reading ends at the first line that is not IR.
**
**     func @NAME(%NAME: TYPE, ..) {
**       %NAME = OP{ATTRIBUTE=VALUE ..} %NAME, .. : TYPE
**       return %NAME, ..
**     }
**
** A name must stand before its use, so what is read is closed. `#` begins a comment. order, cut and at may be left out. */
#include "build.h"
#include "rules.h"
#include "text.h"
#include "../base/map.h"
#include "../base/vec.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    Graph *g;
    Arena *arena;
    Strings *strings;
    const char *s; /* what is left */
    int line;
    const char *why; /* set once: the first thing that is wrong */
    Map funcs;       /* interned name -> Func */
    Map values;      /* of the function being read: interned name -> Node */
} Reader;

/* Everything below returns at once, with anything, when `why` is set. */
__attribute__((format(printf, 2, 3))) static bool fail(Reader *r, const char *format, ...) {
    if (r->why) return false;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->why = arena_printf(r->arena, "line %d: %s", r->line, text);
    return false;
}

/* ---- words */
static void skip_blanks(Reader *r) {
    while (*r->s == ' ' || *r->s == '\t' || *r->s == '\r') r->s++;
    if (*r->s == '#') r->s += strcspn(r->s, "\n");
}
static void skip_lines(Reader *r) {
    for (skip_blanks(r); *r->s == '\n'; skip_blanks(r)) r->s++, r->line++;
}
static bool accept(Reader *r, const char *word) {
    skip_blanks(r);
    size_t n = strlen(word);
    if (r->why || strncmp(r->s, word, n) != 0) return false;
    r->s += n;
    return true;
}
static bool expect(Reader *r, const char *word) {
    if (accept(r, word)) return true;
    size_t n = strcspn(r->s, "\n");
    return fail(r, "expected '%s' before '%.*s'", word, (int)(n < 30 ? n : 30), r->s);
}
static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' || c == '-';
}
static const char *read_name(Reader *r) {
    size_t n = 0;
    if (!r->why)
        while (is_name_char(r->s[n])) n++;
    if (n == 0) return fail(r, "expected a name"), "";
    const char *name = str_intern_n(r->strings, r->s, n);
    r->s += n;
    return name;
}
static i64 read_int(Reader *r) {
    skip_blanks(r);
    char *end;
    errno = 0;
    long long x = r->why ? 0 : strtoll(r->s, &end, 10);
    if (r->why) return 0;
    if (end == r->s || errno || *end == '.') return fail(r, "expected a whole number"), 0;
    r->s = end;
    return x;
}

/* ---- types */
static const Type *read_type(Reader *r) {
    Dtype dtype;
    i64 dims[RANK_MAX];
    int rank = 0;
    skip_blanks(r);
    size_t n = strcspn(r->s, "[ \n");
    if (r->why) return NULL;
    if (!dtype_find(r->s, n, &dtype)) return fail(r, "'%.*s' is no element type", (int)(n < 30 ? n : 30), r->s), NULL;
    r->s += n;
    expect(r, "[");
    for (bool more = !accept(r, "]"); more && !r->why; more = accept(r, ",")) {
        i64 size = read_int(r);
        if (rank == RANK_MAX || size < 1) fail(r, "a type of too many axes, or with an empty one");
        else dims[rank++] = size;
    }
    if (r->why || (rank && !expect(r, "]"))) return NULL;
    const Type *type = type_get(r->g, dtype, rank, dims);
    return type->count < COUNT_LIMIT ? type : (fail(r, "a type of 2^47 elements or more"), NULL);
}

/* ---- attributes; `at` is what has been read so far */
static i64 value_INT(Reader *r, Attrs *at) { return (void)at, read_int(r); }
static double value_REAL(Reader *r, Attrs *at) {
    (void)at;
    char *end = NULL;
    double x = r->why ? 0 : strtod(r->s, &end);
    if (!r->why && end == r->s) fail(r, "expected a number");
    if (!r->why) r->s = end;
    return x;
}
static List value_LIST(Reader *r, Attrs *at) {
    (void)at;
    VEC(i64) list = {0};
    expect(r, "(");
    while (!r->why && !accept(r, ")")) vec_push(r->arena, &list, read_int(r));
    return (List){list.n, list.v};
}
static const Type *value_TYPE(Reader *r, Attrs *at) { return (void)at, read_type(r); }
static Dtype value_DTYPE(Reader *r, Attrs *at) {
    (void)at;
    Dtype dtype = DT_f32;
    const char *name = read_name(r);
    if (!r->why && !dtype_find(name, strlen(name), &dtype)) fail(r, "'%s' is no element type", name);
    return dtype;
}
static void read_element(Reader *r, Dtype dtype, u8 *element) {
    char *end = NULL;
    float f = 0;
    skip_blanks(r);
    if (r->why) return;
    if (dtype == DT_f32) { /* not by way of a double: rounded once */
        f = strtof(r->s, &end);
        memcpy(element, &f, sizeof f);
    } else {
        double d = strtod(r->s, &end);
        dtype_store(dtype, d, element);
    }
    if (end == r->s) fail(r, "expected a number");
    else r->s = end;
}
static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }
static Bytes value_BYTES(Reader *r, Attrs *at) {
    VEC(u8) bytes = {0};
    int each = dtype_bytes(at->dtype);
    if (accept(r, "(")) {
        while (!r->why && !accept(r, ")")) {
            u8 element[8];
            read_element(r, at->dtype, element);
            for (int i = 0; i < each; i++) vec_push(r->arena, &bytes, element[i]);
        }
    } else {
        for (; hex_digit(r->s[0]) >= 0 && hex_digit(r->s[1]) >= 0; r->s += 2)
            vec_push(r->arena, &bytes, (u8)(hex_digit(r->s[0]) << 4 | hex_digit(r->s[1])));
    }
    return (Bytes){bytes.n, bytes.v};
}
static const Func *value_FUNC(Reader *r, Attrs *at) {
    (void)at;
    expect(r, "@");
    const char *name = read_name(r);
    const Func *f = map_get_ptr(&r->funcs, name);
    if (!f) fail(r, "there is no function @%s above", name);
    return f;
}
static Order value_ORDER(Reader *r, Attrs *at) {
    (void)at;
    const char *name = read_name(r);
    if (strcmp(name, "chain") == 0) return ORDER_CHAIN;
    if (strcmp(name, "lanes") != 0) fail(r, "an order is chain or lanes, not '%s'", name);
    return ORDER_LANES;
}
/* One ATTRIBUTE=VALUE; the number of the attribute. */
static int read_attr(Reader *r, Op op, Attrs *at, u64 given) {
    skip_blanks(r);
    const char *name = read_name(r);
    int which = -1;
#define ATTR(field, kind, text)                                                                                        \
    if (strcmp(name, text) == 0) which = ATTR_##field;
#include "attr.def"
#undef ATTR
    if (which < 0 || !(op_attributes(op) >> which & 1)) return fail(r, "%s has no attribute '%s'", op_name(op), name), 0;
    if (given >> which & 1) return fail(r, "%s is given twice", name), 0;
    expect(r, "=");
#define ATTR(field, kind, text)                                                                                        \
    if (which == ATTR_##field) at->field = value_##kind(r, at);
#include "attr.def"
#undef ATTR
    return which;
}
static void read_attrs(Reader *r, Op op, Attrs *at) {
    const u64 optional = (u64)1 << ATTR_order | (u64)1 << ATTR_cut | (u64)1 << ATTR_inside | (u64)1 << ATTR_cut_axis;
    u64 given = 0;
    if (accept(r, "{"))
        while (!r->why && !accept(r, "}")) given |= (u64)1 << read_attr(r, op, at, given);
    u64 missing = op_attributes(op) & ~given & ~optional;
#define ATTR(field, kind, text)                                                                                        \
    if (missing >> ATTR_##field & 1) fail(r, "%s needs %s", op_name(op), text);
#include "attr.def"
#undef ATTR
}

/* ---- lines */
static Node *read_value(Reader *r) {
    expect(r, "%");
    const char *name = read_name(r);
    Node *node = r->why ? NULL : map_get_ptr(&r->values, name);
    if (!node) fail(r, "there is no value %%%s above", name);
    return node;
}
static void bind(Reader *r, const char *name, Node *node) {
    if (r->why) return;
    if (map_has(&r->values, map_key(name))) fail(r, "%%%s is given twice", name);
    map_set_ptr(&r->values, name, node);
}
static void read_node(Reader *r) {
    Op op = OP_arg;
    Attrs at;
    memset(&at, 0, sizeof at);
    VEC(Node *) args = {0};
    expect(r, "%");
    const char *name = read_name(r);
    expect(r, "=");
    skip_blanks(r);
    const char *word = read_name(r);
    if (!r->why && (!op_find(word, strlen(word), &op) || op == OP_arg || op == OP_hole))
        fail(r, "there is no operator '%s' here", word);
    read_attrs(r, op, &at);
    skip_blanks(r);
    for (bool more = *r->s == '%'; more && !r->why; more = accept(r, ",")) vec_push(r->arena, &args, read_value(r));
    expect(r, ":");
    skip_blanks(r);
    const char *why = NULL;
    Node *node = r->why ? NULL : node_try(r->g, op, args.n, args.v, &at, &why);
    if (!node) {
        if (why) fail(r, "%s", why);
        return;
    }
    Text type = {.arena = r->arena};
    type_print(&type, node->type);
    const char *is = text_done(&type), *says = r->s;
    size_t n = strcspn(says, "\n#");
    while (n && (says[n - 1] == ' ' || says[n - 1] == '\r')) n--;
    if (strlen(is) != n || memcmp(is, says, n) != 0)
        fail(r, "the type is %s, the line says %.*s", is, (int)(n < 100 ? n : 100), says);
    if (node->type->count >= COUNT_LIMIT) fail(r, "a value of 2^47 elements or more");
    r->s += n;
    bind(r, name, node);
}
static void expect_line_end(Reader *r) {
    skip_blanks(r);
    if (*r->s != '\n' && *r->s != 0) fail(r, "more on the line than belongs there");
    skip_lines(r);
}
static const Func *read_func(Reader *r, const char **name) {
    VEC(const Type *) params = {0};
    VEC(Node *) results = {0};
    r->values = (Map){.arena = r->arena};
    expect(r, "func");
    expect(r, "@");
    *name = read_name(r);
    if (!r->why && map_has(&r->funcs, map_key(*name))) fail(r, "there are two functions @%s", *name);
    expect(r, "(");
    for (bool more = !accept(r, ")"); more && !r->why; more = accept(r, ",") || !expect(r, ")")) {
        expect(r, "%");
        const char *param = read_name(r);
        expect(r, ":");
        const Type *type = read_type(r);
        if (r->why) break;
        bind(r, param, ir_arg(r->g, params.n, type));
        vec_push(r->arena, &params, type);
    }
    expect(r, "{");
    expect_line_end(r);
    while (!r->why && !accept(r, "return")) read_node(r), expect_line_end(r);
    skip_blanks(r);
    for (bool more = *r->s == '%'; more && !r->why; more = accept(r, ",")) {
        Node *node = read_value(r);
        if (node && node->type->dtype == DT_TUPLE) fail(r, "a result that is many values");
        vec_push(r->arena, &results, node);
    }
    expect_line_end(r);
    expect(r, "}");
    expect_line_end(r);
    return r->why ? NULL : func_make(r->g, params.n, params.v, results.n, results.v);
}
const Func *func_read(Graph *g, Arena *scratch, const char *text, const char **name, const char **why) {
    Reader r = {.g = g, .arena = scratch, .strings = strings_new(scratch), .s = text, .line = 1, .funcs = {.arena = scratch}};
    const Func *last = NULL;
    const char *its_name = "";
    skip_lines(&r);
    if (!*r.s) fail(&r, "there is no function");
    while (!r.why && *r.s) {
        last = read_func(&r, &its_name);
        if (last) map_set_ptr(&r.funcs, its_name, (void *)last);
    }
    if (name) *name = its_name;
    *why = r.why;
    return r.why ? NULL : last;
}

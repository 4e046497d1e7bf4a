/* print.c: the IR as text: see text.h and, for the reader, read.c. Bodies of scans are named NAME.0, NAME.1 .. in the order in
** which they are printed; nodes are numbered from the number of parameters on. Attributes stand in the order of attr.def. */
#include "rules.h"
#include "text.h"
#include "../base/map.h"
#include <string.h>

enum { FEW = 16 }; /* elements of a constant that are shown as values */

typedef struct Printer {
    Text *out;
    Arena *arena;
    const char *name;
    Map names; /* Func -> its name */
    int n_bodies;
} Printer;

/* ---- attributes. `printer` NULL: a body is shown by its number. */
static void print_reals(Text *out, double x, bool single) { text_printf(out, single ? "%.9g" : "%.17g", x); }
static bool has_odd_nan(const Attrs *at) { /* one whose bits the text of a value would lose */
    const double plain = __builtin_nan("");
    const float plain_f = __builtin_nanf("");
    for (i64 i = 0; i < at->data.n; i += dtype_bytes(at->dtype)) {
        double d;
        float f;
        if (at->dtype == DT_f64 && (memcpy(&d, at->data.v + i, 8), d != d) && memcmp(&d, &plain, 8)) return true;
        if (at->dtype == DT_f32 && (memcpy(&f, at->data.v + i, 4), f != f) && memcmp(&f, &plain_f, 4)) return true;
    }
    return false;
}
static void print_element(Text *out, Dtype dtype, const u8 *at) {
    float f;
    double d;
    i32 i;
    switch (dtype) {
    case DT_f32: memcpy(&f, at, 4), print_reals(out, (double)f, true); break;
    case DT_f64: memcpy(&d, at, 8), print_reals(out, d, false); break;
    case DT_i32: memcpy(&i, at, 4), text_printf(out, "%d", i); break;
    case DT_u8:
    case DT_bool: text_printf(out, "%d", *at); break;
    case DT_TUPLE: break;
    }
}
static void print_data(Text *out, const Attrs *at) {
    int bytes = dtype_bytes(at->dtype);
    if (at->data.n > (i64)FEW * bytes || has_odd_nan(at)) {
        for (i64 i = 0; i < at->data.n; i++) text_printf(out, "%02x", at->data.v[i]);
        return;
    }
    for (i64 i = 0; i < at->data.n; i += bytes) {
        text_add(out, i ? " " : "(");
        print_element(out, at->dtype, at->data.v + i);
    }
    text_add(out, ")");
}
static void show_INT(Printer *p, Text *out, const Attrs *at, i64 x) { (void)p, (void)at, text_printf(out, "%lld", (long long)x); }
static void show_REAL(Printer *p, Text *out, const Attrs *at, double x) { (void)p, (void)at, print_reals(out, x, false); }
static void show_LIST(Printer *p, Text *out, const Attrs *at, List x) {
    (void)p, (void)at;
    text_add(out, "(");
    for (int i = 0; i < x.n; i++) text_printf(out, i ? " %lld" : "%lld", (long long)x.v[i]);
    text_add(out, ")");
}
static void show_TYPE(Printer *p, Text *out, const Attrs *at, const Type *x) { (void)p, (void)at, type_print(out, x); }
static void show_DTYPE(Printer *p, Text *out, const Attrs *at, Dtype x) { (void)p, (void)at, text_add(out, dtype_name(x)); }
static void show_BYTES(Printer *p, Text *out, const Attrs *at, Bytes x) { (void)p, (void)x, print_data(out, at); }
static void show_FUNC(Printer *p, Text *out, const Attrs *at, const Func *x) {
    (void)at;
    if (p) text_printf(out, "@%s", (const char *)map_get_ptr(&p->names, x));
    else text_printf(out, "@%u", x->id);
}
static void show_ORDER(Printer *p, Text *out, const Attrs *at, Order x) {
    (void)p, (void)at;
    text_add(out, x == ORDER_LANES ? "lanes" : "chain");
}
static void print_attrs(Printer *p, Text *out, const Node *node) {
    const Attrs *at = node->at;
    u64 shown = op_attributes(node->op);
    const char *before = "{";
    if (at->order == ORDER_UNSET) shown &= ~((u64)1 << ATTR_order);
    if (at->inside.n == 0) shown &= ~((u64)1 << ATTR_inside);
    if (at->cut == 0) shown &= ~((u64)1 << ATTR_cut | (u64)1 << ATTR_cut_axis);
#define ATTR(field, kind, text)                                                                                        \
    if (shown >> ATTR_##field & 1) {                                                                                   \
        text_printf(out, "%s" text "=", before);                                                                       \
        show_##kind(p, out, at, at->field);                                                                            \
        before = " ";                                                                                                  \
    }
#include "attr.def"
#undef ATTR
    if (shown) text_add(out, "}");
}

/* ---- functions */
static void print_func(Printer *p, const Func *f, const char *name);

static const char *name_body(Printer *p, const Func *body) {
    const char *name = map_get_ptr(&p->names, body);
    if (name) return name;
    print_func(p, body, NULL);
    return map_get_ptr(&p->names, body);
}
/* `name` NULL: the next body's, taken when its own bodies have theirs. */
static void print_func(Printer *p, const Func *f, const char *name) {
    NodeList nodes = order_walk(p->arena, f->results, f->n_results);
    for (int i = 0; i < nodes.n; i++)
        if (nodes.v[i]->op == OP_scan) name_body(p, nodes.v[i]->at->body);
    if (!name) name = arena_printf(p->arena, "%s.%d", p->name, p->n_bodies++);
    map_set_ptr(&p->names, f, (void *)name);
    NodeMap labels = {.arena = p->arena};
    Text *out = p->out;
    text_printf(out, "func @%s(", name);
    for (int i = 0; i < f->n_params; i++) {
        text_printf(out, i ? ", %%a%d: " : "%%a%d: ", i);
        type_print(out, f->params[i]);
    }
    text_add(out, ") {\n");
    int number = f->n_params;
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        if (node->op == OP_arg) {
            nodemap_set(&labels, node, arena_printf(p->arena, "a%lld", (long long)node->at->index));
            continue;
        }
        nodemap_set(&labels, node, arena_printf(p->arena, "%d", number++));
        text_printf(out, "  %%%s = %s", (const char *)nodemap_get(&labels, node), op_name(node->op));
        print_attrs(p, out, node);
        for (int j = 0; j < node->n_args; j++)
            text_printf(out, j ? ", %%%s" : " %%%s", (const char *)nodemap_get(&labels, node->args[j]));
        text_add(out, " : ");
        type_print(out, node->type);
        text_add(out, "\n");
    }
    text_add(out, "  return");
    for (int i = 0; i < f->n_results; i++)
        text_printf(out, i ? ", %%%s" : " %%%s", (const char *)nodemap_get(&labels, f->results[i]));
    text_add(out, "\n}\n");
}
void func_print(Text *out, const Graph *g, const Func *f, const char *name) {
    (void)g;
    Arena *scratch = arena_new("printing IR");
    Printer p = {out, scratch, name, {.arena = scratch}, 0};
    print_func(&p, f, name);
    arena_free(scratch);
}
void node_print(Text *out, const Node *node) {
    text_printf(out, "%%%u = %s", node->id, op_name(node->op));
    print_attrs(NULL, out, node);
    for (int i = 0; i < node->n_args; i++) text_printf(out, i ? ", %%%u" : " %%%u", node->args[i]->id);
    text_add(out, " : ");
    type_print(out, node->type);
}

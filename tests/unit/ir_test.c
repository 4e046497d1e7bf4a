/* ir_test.c: the graph of the tensor IR: interning, types and their errors, limits, walks, regions, rewriting, text, verification.
** Values are in ir_eval_test.c, lifting in ir_lift_test.c. */
#include "ir_cases.h"

static Node *arg_of(Graph *g, i64 i, Dtype dtype, int rank, const i64 *dims) { return ir_arg(g, i, type_get(g, dtype, rank, dims)); }

static void test_interning(Graph *g) {
    Group t = {"interning", false};
    Node *a = arg_of(g, 0, DT_f32, DIMS(2, 3)), *b = arg_of(g, 1, DT_f32, DIMS(2, 3));
    expect(&t, type_get(g, DT_f32, DIMS(2, 3)) == a->type, "equal types");
    expect(&t, type_get(g, DT_f32, DIMS(3, 2)) != a->type && type_get(g, DT_f64, DIMS(2, 3)) != a->type, "different types");
    expect(&t, ir_add(g, a, b) == ir_add(g, a, b), "equal nodes");
    expect(&t, ir_add(g, a, b) != ir_add(g, b, a) && ir_add(g, a, b) != ir_sub(g, a, b), "different nodes");
    expect(&t, ir_sum(g, a, 2, INTS(1, 0)) == ir_sum(g, a, 2, INTS(0, 1)), "axes in any order");
    expect(&t, ir_real(g, DT_f32, 0) != ir_real(g, DT_f32, -0.0), "a constant is its bits");
    expect(&t, ir_real(g, DT_f32, 0.1) == ir_real(g, DT_f32, 0.1f), "a constant is rounded");
    expect(&t, ir_pad(g, a, 0, 1, 1, 0, 0.0) != ir_pad(g, a, 0, 1, 1, 0, -0.0), "an attribute is its bits");
    expect(&t, ir_mark(g, a) != ir_mark(g, a) && ir_hole(g, a->type) != ir_hole(g, a->type), "marks and holes are never one");
    expect(&t, ir_cast(g, a, DT_f32) == a && ir_reshape(g, a, DIMS(2, 3)) == a && ir_transpose(g, a, INTS(0, 1)) == a, "identities");
    expect(&t, ir_slice(g, a, 0, 0, 2, 1) == a && ir_concat(g, 1, &a, 0) == a && ir_sum(g, a, 0, NULL) == a, "identities");
    expect(&t, ir_lead(g, a, 0, NULL) == a && ir_scale(g, a, 2) == ir_mul(g, a, ir_fill(g, 2, a->type)), "composed");
    const Func *f = func_make(g, 2, (const Type *[]){a->type, b->type}, 1, (Node *[]){ir_add(g, a, b)});
    const Func *h = func_make(g, 2, (const Type *[]){a->type, b->type}, 1, (Node *[]){ir_add(g, a, b)});
    expect(&t, f == h && func_make(g, 1, f->params, 1, f->results) != f, "functions");
    Origin first = {"first", {0}}, second = {"second", {0}};
    graph_origin(g, &first);
    Node *made = ir_sqrt(g, a);
    graph_origin(g, &second);
    expect(&t, ir_sqrt(g, a)->origin == &first && ir_log(g, a)->origin == &second && graph_origin_now(g) == &second, "origins");
    graph_origin(g, NULL);
    expect(&t, made->type == a->type && op_loop_class(OP_dot) == LOOP_anchor && op_arity(OP_concat) == -1, "rows");
    u32 third = 0x3eaaaaab, mean_of = 0;
    Node *mean = ir_mean(g, arg_of(g, 0, DT_f32, DIMS(3)), 1, INTS(0));
    memcpy(&mean_of, mean->args[1]->at->data.v, 4);
    expect(&t, mean->op == OP_mul && mean_of == third, "1/n is rounded once: %x", mean_of);
    end(&t);
}
/* 1/n to f32 against division in f32, which rounds once, for all n that f32 holds. */
static void test_mean(Graph *g) {
    Group t = {"mean", false};
    for (i64 n = 1; n < 20000; n += 1 + n / 50) {
        Node *mean = ir_mean(g, arg_of(g, 0, DT_f32, DIMS(n)), 1, INTS(0));
        float is, want = 1.0f / (float)n;
        memcpy(&is, mean->args[1]->at->data.v, 4);
        expect(&t, memcmp(&is, &want, 4) == 0, "1/%lld", (long long)n);
    }
    end(&t);
}

static void test_errors(Graph *g) {
    Group t = {"type errors", false};
    Node *a = arg_of(g, 0, DT_f32, DIMS(2, 3)), *b = arg_of(g, 1, DT_f32, DIMS(3)), *i = arg_of(g, 2, DT_i32, DIMS(3)), *u = arg_of(g, 3, DT_u8, DIMS(3));
    i64 axes[2] = {1, 1}, far[1] = {5}, none[1] = {0};
    struct {
        const char *say;
        Op op;
        int n;
        Node *args[3];
        Attrs at;
    } cases[] = {
        {"add of f32[2,3], f32[3]: the types differ", OP_add, 2, {a, b}, {0}},
        {"add of f32[3]: it takes 2 operands, not 1", OP_add, 1, {b}, {0}},
        {"exp of i32[3]: it takes real numbers", OP_exp, 1, {i}, {0}},
        {"neg of u8[3]: it takes numbers", OP_neg, 1, {u}, {0}},
        {"lt of u8[3], u8[3]: u8 must be cast first", OP_lt, 2, {u, u}, {0}},
        {"select of f32[3], f32[3], f32[3]: the condition is not bool of the same shape", OP_select, 3, {b, b, b}, {0}},
        {"reshape of f32[2,3]: the number of elements changes", OP_reshape, 1, {a}, {.to = {1, far}}},
        {"reshape of f32[3]: axis 0 of the result would have 0 elements", OP_reshape, 1, {b}, {.to = {1, none}}},
        {"transpose of f32[2,3]: perm is no permutation", OP_transpose, 1, {a}, {.perm = {2, axes}}},
        {"broadcast of f32[3]: axis 0 has another length in the result", OP_broadcast, 1, {b}, {.to = {1, far}, .dims = {1, none}}},
        {"affine of f32[3]: a must not be 0, m at least 1", OP_affine, 1, {b}, {.size = 3, .m = 1, .k = -1}},
        {"affine of f32[3]: k must be another axis, or -1 and b 0", OP_affine, 1, {b}, {.size = 3, .a = 1, .m = 1}},
        {"concat of f32[2,3], f32[3]: operand 1 does not fit the first", OP_concat, 2, {a, b}, {.axis = 1}},
        {"concat: it takes at least one operand", OP_concat, 0, {0}, {0}},
        {"sum of f32[2,3]: axes must be rising axes of the operand, at least one", OP_sum, 1, {a}, {.axes = {2, axes}}},
        {"sum of f32[3]: the cut is not at a summed axis", OP_sum, 1, {b}, {.axes = {1, none}, .cut = 3}},
        {"dot of f32[2,3], f32[3]: the contracted axes do not fit", OP_dot, 2, {a, b}, {.lc = {1, none}, .rc = {1, none}}},
        {"dot of i32[3], i32[3]: it takes real numbers of one kind", OP_dot, 2, {i, i}, {0}},
        {"take of f32[3], f32[3]: the index is not i32", OP_take, 2, {b, b}, {0}},
        {"top of f32[3]: the last axis does not have 4", OP_top, 1, {b}, {.count = 4}},
        {"get of f32[3]: there is no result 0", OP_get, 1, {b}, {0}},
        {"const: 0 bytes of data", OP_const, 0, {0}, {.dtype = DT_f32}},
        {"random of i32[3], i32[3], i32[3], i32[3]: it takes 4 operands, not 3", OP_random, 3, {i, i, i}, {0}},
        {"add has no attribute axes", OP_add, 2, {b, b}, {.axes = {1, none}}},
    };
    for (int c = 0; c < COUNT_OF(cases); c++) {
        const char *why = "";
        Node *node = node_try(g, cases[c].op, cases[c].n, cases[c].args, &cases[c].at, &why);
        if (cases[c].op == OP_random) expect(&t, !node && strstr(why, "it takes 4 operands"), "%s", why);
        else expect(&t, !node && strcmp(why, cases[c].say) == 0, "'%s' says '%s'", cases[c].say, why);
    }
    end(&t);
}
static void test_limits(void) {
    Group t = {"limits", false};
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    Node *x = arg_of(g, 0, DT_f32, DIMS(1 << 20)), *row = ir_lead(g, x, DIMS(1 << 20));
    expect(&t, !graph_limit(g), "2^40 elements are possible");
    Node *large = ir_lead(g, row, DIMS(1 << 20));
    expect(&t, graph_limit(g) && strstr(graph_limit(g), "2^47"), "2^60 elements are not");
    expect(&t, ir_exp(g, ir_sum(g, ir_lead(g, large, DIMS(1 << 20)), 1, INTS(0)))->type->count == (i64)1 << 47, "building goes on");
    expect(&t, ir_slice(g, x, 0, 0, 4, 1)->type->count == 4, "and comes back");

    g = graph_new(arena);
    Node *chain = arg_of(g, 0, DT_f32, DIMS(2)), *first = chain;
    for (int i = 0; i < 100000; i++) chain = ir_neg(g, chain);
    expect(&t, graph_limit(g) && strstr(graph_limit(g), "100,000"), "more than 100,000 nodes");
    expect(&t, order_walk(arena, &chain, 1).n == 100001, "a walk of a long chain");
    NodeMap map = {.arena = arena};
    Node *other = ir_abs(g, first), *moved;
    nodemap_set(&map, first, other);
    substitute(g, arena, &map, &chain, 1, &moved);
    expect(&t, order_walk(arena, &moved, 1).n == 100002, "a substitution at the end of it");
    const Func *f = func_make(g, 1, &first->type, 1, &chain);
    Tensor in = tensor_new(arena, first->type);
    ((float *)in.data)[1] = 3;
    expect(&t, ((float *)run_func(arena, f, &in)->data)[1] == 3 && func_count(f) == 100001 && !func_verify(arena, g, f, true), "its value");
    arena_free(arena);
    end(&t);
}

static bool stop_at(void *context, const Node *node) { return node == context; }
static void test_walks(Graph *g, Arena *arena) {
    Group t = {"walks", false};
    Node *a = arg_of(g, 0, DT_f32, DIMS(2)), *b = arg_of(g, 1, DT_f32, DIMS(2));
    Node *s = ir_add(g, b, a), *p = ir_mul(g, s, b), *root[3] = {p, NULL, a};
    NodeList all = order_walk(arena, root, 3);
    Node *want[4] = {b, a, s, p};
    expect(&t, all.n == 4 && memcmp(all.v, want, sizeof want) == 0, "operands left to right, each once");
    NodeList some = order_walk_until(arena, &p, 1, stop_at, s);
    expect(&t, some.n == 3 && some.v[0] == s && some.v[1] == b && some.v[2] == p, "not past a stop");
    NodeMap on_a = depends_on(arena, &p, 1, &a, 1);
    expect(&t, nodemap_get(&on_a, s) && nodemap_get(&on_a, p) && nodemap_get(&on_a, a) && !nodemap_get(&on_a, b), "dependence");
    NodeMap on_none = depends_on(arena, &p, 1, NULL, 0);
    expect(&t, !nodemap_get(&on_none, p), "on nothing");
    NodeMap on_s = depends_on(arena, &p, 1, &s, 1);
    expect(&t, nodemap_get(&on_s, p) && nodemap_get(&on_s, s) && !nodemap_get(&on_s, a), "on an inner node");
    end(&t);
}

/* What a region needs from outside is an operand; constants are copied in; what needs no hole stays outside. */
static void test_regions(Graph *g, Arena *arena) {
    Group t = {"regions", false};
    Node *h = arg_of(g, 0, DT_f32, DIMS(2)), *w = arg_of(g, 1, DT_f32, DIMS(2)), *xs = arg_of(g, 2, DT_f32, DIMS(4, 2));
    Node *c = ir_hole(g, h->type), *x = ir_hole(g, h->type), *out[3];
    Node *constant = ir_exp(g, w), *next = ir_add(g, ir_mul(g, c, constant), ir_scale(g, x, 3));
    Node *ys[2] = {constant, ir_iota(g, 2)};
    ir_scan_region(g, &(Region){1, 1, 2, &c, &x, &next, ys, &h, &xs, 4, false}, out);
    Node *scan = out[0]->args[0];
    expect(&t, scan->op == OP_scan && scan->n_args == 3 && scan->args[1] == constant && scan->at->constants == 1, "one operand from outside");
    expect(&t, func_count_op(scan->at->body, OP_exp, false) == 0 && func_count_op(scan->at->body, OP_const, false) == 1, "constants are inside");
    expect(&t, out[1]->type == xs->type && out[2]->type == type_get(g, DT_i32, DIMS(4, 2)), "stacked types");
    Node *c2 = ir_hole(g, h->type), *x2 = ir_hole(g, h->type), *again[3];
    Node *next2 = ir_add(g, ir_mul(g, c2, constant), ir_scale(g, x2, 3));
    ir_scan_region(g, &(Region){1, 1, 2, &c2, &x2, &next2, ys, &h, &xs, 4, false}, again);
    expect(&t, again[0] == out[0], "equal regions are one scan");
    const Func *f = func_make(g, 3, (const Type *[]){h->type, w->type, xs->type}, 3, out);
    expect(&t, !func_verify(arena, g, f, true), "it is closed");
    end(&t);
}

/* ---- rewriting */
typedef struct Swap {
    int asked;
} Swap;
static Node *swap_tanh(void *context, Graph *g, Node *node, Node *const *args) { /* tanh becomes sin, everywhere */
    ((Swap *)context)->asked += node->op == OP_tanh;
    return node->op == OP_tanh ? ir_sin(g, args[0]) : NULL;
}
static bool unroll(void *context, Graph *g, Node *scan, Node **results) { /* scans of at most 3 rounds without ys become their rounds */
    (void)context;
    const Attrs *at = scan->at;
    if (at->length > 3 || at->reverse || at->body->n_results > at->carry) return false;
    Arena *arena = graph_arena(g);
    Node **args = ARENA_ARRAY(arena, Node *, scan->n_args);
    for (int i = 0; i < scan->n_args; i++) args[i] = scan->args[i];
    for (i64 round = 0; round < at->length; round++) {
        for (i64 i = at->carry + at->constants; i < scan->n_args; i++)
            args[i] = ir_squeeze(g, ir_slice(g, scan->args[i], 0, round, round + 1, 1), 0);
        func_apply(g, at->body, args, args);
    }
    for (int i = 0; i < at->carry; i++) results[i] = args[i];
    return true;
}
static void test_rewriting(Graph *g, Arena *arena) {
    Group t = {"rewriting", false};
    Cases c = {.g = g, .arena = arena, .op = OP_scan};
    nested(&c);
    const Func *f = c.all.v[0].f;
    Swap swap = {0};
    const Func *h = func_rewrite(g, f, swap_tanh, &swap);
    expect(&t, func_count_op(h, OP_tanh, true) == 0 && func_count_op(h, OP_sin, true) == 1 && swap.asked == 1, "bodies are rewritten once");
    expect(&t, func_rewrite(g, h, swap_tanh, &swap) == h, "nothing to do");
    expect(&t, func_count(h) == func_count(f) && !func_verify(arena, g, h, false), "counts");

    Node *x = ir_hole(g, f->params[0]), *w = ir_hole(g, f->params[0]), *start = ir_arg(g, 0, f->params[0]), *out[1], *inner[1];
    Node *twice = ir_tanh(g, ir_mul(g, w, x));
    ir_scan_region(g, &(Region){1, 0, 0, &w, NULL, &twice, NULL, &x, NULL, 2, false}, inner);
    ir_scan_region(g, &(Region){1, 0, 0, &x, NULL, inner, NULL, &start, NULL, 3, false}, out);
    f = func_make(g, 1, f->params, 1, out);
    h = func_rewrite_scans(g, f, unroll, NULL);
    expect(&t, func_count_op(f, OP_scan, true) == 2 && func_count_op(h, OP_scan, true) == 0 && func_count_op(h, OP_tanh, true) == 6, "scans, inner before outer");
    Draw d = {3};
    Tensor *args = draw_args(arena, f, &d);
    expect(&t, same_elements(DT_f32, run_func(arena, f, args)->data, run_func(arena, h, args)->data, 2), "the same value");

    Node *a = arg_of(g, 0, DT_f32, DIMS(2)), *b = arg_of(g, 1, DT_f32, DIMS(2)), *roots[2] = {ir_exp(g, ir_add(g, a, b)), ir_exp(g, a)}, *got[2];
    NodeMap map = {.arena = arena};
    nodemap_set(&map, b, a);
    substitute(g, arena, &map, roots, 2, got);
    expect(&t, got[0] == ir_exp(g, ir_add(g, a, a)) && got[1] == roots[1], "substitution");
    end(&t);
}

/* ---- text */
static void test_text(Graph *g, Arena *arena) {
    Group t = {"text of every operator", false};
    Cases c = all_cases(&t, g);
    for (int i = 0; i < c.all.n; i++) {
        Text first = {.arena = arena}, second = {.arena = arena};
        const char *name = "", *why = NULL, *bad = func_verify(arena, g, c.all.v[i].f, false);
        expect(&t, !bad, "%s: %s", c.all.v[i].name, bad);
        func_print(&first, g, c.all.v[i].f, "main");
        const Func *same = func_read(g, arena, text_done(&first), &name, &why);
        expect(&t, same == c.all.v[i].f && strcmp(name, "main") == 0, "%s reads back as another: %s\n%s", c.all.v[i].name, why, text_done(&first));
        Graph *fresh = graph_new(arena);
        const Func *f = func_read(fresh, arena, text_done(&first), &name, &why);
        if (!expect(&t, f, "%s does not read: %s\n%s", c.all.v[i].name, why, text_done(&first))) continue;
        func_print(&second, fresh, f, name);
        expect(&t, strcmp(text_done(&first), text_done(&second)) == 0, "%s:\n%s\n%s", c.all.v[i].name, text_done(&first), text_done(&second));
    }
    end(&t);
}
static const char sample[] = "func @step.0(%a0: f32[2,3], %a1: f32[3,3], %a2: f32[2,3]) {\n"
                             "  %3 = dot{lb=() rb=() lc=(1) rc=(0) order=chain} %a0, %a1 : f32[2,3]\n"
                             "  %4 = add %a2, %3 : f32[2,3]\n"
                             "  %5 = tanh %4 : f32[2,3]\n"
                             "  return %5\n"
                             "}\n"
                             "func @step(%a0: f32[2,3], %a1: f32[3,3], %a2: f32[5,2,3]) {\n"
                             "  %3 = scan{length=5 reverse=0 carry=1 const=1 body=@step.0} %a0, %a1, %a2 : f32[2,3]\n"
                             "  %4 = get{index=0} %3 : f32[2,3]\n"
                             "  return %4\n"
                             "}\n";
static void test_sample(Graph *g, Arena *arena) {
    Group t = {"text as designed", false};
    const char *name, *why = NULL;
    const Func *f = func_read(g, arena, sample, &name, &why);
    Text text = {.arena = arena};
    if (!expect(&t, f, "%s", why)) return;
    func_print(&text, g, f, name);
    expect(&t, strcmp(text_done(&text), sample) == 0 && strcmp(name, "step") == 0, "%s", text_done(&text));
    const char *loose = "# a comment\n\nfunc @f(%x: f32[], %y:f32[])  {\n\t%s = add %x,%y : f32[] # said\n\n  return %s, %x\n}\n";
    f = func_read(g, arena, loose, &name, &why);
    expect(&t, f && f->n_results == 2 && f->results[0]->op == OP_add, "other names, blanks and comments: %s", why);
    u64 bits = 0x7ff8000000001234;
    double odd;
    memcpy(&odd, &bits, sizeof odd);
    Node *x = arg_of(g, 0, DT_f32, DIMS(2));
    expect(&t, ir_pad(g, x, 0, 1, 0, 0, odd) == ir_pad(g, x, 0, 1, 0, 0, __builtin_nan("")), "one NaN to fill with");
    Graph *fresh = graph_new(arena);
    f = func_read(fresh, arena, "func @f(%a: f32[2]) {\n  %m = mark{name=0} %a : f32[2]\n  return %m\n}\n", &name, &why);
    expect(&t, f && ir_mark(fresh, ir_arg(fresh, 0, f->params[0])) != f->results[0], "a new mark is not one that was read");
    Text line = {.arena = arena};
    node_print(&line, ir_sum(g, arg_of(g, 0, DT_f32, DIMS(2)), 1, INTS(0)));
    expect(&t, strstr(text_done(&line), " = sum{axes=(0)} %") && strstr(text_done(&line), " : f32[]"), "%s", text_done(&line));
    end(&t);
}
static void test_reading_errors(Graph *g, Arena *arena) {
    Group t = {"reading errors", false};
#define F(line) "func @f(%a: f32[2], %i: i32[2]) {\n" line "\n  return %a\n}\n"
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: there is no function"},
        {"\n\nfun @f", "line 3: expected 'func'"},
        {F("  %b = sin %a, %a : f32[2]"), "line 2: sin of f32[2], f32[2]: it takes 1 operand, not 2"},
        {F("  %b = sine %a : f32[2]"), "line 2: there is no operator 'sine'"},
        {F("  %b = arg{index=0 type=f32[2]} : f32[2]"), "line 2: there is no operator 'arg'"},
        {F("  %b = sin %c : f32[2]"), "line 2: there is no value %c"},
        {F("  %b = sin %a : f32[3]"), "line 2: the type is f32[2], the line says f32[3]"},
        {F("  %b = sin %a : f32[2] f32[2]"), "line 2: the type is f32[2]"},
        {F("  %a = sin %a : f32[2]"), "line 2: %a is given twice"},
        {F("  %b = sin{axis=1} %a : f32[2]"), "line 2: sin has no attribute 'axis'"},
        {F("  %b = concat{axis=0 axis=0} %a : f32[2]"), "line 2: axis is given twice"},
        {F("  %b = concat %a : f32[2]"), "line 2: concat needs axis"},
        {F("  %b = concat{axis=x} %a : f32[2]"), "line 2: expected a whole number"},
        {F("  %b = concat{axis=1.5} %a : f32[2]"), "line 2: expected a whole number"},
        {F("  %b = concat{axis=99999999999999999999} %a : f32[2]"), "line 2: expected a whole number"},
        {F("  %b = sum{axes=(0} %a : f32[]"), "line 2: expected a whole number"},
        {F("  %b = sum{axes=(0) order=any} %a : f32[]"), "line 2: an order is chain or lanes, not 'any'"},
        {F("  %b = sum{axes=(0) cut=3 at=0} %a : f32[]"), "line 2: sum of f32[2]: the cut"},
        {F("  %b = const{dtype=f32 to=(2) data=(1)} : f32[2]"), "line 2: const: 4 bytes of data"},
        {F("  %b = const{dtype=f33 to=() data=(1)} : f32[]"), "line 2: 'f33' is no element type"},
        {F("  %b = scan{length=2 reverse=0 carry=1 const=0 body=@g} %a : f32[2]"), "line 2: there is no function @g"},
        {F("  %b = broadcast{to=(9999999 9999999 2) dims=(2)} %a : f32[9999999,9999999,2]"), "line 2: a value of 2^47 elements or more"},
        {F("  %b = sin %a"), "line 2: expected ':'"},
        {F("  b = sin %a : f32[2]"), "line 2: expected '%'"},
        {"func @f(%a: f32[0]) {\n  return %a\n}\n", "line 1: a type of too many axes, or with an empty one"},
        {"func @f(%a: f16[2]) {\n  return %a\n}\n", "line 1: 'f16' is no element type"},
        {"func @f(%a: f32[2], %a: f32[2]) {\n  return %a\n}\n", "line 1: %a is given twice"},
        {"func @f(%a: f32[2]) {\n  return %a\n", "line 3: expected '}'"},
        {"func @f(%a: f32[2]) {\n", "line 2: expected '%'"},
        {"func @f(%a: f32[2]) {\n  return %a\n}\nfunc @f() {\n  return\n}\n", "line 4: there are two functions @f"},
        {"func @f(%a: f32[2]) {\n  return %a, %b\n}\n", "line 2: there is no value %b"},
    };
    for (int i = 0; i < COUNT_OF(cases); i++) {
        const char *name, *why = NULL;
        const Func *f = func_read(g, arena, cases[i].text, &name, &why);
        expect(&t, !f && why && strncmp(why, cases[i].says, strlen(cases[i].says)) == 0, "%s should say '%s', not '%s'", cases[i].text, cases[i].says, why);
    }
    end(&t);
}
/* No prefix and no change of one character of a text may do worse than be refused. */
static void test_damaged_text(Arena *arena) {
    Group t = {"damaged text", false};
    static const char letters[] = "%@{}()[]:,=0919azf \n#-.x";
    size_t n = strlen(sample);
    Draw d = {1};
    int read = 0;
    for (int i = 0; i < 3000; i++) {
        Arena *scratch = arena_new("test");
        char *text = arena_printf(scratch, "%s", sample);
        if (i < (int)n) text[i] = 0;
        else text[draw_in(&d, 0, (i64)n - 1)] = letters[draw_in(&d, 0, (i64)sizeof letters - 2)];
        Graph *g = graph_new(scratch);
        const char *name, *why = NULL;
        const Func *f = func_read(g, scratch, text, &name, &why);
        expect(&t, f ? !func_verify(scratch, g, f, false) : why && strncmp(why, "line ", 5) == 0, "%s", text);
        read += f != NULL;
        arena_free(scratch);
    }
    expect(&t, read > 20 && read < 2500, "%d texts were read", read); /* both ends are met */
    (void)arena;
    end(&t);
}

/* ---- verification: of what the constructor would not have made */
static void test_verification(Graph *g, Arena *arena) {
    Group t = {"verification", false};
    Node *a = arg_of(g, 0, DT_f32, DIMS(2)), *hole = ir_hole(g, a->type), *sum = ir_sum(g, a, 1, INTS(0));
    const char *why;
#define VERIFY(params, result, settled) func_verify(arena, g, func_make(g, params, &a->type, 1, (Node *[]){result}), settled)
    why = VERIFY(1, ir_exp(g, hole), false);
    expect(&t, why && strstr(why, "a hole is left"), "a hole: %s", why);
    why = VERIFY(0, a, false);
    expect(&t, why && strstr(why, "no such argument"), "an argument too many: %s", why);
    why = func_verify(arena, g, func_make(g, 1, (const Type *[]){sum->type}, 1, &a), false);
    expect(&t, why && strstr(why, "the argument has another type"), "an argument of another type: %s", why);
    why = VERIFY(1, sum, true);
    expect(&t, !VERIFY(1, sum, false) && why && strstr(why, "order is not fixed"), "a sum without order: %s", why);
    expect(&t, !VERIFY(1, with_order(g, sum, ORDER_CHAIN, 0, 0), true), "a sum with order");
    why = VERIFY(1, ir_mark(g, a), true);
    expect(&t, !VERIFY(1, ir_mark(g, a), false) && why && strstr(why, "must not be left"), "a mark: %s", why);
    Node broken = *ir_exp(g, a);
    broken.type = sum->type;
    why = VERIFY(1, &broken, false);
    expect(&t, why && strstr(why, "not the one its operands give") && strstr(why, "operand 0: "), "another type: %s", why);
    broken = *ir_exp(g, a);
    Node *self = &broken;
    broken.args = &self;
    broken.n_args = 0;
    why = VERIFY(1, &broken, false);
    expect(&t, why && strstr(why, "takes 1 operand"), "an operand less: %s", why);
    Attrs at = {.axis = 1};
    broken = *ir_exp(g, a);
    broken.at = &at;
    why = VERIFY(1, &broken, false);
    expect(&t, why && strstr(why, "not its: axis"), "an attribute more: %s", why);
    Node *out[1], *c = ir_hole(g, a->type), *next = ir_mark(g, c);
    ir_scan_region(g, &(Region){1, 0, 0, &c, NULL, &next, NULL, &a, NULL, 3, false}, out);
    why = VERIFY(1, out[0], true);
    expect(&t, !VERIFY(1, out[0], false) && why && strstr(why, "must not be left"), "in a body: %s", why);
    end(&t);
}
int main(void) {
    Arena *arena = arena_new("test");
    Graph *g = graph_new(arena);
    test_interning(g);
    test_mean(g);
    test_errors(g);
    test_limits();
    test_walks(g, arena);
    test_regions(g, arena);
    test_rewriting(g, arena);
    test_text(g, arena);
    test_sample(g, arena);
    test_reading_errors(g, arena);
    test_damaged_text(arena);
    test_verification(g, arena);
    arena_free(arena);
    return failed_groups != 0;
}

/* builtin_reduce.c: primitives along axes: sums and means, the largest, cumulative ones, and the mean across the batch.
 */
#include "builtin.h"

typedef struct Axes {
    int n, v[RANK_LIMIT];
    bool keep;
} Axes;
static bool axes_of(Eval *e, const BuiltinCall *call, const Value *v, Axes *axes) {
    i64 list[RANK_LIMIT];
    *axes = (Axes){.n = v->shape.rank};
    for (int i = 0; i < axes->n; i++) axes->v[i] = i;
    if (call->named[1] && !need_bool(e, call->c, call->named[1], call->named_spans[1], "`keep`", &axes->keep))
        return false;
    if (!call->named[0]) return true;
    if (!need_ints(e, call->c, call->named[0], call->named_spans[0], "`axis`", &axes->n, list, RANK_LIMIT))
        return false;
    for (int i = 0; i < axes->n; i++) {
        i64 a = list[i] < 0 ? list[i] + v->shape.rank : list[i];
        if (a < 0 || a >= v->shape.rank)
            return sema_error(e, call->c, E342, call->named_spans[0], "there is no axis %lld: this is %s",
                              (long long)list[i], value_text(e, v)),
                   false;
        for (int k = 0; k < i; k++)
            if (axes->v[k] == (int)a)
                return sema_error(e, call->c, E354, call->named_spans[0], "axis %lld is given twice",
                                  (long long)list[i]),
                       false;
        axes->v[i] = (int)a;
    }
    return true;
}
static bool reduces(const Axes *axes, int axis) {
    for (int i = 0; i < axes->n; i++)
        if (axes->v[i] == axis) return true;
    return false;
}
static Shape reduced(const Shape *s, const Axes *axes) {
    Shape r = {0};
    for (int i = 0; i < s->rank; i++) {
        bool gone = reduces(axes, i);
        if (gone && !axes->keep) continue;
        if (gone || (s->stretch >> i & 1)) r.stretch |= 1u << r.rank;
        r.dims[r.rank++] = gone ? 1 : s->dims[i];
    }
    return r;
}
typedef Node *Reduction(Graph *g, Node *x, int n_axes, const int *axes);
static Node *reduce_node(Eval *e, Value *v, const Axes *axes, const Shape *shape, Element element, Reduction *build) {
    Node *node = node_cast(e, value_node(e, v), element_dtype(e, element));
    if (!node) return NULL;
    int list[RANK_LIMIT];
    i64 dims[RANK_MAX];
    int nf = frames_count(v->frames);
    for (int i = 0; i < axes->n; i++) list[i] = nf + axes->v[i];
    node = build(e->graph, node, axes->n, list);
    if (!axes->keep) return node;
    for (int i = 0; i < nf; i++) dims[i] = node->type->dims[i];
    for (int i = 0; i < shape->rank; i++) dims[nf + i] = shape->dims[i];
    return ir_reshape(e->graph, node, nf + shape->rank, dims);
}
static Value *reduce(Eval *e, const BuiltinCall *call, Value *v, bool real, Reduction *build) {
    Axes axes;
    if (!axes_of(e, call, v, &axes)) return value_poison(e);
    Element element = v->element.kind == ELEMENT_INT && !real ? v->element : element_real();
    Shape shape = reduced(&v->shape, &axes);
    return result_like(e, v, element, &shape, reduce_node(e, v, &axes, &shape, element, build));
}
/* Of a record: over all its numbers, leaf by leaf in order. */
static Value *record_sum(Eval *e, const BuiltinCall *call, Value *record, Value **size) {
    Value *total = NULL;
    if (call->named[0] || call->named[1])
        return sema_poison(e, call->c, E321, call->span, "a record has no axes: `%s(r)` is over all its numbers",
                           call->builtin->name);
    double n = 0;
    for (int i = 0; i < record->n; i++) {
        Value *leaf = record->items[i], *s = reduce(e, call, leaf, true, ir_sum);
        total = total ? operate(e, call->c, call->span, OPERATOR_ADD, total, s) : s;
        n += (double)shape_count(&leaf->shape);
    }
    *size = value_real(e, n);
    return total ? total : value_real(e, 0);
}
BuiltinHandler builtin_sum, builtin_mean, builtin_max, builtin_min, builtin_argmax, builtin_argmin, builtin_top_k,
    builtin_cumsum, builtin_cumprod, builtin_batch_mean;
Value *builtin_sum(Eval *e, const BuiltinCall *call) {
    Value *v = call->v[0], *size;
    if (!numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    return v->kind == VALUE_RECORD ? record_sum(e, call, v, &size) : reduce(e, call, v, false, ir_sum);
}
Value *builtin_mean(Eval *e, const BuiltinCall *call) {
    Value *v = call->v[0], *size;
    if (!numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    if (v->kind != VALUE_RECORD) return reduce(e, call, v, true, ir_mean);
    Value *sum = record_sum(e, call, v, &size);
    return value_is_poison(sum) ? sum : operate(e, call->c, call->span, OPERATOR_DIVIDE, sum, size);
}
static Value *largest(Eval *e, const BuiltinCall *call, Reduction *build) {
    Value *v = call->v[0];
    if (!numeric(e, call->c, v, call->spans[0]) || !argument_tensor(e, call, 0, 0)) return value_poison(e);
    return reduce(e, call, v, false, build);
}
Value *builtin_max(Eval *e, const BuiltinCall *call) { return largest(e, call, ir_amax); }
Value *builtin_min(Eval *e, const BuiltinCall *call) { return largest(e, call, ir_amin); }

/* ---- along the last axis ---- */
static Value *arg_largest(Eval *e, const BuiltinCall *call, bool smallest) {
    Value *v = argument_tensor(e, call, 0, 1);
    if (!v || !numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    Shape shape = v->shape;
    shape.rank--;
    shape.stretch &= ~(1u << shape.rank);
    Node *node = node_cast(e, value_node(e, v), e->real);
    if (node) node = ir_argmax(e->graph, smallest ? ir_neg(e->graph, node) : node);
    Value *r = result_like(e, v, element_class(v->shape.dims[shape.rank]), &shape, node);
    r->deps = NULL;
    return r;
}
Value *builtin_argmax(Eval *e, const BuiltinCall *call) { return arg_largest(e, call, false); }
Value *builtin_argmin(Eval *e, const BuiltinCall *call) { return arg_largest(e, call, true); }
Value *builtin_top_k(Eval *e, const BuiltinCall *call) {
    Value *v = argument_tensor(e, call, 0, 1);
    i64 k;
    if (!v || !numeric(e, call->c, v, call->spans[0]) || !need_int(e, call->c, call->v[1], call->spans[1], "k", &k))
        return value_poison(e);
    Shape shape = v->shape;
    i64 n = shape.dims[shape.rank - 1];
    if (k != OPEN && n != OPEN && (k < 1 || k > n))
        return sema_poison(e, call->c, E342, call->spans[1], "the %lld largest of %lld", (long long)k, (long long)n);
    shape.dims[shape.rank - 1] = k;
    Node *node = node_cast(e, value_node(e, v), e->real), *places = node ? ir_top(e->graph, node, k) : NULL;
    int last = node ? node->type->rank - 1 : 0;
    Value *parts[] = {
        result_like(e, v, element_real(), &shape, node ? ir_take(e->graph, node, places, last, last) : NULL),
        result_like(e, v, element_class(n), &shape, places)};
    parts[1]->deps = NULL;
    return value_tuple(e, 2, parts);
}
static Value *cumulative(Eval *e, const BuiltinCall *call, Node *(*build)(Graph *g, Node *x, int axis)) {
    Value *v = argument_tensor(e, call, 0, 1);
    if (!v || !numeric(e, call->c, v, call->spans[0])) return value_poison(e);
    Element element = v->element.kind == ELEMENT_INT ? v->element : element_real();
    Node *node = node_cast(e, value_node(e, v), element_dtype(e, element));
    return result_like(e, v, element, &v->shape, node ? build(e->graph, node, node->type->rank - 1) : NULL);
}
Value *builtin_cumsum(Eval *e, const BuiltinCall *call) { return cumulative(e, call, ir_cumsum); }
Value *builtin_cumprod(Eval *e, const BuiltinCall *call) { return cumulative(e, call, ir_cumprod); }

/* ---- across the batch ---- */
typedef struct Across {
    const Context *c;
    Frames frames;
} Across;
/* In evaluations the rows that fill up the last batch do not count. */
static Node *mean_across(Eval *e, const Across *a, Value *v) {
    Frames across = a->frames & v->frames;
    Node *node = node_cast(e, value_node(e, v), e->real),
         *rows = across & 1 && a->c->frames[0]->kind == FRAME_EXAMPLE ? valid_rows(e, a->c) : NULL;
    int axes[RANK_MAX], n = 0;
    i64 others = 1;
    if (!node || !across) return node;
    for (int bit = 0; bit < a->c->n_frames; bit++) {
        if (!(across >> bit & 1)) continue;
        axes[n++] = frames_place(v->frames, bit);
        if (bit) others *= a->c->frames[bit]->n;
    }
    if (!rows) return ir_mean(e->graph, node, n, axes);
    int place = 0;
    Graph *g = e->graph;
    rows = ir_broadcast(g, rows, node->type->rank, node->type->dims, &place);
    Node *sum = ir_sum(g, ir_select(g, rows, node, ir_fill(g, 0, node->type)), n, axes);
    Node *count = ir_scale(g, ir_cast(g, input_hole(e, a->c->inputs, INPUT_VALID), e->real), (double)others);
    return ir_div(g, sum, ir_broadcast(g, count, sum->type->rank, sum->type->dims, NULL));
}
static Value *mean_leaf(Eval *e, Value *v, void *context) {
    const Across *a = context;
    Value *r = result_like(e, v, element_real(), &v->shape, mean_across(e, a, v));
    r->frames = v->frames & ~a->frames;
    r->coupled = v->coupled | (v->frames & a->frames);
    return r;
}
Value *builtin_batch_mean(Eval *e, const BuiltinCall *call) {
    const Context *c = call->c;
    Across a = {.c = c};
    if (!numeric(e, c, call->v[0], call->spans[0])) return value_poison(e);
    for (int bit = c->batch_from; bit < c->n_frames; bit++)
        if (c->frames[bit]->kind != FRAME_ROUND) a.frames |= 1u << bit;
    if (!a.frames && c->where != WHERE_PARAMS)
        return sema_poison(e, c, E410, call->span, "`batch_mean` is over the examples of a step, and there are none here");
    if (c->where == WHERE_PREDICT && c->batch_from == 0) {
        Message *m =
            sema_error(e, c, E411, call->span, "`predict` takes rows one by one, nothing can look across them");
        message_help(m, "keep a state while training (batch_norm with running=true does) and use it here");
        return value_poison(e);
    }
    if (e->batch_seen) e->batch_seen(e, c, call->span, a.frames);
    return value_map(e, call->v[0], mean_leaf, &a);
}

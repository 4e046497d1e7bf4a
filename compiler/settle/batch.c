/* batch.c: see batch.h. The rules follow op.def's lift column: what says how an operator carries one more axis says where an
** axis that is already there goes. */
#include "batch.h"
#include "match.h"

typedef struct Trace {
    BatchAxes *b;
    Graph *g;
} Trace;
typedef int Rule(Trace *t, const Node *node, const int *in);

/* What a scan's axes are, in the table under the scan. */
typedef struct ScanAxes {
    int *params, *results;
} ScanAxes;

static int join(int a, int b) { return a == NO_BATCH ? b : b == NO_BATCH || a == b ? a : BATCH_MIXED; }
static int batch_never(Trace *t, const Node *node, const int *in) { (void)t, (void)node, (void)in; return NO_BATCH; }
static int batch_map(Trace *t, const Node *node, const int *in) {
    (void)t;
    int axis = NO_BATCH;
    for (int i = 0; i < node->n_args; i++) axis = join(axis, in[i]);
    if (node->op == OP_top && axis == node->type->rank - 1) return BATCH_MIXED;
    return axis;
}
static int batch_random(Trace *t, const Node *node, const int *in) { (void)t, (void)node; return join(in[2], in[3]); }

/* The axis of the new shape that holds exactly the old axis. */
static int through_reshape(const Node *node, int axis) {
    const Type *from = node->args[0]->type, *to = node->type;
    i64 before = 1, n = 1;
    for (int i = 0; i < axis; i++) before *= from->dims[i];
    for (int i = 0; i < to->rank; n *= to->dims[i++])
        if (n == before && to->dims[i] == from->dims[axis]) return i;
    return BATCH_MIXED;
}
static int batch_axes(Trace *t, const Node *node, const int *in) {
    (void)t;
    int axis = in[0], shift = 0;
    const Attrs *at = node->at;
    if (node->op == OP_concat)
        for (int i = 1; i < node->n_args; i++) axis = join(axis, in[i]);
    if (axis < 0) return axis;
    switch ((int)node->op) {
    case OP_reshape: return through_reshape(node, axis);
    case OP_transpose: return list_place(at->perm, axis);
    case OP_broadcast: return (int)at->dims.v[axis];
    case OP_affine:
    case OP_concat: return at->axis == axis ? BATCH_MIXED : axis;
    case OP_sum:
    case OP_amax:
        for (int i = 0; i < at->axes.n; i++) {
            if (at->axes.v[i] == axis) return NO_BATCH;
            shift += at->axes.v[i] < axis;
        }
        return axis - shift;
    default: nnc_bug("no rule for the batch through %s", op_name(node->op));
    }
}
static int through_dot_side(const Node *node, int side, int axis) {
    const Attrs *at = node->at;
    List batch = side ? at->rb : at->lb, contracted = side ? at->rc : at->lc;
    if (axis < 0) return axis;
    if (list_has(batch, axis)) return list_place(batch, axis);
    return list_has(contracted, axis) ? NO_BATCH : dot_result_axis(node, side, axis);
}
static int batch_dot(Trace *t, const Node *node, const int *in) {
    (void)t;
    return join(through_dot_side(node, 0, in[0]), through_dot_side(node, 1, in[1]));
}
/* x [B.. P.. n R..], i [B.. I..] -> take [B.. P.. I.. R..]; put is the way back. */
static int batch_take(Trace *t, const Node *node, const int *in) {
    (void)t;
    int axis = (int)node->at->axis, batch = (int)node->at->batch, n_index = node->args[1]->type->rank - batch;
    int value = in[0], index = in[1];
    if (index >= batch) index = node->op == OP_take ? index - batch + axis : NO_BATCH;
    if (node->op == OP_take && value >= axis) value = value == axis ? BATCH_MIXED : value + n_index - 1;
    if (node->op == OP_put && value >= axis) value = value < axis + n_index ? NO_BATCH : value - n_index + 1;
    return join(value, index);
}
static int *trace_func(Trace *t, const Func *f, const int *params);

/* The carried axes are a fixed point: what becomes the batch stays it. */
static int batch_scan(Trace *t, const Node *node, const int *in) {
    const Func *body = node->at->body;
    int carry = (int)node->at->carry, first_x = carry + (int)node->at->constants;
    ScanAxes *s = ARENA_NEW(t->b->arena, ScanAxes);
    s->params = ARENA_ARRAY(t->b->arena, int, body->n_params + 1);
    for (int i = 0; i < body->n_params; i++) s->params[i] = i < first_x || in[i] < 0 ? in[i] : in[i] == 0 ? BATCH_MIXED : in[i] - 1;
    for (bool again = true; again;) {
        BatchAxes inner = {.arena = t->b->arena, .axis.arena = t->b->arena};
        s->results = trace_func(&(Trace){&inner, t->g}, body, s->params);
        again = false;
        for (int i = 0; i < carry; i++) {
            int axis = join(s->params[i], s->results[i]);
            if (axis != s->params[i]) s->params[i] = axis, again = true;
            s->results[i] = axis;
        }
    }
    for (int i = carry; i < body->n_results; i++)
        if (s->results[i] >= 0) s->results[i]++;
    nodemap_set(&t->b->axis, node, s);
    return NO_BATCH;
}
static Rule *const rules[OP_COUNT] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) [OP_##name] = batch_##lift,
#include "../ir/op.def"
#undef OP
};

/* An axis is kept in the table as a pointer that is never NULL. */
static void *packed(BatchAxes *b, int axis) {
    int *cell = ARENA_NEW(b->arena, int);
    *cell = axis;
    return cell;
}
int batch_axis(const BatchAxes *b, const Node *node) {
    if (node->op == OP_scan) return NO_BATCH;
    const int *cell = nodemap_get(&b->axis, node);
    nnc_check(cell, "the batch axis of a node that was not walked");
    return *cell;
}
const int *batch_scan_params(const BatchAxes *b, const Node *scan) { return ((ScanAxes *)nodemap_get(&b->axis, scan))->params; }

static int *trace_func(Trace *t, const Func *f, const int *params) {
    NodeList nodes = order_walk(t->b->arena, f->results, f->n_results);
    int *results = ARENA_ARRAY(t->b->arena, int, f->n_results + 1);
    for (int i = 0; i < nodes.n; i++) {
        const Node *node = nodes.v[i];
        int *in = ARENA_ARRAY(t->b->arena, int, node->n_args + 1), axis;
        for (int j = 0; j < node->n_args; j++) in[j] = batch_axis(t->b, node->args[j]);
        if (node->op == OP_arg) axis = params[node->at->index];
        else if (node->op == OP_get) axis = ((ScanAxes *)nodemap_get(&t->b->axis, node->args[0]))->results[node->at->index];
        else axis = rules[node->op](t, node, in);
        if (node->op != OP_scan) nodemap_set(&t->b->axis, node, packed(t->b, axis));
    }
    for (int i = 0; i < f->n_results; i++) results[i] = batch_axis(t->b, f->results[i]);
    return results;
}
void batch_find(BatchAxes *b, Graph *g, const Func *f, const int *params) { trace_func(&(Trace){b, g}, f, params); }

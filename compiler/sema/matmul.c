/* matmul.c: a @ b, NumPy's. Frames and leading axes of both are batch axes of one `dot`; those of one alone stay free
*axes of
** it, so a weight shared by all examples is never copied. */
#include "builtin.h"

/* Each axis of an operand has a label; the result has the labels of both, in rising order. */
enum { LABEL_VISIBLE = FRAME_LIMIT, LABEL_ROW = LABEL_VISIBLE + RANK_LIMIT, LABEL_COLUMN, LABEL_CONTRACTED, LABELS };

typedef struct Side {
    Node *node;
    int n, label[RANK_MAX];
    int at[LABELS]; /* axis of a label, -1 */
} Side;
/* `row`: the label of the axis that is neither contracted nor leading (-1: the operand is a vector). */
static Side side_of(Eval *e, Value *v, int contracted, int row_axis, int row, const Shape *lead) {
    Side s = {.node = node_cast(e, value_node(e, v), e->real)};
    i64 dims[RANK_MAX];
    int rank = 0, leads = v->shape.rank - (row_axis >= 0 ? 2 : 1);
    for (int bit = 0; bit < FRAME_LIMIT; bit++)
        if (v->frames >> bit & 1) dims[rank] = s.node->type->dims[rank], s.label[rank++] = bit;
    for (int i = 0; i < v->shape.rank; i++) {
        int from_right = leads - 1 - i;
        bool drop = i < leads && v->shape.dims[i] == 1 && lead->dims[lead->rank - 1 - from_right] != 1;
        if (drop) continue;
        dims[rank] = v->shape.dims[i];
        s.label[rank++] = i == contracted ? LABEL_CONTRACTED : i == row_axis ? row : LABEL_ROW - 1 - from_right;
    }
    s.node = ir_reshape(e->graph, s.node, rank, dims);
    s.n = rank;
    memset(s.at, -1, sizeof s.at);
    for (int i = 0; i < rank; i++) s.at[s.label[i]] = i;
    return s;
}
static Node *product(Eval *e, const Side *l, const Side *r) {
    int lb[RANK_MAX], rb[RANK_MAX], nb = 0, lc = l->at[LABEL_CONTRACTED], rc = r->at[LABEL_CONTRACTED], now[RANK_MAX],
                                    n = 0;
    for (int label = 0; label < LABEL_ROW; label++)
        if (l->at[label] >= 0 && r->at[label] >= 0) lb[nb] = l->at[label], rb[nb++] = r->at[label], now[n++] = label;
    for (int i = 0; i < l->n; i++)
        if (l->label[i] != LABEL_CONTRACTED && (l->label[i] >= LABEL_ROW || r->at[l->label[i]] < 0))
            now[n++] = l->label[i];
    for (int i = 0; i < r->n; i++)
        if (r->label[i] != LABEL_CONTRACTED && (r->label[i] >= LABEL_ROW || l->at[r->label[i]] < 0))
            now[n++] = r->label[i];
    Node *dot = ir_dot(e->graph, l->node, r->node, nb, lb, rb, 1, &lc, &rc);
    int perm[RANK_MAX], k = 0;
    for (int label = 0; label < LABELS; label++)
        for (int i = 0; i < n; i++)
            if (now[i] == label) perm[k++] = i;
    return ir_transpose(e->graph, dot, perm);
}
static Value *mismatch(Eval *e, const Context *c, Span span, Value *a, Value *b, const Span *spans) {
    Message *m =
        sema_error(e, c, E304, span, "`@` of %s and %s: the last axis on the left goes with the %s of the right",
                   value_text(e, a), value_text(e, b), b->shape.rank > 1 ? "last but one" : "only one");
    message_note(m, spans[0], "this is %s", value_text(e, a));
    message_note(m, spans[1], "this is %s", value_text(e, b));
    return value_poison(e);
}
Value *matmul(Eval *e, const Context *c, Span span, Value *a, Value *b, const Span *spans) {
    Value *v[] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (!numeric(e, c, v[i], spans[i]) || empty(e, c, v[i], spans[i])) return value_poison(e);
        if (v[i]->kind != VALUE_TENSOR || v[i]->shape.rank == 0)
            return sema_poison(e, c, E304, spans[i], "`@` needs an axis to sum over, this is %s", value_text(e, v[i]));
    }
    int ra = a->shape.rank, rb = b->shape.rank, k = rb > 1 ? rb - 2 : 0;
    if (!dim_equal(a->shape.dims[ra - 1], b->shape.dims[k])) return mismatch(e, c, span, a, b, spans);
    Shape la = a->shape, lb = b->shape, shape;
    la.rank = ra > 1 ? ra - 2 : 0, lb.rank = rb > 1 ? rb - 2 : 0;
    la.stretch &= (1u << la.rank) - 1, lb.stretch &= (1u << lb.rank) - 1;
    if (!shapes_align(2, (const Shape *[]){&la, &lb}, &shape)) return mismatch(e, c, span, a, b, spans);
    Shape lead = shape;
    if (ra > 1) shape.dims[shape.rank++] = a->shape.dims[ra - 2];
    if (rb > 1) shape.dims[shape.rank++] = b->shape.dims[rb - 1];
    Value *r = value_tensor(e, element_real(), &shape, a->frames | b->frames, NULL);
    r->deps = deps_join(e, a->deps, b->deps), r->coupled = a->coupled | b->coupled,
    r->averaged = a->averaged || b->averaged;
    if (frames_count(r->frames) + shape.rank > RANK_LIMIT)
        return sema_poison(e, c, E280, span, "a value of more than %d axes, mapped ones counted", RANK_LIMIT);
    if (!value_node(e, a) || !value_node(e, b)) return r;
    Side l = side_of(e, a, ra - 1, ra > 1 ? ra - 2 : -1, LABEL_ROW, &lead),
         s = side_of(e, b, k, rb > 1 ? rb - 1 : -1, LABEL_COLUMN, &lead);
    r->node = product(e, &l, &s);
    limit_check(e, c, span);
    return r;
}

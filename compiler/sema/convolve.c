/* convolve.c: products over windows and reductions of windows: convolve(x, w, ..), max and average pools, over one to
*three axes
** of space. Windows are only addressed (ir_window), never stored.
**
** x is [.., space.., c], w [kernel.., c / groups, f], so w's rank says how many axes are space; the axes of x in front
*of them
** are mapped. As in a matrix product, frames of both are batch axes of the `dot` and those of one alone free ones: a
*shared
** weight is never copied, and weights that differ from task to task are one product. */
#include "builtin.h"

enum { SPACE_MOST = 3 };
BuiltinHandler builtin_convolve, builtin_max_pool, builtin_avg_pool;

/* Along one axis of space. */
typedef struct Along {
    i64 n, size, stride, padding, dilation, dilate, out;
} Along;

/* ---- settings ---- */
/* A number for all axes, or one for each. */
static bool numbers(Eval *e, const BuiltinCall *call, const Value *v, Span span, const char *what, int space, i64 least,
                    i64 *to) {
    int n;
    i64 list[SPACE_MOST];
    if (!need_ints(e, call->c, v, span, arena_printf(e->arena, "`%s`", what), &n, list, SPACE_MOST)) return false;
    if (n != 1 && n != space)
        return sema_error(e, call->c, E329, span,
                          "`%s` is one number, or one for each of %d axes of space; %d are given", what, space, n),
               false;
    for (int i = 0; i < space; i++) {
        to[i] = list[n == 1 ? 0 : i];
        if (to[i] != OPEN && (to[i] < least || to[i] > INT32_MAX))
            return sema_error(e, call->c, E329, span, "`%s` is at least %lld, this is %lld", what, (long long)least,
                              (long long)to[i]),
                   false;
    }
    return true;
}
static bool setting(Eval *e, const BuiltinCall *call, int at, const char *what, int space, i64 least, i64 otherwise,
                    i64 *to) {
    for (int i = 0; i < space; i++) to[i] = otherwise;
    return !call->named[at] || numbers(e, call, call->named[at], call->named_spans[at], what, space, least, to);
}

/* ---- sizes ---- */
static const char *sizes_text(Eval *e, const Along *along, int space, bool kernel) {
    Text t = {.arena = e->arena};
    for (int i = 0; i < space; i++) {
        i64 n = kernel ? along[i].size : along[i].n;
        if (n == OPEN)
            text_add(&t, i ? " x ?" : "?");
        else
            text_printf(&t, i ? " x %lld" : "%lld", (long long)n);
    }
    return text_done(&t);
}
static bool too_large(Eval *e, const BuiltinCall *call, const Along *along, int space, int axis) {
    const Along *a = &along[axis];
    i64 n = (a->n - 1) * a->dilate + 1 + 2 * a->padding, reach = (a->size - 1) * a->dilation + 1;
    Message *m = sema_error(e, call->c, E328, call->span, "a window of %s is larger than the %s it goes over",
                            sizes_text(e, along, space, true), sizes_text(e, along, space, false));
    message_note(m, call->spans[0], "this is %s: axis %d is %lld%s, the window reaches over %lld",
                 value_text(e, call->v[0]), axis, (long long)n, a->padding ? " with its padding" : "",
                 (long long)reach);
    message_help(m, "a smaller window, fewer layers that shrink the picture, or padding");
    return false;
}
/* Items at the end that no window reads, where windows touch: a stride longer than the window leaves out more on
 * purpose. */
static void dropped(Eval *e, const BuiltinCall *call, const Along *a, int axis, const char *what) {
    i64 reach = (a->size - 1) * a->dilation + 1, last = (a->out - 1) * a->stride + reach - 1 - a->padding;
    i64 left = a->n - 1 - last / a->dilate;
    if (left <= 0 || a->stride > reach) return;
    Message *m = sema_warning(e, call->c, W709, call->span, "a stride of %lld drops the last %lld of %lld %s",
                              (long long)a->stride, (long long)left, (long long)a->n, what);
    message_note(m, call->spans[0], "this is %s, axis %d of space", value_text(e, call->v[0]), axis);
}
static bool outputs(Eval *e, const BuiltinCall *call, Along *along, int space) {
    static const char *const what[][SPACE_MOST] = {{"items"}, {"rows", "columns"}, {"planes", "rows", "columns"}};
    for (int i = 0; i < space; i++) {
        Along *a = &along[i];
        a->out = OPEN;
        if (a->n == OPEN || a->size == OPEN || a->stride == OPEN || a->padding == OPEN || a->dilation == OPEN ||
            a->dilate == OPEN)
            continue;
        i64 reach = (a->size - 1) * a->dilation + 1, room = (a->n - 1) * a->dilate + 1 + 2 * a->padding - reach;
        if (room < 0) return too_large(e, call, along, space, i);
        a->out = room / a->stride + 1;
        dropped(e, call, a, i, what[space - 1][i]);
    }
    return true;
}
/* [axes.., n.., rest..] -> [axes.., out, size, .., rest..] */
static Node *windows(Eval *e, Node *x, int first, const Along *along, int space) {
    for (int i = 0; i < space; i++) {
        const Along *a = &along[i];
        x = ir_window(e->graph, x, first + 2 * i, a->size, a->stride, a->dilation, a->padding, a->padding,
                      a->dilate - 1, 0);
    }
    return x;
}

/* ---- convolve ---- */
typedef struct Convolution {
    Value *x, *w;
    int space, lead; /* axes of space; visible ones of x in front of them */
    Along along[SPACE_MOST];
    i64 groups;
    i64 channels, filters; /* of w: c / groups, f */
} Convolution;
static Value *mismatch(Eval *e, const BuiltinCall *call, const char *why) {
    Message *m = sema_error(e, call->c, E329, call->span, "`convolve` of %s with %s: %s", value_text(e, call->v[0]),
                            value_text(e, call->v[1]), why);
    message_note(m, call->spans[0], "this is %s", value_text(e, call->v[0]));
    message_note(m, call->spans[1], "this is %s", value_text(e, call->v[1]));
    return value_poison(e);
}
static bool groups_fit(Eval *e, const BuiltinCall *call, Convolution *v) {
    i64 c = v->x->shape.dims[v->x->shape.rank - 1];
    v->groups = 1;
    if (call->named[3] && !numbers(e, call, call->named[3], call->named_spans[3], "groups", 1, 1, &v->groups))
        return false;
    if (c == OPEN || v->channels == OPEN || v->filters == OPEN || v->groups == OPEN) return true;
    if (c % v->groups || v->filters % v->groups)
        return mismatch(e, call,
                        arena_printf(e->arena, "%lld groups do not divide %lld channels and %lld filters",
                                     (long long)v->groups, (long long)c, (long long)v->filters)),
               false;
    if (v->channels * v->groups == c) return true;
    return mismatch(e, call,
                    arena_printf(
                        e->arena, "the picture has %lld channels%s, the weights are for %lld", (long long)c,
                        v->groups > 1 ? arena_printf(e->arena, ", %lld in each group", (long long)(c / v->groups)) : "",
                        (long long)v->channels)),
           false;
}
static bool convolution_of(Eval *e, const BuiltinCall *call, Convolution *v) {
    v->x = call->v[0], v->w = call->v[1];
    for (int i = 0; i < 2; i++)
        if (!numeric(e, call->c, call->v[i], call->spans[i]) || !argument_tensor(e, call, i, 2)) return false;
    v->space = v->w->shape.rank - 2, v->lead = v->x->shape.rank - 1 - v->space;
    if (v->space < 1 || v->space > SPACE_MOST || v->lead < 0)
        return mismatch(e, call,
                        "weights are [kernel.., channels, filters] for a picture [space.., channels] of as many axes "
                        "of space, one to three"),
               false;
    v->channels = v->w->shape.dims[v->space], v->filters = v->w->shape.dims[v->space + 1];
    i64 stride[SPACE_MOST], padding[SPACE_MOST], dilation[SPACE_MOST], dilate[SPACE_MOST];
    if (!setting(e, call, 0, "stride", v->space, 1, 1, stride) ||
        !setting(e, call, 1, "padding", v->space, 0, 0, padding) ||
        !setting(e, call, 2, "dilation", v->space, 1, 1, dilation) ||
        !setting(e, call, 4, "dilate", v->space, 1, 1, dilate))
        return false;
    for (int i = 0; i < v->space; i++)
        v->along[i] = (Along){.n = v->x->shape.dims[v->lead + i],
                              .size = v->w->shape.dims[i],
                              .stride = stride[i],
                              .padding = padding[i],
                              .dilation = dilation[i],
                              .dilate = dilate[i]};
    return groups_fit(e, call, v) && outputs(e, call, v->along, v->space);
}
/* The last axis cut in groups: [.., c] -> [.., groups, c / groups]. */
static Node *grouped(Eval *e, Node *x, i64 groups) {
    i64 dims[RANK_MAX];
    int rank = x->type->rank;
    if (groups == 1) return x;
    memcpy(dims, x->type->dims, sizeof *dims * (size_t)rank);
    dims[rank] = dims[rank - 1] / groups, dims[rank - 1] = groups;
    return ir_reshape(e->graph, x, rank + 1, dims);
}
typedef struct AxisList {
    int n, v[RANK_MAX];
} AxisList;
static void axis_add(AxisList *list, int axis) { list->v[list->n++] = axis; }
/* The product over the windows, its axes in the order [frames, lead, out.., groups?, filters]. */
static Node *product(Eval *e, const Convolution *v, Node *x, Node *w) {
    Frames both = v->x->frames & v->w->frames;
    int fx = frames_count(v->x->frames), fw = frames_count(v->w->frames), first = fx + v->lead, group = v->groups > 1;
    AxisList lb = {0}, rb = {0}, lc = {0}, rc = {0};
    for (int bit = 0; bit < FRAME_LIMIT; bit++)
        if (both >> bit & 1)
            axis_add(&lb, frames_place(v->x->frames, bit)), axis_add(&rb, frames_place(v->w->frames, bit));
    int n_both = lb.n, end = first + 2 * v->space;
    if (group) axis_add(&lb, end), axis_add(&rb, fw + v->space + 1);
    for (int i = 0; i < v->space; i++) axis_add(&lc, first + 2 * i + 1), axis_add(&rc, fw + i);
    axis_add(&lc, end + group), axis_add(&rc, fw + v->space);
    Node *dot = ir_dot(e->graph, x, w, lb.n, lb.v, rb.v, lc.n, lc.v, rc.v);
    /* batch: frames of both, groups; left: frames of x, lead, out; right: frames of w, filters */
    int perm[RANK_MAX], n = 0, at_both = 0, at_x = n_both + group, at_w = at_x + (fx - n_both) + v->lead + v->space;
    for (int bit = 0; bit < FRAME_LIMIT; bit++) {
        if (both >> bit & 1)
            perm[n++] = at_both++;
        else if (v->x->frames >> bit & 1)
            perm[n++] = at_x++;
        else if (v->w->frames >> bit & 1)
            perm[n++] = at_w++;
    }
    for (int i = 0; i < v->lead + v->space; i++) perm[n++] = at_x++;
    if (group) perm[n++] = n_both;
    perm[n++] = at_w;
    return node_transpose(e, dot, perm);
}
static Node *convolution_node(Eval *e, const Convolution *v, Frames frames, const Shape *shape) {
    Node *x = node_cast(e, value_node(e, v->x), e->real), *w = node_cast(e, value_node(e, v->w), e->real);
    if (!x || !w || !shape_closed(shape)) return NULL;
    x = windows(e, grouped(e, x, v->groups), frames_count(v->x->frames) + v->lead, v->along, v->space);
    Node *y = product(e, v, x, grouped(e, w, v->groups));
    i64 dims[RANK_MAX];
    int rank = frames_count(frames) + shape->rank;
    memcpy(dims, y->type->dims, sizeof *dims * (size_t)rank);
    dims[rank - 1] = shape->dims[shape->rank - 1];
    return ir_reshape(e->graph, y, rank, dims);
}
Value *builtin_convolve(Eval *e, const BuiltinCall *call) {
    Convolution v = {0};
    if (!convolution_of(e, call, &v)) return value_poison(e);
    Shape shape = v.x->shape;
    shape.stretch &= (1u << v.lead) - 1;
    for (int i = 0; i < v.space; i++) shape.dims[v.lead + i] = v.along[i].out;
    shape.dims[shape.rank - 1] = v.filters;
    Value *r = value_tensor(e, element_real(), &shape, v.x->frames | v.w->frames, NULL);
    r->deps = deps_join(e, v.x->deps, v.w->deps), r->coupled = v.x->coupled | v.w->coupled,
    r->averaged = v.x->averaged || v.w->averaged;
    if (frames_count(r->frames) + shape.rank > RANK_LIMIT)
        return sema_poison(e, call->c, E280, call->span, "a value of more than %d axes, mapped ones counted",
                           RANK_LIMIT);
    r->node = convolution_node(e, &v, r->frames, &shape);
    return r;
}

/* ---- pools ---- */
typedef Node *Reduction(Graph *g, Node *x, int n_axes, const int *axes);
/* The scalar below which this is cut off, where(x <= t, t, x); NULL: it is something else. */
static Node *cut_off(const Node *node) {
    if (node->op != OP_select || node->args[0]->op != OP_max || node->args[1]->op != OP_broadcast) return NULL;
    const Node *below = node->args[0]->args[0], *at = node->args[0]->args[1];
    Node *t = node->args[1], *x = node->args[2];
    if (below->op != OP_lt || below->args[0] != x || below->args[1] != t) return NULL;
    if (at->op != OP_eq || at->args[0] != x || at->args[1] != t) return NULL;
    return t->args[0]->type->rank ? NULL : t->args[0];
}
/* The largest of relu(x) is relu of the largest, and their gradients are the same: no window with a positive element has another
 * first largest, and from the others nothing comes back. There are fewer elements to do it for, and no reason to keep all of relu(x). */
static Node *largest(Graph *g, Node *x, int n_axes, const int *axes) {
    Node *views[2 * SPACE_MOST], *under = x;
    int n = 0;
    while (n < COUNT_OF(views) && (under->op == OP_affine || under->op == OP_broadcast)) views[n++] = under, under = under->args[0];
    Node *t = cut_off(under), *y = t ? under->args[2] : NULL;
    if (!t) return ir_amax(g, x, n_axes, axes);
    while (n--) y = node_make(g, views[n]->op, 1, &y, views[n]->at);
    y = ir_amax(g, y, n_axes, axes);
    t = ir_broadcast(g, t, y->type->rank, y->type->dims, NULL);
    return ir_select(g, ir_le(g, y, t), t, y);
}
/* How many axes of space the name says: max_pool2d. */
static int space_of(const BuiltinCall *call) { return call->builtin->name[strlen(call->builtin->name) - 2] - '0'; }
static Value *pool(Eval *e, const BuiltinCall *call, Reduction *reduce) {
    Value *v = call->v[0];
    int space = space_of(call), lead = v->shape.rank - 1 - space;
    if (!numeric(e, call->c, v, call->spans[0]) || !argument_tensor(e, call, 0, 0)) return value_poison(e);
    if (lead < 0) {
        Message *m =
            sema_error(e, call->c, E321, call->spans[0], "`%s` is of %d axes of space and one of channels, this is %s",
                       call->builtin->name, space, value_text(e, v));
        message_help(m, "%s", call->builtin->signature);
        return value_poison(e);
    }
    i64 size[SPACE_MOST], stride[SPACE_MOST];
    if (!numbers(e, call, call->v[1], call->spans[1], "size", space, 1, size)) return value_poison(e);
    memcpy(stride, size, sizeof stride);
    if (call->named[0] && !numbers(e, call, call->named[0], call->named_spans[0], "stride", space, 1, stride))
        return value_poison(e);
    Along along[SPACE_MOST];
    for (int i = 0; i < space; i++)
        along[i] =
            (Along){.n = v->shape.dims[lead + i], .size = size[i], .stride = stride[i], .dilation = 1, .dilate = 1};
    if (!outputs(e, call, along, space)) return value_poison(e);
    Shape shape = v->shape;
    for (int i = 0; i < space; i++) shape.dims[lead + i] = along[i].out, shape.stretch &= ~(1u << (lead + i));
    Node *node = shape_closed(&shape) ? node_cast(e, value_node(e, v), e->real) : NULL;
    if (node) {
        int first = frames_count(v->frames) + lead, axes[SPACE_MOST];
        for (int i = 0; i < space; i++) axes[i] = first + 2 * i + 1;
        node = reduce(e->graph, windows(e, node, first, along, space), space, axes);
    }
    return result_like(e, v, element_real(), &shape, node);
}
Value *builtin_max_pool(Eval *e, const BuiltinCall *call) { return pool(e, call, largest); }
Value *builtin_avg_pool(Eval *e, const BuiltinCall *call) { return pool(e, call, ir_mean); }

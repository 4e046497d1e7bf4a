/* scan.c: loops. The body is evaluated abstractly until the frames, elements and dependences of what it carries stop
*growing;
** then, when IR is built, once with holes, and closed into one `scan` node. Compile time does not depend on the length.
**
** Carried are names bound before and bound again in the body, and every slot that a round writes (states, carries,
*states of
** optimizers), in the order of the text and of finding. */
#include "call.h"
#include "../ir/rewrite.h"

typedef struct Carried {
    const char *name; /* a name; NULL: a slot */
    Slot *slot;
    Value *begin;    /* before the loop; NULL: a slot that begins in the first round */
    Value *now;      /* as a round begins: type, frames, dependences; no node */
    int deps;        /* leaves in now->deps */
    Value *in, *out; /* concrete: of the hole, of what it becomes */
} Carried;
typedef struct Loop {
    const Context *c;
    Context inner;
    Scope *scope;
    const Ast *ast;
    i64 length;
    int n;
    Value **sequences;
    VEC(Carried) carried;
    Counters *counters; /* as the loop begins */
    SlotState *slots;
    u32 serial;    /* leaves younger than this are made in the loop */
    Value *result; /* of a round */
    Scope *round;
} Loop;

/* ---- what a body binds ---- */
typedef struct Names {
    Eval *e;
    VEC(const char *) v;
} Names;
static void add_name(Names *names, const char *name) {
    for (int i = 0; i < names->v.n; i++)
        if (names->v.v[i] == name) return;
    vec_push(names->e->arena, &names->v, name);
}
static void assigned(void *context, const Ast *ast) {
    Names *names = context;
    if (ast->kind == AST_function) return;
    if (ast->kind == AST_let)
        for (int i = 0; i < ast->let.names.n; i++) add_name(names, ast->let.names.v[i].text);
    if (ast->kind == AST_minimize)
        for (int i = 0; i < ast->minimize.on.n; i++) add_name(names, ast->minimize.on.v[i].text);
    ast_children(ast, assigned, context);
}
static void find_carried(Eval *e, Loop *l) {
    Names names = {.e = e};
    assigned(&names, l->ast->scan.block);
    for (int i = 0; i < names.v.n; i++) {
        bool own = false;
        for (int k = 0; k < l->ast->scan.names.n; k++) own |= l->ast->scan.names.v[k].text == names.v.v[i];
        const Binding *b = scope_find_here(l->scope, names.v.v[i]);
        if (own || !b || b->resolve || (b->value->kind != VALUE_TENSOR && b->value->kind != VALUE_RECORD)) continue;
        Carried x = {.name = b->name, .begin = b->value, .now = b->value};
        vec_push(e->arena, &l->carried, x);
    }
}
static int carried_slot(const Loop *l, const Slot *s) {
    for (int i = 0; i < l->carried.n; i++)
        if (l->carried.v[i].slot == s) return i;
    return -1;
}

/* ---- a round, abstractly ---- */
static Value *without_node(Eval *e, Value *v, void *context) {
    Value *r = value_tensor(e, v->element, &v->shape, v->frames, NULL);
    (void)context;
    r->deps = v->deps, r->coupled = v->coupled, r->averaged = v->averaged;
    r->shape.stretch = 0;
    return r;
}
static Value *with_carried_leaf(Eval *e, Value *v, void *context) {
    Value *r = value_copy(e, v);
    r->deps = context;
    return r;
}
static const Deps *deps_of(Eval *e, const Value *v) {
    const Deps *d = NULL;
    for (int i = 0; i < value_leaves(v); i++) d = deps_join(e, d, value_leaf(v, i)->deps);
    return d;
}
/* What a round sees of a carried value: the same with a leaf of its own, behind which lie its dependences. */
static Value *as_round_begins(Eval *e, Value *v) {
    const Deps *leaf = deps_carried(e, deps_of(e, v));
    return value_map(e, v, with_carried_leaf, (void *)leaf);
}
static Value *slice_type(Eval *e, const Value *v) {
    Shape s = shape_of(v->shape.rank - 1, v->shape.dims + 1);
    s.stretch = v->shape.stretch >> 1;
    Value *r = value_tensor(e, v->element, &s, v->frames, NULL);
    r->deps = v->deps, r->coupled = v->coupled;
    return r;
}
static void round_begin(Eval *e, Loop *l) {
    counters_restore(l->c->counters, l->counters);
    slots_restore(e, l->slots);
    for (int i = 0; i < e->slots.n; i++) e->slots.v[i]->written = false, e->slots.v[i]->in_loop = true;
    l->round = scope_new(e, l->scope, true);
    l->serial = e->serial + 1;
}
static void round_run(Eval *e, Loop *l, Value **slices) {
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        Value *v = as_round_begins(e, x->in ? x->in : x->now);
        if (x->slot)
            x->slot->now = v;
        else
            bind(e, &l->inner, l->round, x->name, v, scope_find_here(l->scope, x->name)->span);
    }
    for (int i = 0; i < l->n; i++)
        bind(e, &l->inner, l->round, l->ast->scan.names.v[i].text, slices[i], l->ast->scan.names.v[i].span);
    l->result = eval_block(e, &l->inner, l->round, l->ast->scan.block);
    scope_finish(e, &l->inner, l->round);
}
static Value *after_round(const Loop *l, const Carried *x) {
    return x->slot ? x->slot->now : scope_find_here(l->round, x->name)->value;
}

/* ---- the fixed point ---- */
static bool type_kept(Eval *e, const Loop *l, const Carried *x, const Value *before, const Value *after) {
    bool same = before->kind == after->kind && value_leaves(before) == value_leaves(after);
    for (int i = 0; same && i < value_leaves(before); i++) {
        const Value *a = value_leaf(before, i), *b = value_leaf(after, i);
        bool widens = a->element.kind != ELEMENT_CLASS && b->element.kind != ELEMENT_CLASS &&
                      (a->element.kind == ELEMENT_BOOL) == (b->element.kind == ELEMENT_BOOL);
        same = shape_equal(&a->shape, &b->shape) && (element_equal(a->element, b->element) || widens) &&
               value_leaf_name(before, i) == value_leaf_name(after, i);
    }
    if (same || x->slot) return true; /* a slot's end is checked where its block ends */
    const Binding *b = scope_find_here(l->scope, x->name), *a = scope_find_here(l->round, x->name);
    Message *m = sema_error(e, &l->inner, E338, a->span, "`%s` is %s before the loop and %s after a round", x->name,
                            value_text(e, before), value_text(e, after));
    message_note(m, b->span, "bound before the loop here");
    return false;
}
typedef struct Join {
    const Loop *loop;
    bool grown;
} Join;
static Value *join_leaf(Eval *e, Join *j, const Value *a, const Value *b) {
    int before, after;
    Value *r = value_tensor(e, a->element, &a->shape, a->frames | b->frames, NULL);
    for (int i = 0; i < r->shape.rank; i++)
        if (r->shape.dims[i] == OPEN) r->shape.dims[i] = b->shape.dims[i];
    r->shape.stretch = 0;
    if (b->element.kind == ELEMENT_REAL) r->element = b->element;
    r->coupled = a->coupled | b->coupled;
    deps_older(e, a->deps, j->loop->serial, &before);
    r->deps = deps_older(e, deps_join(e, a->deps, b->deps), j->loop->serial, &after);
    j->grown |=
        r->frames != a->frames || r->coupled != a->coupled || r->element.kind != a->element.kind || after != before;
    return r;
}
/* What a slot is before the loop; NULL: it begins in the first round. */
static Value *slot_before(Eval *e, const Loop *l, Slot *s, int i) {
    Value *now = slots_saved_now(l->slots, i);
    return now ? now : s->role <= ROLE_BLOCK_STATE ? slot_first(e, l->c, s) : NULL;
}
static bool join_round(Eval *e, Loop *l, bool *grown) {
    Join j = {.loop = l};
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        Value *after = after_round(l, x), *now = x->now;
        if (value_is_poison(after) || value_is_poison(now)) return false;
        if (!type_kept(e, l, x, now, after)) return false;
        Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(now));
        for (int k = 0; k < value_leaves(now); k++)
            leaves[k] = join_leaf(e, &j, value_leaf(now, k), value_leaf(after, k));
        x->now = value_with_leaves(e, now, leaves);
    }
    for (int i = 0; i < e->slots.n; i++) { /* what this round was the first to write */
        Slot *s = e->slots.v[i];
        if (!s->written || carried_slot(l, s) >= 0 || s->role == ROLE_PARAM) continue;
        if (s->role == ROLE_LOOP && s->carrier > l->c->scans) continue; /* begins anew in each round */
        Value *begin = slot_before(e, l, s, i);
        Carried x = {.slot = s, .now = without_node(e, begin ? begin : s->now, NULL)};
        if (!begin) x.now->deps = NULL;
        vec_push(e->arena, &l->carried, x);
        j.grown = true;
    }
    *grown = j.grown;
    return true;
}
static bool fixed_point(Eval *e, Loop *l) {
    bool nodes = e->nodes, grown = true, fine = true;
    int errors = diag_errors(e->c->diag);
    Value **slices = ARENA_ARRAY(e->arena, Value *, l->n);
    for (int i = 0; i < l->n; i++) slices[i] = slice_type(e, l->sequences[i]);
    for (int i = 0; i < l->carried.n; i++) l->carried.v[i].now = value_map(e, l->carried.v[i].now, without_node, NULL);
    e->nodes = false;
    while (grown && fine) {
        round_begin(e, l);
        round_run(e, l, slices);
        fine = join_round(e, l, &grown) && !value_is_poison(l->result) && diag_errors(e->c->diag) == errors;
    }
    e->nodes = nodes;
    return fine;
}

/* ---- building ---- */
static Node *round_first(Eval *e, const Value *v, Node *node) { /* [frames n ..] -> [n frames ..] */
    int perm[RANK_MAX], nf = frames_count(v->frames);
    for (int i = 0; i < node->type->rank; i++) perm[i] = i == 0 ? nf : i <= nf ? i - 1 : i;
    return node_transpose(e, node, perm);
}
static Node *round_after(Eval *e, const Value *v, Node *node) { /* [n frames ..] -> [frames n ..] */
    int perm[RANK_MAX], nf = frames_count(v->frames);
    for (int i = 0; i < node->type->rank; i++) perm[i] = i < nf ? i + 1 : i == nf ? 0 : i;
    return node_transpose(e, node, perm);
}
typedef struct Build {
    VEC(Node *) carry, x, next, y, initial, xs;
    NodeMap holes; /* of carried names -> their initial values: a slot that begins in a round begins with these */
} Build;
static Node *hole_of(Eval *e, const Context *c, const Value *v) {
    i64 dims[RANK_MAX];
    int rank = 0;
    for (int bit = 0; bit < c->n_frames; bit++)
        if (v->frames >> bit & 1) dims[rank++] = c->frames[bit]->n;
    for (int i = 0; i < v->shape.rank; i++) dims[rank++] = v->shape.dims[i];
    return ir_hole(e->graph, type_get(e->graph, element_dtype(e, v->element), rank, dims));
}
static void build_holes(Eval *e, Loop *l, Build *b, Value **slices) {
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        int n = value_leaves(x->now), at = 0;
        while (x->slot && e->slots.v[at] != x->slot) at++;
        if (x->slot) x->begin = slot_before(e, l, x->slot, at);
        Value **leaves = ARENA_ARRAY(e->arena, Value *, n);
        for (int k = 0; k < n; k++) {
            Value *leaf = leaves[k] = value_copy(e, value_leaf(x->now, k));
            leaf->node = hole_of(e, &l->inner, leaf);
            vec_push(e->arena, &b->carry, leaf->node);
        }
        x->in = value_with_leaves(e, x->now, leaves);
    }
    for (int i = 0; i < l->n; i++) {
        slices[i] = slice_type(e, l->sequences[i]);
        slices[i]->node = hole_of(e, &l->inner, slices[i]);
        vec_push(e->arena, &b->x, slices[i]->node);
        vec_push(e->arena, &b->xs, round_first(e, l->sequences[i], value_node(e, l->sequences[i])));
    }
    Frame *round = l->inner.frames[l->inner.n_frames - 1];
    round->round = ir_hole(e->graph, type_scalar(e->graph, DT_i32));
}
static void build_ends(Eval *e, Loop *l, Build *b) {
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        Value *after = after_round(l, x);
        for (int k = 0; k < value_leaves(x->now); k++) {
            Value *now = value_leaf(x->now, k), *begin = x->begin ? value_leaf(x->begin, k) : NULL;
            vec_push(e->arena, &b->next,
                     value_spread(e, &l->inner, value_leaf(after, k), now->frames, &now->shape, now->element));
            Node *initial = NULL;
            if (begin) initial = value_spread(e, &l->inner, begin, now->frames, &now->shape, now->element);
            if (initial) nodemap_set(&b->holes, b->carry.v[b->initial.n], initial);
            vec_push(e->arena, &b->initial, initial);
        }
    }
}
/* A beginning that stood in the round, with the loop's own beginnings in place of what a round begins with. */
static Node *outside(Eval *e, Loop *l, Build *b, Slot *s) {
    Arena *scratch = arena_new("scratch");
    Node *node;
    substitute(e->graph, scratch, &b->holes, &s->pending, 1, &node);
    NodeList all = order_walk(scratch, &node, 1);
    bool inner = false;
    for (int i = 0; i < all.n && !inner; i++) {
        for (int k = 0; k < b->x.n; k++) inner |= all.v[i] == b->x.v[k];
        for (int k = 0; k < b->carry.n; k++) inner |= all.v[i] == b->carry.v[k] && !b->initial.v[k];
    }
    arena_free(scratch);
    if (!inner) return node;
    Message *m = sema_error(e, l->c, E372, s->span,
                            "`%s` lasts over the rounds of a loop, and its initial value depends on the round", s->path);
    message_help(m, "begin with a number, or with what is bound before the loop");
    return ir_fill(e->graph, 0, node->type);
}
static void build_pending(Eval *e, Loop *l, Build *b) {
    int at = 0;
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        if (x->slot && x->slot->pending) {
            x->slot->pending = outside(e, l, b, x->slot); /* a loop around may be where it begins */
            Value *begin = value_tensor(e, x->now->element, &x->now->shape, x->slot->pending_frames, x->slot->pending);
            if (!x->begin)
                b->initial.v[at] = value_spread(e, &l->inner, begin, x->now->frames, &x->now->shape, x->now->element);
        }
        nnc_check(b->initial.v[at], "`%s` has no beginning", x->slot ? x->slot->path : x->name);
        at += value_leaves(x->now);
    }
}
typedef struct Stack {
    Eval *e;
    Loop *loop;
    Build *build; /* NULL: abstract */
    Node **out;   /* set: the values are taken from the results of the scan */
    int at;
} Stack;
static Value *stack_leaf(Eval *e, Value *v, void *context) {
    Stack *s = context;
    Shape shape = {.rank = v->shape.rank + 1, .dims = {s->loop->length}};
    if (shape.rank + frames_count(v->frames) > RANK_LIMIT)
        return sema_poison(e, s->loop->c, E280, s->loop->ast->span, "a value of more than %d axes, mapped ones counted",
                           RANK_LIMIT);
    for (int i = 0; i < v->shape.rank; i++) shape.dims[i + 1] = v->shape.dims[i];
    if (s->build && !s->out) {
        Shape own = v->shape;
        vec_push(e->arena, &s->build->y, value_spread(e, &s->loop->inner, v, v->frames, &own, v->element));
        return v;
    }
    Value *r = value_tensor(e, v->element, &shape, v->frames, NULL);
    int count;
    r->deps = deps_older(e, v->deps, s->loop->serial, &count);
    r->coupled = v->coupled;
    if (s->out) r->node = round_after(e, v, s->out[s->at++]);
    return r;
}
/* The names and slots after the loop. */
static void bind_ends(Eval *e, Loop *l, Node **out) {
    int at = 0;
    slots_restore(e, l->slots);
    for (int i = 0; i < l->carried.n; i++) {
        Carried *x = &l->carried.v[i];
        Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(x->now));
        for (int k = 0; k < value_leaves(x->now); k++) {
            leaves[k] = value_copy(e, value_leaf(x->now, k));
            if (out) leaves[k]->node = out[at++];
        }
        Value *v = value_with_leaves(e, x->now, leaves);
        if (x->slot)
            slot_set(e, l->c, x->slot, v);
        else
            bind(e, l->c, l->scope, x->name, v, scope_find_here(l->round, x->name)->span);
    }
}
static void close_loop(Eval *e, Loop *l, Build *b, Node **out) {
    Region region = {.n_carry = b->carry.n,
                     .n_xs = b->xs.n,
                     .n_ys = b->y.n,
                     .carry = b->carry.v,
                     .x = b->x.v,
                     .next = b->next.v,
                     .y = b->y.v,
                     .initial = b->initial.v,
                     .xs = b->xs.v,
                     .length = l->length};
    ir_scan_region(e->graph, &region, out);
}
/* One round only: no loop, its values themselves. */
static void expand_once(Eval *e, Build *b, Node **out) {
    Arena *scratch = arena_new("scratch");
    int n = b->carry.n, ny = b->y.n;
    for (int i = 0; i < n; i++) nodemap_set(&b->holes, b->carry.v[i], b->initial.v[i]);
    for (int i = 0; i < b->x.n; i++) nodemap_set(&b->holes, b->x.v[i], ir_squeeze(e->graph, b->xs.v[i], 0));
    Node **roots = ARENA_ARRAY(scratch, Node *, n + ny + 1);
    for (int i = 0; i < n; i++) roots[i] = b->next.v[i];
    for (int i = 0; i < ny; i++) roots[n + i] = b->y.v[i];
    substitute(e->graph, scratch, &b->holes, roots, n + ny, out);
    for (int i = 0; i < ny; i++) out[n + i] = ir_spread(e->graph, out[n + i], 0, 1);
    arena_free(scratch);
}
static Value *build_loop(Eval *e, Loop *l) {
    Build b = {.holes = {.arena = e->arena}};
    Value **slices = ARENA_ARRAY(e->arena, Value *, l->n);
    build_holes(e, l, &b, slices);
    round_begin(e, l);
    round_run(e, l, slices);
    build_ends(e, l, &b);
    build_pending(e, l, &b);
    Stack s = {e, l, &b, NULL, 0};
    bool value = l->result->kind != VALUE_NONE;
    if (value) value_map(e, l->result, stack_leaf, &s);
    Frame *round = l->inner.frames[l->inner.n_frames - 1];
    if (round->used) {
        vec_push(e->arena, &b.x, round->round);
        vec_push(e->arena, &b.xs, ir_iota(e->graph, l->length));
    }
    Node **out = ARENA_ARRAY(e->arena, Node *, b.carry.n + b.y.n + 1);
    if (l->length == 1)
        expand_once(e, &b, out);
    else if (b.carry.n + b.y.n)
        close_loop(e, l, &b, out);
    limit_check(e, l->c, l->ast->span);
    bind_ends(e, l, out);
    s.out = out + b.carry.n;
    return value ? value_map(e, l->result, stack_leaf, &s) : l->result;
}
/* ---- the expression ---- */
static bool sequences_of(Eval *e, Loop *l) {
    const Ast *ast = l->ast;
    l->n = ast->scan.sequences.n, l->length = OPEN;
    l->sequences = ARENA_ARRAY(e->arena, Value *, l->n);
    if (l->n != ast->scan.names.n) {
        const NameList *names = &ast->scan.names;
        Message *m = sema_error(e, l->c, E339, span_join(names->v[0].span, names->v[names->n - 1].span),
                                "%d name%s for %d sequence%s", names->n, names->n == 1 ? "" : "s", l->n,
                                l->n == 1 ? "" : "s");
        message_help(m, "a name for each sequence: scan a, b in xs, ys; 0..n counts beside them: scan i, a in 0..n, xs");
        return false;
    }
    bool fine = true;
    for (int i = 0; i < l->n; i++) {
        Value *v = l->sequences[i] = eval_expression(e, l->c, l->scope, ast->scan.sequences.v[i]);
        if (value_is_poison(v)) {
            fine = false;
        } else if (v->kind != VALUE_TENSOR || v->shape.rank == 0) {
            sema_error(e, l->c, E347, ast->scan.sequences.v[i]->span, "a scan walks along the first axis, this is %s",
                       value_text(e, v));
            fine = false;
        } else if (!dim_equal(l->length, v->shape.dims[0])) {
            Message *m = sema_error(e, l->c, E348, ast->scan.sequences.v[i]->span,
                                    "the sequences differ in length: %lld and %lld", (long long)l->length,
                                    (long long)v->shape.dims[0]);
            message_note(m, ast->scan.sequences.v[0]->span, "this is %s", value_text(e, l->sequences[0]));
            fine = false;
        } else if (l->length == OPEN) {
            l->length = v->shape.dims[0];
        }
    }
    return fine;
}
static void poison_names(Eval *e, Loop *l) {
    for (int i = 0; i < l->carried.n; i++)
        if (l->carried.v[i].name) bind(e, l->c, l->scope, l->carried.v[i].name, value_poison(e), l->ast->span);
}
Value *scan_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    Loop l = {.c = c, .inner = *c, .scope = scope, .ast = ast};
    bool fine = sequences_of(e, &l);
    if (fine && l.length == 0) return count_skipped(e, c, scope, ast->scan.block), value_none(e);
    l.inner.top = false, l.inner.scans = c->scans + 1, l.inner.declared = NULL;
    find_carried(e, &l);
    if (!context_push(e, &l.inner, FRAME_ROUND, l.length, "a round", ast->span)) fine = false;
    l.counters = counters_copy(e, c->counters);
    l.slots = slots_save(e);
    bool *written = ARENA_ARRAY(e->arena, bool, e->slots.n + 1);
    int n_written = e->slots.n;
    for (int i = 0; i < n_written; i++) written[i] = e->slots.v[i]->written;
    if (fine) fine = fixed_point(e, &l);
    if (!fine) return poison_names(e, &l), slots_restore(e, l.slots), value_poison(e);
    Value *v;
    if (!e->nodes || l.length == OPEN) {
        Stack s = {e, &l, NULL, NULL, 0};
        bind_ends(e, &l, NULL);
        v = l.result->kind == VALUE_NONE ? l.result : value_map(e, l.result, stack_leaf, &s);
    } else {
        v = build_loop(e, &l);
    }
    for (int i = 0; i < n_written; i++) e->slots.v[i]->written |= written[i];
    return v;
}

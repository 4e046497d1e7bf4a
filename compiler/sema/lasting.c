/* lasting.c: param, state and carry: initial values, what a line binds, what is kept when the block ends.
**
** Initial values of parameters and model states are computed once, with nodes, when the model is first evaluated on its
** signature: they read the key and nothing else. Those of blocks and optimizers are computed in each evaluation, from
*what the
** step begins with. A carry and a state of an optimizer inside a loop begin where they first stand; a loop around makes
*that
** its own beginning (Slot.pending). */
#include "call.h"

struct Owned {
    LastingWhat what;
    const char *name;
    Span span;
    Group *group;
};
static const char *const what_text[] = {"param", "state", "carry"};

/* ---- initial values ---- */
static Context initial_context(Eval *e, const Context *c, const char *path, int *ordinal) {
    Context i = *c;
    i.n_frames = 0, i.batch_from = 0, i.top = false, i.inputs = &e->init;
    i.initial = path_join(e, c->owner, path);
    i.site = path_join(e, i.initial, "initial");
    i.ordinal = ordinal;
    i.counters = counters_new(e);
    return i;
}
static Value *initial_expression(Eval *e, const Context *i, Scope *scope, const Ast *ast) {
    const Ast *type = ast->lasting.type;
    TypeValue want;
    if (!type) return eval_expression(e, i, scope, ast->lasting.value);
    if (!type_value(e, i, scope, type, &want)) return value_poison(e);
    return typed_expression(e, i, scope, &want, ast->lasting.value);
}
static Value *initial_is_number(Eval *e, const Context *c, const Ast *ast, Value *v) {
    if (value_is_poison(v) || v->kind == VALUE_TENSOR || v->kind == VALUE_RECORD) return v;
    return sema_poison(e, c, E314, ast->lasting.value->span, "a %s is numbers, this is %s",
                       what_text[ast->lasting.what], value_text(e, v));
}
static bool initial_kept(Eval *e, const Context *c, const Ast *ast, Value *v, Group *g, const char *path) {
    const char *what = what_text[ast->lasting.what];
    for (int k = 0; k < g->n; k++) {
        Value *leaf = value_leaf(v, k);
        Slot *s = g->slots[k];
        if (!shape_closed(&s->shape)) {
            Message *m =
                sema_error(e, c, E361, ast->span,
                           "the shape %s of the %s `%s` depends on a dimension that the signature of `%s` leaves open",
                           shape_text(e, &s->shape), what, path, c->owner);
            message_help(m, "write the length in the signature, or take it as an argument `n: int`");
            return false;
        }
        if (s->role == ROLE_PARAM && leaf->element.kind == ELEMENT_CLASS)
            return sema_error(e, c, E314, ast->span, "a param is of real numbers, this is %s", value_text(e, leaf)),
                   false;
        s->initial = value_spread(e, c, leaf, 0, &s->shape, s->element);
        if (s->initial) continue;
        Message *m = sema_error(e, c, E362, ast->lasting.value->span,
                                "the initial value of the %s `%s` depends on what `%s` is given", what, path, c->owner);
        message_help(m, "it may use numbers, dimensions, draws and other parameters");
        return false;
    }
    return true;
}
/* Found while a model is evaluated on its signature, or at the top of a file. NULL after an error. */
static Group *lasting_found(Eval *e, const Context *c, Scope *scope, const Ast *ast, Role role, const char *owner,
                            const char *path) {
    bool nodes = e->nodes;
    const Origin *origin = graph_origin_now(e->graph);
    int ordinal = 0;
    Context i = initial_context(e, c, path, &ordinal);
    i.at_init = true;
    e->nodes = true;
    graph_origin(e->graph, NULL);
    Value *v = initial_is_number(e, c, ast, initial_expression(e, &i, scope, ast));
    Group *g = NULL;
    if (!value_is_poison(v)) {
        g = group_new(e, c, role, owner, path, v, ast->span);
        if (!initial_kept(e, &i, ast, v, g, path)) g = NULL;
    }
    e->nodes = nodes;
    graph_origin(e->graph, origin);
    return g;
}

/* ---- param ---- */
static Value *param_given(Eval *e, const Context *c, const Ast *ast, const Group *g) {
    Value **leaves = ARENA_ARRAY(e->arena, Value *, g->n + 1);
    for (int k = 0; k < g->n; k++) {
        const Slot *s = g->slots[k];
        int i = 0;
        while (i < c->theta->n && c->theta->names[i] != s->path) i++;
        if (i == c->theta->n)
            return sema_poison(e, c, E363, ast->span, "the record given to `%s` has no `%s`", c->owner, s->path);
        leaves[k] = c->theta->items[i];
        if (shape_equal(&leaves[k]->shape, &s->shape)) continue;
        return sema_poison(e, c, E363, ast->span, "`%s` is %s, the record given has %s", s->path,
                           shape_text(e, &s->shape), shape_text(e, &leaves[k]->shape));
    }
    return g->record ? value_record(e, g->n, g->names, leaves) : leaves[0];
}
static bool param_same(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Group *g) {
    TypeValue want;
    if (!ast->lasting.type) return true;
    if (!type_value(e, c, scope, ast->lasting.type, &want)) return false;
    if (shape_equal(&want.shape, &g->slots[0]->shape)) return true;
    Message *m = sema_error(e, c, E364, ast->span, "the param `%s` of `%s` is %s here and %s on the model's signature",
                            g->path, c->owner, shape_text(e, &want.shape), shape_text(e, &g->slots[0]->shape));
    message_help(m, "a model has one set of parameters: what gives their shapes may not differ from call to call");
    return false;
}
static void param_collect(Eval *e, Model *m, const Group *g) {
    if (g->n && g->slots[0]->collected) return; /* a loop's body is evaluated more than once */
    for (int k = 0; k < g->n; k++) {
        vec_push(e->arena, &m->names, g->slots[k]->path);
        vec_push(e->arena, &m->slots, g->slots[k]);
        g->slots[k]->collected = true;
    }
}
/* Models are found with `training` true. */
static Value *untrained(Eval *e, const Context *c, const Ast *ast, const char *path) {
    Message *m = sema_error(e, c, E366, ast->span, "the %s `%s` of `%s` is there only where `training` is false",
                            what_text[ast->lasting.what], path, c->owner);
    message_help(m, "nothing could change it: compute it in training too, and choose by `training` what is made of it");
    return value_poison(e);
}
static Value *param_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast, const char *path) {
    if (!c->model) {
        Message *m = sema_error(e, c, E365, ast->span, "a `param` outside a model: nothing here could keep it");
        message_help(m, "declare a `model` with its layers in it and call that here, or move the param to the top of the file");
        return value_poison(e);
    }
    Group *g = group_find(e, c->owner, path);
    if (!g && c->collect) {
        g = lasting_found(e, c, scope, ast, ROLE_PARAM, c->owner, path);
        if (!g) return value_poison(e);
    }
    if (!g) return untrained(e, c, ast, path);
    if (c->collect) param_collect(e, c->collect, g);
    if (!param_same(e, c, scope, ast, g)) return value_poison(e);
    return c->theta ? param_given(e, c, ast, g) : group_value(e, c, g);
}
/* A param at the top of a file: its owner is itself. */
static Group *param_at_top(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    const char *name = ast->lasting.name.text;
    Group *g = group_find(e, name, "");
    return g ? g : lasting_found(e, c, scope, ast, ROLE_PARAM, name, "");
}

/* ---- what begins where it stands: carries, and states of an optimizer inside a loop ---- */
static Frames all_frames(const Context *c) {
    Frames all = 0;
    for (int i = 0; i < c->n_frames; i++)
        if (c->frames[i]->kind != FRAME_ROUND) all |= 1u << i;
    return all;
}
static Node *carried_in(Eval *e, const Context *c, Slot *s, Node *beginning) {
    if (s->role != ROLE_CARRY || !beginning) return beginning;
    Node *fresh = input_hole(e, c->inputs, INPUT_FRESH), *in = slot_in(e, s);
    int place = 0;
    fresh = ir_broadcast(e->graph, fresh, in->type->rank, in->type->dims, &place);
    return ir_select(e->graph, fresh, beginning, in);
}
/* Batches that follow each other, and a row of the batch to keep it for. */
static bool carry_allowed(Eval *e, const Context *c, const Ast *ast) {
    const char *name = ast->lasting.name.text;
    if (c->streams && c->n_frames) return true;
    Message *m = sema_error(e, c, E369, ast->span, "the carry `%s` keeps a value for each row of the batch from step to step, and %s", name,
                            c->streams ? "the parameters are one for all rows" : "here no batch follows another");
    if (c->streams) message_help(m, "`state` keeps one value");
    else message_help(m, "train .., stream=true walks through the data in order; hold=5 stays five steps on each batch");
    return false;
}
static Value *beginning_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast, const char *path,
                                  Group **group) {
    Role role = c->where == WHERE_OPTIMIZER && !c->model ? c->state_role : ROLE_CARRY;
    Context i = *c;
    i.declared = NULL;
    Value *v = initial_is_number(e, c, ast, initial_expression(e, &i, scope, ast));
    if (value_is_poison(v)) return v;
    const char *full = c->model ? path_join(e, c->owner, path) : path;
    Frames frames = role == ROLE_CARRY ? all_frames(c) : 0;
    Group *g = *group = group_find(e, c->train, full);
    if (!g) {
        Value **leaves = ARENA_ARRAY(e->arena, Value *, value_leaves(v));
        for (int k = 0; k < value_leaves(v); k++)
            leaves[k] = value_copy(e, value_leaf(v, k)), leaves[k]->frames |= frames;
        g = *group = group_new(e, c, role, c->train, full, value_with_leaves(e, v, leaves), ast->span);
    }
    Value **leaves = ARENA_ARRAY(e->arena, Value *, g->n);
    for (int k = 0; k < g->n; k++) {
        Slot *s = g->slots[k];
        Value *leaf = value_leaf(v, k);
        if (role == ROLE_CARRY && s->frames != frames) {
            Message *m = sema_error(e, c, E368, ast->span,
                                    "the carry `%s` lies over %d axes here and over %d elsewhere, the rows counted as one", path,
                                    frames_count(frames), frames_count(s->frames));
            message_help(m, "one model has one carry: call it in one way, or declare a second model");
            return value_poison(e);
        }
        if (role == ROLE_LOOP) s->carrier = c->state_carrier, frames = leaf->frames;
        Value *begin = value_tensor(e, s->element, &s->shape, frames, NULL);
        begin->node = carried_in(e, c, s, value_spread(e, c, leaf, frames, &s->shape, s->element));
        begin->deps = leaf->deps, begin->coupled = leaf->coupled; /* of a carry: where it begins in this step */
        if (s->in_loop)
            s->pending = begin->node,
            s->pending_frames = frames; /* of the loop around, which gives what a round begins with */
        if (!s->now) s->now = begin;
        s->read = true;
        leaves[k] = s->now;
    }
    return g->record ? value_record(e, g->n, g->names, leaves) : leaves[0];
}

/* ---- state ---- */
static Value *state_beginning(Eval *e, const Context *c, Scope *scope, const Ast *ast, const char *path) {
    int ordinal = 0;
    Context i = initial_context(e, c, path, &ordinal);
    SlotState *slots = slots_save(e);
    slots_rewind(e);
    Value *v = initial_is_number(e, c, ast, initial_expression(e, &i, scope, ast));
    slots_restore(e, slots);
    return v;
}
static Value *state_of_rows(Eval *e, const Context *c, const Ast *ast) {
    Message *m = sema_error(e, c, E373, ast->span, "the state `%s` of a predict block could never change", ast->lasting.name.text);
    message_help(m, "a state that training changes belongs to a model");
    return value_poison(e);
}
static Value *state_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast, const char *path,
                              Group **group) {
    bool optimizer = c->where == WHERE_OPTIMIZER && !c->model;
    if (optimizer && c->state_role != ROLE_OPTIMIZER_STATE) return beginning_statement(e, c, scope, ast, path, group);
    if (c->where == WHERE_PREDICT && !c->model && !optimizer) return state_of_rows(e, c, ast);
    const char *owner = c->model ? c->owner : c->train;
    Group *g = *group = group_find(e, owner, path);
    if (c->model) {
        if (!g && c->collect) g = *group = lasting_found(e, c, scope, ast, ROLE_MODEL_STATE, owner, path);
        if (!g)
            return c->collect ? value_poison(e)
                              : untrained(e, c, ast, path);
        return group_value(e, c, g);
    }
    Value *v = state_beginning(e, c, scope, ast, path);
    if (value_is_poison(v)) return v;
    Role role = optimizer ? ROLE_OPTIMIZER_STATE : ROLE_BLOCK_STATE;
    if (!g) g = *group = group_new(e, c, role, owner, path, v, ast->span);
    for (int k = 0; k < g->n; k++) {
        Value *leaf = value_leaf(v, k);
        if (leaf->frames) {
            Message *m = sema_error(e, c, E367, ast->lasting.value->span,
                                    "the initial value of the state `%s` differs from example to example", path);
            message_help(m, "a state is one value: batch_mean(..) makes one; `carry` keeps one for each row");
            return value_poison(e);
        }
        g->slots[k]->initial = value_spread(e, c, leaf, 0, &g->slots[k]->shape, g->slots[k]->element);
    }
    return group_value(e, c, g);
}

/* ---- the statement ---- */
void lasting_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast) {
    LastingWhat what = (LastingWhat)ast->lasting.what;
    const char *name = ast->lasting.name.text, *path = path_join(e, c->path, counters_name(e, c->counters, name));
    Group *group = NULL;
    Value *v;
    if (what == LASTING_PARAM) {
        v = param_statement(e, c, scope, ast, path);
    } else if (what == LASTING_STATE) {
        v = state_statement(e, c, scope, ast, path, &group);
    } else if (c->where == WHERE_PARAMS || c->where == WHERE_TOP || (c->where == WHERE_PREDICT && !c->streams)) {
        v = initial_expression(e, c, scope, ast); /* no rows that follow each other */
    } else {
        v = carry_allowed(e, c, ast) ? beginning_statement(e, c, scope, ast, path, &group) : value_poison(e);
    }
    Binding *b = bind(e, c, scope, name, v, ast->lasting.name.span);
    b->carry = what == LASTING_CARRY;
    if (!group || value_is_poison(v)) return;
    Owned *owned = ARENA_NEW(e->arena, Owned);
    *owned = (Owned){what, name, ast->span, group};
    vec_push(e->arena, &scope->owned, owned);
}

/* ---- the end of the block ---- */
static bool keeps_shape(Eval *e, const Context *c, const Owned *o, Slot *s, const Value *v) {
    if (v->kind == VALUE_TENSOR && shape_equal(&v->shape, &s->shape)) {
        if (element_equal(v->element, s->element) || v->element.kind == ELEMENT_INT || v->element.kind == ELEMENT_BOOL)
            return true;
        if (v->element.kind == ELEMENT_REAL && s->element.kind == ELEMENT_INT)
            return s->element = v->element, e->again = true, true;
    }
    Message *m = sema_error(e, c, E370, o->span, "the %s `%s` begins as %s and ends as %s", what_text[o->what], o->name,
                            type_text(e, s->element, &s->shape), value_text(e, v));
    message_help(m, "what `%s` is bound to where the block ends is kept, so it needs the type that it began with", o->name);
    return false;
}
/* Where batches lie side by side their mean is kept; within a batch a state has one value. */
static Value *state_mean(Eval *e, const Context *c, const Owned *o, Slot *s, Value *v) {
    Frames inside = c->where == WHERE_OPTIMIZER ? 0 : ~((1u << c->batch_from) - 1);
    if (v->frames & inside) {
        Message *m = sema_error(e, c, E371, o->span,
                                "the state `%s` differs from example to example where the block ends", o->name);
        message_help(m, "batch_mean(..) makes one value for the batch; `carry` keeps one for each row");
        return value_poison(e);
    }
    Value *r = value_tensor(e, s->element, &s->shape, 0, NULL);
    r->deps = v->deps;
    Node *node = value_spread(e, c, v, v->frames, &s->shape, s->element);
    int axes[RANK_MAX], n = frames_count(v->frames);
    for (int i = 0; i < n; i++) axes[i] = i;
    if (node) r->node = n ? ir_mean(e->graph, node_cast(e, node, e->real), n, axes) : node;
    if (r->node) r->node = node_cast(e, r->node, element_dtype(e, s->element));
    return r;
}
static void owned_finish(Eval *e, const Context *c, const Owned *o, Value *end) {
    if (value_is_poison(end)) return;
    if (value_leaves(end) != o->group->n || (end->kind == VALUE_RECORD) != o->group->record) {
        sema_error(e, c, E370, o->span, "the %s `%s` ends as %s", what_text[o->what], o->name, value_text(e, end));
        return;
    }
    for (int k = 0; k < o->group->n; k++) {
        Slot *s = o->group->slots[k];
        Value *v = value_leaf(end, k);
        if (!keeps_shape(e, c, o, s, v)) return;
        if (s->role == ROLE_CARRY || s->role == ROLE_LOOP) {
            Frames frames = s->role == ROLE_CARRY ? s->frames : v->frames;
            Value *r =
                value_tensor(e, s->element, &s->shape, frames, value_spread(e, c, v, frames, &s->shape, s->element));
            r->deps = v->deps, r->coupled = v->coupled;
            slot_set(e, c, s, r);
        } else {
            Value *r = state_mean(e, c, o, s, v);
            if (c->training && !value_is_poison(r)) slot_set(e, c, s, r);
        }
    }
}
void scope_finish(Eval *e, const Context *c, Scope *scope) {
    for (int i = 0; i < scope->owned.n; i++) {
        const Owned *o = scope->owned.v[i];
        Binding *b = scope_find_here(scope, o->name);
        owned_finish(e, c, o, b->value);
    }
}

/* ---- params at the top of a file ---- */
typedef struct TopParam {
    Scope *scope;
    const Ast *ast;
} TopParam;
static Value *top_param_value(Eval *e, Binding *b, const Context *c) {
    const TopParam *p = b->declaration;
    Context top = context_top(e);
    if (b->failed) return value_poison(e);
    if (!b->group) b->group = param_at_top(e, &top, p->scope, p->ast);
    b->failed = !b->group;
    return b->failed ? value_poison(e) : group_value(e, c, b->group);
}
void declare_top_param(Eval *e, Scope *file, const Ast *ast) {
    Binding *b = ARENA_NEW(e->arena, Binding);
    TopParam *p = ARENA_NEW(e->arena, TopParam);
    *p = (TopParam){file, ast};
    b->name = ast->lasting.name.text, b->span = ast->lasting.name.span, b->resolve = top_param_value,
    b->declaration = p;
    scope_declare(e, file, b);
}

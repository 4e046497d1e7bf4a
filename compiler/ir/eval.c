/* eval.c: the interpreter: runs a function node by node in the order of the walk. The values of operators are in eval_*.c.
**
** A function is planned once (places of values, last readers) and run as often as a loop asks. Memory comes from a pool by size and
** goes back after a value's last reader, so a loop's rounds use the same memory again. Values are shared, not copied, where the
** operator changes nothing (reshape, get, mark, stop), hence the count of owners. */
#include "rules.h"
#include "../base/map.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory: four sizes an octave, freed pieces kept in a list for each */
typedef struct Piece Piece;
struct Piece {
    Piece *next;
    int owners, size_class;
    _Alignas(16) unsigned char data[];
};
enum { CLASSES = 192 };

struct Eval {
    Arena *arena; /* plans */
    Map plans;    /* Func -> Plan */
    Piece *free[CLASSES];
    EvalTrace trace;
    void *context;
};
/* The smallest size that is at least `bytes`: 64 * 2^k * {4, 5, 6, 7}/4. */
static int class_of(i64 bytes, i64 *size) {
    int class = 0;
    for (i64 octave = 64;; octave *= 2)
        for (int quarter = 0; quarter < 4; quarter++, class++) {
            *size = octave / 4 * (4 + quarter);
            if (*size >= bytes) return class;
        }
}
static Piece *piece_new(Eval *eval, i64 bytes) {
    i64 size;
    int class = class_of(bytes, &size);
    nnc_check(class < CLASSES, "a value of %lld bytes", (long long)bytes);
    Piece *piece = eval->free[class];
    if (piece) {
        eval->free[class] = piece->next;
    } else if (!(piece = malloc(sizeof *piece + (size_t)size))) {
        fprintf(stderr, "nnc: out of memory: %lld bytes for a value of the interpreter\n", (long long)size);
        exit(6);
    }
    piece->owners = 1;
    piece->size_class = class;
    return piece;
}
static void piece_release(Eval *eval, Piece *piece) {
    if (!piece || --piece->owners) return;
    piece->next = eval->free[piece->size_class];
    eval->free[piece->size_class] = piece;
}
void *eval_memory(Eval *eval, i64 bytes) { return piece_new(eval, bytes)->data; }
void eval_memory_free(Eval *eval, void *memory) {
    piece_release(eval, (Piece *)(void *)((unsigned char *)memory - offsetof(Piece, data)));
}

/* ---- values; `piece` NULL: the memory is somebody else's and outlives the run */
typedef struct Value {
    const Type *type;
    void *data;
    Piece *piece;
} Value;
static Value value_new(Eval *eval, const Type *type) {
    Piece *piece = piece_new(eval, type_bytes(type));
    return (Value){type, piece->data, piece};
}
static Value value_share(Value v, const Type *type) {
    if (v.piece) v.piece->owners++;
    v.type = type;
    return v;
}
static void value_release(Eval *eval, Value *v) {
    piece_release(eval, v->piece);
    *v = (Value){0};
}

/* ---- plans */
typedef struct Step {
    const Node *node;
    int place;       /* of its value in Plan.values; a scan has as many as results */
    const int *args; /* [n_args] places */
    int n_dying;
    const int *dying; /* steps whose values nobody reads after this one */
} Step;
typedef struct Plan {
    int n_steps, n_values, n_results;
    Step *steps;
    const int *results; /* places */
    Value *values;      /* parameters first; empty between runs */
} Plan;

static int n_values_of(const Node *node) { return node->op == OP_scan ? node->type->rank : 1; }
static void plan_deaths(Arena *arena, Plan *plan, const NodeMap *step_of, const Func *f) {
    int *last = ARENA_ARRAY(arena, int, plan->n_steps), *count = ARENA_ARRAY(arena, int, plan->n_steps);
    for (int i = 0; i < plan->n_steps; i++) {
        const Node *node = plan->steps[i].node;
        last[i] = i;
        for (int j = 0; j < node->n_args; j++) {
            Step *arg = nodemap_get(step_of, node->args[j]);
            if (arg) last[arg - plan->steps] = i;
        }
    }
    for (int i = 0; i < f->n_results; i++) {
        Step *step = nodemap_get(step_of, f->results[i]);
        if (step) last[step - plan->steps] = -1; /* lives to the end */
    }
    for (int i = 0; i < plan->n_steps; i++)
        if (last[i] >= 0) count[last[i]]++;
    for (int i = 0; i < plan->n_steps; i++) plan->steps[i].dying = ARENA_ARRAY(arena, int, count[i]);
    for (int i = 0; i < plan->n_steps; i++) {
        if (last[i] < 0) continue;
        Step *killer = &plan->steps[last[i]];
        ((int *)killer->dying)[killer->n_dying++] = i;
    }
}
static Plan *plan_new(Eval *eval, const Func *f) {
    Plan *plan = map_get_ptr(&eval->plans, f);
    if (plan) return plan;
    Arena *arena = eval->arena, *scratch = arena_new("planning an evaluation");
    NodeList nodes = order_walk(scratch, f->results, f->n_results);
    NodeMap place_of = {.arena = scratch}, step_of = {.arena = scratch};
    plan = ARENA_NEW(arena, Plan);
    plan->steps = ARENA_ARRAY(arena, Step, nodes.n);
    plan->n_values = f->n_params;
    int *places = ARENA_ARRAY(scratch, int, nodes.n);
    for (int i = 0; i < nodes.n; i++) {
        Node *node = nodes.v[i];
        places[i] = node->op == OP_arg ? (int)node->at->index : plan->n_values;
        nodemap_set(&place_of, node, &places[i]);
        if (node->op == OP_arg) continue;
        Step *step = &plan->steps[plan->n_steps++];
        int *args = ARENA_ARRAY(arena, int, node->n_args);
        for (int j = 0; j < node->n_args; j++) args[j] = *(int *)nodemap_get(&place_of, node->args[j]);
        *step = (Step){.node = node, .place = plan->n_values, .args = args};
        nodemap_set(&step_of, node, step);
        plan->n_values += n_values_of(node);
    }
    int *results = ARENA_ARRAY(arena, int, f->n_results);
    for (int i = 0; i < f->n_results; i++) results[i] = *(int *)nodemap_get(&place_of, f->results[i]);
    plan->results = results;
    plan->n_results = f->n_results;
    plan->values = ARENA_ARRAY(arena, Value, plan->n_values);
    plan_deaths(arena, plan, &step_of, f);
    arena_free(scratch);
    map_set_ptr(&eval->plans, f, plan);
    return plan;
}

/* ---- running */
static EvalRule *const rules[] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) eval_##eval,
#include "op.def"
#undef OP
};
static bool is_same_memory(Op op) { return op == OP_reshape || op == OP_mark || op == OP_stop || op == OP_get; }

static void run_rule(Eval *eval, const Node *node, const Value *values, const int *places, Value *out) {
    enum { FEW = 8 };
    int n = node->n_args, m = n_values_of(node);
    Tensor few[FEW], *args = n + m > FEW ? eval_memory(eval, (i64)sizeof(Tensor) * (n + m)) : few, *results = args + n;
    for (int i = 0; i < n; i++) args[i] = (Tensor){values[places[i]].type, values[places[i]].data};
    for (int i = 0; i < m; i++) {
        out[i] = value_new(eval, node->op == OP_scan ? node->type->parts[i] : node->type);
        results[i] = (Tensor){out[i].type, out[i].data};
    }
    rules[node->op](eval, node, args, results);
    if (args != few) eval_memory_free(eval, args);
}
static void run_step(Eval *eval, Plan *plan, const Step *step) {
    const Node *node = step->node;
    Value *out = &plan->values[step->place];
    i64 which = node->op == OP_get ? node->at->index : 0;
    if (is_same_memory(node->op)) *out = value_share(plan->values[step->args[0] + which], node->type);
    else if (node->op == OP_const) *out = (Value){node->type, (void *)node->at->data.v, NULL};
    else run_rule(eval, node, plan->values, step->args, out);
    if (eval->trace && node->op != OP_scan) eval->trace(eval->context, node, &(Tensor){out->type, out->data});
    for (int i = 0; i < step->n_dying; i++) {
        const Step *dead = &plan->steps[step->dying[i]];
        for (int j = 0; j < n_values_of(dead->node); j++) value_release(eval, &plan->values[dead->place + j]);
    }
}
/* The arguments stay the caller's, the results become the caller's. */
static void plan_run(Eval *eval, Plan *plan, int n_args, const Value *args, Value *results) {
    for (int i = 0; i < n_args; i++) plan->values[i] = value_share(args[i], args[i].type);
    for (int i = 0; i < plan->n_steps; i++) run_step(eval, plan, &plan->steps[i]);
    for (int i = 0; i < plan->n_results; i++) {
        Value v = plan->values[plan->results[i]];
        results[i] = value_share(v, v.type);
    }
    for (int i = 0; i < plan->n_values; i++) value_release(eval, &plan->values[i]);
}

/* ---- scan */
static void *slice_of(const Tensor *stack, i64 length, i64 round) {
    return (char *)stack->data + type_bytes(stack->type) / length * round;
}
void eval_scan(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    const Attrs *at = node->at;
    const Func *body = at->body;
    Plan *plan = plan_new(eval, body);
    int n = node->n_args, nr = body->n_results, carry = (int)at->carry;
    i64 first_x = at->carry + at->constants;
    Value *in = eval_memory(eval, (i64)sizeof(Value) * (n + nr)), *out = in + n;
    for (int i = 0; i < n; i++) in[i] = (Value){body->params[i], args[i].data, NULL};
    for (i64 t = 0; t < at->length; t++) {
        i64 round = at->reverse ? at->length - 1 - t : t;
        for (i64 i = first_x; i < n; i++) in[i].data = slice_of(&args[i], at->length, round);
        plan_run(eval, plan, n, in, out);
        for (int i = 0; i < carry; i++) value_release(eval, &in[i]), in[i] = out[i];
        for (int i = carry; i < nr; i++) {
            memcpy(slice_of(&results[i], at->length, round), out[i].data, (size_t)type_bytes(out[i].type));
            value_release(eval, &out[i]);
        }
    }
    for (int i = 0; i < carry; i++) {
        memcpy(results[i].data, in[i].data, (size_t)type_bytes(in[i].type));
        value_release(eval, &in[i]);
    }
    eval_memory_free(eval, in);
}

/* ---- entries */
static void eval_begin(Eval *eval, EvalTrace trace, void *context) {
    memset(eval, 0, sizeof *eval);
    eval->arena = eval->plans.arena = arena_new("evaluation");
    eval->trace = trace;
    eval->context = context;
}
static void eval_end(Eval *eval) {
    for (int i = 0; i < CLASSES; i++)
        for (Piece *p = eval->free[i], *next; p; p = next) next = p->next, free(p);
    arena_free(eval->arena);
}
void func_eval_traced(const Func *f, const Tensor *args, Tensor *results, EvalTrace trace, void *context) {
    Eval eval;
    eval_begin(&eval, trace, context);
    Plan *plan = plan_new(&eval, f);
    Value *in = ARENA_ARRAY(eval.arena, Value, f->n_params), *out = ARENA_ARRAY(eval.arena, Value, f->n_results);
    for (int i = 0; i < f->n_params; i++) {
        nnc_check(args[i].type == f->params[i], "argument %d of an evaluation has another type", i);
        in[i] = (Value){args[i].type, args[i].data, NULL};
    }
    plan_run(&eval, plan, f->n_params, in, out);
    for (int i = 0; i < f->n_results; i++) { /* an argument handed through may lie where a result goes */
        if (out[i].piece) continue;
        Value own = value_new(&eval, out[i].type);
        memcpy(own.data, out[i].data, (size_t)type_bytes(out[i].type));
        out[i] = own;
    }
    for (int i = 0; i < f->n_results; i++) {
        memcpy(results[i].data, out[i].data, (size_t)type_bytes(out[i].type));
        value_release(&eval, &out[i]);
    }
    eval_end(&eval);
}
void func_eval(const Func *f, const Tensor *args, Tensor *results) { func_eval_traced(f, args, results, NULL, NULL); }
void node_eval(const Node *node, const Tensor *args, Tensor *results) {
    Eval eval;
    eval_begin(&eval, NULL, NULL);
    rules[node->op](&eval, node, args, results);
    eval_end(&eval);
}
Tensor tensor_new(Arena *arena, const Type *type) { return (Tensor){type, arena_alloc(arena, (size_t)type_bytes(type))}; }

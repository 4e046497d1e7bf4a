/* loop_verify.c: every rule of loop.h, checked again from outside. A broken one is a bug of nnc, named with the statement.
**
** One walk in the order of the text: which values are made where the walk stands, which loops are around it, and what is known of
** their indices (loop_range.h). Not checked, because affine forms do not say it: that tasks of a parallel loop touch disjoint
** elements, that buffers do not overlap, and ranges under a computed `mask`. */
#include "loop_typing.h"
#include "loop_range.h"
#include <stdio.h>

typedef struct Verifier {
    const LoopFunction *f;
    bool *made;             /* by value id: in scope */
    const LoopValue **what; /* by value id */
    bool *around;           /* by loop id */
    VEC(const LoopValue *) scope; /* in order of making, so that a block's end forgets its own */
    Facts facts;
    const LoopFor *task;    /* the parallel loop around, or NULL */
    const LoopFor **local_user; /* by buffer: which task uses a local buffer */
    bool *local_used;
    Arena *scratch;
} Verifier;

/* Says where it was, in text, then ends. */
static _Noreturn void broken(const Verifier *v, const LoopStatement *s, const char *rule) {
    Text text = {.arena = v->scratch};
    loop_print(&text, v->f);
    fprintf(stderr, "%s", text_done(&text));
    const LoopValue *value = s ? s->value : NULL;
    nnc_bug("loop IR of %s: %s%s%s (value %%%d)", v->f->name, rule, value ? " at " : "", value ? lop_name(value->op) : "",
            value ? (int)value->id : -1);
}
static void require(const Verifier *v, bool condition, const LoopStatement *s, const char *rule) {
    if (!condition) broken(v, s, rule);
}

/* ---- scope ---- */

static void define(Verifier *v, const LoopValue *value, const LoopStatement *s) {
    require(v, value->id < v->f->n_values && !v->what[value->id], s, "a value is made twice");
    v->what[value->id] = value;
    v->made[value->id] = true;
    vec_push(v->scratch, &v->scope, value);
}
static void forget(Verifier *v, int mark) {
    while (v->scope.n > mark) v->made[v->scope.v[--v->scope.n]->id] = false;
}
static void use(const Verifier *v, const LoopValue *value, const LoopStatement *s) {
    require(v, value->id < v->f->n_values && v->what[value->id] == value && v->made[value->id], s,
            "a value is used where it is not made");
}
static void use_affine(const Verifier *v, const LoopAffine *a, bool lanes, const LoopStatement *s) {
    require(v, a->n >= 0 && a->n <= LOOP_TERMS, s, "an affine form of too many terms");
    for (int i = 0; i < a->n; i++) {
        const LoopTerm *t = &a->terms[i];
        require(v, !t->loop != !t->value && t->factor, s, "a term that is not a loop or a value, or is zero");
        if (t->loop) {
            require(v, t->loop->id < v->f->n_loops && v->around[t->loop->id], s, "an index of a loop that is not around");
        } else {
            use(v, t->value, s);
            require(v, t->value->op == LOP_clamp && (lanes || !t->value->type.lanes), s, "an address takes clamped values only");
        }
    }
}

/* ---- memory ---- */

static void verify_range(Verifier *v, const LoopAccess *a, bool store, const LoopStatement *s) {
    const LoopBuffer *buffer = &v->f->buffers.v[a->buffer];
    int mark = v->facts.list.n;
    if (a->part) fact_add(&v->facts, affine_plus(*a->part, affine(-1)));
    i64 size = buffer->elements;
    i64 span = a->lanes ? a->stride * (LANES - 1) : 0;
    LoopAffine first = a->at, last = affine_plus(a->at, affine(span));
    if (a->lanes && a->stride < 0) {
        LoopAffine swap = first;
        first = last;
        last = swap;
    }
    i64 beyond = !store && a->lanes && a->stride == 1 && !a->part ? SLACK / dtype_bytes(buffer->dtype) : 0;
    LoopAffine room = affine_plus(affine(size - 1 + beyond), affine_times(last, -1));
    bool end = never_negative(&v->facts, room), begin = never_negative(&v->facts, first);
    if (a->part) { /* the last lane that is touched: part - 1 */
        LoopAffine tip = affine_plus(a->at, affine_times(affine_plus(*a->part, affine(-1)), a->stride));
        if (a->stride >= 0) end = end || never_negative(&v->facts, affine_plus(affine(size - 1), affine_times(tip, -1)));
        else begin = begin || never_negative(&v->facts, tip);
    }
    v->facts.list.n = mark;
    require(v, begin, s, "an address is not proved to be at or behind the start of its buffer");
    require(v, end, s, "an address is not proved to be before the end of its buffer");
}

static void use_buffer(Verifier *v, int index, bool written, const LoopStatement *s) {
    require(v, index >= 0 && index < v->f->buffers.n, s, "a buffer that is none");
    const LoopBuffer *buffer = &v->f->buffers.v[index];
    require(v, !written || buffer->writable, s, "a store to a buffer that is only read");
    require(v, buffer->space != SPACE_TASK || v->task, s, "memory of tasks outside of a parallel loop");
    if (buffer->space != SPACE_LOCAL) return;
    require(v, !v->local_used[index] || v->local_user[index] == v->task, s,
            "a local buffer is used inside and outside of a parallel loop");
    v->local_used[index] = true;
    v->local_user[index] = v->task;
}
static void verify_access(Verifier *v, const LoopAccess *a, bool store, const LoopStatement *s) {
    use_buffer(v, a->buffer, store, s);
    use_affine(v, &a->at, a->lanes && !store, s);
    require(v, a->lanes || (!a->part && !a->mask), s, "a mask on a scalar");
    require(v, !store || !a->lanes || a->stride, s, "16 lanes stored in one place");
    if (a->part) use_affine(v, a->part, false, s);
    if (a->mask) {
        use(v, a->mask, s);
        require(v, a->mask->type.elem == ELEM_MASK && a->mask->type.lanes, s, "a mask that is none");
    } else {
        verify_range(v, a, store, s);
    }
}

/* ---- statements ---- */

static void verify_block(Verifier *v, const LoopBlock *block);

static void verify_let(Verifier *v, const LoopStatement *s) {
    const LoopValue *value = s->value;
    LoopType type;
    for (int i = 0; i < value->n_args; i++) use(v, value->args[i], s);
    require(v, value->op != LOP_given && value_type(value, &type), s, "operands do not fit");
    require(v, type.elem == value->type.elem && type.lanes == value->type.lanes, s, "a value has a wrong type");
    if (value->op == LOP_load) {
        verify_access(v, value->access, false, s);
        require(v, type.elem == elem_of_dtype(v->f->buffers.v[value->access->buffer].dtype), s, "a load of a wrong type");
    }
    if (value->op == LOP_index) {
        i64 low, high;
        use_affine(v, value->affine, false, s);
        require(v, affine_bounds(value->affine, &low, &high) && low >= INT32_MIN && high <= INT32_MAX, s,
                "an index does not fit 32 bits");
    }
    define(v, value, s);
}
static void verify_store(Verifier *v, const LoopStatement *s) {
    use(v, s->value, s);
    verify_access(v, s->access, true, s);
    const LoopBuffer *buffer = &v->f->buffers.v[s->access->buffer];
    require(v, s->value->type.lanes == s->access->lanes && s->value->type.elem == elem_of_dtype(buffer->dtype), s,
            "a store of a wrong type");
}
static void verify_prefetch(Verifier *v, const LoopStatement *s) {
    use_buffer(v, s->access->buffer, false, s);
    use_affine(v, &s->access->at, false, s);
}
static void verify_exchange(Verifier *v, const LoopStatement *s) {
    require(v, !v->task && s->elements > 0, s, "an exchange inside a parallel loop, or of nothing");
    use_buffer(v, s->access->buffer, true, s);
    use_affine(v, &s->access->at, false, s);
    i64 last = v->f->buffers.v[s->access->buffer].elements - s->elements;
    require(v, never_negative(&v->facts, s->access->at), s, "an exchange begins before its buffer");
    require(v, never_negative(&v->facts, affine_plus(affine(last), affine_times(s->access->at, -1))), s,
            "an exchange ends behind its buffer");
}
static void verify_sync(Verifier *v, const LoopStatement *s) { require(v, !v->task, s, "a sync inside a parallel loop"); }

static void verify_for_shape(Verifier *v, const LoopFor *loop, const LoopStatement *s) {
    require(v, loop->extent >= 1 && loop->step >= 1 && loop->id < v->f->n_loops && !v->around[loop->id], s, "a wrong loop");
    require(v, loop->step == 1 || (!loop->from && !loop->to), s, "a loop with a step and bounds");
    if (loop->from) use_affine(v, loop->from, false, s);
    if (loop->to) use_affine(v, loop->to, false, s);
    if (loop->kind == FOR_PARALLEL) {
        require(v, !v->task, s, "a parallel loop inside another");
        require(v, !loop->n, s, "a parallel loop with accumulators");
        require(v, loop->extent / loop->step <= TASKS_MAX && !loop->from && !loop->to, s, "a wrong parallel loop");
    }
    require(v, loop->kind != FOR_UNROLLED || (!loop->from && !loop->to), s, "an unrolled loop with bounds");
    require(v, loop->body.n_values == loop->n, s, "a loop without its next values");
    for (int i = 0; i < loop->n; i++) {
        const LoopType *type = &loop->init[i]->type;
        use(v, loop->init[i], s);
        LoopValue *const *lists[] = {loop->acc, loop->results, loop->body.values};
        for (int k = 0; k < COUNT_OF(lists); k++)
            require(v, lists[k][i]->type.elem == type->elem && lists[k][i]->type.lanes == type->lanes, s,
                    "an accumulator changes its type");
    }
}
static void verify_for(Verifier *v, const LoopStatement *s) {
    const LoopFor *loop = s->loop;
    const LoopFor *task = v->task;
    verify_for_shape(v, loop, s);
    int scope = v->scope.n, facts = v->facts.list.n;
    v->around[loop->id] = true;
    if (loop->kind == FOR_PARALLEL) v->task = loop;
    LoopAffine index = affine_loop(affine(0), loop, 1);
    if (loop->from) fact_add(&v->facts, affine_plus(index, affine_times(*loop->from, -1)));
    if (loop->to) fact_add(&v->facts, affine_plus(affine_plus(*loop->to, affine(-1)), affine_times(index, -1)));
    for (int i = 0; i < loop->n; i++) define(v, loop->acc[i], s);
    verify_block(v, &loop->body);
    for (int i = 0; i < loop->n; i++) use(v, loop->body.values[i], s);
    forget(v, scope);
    v->facts.list.n = facts;
    v->around[loop->id] = false;
    v->task = task;
    for (int i = 0; i < loop->n; i++) define(v, loop->results[i], s);
}

static void verify_branch(Verifier *v, const LoopIf *branch, const LoopBlock *block, const LoopStatement *s) {
    int scope = v->scope.n;
    verify_block(v, block);
    require(v, block->n_values == branch->n, s, "a branch without its values");
    for (int i = 0; i < branch->n; i++) {
        use(v, block->values[i], s);
        LoopType type = block->values[i]->type, wanted = branch->results[i]->type;
        require(v, type.elem == wanted.elem && type.lanes == wanted.lanes, s, "branches give different types");
    }
    forget(v, scope);
}
static void verify_if(Verifier *v, const LoopStatement *s) {
    const LoopIf *branch = s->branch;
    int facts = v->facts.list.n;
    require(v, (branch->n_conditions > 0) != (branch->mask != NULL), s, "an if needs conditions or a mask");
    if (branch->mask) {
        use(v, branch->mask, s);
        require(v, branch->mask->type.elem == ELEM_MASK && !branch->mask->type.lanes, s, "an if on what is no mask");
    }
    for (int i = 0; i < branch->n_conditions; i++) {
        use_affine(v, &branch->conditions[i], false, s);
        fact_add(&v->facts, branch->conditions[i]);
    }
    verify_branch(v, branch, &branch->then, s);
    v->facts.list.n = facts;
    if (branch->n_conditions == 1) /* else: -c - 1 >= 0 */
        fact_add(&v->facts, affine_plus(affine_times(branch->conditions[0], -1), affine(-1)));
    verify_branch(v, branch, &branch->otherwise, s);
    v->facts.list.n = facts;
    for (int i = 0; i < branch->n; i++) define(v, branch->results[i], s);
}

static bool has_parallel(const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) {
        const LoopStatement *s = block->list.v[i];
        if (s->kind == STATEMENT_for && (s->loop->kind == FOR_PARALLEL || has_parallel(&s->loop->body))) return true;
        if (s->kind == STATEMENT_if && (has_parallel(&s->branch->then) || has_parallel(&s->branch->otherwise))) return true;
        if (s->kind == STATEMENT_call && has_parallel(&s->call->function->body)) return true;
    }
    return false;
}
/* A parameter must lie in the caller's buffer as a whole, be of its dtype, and as well aligned as the function believes. */
static void verify_argument(Verifier *v, const LoopArgument *argument, const LoopBuffer *param, const LoopStatement *s) {
    use_buffer(v, argument->buffer, param->writable, s);
    use_affine(v, &argument->at, false, s);
    const LoopBuffer *buffer = &v->f->buffers.v[argument->buffer];
    require(v, buffer->dtype == param->dtype, s, "an argument of another dtype");
    require(v, never_negative(&v->facts, argument->at), s, "an argument begins before its buffer");
    LoopAffine room = affine_plus(affine(buffer->elements - param->elements), affine_times(argument->at, -1));
    require(v, never_negative(&v->facts, room), s, "an argument ends behind its buffer");
    i64 bytes = dtype_bytes(buffer->dtype);
    require(v, buffer->align % param->align == 0 && argument->at.constant * bytes % param->align == 0, s,
            "an argument is not aligned as its parameter says");
    for (int i = 0; i < argument->at.n; i++)
        require(v, argument->at.terms[i].factor * bytes % param->align == 0, s,
                "an argument is not aligned as its parameter says");
}
/* Parameters are `noalias`: what is read and written must be one parameter. Caught where both begin at the same byte. */
static void verify_no_alias(const Verifier *v, const LoopCall *call, const LoopStatement *s) {
    for (int i = 0; i < call->function->n_params; i++)
        for (int j = 0; j < call->function->n_params; j++) {
            const LoopBuffer *a = &v->f->buffers.v[call->buffers[i].buffer], *b = &v->f->buffers.v[call->buffers[j].buffer];
            bool placed = a->space == b->space && (a->space <= SPACE_TASK || a == b);
            if (i == j || !call->function->buffers.v[i].writable || !placed) continue;
            i64 from = a->space <= SPACE_TASK ? a->offset : 0, to = b->space <= SPACE_TASK ? b->offset : 0;
            LoopAffine apart = affine_plus(affine_times(call->buffers[i].at, dtype_bytes(a->dtype)),
                                           affine_times(call->buffers[j].at, -dtype_bytes(b->dtype)));
            require(v, apart.n || apart.constant + from != to, s, "a call is given one buffer twice, and writes it");
        }
}
static void verify_call(Verifier *v, const LoopStatement *s) {
    const LoopCall *call = s->call;
    const LoopFunction *g = call->function;
    require(v, g != v->f && !(v->task && has_parallel(&g->body)), s, "a parallel loop inside another, by a call");
    for (int i = 0; i < g->n_params; i++) verify_argument(v, &call->buffers[i], &g->buffers.v[i], s);
    verify_no_alias(v, call, s);
    for (int i = 0; i < g->scalars.n; i++) {
        use(v, call->scalars[i], s);
        require(v, call->scalars[i]->type.elem == g->scalars.v[i]->type.elem && !call->scalars[i]->type.lanes, s,
                "a scalar argument of another type");
    }
}

static void (*const VERIFY[STATEMENT_COUNT])(Verifier *, const LoopStatement *) = {
#define STATEMENT(name) [STATEMENT_##name] = verify_##name,
#include "loop.def"
#undef STATEMENT
};
static void verify_block(Verifier *v, const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) VERIFY[block->list.v[i]->kind](v, block->list.v[i]);
}

/* ---- functions ---- */

static void verify_buffers(const Verifier *v) {
    const LoopFunction *f = v->f;
    i64 local = 0;
    for (int i = 0; i < f->buffers.n; i++) {
        const LoopBuffer *b = &f->buffers.v[i];
        i64 bytes;
        require(v, b->elements > 0 && b->dtype < DT_COUNT && i64_multiply(b->elements, dtype_bytes(b->dtype), &bytes), NULL,
                "a buffer of a wrong size");
        require(v, (b->space == SPACE_PARAM) == (i < f->n_params), NULL, "parameters do not come first");
        require(v, b->align >= dtype_bytes(b->dtype) && b->align <= 64 && !(b->align & (b->align - 1)), NULL,
                "a buffer that is not aligned to its elements");
        require(v, b->writable || !b->checked, NULL, "a buffer is checked but never written");
        require(v, b->space != SPACE_TASK || b->offset + bytes <= LOCAL_BYTES, NULL, "too many bytes in a task's memory");
        if (b->space != SPACE_LOCAL) continue;
        require(v, bytes <= LOCAL_BYTES && (local += bytes) <= LOCAL_BYTES, NULL, "too many bytes in local buffers");
    }
}
void loop_verify(const LoopFunction *f) {
    Arena *scratch = arena_new("loop verifier");
    Verifier v = {.f = f, .scratch = scratch, .facts = {.arena = scratch}};
    v.made = ARENA_ARRAY(scratch, bool, f->n_values);
    v.what = ARENA_ARRAY(scratch, const LoopValue *, f->n_values);
    v.around = ARENA_ARRAY(scratch, bool, f->n_loops);
    v.local_user = ARENA_ARRAY(scratch, const LoopFor *, f->buffers.n);
    v.local_used = ARENA_ARRAY(scratch, bool, f->buffers.n);
    verify_buffers(&v);
    for (int i = 0; i < f->scalars.n; i++) {
        require(&v, f->scalars.v[i]->op == LOP_given && !f->scalars.v[i]->type.lanes, NULL, "a wrong scalar parameter");
        define(&v, f->scalars.v[i], NULL);
    }
    verify_block(&v, &f->body);
    arena_free(scratch);
}

static void calls_are_known(const LoopProgram *program, const LoopBlock *block, int before) {
    for (int i = 0; i < block->list.n; i++) {
        const LoopStatement *s = block->list.v[i];
        if (s->kind == STATEMENT_for) calls_are_known(program, &s->loop->body, before);
        if (s->kind == STATEMENT_if) {
            calls_are_known(program, &s->branch->then, before);
            calls_are_known(program, &s->branch->otherwise, before);
        }
        if (s->kind != STATEMENT_call) continue;
        bool known = false;
        for (int k = 0; k < before && !known; k++) known = program->kernels.v[k] == s->call->function;
        nnc_check(known, "loop IR calls %s, which is not a kernel that stands before", s->call->function->name);
    }
}
static void verify_constants(const LoopProgram *program, const LoopFunction *f) {
    for (int i = 0; i < f->buffers.n; i++) {
        const LoopBuffer *b = &f->buffers.v[i];
        if (b->space != SPACE_CONSTANT) continue;
        nnc_check(b->offset >= 0 && b->offset < program->constants.n &&
                      b->elements * dtype_bytes(b->dtype) <= program->constants.v[b->offset].bytes,
                  "loop IR of %s: a constant that is none or too short", f->name);
    }
}
void loop_program_verify(const LoopProgram *program) {
    for (int i = 0; i < program->kernels.n; i++) {
        loop_verify(program->kernels.v[i]);
        verify_constants(program, program->kernels.v[i]);
        calls_are_known(program, &program->kernels.v[i]->body, i);
    }
    for (int i = 0; i < program->entries.n; i++) {
        const LoopFunction *f = program->entries.v[i];
        if (!f) continue;
        nnc_check(!f->n_params && !f->scalars.n, "the entry %s has parameters", f->name);
        loop_verify(f);
        verify_constants(program, f);
        calls_are_known(program, &f->body, program->kernels.n);
    }
}

/* loop_to_llvm_parallel.c: parallel loops: the body becomes a function of its own, handed to nn_parallel (which runs the tasks in order
** when the call has no pool).
**
** task(frame, i)   an nn_task: takes what it needs from the frame: call, buffers.., outer indices.., values..
** The frame lies on the caller's stack: nn_parallel returns when all tasks are done. */
#include "emit.h"
#include <stddef.h>

/* What a body needs of what is outside. Lists in the order of its text. */
typedef struct Captures {
    Arena *arena;
    bool *buffer, *inner_loop, *seen_loop, *inner_value, *seen_value;
    VEC(int) buffers;
    VEC(const LoopFor *) loops;
    VEC(const LoopValue *) values;
} Captures;

static void capture_value(Captures *c, const LoopValue *v) {
    if (c->inner_value[v->id] || c->seen_value[v->id]) return;
    c->seen_value[v->id] = true;
    vec_push(c->arena, &c->values, v);
}
static void capture_affine(Captures *c, const LoopAffine *a) {
    for (int i = 0; a && i < a->n; i++) {
        const LoopFor *loop = a->terms[i].loop;
        if (!loop) {
            capture_value(c, a->terms[i].value);
        } else if (!c->inner_loop[loop->id] && !c->seen_loop[loop->id]) {
            c->seen_loop[loop->id] = true;
            vec_push(c->arena, &c->loops, loop);
        }
    }
}
static void capture_buffer(Captures *c, int buffer) {
    if (c->buffer[buffer]) return;
    c->buffer[buffer] = true;
    vec_push(c->arena, &c->buffers, buffer);
}
static void capture_access(Captures *c, const LoopAccess *a) {
    if (!a) return;
    capture_buffer(c, a->buffer);
    capture_affine(c, &a->at);
    capture_affine(c, a->part);
    if (a->mask) capture_value(c, a->mask);
}
static void capture_block(Captures *c, const LoopBlock *block);
static void inner_values(Captures *c, int n, LoopValue *const *values) {
    for (int i = 0; i < n; i++) c->inner_value[values[i]->id] = true;
}

static void capture_let(Captures *c, const LoopStatement *s) {
    const LoopValue *v = s->value;
    for (int i = 0; i < v->n_args; i++) capture_value(c, v->args[i]);
    capture_affine(c, v->affine);
    capture_access(c, v->access);
    c->inner_value[v->id] = true;
}
static void capture_store(Captures *c, const LoopStatement *s) {
    capture_value(c, s->value);
    capture_access(c, s->access);
}
static void capture_prefetch(Captures *c, const LoopStatement *s) { capture_access(c, s->access); }
static void capture_exchange(Captures *c, const LoopStatement *s) { capture_access(c, s->access); }
static void capture_sync(Captures *c, const LoopStatement *s) { (void)c, (void)s; }
static void capture_for(Captures *c, const LoopStatement *s) {
    const LoopFor *loop = s->loop;
    for (int i = 0; i < loop->n; i++) capture_value(c, loop->init[i]);
    capture_affine(c, loop->from);
    capture_affine(c, loop->to);
    c->inner_loop[loop->id] = true;
    inner_values(c, loop->n, loop->acc);
    capture_block(c, &loop->body);
    inner_values(c, loop->n, loop->results);
}
static void capture_if(Captures *c, const LoopStatement *s) {
    const LoopIf *branch = s->branch;
    if (branch->mask) capture_value(c, branch->mask);
    for (int i = 0; i < branch->n_conditions; i++) capture_affine(c, &branch->conditions[i]);
    capture_block(c, &branch->then);
    capture_block(c, &branch->otherwise);
    inner_values(c, branch->n, branch->results);
}
static void capture_call(Captures *c, const LoopStatement *s) {
    const LoopCall *call = s->call;
    for (int i = 0; i < call->function->n_params; i++) {
        capture_buffer(c, call->buffers[i].buffer);
        capture_affine(c, &call->buffers[i].at);
    }
    for (int i = 0; i < call->function->scalars.n; i++) capture_value(c, call->scalars[i]);
}
static void (*const CAPTURE[STATEMENT_COUNT])(Captures *, const LoopStatement *) = {
#define STATEMENT(name) [STATEMENT_##name] = capture_##name,
#include "../loop/loop.def"
#undef STATEMENT
};
static void capture_block(Captures *c, const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) CAPTURE[block->list.v[i]->kind](c, block->list.v[i]);
    for (int i = 0; i < block->n_values; i++) capture_value(c, block->values[i]);
}
static Captures capture(const Body *b, const LoopFor *loop) {
    Arena *arena = b->e->arena;
    Captures c = {.arena = arena};
    c.buffer = ARENA_ARRAY(arena, bool, b->f->buffers.n);
    c.inner_loop = ARENA_ARRAY(arena, bool, b->f->n_loops);
    c.seen_loop = ARENA_ARRAY(arena, bool, b->f->n_loops);
    c.inner_value = ARENA_ARRAY(arena, bool, b->f->n_values);
    c.seen_value = ARENA_ARRAY(arena, bool, b->f->n_values);
    c.inner_loop[loop->id] = true;
    capture_block(&c, &loop->body);
    int n = 0; /* only parameters are handed on: blocks are loaded again, constants are global, locals are the task's own */
    for (int i = 0; i < c.buffers.n; i++)
        if (b->f->buffers.v[c.buffers.v[i]].space == SPACE_PARAM) c.buffers.v[n++] = c.buffers.v[i];
    c.buffers.n = n;
    return c;
}

/* ---- functions ---- */

/* What is in the frame, as the caller has it. */
static LLVMValueRef *captured_values(const Body *b, const Captures *c, int *n) {
    LLVMValueRef *list = ARENA_ARRAY(b->e->arena, LLVMValueRef, 1 + c->buffers.n + c->loops.n + c->values.n);
    *n = 0;
    list[(*n)++] = b->call;
    for (int i = 0; i < c->buffers.n; i++) list[(*n)++] = b->pointers[c->buffers.v[i]];
    for (int i = 0; i < c->loops.n; i++) list[(*n)++] = b->indices[c->loops.v[i]->id];
    for (int i = 0; i < c->values.n; i++) list[(*n)++] = value_get(b, c->values.v[i]);
    return list;
}
static LLVMValueRef frame_load(const Emitter *e, LLVMTypeRef frame, LLVMValueRef task, unsigned i) {
    LLVMValueRef field = LLVMBuildStructGEP2(e->builder, frame, LLVMGetParam(task, 0), i, "");
    return LLVMBuildLoad2(e->builder, LLVMStructGetTypeAtIndex(frame, i), field, "");
}
static LLVMValueRef task_function(const Body *b, const LoopFor *loop, const Captures *c, LLVMTypeRef frame) {
    Emitter *e = b->e;
    LLVMTypeRef type = LLVMFunctionType(e->nothing, (LLVMTypeRef[]){e->pointer, e->i64}, 2, false);
    LLVMValueRef task = LLVMAddFunction(e->module, arena_printf(e->arena, "%s.task%d", b->f->name, ++e->n_tasks), type);
    function_attributes(e, task, true);
    if (!part_of(e->parts, b->f)->hot) attribute_small(e, task);
    attribute_add(e, task, 1, "noalias", 0); /* nothing is stored to the frame while tasks run */
    attribute_add(e, task, 1, "readonly", 0);
    Body *body = body_begin(e, b->f, task);
    body->call = frame_load(e, frame, task, 0);
    bases_load(body);
    unsigned at = 1;
    for (int i = 0; i < c->buffers.n; i++) body->pointers[c->buffers.v[i]] = frame_load(e, frame, task, at++);
    for (int i = 0; i < c->loops.n; i++) body->indices[c->loops.v[i]->id] = frame_load(e, frame, task, at++);
    for (int i = 0; i < c->values.n; i++) body->values[c->values.v[i]->id] = frame_load(e, frame, task, at++);
    LLVMValueRef index = LLVMGetParam(task, 1);
    body->indices[loop->id] = loop->step == 1 ? index : LLVMBuildNSWMul(e->builder, index, const_i64(e, loop->step), "");
    body_statements(body, &loop->body);
    return task;
}

/* A stack slot of the caller with these values. */
static LLVMValueRef frame_store(const Body *b, LLVMTypeRef frame, int n, LLVMValueRef *values) {
    Emitter *e = b->e;
    LLVMBasicBlockRef now = LLVMGetInsertBlock(e->builder);
    LLVMValueRef first = LLVMGetFirstInstruction(b->start);
    if (first) LLVMPositionBuilderBefore(e->builder, first);
    else LLVMPositionBuilderAtEnd(e->builder, b->start);
    LLVMValueRef slot = LLVMBuildAlloca(e->builder, frame, "");
    LLVMPositionBuilderAtEnd(e->builder, now);
    for (int i = 0; i < n; i++) {
        LLVMValueRef field = LLVMBuildStructGEP2(e->builder, frame, slot, (unsigned)i, "");
        LLVMBuildStore(e->builder, values[i], field);
    }
    return slot;
}
void emit_parallel(Body *b, const LoopFor *loop) {
    Emitter *e = b->e;
    Captures c = capture(b, loop);
    int n;
    LLVMValueRef *values = captured_values(b, &c, &n);
    LLVMTypeRef *types = ARENA_ARRAY(e->arena, LLVMTypeRef, n);
    for (int i = 0; i < n; i++) types[i] = LLVMTypeOf(values[i]);
    LLVMTypeRef frame = LLVMStructTypeInContext(e->context, types, (unsigned)n, false);
    LLVMBasicBlockRef now = LLVMGetInsertBlock(e->builder);
    LLVMValueRef task = task_function(b, loop, &c, frame);
    LLVMPositionBuilderAtEnd(e->builder, now);
    LLVMValueRef slot = frame_store(b, frame, n, values);
    LLVMValueRef pool = call_field(b, offsetof(nn_call, pool), e->pointer);
    i64 count = (loop->extent + loop->step - 1) / loop->step;
    FunctionCode parallel = external_code(e, "nn_parallel", e->nothing, 4, (LLVMTypeRef[]){e->pointer, e->pointer, e->pointer, e->i64});
    call_code(e, parallel, 4, (LLVMValueRef[]){pool, task, slot, const_i64(e, count)});
}

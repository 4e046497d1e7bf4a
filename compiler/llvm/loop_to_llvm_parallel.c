/* loop_to_llvm_parallel.c: parallel loops: the body becomes a function of its own, handed to nn_parallel, or called in a plain
** loop when the call has no pool.
**
** body(call, buffers.., outer indices.., values.., index)   its head is like a kernel's, so its pointers are noalias
** task(frame, i)                                             an nn_task: loads the rest from the frame, calls body
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

/* body's arguments but for the index, as the caller has them. */
static LLVMValueRef *captured_values(const Body *b, const Captures *c, int *n) {
    LLVMValueRef *list = ARENA_ARRAY(b->e->arena, LLVMValueRef, 2 + c->buffers.n + c->loops.n + c->values.n);
    *n = 0;
    list[(*n)++] = b->call;
    for (int i = 0; i < c->buffers.n; i++) list[(*n)++] = b->pointers[c->buffers.v[i]];
    for (int i = 0; i < c->loops.n; i++) list[(*n)++] = b->indices[c->loops.v[i]->id];
    for (int i = 0; i < c->values.n; i++) list[(*n)++] = value_get(b, c->values.v[i]);
    return list;
}
static FunctionCode body_function(const Body *b, const LoopFor *loop, const Captures *c, int n, LLVMTypeRef *types) {
    Emitter *e = b->e;
    FunctionCode code = {.type = LLVMFunctionType(e->nothing, types, (unsigned)n + 1, false)};
    const char *name = arena_printf(e->arena, "%s.task%d", b->f->name, ++e->n_tasks);
    code.function = LLVMAddFunction(e->module, name, code.type);
    function_attributes(e, code.function, true);
    if (!part_of(e->parts, b->f)->hot) attribute_small(e, code.function);
    for (int i = 0; i < c->buffers.n; i++)
        param_attributes(e, code.function, (unsigned)i + 2, &b->f->buffers.v[c->buffers.v[i]]);
    Body *task = body_begin(e, b->f, code.function);
    unsigned at = 1;
    for (int i = 0; i < c->buffers.n; i++) task->pointers[c->buffers.v[i]] = LLVMGetParam(code.function, at++);
    for (int i = 0; i < c->loops.n; i++) task->indices[c->loops.v[i]->id] = LLVMGetParam(code.function, at++);
    for (int i = 0; i < c->values.n; i++) task->values[c->values.v[i]->id] = LLVMGetParam(code.function, at++);
    task->indices[loop->id] = LLVMGetParam(code.function, at);
    body_statements(task, &loop->body);
    return code;
}
/* void task(void *frame, int64_t i) */
static LLVMValueRef task_function(Emitter *e, FunctionCode body, const LoopFor *loop, int n, LLVMTypeRef *types,
                                  LLVMTypeRef frame) {
    LLVMTypeRef type = LLVMFunctionType(e->nothing, (LLVMTypeRef[]){e->pointer, e->i64}, 2, false);
    LLVMValueRef task = LLVMAddFunction(e->module, arena_printf(e->arena, "task%d", e->n_tasks), type);
    function_attributes(e, task, true);
    attribute_small(e, task);
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, task, "start"));
    LLVMValueRef *args = ARENA_ARRAY(e->arena, LLVMValueRef, n + 1);
    for (int i = 0; i < n; i++) {
        LLVMValueRef field = LLVMBuildStructGEP2(e->builder, frame, LLVMGetParam(task, 0), (unsigned)i, "");
        args[i] = LLVMBuildLoad2(e->builder, types[i], field, "");
    }
    args[n] = LLVMBuildNSWMul(e->builder, LLVMGetParam(task, 1), const_i64(e, loop->step), "");
    call_code(e, body, n + 1, args);
    LLVMBuildRetVoid(e->builder);
    return task;
}

/* The same rounds in order, without a pool. Ends in a jump to `after`. */
static void rounds_in_order(const Body *b, FunctionCode body, const LoopFor *loop, int n, LLVMValueRef *args,
                            LLVMBasicBlockRef after) {
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder), round = block_new(b, "round");
    LLVMValueRef zero = const_i64(b->e, 0);
    LLVMBuildBr(builder, round);
    LLVMPositionBuilderAtEnd(builder, round);
    LLVMValueRef index = LLVMBuildPhi(builder, b->e->i64, "");
    args[n] = index;
    call_code(b->e, body, n + 1, args);
    LLVMValueRef next = LLVMBuildNSWAdd(builder, index, const_i64(b->e, loop->step), "");
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, next, const_i64(b->e, loop->extent), ""), round, after);
    LLVMAddIncoming(index, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){before, round}, 2);
}
static void tasks_by_pool(const Body *b, LLVMValueRef pool, LLVMValueRef task, const LoopFor *loop, int n, LLVMValueRef *args,
                          LLVMTypeRef frame) {
    Emitter *e = b->e;
    LLVMBasicBlockRef now = LLVMGetInsertBlock(e->builder);
    LLVMValueRef first = LLVMGetFirstInstruction(b->start);
    if (first) LLVMPositionBuilderBefore(e->builder, first);
    else LLVMPositionBuilderAtEnd(e->builder, b->start);
    LLVMValueRef slot = LLVMBuildAlloca(e->builder, frame, "");
    LLVMPositionBuilderAtEnd(e->builder, now);
    for (int i = 0; i < n; i++) {
        LLVMValueRef field = LLVMBuildStructGEP2(e->builder, frame, slot, (unsigned)i, "");
        LLVMBuildStore(e->builder, args[i], field);
    }
    i64 count = (loop->extent + loop->step - 1) / loop->step;
    LLVMTypeRef types[] = {e->pointer, e->pointer, e->pointer, e->i64};
    FunctionCode parallel = external_code(e, "nn_parallel", e->nothing, 4, types);
    call_code(e, parallel, 4, (LLVMValueRef[]){pool, task, slot, const_i64(e, count)});
}

void emit_parallel(Body *b, const LoopFor *loop) {
    Emitter *e = b->e;
    Captures c = capture(b, loop);
    int n;
    LLVMValueRef *args = captured_values(b, &c, &n);
    LLVMTypeRef *types = ARENA_ARRAY(e->arena, LLVMTypeRef, n + 1);
    for (int i = 0; i < n; i++) types[i] = LLVMTypeOf(args[i]);
    types[n] = e->i64;
    LLVMTypeRef frame = LLVMStructTypeInContext(e->context, types, (unsigned)n, false);
    LLVMBasicBlockRef now = LLVMGetInsertBlock(e->builder);
    FunctionCode body = body_function(b, loop, &c, n, types);
    LLVMValueRef task = task_function(e, body, loop, n, types, frame);
    LLVMPositionBuilderAtEnd(e->builder, now);
    LLVMValueRef pool = call_field(b, offsetof(nn_call, pool), e->pointer);
    LLVMBasicBlockRef many = block_new(b, "pool"), alone = block_new(b, "alone"), after = block_new(b, "done");
    LLVMBuildCondBr(e->builder, LLVMBuildIsNull(e->builder, pool, ""), alone, many);
    LLVMPositionBuilderAtEnd(e->builder, many);
    tasks_by_pool(b, pool, task, loop, n, args, frame);
    LLVMBuildBr(e->builder, after);
    LLVMPositionBuilderAtEnd(e->builder, alone);
    rounds_in_order(b, body, loop, n, args, after);
    LLVMPositionBuilderAtEnd(e->builder, after);
}

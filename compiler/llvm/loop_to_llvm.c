/* loop_to_llvm.c: the walk over loop IR: functions, loops, conditions, calls.
**
** Needs: a verified LoopProgram. Gives: a verified module of finished SSA: accumulators are phis, unrolled loops are unrolled,
** addresses are one base plus affine offset. Loops are tested at their end; only loops with bounds are also tested before. */
#include "emit.h"
#include <llvm-c/Analysis.h>
#include <stddef.h>

/* ---- small things ---- */

LLVMTypeRef type_of(const Emitter *e, LoopType type) { return type.lanes ? e->vectors[type.elem] : e->scalars[type.elem]; }
LLVMTypeRef memory_type(const Emitter *e, Dtype dtype) {
    return dtype == DT_bool ? e->i8 : e->scalars[elem_of_dtype(dtype)];
}
LLVMValueRef const_i64(const Emitter *e, i64 x) { return LLVMConstInt(e->i64, (u64)x, true); }
LLVMValueRef const_i32(const Emitter *e, i64 x) { return LLVMConstInt(e->i32, (u64)x, true); }
LLVMValueRef value_get(const Body *b, const LoopValue *v) {
    nnc_check(b->values[v->id], "value %%%u of %s has no code", v->id, b->f->name);
    return b->values[v->id];
}
LLVMValueRef intrinsic(const Emitter *e, const char *name, int n_types, LLVMTypeRef *types, int n, LLVMValueRef *args) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    nnc_check(id, "LLVM has no %s", name);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(e->module, id, types, (size_t)n_types);
    LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, types, (size_t)n_types);
    return LLVMBuildCall2(e->builder, type, function, args, (unsigned)n, "");
}
LLVMBasicBlockRef block_new(const Body *b, const char *name) {
    LLVMBasicBlockRef block = LLVMAppendBasicBlockInContext(b->e->context, b->function, name);
    round_note(b, block);
    return block;
}
void attribute_add(const Emitter *e, LLVMValueRef function, unsigned index, const char *name, u64 value) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(function, index, LLVMCreateEnumAttribute(e->context, kind, value));
}
void attribute_text(const Emitter *e, LLVMValueRef function, const char *name, const char *value) {
    LLVMAttributeRef a = LLVMCreateStringAttribute(e->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex, a);
}
void attribute_small(const Emitter *e, LLVMValueRef function) {
    attribute_add(e, function, LLVMAttributeFunctionIndex, "minsize", 0);
}
/* "min-legal-vector-width" must stay away: with it a preference for 256 bits would split every vector, silently. */
void function_attributes(const Emitter *e, LLVMValueRef function, bool internal) {
    attribute_add(e, function, LLVMAttributeFunctionIndex, "nounwind", 0);
    attribute_add(e, function, LLVMAttributeFunctionIndex, "optsize", 0); /* nothing is as fast again when it is aligned and unrolled */
    attribute_text(e, function, "target-cpu", e->machine->cpu);
    attribute_text(e, function, "tune-cpu", e->machine->tune);
    attribute_text(e, function, "prefer-vector-width", e->machine->vector_bits == 512 ? "512" : "256");
    if (!internal) return;
    LLVMSetLinkage(function, LLVMInternalLinkage);
    attribute_add(e, function, LLVMAttributeFunctionIndex, "noinline", 0);
}
LLVMValueRef call_code(const Emitter *e, FunctionCode code, int n, LLVMValueRef *args) {
    return LLVMBuildCall2(e->builder, code.type, code.function, args, (unsigned)n, "");
}

/* A function of the runtime or of libc. */
FunctionCode external_code(const Emitter *e, const char *name, LLVMTypeRef result, int n, LLVMTypeRef *types) {
    FunctionCode code = {.function = LLVMGetNamedFunction(e->module, name), .type = LLVMFunctionType(result, types, (unsigned)n, false)};
    if (!code.function) {
        code.function = LLVMAddFunction(e->module, name, code.type);
        attribute_add(e, code.function, LLVMAttributeFunctionIndex, "nounwind", 0);
    }
    return code;
}

/* ---- functions ---- */

static const size_t BASE_FIELDS[SPACE_WORK + 1] = {
    [SPACE_LASTING] = offsetof(nn_call, lasting), [SPACE_BATCH] = offsetof(nn_call, batch),
    [SPACE_AVERAGES] = offsetof(nn_call, averages), [SPACE_HYPERS] = offsetof(nn_call, hypers),
    [SPACE_IN] = offsetof(nn_call, in), [SPACE_OUT] = offsetof(nn_call, out), [SPACE_WORK] = offsetof(nn_call, work)};

LLVMValueRef call_field(const Body *b, size_t offset, LLVMTypeRef type) {
    const Emitter *e = b->e;
    LLVMValueRef at[] = {const_i64(e, (i64)offset)};
    LLVMValueRef field = LLVMBuildInBoundsGEP2(e->builder, e->i8, b->call, at, 1, "");
    LLVMValueRef value = LLVMBuildLoad2(e->builder, type, field, "");
    LLVMSetAlignment(value, offset % 8 ? 4 : 8);
    return value;
}

/* A stack slot, made in the first block so that loops do not grow the stack. */
static LLVMValueRef stack_slot(const Body *b, LLVMTypeRef type) {
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef now = LLVMGetInsertBlock(builder);
    LLVMValueRef first = LLVMGetFirstInstruction(b->start);
    if (first) LLVMPositionBuilderBefore(builder, first);
    else LLVMPositionBuilderAtEnd(builder, b->start);
    LLVMValueRef slot = LLVMBuildAlloca(builder, type, "");
    LLVMSetAlignment(slot, 64);
    LLVMPositionBuilderAtEnd(builder, now);
    return slot;
}
/* What of a task's memory the function names. */
static LLVMValueRef task_memory(const Body *b) {
    i64 bytes = 0;
    for (int i = 0; i < b->f->buffers.n; i++) {
        const LoopBuffer *buffer = &b->f->buffers.v[i];
        i64 end = buffer->offset + buffer->elements * dtype_bytes(buffer->dtype);
        if (buffer->space == SPACE_TASK && end > bytes) bytes = end;
    }
    return stack_slot(b, LLVMArrayType2(b->e->i8, (u64)bytes + SLACK));
}
/* Block pointers that this function's own buffers need, loaded once; `call` is known. */
void bases_load(Body *b) {
    for (int i = 0; i < b->f->buffers.n; i++) {
        Space space = b->f->buffers.v[i].space;
        if (space > SPACE_TASK || b->bases[space]) continue;
        if (space == SPACE_TASK) b->bases[space] = task_memory(b);
        else b->bases[space] = space == SPACE_CALL ? b->call : call_field(b, BASE_FIELDS[space], b->e->pointer);
    }
}
static void find_locals(Body *b, const LoopBlock *block);
static void use_local(Body *b, int index) {
    const LoopBuffer *buffer = &b->f->buffers.v[index];
    if (buffer->space != SPACE_LOCAL || b->pointers[index]) return;
    i64 bytes = buffer->elements * dtype_bytes(buffer->dtype) + SLACK;
    b->pointers[index] = stack_slot(b, LLVMArrayType2(b->e->i8, (u64)bytes));
}
static void find_locals_of(Body *b, const LoopStatement *s) {
    if (s->kind == STATEMENT_let && s->value->op == LOP_load) use_local(b, s->value->access->buffer);
    if (s->access) use_local(b, s->access->buffer);
    if (s->kind == STATEMENT_call)
        for (int i = 0; i < s->call->function->n_params; i++) use_local(b, s->call->buffers[i].buffer);
    if (s->kind == STATEMENT_for && s->loop->kind != FOR_PARALLEL) find_locals(b, &s->loop->body);
    if (s->kind == STATEMENT_if) {
        find_locals(b, &s->branch->then);
        find_locals(b, &s->branch->otherwise);
    }
}
static void find_locals(Body *b, const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) find_locals_of(b, block->list.v[i]);
}

/* Constants end with SLACK zero bytes, as whole vectors are read from them. Each part has those it reads. */
static LLVMValueRef constant_of(Emitter *e, int index) {
    const LoopConstant *c = &e->loops->constants.v[index];
    if (e->constants[index]) return e->constants[index];
    char *bytes = arena_alloc(e->arena, (size_t)c->bytes + SLACK);
    memcpy(bytes, c->data, (size_t)c->bytes);
    LLVMValueRef data = LLVMConstStringInContext2(e->context, bytes, (size_t)c->bytes + SLACK, true);
    LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(data), "constant");
    LLVMSetInitializer(global, data);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMSetAlignment(global, 64);
    return e->constants[index] = global;
}
Body *body_begin(Emitter *e, const LoopFunction *f, LLVMValueRef function) {
    Body *b = ARENA_NEW(e->arena, Body);
    *b = (Body){.e = e, .f = f, .function = function};
    b->values = ARENA_ARRAY(e->arena, LLVMValueRef, f->n_values);
    b->indices = ARENA_ARRAY(e->arena, LLVMValueRef, f->n_loops);
    b->pointers = ARENA_ARRAY(e->arena, LLVMValueRef, f->buffers.n);
    b->rounds = ARENA_NEW(e->arena, Map);
    b->rounds->arena = e->arena;
    b->start = block_new(b, "start");
    LLVMPositionBuilderAtEnd(e->builder, b->start);
    for (int i = 0; i < f->buffers.n; i++)
        if (f->buffers.v[i].space == SPACE_CONSTANT) b->pointers[i] = constant_of(e, (int)f->buffers.v[i].offset);
    return b;
}
void body_statements(Body *b, const LoopBlock *block) {
    find_locals(b, block);
    block_emit(b, block);
    LLVMBuildRetVoid(b->e->builder);
}

static void param_attributes(const Emitter *e, LLVMValueRef function, unsigned at, const LoopBuffer *buffer) {
    attribute_add(e, function, at, "noalias", 0);
    attribute_add(e, function, at, "nocapture", 0);
    attribute_add(e, function, at, "align", (u64)buffer->align);
    if (!buffer->writable) attribute_add(e, function, at, "readonly", 0);
}

/* A function that parts call of one another is a hidden symbol; nothing outside of the trainer sees it. */
static LLVMValueRef function_new(const Emitter *e, const char *name, LLVMTypeRef type, const LoopFunction *f, bool exported) {
    nnc_check(e->parts->n == 1 || !LLVMGetNamedFunction(e->module, name), "two functions are called %s", name);
    LLVMValueRef function = LLVMAddFunction(e->module, name, type);
    function_attributes(e, function, !exported);
    if (e->parts->n > 1 && !exported) {
        LLVMSetLinkage(function, LLVMExternalLinkage);
        LLVMSetVisibility(function, LLVMHiddenVisibility);
    }
    for (int i = 0; i < f->n_params; i++) param_attributes(e, function, (unsigned)i + 2, &f->buffers.v[i]);
    return function;
}
/* An entry, or a kernel that hands all its work to tasks: run once or twice a step. */
static bool only_calls(const LoopFunction *f) {
    for (int i = 0; i < f->body.list.n; i++) {
        const LoopStatement *s = f->body.list.v[i];
        if (s->kind != STATEMENT_sync && !(s->kind == STATEMENT_for && s->loop->kind == FOR_PARALLEL)) return !f->n_params && !f->scalars.n;
    }
    return true;
}
static FunctionCode *function_declare(Emitter *e, const LoopFunction *f, bool exported) {
    int n = 1 + f->n_params + f->scalars.n;
    LLVMTypeRef *types = ARENA_ARRAY(e->arena, LLVMTypeRef, n);
    for (int i = 0; i < 1 + f->n_params; i++) types[i] = e->pointer;
    for (int i = 0; i < f->scalars.n; i++) types[1 + f->n_params + i] = type_of(e, f->scalars.v[i]->type);
    FunctionCode *code = ARENA_NEW(e->arena, FunctionCode);
    code->type = LLVMFunctionType(e->nothing, types, (unsigned)n, false);
    code->function = function_new(e, f->name, code->type, f, exported);
    if (!part_of(e->parts, f)->hot || only_calls(f)) attribute_small(e, code->function);
    map_set_ptr(&e->functions, f, code);
    return code;
}
FunctionCode *code_of(Emitter *e, const LoopFunction *f) {
    FunctionCode *code = map_get_ptr(&e->functions, f);
    if (code) return code;
    nnc_check(part_of(e->parts, f)->part != e->part, "%s is called before it is known", f->name);
    return function_declare(e, f, false);
}
static void function_emit(Emitter *e, const LoopFunction *f, bool exported) {
    if (part_of(e->parts, f)->part != e->part) return;
    const FunctionCode *code = function_declare(e, f, exported);
    Body *b = body_begin(e, f, code->function);
    b->call = LLVMGetParam(code->function, 0);
    bases_load(b);
    for (int i = 0; i < f->n_params; i++) b->pointers[i] = LLVMGetParam(code->function, (unsigned)i + 1);
    for (int i = 0; i < f->scalars.n; i++)
        b->values[f->scalars.v[i]->id] = LLVMGetParam(code->function, (unsigned)(1 + f->n_params + i));
    body_statements(b, &f->body);
}

/* ---- statements ---- */

typedef LLVMValueRef Lowering(const Body *b, const LoopValue *v);
static Lowering *const LOWER[LOP_COUNT] = {
#define LOP(name, arity, typing, emit) [LOP_##name] = lower_##emit,
#include "../loop/loop.def"
#undef LOP
};
/* Parameters, accumulators and results are set by whoever makes them: no `let` makes one. */
LLVMValueRef lower_given(const Body *b, const LoopValue *v) { nnc_bug("%%%u of %s is let", v->id, b->f->name); }

/* One integer that no memory is read for. */
static bool placeable(const LoopValue *v) {
    return !v->type.lanes && v->type.elem != ELEM_F32 && v->type.elem != ELEM_F64 && v->op != LOP_load && v->op != LOP_index;
}
static void emit_let(Body *b, const LoopStatement *s) {
    const LoopValue *v = s->value;
    LLVMBasicBlockRef now = LLVMGetInsertBlock(b->e->builder);
    Round *r = placeable(v) ? NULL : b->round;
    for (int i = 0; i < v->n_args && r != b->round; i++) r = round_deeper(r, round_of(b, value_get(b, v->args[i])));
    place_in(b, r);
    b->values[v->id] = LOWER[v->op](b, v);
    place_back(b, now);
}
static void emit_store(Body *b, const LoopStatement *s) { store_emit(b, s->access, s->value); }
static void emit_prefetch(Body *b, const LoopStatement *s) { prefetch_emit(b, s); }
static void emit_exchange(Body *b, const LoopStatement *s) {
    i64 bytes = s->elements * dtype_bytes(b->f->buffers.v[s->access->buffer].dtype);
    LLVMTypeRef types[] = {b->e->pointer, b->e->pointer, b->e->i64};
    FunctionCode code = external_code(b->e, "nn_exchange", b->e->nothing, 3, types);
    LLVMValueRef args[] = {b->call, address_emit(b, s->access->buffer, &s->access->at, true), const_i64(b->e, bytes)};
    call_code(b->e, code, 3, args);
}
/* nn_parallel returns when its tasks are done, and everything else runs in order. */
static void emit_sync(Body *b, const LoopStatement *s) { (void)b, (void)s; }

/* Round by round with constant indices; also for loops of one round. */
static void emit_unrolled(Body *b, const LoopFor *loop) {
    for (int k = 0; k < loop->n; k++) b->values[loop->acc[k]->id] = value_get(b, loop->init[k]);
    LLVMValueRef *next = ARENA_ARRAY(b->e->arena, LLVMValueRef, loop->n);
    for (i64 i = 0; i < loop->extent; i += loop->step) {
        b->indices[loop->id] = const_i64(b->e, i);
        block_emit(b, &loop->body);
        for (int k = 0; k < loop->n; k++) next[k] = value_get(b, loop->body.values[k]);
        for (int k = 0; k < loop->n; k++) b->values[loop->acc[k]->id] = next[k];
    }
    for (int k = 0; k < loop->n; k++) b->values[loop->results[k]->id] = b->values[loop->acc[k]->id];
}

static LLVMValueRef bound(const Body *b, const char *choice, const LoopAffine *a, i64 limit) {
    if (!a) return const_i64(b->e, limit);
    LLVMValueRef args[] = {affine_emit(b, a), const_i64(b->e, limit)};
    LLVMBasicBlockRef now = place_in(b, round_of(b, args[0]));
    LLVMValueRef value = intrinsic(b->e, choice, 1, (LLVMTypeRef[]){b->e->i64}, 2, args);
    place_back(b, now);
    return value;
}
bool unrolled(const LoopFor *loop) {
    return loop->kind == FOR_UNROLLED || (loop->kind == FOR_SERIAL && loop->extent <= loop->step && !loop->from && !loop->to);
}
static void emit_serial(Body *b, const LoopFor *loop) {
    LLVMBuilderRef builder = b->e->builder;
    bool bounded = loop->from || loop->to;
    LLVMValueRef from = bound(b, "llvm.smax", loop->from, 0), to = bound(b, "llvm.smin", loop->to, loop->extent);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder), after = block_new(b, "done");
    round_begin(b, loop, before, from);
    LLVMBasicBlockRef round = b->round->first;
    if (bounded) LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, from, to, ""), round, after);
    else LLVMBuildBr(builder, round);
    LLVMPositionBuilderAtEnd(builder, round);
    LLVMValueRef index = LLVMBuildPhi(builder, b->e->i64, ""), *phis = ARENA_ARRAY(b->e->arena, LLVMValueRef, loop->n);
    LLVMAddIncoming(index, &from, &before, 1);
    b->indices[loop->id] = index;
    for (int k = 0; k < loop->n; k++) {
        LLVMValueRef init = value_get(b, loop->init[k]);
        phis[k] = LLVMBuildPhi(builder, type_of(b->e, loop->acc[k]->type), "");
        LLVMAddIncoming(phis[k], &init, &before, 1);
        b->values[loop->acc[k]->id] = phis[k];
    }
    block_emit(b, &loop->body);
    LLVMBasicBlockRef end = LLVMGetInsertBlock(builder);
    round_end(b, end);
    LLVMValueRef next = LLVMBuildNSWAdd(builder, index, const_i64(b->e, loop->step), "");
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, next, to, ""), round, after);
    LLVMAddIncoming(index, &next, &end, 1);
    LLVMPositionBuilderAtEnd(builder, after);
    for (int k = 0; k < loop->n; k++) {
        LLVMValueRef last = value_get(b, loop->body.values[k]), result = last;
        LLVMAddIncoming(phis[k], &last, &end, 1);
        if (bounded) {
            LLVMValueRef init = value_get(b, loop->init[k]);
            result = LLVMBuildPhi(builder, type_of(b->e, loop->acc[k]->type), "");
            LLVMAddIncoming(result, (LLVMValueRef[]){init, last}, (LLVMBasicBlockRef[]){before, end}, 2);
        }
        b->values[loop->results[k]->id] = result;
    }
}
static void emit_for(Body *b, const LoopStatement *s) {
    const LoopFor *loop = s->loop;
    if (loop->kind == FOR_PARALLEL) emit_parallel(b, loop);
    else if (unrolled(loop)) emit_unrolled(b, loop);
    else emit_serial(b, loop);
}

static LLVMValueRef condition_emit(const Body *b, const LoopIf *branch) {
    if (branch->mask) return value_get(b, branch->mask);
    LLVMValueRef all = NULL;
    for (int i = 0; i < branch->n_conditions; i++) {
        LLVMValueRef form = affine_emit(b, &branch->conditions[i]);
        LLVMValueRef one = LLVMBuildICmp(b->e->builder, LLVMIntSGE, form, const_i64(b->e, 0), "");
        all = all ? LLVMBuildAnd(b->e->builder, all, one, "") : one;
    }
    return all;
}
static void emit_if(Body *b, const LoopStatement *s) {
    const LoopIf *branch = s->branch;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef then = block_new(b, "then"), otherwise = block_new(b, "else"), after = block_new(b, "join"), ends[2];
    LLVMBuildCondBr(builder, condition_emit(b, branch), then, otherwise);
    LLVMValueRef *given = ARENA_ARRAY(b->e->arena, LLVMValueRef, 2 * branch->n);
    for (int k = 0; k < 2; k++) {
        const LoopBlock *block = k ? &branch->otherwise : &branch->then;
        LLVMPositionBuilderAtEnd(builder, k ? otherwise : then);
        block_emit(b, block);
        for (int i = 0; i < branch->n; i++) given[2 * i + k] = value_get(b, block->values[i]);
        ends[k] = LLVMGetInsertBlock(builder);
        LLVMBuildBr(builder, after);
    }
    LLVMPositionBuilderAtEnd(builder, after);
    for (int i = 0; i < branch->n; i++) {
        LLVMValueRef phi = LLVMBuildPhi(builder, type_of(b->e, branch->results[i]->type), "");
        LLVMAddIncoming(phi, &given[2 * i], ends, 2);
        b->values[branch->results[i]->id] = phi;
    }
}

static void emit_call(Body *b, const LoopStatement *s) {
    const LoopCall *call = s->call;
    const LoopFunction *g = call->function;
    FunctionCode *code = code_of(b->e, g);
    int n = 1 + g->n_params + g->scalars.n;
    LLVMValueRef *args = ARENA_ARRAY(b->e->arena, LLVMValueRef, n);
    args[0] = b->call;
    for (int i = 0; i < g->n_params; i++) args[1 + i] = address_emit(b, call->buffers[i].buffer, &call->buffers[i].at, true);
    for (int i = 0; i < g->scalars.n; i++) args[1 + g->n_params + i] = value_get(b, call->scalars[i]);
    if (call->kernel >= 0 && part_of(b->e->parts, b->f)->watches) watched_call(b->e, g, code, n, args, call->kernel);
    else call_code(b->e, *code, n, args);
    round_note(b, LLVMGetInsertBlock(b->e->builder));
}

static void (*const EMIT[STATEMENT_COUNT])(Body *, const LoopStatement *) = {
#define STATEMENT(name) [STATEMENT_##name] = emit_##name,
#include "../loop/loop.def"
#undef STATEMENT
};
void block_emit(Body *b, const LoopBlock *block) {
    for (int i = 0; i < block->list.n; i++) EMIT[block->list.v[i]->kind](b, block->list.v[i]);
}

/* ---- the module ---- */

void emitter_init(Emitter *e, Arena *arena, const LoopProgram *loops, const LlvmMachine *machine, const Parts *parts, int part) {
    *e = (Emitter){.arena = arena, .loops = loops, .machine = machine, .parts = parts, .part = part, .functions = {.arena = arena}};
    e->constants = ARENA_ARRAY(arena, LLVMValueRef, loops->constants.n);
    e->context = LLVMContextCreate();
    e->module = LLVMModuleCreateWithNameInContext("nn", e->context);
    e->builder = LLVMCreateBuilderInContext(e->context);
    e->nothing = LLVMVoidTypeInContext(e->context);
    e->pointer = LLVMPointerTypeInContext(e->context, 0);
    e->i64 = LLVMInt64TypeInContext(e->context);
    e->i32 = LLVMInt32TypeInContext(e->context);
    e->i8 = LLVMInt8TypeInContext(e->context);
    LLVMTypeRef types[ELEM_COUNT] = {LLVMFloatTypeInContext(e->context), LLVMDoubleTypeInContext(e->context), e->i32, e->i64,
                                     e->i8, LLVMInt1TypeInContext(e->context)};
    for (int i = 0; i < ELEM_COUNT; i++) {
        e->scalars[i] = types[i];
        e->vectors[i] = LLVMVectorType(types[i], LANES);
    }
}

/* The table is in the first part. */
void module_emit(Emitter *e, const Program *program) {
    e->internal = program != NULL;
    for (int i = 0; i < e->loops->kernels.n; i++) function_emit(e, e->loops->kernels.v[i], false);
    for (int i = 0; i < e->loops->entries.n; i++)
        if (e->loops->entries.v[i]) function_emit(e, e->loops->entries.v[i], !e->internal);
    if (program && e->part == 0) table_emit(e, program);
    char *message = NULL;
    if (LLVMVerifyModule(e->module, LLVMReturnStatusAction, &message)) nnc_bug("LLVM rejects the module: %s", message);
    LLVMDisposeMessage(message);
}

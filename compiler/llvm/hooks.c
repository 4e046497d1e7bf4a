/* hooks.c: what surrounds a kernel's call when someone watches: its nanoseconds are added up, its results scanned.
**
** A kernel that is a row of the table is called as K.watched(call, parameters.., row), which jumps to K where no flag of the call is
** set: hot code is the same whether it can be watched or not, and a caller spends one argument on it. The helpers are internal functions
** of the module: nn.clock adds or subtracts the monotonic clock in call->kernel_ns[kernel], nn.scan_f32/f64 tells nn_trap the first
** element that is not finite. */
#include "emit.h"
#include <stddef.h>
#include <time.h>

static FunctionCode helper_begin(Emitter *e, const char *name, int n, LLVMTypeRef *types, LLVMBasicBlockRef *back) {
    FunctionCode code = {.type = LLVMFunctionType(e->nothing, types, (unsigned)n, false)};
    *back = LLVMGetInsertBlock(e->builder);
    code.function = LLVMAddFunction(e->module, name, code.type);
    function_attributes(e, code.function, true);
    attribute_add(e, code.function, LLVMAttributeFunctionIndex, "cold", 0);
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->context, code.function, "start"));
    return code;
}

/* void nn.clock(call, kernel, sign): kernel_ns[kernel] += sign * now, if there is kernel_ns. */
static void clock_helper(Emitter *e) {
    LLVMBasicBlockRef back;
    if (e->clock.function) return;
    LLVMTypeRef types[] = {e->pointer, e->i64, e->i64};
    e->clock = helper_begin(e, "nn.clock", 3, types, &back);
    LLVMValueRef f = e->clock.function;
    Body b = {.e = e, .function = f, .call = LLVMGetParam(f, 0)};
    LLVMBasicBlockRef on = block_new(&b, "on"), off = block_new(&b, "off");
    LLVMTypeRef time = LLVMArrayType2(e->i64, 2); /* struct timespec of a 64-bit Linux */
    _Static_assert(sizeof(struct timespec) == 16, "two words of 64 bits");
    LLVMValueRef slot = LLVMBuildAlloca(e->builder, time, ""), table = call_field(&b, offsetof(nn_call, kernel_ns), e->pointer);
    LLVMBuildCondBr(e->builder, LLVMBuildIsNull(e->builder, table, ""), off, on);
    LLVMPositionBuilderAtEnd(e->builder, on);
    FunctionCode now = external_code(e, "clock_gettime", e->i32, 2, (LLVMTypeRef[]){e->i32, e->pointer});
    call_code(e, now, 2, (LLVMValueRef[]){const_i32(e, CLOCK_MONOTONIC), slot});
    LLVMValueRef one = const_i64(e, 1), part = LLVMBuildInBoundsGEP2(e->builder, e->i64, slot, &one, 1, "");
    LLVMValueRef seconds = LLVMBuildLoad2(e->builder, e->i64, slot, ""), rest = LLVMBuildLoad2(e->builder, e->i64, part, "");
    LLVMValueRef ns = LLVMBuildAdd(e->builder, LLVMBuildMul(e->builder, seconds, const_i64(e, 1000000000), ""), rest, "");
    LLVMValueRef kernel = LLVMGetParam(f, 1), place = LLVMBuildInBoundsGEP2(e->builder, e->i64, table, &kernel, 1, "");
    LLVMValueRef part_of_sum = LLVMBuildMul(e->builder, ns, LLVMGetParam(f, 2), ""); /* tasks add too: atomic */
    LLVMBuildAtomicRMW(e->builder, LLVMAtomicRMWBinOpAdd, place, part_of_sum, LLVMAtomicOrderingMonotonic, false);
    LLVMBuildBr(e->builder, off);
    LLVMPositionBuilderAtEnd(e->builder, off);
    LLVMBuildRetVoid(e->builder);
    LLVMPositionBuilderAtEnd(e->builder, back);
}

/* void nn.scan(call, data, n, kernel): under NN_TRAP, nn_trap(call, kernel, i) for the first i with data[i] - data[i] != 0. */
static void scan_helper(Emitter *e, LoopElem elem) {
    LLVMBasicBlockRef back;
    FunctionCode *code = &e->scan[elem == ELEM_F64];
    if (code->function) return;
    LLVMBuilderRef s = e->builder;
    LLVMTypeRef types[] = {e->pointer, e->pointer, e->i64, e->i64};
    *code = helper_begin(e, elem == ELEM_F64 ? "nn.scan_f64" : "nn.scan_f32", 4, types, &back);
    LLVMValueRef f = code->function, call = LLVMGetParam(f, 0), zero = const_i64(e, 0);
    Body b = {.e = e, .function = f, .call = call};
    LLVMBasicBlockRef start = LLVMGetInsertBlock(s), round = block_new(&b, "round"), next = block_new(&b, "next"),
                      bad = block_new(&b, "bad"), done = block_new(&b, "done");
    LLVMValueRef flags = LLVMBuildAnd(s, call_field(&b, offsetof(nn_call, flags), e->i32), const_i32(e, NN_TRAP), "");
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, flags, ""), done, round);
    LLVMPositionBuilderAtEnd(s, round);
    LLVMValueRef i = LLVMBuildPhi(s, e->i64, "");
    LLVMTypeRef type = e->scalars[elem];
    LLVMValueRef x = LLVMBuildLoad2(s, type, LLVMBuildInBoundsGEP2(s, type, LLVMGetParam(f, 1), &i, 1, ""), "");
    LLVMValueRef finite = LLVMBuildFCmp(s, LLVMRealOEQ, LLVMBuildFSub(s, x, x, ""), LLVMConstNull(type), "");
    LLVMBuildCondBr(s, finite, next, bad);
    LLVMPositionBuilderAtEnd(s, next);
    LLVMValueRef after = LLVMBuildNSWAdd(s, i, const_i64(e, 1), "");
    LLVMBuildCondBr(s, LLVMBuildICmp(s, LLVMIntSLT, after, LLVMGetParam(f, 2), ""), round, done);
    LLVMAddIncoming(i, (LLVMValueRef[]){zero, after}, (LLVMBasicBlockRef[]){start, next}, 2);
    LLVMPositionBuilderAtEnd(s, bad);
    FunctionCode trap = external_code(e, "nn_trap", e->nothing, 3, (LLVMTypeRef[]){e->pointer, e->i64, e->i64});
    call_code(e, trap, 3, (LLVMValueRef[]){call, LLVMGetParam(f, 3), i});
    LLVMBuildBr(s, done);
    LLVMPositionBuilderAtEnd(s, done);
    LLVMBuildRetVoid(s);
    LLVMPositionBuilderAtEnd(s, back);
}

/* A branch to `on` if someone watches, else to `off`. */
static void watched_branch(const Body *b, LLVMBasicBlockRef on, LLVMBasicBlockRef off) {
    LLVMValueRef flags = call_field(b, offsetof(nn_call, flags), b->e->i32);
    LLVMBuildCondBr(b->e->builder, LLVMBuildIsNull(b->e->builder, flags, ""), off, on);
}
static void scan_results(const Body *b, LLVMValueRef kernel) {
    for (int i = 0; i < b->f->n_params; i++) {
        const LoopBuffer *buffer = &b->f->buffers.v[i];
        if (!buffer->checked) continue;
        LoopElem elem = elem_of_dtype(buffer->dtype);
        scan_helper(b->e, elem);
        LLVMValueRef scanned[] = {b->call, LLVMGetParam(b->function, (unsigned)i + 1), const_i64(b->e, buffer->elements), kernel};
        call_code(b->e, b->e->scan[elem == ELEM_F64], 4, scanned);
    }
}
void watched_emit(Emitter *e, const LoopFunction *f, const FunctionCode *code) {
    LLVMBuilderRef s = e->builder;
    LLVMValueRef function = code->watched;
    Body b = {.e = e, .f = f, .function = function, .call = LLVMGetParam(function, 0)};
    LLVMBasicBlockRef start = block_new(&b, "start"), on = block_new(&b, "watched"), off = block_new(&b, "off");
    int n = 1 + f->n_params + f->scalars.n;
    LLVMValueRef *args = ARENA_ARRAY(e->arena, LLVMValueRef, n + 1), kernel = LLVMGetParam(function, (unsigned)n);
    for (int i = 0; i < n; i++) args[i] = LLVMGetParam(function, (unsigned)i);
    LLVMPositionBuilderAtEnd(s, start);
    clock_helper(e);
    watched_branch(&b, on, off);
    LLVMPositionBuilderAtEnd(s, off);
    LLVMSetTailCall(call_code(e, *code, n, args), true);
    LLVMBuildRetVoid(s);
    LLVMPositionBuilderAtEnd(s, on);
    call_code(e, e->clock, 3, (LLVMValueRef[]){b.call, kernel, const_i64(e, -1)});
    call_code(e, *code, n, args);
    call_code(e, e->clock, 3, (LLVMValueRef[]){b.call, kernel, const_i64(e, 1)});
    scan_results(&b, kernel);
    LLVMBuildRetVoid(s);
}

/* hooks.c: what surrounds a kernel's call when someone watches: its nanoseconds are added up, its results scanned.
**
** A kernel that is a row of the table is called by way of nn.watch(call, parameters.., scalars.., row, facts), which jumps to it where no
** flag of the call is set: hot code is the same whether it can be watched or not. There is one nn.watch for all kernels that take as
** much. `facts` are the kernel's address, then which of its parameters are looked at, a word each: elements << 18 | last << 17 |
** is f64 << 16 | which; 0 for none.
** The helpers are internal functions of the module: nn.clock adds or subtracts the monotonic clock in call->kernel_ns[kernel], nn.scan
** walks the results, nn.scan_f32/f64 tells nn_trap the first element that is not finite. */
#include "emit.h"
#include <stddef.h>
#include <time.h>

enum { F64_RESULT = 1 << 16, LAST_RESULT = 1 << 17, ELEMENTS_SHIFT = 18 }; /* of a word of `results` */

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

/* void nn.scan_f32(call, data, n, kernel): nn_trap(call, kernel, i) for the first i with data[i] - data[i] != 0; 0 < n. */
static FunctionCode floats_helper(Emitter *e, LoopElem elem) {
    LLVMBasicBlockRef back;
    LLVMBuilderRef s = e->builder;
    LLVMTypeRef types[] = {e->pointer, e->pointer, e->i64, e->i64};
    FunctionCode code = helper_begin(e, elem == ELEM_F64 ? "nn.scan_f64" : "nn.scan_f32", 4, types, &back);
    LLVMValueRef f = code.function, call = LLVMGetParam(f, 0), zero = const_i64(e, 0);
    Body b = {.e = e, .function = f, .call = call};
    LLVMBasicBlockRef start = LLVMGetInsertBlock(s), round = block_new(&b, "round"), next = block_new(&b, "next"),
                      bad = block_new(&b, "bad"), done = block_new(&b, "done");
    LLVMBuildBr(s, round);
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
    return code;
}

/* void nn.scan(call, parameters, results, kernel): under NN_TRAP, all that `results` names. */
static void scan_helper(Emitter *e) {
    LLVMBasicBlockRef back;
    LLVMBuilderRef s = e->builder;
    if (e->scan.function) return;
    FunctionCode floats[] = {floats_helper(e, ELEM_F32), floats_helper(e, ELEM_F64)};
    e->scan = helper_begin(e, "nn.scan", 4, (LLVMTypeRef[]){e->pointer, e->pointer, e->pointer, e->i64}, &back);
    LLVMValueRef f = e->scan.function, call = LLVMGetParam(f, 0), one = const_i64(e, 1);
    Body b = {.e = e, .function = f, .call = call};
    LLVMBasicBlockRef start = LLVMGetInsertBlock(s), round = block_new(&b, "round"), result = block_new(&b, "result"),
                      kinds[] = {block_new(&b, "f32"), block_new(&b, "f64")}, next = block_new(&b, "next"), done = block_new(&b, "done");
    LLVMValueRef flags = LLVMBuildAnd(s, call_field(&b, offsetof(nn_call, flags), e->i32), const_i32(e, NN_TRAP), "");
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, flags, ""), done, round);
    LLVMPositionBuilderAtEnd(s, round);
    LLVMValueRef at = LLVMBuildPhi(s, e->pointer, ""), word = LLVMBuildLoad2(s, e->i64, at, "");
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, word, ""), done, result);
    LLVMPositionBuilderAtEnd(s, result);
    LLVMValueRef which = LLVMBuildAnd(s, word, const_i64(e, F64_RESULT - 1), "");
    LLVMValueRef place = LLVMBuildInBoundsGEP2(s, e->pointer, LLVMGetParam(f, 1), &which, 1, "");
    LLVMValueRef data = LLVMBuildLoad2(s, e->pointer, place, ""), n = LLVMBuildLShr(s, word, const_i64(e, ELEMENTS_SHIFT), "");
    LLVMValueRef is_f64 = LLVMBuildAnd(s, word, const_i64(e, F64_RESULT), "");
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, is_f64, ""), kinds[0], kinds[1]);
    for (int k = 0; k < 2; k++) {
        LLVMPositionBuilderAtEnd(s, kinds[k]);
        call_code(e, floats[k], 4, (LLVMValueRef[]){call, data, n, LLVMGetParam(f, 3)});
        LLVMBuildBr(s, next);
    }
    LLVMPositionBuilderAtEnd(s, next);
    LLVMValueRef after = LLVMBuildInBoundsGEP2(s, e->i64, at, &one, 1, "");
    LLVMValueRef last = LLVMBuildAnd(s, word, const_i64(e, LAST_RESULT), "");
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, last, ""), round, done);
    LLVMAddIncoming(at, (LLVMValueRef[]){LLVMGetParam(f, 2), after}, (LLVMBasicBlockRef[]){start, next}, 2);
    LLVMPositionBuilderAtEnd(s, done);
    LLVMBuildRetVoid(s);
    LLVMPositionBuilderAtEnd(s, back);
}

/* ---- calls ---- */

/* The parameters of a kernel, in order, where nn.scan finds them. */
static LLVMValueRef params_kept(const Body *b, int n) {
    LLVMBuilderRef s = b->e->builder;
    LLVMValueRef list = LLVMBuildAlloca(s, LLVMArrayType2(b->e->pointer, (u64)n + 1), "");
    for (int i = 0; i < n; i++) {
        LLVMValueRef at = const_i64(b->e, i), place = LLVMBuildInBoundsGEP2(s, b->e->pointer, list, &at, 1, "");
        LLVMBuildStore(s, LLVMGetParam(b->function, (unsigned)i + 1), place);
    }
    return list;
}
/* nn.watch for functions of the type of K: `n` arguments, of which the first are the call and `n_params` pointers. */
static void watch_emit(Emitter *e, LLVMValueRef function, LLVMTypeRef kernel_type, int n, int n_params) {
    LLVMBuilderRef s = e->builder;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(s);
    clock_helper(e);
    scan_helper(e);
    Body b = {.e = e, .function = function, .call = LLVMGetParam(function, 0)};
    LLVMBasicBlockRef start = block_new(&b, "start"), on = block_new(&b, "watched"), off = block_new(&b, "off");
    LLVMValueRef *args = ARENA_ARRAY(e->arena, LLVMValueRef, n);
    for (int i = 0; i < n; i++) args[i] = LLVMGetParam(function, (unsigned)i);
    LLVMValueRef kernel = LLVMGetParam(function, (unsigned)n), facts = LLVMGetParam(function, (unsigned)n + 1), one = const_i64(e, 1);
    LLVMPositionBuilderAtEnd(s, start);
    FunctionCode code = {.function = LLVMBuildLoad2(s, e->pointer, facts, ""), .type = kernel_type};
    LLVMValueRef flags = call_field(&b, offsetof(nn_call, flags), e->i32);
    LLVMBuildCondBr(s, LLVMBuildIsNull(s, flags, ""), off, on);
    LLVMPositionBuilderAtEnd(s, off);
    LLVMSetTailCall(call_code(e, code, n, args), true);
    LLVMBuildRetVoid(s);
    LLVMPositionBuilderAtEnd(s, on);
    LLVMValueRef params = params_kept(&b, n_params), results = LLVMBuildInBoundsGEP2(s, e->i64, facts, &one, 1, "");
    call_code(e, e->clock, 3, (LLVMValueRef[]){b.call, kernel, const_i64(e, -1)});
    call_code(e, code, n, args);
    call_code(e, e->clock, 3, (LLVMValueRef[]){b.call, kernel, const_i64(e, 1)});
    call_code(e, e->scan, 4, (LLVMValueRef[]){b.call, params, results, kernel});
    LLVMBuildRetVoid(s);
    LLVMPositionBuilderAtEnd(s, back);
}
static FunctionCode watch_code(Emitter *e, const LoopFunction *f, LLVMTypeRef kernel_type) {
    int n = 1 + f->n_params + f->scalars.n;
    LLVMTypeRef *types = ARENA_ARRAY(e->arena, LLVMTypeRef, n + 2);
    Text name = {.arena = e->arena};
    text_printf(&name, "nn.watch%d", f->n_params);
    for (int i = 0; i < f->scalars.n; i++) text_printf(&name, ".%s", elem_name(f->scalars.v[i]->type.elem));
    LLVMGetParamTypes(kernel_type, types);
    types[n] = e->i64;
    types[n + 1] = e->pointer;
    FunctionCode code = {.function = LLVMGetNamedFunction(e->module, name.s),
                         .type = LLVMFunctionType(e->nothing, types, (unsigned)n + 2, false)};
    if (code.function) return code;
    code.function = LLVMAddFunction(e->module, name.s, code.type);
    function_attributes(e, code.function, true);
    attribute_small(e, code.function);
    watch_emit(e, code.function, kernel_type, n, f->n_params);
    return code;
}
static LLVMValueRef facts_of(Emitter *e, const LoopFunction *f, LLVMValueRef function) {
    LLVMValueRef *words = ARENA_ARRAY(e->arena, LLVMValueRef, f->n_params + 2);
    unsigned n = 0;
    nnc_check(f->n_params < F64_RESULT, "%s has %d parameters", f->name, f->n_params);
    words[n++] = function;
    for (int i = f->n_params - 1; i >= 0; i--) {
        const LoopBuffer *buffer = &f->buffers.v[i];
        LoopElem elem = elem_of_dtype(buffer->dtype);
        if (!buffer->checked || (elem != ELEM_F32 && elem != ELEM_F64) || !buffer->elements) continue;
        i64 kind = (elem == ELEM_F64 ? F64_RESULT : 0) + (n == 1 ? LAST_RESULT : 0);
        words[n++] = const_i64(e, (buffer->elements << ELEMENTS_SHIFT) + kind + i);
    }
    for (unsigned i = 1; i < n - i; i++) { /* in the order of the parameters */
        LLVMValueRef word = words[i];
        words[i] = words[n - i];
        words[n - i] = word;
    }
    if (n == 1) words[n++] = const_i64(e, 0);
    return constant_hidden(e, LLVMConstStructInContext(e->context, words, n, false), "facts");
}
void watched_call(Emitter *e, const LoopFunction *f, FunctionCode *code, int n, LLVMValueRef *args, i64 kernel) {
    LLVMValueRef *all = ARENA_ARRAY(e->arena, LLVMValueRef, n + 2);
    memcpy(all, args, sizeof *args * (size_t)n);
    if (!code->facts) code->facts = facts_of(e, f, code->function);
    all[n] = const_i64(e, kernel);
    all[n + 1] = code->facts;
    call_code(e, watch_code(e, f, code->type), n + 2, all);
}

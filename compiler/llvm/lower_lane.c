/* lower_lane.c: what moves between lanes: extract, insert, shuffle, trees. The order of a tree's additions is loop.h's. */
#include "emit.h"

LLVMValueRef lower_extract(const Body *b, const LoopValue *v) {
    return LLVMBuildExtractElement(b->e->builder, value_get(b, v->args[0]), const_i32(b->e, (i64)v->bits), "");
}
LLVMValueRef lower_insert(const Body *b, const LoopValue *v) {
    return LLVMBuildInsertElement(b->e->builder, value_get(b, v->args[0]), value_get(b, v->args[1]),
                                  const_i32(b->e, (i64)v->bits), "");
}
LLVMValueRef lower_shuffle(const Body *b, const LoopValue *v) {
    LLVMValueRef lanes[LANES];
    for (int i = 0; i < LANES; i++) lanes[i] = const_i32(b->e, v->pattern[i]);
    return LLVMBuildShuffleVector(b->e->builder, value_get(b, v->args[0]), value_get(b, v->args[1]),
                                  LLVMConstVector(lanes, LANES), "");
}

/* Lanes from..from+n of x, as a shorter vector. */
static LLVMValueRef slice(const Body *b, LLVMValueRef x, int from, int n) {
    LLVMValueRef lanes[LANES];
    for (int i = 0; i < n; i++) lanes[i] = const_i32(b->e, from + i);
    return LLVMBuildShuffleVector(b->e->builder, x, LLVMGetPoison(LLVMTypeOf(x)), LLVMConstVector(lanes, (unsigned)n), "");
}
static LLVMValueRef combine(const Body *b, LLVMValueRef x, LLVMValueRef y, LoopElem elem, bool largest) {
    bool real = elem == ELEM_F32 || elem == ELEM_F64;
    if (!largest) return (real ? LLVMBuildFAdd : LLVMBuildAdd)(b->e->builder, x, y, "");
    LLVMTypeRef type = LLVMTypeOf(x);
    return intrinsic(b->e, real ? "llvm.maximum" : "llvm.smax", 1, &type, 2, (LLVMValueRef[]){x, y});
}
static LLVMValueRef tree(const Body *b, const LoopValue *v, bool largest) {
    LLVMValueRef x = value_get(b, v->args[0]);
    for (int n = LANES / 2; n > 1; n /= 2) x = combine(b, slice(b, x, 0, n), slice(b, x, n, n), v->type.elem, largest);
    LLVMValueRef low = LLVMBuildExtractElement(b->e->builder, x, const_i32(b->e, 0), "");
    LLVMValueRef high = LLVMBuildExtractElement(b->e->builder, x, const_i32(b->e, 1), "");
    return combine(b, low, high, v->type.elem, largest);
}
LLVMValueRef lower_tree(const Body *b, const LoopValue *v) { return tree(b, v, false); }
LLVMValueRef lower_tree_max(const Body *b, const LoopValue *v) { return tree(b, v, true); }

static LLVMValueRef reduce(const Body *b, const LoopValue *v, const char *name) {
    LLVMValueRef x = value_get(b, v->args[0]);
    return intrinsic(b->e, name, 1, (LLVMTypeRef[]){LLVMTypeOf(x)}, 1, &x);
}
LLVMValueRef lower_all(const Body *b, const LoopValue *v) { return reduce(b, v, "llvm.vector.reduce.and"); }
LLVMValueRef lower_any(const Body *b, const LoopValue *v) { return reduce(b, v, "llvm.vector.reduce.or"); }

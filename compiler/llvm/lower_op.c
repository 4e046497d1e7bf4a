/* lower_op.c: arithmetic, comparison, bits and conversion, a lane at a time: loop.h's meaning in LLVM's instructions.
**
** Nothing here carries a fast-math flag. What LLVM leaves open and the IR does not is written out: NaN in max and min, casts out
** of range, division of integers. */
#include "emit.h"

static LLVMValueRef arg(const Body *b, const LoopValue *v, int i) { return value_get(b, v->args[i]); }
static bool real(const LoopValue *v) { return v->type.elem == ELEM_F32 || v->type.elem == ELEM_F64; }
static LLVMValueRef zero(const Body *b, LoopType type) { return LLVMConstNull(type_of(b->e, type)); }
/* An integer constant in every lane. */
static LLVMValueRef integer(const Body *b, LoopType type, i64 x) {
    LLVMValueRef one = LLVMConstInt(b->e->scalars[type.elem], (u64)x, true), lanes[LANES];
    if (!type.lanes) return one;
    for (int i = 0; i < LANES; i++) lanes[i] = one;
    return LLVMConstVector(lanes, LANES);
}
/* llvm.NAME on the operands, overloaded on their type. */
static LLVMValueRef call_same(const Body *b, const LoopValue *v, const char *name) {
    LLVMValueRef args[3];
    LLVMTypeRef type = type_of(b->e, v->args[0]->type);
    for (int i = 0; i < v->n_args; i++) args[i] = arg(b, v, i);
    return intrinsic(b->e, name, 1, &type, v->n_args, args);
}

/* ---- what a scalar i32 surely lies between: numbers of tasks taken apart need no code for negative ones ---- */

typedef struct Range {
    i64 low, high;
} Range;
static Range range_add(Range sum, Range x, i64 factor) {
    i64 a = x.low * factor, b = x.high * factor;
    return (Range){sum.low + (a < b ? a : b), sum.high + (a < b ? b : a)};
}
static Range range_of_affine(const LoopAffine *a) {
    Range r = {a->constant, a->constant};
    for (int i = 0; i < a->n; i++) {
        const LoopTerm *t = &a->terms[i];
        r = range_add(r, t->loop ? (Range){0, t->loop->extent - 1} : (Range){t->value->low, t->value->high}, t->factor);
    }
    return r;
}
static bool literal_above_0(const LoopValue *v, i64 *x) {
    *x = v->op == LOP_literal ? (i32)(u32)v->bits : 0;
    return *x > 0;
}
/* x - x / d * d */
static bool is_rest(const LoopValue *v, i64 *d) {
    const LoopValue *product = v->op == LOP_sub ? v->args[1] : NULL, *quotient = product && product->op == LOP_mul ? product->args[0] : NULL;
    i64 again;
    return quotient && quotient->op == LOP_div && quotient->args[0] == v->args[0] && literal_above_0(quotient->args[1], d) &&
           literal_above_0(product->args[1], &again) && again == *d;
}
static Range value_range(const LoopValue *v) {
    const Range any = {INT32_MIN, INT32_MAX};
    Range r = any;
    i64 d;
    if (v->type.lanes || v->type.elem != ELEM_I32) return any;
    if (v->op == LOP_clamp) r = (Range){v->low, v->high};
    else if (v->op == LOP_index) r = range_of_affine(v->affine);
    else if (v->op == LOP_div && literal_above_0(v->args[1], &d)) r = value_range(v->args[0]), r.low = r.low < 0 ? any.low : r.low / d, r.high /= d;
    else if (is_rest(v, &d) && value_range(v->args[0]).low >= 0) r = (Range){0, d - 1};
    return r.low < any.low || r.high > any.high ? any : r;
}
bool never_below_0(const LoopValue *v) { return value_range(v).low >= 0; }

LLVMValueRef lower_literal(const Body *b, const LoopValue *v) {
    static const LoopElem BITS[ELEM_COUNT] = {ELEM_I32, ELEM_I64, ELEM_I32, ELEM_I64, ELEM_U8, ELEM_MASK};
    LLVMValueRef bits = LLVMConstInt(b->e->scalars[BITS[v->type.elem]], v->bits, false);
    return real(v) ? LLVMConstBitCast(bits, b->e->scalars[v->type.elem]) : bits;
}

/* ---- arithmetic ---- */

LLVMValueRef lower_add(const Body *b, const LoopValue *v) {
    return (real(v) ? LLVMBuildFAdd : LLVMBuildAdd)(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_sub(const Body *b, const LoopValue *v) {
    return (real(v) ? LLVMBuildFSub : LLVMBuildSub)(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_mul(const Body *b, const LoopValue *v) {
    return (real(v) ? LLVMBuildFMul : LLVMBuildMul)(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_fma(const Body *b, const LoopValue *v) { return call_same(b, v, "llvm.fma"); }
LLVMValueRef lower_sqrt(const Body *b, const LoopValue *v) { return call_same(b, v, "llvm.sqrt"); }
LLVMValueRef lower_floor(const Body *b, const LoopValue *v) { return call_same(b, v, "llvm.floor"); }
LLVMValueRef lower_round_even(const Body *b, const LoopValue *v) { return call_same(b, v, "llvm.roundeven"); }
LLVMValueRef lower_neg(const Body *b, const LoopValue *v) {
    return (real(v) ? LLVMBuildFNeg : LLVMBuildNeg)(b->e->builder, arg(b, v, 0), "");
}
LLVMValueRef lower_abs(const Body *b, const LoopValue *v) {
    if (real(v)) return call_same(b, v, "llvm.fabs");
    LLVMTypeRef type = type_of(b->e, v->type);
    LLVMValueRef args[] = {arg(b, v, 0), LLVMConstInt(b->e->scalars[ELEM_MASK], 0, false)}; /* the lowest one wraps */
    return intrinsic(b->e, "llvm.abs", 1, &type, 2, args);
}
/* llvm.maximum and minimum: a NaN wins, -0 is below +0. */
LLVMValueRef lower_max(const Body *b, const LoopValue *v) {
    if (v->type.elem == ELEM_MASK) return LLVMBuildOr(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
    return call_same(b, v, real(v) ? "llvm.maximum" : "llvm.smax");
}
LLVMValueRef lower_min(const Body *b, const LoopValue *v) {
    if (v->type.elem == ELEM_MASK) return LLVMBuildAnd(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
    return call_same(b, v, real(v) ? "llvm.minimum" : "llvm.smin");
}

/* Floor of the quotient: x86 and LLVM truncate, and leave x / 0 and lowest / -1 undefined. */
static LLVMValueRef divide_integers(const Body *b, const LoopValue *v) {
    LLVMBuilderRef s = b->e->builder;
    LLVMValueRef x = arg(b, v, 0), y = arg(b, v, 1), none = integer(b, v->type, 0), one = integer(b, v->type, 1);
    LLVMValueRef by_zero = LLVMBuildICmp(s, LLVMIntEQ, y, none, "");
    LLVMValueRef by_minus = LLVMBuildICmp(s, LLVMIntEQ, y, integer(b, v->type, -1), "");
    LLVMValueRef d = LLVMBuildSelect(s, LLVMBuildOr(s, by_zero, by_minus, ""), one, y, "");
    LLVMValueRef q = LLVMBuildSDiv(s, x, d, ""), rest = LLVMBuildSub(s, x, LLVMBuildMul(s, q, d, ""), "");
    LLVMValueRef inexact = LLVMBuildICmp(s, LLVMIntNE, rest, none, "");
    LLVMValueRef opposed = LLVMBuildICmp(s, LLVMIntSLT, LLVMBuildXor(s, rest, d, ""), none, "");
    LLVMValueRef down = LLVMBuildAnd(s, inexact, opposed, "");
    q = LLVMBuildSelect(s, down, LLVMBuildSub(s, q, one, ""), q, "");
    q = LLVMBuildSelect(s, by_minus, LLVMBuildNeg(s, x, ""), q, "");
    return LLVMBuildSelect(s, by_zero, none, q, "");
}
/* 16 lanes of i32 through f64: a quotient that is no integer lies further from one than a rounding of f64 reaches. */
static LLVMValueRef divide_lanes(const Body *b, const LoopValue *v) {
    LLVMBuilderRef s = b->e->builder;
    LLVMTypeRef wide = b->e->vectors[ELEM_F64], narrow = b->e->vectors[ELEM_I32];
    LLVMValueRef x = arg(b, v, 0), y = arg(b, v, 1), none = integer(b, v->type, 0);
    LLVMValueRef by_zero = LLVMBuildICmp(s, LLVMIntEQ, y, none, "");
    LLVMValueRef by_minus = LLVMBuildICmp(s, LLVMIntEQ, y, integer(b, v->type, -1), "");
    LLVMValueRef d = LLVMBuildSelect(s, LLVMBuildOr(s, by_zero, by_minus, ""), integer(b, v->type, 1), y, "");
    LLVMValueRef q = LLVMBuildFDiv(s, LLVMBuildSIToFP(s, x, wide, ""), LLVMBuildSIToFP(s, d, wide, ""), "");
    q = LLVMBuildFPToSI(s, intrinsic(b->e, "llvm.floor", 1, &wide, 1, &q), narrow, "");
    q = LLVMBuildSelect(s, by_minus, LLVMBuildNeg(s, x, ""), q, "");
    return LLVMBuildSelect(s, by_zero, none, q, "");
}
LLVMValueRef lower_div(const Body *b, const LoopValue *v) {
    i64 d;
    if (real(v)) return LLVMBuildFDiv(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
    if (never_below_0(v->args[0]) && literal_above_0(v->args[1], &d)) return LLVMBuildUDiv(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
    return v->type.lanes && v->type.elem == ELEM_I32 ? divide_lanes(b, v) : divide_integers(b, v);
}

/* ---- comparison and choice ---- */

static LLVMValueRef compare(const Body *b, const LoopValue *v, LLVMRealPredicate real_one, LLVMIntPredicate integer_one) {
    LLVMValueRef x = arg(b, v, 0), y = arg(b, v, 1);
    return real(v->args[0]) ? LLVMBuildFCmp(b->e->builder, real_one, x, y, "")
                            : LLVMBuildICmp(b->e->builder, integer_one, x, y, "");
}
LLVMValueRef lower_eq(const Body *b, const LoopValue *v) { return compare(b, v, LLVMRealOEQ, LLVMIntEQ); }
LLVMValueRef lower_lt(const Body *b, const LoopValue *v) { return compare(b, v, LLVMRealOLT, LLVMIntSLT); }
LLVMValueRef lower_le(const Body *b, const LoopValue *v) { return compare(b, v, LLVMRealOLE, LLVMIntSLE); }
LLVMValueRef lower_select(const Body *b, const LoopValue *v) {
    return LLVMBuildSelect(b->e->builder, arg(b, v, 0), arg(b, v, 1), arg(b, v, 2), "");
}

/* ---- bits ---- */

LLVMValueRef lower_and(const Body *b, const LoopValue *v) {
    return LLVMBuildAnd(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_or(const Body *b, const LoopValue *v) { return LLVMBuildOr(b->e->builder, arg(b, v, 0), arg(b, v, 1), ""); }
LLVMValueRef lower_xor(const Body *b, const LoopValue *v) {
    return LLVMBuildXor(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_not(const Body *b, const LoopValue *v) { return LLVMBuildNot(b->e->builder, arg(b, v, 0), ""); }
LLVMValueRef lower_shl(const Body *b, const LoopValue *v) {
    return LLVMBuildShl(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_shr(const Body *b, const LoopValue *v) {
    return LLVMBuildLShr(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_sar(const Body *b, const LoopValue *v) {
    return LLVMBuildAShr(b->e->builder, arg(b, v, 0), arg(b, v, 1), "");
}
LLVMValueRef lower_mulhi(const Body *b, const LoopValue *v) {
    LLVMBuilderRef s = b->e->builder;
    LoopType wide = {ELEM_I64, v->type.lanes};
    LLVMTypeRef type = type_of(b->e, wide);
    LLVMValueRef x = LLVMBuildZExt(s, arg(b, v, 0), type, ""), y = LLVMBuildZExt(s, arg(b, v, 1), type, "");
    LLVMValueRef high = LLVMBuildLShr(s, LLVMBuildMul(s, x, y, ""), integer(b, wide, 32), "");
    return LLVMBuildTrunc(s, high, type_of(b->e, v->type), "");
}
LLVMValueRef lower_bits(const Body *b, const LoopValue *v) {
    return LLVMBuildBitCast(b->e->builder, arg(b, v, 0), type_of(b->e, v->type), "");
}
LLVMValueRef lower_unsigned(const Body *b, const LoopValue *v) {
    return LLVMBuildZExt(b->e->builder, arg(b, v, 0), type_of(b->e, v->type), "");
}
LLVMValueRef lower_clamp(const Body *b, const LoopValue *v) {
    LLVMTypeRef type = type_of(b->e, v->type);
    LLVMValueRef x = arg(b, v, 0);
    Range r = value_range(v->args[0]);
    if (r.low < v->low) x = intrinsic(b->e, "llvm.smax", 1, &type, 2, (LLVMValueRef[]){x, integer(b, v->type, v->low)});
    if (r.high > v->high) x = intrinsic(b->e, "llvm.smin", 1, &type, 2, (LLVMValueRef[]){x, integer(b, v->type, v->high)});
    return x;
}

/* ---- casts ---- */

static LLVMValueRef cast_to_mask(const Body *b, LLVMValueRef x, LoopType from) {
    if (from.elem == ELEM_F32 || from.elem == ELEM_F64) return LLVMBuildFCmp(b->e->builder, LLVMRealUNE, x, zero(b, from), "");
    return LLVMBuildICmp(b->e->builder, LLVMIntNE, x, zero(b, from), "");
}
static LLVMValueRef cast_to_real(const Body *b, LLVMValueRef x, LoopType from, LLVMTypeRef type) {
    LLVMBuilderRef s = b->e->builder;
    if (from.elem == ELEM_F32 || from.elem == ELEM_F64) return LLVMBuildFPCast(s, x, type, "");
    bool is_unsigned = from.elem == ELEM_U8 || from.elem == ELEM_MASK;
    return is_unsigned ? LLVMBuildUIToFP(s, x, type, "") : LLVMBuildSIToFP(s, x, type, "");
}
static LLVMValueRef real_lanes(const Body *b, LoopElem elem, double x) {
    LLVMValueRef lanes[LANES];
    for (int i = 0; i < LANES; i++) lanes[i] = LLVMConstReal(b->e->scalars[elem], x);
    return LLVMConstVector(lanes, LANES);
}
/* llvm.fptosi.sat of vectors comes out lane by lane, so for lanes it is written out: NaN is 0, too small the least, too large the
** largest. The limits are powers of two, exact in both real types; those of u8 are reached before truncation. */
static LLVMValueRef truncate_lanes(const Body *b, LLVMValueRef x, LoopElem from, LoopElem to) {
    LLVMBuilderRef s = b->e->builder;
    LoopElem via = to == ELEM_U8 ? ELEM_I32 : to;
    double low = to == ELEM_U8 ? 0 : to == ELEM_I32 ? -0x1p31 : -0x1p63, high = to == ELEM_U8 ? 256 : -low;
    LLVMValueRef none = real_lanes(b, from, 0), least = real_lanes(b, from, low), beyond = real_lanes(b, from, high);
    LLVMValueRef largest = integer(b, lanes_of(via), to == ELEM_U8 ? 255 : to == ELEM_I32 ? INT32_MAX : INT64_MAX);
    x = LLVMBuildSelect(s, LLVMBuildFCmp(s, LLVMRealUNO, x, x, ""), none, x, "");
    x = LLVMBuildSelect(s, LLVMBuildFCmp(s, LLVMRealOLT, x, least, ""), least, x, "");
    LLVMValueRef over = LLVMBuildFCmp(s, LLVMRealOGE, x, beyond, "");
    LLVMValueRef y = LLVMBuildFPToSI(s, LLVMBuildSelect(s, over, none, x, ""), b->e->vectors[via], "");
    y = LLVMBuildSelect(s, over, largest, y, "");
    return to == ELEM_U8 ? LLVMBuildTrunc(s, y, b->e->vectors[ELEM_U8], "") : y;
}
/* Saturated, towards zero, NaN is 0. u8 is unsigned; i64 -> i32 keeps the low half, to u8 integers saturate. */
static LLVMValueRef cast_to_integer(const Body *b, LLVMValueRef x, LoopType from, LoopType to) {
    LLVMBuilderRef s = b->e->builder;
    LLVMTypeRef type = type_of(b->e, to), old = type_of(b->e, from);
    if (from.elem == ELEM_F32 || from.elem == ELEM_F64) {
        if (to.lanes) return truncate_lanes(b, x, from.elem, to.elem);
        const char *name = to.elem == ELEM_U8 ? "llvm.fptoui.sat" : "llvm.fptosi.sat";
        return intrinsic(b->e, name, 2, (LLVMTypeRef[]){type, old}, 1, &x);
    }
    if (from.elem == ELEM_U8 || from.elem == ELEM_MASK) return LLVMBuildZExt(s, x, type, "");
    if (to.elem == ELEM_I64) return LLVMBuildSExt(s, x, type, "");
    if (to.elem == ELEM_U8) {
        x = intrinsic(b->e, "llvm.smax", 1, &old, 2, (LLVMValueRef[]){x, zero(b, from)});
        x = intrinsic(b->e, "llvm.smin", 1, &old, 2, (LLVMValueRef[]){x, integer(b, from, 255)});
    }
    return LLVMBuildTrunc(s, x, type, "");
}
LLVMValueRef lower_cast(const Body *b, const LoopValue *v) {
    LoopType from = v->args[0]->type, to = v->type;
    LLVMValueRef x = arg(b, v, 0);
    if (from.elem == to.elem) return x;
    if (to.elem == ELEM_MASK) return cast_to_mask(b, x, from);
    if (real(v)) return cast_to_real(b, x, from, type_of(b->e, to));
    return cast_to_integer(b, x, from, to);
}

/* lower_memory.c: affine addresses, loads, stores, prefetches.
**
** An address is the buffer's pointer, plus the varying part, plus the constant part: addresses that differ by a constant share the
** rest, and code generation finds one pointer with displacements. Known alignment follows from factors and steps. bool is a byte
** in memory; contiguous lanes are a vector, lanes of stride 0 one element, other lanes are gathered. */
#include "emit.h"

/* ---- affine forms ---- */

static bool lane_term(const LoopTerm *t) { return t->value && t->value->type.lanes; }
static LLVMValueRef value_times(const Body *b, const LoopValue *v, i64 factor) {
    const Emitter *e = b->e;
    LLVMValueRef x = value_get(b, v);
    LLVMBasicBlockRef now = place_in(b, round_of(b, x));
    x = (never_below_0(v) ? LLVMBuildZExt : LLVMBuildSExt)(e->builder, x, e->i64, "");
    if (factor != 1) x = LLVMBuildNSWMul(e->builder, x, const_i64(e, factor), "");
    place_back(b, now);
    return x;
}
/* The scalar part: what is known, and terms as they change, the most constant first; equal ones in the order of the form. */
typedef struct Sum {
    i64 constant;
    int n;
    struct Part {
        LLVMValueRef value;
        Round *round;
    } parts[LOOP_TERMS];
} Sum;
static void sum_add(Sum *sum, LLVMValueRef value, Round *round) {
    int at = sum->n++;
    for (; at && round_deeper(round, sum->parts[at - 1].round) != round; at--) sum->parts[at] = sum->parts[at - 1];
    sum->parts[at] = (struct Part){value, round};
}
static Sum sum_of(const Body *b, const LoopAffine *a) {
    Sum sum = {.constant = a->constant};
    for (int i = 0; i < a->n; i++) {
        const LoopTerm *t = &a->terms[i];
        if (lane_term(t)) continue;
        LLVMValueRef x = t->loop ? index_times(b, t->loop, t->factor) : value_times(b, t->value, t->factor);
        if (LLVMIsAConstantInt(x)) sum.constant += LLVMConstIntGetSExtValue(x);
        else sum_add(&sum, x, round_of(b, x));
    }
    return sum;
}
/* The parts from *at on that change in the same loop, added where that is; *at is behind them. */
static LLVMValueRef sum_part(const Body *b, const Sum *sum, int *at) {
    const Round *round = sum->parts[*at].round;
    LLVMValueRef x = sum->parts[(*at)++].value;
    for (; *at < sum->n && sum->parts[*at].round == round; ++*at) x = LLVMBuildNSWAdd(b->e->builder, x, sum->parts[*at].value, "");
    return x;
}
LLVMValueRef affine_emit(const Body *b, const LoopAffine *a) {
    Sum sum = sum_of(b, a);
    LLVMValueRef x = NULL;
    LLVMBasicBlockRef now = LLVMGetInsertBlock(b->e->builder);
    for (int at = 0; at < sum.n;) {
        place_in(b, sum.parts[at].round);
        LLVMValueRef part = sum_part(b, &sum, &at);
        x = x ? LLVMBuildNSWAdd(b->e->builder, x, part, "") : part;
        if (at == sum.n && sum.constant) x = LLVMBuildNSWAdd(b->e->builder, x, const_i64(b->e, sum.constant), "");
        place_back(b, now);
    }
    return x ? x : const_i64(b->e, sum.constant);
}

/* ---- addresses ---- */

static LLVMValueRef buffer_pointer(const Body *b, int index) {
    const LoopBuffer *buffer = &b->f->buffers.v[index];
    if (buffer->space > SPACE_TASK) {
        nnc_check(b->pointers[index], "buffer %d of %s has no pointer", index, b->f->name);
        return b->pointers[index];
    }
    LLVMValueRef at[] = {const_i64(b->e, buffer->offset)};
    LLVMBasicBlockRef now = place_in(b, NULL);
    LLVMValueRef pointer = buffer->offset ? LLVMBuildInBoundsGEP2(b->e->builder, b->e->i8, b->bases[buffer->space], at, 1, "")
                                          : b->bases[buffer->space];
    place_back(b, now);
    return pointer;
}
/* `inside`: it surely points into the buffer; what leads there may not. */
LLVMValueRef address_emit(const Body *b, int buffer, const LoopAffine *at, bool inside) {
    LLVMBuilderRef builder = b->e->builder;
    LLVMTypeRef type = memory_type(b->e, b->f->buffers.v[buffer].dtype);
    LLVMValueRef pointer = buffer_pointer(b, buffer);
    LLVMBasicBlockRef now = LLVMGetInsertBlock(builder);
    Sum sum = sum_of(b, at);
    bool direct = inside && sum.n + (sum.constant != 0) == 1;
    for (int i = 0; i < sum.n;) {
        place_in(b, sum.parts[i].round);
        LLVMValueRef part = sum_part(b, &sum, &i);
        pointer = (direct ? LLVMBuildInBoundsGEP2 : LLVMBuildGEP2)(builder, type, pointer, &part, 1, "");
        place_back(b, now);
    }
    LLVMValueRef constant = const_i64(b->e, sum.constant);
    return sum.constant ? (direct ? LLVMBuildInBoundsGEP2 : LLVMBuildGEP2)(builder, type, pointer, &constant, 1, "") : pointer;
}

/* Largest power of two that surely divides the byte address, at most 64. */
static unsigned known_align(const Body *b, const LoopAccess *a) {
    const LoopBuffer *buffer = &b->f->buffers.v[a->buffer];
    i64 bytes = dtype_bytes(buffer->dtype);
    u64 all = (u64)buffer->align | (u64)(a->at.constant * bytes);
    for (int i = 0; i < a->at.n; i++) {
        i64 step = a->at.terms[i].loop ? a->at.terms[i].loop->step : 1;
        all |= (u64)(a->at.terms[i].factor * step * bytes);
    }
    return (unsigned)(all & -all);
}

/* ---- masks of lanes ---- */

static LLVMValueRef lane_numbers(const Emitter *e, i64 stride) {
    LLVMValueRef lanes[LANES];
    for (int i = 0; i < LANES; i++) lanes[i] = const_i32(e, i * stride);
    return LLVMConstVector(lanes, LANES);
}
static LLVMValueRef splat_emit(const Emitter *e, LLVMValueRef x) {
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(x), LANES);
    LLVMValueRef first = LLVMBuildInsertElement(e->builder, LLVMGetPoison(type), x, const_i32(e, 0), "");
    return LLVMBuildShuffleVector(e->builder, first, LLVMGetPoison(type), LLVMConstNull(LLVMVectorType(e->i32, LANES)), "");
}
static bool all_lanes(const LoopAccess *a) { return !a->mask && (!a->part || (!a->part->n && a->part->constant >= LANES)); }
/* Which lanes are touched; NULL: all. */
static LLVMValueRef mask_emit(const Body *b, const LoopAccess *a) {
    const Emitter *e = b->e;
    LLVMValueRef part = NULL;
    if (all_lanes(a)) return NULL;
    if (a->part && !a->part->n) {
        LLVMValueRef bits[LANES];
        for (int i = 0; i < LANES; i++) bits[i] = LLVMConstInt(e->scalars[ELEM_MASK], i < a->part->constant, false);
        part = LLVMConstVector(bits, LANES);
    } else if (a->part) {
        LLVMValueRef limits[] = {affine_emit(b, a->part), const_i64(e, LANES)};
        LLVMValueRef count = intrinsic(e, "llvm.smin", 1, (LLVMTypeRef[]){e->i64}, 2, limits);
        count = intrinsic(e, "llvm.smax", 1, (LLVMTypeRef[]){e->i64}, 2, (LLVMValueRef[]){count, const_i64(e, 0)});
        count = splat_emit(e, LLVMBuildTrunc(e->builder, count, e->i32, ""));
        part = LLVMBuildICmp(e->builder, LLVMIntSLT, lane_numbers(e, 1), count, "");
    }
    if (!a->mask) return part;
    return part ? LLVMBuildAnd(e->builder, part, value_get(b, a->mask), "") : value_get(b, a->mask);
}

/* ---- lanes at other places than in a row ---- */

static bool has_lane_value(const LoopAccess *a) {
    for (int i = 0; i < a->at.n; i++)
        if (lane_term(&a->at.terms[i])) return true;
    return false;
}
static bool is_gather(const LoopAccess *a) { return a->lanes && (has_lane_value(a) || (a->stride != 0 && a->stride != 1)); }

/* The furthest offset of a lane from lane 0's scalar part, in elements. */
static i64 lane_reach(const Body *b, const LoopAccess *a) {
    i64 reach = LANES * (a->stride < 0 ? -a->stride : a->stride);
    for (int i = 0; i < a->at.n; i++) {
        const LoopTerm *t = &a->at.terms[i];
        i64 most;
        if (!lane_term(t)) continue;
        i64 widest = -t->value->low > t->value->high ? -t->value->low : t->value->high;
        bool fits = i64_multiply(t->factor < 0 ? -t->factor : t->factor, widest, &most) && i64_add(reach, most, &reach);
        nnc_check(fits, "a gather of %s overflows", b->f->name);
    }
    return reach;
}
/* 16 pointers: the scalar part once, then 32-bit offsets where they fit. */
static LLVMValueRef pointers_emit(const Body *b, const LoopAccess *a) {
    const Emitter *e = b->e;
    LLVMTypeRef type = memory_type(e, b->f->buffers.v[a->buffer].dtype), wide = LLVMVectorType(e->i64, LANES);
    LLVMValueRef base = address_emit(b, a->buffer, &a->at, false), offset = lane_numbers(e, 1);
    bool narrow = lane_reach(b, a) <= INT32_MAX;
    if (!narrow) offset = LLVMBuildSExt(e->builder, offset, wide, "");
    LLVMValueRef stride = splat_emit(e, narrow ? const_i32(e, a->stride) : const_i64(e, a->stride));
    offset = LLVMBuildMul(e->builder, offset, stride, "");
    for (int i = 0; i < a->at.n; i++) {
        const LoopTerm *t = &a->at.terms[i];
        if (!lane_term(t)) continue;
        LLVMValueRef x = value_get(b, t->value);
        if (!narrow) x = LLVMBuildSExt(e->builder, x, wide, "");
        LLVMValueRef factor = splat_emit(e, narrow ? const_i32(e, t->factor) : const_i64(e, t->factor));
        offset = LLVMBuildAdd(e->builder, offset, LLVMBuildMul(e->builder, x, factor, ""), "");
    }
    return LLVMBuildGEP2(e->builder, type, base, &offset, 1, "");
}
static LLVMValueRef full_mask(const Emitter *e) { return LLVMConstAllOnes(e->vectors[ELEM_MASK]); }

static LLVMValueRef gather_emit(const Body *b, const LoopAccess *a) {
    const Emitter *e = b->e;
    Dtype dtype = b->f->buffers.v[a->buffer].dtype;
    LLVMTypeRef type = LLVMVectorType(memory_type(e, dtype), LANES);
    LLVMValueRef mask = mask_emit(b, a), pointers = pointers_emit(b, a);
    LLVMValueRef args[] = {pointers, const_i32(e, dtype_bytes(dtype)), mask ? mask : full_mask(e), LLVMConstNull(type)};
    return intrinsic(e, "llvm.masked.gather", 2, (LLVMTypeRef[]){type, LLVMVectorType(e->pointer, LANES)}, 4, args);
}

/* ---- loads ---- */

static LLVMValueRef load_plain(const Body *b, const LoopAccess *a, LLVMTypeRef type) {
    LLVMValueRef x = LLVMBuildLoad2(b->e->builder, type, address_emit(b, a->buffer, &a->at, true), "");
    LLVMSetAlignment(x, known_align(b, a));
    return x;
}
/* A row of lanes, some masked; one element for all lanes. */
static LLVMValueRef load_lanes(const Body *b, const LoopAccess *a) {
    const Emitter *e = b->e;
    LLVMTypeRef single = memory_type(e, b->f->buffers.v[a->buffer].dtype), type = LLVMVectorType(single, LANES);
    if (is_gather(a)) return gather_emit(b, a);
    if (a->stride == 0 && all_lanes(a)) return splat_emit(e, load_plain(b, a, single));
    if (a->stride == 0) return gather_emit(b, a); /* the one element may be out of reach when no lane wants it */
    LLVMValueRef mask = mask_emit(b, a);
    if (!mask) return load_plain(b, a, type);
    LLVMValueRef pointer = address_emit(b, a->buffer, &a->at, false);
    LLVMValueRef args[] = {pointer, const_i32(e, known_align(b, a)), mask, LLVMConstNull(type)};
    return intrinsic(e, "llvm.masked.load", 2, (LLVMTypeRef[]){type, e->pointer}, 4, args);
}
LLVMValueRef lower_load(const Body *b, const LoopValue *v) {
    const LoopAccess *a = v->access;
    Dtype dtype = b->f->buffers.v[a->buffer].dtype;
    LLVMValueRef x = a->lanes ? load_lanes(b, a) : load_plain(b, a, memory_type(b->e, dtype));
    return dtype == DT_bool ? LLVMBuildICmp(b->e->builder, LLVMIntNE, x, LLVMConstNull(LLVMTypeOf(x)), "") : x;
}

/* ---- stores, prefetches, indices ---- */

/* The first lanes of a row in pieces of 8, 4, 2, 1: a masked store is as wide as 16 lanes to the processor, which makes loads behind it wait
** where nothing of it is stored. */
static bool is_start(const LoopAccess *a) { return a->part && !a->part->n && !a->mask && a->part->constant < LANES; }
static void store_start(const Body *b, const LoopAccess *a, LLVMValueRef x) {
    const Emitter *e = b->e;
    LoopAccess piece = *a;
    int done = 0, n = (int)a->part->constant;
    for (int size = LANES / 2; size; size /= 2) {
        if (!(n & size)) continue;
        LLVMValueRef lanes[LANES], part;
        for (int i = 0; i < size; i++) lanes[i] = const_i32(e, done + i);
        if (size == 1) part = LLVMBuildExtractElement(e->builder, x, lanes[0], "");
        else part = LLVMBuildShuffleVector(e->builder, x, LLVMGetPoison(LLVMTypeOf(x)), LLVMConstVector(lanes, (unsigned)size), "");
        piece.at = affine_plus(a->at, affine(done));
        LLVMSetAlignment(LLVMBuildStore(e->builder, part, address_emit(b, a->buffer, &piece.at, true)), known_align(b, &piece));
        done += size;
    }
}
void store_emit(const Body *b, const LoopAccess *a, const LoopValue *value) {
    const Emitter *e = b->e;
    Dtype dtype = b->f->buffers.v[a->buffer].dtype;
    LLVMTypeRef type = memory_type(e, dtype);
    LLVMValueRef x = value_get(b, value), mask = a->lanes ? mask_emit(b, a) : NULL;
    if (a->lanes) type = LLVMVectorType(type, LANES);
    if (dtype == DT_bool) x = LLVMBuildZExt(e->builder, x, type, "");
    if (is_gather(a)) {
        LLVMValueRef args[] = {x, pointers_emit(b, a), const_i32(e, dtype_bytes(dtype)), mask ? mask : full_mask(e)};
        intrinsic(e, "llvm.masked.scatter", 2, (LLVMTypeRef[]){type, LLVMVectorType(e->pointer, LANES)}, 4, args);
    } else if (mask && is_start(a)) {
        store_start(b, a, x);
    } else if (mask) {
        LLVMValueRef args[] = {x, address_emit(b, a->buffer, &a->at, false), const_i32(e, known_align(b, a)), mask};
        intrinsic(e, "llvm.masked.store", 2, (LLVMTypeRef[]){type, e->pointer}, 4, args);
    } else {
        LLVMSetAlignment(LLVMBuildStore(e->builder, x, address_emit(b, a->buffer, &a->at, true)), known_align(b, a));
    }
}
void prefetch_emit(const Body *b, const LoopStatement *s) {
    const Emitter *e = b->e;
    LLVMValueRef args[] = {address_emit(b, s->access->buffer, &s->access->at, false), const_i32(e, s->write),
                           const_i32(e, s->locality), const_i32(e, 1)};
    intrinsic(e, "llvm.prefetch", 1, (LLVMTypeRef[]){e->pointer}, 4, args);
}

LLVMValueRef lower_index(const Body *b, const LoopValue *v) {
    const Emitter *e = b->e;
    LLVMValueRef x = affine_emit(b, v->affine);
    LLVMBasicBlockRef now = place_in(b, round_of(b, x));
    x = LLVMBuildTrunc(e->builder, x, e->i32, "");
    place_back(b, now);
    return v->type.lanes ? LLVMBuildAdd(e->builder, splat_emit(e, x), lane_numbers(e, v->low), "") : x;
}
LLVMValueRef lower_splat(const Body *b, const LoopValue *v) { return splat_emit(b->e, value_get(b, v->args[0])); }

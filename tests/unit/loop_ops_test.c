/* loop_ops_test.c: every operator of loop.def on awkward values, scalar and in 16 lanes, against the same meaning said in C; the
** functions of math.def against math.h; draws against philox.h. Each for every processor that this machine can stand for.
**
** An operand is a column of 64-bit words in C; in memory it lies as its element does (i64 as the bits of f64). */
#include "loop_run.h"
#include "../../compiler/ir/math.h"
#include "../../runtime/philox.h"

enum { SIDE = 24, N = SIDE * SIDE, COLUMN = 8 * N }; /* all pairs of 24 values; a whole number of vectors */

/* ---- values ---- */

static u64 bits_f32(float x) {
    u32 bits;
    memcpy(&bits, &x, 4);
    return bits;
}
static u64 bits_f64(double x) {
    u64 bits;
    memcpy(&bits, &x, 8);
    return bits;
}
static float to_f32(u64 bits) {
    u32 low = (u32)bits;
    float x;
    memcpy(&x, &low, 4);
    return x;
}
static double to_f64(u64 bits) {
    double x;
    memcpy(&x, &bits, 8);
    return x;
}
static u64 value(LoopElem elem, int i) {
    static const double REALS[SIDE] = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1e-42, -1e-42, 1.5, -2.5, 0.5, -0.5, 2.5,
                                       3e9, -3e9, 2147483647, -2147483648.0, 255.7, 256, -0.3, 1e30, 7.25, 0x1p-126};
    static const i64 INTS[SIDE] = {0, 1, -1, INT32_MIN, INT32_MAX, 2, -2, 3, -3, 7, -7, 255, 256, -256, 1000, -1000, 65537,
                                   123456789, -123456789, 31, 16, 8, 100, -100};
    switch (elem) {
    case ELEM_F32: return bits_f32((float)REALS[i]);
    case ELEM_F64: return bits_f64(REALS[i] == 1e-42 ? 1e-310 : REALS[i]);
    case ELEM_I32: return (u32)INTS[i];
    case ELEM_I64: return (u64)(i == 3 ? INT64_MIN : i == 4 ? INT64_MAX : INTS[i]);
    case ELEM_U8: return (u8)(i * 11);
    case ELEM_MASK: return (u64)i & 1;
    case ELEM_COUNT: break;
    }
    return 0;
}
static Dtype dtype_for(LoopElem elem) {
    static const Dtype DTYPES[ELEM_COUNT] = {DT_f32, DT_f64, DT_i32, DT_f64, DT_u8, DT_bool};
    return DTYPES[elem];
}
static void word_write(u8 *column, LoopElem elem, i64 i, u64 bits) {
    int bytes = dtype_bytes(dtype_for(elem));
    memcpy(column + i * bytes, &bits, (size_t)bytes);
}
static u64 word_read(const u8 *column, LoopElem elem, i64 i) {
    int bytes = dtype_bytes(dtype_for(elem));
    u64 bits = 0;
    memcpy(&bits, column + i * bytes, (size_t)bytes);
    return bits;
}
static bool same_word(LoopElem elem, u64 a, u64 b) {
    if (elem == ELEM_F32 && isnan(to_f32(a)) && isnan(to_f32(b))) return true;
    if (elem == ELEM_F64 && isnan(to_f64(a)) && isnan(to_f64(b))) return true;
    return a == b;
}

/* ---- running one operator ---- */

/* What is computed from up to three operands. */
typedef struct Case {
    LoopOp op;
    LoopElem from[3], to; /* elements of the operands, of the result */
    int n;
} Case;
static LoopValue *operand(LoopBuilder *b, int buffer, LoopElem elem, LoopAffine at, bool lanes) {
    LoopValue *v = lanes ? loop_load_lanes(b, buffer, at, 1) : loop_load(b, buffer, at);
    return elem == ELEM_I64 ? loop_op(b, LOP_bits, v) : v;
}
static LoopValue *shift_count(LoopBuilder *b, LoopValue *v) {
    LoopValue *mask = loop_int(b, v->type.elem, v->type.elem == ELEM_I32 ? 31 : 63);
    return loop_op(b, LOP_and, v, v->type.lanes ? loop_splat(b, mask) : mask);
}
static LoopValue *apply(LoopBuilder *b, const Case *c, LoopValue **args) {
    if (c->op == LOP_shl || c->op == LOP_shr || c->op == LOP_sar) args[1] = shift_count(b, args[1]);
    if (c->op == LOP_cast) return loop_cast(b, args[0], c->to);
    if (c->op == LOP_clamp) return loop_clamp(b, args[0], -5, 300);
    return loop_apply(b, c->op, args);
}
static void case_build(Run *r, const Case *c, const char *name, bool lanes) {
    LoopBuilder b = run_begin(r, name);
    int buffers[3], y = loop_block(&b, SPACE_OUT, lanes ? 0 : COLUMN, dtype_for(c->to), N, true);
    for (int k = 0; k < c->n; k++) buffers[k] = loop_block(&b, SPACE_BATCH, COLUMN * k, dtype_for(c->from[k]), N, false);
    LoopFor *i = loop_for(&b, FOR_SERIAL, N, lanes ? 16 : 1, 0, NULL);
    LoopAffine at = affine_loop(affine(0), i, 1);
    LoopValue *args[3];
    for (int k = 0; k < c->n; k++) args[k] = operand(&b, buffers[k], c->from[k], at, lanes);
    LoopValue *result = apply(&b, c, args);
    if (c->to == ELEM_I64) result = loop_op(&b, LOP_bits, result);
    loop_store(&b, y, at, result);
    loop_for_end(&b, NULL);
    run_entry(r, &b);
}
static void operands_fill(const Run *r, const Case *c) {
    for (int k = 0; k < c->n; k++)
        for (int i = 0; i < N; i++) {
            int which = k == 0 ? i / SIDE : k == 1 ? i % SIDE : (i / SIDE + i % SIDE) % SIDE;
            word_write(r->batch + COLUMN * k, c->from[k], i, value(c->from[k], which));
        }
}

/* ---- the meaning, in C ---- */

static i64 floor_div(i64 a, i64 b, LoopElem elem) {
    if (b == 0) return 0;
    if (b == -1) return elem == ELEM_I32 ? (i32)(0 - (u32)a) : (i64)(0 - (u64)a);
    i64 q = a / b;
    return a % b && (a % b < 0) != (b < 0) ? q - 1 : q;
}
static double larger(double a, double b) {
    if (isnan(a) || isnan(b)) return NAN;
    if (a == b) return signbit(a) ? b : a;
    return a > b ? a : b;
}
static double real_result(LoopOp op, double a, double b, double c) {
    switch ((int)op) {
    case LOP_neg: return -a;
    case LOP_abs: return fabs(a);
    case LOP_max: return larger(a, b);
    case LOP_min: return -larger(-a, -b);
    case LOP_floor: return floor(a);
    case LOP_round_even: return nearbyint(a);
    case LOP_select: return c != 0 ? a : b;
    }
    nnc_bug("no meaning in C for %s", lop_name(op));
}
/* What rounds, in its own type. */
static bool rounded_f32(LoopOp op, float a, float b, float c, float *y) {
    switch ((int)op) {
    case LOP_add: return *y = a + b, true;
    case LOP_sub: return *y = a - b, true;
    case LOP_mul: return *y = a * b, true;
    case LOP_div: return *y = a / b, true;
    case LOP_fma: return *y = fmaf(a, b, c), true;
    case LOP_sqrt: return *y = sqrtf(a), true;
    }
    return false;
}
static bool rounded_f64(LoopOp op, double a, double b, double c, double *y) {
    switch ((int)op) {
    case LOP_add: return *y = a + b, true;
    case LOP_sub: return *y = a - b, true;
    case LOP_mul: return *y = a * b, true;
    case LOP_div: return *y = a / b, true;
    case LOP_fma: return *y = fma(a, b, c), true;
    case LOP_sqrt: return *y = sqrt(a), true;
    }
    return false;
}
static u64 integer_result(LoopOp op, LoopElem elem, i64 a, i64 b) {
    int width = elem == ELEM_I32 ? 32 : 64;
    u64 unsigned_a = elem == ELEM_I32 ? (u32)a : (u64)a;
    switch ((int)op) {
    case LOP_add: return (u64)a + (u64)b;
    case LOP_sub: return (u64)a - (u64)b;
    case LOP_mul: return (u64)a * (u64)b;
    case LOP_div: return (u64)floor_div(a, b, elem);
    case LOP_neg: return 0 - (u64)a;
    case LOP_abs: return a < 0 ? 0 - (u64)a : (u64)a;
    case LOP_max: return (u64)(a > b ? a : b);
    case LOP_min: return (u64)(a < b ? a : b);
    case LOP_and: return (u64)(a & b);
    case LOP_or: return (u64)(a | b);
    case LOP_xor: return (u64)(a ^ b);
    case LOP_not: return (u64)~a;
    case LOP_shl: return unsigned_a << (b & (width - 1));
    case LOP_shr: return unsigned_a >> (b & (width - 1));
    case LOP_sar: return (u64)(a >> (b & (width - 1)));
    case LOP_mulhi: return (unsigned_a * (u32)b) >> 32;
    case LOP_clamp: return (u64)(a < -5 ? -5 : a > 300 ? 300 : a);
    }
    nnc_bug("no meaning in C for %s", lop_name(op));
}
static bool truth(LoopOp op, LoopElem elem, u64 a, u64 b) {
    if (elem == ELEM_F32 || elem == ELEM_F64) {
        double x = elem == ELEM_F32 ? (double)to_f32(a) : to_f64(a), y = elem == ELEM_F32 ? (double)to_f32(b) : to_f64(b);
        return op == LOP_eq ? x == y : op == LOP_lt ? x < y : x <= y;
    }
    i64 x = elem == ELEM_I32 ? (i32)a : (i64)a, y = elem == ELEM_I32 ? (i32)b : (i64)b;
    return op == LOP_eq ? x == y : op == LOP_lt ? x < y : x <= y;
}
static i64 saturate(double x, double low, double high, i64 lowest, i64 highest) {
    return isnan(x) ? 0 : x <= low ? lowest : x >= high ? highest : (i64)x;
}
static u64 cast_result(LoopElem from, LoopElem to, u64 a) {
    bool real = from == ELEM_F32 || from == ELEM_F64;
    double x = from == ELEM_F32 ? (double)to_f32(a) : from == ELEM_F64 ? to_f64(a) : 0;
    i64 i = from == ELEM_I32 ? (i32)a : (i64)a;
    switch (to) {
    case ELEM_F32: return real ? bits_f32((float)x) : bits_f32((float)i);
    case ELEM_F64: return real ? bits_f64(x) : bits_f64((double)i);
    case ELEM_I32: return (u32)(real ? saturate(x, -2147483648.0, 2147483647.0, INT32_MIN, INT32_MAX) : i);
    case ELEM_I64: return (u64)(real ? saturate(x, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX) : i);
    case ELEM_U8: return (u64)(real ? saturate(x, 0, 255, 0, 255) : i < 0 ? 0 : i > 255 ? 255 : i);
    case ELEM_MASK: return real ? x != 0 : i != 0;
    case ELEM_COUNT: break;
    }
    return 0;
}
static u64 mask_result(LoopOp op, u64 a, u64 b) {
    switch ((int)op) {
    case LOP_max: case LOP_or: return a | b;
    case LOP_min: case LOP_and: return a & b;
    case LOP_xor: return a ^ b;
    case LOP_eq: return a == b;
    case LOP_not: return !a;
    }
    nnc_bug("no meaning in C for %s", lop_name(op));
}
static u64 meaning(const Case *c, u64 x, u64 y, u64 z) {
    LoopElem elem = c->from[0];
    if (c->op == LOP_cast) return cast_result(elem, c->to, x);
    if (c->op == LOP_select) return x ? y : z;
    if (c->op == LOP_bits || c->op == LOP_unsigned) return x;
    if (elem == ELEM_MASK) return mask_result(c->op, x, y);
    if (c->to == ELEM_MASK) return truth(c->op, elem, x, y);
    if (elem == ELEM_F32) {
        float r;
        bool rounded = rounded_f32(c->op, to_f32(x), to_f32(y), to_f32(z), &r);
        return bits_f32(rounded ? r : (float)real_result(c->op, (double)to_f32(x), (double)to_f32(y), 0));
    }
    if (elem == ELEM_F64) {
        double r;
        bool rounded = rounded_f64(c->op, to_f64(x), to_f64(y), to_f64(z), &r);
        return bits_f64(rounded ? r : real_result(c->op, to_f64(x), to_f64(y), 0));
    }
    u64 r = integer_result(c->op, elem, elem == ELEM_I32 ? (i32)x : (i64)x, elem == ELEM_I32 ? (i32)y : (i64)y);
    return elem == ELEM_I32 ? (u32)r : r;
}

/* ---- all cases of a row, in one module ---- */

static int row_cases(LoopOp op, Case *cases) {
    static const u8 TYPES[LOP_COUNT] = {/* bit e: element e, of all operands */
#define NUMBER 1 << ELEM_F32 | 1 << ELEM_F64 | 1 << ELEM_I32 | 1 << ELEM_I64
#define REAL 1 << ELEM_F32 | 1 << ELEM_F64
#define INTEGER 1 << ELEM_I32 | 1 << ELEM_I64
        [LOP_add] = NUMBER, [LOP_sub] = NUMBER, [LOP_mul] = NUMBER, [LOP_div] = NUMBER, [LOP_neg] = NUMBER, [LOP_abs] = NUMBER,
        [LOP_max] = NUMBER | 1 << ELEM_MASK, [LOP_min] = NUMBER | 1 << ELEM_MASK, [LOP_fma] = REAL, [LOP_sqrt] = REAL,
        [LOP_floor] = REAL, [LOP_round_even] = REAL, [LOP_eq] = NUMBER | 1 << ELEM_MASK, [LOP_lt] = NUMBER, [LOP_le] = NUMBER,
        [LOP_and] = INTEGER | 1 << ELEM_MASK, [LOP_or] = INTEGER | 1 << ELEM_MASK, [LOP_xor] = INTEGER | 1 << ELEM_MASK,
        [LOP_not] = INTEGER | 1 << ELEM_MASK, [LOP_shl] = INTEGER, [LOP_shr] = INTEGER, [LOP_sar] = INTEGER,
        [LOP_mulhi] = 1 << ELEM_I32, [LOP_clamp] = 1 << ELEM_I32, [LOP_unsigned] = 1 << ELEM_I32, [LOP_bits] = NUMBER};
    static const LoopElem OTHER[] = {ELEM_I32, ELEM_I64, ELEM_F32, ELEM_F64};
    int n = 0;
    for (int e = 0; e < ELEM_COUNT; e++) {
        LoopElem elem = (LoopElem)e;
        if (op == LOP_select) cases[n++] = (Case){op, {ELEM_MASK, elem, elem}, elem, 3};
        if (op == LOP_cast)
            for (int to = 0; to < ELEM_COUNT; to++)
                if (to != e) cases[n++] = (Case){op, {elem}, (LoopElem)to, 1};
        if (!(TYPES[op] >> e & 1)) continue;
        bool compares = op == LOP_eq || op == LOP_lt || op == LOP_le;
        LoopElem to = compares ? ELEM_MASK : op == LOP_unsigned ? ELEM_I64 : op == LOP_bits ? OTHER[e] : elem;
        cases[n++] = (Case){op, {elem, elem, elem}, to, lop_arity(op)};
    }
    return n;
}
static void compare_column(const Run *r, const Case *c, const char *name, bool lanes) {
    for (int i = 0; i < N; i++) {
        u64 x[3] = {0};
        for (int k = 0; k < c->n; k++) x[k] = word_read(r->batch + COLUMN * k, c->from[k], i);
        u64 want = meaning(c, x[0], x[1], x[2]), got = word_read(r->out + (lanes ? 0 : COLUMN), c->to, i);
        if (same_word(c->to, want, got)) continue;
        check(false, name, "%s of %s (%llx %llx %llx) is %llx, not %llx", lanes ? "lanes" : "scalar", elem_name(c->from[0]),
              (unsigned long long)x[0], (unsigned long long)x[1], (unsigned long long)x[2], (unsigned long long)got,
              (unsigned long long)want);
        return;
    }
}
static void test_row(const char *cpu, LoopOp op) {
    Case cases[ELEM_COUNT * ELEM_COUNT];
    int n = row_cases(op, cases);
    if (!n) return;
    Run *r = run_new(cpu);
    char names[2 * ELEM_COUNT * ELEM_COUNT][16];
    for (int k = 0; k < 2 * n; k++) {
        snprintf(names[k], sizeof names[k], "case%d", k);
        case_build(r, &cases[k / 2], names[k], k % 2);
    }
    run_compile(r);
    for (int k = 0; k < n; k++) {
        operands_fill(r, &cases[k]);
        run_call(r, names[2 * k]);
        run_call(r, names[2 * k + 1]);
        compare_column(r, &cases[k], lop_name(op), false);
        compare_column(r, &cases[k], lop_name(op), true);
    }
    run_free(r);
}

/* ---- between lanes ---- */

static void test_lanes(const char *cpu) {
    Run *r = run_new(cpu);
    LoopBuilder b = run_begin(r, "lanes");
    int x = loop_block(&b, SPACE_BATCH, 0, DT_f32, 16, false), y = loop_block(&b, SPACE_OUT, 0, DT_f32, 36, true);
    int z = loop_block(&b, SPACE_OUT, 256, DT_bool, 4, true), w = loop_block(&b, SPACE_OUT, 320, DT_i32, 16, true);
    static const u8 PATTERN[16] = {15, 0, 31, 16, 1, 1, 17, 18, 2, 3, 4, 5, 30, 29, 28, 27};
    LoopValue *v = loop_load_lanes(&b, x, affine(0), 1), *twice = loop_op(&b, LOP_add, v, v);
    LoopValue *five = loop_extract(&b, v, 5), *zero = loop_splat(&b, loop_real(&b, ELEM_F32, 0));
    loop_store(&b, y, affine(0), loop_shuffle(&b, v, twice, PATTERN));
    loop_store(&b, y, affine(16), loop_insert(&b, v, five, 9));
    loop_store(&b, y, affine(32), loop_op(&b, LOP_tree, v));
    loop_store(&b, y, affine(33), loop_op(&b, LOP_tree_max, v));
    LoopValue *negative = loop_op(&b, LOP_lt, v, zero), *never = loop_op(&b, LOP_lt, v, v);
    loop_store(&b, z, affine(0), loop_op(&b, LOP_any, negative));
    loop_store(&b, z, affine(1), loop_op(&b, LOP_all, negative));
    loop_store(&b, z, affine(2), loop_op(&b, LOP_any, never));
    loop_store(&b, z, affine(3), loop_op(&b, LOP_all, loop_op(&b, LOP_not, never)));
    loop_store(&b, w, affine(0), loop_index_lanes(&b, affine(-7), 3));
    run_entry(r, &b);
    run_compile(r);
    float *in = (float *)(void *)r->batch, want[34], sums[16];
    for (int i = 0; i < 16; i++) in[i] = random_f32();
    in[3] = -0.5f, in[4] = 0.75f;
    float most = -INFINITY;
    for (int i = 0; i < 16; i++) {
        want[i] = PATTERN[i] < 16 ? in[PATTERN[i]] : in[PATTERN[i] - 16] * 2;
        want[16 + i] = i == 9 ? in[5] : in[i];
        sums[i] = in[i];
        most = in[i] > most ? in[i] : most;
    }
    for (int s = 8; s; s /= 2)
        for (int l = 0; l < s; l++) sums[l] += sums[l + s];
    want[32] = sums[0], want[33] = most;
    run_call(r, "lanes");
    same_f32((float *)(void *)r->out, want, 34, "between lanes");
    same_bytes(r->out + 256, (u8[]){1, 0, 0, 1}, 4, "any and all");
    for (int i = 0; i < 16; i++) check(((i32 *)(void *)(r->out + 320))[i] == 3 * i - 7, "lane index", "lane %d", i);
    run_free(r);
}

/* ---- mathematics and draws ---- */

static const char *const MATH_NAMES[] = {"exp", "log", "tanh", "sigmoid", "sin", "cos", "erf", "pow"};
enum { POINTS = 1024 };
static double math_meaning(int f, bool wide, double x, double y) {
    static float (*const F32[])(float) = {math_f32_exp, math_f32_log, math_f32_tanh, math_f32_sigmoid, math_f32_sin, math_f32_cos,
                                          math_f32_erf};
    static double (*const F64[])(double) = {math_f64_exp, math_f64_log, math_f64_tanh, math_f64_sigmoid, math_f64_sin,
                                            math_f64_cos, math_f64_erf};
    if (f == MATH_pow) return wide ? math_f64_pow(x, y) : (double)math_f32_pow((float)x, (float)y);
    return wide ? F64[f](x) : (double)F32[f]((float)x);
}
static double point(int i, bool wide) { /* special values, then values of all sizes */
    if (i < SIDE) return wide ? to_f64(value(ELEM_F64, i)) : (double)to_f32(value(ELEM_F32, i));
    if (i % 4 == 0) return wide ? to_f64(random_word()) : (double)to_f32((u32)random_word());
    return (double)random_f32() * (i % 4 == 1 ? 1 : i % 4 == 2 ? 10 : 100);
}
static void math_build(Run *r, int f, bool wide, bool lanes) {
    LoopBuilder b = run_begin(r, lanes ? "math_lanes" : "math_scalar");
    Dtype dtype = wide ? DT_f64 : DT_f32;
    int x = loop_block(&b, SPACE_BATCH, 0, dtype, POINTS, false), y = loop_block(&b, SPACE_BATCH, 8 * POINTS, dtype, POINTS, false);
    int z = loop_block(&b, SPACE_OUT, lanes ? 0 : 8 * POINTS, dtype, POINTS, true);
    LoopFor *i = loop_for(&b, FOR_SERIAL, POINTS, lanes ? 16 : 1, 0, NULL);
    LoopAffine at = affine_loop(affine(0), i, 1);
    LoopValue *u = lanes ? loop_load_lanes(&b, x, at, 1) : loop_load(&b, x, at);
    LoopValue *v = lanes ? loop_load_lanes(&b, y, at, 1) : loop_load(&b, y, at);
    loop_store(&b, z, at, loop_math(&b, (LoopMath)f, u, v));
    loop_for_end(&b, NULL);
    run_entry(r, &b);
}
static void test_math(const char *cpu, int f, bool wide) {
    Run *r = run_new(cpu);
    math_build(r, f, wide, true);
    math_build(r, f, wide, false);
    run_compile(r);
    double want[POINTS];
    float want32[POINTS];
    for (int i = 0; i < POINTS; i++) {
        double x = point(i, wide), y = point(i < SIDE * SIDE ? i % SIDE : i, wide);
        if (f == MATH_pow && i < SIDE * SIDE) x = point(i / SIDE, wide);
        if (!wide) x = (double)(float)x, y = (double)(float)y;
        word_write(r->batch, wide ? ELEM_F64 : ELEM_F32, i, wide ? bits_f64(x) : bits_f32((float)x));
        word_write(r->batch + 8 * POINTS, wide ? ELEM_F64 : ELEM_F32, i, wide ? bits_f64(y) : bits_f32((float)y));
        want[i] = math_meaning(f, wide, x, y);
        want32[i] = (float)want[i];
    }
    run_call(r, "math_lanes");
    run_call(r, "math_scalar");
    for (int k = 0; k < 2; k++) {
        if (wide) same_f64((double *)(void *)(r->out + 8 * POINTS * k), want, POINTS, MATH_NAMES[f]);
        else same_f32((float *)(void *)(r->out + 8 * POINTS * k), want32, POINTS, MATH_NAMES[f]);
    }
    run_free(r);
}
static void test_draws(const char *cpu) {
    Run *r = run_new(cpu);
    LoopBuilder b = run_begin(r, "draws");
    int key = loop_block(&b, SPACE_CALL, offsetof(nn_call, key), DT_i32, 2, false);
    int step = loop_block(&b, SPACE_CALL, offsetof(nn_call, draw_step), DT_i32, 1, false);
    int y = loop_block(&b, SPACE_OUT, 0, DT_f32, 96, true), z = loop_block(&b, SPACE_OUT, 512, DT_f64, 96, true);
    LoopValue *k0 = loop_load_lanes(&b, key, affine(0), 0), *k1 = loop_load_lanes(&b, key, affine(1), 0);
    LoopValue *s = loop_load_lanes(&b, step, affine(0), 0);
    LoopFor *row = loop_for(&b, FOR_SERIAL, 3, 1, 0, NULL), *i = loop_for(&b, FOR_SERIAL, 32, 16, 0, NULL);
    LoopAffine at = affine_loop(affine_loop(affine(0), row, 32), i, 1);
    LoopValue *element = loop_index_lanes(&b, affine_loop(affine(0), i, 1), 1);
    LoopValue *number = loop_splat(&b, loop_index(&b, affine_loop(affine(1000), row, 1)));
    loop_store(&b, y, at, loop_random(&b, ELEM_F32, 0xdeadbeef, 1, k0, k1, s, number, element));
    loop_store(&b, z, at, loop_random(&b, ELEM_F64, 77, 0, k0, k1, s, number, element));
    loop_for_end(&b, NULL);
    loop_for_end(&b, NULL);
    run_entry(r, &b);
    run_compile(r);
    r->call.key[0] = 0x89abcdef, r->call.key[1] = 3, r->call.draw_step = -2;
    float want[96];
    double want64[96];
    for (u32 e = 0; e < 96; e++) {
        u32 words[4];
        philox4x32_10((u32[]){e % 32, 1000 + e / 32, (u32)-2, 0xdeadbeef}, r->call.key, words);
        want[e] = philox_f32(words, 1);
        philox4x32_10((u32[]){e % 32, 1000 + e / 32, (u32)-2, 77}, r->call.key, words);
        want64[e] = philox_f64(words, 0);
    }
    run_call(r, "draws");
    same_f32((float *)(void *)r->out, want, 96, "draws");
    same_f64((double *)(void *)(r->out + 512), want64, 96, "draws of f64");
    run_free(r);
}

int main(void) {
    const char *cpus[2];
    int n = test_cpus(cpus);
    for (int k = 0; k < n; k++) {
        int before = failures;
        for (int op = 0; op < LOP_COUNT; op++) test_row(cpus[k], (LoopOp)op);
        if (failures == before) printf("ok operators on %s\n", cpus[k]);
        before = failures;
        test_lanes(cpus[k]);
        test_draws(cpus[k]);
        if (failures == before) printf("ok lanes and draws on %s\n", cpus[k]);
        before = failures;
        for (int f = 0; f < COUNT_OF(MATH_NAMES); f++) test_math(cpus[k], f, false), test_math(cpus[k], f, true);
        if (failures == before) printf("ok mathematics on %s\n", cpus[k]);
    }
    return failures != 0;
}

/* eval_map.c: the interpreter on leaves and elementwise operators: one plain loop for each operator and element type. What an
** operator means on one element is said by the small functions and macros here; graph.h has it in words. */
#include "rules.h"
#include "math.h"
#include "../../runtime/philox.h"
#include <string.h>

double sqrt(double x); /* C's own; compiler/ir/math.h stands for the rest of <math.h> */
float sqrtf(float x);
double floor(double x);
float floorf(float x);

/* Runs `expression` of x = args[0][i] (of type S) into results[0][i] (of type D). */
#define LOOP1(S, D, expression)                                                                                        \
    do {                                                                                                               \
        const S *in = args[0].data;                                                                                    \
        D *out = results[0].data;                                                                                      \
        for (i64 i = 0; i < n; i++) {                                                                                  \
            S x = in[i];                                                                                               \
            out[i] = (D)(expression);                                                                                  \
        }                                                                                                              \
        return;                                                                                                        \
    } while (0)
#define LOOP2(S, D, expression)                                                                                        \
    do {                                                                                                               \
        const S *left = args[0].data, *right = args[1].data;                                                           \
        D *out = results[0].data;                                                                                      \
        for (i64 i = 0; i < n; i++) {                                                                                  \
            S a = left[i], b = right[i];                                                                               \
            out[i] = (D)(expression);                                                                                  \
        }                                                                                                              \
        return;                                                                                                        \
    } while (0)
/* An operator and an element type as one number. */
#define CASE(op, dtype) ((int)(op) * DT_COUNT + (int)(dtype))

/* ---- leaves and identities */
void eval_never(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval, (void)args, (void)results;
    nnc_bug("the value of %s", op_name(node->op));
}
void eval_const(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval, (void)args;
    memcpy(results[0].data, node->at->data.v, (size_t)node->at->data.n);
}
void eval_iota(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval, (void)args;
    i32 *out = results[0].data;
    for (i64 i = 0; i < node->at->count; i++) out[i] = (i32)i;
}
void eval_identity(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    memcpy(results[0].data, args[0].data, (size_t)type_bytes(node->type));
}
void eval_random(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    const u32 *key = args[0].data, *step = args[1].data, *row = args[2].data, *element = args[3].data;
    float *f = results[0].data;
    double *d = results[0].data;
    for (i64 i = 0; i < node->type->count; i++) {
        const u32 counter[4] = {element[i], row[i], step[0], (u32)node->at->place};
        u32 words[4];
        philox4x32_10(counter, key, words);
        if (node->type->dtype == DT_f32) f[i] = philox_f32(words, (int)node->at->word);
        else d[i] = philox_f64(words, (int)node->at->word);
    }
}

/* ---- one operand */
static i32 wrap(u32 x) {
    i32 y;
    memcpy(&y, &x, sizeof y);
    return y;
}
void eval_map1(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 n = node->type->count;
    switch (CASE(node->op, node->type->dtype)) {
    case CASE(OP_neg, DT_f32): LOOP1(float, float, -x);
    case CASE(OP_neg, DT_f64): LOOP1(double, double, -x);
    case CASE(OP_neg, DT_i32): LOOP1(i32, i32, wrap(-(u32)x));
    case CASE(OP_abs, DT_f32): LOOP1(float, float, __builtin_fabsf(x));
    case CASE(OP_abs, DT_f64): LOOP1(double, double, __builtin_fabs(x));
    case CASE(OP_abs, DT_i32): LOOP1(i32, i32, x < 0 ? wrap(-(u32)x) : x);
    case CASE(OP_sqrt, DT_f32): LOOP1(float, float, sqrtf(x));
    case CASE(OP_sqrt, DT_f64): LOOP1(double, double, sqrt(x));
    case CASE(OP_floor, DT_f32): LOOP1(float, float, floorf(x));
    case CASE(OP_floor, DT_f64): LOOP1(double, double, floor(x));
#define FUNCTION(f)                                                                                                    \
    case CASE(OP_##f, DT_f32): LOOP1(float, float, math_f32_##f(x));                                                   \
    case CASE(OP_##f, DT_f64): LOOP1(double, double, math_f64_##f(x));
    FUNCTION(exp)
    FUNCTION(log)
    FUNCTION(tanh)
    FUNCTION(sigmoid)
    FUNCTION(sin)
    FUNCTION(cos)
    FUNCTION(erf)
#undef FUNCTION
    default: nnc_bug("%s of %s", op_name(node->op), dtype_name(node->type->dtype));
    }
}

/* ---- two operands */
static i32 floor_div(i32 a, i32 b) {
    if (b == 0) return 0;
    i64 q = (i64)a / b; /* truncated; one lower where that was towards zero from below */
    if ((i64)a % b != 0 && (a < 0) != (b < 0)) q--;
    return wrap((u32)q);
}
/* NaN wins, and of two zeros the one with the asked sign. */
#define EXTREMES(name, T)                                                                                              \
    static T max_##name(T a, T b) { return a != a || a > b ? a : b != b || b > a ? b : __builtin_signbit(a) ? b : a; } \
    static T min_##name(T a, T b) { return a != a || a < b ? a : b != b || b < a ? b : __builtin_signbit(a) ? a : b; }
EXTREMES(f32, float)
EXTREMES(f64, double)

#define ARITHMETIC(op, sign)                                                                                           \
    case CASE(OP_##op, DT_f32): LOOP2(float, float, a sign b);                                                         \
    case CASE(OP_##op, DT_f64): LOOP2(double, double, a sign b);                                                       \
    case CASE(OP_##op, DT_i32): LOOP2(u32, u32, a sign b);
void eval_map2(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 n = node->type->count;
    switch (CASE(node->op, node->type->dtype)) {
        ARITHMETIC(add, +)
        ARITHMETIC(sub, -)
        ARITHMETIC(mul, *)
    case CASE(OP_div, DT_f32): LOOP2(float, float, a / b);
    case CASE(OP_div, DT_f64): LOOP2(double, double, a / b);
    case CASE(OP_div, DT_i32): LOOP2(i32, i32, floor_div(a, b));
    case CASE(OP_pow, DT_f32): LOOP2(float, float, math_f32_pow(a, b));
    case CASE(OP_pow, DT_f64): LOOP2(double, double, math_f64_pow(a, b));
    case CASE(OP_max, DT_f32): LOOP2(float, float, max_f32(a, b));
    case CASE(OP_max, DT_f64): LOOP2(double, double, max_f64(a, b));
    case CASE(OP_max, DT_i32): LOOP2(i32, i32, a > b ? a : b);
    case CASE(OP_max, DT_bool): LOOP2(u8, u8, a | b);
    case CASE(OP_min, DT_f32): LOOP2(float, float, min_f32(a, b));
    case CASE(OP_min, DT_f64): LOOP2(double, double, min_f64(a, b));
    case CASE(OP_min, DT_i32): LOOP2(i32, i32, a < b ? a : b);
    case CASE(OP_min, DT_bool): LOOP2(u8, u8, a & b);
    default: nnc_bug("%s of %s", op_name(node->op), dtype_name(node->type->dtype));
    }
}
#define COMPARISON(op, sign)                                                                                           \
    case CASE(OP_##op, DT_f32): LOOP2(float, u8, a sign b);                                                            \
    case CASE(OP_##op, DT_f64): LOOP2(double, u8, a sign b);                                                           \
    case CASE(OP_##op, DT_i32): LOOP2(i32, u8, a sign b);                                                              \
    case CASE(OP_##op, DT_bool): LOOP2(u8, u8, a sign b);
void eval_compare(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 n = node->type->count;
    switch (CASE(node->op, args[0].type->dtype)) {
        COMPARISON(eq, ==)
        COMPARISON(lt, <)
    default: nnc_bug("%s of %s", op_name(node->op), dtype_name(args[0].type->dtype));
    }
}
#define CHOICE(T)                                                                                                      \
    do {                                                                                                               \
        const u8 *condition = args[0].data;                                                                            \
        const T *a = args[1].data, *b = args[2].data;                                                                  \
        T *out = results[0].data;                                                                                      \
        for (i64 i = 0; i < n; i++) out[i] = condition[i] ? a[i] : b[i];                                               \
    } while (0)
void eval_select(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 n = node->type->count;
    switch (dtype_bytes(node->type->dtype)) { /* bits are moved, so a NaN keeps its own */
    case 1: CHOICE(u8); break;
    case 4: CHOICE(u32); break;
    default: CHOICE(u64);
    }
}

/* ---- cast */
static i32 i32_of(double x) { return x != x ? 0 : x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : (i32)x; }
static u8 u8_of(double x) { return x != x || x <= 0 ? 0 : x >= 255 ? 255 : (u8)x; }
#define FROM(S, name)                                                                                                  \
    case CASE(DT_f32, DT_##name): LOOP1(S, float, x);                                                                  \
    case CASE(DT_f64, DT_##name): LOOP1(S, double, x);                                                                 \
    case CASE(DT_i32, DT_##name): LOOP1(S, i32, i32_of((double)x));                                                    \
    case CASE(DT_u8, DT_##name): LOOP1(S, u8, u8_of((double)x));                                                       \
    case CASE(DT_bool, DT_##name): LOOP1(S, u8, x != 0);
void eval_cast(Eval *eval, const Node *node, const Tensor *args, Tensor *results) {
    (void)eval;
    i64 n = node->type->count;
    switch (CASE(node->type->dtype, args[0].type->dtype)) {
        FROM(float, f32)
        FROM(double, f64)
        FROM(i32, i32)
        FROM(u8, u8)
        FROM(u8, bool)
    default: nnc_bug("a cast from %s", dtype_name(args[0].type->dtype));
    }
}

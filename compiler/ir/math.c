/* math.c: the text of math.def as scalar C, for the interpreter and for folding constants.
**
** Each function is compiled twice from one body: with the instruction for fused multiply-add and without, where the
** compiler calls fma of the C library, which is correctly rounded too; so both give the same bits, and the processor
** decides which runs. To be compiled without contraction of a * b + c (strict ISO mode, or -ffp-contract=off). */
#include "math.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t f32_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float f32_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline uint64_t f64_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double f64_of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The vocabulary of math.def. Integers are unsigned here, so that they wrap; only ISAR and TOREAL see the sign. */
#define MATH1(name, dtype, x)    static inline __attribute__((always_inline)) Real name##_##dtype(Real x) {
#define MATH2(name, dtype, x, y) static inline __attribute__((always_inline)) Real name##_##dtype(Real x, Real y) {
#define LET(type, name, value)   const LET_##type name = (value);
#define LET_real                 Real
#define LET_int                  Int
#define LET_mask                 _Bool
#define RESULT(value)            return (value);
#define END                      }
#define R(c)                     ((Real)(c))
#define I(c)                     ((Int)(c))
#define ADD(a, b)                ((a) + (b))
#define SUB(a, b)                ((a) - (b))
#define MUL(a, b)                ((a) * (b))
#define DIV(a, b)                ((a) / (b))
#define NEG(a)                   (-(a))
#define LT(a, b)                 ((a) < (b))
#define EQ(a, b)                 ((a) == (b))
#define AND(a, b)                ((a) & (b))
#define OR(a, b)                 ((a) | (b))
#define NOT(a)                   (!(a))
#define SELECT(mask, a, b)       ((mask) ? (a) : (b))
#define IADD(a, b)               ((a) + (b))
#define ISUB(a, b)               ((a) - (b))
#define IAND(a, b)               ((a) & (b))
#define IOR(a, b)                ((a) | (b))
#define IXOR(a, b)               ((a) ^ (b))
#define ISHL(a, count)           ((a) << (count))
#define ISHR(a, count)           ((a) >> (count))

#define MATH_F32
#define Real         float
#define Int          uint32_t
#define FMA(a, b, c) __builtin_fmaf(a, b, c)
#define ABS(a)       __builtin_fabsf(a)
#define RINT(a)      __builtin_rintf(a)
#define BITS(a)      f32_bits(a)
#define REAL(a)      f32_of_bits(a)
#define ISAR(a, c)   ((uint32_t)((int32_t)(a) >> (c)))
#define TOREAL(a)    ((float)(int32_t)(a))
#include "math.def"
#undef MATH_F32
#undef Real
#undef Int
#undef FMA
#undef ABS
#undef RINT
#undef BITS
#undef REAL
#undef ISAR
#undef TOREAL

#define MATH_F64
#define Real         double
#define Int          uint64_t
#define FMA(a, b, c) __builtin_fma(a, b, c)
#define ABS(a)       __builtin_fabs(a)
#define RINT(a)      __builtin_rint(a)
#define BITS(a)      f64_bits(a)
#define REAL(a)      f64_of_bits(a)
#include "math.def"

/* ---- the two compilations of each, and the function of math.h that chooses */
#define FUNCTION1(name, dtype, real)                                                                                   \
    __attribute__((target("fma"))) static real name##_##dtype##_fused(real x) { return name##_##dtype(x); }            \
    static real name##_##dtype##_plain(real x) { return name##_##dtype(x); }                                           \
    real math_##dtype##_##name(real x) {                                                                               \
        return __builtin_cpu_supports("fma") ? name##_##dtype##_fused(x) : name##_##dtype##_plain(x);                  \
    }
#define FUNCTION2(name, dtype, real)                                                                                   \
    __attribute__((target("fma"))) static real name##_##dtype##_fused(real x, real y) { return name##_##dtype(x, y); } \
    static real name##_##dtype##_plain(real x, real y) { return name##_##dtype(x, y); }                                \
    real math_##dtype##_##name(real x, real y) {                                                                       \
        return __builtin_cpu_supports("fma") ? name##_##dtype##_fused(x, y) : name##_##dtype##_plain(x, y);            \
    }

FUNCTION1(exp, f32, float)
FUNCTION1(log, f32, float)
FUNCTION1(tanh, f32, float)
FUNCTION1(sigmoid, f32, float)
FUNCTION1(sin, f32, float)
FUNCTION1(cos, f32, float)
FUNCTION1(erf, f32, float)
FUNCTION2(pow, f32, float)
FUNCTION1(exp, f64, double)
FUNCTION1(log, f64, double)
FUNCTION1(tanh, f64, double)
FUNCTION1(sigmoid, f64, double)
FUNCTION1(sin, f64, double)
FUNCTION1(cos, f64, double)
FUNCTION1(erf, f64, double)
FUNCTION2(pow, f64, double)

/* math_test.c: the errors of compiler/ir/math.c in ulp, its special values, and that its two compilations agree.
**
** f32 is held against the C library's double on every 211th of all inputs, or every argv[1]-th: 1 tries all, in ten
** minutes. f64 is held against long double on random and chosen inputs. An ulp is the distance of neighbours where
** the exact result lies; below the least normal number it is the least subnormal. Infinity counts as the first number
** out of range. */
#include "../../compiler/ir/math.c"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef long double Wide;

/* The worst error of a function so far. */
typedef struct Worst {
    Wide ulp;
    double x, y;
    long wrong; /* NaN where there is none or none where there is, a zero of the wrong sign */
    double wrong_x, wrong_y;
} Worst;

static int failures;

/* The error of `got` in units of the last place of a format with `digits` bits whose least exponent is that of `least`.
 */
static void worst_add(Worst *worst, Wide got, Wide want, int digits, int least, int most, double x, double y) {
    bool wrong = isnan(got) != isnan(want) || (got == 0 && want == 0 && signbit(got) != signbit(want));
    if (wrong && worst->wrong++ == 0) worst->wrong_x = x, worst->wrong_y = y;
    if (isnan(got) || isnan(want) || got == want) return;
    Wide top = ldexpl(1, most);
    if (fabsl(want) > top) want = copysignl(top, want);
    if (isinf(got)) got = copysignl(top, got);
    int exponent = want == 0 ? least : ilogbl(want);
    if (exponent < least) exponent = least;
    if (exponent >= most) exponent = most - 1;
    Wide ulp = fabsl(got - want) * ldexpl(1, digits - 1 - exponent);
    if (ulp > worst->ulp) worst->ulp = ulp, worst->x = x, worst->y = y;
}
/* The same for f32, faster: most of the time goes here. */
static void worst_add_f32(Worst *worst, float got, double want, float x, float y) {
    int exponent = (int)(f64_bits(want) >> 52 & 2047) - 1023;
    if (exponent >= 127 || exponent < -126 || isnan(got) || isinf(got)) {
        worst_add(worst, got, want, 24, -126, 128, x, y);
        return;
    }
    double ulp = fabs(got - want) * f64_of_bits((uint64_t)(1023 + 23 - exponent) << 52);
    if (ulp > (double)worst->ulp) worst->ulp = ulp, worst->x = x, worst->y = y;
}
static void worst_report(const Worst *worst, const char *name, double limit) {
    if (worst->wrong) {
        printf("FAIL %s: %ld results of the wrong kind, first at (%a, %a)\n", name, worst->wrong, worst->wrong_x,
               worst->wrong_y);
    } else if (!(worst->ulp <= limit)) {
        printf("FAIL %s: %.4Lf ulp at (%a, %a), limit %.2f\n", name, worst->ulp, worst->x, worst->y, limit);
    } else {
        printf("ok %s: %.4Lf ulp at (%a, %a)\n", name, worst->ulp, worst->x, worst->y);
        return;
    }
    failures++;
}

/* ---- the functions; beyond `range` sin and cos take 0 instead */
typedef struct Function {
    const char *name;
    float (*f32)(float);
    double (*f32_reference)(double);
    double f32_limit, f32_range;
    double (*f64)(double);
    Wide (*f64_reference)(Wide);
    double f64_limit, f64_range, low, high; /* where the interesting inputs of f64 lie */
} Function;

static double sigmoid_reference(double x) { return 1 / (1 + exp(-x)); }
static Wide sigmoid_reference_wide(Wide x) { return 1 / (1 + expl(-x)); }

static const Function functions[] = {
    {"exp", math_f32_exp, exp, 1.05, INFINITY, math_f64_exp, expl, 1.1, INFINITY, -750, 715},
    {"log", math_f32_log, log, 0.9, INFINITY, math_f64_log, logl, 1.0, INFINITY, 0, 3},
    {"tanh", math_f32_tanh, tanh, 1.95, INFINITY, math_f64_tanh, tanhl, 1.5, INFINITY, -20, 20},
    {"sigmoid", math_f32_sigmoid, sigmoid_reference, 2.0, INFINITY, math_f64_sigmoid, sigmoid_reference_wide, 1.3,
     INFINITY, -40, 40},
    {"sin", math_f32_sin, sin, 1.7, 0x1p20, math_f64_sin, sinl, 1.3, 0x1p45, -10, 10},
    {"cos", math_f32_cos, cos, 1.85, 0x1p20, math_f64_cos, cosl, 1.3, 0x1p45, -10, 10},
    {"erf", math_f32_erf, erf, 1.05, INFINITY, math_f64_erf, erfl, 1.2, INFINITY, -6, 6},
};
enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };

static void f32_test(const Function *f, uint64_t stride) {
    Worst worst = {0};
    char name[32];
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += stride) {
        float x = f32_of_bits((uint32_t)bits), in_range = fabsf(x) < f->f32_range || isinf(x) ? x : x * 0;
        worst_add_f32(&worst, f->f32(x), f->f32_reference(in_range), x, 0);
    }
    snprintf(name, sizeof name, "f32_%s", f->name);
    worst_report(&worst, name, f->f32_limit);
}

/* ---- random inputs: xorshift, so that every run tries the same */
static uint64_t random_state = 0x2545f4914f6cdd1d;
static uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}
static double random_unit(void) { return (double)(random_bits() >> 11) * 0x1p-53; }
static double random_between(double low, double high) { return low + (high - low) * random_unit(); }
/* Any number whose exponent is in low..high. */
static double random_scaled(int low, int high) {
    double x = ldexp(1 + random_unit(), low + (int)(random_bits() % (uint64_t)(high - low + 1)));
    return random_bits() & 1 ? x : -x;
}
static double f64_input(const Function *f, long i) {
    static const double joins[] = {
        0, 1, -1, 0.5, 2, 0x1p-1022, 0x1p1023, 0x1.6a09e667f3bcdp-1, 0x1.6a09e667f3bcdp0, 19.0625, 5.9375, 36.7};
    switch (i % 6) {
    case 0: return f64_of_bits(random_bits());
    case 1: return random_scaled(-30, 10);
    case 2: return random_scaled(-4, 6);
    case 3: { /* near a join of pieces or a change of exponent */
        double x = joins[random_bits() % (sizeof joins / sizeof joins[0])];
        return f64_of_bits(f64_bits(x) + random_bits() % 65 - 32);
    }
    case 4: /* near a multiple of pi/2 */
        return (double)(3.14159265358979323846264338327950288L / 2 *
                        (Wide)(random_bits() >> (20 + random_bits() % 44)));
    default: return random_between(f->low, f->high);
    }
}
static void f64_test(const Function *f, long n) {
    Worst worst = {0};
    char name[32];
    for (long i = 0; i < n; i++) {
        double x = f64_input(f, i), in_range = fabs(x) < f->f64_range || isinf(x) ? x : x * 0;
        worst_add(&worst, f->f64(x), f->f64_reference(in_range), 53, -1022, 1024, x, 0);
    }
    snprintf(name, sizeof name, "f64_%s", f->name);
    worst_report(&worst, name, f->f64_limit);
}

/* ---- pow: x from all numbers or near 1, y so that the result is mostly in range */
static void pow_input(long i, int digits, double range, double *x, double *y) {
    double least = ldexp(1, 1 - digits);
    switch (i % 6) {
    case 0: *x = random_scaled(-(int)range, (int)range - 1), *y = random_scaled(-20, 8); break;
    case 1: *x = random_scaled(-20, 20), *y = (double)(int)(random_bits() % 81) - 40; break;
    case 2: *x = fabs(random_scaled(-(int)range - digits, (int)range - 1)), *y = NAN; break;
    case 3: *x = random_between(0.6, 1.6), *y = NAN; break;
    case 4: *x = 1 + least * (double)((int)(random_bits() % 64) - 32), *y = NAN; break;
    default: *x = random_between(0, 4), *y = random_between(-8, 8);
    }
    if (isnan(*y)) *y = random_between(-1.3, 1.1) * range / (fabs(log2(*x)) + 0x1p-60);
}
static void pow_test(long n) {
    Worst worst = {0}, worst_wide = {0};
    for (long i = 0; i < n; i++) {
        double x, y;
        pow_input(i, 24, 128, &x, &y);
        float x32 = (float)x, y32 = (float)y;
        worst_add_f32(&worst, math_f32_pow(x32, y32), pow(x32, y32), x32, y32);
        pow_input(i, 53, 1024, &x, &y);
        worst_add(&worst_wide, math_f64_pow(x, y), powl(x, y), 53, -1022, 1024, x, y);
    }
    worst_report(&worst, "f32_pow", 1.05);
    worst_report(&worst_wide, "f64_pow", 0.95);
}

/* ---- values that are exact */
static bool same(double a, double b) { return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b); }

static void specials_test(void) {
    static const struct {
        const char *name;
        double x, value;
    } table[] = {
        {"exp", 0, 1},
        {"exp", -0.0, 1},
        {"exp", INFINITY, INFINITY},
        {"exp", -INFINITY, 0},
        {"exp", 1e30, INFINITY},
        {"exp", -1e30, 0},
        {"log", 1, 0},
        {"log", 0, -INFINITY},
        {"log", -0.0, -INFINITY},
        {"log", INFINITY, INFINITY},
        {"log", -1, NAN},
        {"log", -INFINITY, NAN},
        {"log", -0x1p-149, NAN},
        {"tanh", 0, 0},
        {"tanh", -0.0, -0.0},
        {"tanh", INFINITY, 1},
        {"tanh", -INFINITY, -1},
        {"tanh", 30, 1},
        {"tanh", -30, -1},
        {"tanh", 0x1p-149, 0x1p-149},
        {"tanh", -0x1p-149, -0x1p-149},
        {"sigmoid", 0, 0.5},
        {"sigmoid", -0.0, 0.5},
        {"sigmoid", INFINITY, 1},
        {"sigmoid", -INFINITY, 0},
        {"sigmoid", 50, 1},
        {"sin", 0, 0},
        {"sin", -0.0, -0.0},
        {"sin", INFINITY, NAN},
        {"sin", -INFINITY, NAN},
        {"sin", 0x1p-149, 0x1p-149},
        {"sin", 1e30, 0},
        {"sin", -1e30, -0.0},
        {"cos", 0, 1},
        {"cos", -0.0, 1},
        {"cos", INFINITY, NAN},
        {"cos", -INFINITY, NAN},
        {"cos", 1e30, 1},
        {"cos", -1e30, 1},
        {"erf", 0, 0},
        {"erf", -0.0, -0.0},
        {"erf", INFINITY, 1},
        {"erf", -INFINITY, -1},
        {"erf", 7, 1},
        {"erf", -7, -1},
        {"erf", 0x1p-149, 0x1p-149},
    };
    int before = failures;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int k = 0; k < N_FUNCTIONS; k++) {
            if (strcmp(functions[k].name, table[i].name) != 0) continue;
            double x = table[i].x, f32 = functions[k].f32((float)x), f64 = functions[k].f64(x);
            bool wide = !(strcmp(table[i].name, "erf") == 0 && x == 0x1p-149); /* in f64 erf of it is inexact */
            if (same(f32, table[i].value) && (!wide || same(f64, table[i].value))) continue;
            printf("FAIL specials: %s(%a) is %a in f32, %a in f64, not %a\n", table[i].name, x, f32, f64,
                   table[i].value);
            failures++;
        }
    }
    for (int k = 0; k < N_FUNCTIONS; k++) {
        if (isnan(functions[k].f32(NAN)) && isnan(functions[k].f32(-NAN)) && isnan(functions[k].f64(NAN))) continue;
        printf("FAIL specials: %s(NaN) is a number\n", functions[k].name);
        failures++;
    }
    if (failures == before) printf("ok specials\n");
}
/* Every pair of special values: of the same kind and sign as the C library's pow, equal where that is exact. */
static void pow_specials_test(void) {
    static const double values[] = {0,           1,           0.5,     2,          3,          2.5,          1.0 / 3,
                                    0x1p-149,    0x1p-130,    0x1p127, 0x1p24 + 2, 0x1p23 - 1, 0x1p22 + 0.5, 0x1p32,
                                    1 + 0x1p-23, 1 - 0x1p-24, 1e20,    INFINITY,   NAN};
    enum { N = sizeof values / sizeof values[0] };
    Worst worst = {0}, worst_wide = {0};
    for (int i = 0; i < 2 * N; i++) {
        for (int j = 0; j < 2 * N; j++) {
            double x = i < N ? values[i] : -values[i - N], y = j < N ? values[j] : -values[j - N];
            float x32 = (float)x, y32 = (float)y;
            float got = math_f32_pow(x32, y32), want = (float)pow(x32, y32);
            /* an overflow or underflow that the library rounds to the exact kind must be of that kind here too */
            worst_add(&worst, got, want, 24, -126, 128, x, y);
            worst_add(&worst_wide, math_f64_pow(x, y), pow(x, y), 53, -1022, 1024, x, y);
        }
    }
    worst_report(&worst, "f32_pow_specials", 1.0);
    worst_report(&worst_wide, "f64_pow_specials", 1.0);
}

/* Powers of small integers are integers, exactly, while they fit. */
static void pow_exact_test(void) {
    for (int x = -40; x <= 40; x++) {
        double power = 1;
        for (int y = 0; fabs(power) <= 0x1p53 && y < 100; y++, power *= x) {
            if (math_f64_pow(x, y) == power &&
                (fabs(power) > 0x1p24 || math_f32_pow((float)x, (float)y) == (float)power))
                continue;
            printf("FAIL pow_exact: %d^%d\n", x, y);
            failures++;
            return;
        }
    }
    printf("ok pow_exact\n");
}

/* ---- the compilation with the fused instruction and the one without it */
#define AGREE1(name)                                                                                                   \
    if (!same(name##_f32_fused(x32), name##_f32_plain(x32)) || !same(name##_f64_fused(x), name##_f64_plain(x))) {      \
        printf("FAIL compilations_agree: " #name " of %a\n", x);                                                       \
        failures++;                                                                                                    \
        return;                                                                                                        \
    }
static void agree_test(long n) {
    if (!__builtin_cpu_supports("fma")) {
        printf("skip compilations_agree: this processor has no fused multiply-add\n");
        return;
    }
    for (long i = 0; i < n; i++) {
        double x = i % 2 ? random_scaled(-8, 7) : f64_of_bits(random_bits()), y = random_between(-20, 20);
        float x32 = i % 2 ? (float)x : f32_of_bits((uint32_t)random_bits()), y32 = (float)y;
        AGREE1(exp)
        AGREE1(log)
        AGREE1(tanh)
        AGREE1(sigmoid) AGREE1(sin) AGREE1(cos)
            AGREE1(erf) if (!same(pow_f32_fused(x32, y32), pow_f32_plain(x32, y32)) ||
                            !same(pow_f64_fused(x, y), pow_f64_plain(x, y))) {
            printf("FAIL compilations_agree: pow of %a, %a\n", x, y);
            failures++;
            return;
        }
    }
    printf("ok compilations_agree\n");
}

int main(int argc, char **argv) {
    uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : 211;
    if (stride == 0) {
        fprintf(stderr, "usage: math_test [STRIDE]\n");
        return 2;
    }
    specials_test();
    pow_specials_test();
    pow_exact_test();
    agree_test(200000);
    for (int k = 0; k < N_FUNCTIONS; k++) f32_test(&functions[k], stride);
    for (int k = 0; k < N_FUNCTIONS; k++) f64_test(&functions[k], 1000000);
    pow_test(1500000);
    return failures != 0;
}

/* base.h: the words every floor uses: integer names, checked arithmetic, and the one way to say that nnc itself is wrong.
**
** A surprise in the compiler is a bug and aborts (exit 70) with the place; what a user did wrong goes to diag.h. */
#ifndef NNC_BASE_H
#define NNC_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t i64;
typedef uint64_t u64;
typedef int32_t i32;
typedef uint32_t u32;
typedef uint8_t u8;

/* Ends the program with exit code 70 after printing where and what. Never returns. */
_Noreturn void nnc_bug_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define nnc_bug(...) nnc_bug_at(__FILE__, __LINE__, __VA_ARGS__)
/* An invariant of the compiler. Always checked: the compiler is fast enough, wrong code is not. */
#define nnc_check(condition, ...) ((condition) ? (void)0 : nnc_bug(__VA_ARGS__))

/* Product and sum of shapes and sizes: false when the result does not fit an i64. */
static inline bool i64_multiply(i64 a, i64 b, i64 *result) { return !__builtin_mul_overflow(a, b, result); }
static inline bool i64_add(i64 a, i64 b, i64 *result) { return !__builtin_add_overflow(a, b, result); }

/* The greatest one, of magnitudes; of 0 and x: x. */
static inline i64 common_divisor(i64 a, i64 b) {
    while (b) {
        i64 rest = a % b;
        a = b, b = rest;
    }
    return a < 0 ? -a : a;
}

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))
#endif

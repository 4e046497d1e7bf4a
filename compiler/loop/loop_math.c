/* loop_math.c: the text of ir/math.def as loop IR, scalar or 16 lanes: the operations that the interpreter carries out, so its
** bits. And draws: Philox4x32-10 and the conversion to [0, 1), as graph.h says.
**
** Nested operations are arguments of C calls, so values are numbered in the order in which the C compiler evaluates these: that
** shows in a dump's numbers, nowhere else. */
#include "loop.h"
#include <math.h>

typedef struct Maker {
    LoopBuilder *b;
    LoopElem real, integer;
    bool lanes;
} Maker;

static LoopValue *widen(const Maker *maker, LoopValue *scalar) { return maker->lanes ? loop_splat(maker->b, scalar) : scalar; }
static LoopValue *real_literal(const Maker *maker, double c) { return widen(maker, loop_real(maker->b, maker->real, c)); }
static LoopValue *int_literal(const Maker *maker, i64 c) { return widen(maker, loop_int(maker->b, maker->integer, c)); }
static LoopValue *make1(const Maker *maker, LoopOp op, LoopValue *a) { return loop_op(maker->b, op, a); }
static LoopValue *make2(const Maker *maker, LoopOp op, LoopValue *a, LoopValue *b) { return loop_op(maker->b, op, a, b); }
static LoopValue *make3(const Maker *maker, LoopOp op, LoopValue *a, LoopValue *b, LoopValue *c) {
    return loop_op(maker->b, op, a, b, c);
}

#define MATH1(name, dtype, x)                                                                                          \
    static LoopValue *name##_##dtype(const Maker *maker, LoopValue *x, LoopValue *unused) {                            \
        (void)unused;
#define MATH2(name, dtype, x, y) static LoopValue *name##_##dtype(const Maker *maker, LoopValue *x, LoopValue *y) {
#define LET(type, name, value)   LoopValue *const name = (value);
#define RESULT(value)            return (value);
#define END                      }
#define R(c)                     real_literal(maker, (c))
#define I(c)                     int_literal(maker, (c))
#define ADD(a, b)                make2(maker, LOP_add, a, b)
#define SUB(a, b)                make2(maker, LOP_sub, a, b)
#define MUL(a, b)                make2(maker, LOP_mul, a, b)
#define DIV(a, b)                make2(maker, LOP_div, a, b)
#define FMA(a, b, c)             make3(maker, LOP_fma, a, b, c)
#define NEG(a)                   make1(maker, LOP_neg, a)
#define ABS(a)                   make1(maker, LOP_abs, a)
#define RINT(a)                  make1(maker, LOP_round_even, a)
#define LT(a, b)                 make2(maker, LOP_lt, a, b)
#define EQ(a, b)                 make2(maker, LOP_eq, a, b)
#define AND(a, b)                make2(maker, LOP_and, a, b)
#define OR(a, b)                 make2(maker, LOP_or, a, b)
#define NOT(a)                   make1(maker, LOP_not, a)
#define SELECT(mask, a, b)       make3(maker, LOP_select, mask, a, b)
#define BITS(a)                  make1(maker, LOP_bits, a)
#define REAL(a)                  make1(maker, LOP_bits, a)
#define IADD(a, b)               make2(maker, LOP_add, a, b)
#define ISUB(a, b)               make2(maker, LOP_sub, a, b)
#define IAND(a, b)               make2(maker, LOP_and, a, b)
#define IOR(a, b)                make2(maker, LOP_or, a, b)
#define IXOR(a, b)               make2(maker, LOP_xor, a, b)
#define ISHL(a, count)           make2(maker, LOP_shl, a, count)
#define ISHR(a, count)           make2(maker, LOP_shr, a, count)
#define ISAR(a, count)           make2(maker, LOP_sar, a, count)
#define TOREAL(a)                loop_cast(maker->b, a, maker->real)
#define MATH_F32
#define MATH_F64
#include "../ir/math.def"

LoopValue *loop_math(LoopBuilder *b, LoopMath function, LoopValue *x, LoopValue *y) {
    typedef LoopValue *Writing(const Maker *maker, LoopValue *x, LoopValue *y);
#define BOTH(name) [MATH_##name] = {name##_f32, name##_f64}
    static Writing *const WRITINGS[][2] = {BOTH(exp), BOTH(log), BOTH(tanh), BOTH(sigmoid),
                                     BOTH(sin), BOTH(cos), BOTH(erf),  BOTH(pow)};
#undef BOTH
    bool wide = x->type.elem == ELEM_F64;
    nnc_check(wide || x->type.elem == ELEM_F32, "mathematics of %s", elem_name(x->type.elem));
    Maker maker = {b, x->type.elem, wide ? ELEM_I64 : ELEM_I32, x->type.lanes};
    return WRITINGS[function][wide](&maker, x, y);
}

/* ---- draws ---- */

/* Ten rounds on the counter c with the key k, all i32. A loop: a draw is some two hundred instructions otherwise, wherever one is made. */
static void philox(const Maker *m, LoopValue *c[4], LoopValue *const k[2]) {
    LoopValue *even = int_literal(m, 0xD2511F53), *odd = int_literal(m, 0xCD9E8D57);
    LoopValue *step0 = int_literal(m, 0x9E3779B9), *step1 = int_literal(m, 0xBB67AE85);
    LoopFor *round = loop_for(m->b, FOR_SERIAL, 10, 1, 6, (LoopValue *[]){c[0], c[1], c[2], c[3], k[0], k[1]});
    LoopValue *const *now = round->acc;
    LoopValue *high0 = make2(m, LOP_mulhi, even, now[0]), *low0 = make2(m, LOP_mul, even, now[0]);
    LoopValue *high1 = make2(m, LOP_mulhi, odd, now[2]), *low1 = make2(m, LOP_mul, odd, now[2]);
    LoopValue *next0 = make2(m, LOP_xor, make2(m, LOP_xor, high1, now[1]), now[4]);
    LoopValue *next2 = make2(m, LOP_xor, make2(m, LOP_xor, high0, now[3]), now[5]);
    LoopValue *key0 = make2(m, LOP_add, now[4], step0), *key1 = make2(m, LOP_add, now[5], step1);
    loop_for_end(m->b, (LoopValue *[]){next0, low1, next2, low0, key0, key1});
    memcpy(c, round->results, 4 * sizeof *c);
}
LoopValue *loop_random(LoopBuilder *b, LoopElem elem, u32 place, int word, LoopValue *key_low, LoopValue *key_high,
                       LoopValue *step, LoopValue *row, LoopValue *element) {
    Maker m = {b, elem, ELEM_I32, element->type.lanes};
    return loop_random_at(b, elem, int_literal(&m, place), word, key_low, key_high, step, row, element);
}
LoopValue *loop_random_at(LoopBuilder *b, LoopElem elem, LoopValue *place, int word, LoopValue *key_low, LoopValue *key_high,
                          LoopValue *step, LoopValue *row, LoopValue *element) {
    Maker m = {b, elem, ELEM_I32, element->type.lanes};
    LoopValue *counter[4] = {element, row, step, place}, *key[2] = {key_low, key_high};
    nnc_check(word == 0 || word == 1, "word %d of a draw", word);
    philox(&m, counter, key);
    LoopValue *high = counter[2 * word], *low = counter[2 * word + 1];
    if (elem == ELEM_F32) {
        LoopValue *top = make2(&m, LOP_shr, high, int_literal(&m, 8));
        return make2(&m, LOP_mul, loop_cast(b, top, ELEM_F32), real_literal(&m, 0x1p-24));
    }
    m.integer = ELEM_I64;
    LoopValue *upper = make2(&m, LOP_shl, make1(&m, LOP_unsigned, high), int_literal(&m, 32));
    LoopValue *both = make2(&m, LOP_or, upper, make1(&m, LOP_unsigned, low));
    LoopValue *top = make2(&m, LOP_shr, both, int_literal(&m, 11));
    return make2(&m, LOP_mul, loop_cast(b, top, ELEM_F64), real_literal(&m, 0x1p-53));
}

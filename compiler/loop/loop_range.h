/* loop_range.h: proofs that an affine form is never negative; the verifier's arithmetic. */
#ifndef NNC_LOOP_RANGE_H
#define NNC_LOOP_RANGE_H
#include "loop.h"

/* What is known at a point: each fact is a form that is >= 0 there. Indices lie in 0..last of their loop, clamped values in
** low..high; that needs no fact. */
typedef struct Facts {
    Arena *arena;
    VEC(LoopAffine) list;
} Facts;
void fact_add(Facts *facts, LoopAffine form);
i64 loop_last(const LoopFor *loop); /* the largest index by extent and step */
/* True if proved: by the ranges of the variables alone, or after subtracting multiples of up to three facts. */
bool never_negative(const Facts *facts, LoopAffine form);
/* Bounds by ranges alone; false when they overflow. */
bool affine_bounds(const LoopAffine *form, i64 *low, i64 *high);
#endif

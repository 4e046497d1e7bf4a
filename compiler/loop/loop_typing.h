/* loop_typing.h: the typing rules that loop.def names; for the builder and the verifier only. */
#ifndef NNC_LOOP_TYPING_H
#define NNC_LOOP_TYPING_H
#include "loop.h"

/* The type of a value whose operator, operands and attributes are set (its element too where the maker chooses it). */
bool value_type(const LoopValue *v, LoopType *type);

#define LOP(name, arity, typing, emit) bool type_##typing(const LoopValue *v, LoopType *type);
#include "loop.def"
#undef LOP
#endif

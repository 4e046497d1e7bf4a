/* inside.h: which terms of a product fall on the padding of its windows; see inside.c. */
#ifndef NNC_SETTLE_INSIDE_H
#define NNC_SETTLE_INSIDE_H
#include "../ir/build.h"

/* The attribute `inside` of a product whose order and cut are set. `left_batch`, `right_batch`: the batch axis of each operand, -1: none,
** which may be walked in `parts`. */
List windows_inside(Arena *arena, const Node *dot, const Attrs *at, int left_batch, int right_batch, i64 parts);
#endif

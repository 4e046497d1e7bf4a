/* builtin.h: what the handlers of builtin.def share. */
#ifndef NNC_SEMA_BUILTIN_H
#define NNC_SEMA_BUILTIN_H
#include "call.h"

/* An empty range: an error. */
bool empty(Eval *e, const Context *c, const Value *v, Span span);
/* Argument i as a tensor of at least that rank; NULL after an error. */
Value *argument_tensor(Eval *e, const BuiltinCall *call, int i, int least_rank);
/* The setting `axis` of an axis of a visible shape; `otherwise` if it is not given (negative from the end). */
bool argument_axis(Eval *e, const BuiltinCall *call, int setting, int rank, int otherwise, int *axis);
/* A value computed from v alone. */
Value *result_like(Eval *e, const Value *v, Element element, const Shape *shape, Node *node);
/* The axis of v's node that its visible axis is. */
int visible_axis(const Value *v, int axis);
/* v taken at an index along a visible axis (index.c). */
Value *index_at(Eval *e, const Context *c, Span span, Value *v, int at, Value *index);
#endif

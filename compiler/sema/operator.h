/* operator.h: operators on finished values, within sema. */
#ifndef NNC_SEMA_OPERATOR_H
#define NNC_SEMA_OPERATOR_H
#include "eval.h"

Value *operate_at(Eval *e, const Context *c, Span span, Operator op, Value *a, Span a_span, Value *b, Span b_span);
Value *operate_unary(Eval *e, const Context *c, Span span, Operator op, Value *a);
Value *matmul(Eval *e, const Context *c, Span span, Value *a, Value *b, const Span *spans);
Value *elementwise_of(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans,
                      const Element *operands, Element result, NodeBuild *build, void *context);
bool shapes_align(int n, const Shape *const *shapes, Shape *result);
/* False, with an error, if v is no number or record of numbers (a class is none). */
bool numeric(Eval *e, const Context *c, const Value *v, Span span);
Value *eval_index(Eval *e, const Context *c, Scope *scope, const Ast *ast);
#endif

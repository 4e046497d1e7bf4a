/* eval.h: the interpreter: slow, obvious, the oracle of every pass and of the machine code, to the last bit. */
#ifndef NNC_EVAL_H
#define NNC_EVAL_H
#include "graph.h"

typedef struct Tensor {
    const Type *type;
    void *data; /* row-major, native */
} Tensor;
/* Computes the results of f. `args[i].data` is read; results are written to `results[i].data`, which the caller gives (type_bytes
** of each); the memory of results may be that of arguments. Intermediate values are freed after their last reader. */
void func_eval(const Func *f, const Tensor *args, Tensor *results);
/* Folding of constants uses the same code: the value of a node whose operands are given. */
void node_eval(const Node *node, const Tensor *args, Tensor *results);
Tensor tensor_new(Arena *arena, const Type *type);
/* Before settle, to test rewrites: if set, called with each node and its value after it is computed. */
typedef void (*EvalTrace)(void *context, const Node *node, const Tensor *value);
void func_eval_traced(const Func *f, const Tensor *args, Tensor *results, EvalTrace trace, void *context);
#endif

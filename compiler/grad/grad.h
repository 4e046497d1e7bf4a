/* grad.h: reverse-mode gradient as a rewriting of IR to IR: closed under itself, so grad(grad f) needs no code.
**
** Rules (vjp_*.c, named in op.def) use ir/build.h only. */
#ifndef NNC_GRAD_H
#define NNC_GRAD_H
#include "../ir/graph.h"

/* Cotangents of the targets, given those of the outputs (NULL: none). A target is a `mark`, `arg` or `hole` node: only what is
** computed from that node counts. Targets that the outputs do not depend on get NULL when `zero` is false, zeros otherwise.
** A node's contributions are added in the order of the walk: part of the meaning. `stop` nodes in the walk end it. */
void vjp(Graph *g, int n_outputs, Node *const *outputs, Node *const *cotangents, int n_targets, Node *const *targets, bool zero,
         Node **result);
#endif

/* rules.h: what a gradient rule is. One function an entry in op.def's grad column, in vjp_map.c, vjp_view.c, vjp_sum.c and
** vjp_scan.c; grad.c alone calls them. Not an interface of the floor: that is grad.h.
**
** A rule turns the cotangent of a node into the cotangents of its operands, as IR in terms of the node, its operands and the
** cotangent, so the result has a gradient itself. It writes give[i] only where want[i]; what it leaves NULL is zero. */
#ifndef NNC_GRAD_RULES_H
#define NNC_GRAD_RULES_H
#include "../ir/build.h"

typedef struct Pull {
    Graph *g;
    Node *node;       /* y */
    Node *ct;         /* its cotangent, of y's type; NULL for a scan */
    Node *const *cts; /* scan only: of each result, NULL: zero */
    const bool *want; /* [n_args] operand i depends on a target */
    Node **give;      /* [n_args] NULL on entry */
} Pull;

#define OP(name, arity, attributes, infer, grad, lift, eval, loop) void vjp_##grad(const Pull *p);
#include "../ir/op.def"
#undef OP
#endif

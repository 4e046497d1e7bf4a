/* rules.h: what the tables of this directory hold: the handlers that op.def names, and the context each kind is called with.
**
** Not for other floors. A row whose handler is declared here and defined nowhere fails the link. */
#ifndef NNC_IR_RULES_H
#define NNC_IR_RULES_H
#include "eval.h"

/* ---- types (infer.c): from operands and attributes to the type, or NULL and `why` */
typedef struct Infer {
    Graph *g;
    Op op;
    const Attrs *at;
    int n;
    Node *const *args;
    const char *why;
    bool too_large; /* numbers past 64 bits: a user's limit rather than a wrong graph */
} Infer;
typedef const Type *InferRule(Infer *in);

/* ---- lifting (lift.c): the same operator with one more leading axis on the operands marked in `lifted` */
typedef struct Lift {
    Graph *g;
    Arena *scratch;
    i64 n;
    Node **many;       /* of a scan: its gets, and which have the axis */
    bool *many_lifted;
} Lift;
typedef Node *LiftRule(Lift *lift, const Node *node, Node **args, const bool *lifted);

/* ---- values (eval*.c): reads args, writes results; one result but for scan */
typedef struct Eval Eval;
typedef void EvalRule(Eval *eval, const Node *node, const Tensor *args, Tensor *results);

#define OP(name, arity, attributes, infer, grad, lift, eval, loop)                                                     \
    InferRule infer_##infer;                                                                                           \
    LiftRule lift_##lift;                                                                                              \
    EvalRule eval_##eval;
#include "op.def"
#undef OP

InferRule *op_infer(Op op);
/* Runs the rule with all that is common: arity, tuples, sizes. NULL and a whole sentence in in->why. */
const Type *infer_type(Infer *in);

/* ---- attributes (attr.c) */
u64 attrs_hash(const Attrs *at);
bool attrs_equal(const Attrs *a, const Attrs *b);
Attrs attrs_keep(Arena *arena, const Attrs *at); /* lists and bytes copied to the arena */
/* The first attribute outside `mask` that is not zero, or NULL. */
const char *attrs_outside(const Attrs *at, u64 mask);
bool list_equal(List a, List b);
List list_of(Arena *arena, int n, const i64 *v);
List list_of_ints(Arena *arena, int n, const int *v);

/* ---- the interpreter's shared parts (eval.c, eval_axes.c) */
void *eval_memory(Eval *eval, i64 bytes); /* not zeroed; from and back to a pool */
void eval_memory_free(Eval *eval, void *memory);
/* Some axes of a value, outermost first, with the distance in elements between neighbours along each. */
typedef struct Axes {
    int n;
    i64 dims[RANK_MAX], strides[RANK_MAX];
} Axes;
void type_strides(const Type *type, i64 strides[RANK_MAX]);
Axes axes_of(const Type *type, List which);
Axes axes_but(const Type *type, List a, List b); /* those in neither list */
i64 axes_count(const Axes *axes);
/* The distance from the first element to each, row-major; to be freed with eval_memory_free. */
i64 *axes_offsets(Eval *eval, const Axes *axes);
/* Block `block` of `cut` of the axis `place`: shortens it, adds where it begins to *base. False: the block is empty. */
bool axes_cut(Axes *axes, int place, i64 cut, i64 block, i64 *base);
/* partial [cut][count]: adjacent pairs are added until one is left, which goes to `out`. */
void add_pairs(Dtype dtype, void *partial, i64 cut, i64 count, void *out);

i64 graph_name_new(Graph *g); /* of a hole or a mark (graph.c) */

#define COUNT_LIMIT ((i64)1 << 47)



#endif

/* graph.h: the typed tensor IR. Everything between sema and plan is this; it is closed under differentiation.
**
** MEANING. A Node is an operator, operands and attributes; its type is inferred by the constructor, so ill-typed IR cannot
** be built. Nodes are hash-consed: equal values are one node. No operator broadcasts, converts, or changes its operands:
** `broadcast` and `cast` are explicit. A Func is closed: its nodes reach only its own `arg i` and constants; equal
** functions are one pointer. A scan's body is such a function; what it needs from outside is an operand.
**
** Arithmetic. add mul div sub: IEEE, round to nearest even, subnormals kept, never contracted; i32 wraps; i32 div is the
** floor, by 0 gives 0. neg flips the sign bit. |-0| = 0. exp log tanh sigmoid sin cos erf pow: the text of math.def, at most
** 2 ulp, the same bits everywhere; sqrt correctly rounded. max, min: NaN wins, -0 < +0; on bool they are or, and. eq, lt: false
** with NaN. select: the value not chosen has no effect, even NaN. cast: real to int truncates, saturates, NaN to 0; i32 to u8
** saturates; to bool is x != 0; int to real rounds to nearest even; u8 exists only in data and under views, select and cast; a
** class(k) is an i32. Which of a NaN's bits are set is no part of the meaning: any NaN equals any other.
**
** reshape transpose broadcast: row-major. affine: y[..i..] = x[..j..] with j = (a*i + b*K + c)/m along `axis`, K the index of
** axis k; `fill` where that does not divide or leaves the axis; a != 0, m >= 1. concat: at least one operand.
** random(key i32[2], step i32[], row i32[S], element i32[S]): Philox4x32-10, counter (element, row, step, place); f32: the top
** 24 bits of output 2*word times 2^-24; f64: the top 53 bits of outputs 2*word (high) and 2*word+1 (low) times 2^-53.
** take{axis batch}(x, i): x [B..P..n R..], i [B..I..] -> [B..P..I..R..], i clamped to 0..n-1. put adds slices back, in i's
** order, into zeros, i clamped too. top: last axis, i32 indices of the largest, falling; ties (-0 and +0 are one) the lowest
** index; NaN before all numbers. amax: the fold of max.
** scan: (carried.., constants.., xs..) -> (carried.., ys.. stacked on axis 0), xs walked along axis 0; its body: (carried,
** constants, slices of xs) -> (carried', slices of ys). get: the i-th result of a scan.
**
** Sums (`order`, set by settle, unset counts as chain). chain: one accumulator a result element, from +0, summed axes in
** row-major order of the attribute's list (dot: lc outermost first), acc = fma(a, b, acc) for dot, acc + x for sum. lanes: 16
** accumulators from +0; an element goes to lane (innermost summed index mod 16), in row-major order; then l[i] += l[i+8], +4,
** +2, +1. cut=G: the axis at cut_axis in G blocks of ceil(n/G) (the last may be short or, past the end, absent: +0), each summed
** as said (the lanes of a block are counted from its first element), then adjacent pairs ((b0+b1)+(b2+b3)).. . A cut put: each
** block of the index into zeros of its own, then the same pairs. G is a power of two.
** dot's `inside` (set by settle): terms that fall on padding are no part of the sum. For each window (axis, place, a, b, c, n): a term
** counts only if 0 <= a*i + b*K + c < n, i the index along that axis of the result, K that of the contracted axis lc[place]; b is 1
** or -1, the order is a chain, and no place is that of a cut.
**
** mark: an identity never merged, the binding that a `grad` names. stop: an identity without gradient. Both erased by settle.
**
** ORDER. Nothing depends on node numbers or hash order: every list of nodes comes from a walk from results, depth first,
** operands left to right (order_walk). */
#ifndef NNC_GRAPH_H
#define NNC_GRAPH_H
#include "type.h"
#include "../base/source.h"

typedef enum Op {
#define OP(name, ...) OP_##name,
#include "op.def"
#undef OP
    OP_COUNT
} Op;
enum {
#define ATTR(field, kind, text) ATTR_##field,
#include "attr.def"
#undef ATTR
    ATTR_COUNT
};
typedef enum Order { ORDER_UNSET, ORDER_CHAIN, ORDER_LANES } Order;
enum { SUM_LANES = 16 }; /* of ORDER_LANES */
enum { INSIDE_AXIS, INSIDE_PLACE, INSIDE_A, INSIDE_B, INSIDE_C, INSIDE_N, INSIDE_WORDS }; /* of a window in `inside` */
typedef enum LoopClass { LOOP_leaf, LOOP_map, LOOP_view, LOOP_anchor, LOOP_loop, LOOP_erased } LoopClass;

typedef struct Graph Graph;
typedef struct Node Node;
typedef struct Func Func;
typedef struct List {
    int n;
    const i64 *v;
} List;
typedef struct Bytes {
    i64 n;
    const u8 *v;
} Bytes;
/* Which call of which line made a node: for profiles, NaN reports, messages. No part of a node's identity. */
typedef struct Origin {
    const char *what; /* "mlp.dense_2", "minimize", ... */
    Span span;
} Origin;

#define INT   i64
#define REAL  double
#define LIST  List
#define TYPE  const Type *
#define DTYPE Dtype
#define BYTES Bytes
#define FUNC  const Func *
#define ORDER Order
typedef struct Attrs {
#define ATTR(field, kind, text) kind field;
#include "attr.def"
#undef ATTR
} Attrs;
#undef INT
#undef REAL
#undef LIST
#undef TYPE
#undef DTYPE
#undef BYTES
#undef FUNC
#undef ORDER

struct Node {
    Op op;
    u32 id;         /* dense in its graph, in order of making: for tables by node, never for decisions */
    const Type *type;
    const Attrs *at; /* the op's attributes; others are zero */
    int n_args;
    Node *const *args;
    const Origin *origin;
};
struct Func {
    int n_params, n_results;
    const Type *const *params;
    Node *const *results;
    u32 id; /* dense, in order of making */
};

Graph *graph_new(Arena *arena);
Arena *graph_arena(const Graph *g);
u32 graph_size(const Graph *g); /* number of nodes made; ids are below it */
void graph_origin(Graph *g, const Origin *origin); /* of the nodes made from now on; NULL: none */
const Origin *graph_origin_now(const Graph *g);
/* NULL, or the sentence why a user's limit was met (100,000 nodes, 2^47 elements); sema looks at it, later floors do not. A type
** past the limit is made all the same, with a count of 2^47, so that building can go on to the place where it is looked at. */
const char *graph_limit(const Graph *g);

const Type *type_get(Graph *g, Dtype dtype, int rank, const i64 *dims);
const Type *type_scalar(Graph *g, Dtype dtype);
const Type *type_with_lead(Graph *g, const Type *type, i64 n);  /* [n, ..] */
const Type *type_without_lead(Graph *g, const Type *type);
const Type *type_with_dtype(Graph *g, const Type *type, Dtype dtype);
const Type *type_tuple(Graph *g, int n, const Type *const *parts);

/* The one constructor below build.h: infers the type, interns. `at` may be NULL; attributes the op does not have must be zero
** (k of affine: -1 for none). */
Node *node_make(Graph *g, Op op, int n_args, Node *const *args, const Attrs *at);
/* As node_make, but a type error is told (sentence in *why, NULL result) instead of being a bug: for the reader of text. */
Node *node_try(Graph *g, Op op, int n_args, Node *const *args, const Attrs *at, const char **why);
/* The same operator with other operands and attributes; it is still of that node's line (origin). */
Node *node_like(Graph *g, const Node *node, Node *const *args, const Attrs *at);
Node *node_with_args(Graph *g, const Node *node, Node *const *args); /* the same attributes too; `node` itself if nothing differs */
const Func *func_make(Graph *g, int n_params, const Type *const *params, int n_results, Node *const *results);

const char *op_name(Op op);
bool op_find(const char *name, size_t n, Op *op);
int op_arity(Op op);
u64 op_attributes(Op op); /* bit i: has attribute i */
LoopClass op_loop_class(Op op);
bool op_is_transcendental(Op op); /* a polynomial or a draw: some twenty operations an element, not to be computed twice */

/* ---- walking ---- */
typedef struct NodeList {
    int n;
    Node **v;
} NodeList;
/* Each node that the roots reach, once, operands before users. Roots may be NULL (skipped). Not into bodies of scans. */
NodeList order_walk(Arena *arena, Node *const *roots, int n_roots);
/* The same, but not past nodes for which `stop` says true (they are listed). */
NodeList order_walk_until(Arena *arena, Node *const *roots, int n_roots, bool (*stop)(void *, const Node *), void *context);
/* A table by node id that grows with the graph: NodeMap m = {.arena = a}; absent: NULL. Pages, so that a few entries in a large
** graph cost little. */
typedef struct NodeMap {
    Arena *arena;
    void ***pages;
    u32 n_pages;
    u32 n, lowest; /* entries set; the lowest id among them */
} NodeMap;
void *nodemap_get(const NodeMap *map, const Node *node);
void nodemap_set(NodeMap *map, const Node *node, void *value);
/* Which nodes reachable from the roots depend on one of `on` (which count as depending): value non-NULL. */
NodeMap depends_on(Arena *arena, Node *const *roots, int n_roots, Node *const *on, int n_on);
#endif

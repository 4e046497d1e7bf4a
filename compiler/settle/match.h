/* match.h: small questions that rewrites ask of nodes, shared by the passes of settle/ and opt/. */
#ifndef NNC_SETTLE_MATCH_H
#define NNC_SETTLE_MATCH_H
#include "../ir/build.h"

/* A constant, an iota, or a broadcast of one: costs nothing to have twice. */
bool node_is_cheap(const Node *node);
/* What the node is a view of: below reshapes, transposes, broadcasts and affines. */
Node *node_under_views(Node *node);
/* The scalar constant of which this is a broadcast, or which it is; NULL: it is no fill. */
Node *node_fill(const Node *node);
/* Is it a fill of exactly this value? Signs of zero count: node_is_fill(x, 0) is false for -0. */
bool node_is_fill(const Node *node, double value);
double node_fill_value(const Node *fill); /* of what node_fill found */
/* The type one shorter in front, for something that is the same along axis 0: NULL if it is not known to be. */
Node *node_unlead(Graph *g, Node *node);
/* A transpose by which another axis becomes the last, along which memory is walked. */
bool transpose_turns_last(const Node *node);
Node *node_with_attrs(Graph *g, const Node *node, const Attrs *at); /* the same operator and operands */
List list_of_dims(Arena *arena, int n, const int *v);
bool list_same(List a, List b);
bool type_same_dims(const Type *a, const Type *b);
bool list_has(List list, i64 value);
int list_place(List list, i64 value); /* -1: absent */
/* Axes 0..rank-1 that neither list has, rising; returns how many. */
int axes_free(int rank, List a, List b, int out[RANK_MAX]);
/* The axis of a dot's result that a free axis of its operand `side` becomes; -1: that axis is not free. */
int dot_result_axis(const Node *dot, int side, int axis);
/* How often each of `nodes` is an operand among them or a root. */
typedef struct Uses {
    NodeMap map;
} Uses;
Uses uses_of(Arena *arena, NodeList nodes, Node *const *roots, int n_roots);
int uses_count(const Uses *uses, const Node *node);
i64 node_multiply_adds(const Node *node); /* of a product; of a scan, all rounds; else 0 */
i64 func_multiply_adds(const Func *f); /* of products, rounds counted; ends at 2^62 */
#endif

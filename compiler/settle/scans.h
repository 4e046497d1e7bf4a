/* scans.h: what passes on loops share, here and in opt/: parts of a scan, and when two scans walk alike. */
#ifndef NNC_SETTLE_SCANS_H
#define NNC_SETTLE_SCANS_H
#include "../base/vec.h"
#include "../ir/rewrite.h"
#include "match.h"

typedef VEC(Node *) Nodes;
int nodes_place(const Nodes *nodes, const Node *node); /* -1: absent */

/* Operands and parameters: carried, constants, then xs from here on. */
static inline int scan_first_x(const Node *scan) { return (int)(scan->at->carry + scan->at->constants); }
/* Equal operands and equal carried part: they differ in their ys at most. */
bool scan_same_rounds(const Node *a, const Node *b);
/* The same, seen from what is carried alone: other operands, which only ys read, may differ. Builds nodes to find out. */
bool scan_walks_alike(Graph *g, Arena *scratch, const Node *a, const Node *b);
/* Those of `holes` that the roots reach, to x, with what they walk (xs, beside holes) to walked. */
void nodes_reached_xs(Arena *scratch, const Nodes *roots, const Nodes *holes, const Nodes *xs, Nodes *x, Nodes *walked);
#endif

/* rewrite.h: copying graphs: substitution, transformation bottom up, lifting, counting. Shared by grad, settle and opt. */
#ifndef NNC_REWRITE_H
#define NNC_REWRITE_H
#include "graph.h"

/* The roots with nodes replaced as `map` says (old node -> Node *); what does not reach a key is kept. */
void substitute(Graph *g, Arena *scratch, NodeMap *map, Node *const *roots, int n, Node **out);

/* Bottom up, bodies of scans first: `rule` sees a node and its new operands and returns the node to stand for it, or NULL for
** the same operator on the new operands. For a scan, `rule` is asked with the new body already in place: `node` is then a scan
** that may not be part of the function; a rule that wants other results for it returns a node and the gets are rebuilt on it. */
typedef Node *(*RewriteRule)(void *context, Graph *g, Node *node, Node *const *args);
const Func *func_rewrite(Graph *g, const Func *f, RewriteRule rule, void *context);
/* For passes on loops, inner before outer: `change` gets a scan with its new operands and either writes its results (as many as
** the scan has) and returns true, or returns false to keep it. */
typedef bool (*ScanChange)(void *context, Graph *g, Node *scan, Node **results);
const Func *func_rewrite_scans(Graph *g, const Func *f, ScanChange change, void *context);

/* Instantiates a function's results on operands (inlining). */
void func_apply(Graph *g, const Func *f, Node *const *args, Node **out);

/* One more leading axis of extent n on some nodes: `map` gives for each such node, and for the others that must be replaced,
** the new node; `lifted` marks those with the axis (non-NULL). Writes the new roots and whether each has the axis. */
void lift_nodes(Graph *g, Arena *scratch, NodeMap *map, NodeMap *lifted, i64 n, Node *const *roots, int n_roots, Node **out,
                bool *is_lifted);

i64 func_count(const Func *f);                        /* nodes, bodies included once each */
int func_count_op(const Func *f, Op op, bool inside); /* `inside`: also in bodies */
#endif

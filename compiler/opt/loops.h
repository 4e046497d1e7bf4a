/* loops.h: what keep, hoist and sink share about a scan. Not for other floors. */
#ifndef NNC_OPT_LOOPS_H
#define NNC_OPT_LOOPS_H
#include "../settle/scans.h"
#include "opt.h"

typedef VEC(const Type *) Types;

typedef struct Loop {
    Graph *g;
    Arena *scratch;
    Node *scan;
    const Func *body;
    int carry, first_x; /* params: carried, constants, then xs from first_x on */
    int n_params, n_results;
    i64 length;
    Node **param; /* [n_params] the body's arguments */
} Loop;
Loop loop_of(Graph *g, Arena *scratch, Node *scan);
/* The scan with other results (the carried ones first) and with more xs: `x` are their nodes in the body (replaced by new
** parameters), xs what they walk. Writes results->n values. */
void loop_remake(Loop *loop, const Nodes *results, const Nodes *x, const Nodes *xs, Node **out);
#endif

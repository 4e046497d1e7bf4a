/* planner.h: what the files of plan/ share while a plan is made. Not for other floors.
**
** The steps, for each body, inner ones when their scan is met: group.c says which nodes are stored and by which kernel; plan.c makes
** kernels, values and the loops' bindings; home.c brings the results to their places; then, for the whole entry, memory.c numbers
** the kernels, finds lives of areas and their offsets, and cost.c fills in the table's rows. */
#ifndef NNC_PLANNER_H
#define NNC_PLANNER_H
#include "plan.h"

typedef struct Planner {
    Plan *plan;
    PlanEntry *entry;
    Arena *arena;   /* the plan's */
    Arena *scratch; /* of this entry's planning */
    Graph *graph;
} Planner;

/* ---- group.c: kernels to be. A group computes its roots; all of them over one index space. */
typedef struct GroupPart {
    const Node *node, *whole; /* of this concat or widened value it is the part */
    const i64 *shifts;        /* that begins here, by axis */
} GroupPart;
typedef struct Group {
    PlanKind kind;
    const Node *anchor; /* also of a scan; of concat parts: none */
    VEC(const Node *) roots;
    VEC(GroupPart) parts; /* also stored */
    VEC(const Node *) anchors; /* of PLAN_ROWS: all, in walk order */
    const Type *full;          /* of PLAN_ROWS: what they fold */
    bool update;               /* of a dot: see PlanKernel */
} Group;
typedef struct Groups {
    int n;
    Group **v; /* in an order in which they can run */
} Groups;
Groups group_body(Planner *p, const PlanBody *body); /* level 0 */
Groups fuse_body(Planner *p, const PlanBody *body);  /* above (fuse.c) */
/* Views, constants, indices: never worth a kernel of their own. */
bool is_addressing(const Node *node);
/* A put of one slice for each index: an element is the value where the index says so, else 0: a map in all but name. */
bool is_placing(const Node *node);
bool is_map_like(const Node *node); /* maps, take, placing puts */

/* ---- join.c: wholes are concats and widened values */
typedef VEC(GroupPart) JoinParts;
JoinParts join_parts(Planner *p, const Node *whole);
bool is_widening(const Node *node);
const Node *widened(const Node *node); /* what is in the middle */

/* ---- unwindow.c, pad.c: of the function, before it is planned */
const Func *unwindow(Graph *g, const Func *f);
const Func *pad_windows(Graph *g, const Func *f);
bool stays_inside(const Node *affine); /* never reads past its axis or between elements */

/* ---- plan.c */
PlanValue *value_in_work(Planner *p, const PlanBody *body, const Type *type);
PlanKernel *kernel_new(Planner *p, PlanBody *body, PlanKind kind, const Node *anchor);
void kernel_store(Planner *p, PlanKernel *kernel, const Node *node, PlanValue *value);

/* ---- home.c: where the results of a body must be in the end */
typedef struct Homes {
    PlanValue **v;  /* [n_results] */
    bool *shared;   /* [n_results]: a parameter lies there: it may be read until the result is written */
} Homes;
/* The place in which to make a result right away, when nothing is read there before; NULL: none such. index: of a scan's results. */
PlanValue *home_early(const PlanBody *body, const Homes *homes, const Node *node, int index);
/* Moves the others, or copies them. */
void homes_settle(Planner *p, PlanBody *body, const Homes *homes);

/* ---- memory.c, cost.c: of a whole entry */
void memory_assign(Planner *p);
void cost_rows(Planner *p);
/* All kernels of the entry, loops inside too, in the linear order: a scan stands before its body's. */
typedef VEC(PlanKernel *) KernelList;
void kernels_in_order(Arena *arena, const PlanBody *body, KernelList *out);
#endif

/* lower.h: what the files of plan_to_loop share while one kernel is written. Not for other floors.
**
** AXES. A kernel has dimensions (its index space: of a map the shape of its stores, of a sum also what is summed). A dimension is cut into
** one or more atoms, so that every view between the kernel and memory is affine in them: a reshape that takes a dimension apart
** asks for a cut (`axes_split`). An Index is a place in a node: an affine form of atoms for each of its axes. Forms are written over
** stand-ins of loops (Atom.loop); `axes_realise` puts the real loops in when an address is made.
**
** TWO RUNS. First a trial with single elements, whose code is thrown away: it finds the cuts, the buffers, and every form that
** matters. From the forms follows which neighbouring atoms can be walked as one (a Group), so a kernel on contiguous memory is one
** loop whatever its rank. Then the real run: loops are opened, groups are bound to them, the same code is written.
**
** LANES. At most one group advances by lanes: lane l stands for its element base + l. `active` lanes count; the others compute
** garbage that is neither stored nor summed. What does not depend on the lanes stays scalar and is splat when it meets lanes.
** A vector may run over the end of its group: lanes from `wrap` on stand at the beginning of the next round of the group around it. */
#ifndef NNC_LOWER_H
#define NNC_LOWER_H
#include "plan_to_loop.h"

typedef enum AxisClass { AXIS_RESULT, AXIS_FOLD, AXIS_BLOCK } AxisClass; /* FOLD: summed; BLOCK: the blocks of a cut */
typedef struct Dim {
    i64 extent;
    AxisClass class;
    bool whole; /* may not be cut: its lanes are counted */
    bool alone; /* may not be walked as one with a neighbour */
    int part;   /* nor with one of another part: of a dot batch 0, left 1, right 2 */
    VEC(i64) cuts; /* strides at which it is cut, rising; each divides the next */
} Dim;
typedef struct Atom {
    LoopFor loop; /* stands for the loop; extent is the atom's */
    int dim;
    i64 stride;   /* of one step, in elements of the dimension */
    int group;
} Atom;
typedef struct AxisGroup {
    int first, n; /* atoms */
    i64 extent;
    AxisClass class;
    bool bound;
    LoopAffine at; /* its index, in real loops, of lane 0 */
    bool lanes;    /* lane l is l further */
} AxisGroup;
typedef struct Form {
    LoopAffine form;
    bool address; /* else a number */
    bool store;
} Form;
typedef struct Index {
    int n;
    LoopAffine at[];
} Index;
typedef struct Known {
    const PlanBody *body;
    const Node *node;
    const Index *index;
    const LoopValue *guard;
    int cell;
    LoopValue *value;
    i64 before; /* the entry of the same node made before, +1 */
} Known;
typedef struct Param {
    const PlanValue *value;
    bool written;
    bool whole; /* every element is, so that it may be looked at when the kernel has run */
    int buffer;
} Param;
/* What a kernel is but for what it is given; see lower_key.c. */
typedef struct KernelKey {
    Text bytes;
    VEC(const PlanValue *) leaves;
    VEC(const Node *) scalars; /* constants and draws whose numbers are given as arguments */
    NodeMap lifted;            /* node -> its number among them + 1 */
} KernelKey;
KernelKey *kernel_key(Arena *arena, const PlanKernel *kernel);
u64 key_hash(const KernelKey *key);
int key_leaf(const KernelKey *key, const PlanValue *value); /* its number; leaves.n if it is none */
i64 key_scalar(const Node *node);
i64 value_align(const PlanValue *value); /* at which element 0 surely lies, whatever round of the loops around */
typedef struct Columns Columns;
typedef struct Spill { /* of a long row: values that a later pass over it needs again */
    int buffer;
    int pass; /* in which they are made */
} Spill;
typedef struct Lower {
    Arena *arena; /* of this kernel's lowering */
    LoopProgram *program;
    const Plan *plan;
    const PlanKernel *kernel;
    const KernelKey *key;
    LoopValue **scalars; /* of the key */
    LoopBuilder b;
    bool trial, again;  /* again: a cut was made, the trial starts anew */
    bool inexact;       /* a reshape was divided as a number */
    VEC(Dim) dims;
    VEC(Atom *) atoms;  /* outermost first */
    VEC(AxisGroup) groups;
    VEC(Form) forms;
    VEC(Param) params;
    NodeMap constants;  /* node -> buffer + 1 */
    VEC(Known) known;
    Map newest;         /* node -> its newest entry in `known`, +1 */
    int active;         /* lanes that count; 0: no lanes are open */
    int wrap;           /* the first lane of the next round of group wrap_outer; 0: all are of one round */
    int wrap_outer, wrap_inner;
    int cell;           /* of a tile: its vectors have the same index, each its own values */
    LoopValue *guard;   /* lanes: only where this holds memory may be touched; NULL: everywhere */
    LoopValue *anchor;  /* the anchor's value at `anchor_index` */
    const Index *anchor_index;
    int columns;    /* the group of the columns of rows side by side; -1: lower_columns.c is closed */
    Columns *loaded, *pending;
    NodeMap spills; /* PLAN_ROWS: node -> Spill */
    int pass;
} Lower;

/* ---- lower_axes.c */
int axes_dim(Lower *w, i64 extent, AxisClass class); /* only before the trial */
void axes_begin(Lower *w);               /* atoms from dimensions and cuts */
LoopAffine axes_coordinate(const Lower *w, int dim);
/* f = q * d + r with 0 <= r < d, if q and r are affine. If not, the trial may cut a dimension so that they will be. */
bool axes_split(Lower *w, LoopAffine f, i64 d, LoopAffine *q, LoopAffine *r);
void axes_group(Lower *w);               /* after the trial */
LoopAffine axes_realise(Lower *w, const LoopAffine *f, i64 *lane);
i64 axes_jump(const Lower *w, const LoopAffine *f); /* what lanes from w->wrap on have more than a row of lanes says; 0: it is one row */
void axes_note(Lower *w, LoopAffine form, bool address, bool store);

/* ---- lower_value.c */
bool affine_equal(const LoopAffine *a, const LoopAffine *b);
Index *index_new(Lower *w, int n);
Index *index_of_dims(Lower *w, int first, int n); /* coordinates of dims first.. */
LoopValue *node_at(Lower *w, const PlanBody *body, const Node *node, const Index *index);
/* An element, or lanes, of a stored value. */
LoopValue *load_at(Lower *w, const PlanValue *value, const Index *index);
LoopValue *number_at(Lower *w, LoopAffine form); /* i32 */
LoopValue *literal_of(Lower *w, Dtype dtype, double value);
void know(Lower *w, const PlanBody *body, const Node *node, const Index *index, LoopValue *value);
LoopAffine row_place(const Lower *w, const Index *index);
int known_mark(const Lower *w);                    /* what is known before a loop or a branch opens, */
void known_forget(Lower *w, int mark);             /* and after it has closed */
void lanes_unify(Lower *w, int n, LoopValue **values); /* all to lanes if one is */
void store_at(Lower *w, const PlanStore *store, const Index *index, LoopValue *value);
/* All stores of the kernel at an index of the results, but for maxima over all: computed first, then written. */
void stores_at(Lower *w, const Index *index);
LoopAffine address_of(const PlanValue *value, const Index *index);
int buffer_of(Lower *w, const PlanValue *value, bool written);

/* ---- lower_view.c: where an element of a view's result comes from in its operand */
LoopValue *view_at(Lower *w, const PlanBody *body, const Node *node, const Index *index);
/* One step down a view that always stays inside its operand and is affine; false: it is no such view. */
bool view_step(Lower *w, const PlanBody **body, const Node **node, const Index **index);

/* ---- lower_nest.c */
typedef void NestBody(Lower *w, void *context);
/* `body` for all elements of the groups of a class; `lanes`: the group that goes 16 at a time, -1: none. */
void nest(Lower *w, AxisClass class, int lanes, bool parallel, NestBody *body, void *context);
/* The same for two groups, `inner` within `outer`, as if they were one, by vectors that run over the end of `inner`; only if nest_may_wrap. */
void nest_wrapped(Lower *w, AxisClass class, int inner, bool parallel, NestBody *body, void *context);
bool nest_may_wrap(const Lower *w, AxisClass class, int inner);
/* The same but for group `inner`, which `body` opens itself. */
void nest_outer(Lower *w, AxisClass class, int inner, bool parallel, NestBody *body, void *context);
/* The same with accumulators through the loops of AXIS_FOLD: `body` changes acc[n]. */
typedef void FoldBody(Lower *w, void *context, LoopValue **acc);
void nest_fold(Lower *w, int lanes, int n, LoopValue **acc, FoldBody *body, void *context);
/* The group whose lanes lie best in memory, -1: none has more than one element. */
int best_lanes(const Lower *w, AxisClass class);
i64 group_stride(const Lower *w, const Form *form, int group); /* elements from an index of the group to the next */
LoopValue *active_mask(Lower *w); /* lanes that count */
LoopValue *only_active(Lower *w, const Node *anchor, LoopValue *x); /* the anchor's identity in lanes that do not count */
LoopValue *lanes_below(Lower *w, int n);

void group_bind(Lower *w, int group, LoopAffine at, bool lanes);
void group_unbind(Lower *w, int group);
/* A loop of `extent` rounds, in parallel tasks of several rounds if asked; n_open loops are open then. Gives the round, *task. */
LoopAffine rounds_open(Lower *w, i64 extent, bool parallel, int n, LoopValue **acc, int *n_open, LoopFor **task);
enum { TASKS = 64 }; /* of a parallel loop, at most: fixed by types, never by the machine */

/* ---- lower_map.c, lower_reduce.c, lower_index.c, lower_rows.c, lower_cols.c: a kernel of each kind: dimensions, trial, loops */
void lower_map(Lower *w);
void lower_reduce(Lower *w);
void lower_rows(Lower *w);
void lower_cols(Lower *w);
void lower_put(Lower *w);
void lower_top(Lower *w);
LoopValue *fold_identity(Lower *w, const Node *node);
/* Of a sum or maximum: an accumulator without elements, with one element x of the node's operand more, and what it says of them. */
LoopValue *fold_begin(Lower *w, const Node *node);
LoopValue *fold_step(Lower *w, const Node *node, LoopValue *acc, LoopValue *x);
LoopValue *fold_end(Lower *w, const Node *node, LoopValue *acc, bool tree); /* tree: over its lanes */
typedef NestBody Trial;
void run_trial(Lower *w, Trial *trial, void *context); /* until it asks for no more cuts; then groups, then the real function begins */

/* ---- lower_tile.c */
typedef struct Operand {
    const PlanValue *value;
    LoopAffine form; /* the element, in atoms */
} Operand;
/* An operand that is a stored value under affine views. */
bool operand_place(Lower *w, const PlanBody *body, const Node *node, const Index *index, Operand *operand);
/* The product with its maps; false: tiles do not fit it, nothing was written. */
bool tile_whole(Lower *w, const Operand operands[2], int n_result);
/* One block of a cut, of `length` elements of cut_dim, into scratch. */
bool tile_block(Lower *w, const Operand operands[2], int n_result, int cut_dim, i64 length, LoopAffine block, bool only_ask);
void partial_store(Lower *w, LoopValue *value); /* lower_reduce.c: at the groups' places */

/* ---- lower_maxima.c: over all elements of what follows a dot (PlanKernel.maxima) */
bool is_maximum(const PlanKernel *kernel, const Node *node);
void maxima_begin(Lower *w);
/* While elements are finished: what is known so far, changed by the elements at an index, kept. acc: [anchors]. */
LoopValue **maxima_load(Lower *w);
void maxima_take(Lower *w, LoopValue **acc, const Index *index);
void maxima_keep(Lower *w, LoopValue *const *acc);
void maxima_end(Lower *w); /* stores them, when all is done */

/* ---- lower_columns.c */
void columns_open(Lower *w, int group);
void columns_close(Lower *w);
LoopValue *columns_load(Lower *w, int buffer, LoopAffine form, LoopElem elem); /* NULL: it is no column */
bool columns_store(Lower *w, int buffer, LoopAffine form, LoopValue *value);   /* false: it is none */

/* ---- lower_hoist.c */
void loop_hoist(LoopFunction *f, Arena *arena);
#endif

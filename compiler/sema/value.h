/* value.h: what an expression of the page is worth while nnc evaluates it: an IR node with everything known about it.
**
** MAPPED AXES. The evaluation keeps a stack of frames (Context.frames): bit i of `frames` says that the value has the
*frame
** at depth i as an axis. A node's axes are its frames, outermost (lowest bit) first, then the visible ones. A call with
*axes
** left over pushes frames that name those leading visible axes: the node stays as it is.
**
** NODES. `node` is NULL in abstract evaluation (Eval.nodes is false, or an operand was abstract): then only types are
** found. It is also NULL for a number known when compiling until value_node() asks for it. Operators therefore find the
** type first and build only if all operands have nodes.
**
** Values never change once made. Everything lives in the compilation's arena. A value with an error is `poison`:
*whoever
** meets it gives poison back and says nothing. */
#ifndef NNC_SEMA_VALUE_H
#define NNC_SEMA_VALUE_H
#include "../ast/ast.h"
#include "../base/map.h"
#include "../base/vec.h"
#include "../ir/build.h"

enum { RANK_LIMIT = 12, FRAME_LIMIT = 24 };
#define OPEN                                                                                                           \
    (INT64_MIN / 2) /* a dimension (or k of a class, or a known int made of them) that a signature leaves open */

typedef struct Eval Eval;
typedef struct Value Value;
typedef struct Scope Scope;
typedef struct Binding Binding;
typedef struct Function Function;
typedef struct Builtin Builtin;
typedef struct Slot Slot;
typedef struct Deps Deps;
typedef struct DataSet DataSet; /* data.c */
typedef struct Context Context;
/* A `hyper` of the page. Once something needs its number while compiling it is fixed: no flag of the program any more.
 */
typedef struct Hyper {
    const char *name;
    bool fixed;
    Span fixed_by;
    void *declaration; /* hyper.c */
} Hyper;
typedef struct HyperSet {
    Hyper *hyper;
    const struct HyperSet *rest;
} HyperSet;
typedef u32 Frames;

typedef enum ElementKind { ELEMENT_REAL, ELEMENT_INT, ELEMENT_BOOL, ELEMENT_CLASS } ElementKind;
typedef struct Element {
    ElementKind kind;
    i64 classes; /* of a class: k, OPEN if unknown */
    int n_names; /* class("yes", "no") */
    const char *const *names;
} Element;
typedef struct Shape {
    int rank;
    u32 stretch; /* bit i: axis i has length 1 and stretches */
    i64 dims[RANK_LIMIT];
} Shape;
/* A number known when compiling, or a list of them. Integers are exact in a double: dimensions are below 2^47. */
typedef struct Known {
    bool list, range; /* range: the list is low, low+1, .. and `v` is NULL */
    i64 n;            /* 1 for a number */
    i64 low;
    const double *v;
    const HyperSet
        *hypers; /* known only if these hypers are fixed (then the value has a node too); NULL: in any case */
} Known;
/* The bindings a value was computed from, of those that some `grad` names: a DAG of unions, never flattened on the way.
 */
struct Deps {
    u32 serial;        /* of the youngest binding in it */
    const Deps *a, *b; /* a union; both NULL: a leaf */
    const Deps *inner; /* leaf for what a loop carries: what the carried value depends on */
    bool carried;
};
typedef enum ValueKind {
    VALUE_POISON,
    VALUE_TENSOR,
    VALUE_RECORD,
    VALUE_TUPLE,
    VALUE_FUNCTION,
    VALUE_STRING,
    VALUE_DATA,
    VALUE_NONE
} ValueKind;
struct Value {
    ValueKind kind;
    /* tensor */
    Element element;
    Shape shape;        /* visible */
    Frames frames;      /* mapped axes it has */
    Frames coupled;     /* frames across which it looked */
    const Known *known; /* NULL: not known */
    Node *node;
    const Deps *deps;
    bool open;     /* int: made of open dimensions, so known but for now */
    bool averaged; /* in a report: made from average(..) */
    /* record: leaves in order, names are paths ("dense.weight"); tuple: parts */
    int n;
    const char *const *names;
    Value *const *items;
    const Function *function; /* function */
    const char *text;         /* string */
    DataSet *data;
};
struct Function {
    FunctionWhat what;
    const char *name;
    const Ast *ast;         /* AST_function; NULL for a primitive */
    Scope *scope;           /* what its body sees beside its own names */
    const Builtin *builtin; /* a primitive given as an argument */
};

/* ---- elements and types (types.c) ---- */
Element element_real(void);
Element element_int(void);
Element element_bool(void);
Element element_class(i64 classes);
bool element_equal(Element a, Element b);
Dtype element_dtype(const Eval *e, Element element);
const char *element_text(Eval *e, Element element);                  /* "class(10)", "real" */
const char *shape_text(Eval *e, const Shape *shape);                 /* "[28, 28, 1]" */
const char *type_text(Eval *e, Element element, const Shape *shape); /* "class(65)[50]", "[10]", "int" */
const char *value_text(Eval *e, const Value *v); /* for messages: "[10]", "a record", "the function relu" */

/* ---- making values (value.c) ---- */
Value *value_poison(Eval *e);
Value *value_none(Eval *e); /* of a block that ends without an expression */
Value *value_tensor(Eval *e, Element element, const Shape *shape, Frames frames, Node *node);
Value *value_copy(Eval *e, const Value *v); /* to change before it is used */
Value *value_known(Eval *e, Element element, double number);
Value *value_int(Eval *e, i64 number);
Value *value_real(Eval *e, double number);
Value *value_bool(Eval *e, bool truth);
Value *value_open(Eval *e);                                          /* an int that an open dimension stands for */
Value *value_list(Eval *e, Element element, i64 n, const double *v); /* v is kept */
Value *value_range(Eval *e, i64 low, i64 high);
Value *value_record(Eval *e, int n, const char *const *names, Value *const *leaves);
Value *value_tuple(Eval *e, int n, Value *const *parts);
Value *value_function(Eval *e, const Function *function);
Value *value_string(Eval *e, const char *text);
Value *value_data(Eval *e, DataSet *data);
bool value_is_poison(const Value *v); /* also if a part is */
int value_leaves(const Value *v);     /* 1 for a tensor */
Value *value_leaf(const Value *v, int i);
const char *value_leaf_name(const Value *v, int i); /* "" for a tensor */
/* The same structure with other leaves (of a tensor: leaves[0]). */
Value *value_with_leaves(Eval *e, const Value *like, Value *const *leaves);
typedef Value *ValueMap(Eval *e, Value *leaf, void *context);
Value *value_map(Eval *e, Value *v, ValueMap *map, void *context); /* leaf by leaf, also through tuples */

Shape shape_scalar(void);
Shape shape_of(int rank, const i64 *dims);
bool shape_equal(const Shape *a, const Shape *b); /* OPEN equals anything */
bool shape_closed(const Shape *shape);            /* no OPEN */
i64 shape_count(const Shape *shape);              /* OPEN if any is, or if it does not fit */
static inline bool dim_equal(i64 a, i64 b) { return a == OPEN || b == OPEN || a == b; }

/* ---- known numbers (known.c) ---- */
bool known_number(const Value *v,
                  double *number); /* one number known in any case: not by hypers that may still be flags */
bool peek_number(const Value *v,
                 double *number); /* also if that hangs on hypers; for types only, it does not fix them */
double known_item(const Known *known, i64 i);
const HyperSet *hypers_join(Eval *e, const HyperSet *a, const HyperSet *b);
Value *known_with_hypers(Eval *e, Value *v,
                         const HyperSet *hypers); /* v's known numbers hold only if these are fixed */
/* What must be known, asked for by the page at `span`: fixes the hypers it was made of; an error (false) if it is not
*known.
** `what` completes "... must be known when compiling". need_int gives OPEN for open dimensions. */
bool need_number(Eval *e, const Context *c, const Value *v, Span span, const char *what, double *number);
bool need_int(Eval *e, const Context *c, const Value *v, Span span, const char *what, i64 *number);
bool need_bool(Eval *e, const Context *c, const Value *v, Span span, const char *what, bool *truth);
bool need_ints(Eval *e, const Context *c, const Value *v, Span span, const char *what, int *n, i64 *out,
               int most); /* a number or a list */

/* ---- dependence (value.c) ---- */
const Deps *deps_leaf(Eval *e);
const Deps *deps_carried(Eval *e, const Deps *inner);
const Deps *deps_join(Eval *e, const Deps *a, const Deps *b);
typedef enum Reach {
    REACH_NONE,
    REACH_DIRECT,
    REACH_CARRIED
} Reach; /* carried: also through what a younger loop carries */
Reach deps_reach(const Deps *deps, const Deps *leaf);
/* The leaves older than `below`, through what loops carry too, and how many they are. */
const Deps *deps_older(Eval *e, const Deps *deps, u32 below, int *count);

/* ---- nodes (node.c) ---- */
/* The value's node with axes [its frames, visible]; makes constants of known numbers. NULL when abstract. */
Node *value_node(Eval *e, Value *v);
/* As a value with frames `frames` (a superset of its own) and visible shape `shape` (lined up from the right), in
 * `element`. */
Node *value_spread(Eval *e, const Context *c, Value *v, Frames frames, const Shape *shape, Element element);
Node *node_cast(Eval *e, Node *node, Dtype dtype); /* NULL stays NULL; also below */
/* Moves axes: axis i of the result is axis perm[i]. */
Node *node_transpose(Eval *e, Node *node, const int *perm);
int frames_count(Frames frames);
int frames_place(Frames frames, int bit); /* which axis of the node frame `bit` is */
/* A copy without its known numbers (they become a node). */
Value *value_forget(Eval *e, Value *v);
#endif

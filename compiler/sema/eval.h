/* eval.h: the evaluation of a page on abstract values: contexts, names, what lasts, and what the parts of sema ask each
 *other.
 **
 ** Each block (of a `train`, twice: training and not; of a `predict`) is evaluated until nothing more is learnt
 *(abstractly:
 ** types, errors, hypers that must be known, bindings to widen for a per-example gradient, states that turn out real),
 *then
 ** once with nodes. eval_abstract(), eval_concrete() do that. All user errors appear in the abstract rounds; the last
 *one builds IR. */
#ifndef NNC_SEMA_EVAL_H
#define NNC_SEMA_EVAL_H
#include "sema.h"
#include "value.h"

/* ---- frames ---- */
typedef enum FrameKind { FRAME_EXAMPLE, FRAME_MAPPED, FRAME_FILL, FRAME_ROUND } FrameKind;
typedef struct Frame {
    FrameKind kind;
    i64 n;            /* length; OPEN while a model is evaluated on its signature */
    const char *what; /* "example", the function called */
    Span span;
    Node *round; /* FRAME_ROUND (never an axis of a value): index of the round, a hole of the loop; NULL: abstract */
    bool used;   /* FRAME_ROUND: a draw reads it */
} Frame;

/* ---- contexts ---- */
typedef enum Role {
    ROLE_PARAM,
    ROLE_MODEL_STATE,
    ROLE_BLOCK_STATE,
    ROLE_OPTIMIZER_STATE,
    ROLE_CARRY,
    ROLE_LOOP
} Role; /* to ROLE_CARRY as NN_PARAM.. */
typedef enum Where {
    WHERE_TOP,    /* the top of a file: hypers, initial values */
    WHERE_PARAMS, /* a model on its signature */
    WHERE_DATA,
    WHERE_TRAIN,
    WHERE_REPORT,
    WHERE_PREDICT,
    WHERE_OPTIMIZER
} Where;
/* What an entry function is given beside slots and columns: holes, each made at its first use by input_hole(); the
 *entry binds
 ** those that its results reach. */
typedef enum InputKind {
    INPUT_KEY,
    INPUT_STEP,
    INPUT_EPOCH,
    INPUT_PROGRESS,
    INPUT_DRAW_STEP,
    INPUT_DATA_STEP,
    INPUT_ROW,
    INPUT_FRESH,
    INPUT_VALID,
    INPUT_KINDS
} InputKind;
typedef struct Inputs {
    i64 rows; /* b of ROW and FRESH */
    Node *hole[INPUT_KINDS];
} Inputs;
typedef struct Counters Counters; /* how often each name was used at one place: "dense", "dense_2" */
typedef struct Chain Chain;       /* the calls that lead here, for messages */
struct Context {
    int n_frames;
    Frame *frames[FRAME_LIMIT];
    int batch_from;        /* batch_mean looks across frames[batch_from..] */
    const Function *model; /* the innermost model being called, NULL outside */
    const char *owner;     /* of what lasts: the model's name, or the train block's */
    const char *path;      /* of what lasts, within its owner: "dense_2", "" */
    const char *site;      /* of draws: "mlp.mlp.dense_2" */
    Counters *counters;
    const Chain *chain;
    Value *theta;          /* net(x; theta): parameters instead of the model's own; NULL */
    struct Model *collect; /* WHERE_PARAMS: what is found */
    bool training;
    bool top; /* directly in a train or predict block (also in its `if` and `repeat`) */
    Where where;
    int scans;                          /* loops around this */
    const struct Model *const *trained; /* the models a train block updates; others run as in prediction */
    int n_trained;
    bool all_trained;    /* no list: `training` is for all */
    bool streams;        /* a carry may stand here */
    Inputs *inputs;      /* NULL: no draws but initial values */
    const char *initial; /* an initial value is computed: the full path of what lasts; draws come from it */
    bool at_init;      /* .. of a parameter or a model's state: other slots are worth their initial values, no data, no
                          training */
    Role state_role;   /* WHERE_OPTIMIZER: what its states are: ROLE_OPTIMIZER_STATE, ROLE_LOOP or ROLE_CARRY */
    int state_carrier; /* ROLE_LOOP: loops deeper than this carry them: the `scans` of the binding minimized on */
    int *ordinal;      /* of its draws */
    const struct TypeValue *declared; /* of the binding being computed, for readers of data files */
    void *block;                      /* train.c, predict.c, data.c: their own */
    const char
        *train; /* name of the train or predict block, no model's name: owner of carries, block and optimizer states */
};
struct Chain {
    const Chain *up;
    const char *name;
    Span span; /* of the call */
};

/* ---- names ---- */
struct Binding {
    const char *name;
    Value *value;
    Span span;
    Value *(*resolve)(Eval *e, Binding *b,
                      const Context *c); /* if set, gives the value at each use (hyper, data, params at the top) */
    void *declaration;                   /* of resolve */
    const Deps *leaf; /* the variable that grads name; NULL: none named it yet; then the leaves' nodes are marks */
    Frames reach;     /* frames around it: it may be widened to these */
    u64 place;        /* names it over evaluations */
    int scans;        /* loops around the first binding of this name here: those further inside carry it */
    const struct Group *group; /* a param at the top of a file, or what a `param` line bound: its slots; NULL */
    bool failed;               /* resolve told its error */
    bool carry;                /* declared by `carry`, or bound again since */
    u32 uses;
};
typedef struct ScopeEntry {
    const char *name;
    Binding *binding;         /* the latest, of any kind */
    const Function *function; /* the latest function of this name */
} ScopeEntry;
typedef struct Memo Memo;
typedef struct Owned Owned;
struct Scope {
    Scope *parent;
    bool loop; /* of a loop's body: names of the parent may be bound again and are then carried */
    Map map;   /* name -> index + 1 */
    VEC(ScopeEntry) entries;
    VEC(Memo *) memos;  /* calls of models made here: the same call is one */
    VEC(Owned *) owned; /* states and carries declared here, written back when the block ends */
    bool owns;          /* of a function or a block of its own: `owned` is kept here; loops keep theirs too */
};
/* What grads asked of a binding in the evaluations before. */
typedef struct Wanted {
    Frames frames;
} Wanted;
u64 place_hash(const char *site, const char *name, int count);
Value *value_mark(Eval *e, const Context *c, Value *v, Frames wide, const Deps *leaf); /* one leaf of such a binding */
Scope *scope_new(Eval *e, Scope *parent, bool loop);
Scope *scope_capture(Eval *e, Scope *scope); /* as it is now, for a nested def, or for a report computed later */
/* Calls of models made in `from` so far are the same calls in `to`, a capture of it: for reports computed when the
 * block has ended. */
void scope_share_calls(Scope *to, const Scope *from);
Binding *scope_find(const Scope *scope, const char *name);
const Function *scope_find_function(const Scope *scope, const char *name);
Binding *scope_find_here(const Scope *scope, const char *name); /* in this block, loops inside it included */
void scope_declare(Eval *e, Scope *scope, Binding *binding);    /* a value */
void scope_declare_function(Eval *e, Scope *scope, const Function *function, Span span);
/* Binds a value. If some grad named this binding in the evaluation before, its nodes are marks, widened as asked. */
Binding *bind(Eval *e, const Context *c, Scope *scope, const char *name, Value *value, Span span);
Value *binding_value(Eval *e, const Context *c, Binding *b);
/* A message for a name that is not there, with a did-you-mean of what is visible. */
typedef enum NameKind { NAME_ANY, NAME_FUNCTION, NAME_OPTIMIZER, NAME_MODEL, NAME_DATA } NameKind;
Value *unknown_name(Eval *e, const Context *c, const Scope *scope, Name name, NameKind kind);

/* ---- what lasts ---- */
struct Slot {
    Role role;
    const char *owner, *path; /* "mlp", "dense.weight"; unique together */
    const Function *model;    /* of a param or model state; NULL */
    Span span;
    Element element;
    Shape shape;   /* visible */
    Frames frames; /* carry: the axes in front (bits of the context it was made in); others: 0 */
    int n_lead;
    i64 lead[FRAME_LIMIT]; /* carry: lengths of the axes in front, examples first */
    Node *initial; /* params, model states: reads INPUT_KEY of Eval.init only. Block and optimizer states: of the
                      block's start (may read slots' `in`). carry: NULL, its `in` is already selected with fresh */
    Node *in;      /* hole: the value as the step begins */
    Value *first;  /* as a value, marked; made anew in each evaluation */
    Value *shared; /* the same before it was widened: what a minimize takes gradients by */
    Value *now;    /* what the next reader gets; after the block: what lasts */
    const Deps *leaf;
    Frames widen;       /* asked for by grads per example, in any block */
    bool read, written; /* in this evaluation; `written`: since a loop around last looked */
    Frames pending_frames;
    Node *pending;  /* ROLE_LOOP, ROLE_CARRY first met inside a loop: its beginning, in terms of that loop's round */
    bool collected; /* its model has it in its list */
    bool in_loop;   /* `now` is what a round of a loop begins with */
    int carrier;    /* ROLE_LOOP: loops deeper than this carry it */
};
/* What one declaration made: a slot for each leaf of its value. */
typedef struct Group {
    const char *owner, *path;
    int n;
    const char *const *names; /* of the leaves; [1] is "" for a tensor */
    Slot **slots;
    bool record;
} Group;
Group *group_find(const Eval *e, const char *owner, const char *path);
/* Makes the slots; `v` gives elements, shapes, names. Its frames are kept for carries. */
Group *group_new(Eval *e, const Context *c, Role role, const char *owner, const char *path, const Value *v, Span span);
Value *group_value(Eval *e, const Context *c, const Group *g); /* as slot_value */
typedef struct Slots {
    Slot **v;
    int n, cap;
} Slots; /* Eval.slots: all, in the order of finding */
Slot *slot_find(const Eval *e, const char *owner, const char *path);
Node *slot_in(Eval *e, Slot *s);                             /* its hole */
Value *slot_value(Eval *e, const Context *c, Slot *s);       /* what a reader gets now */
void slot_set(Eval *e, const Context *c, Slot *s, Value *v); /* from here on */
/* All slots' `now` at once: reports look at the step's beginning and change nothing. */
typedef struct SlotState SlotState;
SlotState *slots_save(Eval *e);
void slots_restore(Eval *e, const SlotState *state);
Value *slots_saved_now(const SlotState *state, int i); /* of the i-th slot; NULL: not read by then */
Value *slot_first(Eval *e, const Context *c, Slot *s); /* as the step begins */
void slots_rewind(Eval *e);                            /* to what the step began with */

void declare_top_param(Eval *e, Scope *file,
                       const Ast *lasting); /* a param of a file: Binding.group once it was used */

/* A model as found on its signature: its parameters, those of the models it calls included. */
typedef struct Model {
    const Function *function;
    VEC(const char *) names; /* "dense.weight", "inner.dense.weight" */
    VEC(Slot *) slots;
    VEC(struct Model *) calls; /* models it calls, directly or not */
    Value *result;             /* abstract, of the evaluation on the signature */
    bool done, failed;
} Model;
Model *model_of(Eval *e, const Function *function);       /* evaluated at its first use */
Value *model_params(Eval *e, const Context *c, Model *m); /* the record of its parameters as they are now */

/* ---- types as written ---- */
typedef struct TypeValue {
    Element element;
    Shape shape;
    Span span;
} TypeValue;
/* A type all of whose dimensions are bound. False after an error. */
bool type_value(Eval *e, const Context *c, Scope *scope, const Ast *type, TypeValue *result);
/* Errors unless v's element may stand where `want` is needed; the result is v in that element. */
Value *value_fit(Eval *e, const Context *c, Value *v, Element want, Span span, const char *what);
Value *value_fit_declared(Eval *e, const Context *c, Value *v, Element want, Span span, const char *what,
                          Span declared);

/* ---- files ---- */
void file_declare(Eval *e, Scope *scope, const Ast *program); /* its functions and params; a clash is an error */
bool file_name_free(Eval *e, const Scope *scope, Name name);  /* an error if the name is declared there already */
Scope *library_scope(Eval *e);

/* ---- evaluation ---- */
struct Eval {
    Compilation *c;
    Arena *arena;
    Graph *graph;
    const SemaOptions *options;
    Dtype real;
    bool nodes; /* build IR; otherwise abstract */
    bool again; /* something was learnt: evaluate the block anew */
    bool limit_told;
    u64 draws; /* made so far: an expression that draws is evaluated anew for each index of a typed binding */
    Slots slots;
    Map models; /* AST_function -> Model */
    VEC(Model *) model_list;
    Map wanted;      /* place of a binding -> Wanted: named by some grad, widened for it */
    Map draw_places; /* 32-bit place -> path */
    Map draw_paths;  /* path -> place + 1 */
    Map slot_map;    /* owner.path -> Slot */
    Map group_map;   /* owner.path of what was declared -> its leaves' slots */
    Inputs init;     /* of the `init` function: INPUT_KEY only */
    Scope *library;
    u32 serial;     /* of deps */
    u32 version;    /* of the parameters: a minimize over parameters raises it */
    i64 expansions; /* of repeat */
    u32 visit;
    bool reporting;                /* a report is computed: its calls of models are no one else's */
    VEC(const Function *) calling; /* functions being called, for recursion */
    void (*batch_seen)(Eval *e, const Context *c, Span span, Frames across); /* --explain-batch; NULL */
    void *page; /* page.c: everything of the program being built */
};
Eval *eval_new(Compilation *c, const SemaOptions *options);

/* The value of an expression, of a block (its last line). Poison after an error, never NULL. */
Value *eval_expression(Eval *e, const Context *c, Scope *scope, const Ast *expression);
Value *eval_block(Eval *e, const Context *c, Scope *scope, const Ast *block);
void eval_statement(Eval *e, const Context *c, Scope *scope, const Ast *statement);
/* Writes back the states and carries declared in `scope` (at the end of a block that opened it). */
void scope_finish(Eval *e, const Context *c, Scope *scope);
/* `run` evaluates a block, or all of them, from the beginning. Abstractly until nothing more is learnt; false after
 *errors.
 ** Then, when every block of the page has been evaluated so, once with nodes. */
typedef void EvalRun(Eval *e, void *context);
bool eval_abstract(Eval *e, EvalRun *run, void *context);
bool eval_concrete(Eval *e, EvalRun *run, void *context);
void eval_begin(Eval *e); /* before each evaluation of one block: slots are what they are as a step begins */

/* Calls. `arguments` and `settings` (names, may be NULL) are values already. */
typedef struct Arguments {
    int n;
    Value **v;
    const char **names; /* NULL: by position; these come first */
    Span *spans;
} Arguments;
bool eval_arguments(Eval *e, const Context *c, Scope *scope, const AstList *list, Value *first, Span first_span,
                    Arguments *result);
/* `component` names the call in paths: "dense_2", from counters_name() before the arguments are evaluated. */
Value *call_function(Eval *e, const Context *c, const Function *f, const Arguments *arguments, Value *theta,
                     const char *component, Span span);
Value *grad_expression(Eval *e, const Context *c, Scope *scope, const Ast *call);
/* The gradient of y by a binding (a name of the page; `what` names it), as grad(y, x) would give it; the same by slots
 *(leaves
 ** of parameters in `x`, a value whose leaves are theirs). */
Value *gradient_by_binding(Eval *e, const Context *c, Value *y, Binding *b, Span span);
Value *gradient_by_slots(Eval *e, const Context *c, Value *y, Value *x, Slot *const *slots, int n, Span span,
                         const char *what);

/* Statements of train blocks, in train.c and minimize.c. */
void minimize_statement(Eval *e, const Context *c, Scope *scope, const Ast *statement);
void report_statement(Eval *e, const Context *c, Scope *scope, const Ast *statement);
void report_misplaced(Eval *e, const Context *c, const Ast *statement); /* its error */

/* Parts of them (inner.c). minimize_inner: all of `minimize E by O on theta`, theta bound in the block
 *(scope_find_here).
 ** optimizer_call: O on weights and gradient in a context made for it (WHERE_OPTIMIZER, state_role; for parameters
 *without
 ** frames); poison unless the result is like the weights. */
Value *minimize_objective(Eval *e, const Context *c, Scope *scope, const Ast *objective);
const Function *minimize_optimizer(Eval *e, const Context *c, Scope *scope, const Ast *call); /* NULL after an error */
Value *optimizer_call(Eval *e, const Context *c, Scope *scope, const Function *f, const Ast *call, Value *weights,
                      Value *gradient, const char *component);
/* The same with arguments that are values already. */
Value *optimizer_apply(Eval *e, const Context *c, const Function *f, const Ast *call, const Arguments *own, Value *weights,
                       Value *gradient, const char *component);
void minimize_inner(Eval *e, const Context *c, Scope *scope, const Ast *statement);

/* Entries and inputs. */
Node *input_hole(Eval *e, Inputs *inputs, InputKind kind);
Context context_top(Eval *e);
/* Pushes a frame; the error of a page that maps too deep gives false. */
bool context_push(Eval *e, Context *c, FrameKind kind, i64 n, const char *what, Span span);
Counters *counters_new(Eval *e);
Counters *counters_copy(Eval *e, const Counters *counters);
void counters_restore(Counters *counters, const Counters *from);
const char *counters_name(Eval *e, Counters *counters, const char *name); /* "dense", then "dense_2", .. */
int counters_count(Eval *e, Counters *counters, const char *name);        /* 1 for its first use */
const char *path_join(Eval *e, const char *path, const char *name);

/* In evaluations: which rows count, bool[b]; NULL when all do. */
Node *valid_rows(Eval *e, const Context *c);
/* The sum over the examples (frame 0) of a per-example value, other frames (none expected) kept: for losses and
 *reports.
 ** In evaluations rows from INPUT_VALID on count 0. */
Node *sum_over_examples(Eval *e, const Context *c, Value *v);

/* Errors: with the chain of calls; a place in the library becomes the user's call. */
Message *sema_error(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
Value *sema_poison(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
Message *sema_warning(Eval *e, const Context *c, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Tells a met limit of the graph (once). */
void limit_check(Eval *e, const Context *c, Span span);

/* ---- primitives: rows of builtin.def ---- */
typedef struct BuiltinCall {
    const Builtin *builtin;
    const Context *c;
    Span span; /* of the call */
    int n;     /* positional arguments */
    Value **v;
    Span *spans;
    Value **named; /* by the row's settings, in its order; NULL: not given */
    Span *named_spans;
} BuiltinCall;
typedef Value *BuiltinHandler(Eval *e, const BuiltinCall *call);
struct Builtin {
    const char *name;
    int least, most;       /* positional arguments; most -1: any number */
    const char *settings;  /* "axis keep" */
    const char *signature; /* for messages and the reference */
    BuiltinHandler *handler;
};
const Builtin *builtin_find(const Eval *e, const char *name);
int builtin_count(void);
const Builtin *builtin_at(int i);
/* Elementwise of primitives and operators: lines up frames and axes; records leaf by leaf. */
typedef Node *NodeBuild(Eval *e, Node *const *nodes, void *context);
Value *elementwise(Eval *e, const Context *c, Span span, int n, Value **values, const Span *spans, Element operand,
                   Element result, NodeBuild *build, void *context);
/* The operators as functions, on finished values. */
Value *operate(Eval *e, const Context *c, Span span, Operator op, Value *a, Value *b);
#endif

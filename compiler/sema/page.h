/* page.h: everything of the program being built, shared by the files that make it: page.c (order of things),
** file_load.c (imports), hyper.c, data.c and data_source.c (data sets), train.c, minimize.c, report.c (a train
** block), predict.c, entry.c (functions of the program), table.c (the table for the runtime), warning.c.
**
** A block is evaluated in passes: a train block once for each function it gives (Pass). A pass leaves nodes; when
** every block has been evaluated, entry.c closes them into functions: each hole that they reach becomes an argument,
** whose place is known from Page.places. Columns, row numbers and the call's own numbers are holes of the block's
** Use of its data. */
#ifndef NNC_SEMA_PAGE_H
#define NNC_SEMA_PAGE_H
#include "call.h"

typedef struct Page Page;
typedef struct Train Train;
static inline Page *page_of(const Eval *e) { return e->page; }

/* ---- files ---- */
typedef struct File {
    const char *path, *folder; /* folder: where its relative paths begin */
    const Source *source;
    Ast *program;
    Scope *scope;
    bool loading;
} File;
File *file_load(Eval *e, const Source *source, Ast *program,
                const char *folder); /* with its imports and declarations */

/* ---- hypers (hyper.c) ---- */
typedef struct HyperDeclaration {
    Hyper hyper;
    const Ast *ast;
    Scope *scope;
    bool done, failed, finding;
    Value *value; /* known: the default, or -D's */
    double low, high;
    Node *hole;
    i64 offset; /* in the block of hypers; -1: fixed */
} HyperDeclaration;
void hyper_declare(Eval *e, Scope *scope, const Ast *ast);
void hypers_check(Eval *e);                               /* each once, used or not; unknown -D's */
Node *hyper_constant(Eval *e, const HyperDeclaration *h); /* of a fixed one whose hole is left somewhere */

/* ---- data (data.c, data_source.c, data_reader.c, data_window.c, data_made.c) ---- */
typedef struct Column {
    const char *field, *reader;
    int n_names;
    const char *const *names;
    i64 low, high;
    Element element;
    Shape shape;       /* of a row, without the window */
    i64 window, shift; /* as in abi.def; 0: no window */
    int base, column;  /* reader "base" */
    Dtype dtype;       /* as stored in the batch */
    bool may_be_u8;
    Span span;         /* of the field's line */
} Column;
typedef struct Average {
    const char *key; /* its path in the block */
    int index;
    Shape shape;
    Node *hole; /* of the block of averages */
    Node *sum;  /* concrete: of the first `valid` rows of a piece */
    i64 offset;
} Average;
typedef struct Field {
    Name name;
    Value *value; /* of the latest evaluation */
    int column;   /* of classes that it is, alone; -1 */
} Field;
/* b rows of a data set, as the functions of one block see them. */
typedef struct Use {
    DataSet *set;
    i64 rows;
    Frame *example;
    Inputs inputs;
    Node **columns; /* holes [b, ..], by column; NULL: not read */
    int n_columns;
    bool training;
    nn_feed feed; /* after use_layout */
} Use;
struct DataSet {
    const char *name, *kind;
    const Ast *ast;
    const File *file;
    int index; /* in the table; -1: not yet */
    bool opened, failed;
    const char *files[3]; /* csv: all or training, validation, test; "" */
    bool has_source;
    int n_bases; /* a set made of sets */
    DataSet **bases;
    int n_numbers;
    i64 numbers[4];    /* as in abi.def */
    const char *label; /* few_shot, sequence, pairs: the base's field of classes, once found; */
    int classes;       /* its column; -1 */
    bool windows;      /* a field is a window */
    double validate, test;
    i64 every;         /* rows between windows; 0: not said */
    VEC(Column *) columns;
    VEC(Average *) averages;
    VEC(Field) fields;
    Use pieces; /* of 256 rows, for averages */
};
enum { PIECE_ROWS = 256, PREDICT_ROWS = 32 };
void data_declare(Eval *e, File *file, const Ast *ast);
DataSet *data_find(Eval *e, const Scope *scope, Name name); /* NULL after an error */
Context use_context(Eval *e, Use *use, const char *site);   /* of a block over its rows */
/* Binds the fields in `scope`, as if on its first line; false after errors. */
bool data_fields(Eval *e, const Context *c, Use *use, Scope *scope);
void data_averages(Eval *e, DataSet *set); /* evaluates it for its averages, if it has some */
bool data_endless(const DataSet *set);
bool data_open(Eval *e, DataSet *set); /* its source and settings, once */
/* What an average() is worth inside a data block; data_reader.c's readers ask for the declared type of their line. */
Value *data_average(Eval *e, const BuiltinCall *call);
bool data_settings(Eval *e, DataSet *set, const AstList *settings);
bool data_source(Eval *e, DataSet *set);
bool data_is_made(const DataSet *set); /* by its source, opened or not */
bool made_source(Eval *e, DataSet *set, const Ast *source);
/* Which rows of which base the lines of a base stand for: rows low .. low + count of an example's list, by `dims`. */
typedef struct BaseRows {
    int base, rank;
    i64 low, count, dims[2];
} BaseRows;
typedef struct DataRun { /* Context.block where WHERE_DATA */
    Use *use;
    DataSet *set;         /* whose lines are evaluated: that of `use`, or one of its bases */
    const BaseRows *rows; /* of a base; NULL: the set's own */
    Frames frames;        /* that a column has: example, those of `rows`, of a window */
    int depth;            /* frames around a line */
    const char *site;     /* of a line */
    const Ast *line;      /* the statement that is evaluated */
    Span whole;           /* of the expression that is all of the line; a reader there is of the declared type */
    i64 window, shift;    /* inside of window(..); 0: not */
    bool collect;         /* sums of averages are wanted */
    bool averaged;        /* average(..) was met */
} DataRun;
/* The lines of run->set's block, each name bound in `inner`, in a context c of data. */
void data_lines(Eval *e, const Context *c, DataRun *run, Scope *inner);
void made_lines(Eval *e, const Context *c, DataRun *run, Scope *inner); /* the fields of a set made of sets */
void names_bind(Eval *e, DataRun *run, Scope *inner);                   /* char, word, picture, folder of its source */
Value *column_value(Eval *e, DataRun *run, Column column, Span span);
/* Column `i` of the batch's set, a hole [rows, window?, dims..]; columns are found once. */
int column_find(Eval *e, DataSet *set, const Column *column);
bool reader_in_data(Eval *e, const Context *c, Span span, const char *name);
bool reader_in_csv(Eval *e, const Context *c, Span span, const char *name);
Node *use_column(Eval *e, Use *use, int column);

/* ---- a train block (train.c, minimize.c, report.c) ---- */
enum { MINIMIZES = 8, MINIMIZE_SETS = 8 };
typedef struct Objective {
    const Ast *ast;
    int occurrence; /* of the line in one evaluation: rounds of a `repeat` */
    int index;
    const char *name, *path; /* "loss_2", "2.adam" */
    i64 every;
    VEC(Slot *) slots; /* that it changes, by name */
    bool failed;
} Objective;
/* One number or array to be summed over the rows. */
typedef struct Summand {
    Shape shape;
    Node *hole;  /* of an average(..) in a report: what it is worth when the report is shown */
    i64 element; /* first of the sums */
} Summand;
typedef struct Report {
    const Ast *ast;
    int occurrence, index;
    const char *name;
    Shape shape;
    bool averaged;         /* computed from averages by `show` */
    VEC(Summand) summands; /* one, if not */
    Node *show;
    i64 shown; /* first element of what `show` writes */
    int n_classes;
    const char *const *classes;
    bool forward; /* it alone needs a product in training: a warning */
} Report;
typedef enum PassKind { PASS_STEP, PASS_EVAL, PASS_SUM, PASS_APPLY, PASS_GRADIENTS } PassKind;
typedef struct Pass {
    Train *train;
    PassKind kind;
    u32 active; /* minimizes that act: bit by index */
    Inputs *inputs;
    Frame *example;
    u32 version;          /* of the parameters, as the step begins */
    VEC(const Ast *) met; /* minimizes and reports so far: occurrences */
    int n_objectives, n_reports;
    Node *objectives[MINIMIZES]; /* sums over the rows; NULL: not computed */
    VEC(Node **) sums;           /* by report, by summand; NULL */
    VEC(Node *) shows;
    Node **gradients[MINIMIZES]; /* by slot of the objective */
    Node **seconds[MINIMIZES];
    Node *means[MINIMIZES];
    Node *largest;         /* of losses and gradients by absolute value; NULL: none yet */
    VEC(Slot *) versioned; /* parameters and each of their values, as marks: what gradients are by */
    VEC(Node *) versions;
    VEC(Slot *) changed; /* what lasts and has another value at the end */
    VEC(Node *) ends;
    int report; /* being evaluated; -1 */
    int summand;
} Pass;
struct Train {
    const Ast *ast;
    const File *file;
    const char *name, *owner; /* owner: of its states, no model's name */
    Use use;
    bool failed, all;
    i64 epochs, steps, patience, hold; /* 0: not said */
    bool stream;
    const Ast *best;
    const char *start_file;
    VEC(Model *) models;
    VEC(const char *) names; /* of what it trains, as written */
    VEC(Slot *) slots;       /* of all it trains */
    VEC(Objective *) objectives;
    VEC(Report *) reports;
    VEC(Pass *) passes;
    VEC(Slot *) states;   /* block and optimizer states and carries that its steps read or write */
    Node *count;          /* hole: rows of the whole step (batch=all) */
    Node **in[MINIMIZES]; /* holes: gradients added over the pieces, or a direction */
    i64 n_sums, n_shown;
};
void train_declare(Eval *e, const File *file, const Ast *ast);
void train_run(Eval *e, Train *train); /* all passes, abstractly or with nodes */
bool train_settings(Eval *e, Train *train);
void value_unused(Eval *e, const Context *c, const Ast *block, const Value *end,
                  const char *what); /* an error: a block has no value */
int occurrence_of(Eval *e, Pass *pass, const Ast *ast);
Node *sum_of_rows(Eval *e, const Pass *pass, const Context *c, Value *v);
Node *version_now(const Pass *pass, const Slot *s); /* the latest value of a parameter, not widened */
void pass_finite(Eval *e, Pass *pass, Node *node);
i64 summand_count(const Summand *s);
Value *report_average(Eval *e, const BuiltinCall *call);
void predict_report(Eval *e, const Context *c, Scope *scope, const Ast *ast);

/* ---- predict ---- */
typedef struct Output {
    const char *name;
    Span span;
    Value *value;
    Node *node; /* [rows, ..] */
} Output;
typedef struct Predict {
    const Ast *ast;
    const File *file;
    const char *name;
    Use use;
    VEC(Output) outputs;
    int reports; /* met in this evaluation, wrong ones too */
    bool failed;
} Predict;
void predict_declare(Eval *e, const File *file, const Ast *ast);
void predict_run(Eval *e, Predict *predict);

/* ---- generate ---- */
typedef struct Generate {
    const Ast *ast;
    const File *file;
    const char *name, *owner; /* "generate", "generate_2": of its carries */
    const Function *function; /* the model */
    const char *prompt;
    i64 length, classes;
    double temperature;
    bool failed, open; /* open: the signature leaves t open */
    i64 window;        /* symbols a call */
    const DataSet *set; /* whose symbols they are; NULL */
    int column;
    i64 data_window;
    Context context;
    Inputs inputs;
    Node *tokens, *count, *scores;
    VEC(Slot *) states; /* its carries, */
    VEC(Node *) ends;   /* what they become */
} Generate;
void generate_declare(Eval *e, const File *file, const Ast *ast);
void generate_run(Eval *e, Generate *generate);

/* ---- functions of the program (entry.c) ---- */
typedef struct Results {
    VEC(Node *) nodes;
    VEC(Place) places;
} Results;
void result_add(Eval *e, Results *results, Node *node, Block block, i64 offset);
void hole_place(Eval *e, Node *hole, Block block, i64 offset); /* NULL: none was made */
void hole_replace(Eval *e, Node *hole, Node *node);            /* by a node, in every function */
Node *replaced(Eval *e, Node *node);                           /* with these, so far */
void inputs_place(Eval *e, const Inputs *inputs, const nn_feed *feed);
/* Closes them: the holes they reach become arguments, in the order of their places. */
nn_function entry_make(Eval *e, const char *name, const Results *results, i64 batch_rows);
/* Where the columns that `results` reach lie in a batch, and the row numbers; sets use->feed. */
void use_layout(Eval *e, Use *use, Node *const *roots, int n);
i64 aligned(i64 bytes); /* to 64 */

/* ---- the whole ---- */
struct Page {
    Program *program;
    Map files;          /* path -> File */
    VEC(File *) loaded; /* imports first */
    File *main;
    bool imports_failed;
    VEC(HyperDeclaration *) hypers;
    VEC(DataSet *) sets;     /* of the table, in the order of use */
    VEC(DataSet *) declared; /* all */
    VEC(Train *) trains;
    VEC(Predict *) predicts;
    VEC(Generate *) generates;
    NodeMap places;                /* hole -> Place */
    NodeMap replaced;              /* hole -> Node: fixed hypers, averages in what reports show */
    VEC(Slot *) reached;           /* parameters that some minimize reaches */
    VEC(const char *) batch_lines; /* of --explain-batch, told already */
};
void table_fill(Eval *e);
void warnings_find(Eval *e); /* when all is built */
void warnings_of_text(Eval *e);
void batch_watch(Eval *e, const Context *c, Span span,
                 Frames across); /* --explain-batch, batch=all, batch norm with batch 1 */
const char *intern(const Eval *e, const char *text);
#endif

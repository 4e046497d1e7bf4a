/* call.h: calls, within sema. */
#ifndef NNC_SEMA_CALL_H
#define NNC_SEMA_CALL_H
#include "operator.h"
#include "types.h"

/* A call, or a pipe into one; `ast` is what is written. */
Value *eval_call(Eval *e, const Context *c, Scope *scope, const Ast *ast);
/* Primitives that look at their argument before it is evaluated (data_window.c). */
Value *window_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b);
Value *characters_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b);
Value *count_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast, const Builtin *b);
Value *builtin_call(Eval *e, const Context *c, const Builtin *b, const Arguments *arguments, Span span);
/* The same call made before in this block: its value, or NULL; then memo_keep() remembers what the call gives. */
Memo *memo_find(Eval *e, const Context *c, Scope *scope, const Ast *ast, Value **value);
void memo_keep(Eval *e, Scope *scope, Memo *memo, Value *value);
Value *record_part(Eval *e, const Value *record, const char *name); /* the leaves under "name."; NULL: none */
/* The context of a model's body: owner, parameters, training. NULL scope: error. */
bool model_enter(Eval *e, Context *c2, const Context *c, const Function *f, Value *theta, Span span);

/* Mapping: the leading visible axes left over become frames of c2; results get them back. */
typedef struct Mapping {
    int n; /* new frames: bits first .. first + n - 1 */
    int first;
    Shape extra; /* their lengths, and which stretch */
} Mapping;
typedef struct Actual {
    const char *name; /* of the formal */
    const Ast *formal;
    Value *value;
    Span span;
    bool typed, given;
    TypeSpec spec;
} Actual;
bool actual_fit(Eval *e, const Context *c, Scope *scope, const Function *f,
                Actual *a); /* against its type; binds names of dimensions */
bool map_arguments(Eval *e, Context *c2, const Function *f, Actual *actuals, int n, Span span, Mapping *mapping);
Value *map_result(Eval *e, const Context *c2, const Mapping *mapping, Value *v);

Value *scan_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast);
Value *repeat_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast);
Value *choice_expression(Eval *e, const Context *c, Scope *scope, const Ast *ast);
void lasting_statement(Eval *e, const Context *c, Scope *scope, const Ast *ast);
/* The parameters, states and calls of a branch not taken are numbered as if it were. */
void count_skipped(Eval *e, const Context *c, Scope *scope, const Ast *ast);
#endif

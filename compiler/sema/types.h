/* types.h: types as written, within sema: signatures whose dimensions bind names. */
#ifndef NNC_SEMA_TYPES_H
#define NNC_SEMA_TYPES_H
#include "eval.h"

typedef struct DimSpec {
    const char *name; /* bound by the signature; NULL: n is the number */
    i64 n;            /* OPEN: an open dimension of the model around */
    Span span;
} DimSpec;
typedef struct TypeSpec {
    Element element;
    DimSpec classes;
    int rank;
    DimSpec dims[RANK_LIMIT];
    Span span;
} TypeSpec;
/* `binds`: names that are no known numbers are bound (a signature); otherwise they are errors. */
bool type_spec(Eval *e, const Context *c, Scope *scope, const Ast *type, bool binds, TypeSpec *spec);
/* Lines up the dimensions with those given, binding names in `scope`. False if they differ. */
bool spec_unify(Eval *e, Scope *scope, const TypeSpec *want, const i64 *have);
/* As written, with what its names are: "[n, m] with n = 4". */
const char *spec_text(Eval *e, const Scope *scope, const Ast *type);
/* `name: type = expression`, repeated along the leading axes that it lacks, its draws anew for each index. */
Value *typed_expression(Eval *e, const Context *c, Scope *scope, const TypeValue *type, const Ast *expression);
#endif

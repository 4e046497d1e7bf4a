/* later.c: what the language has and this release of nnc does not: refused by name. A later release replaces the
 * handlers. */
#include "builtin.h"

Value *later(Eval *e, const Context *c, Span span, const char *name) {
    return sema_poison(e, c, E390, span, "`%s` comes with the next release of nnc", name);
}
BuiltinHandler builtin_later;
Value *builtin_later(Eval *e, const BuiltinCall *call) { return later(e, call->c, call->span, call->builtin->name); }

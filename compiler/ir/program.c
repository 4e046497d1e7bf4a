/* program.c: walks the tables of a Program. The walk is expanded from abi.def, so a new table or entry is found by itself. */
#include "program.h"

typedef struct Visit {
    void (*see)(void *context, nn_function *function);
    void *context;
} Visit;

/* A struct is visited by visiting its members; only nn_function itself is shown to the caller. */
static void see_function(nn_function *f, const Visit *v) {
    if (f->name && f->name[0]) v->see(v->context, f);
}
#define STR(f)
#define I64(f)
#define F64(f)
#define F32(f)
#define I64S(f)
#define STRS(f)
#define CODE(f)
#define ONE(T, f) visit_##T((T *)&x->f, v);
#define MANY(T, f)                                                                                                     \
    for (int64_t i = 0; i < x->n_##f; i++) visit_##T((T *)&x->f[i], v);
#define STRUCT(T)                                                                                                      \
    static void visit_##T(T *x, const Visit *v) {                                                                      \
        (void)v;                                                                                                       \
        if (sizeof(T) == sizeof(nn_function) && _Generic(x, nn_function *: 1, default: 0)) see_function((nn_function *)(void *)x, v);
#define END(T) }
#include "../../runtime/abi.def"

void program_functions(Program *program, void (*see)(void *context, nn_function *function), void *context) {
    Visit visit = {see, context};
    visit_nn_program(&program->table, &visit);
}

/* table.c: nn_program_table, the constant that a trainer's object exports: the in-memory table, word for word.
**
** abi.def is expanded twice: once for a function a struct that makes its constant, and inside it for its fields. Every field is of
** 8-byte words or two halves of one, so a literal struct of them has the layout that C gives it. Functions are the entries by nn_function.index. */
#include "emit.h"

/* The words of a struct in the making. */
typedef struct Words {
    Emitter *e;
    VEC(LLVMValueRef) list;
} Words;
static void add(Words *w, LLVMValueRef word) { vec_push(w->e->arena, &w->list, word); }

LLVMValueRef constant_hidden(const Emitter *e, LLVMValueRef data, const char *name) {
    LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(data), name);
    LLVMSetInitializer(global, data);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, 8);
    return global;
}
static LLVMValueRef string(const Emitter *e, const char *s) {
    nnc_check(s, "a NULL text in the table");
    LLVMValueRef global = constant_hidden(e, LLVMConstStringInContext2(e->context, s, strlen(s), false), "text");
    LLVMSetAlignment(global, 1);
    return global;
}
static void add_str(Words *w, const char *s) { add(w, string(w->e, s)); }
static void add_i64(Words *w, i64 x) { add(w, const_i64(w->e, x)); }
static void add_f64(Words *w, double x) {
    u64 bits;
    memcpy(&bits, &x, 8);
    add(w, LLVMConstBitCast(LLVMConstInt(w->e->i64, bits, false), w->e->scalars[ELEM_F64]));
}
static void add_f32(Words *w, float x) {
    u32 bits;
    memcpy(&bits, &x, 4);
    add(w, LLVMConstBitCast(LLVMConstInt(w->e->i32, bits, false), w->e->scalars[ELEM_F32]));
}
/* The count, then a pointer to the parts. */
static void add_list(Words *w, i64 n, LLVMTypeRef type, LLVMValueRef *parts, const char *name) {
    add_i64(w, n);
    if (!n) {
        add(w, LLVMConstNull(w->e->pointer));
        return;
    }
    add(w, constant_hidden(w->e, LLVMConstArray2(type, parts, (u64)n), name));
}
static void add_i64s(Words *w, i64 n, const i64 *list) {
    LLVMValueRef *parts = ARENA_ARRAY(w->e->arena, LLVMValueRef, n);
    for (i64 i = 0; i < n; i++) parts[i] = const_i64(w->e, list[i]);
    add_list(w, n, w->e->i64, parts, "numbers");
}
static void add_strs(Words *w, i64 n, const char *const *list) {
    LLVMValueRef *parts = ARENA_ARRAY(w->e->arena, LLVMValueRef, n);
    for (i64 i = 0; i < n; i++) parts[i] = string(w->e, list[i]);
    add_list(w, n, w->e->pointer, parts, "texts");
}
static LLVMValueRef words_done(Words *w) {
    return LLVMConstStructInContext(w->e->context, w->list.v, (unsigned)w->list.n, false);
}

/* An entry's code; one without a name is none. */
static void add_code(Words *w, const nn_function *f) {
    const LoopProgram *loops = w->e->loops;
    if (!*f->name) {
        add(w, LLVMConstNull(w->e->pointer));
        return;
    }
    nnc_check(f->index >= 0 && f->index < loops->entries.n && loops->entries.v[f->index], "the table names %s, which has no code",
              f->name);
    add(w, code_of(w->e, loops->entries.v[f->index])->function);
}

/* Only nn_function has a CODE field: there `s` is one. */
#define STR(f)      add_str(&w, s->f);
#define I64(f)      add_i64(&w, s->f);
#define F64(f)      add_f64(&w, s->f);
#define F32(f)      add_f32(&w, s->f);
#define I64S(f)     add_i64s(&w, s->n_##f, s->f);
#define STRS(f)     add_strs(&w, s->n_##f, s->f);
#define ONE(T, f)   add(&w, constant_##T(e, &s->f));
#define CODE(f)     add_code(&w, s);
#define MANY(T, f)                                                                                                     \
    {                                                                                                                  \
        LLVMValueRef *parts = ARENA_ARRAY(e->arena, LLVMValueRef, s->n_##f);                                           \
        for (i64 i = 0; i < s->n_##f; i++) parts[i] = constant_##T(e, &s->f[i]);                                       \
        add_list(&w, s->n_##f, s->n_##f ? LLVMTypeOf(parts[0]) : NULL, parts, #f);                                     \
    }
#define STRUCT(T)                                                                                                      \
    static LLVMValueRef constant_##T(Emitter *e, const T *s) {                                                         \
        Words w = {.e = e};
#define END(T)                                                                                                         \
        return words_done(&w);                                                                                         \
    }
#include "../../runtime/abi.def"

/* Rows of kernels up to the last one that can be watched: the functions behind, evaluations mostly, never are (parts.c). */
static i64 rows_watched(const nn_program *table) {
    i64 n = 0;
    for (i64 t = 0; t < table->n_trains; t++) {
        const nn_train *train = &table->trains[t];
        const struct {
            i64 n;
            const nn_function *v;
        } lists[] = {{train->n_step, train->step}, {train->n_sum, train->sum}, {train->n_apply, train->apply}};
        for (int k = 0; k < COUNT_OF(lists); k++)
            for (i64 i = 0; i < lists[k].n; i++) {
                i64 end = lists[k].v[i].first_kernel + lists[k].v[i].kernels;
                if (end > n) n = end;
            }
    }
    return n;
}
void table_emit(Emitter *e, const Program *program) {
    nn_program table = program->table;
    table.cpu = e->machine->cpu;
    table.n_kernels = rows_watched(&table);
    LLVMValueRef data = constant_nn_program(e, &table);
    LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(data), "nn_program_table");
    LLVMSetInitializer(global, data);
    LLVMSetGlobalConstant(global, true);
    LLVMSetAlignment(global, 8);
}

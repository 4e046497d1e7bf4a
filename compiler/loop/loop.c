/* loop.c: loop IR's types, affine forms, the typing rule of every operator, and the program with its shared kernels.
**
** Building functions is loop_build.c, checking them loop_verify.c. A typing rule sees a value with its operands and attributes set
** and gives its type, or false: that is nnc's bug, as nobody but nnc writes loop IR. */
#include "loop_typing.h"

static const char *const ELEM_NAMES[ELEM_COUNT] = {"f32", "f64", "i32", "i64", "u8", "mask"};
static const char *const LOP_NAMES[LOP_COUNT] = {
#define LOP(name, arity, typing, emit) [LOP_##name] = #name,
#include "loop.def"
#undef LOP
};
static const signed char LOP_ARITY[LOP_COUNT] = {
#define LOP(name, arity, typing, emit) [LOP_##name] = arity,
#include "loop.def"
#undef LOP
};

const char *elem_name(LoopElem elem) { return ELEM_NAMES[elem]; }
const char *lop_name(LoopOp op) { return LOP_NAMES[op]; }
int lop_arity(LoopOp op) { return LOP_ARITY[op]; }

LoopElem elem_of_dtype(Dtype dtype) {
    static const LoopElem ELEMS[DT_COUNT] = {
        [DT_f32] = ELEM_F32, [DT_f64] = ELEM_F64, [DT_i32] = ELEM_I32, [DT_u8] = ELEM_U8, [DT_bool] = ELEM_MASK};
    nnc_check(dtype < DT_COUNT, "a buffer of dtype %d", dtype);
    return ELEMS[dtype];
}

/* ---- affine forms ---- */

static i64 checked_sum(i64 a, i64 b) {
    i64 sum;
    nnc_check(i64_add(a, b, &sum), "an address overflows");
    return sum;
}
static i64 checked_product(i64 a, i64 b) {
    i64 product;
    nnc_check(i64_multiply(a, b, &product), "an address overflows");
    return product;
}

LoopAffine affine(i64 constant) {
    LoopAffine a;
    memset(&a, 0, sizeof a);
    a.constant = constant;
    return a;
}

/* Terms of one variable are one term; those that cancel vanish; first met, first listed. */
static LoopAffine affine_term(LoopAffine a, LoopTerm term) {
    if (term.factor == 0) return a;
    for (int i = 0; i < a.n; i++) {
        LoopTerm *t = &a.terms[i];
        if (t->loop != term.loop || t->value != term.value) continue;
        t->factor = checked_sum(t->factor, term.factor);
        if (t->factor == 0) {
            memmove(t, t + 1, sizeof *t * (size_t)(a.n - i - 1));
            memset(&a.terms[--a.n], 0, sizeof *t);
        }
        return a;
    }
    nnc_check(a.n < LOOP_TERMS, "an affine form of more than %d terms", LOOP_TERMS);
    a.terms[a.n++] = term;
    return a;
}
LoopAffine affine_loop(LoopAffine a, const LoopFor *loop, i64 factor) {
    return affine_term(a, (LoopTerm){.loop = loop, .factor = factor});
}
LoopAffine affine_value(LoopAffine a, const LoopValue *value, i64 factor) {
    return affine_term(a, (LoopTerm){.value = value, .factor = factor});
}
LoopAffine affine_plus(LoopAffine a, LoopAffine b) {
    a.constant = checked_sum(a.constant, b.constant);
    for (int i = 0; i < b.n; i++) a = affine_term(a, b.terms[i]);
    return a;
}
LoopAffine affine_times(LoopAffine a, i64 factor) {
    if (factor == 0) return affine(0);
    a.constant = checked_product(a.constant, factor);
    for (int i = 0; i < a.n; i++) a.terms[i].factor = checked_product(a.terms[i].factor, factor);
    return a;
}

/* ---- typing ---- */

static bool is_real(LoopElem e) { return e == ELEM_F32 || e == ELEM_F64; }
static bool is_integer(LoopElem e) { return e == ELEM_I32 || e == ELEM_I64; }
static bool type_equal(LoopType a, LoopType b) { return a.elem == b.elem && a.lanes == b.lanes; }

/* All operands have the type of the first, which is the result's. */
static bool type_same(const LoopValue *v, LoopType *type) {
    *type = v->args[0]->type;
    for (int i = 1; i < v->n_args; i++)
        if (!type_equal(v->args[i]->type, *type)) return false;
    return true;
}
bool type_number(const LoopValue *v, LoopType *type) {
    return type_same(v, type) && (is_real(type->elem) || is_integer(type->elem));
}
bool type_real(const LoopValue *v, LoopType *type) { return type_same(v, type) && is_real(type->elem); }
bool type_integer(const LoopValue *v, LoopType *type) { return type_same(v, type) && is_integer(type->elem); }
bool type_word(const LoopValue *v, LoopType *type) { return type_same(v, type) && type->elem == ELEM_I32; }
bool type_ordered(const LoopValue *v, LoopType *type) { return type_same(v, type) && type->elem != ELEM_U8; }
bool type_logic(const LoopValue *v, LoopType *type) {
    return type_same(v, type) && (is_integer(type->elem) || type->elem == ELEM_MASK);
}
bool type_compare(const LoopValue *v, LoopType *type) {
    if (!type_same(v, type) || type->elem == ELEM_U8) return false;
    if (v->op != LOP_eq && type->elem == ELEM_MASK) return false;
    type->elem = ELEM_MASK;
    return true;
}
bool type_select(const LoopValue *v, LoopType *type) {
    *type = v->args[1]->type;
    return type_equal(*type, v->args[2]->type) && v->args[0]->type.elem == ELEM_MASK &&
           v->args[0]->type.lanes == type->lanes;
}
/* The element was set by the maker. */
bool type_cast(const LoopValue *v, LoopType *type) {
    *type = (LoopType){v->type.elem, v->args[0]->type.lanes};
    return true;
}
bool type_unsigned(const LoopValue *v, LoopType *type) {
    *type = (LoopType){ELEM_I64, v->args[0]->type.lanes};
    return v->args[0]->type.elem == ELEM_I32;
}
bool type_bits(const LoopValue *v, LoopType *type) {
    static const LoopElem OTHER[ELEM_COUNT] = {[ELEM_F32] = ELEM_I32, [ELEM_F64] = ELEM_I64, [ELEM_I32] = ELEM_F32,
                                               [ELEM_I64] = ELEM_F64};
    LoopType from = v->args[0]->type;
    *type = (LoopType){OTHER[from.elem], from.lanes};
    return is_real(from.elem) || is_integer(from.elem);
}
bool type_clamp(const LoopValue *v, LoopType *type) {
    return type_same(v, type) && type->elem == ELEM_I32 && v->low <= v->high && v->low >= INT32_MIN &&
           v->high <= INT32_MAX;
}
bool type_splat(const LoopValue *v, LoopType *type) {
    *type = lanes_of(v->args[0]->type.elem);
    return !v->args[0]->type.lanes;
}
bool type_extract(const LoopValue *v, LoopType *type) {
    *type = scalar_of(v->args[0]->type.elem);
    return v->args[0]->type.lanes && v->bits < LANES;
}
bool type_insert(const LoopValue *v, LoopType *type) {
    *type = v->args[0]->type;
    return type->lanes && type_equal(v->args[1]->type, scalar_of(type->elem)) && v->bits < LANES;
}
bool type_shuffle(const LoopValue *v, LoopType *type) {
    if (!type_same(v, type) || !type->lanes || !v->pattern) return false;
    for (int i = 0; i < LANES; i++)
        if (v->pattern[i] >= 2 * LANES) return false;
    return true;
}
bool type_tree(const LoopValue *v, LoopType *type) {
    *type = scalar_of(v->args[0]->type.elem);
    return v->args[0]->type.lanes && (is_real(type->elem) || is_integer(type->elem));
}
bool type_masks(const LoopValue *v, LoopType *type) {
    *type = scalar_of(ELEM_MASK);
    return v->args[0]->type.lanes && v->args[0]->type.elem == ELEM_MASK;
}
/* Set by the maker: nothing to infer. */
static bool type_made(const LoopValue *v, LoopType *type) {
    *type = v->type;
    return true;
}
bool type_given(const LoopValue *v, LoopType *type) { return type_made(v, type); }
bool type_literal(const LoopValue *v, LoopType *type) { return type_made(v, type); }
bool type_load(const LoopValue *v, LoopType *type) { return type_made(v, type) && v->access; }
bool type_index(const LoopValue *v, LoopType *type) {
    return type_made(v, type) && v->affine && type->elem == ELEM_I32;
}

typedef bool Typing(const LoopValue *v, LoopType *type);
static Typing *const TYPING[LOP_COUNT] = {
#define LOP(name, arity, typing, emit) [LOP_##name] = type_##typing,
#include "loop.def"
#undef LOP
};
bool value_type(const LoopValue *v, LoopType *type) { return v->n_args == lop_arity(v->op) && TYPING[v->op](v, type); }

/* ---- programs ---- */

LoopProgram *loop_program_new(Arena *arena) {
    LoopProgram *program = ARENA_NEW(arena, LoopProgram);
    program->arena = arena;
    program->known.arena = arena;
    program->text.arena = arena;
    return program;
}

int loop_program_constant(LoopProgram *program, i64 bytes, const void *data) {
    for (int i = 0; i < program->constants.n; i++) {
        const LoopConstant *c = &program->constants.v[i];
        if (c->bytes == bytes && !memcmp(c->data, data, (size_t)bytes)) return i;
    }
    LoopConstant c = {bytes, arena_copy(program->arena, data, (size_t)bytes)};
    vec_push(program->arena, &program->constants, c);
    return program->constants.n - 1;
}

/* Kernels by the hash of their text without their name. */
typedef struct Known {
    const char *text;
    LoopFunction *function;
    struct Known *next;
} Known;

static const char *unique_name(LoopProgram *program, const char *name) {
    const char *candidate = name;
    for (int suffix = 2;; suffix++) {
        bool taken = false;
        for (int i = 0; i < program->kernels.n; i++) taken |= !strcmp(program->kernels.v[i]->name, candidate);
        if (!taken) return candidate;
        candidate = arena_printf(program->arena, "%s.%d", name, suffix);
    }
}

LoopFunction *loop_program_function(LoopProgram *program, LoopFunction *f) {
    const char *name = f->name;
    Text *text = &program->text;
    text->n = 0;
    f->name = "";
    loop_print(text, f);
    f->name = name;
    u64 hash = 14695981039346656037u;
    for (size_t i = 0; i < text->n; i++) hash = (hash ^ (u8)text->s[i]) * 1099511628211u;
    Known *known = map_get(&program->known, hash);
    for (Known *k = known; k; k = k->next)
        if (!strcmp(k->text, text->s)) return k->function;
    Known *fresh = ARENA_NEW(program->arena, Known);
    *fresh = (Known){arena_copy(program->arena, text->s, text->n + 1), f, known};
    map_set(&program->known, hash, fresh);
    f->name = unique_name(program, name);
    vec_push(program->arena, &program->kernels, f);
    return f;
}

/* loop_build.c: the calls that make loop IR. Each appends to the block being built and checks what it is given at once.
**
** A builder is one function in the making: a stack of open `for` and `if`, the last of them being filled. Nothing is simplified
** here but what costs nothing to see: a splat of lanes is the lanes. */
#include "loop_typing.h"
#include <stdarg.h>

/* ---- where things go ---- */

static LoopBlock *block_now(const LoopBuilder *b) { return b->blocks.v[b->blocks.n - 1]; }

static LoopStatement *append(LoopBuilder *b, StatementKind kind) {
    LoopStatement *s = ARENA_NEW(b->arena, LoopStatement);
    s->kind = kind;
    vec_push(b->arena, &block_now(b)->list, s);
    return s;
}
static void push(LoopBuilder *b, LoopStatement *s, LoopBlock *block) {
    vec_push(b->arena, &b->open, s);
    vec_push(b->arena, &b->blocks, block);
}
static LoopStatement *open_now(const LoopBuilder *b, StatementKind kind) {
    nnc_check(b->open.n, "the end of something that was not begun");
    LoopStatement *s = b->open.v[b->open.n - 1];
    nnc_check(s->kind == kind, "an end that does not fit its beginning");
    return s;
}
static void pop(LoopBuilder *b) { b->open.n--, b->blocks.n--; }

static LoopValue *value_new(LoopBuilder *b, LoopOp op, LoopType type) {
    LoopValue *v = ARENA_NEW(b->arena, LoopValue);
    v->op = op;
    v->type = type;
    v->id = b->function->n_values++;
    return v;
}
static LoopValue **value_list(LoopBuilder *b, int n, LoopValue *const *values) {
    return n ? arena_copy(b->arena, values, sizeof *values * (size_t)n) : NULL;
}
/* Values of the types of `like`, as accumulators and results are. */
static LoopValue **given_list(LoopBuilder *b, int n, LoopValue *const *like) {
    LoopValue **list = ARENA_ARRAY(b->arena, LoopValue *, n);
    for (int i = 0; i < n; i++) list[i] = value_new(b, LOP_given, like[i]->type);
    return list;
}
static void check_types(int n, LoopValue *const *values, LoopValue *const *wanted, const char *what) {
    for (int i = 0; i < n; i++)
        nnc_check(values[i]->type.elem == wanted[i]->type.elem && values[i]->type.lanes == wanted[i]->type.lanes,
                  "value %d of %s changes its type", i, what);
}
static const LoopAffine *affine_keep(LoopBuilder *b, LoopAffine a) { return arena_copy(b->arena, &a, sizeof a); }

/* ---- functions and buffers ---- */

LoopBuilder loop_function_begin(Arena *arena, const char *name) {
    LoopBuilder b = {.arena = arena, .function = ARENA_NEW(arena, LoopFunction)};
    b.function->name = name;
    vec_push(arena, &b.blocks, &b.function->body);
    return b;
}
LoopFunction *loop_function_end(LoopBuilder *b) {
    nnc_check(!b->open.n, "%s ends inside a loop or a condition", b->function->name);
    return b->function;
}

static int add_buffer(LoopBuilder *b, LoopBuffer buffer) {
    nnc_check(buffer.elements > 0, "a buffer of no elements in %s", b->function->name);
    buffer.checked = buffer.writable && dtype_real(buffer.dtype);
    vec_push(b->arena, &b->function->buffers, buffer);
    return b->function->buffers.n - 1;
}
int loop_param(LoopBuilder *b, Dtype dtype, i64 elements, bool writable) {
    LoopFunction *f = b->function;
    nnc_check(f->n_params == f->buffers.n, "parameters of %s come before its other buffers", f->name);
    i64 number = f->n_params++;
    return add_buffer(b, (LoopBuffer){SPACE_PARAM, number, dtype, elements, writable, false, 64});
}
int loop_block(LoopBuilder *b, Space space, i64 offset, Dtype dtype, i64 elements, bool writable) {
    bool may_write = space == SPACE_LASTING || space == SPACE_WORK || space == SPACE_TASK || space == SPACE_OUT;
    nnc_check(space <= SPACE_TASK && offset >= 0 && (may_write || !writable), "a wrong buffer in %s", b->function->name);
    i64 align = 64; /* blocks are 64-byte aligned; nn_call itself holds 8-byte words */
    if (space == SPACE_CALL) align = 8;
    while (offset % align) align /= 2;
    return add_buffer(b, (LoopBuffer){space, offset, dtype, elements, writable, false, align});
}
int loop_constant(LoopBuilder *b, int index, Dtype dtype, i64 elements) {
    return add_buffer(b, (LoopBuffer){SPACE_CONSTANT, index, dtype, elements, false, false, 64});
}
int loop_local(LoopBuilder *b, Dtype dtype, i64 elements) {
    int index = add_buffer(b, (LoopBuffer){SPACE_LOCAL, 0, dtype, elements, true, false, 64});
    b->function->buffers.v[index].checked = false;
    return index;
}
LoopValue *loop_scalar(LoopBuilder *b, LoopElem elem) {
    LoopValue *v = value_new(b, LOP_given, scalar_of(elem));
    vec_push(b->arena, &b->function->scalars, v);
    return v;
}

/* ---- values ---- */

/* Types the value and appends its `let`. */
static LoopValue *let(LoopBuilder *b, LoopValue *v) {
    LoopType type;
    nnc_check(value_type(v, &type), "operands of `%s` in %s: %s%s, %s%s, %s%s", lop_name(v->op), b->function->name,
              v->n_args > 0 ? elem_name(v->args[0]->type.elem) : "-", v->n_args > 0 && v->args[0]->type.lanes ? "x16" : "",
              v->n_args > 1 ? elem_name(v->args[1]->type.elem) : "-", v->n_args > 1 && v->args[1]->type.lanes ? "x16" : "",
              v->n_args > 2 ? elem_name(v->args[2]->type.elem) : "-", v->n_args > 2 && v->args[2]->type.lanes ? "x16" : "");
    v->type = type;
    append(b, STATEMENT_let)->value = v;
    return v;
}
static LoopValue *value_of(LoopBuilder *b, LoopOp op, LoopValue *const *args) {
    LoopValue *v = value_new(b, op, scalar_of(ELEM_F32));
    v->n_args = lop_arity(op);
    for (int i = 0; i < v->n_args; i++) v->args[i] = args[i];
    return v;
}

LoopValue *loop_literal(LoopBuilder *b, LoopType type, u64 bits) {
    LoopValue *v = value_new(b, LOP_literal, scalar_of(type.elem));
    v->bits = bits;
    let(b, v);
    return type.lanes ? loop_splat(b, v) : v;
}
LoopValue *loop_real(LoopBuilder *b, LoopElem elem, double value) {
    nnc_check(elem == ELEM_F32 || elem == ELEM_F64, "a real literal of %s", elem_name(elem));
    u64 bits = 0;
    if (elem == ELEM_F64) {
        memcpy(&bits, &value, 8);
    } else {
        float rounded = (float)value;
        memcpy(&bits, &rounded, 4);
    }
    return loop_literal(b, scalar_of(elem), bits);
}
LoopValue *loop_int(LoopBuilder *b, LoopElem elem, i64 value) {
    static const u64 MASKS[ELEM_COUNT] = {[ELEM_I32] = UINT32_MAX, [ELEM_I64] = UINT64_MAX, [ELEM_U8] = 255, [ELEM_MASK] = 1};
    nnc_check(MASKS[elem], "an integer literal of %s", elem_name(elem));
    return loop_literal(b, scalar_of(elem), (u64)value & MASKS[elem]);
}
LoopValue *loop_index(LoopBuilder *b, LoopAffine a) {
    LoopValue *v = value_new(b, LOP_index, scalar_of(ELEM_I32));
    v->affine = affine_keep(b, a);
    return let(b, v);
}
LoopValue *loop_index_lanes(LoopBuilder *b, LoopAffine a, i64 stride) {
    LoopValue *v = value_new(b, LOP_index, lanes_of(ELEM_I32));
    v->affine = affine_keep(b, a);
    v->low = stride;
    return let(b, v);
}

LoopValue *loop_apply(LoopBuilder *b, LoopOp op, LoopValue *const *args) { return let(b, value_of(b, op, args)); }
LoopValue *loop_op(LoopBuilder *b, LoopOp op, ...) {
    LoopValue *args[3] = {NULL};
    va_list list;
    va_start(list, op);
    for (int i = 0; i < lop_arity(op); i++) args[i] = va_arg(list, LoopValue *);
    va_end(list);
    return loop_apply(b, op, args);
}
LoopValue *loop_cast(LoopBuilder *b, LoopValue *value, LoopElem to) {
    if (value->type.elem == to) return value;
    LoopValue *v = value_of(b, LOP_cast, &value);
    v->type.elem = to;
    return let(b, v);
}
LoopValue *loop_clamp(LoopBuilder *b, LoopValue *value, i64 low, i64 high) {
    LoopValue *v = value_of(b, LOP_clamp, &value);
    v->low = low, v->high = high;
    return let(b, v);
}
LoopValue *loop_splat(LoopBuilder *b, LoopValue *value) {
    return value->type.lanes ? value : loop_apply(b, LOP_splat, &value);
}
LoopValue *loop_extract(LoopBuilder *b, LoopValue *lanes, int lane) {
    LoopValue *v = value_of(b, LOP_extract, &lanes);
    v->bits = (u64)lane;
    return let(b, v);
}
LoopValue *loop_insert(LoopBuilder *b, LoopValue *lanes, LoopValue *scalar, int lane) {
    LoopValue *v = value_of(b, LOP_insert, (LoopValue *[]){lanes, scalar});
    v->bits = (u64)lane;
    return let(b, v);
}
LoopValue *loop_shuffle(LoopBuilder *b, LoopValue *x, LoopValue *y, const u8 pattern[LANES]) {
    LoopValue *v = value_of(b, LOP_shuffle, (LoopValue *[]){x, y});
    v->pattern = arena_copy(b->arena, pattern, LANES);
    return let(b, v);
}

/* Each pair of rows i, i + gap of a group of 2 gap becomes the two rows that `first` and `second` take from it. */
static void shuffle_pairs(LoopBuilder *b, LoopValue *rows[LANES], int gap, const u8 first[LANES], const u8 second[LANES]) {
    for (int i = 0; i < LANES; i++) {
        if (i & gap) continue;
        LoopValue *x = rows[i], *y = rows[i + gap];
        rows[i] = loop_shuffle(b, x, y, first);
        rows[i + gap] = loop_shuffle(b, x, y, second);
    }
}
/* 64 shuffles, each one instruction on AVX-512. First 4 x 4 inside blocks of 4 lanes: singles, then pairs; column 4 L + c of rows
** 4 g .. 4 g + 3 then is block L of row 4 g + c, where the two bits of c are exchanged. Then whole blocks: rows to L, blocks to g. */
void loop_transpose16(LoopBuilder *b, LoopValue *rows[LANES]) {
    static const u8 SINGLES[2][LANES] = {{0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29},
                                         {2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31}};
    static const u8 PAIRS[2][LANES] = {{0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29},
                                       {2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31}};
    static const u8 BLOCKS[2][LANES] = {{0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27},
                                        {4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31}};
    static const u8 SWAP[4] = {0, 2, 1, 3}; /* a number of two bits with its bits exchanged */
    LoopValue *done[LANES];
    shuffle_pairs(b, rows, 1, SINGLES[0], SINGLES[1]);
    shuffle_pairs(b, rows, 2, PAIRS[0], PAIRS[1]);
    shuffle_pairs(b, rows, 4, BLOCKS[0], BLOCKS[1]);
    shuffle_pairs(b, rows, 8, BLOCKS[0], BLOCKS[1]);
    for (int i = 0; i < LANES; i++) done[i / 4 * 4 + SWAP[i % 4]] = rows[i];
    memcpy(rows, done, sizeof done);
}

/* ---- memory ---- */

static LoopAccess *access_keep(LoopBuilder *b, LoopAccess access) {
    const LoopFunction *f = b->function;
    nnc_check(access.buffer >= 0 && access.buffer < f->buffers.n, "buffer %d of %s", access.buffer, f->name);
    if (access.part) access.part = affine_keep(b, *access.part);
    return arena_copy(b->arena, &access, sizeof access);
}
LoopValue *loop_load_access(LoopBuilder *b, LoopAccess access) {
    LoopAccess *kept = access_keep(b, access);
    LoopElem elem = elem_of_dtype(b->function->buffers.v[access.buffer].dtype);
    LoopValue *v = value_new(b, LOP_load, (LoopType){elem, access.lanes});
    v->access = kept;
    return let(b, v);
}
LoopValue *loop_load(LoopBuilder *b, int buffer, LoopAffine at) {
    return loop_load_access(b, (LoopAccess){.buffer = buffer, .at = at});
}
LoopValue *loop_load_lanes(LoopBuilder *b, int buffer, LoopAffine at, i64 stride) {
    return loop_load_access(b, (LoopAccess){.buffer = buffer, .at = at, .lanes = true, .stride = stride});
}
LoopValue *loop_load_part(LoopBuilder *b, int buffer, LoopAffine at, i64 stride, LoopAffine part) {
    return loop_load_access(b, (LoopAccess){.buffer = buffer, .at = at, .lanes = true, .stride = stride, .part = &part});
}

void loop_store_access(LoopBuilder *b, LoopAccess access, LoopValue *value) {
    LoopAccess *kept = access_keep(b, access);
    const LoopBuffer *buffer = &b->function->buffers.v[access.buffer];
    nnc_check(value->type.lanes == access.lanes && value->type.elem == elem_of_dtype(buffer->dtype),
              "a store of %s to a buffer of %s in %s", elem_name(value->type.elem), dtype_name(buffer->dtype),
              b->function->name);
    LoopStatement *s = append(b, STATEMENT_store);
    s->access = kept;
    s->value = value;
}
void loop_store(LoopBuilder *b, int buffer, LoopAffine at, LoopValue *value) {
    loop_store_access(b, (LoopAccess){.buffer = buffer, .at = at, .lanes = value->type.lanes, .stride = 1}, value);
}
void loop_store_part(LoopBuilder *b, int buffer, LoopAffine at, LoopValue *value, LoopAffine part) {
    loop_store_access(b, (LoopAccess){.buffer = buffer, .at = at, .lanes = true, .stride = 1, .part = &part}, value);
}
void loop_prefetch(LoopBuilder *b, int buffer, LoopAffine at, bool write, int locality) {
    nnc_check(locality >= 1 && locality <= 3, "a prefetch of locality %d", locality);
    LoopAccess *kept = access_keep(b, (LoopAccess){.buffer = buffer, .at = at});
    LoopStatement *s = append(b, STATEMENT_prefetch);
    s->access = kept;
    s->write = write;
    s->locality = locality;
}

/* ---- loops, conditions, calls ---- */

LoopFor *loop_for_within(LoopBuilder *b, ForKind kind, i64 extent, const LoopAffine *from, const LoopAffine *to, int n,
                         LoopValue *const *init) {
    LoopFor *loop = ARENA_NEW(b->arena, LoopFor);
    *loop = (LoopFor){.kind = kind, .id = b->function->n_loops++, .extent = extent, .step = 1, .n = n};
    if (from) loop->from = affine_keep(b, *from);
    if (to) loop->to = affine_keep(b, *to);
    loop->init = value_list(b, n, init);
    loop->acc = given_list(b, n, init);
    loop->results = given_list(b, n, init);
    LoopStatement *s = append(b, STATEMENT_for);
    s->loop = loop;
    push(b, s, &loop->body);
    return loop;
}
LoopFor *loop_for(LoopBuilder *b, ForKind kind, i64 extent, i64 step, int n, LoopValue *const *init) {
    nnc_check(extent >= 1 && step >= 1, "a loop of extent %lld, step %lld", (long long)extent, (long long)step);
    LoopFor *loop = loop_for_within(b, kind, extent, NULL, NULL, n, init);
    loop->step = step;
    return loop;
}
void loop_for_end(LoopBuilder *b, LoopValue *const *next) {
    LoopFor *loop = open_now(b, STATEMENT_for)->loop;
    check_types(loop->n, next, loop->acc, "a loop");
    loop->body.n_values = loop->n;
    loop->body.values = value_list(b, loop->n, next);
    pop(b);
}

static LoopIf *branch_begin(LoopBuilder *b) {
    LoopIf *branch = ARENA_NEW(b->arena, LoopIf);
    LoopStatement *s = append(b, STATEMENT_if);
    s->branch = branch;
    push(b, s, &branch->then);
    return branch;
}
LoopIf *loop_if(LoopBuilder *b, int n_conditions, const LoopAffine *conditions) {
    nnc_check(n_conditions >= 1, "an if without a condition");
    LoopIf *branch = branch_begin(b);
    branch->n_conditions = n_conditions;
    branch->conditions = arena_copy(b->arena, conditions, sizeof *conditions * (size_t)n_conditions);
    return branch;
}
LoopIf *loop_if_mask(LoopBuilder *b, const LoopValue *mask) {
    LoopIf *branch = branch_begin(b);
    branch->mask = mask;
    return branch;
}
void loop_else(LoopBuilder *b, int n, LoopValue *const *values) {
    LoopIf *branch = open_now(b, STATEMENT_if)->branch;
    nnc_check(block_now(b) == &branch->then, "a second else");
    branch->then.n_values = n;
    branch->then.values = value_list(b, n, values);
    b->blocks.v[b->blocks.n - 1] = &branch->otherwise;
}
void loop_if_end(LoopBuilder *b, int n, LoopValue *const *values) {
    LoopIf *branch = open_now(b, STATEMENT_if)->branch;
    if (block_now(b) == &branch->then) loop_else(b, n, values);
    nnc_check(branch->then.n_values == n, "branches of an if give %d and %d values", branch->then.n_values, n);
    check_types(n, values, branch->then.values, "an if");
    branch->otherwise.n_values = n;
    branch->otherwise.values = value_list(b, n, values);
    pop(b);
    branch->n = n;
    branch->results = given_list(b, n, values);
}

void loop_sync(LoopBuilder *b) { append(b, STATEMENT_sync); }
void loop_exchange(LoopBuilder *b, int buffer, LoopAffine at, i64 elements) {
    LoopAccess *kept = access_keep(b, (LoopAccess){.buffer = buffer, .at = at});
    LoopStatement *s = append(b, STATEMENT_exchange);
    s->access = kept;
    s->elements = elements;
}

void loop_call(LoopBuilder *b, const LoopFunction *function, const LoopArgument *buffers, LoopValue *const *scalars,
               i64 kernel) {
    LoopCall *call = ARENA_NEW(b->arena, LoopCall);
    *call = (LoopCall){.function = function, .kernel = kernel};
    call->buffers = arena_copy(b->arena, buffers, sizeof *buffers * (size_t)function->n_params);
    call->scalars = value_list(b, function->scalars.n, scalars);
    append(b, STATEMENT_call)->call = call;
}

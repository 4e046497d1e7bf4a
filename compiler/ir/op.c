/* op.c: what op.def says of each operator, by number and by name. */
#include "rules.h"
#include <string.h>

#define A(attribute) ((u64)1 << ATTR_##attribute)
static const struct {
    const char *name;
    int arity;
    u64 attributes;
    InferRule *infer;
    LoopClass loop;
} rows[] = {
#define OP(name, arity, attributes, infer, grad, lift, eval, loop) {#name, arity, attributes, infer_##infer, LOOP_##loop},
#include "op.def"
#undef OP
};
#undef A

const char *op_name(Op op) { return rows[op].name; }
int op_arity(Op op) { return rows[op].arity; }
u64 op_attributes(Op op) { return rows[op].attributes; }
LoopClass op_loop_class(Op op) { return rows[op].loop; }
bool op_is_transcendental(Op op) {
    switch ((int)op) {
    case OP_exp: case OP_log: case OP_tanh: case OP_sigmoid: case OP_sin: case OP_cos: case OP_erf: case OP_pow: case OP_random: return true;
    default: return false;
    }
}
InferRule *op_infer(Op op) { return rows[op].infer; }
bool op_find(const char *name, size_t n, Op *op) {
    for (int i = 0; i < OP_COUNT; i++)
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0) return *op = (Op)i, true;
    return false;
}

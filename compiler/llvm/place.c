/* place.c: in front of which loop an integer is computed.
**
** Addresses, bounds and the numbers they are made of are written where they are needed first, mostly in the middle of an inner loop, of
** which most of their parts know nothing. Each part is placed before the outermost loop in whose rounds it is the same, as text that
** comes before the branch into that loop, so that an inner loop adds to a pointer what changes in it and nothing else. Nothing placed
** can fail: computing it where no round follows is harmless. But from a loop that calls kernels nothing is moved out: a call keeps six registers,
** and what lies in memory is read no faster than it is computed again. In an innermost loop the multiples of its index are counted up beside it.
** With that, LLVM's own strength reduction (a fourth of the time it takes for a program) has nothing left to find: object.c leaves it out.
**
** A block belongs to the Round whose loop was open when it was made; what is no instruction belongs to none. */
#include "emit.h"

static int depth(const Round *r) { return r ? r->depth : 0; }

Round *round_of(const Body *b, LLVMValueRef value) {
    return LLVMIsAInstruction(value) ? map_get_ptr(b->rounds, LLVMGetInstructionParent(value)) : NULL;
}
Round *round_deeper(Round *a, Round *b) { return depth(a) < depth(b) ? b : a; }
void round_note(const Body *b, LLVMBasicBlockRef block) {
    if (b->round) map_set_ptr(b->rounds, block, b->round);
}

/* At the end of a block, in front of its branch if it has that already. */
static void stand_in(const Body *b, LLVMBasicBlockRef block) {
    LLVMValueRef branch = LLVMGetBasicBlockTerminator(block);
    if (branch) LLVMPositionBuilderBefore(b->e->builder, branch);
    else LLVMPositionBuilderAtEnd(b->e->builder, block);
}
LLVMBasicBlockRef place_in(const Body *b, const Round *r) {
    LLVMBasicBlockRef now = LLVMGetInsertBlock(b->e->builder);
    const Round *inner = NULL;
    for (const Round *open = b->round; depth(open) > depth(r) && !open->calls; open = open->outer) inner = open;
    if (inner) stand_in(b, inner->before);
    return now;
}
void place_back(const Body *b, LLVMBasicBlockRef block) { stand_in(b, block); }

/* ---- rounds ---- */

static bool has_loop(const LoopStatement *s) { return s->kind == STATEMENT_for && !unrolled(s->loop); }
static bool has_call(const LoopStatement *s) { return s->kind == STATEMENT_call; }
static bool any(const LoopBlock *block, bool (*test)(const LoopStatement *)) {
    for (int i = 0; i < block->list.n; i++) {
        const LoopStatement *s = block->list.v[i];
        if (test(s) || (s->kind == STATEMENT_for && any(&s->loop->body, test))) return true;
        if (s->kind == STATEMENT_if && (any(&s->branch->then, test) || any(&s->branch->otherwise, test))) return true;
    }
    return false;
}
void round_begin(Body *b, const LoopFor *loop, LLVMBasicBlockRef before, LLVMValueRef from) {
    Round *r = ARENA_NEW(b->e->arena, Round);
    *r = (Round){.outer = b->round, .depth = depth(b->round) + 1, .loop = loop, .before = before, .from = from, .calls = any(&loop->body, has_call)};
    r->innermost = !r->calls && !any(&loop->body, has_loop);
    b->round = r;
    r->first = block_new(b, "for");
}
static LLVMValueRef multiple(const Body *b, LLVMValueRef x, i64 factor) {
    LLVMBasicBlockRef now = place_in(b, round_of(b, x));
    LLVMValueRef product = LLVMBuildNSWMul(b->e->builder, x, const_i64(b->e, factor), "");
    place_back(b, now);
    return product;
}
/* factor * index, a phi beside the index's. */
static LLVMValueRef counted(const Body *b, Round *r, i64 factor) {
    LLVMBasicBlockRef now = LLVMGetInsertBlock(b->e->builder);
    for (int i = 0; i < r->products.n; i++)
        if (r->products.v[i].factor == factor) return r->products.v[i].phi;
    stand_in(b, r->before);
    LLVMValueRef from = LLVMBuildNSWMul(b->e->builder, r->from, const_i64(b->e, factor), "");
    LLVMPositionBuilderBefore(b->e->builder, LLVMGetFirstInstruction(r->first));
    LLVMValueRef phi = LLVMBuildPhi(b->e->builder, b->e->i64, "");
    LLVMAddIncoming(phi, &from, &r->before, 1);
    Product product = {factor, phi};
    vec_push(b->e->arena, &r->products, product);
    place_back(b, now);
    return phi;
}
LLVMValueRef index_times(const Body *b, const LoopFor *loop, i64 factor) {
    LLVMValueRef index = b->indices[loop->id];
    nnc_check(index, "a loop index of %s has no code", b->f->name);
    if (factor == 1) return index;
    Round *r = round_of(b, index);
    return r && r->loop == loop && r->innermost ? counted(b, r, factor) : multiple(b, index, factor);
}
void round_end(Body *b, LLVMBasicBlockRef end) {
    const Round *r = b->round;
    for (int i = 0; i < r->products.n; i++) {
        const Product *p = &r->products.v[i];
        LLVMValueRef next = LLVMBuildNSWAdd(b->e->builder, p->phi, const_i64(b->e, p->factor * r->loop->step), "");
        LLVMAddIncoming(p->phi, &next, &end, 1);
    }
    b->round = r->outer;
}

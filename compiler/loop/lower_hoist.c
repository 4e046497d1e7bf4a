/* lower_hoist.c: what a loop computes anew in every round from nothing that changes in it is computed before it.
**
** Only values, and loads of memory that the function never writes; not out of parallel loops (tasks would have to be handed them),
** of loops that may run no round, nor out of branches. Literals stay: they cost nothing where they are. */
#include "lower.h"

typedef struct Hoist {
    const LoopFunction *f;
    Arena *arena;
    u8 *inside; /* by value id: made in the loop being looked at */
} Hoist;

static void hoist_block(Hoist *h, LoopBlock *block);

/* Marks or unmarks all that is made in a block. */
static void mark_value(Hoist *h, const LoopValue *v, bool on) { h->inside[v->id] = on; }
static void mark_block(Hoist *h, const LoopBlock *block, bool on) {
    for (int i = 0; i < block->list.n; i++) {
        const LoopStatement *s = block->list.v[i];
        if (s->kind == STATEMENT_let) mark_value(h, s->value, on);
        if (s->kind == STATEMENT_for) {
            for (int k = 0; k < s->loop->n; k++) mark_value(h, s->loop->acc[k], on), mark_value(h, s->loop->results[k], on);
            mark_block(h, &s->loop->body, on);
        }
        if (s->kind == STATEMENT_if) {
            for (int k = 0; k < s->branch->n; k++) mark_value(h, s->branch->results[k], on);
            mark_block(h, &s->branch->then, on);
            mark_block(h, &s->branch->otherwise, on);
        }
    }
}
static bool affine_moves(const Hoist *h, const LoopAffine *a, const LoopFor *loop) {
    for (int i = 0; i < a->n; i++)
        if (a->terms[i].loop == loop || (a->terms[i].value && h->inside[a->terms[i].value->id])) return true;
    return false;
}
static bool stays(const Hoist *h, const LoopValue *v, const LoopFor *loop) {
    if (v->op == LOP_literal || (v->op == LOP_splat && v->args[0]->op == LOP_literal)) return true;
    for (int i = 0; i < v->n_args; i++)
        if (h->inside[v->args[i]->id] && v->args[i]->op != LOP_literal) return true;
    if (v->affine && affine_moves(h, v->affine, loop)) return true;
    if (v->op != LOP_load) return false;
    const LoopAccess *a = v->access;
    return h->f->buffers.v[a->buffer].writable || affine_moves(h, &a->at, loop) || (a->part && affine_moves(h, a->part, loop)) ||
           (a->mask && h->inside[a->mask->id]);
}
/* Literals that a hoisted value needs go along: they may stand anywhere. */
static void hoist_literals(Hoist *h, const LoopValue *v, LoopBlock *to) {
    for (int i = 0; i < v->n_args; i++) {
        const LoopValue *x = v->args[i];
        if (x->op != LOP_literal || h->inside[x->id] != 1) continue;
        LoopStatement *s = ARENA_NEW(h->arena, LoopStatement);
        *s = (LoopStatement){.kind = STATEMENT_let, .value = (LoopValue *)x};
        vec_push(h->arena, &to->list, s);
        h->inside[x->id] = 2; /* to be dropped where it was */
    }
}
static void hoist_loop(Hoist *h, LoopFor *loop, LoopBlock *before) {
    hoist_block(h, &loop->body);
    if (loop->kind == FOR_PARALLEL || loop->from || loop->to) return;
    for (int k = 0; k < loop->n; k++) mark_value(h, loop->acc[k], true);
    mark_block(h, &loop->body, true);
    LoopBlock kept = {.n_values = loop->body.n_values, .values = loop->body.values};
    for (int i = 0; i < loop->body.list.n; i++) {
        LoopStatement *s = loop->body.list.v[i];
        if (s->kind == STATEMENT_let && !stays(h, s->value, loop)) {
            hoist_literals(h, s->value, before);
            vec_push(h->arena, &before->list, s);
            h->inside[s->value->id] = 0;
        } else {
            vec_push(h->arena, &kept.list, s);
        }
    }
    loop->body = kept;
    /* literals that moved are dropped where they were */
    int n = 0;
    for (int i = 0; i < loop->body.list.n; i++) {
        LoopStatement *s = loop->body.list.v[i];
        if (s->kind == STATEMENT_let && h->inside[s->value->id] == 2) continue;
        loop->body.list.v[n++] = s;
    }
    loop->body.list.n = n;
    mark_block(h, &loop->body, false);
    for (int k = 0; k < loop->n; k++) mark_value(h, loop->acc[k], false);
}
static void hoist_block(Hoist *h, LoopBlock *block) {
    LoopBlock made = {.n_values = block->n_values, .values = block->values};
    for (int i = 0; i < block->list.n; i++) {
        LoopStatement *s = block->list.v[i];
        if (s->kind == STATEMENT_for) hoist_loop(h, s->loop, &made);
        if (s->kind == STATEMENT_if) {
            hoist_block(h, &s->branch->then);
            hoist_block(h, &s->branch->otherwise);
        }
        vec_push(h->arena, &made.list, s);
    }
    *block = made;
}
void loop_hoist(LoopFunction *f, Arena *arena) {
    Hoist h = {.f = f, .arena = arena};
    h.inside = ARENA_ARRAY(arena, u8, f->n_values);
    hoist_block(&h, &f->body);
}

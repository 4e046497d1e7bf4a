/* interpret.c: see interpret.h. Arguments are read where they lie; results are computed apart and copied to their places, since a
** result may replace an argument (a leaf of `lasting`). */
#include "interpret.h"
#include "../ir/eval.h"
#include <string.h>

static char *block_of(const nn_call *call, Block block) {
    switch (block) {
    case BLOCK_CALL: return (char *)call;
    case BLOCK_LASTING: return call->lasting;
    case BLOCK_BATCH: return call->batch;
    case BLOCK_AVERAGES: return call->averages;
    case BLOCK_HYPERS: return call->hypers;
    case BLOCK_IN: return (char *)(uintptr_t)call->in;
    case BLOCK_OUT: return call->out;
    }
    nnc_bug("block %d", (int)block);
}
static void interpret_call(const nn_call *call) {
    const Program *program = call->host;
    const Entry *entry = program->entries.v[call->function->index];
    const Func *f = entry->func;
    Arena *arena = arena_new("a call of the interpreter");
    Tensor *args = ARENA_ARRAY(arena, Tensor, f->n_params + 1), *results = ARENA_ARRAY(arena, Tensor, f->n_results + 1);
    for (int i = 0; i < f->n_params; i++)
        args[i] = (Tensor){f->params[i], block_of(call, entry->inputs[i].block) + entry->inputs[i].offset};
    for (int i = 0; i < f->n_results; i++) results[i] = tensor_new(arena, f->results[i]->type);
    func_eval(f, args, results);
    for (int i = 0; i < f->n_results; i++)
        memcpy(block_of(call, entry->outputs[i].block) + entry->outputs[i].offset, results[i].data,
               (size_t)type_bytes(results[i].type));
    arena_free(arena);
}
static void attach(void *context, nn_function *function) {
    (void)context;
    function->code = interpret_call;
}
void interpret_program(Program *program) { program_functions(program, attach, NULL); }

/* program.h: a whole page after sema: the table for the runtime (abi.h) and an IR function for each of its entries.
**
** Every floor from sema to llvm takes a Program and gives one back with other graphs (settle, opt) or numbers (plan: work,
** operations, kernels). The table's nn_function.index names the entry. */
#ifndef NNC_PROGRAM_H
#define NNC_PROGRAM_H
#include "graph.h"
#include "../base/vec.h"
#include "../../runtime/abi.h"

/* Where the bytes of an argument or a result lie. BLOCK_CALL: offset in nn_call itself (key, step, progress32..). */
typedef enum Block { BLOCK_CALL, BLOCK_LASTING, BLOCK_BATCH, BLOCK_AVERAGES, BLOCK_HYPERS, BLOCK_IN, BLOCK_OUT } Block;
typedef struct Place {
    Block block;
    i64 offset; /* bytes; row-major, unpadded, aligned to 64 in lasting, averages, in, out and batch columns */
} Place;
/* func: one param a row of `inputs`, one result a row of `outputs`. A result in BLOCK_LASTING replaces a leaf; leaves that do not
** change are no results. bool is one byte 0/1. */
typedef struct Entry {
    const char *name; /* "mlp.step" */
    const Func *func;
    Place *inputs;  /* [func->n_params] */
    Place *outputs; /* [func->n_results] */
    i64 batch_rows; /* b, when some params are columns [b, ..] (settle finds the batch axis from them); 0: none */
} Entry;
typedef struct Program {
    Graph *graph;
    nn_program table; /* filled by sema but for what plan and llvm know */
    VEC(Entry *) entries;
} Program;

/* Shows every function of the table that exists (has a name), in the order of abi.def. The pointers may be written through. */
void program_functions(Program *program, void (*see)(void *context, nn_function *function), void *context);
#endif

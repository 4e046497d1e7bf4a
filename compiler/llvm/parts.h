/* parts.h: which functions of a LoopProgram are compiled together, so that several threads can make one program.
**
** The split follows from the program alone, never from the machine, and a function's code does not depend on its part. */
#ifndef NNC_LLVM_PARTS_H
#define NNC_LLVM_PARTS_H
#include "../ir/program.h"
#include "../loop/loop.h"

typedef struct FunctionPart {
    int part;
    bool watches; /* a step, or a part of one: its calls may be watched */
    bool hot;     /* called more than once a training: not by init and start alone */
    i64 cost;     /* about proportional to the time its compilation takes */
} FunctionPart;
typedef struct Parts {
    int n;
    Map of; /* LoopFunction -> FunctionPart */
} Parts;
/* At most `most` parts; small programs are one. `program` NULL: all entries are hot and watch. */
Parts *parts_make(Arena *arena, const Program *program, const LoopProgram *loops, int most);
const FunctionPart *part_of(const Parts *parts, const LoopFunction *f);
#endif

/* text.h: the IR as text, and back: print after read is the identity. Reals as %.9g / %.17g; constants of up to 16 elements as
** values in parentheses, longer ones in hex. A function stands before its users; the last one is the whole. */
#ifndef NNC_IR_TEXT_H
#define NNC_IR_TEXT_H
#include "graph.h"
#include "../base/diag.h"

void func_print(Text *out, const Graph *g, const Func *f, const char *name);
void node_print(Text *out, const Node *node); /* one line, operands as %id: for messages */
/* Reads all functions; the last is returned. NULL and a sentence with the line in *why if the text is not IR. */
const Func *func_read(Graph *g, Arena *scratch, const char *text, const char **name, const char **why);
/* Every rule of graph.h, checked again from outside: types, closedness, attributes, no holes; `settled`: no mark, no stop, every
** sum and dot has an order. NULL, or what is wrong with the node and its neighbours. */
const char *func_verify(Arena *scratch, const Graph *g, const Func *f, bool settled);
#endif

/* compilation.h: what one run of the compiler owns; the first argument of every floor's entry. There are no globals. */
#ifndef NNC_COMPILATION_H
#define NNC_COMPILATION_H
#include "diag.h"

typedef struct Define {
    const char *name, *value; /* -D name=value */
} Define;
typedef struct Compilation {
    Arena *arena;     /* lives as long as the compilation: sources, tree, graph, program */
    Strings *strings; /* interned names */
    Diag *diag;
    const Define *defines;
    int n_defines;
    bool f64;        /* --dtype=f64: `real` is f64 everywhere */
    bool gradients;  /* --gradients: also value, gradient and second functions */
    int grains;      /* --grains=N; 0: chosen by settle */
} Compilation;
#endif

/* sema_program.h: a page in a text becomes a Program, whose functions a test calls on the interpreter with blocks of
** its own: what lasts, a batch of random columns, results. For tests of what sema puts into the table, without the
** runtime. */
#ifndef SEMA_PROGRAM_H
#define SEMA_PROGRAM_H
#include "../../compiler/ast/ast.h"
#include "../../compiler/driver/interpret.h"
#include "../../compiler/ir/text.h"
#include "../../compiler/sema/sema.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Built {
    Compilation c;
    Program *program;
    const nn_program *t;
    char *lasting, *batch, *averages, *hypers, *in, *out;
    nn_call call;
    u64 random;
} Built;
typedef struct Asked {
    bool f64, gradients;
    const char *folder;
    const Define *defines;
    int n_defines;
} Asked;

static double built_random(Built *b) {
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(b->random >> 40) / 16777216.0;
}
static char *block_new(i64 bytes) { return calloc(1, (size_t)bytes + 64); }
/* False after errors, which stay in b->c.diag. */
static bool build(Built *b, const char *text, Asked asked) {
    Arena *arena = arena_new("test");
    *b = (Built){.c = {.arena = arena,
                       .strings = strings_new(arena),
                       .diag = diag_new(arena),
                       .f64 = asked.f64,
                       .gradients = asked.gradients,
                       .defines = asked.defines,
                       .n_defines = asked.n_defines},
                 .random = 1};
    Ast *page = parse_source(&b->c, source_of_text(arena, "page.nn", text, false));
    if (!page) return false;
    b->program = sema_program(
        &b->c, page, &(SemaOptions){.folder = asked.folder ? asked.folder : "", .name = "page", .version = "test"});
    if (!b->program) return false;
    for (int i = 0; i < b->program->entries.n; i++) {
        const char *why = func_verify(arena, b->program->graph, b->program->entries.v[i]->func, false);
        if (why) return printf("FAIL %s: %s\n", b->program->entries.v[i]->name, why), false;
    }
    interpret_program(b->program);
    b->t = &b->program->table;
    b->lasting = block_new(b->t->lasting), b->batch = block_new(b->t->batch),
    b->averages = block_new(b->t->averages_bytes);
    b->hypers = block_new(b->t->hypers_bytes), b->in = block_new(b->t->out + 4096), b->out = block_new(b->t->out);
    b->call = (nn_call){.lasting = b->lasting,
                        .batch = b->batch,
                        .averages = b->averages,
                        .hypers = b->hypers,
                        .out = b->out,
                        .in = b->in,
                        .key = {7, 0},
                        .host = b->program};
    for (i64 i = 0; i < b->t->n_hypers; i++) {
        const nn_hyper *h = &b->t->hypers[i];
        if (h->kind == NN_BOOLEAN)
            b->hypers[h->offset] = h->value != 0;
        else if (h->kind == NN_INT)
            *(i32 *)(void *)(b->hypers + h->offset) = (i32)h->value;
        else if (b->t->is_f64)
            *(double *)(void *)(b->hypers + h->offset) = h->value;
        else
            *(float *)(void *)(b->hypers + h->offset) = (float)h->value;
    }
    return true;
}
static void call_of(Built *b, const nn_function *f) {
    b->call.function = f;
    f->code(&b->call);
}
static double real_at(const Built *b, const char *block, i64 offset, i64 i) {
    const char *at = block + offset;
    return b->t->is_f64 ? ((const double *)(const void *)at)[i] : (double)((const float *)(const void *)at)[i];
}
static double sum_at(const Built *b, i64 i) { return real_at(b, b->out, b->t->trains[0].sums, i); }
static const nn_leaf *leaf_named(const Built *b, const char *name) {
    for (i64 i = 0; i < b->t->n_leaves; i++)
        if (!strcmp(b->t->leaves[i].name, name)) return &b->t->leaves[i];
    printf("FAIL no leaf %s\n", name);
    exit(1);
}
static double leaf_value(const Built *b, const char *name, i64 i) {
    return real_at(b, b->lasting, leaf_named(b, name)->offset, i);
}
static i64 elements_of(i64 n, const i64 *dims) {
    i64 count = 1;
    for (i64 i = 0; i < n; i++) count *= dims[i];
    return count;
}
/* Random numbers in the columns of a feed, small ints for classes; row numbers from `first`. */
static void batch_fill(Built *b, const nn_feed *feed, i64 first) {
    const nn_set *set = &b->t->sets[feed->set];
    for (i64 c = 0; c < feed->n_columns; c++) {
        const nn_column *col = &set->columns[c];
        char *at = b->batch + feed->columns[c];
        for (i64 i = 0; feed->columns[c] >= 0 && i < feed->rows * (col->window ? col->window : 1) * elements_of(col->n_dims, col->dims); i++) {
            double x = built_random(b);
            if (col->dtype == NN_F32) ((float *)(void *)at)[i] = (float)(x - 0.5);
            if (col->dtype == NN_F64) ((double *)(void *)at)[i] = x - 0.5;
            if (col->dtype == NN_I32) ((i32 *)(void *)at)[i] = (i32)(x * (double)col->classes);
            if (col->dtype == NN_U8) ((u8 *)at)[i] = (u8)(x * (col->element == NN_CLASS ? (double)col->classes : 255));
            if (col->dtype == NN_BOOL) at[i] = x > 0.5;
        }
    }
    for (i64 r = 0; feed->row >= 0 && r < feed->rows; r++)
        ((i32 *)(void *)(b->batch + feed->row))[r] = (i32)(first + r);
    b->call.valid = (i32)feed->rows;
}
/* Initial parameters and states, a first batch. */
static void begin(Built *b) {
    const nn_train *t = &b->t->trains[0];
    call_of(b, &b->t->init);
    if (t->start.code) call_of(b, &t->start);
    batch_fill(b, &t->feed, 0);
}
static bool close_to(double a, double b, double within) { return fabs(a - b) <= within * (1 + fabs(b)); }
#endif

/* table.h: what table.c and table_train.c share while they fill the table. */
#ifndef NNC_SEMA_TABLE_H
#define NNC_SEMA_TABLE_H
#include "page.h"

typedef struct Table {
    Eval *e;
    nn_program *t;
    i64 real; /* bytes of a real */
    VEC(Slot *) leaves;
    VEC(nn_leaf) rows;
    Map index; /* Slot -> its row + 1 */
} Table;
nn_function no_function(void);
i64 line_of(Span span); /* 0: of the library */
const i64 *dims_of(Eval *e, const Shape *shape);
i64 leaf_index(const Table *x, const Slot *s);
i64 leaf_offset(const Table *x, const Slot *s);
void initial_add(const Table *x, Results *results, Slot *s);
void batch_counts(Table *x, const nn_feed *feed);
void out_counts(Table *x, i64 bytes);
void trains_fill(Table *x);
nn_generate generate_row(Table *x, Generate *generate); /* generate.c */
#endif

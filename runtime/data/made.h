/* made.h: sets made of other sets: an example is a list of rows of its base (of each base, for `beside`), drawn anew
** for each row of each step. made.c opens them and finds the rows of each class, task.c draws, fill.c copies. */
#ifndef NN_MADE_H
#define NN_MADE_H
#include "reader.h"

typedef enum MadeKind { MADE_FEW_SHOT, MADE_SEQUENCE, MADE_PAIRS, MADE_GROUP, MADE_BESIDE, N_MADE } MadeKind;

/* The rows of a part of the base by class: rows[first[c]] .. of class number[c], in order; numbers rise. */
typedef struct ClassRows {
    int64_t n;
    int32_t *numbers;
    int64_t *first; /* [n + 1] */
    uint32_t *rows;
} ClassRows;

enum { FILL_TASKS = 8 }; /* parts of a batch that are filled at a time */
struct Made {
    MadeKind kind;
    const Set **bases;
    int64_t n_bases;
    int64_t ways, shots, queries; /* group: shots of one way */
    int64_t length;               /* rows of an example's list */
    bool rotate;
    ClassRows classes[N_PARTS];
    uint32_t *identity;            /* 0, 1, .. as many as anything is chosen from; the same before and after a choice */
    uint32_t *swapped;             /* [most that is chosen at once] */
    uint32_t *chosen;              /* the same */
    uint32_t *rows;                /* [batch, length] rows of the part, of the examples being filled; */
    int32_t *labels;               /* their labels, */
    uint8_t *turns;                /* and by how many quarters they are turned */
    uint8_t *pictures[FILL_TASKS]; /* a value before it is turned */
};
/* The side of a square picture [h, h, ..], 0 for other columns. */
static inline int64_t picture_side(const nn_column *column) {
    return column->n_dims >= 2 && column->dims[0] == column->dims[1] ? column->dims[0] : 0;
}
STATUS made_open(Reading *reading, const Set *sets); /* its bases are open */
/* Draws example `example` of a batch: number `row` of step `step`. */
void task_draw(const Set *set, Part part, int64_t example, uint32_t row, uint32_t step, const uint32_t key[2]);
#endif

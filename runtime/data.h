/* data.h: the data of a page: what the files hold, checked, in columns of stored type; which rows are training,
** validation, test.
**
** A set has up to three files (or sets of files): file 0 holds training rows, or all; files 1 and 2 validation and
** test rows, where the page names such files. A *raw row* is a row of a file (a character of a text, an image of an
** idx). A *row* of a part is what fields are computed from: a raw row, or where windows are used `every` raw rows
** apart. Readers are one file each in data/; what they share is data/reader.h. */
#ifndef NN_DATA_H
#define NN_DATA_H
#include "abi.h"
#include "console.h"
#include "json.h"
#include "order.h"

typedef struct Column {
    const nn_column *spec;
    int64_t elements;               /* numbers in a raw row */
    int64_t dtype;                  /* as kept here: that of the batch, or NN_U8, which filling widens */
    const uint8_t *values[N_PARTS]; /* [raw rows, elements] of dtype, of each file; NULL: no such file, or not read */
    int64_t n_classes;              /* of NN_CLASS: names found in the data or given by the page; 0: numbers */
    const char **classes;
} Column;
typedef struct SourceFile { /* for run.json and checkpoints */
    const char *path;
    int64_t bytes;
    char sha256[65]; /* "" until sources_hash */
} SourceFile;
typedef struct PartRows {
    int64_t rows;
    int file;              /* in which they lie */
    int64_t first, every;  /* raw row of row r: first + r every, */
    const uint32_t *index; /* or index[r] */
} PartRows;
static inline int64_t part_raw_row(const PartRows *part, int64_t row) {
    return part->index ? (int64_t)part->index[row] : part->first + row * part->every;
}
typedef struct Made Made; /* data/made.h: a set made of other sets */
typedef struct Set {
    const nn_set *spec;
    int64_t index;             /* in the program */
    bool endless;              /* drawn or made: training has no rows of its own, `rows` of PART_TRAIN is 0 */
    Made *made;                /* NULL: it reads files, or nothing */
    Column *columns;           /* [spec->n_columns]; values NULL where nothing needs them */
    int64_t raw_rows[N_PARTS]; /* of each file */
    PartRows parts[N_PARTS];
    int64_t n_files;
    SourceFile *files;
    Bytes *owned; /* what the columns lie in: freed by data_close */
    int64_t n_owned;
} Set;

/* What data_open needs of the command line. */
typedef struct DataRequest {
    int64_t n_paths;
    const char *const *paths;   /* NAME=PATH */
    const bool *used;           /* [n_sets]: sets to read (others stay empty) */
    const bool *const *columns; /* [n_sets][n_columns]: columns to read; NULL: all */
    bool whole;                 /* no split: all rows of file 0 are PART_TEST (predict --in) */
    const JsonValue *classes;   /* classes by "SET/FIELD" of an earlier run, which then hold; or NULL */
    int (*stopped)(void *);     /* asked every 1000 rows; a number that is not 0 ends the reading */
    void *stopped_by;
} DataRequest;
STATUS data_open(Console *console, const nn_program *program, const DataRequest *request, Set *sets);
void data_close(Set *sets, int64_t n);
STATUS sources_hash(Console *console, Set *sets, int64_t n);

/* Writes rows of a part into a batch as `feed` says: rows[i], or first + i if rows is NULL; i < valid. The rows
** behind, up to feed->rows, repeat the first. `row` of example i is number + i; an example of a made set is drawn by
** (step, number + i). `fresh`: every carry starts anew. */
typedef struct Fill {
    Part part;
    const uint32_t *rows;
    int64_t first, valid, number;
    bool fresh;
    int32_t step;        /* by which examples are drawn: the step that began to hold the batch, -2 in evaluations */
    const uint32_t *key; /* [2] */
    nn_pool *pool;       /* shares a large copy among its threads; NULL: this one does it */
} Fill;
void set_fill(const Set *set, const nn_feed *feed, const Fill *fill, uint8_t *batch);
#endif

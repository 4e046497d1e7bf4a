/* reader.h: what the readers of data share. A reader fills, for file 0..2 of a set, raw_rows[file] and the values of
** the columns it knows; open.c finds the paths before and splits the rows after. */
#ifndef NN_READER_H
#define NN_READER_H
#include "../data.h"
#include "../options.h"
#include <zlib.h>

typedef struct Reading {
    Console *console;
    const nn_program *program;
    const DataRequest *request;
    Set *set;
    const bool *wanted;         /* [n_columns]; NULL: all */
    char folder[4096];          /* of --data, else the page's */
    const char *file;           /* of --data, when that is a file; NULL: none */
    const char *paths[N_PARTS]; /* of the source's files, for messages */
} Reading;
static inline bool column_wanted(const Reading *reading, int64_t column) {
    return !reading->wanted || reading->wanted[column];
}

/* A file read from its start to its end, unzipped if it is gzip. */
typedef struct DataFile {
    Console *console;
    const char *path;
    Bytes bytes;
    size_t at; /* of a plain file */
    bool zipped;
    int members;
    z_stream zip;
} DataFile;
STATUS file_open(Reading *reading, const char *name, DataFile *file); /* name as the page writes it */
STATUS file_read(DataFile *file, void *to, size_t n, size_t *got);    /* less than n only at the end */
size_t file_most(const DataFile *file); /* that can still come: exact for a plain file, deflate's 1032 to 1 for gzip */
STATUS file_whole(DataFile *file, Bytes *whole); /* what is left; the caller frees it, or has the set keep it */
void file_close(DataFile *file);
/* For run.json; NULL after having said that memory is short. */
SourceFile *source_add(Console *console, Set *set, const char *path, int64_t bytes);
/* Memory or a mapping that the set keeps. */
STATUS set_keep(Console *console, Set *set, Bytes bytes);

/* What stands behind " = ": the field that needs it. Valid until the next call with the same Text. */
const char *column_note(const Reading *reading, const nn_column *column, Text *to);
/* Prints a data error and counts it; OK while fewer than MAX_DATA_ERRORS, so that reading goes on to find the next. */
STATUS data_error(const Reading *reading, Spot spot, const nn_column *column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
STATUS reading_poll(const Reading *reading, int64_t row); /* each 1000 rows: has a signal come? */

/* Names of classes met in the cells of a column, over all files. Ids are given in order of appearance. */
typedef struct ClassTable {
    int64_t n, capacity; /* capacity of slots, a power of two */
    int32_t *slots;      /* id or -1, by hash */
    struct ClassName {
        char *name;
        size_t length;
        Spot spot; /* where it stood first */
    } *names;
} ClassTable;
int32_t class_id(ClassTable *table, const char *name, size_t n, Spot spot); /* -1: no memory */
void class_table_free(ClassTable *table);
/* Ids become classes (see classes.c); `map` gets the class of each id. Sets column->classes. */
STATUS classes_settle(const Reading *reading, Column *column, ClassTable *table, int32_t **map);

/* A decimal number, the whole of s[0..n). */
bool number_read(const char *s, size_t n, double *to);

/* Classes of symbols: a list in order, of the page or an earlier run, or NULL. */
const char **classes_given(const Reading *reading, Column *column, int64_t *n);
/* Files of parts that this set reads: file 0, and 1 and 2 unless --data gave one file. */
static inline bool file_wanted(const Reading *reading, int file) {
    const nn_set *spec = reading->set->spec;
    return file < spec->n_files && *spec->files[file] && !(file && reading->file);
}
/* UTF-8: the code point at s and its length; length 0 where there is none. */
int32_t code_point(const char *s, const char *end, int *length);
void code_text(int32_t code, char to[5]);                       /* its UTF-8; of 0: "" */
STATUS utf8_fail(const Reading *reading, Spot spot, char byte); /* which is no UTF-8, or 0 */

/* Column c becomes what an earlier column is that reads the same; false: there is none. */
bool column_shared(Reading *reading, int64_t c);

/* Cells of a csv that are texts (strings.c): their length; their code points, as many as the column has places. */
STATUS string_count(const Reading *reading, Spot spot, const char *s, size_t bytes, double *to);
STATUS string_store(const Reading *reading, Spot spot, const nn_column *spec, const char *s, size_t bytes, int32_t *to);
STATUS strings_settle(const Reading *reading, Column *column); /* when all files are read: code points become classes */

/* Arrays of numbers as idx and npy files hold them (array.c). */
typedef struct ArrayType {
    char kind; /* u, i unsigned and signed, b bool, f float */
    int bytes;
    bool big; /* the first byte counts most */
    const char *name;
} ArrayType;
enum { MAX_ARRAY_RANK = 8 };
typedef struct ArrayHeader {
    ArrayType type;
    int64_t rank, rows, elements; /* elements of a row */
    int64_t dims[MAX_ARRAY_RANK];
} ArrayHeader;
double array_value(const ArrayType *type, const uint8_t *at); /* one number of it */
/* Fills rows and elements from the dims; NULL, or why not. */
const char *array_sizes(ArrayHeader *header);
/* Does the array fit the column and the other files of the set, and its bytes (of which there are at most `most`, or
 * exactly) the file? */
STATUS array_check(Reading *reading, int f, const char *path, size_t most, bool exactly, const ArrayHeader *header,
                   const nn_column *spec, int64_t *bytes);
/* The values of file f of a column are those at `from`, which the set keeps: left there or converted, and checked. */
STATUS array_take(Reading *reading, Column *column, int f, const char *path, const ArrayHeader *header,
                  const uint8_t *from);
/* An array whose header has been read, the rest of the file its values. */
STATUS array_read(Reading *reading, Column *column, int f, DataFile *file, const ArrayHeader *header);
/* Each file that a column names, by `read`. */
STATUS column_files(Reading *reading, int64_t column,
                    Status (*read)(Reading *reading, Column *column, int f, DataFile *file));

/* The readers. Of a column: those of files that hold it alone; the others read all columns of theirs at once. */
STATUS csv_read(Reading *reading);
STATUS chars_read(Reading *reading);
STATUS words_read(Reading *reading);
STATUS images_read(Reading *reading); /* in programs that are linked with it */
STATUS idx_read(Reading *reading, int64_t column);
STATUS npy_read(Reading *reading, int64_t column);
STATUS npz_read(Reading *reading, int64_t column);
#endif

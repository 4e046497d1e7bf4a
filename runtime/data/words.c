/* words.c: `words`: a row is a word, what stands between white space, a class by its place in the vocabulary: the
** words of all parts in byte order, or the list of the page or of the run that trained. A text of whole numbers is its
** own classes, as a column of a csv is. */
#include "reader.h"
#include <stdlib.h>
#include <string.h>

typedef struct Words {
    Reading *reading;
    Column *column;
    ClassTable table;
    int32_t *ids[N_PARTS];
} Words;

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
/* The next word from *at on, its length; 0: none. Lines passed are counted. */
static size_t next_word(const char **at, const char *end, int64_t *line) {
    while (*at < end && is_space(**at)) *line += *(*at)++ == '\n';
    const char *s = *at;
    while (s < end && !is_space(*s)) s++;
    return (size_t)(s - *at);
}
static Status word_check(const Words *x, const char *word, size_t n, Spot spot) {
    const char *end = word + n;
    for (int length; word < end; word += length)
        if (code_point(word, end, &length) <= 0) return utf8_fail(x->reading, spot, *word);
    return OK;
}
static Status text_words(Words *x, int f, const char *path, const char *text, size_t n) {
    const char *s = text, *end = text + n;
    int64_t line = 1, rows = 0;
    for (size_t length; (length = next_word(&s, end, &line)); s += length) rows++;
    Bytes block = {.n = 4 * (size_t)rows, .owned = malloc(4 * (size_t)rows + 1)};
    if (!(x->ids[f] = block.owned))
        return console_fail(x->reading->console, FAILED_LIMIT, "not enough memory for %s", path);
    TRY(set_keep(x->reading->console, x->reading->set, block));
    if (!rows)
        return console_fail_at(x->reading->console, FAILED_DATA, (Spot){.file = path}, NULL, "it holds no words");
    s = text, line = 1, rows = 0;
    for (size_t length; (length = next_word(&s, end, &line)); s += length, rows++) {
        Spot spot = {path, line, NULL};
        TRY(reading_poll(x->reading, rows + 1));
        int64_t known = x->table.n;
        int32_t id = class_id(&x->table, s, length, spot);
        if (id < 0) return console_fail(x->reading->console, FAILED_LIMIT, "not enough memory for %s", path);
        if (id == known) TRY(word_check(x, s, length, spot));
        x->ids[f][rows] = id;
    }
    x->reading->set->raw_rows[f] = rows;
    return OK;
}
static Status file_words(Words *x, int f) {
    DataFile file;
    Bytes whole;
    TRY(file_open(x->reading, x->reading->set->spec->files[f], &file));
    Status status = file_whole(&file, &whole);
    size_t mark = !status && whole.n >= 3 && !memcmp(whole.data, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (!status) status = text_words(x, f, file.path, (const char *)whole.data + mark, whole.n - mark);
    bytes_free(&whole);
    file_close(&file);
    return status;
}
static Status column_read(Words *x) {
    Column *column = x->column;
    int64_t listed, k = column->spec->classes;
    int32_t *map;
    for (int f = 0; f < N_PARTS; f++)
        if (file_wanted(x->reading, f)) TRY(file_words(x, f));
    (void)classes_given(x->reading, column, &listed);
    if (!listed && x->table.n > k) {
        TRY(data_error(x->reading, (Spot){.file = x->table.names[0].spot.file}, column->spec,
                       "it has %lld different words, the page %lld classes", (long long)x->table.n, (long long)k));
        return FAILED_DATA;
    }
    TRY(classes_settle(x->reading, column, &x->table, &map));
    column->dtype = NN_I32;
    column->elements = 1;
    for (int f = 0; f < N_PARTS; f++) {
        column->values[f] = (const uint8_t *)x->ids[f];
        for (int64_t i = 0; x->ids[f] && i < x->reading->set->raw_rows[f]; i++) x->ids[f][i] = map[x->ids[f][i]];
    }
    return OK;
}
Status words_read(Reading *reading) {
    const nn_set *spec = reading->set->spec;
    for (int64_t c = 0; c < spec->n_columns; c++) {
        if (!column_wanted(reading, c) || strcmp(spec->columns[c].reader, "word") || column_shared(reading, c))
            continue;
        Words x = {.reading = reading, .column = &reading->set->columns[c]};
        Status status = column_read(&x);
        class_table_free(&x.table);
        TRY(status);
    }
    return OK;
}

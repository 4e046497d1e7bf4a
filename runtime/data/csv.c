/* csv.c: comma-separated values, RFC 4180: quotes, doubled quotes, line ends LF or CRLF, a byte order mark; gzip as
** well.
**
** A record's row is the line of the file it begins on. Empty lines are passed over. Line 1 is a header if the page
** names a column, or if a cell of it that the page uses is no number. Cells keep spaces around numbers out. */
#include "reader.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CELLS = 65536, MAX_CELL = 1 << 20, DROPPED = 1 << 18 };
typedef struct Cell {
    const char *s;
    size_t n;
} Cell;
typedef struct Csv {
    Reading *reading;
    const char *path, *at, *end;
    Bytes text;   /* the whole file */
    int64_t line; /* of `at` */
    int64_t row;  /* line of the record read last */
    Cell *cells;  /* of it */
    int64_t n_cells, capacity;
    char **unquoted; /* cells with doubled quotes, written once: of the header, then of this record */
    int64_t n_unquoted, unquoted_capacity, header_unquoted;
    int64_t width;    /* cells of the first record */
    Cell *header;     /* names, if there is a header */
    int64_t **places; /* of each column of the set: cells it takes */
    int file;
} Csv;
static Spot spot_of(const Csv *csv, const char *column) { return (Spot){csv->path, csv->row, column}; }
static Status fail_memory(const Csv *csv) {
    return console_fail(csv->reading->console, FAILED_LIMIT, "not enough memory for %s", csv->path);
}

/* ---- records */
static Status cell_add(Csv *csv, const char *s, size_t n) {
    if (n > MAX_CELL)
        return console_fail_at(csv->reading->console, FAILED_LIMIT, spot_of(csv, NULL), NULL,
                               "a cell is longer than 1 MiB");
    if (csv->n_cells == csv->capacity) {
        if (csv->n_cells == MAX_CELLS)
            return console_fail_at(csv->reading->console, FAILED_LIMIT, spot_of(csv, NULL), NULL,
                                   "more than %d columns", MAX_CELLS);
        Cell *grown = realloc(csv->cells, sizeof *grown * (size_t)(2 * csv->capacity + 64));
        if (!grown) return fail_memory(csv);
        csv->cells = grown;
        csv->capacity = 2 * csv->capacity + 64;
    }
    csv->cells[csv->n_cells++] = (Cell){s, n};
    return OK;
}
/* Memory for a cell with doubled quotes, for as long as its record is looked at. */
static char *unquoted_add(Csv *csv, size_t n) {
    if (csv->n_unquoted == csv->unquoted_capacity) {
        int64_t capacity = 2 * csv->unquoted_capacity + 16;
        char **grown = realloc(csv->unquoted, sizeof *grown * (size_t)capacity);
        if (!grown) return NULL;
        csv->unquoted = grown;
        csv->unquoted_capacity = capacity;
    }
    return csv->unquoted[csv->n_unquoted++] = malloc(n + 1);
}
static void unquoted_free(Csv *csv, int64_t from) {
    while (csv->n_unquoted > from) free(csv->unquoted[--csv->n_unquoted]);
}
/* A cell in quotes; `at` is behind the first one. */
static Status cell_quoted(Csv *csv) {
    const char *from = csv->at;
    size_t doubled = 0;
    for (;; csv->at++) {
        if (csv->at == csv->end)
            return console_fail_at(csv->reading->console, FAILED_DATA, spot_of(csv, NULL), NULL,
                                   "a quote that opens in this row never closes");
        if (*csv->at == '\n') csv->line++;
        if (*csv->at != '"') continue;
        if (csv->at + 1 == csv->end || csv->at[1] != '"') break;
        csv->at++;
        doubled++;
    }
    size_t n = (size_t)(csv->at++ - from);
    if (!doubled) return cell_add(csv, from, n);
    char *to = unquoted_add(csv, n - doubled);
    if (!to) return fail_memory(csv);
    size_t k = 0;
    for (size_t i = 0; i < n; i++, k++) {
        to[k] = from[i];
        i += from[i] == '"';
    }
    return cell_add(csv, to, k);
}
static Status cell_read(Csv *csv) {
    if (csv->at < csv->end && *csv->at == '"') {
        csv->at++;
        TRY(cell_quoted(csv));
        if (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n' && *csv->at != '\r')
            return console_fail_at(csv->reading->console, FAILED_DATA, spot_of(csv, NULL), NULL,
                                   "something stands behind the closing quote of cell %lld", (long long)csv->n_cells);
        return OK;
    }
    const char *from = csv->at;
    while (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n') csv->at++;
    size_t n = (size_t)(csv->at - from);
    bool line_end = csv->at == csv->end || *csv->at == '\n';
    return cell_add(csv, from, n - (line_end && n && from[n - 1] == '\r'));
}
/* *more: there was a record. */
static Status record_read(Csv *csv, bool *more) {
    for (;
         csv->at < csv->end && (*csv->at == '\n' || (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n'));
         csv->at++)
        csv->line += *csv->at == '\n';
    csv->n_cells = 0;
    unquoted_free(csv, csv->header_unquoted);
    csv->row = csv->line;
    *more = csv->at < csv->end;
    if (!*more) return OK;
    for (;;) {
        TRY(cell_read(csv));
        if (csv->at < csv->end && *csv->at == '\r') csv->at++;
        if (csv->at == csv->end) return OK;
        char c = *csv->at++;
        if (c == '\n') {
            csv->line++;
            return OK;
        }
    }
}

/* ---- which cells a column takes */
static bool column_is_csv(const Reading *reading, int64_t c) {
    const char *reader = reading->set->spec->columns[c].reader;
    return column_wanted(reading, c) && (!strcmp(reader, "column") || !strcmp(reader, "columns") ||
                                         !strcmp(reader, "characters") || !strcmp(reader, "count"));
}
static Cell trimmed(Cell cell) {
    while (cell.n && (*cell.s == ' ' || *cell.s == '\t')) cell.s++, cell.n--;
    while (cell.n && (cell.s[cell.n - 1] == ' ' || cell.s[cell.n - 1] == '\t')) cell.n--;
    return cell;
}
static Status place_named(Csv *csv, const nn_column *spec, const char *name, int64_t *place) {
    *place = -1;
    for (int64_t i = 0; i < csv->width; i++) {
        Cell cell = trimmed(csv->header[i]);
        if (cell.n != strlen(name) || memcmp(cell.s, name, cell.n)) continue;
        if (*place >= 0)
            return console_fail_at(csv->reading->console, FAILED_DATA, (Spot){csv->path, 1, name}, NULL,
                                   "two columns have this name");
        *place = i;
    }
    if (*place >= 0) return OK;
    const char *names[256];
    char kept[256][65];
    int64_t n = 0;
    for (; n < csv->width && n < 256; n++) {
        Cell cell = trimmed(csv->header[n]);
        size_t length = cell.n < 64 ? cell.n : 64;
        memcpy(kept[n], cell.s, length);
        kept[n][length] = 0;
        names[n] = kept[n];
    }
    const char *near = name_near(name, names, n);
    Text note = {0}, shown = {0};
    if (near) text_shown(&shown, near, strlen(near));
    bool other = csv->width == 1 && memchr(csv->header[0].s, ';', csv->header[0].n);
    (void)console_fail_at(csv->reading->console, FAILED_DATA, (Spot){csv->path, 1, NULL},
                          column_note(csv->reading, spec, &note), "the file has no column \"%s\"%s%s%s%s", name,
                          near ? "; did you mean \"" : "", near ? shown.bytes : "", near ? "\"?" : "",
                          other ? "; its cells are separated by ';', but must be by ','" : "");
    text_free(&note);
    text_free(&shown);
    return FAILED_DATA;
}
static bool is_characters(const nn_column *spec) { return !strcmp(spec->reader, "characters"); }
static int64_t places_count(const nn_column *spec) { return spec->n_names ? spec->n_names : spec->high - spec->low; }
/* Values that a row keeps. */
static int64_t values_count(const nn_column *spec) {
    return is_characters(spec) && spec->n_dims ? spec->dims[0] : places_count(spec);
}
static Status places_find(Csv *csv, int64_t c) {
    Reading *reading = csv->reading;
    const nn_column *spec = &reading->set->spec->columns[c];
    int64_t n = places_count(spec);
    int64_t *places = csv->places[c] = console_memory(reading->console, 8 * n, "the columns");
    if (!places) return FAILED_LIMIT;
    for (int64_t i = 0; i < n; i++) {
        if (spec->n_names) {
            TRY(place_named(csv, spec, spec->names[i], &places[i]));
            continue;
        }
        places[i] = spec->low + i;
        if (places[i] >= csv->width) {
            Text note = {0};
            bool other = csv->width == 1 && (memchr(csv->cells[0].s, ';', csv->cells[0].n) ||
                                             memchr(csv->cells[0].s, '\t', csv->cells[0].n));
            (void)console_fail_at(reading->console, FAILED_DATA, spot_of(csv, NULL), column_note(reading, spec, &note),
                                  "the file has %lld columns, the page takes %lld..%lld%s", (long long)csv->width,
                                  (long long)spec->low, (long long)spec->high,
                                  other ? "; cells must be separated by ','" : "");
            text_free(&note);
            return FAILED_DATA;
        }
    }
    return OK;
}
/* Reads the first record; leaves `at` on the first row of data. */
static Status header_read(Csv *csv) {
    const nn_set *spec = csv->reading->set->spec;
    bool more, named = false, numbers = true;
    const char *start = csv->at;
    TRY(record_read(csv, &more));
    if (!more)
        return console_fail_at(csv->reading->console, FAILED_DATA, (Spot){.file = csv->path}, NULL,
                               "the file has no rows");
    csv->width = csv->n_cells;
    for (int64_t c = 0; c < spec->n_columns; c++)
        named |= column_is_csv(csv->reading, c) && spec->columns[c].n_names > 0;
    csv->header = malloc(sizeof(Cell) * (size_t)csv->width);
    if (!csv->header) return fail_memory(csv);
    memcpy(csv->header, csv->cells, sizeof(Cell) * (size_t)csv->width);
    for (int64_t c = 0; c < spec->n_columns; c++) {
        if (!column_is_csv(csv->reading, c)) continue;
        TRY(places_find(csv, c));
        for (int64_t i = 0; i < places_count(&spec->columns[c]); i++) {
            Cell cell = trimmed(csv->cells[csv->places[c][i]]);
            double value;
            numbers &= number_read(cell.s, cell.n, &value);
        }
    }
    csv->header_unquoted = csv->n_unquoted;
    if (named || !numbers) return OK;
    csv->header_unquoted = 0;
    free(csv->header);
    csv->header = NULL;
    csv->at = start;
    csv->line = 1;
    return OK;
}

/* ---- cells */
static const char *cell_column(const Csv *csv, int64_t place, char *buffer, size_t n) {
    if (csv->header) {
        Cell cell = trimmed(csv->header[place]);
        snprintf(buffer, n, "%.*s", (int)(cell.n < n ? cell.n : n - 1), cell.s);
    } else
        snprintf(buffer, n, "%lld", (long long)place);
    return buffer;
}
static Status fail_cell(const Csv *csv, const nn_column *spec, int64_t place, Cell cell, const char *what) {
    Text shown = {0};
    char name[128];
    text_shown(&shown, cell.s, cell.n);
    Status status;
    if (cell.n)
        status = data_error(csv->reading, spot_of(csv, cell_column(csv, place, name, sizeof name)), spec, "\"%s\" %s",
                            shown.bytes ? shown.bytes : "", what);
    else
        status = data_error(csv->reading, spot_of(csv, cell_column(csv, place, name, sizeof name)), spec,
                            "the cell is empty");
    text_free(&shown);
    return status;
}
static Status fail_bool(const Csv *csv, const nn_column *spec, int64_t place, Cell cell) {
    return fail_cell(csv, spec, place, cell, "is not 0, 1, true or false");
}
/* Cells that are texts: `characters` to `to`, `count` as a number. */
static Status cell_text(const Csv *csv, const nn_column *spec, int64_t place, Cell cell, int32_t *to, double *count) {
    char name[128];
    Spot spot = spot_of(csv, cell_column(csv, place, name, sizeof name));
    if (!cell.n) return fail_cell(csv, spec, place, cell, "");
    if (is_characters(spec)) return string_store(csv->reading, spot, spec, cell.s, cell.n, to);
    return string_count(csv->reading, spot, cell.s, cell.n, count);
}
static Status cell_store(const Csv *csv, const nn_column *spec, int64_t place, ClassTable *classes, uint8_t *to) {
    Cell cell = trimmed(csv->cells[place]);
    double value = 0;
    if (is_characters(spec)) return cell_text(csv, spec, place, cell, (int32_t *)(void *)to, NULL);
    if (spec->element == NN_CLASS) {
        int32_t id = cell.n ? class_id(classes, cell.s, cell.n, spot_of(csv, NULL)) : 0;
        if (!cell.n) return fail_cell(csv, spec, place, cell, "");
        memcpy(to, &id, 4);
        return id < 0 ? fail_memory(csv) : OK;
    }
    if (!strcmp(spec->reader, "count"))
        TRY(cell_text(csv, spec, place, cell, NULL, &value));
    else if (spec->element == NN_BOOLEAN &&
             ((cell.n == 4 && !memcmp(cell.s, "true", 4)) || (cell.n == 5 && !memcmp(cell.s, "false", 5))))
        value = cell.n == 4;
    else if (!number_read(cell.s, cell.n, &value))
        return spec->element == NN_BOOLEAN ? fail_bool(csv, spec, place, cell)
                                           : fail_cell(csv, spec, place, cell, "is not a number");
    bool whole = value == floor(value) && fabs(value) <= INT32_MAX;
    if (spec->element == NN_BOOLEAN && value != 0 && value != 1) return fail_bool(csv, spec, place, cell);
    if (spec->element == NN_INT && !whole) return fail_cell(csv, spec, place, cell, "is not a whole number below 2^31");
    if (spec->dtype == NN_F32)
        memcpy(to, &(float){(float)value}, 4);
    else if (spec->dtype == NN_F64)
        memcpy(to, &value, 8);
    else if (spec->dtype == NN_I32)
        memcpy(to, &(int32_t){(int32_t)value}, 4);
    else
        *to = (uint8_t)value;
    if (spec->dtype == NN_F32 && !isfinite((float)value))
        return fail_cell(csv, spec, place, cell, "is beyond the largest float32");
    return OK;
}
static int64_t cell_bytes(const nn_column *spec) { return spec->element == NN_CLASS ? 4 : nn_dtype_bytes(spec->dtype); }
/* The text behind the rows that are stored is given back a stretch at a time. */
static void text_drop(Csv *csv, size_t *dropped) {
    size_t at = (size_t)(csv->at - (const char *)csv->text.data);
    if (at - *dropped < DROPPED) return;
    bytes_drop(&csv->text, *dropped, at);
    *dropped = at;
}
static Status rows_read(Csv *csv, ClassTable *tables, uint8_t **values) {
    Reading *reading = csv->reading;
    const nn_set *spec = reading->set->spec;
    int64_t *rows = &reading->set->raw_rows[csv->file];
    size_t dropped = (size_t)(csv->at - (const char *)csv->text.data); /* the header stays */
    for (bool more;; (*rows)++) {
        TRY(reading_poll(reading, *rows + 1));
        text_drop(csv, &dropped);
        TRY(record_read(csv, &more));
        if (!more) return OK;
        if (csv->n_cells != csv->width) {
            TRY(data_error(reading, spot_of(csv, NULL), NULL, "the row has %lld cells, the first line %lld",
                           (long long)csv->n_cells, (long long)csv->width));
            continue;
        }
        for (int64_t c = 0; c < spec->n_columns; c++) {
            if (!column_is_csv(reading, c)) continue;
            const nn_column *column = &spec->columns[c];
            int64_t n = places_count(column), kept = values_count(column), size = cell_bytes(column);
            for (int64_t i = 0; i < n; i++)
                TRY(cell_store(csv, column, csv->places[c][i], &tables[c], values[c] + (*rows * kept + i) * size));
        }
    }
}
/* Room for as many rows as there are lines. */
static Status values_allocate(Csv *csv, uint8_t **values) {
    const nn_set *spec = csv->reading->set->spec;
    int64_t lines = 1;
    for (const char *p = csv->at; p < csv->end && (p = memchr(p, '\n', (size_t)(csv->end - p))); p++) lines++;
    for (int64_t c = 0; c < spec->n_columns; c++) {
        if (!column_is_csv(csv->reading, c)) continue;
        Column *column = &csv->reading->set->columns[c];
        column->elements = values_count(&spec->columns[c]);
        column->dtype = spec->columns[c].element == NN_CLASS ? NN_I32 : spec->columns[c].dtype;
        Bytes block = {.n = (size_t)(lines * column->elements * cell_bytes(&spec->columns[c]))};
        values[c] = block.owned = malloc(block.n + 1);
        if (!values[c]) return fail_memory(csv);
        column->values[csv->file] = values[c];
        TRY(set_keep(csv->reading->console, csv->reading->set, block));
    }
    return OK;
}
static Status file_rows(Csv *csv, ClassTable *tables, uint8_t **values) {
    const char *text = (const char *)csv->text.data;
    size_t n = csv->text.n;
    csv->at = text;
    csv->end = text + n;
    csv->line = 1;
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) csv->at += 3;
    if (memchr(text, 0, n < 4096 ? n : 4096))
        return console_fail_at(csv->reading->console, FAILED_DATA, (Spot){.file = csv->path}, NULL,
                               "it is no text: it holds bytes of 0");
    TRY(header_read(csv));
    TRY(values_allocate(csv, values));
    TRY(rows_read(csv, tables, values));
    if (csv->reading->set->raw_rows[csv->file] || csv->reading->console->data_errors) return OK;
    return console_fail_at(csv->reading->console, FAILED_DATA, (Spot){.file = csv->path}, NULL,
                           "the file has a header but no rows");
}
static Status csv_file(Reading *reading, int f, const char *name, ClassTable *tables) {
    int64_t n_columns = reading->set->spec->n_columns;
    DataFile file;
    TRY(file_open(reading, name, &file));
    Csv csv = {.reading = reading, .path = file.path, .file = f};
    Status status = file_whole(&file, &csv.text);
    reading->paths[f] = file.path;
    file_close(&file);
    if (status) return status;
    uint8_t **values = console_memory(reading->console, 8 * n_columns, "the columns");
    csv.places = console_memory(reading->console, 8 * n_columns, "the columns");
    status = values && csv.places ? file_rows(&csv, tables, values) : FAILED_LIMIT;
    free(csv.cells);
    free(csv.header);
    unquoted_free(&csv, 0);
    free(csv.unquoted);
    bytes_free(&csv.text);
    return status;
}

/* Ids of classes in all files become classes. Where other cells were wrong, cells that are no class are told too, and no more. */
static Status classes_apply(Reading *reading, ClassTable *tables) {
    Set *set = reading->set;
    bool wrong = reading->console->data_errors > 0;
    for (int64_t c = 0; c < set->spec->n_columns; c++) {
        Column *column = &set->columns[c];
        if (column->spec->element != NN_CLASS || !column_is_csv(reading, c)) continue;
        if (is_characters(column->spec)) {
            if (wrong) continue;
            TRY(strings_settle(reading, column));
            continue;
        }
        int32_t *map;
        TRY(classes_settle(reading, column, &tables[c], &map));
        for (int f = 0; f < N_PARTS && !wrong; f++)
            for (int64_t i = 0; column->values[f] && i < set->raw_rows[f] * column->elements; i++) {
                int32_t *id = (int32_t *)(void *)(uintptr_t)column->values[f] + i;
                *id = map[*id];
            }
    }
    return OK;
}
Status csv_read(Reading *reading) {
    const nn_set *spec = reading->set->spec;
    ClassTable *tables = calloc((size_t)spec->n_columns + 1, sizeof *tables);
    if (!tables) return console_fail(reading->console, FAILED_LIMIT, "not enough memory for the data");
    Status status = OK;
    for (int f = 0; f < N_PARTS && !status; f++)
        if (file_wanted(reading, f)) status = csv_file(reading, f, spec->files[f], tables);
    if (!status) status = classes_apply(reading, tables);
    for (int64_t c = 0; c < spec->n_columns; c++) class_table_free(&tables[c]);
    free(tables);
    return status;
}

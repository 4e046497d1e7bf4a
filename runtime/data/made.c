/* made.c: opens sets made of other sets: the rows of each class, memory for what is drawn, and all that is wrong with
** them, before step 1. */
#include "made.h"
#include <string.h>

enum { MADE_ROWS = 1000 }; /* of validation and test, when the page gives no count */
static const char *const kinds[N_MADE] = {"few_shot", "sequence", "pairs", "group", "beside"};

static int kind_of(const char *kind) {
    int k = 0;
    while (k < N_MADE && strcmp(kind, kinds[k])) k++;
    return k;
}

static Status fail_made(const Reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
static Status fail_made(const Reading *reading, const char *format, ...) {
    Text what = {0};
    va_list list;
    va_start(list, format);
    text_format_list(&what, format, list);
    va_end(list);
    const nn_set *spec = reading->set->spec;
    Status status =
        console_fail(reading->console, FAILED_DATA, "data \"%s\" (%s.nn:%lld): %s %s", spec->name,
                     reading->program->name, (long long)spec->line, spec->kind, what.failed ? "" : what.bytes);
    text_free(&what);
    return status;
}
static void *made_memory(const Reading *reading, int64_t n, int64_t size) {
    int64_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) bytes = INT64_MAX;
    return console_memory(reading->console, bytes, "the tasks");
}

/* ---- rows by class */
static int32_t class_at(const Column *column, const PartRows *part, int64_t row) {
    int64_t raw = part_raw_row(part, row);
    const uint8_t *values = column->values[part->file];
    return column->dtype == NN_I32 ? ((const int32_t *)(const void *)values)[raw] : values[raw];
}
/* Counting sort: rows of a class keep their order. */
static Status classes_find(const Reading *reading, const Set *base, Part p, ClassRows *to) {
    const Column *column = &base->columns[reading->set->spec->classes];
    const PartRows *part = &base->parts[p];
    int64_t k = column->spec->classes, *counts = made_memory(reading, k + 1, 8);
    to->numbers = made_memory(reading, k, 4);
    to->first = made_memory(reading, k + 1, 8);
    to->rows = made_memory(reading, part->rows, 4);
    if (!counts || !to->numbers || !to->first || !to->rows) return FAILED_LIMIT;
    for (int64_t r = 0; r < part->rows; r++) counts[class_at(column, part, r)]++;
    int64_t at = 0;
    for (int64_t c = 0; c < k; c++) {
        int64_t rows = counts[c];
        counts[c] = at;
        if (!rows) continue;
        to->numbers[to->n] = (int32_t)c;
        to->first[to->n++] = at;
        at += rows;
    }
    to->first[to->n] = at;
    for (int64_t r = 0; r < part->rows; r++) to->rows[counts[class_at(column, part, r)]++] = (uint32_t)r;
    return OK;
}
static Status classes_check(const Reading *reading, const Made *made, Part p) {
    const ClassRows *classes = &made->classes[p];
    const Set *base = made->bases[0];
    const Column *column = &base->columns[reading->set->spec->classes];
    int64_t ways = made->kind == MADE_PAIRS ? 2 : made->ways,
            each = made->kind == MADE_PAIRS ? 2 : made->shots + made->queries;
    int64_t turns = made->rotate && p == PART_TRAIN ? 4 : 1;
    if (classes->n * turns < ways)
        return fail_made(reading, "takes %lld classes, but the %s rows of data \"%s\" have %lld%s", (long long)ways,
                         part_names[p], base->spec->name, (long long)(classes->n * turns),
                         turns > 1 ? ", turned ones included" : "");
    for (int64_t c = 0; c < classes->n; c++) {
        int64_t rows = classes->first[c + 1] - classes->first[c];
        if (rows >= each) continue;
        Text name = {0};
        if (classes->numbers[c] < column->n_classes)
            text_shown(&name, column->classes[classes->numbers[c]], strlen(column->classes[classes->numbers[c]]));
        else
            text_format(&name, "%d", classes->numbers[c]);
        Status status =
            fail_made(reading, "takes %lld rows of a class%s, but class %s of data \"%s\" has %lld %s row%s",
                      (long long)each, made->queries ? " (shots and queries)" : "", name.failed ? "" : name.bytes,
                      base->spec->name, (long long)rows, part_names[p], rows == 1 ? "" : "s");
        text_free(&name);
        return status;
    }
    return OK;
}

/* ---- parts */
/* The part of a made set: there if every base has it. */
static Status part_open(const Reading *reading, Made *made, Part p) {
    Set *set = reading->set;
    int64_t least = INT64_MAX;
    double count = p == PART_VALIDATE ? set->spec->validate : p == PART_TEST ? set->spec->test : 0;
    for (int64_t b = 0; b < made->n_bases; b++) {
        int64_t rows = made->bases[b]->parts[p].rows;
        if (rows < least) least = rows;
        if (!rows && count >= 1)
            return fail_made(reading, "has %s=%lld, but data \"%s\" has no %s rows", part_names[p], (long long)count,
                             made->bases[b]->spec->name, part_names[p]);
    }
    if (p != PART_TRAIN && least) set->parts[p].rows = count >= 1 ? (int64_t)count : MADE_ROWS;
    if (!least) return OK;
    if (made->kind == MADE_GROUP && least < made->length)
        return fail_made(reading, "takes %lld rows, but data \"%s\" has %lld %s rows", (long long)made->length,
                         made->bases[0]->spec->name, (long long)least, part_names[p]);
    if (made->kind > MADE_PAIRS) return OK;
    TRY(classes_find(reading, made->bases[0], p, &made->classes[p]));
    return classes_check(reading, made, p);
}

/* ---- memory */
static int64_t batch_rows(const Reading *reading) {
    const nn_program *p = reading->program;
    int64_t set = reading->set->index, most = 1;
    for (int64_t t = 0; t < p->n_trains; t++)
        if (p->trains[t].feed.set == set && p->trains[t].feed.rows > most) most = p->trains[t].feed.rows;
    for (int64_t t = 0; t < p->n_predicts; t++)
        if (p->predicts[t].feed.set == set && p->predicts[t].feed.rows > most) most = p->predicts[t].feed.rows;
    return most;
}
/* The most that anything is chosen from. */
static int64_t pool_size(const Made *made) {
    int64_t most = made->length;
    for (int p = 0; p < N_PARTS; p++) {
        const ClassRows *classes = &made->classes[p];
        if (made->kind == MADE_GROUP && made->bases[0]->parts[p].rows > most) most = made->bases[0]->parts[p].rows;
        if (4 * classes->n > most) most = 4 * classes->n;
        for (int64_t c = 0; c < classes->n; c++)
            if (classes->first[c + 1] - classes->first[c] > most) most = classes->first[c + 1] - classes->first[c];
    }
    return most;
}
static Status memory_open(const Reading *reading, Made *made) {
    int64_t n = batch_rows(reading) * made->length, pool = pool_size(made), value = 1;
    made->identity = made_memory(reading, pool, 4);
    made->swapped = made_memory(reading, made->length + 2, 4);
    made->chosen = made_memory(reading, made->length + 2, 4);
    made->rows = made_memory(reading, n, 4);
    made->labels = made_memory(reading, n, 4);
    made->turns = made_memory(reading, n, 1);
    if (!made->identity || !made->swapped || !made->chosen || !made->rows || !made->labels || !made->turns)
        return FAILED_LIMIT;
    for (int64_t i = 0; i < pool; i++) made->identity[i] = (uint32_t)i;
    for (int64_t c = 0; c < made->bases[0]->spec->n_columns; c++)
        if (8 * made->bases[0]->columns[c].elements > value) value = 8 * made->bases[0]->columns[c].elements;
    for (int i = 0; made->rotate && i < FILL_TASKS; i++)
        if (!(made->pictures[i] = made_memory(reading, value, 1))) return FAILED_LIMIT;
    return OK;
}

static Status numbers_take(const Reading *reading, Made *made) {
    const nn_set *spec = reading->set->spec;
    int64_t n[4] = {0}, length;
    for (int64_t i = 0; i < spec->n_numbers && i < 4; i++) n[i] = spec->numbers[i];
    made->kind = (MadeKind)kind_of(spec->kind);
    made->ways = made->kind <= MADE_SEQUENCE ? n[0] : 1;
    made->shots = made->kind <= MADE_SEQUENCE ? n[1] : n[0];
    made->queries = made->kind == MADE_FEW_SHOT ? n[2] : 0;
    made->rotate = made->kind == MADE_FEW_SHOT && n[3];
    if (made->kind == MADE_PAIRS) made->shots = 2;
    if (made->kind == MADE_BESIDE) made->shots = spec->n_bases;
    if (made->ways < 1 || made->shots < 1 || made->queries < 0 ||
        __builtin_mul_overflow(made->ways, made->shots + made->queries, &length) || length > INT32_MAX)
        return fail_made(reading, "takes numbers of at least 1");
    made->length = length;
    return OK;
}
/* With `rotate` there must be something to turn. */
static Status rotate_check(const Reading *reading, const Made *made) {
    const nn_set *base = made->bases[0]->spec;
    for (int64_t c = 0; c < reading->set->spec->n_columns; c++) {
        const nn_column *column = &reading->set->spec->columns[c];
        if (!strcmp(column->reader, "base") && picture_side(&base->columns[column->column])) return OK;
    }
    return fail_made(reading, "with rotate turns square pictures, [h, h, ..], but data \"%s\" has none", base->name);
}
Status made_open(Reading *reading, const Set *sets) {
    Set *set = reading->set;
    const nn_set *spec = set->spec;
    Made *made = made_memory(reading, 1, sizeof *made);
    if (!made || !(made->bases = made_memory(reading, spec->n_bases, sizeof *made->bases))) return FAILED_LIMIT;
    for (int64_t b = 0; b < spec->n_bases; b++) {
        const nn_set *base = &reading->program->sets[spec->bases[b]];
        made->bases[b] = &sets[spec->bases[b]];
        if (kind_of(base->kind) < N_MADE || made->bases[b]->endless)
            return fail_made(reading, "takes rows, but data \"%s\" has none: it is %s", base->name,
                             kind_of(base->kind) < N_MADE ? "made itself" : "drawn");
    }
    made->n_bases = spec->n_bases;
    TRY(numbers_take(reading, made));
    if (made->rotate) TRY(rotate_check(reading, made));
    for (int p = 0; p < N_PARTS; p++) TRY(part_open(reading, made, (Part)p));
    TRY(memory_open(reading, made));
    set->made = made;
    set->endless = true;
    return OK;
}

/* classes.c: from cells to classes. A column of whole numbers is its own class, below k; names are places in the
** page's list, or in the list of distinct names in byte order over all parts. */
#include "reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *s, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}
static int32_t *slot_of(ClassTable *table, const char *name, size_t n) {
    uint64_t mask = (uint64_t)table->capacity - 1;
    for (uint64_t i = hash_of(name, n) & mask;; i = (i + 1) & mask) {
        int32_t id = table->slots[i];
        if (id < 0 || (table->names[id].length == n && !memcmp(table->names[id].name, name, n)))
            return &table->slots[i];
    }
}
static bool table_grow(ClassTable *table) {
    int64_t capacity = table->capacity ? 2 * table->capacity : 64;
    int32_t *slots = malloc(sizeof *slots * (size_t)capacity);
    struct ClassName *names = realloc(table->names, sizeof *names * (size_t)capacity);
    if (names) table->names = names;
    if (!slots || !names) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    memset(slots, 0xff, sizeof *slots * (size_t)capacity);
    for (int64_t i = 0; i < table->n; i++) *slot_of(table, names[i].name, names[i].length) = (int32_t)i;
    return true;
}
int32_t class_id(ClassTable *table, const char *name, size_t n, Spot spot) {
    if (2 * (table->n + 1) > table->capacity && !table_grow(table)) return -1;
    int32_t *slot = slot_of(table, name, n);
    if (*slot >= 0) return *slot;
    char *copy = malloc(n + 1);
    if (!copy || table->n == INT32_MAX) {
        free(copy);
        return -1;
    }
    memcpy(copy, name, n);
    copy[n] = 0;
    table->names[table->n] = (struct ClassName){copy, n, spot};
    return *slot = (int32_t)table->n++;
}
void class_table_free(ClassTable *table) {
    for (int64_t i = 0; i < table->n; i++) free(table->names[i].name);
    free(table->names);
    free(table->slots);
    *table = (ClassTable){0};
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }
static Status fail_class(const Reading *reading, const Column *column, const struct ClassName *name, const char *format,
                         long long k) {
    Text shown = {0}, what = {0};
    Spot spot = name->spot;
    if (!strcmp(column->spec->reader, "column") && *column->spec->names[0]) spot.column = column->spec->names[0];
    text_shown(&shown, name->name, name->length);
    text_format(&what, format, k);
    Status status = data_error(reading, spot, column->spec, "\"%s\" %s", shown.failed ? "" : shown.bytes,
                               what.failed ? "" : what.bytes);
    text_free(&shown);
    text_free(&what);
    return status;
}
/* The whole number that a name is, -1 if none below 2^31 or negative. */
static int64_t number_of(const struct ClassName *name) {
    double value;
    if (!number_read(name->name, name->length, &value) || value < 0 || value > INT32_MAX ||
        value != (double)(int64_t)value)
        return -1;
    return (int64_t)value;
}
static bool all_numbers(const ClassTable *table) {
    double value;
    for (int64_t i = 0; i < table->n; i++)
        if (!number_read(table->names[i].name, table->names[i].length, &value)) return false;
    return true;
}
static int64_t list_find(const char *const *list, int64_t n, const char *name) {
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(list[i], name)) return i;
    return -1;
}
const char **classes_given(const Reading *reading, Column *column, int64_t *n) {
    char key[512];
    snprintf(key, sizeof key, "%s/%s", reading->set->spec->name, column->spec->field);
    const JsonValue *earlier = json_member(reading->request->classes, key);
    if (!earlier || earlier->kind != JSON_ARRAY) {
        *n = column->spec->n_class_names;
        return (const char **)(uintptr_t)column->spec->class_names;
    }
    *n = 0;
    for (const JsonValue *v = earlier->child; v; v = v->next) ++*n;
    const char **list = console_memory(reading->console, (int64_t)sizeof *list * *n, "the classes");
    int64_t i = 0;
    for (const JsonValue *v = earlier->child; list && v; v = v->next, i++)
        if (!(list[i] = console_copy(reading->console, json_text(v, "")))) return NULL;
    return list;
}
static Status settle_numbers(const Reading *reading, const Column *column, const ClassTable *table, int32_t *map) {
    for (int64_t i = 0; i < table->n; i++) {
        int64_t value = number_of(&table->names[i]);
        map[i] = (int32_t)value;
        if (value < 0 || value >= column->spec->classes)
            TRY(fail_class(reading, column, &table->names[i], "is not a class: whole numbers from 0 to %lld are",
                           column->spec->classes - 1));
    }
    return OK;
}
static Status settle_listed(const Reading *reading, const Column *column, const ClassTable *table, int32_t *map) {
    ClassTable list = {0};
    Status status = OK;
    for (int64_t i = 0; i < column->n_classes && !status; i++)
        if (class_id(&list, column->classes[i], strlen(column->classes[i]), (Spot){0}) < 0)
            status = console_fail(reading->console, FAILED_LIMIT, "not enough memory for the classes");
    for (int64_t i = 0; i < table->n && !status; i++) {
        map[i] = list.n ? *slot_of(&list, table->names[i].name, table->names[i].length) : -1;
        if (map[i] < 0)
            status = fail_class(reading, column, &table->names[i], "is none of the %lld classes", column->n_classes);
    }
    class_table_free(&list);
    return status;
}
static Status list_distinct(const Reading *reading, Column *column, const ClassTable *table) {
    int64_t k = column->spec->classes;
    if (table->n > k) {
        TRY(fail_class(reading, column, &table->names[k],
                       "is one class more than the %lld of the page (each distinct cell is a class)", k));
        return FAILED_DATA;
    }
    const char **list = console_memory(reading->console, (int64_t)sizeof *list * (table->n + 1), "the classes");
    if (!list) return FAILED_LIMIT;
    for (int64_t i = 0; i < table->n; i++)
        if (!(list[i] = console_copy(reading->console, table->names[i].name))) return FAILED_LIMIT;
    qsort(list, (size_t)table->n, sizeof *list, by_bytes);
    column->classes = list;
    column->n_classes = table->n;
    return OK;
}
Status classes_settle(const Reading *reading, Column *column, ClassTable *table, int32_t **map) {
    *map = console_memory(reading->console, 4 * (table->n + 1), "the classes");
    if (!*map) return FAILED_LIMIT;
    column->classes = classes_given(reading, column, &column->n_classes);
    if (column->n_classes && !column->classes) return FAILED_LIMIT;
    bool listed = column->n_classes > 0;
    if (all_numbers(table) &&
        !(listed && table->n && list_find(column->classes, column->n_classes, table->names[0].name) >= 0))
        return settle_numbers(reading, column, table, *map);
    if (!listed) TRY(list_distinct(reading, column, table));
    return settle_listed(reading, column, table, *map);
}

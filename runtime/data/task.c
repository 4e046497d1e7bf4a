/* task.c: draws the examples of made sets. Example r of a step has a stream of words, the i-th that of counter (i, r,
** step, 0xFFFFFF10 + set), so an example is a function of the seed and these numbers, whatever was drawn before. */
#include "../philox.h"
#include "made.h"

typedef struct Words {
    const uint32_t *key;
    uint32_t next, row, step, stream;
} Words;
/* The next word as a number in [0, n). */
static uint32_t below(Words *words, int64_t n) {
    uint32_t counter[4] = {words->next++, words->row, words->step, words->stream}, word[4];
    philox4x32_10(counter, words->key, word);
    return (uint32_t)((uint64_t)word[0] * (uint64_t)n >> 32);
}
static void swap(uint32_t *a, uint32_t *b) {
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}
/* k of 0 .. n-1 without replacement: the front of a Fisher-Yates shuffle, undone when it has been read. */
static const uint32_t *choose(Made *made, Words *words, int64_t n, int64_t k) {
    uint32_t *pool = made->identity;
    for (int64_t i = 0; i < k; i++) {
        made->swapped[i] = (uint32_t)i + below(words, n - i);
        swap(&pool[i], &pool[made->swapped[i]]);
        made->chosen[i] = pool[i];
    }
    while (k--) swap(&pool[k], &pool[made->swapped[k]]);
    return made->chosen;
}

/* One example's list. */
typedef struct List {
    Made *made;
    Part part;
    uint32_t *rows;
    int32_t *labels;
    uint8_t *turns;
} List;
static void put(const List *list, int64_t at, uint32_t row, int32_t label, uint8_t turns) {
    list->rows[at] = row;
    list->labels[at] = label;
    list->turns[at] = turns;
}
/* Ways in the order drawn; of each its shots, behind all of these its queries. */
static void draw_few_shot(const List *list, Words *words) {
    Made *made = list->made;
    const ClassRows *classes = &made->classes[list->part];
    int64_t turns = made->rotate && list->part == PART_TRAIN ? 4 : 1, each = made->shots + made->queries;
    const uint32_t *ways = choose(made, words, turns * classes->n, made->ways);
    for (int64_t w = 0; w < made->ways; w++) list->rows[w * made->shots] = ways[w]; /* until the way's rows are drawn */
    for (int64_t w = 0; w < made->ways; w++) {
        uint32_t way = list->rows[w * made->shots];
        int64_t c = way / turns, first = classes->first[c];
        const uint32_t *rows = choose(made, words, classes->first[c + 1] - first, each);
        for (int64_t i = 0; i < each; i++) {
            int64_t query = made->ways * made->shots + w * made->queries + i - made->shots;
            put(list, i < made->shots ? w * made->shots + i : query, classes->rows[first + rows[i]], (int32_t)w,
                (uint8_t)(way % turns));
        }
    }
}
static void draw_sequence(const List *list, Words *words) {
    draw_few_shot(list, words);
    for (int64_t i = list->made->length - 1; i > 0; i--) {
        int64_t j = below(words, i + 1);
        int32_t label = list->labels[i];
        swap(&list->rows[i], &list->rows[j]);
        list->labels[i] = list->labels[j];
        list->labels[j] = label;
    }
}
/* Both of one class, or of two; equally likely. */
static void draw_pairs(const List *list, Words *words) {
    const ClassRows *classes = &list->made->classes[list->part];
    bool same = below(words, 2);
    if (same) {
        uint32_t c = below(words, classes->n);
        const uint32_t *rows = choose(list->made, words, classes->first[c + 1] - classes->first[c], 2);
        for (int64_t i = 0; i < 2; i++) put(list, i, classes->rows[classes->first[c] + rows[i]], 1, 0);
        return;
    }
    const uint32_t *two = choose(list->made, words, classes->n, 2);
    for (int64_t i = 0; i < 2; i++) {
        int64_t first = classes->first[two[i]], n = classes->first[two[i] + 1] - first;
        put(list, i, classes->rows[first + below(words, n)], 0, 0);
    }
}
static void draw_group(const List *list, Words *words) {
    const uint32_t *rows = choose(list->made, words, list->made->bases[0]->parts[list->part].rows, list->made->length);
    for (int64_t i = 0; i < list->made->length; i++) put(list, i, rows[i], 0, 0);
}
static void draw_beside(const List *list, Words *words) {
    for (int64_t i = 0; i < list->made->length; i++)
        put(list, i, below(words, list->made->bases[i]->parts[list->part].rows), 0, 0);
}
void task_draw(const Set *set, Part part, int64_t example, uint32_t row, uint32_t step, const uint32_t key[2]) {
    static void (*const draws[N_MADE])(const List *, Words *) = {[MADE_FEW_SHOT] = draw_few_shot,
                                                                 [MADE_SEQUENCE] = draw_sequence,
                                                                 [MADE_PAIRS] = draw_pairs,
                                                                 [MADE_GROUP] = draw_group,
                                                                 [MADE_BESIDE] = draw_beside};
    Made *made = set->made;
    int64_t at = example * made->length;
    List list = {made, part, made->rows + at, made->labels + at, made->turns + at};
    Words words = {.key = key, .row = row, .step = step, .stream = 0xFFFFFF10u + (uint32_t)set->index};
    draws[made->kind](&list, &words);
}

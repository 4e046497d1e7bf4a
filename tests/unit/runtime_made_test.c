/* runtime_made_test.c: sets made of other sets: what is drawn, from which rows, with which labels, turned or not; that
** a batch is a function of seed, step and row; and what is refused before step 1. The base is an idx file of 3 by 3
** pictures, 5 of each of 6 classes, whose first value is its class and second its number within the class; test rows
** are of 4 other drawings of 3 classes. */
#include "runtime_world.h"
#include "runtime/data.h"

enum { CLASSES = 6, EACH = 5, TEST_CLASSES = 3, TEST_EACH = 4, SIDE = 3, PIXELS = 9, BATCH = 6 };
static nn_column base_columns[2], made_columns[4];
static nn_set sets_spec[2];
static nn_program program;
static nn_train train;
static Set sets[2];
static Console console;
static Io io;
static const uint32_t key[2] = {3, 4};

static void idx_put(const char *path, int rows, int pixels, const uint8_t *values) {
    uint8_t header[12] = {0, 0, 8, 2, 0, 0, 0, (uint8_t)rows, 0, 0, 0, (uint8_t)pixels};
    FILE *f = fopen(path, "wb");
    fwrite(header, 1, 12, f);
    fwrite(values, 1, (size_t)(rows * pixels), f);
    fclose(f);
}
static void base_write(int classes, int each, const char *pictures, const char *labels) {
    static uint8_t picture[64][PIXELS], label[64];
    for (int i = 0; i < classes * each; i++) {
        label[i] = (uint8_t)(i % classes); /* classes take turns, so their rows lie apart */
        for (int p = 0; p < PIXELS; p++) picture[i][p] = (uint8_t)(10 * p);
        picture[i][0] = label[i];
        picture[i][1] = (uint8_t)(i / classes);
    }
    idx_put(pictures, classes * each, PIXELS, picture[0]);
    idx_put(labels, classes * each, 1, label);
}
static void base_make(void) {
    static const char *const pictures[3] = {"p.idx", "", "pt.idx"}, *const labels[3] = {"l.idx", "", "lt.idx"};
    static const int64_t dims[3] = {SIDE, SIDE, 1};
    base_columns[0] = (nn_column){.field = "image",
                                  .reader = "idx",
                                  .n_names = 3,
                                  .names = pictures,
                                  .n_dims = 3,
                                  .dims = dims,
                                  .dtype = NN_F32,
                                  .text = "image",
                                  .line = 2};
    base_columns[1] = (nn_column){.field = "label",
                                  .reader = "idx",
                                  .n_names = 3,
                                  .names = labels,
                                  .element = NN_CLASS,
                                  .classes = CLASSES,
                                  .dtype = NN_I32,
                                  .text = "label",
                                  .line = 3};
    sets_spec[1] = (nn_set){.name = "drawings",
                            .kind = "files",
                            .folder = "",
                            .every = 1,
                            .n_columns = 2,
                            .columns = base_columns,
                            .line = 1};
}
/* The made set's columns: pictures of the first n rows, of the rest, labels of both. */
static void made_make(const char *kind, int64_t n_numbers, const int64_t *numbers, int64_t first, int64_t rest) {
    static const int64_t bases[2] = {1, 1};
    nn_column picture = {.field = "a", .reader = "base", .dtype = NN_F32, .window = first, .column = 0};
    made_columns[0] = made_columns[1] = picture;
    made_columns[1].shift = first, made_columns[1].window = rest;
    made_columns[2] = (nn_column){.field = "l", .reader = "label", .dtype = NN_I32, .window = first};
    made_columns[3] = made_columns[2];
    made_columns[3].shift = first, made_columns[3].window = rest;
    sets_spec[0] = (nn_set){.name = "tasks",
                            .kind = kind,
                            .folder = "",
                            .n_bases = strcmp(kind, "beside") ? 1 : 2,
                            .bases = bases,
                            .n_numbers = n_numbers,
                            .numbers = numbers,
                            .classes = 1,
                            .test = 50,
                            .n_columns = rest ? 4 : 3,
                            .columns = made_columns,
                            .line = 5};
    if (!rest) made_columns[1] = made_columns[2];
}
static Status sets_open(void) {
    train = (nn_train){.feed = {.set = 0, .rows = BATCH}};
    program = (nn_program){.name = "page", .n_sets = 2, .sets = sets_spec, .n_trains = 1, .trains = &train};
    memset(sets, 0, sizeof sets);
    text_free(&err_text);
    text_put(&err_text, "");
    io = world_io();
    console_open(&console, &io, "page");
    DataRequest request = {.used = (const bool[]){true, false}};
    return data_open(&console, &program, &request, sets);
}
static void sets_close(void) {
    data_close(sets, 2);
    console_close(&console);
}

/* ---- one batch */
static float picture[BATCH][64][PIXELS];
static int32_t label[BATCH][64];
static void fill_parts(Part part, int32_t step, int64_t number, int64_t first, int64_t rest) {
    static uint8_t batch[1 << 17];
    int64_t a = 0, b = a + BATCH * first * PIXELS * 4, c = b + BATCH * rest * PIXELS * 4, d = c + BATCH * first * 4;
    nn_feed feed = {.rows = BATCH,
                    .row = -1,
                    .fresh = -1,
                    .n_columns = rest ? 4 : 2,
                    .columns = rest ? (const int64_t[]){a, b, c, d} : (const int64_t[]){a, c}};
    set_fill(&sets[0], &feed, &(Fill){.part = part, .valid = BATCH, .number = number, .step = step, .key = key}, batch);
    for (int i = 0; i < BATCH; i++) {
        memcpy(picture[i], batch + a + i * first * PIXELS * 4, (size_t)first * PIXELS * 4);
        memcpy(picture[i] + first, batch + b + i * rest * PIXELS * 4, (size_t)rest * PIXELS * 4);
        memcpy(label[i], batch + c + i * first * 4, (size_t)first * 4);
        memcpy(label[i] + first, batch + d + i * rest * 4, (size_t)rest * 4);
    }
}
/* By how many quarters a picture is turned: its corner, where 0 or a class stands, moves counter-clockwise. */
static int turns_of(const float *p) {
    static const int corner[4] = {0, 6, 8, 2}, next[4] = {1, 3, 7, 5}; /* where pixels 0 and 1 go */
    static const int of_8[4] = {8, 2, 0, 6};
    for (int q = 0; q < 4; q++)
        if (p[of_8[q]] == 80 && p[corner[q]] < CLASSES && p[next[q]] < EACH) return q;
    return -1;
}
static int class_of(const float *p) {
    static const int corner[4] = {0, 6, 8, 2};
    return turns_of(p) < 0 ? -1 : (int)p[corner[turns_of(p)]];
}
static int number_of(const float *p) {
    static const int next[4] = {1, 3, 7, 5};
    return turns_of(p) < 0 ? -1 : (int)p[next[turns_of(p)]];
}

static void test_tasks(void) {
    static const int64_t numbers[4] = {3, 1, 2, 0};
    made_make("few_shot", 4, numbers, 3, 6);
    Status status = sets_open();
    check(status == OK && sets[0].endless && sets[0].parts[PART_TEST].rows == 50 && !sets[0].parts[PART_VALIDATE].rows,
          "few_shot: opens; test is a count, validation that the base lacks is none", "status %d %s", status,
          err_text.bytes);
    if (status) return;
    bool good = true, met[CLASSES] = {0}, first_label[CLASSES] = {0};
    for (int32_t step = 0; step < 40; step++) {
        fill_parts(PART_TRAIN, step, 0, 3, 6);
        for (int i = 0; i < BATCH; i++) {
            int way[3];
            for (int w = 0; w < 3; w++) {
                way[w] = class_of(picture[i][w]);
                good &= label[i][w] == w && way[w] >= 0 && turns_of(picture[i][w]) == 0;
                int a = number_of(picture[i][w]), b = number_of(picture[i][3 + 2 * w]),
                    c = number_of(picture[i][4 + 2 * w]);
                good &= label[i][3 + 2 * w] == w && label[i][4 + 2 * w] == w && a != b && b != c && a != c;
                good &= class_of(picture[i][3 + 2 * w]) == way[w] && class_of(picture[i][4 + 2 * w]) == way[w];
                if (way[w] >= 0) met[way[w]] = true;
            }
            good &= way[0] != way[1] && way[1] != way[2] && way[0] != way[2];
            if (way[0] >= 0) first_label[way[0]] = true;
        }
    }
    for (int c = 0; c < CLASSES; c++) good &= met[c] && first_label[c];
    check(good, "few_shot: ways are distinct classes, shots and queries distinct rows, labels by way", "they are not");
    fill_parts(PART_TRAIN, 7, 0, 3, 6);
    float kept[BATCH][9][PIXELS];
    for (int i = 0; i < BATCH; i++) memcpy(kept[i], picture[i], sizeof kept[i]);
    fill_parts(PART_TRAIN, 8, 0, 3, 6);
    bool other = memcmp(kept[0], picture[0], sizeof kept[0]) != 0;
    fill_parts(PART_TRAIN, 7, 2, 3, 6);
    check(other && !memcmp(kept[2], picture[0], sizeof kept[0]) && memcmp(kept[0], kept[1], sizeof kept[0]),
          "few_shot: an example is a function of step and row", "it is not");
    fill_parts(PART_TEST, -2, 0, 3, 6);
    good = true;
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < 9; j++)
            good &= class_of(picture[i][j]) < TEST_CLASSES && number_of(picture[i][j]) < TEST_EACH;
    check(good, "few_shot: test tasks are of the test rows", "they are not");
    sets_close();
}
static void test_rotate(void) {
    static const int64_t numbers[4] = {5, 1, 1, 1};
    made_make("few_shot", 4, numbers, 5, 5);
    sets_spec[0].test = 0;
    base_write(5, TEST_EACH, "pt.idx", "lt.idx");
    Status status = sets_open();
    check(status == OK, "rotate: opens", "status %d %s", status, err_text.bytes);
    if (status) return;
    int turned[4] = {0}, same_class = 0;
    bool good = true;
    for (int32_t step = 0; step < 60; step++) {
        fill_parts(PART_TRAIN, step, 0, 5, 5);
        for (int i = 0; i < BATCH; i++)
            for (int w = 0; w < 5; w++) {
                int q = turns_of(picture[i][w]);
                good &= q >= 0 && q == turns_of(picture[i][5 + w]) &&
                        class_of(picture[i][w]) == class_of(picture[i][5 + w]);
                if (q >= 0) turned[q]++;
                for (int v = 0; v < w; v++) {
                    same_class += class_of(picture[i][v]) == class_of(picture[i][w]);
                    good &= class_of(picture[i][v]) != class_of(picture[i][w]) || turns_of(picture[i][v]) != q;
                }
            }
    }
    for (int q = 0; q < 4; q++) good &= turned[q] > 300;
    check(good && same_class > 50, "rotate: each turn of a class is a class, counter-clockwise", "%d %d %d %d, %d",
          turned[0], turned[1], turned[2], turned[3], same_class);
    fill_parts(PART_TEST, -2, 0, 5, 5);
    good = sets[0].parts[PART_TEST].rows == 1000;
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < 10; j++) good &= turns_of(picture[i][j]) == 0;
    check(good, "rotate: in training only; 1000 test tasks if the page gives no count", "no");
    sets_close();
    base_write(TEST_CLASSES, TEST_EACH, "pt.idx", "lt.idx");
}
static void test_others(void) {
    static const int64_t sequence[2] = {3, 2}, group[1] = {7};
    made_make("sequence", 2, sequence, 6, 0);
    Status status = sets_open();
    bool good = status == OK, shuffled = false;
    for (int32_t step = 0; good && step < 20; step++) {
        fill_parts(PART_TRAIN, step, 0, 6, 0);
        for (int i = 0; i < BATCH; i++) {
            int seen[3] = {0}, class[3];
            for (int j = 0; j < 6; j++) {
                int l = label[i][j];
                if (l < 0 || l > 2) l = 0, good = false;
                if (!seen[l]++) class[l] = class_of(picture[i][j]);
                good &= class[l] == class_of(picture[i][j]);
                shuffled |= j && label[i][j] < label[i][j - 1];
            }
            good &= seen[0] == 2 && seen[1] == 2 && seen[2] == 2;
        }
    }
    check(good && shuffled, "sequence: shots of each way, shuffled with their labels", "status %d %s", status,
          err_text.bytes);
    sets_close();

    made_make("pairs", 0, NULL, 2, 0);
    status = sets_open();
    int same = 0, all = 0;
    good = status == OK;
    for (int32_t step = 0; good && step < 60; step++) {
        fill_parts(PART_TRAIN, step, 0, 2, 0);
        for (int i = 0; i < BATCH; i++, all++) {
            bool equal = class_of(picture[i][0]) == class_of(picture[i][1]);
            same += equal;
            good &= label[i][0] == equal && (!equal || number_of(picture[i][0]) != number_of(picture[i][1]));
        }
    }
    check(good && same > all / 3 && same < 2 * all / 3, "pairs: half of them of one class, which the label says",
          "%d of %d: %s", same, all, err_text.bytes);
    sets_close();

    made_make("group", 1, group, 7, 0);
    sets_spec[0].classes = -1;
    status = sets_open();
    good = status == OK;
    if (good) fill_parts(PART_TRAIN, 3, 0, 7, 0);
    for (int i = 0; good && i < BATCH; i++)
        for (int j = 0; j < 7; j++)
            for (int k = 0; k < j; k++) good &= memcmp(picture[i][j], picture[i][k], 8) != 0;
    check(good, "group: distinct rows", "status %d %s", status, err_text.bytes);
    sets_close();

    made_make("beside", 0, NULL, 1, 1);
    made_columns[1].base = 1;
    status = sets_open();
    good = status == OK;
    int differ = 0;
    if (good) fill_parts(PART_TRAIN, 3, 0, 1, 1);
    for (int i = 0; good && i < BATCH; i++) differ += memcmp(picture[i][0], picture[i][1], 8) != 0;
    check(good && differ > 2, "beside: a row of each, independent", "status %d %s", status, err_text.bytes);
    sets_close();
}
static void refuses(const char *name, const char *said) {
    Status status = sets_open();
    check(status == FAILED_DATA && strstr(err_text.bytes, said), name, "status %d: %s", status, err_text.bytes);
    sets_close();
}
static void test_refused(void) {
    static const int64_t four[4] = {4, 1, 2, 0}, many[4] = {3, 3, 3, 0}, seven[4] = {7, 1, 1, 0},
                         turned[4] = {3, 1, 1, 1}, large[1] = {13};
    made_make("few_shot", 4, four, 4, 8);
    refuses("few_shot: more ways than test classes", "takes 4 classes, but the test rows of data \"drawings\" have 3");
    made_make("few_shot", 4, seven, 7, 7);
    refuses("few_shot: more ways than classes", "(page.nn:5): few_shot takes 7 classes, but the train rows");
    made_make("few_shot", 4, many, 9, 9);
    refuses("few_shot: too few rows of a class",
            "takes 6 rows of a class (shots and queries), but class 0 of data \"drawings\" has 5 train rows");
    made_make("few_shot", 4, four, 4, 8);
    sets_spec[0].validate = 10;
    refuses("few_shot: validation of a base without", "validate=10, but data \"drawings\" has no validate rows");
    made_make("few_shot", 4, turned, 3, 3);
    base_columns[0].n_dims = 1, base_columns[0].dims = (const int64_t[]){PIXELS};
    refuses("rotate: of what is no picture", "rotate turns square pictures");
    base_make();
    made_make("group", 1, large, 13, 0);
    refuses("group: more rows than there are", "takes 13 rows, but data \"drawings\" has 12 test rows");
    sets_spec[1].n_columns = 0;
    made_make("group", 1, large, 13, 0);
    refuses("group: of a drawn set", "data \"drawings\" has none: it is drawn");
    base_make();
    sets_spec[1].kind = "pairs";
    refuses("group: of a made set", "it is made itself");
    base_make();
}

int main(void) {
    world_open();
    base_write(CLASSES, EACH, "p.idx", "l.idx");
    base_write(TEST_CLASSES, TEST_EACH, "pt.idx", "lt.idx");
    base_make();
    test_tasks();
    test_rotate();
    test_others();
    test_refused();
    world_close();
    return failures != 0;
}

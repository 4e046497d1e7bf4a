/* runtime_data_test.c: the readers of data: what they take, what they refuse and how they say it, splits,
** permutations, hostile bytes. */
#include "runtime_set.h"

/* ---- one set at a time: columns x: [2] (reader columns 0..2) and label (class of k) for csv; image for idx */
static void csv_set(const char *file, int64_t k) {
    static const char *files[1], *label[] = {"label"};
    files[0] = file;
    columns[0] = (nn_column){.field = "x",
                             .reader = "columns",
                             .low = 0,
                             .high = 2,
                             .element = NN_REAL,
                             .n_dims = 1,
                             .dims = (const int64_t[]){2},
                             .dtype = NN_F32,
                             .text = "x: [2] = columns(0..2)",
                             .line = 2};
    columns[1] = (nn_column){.field = "label",
                             .reader = "column",
                             .n_names = 1,
                             .names = label,
                             .element = NN_CLASS,
                             .classes = k,
                             .dtype = NN_I32,
                             .text = "label",
                             .line = 3};
    set_spec = (nn_set){.name = "d",
                        .kind = "csv",
                        .n_files = 1,
                        .files = files,
                        .folder = "",
                        .every = 1,
                        .n_columns = 2,
                        .columns = columns,
                        .line = 1};
}
static void idx_set(const char *const files[3], int64_t elements, int64_t element, int64_t classes, int64_t dtype) {
    static int64_t dims[1];
    dims[0] = elements;
    columns[0] = (nn_column){.field = "image",
                             .reader = "idx",
                             .n_names = 3,
                             .names = files,
                             .element = element,
                             .classes = classes,
                             .n_dims = 1,
                             .dims = dims,
                             .dtype = dtype,
                             .text = "image",
                             .line = 2};
    set_spec =
        (nn_set){.name = "d", .kind = "files", .folder = "", .every = 1, .n_columns = 1, .columns = columns, .line = 1};
}
static float cell(int64_t row, int64_t i) {
    return ((const float *)(const void *)set.columns[0].values[0])[2 * row + i];
}
static int32_t label(int64_t row) { return ((const int32_t *)(const void *)set.columns[1].values[0])[row]; }

/* ---- csv */
static void takes(const char *name, const char *text, int rows) {
    file_put("d.csv", text, strlen(text));
    csv_set("d.csv", 3);
    Status status = open_with(NULL);
    bool good = status == OK && set.raw_rows[0] == rows && cell(0, 0) == 1 && cell(0, 1) == 2.5f && label(0) == 1;
    check(good, name, "status %d, %lld rows: %s", status, (long long)(status ? 0 : set.raw_rows[0]), err_text.bytes);
    close_set();
}
static void refuses(const char *name, const char *text, size_t n, Status expected, const char *said) {
    file_put("d.csv", text, n);
    csv_set("d.csv", 3);
    Status status = open_with(NULL);
    check(status == expected && strstr(err_text.bytes, said), name, "status %d, no '%s' in: %s", status, said,
          err_text.bytes);
    close_set();
}
static void test_csv(void) {
    takes("csv: plain", "a,b,label\n1,2.5,1\n3,4,2\n", 2);
    takes("csv: no end of line at the end", "a,b,label\n1,2.5,1\n3,4,2", 2);
    takes("csv: CRLF and a byte order mark",
          "\xef\xbb\xbf"
          "a,b,label\r\n1,2.5,1\r\n3,4,2\r\n",
          2);
    takes("csv: quotes, doubled quotes, commas and line ends in them", "\"a\",\"b \"\"x\"\",\n\",label\n\"1\",2.5,1\n",
          1);
    takes("csv: empty lines are passed over", "a,b,label\n\n1,2.5,1\n\r\n3,4,2\n\n", 2);
    takes("csv: spaces around numbers", "a,b,label\n 1 ,\t2.5, 1\n", 1);
    takes("csv: columns that the page does not use", "a,b,c,label\n1,2.5,zzz,1\n", 1);
    takes("csv: numbers in every form",
          "a,b,label\n+1.0e0,0.25E1,1.0\n-1,.5,2\n1e-3,123456789012345678901234567890,0\n", 3);
#define REFUSES(name, text, status, said) refuses(name, text, sizeof text - 1, status, said)
    REFUSES("csv: a word for a number", "a,b,label\n1,n/a,1\n", FAILED_DATA,
            "d.csv:2: error: column \"b\": \"n/a\" is not a number");
    check(strstr(err_text.bytes, "= needed by  x: [2] = columns(0..2)  (page.nn:2)") != NULL, "csv: the field is named",
          "%s", err_text.bytes);
    REFUSES("csv: an empty cell", "a,b,label\n1,,1\n", FAILED_DATA, "the cell is empty");
    REFUSES("csv: too few cells", "a,b,label\n1,2,1\n1,2\n", FAILED_DATA,
            "d.csv:3: error: the row has 2 cells, the first line 3");
    REFUSES("csv: a class beyond the last", "a,b,label\n1,2,3\n", FAILED_DATA, "whole numbers from 0 to 2");
    REFUSES("csv: a class that is no whole number", "a,b,label\n1,2,0.5\n", FAILED_DATA, "\"0.5\" is not a class");
    REFUSES("csv: a negative class", "a,b,label\n1,2,-1\n", FAILED_DATA, "\"-1\" is not a class");
    REFUSES("csv: one name too many", "a,b,label\n1,2,w\n1,2,x\n1,2,y\n1,2,z\n", FAILED_DATA,
            "d.csv:5: error: column \"label\": \"z\" is one class more");
    REFUSES("csv: an open quote", "a,b,label\n1,\"2,1\n1,2,3\n", FAILED_DATA,
            "d.csv:2: error: a quote that opens in this row never closes");
    REFUSES("csv: something behind a quote", "a,b,label\n1,\"2\"x,1\n", FAILED_DATA, "behind the closing quote");
    REFUSES("csv: no such column", "a,b,lable\n1,2,1\n", FAILED_DATA, "did you mean \"lable\"?");
    REFUSES("csv: two columns of the name", "label,b,label\n1,2,1\n", FAILED_DATA, "two columns have this name");
    REFUSES("csv: semicolons", "a;b;label\n1;2;1\n", FAILED_DATA, "separated by");
    REFUSES("csv: only a header", "a,b,label\n", FAILED_DATA, "no rows");
    REFUSES("csv: nothing", "", FAILED_DATA, "the file is empty");
    REFUSES("csv: only line ends", "\n\n\r\n", FAILED_DATA, "no rows");
    REFUSES("csv: binary",
            "\x7f"
            "ELF\0\0\0\0\n",
            FAILED_DATA, "it is no text");
    REFUSES("csv: beyond float32", "a,b,label\n1,1e39,1\n", FAILED_DATA, "beyond the largest float32");
    REFUSES("csv: beyond float64", "a,b,label\n1,1e400,1\n", FAILED_DATA, "is not a number");
    REFUSES("csv: nan", "a,b,label\n1,nan,1\n", FAILED_DATA, "is not a number");
    REFUSES("csv: hexadecimal", "a,b,label\n1,0x10,1\n", FAILED_DATA, "is not a number");
    REFUSES("csv: a decimal comma in quotes", "a,b,label\n1,\"1,5\",1\n", FAILED_DATA, "\"1,5\" is not a number");
    REFUSES("csv: escapes are not shown raw", "a,b,label\n1,\033[31m,1\n", FAILED_DATA, "\\x1b[31m");
    Text many = {0};
    text_put(&many, "a,b,label\n");
    for (int i = 0; i < 30; i++) text_put(&many, "1,x,1\n");
    refuses("csv: at most 20 errors", many.bytes, many.n, FAILED_DATA, "20 errors in the data");
    int shown = 0;
    for (const char *s = err_text.bytes; (s = strstr(s, "is not a number")); s++) shown++;
    check(shown == 20, "csv: and 20 there are", "%d", shown);
    text_free(&many);
}
static void test_classes(void) {
    const char *text = "a,b,label\n1,2,red\n1,2,green\n1,2,blue\n1,2,red\n", *why;
    file_put("d.csv", text, strlen(text));
    csv_set("d.csv", 3);
    Status status = open_with(NULL);
    check(status == OK && label(0) == 2 && label(1) == 1 && label(2) == 0 && !strcmp(set.columns[1].classes[0], "blue"),
          "classes: names by byte order", "status %d", status);
    close_set();
    csv_set("d.csv", 4);
    columns[1].n_class_names = 4;
    columns[1].class_names = (const char *const[]){"green", "red", "blue", "black"};
    status = open_with(NULL);
    check(status == OK && label(0) == 1 && label(1) == 0 && label(2) == 2, "classes: the page's list", "status %d",
          status);
    close_set();
    csv_set("d.csv", 2);
    columns[1].n_class_names = 2;
    columns[1].class_names = (const char *const[]){"green", "red"};
    status = open_with(NULL);
    check(status == FAILED_DATA && strstr(err_text.bytes, "\"blue\" is none of the 2 classes"),
          "classes: none of the page's", "%s", err_text.bytes);
    close_set();
    csv_set("d.csv", 3);
    static const char list[] = "{\"d/label\":[\"red\",\"blue\",\"green\"]}";
    JsonValue *earlier = json_read(list, strlen(list), &why);
    status = open_with(earlier);
    check(status == OK && label(0) == 0 && label(1) == 2, "classes: those of an earlier run hold", "status %d", status);
    close_set();
    json_free(earlier);
}

/* ---- idx */
static size_t idx_bytes(uint8_t *to, int type, int n, int m, const void *values, size_t bytes) {
    uint8_t header[12] = {0, 0, (uint8_t)type,     2,         0, 0, (uint8_t)(n >> 8), (uint8_t)n,
                          0, 0, (uint8_t)(m >> 8), (uint8_t)m};
    memcpy(to, header, 12);
    memcpy(to + 12, values, bytes);
    return 12 + bytes;
}
static const char *const one_file[3] = {"d.idx", "", ""};
static void idx_refuses(const char *name, const void *bytes, size_t n, const char *said) {
    file_put("d.idx", bytes, n);
    idx_set(one_file, 4, NN_REAL, 0, NN_F32);
    Status status = open_with(NULL);
    check(status == FAILED_DATA && strstr(err_text.bytes, said), name, "status %d, no '%s' in: %s", status, said,
          err_text.bytes);
    close_set();
}
static void test_idx(void) {
    uint8_t file[256], values[24];
    for (int i = 0; i < 24; i++) values[i] = (uint8_t)(i * 10);
    size_t n = idx_bytes(file, 8, 6, 4, values, 24);
    for (int zipped = 0; zipped < 2; zipped++) {
        if (zipped)
            gzip_put("d.idx", file, n);
        else
            file_put("d.idx", file, n);
        idx_set(one_file, 4, NN_REAL, 0, NN_F32);
        Status status = open_with(NULL);
        float batch[16] = {0};
        if (status == OK) {
            nn_feed feed = {.rows = 4, .row = -1, .fresh = -1, .n_columns = 1, .columns = (const int64_t[]){0}};
            uint32_t rows[3] = {5, 0, 2};
            Fill fill = {.part = PART_TRAIN, .rows = rows, .valid = 3};
            set_fill(&set, &feed, &fill, (uint8_t *)batch);
        }
        check(status == OK && set.raw_rows[0] == 6 && batch[0] == 200 && batch[4] == 0 && batch[8] == 80 &&
                  batch[11] == 110 && batch[12] == 200,
              zipped ? "idx: gzip, widened when a batch is filled" : "idx: plain, widened when a batch is filled",
              "status %d: %s", status, err_text.bytes);
        close_set();
    }
    int16_t shorts[4] = {(int16_t)__builtin_bswap16((uint16_t)-5), (int16_t)__builtin_bswap16(300), 0,
                         (int16_t)__builtin_bswap16(7)};
    n = idx_bytes(file, 0x0B, 1, 4, shorts, 8);
    file_put("d.idx", file, n);
    idx_set(one_file, 4, NN_INT, 0, NN_I32);
    Status status = open_with(NULL);
    const int32_t *got = status ? NULL : (const int32_t *)(const void *)set.columns[0].values[0];
    check(status == OK && got[0] == -5 && got[1] == 300 && got[3] == 7, "idx: int16", "status %d: %s", status,
          err_text.bytes);
    close_set();
    n = idx_bytes(file, 8, 6, 1, values, 6);
    file_put("d.idx", file, n);
    idx_set(one_file, 1, NN_CLASS, 41, NN_I32);
    check(open_with(NULL) == FAILED_DATA && strstr(err_text.bytes, "d.idx:6: error: 50 is not below"),
          "idx: a label out of range", "%s", err_text.bytes);
    close_set();
    n = idx_bytes(file, 8, 6, 4, values, 24);
    idx_refuses("idx: cut off", file, n - 1, "23 bytes follow");
    idx_refuses("idx: too long", file, n + 1, "25 bytes follow");
    idx_refuses("idx: ends in its header", file, 9, "within its header");
    idx_refuses("idx: three bytes", file, 3, "no idx file");
    file[1] = 1;
    idx_refuses("idx: wrong magic", file, n, "no idx file");
    file[1] = 0, file[2] = 10;
    idx_refuses("idx: unknown type", file, n, "idx type");
    file[2] = 8, file[3] = 0;
    idx_refuses("idx: rank 0", file, n, "idx rank");
    file[3] = 9;
    idx_refuses("idx: rank 9", file, n, "idx rank");
    file[3] = 2, memset(file + 4, 0xff, 8);
    idx_refuses("idx: sizes beyond the file", file, n, "its header says");
    n = idx_bytes(file, 8, 4, 6, values, 24);
    idx_refuses("idx: another shape", file, n, "a row is [6], 6 values, where the page needs 4");
    n = idx_bytes(file, 8, 0, 4, values, 0);
    idx_refuses("idx: no rows", file, n, "sizes is 0");
}
/* A gzip file cut at every byte, and with every byte changed, is data or a message. */
static void test_gzip(void) {
    uint8_t plain[512], values[400];
    for (int i = 0; i < 400; i++) values[i] = (uint8_t)(i * i);
    size_t n = idx_bytes(plain, 8, 100, 4, values, 400), size = 0;
    gzip_put("whole.gz", plain, n);
    char *zipped = file_text("whole.gz", &size);
    int good = 0, wrong = 0, silent = 0;
    for (size_t i = 0; i < 2 * size; i++) {
        char *copy = malloc(size);
        memcpy(copy, zipped, size);
        if (i >= size) copy[i - size] = (char)(copy[i - size] ^ 0x55);
        file_put("d.idx", copy, i < size ? i : size);
        free(copy);
        idx_set(one_file, 4, NN_REAL, 0, NN_F32);
        Status status = open_with(NULL);
        if (status && !err_text.n) silent++;
        if (!status) good++;
        if (status && status != FAILED_DATA) wrong++;
        close_set();
    }
    free(zipped);
    check(!silent && !wrong && good < 16, "gzip: cut or changed anywhere is told",
          "%d read, %d of another status, %d silent", good, wrong, silent);
}
/* Random damage to small files of both kinds: data or a message, never a crash (with `make san`: nor a read beyond). */
static void test_damage(void) {
    static const char seed_csv[] = "a,b,label\n1,2.5,1\n\"3\",4e1,2\n-5,\"6\"\"\",0\n";
    uint8_t seed_idx[64], values[24] = {0};
    size_t idx_n = idx_bytes(seed_idx, 8, 6, 4, values, 24);
    int silent = 0, good = 0;
    for (uint32_t i = 0; i < 6000; i++) {
        uint8_t copy[128];
        size_t n = i & 1 ? idx_n : sizeof seed_csv - 1;
        memcpy(copy, i & 1 ? (const void *)seed_idx : seed_csv, n);
        for (uint32_t j = 0; j <= i % 5; j++) {
            uint32_t counter[4] = {i, j, 0, 0}, word[4], key[2] = {1, 2};
            philox4x32_10(counter, key, word);
            static const char likely[] = "\",\n\r0;x-.e";
            copy[word[0] % n] = word[1] & 1 ? (uint8_t)likely[word[2] % 10] : (uint8_t)word[3];
            if (word[1] % 7 == 0) n -= n > 1;
        }
        file_put(i & 1 ? "d.idx" : "d.csv", copy, n);
        if (i & 1)
            idx_set(one_file, 4, NN_REAL, 0, NN_F32);
        else
            csv_set("d.csv", 3);
        Status status = open_with(NULL);
        silent += status && !err_text.n;
        good += !status;
        close_set();
    }
    check(!silent && good > 100 && good < 5900, "damaged files are data or a message", "%d silent, %d read", silent,
          good);
}

/* ---- splits and orders */
static void test_splits(void) {
    Text text = {0};
    text_put(&text, "a,b,label\n");
    for (int i = 0; i < 50; i++) text_format(&text, "%d,0,1\n", i);
    file_put("d.csv", text.bytes, text.n);
    text_free(&text);
    csv_set("d.csv", 3);
    set_spec.test = 0.2;
    set_spec.validate = 0.1;
    Status status = open_with(NULL);
    const PartRows *p = set.parts;
    bool evenly = status == OK && p[PART_TEST].rows == 10 && p[PART_VALIDATE].rows == 5 && p[PART_TRAIN].rows == 35;
    for (int i = 0; i < 10 && evenly; i++) evenly = p[PART_TEST].index[i] == (uint32_t)(5 * i + 4);
    check(evenly && p[PART_VALIDATE].index[0] == 8 && p[PART_VALIDATE].index[4] == 48,
          "split: 20 % is every fifth, validation among what is left",
          "status %d, %lld test rows, validation from %u to %u", status, (long long)p[PART_TEST].rows,
          p[PART_VALIDATE].index[0], p[PART_VALIDATE].index[4]);
    close_set();
    csv_set("d.csv", 3);
    set_spec.test = 7;
    status = open_with(NULL);
    check(status == OK && p[PART_TEST].rows == 7 && p[PART_TRAIN].rows == 43 && !p[PART_VALIDATE].rows,
          "split: a count", "%lld", (long long)p[PART_TEST].rows);
    close_set();
    csv_set("d.csv", 3);
    set_spec.test = 50;
    status = open_with(NULL);
    check(status == FAILED_DATA && strstr(err_text.bytes, "no row left for training"), "split: nothing left", "%s",
          err_text.bytes);
    close_set();
    csv_set("d.csv", 3);
    columns[0].window = 4;
    columns[1].shift = 4;
    columns[0].n_dims = 0;
    set_spec.test = 0.2;
    set_spec.every = 2;
    status = open_with(NULL);
    check(status == OK && p[PART_TRAIN].rows == 18 && p[PART_TEST].rows == 3 && p[PART_TEST].first == 40,
          "split: with windows the last rows, none across", "%lld training, %lld test", (long long)p[PART_TRAIN].rows,
          (long long)p[PART_TEST].rows);
    float batch[32] = {0};
    nn_feed feed = {.rows = 2, .row = 64, .fresh = 72, .n_columns = 2, .columns = (const int64_t[]){0, -1}};
    Fill fill = {.part = PART_TEST, .first = 1, .valid = 2, .number = 1};
    set_fill(&set, &feed, &fill, (uint8_t *)batch);
    check(batch[0] == 42 && batch[2] == 43 && batch[6] == 45 && batch[8] == 44, "windows: rows from there on", "%g %g",
          batch[0], batch[8]);
    close_set();
}
static void test_order(void) {
    uint32_t rows[1000], again[1000], key[2] = {5, 0};
    bool seen[1000] = {false}, whole = true;
    order_shuffle(rows, 1000, key, 3, 0);
    order_shuffle(again, 1000, key, 3, 0);
    for (int i = 0; i < 1000; i++) seen[rows[i]] = true;
    for (int i = 0; i < 1000; i++) whole &= seen[i];
    check(whole && !memcmp(rows, again, sizeof rows), "order: a permutation, the same each time", "it is none");
    order_shuffle(again, 1000, key, 4, 0);
    check(memcmp(rows, again, sizeof rows) != 0, "order: another epoch, another permutation", "they are equal");
    uint32_t counter[4] = {999, 3, 0, 0xFFFFFF01u}, word[4];
    philox4x32_10(counter, key, word);
    check(rows[999] == (uint32_t)((uint64_t)word[0] * 1000 >> 32),
          "order: Fisher-Yates from the end by the words of Philox", "row %u is last", rows[999]);
    uint32_t zero[4] = {0}, none[2] = {0}, out[4];
    philox4x32_10(zero, none, out);
    check(out[0] == 0x6627e8d5 && out[1] == 0xe169c58d && out[2] == 0xbc57ac4c && out[3] == 0x9b00dbd8,
          "philox: the known answer", "%08x", out[0]);
}
int main(void) {
    world_open();
    test_csv();
    test_classes();
    test_idx();
    test_gzip();
    test_damage();
    test_splits();
    test_order();
    world_close();
    return failures != 0;
}

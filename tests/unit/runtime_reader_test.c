/* runtime_reader_test.c: the readers of text, words, strings of a csv, npy and npz: what they take, what they refuse
 *and
 ** how they say it, what they make of damaged files. */
#include "runtime_set.h"

static void one_column(const char *kind, const char *file, nn_column column) {
    static const char *files[3] = {"", "", ""};
    files[0] = file, files[1] = files[2] = "";
    column.text = "x = ..";
    column.line = 2;
    columns[0] = column;
    set_spec = (nn_set){.name = "d",
                        .kind = kind,
                        .n_files = 3,
                        .files = files,
                        .folder = "",
                        .every = 1,
                        .n_columns = 1,
                        .columns = columns,
                        .line = 1};
}
static int64_t class_at(int64_t i) {
    const Column *c = &set.columns[0];
    return c->dtype == NN_U8 ? c->values[0][i] : ((const int32_t *)(const void *)c->values[0])[i];
}
static void refused(Status expected, const char *said, const char *name) {
    Status status = open_with(NULL);
    check(status == expected && strstr(err_text.bytes, said), name, "status %d, no '%s' in: %s", status, said,
          err_text.bytes);
    close_set();
}

/* ---- text, words */
static void text_set(const char *text, size_t n, int64_t k) {
    file_put("d.txt", text, n);
    one_column(
        "text", "d.txt",
        (nn_column){.field = "x", .reader = "char", .element = NN_CLASS, .classes = k, .dtype = NN_I32, .window = 2});
}
#define TEXT_SET(text, k) text_set(text, sizeof text - 1, k)
static void test_text(void) {
    const char *why;
    TEXT_SET("\xef\xbb\xbf"
             "ba\xc3\xa9"
             "b\n\xf0\x9f\x99\x82",
             5);
    Status status = open_with(NULL);
    check(status == OK && set.raw_rows[0] == 6 && class_at(0) == 2 && class_at(1) == 1 && class_at(2) == 3 &&
              class_at(4) == 0 && class_at(5) == 4 && set.columns[0].dtype == NN_U8 &&
              !strcmp(set.columns[0].classes[4], "\xf0\x9f\x99\x82") && !strcmp(set.columns[0].classes[0], "\n"),
          "text: code points, classes by their order, kept as bytes", "status %d, %lld rows: %s", status,
          (long long)(status ? 0 : set.raw_rows[0]), err_text.bytes);
    close_set();
    TEXT_SET("abcdefg", 5);
    refused(FAILED_DATA, "d.txt: error: it has 7 different symbols, the page 5 classes",
            "text: more symbols than classes");
    TEXT_SET("ab\ncd\xff"
             "e",
             9);
    refused(FAILED_DATA, "d.txt:2: error: it is not UTF-8: byte 0xff", "text: not UTF-8");
    TEXT_SET("ab\xc0\x80", 9);
    refused(FAILED_DATA, "byte 0xc0", "text: UTF-8 that is too long");
    TEXT_SET("ab\xed\xa0\x80", 9);
    refused(FAILED_DATA, "byte 0xed", "text: half a surrogate pair");
    TEXT_SET("ab\0c", 9);
    refused(FAILED_DATA, "bytes of 0", "text: bytes of 0");
    TEXT_SET("a", 9);
    refused(FAILED_DATA, "data \"d\" (page.nn:1): its windows span 2 rows, but its train part has 1 row",
            "text: shorter than a window");
    TEXT_SET("abcab", 5);
    static const char list[] = "{\"d/x\":[\"c\",\"b\",\"a\"]}";
    JsonValue *earlier = json_read(list, strlen(list), &why);
    status = open_with(earlier);
    check(status == OK && class_at(0) == 2 && class_at(2) == 0, "text: the vocabulary of an earlier run holds",
          "status %d %s", status, err_text.bytes);
    close_set();
    TEXT_SET("a\nb", 5);
    status = open_with(earlier);
    check(status == FAILED_DATA && strstr(err_text.bytes, "d.txt:1: error: \"\\x0a\" is none of the 3 classes"),
          "text: a symbol that an earlier run did not know", "status %d %s", status, err_text.bytes);
    close_set();
    json_free(earlier);
    file_put("v.txt", "xyz", 3);
    TEXT_SET("abc", 6);
    ((const char **)(uintptr_t)set_spec.files)[1] = "v.txt";
    status = open_with(NULL);
    check(status == OK && set.columns[0].n_classes == 6 && set.columns[0].values[1][0] == 3 &&
              set.parts[PART_VALIDATE].rows == 2,
          "text: one vocabulary over all parts", "status %d %s", status, err_text.bytes);
    close_set();
    TEXT_SET("abc", 3);
    columns[1] = columns[0];
    columns[1].shift = 1;
    set_spec.n_columns = 2;
    status = open_with(NULL);
    check(status == OK && set.columns[0].values[0] == set.columns[1].values[0] && set.columns[1].spec->shift == 1 &&
              set.parts[PART_TRAIN].rows == 1,
          "text: two columns of it are kept once", "status %d %s", status, err_text.bytes);
    close_set();
}
static void test_words(void) {
    static const char text[] = " the cat\n\tsat  on the\r\nmat";
    file_put("d.txt", text, sizeof text - 1);
    nn_column word = {.field = "x", .reader = "word", .element = NN_CLASS, .classes = 5, .dtype = NN_I32};
    one_column("words", "d.txt", word);
    Status status = open_with(NULL);
    check(status == OK && set.raw_rows[0] == 6 && class_at(0) == 4 && class_at(1) == 0 && class_at(4) == 4 &&
              class_at(5) == 1,
          "words: by byte order", "status %d %s", status, err_text.bytes);
    close_set();
    word.classes = 4;
    one_column("words", "d.txt", word);
    refused(FAILED_DATA, "it has 5 different words, the page 4 classes", "words: more words than classes");
    file_put("d.txt", "a \xff", 3);
    refused(FAILED_DATA, "not UTF-8", "words: not UTF-8");
    file_put("d.txt", " \n", 2);
    refused(FAILED_DATA, "it holds no words", "words: none");
}

/* ---- strings of a csv */
static void string_set(const char *reader, int64_t k, int64_t n) {
    static const char *name[] = {"name"};
    static int64_t dims[1];
    dims[0] = n;
    one_column("csv", "d.csv",
               (nn_column){.field = "x",
                           .reader = reader,
                           .n_names = 1,
                           .names = name,
                           .element = *reader == 'c' && reader[1] == 'o' ? NN_INT : NN_CLASS,
                           .classes = k,
                           .n_dims = n > 0,
                           .dims = dims,
                           .dtype = NN_I32});
}
static void test_strings(void) {
    const char *why;
    static const char text[] = "name,y\nbob,1\n\"\xc3\xa9va\",2\n a ,3\n";
    file_put("d.csv", text, sizeof text - 1);
    string_set("characters", 6, 4);
    Status status = open_with(NULL);
    static const int32_t expected[12] = {2, 3, 2, 0, 5, 4, 1, 0, 1, 0, 0, 0}; /* a b o v \xe9 are 1 to 5 */
    check(status == OK && set.raw_rows[0] == 3 && !memcmp(set.columns[0].values[0], expected, sizeof expected) &&
              set.columns[0].n_classes == 6 && !*set.columns[0].classes[0] &&
              !strcmp(set.columns[0].classes[5], "\xc3\xa9"),
          "characters: symbols from 1 by code order, padded with 0", "status %d %s", status, err_text.bytes);
    close_set();
    static const char list[] = "{\"d/x\":[\"\",\"v\",\"b\",\"o\",\"a\",\"\xc3\xa9\"]}",
                      less[] = "{\"d/x\":[\"\",\"b\",\"o\",\"a\"]}";
    JsonValue *earlier = json_read(list, strlen(list), &why);
    status = open_with(earlier);
    check(status == OK && class_at(0) == 2 && class_at(3) == 0 && class_at(4) == 5 && class_at(5) == 1,
          "characters: those of an earlier run hold", "status %d %s", status, err_text.bytes);
    close_set();
    json_free(earlier);
    earlier = json_read(less, strlen(less), &why);
    status = open_with(earlier);
    check(status == FAILED_DATA &&
              strstr(err_text.bytes, "d.csv: error: column \"name\": \"\xc3\xa9\" in row 2 is none of the 4 classes"),
          "characters: one that an earlier run did not know", "status %d %s", status, err_text.bytes);
    close_set();
    json_free(earlier);
    string_set("characters", 5, 4);
    refused(FAILED_DATA,
            "d.csv: error: column \"name\": it has 5 different characters and the padding, the page 5 classes",
            "characters: more than classes");
    string_set("characters", 6, 2);
    refused(FAILED_DATA, "d.csv:2: error: column \"name\": \"bob\" has 3 characters, the page takes 2",
            "characters: a longer cell");
    string_set("count", 0, 0);
    status = open_with(NULL);
    check(status == OK && class_at(0) == 3 && class_at(1) == 3 && class_at(2) == 1, "count: code points",
          "status %d %s", status, err_text.bytes);
    close_set();
    file_put("d.csv", "name,y\nbob,1\n,2\n", 16);
    string_set("count", 0, 0);
    refused(FAILED_DATA, "d.csv:3: error: column \"name\": the cell is empty", "count: an empty sequence");
    string_set("characters", 6, 4);
    refused(FAILED_DATA, "d.csv:3: error: column \"name\": the cell is empty", "characters: an empty sequence");
    file_put("d.csv", "name,y\nb\xff,1\n", 12);
    refused(FAILED_DATA, "d.csv:2: error: column \"name\": it is not UTF-8: byte 0xff", "characters: not UTF-8");
}

/* ---- npy, npz */
static size_t npy_bytes(uint8_t *to, int version, const char *descr, const char *order, const char *shape,
                        const void *values, size_t n) {
    char dict[256];
    int skip = version == 1 ? 10 : 12, length;
    snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape);
    length = (int)(strlen(dict) + 1 + 63 + (size_t)skip) / 64 * 64 - skip;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (uint8_t)version, to[7] = 0;
    to[8] = (uint8_t)length, to[9] = (uint8_t)(length >> 8), to[10] = to[11] = 0;
    snprintf((char *)to + skip, 300, "%-*s\n", length - 1, dict);
    memcpy(to + skip + length, values, n);
    return (size_t)(skip + length) + n;
}
static void npy_set(const char *reader, int64_t elements, int64_t element, int64_t k, int64_t dtype) {
    static const char *names[4] = {"d.npy", "", "", "x"};
    static int64_t dims[1];
    dims[0] = elements;
    names[0] = !strcmp(reader, "npz") ? "d.npz" : "d.npy";
    one_column("files", "",
               (nn_column){.field = "x",
                           .reader = reader,
                           .n_names = 4,
                           .names = names,
                           .element = element,
                           .classes = k,
                           .n_dims = 1,
                           .dims = dims,
                           .dtype = dtype});
    columns[0].n_names = !strcmp(reader, "npz") ? 4 : 3;
    set_spec.n_files = 0;
}
static double value_at(int64_t i) {
    const void *v = set.columns[0].values[0];
    switch (set.columns[0].dtype) {
    case NN_F32: return (double)((const float *)v)[i];
    case NN_F64: return ((const double *)v)[i];
    case NN_I32: return ((const int32_t *)v)[i];
    default: return ((const uint8_t *)v)[i];
    }
}
static void npy_takes(const char *name, const char *descr, const void *values, size_t n, int64_t element, int64_t dtype,
                      double last) {
    uint8_t file[1024];
    for (int version = 1; version < 3; version++) {
        size_t size = npy_bytes(file, version, descr, "False", "(2, 2)", values, n);
        if (version == 2)
            gzip_put("d.npy", file, size);
        else
            file_put("d.npy", file, size);
        npy_set("npy", 2, element, 0, dtype);
        Status status = open_with(NULL);
        check(status == OK && set.raw_rows[0] == 2 && value_at(0) == 1 && value_at(3) == last, name,
              "status %d, %g: %s", status, status ? 0 : value_at(3), err_text.bytes);
        close_set();
    }
}
static void npy_refuses(const char *name, const char *descr, const char *order, const char *shape, const void *values,
                        size_t n, int64_t element, const char *said) {
    uint8_t file[1024];
    file_put("d.npy", file, npy_bytes(file, 1, descr, order, shape, values, n));
    npy_set("npy", 2, element, 5, element == NN_REAL ? NN_F32 : NN_I32);
    refused(FAILED_DATA, said, name);
}
static void test_npy(void) {
#define TAKES(descr, type, element, dtype, last)                                                                       \
    do {                                                                                                               \
        type values[4] = {1, 2, 3, last};                                                                              \
        npy_takes("npy: " descr, descr, values, sizeof values, element, dtype, (double)(type)(last));                  \
    } while (0)
    TAKES("|u1", uint8_t, NN_REAL, NN_F32, 200);
    TAKES("|i1", int8_t, NN_REAL, NN_F32, -100);
    static const uint8_t bools[4] = {1, 0, 0, 1};
    npy_takes("npy: |b1", "|b1", bools, sizeof bools, NN_BOOLEAN, NN_U8, 1);
    TAKES("<u2", uint16_t, NN_INT, NN_I32, 65535);
    TAKES("<i2", int16_t, NN_INT, NN_I32, -5);
    TAKES("<u4", uint32_t, NN_REAL, NN_F64, 4000000000u);
    TAKES("<i4", int32_t, NN_INT, NN_I32, -70000);
    TAKES("<u8", uint64_t, NN_REAL, NN_F32, 1 << 20);
    TAKES("<i8", int64_t, NN_INT, NN_I32, -7);
    TAKES("<f4", float, NN_REAL, NN_F32, 0.1f);
    TAKES("<f4", float, NN_REAL, NN_F64, 0.1f);
    TAKES("<f8", double, NN_REAL, NN_F32, 0.25);
    TAKES("<f8", double, NN_REAL, NN_F64, 0.1);
    static const uint16_t halves[4] = {0x3c00, 0x3c00, 1, 0xc248};
    npy_takes("npy: <f2", "<f2", halves, sizeof halves, NN_REAL, NN_F32, -3.140625);
    float f[4] = {1, 2, 3, NAN};
    double d[4] = {1, 2, 3, 1e39};
    int64_t n[4] = {1, 2, 3, 1LL << 40};
    npy_refuses("npy: not finite", "<f4", "False", "(2, 2)", f, 16, NN_REAL, "d.npy:2: error: nan is not finite");
    npy_refuses("npy: beyond float32", "<f8", "False", "(2, 2)", d, 32, NN_REAL, "beyond the largest float32");
    npy_refuses("npy: beyond an int", "<i8", "False", "(2, 2)", n, 32, NN_INT, "no whole number below 2^31");
    n[3] = 5;
    npy_refuses("npy: a class out of range", "<i8", "False", "(2, 2)", n, 32, NN_CLASS,
                "d.npy:2: error: 5 is not below the number of classes, 5");
    npy_refuses("npy: Fortran order", "<f4", "True", "(2, 2)", f, 16, NN_REAL, "np.ascontiguousarray");
    npy_refuses("npy: big-endian", ">f4", "False", "(2, 2)", f, 16, NN_REAL, "big-endian");
    npy_refuses("npy: texts", "<U4", "False", "(2, 2)", f, 16, NN_REAL, "its type is none of");
    npy_refuses("npy: no axes", "<f4", "False", "()", f, 4, NN_REAL, "one number");
    npy_refuses("npy: no rows", "<f4", "False", "(0, 2)", f, 0, NN_REAL, "sizes is 0");
    npy_refuses("npy: another shape", "<f4", "False", "(2, 1, 2, 1)", f, 16, NN_REAL, "is not finite");
    npy_refuses("npy: other elements", "<f4", "False", "(1, 4)", f, 16, NN_REAL,
                "a row is [4], 4 values, where the page needs 2");
    npy_refuses("npy: too short", "<f4", "False", "(2, 2)", f, 15, NN_REAL, "15 bytes follow");
    npy_refuses("npy: sizes beyond all", "<f4", "False", "(2, 99999999999999999, 999)", f, 16, NN_REAL, "too large");
    npy_refuses("npy: a shape that is none", "<f4", "False", "(2, x)", f, 16, NN_REAL, "no shape");
    file_put("d.npy", "\x93NUMPY\x01", 7);
    npy_set("npy", 2, NN_REAL, 0, NN_F32);
    refused(FAILED_DATA, "it is no npy file", "npy: seven bytes");
}
static void put_little(uint8_t *to, uint64_t value, int n) {
    for (int i = 0; i < n; i++) to[i] = (uint8_t)(value >> 8 * i);
}
/* A zip of two members, a.npy and x.npy, by hand. */
static size_t npz_bytes(uint8_t *to, const uint8_t *npy, size_t n, bool deflated) {
    size_t at = 0, where[2];
    uint8_t packed[2048];
    size_t size = n;
    memcpy(packed, npy, n);
    if (deflated) {
        z_stream z = {
            .next_in = (Bytef *)(uintptr_t)npy, .avail_in = (uInt)n, .next_out = packed, .avail_out = sizeof packed};
        deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
        deflate(&z, Z_FINISH);
        size = z.total_out;
        deflateEnd(&z);
    }
    for (int m = 0; m < 2; m++) {
        uint8_t *p = to + (where[m] = at);
        memset(p, 0, 30);
        memcpy(p, "PK\3\4", 4);
        put_little(p + 8, deflated ? 8 : 0, 2);
        put_little(p + 14, crc32(0, npy, (uInt)n), 4);
        put_little(p + 18, size, 4), put_little(p + 22, n, 4), put_little(p + 26, 5, 2);
        memcpy(p + 30, m ? "x.npy" : "a.npy", 5);
        memcpy(p + 35, packed, size);
        at += 35 + size;
    }
    size_t directory = at;
    for (int m = 0; m < 2; m++, at += 51) {
        uint8_t *p = to + at;
        memset(p, 0, 46);
        memcpy(p, "PK\1\2", 4);
        memcpy(p + 10, to + where[m] + 8, 2);
        memcpy(p + 16, to + where[m] + 14, 14);
        put_little(p + 42, where[m], 4);
        memcpy(p + 46, m ? "x.npy" : "a.npy", 5);
    }
    memset(to + at, 0, 22);
    memcpy(to + at, "PK\5\6", 4);
    put_little(to + at + 8, 2, 2), put_little(to + at + 10, 2, 2);
    put_little(to + at + 12, at - directory, 4), put_little(to + at + 16, directory, 4);
    return at + 22;
}
static void test_npz(void) {
    static const float values[4] = {1, 2, 3, 4};
    uint8_t npy[512], zip[4096];
    size_t n = npy_bytes(npy, 1, "<f4", "False", "(2, 2)", values, sizeof values), size = 0;
    int silent = 0, good = 0, wrong = 0;
    for (int deflated = 0; deflated < 2; deflated++) {
        size = npz_bytes(zip, npy, n, deflated);
        file_put("d.npz", zip, size);
        npy_set("npz", 2, NN_REAL, 0, NN_F32);
        Status status = open_with(NULL);
        check(status == OK && set.raw_rows[0] == 2 && value_at(3) == 4, deflated ? "npz: deflated" : "npz: stored",
              "status %d %s", status, err_text.bytes);
        close_set();
        for (size_t i = 0; i < 2 * size; i++) { /* cut at every byte, and every byte changed */
            uint8_t copy[4096];
            memcpy(copy, zip, size);
            if (i >= size) copy[i - size] ^= 0x55;
            file_put("d.npz", copy, i < size ? i : size);
            status = open_with(NULL);
            silent += status && !err_text.n;
            good += !status;
            wrong += status && status != FAILED_DATA;
            if (!status && value_at(3) != 4) wrong++;
            close_set();
        }
    }
    check(!silent && !wrong && good > 0, "npz: cut or changed anywhere is told, or does not matter",
          "%d read, %d silent, %d wrong", good, silent, wrong);
    columns[0].names = (const char *const[]){"d.npz", "", "", "y"};
    file_put("d.npz", zip, size);
    refused(FAILED_DATA, "d.npz: error: it has no array \"y\"; it has a, x", "npz: no such array");
    file_put("d.npz", npy, n);
    refused(FAILED_DATA, "it is no npz file", "npz: an npy file");
}
/* Random damage to small files of all kinds: data or a message, never a crash (with `make san`: nor a read beyond). */
static void test_damage(void) {
    static const float values[4] = {1, 2, 3, 4};
    uint8_t npy[512];
    size_t n = npy_bytes(npy, 1, "<f4", "False", "(2, 2)", values, sizeof values);
    int silent = 0, good = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        uint8_t copy[512];
        static const char text[] = "the c\xc3\xa9t\nsat on the mat\n", csv[] = "name,y\nbob,1\n\"\xc3\xa9va\",2\n";
        const void *from = i % 4 == 0 ? (const void *)npy : i % 4 == 3 ? csv : text;
        size_t size = i % 4 == 0 ? n : i % 4 == 3 ? sizeof csv - 1 : sizeof text - 1;
        memcpy(copy, from, size);
        for (uint32_t j = 0; j <= i % 5; j++) {
            uint32_t counter[4] = {i, j, 0, 0}, word[4], key[2] = {1, 2};
            philox4x32_10(counter, key, word);
            copy[word[0] % (i % 4 ? size : 96)] =
                word[1] & 1 ? (uint8_t)"(),'\n 9:\xc3\xff"[word[2] % 10] : (uint8_t)word[3];
            if (word[1] % 7 == 0) size -= size > 1;
        }
        if (i % 4 == 0)
            file_put("d.npy", copy, size), npy_set("npy", 2, NN_REAL, 0, NN_F32);
        else if (i % 4 == 1)
            text_set((const char *)copy, size, 12);
        else if (i % 4 == 2)
            file_put("d.txt", copy, size),
                one_column(
                    "words", "d.txt",
                    (nn_column){.field = "x", .reader = "word", .element = NN_CLASS, .classes = 5, .dtype = NN_I32});
        else
            file_put("d.csv", copy, size), string_set("characters", 7, 4);
        Status status = open_with(NULL);
        silent += status && !err_text.n;
        good += !status;
        close_set();
    }
    check(!silent && good > 100 && good < 3900, "damaged files are data or a message", "%d silent, %d read", silent,
          good);
}
int main(void) {
    world_open();
    test_text();
    test_words();
    test_strings();
    test_npy();
    test_npz();
    test_damage();
    world_close();
    return failures != 0;
}

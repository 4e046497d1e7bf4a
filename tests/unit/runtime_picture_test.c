/* runtime_picture_test.c: sets of pictures: PNG of every kind and JPEG, folders as classes, sizes and channels, what is
** refused and how it is said, damaged files. The files are written by the codecs here. */
#include "runtime_set.h"
#include "runtime/data/reader.h"
#include <jpeglib.h>
#include <png.h>
#include <sys/stat.h>

enum { H = 3, W = 4 };
/* A PNG of H rows of W pixels, `depth` bits and the type given; `at` gives each sample. */
static void png_put(const char *path, int height, int width, int type, int depth, bool interlaced, const uint8_t *rows,
                    size_t row_bytes) {
    FILE *f = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, type,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_color palette[4] = {{0, 0, 0}, {10, 20, 30}, {40, 50, 60}, {255, 255, 255}};
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_set_gAMA(png, info, 1.0); /* must not change the pixels */
    png_write_info(png, info);
    for (int pass = png_set_interlace_handling(png); pass > 0; pass--)
        for (int y = 0; y < height; y++) png_write_row(png, (png_bytep)(uintptr_t)rows + (size_t)y * row_bytes);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}
static void jpeg_put(const char *path, int channels, uint8_t value) {
    FILE *f = fopen(path, "wb");
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = W, jpeg.image_height = H, jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t row[W * 4];
    memset(row, value, sizeof row);
    JSAMPROW rows[1] = {row};
    for (int y = 0; y < H; y++) jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(f);
}
static void gray_put(const char *path, uint8_t first) {
    uint8_t rows[H][W];
    for (int i = 0; i < H * W; i++) rows[i / W][i % W] = (uint8_t)(first + i);
    png_put(path, H, W, PNG_COLOR_TYPE_GRAY, 8, false, rows[0], W);
}
static void picture_set(int64_t channels, int64_t k) {
    static const char *files[3] = {"pictures", "", ""};
    static int64_t dims[3];
    dims[0] = H, dims[1] = W, dims[2] = channels;
    files[1] = "";
    columns[0] = (nn_column){.field = "image",
                             .reader = "picture",
                             .n_dims = 3,
                             .dims = dims,
                             .dtype = NN_F32,
                             .text = "image = picture",
                             .line = 2};
    columns[1] = (nn_column){.field = "kind",
                             .reader = "folder",
                             .element = NN_CLASS,
                             .classes = k,
                             .dtype = NN_I32,
                             .text = "kind = folder",
                             .line = 3};
    set_spec = (nn_set){.name = "d",
                        .kind = "images",
                        .n_files = 3,
                        .files = files,
                        .folder = "",
                        .every = 1,
                        .n_columns = 2,
                        .columns = columns,
                        .line = 1};
}
static const uint8_t *pixels(int64_t row) { return set.columns[0].values[0] + row * set.columns[0].elements; }
static int32_t kind(int64_t row) { return ((const int32_t *)(const void *)set.columns[1].values[0])[row]; }
static void clear(void) {
    if (system("rm -rf pictures")) exit(70);
    mkdir("pictures", 0777);
    mkdir("pictures/dog", 0777);
    mkdir("pictures/cat", 0777);
}
static void refused(const char *said, const char *name) {
    Status status = open_with(NULL);
    check(status == FAILED_DATA && strstr(err_text.bytes, said), name, "status %d, no '%s' in: %s", status, said,
          err_text.bytes);
    close_set();
}

static void test_folders(void) {
    clear();
    gray_put("pictures/dog/b.png", 10);
    gray_put("pictures/dog/a.PNG", 30);
    gray_put("pictures/cat/z.png", 50);
    mkdir("pictures/cat/lion", 0777);
    gray_put("pictures/cat/lion/1.png", 70);
    file_put("pictures/cat/notes.txt", "x", 1);
    file_put("pictures/.hidden.png", "x", 1);
    picture_set(1, 3);
    Status status = open_with(NULL);
    check(status == OK && set.raw_rows[0] == 4 && pixels(0)[0] == 70 && pixels(1)[0] == 50 && pixels(2)[0] == 30 &&
              pixels(3)[11] == 21 && kind(0) == 1 && kind(1) == 0 && kind(3) == 2 &&
              !strcmp(set.columns[1].classes[1], "cat/lion"),
          "images: folders and files in order, folders as classes", "status %d: %s", status, err_text.bytes);
    check(status || (set.n_files == 1 && strlen(set.files[0].sha256) == 64 && set.files[0].bytes > 200),
          "images: the folder has a hash of all in it", "%lld", (long long)set.n_files);
    char before[65];
    strcpy(before, status ? "" : set.files[0].sha256);
    if (!status) {
        float batch[2 * H * W];
        nn_feed feed = {.rows = 2, .row = -1, .fresh = -1, .n_columns = 2, .columns = (const int64_t[]){0, -1}};
        set_fill(&set, &feed, &(Fill){.part = PART_TRAIN, .first = 1, .valid = 2}, (uint8_t *)batch);
        check(batch[0] == 50 && batch[12] == 30, "images: widened when a batch is filled", "%g", (double)batch[0]);
    }
    close_set();
    if (rename("pictures/cat/z.png", "pictures/dog/z.png")) exit(70);
    picture_set(1, 3);
    status = open_with(NULL);
    check(status == OK && strcmp(before, set.files[0].sha256) != 0, "images: which changes when one is moved", "%d",
          status);
    close_set();
    picture_set(1, 1);
    refused("is one class more than the 1 of the page", "images: more folders than classes");
    picture_set(1, 3);
    gray_put("pictures/loose.png", 1);
    refused("pictures/loose.png: error: it lies in no folder", "images: one without a class");
    set_spec.n_columns = 1;
    status = open_with(NULL);
    check(status == OK && set.raw_rows[0] == 5, "images: which the page may not ask for", "status %d: %s", status,
          err_text.bytes);
    close_set();
    file_put("pictures/cat/x.gif", "GIF89a", 6);
    picture_set(1, 3);
    refused("pictures/cat/x.gif: error: pictures must be PNG or JPEG", "images: a GIF");
    clear();
    refused("pictures: error: there is no picture", "images: empty folders");
    ((const char **)(uintptr_t)set_spec.files)[0] = "nowhere";
    refused("nowhere: error: there is no such folder", "images: no folder");
    ((const char **)(uintptr_t)set_spec.files)[0] = "pictures";
    clear();
    mkdir("pictures/7", 0777);
    rmdir("pictures/dog");
    rmdir("pictures/cat");
    gray_put("pictures/7/a.png", 1);
    picture_set(1, 10);
    status = open_with(NULL);
    check(status == OK && kind(0) == 7 && !set.columns[1].n_classes,
          "images: folders that are numbers are classes of their own", "%d", status);
    close_set();
}
static void test_kinds(void) {
    static const struct {
        const char *name;
        int type, depth, bytes;
        int64_t channels;
        uint8_t row[16], expected[3];
    } kinds[] = {
        {"1 bit", PNG_COLOR_TYPE_GRAY, 1, 1, 1, {0xA0}, {255, 0, 255}},
        {"2 bits", PNG_COLOR_TYPE_GRAY, 2, 1, 1, {0x1B}, {0, 85, 170}},
        {"16 bits", PNG_COLOR_TYPE_GRAY, 16, 8, 1, {0, 0, 128, 128, 255, 255, 0, 0}, {0, 128, 255}},
        {"a palette", PNG_COLOR_TYPE_PALETTE, 8, 4, 3, {1, 2, 3, 0}, {10, 20, 30}},
        {"colours", PNG_COLOR_TYPE_RGB, 8, 12, 3, {1, 2, 3, 4, 5, 6}, {1, 2, 3}},
        {"gray as three channels", PNG_COLOR_TYPE_GRAY, 8, 4, 3, {9, 8, 7}, {9, 9, 9}},
        {"equal colours as one", PNG_COLOR_TYPE_RGB, 8, 12, 1, {5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8}, {5, 6, 7}},
        {"opaque",
         PNG_COLOR_TYPE_RGB_ALPHA,
         8,
         16,
         3,
         {1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 1, 1, 1, 255},
         {1, 2, 3}},
        {"gray, opaque", PNG_COLOR_TYPE_GRAY_ALPHA, 8, 8, 1, {1, 255, 4, 255, 7, 255, 1, 255}, {1, 4, 7}},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            uint8_t rows[H][16];
            for (int y = 0; y < H; y++) memcpy(rows[y], kinds[i].row, 16);
            clear();
            png_put("pictures/dog/a.png", H, W, kinds[i].type, kinds[i].depth, interlaced, rows[0], 16);
            picture_set(kinds[i].channels, 1);
            Status status = open_with(NULL);
            check(status == OK && !memcmp(pixels(0), kinds[i].expected, 3) &&
                      !memcmp(pixels(0) + W * kinds[i].channels, kinds[i].expected, 3),
                  kinds[i].name, "png: status %d, %d %d %d: %s", status, status ? 0 : pixels(0)[0],
                  status ? 0 : pixels(0)[1], status ? 0 : pixels(0)[2], err_text.bytes);
            close_set();
        }
    uint8_t colours[H][12] = {{1, 2, 3}}, clear_in_places[H][16] = {{0}};
    clear();
    png_put("pictures/dog/a.png", H, W, PNG_COLOR_TYPE_RGB, 8, false, colours[0], 12);
    picture_set(1, 1);
    refused("pictures/dog/a.png: error: it has colours; the page takes one channel", "png: colours for one channel");
    png_put("pictures/dog/a.png", H, W, PNG_COLOR_TYPE_RGB_ALPHA, 8, false, clear_in_places[0], 16);
    picture_set(3, 1);
    refused("it is transparent in places", "png: not opaque");
    png_put("pictures/dog/a.png", W, H, PNG_COLOR_TYPE_GRAY, 8, false, colours[0], 4);
    refused("pictures/dog/a.png: error: it is 4 high and 3 wide, the page takes pictures of [3, 4, 3]",
            "png: another size");
    check(strstr(err_text.bytes, "= needed by  image = picture  (page.nn:2)") != NULL,
          "png: and the field that needs it", "%s", err_text.bytes);
    clear();
    jpeg_put("pictures/dog/a.jpg", 1, 77);
    jpeg_put("pictures/dog/b.JPEG", 3, 99);
    picture_set(3, 1);
    Status status = open_with(NULL);
    check(status == OK && set.raw_rows[0] == 2 && pixels(0)[0] == 77 && pixels(0)[35] == 77 && pixels(1)[35] == 99,
          "jpeg: gray and colours", "status %d: %s", status, err_text.bytes);
    close_set();
    jpeg_put("pictures/dog/c.jpg", 4, 77);
    refused("pictures/dog/c.jpg: error: it has 4 colour components", "jpeg: CMYK");
}
static void test_damage(void) {
    int good = 0, silent = 0, wrong = 0;
    for (int jpeg = 0; jpeg < 2; jpeg++) {
        clear();
        const char *path = jpeg ? "pictures/dog/a.jpg" : "pictures/dog/a.png";
        if (jpeg)
            jpeg_put(path, 3, 77);
        else
            gray_put(path, 1);
        size_t n = 0;
        char *whole = file_text(path, &n);
        picture_set(jpeg ? 3 : 1, 1);
        for (size_t i = 1; i < 2 * n; i++) {
            char *copy = malloc(n);
            memcpy(copy, whole, n);
            if (i >= n) copy[i - n] = (char)(copy[i - n] ^ 0x55);
            file_put(path, copy, i < n ? i : n);
            free(copy);
            Status status = open_with(NULL);
            silent += status && !err_text.n;
            wrong += status && status != FAILED_DATA;
            good += !status;
            if (!status && i + 12 < n) wrong++; /* cut before its last chunk */
            close_set();
        }
        free(whole);
    }
    check(!silent && !wrong && good > 0, "pictures cut or changed anywhere: data or a message",
          "%d read, %d silent, %d wrong", good, silent, wrong);
}
/* The reader is linked in by being named. */
static Status (*const linked)(Reading *) __attribute__((used)) = images_read;
int main(void) {
    world_open();
    test_folders();
    test_kinds();
    test_damage();
    world_close();
    return failures != 0;
}

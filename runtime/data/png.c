/* png.c: PNG of every kind, as 8 bits a channel: palettes and fewer bits are widened, 16 bits rounded to 8; gamma and
** colour profiles are left alone. */
#include "picture.h"
#include <png.h>
#include <stdio.h>
#include <string.h>

typedef struct Stream {
    const uint8_t *at;
    size_t left;
} Stream;
static void source_read(png_structp png, png_bytep to, png_size_t n) {
    Stream *source = png_get_io_ptr(png);
    if (n > source->left) png_error(png, "it is cut off");
    memcpy(to, source->at, n);
    source->at += n;
    source->left -= n;
}
static void on_error(png_structp png, png_const_charp message) {
    Picture *picture = png_get_error_ptr(png);
    snprintf(picture->why, sizeof picture->why, "%s", message);
    png_longjmp(png, 1);
}
static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }
/* Everything that may jump; nothing here owns memory. False: another size. */
static bool decode(png_structp png, png_infop info, Picture *picture) {
    png_read_info(png, info);
    picture->found_width = png_get_image_width(png, info);
    picture->found_height = png_get_image_height(png, info);
    if (picture->found_width != picture->width || picture->found_height != picture->height) return false;
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    picture->channels = png_get_channels(png, info);
    size_t row = (size_t)picture->width * (size_t)picture->channels;
    if (png_get_rowbytes(png, info) != row) png_error(png, "its rows have another length than they should");
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < picture->height; y++) png_read_row(png, picture->pixels + (size_t)y * row, NULL);
    png_read_end(png, NULL);
    return true;
}
bool picture_png(const uint8_t *bytes, size_t n, Picture *picture) {
    Stream source = {bytes, n};
    picture->why[0] = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, picture, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    volatile bool good = false;
    if (!info)
        snprintf(picture->why, sizeof picture->why, "not enough memory");
    else if (!setjmp(png_jmpbuf(png))) {
        png_set_read_fn(png, &source, source_read);
        good = decode(png, info, picture);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return good;
}

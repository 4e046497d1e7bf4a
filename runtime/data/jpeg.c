/* jpeg.c: JPEG as gray or RGB, by the exact integer transform, so that bits do not depend on the cpu. */
#include "picture.h"
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct Trouble {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    Picture *picture;
} Trouble;
static void on_error(j_common_ptr jpeg) {
    Trouble *trouble = (Trouble *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    snprintf(trouble->picture->why, sizeof trouble->picture->why, "%s", message);
    longjmp(trouble->back, 1);
}
/* Warnings tell of damage that the decoder papers over: an error, but for what does not touch the picture. */
static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA && jpeg->err->msg_code != JWRN_ADOBE_XFORM)
        on_error(jpeg);
}
/* Everything that may jump; false: another size, or colours that are not read. */
static bool decode(struct jpeg_decompress_struct *jpeg, const uint8_t *bytes, size_t n, Picture *picture) {
    jpeg_mem_src(jpeg, bytes, n);
    jpeg_read_header(jpeg, TRUE);
    picture->found_width = jpeg->image_width;
    picture->found_height = jpeg->image_height;
    if (jpeg->num_components != 1 && jpeg->num_components != 3) {
        snprintf(picture->why, sizeof picture->why, "it has %d colour components; gray and RGB can be read",
                 jpeg->num_components);
        return false;
    }
    if (picture->found_width != picture->width || picture->found_height != picture->height) return false;
    picture->channels = jpeg->num_components;
    jpeg->out_color_space = picture->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row =
            picture->pixels + (size_t)jpeg->output_scanline * (size_t)picture->width * (size_t)picture->channels;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    return true;
}
bool picture_jpeg(const uint8_t *bytes, size_t n, Picture *picture) {
    struct jpeg_decompress_struct jpeg = {0};
    Trouble trouble = {.picture = picture};
    volatile bool good = false;
    picture->why[0] = 0;
    jpeg.err = jpeg_std_error(&trouble.manager);
    trouble.manager.error_exit = on_error;
    trouble.manager.emit_message = on_message;
    if (!setjmp(trouble.back)) {
        jpeg_create_decompress(&jpeg);
        good = decode(&jpeg, bytes, n, picture);
    }
    jpeg_destroy_decompress(&jpeg);
    return good;
}

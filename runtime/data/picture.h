/* picture.h: pictures decoded from memory. The codecs are linked only into programs that have a set of pictures. */
#ifndef NN_PICTURE_H
#define NN_PICTURE_H
#include "reader.h"

typedef struct Picture {
    int64_t height, width; /* the page's; a picture of another size is not decoded */
    int64_t found_height, found_width;
    int channels;    /* found: 1 gray, 2 gray and opacity, 3 colours, 4 colours and opacity */
    uint8_t *pixels; /* room for 4 channels */
    char why[200];   /* of a failure */
} Picture;
/* False: `why` says why not, or is empty: the size differs. */
bool picture_png(const uint8_t *bytes, size_t n, Picture *picture);
bool picture_jpeg(const uint8_t *bytes, size_t n, Picture *picture);
#endif

/* The inflated rows of a PNG to pixels: filters undone, alpha premultiplied, and boxes of pixels averaged. */

#ifndef TINYPICS_PNG_H
#define TINYPICS_PNG_H

#include <stddef.h>
#include <stdint.h>

struct png;

struct png_format {
    int width, height;
    int channels;           /* of a sample in a row; 1 for numbers in `palette` */
    int bits;               /* 1, 2, 4 (with a palette only), 8 or 16 */
    const uint8_t *palette; /* `colours` times R, G, B, A; or NULL */
    int colours;
    int bytes; /* of a pixel that is written: 1 (grey) or 4, as Pillow has them in L, La, RGB and RGBa */
    int box;   /* each pixel is the mean of box x box, 1 to 255; fewer at the right and lower edge */
};

/* Writes ceil(width / box) x ceil(height / box) pixels to rows of `stride` bytes, which must stay valid until
   `png_free`. NULL: no memory, or the numbers do not fit together. */
struct png *png_new(const struct png_format *format, uint8_t *pixels, size_t stride);

/* Takes all of `data`, which may end anywhere. Returns the number of the source's rows that are complete; -1 for a
   filter or a colour that does not exist, or bytes behind the last row. */
int png_feed(struct png *png, const uint8_t *data, size_t size);

void png_free(struct png *png);

#endif

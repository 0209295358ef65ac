/* Pixels to the rows that a PNG compresses: samples behind the number of a filter (PNG 3rd edition, section 9). */

#ifndef TINYPICS_PNG_ROWS_H
#define TINYPICS_PNG_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* As Pillow has them: one byte a pixel, or four, of which two (grey and alpha) are the first and the last. */
struct png_pixels {
    const uint8_t *pixels;
    int width, height, bytes;
    int channels; /* that are written, 1 to 4 */
};

/* Writes `count` rows from number `first` on, of 1 + width * channels bytes: to `plain` without a filter, to `filtered`
   each with the filter that leaves the least (12.7). False: no memory. */
bool png_rows(const struct png_pixels *source, int first, int count, uint8_t *plain, uint8_t *filtered);

#endif

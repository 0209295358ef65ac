/* The colours of a JPEG. */

#ifndef TINYPICS_JPEG_COLOURS_H
#define TINYPICS_JPEG_COLOURS_H

#include <stdint.h>

/* A row of YCbCr to pixels of 4 bytes, the fourth of which is 255. */
void colours_write(uint8_t *pixels, const uint8_t *grey, const uint8_t *blue, const uint8_t *red, int width);

#endif

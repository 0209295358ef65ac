/* Decodes a JPEG to an eighth, a quarter or a half of its size, fed in pieces while it arrives.

   Of each block of 8x8 pixels it reads one coefficient (an eighth), 2x2 (a quarter) or 4x4 (a half), and skips the
   others by a table. It declines whatever is unusual, and every damage: the caller then gives the same bytes to libjpeg. */

#ifndef TINYPICS_JPEG_H
#define TINYPICS_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jpeg_state { JPEG_MORE, JPEG_DONE, JPEG_DECLINED };

struct jpeg;

/* The size and the channels (1 or 3) that the caller has found in the header; `scale` is 8, 4 or 2. Writes pixels of 1
   or 4 bytes (the fourth is 255) to rows of `stride` bytes: ceil(width / scale) x ceil(height / scale), which must stay
   valid until `jpeg_free`. NULL: no memory. */
struct jpeg *jpeg_new(int width, int height, int channels, int scale, uint8_t *pixels, size_t stride);

/* Takes all of `data`. JPEG_DONE only if the picture is complete, up to its end marker; of a progressive one (only at an
   eighth) up to the end of its first scan. */
enum jpeg_state jpeg_feed(struct jpeg *jpeg, const uint8_t *data, size_t size);

void jpeg_free(struct jpeg *jpeg);

/* Whether the header that `head` begins with is complete, and of a picture that is read unless its data are damaged. */
bool jpeg_takes(const uint8_t *head, size_t size, int width, int height, int channels, int scale);

#endif

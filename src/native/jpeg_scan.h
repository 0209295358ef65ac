/* The entropy-coded data of a JPEG's first scan, to pixels: one row of MCUs after another. */

#ifndef TINYPICS_JPEG_SCAN_H
#define TINYPICS_JPEG_SCAN_H

#include <stddef.h>

#include "jpeg_parts.h"

#define SCAN_MCU 4096 /* more bytes than MCU_BLOCKS of 64 symbols of 16 + 11 bits have, and 8 that a refill reads ahead */
#define SCAN_WINDOW (65536 + 2 * SCAN_MCU) /* a piece of the caller, and what the one before it has left */
#define JPEG_QUANTIZERS 40 /* in zigzag order, of the coefficients up to (3, 3), and 15 zeros */

struct component {
    int id, across, down, quantizer; /* sampling factors; number of the table */
    struct huffman *dc, *ac;
    int32_t quantizers[JPEG_QUANTIZERS];
    int wide, tall;         /* pixels of a block: 1, 2, 4 or 8 */
    int repeat_x, repeat_y; /* how often each pixel is repeated, as shifts */
    int32_t predicted;
    uint8_t *plane; /* the pixels of one row of MCUs */
    size_t stride;
};

struct scan {
    int width, height, channels, scale; /* of the pixels that are written */
    uint8_t *pixels;
    size_t stride;
    struct component components[3];
    int most_across, most_down; /* sampling factors */
    bool progressive;
    int shift; /* of the coefficients of a progressive picture: later scans have the lower bits */
    int columns, rows, x, y; /* MCUs */
    unsigned interval, left, restarts; /* MCUs between two restart markers, of which `left` are missing */
    bool escape;                       /* the last byte was 0xFF */
    size_t filled;                     /* bytes in the window, without stuffing */
    size_t position;                   /* of the next MCU in it, in bits */
    uint8_t *window; /* of its own, so that a sanitizer sees where it ends */
    uint8_t *line; /* repeated pixels of each component */
    struct parts parts;
};

/* Everything above `columns`, except the pixels of each block, is set. False: no memory, or an unusual picture. */
bool scan_begin(struct scan *scan, int source_width, int source_height);

/* Reads to the next marker other than a restart, or to the end of `data`. `*marker` is 0 if it did not come yet.
   Returns the rest of `data`, or NULL if the data are damaged, which also holds if a marker comes too early. */
const uint8_t *scan_feed(struct scan *scan, const uint8_t *data, const uint8_t *end, int *marker);

void scan_end(struct scan *scan);

#endif

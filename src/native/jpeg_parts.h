/* Where the blocks of entropy-coded data begin, found in several parts of the data at once.

   Each look-up of a code waits for the one before it, and most of the processor waits with it. Look-ups in other parts
   need not wait. It is not known where the blocks of a later part begin, but Huffman codes synchronise themselves: read
   from any bit on, they soon are the same codes as when read from the beginning (S. T. Klein and Y. Wiseman, "Parallel
   Huffman decoding with applications to JPEG files", The Computer Journal 46 (5), 2003). With real photos this takes 70
   to 240 bytes. A part counts only from a block on to which the part before it has come. */

#ifndef TINYPICS_JPEG_PARTS_H
#define TINYPICS_JPEG_PARTS_H

#include <stddef.h>

#include "jpeg_huffman.h"

#define PARTS 4 /* three take 5 % longer, more gain little */
#define PART_BLOCKS 4096
#define PART_LEAST 8192 /* bits: less is not worth the synchronisation */
#define MCU_BLOCKS 10   /* at most (T.81, B.2.3) */

struct parts {
    int blocks; /* of an MCU */
    struct huffman *dc[MCU_BLOCKS], *ac[MCU_BLOCKS];
    uint32_t length; /* bits of a part, at most; less than PART_LEAST: there are no parts */
    uint32_t records[PARTS][PART_BLOCKS + 1];
    uint32_t starts[PARTS * PART_BLOCKS + 1]; /* the result, in bits from the beginning of the data */
};

/* Finds the blocks of MCUs that begin from bit `position` to `end`, not always all of them; reads less than an MCU behind
   `end`. Returns the number of MCUs. `starts` has their blocks, and the end of the last one. */
size_t parts_find(struct parts *parts, const uint8_t *data, uint32_t position, uint32_t end);

#endif

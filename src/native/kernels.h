/* The two inner loops of resampling, for each level of vectors. */
#ifndef TINYPICS_KERNELS_H
#define TINYPICS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

/* Bits of fraction of the intermediate rows, and the largest amount of their 16-bit values. */
#define LINE_BITS 6
#define LINE_LIMIT (INT16_MAX + 1)
/* Across, weights and pixels are read in groups of this many, by bytes of a pixel. */
#define GROUP_1 16
#define GROUP_4 4

struct kernels {
    /* One row of `width` bytes from `count` rows, each `stride` bytes after the other, into `line`. */
    void (*down)(const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width);
    /* One pixel of 1 or 4 bytes from `count` pixels of a line, which is a multiple of the group. */
    uint8_t (*across1)(const int16_t *line, const int16_t *weights, int count, int bits);
    uint32_t (*across4)(const int16_t *line, const int16_t *weights, int count, int bits);
};

const struct kernels *kernels_of(enum level level);

/* What is left of a row after the vectors. */
void down_plain(const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width);

#endif

/* The two inner loops of resampling, for each level of vectors. */
#ifndef TINYPICS_KERNELS_H
#define TINYPICS_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu.h"
#include "filter.h"

/* Bits of fraction of the intermediate rows, and the largest amount of their 16-bit values. */
#define LINE_BITS 6
#define LINE_LIMIT (INT16_MAX + 1)
/* Across, weights and pixels are read in groups of this many, by bytes of a pixel. */
#define GROUP_1 16
#define GROUP_4 4

struct kernels {
    /* One row of `width` bytes from `count` rows, each `stride` bytes after the other, into `line`. */
    void (*down)(const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width);
    /* `size` pixels of 1 or 4 bytes from a line, which begins with the first input of the filter. */
    void (*across1)(const int16_t *line, const struct filter *filter, uint8_t *out, int size);
    void (*across4)(const int16_t *line, const struct filter *filter, uint8_t *out, int size);
};

/* Such a function, whose loop has `one` inside: a pixel from a multiple of `group` inputs, a power of two. */
#define ACROSS(name, attributes, type, group, one)                                                          \
    attributes static void name(const int16_t *line, const struct filter *filter, uint8_t *out, int size) { \
        struct filter by = *filter; /* a copy, because `out` could alias the filter itself */               \
        const int32_t first = by.first[0];                                                                  \
        for (int x = 0; x < size; x++, by.weights += by.taps) {                                             \
            const int16_t *from = line + (by.first[x] - first) * (ptrdiff_t)sizeof(type);                   \
            type pixel = one(from, by.weights, (by.count[x] + group - 1) & -group, by.bits);                \
            memcpy(out + x * sizeof pixel, &pixel, sizeof pixel);                                           \
        }                                                                                                   \
    }

const struct kernels *kernels_of(enum level level);

/* What is left of a row after the vectors. */
void down_plain(const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width);

#endif

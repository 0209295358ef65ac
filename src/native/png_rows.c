#include "png_rows.h"

#include <stdlib.h>
#include <string.h>

#include "png_filters.h"

#define BLOCK 128
#define MARGIN 4 /* zeros to the left of a row: the samples of a pixel that is not there */

static void pack(const struct png_pixels *source, int row, uint8_t *to) {
    const uint8_t *from = source->pixels + (size_t)row * (size_t)source->width * (size_t)source->bytes;
    size_t width = (size_t)source->width, channels = (size_t)source->channels;
    if (source->channels == source->bytes) {
        memcpy(to, from, width * channels);
        return;
    }
    for (size_t x = 0; x < width; x++, from += 4, to += channels) {
        to[0] = from[0];
        to[1] = channels == 2 ? from[3] : from[1];
        if (channels == 3) to[2] = from[2];
    }
}

static inline int16_t distance(int16_t one, int16_t other) {
    return (int16_t)(one > other ? one - other : other - one);
}

/* Compilers make vectors of each loop. */
static void apply(enum filter filter, const uint8_t *restrict row, const uint8_t *restrict above, uint8_t *restrict to,
                  size_t count, size_t step) {
    const uint8_t *left = row - step, *corner = above - step;
    for (size_t at = 0; filter == FILTER_SUB && at < count; at++)
        to[at] = (uint8_t)(row[at] - left[at]);
    for (size_t at = 0; filter == FILTER_UP && at < count; at++)
        to[at] = (uint8_t)(row[at] - above[at]);
    for (size_t at = 0; filter == FILTER_AVERAGE && at < count; at++)
        to[at] = (uint8_t)(row[at] - ((left[at] + above[at]) >> 1));
    for (size_t at = 0; filter == FILTER_PAETH && at < count; at++) {
        int16_t a = left[at], b = above[at], c = corner[at], sum = (int16_t)(a + b - c);
        int16_t to_a = distance(sum, a), to_b = distance(sum, b), to_c = distance(sum, c);
        int16_t other = to_b <= to_c ? b : c;
        to[at] = (uint8_t)(row[at] - (to_a <= to_b && to_a <= to_c ? a : other));
    }
}

/* The sum of the bytes as signed numbers, without their signs; sums of 16 bits make the widest vectors. */
static uint64_t weigh(const uint8_t *bytes, size_t count) {
    uint64_t sum = 0;
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t left = count - at < BLOCK ? count - at : BLOCK;
        uint16_t part = 0; /* at most 128 x 128 */
        for (size_t each = 0; each < left; each++) {
            uint8_t value = bytes[at + each], negative = (uint8_t)-value;
            part = (uint16_t)(part + (value < negative ? value : negative));
        }
        sum += part;
    }
    return sum;
}

bool png_rows(const struct png_pixels *source, int first, int count, uint8_t *plain, uint8_t *filtered) {
    size_t size = (size_t)source->width * (size_t)source->channels, step = (size_t)source->channels;
    uint8_t *lines = calloc(3, MARGIN + size);
    if (!lines) return false;
    uint8_t *row = lines + MARGIN, *above = row + MARGIN + size, *tried = above + MARGIN + size;
    if (first) pack(source, first - 1, above);
    for (int each = 0; each < count; each++, plain += 1 + size, filtered += 1 + size) {
        pack(source, first + each, row);
        plain[0] = filtered[0] = FILTER_NONE;
        memcpy(plain + 1, row, size);
        memcpy(filtered + 1, row, size);
        uint64_t least = weigh(row, size);
        for (enum filter filter = FILTER_SUB; filter < FILTERS; filter++) {
            apply(filter, row, above, tried, size, step);
            uint64_t weight = weigh(tried, size);
            if (weight >= least) continue;
            least = weight;
            filtered[0] = (uint8_t)filter;
            memcpy(filtered + 1, tried, size);
        }
        uint8_t *next = above;
        above = row;
        row = next;
    }
    free(lines);
    return true;
}

#include "png_filters.h"

#include <string.h>

/* Eight samples with 16 bits. Compilers make SSE2 or NEON of it. */
typedef int16_t eight __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(8)));
typedef uint64_t halves __attribute__((vector_size(16)));

#define HIGH_BITS 0x8080808080808080u

static inline uint64_t load(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline eight widen(uint64_t value) {
    return __builtin_convertvector((bytes)value, eight);
}

static inline uint64_t narrow(eight value) {
    return (uint64_t)__builtin_convertvector(value, bytes);
}

static inline eight absolute(eight value) {
    eight sign = value >> 15;
    return (value ^ sign) - sign;
}

/* The one of three neighbours that is nearest to left + up - corner (9.4). */
static inline eight predict(eight left, eight up, eight corner) {
    eight from_left = up - corner, from_up = left - corner;
    eight a = absolute(from_left), b = absolute(from_up), c = absolute(from_left + from_up);
    eight other = (a > b) | (a > c), last = b > c;
    return (left & ~other) | (other & ((up & ~last) | (corner & last)));
}

/* Bytes of two numbers added, without carries between them. */
static inline uint64_t add(uint64_t one, uint64_t other) {
    return ((one & ~HIGH_BITS) + (other & ~HIGH_BITS)) ^ ((one ^ other) & HIGH_BITS);
}

static inline uint64_t average(uint64_t one, uint64_t other) {
    return (one & other) + (((one ^ other) & ~(HIGH_BITS >> 7)) >> 1);
}

/* With a constant `step`, compilers make a fast loop for it. Pixels are written as 8 bytes, of which the next ones
   replace those behind `step`. */
static inline void undo(enum filter filter, const uint8_t *raw, const uint8_t *above, uint8_t *row, size_t count, size_t step) {
    uint64_t left = 0;
    eight before = {0}, corner = {0};
    for (size_t at = 0; at < count; at += step) {
        if (filter == FILTER_PAETH) {
            eight up = widen(load(above + at));
            before = (widen(load(raw + at)) + predict(before, up, corner)) & 255;
            corner = up;
            left = narrow(before);
        } else {
            uint64_t near = filter == FILTER_SUB ? left : average(left, load(above + at));
            left = add(load(raw + at), near);
        }
        memcpy(row + at, &left, sizeof left);
    }
}

void filter_undo(enum filter filter, const uint8_t *raw, const uint8_t *above, uint8_t *row, size_t count, int step) {
    if (filter == FILTER_NONE) {
        memcpy(row, raw, count);
    } else if (filter == FILTER_UP) {
        for (size_t at = 0; at < count; at++)
            row[at] = (uint8_t)(raw[at] + above[at]);
    } else {
#define UNDO(number) \
    case number: \
        if (filter == FILTER_PAETH) \
            undo(FILTER_PAETH, raw, above, row, count, number); \
        else if (filter == FILTER_SUB) \
            undo(FILTER_SUB, raw, above, row, count, number); \
        else \
            undo(FILTER_AVERAGE, raw, above, row, count, number); \
        break;
        switch (step) {
            UNDO(1)
            UNDO(2)
            UNDO(3)
            UNDO(4)
            UNDO(6)
            UNDO(8)
        }
#undef UNDO
    }
}

/* The second row is one pixel behind the first: it needs the pixel above, and the one to the left of that. */
static inline void undo_two(
    const uint8_t *const raw[2], const uint8_t *above, uint8_t *const rows[2], size_t count, size_t step) {
    eight left = {0}, corner = {0};
    for (size_t at = 0; at < count + step; at += step) {
        /* Behind the end of the first row, its values are of no use; before the beginning of the second, they are 0. */
        uint64_t first = at < count ? load(raw[0] + at) : 0, second = at ? load(raw[1] + at - step) : 0;
        uint64_t top = at < count ? load(above + at) : 0;
        eight up = (eight)(halves){((halves)widen(top))[0], ((halves)left)[0]};
        eight given = widen((first & 0xFFFFFFFF) | second << 32);
        eight next = (given + predict(left, up, corner)) & 255;
        if (!at)
            next = (eight)(halves){((halves)next)[0], 0};
        uint64_t both = narrow(next);
        uint32_t values[2] = {(uint32_t)both, (uint32_t)(both >> 32)};
        if (at < count)
            memcpy(rows[0] + at, &values[0], 4);
        if (at)
            memcpy(rows[1] + at - step, &values[1], 4);
        corner = up;
        left = next;
    }
}

void filter_undo_two(const uint8_t *const raw[2], const uint8_t *above, uint8_t *const rows[2], size_t count, int step) {
    switch (step) {
    case 1:
        undo_two(raw, above, rows, count, 1);
        break;
    case 2:
        undo_two(raw, above, rows, count, 2);
        break;
    case 3:
        undo_two(raw, above, rows, count, 3);
        break;
    case 4:
        undo_two(raw, above, rows, count, 4);
        break;
    }
}

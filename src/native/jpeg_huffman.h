/* Huffman codes of a JPEG (ITU-T T.81, annex F.2): tables that look ahead, and the bits that they read. */

#ifndef TINYPICS_JPEG_HUFFMAN_H
#define TINYPICS_JPEG_HUFFMAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HUFFMAN_SKIP 13 /* bits of a look-up: two tables of skips, 32 kB, stay in the L1 cache */
#define HUFFMAN_SKIPPED 18 /* bits that an entry skips at most: the last coefficient's own may lie behind those looked up */
#define HUFFMAN_SYMBOL 10
#define HUFFMAN_LOW 10 /* 9 and 11 are slower by 1 to 3 % */
#define HUFFMAN_DC 11 /* bits of a difference of DC coefficients, with samples of 8 bits (F.1.2.1) */
#define HUFFMAN_AC 10 /* bits of another coefficient; its symbol has the zeros before it in the upper 4 bits (F.1.2.2) */

struct huffman {
    uint8_t counts[17]; /* of the codes of each length, as in the segment */
    uint8_t values[256];
    bool defined;
    /* `huffman_build` makes the rest. */
    uint32_t limits[17]; /* the codes of this length and shorter ones are less, when shifted to 16 bits */
    int32_t offsets[17]; /* index of the value of a code of this length, less the code */
    uint16_t symbols[1 << HUFFMAN_SYMBOL]; /* length << 8 | value; 0: the code is longer */
    /* coefficients << 6 | bits, of all symbols whose codes fit */
    uint16_t skips[1 << HUFFMAN_SKIP];
    /* coefficient << 16 | zeros before it << 8 | bits */
    int32_t lows[1 << HUFFMAN_LOW];
};

/* Marks of `skips`: */
#define HUFFMAN_END 128 /* coefficients that stand for the end of the block */
#define HUFFMAN_NONE 256 /* coefficients of an entry that skips nothing, or more */
#define HUFFMAN_NO_SKIP (HUFFMAN_NONE << 6) /* not even one symbol fits */
#define HUFFMAN_NEW_SKIP (2 * HUFFMAN_NONE << 6) /* not filled yet, because small pictures use few */
/* Marks of `lows`, all in HUFFMAN_UNUSUAL: */
#define HUFFMAN_UNUSUAL 0xC000
#define HUFFMAN_LAST 0x8000 /* the end of the block */
#define HUFFMAN_NO_LOW 0x4000 /* the symbol and its coefficient do not fit */
#define HUFFMAN_NEW_LOW 0xC000

/* False if the lengths contradict each other, or a value is more than `most`. */
bool huffman_build(struct huffman *table, int most);

/* Of the functions that read and write a block: called, they would keep `bits` and the coefficients in memory. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The next bits are the highest of `buffer`, `count` of which are valid. */
struct bits {
    const uint8_t *at;
    uint64_t buffer;
    int count;
};

#define BITS_REFILLED 56

/* Makes at least BITS_REFILLED bits valid. Reads 8 bytes. */
static inline void bits_refill(struct bits *bits) {
    uint64_t next;
    memcpy(&next, bits->at, sizeof next);
    bits->buffer |= __builtin_bswap64(next) >> bits->count;
    bits->at += (63 - bits->count) >> 3;
    bits->count |= 56;
}

/* At least BITS_REFILLED bits, and one more, from bit `position` on. Reads 8 bytes. */
static inline uint64_t bits_ahead(const uint8_t *data, size_t position) {
    uint64_t next;
    memcpy(&next, data + position / 8, sizeof next);
    return __builtin_bswap64(next) << position % 8;
}

static inline void bits_drop(struct bits *bits, int count) {
    bits->buffer <<= count;
    bits->count -= count;
}

/* From bit `position` of `data` on. */
static inline struct bits bits_from(const uint8_t *data, size_t position) {
    struct bits bits = {data + position / 8, 0, 0};
    bits_refill(&bits);
    bits_drop(&bits, (int)(position % 8));
    return bits;
}

/* How many bits of `data` were dropped. */
static inline size_t bits_position(const struct bits *bits, const uint8_t *data) {
    return 8 * (size_t)(bits->at - data) - (size_t)bits->count;
}

/* The next `count` (0 to 16) bits as a coefficient (F.2.2.1, EXTEND). */
static inline int32_t bits_signed(struct bits *bits, int count) {
    int32_t value = (int32_t)(bits->buffer >> 1 >> (63 - count));
    int32_t negative = (int32_t)(bits->buffer >> 63) - 1; /* without a branch, because no processor predicts signs */
    bits_drop(bits, count);
    return value + (negative & (1 - (1 << count)));
}

/* The same as `symbols` has, for a code of more than HUFFMAN_SYMBOL bits that `buffer` begins with; 0: there is none. */
unsigned huffman_long(const struct huffman *table, uint64_t buffer);

/* The value of the next code, of at most 16 bits; -1: there is none. */
static inline int huffman_next(struct bits *bits, const struct huffman *table) {
    unsigned found = table->symbols[bits->buffer >> (64 - HUFFMAN_SYMBOL)];
    if (!found && !(found = huffman_long(table, bits->buffer))) /* given `bits`, it would keep them in memory */
        return -1;
    bits_drop(bits, (int)(found >> 8));
    return (int)(found & 255);
}

/* Fill the entry for the bits `ahead`. */
void huffman_fill_skip(struct huffman *table, unsigned ahead);
void huffman_fill_low(struct huffman *table, unsigned ahead);

#endif

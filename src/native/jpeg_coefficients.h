/* The coefficients of a block but the first, which is its mean: the low ones are read, the others skipped.

   A branch that depends on the next bits is mispredicted often, and costs more than a look-up. So no branch asks whether
   bits must be refilled: a refill is followed by as many look-ups as it certainly has bits for. */

#ifndef TINYPICS_JPEG_COEFFICIENTS_H
#define TINYPICS_JPEG_COEFFICIENTS_H

#include "jpeg_scan.h"

/* Skips the coefficients of a block from number `at` on. */
ALWAYS_INLINE bool coefficients_skip(struct bits *bits, struct huffman *table, int at) {
    while (at < 64) {
        unsigned ahead = 0, found = 0;
        int next = at;
        bits_refill(bits);
        for (int each = 0; each < BITS_REFILLED / HUFFMAN_SKIPPED; each++) {
            ahead = (unsigned)(bits->buffer >> (64 - HUFFMAN_SKIP));
            found = table->skips[ahead];
            next = at + (int)(found >> 6);
            if (next >= 64)
                break;
            bits_drop(bits, (int)(found & 63));
            at = next;
        }
        if (next < 64)
            continue;
        /* The last coefficient needs no end of block: the symbols behind it are of another block. */
        if (next == 64 || (next >= HUFFMAN_END && next < HUFFMAN_END + 64)) {
            bits_drop(bits, (int)(found & 63));
            return true;
        }
        if (found == HUFFMAN_NEW_SKIP) {
            huffman_fill_skip(table, ahead);
            continue;
        }
        bits_refill(bits);
        int symbol = huffman_next(bits, table);
        if (symbol < 0 || (symbol & 15) > HUFFMAN_AC)
            return false;
        bits_drop(bits, symbol & 15);
        if (symbol < 0xF0 && !(symbol & 15))
            return true;
        at += (symbol >> 4) + 1;
    }
    return at == 64;
}

/* Where the coefficients of each number in zigzag order belong (T.81, figure A.6): the first two or four of the first
   two or four rows. Others, up to 15 zeros behind the last that is read, go behind them. */
static const uint8_t places_of_two[] = {0, 1, 2, 4, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
static const uint8_t places_of_four[JPEG_QUANTIZERS] = {0,  1,  4,  8,  5,  2,  3,  6,  9,  12, 16, 13, 10, 7,
                                                        16, 16, 16, 11, 14, 16, 16, 16, 16, 16, 15, 16, 16, 16,
                                                        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16};

/* Reads the coefficients from number 1 to `last`, and skips the others, if the end of the block matters. */
ALWAYS_INLINE bool coefficients_read(struct bits *bits, const struct component *component, const uint8_t *places, int last,
                                     bool to_end, int32_t *found) {
    struct huffman *table = component->ac;
    int at = 1;
    while (at <= last) {
        unsigned ahead = 0;
        int32_t low = 0;
        bits_refill(bits);
        for (int each = 0; each < BITS_REFILLED / HUFFMAN_LOW && at <= last; each++, at++) {
            ahead = (unsigned)(bits->buffer >> (64 - HUFFMAN_LOW));
            low = table->lows[ahead];
            if (low & HUFFMAN_UNUSUAL) break;
            bits_drop(bits, low & 63);
            at += low >> 8 & 15;
            found[places[at]] = (low >> 16) * component->quantizers[at];
        }
        if (!(low & HUFFMAN_UNUSUAL)) continue;
        if (low == HUFFMAN_NEW_LOW) {
            huffman_fill_low(table, ahead);
            continue;
        }
        if (low != HUFFMAN_NO_LOW) { /* HUFFMAN_LAST */
            bits_drop(bits, low & 63);
            return true;
        }
        bits_refill(bits);
        int symbol = huffman_next(bits, table), size = symbol & 15;
        if (symbol < 0 || size > HUFFMAN_AC) return false;
        if (!size && symbol < 0xF0) return true;
        at += symbol >> 4;
        if (size) found[places[at]] = bits_signed(bits, size) * component->quantizers[at];
        at++;
    }
    return !to_end || coefficients_skip(bits, table, at);
}

#endif

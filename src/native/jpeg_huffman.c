#include "jpeg_huffman.h"

/* Fills the table of the codes of at most HUFFMAN_SYMBOL bits. */
static void fill_symbols(struct huffman *table) {
    unsigned code = 0, index = 0;
    memset(table->symbols, 0, sizeof table->symbols);
    for (int length = 1; length <= HUFFMAN_SYMBOL; length++, code <<= 1)
        for (int each = 0; each < table->counts[length]; each++, code++, index++) {
            unsigned first = code << (HUFFMAN_SYMBOL - length), after = (code + 1) << (HUFFMAN_SYMBOL - length);
            for (unsigned at = first; at < after; at++)
                table->symbols[at] = (uint16_t)(length << 8 | table->values[index]);
        }
}

bool huffman_build(struct huffman *table, int most) {
    uint32_t code = 0;
    int32_t index = 0;
    for (int length = 1; length <= 16; length++, code <<= 1) {
        table->offsets[length] = index - (int32_t)code;
        index += table->counts[length];
        code += table->counts[length];
        if (code >= 1u << length || index > 256)
            return false; /* no code has only ones */
        table->limits[length] = code << (16 - length);
    }
    for (int each = 0; each < index; each++)
        if (table->values[each] > most)
            return false;
    fill_symbols(table);
    for (int each = 0; each < 1 << HUFFMAN_SKIP; each++)
        table->skips[each] = HUFFMAN_NEW_SKIP;
    for (int each = 0; each < 1 << HUFFMAN_LOW; each++)
        table->lows[each] = HUFFMAN_NEW_LOW;
    return true;
}

unsigned huffman_long(const struct huffman *table, uint64_t buffer) {
    uint32_t ahead = (uint32_t)(buffer >> 48);
    for (int length = HUFFMAN_SYMBOL + 1; length <= 16; length++)
        if (ahead < table->limits[length]) {
            int32_t index = (int32_t)(ahead >> (16 - length)) + table->offsets[length];
            return (unsigned)(length << 8 | table->values[index]);
        }
    return 0;
}

void huffman_fill_skip(struct huffman *table, unsigned ahead) {
    int coefficients = 0, used = 0, last = 0;
    struct bits bits = {NULL, (uint64_t)ahead << (64 - HUFFMAN_SKIP), 64};
    while (!last && used < HUFFMAN_SKIP) {
        int symbol = huffman_next(&bits, table), zeros = symbol >> 4, size = symbol & 15, code_end = 64 - bits.count;
        if (symbol < 0 || size > HUFFMAN_AC || coefficients + zeros > 62)
            break;
        if (code_end > HUFFMAN_SKIP || code_end + size > HUFFMAN_SKIPPED)
            break;
        bits_drop(&bits, size);
        used = code_end + size;
        last = !size && zeros < 15;
        if (!last)
            coefficients += zeros + 1;
    }
    table->skips[ahead] = (uint16_t)(used ? (coefficients + last * HUFFMAN_END) << 6 | used : HUFFMAN_NO_SKIP);
}

void huffman_fill_low(struct huffman *table, unsigned ahead) {
    struct bits bits = {NULL, (uint64_t)ahead << (64 - HUFFMAN_LOW), 64};
    int symbol = huffman_next(&bits, table), size = symbol & 15;
    int32_t found = HUFFMAN_NO_LOW;
    if (symbol >= 0 && size <= HUFFMAN_AC && bits.count - size >= 64 - HUFFMAN_LOW) {
        int32_t value = size ? bits_signed(&bits, size) : 0;
        found = value * 65536 + (!size && symbol < 0xF0 ? HUFFMAN_LAST : symbol >> 4 << 8) + (64 - bits.count);
    }
    table->lows[ahead] = found;
}

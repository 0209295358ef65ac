#include "jpeg_parts.h"

#include "jpeg_coefficients.h"

/* Skips the coefficients of a block from number `at` (0: all of them) on, without the look-ups of other parts. */
static bool skip_block(const uint8_t *data, uint32_t *position, unsigned at, const struct huffman *dc, struct huffman *ac) {
    struct bits bits = bits_from(data, *position);
    if (!at) {
        int size = huffman_next(&bits, dc);
        if (size < 0)
            return false;
        bits_drop(&bits, size);
        at = 1;
    }
    bool whole = coefficients_skip(&bits, ac, (int)at);
    *position = (uint32_t)bits_position(&bits, data);
    return whole;
}

/* Moves each position from the beginning of a block to its end. Returns a bit for each that met no such block.
   No branch depends on one part alone: a misprediction would stop the others. */
ALWAYS_INLINE unsigned skip_blocks(const uint8_t *data, uint32_t *positions, const struct huffman *dc, struct huffman *ac) {
    uint32_t ends[PARTS];
    unsigned at[PARTS], damaged = 0;
    for (int part = 0; part < PARTS; part++) {
        unsigned found = dc->symbols[bits_ahead(data, positions[part]) >> (64 - HUFFMAN_SYMBOL)];
        ends[part] = positions[part] + (found >> 8) + (found & 255);
        at[part] = found ? 1 : 65;
    }
    for (bool unfinished = true; unfinished;) {
        uint64_t ahead[PARTS];
        for (int part = 0; part < PARTS; part++)
            ahead[part] = bits_ahead(data, ends[part]);
        for (int each = 0; each < BITS_REFILLED / HUFFMAN_SKIPPED; each++)
            for (int part = 0; part < PARTS; part++) {
                unsigned found = ac->skips[ahead[part] >> (64 - HUFFMAN_SKIP)] & -(unsigned)(at[part] < 64);
                ahead[part] <<= found & 63;
                ends[part] += found & 63;
                at[part] += found >> 6;
            }
        unfinished = false;
        for (int part = 0; part < PARTS; part++)
            unfinished |= at[part] < 64;
    }
    for (int part = 0; part < PARTS; part++) {
        if (__builtin_expect(at[part] == 64 || (at[part] >= HUFFMAN_END && at[part] < HUFFMAN_END + 64), true)) {
            positions[part] = ends[part];
            continue;
        }
        /* Without an entry; or with one that has symbols of the next block, too. */
        bool none = at[part] >= HUFFMAN_NONE;
        if (none)
            positions[part] = ends[part];
        damaged |= (unsigned)!skip_block(data, &positions[part], none ? at[part] & 63 : 0, dc, ac) << part;
    }
    return damaged;
}

struct progress {
    uint32_t begin;
    size_t count;  /* blocks in the part's record */
    size_t joined; /* block in the next part's record to which this part may have come */
    bool joins, done;
};

/* Whether the part has come to an MCU in the record of the next one: from there on both are the same. */
static bool joins(struct progress *part, const struct progress *next, const uint32_t *record, uint32_t position, int blocks) {
    while (part->joined < next->count && record[part->joined] < position)
        part->joined += (size_t)blocks;
    return record[part->joined] == position;
}

/* Takes the MCU that each part has read into its record. Returns whether a part needs more. */
static bool take(struct parts *parts, struct progress *progress, uint32_t *positions, unsigned damaged, uint32_t end) {
    bool unfinished = false;
    for (int number = 0; number < PARTS; number++) {
        struct progress *part = &progress[number];
        bool valid = !(damaged >> number & 1), relied_on = !number || part[-1].joins;
        if (!part->done && valid) {
            part->count += (size_t)parts->blocks;
            if (number + 1 < PARTS)
                part->joins = joins(part, part + 1, parts->records[number + 1], positions[number], parts->blocks);
        } else if (!part->done && !relied_on) { /* not synchronised yet: its record begins anew */
            parts->records[number][0] = ++positions[number];
            part->count = part[-1].joined = 0;
        }
        part->done = part->done || part->joins || positions[number] >= end || (!valid && relied_on);
        if (part->done)
            positions[number] = part->begin; /* it goes on, for nothing, because the others do */
        unfinished |= !part->done;
    }
    return unfinished;
}

/* Appends the records of the parts that follow each other to the result. Returns the number of MCUs. */
static size_t merge(struct parts *parts, const struct progress *progress) {
    size_t found = 0, from = 0;
    for (int number = 0;; number++) {
        size_t count = progress[number].count - from;
        memcpy(parts->starts + found, parts->records[number] + from, (count + 1) * sizeof *parts->starts);
        found += count;
        if (!progress[number].joins)
            return found / (size_t)parts->blocks;
        from = progress[number].joined;
    }
}

size_t parts_find(struct parts *parts, const uint8_t *data, uint32_t position, uint32_t end) {
    uint32_t length = end > position ? (end - position) / PARTS : 0, positions[PARTS];
    struct progress progress[PARTS] = {{0}};
    if (length > parts->length)
        length = parts->length;
    if (length < PART_LEAST)
        return 0;
    end = position + PARTS * length;
    for (int part = 0; part < PARTS; part++)
        parts->records[part][0] = positions[part] = progress[part].begin = position + (uint32_t)part * length;
    bool unfinished = true;
    for (int mcus = PART_BLOCKS / parts->blocks; mcus && unfinished; mcus--) {
        unsigned damaged = 0;
        for (int block = 0; block < parts->blocks; block++) {
            damaged |= skip_blocks(data, positions, parts->dc[block], parts->ac[block]);
            for (int part = 0; part < PARTS; part++)
                parts->records[part][progress[part].count + (size_t)block + 1] = positions[part];
        }
        unfinished = take(parts, progress, positions, damaged, end);
    }
    bool all = !unfinished;
    for (int part = 0; part + 1 < PARTS; part++)
        all = all && progress[part].joins;
    /* The records are too short for such parts, or these do not synchronise: in the end there are none. */
    if (!all)
        parts->length = length / 2;
    else if (length == parts->length)
        parts->length += length / 2;
    return merge(parts, progress);
}

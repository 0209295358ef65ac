/* Input number n is always the same. */
#ifndef DICE_H
#define DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern uint64_t dice_state;

static inline uint32_t roll(uint32_t sides) { /* xorshift64 */
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (uint32_t)(dice_state >> 16) % sides;
}

static inline void dice_start(uint64_t number) {
    dice_state = number * 0x9E3779B97F4A7C15u + 1;
    for (int each = 0; each < 8; each++)
        roll(2);
}

/* A copy of exactly that size, so that the address sanitizer sees a read beyond it. */
static inline uint8_t *copied(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    return copy;
}

#endif

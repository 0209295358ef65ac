/* The inverse transforms of a block (ITU-T T.81, A.3.3) from its low coefficients to 2, 4 or 8 pixels each way. */

#ifndef TINYPICS_JPEG_TRANSFORM_H
#define TINYPICS_JPEG_TRANSFORM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

static inline uint8_t transform_clamp(int64_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* The inverse transform of 2x2 has two cosines with one value each, so that the truncated transform has the gain 1. */
static inline void transform_two(const int32_t *found, uint8_t *pixels, size_t stride) {
    int64_t dc = (int64_t)found[0] + 4 + 1024, across = found[1], down = found[2], both = found[3];
    pixels[0] = transform_clamp((dc + across + down + both) >> 3);
    pixels[1] = transform_clamp((dc - across + down - both) >> 3);
    pixels[stride] = transform_clamp((dc + across - down - both) >> 3);
    pixels[stride + 1] = transform_clamp((dc - across - down + both) >> 3);
}

/* Four numbers, in one register of every processor. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_whole __attribute__((vector_size(16)));

/* Cosines of four coefficients, for four values (the square root of 2 times those of multiples of pi / 8), and for the
   left four of eight (of pi / 16), which are the same picture, interpolated. To the right, odd ones have the other sign.
   Floating point needs no intermediate rounding, and gives the same pixels on all processors, as long as no compiler
   contracts its operations. */
static const four to_four[] = {{1, 1, 1, 1},
                               {1.30656296f, 0.54119610f, -0.54119610f, -1.30656296f},
                               {1, -1, -1, 1},
                               {0.54119610f, -1.30656296f, 1.30656296f, -0.54119610f}};
static const four to_eight[] = {{1, 1, 1, 1},
                                {1.38703985f, 1.17587560f, 0.78569496f, 0.27589938f},
                                {1.30656296f, 0.54119610f, -0.54119610f, -1.30656296f},
                                {1.17587560f, -0.27589938f, -1.38703985f, -0.78569496f}};

/* The whole part of 16 values, clamped. */
static inline void pack(const four *values, uint8_t *bytes) {
    four_whole whole[4];
    for (int each = 0; each < 4; each++)
        whole[each] = __builtin_convertvector(values[each], four_whole);
#if defined(__SSE2__)
    __m128i first = _mm_packs_epi32((__m128i)whole[0], (__m128i)whole[1]);
    __m128i second = _mm_packs_epi32((__m128i)whole[2], (__m128i)whole[3]);
    _mm_storeu_si128((__m128i *)bytes, _mm_packus_epi16(first, second));
#elif defined(__ARM_NEON)
    int16x8_t first = vcombine_s16(vqmovn_s32((int32x4_t)whole[0]), vqmovn_s32((int32x4_t)whole[1]));
    int16x8_t second = vcombine_s16(vqmovn_s32((int32x4_t)whole[2]), vqmovn_s32((int32x4_t)whole[3]));
    vst1q_u8(bytes, vcombine_u8(vqmovun_s16(first), vqmovun_s16(second)));
#else
    for (int each = 0; each < 16; each++)
        bytes[each] = transform_clamp(whole[each / 4][each % 4]);
#endif
}

/* One row of coefficients to 8 values. */
static inline void widen(four row, four *values) {
    four even = row[0] * to_eight[0] + row[2] * to_eight[2], odd = row[1] * to_eight[1] + row[3] * to_eight[3];
    four right = even - odd;
    values[0] = even + odd;
    values[1] = (four){right[3], right[2], right[1], right[0]};
}

/* Four rows of four coefficients to 4 or 8 pixels each way. */
static inline void transform_four(const int32_t *found, int wide, int tall, uint8_t *pixels, size_t stride) {
    four rows[4], made[8], values[4];
    uint8_t bytes[16];
    for (int y = 0; y < 4; y++) {
        four_whole row;
        memcpy(&row, found + 4 * y, sizeof row);
        rows[y] = __builtin_convertvector(row, four) * 0.125f;
    }
    const four *cosines = tall == 4 ? to_four : to_eight;
    for (int y = 0; y < 4; y++) {
        four even = rows[0] * cosines[0][y] + rows[2] * cosines[2][y];
        four odd = rows[1] * cosines[1][y] + rows[3] * cosines[3][y];
        made[y] = even + odd;
        made[7 - y] = even - odd;
    }
    int step = 16 / wide; /* rows in 16 bytes */
    for (int y = 0; y < tall; y += step) {
        for (int each = 0; each < step; each++) {
            four row = made[y + each];
            if (wide == 8)
                widen(row, values + 2 * each);
            else
                values[each] = row[0] * to_four[0] + row[1] * to_four[1] + row[2] * to_four[2] + row[3] * to_four[3];
        }
        pack(values, bytes);
        for (int each = 0; each < step; each++)
            memcpy(pixels + (size_t)(y + each) * stride, bytes + wide * each, (size_t)wide);
    }
}

#endif

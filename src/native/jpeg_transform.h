/* The inverse transforms of a block (ITU-T T.81, A.3.3) from its low coefficients to 2, 4 or 8 pixels each way. */

#ifndef TINYPICS_JPEG_TRANSFORM_H
#define TINYPICS_JPEG_TRANSFORM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jpeg_huffman.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* In two steps, of which compilers make no branches. */
static inline uint8_t transform_clamp(int32_t value) {
    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* The inverse transform of 2x2 has two cosines with one value each, so that the truncated transform has the gain 1. */
ALWAYS_INLINE void transform_two(const int32_t *found, uint8_t *pixels, size_t stride) {
    int32_t dc = found[0] + 4 + 1024, across = found[1], down = found[2], both = found[3];
    pixels[0] = transform_clamp((dc + across + down + both) >> 3);
    pixels[1] = transform_clamp((dc - across + down - both) >> 3);
    pixels[stride] = transform_clamp((dc + across - down - both) >> 3);
    pixels[stride + 1] = transform_clamp((dc - across - down + both) >> 3);
}

/* Four numbers, in one register of every processor. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_whole __attribute__((vector_size(16)));

/* Cosines (the square root of 2 times those) of 1 and 3 times pi / 8, and of 1, 3, 5 and 7 times pi / 16. Floating point
   needs no intermediate rounding, and gives the same pixels on all processors, as long as no compiler contracts its
   operations. */
#define COSINE_1_8 1.30656296f
#define COSINE_3_8 0.54119610f
static const float to_eight[] = {1.38703985f, 1.17587560f, 0.78569496f, 0.27589938f};

/* Four coefficients in each column, to four values. */
ALWAYS_INLINE void column_to_four(const four *found, four *made) {
    four even = found[0] + found[2], odd = found[1] * COSINE_1_8 + found[3] * COSINE_3_8;
    four other_even = found[0] - found[2], other_odd = found[1] * COSINE_3_8 - found[3] * COSINE_1_8;
    made[0] = even + odd;
    made[1] = other_even + other_odd;
    made[2] = other_even - other_odd;
    made[3] = even - odd;
}

/* To eight values, which are the same picture, interpolated. */
ALWAYS_INLINE void column_to_eight(const four *found, four *made) {
    four near = found[2] * COSINE_1_8, far = found[2] * COSINE_3_8;
    four even[] = {found[0] + near, found[0] + far, found[0] - far, found[0] - near};
    four odd[] = {found[1] * to_eight[0] + found[3] * to_eight[1], found[1] * to_eight[1] - found[3] * to_eight[3],
                  found[1] * to_eight[2] - found[3] * to_eight[0], found[1] * to_eight[3] - found[3] * to_eight[2]};
    for (int each = 0; each < 4; each++) {
        made[each] = even[each] + odd[each];
        made[7 - each] = even[each] - odd[each];
    }
}

ALWAYS_INLINE void columns_to(int count, const four *found, four *made) {
    if (count == 4)
        column_to_four(found, made);
    else
        column_to_eight(found, made);
}

ALWAYS_INLINE void turn(four *rows) {
#if defined(__SSE2__)
    _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
#else
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < y; x++) {
            float kept = rows[y][x];
            rows[y][x] = rows[x][y];
            rows[x][y] = kept;
        }
#endif
}

/* The whole parts of four columns of four values, clamped, to the rows of the pixels. */
ALWAYS_INLINE void store(const four *columns, uint8_t *pixels, size_t stride) {
    four_whole whole[4];
    uint8_t bytes[16];
    for (int each = 0; each < 4; each++)
        whole[each] = __builtin_convertvector(columns[each], four_whole);
#if defined(__SSE2__)
    __m128i first = _mm_packs_epi32((__m128i)whole[0], (__m128i)whole[1]);
    __m128i second = _mm_packs_epi32((__m128i)whole[2], (__m128i)whole[3]);
    __m128i all = _mm_packus_epi16(first, second);
    all = _mm_unpacklo_epi8(all, _mm_srli_si128(all, 8)); /* columns 0 and 2, then 1 and 3 */
    _mm_storeu_si128((__m128i *)bytes, _mm_unpacklo_epi8(all, _mm_srli_si128(all, 8)));
#elif defined(__ARM_NEON)
    int16x8_t first = vcombine_s16(vqmovn_s32((int32x4_t)whole[0]), vqmovn_s32((int32x4_t)whole[1]));
    int16x8_t second = vcombine_s16(vqmovn_s32((int32x4_t)whole[2]), vqmovn_s32((int32x4_t)whole[3]));
    uint8x8x2_t all = vzip_u8(vqmovun_s16(first), vqmovun_s16(second));
    all = vzip_u8(all.val[0], all.val[1]);
    vst1q_u8(bytes, vcombine_u8(all.val[0], all.val[1]));
#else
    for (int each = 0; each < 16; each++)
        bytes[each] = transform_clamp(whole[each % 4][each / 4]);
#endif
    for (int y = 0; y < 4; y++)
        memcpy(pixels + (size_t)y * stride, bytes + 4 * y, 4);
}

/* Four rows of four coefficients to 4 or 8 pixels each way. */
ALWAYS_INLINE void transform_four(const int32_t *found, int wide, int tall, uint8_t *pixels, size_t stride) {
    four rows[4], made[8], columns[8];
    for (int y = 0; y < 4; y++) {
        four_whole row;
        memcpy(&row, found + 4 * y, sizeof row);
        rows[y] = __builtin_convertvector(row, four) * 0.125f;
    }
    columns_to(tall, rows, made);
    for (int y = 0; y < tall; y += 4) {
        turn(made + y);
        columns_to(wide, made + y, columns);
        for (int x = 0; x < wide; x += 4)
            store(columns + x, pixels + (size_t)y * stride + x, stride);
    }
}

#endif

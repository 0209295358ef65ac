#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SSE __attribute__((target("sse4.1")))
#define AVX __attribute__((target("avx2")))

/* Two weights in each 32 bits, for pmaddwd: it multiplies pairs of 16 bits, and adds the two products. */
static inline int32_t pair(const int16_t *weights, int k, int count) {
    uint32_t low = (uint16_t)weights[k], high = k + 1 < count ? (uint16_t)weights[k + 1] : 0;
    return (int32_t)(low | high << 16);
}

SSE static inline void add_16(__m128i sums[4], __m128i row, __m128i next, __m128i weights) {
    __m128i zero = _mm_setzero_si128();
    __m128i low = _mm_unpacklo_epi8(row, next), high = _mm_unpackhi_epi8(row, next);
    sums[0] = _mm_add_epi32(sums[0], _mm_madd_epi16(_mm_unpacklo_epi8(low, zero), weights));
    sums[1] = _mm_add_epi32(sums[1], _mm_madd_epi16(_mm_unpackhi_epi8(low, zero), weights));
    sums[2] = _mm_add_epi32(sums[2], _mm_madd_epi16(_mm_unpacklo_epi8(high, zero), weights));
    sums[3] = _mm_add_epi32(sums[3], _mm_madd_epi16(_mm_unpackhi_epi8(high, zero), weights));
}

SSE static void down_sse(
    const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width) {
    __m128i half = _mm_set1_epi32(1 << (bits - LINE_BITS - 1)), shift = _mm_cvtsi32_si128(bits - LINE_BITS);
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        __m128i sums[4] = {half, half, half, half};
        for (int k = 0; k < count; k += 2) {
            const uint8_t *row = rows + k * stride + x, *next = k + 1 < count ? row + stride : row;
            __m128i both = _mm_set1_epi32(pair(weights, k, count));
            add_16(sums, _mm_loadu_si128((const void *)row), _mm_loadu_si128((const void *)next), both);
        }
        for (int i = 0; i < 4; i++) sums[i] = _mm_sra_epi32(sums[i], shift);
        _mm_storeu_si128((void *)(line + x), _mm_packs_epi32(sums[0], sums[1]));
        _mm_storeu_si128((void *)(line + x + 8), _mm_packs_epi32(sums[2], sums[3]));
    }
    down_plain(rows + x, stride, count, weights, bits, line + x, width - x);
}

SSE static inline uint32_t finish(__m128i sums, int bits) {
    sums = _mm_add_epi32(sums, _mm_set1_epi32(1 << (bits + LINE_BITS - 1)));
    sums = _mm_sra_epi32(sums, _mm_cvtsi32_si128(bits + LINE_BITS));
    sums = _mm_packs_epi32(sums, sums);
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(sums, sums));
}

SSE static inline uint8_t finish_sum(__m128i sums, int bits) {
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4E));
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0xB1));
    return (uint8_t)finish(sums, bits);
}

SSE static inline uint8_t one1_sse(const int16_t *line, const int16_t *weights, int count, int bits) {
    __m128i sums = _mm_setzero_si128();
    for (int k = 0; k < count; k += 8) {
        __m128i pixels = _mm_loadu_si128((const void *)(line + k));
        sums = _mm_add_epi32(sums, _mm_madd_epi16(pixels, _mm_loadu_si128((const void *)(weights + k))));
    }
    return finish_sum(sums, bits);
}

/* Two pixels of four channels: those of each channel side by side. */
#define SIDE_BY_SIDE 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15

SSE static inline uint32_t one4_sse(const int16_t *line, const int16_t *weights, int count, int bits) {
    __m128i order = _mm_setr_epi8(SIDE_BY_SIDE), sums = _mm_setzero_si128();
    for (int k = 0; k < count; k += 2) {
        __m128i pixels = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(line + 4 * k)), order);
        sums = _mm_add_epi32(sums, _mm_madd_epi16(pixels, _mm_set1_epi32(pair(weights, k, count))));
    }
    return finish(sums, bits);
}

AVX static inline void add_32(__m256i sums[4], __m256i row, __m256i next, __m256i weights) {
    __m256i zero = _mm256_setzero_si256();
    __m256i low = _mm256_unpacklo_epi8(row, next), high = _mm256_unpackhi_epi8(row, next);
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), weights));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), weights));
    sums[2] = _mm256_add_epi32(sums[2], _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), weights));
    sums[3] = _mm256_add_epi32(sums[3], _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), weights));
}

AVX static inline void store_32(int16_t *line, const __m256i sums[4], __m128i shift) {
    __m256i low = _mm256_packs_epi32(_mm256_sra_epi32(sums[0], shift), _mm256_sra_epi32(sums[1], shift));
    __m256i high = _mm256_packs_epi32(_mm256_sra_epi32(sums[2], shift), _mm256_sra_epi32(sums[3], shift));
    /* Unpacking has worked on the halves of the registers apart. */
    _mm256_storeu_si256((void *)line, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((void *)(line + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

AVX static void down_avx(
    const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width) {
    __m256i half = _mm256_set1_epi32(1 << (bits - LINE_BITS - 1));
    __m128i shift = _mm_cvtsi32_si128(bits - LINE_BITS);
    int x = 0;
    for (; x + 64 <= width; x += 64) { /* a line of the cache */
        __m256i left[4] = {half, half, half, half}, right[4] = {half, half, half, half};
        for (int k = 0; k < count; k += 2) {
            const uint8_t *row = rows + k * stride + x, *next = k + 1 < count ? row + stride : row;
            __m256i both = _mm256_set1_epi32(pair(weights, k, count));
            add_32(left, _mm256_loadu_si256((const void *)row), _mm256_loadu_si256((const void *)next), both);
            row += 32, next += 32;
            add_32(right, _mm256_loadu_si256((const void *)row), _mm256_loadu_si256((const void *)next), both);
        }
        store_32(line + x, left, shift);
        store_32(line + x + 32, right, shift);
    }
    down_sse(rows + x, stride, count, weights, bits, line + x, width - x);
}

AVX static inline __m128i halves(__m256i sums) {
    return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

AVX static inline uint8_t one1_avx(const int16_t *line, const int16_t *weights, int count, int bits) {
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < count; k += 16) {
        __m256i pixels = _mm256_loadu_si256((const void *)(line + k));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pixels, _mm256_loadu_si256((const void *)(weights + k))));
    }
    return finish_sum(halves(sums), bits);
}

AVX static inline uint32_t one4_avx(const int16_t *line, const int16_t *weights, int count, int bits) {
    __m256i order = _mm256_setr_epi8(SIDE_BY_SIDE, SIDE_BY_SIDE), spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < count; k += 4) {
        __m256i pixels = _mm256_shuffle_epi8(_mm256_loadu_si256((const void *)(line + 4 * k)), order);
        __m256i four = _mm256_castsi128_si256(_mm_loadl_epi64((const void *)(weights + k)));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pixels, _mm256_permutevar8x32_epi32(four, spread)));
    }
    return finish(halves(sums), bits);
}

ACROSS(across1_sse, SSE, uint8_t, GROUP_1, one1_sse)
ACROSS(across4_sse, SSE, uint32_t, GROUP_4, one4_sse)
ACROSS(across1_avx, AVX, uint8_t, GROUP_1, one1_avx)
ACROSS(across4_avx, AVX, uint32_t, GROUP_4, one4_avx)

extern const struct kernels kernels_sse, kernels_avx;
const struct kernels kernels_sse = {down_sse, across1_sse, across4_sse};
const struct kernels kernels_avx = {down_avx, across1_avx, across4_avx};
#else
typedef int no_kernels_for_x86;
#endif

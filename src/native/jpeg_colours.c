#include "jpeg_colours.h"

#include "jpeg_transform.h"

/* YCbCr to RGB (ITU-T T.871, section 7), rounded as libjpeg does: 1.402, 0.34414, 0.71414 and 1.772, times 65,536.
   With whole numbers apart, factors have 16 bits, for which processors have vector instructions. */
#define RED_CR 26345
#define GREEN_CR 18734
#define GREEN_CB (-22554)
#define BLUE_CB (-14942)

#if defined(__SSE2__)
static inline __m128i eight_of(const uint8_t *bytes) {
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)bytes), _mm_setzero_si128());
}

/* Eight sums of two products, of `red` and of `blue`. */
static inline __m128i scaled(__m128i red, __m128i blue, int16_t of_red, int16_t of_blue) {
    __m128i factors = _mm_unpacklo_epi16(_mm_set1_epi16(of_red), _mm_set1_epi16(of_blue)), half = _mm_set1_epi32(32768);
    __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(red, blue), factors);
    __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(red, blue), factors);
    return _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(low, half), 16), _mm_srai_epi32(_mm_add_epi32(high, half), 16));
}

/* Compilers make no good vectors of this for x86. Returns the number of pixels, a multiple of 8. */
static int write_eights(uint8_t *pixels, const uint8_t *grey, const uint8_t *blue, const uint8_t *red, int width) {
    int x = 0;
    for (; x + 8 <= width; x += 8) {
        __m128i y = eight_of(grey + x), middle = _mm_set1_epi16(128);
        __m128i cb = _mm_sub_epi16(eight_of(blue + x), middle), cr = _mm_sub_epi16(eight_of(red + x), middle);
        __m128i r = _mm_add_epi16(_mm_add_epi16(y, cr), scaled(cr, cb, RED_CR, 0));
        __m128i g = _mm_add_epi16(_mm_sub_epi16(y, cr), scaled(cr, cb, GREEN_CR, GREEN_CB));
        __m128i b = _mm_add_epi16(_mm_add_epi16(y, _mm_add_epi16(cb, cb)), scaled(cr, cb, 0, BLUE_CB));
        __m128i ends = _mm_packus_epi16(r, b), others = _mm_packus_epi16(g, _mm_set1_epi16(255));
        __m128i first = _mm_unpacklo_epi8(ends, others), last = _mm_unpackhi_epi8(ends, others);
        _mm_storeu_si128((__m128i *)(pixels + 4 * x), _mm_unpacklo_epi16(first, last));
        _mm_storeu_si128((__m128i *)(pixels + 4 * x + 16), _mm_unpackhi_epi16(first, last));
    }
    return x;
}
#endif

void colours_write(uint8_t *pixels, const uint8_t *grey, const uint8_t *blue, const uint8_t *red, int width) {
    int x = 0;
#if defined(__SSE2__)
    x = write_eights(pixels, grey, blue, red, width);
#endif
    for (; x < width; x++) {
        int cb = blue[x] - 128, cr = red[x] - 128;
        pixels[4 * x] = transform_clamp(grey[x] + cr + ((cr * RED_CR + 32768) >> 16));
        pixels[4 * x + 1] = transform_clamp(grey[x] - cr + ((cr * GREEN_CR + cb * GREEN_CB + 32768) >> 16));
        pixels[4 * x + 2] = transform_clamp(grey[x] + 2 * cb + ((cb * BLUE_CB + 32768) >> 16));
        pixels[4 * x + 3] = 255;
    }
}

/* Without vectors: the definition of all levels. Processors without vectors use Pillow, which is faster than this. */
#include "kernels.h"

static int16_t narrow(int32_t value) {
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static uint8_t clip(int32_t value) { return (uint8_t)(value > 255 ? 255 : value < 0 ? 0 : value); }

void down_plain(const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width) {
    for (int x = 0; x < width; x++) {
        int32_t sum = 1 << (bits - LINE_BITS - 1);
        for (int k = 0; k < count; k++) sum += weights[k] * rows[k * stride + x];
        line[x] = narrow(sum >> (bits - LINE_BITS));
    }
}

static uint8_t one1_plain(const int16_t *line, const int16_t *weights, int count, int bits) {
    int32_t sum = 1 << (bits + LINE_BITS - 1);
    for (int k = 0; k < count; k++) sum += weights[k] * line[k];
    return clip(sum >> (bits + LINE_BITS));
}

static uint32_t one4_plain(const int16_t *line, const int16_t *weights, int count, int bits) {
    uint32_t pixel = 0;
    for (int channel = 0; channel < 4; channel++) {
        int32_t sum = 1 << (bits + LINE_BITS - 1);
        for (int k = 0; k < count; k++) sum += weights[k] * line[4 * k + channel];
        pixel |= (uint32_t)clip(sum >> (bits + LINE_BITS)) << (8 * channel);
    }
    return pixel;
}

ACROSS(across1_plain, , uint8_t, GROUP_1, one1_plain)
ACROSS(across4_plain, , uint32_t, GROUP_4, one4_plain)

static const struct kernels plain = {down_plain, across1_plain, across4_plain};

#if defined(__x86_64__)
extern const struct kernels kernels_sse, kernels_avx;
const struct kernels *kernels_of(enum level level) {
    return level == VECTOR_256 ? &kernels_avx : level == VECTOR_128 ? &kernels_sse : &plain;
}
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
const struct kernels *kernels_of(enum level level) { return level == PLAIN ? &plain : &kernels_neon; }
#else
const struct kernels *kernels_of(enum level level) { return (void)level, &plain; }
#endif

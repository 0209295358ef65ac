#include "kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

static void down_neon(
    const uint8_t *rows, size_t stride, int count, const int16_t *weights, int bits, int16_t *line, int width) {
    int32x4_t half = vdupq_n_s32(1 << (bits - LINE_BITS - 1)), shift = vdupq_n_s32(LINE_BITS - bits);
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        int32x4_t sums[4] = {half, half, half, half};
        for (int k = 0; k < count; k++) {
            uint8x16_t row = vld1q_u8(rows + k * stride + x);
            int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(row)));
            int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(row));
            sums[0] = vmlal_n_s16(sums[0], vget_low_s16(low), weights[k]);
            sums[1] = vmlal_high_n_s16(sums[1], low, weights[k]);
            sums[2] = vmlal_n_s16(sums[2], vget_low_s16(high), weights[k]);
            sums[3] = vmlal_high_n_s16(sums[3], high, weights[k]);
        }
        for (int i = 0; i < 4; i++) vst1_s16(line + x + 4 * i, vqmovn_s32(vshlq_s32(sums[i], shift)));
    }
    down_plain(rows + x, stride, count, weights, bits, line + x, width - x);
}

static inline uint8_t one1_neon(const int16_t *line, const int16_t *weights, int count, int bits) {
    int32x4_t sums = vdupq_n_s32(0);
    for (int k = 0; k < count; k += 8) {
        int16x8_t pixels = vld1q_s16(line + k), by = vld1q_s16(weights + k);
        sums = vmlal_high_s16(vmlal_s16(sums, vget_low_s16(pixels), vget_low_s16(by)), pixels, by);
    }
    int32_t sum = (vaddvq_s32(sums) + (1 << (bits + LINE_BITS - 1))) >> (bits + LINE_BITS);
    return (uint8_t)(sum > 255 ? 255 : sum < 0 ? 0 : sum);
}

static inline uint32_t one4_neon(const int16_t *line, const int16_t *weights, int count, int bits) {
    int32x4_t even = vdupq_n_s32(1 << (bits + LINE_BITS - 1)), odd = vdupq_n_s32(0);
    for (int k = 0; k < count; k += 2) {
        int16x8_t pixels = vld1q_s16(line + 4 * k);
        even = vmlal_n_s16(even, vget_low_s16(pixels), weights[k]);
        odd = vmlal_high_n_s16(odd, pixels, weights[k + 1]);
    }
    int16x4_t sums = vqmovn_s32(vshlq_s32(vaddq_s32(even, odd), vdupq_n_s32(-bits - LINE_BITS)));
    return vget_lane_u32(vreinterpret_u32_u8(vqmovun_s16(vcombine_s16(sums, sums))), 0);
}

ACROSS(across1_neon, , uint8_t, GROUP_1, one1_neon)
ACROSS(across4_neon, , uint32_t, GROUP_4, one4_neon)

extern const struct kernels kernels_neon;
const struct kernels kernels_neon = {down_neon, across1_neon, across4_neon};
#else
typedef int no_kernels_for_arm;
#endif

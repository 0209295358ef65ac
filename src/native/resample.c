#include "resample.h"

#include <stdlib.h>

#include "filter.h"
#include "kernels.h"

#if defined(__x86_64__)
/* Other libraries return with dirty upper halves of these registers, which doubles the time of the SSE instructions. */
__attribute__((target("avx"))) static void clean_registers(void) { __builtin_ia32_vzeroupper(); }
#else
static void clean_registers(void) {}
#endif

/* Down first, one line at a time, then across: no second image is needed, and the rows are read as they lie. */
static enum resampled run(
    const struct image *from, const struct image *to, const struct filter *down, const struct filter *across,
    const struct kernels *kernels) {
    /* The columns that are read, and behind them zeros for the padded weights. */
    int last = to->width - 1, left = across->first[0], columns = across->first[last] + across->count[last] - left;
    size_t stride = (size_t)from->width * from->bytes;
    int16_t *line = calloc(((size_t)columns + across->taps) * from->bytes, sizeof *line);
    if (!line) return RESAMPLE_NO_MEMORY;
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++) {
        const uint8_t *rows = from->pixels + down->first[y] * stride + (size_t)left * from->bytes;
        const int16_t *weights = down->weights + (size_t)y * down->taps;
        kernels->down(rows, stride, down->count[y], weights, down->bits, line, columns * from->bytes);
        (from->bytes == 1 ? kernels->across1 : kernels->across4)(line, across, out, to->width);
        out += (size_t)to->width * to->bytes;
    }
    free(line);
    return RESAMPLED;
}

enum resampled resample(const struct image *from, const double box[4], const struct image *to, enum level level) {
    static const struct precision bytes = {20, 255, 1};
    struct precision lines = {15, LINE_LIMIT, from->bytes == 1 ? GROUP_1 : GROUP_4};
    struct filter down = {0}, across = {0};
    if (cpu_level() == VECTOR_256) clean_registers();
    enum filtered made = filter_make(&down, from->height, box[1], box[3], to->height, bytes);
    if (made == FILTERED) made = filter_make(&across, from->width, box[0], box[2], to->width, lines);
    enum resampled result = made == FILTERED ? RESAMPLED : made == FILTER_DECLINED ? RESAMPLE_DECLINED : RESAMPLE_NO_MEMORY;
    if (result == RESAMPLED) result = run(from, to, &down, &across, kernels_of(level));
    filter_free(&down);
    filter_free(&across);
    return result;
}

#include "dice.h"
#include "fuzz.h"
#include "resample.h"

/* Mostly small sides, sometimes a long one. */
static int random_side(void) {
    return 1 + (int)roll(roll(30) ? (roll(2) ? 9 : 150) : 5000);
}

static struct image random_image(int bytes, int filled) {
    struct image image = {.width = random_side(), .height = random_side(), .bytes = bytes};
    if (image.width > 150) image.height = 1 + image.height % 20;
    size_t size = (size_t)image.width * (size_t)image.height * (size_t)bytes;
    image.pixels = calloc(1, size);
    if (!image.pixels) abort();
    uint32_t kind = filled ? roll(3) : 2;
    for (size_t at = 0; at < size && filled; at++)
        image.pixels[at] = (uint8_t)(kind == 0 ? 255 : kind == 1 ? 255 * roll(2) : roll(256));
    return image;
}

static void random_range(int size, double *low, double *high) {
    double from = size * (roll(4096) / 4096.0), to = size * (roll(4096) / 4096.0);
    *low = roll(3) ? (from < to ? from : to) : 0;
    *high = roll(3) && from != to ? (from < to ? to : from) : size;
}

static int one_colour(const uint8_t *data, size_t size) {
    for (size_t at = 0; at < size; at++)
        if (data[at] != *data) return 0;
    return 1;
}

/* All vectors give the same pixels, and one colour stays that colour. */
int fuzz(void) {
    struct image from = random_image(roll(2) ? 1 : 4, 1), to = random_image(from.bytes, 0);
    size_t inputs = (size_t)from.width * (size_t)from.height * (size_t)from.bytes;
    size_t size = (size_t)to.width * (size_t)to.height * (size_t)to.bytes;
    uint8_t *first = malloc(size);
    if (!first) abort();
    double box[4];
    random_range(from.width, &box[0], &box[2]);
    random_range(from.height, &box[1], &box[3]);
    int result = resample(&from, box, &to, PLAIN) == RESAMPLED;
    memcpy(first, to.pixels, size);
    for (int level = VECTOR_128; level <= (int)cpu_level(); level++) {
        memset(to.pixels, 0, size);
        int again = resample(&from, box, &to, (enum level)level) == RESAMPLED;
        if (again != result || memcmp(first, to.pixels, size)) result = -1;
    }
    if (result > 0 && one_colour(from.pixels, inputs) && (*first != *from.pixels || !one_colour(first, size))) result = -1;
    free(from.pixels);
    free(to.pixels);
    free(first);
    return result;
}

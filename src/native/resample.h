/* Resample a box of an image to a size: Lanczos with three lobes, as Pillow defines it, but nearer to the exact result,
   because the intermediate rows keep 6 more bits and are not clipped. */
#ifndef TINYPICS_RESAMPLE_H
#define TINYPICS_RESAMPLE_H

#include <stdint.h>

#include "cpu.h"

struct image {
    uint8_t *pixels; /* rows without gaps */
    int width, height;
    int bytes; /* of a pixel: 1 or 4 */
};

enum resampled { RESAMPLED, RESAMPLE_NO_MEMORY, RESAMPLE_DECLINED };

#define RESAMPLE_MAX_SIDE (1 << 18) /* bounds the memory of the weights: 25 MB */

/* `box` is left, top, right, bottom: finite, not empty, inside of `from`. All levels give the same pixels. */
enum resampled resample(const struct image *from, const double box[4], const struct image *to, enum level level);

#endif

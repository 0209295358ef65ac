#include "dice.h"
#include "fuzz.h"
#include "jpeg.h"

#define MAX_PIXELS 1000000 /* larger ones only take longer */

static size_t mutate(uint8_t *data, size_t size) {
    for (uint32_t left = roll(6); left; left--) {
        uint32_t at = roll((uint32_t)(roll(3) || size < 700 ? size : 700)), other = roll((uint32_t)size), count = roll(64);
        size_t most = size - (at > other ? at : other);
        switch (roll(6)) {
        case 0:
            data[at] ^= (uint8_t)(1 << roll(8));
            break;
        case 1:
            data[at] = (uint8_t)roll(256);
            break;
        case 2:
            data[at] = 0xFF;
            break;
        case 3:
            memmove(data + at, data + other, count < most ? count : most);
            break;
        case 4:
            if (at + count < size) {
                memmove(data + at, data + at + count, size - at - count);
                size -= count;
            }
            break;
        default:
            if (!roll(4)) size = 1 + roll((uint32_t)size);
        }
    }
    return size;
}

/* The size and the channels of the first frame header, as a caller would find them. */
static int find_frame(const uint8_t *data, size_t size, int *width, int *height) {
    for (size_t at = 0; at + 10 < size; at++)
        if (data[at] == 0xFF && data[at + 1] >= 0xC0 && data[at + 1] <= 0xC2) {
            *height = data[at + 5] << 8 | data[at + 6];
            *width = data[at + 7] << 8 | data[at + 8];
            return data[at + 9] == 3 ? 3 : 1;
        }
    return 1;
}

static enum jpeg_state feed(struct jpeg *jpeg, const uint8_t *data, size_t size, int whole) {
    enum jpeg_state state = JPEG_MORE;
    for (size_t at = 0; at < size && state == JPEG_MORE;) {
        size_t count = whole ? size : 1 + roll(roll(2) ? 9 : 5000);
        if (count > size - at) count = size - at;
        uint8_t *piece = copied(data + at, count);
        state = jpeg_feed(jpeg, piece, count);
        free(piece);
        at += count;
    }
    jpeg_free(jpeg);
    return state;
}

int fuzz(void) {
    int width = 0, height = 0, scale = 2 << roll(3);
    const struct seed *seed = &seeds[roll((uint32_t)seed_count)];
    uint8_t *changed = copied(seed->data, seed->size);
    size_t size = mutate(changed, seed->size);
    uint8_t *data = copied(changed, size);
    free(changed);
    int channels = find_frame(data, size, &width, &height), result = 0;
    if (width && height && (long)width * height <= MAX_PIXELS) {
        size_t stride = (size_t)((width + scale - 1) / scale) * (channels == 1 ? 1 : 4);
        size_t bytes = stride * (size_t)((height + scale - 1) / scale);
        uint8_t *pixels[2] = {calloc(1, bytes), calloc(1, bytes)};
        enum jpeg_state states[2];
        for (int each = 0; each < 2; each++)
            states[each] = feed(jpeg_new(width, height, channels, scale, pixels[each], stride), data, size, each);
        int taken = states[0] == JPEG_DONE, header = jpeg_takes(data, size, width, height, channels, scale);
        result = states[0] != states[1] || (taken && (!header || memcmp(pixels[0], pixels[1], bytes))) ? -1 : taken;
        free(pixels[0]);
        free(pixels[1]);
    }
    free(data);
    return result;
}

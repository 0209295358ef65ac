#include "dice.h"
#include "fuzz.h"
#include "png.h"
#include "png_rows.h"

static struct png_format random_format(uint8_t *palette) {
    struct png_format format = {.width = 1 + (int)roll(40), .height = 1 + (int)roll(20), .box = 1};
    if (roll(2)) format.box = roll(20) ? 1 + (int)roll(12) : 255;
    if (roll(4)) {
        format.channels = 1 + (int)roll(4);
        format.bits = roll(2) ? 8 : 16;
        format.bytes = format.channels == 1 ? 1 : 4;
    } else {
        format.channels = 1;
        format.bits = 1 << roll(4);
        format.colours = roll(2) ? 1 << format.bits : 1 + (int)roll(1u << format.bits);
        format.bytes = roll(2) ? 1 : 4;
        format.palette = palette;
    }
    return format;
}

/* Rows with all filters or with the one that is undone for two rows at once; sometimes too short, too long or wrong. */
static uint8_t *random_rows(const struct png_format *format, size_t *size) {
    size_t row = 1 + ((size_t)format->width * (size_t)(format->channels * format->bits) + 7) / 8;
    *size = row * (size_t)format->height + (roll(8) ? 0 : 1 + roll(3));
    if (!roll(8)) *size = roll((uint32_t)*size + 1);
    uint8_t *data = malloc(*size ? *size : 1);
    uint32_t same = roll(3);
    for (size_t at = 0; at < *size; at++)
        data[at] = (uint8_t)(at % row ? roll(256) : same ? roll(5) : 4);
    if (*size && !roll(30)) data[roll((uint32_t)*size)] = (uint8_t)roll(256);
    return data;
}

static int feed(struct png *png, const uint8_t *data, size_t size, int whole) {
    int rows = 0;
    for (size_t at = 0; at < size && rows >= 0;) {
        size_t count = whole ? size : 1 + roll(roll(2) ? 5 : 300);
        if (count > size - at) count = size - at;
        uint8_t *piece = copied(data + at, count);
        rows = png_feed(png, piece, count);
        free(piece);
        at += count;
    }
    png_free(png);
    return rows;
}

/* Rows that are written, in two bands, and read again: the same pixels, but for those that are premultiplied. */
static int write_and_read(void) {
    struct png_pixels source = {.width = 1 + (int)roll(60), .height = 1 + (int)roll(12), .channels = 1 + (int)roll(4)};
    source.bytes = source.channels == 1 ? 1 : 4;
    size_t bytes = (size_t)(source.width * source.height * source.bytes);
    size_t row = 1 + (size_t)(source.width * source.channels), size = row * (size_t)source.height;
    uint8_t *pixels = malloc(bytes), *again = calloc(1, bytes), *plain = malloc(size), *filtered = malloc(size);
    uint32_t sides = roll(2) ? 256 : 1 + roll(6);
    for (size_t at = 0; at < bytes; at++)
        pixels[at] = source.bytes == 4 && at % 4 == 3 ? 255 : (uint8_t)roll(sides);
    for (size_t at = 0; at < bytes && source.channels == 2; at += 4)
        pixels[at + 1] = pixels[at + 2] = pixels[at];
    source.pixels = pixels;
    int first = (int)roll((uint32_t)source.height), differs = 0;
    if (first) png_rows(&source, 0, first, plain, filtered);
    png_rows(&source, first, source.height - first, plain + row * (size_t)first, filtered + row * (size_t)first);
    struct png_format format = {source.width, source.height, source.channels, 8, NULL, 0, source.bytes, 1};
    for (int each = 0; each < 2; each++) {
        int rows = feed(png_new(&format, again, bytes / (size_t)source.height), each ? plain : filtered, size, 1);
        differs |= rows != source.height || memcmp(again, pixels, bytes);
    }
    free(pixels);
    free(again);
    free(plain);
    free(filtered);
    return differs ? -1 : 1;
}

int fuzz(void) {
    if (!roll(4)) return write_and_read();
    uint8_t colours[1024];
    for (size_t each = 0; each < sizeof colours; each++)
        colours[each] = (uint8_t)roll(256);
    struct png_format format = random_format(colours);
    uint8_t *palette = copied(colours, 4 * (size_t)format.colours);
    if (format.palette) format.palette = palette;
    size_t size, stride = (size_t)((format.width + format.box - 1) / format.box * format.bytes);
    size_t bytes = stride * (size_t)((format.height + format.box - 1) / format.box);
    uint8_t *data = random_rows(&format, &size), *pixels[2] = {calloc(1, bytes), calloc(1, bytes)};
    int rows[2];
    for (int each = 0; each < 2; each++)
        rows[each] = feed(png_new(&format, pixels[each], stride), data, size, each);
    int taken = rows[0] == format.height;
    int result = rows[0] != rows[1] || (taken && memcmp(pixels[0], pixels[1], bytes)) ? -1 : taken;
    free(pixels[0]);
    free(pixels[1]);
    free(data);
    free(palette);
    return result;
}

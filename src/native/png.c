#include "png.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "png_filters.h"

#define ROWS 2 /* that are undone at a time */

struct png {
    struct png_format format;
    uint8_t *pixels;
    size_t stride;
    size_t row_bytes;    /* without the filter */
    int step;            /* bytes from a sample to the same one of the next pixel, at least 1 */
    uint8_t *raw;        /* ROWS rows, each behind its filter */
    uint8_t *rows[3];    /* the row above, and ROWS more, in turn */
    uint8_t *line;       /* one row as it is written */
    uint32_t *sums;      /* of the boxes that have begun */
    size_t raw_stride, got; /* bytes in `raw` */
    int done;            /* rows */
    bool failed;
    uint8_t colours[256][4]; /* of the palette, premultiplied */
};

static size_t padded(size_t bytes) {
    return bytes + FILTERS_PADDING;
}

static bool allocate(struct png *png) {
    const struct png_format *format = &png->format;
    size_t across = ((size_t)format->width + (size_t)format->box - 1) / (size_t)format->box;
    png->raw_stride = padded(1 + png->row_bytes);
    png->raw = calloc(ROWS, png->raw_stride);
    png->line = calloc((size_t)format->width, (size_t)format->bytes);
    png->sums = calloc(across * (size_t)format->bytes, sizeof *png->sums);
    bool enough = png->raw && png->line && png->sums;
    for (int each = 0; each < 3; each++) {
        png->rows[each] = calloc(1, padded(png->row_bytes));
        enough = enough && png->rows[each];
    }
    return enough;
}

/* Alpha times colours, rounded as Pillow does. */
static void premultiply(uint8_t *pixels, int count) {
    for (int x = 0; x < count; x++) {
        uint32_t pixel;
        memcpy(&pixel, pixels + 4 * x, 4);
        uint32_t alpha = pixel >> 24, outer = (pixel & 0xFF00FF) * alpha + 0x800080;
        uint32_t green = (pixel >> 8 & 255) * alpha + 128;
        outer = (outer + (outer >> 8 & 0xFF00FF)) >> 8 & 0xFF00FF;
        green = (green + (green >> 8)) & 0xFF00;
        pixel = outer | green | alpha << 24;
        memcpy(pixels + 4 * x, &pixel, 4);
    }
}

struct png *png_new(const struct png_format *format, uint8_t *pixels, size_t stride) {
    struct png *png = calloc(1, sizeof *png);
    if (!png) return NULL;
    int bits = format->channels * format->bits;
    png->format = *format;
    png->pixels = pixels;
    png->stride = stride;
    png->row_bytes = ((size_t)format->width * (size_t)bits + 7) / 8;
    png->step = bits < 8 ? 1 : bits / 8;
    if (format->palette) {
        memcpy(png->colours, format->palette, 4 * (size_t)format->colours);
        if (format->bytes == 4) premultiply(png->colours[0], format->colours);
        png->format.palette = png->colours[0];
    }
    if (!allocate(png)) {
        png_free(png);
        return NULL;
    }
    return png;
}

void png_free(struct png *png) {
    if (!png) return;
    for (int each = 0; each < 3; each++)
        free(png->rows[each]);
    free(png->raw);
    free(png->line);
    free(png->sums);
    free(png);
}

/* Numbers in the palette to colours; false if one is not there. */
static bool look_up(struct png *png, const uint8_t *row, int width) {
    int bits = png->format.bits, most = 0;
    for (int x = 0; x < width; x++) {
        int at = x * bits, number = row[at / 8] >> (8 - bits - at % 8) & ((1 << bits) - 1);
        most = number > most ? number : most;
        if (png->format.bytes == 1)
            png->line[x] = png->colours[number][0];
        else
            memcpy(png->line + 4 * x, png->colours[number], 4);
    }
    return most < png->format.colours;
}

/* The upper bytes of samples of 16 bits are those of 8 bits; grey alone is rounded, as the rest of Tinypics does it. */
static void widen(struct png *png, const uint8_t *row, int width) {
    size_t sample = png->format.bits == 16 ? 2 : 1;
    uint8_t *line = png->line;
    switch (png->format.channels) {
    case 1:
        for (int x = 0; x < width; x++)
            line[x] = sample == 1 ? row[x] : (uint8_t)(((row[2 * x] << 8 | row[2 * x + 1]) * 255 + 32767) / 65535);
        break;
    case 2:
        for (int x = 0; x < width; x++, row += 2 * sample, line += 4) {
            line[0] = line[1] = line[2] = row[0];
            line[3] = row[sample];
        }
        break;
    case 3:
        for (int x = 0; x < width; x++, row += 3 * sample, line += 4) {
            line[0] = row[0];
            line[1] = row[sample];
            line[2] = row[2 * sample];
            line[3] = 255;
        }
        break;
    default:
        for (int x = 0; x < width; x++, row += 4 * sample, line += 4)
            for (size_t channel = 0; channel < 4; channel++)
                line[channel] = row[channel * sample];
    }
    if (png->format.channels % 2 == 0) premultiply(png->line, width);
}

static void add_grey(const struct png *png) {
    int box = png->format.box, width = png->format.width;
    const uint8_t *line = png->line;
    uint32_t *sums = png->sums;
    for (int x = 0; x < width; x += box, sums++)
        for (int each = 0; each < box && x + each < width; each++)
            *sums += *line++;
}

/* Adds a row of pixels of four samples to the boxes, or of three: then the fourth byte is of the next pixel, or of the
   row's padding, and alpha is 255. The sums of four samples of a box in one row fit in 16 bits each. */
static inline void add_colours(const struct png *png, const uint8_t *row, int step) {
    int box = png->format.box, width = png->format.width;
    uint32_t *sums = png->sums;
    for (int x = 0; x < width; x += box, sums += 4) {
        int count = width - x < box ? width - x : box;
        uint32_t outer = 0, inner = 0;
        for (int each = 0; each < count; each++, row += step) {
            uint32_t pixel;
            memcpy(&pixel, row, 4);
            outer += pixel & 0xFF00FF;
            inner += pixel >> 8 & 0xFF00FF;
        }
        sums[0] += outer & 0xFFFF;
        sums[1] += inner & 0xFFFF;
        sums[2] += outer >> 16;
        sums[3] += step == 3 ? 255 * (uint32_t)count : inner >> 16;
    }
}

/* Writes the means of the boxes, `rows` of whose rows were added. */
static void write_means(struct png *png, uint8_t *pixels, int rows) {
    int box = png->format.box, bytes = png->format.bytes, width = png->format.width;
    uint32_t *sums = png->sums;
    for (int x = 0; x < width; x += box) {
        uint32_t count = (uint32_t)(rows * (width - x < box ? width - x : box));
        for (int channel = 0; channel < bytes; channel++)
            *pixels++ = (uint8_t)((sums[channel] + count / 2) / count);
        sums += bytes;
    }
    memset(png->sums, 0, (size_t)(sums - png->sums) * sizeof *sums);
}

static void write_row(struct png *png, const uint8_t *row) {
    int width = png->format.width, box = png->format.box;
    uint8_t *pixels = png->pixels + (size_t)(png->done / box) * png->stride;
    bool opaque = png->format.channels == 3 && png->format.bits == 8 && box > 1;
    if (png->format.palette)
        png->failed = png->failed || !look_up(png, row, width);
    else if (opaque)
        add_colours(png, row, 3);
    else
        widen(png, row, width);
    if (box == 1) {
        memcpy(pixels, png->line, (size_t)width * (size_t)png->format.bytes);
    } else {
        if (png->format.bytes == 1)
            add_grey(png);
        else if (!opaque)
            add_colours(png, png->line, 4);
        int rows = png->done % box + 1;
        if (rows == box || png->done + 1 == png->format.height) write_means(png, pixels, rows);
    }
    png->done++;
}

/* Undoes the filters of `count` complete rows. */
static void undo(struct png *png, int count) {
    const uint8_t *raw[ROWS] = {png->raw + 1, png->raw + png->raw_stride + 1};
    int filters[ROWS] = {png->raw[0], png->raw[png->raw_stride]};
    if (filters[0] >= FILTERS || (count == 2 && filters[1] >= FILTERS)) {
        png->failed = true;
        return;
    }
    if (count == 2 && filters[0] == FILTER_PAETH && filters[1] == FILTER_PAETH && png->step <= 4) {
        filter_undo_two(raw, png->rows[0], png->rows + 1, png->row_bytes, png->step);
    } else {
        for (int each = 0; each < count; each++)
            filter_undo((enum filter)filters[each], raw[each], png->rows[each], png->rows[each + 1], png->row_bytes, png->step);
    }
    for (int each = 0; each < count; each++)
        write_row(png, png->rows[each + 1]);
    uint8_t *above = png->rows[count];
    png->rows[count] = png->rows[0];
    png->rows[0] = above;
}

int png_feed(struct png *png, const uint8_t *data, size_t size) {
    size_t row = 1 + png->row_bytes;
    while (size && !png->failed) {
        int left = png->format.height - png->done, count = left < ROWS ? left : ROWS;
        if (!count) {
            png->failed = true; /* bytes behind the last row */
            break;
        }
        size_t number = png->got / row, at = png->got % row;
        size_t taken = row - at < size ? row - at : size;
        memcpy(png->raw + number * png->raw_stride + at, data, taken);
        png->got += taken;
        data += taken;
        size -= taken;
        if (png->got == (size_t)count * row) {
            undo(png, count);
            png->got = 0;
        }
    }
    return png->failed ? -1 : png->done;
}

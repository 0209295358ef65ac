#include "jpeg_scan.h"

#include <stdlib.h>

static uint8_t clamp(int64_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Skips the coefficients of a block from number `at` on. */
static inline bool skip_rest(struct bits *bits, struct huffman *table, int at) {
    while (at < 64) {
        if (bits->count < 32)
            bits_refill(bits);
        unsigned ahead = (unsigned)(bits->buffer >> (64 - HUFFMAN_SKIP)), found = table->skips[ahead];
        if (!found)
            found = huffman_fill_skip(table, ahead);
        int next = at + (int)(found & 255);
        /* The last coefficient needs no end of block: the symbols behind it are of another block. */
        if (next + (int)(found >> 8 & 1) <= 64) {
            bits_drop(bits, (int)(found >> 9));
            if (found & 256)
                return true;
            at = next;
            continue;
        }
        int symbol = huffman_next(bits, table);
        if (symbol < 0 || (symbol & 15) > HUFFMAN_AC)
            return false;
        bits_drop(bits, symbol & 15);
        if (symbol < 0xF0 && !(symbol & 15))
            return true;
        at += (symbol >> 4) + 1;
    }
    return at == 64;
}

/* Where the coefficients of each number in zigzag order belong (T.81, figure A.6): the first two or four of the first
   two or four rows. Others go behind them. */
static const uint8_t places_of_two[] = {0, 1, 2, 4, 3};
static const uint8_t places_of_four[] = {0,  1,  4,  8,  5,  2,  3,  6,  9,  12, 16, 13, 10,
                                         7,  16, 16, 16, 11, 14, 16, 16, 16, 16, 16, 15};

/* Reads the coefficients from number 1 to `last`, and skips the others. */
static inline bool read_low(struct bits *bits, const struct component *component, const uint8_t *places, int last,
                            int32_t *found) {
    int at = 1;
    while (at <= last) {
        if (bits->count < 32) bits_refill(bits);
        int symbol = huffman_next(bits, component->ac);
        int size = symbol & 15;
        if (symbol < 0 || size > HUFFMAN_AC) return false;
        at += symbol >> 4;
        if (!size) {
            if (symbol < 0xF0) return true;
        } else {
            int32_t value = bits_signed(bits, size);
            if (at <= last) found[places[at]] = value * component->quantizers[at];
        }
        at++;
    }
    return skip_rest(bits, component->ac, at);
}

/* The inverse transform of 2x2 has two cosines with one value each, so that the truncated transform has the gain 1. */
static inline void write_two(const int32_t *found, uint8_t *pixels, size_t stride) {
    int64_t dc = (int64_t)found[0] + 4 + 1024, across = found[1], down = found[2], both = found[3];
    pixels[0] = clamp((dc + across + down + both) >> 3);
    pixels[1] = clamp((dc - across + down - both) >> 3);
    pixels[stride] = clamp((dc + across - down - both) >> 3);
    pixels[stride + 1] = clamp((dc - across - down + both) >> 3);
}

/* An inverse transform of four values, `step` apart: the square root of 2 times the cosines of pi/8 and 3 pi/8, and 1,
   all times 2048. */
static inline void invert_four(const int32_t *in, int32_t *out, int step) {
    int32_t even = in[0] + in[2 * step], odd = in[0] - in[2 * step];
    int32_t one = 2676 * in[step] + 1108 * in[3 * step], other = 1108 * in[step] - 2676 * in[3 * step];
    out[0] = 2048 * even + one;
    out[step] = 2048 * odd + other;
    out[2 * step] = 2048 * odd - other;
    out[3 * step] = 2048 * even - one;
}

static inline void write_four(const int32_t *found, uint8_t *pixels, size_t stride) {
    int32_t in[16], between[16], out[16];
    for (int each = 0; each < 16; each++) /* no picture has larger ones, and the sums fit */
        in[each] = found[each] < -8191 ? -8191 : found[each] > 8191 ? 8191 : found[each];
    for (int column = 0; column < 4; column++)
        invert_four(in + column, between + column, 4);
    for (int each = 0; each < 16; each++)
        between[each] = (between[each] + 256) >> 9;
    for (int row = 0; row < 4; row++) {
        invert_four(between + 4 * row, out + 4 * row, 1);
        for (int column = 0; column < 4; column++)
            pixels[(size_t)row * stride + (size_t)column] = clamp(((out[4 * row + column] + (1 << 15)) >> 16) + 128);
    }
}

/* False if no encoder writes this block. */
static inline bool read_block(const struct scan *scan, struct bits *bits, struct component *component, uint8_t *pixels) {
    int32_t found[17] = {0}, difference = 0;
    bits_refill(bits);
    int size = huffman_next(bits, component->dc);
    if (size < 0)
        return false;
    if (size)
        difference = bits_signed(bits, size);
    component->predicted += difference * (1 << scan->shift);
    if (component->predicted < -32768 || component->predicted > 32767)
        return false;
    int64_t dc = (int64_t)component->predicted * component->quantizers[0];
    found[0] = (int32_t)(dc < -65536 ? -65536 : dc > 65536 ? 65536 : dc);
    if (component->side == 1) {
        pixels[0] = clamp(((found[0] + 4) >> 3) + 128);
        return scan->progressive || skip_rest(bits, component->ac, 1);
    }
    if (component->side == 2) {
        if (!scan->progressive && !read_low(bits, component, places_of_two, 4, found)) return false;
        write_two(found, pixels, component->stride);
    } else {
        if (!read_low(bits, component, places_of_four, 24, found)) return false;
        write_four(found, pixels, component->stride);
    }
    return true;
}

static inline bool read_mcu(struct scan *scan, struct bits *bits) {
    for (int number = 0; number < scan->channels; number++) {
        struct component *component = &scan->components[number];
        int side = component->side;
        for (int row = 0; row < component->down; row++) {
            uint8_t *at = component->plane + (size_t)(row * side) * component->stride
                + (size_t)(scan->x * component->across * side);
            for (int column = 0; column < component->across; column++)
                if (!read_block(scan, bits, component, at + column * side))
                    return false;
        }
    }
    return true;
}

/* The pixels of a row as wide as the picture. */
static const uint8_t *row_of(const struct scan *scan, int number, int row) {
    const struct component *component = &scan->components[number];
    const uint8_t *plane = component->plane + (size_t)(row >> component->repeat_y) * component->stride;
    if (!component->repeat_x)
        return plane;
    uint8_t *line = scan->line + (size_t)number * (size_t)scan->width;
    for (int x = 0; x < scan->width; x++)
        line[x] = plane[x >> component->repeat_x];
    return line;
}

static inline uint32_t limited(int32_t value) {
    return (uint32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* YCbCr to RGB (ITU-T T.871, section 7), rounded as libjpeg does: 1.402, 0.34414, 0.71414 and 1.772, times 65,536.
   With whole numbers apart, factors have 16 bits, for which processors have vector instructions. */
static void write_colours(uint8_t *pixels, const uint8_t *grey, const uint8_t *blue, const uint8_t *red, int width) {
    for (int x = 0; x < width; x++) {
        int16_t cb = (int16_t)(blue[x] - 128), cr = (int16_t)(red[x] - 128);
        int32_t r = grey[x] + cr + ((cr * (int16_t)26345 + 32768) >> 16);
        int32_t g = grey[x] - cr + ((cr * (int16_t)18734 - cb * (int16_t)22554 + 32768) >> 16);
        int32_t b = grey[x] + 2 * cb + ((32768 - cb * (int16_t)14942) >> 16);
        uint32_t pixel = limited(r) | limited(g) << 8 | limited(b) << 16 | 0xFF000000;
        memcpy(pixels + 4 * x, &pixel, sizeof pixel);
    }
}

/* Writes the pixels of a row of MCUs. */
static void write_rows(const struct scan *scan) {
    int rows = scan->most_down * 8 / scan->scale, first = scan->y * rows;
    for (int row = 0; row < rows && first + row < scan->height; row++) {
        uint8_t *pixels = scan->pixels + (size_t)(first + row) * scan->stride;
        const uint8_t *grey = row_of(scan, 0, row);
        if (scan->channels == 1)
            memcpy(pixels, grey, (size_t)scan->width);
        else
            write_colours(pixels, grey, row_of(scan, 1, row), row_of(scan, 2, row), scan->width);
    }
}

/* Reads MCUs up to a restart marker, the end, or the last of them that is complete in the window. */
static bool read_mcus(struct scan *scan, bool complete) {
    struct bits bits = {scan->window + scan->position / 8, 0, 0};
    size_t end = 8 * scan->filled;
    bits_refill(&bits);
    bits_drop(&bits, (int)(scan->position % 8));
    while (scan->left && scan->y < scan->rows && (complete || scan->position + 8 * SCAN_MCU <= end)) {
        if (!read_mcu(scan, &bits))
            return false;
        scan->position = 8 * (size_t)(bits.at - scan->window) - (size_t)bits.count;
        if (scan->position > end)
            return false;
        scan->left -= scan->interval > 0;
        if (++scan->x == scan->columns) {
            write_rows(scan);
            scan->x = 0;
            scan->y++;
        }
    }
    return true;
}

/* Decodes what the window has, all of it if it is `complete`, and keeps the rest. */
static bool drain(struct scan *scan, bool complete) {
    if (complete)
        memset(scan->window + scan->filled, 0, SCAN_MCU);
    if (!read_mcus(scan, complete))
        return false;
    size_t used = scan->position / 8;
    if (!complete && scan->filled - used >= SCAN_WINDOW)
        return false; /* data behind the last MCU */
    memmove(scan->window, scan->window + used, scan->filled - used);
    scan->filled -= used;
    scan->position %= 8;
    return true;
}

/* The data end here: whether all of them were used, and nothing is missing. */
static bool at_end(const struct scan *scan) {
    return 8 * scan->filled < scan->position + 8;
}

static bool restart(struct scan *scan, int marker) {
    if (!scan->interval || scan->left || scan->y == scan->rows || !at_end(scan) || marker != (int)(0xD0 + scan->restarts % 8))
        return false;
    scan->restarts++;
    scan->left = scan->interval;
    scan->filled = scan->position = 0;
    for (int number = 0; number < scan->channels; number++)
        scan->components[number].predicted = 0;
    return true;
}

/* Copies data without their stuffing up to a marker; returns what follows the copied. */
static const uint8_t *fill_window(struct scan *scan, const uint8_t *data, const uint8_t *end, int *marker) {
    *marker = 0;
    while (data < end && scan->filled < SCAN_WINDOW) {
        if (scan->escape) {
            int value = *data++;
            scan->escape = value == 0xFF; /* fill bytes, before a marker */
            if (!value)
                scan->window[scan->filled++] = 0xFF;
            else if (value != 0xFF) {
                *marker = value;
                return data;
            }
            continue;
        }
        size_t most = (size_t)(end - data), room = SCAN_WINDOW - scan->filled;
        if (most > room)
            most = room;
        const uint8_t *found = memchr(data, 0xFF, most);
        size_t plain = found ? (size_t)(found - data) : most;
        memcpy(scan->window + scan->filled, data, plain);
        scan->filled += plain;
        data += plain + (found != NULL);
        scan->escape = found != NULL;
    }
    return data;
}

const uint8_t *scan_feed(struct scan *scan, const uint8_t *data, const uint8_t *end, int *marker) {
    *marker = 0;
    while (data < end && !*marker) {
        data = fill_window(scan, data, end, marker);
        if (!drain(scan, *marker != 0))
            return NULL;
        if (*marker >= 0xD0 && *marker <= 0xD7) {
            if (!restart(scan, *marker))
                return NULL;
            *marker = 0;
        } else if (*marker && (scan->y < scan->rows || !at_end(scan)))
            return NULL;
    }
    return data;
}

static bool place(struct scan *scan, struct component *component) {
    int across = scan->most_across / component->across, down = scan->most_down / component->down;
    int side = 8 / scan->scale;
    if (across > 1 && down > 1) { /* more of the coefficients instead of repeated pixels */
        side *= 2;
        across /= 2;
        down /= 2;
    }
    component->side = side;
    component->repeat_x = across >> 1; /* 1, 2, 4: 0, 1, 2 */
    component->repeat_y = down >> 1;
    component->stride = (size_t)(scan->columns * component->across * side);
    component->plane = malloc(component->stride * (size_t)(component->down * side));
    return component->plane != NULL;
}

bool scan_begin(struct scan *scan, int source_width, int source_height) {
    int across = 8 * scan->most_across, down = 8 * scan->most_down;
    scan->columns = (source_width + across - 1) / across;
    scan->rows = (source_height + down - 1) / down;
    scan->left = scan->interval ? scan->interval : 1;
    scan->line = malloc(3 * (size_t)scan->width);
    bool placed = scan->line != NULL;
    for (int number = 0; number < scan->channels; number++)
        placed = placed && place(scan, &scan->components[number]);
    return placed;
}

void scan_end(struct scan *scan) {
    free(scan->line);
    for (int number = 0; number < 3; number++)
        free(scan->components[number].plane);
}

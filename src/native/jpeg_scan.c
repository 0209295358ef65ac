#include "jpeg_scan.h"

#include <stdlib.h>

#include "jpeg_coefficients.h"
#include "jpeg_colours.h"
#include "jpeg_transform.h"

/* Reads up to the end of the block if it matters. False if no encoder writes this block. */
ALWAYS_INLINE bool read_block(const struct scan *scan, struct bits *bits, bool to_end, struct component *component,
                              uint8_t *pixels) {
    bits_refill(bits);
    int size = huffman_next(bits, component->dc);
    if (size < 0)
        return false;
    component->predicted += bits_signed(bits, size) * (1 << scan->shift);
    if (component->predicted < -32768 || component->predicted > 32767)
        return false;
    int32_t dc = component->predicted * component->quantizers[0]; /* at most 32768 * 65535 */
    if (component->wide == 1) {
        pixels[0] = transform_clamp((dc + 1024 + 4) >> 3);
        return scan->progressive || !to_end || coefficients_skip(bits, component->ac, 1);
    }
    int32_t found[17] = {dc < -65536 ? -65536 : dc > 65536 ? 65536 : dc};
    if (component->wide == 2) {
        if (!scan->progressive && !coefficients_read(bits, component, places_of_two, 4, to_end, found)) return false;
        transform_two(found, pixels, component->stride);
    } else {
        int wide = component->wide, tall = component->tall;
        if (!coefficients_read(bits, component, places_of_four, 24, to_end, found)) return false;
        found[0] += 1024 + 4; /* the middle level, and a half to round */
        if (wide == 4 && tall == 4) /* a compiler makes one function of each size */
            transform_four(found, 4, 4, pixels, component->stride);
        else if (tall == 4)
            transform_four(found, 8, 4, pixels, component->stride);
        else
            transform_four(found, wide, 8, pixels, component->stride);
    }
    return true;
}

/* Reads an MCU whose blocks begin at `starts` (bits of the window); NULL: each begins behind the one before it. */
ALWAYS_INLINE bool read_mcu(struct scan *scan, struct bits *bits, const uint32_t *starts) {
    for (int number = 0; number < scan->channels; number++) {
        struct component *component = &scan->components[number];
        int wide = component->wide, tall = component->tall;
        for (int row = 0; row < component->down; row++) {
            uint8_t *at = component->plane + (size_t)(row * tall) * component->stride
                + (size_t)(scan->x * component->across * wide);
            for (int column = 0; column < component->across; column++) {
                if (starts)
                    *bits = bits_from(scan->window, *starts++);
                if (!read_block(scan, bits, !starts, component, at + column * wide))
                    return false;
            }
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

/* Writes the pixels of a row of MCUs. */
static void write_rows(const struct scan *scan) {
    int rows = scan->most_down * 8 / scan->scale, first = scan->y * rows;
    for (int row = 0; row < rows && first + row < scan->height; row++) {
        uint8_t *pixels = scan->pixels + (size_t)(first + row) * scan->stride;
        const uint8_t *grey = row_of(scan, 0, row);
        if (scan->channels == 1)
            memcpy(pixels, grey, (size_t)scan->width);
        else
            colours_write(pixels, grey, row_of(scan, 1, row), row_of(scan, 2, row), scan->width);
    }
}

/* Goes on to the next MCU. */
static void advance(struct scan *scan) {
    scan->left -= scan->interval > 0;
    if (++scan->x == scan->columns) {
        write_rows(scan);
        scan->x = 0;
        scan->y++;
    }
}

/* Reads MCUs whose blocks are found in several parts of the window at once. */
static bool read_parts(struct scan *scan) {
    struct bits bits;
    if (scan->scale != 8 || scan->progressive || scan->filled < SCAN_MCU)
        return true;
    uint32_t end = (uint32_t)(8 * (scan->filled - SCAN_MCU));
    size_t found = parts_find(&scan->parts, scan->window, (uint32_t)scan->position, end);
    const uint32_t *starts = scan->parts.starts;
    for (; found && scan->left && scan->y < scan->rows; found--) {
        if (!read_mcu(scan, &bits, starts))
            return false;
        starts += scan->parts.blocks;
        scan->position = *starts;
        advance(scan);
    }
    return true;
}

/* Reads MCUs up to a restart marker, the end, or the last of them that is complete in the window. */
static bool read_mcus(struct scan *scan, bool complete) {
    if (!read_parts(scan))
        return false;
    struct bits bits = bits_from(scan->window, scan->position);
    size_t end = 8 * scan->filled;
    while (scan->left && scan->y < scan->rows && (complete || scan->position + 8 * SCAN_MCU <= end)) {
        if (!read_mcu(scan, &bits, NULL))
            return false;
        scan->position = bits_position(&bits, scan->window);
        if (scan->position > end)
            return false;
        advance(scan);
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
    component->wide = component->tall = side;
    /* More pixels of a block instead of repeated ones. */
    if (across > 1 && (scan->scale == 2 || down > 1)) {
        component->wide = 2 * side;
        across /= 2;
    }
    if (down > 1 && (scan->scale == 2 || component->wide > side)) {
        component->tall = 2 * side;
        down /= 2;
    }
    component->repeat_x = across >> 1; /* 1, 2, 4: 0, 1, 2 */
    component->repeat_y = down >> 1;
    component->stride = (size_t)(scan->columns * component->across * component->wide);
    component->plane = malloc(component->stride * (size_t)(component->down * component->tall));
    return component->plane != NULL;
}

/* The order of an MCU (T.81, A.2.3), as `read_mcu` has it. */
static void order_blocks(struct scan *scan) {
    struct parts *parts = &scan->parts;
    parts->length = 8 * SCAN_WINDOW;
    parts->blocks = 0;
    for (int number = 0; number < scan->channels; number++) {
        const struct component *component = &scan->components[number];
        for (int each = 0; each < component->across * component->down; each++) {
            parts->dc[parts->blocks] = component->dc;
            parts->ac[parts->blocks++] = component->ac;
        }
    }
}

bool scan_begin(struct scan *scan, int source_width, int source_height) {
    int across = 8 * scan->most_across, down = 8 * scan->most_down;
    scan->columns = (source_width + across - 1) / across;
    scan->rows = (source_height + down - 1) / down;
    scan->left = scan->interval ? scan->interval : 1;
    scan->line = malloc(3 * (size_t)scan->width);
    scan->window = malloc(SCAN_WINDOW + SCAN_MCU);
    order_blocks(scan);
    bool placed = scan->line && scan->window;
    for (int number = 0; number < scan->channels; number++)
        placed = placed && place(scan, &scan->components[number]);
    return placed;
}

void scan_end(struct scan *scan) {
    free(scan->line);
    free(scan->window);
    for (int number = 0; number < 3; number++)
        free(scan->components[number].plane);
}

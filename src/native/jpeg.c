#include "jpeg.h"

#include <stdlib.h>
#include <string.h>

#include "jpeg_scan.h"

enum { SOI = 0xD8, EOI, SOS, DQT, DNL, DRI, SOF0 = 0xC0, SOF1, SOF2, DHT = 0xC4, APP0 = 0xE0, APP14 = 0xEE, APP15, COM = 0xFE };

/* What the next byte is. */
enum place { FIRST, SECOND, MARKER, CODE, HIGH, LOW, BODY, DATA };

struct jpeg {
    enum jpeg_state state;
    enum place place;
    int width, height;
    bool framed, jfif;
    int adobe; /* the transform of Adobe's segment; -1: there is none */
    int marker;
    size_t length, got; /* of the segment's body */
    int32_t quantizers[4][JPEG_QUANTIZERS];
    bool quantized[4];
    struct huffman tables[2][4]; /* DC, AC */
    struct scan scan;
    uint8_t body[65536];
};

struct jpeg *jpeg_new(int width, int height, int channels, int scale, uint8_t *pixels, size_t stride) {
    struct jpeg *jpeg = calloc(1, sizeof *jpeg);
    if (!jpeg)
        return NULL;
    jpeg->width = width;
    jpeg->height = height;
    jpeg->adobe = -1;
    jpeg->scan.width = (width + scale - 1) / scale;
    jpeg->scan.height = (height + scale - 1) / scale;
    jpeg->scan.channels = channels;
    jpeg->scan.scale = scale;
    jpeg->scan.pixels = pixels;
    jpeg->scan.stride = stride;
    return jpeg;
}

void jpeg_free(struct jpeg *jpeg) {
    if (jpeg)
        scan_end(&jpeg->scan);
    free(jpeg);
}

/* The first quantizers (T.81, B.2.4.1). */
static bool read_quantizers(struct jpeg *jpeg, const uint8_t *body, size_t length) {
    while (length) {
        int step = 1 + (body[0] >> 4), number = body[0] & 15;
        if (step > 2 || number > 3 || length < 1 + 64 * (size_t)step)
            return false;
        for (int each = 0; each < JPEG_QUANTIZERS; each++) {
            const uint8_t *at = body + 1 + each * step;
            jpeg->quantizers[number][each] = step == 1 ? at[0] : at[0] << 8 | at[1];
        }
        jpeg->quantized[number] = true;
        body += 1 + 64 * step;
        length -= 1 + 64 * (size_t)step;
    }
    return true;
}

/* Code lengths and values (B.2.4.2). A scan makes tables of them, so that many segments cost little. */
static bool read_codes(struct jpeg *jpeg, const uint8_t *body, size_t length) {
    while (length) {
        if (length < 17 || body[0] >> 4 > 1 || (body[0] & 15) > 3)
            return false;
        struct huffman *table = &jpeg->tables[body[0] >> 4][body[0] & 15];
        size_t sum = 0;
        for (int each = 1; each <= 16; each++)
            sum += table->counts[each] = body[each];
        if (sum > 256 || length < 17 + sum)
            return false;
        memset(table->values, 0, sizeof table->values);
        memcpy(table->values, body + 17, sum);
        table->defined = true;
        body += 17 + sum;
        length -= 17 + sum;
    }
    return true;
}

static bool is_factor(int value) {
    return value == 1 || value == 2 || value == 4;
}

/* Size and sampling factors (B.2.2). */
static bool read_frame(struct jpeg *jpeg, const uint8_t *body, size_t length) {
    struct scan *scan = &jpeg->scan;
    int blocks = 0;
    if (jpeg->framed || length < 6 || body[0] != 8 || body[5] != scan->channels || length != 6 + 3 * (size_t)body[5])
        return false;
    if ((body[1] << 8 | body[2]) != jpeg->height || (body[3] << 8 | body[4]) != jpeg->width)
        return false;
    for (int number = 0; number < scan->channels; number++) {
        struct component *component = &scan->components[number];
        const uint8_t *at = body + 6 + 3 * number;
        component->id = at[0];
        component->across = scan->channels == 1 ? 1 : at[1] >> 4; /* a scan of one component has MCUs of one block */
        component->down = scan->channels == 1 ? 1 : at[1] & 15;
        component->quantizer = at[2];
        if (!is_factor(component->across) || !is_factor(component->down) || at[2] > 3)
            return false;
        blocks += component->across * component->down;
        if (component->across > scan->most_across)
            scan->most_across = component->across;
        if (component->down > scan->most_down)
            scan->most_down = component->down;
    }
    jpeg->framed = true;
    scan->progressive = jpeg->marker == SOF2;
    return blocks <= MCU_BLOCKS && !(scan->progressive && scan->scale != 8);
}

/* As libjpeg decides (default_decompress_parms in jdapimin.c), except for files on which decoders differ. */
static bool is_ycc(const struct jpeg *jpeg) {
    const struct component *components = jpeg->scan.components;
    if (jpeg->scan.channels == 1 || jpeg->jfif)
        return true;
    if (jpeg->adobe >= 0)
        return jpeg->adobe == 1;
    return components[0].id == 1 && components[1].id == 2 && components[2].id == 3;
}

/* The tables of a scan (B.2.3), which has all components. */
static bool read_scan_header(struct jpeg *jpeg, const uint8_t *body, size_t length) {
    struct scan *scan = &jpeg->scan;
    size_t end = 1 + 2 * (size_t)scan->channels;
    if (!jpeg->framed || !is_ycc(jpeg) || length != end + 3 || body[0] != scan->channels)
        return false;
    if (body[end] || body[end + 1] != (scan->progressive ? 0 : 63) || body[end + 2] >> 4)
        return false;
    scan->shift = body[end + 2];
    if (scan->shift > (scan->progressive ? 13 : 0))
        return false;
    for (int number = 0; number < scan->channels; number++) {
        struct component *component = &scan->components[number];
        int dc = body[2 + 2 * number] >> 4, ac = body[2 + 2 * number] & 15;
        if (body[1 + 2 * number] != component->id || dc > 3 || ac > 3 || !jpeg->quantized[component->quantizer])
            return false;
        memcpy(component->quantizers, jpeg->quantizers[component->quantizer], sizeof component->quantizers);
        struct huffman *first = &jpeg->tables[0][dc], *others = &jpeg->tables[1][ac];
        if (!first->defined || !huffman_build(first, HUFFMAN_DC))
            return false;
        if (!scan->progressive && (!others->defined || !huffman_build(others, 255)))
            return false;
        component->dc = first;
        component->ac = others;
    }
    return scan_begin(scan, jpeg->width, jpeg->height);
}

static bool read_segment(struct jpeg *jpeg) {
    const uint8_t *body = jpeg->body;
    size_t length = jpeg->length;
    switch (jpeg->marker) {
    case SOF0:
    case SOF1:
    case SOF2:
        return read_frame(jpeg, body, length);
    case DQT:
        return read_quantizers(jpeg, body, length);
    case DHT:
        return read_codes(jpeg, body, length);
    case DRI:
        jpeg->scan.interval = length == 2 ? (unsigned)(body[0] << 8 | body[1]) : 0;
        return length == 2;
    case SOS:
        return read_scan_header(jpeg, body, length);
    case APP0:
        jpeg->jfif = jpeg->jfif || (length >= 14 && !memcmp(body, "JFIF", 5));
        return true;
    case APP14:
        if (length >= 12 && !memcmp(body, "Adobe", 5))
            jpeg->adobe = body[11];
        return true;
    default:
        return (jpeg->marker > APP0 && jpeg->marker <= APP15) || jpeg->marker == COM;
    }
}

/* The next byte of the header. */
static bool read_byte(struct jpeg *jpeg, uint8_t value) {
    switch (jpeg->place) {
    case FIRST:
    case MARKER:
        jpeg->place = jpeg->place == FIRST ? SECOND : CODE;
        return value == 0xFF;
    case SECOND:
        jpeg->place = MARKER;
        return value == SOI;
    case CODE:
        jpeg->marker = value;
        jpeg->place = value == 0xFF ? CODE : HIGH; /* 0xFF may be repeated */
        return value >= SOF0 && !(value >= 0xD0 && value <= EOI);
    case HIGH:
        jpeg->length = (size_t)value << 8;
        jpeg->place = LOW;
        return true;
    default:
        jpeg->length |= value;
        jpeg->got = 0;
        jpeg->place = BODY;
        if (jpeg->length < 2)
            return false;
        jpeg->length -= 2;
        return true;
    }
}

static const uint8_t *read_header(struct jpeg *jpeg, const uint8_t *data, const uint8_t *end) {
    if (jpeg->place != BODY)
        return read_byte(jpeg, *data) ? data + 1 : NULL;
    size_t count = jpeg->length - jpeg->got;
    if (count > (size_t)(end - data))
        count = (size_t)(end - data);
    memcpy(jpeg->body + jpeg->got, data, count);
    jpeg->got += count;
    if (jpeg->got == jpeg->length) {
        if (!read_segment(jpeg))
            return NULL;
        jpeg->place = jpeg->marker == SOS ? DATA : MARKER;
    }
    return data + count;
}

enum jpeg_state jpeg_feed(struct jpeg *jpeg, const uint8_t *data, size_t size) {
    const uint8_t *end = data + size;
    while (jpeg->state == JPEG_MORE && data && data < end) {
        int marker = 0;
        data = jpeg->place == DATA ? scan_feed(&jpeg->scan, data, end, &marker) : read_header(jpeg, data, end);
        /* A progressive picture has further scans; behind the only one there is nothing. */
        if (data && marker)
            jpeg->state = marker == EOI || (jpeg->scan.progressive && marker != DNL) ? JPEG_DONE : JPEG_DECLINED;
    }
    if (!data)
        jpeg->state = JPEG_DECLINED;
    return jpeg->state;
}

bool jpeg_takes(const uint8_t *head, size_t size, int width, int height, int channels, int scale) {
    struct jpeg *jpeg = jpeg_new(width, height, channels, scale, NULL, 0);
    const uint8_t *at = head, *end = head + size;
    while (jpeg && at && at < end && jpeg->place != DATA)
        at = read_header(jpeg, at, end);
    bool taken = jpeg && at && jpeg->place == DATA;
    jpeg_free(jpeg);
    return taken;
}

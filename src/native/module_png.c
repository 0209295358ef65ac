#include <stdbool.h>
#include <stdlib.h>

#include "cpu.h"
#include "module.h"
#include "png.h"
#include "png_rows.h"

#define NAME "tinypics.png"
#define LONGEST (1 << 24) /* side: no number that is made of it overflows */

struct reader {
    struct png *png;
    PyObject *array; /* keeps the pixels */
};

static void delete(PyObject *capsule) {
    struct reader *reader = PyCapsule_GetPointer(capsule, NAME);
    png_free(reader->png);
    Py_DecRef(reader->array);
    free(reader);
}

static bool is_possible(const struct png_format *format, Py_ssize_t palette) {
    int bits = format->bits;
    bool numbers = (bits == 1 || bits == 2 || bits == 4 || bits == 8) && palette >= 4 && palette <= 4 * (1 << bits) &&
                   palette % 4 == 0 && format->channels == 1;
    bool samples = !palette && format->channels >= 1 && format->channels <= 4 && (bits == 8 || bits == 16) &&
                   format->bytes == (format->channels == 1 ? 1 : 4);
    return format->width >= 1 && format->width <= LONGEST && format->height >= 1 && format->height <= LONGEST &&
           format->box >= 1 && format->box <= 255 && (numbers || samples) && (format->bytes == 1 || format->bytes == 4);
}

static PyObject *make(const struct png_format *format, PyObject *array) {
    int64_t across = (format->width + format->box - 1) / format->box, down = (format->height + format->box - 1) / format->box;
    uint8_t *pixels = module_pixels(array, across * down, format->bytes);
    if (!pixels) return NULL;
    struct reader *reader = malloc(sizeof *reader);
    struct png *png = png_new(format, pixels, (size_t)(across * format->bytes));
    PyObject *capsule = reader && png ? PyCapsule_New(reader, NAME, delete) : NULL;
    if (!capsule) {
        bool failed = reader && png;
        png_free(png);
        free(reader);
        return failed ? NULL : PyErr_NoMemory();
    }
    Py_IncRef(array);
    *reader = (struct reader){png, array};
    return capsule;
}

PyObject *module_png_new(PyObject *self, PyObject *arguments) {
    PyObject *array, *made = NULL;
    Py_buffer palette;
    struct png_format format;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oi(ii)iiiy*", &array, &format.bytes, &format.width, &format.height,
                          &format.channels, &format.bits, &format.box, &palette))
        return NULL;
    if (is_possible(&format, palette.len)) {
        format.palette = palette.len ? palette.buf : NULL;
        format.colours = (int)(palette.len / 4);
        made = make(&format, array);
    } else {
        PyErr_SetString(PyExc_ValueError, "expected the format of a PNG, and boxes of 1 to 255 pixels");
    }
    PyBuffer_Release(&palette);
    return made;
}

/* ISA-L leaves the upper halves of vectors dirty, which makes the narrower instructions here slow. */
static void clean_registers(void) {
#if defined(__x86_64__)
    if (cpu_level() == VECTOR_256) __asm__ volatile("vzeroupper");
#endif
}

PyObject *module_png_feed(PyObject *self, PyObject *arguments) {
    PyObject *capsule;
    Py_buffer data;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &data)) return NULL;
    struct reader *reader = PyCapsule_GetPointer(capsule, NAME);
    int rows = -1;
    if (reader) {
        PyThreadState *thread = PyEval_SaveThread();
        clean_registers();
        rows = png_feed(reader->png, data.buf, (size_t)data.len);
        PyEval_RestoreThread(thread);
    }
    PyBuffer_Release(&data);
    return reader ? PyLong_FromLong(rows) : NULL;
}

static bool is_band(const struct png_pixels *source, int first, int count, Py_ssize_t plain, Py_ssize_t filtered) {
    int channels = source->channels, bytes = source->bytes;
    if (source->width < 1 || source->width > LONGEST || source->height < 1 || source->height > LONGEST || channels < 1 ||
        channels > 4 || bytes != (channels == 1 ? 1 : 4) || first < 0 || count < 1 || first > source->height - count)
        return false;
    int64_t size = (1 + (int64_t)source->width * channels) * count;
    return plain == size && filtered == size;
}

PyObject *module_png_rows(PyObject *self, PyObject *arguments) {
    PyObject *array, *made = NULL;
    Py_buffer plain, filtered;
    struct png_pixels source;
    int first, count;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oi(ii)iiiw*w*", &array, &source.bytes, &source.width, &source.height,
                          &source.channels, &first, &count, &plain, &filtered))
        return NULL;
    if (!is_band(&source, first, count, plain.len, filtered.len))
        PyErr_SetString(PyExc_ValueError, "expected rows of the image, and buffers of their size");
    else if ((source.pixels = module_pixels(array, (int64_t)source.width * source.height, source.bytes))) {
        PyThreadState *thread = PyEval_SaveThread();
        clean_registers();
        bool done = png_rows(&source, first, count, plain.buf, filtered.buf);
        PyEval_RestoreThread(thread);
        made = done ? PyBool_FromLong(true) : PyErr_NoMemory();
    }
    PyBuffer_Release(&plain);
    PyBuffer_Release(&filtered);
    return made;
}

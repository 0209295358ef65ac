#include <stdlib.h>

#include "jpeg.h"
#include "module.h"

#define NAME "tinypics.jpeg"
#define LONGEST 65535 /* side of a JPEG */

struct reader {
    struct jpeg *jpeg;
    PyObject *array; /* keeps the pixels */
};

static void delete(PyObject *capsule) {
    struct reader *reader = PyCapsule_GetPointer(capsule, NAME);
    jpeg_free(reader->jpeg);
    Py_DecRef(reader->array);
    free(reader);
}

static bool is_possible(int width, int height, int channels, int scale) {
    if (width >= 1 && width <= LONGEST && height >= 1 && height <= LONGEST && (channels == 1 || channels == 3) &&
        (scale == 2 || scale == 4 || scale == 8))
        return true;
    PyErr_SetString(PyExc_ValueError, "expected sides of 1 to 65535, 1 or 3 channels, and a scale of 2, 4 or 8");
    return false;
}

PyObject *module_jpeg_takes(PyObject *self, PyObject *arguments) {
    Py_buffer head;
    int width, height, channels, scale;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*(ii)ii", &head, &width, &height, &channels, &scale)) return NULL;
    bool possible = is_possible(width, height, channels, scale);
    bool taken = possible && jpeg_takes(head.buf, (size_t)head.len, width, height, channels, scale);
    PyBuffer_Release(&head);
    return possible ? PyBool_FromLong(taken) : NULL;
}

PyObject *module_jpeg_new(PyObject *self, PyObject *arguments) {
    PyObject *array;
    int width, height, channels, scale;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O(ii)ii", &array, &width, &height, &channels, &scale)) return NULL;
    if (!is_possible(width, height, channels, scale)) return NULL;
    int64_t across = (width + scale - 1) / scale, down = (height + scale - 1) / scale;
    int bytes = channels == 1 ? 1 : 4;
    uint8_t *pixels = module_pixels(array, across * down, bytes);
    if (!pixels) return NULL;
    struct reader *reader = malloc(sizeof *reader);
    struct jpeg *jpeg = jpeg_new(width, height, channels, scale, pixels, (size_t)(across * bytes));
    PyObject *capsule = reader && jpeg ? PyCapsule_New(reader, NAME, delete) : NULL;
    if (!capsule) {
        bool failed = reader && jpeg;
        jpeg_free(jpeg);
        free(reader);
        return failed ? NULL : PyErr_NoMemory();
    }
    Py_IncRef(array);
    *reader = (struct reader){jpeg, array};
    return capsule;
}

PyObject *module_jpeg_feed(PyObject *self, PyObject *arguments) {
    PyObject *capsule;
    Py_buffer data;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &data)) return NULL;
    struct reader *reader = PyCapsule_GetPointer(capsule, NAME);
    enum jpeg_state state = JPEG_DECLINED;
    if (reader) {
        PyThreadState *thread = PyEval_SaveThread();
        state = jpeg_feed(reader->jpeg, data.buf, (size_t)data.len);
        PyEval_RestoreThread(thread);
    }
    PyBuffer_Release(&data);
    return reader ? PyLong_FromLong(state) : NULL;
}

/* tinypics._native: kernels for pixels. Python allocates every image, and the kernels write into it. */
#include "cpu.h"
#include "module.h"

static PyObject *level(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return PyLong_FromLong(cpu_level());
}

static PyObject *revision(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return PyLong_FromLong(MODULE_REVISION);
}

static PyMethodDef methods[] = {
    {"revision", revision, METH_NOARGS, "The revision of the interface."},
    {"level", level, METH_NOARGS, "The vectors of this processor: 0 none, 1 SSE4.1 or NEON, 2 AVX2."},
    {"jpeg_takes", module_jpeg_takes, METH_VARARGS, "Whether the reader takes a picture with this header."},
    {"jpeg_new", module_jpeg_new, METH_VARARGS, "A reader of a JPEG at a fraction of its size; see _native.pyi."},
    {"jpeg_feed", module_jpeg_feed, METH_VARARGS, "Gives it the next bytes: 0 more are needed, 1 done, 2 declined."},
    {"png_new", module_png_new, METH_VARARGS, "A reader of the rows of a PNG; see _native.pyi."},
    {"png_feed", module_png_feed, METH_VARARGS, "Gives it the next inflated bytes: the rows that are complete, or -1."},
    {"png_rows", module_png_rows, METH_VARARGS, "The rows of a PNG that is written; see _native.pyi."},
    {"resample", module_resample, METH_VARARGS, "Resamples a box of an image into another; see _native.pyi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_native", "Kernels for pixels, in C.", 0, methods, NULL, NULL, NULL, NULL,
};

__attribute__((visibility("default"))) PyObject *PyInit__native(void);
PyObject *PyInit__native(void) { return PyModule_Create2(&module, PYTHON_ABI_VERSION); }

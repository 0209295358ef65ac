/* What the parts of the module share. */
#ifndef TINYPICS_MODULE_H
#define TINYPICS_MODULE_H

#include "abi.h"

/* Of the interface, which `_native.pyi` describes. image/native.py has the same, and does without a module that was
   compiled from other sources than it. */
#define MODULE_REVISION 2

/* The pixels of a Pillow image, from the second capsule of its `__arrow_c_array__`. NULL with an exception unless there
   are `count` pixels of `bytes` (1 or 4) bytes. Valid while the capsule lives. */
uint8_t *module_pixels(PyObject *array, int64_t count, int bytes);

PyObject *module_jpeg_takes(PyObject *self, PyObject *arguments);
PyObject *module_jpeg_new(PyObject *self, PyObject *arguments);
PyObject *module_jpeg_feed(PyObject *self, PyObject *arguments);
PyObject *module_png_new(PyObject *self, PyObject *arguments);
PyObject *module_png_feed(PyObject *self, PyObject *arguments);
PyObject *module_png_rows(PyObject *self, PyObject *arguments);
PyObject *module_resample(PyObject *self, PyObject *arguments);

#endif

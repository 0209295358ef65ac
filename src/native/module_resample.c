#include <limits.h>

#include "module.h"
#include "resample.h"

/* NaN is outside, too. */
static int inside(const double box[4], const struct image *image) {
    return box[0] >= 0 && box[1] >= 0 && box[0] < box[2] && box[1] < box[3] && box[2] <= image->width &&
           box[3] <= image->height;
}

static int sized(const struct image *image) {
    return image->width > 0 && image->height > 0 && image->width <= RESAMPLE_MAX_SIDE &&
           image->height <= RESAMPLE_MAX_SIDE && (int64_t)image->width * image->bytes <= INT_MAX;
}

PyObject *module_resample(PyObject *self, PyObject *arguments) {
    (void)self;
    PyObject *source, *target;
    struct image from, to;
    double box[4];
    int level = cpu_level();
    if (!PyArg_ParseTuple(arguments, "iO(ii)(dddd)O(ii)|i:resample", &from.bytes, &source, &from.width, &from.height,
                          box, box + 1, box + 2, box + 3, &target, &to.width, &to.height, &level))
        return NULL;
    to.bytes = from.bytes;
    if ((from.bytes != 1 && from.bytes != 4) || !sized(&from) || !sized(&to) || !inside(box, &from) || level < PLAIN ||
        level > (int)cpu_level()) {
        PyErr_SetString(PyExc_ValueError, "expected pixels of 1 or 4 bytes, sides of at most 262144, and a box inside");
        return NULL;
    }
    if (!(from.pixels = module_pixels(source, (int64_t)from.width * from.height, from.bytes))) return NULL;
    if (!(to.pixels = module_pixels(target, (int64_t)to.width * to.height, to.bytes))) return NULL;
    PyThreadState *state = PyEval_SaveThread();
    enum resampled result = resample(&from, box, &to, (enum level)level);
    PyEval_RestoreThread(state);
    return result == RESAMPLE_NO_MEMORY ? PyErr_NoMemory() : PyBool_FromLong(result == RESAMPLED);
}

#include "module.h"

/* https://arrow.apache.org/docs/format/CDataInterface.html */
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

uint8_t *module_pixels(PyObject *array, int64_t count, int bytes) {
    const struct ArrowArray *found = PyCapsule_GetPointer(array, "arrow_array");
    if (!found) return NULL;
    /* Pixels of four bytes are lists, whose items the child has. */
    const struct ArrowArray *items = bytes == 4 && found->n_children == 1 ? found->children[0] : found;
    int64_t length = bytes == 4 ? 4 * found->length : found->length;
    if (found->release && found->length == count && found->n_children == (bytes == 4) && !found->offset &&
        items->length == length && items->n_buffers == 2 && !items->offset)
        return (uint8_t *)items->buffers[1];
    PyErr_SetString(PyExc_ValueError, "expected an image of this size and of 8 bits a channel");
    return NULL;
}

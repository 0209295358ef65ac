/* The weights of one axis in 16-bit integers. Weights of one output add up to exactly 1 << bits. */
#ifndef TINYPICS_FILTER_H
#define TINYPICS_FILTER_H

#include <stdint.h>

struct filter {
    int taps;         /* inputs of each output: weights are padded with zeros to this number */
    int bits;         /* of fraction */
    int32_t *first;   /* for each output: its first input, */
    int32_t *count;   /* the number of its inputs, */
    int16_t *weights; /* and `taps` weights */
};

/* The limits of a filter: bits of fraction, the largest input by amount, and a factor of `taps`. */
struct precision {
    int bits;
    int32_t input;
    int multiple;
};

enum filtered { FILTERED, FILTER_NO_MEMORY, FILTER_DECLINED };

/* For `size` outputs from the inputs between `low` and `high`, of which there are `inputs`. Free it in any case. */
enum filtered filter_make(struct filter *made, int inputs, double low, double high, int size, struct precision precision);
void filter_free(struct filter *made);

#endif

#include "filter.h"

#include <stdlib.h>

#define LOBES 3
#define MIN_BITS 10 /* fewer would be seen */
#define PI 3.14159265358979323846

/* sin(pi * x) for |x| <= 0.5, by its series: exact to the last bits, and the same with every C library. */
static double sine(double x) {
    double square = (PI * x) * (PI * x), term = PI * x, sum = term;
    for (int n = 2; n <= 20; n += 2) {
        term *= -square / (n * (n + 1));
        sum += term;
    }
    return sum;
}

static double amount(double x) { return x < 0 ? -x : x; }

static int32_t nearest(double x) { return (int32_t)(x < 0 ? x - 0.5 : x + 0.5); }

static double sin_pi(double x) {
    int32_t whole = nearest(x);
    return whole % 2 ? -sine(x - whole) : sine(x - whole);
}

struct angle {
    double sine, cosine;
};

static struct angle angle(double x) { return (struct angle){sin_pi(x), sin_pi(x + 0.5)}; }

static struct angle turned(struct angle a, struct angle by) {
    return (struct angle){a.sine * by.cosine + a.cosine * by.sine, a.cosine * by.cosine - a.sine * by.sine};
}

/* Lanczos at x, x + step, ...: into `weights`, divided by their sum. Returns the largest. It rotates instead of computing
   each sine, which would take ten times as long. */
static double lanczos(double x, double step, int count, double *weights) {
    struct angle fast = angle(x), slow = angle(x / LOBES), fast_step = angle(step), slow_step = angle(step / LOBES);
    double sum = 0, largest = 0;
    for (int k = 0; k < count; k++) {
        double at = x + k * step, weight = 1;
        if (amount(at) >= LOBES) weight = 0;
        else if (amount(at) > 1e-6) weight = fast.sine * slow.sine * LOBES / (PI * PI * at * at);
        weights[k] = weight;
        sum += weight;
        fast = turned(fast, fast_step);
        slow = turned(slow, slow_step);
    }
    for (int k = 0; k < count; k++) {
        weights[k] /= sum;
        if (weights[k] > largest) largest = weights[k];
    }
    return largest;
}

/* Round to integers whose sum is exactly 1 << bits: each takes over the error of those before it, so that even the
   weights of thousands of inputs, which are small, have the right sum everywhere. False if they need more than 16 bits. */
static int quantize(const double *weights, int count, int bits, int32_t input, int16_t *made) {
    double error = 0;
    int64_t sum = 1 << (bits - 1); /* the largest possible sum of products, with its rounding */
    for (int k = 0; k < count; k++) {
        double wanted = weights[k] * (1 << bits) + error;
        if (!(amount(wanted) < INT16_MAX)) return 0;
        made[k] = (int16_t)nearest(wanted);
        error = wanted - made[k];
        sum += (int64_t)abs(made[k]) * input;
    }
    return sum <= INT32_MAX;
}

static int quantize_all(struct filter *made, const double *weights, int size, int32_t input) {
    for (int i = 0; i < size; i++) {
        size_t row = (size_t)i * made->taps;
        if (!quantize(weights + row, made->count[i], made->bits, input, made->weights + row)) return 0;
    }
    return 1;
}

/* The inputs and weights of every output: those that Pillow takes (Resample.c, precompute_coeffs). The largest weight. */
static double compute(struct filter *made, double *weights, int inputs, int most, double low, double scale, int size) {
    double stretch = scale > 1 ? scale : 1, support = LOBES * stretch, largest = 0;
    for (int i = 0; i < size; i++) {
        double centre = low + (i + 0.5) * scale;
        int from = centre - support + 0.5 > 0 ? (int)(centre - support + 0.5) : 0;
        int to = centre + support + 0.5 < inputs ? (int)(centre + support + 0.5) : inputs;
        made->first[i] = from;
        made->count[i] = to - from < most ? to - from : most;
        double x = (from - centre + 0.5) / stretch;
        double found = lanczos(x, 1 / stretch, made->count[i], weights + (size_t)i * made->taps);
        if (found > largest) largest = found;
    }
    return largest;
}

enum filtered filter_make(struct filter *made, int inputs, double low, double high, int size, struct precision precision) {
    double scale = (high - low) / size, support = LOBES * (scale > 1 ? scale : 1);
    int most = 2 * support + 2 < inputs ? (int)(2 * support) + 2 : inputs;
    made->taps = (most + precision.multiple - 1) / precision.multiple * precision.multiple;
    made->first = malloc((size_t)size * sizeof *made->first);
    made->count = malloc((size_t)size * sizeof *made->count);
    made->weights = calloc((size_t)size * made->taps, sizeof *made->weights);
    double *weights = malloc((size_t)size * made->taps * sizeof *weights);
    enum filtered result = FILTER_NO_MEMORY;
    if (made->first && made->count && made->weights && weights) {
        double largest = compute(made, weights, inputs, most, low, scale, size);
        made->bits = precision.bits;
        while (made->bits > MIN_BITS && largest * (1 << made->bits) > INT16_MAX - 1) made->bits--;
        while (made->bits > MIN_BITS && !quantize_all(made, weights, size, precision.input)) made->bits--;
        result = made->bits > MIN_BITS ? FILTERED : FILTER_DECLINED;
    }
    free(weights);
    return result;
}

void filter_free(struct filter *made) {
    free(made->first);
    free(made->count);
    free(made->weights);
}

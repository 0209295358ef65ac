/* What the program of each kernel shares. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define MAX_SEEDS 100
#define SEED_BYTES 100000

struct seed {
    uint8_t *data;
    size_t size;
};

extern struct seed seeds[MAX_SEEDS];
extern int seed_count;

/* Gives the next input to the kernel, whole and in pieces: 1 taken, 0 declined, -1 if both ways differ. */
int fuzz(void);

#endif

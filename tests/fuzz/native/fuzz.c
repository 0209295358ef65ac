/* fuzz SECONDS FIRST [SEED...]: inputs from number FIRST on, made of the seeds, for so many CPU seconds; at least one.
   The sanitizers end it at the first fault; its last line has the numbers of taken and of declined inputs. */
#include <time.h>

#include "dice.h"
#include "fuzz.h"

uint64_t dice_state;
struct seed seeds[MAX_SEEDS];
int seed_count;

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || seed_count == MAX_SEEDS) abort();
    struct seed *seed = &seeds[seed_count++];
    seed->data = malloc(SEED_BYTES);
    seed->size = fread(seed->data, 1, SEED_BYTES, file);
    fclose(file);
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    double seconds = atof(arguments[1]);
    uint64_t number = strtoull(arguments[2], NULL, 10), first = number;
    long taken = 0;
    for (int each = 3; each < count; each++)
        load(arguments[each]);
    do {
        dice_start(number);
        int found = fuzz();
        if (found < 0) {
            printf("input %llu: two ways differ\n", (unsigned long long)number);
            return 1;
        }
        taken += found;
        number++;
    } while ((double)clock() / CLOCKS_PER_SEC < seconds);
    printf("%llu inputs, %ld taken, next is %llu\n", (unsigned long long)(number - first), taken, (unsigned long long)number);
    return 0;
}

/* The filters of a PNG's rows (PNG 3rd edition, section 9). */

#ifndef TINYPICS_PNG_FILTERS_H
#define TINYPICS_PNG_FILTERS_H

#include <stddef.h>
#include <stdint.h>

#define FILTERS_PADDING 16 /* bytes behind a row that may be read and written */

enum filter { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_AVERAGE, FILTER_PAETH, FILTERS };

/* Undoes the filter of a row of `count` bytes. `step`: bytes of a pixel, 1 to 8. The three rows do not overlap. */
void filter_undo(enum filter filter, const uint8_t *raw, const uint8_t *above, uint8_t *row, size_t count, int step);

/* Undoes two rows with FILTER_PAETH at once: `step` is at most 4. */
void filter_undo_two(const uint8_t *const raw[2], const uint8_t *above, uint8_t *const rows[2], size_t count, int step);

#endif

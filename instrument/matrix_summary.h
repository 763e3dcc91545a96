/*
 * Numbers that describe one trace exactly, so that two readers can be compared.
 */
#ifndef INSTRUMENT_MATRIX_SUMMARY_H
#define INSTRUMENT_MATRIX_SUMMARY_H

#include "instrument/matrix_image.h"

/* All in the unit of the values; std is that of the population (divided by n). */
struct matrix_statistics {
    double min, max, mean, std;
};

/*
 * Of n values, n >= 1. Sums are pairwise within blocks of 8192 values, blocks added in order: the
 * order of the reference readings, which makes mean and std equal to the last bit (observed).
 */
struct matrix_statistics matrix_statistics(const double *values, size_t n);

/* The same of the trace's raw counts. Its rows must not be 0. */
struct matrix_statistics matrix_trace_raw_statistics(const struct matrix_trace *trace);

enum { MATRIX_SHA256_HEX_SIZE = 65 };

/* SHA-256 of the counts as little-endian int32, row 0 (bottom) first, as lower-case hex. */
void matrix_trace_sha256(const struct matrix_trace *trace, char ret_hex[MATRIX_SHA256_HEX_SIZE]);

#endif

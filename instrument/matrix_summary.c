/* Statistics and checksum of a trace. */
#include "instrument/matrix_summary.h"

#include <math.h>
#include <sodium.h>

enum { SUM_BLOCK = 8192, PAIRWISE_LEAF = 128, LANES = 8 };

/* What a sum is taken of, in place of a copy of the values. */
struct series {
    const double *values; /* or NULL, then raw */
    const int32_t *raw;
    bool squared; /* (value - centre)^2 instead of value */
    double centre;
};

static double term(const struct series *series, size_t i)
{
    double value = series->values ? series->values[i] : series->raw[i];
    if (!series->squared)
        return value;
    double off = value - series->centre;
    return off * off;
}

static double sum_leaf(const struct series *series, size_t first, size_t n)
{
    double lane[LANES], sum = 0;
    size_t i = 0;
    if (n >= LANES) {
        for (; i < LANES; i++)
            lane[i] = term(series, first + i);
        for (; i + LANES <= n; i += LANES)
            for (size_t k = 0; k < LANES; k++)
                lane[k] += term(series, first + i + k);
        sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
              ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    for (; i < n; i++)
        sum += term(series, first + i);
    return sum;
}

/* Halves at a multiple of LANES until a leaf is small; at most six levels deep in one block. */
static double sum_pairwise(const struct series *series, size_t first, size_t n)
{
    if (n <= PAIRWISE_LEAF)
        return sum_leaf(series, first, n);
    size_t half = n / 2 / LANES * LANES;
    return sum_pairwise(series, first, half) + sum_pairwise(series, first + half, n - half);
}

static double sum_blocks(const struct series *series, size_t n)
{
    double sum = 0;
    for (size_t at = 0; at < n; at += SUM_BLOCK)
        sum += sum_pairwise(series, at, n - at < SUM_BLOCK ? n - at : SUM_BLOCK);
    return sum;
}

static struct matrix_statistics describe(struct series series, size_t n)
{
    struct matrix_statistics s = {.min = term(&series, 0), .max = term(&series, 0)};
    for (size_t i = 1; i < n; i++) {
        double value = term(&series, i);
        s.min = value < s.min ? value : s.min;
        s.max = value > s.max ? value : s.max;
    }
    s.mean = sum_blocks(&series, n) / (double)n;
    series.squared = true;
    series.centre = s.mean;
    s.std = sqrt(sum_blocks(&series, n) / (double)n);
    return s;
}

struct matrix_statistics matrix_statistics(const double *values, size_t n)
{
    return describe((struct series){.values = values}, n);
}

struct matrix_statistics matrix_trace_raw_statistics(const struct matrix_trace *trace)
{
    return describe((struct series){.raw = trace->raw}, (size_t)trace->rows * trace->cols);
}

void matrix_trace_sha256(const struct matrix_trace *trace, char ret_hex[MATRIX_SHA256_HEX_SIZE])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (uint32_t row = 0; row < trace->rows; row++) {
        uint8_t line[4 * SCAN_POINTS_MAX];
        for (uint32_t col = 0; col < trace->cols; col++) {
            uint32_t raw = (uint32_t)trace->raw[(size_t)row * trace->cols + col];
            for (int byte = 0; byte < 4; byte++)
                line[4 * col + (uint32_t)byte] = (uint8_t)(raw >> (8 * byte));
        }
        crypto_hash_sha256_update(&state, line, 4 * (size_t)trace->cols);
    }
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(ret_hex, MATRIX_SHA256_HEX_SIZE, digest, sizeof digest);
}

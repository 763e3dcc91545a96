/* Median, mean and linear fit of one line. */
#include "nn/flatten.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(uint32_t n, const double *samples, double *work)
{
    memcpy(work, samples, n * sizeof *work);
    qsort(work, n, sizeof *work, compare);
    return n % 2 ? work[n / 2] : 0.5 * work[n / 2 - 1] + 0.5 * work[n / 2];
}

/* Sums start from the first sample, so that a large common height costs no digits. */
static double mean_of(uint32_t n, const double *samples)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++)
        sum += samples[i] - samples[0];
    return samples[0] + sum / (double)n;
}

static double slope_of(uint32_t n, const double *samples, double mean)
{
    double centre = 0.5 * (double)(n - 1);
    double dot = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double x = (double)i - centre;
        dot += x * (samples[i] - mean);
        squares += x * x;
    }
    return squares > 0.0 ? dot / squares : 0.0;
}

void nn_flatten_line(enum nn_flatten mode, uint32_t n, const double *samples, double *work,
                     double *ret_flat)
{
    double offset = 0.0;
    double slope = 0.0;
    if (mode == NN_FLATTEN_MEDIAN)
        offset = median_of(n, samples, work);
    if (mode == NN_FLATTEN_MEAN || mode == NN_FLATTEN_LINEAR)
        offset = mean_of(n, samples);
    if (mode == NN_FLATTEN_LINEAR)
        slope = slope_of(n, samples, offset);
    double centre = 0.5 * (double)(n - 1);
    for (uint32_t i = 0; i < n; i++)
        ret_flat[i] = samples[i] - offset - slope * ((double)i - centre);
}

/*
 * Flattening of one scan line by itself, in the sense of Gwyddion's "Align Rows": each line loses
 * its own median, mean or straight line, so that drift and slope between lines vanish. Nothing is
 * taken from other lines.
 */
#ifndef NN_FLATTEN_H
#define NN_FLATTEN_H

#include <stdint.h>

/* The numbers are part of the model file. */
enum nn_flatten {
    NN_FLATTEN_NONE = 0,
    NN_FLATTEN_MEDIAN = 1, /* minus the median; of an even number, the mean of the middle two */
    NN_FLATTEN_MEAN = 2,   /* minus the mean */
    NN_FLATTEN_LINEAR = 3, /* minus the least-squares straight line */
};

/*
 * samples: (n), any unit; ret_flat: (n), may be the same array. `work`: (n), needed by the median
 * only, else may be NULL.
 */
void nn_flatten_line(enum nn_flatten mode, uint32_t n, const double *samples, double *work,
                     double *ret_flat);

#endif

/*
 * Figures with 95 % intervals, from drawing whole groups of examples with replacement: frames of
 * one recording are near copies of each other, so the recording is what is drawn.
 */
#ifndef NN_BOOTSTRAP_H
#define NN_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

struct nn_figure {
    double value;
    double low, high; /* 2.5 and 97.5 % of the draws; NAN when fewer than half of them gave one */
};

struct nn_bootstrap {
    uint32_t n;            /* examples */
    const uint32_t *group; /* (n) */
    uint32_t n_groups;
    uint32_t draws; /* 0: values without intervals */
    uint64_t seed;
};

/* weights: (n) how often each example counts; fills n_values, NAN where there is none. */
typedef void (*nn_measure_fn)(void *context, const uint32_t *weights, double *ret_values);

/* ret_figures: (n_values). 0, -ENOMEM. */
int nn_bootstrap_run(const struct nn_bootstrap *bootstrap, nn_measure_fn measure, void *context,
                     size_t n_values, struct nn_figure *ret_figures);

#endif

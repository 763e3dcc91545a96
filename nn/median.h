/* The median of values that come one after another, each in logarithmic time. */
#ifndef NN_MEDIAN_H
#define NN_MEDIAN_H

#include <stdint.h>

struct nn_median;

/* 0, -ENOMEM. */
int nn_median_create(struct nn_median **ret_median);
void nn_median_destroy(struct nn_median *median);

/* Forget all values; room for `max_n` of them. 0, -ENOMEM. */
int nn_median_begin(struct nn_median *median, uint32_t max_n);

/* One value more, finite; never more than max_n. */
void nn_median_add(struct nn_median *median, double value);

/* The middle value, or the mean of the two in the middle; 0 when there are none. */
double nn_median_value(const struct nn_median *median);

#endif

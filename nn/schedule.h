/* How the learning rate rises and falls over a training. */
#ifndef NN_SCHEDULE_H
#define NN_SCHEDULE_H

#include <stdint.h>

enum nn_schedule_kind {
    NN_SCHEDULE_CONSTANT,
    NN_SCHEDULE_COSINE,      /* falls to 0 in each cycle as half a cosine; the next cycle starts at
                                `factor` of its height (Loshchilov and Hutter 2017) */
    NN_SCHEDULE_STEP,        /* times `factor` after every cycle */
    NN_SCHEDULE_ONE_CYCLE,   /* from 1/25 up to the rate in the first .3, then down to 1/10,000 of
                                it, both as half a cosine (after Smith 2018) */
    NN_SCHEDULE_EXPONENTIAL, /* times `factor` in every epoch, smoothly */
};

struct nn_schedule {
    enum nn_schedule_kind kind;
    float rate;     /* the highest */
    float warmup;   /* epochs in which it rises to it along a straight line, cosine: of each cycle;
                       one-cycle has its own rise */
    uint32_t cycle; /* epochs, cosine and step only; 0: all of them */
    float factor;   /* 0..1 */
};

/*
 * The rate of a step that ends when `done` of `epochs` epochs are behind it, 0 < done <= epochs.
 */
float nn_schedule_rate(const struct nn_schedule *schedule, uint32_t epochs, double done);

#endif

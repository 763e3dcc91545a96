/* The inside of a training, shared by train.c and checkpoint.c. */
#ifndef NN_TRAINER_H
#define NN_TRAINER_H

#include "nn/train.h"

struct nn_trainer {
    const struct nn_dataset *dataset;
    struct nn_train_settings settings;
    uint32_t number;
    uint32_t epochs_done;
    uint32_t *order; /* (n) examples learned from */
    uint32_t n;
    struct nn_network *network;
    struct nn_network *average;
    struct nn_workspace *workspace;
    struct nn_optimiser *optimiser;
    struct nn_input *input;
    double *work;   /* (NN_INPUT_POINTS_MAX) */
    float *inputs;  /* (batch, input) */
    float *seen;    /* (batch) */
    float *wanted;  /* (batch, NN_LABEL_COUNT) */
    float *weights; /* (batch, NN_LABEL_COUNT) */
    float *grads;   /* (batch, NN_LABEL_COUNT) */
};

#endif

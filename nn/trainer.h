/* The inside of a training, shared by train.c and checkpoint.c. */
#ifndef NN_TRAINER_H
#define NN_TRAINER_H

#include "nn/train.h"

struct nn_trainer {
    const struct nn_dataset *dataset;
    struct nn_train_settings settings;
    struct nn_goal goal; /* balanced */
    uint32_t number;
    int only;
    uint32_t epochs_done;
    uint32_t best_epoch;      /* from 1; 0: none yet */
    struct nn_epoch *history; /* (settings.epochs) */
    uint32_t *order;          /* (n) examples learned from */
    uint32_t n;
    uint32_t n_also; /* more of settings.also in each epoch */
    bool *validate;  /* (n_recordings); NULL: nothing */
    struct nn_network *network;
    struct nn_network *average;
    struct nn_network *best; /* NULL without patience */
    struct nn_workspace *workspace;
    struct nn_optimiser *optimiser;
    struct nn_input *input;
    uint32_t outputs; /* NN_LABEL_COUNT x rows of the output */
    double *work;     /* (NN_INPUT_POINTS_MAX) */
    float *inputs;    /* (batch, input) */
    float *seen;      /* (batch) */
    float *wanted;    /* (batch, outputs) */
    float *weights;   /* (batch, outputs) */
    float *grads;     /* (batch, outputs) */
};

#endif

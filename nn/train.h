/*
 * Training one network on the examples of some recordings. Everything random is drawn from the
 * seed and the epoch, so an interrupted training that resumes ends with the same weights to the
 * bit as one that ran through.
 */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn/dataset.h"
#include "nn/input.h"
#include "nn/network.h"
#include "nn/optimiser.h"
#include "nn/view.h"

struct nn_train_settings {
    struct nn_input_spec input;
    const struct nn_layer_spec *layers; /* borrowed; the last gives NN_LABEL_COUNT logits */
    uint32_t n_layers;
    struct nn_optimiser_settings optimiser;
    float rate;      /* highest learning rate, reached after the first epoch */
    uint32_t epochs; /* 1..10000 */
    uint32_t cycle;  /* epochs in which the rate falls to 0 as a cosine, then to start again at
                        half its height (Loshchilov and Hutter 2017); 1.. */
    uint32_t batch;  /* 2..1024 */
    float averaging; /* 0..1: the judged weights are a running average, this share kept per step */
    float class_weights[NN_LABEL_COUNT]; /* of positive votes against negative ones */
    struct nn_augment augment;
    uint64_t seed;
};

struct nn_trainer;

/*
 * Learns from the examples whose recording r has use[r]; use: (n_recordings), copied. `dataset` and
 * settings->layers must outlive the trainer. `number` sets trainings of one seed apart. 0, -EINVAL
 * (layers do not fit, no example, settings outside), -ENOMEM.
 */
int nn_trainer_create(const struct nn_dataset *dataset, const struct nn_train_settings *settings,
                      const bool *use, uint32_t number, struct nn_trainer **ret_trainer);
void nn_trainer_destroy(struct nn_trainer *trainer);

/* One pass over all examples. 0, or what showing a picture gave; ret_loss: mean per example. */
int nn_trainer_epoch(struct nn_trainer *trainer, double *ret_loss);

uint32_t nn_trainer_epochs_done(const struct nn_trainer *trainer);

/* The averaged network. Borrowed; changes with the next epoch. */
struct nn_network *nn_trainer_network(struct nn_trainer *trainer);

/*
 * A checkpoint: written whole beside `path`, then renamed over it. Resuming refuses a file of other
 * settings, other data or another number (-EPROTO) and a damaged one (-EBADMSG).
 */
int nn_trainer_save(struct nn_trainer *trainer, const char *path);
int nn_trainer_resume(struct nn_trainer *trainer, const char *path);

#endif

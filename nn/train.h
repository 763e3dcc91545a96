/*
 * Training one network on the examples of some recordings. Everything random is drawn from the
 * seed and the epoch, so an interrupted training that resumes ends with the same weights to the
 * bit as one that ran through.
 */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn/dataset.h"
#include "nn/goal.h"
#include "nn/input.h"
#include "nn/network.h"
#include "nn/optimiser.h"
#include "nn/schedule.h"
#include "nn/view.h"

/* Names, bounds and meanings: nn/settings.c. */
struct nn_train_settings {
    struct nn_input_spec input;
    const struct nn_layer_spec *layers; /* borrowed; the last gives NN_LABEL_COUNT logits, once or
                                           row by row */
    uint32_t n_layers;
    struct nn_optimiser_settings optimiser;
    struct nn_schedule schedule;
    uint32_t epochs;
    uint32_t batch;
    float averaging;
    uint32_t patience;
    uint32_t validate_every;
    float mixup;
    struct nn_goal goal;
    struct nn_augment augment;
    uint32_t examples; /* learned from at most, drawn at random; 0: all */
    uint64_t seed;
    const struct nn_network *start; /* weights to begin with, of the same layers and input,
                                       borrowed; NULL: random ones */
    const struct nn_dataset *also;  /* learned from besides by every training, whatever it leaves
                                       out; borrowed; NULL: nothing */
    double also_share;              /* of an epoch's examples, as far as there are so many */
};

/* What one training learns from. */
struct nn_train_part {
    const bool *use; /* (n_recordings): learned from */
    const bool
        *validate;   /* (n_recordings): looked at after epochs; NULL: none. Disjoint of `use` */
    uint32_t number; /* sets trainings of one seed apart */
    int only;        /* the one label that counts, or -1: all */
};

/* What an epoch came to. */
struct nn_epoch {
    float rate;  /* of its last step */
    float loss;  /* mean per example, as trained: views, weights and all */
    float check; /* mean ROC area of the frames to validate, all lines, over the labels that some
                    carry and some do not; NAN where nothing was looked at */
};

struct nn_trainer;

/*
 * `dataset` and settings->layers must outlive the trainer; the part is copied. 0, -EINVAL (layers
 * do not fit or the start's are others, fewer than two examples, settings outside, patience without
 * anything to validate), -ENOMEM.
 */
int nn_trainer_create(const struct nn_dataset *dataset, const struct nn_train_settings *settings,
                      const struct nn_train_part *part, struct nn_trainer **ret_trainer);
void nn_trainer_destroy(struct nn_trainer *trainer);

/* One pass over all examples. 0, or what showing a picture gave. */
int nn_trainer_epoch(struct nn_trainer *trainer);

/* All epochs are done, or `patience` of them brought nothing. */
bool nn_trainer_finished(const struct nn_trainer *trainer);

uint32_t nn_trainer_epochs_done(const struct nn_trainer *trainer);

/* The epochs so far: (epochs done). Borrowed until the next one. */
const struct nn_epoch *nn_trainer_history(const struct nn_trainer *trainer);

/* The epoch, from 1, whose weights nn_trainer_network gives: the best with patience, else the last.
 */
uint32_t nn_trainer_best_epoch(const struct nn_trainer *trainer);

/* The averaged network, of the best epoch with patience. Borrowed; changes with the next epoch. */
struct nn_network *nn_trainer_network(struct nn_trainer *trainer);

/*
 * Mean ROC area of the finished frames of recordings with use[recording], over the labels that some
 * of them carry and some do not; of label `only` alone unless that is -1. NAN without any.
 * logits: (dataset->n, NN_LABEL_COUNT). 0, -ENOMEM.
 */
int nn_train_area(const struct nn_dataset *dataset, const bool *use, int only, const float *logits,
                  float *ret_area);

/*
 * A checkpoint: written whole beside `path`, then renamed over it. Resuming refuses a file of other
 * settings, other data or another number (-EPROTO) and a damaged one (-EBADMSG).
 */
int nn_trainer_save(struct nn_trainer *trainer, const char *path);
int nn_trainer_resume(struct nn_trainer *trainer, const char *path);

#endif

/*
 * Cross-validation by recording: one training per fold that never saw the fold's recordings, and
 * one on everything, whose weights are the ones to use. Trainings run side by side on threads;
 * each is the same to the bit whatever their number.
 */
#ifndef NN_CROSSVAL_H
#define NN_CROSSVAL_H

#include "nn/evaluate.h"
#include "nn/model.h"
#include "nn/train.h"

enum { NN_FOLDS_MAX = 64 };

/* One finished epoch of one training; number = folds is the training on everything. */
struct nn_crossval_progress {
    uint32_t number;
    uint32_t epochs_done;
    double loss;
};

struct nn_crossval_settings {
    struct nn_train_settings train;
    uint32_t folds;          /* 2..NN_FOLDS_MAX, or 0: only the training on everything */
    uint32_t threads;        /* 1..64 */
    const char *checkpoints; /* path that ".0", ".1", ... are added to; NULL: none */
    bool resume;             /* go on from the checkpoints that are there */
    /* Called from the trainings' threads, one at a time. May be NULL. */
    void (*progress)(void *context, const struct nn_crossval_progress *progress);
    void *context;
};

struct nn_crossval {
    uint32_t n; /* examples */
    uint32_t folds;
    uint32_t *fold;                /* (n_recordings) */
    float *logits[NN_SHARE_COUNT]; /* (n, NN_LABEL_COUNT), from the fold that left them out */
    struct nn_network *network;    /* trained on everything */
};

/*
 * 0, or negative errno: -EINVAL (settings, fewer recordings than folds), or what a training or a
 * checkpoint said first.
 */
int nn_crossval_run(const struct nn_dataset *dataset, const struct nn_crossval_settings *settings,
                    struct nn_crossval **ret_crossval);
void nn_crossval_destroy(struct nn_crossval *crossval);

/* Calibration on the left-out logits of the recordings with use[recording]; NULL = all. */
struct nn_calibration nn_crossval_calibrate(const struct nn_crossval *crossval,
                                            const struct nn_dataset *dataset, const bool *use);

/*
 * Left-out scores at one share, each fold's calibrated on the other folds only, so that nothing
 * that judges a recording has seen it. ret_scores: (n, NN_LABEL_COUNT).
 */
void nn_crossval_scores(const struct nn_crossval *crossval, const struct nn_dataset *dataset,
                        uint32_t share, float *ret_scores);

#endif

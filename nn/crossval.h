/*
 * Cross-validation by recording: trainings that never saw a fold's recordings, for every fold, and
 * trainings on everything, whose weights are the ones to use. Trainings run side by side on
 * threads; each is the same to the bit whatever their number.
 *
 * A model may have several members, networks that differ in what was random; with one_per_label
 * each of those is six networks with one
 * output each. With fold_members the folds' own networks are the
 * members, each calibrated on the fold it left out, and nothing is trained on everything.
 *
 * With patience a training on fold f's other recordings sets the next fold aside, too, and stops by
 * that: a fold's figures come from frames that chose nothing. Trainings on everything then take as
 * many epochs as the folds' best ones did on average.
 */
#ifndef NN_CROSSVAL_H
#define NN_CROSSVAL_H

#include "nn/evaluate.h"
#include "nn/model.h"
#include "nn/train.h"

enum { NN_FOLDS_MAX = 64, NN_MEMBERS_MAX = 16 };

/* One training: what it left out and what became of it. */
struct nn_crossval_training {
    uint32_t number; /* also ends its checkpoint's name */
    uint32_t fold;   /* left out; `folds` of the settings: nothing */
    uint32_t member;
    int label; /* the one it learned and its network answers, or -1: all */
    uint32_t epochs;
    uint32_t best_epoch;
    struct nn_epoch *history; /* (epochs) */
    struct nn_network *network;
};

/* News of one training; `run` as far as it has come, with network NULL. */
struct nn_crossval_progress {
    const struct nn_crossval_training *run;
    bool resumed;  /* from a checkpoint: nothing was trained for this */
    bool finished; /* there will be no more of it */
};

struct nn_crossval_settings {
    struct nn_train_settings train;
    uint32_t folds; /* 2..NN_FOLDS_MAX, with patience 3..; 0: only the trainings on everything */
    uint32_t only_fold; /* train for this fold and nothing else; >= folds: all */
    uint32_t members;   /* 1..NN_MEMBERS_MAX */
    bool one_per_label;
    bool fold_members;
    uint32_t threads;        /* 1..64 */
    const char *checkpoints; /* path that ".0", ".1", ... are added to; NULL: none */
    bool resume;             /* go on from the checkpoints that are there */
    /* Called from the trainings' threads, one at a time. May be NULL. */
    void (*progress)(void *context, const struct nn_crossval_progress *progress);
    void *context;
};

/* Logits of left-out examples, from networks that did not see their recording. */
struct nn_crossval_logits {
    float *at[NN_SHARE_COUNT]; /* (n, NN_LABEL_COUNT) */
};

struct nn_crossval {
    uint32_t n; /* examples */
    uint32_t folds;
    uint32_t members;
    bool one_per_label;
    bool fold_members;
    bool *tried;                        /* (folds): trained for; others have logits of 0 */
    uint32_t *fold;                     /* (n_recordings) */
    struct nn_crossval_logits *logits;  /* (members) */
    struct nn_crossval_logits together; /* means over the members: what areas order frames by */
    struct nn_crossval_training *runs;
    uint32_t n_runs;
};

/* How many trainings there will be. */
uint32_t nn_crossval_count(const struct nn_crossval_settings *settings);

/*
 * 0, or negative errno: -EINVAL (settings, fewer recordings than folds), or what a training or a
 * checkpoint said first.
 */
int nn_crossval_run(const struct nn_dataset *dataset, const struct nn_crossval_settings *settings,
                    struct nn_crossval **ret_crossval);
void nn_crossval_destroy(struct nn_crossval *crossval);

/*
 * Calibration of a member on the left-out logits of the recordings with use[recording]; NULL = all
 * that were left out by some training.
 */
struct nn_calibration nn_crossval_calibrate(const struct nn_crossval *crossval, uint32_t member,
                                            const struct nn_dataset *dataset, const bool *use);

/*
 * Left-out scores at one share, each fold's calibrated on the other folds only, so that nothing
 * that judges a recording has seen it: of one member, or with NN_MEMBERS_ALL the mean over all.
 * With only one fold tried there are no others: scores are then the logits' own.
 * ret_scores: (n, NN_LABEL_COUNT).
 */
#define NN_MEMBERS_ALL UINT32_MAX
void nn_crossval_scores(const struct nn_crossval *crossval, uint32_t member,
                        const struct nn_dataset *dataset, uint32_t share, float *ret_scores);

/* A network that judges later frames, with the calibration it needs. */
struct nn_crossval_member {
    struct nn_network *network; /* borrowed */
    int label;                  /* answers this one, or -1: all */
    struct nn_calibration calibration;
};

/*
 * The members of the model, (count) of them into ret_members, which has room for
 * nn_crossval_member_count(). Calibrated on left-out frames; without folds not at all.
 */
uint32_t nn_crossval_member_count(const struct nn_crossval *crossval);
void nn_crossval_members(const struct nn_crossval *crossval, const struct nn_dataset *dataset,
                         struct nn_crossval_member *ret_members);

#endif

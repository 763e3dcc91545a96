/*
 * Training sets from labelled pictures: which picture is put in how often, as what, turned how, and
 * on which side of the split.
 *
 * Three builders, after the Nottingham scripts:
 *   means         the six mean scores are the target
 *   repeats       one label is the target; a picture goes in once per label and step of the label's
 *                 mean: max(0, ceil(mean (R + 1)) - 1) times, R at mean 1
 *   overbalanced  the same, and every label's samples repeated in random order until all labels
 *                 have as many as the largest
 *
 * Recordings do not straddle training and test, and only training is repeated to balance. With
 * `as_seed` all is as the scripts do it: see docs/labels.md.
 */
#ifndef NN_BUILDER_H
#define NN_BUILDER_H

#include "nn/dataset.h"

#include <stdbool.h>

enum nn_builder { NN_BUILDER_MEANS, NN_BUILDER_REPEATS, NN_BUILDER_OVERBALANCED };

enum { NN_BUILDER_REPEATS_MAX = 100 };

struct nn_builder_options {
    enum nn_builder builder;
    uint32_t repeats;  /* R; of means, copies per picture, all but the first flipped at random */
    double agreement;  /* pictures whose mean agreement is lower are left out */
    double test_share; /* 0..0.5 of the pictures, as near as whole recordings come */
    uint64_t seed;
    bool as_seed;
};

/* No picture: all black, label -1. The scripts leave such samples (as_seed). */
#define NN_SAMPLE_BLACK UINT32_MAX

/* One sample, from a picture of the dataset. */
struct nn_sample {
    uint32_t example;
    int label; /* enum nn_label; -1: the six means, or black */
    bool flip_columns, flip_rows;
    bool turned;           /* rotated, cropped and enlarged; the next three then are 0..1: */
    float turn, zoom, pan; /* of a full turn; of the sizes; of the diagonal */
};

struct nn_builder_plan {
    struct nn_sample *samples; /* training first */
    uint32_t n, n_train;
    uint32_t pictures;                   /* kept */
    uint32_t dropped;                    /* for low agreement */
    uint32_t per_label[NN_LABEL_COUNT];  /* samples before balancing, training and test */
    uint32_t multiplier[NN_LABEL_COUNT]; /* largest sum of a label's means / its own, rounded;
                                            0 for a label that nobody gave */
};

/*
 * 0; -EINVAL: nothing is left, or fewer than two recordings to split; -EFBIG: more than 10^7
 * samples; -ENOMEM. The same seed gives the same plan.
 */
int nn_builder_plan(const struct nn_dataset *dataset, const struct nn_builder_options *options,
                    struct nn_builder_plan **ret_plan);
void nn_builder_plan_destroy(struct nn_builder_plan *plan);

/*
 * Mean over the labels of 2 |mean - 1/2|, and 1e-5 on top: tables have six digits, and a picture
 * whose agreement is the wanted one is to stay.
 */
double nn_builder_agreement(const struct nn_example *example);

/*
 * Copies of a picture for a label with this mean score. A mean within 1e-5 of a step's upper edge
 * is on it, for the same reason.
 */
uint32_t nn_builder_copies(double mean, uint32_t repeats);

#endif

/*
 * What a network is asked for: from people's votes on a frame to wanted scores and how much each
 * counts.
 *
 * A network whose output has rows gives a verdict after each of them, on the lines until then. All
 * of a frame's verdicts are asked for the same labels, but an early one cannot know what lies
 * ahead, a tip change least of all: the row that ends at share s of the frame counts with
 * s ^ rising, label by label, rows before `first_row` not at all; over a whole frame a label's
 * rows sum to 1. Rows that have not been seen count nothing, so a partial frame counts less.
 */
#ifndef NN_GOAL_H
#define NN_GOAL_H

#include "nn/dataset.h"
#include "nn/loss.h"

#include <stdbool.h>

enum nn_trust {
    NN_TRUST_EQUAL, /* every frame counts once */
    NN_TRUST_ROOT,  /* by the root of the people who answered, at most four counted: two votes are
                       worth more than one but not twice as much, raters share their habits */
    NN_TRUST_COUNT, /* by the people who answered, at most four counted */
};

struct nn_goal {
    enum nn_loss_kind loss;
    enum nn_trust trust;
    float threshold;                     /* mean votes from here up are 1, others 0; 0: as voted */
    float smoothing;                     /* 0..1: share by which what is wanted moves to .5 */
    float class_weights[NN_LABEL_COUNT]; /* of positive votes against negative ones */
    float balance;                /* 0..1: class weights also times (negative / positive votes
                                     learned from) to this power */
    float first_row;              /* 0..1 */
    float rising[NN_LABEL_COUNT]; /* >= 0 */
};

/* Fills in the balance over the examples order[0..n). */
struct nn_goal nn_goal_balanced(const struct nn_goal *goal, const struct nn_dataset *dataset,
                                const uint32_t *order, uint32_t n);

/* A view of an example, as the network is shown it. */
struct nn_goal_view {
    const struct nn_example *example;
    uint32_t rows; /* of the output, 1.. */
    float led_in;  /* share of those rows that come before the frame's own, 0.. below 1 */
    float seen;    /* share of the frame */
    int only;      /* the one label that counts, or -1: all */
};

/* ret_wanted, ret_weights: (NN_LABEL_COUNT, rows), ready for nn_loss. */
void nn_goal_fill(const struct nn_goal *goal, const struct nn_goal_view *view, float *ret_wanted,
                  float *ret_weights);

/*
 * Two views become mixtures of each other (mixup, Zhang et al. 2018): `share` of itself and the
 * rest of the other. values: (n) each; wanted scores are mixed by what they weigh, so the loss is
 * the mixture of the losses.
 */
void nn_goal_mix(float share, uint32_t n, float *wanted[2], float *weights[2]);

#endif

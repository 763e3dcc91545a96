/*
 * From a network's logits to scores that mean what they say: of frames scored .7, seven in ten
 * carry the label. One straight line per label and share of the frame seen (Platt 1999), straight
 * between the shares.
 */
#ifndef NN_CALIBRATE_H
#define NN_CALIBRATE_H

#include "nn/labels.h"

#include <stdint.h>

enum { NN_CALIBRATION_KNOTS_MAX = 16 };

/*
 * What a score decides: yes from `high` up, no up to `low`, undecided between; where an answer is
 * due whatever it may be, yes from `threshold` up. 0 <= low <= threshold <= high <= 1.
 */
struct nn_decision {
    float threshold;
    float low, high;
};

/* Decisions: one per label, by its score, and one on the frame, good or bad. */
enum { NN_DECISION_BAD = NN_LABEL_COUNT, NN_DECISION_COUNT };

struct nn_calibration_knot {
    float seen; /* share of the frame, 0..1, rising from knot to knot */
    float scale[NN_LABEL_COUNT];
    float offset[NN_LABEL_COUNT];
    struct nn_decision decisions[NN_DECISION_COUNT];
};

struct nn_calibration {
    uint32_t n; /* 1..NN_CALIBRATION_KNOTS_MAX */
    struct nn_calibration_knot knots[NN_CALIBRATION_KNOTS_MAX];
};

/* .5 for all three: what a model says that was fitted without folds, or before there were any. */
struct nn_decision nn_decision_default(void);

/* One knot that leaves every logit as it is, with default decisions. */
struct nn_calibration nn_calibration_identity(void);

/* What holds at one share seen: straight between the knots, level beyond them. */
struct nn_calibration_knot nn_calibration_at(const struct nn_calibration *calibration, float seen);

/* logits, ret_scores: (NN_LABEL_COUNT). score = sigmoid(scale * logit + offset). */
void nn_calibration_apply(const struct nn_calibration *calibration, float seen, const float *logits,
                          float *ret_scores);

/*
 * What the frame is worth, from its six scores: how likely it is bad and without a feature, against
 * not bad and with at least one (asymmetries, individual atoms, dimers or rows), as if the labels
 * were independent of each other. A tip change counts for neither. 0..1.
 */
float nn_calibration_bad(const float *scores);

/*
 * The line that fits n logits to n wanted scores (0..1) best, by weighted log loss, drawn slightly
 * towards "as it is" so that a label without examples stays there. It never falls: where higher
 * logits mean less, it is level.
 */
void nn_calibration_fit(uint32_t n, const float *logits, const float *wanted, const float *weights,
                        float *ret_scale, float *ret_offset);

#endif

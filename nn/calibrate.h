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

struct nn_calibration_knot {
    float seen; /* share of the frame, 0..1, rising from knot to knot */
    float scale[NN_LABEL_COUNT];
    float offset[NN_LABEL_COUNT];
};

struct nn_calibration {
    uint32_t n; /* 1..NN_CALIBRATION_KNOTS_MAX */
    struct nn_calibration_knot knots[NN_CALIBRATION_KNOTS_MAX];
};

/* One knot that leaves every logit as it is. */
struct nn_calibration nn_calibration_identity(void);

/* logits, ret_scores: (NN_LABEL_COUNT). score = sigmoid(scale * logit + offset). */
void nn_calibration_apply(const struct nn_calibration *calibration, float seen, const float *logits,
                          float *ret_scores);

/*
 * The line that fits n logits to n wanted scores (0..1) best, by weighted log loss, drawn slightly
 * towards "as it is" so that a label without examples stays there.
 */
void nn_calibration_fit(uint32_t n, const float *logits, const float *wanted, const float *weights,
                        float *ret_scale, float *ret_offset);

#endif

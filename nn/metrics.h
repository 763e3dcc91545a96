/*
 * How good scores are: areas under curves, accuracy, calibration, and how sure we are of them.
 *
 * One label at a time over n examples. positive[i] says whether example i carries the label;
 * weights count an example several times (0 leaves it out), NULL = once each.
 */
#ifndef NN_METRICS_H
#define NN_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct nn_judged {
    uint32_t n;
    const float *scores;
    const bool *positive;
    const uint32_t *weights;
};

/* Area under the ROC curve, equal scores counting half. NAN without both kinds. */
double nn_metric_auc(const struct nn_judged *judged);

/* Average precision: sum over positives of precision, by falling score. NAN without positives. */
double nn_metric_average_precision(const struct nn_judged *judged);

/* Mean of sensitivity and specificity, positive where score >= threshold. NAN as auc. */
double nn_metric_balanced_accuracy(const struct nn_judged *judged, float threshold);

/* Expected calibration error over 15 equal bins of 0..1. */
double nn_metric_calibration_error(const struct nn_judged *judged);

#endif

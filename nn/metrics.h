/*
 * How good scores are: areas under curves, accuracies, calibration.
 *
 * One label at a time over n examples. positive[i] is the share of example i that carries the
 * label: 0 or 1, or the share of people who said so, and then the example counts that much as one
 * that does and the rest as one that does not. weights count an example several times (0 leaves it
 * out), NULL = once each.
 */
#ifndef NN_METRICS_H
#define NN_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct nn_judged {
    uint32_t n;
    const float *scores;
    const float *positive;
    const uint32_t *weights;
    const uint32_t *order; /* (n) from nn_metric_order; NULL: ordered in every call */
};

/* Indices by falling score, equal ones by index. ret_order: (n) */
void nn_metric_order(uint32_t n, const float *scores, uint32_t *ret_order);

/* Area under the ROC curve, equal scores counting half. NAN without both kinds. */
double nn_metric_auc(const struct nn_judged *judged);

/* Average precision: sum over positives of precision, by falling score. NAN without positives. */
double nn_metric_average_precision(const struct nn_judged *judged);

/*
 * Sensitivity where the ROC curve, straight between its points, reaches this specificity. NAN as
 * auc.
 */
double nn_metric_sensitivity_at(const struct nn_judged *judged, double specificity);

/* The score from which on "yes" has the best balanced accuracy; ret_accuracy may be NULL. */
float nn_metric_best_threshold(const struct nn_judged *judged, double *ret_accuracy);

/* Expected calibration error over NN_CALIBRATION_BINS equal bins of 0..1. */
enum { NN_CALIBRATION_BINS = 15 };
double nn_metric_calibration_error(const struct nn_judged *judged);

/* One bin of a reliability curve. */
struct nn_reliability {
    double examples;
    double score;    /* mean; NAN in an empty bin */
    double positive; /* share; likewise */
};
void nn_metric_reliability(const struct nn_judged *judged,
                           struct nn_reliability ret_bins[NN_CALIBRATION_BINS]);

/* Answers against labels. */
struct nn_counts {
    double hits;         /* said, and so it is */
    double misses;       /* not said, though it is */
    double false_alarms; /* said, though it is not */
    double rejections;   /* not said, nor is it */
};

/* said: (n). */
struct nn_counts nn_metric_count(const struct nn_judged *judged, const bool *said);

/* Mean of sensitivity and specificity. NAN without both kinds. */
double nn_counts_balanced_accuracy(const struct nn_counts *counts);

/* Matthews' correlation coefficient. NAN where a margin is empty. */
double nn_counts_matthews(const struct nn_counts *counts);

#endif

/*
 * What scores of labelled frames are worth, with 95 % intervals from drawing whole recordings with
 * replacement (1,000 times, seeded): frames of one recording are near copies of each other.
 * Unfinished frames are left out. A label holds where at least half of the people said so.
 */
#ifndef NN_REPORT_H
#define NN_REPORT_H

#include "nn/dataset.h"

#include <stdbool.h>

struct nn_figure {
    double value;
    double low, high; /* 2.5 and 97.5 % of the draws; NAN when too few recordings carry the label */
};

/* One label, or the mean over the six. */
struct nn_report_row {
    uint32_t positives;
    struct nn_figure auc;
    struct nn_figure average_precision;
    struct nn_figure balanced_accuracy; /* positive at a score of .5 */
    struct nn_figure calibration_error;
};

struct nn_report {
    uint32_t frames;
    uint32_t recordings;
    struct nn_report_row labels[NN_LABEL_COUNT];
    struct nn_report_row mean;
};

/*
 * scores: (dataset->n, NN_LABEL_COUNT), 0..1. ranks: likewise, what the areas and precisions order
 * frames by; NULL = the scores. They are not the same thing for folds: each fold's calibration
 * comes from the others, so a fold rich in a label is scored as if poor in it, and pooled scores
 * would order frames by fold. 0, -ENOMEM, -ENODATA (no finished frame).
 */
int nn_report_make(const struct nn_dataset *dataset, const float *scores, const float *ranks,
                   uint64_t seed, struct nn_report *ret_report);

/*
 * Mean ROC area over the labels, of the finished frames of recordings with use[recording]; NAN when
 * a label has no positive or no negative among them.
 */
double nn_report_mean_auc(const struct nn_dataset *dataset, const float *ranks, const bool *use);

#endif

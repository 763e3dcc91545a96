/*
 * What scores of labelled frames are worth at every share of the frame seen, with 95 % intervals
 * from drawing whole recordings with replacement. Unfinished frames are left out. Definitions:
 * docs/evaluation.md.
 */
#ifndef NN_REPORT_H
#define NN_REPORT_H

#include "nn/bootstrap.h"
#include "nn/decisions.h"
#include "nn/metrics.h"
#include "nn/scores.h"

enum nn_measure {
    NN_MEASURE_AUC,         /* ROC area */
    NN_MEASURE_PRECISION,   /* average precision */
    NN_MEASURE_ACCURACY,    /* balanced, by the thresholds */
    NN_MEASURE_SENSITIVITY, /* at the second human's specificity, on frames with two answers */
    NN_MEASURE_MATTHEWS,    /* correlation coefficient, by the thresholds */
    NN_MEASURE_CALIBRATION, /* expected calibration error */
    NN_MEASURE_UNDECIDED,   /* share of frames without a yes or no */
    NN_MEASURE_COUNT
};

/* The name in files, e.g. "roc_area", and for people, e.g. "ROC area". Borrowed. */
const char *nn_measure_name(enum nn_measure measure);
const char *nn_measure_title(enum nn_measure measure);

/* The four exclusive classes of later papers, on frames that all who answered agree about. */
enum nn_class { NN_CLASS_ATOMS, NN_CLASS_DIMERS, NN_CLASS_ROWS, NN_CLASS_BAD, NN_CLASS_COUNT };
const char *nn_class_title(enum nn_class which);

/* The mean over the labels follows them. */
enum { NN_REPORT_MEAN = NN_LABEL_COUNT, NN_REPORT_ROWS };

/* At one share. Nothing but figures. */
struct nn_report_share {
    struct nn_figure labels[NN_REPORT_ROWS][NN_MEASURE_COUNT];
    /* Of the frames labelled with the row, the share called the column. */
    struct nn_figure confusion[NN_LABEL_COUNT][NN_LABEL_COUNT];
    struct nn_figure class_auc;      /* mean of the four, each against the rest */
    struct nn_figure class_accuracy; /* mean of the four sensitivities */
    struct nn_figure class_confusion[NN_CLASS_COUNT][NN_CLASS_COUNT];
    struct nn_figure bad_auc; /* bad against good, on frames that all agree about */
    struct nn_figure bad_accuracy;
    struct nn_figure bad_undecided;
    struct nn_figure decided[NN_DECISION_COUNT]; /* of all frames, by now, one after the other */
    struct nn_figure rejected; /* of frames that all agree are bad, called bad by now, likewise */
};

/* A verdict as soon as it is sure. */
struct nn_report_sequence {
    struct nn_figure seen;     /* mean share of the frame that it takes */
    struct nn_figure accuracy; /* balanced */
    struct nn_figure full;     /* of the full frame's verdict on the same frames */
    struct nn_figure cost;     /* full - accuracy */
};

struct nn_report_figures {
    struct nn_report_share shares[NN_SHARE_COUNT];
    /* Of the frames labelled with the row, the share labelled with the column as well. */
    struct nn_figure together[NN_LABEL_COUNT][NN_LABEL_COUNT];
    struct nn_report_sequence sequences[NN_DECISION_COUNT]; /* the last: good or bad */
    struct nn_report_sequence sequence_mean;                /* over the labels */
    /* Mean share seen when a frame that all agree is bad is called so; never: 1. */
    struct nn_figure rejected_after;
};

/* One person's answers taken as the truth about another's. */
struct nn_second_human {
    double sensitivity, specificity;
};

/* An answer at the full frame that is far from what people said. */
struct nn_report_error {
    uint32_t example;
    float score;
};
enum { NN_REPORT_ERRORS = 3 };

struct nn_report {
    uint32_t frames;
    uint32_t recordings;
    uint32_t folds;       /* 0: one model's scores */
    uint32_t two_answers; /* frames */
    uint32_t class_frames[NN_CLASS_COUNT];
    uint32_t bad_frames, good_frames; /* that all agree about */
    uint32_t positives[NN_LABEL_COUNT];
    struct nn_second_human humans[NN_LABEL_COUNT];
    struct nn_report_figures figures;
    struct nn_reliability reliability[NN_SHARE_COUNT][NN_LABEL_COUNT][NN_CALIBRATION_BINS];
    /* Per label: called so in vain, and missed; worst first, those with two and more answers in
       agreement before single ones. */
    struct nn_report_error alarms[NN_LABEL_COUNT][NN_REPORT_ERRORS];
    struct nn_report_error misses[NN_LABEL_COUNT][NN_REPORT_ERRORS];
    uint32_t n_alarms[NN_LABEL_COUNT];
    uint32_t n_misses[NN_LABEL_COUNT];
};

struct nn_report_settings {
    /* With scores of one model: its decisions. Folds' are learnt on the other folds. */
    const struct nn_decisions *decisions;
    /* The second human: from the frames with two answers, or, where false, the public table's. */
    bool humans_from_labels;
    uint32_t draws; /* of the bootstrap; 0: no intervals */
    uint64_t seed;
};

/* free() the report. 0, -ENOMEM, -ENODATA (no frame that counts). */
int nn_report_make(const struct nn_scores *scores, const struct nn_report_settings *settings,
                   struct nn_report **ret_report);

/*
 * Mean ROC area over the labels, of the finished frames of recordings with use[recording]; NAN when
 * a label has no positive or no negative among them. ranks: (n, NN_LABEL_COUNT)
 */
double nn_report_mean_auc(const struct nn_dataset *dataset, const float *ranks, const bool *use);

#endif

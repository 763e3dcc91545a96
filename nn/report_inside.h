/* The frames of a report, label by label, ready to be measured again and again. */
#ifndef NN_REPORT_INSIDE_H
#define NN_REPORT_INSIDE_H

#include "nn/report.h"

/* At one share; (n) each. */
struct report_share {
    float *scores[NN_LABEL_COUNT];
    float *logits[NN_LABEL_COUNT];
    uint32_t *order[NN_LABEL_COUNT];   /* by logits */
    bool *said[NN_LABEL_COUNT];        /* by the thresholds */
    int8_t *answer[NN_DECISION_COUNT]; /* 1 yes, 0 no, -1 undecided */
    float *bad;                        /* scores */
    uint32_t *bad_order;
    bool *bad_said;
    float *classes[NN_CLASS_COUNT]; /* scores */
    uint32_t *class_order[NN_CLASS_COUNT];
    uint8_t *class_said;
};

struct report_shop {
    uint32_t n;
    uint32_t *example;   /* (n) and so on, what they are in the data set */
    uint32_t *recording; /* 0 .. n_recordings - 1, those with frames here */
    uint32_t n_recordings;
    float *truth[NN_LABEL_COUNT];
    float *answers[NN_LABEL_COUNT]; /* mean */
    bool *two;                      /* two answers */
    int8_t *bad_truth;              /* 1 bad, 0 good, -1 neither, by majority */
    float *bad_positive;            /* 1 bad, 0 else */
    bool *agreed;                   /* at least two answers, all the same on all labels */
    float *class_truth[NN_CLASS_COUNT];
    int8_t *class_of; /* -1 none */
    struct report_share shares[NN_SHARE_COUNT];
    uint8_t *stop[NN_DECISION_COUNT]; /* the share at which the sequential verdict falls */
    bool *stop_said[NN_DECISION_COUNT];
    struct nn_second_human humans[NN_LABEL_COUNT];
    /* (n) scratch of one measurement: weights of some of the frames */
    uint32_t *two_weights, *class_weights, *bad_weights;
    void **blocks; /* everything above, for free */
    uint32_t n_blocks;
};

/* 0, -ENOMEM, -ENODATA. */
int report_shop_open(const struct nn_scores *scores, const struct nn_report_settings *settings,
                     struct report_shop *ret_shop);
void report_shop_close(struct report_shop *shop);

/* Fills a struct nn_report_figures' values. */
void report_measure(void *shop, const uint32_t *weights, double *ret_values);

#endif

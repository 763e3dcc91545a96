/* What the left-out frames of a training say: figures for people and files, and the scores. */
#ifndef NN_CMD_TRAIN_FIGURES_H
#define NN_CMD_TRAIN_FIGURES_H

#include "nn/cmd_train_options.h"
#include "nn/report.h"

/* Left-out scores with all they refer to. */
struct train_scores {
    struct nn_scores scores;
    uint32_t *fold;
    float *values;
};

/* Of one member, or of NN_MEMBERS_ALL together. 0, -ENOMEM. */
int train_scores_make(const struct nn_crossval *crossval, uint32_t member,
                      const struct nn_dataset *dataset, struct train_scores *ret_scores);
void train_scores_finish(struct train_scores *scores);

/*
 * One figure of a training by the name that figure files know it by, "dimers/roc_area/64": label or
 * "mean", measure, lines of 128.
 */
struct train_figure {
    char name[64];
    struct nn_figure figure;
};

/* The figures that files keep, in the order of the report; free(*ret_list). */
void train_figures_list(const struct nn_report *report, struct train_figure **ret_list,
                        size_t *ret_n);

/*
 * A figure file: what was trained, and every figure with its interval. docs/training.md has the
 * format. 0, or negative errno.
 */
int train_figures_write(const char *path, const struct train_options *options,
                        const struct nn_report *report);

#endif

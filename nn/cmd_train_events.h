/* What the parts of `tipwright train-events` share. */
#ifndef NN_CMD_TRAIN_EVENTS_H
#define NN_CMD_TRAIN_EVENTS_H

#include "nn/dataset.h"
#include "nn/event_train.h"

#include <stdio.h>

/* A frame with what is known of it, by lines. */
struct events_frame {
    struct nn_event_frame frame;
    struct nn_event_truth truth; /* of no lines where nothing is known */
};
void events_frame_finish(struct events_frame *frame);

/*
 * The index-th simulated frame and its book, as it comes and as one flattened line by line, where
 * a change of height alone shows nothing. Frames are all different and always the same. 0, -errno.
 */
int events_simulate(uint32_t index, struct events_frame *ret_raw, struct events_frame *ret_flat);

/* Frames with what was said of them by nets that had not learnt from them. All borrowed. */
struct events_judged {
    uint32_t n;
    const struct nn_event_truth *truths; /* (n) */
    const float *const *logits;          /* (n), of every line */
    const uint32_t *group;               /* (n), what frames have in common: see nn_bootstrap */
    uint32_t n_groups;
};

/* One row of a table: changes noticed and false alarms at this threshold, a logit. 0, -ENOMEM. */
void events_print_header(FILE *out);
int events_print_row(FILE *out, const char *name, const struct events_judged *judged,
                     float threshold);

/*
 * How well scores of left-out frames, (dataset->n), order finished frames by people's votes for a
 * change. 0, -ENOMEM.
 */
int events_print_area(FILE *out, const struct nn_dataset *dataset, const float *scores);

#endif

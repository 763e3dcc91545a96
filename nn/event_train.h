/*
 * Training of the network that tells tip changes (nn/event.h).
 *
 * It learns from two kinds of frames at once: those whose lines are known, drawn line by line, and
 * those of which people only said whether the tip changes somewhere. Of the latter the chance of a
 * change in the frame is taken as that of any of its lines, each counting 1 / NN_EVENT_REACH, since
 * one change is told by that many lines.
 */
#ifndef NN_EVENT_TRAIN_H
#define NN_EVENT_TRAIN_H

#include "nn/event.h"
#include "nn/event_marks.h"

struct nn_event_frame {
    uint32_t lines;
    float *features; /* (NN_EVENT_WINDOW - 1 + lines, NN_EVENT_FEATURES), scanned order; what lies
                        before the first line is 0 */
    float *wanted;   /* (lines), nn_event_truth_targets; NULL: lines are not known */
    float *weight;   /* (lines) */
    float vote;      /* share of people who say that the tip changes; NAN: nobody was asked */
};

/* A frame of this many lines of which nothing is known yet. 0, -ENOMEM. */
int nn_event_frame_create(uint32_t lines, struct nn_event_frame *ret_frame);
void nn_event_frame_finish(struct nn_event_frame *frame);

/* The features of the next line, into their place. */
void nn_event_frame_add(struct nn_event_frame *frame, struct nn_event_trace *trace, uint32_t line,
                        const double *samples);

/* What is known of the lines. 0, -ENOMEM. */
int nn_event_frame_know(struct nn_event_frame *frame, const struct nn_event_truth *truth);

/* All borrowed. */
struct nn_event_material {
    const struct nn_event_frame *simulated; /* lines known */
    uint32_t n_simulated;
    const struct nn_event_frame *recorded; /* lines known, or votes, or both */
    uint32_t n_recorded;
    const bool *use; /* (n_recorded); NULL: all */
};

struct nn_event_train_settings {
    uint32_t steps;
    uint64_t seed;
    /* Called every hundred steps with the loss over them, and at the end. May be NULL. */
    void (*progress)(void *context, uint32_t done, double loss);
    void *context;
};

/* 4,000 steps, seed 1. */
struct nn_event_train_settings nn_event_train_default(void);

/*
 * Deterministic on one machine: one thread, from the seed alone. The net's threshold is .5.
 * 0, -EINVAL (nothing to learn from, or no steps), -ENOMEM.
 */
int nn_event_train(const struct nn_event_material *material,
                   const struct nn_event_train_settings *settings, struct nn_event_net *ret_net);

/* The logit of the hazard after every line, -30..30, as nn_event_add_line has it. ret_logits:
 * (frame->lines) */
void nn_event_judge(const struct nn_event_net *net, const struct nn_event_frame *frame,
                    float *ret_logits);

/* The logit of nn_event_score after the first `seen` of these lines; seen > 0 */
float nn_event_score_logit(const float *logits, uint32_t seen);

#endif

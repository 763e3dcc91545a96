/*
 * A tip change as an event: the line at which the picture jumps, told within two lines.
 *
 * After each line a small network looks at what nn/event_trace.h says about this line and the three
 * before it, and gives the hazard: the chance that a change began at this line or one of the two
 * before. A hazard above the threshold is an alarm; the lines just after one raise no second.
 * Nothing depends on later lines, and work and memory per line do not grow.
 */
#ifndef NN_EVENT_H
#define NN_EVENT_H

#include "nn/event_trace.h"

#include <stddef.h>

enum {
    NN_EVENT_WINDOW = 4, /* lines that the network looks at */
    NN_EVENT_REACH = 3,  /* lines, the newest among them, at one of which the change began */
    NN_EVENT_WIDE = 48,  /* first layer */
    NN_EVENT_NARROW = 16,
    NN_EVENT_REFRACTORY = 6, /* lines after an alarm without another */
};

/* Two layers with ReLU and one output, its logit. */
struct nn_event_net {
    float wide[NN_EVENT_WIDE][NN_EVENT_WINDOW][NN_EVENT_FEATURES]; /* [.][0]: the newest line */
    float wide_bias[NN_EVENT_WIDE];
    float narrow[NN_EVENT_NARROW][NN_EVENT_WIDE];
    float narrow_bias[NN_EVENT_NARROW];
    float out[NN_EVENT_NARROW];
    float out_bias;
    float threshold; /* of the hazard, 0..1 */
};

/*
 * 0, or negative errno with a sentence in `error`: -ENOENT and the like, -EPROTO (no detector, or
 * of another version), -EBADMSG (damaged). *ret_net is untouched on failure.
 */
int nn_event_net_load(const char *path, struct nn_event_net *ret_net, char *error,
                      size_t error_size);

/* Writes the file whole or not at all. 0, -EINVAL (a value that load would refuse), -errno. */
int nn_event_net_save(const char *path, const struct nn_event_net *net);

/* All numbers are finite, and the threshold is inside 0..1. */
bool nn_event_net_valid(const struct nn_event_net *net);

/* As part of another file. Reading gives false for values that load would refuse. */
struct nn_bytes_reader;
struct nn_bytes_writer;
void nn_event_net_put(struct nn_bytes_writer *writer, const struct nn_event_net *net);
bool nn_event_net_get(struct nn_bytes_reader *reader, struct nn_event_net *ret_net);

/* Values; the net is borrowed. Some 20 KiB. */
struct nn_event {
    const struct nn_event_net *net;
    struct nn_event_trace trace;
    float features[NN_EVENT_WINDOW][NN_EVENT_FEATURES];
    uint32_t newest; /* of features */
    float hazard;    /* after the newest line, 0..1 */
    double sum;      /* over lines, of the hazards' odds to the power 1.5 */
    uint32_t alarms; /* in this frame */
    uint32_t alarm_row;
    float alarm_hazard; /* of the last alarm, where it was raised */
};

/* Start a frame. points: 1..8192 */
void nn_event_begin(struct nn_event *event, const struct nn_event_net *net, uint32_t points);

/*
 * The next line; `row` counts from the first line scanned and rises. samples: (points), finite, any
 * unit, offset and slope. Returns true when this line raises an alarm (event->alarm_row is `row`).
 */
bool nn_event_add_line(struct nn_event *event, uint32_t row, const double *samples);

/*
 * How much the frame as seen so far speaks for a change somewhere, 0..1, not calibrated: the
 * largest hazard, which others raise a little (their odds' sum in the norm 1.5). 0 before the first
 * line.
 */
float nn_event_score(const struct nn_event *event);

/* The same as log odds, within +-15: what a network's tip_change logit is raised by. */
float nn_event_logit(const struct nn_event *event);

#endif

/*
 * One look at a labelled picture: which part of it, in which direction scanned, how much of it
 * seen. Training looks at each picture in many ways, evaluation in one.
 *
 * A picture's bottom row is its first line. One that is wider than high is a scan that was stopped
 * early: its frame is taken as square.
 */
#ifndef NN_VIEW_H
#define NN_VIEW_H

#include "nn/dataset.h"
#include "nn/input.h"
#include "nn/random.h"

#include <stdbool.h>

struct nn_view {
    uint32_t x, width; /* first column, columns; beyond an edge the picture is mirrored */
    double shear;      /* columns that x moves per line, as drift does */
    uint32_t skipped;  /* lines left out before the first one used */
    uint32_t lines;    /* of the frame, as planned */
    uint32_t seen;     /* lines shown; beyond the last the picture is mirrored */
    bool mirrored;     /* columns from right to left */
    bool upside_down;  /* top row first */
    double gamma;      /* grey levels 0..1 to this power */
    double contrast;   /* then stretched about their middle, what leaves 0..1 cut off */
    double streak;     /* height of noise that is white from line to line but correlated along
                          them, in standard deviations of the line */
    double streak_px;  /* how long it is correlated, in points */
    double missing;    /* share of lines that never arrive */
    double bad;        /* share of lines buried under such noise, four times as high as the line */
    uint64_t seed;     /* of the last four */
};

/*
 * How training varies its views. Everything that happens on an instrument: drift, noise of the
 * preamplifier and the tip (which lasts for a part of a line, never across lines), lines lost,
 * contrast. Nothing turns the fast axis.
 */
struct nn_augment {
    double mirror;   /* share of views with columns from right to left, 0..1 */
    double turn;     /* share of views upside down, 0..1 */
    double whole;    /* share of views that see all there is, 0..1 */
    double seen_min; /* the others see at least this share of the frame */
    double closer;   /* frames shrink to at least this share of the picture's sides, ..1 */
    double wider;    /* and grow to at most this multiple, by mirroring, 1.. */
    double shear;    /* largest size of shear */
    double gamma;    /* gamma between 1 / this and this, 1.. */
    double contrast; /* largest contrast, 1.. */
    double streaks;  /* largest height of streaks */
    double missing;  /* largest share of missing lines, 0..1 */
    double bad;      /* largest share of bad lines, 0..1 */
};

/* The whole picture as scanned, `share` of its lines (rounded, at least one) seen. */
struct nn_view nn_view_plain(const struct nn_picture *picture, double share);

struct nn_view nn_view_random(const struct nn_picture *picture, const struct nn_augment *augment,
                              struct nn_random *random);

/*
 * Shows the view to `input`, line by line, ready for nn_input_write. `work`: (NN_INPUT_POINTS_MAX).
 * 0, or what nn_input says.
 */
int nn_view_show(const struct nn_view *view, const struct nn_picture *picture, double *work,
                 struct nn_input *input);

#endif

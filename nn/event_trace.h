/*
 * What a tip change leaves in the lines: each new line, flattened by itself, compared with the
 * lines before it in many ways, every comparison in units of how it varied earlier in this frame.
 *
 * Lines are averaged to NN_EVENT_COLS values along the fast axis, never along the slow one: the
 * step between two neighbouring lines stays a step. Nothing is taken from later lines. Work and
 * memory per line do not depend on the number of lines.
 */
#ifndef NN_EVENT_TRACE_H
#define NN_EVENT_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NN_EVENT_COLS = 128, /* values kept of a line */
    NN_EVENT_KEPT = 10,  /* lines kept */
    NN_EVENT_SCALES = 6, /* widths 1, 2, .. 32 of the columns' differences */
};

/* Comparisons that are standardised. The order is part of a detector's file. */
enum nn_event_signal {
    NN_EVENT_LAST,       /* rms difference from the line before */
    NN_EVENT_SECOND,     /* ... from the second before */
    NN_EVENT_THIRD,      /* ... from the third before */
    NN_EVENT_PAIR,       /* mean of the newest two lines against the mean of the two before */
    NN_EVENT_TRIPLE,     /* middle of three against middle of three */
    NN_EVENT_SHIFTED,    /* three against three, moved sideways to where they fit best */
    NN_EVENT_TURN,       /* three against three, against what the three before those predict */
    NN_EVENT_SIDEWAYS,   /* how far that best fit lies from the usual one, columns */
    NN_EVENT_LIKENESS,   /* correlation of three with three */
    NN_EVENT_WITHIN,     /* a step inside the newest line's difference from the one before */
    NN_EVENT_WITHIN_TWO, /* ... inside the difference of pairs */
    NN_EVENT_BAND_LAST,  /* largest of eight bands' mean difference from the line before */
    NN_EVENT_BAND,       /* ... three against three */
    NN_EVENT_SPREAD,     /* standard deviation of the line */
    NN_EVENT_SPREADS,    /* that of three lines' mean against three */
    NN_EVENT_FINE,       /* rms difference of neighbouring samples, at their own resolution */
    NN_EVENT_PATTERN,    /* change of the lines' variance at each scale, three against three */
    NN_EVENT_WHITE,      /* share of the variance at the finest two scales */
    NN_EVENT_STEP,       /* a step before the newest three lines, on top of the steady change of
                            nine, fitted column by column: its rms */
    NN_EVENT_STEP_WIDE,  /* ... that of its means over sixteen bands */
    NN_EVENT_STEP_TWO,   /* before the newest two lines, of eight; the bands' rms */
    NN_EVENT_SIGNALS
};

/* Beside them, in plain units. */
enum nn_event_plain {
    NN_EVENT_PLAIN_LIKENESS,    /* -1 .. 1, three against three */
    NN_EVENT_PLAIN_TRIPLE,      /* three against three over the lines' usual spread, logarithm */
    NN_EVENT_PLAIN_LAST,        /* the same, line against line */
    NN_EVENT_PLAIN_SEEN,        /* lines seen, 1 from 64 on */
    NN_EVENT_PLAIN_OFFSET,      /* jump of the line's own mean, log(1 + times the usual one) */
    NN_EVENT_PLAIN_OFFSET_STEP, /* middle of three against middle of three of the means */
    NN_EVENT_PLAIN_SLOPE,       /* jump of the line's own slope, likewise */
    NN_EVENT_PLAINS
};

/* Each signal twice, against the last dozen lines and against this frame; then the plain ones. */
enum { NN_EVENT_FEATURES = 2 * NN_EVENT_SIGNALS + NN_EVENT_PLAINS };

/* A running mean and mean deviation that outliers move little. */
struct nn_event_usual {
    float mean, deviation;
    uint32_t n;
};

/* Values; no pointers, no allocation. */
struct nn_event_trace {
    uint32_t points;
    double unit; /* rms of the first line with a surface, so that floats do */
    uint32_t next_row, n_kept, n_seen;
    float lines[NN_EVENT_KEPT][NN_EVENT_COLS]; /* a ring; `newest` is where the last one lies */
    float scales[NN_EVENT_KEPT][NN_EVENT_SCALES];
    uint32_t newest;
    double offsets[NN_EVENT_KEPT], slopes[NN_EVENT_KEPT];
    struct nn_event_usual lately[NN_EVENT_SIGNALS], usual[NN_EVENT_SIGNALS];
    struct nn_event_usual spread, sideways, drift, drift_step, tilt;
};

/* Start a frame. points: 1..8192 */
void nn_event_trace_begin(struct nn_event_trace *trace, uint32_t points);

/*
 * The next line; rows rise. samples: (points), finite, any unit, offset and slope. After more than
 * NN_EVENT_GAP missing rows comparison starts anew. ret_features: (NN_EVENT_FEATURES), 0 where
 * there is nothing to compare with.
 */
enum { NN_EVENT_GAP = 3 };
void nn_event_trace_add(struct nn_event_trace *trace, uint32_t row, const double *samples,
                        float *ret_features);

#endif

/*
 * A verdict: what the network says of one partial frame after one more line. Plain values.
 */
#ifndef AGENT_VERDICT_H
#define AGENT_VERDICT_H

#include "instrument/scan.h"
#include "nn/labels.h"

#include <stdbool.h>

struct verdict {
    uint64_t seq; /* data message that completed it */
    uint64_t scan;
    uint32_t run, cycle;
    enum scan_trace trace;
    uint32_t line;                 /* newest line, 0 = bottom row */
    uint32_t lines_seen;           /* lines present in the frame so far */
    uint32_t lines_due;            /* lines that should be present by now; the rest is missing */
    uint32_t lines_total;          /* planned lines of the frame */
    float p[NN_LABEL_COUNT];       /* calibrated, 0..1 */
    float p_other[NN_LABEL_COUNT]; /* the other direction's trace at the same line; NAN: none */
    bool changed;                  /* a tip change was noticed in the forward trace so far ... */
    uint32_t change_line;          /* ... the last one at this line, 0 = bottom row */
    bool change_is_new;            /* ... and no verdict before has told it */
    float tip_good;                /* chance that the tip is good, by agent/belief.h ... */
    uint32_t tip_good_lines;       /* ... from so many lines; 0: not asked */
    int64_t t_night_ns;            /* night clock */
};

#endif

/*
 * How sure it is that the tip is good: verdicts put together over lines, directions and frames.
 *
 * One verdict. Good means that an accepted label holds, bad_blurry does not, and asymmetries does
 * not unless accepted. The labels' scores are calibrated one by one, but not independent: a frame
 * that is not "dimers" is mostly "bad_blurry". The chance is the geometric mean of what holds if
 * they were independent (the product) and of what holds if they went together (the least), its log
 * odds times 0.8. On the 2,954 labelled images, scores of networks that had not seen their
 * recording: log loss .466 at the whole frame, against .490 for the product and .477 for the least;
 * the factor .81 at 32 to 128 of 128 lines [M]. Forward and backward see the same lines: the mean
 * of both log odds.
 *
 * Several frames of one tip are not as many witnesses: their errors correlate by .6 to .85 [M, same
 * images, consecutive cycles of one class]. With n frames of correlation r the evidence (log odds
 * above what is usual, a share of .33 good images [M]) is its sum divided by 1 + (n - 1) r, as for
 * equally correlated measurements. The frame under way counts by its verdict so far, which replaces
 * its earlier ones, and as a frame by its share of lines. What earlier frames said fades towards
 * the chance before anything was seen, as tips change by themselves.
 *
 * Frames at different places have less in common: large features of one place can make a good tip
 * look bad there. Places are put together in the same way as frames, with a correlation of their
 * own; a place counts by the frames seen there, at most as one.
 *
 * A noticed tip change takes .3 of what was seen before it: so many of the events change what the
 * tip shows; the others are steps in height, shifts and streaks [chosen, docs/simulator.md]. What
 * the network then says of the frame as a whole follows within some forty lines.
 *
 * Pure: plain values, no clock, no memory but the struct.
 */
#ifndef AGENT_BELIEF_H
#define AGENT_BELIEF_H

#include "agent/verdict.h"
#include "config/policy.h"

/* What has been seen, put together. */
struct belief_sum {
    double evidence; /* log odds */
    double n;        /* of so many frames, or places; faded */
};

struct belief {
    struct belief_sum here;      /* the frames before, at this place */
    struct belief_sum elsewhere; /* places before */
    uint32_t lines;              /* in all of them */

    bool in_frame; /* the members below are of a frame under way */
    uint64_t scan;
    uint32_t run, cycle;
    enum scan_trace trace;
    double now;         /* its evidence so far; log odds */
    double share;       /* so much of a frame that is */
    uint32_t lines_now; /* since the frame's begin or its last tip change */
    bool changed;       /* a tip change has been noticed in it ... */
    uint32_t change_line;

    int64_t t_night_ns; /* of the last verdict */
};

/* Nothing seen: at the start, after an action. All zero means the same. */
void belief_forget(struct belief *belief);

/* The same tip, from now on at another place. */
void belief_move(struct belief *belief, const struct policy *policy);

/*
 * A judged verdict, in the order of time; sets its `tip_good` and `tip_good_lines`. A tip change
 * that it is the first to tell of weakens what was seen before that line.
 */
void belief_see(struct belief *belief, const struct policy *policy, struct verdict *verdict);

/* The chance by one verdict's scores alone, as if it were the first. */
double belief_of_scores(const struct policy *policy, const float scores[NN_LABEL_COUNT]);

#endif

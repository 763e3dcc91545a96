/*
 * Verdicts from lines: the network's partial frame of the direction that is being scanned, forward
 * and, if the policy wants it, backward.
 *
 * Rows go in the order of scanning: on the way up line 0 is first, on the way down the top line.
 * After an action the partial frame is begun anew at the next line, which then is its row 0, so
 * that no verdict contains a line from before (judge_line.restart).
 *
 * Used by one thread at a time: the worker's jobs.
 */
#ifndef AGENT_JUDGE_H
#define AGENT_JUDGE_H

#include "agent/verdict.h"

struct judge;
struct nn_model; /* nn/model.h */

/* `model` is borrowed. 0, -ENOMEM. */
int judge_create(const struct nn_model *model, struct judge **ret_judge);
void judge_destroy(struct judge *judge);

struct judge_line {
    const struct scan_line *line; /* good, of channel Z */
    uint32_t lines;               /* planned lines of its frame */
    bool restart;                 /* no line before this one counts any more */
    bool both;                    /* a verdict needs forward and backward of the same line */
    int64_t t_night_ns;
};

/*
 * Add one line. 0: *ret_verdict is the frame's verdict with it. -EAGAIN: none with this line (its
 * partner is awaited, a backward line that is not judged, or the network has not seen enough yet).
 * -EINVAL: not a next line of the frame. -ENOMEM.
 */
int judge_add(struct judge *judge, const struct judge_line *in, struct verdict *ret_verdict);

#endif

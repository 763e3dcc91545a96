/*
 * A whole night in one call, without sockets, threads, journal or host clock: the agent's own
 * intake, judge, course, policy and guard over a microscope in the same process, in the order of
 * events that a gated instrument end gives them. The same microscope and policy give the same
 * actions at the same instrument times as the agent over sockets (agent/night.h); budgets count the
 * same, in memory. Nobody is there to arm it again: after a hold the scan goes on and is only
 * judged, after a retract the tip stays withdrawn until the night's time is over.
 */
#ifndef AGENT_PLAYER_H
#define AGENT_PLAYER_H

#include "agent/night.h"
#include "instrument/limits.h"
#include "instrument/microscope.h"

/*
 * A verdict from elsewhere than the network, as judge_add(): 0, -EAGAIN: none with this line. The
 * lines' heights then are not looked at, not for contact either.
 */
typedef int (*player_verdict_fn)(void *ctx, const struct judge_line *in,
                                 struct verdict *ret_verdict);

/* All borrowed until the end. */
struct player_options {
    const struct policy *policy;
    const struct nn_model *model; /* NULL with a verdict function */
    player_verdict_fn verdict;    /* NULL: the model */
    void *verdict_ctx;
    const struct instrument_limits *limits; /* the instrument's own */
    const struct learned *learned; /* what is known from nights before; NULL: nothing */
    double duration_s; /* end after so much of the night clock; 0: the policy's length */
    bool end_at_good;
    /* As a night's, without NEWS_STATE. NULL: nobody listens. */
    void (*news)(void *ctx, const struct night_news *news);
    void *ctx;
};

/*
 * Starts the scan and plays to the end, which leaves the tip withdrawn. A microscope that has
 * nothing more to say ends the night as "left". 0, whatever became of the night; -ENOMEM; an error
 * of scan_start.
 */
int player_play(const struct player_options *options, struct microscope microscope,
                struct night_summary *ret_summary);

#endif

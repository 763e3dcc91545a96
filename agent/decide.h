/*
 * The policy's answer to what has been seen: a pure function. The same history, budgets and time
 * give the same answer, on any machine, in any replay. The rules' meaning is docs/safety.md.
 */
#ifndef AGENT_DECIDE_H
#define AGENT_DECIDE_H

#include "agent/learn.h"
#include "agent/verdict.h"
#include "config/policy.h"

/*
 * What has been spent. Derived from the journal by query, never stored as a number of its own.
 * actions_*: what may change the tip: pulses, crashes, necks, approaches. A reimage or a retract is
 * none of these; a retract with coarse or lateral steps is a coarse move.
 */
struct budget_use {
    uint32_t actions_site, actions_episode, actions_hour, actions_night;
    uint32_t pulses_episode, pulses_hour, pulses_night;
    uint32_t crashes_episode;
    uint32_t necks_night;
    uint32_t coarse_moves_night;
    uint32_t crash_detections_night;
    /* Firings of each rule: its actions; of a rule that sends none, its decisions. */
    uint32_t fired_site[POLICY_RULES_MAX];
    uint32_t fired_episode[POLICY_RULES_MAX]; /* also the place on the rule's ramp */
};

/*
 * Everything a decision may depend on. `verdicts` are those of the decision window, oldest first:
 * no line in them is older than the last action's end plus its settle time.
 */
struct situation {
    const struct verdict *verdicts;
    size_t n_verdicts;
    struct budget_use use;
    uint32_t engaged;            /* bit per rule: has fired and its `until` does not hold yet */
    uint32_t sites_without_gain; /* sites left since this episode's best verdict last improved */
    int64_t t_night_ns;
    uint64_t night;                /* number of the night, for strategy random */
    const struct learned *learned; /* for strategy learn; NULL: nothing is known */
};

enum decision_kind {
    DECISION_NONE,   /* no rule answers, or the one that does waits for its hourly budget */
    DECISION_ADVISE, /* a rule in advise mode would do `response` */
    DECISION_RULE,   /* an active rule answers with `response` */
    DECISION_END     /* the night is over: time, no progress, or every budget that matters spent */
};

struct decision {
    enum decision_kind kind;
    int rule; /* index in policy->rules; -1 none */
    enum policy_response response;
    struct action action; /* POLICY_DO */
    uint32_t engaged;     /* rules engaged from now on */
    char why[160];        /* one sentence for the record */
};

/*
 * True when a verdict counts: of a forward trace, at `min_lines` and every `stride` lines from
 * there or at the end of its frame, with enough of its lines present and every score a number.
 */
bool decide_is_judged(const struct policy *policy, const struct verdict *verdict);

/*
 * Called after each verdict, with that verdict last in the window. A rule answers only at a judged
 * verdict (a rule that confirms on frames: only at a frame's end); time alone can end the night at
 * any call, an empty window included. POLICY_GOOD is answered again at each further confirmation.
 */
void decide(const struct policy *policy, const struct situation *situation,
            struct decision *ret_decision);

#endif

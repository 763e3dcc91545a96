/*
 * The policy's answer to what has been seen: a pure function. The same history, budgets and time
 * give the same answer, on any machine, in any replay.
 */
#ifndef AGENT_DECIDE_H
#define AGENT_DECIDE_H

#include "agent/verdict.h"
#include "config/policy.h"

/* What has been spent. Derived from the journal by query, never stored as a number of its own. */
struct budget_use {
    uint32_t actions_site, actions_episode, actions_hour, actions_night;
    uint32_t pulses_episode, pulses_hour, pulses_night;
    uint32_t crashes_episode;
    uint32_t necks_night;
    uint32_t coarse_moves_night;
    uint32_t crash_detections_night;
    uint32_t fired_site[POLICY_RULES_MAX]; /* firings of each rule */
    uint32_t fired_episode[POLICY_RULES_MAX];
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
    uint32_t sites_without_gain; /* sites left since the best verdict last improved */
    int64_t t_night_ns;
};

enum decision_kind {
    DECISION_NONE,   /* no rule answers */
    DECISION_ADVISE, /* a rule in advise mode would do `response` */
    DECISION_RULE,   /* an active rule answers with `response` */
    DECISION_END     /* the night is over: time, or every budget that matters is spent */
};

struct decision {
    enum decision_kind kind;
    int rule; /* index in policy->rules; -1 none */
    enum policy_response response;
    struct action action; /* POLICY_DO */
    uint32_t engaged;     /* rules engaged from now on */
    char why[160];        /* one sentence for the record */
};

void decide(const struct policy *policy, const struct situation *situation,
            struct decision *ret_decision);

#endif

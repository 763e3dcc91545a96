/*
 * What a night has spent, kept in memory: the same counts as journal_use() has of its rows, for a
 * night that nobody records. An action counts from its intent on, whatever becomes of it.
 */
#ifndef AGENT_SPENDING_H
#define AGENT_SPENDING_H

#include "agent/decide.h"

struct spending;

/* Aborts when there is no memory. */
struct spending *spending_create(void);
void spending_destroy(struct spending *spending);

/* Where and when something was intended or decided. */
struct spending_place {
    uint32_t site, episode;
    int64_t t_night_ns; /* never goes back */
};

/* An action for this rule of the policy, -1: for none. */
void spending_intend(struct spending *spending, const struct action *action, int rule,
                     const struct spending_place *at);
/* The outcome of an action was an unwanted contact. */
void spending_crash_detected(struct spending *spending);
/* A rule that sends nothing has answered, and has been let through. */
void spending_decided(struct spending *spending, const struct decision *decision,
                      const struct spending_place *at);

/* What is spent by then at this site, in this episode and in the last hour. */
void spending_use(const struct spending *spending, const struct policy *policy,
                  const struct spending_place *now, struct budget_use *ret_use);

#endif

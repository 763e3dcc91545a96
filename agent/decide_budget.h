/*
 * Which budgets an action draws on. One table for the decision (what to do when one is spent) and
 * for the guard (refuse).
 */
#ifndef AGENT_DECIDE_BUDGET_H
#define AGENT_DECIDE_BUDGET_H

#include "agent/decide.h"

/* What a spent budget means for the rule that wants the action. */
enum budget_scope {
    BUDGET_ENDS,  /* episode and night: nothing more is to be done */
    BUDGET_KIND,  /* this kind of action only: other rules may go on */
    BUDGET_SITE,  /* a new area has a fresh one */
    BUDGET_HOURLY /* time gives it back */
};

struct budget_row {
    const char *name; /* as in the policy file */
    enum budget_scope scope;
    uint32_t used, limit;
    uint32_t need; /* what the action would add; 0: the budget must merely not be spent */
};

enum { BUDGET_ROWS_MAX = 8 };

/* True for what may change the tip: pulse, crash, neck, approach. */
bool budget_is_action(enum action_kind kind);

/* The rows that the action draws on, in the order in which they are to be looked at; their number.
 */
size_t budget_rows(const struct policy *policy, const struct budget_use *use,
                   const struct action *action, struct budget_row rows[BUDGET_ROWS_MAX]);

/* The first row without room, or NULL. */
const struct budget_row *budget_first_spent(const struct budget_row *rows, size_t n);

#endif

/* Budgets by kind of action. */
#include "agent/decide_budget.h"

#include <math.h>

bool budget_is_action(enum action_kind kind)
{
    switch (kind) {
    case ACTION_PULSE:
    case ACTION_CRASH:
    case ACTION_NECK:
    case ACTION_APPROACH:
        return true;
    case ACTION_RETRACT:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
    return false;
}

/* A pulse action is as many pulses as it says; a number that is none fits into no budget. */
static uint32_t pulses_of(const struct action *action)
{
    return action->count >= 0 && action->count <= 1e6 ? (uint32_t)ceil(action->count) : UINT32_MAX;
}

/* A spot that has shown a good tip is known to be one where good tips look good. */
static bool is_proven(const struct policy *policy, const struct budget_use *use)
{
    for (size_t i = 0; i < policy->n_rules; i++)
        if (policy->rules[i].response == POLICY_GOOD && use->fired_site[i] > 0)
            return true;
    return false;
}

static struct budget_row site_row(const struct policy *policy, const struct budget_use *use)
{
    const struct policy_budget *limit = &policy->budget;
    if (limit->actions_per_unproven_site > 0 && !is_proven(policy, use))
        return (struct budget_row){"actions_per_unproven_site", BUDGET_SITE, use->actions_site,
                                   limit->actions_per_unproven_site, 1};
    return (struct budget_row){"actions_per_site", BUDGET_SITE, use->actions_site,
                               limit->actions_per_site, 1};
}

size_t budget_rows(const struct policy *policy, const struct budget_use *use,
                   const struct action *action, struct budget_row rows[BUDGET_ROWS_MAX])
{
    const struct policy_budget *limit = &policy->budget;
    bool acts = budget_is_action(action->kind);
    bool pulse = action->kind == ACTION_PULSE;
    bool coarse = action->kind == ACTION_RETRACT &&
                  !(action->coarse_steps <= 0 && action->lateral_steps <= 0);
    uint32_t pulses = pulse ? pulses_of(action) : 0;
    const struct {
        bool applies;
        struct budget_row row;
    } all[] = {
        {acts,
         {"crash_detections_per_night", BUDGET_ENDS, use->crash_detections_night,
          limit->crash_detections_per_night, 1}},
        {acts, {"actions_per_night", BUDGET_ENDS, use->actions_night, limit->actions_per_night, 1}},
        {acts,
         {"actions_per_episode", BUDGET_ENDS, use->actions_episode, limit->actions_per_episode, 1}},
        {pulse,
         {"pulses_per_night", BUDGET_KIND, use->pulses_night, limit->pulses_per_night, pulses}},
        {pulse,
         {"pulses_per_episode", BUDGET_KIND, use->pulses_episode, limit->pulses_per_episode,
          pulses}},
        {action->kind == ACTION_CRASH,
         {"crashes_per_episode", BUDGET_KIND, use->crashes_episode, limit->crashes_per_episode, 1}},
        {action->kind == ACTION_NECK,
         {"necks_per_night", BUDGET_KIND, use->necks_night, limit->necks_per_night, 1}},
        {coarse,
         {"coarse_moves_per_night", BUDGET_KIND, use->coarse_moves_night,
          limit->coarse_moves_per_night, 1}},
        {acts, site_row(policy, use)},
        {acts, {"actions_per_hour", BUDGET_HOURLY, use->actions_hour, limit->actions_per_hour, 1}},
        {pulse,
         {"pulses_per_hour", BUDGET_HOURLY, use->pulses_hour, limit->pulses_per_hour, pulses}},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].applies)
            rows[n++] = all[i].row;
    return n;
}

const struct budget_row *budget_first_spent(const struct budget_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].used >= rows[i].limit || rows[i].need > rows[i].limit - rows[i].used)
            return &rows[i];
    return NULL;
}

/* Counts over a list of intents and answers. */
#include "agent/spending.h"

#include "agent/decide_budget.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)

struct entry {
    struct spending_place at;
    int rule;
    bool sent;                     /* an action, as against an answer that sends none */
    enum policy_response response; /* of an answer */
    enum action_kind kind;         /* of an action */
    uint32_t pulses;
    bool coarse;
};

struct spending {
    struct entry *entries; /* in the order of their times */
    size_t n, room;
    uint32_t crash_detections;
};

static void out_of_memory(void)
{
    fputs("tipwright: out of memory for the budgets\n", stderr);
    abort();
}

struct spending *spending_create(void)
{
    struct spending *spending = calloc(1, sizeof(*spending));
    if (!spending)
        out_of_memory();
    return spending;
}

void spending_destroy(struct spending *spending)
{
    if (!spending)
        return;
    free(spending->entries);
    free(spending);
}

static void add(struct spending *spending, const struct entry *entry)
{
    if (spending->n == spending->room) {
        size_t room = spending->room ? 2 * spending->room : 64;
        struct entry *entries = realloc(spending->entries, room * sizeof(*entries));
        if (!entries)
            out_of_memory();
        spending->entries = entries;
        spending->room = room;
    }
    spending->entries[spending->n++] = *entry;
}

void spending_intend(struct spending *spending, const struct action *action, int rule,
                     const struct spending_place *at)
{
    struct entry entry = {.at = *at,
                          .rule = rule,
                          .sent = true,
                          .kind = action->kind,
                          .coarse = action->kind == ACTION_RETRACT &&
                                    (action->coarse_steps > 0 || action->lateral_steps > 0)};
    if (action->kind == ACTION_PULSE)
        entry.pulses = (uint32_t)fmax(1, fmin(action->count, 1e6));
    add(spending, &entry);
}

void spending_crash_detected(struct spending *spending)
{
    spending->crash_detections++;
}

void spending_decided(struct spending *spending, const struct decision *decision,
                      const struct spending_place *at)
{
    struct entry entry = {.at = *at, .rule = decision->rule, .response = decision->response};
    add(spending, &entry);
}

/* A rule's firing is its own action or answer; when it had to move on instead, it has not fired. */
static bool is_firing(const struct entry *entry, const struct policy_rule *rule)
{
    if (!entry->sent)
        return entry->response == rule->response;
    if (rule->response == POLICY_NEW_AREA)
        return entry->kind == ACTION_REIMAGE;
    if (rule->response == POLICY_COARSE_MOVE)
        return entry->kind == ACTION_RETRACT;
    return rule->response == POLICY_DO && entry->kind == rule->action.kind;
}

static void count_action(const struct entry *entry, bool here, bool now, bool recent,
                         struct budget_use *use)
{
    bool acts = budget_is_action(entry->kind);
    use->actions_site += acts && here;
    use->actions_episode += acts && now;
    use->actions_hour += acts && recent;
    use->actions_night += acts;
    use->pulses_episode += now ? entry->pulses : 0;
    use->pulses_hour += recent ? entry->pulses : 0;
    use->pulses_night += entry->pulses;
    use->crashes_episode += entry->kind == ACTION_CRASH && now;
    use->necks_night += entry->kind == ACTION_NECK;
    use->coarse_moves_night += entry->coarse;
}

void spending_use(const struct spending *spending, const struct policy *policy,
                  const struct spending_place *now, struct budget_use *ret_use)
{
    memset(ret_use, 0, sizeof(*ret_use));
    ret_use->crash_detections_night = spending->crash_detections;
    for (size_t i = 0; i < spending->n; i++) {
        const struct entry *entry = &spending->entries[i];
        bool here = entry->at.site == now->site, episode = entry->at.episode == now->episode;
        if (entry->sent)
            count_action(entry, here, episode, entry->at.t_night_ns > now->t_night_ns - HOUR_NS,
                         ret_use);
        if (entry->rule < 0 || !is_firing(entry, &policy->rules[entry->rule]))
            continue;
        ret_use->fired_site[entry->rule] += here;
        ret_use->fired_episode[entry->rule] += episode;
    }
}

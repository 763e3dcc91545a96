/* Checks of budgets, times and sites. */
#include "config/policy_lint.h"

#include <math.h>
#include <string.h>

/* A key's place if the file has it, else its section's. */
static struct place place_of(const struct reading *r, enum schema_section section, const char *name)
{
    int i = schema_find(section, name);
    if (i >= 0 && r->places->keys[i].line > 0)
        return r->places->keys[i];
    return r->places->sections[section];
}

static bool is_written(const struct reading *r, const char *name)
{
    int i = schema_find(SCHEMA_BUDGET, name);
    return i >= 0 && r->places->keys[i].line > 0;
}

static uint32_t budget_value(const struct policy *policy, const char *name)
{
    size_t n;
    uint32_t value;
    const struct schema_target *target = (const struct schema_target *)(const void *)policy;
    memcpy(&value, (const char *)target + schema_keys(&n)[schema_find(SCHEMA_BUDGET, name)].offset,
           sizeof(value));
    return value;
}

/* A narrow budget above a wider one could never be spent: whoever wrote it meant something else. */
static void check_order(struct reading *r, const struct policy *policy)
{
    static const char *const pairs[][2] = {
        {"actions_per_unproven_site", "actions_per_site"},
        {"actions_per_site", "actions_per_episode"},
        {"actions_per_episode", "actions_per_night"},
        {"actions_per_hour", "actions_per_night"},
        {"pulses_per_episode", "actions_per_episode"},
        {"pulses_per_episode", "pulses_per_night"},
        {"pulses_per_hour", "actions_per_hour"},
        {"pulses_per_hour", "pulses_per_night"},
        {"pulses_per_night", "actions_per_night"},
        {"crashes_per_episode", "actions_per_episode"},
        {"necks_per_night", "actions_per_night"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint32_t narrow = budget_value(policy, pairs[i][0]);
        uint32_t wide = budget_value(policy, pairs[i][1]);
        if (narrow > wide && is_written(r, pairs[i][0]))
            policy_errors_add(r->errors, place_of(r, SCHEMA_BUDGET, pairs[i][0]),
                              "budget.%s: %u can never be spent: budget.%s is %u", pairs[i][0],
                              narrow, pairs[i][1], wide);
    }
}

/* Firings that a rule may need in one episode: all its steps, or as many as it is allowed. */
static uint32_t firings(const struct policy_rule *rule)
{
    uint32_t steps = policy_rule_steps(rule), most = rule->at_most_per_episode;
    if (rule->mode != POLICY_ACTIVE || rule->response != POLICY_DO)
        return 0;
    if (steps > 0 && (most == 0 || steps < most))
        return steps;
    return most > 0 ? most : 1;
}

/* What one episode may need when every active rule is carried to its end. */
struct needs {
    uint32_t actions; /* pulses, crashes, necking, approaches */
    uint32_t pulses, crashes, necks, coarse_moves;
};

/* False: some rule could not be read, so the sums would be too small. */
static bool count_needs(const struct reading *r, const struct policy *policy, struct needs *needs)
{
    memset(needs, 0, sizeof(*needs));
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        uint32_t n = firings(rule);
        if (!r->places->rule[i].ok)
            return false;
        if (rule->response == POLICY_COARSE_MOVE) {
            needs->actions += rule->mode == POLICY_ACTIVE; /* its approach */
            needs->coarse_moves += rule->mode == POLICY_ACTIVE;
            continue;
        }
        switch (rule->action.kind) {
        case ACTION_PULSE:
            /* A ramp of the count is taken at its start: the check must not be too strict. */
            needs->pulses += n * (uint32_t)rule->action.count;
            break;
        case ACTION_CRASH:
            needs->crashes += n;
            break;
        case ACTION_NECK:
            needs->necks += n;
            break;
        case ACTION_RETRACT:
            if (rule->action.coarse_steps > 0 || rule->action.lateral_steps > 0)
                needs->coarse_moves += n;
            continue;
        case ACTION_REIMAGE:
        case ACTION_KIND_COUNT:
            continue;
        case ACTION_APPROACH:
            break;
        }
        needs->actions += n;
    }
    return true;
}

static void check_need(struct reading *r, const struct policy *policy, const char *name,
                       uint32_t need, const char *what)
{
    uint32_t allowed = budget_value(policy, name);
    if (need > allowed)
        policy_errors_add(r->errors, place_of(r, SCHEMA_BUDGET, name),
                          "budget.%s: %u is smaller than one cycle: the active rules need %u %s",
                          name, allowed, need, what);
}

static void check_cycle(struct reading *r, const struct policy *policy, const struct needs *needs)
{
    check_need(r, policy, "actions_per_episode", needs->actions, "actions");
    check_need(r, policy, "pulses_per_episode", needs->pulses, "pulses");
    check_need(r, policy, "crashes_per_episode", needs->crashes, "crashes");
    check_need(r, policy, "necks_per_night", needs->necks, "necking actions");
    check_need(r, policy, "coarse_moves_per_night", needs->coarse_moves, "coarse moves");
    if (!r->places->section_ok[SCHEMA_SETTLE])
        return;
    double least_s = needs->actions * policy->settle.cool_down_s;
    if (least_s > policy->budget.night_s)
        policy_errors_add(r->errors, place_of(r, SCHEMA_BUDGET, "night"),
                          "budget.night: shorter than one cycle: %u actions cool down for %g min",
                          needs->actions, least_s / 60);
}

static void check_limits_of_rules(struct reading *r, const struct policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        struct place place = r->places->rule[i].at_most;
        if (!r->places->rule[i].ok)
            continue;
        if (rule->at_most_per_episode > 0 && rule->at_most_per_site > rule->at_most_per_episode)
            policy_errors_add(r->errors, place, "at_most: per_site %u is above per_episode %u",
                              rule->at_most_per_site, rule->at_most_per_episode);
        if (rule->response == POLICY_DO && rule->at_most_per_site > policy->budget.actions_per_site)
            policy_errors_add(r->errors, place,
                              "at_most.per_site: %u is above budget.actions_per_site, %u",
                              rule->at_most_per_site, policy->budget.actions_per_site);
    }
}

static void check_sites(struct reading *r, const struct policy *policy, const struct needs *needs)
{
    const struct policy_sites *sites = &policy->sites;
    if (sites->separation_m < sites->forbidden_radius_m)
        policy_errors_add(r->errors, place_of(r, SCHEMA_SITES, "separation"),
                          "sites.separation: %g nm lies inside sites.forbidden_radius, %g nm",
                          sites->separation_m * 1e9, sites->forbidden_radius_m * 1e9);
    /* A grid around the first site. */
    double along = 2 * floor(sites->reach_m / sites->separation_m * (1 + 1e-9)) + 1;
    uint32_t unproven = policy->budget.actions_per_unproven_site;
    double needed =
        ceil((double)needs->actions / (unproven ? unproven : policy->budget.actions_per_site));
    if (along * along < needed)
        policy_errors_add(r->errors, place_of(r, SCHEMA_SITES, "reach"),
                          "sites.reach: room for %g sites, but one cycle of the rules needs %g",
                          along * along, needed);
}

void lint_budget(struct reading *r, const struct policy *policy)
{
    struct needs needs;
    if (r->places->section_ok[SCHEMA_SETTLE] &&
        policy->settle.cool_down_s < policy->settle.after_action_s)
        policy_errors_add(r->errors, place_of(r, SCHEMA_SETTLE, "cool_down"),
                          "settle.cool_down: %g s is shorter than settle.after_action, %g s: the "
                          "next action would come before a line was judged",
                          policy->settle.cool_down_s, policy->settle.after_action_s);
    if (!r->places->section_ok[SCHEMA_BUDGET])
        return;
    check_order(r, policy);
    check_limits_of_rules(r, policy);
    if (!count_needs(r, policy, &needs))
        return;
    check_cycle(r, policy, &needs);
    if (r->places->section_ok[SCHEMA_SITES])
        check_sites(r, policy, &needs);
}

/* Checks among rules. */
#include "config/policy_lint.h"

#include <string.h>

/* Scores between a good tip and one that is acted on, where nothing happens: less would be noise.
 */
#define BAND 0.05
/* From this chance on a tip may be called good on a verdict. */
#define SURE_ENOUGH 0.70
#define ROUNDING 1e-9

static const char *const docs[] = {
    "a rule whose conditions contradict each other, or that an earlier rule always answers first: "
    "active, without limit, not itself an action, with weaker or equal conditions and no longer "
    "confirmation",
    "no active rule that answers `good`, or one that is confirmed on less than whole frames, or "
    "that does not ask an accepted label for at least 0.50; neither is asked of one that is sure: "
    "`sure_good`, or `tip_good` at least 0.70",
    "a missing stop: an active rule that acts needs an end (a ramp or `at_most.per_episode`), and "
    "an active `hold` or `park` without limit that answers the same verdicts when it is used up",
    "no abstain band: between what `good` accepts and what a rule acts on, some label must be left "
    "0.05 or more of doubt",
    "an `until` that holds already when the rule fires, or that asks more than `good` does",
    "no active answer to `bad_blurry`, `wanted <` or `sure_bad`; `always` as the condition of an "
    "action on the "
    "tip",
    "an active necking rule while `necking.enabled` is false; an active acting rule under "
    "`observe_only`",
    "an action that takes too long: pulses more than 500 ms in all, anything else more than 60 s",
    "a narrow budget larger than a wider one; `at_most.per_site` beyond `budget.actions_per_site` "
    "or beyond `at_most.per_episode`",
    "a budget smaller than one cycle: an episode's actions, pulses, crashes or hours do not "
    "suffice for all steps of all active rules",
    "a `reach` without room for the sites that one cycle needs; `separation` below "
    "`forbidden_radius`",
    "`cool_down` shorter than `settle.after_action`: the next action would come before any line "
    "after the last one was judged",
};

const char *lint_doc(size_t i)
{
    return i < sizeof(docs) / sizeof(docs[0]) ? docs[i] : NULL;
}

static bool only_accepted(int label, const bool *accept)
{
    int n = 0;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        n += accept[i];
    return n == 1 && label != POLICY_WANTED && accept[label];
}

bool lint_implies(const struct policy_condition *a, const struct policy_condition *b,
                  const bool *accept)
{
    if (a->below != b->below)
        return false;
    bool stronger = a->below ? a->threshold <= b->threshold : a->threshold >= b->threshold;
    if (!stronger)
        return false;
    if (a->label == b->label)
        return true;
    /* The chance follows from the labels, but no single one decides it. */
    if (a->label == POLICY_TIP_GOOD || b->label == POLICY_TIP_GOOD)
        return false;
    /* "wanted" is a maximum: above it when one label is, and below it all labels are. */
    if (!a->below && b->label == POLICY_WANTED && accept[a->label])
        return true;
    if (a->below && a->label == POLICY_WANTED && accept[b->label])
        return true;
    return (a->label == POLICY_WANTED && only_accepted(b->label, accept)) ||
           (b->label == POLICY_WANTED && only_accepted(a->label, accept));
}

static bool implies_all(const struct policy_condition *a, size_t n_a,
                        const struct policy_condition *b, size_t n_b, const bool *accept)
{
    for (size_t i = 0; i < n_b; i++) {
        bool found = false;
        for (size_t k = 0; k < n_a && !found; k++)
            found = lint_implies(&a[k], &b[i], accept);
        if (!found)
            return false;
    }
    return true;
}

/* No verdict meets both, and `gap` lies between them. */
static bool excludes(const struct policy_condition *a, const struct policy_condition *b, double gap,
                     const bool *accept)
{
    if (a->below == b->below)
        return false;
    struct policy_condition beyond = *b;
    beyond.below = !b->below;
    beyond.threshold += b->below ? gap - ROUNDING : ROUNDING - gap;
    if (gap == 0)
        beyond.threshold = b->threshold;
    return lint_implies(a, &beyond, accept);
}

static bool any_excludes(const struct policy_rule *a, const struct policy_rule *b, double gap,
                         const bool *accept)
{
    for (size_t i = 0; i < a->n_when; i++)
        for (size_t k = 0; k < b->n_when; k++)
            if (excludes(&a->when[i], &b->when[k], gap, accept) ||
                excludes(&b->when[k], &a->when[i], gap, accept))
                return true;
    return false;
}

/* Changes the tip, as far as anybody knows beforehand. */
static bool acts_on_tip(const struct policy_rule *rule)
{
    return rule->response == POLICY_COARSE_MOVE ||
           (rule->response == POLICY_DO && rule->action.kind != ACTION_REIMAGE);
}

static bool sends(const struct policy_rule *rule)
{
    return rule->response == POLICY_DO || rule->response == POLICY_NEW_AREA ||
           rule->response == POLICY_COARSE_MOVE;
}

static bool is_stop(const struct policy_rule *rule)
{
    return rule->response == POLICY_HOLD || rule->response == POLICY_PARK;
}

static bool is_endless(const struct policy_rule *rule)
{
    return rule->at_most_per_site == 0 && rule->at_most_per_episode == 0 &&
           policy_rule_steps(rule) == 0;
}

static void check_contradiction(struct reading *r, const struct policy_condition *list, size_t n,
                                const struct place *places, const char *what, const bool *accept)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (excludes(&list[i], &list[k], 0, accept) ||
                excludes(&list[k], &list[i], 0, accept)) {
                policy_errors_add(r->errors, places[i],
                                  "'%s' can never hold: this contradicts '%s %s %g'", what,
                                  schema_label_name(list[k].label),
                                  list[k].below ? "<" : ">=", list[k].threshold);
                return;
            }
}

/*
 * Whenever `later` is confirmed, `earlier` is as well, and it always answers. An action does not:
 * when the budget of its kind is spent, the next rule is asked.
 */
static bool shadows(const struct policy_rule *earlier, const struct policy_rule *later,
                    const bool *accept)
{
    return earlier->mode == POLICY_ACTIVE && earlier->response != POLICY_DO &&
           is_endless(earlier) && earlier->confirm == later->confirm &&
           earlier->confirm_n <= later->confirm_n &&
           implies_all(later->when, later->n_when, earlier->when, earlier->n_when, accept);
}

static void check_reachable(struct reading *r, const struct policy *policy, size_t j)
{
    for (size_t i = 0; i < j; i++) {
        if (!r->places->rule[i].ok ||
            !shadows(&policy->rules[i], &policy->rules[j], policy->accept))
            continue;
        policy_errors_add(r->errors, r->places->rule[j].name,
                          "rule '%s' can never answer: '%s' (line %d) always answers first",
                          policy->rules[j].name, policy->rules[i].name,
                          r->places->rule[i].name.line);
        return;
    }
}

/* Unlimited waiting would hide what comes later for a whole night; so would unlimited action. */
static void check_end(struct reading *r, const struct policy *policy, size_t i)
{
    const struct policy_rule *rule = &policy->rules[i];
    if (rule->mode != POLICY_ACTIVE || rule->response == POLICY_GOOD || is_stop(rule))
        return;
    if (rule->at_most_per_episode == 0 && policy_rule_steps(rule) == 0) {
        policy_errors_add(r->errors, r->places->rule[i].then,
                          "rule '%s' has no end: give it 'at_most: {per_episode: ...}'%s",
                          rule->name, rule->response == POLICY_DO ? " or a ramp" : "");
        return;
    }
    for (size_t k = 0; sends(rule) && k < policy->n_rules; k++) {
        const struct policy_rule *stop = &policy->rules[k];
        if (is_stop(stop) && stop->mode == POLICY_ACTIVE && is_endless(stop) &&
            implies_all(rule->when, rule->n_when, stop->when, stop->n_when, policy->accept))
            return;
    }
    if (sends(rule))
        policy_errors_add(r->errors, r->places->rule[i].name,
                          "missing stop: when rule '%s' is used up, no active rule answers "
                          "'hold' or 'park' to the same verdicts",
                          rule->name);
}

static void check_band(struct reading *r, const struct policy *policy, size_t i, size_t good)
{
    const struct policy_rule *rule = &policy->rules[i], *target = &policy->rules[good];
    const struct rule_places *places = &r->places->rule[i];
    if (!acts_on_tip(rule) || rule->mode == POLICY_OFF || rule->n_when == 0)
        return;
    if (!any_excludes(rule, target, 0, policy->accept))
        policy_errors_add(r->errors, places->when_all,
                          "rule '%s' would act on a tip that '%s' (line %d) calls good", rule->name,
                          target->name, target->line);
    else if (!any_excludes(rule, target, BAND, policy->accept))
        policy_errors_add(r->errors, places->when_all,
                          "no abstain band: rule '%s' acts within %g of what '%s' (line %d) calls "
                          "good",
                          rule->name, BAND, target->name, target->line);
    for (size_t k = 0; k < rule->n_until; k++)
        if (!implies_all(target->when, target->n_when, &rule->until[k], 1, policy->accept))
            policy_errors_add(r->errors, places->until[k],
                              "'until' asks more than '%s' (line %d): a good tip would still be "
                              "acted on",
                              target->name, target->line);
}

static void check_until(struct reading *r, const struct policy *policy, size_t i)
{
    const struct policy_rule *rule = &policy->rules[i];
    const struct rule_places *places = &r->places->rule[i];
    if (rule->n_until == 0)
        return;
    if (!sends(rule))
        policy_errors_add(r->errors, places->until_all,
                          "'until' belongs to rules that act more than once");
    else if (rule->n_when > 0 &&
             implies_all(rule->when, rule->n_when, rule->until, rule->n_until, policy->accept))
        policy_errors_add(r->errors, places->until_all,
                          "'until' holds already whenever 'when' does: the rule would end at once");
    check_contradiction(r, rule->until, rule->n_until, places->until, "until", policy->accept);
}

static void check_good(struct reading *r, const struct policy *policy, size_t i)
{
    const struct policy_rule *rule = &policy->rules[i];
    const struct rule_places *places = &r->places->rule[i];
    const struct policy_condition half = {POLICY_WANTED, false, 0.5};
    const struct policy_condition sure = {POLICY_TIP_GOOD, false, SURE_ENOUGH};
    /* The chance has been weighed over lines and frames already. */
    if (implies_all(rule->when, rule->n_when, &sure, 1, policy->accept))
        return;
    if (rule->confirm != POLICY_FRAMES)
        policy_errors_add(r->errors, places->confirm,
                          "a good tip is confirmed on whole frames, like '3 frames'");
    if (!implies_all(rule->when, rule->n_when, &half, 1, policy->accept))
        policy_errors_add(r->errors, places->when_all,
                          "'good' must ask for 'wanted' or an accepted label >= 0.50 or more");
}

static void check_action(struct reading *r, const struct policy *policy, size_t i)
{
    const struct policy_rule *rule = &policy->rules[i];
    const struct rule_places *places = &r->places->rule[i];
    if (rule->mode == POLICY_ACTIVE && sends(rule) && r->profile && !r->profile->acts)
        policy_errors_add(r->errors, places->then,
                          "profile %s sends nothing; write 'mode: advise' or 'mode: off'",
                          r->profile->name);
    if (acts_on_tip(rule) && rule->n_when == 0)
        policy_errors_add(r->errors, places->when_all,
                          "an action on the tip needs a condition, not 'always'");
    if (rule->response != POLICY_DO)
        return;
    if (rule->action.kind == ACTION_NECK && rule->mode == POLICY_ACTIVE &&
        !policy->limits.allowed[ACTION_NECK] && r->profile && r->profile->acts)
        policy_errors_add(r->errors, places->then,
                          "necking is not enabled (necking.enabled); write 'mode: off'");
    struct action last = rule->action;
    uint32_t steps = policy_rule_steps(rule);
    double longest = schema_action_seconds(&last);
    if (steps > 0 && policy_rule_action(rule, steps - 1, &last) == 0 &&
        schema_action_seconds(&last) > longest)
        longest = schema_action_seconds(&last);
    double limit = rule->action.kind == ACTION_PULSE ? SCHEMA_PULSE_MILLISECONDS_MAX * 1e-3
                                                     : SCHEMA_ACTION_SECONDS_MAX;
    if (longest > limit + ROUNDING)
        policy_errors_add(r->errors, places->parameter,
                          "this %s takes %.3g s, longer than the watchdog allows (%g s)",
                          action_kind_name(rule->action.kind), longest, limit);
}

static bool answers_bad(const struct policy_rule *rule)
{
    if (rule->mode != POLICY_ACTIVE || (!sends(rule) && !is_stop(rule)))
        return false;
    /* A bad tip is not wanted either. */
    if (rule->n_when == 1 && rule->when[0].label == POLICY_WANTED && rule->when[0].below)
        return true;
    for (size_t i = 0; i < rule->n_when; i++)
        if ((rule->when[i].label == NN_LABEL_BAD_BLURRY && !rule->when[i].below) ||
            (rule->when[i].label == POLICY_TIP_GOOD && rule->when[i].below))
            return true;
    return false;
}

/* What the rules together lack. Only said when every rule could be read. */
static void check_whole(struct reading *r, const struct policy *policy)
{
    bool good = false, bad = false;
    for (size_t i = 0; i < policy->n_rules; i++) {
        if (!r->places->rule[i].ok)
            return;
        good = good ||
               (policy->rules[i].response == POLICY_GOOD && policy->rules[i].mode == POLICY_ACTIVE);
        bad = bad || answers_bad(&policy->rules[i]);
    }
    if (policy->n_rules == 0)
        return;
    if (!good)
        policy_errors_add(r->errors, r->places->rules,
                          "no active rule answers 'good': the night could never reach its goal");
    if (!bad && r->profile && r->profile->acts)
        policy_errors_add(
            r->errors, r->places->rules,
            "no active rule answers a bad tip ('bad_blurry >= ...', 'wanted < ...' or 'sure_bad')");
}

void lint_rules(struct reading *r, const struct policy *policy)
{
    /* "wanted" means nothing while the accepted labels are not known. */
    if (!r->places->section_ok[SCHEMA_ACCEPT])
        return;
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        const struct rule_places *places = &r->places->rule[i];
        if (!places->ok)
            continue;
        check_contradiction(r, rule->when, rule->n_when, places->when, "when", policy->accept);
        check_until(r, policy, i);
        check_action(r, policy, i);
        check_end(r, policy, i);
        check_reachable(r, policy, i);
        if (rule->response == POLICY_GOOD)
            check_good(r, policy, i);
        for (size_t good = 0; good < policy->n_rules; good++)
            if (r->places->rule[good].ok && policy->rules[good].response == POLICY_GOOD)
                check_band(r, policy, i, good);
    }
    check_whole(r, policy);
}

/* Rules in order over the decision window; budgets turn an answer into another, never a value. */
#include "agent/decide.h"

#include "agent/decide_budget.h"
#include "agent/sites.h"
#include "config/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The question that one call answers, so that helpers take one argument for it. */
struct question {
    const struct policy *policy;
    const struct situation *situation;
};

typedef bool (*verdict_test)(const struct policy *policy, const struct policy_rule *rule,
                             const struct verdict *verdict);

/* Why a rule that matches cannot fire. */
enum spent {
    SPENT_NOT,
    SPENT_RULE, /* its own count or ramp: the next rule is asked */
    SPENT_KIND, /* a budget of its kind of action: the next rule is asked, and none answers = end */
    SPENT_SITE, /* this site has had its actions: a new area instead */
    SPENT_HOUR, /* wait */
    SPENT_END   /* episode, night, sites: the night is over */
};

static void say(struct decision *decision, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds to the sentence; what does not fit is cut. */
static void say(struct decision *decision, const char *format, ...)
{
    size_t used = strlen(decision->why);
    va_list args;
    va_start(args, format);
    vsnprintf(decision->why + used, sizeof(decision->why) - used, format, args);
    va_end(args);
}

/* NAN, which meets no condition: a chance that nobody has worked out. */
static float score(const struct policy *policy, const struct verdict *verdict, int label)
{
    if (label == POLICY_TIP_GOOD)
        return verdict->tip_good_lines > 0 ? verdict->tip_good : NAN;
    if (label != POLICY_WANTED)
        return verdict->p[label];
    float best = 0;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (policy->accept[i] && verdict->p[i] > best)
            best = verdict->p[i];
    return best;
}

/* Compared as floats: a score of 0.7f must meet a threshold written "0.70". */
static bool holds(const struct policy *policy, const struct policy_condition *condition,
                  const struct verdict *verdict)
{
    float p = score(policy, verdict, condition->label);
    float threshold = (float)condition->threshold;
    return condition->below ? p < threshold : p >= threshold;
}

static bool all_hold(const struct policy *policy, const struct policy_condition *conditions,
                     size_t n, const struct verdict *verdict)
{
    for (size_t i = 0; i < n; i++)
        if (!holds(policy, &conditions[i], verdict))
            return false;
    return true;
}

static bool when_holds(const struct policy *policy, const struct policy_rule *rule,
                       const struct verdict *verdict)
{
    return all_hold(policy, rule->when, rule->n_when, verdict);
}

static bool until_holds(const struct policy *policy, const struct policy_rule *rule,
                        const struct verdict *verdict)
{
    return all_hold(policy, rule->until, rule->n_until, verdict);
}

static bool until_is_open(const struct policy *policy, const struct policy_rule *rule,
                          const struct verdict *verdict)
{
    return !until_holds(policy, rule, verdict);
}

static bool is_whole(const struct verdict *verdict)
{
    return verdict->lines_total > 0 && verdict->lines_seen == verdict->lines_total &&
           verdict->lines_due == verdict->lines_total;
}

static bool is_same_frame(const struct verdict *a, const struct verdict *b)
{
    return a->scan == b->scan && a->run == b->run && a->cycle == b->cycle && a->trace == b->trace;
}

bool decide_is_judged(const struct policy *policy, const struct verdict *verdict)
{
    uint32_t seen = verdict->lines_seen;
    uint32_t stride = policy->stride ? policy->stride : 1;
    if (!scan_trace_is_forward(verdict->trace) || seen == 0 || seen > verdict->lines_due ||
        verdict->lines_due > verdict->lines_total)
        return false;
    if ((double)seen < policy->guards.lines_present * (double)verdict->lines_due)
        return false;
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (!(verdict->p[i] >= 0 && verdict->p[i] <= 1))
            return false;
    if (is_whole(verdict))
        return true;
    return seen >= policy->min_lines && (seen - policy->min_lines) % stride == 0;
}

/* A missing other direction is a disagreement: it cannot confirm anything. */
static bool directions_agree(const struct policy *policy, const struct verdict *verdict)
{
    if (!policy->judge_backward)
        return true;
    for (int i = 0; i < NN_LABEL_COUNT; i++) {
        float difference = fabsf(verdict->p[i] - verdict->p_other[i]);
        if (policy->accept[i] && !(difference <= (float)policy->agree_within))
            return false;
    }
    return true;
}

/* The test holds on the last `n` judged verdicts of the window. */
static bool verdicts_confirm(const struct question *q, const struct policy_rule *rule, uint32_t n,
                             verdict_test test)
{
    uint32_t in_row = 0;
    for (size_t i = q->situation->n_verdicts; i-- > 0 && in_row < n;) {
        const struct verdict *verdict = &q->situation->verdicts[i];
        if (!decide_is_judged(q->policy, verdict))
            continue;
        if (!directions_agree(q->policy, verdict) || !test(q->policy, rule, verdict))
            return false;
        in_row++;
    }
    return in_row == n;
}

/* The test holds on the last verdicts of the last `n` frames, all whole, the newest just ended. */
static bool frames_confirm(const struct question *q, const struct policy_rule *rule, uint32_t n,
                           verdict_test test)
{
    uint32_t in_row = 0;
    const struct verdict *later = NULL;
    for (size_t i = q->situation->n_verdicts; i-- > 0 && in_row < n;) {
        const struct verdict *verdict = &q->situation->verdicts[i];
        if (!scan_trace_is_forward(verdict->trace) || (later && is_same_frame(verdict, later)))
            continue;
        later = verdict;
        if (!is_whole(verdict) || !decide_is_judged(q->policy, verdict) ||
            !directions_agree(q->policy, verdict) || !test(q->policy, rule, verdict))
            return false;
        in_row++;
    }
    return in_row == n;
}

static bool is_confirmed(const struct question *q, const struct policy_rule *rule,
                         verdict_test test)
{
    uint32_t n = rule->confirm_n ? rule->confirm_n : 1;
    return rule->confirm == POLICY_FRAMES ? frames_confirm(q, rule, n, test)
                                          : verdicts_confirm(q, rule, n, test);
}

/* Hysteresis: an engaged rule goes on matching, and lets go, by `until`; both want confirmation. */
static bool rule_matches(const struct question *q, size_t rule_index, uint32_t *engaged)
{
    const struct policy_rule *rule = &q->policy->rules[rule_index];
    uint32_t bit = UINT32_C(1) << rule_index;
    if (rule->mode == POLICY_ACTIVE && rule->n_until > 0 && (*engaged & bit)) {
        if (is_confirmed(q, rule, until_is_open))
            return true;
        if (is_confirmed(q, rule, until_holds))
            *engaged &= ~bit;
    }
    return is_confirmed(q, rule, when_holds);
}

static bool is_reached(uint32_t used, uint32_t at_most)
{
    return at_most != 0 && used >= at_most;
}

/* The rule's own limits; 0 in a rule means no limit. */
static enum spent rule_spent(const struct question *q, size_t i, struct decision *decision)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    const struct budget_use *use = &q->situation->use;
    struct action action;
    if (is_reached(use->fired_site[i], rule->at_most_per_site)) {
        say(decision, "rule %s matches but has fired %u of %u times at this site", rule->name,
            use->fired_site[i], rule->at_most_per_site);
        return SPENT_RULE;
    }
    if (is_reached(use->fired_episode[i], rule->at_most_per_episode)) {
        say(decision, "rule %s matches but has fired %u of %u times in this episode", rule->name,
            use->fired_episode[i], rule->at_most_per_episode);
        return SPENT_RULE;
    }
    if (rule->response == POLICY_DO &&
        policy_rule_action(rule, use->fired_episode[i], &action) != 0) {
        say(decision, "rule %s matches but its ramp ended after %u firings", rule->name,
            use->fired_episode[i]);
        return SPENT_RULE;
    }
    return SPENT_NOT;
}

/* Room in the budgets for the rule's next action. */
static enum spent budget_spent(const struct question *q, size_t i, struct decision *decision)
{
    static const enum spent meaning[] = {[BUDGET_ENDS] = SPENT_END,
                                         [BUDGET_KIND] = SPENT_KIND,
                                         [BUDGET_SITE] = SPENT_SITE,
                                         [BUDGET_HOURLY] = SPENT_HOUR};
    struct budget_row rows[BUDGET_ROWS_MAX];
    struct action action = {.kind = ACTION_KIND_COUNT};
    const struct policy_rule *rule = &q->policy->rules[i];
    if (rule->response == POLICY_COARSE_MOVE)
        sites_coarse_move(&q->policy->sites, &action);
    else if (policy_rule_action(rule, q->situation->use.fired_episode[i], &action) != 0)
        return SPENT_RULE;
    size_t n = budget_rows(q->policy, &q->situation->use, &action, rows);
    const struct budget_row *row = budget_first_spent(rows, n);
    if (!row)
        return SPENT_NOT;
    say(decision, "%s is spent: %u of %u", row->name, row->used, row->limit);
    return meaning[row->scope];
}

/* Whether rule i, which matches, may fire now; the sentence says why not. */
static enum spent what_is_spent(const struct question *q, size_t i, struct decision *decision)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    enum spent spent = rule_spent(q, i, decision);
    bool moves = rule->response == POLICY_NEW_AREA || rule->response == POLICY_COARSE_MOVE;
    if (spent != SPENT_NOT || (rule->response != POLICY_DO && !moves))
        return spent;
    if (q->situation->sites_without_gain >= q->policy->guards.no_progress_sites) {
        say(decision, "no progress: %u sites without a better verdict",
            q->situation->sites_without_gain);
        return SPENT_END;
    }
    return rule->response == POLICY_NEW_AREA ? SPENT_NOT : budget_spent(q, i, decision);
}

/* "bad_blurry 0.91 >= 0.80", or "tip good with chance 0.013 < 0.020 after 46 lines" */
static void explain_condition(const struct question *q, const struct policy_condition *condition,
                              struct decision *decision)
{
    const struct verdict *newest = &q->situation->verdicts[q->situation->n_verdicts - 1];
    double p = (double)score(q->policy, newest, condition->label);
    const char *sign = condition->below ? "<" : ">=";
    if (condition->label == POLICY_TIP_GOOD)
        say(decision, "tip good with chance %.3f %s %.3f after %u lines", p, sign,
            condition->threshold, newest->tip_good_lines);
    else
        say(decision, "%s %.3f %s %.2f",
            condition->label == POLICY_WANTED ? "wanted"
                                              : nn_label_name((enum nn_label)condition->label),
            p, sign, condition->threshold);
}

/* "bad_blurry 0.91 >= 0.80 and ... on 2 verdicts, firing 3 of the episode" */
static void explain_match(const struct question *q, size_t i, struct decision *decision)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    bool by_when = is_confirmed(q, rule, when_holds);
    const struct policy_condition *conditions = by_when ? rule->when : rule->until;
    size_t n = by_when ? rule->n_when : rule->n_until;
    uint32_t in_row = rule->confirm_n ? rule->confirm_n : 1;
    decision->why[0] = '\0';
    if (!by_when)
        say(decision, "goes on until ");
    for (size_t c = 0; c < n; c++) {
        say(decision, "%s", c ? " and " : "");
        explain_condition(q, &conditions[c], decision);
    }
    say(decision, "%s on %u %s%s, firing %u", n ? "" : "no condition", in_row,
        rule->confirm == POLICY_FRAMES ? "frame" : "verdict", in_row == 1 ? "" : "s in a row",
        q->situation->use.fired_episode[i] + 1);
}

static void answer(const struct question *q, size_t i, enum decision_kind kind,
                   struct decision *decision)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    decision->kind = kind;
    decision->rule = (int)i;
    decision->response = rule->response;
    if (rule->response == POLICY_DO)
        (void)policy_rule_action(rule, q->situation->use.fired_episode[i], &decision->action);
    explain_match(q, i, decision);
    if (kind != DECISION_RULE)
        return;
    /* A good tip starts an episode: what other rules had begun is over. */
    if (rule->response == POLICY_GOOD)
        decision->engaged = 0;
    if (rule->n_until > 0)
        decision->engaged |= UINT32_C(1) << i;
}

/* ---- strategies: which of the actions that may be taken ---- */

/* A line of a test frame, about: what is looked at before the next decision. */
static const double LINE_S = 0.33;

struct choice {
    struct learn_option options[LEARN_OPTIONS_MAX];
    size_t rules[LEARN_OPTIONS_MAX];
    size_t n;
    uint32_t offset; /* steps of the ladder before the rule that is being added */
};

static bool is_conditioning(const struct policy_rule *rule)
{
    return rule->response == POLICY_DO && learn_is_about(&rule->action);
}

static bool has_room(const struct question *q, const struct action *action)
{
    struct budget_row rows[BUDGET_ROWS_MAX];
    size_t n = budget_rows(q->policy, &q->situation->use, action, rows);
    return budget_first_spent(rows, n) == NULL;
}

static void add_option(const struct question *q, size_t i, uint32_t step, struct choice *choice)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    uint32_t next = q->situation->use.fired_episode[i];
    struct learn_option *option = &choice->options[choice->n];
    if (choice->n == LEARN_OPTIONS_MAX || policy_rule_action(rule, step, &option->action) != 0 ||
        !has_room(q, &option->action))
        return;
    const struct action *action = &option->action;
    double size = action->kind == ACTION_CRASH ? action->depth_m : fabs(action->voltage_v);
    double most = q->policy->limits.range[action->kind][0].max;
    option->distance = choice->offset + (step > next ? step - next : next - step);
    option->seconds = schema_action_seconds(action) + q->policy->settle.after_action_s +
                      q->policy->min_lines * LINE_S;
    option->violence = most > 0 ? fmin(size / most, 1) : 0;
    choice->rules[choice->n++] = i;
}

/* The steps that are open to rule i, which matches and may fire: all of its ramp, or the next. */
static void add_rule(const struct question *q, size_t i, struct choice *choice)
{
    const struct policy_rule *rule = &q->policy->rules[i];
    const struct budget_use *use = &q->situation->use;
    uint32_t steps = policy_rule_steps(rule), next = use->fired_episode[i];
    bool all = steps > 0 && q->policy->strategy == POLICY_LEARN;
    for (uint32_t step = all ? 0 : next; step < (all ? steps : next + 1); step++)
        add_option(q, i, step, choice);
    uint32_t left = steps > next ? steps - next : 1;
    if (rule->at_most_per_site > 0 && rule->at_most_per_site - use->fired_site[i] < left)
        left = rule->at_most_per_site - use->fired_site[i];
    choice->offset += left;
}

/* Rule `first` and every later one that could act now. */
static void gather(const struct question *q, size_t first, uint32_t engaged, struct choice *choice)
{
    choice->n = choice->offset = 0;
    for (size_t i = first; i < q->policy->n_rules; i++) {
        struct decision unused = {.kind = DECISION_NONE};
        if (q->policy->rules[i].mode == POLICY_ACTIVE && is_conditioning(&q->policy->rules[i]) &&
            rule_matches(q, i, &engaged) && what_is_spent(q, i, &unused) == SPENT_NOT)
            add_rule(q, i, choice);
    }
}

/* Scattered by Stafford's variant 13 of the mixer of MurmurHash3: any seed will do. */
static size_t draw(const struct situation *situation, size_t n)
{
    uint64_t x = situation->night * UINT64_C(0x9e3779b97f4a7c15) +
                 situation->use.actions_night * UINT64_C(0xd1342543de82ef95) +
                 (uint64_t)situation->t_night_ns;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((x ^ (x >> 31)) % n);
}

/* Rule `first` would act; the strategy may take another action that may be taken as well. */
static void answer_by_strategy(const struct question *q, size_t first, struct decision *decision)
{
    struct choice choice;
    char chosen[120], match[sizeof(decision->why)];
    const struct situation *situation = q->situation;
    gather(q, first, decision->engaged, &choice);
    if (choice.n == 0) {
        answer(q, first, DECISION_RULE, decision);
        return;
    }
    size_t pick;
    if (q->policy->strategy == POLICY_RANDOM) {
        pick = draw(situation, choice.n);
        snprintf(chosen, sizeof(chosen), "drawn from %zu", choice.n);
    } else {
        const struct verdict *newest = &situation->verdicts[situation->n_verdicts - 1];
        pick = learn_choose(situation->learned, choice.options, choice.n, learn_seen_of(newest),
                            chosen, sizeof(chosen));
    }
    answer(q, choice.rules[pick], DECISION_RULE, decision);
    decision->action = choice.options[pick].action;
    memcpy(match, decision->why, sizeof(match));
    decision->why[0] = '\0';
    say(decision, "%s; %s", chosen, match);
}

/* What becomes of an active rule that matches. True: the decision stands. */
static bool settle_active(const struct question *q, size_t i, struct decision *decision)
{
    enum policy_strategy strategy = q->policy->strategy;
    bool chooses =
        is_conditioning(&q->policy->rules[i]) &&
        (strategy == POLICY_RANDOM || (strategy == POLICY_LEARN && q->situation->learned != NULL));
    struct decision no = {.kind = DECISION_NONE, .rule = (int)i, .engaged = decision->engaged};
    enum spent spent = what_is_spent(q, i, &no);
    switch (spent) {
    case SPENT_NOT:
        if (chooses)
            answer_by_strategy(q, i, decision);
        else
            answer(q, i, DECISION_RULE, decision);
        return true;
    case SPENT_SITE:
        no.kind = DECISION_RULE;
        no.response = POLICY_NEW_AREA;
        say(&no, ", so rule %s moves on to a new area", q->policy->rules[i].name);
        break;
    case SPENT_HOUR:
        no.rule = -1;
        say(&no, ", so rule %s waits", q->policy->rules[i].name);
        break;
    case SPENT_END:
        no.kind = DECISION_END;
        break;
    case SPENT_RULE:
    case SPENT_KIND:
        /* The first reason is the one to tell; a spent kind weighs more than a spent rule. */
        if (decision->why[0] == '\0' || (spent == SPENT_KIND && decision->kind == DECISION_NONE)) {
            memcpy(decision->why, no.why, sizeof(no.why));
            if (spent == SPENT_KIND) {
                decision->kind = DECISION_END;
                decision->rule = (int)i;
            }
        }
        return false;
    }
    *decision = no;
    return true;
}

static void ask_rules(const struct question *q, struct decision *decision)
{
    /* Until an active rule answers, `decision` says what happens if none does. */
    struct decision advice = {.kind = DECISION_NONE};
    for (size_t i = 0; i < q->policy->n_rules; i++) {
        const struct policy_rule *rule = &q->policy->rules[i];
        struct decision unused = {.kind = DECISION_NONE};
        if (rule->mode == POLICY_OFF || !rule_matches(q, i, &decision->engaged))
            continue;
        if (rule->mode == POLICY_ADVISE) {
            if (advice.kind == DECISION_NONE && rule_spent(q, i, &unused) == SPENT_NOT)
                answer(q, i, DECISION_ADVISE, &advice);
        } else if (settle_active(q, i, decision)) {
            return;
        }
    }
    if (decision->kind == DECISION_NONE && advice.kind == DECISION_ADVISE) {
        advice.engaged = decision->engaged;
        *decision = advice;
    } else if (decision->why[0] == '\0') {
        say(decision, "no rule matches");
    }
}

void decide(const struct policy *policy, const struct situation *situation,
            struct decision *ret_decision)
{
    const struct question q = {policy, situation};
    struct decision decision = {.kind = DECISION_NONE, .rule = -1, .engaged = situation->engaged};
    double night_s = (double)situation->t_night_ns * 1e-9;
    const struct verdict *newest =
        situation->n_verdicts ? &situation->verdicts[situation->n_verdicts - 1] : NULL;

    if (!(night_s < policy->budget.night_s)) {
        decision.kind = DECISION_END;
        say(&decision, "the night's %.0f s are over", policy->budget.night_s);
    } else if (!newest) {
        say(&decision, "nothing seen since the window was opened");
    } else if (!decide_is_judged(policy, newest)) {
        say(&decision, "not judged at %u lines of %u due, %u in all", newest->lines_seen,
            newest->lines_due, newest->lines_total);
    } else if (!directions_agree(policy, newest)) {
        say(&decision,
            isnan(newest->p_other[0]) ? "no backward trace to compare with at line %u"
                                      : "forward and backward disagree at line %u",
            newest->line);
    } else {
        ask_rules(&q, &decision);
    }
    *ret_decision = decision;
}

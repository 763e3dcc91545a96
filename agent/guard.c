/* One table of conditions, in the order of asking. Every comparison is written so that NaN fails.
 */
#include "agent/guard.h"

#include "agent/decide_budget.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* A fast or simulated scan has lines every few ms; our own pauses must not look like staleness. */
#define STALE_FLOOR_NS INT64_C(1000000000)

static const char *const safety_names[SAFETY_COUNT] = {
    [SAFETY_ARMED] = "armed",
    [SAFETY_HOLD] = "hold",
    [SAFETY_RETRACT] = "retract",
    [SAFETY_PARKED] = "parked",
};

static const char *const verdict_names[GUARD_VERDICT_COUNT] = {
    [GUARD_PASS] = "pass",
    [GUARD_NOT_ARMED] = "not-armed",
    [GUARD_LINK_DOWN] = "link-down",
    [GUARD_NOT_FENCED] = "not-fenced",
    [GUARD_COMMAND_OPEN] = "command-open",
    [GUARD_JOURNAL] = "journal",
    [GUARD_MODEL] = "model",
    [GUARD_NO_FRAME] = "no-frame",
    [GUARD_STALE] = "stale-data",
    [GUARD_LINES_MISSING] = "lines-missing",
    [GUARD_FEEDBACK_OFF] = "feedback-off",
    [GUARD_OVER_CURRENT] = "over-current",
    [GUARD_Z_RANGE] = "z-range",
    [GUARD_FLAT_LINE] = "flat-line",
    [GUARD_BAD_AREA] = "bad-area",
    [GUARD_BOUNDS] = "bounds",
    [GUARD_COOL_DOWN] = "cool-down",
    [GUARD_BUDGET] = "budget",
    [GUARD_NIGHT_OVER] = "night-over",
};

const char *safety_name(enum safety safety)
{
    return safety_names[safety];
}

const char *guard_verdict_name(enum guard_verdict verdict)
{
    return verdict_names[verdict];
}

/* One asking: what is asked, over which facts, and room for the sentence. */
struct asking {
    const struct policy *policy;
    const struct action_limits *limits;
    const struct guard_facts *facts;
    const struct action *action;
    char *why;
    size_t why_size;
};

/* True: the condition is met. False: it is not, and `why` says so. */
typedef bool (*condition)(const struct asking *asking);

static bool refuse(const struct asking *asking, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(const struct asking *asking, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(asking->why, asking->why_size, format, args);
    va_end(args);
    return false;
}

static bool is_armed(const struct asking *a)
{
    const struct guard_facts *f = a->facts;
    if (f->safety == SAFETY_ARMED || (f->safety == SAFETY_HOLD && f->operator_request))
        return true;
    return refuse(a, "the safe state is %s",
                  (unsigned)f->safety < SAFETY_COUNT ? safety_name(f->safety) : "unknown");
}

static bool is_link_up(const struct asking *a)
{
    return a->facts->link_up || refuse(a, "no contact with the instrument");
}

static bool is_fenced(const struct asking *a)
{
    return a->facts->fenced || refuse(a, "the instrument has not confirmed our epoch");
}

static bool is_command_free(const struct asking *a)
{
    return !a->facts->command_open || refuse(a, "an earlier command has no outcome yet");
}

static bool is_journal_ok(const struct asking *a)
{
    return a->facts->journal_ok || refuse(a, "the journal cannot record");
}

static bool is_model_ok(const struct asking *a)
{
    return a->facts->model_ok || refuse(a, "no sound model is loaded");
}

static bool is_frame_begun(const struct asking *a)
{
    return a->facts->frame_begun || refuse(a, "no frame has begun in this session");
}

static bool is_fresh(const struct asking *a)
{
    int64_t age_ns = a->facts->line_age_ns;
    double limit_ns = a->policy->guards.stale_line_periods * (double)a->facts->line_period_ns;
    if (age_ns < 0 || a->facts->line_period_ns <= 0)
        return refuse(a, "the age of the newest line is not known");
    if ((double)age_ns <= limit_ns || (limit_ns >= 0 && age_ns <= STALE_FLOOR_NS))
        return true;
    return refuse(a, "the newest line is %.3f s old, lines come every %.3f s",
                  (double)age_ns * 1e-9, (double)a->facts->line_period_ns * 1e-9);
}

static bool are_lines_present(const struct asking *a)
{
    uint32_t seen = a->facts->lines_seen, due = a->facts->lines_due;
    if (seen > 0 && seen <= due && (double)seen >= a->policy->guards.lines_present * (double)due)
        return true;
    return refuse(a, "%" PRIu32 " of %" PRIu32 " lines are there, %.0f %% are needed", seen, due,
                  a->policy->guards.lines_present * 100);
}

static bool is_feedback_on(const struct asking *a)
{
    return a->facts->feedback_on || refuse(a, "the feedback is off");
}

static bool is_current_in_range(const struct asking *a)
{
    return !a->facts->over_current ||
           refuse(a, "current above %.3g A", a->policy->guards.over_current_a);
}

static bool is_z_in_range(const struct asking *a)
{
    if (fabs(a->facts->z_m) <= a->policy->guards.z_range_m)
        return true;
    return refuse(a, "z is %.3g m, +-%.3g m are allowed", a->facts->z_m,
                  a->policy->guards.z_range_m);
}

static bool is_not_flat(const struct asking *a)
{
    return a->facts->flat_lines_in_a_row == 0 ||
           refuse(a, "%" PRIu32 " flat lines in a row: not tunnelling",
                  a->facts->flat_lines_in_a_row);
}

static bool is_area_good(const struct asking *a)
{
    return a->facts->bad_lines_in_a_row < a->policy->guards.bad_lines ||
           refuse(a, "%" PRIu32 " lines in a row are rougher than %.3g m",
                  a->facts->bad_lines_in_a_row, a->policy->guards.bad_line_m);
}

static bool is_within(const struct asking *a, const struct action_limits *limits, const char *whose)
{
    const struct action_parameter *parameter = NULL;
    int error = action_check(a->action, limits, &parameter);
    if (error == 0)
        return true;
    if (error == -EINVAL)
        return refuse(a, "a count is not whole or a field is set that %s does not use",
                      action_kind_name(a->action->kind));
    if (!parameter)
        return refuse(a, "this kind of action is not allowed by %s", whose);
    return refuse(a, "%s %g %s is outside %s", parameter->name, action_get(a->action, parameter),
                  parameter->unit, whose);
}

/* The compiled ceilings hold whatever a policy's or an instrument's limits say. */
static bool is_in_bounds(const struct asking *a)
{
    struct action_limits ceiling;
    if ((unsigned)a->policy->profile >= ACTION_PROFILE_COUNT)
        return refuse(a, "the profile is unknown");
    action_limits_ceiling(a->policy->profile, &ceiling);
    ceiling.allowed[ACTION_NECK] = 1; /* whether necking is enabled is for `limits` to say */
    return is_within(a, &ceiling, "the compiled ceiling") &&
           is_within(a, a->limits, "the limits of policy and instrument");
}

static bool is_cooled_down(const struct asking *a)
{
    if (a->facts->since_action_s >= a->policy->settle.cool_down_s)
        return true;
    return refuse(a, "the last action ended %.3g s ago, %.3g s must pass", a->facts->since_action_s,
                  a->policy->settle.cool_down_s);
}

static bool is_in_budget(const struct asking *a)
{
    struct budget_row rows[BUDGET_ROWS_MAX];
    size_t n = budget_rows(a->policy, &a->facts->use, a->action, rows);
    const struct budget_row *row = budget_first_spent(rows, n);
    return !row || refuse(a, "%s: %" PRIu32 " of %" PRIu32 " used, %" PRIu32 " more wanted",
                          row->name, row->used, row->limit, row->need);
}

static bool is_night_on(const struct asking *a)
{
    if (a->facts->night_s < a->policy->budget.night_s)
        return true;
    return refuse(a, "the night is %.0f s old and was to last %.0f s", a->facts->night_s,
                  a->policy->budget.night_s);
}

#define KIND(kind) (1 << (kind))

enum {
    ALL = KIND(ACTION_KIND_COUNT) - 1,
    /* With the tip on its way out nothing about the scan matters. */
    NOT_RETRACT = ALL - KIND(ACTION_RETRACT),
    /* And a tip that is out has no scan. */
    SCANNING = NOT_RETRACT - KIND(ACTION_APPROACH),
    /* Leaving a bad area is the cure for it. */
    STAYING = SCANNING - KIND(ACTION_REIMAGE)
};

static const struct {
    enum guard_verdict verdict;
    int kinds; /* that must meet it */
    condition is_met;
} conditions[] = {
    {GUARD_NOT_ARMED, ALL, is_armed},
    {GUARD_LINK_DOWN, ALL, is_link_up},
    {GUARD_NOT_FENCED, ALL, is_fenced},
    {GUARD_COMMAND_OPEN, ALL, is_command_free},
    {GUARD_JOURNAL, ALL, is_journal_ok},
    {GUARD_MODEL, NOT_RETRACT, is_model_ok},
    {GUARD_NO_FRAME, SCANNING, is_frame_begun},
    {GUARD_STALE, SCANNING, is_fresh},
    {GUARD_LINES_MISSING, SCANNING, are_lines_present},
    {GUARD_FEEDBACK_OFF, SCANNING, is_feedback_on},
    {GUARD_OVER_CURRENT, NOT_RETRACT, is_current_in_range},
    {GUARD_Z_RANGE, SCANNING, is_z_in_range},
    {GUARD_FLAT_LINE, SCANNING, is_not_flat},
    {GUARD_BAD_AREA, STAYING, is_area_good},
    {GUARD_BOUNDS, ALL, is_in_bounds},
    {GUARD_COOL_DOWN, NOT_RETRACT, is_cooled_down},
    {GUARD_BUDGET, ALL, is_in_budget},
    {GUARD_NIGHT_OVER, NOT_RETRACT, is_night_on},
};

enum guard_verdict guard_action(const struct policy *policy, const struct action_limits *limits,
                                const struct guard_facts *facts, const struct action *action,
                                char *why, size_t why_size)
{
    const struct asking asking = {policy, limits, facts, action, why, why_size};
    /* A kind that does not exist must meet everything, and fails the bounds. */
    int kind = (unsigned)action->kind < ACTION_KIND_COUNT ? KIND(action->kind) : ALL;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        if ((conditions[i].kinds & kind) && !conditions[i].is_met(&asking))
            return conditions[i].verdict;
    snprintf(why, why_size, "every condition is met");
    return GUARD_PASS;
}

/* An end that is not a number lets nothing through. */
static struct action_range narrower(struct action_range a, struct action_range b)
{
    struct action_range range = {a.min >= b.min ? a.min : b.min, a.max <= b.max ? a.max : b.max};
    if (isnan(a.min) || isnan(b.min) || isnan(a.max) || isnan(b.max))
        range = (struct action_range){HUGE_VAL, -HUGE_VAL};
    return range;
}

void guard_narrow(const struct action_limits *a, const struct action_limits *b,
                  struct action_limits *ret_limits)
{
    struct action_limits limits;
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        limits.allowed[kind] = a->allowed[kind] && b->allowed[kind];
        for (int i = 0; i < ACTION_PARAMETERS_MAX; i++)
            limits.range[kind][i] = narrower(a->range[kind][i], b->range[kind][i]);
    }
    *ret_limits = limits;
}

enum safety guard_demand(const struct policy *policy, const struct guard_facts *facts,
                         uint32_t sites_without_gain, char *why, size_t why_size)
{
    uint32_t crashes = facts->use.crash_detections_night;
    if (crashes >= policy->budget.crash_detections_per_night) {
        snprintf(why, why_size, "%" PRIu32 " unwanted contacts in this night", crashes);
        return SAFETY_PARKED;
    }
    if (sites_without_gain >= policy->guards.no_progress_sites) {
        snprintf(why, why_size, "no progress: %" PRIu32 " sites without a better verdict",
                 sites_without_gain);
        return SAFETY_PARKED;
    }
    if (facts->over_current) {
        snprintf(why, why_size, "current above %.3g A on %" PRIu32 " samples in a row",
                 policy->guards.over_current_a, policy->guards.over_current_samples);
        return SAFETY_RETRACT;
    }
    if (facts->flat_lines_in_a_row > 0 && facts->flat_lines_in_a_row >= policy->guards.bad_lines) {
        snprintf(why, why_size, "lost contact: %" PRIu32 " flat lines in a row",
                 facts->flat_lines_in_a_row);
        return SAFETY_RETRACT;
    }
    /* Not a retract: a withdrawn tip is out of range by nature, and could never come back. */
    if (fabs(facts->z_m) > policy->guards.z_range_m) {
        snprintf(why, why_size, "z is %.3g m, +-%.3g m are allowed", facts->z_m,
                 policy->guards.z_range_m);
        return SAFETY_HOLD;
    }
    if (facts->silent_s > GUARD_SILENT_S) {
        snprintf(why, why_size, "the scan stands still: no line for %.0f s", facts->silent_s);
        return SAFETY_HOLD;
    }
    if (!facts->journal_ok || !facts->model_ok) {
        snprintf(why, why_size, "%s",
                 facts->journal_ok ? "no sound model is loaded" : "the journal cannot record");
        return SAFETY_HOLD;
    }
    snprintf(why, why_size, "nothing demands a safe state");
    return SAFETY_ARMED;
}

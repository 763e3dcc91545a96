/* The tables behind schema.h. */
#include "config/schema.h"

#include <stdlib.h>
#include <string.h>

#define TARGET(field) offsetof(struct schema_target, field)
#define POLICY(field) offsetof(struct schema_target, policy.field)
#define RULE(field) offsetof(struct policy_rule, field)
#define PLAIN "", 0, 0, 0

static const struct schema_key keys[] = {
    {SCHEMA_TOP, "policy_version", SCHEMA_COUNT, "", 1, 1, 1, NULL, TARGET(version),
     "Version of this format. This program reads version 1."},
    {SCHEMA_TOP, "name", SCHEMA_NAME, PLAIN, NULL, POLICY(name),
     "Name of the policy in the record: letters, digits and `-` `_` `.`"},
    {SCHEMA_TOP, "profile", SCHEMA_PROFILE, PLAIN, NULL, POLICY(profile_name),
     "What the tip stands over; decides bounds and ceilings. See Profiles."},
    {SCHEMA_TOP, "strategy", SCHEMA_STRATEGY, PLAIN, "ladder", POLICY(strategy),
     "Which of the actions that the rules allow is taken. See Strategies."},

    {SCHEMA_ACCEPT, "labels", SCHEMA_LABELS, PLAIN, NULL, POLICY(accept),
     "Labels that make a good tip. In conditions, `wanted` is the highest score among them."},
    {SCHEMA_ACCEPT, "watch_after_good", SCHEMA_FLAG, PLAIN, "true", POLICY(watch_after_good),
     "`true`: after a good tip keep watching and start over when it is lost. `false`: the night "
     "ends with the first confirmed good tip."},

    {SCHEMA_DECIDE, "min_lines", SCHEMA_COUNT, "", 8, 128, 128, "24", POLICY(min_lines),
     "Lines of a frame that must have arrived before its first verdict counts. Fewer lines judge "
     "sooner and worse."},
    {SCHEMA_DECIDE, "stride", SCHEMA_COUNT, "", 1, 512, 512, "8", POLICY(stride),
     "Lines between verdicts that count. Verdicts of neighbouring lines are nearly the same one, "
     "so `2 verdicts` should lie some lines apart. The frame's last one counts in any case."},
    {SCHEMA_DECIDE, "judge_backward", SCHEMA_FLAG, PLAIN, "true", POLICY(judge_backward),
     "Judge the backward trace as well; when the two disagree nothing is done."},
    {SCHEMA_DECIDE, "agree_within", SCHEMA_NUMBER, "", 0.05, 1, 1, "0.35", POLICY(agree_within),
     "Forward and backward disagree when the score of an accepted label differs by more."},
    {SCHEMA_DECIDE, "look_first", SCHEMA_LOOK, PLAIN, "1 frame", POLICY(look_first_frames),
     "What must have been seen before the first action of a night, and after every start of the "
     "agent or the instrument: `1 frame` (1 to 10) or `40 lines` (8 to 512)."},

    {SCHEMA_SURE, "act_on_good", SCHEMA_NUMBER, "", 0.001, 0.3, 0.3, "0.02",
     POLICY(sure.act_on_good),
     "Of the tips that `sure_bad` acts upon, this share may have been good: 0.02 are 2 in 100."},
    {SCHEMA_SURE, "accept_bad", SCHEMA_NUMBER, "", 0.001, 0.3, 0.3, "0.05", POLICY(sure.accept_bad),
     "Of the tips that `sure_good` accepts, this share may be bad."},
    {SCHEMA_SURE, "good_before", SCHEMA_NUMBER, "", 0.02, 0.9, 0.9, "0.33",
     POLICY(sure.good_before),
     "Chance that a tip is good before anything has been seen of it: at the start and after each "
     "action."},
    {SCHEMA_SURE, "frames_alike", SCHEMA_NUMBER, "", 0, 0.95, 0.95, "0.6",
     POLICY(sure.frames_alike),
     "How much the network's mistakes on two frames of the same tip and place have in common: 0 "
     "nothing, and each frame is news; 1 all, and a second frame says nothing new."},
    {SCHEMA_SURE, "places_alike", SCHEMA_NUMBER, "", 0, 0.95, 0.95, "0.5",
     POLICY(sure.places_alike), "The same for frames of one tip at different places."},
    {SCHEMA_SURE, "tip_lasts", SCHEMA_QUANTITY, "s", 60, 86400, 432e3, "40 min",
     POLICY(sure.tip_lasts_s),
     "Mean time that a tip stays as it is when nothing is done. What was seen fades with it."},

    {SCHEMA_GUARDS, "over_current", SCHEMA_QUANTITY, "A", 0.5e-9, 50e-9, 333e-9, "3 nA",
     POLICY(guards.over_current_a),
     "Current that counts as a crash. Keep it below 0.9 of the preamplifier's range: 3 nA suits "
     "the 3.3 nA range. Samples at the rail always count."},
    {SCHEMA_GUARDS, "over_current_samples", SCHEMA_COUNT, "", 1, 100, 1000, "3",
     POLICY(guards.over_current_samples), "That many samples in a row."},
    {SCHEMA_GUARDS, "flat_line", SCHEMA_QUANTITY, "m", 1e-12, 20e-12, 20e-12, "1 pm",
     POLICY(guards.flat_line_m),
     "A line with less height than this, peak to peak after its own line fit, shows no "
     "tunnelling."},
    {SCHEMA_GUARDS, "bad_line", SCHEMA_QUANTITY, "m", 0.3e-9, 10e-9, 50e-9, "1 nm",
     POLICY(guards.bad_line_m), "A line with more height than this stands on a bad area."},
    {SCHEMA_GUARDS, "bad_lines", SCHEMA_COUNT, "", 1, 100, 1000, "10", POLICY(guards.bad_lines),
     "That many bad lines in a row make a bad area."},
    {SCHEMA_GUARDS, "stale_line_periods", SCHEMA_NUMBER, "", 2, 20, 20, "4",
     POLICY(guards.stale_line_periods),
     "No action when the newest line is older than this many line periods."},
    {SCHEMA_GUARDS, "z_range", SCHEMA_QUANTITY, "m", 10e-9, 1e-6, 2e-6, "650 nm",
     POLICY(guards.z_range_m), "No action when the tip stands further than this from mid-range."},
    {SCHEMA_GUARDS, "lines_present", SCHEMA_NUMBER, "", 0.5, 1, 1, "0.95",
     POLICY(guards.lines_present),
     "Share of a frame's lines so far that must have arrived for a verdict to count."},
    {SCHEMA_GUARDS, "no_progress_sites", SCHEMA_COUNT, "", 1, 20, 100, "6",
     POLICY(guards.no_progress_sites),
     "Sites in a row without a better verdict before the night ends: no progress means stop, not "
     "harder."},

    {SCHEMA_BUDGET, "actions_per_site", SCHEMA_COUNT, "", 1, 10, 20, "4",
     POLICY(budget.actions_per_site), "Actions on one spot; the next one goes to a new area."},
    {SCHEMA_BUDGET, "actions_per_unproven_site", SCHEMA_COUNT, "", 0, 10, 20, "0",
     POLICY(budget.actions_per_unproven_site),
     "The same for a spot that has not shown a good tip: perhaps it is the spot that looks bad; 0: "
     "no difference."},
    {SCHEMA_BUDGET, "actions_per_episode", SCHEMA_COUNT, "", 1, 100, 200, "50",
     POLICY(budget.actions_per_episode),
     "Actions between two confirmed good tips, or from the start to the first."},
    {SCHEMA_BUDGET, "actions_per_hour", SCHEMA_COUNT, "", 1, 120, 600, "60",
     POLICY(budget.actions_per_hour), "Actions in any 60 minutes."},
    {SCHEMA_BUDGET, "actions_per_night", SCHEMA_COUNT, "", 1, 1000, 5000, "300",
     POLICY(budget.actions_per_night), "Actions in the whole night."},
    {SCHEMA_BUDGET, "pulses_per_episode", SCHEMA_COUNT, "", 0, 50, 200, "20",
     POLICY(budget.pulses_per_episode), "Pulses in an episode; an action of three counts three."},
    {SCHEMA_BUDGET, "pulses_per_hour", SCHEMA_COUNT, "", 0, 60, 600, "20",
     POLICY(budget.pulses_per_hour), "Pulses in any 60 minutes."},
    {SCHEMA_BUDGET, "pulses_per_night", SCHEMA_COUNT, "", 0, 300, 5000, "60",
     POLICY(budget.pulses_per_night), "Pulses in the whole night."},
    {SCHEMA_BUDGET, "crashes_per_episode", SCHEMA_COUNT, "", 0, 60, 200, "30",
     POLICY(budget.crashes_per_episode), "Crashes in an episode."},
    {SCHEMA_BUDGET, "necks_per_night", SCHEMA_COUNT, "", 0, 20, 50, "0",
     POLICY(budget.necks_per_night), "Necking actions in the whole night."},
    {SCHEMA_BUDGET, "coarse_moves_per_night", SCHEMA_COUNT, "", 0, 40, 100, "6",
     POLICY(budget.coarse_moves_per_night),
     "Retracts with motor steps in the whole night: the likeliest way to break a tip."},
    {SCHEMA_BUDGET, "crash_detections_per_night", SCHEMA_COUNT, "", 1, 5, 10, "2",
     POLICY(budget.crash_detections_per_night), "That many unwanted crashes end the night."},
    {SCHEMA_BUDGET, "night", SCHEMA_QUANTITY, "s", 60, 432e3, 864e3, "12 h", POLICY(budget.night_s),
     "Length of the night, in the instrument's time."},

    {SCHEMA_SETTLE, "after_action", SCHEMA_QUANTITY, "s", 0.5, 120, 600, "5 s",
     POLICY(settle.after_action_s), "Lines this long after an action's end are not judged."},
    {SCHEMA_SETTLE, "after_move", SCHEMA_QUANTITY, "s", 5, 120, 3600, "20 s",
     POLICY(settle.after_move_s), "The same after a move of the frame."},
    {SCHEMA_SETTLE, "after_approach", SCHEMA_QUANTITY, "s", 30, 900, 3600, "120 s",
     POLICY(settle.after_approach_s), "The same after an approach."},
    {SCHEMA_SETTLE, "cool_down", SCHEMA_QUANTITY, "s", 0.5, 600, 3600, "5 s",
     POLICY(settle.cool_down_s), "Least time between the end of an action and the next one."},

    {SCHEMA_SITES, "separation", SCHEMA_QUANTITY, "m", 5e-9, 200e-9, 1e-6, "25 nm",
     POLICY(sites.separation_m), "Distance between the places of two areas."},
    {SCHEMA_SITES, "forbidden_radius", SCHEMA_QUANTITY, "m", 5e-9, 150e-9, 1e-6, "25 nm",
     POLICY(sites.forbidden_radius_m), "Around the place of an action no new area is begun."},
    {SCHEMA_SITES, "forbidden_radius_hard", SCHEMA_QUANTITY, "m", 5e-9, 300e-9, 1e-6, "50 nm",
     POLICY(sites.forbidden_radius_hard_m),
     "The same around a hard one: a crash deeper than 1.2 nm, a pulse above 5 V, necking."},
    {SCHEMA_SITES, "crash_apart", SCHEMA_QUANTITY, "m", 0.5e-9, 100e-9, 1e-6, "5 nm",
     POLICY(sites.crash_apart_m),
     "Inside a frame that has room for it, an action keeps this distance from the earlier ones: it "
     "takes the free place nearest to the rule's `x` and `y`. In a small frame those hold."},
    {SCHEMA_SITES, "reach", SCHEMA_QUANTITY, "m", 5e-9, 500e-9, 500e-9, "250 nm",
     POLICY(sites.reach_m), "New areas lie within plus or minus this of the first, in x and y."},
    {SCHEMA_SITES, "coarse_steps", SCHEMA_COUNT, "", 1, 10, 10, "10", POLICY(sites.coarse_steps),
     "Motor steps away from the surface before a coarse move. One is made when no free place is "
     "left, if `budget.coarse_moves_per_night` has room for it; also as the answer `coarse_move`."},
    {SCHEMA_SITES, "lateral_steps", SCHEMA_COUNT, "", 1, 10, 10, "8", POLICY(sites.lateral_steps),
     "Motor steps sideways of a coarse move."},

    {SCHEMA_NECKING, "enabled", SCHEMA_FLAG, PLAIN, "false", TARGET(necking),
     "Necking (10 V, current to saturation, lift until it snaps) is the most violent action there "
     "is. A site has to enable it here, in every rule that uses it, and in its budget."},

    {SCHEMA_RULE, "name", SCHEMA_NAME, PLAIN, NULL, RULE(name), "Name in the record; once only."},
    {SCHEMA_RULE, "when", SCHEMA_CONDITIONS, PLAIN, NULL, RULE(when),
     "Conditions that must all hold: `[bad_blurry >= 0.50, wanted < 0.50]`; or `always`."},
    {SCHEMA_RULE, "until", SCHEMA_CONDITIONS, PLAIN, "", RULE(until),
     "Once fired, the rule goes on until all of these hold: enter at a high threshold, leave at a "
     "low one. Without it the rule ends when `when` fails."},
    {SCHEMA_RULE, "confirm", SCHEMA_CONFIRM, PLAIN, "2 verdicts", RULE(confirm),
     "How often in a row: `2 verdicts` (1 to 20, `decide.stride` lines apart) or `3 frames` (1 to "
     "10, the last verdict of each whole frame)."},
    {SCHEMA_RULE, "then", SCHEMA_ANSWER, PLAIN, NULL, RULE(response), "The answer. See Answers."},
    {SCHEMA_RULE, "flip_sign_every", SCHEMA_COUNT, "", 0, 20, 20, "0", RULE(flip_sign_every),
     "Pulses: change the sign after so many firings; 0 never."},
    {SCHEMA_RULE, "mode", SCHEMA_MODE, PLAIN, "active", RULE(mode), "See Modes."},

    {SCHEMA_AT_MOST, "per_site", SCHEMA_COUNT, "", 0, 100, 200, "0", RULE(at_most_per_site),
     "Firings of this rule on one site; 0 any number."},
    {SCHEMA_AT_MOST, "per_episode", SCHEMA_COUNT, "", 0, 100, 200, "0", RULE(at_most_per_episode),
     "Firings of this rule in an episode; 0 any number."},
};

enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };
_Static_assert((int)N_KEYS <= (int)SCHEMA_KEYS_MAX, "raise SCHEMA_KEYS_MAX");

static const struct {
    const char *name, *doc;
} sections[SCHEMA_SECTION_COUNT] = {
    [SCHEMA_TOP] = {"", "At the top of the file."},
    [SCHEMA_ACCEPT] = {"accept", "What is wanted."},
    [SCHEMA_DECIDE] = {"decide", "When a verdict counts."},
    [SCHEMA_SURE] = {"sure", "When the chance that the tip is good is sure enough: what `sure_bad` "
                             "and `sure_good` mean in a rule. See Being sure."},
    [SCHEMA_GUARDS] = {"guards", "Facts that forbid an action whatever the rules say."},
    [SCHEMA_BUDGET] = {"budget", "How much may be done. All limits hold; the strictest wins. They "
                                 "are counted from the record and survive restarts."},
    [SCHEMA_SETTLE] = {"settle", "Waiting, in the instrument's time."},
    [SCHEMA_SITES] = {"sites", "Where new areas lie."},
    [SCHEMA_NECKING] = {"necking", "The switch for necking."},
    [SCHEMA_RULE] = {"rules[]", "The rules, in order; the first that matches and is not used up "
                                "answers."},
    [SCHEMA_AT_MOST] = {"rules[].at_most", "How often a rule may fire. A ramp ends after its last "
                                           "step in any case."},
};

#define BOTH(lo, hi)                                                                               \
    {                                                                                              \
        {lo, hi},                                                                                  \
        {                                                                                          \
            lo, hi                                                                                 \
        }                                                                                          \
    }
#define ANY_STEP BOTH(0, 0)

static const struct schema_bound bounds[] = {
    {ACTION_PULSE,
     "voltage",
     {{-4, 4}, {-8, 8}},
     {{0.1, 1}, {0.1, 2.5}},
     0.5,
     SCHEMA_REQUIRED,
     "2.3 V",
     "Sample bias during the pulse, either sign."},
    {ACTION_PULSE, "duration", BOTH(20e-3, 200e-3), ANY_STEP, 0, 0, "50 ms",
     "Length of one pulse."},
    {ACTION_PULSE, "count", BOTH(1, 3), ANY_STEP, 0, SCHEMA_WHOLE, "1", "Pulses in one action."},
    {ACTION_PULSE, "x", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 left, 1 right."},
    {ACTION_PULSE, "y", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 bottom, 1 top."},

    {ACTION_CRASH,
     "depth",
     {{0.1e-9, 2e-9}, {0.1e-9, 5e-9}},
     {{0.01e-9, 0.4e-9}, {0.01e-9, 1e-9}},
     0,
     SCHEMA_REQUIRED,
     "0.30 nm",
     "How far towards the surface."},
    {ACTION_CRASH, "speed", BOTH(0.05e-9, 5e-9), ANY_STEP, 0, 0, "1 nm/s",
     "On the way in and out."},
    {ACTION_CRASH, "dwell", BOTH(0, 0.5), ANY_STEP, 0, 0, "100 ms", "Time at the lowest point."},
    {ACTION_CRASH, "bias", BOTH(-4, 4), ANY_STEP, 0, 0, "0 V",
     "Sample bias during it; 0 V leaves the imaging bias."},
    {ACTION_CRASH, "x", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 left, 1 right."},
    {ACTION_CRASH, "y", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 bottom, 1 top."},

    {ACTION_NECK, "voltage", BOTH(4, 10), ANY_STEP, 0, SCHEMA_REQUIRED, "10 V",
     "Sample bias during it."},
    {ACTION_NECK, "current", BOTH(1e-9, 330e-9), ANY_STEP, 0, 0, "330 nA",
     "Current that ends the way in. Above 3.3 nA the preamplifier has to be on its high range."},
    {ACTION_NECK, "duration", BOTH(1, 60), ANY_STEP, 0, 0, "20 s", "Time limit."},
    {ACTION_NECK, "x", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 left, 1 right."},
    {ACTION_NECK, "y", BOTH(-1, 1), ANY_STEP, 0, 0, "-1", "Place in the frame, -1 bottom, 1 top."},

    {ACTION_RETRACT, "coarse_steps", BOTH(0, 10), ANY_STEP, 0, SCHEMA_WHOLE, "0",
     "Motor steps away from the surface."},
    {ACTION_RETRACT, "lateral_steps", BOTH(0, 10), ANY_STEP, 0, SCHEMA_WHOLE, "0",
     "Motor steps sideways, after the coarse steps."},

    {ACTION_REIMAGE, "dx", BOTH(-1e-6, 1e-6), ANY_STEP, 0, 0, "0 nm",
     "Shift of the frame's centre to the right."},
    {ACTION_REIMAGE, "dy", BOTH(-1e-6, 1e-6), ANY_STEP, 0, 0, "0 nm",
     "Shift of the frame's centre upwards."},
};

static const struct schema_profile profiles[] = {
    {"h_si_100", ACTION_PROFILE_SILICON, true, "H:Si(100), the default."},
    {"si_111_7x7", ACTION_PROFILE_SILICON, true, "Si(111)-7x7."},
    {"au_111", ACTION_PROFILE_METAL, true, "Au(111)."},
    {"cu_111", ACTION_PROFILE_METAL, true, "Cu(111)."},
    {"observe_only", ACTION_PROFILE_SILICON, false,
     "Verdicts only: no pulse, crash or necking is "
     "allowed, not even by hand."},
};

static const struct schema_answer answers[] = {
    {"pulse", POLICY_DO, ACTION_PULSE, "Voltage pulse between tip and sample."},
    {"crash", POLICY_DO, ACTION_CRASH, "Tip towards the surface by a set depth, and back."},
    {"neck", POLICY_DO, ACTION_NECK,
     "High bias, approach until the current saturates, lift until it snaps."},
    {"retract", POLICY_DO, ACTION_RETRACT, "Withdraw the tip; it stays withdrawn."},
    {"approach", POLICY_DO, ACTION_APPROACH, "Automatic approach until tunnelling."},
    {"reimage", POLICY_DO, ACTION_REIMAGE, "Move the frame by a set shift and start a new one."},
    {"new_area", POLICY_NEW_AREA, ACTION_KIND_COUNT,
     "Start a new frame on a free place; when none is left within reach, a coarse move."},
    {"coarse_move", POLICY_COARSE_MOVE, ACTION_KIND_COUNT,
     "Withdraw, step sideways with the motors, approach and scan: a new map of places."},
    {"good", POLICY_GOOD, ACTION_KIND_COUNT, "Target reached: report it, end the episode."},
    {"wait", POLICY_WAIT, ACTION_KIND_COUNT, "Do nothing; verdicts up to now no longer count."},
    {"hold", POLICY_HOLD, ACTION_KIND_COUNT,
     "Stop acting until an operator resumes; the scan goes on."},
    {"park", POLICY_PARK, ACTION_KIND_COUNT, "Withdraw the tip and end the night."},
};

static const struct {
    const char *name, *doc;
} modes[] = {
    [POLICY_ACTIVE] = {"active", "The rule acts."},
    [POLICY_ADVISE] = {"advise", "The record says what the rule would do; nothing is sent."},
    [POLICY_OFF] = {"off", "The rule is skipped."},
};

static const struct {
    const char *name, *doc;
} strategies[] = {
    [POLICY_LADDER] = {"ladder", "The first rule that matches, with the next step of its ramp."},
    [POLICY_LEARN] = {"learn",
                      "Among all matching rules and all steps of their ramps the one that promises "
                      "a good tip soonest, by what has worked before on tips that looked like this "
                      "one. It begins as the ladder does, and departs from it as far as the record "
                      "gives reason; violent steps count as dearer."},
    [POLICY_RANDOM] = {"random", "Any of the matching rules, with equal chances: a baseline."},
};

const struct schema_key *schema_keys(size_t *ret_n)
{
    *ret_n = N_KEYS;
    return keys;
}

const char *schema_section_name(enum schema_section section)
{
    return sections[section].name;
}

const char *schema_section_doc(enum schema_section section)
{
    return sections[section].doc;
}

int schema_find(enum schema_section section, const char *name)
{
    for (int i = 0; i < N_KEYS; i++)
        if (keys[i].section == section && strcmp(keys[i].name, name) == 0)
            return i;
    return -1;
}

const struct schema_bound *schema_bound(enum action_kind kind, size_t i)
{
    size_t n;
    const struct action_parameter *parameters = action_parameters(kind, &n);
    for (size_t k = 0; i < n && k < sizeof(bounds) / sizeof(bounds[0]); k++)
        if (bounds[k].kind == kind && strcmp(bounds[k].name, parameters[i].name) == 0)
            return &bounds[k];
    abort(); /* a parameter without a bound: the two tables have drifted apart */
}

const struct schema_profile *schema_profile(size_t i)
{
    return i < sizeof(profiles) / sizeof(profiles[0]) ? &profiles[i] : NULL;
}

void schema_limits(const struct schema_profile *profile, bool necking,
                   struct action_limits *ret_limits)
{
    action_limits_ceiling(profile->ceiling, ret_limits);
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++) {
            const struct schema_bound *bound = schema_bound((enum action_kind)kind, i);
            ret_limits->range[kind][i] = bound->range[profile->ceiling];
        }
    }
    ret_limits->allowed[ACTION_PULSE] = profile->acts;
    ret_limits->allowed[ACTION_CRASH] = profile->acts;
    ret_limits->allowed[ACTION_NECK] = profile->acts && necking;
}

const struct schema_answer *schema_answer(size_t i)
{
    return i < sizeof(answers) / sizeof(answers[0]) ? &answers[i] : NULL;
}

const char *schema_mode_name(enum policy_mode mode)
{
    return modes[mode].name;
}

const char *schema_mode_doc(enum policy_mode mode)
{
    return modes[mode].doc;
}

const char *schema_strategy_name(enum policy_strategy strategy)
{
    return strategies[strategy].name;
}

const char *schema_strategy_doc(enum policy_strategy strategy)
{
    return strategies[strategy].doc;
}

const char *schema_label_name(int label)
{
    if (label == POLICY_TIP_GOOD)
        return "tip_good";
    return label == POLICY_WANTED ? "wanted" : nn_label_name((enum nn_label)label);
}

double schema_action_seconds(const struct action *action)
{
    switch (action->kind) {
    case ACTION_PULSE:
        return action->duration_s * action->count;
    case ACTION_CRASH:
        return 2 * action->depth_m / action->speed_m_per_s + action->dwell_s;
    case ACTION_NECK:
        return action->duration_s;
    case ACTION_RETRACT:
    case ACTION_APPROACH:
    case ACTION_REIMAGE:
    case ACTION_KIND_COUNT:
        break;
    }
    return 0;
}

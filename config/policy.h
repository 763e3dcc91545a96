/*
 * A policy: what the agent may do, when, how often. Read from YAML by policy_load(), checked whole
 * before anything uses it, read-only afterwards.
 *
 * SI values throughout; the file's units (`2.3 V`, `0.5 nm`, `50 ms`) end in the loader.
 */
#ifndef CONFIG_POLICY_H
#define CONFIG_POLICY_H

#include "config/policy_errors.h"
#include "instrument/action.h"
#include "nn/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POLICY_RULES_MAX = 32,
    POLICY_CONDITIONS_MAX = 8,
    POLICY_NAME_MAX = 64,
    POLICY_BYTES_MAX = 256 * 1024,
};

/*
 * What a condition can ask for beside the labels of the model: the best of the accepted labels; and
 * the chance that the tip is good, from all that was seen of it (agent/belief.h).
 */
enum { POLICY_WANTED = NN_LABEL_COUNT, POLICY_TIP_GOOD };

/* "bad_blurry >= 0.80": true when the score is at or above (below) the threshold. */
struct policy_condition {
    int label;  /* enum nn_label, POLICY_WANTED or POLICY_TIP_GOOD */
    bool below; /* false: >=, true: < */
    double threshold;
};

enum policy_mode {
    POLICY_ACTIVE, /* the rule acts */
    POLICY_ADVISE, /* the rule says in the record what it would do, and nothing is sent */
    POLICY_OFF     /* the rule is skipped */
};

enum policy_response {
    POLICY_DO,          /* send rule.action */
    POLICY_NEW_AREA,    /* reimage on a free place, chosen by the agent */
    POLICY_COARSE_MOVE, /* withdraw, step sideways, approach, scan: a new page of the map */
    POLICY_GOOD,        /* target reached: report, keep watching or end the night */
    POLICY_WAIT,        /* nothing; verdicts up to now no longer count */
    POLICY_HOLD,        /* stop acting until an operator resumes */
    POLICY_PARK         /* retract and end the night */
};

enum policy_confirm {
    POLICY_VERDICTS, /* that many judged verdicts in a row, `decide.stride` lines apart */
    POLICY_FRAMES    /* the last verdicts of that many whole frames in a row */
};

/* Which of the actions that the rules allow at this moment is taken. */
enum policy_strategy {
    POLICY_LADDER, /* the first, with the next step of its ramp */
    POLICY_LEARN,  /* the one that promises a good tip soonest, by what has worked before */
    POLICY_RANDOM  /* any, with equal chances: a measure for the other two */
};

/* One parameter of rule.action that changes from firing to firing: from, from + step, ... to. */
struct policy_ramp {
    int parameter;         /* index in action_parameters(action.kind); -1: nothing changes */
    double from, to, step; /* step > 0 when to > from, < 0 when to < from */
};

struct policy_rule {
    char name[POLICY_NAME_MAX];
    int line; /* in the policy file, for the record: "h-si-100.yaml:57" */
    enum policy_mode mode;
    struct policy_condition when[POLICY_CONDITIONS_MAX]; /* all must hold */
    size_t n_when;
    /* Once fired, the rule keeps matching until all of these hold. None: until `when` fails. */
    struct policy_condition until[POLICY_CONDITIONS_MAX];
    size_t n_until;
    enum policy_confirm confirm;
    uint32_t confirm_n;
    enum policy_response response;
    struct action action; /* POLICY_DO: first values */
    struct policy_ramp ramp;
    uint32_t flip_sign_every;  /* pulse: change the sign after so many firings; 0 never */
    uint32_t at_most_per_site; /* firings; a ramp ends after its last step in any case */
    uint32_t at_most_per_episode;
};

/* Numbers of actions, and hours. Every one must be kept; the strictest wins. */
struct policy_budget {
    uint32_t actions_per_site;
    uint32_t actions_per_unproven_site; /* until a good tip has been seen there; 0: as above */
    uint32_t actions_per_episode;       /* an episode ends with a confirmed good tip */
    uint32_t actions_per_hour;
    uint32_t actions_per_night;
    uint32_t pulses_per_episode;
    uint32_t pulses_per_hour;
    uint32_t pulses_per_night;
    uint32_t crashes_per_episode;
    uint32_t necks_per_night;
    uint32_t coarse_moves_per_night;
    uint32_t crash_detections_per_night; /* this many unwanted crashes end the night */
    double night_s;                      /* length of the night */
};

/* When the chance that a tip is good is sure enough (agent/belief.h). */
struct policy_sure {
    double act_on_good;  /* sure_bad: chance below this */
    double accept_bad;   /* sure_good: chance at or above 1 - this */
    double good_before;  /* the chance before anything has been seen */
    double frames_alike; /* correlation of the errors of two frames of one tip at one place */
    double places_alike; /* the same at two places */
    double tip_lasts_s;  /* mean time between spontaneous changes */
};

struct policy_guards {
    double over_current_a; /* |I| above this on over_current_samples samples in a row */
    uint32_t over_current_samples;
    double flat_line_m;         /* peak to peak below this after a line fit: not tunnelling */
    double bad_line_m;          /* peak to peak above this after a line fit: bad area */
    uint32_t bad_lines;         /* so many such lines in a row */
    double stale_line_periods;  /* newest line older than this: no action */
    double z_range_m;           /* |z| beyond this: no action */
    double lines_present;       /* share of a frame's lines so far that must be there to judge it */
    uint32_t no_progress_sites; /* sites without a better verdict before the night ends */
};

struct policy_settle {
    double after_action_s; /* lines this long after an action's end are not judged */
    double after_move_s;
    double after_approach_s;
    double cool_down_s; /* least time between the end of an action and the next one */
};

struct policy_sites {
    double separation_m;                  /* between the places of two areas */
    double forbidden_radius_m;            /* around the place of an action */
    double forbidden_radius_hard_m;       /* the same of a hard one, see sites_radius_m() */
    double crash_apart_m;                 /* between the places of two actions in one frame */
    uint32_t coarse_steps, lateral_steps; /* of a coarse move: away, then sideways */
    double reach_m;                       /* new areas lie within +- this of the first */
};

struct policy {
    char name[POLICY_NAME_MAX];
    char path[256];              /* as given */
    char hash[65];               /* SHA-256 of the file's bytes, hex */
    enum action_profile profile; /* which ceilings hold */
    char profile_name[32];       /* "h_si_100", "au_111", ... */
    struct action_limits limits; /* policy's own bounds, inside the ceilings */

    bool accept[NN_LABEL_COUNT]; /* labels that make a good tip; POLICY_WANTED is their maximum */
    bool watch_after_good;       /* true: keep watching and start a new episode; false: end */

    enum policy_strategy strategy;

    bool judge_backward; /* also judge backward traces; disagreement means no action */
    double agree_within; /* forward and backward differ by more in any accepted label: no action */
    uint32_t min_lines;  /* lines of a frame before its first judged verdict */
    uint32_t stride;     /* lines between judged verdicts */
    /* Before the first action of a night, and after every start: so many frames or, 0, lines. */
    uint32_t look_first_frames, look_first_lines;
    struct policy_sure sure;

    struct policy_budget budget;
    struct policy_guards guards;
    struct policy_settle settle;
    struct policy_sites sites;

    struct policy_rule rules[POLICY_RULES_MAX]; /* in order; the first that matches answers */
    size_t n_rules;
};

/*
 * Read and check a policy file. 0: *ret_policy is valid. -EINVAL: at least one error, all of them
 * in *ret_errors. Other negative errno: the file could not be read (one error without line).
 * Free errors with policy_errors_finish() in every case.
 */
int policy_load(const char *path, struct policy *ret_policy, struct policy_errors *ret_errors);

/* The same from memory; `path` is only for messages and the record. */
int policy_parse(const char *path, const char *text, size_t size, struct policy *ret_policy,
                 struct policy_errors *ret_errors);

/*
 * The action of a rule's k-th firing (from 0) on this ramp, its sign by flip_sign_every. The last
 * value of a ramp is exactly `to`. -ERANGE: the ramp has ended. -EINVAL: the rule sends no action.
 */
int policy_rule_action(const struct policy_rule *rule, uint32_t k, struct action *ret_action);

/* Values on the rule's ramp, both ends included; 0: no ramp. */
uint32_t policy_rule_steps(const struct policy_rule *rule);

/* "h_si_100", ... by enum order of the shipped profiles; NULL beyond the last. */
const char *policy_profile_name(size_t i);

#endif

/*
 * The one table of everything a policy can say: name, type, unit, bounds, default, meaning.
 *
 * Validation, defaults, the reference in docs/policy.md and the JSON Schema are all read off it.
 * The parameters of actions stand in instrument/action.h; here only how far a policy may take them.
 *
 * Two kinds of bounds. `min`..`max`: what a policy may say. `ceiling`: compiled in, nothing may
 * pass it. A value outside is refused and never brought inside. Basis of the numbers: published
 * habits of other laboratories, named in docs/safety.md; ours where nobody has published one.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/policy.h"

enum schema_section {
    SCHEMA_TOP,
    SCHEMA_ACCEPT,
    SCHEMA_DECIDE,
    SCHEMA_SURE,
    SCHEMA_GUARDS,
    SCHEMA_BUDGET,
    SCHEMA_SETTLE,
    SCHEMA_SITES,
    SCHEMA_NECKING,
    SCHEMA_RULE,
    SCHEMA_AT_MOST, /* of a rule */
    SCHEMA_SECTION_COUNT
};

enum schema_type {
    SCHEMA_COUNT,      /* whole number, into uint32_t */
    SCHEMA_NUMBER,     /* plain number, into double */
    SCHEMA_QUANTITY,   /* number with unit, into double, SI */
    SCHEMA_FLAG,       /* true or false, into bool */
    SCHEMA_NAME,       /* letters, digits and - _ . into char[POLICY_NAME_MAX] */
    SCHEMA_PROFILE,    /* a profile's name */
    SCHEMA_LABELS,     /* list of labels, into bool[NN_LABEL_COUNT] */
    SCHEMA_CONDITIONS, /* list of conditions, or "always" */
    SCHEMA_CONFIRM,    /* "2 verdicts", "3 frames" */
    SCHEMA_LOOK,       /* "1 frame", "40 lines" */
    SCHEMA_STRATEGY,   /* ladder, learn, random */
    SCHEMA_ANSWER,     /* what a rule does */
    SCHEMA_MODE        /* active, advise, off */
};

struct schema_key {
    enum schema_section section;
    const char *name;
    enum schema_type type;
    const char *unit;     /* SCHEMA_QUANTITY: SI unit, else "" */
    double min, max;      /* SCHEMA_COUNT, NUMBER, QUANTITY */
    double ceiling;       /* nothing above this, whatever `max` says */
    const char *fallback; /* as it would stand in the file; NULL: required; "": nothing */
    size_t offset;        /* in struct schema_target, or in struct policy_rule for rules */
    const char *doc;
};

/* What the top sections write into: the policy, and what only decides how the rest is read. */
struct schema_target {
    struct policy policy;
    uint32_t version;
    bool necking;
};

enum { SCHEMA_KEYS_MAX = 64 };

/* The whole table. Borrowed, lives for ever. */
const struct schema_key *schema_keys(size_t *ret_n);

/* "budget", ...; "" for the top, "rules[]" and "rules[].at_most" for rules. */
const char *schema_section_name(enum schema_section section);
const char *schema_section_doc(enum schema_section section);

/* Index in schema_keys() of this key, or -1. */
int schema_find(enum schema_section section, const char *name);

enum schema_flag {
    SCHEMA_REQUIRED = 1, /* a rule must say it */
    SCHEMA_WHOLE = 2,    /* a whole number */
};

/* How far a policy may take one parameter of an action, within the ceiling of action.h. */
struct schema_bound {
    enum action_kind kind;
    const char *name;
    struct action_range range[ACTION_PROFILE_COUNT];
    struct action_range step[ACTION_PROFILE_COUNT]; /* of a ramp, without sign; 0..0: any */
    double least;                                   /* smallest magnitude that is allowed; 0: any */
    unsigned flags;                                 /* enum schema_flag */
    const char *example;
    const char *doc;
};

/* The row of a kind's i-th parameter (order of action_parameters()). Never NULL. */
const struct schema_bound *schema_bound(enum action_kind kind, size_t i);

struct schema_profile {
    const char *name;
    enum action_profile ceiling;
    bool acts; /* false: no rule may send anything */
    const char *doc;
};

/* NULL beyond the last. */
const struct schema_profile *schema_profile(size_t i);

/* The policy's limits under a profile: schema_bound() of every parameter, and what is allowed. */
void schema_limits(const struct schema_profile *profile, bool necking,
                   struct action_limits *ret_limits);

/* The words for `then`: name, meaning, response and kind. NULL name beyond the last. */
struct schema_answer {
    const char *name;
    enum policy_response response;
    enum action_kind kind; /* POLICY_DO */
    const char *doc;
};
const struct schema_answer *schema_answer(size_t i);

/* "active", "advise", "off". */
const char *schema_mode_name(enum policy_mode mode);
const char *schema_mode_doc(enum policy_mode mode);

/* "ladder", "learn", "random". */
const char *schema_strategy_name(enum policy_strategy strategy);
const char *schema_strategy_doc(enum policy_strategy strategy);

/* A label's name, "wanted" or "tip_good". */
const char *schema_label_name(int label);

/*
 * The longest an action may take, from its own parameters. Ours: the longest that the bounds of
 * necking allow; a crash slower than this would hold the tip at the surface unwatched.
 */
double schema_action_seconds(const struct action *action);
enum { SCHEMA_ACTION_SECONDS_MAX = 60, SCHEMA_PULSE_MILLISECONDS_MAX = 500 };

#endif

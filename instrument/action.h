/*
 * What a microscope can be told to do to its tip, with units and hard bounds.
 *
 * One flat struct holds every parameter as an SI double; action_parameters() says which of them a
 * kind uses. That one table drives the wire format, the policy schema, the console and every bounds
 * check, so a parameter cannot exist in one of them only.
 *
 * Ceilings: "compiled in" values of docs/safety.md, ours, not the vendor's; the instrument's own
 * limits file can only be tighter. A value outside is refused, never brought inside.
 */
#ifndef INSTRUMENT_ACTION_H
#define INSTRUMENT_ACTION_H

#include <stddef.h>
#include <stdint.h>

enum action_kind {
    ACTION_PULSE,    /* voltage pulse between tip and sample, feedback off, at (x, y) */
    ACTION_CRASH,    /* tip moved towards the surface by a set depth and back, at (x, y) */
    ACTION_NECK,     /* high bias, approach until the current saturates, lift until it snaps */
    ACTION_RETRACT,  /* tip withdrawn; coarse and lateral steps if asked; stays withdrawn */
    ACTION_APPROACH, /* automatic approach until the set-point is detected */
    ACTION_REIMAGE,  /* stop, move the frame by (dx, dy), settle, start a new frame */
    ACTION_KIND_COUNT
};

/* SI, or a plain count. A field that the kind does not use is 0. */
struct action {
    enum action_kind kind;
    double voltage_v;      /* pulse, neck: sample bias during the action, either sign */
    double duration_s;     /* pulse: length of one pulse; neck: time limit */
    double count;          /* pulse: number of pulses */
    double depth_m;        /* crash: positive = towards the surface */
    double speed_m_per_s;  /* crash: on the way in and out */
    double dwell_s;        /* crash: time at the lowest point */
    double bias_v;         /* crash: sample bias during it; 0 = leave the imaging bias */
    double current_a;      /* neck: current that ends the way in */
    double coarse_steps;   /* retract: motor steps away from the surface */
    double lateral_steps;  /* retract: motor steps sideways, after the coarse steps */
    double x_frac, y_frac; /* pulse, crash, neck: place in the frame, -1..1, (-1, -1) bottom left */
    double dx_m, dy_m;     /* reimage: shift of the frame's centre */
};

/* What the tip stands over decides how far a ceiling goes. */
enum action_profile { ACTION_PROFILE_SILICON, ACTION_PROFILE_METAL, ACTION_PROFILE_COUNT };

struct action_parameter {
    const char *name; /* as in policies and on the wire, e.g. "voltage" */
    const char *unit; /* "V", "s", "m", "m/s", "A", or "" for a count or fraction */
    size_t offset;    /* of the double inside struct action */
    double fallback;  /* value when a policy or operator does not say */
    double
        ceiling_min[ACTION_PROFILE_COUNT]; /* for signed quantities both ends are allowed values */
    double ceiling_max[ACTION_PROFILE_COUNT];
};

/* Limits on one parameter of one kind, inclusive. */
struct action_range {
    double min, max;
};

enum { ACTION_PARAMETERS_MAX = 8 };

/* A complete set of limits: range[kind][i] belongs to action_parameters(kind)[i]. */
struct action_limits {
    struct action_range range[ACTION_KIND_COUNT][ACTION_PARAMETERS_MAX];
    int allowed[ACTION_KIND_COUNT]; /* 0: the kind is not allowed at all */
};

/* "pulse", ... Borrowed, lives for ever. */
const char *action_kind_name(enum action_kind kind);

/* The kind with this name, or -1. */
int action_kind_from_name(const char *name);

/* The kind's parameters and their number. Borrowed. */
const struct action_parameter *action_parameters(enum action_kind kind, size_t *ret_n);

/* A parameter's place in action_parameters(kind), or -1. */
int action_parameter_find(enum action_kind kind, const char *name);

double action_get(const struct action *action, const struct action_parameter *parameter);
void action_set(struct action *action, const struct action_parameter *parameter, double value);

/* An action with every parameter of its kind at its fallback, all else 0. */
struct action action_default(enum action_kind kind);

/* The compiled ceilings of a profile. Necking is not allowed until somebody sets allowed[]. */
void action_limits_ceiling(enum action_profile profile, struct action_limits *ret_limits);

/*
 * Check an action against limits. 0: inside. -ERANGE: outside or not finite, or a kind that is not
 * allowed; *ret_parameter then names the parameter (NULL: the kind itself). -EINVAL: a field that
 * the kind does not use is not 0, or a count is not whole.
 */
int action_check(const struct action *action, const struct action_limits *limits,
                 const struct action_parameter **ret_parameter);

/* A line for people: "pulse voltage 2.3 V, duration 50 ms, count 1, x -1, y -1". Always
 * terminated. */
void action_describe(const struct action *action, char *buf, size_t size);

#endif

/*
 * The simulated tip: a hidden state that jumps while scanning and is drawn anew by actions. What an
 * apex of each state looks like: sim/apex.h. The numbers: sim/tip_model.h.
 */
#ifndef SIM_TIP_H
#define SIM_TIP_H

#include "instrument/action.h"
#include "sim/random.h"
#include "sim/tip_model.h"

#include <stdbool.h>
#include <stdint.h>

/* "atomic", ... Borrowed, lives for ever. */
const char *sim_tip_state_name(enum sim_tip_state state);

/* The state with this name, or -1. */
int sim_tip_state_from_name(const char *name);

struct sim_tip {
    const struct sim_tip_model *model; /* borrowed */
    uint64_t seed;
    uint64_t serial; /* rises with every new apex; an apex is a function of (seed, serial, state) */
    enum sim_tip_state state;
    bool restless; /* visible events ten times as often */
    uint32_t n_apices;
    struct sim_apex apices[SIM_TIP_APICES_MAX];
    struct sim_contrast contrast;
    double sharpness; /* latent, standard normal over all tips: SIM_TIP_AR1 */
    int last_sign;    /* of the last pulse, 0: none yet */
};

enum sim_tip_event_kind {
    SIM_TIP_NO_EVENT,
    SIM_TIP_Z_JUMP,  /* height offset only */
    SIM_TIP_LATERAL, /* offset, and the apex sits elsewhere */
    SIM_TIP_CHANGE,  /* new state, new apex */
    SIM_TIP_STREAK,  /* this line only */
    SIM_TIP_TELEGRAPH,
    SIM_TIP_EVENT_COUNT
};

/* "none", "z jump", ... Borrowed, lives for ever. */
const char *sim_tip_event_name(enum sim_tip_event_kind kind);

struct sim_tip_event {
    enum sim_tip_event_kind kind;
    double at;            /* 0..1 of the line's time, forward and backward together */
    double z_m;           /* offset from there on (streak, telegraph: while it lasts) */
    double dx_m, dy_m;    /* SIM_TIP_LATERAL */
    uint32_t lines;       /* SIM_TIP_TELEGRAPH: how many */
    struct sim_tip after; /* the tip after the event; the tip itself when nothing happened */
};

/* A tip of the fitted model with its first apex. */
void sim_tip_init(struct sim_tip *tip, uint64_t seed, enum sim_tip_state state);

/* The same of another model, which is borrowed for as long as the tip and its copies live. */
void sim_tip_init_as(struct sim_tip *tip, const struct sim_tip_model *model, uint64_t seed,
                     enum sim_tip_state state);

/*
 * What happens to the tip during one line (forward and backward). `rate_scale` multiplies all
 * rates. The caller takes over `after` when the line is done.
 */
void sim_tip_line(const struct sim_tip *tip, double rate_scale, struct sim_random *random,
                  struct sim_tip_event *ret_event);

/* Probability that one pulse, crash, neck, ... gives this tip a new apex. */
double sim_tip_p_change(const struct sim_tip *tip, const struct action *action);

/* Act on the tip; true when it has a new apex (maybe of the same state). */
bool sim_tip_act(struct sim_tip *tip, const struct action *action, struct sim_random *random);

/* An unwanted crash: a new apex, drawn from the worst table. */
void sim_tip_wreck(struct sim_tip *tip, struct sim_random *random);

#endif

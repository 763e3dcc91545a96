/*
 * Every number behind the tip's history: how often its state changes by itself, and what actions
 * make of it. Plain values with defaults, which a scenario may set.
 *
 * Defaults: a hidden Markov model fitted to 3,611 pairs of consecutive labelled images (public
 * Nottingham set); the mark of every number stands in docs/simulator.md, "Tip".
 */
#ifndef SIM_TIP_MODEL_H
#define SIM_TIP_MODEL_H

#include "instrument/action.h"
#include "sim/apex.h"

#include <stdbool.h>
#include <stddef.h>

enum sim_tip_family {
    /* An action gives a new apex or does not; the new one is drawn from a table. Fitted. */
    SIM_TIP_FITTED,
    /*
     * Whatever is done to whatever tip: good with one fixed probability, bad otherwise, and nothing
     * changes by itself. No policy can need fewer actions than 1 over it in the mean: who does,
     * reads what it must not see.
     */
    SIM_TIP_CONSTANT,
    /* INVENTED: each hidden state has its own right action, others do little or harm. */
    SIM_TIP_STATE_DEPENDENT,
    SIM_TIP_FAMILY_COUNT
};

enum sim_tip_memory {
    SIM_TIP_INDEPENDENT, /* each new apex is drawn for itself */
    SIM_TIP_AR1          /* ... or near the last one: the gentler the action, the nearer */
};

enum sim_tip_severity { SIM_TIP_MILD, SIM_TIP_HARD, SIM_TIP_BRUTAL, SIM_TIP_SEVERITY_COUNT };

struct sim_tip_model {
    double start[SIM_TIP_STATE_COUNT]; /* weights of the first tip's state */

    /* By itself: class changes per 600 lines, and where they lead (row: from). */
    double rate_per_600_lines[SIM_TIP_STATE_COUNT];
    double jump[SIM_TIP_STATE_COUNT][SIM_TIP_STATE_COUNT];
    /* All events that can be seen, per 300 lines, of a quiet and of a restless tip. */
    double visible_quiet, visible_restless;
    double restless_share; /* of new apices, beside those of the state unstable */

    /* p of a new apex = 1 / (1 + exp(-(x - mid) / width)) of a depth or a voltage. */
    double poke_mid_m, poke_width_m;
    double pulse_mid_v, pulse_width_v;
    double p_neck, p_retract;
    double cling_factor; /* times the p of a mild action on a fouled tip */

    /* What a new apex is. Mild, hard: up to these; beyond is brutal. */
    double mild_m, mild_v, hard_m, hard_v;
    double redraw[SIM_TIP_SEVERITY_COUNT][SIM_TIP_STATE_COUNT];
    double
        difficulty; /* >= 1, divides the weights of atomic, asym and dimer; the rest takes over */

    int memory;     /* enum sim_tip_memory */
    double ar1_phi; /* correlation of the latent sharpness over an action like a pulse of 4 V */

    int family;         /* enum sim_tip_family */
    double p_success;   /* SIM_TIP_CONSTANT */
    double right, luck; /* SIM_TIP_STATE_DEPENDENT: p of a good tip by the right, a wrong action */
    double harm;        /* ... and of another bad one by a wrong one */
};

void sim_tip_model_default(struct sim_tip_model *ret);

/* The same as a constant; lives for ever. */
const struct sim_tip_model *sim_tip_model_fitted(void);

/* True when every value lies in its range and every table can be drawn from. */
bool sim_tip_model_ok(const struct sim_tip_model *model);

/* "fitted", "constant", "state_dependent"; NULL beyond the last. */
const char *sim_tip_family_name(size_t family);

/* "independent", "ar1"; NULL beyond the last. */
const char *sim_tip_memory_name(size_t memory);

/* How far this action goes by the bounds of the model. */
enum sim_tip_severity sim_tip_severity(const struct sim_tip_model *model,
                                       const struct action *action);

/* Probability that the action gives a tip of this state a new apex: SIM_TIP_FITTED. */
double sim_tip_model_p_change(const struct sim_tip_model *model, enum sim_tip_state state,
                              const struct action *action);

/* Weights of the state of a new apex; add up to 1. */
void sim_tip_model_redraw(const struct sim_tip_model *model, enum sim_tip_severity severity,
                          double ret_p[SIM_TIP_STATE_COUNT]);

/*
 * Whether the action is the right one for this state: SIM_TIP_STATE_DEPENDENT. Fouled: a pulse of
 * 3 V and more. Blunt: a crash of 1 nm and more. Multi and rows: a crash of .5 nm and less.
 * Unstable: a pulse of 2 V and more, against the sign of the last one (`last_sign`, 0: none yet).
 */
bool sim_tip_action_fits(enum sim_tip_state state, const struct action *action, int last_sign);

/*
 * The action's strength as the voltage of a pulse that would change as many tips; a series of
 * pulses adds up.
 */
double sim_tip_equivalent_v(const struct sim_tip_model *model, const struct action *action);

#endif

/*
 * What stands between surface and samples: gap, preamp, z controller, and the ends of their ranges.
 * It makes heights into z and current, and knows what is wrong with them at a moment.
 */
#ifndef SIM_CONTROLLER_H
#define SIM_CONTROLLER_H

#include "sim/disturb.h"
#include "sim/feedback.h"
#include "sim/tip.h"

struct sim_controller {
    const struct sim_instrument *instrument;     /* borrowed */
    const struct sim_disturbances *disturbances; /* borrowed */
    struct sim_feedback feedback;
    uint64_t seed;
    uint32_t n; /* samples of a trace */
    double sample_s;
    double *noise, *error; /* (n) */
};

/* Draws the session's loop from `random`. -ENOMEM. */
int sim_controller_init(struct sim_controller *controller, uint64_t seed, uint32_t points,
                        double sample_s, struct sim_random *random);
void sim_controller_finish(struct sim_controller *controller);

/* Sample bias in force. */
double sim_controller_bias_v(const struct sim_controller *controller, double t_s);

/* Current that the loop holds on average: none without contact, the preamp's rail in a crash. */
double sim_controller_current_a(const struct sim_controller *controller, double t_s);

/* The z piezo stands at an end: 1 withdrawn (in a crash, too), -1 extended, 0 neither. */
int sim_controller_end(const struct sim_controller *controller, double t_s);

/*
 * One trace in time order: what the tip should follow, (n), becomes z. `heights` are changed.
 * t_s: of the first sample; `trace` numbers the traces of a session.
 */
void sim_controller_follow(struct sim_controller *controller, const struct sim_tip *tip, double t_s,
                           uint64_t trace, double *heights, double *ret_z_m);

/* Current of the trace just followed, (n), time order. True: it stood at the preamp's rail. */
bool sim_controller_current(struct sim_controller *controller, double t_s, uint64_t trace,
                            double *ret_a);

#endif

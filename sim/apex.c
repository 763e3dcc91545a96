/* Apices and contrast of each tip state. */
#include "sim/apex.h"

#include <math.h>

enum { N = SIM_TIP_STATE_COUNT };

static double draw_sigma_m(enum sim_tip_state state, struct sim_random *random)
{
    static const double nm[N][2] = {{.0, .055}, {.02, .08}, {.04, .10}, {.125, .17},
                                    {.03, .15}, {.25, .60}, {.03, .30}, {.30, .80}};
    return 1e-9 * sim_random_range(random, nm[state][0], nm[state][1]);
}

static uint32_t draw_apices(enum sim_tip_state state, struct sim_random *random,
                            struct sim_apex *apices)
{
    static const double p_count[] = {.5, .3, .2};
    uint32_t n = 1;
    apices[0] = (struct sim_apex){.sigma_m = draw_sigma_m(state, random)};
    if (state == SIM_TIP_MULTI)
        n = 2 + (uint32_t)sim_random_pick(random, p_count, 3);
    for (uint32_t i = 1; i < n; i++) {
        double apart_m = sim_random_log_range(random, .3e-9, 3e-9);
        double angle = sim_random_range(random, 0, 2 * 3.141592653589793);
        apices[i] = (struct sim_apex){.dx_m = apart_m * cos(angle),
                                      .dy_m = apart_m * sin(angle),
                                      .recess_m = sim_random_range(random, 0, 120e-12),
                                      .sigma_m = draw_sigma_m(state, random)};
    }
    return n;
}

static void draw_contrast(enum sim_tip_state state, struct sim_random *random,
                          struct sim_contrast *c)
{
    /* So that noise over corrugation comes out as measured in each class. */
    static const double noise_pm[N][2] = {{2, 7},  {3.5, 14}, {2, 10}, {1.3, 6.5},
                                          {2, 10}, {1.5, 5},  {2, 8},  {1.5, 5}};
    bool atomic = state == SIM_TIP_ATOMIC;
    bool dull = state == SIM_TIP_BLUNT || state == SIM_TIP_FOULED;
    c->row_m = atomic ? sim_random_log_range(random, 6e-12, 22e-12)
                      : sim_random_log_range(random, 14e-12, 45e-12);
    c->ratio_dimer = sim_random_range(random, .8, 1.7);
    c->ratio_pair = sim_random_range(random, .20, .45);
    c->phase_pair = 3.141592653589793;
    if (atomic)
        c->ratio_pair = sim_random_range(random, .7, 1.5);
    if (state == SIM_TIP_ROWS)
        c->ratio_pair = sim_random_range(random, .4, 1.1);
    if (state == SIM_TIP_ASYM) {
        c->ratio_pair = sim_random_range(random, .3, .9);
        c->phase_pair += sim_random_sign(random) * sim_random_range(random, .5, 1.5);
    }
    c->ratio_mixed = sim_random_range(random, .10, .35);
    c->radius_m = dull ? sim_random_log_range(random, .5e-9, 5e-9)
                       : sim_random_log_range(random, .05e-9, .5e-9);
    c->noise_m = 1e-12 * sim_random_log_range(random, noise_pm[state][0], noise_pm[state][1]);
    c->busy = sim_random_uniform(random) < .3;
    double p_islands = state == SIM_TIP_FOULED ? .7 : state == SIM_TIP_BLUNT ? .25 : 0;
    c->islands = sim_random_uniform(random) < p_islands;
    c->island_m = sim_random_sign(random) * sim_random_log_range(random, .8e-9, 6e-9);
    /* Half of the multiple tips are poor as well; geometry alone would leave too many readable. */
    c->poor = state == SIM_TIP_MULTI && sim_random_uniform(random) < .5;
    if (c->poor) {
        c->row_m *= .4;
        c->noise_m *= 1.5;
    }
    double angle = sim_random_range(random, 0, 2 * 3.141592653589793);
    double apart_m = sim_random_range(random, .1e-9, .6e-9);
    c->level = (struct sim_apex){.dx_m = apart_m * cos(angle),
                                 .dy_m = apart_m * sin(angle),
                                 .recess_m = sim_random_log_range(random, 20e-12, 200e-12),
                                 .sigma_m = sim_random_range(random, .03e-9, .30e-9)};
    c->dwell_s = sim_random_log_range(random, 2e-3, 2);
}

void sim_apex_draw(enum sim_tip_state state, struct sim_random *random, struct sim_apex *ret_apices,
                   uint32_t *ret_n, struct sim_contrast *ret_contrast)
{
    *ret_n = draw_apices(state, random, ret_apices);
    draw_contrast(state, random, ret_contrast);
    for (uint32_t i = 0; ret_contrast->poor && i < *ret_n; i++)
        ret_apices[i].sigma_m += .08e-9;
}

/* Apices and contrast of each tip state. */
#include "sim/apex.h"

#include "sim/shows.h"

#include <math.h>

enum { N = SIM_TIP_STATE_COUNT };

#define PI 3.141592653589793
#define NOISE_MARGIN 1.8 /* chosen: so much more noise than its own must an apex's picture bear */

enum { DRAWS_MAX = 64 };

/* From what an apex of one state is drawn; ranges low to high. */
struct look {
    double sigma_nm[2];  /* uniform */
    double row_pm[2];    /* log-uniform */
    double pair[2];      /* uniform */
    double askew[2];     /* uniform, of the pair's phase off pi, either way */
    double noise_pm[2];  /* log-uniform */
    double rumble[2];    /* uniform */
    double drag[2];      /* log-uniform */
    double memory[2];    /* uniform */
    double grain[2];     /* log-uniform */
    double radius_nm[2]; /* log-uniform */
    double p_busy, p_islands;
};

static const struct look looks[N] = {
    [SIM_TIP_ATOMIC] = {.sigma_nm = {0, .05},
                        .row_pm = {3, 11},
                        .pair = {.9, 1.45},
                        .askew = {0, 1.6},
                        .noise_pm = {.9, 4.2},
                        .rumble = {0, .5},
                        .drag = {.5, 1.3},
                        .memory = {.6, .75},
                        .grain = {.95, 1.15},
                        .radius_nm = {.02, .3},
                        .p_busy = .9,
                        .p_islands = 0},
    [SIM_TIP_ASYM] = {.sigma_nm = {.03, .08},
                      .row_pm = {20, 65},
                      .pair = {.36, .75},
                      .askew = {1.1, 2.3},
                      .noise_pm = {9, 34},
                      .rumble = {.1, .7},
                      .drag = {.2, .6},
                      .memory = {.4, .5},
                      .grain = {.9, 1.1},
                      .radius_nm = {.02, .2},
                      .p_busy = .1,
                      .p_islands = 0},
    [SIM_TIP_DIMER] = {.sigma_nm = {.04, .095},
                       .row_pm = {7, 33},
                       .pair = {.18, .45},
                       .askew = {0, .9},
                       .noise_pm = {1.5, 7},
                       .rumble = {0, 1},
                       .drag = {.2, .6},
                       .memory = {.6, .6},
                       .grain = {.82, 1.1},
                       .radius_nm = {.02, .2},
                       .p_busy = .5,
                       .p_islands = 0},
    [SIM_TIP_ROWS] = {.sigma_nm = {.135, .165},
                      .row_pm = {17, 68},
                      .pair = {.4, 1},
                      .askew = {0, 1.6},
                      .noise_pm = {2.4, 12},
                      .rumble = {.3, 1.3},
                      .drag = {.1, .4},
                      .memory = {.4, .5},
                      .grain = {.88, 1.15},
                      .radius_nm = {.02, .2},
                      .p_busy = .5,
                      .p_islands = 0},
    [SIM_TIP_MULTI] = {.sigma_nm = {.03, .14},
                       .row_pm = {10, 36},
                       .pair = {.35, .65},
                       .askew = {1, 2.1},
                       .noise_pm = {1, 5},
                       .rumble = {.2, 1.2},
                       .drag = {.2, .7},
                       .memory = {.6, .7},
                       .grain = {.85, 1.2},
                       .radius_nm = {.02, .3},
                       .p_busy = .6,
                       .p_islands = .1},
    [SIM_TIP_BLUNT] = {.sigma_nm = {.18, .28},
                       .row_pm = {6, 20},
                       .pair = {.20, .45},
                       .noise_pm = {.5, 1.8},
                       .rumble = {.3, 1.2},
                       .drag = {.3, 2},
                       .memory = {.6, .9},
                       .grain = {.95, 1.4},
                       .radius_nm = {.02, .3},
                       .p_busy = .8,
                       .p_islands = .55},
    [SIM_TIP_UNSTABLE] = {.sigma_nm = {.03, .30},
                          .row_pm = {10, 36},
                          .pair = {.20, .45},
                          .noise_pm = {.6, 2.7},
                          .rumble = {.3, 1.2},
                          .drag = {.3, 2},
                          .memory = {.6, .95},
                          .grain = {.95, 1.4},
                          .radius_nm = {.02, .3},
                          .p_busy = .8,
                          .p_islands = .4},
    [SIM_TIP_FOULED] = {.sigma_nm = {.18, .32},
                        .row_pm = {6, 20},
                        .pair = {.20, .45},
                        .noise_pm = {.5, 1.8},
                        .rumble = {.3, 1.2},
                        .drag = {.3, 2},
                        .memory = {.6, .9},
                        .grain = {.95, 1.4},
                        .radius_nm = {.02, .3},
                        .p_busy = .8,
                        .p_islands = .75},
};

static double uniform_in(struct sim_random *random, const double range[2])
{
    return sim_random_range(random, range[0], range[1]);
}

static double log_in(struct sim_random *random, const double range[2])
{
    return sim_random_log_range(random, range[0], range[1]);
}

static uint32_t draw_apices(enum sim_tip_state state, struct sim_random *random,
                            struct sim_apex *apices)
{
    static const double p_count[] = {.5, .3, .2};
    const struct look *look = &looks[state];
    bool rough = state == SIM_TIP_BLUNT || state == SIM_TIP_FOULED;
    uint32_t n = 1;
    apices[0] = (struct sim_apex){.sigma_m = 1e-9 * uniform_in(random, look->sigma_nm)};
    if (state == SIM_TIP_MULTI || rough)
        n = 2 + (uint32_t)sim_random_pick(random, p_count, 3);
    for (uint32_t i = 1; i < n; i++) {
        double apart_m = sim_random_log_range(random, .3e-9, 3e-9);
        double angle = sim_random_range(random, 0, 2 * PI);
        double recess_m = sim_random_range(random, 0, rough ? 100e-12 : 120e-12);
        apices[i] = (struct sim_apex){.dx_m = apart_m * cos(angle),
                                      .dy_m = apart_m * sin(angle),
                                      .recess_m = recess_m,
                                      .sigma_m = 1e-9 * uniform_in(random, look->sigma_nm)};
    }
    return n;
}

static void draw_islands(double p, struct sim_random *random, struct sim_contrast *c)
{
    c->islands = sim_random_uniform(random) < p;
    c->island_m = sim_random_sign(random) * sim_random_log_range(random, .6e-9, 4e-9);
    c->island_sigmas = sim_random_range(random, .6, 2.0);
    c->island_grain = sim_random_range(random, 0, 1);
    c->island_apart_lines = sim_random_log_range(random, 40, 800);
}

/* What an unstable tip switches to. */
static void draw_level(struct sim_random *random, struct sim_contrast *c)
{
    double angle = sim_random_range(random, 0, 2 * PI);
    double apart_m = sim_random_range(random, .1e-9, .6e-9);
    c->level = (struct sim_apex){.dx_m = apart_m * cos(angle),
                                 .dy_m = apart_m * sin(angle),
                                 .recess_m = sim_random_log_range(random, 8e-12, 100e-12),
                                 .sigma_m = sim_random_range(random, .03e-9, .30e-9)};
    c->dwell_s = sim_random_log_range(random, 20e-3, 15);
}

static void draw_contrast(enum sim_tip_state state, struct sim_random *random,
                          struct sim_contrast *c)
{
    const struct look *look = &looks[state];
    c->row_m = 1e-12 * log_in(random, look->row_pm);
    c->ratio_dimer = sim_random_range(random, .8, 1.5);
    c->ratio_pair = uniform_in(random, look->pair);
    c->phase_pair = PI + sim_random_sign(random) * uniform_in(random, look->askew);
    c->ratio_fine = c->ratio_pair * sim_random_log_range(random, .1, .5);
    for (int i = 0; i < 2; i++)
        c->mixed[i] = (struct sim_overtone){sim_random_log_range(random, .06, .5),
                                            sim_random_range(random, 0, 2 * PI)};
    c->radius_m = 1e-9 * log_in(random, look->radius_nm);
    c->noise_m = 1e-12 * log_in(random, look->noise_pm);
    c->grain = log_in(random, look->grain);
    c->rumble = uniform_in(random, look->rumble);
    c->drag = log_in(random, look->drag);
    c->drag_memory = uniform_in(random, look->memory);
    c->busy = sim_random_uniform(random) < look->p_busy;
    draw_islands(look->p_islands, random, c);
    /* Half of the multiple tips are poor as well; geometry alone would leave too many readable. */
    c->poor = state == SIM_TIP_MULTI && sim_random_uniform(random) < .5;
    if (c->poor) {
        c->row_m *= .4;
        c->noise_m *= 1.5;
    }
    draw_level(random, c);
}

/*
 * The fitted chain of states rests on the first four showing what they are called: label and state
 * agree on .83 to .87 of the images. An apex whose own picture is another's, or drowns in its
 * noise, is therefore drawn again.
 */
static bool shows_its_state(enum sim_tip_state state, const struct sim_apex *apex,
                            const struct sim_contrast *contrast)
{
    static const enum sim_shows own[] = {[SIM_TIP_ATOMIC] = SIM_SHOWS_ATOMS,
                                         [SIM_TIP_ASYM] = SIM_SHOWS_ASYMMETRIES,
                                         [SIM_TIP_DIMER] = SIM_SHOWS_DIMERS,
                                         [SIM_TIP_ROWS] = SIM_SHOWS_ROWS};
    struct sim_contrast noisy = *contrast;
    if (state == SIM_TIP_BLUNT || state == SIM_TIP_FOULED)
        return sim_shows(apex, 1, contrast, 0) == SIM_SHOWS_NOTHING;
    if (state > SIM_TIP_ROWS)
        return true;
    noisy.noise_m *= NOISE_MARGIN;
    return sim_shows(apex, 1, &noisy, 0) == own[state];
}

void sim_apex_draw(enum sim_tip_state state, struct sim_random *random, struct sim_apex *ret_apices,
                   uint32_t *ret_n, struct sim_contrast *ret_contrast)
{
    for (int i = 0; i < DRAWS_MAX; i++) {
        *ret_n = draw_apices(state, random, ret_apices);
        draw_contrast(state, random, ret_contrast);
        if (shows_its_state(state, ret_apices, ret_contrast))
            break;
    }
    for (uint32_t i = 0; ret_contrast->poor && i < *ret_n; i++)
        ret_apices[i].sigma_m += .08e-9;
}

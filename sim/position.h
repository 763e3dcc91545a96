/*
 * Where the scanner really is: commanded position, creep after moves, calibration error, drift of
 * the sample, coarse motion. Scanner coordinates in, surface coordinates out, metres.
 */
#ifndef SIM_POSITION_H
#define SIM_POSITION_H

#include "sim/disturb.h"

enum { SIM_POSITION_MOVES_MAX = 8 };

struct sim_position_move {
    double dx_m, dy_m, t_s;
};

struct sim_position {
    const struct sim_instrument *instrument;
    const struct sim_disturbances *disturbances;
    double drift_x, drift_y, z_rate; /* m/s */
    double scale_x, scale_y, shear;  /* true over commanded */
    double x_m, y_m;                 /* commanded centre of the frame */
    double coarse_x_m, coarse_y_m;   /* by motor since the start */
    struct sim_position_move moves[SIM_POSITION_MOVES_MAX];
    uint32_t n_moves;
    double boost_x_m_per_s, boost_y_m_per_s, boost_start_s;
};

/* Draws the session; both pointers are borrowed. */
void sim_position_init(struct sim_position *position, const struct sim_instrument *instrument,
                       const struct sim_disturbances *disturbances, struct sim_random *random);

void sim_position_move(struct sim_position *position, double dx_m, double dy_m, double t_s);

/* The sample shifts below the scanner, and its drift has to settle again. */
void sim_position_coarse_move(struct sim_position *position, double dx_m, double dy_m, double t_s);

/* At one moment the way from commanded to true is a straight one. */
struct sim_position_map {
    double xx, xy, x0; /* x = xx X + xy Y + x0 */
    double yy, y0;     /* y = yy Y + y0: a line along X stays at one y */
};

void sim_position_map(const struct sim_position *position, double t_s,
                      struct sim_position_map *ret);

/* How much higher the surface stands than at the start. */
double sim_position_z_m(const struct sim_position *position, double t_s);

#endif

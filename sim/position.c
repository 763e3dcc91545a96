/* Creep, drift, calibration, motion. */
#include "sim/position.h"

#include <math.h>
#include <string.h>

#define PI 3.141592653589793

void sim_position_init(struct sim_position *position, const struct sim_instrument *instrument,
                       const struct sim_disturbances *disturbances, struct sim_random *random)
{
    memset(position, 0, sizeof(*position));
    position->instrument = instrument;
    position->disturbances = disturbances;
    double speed = sim_random_log_in(random, &instrument->drift_m_per_s);
    double angle = sim_random_range(random, 0, 2 * PI);
    position->drift_x = speed * cos(angle);
    position->drift_y = speed * sin(angle);
    position->z_rate =
        sim_random_sign(random) * sim_random_log_in(random, &instrument->z_drift_m_per_s);
    position->scale_x = 1 / sim_random_in(random, &instrument->scale);
    position->scale_y = 1 / sim_random_in(random, &instrument->scale);
    position->shear = sim_random_in(random, &instrument->shear);
}

void sim_position_move(struct sim_position *position, double dx_m, double dy_m, double t_s)
{
    if (position->n_moves == SIM_POSITION_MOVES_MAX) {
        memmove(position->moves, position->moves + 1,
                (SIM_POSITION_MOVES_MAX - 1) * sizeof(position->moves[0]));
        position->n_moves--;
    }
    position->moves[position->n_moves++] = (struct sim_position_move){dx_m, dy_m, t_s};
    position->x_m += dx_m;
    position->y_m += dy_m;
}

void sim_position_coarse_move(struct sim_position *position, double dx_m, double dy_m, double t_s)
{
    /* The scanner's own position and creep stay what they were. */
    position->coarse_x_m += dx_m;
    position->coarse_y_m += dy_m;
    position->boost_x_m_per_s = position->instrument->coarse_boost * position->drift_x;
    position->boost_y_m_per_s = position->instrument->coarse_boost * position->drift_y;
    position->boost_start_s = t_s;
}

/* Metres that the thermal ramps have added until now; what a ramp has moved stays moved. */
static double thermal_m(const struct sim_position *position, double t_s)
{
    double sum_m = 0;
    for (size_t i = 0; i < position->disturbances->n; i++) {
        const struct sim_disturbance *d = &position->disturbances->list[i];
        if (d->kind == SIM_THERMAL_RAMP)
            sum_m += d->magnitude * fmax(0, fmin(d->duration_s, t_s - d->start_s));
    }
    return sum_m;
}

void sim_position_map(const struct sim_position *position, double t_s, struct sim_position_map *ret)
{
    const struct sim_instrument *instrument = position->instrument;
    double creep_x = 0, creep_y = 0;
    for (uint32_t i = 0; i < position->n_moves; i++) {
        const struct sim_position_move *move = &position->moves[i];
        double age_s = fmax(0, t_s - move->t_s);
        double share = instrument->creep_per_decade * log10(1 + age_s / instrument->creep_start_s);
        creep_x += share * move->dx_m;
        creep_y += share * move->dy_m;
    }
    double tau_s = instrument->coarse_boost_tau_s;
    double settled_s = tau_s * (1 - exp(-(t_s - position->boost_start_s) / tau_s));
    ret->xx = position->scale_x;
    ret->xy = position->scale_x * position->shear;
    ret->x0 = position->drift_x * t_s + position->coarse_x_m +
              position->boost_x_m_per_s * settled_s - creep_x + .5 * thermal_m(position, t_s);
    ret->yy = position->scale_y;
    ret->y0 = position->drift_y * t_s + position->coarse_y_m +
              position->boost_y_m_per_s * settled_s - creep_y;
}

double sim_position_z_m(const struct sim_position *position, double t_s)
{
    double tau_s = position->instrument->z_drift_tau_s;
    return position->z_rate * tau_s * (1 - exp(-t_s / tau_s)) + thermal_m(position, t_s);
}

/* Defaults of the simulated instrument; names and ranges of its disturbances. */
#include "sim/instrument.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void sim_instrument_default(struct sim_instrument *ret)
{
    *ret = (struct sim_instrument){
        .bias_v = -1.8,
        .setpoint_a = 50e-12,
        .tilt_fast = {1e-3, 30e-3},
        .tilt_slow = {10e-3, 100e-3},
        .drift_m_per_s = {.3e-12, 4e-12},
        .z_drift_m_per_s = {.1e-12, 10e-12},
        .z_drift_tau_s = 3 * 3600.0,
        .scale = {.88, 1.05},
        .shear = {-.04, .04},
        .creep_per_decade = .02,
        .creep_start_s = .1,
        .coarse_boost = 10,
        .coarse_boost_tau_s = 1200,
        .reach_m = 1e-6,
        .z_end_m = 400e-9,
        .start_frac = .052,
        .start_spread = {.3, 1.3},
        .start_decay_frac = .07,
        .hysteresis_frac = {.005, .03},
        .lag_px = {1, 5},
        .smooth_px = {1, 2.2},
        .loop_gain = 1,
        .z_f0_hz = {1e3, 10e3},
        .z_q = {5, 20},
        .barrier_ev = {3, 5},
        .preamp_a = {3.3e-9, 33e-9, 333e-9},
        .preamp_range = 0,
        .preamp_noise_a = .3e-12,
        .noise_factor = 1,
        .line_jump_m = {1e-12, 9e-12},
        .hum_m = {0, .15e-12},
        .hum_hz = 50,
        .glitches_quiet = 1,
        .glitches_busy = 10,
        .glitch_size = {5, 150},
        .glitch_px = {1, 60},
        .trigger_m = 150e-12,
        .trigger_factor = 8,
        .touch_per_line = .1,
        .incomplete_share = 0,
        .turn_s = .5,
        .travel_s = .5,
        .move_s = 15,
        .retract_s = 2,
        .motor_step_s = 1,
        .approach_s = 60,
        .settle_pulse_s = .1,
        .settle_crash_s = 1,
        .lateral_step_m = 500e-9,
    };
}

static bool in(double value, double low, double high)
{
    return value >= low && value <= high;
}

static bool range_in(const struct sim_range *r, double low, double high)
{
    return in(r->low, low, high) && in(r->high, r->low, high);
}

static bool place_ok(const struct sim_instrument *i)
{
    return range_in(&i->tilt_fast, 1e-6, .5) && range_in(&i->tilt_slow, 1e-6, .5) &&
           range_in(&i->drift_m_per_s, 1e-15, 1e-9) && range_in(&i->z_drift_m_per_s, 1e-15, 1e-9) &&
           in(i->z_drift_tau_s, 1, 1e7) && range_in(&i->scale, .5, 2) &&
           range_in(&i->shear, -.5, .5) && in(i->creep_per_decade, 0, .2) &&
           in(i->creep_start_s, 1e-3, 10) && in(i->coarse_boost, 0, 1000) &&
           in(i->coarse_boost_tau_s, 1, 1e6) && in(i->reach_m, 10e-9, 100e-6) &&
           in(i->z_end_m, 1e-9, 10e-6) && in(i->start_frac, 0, .2) &&
           range_in(&i->start_spread, 0, 10) && in(i->start_decay_frac, .01, 1) &&
           range_in(&i->hysteresis_frac, 0, .2);
}

static bool loop_ok(const struct sim_instrument *i)
{
    bool ranges_rise = i->preamp_a[0] > i->setpoint_a && i->preamp_a[0] < i->preamp_a[1] &&
                       i->preamp_a[1] < i->preamp_a[2] && i->preamp_a[2] <= 1e-3;
    return in(fabs(i->bias_v), .01, 10) && in(i->setpoint_a, 1e-13, 1e-7) && ranges_rise &&
           i->preamp_range < SIM_PREAMP_RANGES && in(i->preamp_noise_a, 0, 1e-10) &&
           range_in(&i->lag_px, .5, 20) && range_in(&i->smooth_px, .5, 10) &&
           in(i->loop_gain, .05, 10) && range_in(&i->z_f0_hz, 100, 1e6) &&
           range_in(&i->z_q, .6, 100) && range_in(&i->barrier_ev, .5, 10);
}

static bool noise_ok(const struct sim_instrument *i)
{
    return in(i->noise_factor, 0, 100) && range_in(&i->line_jump_m, 1e-15, 1e-9) &&
           range_in(&i->hum_m, 0, 1e-9) && in(i->hum_hz, 1, 1000) &&
           in(i->glitches_quiet, 0, 300) && in(i->glitches_busy, 0, 300) &&
           range_in(&i->glitch_size, .1, 1e4) && range_in(&i->glitch_px, 1, 300) &&
           in(i->trigger_m, 1e-12, 1e-8) && in(i->trigger_factor, 1, 100) &&
           in(i->touch_per_line, 0, 1) && in(i->incomplete_share, 0, 1);
}

static bool times_ok(const struct sim_instrument *i)
{
    return in(i->turn_s, 0, 600) && in(i->travel_s, 0, 600) && in(i->move_s, 0, 3600) &&
           in(i->retract_s, 0, 3600) && in(i->motor_step_s, 0, 600) &&
           in(i->approach_s, 0, 36000) && in(i->settle_pulse_s, 0, 600) &&
           in(i->settle_crash_s, 0, 600) && in(i->lateral_step_m, 1e-9, 1e-3);
}

bool sim_instrument_ok(const struct sim_instrument *instrument)
{
    return place_ok(instrument) && loop_ok(instrument) && noise_ok(instrument) &&
           times_ok(instrument);
}

double sim_instrument_draw_stop(struct sim_random *random)
{
    /* Shares at which 0, 5, 25, 50, 75, 95 and 100 % of the stopped images have ended. */
    static const double at[] = {.016, .016, .07, .19, .57, .90, .97};
    static const double part[] = {0, .05, .25, .50, .75, .95, 1};
    double u = sim_random_uniform(random);
    int i = 0;
    while (u >= part[i + 1])
        i++;
    return at[i] + (at[i + 1] - at[i]) * (u - part[i]) / (part[i + 1] - part[i]);
}

struct kind {
    const char *name, *unit;
    struct sim_range magnitude;
};

static const struct kind kinds[SIM_DISTURBANCE_COUNT] = {
    [SIM_HUM] = {"hum", "m", {0, 1e-9}},
    [SIM_KNOCK] = {"knock", "m", {0, 10e-9}},
    [SIM_THERMAL_RAMP] = {"thermal_ramp", "m/s", {-1e-9, 1e-9}},
    [SIM_RINGING] = {"ringing", "", {.05, 10}},
    [SIM_LOST_CONTACT] = {"lost_contact", "", {0, 0}},
    [SIM_CRASH] = {"crash", "", {0, 0}},
    [SIM_RAIL] = {"rail", "", {-1, 1}},
    [SIM_RANGE_SWITCH] = {"range_switch", "", {0, SIM_PREAMP_RANGES - 1}},
    [SIM_BIAS_JUMP] = {"bias_jump", "V", {-10, 10}},
    [SIM_GAP_TOO_LOW] = {"gap_too_low", "V", {.01, 1}},
    [SIM_PARTIAL_LINE] = {"partial_line", "", {0, 1}},
};

const char *sim_disturbance_name(enum sim_disturbance_kind kind)
{
    return kinds[kind].name;
}

int sim_disturbance_from_name(const char *name)
{
    for (int i = 0; i < SIM_DISTURBANCE_COUNT; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return i;
    return -1;
}

struct sim_range sim_disturbance_range(enum sim_disturbance_kind kind, const char **ret_unit)
{
    *ret_unit = kinds[kind].unit;
    return kinds[kind].magnitude;
}

/*
 * Everything about the simulated instrument that a scenario may set: scanner, controller, preamp,
 * times of the actions. Plain values with defaults; where a range stands, one value is drawn from
 * it per session (or per frame, per knock ... where it says so).
 *
 * Marks of every number: docs/simulator.md, "Instrument". Lengths "px" are samples of a line of
 * 300, whatever the line really has.
 */
#ifndef SIM_INSTRUMENT_H
#define SIM_INSTRUMENT_H

#include "sim/random.h"

#include <stdbool.h>
#include <stdint.h>

/* Which lines are sent; forward and backward each. */
enum { SIM_CHANNEL_Z = 1, SIM_CHANNEL_I = 2 };

enum { SIM_PREAMP_RANGES = 3 };

struct sim_instrument {
    /* Gap. */
    double bias_v, setpoint_a;

    /* Place. Log-uniform, either sign: tilt, z drift. Log-uniform, any direction: drift. */
    struct sim_range tilt_fast, tilt_slow; /* rad */
    struct sim_range drift_m_per_s;        /* lateral */
    struct sim_range z_drift_m_per_s;
    double z_drift_tau_s;    /* in which the z drift fades */
    struct sim_range scale;  /* size shown over size commanded, each axis; uniform */
    struct sim_range shear;  /* uniform */
    double creep_per_decade; /* of a frame move, per decade of time from creep_start_s */
    double creep_start_s;
    double coarse_boost;       /* drift after a coarse move, times the settled one ... */
    double coarse_boost_tau_s; /* ... fading in this time */
    double reach_m;            /* of the scanner, either way */
    double z_end_m;            /* of the z piezo, either way */

    /* Start and turn of the lines. */
    double start_frac;                /* displacement at the very start, of the line's length ... */
    struct sim_range start_spread;    /* ... times this; uniform */
    double start_decay_frac;          /* e-fold, of the line's length */
    struct sim_range hysteresis_frac; /* backward against forward, of the frame; uniform */

    /* Controller: see sim/feedback.h. */
    struct sim_range lag_px;     /* uniform */
    struct sim_range smooth_px;  /* sigma; uniform */
    double loop_gain;            /* times the gain that gives this lag; rings above 2.5 */
    struct sim_range z_f0_hz;    /* resonance of the z piezo; log-uniform */
    struct sim_range z_q;        /* uniform */
    struct sim_range barrier_ev; /* per apex: the loop's gain goes with its root; uniform */

    /* Preamp. */
    double preamp_a[SIM_PREAMP_RANGES]; /* full scale of each range, rising */
    uint32_t preamp_range;              /* in use, 0 the most sensitive */
    double preamp_noise_a;              /* rms per sample in the most sensitive range */

    /* Noise. */
    double noise_factor;          /* times the line noise that the tip's state has */
    struct sim_range line_jump_m; /* rms of the offset from line to line; log-uniform */
    struct sim_range hum_m;       /* amplitude of the mains; uniform */
    double hum_hz;
    double glitches_quiet;        /* per 300 traces; mean */
    double glitches_busy;         /* of a busy tip */
    struct sim_range glitch_size; /* times the tip's line noise, either sign; falls as a power */
    struct sim_range glitch_px;   /* length before the filter; log-uniform */

    /* Events come more often where a tall feature is crossed; their total stays. */
    double trigger_m;
    double trigger_factor;

    /* Chance per line that the tip touches, times (1 V - |bias|) / 1 V: below 1 V of bias only. */
    double touch_per_line;

    /* Share of images (a frame up, or down) that stop somewhere by themselves, and stay so. */
    double incomplete_share;

    /* Times. */
    double turn_s;   /* between frames */
    double travel_s; /* to the place of an action, and back */
    double move_s;   /* frame move, with settling */
    double retract_s;
    double motor_step_s;
    double approach_s;
    double settle_pulse_s; /* after each pulse of a series */
    double settle_crash_s; /* in a crash, beside its way and dwell */
    double lateral_step_m; /* of the coarse motor */
};

void sim_instrument_default(struct sim_instrument *ret);

/* True when every value lies in its physical range. */
bool sim_instrument_ok(const struct sim_instrument *instrument);

/* How much of an image has been scanned when it stops, 0..1: as measured. */
double sim_instrument_draw_stop(struct sim_random *random);

/* What goes wrong by physics, at a time and for a time. */
enum sim_disturbance_kind {
    SIM_HUM,          /* mains in the tunnelling gap: magnitude m, amplitude */
    SIM_KNOCK,        /* one blow, decaying in duration_s: magnitude m */
    SIM_THERMAL_RAMP, /* drift in z and half as fast laterally: magnitude m/s */
    SIM_RINGING,      /* loop gain times magnitude */
    SIM_LOST_CONTACT, /* no current: the tip runs to its end and scans flat */
    SIM_CRASH,        /* tip in the surface: current saturated, z railed, a new apex */
    SIM_RAIL,         /* z at its end: magnitude > 0 withdrawn, < 0 extended */
    SIM_RANGE_SWITCH, /* preamp: magnitude is the number of the range */
    SIM_BIAS_JUMP,    /* magnitude V for the time */
    SIM_GAP_TOO_LOW,  /* |bias| magnitude V, below 1: the tip comes near, and may crash */
    SIM_PARTIAL_LINE, /* the scan stops in mid-line, after magnitude (0..1) of the next trace */
    SIM_DISTURBANCE_COUNT
};

enum { SIM_DISTURBANCES_MAX = 64 };

struct sim_disturbance {
    enum sim_disturbance_kind kind;
    double magnitude;
    double start_s, duration_s; /* instrument time */
};

/* "hum", "knock", ... Borrowed, lives for ever. */
const char *sim_disturbance_name(enum sim_disturbance_kind kind);

/* The kind with this name, or -1. */
int sim_disturbance_from_name(const char *name);

/* The range of `magnitude` and its unit: "m", "m/s", "V" or "". */
struct sim_range sim_disturbance_range(enum sim_disturbance_kind kind, const char **ret_unit);

#endif

/*
 * The z controller as one discrete step per sample: logarithm of the preamp's current, proportional
 * and integral part with the proportional one half of the integral one, and a z piezo with a
 * resonance.
 *
 * In the logarithm the loop is linear: the error is a length, e = ln(I / I0) / 2 kappa = surface -
 * tip, clipped where the preamp saturates and where no current is left. Its closed loop delays by
 * `lag` and smooths like a kernel of standard deviation `smooth` (its first two moments; the loop's
 * dead time is chosen for that): at this gain a step overshoots by a few per cent, 1.5 times the
 * gain overshoots clearly, from 2.5 times on it rings, beyond 3 to 4 times without end.
 */
#ifndef SIM_FEEDBACK_H
#define SIM_FEEDBACK_H

#include <stdbool.h>
#include <stdint.h>

struct sim_feedback_settings {
    double lag, smooth;  /* samples; a lag too short for the smoothing is lengthened */
    double sample_s;     /* time of one sample */
    double z_f0_hz, z_q; /* resonance of the z piezo */
    double z_end_m;      /* its range, either way */
};

enum { SIM_FEEDBACK_DELAY_MAX = 128 };

struct sim_feedback {
    double integral; /* per sample, at gain 1 */
    uint32_t delay;  /* samples, whole part */
    double delay_rest;
    double turn[2][2]; /* the resonator's deviation from its drive, one sample later ... */
    double mean[2];    /* ... and its mean over the sample, from the change of the two */
    double z_end_m;
    /* State. */
    double past[SIM_FEEDBACK_DELAY_MAX];
    uint32_t now;
    double drive_m, deviation_m, speed_m; /* speed over the angular frequency */
    double seen_m;                        /* deviation, as a sample sees it */
    double last_error_m, last_delayed_m;
};

void sim_feedback_init(struct sim_feedback *feedback, const struct sim_feedback_settings *settings);

/* In contact at this height, at rest. */
void sim_feedback_settle(struct sim_feedback *feedback, double z_m);

/* The loop's gain, and what it can see of the error. */
struct sim_feedback_sight {
    double gain;         /* times the gain that gives the lag */
    double stiffness;    /* measured over true error: root of barrier over 4.5 eV */
    double error_low_m;  /* < 0: no current is left */
    double error_high_m; /* > 0: the preamp's full scale */
};

/*
 * Follow this surface for n samples. ret_z_m: (n). ret_error_m: (n), surface minus tip before each
 * step, or NULL. Returns whether z was at an end of its range.
 */
bool sim_feedback_follow(struct sim_feedback *feedback, const struct sim_feedback_sight *sight,
                         const double *surface_m, uint32_t n, double *ret_z_m, double *ret_error_m);

#endif

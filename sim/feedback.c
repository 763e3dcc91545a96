/* One step of the z controller per sample. */
#include "sim/feedback.h"

#include <math.h>
#include <string.h>

#define PI 3.141592653589793

/*
 * Closed loop of an integrator K / s behind a dead time D: mean delay 1 / K, variance
 * (1 - 2 K D) / K^2. Half a sample of D is the mean of two errors, which also keeps the piezo's
 * resonance out of the loop; the step itself costs none, because its half sample is what a
 * proportional part of K / 2 makes up for.
 */
static void set_delay(struct sim_feedback *feedback, double lag, double smooth)
{
    double least = .5 + sqrt(.25 + smooth * smooth);
    if (lag < least)
        lag = least;
    double rest = (lag * lag - smooth * smooth) / (2 * lag) - .5;
    if (rest < 0)
        rest = 0;
    if (rest > SIM_FEEDBACK_DELAY_MAX - 2)
        rest = SIM_FEEDBACK_DELAY_MAX - 2;
    feedback->integral = 1 / lag;
    feedback->delay = (uint32_t)rest;
    feedback->delay_rest = rest - feedback->delay;
}

void sim_feedback_init(struct sim_feedback *feedback, const struct sim_feedback_settings *settings)
{
    memset(feedback, 0, sizeof(*feedback));
    set_delay(feedback, settings->lag, settings->smooth);
    feedback->z_end_m = settings->z_end_m;
    /* Exact for a drive that is constant over one sample, of which it shows the mean: the resonance
       is far faster than the samples, and must not be taken for something slow. */
    double w = 2 * PI * settings->z_f0_hz, damping = .5 / settings->z_q;
    double own = sqrt(1 - damping * damping), t = settings->sample_s;
    double fade = exp(-damping * w * t), c = cos(own * w * t), s = sin(own * w * t);
    feedback->turn[0][0] = fade * (c + damping / own * s);
    feedback->turn[0][1] = fade * s / own;
    feedback->turn[1][0] = -fade * s / own;
    feedback->turn[1][1] = fade * (c - damping / own * s);
    feedback->mean[0] = -2 * damping / (w * t);
    feedback->mean[1] = -1 / (w * t);
}

void sim_feedback_settle(struct sim_feedback *feedback, double z_m)
{
    memset(feedback->past, 0, sizeof(feedback->past));
    feedback->drive_m = fmax(-feedback->z_end_m, fmin(feedback->z_end_m, z_m));
    feedback->deviation_m = feedback->speed_m = feedback->seen_m = 0;
    feedback->last_error_m = feedback->last_delayed_m = 0;
}

static double clip(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

bool sim_feedback_follow(struct sim_feedback *feedback, const struct sim_feedback_sight *sight,
                         const double *surface_m, uint32_t n, double *ret_z_m, double *ret_error_m)
{
    enum { MASK = SIM_FEEDBACK_DELAY_MAX - 1 };
    struct sim_feedback f = *feedback;
    double integral = f.integral * sight->gain, end_m = f.z_end_m;
    bool railed = false;
    for (uint32_t k = 0; k < n; k++, f.now++) {
        double z_m = clip(f.drive_m + f.seen_m, -end_m, end_m);
        double error_m = surface_m[k] - z_m;
        ret_z_m[k] = z_m;
        if (ret_error_m)
            ret_error_m[k] = error_m;
        double seen_m = clip(sight->stiffness * error_m, sight->error_low_m, sight->error_high_m);
        f.past[f.now & MASK] = .5 * (seen_m + f.last_error_m);
        f.last_error_m = seen_m;
        double delayed_m = (1 - f.delay_rest) * f.past[(f.now - f.delay) & MASK] +
                           f.delay_rest * f.past[(f.now - f.delay - 1) & MASK];
        double step_m = integral * (1.5 * delayed_m - .5 * f.last_delayed_m);
        double drive_m = f.drive_m + step_m;
        if (drive_m <= -end_m || drive_m >= end_m) {
            railed = true;
            drive_m = clip(drive_m, -end_m, end_m);
            step_m = drive_m - f.drive_m;
        }
        double off_m = f.deviation_m - step_m, speed_m = f.speed_m;
        f.drive_m = drive_m;
        f.last_delayed_m = delayed_m;
        f.deviation_m = f.turn[0][0] * off_m + f.turn[0][1] * speed_m;
        f.speed_m = f.turn[1][0] * off_m + f.turn[1][1] * speed_m;
        f.seen_m = f.mean[0] * (f.deviation_m - off_m) + f.mean[1] * (f.speed_m - speed_m);
    }
    *feedback = f;
    return railed;
}

/* Preamp, loop, rails. */
#include "sim/controller.h"

#include "sim/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BARRIER_EV 4.5
#define NO_SURFACE_M (-1.0) /* below any reach of z */
#define RAILED_SAMPLES 3

int sim_controller_init(struct sim_controller *controller, uint64_t seed, uint32_t points,
                        double sample_s, struct sim_random *random)
{
    const struct sim_instrument *i = controller->instrument;
    double per_px = points / 300.0;
    struct sim_feedback_settings loop = {.lag = per_px * sim_random_in(random, &i->lag_px),
                                         .smooth = per_px * sim_random_in(random, &i->smooth_px),
                                         .sample_s = sample_s,
                                         .z_f0_hz = sim_random_log_in(random, &i->z_f0_hz),
                                         .z_q = sim_random_in(random, &i->z_q),
                                         .z_end_m = i->z_end_m};
    sim_feedback_init(&controller->feedback, &loop);
    controller->seed = seed;
    controller->n = points;
    controller->sample_s = sample_s;
    controller->noise = calloc(points, sizeof(double));
    controller->error = calloc(points, sizeof(double));
    return controller->noise && controller->error ? 0 : -ENOMEM;
}

void sim_controller_finish(struct sim_controller *controller)
{
    free(controller->noise);
    free(controller->error);
}

static const struct sim_disturbance *wrong(const struct sim_controller *controller,
                                           enum sim_disturbance_kind kind, double t_s)
{
    return sim_disturbances_at(controller->disturbances, kind, t_s);
}

double sim_controller_bias_v(const struct sim_controller *controller, double t_s)
{
    const struct sim_disturbance *jump = wrong(controller, SIM_BIAS_JUMP, t_s);
    const struct sim_disturbance *low = wrong(controller, SIM_GAP_TOO_LOW, t_s);
    if (low)
        return copysign(low->magnitude, controller->instrument->bias_v);
    return jump && jump->magnitude != 0 ? jump->magnitude : controller->instrument->bias_v;
}

static uint32_t preamp_range(const struct sim_controller *controller, double t_s)
{
    const struct sim_disturbance *other = wrong(controller, SIM_RANGE_SWITCH, t_s);
    return other ? (uint32_t)other->magnitude : controller->instrument->preamp_range;
}

static double full_scale_a(const struct sim_controller *controller, double t_s)
{
    return controller->instrument->preamp_a[preamp_range(controller, t_s)];
}

/* Noise of the preamp, larger in its coarser ranges. */
static double noise_a(const struct sim_controller *controller, double t_s)
{
    const struct sim_instrument *i = controller->instrument;
    return i->preamp_noise_a * sqrt(full_scale_a(controller, t_s) / i->preamp_a[0]);
}

int sim_controller_end(const struct sim_controller *controller, double t_s)
{
    const struct sim_disturbance *rail = wrong(controller, SIM_RAIL, t_s);
    if (wrong(controller, SIM_CRASH, t_s))
        return 1;
    return !rail ? 0 : rail->magnitude < 0 ? -1 : 1;
}

double sim_controller_current_a(const struct sim_controller *controller, double t_s)
{
    int end = sim_controller_end(controller, t_s);
    if (end)
        return end > 0 ? full_scale_a(controller, t_s) : 0;
    return wrong(controller, SIM_LOST_CONTACT, t_s) ? 0 : controller->instrument->setpoint_a;
}

/* How well the loop sees: gain by the apex's barrier, clipped by the preamp. */
static struct sim_feedback_sight sight_of(const struct sim_controller *controller,
                                          const struct sim_tip *tip, double t_s)
{
    const struct sim_instrument *i = controller->instrument;
    const struct sim_disturbance *ringing = wrong(controller, SIM_RINGING, t_s);
    struct sim_random random;
    sim_random_seed(&random, tip->seed, SIM_STREAM_BARRIER, tip->serial);
    double barrier_ev = sim_random_in(&random, &i->barrier_ev);
    double least_a = fmax(i->preamp_noise_a, 1e-3 * i->setpoint_a);
    return (struct sim_feedback_sight){
        .gain = i->loop_gain * (ringing ? ringing->magnitude : 1),
        .stiffness = sqrt(barrier_ev / BARRIER_EV),
        .error_low_m = -log(i->setpoint_a / least_a) / SIM_TWO_KAPPA_PER_M,
        .error_high_m = log(full_scale_a(controller, t_s) / i->setpoint_a) / SIM_TWO_KAPPA_PER_M};
}

/* In the most sensitive range a fraction of a picometre, which is left out. */
static void add_preamp_noise(struct sim_controller *controller, double t_s, uint64_t trace,
                             double *heights)
{
    struct sim_random random;
    if (preamp_range(controller, t_s) == 0)
        return;
    sim_random_seed(&random, controller->seed, SIM_STREAM_PREAMP, 2 * trace);
    sim_random_white(&random, controller->noise, controller->n);
    double rms_m =
        noise_a(controller, t_s) / controller->instrument->setpoint_a / SIM_TWO_KAPPA_PER_M;
    for (uint32_t k = 0; k < controller->n; k++)
        heights[k] += rms_m * controller->noise[k];
}

/* From which to which sample (not included) something is wrong. */
struct stretch {
    uint32_t from, to;
};

static struct stretch stretch_of(const struct sim_controller *controller,
                                 const struct sim_disturbance *d, double t_s)
{
    uint32_t n = controller->n;
    double from = ceil((d->start_s - t_s) / controller->sample_s);
    double to = ceil((d->start_s + d->duration_s - t_s) / controller->sample_s);
    if (from >= n || to <= 0)
        return (struct stretch){n, n};
    return (struct stretch){from > 0 ? (uint32_t)from : 0, to < n ? (uint32_t)to : n};
}

/* Under the loop; contact is found again, at rest, wherever it was lost. */
static void run_loop(struct sim_controller *controller, const struct sim_feedback_sight *sight,
                     const double *heights, double *ret_z_m)
{
    uint32_t from = 0, n = controller->n;
    while (from < n) {
        bool contact = heights[from] > NO_SURFACE_M;
        uint32_t end = from + 1;
        while (end < n && (heights[end] > NO_SURFACE_M) == contact)
            end++;
        if (contact)
            sim_feedback_settle(&controller->feedback, heights[from]);
        sim_feedback_follow(&controller->feedback, sight, heights + from, end - from,
                            ret_z_m + from, controller->error + from);
        from = end;
    }
}

/* The z piezo at an end of its range. */
static void pin(struct sim_controller *controller, struct stretch stretch, int end, double *ret_z_m)
{
    for (uint32_t k = stretch.from; k < stretch.to; k++) {
        ret_z_m[k] = end * controller->instrument->z_end_m;
        controller->error[k] = -end * NO_SURFACE_M;
    }
}

void sim_controller_follow(struct sim_controller *controller, const struct sim_tip *tip, double t_s,
                           uint64_t trace, double *heights, double *ret_z_m)
{
    const struct sim_disturbances *all = controller->disturbances;
    struct sim_feedback_sight sight = sight_of(controller, tip, t_s);
    add_preamp_noise(controller, t_s, trace, heights);
    for (size_t i = 0; i < all->n; i++) {
        struct stretch lost = stretch_of(controller, &all->list[i], t_s);
        for (uint32_t k = lost.from; all->list[i].kind == SIM_LOST_CONTACT && k < lost.to; k++)
            heights[k] = NO_SURFACE_M;
    }
    run_loop(controller, &sight, heights, ret_z_m);
    for (size_t i = 0; i < all->n; i++) {
        const struct sim_disturbance *d = &all->list[i];
        if (d->kind == SIM_RAIL || d->kind == SIM_CRASH)
            pin(controller, stretch_of(controller, d, t_s),
                d->kind == SIM_RAIL && d->magnitude < 0 ? -1 : 1, ret_z_m);
    }
}

bool sim_controller_current(struct sim_controller *controller, double t_s, uint64_t trace,
                            double *ret_a)
{
    uint32_t run = 0;
    double full_a = full_scale_a(controller, t_s), rms_a = noise_a(controller, t_s);
    double setpoint_a = controller->instrument->setpoint_a;
    bool railed = false;
    struct sim_random random;
    sim_random_seed(&random, controller->seed, SIM_STREAM_PREAMP, 2 * trace + 1);
    sim_random_white(&random, controller->noise, controller->n);
    for (uint32_t k = 0; k < controller->n; k++) {
        double current_a = setpoint_a * exp(SIM_TWO_KAPPA_PER_M * controller->error[k]) +
                           rms_a * controller->noise[k];
        bool at_rail = current_a >= full_a;
        run = at_rail ? run + 1 : 0;
        railed |= run >= RAILED_SAMPLES;
        ret_a[k] = at_rail ? full_a : current_a;
    }
    return railed;
}

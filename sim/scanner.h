/*
 * The simulated scanner: one line, forward and backward, of a surface seen through a tip, with
 * what a real instrument adds: drift, creep, tilt, the turn-round at each line's start, hysteresis,
 * line-streak noise, glitches, offsets, hum and knocks, the z controller and its preamp.
 *
 * A line is a function of the seed, the number of lines rendered before it, and what has been done
 * to tip, surface and scanner up to then.
 */
#ifndef SIM_SCANNER_H
#define SIM_SCANNER_H

#include "sim/disturb.h"
#include "sim/instrument.h"
#include "sim/surface.h"
#include "sim/tip.h"

#include <stdint.h>

enum { SIM_POINTS_MIN = 16, SIM_POINTS_MAX = 2048 };

struct sim_scanner;

struct sim_scanner_options {
    uint64_t seed;
    uint32_t points, lines;
    double frame_m;                          /* side of the square frame */
    double line_time_s;                      /* forward and backward together */
    double event_scale;                      /* multiplies the rates of spontaneous tip events */
    const struct sim_instrument *instrument; /* copied; NULL: the default one */
    const struct sim_disturbances *disturbances; /* borrowed; NULL: none */
    bool truth_only; /* lines come out as zeros; the tip's events are the same */
};

/* `surface` is borrowed. 0, -EINVAL, -ENOMEM. */
int sim_scanner_create(const struct sim_scanner_options *options, const struct sim_surface *surface,
                       struct sim_scanner **ret);
void sim_scanner_destroy(struct sim_scanner *scanner);

/* Centre of the frame in scanner coordinates. */
void sim_scanner_centre(const struct sim_scanner *scanner, double *ret_x_m, double *ret_y_m);

/* Move the frame's centre by (dx, dy) at this time; creep follows. */
void sim_scanner_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s);

/* Coarse motion: another place on the sample, and a drift that has to settle again. */
void sim_scanner_coarse_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s);

/* A frame begins: its noise is drawn, and what has been marked on the surface is seen. */
void sim_scanner_begin_frame(struct sim_scanner *scanner);

/* Where a place in the frame, -1..1 each way, lies on the surface at this time. */
void sim_scanner_surface_at(const struct sim_scanner *scanner, double x_frac, double y_frac,
                            double t_s, double *ret_x_m, double *ret_y_m);

/* One line, rendered: both directions left to right, (points), memory of the caller's. */
struct sim_line {
    double *forward, *backward;     /* z, metres */
    double *forward_a, *backward_a; /* tunnelling current, amperes; NULL: not wanted */
    bool saturated[2];              /* forward, backward: the current was at the preamp's rail */
    struct sim_tip_event event;     /* what happened to the tip meanwhile */
    bool crashed;                   /* ... by a crash, which has marked the surface */
    double crash_x_m, crash_y_m;    /* there */
};

/* Render one line into `ret`, ending at `t_s` forward; *tip becomes the tip afterwards. */
void sim_scanner_line(struct sim_scanner *scanner, struct sim_tip *tip, uint32_t line, double t_s,
                      struct sim_line *ret);

/*
 * What an event changes, without noise: by how much each sample of this forward line, (points),
 * lies higher after the event than before. `before`: the tip until then.
 */
void sim_scanner_event_step(struct sim_scanner *scanner, const struct sim_tip *before,
                            const struct sim_tip_event *event, uint32_t line, double t_s,
                            double *ret_m);

/* Height of the last sample rendered, or the end of the range at which z stands now. */
double sim_scanner_z_m(const struct sim_scanner *scanner, double t_s);

/* Mean current with the loop closed: the set-point, none without contact, the rail in a crash. */
double sim_scanner_current_a(const struct sim_scanner *scanner, double t_s);

/* Sample bias in force. */
double sim_scanner_bias_v(const struct sim_scanner *scanner, double t_s);

#endif

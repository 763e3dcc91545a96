/* Runs of simulated images. */
#include "sim/images.h"

#include "sim/scanner.h"
#include "sim/surface.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TIME_S .33
#define TURN_S .5
/* Measured: 2,954 labelled images are 832 sequences of consecutive cycles. */
#define MEAN_RUN 3.55
/* After so many cycles the states are drawn as the operator leaves them. */
enum { BURN_IN_CYCLES = 30, CYCLE_LINES = 600 };
/* Fitted together with the tip's rates: the operator acts on so many of the bad images. */
#define P_ACTS .6
#define P_MULTI_BAD .53
#define P_INCOMPLETE .053 /* measured */

struct maker {
    const struct sim_images_options *options;
    struct sim_random random;
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_tip tip;
    struct sim_image image;
    double *unused_m; /* the backward trace */
    double t_s;
};

static uint64_t run_seed(const struct sim_images_options *options, uint32_t run)
{
    return sim_hash(options->seed, SIM_STREAM_IMAGES, run);
}

static bool one_by_one(const struct sim_images_options *options)
{
    return options->equal || options->state >= 0;
}

uint32_t sim_images_in_run(const struct sim_images_options *options, uint32_t run)
{
    struct sim_random random;
    if (one_by_one(options))
        return 1;
    sim_random_seed(&random, run_seed(options, run), SIM_STREAM_IMAGES, 1);
    double u = 1 - sim_random_uniform(&random);
    return 1 + (uint32_t)fmin(60, floor(log(u) / log(1 - 1 / MEAN_RUN)));
}

/* Side of the frame: .88, .07, .03, .02 in all, the larger ones with more samples (measured). */
static double draw_frame_m(uint32_t points, struct sim_random *random)
{
    static const double p_fine[] = {.96, .02, .01, .01}, p_large[] = {.40, .35, .15, .10};
    switch (sim_random_pick(random, points > 400 ? p_large : p_fine, 4)) {
    case 0:
        return 3.6e-9 * sim_random_range(random, .96, 1.06);
    case 1:
        return sim_random_log_range(random, 6e-9, 10e-9);
    case 2:
        return 18e-9;
    default:
        return 36e-9;
    }
}

static enum sim_tip_state draw_class(struct sim_random *random)
{
    static const double p_bad[SIM_TIP_STATE_COUNT] = {[SIM_TIP_MULTI] = .17,
                                                      [SIM_TIP_BLUNT] = .50,
                                                      [SIM_TIP_UNSTABLE] = .16,
                                                      [SIM_TIP_FOULED] = .17};
    uint64_t class = sim_random_u64(random) % 5;
    if (class < 4)
        return (enum sim_tip_state) class;
    return (enum sim_tip_state)sim_random_pick(random, p_bad, SIM_TIP_STATE_COUNT);
}

/* Between two cycles: a bad picture is answered with a shallow crash, more often than not. */
static void operate(struct sim_tip *tip, struct sim_random *random)
{
    static const struct action poke = {
        .kind = ACTION_CRASH, .depth_m = .7e-9, .speed_m_per_s = 1e-9};
    double p_bad = tip->state > SIM_TIP_MULTI ? 1 : tip->state == SIM_TIP_MULTI ? P_MULTI_BAD : 0;
    if (sim_random_uniform(random) < p_bad * P_ACTS)
        sim_tip_act(tip, &poke, random);
}

static void scan_unseen(struct sim_tip *tip, uint32_t lines, struct sim_random *random)
{
    struct sim_tip_event event;
    for (uint32_t i = 0; i < lines; i++) {
        sim_tip_line(tip, 1, random, &event);
        if (event.kind != SIM_TIP_NO_EVENT)
            *tip = event.after;
    }
}

static void draw_tip(struct maker *maker, uint64_t seed)
{
    const struct sim_images_options *o = maker->options;
    if (one_by_one(o)) {
        int state = o->state >= 0 ? o->state : (int)draw_class(&maker->random);
        sim_tip_init(&maker->tip, seed, (enum sim_tip_state)state);
        return;
    }
    sim_tip_init(&maker->tip, seed, SIM_TIP_BLUNT);
    for (int i = 0; i < BURN_IN_CYCLES; i++) {
        scan_unseen(&maker->tip, CYCLE_LINES, &maker->random);
        operate(&maker->tip, &maker->random);
    }
}

/* Whole cells passed on the way between two places of the frame, given as -1..1. */
static void cells_between(struct maker *maker, const double from[2], const double to[2],
                          double start_s, double ret[2])
{
    double place[2][2];
    double height_s = LINE_TIME_S * maker->image.points;
    struct sim_axes axes;
    for (int i = 0; i < 2; i++) {
        const double *at = i ? to : from;
        sim_scanner_surface_at(maker->scanner, at[0], at[1], start_s + .5 * (1 + at[1]) * height_s,
                               &place[i][0], &place[i][1]);
    }
    sim_surface_axes_at(maker->surface, place[0][0], place[0][1], &axes);
    /* Of the terrace in the middle, carried on beyond its edges. */
    double dx = place[1][0] - place[0][0], dy = place[1][1] - place[0][1];
    ret[0] = axes.sx * dx + axes.sy * dy;
    ret[1] = axes.tx * dx + axes.ty * dy;
}

static void find_lattice(struct maker *maker, double start_s)
{
    static const double middle[2] = {0, 0}, right[2] = {.5, 0}, up[2] = {0, .5};
    double along_x[2], along_y[2];
    double quarter = maker->image.points / 4.0;
    cells_between(maker, middle, right, start_s, along_x);
    cells_between(maker, middle, up, start_s, along_y);
    maker->image.g1[0] = along_x[0] / quarter;
    maker->image.g1[1] = along_y[0] / quarter;
    maker->image.g2[0] = along_x[1] / quarter;
    maker->image.g2[1] = along_y[1] / quarter;
}

static void scan_up(struct maker *maker)
{
    struct sim_image *image = &maker->image;
    double start_s = maker->t_s;
    image->n_events = 0;
    sim_scanner_begin_frame(maker->scanner);
    for (uint32_t y = 0; y < image->lines; y++) {
        struct sim_line line = {.forward = image->heights_m + (size_t)y * image->points,
                                .backward = maker->unused_m};
        sim_scanner_line(maker->scanner, &maker->tip, y, maker->t_s, &line);
        if (line.event.kind != SIM_TIP_NO_EVENT && image->n_events < SIM_IMAGE_EVENTS_MAX)
            image->events[image->n_events++] = y;
        maker->t_s += LINE_TIME_S;
    }
    image->state = maker->tip.state;
    find_lattice(maker, start_s);
}

static int make_images(struct maker *maker, uint32_t count,
                       int (*take)(void *ctx, const struct sim_image *image), void *ctx)
{
    struct sim_image *image = &maker->image;
    bool whole_run = count == sim_images_in_run(maker->options, image->run);
    for (uint32_t i = 0; i < count; i++) {
        image->cycle = i + 1;
        image->lines = image->points;
        /* Only the last image of a run can be one that was stopped. */
        double p_stopped = one_by_one(maker->options) ? P_INCOMPLETE : MEAN_RUN * P_INCOMPLETE;
        if (whole_run && i + 1 == count && sim_random_uniform(&maker->random) < p_stopped)
            image->lines =
                (uint32_t)fmax(4, sim_instrument_draw_stop(&maker->random) * image->points);
        scan_up(maker);
        int r = take(ctx, image);
        if (r != 0)
            return r;
        scan_unseen(&maker->tip, image->points, &maker->random);
        operate(&maker->tip, &maker->random);
        maker->t_s += LINE_TIME_S * image->points + 2 * TURN_S;
    }
    return 0;
}

static int prepare(struct maker *maker)
{
    static const double p_points[] = {.86, .14};
    static const uint32_t points[] = {300, 512};
    struct sim_image *image = &maker->image;
    uint64_t seed = run_seed(maker->options, image->run);
    sim_random_seed(&maker->random, seed, SIM_STREAM_IMAGES, 0);
    image->points = points[sim_random_pick(&maker->random, p_points, 2)];
    if (maker->options->points)
        image->points = maker->options->points;
    image->frame_m = draw_frame_m(image->points, &maker->random);
    draw_tip(maker, seed);
    image->heights_m = calloc((size_t)image->points * image->points, sizeof(double));
    maker->unused_m = calloc(image->points, sizeof(double));
    if (!image->heights_m || !maker->unused_m)
        return -ENOMEM;
    struct sim_scanner_options scanner = {.seed = seed,
                                          .points = image->points,
                                          .lines = image->points,
                                          .frame_m = image->frame_m,
                                          .line_time_s = LINE_TIME_S,
                                          .event_scale = 1};
    int r = sim_surface_create(NULL, seed, &maker->surface);
    return r < 0 ? r : sim_scanner_create(&scanner, maker->surface, &maker->scanner);
}

int sim_images_run(const struct sim_images_options *options, uint32_t run, uint32_t count,
                   int (*take)(void *ctx, const struct sim_image *image), void *ctx)
{
    struct maker *maker = calloc(1, sizeof(*maker));
    if (!maker)
        return -ENOMEM;
    maker->options = options;
    maker->image.run = run;
    int r = prepare(maker);
    if (r == 0)
        r = make_images(maker, count, take, ctx);
    sim_scanner_destroy(maker->scanner);
    sim_surface_destroy(maker->surface);
    free(maker->image.heights_m);
    free(maker->unused_m);
    free(maker);
    return r;
}

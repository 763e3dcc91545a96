/* Lines of a surface seen through a tip. */
#include "sim/scanner.h"

#include "sim/controller.h"
#include "sim/crossing.h"
#include "sim/noise.h"
#include "sim/position.h"
#include "sim/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES_MAX = 1024 };

#define PI 3.141592653589793
#define APICES_M 4e-9 /* apices may stand so far beside the axis */
#define SLAB_M 1e-9   /* features are fetched for the lines of so much either way */
#define KNOCK_HZ 17.3 /* at which a knocked microscope swings */
#define GLITCH_POWER 1.2

/* What stays the same for a night: this instrument, this sample, this mounting. */
struct session {
    double tilt_x, tilt_y; /* rad */
    double line_jump_m;    /* rms of the offset from line to line */
    double hum_m, hum_phase;
};

struct sim_scanner {
    struct sim_scanner_options options;
    struct sim_instrument instrument;
    struct sim_disturbances none;
    const struct sim_disturbances *disturbances;
    const struct sim_surface *surface;
    struct sim_noise *noise;
    struct sim_probe *probe;
    struct sim_position position;
    struct sim_controller controller;
    struct session session;
    struct sim_noise_shape shape;
    double z_offset_m;
    uint64_t frames, lines; /* begun, rendered */
    uint32_t telegraph_left;
    double telegraph_m;
    bool level;
    double last_z_m;
    double last_end_s; /* of the last line */
    double mean_crossed;
    /* Features of the slab of lines being scanned. */
    struct sim_feature features[FEATURES_MAX];
    size_t n_features;
    struct sim_box slab;
    double slab_bias_v;
    bool slab_known;
    /* Per sample, time order. */
    double *way[2]; /* forward, backward: true x from the frame's centre, commanded scale */
    double *x_m, *heights, *other, *streaks, *islands, *z;
};

static int draw_session(struct sim_scanner *scanner)
{
    const struct sim_instrument *i = &scanner->instrument;
    struct session *s = &scanner->session;
    double frame_m = scanner->options.frame_m;
    uint32_t n = scanner->options.points;
    struct sim_random r;
    sim_random_seed(&r, scanner->options.seed, SIM_STREAM_SESSION, 0);
    s->tilt_x = sim_random_sign(&r) * sim_random_log_in(&r, &i->tilt_fast);
    s->tilt_y = sim_random_sign(&r) * sim_random_log_in(&r, &i->tilt_slow);
    sim_position_init(&scanner->position, i, scanner->disturbances, &r);
    double start_m = i->start_frac * frame_m * sim_random_in(&r, &i->start_spread);
    double hysteresis_m = frame_m * sim_random_in(&r, &i->hysteresis_frac);
    s->line_jump_m = sim_random_log_in(&r, &i->line_jump_m);
    s->hum_m = sim_random_in(&r, &i->hum_m);
    s->hum_phase = sim_random_range(&r, 0, 2 * PI);
    scanner->controller.instrument = i;
    scanner->controller.disturbances = scanner->disturbances;
    int rc = sim_controller_init(&scanner->controller, scanner->options.seed, n,
                                 scanner->options.line_time_s / (2.0 * n), &r);
    for (uint32_t k = 0; k < n; k++) {
        double run_m = (k + .5) / n * frame_m;
        double bent_m = run_m + start_m * exp(-run_m / (i->start_decay_frac * frame_m));
        scanner->way[0][k] = bent_m - frame_m / 2;
        scanner->way[1][k] = frame_m / 2 - bent_m + hysteresis_m;
    }
    return rc;
}

static int allocate(struct sim_scanner *scanner)
{
    double **const rows[] = {&scanner->way[0],  &scanner->way[1], &scanner->x_m,
                             &scanner->heights, &scanner->other,  &scanner->streaks,
                             &scanner->islands, &scanner->z};
    uint32_t n = scanner->options.points;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        *rows[i] = calloc(n, sizeof(double));
        if (!*rows[i])
            return -ENOMEM;
    }
    int rc = sim_noise_create(n, &scanner->noise);
    return rc < 0 ? rc : sim_probe_create(scanner->surface, n, &scanner->probe);
}

int sim_scanner_create(const struct sim_scanner_options *options, const struct sim_surface *surface,
                       struct sim_scanner **ret)
{
    if (options->points < SIM_POINTS_MIN || options->points > SIM_POINTS_MAX || !options->lines ||
        !(options->frame_m > 0) || !(options->line_time_s > 0) || !(options->event_scale >= 0) ||
        (options->instrument && !sim_instrument_ok(options->instrument)))
        return -EINVAL;
    struct sim_scanner *scanner = calloc(1, sizeof(*scanner));
    if (!scanner)
        return -ENOMEM;
    scanner->options = *options;
    if (options->instrument)
        scanner->instrument = *options->instrument;
    else
        sim_instrument_default(&scanner->instrument);
    scanner->disturbances = options->disturbances ? options->disturbances : &scanner->none;
    scanner->surface = surface;
    if (allocate(scanner) < 0 || draw_session(scanner) < 0) {
        sim_scanner_destroy(scanner);
        return -ENOMEM;
    }
    if (scanner->instrument.trigger_factor > 1 && options->event_scale > 0)
        scanner->mean_crossed = sim_crossing_mean(surface, scanner->instrument.bias_v,
                                                  scanner->instrument.trigger_m, options->frame_m);
    sim_scanner_begin_frame(scanner);
    *ret = scanner;
    return 0;
}

void sim_scanner_destroy(struct sim_scanner *scanner)
{
    if (!scanner)
        return;
    sim_noise_destroy(scanner->noise);
    sim_probe_destroy(scanner->probe);
    free(scanner->way[0]);
    free(scanner->way[1]);
    free(scanner->x_m);
    free(scanner->heights);
    free(scanner->other);
    free(scanner->streaks);
    free(scanner->islands);
    free(scanner->z);
    sim_controller_finish(&scanner->controller);
    free(scanner);
}

void sim_scanner_centre(const struct sim_scanner *scanner, double *ret_x_m, double *ret_y_m)
{
    *ret_x_m = scanner->position.x_m;
    *ret_y_m = scanner->position.y_m;
}

void sim_scanner_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s)
{
    sim_position_move(&scanner->position, dx_m, dy_m, t_s);
}

void sim_scanner_coarse_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s)
{
    sim_position_coarse_move(&scanner->position, dx_m, dy_m, t_s);
}

void sim_scanner_begin_frame(struct sim_scanner *scanner)
{
    struct sim_random random;
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_FRAME, scanner->frames++);
    sim_noise_draw_shape(&random, &scanner->shape);
    scanner->slab_known = false;
}

void sim_scanner_surface_at(const struct sim_scanner *scanner, double x_frac, double y_frac,
                            double t_s, double *ret_x_m, double *ret_y_m)
{
    double half_m = scanner->options.frame_m / 2;
    double x = scanner->position.x_m + x_frac * half_m, y = scanner->position.y_m + y_frac * half_m;
    struct sim_position_map map;
    sim_position_map(&scanner->position, t_s, &map);
    *ret_x_m = map.xx * x + map.xy * y + map.x0;
    *ret_y_m = map.yy * y + map.y0;
}

double sim_scanner_bias_v(const struct sim_scanner *scanner, double t_s)
{
    return sim_controller_bias_v(&scanner->controller, t_s);
}

double sim_scanner_current_a(const struct sim_scanner *scanner, double t_s)
{
    return sim_controller_current_a(&scanner->controller, t_s);
}

double sim_scanner_z_m(const struct sim_scanner *scanner, double t_s)
{
    int end = sim_controller_end(&scanner->controller, t_s);
    return end ? end * scanner->instrument.z_end_m : scanner->last_z_m;
}

/* One line in progress. */
struct line_job {
    struct sim_terrain terrain;
    struct sim_track track;
    struct sim_position_map map;
    double y_m; /* commanded, scanner coordinates */
    double t_s, bias_v;
    const struct sim_tip *tip;
    const struct sim_tip_event *event;
    double split; /* sample of 2 x points, in time, where the event falls */
    bool two_levels;
    struct sim_random levels;
};

/* The features near these lines, fetched for a slab of them at once. */
static void fetch_features(struct sim_scanner *scanner, const struct sim_box *box, double bias_v)
{
    const struct sim_box *slab = &scanner->slab;
    if (scanner->slab_known && scanner->slab_bias_v == bias_v && box->x0 >= slab->x0 &&
        box->x1 <= slab->x1 && box->y0 >= slab->y0 && box->y1 <= slab->y1)
        return;
    scanner->slab =
        (struct sim_box){box->x0 - SLAB_M, box->y0 - SLAB_M, box->x1 + SLAB_M, box->y1 + SLAB_M};
    scanner->n_features = sim_surface_features(scanner->surface, bias_v, &scanner->slab,
                                               scanner->features, FEATURES_MAX);
    scanner->slab_bias_v = bias_v;
    scanner->slab_known = true;
}

static void prepare_line(struct sim_scanner *scanner, struct line_job *job, uint32_t line)
{
    const struct sim_scanner_options *o = &scanner->options;
    double half_m = o->frame_m / 2, centre_m = scanner->position.x_m;
    job->y_m = scanner->position.y_m - half_m + (line + .5) * o->frame_m / o->lines;
    job->bias_v = sim_scanner_bias_v(scanner, job->t_s);
    sim_position_map(&scanner->position, job->t_s, &job->map);
    const struct sim_position_map *map = &job->map;
    double x_m = map->xy * job->y_m + map->x0, y_m = map->yy * job->y_m + map->y0;
    struct sim_box box = {map->xx * (centre_m - 1.2 * half_m) + x_m - APICES_M, y_m - APICES_M,
                          map->xx * (centre_m + 1.2 * half_m) + x_m + APICES_M, y_m + APICES_M};
    fetch_features(scanner, &box, job->bias_v);
    job->track = (struct sim_track){.x_m = scanner->x_m,
                                    .y_m = y_m,
                                    .n = o->points,
                                    .bias_v = job->bias_v,
                                    .terrain = &job->terrain,
                                    .features = scanner->features,
                                    .n_features = scanner->n_features};
    if (!o->truth_only)
        sim_surface_terrain(scanner->surface, &box, &job->terrain);
}

/* Where the samples of one direction lie. */
static void lay_track(struct sim_scanner *scanner, const struct line_job *job, bool forward)
{
    const double *way = scanner->way[!forward];
    double x0 = job->map.xx * scanner->position.x_m + job->map.xy * job->y_m + job->map.x0;
    for (uint32_t k = 0; k < scanner->options.points; k++)
        scanner->x_m[k] = x0 + job->map.xx * way[k];
}

/* The tip with its end switched to the other of two arrangements. */
static void make_other_level(const struct sim_tip *tip, struct sim_tip *ret)
{
    *ret = *tip;
    for (uint32_t i = 0; i < ret->n_apices; i++) {
        ret->apices[i].dx_m += tip->contrast.level.dx_m;
        ret->apices[i].dy_m += tip->contrast.level.dy_m;
        ret->apices[i].recess_m += tip->contrast.level.recess_m;
        ret->apices[i].sigma_m = tip->contrast.level.sigma_m;
    }
}

/* Telegraph switching: exponential dwell, one draw per sample. */
static bool next_level(struct sim_scanner *scanner, struct line_job *job, double p_switch)
{
    if (sim_random_uniform(&job->levels) < p_switch)
        scanner->level = !scanner->level;
    return scanner->level;
}

static double switch_chance(const struct sim_scanner *scanner, double dwell_s)
{
    double sample_s = scanner->options.line_time_s / (2.0 * scanner->options.points);
    return 1 - exp(-sample_s / dwell_s);
}

/* Heights of one trace through the tip as it is at each sample. */
static void see_surface(struct sim_scanner *scanner, struct line_job *job, bool forward)
{
    uint32_t n = scanner->options.points;
    double *out = scanner->heights;
    double split = job->event->kind == SIM_TIP_NO_EVENT ? n : ceil(job->split) - (forward ? 0 : n);
    uint32_t past = split <= 0 ? 0 : split >= n ? n : (uint32_t)split;
    lay_track(scanner, job, forward);
    sim_probe_heights(scanner->probe, job->tip, &job->track, 0, past, out);
    sim_probe_heights(scanner->probe, &job->event->after, &job->track, past, n, out);
    if (job->two_levels) {
        struct sim_tip other;
        make_other_level(job->tip, &other);
        sim_probe_heights(scanner->probe, &other, &job->track, 0, n, scanner->other);
        double p_switch = switch_chance(scanner, job->tip->contrast.dwell_s);
        for (uint32_t k = 0; k < n; k++)
            if (next_level(scanner, job, p_switch))
                out[k] = scanner->other[k];
    }
    /* Of an event that leaves no more than this line, nothing is left in the z offset. */
    if (job->event->kind != SIM_TIP_NO_EVENT && job->event->kind != SIM_TIP_TELEGRAPH)
        for (uint32_t k = past; k < n; k++)
            out[k] += job->event->z_m;
    if (scanner->telegraph_left) {
        double p_switch = switch_chance(scanner, 8e-3);
        for (uint32_t k = 0; k < n; k++)
            out[k] += next_level(scanner, job, p_switch) ? scanner->telegraph_m : 0;
    }
}

/* A value of the range whose share above x falls as x to the power -GLITCH_POWER. */
static double draw_size(struct sim_random *random, const struct sim_range *range)
{
    double all = 1 - pow(range->low / range->high, GLITCH_POWER);
    return range->low * pow(1 - all * sim_random_uniform(random), -1 / GLITCH_POWER);
}

static void add_glitch(struct sim_scanner *scanner, const struct sim_contrast *contrast,
                       struct sim_random *random)
{
    const struct sim_instrument *instrument = &scanner->instrument;
    uint32_t n = scanner->options.points;
    uint32_t first = (uint32_t)(sim_random_uniform(random) * n);
    double length = sim_random_log_in(random, &instrument->glitch_px) * n / 300.0;
    double z_m =
        sim_random_sign(random) * contrast->noise_m * draw_size(random, &instrument->glitch_size);
    sim_noise_bump(scanner->noise, first, length, scanner->streaks);
    for (uint32_t k = first; k < n; k++)
        scanner->heights[k] += z_m * scanner->streaks[k];
}

/* Mains and knocks, whose phase runs on from line to line. t_s: of the first sample. */
static void add_swinging(struct sim_scanner *scanner, double t_s)
{
    uint32_t n = scanner->options.points;
    double sample_s = scanner->options.line_time_s / (2.0 * n);
    const struct sim_disturbance *hum = sim_disturbances_at(scanner->disturbances, SIM_HUM, t_s);
    const struct sim_disturbance *knock =
        sim_disturbances_at(scanner->disturbances, SIM_KNOCK, t_s);
    double hum_m = scanner->session.hum_m + (hum ? hum->magnitude : 0);
    double turn = 2 * PI * scanner->instrument.hum_hz * sample_s;
    double phase = 2 * PI * scanner->instrument.hum_hz * t_s + scanner->session.hum_phase;
    double up = hum_m * sin(phase), across = hum_m * cos(phase), c = cos(turn), d = sin(turn);
    for (uint32_t k = 0; k < n && hum_m > 0; k++) {
        scanner->heights[k] += up;
        double next = up * c + across * d;
        across = across * c - up * d;
        up = next;
    }
    if (!knock)
        return;
    for (uint32_t k = 0; k < n; k++) {
        double age_s = t_s + k * sample_s - knock->start_s;
        scanner->heights[k] += knock->magnitude * exp(-4 * age_s / knock->duration_s) *
                               sin(2 * PI * KNOCK_HZ * age_s + PI / 2);
    }
}

/* Everything that the instrument adds to the heights. t_s: of the trace's first sample. */
static void add_instrument(struct sim_scanner *scanner, const struct line_job *job,
                           const struct sim_contrast *contrast, double t_s, bool forward)
{
    const struct session *s = &scanner->session;
    const struct sim_instrument *instrument = &scanner->instrument;
    uint32_t n = scanner->options.points;
    struct sim_random random;
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_NOISE,
                    2 * scanner->lines + !forward);
    sim_noise_line(scanner->noise, &scanner->shape, contrast, !forward, &random, scanner->streaks);
    sim_noise_islands(scanner->noise, contrast, &random, scanner->islands);
    for (uint32_t k = 0; k < n; k++)
        scanner->heights[k] += instrument->noise_factor * scanner->streaks[k];
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_GLITCH,
                    2 * scanner->lines + !forward);
    double rate = contrast->busy ? instrument->glitches_busy : instrument->glitches_quiet;
    unsigned glitches = sim_random_poisson(&random, fmin(50, rate / 300));
    for (unsigned g = 0; g < glitches; g++)
        add_glitch(scanner, contrast, &random);
    add_swinging(scanner, t_s);
    /* More bias, more current at the same gap: the loop withdraws. */
    double bias_m = log(fabs(job->bias_v / instrument->bias_v)) / SIM_TWO_KAPPA_PER_M;
    double offset_m = s->line_jump_m * sim_random_normal(&random) + scanner->z_offset_m +
                      s->tilt_y * job->y_m + sim_position_z_m(&scanner->position, job->t_s) +
                      bias_m;
    for (uint32_t k = 0; k < n; k++)
        scanner->heights[k] +=
            offset_m + s->tilt_x * (scanner->position.x_m + scanner->way[!forward][k]);
}

/* Left to right; islands are jumps of the tip itself, too sharp to go through the loop. */
static void store_z(struct sim_scanner *scanner, bool forward, double *out)
{
    uint32_t n = scanner->options.points;
    for (uint32_t k = 0; k < n; k++)
        out[forward ? k : n - 1 - k] = scanner->z[k] + scanner->islands[k];
    scanner->last_z_m = scanner->z[n - 1];
}

static bool store_current(struct sim_scanner *scanner, double t_s, uint64_t trace, bool forward,
                          double *out)
{
    uint32_t n = scanner->options.points;
    bool railed = sim_controller_current(&scanner->controller, t_s, trace, scanner->other);
    for (uint32_t k = 0; k < n; k++)
        out[forward ? k : n - 1 - k] = scanner->other[k];
    return railed;
}

/* The tip's part of a line. */

/* A crash that begins within this line, or was waiting for one. */
static bool crash_begins(const struct sim_scanner *scanner, double end_s, double *ret_at)
{
    double line_s = scanner->options.line_time_s;
    for (size_t i = 0; i < scanner->disturbances->n; i++) {
        const struct sim_disturbance *d = &scanner->disturbances->list[i];
        if (d->kind != SIM_CRASH || d->start_s < scanner->last_end_s || d->start_s >= end_s)
            continue;
        *ret_at = fmax(0, 1 - (end_s - d->start_s) / line_s);
        return true;
    }
    return false;
}

/* Below 1 V there are few states to tunnel into: the tip comes near, and may touch. */
static bool touches(const struct sim_scanner *scanner, double bias_v, struct sim_random *random)
{
    double p = scanner->instrument.touch_per_line * (1 - fabs(bias_v));
    return fabs(bias_v) < 1 && sim_random_uniform(random) < p;
}

static void draw_event(struct sim_scanner *scanner, const struct line_job *job,
                       struct sim_line *ret)
{
    struct sim_tip_event *event = &ret->event;
    const struct sim_instrument *i = &scanner->instrument;
    double end_s = job->t_s + scanner->options.line_time_s / 2, at = 0;
    double scale = scanner->options.event_scale;
    struct sim_crossing crossing;
    struct sim_random random;
    if (scanner->mean_crossed > 0) {
        double half_m = .5 * job->map.xx * scanner->options.frame_m;
        double middle_m =
            job->map.xx * scanner->position.x_m + job->map.xy * job->y_m + job->map.x0;
        sim_crossing_of_line(&job->track, i->trigger_m, middle_m - half_m, middle_m + half_m,
                             i->trigger_factor, &crossing);
        scale *= crossing.mean / (1 + (i->trigger_factor - 1) * scanner->mean_crossed);
    }
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_TIP_LINE, scanner->lines);
    sim_tip_line(job->tip, scale, &random, event);
    if (event->kind != SIM_TIP_NO_EVENT && scanner->mean_crossed > 0)
        event->at = sim_crossing_place(&crossing, event->at);
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_TOUCH, scanner->lines);
    ret->crashed = crash_begins(scanner, end_s, &at) || touches(scanner, job->bias_v, &random);
    if (!ret->crashed)
        return;
    *event = (struct sim_tip_event){.kind = SIM_TIP_CHANGE, .at = at, .after = *job->tip};
    sim_tip_wreck(&event->after, &random);
    double part = 2 * at;
    sim_scanner_surface_at(scanner, part < 1 ? 2 * part - 1 : 3 - 2 * part,
                           2 * (job->y_m - scanner->position.y_m) / scanner->options.frame_m,
                           job->t_s, &ret->crash_x_m, &ret->crash_y_m);
    scanner->slab_known = false;
}

static void settle_event(struct sim_scanner *scanner, const struct sim_tip_event *event)
{
    if (scanner->telegraph_left)
        scanner->telegraph_left--;
    if (event->kind == SIM_TIP_TELEGRAPH) {
        scanner->telegraph_left = event->lines;
        scanner->telegraph_m = event->z_m;
    } else if (event->kind != SIM_TIP_STREAK) {
        scanner->z_offset_m += event->z_m;
    }
}

static void render(struct sim_scanner *scanner, struct line_job *job, struct sim_line *ret)
{
    double half_s = scanner->options.line_time_s / 2;
    for (int backward = 0; backward < 2; backward++) {
        const struct sim_tip *now =
            job->split < (backward + .5) * scanner->options.points ? &job->event->after : job->tip;
        double t_s = job->t_s + (backward - 1) * half_s;
        uint64_t trace = 2 * scanner->lines + (uint64_t)backward;
        double *current = backward ? ret->backward_a : ret->forward_a;
        see_surface(scanner, job, !backward);
        add_instrument(scanner, job, &now->contrast, t_s, !backward);
        sim_controller_follow(&scanner->controller, now, t_s, trace, scanner->heights, scanner->z);
        store_z(scanner, !backward, backward ? ret->backward : ret->forward);
        if (current)
            ret->saturated[backward] = store_current(scanner, t_s, trace, !backward, current);
    }
}

/* Nothing rendered: z as it would be on a plain surface. */
static void leave_out(struct sim_scanner *scanner, const struct line_job *job, struct sim_line *ret)
{
    size_t bytes = scanner->options.points * sizeof(double);
    double *const rows[] = {ret->forward, ret->backward, ret->forward_a, ret->backward_a};
    for (int i = 0; i < 4; i++)
        if (rows[i])
            memset(rows[i], 0, bytes);
    scanner->last_z_m = scanner->z_offset_m + scanner->session.tilt_y * job->y_m +
                        sim_position_z_m(&scanner->position, job->t_s);
}

void sim_scanner_line(struct sim_scanner *scanner, struct sim_tip *tip, uint32_t line, double t_s,
                      struct sim_line *ret)
{
    struct line_job job = {
        .t_s = t_s, .tip = tip, .event = &ret->event, .two_levels = tip->state == SIM_TIP_UNSTABLE};
    ret->saturated[0] = ret->saturated[1] = false;
    prepare_line(scanner, &job, line);
    draw_event(scanner, &job, ret);
    job.split = ret->event.at * 2 * scanner->options.points;
    sim_random_seed(&job.levels, scanner->options.seed, SIM_STREAM_LEVEL, scanner->lines);
    if (scanner->options.truth_only)
        leave_out(scanner, &job, ret);
    else
        render(scanner, &job, ret);
    settle_event(scanner, &ret->event);
    *tip = ret->event.after;
    scanner->last_end_s = t_s + scanner->options.line_time_s / 2;
    scanner->lines++;
}

void sim_scanner_event_step(struct sim_scanner *scanner, const struct sim_tip *before,
                            const struct sim_tip_event *event, uint32_t line, double t_s,
                            double *ret_m)
{
    struct line_job job = {.t_s = t_s, .tip = before, .event = event};
    uint32_t n = scanner->options.points;
    prepare_line(scanner, &job, line);
    lay_track(scanner, &job, true);
    sim_probe_heights(scanner->probe, before, &job.track, 0, n, scanner->heights);
    sim_probe_heights(scanner->probe, &event->after, &job.track, 0, n, scanner->other);
    for (uint32_t k = 0; k < n; k++)
        ret_m[k] = event->z_m + scanner->other[k] - scanner->heights[k];
}

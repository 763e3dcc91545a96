/* Lines of a surface seen through a tip. */
#include "sim/scanner.h"

#include "sim/noise.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES_MAX = 8, FEATURES_MAX = 512, NEAR_MAX = 192 };

#define PI 3.141592653589793
#define BIAS_V (-1.8)
#define TWO_KAPPA_PER_M 2.17e10 /* barrier 4.5 eV */
#define CREEP_PER_DECADE 0.02   /* of the move */
#define CREEP_START_S 0.1
#define BOOST 10.0 /* lateral drift after a coarse move, times the settled one */
#define BOOST_TAU_S 1200.0
#define Z_DRIFT_TAU_S (3 * 3600.0)
#define ISLAND_SIGMAS 2.1     /* of the slow noise field: where the apex switches over */
#define START_DECAY_FRAC 0.12 /* of the line: how far its start is distorted */

struct move {
    double dx_m, dy_m, t_s;
};

/* What stays the same for a night: this instrument, this sample, this mounting. */
struct session {
    double tilt_x, tilt_y;           /* rad */
    double drift_x, drift_y, z_rate; /* m/s */
    double scale_x, scale_y, shear;
    double start_m;      /* line-start displacement at the very start */
    double hysteresis_m; /* backward against forward */
    double lag_px;       /* of 300 */
    double smooth_px;
    double line_jump_m; /* rms of the offset from line to line */
};

/* One feature as an apex sees it. */
struct near_feature {
    double x_m, y_m, height_m, falloff, reach2_m2;
};

/* What a lattice table was made for. */
struct table_key {
    struct sim_contrast contrast;
    double sigma_m;
};

/* One apex prepared for a line: the lattice after its blur, and the features in its way. */
struct probe_apex {
    double dx_m, dy_m, recess_m;
    struct sim_lattice lattice;
    struct table_key filled_for;
    struct near_feature near[NEAR_MAX];
    size_t n_near;
};

struct probe {
    struct probe_apex apices[SIM_TIP_APICES_MAX];
    uint32_t n;
};

struct sim_scanner {
    struct sim_scanner_options options;
    const struct sim_surface *surface;
    struct sim_noise *noise;
    struct session session;
    struct sim_noise_shape shape;
    double x_m, y_m;               /* centre of the frame */
    double coarse_x_m, coarse_y_m; /* by motor since the start */
    struct move moves[MOVES_MAX];
    size_t n_moves;
    double boost_x_m_per_s, boost_y_m_per_s, boost_start_s;
    double z_offset_m;
    uint64_t frames, lines; /* begun, rendered */
    uint32_t telegraph_left;
    double telegraph_m;
    bool level;
    double last_z_m;
    struct probe before, after, other_level;
    double *streaks, *trace;
};

static void draw_session(struct session *s, uint64_t seed, double frame_m)
{
    struct sim_random r;
    sim_random_seed(&r, seed, SIM_STREAM_SESSION, 0);
    s->tilt_x = sim_random_sign(&r) * sim_random_log_range(&r, 1e-3, 30e-3);
    s->tilt_y = sim_random_sign(&r) * sim_random_log_range(&r, 10e-3, 100e-3);
    double speed = sim_random_log_range(&r, .3e-12, 4e-12);
    double angle = sim_random_range(&r, 0, 2 * PI);
    s->drift_x = speed * cos(angle);
    s->drift_y = speed * sin(angle);
    s->z_rate = sim_random_sign(&r) * sim_random_log_range(&r, .1e-12, 10e-12);
    s->scale_x = 1 / sim_random_range(&r, .88, 1.05);
    s->scale_y = 1 / sim_random_range(&r, .88, 1.05);
    s->shear = sim_random_range(&r, -.04, .04);
    s->start_m = .023 * frame_m * sim_random_range(&r, .5, 1.3);
    s->hysteresis_m = frame_m * sim_random_range(&r, .005, .03);
    s->lag_px = sim_random_range(&r, 1, 5);
    s->smooth_px = sim_random_range(&r, 1.0, 2.2);
    s->line_jump_m = sim_random_log_range(&r, 1e-12, 9e-12);
}

int sim_scanner_create(const struct sim_scanner_options *options, const struct sim_surface *surface,
                       struct sim_scanner **ret)
{
    if (options->points < SIM_POINTS_MIN || options->points > SIM_POINTS_MAX || !options->lines ||
        !(options->frame_m > 0) || !(options->line_time_s > 0) || !(options->event_scale >= 0))
        return -EINVAL;
    struct sim_scanner *scanner = calloc(1, sizeof(*scanner));
    if (!scanner)
        return -ENOMEM;
    scanner->options = *options;
    scanner->surface = surface;
    scanner->streaks = calloc(options->points, sizeof(double));
    scanner->trace = calloc(options->points, sizeof(double));
    struct probe *const probes[] = {&scanner->before, &scanner->after, &scanner->other_level};
    int rc = 0;
    for (int p = 0; p < 3; p++)
        for (int a = 0; a < SIM_TIP_APICES_MAX; a++)
            rc |= sim_lattice_init(&probes[p]->apices[a].lattice, sim_surface_cell(surface));
    if (rc || !scanner->streaks || !scanner->trace ||
        sim_noise_create(options->points, &scanner->noise) < 0) {
        sim_scanner_destroy(scanner);
        return -ENOMEM;
    }
    draw_session(&scanner->session, options->seed, options->frame_m);
    sim_scanner_begin_frame(scanner);
    *ret = scanner;
    return 0;
}

void sim_scanner_destroy(struct sim_scanner *scanner)
{
    if (!scanner)
        return;
    struct probe *const probes[] = {&scanner->before, &scanner->after, &scanner->other_level};
    for (int p = 0; p < 3; p++)
        for (int a = 0; a < SIM_TIP_APICES_MAX; a++)
            sim_lattice_finish(&probes[p]->apices[a].lattice);
    sim_noise_destroy(scanner->noise);
    free(scanner->streaks);
    free(scanner->trace);
    free(scanner);
}

void sim_scanner_centre(const struct sim_scanner *scanner, double *ret_x_m, double *ret_y_m)
{
    *ret_x_m = scanner->x_m;
    *ret_y_m = scanner->y_m;
}

void sim_scanner_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s)
{
    if (scanner->n_moves == MOVES_MAX) {
        memmove(scanner->moves, scanner->moves + 1, (MOVES_MAX - 1) * sizeof(struct move));
        scanner->n_moves--;
    }
    scanner->moves[scanner->n_moves++] = (struct move){dx_m, dy_m, t_s};
    scanner->x_m += dx_m;
    scanner->y_m += dy_m;
}

void sim_scanner_coarse_move(struct sim_scanner *scanner, double dx_m, double dy_m, double t_s)
{
    /* The sample shifts below the scanner, whose own position and creep stay what they were. */
    scanner->coarse_x_m += dx_m;
    scanner->coarse_y_m += dy_m;
    scanner->boost_x_m_per_s = BOOST * scanner->session.drift_x;
    scanner->boost_y_m_per_s = BOOST * scanner->session.drift_y;
    scanner->boost_start_s = t_s;
}

void sim_scanner_begin_frame(struct sim_scanner *scanner)
{
    struct sim_random random;
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_FRAME, scanner->frames++);
    sim_noise_draw_shape(&random, &scanner->shape);
}

/* From commanded to true position: creep, calibration, drift. */
static void to_surface(const struct sim_scanner *scanner, double x, double y, double t_s,
                       double *ret_x, double *ret_y)
{
    const struct session *s = &scanner->session;
    double creep_x = 0, creep_y = 0;
    for (size_t i = 0; i < scanner->n_moves; i++) {
        double age_s = fmax(0, t_s - scanner->moves[i].t_s);
        double share = CREEP_PER_DECADE * log10(1 + age_s / CREEP_START_S);
        creep_x += share * scanner->moves[i].dx_m;
        creep_y += share * scanner->moves[i].dy_m;
    }
    double settled = BOOST_TAU_S * (1 - exp(-(t_s - scanner->boost_start_s) / BOOST_TAU_S));
    *ret_x = s->scale_x * (x + s->shear * y) + s->drift_x * t_s + scanner->coarse_x_m +
             scanner->boost_x_m_per_s * settled - creep_x;
    *ret_y = s->scale_y * y + s->drift_y * t_s + scanner->coarse_y_m +
             scanner->boost_y_m_per_s * settled - creep_y;
}

void sim_scanner_surface_at(const struct sim_scanner *scanner, double x_frac, double y_frac,
                            double t_s, double *ret_x_m, double *ret_y_m)
{
    double half_m = scanner->options.frame_m / 2;
    to_surface(scanner, scanner->x_m + x_frac * half_m, scanner->y_m + y_frac * half_m, t_s,
               ret_x_m, ret_y_m);
}

/* The features that an apex at its offset can feel anywhere on this line. */
static void choose_features(struct probe_apex *probe, const struct sim_apex *apex,
                            const struct sim_contrast *contrast, double most_m,
                            const struct sim_box *box, const struct sim_feature *features, size_t n)
{
    probe->n_near = 0;
    for (size_t i = 0; i < n && probe->n_near < NEAR_MAX; i++) {
        const struct sim_feature *f = &features[i];
        double own2 = f->sigma_m * f->sigma_m, blur2 = apex->sigma_m * apex->sigma_m;
        double round2 = f->height_m > 0 ? contrast->radius_m * f->height_m : 0;
        double sigma2 = own2 + blur2 + round2;
        double reach2 = fmin(12 * sigma2, most_m * most_m);
        double x = f->x_m - apex->dx_m, y = f->y_m - apex->dy_m;
        double off_x = fmax(0, fmax(box->x0 - x, x - box->x1));
        double off_y = fmax(0, fmax(box->y0 - y, y - box->y1));
        if (off_x * off_x + off_y * off_y > reach2)
            continue;
        /* Blur lowers a narrow feature; rounding by the tip's shank does not. */
        double height_m = f->height_m * own2 / (own2 + blur2);
        probe->near[probe->n_near++] = (struct near_feature){x, y, height_m, -.5 / sigma2, reach2};
    }
}

/* Rare: a new apex, or the tip has taken over what an event made of it. */
static void refill_lattice(const struct sim_surface *surface, struct probe_apex *probe,
                           const struct sim_contrast *c, double sigma_m)
{
    struct sim_wave waves[SIM_WAVES_MAX];
    const struct sim_contrast *old = &probe->filled_for.contrast;
    if (old->row_m == c->row_m && old->ratio_dimer == c->ratio_dimer &&
        old->ratio_pair == c->ratio_pair && old->phase_pair == c->phase_pair &&
        old->ratio_mixed == c->ratio_mixed && probe->filled_for.sigma_m == sigma_m)
        return;
    size_t n = sim_surface_waves(surface, c, BIAS_V, waves);
    sim_lattice_fill(&probe->lattice, sim_surface_cell(surface), waves, n, sigma_m);
    probe->filled_for = (struct table_key){*c, sigma_m};
}

static void prepare_probe(const struct sim_surface *surface, struct probe *probe,
                          const struct sim_tip *tip, const struct sim_box *box,
                          const struct sim_feature *features, size_t n)
{
    const struct sim_contrast *c = &tip->contrast;
    probe->n = tip->n_apices;
    for (uint32_t i = 0; i < tip->n_apices; i++) {
        const struct sim_apex *apex = &tip->apices[i];
        struct probe_apex *p = &probe->apices[i];
        p->dx_m = apex->dx_m;
        p->dy_m = apex->dy_m;
        p->recess_m = apex->recess_m;
        refill_lattice(surface, p, c, apex->sigma_m);
        choose_features(p, apex, c, sim_surface_reach_m(surface), box, features, n);
    }
}

static double apex_height(const struct probe_apex *p, const struct sim_terrain *terrain, double x,
                          double y)
{
    struct sim_place place;
    sim_terrain_place(terrain, x + p->dx_m, y + p->dy_m, &place);
    double z = place.step_m + sim_lattice_height(&p->lattice, place.s, place.t);
    for (size_t i = 0; i < p->n_near; i++) {
        const struct near_feature *f = &p->near[i];
        double dx = x - f->x_m, dy = y - f->y_m;
        double r2 = dx * dx + dy * dy;
        if (r2 < f->reach2_m2)
            z += f->height_m * exp(f->falloff * r2);
    }
    return z - p->recess_m;
}

/* Constant current through all apices at once: the currents add, so the heights do as exponents. */
static double probe_height(const struct probe *probe, const struct sim_terrain *terrain, double x,
                           double y)
{
    double z[SIM_TIP_APICES_MAX];
    double top = -HUGE_VAL, sum = 0;
    for (uint32_t i = 0; i < probe->n; i++) {
        z[i] = apex_height(&probe->apices[i], terrain, x, y);
        top = fmax(top, z[i]);
    }
    if (probe->n == 1)
        return top;
    for (uint32_t i = 0; i < probe->n; i++)
        sum += exp(TWO_KAPPA_PER_M * (z[i] - top));
    return top + log(sum) / TWO_KAPPA_PER_M;
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

/* One line in progress. */
struct line_job {
    struct sim_terrain terrain;
    double y_m; /* commanded, scanner coordinates */
    double t_s;
    const struct sim_tip *tip;
    const struct sim_tip_event *event;
    double split; /* sample of 2 x points, in time, where the event falls */
    bool two_levels;
    struct sim_random levels;
};

/* Commanded plus systematic x of sample `i` (0 = left), in scanner coordinates. */
static double sample_x(const struct sim_scanner *scanner, uint32_t i, bool forward)
{
    const struct session *s = &scanner->session;
    double length_m = scanner->options.frame_m;
    double px_m = length_m / scanner->options.points;
    double from_left_m = (i + .5) * px_m;
    double run_m = forward ? from_left_m : length_m - from_left_m;
    double sense = forward ? 1 : -1;
    double lag_m = s->lag_px * length_m / 300;
    double start_m = s->start_m * exp(-run_m / (START_DECAY_FRAC * length_m));
    double back_m = forward ? 0 : s->hysteresis_m;
    return scanner->x_m - length_m / 2 + from_left_m + sense * (start_m - lag_m) + back_m;
}

/* Telegraph switching: exponential dwell, one draw per sample. */
static bool next_level(struct sim_scanner *scanner, struct line_job *job, double dwell_s)
{
    double sample_s = scanner->options.line_time_s / (2.0 * scanner->options.points);
    if (sim_random_uniform(&job->levels) < 1 - exp(-sample_s / dwell_s))
        scanner->level = !scanner->level;
    return scanner->level;
}

/* Offsets that the tip's events put on sample `k` (time order, of 2 x points). */
static double event_offset(struct sim_scanner *scanner, struct line_job *job, double k)
{
    double z_m = 0;
    bool past = job->event->kind != SIM_TIP_NO_EVENT && k >= job->split;
    /* Of an event that leaves no more than this line, nothing is left in the z offset. */
    if (past && job->event->kind != SIM_TIP_TELEGRAPH)
        z_m += job->event->z_m;
    if (scanner->telegraph_left && next_level(scanner, job, 8e-3))
        z_m += scanner->telegraph_m;
    return z_m;
}

static void render_trace(struct sim_scanner *scanner, struct line_job *job, bool forward)
{
    uint32_t n = scanner->options.points;
    bool unstable = job->two_levels;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = forward ? k : n - 1 - k;
        double time_index = (forward ? 0.0 : n) + k;
        bool past = job->event->kind != SIM_TIP_NO_EVENT && time_index >= job->split;
        const struct probe *probe = past ? &scanner->after : &scanner->before;
        if (unstable && next_level(scanner, job, job->tip->contrast.dwell_s))
            probe = &scanner->other_level;
        double x, y;
        to_surface(scanner, sample_x(scanner, i, forward), job->y_m, job->t_s, &x, &y);
        scanner->trace[k] =
            probe_height(probe, &job->terrain, x, y) + event_offset(scanner, job, time_index);
    }
}

static void add_glitch(struct sim_scanner *scanner, struct sim_random *random)
{
    uint32_t n = scanner->options.points;
    uint32_t first = (uint32_t)(sim_random_uniform(random) * n);
    double length = sim_random_log_range(random, 5 * n / 300.0 + 1, n);
    double z_m = sim_random_sign(random) * sim_random_log_range(random, 15e-12, 300e-12);
    for (uint32_t k = first; k < n && k - first < length; k++)
        scanner->trace[k] += z_m;
}

/* Everything that the instrument adds to scanner->trace, in time order. */
static void add_instrument(struct sim_scanner *scanner, const struct sim_contrast *contrast,
                           bool forward)
{
    uint32_t n = scanner->options.points;
    struct sim_random random;
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_NOISE,
                    2 * scanner->lines + !forward);
    const double *slow =
        sim_noise_line(scanner->noise, &scanner->shape, !forward, &random, scanner->streaks);
    for (uint32_t k = 0; k < n; k++) {
        scanner->trace[k] += contrast->noise_m * scanner->streaks[k];
        if (contrast->islands && slow[k] > ISLAND_SIGMAS)
            scanner->trace[k] += contrast->island_m;
    }
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_GLITCH,
                    2 * scanner->lines + !forward);
    unsigned glitches = sim_random_poisson(&random, (contrast->busy ? 3 : .3) / 300);
    for (unsigned g = 0; g < glitches; g++)
        add_glitch(scanner, &random);
    sim_noise_smooth(scanner->noise, scanner->session.smooth_px, scanner->trace);
    double offset_m = scanner->session.line_jump_m * sim_random_normal(&random);
    for (uint32_t k = 0; k < n; k++)
        scanner->trace[k] += offset_m;
}

/* Tilt, drift and offsets; then from time order to left to right. */
static void store_trace(struct sim_scanner *scanner, const struct line_job *job, bool forward,
                        double *out)
{
    const struct session *s = &scanner->session;
    uint32_t n = scanner->options.points;
    double z0_m = scanner->z_offset_m + s->tilt_y * job->y_m +
                  s->z_rate * Z_DRIFT_TAU_S * (1 - exp(-job->t_s / Z_DRIFT_TAU_S));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = forward ? k : n - 1 - k;
        double x_m = scanner->x_m + ((i + .5) / n - .5) * scanner->options.frame_m;
        out[i] = scanner->trace[k] + z0_m + s->tilt_x * x_m;
    }
    scanner->last_z_m = out[forward ? n - 1 : 0];
}

static void prepare_line(struct sim_scanner *scanner, struct line_job *job, uint32_t line)
{
    struct sim_feature features[FEATURES_MAX];
    const struct sim_scanner_options *o = &scanner->options;
    double half_m = o->frame_m / 2;
    double x0, y0, x1, y1;
    job->y_m = scanner->y_m - half_m + (line + .5) * o->frame_m / o->lines;
    to_surface(scanner, scanner->x_m - 1.2 * half_m, job->y_m, job->t_s, &x0, &y0);
    to_surface(scanner, scanner->x_m + 1.2 * half_m, job->y_m, job->t_s, &x1, &y1);
    struct sim_box box = {x0, fmin(y0, y1), x1, fmax(y0, y1)};
    /* Apices may stand some nanometres beside the axis. */
    struct sim_box wide = {box.x0 - 4e-9, box.y0 - 4e-9, box.x1 + 4e-9, box.y1 + 4e-9};
    sim_surface_terrain(scanner->surface, &wide, &job->terrain);
    size_t n = sim_surface_features(scanner->surface, BIAS_V, &wide, features, FEATURES_MAX);
    prepare_probe(scanner->surface, &scanner->before, job->tip, &box, features, n);
    if (job->event->kind != SIM_TIP_NO_EVENT)
        prepare_probe(scanner->surface, &scanner->after, &job->event->after, &box, features, n);
    if (job->two_levels) {
        struct sim_tip other;
        make_other_level(job->tip, &other);
        prepare_probe(scanner->surface, &scanner->other_level, &other, &box, features, n);
    }
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

void sim_scanner_line(struct sim_scanner *scanner, struct sim_tip *tip, uint32_t line, double t_s,
                      struct sim_line *ret)
{
    struct sim_tip_event *event = &ret->event;
    struct sim_random random;
    sim_random_seed(&random, scanner->options.seed, SIM_STREAM_TIP_LINE, scanner->lines);
    sim_tip_line(tip, scanner->options.event_scale, &random, event);
    struct line_job job = {.t_s = t_s,
                           .tip = tip,
                           .event = event,
                           .split = event->at * 2 * scanner->options.points,
                           .two_levels = tip->state == SIM_TIP_UNSTABLE};
    sim_random_seed(&job.levels, scanner->options.seed, SIM_STREAM_LEVEL, scanner->lines);
    prepare_line(scanner, &job, line);
    for (int backward = 0; backward < 2; backward++) {
        const struct sim_tip *now =
            job.split < (backward + .5) * scanner->options.points ? &event->after : tip;
        render_trace(scanner, &job, !backward);
        add_instrument(scanner, &now->contrast, !backward);
        store_trace(scanner, &job, !backward, backward ? ret->backward : ret->forward);
    }
    settle_event(scanner, event);
    *tip = event->after;
    scanner->lines++;
}

void sim_scanner_event_step(struct sim_scanner *scanner, const struct sim_tip *before,
                            const struct sim_tip_event *event, uint32_t line, double t_s,
                            double *ret_m)
{
    struct line_job job = {.t_s = t_s, .tip = before, .event = event};
    prepare_line(scanner, &job, line);
    for (uint32_t i = 0; i < scanner->options.points; i++) {
        double x, y;
        to_surface(scanner, sample_x(scanner, i, true), job.y_m, t_s, &x, &y);
        ret_m[i] = event->z_m;
        if (event->kind != SIM_TIP_NO_EVENT)
            ret_m[i] += probe_height(&scanner->after, &job.terrain, x, y) -
                        probe_height(&scanner->before, &job.terrain, x, y);
    }
}

double sim_scanner_z_m(const struct sim_scanner *scanner)
{
    return scanner->last_z_m;
}

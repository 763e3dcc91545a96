/* Line-streak noise and contact islands. */
#include "sim/noise.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_POINTS 300.0
#define TAIL_SIGMA_PX 22.0
#define ACROSS_SIGMA_PX 14.0
/* Of a spline over the line, beside one knot per step. */
enum { KNOTS_BEYOND = 5 };
/* Samples before the line in which the streaks forget where they began. */
enum { WARM_UP = 64, POLES = 6 };
/* A cubic spline on knots h apart is a bell of width h / sqrt(3). */
#define APART_PER_SIGMA 1.7320508075688772

/* A random line: white knots under a spline, each knot swinging from line to line. */
struct field {
    double sigma_px; /* for which it is laid out; 0: not yet */
    uint32_t knots;
    double *now[2], *before[2]; /* per direction, (knots) */
    double *fresh;              /* (knots) */
    uint32_t *first;            /* (points) knot that weight 0 belongs to */
    double (*weights)[4];       /* (points), of unit square sum */
    double *line;               /* (points) */
};

/*
 * White noise behind six equal poles: nearly the bell-shaped autocorrelation of real streaks, and
 * a spectrum that still falls as a power.
 */
struct streaks {
    double *now[2], *before[2]; /* white, per direction, (WARM_UP + points) */
    double *fresh;              /* (WARM_UP + points) */
    double *line;               /* (points) */
    double length, keep, rms;   /* of the poles, samples; 0: not yet */
};

struct sim_noise {
    uint32_t points;
    struct streaks main;
    struct field tail, across;
    uint32_t burst_traces; /* that islands still last */
};

static int field_create(struct field *field, uint32_t points)
{
    uint32_t most = points + KNOTS_BEYOND;
    bool ok = true;
    for (int d = 0; d < 2; d++) {
        field->now[d] = calloc(most, sizeof(double));
        field->before[d] = calloc(most, sizeof(double));
        ok = ok && field->now[d] && field->before[d];
    }
    field->fresh = calloc(most, sizeof(double));
    field->first = calloc(points, sizeof(*field->first));
    field->weights = calloc(points, sizeof(*field->weights));
    field->line = calloc(points, sizeof(double));
    return ok && field->fresh && field->first && field->weights && field->line ? 0 : -ENOMEM;
}

static void field_destroy(struct field *field)
{
    for (int d = 0; d < 2; d++) {
        free(field->now[d]);
        free(field->before[d]);
    }
    free(field->fresh);
    free(field->first);
    free(field->weights);
    free(field->line);
}

static int streaks_create(struct streaks *streaks, uint32_t points)
{
    bool ok = true;
    for (int d = 0; d < 2; d++) {
        streaks->now[d] = calloc(WARM_UP + points, sizeof(double));
        streaks->before[d] = calloc(WARM_UP + points, sizeof(double));
        ok = ok && streaks->now[d] && streaks->before[d];
    }
    streaks->fresh = calloc(WARM_UP + points, sizeof(double));
    streaks->line = calloc(points, sizeof(double));
    return ok && streaks->fresh && streaks->line ? 0 : -ENOMEM;
}

static void streaks_destroy(struct streaks *streaks)
{
    for (int d = 0; d < 2; d++) {
        free(streaks->now[d]);
        free(streaks->before[d]);
    }
    free(streaks->fresh);
    free(streaks->line);
}

int sim_noise_create(uint32_t points, struct sim_noise **ret)
{
    struct sim_noise *noise = calloc(1, sizeof(*noise));
    if (!noise)
        return -ENOMEM;
    noise->points = points;
    if (streaks_create(&noise->main, points) < 0 || field_create(&noise->tail, points) < 0 ||
        field_create(&noise->across, points) < 0) {
        sim_noise_destroy(noise);
        return -ENOMEM;
    }
    *ret = noise;
    return 0;
}

void sim_noise_destroy(struct sim_noise *noise)
{
    if (!noise)
        return;
    streaks_destroy(&noise->main);
    field_destroy(&noise->tail);
    field_destroy(&noise->across);
    free(noise);
}

void sim_noise_draw_shape(struct sim_random *random, struct sim_noise_shape *ret)
{
    ret->length_px = sim_random_log_range(random, 1.45, 3.0);
    ret->radius = sim_random_range(random, 0, .25);
    ret->angle = sim_random_range(random, 0, 2.4);
}

/* Another width: new knots, which have no past that could be told from another. */
static void lay_out(struct field *field, uint32_t points, double sigma_px,
                    struct sim_random *random)
{
    double apart_px = fmax(1, APART_PER_SIGMA * sigma_px * points / REFERENCE_POINTS);
    double offset = sim_random_uniform(random);
    field->sigma_px = sigma_px;
    field->knots = KNOTS_BEYOND + (uint32_t)(points / apart_px);
    for (uint32_t i = 0; i < points; i++) {
        double at = offset + i / apart_px;
        double u = at - floor(at), v = 1 - u;
        double *w = field->weights[i];
        field->first[i] = (uint32_t)at;
        w[0] = v * v * v;
        w[1] = 3 * u * u * u - 6 * u * u + 4;
        w[2] = 3 * v * v * v - 6 * v * v + 4;
        w[3] = u * u * u;
        double norm = 1 / sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + w[3] * w[3]);
        for (int j = 0; j < 4; j++)
            w[j] *= norm;
    }
    for (int d = 0; d < 2; d++) {
        sim_random_white(random, field->now[d], field->knots);
        sim_random_white(random, field->before[d], field->knots);
    }
}

/* How a knot follows from its last two values; unit variance. */
struct swing {
    double last, before_last, fresh;
};

static struct swing swing_of(double radius, double angle)
{
    double a = 2 * radius * cos(angle), b = -radius * radius;
    return (struct swing){a, b, sqrt((1 + b) * ((1 - b) * (1 - b) - a * a) / (1 - b))};
}

/* The next line's values of n random numbers that swing from line to line. */
static void swing_on(const struct swing *swing, double *now, double *before, const double *fresh,
                     uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        double next =
            swing->last * now[j] + swing->before_last * before[j] + swing->fresh * fresh[j];
        before[j] = now[j];
        now[j] = next;
    }
}

static const double *field_line(struct field *field, uint32_t points, const struct swing *swing,
                                int direction, struct sim_random *random)
{
    const double *now = field->now[direction];
    sim_random_white(random, field->fresh, field->knots);
    swing_on(swing, field->now[direction], field->before[direction], field->fresh, field->knots);
    for (uint32_t i = 0; i < points; i++) {
        const double *c = now + field->first[i], *w = field->weights[i];
        field->line[i] = w[0] * c[0] + w[1] * c[1] + w[2] * c[2] + w[3] * c[3];
    }
    return field->line;
}

/* What the poles leave of the rms of white noise: the root of the square sum of their response. */
static double poles_rms(double keep)
{
    double state[POLES] = {0}, sum = 0;
    for (int i = 0; i < 400; i++) {
        double in = i == 0;
        for (int p = 0; p < POLES; p++)
            in = state[p] += (1 - keep) * (in - state[p]);
        sum += in * in;
    }
    return sqrt(sum);
}

static const double *streaks_line(struct streaks *streaks, uint32_t points, double length,
                                  const struct swing *swing, int direction,
                                  struct sim_random *random)
{
    const double *white = streaks->now[direction];
    if (streaks->length != length) {
        streaks->length = length;
        streaks->keep = exp(-1 / length);
        streaks->rms = poles_rms(streaks->keep);
    }
    double state[POLES] = {0}, gain = 1 - streaks->keep, norm = 1 / streaks->rms;
    sim_random_white(random, streaks->fresh, WARM_UP + points);
    swing_on(swing, streaks->now[direction], streaks->before[direction], streaks->fresh,
             WARM_UP + points);
    for (uint32_t i = 0; i < WARM_UP + points; i++) {
        double in = white[i];
        for (int p = 0; p < POLES; p++)
            in = state[p] += gain * (in - state[p]);
        if (i >= WARM_UP)
            streaks->line[i - WARM_UP] = norm * in;
    }
    return streaks->line;
}

void sim_noise_line(struct sim_noise *noise, const struct sim_noise_shape *shape,
                    const struct sim_contrast *contrast, int direction, struct sim_random *random,
                    double *ret_noise_m)
{
    if (noise->tail.sigma_px <= 0) {
        lay_out(&noise->tail, noise->points, TAIL_SIGMA_PX, random);
        lay_out(&noise->across, noise->points, ACROSS_SIGMA_PX, random);
    }
    double length = shape->length_px * contrast->grain * noise->points / REFERENCE_POINTS;
    struct swing swing = swing_of(shape->radius, shape->angle);
    struct swing slow = swing_of(contrast->drag_memory, 0);
    const double *main =
        streaks_line(&noise->main, noise->points, length, &swing, direction, random);
    const double *tail = field_line(&noise->tail, noise->points, &swing, direction, random);
    const double *across = field_line(&noise->across, noise->points, &slow, direction, random);
    for (uint32_t i = 0; i < noise->points; i++)
        ret_noise_m[i] =
            contrast->noise_m * (main[i] + contrast->rumble * tail[i] + contrast->drag * across[i]);
}

void sim_noise_bump(const struct sim_noise *noise, uint32_t first, double length, double *ret)
{
    double state[POLES] = {0}, gain = 1 - noise->main.keep, peak = 0;
    /* Past the end of the line as well: the peak may lie there. */
    for (uint32_t k = first; k < noise->points || k < first + length + WARM_UP; k++) {
        double in = k - first < length;
        for (int p = 0; p < POLES; p++)
            in = state[p] += gain * (in - state[p]);
        peak = fmax(peak, in);
        if (k < noise->points)
            ret[k] = in;
    }
    for (uint32_t k = first; k < noise->points; k++)
        ret[k] /= peak;
}

/* Islands come in bursts of some lines. */
static bool in_burst(struct sim_noise *noise, const struct sim_contrast *contrast,
                     struct sim_random *random)
{
    if (noise->burst_traces == 0 &&
        sim_random_uniform(random) * 2 * contrast->island_apart_lines < 1)
        noise->burst_traces = (uint32_t)(2 * sim_random_log_range(random, 1, 60));
    if (noise->burst_traces == 0)
        return false;
    noise->burst_traces--;
    return true;
}

void sim_noise_islands(struct sim_noise *noise, const struct sim_contrast *contrast,
                       struct sim_random *random, double *ret_m)
{
    memset(ret_m, 0, noise->points * sizeof(*ret_m));
    if (!contrast->islands || !in_burst(noise, contrast, random))
        return;
    double grain = contrast->island_grain, slow = sqrt(1 - grain * grain);
    for (uint32_t i = 0; i < noise->points; i++)
        if (slow * noise->across.line[i] + grain * noise->main.line[i] > contrast->island_sigmas)
            ret_m[i] = contrast->island_m;
}

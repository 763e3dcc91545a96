/* Amplitudes of the lattice in a rendered frame, and what people make of it. */
#include "sim/frame_labels.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.141592653589793
#define OFF_LATTICE (40 * PI / 180)
/* Two places off the lattice may both be low by chance. */
#define CHANCE 1.25
/* Search steps each way around a predicted peak, a third of a cycle per frame apart. */
enum { REACH = 4, SIDE = 2 * REACH + 1 };
/* Quantiles are taken from about so many samples. */
enum { SOME = 8192 };

/* The frame, averaged over small blocks and windowed: all that the lattice needs. */
struct blocks {
    double *z;                    /* (height, width) */
    uint32_t width, height, size; /* size: samples per block, each way */
    double weight;                /* sum of the window */
};

struct wave {
    double re, im;
};

struct peak {
    double gx, gy; /* cycles per sample */
    struct wave value;
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The q-quantiles of values (n), which are sorted. */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    double next = i + 1 < n ? sorted[i + 1] : sorted[i];
    return sorted[i] + (at - (double)i) * (next - sorted[i]);
}

static double hann(uint32_t i, uint32_t n)
{
    return .5 - .5 * cos(2 * PI * (i + .5) / n);
}

static uint32_t block_size(const struct sim_frame_view *view)
{
    double top = 0;
    for (int i = 0; i < 2; i++)
        top = fmax(top, fmax(2 * fabs(view->g1[i]), fabs(view->g1[i]) + fabs(view->g2[i])));
    double size = top > 0 ? .25 / top : 8;
    return size < 1 ? 1 : size > 8 ? 8 : (uint32_t)size;
}

/* `clip`: heights beyond it count as it, so that one cluster is not the whole spectrum. */
static int make_blocks(const struct sim_frame_view *view, double clip, struct blocks *ret)
{
    struct blocks b = {.size = block_size(view)};
    if (view->lines < 4 * b.size)
        b.size = 1;
    b.width = view->points / b.size;
    b.height = view->lines / b.size;
    size_t n = (size_t)b.width * b.height;
    if (n == 0)
        return -EINVAL;
    b.z = calloc(n, sizeof(double));
    if (!b.z)
        return -ENOMEM;
    for (uint32_t y = 0; y < b.height * b.size; y++) {
        const double *in = view->heights + (size_t)y * view->points;
        double *out = b.z + (size_t)(y / b.size) * b.width;
        for (uint32_t x = 0; x < b.width * b.size; x++)
            out[x / b.size] += fmin(fmax(in[x], -clip), clip);
    }
    for (uint32_t y = 0; y < b.height; y++)
        for (uint32_t x = 0; x < b.width; x++) {
            double w = hann(x, b.width) * hann(y, b.height);
            b.z[(size_t)y * b.width + x] *= w / (b.size * b.size);
            b.weight += w;
        }
    *ret = b;
    return 0;
}

/* sum z exp(-2 pi i g x) along one row, x counted from the middle. */
static struct wave row_sum(const double *z, uint32_t n, double g)
{
    double first = PI * g * (n - 1), turn = -2 * PI * g;
    double c = cos(first), s = sin(first), tc = cos(turn), ts = sin(turn);
    struct wave sum = {0, 0};
    for (uint32_t x = 0; x < n; x++) {
        sum.re += z[x] * c;
        sum.im += z[x] * s;
        double next = c * tc - s * ts;
        s = c * ts + s * tc;
        c = next;
    }
    return sum;
}

static double shrink(double g, uint32_t size)
{
    double x = PI * g * size;
    return fabs(x) < 1e-6 ? 1 : sin(x) / x;
}

static double size_of(struct wave wave)
{
    return hypot(wave.re, wave.im);
}

/* The largest amplitude around (gx, gy), cycles per sample; `reach` steps of 1/3 cycle a frame. */
static struct peak find_peak(const struct blocks *b, double gx, double gy, int reach)
{
    double step_x = 1 / (3.0 * b->width), step_y = 1 / (3.0 * b->height);
    struct peak best = {.gx = gx, .gy = gy};
    for (int i = -reach; i <= reach; i++) {
        double bx = gx * b->size + i * step_x;
        struct wave at_y[SIDE] = {{0, 0}};
        for (uint32_t y = 0; y < b->height; y++) {
            struct wave sum = row_sum(b->z + (size_t)y * b->width, b->width, bx);
            for (int j = -reach; j <= reach; j++) {
                double by = gy * b->size + j * step_y;
                double angle = -2 * PI * by * (y - .5 * (b->height - 1));
                double c = cos(angle), s = sin(angle);
                at_y[j + reach].re += sum.re * c - sum.im * s;
                at_y[j + reach].im += sum.re * s + sum.im * c;
            }
        }
        for (int j = -reach; j <= reach; j++) {
            double by = gy * b->size + j * step_y;
            double fall = shrink(bx / b->size, b->size) * shrink(by / b->size, b->size);
            double scale = 2 / (b->weight * fall);
            struct wave value = {scale * at_y[j + reach].re, scale * at_y[j + reach].im};
            if (size_of(value) > size_of(best.value))
                best = (struct peak){bx / b->size, by / b->size, value};
        }
    }
    return best;
}

struct amplitudes {
    double rows, dimers, pairs, asymmetry;
};

/* Largest amplitude that there is anyway at this distance from the origin, off all lattice places.
 */
static double background(const struct blocks *b, const double g[2])
{
    double sum = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
        double c = cos(OFF_LATTICE), s = sign * sin(OFF_LATTICE);
        struct peak peak = find_peak(b, c * g[0] - s * g[1], s * g[0] + c * g[1], REACH);
        sum += size_of(peak.value);
    }
    return CHANCE * sum / 2;
}

static double above(struct peak peak, double floor)
{
    double a = size_of(peak.value);
    return a > floor ? sqrt(a * a - floor * floor) : 0;
}

static void measure_lattice(const struct blocks *b, const double g1[2], const double g2[2],
                            struct amplitudes *ret)
{
    struct peak row = find_peak(b, g1[0], g1[1], REACH);
    struct peak dimer = find_peak(b, g2[0], g2[1], REACH);
    struct peak pair = find_peak(b, 2 * row.gx, 2 * row.gy, 1);
    double phase = atan2(pair.value.im, pair.value.re) - 2 * atan2(row.value.im, row.value.re);
    double apart = fabs(remainder(phase, 2 * PI));
    double row_floor = background(b, g1), dimer_floor = background(b, g2);
    *ret = (struct amplitudes){.rows = above(row, row_floor),
                               .dimers = above(dimer, dimer_floor),
                               .pairs = above(pair, dimer_floor),
                               .asymmetry = fmin(apart, PI - apart)};
}

/* Line by line: rms of the second difference across lines, outliers and all. */
static void line_residuals(const struct sim_frame_view *view, double *ret)
{
    size_t n = view->points;
    for (uint32_t y = 1; y + 1 < view->lines; y++) {
        const double *z = view->heights + y * n;
        const double *below = z - n, *above_it = z + n;
        double sum = 0;
        for (size_t x = 0; x < n; x++) {
            double e = z[x] - .5 * (below[x] + above_it[x]);
            sum += e * e;
        }
        ret[y - 1] = sqrt(sum / (1.5 * (double)n));
    }
}

/* Mean step between the means of up to four lines below and above each gap between lines. */
static void line_changes(const struct sim_frame_view *view, double *ret)
{
    enum { HALF = 4 };
    size_t n = view->points;
    for (uint32_t y = 1; y < view->lines; y++) {
        uint32_t below = y < HALF ? y : HALF;
        uint32_t above = view->lines - y < HALF ? view->lines - y : HALF;
        double sum = 0;
        for (size_t x = 0; x < n; x++) {
            double low = 0, high = 0;
            for (uint32_t k = 0; k < below; k++)
                low += view->heights[(y - 1 - k) * n + x];
            for (uint32_t k = 0; k < above; k++)
                high += view->heights[(y + k) * n + x];
            sum += fabs(high / above - low / below);
        }
        ret[y - 1] = sum / (double)n;
    }
}

static double median_of(const double *values, size_t n, double *work)
{
    memcpy(work, values, n * sizeof(double));
    qsort(work, n, sizeof(double), compare_doubles);
    return quantile(work, n, .5);
}

/* How far the steps and the lone lines at the events stand out of all. */
static double event_visibility(const struct sim_frame_view *view, const double *residuals,
                               const double *changes, double *work)
{
    double strongest = 0;
    if (!view->n_events)
        return 0;
    double usual = median_of(changes, view->lines - 1, work);
    double lone = median_of(residuals, view->lines - 2, work);
    for (size_t i = 0; i < view->n_events; i++) {
        for (uint32_t y = view->events[i] ? view->events[i] - 1 : 0;
             y <= view->events[i] + 1 && y + 2 < view->lines; y++) {
            strongest = fmax(strongest, changes[y] / (usual + 1e-30) - 1);
            strongest = fmax(strongest, .3 * (residuals[y] / (lone + 1e-30) - 1));
        }
    }
    return strongest;
}

/* How far the largest step anywhere stands out, in robust sigmas of all. */
static double largest_step(const double *changes, size_t n, double least, double *work)
{
    double usual = median_of(changes, n, work), top = 0;
    for (size_t i = 0; i < n; i++) {
        top = fmax(top, changes[i] - usual);
        work[i] = fabs(changes[i] - usual);
    }
    qsort(work, n, sizeof(double), compare_doubles);
    return top / (1.4826 * quantile(work, n, .5) + least);
}

static int measure(const struct sim_frame_view *view, double *sorted, double *lines,
                   struct sim_frame_marks *marks)
{
    size_t n = (size_t)view->points * view->lines;
    double *residuals = lines, *changes = lines + view->lines, *work = lines + 2 * view->lines;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, view->heights[i]);
        high = fmax(high, view->heights[i]);
    }
    size_t some = 0;
    for (size_t i = 0; i < n; i += 1 + n / SOME)
        sorted[some++] = view->heights[i];
    qsort(sorted, some, sizeof(double), compare_doubles);
    double range = high - low;
    double spread = quantile(sorted, some, .75) - quantile(sorted, some, .25);
    line_residuals(view, residuals);
    line_changes(view, changes);
    double noise = median_of(residuals, view->lines - 2, work);

    struct blocks blocks;
    int r = make_blocks(view, 4 * spread / 1.349 + 1e-30, &blocks);
    if (r < 0)
        return r;
    struct amplitudes a, turned;
    measure_lattice(&blocks, view->g1, view->g2, &a);
    /* The other terraces' rows: turned by 90 degrees, their period along what was across. */
    double g1[2] = {view->g2[0] / 2, view->g2[1] / 2}, g2[2] = {view->g1[0] * 2, view->g1[1] * 2};
    measure_lattice(&blocks, g1, g2, &turned);
    free(blocks.z);
    if (turned.rows > a.rows)
        a = turned;

    size_t outliers = 0;
    for (uint32_t y = 0; y + 2 < view->lines; y++)
        outliers += residuals[y] > 4 * noise + 1e-30;
    double all = sqrt(a.rows * a.rows + a.dimers * a.dimers + a.pairs * a.pairs);
    *marks = (struct sim_frame_marks){
        .amplitude = a.rows,
        .dimers = a.dimers / (a.rows + 1e-30),
        .pairs = a.pairs / (a.rows + 1e-30),
        .asymmetry = a.asymmetry,
        .lattice = all / (noise + 1e-30),
        .shown = all / (range + 1e-30),
        .step = largest_step(changes, view->lines - 1, .0012 * range + 1e-30, work),
        .contrast = range > 0 ? spread / range : 0,
        .visible = fmin(1, (double)view->lines / view->points) *
                   (1 - (double)outliers / (view->lines - 2)),
        .events = event_visibility(view, residuals, changes, work)};
    return 0;
}

int sim_frame_measure(const struct sim_frame_view *view, struct sim_frame_marks *ret)
{
    if (view->lines < 4 || view->points < 16)
        return -EINVAL;
    double *sorted = malloc(SOME * sizeof(double));
    double *lines = malloc(3 * (size_t)view->lines * sizeof(double));
    int r = sorted && lines ? measure(view, sorted, lines, ret) : -ENOMEM;
    free(sorted);
    free(lines);
    return r;
}

static double soft(double x)
{
    return 1 / (1 + exp(-x));
}

/* Chance that a ratio known by its logarithm is seen as above a threshold. */
static double over(double log_ratio, double threshold, double width)
{
    return soft((log_ratio - log(threshold)) / width);
}

static double under(double log_ratio, double threshold, double width)
{
    return 1 - over(log_ratio, threshold, width);
}

void sim_frame_scores(const struct sim_frame_marks *m, double ret[SIM_FRAME_LABEL_COUNT])
{
    const double least = 1e-9;
    double q = log(m->lattice + least), shown = log(m->shown + least);
    double r2 = log(m->dimers + least), r20 = log(m->pairs + least);
    double seen = over(q, 1.1, .35) * over(shown, .009, .4);
    double lopsided = seen * soft((m->asymmetry - .75) / .12) * over(r2, .33, .3) *
                      over(r20, .22, .25) * under(r20, .68, .15);
    double event = over(log(m->events + least), .12, .4);
    double changed = 1 - (1 - event) * (1 - .20 * over(log(m->step + least), 13, .2));
    double clear = over(q, 1.3, .4) * over(shown, .015, .42) * soft((m->visible - .4) / .1);
    ret[SIM_FRAME_ASYMMETRIES] = lopsided;
    ret[SIM_FRAME_ATOMS] = seen * over(q, 1.5, .35) * over(r20, .55, .22) * over(r2, .25, .35);
    ret[SIM_FRAME_DIMERS] = seen * over(r2, .28, .25) * under(r20, .70, .25) * (1 - .85 * lopsided);
    ret[SIM_FRAME_ROWS] = seen * over(shown, .011, .3) * under(r2, .28, .25) * under(r20, .8, .35);
    ret[SIM_FRAME_TIP_CHANGE] = changed;
    ret[SIM_FRAME_BAD] = 1 - clear * (1 - .3 * changed);
    /* Slips, and views of one's own. */
    for (int i = 0; i < SIM_FRAME_LABEL_COUNT; i++)
        ret[i] = .008 + .984 * ret[i];
}

unsigned sim_frame_votes(const double scores[SIM_FRAME_LABEL_COUNT], struct sim_random *random,
                         double ret_mean[SIM_FRAME_LABEL_COUNT])
{
    static const double p_raters[] = {.553, .366, .069, .012};
    unsigned n = 1 + (unsigned)sim_random_pick(random, p_raters, 4);
    for (int label = 0; label < SIM_FRAME_LABEL_COUNT; label++)
        ret_mean[label] = 0;
    for (unsigned i = 0; i < n; i++)
        for (int label = 0; label < SIM_FRAME_LABEL_COUNT; label++)
            ret_mean[label] += (sim_random_uniform(random) < scores[label]) / (double)n;
    return n;
}

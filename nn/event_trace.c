/* Lines compared with the lines before them. */
#include "nn/event_trace.h"

#include <math.h>
#include <string.h>

enum {
    COLS = NN_EVENT_COLS,
    BANDS = 8,
    BAND = COLS / BANDS, /* columns */
    STEP_BANDS = 16,
    STEP_BAND = COLS / STEP_BANDS,
    SHIFT_MAX = 10, /* columns */
    SHIFTS = 2 * SHIFT_MAX + 1,
    SHIFTS_ROOM = 24, /* whole vectors */
    LATELY = 12,      /* lines over which the usual is taken */
    USUAL = 80,
    USUAL_WARM = 4, /* comparisons before one can be called unusual */
};

#define LIMIT 8.0F       /* of a standardised comparison */
#define JUMP_FLOOR 0.03F /* of offsets and slopes, in usual spreads: a picture's rounding */
#define ROUNDING 1e-9    /* of the largest sample */
#define UNITS_MAX 1e12
#define FLOOR 1e-3F /* of the usual spread: differences below are rounding */

/* The mean of up to three kept lines. */
struct profile {
    float values[COLS];
};

void nn_event_trace_begin(struct nn_event_trace *trace, uint32_t points)
{
    memset(trace, 0, sizeof *trace);
    trace->points = points;
}

/*
 * `value` in mean deviations from the usual; then the usual, taken over about `lines` lines,
 * follows it, at most by three.
 */
static float standardise(struct nn_event_usual *usual, uint32_t lines, float value)
{
    float score = 0.0F;
    float off = value - usual->mean;
    if (usual->n >= USUAL_WARM && usual->deviation > 0.0F) {
        score = off / usual->deviation;
        off = fmaxf(fminf(off, 3.0F * usual->deviation), -3.0F * usual->deviation);
    }
    usual->n += usual->n < lines;
    usual->mean += off / (float)usual->n;
    if (usual->n > 1)
        usual->deviation += (fabsf(off) - usual->deviation) / (float)(usual->n - 1);
    return fmaxf(fminf(score, LIMIT), -LIMIT);
}

static const float *kept(const struct nn_event_trace *trace, uint32_t ago)
{
    return trace->lines[(trace->newest + NN_EVENT_KEPT - ago) % NN_EVENT_KEPT];
}

static const float *kept_scales(const struct nn_event_trace *trace, uint32_t ago)
{
    return trace->scales[(trace->newest + NN_EVENT_KEPT - ago) % NN_EVENT_KEPT];
}

/* Mean of lines first .. first + n - 1 lines ago. */
static struct profile mean_of(const struct nn_event_trace *trace, uint32_t first, uint32_t n)
{
    struct profile mean = {{0}};
    for (uint32_t k = 0; k < n; k++) {
        const float *line = kept(trace, first + k);
        for (int c = 0; c < COLS; c++)
            mean.values[c] += line[c] / (float)n;
    }
    return mean;
}

/* Of numbers, without the call that fminf and fmaxf are for the sake of NaN. */
static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static float middle(float a, float b, float c)
{
    return larger(smaller(a, b), smaller(larger(a, b), c));
}

/* Of lines first .. first + 2 ago the middle value, column by column: one glitch does not count. */
static struct profile middle_of(const struct nn_event_trace *trace, uint32_t first)
{
    struct profile profile;
    for (int c = 0; c < COLS; c++)
        profile.values[c] =
            middle(kept(trace, first)[c], kept(trace, first + 1)[c], kept(trace, first + 2)[c]);
    return profile;
}

static struct profile difference(const struct profile *a, const struct profile *b)
{
    struct profile d;
    for (int c = 0; c < COLS; c++)
        d.values[c] = a->values[c] - b->values[c];
    return d;
}

static float size_of(const struct profile *p)
{
    float squares = 0.0F;
    for (int c = 0; c < COLS; c++)
        squares += p->values[c] * p->values[c];
    return sqrtf(squares / COLS);
}

static float likeness(const struct profile *a, const struct profile *b)
{
    float dot = 0.0F;
    for (int c = 0; c < COLS; c++)
        dot += a->values[c] * b->values[c];
    float sizes = size_of(a) * size_of(b) * COLS;
    return sizes > 0.0F ? dot / sizes : 0.0F;
}

static inline void add_squares(float value, const float *others, int first, int end, float *sums)
{
    for (int k = first; k < end; k++)
        sums[k] += (value - others[k]) * (value - others[k]);
}

/*
 * Squares of a - b with b moved by -SHIFT_MAX .. SHIFT_MAX columns to the right, where both are,
 * added up from left to right; the sums side by side. ret_squares: (SHIFTS_ROOM)
 */
static void square_shifts(const struct profile *a, const struct profile *b, float *ret_squares)
{
    float turned[COLS + SHIFTS_ROOM] = {0.0F};
    for (int c = 0; c < COLS; c++)
        turned[SHIFT_MAX + c] = b->values[COLS - 1 - c];
    memset(ret_squares, 0, SHIFTS_ROOM * sizeof *ret_squares);
    /* Shift k - SHIFT_MAX takes column c's partner from [COLS - 1 - c + k]. */
    for (int c = 0; c < SHIFT_MAX; c++)
        add_squares(a->values[c], turned + COLS - 1 - c, 0, c + SHIFT_MAX + 1, ret_squares);
    for (int c = SHIFT_MAX; c < COLS - SHIFT_MAX; c++)
        add_squares(a->values[c], turned + COLS - 1 - c, 0, SHIFTS_ROOM, ret_squares);
    for (int c = COLS - SHIFT_MAX; c < COLS; c++)
        add_squares(a->values[c], turned + COLS - 1 - c, c - (COLS - SHIFT_MAX) + 1, SHIFTS_ROOM,
                    ret_squares);
}

/* The smallest rms difference of two profiles, one moved sideways, and how far. */
static float best_shift(const struct profile *a, const struct profile *b, int *ret_shift)
{
    float squares[SHIFTS_ROOM];
    float best = HUGE_VALF;
    square_shifts(a, b, squares);
    for (int k = 0; k < SHIFTS; k++) {
        int shift = k - SHIFT_MAX;
        float size = sqrtf(squares[k] / (float)(COLS - (shift < 0 ? -shift : shift)));
        if (size < best) {
            best = size;
            *ret_shift = shift;
        }
    }
    return best;
}

/* The largest |sum so far - its share of the whole|: a step somewhere along the line. */
static float step_within(const struct profile *d)
{
    float total = 0.0F;
    for (int c = 0; c < COLS; c++)
        total += d->values[c];
    float largest = 0.0F;
    float sum = 0.0F;
    for (int c = 0; c < COLS; c++) {
        sum += d->values[c];
        largest = larger(largest, fabsf(sum - total * (float)(c + 1) / COLS));
    }
    return largest / COLS;
}

static float largest_band(const struct profile *d)
{
    float largest = 0.0F;
    for (int band = 0; band < BANDS; band++) {
        float sum = 0.0F;
        for (int c = band * BAND; c < (band + 1) * BAND; c++)
            sum += d->values[c];
        largest = fmaxf(largest, fabsf(sum) / BAND);
    }
    return largest;
}

/* Mean squares of the differences between neighbouring means of 1, 2, .. 32 columns. */
static void measure_scales(const float *line, float *ret_scales)
{
    float sums[COLS + 1];
    sums[0] = 0.0F;
    for (int c = 0; c < COLS; c++)
        sums[c + 1] = sums[c] + line[c];
    for (int s = 0; s < NN_EVENT_SCALES; s++) {
        int width = 1 << s;
        float squares = 0.0F;
        for (int c = 0; c + 2 * width <= COLS; c++) {
            float d = (sums[c + 2 * width] - 2.0F * sums[c + width] + sums[c]) / (float)width;
            squares += d * d;
        }
        ret_scales[s] = squares / (float)(COLS - 2 * width + 1);
    }
}

/* Of a straight line through the samples: mean, rise per sample, and what is left. */
struct fitted {
    double mean, slope;
    double rest; /* rms */
    double fine; /* rms difference of neighbouring samples */
};

static double residual(const struct fitted *fitted, uint32_t n, const double *samples, uint32_t i)
{
    return samples[i] - fitted->mean - fitted->slope * ((double)i - 0.5 * (double)(n - 1));
}

static struct fitted fit(uint32_t n, const double *samples)
{
    struct fitted fitted = {.mean = samples[0]};
    double sum = 0.0;
    double dot = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double x = (double)i - 0.5 * (double)(n - 1);
        sum += samples[i] - samples[0];
        dot += x * (samples[i] - samples[0]);
        squares += x * x;
    }
    fitted.mean += sum / (double)n;
    fitted.slope = squares > 0.0 ? dot / squares : 0.0;
    double largest = fabs(samples[0]);
    double rest = 0.0;
    double changes = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double z = residual(&fitted, n, samples, i);
        double change = i > 0 ? samples[i] - samples[i - 1] - fitted.slope : 0.0;
        rest += z * z;
        changes += change * change;
        double size = fabs(samples[i]);
        largest = size > largest ? size : largest;
    }
    fitted.rest = sqrt(rest / (double)n);
    fitted.fine = n > 1 ? sqrt(changes / (double)(n - 1)) : 0.0;
    /* What is left of a straight line is rounding. */
    if (fitted.rest <= ROUNDING * largest)
        fitted.rest = fitted.fine = 0.0;
    return fitted;
}

/* In the trace's unit, as a float that can be squared and added up. */
static float in_units(const struct nn_event_trace *trace, double value)
{
    return (float)fmax(fmin(value / trace->unit, UNITS_MAX), -UNITS_MAX);
}

/* samples: (n), less their straight line, averaged to (COLS). */
static void average(const struct nn_event_trace *trace, const double *samples,
                    const struct fitted *fitted, float *ret_line)
{
    uint32_t n = trace->points;
    double width = (double)n / COLS;
    uint32_t i = 0;
    for (int c = 0; c < COLS; c++) {
        double from = c * width;
        double until = (c + 1) * width;
        double sum = 0.0;
        while (i < n) {
            double low = from > (double)i ? from : (double)i;
            double high = until < (double)i + 1.0 ? until : (double)i + 1.0;
            sum += (high - low) * residual(fitted, n, samples, i);
            if ((double)i + 1.0 > until)
                break;
            i++;
        }
        ret_line[c] = fitted->rest > 0.0 ? in_units(trace, sum / width) : 0.0F;
    }
}

static void keep(struct nn_event_trace *trace, uint32_t row, const struct fitted *fitted,
                 const double *samples)
{
    if (trace->n_seen > 0 && row - trace->next_row > NN_EVENT_GAP)
        trace->n_kept = 0;
    if (!(trace->unit > 0.0))
        trace->unit = fitted->rest;
    trace->newest = (trace->newest + 1) % NN_EVENT_KEPT;
    average(trace, samples, fitted, trace->lines[trace->newest]);
    measure_scales(trace->lines[trace->newest], trace->scales[trace->newest]);
    trace->offsets[trace->newest] = fitted->mean;
    trace->slopes[trace->newest] = fitted->slope;
    trace->n_kept += trace->n_kept < NN_EVENT_KEPT;
    trace->n_seen++;
    trace->next_row = row + 1;
}

/* A size, in units of the usual spread, as its logarithm. */
static float level(float size, float scale)
{
    return logf(size / scale + FLOOR);
}

struct job {
    struct nn_event_trace *trace;
    float scale;
    float *features;
};

static void set(const struct job *job, enum nn_event_signal signal, float value)
{
    job->features[signal] = standardise(&job->trace->lately[signal], LATELY, value);
    job->features[NN_EVENT_SIGNALS + signal] =
        standardise(&job->trace->usual[signal], USUAL, value);
}

static void set_level(const struct job *job, enum nn_event_signal signal, float size)
{
    set(job, signal, level(size, job->scale));
}

static float *plain(const struct job *job, enum nn_event_plain feature)
{
    return &job->features[2 * NN_EVENT_SIGNALS + feature];
}

static void compare_lines(const struct job *job)
{
    struct nn_event_trace *trace = job->trace;
    struct profile now = mean_of(trace, 0, 1);
    static const enum nn_event_signal signals[] = {NN_EVENT_LAST, NN_EVENT_SECOND, NN_EVENT_THIRD};
    for (uint32_t ago = 1; ago <= 3 && ago < trace->n_kept; ago++) {
        struct profile before = mean_of(trace, ago, 1);
        struct profile d = difference(&now, &before);
        set_level(job, signals[ago - 1], size_of(&d));
        if (ago > 1)
            continue;
        *plain(job, NN_EVENT_PLAIN_LAST) = level(size_of(&d), job->scale);
        set_level(job, NN_EVENT_WITHIN, step_within(&d));
        set_level(job, NN_EVENT_BAND_LAST, largest_band(&d));
    }
    set_level(job, NN_EVENT_SPREAD, size_of(&now));
}

static void compare_pairs(const struct job *job)
{
    struct profile now = mean_of(job->trace, 0, 2);
    struct profile before = mean_of(job->trace, 2, 2);
    struct profile d = difference(&now, &before);
    set_level(job, NN_EVENT_PAIR, size_of(&d));
    set_level(job, NN_EVENT_WITHIN_TWO, step_within(&d));
}

static void compare_patterns(const struct job *job)
{
    float change = 0.0F;
    float floor = FLOOR * FLOOR * job->scale * job->scale;
    for (int s = 0; s < NN_EVENT_SCALES; s++) {
        float now = middle(kept_scales(job->trace, 0)[s], kept_scales(job->trace, 1)[s],
                           kept_scales(job->trace, 2)[s]);
        float before = middle(kept_scales(job->trace, 3)[s], kept_scales(job->trace, 4)[s],
                              kept_scales(job->trace, 5)[s]);
        change += fabsf(logf((now + floor) / (before + floor)));
    }
    set(job, NN_EVENT_PATTERN, logf(change + 0.01F));
}

static void compare_triples(const struct job *job)
{
    struct nn_event_trace *trace = job->trace;
    struct profile now = middle_of(trace, 0);
    struct profile before = middle_of(trace, 3);
    struct profile d = difference(&now, &before);
    float size = size_of(&d);
    set_level(job, NN_EVENT_TRIPLE, size);
    set_level(job, NN_EVENT_BAND, largest_band(&d));
    int shift = 0;
    set_level(job, NN_EVENT_SHIFTED, best_shift(&now, &before, &shift));
    float aside = (float)shift - trace->sideways.mean;
    standardise(&trace->sideways, LATELY, (float)shift);
    set(job, NN_EVENT_SIDEWAYS, logf(fabsf(aside) + 1.0F));
    float alike = likeness(&now, &before);
    set(job, NN_EVENT_LIKENESS, atanhf(fmaxf(fminf(alike, 0.999F), -0.999F)));
    set(job, NN_EVENT_SPREADS,
        fabsf(level(size_of(&now), job->scale) - level(size_of(&before), job->scale)));
    compare_patterns(job);
    *plain(job, NN_EVENT_PLAIN_LIKENESS) = alike;
    *plain(job, NN_EVENT_PLAIN_TRIPLE) = level(size, job->scale);
    if (trace->n_kept < 9)
        return;
    struct profile earlier = middle_of(trace, 6);
    struct profile drift = difference(&before, &earlier);
    struct profile turn = difference(&d, &drift);
    set_level(job, NN_EVENT_TURN, size_of(&turn));
}

/*
 * Column by column, least squares of lines = level + rate * line + step for the newest `after`,
 * over these and the `before` lines before them: the rate is what both groups have in common.
 */
static struct profile fit_step(const struct nn_event_trace *trace, uint32_t after, uint32_t before)
{
    struct profile now = mean_of(trace, 0, after);
    struct profile then = mean_of(trace, after, before);
    struct profile rate = {{0}};
    float squares = 0.0F;
    for (uint32_t k = 0; k < after + before; k++) {
        bool newer = k < after;
        float centre = 0.5F * (float)(newer ? after - 1 : 2 * after + before - 1);
        float later = centre - (float)k;
        const float *line = kept(trace, k);
        squares += later * later;
        for (int c = 0; c < COLS; c++)
            rate.values[c] += later * line[c];
    }
    float apart = 0.5F * (float)(after + before);
    struct profile step;
    for (int c = 0; c < COLS; c++)
        step.values[c] = now.values[c] - then.values[c] - apart * rate.values[c] / squares;
    return step;
}

static float band_size(const struct profile *p)
{
    float squares = 0.0F;
    for (int band = 0; band < STEP_BANDS; band++) {
        float sum = 0.0F;
        for (int c = band * STEP_BAND; c < (band + 1) * STEP_BAND; c++)
            sum += p->values[c];
        squares += sum * sum;
    }
    return sqrtf(squares / STEP_BANDS) / STEP_BAND;
}

static void fit_steps(const struct job *job)
{
    if (job->trace->n_kept >= 8) {
        struct profile step = fit_step(job->trace, 2, 6);
        set_level(job, NN_EVENT_STEP_TWO, band_size(&step));
    }
    if (job->trace->n_kept >= 9) {
        struct profile step = fit_step(job->trace, 3, 6);
        set_level(job, NN_EVENT_STEP, size_of(&step));
        set_level(job, NN_EVENT_STEP_WIDE, band_size(&step));
    }
}

/* A jump in units of the usual one, as logarithm. A flattened picture has none worth the name. */
static float jump_of(struct nn_event_usual *usual, float value)
{
    float size = fabsf(value - usual->mean);
    float typical = usual->deviation;
    standardise(usual, LATELY, value);
    return logf(1.0F + size / (typical + JUMP_FLOOR));
}

static double offset_ago(const struct nn_event_trace *trace, uint32_t ago)
{
    return trace->offsets[(trace->newest + NN_EVENT_KEPT - ago) % NN_EVENT_KEPT];
}

/* The middle of the newest three lines' means against that of the three before. */
static float offset_step(const struct nn_event_trace *trace)
{
    float z[6];
    for (uint32_t k = 0; k < 6; k++)
        z[k] = in_units(trace, offset_ago(trace, k) - offset_ago(trace, 0));
    return middle(z[0], z[1], z[2]) - middle(z[3], z[4], z[5]);
}

/* Offset and slope of the lines as they came. */
static void compare_heights(const struct job *job)
{
    struct nn_event_trace *trace = job->trace;
    uint32_t before = (trace->newest + NN_EVENT_KEPT - 1) % NN_EVENT_KEPT;
    double rise = trace->offsets[trace->newest] - trace->offsets[before];
    double bend = trace->slopes[trace->newest] - trace->slopes[before];
    bend *= (double)trace->points;
    *plain(job, NN_EVENT_PLAIN_OFFSET) = jump_of(&trace->drift, in_units(trace, rise) / job->scale);
    *plain(job, NN_EVENT_PLAIN_SLOPE) = jump_of(&trace->tilt, in_units(trace, bend) / job->scale);
    if (trace->n_kept >= 6)
        *plain(job, NN_EVENT_PLAIN_OFFSET_STEP) =
            jump_of(&trace->drift_step, offset_step(trace) / job->scale);
}

void nn_event_trace_add(struct nn_event_trace *trace, uint32_t row, const double *samples,
                        float *ret_features)
{
    memset(ret_features, 0, NN_EVENT_FEATURES * sizeof *ret_features);
    struct fitted fitted = fit(trace->points, samples);
    keep(trace, row, &fitted, samples);
    struct profile now = mean_of(trace, 0, 1);
    float spread = size_of(&now);
    float scale = trace->spread.mean;
    standardise(&trace->spread, USUAL, spread);
    if (scale > 0.0F && trace->n_kept > 1) {
        struct job job = {.trace = trace, .scale = scale, .features = ret_features};
        const float *scales = kept_scales(trace, 0);
        compare_lines(&job);
        set_level(&job, NN_EVENT_FINE, in_units(trace, fitted.fine));
        set(&job, NN_EVENT_WHITE,
            logf((scales[0] + scales[1] + FLOOR * scale * scale) /
                 (scales[4] + scales[5] + FLOOR * scale * scale)));
        compare_heights(&job);
        if (trace->n_kept >= 4)
            compare_pairs(&job);
        if (trace->n_kept >= 6)
            compare_triples(&job);
        fit_steps(&job);
    }
    ret_features[2 * NN_EVENT_SIGNALS + NN_EVENT_PLAIN_SEEN] =
        fminf((float)trace->n_seen / 64.0F, 1.0F);
}

/* Simulated frames with the book of what happened to their tip. */
#include "nn/cmd_train_events.h"

#include "sim/scanner.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNSEEN_BEFORE = 1, UNSEEN_AFTER = 3 };

#define LINE_TIME_S 0.33
#define START_S 30.0     /* after the frame's place was reached */
#define EVENTS_TIMES 5.0 /* the measured rate, per frame of 300 lines */
#define VISIBLE 2.0      /* times the noise */

void events_frame_finish(struct events_frame *frame)
{
    nn_event_frame_finish(&frame->frame);
    nn_event_truth_finish(&frame->truth);
}

/* One scan in progress. */
struct scan {
    uint32_t points, lines;
    struct sim_surface *surface;
    struct sim_scanner *scanner;
    struct sim_tip tip;
    uint32_t two_levels_left; /* lines of a telegraph still to come */
    double *forward, *backward, *step;
    double last_mean_m, *jumps; /* of the lines' means */
    uint32_t n_jumps;
    /* Line by line, what happened: */
    struct happened {
        enum sim_tip_event_kind kind;
        bool late;                      /* after the forward trace */
        bool unstable;                  /* the tip or the line has two levels */
        double pattern, offset, height; /* of the step: flattened, its mean, the tip's, in noises */
        double noise_m;
    } * book;
};

static void finish_scan(struct scan *scan)
{
    sim_scanner_destroy(scan->scanner);
    sim_surface_destroy(scan->surface);
    free(scan->forward);
    free(scan->backward);
    free(scan->step);
    free(scan->jumps);
    free(scan->book);
}

/* Sizes, places and tips vary as those of recordings do. */
static int start_scan(uint32_t index, struct scan *scan)
{
    static const enum sim_tip_state starts[] = {
        SIM_TIP_ATOMIC, SIM_TIP_ATOMIC,   SIM_TIP_ASYM,  SIM_TIP_ASYM, SIM_TIP_DIMER,
        SIM_TIP_DIMER,  SIM_TIP_DIMER,    SIM_TIP_ROWS,  SIM_TIP_ROWS, SIM_TIP_MULTI,
        SIM_TIP_BLUNT,  SIM_TIP_UNSTABLE, SIM_TIP_FOULED};
    uint64_t seed = 70000 + (uint64_t)index;
    bool small = index % 7 == 3;
    *scan = (struct scan){.points = small ? 200 : index % 5 == 4 ? 512 : 300};
    scan->lines = small ? 128 : scan->points;
    struct sim_scanner_options options = {.seed = seed,
                                          .points = scan->points,
                                          .lines = scan->lines,
                                          .frame_m = index % 3 == 2 ? 8e-9 : 3.6e-9,
                                          .line_time_s = LINE_TIME_S,
                                          .event_scale = EVENTS_TIMES * 300.0 / scan->lines};
    struct sim_random random;
    sim_random_seed(&random, seed, SIM_STREAM_START, 0);
    size_t start = sim_random_u64(&random) % (sizeof starts / sizeof *starts);
    sim_tip_init(&scan->tip, seed, starts[start]);
    scan->forward = calloc(scan->points, sizeof *scan->forward);
    scan->backward = calloc(scan->points, sizeof *scan->backward);
    scan->step = calloc(scan->points, sizeof *scan->step);
    scan->jumps = calloc(scan->lines, sizeof *scan->jumps);
    scan->book = calloc(scan->lines, sizeof *scan->book);
    if (!scan->forward || !scan->backward || !scan->step || !scan->jumps || !scan->book)
        return -ENOMEM;
    int error = sim_surface_create(NULL, seed, &scan->surface);
    if (!error)
        error = sim_scanner_create(&options, scan->surface, &scan->scanner);
    if (!error)
        sim_scanner_begin_frame(scan->scanner);
    return error;
}

/* The samples' straight line. */
static void fit_line(uint32_t n, const double *samples, double *ret_mean, double *ret_slope)
{
    double sum = 0.0;
    double dot = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double x = (double)i - 0.5 * (double)(n - 1);
        sum += samples[i];
        dot += x * samples[i];
        squares += x * x;
    }
    *ret_mean = sum / (double)n;
    *ret_slope = dot / squares;
}

/* samples less their straight line; returns what is left, rms. */
static double flatten(uint32_t n, double *samples, double *ret_mean)
{
    double slope;
    double squares = 0.0;
    fit_line(n, samples, ret_mean, &slope);
    for (uint32_t i = 0; i < n; i++) {
        samples[i] -= *ret_mean + slope * ((double)i - 0.5 * (double)(n - 1));
        squares += samples[i] * samples[i];
    }
    return sqrt(squares / (double)n);
}

/* The next line into scan->forward, and what happened into the book. */
static void scan_line(struct scan *scan, uint32_t line)
{
    double t_s = START_S + line * LINE_TIME_S;
    struct sim_tip before = scan->tip;
    struct sim_line traces = {.forward = scan->forward, .backward = scan->backward};
    sim_scanner_line(scan->scanner, &scan->tip, line, t_s, &traces);
    const struct sim_tip_event *event = &traces.event;
    struct happened *happened = &scan->book[line];
    happened->kind = event->kind;
    happened->late = event->at >= 0.5;
    happened->noise_m = fmax(before.contrast.noise_m, scan->tip.contrast.noise_m);
    happened->unstable = before.state == SIM_TIP_UNSTABLE || scan->tip.state == SIM_TIP_UNSTABLE ||
                         scan->two_levels_left > 0 || event->kind == SIM_TIP_TELEGRAPH;
    if (scan->two_levels_left > 0)
        scan->two_levels_left--;
    if (event->kind == SIM_TIP_TELEGRAPH)
        scan->two_levels_left = event->lines;
    if (event->kind != SIM_TIP_NO_EVENT) {
        double mean_m;
        sim_scanner_event_step(scan->scanner, &before, event, line, t_s, scan->step);
        happened->pattern = flatten(scan->points, scan->step, &mean_m) / happened->noise_m;
        happened->offset = fabs(mean_m);
        happened->height = fabs(event->z_m) / happened->noise_m;
    }
    double mean_m;
    double slope;
    fit_line(scan->points, scan->forward, &mean_m, &slope);
    if (line > 0)
        scan->jumps[scan->n_jumps++] = mean_m - scan->last_mean_m;
    scan->last_mean_m = mean_m;
}

static int by_value(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

/* How much the means of neighbouring lines differ where nothing happens: a spread, from the median
 * of the differences' sizes about their median. */
static double usual_jump(struct scan *scan)
{
    uint32_t n = scan->n_jumps;
    if (n == 0)
        return 0.0;
    qsort(scan->jumps, n, sizeof *scan->jumps, by_value);
    double middle = scan->jumps[n / 2];
    for (uint32_t i = 0; i < n; i++)
        scan->jumps[i] = fabs(scan->jumps[i] - middle);
    qsort(scan->jumps, n, sizeof *scan->jumps, by_value);
    return 1.4826 * scan->jumps[n / 2];
}

static bool is_visible(const struct happened *h, bool flat, double jump_m)
{
    double offset = h->offset / sqrt(h->noise_m * h->noise_m + jump_m * jump_m);
    switch (h->kind) {
    case SIM_TIP_Z_JUMP:
        return !flat && offset >= VISIBLE;
    case SIM_TIP_LATERAL:
    case SIM_TIP_CHANGE:
        return h->pattern >= VISIBLE || (!flat && offset >= VISIBLE);
    case SIM_TIP_TELEGRAPH:
        return h->height >= VISIBLE;
    case SIM_TIP_STREAK:
    case SIM_TIP_NO_EVENT:
    case SIM_TIP_EVENT_COUNT:
        break;
    }
    return false;
}

/* Changes that can be seen are to be told, what cannot be is excused. */
static void read_book(const struct scan *scan, bool flat, double jump_m,
                      struct nn_event_truth *truth)
{
    for (uint32_t line = 0; line < scan->lines; line++) {
        const struct happened *h = &scan->book[line];
        if (h->unstable)
            truth->excused[line] = true;
        uint32_t first = line + h->late;
        if (h->kind == SIM_TIP_NO_EVENT || first >= scan->lines)
            continue;
        if (is_visible(h, flat, jump_m) && !truth->excused[first > 0 ? first - 1 : 0])
            truth->changes[truth->n_changes++] = first;
        else
            nn_event_truth_excuse(truth, (int64_t)first - UNSEEN_BEFORE, first + UNSEEN_AFTER);
    }
}

static int know(const struct scan *scan, bool flat, double jump_m, struct events_frame *frame)
{
    int error = nn_event_truth_create(scan->lines, &frame->truth);
    if (error)
        return error;
    read_book(scan, flat, jump_m, &frame->truth);
    return nn_event_frame_know(&frame->frame, &frame->truth);
}

static void scan_frame(struct scan *scan, struct nn_event_frame *raw, struct nn_event_frame *flat)
{
    struct nn_event_trace raw_trace;
    struct nn_event_trace flat_trace;
    nn_event_trace_begin(&raw_trace, scan->points);
    nn_event_trace_begin(&flat_trace, scan->points);
    for (uint32_t line = 0; line < scan->lines; line++) {
        double mean_m;
        scan_line(scan, line);
        nn_event_frame_add(raw, &raw_trace, line, scan->forward);
        flatten(scan->points, scan->forward, &mean_m);
        nn_event_frame_add(flat, &flat_trace, line, scan->forward);
    }
}

int events_simulate(uint32_t index, struct events_frame *ret_raw, struct events_frame *ret_flat)
{
    struct scan scan;
    struct events_frame raw = {0};
    struct events_frame flat = {0};
    int error = start_scan(index, &scan);
    if (!error)
        error = nn_event_frame_create(scan.lines, &raw.frame);
    if (!error)
        error = nn_event_frame_create(scan.lines, &flat.frame);
    if (!error) {
        scan_frame(&scan, &raw.frame, &flat.frame);
        double jump_m = usual_jump(&scan);
        error = know(&scan, false, jump_m, &raw);
        if (!error)
            error = know(&scan, true, jump_m, &flat);
    }
    finish_scan(&scan);
    if (error) {
        events_frame_finish(&raw);
        events_frame_finish(&flat);
        return error;
    }
    *ret_raw = raw;
    *ret_flat = flat;
    return 0;
}

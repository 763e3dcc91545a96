/* Looks at a labelled picture. */
#include "nn/view.h"

#include <math.h>

static uint32_t planned_lines(const struct nn_picture *picture)
{
    return picture->width > picture->height ? picture->width : picture->height;
}

static uint32_t share_of(uint32_t lines, double share)
{
    double wanted = floor(share * (double)lines + 0.5);
    return wanted < 1.0 ? 1 : wanted > (double)lines ? lines : (uint32_t)wanted;
}

struct nn_view nn_view_plain(const struct nn_picture *picture, double share)
{
    return (struct nn_view){.width = picture->width,
                            .lines = planned_lines(picture),
                            .seen = share_of(picture->height, share),
                            .gamma = 1.0,
                            .contrast = 1.0,
                            .streak_px = 1.0};
}

/* Somewhere in low..high, as likely to halve as to double. */
static double draw_scale(struct nn_random *random, double low, double high)
{
    return exp(log(low) + (log(high) - log(low)) * nn_random_unit(random));
}

static uint32_t scaled(uint32_t n, double scale, uint32_t max)
{
    double wanted = floor(scale * (double)n + 0.5);
    return wanted < 1.0 ? 1 : wanted > (double)max ? max : (uint32_t)wanted;
}

/* How the signal suffers. Every number is drawn whether it is used or not, so that switching one
 * thing on moves no other. */
static void spoil(struct nn_view *view, const struct nn_augment *augment, struct nn_random *random)
{
    view->gamma = draw_scale(random, 1.0 / augment->gamma, augment->gamma);
    view->contrast = draw_scale(random, 1.0, augment->contrast);
    view->streak = augment->streaks * nn_random_unit(random);
    view->streak_px = draw_scale(random, 1.0, fmax(0.3 * (double)view->width, 1.0));
    view->missing = augment->missing * nn_random_unit(random);
    view->bad = augment->bad * nn_random_unit(random);
    view->seed = nn_random_bits(random);
}

struct nn_view nn_view_random(const struct nn_picture *picture, const struct nn_augment *augment,
                              struct nn_random *random)
{
    struct nn_view view = nn_view_plain(picture, 1.0);
    bool finished = picture->height == view.lines;
    view.mirrored = nn_random_unit(random) < augment->mirror;
    view.upside_down = nn_random_unit(random) < augment->turn;
    view.shear = augment->shear * (2.0 * nn_random_unit(random) - 1.0);
    double scale = draw_scale(random, augment->closer, augment->wider);
    view.width = scaled(picture->width, scale, NN_INPUT_POINTS_MAX);
    /* Mirrored seams only where a wider frame cannot do without. */
    view.x = nn_random_below(random, view.width <= picture->width ? picture->width - view.width + 1
                                                                  : picture->width);
    view.lines = scaled(view.lines, scale * draw_scale(random, 0.9, 1.1), NN_INPUT_LINES_MAX);
    if (view.lines < picture->height)
        view.skipped = nn_random_below(random, picture->height - view.lines + 1);
    uint32_t there = finished ? view.lines : picture->height - view.skipped;
    view.seen = there < view.lines ? there : view.lines;
    if (nn_random_unit(random) >= augment->whole) {
        double share = augment->seen_min + (1.0 - augment->seen_min) * nn_random_unit(random);
        uint32_t seen = share_of(view.lines, share);
        view.seen = seen < view.seen ? seen : view.seen;
    }
    spoil(&view, augment, random);
    return view;
}

/* Where index i of an endlessly mirrored row of n lies in the row. */
static uint32_t reflect(uint32_t i, uint32_t n)
{
    uint32_t at = i % (2 * n);
    return at < n ? at : 2 * n - 1 - at;
}

/* Heights that grey levels stand for; ret_heights: (256). */
static void set_heights(const struct nn_view *view, double *ret_heights)
{
    for (int level = 0; level < 256; level++) {
        double height = (double)level / 255.0;
        if (view->gamma < 1.0 || view->gamma > 1.0)
            height = pow(height, view->gamma);
        if (view->contrast > 1.0)
            height = fmin(fmax(0.5 + view->contrast * (height - 0.5), 0.0), 1.0);
        ret_heights[level] = height;
    }
}

/* A picture's row and what its grey levels stand for. */
struct gray_line {
    const uint8_t *gray;
    uint32_t width;
    const double *heights;
};

/* One line of the picture from column `start` on, between columns by straight lines. */
static void take_line(const struct nn_view *view, const struct gray_line *line, double start,
                      double *ret_line)
{
    uint32_t width = line->width;
    double period = 2.0 * (double)width;
    double at = start - floor(start / period) * period;
    uint32_t i = (uint32_t)at;
    double share = at - (double)i;
    double here = line->heights[line->gray[reflect(i, width)]];
    int step = view->mirrored ? -1 : 1;
    double *to = view->mirrored ? ret_line + view->width - 1 : ret_line;
    for (uint32_t n = 0; n < view->width; n++, to += step) {
        if (++i >= 2 * width)
            i = 0;
        double next = line->heights[line->gray[i < width ? i : 2 * width - 1 - i]];
        *to = (1.0 - share) * here + share * next;
        here = next;
    }
}

static double deviation(uint32_t n, const double *values)
{
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / (double)n;
    return sqrt(fmax(squares / (double)n - mean * mean, 0.0));
}

/* Noise of a first-order recursion: `height` high everywhere, forgotten after streak_px points. */
static void add_streak(const struct nn_view *view, double height, struct nn_random *random,
                       double *line)
{
    double keep = exp(-1.0 / view->streak_px);
    double renew = sqrt(1.0 - keep * keep);
    double noise = nn_random_normal(random);
    for (uint32_t i = 0; i < view->width; i++) {
        line[i] += height * noise;
        noise = keep * noise + renew * nn_random_normal(random);
    }
}

/* What becomes of a line on its way; false: it is lost. */
static bool suffer(const struct nn_view *view, uint32_t row, double *line)
{
    const double buried = 4.0;
    struct nn_random random = nn_random_seed(view->seed, 9, row);
    bool missing = nn_random_unit(&random) < view->missing;
    bool bad = nn_random_unit(&random) < view->bad;
    double height = (bad ? buried : view->streak) * deviation(view->width, line);
    if (!missing && height > 0.0)
        add_streak(view, height, &random, line);
    return !missing;
}

int nn_view_show(const struct nn_view *view, const struct nn_picture *picture, double *work,
                 struct nn_input *input)
{
    double heights[256];
    set_heights(view, heights);
    bool suffers = view->streak > 0.0 || view->missing > 0.0 || view->bad > 0.0;
    int error = nn_input_begin(input, view->width, view->lines);
    for (uint32_t row = 0; row < view->seen && !error; row++) {
        uint32_t at = reflect(view->skipped + row, picture->height);
        uint32_t y = view->upside_down ? at : picture->height - 1 - at;
        struct gray_line line = {.gray = picture->gray + (size_t)y * picture->width,
                                 .width = picture->width,
                                 .heights = heights};
        take_line(view, &line, (double)view->x + view->shear * (double)row, work);
        /* The last line always arrives, so that the share seen is the one asked for. */
        if (!suffers || suffer(view, row, work) || row + 1 == view->seen)
            error = nn_input_add_line(input, row, work);
    }
    return error;
}

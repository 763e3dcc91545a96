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
                            .seen = share_of(picture->height, share)};
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

struct nn_view nn_view_random(const struct nn_picture *picture, const struct nn_augment *augment,
                              struct nn_random *random)
{
    struct nn_view view = nn_view_plain(picture, 1.0);
    bool finished = picture->height == view.lines;
    view.mirrored = nn_random_unit(random) < 0.5;
    view.upside_down = nn_random_unit(random) < 0.5;
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
    return view;
}

/* Where index i of an endlessly mirrored row of n lies in the row. */
static uint32_t reflect(uint32_t i, uint32_t n)
{
    uint32_t at = i % (2 * n);
    return at < n ? at : 2 * n - 1 - at;
}

/* One line of the picture from column `start` on, between columns by straight lines. */
static void take_line(const struct nn_view *view, const uint8_t *gray, uint32_t picture_width,
                      double start, double *ret_line)
{
    double period = 2.0 * (double)picture_width;
    double at = start - floor(start / period) * period;
    uint32_t i = (uint32_t)at;
    double share = (at - (double)i) / 255.0;
    double rest = 1.0 / 255.0 - share;
    double here = (double)gray[reflect(i, picture_width)];
    int step = view->mirrored ? -1 : 1;
    double *to = view->mirrored ? ret_line + view->width - 1 : ret_line;
    for (uint32_t n = 0; n < view->width; n++, to += step) {
        if (++i >= 2 * picture_width)
            i = 0;
        double next = (double)gray[i < picture_width ? i : 2 * picture_width - 1 - i];
        *to = rest * here + share * next;
        here = next;
    }
}

int nn_view_show(const struct nn_view *view, const struct nn_picture *picture, double *work,
                 struct nn_input *input)
{
    int error = nn_input_begin(input, view->width, view->lines);
    for (uint32_t row = 0; row < view->seen && !error; row++) {
        uint32_t line = reflect(view->skipped + row, picture->height);
        uint32_t y = view->upside_down ? line : picture->height - 1 - line;
        take_line(view, picture->gray + (size_t)y * picture->width, picture->width,
                  (double)view->x + view->shear * (double)row, work);
        error = nn_input_add_line(input, row, work);
    }
    return error;
}

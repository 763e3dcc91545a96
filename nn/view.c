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

struct nn_view nn_view_random(const struct nn_picture *picture, const struct nn_augment *augment,
                              struct nn_random *random)
{
    struct nn_view view = nn_view_plain(picture, 1.0);
    view.mirrored = nn_random_unit(random) < 0.5;
    view.upside_down = nn_random_unit(random) < 0.5;
    view.noise_steps = augment->noise * nn_random_unit(random);
    view.width = share_of(picture->width, 1.0 - augment->crop * nn_random_unit(random));
    view.x = nn_random_below(random, picture->width - view.width + 1);
    /* Lines cost more than columns when left out: a tip change may lie in them. */
    view.lines = share_of(view.lines, 1.0 - 0.5 * augment->crop * nn_random_unit(random));
    if (view.lines < picture->height)
        view.skipped = nn_random_below(random, picture->height - view.lines + 1);
    uint32_t there = picture->height - view.skipped;
    view.seen = there < view.lines ? there : view.lines;
    if (nn_random_unit(random) >= augment->whole) {
        double share = augment->seen_min + (1.0 - augment->seen_min) * nn_random_unit(random);
        uint32_t seen = share_of(view.lines, share);
        view.seen = seen < view.seen ? seen : view.seen;
    }
    return view;
}

static void add_noise(double *line, uint32_t n, double steps, struct nn_random *random)
{
    for (uint32_t i = 0; i < n; i++) {
        /* The sum of four uniform numbers is close to normal, of variance 1/3. */
        uint64_t bits = nn_random_bits(random);
        double sum = 0.0;
        for (int k = 0; k < 4; k++, bits >>= 16)
            sum += (double)(bits & 0xFFFF) / 65536.0;
        line[i] += steps * 1.7320508 * (sum - 2.0);
    }
}

int nn_view_show(const struct nn_view *view, const struct nn_picture *picture,
                 struct nn_random *random, double *work, struct nn_input *input)
{
    int error = nn_input_begin(input, view->width, view->lines);
    for (uint32_t row = 0; row < view->seen && !error; row++) {
        uint32_t line = view->skipped + row;
        uint32_t y = view->upside_down ? line : picture->height - 1 - line;
        const uint8_t *gray = picture->gray + (size_t)y * picture->width + view->x;
        for (uint32_t i = 0; i < view->width; i++)
            work[i] = (double)gray[view->mirrored ? view->width - 1 - i : i] / 255.0;
        if (random && view->noise_steps > 0.0)
            add_noise(work, view->width, view->noise_steps / 255.0, random);
        error = nn_input_add_line(input, row, work);
    }
    return error;
}

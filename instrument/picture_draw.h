/*
 * Drawing a frame into an RGB canvas: colour map, hatched gaps, scale bar, caption, marks. In
 * memory only; picture.c writes the result.
 */
#ifndef INSTRUMENT_PICTURE_DRAW_H
#define INSTRUMENT_PICTURE_DRAW_H

#include "instrument/picture.h"

struct picture_canvas {
    uint32_t width, height;
    uint8_t *rgb; /* (height, width, 3), top row first; owned, free() it */
};

/*
 * The values between which the map is stretched: the 1st and 99th percentile of the finite values
 * in rows seen (of at most 2^18 evenly spaced ones); both 0 when there is none.
 */
void picture_contrast(const struct picture_frame *frame, double *ret_low, double *ret_high);

/* The longest length of 1, 2 or 5 x 10^n metres that is at most `limit_m`, which is > 0. */
double picture_scale_bar_length(double limit_m);

/* "5 nm", "200 pm", "2 µm". */
void picture_format_length(double length_m, char *ret, size_t size);

/* Draw. 0, -EINVAL: empty frame or too large, -ENOMEM. `options` must not be NULL. */
int picture_draw(const struct picture_frame *frame, const struct picture_options *options,
                 struct picture_canvas *ret);

#endif

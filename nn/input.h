/*
 * What the network looks at: a partial frame brought to a fixed grid, built line by line from
 * lines already seen and from nothing else.
 *
 * Four planes over `rows` x `cols` cells, row 0 = the first lines scanned:
 *   0  height: mean over the cell's share of the flattened lines seen, divided by the frame's
 *      spread, the median over lines of their mean absolute deviation
 *   1  detail: the same of the lines minus their own running mean over a sixth of their length,
 *      divided by the median of that difference's. A lattice beside a high step shows here.
 *   2  step: the largest line-to-line change |line - line before| of the cell's lines, each
 *      averaged over the cell's columns at the lines' own resolution; as log(1 + step / median of
 *      all lines' mean steps). A tip change is one large step; averaging lines first would hide it.
 *   3  seen: share of the cell's lines that have been seen, 0..1
 * Medians are over lines seen. Cells not seen are 0.
 */
#ifndef NN_INPUT_H
#define NN_INPUT_H

#include "nn/flatten.h"

#include <stdbool.h>
#include <stddef.h>

enum { NN_INPUT_PLANES = 4, NN_INPUT_POINTS_MAX = 8192, NN_INPUT_LINES_MAX = 8192 };

/* Part of the model file. */
struct nn_input_spec {
    uint32_t rows, cols; /* 8..512 each */
    enum nn_flatten flatten;
    float limit; /* planes 0 to 2 are cut off at +-limit */
};

struct nn_input;

bool nn_input_spec_valid(const struct nn_input_spec *spec);

/* 0, -EINVAL (not valid), -ENOMEM. */
int nn_input_create(const struct nn_input_spec *spec, struct nn_input **ret_input);
void nn_input_destroy(struct nn_input *input);

/* Start a frame. 0, -EINVAL (0, or beyond the maxima), -ENOMEM. */
int nn_input_begin(struct nn_input *input, uint32_t points, uint32_t lines);

/*
 * samples: (points). 0, -EINVAL (row not rising, beyond the frame, or a sample not finite or so
 * large that its square is not); the frame is then as before.
 */
int nn_input_add_line(struct nn_input *input, uint32_t row, const double *samples);

/* Lines added so far. */
uint32_t nn_input_lines_seen(const struct nn_input *input);

/* Share of the frame that the scan has passed, 0..1, skipped lines included. */
float nn_input_seen(const struct nn_input *input);

/* ret_planes: (NN_INPUT_PLANES, rows, cols) */
void nn_input_write(const struct nn_input *input, float *ret_planes);

#endif

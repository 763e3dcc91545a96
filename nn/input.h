/*
 * What the network looks at: a partial frame brought to a fixed grid, built line by line from
 * lines already seen and from nothing else.
 *
 * Four planes over `rows` x `cols` cells, row 0 = the first lines scanned, planes 0 to 2 in units
 * of the frame's spread:
 *   0  height: mean over the cell's share of the flattened lines seen
 *   1  roughness: the mean size of the line-to-line change over the cell's columns, at the lines'
 *      own resolution; of the cell's lines the largest
 *   2  step: the size of the mean line-to-line change over the cell's columns, where noise between
 *      samples averages out; of the cell's lines the largest. A tip change is one such step;
 *      averaging lines first would hide it.
 *   3  seen: share of the cell's lines that have been seen, 0..1
 * The spread is the median of the seen lines' own standard deviations. Cells not seen are 0.
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
    float limit;    /* planes 0 to 2 are cut off at +-limit spreads */
    uint32_t looks; /* 1: the frame as it is; 2: also mirrored, and the logits' mean */
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

/* The same frame seen in a mirror, columns from right to left. planes, ret_mirrored: as above. */
void nn_input_mirror(const struct nn_input_spec *spec, const float *planes, float *ret_mirrored);

#endif

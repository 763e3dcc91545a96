/*
 * What the network looks at: a partial frame brought to a fixed grid, built line by line from
 * lines already seen and from nothing else.
 *
 * Up to five planes over `rows` x `cols` cells, row 0 = the first lines scanned. All but `seen` are
 * in units of the spread, the median of the seen lines' own standard deviations, cut off at
 * +-limit; cells not seen are 0.
 */
#ifndef NN_INPUT_H
#define NN_INPUT_H

#include "nn/flatten.h"
#include "nn/layer.h"

#include <stdbool.h>
#include <stddef.h>

enum { NN_INPUT_POINTS_MAX = 8192, NN_INPUT_LINES_MAX = 8192 };

/* What a plane holds. The numbers are part of the model file. */
enum nn_plane {
    NN_PLANE_HEIGHT = 0,    /* mean over the cell's share of the flattened lines seen */
    NN_PLANE_ROUGHNESS = 1, /* the mean size of the line-to-line change over the cell's columns, at
                               the lines' own resolution; of the cell's lines the largest */
    NN_PLANE_STEP = 2,      /* the size of the mean line-to-line change over the cell's columns,
                               where noise between samples averages out; of the cell's lines the
                               largest. A tip change is one such step; averaging lines first would
                               hide it. */
    NN_PLANE_SEEN = 3,      /* share of the cell's lines that have been seen, 0..1 */
    NN_PLANE_TURN = 4,      /* mean line-to-line change over the cell, with its sign */
    NN_PLANE_COUNT
};

/* Height, roughness, step and seen, in this order. */
enum { NN_PLANES_DEFAULT = 0xF };

/* By which spread a grid row is divided. The numbers are part of the model file. */
enum nn_scaling {
    NN_SCALING_MEDIAN = 0, /* that of all lines seen until now: all rows change with every line */
    NN_SCALING_FROZEN = 1, /* that of the lines seen when the row was completed: a complete row
                              never changes again, so that a network can go on from it; rows not
                              complete as above */
};

/* Part of the model file. */
struct nn_input_spec {
    uint32_t rows, cols; /* 8..512 each */
    enum nn_flatten flatten;
    float limit;     /* cut-off in spreads */
    uint32_t looks;  /* 1: the frame as it is; 2: also mirrored, and the logits' mean */
    uint32_t planes; /* bit p: plane p is there; they follow each other in rising order */
    enum nn_scaling scaling;
    uint32_t lead_in; /* 0..rows, with frozen scaling only: the frame begins with this many of its
                         first grid rows upside down, so that the first rows, too, have something
                         like the surface above them and not an edge. They are there, all with one
                         spread, as soon as that many rows are complete. */
};

struct nn_input;

bool nn_input_spec_valid(const struct nn_input_spec *spec);

/* (planes, lead_in + rows, cols); "row" below counts these, the rows led in included. */
struct nn_shape nn_input_shape(const struct nn_input_spec *spec);

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

/*
 * Rows whose lines have all been passed, from row 0 on. With frozen scaling, and at least a line per
 * row, half a line may be missing: no line is waited for that belongs to the next row for the larger
 * part.
 */
uint32_t nn_input_rows_complete(const struct nn_input *input);

/* ret_row: (planes, cols) of row r */
void nn_input_row(const struct nn_input *input, uint32_t r, float *ret_row);

/* ret_planes: of nn_input_shape */
void nn_input_write(const struct nn_input *input, float *ret_planes);

/* Lines that must have been passed before `rows` rows are complete. */
uint32_t nn_input_lines_for(const struct nn_input *input, uint32_t rows);

/* A row of nn_input_row seen in a mirror, columns from right to left. */
void nn_input_mirror_row(const struct nn_input_spec *spec, const float *row, float *ret_mirrored);

/* The same frame seen in a mirror, columns from right to left. planes, ret_mirrored: as above. */
void nn_input_mirror(const struct nn_input_spec *spec, const float *planes, float *ret_mirrored);

#endif

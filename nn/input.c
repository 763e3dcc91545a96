/* A partial frame on the network's grid. */
#include "nn/input.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct nn_input {
    struct nn_input_spec spec;
    uint32_t points, lines;
    uint32_t points_room, lines_room;
    uint32_t n_seen;
    uint32_t next_row;
    double *flat;    /* (points) of the line being added */
    double *before;  /* (points) of the line added last */
    double *work;    /* (points + 1) */
    double *column;  /* (cols) */
    double *spreads; /* (lines), of the lines seen, rising */
    double *height;  /* (rows, cols): sum of weight x height */
    double *step;    /* (rows, cols) */
    double *weight;  /* (rows): lines seen, in lines */
};

enum { GRID_MIN = 8, GRID_MAX = 512 };

int nn_input_create(const struct nn_input_spec *spec, struct nn_input **ret_input)
{
    if (spec->rows < GRID_MIN || spec->rows > GRID_MAX || spec->cols < GRID_MIN ||
        spec->cols > GRID_MAX || !(spec->limit > 0.0F) || spec->limit > 1e6F ||
        (unsigned)spec->flatten > NN_FLATTEN_LINEAR)
        return -EINVAL;
    struct nn_input *input = calloc(1, sizeof *input);
    if (!input)
        return -ENOMEM;
    size_t cells = (size_t)spec->rows * spec->cols;
    input->spec = *spec;
    input->column = calloc(spec->cols, sizeof *input->column);
    input->height = calloc(cells, sizeof *input->height);
    input->step = calloc(cells, sizeof *input->step);
    input->weight = calloc(spec->rows, sizeof *input->weight);
    if (!input->column || !input->height || !input->step || !input->weight) {
        nn_input_destroy(input);
        return -ENOMEM;
    }
    *ret_input = input;
    return 0;
}

void nn_input_destroy(struct nn_input *input)
{
    if (!input)
        return;
    free(input->flat);
    free(input->before);
    free(input->work);
    free(input->column);
    free(input->spreads);
    free(input->height);
    free(input->step);
    free(input->weight);
    free(input);
}

static bool grow(double **array, size_t n)
{
    double *larger = realloc(*array, n * sizeof **array);
    if (larger)
        *array = larger;
    return larger != NULL;
}

int nn_input_begin(struct nn_input *input, uint32_t points, uint32_t lines)
{
    if (points == 0 || points > NN_INPUT_POINTS_MAX || lines == 0 || lines > NN_INPUT_LINES_MAX)
        return -EINVAL;
    if (points > input->points_room) {
        if (!grow(&input->flat, points) || !grow(&input->before, points) ||
            !grow(&input->work, points + 1))
            return -ENOMEM;
        input->points_room = points;
    }
    if (lines > input->lines_room) {
        if (!grow(&input->spreads, lines))
            return -ENOMEM;
        input->lines_room = lines;
    }
    size_t cells = (size_t)input->spec.rows * input->spec.cols;
    input->points = points;
    input->lines = lines;
    input->n_seen = 0;
    input->next_row = 0;
    memset(input->height, 0, cells * sizeof *input->height);
    memset(input->step, 0, cells * sizeof *input->step);
    memset(input->weight, 0, input->spec.rows * sizeof *input->weight);
    return 0;
}

/* Standard deviation of a flattened line. */
static double spread_of(uint32_t n, const double *flat)
{
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += flat[i];
        squares += flat[i] * flat[i];
    }
    double mean = sum / (double)n;
    double variance = squares / (double)n - mean * mean;
    return variance > 0.0 ? sqrt(variance) : variance <= 0.0 ? 0.0 : variance;
}

/* The sum of the first `at` values, `at` between two of them counting in part. */
static double sum_until(const double *sums, uint32_t n, double at)
{
    uint32_t whole = (uint32_t)at;
    if (whole >= n)
        return sums[n];
    return sums[whole] + (at - (double)whole) * (sums[whole + 1] - sums[whole]);
}

/* work: (points + 1), holding running sums of a line, work[0] = 0; ret_column: (cols), means. */
static void average_columns(const struct nn_input *input, double *ret_column)
{
    double width = (double)input->points / (double)input->spec.cols;
    double from = 0.0;
    for (uint32_t c = 0; c < input->spec.cols; c++) {
        double until = sum_until(input->work, input->points, (double)(c + 1) * width);
        ret_column[c] = (until - from) / width;
        from = until;
    }
}

/* Grid rows [ret_first, ret_end) that frame row `row` overlaps. */
static void find_cells(const struct nn_input *input, uint32_t row, uint32_t *ret_first,
                       uint32_t *ret_end)
{
    uint64_t rows = input->spec.rows;
    *ret_first = (uint32_t)(row * rows / input->lines);
    *ret_end = (uint32_t)(((row + 1) * rows + input->lines - 1) / input->lines);
}

/* Lines that frame row `row` and grid row `r` share, 0..1. */
static double overlap(const struct nn_input *input, uint32_t row, uint32_t r)
{
    double lines_per_row = (double)input->lines / (double)input->spec.rows;
    double from = fmax((double)row, (double)r * lines_per_row);
    double until = fmin((double)(row + 1), (double)(r + 1) * lines_per_row);
    return fmax(until - from, 0.0);
}

static void add_height(struct nn_input *input, uint32_t row)
{
    uint32_t cols = input->spec.cols;
    uint32_t first;
    uint32_t end;
    input->work[0] = 0.0;
    for (uint32_t i = 0; i < input->points; i++)
        input->work[i + 1] = input->work[i] + input->flat[i];
    average_columns(input, input->column);
    find_cells(input, row, &first, &end);
    for (uint32_t r = first; r < end; r++) {
        double share = overlap(input, row, r);
        double *height = input->height + (size_t)r * cols;
        input->weight[r] += share;
        for (uint32_t c = 0; c < cols; c++)
            height[c] += share * input->column[c];
    }
}

static void add_step(struct nn_input *input, uint32_t row)
{
    uint32_t cols = input->spec.cols;
    uint32_t first;
    uint32_t end;
    input->work[0] = 0.0;
    for (uint32_t i = 0; i < input->points; i++)
        input->work[i + 1] = input->work[i] + fabs(input->flat[i] - input->before[i]);
    average_columns(input, input->column);
    find_cells(input, row, &first, &end);
    for (uint32_t r = first; r < end; r++) {
        double *step = input->step + (size_t)r * cols;
        for (uint32_t c = 0; c < cols; c++)
            step[c] = fmax(step[c], input->column[c]);
    }
}

static void insert_spread(struct nn_input *input, double spread)
{
    uint32_t at = input->n_seen;
    while (at > 0 && input->spreads[at - 1] > spread) {
        input->spreads[at] = input->spreads[at - 1];
        at--;
    }
    input->spreads[at] = spread;
}

int nn_input_add_line(struct nn_input *input, uint32_t row, const double *samples)
{
    if (row < input->next_row || row >= input->lines)
        return -EINVAL;
    double largest = 0.0;
    for (uint32_t i = 0; i < input->points; i++) {
        if (!isfinite(samples[i]))
            return -EINVAL;
        largest = fmax(largest, fabs(samples[i]));
    }
    nn_flatten_line(input->spec.flatten, input->points, samples, input->work, input->flat);
    double spread = spread_of(input->points, input->flat);
    if (!isfinite(spread))
        return -EINVAL;
    /* A constant line: what is left of it is rounding, not surface. */
    if (spread <= 1e-12 * largest) {
        spread = 0.0;
        memset(input->flat, 0, input->points * sizeof *input->flat);
    }
    add_height(input, row);
    if (input->n_seen > 0 && row == input->next_row)
        add_step(input, row);
    insert_spread(input, spread);
    double *held = input->before;
    input->before = input->flat;
    input->flat = held;
    input->n_seen++;
    input->next_row = row + 1;
    return 0;
}

uint32_t nn_input_lines_seen(const struct nn_input *input)
{
    return input->n_seen;
}

float nn_input_seen(const struct nn_input *input)
{
    return input->lines ? (float)((double)input->next_row / (double)input->lines) : 0.0F;
}

static float cut(double value, float limit)
{
    return (float)fmin(fmax(value, -(double)limit), (double)limit);
}

void nn_input_write(const struct nn_input *input, float *ret_planes)
{
    uint32_t cols = input->spec.cols;
    size_t cells = (size_t)input->spec.rows * cols;
    uint32_t n = input->n_seen;
    double spread = n == 0 ? 0.0 : 0.5 * (input->spreads[(n - 1) / 2] + input->spreads[n / 2]);
    double gain = spread > 0.0 ? 1.0 / spread : 0.0;
    double lines_per_row = (double)input->lines / (double)input->spec.rows;
    for (uint32_t r = 0; r < input->spec.rows; r++) {
        double weight = input->weight[r];
        double height_gain = weight > 0.0 ? gain / weight : 0.0;
        float seen = (float)fmin(weight / lines_per_row, 1.0);
        for (uint32_t c = 0; c < cols; c++) {
            size_t at = (size_t)r * cols + c;
            ret_planes[at] = cut(input->height[at] * height_gain, input->spec.limit);
            ret_planes[cells + at] = cut(input->step[at] * gain, input->spec.limit);
            ret_planes[2 * cells + at] = seen;
        }
    }
}

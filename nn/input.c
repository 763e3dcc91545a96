/* A partial frame on the network's grid. */
#include "nn/input.h"

#include "nn/median.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct nn_input {
    struct nn_input_spec spec;
    uint32_t points, lines;
    uint32_t points_room;
    uint32_t n_seen;
    uint32_t next_row;
    double *flat;   /* (points) of the line being added */
    double *before; /* (points) of the line added last */
    double *work;   /* (points) */
    double *sums;   /* (points + 1) running sums, sums[0] = 0 */
    double *column; /* (cols) */
    struct nn_median *spreads;
    double *height; /* (rows, cols): sum of weight x height */
    double *rough;  /* (rows, cols) */
    double *step;   /* (rows, cols) */
    double *turn;   /* (rows, cols): sum of weight x change */
    double *weight; /* (rows): lines seen, in lines */
    double *turned; /* (rows): lines with a change, in lines */
    double *gain;   /* (rows): of complete rows, 1 / spread at that time */
};

enum { GRID_MIN = 8, GRID_MAX = 512 };

bool nn_input_spec_valid(const struct nn_input_spec *spec)
{
    return spec->rows >= GRID_MIN && spec->rows <= GRID_MAX && spec->cols >= GRID_MIN &&
           spec->cols <= GRID_MAX && spec->limit > 0.0F && spec->limit <= 1e6F &&
           (unsigned)spec->flatten <= NN_FLATTEN_LINEAR && spec->looks >= 1 && spec->looks <= 2 &&
           spec->planes > 0 && spec->planes < 1U << NN_PLANE_COUNT &&
           (unsigned)spec->scaling <= NN_SCALING_FROZEN && spec->lead_in <= spec->rows &&
           (spec->lead_in == 0 || spec->scaling == NN_SCALING_FROZEN);
}

static bool has(const struct nn_input_spec *spec, enum nn_plane plane)
{
    return spec->planes >> plane & 1U;
}

struct nn_shape nn_input_shape(const struct nn_input_spec *spec)
{
    struct nn_shape shape = {.c = 0, .h = spec->lead_in + spec->rows, .w = spec->cols};
    for (int plane = 0; plane < NN_PLANE_COUNT; plane++)
        shape.c += has(spec, (enum nn_plane)plane);
    return shape;
}

int nn_input_create(const struct nn_input_spec *spec, struct nn_input **ret_input)
{
    if (!nn_input_spec_valid(spec))
        return -EINVAL;
    struct nn_input *input = calloc(1, sizeof *input);
    if (!input)
        return -ENOMEM;
    size_t cells = (size_t)spec->rows * spec->cols;
    input->spec = *spec;
    input->column = calloc(spec->cols, sizeof *input->column);
    input->height = calloc(cells, sizeof *input->height);
    input->rough = calloc(cells, sizeof *input->rough);
    input->step = calloc(cells, sizeof *input->step);
    input->turn = calloc(cells, sizeof *input->turn);
    input->weight = calloc(spec->rows, sizeof *input->weight);
    input->turned = calloc(spec->rows, sizeof *input->turned);
    input->gain = calloc(spec->rows, sizeof *input->gain);
    if (!input->column || !input->height || !input->rough || !input->step || !input->turn ||
        !input->weight || !input->turned || !input->gain ||
        nn_median_create(&input->spreads) != 0) {
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
    free(input->sums);
    free(input->column);
    nn_median_destroy(input->spreads);
    free(input->height);
    free(input->rough);
    free(input->step);
    free(input->turn);
    free(input->weight);
    free(input->turned);
    free(input->gain);
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
            !grow(&input->work, points) || !grow(&input->sums, points + 1))
            return -ENOMEM;
        input->points_room = points;
    }
    if (nn_median_begin(input->spreads, lines) != 0)
        return -ENOMEM;
    size_t cells = (size_t)input->spec.rows * input->spec.cols;
    input->points = points;
    input->lines = lines;
    input->n_seen = 0;
    input->next_row = 0;
    memset(input->height, 0, cells * sizeof *input->height);
    memset(input->rough, 0, cells * sizeof *input->rough);
    memset(input->step, 0, cells * sizeof *input->step);
    memset(input->turn, 0, cells * sizeof *input->turn);
    memset(input->weight, 0, input->spec.rows * sizeof *input->weight);
    memset(input->turned, 0, input->spec.rows * sizeof *input->turned);
    return 0;
}

/* Standard deviation of a line. */
static double spread_of(uint32_t n, const double *values)
{
    double sum = 0.0;
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / (double)n;
    double variance = squares / (double)n - mean * mean;
    return variance > 0.0 ? sqrt(variance) : 0.0;
}

static void sum_up(const struct nn_input *input, const double *values)
{
    input->sums[0] = 0.0;
    for (uint32_t i = 0; i < input->points; i++)
        input->sums[i + 1] = input->sums[i] + values[i];
}

/* The sum of the first `at` values, `at` between two of them counting in part. */
static double sum_until(const double *sums, uint32_t n, double at)
{
    uint32_t whole = (uint32_t)at;
    if (whole >= n)
        return sums[n];
    return sums[whole] + (at - (double)whole) * (sums[whole + 1] - sums[whole]);
}

/* values: (points), left as input->column: (cols), the means. */
static void average_columns(struct nn_input *input, const double *values)
{
    sum_up(input, values);
    double width = (double)input->points / (double)input->spec.cols;
    double from = 0.0;
    for (uint32_t c = 0; c < input->spec.cols; c++) {
        double until = sum_until(input->sums, input->points, (double)(c + 1) * width);
        input->column[c] = (until - from) / width;
        from = until;
    }
}

/* Half a line can be spared only by rows that have at least a whole one. */
static bool spares_half(const struct nn_input *input)
{
    return input->spec.scaling == NN_SCALING_FROZEN && input->lines >= input->spec.rows;
}

/* Grid rows that are complete, the rows led in not counted. */
static uint32_t grid_complete(const struct nn_input *input)
{
    if (input->lines == 0)
        return 0;
    uint64_t rows = input->spec.rows;
    uint64_t spared = spares_half(input) ? rows : 0;
    uint64_t complete = (2 * input->next_row * rows + spared) / (2 * input->lines);
    return (uint32_t)(complete < rows ? complete : rows);
}

/* Grid rows [ret_first, ret_end) that frame row `row` overlaps and that may still change. */
static void find_cells(const struct nn_input *input, uint32_t row, uint32_t *ret_first,
                       uint32_t *ret_end)
{
    uint64_t rows = input->spec.rows;
    *ret_first = (uint32_t)(row * rows / input->lines);
    *ret_end = (uint32_t)(((row + 1) * rows + input->lines - 1) / input->lines);
    if (input->spec.scaling == NN_SCALING_FROZEN && *ret_first < grid_complete(input))
        *ret_first = grid_complete(input);
}

/* Lines that frame row `row` and grid row `r` share, 0..1. */
static double overlap(const struct nn_input *input, uint32_t row, uint32_t r)
{
    double lines_per_row = (double)input->lines / (double)input->spec.rows;
    double from = fmax((double)row, (double)r * lines_per_row);
    double until = fmin((double)(row + 1), (double)(r + 1) * lines_per_row);
    return fmax(until - from, 0.0);
}

/* Adds input->column to the cells that the row overlaps. */
static void add_to_cells(const struct nn_input *input, uint32_t row, double *cells)
{
    uint32_t cols = input->spec.cols;
    uint32_t first;
    uint32_t end;
    find_cells(input, row, &first, &end);
    for (uint32_t r = first; r < end; r++) {
        double share = overlap(input, row, r);
        for (uint32_t c = 0; c < cols; c++)
            cells[(size_t)r * cols + c] += share * input->column[c];
    }
}

/* Lines that the row brings to each grid row. weights: (rows) */
static void add_weight(const struct nn_input *input, uint32_t row, double *weights)
{
    uint32_t first;
    uint32_t end;
    find_cells(input, row, &first, &end);
    for (uint32_t r = first; r < end; r++)
        weights[r] += overlap(input, row, r);
}

/* Cells that the row overlaps keep the larger of what they hold and input->column's size. */
static void raise_cells(const struct nn_input *input, uint32_t row, double *cells)
{
    uint32_t cols = input->spec.cols;
    uint32_t first;
    uint32_t end;
    find_cells(input, row, &first, &end);
    for (uint32_t r = first; r < end; r++)
        for (uint32_t c = 0; c < cols; c++) {
            double *cell = &cells[(size_t)r * cols + c];
            double size = fabs(input->column[c]);
            *cell = size > *cell ? size : *cell;
        }
}

static void add_changes(struct nn_input *input, uint32_t row)
{
    for (uint32_t i = 0; i < input->points; i++)
        input->work[i] = input->flat[i] - input->before[i];
    average_columns(input, input->work);
    raise_cells(input, row, input->step);
    add_to_cells(input, row, input->turn);
    add_weight(input, row, input->turned);
    if (!has(&input->spec, NN_PLANE_ROUGHNESS))
        return;
    for (uint32_t i = 0; i < input->points; i++)
        input->work[i] = fabs(input->work[i]);
    average_columns(input, input->work);
    raise_cells(input, row, input->rough);
}

/* 1 / spread of the lines seen so far, or 0 when there is no surface yet. */
static double gain_now(const struct nn_input *input)
{
    double spread = nn_median_value(input->spreads);
    return spread > 0.0 ? 1.0 / spread : 0.0;
}

/* The largest size among the samples, or NAN when one is not finite. */
static double largest_size(uint32_t n, const double *samples)
{
    double largest = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(samples[i]))
            return (double)NAN;
        largest = fabs(samples[i]) > largest ? fabs(samples[i]) : largest;
    }
    return largest;
}

/* Rows complete since there were `before` keep today's spread; those led in wait for each other. */
static void freeze(struct nn_input *input, uint32_t before)
{
    uint32_t complete = grid_complete(input);
    uint32_t lead_in = input->spec.lead_in;
    uint32_t first = before < lead_in && complete >= lead_in ? 0 : before;
    double gain = gain_now(input);
    for (uint32_t r = first; r < complete; r++)
        input->gain[r] = gain;
}

int nn_input_add_line(struct nn_input *input, uint32_t row, const double *samples)
{
    if (row < input->next_row || row >= input->lines)
        return -EINVAL;
    double largest = largest_size(input->points, samples);
    /* Sums over a line, and sums over lines of those, must stay finite. */
    if (!(largest < 1e150))
        return -EINVAL;
    nn_flatten_line(input->spec.flatten, input->points, samples, input->work, input->flat);
    double spread = spread_of(input->points, input->flat);
    /* A constant line: what is left of it is rounding, not surface. */
    if (spread <= 1e-12 * largest) {
        spread = 0.0;
        memset(input->flat, 0, input->points * sizeof *input->flat);
    }
    nn_median_add(input->spreads, spread);
    add_weight(input, row, input->weight);
    average_columns(input, input->flat);
    add_to_cells(input, row, input->height);
    if (input->n_seen > 0 && row == input->next_row)
        add_changes(input, row);
    double *held = input->before;
    input->before = input->flat;
    input->flat = held;
    input->n_seen++;
    uint32_t before = grid_complete(input);
    input->next_row = row + 1;
    freeze(input, before);
    return 0;
}

uint32_t nn_input_lines_for(const struct nn_input *input, uint32_t rows)
{
    uint32_t lead_in = input->spec.lead_in;
    if (rows == 0)
        return 0;
    uint64_t grid = rows > 2 * lead_in ? rows - lead_in : lead_in;
    uint64_t twice = 2 * grid * input->lines;
    uint64_t spared = spares_half(input) ? input->spec.rows : 0;
    uint64_t step = 2 * (uint64_t)input->spec.rows;
    return twice > spared ? (uint32_t)((twice - spared + step - 1) / step) : 0;
}

uint32_t nn_input_rows_complete(const struct nn_input *input)
{
    uint32_t complete = grid_complete(input);
    uint32_t lead_in = input->spec.lead_in;
    return complete == 0 || complete < lead_in ? 0 : lead_in + complete;
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
    float cut_off = (float)value;
    return cut_off > limit ? limit : cut_off < -limit ? -limit : cut_off;
}

/* cells: (cols) of one row, ret_values alike */
static void write_cells(const struct nn_input *input, const double *cells, double gain,
                        float *ret_values)
{
    for (uint32_t c = 0; c < input->spec.cols; c++)
        ret_values[c] = cut(cells[c] * gain, input->spec.limit);
}

static void write_plane(const struct nn_input *input, enum nn_plane plane, uint32_t r, double gain,
                        float *ret_values)
{
    size_t at = (size_t)r * input->spec.cols;
    double weight = input->weight[r];
    double turned = input->turned[r];
    double lines_per_row = (double)input->lines / (double)input->spec.rows;
    switch (plane) {
    case NN_PLANE_HEIGHT:
        write_cells(input, input->height + at, weight > 0.0 ? gain / weight : 0.0, ret_values);
        return;
    case NN_PLANE_ROUGHNESS:
        write_cells(input, input->rough + at, gain, ret_values);
        return;
    case NN_PLANE_STEP:
        write_cells(input, input->step + at, gain, ret_values);
        return;
    case NN_PLANE_SEEN:
        for (uint32_t c = 0; c < input->spec.cols; c++)
            ret_values[c] = (float)fmin(weight / lines_per_row, 1.0);
        return;
    case NN_PLANE_TURN:
        write_cells(input, input->turn + at, turned > 0.0 ? gain / turned : 0.0, ret_values);
        return;
    case NN_PLANE_COUNT:
        return;
    }
}

/* The row of the grid that row r, rows led in included, shows. */
static uint32_t grid_row(const struct nn_input *input, uint32_t r)
{
    uint32_t lead_in = input->spec.lead_in;
    return r < lead_in ? lead_in - 1 - r : r - lead_in;
}

/* Plane after plane, `step` values apart. */
static void write_row(const struct nn_input *input, uint32_t row, double gain, size_t step,
                      float *ret_values)
{
    bool frozen = input->spec.scaling == NN_SCALING_FROZEN && row < nn_input_rows_complete(input);
    uint32_t r = grid_row(input, row);
    for (int plane = 0; plane < NN_PLANE_COUNT; plane++) {
        if (!has(&input->spec, (enum nn_plane)plane))
            continue;
        write_plane(input, (enum nn_plane)plane, r, frozen ? input->gain[r] : gain, ret_values);
        ret_values += step;
    }
}

void nn_input_row(const struct nn_input *input, uint32_t r, float *ret_row)
{
    write_row(input, r, gain_now(input), input->spec.cols, ret_row);
}

void nn_input_write(const struct nn_input *input, float *ret_planes)
{
    struct nn_shape shape = nn_input_shape(&input->spec);
    size_t cells = (size_t)shape.h * shape.w;
    double gain = gain_now(input);
    for (uint32_t r = 0; r < shape.h; r++)
        write_row(input, r, gain, cells, ret_planes + (size_t)r * input->spec.cols);
}

static void mirror_lines(uint32_t n, uint32_t cols, const float *lines, float *ret_mirrored)
{
    for (uint32_t k = 0; k < n; k++, lines += cols, ret_mirrored += cols)
        for (uint32_t c = 0; c < cols; c++)
            ret_mirrored[c] = lines[cols - 1 - c];
}

void nn_input_mirror_row(const struct nn_input_spec *spec, const float *row, float *ret_mirrored)
{
    mirror_lines(nn_input_shape(spec).c, spec->cols, row, ret_mirrored);
}

void nn_input_mirror(const struct nn_input_spec *spec, const float *planes, float *ret_mirrored)
{
    struct nn_shape shape = nn_input_shape(spec);
    mirror_lines(shape.c * shape.h, shape.w, planes, ret_mirrored);
}

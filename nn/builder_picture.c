/* Resizing, flips and turns of grey pictures. */
#include "nn/builder_picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FULL_TURN = 6.283185307179586;

/* Which samples of one axis make one new sample, and with what weight. */
struct taps {
    uint32_t n;       /* per new sample */
    uint32_t *places; /* (out, n) */
    double *weights;  /* (out, n), each row sums to 1 */
};

/* Keys' cubic convolution, a = -1/2. */
static double cubic(double x)
{
    double d = fabs(x);
    if (d <= 1.0)
        return (1.5 * d - 2.5) * d * d + 1.0;
    return d <= 2.0 ? ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0 : 0.0;
}

/* 0 1 .. n-1 n-1 .. 1 0 0 1 ..: each edge sample twice. */
static uint32_t mirrored(int64_t place, uint32_t n)
{
    int64_t period = 2 * (int64_t)n;
    int64_t at = ((place % period) + period) % period;
    return (uint32_t)(at < (int64_t)n ? at : period - 1 - at);
}

/* Share of [place, place + 1] that lies in [from, to]. */
static double overlap(int64_t place, double from, double to)
{
    double shared = fmin(to, (double)place + 1.0) - fmax(from, (double)place);
    return fmax(shared, 0.0);
}

static void fill_row(struct taps *taps, enum nn_resize how, uint32_t row, uint32_t in, double step)
{
    double wider = fmax(step, 1.0);
    double from = (double)row * step;
    double centre = from + 0.5 * step - 0.5;
    int64_t first =
        how == NN_RESIZE_AREA ? (int64_t)floor(from) : (int64_t)floor(centre - 2.0 * wider);
    double sum = 0.0;
    for (uint32_t i = 0; i < taps->n; i++) {
        int64_t place = first + (int64_t)i;
        double weight = how == NN_RESIZE_AREA ? overlap(place, from, from + step)
                                              : cubic((centre - (double)place) / wider);
        taps->places[(size_t)row * taps->n + i] = mirrored(place, in);
        taps->weights[(size_t)row * taps->n + i] = weight;
        sum += weight;
    }
    for (uint32_t i = 0; i < taps->n; i++)
        taps->weights[(size_t)row * taps->n + i] /= sum;
}

static int make_taps(enum nn_resize how, uint32_t in, uint32_t out, struct taps *ret)
{
    double step = (double)in / (double)out;
    double reach = how == NN_RESIZE_AREA ? step : 4.0 * fmax(step, 1.0);
    struct taps taps = {.n = (uint32_t)ceil(reach) + 2};
    taps.places = malloc((size_t)out * taps.n * sizeof *taps.places);
    taps.weights = malloc((size_t)out * taps.n * sizeof *taps.weights);
    if (!taps.places || !taps.weights) {
        free(taps.places);
        free(taps.weights);
        return -ENOMEM;
    }
    for (uint32_t row = 0; row < out; row++)
        fill_row(&taps, how, row, in, step);
    *ret = taps;
    return 0;
}

static void free_taps(struct taps *taps)
{
    free(taps->places);
    free(taps->weights);
}

static uint8_t to_gray(double value)
{
    double rounded = floor(value + 0.5);
    return rounded <= 0.0 ? 0 : rounded >= 255.0 ? 255 : (uint8_t)rounded;
}

/* Rows first, into (size, width) doubles, then columns. */
static void apply(const struct nn_picture *picture, const struct taps *rows,
                  const struct taps *columns, uint32_t size, double *work, uint8_t *ret_gray)
{
    uint32_t width = picture->width;
    for (uint32_t y = 0; y < size; y++) {
        double *line = work + (size_t)y * width;
        memset(line, 0, width * sizeof *line);
        for (uint32_t i = 0; i < rows->n; i++) {
            double weight = rows->weights[(size_t)y * rows->n + i];
            const uint8_t *gray =
                picture->gray + (size_t)rows->places[(size_t)y * rows->n + i] * width;
            for (uint32_t x = 0; weight != 0.0 && x < width; x++)
                line[x] += weight * gray[x];
        }
    }
    for (uint32_t y = 0; y < size; y++)
        for (uint32_t x = 0; x < size; x++) {
            double sum = 0.0;
            for (uint32_t i = 0; i < columns->n; i++)
                sum += columns->weights[(size_t)x * columns->n + i] *
                       work[(size_t)y * width + columns->places[(size_t)x * columns->n + i]];
            ret_gray[(size_t)y * size + x] = to_gray(sum);
        }
}

int nn_builder_resize(const struct nn_picture *picture, enum nn_resize how, uint32_t size,
                      uint8_t *ret_gray)
{
    if (picture->width == 0 || picture->height == 0 || size == 0 || size > NN_BUILDER_SIDE_MAX)
        return -EINVAL;
    struct taps rows = {0};
    struct taps columns = {0};
    double *work = malloc((size_t)size * picture->width * sizeof *work);
    int error = work ? make_taps(how, picture->height, size, &rows) : -ENOMEM;
    if (!error)
        error = make_taps(how, picture->width, size, &columns);
    if (!error)
        apply(picture, &rows, &columns, size, work, ret_gray);
    free_taps(&rows);
    free_taps(&columns);
    free(work);
    return error;
}

static void swap_bytes(uint8_t *a, uint8_t *b)
{
    uint8_t swap = *a;
    *a = *b;
    *b = swap;
}

void nn_builder_flip(const struct nn_sample *sample, uint32_t size, uint8_t *gray)
{
    for (uint32_t y = 0; sample->flip_columns && y < size; y++)
        for (uint32_t x = 0; x < size / 2; x++)
            swap_bytes(&gray[(size_t)y * size + x], &gray[(size_t)y * size + size - 1 - x]);
    for (uint32_t y = 0; sample->flip_rows && y < size / 2; y++)
        for (uint32_t x = 0; x < size; x++)
            swap_bytes(&gray[(size_t)y * size + x], &gray[(size_t)(size - 1 - y) * size + x]);
}

/* Between the four pixels around a place inside the picture. */
static double between(const struct nn_picture *picture, double x, double y)
{
    double right = fmin(fmax(x, 0.0), (double)picture->width - 1.0);
    double down = fmin(fmax(y, 0.0), (double)picture->height - 1.0);
    uint32_t x0 = (uint32_t)right;
    uint32_t y0 = (uint32_t)down;
    uint32_t x1 = x0 + 1 < picture->width ? x0 + 1 : x0;
    uint32_t y1 = y0 + 1 < picture->height ? y0 + 1 : y0;
    double fx = right - x0;
    double fy = down - y0;
    const uint8_t *upper = picture->gray + (size_t)y0 * picture->width;
    const uint8_t *lower = picture->gray + (size_t)y1 * picture->width;
    return (1.0 - fy) * ((1.0 - fx) * upper[x0] + fx * upper[x1]) +
           fy * ((1.0 - fx) * lower[x0] + fx * lower[x1]);
}

/* Side of the piece: the cube of the side is uniform, so that its density rises as the square. */
static uint32_t side_of(float zoom, double least, double most)
{
    if (most <= least)
        return (uint32_t)fmax(floor(most), 1.0);
    double cube =
        least * least * least + (double)zoom * (most * most * most - least * least * least);
    return (uint32_t)fmax(floor(cbrt(cube)), 1.0);
}

/* The turned piece of the picture at its own resolution; its pixels are malloc'd. */
static int cut_turned(const struct nn_picture *picture, const struct nn_sample *sample,
                      uint32_t size, struct nn_picture *ret_piece)
{
    double c = cos(FULL_TURN * (double)sample->turn);
    double s = sin(FULL_TURN * (double)sample->turn);
    double all = fmin(picture->width, picture->height) / (fabs(c) + fabs(s));
    uint32_t side = side_of(sample->zoom, (double)size, all);
    uint8_t *gray = malloc((size_t)side * side);
    if (!gray)
        return -ENOMEM;
    double shift = ((double)sample->pan - 0.5) * fmax(all - (double)side, 0.0);
    double middle = 0.5 * ((double)side - 1.0) - shift;
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++) {
            double u = x - middle;
            double v = y - middle;
            double at_x = 0.5 * ((double)picture->width - 1.0) + c * u - s * v;
            double at_y = 0.5 * ((double)picture->height - 1.0) + s * u + c * v;
            gray[(size_t)y * side + x] = to_gray(between(picture, at_x, at_y));
        }
    *ret_piece = (struct nn_picture){.width = side, .height = side, .gray = gray};
    return 0;
}

int nn_builder_render(const struct nn_picture *picture, const struct nn_sample *sample,
                      enum nn_resize how, uint32_t size, uint8_t *ret_gray)
{
    if (!picture) {
        memset(ret_gray, 0, (size_t)size * size);
        return 0;
    }
    int error;
    if (sample->turned) {
        struct nn_picture piece;
        error = cut_turned(picture, sample, size, &piece);
        if (!error) {
            error = nn_builder_resize(&piece, how, size, ret_gray);
            free(piece.gray);
        }
    } else {
        error = nn_builder_resize(picture, how, size, ret_gray);
    }
    if (!error)
        nn_builder_flip(sample, size, ret_gray);
    return error;
}

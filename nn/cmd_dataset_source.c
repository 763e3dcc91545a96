/* Pictures of a data set, from PNG files and MATRIX recordings. */
#include "nn/cmd_dataset_source.h"

#include "agent/terminal.h"
#include "instrument/matrix_image.h"
#include "instrument/picture.h"
#include "nn/flatten.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FOLDER/NAME, or FOLDER/STEM + ending; malloc'd, NULL without memory. */
static char *path_of(const char *folder, const char *image, const char *ending)
{
    const char *dot = strrchr(image, '.');
    size_t stem = ending && dot ? (size_t)(dot - image) : strlen(image);
    size_t size = strlen(folder) + stem + sizeof "/.Z_mtrx";
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%.*s%s", folder, (int)stem, image, ending ? ending : "");
    return path;
}

static int read_png(const char *path, struct nn_picture *ret_picture)
{
    struct picture_gray gray;
    char reason[160];
    int error = picture_read_png_gray(path, &gray, reason, sizeof reason);
    if (error)
        terminal_error("dataset", "%s: %s", path, reason);
    else
        *ret_picture =
            (struct nn_picture){.width = gray.width, .height = gray.height, .gray = gray.pixels};
    return error;
}

/* Heights (rows, cols) to grey levels, upside down: row 0 of a trace is the bottom. */
static uint8_t *stretch(const double *values, uint32_t rows, uint32_t cols)
{
    size_t n = (size_t)rows * cols;
    double low = (double)INFINITY;
    double high = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    uint8_t *gray = malloc(n);
    for (uint32_t y = 0; gray && y < rows; y++)
        for (uint32_t x = 0; x < cols; x++) {
            double share = high > low ? (values[(size_t)y * cols + x] - low) / (high - low) : 0.0;
            gray[(size_t)(rows - 1 - y) * cols + x] = (uint8_t)(255.0 * share + 0.5);
        }
    return gray;
}

static int draw_trace(const struct matrix_image *image, struct nn_picture *ret_picture)
{
    const struct matrix_trace *trace = matrix_image_trace(image, SCAN_FORWARD_UP);
    if (!trace || trace->rows == 0 || trace->cols == 0)
        return -ENODATA;
    size_t n = (size_t)trace->rows * trace->cols;
    bool scaled = image->transfer.function != MATRIX_UNSCALED;
    double *values = calloc(n, sizeof *values);
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        values[i] =
            scaled ? matrix_transfer_apply(&image->transfer, trace->raw[i]) : (double)trace->raw[i];
    for (uint32_t y = 0; y < trace->rows; y++) {
        double *line = values + (size_t)y * trace->cols;
        nn_flatten_line(NN_FLATTEN_LINEAR, trace->cols, line, NULL, line);
    }
    uint8_t *gray = stretch(values, trace->rows, trace->cols);
    free(values);
    if (!gray)
        return -ENOMEM;
    *ret_picture = (struct nn_picture){.width = trace->cols, .height = trace->rows, .gray = gray};
    return 0;
}

static int read_matrix(const char *path, struct nn_picture *ret_picture)
{
    char reason[256] = "";
    struct matrix_image *image;
    int error = matrix_image_load(path, NULL, &image, reason, sizeof reason);
    if (!error) {
        error = draw_trace(image, ret_picture);
        if (error == -ENODATA)
            snprintf(reason, sizeof reason, "no complete line of trace forward/up");
        else if (error)
            snprintf(reason, sizeof reason, "%s", strerror(-error));
        matrix_image_destroy(image);
    }
    if (error)
        terminal_error("dataset", "%s: %s", path, reason);
    return error;
}

int dataset_source_read(void *context, const char *image, struct nn_picture *ret_picture)
{
    const struct dataset_sources *sources = context;
    for (unsigned i = 0; i < sources->n; i++) {
        const struct dataset_source *source = &sources->list[i];
        bool matrix = source->kind == DATASET_MATRIX;
        char *path = path_of(source->folder, image, matrix ? ".Z_mtrx" : NULL);
        if (!path)
            return -ENOMEM;
        int error = access(path, F_OK) == 0 ? 0 : -ENOENT;
        if (!error)
            error = matrix ? read_matrix(path, ret_picture) : read_png(path, ret_picture);
        free(path);
        if (error != -ENOENT)
            return error;
    }
    return -ENOENT;
}

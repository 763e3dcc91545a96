/*
 * An image data file and, behind it, its result chain, from arbitrary bytes: u32 size of the image
 * part, image, chain (none when nothing is left). Whatever is accepted must keep its promises.
 */
#include "instrument/matrix_image.h"
#include "instrument/matrix_summary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every build, with or without NDEBUG. */
static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void check(const struct matrix_image *image)
{
    require(image->acquired <= image->planned && image->n_traces >= 1);
    uint64_t in_traces = 0;
    for (uint32_t i = 0; i < image->n_traces; i++) {
        const struct matrix_trace *trace = &image->traces[i];
        require(trace->cols == image->geometry.points);
        require((uint64_t)trace->first_row + trace->rows <= image->geometry.lines);
        in_traces += (uint64_t)trace->rows * trace->cols;
        if (trace->rows == 0)
            continue;
        struct matrix_statistics raw = matrix_trace_raw_statistics(trace);
        require(raw.min <= raw.mean && raw.mean <= raw.max);
        double *values = malloc(sizeof *values * trace->rows * trace->cols);
        require(values);
        int status = matrix_image_to_si(image, trace->id, values);
        require((status == 0) == (image->transfer.function != MATRIX_UNSCALED));
        free(values);
    }
    require(in_traces + image->leftover == image->acquired);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    size_t left = size - 4;
    size_t image_size = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    image_size = image_size < left ? image_size : left;
    const struct matrix_buffer file = {data + 4, image_size};
    const struct matrix_buffer chain = {data + 4 + image_size, left - image_size};
    const struct matrix_load_options options = {.points = data[3]};
    struct matrix_image *image = NULL;
    char error[256] = "";
    int status = matrix_image_decode("fuzz--1_1.Z_mtrx", &file, chain.size ? &chain : NULL,
                                     &options, &image, error, sizeof error);
    if (status == 0)
        check(image);
    else
        require(image == NULL && error[0] != '\0' && !strchr(error, '\n'));
    matrix_image_destroy(image);
    return 0;
}

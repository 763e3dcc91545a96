/* A verdict that grows with the frame. */
#include "nn/stream.h"

#include "nn/model.h"

#include <errno.h>
#include <stdlib.h>

struct nn_stream {
    const struct nn_model *model;
    struct nn_input *input;
    struct nn_workspace *workspace;
    float *planes;
};

int nn_stream_create(const struct nn_model *model, struct nn_stream **ret_stream)
{
    struct nn_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    const struct nn_network *network = nn_model_network(model);
    stream->model = model;
    stream->planes = malloc(nn_shape_size(nn_network_input(network)) * sizeof *stream->planes);
    int error = stream->planes ? nn_input_create(nn_model_input(model), &stream->input) : -ENOMEM;
    if (!error)
        error = nn_workspace_create(network, 1, false, &stream->workspace);
    if (error) {
        nn_stream_destroy(stream);
        return error;
    }
    *ret_stream = stream;
    return 0;
}

void nn_stream_destroy(struct nn_stream *stream)
{
    if (!stream)
        return;
    nn_input_destroy(stream->input);
    nn_workspace_destroy(stream->workspace);
    free(stream->planes);
    free(stream);
}

int nn_stream_begin(struct nn_stream *stream, uint32_t points, uint32_t lines)
{
    return nn_input_begin(stream->input, points, lines);
}

int nn_stream_add_line(struct nn_stream *stream, uint32_t row, const double *samples)
{
    return nn_input_add_line(stream->input, row, samples);
}

int nn_stream_scores(struct nn_stream *stream, float *ret_scores)
{
    if (nn_input_lines_seen(stream->input) == 0)
        return -ENODATA;
    float seen = nn_input_seen(stream->input);
    nn_input_write(stream->input, stream->planes);
    struct nn_batch batch = {.n = 1, .inputs = stream->planes, .seen = &seen};
    const float *logits =
        nn_network_judge(nn_model_network(stream->model), stream->workspace, &batch);
    nn_calibration_apply(nn_model_calibration(stream->model), seen, logits, ret_scores);
    return 0;
}

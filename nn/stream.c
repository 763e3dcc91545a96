/* A verdict that grows with the frame. */
#include "nn/stream.h"

#include "nn/look.h"
#include "nn/model.h"

#include <errno.h>
#include <stdlib.h>

struct nn_stream {
    const struct nn_model *model;
    struct nn_input *input;
    struct nn_look *look;
};

int nn_stream_create(const struct nn_model *model, struct nn_stream **ret_stream)
{
    struct nn_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->model = model;
    int error = nn_input_create(nn_model_input(model), &stream->input);
    if (!error)
        error = nn_look_create(nn_model_network(model), nn_model_input(model), &stream->look);
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
    nn_look_destroy(stream->look);
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
    float logits[NN_LABEL_COUNT];
    nn_look_judge(stream->look, stream->input, logits);
    nn_calibration_apply(nn_model_calibration(stream->model), nn_input_seen(stream->input), logits,
                         ret_scores);
    return 0;
}

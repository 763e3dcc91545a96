/* A verdict that grows with the frame. */
#include "nn/stream.h"

#include "nn/look.h"
#include "nn/model.h"

#include <errno.h>
#include <stdlib.h>

struct nn_stream {
    const struct nn_model *model;
    struct nn_input *input;
    struct nn_look *looks[NN_MODEL_MEMBERS_MAX];
};

int nn_stream_create(const struct nn_model *model, struct nn_stream **ret_stream)
{
    struct nn_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->model = model;
    int error = nn_input_create(nn_model_input(model), &stream->input);
    for (uint32_t i = 0; i < nn_model_members(model) && !error; i++)
        error =
            nn_look_create(nn_model_network(model, i), nn_model_input(model), &stream->looks[i]);
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
    for (uint32_t i = 0; i < NN_MODEL_MEMBERS_MAX; i++)
        nn_look_destroy(stream->looks[i]);
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
    float logits[NN_MODEL_MEMBERS_MAX][NN_LABEL_COUNT];
    for (uint32_t i = 0; i < nn_model_members(stream->model); i++) {
        float outputs[NN_LABEL_COUNT];
        int error = nn_look_judge(stream->looks[i], stream->input, outputs);
        if (error)
            return error;
        nn_model_place(nn_model_answers(stream->model, i), outputs, logits[i]);
    }
    nn_model_scores(stream->model, nn_input_seen(stream->input), logits[0], ret_scores);
    return 0;
}

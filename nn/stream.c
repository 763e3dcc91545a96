/* A verdict that grows with the frame. */
#include "nn/stream.h"

#include "nn/event.h"
#include "nn/look.h"
#include "nn/model.h"
#include "nn/rows.h"

#include <errno.h>
#include <stdlib.h>

enum { LOOKS_MAX = 2 };

/* One network: row by row where it can, on the whole frame again where it cannot. */
struct voice {
    struct nn_rows *rows[LOOKS_MAX]; /* the frame, the frame in a mirror */
    struct nn_look *look;
};

struct nn_stream {
    const struct nn_model *model;
    struct nn_input *input;
    struct voice voices[NN_MODEL_MEMBERS_MAX];
    uint32_t pushed;        /* grid rows that the voices have heard of */
    float *row;             /* (planes, cols) */
    float *mirrored;        /* (planes, cols) */
    struct nn_event *event; /* NULL: the model has no detector */
};

static int create_voice(const struct nn_stream *stream, uint32_t member, struct voice *voice)
{
    const struct nn_network *network = nn_model_network(stream->model, member);
    const struct nn_input_spec *spec = nn_model_input(stream->model);
    if (spec->scaling != NN_SCALING_FROZEN || !nn_network_row_causal(network))
        return nn_look_create(network, spec, &voice->look);
    int error = 0;
    for (uint32_t k = 0; k < spec->looks && !error; k++)
        error = nn_rows_create(network, &voice->rows[k]);
    return error;
}

int nn_stream_create(const struct nn_model *model, struct nn_stream **ret_stream)
{
    struct nn_shape shape = nn_input_shape(nn_model_input(model));
    struct nn_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->model = model;
    stream->row = calloc((size_t)shape.c * shape.w, sizeof *stream->row);
    stream->mirrored = calloc((size_t)shape.c * shape.w, sizeof *stream->mirrored);
    int error = stream->row && stream->mirrored ? 0 : -ENOMEM;
    if (!error)
        error = nn_input_create(nn_model_input(model), &stream->input);
    if (!error && nn_model_event(model)) {
        stream->event = calloc(1, sizeof *stream->event);
        error = stream->event ? 0 : -ENOMEM;
    }
    for (uint32_t i = 0; i < nn_model_members(model) && !error; i++)
        error = create_voice(stream, i, &stream->voices[i]);
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
    for (uint32_t i = 0; i < NN_MODEL_MEMBERS_MAX; i++) {
        for (uint32_t k = 0; k < LOOKS_MAX; k++)
            nn_rows_destroy(stream->voices[i].rows[k]);
        nn_look_destroy(stream->voices[i].look);
    }
    nn_input_destroy(stream->input);
    free(stream->event);
    free(stream->row);
    free(stream->mirrored);
    free(stream);
}

int nn_stream_begin(struct nn_stream *stream, uint32_t points, uint32_t lines)
{
    int error = nn_input_begin(stream->input, points, lines);
    if (error)
        return error;
    stream->pushed = 0;
    if (stream->event)
        nn_event_begin(stream->event, nn_model_event(stream->model), points);
    for (uint32_t i = 0; i < nn_model_members(stream->model); i++)
        for (uint32_t k = 0; k < LOOKS_MAX; k++)
            if (stream->voices[i].rows[k])
                nn_rows_begin(stream->voices[i].rows[k]);
    return 0;
}

static void push_row(struct nn_stream *stream, uint32_t r)
{
    nn_input_row(stream->input, r, stream->row);
    nn_input_mirror_row(nn_model_input(stream->model), stream->row, stream->mirrored);
    for (uint32_t i = 0; i < nn_model_members(stream->model); i++) {
        const struct voice *voice = &stream->voices[i];
        /* There are as many rows in the grid as the network takes. */
        if (voice->rows[0])
            (void)nn_rows_push(voice->rows[0], stream->row);
        if (voice->rows[1])
            (void)nn_rows_push(voice->rows[1], stream->mirrored);
    }
}

int nn_stream_add_line(struct nn_stream *stream, uint32_t row, const double *samples)
{
    int error = nn_input_add_line(stream->input, row, samples);
    if (error)
        return error;
    if (stream->event)
        (void)nn_event_add_line(stream->event, row, samples);
    for (; stream->pushed < nn_input_rows_complete(stream->input); stream->pushed++)
        push_row(stream, stream->pushed);
    return 0;
}

/* ret_outputs: one per label answered. 0, -ENODATA. */
static int listen(const struct nn_stream *stream, const struct voice *voice, uint32_t n,
                  float *ret_outputs)
{
    if (voice->look)
        return nn_look_judge(voice->look, stream->input, ret_outputs);
    const float *plain = nn_rows_newest(voice->rows[0]);
    if (!plain)
        return -ENODATA;
    const float *other = voice->rows[1] ? nn_rows_newest(voice->rows[1]) : plain;
    for (uint32_t k = 0; k < n; k++)
        ret_outputs[k] = voice->rows[1] ? 0.5F * (plain[k] + other[k]) : plain[k];
    return 0;
}

int nn_stream_scores(struct nn_stream *stream, float *ret_scores)
{
    if (nn_input_lines_seen(stream->input) == 0)
        return -ENODATA;
    float seen = nn_input_seen(stream->input);
    float change = 0.0F;
    if (stream->event)
        change = nn_model_event_weight(stream->model, seen) * nn_event_logit(stream->event);
    float logits[NN_MODEL_MEMBERS_MAX][NN_LABEL_COUNT];
    for (uint32_t i = 0; i < nn_model_members(stream->model); i++) {
        uint32_t n = nn_network_output(nn_model_network(stream->model, i)).c;
        float outputs[NN_LABEL_COUNT];
        int error = listen(stream, &stream->voices[i], n, outputs);
        if (error)
            return error;
        nn_model_place(nn_model_answers(stream->model, i), outputs, logits[i]);
        logits[i][NN_LABEL_TIP_CHANGE] += change;
    }
    nn_model_scores(stream->model, seen, logits[0], ret_scores);
    return 0;
}

const struct nn_event *nn_stream_event(const struct nn_stream *stream)
{
    return stream->event;
}

/* Input rows that the network's first output row needs. */
static uint32_t rows_for_first(const struct nn_network *network)
{
    uint32_t rows = 1;
    while (nn_network_rows_after(network, rows) == 0)
        rows++;
    return rows;
}

uint32_t nn_stream_first_line(const struct nn_stream *stream)
{
    uint32_t first = 1;
    for (uint32_t i = 0; i < nn_model_members(stream->model); i++) {
        const struct nn_network *network = nn_model_network(stream->model, i);
        uint32_t lines = nn_network_row_causal(network)
                             ? nn_input_lines_for(stream->input, rows_for_first(network))
                             : 1;
        first = lines > first ? lines : first;
    }
    return first;
}

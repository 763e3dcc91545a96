/* Frames to train the detector with, and what it makes of them. */
#include "nn/event_train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = NN_EVENT_WINDOW - 1 };

#define LOGIT_MAX 30.0F
#define NORM 1.5 /* of nn_event_score */

int nn_event_frame_create(uint32_t lines, struct nn_event_frame *ret_frame)
{
    float *features =
        calloc((BEFORE + (size_t)lines) * NN_EVENT_FEATURES, sizeof *ret_frame->features);
    if (!features)
        return -ENOMEM;
    *ret_frame = (struct nn_event_frame){.lines = lines, .features = features, .vote = NAN};
    return 0;
}

void nn_event_frame_finish(struct nn_event_frame *frame)
{
    free(frame->features);
    free(frame->wanted);
    free(frame->weight);
    *frame = (struct nn_event_frame){0};
}

void nn_event_frame_add(struct nn_event_frame *frame, struct nn_event_trace *trace, uint32_t line,
                        const double *samples)
{
    nn_event_trace_add(trace, line, samples,
                       frame->features + (BEFORE + (size_t)line) * NN_EVENT_FEATURES);
}

int nn_event_frame_know(struct nn_event_frame *frame, const struct nn_event_truth *truth)
{
    float *wanted = malloc(((size_t)frame->lines + 1) * sizeof *wanted);
    float *weight = malloc(((size_t)frame->lines + 1) * sizeof *weight);
    if (!wanted || !weight) {
        free(wanted);
        free(weight);
        return -ENOMEM;
    }
    nn_event_truth_targets(truth, wanted, weight);
    frame->wanted = wanted;
    frame->weight = weight;
    return 0;
}

static float dot(uint32_t n, const float *a, const float *b)
{
    float sum = 0.0F;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void nn_event_judge(const struct nn_event_net *net, const struct nn_event_frame *frame,
                    float *ret_logits)
{
    for (uint32_t line = 0; line < frame->lines; line++) {
        const float *newest = frame->features + (BEFORE + (size_t)line) * NN_EVENT_FEATURES;
        float wide[NN_EVENT_WIDE];
        for (int u = 0; u < NN_EVENT_WIDE; u++) {
            float sum = net->wide_bias[u];
            for (uint32_t ago = 0; ago < NN_EVENT_WINDOW; ago++)
                sum += dot(NN_EVENT_FEATURES, net->wide[u][ago],
                           newest - (size_t)ago * NN_EVENT_FEATURES);
            wide[u] = fmaxf(sum, 0.0F);
        }
        float sum = net->out_bias;
        for (int u = 0; u < NN_EVENT_NARROW; u++)
            sum += net->out[u] *
                   fmaxf(net->narrow_bias[u] + dot(NN_EVENT_WIDE, net->narrow[u], wide), 0.0F);
        ret_logits[line] = fmaxf(fminf(sum, LOGIT_MAX), -LOGIT_MAX);
    }
}

float nn_event_score_logit(const float *logits, uint32_t seen)
{
    double sum = 0.0;
    for (uint32_t line = 0; line < seen; line++)
        sum += exp(NORM * (double)logits[line]);
    return (float)(log(sum) / NORM);
}

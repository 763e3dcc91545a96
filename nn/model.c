/* A model in memory: what it is made of, and how its members' answers become scores. */
#include "nn/model_inside.h"

#include <stdlib.h>

void nn_model_destroy(struct nn_model *model)
{
    if (!model)
        return;
    for (uint32_t i = 0; i < model->n_members; i++) {
        nn_network_destroy(model->members[i].trained);
        nn_network_destroy(model->members[i].folded);
    }
    free(model);
}

const char *nn_model_hash(const struct nn_model *model)
{
    return model->hash;
}

const char *nn_model_note(const struct nn_model *model)
{
    return model->note;
}

const char *nn_model_recordings(const struct nn_model *model)
{
    return model->recordings;
}

const struct nn_input_spec *nn_model_input(const struct nn_model *model)
{
    return &model->input;
}

const struct nn_event_net *nn_model_event(const struct nn_model *model)
{
    return model->has_event ? &model->event : NULL;
}

float nn_event_weight(float weight, float seen)
{
    return weight * seen * seen * seen;
}

float nn_model_event_weight(const struct nn_model *model, float seen)
{
    return nn_event_weight(model->event_weight, seen);
}

uint32_t nn_model_members(const struct nn_model *model)
{
    return model->n_members;
}

const struct nn_network *nn_model_network(const struct nn_model *model, uint32_t member)
{
    return model->members[member].folded;
}

const struct nn_network *nn_model_trained(const struct nn_model *model, uint32_t member)
{
    return model->members[member].trained;
}

const struct nn_calibration *nn_model_calibration(const struct nn_model *model, uint32_t member)
{
    return &model->members[member].calibration;
}

uint32_t nn_model_answers(const struct nn_model *model, uint32_t member)
{
    return model->members[member].answers;
}

enum nn_combine nn_model_combine(const struct nn_model *model)
{
    return model->combine;
}

void nn_model_prior(const struct nn_model *model, float *ret_scores)
{
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        float sum = 0.0F;
        float voices = 0.0F;
        for (uint32_t i = 0; i < model->n_members; i++) {
            const struct inside *member = &model->members[i];
            if (!(member->answers >> k & 1U))
                continue;
            sum += member->calibration.knots[0].decisions[k].threshold;
            voices += 1.0F;
        }
        ret_scores[k] = sum / voices;
    }
}

void nn_model_place(uint32_t answers, const float *outputs, float *ret_logits)
{
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_logits[k] = answers >> k & 1U ? *outputs++ : 0.0F;
}

/* The threshold that holds at a share: that of the knot at or after it. */
static float threshold_at(const struct nn_calibration *calibration, float seen, int label)
{
    uint32_t knot = 0;
    while (knot + 1 < calibration->n && calibration->knots[knot].seen < seen)
        knot++;
    return calibration->knots[knot].decisions[label].threshold;
}

void nn_model_scores(const struct nn_model *model, float seen, const float *logits,
                     float *ret_scores)
{
    float sums[NN_LABEL_COUNT] = {0.0F};
    float voices[NN_LABEL_COUNT] = {0.0F};
    for (uint32_t i = 0; i < model->n_members; i++) {
        const struct inside *member = &model->members[i];
        float scores[NN_LABEL_COUNT];
        nn_calibration_apply(&member->calibration, seen, logits + i * NN_LABEL_COUNT, scores);
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            if (!(member->answers >> k & 1U))
                continue;
            bool yes = scores[k] >= threshold_at(&member->calibration, seen, k);
            sums[k] += model->combine == NN_COMBINE_VOTE ? (float)yes : scores[k];
            voices[k] += 1.0F;
        }
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_scores[k] = sums[k] / voices[k];
}

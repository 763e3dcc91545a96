/*
 * A model file that always says the same: all weights 0, the scores put there by its calibration.
 * Scenarios whose subject is not the judging are decided by it, and quickly.
 *
 * Usage: fixed_model FILE ASYMMETRIES INDIVIDUAL_ATOMS DIMERS ROWS TIP_CHANGE BAD_BLURRY
 */
#include "nn/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct nn_layer_spec layers[] = {
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

/* The score must lie between 0 and 1, both excluded: a sigmoid reaches neither. */
static int read_logit(const char *text, float *ret_logit)
{
    char *end;
    double score = strtod(text, &end);
    if (end == text || *end || !(score > 0 && score < 1))
        return -1;
    *ret_logit = (float)log(score / (1 - score));
    return 0;
}

int main(int argc, char **argv)
{
    struct nn_model_member member = {.answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_model_parts parts = {.input = {.rows = 8,
                                             .cols = 8,
                                             .flatten = NN_FLATTEN_LINEAR,
                                             .limit = 5.0F,
                                             .looks = 1,
                                             .planes = NN_PLANES_DEFAULT},
                                   .members = &member,
                                   .n_members = 1,
                                   .note = "says the same of every frame; for tests"};
    if (argc != 2 + NN_LABEL_COUNT) {
        fprintf(stderr, "fixed_model: a file and %d scores are needed\n", NN_LABEL_COUNT);
        return 2;
    }
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        if (read_logit(argv[2 + i], &member.calibration.knots[0].offset[i]) != 0) {
            fprintf(stderr, "fixed_model: %s: a number between 0 and 1 is needed\n", argv[2 + i]);
            return 2;
        }
    struct nn_shape shape = nn_input_shape(&parts.input);
    int r = nn_network_create(shape, layers, sizeof(layers) / sizeof(layers[0]), &member.network);
    if (r == 0)
        r = nn_model_save(argv[1], &parts);
    nn_network_destroy(member.network);
    if (r < 0)
        fprintf(stderr, "fixed_model: %s: %s\n", argv[1], strerror(-r));
    return r < 0;
}

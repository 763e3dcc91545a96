/* A little untrained model and a little frame. */
#include "make_model.h"

#include "nn/random.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static const struct nn_layer_spec layers[] = {
    {.kind = NN_LAYER_CONV, .units = 6, .kernel = 3, .stride = 2, .padding = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_CONV, .units = 8, .kernel = 3, .stride = 1, .padding = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

struct nn_model_parts make_parts(uint64_t seed)
{
    struct nn_model_parts parts = {
        .input = {.rows = 24, .cols = 20, .flatten = NN_FLATTEN_LINEAR, .limit = 5.0F, .looks = 2},
        .calibration = nn_calibration_identity(),
        .note = "untrained"};
    struct nn_shape shape = {NN_INPUT_PLANES, 24, 20};
    ck_assert_int_eq(
        nn_network_create(shape, layers, sizeof layers / sizeof *layers, &parts.network), 0);
    nn_network_randomise(parts.network, seed);
    return parts;
}

void free_parts(struct nn_model_parts *parts)
{
    nn_network_destroy(parts->network);
}

struct nn_model *make_model(const char *path, uint64_t seed)
{
    struct nn_model_parts parts = make_parts(seed);
    ck_assert_int_eq(nn_model_save(path, &parts), 0);
    free_parts(&parts);
    struct nn_model *model = NULL;
    char error[200] = "";
    ck_assert_msg(nn_model_load(path, &model, error, sizeof error) == 0, "%s", error);
    return model;
}

double *make_frame(uint64_t seed)
{
    double *frame = calloc(FRAME_LINES * FRAME_POINTS, sizeof *frame);
    ck_assert_ptr_nonnull(frame);
    struct nn_random random = nn_random_seed(seed, 8, 0);
    for (int y = 0; y < FRAME_LINES; y++)
        for (int x = 0; x < FRAME_POINTS; x++)
            frame[y * FRAME_POINTS + x] = 1e-7 + 3e-10 * y + 1e-11 * x +
                                          5e-11 * sin(0.8 * x + 0.2 * y) +
                                          1e-11 * nn_random_normal(&random);
    return frame;
}

/* A little untrained model and a little frame. */
#include "make_model.h"

#include "nn/random.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHAPED(rows, cols, down, across)                                                           \
    .kernel_rows = (rows), .kernel_cols = (cols), .stride_rows = (down), .stride_cols = (across)
#define PADDED .padding_top = 1, .padding_bottom = 1, .padding_left = 1, .padding_right = 1

static const struct nn_layer_spec layers[] = {
    {.kind = NN_LAYER_CONV, .units = 6, SHAPED(3, 3, 2, 2), PADDED},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_CONV, .units = 8, SHAPED(3, 3, 1, 1), PADDED},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

static const struct nn_layer_spec row_layers[] = {
    {.kind = NN_LAYER_CONV, .units = 6, SHAPED(4, 3, 2, 2), .padding_left = 1, .causal = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_MAX_POOL, SHAPED(1, 2, 1, 2)},
    {.kind = NN_LAYER_CONV, .units = 5, SHAPED(3, 3, 1, 1), .causal = 1},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GRU, .units = 7},
    {.kind = NN_LAYER_PREFIX_POOL},
    {.kind = NN_LAYER_CONV, .units = NN_LABEL_COUNT, SHAPED(1, 1, 1, 1), .bias = 1},
};

struct nn_input_spec make_input(enum make_kind kind)
{
    struct nn_input_spec input = {.rows = 24,
                                  .cols = 20,
                                  .flatten = NN_FLATTEN_LINEAR,
                                  .limit = 5.0F,
                                  .looks = 2,
                                  .planes = NN_PLANES_DEFAULT};
    if (kind == MAKE_ROWS) {
        input.planes |= 1U << NN_PLANE_TURN;
        input.scaling = NN_SCALING_FROZEN;
        input.lead_in = 4;
    }
    return input;
}

struct nn_model_member make_member(enum make_kind kind, uint64_t seed)
{
    struct nn_model_member member = {.answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_input_spec input = make_input(kind);
    bool rows = kind == MAKE_ROWS;
    ck_assert_int_eq(nn_network_create(nn_input_shape(&input), rows ? row_layers : layers,
                                       rows ? sizeof row_layers / sizeof *row_layers
                                            : sizeof layers / sizeof *layers,
                                       &member.network),
                     0);
    nn_network_randomise(member.network, seed);
    return member;
}

struct nn_event_net make_event_net(uint64_t seed)
{
    struct nn_random random = nn_random_seed(seed, 9, 0);
    float values[sizeof(struct nn_event_net) / sizeof(float)];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = 0.1F * (float)nn_random_normal(&random);
    struct nn_event_net net;
    memcpy(&net, values, sizeof net);
    net.threshold = 0.5F;
    return net;
}

struct nn_model *make_model(const char *path, enum make_kind kind, uint64_t seed)
{
    struct nn_model_member member = make_member(kind, seed);
    struct nn_model_parts parts = {
        .input = make_input(kind), .members = &member, .n_members = 1, .note = "untrained"};
    struct nn_model *model = save_and_load(path, &parts);
    nn_network_destroy(member.network);
    return model;
}

struct nn_model *save_and_load(const char *path, const struct nn_model_parts *parts)
{
    struct nn_model *model = NULL;
    char error[200] = "";
    ck_assert_int_eq(nn_model_save(path, parts), 0);
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

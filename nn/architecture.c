/* The shipped network. */
#include "nn/architecture.h"

/* A convolution that keeps the size or, with a step, divides it; then norm and rectifier. */
#define CONV(outputs, size, step)                                                                  \
    {                                                                                              \
        .kind = NN_LAYER_CONV, .units = (outputs), .kernel_rows = (size), .kernel_cols = (size),   \
        .stride_rows = (step), .stride_cols = (step), .padding_top = (size) / 2,                   \
        .padding_bottom = (size) / 2, .padding_left = (size) / 2, .padding_right = (size) / 2      \
    }
#define NORM                                                                                       \
    {                                                                                              \
        .kind = NN_LAYER_BATCH_NORM                                                                \
    }
#define RELU                                                                                       \
    {                                                                                              \
        .kind = NN_LAYER_RELU                                                                      \
    }
#define HALVE                                                                                      \
    {                                                                                              \
        .kind = NN_LAYER_MAX_POOL, .kernel_rows = 2, .kernel_cols = 2, .stride_rows = 2,           \
        .stride_cols = 2                                                                           \
    }

static const struct nn_layer_spec layers[] = {
    CONV(16, 5, 2),
    NORM,
    RELU,
    CONV(24, 3, 1),
    NORM,
    RELU,
    HALVE,
    CONV(48, 3, 1),
    NORM,
    RELU,
    CONV(48, 3, 1),
    NORM,
    RELU,
    HALVE,
    CONV(96, 3, 1),
    NORM,
    RELU,
    CONV(96, 3, 1),
    NORM,
    RELU,
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DROPOUT, .permille = 200},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

struct nn_train_settings nn_architecture_default(void)
{
    struct nn_train_settings settings = {
        .input = {.rows = 96, .cols = 96, .flatten = NN_FLATTEN_LINEAR, .limit = 5.0F, .looks = 1, .planes = NN_PLANES_DEFAULT},
        .layers = layers,
        .n_layers = sizeof layers / sizeof *layers,
        .optimiser = nn_optimiser_adam(),
        .rate = 4e-3F,
        .epochs = 30,
        .cycle = 30,
        .batch = 16,
        .averaging = 0.995F,
        .augment = {.whole = 0.5, .seen_min = 0.08, .closer = 0.8, .wider = 1.0, .shear = 0.03},
        .seed = 1,
    };
    settings.optimiser.decay = 0.05F;
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        settings.class_weights[k] = 1.0F;
    return settings;
}

/* Stripes to learn from. */
#include "make_dataset.h"

#include "nn/random.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { SIDE = 24 };

/* Pictures with upright or level stripes: "rows" or "dimers". */
struct nn_dataset *make_dataset(void)
{
    struct nn_dataset *dataset = calloc(1, sizeof *dataset);
    ck_assert_ptr_nonnull(dataset);
    dataset->n = EXAMPLES;
    dataset->n_recordings = RECORDINGS;
    dataset->examples = calloc(EXAMPLES, sizeof *dataset->examples);
    dataset->recordings = calloc(RECORDINGS, sizeof *dataset->recordings);
    ck_assert(dataset->examples && dataset->recordings);
    struct nn_random random = nn_random_seed(2, 2, 2);
    for (uint32_t i = 0; i < EXAMPLES; i++) {
        struct nn_example *example = &dataset->examples[i];
        bool upright = nn_random_below(&random, 2) == 0;
        example->image = calloc(8, 1);
        example->recording = i % RECORDINGS;
        example->responses = 1.0F + (float)(i % 2);
        example->wanted[upright ? NN_LABEL_ROWS : NN_LABEL_DIMERS] = 1.0F;
        example->picture =
            (struct nn_picture){.width = SIDE, .height = SIDE, .gray = calloc(SIDE * SIDE, 1)};
        ck_assert(example->image && example->picture.gray);
        example->image[0] = (char)('A' + i);
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++) {
                double wave = upright ? sin(0.9 * x) : sin(0.9 * x + 1.6 * y);
                example->picture.gray[y * SIDE + x] =
                    (uint8_t)(128.0 + 60.0 * wave + nn_random_below(&random, 40));
            }
    }
    return dataset;
}

static const struct nn_layer_spec layers[] = {
    {.kind = NN_LAYER_CONV,
     .units = 6,
     .kernel_rows = 3,
     .kernel_cols = 3,
     .stride_rows = 2,
     .stride_cols = 2,
     .padding_top = 1,
     .padding_bottom = 1,
     .padding_left = 1,
     .padding_right = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DROPOUT, .permille = 200},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

struct nn_train_settings make_settings(void)
{
    struct nn_train_settings settings = nn_settings_default();
    settings.input.rows = settings.input.cols = 12;
    settings.input.looks = 2;
    settings.layers = layers;
    settings.n_layers = sizeof layers / sizeof *layers;
    settings.schedule.rate = 2e-2F;
    settings.schedule.cycle = 5;
    settings.epochs = 8;
    settings.batch = 8;
    settings.averaging = 0.9F;
    settings.augment.whole = 0.7;
    settings.augment.seen_min = 0.3;
    settings.augment.closer = 0.8;
    settings.augment.wider = 1.2;
    settings.augment.shear = 0.1;
    settings.seed = 5;
    return settings;
}

/* Frames judged at every share: all in one call as one by one, and as far as they were seen. */
#include "make_dataset.h"

#include "nn/evaluate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { PLANE = EXAMPLES * NN_LABEL_COUNT };

static const struct nn_layer_spec row_causal[] = {
    {.kind = NN_LAYER_CONV,
     .units = 6,
     .kernel_rows = 3,
     .kernel_cols = 3,
     .stride_rows = 2,
     .stride_cols = 2,
     .padding_left = 1,
     .padding_right = 1,
     .causal = 1,
     .bias = 1},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_GRU, .units = NN_LABEL_COUNT},
};

static const struct nn_layer_spec whole[] = {
    {.kind = NN_LAYER_CONV,
     .units = 4,
     .kernel_rows = 3,
     .kernel_cols = 3,
     .stride_rows = 1,
     .stride_cols = 1,
     .padding_top = 1,
     .padding_bottom = 1,
     .padding_left = 1,
     .padding_right = 1,
     .bias = 1},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT},
};

static struct nn_input_spec input_spec(enum nn_scaling scaling, uint32_t looks)
{
    return (struct nn_input_spec){.rows = 16,
                                  .cols = 12,
                                  .flatten = NN_FLATTEN_LINEAR,
                                  .limit = 5.0F,
                                  .looks = looks,
                                  .planes = NN_PLANES_DEFAULT,
                                  .scaling = scaling};
}

static void evaluate(const struct nn_network *network, const struct nn_input_spec *spec,
                     const struct nn_dataset *dataset, float *const planes[NN_SHARE_COUNT])
{
    bool use[RECORDINGS] = {true, true, true, true};
    use[1] = false;
    ck_assert_int_eq(nn_evaluate(network, spec, dataset, use, planes), 0);
}

static void compare(const struct nn_layer_spec *layers, uint32_t n, struct nn_input_spec spec)
{
    static float together[NN_SHARE_COUNT][PLANE];
    static float alone[PLANE];
    struct nn_dataset *dataset = make_dataset();
    struct nn_network *network;
    ck_assert_int_eq(nn_network_create(nn_input_shape(&spec), layers, n, &network), 0);
    nn_network_randomise(network, 3);
    float *planes[NN_SHARE_COUNT];
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        planes[share] = together[share];
        for (uint32_t i = 0; i < PLANE; i++)
            together[share][i] = 7.0F;
    }
    evaluate(network, &spec, dataset, planes);
    bool moved = false;
    for (uint32_t share = 0; share < NN_SHARE_COUNT; share++) {
        float *one[NN_SHARE_COUNT] = {NULL};
        for (uint32_t i = 0; i < PLANE; i++)
            alone[i] = 7.0F;
        one[share] = alone;
        evaluate(network, &spec, dataset, one);
        ck_assert_mem_eq(alone, together[share], sizeof alone);
        moved = moved || memcmp(together[share], together[0], sizeof alone) != 0;
        for (uint32_t i = 0; i < EXAMPLES; i++)
            ck_assert((together[share][i * NN_LABEL_COUNT] == 7.0F) ==
                      (dataset->examples[i].recording == 1));
    }
    ck_assert(moved);
    nn_network_destroy(network);
    nn_dataset_destroy(dataset);
}

START_TEST(one_pass_says_what_many_say)
{
    compare(row_causal, 3, input_spec(NN_SCALING_FROZEN, 1));
    compare(row_causal, 3, input_spec(NN_SCALING_FROZEN, 2));
}
END_TEST

START_TEST(what_changes_with_every_line_is_judged_again)
{
    compare(row_causal, 3, input_spec(NN_SCALING_MEDIAN, 1));
    compare(whole, 3, input_spec(NN_SCALING_MEDIAN, 2));
    compare(whole, 3, input_spec(NN_SCALING_FROZEN, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluate");
    TCase *tcase = tcase_create("evaluate");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, one_pass_says_what_many_say);
    tcase_add_test(tcase, what_changes_with_every_line_is_judged_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

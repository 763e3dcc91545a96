/* Architecture files: what they say, and every way of saying it wrong. */
#include "nn/cmd_architecture.h"

#include "config/yaml_reader.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static struct architecture architecture;
static struct policy_errors errors;

static int read_text(const char *text)
{
    policy_errors_finish(&errors);
    return architecture_read(text, strlen(text), &architecture, &errors);
}

START_TEST(layers_and_settings)
{
    ck_assert_int_eq(read_text("layers:\n"
                               "  - conv: {units: 4, kernel: [4, 5], stride: [1, 2]}\n"
                               "  - norm\n"
                               "  - relu\n"
                               "  - max_pool: [2, 1]\n"
                               "  - conv: {units: 3, kernel: 3, causal: true, bias: true}\n"
                               "  - conv: {units: 3, kernel: 3, padding: valid, bias: false}\n"
                               "  - avg_pool: {kernel: 3, stride: 1}\n"
                               "  - conv: {units: 3, kernel: 5, padding: [1, 2]}\n"
                               "  - noise: 0.05\n"
                               "  - dropout: 0.25\n"
                               "  - dense: 6\n"
                               "training:\n"
                               "  rows: 32\n"
                               "  cols: 24\n"
                               "  planes: [height, seen]\n"
                               "  rising: [0, 0, 0, 0, 3, 0]\n"
                               "  optimiser: sgd\n"),
                     0);
    const struct nn_layer_spec *layers = architecture.layers;
    ck_assert_uint_eq(architecture.settings.n_layers, 11);
    ck_assert_ptr_eq(architecture.settings.layers, layers);
    ck_assert_uint_eq(layers[0].kernel_rows, 4);
    ck_assert_uint_eq(layers[0].kernel_cols, 5);
    ck_assert_uint_eq(layers[0].stride_cols, 2);
    ck_assert_uint_eq(layers[0].padding_top, 1);
    ck_assert_uint_eq(layers[0].padding_bottom, 2);
    ck_assert_uint_eq(layers[0].padding_left, 2);
    ck_assert_uint_eq(layers[0].bias, 0);
    ck_assert_uint_eq(layers[3].stride_rows, 2);
    ck_assert_uint_eq(layers[3].stride_cols, 1);
    ck_assert_uint_eq(layers[4].causal, 1);
    ck_assert_uint_eq(layers[4].bias, 1);
    ck_assert_uint_eq(layers[4].padding_top + layers[4].padding_bottom, 0);
    ck_assert_uint_eq(layers[4].padding_left, 1);
    ck_assert_uint_eq(layers[5].bias, 0);
    ck_assert_uint_eq(layers[5].padding_left, 0);
    ck_assert_uint_eq(layers[6].stride_rows, 1);
    ck_assert_uint_eq(layers[7].padding_top, 1);
    ck_assert_uint_eq(layers[7].padding_right, 2);
    ck_assert_uint_eq(layers[8].permille, 50);
    ck_assert_uint_eq(layers[9].permille, 250);
    ck_assert_uint_eq(architecture.settings.input.planes,
                      1U << NN_PLANE_HEIGHT | 1U << NN_PLANE_SEEN);
    ck_assert(architecture.settings.goal.rising[NN_LABEL_TIP_CHANGE] > 2.9F);
    ck_assert_int_eq(architecture.settings.optimiser.kind, NN_OPTIMISER_SGD);
    policy_errors_finish(&errors);
}
END_TEST

static const struct {
    const char *text;
    int line, column;
    const char *message;
} wrong[] = {
    {"training:\n  rate: 1\n", 1, 1, "the key 'layers' is missing"},
    {"layers: []\n", 1, 9, "'layers' is a list of 1 to 64 layers"},
    {"layers:\n  - dens: 6\n", 2, 5, "unknown layer 'dens'; did you mean 'dense'?"},
    {"layers:\n  - dense\n", 2, 5, "'dense' needs a value"},
    {"layers:\n  - relu: 3\n  - dense: 6\n", 2, 11, "'relu' takes nothing"},
    {"layers:\n  - conv: {units: 3, kernal: 3}\n", 2, 22,
     "unknown key 'kernal'; did you mean 'kernel'?"},
    {"layers:\n  - conv: {units: 3}\n", 2, 11, "the key 'kernel' is missing"},
    {"layers:\n  - conv: {kernel: 3}\n", 2, 11, "the key 'units' is missing"},
    {"layers:\n  - conv: 3\n", 2, 11, "conv takes {units: ..., kernel: ...}"},
    {"layers:\n  - conv: {units: 3, kernel: 3.5}\n", 2, 30, "should be a whole number"},
    {"layers:\n  - conv: {units: 3, kernel: 16}\n", 2, 30, "should be a number between 1 and 15"},
    {"layers:\n  - conv: {units: 3, kernel: [1, 2, 3]}\n", 2, 30,
     "should be one number, or two: [rows, columns]"},
    {"layers:\n  - conv: {units: 3, kernel: 3, causal: yes}\n", 2, 41, "should be true or false"},
    {"layers:\n  - max_pool: {kernel: 2, padding: 1}\n", 2, 27, "unknown key 'padding'"},
    {"layers:\n  - dense: 5\n", 2, 5,
     "the last layer gives 5 channels, 1 rows, 1 columns, not 6 scores"},
    {"layers:\n  - dense: 6\n  - conv: {units: 6, kernel: 3, padding: valid}\n", 3, 5,
     "does not fit here: gets 6 channels, 1 rows, 1 columns"},
    {"layers:\n  - dense: 6\ntraining:\n  rate: fast\n", 4, 9,
     "'rate' is a number between 1e-08 and 10"},
    {"layers:\n  - dense: 6\ntraining:\n  rat: 1\n", 4, 3,
     "unknown setting 'rat'; did you mean 'rate'?"},
    {"layers:\n  - dense: 6\ntraning:\n  rate: 1\n", 3, 1,
     "unknown key 'traning'; did you mean 'training'?"},
    {"layers:\n  - dense: 6\ntraining: [1]\n", 3, 11, "should be a mapping of settings to values"},
    {"- dense: 6\n", 1, 1, "an architecture is a mapping with 'layers'"},
};

START_TEST(errors_stand_where_they_are)
{
    ck_assert_int_ne(read_text(wrong[_i].text), 0);
    ck_assert_uint_ge(errors.n, 1);
    ck_assert_str_eq(errors.list[0].message, wrong[_i].message);
    ck_assert_int_eq(errors.list[0].line, wrong[_i].line);
    ck_assert_int_eq(errors.list[0].column, wrong[_i].column);
    policy_errors_finish(&errors);
}
END_TEST

/* Every one that is shipped makes a network, and those whose sizes are known have them. */
START_TEST(shipped_ones_load)
{
    static const struct {
        const char *name;
        size_t weights;
    } known[] = {
        {"seed-16", 544 + 12294},
        {"seed-32", 544 + 49158},
        {"vgg-32", 1338598 + 3 * 288},
        {"vgg-128", 17067238 + 3 * 288},
    };
    DIR *folder = opendir(TEST_SOURCE_DIR "/nn/architectures");
    ck_assert_ptr_nonnull(folder);
    unsigned n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
        ck_assert_msg(architecture_load("train", name, &architecture) == 0, "%s", name);
        struct nn_network *network = NULL;
        ck_assert_msg(nn_network_create(nn_input_shape(&architecture.settings.input),
                                        architecture.layers, architecture.settings.n_layers,
                                        &network) == 0,
                      "%s", name);
        size_t weights;
        nn_network_weights(network, &weights);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strcmp(known[i].name, name) == 0)
                ck_assert_uint_eq(weights, known[i].weights);
        nn_network_destroy(network);
        n++;
    }
    closedir(folder);
    ck_assert_uint_ge(n, 10);
    ck_assert_int_eq(architecture_load("train", "no-such", &architecture), -1);
    ck_assert_int_eq(
        architecture_load("train", TEST_SOURCE_DIR "/nn/architectures/stream.yaml", &architecture),
        0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("architecture");
    TCase *tcase = tcase_create("architecture");
    tcase_add_test(tcase, layers_and_settings);
    tcase_add_loop_test(tcase, errors_stand_where_they_are, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tcase, shipped_ones_load);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

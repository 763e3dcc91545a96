/* Engines against what PyTorch says of the reference networks, and against plain judging. */
#include "nn/engine.h"
#include "nn/random.h"
#include "nn/reference_nets.h"

#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *room(size_t size)
{
    void *block = calloc(1, size + 1);
    ck_assert_ptr_nonnull(block);
    return block;
}

static void check_sum(const float *values, size_t n, const char *wanted)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[17];
    crypto_hash_sha256(hash, (const unsigned char *)values, n * sizeof *values);
    for (int i = 0; i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    ck_assert_str_eq(text, wanted);
}

/* Sums of what tests outside of this repository were given; _i counts networks. */
START_TEST(reference_numbers_come_bit_for_bit)
{
    static const char *const of_weights[] = {"4b7084036f3384c2", "e000ab8836f8cef3",
                                             "fc3720356bcaf71f", "57b642636a110733"};
    static const char *const of_inputs[] = {"deff11f1da7393af", "e5ea0e71af636b48",
                                            "5c5f8e2a78e3140c", "5f6b0d18077dc327"};
    enum nn_reference_net which = (enum nn_reference_net)_i;
    struct nn_network *network;
    ck_assert_int_eq(nn_reference_create(which, false, &network), 0);
    size_t n;
    float *weights = nn_network_weights(network, &n);
    check_sum(weights, n, of_weights[_i]);
    size_t inputs = nn_reference_samples(which) * nn_shape_size(nn_network_input(network));
    float *input = room(inputs * sizeof *input);
    nn_reference_input(which, input);
    check_sum(input, inputs, of_inputs[_i]);
    free(input);
    nn_network_destroy(network);
}
END_TEST

/* Largest difference from the reference over all samples, one call each. */
static double judge_reference(enum nn_reference_net which, const struct nn_network *network,
                              struct nn_engine *engine)
{
    size_t size = nn_shape_size(nn_network_input(network));
    size_t outputs = nn_shape_size(nn_network_output(network));
    uint32_t samples = nn_reference_samples(which);
    float *input = room(samples * size * sizeof *input);
    nn_reference_input(which, input);
    double worst = 0.0;
    nn_engine_begin(engine);
    for (uint32_t i = 0; i < samples; i++) {
        struct nn_batch batch = {.n = 1, .inputs = input + i * size};
        const float *out = nn_engine_judge(engine, &batch);
        for (size_t k = 0; k < outputs; k++) {
            double off = fabs((double)out[k] - (double)nn_reference_output(which)[i * outputs + k]);
            worst = off <= worst ? worst : off;
        }
    }
    free(input);
    return worst;
}

static void check_reference(enum nn_reference_net which, enum nn_isa isa)
{
    struct nn_network *network;
    ck_assert_int_eq(nn_reference_create(which, false, &network), 0);
    for (int half = 0; half < 2; half++) {
        struct nn_engine_options options = nn_engine_options();
        options.isa = isa;
        options.half_dense = half;
        options.keeps_state = which == NN_REFERENCE_C;
        struct nn_engine *engine;
        int error = nn_engine_create(network, &options, &engine);
        if (error == -ENOTSUP) {
            ck_assert_ptr_null(nn_kernels(isa));
            fprintf(stderr, "%s: not on this processor, not tested\n", nn_isa_name(isa));
            break;
        }
        ck_assert_int_eq(error, 0);
        double worst = judge_reference(which, network, engine);
        ck_assert_double_le(worst, half ? 1e-3 : 1e-5);
        nn_engine_destroy(engine);
    }
    nn_network_destroy(network);
}

START_TEST(reference_networks_answer_as_in_pytorch)
{
    check_reference((enum nn_reference_net)_i, nn_isa_best());
}
END_TEST

START_TEST(every_instruction_set_answers_alike)
{
    check_reference(NN_REFERENCE_B, (enum nn_isa)_i);
    check_reference(NN_REFERENCE_C, (enum nn_isa)_i);
}
END_TEST

#define CONV(outputs, size, step, above)                                                           \
    {                                                                                              \
        .kind = NN_LAYER_CONV, .units = (outputs), .kernel_rows = (size), .kernel_cols = (size),   \
        .stride_rows = (step), .stride_cols = (step), .padding_top = (above),                      \
        .padding_bottom = (size) / 2, .padding_left = (size) / 2, .padding_right = (size) / 2,     \
        .bias = 1                                                                                  \
    }
#define CAUSAL(outputs)                                                                            \
    {                                                                                              \
        .kind = NN_LAYER_CONV, .units = (outputs), .kernel_rows = 3, .kernel_cols = 3,             \
        .stride_rows = 1, .stride_cols = 1, .padding_left = 1, .padding_right = 1, .causal = 1,    \
        .bias = 1                                                                                  \
    }
#define POOL(which, rows, cols)                                                                    \
    {                                                                                              \
        .kind = (which), .kernel_rows = (rows), .kernel_cols = (cols), .stride_rows = (rows),      \
        .stride_cols = (cols)                                                                      \
    }
#define RELU                                                                                       \
    {                                                                                              \
        .kind = NN_LAYER_RELU                                                                      \
    }

/* Chains that go through every kind of step. */
static const struct nn_layer_spec chains[][12] = {
    {CONV(9, 5, 2, 2),
     RELU,
     CONV(10, 3, 1, 1),
     RELU,
     POOL(NN_LAYER_MAX_POOL, 2, 2),
     CONV(7, 3, 1, 1),
     RELU,
     {.kind = NN_LAYER_GLOBAL_POOL},
     {.kind = NN_LAYER_DENSE, .units = 6}},
    {CONV(5, 3, 1, 1),
     POOL(NN_LAYER_AVG_POOL, 3, 2),
     RELU,
     CONV(12, 1, 1, 0),
     {.kind = NN_LAYER_DROPOUT, .permille = 100},
     POOL(NN_LAYER_MAX_POOL, 2, 2),
     {.kind = NN_LAYER_DENSE, .units = 20},
     {.kind = NN_LAYER_SIGMOID},
     {.kind = NN_LAYER_DENSE, .units = 3}},
    {{.kind = NN_LAYER_SIGMOID},
     CONV(6, 3, 1, 1),
     {.kind = NN_LAYER_SIGMOID},
     CONV(4, 3, 1, 0),
     {.kind = NN_LAYER_GRU, .units = 5}},
    {CAUSAL(8),
     RELU,
     POOL(NN_LAYER_MAX_POOL, 2, 2),
     CAUSAL(5),
     {.kind = NN_LAYER_PREFIX_POOL},
     {.kind = NN_LAYER_GRU, .units = 6}},
    {{.kind = NN_LAYER_DENSE, .units = 9},
     {.kind = NN_LAYER_LSTM, .units = 4},
     {.kind = NN_LAYER_DENSE, .units = 2}},
};
enum { CHAINS = sizeof chains / sizeof *chains, SAMPLES = 5, VALUES = 3 * 21 * 18 };

static struct nn_network *make_chain(const struct nn_layer_spec *specs)
{
    uint32_t n = 0;
    while (specs[n].kind)
        n++;
    struct nn_network *network;
    ck_assert_int_eq(nn_network_create((struct nn_shape){3, 21, 18}, specs, n, &network), 0);
    nn_network_randomise(network, 5);
    size_t n_weights;
    float *weights = nn_network_weights(network, &n_weights);
    for (size_t i = 0; i < n_weights; i++)
        weights[i] += 0.01F * (float)(i % 5) - 0.02F;
    return network;
}

static float *make_inputs(uint64_t stream)
{
    float *inputs = room(SAMPLES * VALUES * sizeof *inputs);
    struct nn_random random = nn_random_seed(8, stream, 0);
    for (int i = 0; i < SAMPLES * VALUES; i++)
        inputs[i] = (float)nn_random_normal(&random);
    return inputs;
}

static const float seen[SAMPLES] = {1.0F, 0.04F, 0.5F, 0.7F, 0.3F};

/* _i: chain times instruction set. */
START_TEST(chains_are_judged_as_by_the_network)
{
    struct nn_engine_options options = nn_engine_options();
    options.isa = (enum nn_isa)(_i % NN_ISA_COUNT);
    options.max_n = SAMPLES;
    struct nn_network *network = make_chain(chains[_i / NN_ISA_COUNT]);
    struct nn_engine *engine;
    if (!nn_kernels(options.isa)) {
        ck_assert_int_eq(nn_engine_create(network, &options, &engine), -ENOTSUP);
        nn_network_destroy(network);
        return;
    }
    ck_assert_int_eq(nn_engine_create(network, &options, &engine), 0);
    struct nn_workspace *ws;
    ck_assert_int_eq(nn_workspace_create(network, SAMPLES, false, &ws), 0);
    float *inputs = make_inputs(1);
    size_t outputs = nn_shape_size(nn_network_output(network));
    struct nn_batch all = {.n = SAMPLES, .inputs = inputs, .seen = seen};
    const float *wanted = nn_network_judge(network, ws, &all);
    const float *found = nn_engine_judge(engine, &all);
    for (size_t k = 0; k < SAMPLES * outputs; k++)
        ck_assert_double_eq_tol((double)found[k], (double)wanted[k], 1e-4);
    free(inputs);
    nn_workspace_destroy(ws);
    nn_engine_destroy(engine);
    nn_network_destroy(network);
}
END_TEST

START_TEST(bits_depend_on_the_sample_alone)
{
    struct nn_network *network = make_chain(chains[_i]);
    struct nn_engine_options options = nn_engine_options();
    options.max_n = SAMPLES;
    struct nn_engine *engine;
    ck_assert_int_eq(nn_engine_create(network, &options, &engine), 0);
    float *inputs = make_inputs(1);
    size_t outputs = nn_shape_size(nn_network_output(network));
    struct nn_batch all = {.n = SAMPLES, .inputs = inputs, .seen = seen};
    float *together = room(SAMPLES * outputs * sizeof *together);
    memcpy(together, nn_engine_judge(engine, &all), SAMPLES * outputs * sizeof *together);
    size_t before = mallinfo2().uordblks;
    for (uint32_t i = SAMPLES; i-- > 0;) {
        struct nn_batch one = {.n = 1, .inputs = inputs + i * VALUES, .seen = seen + i};
        ck_assert_mem_eq(nn_engine_judge(engine, &one), together + i * outputs,
                         outputs * sizeof *together);
    }
    ck_assert_uint_eq(mallinfo2().uordblks, before);
    free(together);
    free(inputs);
    nn_engine_destroy(engine);
    nn_network_destroy(network);
}
END_TEST

START_TEST(state_goes_on_from_window_to_window)
{
    struct nn_network *network = make_chain(chains[4]);
    struct nn_engine_options options = nn_engine_options();
    options.keeps_state = true;
    struct nn_engine *engine;
    ck_assert_int_eq(nn_engine_create(network, &options, &engine), 0);
    float *inputs = make_inputs(2);
    struct nn_batch batch = {.n = 1, .inputs = inputs};
    float first[2];
    memcpy(first, nn_engine_judge(engine, &batch), sizeof first);
    ck_assert_mem_ne(nn_engine_judge(engine, &batch), first, sizeof first);
    nn_engine_begin(engine);
    ck_assert_mem_eq(nn_engine_judge(engine, &batch), first, sizeof first);
    free(inputs);
    nn_engine_destroy(engine);
    nn_network_destroy(network);
}
END_TEST

static const struct nn_layer_spec plain_rows[] = {CONV(9, 3, 1, 1),
                                                  RELU,
                                                  CONV(8, 3, 1, 1),
                                                  RELU,
                                                  POOL(NN_LAYER_MAX_POOL, 2, 2),
                                                  CONV(17, 5, 2, 2),
                                                  RELU,
                                                  POOL(NN_LAYER_AVG_POOL, 2, 3),
                                                  {.kind = NN_LAYER_DENSE, .units = 11},
                                                  RELU,
                                                  {.kind = NN_LAYER_DENSE, .units = 4},
                                                  {0}};
static const struct nn_layer_spec causal_rows[] = {CAUSAL(9),
                                                   RELU,
                                                   CAUSAL(8),
                                                   POOL(NN_LAYER_MAX_POOL, 2, 2),
                                                   CAUSAL(6),
                                                   RELU,
                                                   {.kind = NN_LAYER_DENSE, .units = 7},
                                                   {.kind = NN_LAYER_SIGMOID},
                                                   {0}};

/* One row of a sample, its channels one after another. */
static const float *row_of(const float *sample, uint32_t y, float row[3 * 18])
{
    for (uint32_t c = 0; c < 3; c++)
        memcpy(row + c * 18, sample + (c * 21 + y) * 18, 18 * sizeof *row);
    return row;
}

static struct nn_engine *make_rows(const struct nn_network *network)
{
    struct nn_engine_options options = nn_engine_options();
    options.by_rows = true;
    struct nn_engine *engine;
    ck_assert_int_eq(nn_engine_create(network, &options, &engine), 0);
    return engine;
}

START_TEST(every_prefix_equals_the_frame_with_the_rest_missing)
{
    struct nn_network *network = make_chain(plain_rows);
    struct nn_engine *rows = make_rows(network);
    struct nn_engine_options options = nn_engine_options();
    struct nn_engine *whole;
    ck_assert_int_eq(nn_engine_create(network, &options, &whole), 0);
    float *inputs = make_inputs(3);
    size_t before = mallinfo2().uordblks;
    for (int frame = 0; frame < 3; frame++) {
        const float *sample = inputs + frame * VALUES;
        float so_far[VALUES] = {0.0F};
        float row[3 * 18];
        nn_engine_begin(rows);
        for (uint32_t y = 0; y < 21; y++) {
            const float *found = nn_engine_add_row(rows, row_of(sample, y, row));
            for (uint32_t c = 0; c < 3; c++)
                memcpy(so_far + (c * 21 + y) * 18, row + c * 18, 18 * sizeof *row);
            struct nn_batch batch = {.n = 1, .inputs = so_far};
            const float *wanted = nn_engine_judge(whole, &batch);
            for (int k = 0; k < 4; k++)
                ck_assert_double_eq_tol((double)found[k], (double)wanted[k], 1e-5);
        }
    }
    ck_assert_uint_eq(mallinfo2().uordblks, before);
    free(inputs);
    nn_engine_destroy(rows);
    nn_engine_destroy(whole);
    nn_network_destroy(network);
}
END_TEST

START_TEST(causal_rows_are_computed_once_and_look_no_further)
{
    struct nn_network *network = make_chain(causal_rows);
    struct nn_engine *rows = make_rows(network);
    struct nn_engine_options options = nn_engine_options();
    struct nn_engine *whole;
    ck_assert_int_eq(nn_engine_create(network, &options, &whole), 0);
    float *inputs = make_inputs(4);
    float row[3 * 18];
    float first[21][7];
    for (uint32_t y = 0; y < 21; y++)
        memcpy(first[y], nn_engine_add_row(rows, row_of(inputs, y, row)), sizeof first[y]);
    struct nn_batch batch = {.n = 1, .inputs = inputs};
    const float *wanted = nn_engine_judge(whole, &batch);
    for (int k = 0; k < 7; k++)
        ck_assert_double_eq_tol((double)first[20][k], (double)wanted[k], 1e-5);
    /* Another frame that begins alike. */
    nn_engine_begin(rows);
    for (uint32_t y = 0; y < 21; y++) {
        const float *sample = y < 10 ? inputs : inputs + VALUES;
        const float *found = nn_engine_add_row(rows, row_of(sample, y, row));
        if (y < 10)
            ck_assert_mem_eq(found, first[y], sizeof first[y]);
    }
    free(inputs);
    nn_engine_destroy(rows);
    nn_engine_destroy(whole);
    nn_network_destroy(network);
}
END_TEST

/* _i: network, and rows taken at a time. */
START_TEST(prefixes_together_have_the_same_bits)
{
    struct nn_network *network = make_chain(_i % 2 ? causal_rows : plain_rows);
    size_t outputs = nn_shape_size(nn_network_output(network));
    struct nn_engine *single = make_rows(network);
    struct nn_engine_options options = nn_engine_options();
    options.by_rows = true;
    options.max_n = 1 + 3 * (uint32_t)(_i / 2);
    struct nn_engine *many;
    ck_assert_int_eq(nn_engine_create(network, &options, &many), 0);
    float *inputs = make_inputs(6);
    float rows[VALUES];
    float *together = room(21 * outputs * sizeof *together);
    for (int frame = 0; frame < 2; frame++) {
        for (uint32_t y = 0; y < 21; y++)
            row_of(inputs + frame * VALUES, y, rows + (size_t)y * 3 * 18);
        nn_engine_prefixes(many, rows, together);
        nn_engine_begin(single);
        for (uint32_t y = 0; y < 21; y++)
            ck_assert_mem_eq(nn_engine_add_row(single, rows + (size_t)y * 3 * 18),
                             together + y * outputs, outputs * sizeof *together);
    }
    free(together);
    free(inputs);
    nn_engine_destroy(single);
    nn_engine_destroy(many);
    nn_network_destroy(network);
}
END_TEST

static void refuse(const struct nn_layer_spec *specs, struct nn_engine_options options)
{
    struct nn_network *network = make_chain(specs);
    struct nn_engine *engine;
    ck_assert_int_eq(nn_engine_create(network, &options, &engine), -EINVAL);
    nn_network_destroy(network);
}

START_TEST(what_does_not_fit_is_refused)
{
    static const struct nn_layer_spec norm[] = {
        CONV(4, 3, 1, 1), {.kind = NN_LAYER_BATCH_NORM}, {.kind = NN_LAYER_DENSE, .units = 2}, {0}};
    struct nn_engine_options options = nn_engine_options();
    refuse(norm, options);
    options.max_n = 0;
    refuse(chains[0], options);
    options.max_n = 1;
    options.by_rows = true;
    refuse(chains[0], options);
    refuse(chains[2], options);
    refuse(chains[4], options);
    options.max_n = 1000;
    refuse(plain_rows, options);
    options = nn_engine_options();
    options.keeps_state = true;
    refuse(chains[2], options);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, reference_numbers_come_bit_for_bit, 0, NN_REFERENCE_COUNT);
    tcase_add_loop_test(tcase, reference_networks_answer_as_in_pytorch, 0, NN_REFERENCE_COUNT);
    tcase_add_loop_test(tcase, every_instruction_set_answers_alike, 0, NN_ISA_COUNT);
    tcase_add_loop_test(tcase, chains_are_judged_as_by_the_network, 0, CHAINS * NN_ISA_COUNT);
    tcase_add_loop_test(tcase, bits_depend_on_the_sample_alone, 0, CHAINS);
    tcase_add_test(tcase, state_goes_on_from_window_to_window);
    tcase_add_test(tcase, every_prefix_equals_the_frame_with_the_rest_missing);
    tcase_add_test(tcase, causal_rows_are_computed_once_and_look_no_further);
    tcase_add_loop_test(tcase, prefixes_together_have_the_same_bits, 0, 8);
    tcase_add_test(tcase, what_does_not_fit_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

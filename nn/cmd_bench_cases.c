/* What `tipwright bench nn` and `bench train` time: the reference networks. */
#include "nn/cmd_bench.h"
#include "nn/engine.h"
#include "nn/optimiser.h"
#include "nn/reference_nets.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a recorded frame at a time. */
enum { PREFIXES = 16 };

struct judge {
    struct nn_network *network;
    struct nn_engine *engine;
    struct nn_shape input;
    uint32_t n;
    float *inputs;
    float *outputs; /* of all prefixes */
};

static void destroy_judge(struct bench_subject *subject)
{
    struct judge *judge = subject->context;
    if (!judge)
        return;
    nn_engine_destroy(judge->engine);
    nn_network_destroy(judge->network);
    free(judge->inputs);
    free(judge->outputs);
    free(judge);
    subject->context = NULL;
}

/* The reference input over and over. */
static int fill_inputs(struct judge *judge, enum nn_reference_net which)
{
    size_t size = nn_shape_size(judge->input);
    uint32_t samples = nn_reference_samples(which);
    uint32_t room = judge->n > samples ? judge->n : samples;
    judge->inputs = malloc(room * size * sizeof *judge->inputs);
    if (!judge->inputs)
        return -ENOMEM;
    nn_reference_input(which, judge->inputs);
    for (uint32_t i = samples; i < room; i++)
        memcpy(judge->inputs + i * size, judge->inputs + i % samples * size,
               size * sizeof *judge->inputs);
    return 0;
}

static double farthest(const float *found, const float *wanted, size_t n, double so_far)
{
    for (size_t k = 0; k < n; k++) {
        double off = fabs((double)found[k] - (double)wanted[k]);
        so_far = off <= so_far ? so_far : off;
    }
    return so_far;
}

/* From what PyTorch answers. */
static double check_outputs(struct judge *judge, enum nn_reference_net which)
{
    size_t outputs = nn_shape_size(nn_network_output(judge->network));
    double worst = 0.0;
    nn_engine_begin(judge->engine);
    for (uint32_t i = 0; i < nn_reference_samples(which); i++) {
        struct nn_batch batch = {.n = 1, .inputs = judge->inputs + i * nn_shape_size(judge->input)};
        worst = farthest(nn_engine_judge(judge->engine, &batch),
                         nn_reference_output(which) + i * outputs, outputs, worst);
    }
    return worst;
}

static void run_judge(void *context)
{
    struct judge *judge = context;
    struct nn_batch batch = {.n = judge->n, .inputs = judge->inputs};
    nn_engine_judge(judge->engine, &batch);
}

/* A frame from its first row to its last, one at a time as a microscope brings them. */
static void run_rows(void *context)
{
    struct judge *judge = context;
    nn_engine_begin(judge->engine);
    for (uint32_t y = 0; y < judge->input.h; y++)
        nn_engine_add_row(judge->engine, judge->inputs + (size_t)y * judge->input.w);
}

/* A recorded frame, some rows at a time; each row's outputs all the same. */
static void run_prefixes(void *context)
{
    struct judge *judge = context;
    nn_engine_prefixes(judge->engine, judge->inputs, judge->outputs);
}

static int create_judge(enum nn_reference_net which, bool causal,
                        const struct nn_engine_options *options, struct bench_subject *subject)
{
    struct judge *judge = calloc(1, sizeof *judge);
    if (!judge)
        return -ENOMEM;
    subject->context = judge;
    judge->n = options->max_n;
    int error = nn_reference_create(which, causal, &judge->network);
    if (!error)
        error = nn_engine_create(judge->network, options, &judge->engine);
    if (!error) {
        judge->input = nn_network_input(judge->network);
        error = fill_inputs(judge, which);
    }
    if (error)
        destroy_judge(subject);
    return error;
}

static int create_whole(enum nn_reference_net which, uint32_t n, bool half,
                        struct bench_subject *ret_subject)
{
    struct nn_engine_options options = nn_engine_options();
    options.max_n = n;
    options.half_dense = half;
    options.keeps_state = which == NN_REFERENCE_C;
    int error = create_judge(which, false, &options, ret_subject);
    if (error)
        return error;
    ret_subject->run = run_judge;
    ret_subject->difference = check_outputs(ret_subject->context, which);
    return 0;
}

/* Of the frames from each tenth row on, and the whole one, against a full run with zeros below. */
static int check_prefixes(struct judge *judge, bool causal, double *ret_worst)
{
    struct nn_engine_options options = nn_engine_options();
    struct nn_engine *whole = NULL;
    size_t size = nn_shape_size(judge->input);
    size_t row = judge->input.w;
    float *so_far = calloc(size, sizeof *so_far);
    int error = so_far ? nn_engine_create(judge->network, &options, &whole) : -ENOMEM;
    double worst = 0.0;
    nn_engine_begin(judge->engine);
    for (uint32_t y = 0; y < judge->input.h && !error; y++) {
        memcpy(so_far + y * row, judge->inputs + y * row, row * sizeof *so_far);
        const float *found = nn_engine_add_row(judge->engine, judge->inputs + y * row);
        if (y + 1 < judge->input.h && (causal || y % 10 != 9))
            continue;
        struct nn_batch batch = {.n = 1, .inputs = so_far};
        worst = farthest(found, nn_engine_judge(whole, &batch),
                         nn_shape_size(nn_network_output(judge->network)), worst);
    }
    nn_engine_prefixes(judge->engine, judge->inputs, judge->outputs);
    size_t outputs = nn_shape_size(nn_network_output(judge->network));
    if (!error) {
        struct nn_batch batch = {.n = 1, .inputs = judge->inputs};
        worst = farthest(judge->outputs + (judge->input.h - 1) * outputs,
                         nn_engine_judge(whole, &batch), outputs, worst);
    }
    nn_engine_destroy(whole);
    free(so_far);
    *ret_worst = worst;
    return error;
}

static int create_rows(bool causal, bool recorded, struct bench_subject *ret_subject)
{
    struct nn_engine_options options = nn_engine_options();
    options.by_rows = true;
    options.max_n = recorded ? PREFIXES : 1;
    int error = create_judge(NN_REFERENCE_A, causal, &options, ret_subject);
    if (error)
        return error;
    ret_subject->run = recorded ? run_prefixes : run_rows;
    struct judge *judge = ret_subject->context;
    size_t outputs = judge->input.h * nn_shape_size(nn_network_output(judge->network));
    judge->outputs = malloc(outputs * sizeof *judge->outputs);
    error = judge->outputs ? check_prefixes(judge, causal, &ret_subject->difference) : -ENOMEM;
    if (error)
        destroy_judge(ret_subject);
    return error;
}

static int create_a(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_A, 1, false, ret_subject);
}

static int create_a_half(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_A, 1, true, ret_subject);
}

static int create_a_batch(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_A, 32, false, ret_subject);
}

static int create_a_rows(struct bench_subject *ret_subject)
{
    return create_rows(false, false, ret_subject);
}

static int create_a_prefixes(struct bench_subject *ret_subject)
{
    return create_rows(false, true, ret_subject);
}

static int create_a_causal(struct bench_subject *ret_subject)
{
    return create_rows(true, false, ret_subject);
}

static int create_b(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_B, 1, false, ret_subject);
}

static int create_c(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_C, 1, false, ret_subject);
}

static int create_c_half(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_C, 1, true, ret_subject);
}

static int create_d(struct bench_subject *ret_subject)
{
    return create_whole(NN_REFERENCE_D, 1, false, ret_subject);
}

#define JUDGE(title, who, net, n, ratio, off, units, make)                                         \
    {                                                                                              \
        .name = (title), .peer = (who), .parameters = {"judge", net, n}, .goal = (ratio),          \
        .tolerance = (off), .peer_units = (units), .create = (make), .destroy = destroy_judge      \
    }

const struct bench_case bench_nn_cases[] = {
    JUDGE("B, batch 1", "onnxruntime", "B", "1", 2.2, 1e-5, 1.0, create_b),
    JUDGE("A, batch 1", "onnxruntime", "A", "1", 2.2, 1e-5, 1.0, create_a),
    JUDGE("A, batch 1, half-precision dense", "onnxruntime", "A", "1", 3.0, 1e-3, 1.0,
          create_a_half),
    JUDGE("A, batch 32", "onnxruntime", "A", "32", 2.5, 1e-5, 1.0, create_a_batch),
    JUDGE("A, batch 32", "onednn", "A", "32", 1.6, 1e-5, 1.0, create_a_batch),
    JUDGE("C, one step", "onnxruntime", "C", "1", 2.5, 1e-5, 1.0, create_c),
    JUDGE("C, one step, half-precision dense", "onnxruntime", "C", "1", 2.5, 1e-3, 1.0,
          create_c_half),
    JUDGE("A, all 128 prefixes, live", "onnxruntime", "A", "1", 10.0, 1e-5, 128.0, create_a_rows),
    JUDGE("A, all 128 prefixes, recorded", "onnxruntime", "A", "1", 10.0, 1e-5, 128.0,
          create_a_prefixes),
    JUDGE("A row-causal, all 128 prefixes", "onnxruntime", "A", "1", 150.0, 1e-5, 128.0,
          create_a_causal),
    JUDGE("D, batch 1", "onnxruntime", "D", "1", 1.0, 1e-5, 1.0, create_d),
};
const size_t bench_nn_count = sizeof bench_nn_cases / sizeof *bench_nn_cases;

/* Batches of 32 with plain gradient descent, as the peers do it. */
enum { TRAIN_BATCH = 32, LABELS = 6 };

struct training {
    struct nn_network *network;
    struct nn_workspace *workspace;
    struct nn_optimiser *optimiser;
    float *inputs;
};

static void destroy_training(struct bench_subject *subject)
{
    struct training *training = subject->context;
    if (!training)
        return;
    nn_network_destroy(training->network);
    nn_workspace_destroy(training->workspace);
    nn_optimiser_destroy(training->optimiser);
    free(training->inputs);
    free(training);
    subject->context = NULL;
}

/* One step on half-way targets. The sigmoid's slope is part of the network here. */
static void run_training(void *context)
{
    struct training *training = context;
    struct nn_batch batch = {.n = TRAIN_BATCH, .inputs = training->inputs};
    const float *scores = nn_network_train(training->network, training->workspace, &batch);
    float grads[TRAIN_BATCH * LABELS];
    for (int i = 0; i < TRAIN_BATCH * LABELS; i++)
        grads[i] = (scores[i] - 0.5F) / (float)(TRAIN_BATCH * LABELS);
    const float *weight_grads =
        nn_network_learn(training->network, training->workspace, &batch, grads);
    size_t n;
    float *weights = nn_network_weights(training->network, &n);
    nn_optimiser_step(training->optimiser, 1e-3F, weight_grads, weights);
}

static int create_training(enum nn_reference_net which, struct bench_subject *ret_subject)
{
    struct training *training = calloc(1, sizeof *training);
    if (!training)
        return -ENOMEM;
    ret_subject->context = training;
    ret_subject->run = run_training;
    int error = nn_reference_create(which, false, &training->network);
    if (!error)
        error = nn_workspace_create(training->network, TRAIN_BATCH, true, &training->workspace);
    if (!error) {
        size_t n;
        nn_network_weights(training->network, &n);
        struct nn_optimiser_settings settings = {.kind = NN_OPTIMISER_SGD};
        error = nn_optimiser_create(&settings, n, &training->optimiser);
    }
    if (!error) {
        size_t size = nn_shape_size(nn_network_input(training->network));
        training->inputs = malloc(TRAIN_BATCH * size * sizeof *training->inputs);
        error = training->inputs ? 0 : -ENOMEM;
        for (size_t i = 0; i < TRAIN_BATCH * size && !error; i++)
            training->inputs[i] = (float)(i * 7919 % 1009) / 504.5F - 1.0F;
    }
    if (error)
        destroy_training(ret_subject);
    return error;
}

static int create_training_a(struct bench_subject *ret_subject)
{
    return create_training(NN_REFERENCE_A, ret_subject);
}

static int create_training_b(struct bench_subject *ret_subject)
{
    return create_training(NN_REFERENCE_B, ret_subject);
}

#define TRAIN(title, net, ratio, make)                                                             \
    {                                                                                              \
        .name = (title), .peer = "pytorch", .parameters = {"train", net, "32"}, .goal = (ratio),   \
        .peer_units = 1.0, .create = (make), .destroy = destroy_training                           \
    }

const struct bench_case bench_train_cases[] = {
    TRAIN("training A, steps of 32", "A", 2.5, create_training_a),
    TRAIN("training B, steps of 32", "B", 2.0, create_training_b),
};
const size_t bench_train_count = sizeof bench_train_cases / sizeof *bench_train_cases;

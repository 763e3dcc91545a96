/* Every layer against a naive one where there is one, and its gradients against differences. */
#include "nn/network.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3 };

#define SQUARE(kernel, stride)                                                                     \
    .kernel_rows = (kernel), .kernel_cols = (kernel), .stride_rows = (stride),                     \
    .stride_cols = (stride)
#define PADDED(size)                                                                               \
    .padding_top = (size), .padding_bottom = (size), .padding_left = (size), .padding_right = (size)

struct rig {
    struct nn_layer layer;
    struct nn_pass pass;
    struct nn_layer_memory memory;
    size_t in_size, out_size; /* of the whole batch */
    float *in, *out, *out_grad, *in_grad;
    float *weights, *weight_grads, *stats, *batch_stats, *kept, *scratch;
};

static float *room(size_t n)
{
    float *floats = calloc(n + 1, sizeof *floats);
    ck_assert_ptr_nonnull(floats);
    return floats;
}

/*
 * Values further apart than the difference quotient reaches, and as far from 0, so that no maximum
 * and no rectifier changes sides.
 */
static void fill(float *values, size_t n, uint64_t stream)
{
    uint32_t *ranks = calloc(n + 1, sizeof *ranks);
    ck_assert_ptr_nonnull(ranks);
    for (uint32_t i = 0; i < n; i++)
        ranks[i] = i;
    struct nn_random random = nn_random_seed(7, stream, 0);
    nn_random_shuffle(&random, ranks, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        values[i] = 0.03F * ((float)ranks[i] - 0.5F * (float)(n | 1));
    free(ranks);
}

static void set_up(struct rig *rig, struct nn_layer_spec spec, struct nn_shape shape)
{
    memset(rig, 0, sizeof *rig);
    ck_assert_int_eq(nn_layer_init(&spec, shape, &rig->layer), 0);
    rig->in_size = N * nn_shape_size(rig->layer.in);
    rig->out_size = N * nn_shape_size(rig->layer.out);
    rig->in = room(rig->in_size);
    rig->in_grad = room(rig->in_size);
    rig->out = room(rig->out_size);
    rig->out_grad = room(rig->out_size);
    rig->weights = room(rig->layer.weights);
    rig->weight_grads = room(rig->layer.weights);
    rig->stats = room(rig->layer.stats);
    rig->batch_stats = room(rig->layer.stats);
    rig->kept = room(N * rig->layer.kept);
    rig->scratch = room(rig->layer.scratch);
    fill(rig->in, rig->in_size, 1);
    fill(rig->out_grad, rig->out_size, 2);
    fill(rig->weights, rig->layer.weights, 3);
    fill(rig->stats, rig->layer.stats, 4);
    for (size_t i = 0; i < rig->layer.stats; i++)
        rig->stats[i] = fabsf(rig->stats[i]);
    rig->memory = (struct nn_layer_memory){.weights = rig->weights,
                                           .stats = rig->stats,
                                           .batch_stats = rig->batch_stats,
                                           .weight_grads = rig->weight_grads,
                                           .kept = rig->kept};
    rig->pass = (struct nn_pass){.n = N, .training = true, .seed = 5, .scratch = rig->scratch};
}

static void tear_down(struct rig *rig)
{
    float *all[] = {rig->in,           rig->in_grad, rig->out,         rig->out_grad, rig->weights,
                    rig->weight_grads, rig->stats,   rig->batch_stats, rig->kept,     rig->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* The scalar whose gradient is compared: out . out_grad. */
static double project(struct rig *rig)
{
    nn_layer_forward(&rig->layer, &rig->pass, &rig->memory, rig->in, rig->out);
    double sum = 0.0;
    for (size_t i = 0; i < rig->out_size; i++)
        sum += (double)rig->out[i] * (double)rig->out_grad[i];
    return sum;
}

static void compare(struct rig *rig, float *values, const float *grads, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        float held = values[i];
        float reach = 1e-2F;
        values[i] = held + reach;
        double up = project(rig);
        values[i] = held - reach;
        double down = project(rig);
        values[i] = held;
        double wanted = (up - down) / (2.0 * (double)reach);
        double error = fabs(wanted - (double)grads[i]) / (1.0 + fabs(wanted));
        ck_assert_msg(error < 4e-3, "%s %zu: difference %g, gradient %g", what, i, wanted,
                      (double)grads[i]);
    }
}

static void check_gradients(struct nn_layer_spec spec, struct nn_shape shape, bool training)
{
    struct rig rig;
    set_up(&rig, spec, shape);
    rig.pass.training = training;
    /* Gates that are neither open nor shut. */
    bool recurrent = spec.kind == NN_LAYER_GRU || spec.kind == NN_LAYER_LSTM;
    for (size_t i = 0; recurrent && i < rig.in_size; i++)
        rig.in[i] *= 0.2F;
    for (size_t i = 0; recurrent && i < rig.layer.weights; i++)
        rig.weights[i] *= 0.2F;
    float seen[N] = {1.0F, 0.55F, 0.1F};
    rig.pass.seen = seen;
    project(&rig);
    struct nn_layer_flow flow = {
        .in = rig.in, .out = rig.out, .out_grad = rig.out_grad, .in_grad = rig.in_grad};
    nn_layer_backward(&rig.layer, &rig.pass, &rig.memory, &flow);
    compare(&rig, rig.in, rig.in_grad, rig.in_size, "input");
    compare(&rig, rig.weights, rig.weight_grads, rig.layer.weights, "weight");
    tear_down(&rig);
}

static const struct nn_shape small = {2, 7, 6};

START_TEST(conv_gradients)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = NN_LAYER_CONV, .units = 3, SQUARE(3, 1), PADDED(1), .bias = 1},
        {.kind = NN_LAYER_CONV, .units = 2, SQUARE(5, 2), PADDED(2)},
        {.kind = NN_LAYER_CONV, .units = 2, SQUARE(4, 3), .bias = 1},
        {.kind = NN_LAYER_CONV, .units = 4, SQUARE(1, 1)},
        {.kind = NN_LAYER_CONV, .units = 2, SQUARE(7, 4), PADDED(6), .bias = 1},
    };
    check_gradients(specs[_i], small, true);
}
END_TEST

/* Rows and columns of their own; rows that end at the newest one, that skip, that jump. */
#define SHAPED(rows, cols, down, across)                                                           \
    .kernel_rows = (rows), .kernel_cols = (cols), .stride_rows = (down), .stride_cols = (across)

static const struct nn_layer_spec shaped[] = {
    {.kind = NN_LAYER_CONV, .units = 2, SHAPED(1, 4, 1, 2), .padding_left = 1, .padding_right = 2},
    {.kind = NN_LAYER_CONV, .units = 2, SHAPED(4, 2, 2, 1), .padding_top = 1, .padding_bottom = 2},
    {.kind = NN_LAYER_CONV, .units = 2, SHAPED(3, 3, 1, 1), .causal = 1, .bias = 1},
    {.kind = NN_LAYER_CONV, .units = 3, SHAPED(5, 3, 2, 2), .causal = 1, .padding_left = 1},
    {.kind = NN_LAYER_CONV, .units = 2, SHAPED(2, 6, 3, 1), .causal = 1, .bias = 1},
    {.kind = NN_LAYER_CONV, .units = 2, SHAPED(3, 1, 3, 1), .causal = 1},
};
enum { SHAPED_COUNT = sizeof shaped / sizeof *shaped };

START_TEST(shaped_conv_gradients)
{
    check_gradients(shaped[_i], small, true);
}
END_TEST

START_TEST(recurrent_gradients)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = NN_LAYER_GRU, .units = 3},
        {.kind = NN_LAYER_LSTM, .units = 3},
        {.kind = NN_LAYER_GRU, .units = 1},
        {.kind = NN_LAYER_LSTM, .units = 5},
    };
    check_gradients(specs[_i], small, true);
    check_gradients(specs[_i], (struct nn_shape){3, 1, 2}, true);
}
END_TEST

START_TEST(other_gradients)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = NN_LAYER_BATCH_NORM},
        {.kind = NN_LAYER_RELU},
        {.kind = NN_LAYER_SIGMOID},
        {.kind = NN_LAYER_LINEAR},
        {.kind = NN_LAYER_MAX_POOL, SQUARE(2, 2)},
        {.kind = NN_LAYER_MAX_POOL, SQUARE(3, 2)},
        {.kind = NN_LAYER_AVG_POOL, SQUARE(2, 2)},
        {.kind = NN_LAYER_AVG_POOL, SQUARE(3, 1)},
        {.kind = NN_LAYER_GLOBAL_POOL},
        {.kind = NN_LAYER_DENSE, .units = 4},
        {.kind = NN_LAYER_DROPOUT, .permille = 400},
        {.kind = NN_LAYER_MAX_POOL, SHAPED(1, 3, 1, 2)},
        {.kind = NN_LAYER_AVG_POOL, SHAPED(3, 2, 2, 1)},
        {.kind = NN_LAYER_PREFIX_POOL},
        {.kind = NN_LAYER_NOISE, .permille = 30},
    };
    check_gradients(specs[_i], small, true);
    check_gradients(specs[_i], small, false);
}
END_TEST

/* One output of a convolution, by its definition. */
static double conv_by_hand(const struct rig *rig, uint32_t i, uint32_t u, uint32_t oy, uint32_t ox)
{
    const struct nn_layer *layer = &rig->layer;
    const struct nn_layer_spec *s = &layer->spec;
    struct nn_shape in = layer->in;
    double sum = s->bias ? (double)rig->weights[s->units * nn_layer_taps(layer) + u] : 0.0;
    for (uint32_t c = 0; c < in.c; c++)
        for (uint32_t ky = 0; ky < s->kernel_rows; ky++)
            for (uint32_t kx = 0; kx < s->kernel_cols; kx++) {
                int y = (int)(oy * s->stride_rows + ky) - nn_layer_top(layer);
                int x = (int)(ox * s->stride_cols + kx) - (int)s->padding_left;
                if (y < 0 || x < 0 || y >= (int)in.h || x >= (int)in.w)
                    continue;
                size_t at = ((i * in.c + c) * in.h + (uint32_t)y) * in.w + (uint32_t)x;
                size_t tap = ((u * in.c + c) * s->kernel_rows + ky) * s->kernel_cols + kx;
                sum += (double)rig->in[at] * (double)rig->weights[tap];
            }
    return sum;
}

static void check_conv(const struct rig *rig)
{
    struct nn_shape out = rig->layer.out;
    size_t at = 0;
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t u = 0; u < out.c; u++)
            for (uint32_t y = 0; y < out.h; y++)
                for (uint32_t x = 0; x < out.w; x++, at++)
                    ck_assert_double_eq_tol((double)rig->out[at], conv_by_hand(rig, i, u, y, x),
                                            2e-4);
}

START_TEST(conv_is_its_definition)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = NN_LAYER_CONV, .units = 3, SQUARE(3, 1), PADDED(1), .bias = 1},
        {.kind = NN_LAYER_CONV, .units = 2, SQUARE(5, 2), PADDED(2)},
        {.kind = NN_LAYER_CONV, .units = 2, SQUARE(4, 3), PADDED(3), .bias = 1},
    };
    enum { SQUARES = sizeof specs / sizeof *specs };
    struct rig rig;
    set_up(&rig, _i < SQUARES ? specs[_i] : shaped[_i - SQUARES], (struct nn_shape){3, 9, 11});
    project(&rig);
    check_conv(&rig);
    /* A causal one goes another way outside of training. */
    rig.pass.training = false;
    memset(rig.out, 0, rig.out_size * sizeof *rig.out);
    project(&rig);
    check_conv(&rig);
    tear_down(&rig);
}
END_TEST

START_TEST(global_pool_ignores_rows_not_seen)
{
    struct rig rig;
    set_up(&rig, (struct nn_layer_spec){.kind = NN_LAYER_GLOBAL_POOL}, (struct nn_shape){1, 4, 2});
    const float frame[8] = {1.0F, 2.0F, 3.0F, 4.0F, 50.0F, 60.0F, 70.0F, 80.0F};
    const float seen[N] = {0.5F, 0.0F, 1.0F};
    for (int i = 0; i < N; i++)
        memcpy(rig.in + i * 8, frame, sizeof frame);
    rig.pass.seen = seen;
    project(&rig);
    const float wanted[2 * N] = {2.5F, 4.0F, 1.5F, 2.0F, 33.75F, 80.0F};
    for (int i = 0; i < 2 * N; i++)
        ck_assert_double_eq_tol((double)rig.out[i], (double)wanted[i], 1e-5);
    tear_down(&rig);
}
END_TEST

START_TEST(causal_rows_wait_for_their_block_and_look_no_further)
{
    static const uint32_t heights[SHAPED_COUNT] = {0, 0, 7, 3, 2, 2};
    struct rig rig;
    set_up(&rig, shaped[_i], small);
    const struct nn_layer *layer = &rig.layer;
    ck_assert_uint_eq(layer->out.h, heights[_i]);
    ck_assert(nn_layer_row_causal(layer));
    uint32_t stride = layer->spec.stride_rows;
    for (uint32_t rows = 0; rows < small.h; rows++)
        ck_assert_uint_eq(nn_layer_rows_after(layer, rows), rows / stride);
    float *before = room(rig.out_size);
    for (uint32_t y = 0; y < small.h; y++) {
        project(&rig);
        memcpy(before, rig.out, rig.out_size * sizeof *before);
        for (uint32_t k = 0; k < N * small.c; k++)
            for (uint32_t x = 0; x < small.w; x++)
                rig.in[(k * small.h + y) * small.w + x] += 1.0F + 0.3F * (float)(k * x);
        project(&rig);
        uint32_t w = layer->out.w;
        for (size_t at = 0; at < rig.out_size; at++) {
            uint32_t row = (uint32_t)(at / w) % layer->out.h;
            uint32_t newest = row * stride + stride - 1;
            bool sees = y <= newest && y + layer->spec.kernel_rows > newest;
            ck_assert_int_eq(sees, before[at] < rig.out[at] || before[at] > rig.out[at]);
        }
    }
    free(before);
    tear_down(&rig);
}
END_TEST

START_TEST(prefix_pool_holds_mean_and_maximum_so_far)
{
    struct rig rig;
    set_up(&rig, (struct nn_layer_spec){.kind = NN_LAYER_PREFIX_POOL}, (struct nn_shape){1, 4, 2});
    const float frame[8] = {-4.0F, -2.0F, 3.0F, 5.0F, 1.0F, 1.0F, 9.0F, -1.0F};
    memcpy(rig.in, frame, sizeof frame);
    project(&rig);
    const float wanted[8] = {-3.0F, 0.5F, 4.0F / 6.0F, 1.5F, -2.0F, 5.0F, 5.0F, 9.0F};
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol((double)rig.out[i], (double)wanted[i], 1e-6);
    ck_assert_uint_eq(nn_layer_rows_after(&rig.layer, 3), 3);
    tear_down(&rig);
}
END_TEST

/* Weights and inputs by a rule that PyTorch was given too. */
static float by_rule(size_t i)
{
    return (float)(0.5 * sin(1.7 * (double)i + 0.3));
}

/* (2, 3, 2) in, 2 units; what torch 1.13's GRU and LSTM say, (units, rows) */
START_TEST(recurrent_layers_are_those_of_pytorch)
{
    static const enum nn_layer_kind kinds[] = {NN_LAYER_GRU, NN_LAYER_LSTM};
    static const double wanted[2][6] = {
        {-0.04466456, -0.43734193, -0.26723441, -0.06664744, 0.16041535, 0.16350761},
        {0.09501047, 0.10123934, 0.15789370, -0.02902484, 0.05520954, 0.11183164}};
    struct rig rig;
    set_up(&rig, (struct nn_layer_spec){.kind = kinds[_i], .units = 2}, (struct nn_shape){2, 3, 2});
    for (size_t i = 0; i < rig.layer.weights; i++)
        rig.weights[i] = by_rule(i);
    for (size_t i = 0; i < 12; i++)
        rig.in[i] = 2.0F * by_rule(i + 100);
    for (int training = 0; training < 2; training++) {
        rig.pass.training = training;
        project(&rig);
        for (int i = 0; i < 6; i++)
            ck_assert_double_eq_tol((double)rig.out[i], wanted[_i][i], 1e-6);
    }
    tear_down(&rig);
}
END_TEST

START_TEST(bad_specs_are_refused)
{
    static const struct nn_layer_spec specs[] = {
        {.kind = (enum nn_layer_kind)0},
        {.kind = (enum nn_layer_kind)15},
        {.kind = NN_LAYER_CONV, .units = 0, SQUARE(3, 1)},
        {.kind = NN_LAYER_CONV, .units = 9000, SQUARE(3, 1)},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(0, 1)},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(3, 0)},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(3, 1), PADDED(3)},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(15, 1), PADDED(1)},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(3, 1), .bias = 2},
        {.kind = NN_LAYER_MAX_POOL, SQUARE(8, 2)},
        {.kind = NN_LAYER_AVG_POOL, SQUARE(2, 0)},
        {.kind = NN_LAYER_DENSE},
        {.kind = NN_LAYER_DROPOUT, .permille = 1000},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(3, 1), .causal = 2},
        {.kind = NN_LAYER_CONV, .units = 1, SQUARE(3, 1), .causal = 1, .padding_top = 1},
        {.kind = NN_LAYER_CONV, .units = 1, SHAPED(3, 3, 8, 1), .causal = 1},
        {.kind = NN_LAYER_CONV, .units = 1, SHAPED(3, 3, 1, 16)},
        {.kind = NN_LAYER_GRU},
        {.kind = NN_LAYER_LSTM, .units = 8193},
        {.kind = NN_LAYER_NOISE, .permille = 20000},
    };
    struct nn_layer layer;
    ck_assert_int_lt(nn_layer_init(&specs[_i], small, &layer), 0);
}
END_TEST

static const struct nn_layer_spec chain[] = {
    {.kind = NN_LAYER_CONV, .units = 4, SQUARE(3, 1), PADDED(1)},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_MAX_POOL, SQUARE(2, 2)},
    {.kind = NN_LAYER_CONV, .units = 3, SQUARE(3, 2), PADDED(1), .bias = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_SIGMOID},
    {.kind = NN_LAYER_GLOBAL_POOL},
    {.kind = NN_LAYER_DENSE, .units = 5},
};
enum { CHAIN = sizeof chain / sizeof *chain };

/* Norms after a dense layer too, and layers that only training knows. */
static const struct nn_layer_spec seasoned[] = {
    {.kind = NN_LAYER_NOISE, .permille = 100},
    {.kind = NN_LAYER_CONV, .units = 4, SQUARE(3, 2), .causal = 1},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_DENSE, .units = 6},
    {.kind = NN_LAYER_BATCH_NORM},
    {.kind = NN_LAYER_RELU},
    {.kind = NN_LAYER_DROPOUT, .permille = 500},
    {.kind = NN_LAYER_DENSE, .units = 5},
};
enum { SEASONED = sizeof seasoned / sizeof *seasoned };

static struct nn_network *make_network(const struct nn_layer_spec *specs, uint32_t n_specs)
{
    struct nn_network *network;
    ck_assert_int_eq(nn_network_create((struct nn_shape){2, 12, 10}, specs, n_specs, &network), 0);
    nn_network_randomise(network, 3);
    size_t n;
    float *stats = nn_network_stats(network, &n);
    fill(stats, n, 9);
    for (size_t i = 0; i < n; i++)
        stats[i] = fabsf(stats[i]);
    float *weights = nn_network_weights(network, &n);
    for (size_t i = 0; i < n; i++)
        weights[i] += 0.01F * (float)(i % 7);
    return network;
}

static struct nn_network *make_chain(void)
{
    return make_network(chain, CHAIN);
}

START_TEST(folding_keeps_the_function)
{
    struct nn_network *network = _i ? make_network(seasoned, SEASONED) : make_chain();
    struct nn_network *folded;
    ck_assert_int_eq(nn_network_fold(network, &folded), 0);
    ck_assert_uint_eq(nn_network_layer_count(folded), _i ? SEASONED - 4 : CHAIN - 2);
    struct nn_workspace *a;
    struct nn_workspace *b;
    ck_assert_int_eq(nn_workspace_create(network, 2, false, &a), 0);
    ck_assert_int_eq(nn_workspace_create(folded, 2, false, &b), 0);
    float in[2 * 240];
    fill(in, 480, 11);
    struct nn_batch batch = {.n = 2, .inputs = in};
    const float *x = nn_network_judge(network, a, &batch);
    const float *y = nn_network_judge(folded, b, &batch);
    for (int i = 0; i < 10; i++)
        ck_assert_double_eq_tol((double)x[i], (double)y[i], 1e-4);
    nn_workspace_destroy(a);
    nn_workspace_destroy(b);
    nn_network_destroy(network);
    nn_network_destroy(folded);
}
END_TEST

/* Beside a sample that has seen everything, all rows of the other are computed as well. */
START_TEST(rows_not_seen_are_left_out_and_change_nothing)
{
    struct nn_network *network = make_chain();
    struct nn_network *folded;
    ck_assert_int_eq(nn_network_fold(network, &folded), 0);
    struct nn_workspace *ws;
    ck_assert_int_eq(nn_workspace_create(folded, 2, false, &ws), 0);
    float in[2 * 240];
    fill(in, 480, 11);
    for (int rows = 1; rows <= 12; rows++) {
        const float seen[2] = {1.0F, (float)rows / 12.0F};
        float whole[10];
        struct nn_batch both = {.n = 2, .inputs = in, .seen = seen};
        memcpy(whole, nn_network_judge(folded, ws, &both), sizeof whole);
        struct nn_batch alone = {.n = 1, .inputs = in + 240, .seen = seen + 1};
        const float *part = nn_network_judge(folded, ws, &alone);
        for (int i = 0; i < 5; i++)
            ck_assert_double_eq_tol((double)part[i], (double)whole[5 + i], 1e-5);
    }
    nn_workspace_destroy(ws);
    nn_network_destroy(network);
    nn_network_destroy(folded);
}
END_TEST

static double network_loss(const struct nn_network *network, struct nn_workspace *ws,
                           const struct nn_batch *batch, const float *out_grad)
{
    const float *out = nn_network_train(network, ws, batch);
    double sum = 0.0;
    for (uint32_t i = 0; i < batch->n * 5; i++)
        sum += (double)out[i] * (double)out_grad[i];
    return sum;
}

START_TEST(gradients_run_through_the_chain)
{
    struct nn_network *network = make_chain();
    struct nn_workspace *ws;
    ck_assert_int_eq(nn_workspace_create(network, 4, true, &ws), 0);
    float in[4 * 240];
    float out_grad[20];
    fill(in, 960, 12);
    fill(out_grad, 20, 13);
    struct nn_batch batch = {.n = 4, .inputs = in};
    size_t n;
    float *weights = nn_network_weights(network, &n);
    float *grads = room(n);
    network_loss(network, ws, &batch, out_grad);
    memcpy(grads, nn_network_learn(network, ws, &batch, out_grad), n * sizeof *grads);
    unsigned far_off = 0;
    for (size_t i = 0; i < n; i++) {
        float held = weights[i];
        weights[i] = held + 1e-3F;
        double up = network_loss(network, ws, &batch, out_grad);
        weights[i] = held - 1e-3F;
        double down = network_loss(network, ws, &batch, out_grad);
        weights[i] = held;
        double wanted = (up - down) / 2e-3;
        far_off += fabs(wanted - (double)grads[i]) > 0.02 * (1.0 + fabs(wanted));
    }
    /* A step across a rectifier's or a maximum's edge may spoil a few differences. */
    ck_assert_uint_le(far_off, (unsigned)(n / 20));
    free(grads);
    nn_workspace_destroy(ws);
    nn_network_destroy(network);
}
END_TEST

START_TEST(networks_that_do_not_fit_are_refused)
{
    struct nn_network *network = NULL;
    const struct nn_shape shape = {1, 8, 8};
    const struct nn_layer_spec deep[] = {
        {.kind = NN_LAYER_MAX_POOL, SQUARE(4, 4)},
        {.kind = NN_LAYER_MAX_POOL, SQUARE(4, 4)},
    };
    ck_assert_int_eq(nn_network_create(shape, deep, 2, &network), -EINVAL);
    ck_assert_int_eq(nn_network_create(shape, deep, 0, &network), -EINVAL);
    ck_assert_int_eq(nn_network_create((struct nn_shape){1, 0, 8}, deep, 1, &network), -EINVAL);
    /* Each layer fits, all of them together would take hours. */
    struct nn_layer_spec wide[8];
    for (int i = 0; i < 8; i++)
        wide[i] =
            (struct nn_layer_spec){.kind = NN_LAYER_CONV, .units = 512, SQUARE(3, 1), PADDED(1)};
    ck_assert_int_eq(nn_network_create((struct nn_shape){1, 64, 64}, wide, 8, &network), -EINVAL);
    ck_assert_ptr_null(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layer");
    TCase *tcase = tcase_create("layer");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_loop_test(tcase, conv_gradients, 0, 5);
    tcase_add_loop_test(tcase, shaped_conv_gradients, 0, SHAPED_COUNT);
    tcase_add_loop_test(tcase, recurrent_gradients, 0, 4);
    tcase_add_loop_test(tcase, other_gradients, 0, 15);
    tcase_add_loop_test(tcase, conv_is_its_definition, 0, 3 + SHAPED_COUNT);
    tcase_add_loop_test(tcase, causal_rows_wait_for_their_block_and_look_no_further, 2,
                        SHAPED_COUNT);
    tcase_add_test(tcase, prefix_pool_holds_mean_and_maximum_so_far);
    tcase_add_loop_test(tcase, recurrent_layers_are_those_of_pytorch, 0, 2);
    tcase_add_test(tcase, global_pool_ignores_rows_not_seen);
    tcase_add_loop_test(tcase, bad_specs_are_refused, 0, 20);
    tcase_add_loop_test(tcase, folding_keeps_the_function, 0, 2);
    tcase_add_test(tcase, rows_not_seen_are_left_out_and_change_nothing);
    tcase_add_test(tcase, gradients_run_through_the_chain);
    tcase_add_test(tcase, networks_that_do_not_fit_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

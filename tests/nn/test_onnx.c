/* ONNX out and in: nothing is lost on the way, foreign graphs mean the same here, the rest is
 * refused by name. */
#include "make_networks.h"

#include "nn/bytes.h"
#include "nn/onnx_build.h"
#include "nn/onnx_read.h"
#include "nn/onnx_write.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(name) TEST_BINARY_DIR "/onnx-" name

static char error[400];

static struct nn_calibration some_calibration(uint64_t seed)
{
    struct nn_random random = nn_random_seed(seed, 3, 1);
    struct nn_calibration calibration = {.n = 3};
    for (uint32_t i = 0; i < calibration.n; i++) {
        struct nn_calibration_knot *knot = &calibration.knots[i];
        knot->seen = (float)(i + 1) / 3.0F;
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            knot->scale[k] = (float)(0.5 + nn_random_unit(&random));
            knot->offset[k] = (float)nn_random_normal(&random);
        }
        for (int d = 0; d < NN_DECISION_COUNT; d++) {
            float threshold = (float)(0.3 + 0.4 * nn_random_unit(&random));
            knot->decisions[d] = (struct nn_decision){
                .threshold = threshold, .low = threshold / 2.0F, .high = threshold + 0.1F};
        }
    }
    return calibration;
}

static struct nn_model *save_and_load(const char *path, const struct nn_model_parts *parts)
{
    struct nn_model *model = NULL;
    ck_assert_int_eq(nn_model_save(path, parts), 0);
    int code = nn_model_load(path, &model, error, sizeof error);
    ck_assert_msg(code == 0, "%s", error);
    return model;
}

static void assert_same_file(const char *one, const char *other)
{
    uint8_t *a, *b;
    size_t n, m;
    ck_assert_int_eq(nn_bytes_read_file(one, 1 << 24, &a, &n), 0);
    ck_assert_int_eq(nn_bytes_read_file(other, 1 << 24, &b, &m), 0);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(a, b, n);
    free(a);
    free(b);
}

/* Out and in again; the second model file must equal the first. */
static void go_round(const struct nn_model_parts *parts)
{
    struct nn_model *model = save_and_load(AT("out.tipnn"), parts);
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(nn_onnx_write(model, &data, &size), 0);
    struct nn_onnx_restored restored;
    int code = nn_onnx_restore(data, size, &restored, error, sizeof error);
    ck_assert_msg(code == 0, "%s", error);
    ck_assert_int_eq(nn_model_save(AT("back.tipnn"), &restored.parts), 0);
    assert_same_file(AT("out.tipnn"), AT("back.tipnn"));
    nn_onnx_restored_finish(&restored);
    free(data);
    nn_model_destroy(model);
    unlink(AT("out.tipnn"));
    unlink(AT("back.tipnn"));
}

START_TEST(every_network_comes_back_to_the_bit)
{
    unsigned which = (unsigned)_i;
    struct nn_model_member member = {.network = make_networks_make(which, 5),
                                     .answers = NN_MODEL_ALL_LABELS,
                                     .calibration = some_calibration(which)};
    go_round(&(struct nn_model_parts){.input = make_networks_input(which),
                                      .members = &member,
                                      .n_members = 1,
                                      .note = "a note; with 100 % of \"signs\"\nand lines",
                                      .recordings = "20111220\n20111221\n"});
    nn_network_destroy(member.network);
}
END_TEST

/* The third member answers four labels; its network is cut to as many outputs. */
static struct nn_network *four_outputs(const struct nn_input_spec *input)
{
    const struct nn_layer_spec layers[] = {{.kind = NN_LAYER_GLOBAL_POOL},
                                           {.kind = NN_LAYER_DENSE, .units = 4}};
    struct nn_network *network;
    ck_assert_int_eq(nn_network_create(nn_input_shape(input), layers, 2, &network), 0);
    nn_network_randomise(network, 9);
    return network;
}

START_TEST(ensembles_come_back_to_the_bit)
{
    struct nn_model_parts parts = {.input = make_networks_input(1),
                                   .n_members = 3,
                                   .combine = _i ? NN_COMBINE_VOTE : NN_COMBINE_MEAN,
                                   .note = ""};
    struct nn_model_member members[3];
    for (unsigned m = 0; m < 3; m++)
        members[m] = (struct nn_model_member){
            .network = m < 2 ? make_networks_make(1, m) : four_outputs(&parts.input),
            .answers = m < 2 ? (uint32_t)NN_MODEL_ALL_LABELS : 0x2DU,
            .calibration = some_calibration(m)};
    parts.members = members;
    go_round(&parts);
    for (unsigned m = 0; m < 3; m++)
        nn_network_destroy(members[m].network);
}
END_TEST

static struct nn_onnx_reading read_or_fail(const uint8_t *data, size_t size)
{
    struct nn_onnx_reading reading;
    int code = nn_onnx_read(data, size, &(struct nn_onnx_wish){0}, &reading, error, sizeof error);
    ck_assert_msg(code == 0, "%s", error);
    return reading;
}

/* (n, output) of a network over random inputs. */
static float *judge(const struct nn_network *network, uint32_t n, uint64_t seed, size_t *ret_size)
{
    struct nn_random random = nn_random_seed(seed, 1, 2);
    size_t in = nn_shape_size(nn_network_input(network));
    size_t out = nn_shape_size(nn_network_output(network));
    float *inputs = malloc(n * in * sizeof *inputs);
    float *outputs = malloc(n * out * sizeof *outputs);
    ck_assert(inputs && outputs);
    for (size_t i = 0; i < n * in; i++)
        inputs[i] = (float)nn_random_normal(&random);
    struct nn_workspace *workspace;
    ck_assert_int_eq(nn_workspace_create(network, n, false, &workspace), 0);
    struct nn_batch batch = {.n = n, .inputs = inputs};
    memcpy(outputs, nn_network_judge(network, workspace, &batch), n * out * sizeof *outputs);
    nn_workspace_destroy(workspace);
    free(inputs);
    *ret_size = n * out;
    return outputs;
}

static void assert_same_function(const struct nn_network *a, const struct nn_network *b)
{
    size_t n, m;
    float *of_a = judge(a, 2, 1, &n);
    float *of_b = judge(b, 2, 1, &m);
    ck_assert_uint_eq(n, m);
    for (size_t i = 0; i < n; i++)
        ck_assert_float_eq_tol(of_a[i], of_b[i], 1e-5F);
    free(of_a);
    free(of_b);
}

/* Our own files without their metadata are foreign files: read by what their nodes say. */
START_TEST(what_is_written_is_read_as_the_same_function)
{
    unsigned which = (unsigned)_i;
    struct nn_model_member member = {.network = make_networks_make(which, 6),
                                     .answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_model_parts parts = {
        .input = make_networks_input(which), .members = &member, .n_members = 1, .note = ""};
    struct nn_model *model = save_and_load(AT("same.tipnn"), &parts);
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(nn_onnx_write(model, &data, &size), 0);
    if (make_networks_prefix(which)) {
        struct nn_onnx_reading reading;
        ck_assert_int_eq(
            nn_onnx_read(data, size, &(struct nn_onnx_wish){0}, &reading, error, sizeof error),
            -EPROTO);
        ck_assert_ptr_nonnull(strstr(error, "node 'm0."));
    } else {
        struct nn_onnx_reading reading = read_or_fail(data, size);
        ck_assert(reading.sigmoid);
        ck_assert_ptr_null(reading.sequence);
        assert_same_function(reading.network, nn_model_network(model, 0));
        nn_network_destroy(reading.network);
    }
    free(data);
    nn_model_destroy(model);
    nn_network_destroy(member.network);
    unlink(AT("same.tipnn"));
}
END_TEST

static uint8_t *small_file(unsigned which, size_t *ret_size)
{
    struct nn_model_member member = {.network = make_networks_make(which, 6),
                                     .answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_model_parts parts = {
        .input = make_networks_input(which), .members = &member, .n_members = 1, .note = ""};
    struct nn_model *model = save_and_load(AT("small.tipnn"), &parts);
    uint8_t *data;
    ck_assert_int_eq(nn_onnx_write(model, &data, ret_size), 0);
    nn_model_destroy(model);
    nn_network_destroy(member.network);
    unlink(AT("small.tipnn"));
    return data;
}

/* Output i is the file's output order[i], for dense layers and convolutions alike. */
START_TEST(outputs_are_put_in_the_order_asked_for)
{
    unsigned which = _i ? 2 : 1;
    static const uint32_t order[] = {3, 0, 5, 1, 4, 2};
    size_t size, n, m;
    uint8_t *data = small_file(which, &size);
    struct nn_onnx_reading plain = read_or_fail(data, size), ordered;
    struct nn_onnx_wish wish = {.order = order, .n_order = 6};
    ck_assert_int_eq(nn_onnx_read(data, size, &wish, &ordered, error, sizeof error), 0);
    float *before = judge(plain.network, 1, 3, &n);
    float *after = judge(ordered.network, 1, 3, &m);
    ck_assert_uint_eq(n, m);
    size_t rows = n / 6;
    for (size_t i = 0; i < n; i++)
        ck_assert_float_eq(after[i], before[order[i / rows] * rows + i % rows]);
    wish.n_order = 5;
    struct nn_onnx_reading none;
    ck_assert_int_eq(nn_onnx_read(data, size, &wish, &none, error, sizeof error), -EPROTO);
    free(before);
    free(after);
    free(data);
    nn_network_destroy(plain.network);
    nn_network_destroy(ordered.network);
}
END_TEST

/* Bytes of a file with one string replaced by another of the same length. */
static void replace(uint8_t *data, size_t size, const char *from, const char *to)
{
    size_t n = strlen(from), found = 0;
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(data + i, from, n) == 0) {
            memcpy(data + i, to, n);
            found++;
        }
    ck_assert_uint_gt(found, 0);
}

START_TEST(metadata_and_graph_must_tell_the_same_story)
{
    size_t size;
    uint8_t *data = small_file(1, &size);
    struct nn_onnx_restored restored;
    replace(data, size, "GlobalMaxPool", "GlobalMinPool");
    ck_assert_int_eq(nn_onnx_restore(data, size, &restored, error, sizeof error), -EPROTO);
    ck_assert_ptr_nonnull(strstr(error, "not the one that its metadata describes"));
    replace(data, size, "tipwright.format", "tipwright.former");
    ck_assert_int_eq(nn_onnx_restore(data, size, &restored, error, sizeof error), -ENOENT);
    free(data);
}
END_TEST

START_TEST(damage_is_refused_and_never_crashes)
{
    size_t size;
    uint8_t *data = small_file((unsigned)_i, &size);
    struct nn_random random = nn_random_seed(11, 12, (uint64_t)_i);
    for (uint32_t round = 0; round < 400; round++) {
        uint8_t *copy = malloc(size);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, data, size);
        size_t kept = round % 2 ? size : nn_random_below(&random, (uint32_t)size);
        for (uint32_t k = 0; k < 1 + round % 8; k++)
            copy[nn_random_below(&random, (uint32_t)size)] = (uint8_t)nn_random_below(&random, 256);
        struct nn_onnx_restored restored;
        if (nn_onnx_restore(copy, kept, &restored, error, sizeof error) == 0)
            nn_onnx_restored_finish(&restored);
        struct nn_onnx_reading reading;
        if (nn_onnx_read(copy, kept, &(struct nn_onnx_wish){0}, &reading, error, sizeof error) ==
            0) {
            nn_network_destroy(reading.network);
            nn_network_destroy(reading.sequence);
        }
        free(copy);
    }
    free(data);
}
END_TEST

static float *read_floats(const char *name, const char *what, size_t *ret_n)
{
    char path[512];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/tests/nn/onnx/%s.%s.f32", name, what);
    ck_assert_int_eq(nn_bytes_read_file(path, 1 << 20, &data, &size), 0);
    float *values = malloc(size);
    ck_assert_ptr_nonnull(values);
    struct nn_bytes_reader reader = {.at = data, .left = size};
    nn_bytes_get_f32s(&reader, values, size / 4);
    free(data);
    *ret_n = size / 4;
    return values;
}

static struct nn_onnx_reading read_torch(const char *name)
{
    char path[512];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/tests/nn/onnx/%s.onnx", name);
    ck_assert_int_eq(nn_bytes_read_file(path, 1 << 20, &data, &size), 0);
    struct nn_onnx_reading reading = read_or_fail(data, size);
    free(data);
    return reading;
}

static const char *const torch_networks[] = {"norms",     "means-maxima", "maxima", "gru-last",
                                             "gru-state", "lstm-all",     "moved"};

/* Written, and their outputs computed, by PyTorch: tests/nn/onnx/make.py. */
START_TEST(networks_from_pytorch_give_its_outputs)
{
    const char *name = torch_networks[_i];
    struct nn_onnx_reading reading = read_torch(name);
    size_t n_in, n_out;
    float *inputs = read_floats(name, "in", &n_in), *wanted = read_floats(name, "out", &n_out);
    struct nn_shape out = nn_network_output(reading.network);
    uint32_t n = (uint32_t)(n_in / nn_shape_size(nn_network_input(reading.network)));
    /* Where only the last row is asked for, the others are there, too. */
    bool all = n * nn_shape_size(out) == n_out;
    ck_assert(all || n * out.c == n_out);
    struct nn_workspace *workspace;
    ck_assert_int_eq(nn_workspace_create(reading.network, n, false, &workspace), 0);
    struct nn_batch batch = {.n = n, .inputs = inputs};
    const float *got = nn_network_judge(reading.network, workspace, &batch);
    for (size_t i = 0; i < n_out; i++) {
        float logit = all ? got[i] : got[(i + 1) * out.h - 1];
        float value = reading.sigmoid ? 1.0F / (1.0F + expf(-logit)) : logit;
        ck_assert_float_eq_tol(value, wanted[i], 1e-5F);
    }
    nn_workspace_destroy(workspace);
    nn_network_destroy(reading.network);
    free(inputs);
    free(wanted);
}
END_TEST

START_TEST(a_causal_convolution_is_known_as_one)
{
    struct nn_onnx_reading reading = read_torch("gru-last");
    ck_assert(nn_network_row_causal(reading.network));
    nn_network_destroy(reading.network);
    reading = read_torch("norms");
    ck_assert(!nn_network_row_causal(reading.network));
    nn_network_destroy(reading.network);
}
END_TEST

/* A graph of one's own: packs it, reads it, throws it away. */
static int read_build(struct onnx_build *build, struct nn_onnx_reading *ret_reading)
{
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(onnx_build_pack(build, &data, &size), 0);
    int code =
        nn_onnx_read(data, size, &(struct nn_onnx_wish){0}, ret_reading, error, sizeof error);
    free(data);
    onnx_build_destroy(build);
    return code;
}

static const char *node(struct onnx_build *build, const char *op, const char *output,
                        const char *first, const char *second)
{
    const char *inputs[] = {first, second};
    return onnx_build_node(build, op, output, inputs, second ? 2 : 1);
}

enum { H = 8, W = 3, C = 2, UNITS = 6 };

/*
 * As Keras writes it: channels last, moved before and after the convolution, flattened in the order
 * rows, columns, channels, a product and a sum instead of a dense layer.
 */
static struct onnx_build *channels_last(const float *kernel, const float *matrix, const float *bias)
{
    struct onnx_build *b = onnx_build_create();
    onnx_build_input(b, "x", (int64_t[]){-1, H, W, C}, 4);
    node(b, "Transpose", "first", "x", NULL);
    onnx_build_ints(b, "perm", (int64_t[]){0, 3, 1, 2}, 4);
    onnx_build_floats(b, "kernel", kernel, (int64_t[]){C, C, 1, 1}, 4);
    node(b, "Conv", "conv", "first", "kernel");
    node(b, "Transpose", "last", "conv", NULL);
    onnx_build_ints(b, "perm", (int64_t[]){0, 2, 3, 1}, 4);
    onnx_build_int64s(b, "flat.shape", (int64_t[]){-1, H * W * C}, 2);
    node(b, "Reshape", "flat", "last", "flat.shape");
    onnx_build_floats(b, "matrix", matrix, (int64_t[]){H * W * C, UNITS}, 2);
    node(b, "MatMul", "product", "flat", "matrix");
    onnx_build_floats(b, "bias", bias, (int64_t[]){UNITS}, 1);
    node(b, "Add", "sum", "product", "bias");
    node(b, "Sigmoid", "y", "sum", NULL);
    onnx_build_output(b, "y", (int64_t[]){-1, UNITS}, 2);
    return b;
}

START_TEST(channels_last_graphs_mean_the_same)
{
    float kernel[C * C], matrix[H * W * C * UNITS], bias[UNITS], x[C * H * W];
    struct nn_random random = nn_random_seed(4, 5, 6);
    float *const arrays[] = {kernel, matrix, bias, x};
    const size_t sizes[] = {C * C, H * W * C * UNITS, UNITS, C * H * W};
    for (int a = 0; a < 4; a++)
        for (size_t i = 0; i < sizes[a]; i++)
            arrays[a][i] = (float)nn_random_normal(&random);
    struct nn_onnx_reading reading;
    ck_assert_msg(read_build(channels_last(kernel, matrix, bias), &reading) == 0, "%s", error);
    ck_assert(reading.sigmoid);
    struct nn_workspace *workspace;
    ck_assert_int_eq(nn_workspace_create(reading.network, 1, false, &workspace), 0);
    struct nn_batch batch = {.n = 1, .inputs = x};
    const float *y = nn_network_judge(reading.network, workspace, &batch);
    for (int u = 0; u < UNITS; u++) {
        double wanted = (double)bias[u];
        for (int p = 0; p < H * W; p++)
            for (int to = 0; to < C; to++)
                for (int from = 0; from < C; from++)
                    wanted += (double)(kernel[to * C + from] * x[from * H * W + p] *
                                       matrix[(p * C + to) * UNITS + u]);
        ck_assert_double_eq_tol((double)y[u], wanted, 1e-4);
    }
    nn_workspace_destroy(workspace);
    nn_network_destroy(reading.network);
}
END_TEST

/* A frame, one node named "odd", and a dense layer after it. */
static struct onnx_build *around(const char *op, const char *second)
{
    static const float weights[C * H * W * UNITS];
    struct onnx_build *b = onnx_build_create();
    onnx_build_input(b, "x", (int64_t[]){-1, C, H, W}, 4);
    onnx_build_floats(b, "channels", weights, (int64_t[]){1, C, 1, 1}, 4);
    onnx_build_floats(b, "kernel", weights, (int64_t[]){C, C, 1, 1}, 4);
    onnx_build_floats(b, "matrix", weights, (int64_t[]){C * H * W, UNITS}, 2);
    node(b, "Relu", "before", "x", NULL);
    node(b, op, "odd", "before", second);
    return b;
}

static void finish(struct onnx_build *b)
{
    node(b, "Flatten", "flat", "odd", NULL);
    node(b, "MatMul", "y", "flat", "matrix");
    onnx_build_output(b, "y", (int64_t[]){-1, UNITS}, 2);
}

static void assert_refused(struct onnx_build *b, const char *words)
{
    struct nn_onnx_reading reading;
    finish(b);
    ck_assert_int_eq(read_build(b, &reading), -EPROTO);
    ck_assert_msg(strstr(error, words) != NULL, "'%s' does not say '%s'", error, words);
}

START_TEST(the_frame_of_the_refusals_is_read)
{
    struct nn_onnx_reading reading;
    struct onnx_build *b = around("Conv", "kernel");
    finish(b);
    ck_assert_msg(read_build(b, &reading) == 0, "%s", error);
    nn_network_destroy(reading.network);
}
END_TEST

START_TEST(what_is_not_supported_is_named)
{
    assert_refused(around("Tanh", NULL), "node 'odd' (Tanh): this operator is not supported");
    assert_refused(around("Softmax", NULL), "node 'odd' (Softmax): not supported: several labels");
    assert_refused(around("Add", "before"), "node 'odd' (Add): branches");
    assert_refused(around("Add", "nowhere"), "it reads 'nowhere', which nothing before it gives");
    struct onnx_build *b = around("Conv", "kernel");
    onnx_build_int(b, "flavour", 3);
    assert_refused(b, "node 'odd' (Conv): attribute 'flavour' is not supported");
    b = around("MaxPool", NULL);
    onnx_build_ints(b, "kernel_shape", (int64_t[]){3, 3}, 2);
    onnx_build_ints(b, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    assert_refused(b, "node 'odd' (MaxPool): pools with padding");
    b = around("Conv", "kernel");
    onnx_build_int(b, "group", 2);
    assert_refused(b, "node 'odd' (Conv): its weights do not fit");
    b = around("Transpose", NULL);
    onnx_build_ints(b, "perm", (int64_t[]){0, 1, 3, 3}, 4);
    assert_refused(b, "node 'odd' (Transpose): it does not fit");
    b = around("GlobalAveragePool", NULL);
    assert_refused(b, "node 'y' (MatMul): it does not read whole samples");
}
END_TEST

/* The number of nodes where a chain of them still passes, and beyond. */
START_TEST(more_layers_than_a_network_may_have_are_refused)
{
    struct onnx_build *b = around("Relu", NULL);
    const char *last = "odd";
    for (int i = 0; i < NN_NETWORK_LAYERS_MAX; i++)
        last = node(b, "Relu", onnx_build_name(b, "relu%d", i), last, NULL);
    assert_refused(b, "is beyond a maximum");
}
END_TEST

START_TEST(an_open_size_must_be_given)
{
    struct onnx_build *b = onnx_build_create();
    onnx_build_input(b, "x", (int64_t[]){-1, 1, -1, W}, 4);
    node(b, "Relu", "y", "x", NULL);
    onnx_build_output(b, "y", (int64_t[]){-1, 1, -1, W}, 4);
    uint8_t *data;
    size_t size;
    ck_assert_int_eq(onnx_build_pack(b, &data, &size), 0);
    onnx_build_destroy(b);
    struct nn_onnx_reading reading;
    struct nn_onnx_wish wish = {0};
    ck_assert_int_eq(nn_onnx_read(data, size, &wish, &reading, error, sizeof error), -EPROTO);
    wish.input.h = 21;
    ck_assert_int_eq(nn_onnx_read(data, size, &wish, &reading, error, sizeof error), 0);
    ck_assert_uint_eq(nn_network_input(reading.network).h, 21);
    nn_network_destroy(reading.network);
    wish.input.w = W + 1;
    ck_assert_int_eq(nn_onnx_read(data, size, &wish, &reading, error, sizeof error), -EPROTO);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx");
    TCase *tcase = tcase_create("onnx");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_network_comes_back_to_the_bit, 0, MAKE_NETWORKS);
    tcase_add_loop_test(tcase, ensembles_come_back_to_the_bit, 0, 2);
    tcase_add_loop_test(tcase, what_is_written_is_read_as_the_same_function, 0, MAKE_NETWORKS);
    tcase_add_loop_test(tcase, outputs_are_put_in_the_order_asked_for, 0, 2);
    tcase_add_test(tcase, metadata_and_graph_must_tell_the_same_story);
    tcase_add_loop_test(tcase, damage_is_refused_and_never_crashes, 0, MAKE_NETWORKS);
    tcase_add_loop_test(tcase, networks_from_pytorch_give_its_outputs, 0,
                        sizeof torch_networks / sizeof *torch_networks);
    tcase_add_test(tcase, a_causal_convolution_is_known_as_one);
    tcase_add_test(tcase, channels_last_graphs_mean_the_same);
    tcase_add_test(tcase, the_frame_of_the_refusals_is_read);
    tcase_add_test(tcase, what_is_not_supported_is_named);
    tcase_add_test(tcase, more_layers_than_a_network_may_have_are_refused);
    tcase_add_test(tcase, an_open_size_must_be_given);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/*
 * onnx_judge FILE.onnx INPUT.f32 OUTPUT.f32 [STEPS]: reads another program's network, runs it on
 * the inputs and prints the largest difference from the outputs. STEPS: for one step of a network
 * that is handed its state, of which the inputs are windows in order.
 */
#include "nn/bytes.h"
#include "nn/onnx_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct array {
    float *values;
    size_t n;
};

static void need(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "onnx_judge: %s\n", what);
    exit(1);
}

static struct array read_floats(const char *path)
{
    uint8_t *data;
    size_t size;
    need(nn_bytes_read_file(path, 1U << 30, &data, &size) == 0, path);
    struct array array = {.values = malloc(size + 1), .n = size / 4};
    need(array.values != NULL, "memory");
    struct nn_bytes_reader reader = {.at = data, .left = size};
    nn_bytes_get_f32s(&reader, array.values, array.n);
    free(data);
    return array;
}

static struct array judge(const struct nn_network *network, const float *inputs, uint32_t n)
{
    struct nn_workspace *workspace = NULL;
    struct array array = {.n = n * nn_shape_size(nn_network_output(network))};
    array.values = malloc(array.n * sizeof(float));
    need(array.values && nn_workspace_create(network, n, false, &workspace) == 0, "memory");
    struct nn_batch batch = {.n = n, .inputs = inputs};
    memcpy(array.values, nn_network_judge(network, workspace, &batch), array.n * sizeof(float));
    nn_workspace_destroy(workspace);
    return array;
}

/* (n, c, h) with one row for each verdict, of which the file gives only the last. */
static struct array last_rows(struct array all, struct nn_shape out)
{
    size_t n = all.n / out.h;
    for (size_t i = 0; i < n; i++)
        all.values[i] = all.values[i * out.h + out.h - 1];
    return (struct array){.values = all.values, .n = n};
}

static struct array turned(struct array all, size_t rows, size_t cols)
{
    struct array turned = {.values = malloc(all.n * sizeof(float)), .n = all.n};
    need(turned.values != NULL, "memory");
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            turned.values[c * rows + r] = all.values[r * cols + c];
    free(all.values);
    return turned;
}

int main(int argc, char **argv)
{
    need(argc > 3, "onnx_judge FILE.onnx INPUT.f32 OUTPUT.f32 [STEPS]");
    struct nn_onnx_wish wish = {.steps = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0};
    struct array input = read_floats(argv[2]), wanted = read_floats(argv[3]);
    uint8_t *data;
    size_t size;
    char error[400];
    struct nn_onnx_reading net;
    need(nn_bytes_read_file(argv[1], NN_ONNX_BYTES_MAX, &data, &size) == 0, argv[1]);
    need(nn_onnx_read(data, size, &wish, &net, error, sizeof error) == 0, error);
    free(data);

    struct nn_shape out = nn_network_output(net.network);
    uint32_t n = (uint32_t)(input.n / nn_shape_size(nn_network_input(net.network)));
    struct array got = judge(net.network, input.values, n);
    if (net.sequence) {
        need(n == wish.steps && nn_shape_size(out) == out.c, "not one window for each step");
        got = turned(got, n, out.c);
        out = nn_network_output(net.sequence);
        struct array verdicts = judge(net.sequence, got.values, 1);
        free(got.values);
        got = turned(verdicts, out.c, n);
    } else if (out.h > 1 && wanted.n < got.n) {
        got = last_rows(got, out);
    }
    need(got.n == wanted.n, "another number of outputs");
    double worst = 0.0;
    for (size_t i = 0; i < got.n; i++) {
        double value = (double)got.values[i];
        value = net.sigmoid ? 1.0 / (1.0 + exp(-value)) : value;
        double difference = fabs(value - (double)wanted.values[i]);
        if (!(difference <= worst)) /* NaN is the worst */
            worst = difference;
    }
    printf("%.3g\n", worst);
    free(got.values);
    free(input.values);
    free(wanted.values);
    nn_network_destroy(net.network);
    nn_network_destroy(net.sequence);
    return worst <= 1e-5 ? 0 : 1;
}

/*
 * onnx_make DIR [MODEL.tipnn...]: DIR/NAME.onnx for each model and, without models, for small
 * networks of every kind of layer and two ensembles; beside it two inputs (NAME.planes.f32) and
 * what we compute from them (NAME.scores.f32, NAME.logits.M.f32).
 */
#include "nn/bytes.h"
#include "nn/onnx_write.h"
#include "nn/random.h"
#include "tests/nn/make_networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 2 };

static void need(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "onnx_make: %s\n", what);
    exit(1);
}

static void write_floats(const char *stem, const char *what, const float *values, size_t n)
{
    char path[4096];
    struct nn_bytes_writer writer = {0};
    nn_bytes_put_f32s(&writer, values, n);
    snprintf(path, sizeof path, "%s.%s.f32", stem, what);
    need(!writer.failed && nn_bytes_write_file(path, writer.data, writer.size) == 0, path);
    free(writer.data);
}

/* (SAMPLES, output) of one member, owned by the caller. */
static float *judge(const struct nn_network *network, const float *inputs)
{
    struct nn_workspace *workspace = NULL;
    size_t size = SAMPLES * nn_shape_size(nn_network_output(network));
    float *outputs = malloc(size * sizeof *outputs);
    need(outputs && nn_workspace_create(network, SAMPLES, false, &workspace) == 0, "memory");
    struct nn_batch batch = {.n = SAMPLES, .inputs = inputs};
    memcpy(outputs, nn_network_judge(network, workspace, &batch), size * sizeof *outputs);
    nn_workspace_destroy(workspace);
    return outputs;
}

/* Row r of sample s of every member, put together. logits: (members) of what judge gives. */
static void score_row(const struct nn_model *model, float *const *logits, uint32_t s, uint32_t r,
                      uint32_t rows, float *ret_scores)
{
    float all[NN_MODEL_MEMBERS_MAX * NN_LABEL_COUNT];
    for (uint32_t m = 0; m < nn_model_members(model); m++) {
        struct nn_shape out = nn_network_output(nn_model_network(model, m));
        uint32_t row = out.h == rows ? r : out.h - 1;
        float row_logits[NN_LABEL_COUNT];
        for (uint32_t k = 0; k < out.c; k++)
            row_logits[k] = logits[m][(s * out.c + k) * out.h + row];
        nn_model_place(nn_model_answers(model, m), row_logits, all + m * NN_LABEL_COUNT);
    }
    nn_model_scores(model, (float)(r + 1) / (float)rows, all, ret_scores);
}

static void write_scores(const char *stem, const struct nn_model *model, float *const *logits)
{
    uint32_t rows = nn_network_output(nn_model_network(model, 0)).h;
    for (uint32_t m = 1; m < nn_model_members(model); m++)
        if (nn_network_output(nn_model_network(model, m)).h != rows)
            rows = 1;
    float *scores = malloc(SAMPLES * NN_LABEL_COUNT * rows * sizeof *scores);
    need(scores != NULL, "memory");
    for (uint32_t s = 0; s < SAMPLES; s++)
        for (uint32_t r = 0; r < rows; r++) {
            float row[NN_LABEL_COUNT];
            score_row(model, logits, s, r, rows, row);
            for (uint32_t k = 0; k < NN_LABEL_COUNT; k++)
                scores[(s * NN_LABEL_COUNT + k) * rows + r] = row[k];
        }
    write_floats(stem, "scores", scores, SAMPLES * NN_LABEL_COUNT * rows);
    free(scores);
}

static void make(const char *folder, const char *name, const struct nn_model *model)
{
    char stem[2048], path[2100];
    snprintf(stem, sizeof stem, "%s/%s", folder, name);
    uint8_t *data;
    size_t size;
    need(nn_onnx_write(model, &data, &size) == 0, "cannot be written as ONNX");
    snprintf(path, sizeof path, "%s.onnx", stem);
    need(nn_bytes_write_file(path, data, size) == 0, path);
    free(data);

    size_t n = SAMPLES * nn_shape_size(nn_input_shape(nn_model_input(model)));
    float *inputs = malloc(n * sizeof *inputs);
    need(inputs != NULL, "memory");
    struct nn_random random = nn_random_seed(1, 2, 3);
    for (size_t i = 0; i < n; i++)
        inputs[i] = (float)nn_random_normal(&random);
    write_floats(stem, "planes", inputs, n);
    float *logits[NN_MODEL_MEMBERS_MAX];
    for (uint32_t m = 0; m < nn_model_members(model); m++) {
        const struct nn_network *network = nn_model_network(model, m);
        char what[32];
        logits[m] = judge(network, inputs);
        snprintf(what, sizeof what, "logits.%u", (unsigned)m);
        write_floats(stem, what, logits[m], SAMPLES * nn_shape_size(nn_network_output(network)));
    }
    write_scores(stem, model, logits);
    for (uint32_t m = 0; m < nn_model_members(model); m++)
        free(logits[m]);
    free(inputs);
}

static struct nn_model *load(const char *path)
{
    struct nn_model *model;
    char error[300];
    need(nn_model_load(path, &model, error, sizeof error) == 0, error);
    return model;
}

static struct nn_calibration calibration_of(uint64_t seed)
{
    struct nn_random random = nn_random_seed(seed, 3, 1);
    struct nn_calibration calibration = nn_calibration_identity();
    calibration.n = 2;
    calibration.knots[1] = calibration.knots[0];
    calibration.knots[0].seen = 0.5F;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            calibration.knots[i].scale[k] = (float)(0.5 + nn_random_unit(&random));
            calibration.knots[i].offset[k] = (float)nn_random_normal(&random);
        }
    return calibration;
}

/* n members of the shape of network `which`. */
static void make_small(const char *folder, const char *name, unsigned which, unsigned n,
                       enum nn_combine combine)
{
    struct nn_model_member members[NN_MODEL_MEMBERS_MAX];
    for (unsigned m = 0; m < n; m++)
        members[m] = (struct nn_model_member){.network = make_networks_make(which, 10 + m),
                                              .answers = NN_MODEL_ALL_LABELS,
                                              .calibration = calibration_of(which + m)};
    struct nn_model_parts parts = {.input = make_networks_input(which),
                                   .members = members,
                                   .n_members = n,
                                   .combine = combine,
                                   .note = name};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.tipnn", folder, name);
    need(nn_model_save(path, &parts) == 0, path);
    struct nn_model *model = load(path);
    make(folder, name, model);
    nn_model_destroy(model);
    for (unsigned m = 0; m < n; m++)
        nn_network_destroy(members[m].network);
}

int main(int argc, char **argv)
{
    need(argc > 1, "onnx_make DIR [MODEL.tipnn...]");
    for (int i = 2; i < argc; i++) {
        char name[32];
        struct nn_model *model = load(argv[i]);
        snprintf(name, sizeof name, "model%d", i - 2);
        make(argv[1], name, model);
        nn_model_destroy(model);
    }
    for (unsigned which = 0; which < MAKE_NETWORKS && argc == 2; which++) {
        char name[32];
        snprintf(name, sizeof name, "network%u", which);
        make_small(argv[1], name, which, 1, NN_COMBINE_MEAN);
    }
    if (argc == 2) {
        make_small(argv[1], "mean", 2, 3, NN_COMBINE_MEAN);
        make_small(argv[1], "vote", 1, 4, NN_COMBINE_VOTE);
    }
    return 0;
}

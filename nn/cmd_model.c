/* tipwright model: looks into models; ONNX in and out. */
#include "nn/cmd_model.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/bytes.h"
#include "nn/input_text.h"
#include "nn/onnx_write.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright model show MODEL.tipnn\n"
          "       tipwright model export MODEL.tipnn -o FILE.onnx\n"
          "       tipwright model import FILE.onnx -o MODEL.tipnn [OPTION]...\n"
          "What a model is made of; to and from ONNX, so that it can run elsewhere and be trained\n"
          "elsewhere (docs/onnx.md). A model that was exported comes back to the bit.\n"
          "\n"
          "  -o, --output FILE  written whole or not at all\n"
          "  --help             this text; `tipwright model import --help` tells more\n"
          "\n"
          "Exit status: 0 done, 1 unreadable, refused or cannot be written, 2 usage.\n",
          out);
}

static const char *kind_name(enum nn_layer_kind kind)
{
    switch (kind) {
    case NN_LAYER_CONV:
        return "convolution";
    case NN_LAYER_BATCH_NORM:
        return "batch norm";
    case NN_LAYER_RELU:
        return "ReLU";
    case NN_LAYER_SIGMOID:
        return "sigmoid";
    case NN_LAYER_LINEAR:
        return "linear";
    case NN_LAYER_MAX_POOL:
        return "max pool";
    case NN_LAYER_AVG_POOL:
        return "mean pool";
    case NN_LAYER_GLOBAL_POOL:
        return "global pool";
    case NN_LAYER_DENSE:
        return "dense";
    case NN_LAYER_DROPOUT:
        return "dropout";
    case NN_LAYER_PREFIX_POOL:
        return "prefix pool";
    case NN_LAYER_GRU:
        return "GRU";
    case NN_LAYER_LSTM:
        return "LSTM";
    case NN_LAYER_NOISE:
        return "noise";
    }
    return "?";
}

static void print_layer(FILE *out, const struct nn_layer *layer)
{
    const struct nn_layer_spec *spec = &layer->spec;
    char window[64] = "", shape[48];
    if (spec->kernel_rows)
        snprintf(window, sizeof window, "%ux%u / %ux%u%s", spec->kernel_rows, spec->kernel_cols,
                 spec->stride_rows, spec->stride_cols, spec->causal ? " causal" : "");
    snprintf(shape, sizeof shape, "%u x %u x %u", layer->out.c, layer->out.h, layer->out.w);
    fprintf(out, "  %-12s %-20s %-16s %9zu\n", kind_name(spec->kind), window, shape,
            layer->weights);
}

static void print_member(FILE *out, const struct nn_model *model, uint32_t m)
{
    const struct nn_network *network = nn_model_trained(model, m);
    size_t weights = 0;
    uint64_t work = 0;
    for (uint32_t i = 0; i < nn_network_layer_count(network); i++) {
        weights += nn_network_layer(network, i)->weights;
        work += nn_layer_work(nn_network_layer(network, i));
    }
    fprintf(out, "network %u: %zu weights, %.1f million multiply-adds%s\n", m + 1, weights,
            (double)work / 1e6, nn_network_row_causal(network) ? ", row by row" : "");
    fputs("  answers:", out);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        if (nn_model_answers(model, m) >> k & 1U)
            fprintf(out, " %s", nn_label_name((enum nn_label)k));
    fprintf(out, "\n  %-12s %-20s %-16s %9s\n", "layer", "window / stride", "gives", "weights");
    for (uint32_t i = 0; i < nn_network_layer_count(network); i++)
        print_layer(out, nn_network_layer(network, i));
}

void cmd_model_print(FILE *out, const struct nn_model *model)
{
    fprintf(out, "model %.12s\n", nn_model_hash(model));
    for (unsigned i = 0; i < NN_INPUT_KEYS; i++) {
        char text[NN_INPUT_TEXT_MAX];
        nn_input_get(nn_model_input(model), nn_input_key(i), text);
        fprintf(out, "  %-8s %s\n", nn_input_key(i), text);
    }
    for (uint32_t m = 0; m < nn_model_members(model); m++)
        print_member(out, model, m);
    if (nn_model_event(model))
        fprintf(out, "detector of tip changes: %g times its log odds, alarm from %.3f\n",
                (double)nn_model_event_weight(model, 1.0F), (double)nn_model_event(model)->threshold);
    if (*nn_model_note(model))
        fprintf(out, "note: %s\n", nn_model_note(model));
}

static int load(const char *path, struct nn_model **ret_model)
{
    char error[200];
    if (nn_model_load(path, ret_model, error, sizeof error) == 0)
        return EXIT_OK;
    terminal_error("model", "%s: %s", path, error);
    return EXIT_INTERNAL;
}

static int export_model(const char *from, const char *to)
{
    struct nn_model *model;
    if (load(from, &model) != EXIT_OK)
        return EXIT_INTERNAL;
    if (nn_model_event(model))
        terminal_note("model", "the detector of tip changes is not part of the graph: tip_change "
                               "is the networks' alone there");
    uint8_t *data = NULL;
    size_t size;
    int error = nn_onnx_write(model, &data, &size);
    if (!error)
        error = nn_bytes_write_file(to, data, size);
    if (error)
        terminal_error("model", "%s: %s", to, strerror(-error));
    free(data);
    nn_model_destroy(model);
    return error ? EXIT_INTERNAL : EXIT_OK;
}

static int show(const char *path)
{
    struct nn_model *model;
    if (load(path, &model) != EXIT_OK)
        return EXIT_INTERNAL;
    cmd_model_print(stdout, model);
    nn_model_destroy(model);
    return EXIT_OK;
}

int cmd_model(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    if (argc > 1 && strcmp(argv[1], "import") == 0)
        return cmd_model_import(argc - 1, argv + 1);
    const char *output = NULL;
    for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        if (c == 'h') {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (c != 'o')
            return EXIT_USAGE;
        output = optarg;
    }
    const char *what = argc - optind == 2 ? argv[optind] : "";
    if (strcmp(what, "show") == 0 && !output)
        return show(argv[optind + 1]);
    if (strcmp(what, "export") == 0 && output)
        return export_model(argv[optind + 1], output);
    print_usage(stderr);
    return EXIT_USAGE;
}

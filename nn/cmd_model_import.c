/* tipwright model import: networks trained elsewhere, and our own coming home. */
#include "nn/cmd_model.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "nn/bytes.h"
#include "nn/input_text.h"
#include "nn/onnx_read.h"
#include "nn/onnx_write.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    char *const *files; /* FILE.onnx or FILE.onnx:LABEL,... */
    int n_files;
    const char *output;
    const char *note;
    struct nn_input_spec input; /* 0 where not given */
    bool input_given;
    enum nn_combine combine;
};

static void print_usage(FILE *out)
{
    fputs(
        "Usage: tipwright model import FILE.onnx[:LABEL,...]... -o MODEL.tipnn [OPTION]...\n"
        "A model from a network that PyTorch, Keras or another program has trained. Networks are\n"
        "read layer by layer; what cannot be computed here exactly is refused by name. A file "
        "that\n"
        "`tipwright model export` wrote needs no options and comes back to the bit.\n"
        "\n"
        "  FILE:LABEL,...      what its outputs answer, in their order; default: all six, in the\n"
        "                      order of `tipwright classify --csv`. Several files judge together.\n"
        "  --planes PLANE,...  what its channels hold: height, roughness, step, seen, turn\n"
        "                      (default with one channel: height; with four: the first four)\n"
        "  --rows N, --cols N  the grid, where the file leaves it open\n"
        "  --flatten HOW       none, median, mean, linear (default)\n"
        "  --limit X           heights are cut off at this many spreads (default 5)\n"
        "  --looks N           2: also the mirrored frame (default 1)\n"
        "  --scaling HOW       median (default), frozen: needed to go on from row to row\n"
        "  --lead_in N         grid rows shown upside down before the first (default 0)\n"
        "  --combine HOW       mean (default) of several files' scores, vote\n"
        "  --note TEXT         what was trained\n"
        "  -o, --output FILE   written whole or not at all\n"
        "  --help              this text\n"
        "\n"
        "Scores are the sigmoid of the outputs, uncalibrated. Exit status: 0 done, 1 unreadable,\n"
        "refused or cannot be written, 2 usage.\n",
        out);
}

/* A key of the input, given as an option of the same name. */
static int take_input(struct arguments *arguments, const char *key)
{
    arguments->input_given = true;
    if (nn_input_set(&arguments->input, key, optarg))
        return 0;
    terminal_error("model", "--%s: '%s' is not known; see --help", key, optarg);
    return -1;
}

static int take_combine(struct arguments *arguments)
{
    bool vote = strcmp(optarg, "vote") == 0;
    if (!vote && strcmp(optarg, "mean") != 0) {
        terminal_error("model", "--combine: '%s' is neither mean nor vote", optarg);
        return -1;
    }
    arguments->combine = vote ? NN_COMBINE_VOTE : NN_COMBINE_MEAN;
    return 0;
}

/* 0, 1 after --help, -1 after a word about what is wrong. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {{"rows", required_argument, NULL, 1},
                                            {"cols", required_argument, NULL, 1},
                                            {"planes", required_argument, NULL, 1},
                                            {"flatten", required_argument, NULL, 1},
                                            {"limit", required_argument, NULL, 1},
                                            {"looks", required_argument, NULL, 1},
                                            {"scaling", required_argument, NULL, 1},
                                            {"lead_in", required_argument, NULL, 1},
                                            {"combine", required_argument, NULL, 2},
                                            {"note", required_argument, NULL, 3},
                                            {"output", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int which;
    for (int c; (c = getopt_long(argc, argv, "o:h", options, &which)) != -1;) {
        int error = 0;
        if (c == 1)
            error = take_input(arguments, options[which].name);
        else if (c == 2)
            error = take_combine(arguments);
        else if (c == 3)
            arguments->note = optarg;
        else if (c == 'o')
            arguments->output = optarg;
        else
            error = c == 'h' ? 1 : -1;
        if (error)
            return error;
    }
    arguments->files = argv + optind;
    arguments->n_files = argc - optind;
    if (arguments->n_files == 0 || arguments->n_files > NN_MODEL_MEMBERS_MAX ||
        !arguments->output) {
        print_usage(stderr);
        return -1;
    }
    return 0;
}

/* One file of the command line. */
struct source {
    char path[COMMAND_PATH_MAX];
    uint32_t answers;
    uint32_t n; /* labels */
    uint32_t order[NN_LABEL_COUNT];
    bool ordered;
};

/* LABEL,...: what each output answers; our order is rising. */
static int read_labels(const char *text, struct source *source)
{
    int places[NN_LABEL_COUNT];
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        places[k] = -1;
    for (int at = 0; *text; at++) {
        char name[32];
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), text);
        int label = nn_label_from_name(name);
        if (label < 0 || places[label] >= 0) {
            terminal_error("model", "%s: '%s' is %s", source->path, name,
                           label < 0 ? "no label" : "given twice");
            return -1;
        }
        places[label] = at;
        text += length + (text[length] == ',');
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        if (places[k] >= 0) {
            source->answers |= 1U << k;
            source->order[source->n++] = (uint32_t)places[k];
        }
    source->ordered = source->n > 0;
    return 0;
}

static int read_source(const char *argument, struct source *ret_source)
{
    *ret_source = (struct source){0};
    const char *colon = strrchr(argument, ':');
    if (colon && strchr(colon, '/'))
        colon = NULL;
    size_t length = colon ? (size_t)(colon - argument) : strlen(argument);
    if (length >= sizeof ret_source->path) {
        terminal_error("model", "a path is too long");
        return -1;
    }
    memcpy(ret_source->path, argument, length);
    if (colon && read_labels(colon + 1, ret_source) != 0)
        return -1;
    if (!ret_source->ordered)
        ret_source->answers = NN_MODEL_ALL_LABELS;
    return 0;
}

static int read_file(const char *path, uint8_t **ret_data, size_t *ret_size)
{
    int code = nn_bytes_read_file(path, NN_ONNX_BYTES_MAX, ret_data, ret_size);
    if (code)
        terminal_error("model", "%s: %s", path, strerror(-code));
    return code;
}

/* Saves and tells what there is now. */
static int save(const char *path, const struct nn_model_parts *parts)
{
    int code = nn_model_save(path, parts);
    if (code == -EINVAL)
        terminal_error("model",
                       "%s: a model must answer every label, from a grid of 8 to 512 "
                       "rows and columns, by three quarters of a frame",
                       path);
    else if (code)
        terminal_error("model", "%s: %s", path, strerror(-code));
    if (code)
        return EXIT_INTERNAL;
    struct nn_model *model;
    char error[200];
    if (nn_model_load(path, &model, error, sizeof error) != 0) {
        terminal_error("model", "%s: %s", path, error);
        return EXIT_INTERNAL;
    }
    cmd_model_print(stdout, model);
    nn_model_destroy(model);
    return EXIT_OK;
}

/* What the network's own shape says about the input, and what must be told. */
static int settle_input(const struct source *source, struct nn_shape shape,
                        struct nn_input_spec *input)
{
    if (!input->planes)
        input->planes = shape.c == 1 ? 1U << NN_PLANE_HEIGHT : shape.c == 4 ? NN_PLANES_DEFAULT : 0;
    input->rows = shape.h;
    input->cols = shape.w;
    struct nn_shape wanted = nn_input_shape(input);
    if (input->planes && wanted.c == shape.c)
        return 0;
    terminal_error("model", "%s: it reads %u planes of %u x %u; --planes must name as many",
                   source->path, shape.c, shape.h, shape.w);
    return -1;
}

/* One network, added to the parts. */
static int add_network(const struct arguments *arguments, const struct source *source,
                       struct nn_input_spec *input, struct nn_model_member *ret_member)
{
    uint8_t *data;
    size_t size;
    if (read_file(source->path, &data, &size) != 0)
        return -1;
    struct nn_onnx_reading reading;
    struct nn_onnx_wish wish = {.input = {.h = arguments->input.rows, .w = arguments->input.cols},
                                .order = source->ordered ? source->order : NULL,
                                .n_order = source->n};
    char error[400];
    int code = nn_onnx_read(data, size, &wish, &reading, error, sizeof error);
    free(data);
    if (code) {
        terminal_error("model", "%s: %s", source->path, error);
        return -1;
    }
    *ret_member = (struct nn_model_member){.network = reading.network,
                                           .answers = source->answers,
                                           .calibration = nn_calibration_identity()};
    if (reading.sequence) {
        nn_network_destroy(reading.sequence);
        terminal_error("model",
                       "%s: it is one step of a network that is handed its state; export "
                       "it over a whole frame, with the state inside",
                       source->path);
        return -1;
    }
    uint32_t wanted = source->ordered ? source->n : NN_LABEL_COUNT;
    struct nn_shape out = nn_network_output(reading.network);
    if (out.c != wanted || out.w != 1) {
        terminal_error("model", "%s: it gives %u x %u x %u; %u outputs were expected", source->path,
                       out.c, out.h, out.w, wanted);
        return -1;
    }
    if (!reading.sigmoid)
        terminal_note("model", "%s: it does not end in a sigmoid; its outputs are taken as logits",
                      source->path);
    return settle_input(source, nn_network_input(reading.network), input);
}

static int import_foreign(const struct arguments *arguments)
{
    struct nn_model_member members[NN_MODEL_MEMBERS_MAX] = {0};
    char note[256];
    struct nn_model_parts parts = {.input = arguments->input,
                                   .members = members,
                                   .combine = arguments->combine,
                                   .note = arguments->note ? arguments->note : note};
    snprintf(note, sizeof note, "imported from %.200s", arguments->files[0]);
    if (!parts.input.looks)
        parts.input.looks = 1;
    int code = 0;
    for (int i = 0; i < arguments->n_files && code == 0; i++) {
        struct source source;
        code = read_source(arguments->files[i], &source);
        if (!code)
            code = add_network(arguments, &source, &parts.input, &members[i]);
        parts.n_members = (uint32_t)i + 1;
    }
    int result = code ? EXIT_INTERNAL : save(arguments->output, &parts);
    for (uint32_t i = 0; i < parts.n_members; i++)
        nn_network_destroy(members[i].network);
    return result;
}

/* One of our own files; *ret_foreign instead when it is none. */
static int import_own(const struct arguments *arguments, bool *ret_foreign)
{
    uint8_t *data;
    size_t size;
    struct source source;
    if (read_source(arguments->files[0], &source) != 0 || read_file(source.path, &data, &size) != 0)
        return EXIT_INTERNAL;
    struct nn_onnx_restored restored;
    char error[400];
    int code = nn_onnx_restore(data, size, &restored, error, sizeof error);
    free(data);
    if (code == -ENOENT) {
        *ret_foreign = true;
        return EXIT_OK;
    }
    if (code) {
        terminal_error("model", "%s: %s", source.path, error);
        return EXIT_INTERNAL;
    }
    if (arguments->input_given || arguments->n_files > 1 || source.ordered) {
        terminal_error("model", "%s: it says itself how its input is made and what it answers",
                       source.path);
        nn_onnx_restored_finish(&restored);
        return EXIT_USAGE;
    }
    if (arguments->note)
        restored.parts.note = arguments->note;
    int result = save(arguments->output, &restored.parts);
    nn_onnx_restored_finish(&restored);
    return result;
}

int cmd_model_import(int argc, char **argv)
{
    struct arguments arguments = {.input = {.flatten = NN_FLATTEN_LINEAR, .limit = 5.0F}};
    int code = read_arguments(argc, argv, &arguments);
    if (code > 0)
        print_usage(stdout);
    if (code)
        return code > 0 ? EXIT_OK : EXIT_USAGE;
    bool foreign = false;
    int result = import_own(&arguments, &foreign);
    return foreign ? import_foreign(&arguments) : result;
}

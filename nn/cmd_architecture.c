/* Architecture files into layers and settings, complaining at the right line and column. */
#include "nn/cmd_architecture.h"

#include "agent/command.h"
#include "agent/terminal.h"
#include "config/yaml_reader.h"
#include "nn/bytes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a kind of layer takes. */
enum takes {
    TAKES_NOTHING,
    TAKES_UNITS, /* dense: 6 */
    TAKES_SHARE, /* dropout: 0.2 */
    TAKES_POOL,  /* max_pool: 2, or {kernel: [2, 1], stride: ...} */
    TAKES_CONV,
};

static const struct {
    const char *name;
    enum nn_layer_kind kind;
    enum takes takes;
} kinds[] = {
    {"conv", NN_LAYER_CONV, TAKES_CONV},
    {"norm", NN_LAYER_BATCH_NORM, TAKES_NOTHING},
    {"relu", NN_LAYER_RELU, TAKES_NOTHING},
    {"sigmoid", NN_LAYER_SIGMOID, TAKES_NOTHING},
    {"linear", NN_LAYER_LINEAR, TAKES_NOTHING},
    {"max_pool", NN_LAYER_MAX_POOL, TAKES_POOL},
    {"avg_pool", NN_LAYER_AVG_POOL, TAKES_POOL},
    {"global_pool", NN_LAYER_GLOBAL_POOL, TAKES_NOTHING},
    {"prefix_pool", NN_LAYER_PREFIX_POOL, TAKES_NOTHING},
    {"dense", NN_LAYER_DENSE, TAKES_UNITS},
    {"gru", NN_LAYER_GRU, TAKES_UNITS},
    {"lstm", NN_LAYER_LSTM, TAKES_UNITS},
    {"dropout", NN_LAYER_DROPOUT, TAKES_SHARE},
    {"noise", NN_LAYER_NOISE, TAKES_SHARE},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void complain_unknown(struct policy_errors *errors, const struct doc_node *word,
                             const char *what, const char *const *names, size_t n)
{
    const char *nearest = policy_errors_nearest(word->text, names, n);
    policy_errors_add(errors, word->place, "unknown %s '%s'%s%s%s", what, word->text,
                      nearest ? "; did you mean '" : "", nearest ? nearest : "",
                      nearest ? "'?" : "");
}

/* A number in min..max, whole unless `fraction`; false after a complaint. */
static bool read_number(struct policy_errors *errors, const struct doc_node *node, double min,
                        double max, double *ret_value)
{
    if (node->kind == DOC_SCALAR) {
        char *end;
        double value = strtod(node->text, &end);
        if (end != node->text && !*end && value >= min && value <= max) {
            *ret_value = value;
            return true;
        }
    }
    if (node->kind != DOC_BROKEN)
        policy_errors_add(errors, node->place, "should be a number between %g and %g", min, max);
    return false;
}

static bool read_count(struct policy_errors *errors, const struct doc_node *node, double min,
                       double max, uint32_t *ret_value)
{
    double value;
    if (!read_number(errors, node, min, max, &value))
        return false;
    if (floor(value) < value) {
        policy_errors_add(errors, node->place, "should be a whole number");
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* 3, or [rows, columns]. */
static bool read_pair(struct policy_errors *errors, const struct doc_node *node, double min,
                      double max, uint32_t *ret_pair)
{
    if (node->kind != DOC_LIST) {
        bool good = read_count(errors, node, min, max, &ret_pair[0]);
        ret_pair[1] = ret_pair[0];
        return good;
    }
    if (node->n != 2) {
        policy_errors_add(errors, node->place, "should be one number, or two: [rows, columns]");
        return false;
    }
    return read_count(errors, node->items[0], min, max, &ret_pair[0]) &&
           read_count(errors, node->items[1], min, max, &ret_pair[1]);
}

static bool read_flag(struct policy_errors *errors, const struct doc_node *node, uint32_t *ret_flag)
{
    bool yes = node->kind == DOC_SCALAR && strcmp(node->text, "true") == 0;
    bool no = node->kind == DOC_SCALAR && strcmp(node->text, "false") == 0;
    if (yes || no)
        *ret_flag = yes;
    else
        policy_errors_add(errors, node->place, "should be true or false");
    return yes || no;
}

/* Keys of a convolution or pool, with what they say. */
struct window {
    uint32_t kernel[2], stride[2], padding[2];
    bool valid, has_padding; /* neither: the output is as large as the input, apart from strides */
};

static bool read_padding(struct policy_errors *errors, const struct doc_node *node,
                         struct window *window)
{
    if (node->kind == DOC_SCALAR && strcmp(node->text, "same") == 0)
        return true;
    window->valid = node->kind == DOC_SCALAR && strcmp(node->text, "valid") == 0;
    if (window->valid)
        return true;
    window->has_padding = true;
    return read_pair(errors, node, 0, NN_KERNEL_MAX - 1, window->padding);
}

/* One key of a convolution or, with only the first two allowed, a pool. */
static bool read_window_key(struct policy_errors *errors, const struct doc_node *map, size_t i,
                            struct nn_layer_spec *spec, struct window *window)
{
    static const char *const names[] = {"kernel", "stride", "units", "padding", "causal", "bias"};
    size_t n = spec->kind == NN_LAYER_CONV ? sizeof names / sizeof *names : 2;
    size_t key = 0;
    while (key < n && strcmp(map->keys[i]->text, names[key]) != 0)
        key++;
    const struct doc_node *value = map->items[i];
    switch (key < n ? key : 6) {
    case 0:
        return read_pair(errors, value, 1, NN_KERNEL_MAX, window->kernel);
    case 1:
        return read_pair(errors, value, 1, NN_STRIDE_MAX, window->stride);
    case 2:
        return read_count(errors, value, 1, 8192, &spec->units);
    case 3:
        return read_padding(errors, value, window);
    case 4:
        return read_flag(errors, value, &spec->causal);
    case 5:
        return read_flag(errors, value, &spec->bias);
    default:
        complain_unknown(errors, map->keys[i], "key", names, n);
        return false;
    }
}

/* As large as the input: of an even kernel the odd zero stands below and right, as in Keras. */
static void set_padding(const struct window *window, struct nn_layer_spec *spec)
{
    uint32_t before[2] = {0, 0};
    uint32_t after[2] = {0, 0};
    for (int axis = 0; axis < 2 && !window->valid; axis++) {
        before[axis] = window->has_padding ? window->padding[axis] : (window->kernel[axis] - 1) / 2;
        after[axis] = window->has_padding ? window->padding[axis] : window->kernel[axis] / 2;
    }
    /* Row by row the rows above come by themselves, and there are none below. */
    spec->padding_top = spec->causal ? 0 : before[0];
    spec->padding_bottom = spec->causal ? 0 : after[0];
    spec->padding_left = before[1];
    spec->padding_right = after[1];
}

static void set_window(const struct window *window, struct nn_layer_spec *spec)
{
    bool conv = spec->kind == NN_LAYER_CONV;
    spec->kernel_rows = window->kernel[0];
    spec->kernel_cols = window->kernel[1];
    /* A pool moves by its own size, a convolution by one. */
    spec->stride_rows = window->stride[0] ? window->stride[0] : conv ? 1 : window->kernel[0];
    spec->stride_cols = window->stride[1] ? window->stride[1] : conv ? 1 : window->kernel[1];
    if (conv)
        set_padding(window, spec);
}

static void read_window(struct policy_errors *errors, const struct doc_node *node,
                        struct nn_layer_spec *spec)
{
    struct window window = {0};
    bool good = true;
    if (node->kind == DOC_MAP) {
        for (size_t i = 0; i < node->n; i++)
            good = read_window_key(errors, node, i, spec, &window) && good;
    } else if (spec->kind != NN_LAYER_CONV) {
        good = read_pair(errors, node, 1, NN_KERNEL_MAX, window.kernel);
    } else {
        policy_errors_add(errors, node->place, "conv takes {units: ..., kernel: ...}");
        return;
    }
    if (!good)
        return;
    if (window.kernel[0] == 0 || (spec->kind == NN_LAYER_CONV && spec->units == 0))
        policy_errors_add(errors, node->place, "the key '%s' is missing",
                          window.kernel[0] == 0 ? "kernel" : "units");
    else
        set_window(&window, spec);
}

static void read_value(struct policy_errors *errors, const struct doc_node *word,
                       const struct doc_node *value, size_t row, struct nn_layer_spec *spec)
{
    double share;
    switch (kinds[row].takes) {
    case TAKES_NOTHING:
        if (value)
            policy_errors_add(errors, value->place, "'%s' takes nothing", word->text);
        return;
    case TAKES_UNITS:
        if (value)
            read_count(errors, value, 1, 8192, &spec->units);
        break;
    case TAKES_SHARE:
        if (value && read_number(errors, value, 0.001, 0.999, &share))
            spec->permille = (uint32_t)(1000.0 * share + 0.5);
        break;
    case TAKES_POOL:
    case TAKES_CONV:
        if (value)
            read_window(errors, value, spec);
        break;
    }
    if (!value)
        policy_errors_add(errors, word->place, "'%s' needs a value", word->text);
}

static void read_layer(struct policy_errors *errors, const struct doc_node *node,
                       struct nn_layer_spec *ret_spec)
{
    const char *names[KINDS];
    for (size_t row = 0; row < KINDS; row++)
        names[row] = kinds[row].name;
    bool pair = node->kind == DOC_MAP && node->n == 1;
    const struct doc_node *word = pair ? node->keys[0] : node;
    if (word->kind == DOC_BROKEN)
        return;
    if (word->kind != DOC_SCALAR) {
        policy_errors_add(errors, node->place, "a layer is one word, or one word with its value");
        return;
    }
    size_t row = 0;
    while (row < KINDS && strcmp(word->text, names[row]) != 0)
        row++;
    if (row == KINDS) {
        complain_unknown(errors, word, "layer", names, KINDS);
        return;
    }
    /* A bias beside a norm would only be moved by it again; read_layers takes it back there. */
    ret_spec->kind = kinds[row].kind;
    ret_spec->bias = ret_spec->kind == NN_LAYER_CONV;
    read_value(errors, word, pair ? node->items[0] : NULL, row, ret_spec);
}

static void read_layers(struct policy_errors *errors, const struct doc_node *list,
                        struct architecture *architecture)
{
    if (list->kind != DOC_LIST || list->n == 0 || list->n > NN_NETWORK_LAYERS_MAX) {
        policy_errors_add(errors, list->place, "'layers' is a list of 1 to %d layers",
                          NN_NETWORK_LAYERS_MAX);
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct nn_layer_spec *spec = &architecture->layers[i];
        read_layer(errors, list->items[i], spec);
        if (i > 0 && spec->kind == NN_LAYER_BATCH_NORM && spec[-1].kind == NN_LAYER_CONV)
            spec[-1].bias = 0;
    }
    architecture->settings.n_layers = (uint32_t)list->n;
}

/* A setting's value as one text: lists become numbers with blanks between. */
static bool value_text(const struct doc_node *node, char *ret_text)
{
    if (node->kind == DOC_SCALAR)
        return snprintf(ret_text, NN_SETTING_TEXT, "%s", node->text) < NN_SETTING_TEXT;
    int length = 0;
    for (size_t i = 0; node->kind == DOC_LIST && i < node->n; i++) {
        if (node->items[i]->kind != DOC_SCALAR || length >= NN_SETTING_TEXT)
            return false;
        length += snprintf(ret_text + length, (size_t)(NN_SETTING_TEXT - length), "%s%s",
                           i ? " " : "", node->items[i]->text);
    }
    return node->kind == DOC_LIST && length < NN_SETTING_TEXT;
}

void architecture_read_settings(const struct doc_node *map, struct nn_train_settings *settings,
                                struct policy_errors *errors)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    while (n < NAMES_MAX && nn_settings_at(n)) {
        names[n] = nn_settings_at(n)->name;
        n++;
    }
    if (map->kind != DOC_MAP) {
        policy_errors_add(errors, map->place, "should be a mapping of settings to values");
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        const char *name = map->keys[i]->text;
        int index = nn_settings_find(name);
        char text[NN_SETTING_TEXT];
        char reason[160];
        if (index < 0)
            complain_unknown(errors, map->keys[i], "setting", names, n);
        else if (!value_text(map->items[i], text))
            policy_errors_add(errors, map->items[i]->place, "'%s' should be a value", name);
        else if (nn_settings_set(settings, (size_t)index, text, reason, sizeof reason) != 0)
            policy_errors_add(errors, map->items[i]->place, "'%s' %s", name, reason);
    }
}

/* The first layer that cannot stand where it stands. */
static void check_shapes(struct policy_errors *errors, const struct doc_node *list,
                         const struct architecture *architecture)
{
    struct nn_shape shape = nn_input_shape(&architecture->settings.input);
    for (uint32_t i = 0; i < architecture->settings.n_layers; i++) {
        struct nn_layer layer;
        if (nn_layer_init(&architecture->layers[i], shape, &layer) != 0) {
            policy_errors_add(errors, list->items[i]->place,
                              "does not fit here: gets %u channels, %u rows, %u columns",
                              (unsigned)shape.c, (unsigned)shape.h, (unsigned)shape.w);
            return;
        }
        shape = layer.out;
    }
    if (shape.c != NN_LABEL_COUNT || shape.w != 1)
        policy_errors_add(errors, list->items[list->n - 1]->place,
                          "the last layer gives %u channels, %u rows, %u columns, not %d scores",
                          (unsigned)shape.c, (unsigned)shape.h, (unsigned)shape.w, NN_LABEL_COUNT);
}

static void read_document(struct policy_errors *errors, const struct doc_node *root,
                          struct architecture *architecture)
{
    static const char *const names[] = {"layers", "training"};
    if (root->kind != DOC_MAP) {
        policy_errors_add(errors, root->place, "an architecture is a mapping with 'layers'");
        return;
    }
    for (size_t i = 0; i < root->n; i++)
        if (strcmp(root->keys[i]->text, names[0]) != 0 &&
            strcmp(root->keys[i]->text, names[1]) != 0)
            complain_unknown(errors, root->keys[i], "key", names, 2);
    const struct doc_node *layers = doc_get(root, "layers");
    const struct doc_node *training = doc_get(root, "training");
    if (training)
        architecture_read_settings(training, &architecture->settings, errors);
    if (layers)
        read_layers(errors, layers, architecture);
    else
        policy_errors_add(errors, root->place, "the key 'layers' is missing");
    if (layers && errors->found == 0)
        check_shapes(errors, layers, architecture);
}

int architecture_read(const char *text, size_t size, struct architecture *ret_architecture,
                      struct policy_errors *ret_errors)
{
    *ret_errors = (struct policy_errors){0};
    *ret_architecture = (struct architecture){.settings = nn_settings_default()};
    ret_architecture->settings.layers = ret_architecture->layers;
    ret_errors->text = malloc(size + 1);
    if (!ret_errors->text)
        abort();
    memcpy(ret_errors->text, text, size);
    ret_errors->text[size] = '\0';
    struct doc_node *root;
    if (doc_read(text, size, ret_errors, &root) == 0) {
        read_document(ret_errors, root, ret_architecture);
        doc_destroy(root);
    }
    policy_errors_sort(ret_errors);
    return ret_errors->found ? -EINVAL : 0;
}

int architecture_read_file(const char *path, char **ret_text, size_t *ret_size)
{
    uint8_t *data;
    size_t size;
    int error = nn_bytes_read_file(path, DOC_BYTES_MAX, &data, &size);
    if (error)
        return error;
    char *text = realloc(data, size + 1);
    if (!text)
        abort();
    text[size] = '\0';
    *ret_text = text;
    *ret_size = size;
    return 0;
}

int architecture_load(const char *command, const char *name, struct architecture *ret_architecture)
{
    char path[COMMAND_PATH_MAX];
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0)) {
        snprintf(path, sizeof path, "%s", name);
    } else {
        char file[256];
        snprintf(file, sizeof file, "architectures/%s.yaml", name);
        command_data_path(file, path, sizeof path);
    }
    char *text = NULL;
    size_t size = 0;
    int error = architecture_read_file(path, &text, &size);
    if (error || !text) {
        terminal_error(command, "architecture %s: %s", path, strerror(-error));
        return -1;
    }
    struct policy_errors errors;
    error = architecture_read(text, size, ret_architecture, &errors);
    if (error)
        policy_errors_print(&errors, path, stderr);
    policy_errors_finish(&errors);
    free(text);
    return error ? -1 : 0;
}

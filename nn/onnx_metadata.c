/* What a graph cannot say, as text beside it. Floats are written with the nine digits that bring
 * them back to the bit. */
#include "nn/input_text.h"
#include "nn/onnx_model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const combine_names[] = {"mean", "vote"};

enum { TEXT_ROOM = 1 << 17, NUMBER_ROOM = 24 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Text that grows to the right. */
struct text {
    char *at;
    size_t left;
};

static void append(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text->at, text->left, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= text->left)
        abort(); /* room is a multiple of what the maxima of a model need */
    text->at += n;
    text->left -= (size_t)n;
}

/* Names of the bits set, with commas. */
static void append_bits(struct text *text, uint32_t bits, const char *const *names, size_t n)
{
    const char *gap = "";
    for (size_t i = 0; i < n; i++) {
        if (!(bits >> i & 1U))
            continue;
        append(text, "%s%s", gap, names[i]);
        gap = ",";
    }
}

static void label_names(const char **ret_names)
{
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_names[k] = nn_label_name((enum nn_label)k);
}

static void append_layers(struct text *text, const struct nn_network *network)
{
    for (uint32_t i = 0; i < nn_network_layer_count(network); i++) {
        uint32_t numbers[NN_LAYER_SPEC_NUMBERS];
        nn_layer_spec_pack(&nn_network_layer(network, i)->spec, numbers);
        for (int k = 0; k < NN_LAYER_SPEC_NUMBERS; k++)
            append(text, "%s%u", k ? " " : i ? "; " : "", (unsigned)numbers[k]);
    }
}

static void append_floats(struct text *text, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        append(text, " %.9g", (double)values[i]);
}

static void append_calibration(struct text *text, const struct nn_calibration *calibration)
{
    for (uint32_t i = 0; i < calibration->n; i++) {
        const struct nn_calibration_knot *knot = &calibration->knots[i];
        append(text, "%s%.9g", i ? "; " : "", (double)knot->seen);
        append_floats(text, knot->scale, NN_LABEL_COUNT);
        append_floats(text, knot->offset, NN_LABEL_COUNT);
        for (int d = 0; d < NN_DECISION_COUNT; d++) {
            const struct nn_decision *decision = &knot->decisions[d];
            append_floats(text, (const float[]){decision->threshold, decision->low, decision->high},
                          3);
        }
    }
}

/* One entry, written by `append` calls between begin and end. */
struct entry {
    char *room;
    struct text text;
};

static struct entry begin_entry(void)
{
    struct entry entry = {.room = calloc(1, TEXT_ROOM)};
    if (!entry.room)
        abort();
    entry.text = (struct text){.at = entry.room, .left = TEXT_ROOM};
    return entry;
}

static void end_entry(struct entry *entry, struct onnx_build *build, const char *key)
{
    onnx_build_metadata(build, key, entry->room);
    free(entry->room);
}

static void write_input(struct onnx_build *build, const struct nn_input_spec *input)
{
    for (unsigned i = 0; i < NN_INPUT_KEYS; i++) {
        char text[NN_INPUT_TEXT_MAX];
        nn_input_get(input, nn_input_key(i), text);
        onnx_build_metadata(build, onnx_build_name(build, "tipwright.%s", nn_input_key(i)), text);
    }
}

static void write_member(struct onnx_build *build, const struct onnx_view *view, uint32_t m)
{
    const char *labels[NN_LABEL_COUNT];
    label_names(labels);
    struct entry entry = begin_entry();
    append_bits(&entry.text, view->answers[m], labels, NN_LABEL_COUNT);
    end_entry(&entry, build, onnx_build_name(build, "tipwright.%u.answers", (unsigned)m));
    entry = begin_entry();
    append_layers(&entry.text, view->networks[m]);
    end_entry(&entry, build, onnx_build_name(build, "tipwright.%u.layers", (unsigned)m));
    entry = begin_entry();
    append_calibration(&entry.text, view->calibrations[m]);
    end_entry(&entry, build, onnx_build_name(build, "tipwright.%u.calibration", (unsigned)m));
}

void onnx_model_metadata(struct onnx_build *build, const struct onnx_view *view)
{
    const char *labels[NN_LABEL_COUNT];
    label_names(labels);
    onnx_build_metadata(build, ONNX_KEY_FORMAT, "1");
    if (view->hash)
        onnx_build_metadata(build, "tipwright.model", view->hash);
    struct entry entry = begin_entry();
    append_bits(&entry.text, NN_MODEL_ALL_LABELS, labels, NN_LABEL_COUNT);
    end_entry(&entry, build, "tipwright.labels");
    write_input(build, &view->input);
    onnx_build_metadata(build, "tipwright.combine", combine_names[view->combine]);
    onnx_build_metadata(build, "tipwright.members", onnx_build_name(build, "%u", view->n));
    for (uint32_t m = 0; m < view->n; m++)
        write_member(build, view, m);
    onnx_build_metadata(build, "tipwright.note", view->note);
    onnx_build_metadata(build, "tipwright.recordings", view->recordings);
}

const char *onnx_model_find(const Onnx__ModelProto *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = model->metadata_props[i];
        if (entry->key && strcmp(entry->key, key) == 0)
            return entry->value ? entry->value : "";
    }
    return NULL;
}

/* A number at *at, which moves behind it. */
static bool take_u32(const char **at, uint32_t *ret_value)
{
    *at += strspn(*at, " ");
    if (**at < '0' || **at > '9')
        return false;
    char *end;
    unsigned long long value = strtoull(*at, &end, 10);
    if (value > UINT32_MAX)
        return false;
    *at = end;
    *ret_value = (uint32_t)value;
    return true;
}

static bool take_float(const char **at, float *ret_value)
{
    char *end;
    float value = strtof(*at, &end);
    if (end == *at || end - *at > NUMBER_ROOM || !isfinite(value))
        return false;
    *at = end;
    *ret_value = value;
    return true;
}

static bool take_floats(const char **at, float *ret_values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!take_float(at, &ret_values[i]))
            return false;
    return true;
}

static bool read_u32(const Onnx__ModelProto *model, const char *key, uint32_t *ret_value)
{
    const char *at = onnx_model_find(model, key);
    return at && take_u32(&at, ret_value) && *at == '\0';
}

static bool read_name(const Onnx__ModelProto *model, const char *key, const char *const *names,
                      size_t n, int *ret_index)
{
    const char *value = onnx_model_find(model, key);
    for (size_t i = 0; value && i < n; i++)
        if (strcmp(value, names[i]) == 0) {
            *ret_index = (int)i;
            return true;
        }
    return false;
}

static bool read_bits(const char *at, const char *const *names, size_t n, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    while (at) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < n && (strlen(names[i]) != length || memcmp(at, names[i], length) != 0))
            i++;
        if (i == n)
            return false;
        bits |= 1U << i;
        at = at[length] ? at + length + 1 : NULL;
    }
    *ret_bits = bits;
    return bits != 0;
}

static bool read_input(const Onnx__ModelProto *model, struct nn_input_spec *ret_input)
{
    struct nn_input_spec input = {0};
    for (unsigned i = 0; i < NN_INPUT_KEYS; i++) {
        char key[32];
        snprintf(key, sizeof key, "tipwright.%s", nn_input_key(i));
        const char *value = onnx_model_find(model, key);
        if (!value || !nn_input_set(&input, nn_input_key(i), value))
            return false;
    }
    *ret_input = input;
    return nn_input_spec_valid(&input);
}

/* left: bytes of the file that may still be weights. */
static bool read_layers(const char *at, struct nn_shape shape, size_t *left,
                        struct nn_network **ret_network)
{
    struct nn_layer_spec specs[NN_NETWORK_LAYERS_MAX];
    uint32_t n = 0;
    do {
        uint32_t numbers[NN_LAYER_SPEC_NUMBERS];
        for (int k = 0; k < NN_LAYER_SPEC_NUMBERS; k++)
            if (!take_u32(&at, &numbers[k]))
                return false;
        if (n == NN_NETWORK_LAYERS_MAX)
            return false;
        specs[n++] = nn_layer_spec_unpack(numbers);
    } while (*at++ == ';');
    struct nn_network_size size;
    if (at[-1] != '\0' || nn_network_measure(shape, specs, n, &size) != 0)
        return false;
    size_t bytes = 4 * (size.weights + size.stats);
    if (bytes > *left)
        return false;
    *left -= bytes;
    return nn_network_create(shape, specs, n, ret_network) == 0;
}

static bool read_calibration(const char *at, struct nn_calibration *ret_calibration)
{
    struct nn_calibration calibration = {0};
    do {
        if (calibration.n == NN_CALIBRATION_KNOTS_MAX)
            return false;
        struct nn_calibration_knot *knot = &calibration.knots[calibration.n++];
        if (!take_float(&at, &knot->seen) || !take_floats(&at, knot->scale, NN_LABEL_COUNT) ||
            !take_floats(&at, knot->offset, NN_LABEL_COUNT))
            return false;
        for (int d = 0; d < NN_DECISION_COUNT; d++) {
            float three[3];
            if (!take_floats(&at, three, 3))
                return false;
            knot->decisions[d] =
                (struct nn_decision){.threshold = three[0], .low = three[1], .high = three[2]};
        }
    } while (*at++ == ';');
    *ret_calibration = calibration;
    return at[-1] == '\0';
}

static bool read_member(const Onnx__ModelProto *model, uint32_t m, struct nn_shape shape,
                        size_t *left, struct nn_model_member *ret_member)
{
    char key[64];
    const char *labels[NN_LABEL_COUNT];
    label_names(labels);
    snprintf(key, sizeof key, "tipwright.%u.answers", (unsigned)m);
    const char *answers = onnx_model_find(model, key);
    snprintf(key, sizeof key, "tipwright.%u.calibration", (unsigned)m);
    const char *calibration = onnx_model_find(model, key);
    snprintf(key, sizeof key, "tipwright.%u.layers", (unsigned)m);
    const char *layers = onnx_model_find(model, key);
    return answers && calibration && layers &&
           read_bits(answers, labels, NN_LABEL_COUNT, &ret_member->answers) &&
           read_calibration(calibration, &ret_member->calibration) &&
           read_layers(layers, shape, left, &ret_member->network);
}

static char *copy_text(const Onnx__ModelProto *model, const char *key)
{
    const char *text = onnx_model_find(model, key);
    char *copy = strdup(text ? text : "");
    if (!copy)
        abort();
    return copy;
}

const char *onnx_model_read_metadata(const Onnx__ModelProto *model, size_t size,
                                     struct nn_onnx_restored *restored)
{
    struct nn_model_parts *parts = &restored->parts;
    int combine;
    const char *format = onnx_model_find(model, ONNX_KEY_FORMAT);
    if (!format || strcmp(format, "1") != 0)
        return "written by a newer tipwright";
    if (!read_input(model, &parts->input))
        return "damaged: its metadata does not say how its input is made";
    uint32_t members;
    if (!read_name(model, "tipwright.combine", combine_names, COUNT(combine_names), &combine) ||
        !read_u32(model, "tipwright.members", &members) || members == 0 ||
        members > NN_MODEL_MEMBERS_MAX)
        return "damaged: its metadata does not say what its members are";
    parts->combine = (enum nn_combine)combine;
    parts->members = restored->members;
    for (uint32_t m = 0; m < members; m++) {
        if (!read_member(model, m, nn_input_shape(&parts->input), &size, &restored->members[m]))
            return "damaged: its metadata does not describe each member's network";
        parts->n_members = m + 1;
    }
    parts->note = restored->note = copy_text(model, "tipwright.note");
    parts->recordings = restored->recordings = copy_text(model, "tipwright.recordings");
    return NULL;
}

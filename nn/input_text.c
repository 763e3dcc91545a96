/* Words for the input convention. */
#include "nn/input_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[NN_INPUT_KEYS] = {"rows",  "cols",  "planes",  "flatten",
                                                "limit", "looks", "scaling", "lead_in"};
static const char *const flatten_names[] = {"none", "median", "mean", "linear"};
static const char *const plane_names[] = {"height", "roughness", "step", "seen", "turn"};
static const char *const scaling_names[] = {"median", "frozen"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *nn_input_key(unsigned i)
{
    return keys[i];
}

static bool find_name(const char *name, size_t length, const char *const *names, size_t n,
                      unsigned *ret_index)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
            *ret_index = (unsigned)i;
            return true;
        }
    return false;
}

static bool read_whole(const char *text, uint32_t *ret_value)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 4 || text[digits])
        return false;
    *ret_value = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

static bool read_planes(const char *text, uint32_t *ret_planes)
{
    uint32_t planes = 0;
    for (;;) {
        unsigned plane;
        size_t length = strcspn(text, ",");
        if (!find_name(text, length, plane_names, COUNT(plane_names), &plane))
            return false;
        planes |= 1U << plane;
        if (!text[length])
            break;
        text += length + 1;
    }
    *ret_planes = planes;
    return true;
}

static bool read_limit(const char *text, float *ret_limit)
{
    char *end;
    float limit = strtof(text, &end);
    if (end == text || *end || !isfinite(limit))
        return false;
    *ret_limit = limit;
    return true;
}

bool nn_input_set(struct nn_input_spec *input, const char *key, const char *value)
{
    unsigned which, index = 0;
    if (!find_name(key, strlen(key), keys, NN_INPUT_KEYS, &which))
        return false;
    bool known;
    switch (which) {
    case 0:
        return read_whole(value, &input->rows);
    case 1:
        return read_whole(value, &input->cols);
    case 2:
        return read_planes(value, &input->planes);
    case 3:
        known = find_name(value, strlen(value), flatten_names, COUNT(flatten_names), &index);
        input->flatten = known ? (enum nn_flatten)index : input->flatten;
        return known;
    case 4:
        return read_limit(value, &input->limit);
    case 5:
        return read_whole(value, &input->looks);
    case 6:
        known = find_name(value, strlen(value), scaling_names, COUNT(scaling_names), &index);
        input->scaling = known ? (enum nn_scaling)index : input->scaling;
        return known;
    default:
        return read_whole(value, &input->lead_in);
    }
}

static void write_planes(uint32_t planes, char *ret_text)
{
    size_t at = 0;
    ret_text[0] = '\0';
    for (size_t p = 0; p < COUNT(plane_names); p++)
        if (planes >> p & 1U)
            at += (size_t)snprintf(ret_text + at, NN_INPUT_TEXT_MAX - at, "%s%s", at ? "," : "",
                                   plane_names[p]);
}

void nn_input_get(const struct nn_input_spec *input, const char *key, char *ret_text)
{
    unsigned which = 0;
    find_name(key, strlen(key), keys, NN_INPUT_KEYS, &which);
    const uint32_t numbers[NN_INPUT_KEYS] = {input->rows, input->cols,  0, 0,
                                             0,           input->looks, 0, input->lead_in};
    if (which == 2)
        write_planes(input->planes, ret_text);
    else if (which == 3)
        snprintf(ret_text, NN_INPUT_TEXT_MAX, "%s", flatten_names[input->flatten]);
    else if (which == 4)
        snprintf(ret_text, NN_INPUT_TEXT_MAX, "%.9g", (double)input->limit);
    else if (which == 6)
        snprintf(ret_text, NN_INPUT_TEXT_MAX, "%s", scaling_names[input->scaling]);
    else
        snprintf(ret_text, NN_INPUT_TEXT_MAX, "%u", (unsigned)numbers[which]);
}

/* Votes and their JSON form. */
#include "nn/vote_value.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 8192 };

static const char *const subkind_names[VOTE_SUBKIND_COUNT] = {
    [VOTE_NOISE] = "noise",
    [VOTE_TIP_CRASH] = "tip_crash",
};

static const char *const subkind_titles[VOTE_SUBKIND_COUNT] = {
    [VOTE_NOISE] = "Noise",
    [VOTE_TIP_CRASH] = "Tip crash",
};

const char *vote_subkind_name(enum vote_subkind subkind)
{
    return subkind_names[subkind];
}

const char *vote_subkind_title(enum vote_subkind subkind)
{
    return subkind_titles[subkind];
}

struct reading {
    char *error;
    size_t error_size;
};

static int refuse(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->error, reading->error_size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* True for an object with exactly these members. */
static bool has_only(const json_t *object, const char *const *names, size_t n)
{
    if (!json_is_object(object) || json_object_size(object) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(object, names[i]))
            return false;
    return true;
}

/* A number of 0..1 within `object`. */
static int read_share(const struct reading *reading, const json_t *object, const char *name,
                      double *ret)
{
    const json_t *number = json_object_get(object, name);
    double value = json_number_value(number);
    if (!json_is_number(number) || !(value >= 0.0 && value <= 1.0))
        return refuse(reading, "%s is not a number from 0 to 1", name);
    *ret = value;
    return 0;
}

static int read_rows(const struct reading *reading, const json_t *number, uint32_t max,
                     uint32_t *ret)
{
    json_int_t value = json_integer_value(number);
    if (!json_is_integer(number) || value < 1 || value > max)
        return refuse(reading, "a size or mark is not a whole number from 1 to %u", max);
    *ret = (uint32_t)value;
    return 0;
}

static int read_marks(const struct reading *reading, const json_t *array, struct vote_value *ret)
{
    if (!json_is_array(array) || json_array_size(array) > VOTE_MARKS_MAX)
        return refuse(reading, "marks is not a list of at most %d", VOTE_MARKS_MAX);
    ret->n_marks = (uint32_t)json_array_size(array);
    for (uint32_t i = 0; i < ret->n_marks; i++) {
        int status = read_rows(reading, json_array_get(array, i), ret->height - 1, &ret->marks[i]);
        if (status < 0)
            return status;
        if (i > 0 && ret->marks[i] <= ret->marks[i - 1])
            return refuse(reading, "marks do not rise");
    }
    return 0;
}

static int read_subkinds(const struct reading *reading, const json_t *array,
                         struct vote_segment *ret)
{
    if (!json_is_array(array))
        return refuse(reading, "subkinds is not a list");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        size_t k = 0;
        while (name && k < VOTE_SUBKIND_COUNT && strcmp(name, subkind_names[k]) != 0)
            k++;
        if (!name || k == VOTE_SUBKIND_COUNT || ret->subkinds[k])
            return refuse(reading, "subkinds has something unknown, or twice");
        ret->subkinds[k] = true;
        if (ret->scores[NN_LABEL_BAD_BLURRY] <= 0.0)
            return refuse(reading, "%s without bad_blurry", name);
    }
    return 0;
}

static int read_segment(const struct reading *reading, const json_t *json, struct vote_segment *ret)
{
    static const char *const members[] = {"scores", "subkinds"};
    if (!has_only(json, members, 2))
        return refuse(reading, "a segment does not have just scores and subkinds");
    const json_t *scores = json_object_get(json, "scores");
    if (json_object_size(scores) != NN_LABEL_COUNT)
        return refuse(reading, "scores does not have just the six labels");
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        int status = read_share(reading, scores, nn_label_name((enum nn_label)k), &ret->scores[k]);
        if (status < 0)
            return status;
    }
    return read_subkinds(reading, json_object_get(json, "subkinds"), ret);
}

static int read_segments(const struct reading *reading, const json_t *array, struct vote_value *ret)
{
    if (!json_is_array(array) || json_array_size(array) != ret->n_marks + 1)
        return refuse(reading, "segments is not a list with one more than there are marks");
    for (uint32_t i = 0; i <= ret->n_marks; i++) {
        int status = read_segment(reading, json_array_get(array, i), &ret->segments[i]);
        if (status < 0)
            return status;
        double change = ret->segments[i].scores[NN_LABEL_TIP_CHANGE];
        if (change != ret->segments[0].scores[NN_LABEL_TIP_CHANGE])
            return refuse(reading, "segments differ in tip_change");
        if (ret->n_marks > 0 && change != 1.0)
            return refuse(reading, "marks without tip_change");
    }
    return 0;
}

static int read_contrast(const struct reading *reading, const json_t *json, struct vote_value *ret)
{
    static const char *const members[] = {"low", "high"};
    ret->low = (double)NAN;
    ret->high = (double)NAN;
    if (json_is_null(json))
        return 0;
    if (!has_only(json, members, 2))
        return refuse(reading, "contrast is neither null nor just low and high");
    int status = read_share(reading, json, "low", &ret->low);
    if (status == 0)
        status = read_share(reading, json, "high", &ret->high);
    if (status == 0 && !(ret->low < ret->high))
        return refuse(reading, "contrast is upside down");
    return status;
}

int vote_value_from_json(const json_t *json, struct vote_value *ret, char *error, size_t error_size)
{
    static const char *const members[] = {"width", "height",   "graded",
                                          "marks", "segments", "contrast"};
    const struct reading reading = {error, error_size};
    struct vote_value value = {0};
    if (!has_only(json, members, sizeof members / sizeof *members))
        return refuse(&reading, "a vote does not have just its six members");
    const json_t *graded = json_object_get(json, "graded");
    if (!json_is_boolean(graded))
        return refuse(&reading, "graded is neither true nor false");
    value.graded = json_is_true(graded);

    int status = read_rows(&reading, json_object_get(json, "width"), SIDE_MAX, &value.width);
    if (status == 0)
        status = read_rows(&reading, json_object_get(json, "height"), SIDE_MAX, &value.height);
    if (status == 0)
        status = read_marks(&reading, json_object_get(json, "marks"), &value);
    if (status == 0)
        status = read_segments(&reading, json_object_get(json, "segments"), &value);
    if (status == 0)
        status = read_contrast(&reading, json_object_get(json, "contrast"), &value);
    if (status == 0)
        *ret = value;
    return status;
}

/* jansson fails here only without memory, and these are small things. */
static json_t *made(json_t *json)
{
    if (!json)
        abort();
    return json;
}

static void put(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, made(value)) != 0)
        abort();
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, made(value)) != 0)
        abort();
}

static json_t *segment_to_json(const struct vote_segment *segment)
{
    json_t *scores = made(json_object());
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        put(scores, nn_label_name((enum nn_label)k), json_real(segment->scores[k]));
    json_t *subkinds = made(json_array());
    for (int k = 0; k < VOTE_SUBKIND_COUNT; k++)
        if (segment->subkinds[k])
            append(subkinds, json_string(subkind_names[k]));
    json_t *json = made(json_object());
    put(json, "scores", scores);
    put(json, "subkinds", subkinds);
    return json;
}

json_t *vote_value_to_json(const struct vote_value *value)
{
    json_t *marks = made(json_array());
    json_t *segments = made(json_array());
    for (uint32_t i = 0; i < value->n_marks; i++)
        append(marks, json_integer(value->marks[i]));
    for (uint32_t i = 0; i <= value->n_marks; i++)
        append(segments, segment_to_json(&value->segments[i]));
    json_t *contrast = json_null();
    if (isfinite(value->low)) {
        contrast = made(json_object());
        put(contrast, "low", json_real(value->low));
        put(contrast, "high", json_real(value->high));
    }
    json_t *json = made(json_object());
    put(json, "width", json_integer(value->width));
    put(json, "height", json_integer(value->height));
    put(json, "graded", json_boolean(value->graded));
    put(json, "marks", marks);
    put(json, "segments", segments);
    put(json, "contrast", contrast);
    return json;
}

double vote_value_score(const struct vote_value *value, enum nn_label label)
{
    double score = 0.0;
    for (uint32_t i = 0; i <= value->n_marks; i++)
        score = fmax(score, value->segments[i].scores[label]);
    return score;
}

void vote_value_rows(const struct vote_value *value, uint32_t segment, uint32_t *ret_from,
                     uint32_t *ret_to)
{
    *ret_from = segment > 0 ? value->marks[segment - 1] : 0;
    *ret_to = segment < value->n_marks ? value->marks[segment] : value->height;
}

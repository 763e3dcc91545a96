/* Reading JSON objects that strangers wrote. */
#include "instrument/json_fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Largest integer that a double, and so JavaScript, holds exactly. */
static const int64_t exact_max = INT64_C(1) << 53;

json_t *json_fields_parse(const void *data, size_t size, char *error, size_t error_size)
{
    json_error_t why;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        snprintf(error, error_size, "not JSON: %.120s", why.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        snprintf(error, error_size, "not a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

void json_fields_fail(struct json_fields *fields, const char *key, const char *complaint)
{
    if (!fields->failed)
        snprintf(fields->error, fields->error_size, "%s: %s", key, complaint);
    fields->failed = true;
}

bool json_fields_has(const struct json_fields *fields, const char *key)
{
    return json_object_get(fields->object, key) != NULL;
}

/* NULL: missing, or an earlier complaint. */
static const json_t *find(struct json_fields *fields, const char *key)
{
    if (fields->failed)
        return NULL;
    const json_t *value = json_object_get(fields->object, key);
    if (!value)
        json_fields_fail(fields, key, "missing");
    return value;
}

static bool digits_only(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

void json_fields_u64(struct json_fields *fields, const char *key, uint64_t max, uint64_t *ret)
{
    const json_t *value = find(fields, key);
    uint64_t number = 0;
    if (!value)
        return;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        number = (uint64_t)json_integer_value(value);
    } else if (json_is_string(value) && digits_only(json_string_value(value))) {
        errno = 0;
        number = strtoull(json_string_value(value), NULL, 10);
        if (errno != 0) {
            json_fields_fail(fields, key, "too large");
            return;
        }
    } else {
        json_fields_fail(fields, key, "not a whole number from 0");
        return;
    }
    if (number > max) {
        json_fields_fail(fields, key, "too large");
        return;
    }
    *ret = number;
}

void json_fields_u32(struct json_fields *fields, const char *key, uint32_t max, uint32_t *ret)
{
    uint64_t number = 0;
    json_fields_u64(fields, key, max, &number);
    if (!fields->failed)
        *ret = (uint32_t)number;
}

void json_fields_i64(struct json_fields *fields, const char *key, int64_t *ret)
{
    const json_t *value = find(fields, key);
    if (!value)
        return;
    if (json_is_integer(value)) {
        *ret = json_integer_value(value);
        return;
    }
    const char *text = json_string_value(value);
    if (!text || !digits_only(text[0] == '-' ? text + 1 : text)) {
        json_fields_fail(fields, key, "not a whole number");
        return;
    }
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno != 0) {
        json_fields_fail(fields, key, "too large");
        return;
    }
    *ret = number;
}

void json_fields_inst_time(struct json_fields *fields, const char *key, int64_t *ret)
{
    int64_t value = 0;
    json_fields_i64(fields, key, &value);
    if (!fields->failed && (value < 0 || value > INT64_MAX / 4))
        json_fields_fail(fields, key, "negative or too large");
    if (!fields->failed)
        *ret = value;
}

void json_fields_double(struct json_fields *fields, const char *key, double *ret)
{
    const json_t *value = find(fields, key);
    if (!value)
        return;
    if (json_is_number(value))
        *ret = json_number_value(value);
    else if (json_is_null(value))
        *ret = (double)NAN;
    else
        json_fields_fail(fields, key, "not a number or null");
}

void json_fields_bool(struct json_fields *fields, const char *key, bool *ret)
{
    const json_t *value = find(fields, key);
    if (!value)
        return;
    if (!json_is_boolean(value)) {
        json_fields_fail(fields, key, "not true or false");
        return;
    }
    *ret = json_is_true(value);
}

void json_fields_text(struct json_fields *fields, const char *key, char *ret, size_t size)
{
    const json_t *value = find(fields, key);
    if (!value)
        return;
    if (!json_is_string(value)) {
        json_fields_fail(fields, key, "not a string");
        return;
    }
    if (json_string_length(value) >= size) {
        json_fields_fail(fields, key, "too long");
        return;
    }
    memcpy(ret, json_string_value(value), json_string_length(value) + 1);
}

void json_fields_session(struct json_fields *fields, const char *key, char *ret, size_t size)
{
    char text[64] = "";
    json_fields_text(fields, key, text, sizeof(text));
    if (fields->failed)
        return;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16 || size < 17) {
        json_fields_fail(fields, key, "not 16 hexadecimal digits (0-9, a-f)");
        return;
    }
    memcpy(ret, text, 17);
}

int json_fields_name(struct json_fields *fields, const char *key, const char *const *names, int n)
{
    char text[64] = "";
    json_fields_text(fields, key, text, sizeof(text));
    if (fields->failed)
        return 0;
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    json_fields_fail(fields, key, "unknown word");
    return 0;
}

struct json_fields json_fields_object(struct json_fields *fields, const char *key)
{
    const json_t *value = find(fields, key);
    if (value && !json_is_object(value)) {
        json_fields_fail(fields, key, "not an object");
        value = NULL;
    }
    struct json_fields member = *fields;
    member.object = value;
    return member;
}

json_t *json_from_u64(uint64_t value)
{
    if (value <= (uint64_t)exact_max)
        return json_integer((json_int_t)value);
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return json_string(text);
}

json_t *json_from_i64(int64_t value)
{
    if (value >= -exact_max && value <= exact_max)
        return json_integer(value);
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return json_string(text);
}

json_t *json_from_double(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_from_text(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("?");
}

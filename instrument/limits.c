/* The limits file: a small YAML, read event by event, refused at the first thing not understood. */
#include "instrument/limits.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { WORD_MAX = 64 };

struct reader {
    yaml_parser_t parser;
    const char *path;
    char *error;
    size_t error_size;
    struct instrument_limits *limits;
    bool seen_version, seen_profile, seen_withdraw, seen_necking;
    bool seen_kind[ACTION_KIND_COUNT];
};

static const char *const profile_names[ACTION_PROFILE_COUNT] = {
    [ACTION_PROFILE_SILICON] = "silicon",
    [ACTION_PROFILE_METAL] = "metal",
};

void limits_default(enum action_profile profile, struct instrument_limits *ret_limits)
{
    ret_limits->profile = profile;
    ret_limits->withdraw_m = 100e-9;
    action_limits_ceiling(profile, &ret_limits->limits);
}

static int complain(struct reader *reader, size_t line, const char *word, const char *what)
{
    snprintf(reader->error, reader->error_size, "%s:%zu: error: %.60s%s%s", reader->path, line + 1,
             word, word[0] ? ": " : "", what);
    return -EINVAL;
}

/* A plain word; anything else (sequence, alias, tag, end) is a complaint. *ret_line from 0. */
static int take_event(struct reader *reader, yaml_event_t *ret_event)
{
    if (!yaml_parser_parse(&reader->parser, ret_event))
        return complain(reader, reader->parser.problem_mark.line, "",
                        reader->parser.problem ? reader->parser.problem : "not YAML");
    return 0;
}

static int expect(struct reader *reader, yaml_event_type_t type, const char *what)
{
    yaml_event_t event;
    int rc = take_event(reader, &event);
    if (rc != 0)
        return rc;
    if (event.type != type)
        rc = complain(reader, event.start_mark.line, "", what);
    yaml_event_delete(&event);
    return rc;
}

static int take_word(struct reader *reader, const yaml_event_t *event, char *ret, size_t *ret_line)
{
    *ret_line = event->start_mark.line;
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor || event->data.scalar.tag ||
        event->data.scalar.length >= WORD_MAX ||
        strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
        return complain(reader, *ret_line, "", "a plain word or value is expected here");
    memcpy(ret, event->data.scalar.value, event->data.scalar.length + 1);
    return 0;
}

static int read_word(struct reader *reader, char *ret, size_t *ret_line)
{
    yaml_event_t event;
    int rc = take_event(reader, &event);
    if (rc == 0) {
        rc = take_word(reader, &event, ret, ret_line);
        yaml_event_delete(&event);
    }
    return rc;
}

/* "-0.5 nm" in the unit wanted. The rest of the text, or NULL. */
static const char *read_quantity(const char *text, const char *unit, double *ret)
{
    static const struct {
        char prefix;
        double factor;
    } prefixes[] = {{'m', 1e-3}, {'u', 1e-6}, {'n', 1e-9}, {'p', 1e-12}};
    char *rest;
    double value = strtod(text, &rest);
    if (rest == text || !isfinite(value) || strcspn(text, "xXiInN") < (size_t)(rest - text))
        return NULL;
    size_t unit_size = strlen(unit);
    if (unit_size > 0) {
        while (*rest == ' ')
            rest++;
        size_t word = strcspn(rest, " ");
        if (word == unit_size + 1) {
            size_t i = 0;
            while (i < sizeof(prefixes) / sizeof(prefixes[0]) && prefixes[i].prefix != *rest)
                i++;
            if (i == sizeof(prefixes) / sizeof(prefixes[0]))
                return NULL;
            value *= prefixes[i].factor;
            rest++;
            word--;
        }
        if (word != unit_size || strncmp(rest, unit, unit_size) != 0)
            return NULL;
        rest += unit_size;
    }
    *ret = value;
    return rest;
}

static bool read_range(const char *text, const char *unit, struct action_range *ret)
{
    struct action_range range;
    const char *rest = read_quantity(text, unit, &range.min);
    if (!rest || strncmp(rest, " .. ", 4) != 0)
        return false;
    rest = read_quantity(rest + 4, unit, &range.max);
    if (!rest || *rest != '\0' || range.min > range.max)
        return false;
    *ret = range;
    return true;
}

/* 0.05 nm read as 0.05 * 1e-9 may miss the ceiling's own literal by a rounding. */
static bool is_inside(const struct action_range *range, const struct action_range *ceiling)
{
    double slack = 1e-12 * (fabs(ceiling->min) + fabs(ceiling->max));
    return range->min >= ceiling->min - slack && range->max <= ceiling->max + slack;
}

static int read_parameter(struct reader *reader, enum action_kind kind, const char *name,
                          size_t line, bool *seen)
{
    char value[WORD_MAX];
    int i = action_parameter_find(kind, name);
    if (i < 0)
        return complain(reader, line, name, "this action has no such parameter");
    if (seen[i])
        return complain(reader, line, name, "given twice");
    seen[i] = true;
    int rc = read_word(reader, value, &line);
    if (rc != 0)
        return rc;
    size_t n;
    const struct action_parameter *parameter = &action_parameters(kind, &n)[i];
    struct action_range *now = &reader->limits->limits.range[kind][i];
    struct action_range range;
    if (!read_range(value, parameter->unit, &range))
        return complain(reader, line, value, "not MIN UNIT .. MAX UNIT, smaller first");
    if (!is_inside(&range, now))
        return complain(reader, line, value, "outside the compiled ceiling");
    now->min = range.min > now->min ? range.min : now->min;
    now->max = range.max < now->max ? range.max : now->max;
    return 0;
}

/* `off`, `allowed`, or a mapping of parameters. */
static int read_kind(struct reader *reader, enum action_kind kind)
{
    yaml_event_t event;
    char word[WORD_MAX] = "";
    size_t line;
    bool seen[ACTION_PARAMETERS_MAX] = {false};
    int rc = take_event(reader, &event);
    if (rc != 0)
        return rc;
    bool mapping = event.type == YAML_MAPPING_START_EVENT && !event.data.mapping_start.anchor &&
                   !event.data.mapping_start.tag;
    if (!mapping)
        rc = take_word(reader, &event, word, &line);
    yaml_event_delete(&event);
    if (rc != 0)
        return rc;
    if (!mapping) {
        if (strcmp(word, "off") == 0)
            reader->limits->limits.allowed[kind] = 0;
        else if (strcmp(word, "allowed") != 0)
            rc = complain(reader, line, word, "not off, allowed, or limits");
        return rc;
    }
    for (;;) {
        rc = take_event(reader, &event);
        if (rc != 0)
            return rc;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            rc = take_word(reader, &event, word, &line);
        yaml_event_delete(&event);
        if (end || rc != 0)
            return rc;
        rc = read_parameter(reader, kind, word, line, seen);
        if (rc != 0)
            return rc;
    }
}

static int read_profile(struct reader *reader, const char *value, size_t line)
{
    for (int k = 0; k < ACTION_KIND_COUNT; k++)
        if (reader->seen_kind[k])
            return complain(reader, line, "profile", "must stand before the actions");
    for (int i = 0; i < ACTION_PROFILE_COUNT; i++)
        if (strcmp(value, profile_names[i]) == 0) {
            int necking = reader->limits->limits.allowed[ACTION_NECK];
            reader->limits->profile = (enum action_profile)i;
            action_limits_ceiling(reader->limits->profile, &reader->limits->limits);
            reader->limits->limits.allowed[ACTION_NECK] = necking;
            return 0;
        }
    return complain(reader, line, value, "not silicon or metal");
}

static int read_setting(struct reader *reader, const char *key, const char *value, size_t line)
{
    if (strcmp(key, "limits_version") == 0)
        return strcmp(value, "1") == 0 ? 0 : complain(reader, line, value, "not version 1");
    if (strcmp(key, "profile") == 0)
        return read_profile(reader, value, line);
    if (strcmp(key, "necking") == 0) {
        bool on = strcmp(value, "on") == 0;
        if (!on && strcmp(value, "off") != 0)
            return complain(reader, line, value, "not on or off");
        reader->limits->limits.allowed[ACTION_NECK] = on;
        return 0;
    }
    double withdraw_m;
    const char *rest = read_quantity(value, "m", &withdraw_m);
    if (!rest || *rest != '\0' || withdraw_m < 1e-9 || withdraw_m > 2e-6)
        return complain(reader, line, value, "not a distance from 1 nm to 2 um");
    reader->limits->withdraw_m = withdraw_m;
    return 0;
}

static int read_entry(struct reader *reader, const char *key, size_t line)
{
    struct {
        const char *name;
        bool *seen;
    } settings[] = {{"limits_version", &reader->seen_version},
                    {"profile", &reader->seen_profile},
                    {"withdraw", &reader->seen_withdraw},
                    {"necking", &reader->seen_necking}};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(key, settings[i].name) != 0)
            continue;
        char value[WORD_MAX];
        if (*settings[i].seen)
            return complain(reader, line, key, "given twice");
        *settings[i].seen = true;
        int rc = read_word(reader, value, &line);
        return rc == 0 ? read_setting(reader, key, value, line) : rc;
    }
    int kind = action_kind_from_name(key);
    if (kind < 0)
        return complain(reader, line, key, "unknown");
    if (reader->seen_kind[kind])
        return complain(reader, line, key, "given twice");
    reader->seen_kind[kind] = true;
    return read_kind(reader, (enum action_kind)kind);
}

static int read_document(struct reader *reader)
{
    int rc = expect(reader, YAML_STREAM_START_EVENT, "not YAML");
    if (rc == 0)
        rc = expect(reader, YAML_DOCUMENT_START_EVENT, "an empty file");
    if (rc == 0)
        rc = expect(reader, YAML_MAPPING_START_EVENT, "a list of settings is expected");
    while (rc == 0) {
        yaml_event_t event;
        char key[WORD_MAX] = "";
        size_t line;
        rc = take_event(reader, &event);
        if (rc != 0)
            return rc;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            rc = take_word(reader, &event, key, &line);
        yaml_event_delete(&event);
        if (end)
            break;
        if (rc == 0)
            rc = read_entry(reader, key, line);
    }
    if (rc == 0)
        rc = expect(reader, YAML_DOCUMENT_END_EVENT, "text behind the settings");
    if (rc == 0)
        rc = expect(reader, YAML_STREAM_END_EVENT, "more than one document");
    if (rc == 0 && !reader->seen_version)
        rc = complain(reader, 0, "limits_version", "missing");
    return rc;
}

int limits_parse(const char *path, const char *text, size_t size,
                 struct instrument_limits *ret_limits, char *error, size_t error_size)
{
    struct instrument_limits limits;
    limits_default(ACTION_PROFILE_SILICON, &limits);
    struct reader reader = {
        .path = path, .error = error, .error_size = error_size, .limits = &limits};
    if (size > LIMITS_BYTES_MAX)
        return complain(&reader, 0, "", "larger than 64 KiB");
    if (!yaml_parser_initialize(&reader.parser))
        abort();
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
    int rc = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    if (rc == 0)
        *ret_limits = limits;
    return rc;
}

int limits_load(const char *path, struct instrument_limits *ret_limits, char *error,
                size_t error_size)
{
    char *text = malloc(LIMITS_BYTES_MAX + 1);
    if (!text)
        abort();
    FILE *file = fopen(path, "re");
    int rc = 0;
    size_t size = 0;
    if (file)
        size = fread(text, 1, LIMITS_BYTES_MAX + 1, file);
    if (!file || ferror(file)) {
        rc = -(errno ? errno : EIO);
        snprintf(error, error_size, "%s: %s", path, strerror(-rc));
    }
    if (file)
        fclose(file);
    if (rc == 0)
        rc = limits_parse(path, text, size, ret_limits, error, error_size);
    free(text);
    return rc;
}

/* Results of nights in and out of JSON. */
#include "agent/night_results.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- figures by name ---- */

enum field_type { FIELD_REAL, FIELD_COUNT, FIELD_TRUTH };

static const struct field {
    const char *name;
    enum field_type type;
    size_t offset;
} fields[] = {
#define REAL(name)                                                                                 \
    {                                                                                              \
#name, FIELD_REAL, offsetof(struct night_figures, name)                                    \
    }
#define COUNT(name)                                                                                \
    {                                                                                              \
#name, FIELD_COUNT, offsetof(struct night_figures, name)                                   \
    }
#define TRUTH(name)                                                                                \
    {                                                                                              \
#name, FIELD_TRUTH, offsetof(struct night_figures, name)                                   \
    }
    REAL(length_s),
    REAL(ended_s),
    REAL(wanted_s),
    REAL(rows_s),
    REAL(shown_s),
    REAL(first_good_s),
    TRUTH(first_good_found),
    COUNT(goods),
    COUNT(false_goods),
    COUNT(actions),
    COUNT(actions_on_wanted),
    COUNT(actions_on_shown),
    COUNT(spoiled),
    COUNT(moves),
    COUNT(coarse_moves),
    COUNT(frames),
    COUNT(wanted_frames),
    COUNT(shown_frames),
    COUNT(budget),
    COUNT(budget_used),
    COUNT(actions_to_wanted),
    TRUTH(wanted_ever),
    COUNT(actions_to_good),
    COUNT(crashes_unwanted),
    REAL(wall_s),
    REAL(cpu_s),
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static void put_figures(json_t *json, const struct night_figures *figures)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const void *at = (const char *)figures + fields[i].offset;
        json_t *value = NULL;
        if (fields[i].type == FIELD_REAL)
            value = json_real(*(const double *)at);
        else if (fields[i].type == FIELD_COUNT)
            value = json_integer(*(const uint32_t *)at);
        else
            value = json_boolean(*(const bool *)at);
        json_object_set_new(json, fields[i].name, value);
    }
}

static int get_figures(const json_t *json, struct night_figures *figures)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(json, fields[i].name);
        void *at = (char *)figures + fields[i].offset;
        json_int_t count = json_integer_value(value);
        if (fields[i].type == FIELD_REAL && json_is_number(value))
            *(double *)at = json_number_value(value);
        else if (fields[i].type == FIELD_COUNT && json_is_integer(value) && count >= 0 &&
                 count <= UINT32_MAX)
            *(uint32_t *)at = (uint32_t)count;
        else if (fields[i].type == FIELD_TRUTH && json_is_boolean(value))
            *(bool *)at = json_is_true(value);
        else
            return -EBADMSG;
    }
    return 0;
}

static int get_text(const json_t *json, const char *name, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (!text || strlen(text) >= size)
        return -EBADMSG;
    snprintf(buf, size, "%s", text);
    return 0;
}

/* ---- settings ---- */

static json_t *pack_settings(const struct night_settings *s)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:f}", "version", s->version, "scenario",
                     s->scenario, "scenario_hash", s->scenario_hash, "verdicts", s->verdicts,
                     "model_hash", s->model_hash, "full", (int)s->full, "length_s", s->length_s);
}

static int unpack_settings(const json_t *json, struct night_settings *s)
{
    *s = (struct night_settings){.full = json_is_true(json_object_get(json, "full")),
                                 .length_s = json_number_value(json_object_get(json, "length_s"))};
    int bad = get_text(json, "version", s->version, sizeof(s->version));
    if (!bad)
        bad = get_text(json, "scenario", s->scenario, sizeof(s->scenario));
    if (!bad)
        bad = get_text(json, "scenario_hash", s->scenario_hash, sizeof(s->scenario_hash));
    if (!bad)
        bad = get_text(json, "verdicts", s->verdicts, sizeof(s->verdicts));
    if (!bad)
        bad = get_text(json, "model_hash", s->model_hash, sizeof(s->model_hash));
    return bad || !(s->length_s > 0) ? -EBADMSG : 0;
}

/* The first setting in which they differ, or NULL. */
static const char *difference(const struct night_settings *a, const struct night_settings *b)
{
    if (strcmp(a->version, b->version) != 0)
        return "version of the program";
    if (strcmp(a->scenario_hash, b->scenario_hash) != 0 || strcmp(a->scenario, b->scenario) != 0)
        return "scenario";
    if (strcmp(a->verdicts, b->verdicts) != 0)
        return "kind of verdicts";
    if (strcmp(a->model_hash, b->model_hash) != 0)
        return "model";
    if (a->full != b->full)
        return "variant (full or in process)";
    return fabs(a->length_s - b->length_s) > 1e-6 ? "length of a night" : NULL;
}

static int write_line(FILE *file, json_t *json)
{
    if (!json)
        return -ENOMEM;
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
    json_decref(json);
    if (!text)
        return -ENOMEM;
    int bad = fprintf(file, "%s\n", text) < 0 || fflush(file) != 0;
    free(text);
    return bad ? -EIO : 0;
}

int night_settings_write(FILE *file, const struct night_settings *settings)
{
    return write_line(file, json_pack("{s:o}", "nights", pack_settings(settings)));
}

/* ---- one night ---- */

static json_t *pack_marks(const struct night_marks *marks)
{
    json_t *list = json_array();
    for (size_t i = 0; i < marks->n; i++) {
        const struct night_mark *m = &marks->list[i];
        json_array_append_new(list, json_pack("[f,i,i,f]", round(m->t_s * 10) / 10, (int)m->kind,
                                              m->value, round((double)m->score * 1000) / 1000));
    }
    return list;
}

static int unpack_marks(const json_t *list, struct night_marks *marks)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        json_int_t kind = json_integer_value(json_array_get(item, 1));
        json_int_t value = json_integer_value(json_array_get(item, 2));
        if (json_array_size(item) != 4 || kind < 0 || kind >= NIGHT_MARK_COUNT || value < 0 ||
            value > 255)
            return -EBADMSG;
        struct night_mark mark = {.t_s = json_number_value(json_array_get(item, 0)),
                                  .kind = (enum night_mark_kind)kind,
                                  .value = (int)value,
                                  .score = (float)json_number_value(json_array_get(item, 3))};
        night_marks_add(marks, &mark);
    }
    return 0;
}

int night_result_write(FILE *file, const struct night_result *result,
                       const struct night_marks *marks)
{
    char seed[24];
    snprintf(seed, sizeof(seed), "%" PRIu64, result->seed);
    json_t *json = json_pack("{s:s,s:s,s:s,s:s}", "policy", result->policy, "policy_hash",
                             result->policy_hash, "seed", seed, "how", result->figures.how);
    if (!json)
        return -ENOMEM;
    put_figures(json, &result->figures);
    if (marks && marks->n)
        json_object_set_new(json, "marks", pack_marks(marks));
    return write_line(file, json);
}

static int unpack_result(const json_t *json, struct night_result *result, struct night_marks *marks)
{
    char seed[24], *rest;
    *result = (struct night_result){.seed = 0};
    int bad = get_text(json, "policy", result->policy, sizeof(result->policy));
    if (!bad)
        bad = get_text(json, "policy_hash", result->policy_hash, sizeof(result->policy_hash));
    if (!bad)
        bad = get_text(json, "seed", seed, sizeof(seed));
    if (!bad)
        bad = get_text(json, "how", result->figures.how, sizeof(result->figures.how));
    if (!bad)
        bad = get_figures(json, &result->figures);
    if (bad || seed[0] < '0' || seed[0] > '9')
        return -EBADMSG;
    result->seed = strtoull(seed, &rest, 10);
    if (*rest)
        return -EBADMSG;
    return unpack_marks(json_object_get(json, "marks"), marks);
}

/* ---- all of them ---- */

const struct night_result *night_results_find(const struct night_results *results,
                                              const char *policy, uint64_t seed)
{
    for (size_t i = 0; i < results->n; i++)
        if (results->list[i].seed == seed && strcmp(results->list[i].policy, policy) == 0)
            return &results->list[i];
    return NULL;
}

bool night_results_add(struct night_results *results, const struct night_result *result,
                       struct night_marks *marks)
{
    if (night_results_find(results, result->policy, result->seed)) {
        free(marks->list);
        *marks = (struct night_marks){0};
        return false;
    }
    if (results->n == results->room) {
        results->room = results->room ? 2 * results->room : 64;
        results->list = realloc(results->list, results->room * sizeof(*results->list));
        results->marks = realloc(results->marks, results->room * sizeof(*results->marks));
        if (!results->list || !results->marks)
            abort(); /* some hundred bytes per night */
    }
    results->list[results->n] = *result;
    results->marks[results->n++] = *marks;
    *marks = (struct night_marks){0};
    return true;
}

void night_results_finish(struct night_results *results)
{
    for (size_t i = 0; i < results->n; i++)
        free(results->marks[i].list);
    free(results->list);
    free(results->marks);
    *results = (struct night_results){0};
}

static bool is_other_policy(const struct night_results *results, const struct night_result *result)
{
    for (size_t i = 0; i < results->n; i++)
        if (strcmp(results->list[i].policy, result->policy) == 0)
            return strcmp(results->list[i].policy_hash, result->policy_hash) != 0;
    return false;
}

static int take_settings(struct night_results *results, const json_t *json, char *error,
                         size_t error_size)
{
    struct night_settings settings;
    int r = unpack_settings(json_object_get(json, "nights"), &settings);
    if (r < 0)
        return r;
    const char *what =
        results->settings.version[0] ? difference(&results->settings, &settings) : NULL;
    results->settings = results->settings.version[0] ? results->settings : settings;
    if (!what)
        return 0;
    snprintf(error, error_size, "nights of another %s", what);
    return -EPROTO;
}

static int take_result(struct night_results *results, const json_t *json, char *error,
                       size_t error_size)
{
    struct night_result result;
    struct night_marks marks = {0};
    int r = unpack_result(json, &result, &marks);
    if (r == 0 && is_other_policy(results, &result)) {
        snprintf(error, error_size, "policy %s is not the same as before", result.policy);
        r = -EPROTO;
    }
    if (r < 0)
        free(marks.list);
    else
        night_results_add(results, &result, &marks);
    return r;
}

int night_results_read(struct night_results *results, const char *path, long *ret_whole,
                       char *error, size_t error_size)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0, line = 0;
    int r = file ? 0 : -errno;
    ssize_t length;
    if (!file)
        snprintf(error, error_size, "%s", strerror(-r));
    *ret_whole = 0;
    while (r == 0 && (length = getline(&text, &room, file)) > 0 && text[length - 1] == '\n') {
        json_t *json = json_loadb(text, (size_t)length, 0, NULL);
        snprintf(error, error_size, "line %zu is not a night's result", ++line);
        if (!json_is_object(json))
            r = -EBADMSG;
        else if (line == 1)
            r = take_settings(results, json, error, error_size);
        else
            r = take_result(results, json, error, error_size);
        json_decref(json);
        *ret_whole = r == 0 ? ftell(file) : *ret_whole;
    }
    free(text);
    if (file)
        fclose(file);
    return r;
}

/* ---- the table ---- */

/* A figure that is not there is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *pack_figure(const struct nn_figure *figure)
{
    return json_pack("{s:o,s:o,s:o}", "value", number(figure->value), "low", number(figure->low),
                     "high", number(figure->high));
}

static json_t *pack_row(const struct night_row *row)
{
    json_t *json = json_pack("{s:I}", "nights", (json_int_t)row->nights);
    json_t *ends = json_object();
    for (size_t m = 0; m < NIGHT_MEASURES; m++)
        json_object_set_new(json, night_measures[m].name, pack_figure(&row->measures[m]));
    for (size_t e = 0; e < NIGHT_ENDS; e++)
        json_object_set_new(ends, night_end_names[e], pack_figure(&row->ends[e]));
    json_object_set_new(json, "ends", ends);
    json_object_set_new(json, "paired_nights", json_integer((json_int_t)row->paired));
    json_object_set_new(json, "uptime_gain", pack_figure(&row->uptime_gain));
    json_object_set_new(json, "first_good_ratio", pack_figure(&row->first_good_ratio));
    return json;
}

struct night_speed night_results_speed(const struct night_results *results)
{
    struct night_speed speed = {.cpu_s = 0};
    double played_s = 0, n = (double)results->n;
    for (size_t i = 0; i < results->n; i++) {
        speed.cpu_s += results->list[i].figures.cpu_s / n;
        speed.wall_s += results->list[i].figures.wall_s / n;
        played_s += results->list[i].figures.ended_s / n;
    }
    speed.times_real_time = played_s / speed.wall_s;
    speed.nights_per_cpu_hour = 3600 / speed.cpu_s;
    return speed;
}

static json_t *pack_speed(const struct night_results *results)
{
    struct night_speed speed = night_results_speed(results);
    return json_pack("{s:o,s:o,s:o,s:o}", "cpu_s", number(speed.cpu_s), "wall_s",
                     number(speed.wall_s), "times_real_time", number(speed.times_real_time),
                     "nights_per_cpu_hour", number(speed.nights_per_cpu_hour));
}

int night_table_write_json(FILE *file, const struct night_results *results,
                           const struct night_row *rows, size_t n)
{
    json_t *policies = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(policies, rows[i].policy, pack_row(&rows[i]));
    json_t *json = json_pack("{s:o,s:o,s:o}", "settings", pack_settings(&results->settings),
                             "policies", policies, "speed", pack_speed(results));
    if (!json)
        return -ENOMEM;
    int bad = json_dumpf(json, file, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    json_decref(json);
    return bad || fputc('\n', file) == EOF ? -EIO : 0;
}

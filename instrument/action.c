/* The table of actions, and the checks and texts that follow from it. */
#include "instrument/action.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELD(field) offsetof(struct action, field)
#define SAME(lo, hi)                                                                               \
    {lo, lo},                                                                                      \
    {                                                                                              \
        hi, hi                                                                                     \
    }

static const struct action_parameter pulse_parameters[] = {
    {"voltage", "V", FIELD(voltage_v), 2.3, {-6.0, -10.0}, {6.0, 10.0}},
    {"duration", "s", FIELD(duration_s), 50e-3, SAME(1e-3, 1.0)},
    {"count", "", FIELD(count), 1, SAME(1, 5)},
    {"x", "", FIELD(x_frac), -1, SAME(-1, 1)},
    {"y", "", FIELD(y_frac), -1, SAME(-1, 1)},
};

static const struct action_parameter crash_parameters[] = {
    {"depth", "m", FIELD(depth_m), 0.3e-9, {0.05e-9, 0.05e-9}, {2.5e-9, 10e-9}},
    {"speed", "m/s", FIELD(speed_m_per_s), 1e-9, SAME(0.05e-9, 10e-9)},
    {"dwell", "s", FIELD(dwell_s), 0.1, SAME(0, 5)},
    {"bias", "V", FIELD(bias_v), 0, SAME(-6, 6)},
    {"x", "", FIELD(x_frac), -1, SAME(-1, 1)},
    {"y", "", FIELD(y_frac), -1, SAME(-1, 1)},
};

static const struct action_parameter neck_parameters[] = {
    {"voltage", "V", FIELD(voltage_v), 10, SAME(4, 10)},
    {"current", "A", FIELD(current_a), 330e-9, SAME(1e-9, 330e-9)},
    {"duration", "s", FIELD(duration_s), 20, SAME(1, 60)},
    {"x", "", FIELD(x_frac), -1, SAME(-1, 1)},
    {"y", "", FIELD(y_frac), -1, SAME(-1, 1)},
};

static const struct action_parameter retract_parameters[] = {
    {"coarse_steps", "", FIELD(coarse_steps), 0, SAME(0, 10)},
    {"lateral_steps", "", FIELD(lateral_steps), 0, SAME(0, 10)},
};

static const struct action_parameter reimage_parameters[] = {
    {"dx", "m", FIELD(dx_m), 0, SAME(-1e-6, 1e-6)},
    {"dy", "m", FIELD(dy_m), 0, SAME(-1e-6, 1e-6)},
};

static const struct {
    const char *name;
    const struct action_parameter *parameters;
    size_t n;
} kinds[ACTION_KIND_COUNT] = {
#define ROWS(table) table, sizeof(table) / sizeof((table)[0])
    [ACTION_PULSE] = {"pulse", ROWS(pulse_parameters)},
    [ACTION_CRASH] = {"crash", ROWS(crash_parameters)},
    [ACTION_NECK] = {"neck", ROWS(neck_parameters)},
    [ACTION_RETRACT] = {"retract", ROWS(retract_parameters)},
    [ACTION_APPROACH] = {"approach", NULL, 0},
    [ACTION_REIMAGE] = {"reimage", ROWS(reimage_parameters)},
};

const char *action_kind_name(enum action_kind kind)
{
    return kinds[kind].name;
}

int action_kind_from_name(const char *name)
{
    for (int i = 0; i < ACTION_KIND_COUNT; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return i;
    return -1;
}

const struct action_parameter *action_parameters(enum action_kind kind, size_t *ret_n)
{
    *ret_n = kinds[kind].n;
    return kinds[kind].parameters;
}

int action_parameter_find(enum action_kind kind, const char *name)
{
    for (size_t i = 0; i < kinds[kind].n; i++)
        if (strcmp(name, kinds[kind].parameters[i].name) == 0)
            return (int)i;
    return -1;
}

double action_get(const struct action *action, const struct action_parameter *parameter)
{
    double value;
    memcpy(&value, (const char *)action + parameter->offset, sizeof(value));
    return value;
}

void action_set(struct action *action, const struct action_parameter *parameter, double value)
{
    memcpy((char *)action + parameter->offset, &value, sizeof(value));
}

struct action action_default(enum action_kind kind)
{
    struct action action = {.kind = kind};
    for (size_t i = 0; i < kinds[kind].n; i++)
        action_set(&action, &kinds[kind].parameters[i], kinds[kind].parameters[i].fallback);
    return action;
}

void action_limits_ceiling(enum action_profile profile, struct action_limits *ret_limits)
{
    memset(ret_limits, 0, sizeof(*ret_limits));
    for (int k = 0; k < ACTION_KIND_COUNT; k++) {
        ret_limits->allowed[k] = k != ACTION_NECK;
        for (size_t i = 0; i < kinds[k].n; i++) {
            ret_limits->range[k][i].min = kinds[k].parameters[i].ceiling_min[profile];
            ret_limits->range[k][i].max = kinds[k].parameters[i].ceiling_max[profile];
        }
    }
}

/* A field that the kind does not use must be 0, or the sender meant another action. */
static int check_unused_fields(const struct action *action)
{
    struct action used = {.kind = action->kind};
    for (size_t i = 0; i < kinds[action->kind].n; i++) {
        const struct action_parameter *p = &kinds[action->kind].parameters[i];
        action_set(&used, p, action_get(action, p));
    }
    return memcmp((const char *)&used + FIELD(voltage_v), (const char *)action + FIELD(voltage_v),
                  sizeof(used) - FIELD(voltage_v)) == 0
               ? 0
               : -EINVAL;
}

int action_check(const struct action *action, const struct action_limits *limits,
                 const struct action_parameter **ret_parameter)
{
    if ((int)action->kind < 0 || action->kind >= ACTION_KIND_COUNT ||
        !limits->allowed[action->kind]) {
        *ret_parameter = NULL;
        return -ERANGE;
    }
    for (size_t i = 0; i < kinds[action->kind].n; i++) {
        const struct action_parameter *p = &kinds[action->kind].parameters[i];
        double value = action_get(action, p);
        /* Written so that NaN fails. */
        if (!(value >= limits->range[action->kind][i].min &&
              value <= limits->range[action->kind][i].max)) {
            *ret_parameter = p;
            return -ERANGE;
        }
    }
    static const size_t whole[] = {FIELD(count), FIELD(coarse_steps), FIELD(lateral_steps)};
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        double value;
        memcpy(&value, (const char *)action + whole[i], sizeof(value));
        if (value != floor(value)) {
            *ret_parameter = NULL;
            return -EINVAL;
        }
    }
    *ret_parameter = NULL;
    return check_unused_fields(action);
}

/* Engineering notation with a space, as operators write it: "2.3 V", "50 ms", "0.3 nm". */
static int describe_value(double value, const char *unit, char *buf, size_t size)
{
    static const struct {
        const char *prefix;
        double factor;
    } prefixes[] = {{"", 1}, {"m", 1e-3}, {"u", 1e-6}, {"n", 1e-9}, {"p", 1e-12}};
    size_t i = 0;
    if (unit[0] == '\0' || value == 0)
        return snprintf(buf, size, "%g%s%s", value, unit[0] ? " " : "", unit);
    /* Nanometres down to 0.1 nm: nobody says "300 pm" of a crash. */
    while (i + 1 < sizeof(prefixes) / sizeof(prefixes[0]) &&
           fabs(value) < prefixes[i].factor * (prefixes[i].factor < 1e-8 ? 0.0999 : 0.9999))
        i++;
    return snprintf(buf, size, "%.4g %s%s", value / prefixes[i].factor, prefixes[i].prefix, unit);
}

void action_describe(const struct action *action, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "%s", kinds[action->kind].name);
    for (size_t i = 0; i < kinds[action->kind].n && used < size; i++) {
        const struct action_parameter *p = &kinds[action->kind].parameters[i];
        char text[32];
        describe_value(action_get(action, p), p->unit, text, sizeof(text));
        used += (size_t)snprintf(buf + used, size - used, "%s %s %s", i ? "," : "", p->name, text);
    }
}

/* The JSON Schema of policies, written off the same tables. */
#include "config/reference.h"
#include "config/schema.h"
#include "config/units.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* NULL from jansson here is lack of memory, or a table that is not UTF-8. */
static json_t *must_have(json_t *value)
{
    if (!value)
        abort();
    return value;
}

static json_t *string_pattern(const char *pattern)
{
    return must_have(json_pack("{s:s,s:s}", "type", "string", "pattern", pattern));
}

/* "^[+-]?..(V|mV|uV)$" */
static json_t *quantity(const char *unit)
{
    char pattern[200] = "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)? *(";
    for (size_t i = 0; units_spelling(unit, i); i++)
        snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "%s%s", i ? "|" : "",
                 units_spelling(unit, i));
    snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), ")$");
    return string_pattern(pattern);
}

static json_t *conditions(bool always)
{
    char pattern[200] = "^(sure_good|sure_bad|(tip_good|wanted";
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "|%s",
                 nn_label_name((enum nn_label)i));
    snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern),
             ") *(>=|<) *(0?\\.[0-9]+))$");
    json_t *list =
        must_have(json_pack("{s:s,s:i,s:i,s:o}", "type", "array", "minItems", 1, "maxItems",
                            POLICY_CONDITIONS_MAX, "items", string_pattern(pattern)));
    if (!always)
        return list;
    return must_have(json_pack("{s:[{s:s},o]}", "anyOf", "const", "always", list));
}

/* {"enum": [...]} of words that `name_of` gives until NULL. */
static json_t *words(const char *(*name_of)(size_t))
{
    json_t *list = must_have(json_array());
    for (size_t i = 0; name_of(i); i++)
        json_array_append_new(list, must_have(json_string(name_of(i))));
    return must_have(json_pack("{s:o}", "enum", list));
}

static const char *answer_word(size_t i)
{
    return schema_answer(i) ? schema_answer(i)->name : NULL;
}

static const char *mode_word(size_t i)
{
    return i <= POLICY_OFF ? schema_mode_name((enum policy_mode)i) : NULL;
}

static const char *strategy_word(size_t i)
{
    return i <= POLICY_RANDOM ? schema_strategy_name((enum policy_strategy)i) : NULL;
}

static const char *label_word(size_t i)
{
    /* A tip that changes or is blurred cannot be wanted. */
    while (i < NN_LABEL_COUNT && (i == NN_LABEL_TIP_CHANGE || i == NN_LABEL_BAD_BLURRY))
        i++;
    return i < NN_LABEL_COUNT ? nn_label_name((enum nn_label)i) : NULL;
}

static json_t *value_of(const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_COUNT:
        return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", (json_int_t)key->min,
                         "maximum", (json_int_t)key->max);
    case SCHEMA_NUMBER:
        return json_pack("{s:s,s:f,s:f}", "type", "number", "minimum", key->min, "maximum",
                         key->max);
    case SCHEMA_QUANTITY:
        return quantity(key->unit);
    case SCHEMA_FLAG:
        return json_pack("{s:s}", "type", "boolean");
    case SCHEMA_NAME:
        return string_pattern("^[A-Za-z0-9._-]{1,63}$");
    case SCHEMA_PROFILE:
        return words(policy_profile_name);
    case SCHEMA_LABELS:
        return json_pack("{s:s,s:i,s:b,s:o}", "type", "array", "minItems", 1, "uniqueItems", 1,
                         "items", words(label_word));
    case SCHEMA_CONDITIONS:
        return conditions(strcmp(key->name, "when") == 0);
    case SCHEMA_CONFIRM:
        return string_pattern("^[0-9]+ *(verdicts?|frames?)$");
    case SCHEMA_LOOK:
        return string_pattern("^[0-9]+ *(frames?|lines?)$");
    case SCHEMA_STRATEGY:
        return words(strategy_word);
    case SCHEMA_ANSWER:
        return words(answer_word);
    case SCHEMA_MODE:
        return words(mode_word);
    }
    return NULL;
}

static json_t *open_object(void)
{
    return must_have(json_pack("{s:s,s:b,s:{},s:[]}", "type", "object", "additionalProperties", 0,
                               "properties", "required"));
}

static void add_property(json_t *object, const char *name, json_t *value, const char *doc)
{
    if (doc)
        json_object_set_new(value, "description", must_have(json_string(doc)));
    json_object_set_new(json_object_get(object, "properties"), name, value);
}

static json_t *section_object(enum schema_section section)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    json_t *object = open_object();
    json_object_set_new(object, "description", must_have(json_string(schema_section_doc(section))));
    for (size_t i = 0; i < n; i++) {
        if (keys[i].section != section)
            continue;
        json_t *value = must_have(value_of(&keys[i]));
        /* Plain numbers can stand as JSON defaults too, but text is what the file would say. */
        if (keys[i].fallback && keys[i].fallback[0] != '\0' && keys[i].type != SCHEMA_COUNT &&
            keys[i].type != SCHEMA_NUMBER && keys[i].type != SCHEMA_FLAG)
            json_object_set_new(value, "default", must_have(json_string(keys[i].fallback)));
        else if (keys[i].fallback && keys[i].fallback[0] != '\0')
            json_object_set_new(value, "default",
                                must_have(json_loads(keys[i].fallback, JSON_DECODE_ANY, NULL)));
        add_property(object, keys[i].name, value, keys[i].doc);
        if (!keys[i].fallback)
            json_array_append_new(json_object_get(object, "required"),
                                  must_have(json_string(keys[i].name)));
    }
    return object;
}

static json_t *parameter_value(const struct action_parameter *parameter)
{
    json_t *one = parameter->unit[0] != '\0' ? quantity(parameter->unit)
                                             : must_have(json_pack("{s:s}", "type", "number"));
    json_t *ramp = open_object();
    static const char *const parts[] = {"from", "to", "step"};
    for (size_t i = 0; i < 3; i++) {
        add_property(ramp, parts[i], must_have(json_deep_copy(one)), NULL);
        json_array_append_new(json_object_get(ramp, "required"), must_have(json_string(parts[i])));
    }
    return must_have(json_pack("{s:[o,o]}", "anyOf", one, ramp));
}

/* Names shared by several actions (x, y, voltage, duration) have one unit; the program checks which
 * action a parameter belongs to. */
static json_t *rule_object(void)
{
    json_t *rule = section_object(SCHEMA_RULE);
    add_property(rule, "at_most", section_object(SCHEMA_AT_MOST), NULL);
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        const struct action_parameter *parameters = action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++)
            if (!json_object_get(json_object_get(rule, "properties"), parameters[i].name))
                add_property(rule, parameters[i].name, parameter_value(&parameters[i]),
                             schema_bound((enum action_kind)kind, i)->doc);
    }
    return rule;
}

void reference_print_schema(FILE *out)
{
    json_t *root = section_object(SCHEMA_TOP);
    json_t *required = json_object_get(root, "required");
    json_object_set_new(root, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(root, "title", json_string("tipwright policy"));
    for (int s = SCHEMA_TOP + 1; s < SCHEMA_RULE; s++) {
        enum schema_section section = (enum schema_section)s;
        json_t *object = section_object(section);
        if (json_array_size(json_object_get(object, "required")) > 0)
            json_array_append_new(required, json_string(schema_section_name(section)));
        add_property(root, schema_section_name(section), object, NULL);
    }
    json_t *rules = must_have(json_pack("{s:s,s:i,s:i,s:o}", "type", "array", "minItems", 1,
                                        "maxItems", POLICY_RULES_MAX, "items", rule_object()));
    add_property(root, "rules", rules, schema_section_doc(SCHEMA_RULE));
    json_array_append_new(required, json_string("rules"));
    json_dumpf(root, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(root);
}

/* The reference is up to date, the schema is complete, and both tables agree with the actions. */
#include "config/reference.h"
#include "config/schema.h"
#include "config/units.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 * 1024 };

static char made[TEXT_MAX], kept[TEXT_MAX];

static size_t capture(void (*print)(FILE *), char *text)
{
    FILE *file = tmpfile();
    print(file);
    rewind(file);
    size_t size = fread(text, 1, TEXT_MAX - 1, file);
    fclose(file);
    text[size] = '\0';
    return size;
}

START_TEST(reference_is_up_to_date)
{
    size_t size = capture(reference_print, made);
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/policy.md", "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(kept, 1, TEXT_MAX - 1, file);
    fclose(file);
    kept[n] = '\0';
    ck_assert_msg(n == size && memcmp(made, kept, n) == 0,
                  "run: tipwright check --print-reference > docs/policy.md");
}
END_TEST

START_TEST(reference_names_every_key)
{
    size_t n;
    char word[80];
    const struct schema_key *keys = schema_keys(&n);
    capture(reference_print, made);
    for (size_t i = 0; i < n; i++) {
        snprintf(word, sizeof(word), "| `%s` |", keys[i].name);
        ck_assert_msg(strstr(made, word) != NULL, "%s", word);
        ck_assert_ptr_nonnull(strstr(made, keys[i].doc));
    }
}
END_TEST

static json_t *load_schema(void)
{
    json_error_t error;
    capture(reference_print_schema, made);
    json_t *root = json_loads(made, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    return root;
}

static json_t *section_properties(json_t *root, enum schema_section section)
{
    json_t *top = json_object_get(root, "properties");
    json_t *rule =
        json_object_get(json_object_get(json_object_get(top, "rules"), "items"), "properties");
    if (section == SCHEMA_TOP)
        return top;
    if (section == SCHEMA_RULE)
        return rule;
    json_t *object = section == SCHEMA_AT_MOST ? json_object_get(rule, "at_most")
                                               : json_object_get(top, schema_section_name(section));
    ck_assert(json_is_false(json_object_get(object, "additionalProperties")));
    return json_object_get(object, "properties");
}

START_TEST(schema_has_every_key)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    json_t *root = load_schema();
    ck_assert_str_eq(json_string_value(json_object_get(root, "$schema")),
                     "https://json-schema.org/draft/2020-12/schema");
    for (size_t i = 0; i < n; i++) {
        json_t *value = json_object_get(section_properties(root, keys[i].section), keys[i].name);
        ck_assert_msg(json_is_object(value), "%s", keys[i].name);
        ck_assert_str_eq(json_string_value(json_object_get(value, "description")), keys[i].doc);
    }
    json_t *rule = section_properties(root, SCHEMA_RULE);
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n_parameters;
        const struct action_parameter *parameters =
            action_parameters((enum action_kind)kind, &n_parameters);
        for (size_t i = 0; i < n_parameters; i++)
            ck_assert(json_is_object(json_object_get(rule, parameters[i].name)));
    }
    json_decref(root);
}
END_TEST

/* One name has one unit wherever it is used, or the JSON Schema would be wrong. */
START_TEST(parameter_names_have_one_unit)
{
    for (int a = 0; a < ACTION_KIND_COUNT; a++)
        for (int b = 0; b < ACTION_KIND_COUNT; b++) {
            size_t n_a, n_b;
            const struct action_parameter *pa = action_parameters((enum action_kind)a, &n_a);
            const struct action_parameter *pb = action_parameters((enum action_kind)b, &n_b);
            for (size_t i = 0; i < n_a; i++)
                for (size_t k = 0; k < n_b; k++)
                    ck_assert(strcmp(pa[i].name, pb[k].name) != 0 ||
                              strcmp(pa[i].unit, pb[k].unit) == 0);
        }
}
END_TEST

START_TEST(policy_bounds_lie_inside_the_ceilings)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        const struct action_parameter *parameters = action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++)
            for (int p = 0; p < ACTION_PROFILE_COUNT; p++) {
                const struct schema_bound *bound = schema_bound((enum action_kind)kind, i);
                ck_assert_str_eq(bound->name, parameters[i].name);
                ck_assert_double_ge(bound->range[p].min, parameters[i].ceiling_min[p]);
                ck_assert_double_le(bound->range[p].max, parameters[i].ceiling_max[p]);
                /* A default that a rule may leave unsaid must itself be allowed. */
                ck_assert_double_ge(parameters[i].fallback, bound->range[p].min);
                ck_assert_double_le(parameters[i].fallback, bound->range[p].max);
            }
    }
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_ge(keys[i].ceiling, keys[i].max);
}
END_TEST

START_TEST(examples_are_valid)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        size_t n;
        const struct action_parameter *parameters = action_parameters((enum action_kind)kind, &n);
        for (size_t i = 0; i < n; i++) {
            struct units_report report;
            double value;
            const struct schema_bound *bound = schema_bound((enum action_kind)kind, i);
            ck_assert_int_eq(units_read(bound->example, parameters[i].unit, &value, &report), 0);
            ck_assert_double_eq(value, parameters[i].fallback);
        }
    }
}
END_TEST

START_TEST(keys_and_profiles_are_named_once)
{
    size_t n;
    const struct schema_key *keys = schema_keys(&n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(schema_find(keys[i].section, keys[i].name), (int)i);
    ck_assert_int_eq(schema_find(SCHEMA_TOP, "cool_down"), -1);
    size_t profiles = 0;
    while (policy_profile_name(profiles))
        profiles++;
    ck_assert_uint_eq(profiles, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference");
    TCase *tc = tcase_create("reference");
    tcase_add_test(tc, reference_is_up_to_date);
    tcase_add_test(tc, reference_names_every_key);
    tcase_add_test(tc, schema_has_every_key);
    tcase_add_test(tc, parameter_names_have_one_unit);
    tcase_add_test(tc, policy_bounds_lie_inside_the_ceilings);
    tcase_add_test(tc, examples_are_valid);
    tcase_add_test(tc, keys_and_profiles_are_named_once);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

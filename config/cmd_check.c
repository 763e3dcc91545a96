/* tipwright check: policies, scenarios and surfaces against their tables, and the schema itself. */
#include "agent/command.h"
#include "config/policy.h"
#include "config/reference.h"
#include "config/yaml_reader.h"
#include "sim/scenario.h"
#include "sim/surface_file.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>

static void print_usage(FILE *out)
{
    fputs("Usage: tipwright check [--json] FILE...\n"
          "       tipwright check --print-reference | --print-schema\n"
          "Check policies, scenarios and surfaces completely and name every error with line and "
          "column.\n"
          "\n"
          "  --json              results as JSON on stdout\n"
          "  --print-reference   the reference of all keys (Markdown) on stdout\n"
          "  --print-schema      the JSON Schema of policies, for editors, on stdout\n"
          "  --help              this text\n"
          "\n"
          "Exit status: 0 all valid, 1 internal error, 2 usage, 6 one or more invalid.\n",
          out);
}

static json_t *describe(const char *path, const struct policy *policy,
                        const struct policy_errors *errors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->n; i++) {
        const struct policy_error *error = &errors->list[i];
        json_array_append_new(list, json_pack("{s:i,s:i,s:i,s:s}", "line", error->line, "column",
                                              error->column, "width", error->width, "message",
                                              error->message));
    }
    json_t *name = json_string(path);
    if (!name) /* a path that is not UTF-8 */
        name = json_null();
    json_t *file = json_pack("{s:o,s:b}", "file", name, "valid", policy != NULL);
    if (policy) {
        json_object_set_new(file, "name", json_string(policy->name));
        json_object_set_new(file, "profile", json_string(policy->profile_name));
        json_object_set_new(file, "hash", json_string(policy->hash));
        json_object_set_new(file, "rules", json_integer((json_int_t)policy->n_rules));
    }
    json_object_set_new(file, "errors", list);
    json_object_set_new(file, "errors_found", json_integer((json_int_t)errors->found));
    return file;
}

static json_t *describe_scenario(const char *path, const struct sim_scenario *scenario,
                                 const struct policy_errors *errors)
{
    json_t *file = describe(path, NULL, errors);
    json_object_set_new(file, "valid", json_boolean(scenario != NULL));
    if (scenario) {
        json_object_set_new(file, "scenario", json_string(scenario->name));
        json_object_set_new(
            file, "faults",
            json_integer((json_int_t)scenario->n_faults + (json_int_t)scenario->n_disturbances));
    }
    return file;
}

static bool check_scenario(const char *path, json_t *files)
{
    struct sim_scenario *scenario = malloc(sizeof(*scenario));
    struct policy_errors errors;
    if (!scenario)
        abort();
    bool valid = sim_scenario_load(path, scenario, &errors) == 0;
    if (files)
        json_array_append_new(files, describe_scenario(path, valid ? scenario : NULL, &errors));
    else if (valid)
        printf("%s: valid: scenario %s, surface %s, %zu faults\n", path, scenario->name,
               scenario->surface, scenario->n_faults + scenario->n_disturbances);
    else
        policy_errors_print(&errors, path, stderr);
    policy_errors_finish(&errors);
    free(scenario);
    return valid;
}

static bool check_surface(const char *path, json_t *files)
{
    struct sim_surface_spec *surface = malloc(sizeof(*surface));
    struct policy_errors errors;
    if (!surface)
        abort();
    bool valid = sim_surface_load(path, surface, &errors) == 0;
    if (files) {
        json_t *file = describe(path, NULL, &errors);
        json_object_set_new(file, "valid", json_boolean(valid));
        if (valid)
            json_object_set_new(file, "surface", json_string(surface->name));
        json_array_append_new(files, file);
    } else if (valid) {
        printf("%s: valid: surface %s, %u kinds of defects\n", path, surface->name,
               surface->n_defects);
    } else {
        policy_errors_print(&errors, path, stderr);
    }
    policy_errors_finish(&errors);
    free(surface);
    return valid;
}

enum file_kind { POLICY, SCENARIO, SURFACE };

/* By the version that it names; whatever names none is a policy. */
static enum file_kind kind_of(const char *path)
{
    char *text;
    size_t size;
    if (doc_read_file(path, &text, &size) < 0)
        return POLICY;
    enum file_kind kind = sim_scenario_recognised(text, size)  ? SCENARIO
                          : sim_surface_recognised(text, size) ? SURFACE
                                                               : POLICY;
    free(text);
    return kind;
}

static bool check_policy(const char *path, json_t *files)
{
    struct policy *policy = malloc(sizeof(*policy));
    struct policy_errors errors;
    if (!policy)
        abort();
    bool valid = policy_load(path, policy, &errors) == 0;
    if (files) {
        json_array_append_new(files, describe(path, valid ? policy : NULL, &errors));
    } else if (valid) {
        printf("%s: valid: policy %s, profile %s, %zu rules, sha256 %s\n", path, policy->name,
               policy->profile_name, policy->n_rules, policy->hash);
    } else {
        policy_errors_print(&errors, path, stderr);
    }
    policy_errors_finish(&errors);
    free(policy);
    return valid;
}

/* True when valid. `files` is NULL, or gets the result. */
static bool check_file(const char *path, json_t *files)
{
    switch (kind_of(path)) {
    case SCENARIO:
        return check_scenario(path, files);
    case SURFACE:
        return check_surface(path, files);
    case POLICY:
        break;
    }
    return check_policy(path, files);
}

static int check_files(int n, char **paths, bool json)
{
    json_t *files = json ? json_array() : NULL;
    bool all_valid = true;
    for (int i = 0; i < n; i++)
        all_valid = check_file(paths[i], files) && all_valid;
    if (json) {
        json_t *result = json_pack("{s:b,s:o}", "valid", all_valid, "files", files);
        json_dumpf(result, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(result);
    }
    return all_valid ? EXIT_OK : EXIT_REFUSED;
}

int cmd_check(int argc, char **argv)
{
    enum { JSON = 1, REFERENCE, SCHEMA, HELP };
    static const struct option options[] = {
        {"json", no_argument, NULL, JSON},
        {"print-reference", no_argument, NULL, REFERENCE},
        {"print-schema", no_argument, NULL, SCHEMA},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    bool json = false, reference = false, schema = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            print_usage(stdout);
            return EXIT_OK;
        }
        if (option != JSON && option != REFERENCE && option != SCHEMA) {
            print_usage(stderr);
            return EXIT_USAGE;
        }
        json = json || option == JSON;
        reference = reference || option == REFERENCE;
        schema = schema || option == SCHEMA;
    }
    bool printing = reference || schema;
    if ((printing && (json || optind < argc || (reference && schema))) ||
        (!printing && optind >= argc)) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (reference)
        reference_print(stdout);
    else if (schema)
        reference_print_schema(stdout);
    else
        return check_files(argc - optind, argv + optind, json);
    return ferror(stdout) ? EXIT_INTERNAL : EXIT_OK;
}

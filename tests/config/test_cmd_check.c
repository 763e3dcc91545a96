/* tipwright check as scripts see it: exit status, stdout, stderr. */
#include "agent/command.h"

#include <check.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOOD TEST_SOURCE_DIR "/config/policies/h-si-100.yaml"
#define BAD TEST_SOURCE_DIR "/tests/config/bad/01-unknown-key-top.yaml"

static char out[256 * 1024], err[64 * 1024];

static void take(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* Each test runs in a process of its own, so its streams may be bent. */
static int run(int argc, const char *const *words)
{
    char *argv[8] = {0};
    FILE *new_out = tmpfile(), *new_err = tmpfile();
    int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);
    for (int i = 0; i < argc; i++)
        argv[i] = strdup(words[i]);
    fflush(NULL);
    dup2(fileno(new_out), STDOUT_FILENO);
    dup2(fileno(new_err), STDERR_FILENO);
    optind = 1;
    int rc = cmd_check(argc, argv);
    fflush(NULL);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    close(old_out);
    close(old_err);
    take(new_out, out, sizeof(out));
    take(new_err, err, sizeof(err));
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return rc;
}

START_TEST(valid)
{
    ck_assert_int_eq(run(2, (const char *[]){"check", GOOD}), EXIT_OK);
    ck_assert_ptr_nonnull(strstr(out, "valid: policy h-si-100"));
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(invalid)
{
    ck_assert_int_eq(run(3, (const char *[]){"check", BAD, GOOD}), EXIT_REFUSED);
    ck_assert_ptr_nonnull(strstr(err,
                                 BAD ":7:1: error: unknown key 'budgt'; did you mean 'budget'?\n"
                                     "    7 | budgt:\n"
                                     "      | ^~~~~\n"));
    ck_assert_ptr_nonnull(strstr(out, "valid: policy h-si-100"));
}
END_TEST

START_TEST(missing_file)
{
    ck_assert_int_eq(run(2, (const char *[]){"check", "/nonexistent"}), EXIT_REFUSED);
    ck_assert_ptr_nonnull(strstr(err, "/nonexistent: error: No such file"));
}
END_TEST

START_TEST(json)
{
    ck_assert_int_eq(run(4, (const char *[]){"check", "--json", BAD, GOOD}), EXIT_REFUSED);
    json_t *root = json_loads(out, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert(json_is_false(json_object_get(root, "valid")));
    json_t *files = json_object_get(root, "files");
    json_t *error = json_array_get(json_object_get(json_array_get(files, 0), "errors"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(error, "line")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(error, "column")), 1);
    json_t *second = json_array_get(files, 1);
    ck_assert(json_is_true(json_object_get(second, "valid")));
    ck_assert_str_eq(json_string_value(json_object_get(second, "name")), "h-si-100");
    ck_assert_uint_eq(json_string_length(json_object_get(second, "hash")), 64);
    json_decref(root);
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(surfaces)
{
    static const char *const names[] = {"h-si-100", "si-111-7x7", "au-111"};
    for (int i = 0; i < 3; i++) {
        char path[512], said[64];
        snprintf(path, sizeof(path), "%s/sim/surfaces/%s.yaml", TEST_SOURCE_DIR, names[i]);
        snprintf(said, sizeof(said), "valid: surface %s, ", names[i]);
        ck_assert_int_eq(run(2, (const char *[]){"check", path}), EXIT_OK);
        ck_assert_ptr_nonnull(strstr(out, said));
        ck_assert_int_eq(run(3, (const char *[]){"check", "--json", path}), EXIT_OK);
        ck_assert_ptr_nonnull(strstr(out, names[i]));
    }
}
END_TEST

START_TEST(printing)
{
    ck_assert_int_eq(run(2, (const char *[]){"check", "--print-schema"}), EXIT_OK);
    json_t *root = json_loads(out, 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_decref(root);
    ck_assert_int_eq(run(2, (const char *[]){"check", "--print-reference"}), EXIT_OK);
    ck_assert_int_eq(strncmp(out, "# Policies\n", 11), 0);
    ck_assert_int_eq(run(2, (const char *[]){"check", "--help"}), EXIT_OK);
    ck_assert_int_eq(strncmp(out, "Usage: tipwright check", 22), 0);
}
END_TEST

static const char *const wrong[][3] = {
    {"check", NULL, NULL},
    {"check", "--no-such-option", GOOD},
    {"check", "--print-schema", GOOD},
    {"check", "--print-schema", "--print-reference"},
    {"check", "--print-schema", "--json"},
};

START_TEST(usage)
{
    int argc = 1;
    while (argc < 3 && wrong[_i][argc])
        argc++;
    ck_assert_int_eq(run(argc, wrong[_i]), EXIT_USAGE);
    ck_assert_str_eq(out, "");
    ck_assert_ptr_nonnull(strstr(err, "Usage: tipwright check"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd_check");
    TCase *tc = tcase_create("cmd_check");
    tcase_add_test(tc, valid);
    tcase_add_test(tc, invalid);
    tcase_add_test(tc, surfaces);
    tcase_add_test(tc, missing_file);
    tcase_add_test(tc, json);
    tcase_add_test(tc, printing);
    tcase_add_loop_test(tc, usage, 0, sizeof(wrong) / sizeof(wrong[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What a person sees of a complaint. */
#include "config/policy_errors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct policy_errors errors;
static char shown[4096];

static void setup(void)
{
    memset(&errors, 0, sizeof(errors));
}

static void teardown(void)
{
    policy_errors_finish(&errors);
}

static const char *print(const char *text)
{
    errors.text = text ? strdup(text) : NULL;
    FILE *file = tmpfile();
    policy_errors_sort(&errors);
    policy_errors_print(&errors, "night.yaml", file);
    rewind(file);
    shown[fread(shown, 1, sizeof(shown) - 1, file)] = '\0';
    fclose(file);
    return shown;
}

START_TEST(compiler_form)
{
    policy_errors_add(&errors, (struct place){2, 9, 4}, "%d V is too much", 40);
    policy_errors_add(&errors, (struct place){1, 1, 1}, "first");
    ck_assert_str_eq(print("pulse:\n  volt: 40 V\n"), "night.yaml:1:1: error: first\n"
                                                      "    1 | pulse:\n"
                                                      "      | ^\n"
                                                      "night.yaml:2:9: error: 40 V is too much\n"
                                                      "    2 |   volt: 40 V\n"
                                                      "      |         ^~~~\n");
}
END_TEST

START_TEST(without_a_place)
{
    policy_errors_add(&errors, (struct place){0, 0, 1}, "No such file");
    ck_assert_str_eq(print(NULL), "night.yaml: error: No such file\n");
}
END_TEST

START_TEST(caret_counts_characters)
{
    policy_errors_add(&errors, (struct place){1, 7, 2}, "here");
    ck_assert_str_eq(print("\xC2\xB5\xC2\xB5\t: ab"), "night.yaml:1:7: error: here\n"
                                                      "    1 | \xC2\xB5\xC2\xB5 : ab\n"
                                                      "      |       ^~\n");
}
END_TEST

START_TEST(long_lines_are_cut_around_the_caret)
{
    char text[401];
    memset(text, 'a', 400);
    text[400] = '\0';
    text[300] = 'X';
    policy_errors_add(&errors, (struct place){1, 301, 1}, "here");
    print(text);
    const char *line = strchr(shown, '\n') + 1, *caret = strchr(line, '\n') + 1;
    ck_assert_uint_lt(strcspn(line, "\n"), 110);
    ck_assert_uint_eq(strcspn(line, "X"), strcspn(caret, "^"));
}
END_TEST

/* Neither an excerpt nor a message can move the reader's cursor or colour the terminal. */
START_TEST(control_characters_are_not_passed_on)
{
    policy_errors_add(&errors, (struct place){1, 1, 1}, "'%s'", "\x1B[2J\xC2\x9B\x7F");
    print("a\x1B[31m\xC2\x9B"
          "b\x7F");
    ck_assert_ptr_null(strchr(shown, '\x1B'));
    ck_assert_ptr_null(strstr(shown, "\xC2\x9B"));
    ck_assert_ptr_null(strchr(shown, '\x7F'));
    ck_assert_ptr_nonnull(strstr(shown, "error: '?[2J?"
                                        "?'"));
}
END_TEST

START_TEST(characters_cut_in_half_are_replaced)
{
    policy_errors_add(&errors, (struct place){1, 1, 1}, "%.3s|", "\xC3\xA4\xC3\xA4");
    ck_assert_str_eq(errors.list[0].message, "\xC3\xA4?|");
}
END_TEST

START_TEST(more_than_the_list_holds)
{
    for (int i = 0; i < POLICY_ERRORS_MAX + 7; i++)
        policy_errors_add(&errors, (struct place){i + 1, 1, 1}, "x");
    ck_assert_uint_eq(errors.n, POLICY_ERRORS_MAX);
    ck_assert_uint_eq(errors.found, POLICY_ERRORS_MAX + 7);
    FILE *file = tmpfile();
    policy_errors_print(&errors, "p", file);
    ck_assert_int_gt(ftell(file), 0);
    fclose(file);
}
END_TEST

START_TEST(nearest_word)
{
    static const char *const words[] = {"cool_down", "after_action", "night", "nm", "m"};
    ck_assert_str_eq(policy_errors_nearest("cooldwon", words, 5), "cool_down");
    ck_assert_str_eq(policy_errors_nearest("nigth", words, 5), "night");
    ck_assert_str_eq(policy_errors_nearest("mn", words, 5), "nm");
    ck_assert_ptr_null(policy_errors_nearest("voltage", words, 5));
    ck_assert_ptr_null(policy_errors_nearest("", words, 3));
    char longer[500];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_ptr_null(policy_errors_nearest(longer, words, 5));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_errors");
    TCase *tc = tcase_create("policy_errors");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, compiler_form);
    tcase_add_test(tc, without_a_place);
    tcase_add_test(tc, caret_counts_characters);
    tcase_add_test(tc, long_lines_are_cut_around_the_caret);
    tcase_add_test(tc, control_characters_are_not_passed_on);
    tcase_add_test(tc, characters_cut_in_half_are_replaced);
    tcase_add_test(tc, more_than_the_list_holds);
    tcase_add_test(tc, nearest_word);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

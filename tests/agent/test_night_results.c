/* Tables of nights, and their files: merging, mixed settings, lines that were cut off. */
#include "agent/night_results.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct night_result night(const char *policy, uint64_t seed, double uptime, double good_s)
{
    struct night_result result = {.seed = seed};
    snprintf(result.policy, sizeof(result.policy), "%s", policy);
    snprintf(result.policy_hash, sizeof(result.policy_hash), "hash of %s", policy);
    result.figures = (struct night_figures){.length_s = 1000,
                                            .ended_s = 1000,
                                            .how = "time",
                                            .wanted_s = uptime * 1000,
                                            .rows_s = uptime * 1000,
                                            .first_good_s = good_s,
                                            .first_good_found = good_s < 1000,
                                            .actions = 10,
                                            .actions_on_wanted = 2,
                                            .wanted_frames = 50,
                                            .budget = 100,
                                            .budget_used = 25,
                                            .goods = 4,
                                            .false_goods = 1};
    return result;
}

static const struct night_row *row_of(const struct night_row *rows, size_t n, const char *policy)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].policy, policy) == 0)
            return &rows[i];
    ck_abort_msg("no row %s", policy);
    return NULL;
}

static struct nn_figure figure(const struct night_row *row, const char *name)
{
    return row->measures[night_measure_find(name)];
}

START_TEST(a_row_says_what_the_nights_came_to)
{
    struct night_result results[] = {night("default", 1, .9, 60), night("default", 2, .8, 120),
                                     night("default", 3, .1, 1000)};
    struct night_row *rows;
    size_t n;
    snprintf(results[2].figures.how, sizeof(results[2].figures.how), "budget");
    ck_assert_int_eq(night_table_make(results, 3, "default", 200, &rows, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(rows[0].nights, 3);
    ck_assert_double_eq_tol(figure(&rows[0], "uptime").value, .8, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "uptime_mean").value, .6, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "first_good_min").value, 2, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "nights_without_good").value, 1.0 / 3, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "actions_per_hour").value, 36, 1e-9);
    ck_assert_double_eq_tol(figure(&rows[0], "actions_per_100_good_frames").value, 4, 1e-9);
    ck_assert_double_eq_tol(figure(&rows[0], "justified").value, .8, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "budget_left").value, .75, 1e-12);
    ck_assert_double_eq_tol(figure(&rows[0], "false_confirmations").value, .25, 1e-12);
    ck_assert_double_eq_tol(rows[0].ends[0].value, 2.0 / 3, 1e-12);
    ck_assert_double_eq_tol(rows[0].ends[1].value, 1.0 / 3, 1e-12);
    /* The interval holds the value and reaches neither beyond the nights. */
    ck_assert(figure(&rows[0], "uptime").low >= .1 && figure(&rows[0], "uptime").high <= .9);
    ck_assert(figure(&rows[0], "uptime").low <= .8 && figure(&rows[0], "uptime").high >= .8);
    free(rows);
}
END_TEST

START_TEST(an_even_number_has_the_mean_of_two_in_its_middle)
{
    struct night_result results[] = {night("a", 1, .2, 60), night("a", 2, .4, 60),
                                     night("a", 3, .6, 60), night("a", 4, 1, 60)};
    struct night_row *rows;
    size_t n;
    ck_assert_int_eq(night_table_make(results, 4, NULL, 0, &rows, &n), 0);
    ck_assert_double_eq_tol(figure(&rows[0], "uptime").value, .5, 1e-12);
    free(rows);
}
END_TEST

START_TEST(policies_are_compared_in_common_nights)
{
    struct night_result results[] = {night("default", 1, .9, 100), night("other", 1, .5, 300),
                                     night("default", 2, .7, 100), night("other", 2, .5, 300),
                                     night("other", 3, .1, 1000)};
    struct night_row *rows;
    size_t n;
    ck_assert_int_eq(night_table_make(results, 5, "default", 200, &rows, &n), 0);
    const struct night_row *other = row_of(rows, n, "other");
    ck_assert_uint_eq(other->nights, 3);
    ck_assert_uint_eq(other->paired, 2);
    ck_assert_double_eq_tol(other->uptime_gain.value, -.3, 1e-12);
    ck_assert_double_eq_tol(other->first_good_ratio.value, 3, 1e-12);
    ck_assert_double_eq_tol(row_of(rows, n, "default")->uptime_gain.value, 0, 1e-12);
    free(rows);
}
END_TEST

/* ---- files ---- */

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof(path), "/tmp/tw-results-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_path(void)
{
    unlink(path);
}

static struct night_settings settings(void)
{
    return (struct night_settings){
        .version = "1", .scenario = "default", .verdicts = "network", .length_s = 1000};
}

static void write_file(const struct night_settings *s, const struct night_result *results, size_t n,
                       const struct night_marks *marks, const char *rest)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(night_settings_write(file, s), 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(night_result_write(file, &results[i], marks), 0);
    fputs(rest, file);
    fclose(file);
}

static int read_file(struct night_results *results, long *ret_whole)
{
    char error[NIGHT_RESULTS_ERROR_MAX];
    return night_results_read(results, path, ret_whole, error, sizeof(error));
}

START_TEST(a_file_gives_back_what_was_written)
{
    struct night_settings s = settings();
    struct night_result written = night("default", UINT64_C(18446744073709551615), .875, 61.5);
    struct night_marks marks = {0};
    struct night_results results = {0};
    long whole;
    night_marks_add(&marks, &(struct night_mark){12.5, NIGHT_MARK_ACTION, ACTION_PULSE, 0});
    night_marks_add(&marks, &(struct night_mark){13.5, NIGHT_MARK_VERDICT, 1, .25F});
    write_file(&s, &written, 1, &marks, "");
    ck_assert_int_eq(read_file(&results, &whole), 0);
    ck_assert_uint_eq(results.n, 1);
    ck_assert_str_eq(results.settings.scenario, "default");
    ck_assert(results.list[0].seed == written.seed);
    ck_assert_int_eq(memcmp(&results.list[0].figures, &written.figures, sizeof(written.figures)),
                     0);
    ck_assert_uint_eq(results.marks[0].n, 2);
    ck_assert_int_eq(results.marks[0].list[0].value, ACTION_PULSE);
    ck_assert_double_eq_tol(results.marks[0].list[1].t_s, 13.5, 1e-9);
    night_results_finish(&results);
    free(marks.list);
}
END_TEST

START_TEST(a_line_that_was_cut_off_is_left_out)
{
    struct night_settings s = settings();
    struct night_result written = night("default", 1, .5, 60);
    struct night_results results = {0};
    long whole;
    write_file(&s, &written, 1, NULL, "{\"policy\":\"def");
    ck_assert_int_eq(read_file(&results, &whole), 0);
    ck_assert_uint_eq(results.n, 1);
    ck_assert_int_eq(truncate(path, whole), 0);
    ck_assert_int_eq(read_file(&results, &whole), 0); /* twice the same night is one night */
    ck_assert_uint_eq(results.n, 1);
    night_results_finish(&results);
}
END_TEST

START_TEST(what_is_no_result_is_refused)
{
    static const char *const lines[] = {"{}\n", "[1,2]\n", "nonsense\n",
                                        "{\"policy\":\"x\",\"policy_hash\":\"\",\"seed\":\"1\"}\n"};
    struct night_settings s = settings();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct night_results results = {0};
        long whole;
        write_file(&s, NULL, 0, NULL, lines[i]);
        ck_assert_int_eq(read_file(&results, &whole), -EBADMSG);
        night_results_finish(&results);
    }
}
END_TEST

START_TEST(other_settings_are_refused)
{
    for (int i = 0; i < 7; i++) {
        struct night_settings s = settings();
        struct night_results results = {.settings = settings()};
        long whole;
        strcpy(i == 0   ? s.version
               : i == 1 ? s.scenario
               : i == 2 ? s.scenario_hash
               : i == 3 ? s.verdicts
                        : s.model_hash,
               "x");
        if (i >= 5) {
            s = settings();
            s.full = i == 5;
            s.length_s += i == 6;
        }
        write_file(&s, NULL, 0, NULL, "");
        ck_assert_int_eq(read_file(&results, &whole), -EPROTO);
        night_results_finish(&results);
    }
}
END_TEST

START_TEST(another_policy_of_the_same_name_is_refused)
{
    struct night_settings s = settings();
    struct night_result written[] = {night("default", 1, .5, 60), night("default", 2, .5, 60)};
    struct night_results results = {0};
    long whole;
    strcpy(written[1].policy_hash, "edited");
    write_file(&s, written, 2, NULL, "");
    ck_assert_int_eq(read_file(&results, &whole), -EPROTO);
    night_results_finish(&results);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("night_results");
    TCase *table = tcase_create("table");
    tcase_add_test(table, a_row_says_what_the_nights_came_to);
    tcase_add_test(table, an_even_number_has_the_mean_of_two_in_its_middle);
    tcase_add_test(table, policies_are_compared_in_common_nights);
    suite_add_tcase(suite, table);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_path, remove_path);
    tcase_add_test(files, a_file_gives_back_what_was_written);
    tcase_add_test(files, a_line_that_was_cut_off_is_left_out);
    tcase_add_test(files, what_is_no_result_is_refused);
    tcase_add_test(files, other_settings_are_refused);
    tcase_add_test(files, another_policy_of_the_same_name_is_refused);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* A nested search's books: who chooses, who reports, and tables that go on. */
#include "make_dataset.h"

#include "nn/search.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char table[] = TEST_BINARY_DIR "/test_search.csv";
static const char other[] = TEST_BINARY_DIR "/test_search_other.csv";

static const char *const rates[] = {"0.1", "0.01", "0.001"};
static const char *const batches[] = {"8", "16"};
static const struct nn_search_axis axes[] = {{"rate", rates, 3}, {"batch", batches, 2}};

static struct nn_search *open_search(const struct nn_dataset *dataset, uint64_t seed)
{
    struct nn_search_grid grid = {.axes = axes, .n_axes = 2, .outer = 2, .inner = 2};
    struct nn_train_settings settings = make_settings();
    settings.seed = seed;
    struct nn_search *search = NULL;
    ck_assert_int_eq(nn_search_create(&grid, &settings, dataset, &search), 0);
    return search;
}

static void add(struct nn_search *search, const char *path, uint32_t outer, uint32_t inner,
                uint32_t combination, double area)
{
    struct nn_search_result result = {outer, inner, combination, area};
    ck_assert_int_eq(nn_search_add(search, path, &result), 0);
}

START_TEST(combinations_are_all_there_once)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_search *search = open_search(dataset, 1);
    ck_assert_uint_eq(nn_search_combinations(search), 6);
    for (uint32_t c = 0; c < 6; c++) {
        ck_assert_str_eq(nn_search_value(search, c, 0), rates[c / 2]);
        ck_assert_str_eq(nn_search_value(search, c, 1), batches[c % 2]);
    }
    nn_search_destroy(search);
    nn_dataset_destroy(dataset);
}
END_TEST

/* What reports on an outer fold was nowhere in what chose for it. */
START_TEST(who_reports_has_not_chosen)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_search *search = open_search(dataset, 1);
    for (uint32_t outer = 0; outer < 2; outer++) {
        struct nn_search_parts report;
        struct nn_search_result which = {.outer = outer, .inner = NN_SEARCH_REPORT};
        ck_assert_int_eq(nn_search_split(search, &which, false, &report), 0);
        unsigned held[RECORDINGS] = {0};
        for (uint32_t inner = 0; inner < 2; inner++) {
            struct nn_search_parts parts;
            which.inner = inner;
            ck_assert_int_eq(nn_search_split(search, &which, false, &parts), 0);
            for (uint32_t r = 0; r < RECORDINGS; r++) {
                ck_assert(!(report.left_out[r] && (parts.use[r] || parts.left_out[r])));
                ck_assert(!(parts.use[r] && parts.left_out[r]));
                ck_assert(report.left_out[r] || parts.use[r] || parts.left_out[r]);
                held[r] += parts.left_out[r];
            }
            free(parts.use);
        }
        for (uint32_t r = 0; r < RECORDINGS; r++) {
            ck_assert_uint_eq(held[r], report.left_out[r] ? 0 : 1);
            ck_assert(report.use[r] != report.left_out[r]);
        }
        free(report.use);
        /* With early stopping a part of the rest is set aside for that. */
        which.inner = NN_SEARCH_REPORT;
        ck_assert_int_eq(nn_search_split(search, &which, true, &report), 0);
        unsigned aside = 0;
        for (uint32_t r = 0; r < RECORDINGS; r++) {
            ck_assert_int_eq(report.use[r] + report.left_out[r] + report.aside[r], 1);
            aside += report.aside[r];
        }
        ck_assert_uint_gt(aside, 0);
        free(report.use);
    }
    nn_search_destroy(search);
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(inner_folds_choose_each_outer_folds_own)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_search *search = open_search(dataset, 1);
    unlink(table);
    uint32_t chosen = 99;
    for (uint32_t c = 0; c < 6; c++) {
        add(search, table, 0, 0, c, c == 4 ? 0.9 : 0.5);
        add(search, table, 0, 1, c, c == 2 ? 0.8 : 0.6);
        add(search, table, 1, 0, c, c == 1 ? 0.7 : 0.6);
    }
    /* The outer folds' own figures, however high, choose nothing. */
    add(search, table, 0, NN_SEARCH_REPORT, 5, 0.99);
    ck_assert_int_eq(nn_search_choose(search, 0, &chosen), 0);
    ck_assert_uint_eq(chosen, 4);
    ck_assert_int_eq(nn_search_choose(search, 1, &chosen), -ENODATA);
    ck_assert(isnan(nn_search_known(search, 1, 1, 0)));

    /* Another run takes them over. */
    struct nn_search *again = open_search(dataset, 1);
    ck_assert_int_eq(nn_search_load(again, table), 0);
    ck_assert_int_eq(nn_search_choose(again, 0, &chosen), 0);
    ck_assert_uint_eq(chosen, 4);
    ck_assert_double_eq_tol(nn_search_known(again, 0, NN_SEARCH_REPORT, 5), 0.99, 1e-9);
    ck_assert_double_eq_tol(nn_search_inner_area(again, 0, 2), 0.65, 1e-9);
    nn_search_destroy(again);
    nn_search_destroy(search);
    nn_dataset_destroy(dataset);
    unlink(table);
}
END_TEST

/* A line cut off by a kill is done again, and the next one is not lost to it. */
START_TEST(a_table_cut_off_goes_on)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_search *search = open_search(dataset, 1);
    unlink(table);
    add(search, table, 0, 0, 0, 0.75);
    add(search, table, 0, 0, 1, 0.65);
    FILE *file = fopen(table, "r");
    char text[4096];
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    char *last = memchr(text, '\n', size);
    last = memchr(last + 1, '\n', size - (size_t)(last + 1 - text));
    for (char *end = last + 2; end < text + size; end++) {
        file = fopen(table, "w");
        fwrite(text, 1, (size_t)(end - text), file);
        fclose(file);
        struct nn_search *cut = open_search(dataset, 1);
        ck_assert_int_eq(nn_search_load(cut, table), 0);
        ck_assert_double_eq_tol(nn_search_known(cut, 0, 0, 0), 0.75, 1e-9);
        ck_assert(isnan(nn_search_known(cut, 0, 0, 1)) || end == text + size - 1);
        add(cut, table, 1, 1, 3, 0.5);
        nn_search_destroy(cut);
        cut = open_search(dataset, 1);
        ck_assert_int_eq(nn_search_load(cut, table), 0);
        ck_assert_double_eq_tol(nn_search_known(cut, 1, 1, 3), 0.5, 1e-9);
        nn_search_destroy(cut);
    }
    nn_search_destroy(search);
    nn_dataset_destroy(dataset);
    unlink(table);
}
END_TEST

START_TEST(tables_of_others_are_refused)
{
    struct nn_dataset *dataset = make_dataset();
    struct nn_search *search = open_search(dataset, 1);
    struct nn_search *stranger = open_search(dataset, 2);
    unlink(table);
    unlink(other);
    ck_assert_int_eq(nn_search_load(search, table), -ENOENT);
    add(stranger, table, 0, 0, 0, 0.75);
    ck_assert_int_eq(nn_search_load(search, table), -EPROTO);
    dataset->examples[3].wanted[0] = 0.5F;
    struct nn_search *relabelled = open_search(dataset, 2);
    ck_assert_int_eq(nn_search_load(relabelled, table), -EPROTO);
    FILE *file = fopen(other, "w");
    fputs("search,outer,inner\nx,1,1\n", file);
    fclose(file);
    ck_assert_int_eq(nn_search_load(search, other), -EBADMSG);
    nn_search_destroy(relabelled);
    nn_search_destroy(stranger);
    nn_search_destroy(search);
    unlink(table);
    unlink(other);

    static const char *const comma[] = {"0,1"};
    const struct nn_search_axis bad = {"rate", comma, 1};
    struct nn_search_grid grid = {.axes = &bad, .n_axes = 1, .outer = 2, .inner = 2};
    struct nn_train_settings settings = make_settings();
    search = NULL;
    ck_assert_int_eq(nn_search_create(&grid, &settings, dataset, &search), -EINVAL);
    grid.axes = axes;
    grid.outer = RECORDINGS + 1;
    ck_assert_int_eq(nn_search_create(&grid, &settings, dataset, &search), -EINVAL);
    ck_assert_ptr_null(search);
    nn_dataset_destroy(dataset);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search");
    TCase *tcase = tcase_create("search");
    tcase_add_test(tcase, combinations_are_all_there_once);
    tcase_add_test(tcase, who_reports_has_not_chosen);
    tcase_add_test(tcase, inner_folds_choose_each_outer_folds_own);
    tcase_add_test(tcase, a_table_cut_off_goes_on);
    tcase_add_test(tcase, tables_of_others_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

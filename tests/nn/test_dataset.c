/* Tables of votes, splits by recording, metrics and reports. */
#include "nn/dataset.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_dataset.csv";
static char error[300];

static int give_picture(void *context, const char *image, struct nn_picture *ret_picture)
{
    unsigned *calls = context;
    ++*calls;
    if (strcmp(image, "missing.png") == 0)
        return -ENOENT;
    *ret_picture = (struct nn_picture){.width = 2, .height = 2, .gray = calloc(4, 1)};
    return 0;
}

static int load(const char *text, struct nn_dataset **ret_dataset)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    unsigned calls = 0;
    error[0] = '\0';
    int code = nn_dataset_load(path, give_picture, &calls, ret_dataset, error, sizeof error);
    unlink(path);
    return code;
}

#define SCORES "asymmetries,individual_atoms,dimers,rows,tip_change,bad_blurry"
#define HEAD "image,recording,responses," SCORES "\n"

START_TEST(columns_are_found_by_name)
{
    struct nn_dataset *dataset;
    ck_assert_int_eq(load("bad_blurry,x,responses,image,tip_change,rows,dimers,individual_atoms,"
                          "asymmetries,recording\r\n"
                          "0.5,,3,\"a \"\"b\"\", c.png\",1,0,0,0.25,0.75,one\r\n"
                          "\r\n"
                          "0,\"two\nlines\",1,d.png,0,1,0,0,0,\"two, three\"",
                          &dataset),
                     0);
    ck_assert_uint_eq(dataset->n, 2);
    ck_assert_str_eq(dataset->examples[0].image, "a \"b\", c.png");
    ck_assert(dataset->examples[0].responses == 3.0F);
    const float wanted[NN_LABEL_COUNT] = {0.75F, 0.25F, 0.0F, 0.0F, 1.0F, 0.5F};
    ck_assert_mem_eq(dataset->examples[0].wanted, wanted, sizeof wanted);
    ck_assert_uint_eq(dataset->n_recordings, 2);
    ck_assert_str_eq(dataset->recordings[dataset->examples[1].recording], "two, three");
    nn_dataset_destroy(dataset);
}
END_TEST

START_TEST(bad_tables_are_refused_with_line_and_column)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "empty"},
        {HEAD, "no rows"},
        {"image,recording,responses,asymmetries\n", "'individual_atoms'"},
        {HEAD "a.png,r,1,0,0,0,0,0\n", "line 2: 8 fields, column 'bad_blurry'"},
        {HEAD "a.png,r,1,0,0,0,0,0,0\nb.png,r,1,0,0,0,1.5,0,0\n", "line 3: '1.5' is no rows"},
        {HEAD "a.png,r,0,0,0,0,0,0,0\n", "line 2: '0' is no responses"},
        {HEAD "a.png,r,1,0,zero,0,0,0,0\n", "'zero' is no individual_atoms"},
        {HEAD "a.png,r,1,0,nan,0,0,0,0\n", "'nan' is no individual_atoms"},
        {HEAD "a.png,r,1,0,,0,0,0,0\n", "'' is no individual_atoms"},
        {HEAD "missing.png,r,1,0,0,0,0,0,0\n", "picture missing.png"},
    };
    struct nn_dataset *dataset = NULL;
    ck_assert_int_eq(load(cases[_i].text, &dataset), -EBADMSG);
    ck_assert_ptr_null(dataset);
    ck_assert_msg(strstr(error, cases[_i].reason) != NULL, "'%s' does not say '%s'", error,
                  cases[_i].reason);
}
END_TEST

START_TEST(whole_recordings_are_dealt_out_evenly)
{
    char text[4000] = HEAD;
    const unsigned sizes[] = {1, 9, 3, 2, 5, 4};
    for (unsigned r = 0; r < 6; r++)
        for (unsigned i = 0; i < sizes[r]; i++) {
            size_t at = strlen(text);
            snprintf(text + at, sizeof text - at, "%u.png,r%u,1,0,0,0,0,0,0\n", i, r);
        }
    struct nn_dataset *dataset;
    ck_assert_int_eq(load(text, &dataset), 0);
    uint32_t fold[6];
    nn_dataset_split(dataset, 3, fold);
    /* 9 | 5 | 4, then 3 to the smallest, 2 and 1 likewise: 9, 5 + 2 + 1, 4 + 3. */
    const uint32_t wanted[6] = {1, 0, 2, 1, 1, 2};
    for (int r = 0; r < 6; r++)
        ck_assert_uint_eq(fold[r], wanted[r]);
    nn_dataset_destroy(dataset);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dataset");
    TCase *tcase = tcase_create("dataset");
    tcase_add_test(tcase, columns_are_found_by_name);
    tcase_add_loop_test(tcase, bad_tables_are_refused_with_line_and_column, 0, 10);
    tcase_add_test(tcase, whole_recordings_are_dealt_out_evenly);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* A file is complete under its name, or what was there stays. */
#include "nn/new_file.h"

#include "nn/table.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_new_file.txt";
static const char part[] = TEST_BINARY_DIR "/test_new_file.txt.part";

static int write_words(const char *words, int error)
{
    struct nn_new_file file;
    ck_assert_int_eq(nn_new_file_open(path, &file), 0);
    ck_assert_int_ge(fputs(words, file.stream), 0);
    ck_assert_int_eq(access(part, F_OK), 0);
    return nn_new_file_close(&file, error);
}

static void expect_words(const char *words)
{
    char read[64] = "";
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(read, 1, sizeof read - 1, file);
    fclose(file);
    read[n] = '\0';
    ck_assert_str_eq(read, words);
    ck_assert_int_ne(access(part, F_OK), 0);
}

START_TEST(what_was_there_stays_until_all_is_written)
{
    remove(path);
    ck_assert_int_eq(write_words("half", -ENODATA), -ENODATA);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(write_words("first", 0), 0);
    expect_words("first");
    ck_assert_int_eq(write_words("seco", -EIO), -EIO);
    expect_words("first");
    ck_assert_int_eq(write_words("second", 0), 0);
    expect_words("second");
}
END_TEST

START_TEST(a_failed_write_is_told)
{
    struct nn_new_file file;
    ck_assert_int_eq(nn_new_file_open(TEST_BINARY_DIR "/no-such-folder/x", &file), -ENOENT);
    remove(path);
    ck_assert_int_eq(symlink("/dev/full", part), 0);
    ck_assert_int_eq(nn_new_file_open(path, &file), 0);
    fputs("nowhere to go", file.stream);
    ck_assert_int_eq(nn_new_file_close(&file, 0), -ENOSPC);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_ne(access(part, F_OK), 0);
}
END_TEST

START_TEST(fields_come_back_from_a_table)
{
    static const char *const fields[] = {"plain", "a, b", "say \"x\"", "two\nlines", "", "cr\r"};
    enum { FIELDS = sizeof fields / sizeof *fields };
    struct nn_new_file file;
    ck_assert_int_eq(nn_new_file_open(path, &file), 0);
    for (unsigned i = 0; i < FIELDS; i++) {
        nn_table_put(file.stream, fields[i]);
        fputc(i + 1 < FIELDS ? ',' : '\n', file.stream);
    }
    ck_assert_int_eq(nn_new_file_close(&file, 0), 0);
    struct nn_table table;
    ck_assert_int_eq(nn_table_open(path, &table), 0);
    ck_assert(nn_table_next(&table));
    ck_assert_uint_eq(table.n_fields, FIELDS);
    for (unsigned i = 0; i < FIELDS; i++)
        ck_assert_str_eq(table.fields[i], fields[i]);
    nn_table_close(&table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("new_file");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, what_was_there_stays_until_all_is_written);
    tcase_add_test(tcase, a_failed_write_is_told);
    tcase_add_test(tcase, fields_come_back_from_a_table);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

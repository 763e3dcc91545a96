/* Arrays for others: .npy read by a reader of the test's own, .mat by matio. */
#include "nn/mat_file.h"
#include "nn/npy_file.h"

#include <check.h>
#include <errno.h>
#include <matio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char npy_path[] = TEST_BINARY_DIR "/test_npy.npy";
static const char mat_path[] = TEST_BINARY_DIR "/test_npy.mat";

/* Magic, version 1.0, header length, a dictionary that ends in a newline; then the numbers. */
static size_t read_npy(const char *descr, const char *shape, uint8_t *ret_data, size_t room)
{
    uint8_t preamble[10];
    FILE *file = fopen(npy_path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(preamble, 1, 10, file), 10);
    ck_assert_mem_eq(preamble, "\x93NUMPY\x01\x00", 8);
    size_t length = preamble[8] + 256U * preamble[9];
    ck_assert_uint_eq((10 + length) % 64, 0);
    char *header = calloc(1, length + 1);
    ck_assert_uint_eq(fread(header, 1, length, file), length);
    ck_assert_int_eq(header[0], '{');
    ck_assert_int_eq(header[length - 1], '\n');
    char text[64];
    snprintf(text, sizeof text, "'descr': '%s',", descr);
    ck_assert_ptr_nonnull(strstr(header, text));
    ck_assert_ptr_nonnull(strstr(header, "'fortran_order': False,"));
    snprintf(text, sizeof text, "'shape': %s,", shape);
    ck_assert_msg(strstr(header, text) != NULL, "%s", header);
    free(header);
    size_t n = fread(ret_data, 1, room, file);
    ck_assert_int_eq(fgetc(file), EOF);
    fclose(file);
    unlink(npy_path);
    return n;
}

START_TEST(npy_holds_type_shape_and_numbers)
{
    const uint8_t bytes[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
    const float singles[3] = {0.5F, -1.0F, 3.25F};
    const double doubles[6] = {1, 2, 3, 4, 5, 6.5};
    uint8_t back[64];
    const struct nn_array_form a = {NN_ARRAY_U8, 3, {3, 2, 2}};
    ck_assert_int_eq(nn_npy_write(npy_path, &a, bytes), 0);
    ck_assert_uint_eq(read_npy("|u1", "(3, 2, 2,)", back, sizeof back), sizeof bytes);
    ck_assert_mem_eq(back, bytes, sizeof bytes);
    const struct nn_array_form b = {NN_ARRAY_F32, 1, {3}};
    ck_assert_int_eq(nn_npy_write(npy_path, &b, singles), 0);
    ck_assert_uint_eq(read_npy("<f4", "(3,)", back, sizeof back), sizeof singles);
    ck_assert_mem_eq(back, singles, sizeof singles);
    const struct nn_array_form c = {NN_ARRAY_F64, 2, {1, 6}};
    ck_assert_int_eq(nn_npy_write(npy_path, &c, doubles), 0);
    ck_assert_uint_eq(read_npy("<f8", "(1, 6,)", back, sizeof back), sizeof doubles);
    ck_assert_mem_eq(back, doubles, sizeof doubles);
}
END_TEST

START_TEST(npy_that_cannot_be_written_is_told)
{
    const struct nn_array_form none = {NN_ARRAY_U8, 0, {0}};
    const struct nn_array_form one = {NN_ARRAY_U8, 1, {1}};
    ck_assert_int_eq(nn_npy_write(npy_path, &none, "x"), -EINVAL);
    ck_assert_int_eq(nn_npy_write(TEST_BINARY_DIR "/none/x.npy", &one, "x"), -ENOENT);
}
END_TEST

static void check_variable(mat_t *file, const char *name, enum matio_classes class, int rank,
                           const size_t *sizes, const void *data, size_t bytes)
{
    matvar_t *variable = Mat_VarRead(file, name);
    ck_assert_ptr_nonnull(variable);
    ck_assert_int_eq(variable->class_type, class);
    ck_assert_int_eq(variable->rank, rank);
    for (int i = 0; i < rank; i++)
        ck_assert_uint_eq(variable->dims[i], sizes[i]);
    ck_assert_uint_eq(variable->nbytes, bytes);
    ck_assert_mem_eq(variable->data, data, bytes);
    Mat_VarFree(variable);
}

START_TEST(mat_is_level_5_and_reads_back)
{
    const uint8_t bytes[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
    const float singles[4] = {0.5F, -1.0F, 3.25F, 0.0F};
    const double doubles[6] = {1, 2, 3, 4, 5, 6.5};
    const struct nn_array_form a = {NN_ARRAY_U8, 3, {2, 2, 3}};
    const struct nn_array_form b = {NN_ARRAY_F32, 2, {2, 2}};
    const struct nn_array_form c = {NN_ARRAY_F64, 2, {1, 6}};
    struct nn_mat *mat;
    ck_assert_int_eq(nn_mat_create(mat_path, &mat), 0);
    ck_assert_int_eq(nn_mat_write(mat, "x_train", &a, bytes), 0);
    ck_assert_int_eq(nn_mat_write(mat, "scaled", &b, singles), 0);
    ck_assert_int_eq(nn_mat_write(mat, "weight_multiplier", &c, doubles), 0);
    ck_assert_int_eq(nn_mat_close(mat), 0);
    mat_t *file = Mat_Open(mat_path, MAT_ACC_RDONLY);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(Mat_GetVersion(file), MAT_FT_MAT5);
    check_variable(file, "x_train", MAT_C_UINT8, 3, a.sizes, bytes, sizeof bytes);
    check_variable(file, "scaled", MAT_C_SINGLE, 2, b.sizes, singles, sizeof singles);
    check_variable(file, "weight_multiplier", MAT_C_DOUBLE, 2, c.sizes, doubles, sizeof doubles);
    Mat_Close(file);
    unlink(mat_path);
}
END_TEST

START_TEST(mat_refuses_what_level_5_cannot_hold)
{
    const struct nn_array_form large = {NN_ARRAY_U8, 3, {4096, 4096, 128}};
    const struct nn_array_form flat = {NN_ARRAY_U8, 1, {4}};
    struct nn_mat *mat;
    ck_assert_int_eq(nn_mat_create(mat_path, &mat), 0);
    ck_assert_int_eq(nn_mat_write(mat, "x", &large, "never looked at"), -EFBIG);
    ck_assert_int_eq(nn_mat_write(mat, "x", &flat, "four"), -EINVAL);
    ck_assert_int_eq(nn_mat_close(mat), 0);
    ck_assert_int_eq(nn_mat_close(NULL), 0);
    unlink(mat_path);
    ck_assert_int_eq(nn_mat_create(TEST_BINARY_DIR "/none/x.mat", &mat), -EIO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, npy_holds_type_shape_and_numbers);
    tcase_add_test(tcase, npy_that_cannot_be_written_is_told);
    tcase_add_test(tcase, mat_is_level_5_and_reads_back);
    tcase_add_test(tcase, mat_refuses_what_level_5_cannot_hold);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/*
 * tipwright info and convert as a person or a script calls them: exit codes, JSON, one line per bad
 * file, and exports that a second program reads with equal values.
 */
#include "agent/command.h"
#include "instrument/matrix_summary.h"
#include "tests/instrument/gwy.h"
#include "tests/instrument/matrix_night.h"

#include <check.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct night night;
static char image_path[1024], out_path[1024], err_path[1024], made_path[1024];

/* A 12 x 9 night with an unfinished down scan: 4 rows of it, and 5 samples. */
static void make_night(void)
{
    struct scan_geometry g = night_geometry(12, 9, true, true);
    night_open(&night, "night", &g, false);
    night_image(&night, 19, 2, 24 * 13 + 5);
    ck_assert_int_eq(matrix_session_close(night.session, night.t_utc_s), 0);
    night_path(&night, "night--19_2.Z_mtrx", image_path, sizeof image_path);
    night_path(&night, "stdout", out_path, sizeof out_path);
    night_path(&night, "stderr", err_path, sizeof err_path);
    /* Shorter than the folder's name, for the output of convert. */
    night_path(&night, "made", made_path, sizeof made_path);
}

static void remove_night(void)
{
    night_finish(&night);
}

enum { ARGUMENTS_MAX = 12 };

/* Run a command with its output in files; the arguments end with NULL. */
static int call(command_fn command, const char *name, ...)
{
    char *argv[ARGUMENTS_MAX] = {strdup(name)};
    int argc = 1;
    va_list args;
    va_start(args, name);
    for (const char *next; (next = va_arg(args, const char *));)
        argv[argc++] = strdup(next);
    va_end(args);
    ck_assert_ptr_nonnull(freopen(out_path, "w", stdout));
    ck_assert_ptr_nonnull(freopen(err_path, "w", stderr));
    optind = 0;
    int status = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

static void read_text(const char *path, char *ret, size_t size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(ret, 1, size - 1, file);
    ret[n] = '\0';
    fclose(file);
}

static size_t lines_of(const char *path)
{
    char text[8192];
    size_t n = 0;
    read_text(path, text, sizeof text);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

static double real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "no number %s", key);
    return json_number_value(value);
}

static void check_trace(const json_t *ours, const struct matrix_image *image, size_t i)
{
    const struct matrix_trace *trace = &image->traces[i];
    double values[12 * 9];
    char hex[MATRIX_SHA256_HEX_SIZE];
    ck_assert_int_eq(matrix_image_to_si(image, trace->id, values), 0);
    struct matrix_statistics s = matrix_statistics(values, (size_t)trace->rows * trace->cols);
    matrix_trace_sha256(trace, hex);
    ck_assert_str_eq(json_string_value(json_object_get(ours, "name")), scan_trace_name(trace->id));
    ck_assert_str_eq(json_string_value(json_object_get(ours, "unit")), "m");
    ck_assert_str_eq(json_string_value(json_object_get(ours, "raw_int32le_sha256")), hex);
    ck_assert(real(ours, "rows") == trace->rows && real(ours, "cols") == 12);
    ck_assert(real(ours, "first_row") == trace->first_row);
    ck_assert(real(ours, "min") == s.min && real(ours, "max") == s.max);
    ck_assert(real(ours, "mean") == s.mean && real(ours, "std") == s.std);
}

START_TEST(info_json_has_every_number_exactly)
{
    char error[256];
    struct matrix_image *image;
    ck_assert_int_eq(call(cmd_info, "info", "--json", image_path, NULL), EXIT_OK);
    ck_assert_uint_eq(lines_of(err_path), 0);
    json_t *info = json_load_file(out_path, 0, NULL);
    ck_assert_ptr_nonnull(info);
    const json_t *geometry = json_object_get(info, "geometry");
    ck_assert_str_eq(json_string_value(json_object_get(geometry, "source")), "chain");
    ck_assert(real(geometry, "points") == 12 && real(geometry, "lines") == 9);
    ck_assert(real(geometry, "width_m") == 2e-8 && real(geometry, "angle_deg") == 45);
    ck_assert(real(info, "bias_v") == -2.0 && real(info, "setpoint_a") == 5e-11);
    ck_assert(real(info, "planned_samples") == 12 * 9 * 4);
    ck_assert(real(info, "acquired_samples") == 24 * 13 + 5);
    ck_assert(real(info, "leftover_samples") == 5);
    const json_t *traces = json_object_get(info, "traces");
    ck_assert_uint_eq(json_array_size(traces), 4);
    ck_assert_int_eq(matrix_image_load(image_path, NULL, &image, error, sizeof error), 0);
    for (size_t i = 0; i < 4; i++)
        check_trace(json_array_get(traces, i), image, i);
    matrix_image_destroy(image);
    json_decref(info);
}
END_TEST

static void remove_chain(void)
{
    char path[1024];
    night_path(&night, "night_0001.mtrx", path, sizeof path);
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(info_without_a_chain_asks_or_leaves_si_out)
{
    char text[8192];
    remove_chain();
    ck_assert_int_eq(call(cmd_info, "info", "--json", image_path, NULL), EXIT_INTERNAL);
    ck_assert_uint_eq(lines_of(err_path), 1);
    read_text(err_path, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "give --points N"));
    ck_assert_uint_eq(lines_of(out_path), 0);
    ck_assert_int_eq(call(cmd_info, "info", "--json", "--points", "12", image_path, NULL), EXIT_OK);
    json_t *info = json_load_file(out_path, 0, NULL);
    const json_t *trace = json_array_get(json_object_get(info, "traces"), 3);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(info, "geometry"), "source")), "given");
    ck_assert(real(trace, "rows") == 4);
    ck_assert_ptr_null(json_object_get(trace, "mean"));
    ck_assert_ptr_null(json_object_get(trace, "unit"));
    ck_assert_ptr_null(json_object_get(info, "bias_v"));
    json_decref(info);
    ck_assert_int_eq(call(cmd_info, "info", "--points", "12", image_path, NULL), EXIT_OK);
    read_text(out_path, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "raw counts only: no result chain"));
}
END_TEST

START_TEST(info_shows_a_chain)
{
    char path[1024], text[8192];
    night_path(&night, "night_0001.mtrx", path, sizeof path);
    ck_assert_int_eq(call(cmd_info, "info", "--json", path, image_path, NULL), EXIT_OK);
    json_t *both = json_load_file(out_path, 0, NULL);
    ck_assert_uint_eq(json_array_size(both), 2);
    const json_t *chain = json_array_get(both, 0);
    ck_assert_str_eq(json_string_value(json_object_get(chain, "kind")), "chain");
    ck_assert(json_is_true(json_object_get(chain, "clean_end")));
    const json_t *file = json_array_get(json_object_get(chain, "files"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(file, "name")), "night--19_2.Z_mtrx");
    json_decref(both);
    ck_assert_int_eq(call(cmd_info, "info", path, NULL), EXIT_OK);
    read_text(out_path, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "sample simulated, H:Si(100)"));
    ck_assert_ptr_nonnull(strstr(text, "ended cleanly"));
}
END_TEST

START_TEST(usage_errors_exit_with_two)
{
    ck_assert_int_eq(call(cmd_info, "info", NULL), EXIT_USAGE);
    ck_assert_int_eq(call(cmd_info, "info", "--jason", image_path, NULL), EXIT_USAGE);
    ck_assert_int_eq(call(cmd_info, "info", "--points", "0", image_path, NULL), EXIT_USAGE);
    ck_assert_int_eq(call(cmd_info, "info", "--points", "-3", image_path, NULL), EXIT_USAGE);
    ck_assert_uint_eq(lines_of(out_path), 0);
    ck_assert_int_eq(call(cmd_info, "info", "--help", NULL), EXIT_OK);
    ck_assert_uint_gt(lines_of(out_path), 5);
    ck_assert_uint_eq(lines_of(err_path), 0);
    ck_assert_int_eq(call(cmd_convert, "convert", image_path, NULL), EXIT_USAGE);
    ck_assert_int_eq(call(cmd_convert, "convert", image_path, "-o", "x.bmp", NULL), EXIT_USAGE);
    ck_assert_int_eq(call(cmd_convert, "convert", image_path, image_path, "-o", "x.png", NULL),
                     EXIT_USAGE);
    ck_assert_int_eq(call(cmd_convert, "convert", image_path, "-o", "x.png", "--trace", "up", NULL),
                     EXIT_USAGE);
    ck_assert_int_eq(
        call(cmd_convert, "convert", image_path, "-o", "x.png", "--flatten", "plane", NULL),
        EXIT_USAGE);
    ck_assert_int_eq(call(cmd_convert, "convert", "--help", NULL), EXIT_OK);
    ck_assert_uint_gt(lines_of(out_path), 5);
}
END_TEST

START_TEST(bad_files_get_one_line_each)
{
    char png[1100];
    snprintf(png, sizeof png, "%s/{}.png", night.folder);
    ck_assert_int_eq(call(cmd_info, "info", "/nowhere--1_1.Z_mtrx", "/etc", image_path, NULL),
                     EXIT_INTERNAL);
    ck_assert_uint_eq(lines_of(err_path), 2);
    ck_assert_uint_gt(lines_of(out_path), 5);
    ck_assert_int_eq(
        call(cmd_convert, "convert", "/nowhere--1_1.Z_mtrx", "/etc", image_path, "-o", png, NULL),
        EXIT_INTERNAL);
    ck_assert_uint_eq(lines_of(err_path), 2);
    char made[1024];
    night_path(&night, "night--19_2.Z_mtrx.png", made, sizeof made);
    ck_assert_int_eq(access(made, R_OK), 0);
}
END_TEST

START_TEST(csv_holds_si_values_and_gaps)
{
    char out[1100], text[8192];
    snprintf(out, sizeof out, "%s.csv", made_path);
    ck_assert_int_eq(
        call(cmd_convert, "convert", image_path, "--trace", "backward/down", "--output", out, NULL),
        EXIT_OK);
    read_text(out, text, sizeof text);
    const char *at = text;
    for (uint32_t row = 0; row < 9; row++)
        for (uint32_t col = 0; col < 12; col++) {
            if (row < 5) {
                ck_assert_int_eq(*at, col < 11 ? ',' : '\n');
            } else {
                char *end;
                double value = strtod(at, &end);
                double told = night_value(MATRIX_CHANNEL_Z, SCAN_BACKWARD_DOWN, row, col);
                ck_assert(end > at && fabs(value - told) <= 0.51 / 2.4e15);
                at = end;
            }
            at++;
        }
    ck_assert_int_eq(*at, '\0');
}
END_TEST

START_TEST(gsf_opens_in_gwyddion_with_equal_values)
{
    if (system("command -v gwyddion >/dev/null 2>&1") != 0)
        return;
    char gsf[1100], gwy[1100], command[3000];
    snprintf(gsf, sizeof gsf, "%s.gsf", made_path);
    snprintf(gwy, sizeof gwy, "%s.gwy", made_path);
    ck_assert_int_eq(call(cmd_convert, "convert", image_path, "-o", gsf, NULL), EXIT_OK);
    snprintf(command, sizeof command, "gwyddion --convert-to-gwy='%s' '%s' >/dev/null 2>&1", gwy,
             gsf);
    ck_assert_int_eq(system(command), 0);
    struct gwy_file file;
    ck_assert(gwy_read(gwy, &file));
    ck_assert_uint_eq(file.n_fields, 1);
    const struct gwy_field *field = &file.fields[0];
    ck_assert(field->xres == 12 && field->yres == 9 && field->xreal == 2e-8);
    ck_assert_str_eq(field->title, "19_2 Z forward/up");
    for (uint32_t row = 0; row < 9; row++)
        for (uint32_t col = 0; col < 12; col++) {
            double told = night_value(MATRIX_CHANNEL_Z, SCAN_FORWARD_UP, row, col);
            double theirs = field->data[(8 - row) * 12 + col];
            ck_assert(fabs(theirs / told - 1) < 1e-7);
        }
    gwy_free(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix commands");
    TCase *tcase = tcase_create("commands");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_night, remove_night);
    tcase_add_test(tcase, info_json_has_every_number_exactly);
    tcase_add_test(tcase, info_without_a_chain_asks_or_leaves_si_out);
    tcase_add_test(tcase, info_shows_a_chain);
    tcase_add_test(tcase, usage_errors_exit_with_two);
    tcase_add_test(tcase, bad_files_get_one_line_each);
    tcase_add_test(tcase, csv_holds_si_values_and_gaps);
    tcase_add_test(tcase, gsf_opens_in_gwyddion_with_equal_values);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

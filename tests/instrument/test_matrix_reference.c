/*
 * The reader against reference readings of real files, number by number. The files are not part of
 * the project: without ../shared this test says so and skips.
 */
#include "instrument/matrix_summary.h"

#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char data_folder[] = TEST_SOURCE_DIR "/../shared/data/matrix";

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "no number %s", key);
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    ck_assert_msg(value != NULL, "no text %s", key);
    return value;
}

static bool flag(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_boolean(value), "no flag %s", key);
    return json_is_true(value);
}

static void check_number(double ours, double theirs, const char *what)
{
    ck_assert_msg(ours == theirs, "%s: %.17g, reference %.17g", what, ours, theirs);
}

static void sha256_of_floats(const double *values, size_t n, char ret_hex[MATRIX_SHA256_HEX_SIZE])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < n; i++) {
        float value = (float)values[i];
        crypto_hash_sha256_update(&state, (const unsigned char *)&value, sizeof value);
    }
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(ret_hex, MATRIX_SHA256_HEX_SIZE, digest, sizeof digest);
}

static void check_raw(const struct matrix_trace *trace, const json_t *reference)
{
    size_t rows = trace->rows, cols = trace->cols;
    char hex[MATRIX_SHA256_HEX_SIZE];
    matrix_trace_sha256(trace, hex);
    ck_assert_str_eq(hex, text(reference, "raw_int32le_sha256"));
    struct matrix_statistics raw = matrix_trace_raw_statistics(trace);
    check_number(raw.min, number(reference, "raw_min"), "raw_min");
    check_number(raw.max, number(reference, "raw_max"), "raw_max");
    check_number(raw.mean, number(reference, "raw_mean"), "raw_mean");
    check_number(raw.std, number(reference, "raw_std"), "raw_std");
    check_number((double)trace->railed, number(reference, "adc_rail_items"), "railed");
    const json_t *corners = json_object_get(reference, "raw_corners");
    check_number(trace->raw[0], number(corners, "first"), "first");
    check_number(trace->raw[cols - 1], number(corners, "first_row_last"), "first_row_last");
    check_number(trace->raw[(rows - 1) * cols], number(corners, "last_row_first"),
                 "last_row_first");
    check_number(trace->raw[rows * cols - 1], number(corners, "last"), "last");
}

static void check_si(const struct matrix_image *image, const struct matrix_trace *trace,
                     const json_t *reference)
{
    size_t n = (size_t)trace->rows * trace->cols;
    double *values = malloc(n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    ck_assert_int_eq(matrix_image_to_si(image, trace->id, values), 0);
    struct matrix_statistics si = matrix_statistics(values, n);
    check_number(si.min, number(reference, "min"), "min");
    check_number(si.max, number(reference, "max"), "max");
    check_number(si.mean, number(reference, "mean"), "mean");
    check_number(si.std, number(reference, "std"), "std");
    ck_assert_str_eq(image->transfer.unit, text(reference, "unit"));
    char hex[MATRIX_SHA256_HEX_SIZE];
    sha256_of_floats(values, n, hex);
    ck_assert_str_eq(hex, text(reference, "float32le_sha256"));
    free(values);
}

static void check_traces(const struct matrix_image *image, const json_t *reference)
{
    const json_t *traces = json_object_get(reference, "traces");
    size_t with_rows = 0;
    for (uint32_t i = 0; i < image->n_traces; i++) {
        const struct matrix_trace *trace = &image->traces[i];
        const json_t *theirs = json_object_get(traces, scan_trace_name(trace->id));
        if (trace->rows == 0) {
            ck_assert_ptr_null(theirs);
            continue;
        }
        with_rows++;
        ck_assert_ptr_nonnull(theirs);
        check_number(trace->rows, number(theirs, "rows"), "rows");
        check_number(trace->cols, number(theirs, "cols"), "cols");
        check_number(trace->first_row, number(theirs, "first_row_y_index"), "first_row");
        check_raw(trace, theirs);
        if (json_object_get(theirs, "min"))
            check_si(image, trace, theirs);
        else
            ck_assert_int_eq(image->transfer.function, MATRIX_UNSCALED);
    }
    ck_assert_uint_eq(with_rows, json_object_size(traces));
}

static double first_of(const json_t *object, const char *key)
{
    return json_number_value(json_array_get(json_object_get(object, key), 0));
}

static void check_session(const struct matrix_image *image, const json_t *session)
{
    const struct scan_geometry *g = &image->geometry;
    ck_assert_int_eq(image->source, MATRIX_FROM_CHAIN);
    check_number(g->width_m, number(session, "width_m"), "width");
    check_number(g->height_m, number(session, "height_m"), "height");
    check_number(g->x_offset_m, number(session, "x_offset_m"), "x offset");
    check_number(g->y_offset_m, number(session, "y_offset_m"), "y offset");
    check_number(g->angle_deg, number(session, "angle_deg"), "angle");
    check_number(g->raster_time_s, number(session, "raster_time_s"), "raster time");
    check_number(image->scan_constraint, number(session, "scan_constraint"), "constraint");
    check_number(g->bias_v, first_of(session, "bias_V"), "bias");
    check_number(g->setpoint_a, first_of(session, "setpoint"), "set-point");
    /* One image saw the bias go from -2 V to -1.7 V, with spectra taken in between. */
    bool changed = strcmp(image->name.base, "default_2011Mar10-162902_STM-STM_Spectroscopy") == 0;
    ck_assert_int_eq(image->bias_changed, changed);
    ck_assert_str_eq(image->preamp_range, json_string_value(json_array_get(
                                              json_object_get(session, "preamp_range"), 0)));
    const json_t *p = json_object_get(session, "transfer_params");
    check_number(image->transfer.offset, number(p, "Offset"), "Offset");
    if (strcmp(text(session, "transfer_function"), "TFF_Linear1D") == 0) {
        ck_assert_int_eq(image->transfer.function, MATRIX_LINEAR);
        check_number(image->transfer.factor, number(p, "Factor"), "Factor");
        return;
    }
    ck_assert_int_eq(image->transfer.function, MATRIX_MULTI_LINEAR);
    check_number(image->transfer.factor, number(p, "NeutralFactor"), "NeutralFactor");
    check_number(image->transfer.pre_factor, number(p, "PreFactor"), "PreFactor");
    check_number(image->transfer.pre_offset, number(p, "PreOffset"), "PreOffset");
    check_number(image->transfer.raw_1, number(p, "Raw_1"), "Raw_1");
}

static void check_image(const struct matrix_image *image, const json_t *reference)
{
    const json_t *parts = json_object_get(reference, "name_parts");
    ck_assert_str_eq(image->name.base, text(parts, "base"));
    ck_assert_str_eq(image->name.channel, text(parts, "channel"));
    check_number(image->name.run, number(parts, "run"), "run");
    check_number(image->name.cycle, number(parts, "cycle"), "cycle");
    check_number((double)image->planned, number(reference, "planned_items"), "planned");
    check_number((double)image->acquired, number(reference, "acquired_items"), "acquired");
    check_number((double)image->leftover, number(reference, "leftover_items"), "leftover");
    check_number(image->bricklet, number(reference, "bricklet_number"), "bricklet");
    check_number(image->geometry.points, number(reference, "points"), "points");
    check_number(image->geometry.lines, number(reference, "lines"), "lines");
    ck_assert_int_eq(image->geometry.x_retrace, flag(reference, "x_retrace"));
    ck_assert_int_eq(image->geometry.y_retrace, flag(reference, "y_retrace"));
    char id[17];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)image->channel_id);
    ck_assert_str_eq(id, text(reference, "channel_id"));
    const json_t *session = json_object_get(reference, "session");
    if (json_is_object(session))
        check_session(image, session);
    else
        ck_assert_int_eq(image->source, MATRIX_INFERRED);
    check_traces(image, reference);
}

/* The data file of this name in one of the data folders. */
static void find_data_file(const char *name, char *ret_path, size_t size)
{
    DIR *folder = opendir(data_folder);
    ck_assert_ptr_nonnull(folder);
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        snprintf(ret_path, size, "%s/%s/%s", data_folder, entry->d_name, name);
        found = access(ret_path, R_OK) == 0;
    }
    closedir(folder);
    ck_assert_msg(found, "no data file %s", name);
}

static void compare_with(const char *reference_path)
{
    json_error_t json_error;
    json_t *reference = json_load_file(reference_path, 0, &json_error);
    ck_assert_msg(reference != NULL, "%s: %s", reference_path, json_error.text);
    char path[1024], error[256] = "";
    find_data_file(text(reference, "file"), path, sizeof path);
    struct matrix_image *image;
    int status = matrix_image_load(path, NULL, &image, error, sizeof error);
    ck_assert_msg(status == 0, "%s: %s", path, error);
    check_image(image, reference);
    matrix_image_destroy(image);
    json_decref(reference);
}

START_TEST(all_references_are_equal)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/reference", data_folder);
    DIR *references = opendir(folder);
    if (!references) {
        printf("SKIPPED: no reference readings in ../shared/data/matrix\n");
        return;
    }
    int compared = 0;
    for (struct dirent *entry; (entry = readdir(references));) {
        char path[2048];
        if (!strstr(entry->d_name, "_mtrx.json"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        compare_with(path);
        compared++;
    }
    closedir(references);
    printf("%d reference readings compared\n", compared);
    ck_assert_int_ge(compared, 21);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix reference");
    TCase *tcase = tcase_create("reference");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, all_references_are_equal);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

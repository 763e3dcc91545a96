/*
 * Writer and reader against each other, and our files in Gwyddion: round trips, the hard cases of
 * real nights, and what a killed writer leaves behind.
 */
#include "instrument/matrix_chain.h"
#include "instrument/matrix_file.h"
#include "instrument/matrix_write.h"
#include "tests/instrument/gwy_compare.h"
#include "tests/instrument/matrix_night.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct matrix_image *load(const struct night *night, const char *file)
{
    char path[1024], error[256] = "";
    struct matrix_image *image = NULL;
    night_path(night, file, path, sizeof path);
    int status = matrix_image_load(path, NULL, &image, error, sizeof error);
    ck_assert_msg(status == 0, "%s: %s", file, error);
    return image;
}

/* Every complete line of every trace holds exactly the counts that the values were turned into. */
static void check_samples(const struct matrix_image *image, enum matrix_channel channel)
{
    for (uint32_t i = 0; i < image->n_traces; i++) {
        const struct matrix_trace *trace = &image->traces[i];
        for (uint32_t row = 0; row < trace->rows; row++)
            for (uint32_t col = 0; col < trace->cols; col++) {
                double value = night_value(channel, trace->id, trace->first_row + row, col);
                int32_t raw = matrix_raw_from_si(&image->transfer, channel, value);
                ck_assert_int_eq(trace->raw[(size_t)row * trace->cols + col], raw);
            }
    }
}

START_TEST(full_image_comes_back_bit_for_bit)
{
    struct night night;
    struct scan_geometry g = night_geometry(12, 9, true, true);
    night_open(&night, "full", &g, true);
    night_image(&night, 4, 1, night_all_samples(&g));
    ck_assert_int_eq(matrix_session_close(night.session, night.t_utc_s), 0);

    static const char *const files[] = {"full--4_1.Z_mtrx", "full--4_1.I_mtrx"};
    for (int channel = 0; channel < MATRIX_CHANNEL_COUNT; channel++) {
        struct matrix_image *image = load(&night, files[channel]);
        ck_assert_int_eq(image->source, MATRIX_FROM_CHAIN);
        ck_assert_uint_eq(image->n_traces, 4);
        ck_assert_uint_eq(image->traces[3].rows, 9);
        ck_assert_uint_eq(image->leftover, 0);
        ck_assert_uint_eq(image->bricklet, 1);
        ck_assert_str_eq(image->transfer.unit, channel == MATRIX_CHANNEL_Z ? "m" : "A");
        ck_assert_mem_eq(&image->geometry.width_m, &g.width_m, sizeof(double) * 8);
        ck_assert(!image->bias_changed);
        check_samples(image, (enum matrix_channel)channel);
        matrix_image_destroy(image);
    }
    night_finish(&night);
}
END_TEST

START_TEST(values_stay_within_half_a_count)
{
    struct night night;
    struct scan_geometry g = night_geometry(16, 16, true, false);
    night_open(&night, "near", &g, true);
    night_image(&night, 1, 1, night_all_samples(&g));
    matrix_session_close(night.session, night.t_utc_s);
    struct matrix_image *image = load(&night, "near--1_1.Z_mtrx");
    double values[16 * 16];
    ck_assert_int_eq(matrix_image_to_si(image, SCAN_BACKWARD_UP, values), 0);
    for (uint32_t i = 0; i < 256; i++) {
        double value = night_value(MATRIX_CHANNEL_Z, SCAN_BACKWARD_UP, i / 16, i % 16);
        ck_assert(fabs(values[i] - value) <= 0.5001 / 2.4e15);
    }
    ck_assert_int_eq(matrix_image_to_si(image, SCAN_FORWARD_DOWN, values), -ENODATA);
    ck_assert_ptr_null(matrix_image_trace(image, SCAN_FORWARD_DOWN));
    matrix_image_destroy(image);
    night_finish(&night);
}
END_TEST

/* Unfinished images: samples written, complete rows up and down, samples left over. */
static const struct {
    uint32_t n_samples, up, down, leftover;
} unfinished[] = {
    {0, 0, 0, 0},                     /* stopped at once */
    {7, 0, 0, 7},                     /* less than one line */
    {20, 0, 0, 20},                   /* past the forward half */
    {24 * 4 + 3, 4, 0, 3},            /* up scan, a started line */
    {24 * 9, 9, 0, 0},                /* exactly the end of the up scan */
    {24 * 9 + 24 * 2 + 13, 9, 2, 13}, /* down scan: its top rows only */
    {24 * 18 - 1, 9, 8, 23},          /* one sample short */
};

START_TEST(unfinished_image_keeps_its_complete_lines)
{
    struct night night;
    struct scan_geometry g = night_geometry(12, 9, true, true);
    night_open(&night, "stopped", &g, false);
    night_image(&night, 19, 2, unfinished[_i].n_samples);
    ck_assert_int_eq(matrix_session_stop(night.session, night.t_utc_s), 0);
    matrix_session_close(night.session, night.t_utc_s);

    struct matrix_image *image = load(&night, "stopped--19_2.Z_mtrx");
    ck_assert_uint_eq(image->planned, 12 * 9 * 4);
    ck_assert_uint_eq(image->acquired, unfinished[_i].n_samples);
    ck_assert_uint_eq(image->leftover, unfinished[_i].leftover);
    for (uint32_t i = 0; i < 4; i++) {
        const struct matrix_trace *trace = &image->traces[i];
        bool up = scan_trace_is_up(trace->id);
        ck_assert_uint_eq(trace->rows, up ? unfinished[_i].up : unfinished[_i].down);
        ck_assert_uint_eq(trace->first_row, up ? 0 : 9 - unfinished[_i].down);
    }
    check_samples(image, MATRIX_CHANNEL_Z);
    matrix_image_destroy(image);
    night_finish(&night);
}
END_TEST

START_TEST(retrace_flags_decide_the_traces)
{
    static const enum scan_trace expected[4][4] = {
        {SCAN_FORWARD_UP},
        {SCAN_FORWARD_UP, SCAN_BACKWARD_UP},
        {SCAN_FORWARD_UP, SCAN_FORWARD_DOWN},
        {SCAN_FORWARD_UP, SCAN_BACKWARD_UP, SCAN_FORWARD_DOWN, SCAN_BACKWARD_DOWN},
    };
    bool x_retrace = _i & 1, y_retrace = _i & 2;
    struct night night;
    struct scan_geometry g = night_geometry(5, 7, x_retrace, y_retrace);
    night_open(&night, "flags", &g, false);
    night_image(&night, 1, 1, night_all_samples(&g));
    matrix_session_close(night.session, night.t_utc_s);
    struct matrix_image *image = load(&night, "flags--1_1.Z_mtrx");
    ck_assert_uint_eq(image->n_traces, (x_retrace ? 2u : 1u) * (y_retrace ? 2u : 1u));
    for (uint32_t i = 0; i < image->n_traces; i++)
        ck_assert_int_eq(image->traces[i].id, expected[_i][i]);
    check_samples(image, MATRIX_CHANNEL_Z);
    matrix_image_destroy(image);
    night_finish(&night);
}
END_TEST

START_TEST(name_is_split_at_the_last_double_dash)
{
    struct night night;
    struct scan_geometry g = night_geometry(4, 4, true, true);
    static const char base[] = "2026 [Si--H] \"caf\xC3\xA9\" a--b";
    night_open(&night, base, &g, false);
    night_image(&night, 20, 1, night_all_samples(&g));
    matrix_session_close(night.session, night.t_utc_s);
    char file[200];
    snprintf(file, sizeof file, "%s--20_1.Z_mtrx", base);
    struct matrix_image *image = load(&night, file);
    ck_assert_str_eq(image->name.base, base);
    ck_assert_uint_eq(image->name.run, 20);
    ck_assert_uint_eq(image->name.cycle, 1);
    ck_assert_str_eq(image->name.channel, "Z");
    ck_assert_int_eq(image->source, MATRIX_FROM_CHAIN);
    matrix_image_destroy(image);
    night_finish(&night);
}
END_TEST

START_TEST(each_image_has_the_state_of_its_end)
{
    struct night night;
    struct scan_geometry g = night_geometry(6, 6, true, false);
    night_open(&night, "state", &g, true);
    night_image(&night, 1, 1, night_all_samples(&g));
    ck_assert_int_eq(matrix_session_finish_image(night.session, night.t_utc_s), 0);
    struct scan_geometry moved = g;
    moved.bias_v = -1.25;
    moved.x_offset_m = 3.5e-8;
    moved.points = 8;
    ck_assert_int_eq(matrix_session_set_geometry(night.session, &moved, ++night.t_utc_s), 0);
    ck_assert_int_eq(matrix_session_set_preamp(night.session, MATRIX_PREAMP_3NA, ++night.t_utc_s),
                     0);
    night.geometry = moved;
    night_image(&night, 2, 1, night_all_samples(&moved));
    matrix_session_close(night.session, night.t_utc_s);

    struct matrix_image *first = load(&night, "state--1_1.I_mtrx");
    struct matrix_image *second = load(&night, "state--2_1.I_mtrx");
    ck_assert(first->geometry.bias_v == g.bias_v && second->geometry.bias_v == -1.25);
    ck_assert(first->geometry.x_offset_m == g.x_offset_m);
    ck_assert(second->geometry.x_offset_m == 3.5e-8);
    ck_assert_uint_eq(second->geometry.points, 8);
    ck_assert_str_eq(first->preamp_range, "0;3.33e-007");
    ck_assert_str_eq(second->preamp_range, "0;3.29703e-009");
    /* The scale of I differs by 101 between the two amplifier ranges. */
    double coarse = matrix_transfer_apply(&first->transfer, 512);
    double fine = matrix_transfer_apply(&second->transfer, 512);
    ck_assert(fabs(coarse / fine - 101) < 1e-9);
    ck_assert(!first->bias_changed && !second->bias_changed);
    ck_assert_uint_eq(second->bricklet, 2);
    check_samples(first, MATRIX_CHANNEL_I);
    check_samples(second, MATRIX_CHANNEL_I);
    matrix_image_destroy(first);
    matrix_image_destroy(second);
    night_finish(&night);
}
END_TEST

START_TEST(bias_changed_in_a_pause_is_told)
{
    struct night night;
    struct scan_geometry g = night_geometry(6, 6, true, false);
    night_open(&night, "pause", &g, true);
    night_image(&night, 1, 1, 36);
    ck_assert_int_eq(matrix_session_pause(night.session, ++night.t_utc_s), 0);
    g.bias_v = 0.5;
    ck_assert_int_eq(matrix_session_set_geometry(night.session, &g, ++night.t_utc_s), 0);
    ck_assert_int_eq(matrix_session_resume(night.session, ++night.t_utc_s), 0);
    ck_assert_int_eq(matrix_session_finish_image(night.session, ++night.t_utc_s), 0);
    night_image(&night, 1, 2, night_all_samples(&g));
    matrix_session_close(night.session, night.t_utc_s);
    static const char *const files[] = {"pause--1_1.Z_mtrx", "pause--1_1.I_mtrx",
                                        "pause--1_2.Z_mtrx", "pause--1_2.I_mtrx"};
    for (int i = 0; i < 4; i++) {
        struct matrix_image *image = load(&night, files[i]);
        ck_assert_int_eq(image->bias_changed, i < 2);
        ck_assert(image->geometry.bias_v == 0.5);
        matrix_image_destroy(image);
    }
    night_finish(&night);
}
END_TEST

START_TEST(rails_are_stored_and_counted)
{
    struct night night;
    struct scan_geometry g = night_geometry(4, 2, false, false);
    night_open(&night, "rail", &g, true);
    ck_assert_int_eq(matrix_session_start_image(night.session, 1, 1, night.t_utc_s), 0);
    static const double high_z[] = {1.0, -1.0, 0.0, 1e-9};
    static const double high_i[] = {1.0, -1.0, 0.0, 1e-9};
    for (int line = 0; line < 2; line++) {
        ck_assert_int_eq(matrix_session_append(night.session, MATRIX_CHANNEL_Z, high_z, NULL, 4),
                         0);
        ck_assert_int_eq(matrix_session_append(night.session, MATRIX_CHANNEL_I, high_i, NULL, 4),
                         0);
    }
    ck_assert_int_eq(matrix_session_append(night.session, MATRIX_CHANNEL_Z, high_z, NULL, 4),
                     -ENOSPC);
    matrix_session_close(night.session, night.t_utc_s);
    struct matrix_image *z = load(&night, "rail--1_1.Z_mtrx");
    struct matrix_image *i = load(&night, "rail--1_1.I_mtrx");
    ck_assert_int_eq(z->traces[0].raw[0], INT32_MAX);
    ck_assert_int_eq(z->traces[0].raw[1], INT32_MIN);
    ck_assert_uint_eq(z->traces[0].railed, 2);
    ck_assert_int_eq(i->traces[0].raw[0], 0x7FFF0000);
    ck_assert_uint_eq(i->traces[0].railed, 4);
    ck_assert_int_eq(i->traces[0].raw[3] % 512, 0);
    matrix_image_destroy(z);
    matrix_image_destroy(i);
    night_finish(&night);
}
END_TEST

START_TEST(writer_refuses_what_it_cannot_say)
{
    struct night night;
    struct scan_geometry g = night_geometry(4, 4, true, false);
    night_open(&night, "refuse", &g, false);
    double row[4] = {0}, bad[4] = {0, 0, (double)NAN, 0};
    struct matrix_session *s = night.session;
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, row, row, 8), -EINVAL);
    ck_assert_int_eq(matrix_session_finish_image(s, 1), -EINVAL);
    ck_assert_int_eq(matrix_session_start_image(s, 0, 1, 1), -EINVAL);
    ck_assert_int_eq(matrix_session_start_image(s, 1, 1, 1), 0);
    ck_assert_int_eq(matrix_session_start_image(s, 1, 2, 1), -EBUSY);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_I, row, row, 8), -EINVAL);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, bad, row, 8), -EINVAL);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, row, bad, 8), -EINVAL);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, row, row, 9), -EINVAL);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, row, row, 5), 0);
    ck_assert_int_eq(matrix_session_append(s, MATRIX_CHANNEL_Z, row, row, 3), -ENOSPC);
    ck_assert_int_eq(matrix_session_set_preamp(s, MATRIX_PREAMP_3NA, 1), -EBUSY);
    struct scan_geometry wider = g;
    wider.points = 5;
    ck_assert_int_eq(matrix_session_set_geometry(s, &wider, 1), -EBUSY);
    g.angle_deg = 0.5;
    ck_assert_int_eq(matrix_session_set_geometry(s, &g, 1), -EINVAL);
    g.angle_deg = 0;
    g.bias_v = (double)INFINITY;
    ck_assert_int_eq(matrix_session_set_geometry(s, &g, 1), -EINVAL);
    ck_assert_int_eq(matrix_session_finish_image(s, 2), 0);
    ck_assert_int_eq(matrix_session_start_image(s, 1, 1, 3), -EEXIST);
    matrix_session_close(s, 3);
    night_finish(&night);
}
END_TEST

START_TEST(chain_is_never_overwritten)
{
    struct night night;
    struct scan_geometry g = night_geometry(4, 4, true, false);
    night_open(&night, "twice", &g, false);
    struct matrix_session *second = NULL;
    struct matrix_session_options options = night_options(&night, "twice", &g, false);
    ck_assert_int_eq(matrix_session_open(&options, 1, &second), -EEXIST);
    ck_assert_ptr_null(second);
    matrix_session_destroy(night.session);
    night_finish(&night);
}
END_TEST

static struct matrix_chain_summary summarize(const struct night *night, const char *file)
{
    char path[1024], error[256] = "";
    uint8_t *data;
    size_t size;
    struct matrix_chain_summary summary;
    night_path(night, file, path, sizeof path);
    ck_assert_int_eq(matrix_file_read(path, &data, &size), 0);
    int status = matrix_chain_summarize(data, size, NULL, NULL, &summary, error, sizeof error);
    ck_assert_msg(status == 0, "%s", error);
    free(data);
    return summary;
}

START_TEST(killed_writer_leaves_a_readable_night)
{
    struct night night;
    struct scan_geometry g = night_geometry(6, 6, true, false);
    night_open(&night, "killed", &g, false);
    night_image(&night, 1, 1, night_all_samples(&g));
    matrix_session_finish_image(night.session, ++night.t_utc_s);
    night_image(&night, 1, 2, 40);
    matrix_session_destroy(night.session);

    struct matrix_chain_summary summary = summarize(&night, "killed_0001.mtrx");
    ck_assert(!summary.clean_end && !summary.cut);
    ck_assert_uint_eq(summary.files, 1);
    ck_assert_str_eq(summary.sample_name, "simulated, H:Si(100)");
    ck_assert_uint_eq(summary.parameters, 14);
    struct matrix_image *image = load(&night, "killed--1_1.Z_mtrx");
    ck_assert_int_eq(image->source, MATRIX_FROM_CHAIN);
    matrix_image_destroy(image);
    char path[1024];
    night_path(&night, "killed--1_2.Z_mtrx", path, sizeof path);
    ck_assert_int_ne(access(path, F_OK), 0);
    night_finish(&night);
}
END_TEST

START_TEST(clean_end_is_told)
{
    struct night night;
    struct scan_geometry g = night_geometry(6, 6, true, false);
    night_open(&night, "clean", &g, true);
    night_image(&night, 1, 1, night_all_samples(&g));
    matrix_session_close(night.session, night.t_utc_s);
    struct matrix_chain_summary summary = summarize(&night, "clean_0001.mtrx");
    ck_assert(summary.clean_end && !summary.cut);
    ck_assert_uint_eq(summary.files, 2);
    ck_assert_uint_eq(summary.scan_starts, 1);
    ck_assert_int_eq(summary.started_utc_s, NIGHT_START_UTC_S);
    night_finish(&night);
}
END_TEST

/* Four traces, two traces, and unfinished in either half. */
static const struct {
    bool y_retrace;
    uint32_t n_samples;
} for_gwyddion[] = {{true, 24 * 18}, {false, 24 * 9}, {true, 24 * 5 + 3}, {true, 24 * 12 + 15}};

START_TEST(gwyddion_reads_the_same_values)
{
    if (!gwy_installed())
        return;
    struct night night;
    struct scan_geometry g = night_geometry(12, 9, true, for_gwyddion[_i].y_retrace);
    night_open(&night, "gwyddion", &g, true);
    night_image(&night, 3, 1, for_gwyddion[_i].n_samples);
    matrix_session_close(night.session, night.t_utc_s);
    static const char *const files[] = {"gwyddion--3_1.Z_mtrx", "gwyddion--3_1.I_mtrx"};
    for (int channel = 0; channel < 2; channel++) {
        char in[1024], out[1024];
        night_path(&night, files[channel], in, sizeof in);
        night_path(&night, "out.gwy", out, sizeof out);
        gwy_compare(in, out);
    }
    night_finish(&night);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix write");
    TCase *tcase = tcase_create("night");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, full_image_comes_back_bit_for_bit);
    tcase_add_test(tcase, values_stay_within_half_a_count);
    tcase_add_loop_test(tcase, unfinished_image_keeps_its_complete_lines, 0,
                        sizeof unfinished / sizeof *unfinished);
    tcase_add_loop_test(tcase, retrace_flags_decide_the_traces, 0, 4);
    tcase_add_test(tcase, name_is_split_at_the_last_double_dash);
    tcase_add_test(tcase, each_image_has_the_state_of_its_end);
    tcase_add_test(tcase, bias_changed_in_a_pause_is_told);
    tcase_add_test(tcase, rails_are_stored_and_counted);
    tcase_add_test(tcase, writer_refuses_what_it_cannot_say);
    tcase_add_test(tcase, chain_is_never_overwritten);
    tcase_add_test(tcase, killed_writer_leaves_a_readable_night);
    tcase_add_test(tcase, clean_end_is_told);
    tcase_add_loop_test(tcase, gwyddion_reads_the_same_values, 0,
                        sizeof for_gwyddion / sizeof *for_gwyddion);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

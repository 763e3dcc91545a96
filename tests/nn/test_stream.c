/* Verdicts that use only lines already seen, and the input they are made from. */
#include "nn/stream.h"

#include "make_model.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = TEST_BINARY_DIR "/test_stream.tipnn";

static struct nn_model *model;
static double *frame;

static void set_up(void)
{
    model = make_model(path, MAKE_WHOLE, 4);
    frame = make_frame(1);
}

static void tear_down(void)
{
    nn_model_destroy(model);
    free(frame);
}

static struct nn_stream *begin(uint32_t points, uint32_t lines)
{
    struct nn_stream *stream;
    ck_assert_int_eq(nn_stream_create(model, &stream), 0);
    ck_assert_int_eq(nn_stream_begin(stream, points, lines), 0);
    return stream;
}

static void add(struct nn_stream *stream, const double *lines, uint32_t row)
{
    ck_assert_int_eq(nn_stream_add_line(stream, row, lines + (size_t)row * FRAME_POINTS), 0);
}

/* Verdicts after every line. ret_scores: (FRAME_LINES, NN_LABEL_COUNT) */
static void judge_every_line(const double *lines, float *ret_scores)
{
    struct nn_stream *stream = begin(FRAME_POINTS, FRAME_LINES);
    for (uint32_t row = 0; row < FRAME_LINES; row++) {
        add(stream, lines, row);
        ck_assert_int_eq(nn_stream_scores(stream, ret_scores + row * NN_LABEL_COUNT), 0);
    }
    nn_stream_destroy(stream);
}

START_TEST(later_lines_change_nothing_before)
{
    static float before[FRAME_LINES][NN_LABEL_COUNT];
    static float after[FRAME_LINES][NN_LABEL_COUNT];
    judge_every_line(frame, before[0]);
    for (uint32_t cut = 1; cut < FRAME_LINES; cut += 7) {
        double *changed = make_frame(1);
        for (uint32_t i = cut * FRAME_POINTS; i < FRAME_LINES * FRAME_POINTS; i++)
            changed[i] = 5.0 - 1e6 * changed[i] * (double)(i % 3);
        judge_every_line(changed, after[0]);
        ck_assert_mem_eq(before, after, cut * sizeof before[0]);
        ck_assert_mem_ne(before[cut], after[cut], sizeof before[0]);
        free(changed);
    }
}
END_TEST

START_TEST(a_prefix_is_judged_as_if_fresh)
{
    static float all[FRAME_LINES][NN_LABEL_COUNT];
    judge_every_line(frame, all[0]);
    struct nn_stream *reused = begin(FRAME_POINTS + 9, 3);
    for (uint32_t rows = 1; rows <= FRAME_LINES; rows++) {
        float scores[NN_LABEL_COUNT];
        ck_assert_int_eq(nn_stream_begin(reused, FRAME_POINTS, FRAME_LINES), 0);
        for (uint32_t row = 0; row < rows; row++)
            add(reused, frame, row);
        ck_assert_int_eq(nn_stream_scores(reused, scores), 0);
        ck_assert_mem_eq(scores, all[rows - 1], sizeof scores);
    }
    nn_stream_destroy(reused);
}
END_TEST

START_TEST(scores_do_not_depend_on_unit_offset_or_slope)
{
    static float plain[FRAME_LINES][NN_LABEL_COUNT];
    static float other[FRAME_LINES][NN_LABEL_COUNT];
    judge_every_line(frame, plain[0]);
    for (int y = 0; y < FRAME_LINES; y++)
        for (int x = 0; x < FRAME_POINTS; x++) {
            double *sample = &frame[y * FRAME_POINTS + x];
            *sample = 1e9 * *sample + 4.0 * y - 0.3 * x * (y % 5);
        }
    judge_every_line(frame, other[0]);
    for (int y = 0; y < FRAME_LINES; y++)
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            ck_assert(plain[y][k] >= 0.0F && plain[y][k] <= 1.0F);
            ck_assert_double_eq_tol((double)plain[y][k], (double)other[y][k], 1e-4);
        }
}
END_TEST

START_TEST(bad_lines_are_refused_and_leave_no_trace)
{
    struct nn_stream *stream = begin(FRAME_POINTS, FRAME_LINES);
    float before[NN_LABEL_COUNT];
    float after[NN_LABEL_COUNT];
    ck_assert_int_eq(nn_stream_scores(stream, before), -ENODATA);
    add(stream, frame, 3);
    ck_assert_int_eq(nn_stream_scores(stream, before), 0);
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, 1e200};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double line[FRAME_POINTS] = {0.0};
        line[FRAME_POINTS - 1] = bad[i];
        ck_assert_int_eq(nn_stream_add_line(stream, 4, line), -EINVAL);
    }
    ck_assert_int_eq(nn_stream_add_line(stream, 3, frame), -EINVAL);
    ck_assert_int_eq(nn_stream_add_line(stream, 2, frame), -EINVAL);
    ck_assert_int_eq(nn_stream_add_line(stream, FRAME_LINES, frame), -EINVAL);
    ck_assert_int_eq(nn_stream_scores(stream, after), 0);
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert_int_eq(nn_stream_begin(stream, 0, 5), -EINVAL);
    ck_assert_int_eq(nn_stream_begin(stream, 5, 0), -EINVAL);
    ck_assert_int_eq(nn_stream_begin(stream, 8193, 5), -EINVAL);
    ck_assert_int_eq(nn_stream_begin(stream, 5, 8193), -EINVAL);
    nn_stream_destroy(stream);
}
END_TEST

START_TEST(any_size_and_any_line_gives_finite_scores)
{
    const uint32_t sizes[][2] = {{1, 1}, {1, 300}, {2, 2}, {8192, 2}, {7, 8192}, {300, 9}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct nn_stream *stream = begin(sizes[i][0], sizes[i][1]);
        double *line = calloc(sizes[i][0], sizeof *line);
        ck_assert_ptr_nonnull(line);
        for (uint32_t row = 0; row < sizes[i][1]; row += 1 + row / 3) {
            line[row % sizes[i][0]] = row % 2 ? 1e140 : -1e-300;
            ck_assert_int_eq(nn_stream_add_line(stream, row, line), 0);
            float scores[NN_LABEL_COUNT];
            ck_assert_int_eq(nn_stream_scores(stream, scores), 0);
            for (int k = 0; k < NN_LABEL_COUNT; k++)
                ck_assert(scores[k] >= 0.0F && scores[k] <= 1.0F);
        }
        free(line);
        nn_stream_destroy(stream);
    }
}
END_TEST

enum { ROWS = 8, COLS = 8, CELLS = ROWS * COLS };

static struct nn_input *begin_input(uint32_t points, uint32_t lines)
{
    const struct nn_input_spec spec = {.rows = ROWS,
                                       .cols = COLS,
                                       .flatten = NN_FLATTEN_MEAN,
                                       .limit = 4.0F,
                                       .looks = 2,
                                       .planes = NN_PLANES_DEFAULT};
    struct nn_input *input;
    ck_assert_int_eq(nn_input_create(&spec, &input), 0);
    ck_assert_int_eq(nn_input_begin(input, points, lines), 0);
    return input;
}

START_TEST(planes_hold_means_steps_and_what_was_seen)
{
    /* Lines of +1 and -1 halves, the second one turned round, the fourth missing. */
    struct nn_input *input = begin_input(16, 16);
    for (uint32_t row = 0; row < 5; row++) {
        double line[16];
        for (int x = 0; x < 16; x++)
            line[x] = (x < 8) == (row != 1) ? 12.0 : 10.0;
        if (row != 3)
            ck_assert_int_eq(nn_input_add_line(input, row, line), 0);
    }
    float planes[4][ROWS][COLS];
    nn_input_write(input, planes[0][0]);
    /* Two lines per cell: the first two cancel, the next cell has one line. */
    ck_assert_double_eq_tol((double)planes[0][0][0], 0.0, 1e-6);
    ck_assert_double_eq_tol((double)planes[0][1][0], 1.0, 1e-6);
    ck_assert_double_eq_tol((double)planes[0][1][COLS - 1], -1.0, 1e-6);
    /* Steps of 2 between lines 0, 1 and 2; none across the missing line. */
    ck_assert_double_eq_tol((double)planes[1][0][3], 2.0, 1e-6);
    ck_assert_double_eq_tol((double)planes[1][1][3], 2.0, 1e-6);
    ck_assert_double_eq_tol((double)planes[1][2][3], 0.0, 1e-6);
    for (int r = 0; r < ROWS; r++)
        ck_assert_double_eq_tol((double)planes[2][r][3], (double)planes[1][r][3], 1e-6);
    const float seen[ROWS] = {1.0F, 0.5F, 0.5F};
    for (int r = 0; r < ROWS; r++)
        ck_assert_double_eq_tol((double)planes[3][r][5], (double)seen[r], 1e-6);
    ck_assert_uint_eq(nn_input_lines_seen(input), 4);
    ck_assert_double_eq_tol((double)nn_input_seen(input), 5.0 / 16.0, 1e-6);
    nn_input_destroy(input);
}
END_TEST

START_TEST(constant_lines_are_no_surface)
{
    struct nn_input *input = begin_input(30, 10);
    double line[30];
    for (int x = 0; x < 30; x++)
        line[x] = 0.1;
    for (uint32_t row = 0; row < 4; row++)
        ck_assert_int_eq(nn_input_add_line(input, row, line), 0);
    float planes[4][CELLS];
    nn_input_write(input, planes[0]);
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < CELLS; i++)
            ck_assert(planes[p][i] == 0.0F);
    nn_input_destroy(input);
}
END_TEST

START_TEST(flattening_takes_out_what_it_says)
{
    const double line[5] = {1.0, 2.0, 9.0, 4.0, 5.0};
    double work[5];
    double flat[5];
    nn_flatten_line(NN_FLATTEN_NONE, 5, line, work, flat);
    ck_assert_mem_eq(flat, line, sizeof line);
    nn_flatten_line(NN_FLATTEN_MEDIAN, 5, line, work, flat);
    ck_assert_double_eq(flat[3], 0.0);
    nn_flatten_line(NN_FLATTEN_MEDIAN, 4, line, work, flat);
    ck_assert_double_eq(flat[0], -2.0);
    nn_flatten_line(NN_FLATTEN_MEAN, 5, line, NULL, flat);
    ck_assert_double_eq_tol(flat[2], 9.0 - 4.2, 1e-12);
    /* Least squares by hand: slope 1, mean 4.2. */
    nn_flatten_line(NN_FLATTEN_LINEAR, 5, line, NULL, flat);
    const double wanted[5] = {-1.2, -1.2, 4.8, -1.2, -1.2};
    for (int i = 0; i < 5; i++)
        ck_assert_double_eq_tol(flat[i], wanted[i], 1e-12);
    nn_flatten_line(NN_FLATTEN_LINEAR, 1, line, NULL, flat);
    ck_assert_double_eq(flat[0], 0.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");
    tcase_set_timeout(tcase, 60.0);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, later_lines_change_nothing_before);
    tcase_add_test(tcase, a_prefix_is_judged_as_if_fresh);
    tcase_add_test(tcase, scores_do_not_depend_on_unit_offset_or_slope);
    tcase_add_test(tcase, bad_lines_are_refused_and_leave_no_trace);
    tcase_add_test(tcase, any_size_and_any_line_gives_finite_scores);
    suite_add_tcase(suite, tcase);
    TCase *input = tcase_create("input");
    tcase_add_test(input, planes_hold_means_steps_and_what_was_seen);
    tcase_add_test(input, constant_lines_are_no_surface);
    tcase_add_test(input, flattening_takes_out_what_it_says);
    suite_add_tcase(suite, input);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

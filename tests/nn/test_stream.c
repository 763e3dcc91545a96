/* Verdicts that use only lines already seen, and the input they are made from. */
#include "nn/stream.h"

#include "make_model.h"
#include "nn/event.h"
#include "nn/look.h"
#include "nn/median.h"
#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_stream.tipnn";

static struct nn_model *model; /* of one test */
static double *frame;

/* Loop tests run once for each kind of model. */
enum { KINDS = 2 };
static const enum make_kind kinds[KINDS] = {MAKE_WHOLE, MAKE_ROWS};

static void set_up(void)
{
    frame = make_frame(1);
}

static void use(enum make_kind kind)
{
    model = make_model(path, kind, 4);
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

/* The scores so far, -1 as long as there are none, which is until the stream's first line. */
static void ask(struct nn_stream *stream, uint32_t lines, float *ret_scores)
{
    bool early = lines < nn_stream_first_line(stream);
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ret_scores[k] = -1.0F;
    ck_assert_int_eq(nn_stream_scores(stream, ret_scores), early ? -ENODATA : 0);
}

/* Verdicts after every line. ret_scores: (FRAME_LINES, NN_LABEL_COUNT) */
static void judge_every_line(const double *lines, float *ret_scores)
{
    struct nn_stream *stream = begin(FRAME_POINTS, FRAME_LINES);
    for (uint32_t row = 0; row < FRAME_LINES; row++) {
        add(stream, lines, row);
        ask(stream, row + 1, ret_scores + row * NN_LABEL_COUNT);
    }
    nn_stream_destroy(stream);
}

START_TEST(later_lines_change_nothing_before)
{
    static float before[FRAME_LINES][NN_LABEL_COUNT];
    static float after[FRAME_LINES][NN_LABEL_COUNT];
    use(kinds[_i]);
    judge_every_line(frame, before[0]);
    for (uint32_t cut = 1; cut < FRAME_LINES; cut += 7) {
        double *changed = make_frame(1);
        for (uint32_t i = cut * FRAME_POINTS; i < FRAME_LINES * FRAME_POINTS; i++)
            changed[i] = 5.0 - 1e6 * changed[i] * (double)(i % 3);
        judge_every_line(changed, after[0]);
        ck_assert_mem_eq(before, after, cut * sizeof before[0]);
        /* Two lines complete a grid row, two of those an output row. */
        uint32_t later = kinds[_i] == MAKE_ROWS ? cut + 4 : cut;
        while (later < FRAME_LINES && before[later][0] < 0.0F)
            later++;
        if (later < FRAME_LINES)
            ck_assert_mem_ne(before[later], after[later], sizeof before[0]);
        free(changed);
    }
}
END_TEST

/* What the detector says is added to tip_change's logit and to nothing else. */
START_TEST(a_detector_raises_tip_change)
{
    struct nn_model_member member = make_member(MAKE_ROWS, 8);
    struct nn_event_net net = make_event_net(4);
    struct nn_model_parts parts = {.input = make_input(MAKE_ROWS),
                                   .members = &member,
                                   .n_members = 1,
                                   .event_weight = 0.5F,
                                   .note = ""};
    struct nn_model *models[2];
    struct nn_stream *streams[2];
    for (int i = 0; i < 2; i++) {
        parts.event = i ? &net : NULL;
        models[i] = save_and_load("event.tipnn", &parts);
        ck_assert_int_eq(nn_stream_create(models[i], &streams[i]), 0);
        ck_assert_int_eq(nn_stream_begin(streams[i], FRAME_POINTS, FRAME_LINES), 0);
    }
    ck_assert_ptr_null(nn_stream_event(streams[0]));
    struct nn_event alone;
    nn_event_begin(&alone, &net, FRAME_POINTS);
    for (uint32_t row = 0; row < FRAME_LINES; row++) {
        add(streams[0], frame, row);
        add(streams[1], frame, row);
        nn_event_add_line(&alone, row, frame + (size_t)row * FRAME_POINTS);
        float scores[2][NN_LABEL_COUNT];
        if (nn_stream_scores(streams[0], scores[0]) == -ENODATA)
            continue;
        ck_assert_int_eq(nn_stream_scores(streams[1], scores[1]), 0);
        ck_assert_float_eq(nn_event_logit(nn_stream_event(streams[1])), nn_event_logit(&alone));
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            double logit = log((double)scores[0][k] / (1.0 - (double)scores[0][k]));
            if (k == NN_LABEL_TIP_CHANGE)
                logit += 0.5 * pow((row + 1.0) / FRAME_LINES, 3.0) * (double)nn_event_logit(&alone);
            ck_assert_double_eq_tol((double)scores[1][k], 1.0 / (1.0 + exp(-logit)), 1e-5);
        }
    }
    for (int i = 0; i < 2; i++) {
        nn_stream_destroy(streams[i]);
        nn_model_destroy(models[i]);
    }
    unlink("event.tipnn");
    nn_network_destroy(member.network);
}
END_TEST

START_TEST(a_prefix_is_judged_as_if_fresh)
{
    static float all[FRAME_LINES][NN_LABEL_COUNT];
    use(kinds[_i]);
    judge_every_line(frame, all[0]);
    struct nn_stream *reused = begin(FRAME_POINTS + 9, 3);
    for (uint32_t rows = 1; rows <= FRAME_LINES; rows++) {
        float scores[NN_LABEL_COUNT];
        ck_assert_int_eq(nn_stream_begin(reused, FRAME_POINTS, FRAME_LINES), 0);
        for (uint32_t row = 0; row < rows; row++)
            add(reused, frame, row);
        ask(reused, rows, scores);
        ck_assert_mem_eq(scores, all[rows - 1], sizeof scores);
    }
    nn_stream_destroy(reused);
}
END_TEST

START_TEST(scores_do_not_depend_on_unit_offset_or_slope)
{
    static float plain[FRAME_LINES][NN_LABEL_COUNT];
    static float other[FRAME_LINES][NN_LABEL_COUNT];
    use(kinds[_i]);
    judge_every_line(frame, plain[0]);
    for (int y = 0; y < FRAME_LINES; y++)
        for (int x = 0; x < FRAME_POINTS; x++) {
            double *sample = &frame[y * FRAME_POINTS + x];
            *sample = 1e9 * *sample + 4.0 * y - 0.3 * x * (y % 5);
        }
    judge_every_line(frame, other[0]);
    for (int y = 0; y < FRAME_LINES; y++)
        for (int k = 0; k < NN_LABEL_COUNT; k++) {
            ck_assert(plain[y][k] <= 1.0F);
            ck_assert_double_eq_tol((double)plain[y][k], (double)other[y][k], 1e-4);
        }
}
END_TEST

START_TEST(bad_lines_are_refused_and_leave_no_trace)
{
    use(kinds[_i]);
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
    use(kinds[_i]);
    const uint32_t sizes[][2] = {{1, 1}, {1, 300}, {2, 2}, {8192, 2}, {7, 8192}, {300, 9}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct nn_stream *stream = begin(sizes[i][0], sizes[i][1]);
        double *line = calloc(sizes[i][0], sizeof *line);
        ck_assert_ptr_nonnull(line);
        for (uint32_t row = 0; row < sizes[i][1]; row += 1 + row / 3) {
            line[row % sizes[i][0]] = row % 2 ? 1e140 : -1e-300;
            ck_assert_int_eq(nn_stream_add_line(stream, row, line), 0);
            float scores[NN_LABEL_COUNT];
            ask(stream, row + 1, scores);
            bool early = row + 1 < nn_stream_first_line(stream);
            for (int k = 0; k < NN_LABEL_COUNT; k++)
                ck_assert(early || (scores[k] >= 0.0F && scores[k] <= 1.0F));
        }
        free(line);
        nn_stream_destroy(stream);
    }
}
END_TEST

/* What a row-causal model says after every line, each time from the whole frame. */
static void judge_whole(const double *lines, const bool *missing, float *ret_scores)
{
    const struct nn_input_spec *spec = nn_model_input(model);
    struct nn_input *input;
    struct nn_look *look;
    ck_assert_int_eq(nn_input_create(spec, &input), 0);
    ck_assert_int_eq(nn_look_create(nn_model_network(model, 0), spec, &look), 0);
    ck_assert_int_eq(nn_input_begin(input, FRAME_POINTS, FRAME_LINES), 0);
    for (uint32_t row = 0; row < FRAME_LINES; row++, ret_scores += NN_LABEL_COUNT) {
        float logits[NN_LABEL_COUNT];
        if (!missing[row])
            ck_assert_int_eq(nn_input_add_line(input, row, lines + (size_t)row * FRAME_POINTS), 0);
        if (nn_look_judge(look, input, logits) == 0)
            nn_model_scores(model, nn_input_seen(input), logits, ret_scores);
    }
    nn_look_destroy(look);
    nn_input_destroy(input);
}

START_TEST(row_by_row_has_the_bits_of_the_whole_frame)
{
    static float whole[FRAME_LINES][NN_LABEL_COUNT];
    bool missing[FRAME_LINES] = {false};
    /* Once complete, once with a line lost here and there and a gap of more than a grid row. */
    for (uint32_t row = 0; row < FRAME_LINES && _i == 1; row++)
        missing[row] = row % 7 == 3 || (row > 11 && row < 20);
    use(MAKE_ROWS);
    judge_whole(frame, missing, whole[0]);
    struct nn_stream *stream = begin(FRAME_POINTS, FRAME_LINES);
    uint32_t judged = 0;
    for (uint32_t row = 0; row < FRAME_LINES; row++) {
        float scores[NN_LABEL_COUNT];
        if (!missing[row])
            add(stream, frame, row);
        if (nn_stream_scores(stream, scores) != 0)
            continue;
        ck_assert_mem_eq(scores, whole[row], sizeof scores);
        judged++;
    }
    ck_assert_uint_gt(judged, FRAME_LINES - 6);
    nn_stream_destroy(stream);
}
END_TEST

START_TEST(nothing_is_allocated_line_by_line)
{
    use(MAKE_ROWS);
    struct nn_stream *stream = begin(FRAME_POINTS, FRAME_LINES);
    float scores[NN_LABEL_COUNT];
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(nn_stream_begin(stream, FRAME_POINTS, FRAME_LINES), 0);
        size_t before = mallinfo2().uordblks;
        for (uint32_t row = 0; row < FRAME_LINES; row++) {
            add(stream, frame, row);
            nn_stream_scores(stream, scores);
            ck_assert_uint_eq(mallinfo2().uordblks, before);
        }
    }
    nn_stream_destroy(stream);
}
END_TEST

/* Two that answer everything and one for the last two labels only. */
static struct nn_model *make_ensemble(enum nn_combine combine, struct nn_model *alone[3])
{
    static const uint32_t answers[3] = {NN_MODEL_ALL_LABELS, NN_MODEL_ALL_LABELS, 0x30};
    const struct nn_layer_spec narrow[] = {{.kind = NN_LAYER_GLOBAL_POOL},
                                           {.kind = NN_LAYER_DENSE, .units = 2}};
    struct nn_input_spec input = make_input(MAKE_WHOLE);
    struct nn_model_member members[3];
    for (int i = 0; i < 2; i++)
        members[i] = make_member(MAKE_WHOLE, 4 + (uint64_t)i);
    members[2] = (struct nn_model_member){.calibration = nn_calibration_identity()};
    ck_assert_int_eq(nn_network_create(nn_input_shape(&input), narrow, 2, &members[2].network), 0);
    nn_network_randomise(members[2].network, 9);
    for (int i = 0; i < 3; i++) {
        members[i].answers = answers[i];
        struct nn_calibration_knot *knot = &members[i].calibration.knots[0];
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            knot->decisions[k].threshold = 0.5F + 0.02F * (float)(k - i);
        knot->offset[4] = 0.3F * (float)i;
        for (int k = 0; k < NN_LABEL_COUNT; k++)
            knot->decisions[k].low = knot->decisions[k].high = knot->decisions[k].threshold;
    }
    for (int i = 0; i < 2; i++) {
        struct nn_model_parts parts = {
            .input = input, .members = &members[i], .n_members = 1, .note = ""};
        alone[i] = save_and_load(path, &parts);
    }
    struct nn_model_member last[2] = {members[0], members[2]};
    last[0].answers = NN_MODEL_ALL_LABELS;
    struct nn_model_parts parts = {.input = input,
                                   .members = members,
                                   .n_members = 3,
                                   .combine = combine,
                                   .note = "three",
                                   .recordings = "monday\ntuesday"};
    struct nn_model *all = save_and_load(path, &parts);
    parts.members = last;
    parts.n_members = 2;
    parts.combine = NN_COMBINE_MEAN;
    alone[2] = save_and_load(path, &parts);
    for (int i = 0; i < 3; i++)
        nn_network_destroy(members[i].network);
    return all;
}

static void judge_alone(const struct nn_model *one, float *ret_scores)
{
    struct nn_stream *stream;
    ck_assert_int_eq(nn_stream_create(one, &stream), 0);
    ck_assert_int_eq(nn_stream_begin(stream, FRAME_POINTS, FRAME_LINES), 0);
    for (uint32_t row = 0; row < FRAME_LINES; row++)
        add(stream, frame, row);
    ck_assert_int_eq(nn_stream_scores(stream, ret_scores), 0);
    nn_stream_destroy(stream);
}

START_TEST(several_networks_judge_together)
{
    struct nn_model *alone[3];
    float scores[4][NN_LABEL_COUNT];
    bool vote = _i == 1;
    model = make_ensemble(vote ? NN_COMBINE_VOTE : NN_COMBINE_MEAN, alone);
    ck_assert_uint_eq(nn_model_members(model), 3);
    ck_assert_str_eq(nn_model_recordings(model), "monday\ntuesday");
    judge_alone(model, scores[3]);
    for (int i = 0; i < 3; i++)
        judge_alone(alone[i], scores[i]);
    /* The third was heard beside the first. */
    for (int k = 4; k < NN_LABEL_COUNT; k++)
        scores[2][k] = 2.0F * scores[2][k] - scores[0][k];
    for (int k = 0; k < NN_LABEL_COUNT; k++) {
        int voices = k < 4 ? 2 : 3;
        double wanted = 0.0;
        for (int i = 0; i < voices; i++) {
            double threshold = 0.5 + 0.02 * (k - i);
            double score = (double)scores[i][k];
            wanted += (vote ? (double)(score >= threshold) : score) / voices;
        }
        ck_assert_double_eq_tol((double)scores[3][k], wanted, 1e-6);
    }
    for (int i = 0; i < 3; i++)
        nn_model_destroy(alone[i]);
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

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

START_TEST(the_median_is_the_middle_of_what_came)
{
    enum { MOST = 301 };
    double values[MOST];
    struct nn_median *median;
    struct nn_random random = nn_random_seed(3, 3, (uint64_t)_i);
    ck_assert_int_eq(nn_median_create(&median), 0);
    for (uint32_t most = 1; most <= MOST; most += 60) {
        ck_assert_int_eq(nn_median_begin(median, most), 0);
        ck_assert_double_eq(nn_median_value(median), 0.0);
        for (uint32_t n = 1; n <= most; n++) {
            /* Few different ones, then many, then rising, then falling. */
            const double draws[] = {(double)nn_random_below(&random, 4), nn_random_normal(&random),
                                    (double)n, -(double)n};
            values[n - 1] = draws[_i];
            nn_median_add(median, draws[_i]);
            qsort(values, n, sizeof *values, by_size);
            ck_assert_double_eq(nn_median_value(median),
                                0.5 * (values[(n - 1) / 2] + values[n / 2]));
        }
    }
    nn_median_destroy(median);
}
END_TEST

START_TEST(a_complete_row_stays_as_it_is)
{
    struct nn_input_spec spec = {.rows = ROWS,
                                 .cols = COLS,
                                 .flatten = NN_FLATTEN_MEAN,
                                 .limit = 400.0F,
                                 .looks = 1,
                                 .planes = 1U << NN_PLANE_HEIGHT | 1U << NN_PLANE_TURN,
                                 .scaling = NN_SCALING_FROZEN};
    struct nn_input *input;
    ck_assert_int_eq(nn_input_create(&spec, &input), 0);
    ck_assert_int_eq(nn_input_begin(input, 16, 16), 0);
    float first[2 * COLS];
    float row[2 * COLS];
    float planes[2][ROWS][COLS];
    for (uint32_t y = 0; y < 16; y++) {
        double line[16];
        for (int x = 0; x < 16; x++)
            line[x] = (x < 8 ? 1.0 : -1.0) * (double)(1 + y * y);
        ck_assert_uint_eq(nn_input_rows_complete(input), y / 2);
        ck_assert_int_eq(nn_input_add_line(input, y, line), 0);
        if (y == 1)
            nn_input_row(input, 0, first);
        nn_input_row(input, 0, row);
        if (y > 0)
            ck_assert_mem_eq(row, first, sizeof row);
    }
    /* Lines of 1 and 2 by a median of 1.5, in the last row of 197 and 226 by one of 57.5. */
    ck_assert_double_eq_tol((double)first[0], 1.0, 1e-6);
    ck_assert_double_eq_tol((double)first[COLS], 1.0 / 1.5, 1e-6);
    ck_assert_double_eq_tol((double)first[2 * COLS - 1], -1.0 / 1.5, 1e-6);
    nn_input_row(input, ROWS - 1, row);
    ck_assert_double_eq_tol((double)row[0], 211.5 / 57.5, 1e-5);
    ck_assert_double_eq_tol((double)row[COLS], 28.0 / 57.5, 1e-5);
    nn_input_write(input, planes[0][0]);
    ck_assert_mem_eq(planes[0][0], first, COLS * sizeof *first);
    ck_assert_mem_eq(planes[1][ROWS - 1], row + COLS, COLS * sizeof *row);
    nn_input_destroy(input);
}
END_TEST

START_TEST(a_frame_is_led_in_by_its_first_rows_upside_down)
{
    struct nn_input_spec spec = {.rows = ROWS,
                                 .cols = COLS,
                                 .flatten = NN_FLATTEN_MEAN,
                                 .limit = 400.0F,
                                 .looks = 1,
                                 .planes = 1U << NN_PLANE_HEIGHT,
                                 .scaling = NN_SCALING_FROZEN,
                                 .lead_in = 3};
    struct nn_input *input;
    ck_assert_int_eq(nn_input_create(&spec, &input), 0);
    ck_assert_uint_eq(nn_input_shape(&spec).h, ROWS + 3);
    ck_assert_int_eq(nn_input_begin(input, 16, 16), 0);
    ck_assert_uint_eq(nn_input_lines_for(input, 1), 6);
    ck_assert_uint_eq(nn_input_lines_for(input, 6), 6);
    ck_assert_uint_eq(nn_input_lines_for(input, 7), 8);
    float planes[ROWS + 3][COLS];
    float row[COLS];
    for (uint32_t y = 0; y < 16; y++) {
        double line[16];
        for (int x = 0; x < 16; x++)
            line[x] = (x < 8 ? 1.0 : -1.0) * (double)(1 + y);
        ck_assert_int_eq(nn_input_add_line(input, y, line), 0);
        ck_assert_uint_eq(nn_input_rows_complete(input), y < 5 ? 0 : 3 + (y + 1) / 2);
        for (uint32_t r = 0; r < nn_input_rows_complete(input); r++) {
            /* Grid row g holds lines of 2g + 1 and 2g + 2; the first three by the median of six. */
            uint32_t g = r < 3 ? 2 - r : r - 3;
            double spread = g < 3 ? 3.5 : (double)(2 * g + 3) / 2.0;
            nn_input_row(input, r, row);
            ck_assert_double_eq_tol((double)row[0], (2.0 * g + 1.5) / spread, 1e-5);
        }
    }
    nn_input_write(input, planes[0]);
    nn_input_row(input, ROWS + 2, row);
    ck_assert_mem_eq(planes[ROWS + 2], row, sizeof row);
    ck_assert_mem_eq(planes[0], planes[5], sizeof row);
    /* A row is 1.625 lines: four end at 6.5, and the half is not waited for. */
    ck_assert_int_eq(nn_input_begin(input, 16, 13), 0);
    ck_assert_uint_eq(nn_input_lines_for(input, 3 + 4), 6);
    nn_input_destroy(input);
}
END_TEST

/* Also frames of fewer lines than the grid has rows: every row shows the line that crosses it. */
START_TEST(no_row_of_a_whole_frame_stays_empty)
{
    const struct nn_input_spec spec = {.rows = 24,
                                       .cols = COLS,
                                       .flatten = NN_FLATTEN_MEAN,
                                       .limit = 5.0F,
                                       .looks = 1,
                                       .planes = 1U << NN_PLANE_SEEN,
                                       .scaling = NN_SCALING_FROZEN,
                                       .lead_in = _i ? 3 : 0};
    const double line[4] = {1.0, 2.0, 3.0, 5.0};
    struct nn_shape shape = nn_input_shape(&spec);
    struct nn_input *input;
    ck_assert_int_eq(nn_input_create(&spec, &input), 0);
    for (uint32_t lines = 1; lines < 60; lines++) {
        float planes[27][COLS];
        ck_assert_int_eq(nn_input_begin(input, 4, lines), 0);
        ck_assert_uint_eq(nn_input_rows_complete(input), 0);
        for (uint32_t y = 0; y < lines; y++)
            ck_assert_int_eq(nn_input_add_line(input, y, line), 0);
        ck_assert_uint_eq(nn_input_rows_complete(input), shape.h);
        nn_input_write(input, planes[0]);
        for (uint32_t r = 0; r < shape.h; r++)
            ck_assert(planes[r][0] >= 0.5F);
    }
    nn_input_destroy(input);
}
END_TEST

START_TEST(rows_are_complete_when_the_scan_has_passed_them)
{
    static const uint32_t lines[] = {1, 3, 8, 13, 100, 8192};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct nn_input *input = begin_input(4, lines[i]);
        const double line[4] = {1.0, 2.0, 3.0, 5.0};
        for (uint32_t y = 0; y < lines[i]; y += 1 + y / 5) {
            ck_assert_int_eq(nn_input_add_line(input, y, line), 0);
            uint32_t complete = nn_input_rows_complete(input);
            ck_assert_uint_le(nn_input_lines_for(input, complete), y + 1);
            if (complete < ROWS)
                ck_assert_uint_gt(nn_input_lines_for(input, complete + 1), y + 1);
        }
        ck_assert_uint_eq(nn_input_lines_for(input, ROWS), lines[i]);
        nn_input_destroy(input);
    }
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
    tcase_add_loop_test(tcase, later_lines_change_nothing_before, 0, KINDS);
    tcase_add_test(tcase, a_detector_raises_tip_change);
    tcase_add_loop_test(tcase, a_prefix_is_judged_as_if_fresh, 0, KINDS);
    tcase_add_loop_test(tcase, scores_do_not_depend_on_unit_offset_or_slope, 0, KINDS);
    tcase_add_loop_test(tcase, bad_lines_are_refused_and_leave_no_trace, 0, KINDS);
    tcase_add_loop_test(tcase, any_size_and_any_line_gives_finite_scores, 0, KINDS);
    tcase_add_loop_test(tcase, row_by_row_has_the_bits_of_the_whole_frame, 0, 2);
    tcase_add_test(tcase, nothing_is_allocated_line_by_line);
    tcase_add_loop_test(tcase, several_networks_judge_together, 0, 2);
    suite_add_tcase(suite, tcase);
    TCase *input = tcase_create("input");
    tcase_add_test(input, planes_hold_means_steps_and_what_was_seen);
    tcase_add_loop_test(input, the_median_is_the_middle_of_what_came, 0, 4);
    tcase_add_test(input, a_complete_row_stays_as_it_is);
    tcase_add_test(input, a_frame_is_led_in_by_its_first_rows_upside_down);
    tcase_add_loop_test(input, no_row_of_a_whole_frame_stays_empty, 0, 2);
    tcase_add_test(input, rows_are_complete_when_the_scan_has_passed_them);
    tcase_add_test(input, constant_lines_are_no_surface);
    tcase_add_test(input, flattening_takes_out_what_it_says);
    suite_add_tcase(suite, input);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

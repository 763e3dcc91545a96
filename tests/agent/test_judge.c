/* Verdicts line by line from a network that needs half of a frame before it says anything. */
#include "agent/judge.h"

#include "nn/model.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 16, POINTS = 12, FIRST = 8 };

static const char path[] = TEST_BINARY_DIR "/test_judge.tipnn";

static struct nn_model *model;
static struct judge *judge;

/* Four of eight grid rows make one row of the output. detector: NULL for none. */
static void make(const struct nn_event_net *detector)
{
    static const struct nn_layer_spec layers[] = {{.kind = NN_LAYER_CONV,
                                                   .units = NN_LABEL_COUNT,
                                                   .kernel_rows = 4,
                                                   .kernel_cols = 8,
                                                   .stride_rows = 4,
                                                   .stride_cols = 1,
                                                   .causal = 1,
                                                   .bias = 1}};
    struct nn_model_member member = {.answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_model_parts parts = {.input = {.rows = 8,
                                             .cols = 8,
                                             .flatten = NN_FLATTEN_LINEAR,
                                             .limit = 5.0F,
                                             .looks = 1,
                                             .planes = NN_PLANES_DEFAULT,
                                             .scaling = NN_SCALING_FROZEN},
                                   .members = &member,
                                   .n_members = 1,
                                   .event = detector,
                                   .note = "waits"};
    char error[200] = "";
    ck_assert_int_eq(nn_network_create(nn_input_shape(&parts.input), layers, 1, &member.network),
                     0);
    nn_network_randomise(member.network, 3);
    ck_assert_int_eq(nn_model_save(path, &parts), 0);
    nn_network_destroy(member.network);
    ck_assert_msg(nn_model_load(path, &model, error, sizeof error) == 0, "%s", error);
    ck_assert_int_eq(judge_create(model, &judge), 0);
}

static void set_up(void)
{
    make(NULL);
}

static void tear_down(void)
{
    judge_destroy(judge);
    nn_model_destroy(model);
    unlink(path);
}

static void use_detector(const struct nn_event_net *net)
{
    tear_down();
    make(net);
}

static int add(uint32_t row, enum scan_trace trace, bool both, bool restart,
               struct verdict *verdict)
{
    double samples[POINTS];
    for (int i = 0; i < POINTS; i++)
        samples[i] = 1e-10 * sin(0.7 * i + 0.9 * row + (scan_trace_is_forward(trace) ? 0.0 : 0.2));
    struct scan_line line = {.seq = row + 1,
                             .scan = 1,
                             .run = 1,
                             .cycle = 1,
                             .line = row,
                             .trace = trace,
                             .channel = "Z",
                             .points = POINTS,
                             .samples = samples};
    struct judge_line in = {.line = &line, .lines = LINES, .both = both, .restart = restart};
    return judge_add(judge, &in, verdict);
}

START_TEST(nothing_is_said_before_there_is_a_verdict)
{
    struct verdict verdict;
    for (uint32_t row = 0; row < LINES; row++) {
        int said = add(row, SCAN_FORWARD_UP, false, false, &verdict);
        ck_assert_int_eq(said, row + 1 < FIRST ? -EAGAIN : 0);
        if (said != 0)
            continue;
        ck_assert_uint_eq(verdict.lines_seen, row + 1);
        ck_assert_uint_eq(verdict.lines_due, row + 1);
        ck_assert(verdict.p[0] > 0.0F && verdict.p[0] < 1.0F);
    }
}
END_TEST

START_TEST(both_directions_wait_for_each_other)
{
    struct verdict verdict;
    for (uint32_t row = 0; row < LINES; row++) {
        /* One forward line is lost: its partner alone says nothing. */
        bool lost = row == FIRST + 1;
        if (!lost)
            ck_assert_int_eq(add(row, SCAN_FORWARD_UP, true, false, &verdict), -EAGAIN);
        ck_assert_int_eq(add(row, SCAN_BACKWARD_UP, true, false, &verdict),
                         lost || row + 1 < FIRST ? -EAGAIN : 0);
    }
    for (int k = 0; k < NN_LABEL_COUNT; k++)
        ck_assert(isfinite(verdict.p[k]) && isfinite(verdict.p_other[k]));
}
END_TEST

/* A detector that alarms at every line: its hazard is .7 whatever it sees. */
START_TEST(a_tip_change_is_told_with_its_line)
{
    struct nn_event_net net = {.out_bias = 0.85F, .threshold = 0.5F};
    use_detector(&net);
    struct verdict verdict;
    uint32_t told = 0;
    for (uint32_t row = 0; row < LINES; row++) {
        if (add(LINES - 1 - row, SCAN_FORWARD_DOWN, false, false, &verdict) != 0)
            continue;
        /* On the way down; alarms at rows 0, 7 and 14. */
        ck_assert(verdict.changed);
        ck_assert_uint_eq(verdict.change_line, LINES - 1 - row / 7 * 7);
        ck_assert(verdict.change_is_new == (row % 7 == 0));
        told += verdict.change_is_new;
    }
    ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(after_an_action_the_wait_begins_anew)
{
    struct verdict verdict;
    const uint32_t restart = 6;
    for (uint32_t row = 0; row < LINES; row++)
        ck_assert_int_eq(add(row, SCAN_FORWARD_UP, false, row == restart, &verdict),
                         row + 1 < restart + FIRST ? -EAGAIN : 0);
    ck_assert_uint_eq(verdict.lines_seen, LINES - restart);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge");
    TCase *tcase = tcase_create("judge");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, nothing_is_said_before_there_is_a_verdict);
    tcase_add_test(tcase, both_directions_wait_for_each_other);
    tcase_add_test(tcase, a_tip_change_is_told_with_its_line);
    tcase_add_test(tcase, after_an_action_the_wait_begins_anew);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

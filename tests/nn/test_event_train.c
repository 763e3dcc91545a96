/* The detector of tip changes in training: it finds what was drawn, and marks are read rightly. */
#include "nn/event_train.h"

#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char marks_path[] = TEST_BINARY_DIR "/test_event_train.csv";

enum { POINTS = 128, LINES = 100, FRAMES = 48, LEFT_OUT = 16, STEPS = 250 };

#define TWO_PI 6.283185307179586

/* Rows seen through a tip that may change at a line of its own, in some frames hardly visibly. */
static void draw_frame(uint64_t seed, struct nn_event_frame *ret_frame,
                       struct nn_event_truth *ret_truth)
{
    struct nn_random random = nn_random_seed(seed, 0, 0);
    bool changes = seed % 4 != 0;
    uint32_t at = 20 + nn_random_below(&random, LINES - 40);
    double slant = 40.0 + 60.0 * nn_random_unit(&random);
    double aside = 0.25 + 0.5 * nn_random_unit(&random);
    struct nn_event_trace trace;
    ck_assert_int_eq(nn_event_frame_create(LINES, ret_frame), 0);
    ck_assert_int_eq(nn_event_truth_create(LINES, ret_truth), 0);
    nn_event_trace_begin(&trace, POINTS);
    for (uint32_t line = 0; line < LINES; line++) {
        double samples[POINTS];
        double shift = changes && line >= at ? aside : 0.0;
        for (uint32_t i = 0; i < POINTS; i++)
            samples[i] = 20.0 * sin(TWO_PI * ((double)i / 25.0 + (double)line / slant + shift)) +
                         6.0 * nn_random_normal(&random);
        nn_event_frame_add(ret_frame, &trace, line, samples);
    }
    if (changes)
        ret_truth->changes[ret_truth->n_changes++] = at;
    ret_frame->vote = changes ? 1.0F : 0.0F;
}

struct frames {
    struct nn_event_frame frames[FRAMES + LEFT_OUT];
    struct nn_event_truth truths[FRAMES + LEFT_OUT];
};

static struct frames *draw_frames(void)
{
    struct frames *drawn = calloc(1, sizeof *drawn);
    ck_assert_ptr_nonnull(drawn);
    for (uint32_t i = 0; i < FRAMES + LEFT_OUT; i++)
        draw_frame(i, &drawn->frames[i], &drawn->truths[i]);
    return drawn;
}

static void free_frames(struct frames *drawn)
{
    for (uint32_t i = 0; i < FRAMES + LEFT_OUT; i++) {
        nn_event_frame_finish(&drawn->frames[i]);
        nn_event_truth_finish(&drawn->truths[i]);
    }
    free(drawn);
}

static struct nn_event_net train(const struct nn_event_material *material, uint64_t seed)
{
    struct nn_event_train_settings settings = nn_event_train_default();
    struct nn_event_net net;
    settings.steps = STEPS;
    settings.seed = seed;
    ck_assert_int_eq(nn_event_train(material, &settings, &net), 0);
    return net;
}

/* Of frames left out, at one false alarm in ten. */
static struct nn_event_check check_left_out(const struct frames *drawn,
                                            const struct nn_event_net *net)
{
    static float logits[LEFT_OUT][LINES];
    const float *all[LEFT_OUT];
    struct nn_event_check sum = {0};
    for (int i = 0; i < LEFT_OUT; i++) {
        nn_event_judge(net, &drawn->frames[FRAMES + i], logits[i]);
        all[i] = logits[i];
    }
    float threshold = nn_event_check_threshold(LEFT_OUT, drawn->truths + FRAMES, all, 0.1);
    for (int i = 0; i < LEFT_OUT; i++) {
        struct nn_event_check one =
            nn_event_check_frame(&drawn->truths[FRAMES + i], all[i], threshold);
        sum.changes += one.changes;
        sum.false_alarms += one.false_alarms;
        for (int late = 0; late < NN_EVENT_CHECK_LATES; late++)
            sum.noticed[late] += one.noticed[late];
    }
    return sum;
}

START_TEST(test_known_lines_are_learnt)
{
    struct frames *drawn = draw_frames();
    for (uint32_t i = 0; i < FRAMES; i++)
        ck_assert_int_eq(nn_event_frame_know(&drawn->frames[i], &drawn->truths[i]), 0);
    struct nn_event_material material = {.simulated = drawn->frames, .n_simulated = FRAMES};
    struct nn_event_net net = train(&material, 1);
    struct nn_event_check check = check_left_out(drawn, &net);
    ck_assert_uint_eq(check.changes, 12);
    ck_assert_uint_ge(check.noticed[2], 11);
    ck_assert_uint_le(check.false_alarms, 1);
    struct nn_event_net again = train(&material, 1);
    ck_assert(memcmp(&net, &again, sizeof net) == 0);
    struct nn_event_net other = train(&material, 2);
    ck_assert(memcmp(&net, &other, sizeof net) != 0);
    free_frames(drawn);
}
END_TEST

/* Nobody said at which line; frames not to be used say the opposite. */
START_TEST(test_votes_alone_find_lines)
{
    struct frames *drawn = draw_frames();
    bool use[FRAMES];
    for (uint32_t i = 0; i < FRAMES; i++) {
        use[i] = i % 3 != 0;
        if (!use[i])
            drawn->frames[i].vote = 1.0F - drawn->frames[i].vote;
    }
    struct nn_event_material material = {
        .recorded = drawn->frames, .n_recorded = FRAMES, .use = use};
    struct nn_event_net net = train(&material, 1);
    struct nn_event_check check = check_left_out(drawn, &net);
    ck_assert_uint_ge(check.noticed[2], 9);
    float logits[LINES];
    float least = HUGE_VALF;
    float most = -HUGE_VALF;
    for (uint32_t i = FRAMES; i < FRAMES + LEFT_OUT; i++) {
        nn_event_judge(&net, &drawn->frames[i], logits);
        float score = nn_event_score_logit(logits, LINES);
        if (drawn->truths[i].n_changes > 0)
            least = fminf(least, score);
        else
            most = fmaxf(most, score);
    }
    ck_assert_msg(least > most, "%g against %g", (double)least, (double)most);
    free_frames(drawn);
}
END_TEST

/* What training judges is what a night's detector says. */
START_TEST(test_judges_as_the_night_does)
{
    struct nn_event_net net = {.out_bias = -1.0F, .threshold = 0.5F};
    struct nn_random random = nn_random_seed(5, 0, 0);
    for (int u = 0; u < NN_EVENT_WIDE; u++)
        for (int ago = 0; ago < NN_EVENT_WINDOW; ago++)
            for (int i = 0; i < NN_EVENT_FEATURES; i++)
                net.wide[u][ago][i] = 0.1F * (float)nn_random_normal(&random);
    for (int u = 0; u < NN_EVENT_NARROW; u++) {
        net.out[u] = 0.3F * (float)nn_random_normal(&random);
        for (int i = 0; i < NN_EVENT_WIDE; i++)
            net.narrow[u][i] = 0.3F * (float)nn_random_normal(&random);
    }
    struct nn_event_frame frame;
    struct nn_event_trace trace;
    struct nn_event event;
    double samples[POINTS];
    float logits[LINES];
    float hazards[LINES];
    ck_assert_int_eq(nn_event_frame_create(LINES, &frame), 0);
    nn_event_trace_begin(&trace, POINTS);
    nn_event_begin(&event, &net, POINTS);
    for (uint32_t line = 0; line < LINES; line++) {
        for (uint32_t i = 0; i < POINTS; i++)
            samples[i] = sin((double)i / 3.0) + 0.3 * nn_random_normal(&random);
        nn_event_frame_add(&frame, &trace, line, samples);
        nn_event_add_line(&event, line, samples);
        hazards[line] = event.hazard;
    }
    nn_event_judge(&net, &frame, logits);
    for (uint32_t line = 0; line < LINES; line++)
        ck_assert_float_eq_tol(hazards[line], 1.0F / (1.0F + expf(-logits[line])), 1e-5F);
    float score = nn_event_score_logit(logits, LINES);
    ck_assert_float_eq_tol(nn_event_score(&event), 1.0F / (1.0F + expf(-score)), 1e-5F);
    nn_event_frame_finish(&frame);
}
END_TEST

static int load(const char *text, struct nn_event_marks *ret_marks, char *error, size_t size)
{
    FILE *file = fopen(marks_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return nn_event_marks_load(marks_path, ret_marks, error, size);
}

START_TEST(test_marks_either_way_up)
{
    struct nn_event_marks marks;
    struct nn_event_truth truth;
    char error[200];
    bool marked;
    ck_assert_int_eq(load("what,image,first_line,last_line\nstep,a.png,70,70\nstreak,b.png,4,4\n"
                          "unsure,a.png,30,32\nstep,a.png,50,50\n",
                          &marks, error, sizeof error),
                     0);
    ck_assert_uint_eq(marks.n, 4);
    ck_assert_int_eq(nn_event_marks_truth(&marks, "a.png", 100, false, &truth, &marked), 0);
    ck_assert(marked);
    ck_assert_uint_eq(truth.n_changes, 2);
    ck_assert_uint_eq(truth.changes[0], 50);
    ck_assert_uint_eq(truth.changes[1], 70);
    ck_assert(!truth.excused[26] && truth.excused[27] && truth.excused[37] && !truth.excused[38]);
    nn_event_truth_finish(&truth);
    ck_assert_int_eq(nn_event_marks_truth(&marks, "a.png", 100, true, &truth, &marked), 0);
    ck_assert_uint_eq(truth.changes[0], 30); /* lines 30.. are those before 70, and so on */
    ck_assert_uint_eq(truth.changes[1], 50);
    ck_assert(!truth.excused[63] && truth.excused[64] && truth.excused[74] && !truth.excused[75]);
    nn_event_truth_finish(&truth);
    ck_assert_int_eq(nn_event_marks_truth(&marks, "c.png", 9, false, &truth, &marked), 0);
    ck_assert(!marked && truth.n_changes == 0);
    nn_event_truth_finish(&truth);
    nn_event_marks_finish(&marks);
}
END_TEST

START_TEST(test_bad_marks_are_refused)
{
    static const char *const bad[] = {
        "image,first_line,what\na,1,step\n",
        "image,first_line,last_line,what\na,1,2,jump\n",
        "image,first_line,last_line,what\na,2,1,step\n",
        "image,first_line,last_line,what\na,-1,1,step\n",
        "image,first_line,last_line,what\na,1x,1,step\n",
        "image,first_line,last_line,what\na,1,99999999999999999999,step\n",
        "image,first_line,last_line,what\na,1\n",
        "",
    };
    struct nn_event_marks marks = {.n = 77};
    char error[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = '\0';
        ck_assert_int_eq(load(bad[i], &marks, error, sizeof error), -EBADMSG);
        ck_assert_uint_gt(strlen(error), 10);
        ck_assert_uint_eq(marks.n, 77);
    }
    ck_assert_int_eq(nn_event_marks_load("/nowhere.csv", &marks, error, sizeof error), -ENOENT);
}
END_TEST

START_TEST(test_alarms_are_counted)
{
    struct nn_event_truth truth;
    float logits[LINES];
    ck_assert_int_eq(nn_event_truth_create(LINES, &truth), 0);
    truth.changes[truth.n_changes++] = 5; /* too early to count, but explains an alarm */
    truth.changes[truth.n_changes++] = 40;
    truth.changes[truth.n_changes++] = 60;
    nn_event_truth_excuse(&truth, 80, 82);
    for (int i = 0; i < LINES; i++)
        logits[i] = -5.0F;
    logits[6] = logits[41] = logits[44] = logits[63] = logits[81] = logits[90] = 1.0F;
    struct nn_event_check check = nn_event_check_frame(&truth, logits, 0.0F);
    ck_assert_uint_eq(check.changes, 2);
    ck_assert_uint_eq(check.noticed[0], 0);
    ck_assert_uint_eq(check.noticed[1], 1);
    ck_assert_uint_eq(check.noticed[2], 1);
    ck_assert_uint_eq(check.noticed[3], 2);
    ck_assert_uint_eq(check.false_alarms, 1);
    const float *all[] = {logits};
    ck_assert(nn_event_check_threshold(1, &truth, all, 0.0) >= 1.0F);
    float wanted[LINES];
    float weight[LINES];
    nn_event_truth_targets(&truth, wanted, weight);
    ck_assert(wanted[39] <= 0.0F && wanted[40] >= 1.0F && wanted[42] >= 1.0F && wanted[43] <= 0.0F);
    ck_assert(weight[39] >= 1.0F && weight[40] < 1.0F && weight[42] >= 1.0F);
    ck_assert(weight[43] <= 0.0F && weight[48] <= 0.0F && weight[49] >= 1.0F && weight[81] <= 0.0F);
    nn_event_truth_finish(&truth);
}
END_TEST

START_TEST(test_nothing_to_learn_from)
{
    struct nn_event_material material = {0};
    struct nn_event_train_settings settings = nn_event_train_default();
    struct nn_event_net net;
    ck_assert_int_eq(nn_event_train(&material, &settings, &net), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_train");
    TCase *tcase = tcase_create("event_train");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_known_lines_are_learnt);
    tcase_add_test(tcase, test_votes_alone_find_lines);
    tcase_add_test(tcase, test_judges_as_the_night_does);
    tcase_add_test(tcase, test_marks_either_way_up);
    tcase_add_test(tcase, test_bad_marks_are_refused);
    tcase_add_test(tcase, test_alarms_are_counted);
    tcase_add_test(tcase, test_nothing_to_learn_from);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

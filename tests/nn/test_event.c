/* Tip changes as events: comparisons of lines, alarms, and the detector's file. */
#include "nn/event.h"

#include "nn/random.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = TEST_BINARY_DIR "/test_event.tipev";

enum { POINTS = 300, LINES = 120, STEP_ROW = 70 };

#define TWO_PI 6.283185307179586

/* What a frame shows, in metres. */
struct scene {
    uint64_t seed;
    double noise;     /* rms, white */
    uint32_t step_at; /* from here on another tip; LINES: never */
    uint32_t glitch_at;
    double rise; /* of the offset at step_at */
};

static const struct scene still = {.seed = 3, .noise = 3e-12, .step_at = LINES, .glitch_at = LINES};

/* Rows at an angle; the other tip stands aside and sees them at half height. */
static void draw_line(const struct scene *scene, uint32_t row, double *ret_samples)
{
    struct nn_random random = nn_random_seed(scene->seed, row, 0);
    bool after = row >= scene->step_at;
    for (uint32_t i = 0; i < POINTS; i++) {
        double at = (double)i / 60.0 + (double)row / 90.0 + (after ? 0.4 : 0.0);
        double white = nn_random_normal(&random);
        ret_samples[i] = (after ? 10e-12 : 20e-12) * sin(TWO_PI * at) + scene->noise * white +
                         2e-9 + 1e-12 * (double)i + (after ? scene->rise : 0.0);
        if (row == scene->glitch_at && i > 100 && i < 220)
            ret_samples[i] += 80e-12;
    }
}

typedef float features[NN_EVENT_FEATURES];

static void trace_scene(const struct scene *scene, double gain, features *ret_features)
{
    struct nn_event_trace trace;
    double samples[POINTS];
    nn_event_trace_begin(&trace, POINTS);
    for (uint32_t row = 0; row < LINES; row++) {
        draw_line(scene, row, samples);
        for (uint32_t i = 0; i < POINTS; i++)
            samples[i] = gain * samples[i];
        nn_event_trace_add(&trace, row, samples, ret_features[row]);
    }
}

static float largest(features *lines, enum nn_event_signal signal, uint32_t from, uint32_t until)
{
    float most = -HUGE_VALF;
    for (uint32_t row = from; row < until; row++)
        most = fmaxf(most, lines[row][signal]);
    return most;
}

START_TEST(test_step_stands_out)
{
    struct scene scene = still;
    scene.step_at = STEP_ROW;
    features *lines = calloc(LINES, sizeof *lines);
    trace_scene(&scene, 1.0, lines);
    static const enum nn_event_signal signals[] = {NN_EVENT_LAST, NN_EVENT_TRIPLE, NN_EVENT_STEP,
                                                   NN_EVENT_STEP_WIDE};
    for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
        float at_step = largest(lines, signals[s], STEP_ROW, STEP_ROW + 3);
        float before = largest(lines, signals[s], 20, STEP_ROW);
        ck_assert_msg(at_step > 6.0F, "signal %d: %g", (int)signals[s], (double)at_step);
        ck_assert_msg(before < 5.5F, "signal %d: %g", (int)signals[s], (double)before);
    }
    free(lines);
}
END_TEST

/* One bad line is no step: the middle of three lines does not see it. */
START_TEST(test_glitch_is_no_step)
{
    struct scene scene = still;
    scene.glitch_at = STEP_ROW;
    features *lines = calloc(LINES, sizeof *lines);
    features *quiet = calloc(LINES, sizeof *quiet);
    trace_scene(&scene, 1.0, lines);
    trace_scene(&still, 1.0, quiet);
    ck_assert(lines[STEP_ROW][NN_EVENT_LAST] > 6.0F);
    for (uint32_t row = STEP_ROW; row < STEP_ROW + 6; row++)
        ck_assert(lines[row][NN_EVENT_TRIPLE] < 5.0F);
    ck_assert(memcmp(lines, quiet, STEP_ROW * sizeof *lines) == 0);
    free(lines);
    free(quiet);
}
END_TEST

START_TEST(test_offset_alone_is_seen)
{
    struct scene scene = still;
    scene.rise = 100e-12;
    scene.step_at = STEP_ROW;
    double samples[POINTS];
    struct nn_event_trace trace;
    float lines[NN_EVENT_FEATURES];
    const int offset = 2 * NN_EVENT_SIGNALS + NN_EVENT_PLAIN_OFFSET;
    nn_event_trace_begin(&trace, POINTS);
    for (uint32_t row = 0; row <= STEP_ROW; row++) {
        struct scene same = scene;
        same.step_at = LINES;
        draw_line(&same, row, samples);
        for (uint32_t i = 0; row == STEP_ROW && i < POINTS; i++)
            samples[i] += scene.rise;
        nn_event_trace_add(&trace, row, samples, lines);
        if (row > 20 && row < STEP_ROW)
            ck_assert(lines[offset] < 2.5F);
    }
    ck_assert(lines[offset] > 3.0F);
}
END_TEST

START_TEST(test_unit_does_not_matter)
{
    struct scene scene = still;
    scene.step_at = STEP_ROW;
    features *metres = calloc(LINES, sizeof *metres);
    features *pico = calloc(LINES, sizeof *pico);
    trace_scene(&scene, 1.0, metres);
    trace_scene(&scene, 0x1p40, pico);
    for (uint32_t row = 0; row < LINES; row++)
        for (int f = 0; f < NN_EVENT_FEATURES; f++)
            ck_assert_float_eq_tol(metres[row][f], pico[row][f], 1e-3F);
    free(metres);
    free(pico);
}
END_TEST

START_TEST(test_odd_lines_give_numbers)
{
    static const uint32_t widths[] = {1, 2, 16, 127, 129, 8192};
    double *samples = calloc(8192, sizeof *samples);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        struct nn_event_trace trace;
        float values[NN_EVENT_FEATURES];
        nn_event_trace_begin(&trace, widths[w]);
        for (uint32_t row = 0; row < 60; row++) {
            for (uint32_t i = 0; i < widths[w]; i++)
                samples[i] = row < 20 ? 0.0 : row < 40 ? 1e140 * (double)(i % 3) : -1e-150;
            nn_event_trace_add(&trace, row < 30 ? row : row + 100, samples, values);
            for (int f = 0; f < NN_EVENT_FEATURES; f++)
                ck_assert(isfinite(values[f]));
        }
    }
    free(samples);
}
END_TEST

/* After a gap there is nothing to compare with. */
START_TEST(test_gap_starts_anew)
{
    struct nn_event_trace trace;
    double samples[POINTS];
    float values[NN_EVENT_FEATURES];
    nn_event_trace_begin(&trace, POINTS);
    for (uint32_t row = 0; row < 30; row++) {
        draw_line(&still, row, samples);
        nn_event_trace_add(&trace, row, samples, values);
    }
    draw_line(&still, 30 + NN_EVENT_GAP + 1, samples);
    nn_event_trace_add(&trace, 30 + NN_EVENT_GAP + 1, samples, values);
    for (int f = 0; f < 2 * NN_EVENT_SIGNALS; f++)
        ck_assert_float_eq(values[f], 0.0F);
}
END_TEST

static const char *shipped(void)
{
    return TEST_SOURCE_DIR "/nn/models/tip-change.tipev";
}

static struct nn_event_net *load_shipped(void)
{
    struct nn_event_net *net = malloc(sizeof *net);
    char error[200];
    ck_assert_msg(nn_event_net_load(shipped(), net, error, sizeof error) == 0, "%s", error);
    return net;
}

/* Returns the number of alarms; the first one's row. */
static uint32_t watch(const struct nn_event_net *net, const struct scene *scene,
                      uint32_t *ret_first)
{
    struct nn_event event;
    double samples[POINTS];
    nn_event_begin(&event, net, POINTS);
    for (uint32_t row = 0; row < LINES; row++) {
        draw_line(scene, row, samples);
        if (nn_event_add_line(&event, row, samples) && event.alarms == 1)
            *ret_first = row;
        ck_assert(event.hazard >= 0.0F && event.hazard <= 1.0F);
        ck_assert(nn_event_score(&event) >= 0.0F && nn_event_score(&event) <= 1.0F);
    }
    return event.alarms;
}

START_TEST(test_alarm_within_two_lines)
{
    struct nn_event_net *net = load_shipped();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct scene scene = still;
        uint32_t first = 0;
        scene.seed = seed;
        ck_assert_uint_eq(watch(net, &scene, &first), 0);
        scene.step_at = STEP_ROW;
        ck_assert_uint_eq(watch(net, &scene, &first), 1);
        ck_assert_uint_ge(first, STEP_ROW);
        ck_assert_uint_le(first, STEP_ROW + 2);
    }
    free(net);
}
END_TEST

START_TEST(test_file_comes_back)
{
    struct nn_event_net *net = load_shipped();
    struct nn_event_net *again = malloc(sizeof *again);
    char error[200];
    ck_assert_int_eq(nn_event_net_save(path, net), 0);
    ck_assert_int_eq(nn_event_net_load(path, again, error, sizeof error), 0);
    ck_assert(memcmp(net, again, sizeof *net) == 0);
    net->out_bias = (float)NAN;
    ck_assert_int_eq(nn_event_net_save(path, net), -EINVAL);
    net->out_bias = 0.0F;
    net->threshold = 1.0F;
    ck_assert_int_eq(nn_event_net_save(path, net), -EINVAL);
    unlink(path);
    ck_assert_int_eq(nn_event_net_load(path, again, error, sizeof error), -ENOENT);
    free(net);
    free(again);
}
END_TEST

static void write_file(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_damage_is_refused)
{
    FILE *file = fopen(shipped(), "rb");
    ck_assert_ptr_nonnull(file);
    static uint8_t data[1 << 20];
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    struct nn_event_net *net = malloc(sizeof *net);
    char error[200];
    for (size_t at = 0; at < size; at += at < 64 ? 1 : 997) {
        data[at] ^= 0x20;
        write_file(data, size);
        int code = nn_event_net_load(path, net, error, sizeof error);
        ck_assert_msg(code == -EPROTO || code == -EBADMSG, "byte %zu: %d", at, code);
        data[at] ^= 0x20;
    }
    for (size_t cut = 0; cut < size; cut += 1 + cut) {
        write_file(data, cut);
        ck_assert_int_lt(nn_event_net_load(path, net, error, sizeof error), 0);
    }
    unlink(path);
    free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *tcase = tcase_create("event");
    tcase_add_test(tcase, test_step_stands_out);
    tcase_add_test(tcase, test_glitch_is_no_step);
    tcase_add_test(tcase, test_offset_alone_is_seen);
    tcase_add_test(tcase, test_unit_does_not_matter);
    tcase_add_test(tcase, test_odd_lines_give_numbers);
    tcase_add_test(tcase, test_gap_starts_anew);
    tcase_add_test(tcase, test_alarm_within_two_lines);
    tcase_add_test(tcase, test_file_comes_back);
    tcase_add_test(tcase, test_damage_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The frame's memory, and the choice of places. */
#include "agent/frame.h"
#include "agent/sites.h"

#include <check.h>
#include <errno.h>
#include <math.h>

static const struct scan_geometry geometry = {.points = 4, .lines = 3};

START_TEST(lines_stand_where_they_belong_and_the_rest_is_missing)
{
    struct frame frame = {.begun = false};
    const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    struct scan_line line = {
        .line = 2, .trace = SCAN_FORWARD_DOWN, .points = 4, .samples = a, .run = 19, .cycle = 2};
    ck_assert_int_eq(frame_begin(&frame, 7, &geometry), 0);
    ck_assert_int_eq(frame_add_line(&frame, &line), 0);
    line.samples = b;
    ck_assert_int_eq(frame_add_line(&frame, &line), -EEXIST);
    line.line = 0;
    line.flags = SCAN_LINE_LATE;
    ck_assert_int_eq(frame_add_line(&frame, &line), 0);
    const struct frame_trace *trace = &frame.traces[SCAN_FORWARD_DOWN];
    ck_assert_uint_eq(trace->lines_seen, 2);
    ck_assert_uint_eq(trace->lines_late, 1);
    ck_assert(trace->seen[0] && !trace->seen[1] && trace->seen[2]);
    ck_assert_double_eq(trace->values[2 * 4 + 3], 4);
    ck_assert_double_eq(trace->values[0], 5);
    ck_assert(isnan(trace->values[4]));
    ck_assert_uint_eq(frame.traces[SCAN_FORWARD_UP].lines_seen, 0);
    ck_assert_uint_eq(frame.run, 19);
    /* A new frame does not show the old one's lines. */
    ck_assert_int_eq(frame_begin(&frame, 8, &geometry), 0);
    line.line = 1;
    ck_assert_int_eq(frame_add_line(&frame, &line), 0);
    ck_assert(isnan(frame.traces[SCAN_FORWARD_DOWN].values[0]));
    ck_assert(!frame.traces[SCAN_FORWARD_DOWN].seen[0]);
    frame_finish(&frame);
}
END_TEST

START_TEST(impossible_frames_are_refused)
{
    struct frame frame = {.begun = false};
    struct scan_geometry bad = geometry;
    bad.points = 0;
    ck_assert_int_eq(frame_begin(&frame, 1, &bad), -EINVAL);
    bad.points = SCAN_POINTS_MAX + 1;
    ck_assert_int_eq(frame_begin(&frame, 1, &bad), -EINVAL);
    bad = geometry;
    bad.lines = 0;
    ck_assert_int_eq(frame_begin(&frame, 1, &bad), -EINVAL);
    ck_assert(!frame.begun);
    frame_finish(&frame);
}
END_TEST

static const struct policy_sites sites = {
    .separation_m = 25e-9, .forbidden_radius_m = 25e-9, .reach_m = 100e-9};

START_TEST(places_are_free_apart_and_within_reach_until_none_is_left)
{
    struct sites_spot spots[200] = {{0, 0, 0, true}};
    size_t n = 1;
    double x_m = 0, y_m = 0;
    while (sites_choose(&sites, spots, n, x_m, y_m, &x_m, &y_m) == 0) {
        ck_assert(fabs(x_m) <= 100.1e-9 && fabs(y_m) <= 100.1e-9);
        for (size_t i = 0; i < n; i++)
            ck_assert(hypot(x_m - spots[i].x_m, y_m - spots[i].y_m) > 24.9e-9);
        spots[n++] = (struct sites_spot){x_m, y_m, 0, true};
        ck_assert_uint_lt(n, 200);
    }
    ck_assert_uint_eq(n, 81); /* 9 x 9 */
}
END_TEST

START_TEST(a_forbidden_circle_is_wider_than_the_separation)
{
    struct policy_sites wide = sites;
    wide.forbidden_radius_m = 60e-9;
    struct sites_spot spots[] = {{0, 0, 0, true}};
    double x_m, y_m;
    ck_assert_int_eq(sites_choose(&wide, spots, 1, 0, 0, &x_m, &y_m), 0);
    ck_assert(hypot(x_m, y_m) >= 60e-9);
    spots[0].used = false;
    ck_assert_int_eq(sites_choose(&wide, spots, 1, 0, 0, &x_m, &y_m), 0);
    ck_assert_double_eq_tol(x_m, 25e-9, 1e-15);
    ck_assert_double_eq_tol(y_m, 0, 1e-15);
    wide.reach_m = 50e-9;
    spots[0].used = true;
    wide.forbidden_radius_m = 200e-9;
    ck_assert_int_eq(sites_choose(&wide, spots, 1, 0, 0, &x_m, &y_m), -ENOSPC);
}
END_TEST

START_TEST(a_hard_action_has_a_wider_circle)
{
    struct policy_sites hard = sites;
    hard.forbidden_radius_hard_m = 60e-9;
    struct action action = action_default(ACTION_CRASH);
    action.depth_m = 1.2e-9;
    ck_assert_double_eq(sites_radius_m(&hard, &action), 25e-9);
    action.depth_m = 1.25e-9;
    ck_assert_double_eq(sites_radius_m(&hard, &action), 60e-9);
    action = action_default(ACTION_PULSE);
    ck_assert_double_eq(sites_radius_m(&hard, &action), 25e-9);
    action.voltage_v = -5.5;
    ck_assert_double_eq(sites_radius_m(&hard, &action), 60e-9);
    action = action_default(ACTION_REIMAGE);
    ck_assert_double_eq(sites_radius_m(&hard, &action), 0);
    /* Around where the action was, not around the centre of its frame. */
    const struct sites_spot spots[] = {{.x_m = 0}, {.x_m = 10e-9, .y_m = 10e-9, .radius_m = 25e-9}};
    double x_m, y_m;
    ck_assert_int_eq(sites_choose(&sites, spots, 2, 0, 0, &x_m, &y_m), 0);
    ck_assert(x_m < 1e-12 && y_m < 1e-12);
    ck_assert_double_ge(hypot(x_m - 10e-9, y_m - 10e-9), 25e-9);
}
END_TEST

START_TEST(a_place_in_a_turned_frame)
{
    const struct sites_frame frame = {100e-9, 50e-9, 20e-9, 10e-9, 90};
    double x_m, y_m;
    sites_place(&frame, 1, 1, &x_m, &y_m);
    ck_assert_double_eq_tol(x_m, 95e-9, 1e-15);
    ck_assert_double_eq_tol(y_m, 60e-9, 1e-15);
}
END_TEST

/* A small frame keeps its corner; a large one is filled from there, each place apart. */
START_TEST(actions_spread_inside_a_large_frame)
{
    struct policy_sites within = sites;
    struct sites_spot spots[64];
    struct sites_frame frame = {.width_m = 3.6e-9, .height_m = 3.6e-9};
    double x = 1, y = 1;
    within.crash_apart_m = 5e-9;
    spots[0] = (struct sites_spot){.x_m = 1.8e-9, .y_m = 1.8e-9, .radius_m = 25e-9};
    ck_assert(!sites_choose_within(&within, spots, 1, &frame, &x, &y));
    ck_assert(x == 1 && y == 1);
    frame.width_m = frame.height_m = 20e-9;
    frame.angle_deg = 30;
    size_t n = 0;
    for (;; n++) {
        x = y = 1;
        bool moved = sites_choose_within(&within, spots, n, &frame, &x, &y);
        ck_assert(moved == (n > 0 && n < 25));
        if (n > 0 && !moved)
            break;
        ck_assert(fabs(x) <= 1 && fabs(y) <= 1);
        spots[n].radius_m = 25e-9;
        sites_place(&frame, x, y, &spots[n].x_m, &spots[n].y_m);
        for (size_t i = 0; i < n; i++)
            ck_assert_double_ge(hypot(spots[n].x_m - spots[i].x_m, spots[n].y_m - spots[i].y_m),
                                4.999e-9);
    }
    ck_assert_uint_eq(n, 25); /* 5 x 5 */
    frame.width_m = 0;
    ck_assert(!sites_choose_within(&within, spots, n, &frame, &x, &y));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, lines_stand_where_they_belong_and_the_rest_is_missing);
    tcase_add_test(tcase, impossible_frames_are_refused);
    tcase_add_test(tcase, places_are_free_apart_and_within_reach_until_none_is_left);
    tcase_add_test(tcase, a_forbidden_circle_is_wider_than_the_separation);
    tcase_add_test(tcase, a_hard_action_has_a_wider_circle);
    tcase_add_test(tcase, a_place_in_a_turned_frame);
    tcase_add_test(tcase, actions_spread_inside_a_large_frame);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* Each fault around a quiet simulated microscope: what comes out, line by line. */
#include "sim/faults.h"
#include "sim/simulated.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 32, LINES = 16, SEEN_MAX = 4000 };

struct seen {
    int64_t t_inst_ns, line_t_ns;
    uint64_t scan;
    uint32_t line, points;
    enum scan_trace trace;
    bool not_finite, railed;
    char channel;
};

static struct rig {
    struct simulated *sim;
    struct sim_faults *faults;
    struct microscope microscope;
    struct seen lines[SEEN_MAX];
    size_t n;
    int64_t ended_ns; /* -1: no action's end was told */
    double frozen_s;
    int restarts, begins, ends;
} rig;

static void on_told(void *ctx, const struct sim_fault *fault, bool begins, int64_t t_inst_ns)
{
    (void)ctx;
    (void)fault;
    (void)t_inst_ns;
    rig.begins += begins;
    rig.ends += !begins;
}

static void on_freeze(void *ctx, double seconds)
{
    (void)ctx;
    rig.frozen_s += seconds;
}

static void on_restart(void *ctx)
{
    (void)ctx;
    rig.restarts++;
}

static void set_up(const struct sim_fault *list, size_t n)
{
    struct simulated_options options;
    const struct sim_faults_options faults = {.list = list,
                                              .n = n,
                                              .seed = 5,
                                              .rail_a = 3.3e-9,
                                              .told = on_told,
                                              .freeze = on_freeze,
                                              .restart = on_restart};
    memset(&rig, 0, sizeof(rig));
    rig.ended_ns = -1;
    simulated_options_default(&options);
    options.points = POINTS;
    options.lines = LINES;
    options.line_time_s = .1;
    options.channels = SIM_CHANNEL_Z | SIM_CHANNEL_I;
    ck_assert_int_eq(simulated_create(&options, &rig.sim), 0);
    rig.microscope = simulated_microscope(rig.sim);
    if (n > 0) {
        ck_assert_int_eq(sim_faults_create(&faults, rig.microscope, &rig.faults), 0);
        rig.microscope = sim_faults_microscope(rig.faults);
    }
    ck_assert_int_eq(rig.microscope.ops->scan_start(rig.microscope.self), 0);
}

static void tear_down(void)
{
    sim_faults_destroy(rig.faults);
    simulated_destroy(rig.sim);
}

static void note_line(const struct microscope_event *event)
{
    const struct scan_line *line = &event->data.line;
    struct seen *seen = &rig.lines[rig.n++];
    ck_assert_uint_lt(rig.n, SEEN_MAX);
    *seen = (struct seen){.t_inst_ns = event->t_inst_ns,
                          .line_t_ns = line->t_inst_ns,
                          .scan = line->scan,
                          .line = line->line,
                          .points = line->points,
                          .trace = line->trace,
                          .channel = line->channel[0]};
    for (uint32_t i = 0; i < line->points; i++) {
        seen->not_finite = seen->not_finite || !isfinite(line->samples[i]);
        seen->railed = seen->railed || fabs(line->samples[i]) >= 3.3e-9;
    }
}

/* On to this time of the instrument; `begin` is begun after so many lines of it. */
static void run_until(double t_s)
{
    int64_t until_ns = (int64_t)llround(t_s * 1e9);
    for (;;) {
        struct microscope_event event;
        rig.microscope.ops->advance(rig.microscope.self, until_ns, &event);
        if (event.kind == MICROSCOPE_NOTHING && event.t_inst_ns >= until_ns)
            return;
        if (event.kind == MICROSCOPE_DATA && event.data.type == DATA_LINE)
            note_line(&event);
        if (event.kind == MICROSCOPE_ENDED)
            rig.ended_ns = event.t_inst_ns;
    }
}

static size_t heights(double from_s, double to_s)
{
    size_t n = 0;
    for (size_t i = 0; i < rig.n; i++) {
        double t_s = (double)rig.lines[i].t_inst_ns * 1e-9;
        n += rig.lines[i].channel == 'Z' && t_s > from_s && t_s <= to_s;
    }
    return n;
}

START_TEST(without_faults_nothing_changes)
{
    static struct seen plain[SEEN_MAX];
    struct sim_fault late_one = {
        .kind = SIM_FAULT_LOSE, .trigger = SIM_FAULT_AT_TIME, .at_s = 1e6, .share = 1};
    set_up(NULL, 0);
    run_until(10);
    size_t n = rig.n;
    memcpy(plain, rig.lines, sizeof(plain));
    tear_down();
    set_up(&late_one, 1);
    run_until(10);
    ck_assert_uint_eq(rig.n, n);
    ck_assert_mem_eq(plain, rig.lines, n * sizeof(plain[0]));
    tear_down();
}
END_TEST

START_TEST(stalls_and_goes_on)
{
    struct sim_fault stall = {.kind = SIM_FAULT_STALL,
                              .trigger = SIM_FAULT_AT_LINE,
                              .at = 3,
                              .duration_s = 5,
                              .share = 1};
    set_up(&stall, 1);
    run_until(5);
    ck_assert_uint_eq(heights(0, 5), 2);
    run_until(10);
    ck_assert_uint_gt(heights(5, 10), 60);
    ck_assert_int_eq(rig.begins, 1);
    ck_assert_int_eq(rig.ends, 1);
    tear_down();
}
END_TEST

START_TEST(stalls_for_ever)
{
    struct sim_fault stall = {
        .kind = SIM_FAULT_STALL, .trigger = SIM_FAULT_AT_TIME, .at_s = 1, .share = 1};
    struct instrument_status status;
    set_up(&stall, 1);
    run_until(60);
    ck_assert_uint_eq(heights(1.05, 60), 0);
    rig.microscope.ops->status(rig.microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_SCANNING);
    tear_down();
}
END_TEST

START_TEST(loses_as_many_as_it_says)
{
    struct sim_fault lose = {
        .kind = SIM_FAULT_LOSE, .trigger = SIM_FAULT_AT_LINE, .at = 5, .lines = 4, .share = 1};
    set_up(NULL, 0);
    run_until(10);
    size_t all = rig.n;
    tear_down();
    set_up(&lose, 1);
    run_until(10);
    ck_assert_uint_eq(rig.n, all - 4);
    tear_down();
}
END_TEST

START_TEST(loses_a_drawn_share)
{
    struct sim_fault lose = {.kind = SIM_FAULT_LOSE,
                             .trigger = SIM_FAULT_AT_TIME,
                             .at_s = 0,
                             .duration_s = 100,
                             .share = .25};
    set_up(NULL, 0);
    run_until(50);
    double all = (double)rig.n;
    tear_down();
    set_up(&lose, 1);
    run_until(50);
    size_t n = rig.n;
    ck_assert_double_eq_tol((double)n / all, .75, .04);
    tear_down();
    set_up(&lose, 1);
    run_until(50);
    ck_assert_uint_eq(rig.n, n); /* drawn from the seed */
    tear_down();
}
END_TEST

START_TEST(sends_lines_twice)
{
    struct sim_fault twice = {
        .kind = SIM_FAULT_DUPLICATE, .trigger = SIM_FAULT_AT_LINE, .at = 5, .lines = 1, .share = 1};
    size_t same = 0;
    set_up(&twice, 1);
    run_until(5);
    for (size_t i = 1; i < rig.n; i++)
        same += memcmp(&rig.lines[i], &rig.lines[i - 1], sizeof(rig.lines[i])) == 0;
    ck_assert_uint_eq(same, 1);
    tear_down();
}
END_TEST

START_TEST(swaps_neighbours)
{
    struct sim_fault swap = {
        .kind = SIM_FAULT_SWAP, .trigger = SIM_FAULT_AT_LINE, .at = 5, .lines = 1, .share = 1};
    static struct seen plain[SEEN_MAX];
    size_t other = 0;
    set_up(NULL, 0);
    run_until(5);
    memcpy(plain, rig.lines, sizeof(plain));
    tear_down();
    set_up(&swap, 1);
    run_until(5);
    for (size_t i = 0; i < rig.n; i++)
        if (plain[i].line_t_ns != rig.lines[i].line_t_ns ||
            plain[i].channel != rig.lines[i].channel) {
            size_t there = other == 0 ? i + 1 : i - 1;
            ck_assert_int_eq(plain[there].channel, rig.lines[i].channel);
            ck_assert_int_eq(plain[there].line_t_ns, rig.lines[i].line_t_ns);
            other++;
        }
    ck_assert_uint_eq(other, 2);
    tear_down();
}
END_TEST

START_TEST(late_lines_keep_their_time)
{
    struct sim_fault late = {.kind = SIM_FAULT_LATE,
                             .trigger = SIM_FAULT_AT_LINE,
                             .at = 5,
                             .lines = 1,
                             .share = 1,
                             .size_s = 2};
    size_t back = 0;
    set_up(&late, 1);
    run_until(5);
    for (size_t i = 1; i < rig.n; i++)
        if (rig.lines[i].line_t_ns < rig.lines[i - 1].line_t_ns) {
            back++;
            ck_assert_double_eq_tol(
                (double)(rig.lines[i - 1].line_t_ns - rig.lines[i].line_t_ns) * 1e-9, 2, .1);
        }
    ck_assert_uint_eq(back, 1);
    tear_down();
}
END_TEST

START_TEST(spoils_samples)
{
    struct sim_fault list[] = {
        {.kind = SIM_FAULT_NOT_A_NUMBER,
         .trigger = SIM_FAULT_AT_LINE,
         .at = 5,
         .lines = 2,
         .share = 1},
        {.kind = SIM_FAULT_WIDTH, .trigger = SIM_FAULT_AT_LINE, .at = 20, .lines = 3, .share = 1},
        {.kind = SIM_FAULT_RAIL_CURRENT,
         .trigger = SIM_FAULT_AT_TIME,
         .at_s = 2,
         .duration_s = 1,
         .share = 1}};
    struct instrument_status status;
    size_t not_finite = 0, narrow = 0, railed_z = 0, railed_i = 0;
    set_up(list, 3);
    run_until(2.5);
    rig.microscope.ops->status(rig.microscope.self, &status);
    ck_assert_double_eq(status.current_a, 3.3e-9);
    run_until(5);
    rig.microscope.ops->status(rig.microscope.self, &status);
    ck_assert_double_lt(fabs(status.current_a), 1e-9);
    for (size_t i = 0; i < rig.n; i++) {
        not_finite += rig.lines[i].not_finite;
        narrow += rig.lines[i].points == POINTS / 2;
        railed_z += rig.lines[i].railed && rig.lines[i].channel == 'Z';
        railed_i += rig.lines[i].railed && rig.lines[i].channel == 'I';
    }
    ck_assert_uint_eq(not_finite, 2);
    ck_assert_uint_eq(narrow, 3);
    ck_assert_uint_eq(railed_z, 0);
    ck_assert_uint_ge(railed_i, 18);
    tear_down();
}
END_TEST

static void begin_crash(void)
{
    struct action action = action_default(ACTION_CRASH);
    ck_assert_int_eq(rig.microscope.ops->begin(rig.microscope.self, &action), 0);
}

START_TEST(tells_an_end_late)
{
    struct sim_fault late = {.kind = SIM_FAULT_LATE_END,
                             .trigger = SIM_FAULT_AT_ACTION,
                             .at = 1,
                             .share = 1,
                             .size_s = 30};
    struct instrument_status status;
    struct action action = action_default(ACTION_CRASH);
    set_up(&late, 1);
    run_until(2);
    begin_crash();
    run_until(20);
    ck_assert_int_eq(rig.ended_ns, -1);
    ck_assert_uint_eq(heights(2.1, 20), 0);
    rig.microscope.ops->status(rig.microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_ACTING);
    ck_assert_int_eq(rig.microscope.ops->begin(rig.microscope.self, &action), -EBUSY);
    run_until(60);
    ck_assert_double_gt((double)rig.ended_ns * 1e-9, 32);
    ck_assert_double_lt((double)rig.ended_ns * 1e-9, 40);
    ck_assert_uint_gt(heights(40, 60), 200);
    tear_down();
}
END_TEST

START_TEST(never_tells_an_end)
{
    struct sim_fault none = {
        .kind = SIM_FAULT_NO_END, .trigger = SIM_FAULT_AT_ACTION, .at = 1, .share = 1};
    set_up(&none, 1);
    run_until(2);
    begin_crash();
    run_until(20);
    ck_assert_int_eq(rig.ended_ns, -1);
    ck_assert_uint_gt(heights(8, 20), 100);
    begin_crash(); /* the next one is told */
    run_until(30);
    ck_assert_int_gt(rig.ended_ns, 0);
    tear_down();
}
END_TEST

START_TEST(an_abort_takes_a_late_end_with_it)
{
    struct sim_fault late = {.kind = SIM_FAULT_LATE_END,
                             .trigger = SIM_FAULT_AT_ACTION,
                             .at = 1,
                             .share = 1,
                             .size_s = 30};
    set_up(&late, 1);
    begin_crash();
    run_until(10);
    rig.microscope.ops->abort(rig.microscope.self);
    run_until(60);
    ck_assert_int_eq(rig.ended_ns, -1);
    ck_assert_uint_gt(heights(11, 60), 400);
    tear_down();
}
END_TEST

START_TEST(steps_the_clock)
{
    struct sim_fault step = {
        .kind = SIM_FAULT_CLOCK_STEP, .trigger = SIM_FAULT_AT_TIME, .at_s = 2, .share = 1};
    for (int way = -1; way <= 1; way += 2) {
        int64_t jump_ns = 0;
        struct microscope_event event;
        step.size_s = way * 600;
        set_up(&step, 1);
        for (int64_t t = 0; t < 300; t++) {
            rig.microscope.ops->advance(rig.microscope.self, INT64_C(4000000000), &event);
            if (event.kind == MICROSCOPE_DATA && event.data.type == DATA_LINE)
                note_line(&event);
        }
        for (size_t i = 1; i < rig.n; i++) {
            int64_t d = rig.lines[i].line_t_ns - rig.lines[i - 1].line_t_ns;
            ck_assert_int_eq(rig.lines[i].line_t_ns, rig.lines[i].t_inst_ns);
            jump_ns += d > INT64_C(5000000000) || d < 0 ? d : 0;
        }
        ck_assert_double_eq_tol((double)jump_ns * 1e-9, way * 600, 1);
        tear_down();
    }
}
END_TEST

START_TEST(freezes_in_mid_action_and_restarts)
{
    struct sim_fault list[] = {
        {.kind = SIM_FAULT_FREEZE,
         .trigger = SIM_FAULT_AT_ACTION,
         .at = 1,
         .share = 1,
         .size_s = 5},
        {.kind = SIM_FAULT_RESTART, .trigger = SIM_FAULT_AT_TIME, .at_s = 20, .share = 1}};
    struct instrument_status status;
    set_up(list, 2);
    run_until(2);
    ck_assert_double_eq(rig.frozen_s, 0);
    begin_crash();
    run_until(2.1);
    ck_assert_double_eq(rig.frozen_s, 5);
    ck_assert_int_eq(rig.ended_ns, -1);
    run_until(30);
    ck_assert_int_eq(rig.restarts, 1);
    rig.microscope.ops->status(rig.microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_IDLE);
    ck_assert_uint_eq(heights(20.2, 30), 0);
    tear_down();
}
END_TEST

START_TEST(refuses_what_cannot_be_meant)
{
    struct sim_faults *faults;
    struct sim_fault good = {
        .kind = SIM_FAULT_LATE, .trigger = SIM_FAULT_AT_TIME, .share = 1, .size_s = 1};
    struct sim_faults_options options = {.list = &good, .n = 1};
    set_up(NULL, 0);
    struct sim_fault bad = good;
    bad.share = 0;
    options.list = &bad;
    ck_assert_int_eq(sim_faults_create(&options, rig.microscope, &faults), -EINVAL);
    bad = good, bad.size_s = 0;
    ck_assert_int_eq(sim_faults_create(&options, rig.microscope, &faults), -EINVAL);
    bad = good, bad.trigger = SIM_FAULT_AT_LINE;
    ck_assert_int_eq(sim_faults_create(&options, rig.microscope, &faults), -EINVAL);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/faults");
    TCase *tc = tcase_create("faults");
    tcase_add_test(tc, without_faults_nothing_changes);
    tcase_add_test(tc, stalls_and_goes_on);
    tcase_add_test(tc, stalls_for_ever);
    tcase_add_test(tc, loses_as_many_as_it_says);
    tcase_add_test(tc, loses_a_drawn_share);
    tcase_add_test(tc, sends_lines_twice);
    tcase_add_test(tc, swaps_neighbours);
    tcase_add_test(tc, late_lines_keep_their_time);
    tcase_add_test(tc, spoils_samples);
    tcase_add_test(tc, tells_an_end_late);
    tcase_add_test(tc, never_tells_an_end);
    tcase_add_test(tc, an_abort_takes_a_late_end_with_it);
    tcase_add_test(tc, steps_the_clock);
    tcase_add_test(tc, freezes_in_mid_action_and_restarts);
    tcase_add_test(tc, refuses_what_cannot_be_meant);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

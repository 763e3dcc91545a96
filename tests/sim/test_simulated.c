/* The simulated microscope: repeatability, frames, actions, interlocks, and the look of its lines.
 */
#include "drive.h"

#include "sim/record.h"
#include "sim/simulated.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static struct simulated *make(uint64_t seed, int start)
{
    struct simulated_options options;
    struct simulated *sim;
    simulated_options_default(&options);
    options.seed = seed;
    options.start = start;
    options.points = 64;
    options.lines = 20;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    return sim;
}

static struct action crash(double depth_m)
{
    struct action action = action_default(ACTION_CRASH);
    action.depth_m = depth_m;
    return action;
}

static void begin(struct drive *drive, const struct action *action, int expected)
{
    ck_assert_int_eq(drive->microscope.ops->begin(drive->microscope.self, action), expected);
}

static void scan(struct drive *drive)
{
    ck_assert_int_eq(drive->microscope.ops->scan_start(drive->microscope.self), 0);
}

/* Scan, poke, pulse, move, stop, start again: everything that a night holds. */
static struct drive *play(uint64_t seed, int64_t slice_ns)
{
    struct simulated *sim = make(seed, SIM_TIP_BLUNT);
    struct drive *drive = malloc(sizeof(*drive));
    struct action poke = crash(.7e-9), pulse = action_default(ACTION_PULSE);
    struct action move = action_default(ACTION_REIMAGE);
    pulse.voltage_v = 6;
    move.dx_m = 50e-9;
    drive_init(drive, simulated_microscope(sim));
    scan(drive);
    drive_to(drive, 5 * S, slice_ns);
    begin(drive, &poke, 0);
    drive_to(drive, 40 * S, slice_ns);
    begin(drive, &pulse, 0);
    drive_to(drive, 60 * S, slice_ns);
    begin(drive, &move, 0);
    drive_to(drive, 90 * S, slice_ns);
    drive->microscope.ops->scan_stop(drive->microscope.self);
    drive_to(drive, 100 * S, slice_ns);
    scan(drive);
    drive_to(drive, 120 * S, slice_ns);
    simulated_destroy(sim);
    return drive;
}

static void free_drive(struct drive *drive)
{
    drive_finish(drive);
    free(drive);
}

static void assert_same(const struct drive *a, const struct drive *b)
{
    ck_assert_uint_eq(a->n, b->n);
    ck_assert_uint_eq(a->ended, b->ended);
    for (size_t i = 0; i < a->n; i++) {
        ck_assert_int_eq(a->messages[i].type, b->messages[i].type);
        ck_assert_uint_eq(a->messages[i].hash, b->messages[i].hash);
        ck_assert_int_eq(a->messages[i].t_inst_ns, b->messages[i].t_inst_ns);
        ck_assert_uint_eq(a->messages[i].run, b->messages[i].run);
    }
}

START_TEST(same_seed_and_commands_give_the_same_lines_however_time_is_sliced)
{
    struct drive *a = play(5, 1000 * S), *b = play(5, 7 * MS), *c = play(5, 333 * MS);
    ck_assert_uint_eq(a->ended, 3);
    ck_assert_uint_gt(a->n, 400);
    assert_same(a, b);
    assert_same(a, c);
    free_drive(a);
    free_drive(b);
    free_drive(c);
}
END_TEST

START_TEST(another_seed_gives_other_lines)
{
    struct drive *a = play(5, S), *b = play(6, S);
    ck_assert_uint_ne(a->messages[1].hash, b->messages[1].hash);
    free_drive(a);
    free_drive(b);
}
END_TEST

START_TEST(frames_go_up_then_down_then_on_to_the_next_cycle)
{
    struct simulated *sim = make(1, SIM_TIP_DIMER);
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, simulated_microscope(sim));
    scan(d);
    drive_messages(d, 2 * (2 + 4 * 20));
    ck_assert_int_eq(d->messages[0].type, DATA_SCAN_BEGIN);
    ck_assert_uint_eq(d->messages[0].geometry.lines, 20);
    for (uint32_t i = 0; i < 80; i++) {
        const struct drive_message *m = &d->messages[1 + i];
        ck_assert_int_eq(m->type, DATA_LINE);
        ck_assert_uint_eq(m->line, i < 40 ? i / 2 : 39 - i / 2);
        ck_assert_int_eq(scan_trace_is_up(m->trace), i < 40);
        ck_assert_int_eq(scan_trace_is_forward(m->trace), i % 2 == 0);
        ck_assert(m->flags & SCAN_LINE_SIMULATED);
    }
    ck_assert_int_eq(d->messages[81].type, DATA_SCAN_END);
    ck_assert_int_eq(d->messages[81].end_reason, SCAN_END_COMPLETE);
    ck_assert_uint_eq(d->messages[81].cycle, 1);
    ck_assert_int_eq(d->messages[82].type, DATA_SCAN_BEGIN);
    ck_assert_uint_eq(d->messages[82].cycle, 2);
    ck_assert_uint_eq(d->messages[82].run, 1);
    ck_assert_uint_eq(d->messages[82].scan, 2);
    /* .33 s per line, forward and backward. */
    ck_assert_int_eq(d->messages[80].t_inst_ns, 40 * 330 * MS);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(an_action_ends_the_frame_and_starts_a_new_run)
{
    struct simulated *sim = make(1, SIM_TIP_BLUNT);
    struct drive *d = malloc(sizeof(*d));
    struct action poke = crash(.7e-9);
    drive_init(d, simulated_microscope(sim));
    scan(d);
    drive_messages(d, 4);
    begin(d, &poke, 0);
    begin(d, &poke, -EBUSY);
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), -EBUSY);
    drive_messages(d, 6);
    ck_assert_uint_eq(d->ended, 1);
    ck_assert_int_eq(d->messages[4].type, DATA_SCAN_END);
    ck_assert_int_eq(d->messages[4].end_reason, SCAN_END_RESTARTED);
    ck_assert_uint_eq(d->messages[4].run, 1);
    ck_assert_int_eq(d->messages[5].type, DATA_SCAN_BEGIN);
    ck_assert_uint_eq(d->messages[5].run, 2);
    /* Way there and back, settling, down and up at 1 nm/s, dwell. */
    ck_assert_int_ge(d->messages[5].t_inst_ns - d->messages[4].t_inst_ns, 3400 * MS);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(a_withdrawn_tip_only_approaches)
{
    struct simulated *sim = make(1, SIM_TIP_BLUNT);
    struct drive *d = malloc(sizeof(*d));
    struct instrument_status status = {0};
    struct action retract = action_default(ACTION_RETRACT), poke = crash(.7e-9);
    struct action approach = action_default(ACTION_APPROACH);
    drive_init(d, simulated_microscope(sim));
    scan(d);
    begin(d, &approach, -EAGAIN); /* already there */
    begin(d, &retract, 0);
    drive_to(d, 20 * S, S);
    d->microscope.ops->status(d->microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_WITHDRAWN);
    begin(d, &poke, -EAGAIN);
    ck_assert_int_eq(d->microscope.ops->scan_start(d->microscope.self), -EAGAIN);
    begin(d, &approach, 0);
    drive_to(d, 200 * S, S);
    d->microscope.ops->status(d->microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_IDLE);
    scan(d);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(safe_state_stops_everything_and_stays)
{
    struct simulated *sim = make(1, SIM_TIP_BLUNT);
    struct drive *d = malloc(sizeof(*d));
    struct instrument_status status = {0};
    struct action poke = crash(2e-9);
    drive_init(d, simulated_microscope(sim));
    scan(d);
    drive_messages(d, 4);
    begin(d, &poke, 0);
    for (int i = 0; i < 2; i++)
        d->microscope.ops->safe_state(d->microscope.self, 100e-9);
    drive_to(d, 100 * S, S);
    d->microscope.ops->status(d->microscope.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_WITHDRAWN);
    ck_assert(status.feedback_on);
    ck_assert_double_eq(status.current_a, 0);
    ck_assert_uint_eq(d->ended, 0); /* cancelled, and the end says so */
    ck_assert_int_eq(d->messages[d->n - 1].type, DATA_SCAN_END);
    ck_assert_uint_eq(d->n, 5);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(aborted_before_contact_an_action_changes_nothing)
{
    struct simulated *sim = make(1, SIM_TIP_BLUNT);
    struct drive *d = malloc(sizeof(*d));
    struct action poke = crash(2e-9); /* changes the apex for certain */
    drive_init(d, simulated_microscope(sim));
    uint64_t apex = simulated_tip(sim)->serial;
    begin(d, &poke, 0);
    drive_to(d, 300 * MS, S);
    d->microscope.ops->abort(d->microscope.self);
    ck_assert_uint_eq(simulated_tip(sim)->serial, apex);
    begin(d, &poke, 0);
    drive_to(d, 1500 * MS, S);
    d->microscope.ops->abort(d->microscope.self);
    ck_assert_uint_gt(simulated_tip(sim)->serial, apex);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(reimage_moves_within_reach_only)
{
    struct simulated *sim = make(1, SIM_TIP_BLUNT);
    struct drive *d = malloc(sizeof(*d));
    struct action move = action_default(ACTION_REIMAGE);
    drive_init(d, simulated_microscope(sim));
    move.dx_m = .9e-6;
    begin(d, &move, 0);
    drive_to(d, 20 * S, S);
    ck_assert_double_eq_tol(simulated_geometry(sim).x_offset_m, .9e-6, 1e-15);
    begin(d, &move, -ERANGE);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(the_night_ends_when_it_is_over)
{
    struct simulated_options options;
    struct simulated *sim;
    simulated_options_default(&options);
    options.points = 32;
    options.duration_ns = 10 * S;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, simulated_microscope(sim));
    scan(d);
    drive_messages(d, 100000);
    ck_assert(d->finished);
    ck_assert_int_eq(d->messages[d->n - 1].type, DATA_SCAN_END);
    ck_assert_int_eq(d->messages[d->n - 1].end_reason, SCAN_END_STOPPED);
    ck_assert_int_eq(d->now_ns, 10 * S);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct simulated_options good, bad;
    struct simulated *sim;
    simulated_options_default(&good);
    bad = good, bad.tip.difficulty = .5;
    ck_assert_int_eq(simulated_create(&bad, &sim), -EINVAL);
    bad = good, bad.points = 2;
    ck_assert_int_eq(simulated_create(&bad, &sim), -EINVAL);
    bad = good, bad.frame_m = (double)NAN;
    ck_assert_int_eq(simulated_create(&bad, &sim), -EINVAL);
    bad = good, bad.start = SIM_TIP_STATE_COUNT;
    ck_assert_int_eq(simulated_create(&bad, &sim), -EINVAL);
}
END_TEST

struct truths {
    unsigned lines, actions, changed;
    FILE *file;
};

static void on_truth(void *ctx, const struct simulated_truth *truth)
{
    struct truths *t = ctx;
    t->lines += truth->kind == SIMULATED_LINE;
    t->actions += truth->kind == SIMULATED_ACTION;
    t->changed += truth->kind == SIMULATED_ACTION && truth->changed;
    record_truth_row(t->file, truth);
}

START_TEST(the_truth_is_told_beside_the_wire)
{
    struct truths truths = {.file = tmpfile()};
    struct simulated_options options;
    struct simulated *sim;
    struct action poke = crash(2e-9);
    simulated_options_default(&options);
    options.points = 32;
    options.truth = on_truth;
    options.truth_ctx = &truths;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, simulated_microscope(sim));
    scan(d);
    drive_to(d, 10 * 330 * MS, S);
    begin(d, &poke, 0);
    drive_to(d, 60 * S, S);
    ck_assert_uint_ge(truths.lines, 10);
    ck_assert_uint_eq(truths.actions, 1);
    ck_assert_uint_eq(truths.changed, 1);
    ck_assert_int_gt(ftell(truths.file), 40);
    fclose(truths.file);
    simulated_destroy(sim);
    free_drive(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/simulated");
    TCase *tcase = tcase_create("simulated");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, same_seed_and_commands_give_the_same_lines_however_time_is_sliced);
    tcase_add_test(tcase, another_seed_gives_other_lines);
    tcase_add_test(tcase, frames_go_up_then_down_then_on_to_the_next_cycle);
    tcase_add_test(tcase, an_action_ends_the_frame_and_starts_a_new_run);
    tcase_add_test(tcase, a_withdrawn_tip_only_approaches);
    tcase_add_test(tcase, safe_state_stops_everything_and_stays);
    tcase_add_test(tcase, aborted_before_contact_an_action_changes_nothing);
    tcase_add_test(tcase, reimage_moves_within_reach_only);
    tcase_add_test(tcase, the_night_ends_when_it_is_over);
    tcase_add_test(tcase, options_out_of_range_are_refused);
    tcase_add_test(tcase, the_truth_is_told_beside_the_wire);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

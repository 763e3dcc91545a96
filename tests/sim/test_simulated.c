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

/* A night's truth, folded up. */
static void fold_truth(void *ctx, const struct simulated_truth *truth)
{
    uint64_t *h = ctx, at;
    memcpy(&at, &truth->event_at, sizeof(at));
    const uint64_t values[] = {truth->kind,    (uint64_t)truth->t_inst_ns,
                               truth->run,     truth->line,
                               truth->state,   truth->apex,
                               truth->event,   at,
                               truth->changed, truth->crashed};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        *h = (*h ^ values[i]) * 1099511628211u;
}

/* Two hours with an action every four minutes, a hum, a crash and a bias that is too low. */
static uint64_t truth_of_a_night(bool truth_only, uint64_t *ret_lines)
{
    uint64_t hash = 1469598103934665603u;
    struct simulated_options options;
    struct simulated *sim;
    simulated_options_default(&options);
    options.points = 32;
    options.lines = 100;
    options.frame_m = 8e-9;
    options.event_scale = 20;
    options.instrument.incomplete_share = .02;
    options.truth_only = truth_only;
    options.truth = fold_truth;
    options.truth_ctx = &hash;
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    const struct sim_disturbance wrong[] = {{SIM_HUM, 20e-12, 500, 600},
                                            {SIM_CRASH, 0, 1111, 20},
                                            {SIM_GAP_TOO_LOW, .4, 3000, 120},
                                            {SIM_PARTIAL_LINE, .4, 4000, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(simulated_disturb(sim, &wrong[i]), 0);
    struct drive *d = malloc(sizeof(*d));
    drive_init(d, simulated_microscope(sim));
    struct action poke = crash(.7e-9), pulse = action_default(ACTION_PULSE);
    for (int i = 0; i < 30; i++) {
        scan(d);
        drive_to(d, (i + 1) * 240 * S, 1000 * S);
        begin(d, i % 3 ? &poke : &pulse, 0);
        drive_to(d, (i + 1) * 240 * S + 5 * S, 1000 * S);
    }
    *ret_lines = d->n;
    simulated_destroy(sim);
    free_drive(d);
    return hash;
}

START_TEST(without_rendering_the_tip_s_history_is_the_same)
{
    uint64_t lines, rendered_lines;
    uint64_t rendered = truth_of_a_night(false, &rendered_lines);
    ck_assert_uint_eq(truth_of_a_night(true, &lines), rendered);
    ck_assert_uint_eq(lines, rendered_lines);
    ck_assert_uint_gt(lines, 20000);
}
END_TEST

static struct simulated *make_with(const struct simulated_options *options,
                                   const struct sim_disturbance *wrong)
{
    struct simulated *sim;
    ck_assert_int_eq(simulated_create(options, &sim), 0);
    if (wrong)
        ck_assert_int_eq(simulated_disturb(sim, wrong), 0);
    return sim;
}

/* The next message of this channel at or after a time. */
static void next_trace(const struct microscope *m, char channel, int64_t from_ns,
                       struct microscope_event *ret)
{
    do {
        m->ops->advance(m->self, INT64_MAX, ret);
        ck_assert_int_eq(ret->kind, MICROSCOPE_DATA);
    } while (ret->data.type != DATA_LINE || ret->data.line.channel[0] != channel ||
             ret->t_inst_ns < from_ns);
}

static double mean_of(const struct scan_line *line)
{
    double sum = 0;
    for (uint32_t i = 0; i < line->points; i++)
        sum += line->samples[i];
    return sum / line->points;
}

START_TEST(current_lines_follow_their_heights_at_the_set_point)
{
    struct simulated_options options;
    struct microscope_event event;
    simulated_options_default(&options);
    options.start = SIM_TIP_DIMER;
    struct simulated *plain = make_with(&options, NULL);
    options.channels = SIM_CHANNEL_Z | SIM_CHANNEL_I;
    struct simulated *both = make_with(&options, NULL);
    struct drive *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    drive_init(a, simulated_microscope(plain));
    drive_init(b, simulated_microscope(both));
    scan(a);
    scan(b);
    drive_to(a, 60 * S, S);
    drive_to(b, 60 * S, S);
    ck_assert_uint_eq(b->n - 1, 2 * (a->n - 1));
    for (size_t i = 1; i < a->n; i++) {
        const struct drive_message *z = &b->messages[2 * i - 1], *current = &b->messages[2 * i];
        ck_assert_uint_eq(a->messages[i].hash, z->hash);
        ck_assert_uint_eq(current->line, z->line);
        ck_assert_int_eq(current->trace, z->trace);
        ck_assert_int_eq(current->t_inst_ns, z->t_inst_ns);
    }
    struct microscope m = simulated_microscope(both);
    for (int i = 0; i < 20; i++) {
        next_trace(&m, 'I', 0, &event);
        ck_assert_double_eq_tol(mean_of(&event.data.line), 50e-12, 10e-12);
        ck_assert(!(event.data.line.flags & SCAN_LINE_RAILED));
    }
    simulated_destroy(plain);
    simulated_destroy(both);
    free_drive(a);
    free_drive(b);
}
END_TEST

static double spread_of(const struct scan_line *line)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (uint32_t i = 0; i < line->points; i++) {
        low = fmin(low, line->samples[i]);
        high = fmax(high, line->samples[i]);
    }
    return high - low;
}

START_TEST(without_contact_z_runs_to_its_end_and_there_is_no_current)
{
    struct simulated_options options;
    struct microscope_event event;
    struct instrument_status status = {0};
    simulated_options_default(&options);
    options.channels = SIM_CHANNEL_Z | SIM_CHANNEL_I;
    struct simulated *sim =
        make_with(&options, &(struct sim_disturbance){SIM_LOST_CONTACT, 0, 20, 40});
    struct microscope m = simulated_microscope(sim);
    ck_assert_int_eq(m.ops->scan_start(m.self), 0);
    next_trace(&m, 'I', 10 * S, &event);
    ck_assert_double_ge(mean_of(&event.data.line), 40e-12);
    next_trace(&m, 'Z', 55 * S, &event);
    ck_assert_double_eq_tol(mean_of(&event.data.line), -400e-9, 1e-15);
    ck_assert_double_eq(spread_of(&event.data.line), 0);
    next_trace(&m, 'I', 55 * S, &event);
    ck_assert_double_le(mean_of(&event.data.line), 1e-12);
    m.ops->status(m.self, &status);
    ck_assert_double_eq(status.current_a, 0);
    next_trace(&m, 'Z', 61 * S, &event);
    ck_assert_double_ge(spread_of(&event.data.line), 1e-12);
    m.ops->status(m.self, &status);
    ck_assert_double_eq(status.current_a, 50e-12);
    simulated_destroy(sim);
}
END_TEST

START_TEST(a_crash_in_mid_scan_saturates_the_current_and_costs_the_tip)
{
    struct simulated_options options;
    struct microscope_event event;
    struct instrument_status status = {0};
    simulated_options_default(&options);
    options.start = SIM_TIP_DIMER;
    options.event_scale = 0;
    options.channels = SIM_CHANNEL_Z | SIM_CHANNEL_I;
    struct simulated *sim = make_with(&options, &(struct sim_disturbance){SIM_CRASH, 0, 20, 5});
    struct microscope m = simulated_microscope(sim);
    uint64_t apex = simulated_tip(sim)->serial;
    ck_assert_int_eq(m.ops->scan_start(m.self), 0);
    next_trace(&m, 'Z', 19 * S, &event);
    ck_assert_uint_eq(simulated_tip(sim)->serial, apex);
    next_trace(&m, 'I', 22 * S, &event);
    ck_assert_uint_eq(simulated_tip(sim)->serial, apex + 1);
    ck_assert_double_eq_tol(mean_of(&event.data.line), 3.3e-9, 1e-15);
    ck_assert(event.data.line.flags & SCAN_LINE_RAILED);
    m.ops->status(m.self, &status);
    ck_assert_double_eq(status.current_a, 3.3e-9);
    ck_assert_double_eq(status.z_m, 400e-9);
    next_trace(&m, 'I', 26 * S, &event);
    ck_assert_double_le(mean_of(&event.data.line), 100e-12);
    ck_assert_uint_eq(simulated_tip(sim)->serial, apex + 1);
    simulated_destroy(sim);
}
END_TEST

START_TEST(a_scan_that_stops_in_mid_line_leaves_a_partial_line)
{
    struct simulated_options options;
    struct microscope_event event;
    struct instrument_status status = {0};
    simulated_options_default(&options);
    struct simulated *sim =
        make_with(&options, &(struct sim_disturbance){SIM_PARTIAL_LINE, .25, 10, 0});
    struct microscope m = simulated_microscope(sim);
    ck_assert_int_eq(m.ops->scan_start(m.self), 0);
    next_trace(&m, 'Z', 10 * S, &event);
    ck_assert(event.data.line.flags & SCAN_LINE_PARTIAL);
    unsigned numbers = 0;
    for (uint32_t i = 0; i < event.data.line.points; i++)
        numbers += isfinite(event.data.line.samples[i]) != 0;
    ck_assert_uint_eq(numbers, 75);
    bool forward = scan_trace_is_forward(event.data.line.trace);
    ck_assert_int_eq(isfinite(event.data.line.samples[0]) != 0, forward);
    m.ops->advance(m.self, 20 * S, &event);
    ck_assert_int_eq(event.data.type, DATA_SCAN_END);
    ck_assert_int_eq(event.data.end_reason, SCAN_END_STOPPED);
    m.ops->advance(m.self, 20 * S, &event);
    ck_assert_int_eq(event.kind, MICROSCOPE_NOTHING);
    m.ops->status(m.self, &status);
    ck_assert_int_eq(status.state, INSTRUMENT_IDLE);
    simulated_destroy(sim);
}
END_TEST

/* Lengths as measured on the images of a laboratory: half of them stop before a fifth. */
START_TEST(images_stop_as_often_and_where_they_were_seen_to)
{
    struct simulated_options options;
    struct microscope_event event;
    simulated_options_default(&options);
    options.points = 16;
    options.lines = 50;
    options.truth_only = true;
    options.instrument.incomplete_share = .2;
    struct simulated *sim = make_with(&options, NULL);
    struct microscope m = simulated_microscope(sim);
    unsigned images = 0, stopped = 0, early = 0;
    uint32_t last = 0;
    while (images < 3000) {
        ck_assert_int_eq(m.ops->scan_start(m.self), 0);
        do {
            m.ops->advance(m.self, INT64_MAX / 2, &event);
            if (event.data.type != DATA_LINE)
                continue;
            bool up = scan_trace_is_up(event.data.line.trace);
            last = up ? event.data.line.line : options.lines - 1 - event.data.line.line;
            images += !(event.data.line.flags & SCAN_LINE_PARTIAL) && last == options.lines - 1 &&
                      !scan_trace_is_forward(event.data.line.trace);
        } while (event.data.type != DATA_SCAN_END || event.data.end_reason == SCAN_END_COMPLETE);
        images++;
        stopped++;
        early += last < .19 * options.lines;
    }
    ck_assert_double_eq_tol((double)stopped / images, .2, .03);
    ck_assert_double_eq_tol((double)early / stopped, .5, .08);
    simulated_destroy(sim);
}
END_TEST

START_TEST(disturbances_out_of_range_are_refused)
{
    struct simulated *sim = make(1, -1);
    const struct sim_disturbance bad[] = {{SIM_HUM, -1e-12, 0, 1},
                                          {SIM_HUM, (double)NAN, 0, 1},
                                          {SIM_RANGE_SWITCH, 3, 0, 1},
                                          {SIM_KNOCK, 1e-10, (double)NAN, 1},
                                          {SIM_KNOCK, 1e-10, 0, (double)INFINITY},
                                          {SIM_DISTURBANCE_COUNT, 0, 0, 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(simulated_disturb(sim, &bad[i]), -EINVAL);
    for (int i = 0; i < SIM_DISTURBANCES_MAX; i++)
        ck_assert_int_eq(simulated_disturb(sim, &(struct sim_disturbance){SIM_HUM, 1e-12, 10, 1}),
                         0);
    ck_assert_int_eq(simulated_disturb(sim, &(struct sim_disturbance){SIM_HUM, 1e-12, 10, 1}),
                     -ENOSPC);
    simulated_destroy(sim);
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
    tcase_add_test(tcase, without_rendering_the_tip_s_history_is_the_same);
    tcase_add_test(tcase, current_lines_follow_their_heights_at_the_set_point);
    tcase_add_test(tcase, without_contact_z_runs_to_its_end_and_there_is_no_current);
    tcase_add_test(tcase, a_crash_in_mid_scan_saturates_the_current_and_costs_the_tip);
    tcase_add_test(tcase, a_scan_that_stops_in_mid_line_leaves_a_partial_line);
    tcase_add_test(tcase, images_stop_as_often_and_where_they_were_seen_to);
    tcase_add_test(tcase, disturbances_out_of_range_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

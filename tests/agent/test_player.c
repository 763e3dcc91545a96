/*
 * A night in process beside the same night with the whole agent: real sockets, journal, worker, a
 * gated instrument end. The same seed must give the same actions at the same times, the same end.
 */
#include "agent/player.h"

#include "agent/spending.h"
#include "config/policy_errors.h"
#include "instrument/microscope_end.h"
#include "nn/model.h"
#include "sim/simulated.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { LOG_BYTES = 256 * 1024, LINES = 20, POINTS = 48 };

static const double NIGHT_S = 1000;
static const int64_t PATIENCE_NS = 60000000000;

/* Much to do, whatever the network says. */
static const char policy_text[] = "policy_version: 1\n"
                                  "name: player\n"
                                  "profile: h_si_100\n"
                                  "accept: {labels: [individual_atoms, dimers]}\n"
                                  "decide: {min_lines: 8, stride: 3, judge_backward: true}\n"
                                  "guards: {no_progress_sites: 20}\n"
                                  "budget:\n"
                                  "  actions_per_site: 3\n"
                                  "  actions_per_episode: 60\n"
                                  "  actions_per_hour: 20\n"
                                  "  actions_per_night: 60\n"
                                  "  pulses_per_episode: 32\n"
                                  "  pulses_per_hour: 9\n"
                                  "  pulses_per_night: 40\n"
                                  "  crashes_per_episode: 30\n"
                                  "  crash_detections_per_night: 4\n"
                                  "settle: {after_action: 2 s, after_move: 5 s, cool_down: 20 s}\n"
                                  "rules:\n"
                                  "  - name: good\n"
                                  "    when: [wanted >= 0.50, bad_blurry < 0.35]\n"
                                  "    confirm: 2 frames\n"
                                  "    then: good\n"
                                  "  - name: change\n"
                                  "    when: [tip_change >= 0.40]\n"
                                  "    then: wait\n"
                                  "    at_most: {per_site: 1, per_episode: 8}\n"
                                  "  - name: crash\n"
                                  "    when: [bad_blurry >= 0.40]\n"
                                  "    until: [bad_blurry < 0.35]\n"
                                  "    confirm: 2 verdicts\n"
                                  "    then: crash\n"
                                  "    depth: {from: 0.30 nm, to: 0.76 nm, step: 0.02 nm}\n"
                                  "    at_most: {per_site: 2}\n"
                                  "  - name: pulse\n"
                                  "    when: [wanted < 0.30]\n"
                                  "    then: pulse\n"
                                  "    voltage: {from: 2.0 V, to: 3.5 V, step: 0.1 V}\n"
                                  "    count: 2\n"
                                  "  - name: give-up\n"
                                  "    when: always\n"
                                  "    confirm: 9 frames\n"
                                  "    then: park\n";

static struct policy policy;
static struct nn_model *model;
static struct instrument_limits limits;

static void set_up(void)
{
    char error[200] = "";
    struct policy_errors errors;
    int r = policy_parse("player.yaml", policy_text, strlen(policy_text), &policy, &errors);
    if (r < 0)
        policy_errors_print(&errors, "player.yaml", stderr);
    policy_errors_finish(&errors);
    ck_assert_int_eq(r, 0);
    ck_assert_msg(nn_model_load(TEST_SOURCE_DIR "/nn/models/h-si-100.tipnn", &model, error,
                                sizeof(error)) == 0,
                  "%s", error);
    limits_default(ACTION_PROFILE_SILICON, &limits);
}

static void tear_down(void)
{
    nn_model_destroy(model);
}

/* ---- a simulated microscope with a fault of choice ---- */

enum fault {
    FAULT_NONE,
    FAULT_TOUCHES, /* every second action ends in an unwanted contact */
    FAULT_FLAT,    /* from 400 s on every line is flat */
    FAULT_REFUSES, /* from 300 s on every action is refused */
    FAULT_STUCK    /* the fifth action's end is never told, but by an abort */
};

struct bad_microscope {
    struct simulated *sim;
    struct microscope inner;
    enum fault fault;
    int begun, ended;
    int64_t now_ns;
    double flat[POINTS];
};

static void advance(void *self, int64_t until_ns, struct microscope_event *event)
{
    struct bad_microscope *bad = self;
    bad->inner.ops->advance(bad->inner.self, until_ns, event);
    bad->now_ns = event->t_inst_ns;
    if (event->kind == MICROSCOPE_ENDED && ++bad->ended % 2 == 0 && bad->fault == FAULT_TOUCHES)
        event->crash_detected = true;
    if (event->kind == MICROSCOPE_ENDED && bad->ended == 5 && bad->fault == FAULT_STUCK)
        event->kind = MICROSCOPE_NOTHING;
    if (event->kind == MICROSCOPE_DATA && event->data.type == DATA_LINE &&
        bad->fault == FAULT_FLAT && bad->now_ns > INT64_C(400000000000))
        event->data.line.samples = bad->flat;
}

static int begin(void *self, const struct action *action)
{
    struct bad_microscope *bad = self;
    if (bad->fault == FAULT_REFUSES && bad->now_ns > INT64_C(300000000000))
        return -EAGAIN;
    bad->begun++;
    return bad->inner.ops->begin(bad->inner.self, action);
}

static int scan_start(void *self)
{
    struct bad_microscope *bad = self;
    return bad->inner.ops->scan_start(bad->inner.self);
}

static int scan_stop(void *self)
{
    struct bad_microscope *bad = self;
    return bad->inner.ops->scan_stop(bad->inner.self);
}

static void abort_action(void *self)
{
    struct bad_microscope *bad = self;
    bad->inner.ops->abort(bad->inner.self);
}

static void safe_state(void *self, double withdraw_m)
{
    struct bad_microscope *bad = self;
    bad->inner.ops->safe_state(bad->inner.self, withdraw_m);
}

static void status(void *self, struct instrument_status *ret_status)
{
    struct bad_microscope *bad = self;
    bad->inner.ops->status(bad->inner.self, ret_status);
}

static const struct microscope_ops bad_ops = {.name = "bad microscope",
                                              .simulated = true,
                                              .advance = advance,
                                              .begin = begin,
                                              .scan_start = scan_start,
                                              .scan_stop = scan_stop,
                                              .abort = abort_action,
                                              .safe_state = safe_state,
                                              .status = status};

static struct microscope open_microscope(struct bad_microscope *bad, uint64_t seed,
                                         enum fault fault)
{
    struct simulated_options options;
    simulated_options_default(&options);
    options.seed = seed;
    options.points = POINTS;
    options.lines = LINES;
    options.line_time_s = 1;
    *bad = (struct bad_microscope){.fault = fault};
    ck_assert_int_eq(simulated_create(&options, &bad->sim), 0);
    bad->inner = simulated_microscope(bad->sim);
    return (struct microscope){&bad_ops, bad};
}

/* ---- what happened, as text ---- */

struct told {
    char text[LOG_BYTES];
    size_t used;
    int actions, areas, verdicts;
    struct night_summary summary;
};

static void add(struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct told *told, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(told->text + told->used, sizeof(told->text) - told->used, format, args);
    va_end(args);
    ck_assert(n >= 0 && (size_t)n < sizeof(told->text) - told->used);
    told->used += (size_t)n;
}

static void hear(void *ctx, const struct night_news *news)
{
    struct told *told = ctx;
    char action[200];
    if (news->kind == NEWS_VERDICT) {
        told->verdicts++;
        if (told->verdicts % 50 == 0)
            add(told, "verdict %d at line %u: %.9g %.9g\n", told->verdicts, news->verdict->line,
                (double)news->verdict->p[0], (double)news->verdict->p_other[0]);
    }
    if (news->kind == NEWS_DECISION)
        add(told, "%lld %s; %s\n", (long long)news->t_night_ns, news->decision->why, news->text);
    if (news->kind != NEWS_ACTION)
        return;
    action_describe(news->action, action, sizeof(action));
    add(told, "%lld %s: %d\n", (long long)news->t_night_ns, action, news->action_state);
    told->actions += news->action_state < 0;
    told->areas += news->action_state < 0 && news->action->kind == ACTION_REIMAGE;
}

static void add_summary(struct told *told)
{
    const struct night_summary *s = &told->summary;
    add(told, "%s (%s), exit %d, at %lld: %llu actions, %llu areas, %llu frames, good %d\n", s->how,
        s->why, s->exit_code, (long long)s->t_night_ns, (unsigned long long)s->actions,
        (unsigned long long)s->new_areas, (unsigned long long)s->frames, s->good_found);
}

/* ---- the two ways to play ---- */

static void play_in_process(uint64_t seed, enum fault fault, struct told *told)
{
    struct bad_microscope bad;
    struct microscope microscope = open_microscope(&bad, seed, fault);
    struct player_options options = {.policy = &policy,
                                     .model = model,
                                     .limits = &limits,
                                     .duration_s = NIGHT_S,
                                     .news = hear,
                                     .ctx = told};
    ck_assert_int_eq(player_play(&options, microscope, &told->summary), 0);
    struct instrument_status end = {0};
    microscope.ops->status(microscope.self, &end);
    ck_assert_int_eq(end.state, INSTRUMENT_WITHDRAWN);
    add_summary(told);
    simulated_destroy(bad.sim);
}

struct bench {
    uv_loop_t loop;
    uv_timer_t alarm; /* wakes the loop, so that waiting has an end */
    struct zsock_hub *hub;
    struct night *night;
    struct microscope_end *end;
    struct told *told;
    bool ended, closed;
};

static void on_ended(void *ctx)
{
    struct bench *bench = ctx;
    bench->ended = true;
    bench->told->summary = *night_summary(bench->night);
}

static void on_news(void *ctx, const struct night_news *news)
{
    hear(((struct bench *)ctx)->told, news);
}

static void on_closed(void *ctx)
{
    ((struct bench *)ctx)->closed = true;
}

static void wake(uv_timer_t *timer)
{
    (void)timer;
}

static void run_until(struct bench *bench, const bool *done)
{
    int64_t end_ns = (int64_t)uv_hrtime() + PATIENCE_NS;
    while (!*done) {
        ck_assert_msg((int64_t)uv_hrtime() < end_ns, "the night does not end");
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
    bench->closed = false;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void open_ends(struct bench *bench, struct journal *journal, const struct journal_boot *boot,
                      const char *directory, struct microscope microscope)
{
    static const struct night_callbacks callbacks = {.news = on_news, .ended = on_ended};
    static const struct microscope_end_callbacks no_callbacks = {0};
    char data[96], control[96];
    snprintf(data, sizeof(data), "ipc://%s/d", directory);
    snprintf(control, sizeof(control), "ipc://%s/c", directory);
    struct policy *own = malloc(sizeof(*own));
    *own = policy;
    struct night_start start = {bench->hub, journal, boot, own};
    struct night_options night = {.state_directory = directory,
                                  .data_endpoint = data,
                                  .command_endpoint = control,
                                  .model = model,
                                  .arm = true,
                                  .pictures = NIGHT_PICTURES_NONE,
                                  .duration_s = NIGHT_S};
    struct microscope_end_options end = {.data_endpoint = data,
                                         .command_endpoint = control,
                                         .limits = limits.limits,
                                         .withdraw_m = limits.withdraw_m,
                                         .time_scale = 0,
                                         .start_scanning = true};
    ck_assert_int_eq(night_create(&start, &night, &callbacks, bench, &bench->night), 0);
    ck_assert_int_eq(
        microscope_end_create(bench->hub, &end, microscope, &no_callbacks, bench, &bench->end), 0);
}

static void play_over_sockets(uint64_t seed, enum fault fault, struct told *told)
{
    struct bench bench = {.told = told};
    struct bad_microscope bad;
    struct journal *journal;
    struct journal_boot boot;
    char directory[] = "/tmp/twp-XXXXXX", error[200];
    struct microscope microscope = open_microscope(&bad, seed, fault);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct journal_options journal_options = {.directory = directory,
                                              .policy_hash = policy.hash,
                                              .policy_name = policy.name,
                                              .model_hash = nn_model_hash(model)};
    ck_assert_int_eq(journal_open(&journal_options, 0, &journal, &boot, error, sizeof(error)), 0);
    uv_loop_init(&bench.loop);
    uv_timer_init(&bench.loop, &bench.alarm);
    uv_timer_start(&bench.alarm, wake, 5, 5);
    void *zmq = zmq_ctx_new();
    ck_assert_int_eq(zsock_hub_create(&bench.loop, zmq, &bench.hub), 0);
    open_ends(&bench, journal, &boot, directory, microscope);
    run_until(&bench, &bench.ended);
    add_summary(told);
    night_close(bench.night, on_closed, &bench);
    run_until(&bench, &bench.closed);
    microscope_end_close(bench.end, on_closed, &bench);
    run_until(&bench, &bench.closed);
    uv_close((uv_handle_t *)&bench.alarm, NULL);
    zsock_hub_close(bench.hub, on_closed, &bench);
    while (uv_run(&bench.loop, UV_RUN_DEFAULT) != 0)
        continue;
    ck_assert_int_eq(uv_loop_close(&bench.loop), 0);
    zmq_ctx_term(zmq);
    journal_close(journal);
    simulated_destroy(bad.sim);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void show_difference(const char *a, const char *b)
{
    size_t same = 0, line = 0;
    while (a[same] && a[same] == b[same]) {
        if (a[same++] == '\n')
            line = same;
    }
    ck_abort_msg("in process:\n%.300s\nover sockets:\n%.300s", a + line, b + line);
}

/* Plays both ways and gives what was told. */
static const struct told *play_both(uint64_t seed, enum fault fault)
{
    static struct told here, there;
    here = there = (struct told){0};
    play_in_process(seed, fault, &here);
    play_over_sockets(seed, fault, &there);
    if (strcmp(here.text, there.text) != 0)
        show_difference(here.text, there.text);
    return &here;
}

START_TEST(the_same_night_over_sockets)
{
    const struct told *told = play_both((uint64_t)_i + 1, FAULT_NONE);
    ck_assert_int_gt(told->verdicts, 300);
    ck_assert_int_gt(told->actions, 4);
    ck_assert_int_gt(told->areas, 0);
}
END_TEST

/* Withdrawn, stepped aside, approached, scanned again: four commands, none of an operator. */
START_TEST(a_coarse_move_ends_on_the_surface_again)
{
    static const char move[] = "  - name: away\n"
                               "    when: [bad_blurry >= 0.40]\n"
                               "    then: coarse_move\n"
                               "    at_most: {per_episode: 1}\n";
    static char text[sizeof(policy_text) + sizeof(move)];
    struct policy_errors errors;
    const char *crash = strstr(policy_text, "  - name: crash\n");
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(crash - policy_text), policy_text, move, crash);
    int r = policy_parse("player.yaml", text, strlen(text), &policy, &errors);
    if (r < 0)
        policy_errors_print(&errors, "player.yaml", stderr);
    policy_errors_finish(&errors);
    ck_assert_int_eq(r, 0);
    const struct told *told = play_both(1, FAULT_NONE);
    const char *retract = strstr(told->text, "retract coarse_steps 10, lateral_steps 8");
    ck_assert_ptr_nonnull(retract);
    const char *approach = strstr(retract, "approach");
    ck_assert_ptr_nonnull(approach);
    ck_assert_ptr_nonnull(strstr(approach, "crash depth"));
    ck_assert_str_eq(told->summary.how, "time");
}
END_TEST

/* A used-up map is left by a coarse move if the policy has any, and held on to otherwise. */
START_TEST(a_used_up_map_is_left)
{
    policy.budget.actions_per_site = 1;
    policy.sites.separation_m = policy.sites.forbidden_radius_m = 5e-9;
    policy.sites.reach_m = 5e-9;
    const struct told *told = play_both(1, FAULT_NONE);
    const char *full = strstr(told->text, "no free place is left within reach: a coarse move");
    ck_assert_ptr_nonnull(full);
    ck_assert_ptr_nonnull(strstr(full, "approach"));
    policy.budget.coarse_moves_per_night = 0;
    told = play_both(1, FAULT_NONE);
    ck_assert_ptr_null(strstr(told->text, "approach"));
    ck_assert_ptr_nonnull(strstr(told->text, "no free place is left within reach"));
}
END_TEST

START_TEST(unwanted_contacts_park)
{
    const struct told *told = play_both(3, FAULT_TOUCHES);
    ck_assert_str_eq(told->summary.how, "parked");
    ck_assert_int_eq(told->summary.exit_code, 7);
    ck_assert(strstr(told->summary.why, "unwanted contacts"));
    ck_assert_int_lt(told->summary.t_night_ns, (int64_t)(NIGHT_S * 1e9));
}
END_TEST

START_TEST(lost_contact_withdraws_and_waits_for_the_end)
{
    const struct told *told = play_both(2, FAULT_FLAT);
    ck_assert_str_eq(told->summary.how, "parked");
    ck_assert(strstr(told->summary.why, "lost contact"));
    ck_assert_int_ge(told->summary.t_night_ns, (int64_t)(NIGHT_S * 1e9));
}
END_TEST

START_TEST(three_refusals_hold)
{
    const struct told *told = play_both(1, FAULT_REFUSES);
    ck_assert_str_eq(told->summary.how, "time");
    ck_assert(strstr(told->text, "the safe state is hold"));
}
END_TEST

/* ---- verdicts from elsewhere ---- */

static int always_good(void *ctx, const struct judge_line *in, struct verdict *ret_verdict)
{
    uint32_t *seen = ctx;
    if (!scan_trace_is_forward(in->line->trace))
        return -EAGAIN;
    bool first = in->line->line == (scan_trace_is_up(in->line->trace) ? 0 : LINES - 1);
    *seen = in->restart || first ? 1 : *seen + 1;
    *ret_verdict = (struct verdict){.scan = in->line->scan,
                                    .run = in->line->run,
                                    .cycle = in->line->cycle,
                                    .trace = in->line->trace,
                                    .line = in->line->line,
                                    .lines_seen = *seen,
                                    .lines_due = *seen,
                                    .lines_total = in->lines,
                                    .t_night_ns = in->t_night_ns};
    ret_verdict->p[NN_LABEL_DIMERS] = ret_verdict->p_other[NN_LABEL_DIMERS] = 0.9F;
    return 0;
}

START_TEST(verdicts_may_come_from_elsewhere)
{
    struct bad_microscope bad;
    uint32_t seen = 0;
    struct night_summary summary;
    /* Every line is flat from 400 s on, and it does not matter. */
    struct microscope microscope = open_microscope(&bad, 1, FAULT_FLAT);
    struct player_options options = {.policy = &policy,
                                     .verdict = always_good,
                                     .verdict_ctx = &seen,
                                     .limits = &limits,
                                     .duration_s = NIGHT_S};
    ck_assert_int_eq(player_play(&options, microscope, &summary), 0);
    ck_assert_str_eq(summary.how, "time");
    ck_assert(summary.good_found);
    ck_assert_uint_eq(summary.actions, 0);
    simulated_destroy(bad.sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("player");
    TCase *tcase = tcase_create("player");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, the_same_night_over_sockets, 0, 2);
    tcase_add_test(tcase, a_coarse_move_ends_on_the_surface_again);
    tcase_add_test(tcase, a_used_up_map_is_left);
    tcase_add_test(tcase, unwanted_contacts_park);
    tcase_add_test(tcase, lost_contact_withdraws_and_waits_for_the_end);
    tcase_add_test(tcase, three_refusals_hold);
    tcase_add_test(tcase, verdicts_may_come_from_elsewhere);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

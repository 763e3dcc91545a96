/* The night against an instrument that does things wrong: real sockets, real journal, one loop. */
#include "agent/night.h"
#include "nn/model.h"
#include "tests/agent/fake_instrument.h"

#include "config/policy_errors.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static const int64_t PATIENCE_NS = 10000000000;

struct bench {
    char directory[64], model_path[96], data[96], control[96];
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    struct nn_model *model;
    struct journal *journal;
    struct journal_boot boot;
    struct night *night;
    struct fake_instrument fake;
    uv_timer_t alarm; /* wakes the loop, so that waiting has an end */
    bool closed;
    /* News. */
    size_t verdicts, decisions, alarms, intents, outcomes;
    int last_state;
    uint64_t last_verdict_seq;
    bool hold_at_decision;
    /* A reply. */
    int replies, result;
    char text[256];
};

/* ---- the bench ---- */

static void write_model(const char *path, double bad)
{
    static const struct nn_layer_spec layers[] = {
        {.kind = NN_LAYER_GLOBAL_POOL}, {.kind = NN_LAYER_DENSE, .units = NN_LABEL_COUNT}};
    struct nn_model_member member = {.answers = NN_MODEL_ALL_LABELS,
                                     .calibration = nn_calibration_identity()};
    struct nn_model_parts parts = {.input = {.rows = 8,
                                             .cols = 8,
                                             .flatten = NN_FLATTEN_LINEAR,
                                             .limit = 5.0F,
                                             .looks = 1,
                                             .planes = NN_PLANES_DEFAULT},
                                   .members = &member,
                                   .n_members = 1,
                                   .note = "always says the same"};
    struct nn_shape shape = nn_input_shape(&parts.input);
    for (int i = 0; i < NN_LABEL_COUNT; i++)
        member.calibration.knots[0].offset[i] = -3;
    member.calibration.knots[0].offset[NN_LABEL_BAD_BLURRY] = (float)log(bad / (1 - bad));
    ck_assert_int_eq(
        nn_network_create(shape, layers, sizeof(layers) / sizeof(layers[0]), &member.network), 0);
    ck_assert_int_eq(nn_model_save(path, &parts), 0);
    nn_network_destroy(member.network);
}

static void on_reply(void *ctx, int result, const char *text)
{
    struct bench *bench = ctx;
    bench->replies++;
    bench->result = result;
    snprintf(bench->text, sizeof(bench->text), "%s", text);
}

static struct night_request asked(struct bench *bench)
{
    bench->replies = 0;
    return (struct night_request){.who = "operator:test", .reply = on_reply, .ctx = bench};
}

static void on_news(void *ctx, const struct night_news *news)
{
    struct bench *bench = ctx;
    bench->verdicts += news->kind == NEWS_VERDICT;
    bench->decisions += news->kind == NEWS_DECISION;
    bench->alarms += news->kind == NEWS_ALARM;
    if (news->kind == NEWS_VERDICT)
        bench->last_verdict_seq = news->verdict->seq;
    if (news->kind == NEWS_ACTION) {
        bench->intents += news->action_state < 0;
        bench->outcomes += news->action_state == COMMAND_DONE;
        bench->last_state = news->action_state;
    }
    if (news->kind == NEWS_DECISION && bench->hold_at_decision) {
        bench->hold_at_decision = false;
        struct night_request request = asked(bench);
        night_hold(bench->night, &request, "in the last moment");
    }
}

static void on_ended(void *ctx)
{
    (void)ctx;
}

static void wake(uv_timer_t *timer)
{
    (void)timer;
}

static struct policy *test_policy(void)
{
    struct policy_errors errors;
    struct policy *policy = calloc(1, sizeof(*policy));
    int r = policy_load(TEST_SOURCE_DIR "/tests/scenario/kills.yaml", policy, &errors);
    if (r < 0)
        policy_errors_print(&errors, "kills.yaml", stderr);
    policy_errors_finish(&errors);
    ck_assert_int_eq(r, 0);
    return policy;
}

static void open_night(struct bench *bench, bool arm)
{
    static const struct night_callbacks callbacks = {.news = on_news, .ended = on_ended};
    char error[200];
    struct policy *policy = test_policy();
    struct journal_options journal = {.directory = bench->directory,
                                      .policy_hash = policy->hash,
                                      .policy_name = policy->name,
                                      .model_hash = nn_model_hash(bench->model)};
    ck_assert_int_eq(journal_open(&journal, 0, &bench->journal, &bench->boot, error, sizeof(error)),
                     0);
    struct night_start start = {bench->hub, bench->journal, &bench->boot, policy};
    struct night_options options = {.state_directory = bench->directory,
                                    .data_endpoint = bench->data,
                                    .command_endpoint = bench->control,
                                    .model = bench->model,
                                    .arm = arm,
                                    .pictures = NIGHT_PICTURES_NONE};
    ck_assert_int_eq(night_create(&start, &options, &callbacks, bench, &bench->night), 0);
}

static void on_closed(void *ctx)
{
    ((struct bench *)ctx)->closed = true;
}

/* Turns the loop until `done`, or fails. */
#define until(bench, done)                                                                         \
    do {                                                                                           \
        int64_t end_ns = (int64_t)uv_hrtime() + PATIENCE_NS;                                       \
        while (!(done)) {                                                                          \
            ck_assert_msg((int64_t)uv_hrtime() < end_ns, "never came true: %s", #done);            \
            uv_run(&(bench)->loop, UV_RUN_ONCE);                                                   \
        }                                                                                          \
    } while (0)

/* Long enough for anything that is on its way in this process to arrive. */
static void settle(struct bench *bench)
{
    for (int i = 0; i < 30; i++)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static void close_night(struct bench *bench)
{
    bench->closed = false;
    night_close(bench->night, on_closed, bench);
    until(bench, bench->closed);
    journal_close(bench->journal);
    bench->night = NULL;
}

static bool is_fenced(const struct bench *bench)
{
    struct night_state state;
    night_state(bench->night, &state);
    return state.link_up && state.fenced;
}

static enum safety safety_of(const struct bench *bench)
{
    struct night_state state;
    night_state(bench->night, &state);
    return state.safety;
}

static void meet(struct bench *bench)
{
    bench->fake.welcomed = false;
    fake_hello(&bench->fake);
    until(bench, bench->fake.welcomed);
    fake_status(&bench->fake);
    until(bench, is_fenced(bench));
}

static struct bench *open_bench(bool arm)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    char error[200];
    snprintf(bench->directory, sizeof(bench->directory), "/tmp/twn-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(bench->directory));
    snprintf(bench->model_path, sizeof(bench->model_path), "%s/m", bench->directory);
    snprintf(bench->data, sizeof(bench->data), "ipc://%s/d", bench->directory);
    snprintf(bench->control, sizeof(bench->control), "ipc://%s/c", bench->directory);
    write_model(bench->model_path, 0.8);
    ck_assert_int_eq(nn_model_load(bench->model_path, &bench->model, error, sizeof(error)), 0);
    uv_loop_init(&bench->loop);
    uv_timer_init(&bench->loop, &bench->alarm);
    uv_timer_start(&bench->alarm, wake, 5, 5);
    bench->zmq = zmq_ctx_new();
    ck_assert_int_eq(zsock_hub_create(&bench->loop, bench->zmq, &bench->hub), 0);
    open_night(bench, arm);
    fake_open(&bench->fake, bench->hub, bench->data, bench->control);
    meet(bench);
    return bench;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void close_bench(struct bench *bench)
{
    if (bench->night)
        close_night(bench);
    fake_close(&bench->fake);
    uv_close((uv_handle_t *)&bench->alarm, NULL);
    bench->closed = false;
    zsock_hub_close(bench->hub, on_closed, bench);
    while (uv_run(&bench->loop, UV_RUN_DEFAULT) != 0)
        continue;
    ck_assert(bench->closed);
    ck_assert_int_eq(uv_loop_close(&bench->loop), 0);
    zmq_ctx_term(bench->zmq);
    nn_model_destroy(bench->model);
    nftw(bench->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(bench);
}

/* ---- scanning ---- */

static void scan(struct bench *bench, int messages)
{
    bool line;
    for (int i = 0; i < messages; i++) {
        uint64_t seq = fake_scan_on(&bench->fake, FAKE_FINE, &line);
        until(bench, bench->fake.acked >= seq);
    }
}

/* A frame from scan_begin to scan_end; the fake must stand at its beginning. */
static void scan_frame(struct bench *bench)
{
    ck_assert_uint_eq(bench->fake.line, 0);
    scan(bench, FAKE_LINES + 2);
}

static struct intake_counts counts_of(const struct bench *bench)
{
    struct night_state state;
    night_state(bench->night, &state);
    return *state.counts;
}

START_TEST(every_line_has_one_fate_and_bad_ones_no_verdict)
{
    struct bench *bench = open_bench(false);
    size_t done[FAKE_FAULT_COUNT] = {0}, lines = 0, lost = 0, swaps = 0;
    bool line;
    for (int i = 0; i < 20 * (FAKE_LINES + 2); i++) {
        enum fake_fault fault =
            i % 5 == 4 ? (enum fake_fault)(i / 5 % FAKE_FAULT_COUNT) : FAKE_FINE;
        if (i % 17 == 3 && bench->fake.line > 0 && bench->fake.line < FAKE_LINES) {
            fake_swap(&bench->fake);
            swaps++;
            lines += 2;
            i++;
        } else {
            fake_scan_on(&bench->fake, fault, &line);
            done[fault] += line;
            lines += line;
            lost += fault == FAKE_LOST;
        }
    }
    scan(bench, 1);
    lines += bench->fake.line > 1 && bench->fake.line <= FAKE_LINES + 1;
    until(bench, bench->fake.acked == bench->fake.seq);
    settle(bench);
    struct intake_counts counts = counts_of(bench);
    ck_assert(intake_counts_balance(&counts));
    size_t bad = done[FAKE_NOT_FINITE] + done[FAKE_RAILED] + done[FAKE_WRONG_WIDTH];
    ck_assert_uint_gt(bad, 10);
    ck_assert_uint_gt(lost, 5);
    ck_assert_uint_eq(counts.fate[INTAKE_NOT_FINITE], done[FAKE_NOT_FINITE]);
    ck_assert_uint_eq(counts.fate[INTAKE_RAILED], done[FAKE_RAILED]);
    ck_assert_uint_eq(counts.fate[INTAKE_WRONG_WIDTH], done[FAKE_WRONG_WIDTH]);
    ck_assert_uint_ge(counts.fate[INTAKE_DUPLICATE], done[FAKE_TWICE]);
    ck_assert_uint_ge(counts.out_of_order, swaps);
    ck_assert_uint_eq(counts.missing, 0); /* all were resent */
    ck_assert_uint_eq(counts.fate[INTAKE_USED] + counts.fate[INTAKE_LATE], lines - bad);
    ck_assert_uint_eq(bench->verdicts, lines - bad);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    close_bench(bench);
}
END_TEST

START_TEST(what_is_not_resent_is_marked_missing_and_the_rest_goes_on)
{
    struct bench *bench = open_bench(false);
    bool line;
    bench->fake.answer_resend = false;
    scan(bench, 4);
    fake_scan_on(&bench->fake, FAKE_LOST, &line);
    ck_assert(line);
    scan(bench, 4);
    struct intake_counts counts = counts_of(bench);
    ck_assert_uint_eq(counts.missing, 1);
    ck_assert_uint_eq(bench->verdicts, 7);
    ck_assert_uint_ge(fake_count(&bench->fake, COMMAND_RESEND), 1);
    close_bench(bench);
}
END_TEST

/* ---- acting ---- */

START_TEST(it_looks_first_then_acts_once_and_waits_for_the_outcome)
{
    struct bench *bench = open_bench(true);
    scan(bench, FAKE_LINES); /* one line short of the frame */
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    scan(bench, 2);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 1);
    const struct command *command = fake_last(&bench->fake, COMMAND_ACTION);
    ck_assert_int_eq(command->action.kind, ACTION_CRASH);
    ck_assert_str_eq(command->session, bench->fake.session);
    ck_assert_uint_eq(command->epoch, bench->fake.epoch);
    ck_assert(command->ttl_ms > 0 && command->ttl_ms <= 1000);
    uint64_t id = command->id;
    /* No outcome, no verdicts, no second command. */
    size_t verdicts = bench->verdicts;
    scan_frame(bench);
    scan_frame(bench);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 1);
    ck_assert_uint_eq(bench->verdicts, verdicts);
    fake_event(&bench->fake, id, COMMAND_STARTED, "");
    fake_event(&bench->fake, id, COMMAND_DONE, "");
    until(bench, bench->outcomes == 1);
    settle(bench);
    /* Settle 500 ms = two lines begun; then eight lines to the first judged verdict. */
    scan(bench, 1 + 2 + 7);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 1);
    scan(bench, 4);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 2);
    ck_assert_uint_gt(fake_last(&bench->fake, COMMAND_ACTION)->id, id);
    close_bench(bench);
}
END_TEST

START_TEST(without_arming_nothing_is_sent)
{
    struct bench *bench = open_bench(false);
    for (int i = 0; i < 4; i++)
        scan_frame(bench);
    ck_assert_uint_gt(bench->decisions, 0);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    close_bench(bench);
}
END_TEST

START_TEST(a_hold_between_decision_and_wire_wins)
{
    struct bench *bench = open_bench(true);
    bench->hold_at_decision = true;
    scan_frame(bench);
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    ck_assert_int_eq(safety_of(bench), SAFETY_HOLD);
    ck_assert_uint_eq(fake_last(&bench->fake, COMMAND_FENCE)->epoch, bench->fake.epoch);
    for (int i = 0; i < 3; i++)
        scan_frame(bench);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    /* It goes on when asked, with the new epoch. */
    struct night_request request = asked(bench);
    night_resume(bench->night, &request);
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    for (int i = 0; i < 3; i++)
        scan_frame(bench);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 1);
    ck_assert_uint_eq(fake_last(&bench->fake, COMMAND_ACTION)->epoch, bench->fake.epoch);
    close_bench(bench);
}
END_TEST

START_TEST(a_hold_is_acknowledged_when_the_instrument_confirms)
{
    struct bench *bench = open_bench(true);
    bench->fake.answer_fence = false;
    size_t fences = fake_count(&bench->fake, COMMAND_FENCE);
    struct night_request request = asked(bench);
    night_hold(bench->night, &request, "");
    ck_assert_int_eq(safety_of(bench), SAFETY_HOLD); /* at once */
    until(bench, fake_count(&bench->fake, COMMAND_FENCE) > fences);
    fake_status(&bench->fake); /* still the old epoch */
    settle(bench);
    ck_assert(!is_fenced(bench));
    ck_assert_int_eq(bench->replies, 0);
    bench->fake.epoch = fake_last(&bench->fake, COMMAND_FENCE)->epoch;
    fake_status(&bench->fake);
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    close_bench(bench);
}
END_TEST

START_TEST(a_hold_is_confirmed_in_a_night_that_has_ended)
{
    struct bench *bench = open_bench(false);
    night_leave(bench->night, "test", true);
    close_night(bench);
    open_night(bench, false);
    meet(bench);
    ck_assert_int_eq(safety_of(bench), SAFETY_PARKED);
    struct night_request request = asked(bench);
    night_hold(bench->night, &request, "");
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    close_bench(bench);
}
END_TEST

START_TEST(a_failed_action_holds_with_its_reason)
{
    struct bench *bench = open_bench(true);
    scan_frame(bench);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 1);
    fake_event(&bench->fake, fake_last(&bench->fake, COMMAND_ACTION)->id, COMMAND_FAILED,
               "the piezo is tired");
    until(bench, safety_of(bench) == SAFETY_HOLD);
    struct night_state state;
    night_state(bench->night, &state);
    ck_assert_ptr_nonnull(strstr(state.why, "the piezo is tired"));
    close_bench(bench);
}
END_TEST

START_TEST(stop_withdraws_and_says_when)
{
    struct bench *bench = open_bench(true);
    bench->fake.answer_retract = false;
    struct night_request request = asked(bench);
    night_stop(bench->night, &request);
    ck_assert_int_eq(safety_of(bench), SAFETY_RETRACT);
    until(bench, fake_count(&bench->fake, COMMAND_SAFE_RETRACT) >= 1);
    settle(bench);
    ck_assert_int_eq(bench->replies, 0);
    bench->fake.state = INSTRUMENT_WITHDRAWN;
    fake_status(&bench->fake);
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    close_bench(bench);
}
END_TEST

START_TEST(over_current_withdraws_by_itself)
{
    struct bench *bench = open_bench(true);
    bench->fake.current_i = true;
    scan(bench, 5);
    ck_assert_int_eq(safety_of(bench), SAFETY_ARMED);
    bench->fake.current_a = 9e-8;
    bool line;
    for (int i = 0; i < 2; i++)
        (void)fake_scan_on(&bench->fake, _i == 0 ? FAKE_FINE : FAKE_RAILED, &line);
    until(bench, fake_count(&bench->fake, COMMAND_SAFE_RETRACT) >= 1);
    ck_assert_int_eq(safety_of(bench), SAFETY_RETRACT);
    close_bench(bench);
}
END_TEST

START_TEST(lost_contact_withdraws_by_itself)
{
    struct bench *bench = open_bench(true);
    bench->fake.height_scale_m = 1e-15;
    for (int i = 0; i < 2; i++)
        scan_frame(bench);
    until(bench, fake_count(&bench->fake, COMMAND_SAFE_RETRACT) >= 1);
    ck_assert_int_eq(safety_of(bench), SAFETY_RETRACT);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    close_bench(bench);
}
END_TEST

START_TEST(an_operators_action_is_guarded_and_answered_by_its_outcome)
{
    struct bench *bench = open_bench(false);
    struct action action = action_default(ACTION_PULSE);
    scan(bench, 5);
    action.voltage_v = 9;
    struct night_request request = asked(bench);
    night_do(bench->night, &request, &action);
    ck_assert_int_eq(bench->replies, 1);
    ck_assert_int_eq(bench->result, -EACCES);
    action.voltage_v = 2.5;
    request = asked(bench);
    night_do(bench->night, &request, &action);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 1);
    ck_assert_int_eq(bench->replies, 0);
    fake_event(&bench->fake, fake_last(&bench->fake, COMMAND_ACTION)->id, COMMAND_DONE, "");
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    ck_assert_double_eq(fake_last(&bench->fake, COMMAND_ACTION)->action.voltage_v, 2.5);
    close_bench(bench);
}
END_TEST

/* ---- restarts ---- */

static uint64_t act_and_leave_open(struct bench *bench)
{
    scan_frame(bench);
    until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 1);
    return fake_last(&bench->fake, COMMAND_ACTION)->id;
}

START_TEST(a_restarted_instrument_makes_the_outcome_unknown_and_holds)
{
    struct bench *bench = open_bench(true);
    bench->fake.t_inst_ns = INT64_C(10000000000000);
    act_and_leave_open(bench);
    snprintf(bench->fake.session, sizeof(bench->fake.session), "00000000000000f2");
    bench->fake.seq = bench->fake.acked = 0;
    bench->fake.last_id = bench->fake.epoch = bench->fake.event_number = 0;
    bench->fake.line = 0;
    bench->fake.t_inst_ns = 0;
    uint64_t verdicts = night_summary(bench->night)->verdicts;
    meet(bench);
    ck_assert_int_eq(safety_of(bench), SAFETY_HOLD);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_QUERY), 0);
    for (int i = 0; i < 3; i++)
        scan_frame(bench);
    /* Its clock starts anew; its lines are judged all the same. */
    ck_assert_uint_gt(night_summary(bench->night)->verdicts, verdicts);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 1);
    struct night_state state;
    night_state(bench->night, &state);
    ck_assert_uint_eq(state.use.actions_night, 1); /* spent, whatever became of it */
    close_bench(bench);
}
END_TEST

START_TEST(a_restarted_agent_asks_and_never_sends_again)
{
    struct bench *bench = open_bench(true);
    uint64_t id = act_and_leave_open(bench);
    uint64_t epoch = bench->fake.epoch;
    close_night(bench);
    open_night(bench, true);
    meet(bench);
    until(bench, fake_count(&bench->fake, COMMAND_QUERY) >= 1);
    ck_assert_uint_eq(fake_last(&bench->fake, COMMAND_QUERY)->query_id, id);
    ck_assert_uint_gt(bench->fake.epoch, epoch);
    scan_frame(bench);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 1);
    if (_i == 0) {
        /* The instrument knows: the night goes on after a whole frame. */
        fake_event(&bench->fake, id, COMMAND_DONE, "");
        settle(bench);
        ck_assert_int_eq(safety_of(bench), SAFETY_ARMED);
        scan_frame(bench);
        scan_frame(bench);
        until(bench, fake_count(&bench->fake, COMMAND_ACTION) == 2);
        ck_assert_uint_gt(fake_last(&bench->fake, COMMAND_ACTION)->id, id);
    } else {
        fake_event(&bench->fake, id, COMMAND_UNKNOWN, "");
        until(bench, safety_of(bench) == SAFETY_HOLD);
        scan_frame(bench);
        scan_frame(bench);
        ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 1);
    }
    close_bench(bench);
}
END_TEST

START_TEST(a_silent_instrument_is_lost_and_its_return_does_not_release_the_hold)
{
    struct bench *bench = open_bench(true);
    bench->fake.welcomed = false; /* pings stay unanswered */
    until(bench, safety_of(bench) == SAFETY_HOLD);
    struct night_state state;
    night_state(bench->night, &state);
    ck_assert(!state.link_up);
    struct night_request request = asked(bench);
    night_hold(bench->night, &request, "");
    until(bench, bench->replies == 1);
    ck_assert_ptr_nonnull(strstr(bench->text, "not connected"));
    meet(bench);
    for (int i = 0; i < 3; i++)
        scan_frame(bench);
    ck_assert_int_eq(safety_of(bench), SAFETY_HOLD);
    ck_assert_uint_eq(fake_count(&bench->fake, COMMAND_ACTION), 0);
    close_bench(bench);
}
END_TEST

START_TEST(a_policy_is_replaced_only_by_a_valid_one)
{
    struct bench *bench = open_bench(false);
    struct night_state state;
    char hash[65];
    night_state(bench->night, &state);
    snprintf(hash, sizeof(hash), "%s", state.policy->hash);
    struct night_request request = asked(bench);
    night_reload(bench->night, &request, TEST_SOURCE_DIR "/docs/console.md");
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, -EINVAL);
    night_state(bench->night, &state);
    ck_assert_str_eq(state.policy->hash, hash);
    request = asked(bench);
    night_reload(bench->night, &request, TEST_SOURCE_DIR "/config/policies/observe-only.yaml");
    until(bench, bench->replies == 1);
    ck_assert_int_eq(bench->result, 0);
    night_state(bench->night, &state);
    ck_assert_str_ne(state.policy->hash, hash);
    scan_frame(bench);
    close_bench(bench);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("night");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, every_line_has_one_fate_and_bad_ones_no_verdict);
    tcase_add_test(tcase, what_is_not_resent_is_marked_missing_and_the_rest_goes_on);
    tcase_add_test(tcase, it_looks_first_then_acts_once_and_waits_for_the_outcome);
    tcase_add_test(tcase, without_arming_nothing_is_sent);
    tcase_add_test(tcase, a_hold_between_decision_and_wire_wins);
    tcase_add_test(tcase, a_hold_is_acknowledged_when_the_instrument_confirms);
    tcase_add_test(tcase, a_hold_is_confirmed_in_a_night_that_has_ended);
    tcase_add_test(tcase, a_failed_action_holds_with_its_reason);
    tcase_add_test(tcase, stop_withdraws_and_says_when);
    tcase_add_loop_test(tcase, over_current_withdraws_by_itself, 0, 2);
    tcase_add_test(tcase, lost_contact_withdraws_by_itself);
    tcase_add_test(tcase, an_operators_action_is_guarded_and_answered_by_its_outcome);
    tcase_add_test(tcase, a_restarted_instrument_makes_the_outcome_unknown_and_holds);
    tcase_add_loop_test(tcase, a_restarted_agent_asks_and_never_sends_again, 0, 2);
    tcase_add_test(tcase, a_silent_instrument_is_lost_and_its_return_does_not_release_the_hold);
    tcase_add_test(tcase, a_policy_is_replaced_only_by_a_valid_one);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* The two ends against each other over real sockets. */
#include "tests/instrument/link.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static struct link *open_link(void)
{
    struct link *link = malloc(sizeof(*link));
    link_init(link);
    return link;
}

static void start(struct link *link)
{
    link_open_agent(link);
    link_open_instrument(link);
    LINK_UNTIL(link, link->hellos == 1 && link->statuses > 0);
}

static void end(struct link *link)
{
    link_finish(link);
    free(link);
}

static void expect_event(struct link *link, uint64_t id, int n, enum command_state state)
{
    LINK_UNTIL(link, link_event(link, id, n));
    ck_assert_int_eq(link_event(link, id, n)->state, state);
}

static void order(struct link *link, struct command command)
{
    ck_assert_int_eq(agent_end_send(link->agent, &command), 0);
}

START_TEST(gated_lines_arrive_in_order_and_only_when_acked)
{
    struct link *link = open_link();
    link->fake.frames_left = 50;
    link->do_not_ack = true;
    start(link);
    LINK_UNTIL(link, link->n_data == 1);
    for (int i = 0; i < 200; i++)
        link_step(link);
    ck_assert_uint_eq(link->n_data, 1);
    ck_assert_int_eq(link->last_data.type, DATA_SCAN_BEGIN);
    ck_assert(link->last_data.simulated);
    ck_assert_uint_eq(link->last_data.geometry.points, FAKE_POINTS);
    link->do_not_ack = false;
    agent_end_ack(link->agent, 1);
    LINK_UNTIL(link, link->finished);
    LINK_UNTIL(link, link->n_data == 50 * 6);
    ck_assert_int_eq(link->out_of_order, 0);
    ck_assert_uint_eq(link->next_seq, 50 * 6 + 1);
    ck_assert_int_eq(link->bad, 0);
    ck_assert_double_eq(link->last_sample, 50 + 3);
    end(link);
}
END_TEST

START_TEST(paced_lines_come_by_themselves)
{
    struct link *link = open_link();
    link->instrument_options.time_scale = 10;
    link->fake.frames_left = 10;
    link->do_not_ack = true;
    start(link);
    LINK_UNTIL(link, link->finished && link->n_data == 60);
    ck_assert_uint_eq(link->covered, 60);
    /* 50 lines and heads of 1 ms at ten times real time are 6 ms of host time: no earlier. */
    ck_assert_int_ge(link->last_data.line.t_inst_ns, 60 * 1000000);
    end(link);
}
END_TEST

START_TEST(idle_gated_time_passes_with_notes)
{
    struct link *link = open_link();
    link->instrument_options.start_scanning = false;
    start(link);
    LINK_UNTIL(link, link->notes == 5);
    ck_assert_int_ge(link->last_data.line.t_inst_ns, 5 * INT64_C(10000000000));
    end(link);
}
END_TEST

START_TEST(action_life_cycle)
{
    struct link *link = open_link();
    start(link);
    LINK_UNTIL(link, link->n_data >= 10);
    struct command pulse = link_pulse(7);
    pulse.action.voltage_v = -3.25;
    order(link, pulse);
    expect_event(link, 7, 0, COMMAND_ACCEPTED);
    expect_event(link, 7, 1, COMMAND_STARTED);
    expect_event(link, 7, 2, COMMAND_DONE);
    ck_assert_int_eq(link->fake.begun, 1);
    ck_assert_double_eq(link->fake.last_action.voltage_v, -3.25);
    ck_assert_str_eq(link_event(link, 7, 2)->text, "ended by itself");
    ck_assert_int_eq(link_event(link, 7, 2)->t_inst_ns - link_event(link, 7, 1)->t_inst_ns,
                     5000000);
    ck_assert_uint_ge(link_event(link, 7, 2)->data_seq, 10);
    ck_assert_int_eq(link->bad, 0);
    end(link);
}
END_TEST

START_TEST(repeated_id_runs_once)
{
    struct link *link = open_link();
    start(link);
    order(link, link_pulse(7));
    expect_event(link, 7, 2, COMMAND_DONE);
    order(link, link_pulse(7));
    expect_event(link, 7, 3, COMMAND_DONE);
    struct command other = link_pulse(7);
    other.action.voltage_v = 3;
    order(link, other);
    expect_event(link, 7, 4, COMMAND_REJECTED);
    struct command old = link_pulse(6);
    order(link, old);
    expect_event(link, 6, 0, COMMAND_REJECTED);
    ck_assert_int_eq(link->fake.begun, 1);
    end(link);
}
END_TEST

START_TEST(one_change_at_a_time_and_abort_overtakes)
{
    struct link *link = open_link();
    link->fake.actions_never_end = true;
    start(link);
    order(link, link_pulse(1));
    expect_event(link, 1, 1, COMMAND_STARTED);
    order(link, link_pulse(2));
    expect_event(link, 2, 0, COMMAND_REJECTED);
    ck_assert_str_eq(link_event(link, 2, 0)->text, "busy");
    order(link, link_command(COMMAND_ID_FREE, COMMAND_ABORT));
    expect_event(link, COMMAND_ID_FREE, 0, COMMAND_DONE);
    expect_event(link, 1, 2, COMMAND_CANCELLED);
    ck_assert_int_eq(link->fake.aborted, 1);
    ck_assert_int_eq(link->fake.begun, 1);
    ck_assert_int_eq(link->fake.safe, 0);
    end(link);
}
END_TEST

START_TEST(safe_retract_overtakes_and_ends_the_scan)
{
    struct link *link = open_link();
    link->fake.actions_never_end = true;
    start(link);
    order(link, link_pulse(1));
    expect_event(link, 1, 1, COMMAND_STARTED);
    order(link, link_command(COMMAND_ID_FREE, COMMAND_SAFE_RETRACT));
    expect_event(link, COMMAND_ID_FREE, 0, COMMAND_DONE);
    expect_event(link, 1, 2, COMMAND_CANCELLED);
    ck_assert_int_eq(link->fake.aborted, 1);
    ck_assert_int_eq(link->fake.safe, 1);
    ck_assert_double_eq(link->fake.withdraw_m, 50e-9);
    LINK_UNTIL(link, link->status.state == INSTRUMENT_WITHDRAWN);
    ck_assert_str_eq(link->status.text, "safe retract was ordered");
    end(link);
}
END_TEST

/* SIGSTOP of the instrument while a pulse is on its way; the agent has given up long ago. */
START_TEST(frozen_instrument_does_not_act_late)
{
    struct link *link = open_link();
    start(link);
    struct command pulse = link_pulse(1);
    pulse.ttl_ms = 200;
    order(link, pulse);
    uint64_t thaw = uv_hrtime() + 900000000;
    while (uv_hrtime() < thaw)
        link_step_agent(link);
    expect_event(link, 1, 0, COMMAND_EXPIRED);
    ck_assert_int_eq(link->fake.begun, 0);
    order(link, pulse);
    expect_event(link, 1, 1, COMMAND_EXPIRED);
    ck_assert_int_eq(link->fake.begun, 0);
    end(link);
}
END_TEST

/* The agent hangs; its sockets live. */
START_TEST(lost_lease_is_the_safe_state_until_told_otherwise)
{
    struct link *link = open_link();
    link->agent_options.lease_ms = 1000;
    link->fake.actions_never_end = true;
    start(link);
    order(link, link_pulse(1));
    expect_event(link, 1, 1, COMMAND_STARTED);
    uint64_t before = uv_hrtime();
    while (link->safe_states == 0 && uv_hrtime() < before + UINT64_C(10000000000))
        link_step_instrument(link);
    ck_assert_int_eq(link->safe_states, 1);
    ck_assert_str_eq(link->why_safe, "the agent's lease ran out");
    ck_assert_int_eq(link->fake.aborted, 1);
    ck_assert(!link->fake.scanning);
    /* The agent comes back to life and hears what happened. */
    LINK_UNTIL(link, link->hellos == 2);
    ck_assert_uint_eq(link->hello.last_id, 1);
    LINK_UNTIL(link, link->status.state == INSTRUMENT_WITHDRAWN);
    ck_assert_str_eq(link->status.text, "the agent's lease ran out");
    ck_assert(!link->fake.scanning);
    link->fake.actions_never_end = false;
    order(link, link_command(2, COMMAND_SCAN_START));
    expect_event(link, 2, 0, COMMAND_DONE);
    ck_assert(link->fake.scanning);
    uint64_t n = link->n_data;
    LINK_UNTIL(link, link->n_data > n + 10);
    ck_assert_int_eq(link->safe_states, 1);
    end(link);
}
END_TEST

START_TEST(frozen_instrument_is_noticed)
{
    struct link *link = open_link();
    link->agent_options.lease_ms = 1000;
    start(link);
    uint64_t before = uv_hrtime();
    while (link->lost == 0 && uv_hrtime() < before + UINT64_C(10000000000))
        link_step_agent(link);
    ck_assert_int_eq(link->lost, 1);
    struct command pulse = link_pulse(1);
    ck_assert_int_eq(agent_end_send(link->agent, &pulse), -ENOTCONN);
    LINK_UNTIL(link, link->hellos == 2);
    ck_assert_int_eq(link->safe_states, 1);
    ck_assert_int_eq(link->fake.begun, 0);
    end(link);
}
END_TEST

START_TEST(restarted_agent_finds_the_session_and_its_ids)
{
    struct link *link = open_link();
    start(link);
    char session[SESSION_ID_MAX];
    memcpy(session, link->hello.session, sizeof(session));
    struct command fence = link_command(COMMAND_ID_FREE, COMMAND_FENCE);
    order(link, link_pulse(2));
    expect_event(link, 2, 2, COMMAND_DONE);
    fence.epoch = 5;
    order(link, fence);
    expect_event(link, COMMAND_ID_FREE, 0, COMMAND_DONE);
    link_close_agent(link);
    link->n_events = 0;
    link_open_agent(link);
    LINK_UNTIL(link, link->hellos == 2);
    ck_assert_str_eq(link->hello.session, session);
    ck_assert_uint_eq(link->hello.last_id, 2);
    ck_assert_uint_eq(link->hello.epoch, 5);
    struct command query = link_command(COMMAND_ID_FREE + 1, COMMAND_QUERY);
    query.query_id = 2;
    order(link, query);
    expect_event(link, 2, 0, COMMAND_DONE);
    query.id++;
    query.query_id = 9;
    order(link, query);
    expect_event(link, 9, 0, COMMAND_UNKNOWN);
    /* What the dead agent may still have had on its way. */
    struct command stale = link_pulse(12);
    stale.epoch = 4;
    order(link, stale);
    expect_event(link, 12, 0, COMMAND_REJECTED);
    ck_assert_int_eq(link->fake.begun, 1);
    uint64_t n = link->n_data;
    LINK_UNTIL(link, link->n_data > n + 10);
    end(link);
}
END_TEST

START_TEST(restarted_instrument_is_another_session)
{
    struct link *link = open_link();
    start(link);
    char session[SESSION_ID_MAX];
    memcpy(session, link->hello.session, sizeof(session));
    link_close_instrument(link);
    memset(&link->fake, 0, sizeof(link->fake));
    link->next_seq = 0;
    link_open_instrument(link);
    LINK_UNTIL(link, link->hellos == 2);
    ck_assert_str_ne(link->hello.session, session);
    ck_assert_str_eq(agent_end_session(link->agent), link->hello.session);
    ck_assert_uint_eq(link->hello.last_id, 0);
    uint64_t n = link->n_data;
    LINK_UNTIL(link, link->n_data > n + 10);
    end(link);
}
END_TEST

START_TEST(limits_reject_and_never_clamp)
{
    struct link *link = open_link();
    link->instrument_options.limits.range[ACTION_PULSE][0] = (struct action_range){-4, 4};
    start(link);
    struct command pulse = link_pulse(1);
    pulse.action.voltage_v = 4.0001;
    order(link, pulse);
    expect_event(link, 1, 0, COMMAND_REJECTED);
    ck_assert_str_eq(link_event(link, 1, 0)->text, "pulse voltage 4.0001 V is outside -4 .. 4 V");
    struct command neck = link_command(2, COMMAND_ACTION);
    neck.action = action_default(ACTION_NECK);
    order(link, neck);
    expect_event(link, 2, 0, COMMAND_REJECTED);
    ck_assert_str_eq(link_event(link, 2, 0)->text, "neck is not allowed here");
    ck_assert_int_eq(link->fake.begun, 0);
    /* The hello told so. */
    ck_assert_int_eq(link->hello.limits.allowed[ACTION_NECK], 0);
    ck_assert_double_eq(link->hello.limits.range[ACTION_PULSE][0].max, 4);
    end(link);
}
END_TEST

START_TEST(lost_lines_come_again_marked_late)
{
    struct link *link = open_link();
    start(link);
    LINK_UNTIL(link, link->n_data >= 6);
    struct command resend = link_command(COMMAND_ID_FREE, COMMAND_RESEND);
    resend.from_seq = 2;
    resend.to_seq = 4;
    order(link, resend);
    expect_event(link, COMMAND_ID_FREE, 0, COMMAND_DONE);
    LINK_UNTIL(link, link->n_late == 3);
    ck_assert_uint_eq(link->late_seq, 4);
    ck_assert_double_eq(link->late_sample, 1 + 2);
    ck_assert_int_eq(link->bad, 0);
    /* Only two scans are kept. */
    LINK_UNTIL(link, link->last_data.line.scan >= 5);
    resend.id++;
    order(link, resend);
    expect_event(link, resend.id, 0, COMMAND_FAILED);
    ck_assert_uint_eq(link->n_late, 3);
    end(link);
}
END_TEST

START_TEST(real_and_simulated_do_not_mix)
{
    struct link *link = open_link();
    start(link);
    link_close_instrument(link);
    memset(&link->fake, 0, sizeof(link->fake));
    link->fake.real = true;
    link_open_instrument(link);
    LINK_UNTIL(link, link->refused > 0);
    ck_assert_int_eq(link->hellos, 1);
    ck_assert_ptr_nonnull(strstr(link->bad_text, "do not mix"));
    end(link);
}
END_TEST

/* Nobody reads for a while: queues are bounded, and what was dropped is confessed. */
START_TEST(full_queues_drop_and_confess)
{
    struct link *link = open_link();
    link->agent_options.lease_ms = 10000;
    link->instrument_options.time_scale = 100000;
    link->do_not_ack = true;
    start(link);
    uint64_t target = link->fake.scan + 3000;
    while (link->fake.scan < target)
        link_step_instrument(link);
    LINK_UNTIL(link, link->gaps > 0 && link->status.dropped > 0);
    /* From the first message to the newest, every number was seen or confessed. */
    ck_assert_uint_eq(link->covered, link->next_seq - 1);
    ck_assert_uint_lt(link->n_data, link->next_seq - 1);
    ck_assert_int_eq(link->out_of_order, 0);
    ck_assert_int_eq(link->safe_states, 0);
    end(link);
}
END_TEST

START_TEST(released_lease_parks_the_instrument)
{
    struct link *link = open_link();
    link->agent_options.lease_ms = 1000;
    start(link);
    agent_end_release(link->agent);
    LINK_UNTIL(link, link->safe_states == 1);
    for (int i = 0; i < 1000; i++)
        link_step(link);
    ck_assert_int_eq(link->hellos, 1);
    end(link);
}
END_TEST

static void send_junk(void *zmq, const char *const *frames)
{
    for (int i = 0; frames[i]; i++)
        ck_assert_int_ge(
            zmq_send(zmq, frames[i], strlen(frames[i]), frames[i + 1] ? ZMQ_SNDMORE : 0), 0);
}

static void *connect_stranger(struct link *link, int type, const char *id, const char *endpoint)
{
    void *zmq = zmq_socket(link->agent_side.zmq, type);
    int linger = 0;
    zmq_setsockopt(zmq, ZMQ_LINGER, &linger, sizeof(linger));
    if (id)
        zmq_setsockopt(zmq, ZMQ_ROUTING_ID, id, strlen(id));
    ck_assert_int_eq(zmq_connect(zmq, endpoint), 0);
    return zmq;
}

/* Whatever comes through the doors: each piece is complained about, and the night goes on. */
START_TEST(junk_is_refused_and_survived)
{
    static const char *const data[][12] = {
        {"one frame", NULL},
        {"not JSON", "x", NULL},
        {"{}", "", NULL},
        {"a", "b", "c", NULL},
        {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", NULL},
        {"{\"proto\":\"tipwright.data/9.0\"}", "", NULL},
    };
    static const char *const control[][5] = {
        {"{}", NULL},
        {"TWC1", "not JSON", NULL},
        {"TWC1", "{\"type\":\"hello\"}", NULL},
        {"TWC1", "{\"type\":\"ping\",\"session\":\"0123456789abcdef\"}", NULL},
        {"TWC2", "{}", NULL},
    };
    enum { DATA = sizeof(data) / sizeof(data[0]), CONTROL = sizeof(control) / sizeof(control[0]) };
    struct link *link = open_link();
    start(link);
    void *push = connect_stranger(link, ZMQ_PUSH, NULL, link->data_endpoint);
    void *dealer = connect_stranger(link, ZMQ_DEALER, "stranger", link->command_endpoint);
    for (int i = 0; i < DATA; i++)
        send_junk(push, data[i]);
    for (int i = 0; i < CONTROL; i++)
        send_junk(dealer, control[i]);
    LINK_UNTIL(link, link->bad == DATA + CONTROL);
    uint64_t n = link->n_data;
    LINK_UNTIL(link, link->n_data > n + 50);
    ck_assert_int_eq(link->hellos, 1);
    ck_assert_int_eq(link->lost, 0);
    ck_assert_int_eq(link->out_of_order, 0);
    zmq_close(push);
    zmq_close(dealer);
    end(link);
}
END_TEST

/* An agent that sends what an instrument must not take. */
START_TEST(instrument_refuses_what_it_cannot_read)
{
    static const char unknown_parameter[] =
        "{\"type\":\"command\",\"verb\":\"action\",\"id\":7,\"epoch\":1,\"session\":\"%s\","
        "\"base_host_ns\":%lld,\"ttl_ms\":5000,\"action\":{\"kind\":\"retract\","
        "\"coarse_steps\":0,\"lateral_steps\":0,\"force\":1}}";
    struct link *link = open_link();
    char buf[1024];
    int size = 0;
    void *context = zmq_ctx_new();
    void *router = zmq_socket(context, ZMQ_ROUTER), *pull = zmq_socket(context, ZMQ_PULL);
    size_t length = sizeof(link->command_endpoint);
    zmq_bind(router, "tcp://127.0.0.1:*");
    zmq_bind(pull, "tcp://127.0.0.1:*");
    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, link->command_endpoint, &length);
    length = sizeof(link->data_endpoint);
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, link->data_endpoint, &length);
    link_open_instrument(link);
    bool asked = false, refused = false;
    uint64_t give_up = uv_hrtime() + UINT64_C(20000000000);
    while (!refused && uv_hrtime() < give_up) {
        link_step_instrument(link);
        size = zmq_recv(router, buf, sizeof(buf) - 1, ZMQ_DONTWAIT);
        if (size < 0)
            continue;
        buf[size] = '\0';
        const char *session = strstr(buf, "\"session\":\"");
        if (!asked && session) {
            char json[512], id[17];
            memcpy(id, session + 11, 16);
            id[16] = '\0';
            snprintf(json, sizeof(json), unknown_parameter, id, (long long)uv_hrtime());
            zmq_send(router, "instrument", 10, ZMQ_SNDMORE);
            zmq_send(router, "TWC1", 4, ZMQ_SNDMORE);
            zmq_send(router, json, strlen(json), 0);
            asked = true;
        }
        refused = strstr(buf, "\"rejected\"") && strstr(buf, "\"id\":7");
    }
    ck_assert(refused);
    ck_assert_int_eq(link->fake.begun, 0);
    zmq_close(router);
    zmq_close(pull);
    link_close_instrument(link);
    zmq_ctx_term(context);
    free(link);
}
END_TEST

START_TEST(unsafe_endpoints_and_leases_are_refused)
{
    struct link_side side = {0};
    struct link *link = open_link();
    struct agent_end *agent;
    struct microscope_end *instrument;
    const struct agent_end_callbacks none = {0};
    const struct microscope_end_callbacks no_callbacks = {0};
    link_open_agent(link);
    side = link->agent_side;
    struct agent_end_options options = {.data_endpoint = "tcp://0.0.0.0:*",
                                        .command_endpoint = "tcp://127.0.0.1:*",
                                        .policy_hash = "",
                                        .lease_ms = 3000};
    ck_assert_int_eq(agent_end_create(side.hub, &options, &none, NULL, &agent), -EPERM);
    options.data_endpoint = "tcp://127.0.0.1:*";
    options.command_endpoint = "tcp://*:*";
    ck_assert_int_eq(agent_end_create(side.hub, &options, &none, NULL, &agent), -EPERM);
    options.command_endpoint = "tcp://127.0.0.1:*";
    options.lease_ms = 20;
    ck_assert_int_eq(agent_end_create(side.hub, &options, &none, NULL, &agent), -EINVAL);
    struct microscope_end_options far = {.data_endpoint = "tcp://127.0.0.1:1",
                                         .command_endpoint = "tcp://10.0.42.2:5555"};
    ck_assert_int_eq(microscope_end_create(side.hub, &far, fake_microscope(&link->fake),
                                           &no_callbacks, NULL, &instrument),
                     -EPERM);
    far.command_endpoint = "tcp://127.0.0.1:2";
    far.time_scale = -1;
    ck_assert_int_eq(microscope_end_create(side.hub, &far, fake_microscope(&link->fake),
                                           &no_callbacks, NULL, &instrument),
                     -EINVAL);
    end(link);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ends of the link");
    TCase *tests = tcase_create("ends");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, gated_lines_arrive_in_order_and_only_when_acked);
    tcase_add_test(tests, paced_lines_come_by_themselves);
    tcase_add_test(tests, idle_gated_time_passes_with_notes);
    tcase_add_test(tests, action_life_cycle);
    tcase_add_test(tests, repeated_id_runs_once);
    tcase_add_test(tests, one_change_at_a_time_and_abort_overtakes);
    tcase_add_test(tests, safe_retract_overtakes_and_ends_the_scan);
    tcase_add_test(tests, frozen_instrument_does_not_act_late);
    tcase_add_test(tests, lost_lease_is_the_safe_state_until_told_otherwise);
    tcase_add_test(tests, frozen_instrument_is_noticed);
    tcase_add_test(tests, restarted_agent_finds_the_session_and_its_ids);
    tcase_add_test(tests, restarted_instrument_is_another_session);
    tcase_add_test(tests, limits_reject_and_never_clamp);
    tcase_add_test(tests, lost_lines_come_again_marked_late);
    tcase_add_test(tests, real_and_simulated_do_not_mix);
    tcase_add_test(tests, full_queues_drop_and_confess);
    tcase_add_test(tests, released_lease_parks_the_instrument);
    tcase_add_test(tests, junk_is_refused_and_survived);
    tcase_add_test(tests, instrument_refuses_what_it_cannot_read);
    tcase_add_test(tests, unsafe_endpoints_and_leases_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A simulated microscope served over real sockets to a small agent that acts once. */
#include "instrument/agent_end.h"
#include "sim/serve.h"
#include "sim/simulated.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <zmq.h>

enum { ACT_AFTER = 30, INTERRUPT_AFTER = 100 };

/* The instrument's side, in a thread of its own as it would be in its own process. */
struct instrument {
    struct serve_options serve;
    struct simulated_options sim;
    pthread_t thread;
    int result;
};

static void ignore_note(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static void *run_instrument(void *arg)
{
    struct instrument *instrument = arg;
    struct simulated *sim;
    char error[SERVE_ERROR_MAX];
    if (simulated_create(&instrument->sim, &sim) < 0)
        abort();
    instrument->result = serve(simulated_microscope(sim), &instrument->serve, error, sizeof(error));
    simulated_destroy(sim);
    return NULL;
}

/* The agent's side. */
struct agent {
    uv_loop_t loop;
    void *zmq;
    struct zsock_hub *hub;
    struct agent_end *end;
    uv_timer_t watch;
    struct instrument *instrument;
    bool interrupt;
    unsigned lines, done, ended_by_stop;
    uint64_t hash;
    bool acted, interrupted, over;
};

static void fold(struct agent *agent, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        agent->hash = (agent->hash ^ bytes[i]) * 1099511628211u;
}

static void act(struct agent *agent)
{
    struct command command = {.verb = COMMAND_ACTION, .id = 1, .epoch = 1, .ttl_ms = 5000};
    command.action = action_default(ACTION_CRASH);
    command.action.depth_m = 2e-9;
    agent->acted = true;
    ck_assert_int_eq(agent_end_send(agent->end, &command), 0);
}

static void on_data(void *ctx, const struct data_message *message)
{
    struct agent *agent = ctx;
    fold(agent, &message->line.t_inst_ns, sizeof(message->line.t_inst_ns));
    if (message->type == DATA_LINE) {
        agent->lines++;
        fold(agent, message->line.samples, message->line.points * sizeof(double));
    }
    agent->ended_by_stop +=
        message->type == DATA_SCAN_END && message->end_reason == SCAN_END_STOPPED;
    if (agent->lines == ACT_AFTER && !agent->acted)
        act(agent);
    if (agent->lines == INTERRUPT_AFTER && agent->interrupt && !agent->interrupted) {
        agent->interrupted = true;
        ck_assert_int_eq(kill(getpid(), SIGINT), 0);
    }
    agent_end_ack(agent->end, message->line.seq);
}

static void on_event(void *ctx, const struct command_event *event)
{
    struct agent *agent = ctx;
    agent->done += event->state == COMMAND_DONE;
}

static void on_lost(void *ctx)
{
    struct agent *agent = ctx;
    agent->over = true;
}

static void nothing_hello(void *ctx, const struct instrument_hello *hello)
{
    (void)ctx;
    ck_assert(hello->simulated);
    ck_assert_str_eq(hello->name, "simulated microscope");
}

static void nothing_status(void *ctx, const struct instrument_status *status)
{
    (void)ctx;
    (void)status;
}

static void on_bad_data(void *ctx, const char *why)
{
    (void)ctx;
    ck_abort_msg("%s", why);
}

static void close_hub(void *ctx)
{
    struct agent *agent = ctx;
    zsock_hub_close(agent->hub, NULL, NULL);
}

/* The instrument's thread ends by itself; its silence ends the agent. */
static void on_watch(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    if (!agent->over)
        return;
    uv_close((uv_handle_t *)timer, NULL);
    agent_end_close(agent->end, close_hub, agent);
}

/* Two minutes of instrument time; returns what the agent has seen. */
static struct agent night(double time_scale, bool interrupt)
{
    static struct instrument instrument;
    static const struct agent_end_callbacks callbacks = {.hello = nothing_hello,
                                                         .data = on_data,
                                                         .bad_data = on_bad_data,
                                                         .event = on_event,
                                                         .status = nothing_status,
                                                         .lost = on_lost};
    char data[80], command[80];
    struct agent agent = {.instrument = &instrument, .interrupt = interrupt, .hash = 1};
    struct agent_end_options end = {.data_endpoint = "tcp://127.0.0.1:*",
                                    .command_endpoint = "tcp://127.0.0.1:*",
                                    .policy_hash = "",
                                    .lease_ms = 900};
    agent.zmq = zmq_ctx_new();
    ck_assert_int_eq(uv_loop_init(&agent.loop), 0);
    ck_assert_int_eq(zsock_hub_create(&agent.loop, agent.zmq, &agent.hub), 0);
    ck_assert_int_eq(agent_end_create(agent.hub, &end, &callbacks, &agent, &agent.end), 0);
    ck_assert_int_eq(agent_end_endpoints(agent.end, data, command, sizeof(data)), 0);
    uv_timer_init(&agent.loop, &agent.watch);
    agent.watch.data = &agent;
    uv_timer_start(&agent.watch, on_watch, 10, 10);

    serve_options_default(&instrument.serve);
    simulated_options_default(&instrument.sim);
    instrument.serve.data_endpoint = data;
    instrument.serve.command_endpoint = command;
    instrument.serve.time_scale = time_scale;
    instrument.serve.note = ignore_note;
    instrument.sim.points = 64;
    instrument.sim.duration_ns = INT64_C(120000000000);
    ck_assert_int_eq(pthread_create(&instrument.thread, NULL, run_instrument, &instrument), 0);
    uv_run(&agent.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&agent.loop), 0);
    pthread_join(instrument.thread, NULL);
    zmq_ctx_term(agent.zmq);
    return agent;
}

START_TEST(gated_nights_are_the_same_to_the_bit)
{
    struct agent a = night(0, false), b = night(0, false);
    ck_assert_uint_gt(a.lines, 600);
    ck_assert_uint_eq(a.done, 1);
    ck_assert_uint_eq(a.ended_by_stop, 1);
    ck_assert_uint_eq(a.lines, b.lines);
    ck_assert_uint_eq(a.hash, b.hash);
    ck_assert_int_eq(a.instrument->result, 0);
}
END_TEST

START_TEST(paced_it_runs_to_its_end_too)
{
    struct agent a = night(100, false);
    ck_assert_uint_gt(a.lines, 600);
    ck_assert_uint_eq(a.done, 1);
    ck_assert_int_eq(a.instrument->result, 0);
}
END_TEST

START_TEST(sigint_ends_it_in_order)
{
    struct agent a = night(0, true);
    ck_assert(a.interrupted);
    ck_assert_uint_ge(a.lines, INTERRUPT_AFTER);
    ck_assert_int_eq(a.instrument->result, -EINTR);
}
END_TEST

START_TEST(speeds_are_read_strictly)
{
    double speed = -1;
    ck_assert_int_eq(serve_read_speed("max", &speed), 0);
    ck_assert_double_eq(speed, 0);
    ck_assert_int_eq(serve_read_speed("2.5", &speed), 0);
    ck_assert_double_eq(speed, 2.5);
    static const char *const bad[] = {"", "0", "-1", "1x", "nan", "inf", "fast"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(serve_read_speed(bad[i], &speed), -EINVAL);
}
END_TEST

START_TEST(without_keys_no_other_machine_is_reached)
{
    struct simulated_options options;
    struct serve_options serve_options;
    struct simulated *sim;
    char error[SERVE_ERROR_MAX] = "";
    simulated_options_default(&options);
    serve_options_default(&serve_options);
    serve_options.note = ignore_note;
    serve_options.data_endpoint = "tcp://192.0.2.1:47101";
    ck_assert_int_eq(simulated_create(&options, &sim), 0);
    ck_assert_int_eq(serve(simulated_microscope(sim), &serve_options, error, sizeof(error)),
                     -EPERM);
    ck_assert_ptr_nonnull(strstr(error, "192.0.2.1"));
    simulated_destroy(sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/serve");
    TCase *tcase = tcase_create("serve");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, gated_nights_are_the_same_to_the_bit);
    tcase_add_test(tcase, paced_it_runs_to_its_end_too);
    tcase_add_test(tcase, sigint_ends_it_in_order);
    tcase_add_test(tcase, speeds_are_read_strictly);
    tcase_add_test(tcase, without_keys_no_other_machine_is_reached);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
